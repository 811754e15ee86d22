//! The hash by which two runs are the same: over every signal, order, fill and final account.
//!
//! Host times are left out; everything else of these reports is in it, in order, as fixed-width
//! little-endian fields after a tag byte. A change of this layout changes every digest and needs a line
//! in the changelog.

use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::{ExitLevel, Reason, Signal, Size};
use paperwire_core::trade::OrderSide;
use sha2::{Digest as _, Sha256};

use crate::report::{Report, ReportKind};

/// A running digest.
#[derive(Clone, Debug, Default)]
pub struct RunDigest {
    hash: Sha256,
}

impl RunDigest {
    /// The digest of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one report; kinds that only describe are passed over.
    pub fn absorb(&mut self, report: &Report) {
        match &report.kind {
            ReportKind::Signal { strategy, signal } => {
                self.tag(1, report);
                self.bytes(&strategy.0.to_le_bytes());
                self.signal(signal);
            }
            ReportKind::Reject { strategy, signal, reason } => {
                self.tag(2, report);
                self.bytes(&strategy.0.to_le_bytes());
                self.signal(signal);
                self.bytes(&[*reason as u8]);
            }
            ReportKind::Order { id, strategy, symbol, side, qty } => {
                self.tag(3, report);
                self.bytes(&id.0.to_le_bytes());
                self.bytes(&strategy.0.to_le_bytes());
                self.bytes(&symbol.0.to_le_bytes());
                self.side(*side);
                self.bytes(&qty.raw().to_le_bytes());
            }
            ReportKind::Fill(fill) => {
                self.tag(4, report);
                self.bytes(&fill.id.0.to_le_bytes());
                self.bytes(&fill.order.0.to_le_bytes());
                self.bytes(&fill.strategy.0.to_le_bytes());
                self.bytes(&fill.symbol.0.to_le_bytes());
                self.side(fill.side);
                self.bytes(&fill.qty.raw().to_le_bytes());
                self.bytes(&fill.worst_px.raw().to_le_bytes());
                self.bytes(&fill.levels.to_le_bytes());
                for amount in [
                    fill.value,
                    fill.quote_rate,
                    fill.fee,
                    fill.realized,
                    fill.net,
                    fill.cash_after,
                ] {
                    self.money(amount);
                }
                self.bytes(&[fill.trigger as u8]);
                self.reason(&fill.reason);
                self.bytes(&fill.tag.to_le_bytes());
                self.bytes(&fill.lots_after.to_le_bytes());
            }
            ReportKind::Benched { strategy } => {
                self.tag(5, report);
                self.bytes(&strategy.0.to_le_bytes());
            }
            ReportKind::Account { strategy, row, is_final: true } => {
                self.tag(6, report);
                self.bytes(&strategy.0.to_le_bytes());
                for amount in [row.cash, row.equity, row.realized, row.unrealized, row.fees] {
                    self.money(amount);
                }
                self.bytes(&row.fills.to_le_bytes());
            }
            ReportKind::Account { .. }
            | ReportKind::Market { .. }
            | ReportKind::Bar { .. }
            | ReportKind::SkipCount { .. }
            | ReportKind::Halted => {}
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
        for level in [signal.stop, signal.target] {
            match level {
                ExitLevel::Keep => self.bytes(&[0]),
                ExitLevel::At(px) => self.px(px),
                ExitLevel::PctFromFill(percent) => {
                    self.bytes(&[2]);
                    self.bytes(&percent.to_bits().to_le_bytes());
                }
            }
        }
        self.reason(&signal.reason);
        self.bytes(&signal.tag.to_le_bytes());
    }

    fn reason(&mut self, reason: &Reason) {
        self.bytes(reason.code().as_bytes());
        for (name, value) in reason.values() {
            self.bytes(name.as_bytes());
            self.bytes(&value.to_bits().to_le_bytes());
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
    }
}
