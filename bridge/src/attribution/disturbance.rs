//! What else happened to the engine's thread and its core around a long call: interrupts, page faults, switches.
//!
//! Asked from the bridge, never on the pinned thread, by reading the kernel's own tables. The thread's counters
//! are read with each look at it (some 10 us). `/proc/interrupts` grows with the machine (60 us with two
//! cores, more than a millisecond with many), so it is read as often as costs a hundredth of a core, at least
//! each 100 ms, and once more when long calls were reported, so that none has to wait for the next turn.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;

use paperwire_core::time::{DurationNs, HostNs};
use paperwire_rt::clock::HostClock;
use paperwire_rt::host::ThreadUsage;

use super::{LOOK_EVERY, LOOKS_MAX};
use crate::doctor::interrupt_table;

/// One part in so many of a core may go into reading the table of interrupts.
const SHARE: u64 = 100;
/// Time between two readings of the table, however dear it is.
const RARELY: DurationNs = DurationNs::from_millis(100);

/// What was counted between the two looks next to a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbed {
    /// Faults and switches of the thread; `None` where nobody looked.
    pub usage: Option<ThreadUsage>,
    /// Interrupts of its core, and the time between the readings; `None` without a core of its own.
    pub interrupts: Option<(u64, DurationNs)>,
}

/// Counters by the instant they were read at.
#[derive(Debug)]
struct Looks<T>(VecDeque<(HostNs, T)>);

impl<T: Copy> Looks<T> {
    fn new() -> Self {
        Self(VecDeque::with_capacity(LOOKS_MAX))
    }

    fn push(&mut self, at: HostNs, value: T) {
        if self.0.len() == LOOKS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at, value));
    }

    /// The last look before a span and the first after it.
    fn around(&self, from: HostNs, to: HostNs) -> Option<[(HostNs, T); 2]> {
        let before = self.0.partition_point(|(at, _)| *at <= from).checked_sub(1)?;
        let after = self.0.partition_point(|(at, _)| *at < to);
        Some([self.0[before], *self.0.get(after)?])
    }
}

/// Everything counted so far.
#[derive(Debug)]
pub struct Disturbances {
    usage: Looks<ThreadUsage>,
    interrupts: Looks<u64>,
}

impl Default for Disturbances {
    fn default() -> Self {
        Self { usage: Looks::new(), interrupts: Looks::new() }
    }
}

impl Disturbances {
    /// What came around a span.
    pub fn around(&self, from: HostNs, to: HostNs) -> Disturbed {
        let usage = self.usage.around(from, to);
        let interrupts = self.interrupts.around(from, to);
        Disturbed {
            usage: usage.map(|[(_, before), (_, after)]| after.since(before)),
            interrupts: interrupts
                .map(|[(first, a), (last, b)]| (b.saturating_sub(a), last.since(first))),
        }
    }
}

/// Reads the tables.
#[derive(Debug)]
pub(super) struct DisturbanceWatch {
    /// Faults, then switches, of the thread.
    thread: Option<[File; 2]>,
    /// The table of interrupts, and the core that is looked at.
    table: Option<(File, usize)>,
    text: Vec<u8>,
    table_every: DurationNs,
    next_at: HostNs,
    seen: Disturbances,
}

impl DisturbanceWatch {
    /// A watch over this thread, and the core that it is pinned to.
    pub(super) fn new(thread: i32, core: Option<usize>) -> Self {
        let open = |name: &str| File::open(format!("/proc/self/task/{thread}/{name}"));
        let table = core.and_then(|core| Some((File::open("/proc/interrupts").ok()?, core)));
        Self {
            thread: open("stat").and_then(|stat| Ok([stat, open("status")?])).ok(),
            table,
            text: Vec::with_capacity(16_384),
            table_every: LOOK_EVERY,
            next_at: HostNs::default(),
            seen: Disturbances::default(),
        }
    }

    /// Reads what is due: the caller has looked at the thread.
    pub(super) fn look(&mut self, clock: &HostClock) {
        if let Some(files) = &self.thread
            && let Some(usage) = usage(files, &mut self.text)
        {
            self.seen.usage.push(clock.now(), usage);
        }
        if clock.now() >= self.next_at {
            self.look_at_table(clock);
        }
    }

    /// Reads everything now, so that what has just ended is covered.
    pub(super) fn look_now(&mut self, clock: &HostClock) {
        self.next_at = HostNs::default();
        self.look(clock);
    }

