//! What became of commands and of accounts that halt, as lines for the terminal.

use paperwire_core::account::AccountState;
use paperwire_core::command::{Origin, Verb};
use paperwire_core::event::Seq;
use paperwire_exec::report::{Report, ReportKind};
use paperwire_replay::tally::Tally;

/// A command that is being carried out, strategy by strategy.
#[derive(Debug)]
struct Carried {
    seq: Seq,
    verb: Verb,
    origin: Origin,
    strategies: Vec<usize>,
}

/// Gathers the reports of one command into one line, however many strategies it is for.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    carried: Option<Carried>,
}

impl Announcer {
    /// Looks at a report that the tally has; the lines that it makes are complete.
    pub(crate) fn report(&mut self, report: &Report, tally: &Tally) -> Vec<String> {
        let mut lines = Vec::new();
        let is_same = |carried: &Carried| carried.seq == report.seq;
        if !self.carried.as_ref().is_some_and(is_same) {
            lines.extend(self.flush(tally));
        }
        let name = |index: usize| tally.strategies[index].instance.as_str();
        match report.kind {
            ReportKind::Command { strategy, verb, origin } => {
                let new = || Carried { seq: report.seq, verb, origin, strategies: Vec::new() };
                self.carried.get_or_insert_with(new).strategies.push(strategy.index());
            }
            ReportKind::Param { strategy, change, origin } => {
                let of = &tally.strategies[strategy.index()];
                let (key, value) = (of.param(change), change.value);
                lines.push(format!("{}: {key} = {value} ({})", of.instance, origin.as_str()));
            }
            ReportKind::State { strategy, state } if self.carried.is_none() => {
                lines.push(format!("{} is {}", name(strategy.index()), shown(state)));
            }
            ReportKind::Benched { strategy, why } => lines.push(format!(
                "{} is out of the run: {}; its positions keep what closes them",
                name(strategy.index()),
                why.shown()
            )),
            _ => {}
        }
        lines
    }

    /// The line of the command that was being carried out: who took it and how they are now.
    pub(crate) fn flush(&mut self, tally: &Tally) -> Option<String> {
        let Carried { verb, origin, strategies, .. } = self.carried.take()?;
        let one = |&index: &usize| {
            let state = shown(tally.accounts[index].state);
            format!("{} is {state}", tally.strategies[index].instance)
        };
        let all: Vec<String> = strategies.iter().map(one).collect();
        Some(format!("{} ({}): {}", verb.as_str(), origin.as_str(), all.join(", ")))
    }
}

fn shown(state: AccountState) -> String {
    match state {
        AccountState::Halted(why) => format!("halted ({})", why.as_str()),
        state => state.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::account::HaltReason;
    use paperwire_core::ids::StratId;
    use paperwire_core::num::Money;
    use paperwire_core::time::{ExchNs, HostNs};
    use paperwire_exec::report::BenchCause;

    use super::*;
    use paperwire_replay::tally::StrategyName;

    #[test]
    fn a_command_to_all_is_one_line_with_what_each_is_now() {
        let name = |instance: &str| StrategyName {
            instance: instance.to_owned(),
            version: String::new(),
            sha256: String::new(),
            reloadable: &[],
        };
        let mut tally = Tally::new(["a", "b"].map(name).to_vec(), Vec::new(), Money::ONE);
        let (mut announcer, mut lines) = (Announcer::default(), Vec::new());
        let (a, b) = (StratId(0), StratId(1));
        let (verb, origin) = (Verb::Pause, Origin::Terminal);
        let halted = AccountState::Halted(HaltReason::Drawdown);
        for (seq, kind) in [
            (1, ReportKind::State { strategy: b, state: halted }),
            (2, ReportKind::Command { strategy: a, verb, origin }),
            (2, ReportKind::State { strategy: a, state: AccountState::Paused }),
            (2, ReportKind::Command { strategy: b, verb, origin }),
            (3, ReportKind::Benched { strategy: a, why: BenchCause::Panicked }),
        ] {
            let (at, host) = (ExchNs::new(1), HostNs::new(1));
            let report =
                Report { seq: Seq(seq), at, arrived: host, made: host, is_history: false, kind };
            tally.absorb(&report);
            lines.extend(announcer.report(&report, &tally));
        }
        assert_eq!(lines[0], "b is halted (drawdown)");
        assert_eq!(lines[1], "pause (terminal): a is paused, b is halted (drawdown)");
        assert!(lines[2].starts_with("a is out of the run: it panicked; "));
        assert_eq!((lines.len(), announcer.flush(&tally)), (3, None));
    }
}
