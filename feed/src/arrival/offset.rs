//! The least difference of the last minute between the arrival of a frame and the exchange's time in it: the
//! offset of the two clocks plus the shortest way. A frame cannot arrive earlier than its time plus that.
//!
//! One damaged time must not become the minimum of a minute: a value far below all others counts once three in a
//! row agree on it.

use paperwire_core::time::{DurationNs, ExchNs, HostNs};

const SECONDS: usize = 60;
const SECOND: DurationNs = DurationNs::from_secs(1);
/// Further below the least of the minute than any way becomes shorter by itself, in nanoseconds.
const FAR_NS: i64 = 100_000_000;
/// So many values in a row that agree are not damaged.
const AGREED_MIN: u32 = 3;
/// A way that is longer than the shortest by less is back at its minimum.
const SETTLED_NS: i64 = 1_000_000;
/// One part in so many of a new value goes into the mean.
const MEAN_SHIFT: u32 = 4;

/// Offsets of a minute, host minus exchange in nanoseconds.
#[derive(Debug)]
pub(super) struct LeastOffset {
    /// Least of each second, the current one among them.
    seconds: [Option<i64>; SECONDS],
    current: usize,
    ends: Option<HostNs>,
    least: Option<i64>,
    /// Mean by which a frame's way is longer than the shortest.
    excess_ns: i64,
    /// A value far below the least, and how many agree on it.
    doubted: Option<(i64, u32)>,
}

impl Default for LeastOffset {
    fn default() -> Self {
        Self {
            seconds: [None; SECONDS],
            current: 0,
            ends: None,
            least: None,
            excess_ns: 0,
            doubted: None,
        }
    }
}

impl LeastOffset {
    /// Takes a frame of this time that arrived then.
    #[inline]
    pub(super) fn push(&mut self, sent: ExchNs, arrived: HostNs) {
        if self.ends.is_none_or(|ends| arrived >= ends) {
            self.turn(arrived);
        }
        let offset = arrived.raw().cast_signed().wrapping_sub(sent.raw());
        if self.seconds[self.current].is_none_or(|least| offset < least) {
            self.lower(offset);
        } else {
            self.doubted = None;
        }
        if let Some(least) = self.least {
            // One damaged time must not make every lag a usual one.
            let excess = offset.saturating_sub(least).min(FAR_NS);
            self.excess_ns += (excess - self.excess_ns) >> MEAN_SHIFT;
        }
    }

    /// The earliest instant at which a frame of this time can have arrived.
    pub(super) fn on_host(&self, sent: ExchNs) -> Option<HostNs> {
        let host = sent.raw().checked_add(self.least?)?;
        Some(HostNs::new(u64::try_from(host.max(0)).unwrap_or(0)))
    }

    /// Whether a way that is longer than the shortest by `excess` is what frames usually take.
    pub(super) fn is_usual(&self, excess: DurationNs) -> bool {
        let bound = self.excess_ns.max(SETTLED_NS);
        i64::try_from(excess.raw()).is_ok_and(|excess| excess <= bound)
    }

    /// The next second begins, or the first one after some silence.
    #[cold]
    fn turn(&mut self, now: HostNs) {
        let silent = self.ends.map_or(0, |ends| now.since(ends).raw() / SECOND.raw());
        let passed = usize::try_from(silent).unwrap_or(SECONDS).min(SECONDS - 1) + 1;
        for _ in 0..passed {
            self.current = (self.current + 1) % SECONDS;
            self.seconds[self.current] = None;
        }
        self.ends = Some(now.plus(SECOND));
        // After a minute of silence the last known offset is still the best there is.
        self.least = self.seconds.iter().flatten().min().copied().or(self.least);
    }

    #[cold]
    fn lower(&mut self, offset: i64) {
        if self.least.is_none_or(|least| offset < least.saturating_sub(FAR_NS)) {
            let agreed =
                self.doubted.filter(|(other, _)| other.abs_diff(offset) <= FAR_NS.unsigned_abs());
            let count = agreed.map_or(1, |(_, count)| count + 1);
            self.doubted = Some((offset, count));
            if count < AGREED_MIN {
                return;
            }
        }
        self.doubted = None;
        self.seconds[self.current] = Some(offset);
        self.least = self.seconds.iter().flatten().min().copied();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: i64 = 1_762_160_400_000_000_000;

    /// Frames as milliseconds: sent, arrived.
    fn offsets(frames: &[(i64, u64)]) -> LeastOffset {
        let mut offsets = LeastOffset::default();
        for (sent, arrived) in frames {
            offsets.push(sent_at(*sent), host(*arrived));
        }
        offsets
    }

    fn sent_at(ms: i64) -> ExchNs {
        ExchNs::new(EPOCH + ms * 1_000_000)
    }

    const fn host(ms: u64) -> HostNs {
        HostNs::new(ms * 1_000_000)
    }

    #[test]
    fn the_least_of_the_last_minute_counts() {
        let frames = [(0, 12), (10, 22), (20, 31), (30, 43), (40, 55)];
        assert_eq!(offsets(&frames).on_host(sent_at(100)), Some(host(111)));
        // The shortest way is forgotten after a minute in which it was never taken again.
        let mut later = offsets(&frames);
        for second in 1..70 {
            later.push(sent_at(second * 1_000), host(u64::try_from(second * 1_000 + 14).unwrap()));
        }
        assert_eq!(later.on_host(sent_at(100)), Some(host(114)));
        // A minute of silence teaches nothing else.
        let mut silent = offsets(&frames);
        silent.push(sent_at(90_000), host(90_020));
        assert_eq!(silent.on_host(sent_at(100)), Some(host(120)));
    }

    #[test]
    fn one_damaged_time_is_not_the_minimum_and_three_that_agree_are() {
        let usual = [(0, 12), (10, 22), (20, 32)];
        assert_eq!(offsets(&usual[..2]).on_host(sent_at(0)), None);
        let hour = 3_600_000;
        let damaged = [&usual[..], &[(30 + hour, 42), (40, 52), (50 + 2 * hour, 62)]].concat();
        assert_eq!(offsets(&damaged).on_host(sent_at(100)), Some(host(112)));
        let set = [&usual[..], &[(30 + hour, 42), (40 + hour, 52), (50 + hour, 62)]].concat();
        assert_eq!(offsets(&set).on_host(sent_at(100 + hour)), Some(host(112)));
        // A time of the past is later than the least, and moves nothing.
        let past = [&usual[..], &[(30 - hour, 42)]].concat();
        assert_eq!(offsets(&past).on_host(sent_at(100)), Some(host(112)));
    }

    #[test]
    fn what_is_usual_follows_the_ways_that_frames_take() {
        let ms = DurationNs::from_millis;
        let steady: Vec<(i64, u64)> =
            (0u64..200).map(|i| (i.cast_signed() * 10, i * 10 + 12)).collect();
        let of = offsets(&steady);
        assert!(of.is_usual(ms(1)) && !of.is_usual(ms(2)));
        let varied: Vec<(i64, u64)> =
            (0u64..200).map(|i| (i.cast_signed() * 10, i * 10 + 12 + i % 9)).collect();
        let of = offsets(&varied);
        assert!(of.is_usual(ms(3)) && !of.is_usual(ms(9)));
        // A time of an hour ago is not what frames usually take.
        let mut damaged = offsets(&steady);
        damaged.push(sent_at(2_000 - 3_600_000), host(2_012));
        assert!(!damaged.is_usual(ms(10)));
    }
}