    fn look_at_table(&mut self, clock: &HostClock) {
        let Some((file, core)) = &self.table else { return };
        let before = clock.now();
        let total = read(file, &mut self.text).and_then(|text| interrupt_table::total(text, *core));
        // The counts were taken somewhere within the reading; its beginning and its end bound them.
        let after = clock.now();
        if let Some(total) = total {
            self.seen.interrupts.push(before, total);
        }
        let dear = DurationNs::new(after.since(before).raw().saturating_mul(SHARE));
        self.table_every = dear.max(LOOK_EVERY).min(RARELY);
        self.next_at = after.plus(self.table_every);
    }

    /// What was seen.
    pub(super) const fn seen(&self) -> &Disturbances {
        &self.seen
    }
}

/// The whole file from its beginning.
fn read<'a>(file: &File, text: &'a mut Vec<u8>) -> Option<&'a str> {
    let mut len = 0;
    loop {
        text.resize(len + 8_192, 0);
        match file.read_at(&mut text[len..], u64::try_from(len).ok()?).ok()? {
            0 => break,
            more => len += more,
        }
    }
    std::str::from_utf8(&text[..len]).ok()
}

fn usage([stat, status]: &[File; 2], text: &mut Vec<u8>) -> Option<ThreadUsage> {
    let (minor_faults, major_faults) = faults(read(stat, text)?)?;
    let (switches_by_choice, switches_by_force) = switches(read(status, text)?)?;
    Some(ThreadUsage { minor_faults, major_faults, switches_by_choice, switches_by_force })
}

/// Minor and major faults, the tenth and twelfth field of `stat`; the second may hold spaces.
fn faults(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(7);
    let minor = fields.next()?.parse().ok()?;
    Some((minor, fields.nth(1)?.parse().ok()?))
}

/// Switches by choice and by force, the last lines of `status`.
fn switches(status: &str) -> Option<(u64, u64)> {
    let find = |label: &str| {
        let line = status.lines().rev().find_map(|line| line.strip_prefix(label))?;
        line.trim().parse().ok()
    };
    Some((find("voluntary_ctxt_switches:")?, find("nonvoluntary_ctxt_switches:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_what_came_between_the_looks_next_to_it() {
        let mut seen = Disturbances::default();
        let us = |micros: u64| HostNs::new(micros * 1_000);
        for (at, minor_faults) in [(1_000, 0), (2_000, 3), (3_000, 3)] {
            seen.usage.push(us(at), ThreadUsage { minor_faults, ..ThreadUsage::default() });
        }
        for (at, count) in [(500, 10), (6_500, 16)] {
            seen.interrupts.push(us(at), count);
        }
        let faults = |from, to| seen.around(us(from), us(to)).usage.map(|of| of.minor_faults);
        assert_eq!(faults(1_200, 1_900), Some(3));
        assert_eq!(faults(2_000, 3_000), Some(0));
        assert_eq!(faults(1_500, 2_500), Some(3));
        assert_eq!(faults(900, 1_500), None);
        assert_eq!(faults(2_500, 3_001), None);
        let interrupts = seen.around(us(1_200), us(1_900)).interrupts;
        assert_eq!(interrupts, Some((6, DurationNs::from_millis(6))));
        assert_eq!(Disturbances::default().around(us(1), us(2)), Disturbed::default());
    }

    #[test]
    fn the_kernels_texts_are_read() {
        let stat = "12 (a b) c) R 1 2 3 4 5 6 70 8 90 10 11\n";
        assert_eq!(faults(stat), Some((70, 90)));
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(switches(status), Some((5, 7)));
        assert_eq!((faults("12 (x"), switches("Name: x")), (None, None));
    }

    #[test]
    fn the_running_machine_is_read_and_its_counts_never_fall() {
        let clock = HostClock::new();
        let core = paperwire_rt::runner::usable_cores().first().copied();
        let mut watch = DisturbanceWatch::new(paperwire_rt::watch::thread_id(), core);
        watch.look_now(&clock);
        let from = clock.now();
        let pages = std::hint::black_box(vec![1u8; 64 * 4_096]);
        let to = clock.now();
        watch.look_now(&clock);
        let seen = watch.seen().around(from, to);
        println!("{seen:?}; the table is read each {}", watch.table_every);
        assert_eq!(pages.len(), 64 * 4_096);
        if watch.thread.is_some() {
            assert!(seen.usage.is_some(), "both looks were there");
        }
        assert!(watch.table_every >= LOOK_EVERY && watch.table_every <= RARELY);
    }
}
