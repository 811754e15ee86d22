//! The exchange's time as its messages tell it: what is believed of them, and the time between them.
//!
//! Decided from the times in frames, their receive times and recorded decisions alone, so that a replay
//! believes the same. A time far ahead of what is known is refused, one far behind it is of the past;
//! three messages in a row that agree on either set the clock, forward or back ([`super::agreed`]).
//! Against a real venue a time must also be near this host's wall clock, as last recorded.

use paperwire_core::time::{DurationNs, ExchNs, HostNs};

use super::agreed::Dispute;

/// No message of the venue is this far ahead of its predecessors; a damaged time could be. Wide enough
/// for an exchange whose time runs 200 times as fast and is silent for three seconds.
const AHEAD_MAX: DurationNs = DurationNs::from_secs(600);
/// Messages of different pairs overtake each other, but not by this much.
const BEHIND_MAX: DurationNs = DurationNs::from_secs(10);
/// A real venue and a host whose clock is kept differ by less than a second; a host that is this far
/// off is not to be believed more than the venue, and is told so.
const WALL_OFF_MAX: DurationNs = DurationNs::from_secs(600);

/// The exchange's clock.
#[derive(Debug, Default)]
pub(super) struct VenueClock {
    /// Latest exchange time of any message and when it arrived here.
    latest: Option<(ExchNs, HostNs)>,
    /// The host's wall clock, and when it was read; only against a real venue.
    wall: Option<(ExchNs, HostNs)>,
    /// The next news sets the clock: what is known is of a snapshot, or from before a reconnect.
    is_open: bool,
    /// Some message was news, and not of a snapshot.
    has_news: bool,
    dispute: Dispute<(ExchNs, HostNs)>,
}

/// What became of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is the exchange's, now or of the past.
    Believed,
    /// It is, and the clock was set by it.
    Stepped(Step),
    /// It is not; the time between the messages stands.
    Refused,
}

/// A step of the exchange's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was believed before.
    pub from: ExchNs,
    /// What is believed now.
    pub to: ExchNs,
}

impl VenueClock {
    /// Latest exchange time of any message and when it arrived here.
    pub(super) const fn latest(&self) -> Option<(ExchNs, HostNs)> {
        self.latest
    }

    /// The exchange's time now, carried forward from the last message, or from the host's wall clock
    /// before the first one, by the host clock.
    pub(super) fn estimate(&self, now: HostNs) -> Option<ExchNs> {
        let (exch, rx) = self.latest.or(self.wall)?;
        Some(exch.plus(now.since(rx)))
    }

    /// The host's wall clock says `at`: no time of the venue may be far from it.
    pub(super) const fn set_wall(&mut self, at: ExchNs, now: HostNs) {
        self.wall = Some((at, now));
    }

    /// The connection was lost: what the next one says is believed.
    pub(super) const fn on_disconnect(&mut self) {
        self.is_open = true;
        self.dispute.settle();
    }

    /// Takes the time of a message that arrived at `rx`. What is not news, but of a snapshot, may be of
    /// any age: it never sets the clock against news, and only moves it forward.
    pub(super) fn take(&mut self, at: ExchNs, rx: HostNs, is_news: bool) -> Taken {
        if self.is_off_wall(at, rx, is_news) {
            return Taken::Refused;
        }
        let Some((latest, _)) = self.latest else {
            self.latest = Some((at, rx));
            (self.is_open, self.has_news) = (!is_news, is_news);
            return Taken::Believed;
        };
        let is_ahead = self.is_ahead(at, rx);
        let is_behind = latest.since(at) > BEHIND_MAX;
        if !is_ahead && !is_behind {
            if at > latest {
                self.latest = Some((at, rx));
            }
            if is_news {
                (self.is_open, self.has_news) = (false, true);
                self.dispute.settle();
            }
            return Taken::Believed;
        }
        if !is_news {
            return if is_ahead { Taken::Refused } else { Taken::Believed };
        }
        let was_open = std::mem::take(&mut self.is_open);
        if was_open || self.dispute.contradict((at, rx), agrees) {
            let from = self.estimate(rx).unwrap_or(latest);
            self.dispute.settle();
            self.latest = Some((at, rx));
            let had_news = std::mem::replace(&mut self.has_news, true);
            // A snapshot of a quiet pair is old: that the first news is later says nothing.
            let is_step = had_news || is_behind;
            return if is_step { Taken::Stepped(Step { from, to: at }) } else { Taken::Believed };
        }
        if is_ahead { Taken::Refused } else { Taken::Believed }
    }

    /// True for a time that no exchange would send now: a damaged digit must not close a year of bars.
    pub(super) fn is_refused(&self, at: ExchNs, rx: HostNs, is_news: bool) -> bool {
        self.is_ahead(at, rx) || self.is_off_wall(at, rx, is_news)
    }

    fn is_ahead(&self, at: ExchNs, rx: HostNs) -> bool {
        self.latest.is_some_and(|(latest, then)| at.since(latest.plus(rx.since(then))) > AHEAD_MAX)
    }

    fn is_off_wall(&self, at: ExchNs, rx: HostNs, is_news: bool) -> bool {
        self.wall.is_some_and(|(wall, then)| {
            let wall = wall.plus(rx.since(then));
            at.since(wall) > WALL_OFF_MAX || (is_news && wall.since(at) > WALL_OFF_MAX)
        })
    }
}

/// True for a time that the one before leads one to expect at its arrival.
fn agrees((before, then): (ExchNs, HostNs), (at, rx): (ExchNs, HostNs)) -> bool {
    let expected = before.plus(rx.since(then));
    let off = at.since(expected).max(expected.since(at));
    off <= AHEAD_MAX && before.since(at) <= BEHIND_MAX
}

#[cfg(test)]
mod tests;
