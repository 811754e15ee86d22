//! What is listed: the names and rules of each pair, and how its market behaves.
//!
//! The four default pairs carry Kraken's precisions, minimums and REST names. Behaviour is in human
//! units (basis points, seconds, ticks, base currency) and is read only by the market model.

use paperwire_core::instrument::{AssetName, Instrument, SymbolName, TradingStatus};
use paperwire_core::num::{Px, Qty, money_from_scaled, parse_decimal};

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    /// Price at the start.
    pub(crate) start: f64,
    /// Which fair price this pair follows.
    pub(crate) anchor: Anchor,
    /// Own volatility, basis points per square root of a minute, in the normal regime.
    pub(crate) own_vol_bp: f64,
    /// Maker sizes: median and cap in base units, deviation of the logarithm.
    pub(crate) maker: Sizes,
    /// Taker sizes.
    pub(crate) taker: Sizes,
    /// The size small bots send.
    pub(crate) dust: f64,
    /// Orders per side that requote all the time, and their mean distance in ticks.
    pub(crate) fast: (usize, f64),
    /// Orders per side that wait deeper, and their mean distance in ticks.
    pub(crate) slow: (usize, f64),
    /// Half the spread makers want, ticks.
    pub(crate) half_spread: f64,
    /// Bursts of maker actions per second.
    pub(crate) requotes_hz: f64,
    /// Clusters of taker orders per second.
    pub(crate) takers_hz: f64,
    /// Mean seconds between metaorders.
    pub(crate) meta_every_s: f64,
    /// Trades sampled per minute of the past.
    pub(crate) past_trades: f64,
}

/// What drives the fair price of a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// The common factor, times this.
    Market(f64),
    /// The price of one listed pair over another, by index.
    Ratio(usize, usize),
}

/// A log-normal distribution with a cap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) median: f64,
    pub(crate) sigma: f64,
    pub(crate) cap: f64,
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
            own_vol_bp: 1.0,
            maker: Sizes { median: 0.08, sigma: 1.6, cap: 6.0 },
            taker: Sizes { median: 0.004, sigma: 1.6, cap: 3.0 },
            dust: 0.000_051,
            fast: (45, 170.0),
            slow: (220, 2_000.0),
            half_spread: 0.5,
            requotes_hz: 3.0,
            takers_hz: 0.9,
            meta_every_s: 24.0,
            past_trades: 60.0,
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
            own_vol_bp: 2.0,
            maker: Sizes { median: 1_800.0, sigma: 1.3, cap: 60_000.0 },
            taker: Sizes { median: 80.0, sigma: 1.4, cap: 30_000.0 },
            dust: 9.24,
            fast: (40, 90.0),
            slow: (140, 1_200.0),
            half_spread: 3.0,
            requotes_hz: 9.0,
            takers_hz: 0.5,
            meta_every_s: 26.0,
            past_trades: 30.0,
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
            maker: Sizes { median: 1_500.0, sigma: 1.1, cap: 40_000.0 },
            taker: Sizes { median: 60.0, sigma: 1.2, cap: 8_000.0 },
            dust: 10.0,
            fast: (24, 3.0),
            slow: (180, 60.0),
            half_spread: 0.5,
            requotes_hz: 6.0,
            takers_hz: 0.25,
            meta_every_s: 28.0,
            past_trades: 14.0,
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
            own_vol_bp: 1.5,
            maker: Sizes { median: 1.2, sigma: 1.4, cap: 80.0 },
            taker: Sizes { median: 0.08, sigma: 1.5, cap: 40.0 },
            dust: 0.002,
            fast: (40, 150.0),
            slow: (140, 1_800.0),
            half_spread: 1.0,
            requotes_hz: 9.0,
            takers_hz: 0.6,
            meta_every_s: 26.0,
            past_trades: 35.0,
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
            own_vol_bp: 3.0,
            maker: Sizes { median: 200.0, sigma: 1.2, cap: 20_000.0 },
            taker: Sizes { median: 20.0, sigma: 1.4, cap: 3_000.0 },
            dust: 1.0,
            fast: (30, 60.0),
            slow: (80, 800.0),
            half_spread: 2.0,
            requotes_hz: 2.5,
            takers_hz: 0.25,
            meta_every_s: 28.0,
            past_trades: 3.0,
        },
    )
}
