//! The socket side: a connection is opened elsewhere, and read here without allocation.
//!
//! [`connect`] does everything slow on its own thread (names, TCP, and by `handshake` TLS and WebSocket) and hands
//! over a ready [`socket::Socket`]. From then on [`tls`] opens records in place and [`ws`] finds the
//! messages in them; both borrow the one receive buffer.

pub mod connect;
mod endpoint;
mod failure;
mod handshake;
pub mod socket;
pub mod tls;
pub mod ws;
