//! The bridge: everything of Paperwire that may wait, allocate and format.
//!
//! * [`config`]: from TOML, environment and command line to checked values
//! * [`setup`]: strategies and engine from the configuration, [`venue`]: where the market comes from,
//!   [`warmup`]: history by REST
//! * [`run`]: a live session from start to end, [`replay`]: a recorded one on one thread,
//!   [`worth`]: the same with orders that travel longer, [`compare`]: whose tail is worse
//! * [`mod@bench`]: planned load at given rates
//! * [`sentiment`]: two slow values from outside the venue
//! * [`drain`]: empties the rings of the pinned threads, [`tally`]: sums them up, [`quarantine`]: what was not believed,
//!   [`attribution`]: to whom a long call is attributed
//! * [`doctor`]: what the host does to a tail, [`probes`]: what measuring does,
//!   [`build_profile`]: how this program was built
//! * [`journal`]: JSON logs, [`recorder`]: the tape, [`trail`]: where a replay leaves it, [`hdr`]: histogram logs
//! * [`history`]: what a run keeps in the store, and its command
//! * [`report`] and [`terminal`]: what people see, [`conditions`]: what stands beside all money,
//!   [`console`]: what people type into a running session, [`params`]: parameters as they are now,
//!   [`commands`]: the small commands
//!
//! Nothing here can slow the engine: rings are emptied at the bridge's own pace, and each has its
//! documented policy for when that is not enough.

#![warn(missing_docs)]

mod announcer;
pub mod attribution;
pub mod bench;
pub mod budget;
pub mod build_profile;
pub mod commands;
pub mod compare;
pub mod conditions;
pub mod config;
pub mod console;
pub mod describe;
pub mod descriptors;
pub mod doctor;
pub mod drain;
pub mod hdr;
mod held_file;
pub mod history;
pub mod journal;
pub mod lab;
pub mod output;
pub mod page;
pub mod params;
pub mod preflight;
pub mod probes;
pub mod quarantine;
pub mod recorder;
mod repeats;
pub mod replay;
pub mod report;
pub mod run;
pub mod sentiment;
pub mod setup;
pub mod tally;
pub mod terminal;
pub mod trail;
pub mod trust;
pub mod venue;
pub mod warmup;
pub mod worth;
