//! Every limit of the hot path, with the arithmetic that chose it.
//!
//! Nothing on the feed and engine threads grows past these numbers; what would is refused, dropped
//! with a count, or conflated, and the place that does so names the limit. Values of the wire have
//! bounds, too: behind the decoder no sum of the house leaves its type because of a damaged number.

use crate::num::{Money, Px, Qty};

/// Symbols in one run. Index arrays of this length stay in two pages; Kraken's busiest public
/// sockets carry about 200 books, which is four processes.
pub const SYMBOLS_MAX: usize = 64;

/// Strategy instances in one run (100 instances of one strategy are a supported benchmark).
pub const STRATEGIES_MAX: usize = 128;

/// Deepest subscription of the `book` channel.
pub const DEPTH_MAX: usize = 1000;

/// Depths the venue accepts; anything else is refused by it, never rounded.
pub const DEPTHS: [u16; 5] = [10, 25, 100, 500, 1000];

/// Rows a book side may hold above its depth while one message is applied. Captured messages carry
/// at most about 10 levels; a message that outgrows this loses its worst rows early, and the
/// checksum after the message decides whether that mattered.
pub const LADDER_SLACK: usize = 256;

/// Levels in one decoded book message: a whole snapshot of the deepest book.
pub const MESSAGE_LEVELS_MAX: usize = 2 * DEPTH_MAX + LADDER_SLACK;

/// Highest price of the wire, in units of the pair's price precision. The venue's finest precision is
/// ten decimals, at which this is 100,000 of the quote currency; with one decimal it is 10^14.
pub const PX_MAX: Px = Px::new(1_000_000_000_000_000);

/// Largest quantity of the wire, in lots. At eight decimals this is 10^9 of the base asset, and at the
/// five of the cheapest ones 10^12.
pub const QTY_MAX: Qty = Qty::new(100_000_000_000_000_000);
/// The levels of the deepest book at their largest, or every trade of a message, add up in an `i128`,
/// and four quantities, as order flow compares, in an `i64`.
const _: () = assert!(QTY_MAX.raw() <= i64::MAX / 4);
const _: () = assert!(PX_MAX.raw() <= i64::MAX / 4);
const _: () = assert!(PX_MAX.notional(QTY_MAX).raw() <= i128::MAX / 1_000_000);

/// Highest trade number: the busiest pair is at 10^8 after thirteen years.
pub const TRADE_ID_MAX: i64 = 1_000_000_000_000_000;

/// Earliest and latest time of the wire; they stand with the reader that holds them.
pub use crate::time::{TIME_MAX, TIME_MIN};

/// Highest value and profit of one position that is counted, in the numeraire. Within the bounds of the
/// wire a damaged market may be worth more than all the money there is; such a position is not marked,
/// not sized and not filled. All symbols together are below 6.4 x 10^16, a hundredth of what [`Money`]
/// holds, so that sums and leverage of it stay within.
pub const VALUE_MAX: Money = Money::const_from_int(1_000_000_000_000_000);

/// Equity beyond which an account halts: nobody earned it by trading.
pub const EQUITY_MAX: Money = Money::const_from_int(1_000_000_000_000);

/// Trades in one decoded message (the snapshot has 50; a sweep of a thin book some hundreds).
pub const MESSAGE_TRADES_MAX: usize = 1024;

/// Levels carried by one market event. Median of captured messages is 1 to 2; four make the event
/// two cache lines together with its stamps.
pub const EVENT_LEVELS: usize = 4;

/// Slots of the market ring: a whole snapshot of the deepest book (500 parts) fits eight times, and
/// a burst of 400 updates for each of [`SYMBOLS_MAX`] symbols within a scheduling gap still fits
/// nearly one third, after which symbols are conflated. 8192 x 128 B = 1 MiB.
pub const MARKET_RING_LEN: usize = 8192;
const _: () = assert!(MARKET_RING_LEN >= 8 * (2 * DEPTH_MAX).div_ceil(EVENT_LEVELS));

/// Slots kept free for status, timer and trade events when books are conflated.
pub const MARKET_RING_RESERVE: usize = 1024;

