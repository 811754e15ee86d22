//! What the feed thread tells the bridge of a frame, of the market and of its subscriptions.

use paperwire_core::event::GapReason;
use paperwire_core::instrument::{Instrument, SymbolId, TradingStatus};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::HostNs;

use super::Intake;
use crate::market::TradingNotice;
use crate::report::FeedReportKind;
use crate::session::SessionEvent;

impl Intake {
    /// Tells what was not believed of a frame, or believed against what was known.
    pub(super) fn report_doubts(&mut self, now: HostNs) {
        if let Some(refused) = self.market.take_refused() {
            self.report(now, FeedReportKind::RefusedRows(refused));
        }
        if let Some(step) = self.market.take_step() {
            self.report(now, FeedReportKind::ClockStepped(step));
        }
        if let Some(jump) = self.market.take_number_jump() {
            self.report(now, FeedReportKind::NumbersJumped(jump));
        }
    }

    /// What cannot be traded as usual from the start.
    pub(super) fn report_restrictions(
        &mut self,
        now: HostNs,
        system: TradingStatus,
        listed: &[Instrument],
    ) {
        if system != TradingStatus::Online {
            self.report(now, FeedReportKind::Trading(TradingNotice::Venue(system)));
        }
        for (index, of) in (0u16..).zip(listed) {
            if of.status != TradingStatus::Online {
                let notice = TradingNotice::Pair(SymbolId(index), of.status);
                self.report(now, FeedReportKind::Trading(notice));
            }
        }
    }

    pub(super) fn report_desync(&mut self, now: HostNs, symbols: SymbolSet, reason: GapReason) {
        let kind = match (reason, self.market.last_error(), self.market.last_wire_error()) {
            (GapReason::Checksum | GapReason::Crossed, Some((symbol, error)), _) => {
                FeedReportKind::BadBook { symbol, error }
            }
            (GapReason::Malformed, _, Some(error)) => FeedReportKind::Malformed { error, symbols },
            _ => FeedReportKind::Void { symbols, reason },
        };
        self.report(now, kind);
    }

    pub(super) fn report_session(&mut self, now: HostNs, event: SessionEvent) {
        let kind = match event {
            SessionEvent::Rejected { symbol, error } => FeedReportKind::Rejected { symbol, error },
            SessionEvent::Refused { error } => FeedReportKind::Refused { error },
            SessionEvent::Silent { symbol, channel } => FeedReportKind::Silent { symbol, channel },
            SessionEvent::AllLive => {
                let is_stopped = |symbol: &SymbolId| self.market.stop(*symbol).is_some();
                let stopped = self.market.symbols().filter(is_stopped).collect();
                FeedReportKind::AllLive { stopped }
            }
        };
        self.report(now, kind);
    }
}
