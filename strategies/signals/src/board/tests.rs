use paperwire_core::board::NotReady;
use paperwire_core::instrument::TradingStatus;
use paperwire_core::num::{Money, Px, Qty};
use proptest::prelude::*;

use super::*;
use crate::golden::{GoldenBar, assert_close, bars, random_bars};
use crate::naive;

fn instrument() -> Instrument {
    Instrument {
        name: "BTC/USD".try_into().unwrap(),
        base: "BTC".try_into().unwrap(),
        quote: "USD".try_into().unwrap(),
        price_precision: 8,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

fn bar(of: &GoldenBar) -> Bar {
    let px = |price: f64| instrument().px_from_f64(price).unwrap();
    let (high, low, close) = (px(of.high), px(of.low), px(of.close));
    Bar { open: close, high, low, close, volume: Qty::new(of.volume), ..Bar::default() }
}

/// The batch form of every indicator.
fn batch(indicator: Indicator, bars: &[GoldenBar]) -> Option<f64> {
    let xs = naive::closes(bars);
    let close = *xs.last()?;
    let sigma = || Some(naive::sigma(naive::newest(&xs, 20)?));
    let lines = naive::macd_line(&xs, 12, 26);
    let signal = || naive::ema(&lines, 9);
    match indicator {
        Indicator::Sma20 => naive::sma(&xs, 20),
        Indicator::Sma50 => naive::sma(&xs, 50),
        Indicator::Sma200 => naive::sma(&xs, 200),
        Indicator::Ema9 => naive::ema(&xs, 9),
        Indicator::Ema12 => naive::ema(&xs, 12),
        Indicator::Ema21 => naive::ema(&xs, 21),
        Indicator::Ema50 => naive::ema(&xs, 50),
        Indicator::Ema200 => naive::ema(&xs, 200),
        Indicator::Rsi7 => naive::rsi(&xs, 7),
        Indicator::Rsi14 => naive::rsi(&xs, 14),
        Indicator::Adx14 => naive::adx(bars, 14),
        Indicator::PlusDi14 => naive::directions(bars, 14).last().map(|di| di.0),
        Indicator::MinusDi14 => naive::directions(bars, 14).last().map(|di| di.1),
        Indicator::Atr14 => naive::atr(bars, 14),
        Indicator::AtrPct14 => naive::atr(bars, 14).map(|atr| 100.0 * atr / close),
        Indicator::BollingerUpper => Some(naive::sma(&xs, 20)? + 2.0 * sigma()?),
        Indicator::BollingerLower => Some(naive::sma(&xs, 20)? - 2.0 * sigma()?),
        Indicator::Sigma20 => sigma(),
        Indicator::Z20 => naive::z(&xs, 20),
        Indicator::Macd => lines.last().copied(),
        Indicator::MacdSignal => signal(),
        Indicator::MacdHistogram => Some(lines.last()? - signal()?),
        Indicator::Choppiness14 => naive::choppiness(bars, 14),
        Indicator::Volatility20 => naive::volatility(&xs, 20),
        Indicator::VolumeRatio20 => naive::volume_over(bars, 1, 20),
        Indicator::VolumeSpike20 => naive::volume_over(bars, 3, 20),
        Indicator::TrendSlope20 => naive::slope_pct(&xs, 20),
        Indicator::TrendStrength10 => naive::strength_of_moves(&xs, 10),
        Indicator::MaAlignment => naive::alignment(&xs),
    }
}

/// Averages so close that the last digit of a running sum decides their order.
fn is_tied(bars: &[GoldenBar]) -> bool {
    let xs = naive::closes(bars);
    let averages = [1, 20, 50, 200].map(|n| naive::sma(&xs, n).unwrap_or(f64::NAN));
    let pairs = (0..4).flat_map(|a| (a + 1..4).map(move |b| (averages[a], averages[b])));
    pairs.into_iter().any(|(a, b)| (a - b).abs() <= 1e-9 * a.abs())
}

/// After every bar each indicator is its batch form, or says why it is not there.
fn walk(bars: &[GoldenBar]) -> Board {
    let mut board = Board::default();
    let mut maker = BoardMaker::new(&mut board);
    for end in 1..=bars.len() {
        maker.push(&bar(&bars[end - 1]), &instrument(), &mut board);
        let closed = u32::try_from(end).unwrap();
        for (indicator, need) in NEEDS {
            let (name, need) = (indicator.as_str(), u32::from(*need));
            match (board.get(*indicator), batch(*indicator, &bars[..end])) {
                (Ok(_), Some(_))
                    if *indicator == Indicator::MaAlignment && is_tied(&bars[..end]) => {}
                (Ok(got), Some(want)) => {
                    let error = (got - want).abs() / want.abs().max(1.0);
                    assert!(error <= 1e-9, "{name} after {end}: got {got}, want {want}");
                    assert!(closed >= need, "{name} after {end}");
                }
                (Err(NotReady::WarmingUp { bars, need: told }), None) => {
                    assert_eq!((bars, told), (closed, need), "{name}");
                    assert!(closed < need, "{name} after {end}");
                }
                (Err(NotReady::Undefined), None) => assert!(closed >= need, "{name} after {end}"),
                (got, want) => panic!("{name} after {end}: got {got:?}, want {want:?}"),
            }
        }
    }
    board
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_indicator_is_its_batch_form(bars in random_bars(205..215)) {
        walk(&bars);
    }
}

#[test]
fn golden() {
    let golden =
        bars().into_iter().map(|bar| GoldenBar { volume: bar.volume * 100_000_000, ..bar });
    let golden: Vec<_> = golden.collect();
    let mut board = Board::default();
    let mut maker = BoardMaker::new(&mut board);
    for of in &golden {
        maker.push(&bar(of), &instrument(), &mut board);
    }
    for (indicator, want) in [
        (Indicator::Sma20, 114.308_934_47),
        (Indicator::Sma200, 107.885_446_01),
        (Indicator::Ema9, 108.111_403_85),
        (Indicator::Ema21, 111.385_743_73),
        (Indicator::Rsi14, 19.950_896_53),
        (Indicator::Rsi7, 4.575_492_56),
        (Indicator::Adx14, 43.831_397_83),
        (Indicator::PlusDi14, 9.407_525_09),
        (Indicator::MinusDi14, 37.479_337_61),
        (Indicator::Atr14, 2.149_860_8),
        (Indicator::AtrPct14, 2.067_950_24),
        (Indicator::BollingerUpper, 126.506_595_55),
        (Indicator::BollingerLower, 102.111_273_38),
        (Indicator::Sigma20, 6.098_830_54),
        (Indicator::Z20, -1.696_715_55),
        (Indicator::Macd, -2.405_309_53),
        (Indicator::MacdSignal, -0.745_143_57),
        (Indicator::MacdHistogram, -1.660_165_96),
        (Indicator::Choppiness14, 23.276_961_05),
        (Indicator::Volatility20, 0.458_823_8),
        (Indicator::VolumeSpike20, 1.002_843_03),
        (Indicator::TrendSlope20, -0.910_951_35),
        (Indicator::TrendStrength10, -1.0),
        (Indicator::MaAlignment, 0.1),
    ] {
        assert_close(board.get(indicator).ok(), want, 1e-7);
    }
}

#[test]
fn a_lively_market_has_each_value_at_its_need_and_not_one_bar_before() {
    // Every bar of the golden series moves and trades.
    let golden = bars();
    let mut board = Board::default();
    let mut maker = BoardMaker::new(&mut board);
    for (closed, of) in (1..).zip(&golden) {
        maker.push(&bar(of), &instrument(), &mut board);
        for (indicator, need) in NEEDS {
            let need = u32::from(*need);
            let want = if closed < need {
                Err(NotReady::WarmingUp { bars: closed, need })
            } else {
                Ok(())
            };
            assert_eq!(
                board.get(*indicator).map(|_| ()),
                want,
                "{} after {closed}",
                indicator.as_str()
            );
        }
    }
    assert!(board.is_ready(Indicator::ALL));
}

#[test]
fn a_silence_ends() {
    let quiet = GoldenBar { high: 50.0, low: 50.0, close: 50.0, volume: 0 };
    let lively =
        |i: u32| GoldenBar { high: 52.0, low: 49.0, close: 50.0 + f64::from(i % 2), volume: 9 };
    let mut series = vec![quiet; 250];
    let dead = walk(&series);
    for indicator in [
        Indicator::Rsi14,
        Indicator::Z20,
        Indicator::Choppiness14,
        Indicator::VolumeRatio20,
        Indicator::VolumeSpike20,
        Indicator::TrendStrength10,
    ] {
        assert_eq!(dead.get(indicator), Err(NotReady::Undefined), "{}", indicator.as_str());
    }
    assert_eq!(dead.get(Indicator::Sma200), Ok(50.0));
    series.extend((1..12).map(lively));
    assert!(walk(&series).is_ready(Indicator::ALL));
}
