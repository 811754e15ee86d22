//! The hash by which two runs are the same: over every signal, order, fill and final account.
//!
//! Host times are left out; everything else of these reports is in it, in order, as fixed-width
//! little-endian fields after a tag byte. A change of this layout changes every digest and needs a line
//! in the changelog.

use paperwire_core::account::{Evidence, Fill};
use paperwire_core::ids::StratId;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{Distance, ExitLevel, Exits, OrderSpec, OrderTrigger, TimeInForce};
use paperwire_core::strategy::{Reason, Signal, Size};
use paperwire_core::trade::OrderSide;
use sha2::{Digest as _, Sha256};

use crate::report::{Report, ReportKind};

/// What one strategy did: its signals and fills but for their ids, which follow the order of calls and its place
/// among the others. Two runs of a strategy on the same events have the same.
#[derive(Clone, Debug, Default)]
pub struct Conduct(RunDigest);

impl Conduct {
    /// Absorbs a report of the strategy at this index.
    pub fn absorb(&mut self, index: usize, report: &Report) {
        match &report.kind {
            ReportKind::Signal { strategy, signal, .. } if strategy.index() == index => {
                self.0.tag(1, report);
                self.0.signal(signal);
            }
            ReportKind::Fill(fill) if fill.strategy.index() == index => {
                self.0.tag(4, report);
                self.0.fill_itself(fill);
            }
            _ => {}
        }
    }

    /// The digest so far, in hexadecimal.
    pub fn hex(&self) -> String {
        self.0.hex()
    }
}

/// A running digest.
#[derive(Clone, Debug, Default)]
pub struct RunDigest {
    hash: Sha256,
    /// The same bytes in a checksum that is cheap to look at in between.
    sum: crc32fast::Hasher,
    len: u64,
}

impl RunDigest {
    /// The digest of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one report and returns the checksum of all so far; kinds that only describe are passed over.
    pub fn absorb(&mut self, report: &Report) -> Option<u32> {
        let before = self.len;
        self.add(report);
        (self.len > before).then(|| self.sum.clone().finalize())
    }

    fn add(&mut self, report: &Report) {
        match &report.kind {
            ReportKind::Signal { strategy, signal, .. } => {
                self.head(1, report, *strategy);
                self.signal(signal);
            }
            ReportKind::Reject { strategy, signal, reason } => {
                self.head(2, report, *strategy);
                self.signal(signal);
                self.bytes(&[*reason as u8]);
            }
            ReportKind::Order { strategy, order, trigger, latency } => {
                self.head(3, report, *strategy);
                self.bytes(&order.id.0.to_le_bytes());
                self.bytes(&order.symbol.0.to_le_bytes());
                self.side(order.side);
                self.bytes(&order.qty.raw().to_le_bytes());
                self.spec(&order.spec);
                self.bytes(&[*trigger as u8]);
                self.bytes(&latency.raw().to_le_bytes());
            }
            ReportKind::Fill(fill) => {
                self.tag(4, report);
                self.fill(fill);
            }
            ReportKind::Changed { strategy, order, .. } => {
                self.head(11, report, *strategy);
                self.bytes(&order.id.0.to_le_bytes());
                self.bytes(&order.left.raw().to_le_bytes());
                self.spec(&order.spec);
            }
            ReportKind::Done { strategy, done } => {
                self.head(7, report, *strategy);
                self.bytes(&done.id.0.to_le_bytes());
                self.bytes(&done.left.raw().to_le_bytes());
                self.bytes(&[done.end as u8]);
            }
            _ => self.add_of_account(report),
        }
    }

