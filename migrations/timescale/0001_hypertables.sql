-- Each statement by itself, outside of any transaction, and each one does nothing the second time.

SELECT create_hypertable('candles', 'open_at', chunk_time_interval => INTERVAL '30 days',
    create_default_indexes => false, migrate_data => true, if_not_exists => true);

SELECT create_hypertable('trades', 'at', chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => false, migrate_data => true, if_not_exists => true);

-- Longer bars out of minutes, each level out of the one below; what is not yet rolled up is added on
-- reading.

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '5 minutes', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(vwap::numeric * volume) AS turnover,
    sum(CASE WHEN vwap IS NULL AND volume > 0 THEN 1 ELSE 0 END) AS unpriced,
    sum(trades::bigint) AS trades, bit_and(quality) AS all_bits, bit_or(quality) AS any_bits,
    min(quality & 14::smallint) AS source_bits
FROM candles WHERE minutes = 1
GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_15m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '15 minutes', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_5m
GROUP BY symbol_id, time_bucket(INTERVAL '15 minutes', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_30m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '30 minutes', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_15m
GROUP BY symbol_id, time_bucket(INTERVAL '30 minutes', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '1 hour', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_30m
GROUP BY symbol_id, time_bucket(INTERVAL '1 hour', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_4h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '4 hours', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_1h
GROUP BY symbol_id, time_bucket(INTERVAL '4 hours', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_12h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '12 hours', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_1h
GROUP BY symbol_id, time_bucket(INTERVAL '12 hours', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_1d
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '1 day', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_1h
GROUP BY symbol_id, time_bucket(INTERVAL '1 day', open_at)
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_1w
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT symbol_id, time_bucket(INTERVAL '7 days', open_at) AS open_at,
    first(open, open_at) AS open, max(high) AS high, min(low) AS low, last(close, open_at) AS close,
    sum(volume) AS volume, sum(turnover) AS turnover, sum(unpriced) AS unpriced,
    sum(trades) AS trades, bit_and(all_bits) AS all_bits, bit_or(any_bits) AS any_bits,
    min(source_bits) AS source_bits
FROM candles_1d
GROUP BY symbol_id, time_bucket(INTERVAL '7 days', open_at)
WITH NO DATA;

SELECT add_continuous_aggregate_policy('candles_5m', start_offset => INTERVAL '1 hour',
    end_offset => INTERVAL '5 minutes', schedule_interval => INTERVAL '5 minutes', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_15m', start_offset => INTERVAL '2 hours',
    end_offset => INTERVAL '15 minutes', schedule_interval => INTERVAL '15 minutes', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_30m', start_offset => INTERVAL '3 hours',
    end_offset => INTERVAL '30 minutes', schedule_interval => INTERVAL '30 minutes', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_1h', start_offset => INTERVAL '6 hours',
    end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_4h', start_offset => INTERVAL '1 day',
    end_offset => INTERVAL '4 hours', schedule_interval => INTERVAL '4 hours', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_12h', start_offset => INTERVAL '2 days',
    end_offset => INTERVAL '12 hours', schedule_interval => INTERVAL '12 hours', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_1d', start_offset => INTERVAL '7 days',
    end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 day', if_not_exists => true);

SELECT add_continuous_aggregate_policy('candles_1w', start_offset => INTERVAL '30 days',
    end_offset => INTERVAL '7 days', schedule_interval => INTERVAL '7 days', if_not_exists => true);

ALTER TABLE candles SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol_id, minutes',
    timescaledb.compress_orderby = 'open_at');

ALTER TABLE trades SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol_id',
    timescaledb.compress_orderby = 'at, trade_id');
