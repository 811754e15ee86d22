//! Checks 24, 26, 27 and 28: the kernel's own housekeeping, what it runs on, and what it is.

use super::cpu_list::CpuSet;
use super::fix::Fix;
use super::tree::{Tree, Unread};
use super::{Check, Grade, Outcome, Seen};

pub(super) const CHECKS: [Check; 4] = [
    Check {
        number: 24,
        name: "watchdogs and timers",
        why: "watchdogs, statistics and other cores' timers wake up on every core they may use",
        judge: watchdogs,
    },
    Check {
        number: 26,
        name: "bare metal",
        why: "a hypervisor takes whole milliseconds, and no setting of the guest prevents it",
        judge: virtualised,
    },
    Check {
        number: 27,
        name: "mitigations",
        why: "they cost each system call 0.1 to 1 us; numbers are comparable only with the same ones",
        judge: mitigations,
    },
    Check {
        number: 28,
        name: "kernel",
        why: "numbers are comparable only with the same kernel and preemption model",
        judge: kernel,
    },
];

fn watchdogs(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let knob =
        |name: &str| seen.tree.number::<i64>(&format!("/proc/sys/{}", name.replacen('.', "/", 1)));
    let mut read = Vec::new();
    let mut fixes = Vec::new();
    let mut absent = None;
    // Name, smallest and largest good value, and what to set.
    const RULES: [(&str, i64, i64, &str); 3] = [
        ("kernel.nmi_watchdog", 0, 0, "0"),
        ("kernel.timer_migration", 0, 0, "0"),
        ("vm.stat_interval", 10, i64::MAX, "60"),
    ];
    for (name, least, most, set) in RULES {
        match knob(name) {
            Ok(value) => {
                read.push(format!("{name} {value}"));
                if !(least..=most).contains(&value) {
                    fixes.push(format!("sysctl -w {name}={set}"));
                }
            }
            Err(unread) => absent = Some(unread),
        }
    }
    let cores = seen.cores.examined();
    // The soft watchdog's mask matters only while that watchdog runs.
    if knob("kernel.watchdog") != Ok(0)
        && let Ok(text) = seen.tree.read("/proc/sys/kernel/watchdog_cpumask")
    {
        read.push(format!("watchdog on {text}"));
        if CpuSet::from_list(&text).is_none_or(|mask| !mask.and(&cores).is_empty()) {
            let rest = seen.cores.housekeeping();
            if !rest.is_empty() && !seen.cores.pinned().is_empty() {
                fixes.push(format!("sysctl -w kernel.watchdog_cpumask={rest}"));
            }
        }
    }
    if let Ok(Some(skew)) = seen.tree.boot_parameter("skew_tick") {
        read.push(format!("skew_tick {skew}"));
    }
    match absent {
        Some(unread) if read.is_empty() => Err(unread),
        _ if fixes.is_empty() => Ok(Outcome::good(read.join("; "))),
        _ => Ok(Outcome::warn(read.join("; "), Fix::shell(fixes.join(" && ")))),
    }
}

/// Time stolen by the hypervisor and all time, in ticks, from `/proc/stat`.
pub(super) fn steal(tree: &Tree) -> Result<(u64, u64), Unread> {
    const PATH: &str = "/proc/stat";
    let text = tree.read(PATH)?;
    let strange = || Unread::Strange(PATH.to_owned());
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or_else(strange)?;
    let ticks: Vec<u64> =
        line.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| strange())?;
    // user nice system idle iowait irq softirq steal; guest time is part of user time.
    let stolen = ticks.get(7).copied().ok_or_else(strange)?;
    Ok((stolen, ticks.iter().take(8).sum()))
}

/// True inside a virtual machine, as far as the CPU tells.
pub(super) fn is_virtual(tree: &Tree) -> Result<bool, Unread> {
    let cpu = tree.read("/proc/cpuinfo")?;
    let flags = cpu.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let says_hypervisor = flags.split_whitespace().any(|flag| flag == "hypervisor");
    Ok(says_hypervisor || tree.exists("/sys/hypervisor/type"))
}

fn virtualised(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let is_virtual = is_virtual(seen.tree)?;
    let (stolen, all) = match seen.sample.map(|sample| &sample.steal) {
        Some(Ok(sampled)) => *sampled,
        _ => steal(seen.tree)?,
    };
    let when = if seen.sample.is_some() { "during the noise test" } else { "since boot" };
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let percent = stolen as f64 * 100.0 / all.max(1) as f64;
    let product = seen.tree.read("/sys/class/dmi/id/product_name").ok();
    let product = product.map_or_else(String::new, |name| format!(" ({name})"));
    let kind = if is_virtual { "virtual machine" } else { "bare metal" };
    let read = format!("{kind}{product}; stolen {percent:.2} % {when}");
    if !is_virtual && stolen == 0 {
        return Ok(Outcome::good(read));
    }
    let fix = Fix::advice("publish numbers from a machine of your own; here compare only ratios");
    // A virtual machine is a host for trying things; one whose time is taken is no host for tails.
    let grade = if percent >= 0.1 { Grade::Fail } else { Grade::Warn };
    Ok(Outcome { grade, read, fix: Some(fix) })
}

fn mitigations(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    const FOLDER: &str = "/sys/devices/system/cpu/vulnerabilities";
    let names = seen.tree.names(FOLDER)?;
    let (mut mitigated, mut open, mut unaffected) = (Vec::new(), Vec::new(), 0);
    for name in names {
        let state = seen.tree.read(&format!("{FOLDER}/{name}"))?;
        match state.split([':', ' ']).next() {
            Some("Not") => unaffected += 1,
            Some("Mitigation") => mitigated.push(name),
            _ => open.push(name),
        }
    }
    let list =
        |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    Ok(Outcome::info(format!(
        "mitigated: {}; open: {}; not affected by {unaffected}",
        list(&mitigated),
        list(&open)
    )))
}

fn kernel(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let release = seen.tree.read("/proc/sys/kernel/osrelease")?;
    let version = seen.tree.read("/proc/sys/kernel/version").unwrap_or_default();
    let model = seen.tree.read("/sys/kernel/debug/sched/preempt").ok();
    let model = model.as_deref().map(|text| match text.split_once('(') {
        Some((_, rest)) => rest.split(')').next().unwrap_or(rest).to_owned(),
        None => text.to_owned(),
    });
    let built = ["PREEMPT_RT", "PREEMPT_DYNAMIC", "PREEMPT"];
    let built = built.into_iter().find(|word| version.split_whitespace().any(|of| of == *word));
    let config = seen.tree.read(&format!("/boot/config-{release}")).ok();
    let hz = config.as_deref().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("CONFIG_HZ=")).map(str::to_owned)
    });
    Ok(Outcome::info(format!(
        "{release}, {}, HZ {}",
        model.as_deref().or(built).unwrap_or("preemption model not readable"),
        hz.as_deref().unwrap_or("not readable"),
    )))
}
