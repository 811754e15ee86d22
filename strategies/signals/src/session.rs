//! Which part of the world is at its desk, by the UTC hour.
//!
//! Boundaries are hours of the day; by default Asia 0, Europe 8, the overlap of Europe and the
//! Americas 14, the Americas 17, nobody 21. The answer is kept until the next boundary, so asking
//! costs two comparisons.

use paperwire_core::time::ExchNs;

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_HOURS: i64 = 24;

/// A trading session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Session {
    /// Asia.
    Asia,
    /// Europe before the Americas wake.
    Europe,
    /// Europe and the Americas together.
    Overlap,
    /// The Americas.
    Us,
    /// Nobody.
    OffHours,
}

impl Session {
    const ALL: [Self; 5] = [Self::Asia, Self::Europe, Self::Overlap, Self::Us, Self::OffHours];

    /// As an array index, in the order of the day.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asia => "asia",
            Self::Europe => "europe",
            Self::Overlap => "overlap",
            Self::Us => "us",
            Self::OffHours => "off_hours",
        }
    }
}

/// The usual first hours of the sessions.
pub const SESSION_HOURS: [u8; 5] = [0, 8, 14, 17, 21];

/// Tells the session of an instant.
#[derive(Clone, Debug)]
pub struct SessionClock {
    hours: [u8; 5],
    /// The hour the answer is for, as hours since the epoch.
    hour: i64,
    session: Session,
}

impl SessionClock {
    /// With the first hour of each session, the first of them midnight.
    pub fn new(hours: [u8; 5]) -> Self {
        assert!(Self::is_valid(hours), "hours ascend from midnight");
        Self { hours, hour: i64::MIN, session: Session::Asia }
    }

    /// True when the hours ascend from 0 and lie within the day.
    pub fn is_valid(hours: [u8; 5]) -> bool {
        hours[0] == 0 && hours.is_sorted() && i64::from(hours[4]) < DAY_HOURS
    }

    /// The session at an instant.
    pub fn at(&mut self, at: ExchNs) -> Session {
        let hour = at.raw().div_euclid(HOUR_NS);
        if hour != self.hour {
            self.hour = hour;
            let of_day = hour.rem_euclid(DAY_HOURS);
            let begun = self.hours.partition_point(|from| i64::from(*from) <= of_day);
            self.session = Session::ALL[begun - 1];
        }
        self.session
    }
}

#[cfg(test)]
mod tests;
