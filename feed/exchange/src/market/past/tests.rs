use super::*;
use crate::market::{Market, MarketConfig};
use paperwire_core::instrument::SymbolId;
use paperwire_core::time::DurationNs;

#[test]
fn the_past_fills_720_minutes_and_meets_the_start_price() {
    let mut market = Market::new(&MarketConfig::new(4)).unwrap();
    let start = market.now();
    for (index, listing) in market.listings().iter().enumerate() {
        let symbol = SymbolId(u16::try_from(index).unwrap());
        let history = market.history(symbol);
        let bars = history.bars(1, 720, start);
        assert_eq!(bars.len(), 720, "{}", listing.name());
        let last = listing.instrument.px_f64(bars[719].close);
        assert!((last / market.fair_price(symbol) - 1.0).abs() < 0.005, "{}", listing.name());
    }
    let btc = market.symbol("BTC/USD").unwrap();
    let before = market.history(btc).last().unwrap().trade_id;
    market.advance_to(start.plus(DurationNs::from_secs(60)), &mut Vec::new());
    let newer: Vec<_> = market.history(btc).trades_after(start).collect();
    assert_eq!(newer[0].trade_id, before + 1);
}

#[test]
fn every_interval_sums_up_the_same_trades() {
    let market = Market::new(&MarketConfig::new(6)).unwrap();
    let history = market.history(market.symbol("XRP/USD").unwrap());
    let volume: i64 = history.trades().map(|t| t.qty.raw()).sum();
    for minutes in INTERVALS {
        let bars = history.bars(minutes, 10_000, market.now());
        assert_eq!(bars.iter().map(|b| b.volume.raw()).sum::<i64>(), volume, "{minutes}");
        assert_eq!(bars.iter().map(|b| b.trades).sum::<u64>(), history.trades().len() as u64);
        assert_eq!(bars[0].open, history.trades().next().unwrap().px);
        assert!(
            bars.windows(2)
                .all(|w| { w[1].begin.raw() - w[0].begin.raw() == i64::from(minutes) * MINUTE_NS })
        );
        for bar in bars {
            assert!(bar.low <= bar.open.min(bar.close));
            assert!(bar.high >= bar.open.max(bar.close));
            assert!(bar.trades == 0 || (bar.low <= bar.vwap() && bar.vwap() <= bar.high));
        }
    }
}

#[test]
fn an_interval_without_trades_is_flat() {
    let trade = |trade_id, second: i64| Trade {
        trade_id,
        at: ExchNs::new(second * 1_000_000_000),
        px: Px::new(100 + i64::try_from(trade_id).unwrap()),
        qty: Qty::new(5),
        taker: OrderSide::Buy,
        ord_type: OrdType::Limit,
    };
    let mut history = History::default();
    history.record(&trade(1, 60));
    history.record(&trade(2, 61));
    history.record(&trade(3, 240));
    let bars = history.bars(1, 10, ExchNs::new(310_000_000_000));
    let brief: Vec<_> = bars.iter().map(|b| (b.close.raw(), b.trades)).collect();
    assert_eq!(brief, [(102, 2), (102, 0), (102, 0), (103, 1), (103, 0)]);
    assert_eq!(history.traded_bars(1, 10).len(), 2);
    assert_eq!(history.day().unwrap().trades, 3);
    assert_eq!(history.trades_after(ExchNs::new(61_000_000_000)).count(), 1);
}

#[test]
fn the_past_moves_like_the_live_market() {
    const MINUTES: usize = 90;
    let mut market = Market::new(&MarketConfig::new(3)).unwrap();
    let end = market.now().plus(DurationNs::from_secs(60 * MINUTES as u64));
    market.advance_to(end, &mut Vec::new());
    for index in 0..3 {
        let bars = market.history(SymbolId(index)).bars(1, 720 + MINUTES, end);
        let sigma = |bars: &[Bar]| {
            let log_px = |bar: &Bar| (bar.close.raw() as f64).ln();
            let moves: Vec<f64> = bars.windows(2).map(|w| log_px(&w[1]) - log_px(&w[0])).collect();
            (moves.iter().map(|x| x * x).sum::<f64>() / moves.len() as f64).sqrt()
        };
        let (past, live) = bars.split_at(720);
        let ratio = sigma(live) / sigma(past);
        assert!(
            (0.6..1.8).contains(&ratio),
            "{}: {ratio}",
            market.listings()[usize::from(index)].name()
        );
    }
}
