use super::*;
use paperwire_core::agent::WorkCount;
use paperwire_core::time::HostNs;

#[derive(Debug)]
struct CountDown {
    left: u32,
    last: HostNs,
}

impl Agent for CountDown {
    fn name(&self) -> &'static str {
        "count-down"
    }
    fn step(&mut self, now: HostNs) -> Option<WorkCount> {
        assert!(now >= self.last, "the host clock is monotonic");
        self.last = now;
        self.left = self.left.checked_sub(1)?;
        Some(WorkCount(usize::from(self.left.is_multiple_of(2))))
    }
    fn is_warm(&self) -> bool {
        true
    }
}

#[test]
fn an_agent_runs_to_its_end_and_comes_back() {
    for wait in [Wait::Spin, Wait::Yield, Wait::Park] {
        let agent = CountDown { left: 100, last: HostNs::default() };
        let config = RunnerConfig { core: usable_cores().first().copied(), wait };
        let running = spawn(agent, config, HostClock::new()).unwrap();
        let stats = running.stats.clone();
        let agent = running.join().unwrap();
        assert_eq!((agent.left, stats.steps()), (0, 101));
    }
}

#[test]
fn an_endless_agent_stops_when_asked() {
    let agent = CountDown { left: u32::MAX, last: HostNs::default() };
    let config = RunnerConfig { core: None, wait: Wait::Yield };
    let running = spawn(agent, config, HostClock::new()).unwrap();
    running.stop();
    assert!(running.join().unwrap().left > 0);
}

#[test]
fn a_core_outside_of_the_inherited_mask_can_be_pinned_to() {
    let cores = usable_cores();
    let [first, .., last] = cores.as_slice() else {
        return eprintln!("SKIPPED: one core");
    };
    let (first, last) = (*first, *last);
    let allowed = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        line.unwrap().trim().to_owned()
    };
    // As isolated cores are: none of the mask that the thread is born with.
    let parent = std::thread::spawn(move || {
        assert!(pin(first));
        let child = std::thread::spawn(move || (allowed(), pin(last), allowed()));
        child.join().unwrap()
    });
    assert_eq!(parent.join().unwrap(), (first.to_string(), true, last.to_string()));
}
