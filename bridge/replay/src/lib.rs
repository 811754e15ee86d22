//! Feed and engine on one thread, over a tape or a capture, and what a session came to.
//!
//! * [`setup`]: strategies and engine from the configuration; [`params`]: their parameters as they are now;
//!   [`trust`]: whether a strategy is the one that was trusted
//! * [`player`]: feed and engine, turned record by record; [`play`]: a whole recording; [`verify`]: held against what
//!   was recorded; [`worth`]: the same with orders that travel longer, held
//!   against each other by [`pairs`]
//! * [`tally`]: all reports summed up; [`trail`]: a checksum after each; [`quarantine`]: what was not believed;
//!   [`trading`]: what may be traded, in words
//! * [`report`]: what people and programs see of it; [`record`]: one report as JSON
//! * [`held_file`] and [`output`]: files that nobody takes for whole before they are; [`error`]: why a command failed;
//!   [`notices`]: who is told meanwhile

#![warn(missing_docs)]

mod batch;
mod doubts;
pub mod error;
pub mod held_file;
pub mod notices;
pub mod output;
pub mod pairs;
pub mod params;
pub mod play;
pub mod player;
pub mod quarantine;
pub mod record;
pub mod report;
pub mod setup;
mod survey;
pub mod tally;
pub mod trading;
pub mod trail;
pub mod trust;
pub mod verify;
pub mod worth;
