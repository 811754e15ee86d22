//! What the feed counts.

/// What happened so far. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// WebSocket messages.
    pub frames: u64,
    /// Book messages applied, snapshots included.
    pub book_updates: u64,
    /// Trades passed on.
    pub trades: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Times a book was declared void and fetched again.
    pub resyncs: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Trades, tickers and times with a value that cannot be; they reach nothing.
    pub refused: u64,
    /// Rows of symbols nobody asked for, and frames of channels we do not know.
    pub unknown_symbols: u64,
    /// Updates that came before a snapshot.
    pub before_snapshot: u64,
    /// Trades that had been seen before.
    pub duplicate_trades: u64,
    /// Trade numbers that never came.
    pub missed_trades: u64,
    /// Book messages kept back because the engine was slow.
    pub conflated: u64,
    /// Trades dropped because the engine was slower still.
    pub dropped_trades: u64,
    /// Gaps announced to the engine.
    pub gaps: u64,
    /// Connections lost.
    pub disconnects: u64,
}
