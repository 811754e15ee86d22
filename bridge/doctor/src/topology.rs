//! Checks 8, 9 and 10: what the pinned cores share, with each other and with the network card.

use super::cpu_list::CpuSet;
use super::fix::Fix;
use super::isolation::{isolated_cores, list};
use super::network::interface;
use super::tree::{Tree, Unread};
use super::{Check, Outcome, Seen};

pub(super) const CHECKS: [Check; 3] = [
    Check {
        number: 8,
        name: "SMT sibling idle",
        why: "a busy sibling shares the execution units and the first caches: up to twice as slow",
        judge: siblings,
    },
    Check {
        number: 9,
        name: "same L3",
        why: "a ring hop costs some 25 ns inside one L3 and some 110 ns across two",
        judge: cache,
    },
    Check {
        number: 10,
        name: "near the network card",
        why: "packets and descriptors from another NUMA node cost about 100 ns per miss",
        judge: numa,
    },
];

const SIBLINGS: &str = "topology/thread_siblings_list";

fn siblings(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let cores = seen.cores.examined();
    let mut siblings = CpuSet::default();
    for core in cores.iter() {
        let path = format!("/sys/devices/system/cpu/cpu{core}/{SIBLINGS}");
        let all = list(seen.tree, &path)?;
        let shared = all.and(&cores);
        if shared.len() > 1 {
            let read = format!("examined cores {shared} are siblings of one core");
            let advice = "set threads.feed_core and threads.engine_core to different cores";
            return Ok(Outcome::fail(read, Fix::advice(advice)));
        }
        siblings = siblings.or(&all.without(&CpuSet::from_iter([core])));
    }
    if siblings.is_empty() {
        return Ok(Outcome::good(format!("{cores} have no siblings")));
    }
    let isolated = isolated_cores(seen.tree).unwrap_or_default();
    let used = siblings.without(&isolated);
    if used.is_empty() {
        return Ok(Outcome::good(format!("siblings {siblings} are isolated and unused")));
    }
    let offline: Vec<String> = used
        .iter()
        .map(|core| format!("echo 0 > /sys/devices/system/cpu/cpu{core}/online"))
        .collect();
    let read = format!("siblings {used} of {cores} are open to other work");
    Ok(Outcome::fail(read, Fix::shell(offline.join(" && "))))
}

fn cache(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let cores = seen.cores.examined();
    let Some(first) = cores.iter().next() else {
        return Ok(Outcome::unknown("no usable core is known"));
    };
    let path = format!("/sys/devices/system/cpu/cpu{first}/cache/index3/shared_cpu_list");
    let shared = list(seen.tree, &path)?;
    if cores.without(&shared).is_empty() {
        return Ok(Outcome::good(format!("{cores} share the L3 of {shared}")));
    }
    let read = format!("{cores} do not share an L3; that of core {first} serves {shared}");
    let advice = format!("set threads.feed_core and threads.engine_core to two of {shared}");
    Ok(Outcome::warn(read, Fix::advice(advice)))
}

fn numa(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let interface = interface(seen.tree)?;
    let path = format!("/sys/class/net/{interface}/device/numa_node");
    let node: i32 = match seen.tree.number(&path) {
        Err(Unread::Absent(_)) if has_one_node(seen.tree) => -1,
        node => node?,
    };
    if node < 0 {
        return Ok(Outcome::good(format!("{interface} belongs to no node: there is only one")));
    }
    let near = list(seen.tree, &format!("/sys/devices/system/node/node{node}/cpulist"))?;
    let cores = seen.cores.examined();
    let read = format!("{interface} is on node {node}, cores {near}; examined: {cores}");
    if cores.without(&near).is_empty() {
        return Ok(Outcome::good(read));
    }
    let advice = format!("set threads.feed_core and threads.engine_core to two of {near}");
    Ok(Outcome::warn(read, Fix::advice(advice)))
}

/// True when all memory is equally near to all cores.
pub(super) fn has_one_node(tree: &Tree) -> bool {
    let names = tree.names("/sys/devices/system/node").unwrap_or_default();
    let is_node = |name: &&String| {
        name.strip_prefix("node").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    names.iter().filter(is_node).count() == 1
}
