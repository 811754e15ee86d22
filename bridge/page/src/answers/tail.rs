//! Latencies: percentiles with bands, heatmaps, the slowest one by one.

use hdrhistogram::Histogram;
use paperwire_core::latency::Stage;
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::random::Rng;
use paperwire_core::time::HostNs;
use paperwire_dashboard::source::{Measure, Refusal};
use paperwire_dashboard::view::latency::{
    Heatmap, Latency, LongCall, SlowTick, Slowest, Spectrum, SpectrumLine, StageRow,
};
use paperwire_lab::attribution::Attribution;
use paperwire_lab::packed::{Packed, Sum};
use paperwire_run::sinks::hdr::HdrLog;
use paperwire_run::totals::lock;

use crate::desk::Desk;
use crate::tails::{Strip, summary};
use crate::views;

/// Blocks of a band: neighbours are joined until there are as many.
const BAND_BLOCKS: usize = 60;
/// Fewer say nothing of how much they differ.
const BAND_BLOCKS_MIN: usize = 10;
const BAND_DRAWS: usize = 200;
/// Columns of a heatmap.
const COLUMNS_MAX: usize = 120;
/// Rows of a heatmap per factor of ten.
const ROWS_PER_DECADE: i32 = 12;

impl Desk {
    fn row(&self, name: &str) -> Result<usize, Refusal> {
        let kept = lock(&self.kept);
        kept.tails.find(name).ok_or_else(|| {
            let known = kept.tails.names().join(", ");
            Refusal::Missing(format!(
                "no strategy and no stage is called {name:?}; there are {known}"
            ))
        })
    }

    pub(super) fn strip(
        &self,
        name: &str,
        measure: Measure,
        window_s: u64,
    ) -> Result<Strip, Refusal> {
        let row = self.row(name)?;
        Ok(lock(&self.kept).tails.strip(row, measure, window_s, views::now_s()))
    }

    pub(super) fn latency_of(&self, window_s: Option<u64>) -> Latency {
        let now_s = views::now_s();
        let kept = lock(&self.kept);
        let rows = kept.tails.names().iter().enumerate().map(|(row, name)| {
            let of = |measure| match window_s {
                None => summary(kept.tails.total(row, measure)),
                Some(window) => summary(&kept.tails.strip(row, measure, window, now_s).sum()),
            };
            let (service_ns, response_ns) = (of(Measure::Service), of(Measure::Response));
            StageRow { name: name.clone(), service_ns, response_ns }
        });
        let mut stages: Vec<StageRow> = rows.collect();
        let strategies = stages.split_off(Stage::ALL.len());
        Latency { window_s, stages, strategies }
    }

    pub(super) fn spectrum_of(
        &self,
        names: &[String],
        measure: Measure,
        window_s: u64,
    ) -> Result<Spectrum, Refusal> {
        let shares = shares();
        let mut seconds = 0;
        let mut lines = Vec::new();
        for name in names {
            let strip = self.strip(name, measure, window_s)?;
            seconds = seconds.max(strip.slots.len() as u64 * strip.length_s.unsigned_abs());
            let sum = strip.sum();
            let (low_ns, high_ns) = band(&strip.slots, &shares);
            let is_call = measure == Measure::Service && self.strategy(name).is_ok();
            lines.push(SpectrumLine {
                name: name.clone(),
                count: sum.count(),
                ns: if sum.count() > 0 { sum.all(&shares) } else { Vec::new() },
                low_ns,
                high_ns,
                without_host_ns: match is_call && sum.count() > 0 {
                    true => self.without_host(name, window_s, sum)?.all(&shares),
                    false => Vec::new(),
                },
            });
        }
        let percentiles = shares.iter().map(|share| share * 100.0).collect();
        Ok(Spectrum { measure: measure.as_str().to_owned(), seconds, percentiles, lines })
    }

