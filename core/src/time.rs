//! Two clocks that cannot be confused.
//!
//! `HostNs` is this machine's monotonic clock, for durations. `ExchNs` is the exchange's wall
//! clock, for bars, cooldowns and logs. There is no conversion between them and no comparison:
//!
//! ```compile_fail
//! use paperwire_core::time::{ExchNs, HostNs};
//! let _ = HostNs::new(1) < ExchNs::new(1);
//! ```

use std::fmt;

use crate::digits::eight_digits;

/// Nanoseconds of this host's monotonic clock since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct HostNs(u64);

/// Nanoseconds since the Unix epoch by the exchange's wall clock (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ExchNs(i64);

/// A span of nanoseconds on either clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct DurationNs(u64);

/// No time of the venue is before this, 2010-01-01: it opened in 2013.
pub const TIME_MIN: ExchNs = ExchNs::new(14_610 * 86_400 * 1_000_000_000);

/// No time of the venue is after this, 2100-01-01: what is added to a time stays within an `i64`, which
/// ends in 2262.
pub const TIME_MAX: ExchNs = ExchNs::new(47_482 * 86_400 * 1_000_000_000);
const _: () = assert!(TIME_MIN.raw() < TIME_MAX.raw());

impl HostNs {
    /// A point on the host clock.
    pub const fn new(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the clock's start.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero when the two are out of order, as readings of two cores may be.
    pub const fn since(self, earlier: Self) -> DurationNs {
        DurationNs(self.0.saturating_sub(earlier.0))
    }

    /// This point moved later.
    #[must_use]
    pub const fn plus(self, span: DurationNs) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl ExchNs {
    /// Nanoseconds since the Unix epoch.
    pub const fn new(ns: i64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// Time since `earlier`; zero when out of order.
    pub const fn since(self, earlier: Self) -> DurationNs {
        let span = self.0.saturating_sub(earlier.0);
        DurationNs(if span > 0 { span.unsigned_abs() } else { 0 })
    }

    /// This point moved later.
    #[must_use]
    pub const fn plus(self, span: DurationNs) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// Reads an RFC 3339 instant in UTC with 0 to 9 fractional digits (`2026-08-02T03:35:51.302928Z`).
    ///
    /// Returns `None` for anything else: no other zone, no lower case, no leap second.
    pub fn parse_rfc3339(text: &[u8]) -> Option<Self> {
        if text.len() < 20 || text[text.len() - 1] != b'Z' {
            return None;
        }
        if text[4] != b'-' || text[7] != b'-' || text[10] != b'T' {
            return None;
        }
        if text[13] != b':' || text[16] != b':' {
            return None;
        }
        let year = digits(&text[0..4])?;
        let month = digits(&text[5..7])?;
        let day = digits(&text[8..10])?;
        let hour = digits(&text[11..13])?;
        let minute = digits(&text[14..16])?;
        let second = digits(&text[17..19])?;
        if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let mut nanos = 0i64;
        let fraction = &text[19..text.len() - 1];
        if !fraction.is_empty() {
            if fraction[0] != b'.' || fraction.len() < 2 || fraction.len() > 10 {
                return None;
            }
            nanos = digits(&fraction[1..])?;
            for _ in fraction.len()..10 {
                nanos *= 10;
            }
        }
        let days = days_from_civil(year, month, day);
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos).map(Self)
    }
}

impl ExchNs {
    /// The same within [`TIME_MIN`] and [`TIME_MAX`]: no exchange sends another, a damaged digit could.
    pub fn parse_believable(text: &[u8]) -> Option<Self> {
        Self::parse_rfc3339(text).filter(|at| (TIME_MIN..=TIME_MAX).contains(at))
    }

    /// This point moved by a step of the clock, which may lead back.
    #[must_use]
    pub const fn stepped(self, by: ClockStep) -> Self {
        Self(self.0.saturating_add(by.0))
    }
}

/// How far the exchange's clock was set, forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep(i64);

impl ClockStep {
    /// The step that leads from one time to the other.
    pub const fn between(from: ExchNs, to: ExchNs) -> Self {
        Self(to.0.saturating_sub(from.0))
    }
}

/// Reads instants that mostly share their minute with the one before.
///
/// The calendar is worked out once a minute; the rest are seconds and microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct MinuteReader {
    /// `2026-08-02T03:35` of the last instant read in full.
    minute: [u8; 16],
    /// Its first nanosecond.
    start: i64,
}

impl MinuteReader {
    /// The same as [`ExchNs::parse_believable`], but for the seconds of the last minute.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<ExchNs> {
        // `2026-08-02T03:35:51.302928Z`; an all-zero minute is never equal to a text.
        if let Ok(text) = <&[u8; 27]>::try_from(text)
            && text[..16] == self.minute
            && let [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9', b'.', fraction @ .., b'Z'] =
                &text[16..]
            && let Ok(&[a, b, c, d, e, f]) = <&[u8; 6]>::try_from(fraction)
        {
            let micros = eight_digits([b'0', b'0', a, b, c, d, e, f])?;
            let seconds = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let nanos = seconds * 1_000_000_000 + micros.cast_signed() * 1_000;
            return self.start.checked_add(nanos).map(ExchNs);
        }
        self.read_whole(text)
    }

