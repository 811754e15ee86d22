-- Prices and quantities are integers of 10^-price_scale and 10^-qty_scale of their instrument: exact, and
-- they compress twice as well as double precision.
CREATE TABLE instruments (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    price_scale smallint NOT NULL,
    qty_scale smallint NOT NULL
);

-- quality orders the versions of a candle, the better above:
--   bit 4 complete, bits 1-3 source (1 csv, 2 rest_ohlc, 3 ws, 4 trades), bit 0 something traded.
CREATE TABLE candles (
    symbol_id integer NOT NULL,
    minutes integer NOT NULL,
    open_at timestamptz NOT NULL,
    open bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    close bigint NOT NULL,
    volume bigint NOT NULL,
    vwap bigint,
    trades integer NOT NULL,
    quality smallint NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    PRIMARY KEY (symbol_id, minutes, open_at)
);

-- A timestamp holds microseconds; at_ns is the rest. side: 1 buy, -1 sell, 0 unknown. trade_id is the
-- venue's; below zero it was made from the second and the place in it, because the source had none.
CREATE TABLE trades (
    symbol_id integer NOT NULL,
    at timestamptz NOT NULL,
    at_ns smallint NOT NULL,
    trade_id bigint NOT NULL,
    price bigint NOT NULL,
    qty bigint NOT NULL,
    side smallint NOT NULL,
    is_market boolean,
    source smallint NOT NULL,
    PRIMARY KEY (symbol_id, at, trade_id)
);

-- state: 0 open, 1 filled.
CREATE TABLE gaps (
    symbol_id integer NOT NULL REFERENCES instruments (id),
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    reason text NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    error text,
    PRIMARY KEY (symbol_id, from_at, to_at)
);

CREATE TABLE fills (
    session text NOT NULL,
    fill_id bigint NOT NULL,
    strategy text NOT NULL,
    symbol text NOT NULL,
    at timestamptz NOT NULL,
    side smallint NOT NULL,
    price numeric NOT NULL,
    qty numeric NOT NULL,
    value numeric NOT NULL,
    fee numeric NOT NULL,
    realized numeric NOT NULL,
    PRIMARY KEY (session, strategy, fill_id)
);

CREATE TABLE equity (
    session text NOT NULL,
    strategy text NOT NULL,
    at timestamptz NOT NULL,
    equity numeric NOT NULL,
    cash numeric NOT NULL,
    realized numeric NOT NULL,
    unrealized numeric NOT NULL,
    fees numeric NOT NULL,
    PRIMARY KEY (session, strategy, at)
);

CREATE TABLE latency (
    session text NOT NULL,
    stage text NOT NULL,
    strategy text NOT NULL,
    at timestamptz NOT NULL,
    count bigint NOT NULL,
    p50_ns bigint NOT NULL,
    p90_ns bigint NOT NULL,
    p99_ns bigint NOT NULL,
    p999_ns bigint NOT NULL,
    max_ns bigint NOT NULL,
    PRIMARY KEY (session, stage, strategy, at)
);

-- Where imports, backfills and fillings stand.
CREATE TABLE checkpoints (
    key text PRIMARY KEY,
    value text NOT NULL
);

CREATE VIEW candles_readable AS
SELECT i.name AS symbol, c.minutes, c.open_at, c.open / p.ten AS open, c.high / p.ten AS high,
    c.low / p.ten AS low, c.close / p.ten AS close, c.volume / q.ten AS volume, c.vwap / p.ten AS vwap,
    c.trades,
    CASE (c.quality >> 1) & 7 WHEN 1 THEN 'csv' WHEN 2 THEN 'rest_ohlc' WHEN 3 THEN 'ws' ELSE 'trades' END
        AS source,
    (c.quality & 16) = 0 AS is_incomplete, (c.quality & 1) = 0 AS is_synthetic, c.revision
FROM candles c
JOIN instruments i ON i.id = c.symbol_id
CROSS JOIN LATERAL (SELECT power(10::numeric, i.price_scale::numeric) AS ten) p
CROSS JOIN LATERAL (SELECT power(10::numeric, i.qty_scale::numeric) AS ten) q;