    /// Without the calls of a strategy that were the host's doing.
    fn without_host(&self, name: &str, window_s: u64, mut sum: Sum) -> Result<Sum, Refusal> {
        let index = self.strategy(name)?;
        let first_ms = views::now_s().saturating_sub_unsigned(window_s) * 1_000;
        for (at_ms, call) in &lock(&self.kept).calls {
            let is_own = usize::from(call.outlier.strategy) == index && *at_ms >= first_ms;
            if is_own && call.attribution == Attribution::Host {
                sum.remove(call.outlier.span().raw());
            }
        }
        Ok(sum)
    }

    pub(super) fn heatmap_of(
        &self,
        name: &str,
        measure: Measure,
        window_s: u64,
    ) -> Result<Heatmap, Refusal> {
        let strip = self.strip(name, measure, window_s)?;
        let group = strip.slots.len().div_ceil(COLUMNS_MAX).max(1);
        let columns: Vec<(i64, Sum)> = strip
            .at_s
            .chunks(group)
            .zip(strip.slots.chunks(group))
            .map(|(at_s, slots)| {
                let mut sum = Sum::default();
                slots.iter().for_each(|slot| sum.add(slot));
                (at_s[0], sum)
            })
            .collect();
        let all = strip.sum();
        let least = all.pairs().find(|(_, count)| *count > 0).map_or(1, |(value, _)| value.max(1));
        let edges_ns = edges(least, all.at(1.0).max(1));
        let counts = columns.iter().map(|(_, sum)| {
            let mut row = vec![0u64; edges_ns.len()];
            for (value, count) in sum.pairs() {
                let at = edges_ns.partition_point(|edge| *edge <= value).saturating_sub(1);
                row[at] += count;
            }
            row
        });
        Ok(Heatmap {
            name: name.to_owned(),
            measure: measure.as_str().to_owned(),
            at_ms: columns.iter().map(|(at_s, _)| at_s * 1_000).collect(),
            column_s: group as u64 * strip.length_s.unsigned_abs(),
            counts: counts.collect(),
            max_ns: columns.iter().map(|(_, sum)| sum.at(1.0)).collect(),
            edges_ns,
        })
    }

    pub(super) fn slowest_of(&self, window_s: u64, limit: usize) -> Slowest {
        let first_ms = views::now_s().saturating_sub_unsigned(window_s) * 1_000;
        let kept = lock(&self.kept);
        let mut ticks: Vec<_> =
            kept.ticks.iter().filter(|(at, _)| *at >= first_ms).copied().collect();
        let mut calls: Vec<_> =
            kept.calls.iter().filter(|(at, ..)| *at >= first_ms).copied().collect();
        drop(kept);
        ticks.sort_by_key(|(_, tick)| std::cmp::Reverse(tick.response()));
        calls.sort_by_key(|(_, call)| std::cmp::Reverse(call.outlier.span()));
        let tick = |(at_ms, of): &(i64, paperwire_core::slowest::SlowTick)| {
            let since = |at: HostNs| at.since(of.arrived).raw();
            let instrument = of.symbol.and_then(|of| self.facts.instruments.get(of.index()));
            SlowTick {
                seq: of.seq.0,
                at: views::instant(of.exch),
                at_ms: *at_ms,
                symbol: instrument.map(|of| of.name.to_string()),
                enqueued_ns: since(of.enqueued),
                dequeued_ns: since(of.dequeued),
                applied_ns: since(of.applied),
                decided_ns: since(of.decided),
            }
        };
        let names = &self.facts.names;
        let call = |(at_ms, of): &crate::kept::Long| LongCall {
            seq: of.outlier.seq.0,
            at_ms: *at_ms,
            strategy: names[usize::from(of.outlier.strategy)].instance.clone(),
            took_ns: of.outlier.span().raw(),
            lost_ns: of.lost.raw(),
            attribution: of.attribution.as_str().to_owned(),
            interrupts: of.disturbed.interrupts.map(|(count, _)| count),
            faults: of.disturbed.usage.map(|of| of.minor_faults + of.major_faults),
            switches_by_force: of.disturbed.usage.map(|of| of.switches_by_force),
        };
        Slowest {
            ticks: ticks.iter().take(limit).map(tick).collect(),
            calls: calls.iter().take(limit).map(call).collect(),
        }
    }

