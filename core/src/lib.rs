//! The vocabulary of Paperwire: what a price, a book, a bar, an event and a strategy are.
//!
//! Everything here is a value or a pure function of values; nothing reads a clock, a file or a
//! socket, and nothing imports another room of the house. Bottom up:
//!
//! * units: [`num`], [`time`], [`ids`], [`symbol_set`], [`instrument`], [`limits`], [`random`]
//! * books and trades: [`checksum`], [`ladder`], [`book`], [`trade`], [`bar`], [`fixed_ring`], indicators: [`board`]
//! * what flows: [`event`], [`ring`], [`raw`], [`market`]; what it is like: [`regime`], and what people see of it: [`glance`]
//! * what decides: [`strategy`], [`reason`], [`order`], [`account`], [`command`], [`rules`]
//! * what is shown: [`text`]; how it runs and how long it takes: [`agent`], [`latency`], [`outlier`], [`slowest`], [`hiccup`]

#![warn(missing_docs)]

pub mod account;
pub mod agent;
pub mod bar;
pub mod board;
pub mod book;
pub mod checksum;
pub mod command;
pub mod digits;
pub mod event;
pub mod fixed_ring;
pub mod glance;
pub mod hiccup;
pub mod ids;
pub mod instrument;
pub mod ladder;
pub mod latency;
pub mod limits;
pub mod market;
pub mod num;
pub mod order;
pub mod outlier;
pub mod random;
pub mod raw;
pub mod reason;
pub mod regime;
pub mod ring;
pub mod rules;
pub mod secret;
pub mod slowest;
pub mod strategy;
pub mod symbol_set;
pub mod text;
pub mod thread;
pub mod time;
pub mod trade;
mod words;
