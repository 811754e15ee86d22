//! The feed: from bytes on a socket to verified changes of the market.
//!
//! * [`wire`]: Kraken's messages, [`market`]: verified books, [`control`]: what a tape must know besides frames
//! * [`session`]: subscriptions and healing, [`start`]: the cold start, [`net`]: sockets
//! * [`agent`]: the pinned thread that turns it all, [`report`]: what it tells the bridge
//! * [`arrival`]: when a frame can have arrived, [`plan`]: when the frames of a benchmark should have come
//! * [`infer`]: instruments of captures that do not name them, [`capture`]: what a session would have decided there
//!
//! The thread polls; after its warm-up it does not allocate, lock, format or log. It never makes up data:
//! without a connection there are no events but timers.

#![warn(missing_docs)]

pub mod agent;
pub mod arrival;
pub mod capture;
pub mod control;
pub mod infer;
pub mod market;
pub mod net;
pub mod plan;
pub mod report;
pub mod session;
pub mod start;
pub mod wire;
