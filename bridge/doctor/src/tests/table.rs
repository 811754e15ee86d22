//! One change to a tuned host for every check: what is then found, and what mends it.

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::DurationNs;
use paperwire_rt::descriptors::Descriptors;

use super::kit::{Host, noise, stat, tuned};
use crate::Grade;
use crate::tree::Unread;

#[track_caller]
fn check(host: &Host, number: u8, grade: Grade, read: &str, fix: &str) {
    let finding = host.finding(number);
    assert_eq!(finding.grade, grade, "{number}: {}", finding.read);
    assert!(finding.read.contains(read), "{number}: {}", finding.read);
    let shown = finding.fix.map_or_else(String::new, |fix| fix.to_string());
    assert!(shown.contains(fix), "{number}: {shown}");
    if matches!(grade, Grade::Warn | Grade::Fail) {
        assert!(!shown.is_empty(), "{number} is bad and has no fix");
    }
}

const CPU2: &str = "/sys/devices/system/cpu/cpu2";

#[test]
fn one_wrong_file_is_found_by_its_check() {
    use Grade::{Fail, Warn};
    let idle = format!("{CPU2}/cpuidle/state2/disable");
    let governor = format!("{CPU2}/cpufreq/scaling_governor");
    let preference = format!("{CPU2}/cpufreq/energy_performance_preference");
    let slowest = format!("{CPU2}/cpufreq/scaling_min_freq");
    let heat = format!("{CPU2}/thermal_throttle/core_throttle_count");
    let siblings = format!("{CPU2}/topology/thread_siblings_list");
    let l3 = format!("{CPU2}/cache/index3/shared_cpu_list");
    let real_time = stat("paperwire", 'R', 1, 1);
    let (busy, asleep) = (stat("build", 'R', 3, 0), stat("build", 'S', 3, 0));
    #[rustfmt::skip]
    let cases: Vec<(u8, &str, &str, Grade, &str, &str)> = vec![
        (1, "/sys/devices/system/cpu/isolated", "3", Fail, "isolated: 3; pinned: 2-3", "isolcpus=managed_irq,domain,2-3"),
        (2, "/sys/devices/system/cpu/nohz_full", "3", Fail, "nohz_full: 3", "nohz_full=2-3"),
        (2, "/sys/devices/system/cpu/nohz_full", "0-3", Fail, "core 0", "nohz_full=2-3"),
        (3, "/proc/cmdline", "quiet rcu_nocbs=3", Fail, "offloaded: 3", "rcu_nocbs=2-3"),
        (3, "/proc/11/status", "Cpus_allowed_list:\t0-3", Fail, "1 rcuo threads", "taskset -pc 0-1"),
        (5, "/proc/50/comm", "irqbalance", Grade::Good, "keeps off the isolated", ""),
        (6, "/proc/cmdline", "isolcpus=2-3", Warn, "isolcpus=2-3", "managed_irq,domain,2-3"),
        (7, "/sys/devices/virtual/workqueue/cpumask", "f", Warn, "unbound work on: 0-3", "echo 3 >"),
        (8, &siblings, "2,6", Fail, "siblings 6 of 2-3", "cpu6/online"),
        (8, &siblings, "2-3", Fail, "siblings of one core", "threads.feed_core"),
        (9, &l3, "0-2", Warn, "serves 0-2", "two of 0-2"),
        (10, "/sys/devices/system/node/node0/cpulist", "0-1", Warn, "on node 0, cores 0-1", "two of 0-1"),
        (11, &governor, "powersave", Fail, "core 2: powersave", "cpupower frequency-set -g performance"),
        (11, &preference, "balance_power", Fail, "(balance_power)", "cpupower"),
        (12, &slowest, "800000", Warn, "core 2: 800 to 3600 MHz", "-d 3600000kHz"),
        (12, &heat, "7", Warn, "throttled by heat 7 times", "cooling"),
        (13, &idle, "0", Warn, "core 2 C6 (133 us)", "cpupower idle-set -d 2"),
        (14, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", Fail, "uses hpet", "echo tsc"),
        (14, "/proc/cpuinfo", "flags : rdtscp constant_tsc", Fail, "lacks nonstop_tsc", "invariant"),
        (16, "/proc/self/stat", &real_time, Fail, "SCHED_FIFO", "without chrt"),
        (17, "/proc/50/task/50/stat", &busy, Fail, "1 other threads run on 2-3: build", "AllowedCPUs=0-1"),
        (17, "/proc/50/task/50/stat", &asleep, Warn, "sleep on 2-3", "AllowedCPUs=0-1"),
        (18, "/proc/self/limits", "Max locked memory 8388608 8388608", Warn, "limit 8192 KiB", "LimitMEMLOCK"),
        (21, "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", Warn, "huge pages always", "echo madvise"),
        (21, "/proc/sys/vm/compaction_proactiveness", "20", Warn, "compaction 20", "echo 0"),
        (22, "/proc/sys/kernel/numa_balancing", "1", Warn, "= 1", "kernel.numa_balancing=0"),
        (23, "/proc/swaps", "Filename\n/dev/sda2 partition", Warn, "/dev/sda2", "swapoff"),
        (24, "/proc/sys/kernel/nmi_watchdog", "1", Warn, "nmi_watchdog 1", "kernel.nmi_watchdog=0"),
        (24, "/proc/sys/vm/stat_interval", "1", Warn, "stat_interval 1", "vm.stat_interval=60"),
        (24, "/proc/sys/kernel/watchdog_cpumask", "0-3", Warn, "watchdog on 0-3", "watchdog_cpumask=0-1"),
        (25, "/sys/fs/cgroup/paperwire.slice/cpu.max", "50000 100000", Fail, "50000 100000", "CPUQuota="),
        (25, "/sys/fs/cgroup/paperwire.slice/memory.high", "1000", Warn, "memory.high is 1000", "MemoryHigh"),
        (25, "/sys/fs/cgroup/paperwire.slice/cpuset.cpus.effective", "0-2", Fail, "pinned to 3 besides", "AllowedCPUs"),
        (26, "/proc/cpuinfo", "flags : hypervisor", Warn, "virtual machine", "machine of your own"),
        (30, "/proc/sys/net/core/busy_read", "0", Warn, "busy_read 0 us", "net.core.busy_read=50"),
        (32, "/proc/sys/net/ipv4/tcp_slow_start_after_idle", "1", Grade::Info, "retransmitted 3 of 1000", "slow_start_after_idle=0"),
    ];
    for (number, path, text, grade, read, fix) in cases {
        check(&tuned().file(path, text), number, grade, read, fix);
    }
}

#[test]
fn several_files_together_decide() {
    use Grade::{Fail, Good, Info, Warn};
    let not_isolated = || tuned().file("/sys/devices/system/cpu/isolated", "");
    let balanced = not_isolated().file("/proc/50/comm", "irqbalance");
    check(&balanced, 5, Warn, "free to use 2-3", "disable --now irqbalance");
    let banned = balanced.file("/proc/50/environ", "A=1\0IRQBALANCE_BANNED_CPULIST=2-3\0");
    check(&banned, 5, Good, "banned from 2-3", "");

    let partition = not_isolated()
        .file("/sys/fs/cgroup/paperwire.slice/cpuset.cpus.partition", "isolated\n")
        .file("/sys/fs/cgroup/paperwire.slice/cpuset.cpus.effective", "2-3\n");
    check(&partition, 1, Good, "isolated: 2-3", "");
    check(&not_isolated().file("/sys/fs/cgroup/cpuset.cpus.isolated", "2-3"), 1, Good, "", "");

    let small = tuned().file("/proc/self/limits", "Max locked memory 65536 65536");
    let swapping = small.file("/proc/swaps", "Filename\n/swap file");
    check(&swapping, 18, Fail, "there is swap", "LimitMEMLOCK");
    let unlocked = tuned().file("/proc/swaps", "Filename\n/swap file");
    check(&unlocked, 18, Warn, "locked now 0 kB", "threads.lock_memory");
    let bridged = tuned().file("/proc/net/route", "Iface\nbr;reboot 00000000 1\n");
    check(&bridged, 10, Grade::Unknown, "odd name", "");

    let siblings = tuned().file(&format!("{CPU2}/topology/thread_siblings_list"), "2,6");
    let isolated = siblings.file("/sys/devices/system/cpu/isolated", "2-3,6");
    check(&isolated, 8, Good, "isolated and unused", "");

    let one_node = tuned().without("/sys/class/net/eth0/device/numa_node");
    check(&one_node, 10, Good, "there is only one", "");
    let guest = tuned().file("/proc/cpuinfo", "flags : hypervisor").without(CPU2);
    check(&guest, 11, Grade::Unknown, "the hypervisor sets", "");
    check(&tuned().file("/sys/hypervisor/type", "xen"), 26, Warn, "virtual machine", "");
    check(&tuned().file("/proc/cmdline", "idle=poll").without(CPU2), 13, Good, "idle=poll", "");
    check(
        &tuned().file("/sys/kernel/debug/sched/preempt", "none (full) lazy"),
        28,
        Info,
        "full",
        "",
    );
}

#[test]
fn facts_that_need_a_system_call_are_judged() {
    use Grade::{Fail, Good, Unknown, Warn};
    let with = |change: &dyn Fn(&mut Host)| {
        let mut host = tuned();
        change(&mut host);
        host
    };
    let host = with(&|host| host.facts.skew.as_mut().unwrap().at_least = DurationNs::new(200));
    check(&host, 14, Fail, "at least 200 ns", "firmware");
    let host = with(&|host| host.facts.skew = Err("it takes two cores".to_owned()));
    check(&host, 14, Good, "not measured", "");
    let host = with(&|host| host.facts.clock_sync.as_mut().unwrap().is_synced = false);
    check(&host, 33, Warn, "unsynchronised", "chrony");
    let host = with(&|host| {
        host.facts.clock_sync.as_mut().unwrap().error_estimate = DurationNs::from_millis(5);
    });
    check(&host, 33, Warn, "5.00 ms", "PTP");
    let host = with(&|host| host.facts.clock_sync = Err("not permitted".to_owned()));
    check(&host, 33, Unknown, "not permitted", "");
    let host = with(&|host| {
        host.facts.coalescing = Ok("Adaptive RX: on  TX: on\nrx-usecs: 50".to_owned());
    });
    check(&host, 29, Warn, "adaptive-rx on, rx-usecs 50", "-C eth0 adaptive-rx off rx-usecs 0");
    let host = with(&|host| host.facts.coalescing = Err("ethtool is not installed".to_owned()));
    check(&host, 29, Unknown, "not installed", "ethtool -c eth0");
    let host = with(&|host| host.facts.receive_stamps = Err("not supported".to_owned()));
    check(&host, 31, Warn, "not supported", "sandbox");
    let mut host = tuned().file("/proc/sys/net/core/busy_read", "0");
    host.facts.demands.busy_poll = DurationNs::from_micros(60);
    check(&host, 30, Good, "may ask for it, and does: 60 us", "");
    host.facts.busy_poll = Err("not permitted".to_owned());
    check(&host, 30, Warn, "may not ask for it", "net.core.busy_read=50");
    let mut host = tuned().file("/proc/swaps", "Filename\n/swap file");
    host.facts.demands.lock_memory = true;
    check(&host, 18, Good, "a run locks all", "");
    let host = with(&|host| host.facts.disk.free_bytes = Ok(1_000_000_000));
    check(&host, 34, Warn, "1 GB free; a day may need 1.5 GB", "logs.dir");
    let host = with(&|host| host.facts.disk.sync_worst = Some(Ok(DurationNs::from_millis(30))));
    check(&host, 34, Warn, "30.0 ms", "SSD");
    let host = with(&|host| host.facts.disk.sync_worst = Some(Err("read-only".to_owned())));
    check(&host, 34, Unknown, "read-only", "");
    let host = with(&|host| host.facts.database = Some(Err("no answer".to_owned())));
    check(&host, 35, Warn, "no answer", "start the database");
    let host = with(&|host| host.facts.build.has_debug_assertions = true);
    check(&host, 36, Fail, "debug assertions on", "--release");
    let host = with(&|host| host.facts.build.opt_level = "0");
    check(&host, 36, Fail, "opt-level 0", "--release");
    let host = with(&|host| host.facts.demands.secret_keys.push("gateway.secret".to_owned()));
    check(&host, 40, Warn, "holds a secret: gateway.secret", "environment");
    let host = with(&|host| host.facts.demands.public_addresses.push("bind = 0.0.0.0".to_owned()));
    check(&host, 40, Warn, "not on loopback", "127.0.0.1");
    let few = Descriptors { limit: 128, limit_max: 128, open: 20 };
    let host = with(&|host| host.facts.descriptors = Ok(few));
    check(&host, 40, Warn, "128 descriptors, 20 open", "LimitNOFILE=4096");
    let host = with(&|host| host.facts.smi_count = Err("needs root".to_owned()));
    check(&host, 39, Unknown, "needs root", "rtla osnoise");
    let host = with(&|host| host.facts.probe_tax = None);
    check(&host, 37, Unknown, "not measured", "");
}

#[test]
fn what_the_spinning_threads_suffered_is_judged_by_the_thresholds() {
    use Grade::{Fail, Good, Unknown, Warn};
    let with = |max_ns, p999_ns| {
        let mut host = tuned();
        host.sample.as_mut().unwrap().noise[1] = noise(3, max_ns, p999_ns);
        host
    };
    check(&with(19_999, 4_999), 38, Good, "core 3: max 19.9 us", "");
    check(&with(20_000, 1_000), 38, Warn, "max 20.0 us", "other findings");
    check(&with(19_000, 5_000), 38, Warn, "p99.9 5.00 us", "");
    check(&with(100_000, 1_000), 38, Fail, "max 100 us", "");

    let mut host = tuned();
    let usage = ThreadUsage { minor_faults: 2, switches_by_force: 7, ..ThreadUsage::default() };
    host.sample.as_mut().unwrap().noise[0].usage = Some(usage);
    check(&host, 19, Fail, "core 2: 2 minor", "21");
    check(&host, 20, Fail, "core 2: 7 forced", "nobody else");
    for of in &mut host.sample.as_mut().unwrap().noise {
        of.usage = None;
    }
    check(&host, 20, Unknown, "does not count", "");

    let table = |line: &str| {
        let mut host = tuned();
        let text = format!("CPU0 CPU1 CPU2 CPU3\n{line}");
        let parsed = crate::interrupt_table::InterruptTable::parse(&text);
        host.sample.as_mut().unwrap().interrupts = parsed;
        host
    };
    check(&table("31: 5 0 0 2 nvme0q3"), 4, Fail, "core 3: device 2", "for irq in 31; do echo 0-1");
    let moved = table("31: 5 0 0 2 nvme0q3").file("/proc/irq/default_smp_affinity", "f");
    check(&moved, 4, Fail, "", "; echo 3 > /proc/irq/default_smp_affinity");
    check(&table("LOC: 0 0 2500 9 timer"), 4, Warn, "LOC 250/s", "nohz_full=2-3");

    let mut host = tuned();
    host.sample.as_mut().unwrap().steal = Ok((20, 4000));
    check(&host, 26, Fail, "stolen 0.50 %", "");
    host.sample.as_mut().unwrap().steal = Err(Unread::Absent("/proc/stat".to_owned()));
    check(&host, 26, Good, "stolen 0.00 %", "");
}

#[test]
fn without_a_noise_test_interrupts_are_judged_by_their_route_and_history() {
    let mut host = tuned();
    host.sample = None;
    check(&host, 4, Grade::Good, "not counted now", "");
    // Routed there, but silent: queues that nobody uses.
    let host = host.file("/proc/irq/30/effective_affinity_list", "2");
    check(&host, 4, Grade::Good, "none of 1 routed", "");
    let table = "CPU0 CPU1 CPU2 CPU3\n 30: 0 0 4 0 eth0\n";
    check(
        &host.file("/proc/interrupts", table),
        4,
        Grade::Fail,
        "1 device",
        "irq in 30; do echo 0-1",
    );
}

#[test]
fn threads_without_cores_of_their_own_are_sent_to_the_first_check() {
    let mut host = tuned();
    (host.cores.feed, host.cores.engine) = (None, None);
    check(&host, 1, Grade::Fail, "no thread is pinned: 4 usable cores", "to two of 2-3");
    let mut host = host.file("/sys/devices/system/cpu/isolated", "");
    check(&host, 1, Grade::Fail, "no thread is pinned: 4 usable cores", "threads.feed_core");
    check(&host, 2, Grade::Fail, "examined: 0-3", "check 1 first");
    check(&host, 7, Grade::Warn, "", "check 1 first");
    let text = crate::script::script(&host.examine());
    assert!(!text.contains("check 1 first"), "said once is enough: {text}");
    host.cores.usable = (0..2).collect();
    check(&host, 1, Grade::Fail, "2 usable cores", "4 cores or more");
    host.cores.feed = Some(1);
    check(&host, 1, Grade::Fail, "the engine is not pinned", "");
    host.cores.engine = Some(0);
    check(&host, 1, Grade::Fail, "must be left", "other cores than 0");
    host.cores.usable = (0..4).collect();
    check(&host, 2, Grade::Fail, "examined: 0-1", "check 1 first");
    host.cores.engine = Some(1);
    check(&host, 1, Grade::Fail, "share a core", "threads.engine_core");
    host.cores.engine = Some(0);
    check(&host, 3, Grade::Fail, "examined: 0-1", "check 1 first");
}