    #[cold]
    fn read_whole(&mut self, text: &[u8]) -> Option<ExchNs> {
        let at = ExchNs::parse_believable(text)?;
        let minute: &[u8; 16] = text.first_chunk()?;
        self.start = at.0 - at.0.rem_euclid(60_000_000_000);
        self.minute = *minute;
        Some(at)
    }
}

impl DurationNs {
    /// Both after each other.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of nanoseconds.
    pub const fn new(ns: u64) -> Self {
        Self(ns)
    }

    /// A span of microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us * 1_000)
    }

    /// A span of milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// A span of whole seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s * 1_000_000_000)
    }

    /// Seconds, for people and reports.
    pub fn as_secs_f64(self) -> f64 {
        std::time::Duration::from_nanos(self.0).as_secs_f64()
    }

    /// Nanoseconds.
    pub const fn raw(self) -> u64 {
        self.0
    }
}

/// Shows an exchange instant as RFC 3339 with `fraction` digits (0 to 9).
///
/// ```
/// use paperwire_core::time::{ExchNs, Rfc3339};
/// let t = ExchNs::parse_rfc3339(b"2026-08-02T03:35:51.302928Z").expect("valid");
/// assert_eq!(Rfc3339 { at: t, fraction: 6 }.to_string(), "2026-08-02T03:35:51.302928Z");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339 {
    /// The instant.
    pub at: ExchNs,
    /// Digits after the point, 0 to 9; the rest is cut, not rounded.
    pub fraction: u8,
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.0.div_euclid(1_000_000_000);
        let nanos = self.at.0.rem_euclid(1_000_000_000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        )?;
        if self.fraction > 0 {
            let width = usize::from(self.fraction.min(9));
            let cut = nanos / crate::num::pow10(9 - self.fraction.min(9));
            write!(f, ".{cut:0width$}")?;
        }
        write!(f, "Z")
    }
}

impl fmt::Display for ExchNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rfc3339 { at: *self, fraction: 9 }.fmt(f)
    }
}

impl fmt::Display for DurationNs {
    /// Three significant digits with the unit that fits: `850 ns`, `12.3 us`, `4.56 ms`, `7.89 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
        for (unit, name) in UNITS {
            if self.0 >= unit {
                let whole = self.0 / unit;
                let thousandths = self.0 % unit * 1000 / unit;
                return match whole {
                    0..=9 => write!(f, "{whole}.{:02} {name}", thousandths / 10),
                    10..=99 => write!(f, "{whole}.{:01} {name}", thousandths / 100),
                    _ => write!(f, "{whole} {name}"),
                };
            }
        }
        write!(f, "{} ns", self.0)
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let mut value = 0i64;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date, by Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests;
