//! Checks 1, 2, 3, 7, 17 and 25: whether the pinned cores belong to the pinned threads alone.

use super::cpu_list::CpuSet;
use super::fix::Fix;
use super::tasks::{Task, tasks};
use super::tree::{Tree, Unread};
use super::{Check, Grade, Outcome, Seen};

pub(super) const CHECKS: [Check; 6] = [
    Check {
        number: 1,
        name: "pinned cores isolated",
        why: "the scheduler puts other work on a core that is not isolated, for milliseconds",
        judge: isolated,
    },
    Check {
        number: 2,
        name: "tickless",
        why: "the timer tick takes 1 to 5 us, 100 to 1000 times a second",
        judge: tickless,
    },
    Check {
        number: 3,
        name: "RCU offloaded",
        why: "callbacks of the kernel's memory reclaim take 10 to 50 us where they run",
        judge: rcu,
    },
    Check {
        number: 7,
        name: "kernel workqueues away",
        why: "unbound kernel work (writeback, drivers) goes to any core of its mask",
        judge: workqueues,
    },
    Check {
        number: 17,
        name: "nobody else on the cores",
        why: "a second runnable thread takes turns with ours, some milliseconds each",
        judge: alone,
    },
    Check {
        number: 25,
        name: "cgroup limits",
        why: "a CPU quota stops all threads for the rest of its period, tens of milliseconds",
        judge: cgroup,
    },
];

/// Cores outside the scheduler's domains: by the kernel's command line or by a cpuset partition.
pub(super) fn isolated_cores(tree: &Tree) -> Result<CpuSet, Unread> {
    let booted = list(tree, "/sys/devices/system/cpu/isolated");
    let by_cpuset = list(tree, "/sys/fs/cgroup/cpuset.cpus.isolated");
    match (booted, by_cpuset, own_partition(tree)) {
        (Err(unread), Err(_), None) => Err(unread),
        (booted, by_cpuset, own) => Ok(booted
            .unwrap_or_default()
            .or(&by_cpuset.unwrap_or_default())
            .or(&own.unwrap_or_default())),
    }
}

/// Cores of our own cgroup when it, or one above it, is an isolated partition (cgroup v2).
fn own_partition(tree: &Tree) -> Option<CpuSet> {
    let folder = ancestors(tree).into_iter().find(|folder| {
        tree.read(&format!("{folder}/cpuset.cpus.partition")).is_ok_and(|text| text == "isolated")
    })?;
    list(tree, &format!("{folder}/cpuset.cpus.effective")).ok()
}

/// Folders of our own cgroup and all above it, the innermost first.
fn ancestors(tree: &Tree) -> Vec<String> {
    let Ok(text) = tree.read("/proc/self/cgroup") else { return Vec::new() };
    let Some(path) = text.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Vec::new();
    };
    let mut path = path.trim_end_matches('/');
    let mut folders = vec![format!("/sys/fs/cgroup{path}")];
    while let Some((above, _)) = path.rsplit_once('/') {
        folders.push(format!("/sys/fs/cgroup{above}"));
        path = above;
    }
    folders
}

/// A file that holds a list of cores.
pub(super) fn list(tree: &Tree, path: &str) -> Result<CpuSet, Unread> {
    CpuSet::from_list(&tree.read(path)?).ok_or_else(|| Unread::Strange(path.to_owned()))
}

/// What is wrong with the placement itself, before any core can be isolated for it.
fn misplaced(seen: &Seen<'_>, isolated: &CpuSet) -> Option<(String, String)> {
    let cores = seen.cores;
    let usable = cores.usable.len();
    let who = match (cores.feed, cores.engine) {
        (None, None) => "no thread is pinned",
        (None, Some(_)) => "the feed is not pinned",
        (Some(_), None) => "the engine is not pinned",
        (Some(feed), Some(engine)) if feed == engine => "feed and engine share a core",
        (Some(feed), Some(engine)) => {
            let spares_none = cores.housekeeping().is_empty() || feed == 0 || engine == 0;
            let wrong = "core 0 and one more must be left for everything else".to_owned();
            return spares_none.then(|| (wrong, format!("{SET} to other cores than 0")));
        }
    };
    let advice = match usable {
        // The affinity that a process inherits has no isolated cores: they must be named.
        _ if isolated.len() >= 2 => format!("{SET} to two of {isolated}, and threads.wait to spin"),
        0..=2 => "use a machine with 4 cores or more: feed, engine, two for the rest".to_owned(),
        _ => SET.to_owned(),
    };
    Some((format!("{who}: {usable} usable cores"), advice))
}

