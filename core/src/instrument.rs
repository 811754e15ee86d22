//! What is traded, with the precision its numbers have on the wire.

use arrayvec::ArrayString;

pub use crate::ids::SymbolId;
use crate::num::{
    Decimal, Money, Notional, Px, Qty, money_from_scaled, pow10, try_money_from_scaled,
};

/// Text of a pair such as `BTC/USD`; the longest of Kraken's 1,450 pairs has 15 characters.
pub type SymbolName = ArrayString<24>;
/// Text of an asset such as `BTC`.
pub type AssetName = ArrayString<12>;

/// What the venue lets one do with the pair (`status` of the instrument channel).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TradingStatus {
    /// Everything works.
    #[default]
    Online,
    /// Orders can be cancelled, not placed.
    CancelOnly,
    /// Only orders that rest.
    PostOnly,
    /// No market orders.
    LimitOnly,
    /// Positions can be reduced only.
    ReduceOnly,
    /// Not tradable: maintenance, delisted or in the works.
    Closed,
}

impl TradingStatus {
    /// The status by the word the wire uses; unknown words close the pair rather than open it.
    pub fn from_wire(word: &str) -> Self {
        match word {
            "online" => Self::Online,
            "cancel_only" => Self::CancelOnly,
            "post_only" => Self::PostOnly,
            "limit_only" => Self::LimitOnly,
            "reduce_only" => Self::ReduceOnly,
            _ => Self::Closed,
        }
    }

    /// The word that the wire uses; `closed` for everything that it has several words for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::CancelOnly => "cancel_only",
            Self::PostOnly => "post_only",
            Self::LimitOnly => "limit_only",
            Self::ReduceOnly => "reduce_only",
            Self::Closed => "closed",
        }
    }

    /// Whether anything at all is matched. Kraken matches nothing while it only takes orders that rest.
    pub const fn is_matching(self) -> bool {
        matches!(self, Self::Online | Self::LimitOnly | Self::ReduceOnly)
    }

    /// What is left of a pair's status under that of the whole venue, or the other way round: what both
    /// allow. Two that allow different things allow nothing together but to cancel.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Online, status) | (status, Self::Online) => status,
            (Self::Closed, _) | (_, Self::Closed) => Self::Closed,
            (Self::LimitOnly, Self::LimitOnly) => Self::LimitOnly,
            (Self::ReduceOnly, Self::ReduceOnly) => Self::ReduceOnly,
            // Orders that rest have a limit price.
            (Self::PostOnly, Self::PostOnly | Self::LimitOnly)
            | (Self::LimitOnly, Self::PostOnly) => Self::PostOnly,
            _ => Self::CancelOnly,
        }
    }
}

/// What an order must be besides affordable: the part of an [`Instrument`] that may change while it trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRules {
    /// Prices of orders are multiples of this.
    pub price_increment: Px,
    /// Quantities of orders are multiples of this.
    pub qty_increment: Qty,
    /// The smallest order.
    pub qty_min: Qty,
    /// Bits of the smallest value, as bytes: a wider alignment would not fit an event's two cache lines.
    cost_min: [u8; 16],
}

impl OrderRules {
    /// The smallest order by value, in the quote currency.
    pub const fn cost_min(&self) -> Money {
        Money::from_bits(i128::from_le_bytes(self.cost_min))
    }
}

/// A tradable pair: names, precisions, increments and minimums as the venue states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The pair, `BTC/USD`.
    pub name: SymbolName,
    /// What is bought and sold, `BTC`.
    pub base: AssetName,
    /// What it is paid in, `USD`.
    pub quote: AssetName,
    /// Decimals of every price on the wire.
    pub price_precision: u8,
    /// Decimals of every quantity on the wire.
    pub qty_precision: u8,
    /// Prices of orders are multiples of this (not always one unit of the precision).
    pub price_increment: Px,
    /// Quantities of orders are multiples of this.
    pub qty_increment: Qty,
    /// The smallest order.
    pub qty_min: Qty,
    /// The smallest order by value, in the quote currency.
    pub cost_min: Money,
    /// Whether orders are taken now.
    pub status: TradingStatus,
}

impl Instrument {
    /// Increments and minimums.
    pub const fn order_rules(&self) -> OrderRules {
        OrderRules {
            price_increment: self.price_increment,
            qty_increment: self.qty_increment,
            qty_min: self.qty_min,
            cost_min: self.cost_min.to_bits().to_le_bytes(),
        }
    }

    /// Other increments and minimums from now on.
    pub const fn set_order_rules(&mut self, rules: &OrderRules) {
        self.price_increment = rules.price_increment;
        self.qty_increment = rules.qty_increment;
        self.qty_min = rules.qty_min;
        self.cost_min = rules.cost_min();
    }

    /// A price as the wire writes it.
    pub const fn show_px(&self, px: Px) -> Decimal {
        Decimal::new(px.raw(), self.price_precision)
    }

    /// A quantity as the wire writes it.
    pub const fn show_qty(&self, qty: Qty) -> Decimal {
        Decimal::new(qty.raw(), self.qty_precision)
    }

    /// The value of a notional in the quote currency: **the** rounding of money, to the nearest
    /// 2^-64 of one unit of the currency.
    ///
    /// # Panics
    /// When the value leaves the range of [`Money`] (about 9.2e18 units of the currency).
    pub fn money(&self, notional: Notional) -> Money {
        money_from_scaled(notional.raw(), self.price_precision + self.qty_precision)
    }

    /// The same; `None` when the value leaves the range of [`Money`]: nothing that leaves it is traded.
    pub fn try_money(&self, notional: Notional) -> Option<Money> {
        try_money_from_scaled(notional.raw(), self.price_precision + self.qty_precision)
    }

    /// The price as a float, for signals only.
    #[expect(clippy::cast_precision_loss, reason = "signals work in f64; money never does")]
    pub fn px_f64(&self, px: Px) -> f64 {
        px.raw() as f64 / pow10(self.price_precision) as f64
    }

    /// The quantity as a float, for signals only.
    #[expect(clippy::cast_precision_loss, reason = "signals work in f64; money never does")]
    pub fn qty_f64(&self, qty: Qty) -> f64 {
        qty.raw() as f64 / pow10(self.qty_precision) as f64
    }

    /// The nearest price on the wire's grid to a float; `None` when it is not finite or not positive.
    pub fn px_from_f64(&self, value: f64) -> Option<Px> {
        scaled(value, self.price_precision).map(Px::new)
    }

    /// The nearest quantity to a float; `None` when it is not finite or not positive.
    pub fn qty_from_f64(&self, value: f64) -> Option<Qty> {
        scaled(value, self.qty_precision).map(Qty::new)
    }

    /// The largest quantity not above `qty` that the venue accepts as a multiple of its increment.
    pub fn floor_to_lot(&self, qty: Qty) -> Qty {
        assert!(self.qty_increment.raw() > 0, "an instrument has a positive increment");
        Qty::new(qty.raw() - qty.raw().rem_euclid(self.qty_increment.raw()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "powers of ten up to 10^18 only scale signals")]
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn scaled(value: f64, precision: u8) -> Option<i64> {
    let units = (value * pow10(precision) as f64).round();
    (units.is_finite() && (1.0..9.0e18).contains(&units)).then_some(units as i64)
}
