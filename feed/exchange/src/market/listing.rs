//! What is listed: the names and rules of each pair, and how its market behaves.
//!
//! The four default pairs carry Kraken's precisions, minimums and REST names. Behaviour is in human
//! units (basis points, seconds, ticks, base currency) and is read only by the market model.

use paperwire_core::instrument::{AssetName, Instrument, SymbolName, TradingStatus};
use paperwire_core::num::{Px, Qty, money_from_scaled, parse_decimal};
use paperwire_core::random::{Rng, exp, ln};

use super::crowd::Crowd;

/// A pair with every name it goes by.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Names, precisions and minimums on the WebSocket.
    pub instrument: Instrument,
    /// REST key, `XXBTZUSD`.
    pub rest_id: String,
    /// REST short name, `XBTUSD`.
    pub altname: String,
    /// REST name with the slash, `XBT/USD`.
    pub wsname: String,
    /// REST id of the base, `XXBT`.
    pub base_id: String,
    /// REST id of the quote, `ZUSD`.
    pub quote_id: String,
    /// Decimals of costs.
    pub cost_precision: u8,
    /// Smallest order by value, as written.
    pub cost_min: String,
    pub(crate) behaviour: Behaviour,
}

/// How the market of a pair moves and trades.
///
/// BTC/USD and XRP/USD are fitted to captures of a quiet hour; where from, and how well, is in
/// [`crate::describe::facts`]. The other pairs are in between by assumption.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    /// Price at the start.
    pub(crate) start: f64,
    /// Which fair price this pair follows.
    pub(crate) anchor: Anchor,
    /// Own volatility, basis points per square root of a minute.
    pub(crate) own_vol_bp: f64,
    /// Maker sizes, base currency, before `depth`.
    pub(crate) maker: Sizes,
    /// Taker sizes.
    pub(crate) taker: Sizes,
    /// Largest order that takes several levels.
    pub(crate) sweep_max: f64,
    /// Factor on maker sizes in the first rows and deeper than `fast`.
    pub(crate) depth: (f64, f64),
    /// Orders per side at the touch, and the share of maker actions that happen there.
    pub(crate) touch: (usize, f64),
    /// Orders per side within the first rows, behind how many ticks the first stands, and over how many
    /// they spread.
    pub(crate) fast: (usize, f64, f64),
    /// Orders per side that wait deeper, and their mean distance in ticks.
    pub(crate) slow: (usize, f64),
    /// How far the fair price may pass a quote before it moves, ticks.
    pub(crate) slack: f64,
    /// Bursts of maker actions per second.
    pub(crate) requotes_hz: f64,
    /// Share of maker actions that bring another one in the same message.
    pub(crate) together: f64,
    /// How often per second makers leave a touch.
    pub(crate) flickers_hz: f64,
    /// Chance that a gap is closed within milliseconds.
    pub(crate) prompt: f64,
    /// Mean seconds that it stays open else.
    pub(crate) lazy_s: f64,
    /// Clusters of taker orders per second.
    pub(crate) takers_hz: f64,
    /// Share of clusters that begin with an informed order.
    pub(crate) informed: f64,
}

impl Behaviour {
    /// How many orders per side a crowd has.
    pub(crate) const fn crowd(&self, crowd: Crowd) -> usize {
        match crowd {
            Crowd::Touch => self.touch.0,
            Crowd::Fast => self.fast.0,
            Crowd::Slow => self.slow.0,
        }
    }
}

/// What drives the fair price of a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// The common factor, times this.
    Market(f64),
    /// The price of one listed pair over another, by index.
    Ratio(usize, usize),
}

/// Shares of sizes below the values of a [`Sizes`].
const SHARES: [f64; 8] = [0.0, 0.10, 0.25, 0.50, 0.75, 0.90, 0.99, 1.0];

/// A distribution by its quantiles: minimum, p10, p25, p50, p75, p90, p99, maximum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes(pub(crate) [f64; SHARES.len()]);

impl Sizes {
    /// One size; between two quantiles the logarithm is uniform.
    pub(crate) fn draw(&self, rng: &mut Rng) -> f64 {
        let share = rng.unit();
        let above = SHARES.partition_point(|at| *at <= share).min(SHARES.len() - 1);
        let (low, high) = (self.0[above - 1], self.0[above]);
        let within = (share - SHARES[above - 1]) / (SHARES[above] - SHARES[above - 1]);
        low * exp(within * ln(high / low))
    }
}

