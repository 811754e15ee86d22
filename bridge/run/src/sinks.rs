//! Where the reports of a session go.
//!
//! * [`journal`]: JSON logs; [`tape`]: the recording; [`hdr`]: histogram logs; [`history`]: the store
//! * [`inbox`]: what is put aside for the page; `lines`: what the terminal prints

pub mod hdr;
pub mod history;
pub mod inbox;
pub mod journal;
pub(crate) mod lines;
pub mod tape;
