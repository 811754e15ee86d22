//! Two strategies of the run, compared: what the window of one process can say and no more. Nothing is paused for
//! it and nobody is run besides.

use std::path::Path;

use paperwire_compare::measure;
use paperwire_compare::store::{self, Kept};
use paperwire_compare::words::{self, Pace, Scope, Unit};
use paperwire_core::random::exp;
use paperwire_dashboard::source::{Measure, Refusal};
use paperwire_dashboard::view::latency::{CompareRow, Comparison, Range};
use paperwire_doctor::clock_step;
use paperwire_lab::estimate::Interval;
use paperwire_lab::jackknife::{self, PARTS};
use paperwire_lab::judge::Row;
use paperwire_lab::number::float;
use paperwire_lab::packed::{Grain, Sum};
use paperwire_lab::percentile::{PERCENTILES, Percentile};
use paperwire_lab::verdict::{DETECT, Rules, Verdict};

use crate::desk::Desk;
use crate::tails::Strip;

impl Desk {
    pub(super) fn comparison(
        &self,
        a: &str,
        b: &str,
        window_s: u64,
    ) -> Result<Comparison, Refusal> {
        if self.strategy(a)? == self.strategy(b)? {
            return Err(Refusal::Bad(
                "a and b: two strategies, or two instances of one".to_owned(),
            ));
        }
        let rules = Rules::new(float(clock_step::measure(&self.clock)), DETECT);
        let window = |measure| -> Result<Window, Refusal> {
            let strips = [self.strip(a, measure, window_s)?, self.strip(b, measure, window_s)?];
            Ok(Window::of(&strips))
        };
        let (service, response) = (window(Measure::Service)?, window(Measure::Response)?);
        let earlier = measure::build_once().and_then(|build| {
            let fingerprint = &self.facts.host.fingerprint.hash;
            store::find(Path::new(store::FOLDER), [a, b], build, fingerprint)
        });
        let pace = service.pace();
        let rows = [(&service, "Service"), (&response, "Response")].map(|(window, name)| {
            let rows = window.judge(&rules);
            let scope = Scope::Run.words();
            let said = words::sentence(&rows, [a, b], rules.detect);
            (rows, format!("{name}, {scope}: {said}."))
        });
        let [(service_rows, service_words), (response_rows, response_words)] = rows;
        let shown = |rows: &[Row], layout: fn(&Kept) -> &[Option<f64>; PERCENTILES]| {
            let of = rows.iter().enumerate().map(|(at, row)| {
                let earlier =
                    earlier.as_ref().and_then(|kept| Some((layout(kept)[at]?, kept.processes)));
                self::shown(row, earlier, &pace, &rules)
            });
            of.collect()
        };
        Ok(Comparison {
            a: a.to_owned(),
            b: b.to_owned(),
            parts: service.parts.len(),
            part_s: service.part_s,
            ticks: service.calls(),
            service: shown(&service_rows, |kept| &kept.service),
            response: shown(&response_rows, |kept| &kept.response),
            words: vec![service_words, response_words],
            command: self.command(a, b),
            layout: earlier.map(|kept| {
                format!(
                    "What another process would have given is shown beside: {} processes of this build on this \
                     host say what layout adds.",
                    kept.processes
                )
            }),
        })
    }

    /// What says it of the strategies instead of the run.
    fn command(&self, a: &str, b: &str) -> String {
        match &self.facts.tape {
            Some(tape) => format!("paperwire compare {a} {b} --tape {}", tape.display()),
            None => format!(
                "paperwire run --record FILE, and then paperwire compare {a} {b} --tape FILE"
            ),
        }
    }
}

/// The whole parts of a window: contiguous and of equal length, the oldest seconds that make no part left out.
struct Window {
    /// A and B in each part; fewer than [`PARTS`] where the run is too short for them.
    parts: Vec<[Sum; 2]>,
    part_s: u64,
}