const SET: &str = "set threads.feed_core and threads.engine_core";

fn isolated(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let isolated = isolated_cores(seen.tree)?;
    let pinned = seen.cores.pinned();
    let read = format!("isolated: {isolated}; pinned: {pinned}");
    if let Some((wrong, advice)) = misplaced(seen, &isolated) {
        return Ok(Outcome::fail(format!("{wrong}; {read}"), Fix::advice(advice)));
    }
    if pinned.without(&isolated).is_empty() {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::fail(read, Fix::boot(format!("isolcpus=managed_irq,domain,{pinned}"))))
}

fn tickless(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    const PATH: &str = "/sys/devices/system/cpu/nohz_full";
    let tickless = list(seen.tree, PATH).map_err(|unread| match unread {
        Unread::Absent(_) => {
            Unread::Other(format!("{PATH} is not there: a kernel without CONFIG_NO_HZ_FULL"))
        }
        other => other,
    })?;
    let cores = seen.cores.examined();
    let read = format!("nohz_full: {tickless}; examined: {cores}");
    let fix = seen.cores.mend(|pinned, _| Fix::boot(format!("nohz_full={pinned}")));
    if tickless.contains(0) {
        let read = format!("{read}; core 0 is among them, and it keeps the time for all");
        return Ok(Outcome::fail(read, fix));
    }
    if cores.without(&tickless).is_empty() {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::fail(read, fix))
}

fn rcu(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let of = |name: &str| -> Result<CpuSet, Unread> {
        let Some(value) = seen.tree.boot_parameter(name)? else { return Ok(CpuSet::default()) };
        // `all` and `N` are the kernel's words for every core and the last one.
        if value == "all" || (name == "rcu_nocbs" && value.is_empty()) {
            return Ok(seen.cores.usable.clone());
        }
        CpuSet::from_list(&value).ok_or_else(|| Unread::Strange(format!("{name}={value}")))
    };
    // nohz_full offloads its cores as if they were listed in rcu_nocbs.
    let offloaded = of("rcu_nocbs")?.or(&of("nohz_full")?);
    let cores = seen.cores.examined();
    let strays = offload_threads_on(seen, &cores);
    let read = format!("offloaded: {offloaded}; examined: {cores}");
    if !cores.without(&offloaded).is_empty() {
        let fix = seen.cores.mend(|pinned, _| Fix::boot(format!("rcu_nocbs={pinned}")));
        return Ok(Outcome::fail(read, fix));
    }
    if strays > 0 {
        let fix = seen.cores.mend(|_, rest| {
            Fix::shell(format!("for pid in $(pgrep '^rcuo'); do taskset -pc {rest} \"$pid\"; done"))
        });
        let read = format!("{read}; {strays} rcuo threads may run on them");
        return Ok(Outcome::fail(read, fix));
    }
    Ok(Outcome::good(read))
}

/// Threads that run offloaded callbacks and are allowed on the cores.
fn offload_threads_on(seen: &Seen<'_>, cores: &CpuSet) -> usize {
    let Ok(names) = seen.tree.names("/proc") else { return 0 };
    let is_stray = |process: &&String| {
        let read = |file: &str| seen.tree.read(&format!("/proc/{process}/{file}")).ok();
        if !read("comm").is_some_and(|name| name.starts_with("rcuo")) {
            return false;
        }
        let status = read("status").unwrap_or_default();
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let allowed = allowed.and_then(CpuSet::from_list).unwrap_or_default();
        !allowed.and(cores).is_empty()
    };
    names.iter().filter(|name| name.parse::<u32>().is_ok()).filter(is_stray).count()
}

