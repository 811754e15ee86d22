//! A comparison for machines.

use serde_json::{Value, json};

use super::Comparison;
use super::blocks::WARM_UP_CALLS;
use super::stats::{A, ARMS, B, CELLS, CONTROL, Interval, Quantile, Row, Sparse, Verdict};
use super::text;

/// The comparison as JSON.
pub fn json(of: &Comparison) -> Value {
    let rate = of.ticks_per_s;
    let rows = |rows: &[Row]| rows.iter().map(|row| self::row(row, rate)).collect::<Value>();
    let settings = &of.settings;
    json!({
        "a": of.names[A],
        "b": of.names[B],
        "control": of.names[CONTROL],
        "source": of.source,
        "response_starts": of.arrival,
        "seconds_per_block": of.seconds_per_block,
        "blocks": of.blocks,
        "ticks": arms(&of.ticks),
        "ticks_per_s": rate,
        "called_first": of.called_first.as_ref().map(arms),
        "warm_up": {
            "blocks": of.warm_up.blocks,
            "calls_min": WARM_UP_CALLS,
            "service": arms(&of.warm_up.service.each_ref().map(summary)),
        },
        "host": {"grade": of.host.grade, "fingerprint": of.host.fingerprint},
        "probe_tax": of.probe_tax,
        "probe_ns": of.probe_ns(),
        "clock_step_ns": settings.clock_step_ns,
        "method": {
            "resamples": settings.resamples,
            "seed": settings.seed,
            "error_table": settings.error,
            "error_each": settings.error / f64::from(CELLS),
            "beyond_min": settings.beyond_min,
            "blocks_min": settings.blocks_min,
            "detect": settings.detect,
        },
        "service": rows(&of.service),
        "response": rows(&of.response),
        "summary": text::sentences(of),
        "notes": of.notes,
    })
}

fn arms<T: serde::Serialize>(of: &[T; ARMS]) -> Value {
    json!({"a": of[A], "b": of[B], "control": of[CONTROL]})
}

fn summary(times: &Sparse) -> Value {
    json!({
        "count": times.count(),
        "p50_ns": times.quantile(Quantile::ALL[0]),
        "max_ns": times.max(),
    })
}

fn row(of: &Row, ticks_per_s: f64) -> Value {
    let interval = |of: Option<Interval>| of.map(|of| [of.low, of.high]);
    let missing = match of.verdict {
        Verdict::NotEnough { ticks } => Some(ticks),
        Verdict::Faster | Verdict::Slower | Verdict::NoDifference | Verdict::TooCoarse => None,
    };
    json!({
        "percentile": of.quantile.name,
        "a_ns": of.values[A],
        "b_ns": of.values[B],
        "control_ns": of.values[CONTROL],
        "ratio": of.ratio,
        "interval_each": interval(of.interval_each),
        "interval": interval(of.interval),
        "floor": interval(of.floor),
        "detectable": of.detectable,
        "verdict": text::verdict(of.verdict, ticks_per_s),
        "missing_ticks": missing,
        "missing_minutes": missing.and_then(|ticks| text::minutes(ticks, ticks_per_s)),
    })
}