impl Window {
    fn of(strips: &[Strip; 2]) -> Self {
        let length = strips[0].length_s;
        let (Some(first), Some(last)) = (strips[0].at_s.first(), strips[0].at_s.last()) else {
            return Self { parts: Vec::new(), part_s: length.unsigned_abs() };
        };
        let slots = (last - first) / length + 1;
        let parts = slots.min(i64::try_from(PARTS).expect("a small number"));
        let part_s = slots / parts * length;
        let begin = last + length - parts * part_s;
        let mut all = vec![[Sum::default(), Sum::default()]; usize::try_from(parts).unwrap_or(0)];
        for (arm, strip) in strips.iter().enumerate() {
            for (at_s, slot) in strip.at_s.iter().zip(&strip.slots) {
                let part = usize::try_from((at_s - begin).div_euclid(part_s)).ok();
                if let Some(part) = part.and_then(|part| all.get_mut(part)) {
                    part[arm].add(slot);
                }
            }
        }
        Self { parts: all, part_s: part_s.unsigned_abs() }
    }

    fn calls(&self) -> [u64; 2] {
        [0, 1].map(|arm| self.parts.iter().map(|part| part[arm].count()).sum())
    }

    fn pace(&self) -> Pace {
        let seconds = self.part_s * self.parts.len() as u64;
        let calls = self.calls().into_iter().min().unwrap_or(0);
        let calls_per_s = (seconds > 0).then(|| float(calls) / float(seconds));
        Pace { unit: Unit::Part, unit_s: Some(float(self.part_s)), calls_per_s }
    }

    fn judge(&self, rules: &Rules) -> Vec<Row> {
        match PARTS.saturating_sub(self.parts.len()) {
            0 => jackknife::table(&self.parts, Grain::Coarse, rules),
            missing => {
                let verdict = Verdict::NotEnough(missing as u64);
                Percentile::ALL.iter().map(|of| Row::empty(*of, verdict)).collect()
            }
        }
    }
}

fn shown(row: &Row, earlier: Option<(f64, usize)>, pace: &Pace, rules: &Rules) -> CompareRow {
    let range = |of: Option<Interval>| {
        of.map(words::ratio_of).map(|of| Range { low: of.low, high: of.high })
    };
    let layout = earlier
        .and_then(|(deviation, processes)| jackknife::widened(row, deviation, processes, rules));
    CompareRow {
        percentile: row.percentile.name.to_owned(),
        a_ns: row.ns.map(|ns| ns[0]),
        b_ns: row.ns.map(|ns| ns[1]),
        ratio: row.log_ratio.map(exp),
        log_ratio: row.log_ratio,
        log_low: row.deciding.map(|of| of.low),
        log_high: row.deciding.map(|of| of.high),
        interval: range(row.deciding),
        layout: range(layout),
        verdict: words::verdict(row.verdict, pace, rules.detect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paperwire_lab::packed::Packed;
    use paperwire_lab::packed::bucket;

    fn strip(seconds: std::ops::Range<i64>, length_s: i64) -> Strip {
        let at_s: Vec<i64> = seconds.step_by(usize::try_from(length_s).unwrap()).collect();
        let slot = Packed::from_buckets(vec![(bucket(100), 10)]);
        Strip { slots: vec![slot; at_s.len()], at_s, length_s }
    }

    #[test]
    fn a_window_is_cut_into_twenty_equal_parts_up_to_now() {
        for (seconds, length_s, part_s, calls) in
            [(60, 1, 3, 600), (79, 1, 3, 600), (600, 10, 30, 600), (20, 1, 1, 200)]
        {
            let strips =
                [strip(1_000..1_000 + seconds, length_s), strip(1_000..1_000 + seconds, length_s)];
            let window = Window::of(&strips);
            assert_eq!((window.parts.len(), window.part_s), (PARTS, part_s), "{seconds} s");
            assert_eq!(window.calls(), [calls; 2], "{seconds} s");
            let first = window.parts[0][0].count();
            assert!(window.parts.iter().all(|part| part[0].count() == first));
        }
    }

    #[test]
    fn a_short_run_says_how_many_parts_are_missing_and_the_rate_is_that_of_what_was_seen() {
        let window = Window::of(&[strip(0..12, 1), strip(0..12, 1)]);
        let rules = Rules::new(10.0, DETECT);
        let rows = window.judge(&rules);
        assert!(rows.iter().all(|row| row.verdict == Verdict::NotEnough(8)));
        let pace = window.pace();
        assert_eq!(pace.calls_per_s, Some(10.0), "of twelve seconds, however long the window is");
        let row = shown(&rows[0], None, &pace, &rules);
        assert_eq!(row.verdict, "not enough: about 8 more parts (8 s)");
        assert_eq!(Window::of(&[strip(0..0, 1), strip(0..0, 1)]).calls(), [0, 0]);
    }
}
