use super::*;
use crate::event::{GapReason, Seq, Stamps};
use crate::instrument::TradingStatus;
use crate::ladder::BookSide;
use crate::num::Qty;

fn instrument(base: &str, quote: &str, price_precision: u8) -> Instrument {
    Instrument {
        name: crate::instrument::SymbolName::from(&format!("{base}/{quote}")).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

pub(crate) fn market() -> MarketState {
    let instruments =
        [instrument("BTC", "USD", 1), instrument("XRP", "USD", 5), instrument("XRP", "BTC", 8)];
    MarketState::new(&instruments, 10, BarRules::default(), &AssetName::from("USD").unwrap())
}

pub(crate) fn event(symbol: u16, kind: MarketKind) -> MarketEvent {
    let (seq, exch, stamps) = (Seq(1), ExchNs::new(1), Stamps::default());
    let symbol = kind.has_symbol().then_some(SymbolId(symbol));
    MarketEvent { seq, exch, stamps, symbol, kind }
}

pub(crate) fn snapshot(bid: i64, ask: i64) -> MarketKind {
    let mut batch = LevelBatch::new(true);
    batch.push(BookSide::Bid, Level { px: Px::new(bid), qty: Qty::new(5) });
    batch.push(BookSide::Ask, Level { px: Px::new(ask), qty: Qty::new(5) });
    batch.is_last = true;
    MarketKind::Reset(batch)
}

#[test]
fn a_book_is_seen_only_while_live() {
    let mut market = market();
    let apply = |market: &mut MarketState, kind| market.apply(&event(0, kind), &mut |_, _| ());
    assert!(market.view().symbol(SymbolId(0)).book().is_none());
    assert_eq!(apply(&mut market, snapshot(100, 102)), Change::Book);
    assert!(market.view().symbol(SymbolId(0)).book().is_some());
    for (status, is_live) in [
        (SymbolStatus::Stale, false),
        (SymbolStatus::Live, true),
        (SymbolStatus::Resync, false),
        (SymbolStatus::Live, false), // only a snapshot ends a resync
    ] {
        apply(&mut market, MarketKind::Status(status));
        assert_eq!(market.view().symbol(SymbolId(0)).book().is_some(), is_live, "{status:?}");
    }
    assert_eq!(apply(&mut market, snapshot(100, 102)), Change::Book);
    let gap =
        SymbolStatus::Gap { from: ExchNs::new(1), to: ExchNs::new(2), reason: GapReason::Checksum };
    apply(&mut market, MarketKind::Status(gap));
    assert_eq!(market.view().symbol(SymbolId(0)).gaps(), 1);
}

#[test]
fn a_bitcoin_quoted_pair_is_valued_through_its_leg() {
    let mut market = market();
    assert_eq!(market.view().quote_rate(SymbolId(2)), None, "no live BTC/USD yet");
    market.apply(&event(0, snapshot(1_000_000, 1_000_010)), &mut |_, _| ());
    assert_eq!(market.view().quote_rate(SymbolId(2)), Some(Money::from_num(100_000.5)));
    assert_eq!(market.view().quote_rate(SymbolId(1)), Some(Money::ONE));
}

#[test]
fn regimes_and_sentiment_are_seen_as_set_and_change_nothing_else() {
    let mut market = market();
    assert_eq!(market.view().regime(SymbolId(1)), None);
    assert_eq!((market.view().market_regime(), market.view().sentiment()), (None, None));
    let sentiment =
        Sentiment { fear_greed: Some(7), btc_dominance: Some(58.5), taken_at: ExchNs::new(3) };
    let change = market.apply(&event(0, MarketKind::Sentiment(sentiment)), &mut |_, _| ());
    assert_eq!((change, market.view().sentiment()), (Change::Silent, Some(&sentiment)));
    let regime = SymbolRegime { adx: 30.0, ..SymbolRegime::default() };
    market.set_regime(SymbolId(1), regime);
    market.set_market_regime(MarketRegime { symbols: 1, ..MarketRegime::default() });
    assert_eq!(market.view().regime(SymbolId(1)), Some(&regime));
    assert_eq!(market.view().regime(SymbolId(0)), None);
    assert_eq!(market.view().market_regime().map(|all| all.symbols), Some(1));
}
