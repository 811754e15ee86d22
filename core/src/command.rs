//! What a person, or the program for one, may order while it runs.
//!
//! A command is a market event: it is numbered, recorded and replayed at its place among the others,
//! so a session with commands replays to the same bytes.

use crate::ids::StratId;
use crate::words::words;

words! {
    /// What is to be done.
    Verb {
        /// No new entries; resting entries are cancelled. Exits, stops and margin go on.
        Pause => "pause",
        /// Entries again, also after a halt.
        Resume => "resume",
        /// Cancels every order and closes every position at the market.
        Flatten => "flatten",
        /// The account starts again from its capital; what the strategy has learned stays.
        Reset => "reset",
        /// Flattens and halts until a resume or reset.
        Kill => "kill",
        /// The strategy is called no more; its positions keep what closes them.
        Bench => "bench",
    }
}

words! {
    /// Who gave it.
    Origin {
        /// A line typed into the running program.
        Terminal => "terminal",
        /// A control on the page.
        Dashboard => "dashboard",
        /// A program over HTTP.
        Api => "api",
        /// The program itself: the strategy took too long, several times.
        Budget => "budget",
    }
}

/// A new value for a parameter that may change while its strategy runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamChange {
    /// Place in the strategy's list of such parameters.
    pub key: u16,
    /// The value, checked by whoever ordered it; whole numbers are exact, 1 is true and 0 false.
    pub value: f64,
}

/// The value is a number: the bridge and the tape's reader refuse others.
impl Eq for ParamChange {}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Do something.
    Do {
        /// One strategy, or all.
        target: Option<StratId>,
        /// What.
        verb: Verb,
        /// Who ordered it.
        origin: Origin,
    },
    /// Change a parameter.
    Set {
        /// Whose.
        target: StratId,
        /// Which, to what.
        change: ParamChange,
        /// Who ordered it.
        origin: Origin,
    },
}
