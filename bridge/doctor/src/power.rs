//! Checks 11, 12 and 13: whether the cores keep their speed and stay awake.

use super::fix::Fix;
use super::kernel::is_virtual;
use super::tree::Unread;
use super::{Check, Grade, Outcome, Seen};

pub(super) const CHECKS: [Check; 3] = [
    Check {
        number: 11,
        name: "governor",
        why: "a governor that follows the load is slow exactly when a burst begins",
        judge: governor,
    },
    Check {
        number: 12,
        name: "frequency stable",
        why: "two runs at different frequencies cannot be compared",
        judge: frequency,
    },
    Check {
        number: 13,
        name: "C-states",
        why: "waking from a deep sleep takes 20 to 300 us; it hits parked threads and the card's core",
        judge: idle_states,
    },
];

/// C1 and C1E leave within this; deeper ones do not.
const EXIT_US_MAX: u64 = 10;

/// What is read for each examined core.
fn per_core<T>(
    seen: &Seen<'_>,
    read: impl Fn(usize) -> Result<T, Unread>,
) -> Result<Vec<(usize, T)>, Unread> {
    let cores = seen.cores.examined();
    let all: Result<Vec<_>, Unread> = cores.iter().map(|core| Ok((core, read(core)?))).collect();
    all.map_err(|unread| match unread {
        Unread::Absent(_) if is_virtual(seen.tree) == Ok(true) => {
            Unread::Other("no cpufreq in this guest: the hypervisor sets the frequency".to_owned())
        }
        unread => unread,
    })
}

fn governor(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let folder = |core| format!("/sys/devices/system/cpu/cpu{core}/cpufreq");
    let found = per_core(seen, |core| {
        let governor = seen.tree.read(&format!("{}/scaling_governor", folder(core)))?;
        let preference =
            seen.tree.read(&format!("{}/energy_performance_preference", folder(core))).ok();
        Ok((governor, preference))
    })?;
    let is_fast = |(governor, preference): &(String, Option<String>)| {
        governor == "performance" && preference.as_deref().is_none_or(|p| p == "performance")
    };
    let shown = |(core, (governor, preference)): &(usize, (String, Option<String>))| {
        let preference = preference.as_ref().map_or_else(String::new, |p| format!(" ({p})"));
        format!("core {core}: {governor}{preference}")
    };
    let read = found.iter().map(shown).collect::<Vec<_>>().join("; ");
    if found.iter().all(|(_, of)| is_fast(of)) {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::fail(read, Fix::shell("cpupower frequency-set -g performance")))
}

fn frequency(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let found = per_core(seen, |core| {
        let khz = |file: &str| {
            seen.tree.number::<u64>(&format!("/sys/devices/system/cpu/cpu{core}/cpufreq/{file}"))
        };
        Ok((khz("scaling_min_freq")?, khz("scaling_max_freq")?))
    })?;
    let range = |(core, (min, max)): &(usize, (u64, u64))| {
        format!("core {core}: {} to {} MHz", min / 1000, max / 1000)
    };
    let mut read: Vec<String> = found.iter().map(range).collect();
    let boost = seen
        .tree
        .number::<u8>("/sys/devices/system/cpu/intel_pstate/no_turbo")
        .map(|no_turbo| no_turbo == 0)
        .or_else(|_| {
            seen.tree.number::<u8>("/sys/devices/system/cpu/cpufreq/boost").map(|b| b == 1)
        });
    read.extend(boost.ok().map(|is_on| format!("boost {}", if is_on { "on" } else { "off" })));
    let throttled: u64 = seen
        .cores
        .examined()
        .iter()
        .filter_map(|core| {
            let folder = format!("/sys/devices/system/cpu/cpu{core}/thermal_throttle");
            seen.tree.number::<u64>(&format!("{folder}/core_throttle_count")).ok()
        })
        .sum();
    if throttled > 0 {
        read.push(format!("throttled by heat {throttled} times since boot"));
    }
    let read = read.join("; ");
    if throttled > 0 {
        return Ok(Outcome::warn(read, Fix::advice("improve the cooling, or lower the boost")));
    }
    match found.iter().find(|(_, (min, max))| min != max) {
        None => Ok(Outcome::good(read)),
        Some((_, (_, max))) => {
            let fix = format!("cpupower frequency-set -d {max}kHz -u {max}kHz");
            Ok(Outcome::warn(read, Fix::shell(fix)))
        }
    }
}

fn idle_states(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    if seen.tree.boot_parameter("idle").is_ok_and(|idle| idle.as_deref() == Some("poll")) {
        return Ok(Outcome::good("idle=poll: no core ever sleeps"));
    }
    let mut deep = Vec::new();
    let mut deep_numbers = Vec::new();
    let mut states = 0;
    for core in seen.cores.examined().iter() {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpuidle");
        for state in seen.tree.names(&folder)?.iter().filter(|name| name.starts_with("state")) {
            let file = |name: &str| format!("{folder}/{state}/{name}");
            let exit_us = seen.tree.number::<u64>(&file("latency"))?;
            states += 1;
            if exit_us <= EXIT_US_MAX || seen.tree.number::<u64>(&file("disable"))? > 0 {
                continue;
            }
            deep.push(format!("core {core} {} ({exit_us} us)", seen.tree.read(&file("name"))?));
            deep_numbers.push(state.trim_start_matches("state").to_owned());
        }
    }
    if states == 0 {
        return Err(Unread::Absent("a state in /sys/devices/system/cpu/cpu*/cpuidle".to_owned()));
    }
    if deep.is_empty() {
        return Ok(Outcome::good(format!("none leaves later than {EXIT_US_MAX} us")));
    }
    let hold = match std::fs::metadata(seen.tree.path("/dev/cpu_dma_latency")) {
        Ok(_) => "; a process may also hold /dev/cpu_dma_latency at 0",
        Err(_) => "",
    };
    let read = format!("enabled: {}{hold}", deep.join(", "));
    deep_numbers.sort();
    deep_numbers.dedup();
    let each: Vec<String> =
        deep_numbers.iter().map(|n| format!("cpupower idle-set -d {n}")).collect();
    Ok(Outcome { grade: Grade::Warn, read, fix: Some(Fix::shell(each.join(" && "))) })
}
