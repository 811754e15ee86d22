//! Every indicator over a made-up walk: per closed bar, and per trade or change of the touch.
//!
//! A body makes its instrument, then pushes the whole series; with some thousand rows the making does not
//! weigh. The pushes run with the allocation guard armed, so a test that installs its allocator proves
//! that none of them allocates.

use paperwire_core::board::{Board, Indicator};
use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::Qty;
use paperwire_core::time::DurationNs;
use paperwire_core::trade::TradeTape;
use paperwire_rt::alloc_guard;
use paperwire_signals::adx::Adx;
use paperwire_signals::atr::Atr;
use paperwire_signals::average::Ema;
use paperwire_signals::bands::Bollinger;
use paperwire_signals::board::BoardMaker;
use paperwire_signals::channel::{Donchian, Keltner, Squeeze};
use paperwire_signals::choppiness::Choppiness;
use paperwire_signals::correlation::ReturnCorrelation;
use paperwire_signals::cumulative::{Cvd, Obv};
use paperwire_signals::flow::fresh_flow;
use paperwire_signals::ichimoku::Ichimoku;
use paperwire_signals::intensity::TradeIntensity;
use paperwire_signals::kalman::Kalman;
use paperwire_signals::macd::Macd;
use paperwire_signals::mid_variance::MidVariance;
use paperwire_signals::moves::MoveCounter;
use paperwire_signals::ofi::Ofi;
use paperwire_signals::pairs::PairWindow;
use paperwire_signals::profile::VolumeProfile;
use paperwire_signals::regime::{ADAPTIVE_CUTS, RegimeMonitor, RegimeRule, ReturnVolatility};
use paperwire_signals::reversion::{half_life, variance_ratio};
use paperwire_signals::rsi::{Rsi, RsiCutler};
use paperwire_signals::sizes::SizeSketch;
use paperwire_signals::slope::Slope;
use paperwire_signals::stochastic::Stochastic;
use paperwire_signals::supertrend::SuperTrend;
use paperwire_signals::volatility::{Garch, RealisedVolatility};
use paperwire_signals::volume::{DailyVolume, VolumeRatio, VolumeSpike};
use paperwire_signals::vpin::Vpin;
use paperwire_signals::vwap::RollingVwap;
use paperwire_signals::wavetrend::WaveTrend;
use paperwire_signals::window::Sma;

use crate::walk::{Row, Series};

/// What a body did.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Sum of the values, so that none is left out.
    pub sum: f64,
    /// Rows that had one.
    pub answers: u64,
    /// Allocations of the pushes, when the guard is installed.
    pub allocs: u64,
}

/// Pushes a whole series through one instrument.
pub type Body = fn(&Series) -> Run;

fn each(series: &Series, mut push: impl FnMut(&Row) -> Option<f64>) -> Run {
    let ((sum, answers), allocs) = alloc_guard::count(|| {
        let values = series.rows.iter().filter_map(&mut push);
        values.fold((0.0, 0), |(sum, answers), value| (sum + value, answers + 1))
    });
    Run { sum, answers, allocs }
}

/// A body that makes `$of` once and pushes `$row`.
macro_rules! body {
    ($of:ident = $new:expr, $row:ident => $push:expr) => {
        |series| {
            let mut $of = $new;
            each(series, |$row| $push)
        }
    };
}