    /// What is not of an order: money, states and commands.
    fn add_of_account(&mut self, report: &Report) {
        match &report.kind {
            ReportKind::Interest { strategy, symbol, amount } => {
                self.head(13, report, *strategy);
                self.bytes(&symbol.0.to_le_bytes());
                self.money(*amount);
            }
            ReportKind::Command { strategy, verb, origin } => {
                self.head(8, report, *strategy);
                self.bytes(&[*verb as u8, *origin as u8]);
            }
            ReportKind::Param { strategy, change, origin } => {
                self.head(12, report, *strategy);
                self.bytes(&change.key.to_le_bytes());
                self.bytes(&change.value.to_bits().to_le_bytes());
                self.bytes(&[*origin as u8]);
            }
            ReportKind::State { strategy, state } => {
                self.head(9, report, *strategy);
                self.bytes(state.as_str().as_bytes());
            }
            ReportKind::Bracket { strategy, model, row, is_final: true } => {
                self.head(10, report, *strategy);
                self.bytes(&[*model]);
                self.money(row.equity);
                self.money(row.fees);
                self.bytes(&row.fills.to_le_bytes());
            }
            ReportKind::Benched { strategy, .. } => {
                self.head(5, report, *strategy);
            }
            ReportKind::Account { strategy, row, is_final: true } => {
                self.head(6, report, *strategy);
                for amount in
                    [row.cash, row.equity, row.realized, row.unrealized, row.fees, row.interest]
                {
                    self.money(amount);
                }
                self.bytes(&row.fills.to_le_bytes());
            }
            ReportKind::Account { .. }
            | ReportKind::Bracket { .. }
            | ReportKind::Position { .. }
            | ReportKind::Market { .. }
            | ReportKind::Bar { .. }
            | ReportKind::Trade { .. }
            | ReportKind::Regime { .. }
            | ReportKind::Skipped { .. }
            | ReportKind::SkipCount { .. }
            | ReportKind::Halted => {}
            // Of orders: the caller's.
            ReportKind::Signal { .. }
            | ReportKind::Reject { .. }
            | ReportKind::Order { .. }
            | ReportKind::Fill(_)
            | ReportKind::Changed { .. }
            | ReportKind::Done { .. } => {}
        }
    }

    /// The digest so far, in hexadecimal.
    pub fn hex(&self) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in self.hash.clone().finalize() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    fn tag(&mut self, tag: u8, report: &Report) {
        self.bytes(&[tag]);
        self.bytes(&report.seq.0.to_le_bytes());
        self.bytes(&report.at.raw().to_le_bytes());
    }

    /// The tag, and the strategy whose report it is.
    fn head(&mut self, tag: u8, report: &Report, strategy: StratId) {
        self.tag(tag, report);
        self.bytes(&strategy.0.to_le_bytes());
    }

    fn signal(&mut self, signal: &Signal) {
        self.bytes(&signal.symbol.0.to_le_bytes());
        self.bytes(&[signal.action as u8]);
        match signal.size {
            Size::Notional(amount) => {
                self.bytes(&[0]);
                self.money(amount);
            }
            Size::Base(qty) => {
                self.bytes(&[1]);
                self.bytes(&qty.raw().to_le_bytes());
            }
            Size::All => self.bytes(&[2]),
        }
        self.spec(&signal.order);
        self.exits(&signal.exits);
        self.reason(&signal.reason);
        self.bytes(&signal.tag.to_le_bytes());
    }

    fn fill(&mut self, fill: &Fill) {
        self.bytes(&fill.id.0.to_le_bytes());
        self.bytes(&fill.order.0.to_le_bytes());
        self.bytes(&fill.strategy.0.to_le_bytes());
        self.fill_itself(fill);
    }

