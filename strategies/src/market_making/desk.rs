//! What the market maker knows of one pair.

use paperwire_core::account::PairFees;
use paperwire_core::bar::Bar;
use paperwire_core::board::{Board, Indicator};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::SymbolState;
use paperwire_core::num::{Qty, pow10};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{OrderSide, TradeTick};
use paperwire_signals::book::spread_pct;
use paperwire_signals::intensity::TradeIntensity;
use paperwire_signals::mid_variance::MidVariance;
use paperwire_signals::ofi::Ofi;
use paperwire_signals::quantile::P2Quantile;
use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::trail::Best;

use super::companions::{Companions, NotKnown};
use super::markout::Markouts;
use super::params::{Params, Table};
use super::rate::ChangeRate;
use crate::daily_vpin::DailyVpin;
use crate::role::Role;

/// One of the two quotes; the order itself is the account's, found by its tag.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// When it was placed or changed last.
    pub(super) changed_at: ExchNs,
    /// The other side was filled: the next look does not wait.
    pub(super) is_forced: bool,
    /// After a refusal nothing is placed before this.
    pub(super) retry_at: ExchNs,
}

/// State of one pair. Prices are in units of the price precision.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) id: SymbolId,
    pub(super) instrument: Instrument,
    role: Role,
    pub(super) table: Table,
    /// Units of the price precision in one of the quote currency.
    pub(super) scale: f64,
    pub(super) variance: MidVariance,
    /// Median spread, as a fraction of the mid.
    pub(super) spread: P2Quantile,
    pub(super) intensity: TradeIntensity,
    pub(super) ofi: Ofi,
    toxicity: Toxicity,
    pub(super) regime: RegimeMonitor,
    trend: Trend,
    /// Of a cross pair: the two markets it joins.
    pub(super) companions: Option<Companions>,
    pub(super) markouts: Markouts,
    pub(super) changes: ChangeRate,
    /// Bid, ask.
    pub(super) slots: [Slot; 2],
    /// Gaps of the feed heard of.
    gaps: u64,
    /// Fees of resting and of taking, as fractions.
    pub(super) maker_fee: f64,
    pub(super) taker_fee: f64,
    /// Half spread of the last quotes before anything one-sided, as a fraction.
    pub(super) delta: f64,
    /// Time of the last event, for what is told without one.
    pub(super) now: ExchNs,
    /// No entry before this instant.
    pub(super) next_ok_at: ExchNs,
    /// No second exit signal before this instant.
    pub(super) exit_retry_at: ExchNs,
    /// No second sale of old inventory before this instant.
    pub(super) unwind_at: ExchNs,
    /// The stop must be set again from the average price.
    pub(super) is_anchor_due: bool,
    /// Best price of the open position, for the taker mode's trail.
    pub(super) best: Option<Best>,
}

impl Desk {
    pub(super) fn new(
        id: SymbolId,
        instrument: &Instrument,
        params: &Params,
        companions: Option<Companions>,
    ) -> Self {
        let half_tick = instrument.price_increment.raw() as f64 / 2.0;
        let window = DurationNs::from_secs(params.changes_window_s);
        Self {
            id,
            instrument: *instrument,
            role: Role::of(instrument),
            table: params.table(instrument),
            scale: pow10(instrument.price_precision) as f64,
            variance: MidVariance::new(params.variance_half_life_s, half_tick * half_tick),
            spread: P2Quantile::new(0.5),
            intensity: TradeIntensity::default(),
            ofi: Ofi::new(params.ofi_updates_min),
            toxicity: Toxicity::new(params.vpin_quantile),
            regime: params.regime.monitor(params.regime_cuts_pct),
            trend: Trend::new(params),
            companions,
            markouts: Markouts::default(),
            changes: ChangeRate::new(params.changes_max, window),
            slots: [Slot::default(); 2],
            gaps: 0,
            maker_fee: 0.0,
            taker_fee: 0.0,
            delta: 0.0,
            now: ExchNs::default(),
            next_ok_at: ExchNs::default(),
            exit_retry_at: ExchNs::default(),
            unwind_at: ExchNs::default(),
            is_anchor_due: false,
            best: None,
        }
    }

    /// Learns from a change of the book.
    pub(super) fn on_book(&mut self, state: &SymbolState, bbo: &Bbo, at: ExchNs, limit: f64) {
        if state.gaps() != self.gaps {
            self.gaps = state.gaps();
            self.ofi.unlink();
            self.variance.unlink();
        }
        let mid = bbo.mid_doubled() as f64 / 2.0;
        self.ofi.push(bbo, at);
        self.variance.push(mid, at);
        self.spread.push(spread_pct(bbo) / 100.0);
        self.markouts.look(mid, at, limit * self.delta);
    }

