//! What the order-flow strategy knows of one pair.

use paperwire_core::bar::Bar;
use paperwire_core::book::Bbo;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::SymbolState;
use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::Skip;
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{TradeTape, TradeTick};
use paperwire_signals::ofi::Ofi;
use paperwire_signals::regime::{Regime, RegimeMonitor};
use paperwire_signals::session::Session;
use paperwire_signals::sizes::SizeSketch;
use paperwire_signals::trail::Best;

use super::params::{Params, Table, VpinMode};
use crate::daily_vpin::DailyVpin;

/// Factors on thresholds and sizes by regime: low, medium, high, extreme.
const REGIME_THRESHOLD: [f64; 4] = [0.9, 1.0, 1.3, 1.5];
pub(super) const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.8, 0.5];
/// Factors by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_THRESHOLD: [f64; 5] = [1.2, 1.0, 0.85, 1.0, 1.35];
pub(super) const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.6];
/// Percent of the lookback by regime: lively markets need a shorter memory.
const WINDOW_PCT: [usize; 4] = [125, 100, 75, 50];
/// Shortest window.
const WINDOW_MIN: usize = 20;

/// State of one pair.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) id: SymbolId,
    pub(super) instrument: Instrument,
    pub(super) table: Table,
    pub(super) ofi: Ofi,
    pub(super) regime: RegimeMonitor,
    /// `None` when it is not asked for.
    pub(super) vpin: Option<DailyVpin>,
    pub(super) anomaly: Anomaly,
    lookback: usize,
    /// Gaps of the feed heard of.
    gaps: u64,
    /// No entry before this instant.
    pub(super) next_ok_at: ExchNs,
    /// No entry before this many taker orders.
    pub(super) next_ok_order: u64,
    /// Whether a buy, and a sell, may be signalled; index by [`side_index`].
    pub(super) is_armed: [bool; 2],
    /// No second exit signal before this instant: a refused one is not repeated with every event.
    pub(super) exit_retry_at: ExchNs,
    /// Best price of the open position.
    pub(super) best: Option<Best>,
    /// Where the newest fade wants to take its profit.
    pub(super) vwap_target: f64,
    /// Stop and target must be set again from the average price.
    pub(super) is_anchor_due: bool,
    /// Net result of the parts closed so far of the open position.
    pub(super) closed_net: Money,
}

/// Thresholds as they stand now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) buy: f64,
    pub(super) sell: f64,
}

impl Desk {
    pub(super) fn new(id: SymbolId, instrument: &Instrument, params: &Params) -> Self {
        Self {
            id,
            instrument: *instrument,
            table: params.table(instrument),
            ofi: Ofi::new(params.ofi_updates_min),
            regime: params.regime.monitor(params.regime_cuts_pct),
            vpin: (params.vpin_mode != VpinMode::Off).then(DailyVpin::new),
            anomaly: Anomaly::new(),
            lookback: params.lookback_trades,
            gaps: 0,
            next_ok_at: ExchNs::default(),
            next_ok_order: 0,
            is_armed: [true; 2],
            exit_retry_at: ExchNs::default(),
            best: None,
            vwap_target: 0.0,
            is_anchor_due: false,
            closed_net: Money::ZERO,
        }
    }

    /// Learns from a change of the book.
    pub(super) fn on_book(&mut self, state: &SymbolState, bbo: &Bbo, at: ExchNs) {
        if state.gaps() != self.gaps {
            self.gaps = state.gaps();
            self.ofi.unlink();
        }
        self.ofi.push(bbo, at);
    }

    /// Learns from a trade.
    pub(super) fn on_trade(&mut self, state: &SymbolState, trade: &TradeTick) {
        if let Some(vpin) = &mut self.vpin {
            vpin.push(trade.taker, trade.qty);
        }
        self.anomaly.on_trade(state.tape());
        if let Some(best) = &mut self.best {
            best.observe(self.instrument.px_f64(trade.px));
        }
    }

    /// Learns from a closed minute.
    pub(super) fn on_minute(&mut self, bar: &Bar) {
        self.regime.push(self.instrument.px_f64(bar.close));
        self.anomaly.minute_close = Some(bar.close);
        if let Some(vpin) = &mut self.vpin {
            vpin.on_minute(bar.volume);
        }
    }

    /// Taker orders to look at now.
    pub(super) fn window(&self) -> usize {
        let regime = self.regime.regime().unwrap_or(Regime::Medium);
        (self.lookback * WINDOW_PCT[regime.index()] / 100).max(WINDOW_MIN)
    }

