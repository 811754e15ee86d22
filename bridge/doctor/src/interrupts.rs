//! Checks 4, 5 and 6: whether devices interrupt the pinned cores.

use super::cpu_list::CpuSet;
use super::fix::Fix;
use super::interrupt_table::{InterruptTable, Line};
use super::isolation::{isolated_cores, list};
use super::tree::Unread;
use super::{Check, Outcome, Seen};

pub(super) const CHECKS: [Check; 3] = [
    Check {
        number: 4,
        name: "interrupts away",
        why: "each device interrupt takes 2 to 20 us from whatever ran there, and cools its cache",
        judge: away,
    },
    Check {
        number: 5,
        name: "irqbalance",
        why: "it moves interrupts every ten seconds, also back onto pinned cores",
        judge: irqbalance,
    },
    Check {
        number: 6,
        name: "managed interrupts",
        why: "queues of NVMe and network cards choose cores themselves; only this keeps them off",
        judge: managed,
    },
];

/// A tick above this rate per second means that the core is not tickless while it spins.
const TICKS_PER_S_MAX: f64 = 10.0;

fn away(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let cores = seen.cores.examined();
    let since_boot = InterruptTable::parse(&seen.tree.read("/proc/interrupts")?)
        .ok_or_else(|| Unread::Strange("/proc/interrupts".to_owned()))?;
    let sampled = seen.sample.and_then(|sample| sample.interrupts.as_ref());
    let Some(delta) = sampled else {
        return Ok(by_route(seen, &cores, &since_boot));
    };
    let seconds = seen.sample.map_or(1.0, |sample| sample.seconds);
    let mut lines = Vec::new();
    let (mut devices, mut ticks_max) = (0, 0.0f64);
    for core in cores.iter() {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let ticks = delta.count("LOC", core) as f64 / seconds;
        let own = |label| delta.count(label, core);
        let device = delta.device_count(core);
        lines.push(format!(
            "core {core}: device {device}, LOC {ticks:.0}/s, RES {}, CAL {}, TLB {}, NMI {}",
            own("RES"),
            own("CAL"),
            own("TLB"),
            own("NMI"),
        ));
        devices += device;
        ticks_max = ticks_max.max(ticks);
    }
    let read = format!("{} in {seconds:.0} s", lines.join("; "));
    if devices > 0 {
        return Ok(Outcome::fail(read, route(seen, &fired_on(delta, &cores))));
    }
    if ticks_max > TICKS_PER_S_MAX {
        let fix = seen.cores.mend(|pinned, _| Fix::boot(format!("nohz_full={pinned}")));
        return Ok(Outcome::warn(read, fix));
    }
    Ok(Outcome::good(read))
}

/// Without counts of its own time: what is routed there and has ever fired there.
fn by_route(seen: &Seen<'_>, cores: &CpuSet, since_boot: &InterruptTable) -> Outcome {
    let mut fired = routed_to(seen, cores);
    let routed = fired.len();
    let ever = fired_on(since_boot, cores);
    fired.retain(|number| ever.contains(number));
    if fired.is_empty() {
        let read = format!("none of {routed} routed to {cores} ever fired; not counted now");
        return Outcome::good(read);
    }
    let read = format!("{} device interrupts go to {cores}; not counted now", fired.len());
    Outcome::fail(read, route(seen, &fired))
}

/// Device interrupts that hit one of the cores.
fn fired_on(table: &InterruptTable, cores: &CpuSet) -> Vec<u32> {
    let has_fired = |line: &Line| cores.iter().any(|core| line.on(core) > 0);
    table.devices().filter(|(_, line)| has_fired(line)).map(|(number, _)| number).collect()
}

/// Interrupts whose effective affinity has one of the cores.
fn routed_to(seen: &Seen<'_>, cores: &CpuSet) -> Vec<u32> {
    let numbers = seen.tree.names("/proc/irq").unwrap_or_default();
    let numbers = numbers.iter().filter_map(|name| name.parse::<u32>().ok());
    let is_there = |number: &u32| {
        let of = |file: &str| list(seen.tree, &format!("/proc/irq/{number}/{file}"));
        let affinity = of("effective_affinity_list").or_else(|_| of("smp_affinity_list"));
        affinity.is_ok_and(|affinity| !affinity.and(cores).is_empty())
    };
    numbers.filter(is_there).collect()
}

fn route(seen: &Seen<'_>, numbers: &[u32]) -> Fix {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    const DEFAULT: &str = "/proc/irq/default_smp_affinity";
    let default = seen.tree.read(DEFAULT).ok().and_then(|text| CpuSet::from_mask(&text));
    seen.cores.mend(|pinned, rest| {
        // Managed interrupts refuse; boot parameters move those (6).
        let mut command = format!(
            "for irq in {}; do echo {rest} > /proc/irq/$irq/smp_affinity_list; done",
            numbers.join(" "),
        );
        if default.is_some_and(|default| !default.and(pinned).is_empty()) {
            command = format!("{command}; echo {} > {DEFAULT}", rest.mask());
        }
        Fix::shell(command)
    })
}

fn irqbalance(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let processes = seen.tree.names("/proc")?;
    let mut processes = processes.iter().filter(|name| name.parse::<u32>().is_ok()).peekable();
    if processes.peek().is_none() {
        return Err(Unread::Absent("/proc/*/comm".to_owned()));
    }
    let is_it = |process: &&String| {
        seen.tree.read(&format!("/proc/{process}/comm")).is_ok_and(|name| name == "irqbalance")
    };
    let Some(process) = processes.find(is_it) else {
        return Ok(Outcome::good("not running"));
    };
    let cores = seen.cores.examined();
    let environment = seen.tree.read(&format!("/proc/{process}/environ")).unwrap_or_default();
    let banned = environment
        .split('\0')
        .find_map(|entry| entry.strip_prefix("IRQBALANCE_BANNED_CPULIST="))
        .and_then(CpuSet::from_list)
        .unwrap_or_default();
    if cores.without(&banned).is_empty() {
        return Ok(Outcome::good(format!("running, banned from {banned}")));
    }
    // It leaves out by itself what /sys/devices/system/cpu/isolated names.
    if isolated_cores(seen.tree).is_ok_and(|isolated| cores.without(&isolated).is_empty()) {
        return Ok(Outcome::good(format!("running, keeps off the isolated cores {cores}")));
    }
    let fix = Fix::shell("systemctl disable --now irqbalance");
    Ok(Outcome::warn(format!("running, free to use {cores}"), fix))
}

fn managed(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let parameter = seen.tree.boot_parameter("isolcpus")?;
    let is_managed =
        parameter.as_ref().is_some_and(|value| value.split(',').any(|flag| flag == "managed_irq"));
    let read = match &parameter {
        None => "isolcpus= is not on the kernel's command line".to_owned(),
        Some(value) => format!("isolcpus={value}"),
    };
    if is_managed {
        return Ok(Outcome::good(read));
    }
    let fix = |pinned: &CpuSet| Fix::boot(format!("isolcpus=managed_irq,domain,{pinned}"));
    Ok(Outcome::warn(read, seen.cores.mend(|pinned, _| fix(pinned))))
}
