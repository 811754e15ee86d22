//! What a person types into a running session: one command per line.
//!
//! A thread waits for whole lines and turns them into commands, which travel to the feed thread and
//! become market events there, numbered and recorded like all others. The terminal stays in its
//! ordinary mode: Ctrl-C reaches the program as ever. A program in the background reads nothing, since
//! the system would stop it for trying. The end of the input just ends the listening; a line that is not text, or too
//! long to be a command, is answered and costs nothing else.

use std::io::{BufRead, IsTerminal, Read};

use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::ids::StratId;
use paperwire_replay::params::{ChangeError, LiveParams};
use paperwire_rt::runner::Wait;

use crate::drain::Commands;
use crate::spectator::SharedParams;
use crate::told::{Tell, Told};
use crate::totals::lock;

/// What is answered to a line that is no command.
pub const HELP: &str = "commands: pause | resume | flatten | reset | kill | bench, then a strategy or \"all\", \
such as: pause all; set STRATEGY KEY VALUE changes a parameter, set STRATEGY shows which; Ctrl-C ends the run";

/// Longest line in bytes: a hundred times the longest command.
const LINE_LEN_MAX: usize = 4096;

/// What came in.
#[derive(Debug)]
enum Line {
    /// A line, without its end.
    Text(String),
    /// Bytes that are not UTF-8.
    NotText,
    /// More bytes than a line has; those up to its end are gone.
    TooLong,
    /// Nothing comes any more; why, when it is not the end of the input.
    End(Option<std::io::Error>),
}

/// The next line, in bounded memory.
fn next_line(input: &mut impl BufRead) -> Line {
    let most = u64::try_from(LINE_LEN_MAX + 1).unwrap_or(u64::MAX);
    let (mut line, mut is_too_long) = (Vec::new(), false);
    loop {
        line.clear();
        match input.by_ref().take(most).read_until(b'\n', &mut line) {
            Err(error) => return Line::End(Some(error)),
            Ok(0) if is_too_long => return Line::TooLong,
            Ok(0) => return Line::End(None),
            Ok(len) => {
                let is_whole = line.ends_with(b"\n") || len <= LINE_LEN_MAX;
                if is_too_long && is_whole {
                    return Line::TooLong;
                }
                is_too_long |= !is_whole;
                if is_whole {
                    return String::from_utf8(line).map_or(Line::NotText, Line::Text);
                }
            }
        }
    }
}

/// Why a line is no command. The message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not UTF-8.
    #[error("the line is not text in UTF-8 and was not obeyed; {HELP}")]
    NotText,
    /// Longer than any command.
    #[error("the line has more than {LINE_LEN_MAX} bytes and was not obeyed; {HELP}")]
    TooLong,
    /// The first word is none of the verbs.
    #[error("{0:?} is no command; {HELP}")]
    Verb(String),
    /// Nothing or too much after the verb.
    #[error("{0} whom? name one strategy or \"all\": {1}")]
    Target(&'static str, String),
    /// A parameter without a value, or with too much.
    #[error("set what? set STRATEGY KEY VALUE; {0}")]
    Set(String),
    /// No strategy of this run has that name.
    #[error("no strategy of this run is called {name:?}; there are: {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// The names of the run.
        known: String,
    },
    /// The parameter does not change, or not to this.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The engine has not come round to the earlier ones.
    #[error("{0} was not taken: too many commands wait; try again")]
    Full(&'static str),
}

/// Turns lines into commands.
#[derive(Debug)]
pub struct Console {
    commands: Commands,
    /// By index of the strategy; the page reads them, too.
    params: SharedParams,
}

impl Console {
    /// A console of a run with these strategies.
    pub const fn new(commands: Commands, params: SharedParams) -> Self {
        Self { commands, params }
    }

