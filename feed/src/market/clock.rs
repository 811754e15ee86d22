//! The exchange's time as its messages tell it: what is believed of them, and the time between them.
//!
//! Decided from the times in frames and their receive times alone, so that a replay believes the same.

use paperwire_core::time::{DurationNs, ExchNs, HostNs};

use crate::wire::WireError;

/// No message of the venue is this far ahead of its predecessors; a damaged time could be.
const CLOCK_JUMP_MAX: DurationNs = DurationNs::from_secs(600);
/// So many refused times in a row that agree are not damaged: this host slept, or the venue's clock was set.
const AGREED_MIN: u32 = 3;

/// The exchange's clock.
#[derive(Debug, Default)]
pub(super) struct VenueClock {
    /// Latest exchange time of any message and when it arrived here.
    latest: Option<(ExchNs, HostNs)>,
    refused: Option<Refused>,
}

/// The last of some refused times that agree with each other.
#[derive(Clone, Copy, Debug)]
struct Refused {
    at: ExchNs,
    rx: HostNs,
    count: u32,
}

impl VenueClock {
    /// Latest exchange time of any message and when it arrived here.
    pub(super) const fn latest(&self) -> Option<(ExchNs, HostNs)> {
        self.latest
    }

    /// The exchange's time now, carried forward from the last message by the host clock.
    pub(super) fn estimate(&self, now: HostNs) -> Option<ExchNs> {
        let (exch, rx) = self.latest?;
        Some(exch.plus(now.since(rx)))
    }

    /// Takes the time of a message that arrived at `rx`. When it ends a jump that is believed from now on, says
    /// how far that was.
    ///
    /// # Errors
    /// [`WireError::Ahead`] for a time that no exchange would send: a damaged digit must not close a year of bars.
    pub(super) fn take(&mut self, at: ExchNs, rx: HostNs) -> Result<Option<DurationNs>, WireError> {
        let Some((latest, _)) = self.latest else {
            self.latest = Some((at, rx));
            return Ok(None);
        };
        // The trades of a snapshot are of any age, and so no word against a jump.
        if at < latest {
            return Ok(None);
        }
        let by = self.estimate(rx).map_or(DurationNs::ZERO, |now| at.since(now));
        if by <= CLOCK_JUMP_MAX {
            self.latest = Some((at, rx));
            self.refused = None;
            return Ok(None);
        }
        let before = self.refused.filter(|before| before.agrees(at, rx));
        let count = before.map_or(1, |before| before.count + 1);
        if count < AGREED_MIN {
            self.refused = Some(Refused { at, rx, count });
            return Err(WireError::Ahead { by });
        }
        self.latest = Some((at, rx));
        self.refused = None;
        Ok(Some(by))
    }
}

impl Refused {
    /// True for a time that this one leads one to expect at `rx`.
    fn agrees(&self, at: ExchNs, rx: HostNs) -> bool {
        let expected = self.at.plus(rx.since(self.rx));
        at.since(expected).max(expected.since(at)) <= CLOCK_JUMP_MAX
    }
}

#[cfg(test)]
mod tests;