    /// Everything but the ids, which depend on what other strategies did before.
    fn fill_itself(&mut self, fill: &Fill) {
        self.bytes(&fill.symbol.0.to_le_bytes());
        self.bytes(&fill.at.raw().to_le_bytes());
        self.side(fill.side);
        self.bytes(&fill.qty.raw().to_le_bytes());
        self.bytes(&fill.worst_px.raw().to_le_bytes());
        self.bytes(&fill.levels.to_le_bytes());
        self.bytes(&[fill.liquidity as u8]);
        for amount in
            [fill.value, fill.quote_rate, fill.fee, fill.realized, fill.net, fill.cash_after]
        {
            self.money(amount);
        }
        let Evidence { bid, ask, book_age, latency, ahead_at_entry, print, consumed } =
            fill.evidence;
        for px in [bid, ask] {
            self.px(px);
        }
        self.bytes(&book_age.raw().to_le_bytes());
        self.bytes(&latency.raw().to_le_bytes());
        self.option(ahead_at_entry.map(Qty::raw));
        self.option(print.map(|(px, _)| px.raw()));
        self.option(print.map(|(_, qty)| qty.raw()));
        self.bytes(&consumed.raw().to_le_bytes());
        self.bytes(&[fill.trigger as u8]);
        self.reason(&fill.reason);
        self.bytes(&fill.tag.to_le_bytes());
        self.bytes(&fill.lots_after.to_le_bytes());
    }

    fn spec(&mut self, spec: &OrderSpec) {
        self.option(spec.limit_px().map(Px::raw));
        match spec.trigger {
            None => self.bytes(&[0]),
            Some(OrderTrigger::Stop(px)) => {
                self.bytes(&[1]);
                self.px(px);
            }
            Some(OrderTrigger::TakeProfit(px)) => {
                self.bytes(&[2]);
                self.px(px);
            }
            Some(OrderTrigger::Trail(distance)) => {
                self.bytes(&[3]);
                self.distance(distance);
            }
        }
        match spec.tif {
            TimeInForce::Gtc => self.bytes(&[0]),
            TimeInForce::Ioc => self.bytes(&[1]),
            TimeInForce::Fok => self.bytes(&[2]),
            TimeInForce::Gtd(until) => {
                self.bytes(&[3]);
                self.bytes(&until.raw().to_le_bytes());
            }
        }
        self.bytes(&[u8::from(spec.is_post_only), u8::from(spec.is_reduce_only)]);
        self.option(spec.display.map(Qty::raw));
        self.bytes(&spec.oco.to_le_bytes());
    }

    fn exits(&mut self, exits: &Exits) {
        for level in [exits.stop, exits.target] {
            match level {
                ExitLevel::Keep => self.bytes(&[0]),
                ExitLevel::At(px) => self.px(px),
                ExitLevel::PctFromFill(percent) => {
                    self.bytes(&[2]);
                    self.float(percent);
                }
                ExitLevel::Clear => self.bytes(&[3]),
            }
        }
        if let Some(trail) = exits.trail {
            self.distance(trail.distance);
            self.float(trail.activation_pct);
        }
        self.bytes(&[u8::from(exits.trail.is_some()), u8::from(exits.break_even_pct.is_some())]);
        self.float(exits.break_even_pct.unwrap_or(0.0));
        self.option(exits.hold_max.map(|hold| hold.raw().cast_signed()));
    }

    fn distance(&mut self, distance: Distance) {
        match distance {
            Distance::Percent(percent) => {
                self.bytes(&[0]);
                self.float(percent);
            }
            Distance::Atr { times, period, timeframe } => {
                self.bytes(&[1]);
                self.float(times);
                self.bytes(&period.to_le_bytes());
                self.bytes(timeframe.as_str().as_bytes());
            }
        }
    }

    fn option(&mut self, value: Option<i64>) {
        self.bytes(&[u8::from(value.is_some())]);
        self.bytes(&value.unwrap_or(0).to_le_bytes());
    }

    fn float(&mut self, value: f64) {
        self.bytes(&value.to_bits().to_le_bytes());
    }

    fn reason(&mut self, reason: &Reason) {
        self.bytes(reason.code().as_bytes());
        for (name, value) in reason.values() {
            self.bytes(name.as_bytes());
            self.float(*value);
        }
    }

    fn px(&mut self, px: Px) {
        self.bytes(&[1]);
        self.bytes(&px.raw().to_le_bytes());
    }

    fn side(&mut self, side: OrderSide) {
        self.bytes(side.as_str().as_bytes());
    }

    fn money(&mut self, amount: Money) {
        self.bytes(&amount.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.sum.update(bytes);
        self.len += bytes.len() as u64;
    }
}
