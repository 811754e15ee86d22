//! A live session: the pinned threads, the drain thread, and everything that its reports go to.
//!
//! * [`session`]: from the configuration to the end; [`live`]: its threads as a value; [`preflight`]: what is refused
//!   before it begins
//! * [`drain`]: empties the rings of the pinned threads into the [`totals`] and the [`sinks`]; a destination is a
//!   [`sink::Sink`], and what people are told is a [`told::Told`]
//! * [`spectator`]: who looks at it and commands it; [`console`]: what people type into it
//! * [`venue`]: where the market comes from; [`history`]: what the store has of the past; [`sentiment`]: two slow values
//!   from outside the venue
//! * [`host_watch`]: looks at the engine's thread; [`budget`]: who takes too long; [`runtime`]: everything async
//!
//! Nothing here can slow the engine: rings are emptied at the drain thread's own pace, and each has its documented
//! policy for when that is not enough.

#![warn(missing_docs)]

mod announcer;
pub mod budget;
pub mod console;
pub mod drain;
pub mod history;
pub mod host_watch;
pub mod live;
pub mod preflight;
mod repeats;
pub mod runtime;
pub mod sentiment;
pub mod session;
pub mod sink;
pub mod sinks;
pub mod spectator;
pub mod told;
pub mod totals;
pub mod venue;