fn workqueues(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    const PATH: &str = "/sys/devices/virtual/workqueue/cpumask";
    let mask = CpuSet::from_mask(&seen.tree.read(PATH)?);
    let allowed = mask.ok_or_else(|| Unread::Strange(PATH.to_owned()))?;
    let cores = seen.cores.examined();
    let read = format!("unbound work on: {allowed}; examined: {cores}");
    if allowed.and(&cores).is_empty() {
        return Ok(Outcome::good(read));
    }
    let fix = |rest: &CpuSet| Fix::shell(format!("echo {} > {PATH}", rest.mask()));
    Ok(Outcome::warn(read, seen.cores.mend(|_, rest| fix(rest))))
}

fn alone(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let cores = seen.cores.examined();
    let is_other = |task: &Task| {
        task.process != std::process::id() && !task.is_kernel && cores.contains(task.core)
    };
    let others: Vec<Task> = tasks(seen.tree)?.into_iter().filter(is_other).collect();
    let running: Vec<&Task> = others.iter().filter(|task| task.state == 'R').collect();
    let fix = || {
        seen.cores.mend(|_, rest| {
            let slice =
                |name| format!("systemctl set-property --runtime {name}.slice AllowedCPUs={rest}");
            Fix::shell(format!("{} && {}", slice("system"), slice("user")))
        })
    };
    let names = |tasks: &mut dyn Iterator<Item = &Task>| {
        let mut names: Vec<&str> = tasks.map(|task| task.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{rest}", names.join(", "))
    };
    if !running.is_empty() {
        let read = format!(
            "{} other threads run on {cores}: {}",
            running.len(),
            names(&mut running.into_iter())
        );
        return Ok(Outcome::fail(read, fix()));
    }
    if !others.is_empty() {
        let read = format!(
            "{} other threads sleep on {cores}: {}",
            others.len(),
            names(&mut others.iter())
        );
        return Ok(Outcome::warn(read, fix()));
    }
    Ok(Outcome::good(format!("no other thread was last on {cores}")))
}

fn cgroup(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let folders = ancestors(seen.tree);
    let mut limits = Vec::new();
    let mut worst = Grade::Good;
    let mut is_known = false;
    for folder in &folders {
        for (file, grade) in [("cpu.max", Grade::Fail), ("memory.high", Grade::Warn)] {
            let Ok(text) = seen.tree.read(&format!("{folder}/{file}")) else { continue };
            is_known = true;
            if !text.starts_with("max") {
                limits.push(format!("{folder}/{file} is {text}"));
                worst = if worst == Grade::Fail { worst } else { grade };
            }
        }
    }
    // The cpuset, not the affinity: a thread that pins itself may leave the inherited affinity.
    let cpusets = folders.iter().map(|folder| format!("{folder}/cpuset.cpus.effective"));
    let allowed = cpusets.filter_map(|path| list(seen.tree, &path).ok()).next();
    let missing = allowed.as_ref().map(|allowed| seen.cores.pinned().without(allowed));
    let shown = allowed.map_or_else(|| "any core".to_owned(), |allowed| format!("cores {allowed}"));
    if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
        let read = format!("the cpuset allows {shown}, pinned to {missing} besides");
        let fix = Fix::advice(format!("give the unit AllowedCPUs= with {missing} among them"));
        return Ok(Outcome::fail(read, fix));
    }
    if !is_known {
        return Ok(Outcome::unknown("no cgroup v2 limits to read: version 1, or the root group"));
    }
    let read = match limits.is_empty() {
        true => format!("no quota; {shown} allowed"),
        false => limits.join("; "),
    };
    let unit = "systemctl set-property --runtime paperwire.service CPUQuota= MemoryHigh=infinity";
    let fix = (worst != Grade::Good).then(|| Fix::shell(unit));
    Ok(Outcome { grade: worst, read, fix })
}
