//! What a run asks of the machine, as `paperwire doctor` judges it: locked memory, busy polling, cores. What the
//! machine refuses is said, with the remedy, and the run goes on without it.

use std::net::UdpSocket;
use std::os::fd::AsFd;

use paperwire_config::Config;
use paperwire_core::time::DurationNs;
use paperwire_feed::net::connect::Endpoint;
use paperwire_replay::notices::Notices;
use paperwire_rt::host;
use paperwire_rt::runner::{Running, Wait};

use crate::venue::Venue;

/// Where to connect, with the polling that is asked for. Tried on a socket of no use first: connections
/// are made again and again, and nobody would read it each time.
pub(super) fn polling(config: &Config, venue: &Venue, notices: &mut dyn Notices) -> Endpoint {
    let span = config.threads.busy_poll;
    if span > DurationNs::ZERO {
        let tried = UdpSocket::bind("127.0.0.1:0");
        if let Err(error) = tried.and_then(|socket| host::busy_poll(socket.as_fd(), span)) {
            notices.notice(&format!(
                "threads.busy_poll_us = {} is not in force: {error}; give the process CAP_NET_ADMIN, or run \
                 `sysctl -w net.core.busy_read={0}` as root",
                span.raw() / 1_000
            ));
        }
    }
    venue.endpoint.clone().polling(span)
}

/// Locks what is there and what will come. Just before the pinned threads start: their memory is taken by then,
/// and fetching it all would stop them later.
pub(super) fn lock_memory(config: &Config, notices: &mut dyn Notices) {
    if !config.threads.lock_memory {
        return;
    }
    match host::lock_memory() {
        Ok(()) => notices.notice("memory is locked"),
        Err(error) => notices.notice(&format!(
            "threads.lock_memory is not in force: {error}; set LimitMEMLOCK=infinity in the unit, or run `ulimit -l \
             unlimited` as root before the start"
        )),
    }
}

/// Says that a thread is not where the configuration wants it.
pub(super) fn say_unpinned<A>(
    name: &str,
    running: &Running<A>,
    core: Option<usize>,
    notices: &mut dyn Notices,
) {
    let Some(core) = core else { return };
    // It says where it is before its first turn.
    while running.stats().thread().is_none() && !running.is_finished() {
        Wait::Doze.wait();
    }
    if !running.stats().is_pinned() {
        notices.notice(&format!(
            "{name} is not on core {core}, which the kernel refused: is it on line, and among AllowedCPUs?"
        ));
    }
}
