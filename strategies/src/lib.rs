//! Strategies: one file in `src/` is one strategy, and its registration.
//!
//! `build.rs` finds the files; there is no list to edit. A file `order_flow.rs` (or a folder with
//! `mod.rs`, or both a file and a folder of that name) declares `pub struct OrderFlow` with
//! [`paperwire_core::strategy::StrategyDef`] and parameters that implement [`Validate`]. A name that does
//! not match its file does not compile. Files that start with `_` are shared, not strategies.
//!
//! A strategy sees market, account and time through the arguments of its calls; this crate knows no
//! socket, file, clock, database or execution engine, and nothing here allocates after `on_start`.

#![warn(missing_docs)]

#[macro_use]
#[path = "_tables.rs"]
mod tables;

#[path = "_aligned.rs"]
mod aligned;
#[path = "_bar_length.rs"]
mod bar_length;
#[path = "_checks.rs"]
mod checks;
#[path = "_daily_vpin.rs"]
mod daily_vpin;
#[path = "_desks.rs"]
mod desks;
#[path = "_exit.rs"]
mod exit;
#[path = "_gate.rs"]
mod gate;
#[macro_use]
mod registry;
#[path = "_regime.rs"]
mod regime;
#[path = "_role.rs"]
mod role;
#[cfg(test)]
#[path = "_stage.rs"]
mod stage;
#[cfg(test)]
#[path = "_testkit.rs"]
mod testkit;

pub use registry::{OutOfRange, ParamError, Registration, UnknownStrategy, Validate};

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// Every strategy of this binary, by name.
pub fn all() -> &'static [Registration] {
    ALL
}

/// The strategy of this name.
///
/// # Errors
/// [`UnknownStrategy`] with the names that look most like it.
pub fn find(name: &str) -> Result<&'static Registration, UnknownStrategy> {
    let found = ALL.iter().find(|registration| registration.name == name);
    found.ok_or_else(|| UnknownStrategy::new(name, ALL))
}

/// The smallest strategy of the house, to start a new one from.
const TEMPLATE: &str = include_str!("flow_pulse.rs");

/// [`flow_pulse`](catalog::flow_pulse) under this name, or `None` when no strategy can be called so.
pub fn template(name: &str) -> Option<String> {
    let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_snake);
    let is_taken = ["lib", "registry", "mod"].contains(&name);
    (is_name && !is_taken).then(|| {
        let camel = registry::camel_case(name);
        TEMPLATE.replace("flow_pulse", name).replace("FlowPulse", &camel)
    })
}