/// Slots of the engine's report ring: each of [`STRATEGIES_MAX`] strategies may emit
/// [`SIGNALS_MAX`] signals with three reports each, for ten events between two drains.
pub const REPORT_RING_LEN: usize = 16_384;
const _: () = assert!(REPORT_RING_LEN >= STRATEGIES_MAX * SIGNALS_MAX * 3 * 10);

/// Reports that one engine step may add; a step only starts with this much room.
pub const REPORT_STEP_MAX: usize = STRATEGIES_MAX * SIGNALS_MAX * 4 + 1024;

/// Slots of the feed's report ring (connects, resyncs, refusals: a few per second at the worst).
pub const FEED_REPORT_RING_LEN: usize = 4096;

/// Bytes of the raw-frame ring to the recorder: two `instrument` snapshots of 4 MiB, or about 40,000
/// book frames of 200 B, which is ten seconds of a heavy market.
pub const RAW_RING_BYTES: usize = 8 << 20;

/// With this much waiting in the kernel after a stall, more may wait at the sender: less than half of the smallest
/// receive window that Linux was seen to fill with its defaults (74 kB of messages of 260 B; 115 to 450 kB of others).
pub const BACKLOG_BYTES_MIN: usize = 32 << 10;

/// Largest WebSocket message accepted while a connection starts: the venue's `instrument` snapshot, which
/// had 361 kB in 2024 and has about 800 kB in 2026, with room to grow.
pub const FRAME_BYTES_MAX: usize = 4 << 20;

/// Bytes of a level on the wire (`{"price":...,"qty":...},` of two numbers of 19 digits), and as much
/// again for what the venue may add.
const LEVEL_BYTES: usize = 128;

/// Bytes of a trade on the wire (about 170), and half as much again.
const TRADE_BYTES: usize = 256;

/// Bytes of a message besides its rows: channel, symbol, checksum, time, and announcements of a status.
const HEAD_BYTES: usize = 64 << 10;

/// Largest WebSocket message accepted once every subscription delivers: a whole book of `depth` rows, or
/// as many trades as one message may carry.
pub const fn frame_bytes_warm(depth: usize) -> usize {
    let book = 2 * depth * LEVEL_BYTES;
    let trades = MESSAGE_TRADES_MAX * TRADE_BYTES;
    HEAD_BYTES + if book > trades { book } else { trades }
}
const _: () = assert!(frame_bytes_warm(DEPTH_MAX) <= FRAME_BYTES_MAX);

/// Values and keys in one message that is not market data: a 2026 `instrument` snapshot has about 60,000.
pub const MESSAGE_VALUES_MAX: usize = 160 << 10;

/// Trades kept per symbol for flow and VWAP windows; a power of two.
pub const TAPE_LEN: usize = 1024;
const _: () = assert!(TAPE_LEN.is_power_of_two());

/// Signals one call of a strategy may emit: enough for three legs and one close.
pub const SIGNALS_MAX: usize = 4;

/// Named values a reason can carry.
pub const REASON_VALUES_MAX: usize = 6;

/// Market events the engine takes in one step before it looks at commands and banks again.
pub const STEP_EVENTS_MAX: usize = 256;

/// Minutes that a silent market may be carried forward in one go: a week.
pub const CARRY_MINUTES_MAX: i64 = 7 * 24 * 60;

/// Largest latency a histogram resolves, in nanoseconds; longer ones count in the last bucket.
pub const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// Open orders of one strategy: a grid of thirty levels a side with room for exits.
pub const ORDERS_MAX: usize = 64;

/// Levels of which one account can be remembered to have taken displayed liquidity, over all symbols:
/// ten orders through the 25 levels that are subscribed by default.
pub const CONSUMED_LEVELS_MAX: usize = 256;

/// Slow values from outside that wait for the feed thread; they come minutes apart.
pub const SENTIMENT_RING_LEN: usize = 16;

/// Commands that wait for the feed thread, which takes each at its next step: more than a person and a
/// page can give within one.
pub const COMMAND_RING_LEN: usize = 256;

/// Longest calls of strategies kept each second: one in a hundred at 6,400 events a second.
pub const OUTLIERS_MAX: usize = 64;

/// Slowest events kept each second with all their instants: what a page shows of one.
pub const SLOWEST_MAX: usize = 4;
