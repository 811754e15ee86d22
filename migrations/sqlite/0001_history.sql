-- Prices and quantities are integers of 10^-price_scale and 10^-qty_scale of their instrument.
-- Times of candles, gaps and intervals are unix seconds, times of trades and fills unix nanoseconds.
CREATE TABLE instruments (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    price_scale INTEGER NOT NULL,
    qty_scale INTEGER NOT NULL
);

-- quality orders the versions of a candle, the better above:
--   bit 4 complete, bits 1-3 source (1 csv, 2 rest_ohlc, 3 ws, 4 trades), bit 0 something traded.
CREATE TABLE candles (
    symbol_id INTEGER NOT NULL REFERENCES instruments (id),
    minutes INTEGER NOT NULL,
    open_at INTEGER NOT NULL,
    open INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    close INTEGER NOT NULL,
    volume INTEGER NOT NULL,
    vwap INTEGER,
    trades INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (symbol_id, minutes, open_at)
) WITHOUT ROWID;

-- side: 1 buy, -1 sell, 0 unknown. trade_id is the venue's; below zero it was made from the second
-- and the place in it, because the source had none.
CREATE TABLE trades (
    symbol_id INTEGER NOT NULL REFERENCES instruments (id),
    at INTEGER NOT NULL,
    trade_id INTEGER NOT NULL,
    price INTEGER NOT NULL,
    qty INTEGER NOT NULL,
    side INTEGER NOT NULL,
    is_market INTEGER,
    source INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, at, trade_id)
) WITHOUT ROWID;

-- state: 0 open, 1 filled.
CREATE TABLE gaps (
    symbol_id INTEGER NOT NULL REFERENCES instruments (id),
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    PRIMARY KEY (symbol_id, from_at, to_at)
) WITHOUT ROWID;

CREATE TABLE fills (
    session TEXT NOT NULL,
    fill_id INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    symbol TEXT NOT NULL,
    at INTEGER NOT NULL,
    side INTEGER NOT NULL,
    price TEXT NOT NULL,
    qty TEXT NOT NULL,
    value TEXT NOT NULL,
    fee TEXT NOT NULL,
    realized TEXT NOT NULL,
    PRIMARY KEY (session, strategy, fill_id)
) WITHOUT ROWID;

CREATE TABLE equity (
    session TEXT NOT NULL,
    strategy TEXT NOT NULL,
    at INTEGER NOT NULL,
    equity TEXT NOT NULL,
    cash TEXT NOT NULL,
    realized TEXT NOT NULL,
    unrealized TEXT NOT NULL,
    fees TEXT NOT NULL,
    PRIMARY KEY (session, strategy, at)
) WITHOUT ROWID;

CREATE TABLE latency (
    session TEXT NOT NULL,
    stage TEXT NOT NULL,
    strategy TEXT NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    p50_ns INTEGER NOT NULL,
    p90_ns INTEGER NOT NULL,
    p99_ns INTEGER NOT NULL,
    p999_ns INTEGER NOT NULL,
    max_ns INTEGER NOT NULL,
    PRIMARY KEY (session, stage, strategy, at)
) WITHOUT ROWID;

-- Where imports, backfills and fillings stand.
CREATE TABLE checkpoints (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE VIEW candles_readable AS
SELECT i.name AS symbol, c.minutes, datetime(c.open_at, 'unixepoch') AS open_at_utc, c.open_at,
    c.open / pow10.p AS open, c.high / pow10.p AS high, c.low / pow10.p AS low, c.close / pow10.p AS close,
    c.volume / pow10.q AS volume, c.vwap / pow10.p AS vwap, c.trades,
    CASE (c.quality >> 1) & 7 WHEN 1 THEN 'csv' WHEN 2 THEN 'rest_ohlc' WHEN 3 THEN 'ws' ELSE 'trades' END
        AS source,
    (c.quality & 16) = 0 AS is_incomplete, (c.quality & 1) = 0 AS is_synthetic, c.revision
FROM candles c
JOIN instruments i ON i.id = c.symbol_id
JOIN (
    SELECT id, CAST('1e' || price_scale AS REAL) AS p, CAST('1e' || qty_scale AS REAL) AS q
    FROM instruments
) pow10 ON pow10.id = i.id;