    /// The whole session as one interval; the public format.
    pub(super) fn hdr_of_session(&self) -> String {
        let kept = lock(&self.kept);
        let names = kept.tails.names();
        let now = self.clock.now();
        let length = std::time::Duration::from_nanos(now.since(self.started).raw());
        let Ok(mut log) = HdrLog::new(Vec::new(), Vec::new(), self.started) else {
            return String::new();
        };
        for (row, name) in names.iter().enumerate() {
            let kind = if row < Stage::ALL.len() { "stage" } else { "strategy" };
            for measure in [Measure::Service, Measure::Response] {
                let mut histogram = Histogram::<u32>::new_with_bounds(1, LATENCY_MAX_NS, 3)
                    .expect("bounds are valid constants");
                for (value, count) in kept.tails.total(row, measure).pairs() {
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    histogram.saturating_record_n(value, count);
                }
                let tag = format!("{kind}.{name}.{}", measure.as_str());
                // Writing to memory cannot fail.
                let _ = log.line(&tag, &histogram, now, length);
            }
        }
        String::from_utf8(log.into_inner()).unwrap_or_default()
    }
}

/// 0, and then ever closer to 1: twelve steps for each further nine, up to 99.999 %.
fn shares() -> Vec<f64> {
    (0..=60).map(|step| 1.0 - 10f64.powf(-f64::from(step) / 12.0)).collect()
}

/// Lower edges from `least` to `most`, each the same factor above the one before.
fn edges(least: u64, most: u64) -> Vec<u64> {
    let mut edges: Vec<u64> = Vec::new();
    let mut step = 0;
    while edges.last().is_none_or(|last| *last <= most) {
        let edge = 10f64.powf(f64::from(step) / f64::from(ROWS_PER_DECADE));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most an hour"
        )]
        let edge = edge.round() as u64;
        if edges.last() != Some(&edge) {
            edges.push(edge);
        }
        step += 1;
    }
    let first = edges.partition_point(|edge| *edge <= least).saturating_sub(1);
    edges.drain(..first);
    edges
}

/// Between which values a percentile lies with 95 %, by drawing whole blocks of time with replacement.
fn band(slots: &[Packed], shares: &[f64]) -> (Vec<u64>, Vec<u64>) {
    let used: Vec<&Packed> = slots.iter().filter(|slot| !slot.is_empty()).collect();
    if used.len() < BAND_BLOCKS_MIN {
        return (Vec::new(), Vec::new());
    }
    let blocks: Vec<Sum> = used
        .chunks(used.len().div_ceil(BAND_BLOCKS))
        .map(|slots| {
            let mut sum = Sum::default();
            slots.iter().for_each(|slot| sum.add(slot));
            sum
        })
        .collect();
    let mut rng = Rng::new(1);
    let mut draws: Vec<Vec<u64>> = vec![Vec::with_capacity(BAND_DRAWS); shares.len()];
    for _ in 0..BAND_DRAWS {
        let mut sum = Sum::default();
        (0..blocks.len()).for_each(|_| sum.merge(&blocks[rng.below(blocks.len())]));
        for (values, value) in draws.iter_mut().zip(sum.all(shares)) {
            values.push(value);
        }
    }
    let end = |share: usize| {
        draws.iter().map(move |values| {
            let mut values = values.clone();
            values.sort_unstable();
            values[share]
        })
    };
    let outside = BAND_DRAWS / 40;
    (end(outside).collect(), end(BAND_DRAWS - 1 - outside).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_rise_and_hold_everything() {
        for (least, most) in [(1, 1), (40, 2_000), (90, 60_000_000_000)] {
            let edges = edges(least, most);
            assert!(edges.is_sorted_by(|a, b| a < b));
            assert!(edges[0] <= least && *edges.last().unwrap() > most, "{least} {most} {edges:?}");
        }
    }

    #[test]
    fn shares_reach_five_nines() {
        let shares = shares();
        assert!(shares[0] == 0.0 && shares.is_sorted());
        assert!((shares[60] - 0.99999).abs() < 1e-12 && (shares[36] - 0.999).abs() < 1e-12);
    }
}
