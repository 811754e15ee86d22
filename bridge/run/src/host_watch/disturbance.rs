//! Reads what else happens to a thread and to its core, from the kernel's own tables.
//!
//! The thread's counters are read with each look at it (some 10 us). `/proc/interrupts` grows with the machine (60 us
//! with two cores, more than a millisecond with many), so it is read as often as costs a hundredth of a core, at least
//! each 100 ms, and once more when long calls were reported, so that none has to wait for the next turn.

use std::fs::File;
use std::os::unix::fs::FileExt;

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_doctor::interrupt_table;
use paperwire_lab::attribution::LOOK_EVERY;
use paperwire_lab::attribution::disturbance::Disturbances;
use paperwire_rt::clock::HostClock;

/// One part in so many of a core may go into reading the table of interrupts.
const SHARE: u64 = 100;
/// Time between two readings of the table, however dear it is.
const RARELY: DurationNs = DurationNs::from_millis(100);

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
        }
    }

    /// Reads what is due: the caller has looked at the thread.
    pub(super) fn look(&mut self, seen: &mut Disturbances, clock: &HostClock) {
        if let Some(files) = &self.thread
            && let Some(usage) = usage(files, &mut self.text)
        {
            seen.usage.push(clock.now(), usage);
        }
        if clock.now() >= self.next_at {
            self.look_at_table(seen, clock);
        }
    }

    /// Reads everything now, so that what has just ended is covered.
    pub(super) fn look_now(&mut self, seen: &mut Disturbances, clock: &HostClock) {
        self.next_at = HostNs::default();
        self.look(seen, clock);
    }

    fn look_at_table(&mut self, seen: &mut Disturbances, clock: &HostClock) {
        let Some((file, core)) = &self.table else { return };
        let before = clock.now();
        let total = read(file, &mut self.text).and_then(|text| interrupt_table::total(text, *core));
        // The counts were taken somewhere within the reading; its beginning and its end bound them.
        let after = clock.now();
        if let Some(total) = total {
            seen.interrupts.push(before, total);
        }
        let dear = DurationNs::new(after.since(before).raw().saturating_mul(SHARE));
        self.table_every = dear.max(LOOK_EVERY).min(RARELY);
        self.next_at = after.plus(self.table_every);
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
        let mut seen = Disturbances::default();
        let mut watch = DisturbanceWatch::new(paperwire_rt::watch::thread_id(), core);
        watch.look_now(&mut seen, &clock);
        let from = clock.now();
        let pages = std::hint::black_box(vec![1u8; 64 * 4_096]);
        let to = clock.now();
        watch.look_now(&mut seen, &clock);
        let seen = seen.around(from, to);
        println!("{seen:?}; the table is read each {}", watch.table_every);
        assert_eq!(pages.len(), 64 * 4_096);
        if watch.thread.is_some() {
            assert!(seen.usage.is_some(), "both looks were there");
        }
        assert!(watch.table_every >= LOOK_EVERY && watch.table_every <= RARELY);
    }
}
