//! Watches how long strategies take, and benches one that holds up the others.
//!
//! The engine must not decide by host time, or a replay would differ. So the bridge looks at each
//! second's histograms, and what it decides becomes a command: numbered, recorded, replayed.

use std::collections::VecDeque;

use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::ids::StratId;
use paperwire_core::latency::Bank;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_lab::attribution::{Attribution, LongCall};

/// Seconds with a call over the budget, within [`WITHIN`], that bench a strategy: one alone is as likely
/// the machine's.
const MISSES: usize = 3;
const WITHIN: DurationNs = DurationNs::from_secs(60);

/// The budget of one call, and who was over it when.
#[derive(Debug)]
pub struct Budget {
    limit: DurationNs,
    misses: Vec<VecDeque<HostNs>>,
}

impl Budget {
    /// A budget per call for so many strategies; zero watches nobody.
    pub fn new(limit: DurationNs, strategies: usize) -> Self {
        Self { limit, misses: vec![VecDeque::with_capacity(MISSES); strategies] }
    }

    /// Looks at one second's histograms of the engine and the verdicts on its longest calls; the commands that follow.
    /// A second in which only the host kept calls over the budget is no miss.
    pub fn look(&mut self, bank: &Bank, calls: &[LongCall], now: HostNs) -> Vec<Command> {
        if self.limit == DurationNs::ZERO {
            return Vec::new();
        }
        let mut commands = Vec::new();
        for ((index, pair), misses) in (0u16..).zip(bank.strategies()).zip(&mut self.misses) {
            if pair.service.is_empty() || pair.service.max() < self.limit.raw() {
                continue;
            }
            let over = |call: &&LongCall| {
                call.outlier.strategy == index && call.outlier.span() >= self.limit
            };
            let mut over = calls.iter().filter(over).peekable();
            if over.peek().is_some() && over.all(|call| call.attribution == Attribution::Host) {
                continue;
            }
            misses.push_back(now);
            misses.retain(|at| now.since(*at) < WITHIN);
            if misses.len() >= MISSES {
                misses.clear();
                let (target, verb, origin) = (Some(StratId(index)), Verb::Bench, Origin::Budget);
                commands.push(Command::Do { target, verb, origin });
            }
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::event::Seq;

    use super::*;

    const fn second(s: u64) -> HostNs {
        HostNs::new(s * 1_000_000_000)
    }

    fn bank(slow_ms: u64) -> Bank {
        let mut bank = Bank::new(&[], 2);
        bank.call(0, Seq(1), second(0), second(0), HostNs::new(1_000));
        bank.call(1, Seq(1), second(0), second(0), HostNs::new(slow_ms * 1_000_000));
        bank
    }

    #[test]
    fn three_slow_seconds_within_a_minute_bench_a_strategy_alone() {
        let mut budget = Budget::new(DurationNs::from_millis(50), 2);
        for (at, slow_ms, benched) in
            [(1, 60, 0), (2, 40, 0), (3, 60, 0), (70, 60, 0), (80, 60, 0), (90, 60, 1), (91, 60, 0)]
        {
            let commands = budget.look(&bank(slow_ms), &[], second(at));
            assert_eq!(commands.len(), benched, "at {at} s");
            let target = Some(StratId(1));
            let bench = Command::Do { target, verb: Verb::Bench, origin: Origin::Budget };
            assert!(commands.iter().all(|command| *command == bench));
        }
        let mut off = Budget::new(DurationNs::ZERO, 2);
        assert!((0..9).all(|at| off.look(&bank(9_000), &[], second(at)).is_empty()));
    }
    #[test]
    fn what_the_host_took_benches_nobody() {
        for (attribution, benched) in
            [(Attribution::Host, 0), (Attribution::Unknown, 1), (Attribution::Strategy, 1)]
        {
            let mut budget = Budget::new(DurationNs::from_millis(50), 2);
            let commands: usize = (1..=3)
                .map(|at| {
                    let bank = bank(60);
                    let judged = |of| LongCall { attribution, ..LongCall::unseen(of) };
                    let calls: Vec<_> = bank.outliers().as_slice().iter().map(judged).collect();
                    budget.look(&bank, &calls, second(at)).len()
                })
                .sum();
            assert_eq!(commands, benched, "{}", attribution.as_str());
        }
    }
}
