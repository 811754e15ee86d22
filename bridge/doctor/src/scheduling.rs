//! Checks 15, 16, 19 and 20: the class our threads run in, and what took the core from them.

use super::fix::Fix;
use super::tree::Unread;
use super::{Check, Outcome, Seen, tasks};

pub(super) const CHECKS: [Check; 4] = [
    Check {
        number: 15,
        name: "scheduler class",
        why: "real-time priority is of use only on a core that is shared; ours should not be",
        judge: class,
    },
    Check {
        number: 16,
        name: "real-time throttling",
        why: "a spinning real-time thread is stopped for up to 50 ms of each second by default",
        judge: throttling,
    },
    Check {
        number: 19,
        name: "page faults",
        why: "a fault costs 0.5 us when memory is free, 100 us and more when a disk is asked",
        judge: faults,
    },
    Check {
        number: 20,
        name: "context switches",
        why: "each switch is somebody else's turn on our core",
        judge: switches,
    },
];

const POLICIES: [&str; 7] =
    ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "4", "SCHED_IDLE", "SCHED_DEADLINE"];

/// Bit of `CAP_SYS_NICE`, from capabilities(7).
const SYS_NICE: u32 = 23;

fn policy(seen: &Seen<'_>) -> Result<u32, Unread> {
    let text = seen.tree.read("/proc/self/stat")?;
    let own =
        tasks::parse(0, &text).ok_or_else(|| Unread::Strange("/proc/self/stat".to_owned()))?;
    Ok(own.policy)
}

fn name_of(policy: u32) -> String {
    let known = usize::try_from(policy).ok().and_then(|index| POLICIES.get(index));
    known.map_or_else(|| format!("policy {policy}"), |name| (*name).to_owned())
}

/// A soft limit of this process, by its name in `/proc/self/limits`; `None` is unlimited.
pub(super) fn limit(seen: &Seen<'_>, name: &str) -> Result<Option<u64>, Unread> {
    const PATH: &str = "/proc/self/limits";
    let text = seen.tree.read(PATH)?;
    let strange = || Unread::Strange(PATH.to_owned());
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(strange)?;
    match line.split_whitespace().next() {
        Some("unlimited") => Ok(None),
        Some(number) => number.parse().map(Some).map_err(|_| strange()),
        None => Err(strange()),
    }
}

fn class(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let priority = limit(seen, "Max realtime priority")?.unwrap_or(99);
    let status = seen.tree.read("/proc/self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let may = effective.is_some_and(|mask| mask >> SYS_NICE & 1 == 1) || priority > 0;
    Ok(Outcome::info(format!(
        "{}, as intended; real-time priority {} be asked for",
        name_of(policy(seen)?),
        if may { "could" } else { "cannot" }
    )))
}

fn throttling(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let runtime: i64 = seen.tree.number("/proc/sys/kernel/sched_rt_runtime_us")?;
    let period: i64 = seen.tree.number("/proc/sys/kernel/sched_rt_period_us")?;
    let policy = policy(seen)?;
    let read = format!("{runtime} of {period} us; our threads are {}", name_of(policy));
    if runtime == -1 || !matches!(policy, 1 | 2) {
        return Ok(Outcome::good(read));
    }
    let fix = Fix::advice("start without chrt: an isolated core needs no real-time class");
    Ok(Outcome::fail(read, fix))
}

fn spun(seen: &Seen<'_>) -> Result<Vec<(usize, paperwire_core::thread::ThreadUsage)>, Unread> {
    let sample = seen.sample.ok_or_else(|| Unread::Other(NOT_RUN.to_owned()))?;
    let used = sample.noise.iter().filter_map(|of| Some((of.core, of.usage?)));
    let used: Vec<_> = used.collect();
    if used.is_empty() {
        return Err(Unread::Other("the kernel does not count it per thread here".to_owned()));
    }
    Ok(used)
}

/// Why a check that needs the spinning threads has no answer.
pub(super) const NOT_RUN: &str = "not measured: needs the noise test (--noise SECONDS)";

fn faults(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let used = spun(seen)?;
    let shown = |(core, of): &(usize, paperwire_core::thread::ThreadUsage)| {
        format!("core {core}: {} minor, {} major", of.minor_faults, of.major_faults)
    };
    let read = used.iter().map(shown).collect::<Vec<_>>().join("; ");
    if used.iter().all(|(_, of)| of.minor_faults + of.major_faults == 0) {
        return Ok(Outcome::good(read));
    }
    let others = "checks 18, 21, 22 and 23: nobody who takes pages away";
    Ok(Outcome::fail(read, Fix::Elsewhere(others)))
}

fn switches(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let used = spun(seen)?;
    let shown = |(core, of): &(usize, paperwire_core::thread::ThreadUsage)| {
        format!("core {core}: {} forced, {} own", of.switches_by_force, of.switches_by_choice)
    };
    let read = used.iter().map(shown).collect::<Vec<_>>().join("; ");
    if used.iter().all(|(_, of)| of.switches_by_force + of.switches_by_choice == 0) {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::fail(read, Fix::Elsewhere("checks 1, 2, 7 and 17: nobody else on the cores")))
}