/// A pair by its rules; quantities move in single units of their precision.
///
/// # Panics
/// When the name is not `BASE/QUOTE` or `cost_min` is no decimal: listings are written here.
pub fn instrument(
    name: &str,
    price_precision: u8,
    qty_precision: u8,
    tick: i64,
    qty_min: i64,
    cost_min: &str,
) -> Instrument {
    let (base, quote) = name.split_once('/').expect("a pair is BASE/QUOTE");
    let cost_min = parse_decimal(cost_min, 9).expect("a listing's minimum is a decimal");
    Instrument {
        name: SymbolName::from(name).expect("pair names are short"),
        base: AssetName::from(base).expect("asset names are short"),
        quote: AssetName::from(quote).expect("asset names are short"),
        price_precision,
        qty_precision,
        price_increment: Px::new(tick),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(qty_min),
        cost_min: money_from_scaled(i128::from(cost_min), 9),
        status: TradingStatus::Online,
    }
}

impl Listing {
    fn new(rules: Instrument, cost: (u8, &str), behaviour: Behaviour) -> Self {
        let (base, quote) = (rules.base.as_str(), rules.quote.as_str());
        let (base_id, quote_id) = (asset_id(base), asset_id(quote));
        let (base_alt, quote_alt) = (asset_altname(base), asset_altname(quote));
        let altname = format!("{base_alt}{quote_alt}");
        // Only pairs of two old assets kept their long id.
        let old = base_id != base_alt && quote_id != quote_alt;
        let rest_id = if old { format!("{base_id}{quote_id}") } else { altname.clone() };
        Self {
            instrument: rules,
            rest_id,
            altname,
            wsname: format!("{base_alt}/{quote_alt}"),
            base_id: base_id.to_owned(),
            quote_id: quote_id.to_owned(),
            cost_precision: cost.0,
            cost_min: cost.1.to_owned(),
            behaviour,
        }
    }

    /// The pair on the WebSocket, `BTC/USD`.
    pub fn name(&self) -> &str {
        &self.instrument.name
    }

    /// True for any name a REST client may use.
    pub fn answers_to(&self, name: &str) -> bool {
        [self.name(), &self.rest_id, &self.altname, &self.wsname].contains(&name)
    }
}

/// REST id of an asset: the oldest ones carry a class letter.
pub(crate) fn asset_id(name: &str) -> &str {
    match name {
        "BTC" => "XXBT",
        "DOGE" => "XXDG",
        "ETH" => "XETH",
        "LTC" => "XLTC",
        "XRP" => "XXRP",
        "USD" => "ZUSD",
        "EUR" => "ZEUR",
        other => other,
    }
}

