//! What the real book is like: figures of captures and of published work, and how far a model may stray.
//!
//! Sources. Kraken, 2026-08-02, 50 s of BTC/USD and 42 s of XRP/USD at depth 25 on a quiet weekend, and
//! 60 s of BTC/USD at depth 10 the day before (`PAPERWIRE_CAPTURES`, `ws/*.tsv`); Kraken, 2025-11-11,
//! 1,000 trades of BTC/USDT in 410 minutes (`rest/xbtusdt_http_trades.json`); Cont, "Empirical
//! properties of asset returns: stylized facts and statistical issues", Quantitative Finance 1 (2001);
//! Bouchaud, Bonart, Donier, Gould, "Trades, Quotes and Prices", Cambridge (2018). A capture of a
//! minute fixes a share to about a tenth and says nothing of what takes hours.

use super::{Described, key};

/// Where a fact is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The captures of that pair.
    Capture,
    /// Real trades of BTC/USDT.
    Trades,
    /// Cont 2001.
    Cont,
    /// Bouchaud, Bonart, Donier, Gould 2018.
    Bouchaud,
}

impl Source {
    /// How it is cited in a table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Trades => "BTC/USDT trades",
            Self::Cont => "Cont 2001",
            Self::Bouchaud => "Bouchaud 2018",
        }
    }
}

/// One fact about one pair, or about every pair.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// What is measured, a constant of [`key`].
    pub key: &'static str,
    /// The pair; `None` is every pair.
    pub pair: Option<&'static str>,
    /// As it was measured; `None` where publications give a range.
    pub real: Option<f64>,
    /// What a model of a quiet hour may show.
    pub range: (f64, f64),
    /// Seconds of a stream from which on it can be told at all.
    pub least_s: f64,
    /// From where.
    pub source: Source,
}

const BTC: Option<&str> = Some("BTC/USD");
const XRP: Option<&str> = Some("XRP/USD");
const HOUR: f64 = 3_600.0;

const fn captured(
    key: &'static str,
    pair: Option<&'static str>,
    real: f64,
    range: (f64, f64),
) -> Fact {
    Fact { key, pair, real: Some(real), range, least_s: 600.0, source: Source::Capture }
}

const fn traded(key: &'static str, real: f64, range: (f64, f64)) -> Fact {
    let source = Source::Trades;
    Fact { key, pair: BTC, real: Some(real), range, least_s: 0.5 * HOUR, source }
}

const fn published(key: &'static str, range: (f64, f64), hours: f64, source: Source) -> Fact {
    Fact { key, pair: None, real: None, range, least_s: hours * HOUR, source }
}

/// All facts that a model is held to.
///
/// The share of seconds without a move is 0.92 and 1.00 in the two captures of BTC/USD. Order signs
/// are those of whole orders: trades of one instant and side count once, as the literature has it.
pub const FACTS: &[Fact] = &[
    captured(key::RATE, BTC, 40.95, (28.0, 58.0)),
    captured(key::RATE, XRP, 27.32, (19.0, 39.0)),
    captured(key::GAP_P50_MS, BTC, 0.94, (0.4, 2.5)),
    captured(key::GAP_P50_MS, XRP, 1.03, (0.4, 2.5)),
    captured(key::GAP_P99_MS, BTC, 432.0, (200.0, 900.0)),
    captured(key::GAP_P99_MS, XRP, 577.0, (280.0, 1_200.0)),
    captured(key::CHANGES, BTC, 1.105, (1.0, 1.3)),
    captured(key::CHANGES, XRP, 1.311, (1.1, 1.5)),
    captured(key::ONE_TICK, BTC, 0.999, (0.99, 1.0)),
    captured(key::ONE_TICK, XRP, 0.686, (0.57, 0.80)),
    captured(key::SPREAD, BTC, 1.025, (1.0, 1.4)),
    captured(key::SPREAD, XRP, 3.859, (2.2, 5.5)),
    captured(key::TOUCH, BTC, 0.186, (0.12, 0.26)),
    captured(key::TOUCH, XRP, 0.152, (0.10, 0.22)),
    captured(key::REPRICE, BTC, 0.027, (0.005, 0.06)),
    captured(key::REPRICE, XRP, 0.108, (0.05, 0.17)),
    captured(key::WIDTH, BTC, 165.0, (115.0, 240.0)),
    captured(key::WIDTH, XRP, 50.4, (35.0, 76.0)),
    captured(key::TOUCH_SIZE, BTC, 0.533, (0.25, 1.1)),
    captured(key::TOUCH_SIZE, XRP, 2_468.0, (1_200.0, 5_000.0)),
    captured(key::DEPTH_RISE, BTC, 1.615, (1.1, 2.4)),
    captured(key::DEPTH_RISE, XRP, 2.436, (1.5, 3.6)),
    captured(key::LEVEL_P50, BTC, 0.055, (0.025, 0.11)),
    captured(key::LEVEL_P50, XRP, 2_295.0, (1_100.0, 4_600.0)),
    captured(key::LEVEL_P90, BTC, 0.788, (0.5, 1.3)),
    captured(key::LEVEL_P90, XRP, 16_279.0, (9_000.0, 28_000.0)),
    traded(key::TRADE_P50, 0.0054, (0.003, 0.011)),
    traded(key::TRADE_P90, 0.324, (0.18, 0.60)),
    traded(key::TRADE_P99, 1.0, (0.6, 2.0)),
    captured(key::ZERO, BTC, 0.92, (0.88, 0.99)),
    captured(key::ZERO, XRP, 0.683, (0.56, 0.80)),
    captured(key::SD_1S_BP, BTC, 0.416, (0.2, 0.9)),
    captured(key::SD_1S_BP, XRP, 0.373, (0.2, 0.9)),
    captured(key::IMBALANCE, BTC, 0.756, (0.53, 0.88)),
    captured(key::IMBALANCE, XRP, 0.596, (0.53, 0.75)),
    published(key::AUTO_1S, (-0.35, 0.08), 1.0, Source::Bouchaud),
    published(key::AUTO_10S, (-0.30, 0.10), 3.0, Source::Cont),
    published(key::AUTO_60S, (-0.20, 0.15), 12.0, Source::Cont),
    published(key::CLUSTER_1, (0.05, 0.60), 12.0, Source::Cont),
    published(key::CLUSTER_10, (0.005, 0.40), 24.0, Source::Cont),
    published(key::KURTOSIS, (1.5, 60.0), 12.0, Source::Cont),
    published(key::SIGN_1, (0.20, 0.60), 3.0, Source::Bouchaud),
    published(key::SIGN_10, (0.08, 0.35), 6.0, Source::Bouchaud),
    published(key::SIGN_50, (0.02, 0.22), 12.0, Source::Bouchaud),
    published(key::IMPACT, (0.40, 0.85), 24.0, Source::Bouchaud),
    published(key::IMBALANCE, (0.505, 0.85), 6.0, Source::Bouchaud),
];

/// What is known of a measure of a pair.
pub fn fact(key: &str, pair: &str) -> Option<&'static Fact> {
    FACTS.iter().find(|fact| fact.key == key && fact.pair.is_none_or(|of| of == pair))
}

impl Fact {
    /// Whether a pair keeps to it; `None` where that cannot be told.
    pub fn is_kept(&self, of: &Described) -> Option<bool> {
        let value = of.value(self.key)?;
        let seconds = of.value(key::SECONDS)?;
        // The last update may come a moment before the end.
        (seconds + 60.0 >= self.least_s).then(|| (self.range.0..=self.range.1).contains(&value))
    }
}