    /// Learns from a trade, with the touch as it was known when it came.
    pub(super) fn on_trade(&mut self, bbo: Option<&Bbo>, trade: &TradeTick) {
        self.toxicity.push(trade.taker, trade.qty);
        if let Some(bbo) = bbo {
            let mid = bbo.mid_doubled() as f64 / 2.0;
            self.intensity.push(trade.px.raw() as f64, mid, trade.at);
        }
        if let Some(best) = &mut self.best {
            best.observe(trade.px.raw() as f64);
        }
    }

    /// Learns from a closed minute, with the board that has it already.
    pub(super) fn on_minute(&mut self, bar: &Bar, board: &Board) {
        self.regime.push(self.instrument.px_f64(bar.close));
        self.trend.push(board.get(Indicator::TrendSlope20).ok());
        self.toxicity.vpin.on_minute(bar.volume);
    }

    /// The direction of a lasting trend; `None` without one, `Err` while it cannot be known.
    pub(super) fn trend(&self) -> Result<Option<OrderSide>, NotKnown> {
        self.trend.side()
    }

    /// True while informed flow is unusually likely. Unknown for hours after a start, during which
    /// quoting goes on: warm-up is a matter of minutes here.
    pub(super) fn is_toxic(&self) -> bool {
        self.toxicity.is_high()
    }

    /// Most that may be held of each side, in coins, when a coin is worth `unit` and equity is
    /// `equity`: long, short. A pair quoted in bitcoin sells what the account started with, no more.
    pub(super) fn bounds(&self, unit: f64, equity: f64, mult: f64) -> Bounds {
        let by_equity = equity * mult / unit;
        let is_coins = self.is_in_coins();
        let wanted =
            if is_coins { self.table.inventory_max } else { self.table.inventory_max / unit };
        let long = wanted.min(by_equity).max(0.0);
        let short = if is_coins { long.min(self.table.seeded) } else { long };
        let size = if is_coins { self.table.size } else { self.table.size / unit };
        Bounds { long, short, size }
    }

    fn is_in_coins(&self) -> bool {
        self.role == Role::Cross
    }

    /// The position in coins, negative for a short.
    pub(super) fn coins(&self, lots: i64) -> f64 {
        let coins = self.instrument.qty_f64(Qty::new(lots.saturating_abs()));
        if lots < 0 { -coins } else { coins }
    }

    /// Everything of an ended position is forgotten.
    pub(super) fn on_flat(&mut self) {
        self.is_anchor_due = false;
        self.best = None;
        self.exit_retry_at = ExchNs::default();
        self.unwind_at = ExchNs::default();
    }

    /// Equity and limits as money are exact; here they become floats once.
    pub(super) fn set_fees(&mut self, fees: PairFees) {
        self.maker_fee = fees.maker.to_num();
        self.taker_fee = fees.taker.to_num();
    }
}

/// What may be held, and the usual size, in coins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) long: f64,
    pub(super) short: f64,
    pub(super) size: f64,
}

/// Probability of informed flow against its own history.
#[derive(Debug)]
struct Toxicity {
    vpin: DailyVpin,
    high: P2Quantile,
    /// Buckets that the quantile has taken in.
    seen: u64,
}

impl Toxicity {
    fn new(quantile: f64) -> Self {
        Self { vpin: DailyVpin::new(), high: P2Quantile::new(quantile), seen: 0 }
    }

    fn push(&mut self, taker: OrderSide, qty: Qty) {
        self.vpin.push(taker, qty);
        let vpin = self.vpin.now();
        if vpin.completed() != self.seen {
            self.seen = vpin.completed();
            if let Some(value) = vpin.value() {
                self.high.push(value);
            }
        }
    }

    fn is_high(&self) -> bool {
        let known = self.vpin.now().value().zip(self.high.value());
        known.is_some_and(|(value, high)| value > high)
    }
}

/// Whether closes run one way, minute after minute.
#[derive(Debug)]
struct Trend {
    limit: f64,
    minutes: u32,
    /// Minutes in a row beyond the limit, positive upwards; `None` while there is no slope.
    run: Option<i32>,
}

impl Trend {
    const fn new(params: &Params) -> Self {
        Self { limit: params.trend_slope_pct, minutes: params.trend_minutes, run: None }
    }

    fn push(&mut self, slope: Option<f64>) {
        let run = self.run.unwrap_or(0);
        self.run = slope.map(|slope| {
            if slope > self.limit {
                run.max(0).saturating_add(1)
            } else if slope < -self.limit {
                run.min(0).saturating_sub(1)
            } else {
                0
            }
        });
    }

    fn side(&self) -> Result<Option<OrderSide>, NotKnown> {
        let run = self.run.ok_or(NotKnown)?;
        let is_lasting = run.unsigned_abs() >= self.minutes;
        let side = if run > 0 { OrderSide::Buy } else { OrderSide::Sell };
        Ok(is_lasting.then_some(side))
    }
}