/// REST short name of an asset.
pub(crate) fn asset_altname(name: &str) -> &str {
    match name {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

/// BTC/USD, XRP/USD, XRP/BTC and ETH/USD, then `extra` synthetic pairs.
pub fn listings(extra: u16) -> Vec<Listing> {
    let mut all = vec![btc_usd(), xrp_usd(), xrp_btc(), eth_usd()];
    all.extend((1..=extra).map(synthetic));
    all
}

fn btc_usd() -> Listing {
    Listing::new(
        instrument("BTC/USD", 1, 8, 1, 5_000, "0.5"),
        (5, "0.5"),
        Behaviour {
            start: 104_500.0,
            anchor: Anchor::Market(1.0),
            own_vol_bp: 3.5,
            maker: Sizes([0.000_051, 0.000_15, 0.003, 0.042, 0.22, 0.60, 1.8, 6.0]),
            taker: Sizes([0.000_05, 0.000_12, 0.000_5, 0.006, 0.16, 0.80, 1.6, 2.5]),
            sweep_max: 3.0,
            depth: (0.55, 1.6),
            touch: (3, 0.12),
            fast: (40, 2.0, 240.0),
            slow: (140, 2_500.0),
            slack: 0.0,
            requotes_hz: 8.2,
            together: 0.05,
            flickers_hz: 0.0,
            prompt: 1.0,
            lazy_s: 1.0,
            takers_hz: 0.4,
            informed: 0.035,
        },
    )
}

fn xrp_usd() -> Listing {
    Listing::new(
        instrument("XRP/USD", 5, 8, 1, 2_0000_0000, "0.5"),
        (8, "0.5"),
        Behaviour {
            start: 2.35,
            anchor: Anchor::Market(1.2),
            own_vol_bp: 4.2,
            maker: Sizes([9.24, 40.0, 270.0, 1_250.0, 3_800.0, 8_600.0, 25_000.0, 60_000.0]),
            taker: Sizes([2.0, 9.0, 25.0, 130.0, 900.0, 3_000.0, 12_000.0, 30_000.0]),
            sweep_max: 20_000.0,
            depth: (0.3, 1.9),
            touch: (2, 0.05),
            fast: (50, 5.0, 62.0),
            slow: (120, 1_200.0),
            slack: 0.0,
            requotes_hz: 4.3,
            together: 0.25,
            flickers_hz: 1.2,
            prompt: 0.70,
            lazy_s: 2.0,
            takers_hz: 0.32,
            informed: 0.035,
        },
    )
}

fn xrp_btc() -> Listing {
    Listing::new(
        instrument("XRP/BTC", 8, 8, 1, 2_0000_0000, "0.00002"),
        (9, "0.00002"),
        Behaviour {
            start: 2.35 / 104_500.0,
            anchor: Anchor::Ratio(1, 0),
            own_vol_bp: 0.0,
            maker: Sizes([10.0, 60.0, 400.0, 1_500.0, 4_500.0, 9_000.0, 25_000.0, 40_000.0]),
            taker: Sizes([2.0, 8.0, 20.0, 70.0, 350.0, 1_200.0, 5_000.0, 8_000.0]),
            sweep_max: 8_000.0,
            depth: (0.8, 1.6),
            touch: (4, 0.25),
            fast: (40, 1.0, 40.0),
            slow: (160, 80.0),
            slack: 0.25,
            requotes_hz: 1.2,
            together: 0.1,
            flickers_hz: 0.05,
            prompt: 0.9,
            lazy_s: 0.5,
            takers_hz: 0.14,
            informed: 0.0,
        },
    )
}

fn eth_usd() -> Listing {
    Listing::new(
        instrument("ETH/USD", 2, 8, 1, 200_000, "0.5"),
        (5, "0.5"),
        Behaviour {
            start: 3_900.0,
            anchor: Anchor::Market(1.1),
            own_vol_bp: 4.0,
            maker: Sizes([0.002, 0.01, 0.12, 1.2, 6.0, 16.0, 45.0, 90.0]),
            taker: Sizes([0.002, 0.004, 0.015, 0.12, 1.2, 6.0, 20.0, 40.0]),
            sweep_max: 40.0,
            depth: (0.5, 1.7),
            touch: (3, 0.12),
            fast: (32, 2.0, 120.0),
            slow: (120, 1_800.0),
            slack: 0.0,
            requotes_hz: 3.5,
            together: 0.1,
            flickers_hz: 0.5,
            prompt: 0.9,
            lazy_s: 0.5,
            takers_hz: 0.32,
            informed: 0.035,
        },
    )
}

/// A pair that exists only here, for scaling: quieter and cheaper than the main ones.
fn synthetic(number: u16) -> Listing {
    let spread = f64::from(number % 17);
    Listing::new(
        instrument(&format!("SYM{number:02}/USD"), 4, 8, 1, 1_0000_0000, "0.5"),
        (8, "0.5"),
        Behaviour {
            start: 5.0 + 3.0 * spread,
            anchor: Anchor::Market(0.8 + spread / 40.0),
            own_vol_bp: 4.0,
            maker: Sizes([1.0, 8.0, 40.0, 200.0, 800.0, 2_500.0, 9_000.0, 20_000.0]),
            taker: Sizes([1.0, 2.0, 5.0, 20.0, 120.0, 600.0, 2_500.0, 4_000.0]),
            sweep_max: 4_000.0,
            depth: (0.5, 1.6),
            touch: (2, 0.1),
            fast: (30, 2.0, 60.0),
            slow: (80, 800.0),
            slack: 0.0,
            requotes_hz: 0.8,
            together: 0.1,
            flickers_hz: 0.2,
            prompt: 0.8,
            lazy_s: 0.6,
            takers_hz: 0.14,
            informed: 0.05,
        },
    )
}
