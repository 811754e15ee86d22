//! How many of the process's descriptors each part may have, so that no part takes another's.
//!
//! Everything but the page opens a known number. What is left is the page's, up to its own limit, and the feed's
//! connector holds some besides (`paperwire_rt::descriptors::Spare`), so that a connection can be made when even the
//! sum is wrong.

use paperwire_rt::descriptors::Descriptors;

/// Standard input, output and error, and the program's own file.
const STANDARD: usize = 4;
/// The feed's socket, the next one, and what a resolver opens for it, twice: the connector holds as many back.
const FEED: usize = 16;
/// Three event loops with a wake-up, a clock and a signal pipe each.
const EVENT_LOOPS: usize = 16;
/// System and aggregate logs, trades, and for each of them the rotated one that is being compressed.
const LOGS: usize = 16;
/// Two streams a strategy, each with the one that is being compressed.
const LOGS_PER_STRATEGY: usize = 4;
/// Tape, histogram log, database with its journal and shared memory, spill, and their successors.
const FILES: usize = 16;
/// History, sentiment, alerts: at most two requests each, with what a resolver opens.
const REQUESTS: usize = 24;
/// Listeners, and what reads `/proc` for the page and the attribution of long calls.
const WATCHES: usize = 16;
/// Connections of the built-in exchange, WebSocket and REST: its clients are the feed and whoever looks at it.
pub const EXCHANGE: usize = 64;
/// Fewer connections than this are no page: then the limit is to be raised.
pub const PAGE_MIN: usize = 16;

/// What everything but the page may have open.
pub const fn reserved(strategies: usize) -> usize {
    STANDARD
        + FEED
        + EVENT_LOOPS
        + LOGS
        + LOGS_PER_STRATEGY * strategies
        + FILES
        + REQUESTS
        + WATCHES
        + EXCHANGE
}

/// Connections that the page may have, of the `most` that it serves.
pub fn for_page(limit: usize, strategies: usize, most: usize) -> usize {
    limit.saturating_sub(reserved(strategies)).clamp(1, most)
}

/// What is said of the limit; true when it is too low.
pub fn shown(limits: &Descriptors, strategies: usize, most: usize) -> (String, bool) {
    let Descriptors { limit, open, .. } = limits;
    let (reserved, page) = (reserved(strategies), for_page(*limit, strategies, most));
    let text = format!(
        "{limit} descriptors, {open} open: {reserved} for feed, logs and history, {page} for connections of the page"
    );
    (text, page < PAGE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTIONS_MAX: usize = 576;

    #[test]
    fn the_page_gets_what_is_left_and_never_what_the_feed_needs() {
        for (limit, strategies) in [(1024, 10), (1 << 16, 128), (256, 1), (64, 10), (0, 0)] {
            let page = for_page(limit, strategies, CONNECTIONS_MAX);
            assert!((1..=CONNECTIONS_MAX).contains(&page));
            let is_low = limit < reserved(strategies) + PAGE_MIN;
            assert!(is_low || reserved(strategies) + page <= limit, "{limit}");
            let limits = Descriptors { limit, limit_max: limit, open: 9 };
            assert_eq!(shown(&limits, strategies, CONNECTIONS_MAX).1, is_low, "{limit}");
        }
        assert_eq!(
            for_page(1024, 10, CONNECTIONS_MAX),
            CONNECTIONS_MAX,
            "the usual limit is enough for all of it"
        );
    }
}