/// Per closed bar, by name.
pub const PER_BAR: &[(&str, Body)] = &[
    ("board of 29", board),
    ("sma 20", body!(of = Sma::new(20), row => of.push(row.close))),
    ("ema 21", body!(of = Ema::new(21), row => of.push(row.close))),
    (
        "bollinger 20",
        body!(of = Bollinger::new(20, 2.0), row => of.push(row.close).map(|b| b.upper)),
    ),
    ("rsi 14", body!(of = Rsi::new(14), row => of.push(row.close))),
    ("rsi 14, Cutler", body!(of = RsiCutler::new(14), row => of.push(row.close))),
    ("macd 12 26 9", body!(of = Macd::new(12, 26, 9), row => of.push(row.close))),
    ("slope 20", body!(of = Slope::new(20), row => of.push(row.close))),
    ("moves 10", body!(of = MoveCounter::new(10), row => of.push(row.close))),
    ("atr 14", body!(of = Atr::new(14), row => of.push(row.high, row.low, row.close))),
    ("adx 14", body!(of = Adx::new(14), row => of.push(row.high, row.low, row.close))),
    (
        "choppiness 14",
        body!(of = Choppiness::new(14), row => of.push(row.high, row.low, row.close)),
    ),
    (
        "stochastic 14 3 3",
        body!(of = Stochastic::new(14, 3, 3), row => of.push(row.high, row.low, row.close).map(|v| v.0)),
    ),
    (
        "donchian 20",
        body!(of = Donchian::new(20), row => of.push(row.high, row.low).map(|b| b.mid)),
    ),
    (
        "keltner 20",
        body!(of = Keltner::new(20, 1.5, 20), row => of.push(row.high, row.low, row.close).map(|b| b.mid)),
    ),
    (
        "squeeze 20",
        body!(of = Squeeze::new(20, 2.0, 1.5), row => of.push(row.high, row.low, row.close).map(f64::from)),
    ),
    (
        "supertrend 10",
        body!(of = SuperTrend::new(10, 3.0), row => of.push(row.high, row.low, row.close).map(|t| t.line)),
    ),
    (
        "ichimoku 9 26 52",
        body!(of = Ichimoku::new(9, 26, 52), row => of.push(row.high, row.low, row.close).map(|r| r.kijun)),
    ),
    (
        "wavetrend",
        body!(of = WaveTrend::default(), row => of.push(row.high, row.low, row.close).map(|v| v.0)),
    ),
    ("wavetrend and divergence", wavetrend_divergence),
    ("volume ratio 20", body!(of = VolumeRatio::new(20), row => of.push(row.bar.volume))),
    ("volume spike 3 20", body!(of = VolumeSpike::new(3, 20), row => of.push(row.bar.volume))),
    (
        "daily volume",
        body!(of = DailyVolume::default(), row => { of.push(row.bar.volume); of.value() }),
    ),
    (
        "vwap 20",
        body!(of = RollingVwap::new(20), row => of.push(row.bar.vwap, row.bar.volume).map(|v| v.sigma)),
    ),
    (
        "volume profile 100",
        body!(of = VolumeProfile::new(100, 0.000_5), row => of.push(row.high, row.low, row.bar.volume).then_some(1.0)),
    ),
    ("volume profile 100 and area", profile_area),
    (
        "on-balance volume",
        body!(of = Obv::default(), row => Some(of.push(row.bar.close, row.bar.volume) as f64)),
    ),
    ("volatility 20", body!(of = ReturnVolatility::new(20), row => of.push(row.close))),
    ("realised volatility 20", body!(of = RealisedVolatility::new(20), row => of.push(row.close))),
    (
        "garch",
        body!(of = Garch::new(0.02, 0.08, 0.9).expect("it is one"), row => of.push(row.close)),
    ),
    ("kalman", body!(of = Kalman::new(1.0, 1.0), row => of.push(row.close).map(|u| u.level))),
    ("regime", regime),
    (
        "correlation 20 with trend 10",
        body!(of = ReturnCorrelation::new(20, 10), row => of.push(row.close, row.other)),
    ),
    ("hedge 200, O(n)", hedge),
    ("engle-granger 200, O(n)", engle_granger),
    (
        "half-life 200, O(n)",
        body!(of = FixedRing::new(200), row => { of.push(row.close.ln()); half_life(&of).ok() }),
    ),
    (
        "variance ratio 8 of 200, O(n)",
        body!(of = FixedRing::new(200), row => { of.push(row.close.ln()); variance_ratio(&of, 8).ok() }),
    ),
];

/// Per trade or change of the touch, by name.
pub const PER_TRADE: &[(&str, Body)] = &[
    ("flow of 50", flow),
    ("vpin 50", vpin),
    (
        "order-flow imbalance",
        body!(of = Ofi::new(2), row => { of.push(&row.bbo, row.trade.at); of.value() }),
    ),
    (
        "volume delta",
        body!(of = Cvd::default(), row => Some(of.push(row.trade.taker, row.trade.qty) as f64)),
    ),
    (
        "sizes 100",
        body!(of = SizeSketch::new(100), row => { of.push(row.trade.qty); of.top_share() }),
    ),
    ("intensity", intensity),
    (
        "mid variance",
        body!(of = MidVariance::new(120.0, 0.0), row => of.push(row.close, row.trade.at)),
    ),
];

fn board(series: &Series) -> Run {
    let mut board = Board::default();
    let mut maker = BoardMaker::new(&mut board);
    each(series, |row| {
        maker.push(&row.bar, &series.of, &mut board);
        board.get(Indicator::MaAlignment).ok()
    })
}

fn wavetrend_divergence(series: &Series) -> Run {
    let mut of = WaveTrend::default();
    each(series, |row| {
        of.push(row.high, row.low, row.close)?;
        Some(f64::from(u8::from(of.divergence(-60.0, 60.0).is_some())))
    })
}

fn profile_area(series: &Series) -> Run {
    let mut of = VolumeProfile::new(100, 0.000_5);
    each(series, |row| {
        of.push(row.high, row.low, row.bar.volume);
        of.value_area(0.7, 1).map(|area| area.control)
    })
}

fn regime(series: &Series) -> Run {
    let mut of = RegimeMonitor::new(RegimeRule::Adaptive(ADAPTIVE_CUTS));
    each(series, |row| of.push(row.close).map(|regime| f64::from(regime as u8)))
}

fn hedge(series: &Series) -> Run {
    let mut of = PairWindow::new(200);
    each(series, |row| {
        of.push(row.other.ln(), row.close.ln());
        of.line().ok().map(|line| line.slope)
    })
}

fn engle_granger(series: &Series) -> Run {
    let mut of = PairWindow::new(200);
    each(series, |row| {
        of.push(row.other.ln(), row.close.ln());
        of.tau().ok()
    })
}

fn flow(series: &Series) -> Run {
    let mut tape = TradeTape::new();
    each(series, |row| {
        tape.push(&row.trade);
        fresh_flow(&tape, 50, row.trade.at, DurationNs::from_secs(900))?.imbalance()
    })
}

fn vpin(series: &Series) -> Run {
    let mut of = Vpin::new(50);
    of.set_bucket(Qty::new(1_000_000));
    each(series, |row| {
        of.push(row.trade.taker, row.trade.qty);
        of.value()
    })
}

fn intensity(series: &Series) -> Run {
    let mut of = TradeIntensity::default();
    each(series, |row| {
        let price = series.of.px_f64(row.trade.px);
        of.push(price, row.close, row.trade.at).map(|fit| fit.kappa)
    })
}
