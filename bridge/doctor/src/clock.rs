//! Checks 14 and 33: the counter that latencies are measured with, and the wall clock.

use paperwire_core::time::DurationNs;

use super::fix::Fix;
use super::tree::Unread;
use super::{Check, Outcome, Seen};

pub(super) const CHECKS: [Check; 2] = [
    Check {
        number: 14,
        name: "TSC",
        why: "every latency is a difference of two of its readings, some taken on two cores",
        judge: tsc,
    },
    Check {
        number: 33,
        name: "time sync",
        why: "the exchange's stamps are compared with this clock; an error of it shows as latency",
        judge: sync,
    },
];

/// Two cores' counters further apart than this would be seen in the shortest stages.
const SKEW_MAX: DurationNs = DurationNs::new(100);

const SYNC_ERROR_MAX: DurationNs = DurationNs::from_millis(1);

fn tsc(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let source =
        seen.tree.read("/sys/devices/system/clocksource/clocksource0/current_clocksource")?;
    let cpu = seen.tree.read("/proc/cpuinfo")?;
    let flags = cpu.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let has = |flag: &&str| flags.split_whitespace().any(|word| word == *flag);
    let missing: Vec<&str> =
        ["constant_tsc", "nonstop_tsc", "rdtscp"].into_iter().filter(|flag| !has(flag)).collect();
    let skew = match &seen.facts.skew {
        Ok(skew) => format!("cores apart by at most {}", skew.at_most),
        Err(reason) => format!("skew not measured: {reason}"),
    };
    let read = format!("kernel uses {source}; {skew}");
    if source != "tsc" {
        let fix = Fix::shell(
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
        );
        return Ok(Outcome::fail(read, fix));
    }
    if !missing.is_empty() {
        let read = format!("{read}; the CPU lacks {}", missing.join(", "));
        let fix = Fix::advice("use a CPU, or a virtual machine type, with an invariant TSC");
        return Ok(Outcome::fail(read, fix));
    }
    match &seen.facts.skew {
        Ok(skew) if skew.at_least >= SKEW_MAX => {
            let read = format!("{read} and at least {}", skew.at_least);
            let fix = "update the firmware; boot with tsc=reliable only if it is known to be";
            Ok(Outcome::fail(read, Fix::advice(fix)))
        }
        _ => Ok(Outcome::good(read)),
    }
}

fn sync(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let sync = seen.facts.clock_sync.as_ref().map_err(|reason| Unread::Other(reason.clone()))?;
    let tool = seen.tree.names("/proc").ok().and_then(|names| {
        let known = ["chronyd", "ntpd", "ptp4l", "phc2sys", "systemd-timesyn"];
        let comm = |process: &String| seen.tree.read(&format!("/proc/{process}/comm")).ok();
        names
            .iter()
            .filter(|name| name.parse::<u32>().is_ok())
            .filter_map(comm)
            .find(|name| known.contains(&name.as_str()))
    });
    let by = tool.map_or_else(|| "no time service seen".to_owned(), |name| format!("{name} runs"));
    if !sync.is_synced {
        let fix = Fix::shell("systemctl enable --now chronyd || systemctl enable --now chrony");
        return Ok(Outcome::warn(format!("the kernel says unsynchronised; {by}"), fix));
    }
    let read = format!(
        "synchronised, error at most {}, estimated {}; {by}",
        sync.error_max, sync.error_estimate
    );
    // The kernel's bound grows between polls of a service; its estimate is what the service believes.
    if sync.error_estimate < SYNC_ERROR_MAX {
        return Ok(Outcome::good(read));
    }
    let fix = Fix::advice("use chrony with nearby servers, hardware timestamps or a PTP clock");
    Ok(Outcome::warn(read, fix))
}
