//! Names of what is measured, and what they mean.

macro_rules! keys {
    ($($name:ident = $key:literal: $what:literal;)*) => {
        $(#[doc = $what] pub const $name: &str = $key;)*
        /// Every key with its meaning, in the order of a table.
        pub const ALL: &[(&str, &str)] = &[$(($name, $what)),*];
    };
}

keys! {
    SECONDS = "seconds": "seconds measured";
    RATE = "updates_per_s": "book updates per second";
    GAP_P50_MS = "gap_p50_ms": "time between updates, median, ms";
    GAP_P99_MS = "gap_p99_ms": "time between updates, p99, ms";
    CHANGES = "changes_per_update": "changed levels per update, mean";
    CHANGES_P99 = "changes_p99": "changed levels per update, p99";
    ONE_TICK = "one_tick_share": "share of time at a spread of one tick";
    SPREAD = "spread_ticks": "spread, mean over time, ticks";
    TOUCH = "touch_share": "share of updates that change the touch";
    REPRICE = "reprice_share": "share of updates that change its prices";
    WIDTH = "window_ticks": "distance of the last row, mean, ticks";
    TOUCH_SIZE = "touch_size": "size at the touch, mean";
    NEAR_SIZE = "near_size": "size of ranks 2 to 9, mean";
    FAR_SIZE = "far_size": "size of ranks 17 to 25, mean";
    DEPTH_RISE = "depth_rise": "size of ranks 17 to 25 over 2 to 9";
    LEVEL_P50 = "level_p50": "size of a level, median";
    LEVEL_P90 = "level_p90": "size of a level, p90";
    ORDERS = "orders_per_s": "taking orders per second";
    TRADE_P50 = "trade_p50": "size of a trade, median";
    TRADE_P90 = "trade_p90": "size of a trade, p90";
    TRADE_P99 = "trade_p99": "size of a trade, p99";
    ZERO = "zero_returns_1s": "share of seconds without a move";
    SD_1S_BP = "sd_1s_bp": "deviation of 1 s returns, bp";
    SD_60S_BP = "sd_60s_bp": "deviation of 60 s returns, bp";
    AUTO_1S = "autocorr_1s": "autocorrelation of 1 s returns";
    AUTO_10S = "autocorr_10s": "autocorrelation of 10 s returns";
    AUTO_60S = "autocorr_60s": "autocorrelation of 60 s returns";
    CLUSTER_1 = "abs_autocorr_60s": "autocorrelation of absolute 60 s returns";
    CLUSTER_10 = "abs_autocorr_600s": "the same, 600 s apart";
    KURTOSIS = "excess_kurtosis_60s": "excess kurtosis of 60 s returns";
    SIGN_1 = "sign_autocorr_1": "autocorrelation of order signs, lag 1";
    SIGN_10 = "sign_autocorr_10": "autocorrelation of order signs, lag 10";
    SIGN_50 = "sign_autocorr_50": "autocorrelation of order signs, lag 50";
    IMPACT = "impact_exponent": "impact of a run of orders, power of its length";
    IMBALANCE = "imbalance_hits": "moves on the side of a clear imbalance";
}
