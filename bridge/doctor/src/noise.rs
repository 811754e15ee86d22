//! Checks 37, 38 and 39: what the probes cost, and the test itself: threads that do nothing but read the
//! clock on the examined cores, and note every reading that came late.

use std::sync::Barrier;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use paperwire_core::hiccup::HiccupMeter;
use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::host::thread_usage;
use paperwire_rt::runner;
use serde::Serialize;

use super::cpu_list::CpuSet;
use super::fix::Fix;
use super::scheduling::NOT_RUN;
use super::tree::Unread;
use super::{Check, Grade, Outcome, Seen};

pub(super) const CHECKS: [Check; 3] = [
    Check {
        number: 37,
        name: "probe tax",
        why: "what measuring adds to each event; it is subtracted nowhere and shown everywhere",
        judge: tax,
    },
    Check {
        number: 38,
        name: "noise test",
        why: "the sum of all other checks: what a thread loses that wants nothing but its core",
        judge: noise,
    },
    Check {
        number: 39,
        name: "deep mode",
        why: "firmware interrupts (SMI) and hardware stalls are invisible to everything else",
        judge: deep,
    },
];

/// An isolated core stays below these.
const GAP_MAX: DurationNs = DurationNs::from_micros(20);
const GAP_P999_MAX: DurationNs = DurationNs::from_micros(5);

/// A core that was taken for this long was shared: milliseconds follow sooner or later.
const GAP_FAIL: DurationNs = DurationNs::from_micros(100);

const WARM_UP: DurationNs = DurationNs::from_millis(50);

/// What one spinning thread saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoreNoise {
    /// Its core.
    pub core: usize,
    /// False when the kernel refused to pin it.
    pub is_pinned: bool,
    /// Readings of the clock.
    pub readings: u64,
    /// Gaps from here on count: eight times the shortest there was.
    pub threshold_ns: u64,
    /// How many.
    pub gaps: u64,
    /// All of them together.
    pub lost_ns: u64,
    /// Percentiles of the gaps' lengths.
    pub p50_ns: u64,
    /// 99 %.
    pub p99_ns: u64,
    /// 99.9 %.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// When that ended, in seconds since the start of the test.
    pub max_at_s: f64,
    /// Faults and switches meanwhile.
    #[serde(serialize_with = "usage_json")]
    pub(super) usage: Option<ThreadUsage>,
}

fn usage_json<S: serde::Serializer>(
    usage: &Option<ThreadUsage>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let json = usage.map(|of| {
        serde_json::json!({
            "minor_faults": of.minor_faults,
            "major_faults": of.major_faults,
            "switches_by_choice": of.switches_by_choice,
            "switches_by_force": of.switches_by_force,
        })
    });
    json.serialize(serializer)
}

/// Spins on all cores at once for `seconds`; `progress` hears of it twice a second.
pub(super) fn spin_all(
    cores: &CpuSet,
    seconds: u64,
    mut progress: impl FnMut(&str),
) -> Vec<CoreNoise> {
    let clock = HostClock::new();
    let span = DurationNs::from_secs(seconds);
    let barrier = Barrier::new(cores.len());
    let (done_in, done_out) = channel();
    let mut noise = Vec::new();
    std::thread::scope(|scope| {
        for core in cores.iter() {
            let (clock, barrier, done_in) = (clock.clone(), &barrier, done_in.clone());
            scope.spawn(move || {
                let is_pinned = runner::pin(core);
                barrier.wait();
                let seen = spin(core, is_pinned, span, &clock);
                // The receiver outlives the scope.
                let _ = done_in.send(seen);
            });
        }
        drop(done_in);
        let started = clock.now();
        loop {
            // Waiting in the channel sleeps: a watcher that polls would itself be the noise.
            match done_out.recv_timeout(Duration::from_millis(500)) {
                Ok(seen) => noise.push(seen),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let spent = clock.now().since(started).raw() / 1_000_000_000;
                    let left = seconds.saturating_sub(spent);
                    progress(&format!("spinning on cores {cores}: {left} s left"));
                }
            }
        }
    });
    noise.sort_by_key(|of| of.core);
    noise
}