    /// Does what a line orders; the answer, when there is one besides what comes of it.
    ///
    /// # Errors
    /// [`LineError`]; nothing was ordered then.
    pub fn obey(&mut self, line: &str) -> Result<Option<String>, LineError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(None),
            ["help" | "?"] => Ok(Some(HELP.to_owned())),
            [set, rest @ ..] if set.eq_ignore_ascii_case("set") => self.set(rest),
            [first, rest @ ..] => self.order(first, rest).map(|()| None),
        }
    }

    fn order(&self, first: &str, rest: &[&str]) -> Result<(), LineError> {
        let is_meant = |verb: &&Verb| verb.as_str().eq_ignore_ascii_case(first);
        let verb = Verb::ALL.iter().copied().find(|verb| is_meant(&verb));
        let verb = verb.ok_or_else(|| LineError::Verb(first.to_owned()))?;
        let target = match rest {
            ["all"] => None,
            [name] => Some(self.find(name)?.0),
            _ => return Err(LineError::Target(verb.as_str(), self.known())),
        };
        let command = Command::Do { target, verb, origin: Origin::Terminal };
        lock(&self.commands).push(command).map_err(|_| LineError::Full(verb.as_str()))
    }

    fn set(&mut self, words: &[&str]) -> Result<Option<String>, LineError> {
        let [name, rest @ ..] = words else {
            return Err(LineError::Target("set", self.known()));
        };
        let (target, index) = self.find(name)?;
        let mut params = lock(&self.params);
        let live = &mut params[index];
        let (key, value) = match rest {
            [] => return Ok(Some(format!("{name}: {}", live.reloadable()))),
            [key, value] => (key, value),
            _ => return Err(LineError::Set(live.reloadable())),
        };
        let checked = live.check(key, value)?;
        let command = Command::Set { target, change: checked.change, origin: Origin::Terminal };
        lock(&self.commands).push(command).map_err(|_| LineError::Full("set"))?;
        let answer = format!("{name}: {key} was {}", checked.before);
        live.take(checked);
        Ok(Some(answer))
    }

    fn find(&self, name: &str) -> Result<(StratId, usize), LineError> {
        let params = lock(&self.params);
        let found = (0u16..).zip(params.iter()).find(|(_, of)| of.instance() == name);
        let found = found.map(|(id, _)| (StratId(id), usize::from(id)));
        drop(params);
        found.ok_or_else(|| LineError::Unknown { name: name.to_owned(), known: self.known() })
    }

    fn known(&self) -> String {
        lock(&self.params).iter().map(LiveParams::instance).collect::<Vec<_>>().join(", ")
    }

    fn is_over(&self) -> bool {
        lock(&self.commands).is_abandoned()
    }
}

