//! What a person types into a running session: one command per line.
//!
//! A thread waits for whole lines and turns them into commands, which travel to the feed thread and
//! become market events there, numbered and recorded like all others. The terminal stays in its
//! ordinary mode: Ctrl-C reaches the program as ever. A program in the background reads nothing, since
//! the system would stop it for trying. The end of the input just ends the listening.

use std::io::{BufRead, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paperwire_core::account::StratId;
use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::ring::Producer;
use paperwire_rt::runner::Wait;

use crate::drain::{Commands, Shared};
use crate::tally::StrategyName;

/// What is answered to a line that is no command.
pub const HELP: &str = "commands: pause | resume | flatten | reset | kill | bench, then a strategy or \"all\", \
such as: pause all; Ctrl-C ends the run";

/// Why a line is no command. The message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The first word is none of the verbs.
    #[error("{0:?} is no command; {HELP}")]
    Verb(String),
    /// Nothing or too much after the verb.
    #[error("{0} whom? name one strategy or \"all\": {1}")]
    Target(&'static str, String),
    /// No strategy of this run has that name.
    #[error("no strategy of this run is called {name:?}; there are: {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// The names of the run.
        known: String,
    },
}

/// Reads a line; `None` when there is nothing in it.
///
/// # Errors
/// [`LineError`].
pub fn parse(line: &str, names: &[StrategyName]) -> Result<Option<Command>, LineError> {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else {
        return Ok(None);
    };
    let is_meant = |verb: &&Verb| verb.as_str().eq_ignore_ascii_case(first);
    let verb = Verb::ALL.iter().copied().find(|verb| is_meant(&verb));
    let verb = verb.ok_or_else(|| LineError::Verb(first.to_owned()))?;
    let known = || names.iter().map(|of| of.instance.as_str()).collect::<Vec<_>>().join(", ");
    let (Some(name), None) = (words.next(), words.next()) else {
        return Err(LineError::Target(verb.as_str(), known()));
    };
    let origin = Origin::Terminal;
    let index = (0u16..).zip(names).find(|(_, of)| of.instance == name).map(|(index, _)| index);
    match index {
        Some(index) => Ok(Some(Command { target: Some(StratId(index)), verb, origin })),
        None if name == "all" => Ok(Some(Command { target: None, verb, origin })),
        None => Err(LineError::Unknown { name: name.to_owned(), known: known() }),
    }
}

/// Starts listening. The thread is not waited for: it ends with the input or with the program.
///
/// # Errors
/// When the system has no thread left.
pub fn listen(
    commands: Commands,
    names: Vec<StrategyName>,
    shared: Arc<Mutex<Shared>>,
) -> std::io::Result<()> {
    std::thread::Builder::new().name("console".to_owned()).spawn(move || {
        let mut line = String::new();
        loop {
            let is_over = || lock(&commands).is_abandoned();
            while is_in_background() && !is_over() {
                (0..100).for_each(|_| Wait::Doze.wait());
            }
            line.clear();
            // An unreadable input is as good as none.
            if is_over() || !matches!(std::io::stdin().lock().read_line(&mut line), Ok(1..)) {
                return;
            }
            if let Some(answer) = obey(&line, &names, &mut lock(&commands)) {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.notices.push_back(answer);
            }
        }
    })?;
    Ok(())
}

fn lock(commands: &Commands) -> MutexGuard<'_, Producer<Command>> {
    commands.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends what a line orders; the answer, when there is one besides what comes of it.
fn obey(line: &str, names: &[StrategyName], commands: &mut Producer<Command>) -> Option<String> {
    match parse(line, names) {
        Ok(None) => None,
        Ok(Some(command)) => commands.push(command).err().map(|command| {
            format!("{} was not taken: too many commands wait; try again", command.verb.as_str())
        }),
        Err(LineError::Verb(word)) if matches!(word.as_str(), "help" | "?") => {
            Some(HELP.to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

/// True when the input is a terminal that another process is at.
fn is_in_background() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    // Where the system has no such file, the terminal is taken to be ours.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    is_elsewhere(&stat).unwrap_or(false)
}

/// From a line of `/proc/PID/stat`: whether the terminal's foreground group (the sixth field after the
/// name in parentheses) is another than the process's own (the third).
fn is_elsewhere(stat: &str) -> Option<bool> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let (group, foreground) = (fields.get(2)?, fields.get(5)?);
    Some(group != foreground)
}

#[cfg(test)]
mod tests {
    use paperwire_core::limits::COMMAND_RING_LEN;
    use paperwire_core::ring::ring;

    use super::*;

    fn names() -> Vec<StrategyName> {
        let name = |instance: &str| StrategyName {
            instance: instance.to_owned(),
            version: String::new(),
            sha256: String::new(),
        };
        ["order_flow", "flow_pulse", "flow_pulse#b"].map(name).to_vec()
    }

    #[test]
    fn a_line_is_a_verb_and_a_strategy_or_all() {
        let names = names();
        let to = |line: &str| parse(line, &names).unwrap().map(|it| (it.verb, it.target));
        assert_eq!(to("pause all\n"), Some((Verb::Pause, None)));
        assert_eq!(to("  KILL   flow_pulse#b "), Some((Verb::Kill, Some(StratId(2)))));
        for verb in Verb::ALL {
            let line = format!("{} order_flow", verb.as_str());
            assert_eq!(to(&line), Some((*verb, Some(StratId(0)))));
        }
        assert_eq!(to(" \n"), None);
        assert_eq!(parse("pause all", &names).unwrap().unwrap().origin, Origin::Terminal);
    }

    #[test]
    fn what_is_no_command_is_answered_and_sends_nothing() {
        let names = names();
        let (mut commands, mut sent) = ring(COMMAND_RING_LEN);
        for (line, answer) in [
            ("stop all", "\"stop\" is no command; commands: pause | resume | flatten"),
            ("help", "commands: pause"),
            ("pause", "pause whom?"),
            ("pause all now", "pause whom?"),
            ("kill flow", "no strategy of this run is called \"flow\"; there are: order_flow, "),
        ] {
            let found = obey(line, &names, &mut commands).unwrap();
            assert!(found.contains(answer), "{found}");
        }
        assert_eq!(obey("", &names, &mut commands), None);
        assert!(sent.pop().is_none());
        assert_eq!(obey("reset order_flow", &names, &mut commands), None);
        let command = sent.pop().unwrap();
        assert_eq!((command.target, command.verb), (Some(StratId(0)), Verb::Reset));
    }

    #[test]
    fn a_full_ring_is_told() {
        let (mut commands, _sent) = ring(1);
        assert_eq!(obey("pause all", &names(), &mut commands), None);
        assert!(obey("kill all", &names(), &mut commands).unwrap().contains("try again"));
    }

    #[test]
    fn the_background_is_seen_by_the_groups() {
        let line = |foreground| format!("77 (a (b) c) S 1 70 60 34816 {foreground} 4194304 1 2");
        assert_eq!(is_elsewhere(&line(70)), Some(false));
        assert_eq!(is_elsewhere(&line(99)), Some(true));
        assert_eq!(is_elsewhere(""), None);
    }
}
