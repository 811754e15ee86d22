//! Checks 18, 21, 22 and 23: whether pages stay where they are.

use super::fix::Fix;
use super::scheduling::limit;
use super::topology::has_one_node;
use super::tree::Unread;
use super::{Check, Grade, Outcome, Seen};

pub(super) const CHECKS: [Check; 4] = [
    Check {
        number: 18,
        name: "locked memory",
        why: "a page that is not locked can be taken away, and comes back with a fault",
        judge: locked,
    },
    Check {
        number: 21,
        name: "huge pages, KSM, compaction",
        why: "the kernel stops a process while it joins, shares or moves its pages",
        judge: background,
    },
    Check {
        number: 22,
        name: "NUMA balancing",
        why: "it unmaps pages now and then to see who touches them: a fault each",
        judge: balancing,
    },
    Check {
        number: 23,
        name: "swap",
        why: "a page on a disk takes 100 us to 10 ms to come back",
        judge: swap,
    },
];

fn swaps(seen: &Seen<'_>) -> Result<Vec<String>, Unread> {
    let text = seen.tree.read("/proc/swaps")?;
    let names = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(names.map(str::to_owned).collect())
}

/// Whether the limit does not bind: `CAP_IPC_LOCK`, bit 14.
fn has_capability(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .is_some_and(|of| of >> 14 & 1 == 1)
}

fn locked(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let allowed = limit(seen, "Max locked memory")?;
    let status = seen.tree.read("/proc/self/status")?;
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).map_or("?", str::trim);
    let shown =
        allowed.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{} KiB", bytes >> 10));
    let asked = seen.facts.demands.lock_memory;
    let word = if asked { "a run locks all" } else { "a run locks nothing" };
    let read = format!("limit {shown}; locked now {locked}; {word}");
    let has_swap = !swaps(seen)?.is_empty();
    if allowed.is_none() || has_capability(&status) {
        // Locking is allowed, and nothing is locked: harmless only while nobody can take a page.
        return Ok(match has_swap && locked.starts_with('0') && !asked {
            true => Outcome::warn(
                format!("{read}; there is swap"),
                Fix::advice("threads.lock_memory = true in the configuration, or `swapoff -a`"),
            ),
            false => Outcome::good(read),
        });
    }
    let fix = Fix::advice("LimitMEMLOCK=infinity in the unit, or `ulimit -l unlimited` as root");
    if !has_swap {
        return Ok(Outcome::warn(format!("{read}; there is no swap to go to"), fix));
    }
    Ok(Outcome::fail(format!("{read}; there is swap"), fix))
}

/// The word in brackets: the kernel's way to show which of several is in force.
fn chosen(text: &str) -> &str {
    text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or(text, |(word, _)| word)
}

fn background(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    struct Knob {
        name: &'static str,
        path: &'static str,
        good: &'static [&'static str],
        set: &'static str,
    }
    const KNOBS: [Knob; 4] = [
        Knob {
            name: "huge pages",
            path: "/sys/kernel/mm/transparent_hugepage/enabled",
            good: &["never", "madvise"],
            set: "madvise",
        },
        Knob {
            name: "defrag",
            path: "/sys/kernel/mm/transparent_hugepage/defrag",
            good: &["never", "madvise", "defer", "defer+madvise"],
            set: "madvise",
        },
        Knob { name: "KSM", path: "/sys/kernel/mm/ksm/run", good: &["0", "2"], set: "0" },
        Knob {
            name: "proactive compaction",
            path: "/proc/sys/vm/compaction_proactiveness",
            good: &["0"],
            set: "0",
        },
    ];
    let mut read = Vec::new();
    let mut fixes = Vec::new();
    let mut absent = None;
    for knob in &KNOBS {
        let text = match seen.tree.read(knob.path) {
            Ok(text) => text,
            Err(unread) => {
                absent = Some(unread);
                continue;
            }
        };
        let value = chosen(&text);
        read.push(format!("{} {value}", knob.name));
        if !knob.good.contains(&value) {
            fixes.push(format!("echo {} > {}", knob.set, knob.path));
        }
    }
    match absent {
        Some(unread) if read.is_empty() => Err(unread),
        _ if fixes.is_empty() => Ok(Outcome::good(read.join("; "))),
        _ => Ok(Outcome::warn(read.join("; "), Fix::shell(fixes.join(" && ")))),
    }
}

fn balancing(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let value: u32 = match seen.tree.number("/proc/sys/kernel/numa_balancing") {
        Err(Unread::Absent(_)) if has_one_node(seen.tree) => {
            return Ok(Outcome::good("one node, and no balancing in this kernel"));
        }
        value => value?,
    };
    let read = format!("kernel.numa_balancing = {value}");
    if value == 0 {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::warn(read, Fix::sysctl("kernel.numa_balancing", "0")))
}

fn swap(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let swaps = swaps(seen)?;
    let eagerness = seen.tree.read("/proc/sys/vm/swappiness");
    let eagerness =
        eagerness.map_or_else(|_| String::new(), |value| format!(", swappiness {value}"));
    if swaps.is_empty() {
        return Ok(Outcome::good(format!("none{eagerness}")));
    }
    Ok(Outcome {
        grade: Grade::Warn,
        read: format!("{}{eagerness}", swaps.join(", ")),
        fix: Some(Fix::shell("swapoff -a")),
    })
}