/// Starts listening. The thread is not waited for: it ends with the input or with the program.
///
/// # Errors
/// When the system has no thread left.
pub fn listen(mut console: Console, tell: Tell) -> std::io::Result<()> {
    std::thread::Builder::new().name("console".to_owned()).spawn(move || {
        // A session that has ended tells nobody.
        let tell = |answer: String| drop(tell.send(Told::line("notice", answer)));
        loop {
            while is_in_background() && !console.is_over() {
                (0..100).for_each(|_| Wait::Doze.wait());
            }
            if console.is_over() {
                return;
            }
            let obeyed = match next_line(&mut std::io::stdin().lock()) {
                Line::Text(line) => console.obey(&line),
                Line::NotText => Err(LineError::NotText),
                Line::TooLong => Err(LineError::TooLong),
                Line::End(None) => return,
                Line::End(Some(error)) => {
                    return tell(format!("no more commands are read from the terminal: {error}"));
                }
            };
            if let Some(answer) = obeyed.unwrap_or_else(|error| Some(error.to_string())) {
                tell(answer);
            }
        }
    })?;
    Ok(())
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
    use std::sync::{Arc, Mutex};

    use paperwire_core::command::ParamChange;
    use paperwire_core::limits::COMMAND_RING_LEN;
    use paperwire_core::ring::{Consumer, ring};

    use super::*;

    fn console(len: usize) -> (Console, Consumer<Command>) {
        let live = |instance: &str| {
            let name = instance.split('#').next().unwrap();
            let registration = paperwire_strategies::find(name).unwrap();
            LiveParams::new(instance, registration, &toml::Table::new())
        };
        let (commands, sent) = ring(len);
        let params = ["order_flow", "flow_pulse", "flow_pulse#b"].map(live).to_vec();
        (Console::new(Arc::new(Mutex::new(commands)), Arc::new(Mutex::new(params))), sent)
    }

    #[test]
    fn a_line_is_a_verb_and_a_strategy_or_all() {
        let (mut console, mut sent) = console(COMMAND_RING_LEN);
        let mut check = |line: &str, verb: Verb, target: Option<u16>| {
            assert_eq!(console.obey(line), Ok(None));
            let (target, origin) = (target.map(StratId), Origin::Terminal);
            assert_eq!(sent.pop(), Some(Command::Do { target, verb, origin }));
        };
        check("pause all\n", Verb::Pause, None);
        check("  KILL   flow_pulse#b ", Verb::Kill, Some(2));
        for verb in Verb::ALL {
            check(&format!("{} order_flow", verb.as_str()), *verb, Some(0));
        }
        assert_eq!(console.obey(" \n"), Ok(None));
        assert!(sent.pop().is_none());
    }

    #[test]
    fn set_changes_a_parameter_of_one_strategy() {
        let (mut console, mut sent) = console(COMMAND_RING_LEN);
        let answer = console.obey("set flow_pulse#b threshold 0.5").unwrap().unwrap();
        assert_eq!(answer, "flow_pulse#b: threshold was 0.3");
        let change = ParamChange { key: 1, value: 0.5 };
        let (target, origin) = (StratId(2), Origin::Terminal);
        assert_eq!(sent.pop(), Some(Command::Set { target, change, origin }));
        let shown = |console: &mut Console, name: &str| {
            console.obey(&format!("set {name}")).unwrap().unwrap()
        };
        assert!(shown(&mut console, "flow_pulse#b").contains("threshold = 0.5"));
        assert!(shown(&mut console, "flow_pulse").contains("threshold = 0.3"));
    }

    #[test]
    fn what_is_no_command_is_answered_and_sends_nothing() {
        let (mut console, mut sent) = console(COMMAND_RING_LEN);
        assert_eq!(console.obey("help").unwrap().unwrap(), HELP);
        for (line, answer) in [
            ("stop all", "\"stop\" is no command; commands: pause | resume | flatten"),
            ("pause", "pause whom?"),
            ("pause all now", "pause whom?"),
            ("kill flow", "no strategy of this run is called \"flow\"; there are: order_flow, "),
            ("set", "set whom?"),
            ("set all", "no strategy of this run is called \"all\""),
            ("set flow_pulse threshold", "set what? set STRATEGY KEY VALUE; window = 20, "),
            ("set flow_pulse threshold 2", "threshold: 2.0 is not within"),
            ("set flow_pulse size 2", "\"size\" does not change while flow_pulse runs"),
        ] {
            let found = console.obey(line).unwrap_err().to_string();
            assert!(found.contains(answer), "{found}");
        }
        assert!(sent.pop().is_none());
    }

    #[test]
    fn a_full_ring_is_told_and_changes_nothing() {
        let (mut console, _sent) = console(1);
        assert_eq!(console.obey("pause all"), Ok(None));
        assert!(console.obey("kill all").unwrap_err().to_string().contains("try again"));
        assert_eq!(console.obey("set flow_pulse threshold 0.5"), Err(LineError::Full("set")));
        assert!(console.obey("set flow_pulse").unwrap().unwrap().contains("threshold = 0.3"));
    }

    #[test]
    fn a_line_that_is_no_text_or_too_long_is_one_line_and_the_next_is_read() {
        let long = "x".repeat(3 * LINE_LEN_MAX);
        let longest = "y".repeat(LINE_LEN_MAX - 1);
        let input = [b"\xff\xfe\n", long.as_bytes(), b"\n", longest.as_bytes(), b"\nkill all"];
        let input = input.concat();
        // A small buffer, so that a line comes in pieces.
        let mut input = std::io::BufReader::with_capacity(7, &input[..]);
        assert!(matches!(next_line(&mut input), Line::NotText));
        assert!(matches!(next_line(&mut input), Line::TooLong));
        assert!(matches!(next_line(&mut input), Line::Text(line) if line.len() == LINE_LEN_MAX));
        assert!(matches!(next_line(&mut input), Line::Text(line) if line == "kill all"));
        assert!(matches!(next_line(&mut input), Line::End(None)));
        let mut endless = std::io::BufReader::new(std::io::repeat(b'z').take(1 << 20));
        assert!(matches!(next_line(&mut endless), Line::TooLong));
        assert!(matches!(next_line(&mut endless), Line::End(None)));
    }

    #[test]
    fn the_background_is_seen_by_the_groups() {
        let line = |foreground| format!("77 (a (b) c) S 1 70 60 34816 {foreground} 4194304 1 2");
        assert_eq!(is_elsewhere(&line(70)), Some(false));
        assert_eq!(is_elsewhere(&line(99)), Some(true));
        assert_eq!(is_elsewhere(""), None);
    }
}
