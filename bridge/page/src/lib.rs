//! The page's side of a session: a few times a second it looks at what the drain thread summed up and put aside, and
//! publishes it; what a browser asks besides is answered from what it keeps.
//!
//! * [`Page`]: the spectator of a session; `desk`: everything it works with
//! * latencies over time: `tails`; what else is kept: `kept`; who is told when nobody looks: `alerts`
//! * from values to what is shown: `views`; a look and its publication: `look`; answers: `answers`

mod alerts;
mod answers;
mod desk;
mod kept;
mod look;
mod serve;
mod tails;
mod views;

pub use desk::Facts;
pub use serve::{Page, check};