    /// Thresholds in this regime and session; an unknown regime changes nothing.
    pub(super) fn thresholds(&self, session: Session) -> Thresholds {
        let regime = self.regime.regime().unwrap_or(Regime::Medium);
        let mult = REGIME_THRESHOLD[regime.index()] * SESSION_THRESHOLD[session.index()];
        Thresholds { buy: self.table.buy_threshold * mult, sell: self.table.sell_threshold * mult }
    }

    /// Imbalance of the window, for exits and re-arming: no freshness is asked of it.
    pub(super) fn imbalance(&self, tape: &TradeTape) -> Option<f64> {
        tape.flow(self.window()).imbalance()
    }

    /// Lets a side signal again once its imbalance fell off.
    pub(super) fn rearm(&mut self, tape: &TradeTape, session: Session, ratio: f64) {
        let Some(imbalance) = self.imbalance(tape) else {
            return;
        };
        let thresholds = self.thresholds(session);
        self.is_armed[0] |= imbalance < ratio * thresholds.buy;
        self.is_armed[1] |= imbalance > -ratio * thresholds.sell;
    }

    /// Everything of an ended position is forgotten.
    pub(super) fn on_flat(&mut self) {
        self.best = None;
        self.is_anchor_due = false;
        self.closed_net = Money::ZERO;
        self.exit_retry_at = ExchNs::default();
    }
}

/// Taker orders the anomaly tests look at, and the newest of them that are compared.
const ANOMALY_ORDERS: usize = 100;
const NEWEST_ORDERS: usize = 10;
/// Volume of the newest orders over their usual that is odd when seen twice in a row.
const ODD_LOW: f64 = 0.2;
const ODD_HIGH: f64 = 5.0;
/// The same, when it is odd that the price stood still.
const STILL_VOLUME: f64 = 3.0;
const STILL_PCT: f64 = 0.1;
/// Share of one size that is odd.
const ONE_SIZE_SHARE: f64 = 0.4;

/// Tells a tape that looks manipulated or broken.
#[derive(Debug)]
pub(super) struct Anomaly {
    sizes: SizeSketch,
    /// Completed taker orders taken in; the newest on the tape may still grow.
    orders: u64,
    /// Evaluations in a row with an odd volume.
    odd_count: u8,
    is_still: bool,
    minute_close: Option<Px>,
}

impl Anomaly {
    fn new() -> Self {
        Self {
            sizes: SizeSketch::new(ANOMALY_ORDERS),
            orders: 0,
            odd_count: 0,
            is_still: false,
            minute_close: None,
        }
    }

    fn on_trade(&mut self, tape: &TradeTape) {
        let completed = tape.total().saturating_sub(1);
        if self.orders >= completed {
            return;
        }
        // Orders of the snapshot came without an event; those older than the window do not matter.
        self.orders = self.orders.max(completed.saturating_sub(ANOMALY_ORDERS as u64));
        while self.orders < completed {
            let age = usize::try_from(completed - self.orders).expect("at most the window");
            if let Some(order) = tape.newest(age) {
                self.sizes.push(order.qty);
            }
            self.orders += 1;
        }
        self.weigh(tape);
    }

    /// Once for each completed order: volume against its usual, and against the price.
    fn weigh(&mut self, tape: &TradeTape) {
        let all = tape.flow_between(ANOMALY_ORDERS, 1);
        if all.entries < ANOMALY_ORDERS {
            return;
        }
        let newest = tape.flow_between(NEWEST_ORDERS, 1);
        let total = (all.buy_qty + all.sell_qty).max(1) as f64;
        let share = NEWEST_ORDERS as f64 / ANOMALY_ORDERS as f64;
        let ratio = (newest.buy_qty + newest.sell_qty) as f64 / (total * share);
        let is_odd = !(ODD_LOW..=ODD_HIGH).contains(&ratio);
        self.odd_count = if is_odd { self.odd_count.saturating_add(1) } else { 0 };
        self.is_still = ratio >= STILL_VOLUME
            && tape.newest(0).zip(self.minute_close).is_some_and(|(order, close)| {
                let moved = (order.px.raw() - close.raw()).abs() as f64;
                moved < STILL_PCT / 100.0 * close.raw() as f64
            });
    }

    /// Whether entries may trust the tape.
    pub(super) fn check(&self) -> Result<(), Skip> {
        let one_size = self.sizes.top_share().ok_or(Skip::WarmingUp)?;
        if self.odd_count >= 2 || self.is_still || one_size > ONE_SIZE_SHARE {
            return Err(Skip::VolumeAnomaly);
        }
        Ok(())
    }
}