fn spin(core: usize, is_pinned: bool, span: DurationNs, clock: &HostClock) -> CoreNoise {
    let mut meter = HiccupMeter::new(threshold(clock));
    // The first use of code and memory is a fault each; it belongs before the test, not into it.
    let _ = thread_usage();
    watch(&mut meter, clock, WARM_UP);
    meter.show(clock.now().plus(GAP_FAIL));
    meter.clear();
    let before = thread_usage().ok();
    let started = clock.now();
    let readings = watch(&mut meter, clock, span);
    let usage = before.and_then(|before| Some(thread_usage().ok()?.since(before)));
    let at = |quantile| meter.gaps().value_at_quantile(quantile);
    let largest = meter.largest();
    let max_at = largest.map_or(DurationNs::ZERO, |largest| largest.ended_at.since(started));
    CoreNoise {
        core,
        is_pinned,
        readings,
        threshold_ns: meter.threshold().raw(),
        gaps: meter.count(),
        lost_ns: meter.lost().raw(),
        p50_ns: at(0.5),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns: largest.map_or(0, |largest| largest.span.raw()),
        max_at_s: Duration::from_nanos(max_at.raw()).as_secs_f64(),
        usage,
    }
}

/// Shows the meter every reading for a while; returns how many there were.
fn watch(meter: &mut HiccupMeter, clock: &HostClock, span: DurationNs) -> u64 {
    let end = clock.now().plus(span);
    let mut readings = 0;
    loop {
        let now = clock.now();
        meter.show(now);
        readings += 1;
        if now >= end {
            return readings;
        }
    }
}

/// Eight times the shortest gap, as Rigtorp's `hiccups` does, and never below 100 ns.
fn threshold(clock: &HostClock) -> DurationNs {
    let mut before = clock.now();
    let mut shortest = u64::MAX;
    for _ in 0..10_000 {
        let now = clock.now();
        shortest = shortest.min(now.since(before).raw().max(1));
        before = now;
    }
    DurationNs::new(shortest.saturating_mul(8).clamp(100, 10_000))
}

fn tax(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let not_run = || Unread::Other("not measured".to_owned());
    let tax = seen.facts.probe_tax.ok_or_else(not_run)?;
    Ok(Outcome::info(tax.to_string()))
}

fn noise(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let sample = seen.sample.ok_or_else(|| Unread::Other(NOT_RUN.to_owned()))?;
    if sample.noise.is_empty() {
        return Err(Unread::Other("no usable core is known".to_owned()));
    }
    let shown = |of: &CoreNoise| {
        format!(
            "core {}: max {}, p99.9 {}, {} gaps, {:.3} % lost{}",
            of.core,
            DurationNs::new(of.max_ns),
            DurationNs::new(of.p999_ns),
            of.gaps,
            lost_percent(of, sample.seconds),
            if of.is_pinned { "" } else { " (not pinned)" },
        )
    };
    let read = sample.noise.iter().map(shown).collect::<Vec<_>>().join("; ");
    let worst = |of: fn(&CoreNoise) -> u64| sample.noise.iter().map(of).max().unwrap_or(0);
    let (max, p999) = (worst(|of| of.max_ns), worst(|of| of.p999_ns));
    let grade = match () {
        () if max >= GAP_FAIL.raw() => Grade::Fail,
        () if max >= GAP_MAX.raw() || p999 >= GAP_P999_MAX.raw() => Grade::Warn,
        () => Grade::Good,
    };
    let others = "mend the other findings and run this again; what is left is firmware (39)";
    Ok(Outcome { grade, read, fix: (grade != Grade::Good).then_some(Fix::Elsewhere(others)) })
}

#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn lost_percent(of: &CoreNoise, seconds: f64) -> f64 {
    of.lost_ns as f64 / 1e7 / seconds.max(1e-9)
}

fn deep(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let tool = match seen.facts.has_rtla {
        true => "rtla is installed",
        false => "rtla is not installed",
    };
    let cores = seen.cores.examined();
    let command =
        Fix::shell(format!("rtla osnoise top -c {cores} -d 10s && rtla hwnoise -c {cores} -d 10s"));
    let outcome = match &seen.facts.smi_count {
        Ok(count) => Outcome::info(format!("{count} SMIs since boot; {tool}")),
        Err(reason) => Outcome::unknown(format!("{reason}; {tool}")),
    };
    Ok(outcome.with_fix(command))
}
