//! What the machine did to the run: long calls by their attribution, and the pinned threads.

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::DurationNs;
use paperwire_lab::attribution::{LongCall, Verdicts};
use serde_json::{Value, json};

use super::table::Table;
use crate::tally::{StrategyName, Tally, ThreadRow};

/// The quantiles that are shown without the calls attributed to the host.
const TAILS: [f64; 2] = [0.999, 0.9999];

/// Long calls of each strategy; the quantiles of all its calls stand in the latency table already.
pub(super) fn verdicts(tally: &Tally) -> Table {
    let mut table = Table::new(&[
        "calls over 10 us",
        "host's",
        "own",
        "unknown",
        "p99.9",
        "p99.99",
        "without the host's p99.9",
        "p99.99",
    ]);
    for (index, of) in tally.judged.strategies.iter().enumerate() {
        let all = &tally.bank.strategies()[index].service;
        if of.host + of.strategy + of.unknown == 0 || all.is_empty() {
            continue;
        }
        let mut cells = vec![tally.strategies[index].instance.clone()];
        cells.extend([of.host, of.strategy, of.unknown].map(|count| count.to_string()));
        cells.extend(TAILS.map(|q| DurationNs::new(all.value_at_quantile(q)).to_string()));
        let rest = without(tally, index, of);
        cells.extend(TAILS.map(|q| DurationNs::new(rest(q)).to_string()));
        table.row(cells);
    }
    table
}

/// Quantiles of the calls that are not attributed to the host.
fn without(tally: &Tally, index: usize, of: &Verdicts) -> impl Fn(f64) -> u64 {
    let mut rest = tally.bank.strategies()[index].service.clone();
    // Only what was recorded was judged, by the same rounding.
    let is_part = rest.subtract(&of.of_host).is_ok();
    debug_assert!(is_part, "the host's calls are some of all");
    move |q| rest.value_at_quantile(q)
}

/// The longest calls one by one.
pub(super) fn longest(tally: &Tally) -> Table {
    let mut table = Table::new(&[
        "longest calls",
        "took",
        "core lost for",
        "attribution",
        "interrupts",
        "in",
        "faults",
        "switches",
        "event",
    ]);
    let dash = || "-".to_owned();
    for LongCall { outlier, attribution, lost, disturbed } in &tally.judged.longest {
        let of = |count: fn(&ThreadUsage) -> u64| {
            disturbed.usage.map_or_else(dash, |usage| count(&usage).to_string())
        };
        table.row(vec![
            tally.strategies[usize::from(outlier.strategy)].instance.clone(),
            outlier.span().to_string(),
            lost.to_string(),
            attribution.as_str().to_owned(),
            disturbed.interrupts.map_or_else(dash, |(count, _)| count.to_string()),
            disturbed.interrupts.map_or_else(dash, |(_, span)| span.to_string()),
            of(|usage| usage.minor_faults + usage.major_faults),
            of(|usage| usage.switches_by_choice + usage.switches_by_force),
            outlier.seq.0.to_string(),
        ]);
    }
    table
}

/// One of them for machines.
pub fn long_call_json(call: &LongCall, strategies: &[StrategyName]) -> Value {
    let LongCall { outlier, attribution, lost, disturbed } = call;
    json!({
        "strategy": strategies[usize::from(outlier.strategy)].instance,
        "event": outlier.seq.0,
        "took_ns": outlier.span().raw(),
        "attribution": attribution.as_str(),
        "lost_ns": lost.raw(),
        "interrupts": disturbed.interrupts.map(|(count, _)| count),
        "interrupts_within_ns": disturbed.interrupts.map(|(_, span)| span.raw()),
        "minor_faults": disturbed.usage.map(|of| of.minor_faults),
        "major_faults": disturbed.usage.map(|of| of.major_faults),
        "switches_by_choice": disturbed.usage.map(|of| of.switches_by_choice),
        "switches_by_force": disturbed.usage.map(|of| of.switches_by_force),
    })
}

/// All of them, the longest first.
pub(super) fn longest_json(tally: &Tally) -> Vec<Value> {
    let one = |call: &LongCall| long_call_json(call, &tally.strategies);
    tally.judged.longest.iter().map(one).collect()
}

/// The pinned threads.
pub(super) fn threads(tally: &Tally) -> Table {
    let mut table = Table::new(&[
        "thread",
        "core",
        "waits by",
        "hiccups",
        "lost",
        "longest",
        "switches forced",
        "own",
        "faults minor",
        "major",
    ]);
    for of in &tally.threads {
        let spins = of.wait == paperwire_rt::runner::Wait::Spin;
        let seen = |text: String| if spins { text } else { "-".to_owned() };
        table.row(vec![
            of.name.to_owned(),
            of.core.map_or_else(|| "any".to_owned(), |core| core.to_string()),
            of.wait.as_str().to_owned(),
            seen(of.hiccups.to_string()),
            seen(of.lost.to_string()),
            seen(of.longest.to_string()),
            of.usage.switches_by_force.to_string(),
            of.usage.switches_by_choice.to_string(),
            of.usage.minor_faults.to_string(),
            of.usage.major_faults.to_string(),
        ]);
    }
    table
}

/// The same for machines.
pub(super) fn threads_json(tally: &Tally) -> Vec<Value> {
    let one = |of: &ThreadRow| {
        json!({
            "thread": of.name,
            "core": of.core,
            "wait": of.wait.as_str(),
            "hiccups": of.hiccups,
            "lost_ns": of.lost.raw(),
            "longest_ns": of.longest.raw(),
            "switches_by_force": of.usage.switches_by_force,
            "switches_by_choice": of.usage.switches_by_choice,
            "minor_faults": of.usage.minor_faults,
            "major_faults": of.usage.major_faults,
        })
    };
    tally.threads.iter().map(one).collect()
}

/// Long calls of one strategy; null where nobody looked.
pub(super) fn verdicts_json(tally: &Tally, index: usize) -> Value {
    let Some(of) = tally.judged.strategies.get(index) else {
        return Value::Null;
    };
    let rest = without(tally, index, of);
    json!({
        "host": of.host,
        "own": of.strategy,
        "unknown": of.unknown,
        "without_host_ns": {"p99": rest(0.99), "p999": rest(0.999), "p9999": rest(0.9999)},
    })
}
