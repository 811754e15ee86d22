//! `paperwire worth`: what a microsecond is worth. One tape, replayed with orders that travel longer and longer.
//!
//! Everything but the time of orders and cancellations to the venue stays as recorded, so what differs between two
//! rows is what that time cost, or brought: a later fill is not always a worse one. Effects are paired
//! ([`crate::pairs`]) and have an interval where enough fills changed. The step from no latency to any is told apart from
//! the rest: without latency an order stands between two prints of one instant, which no order ever does.

use std::path::Path;

use paperwire_config::Config;
use paperwire_core::instrument::Instrument;
use paperwire_core::latency::Bank;
use paperwire_core::num::Money;
use paperwire_core::time::DurationNs;
use serde_json::{Value, json};

use crate::error::RunError;
use crate::notices::{Notices, Quiet};
use crate::pairs::{self, Effect, Way};
use crate::play::{self, ReplayOptions};
use crate::player::Observer;
use crate::tally::Tally;

/// Delays when none are given.
pub const DELAYS: [&str; 4] = ["0", "50us", "1ms", "10ms"];
/// The venue takes at most a minute.
const DELAY_MAX_NS: u64 = 60_000_000_000;
/// Columns of the longest bar.
const BAR: usize = 24;

/// One strategy at one delay.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Profit at the end.
    pub profit: Money,
    /// Number of fills.
    pub fills: u64,
    /// What the step to this delay brought; `None` for the shortest.
    pub effect: Option<Effect>,
}

/// Profit of each strategy at each delay.
#[derive(Debug)]
pub struct Worth {
    /// Delays in nanoseconds, ascending.
    pub delays_ns: Vec<u64>,
    /// By strategy: its name, and its cells by delay.
    pub strategies: Vec<(String, Vec<Cell>)>,
}

/// `50us`, `1.5ms`, `2s`, `300ns` or a plain 0.
///
/// # Errors
/// [`RunError::Config`] for anything else.
pub fn delay_of(text: &str) -> Result<u64, RunError> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let unit = match &text[split..] {
        "ns" => Some(1.0),
        "us" => Some(1e3),
        "ms" => Some(1e6),
        "s" => Some(1e9),
        _ => None,
    };
    let number = text[..split].parse::<f64>().ok().filter(|number| *number >= 0.0);
    let ns = match (number, unit) {
        (Some(0.0), _) if split == text.len() => Some(0.0),
        (Some(number), Some(unit)) => Some(number * unit),
        _ => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "compared with its largest value")]
    #[expect(clippy::cast_sign_loss, reason = "no digit is negative")]
    match ns.map(|ns| ns as u64).filter(|ns| *ns <= DELAY_MAX_NS) {
        Some(ns) => Ok(ns),
        None => Err(RunError::Config(format!(
            "--delays {text}: expected 0, 50us, 1ms or another time up to 60s"
        ))),
    }
}

/// Replays the tape once for each delay.
///
/// # Errors
/// [`RunError`].
pub fn measure(
    tape: &Path,
    given: &Config,
    overrides: &[(String, toml::Value)],
    delays_ns: &[u64],
    notices: &mut dyn Notices,
) -> Result<Worth, RunError> {
    let mut delays_ns = delays_ns.to_vec();
    delays_ns.sort_unstable();
    delays_ns.dedup();
    let mut names: Vec<String> = Vec::new();
    let mut all: Vec<Vec<(Money, u64, Way)>> = Vec::new();
    for (round, delay) in delays_ns.iter().enumerate() {
        notices.progress(&format!("{} of {}: {}", round + 1, delays_ns.len(), shown(*delay)));
        let mut overrides = overrides.to_vec();
        overrides.extend(later(*delay));
        let config = play::config_of(tape, given, &overrides)?;
        let options = ReplayOptions { speed: None, verify: false, order_seed: None };
        let mut quiet = Quiet;
        let replayed = play::replay_observed(tape, &config, &options, &mut quiet, Some(&mut Ways))?;
        let Tally { strategies, accounts, ways, .. } = replayed.tally;
        names = strategies.into_iter().map(|of| of.instance).collect();
        let of = |(row, way): (&paperwire_exec::report::AccountRow, Way)| {
            (row.equity - row.baseline, row.fills, way)
        };
        all.push(accounts.iter().zip(ways).map(of).collect());
    }
    notices.progress("");
    let cells = |strategy: usize| {
        let cell = |at: usize| {
            let (profit, fills, way) = &all[at][strategy];
            // Rounded up: the next second may begin on the way.
            let slack = usize::try_from(delays_ns[at].div_ceil(1_000_000_000)).unwrap_or(0);
            let effect =
                base(&delays_ns, at).map(|base| pairs::effect(&all[base][strategy].2, way, slack));
            Cell { profit: *profit, fills: *fills, effect }
        };
        (0..delays_ns.len()).map(cell).collect()
    };
    let strategies = names.into_iter().enumerate().map(|(at, name)| (name, cells(at)));
    let strategies = strategies.collect();
    Ok(Worth { delays_ns, strategies })
}

/// What a delay is held against: none at all against no other; the shortest one against none at all; longer ones
/// against the shortest, so that the first step is in none of them.
fn base(delays_ns: &[u64], at: usize) -> Option<usize> {
    let shortest = usize::from(delays_ns.first() == Some(&0) && delays_ns.len() > 1);
    match at {
        0 => None,
        _ if at == shortest => Some(0),
        _ => Some(shortest),
    }
}

/// Has each strategy's way written down.
struct Ways;

impl Observer for Ways {
    fn begin(&mut self, _: &[Instrument]) -> Result<(), RunError> {
        Ok(())
    }

    fn prepare(&mut self, tally: &mut Tally) {
        tally.ways = vec![Way::default(); tally.strategies.len()];
    }

    fn interval(&self) -> DurationNs {
        DurationNs::from_secs(3_600)
    }

    fn take(&mut self, _: &Bank) {}
}

/// Orders and cancellations take this long to the venue, and nothing else takes any time.
fn later(delay_ns: u64) -> impl Iterator<Item = (String, toml::Value)> {
    #[expect(clippy::cast_precision_loss, reason = "a minute of nanoseconds is exact")]
    let ms = delay_ns as f64 / 1e6;
    let float = toml::Value::Float;
    [
        ("model", toml::Value::String("constant".to_owned())),
        ("feed_ms", float(0.0)),
        ("place_ms", float(ms)),
        ("cancel_ms", float(ms)),
        ("ack_ms", float(0.0)),
    ]
    .map(|(key, value)| (format!("venue.latency.{key}"), value))
    .into_iter()
}

fn shown(delay_ns: u64) -> String {
    format!("+{}", DurationNs::new(delay_ns))
}

impl Worth {
    /// As a table, and under it what each step cost or brought.
    pub fn text(&self) -> String {
        let name = self.strategies.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(8);
        let mut out = format!("{:<name$}", "P&L");
        for delay in &self.delays_ns {
            out += &format!("  {:>10}", shown(*delay));
        }
        for (strategy, cells) in &self.strategies {
            out += &format!("\n{strategy:<name$}");
            for cell in cells {
                out += &format!("  {:>10.4}", cell.profit);
            }
        }
        let all = self.strategies.iter().flat_map(|(_, cells)| cells);
        if !all.filter_map(|cell| cell.effect).any(|of| of.changed > 0) {
            return out + "\n\nno fill depends on these delays";
        }
        let is_first = |at: usize| self.delays_ns[0] == 0 && at == 1;
        let steps =
            |wanted: bool| (1..self.delays_ns.len()).filter(move |at| is_first(*at) == wanted);
        let (first, rest): (Vec<usize>, Vec<usize>) =
            (steps(true).collect(), steps(false).collect());
        if let [at] = first[..] {
            let delay = shown(self.delays_ns[at]);
            out += &format!(
                "\n\nany latency at all: {delay} against none, where an order stands between prints of one instant"
            );
            out += &self.chart(&first, name);
        }
        if let Some(at) = rest.first() {
            let base = base(&self.delays_ns, *at).unwrap_or(0);
            out += &format!("\n\nmore of it, against {}", shown(self.delays_ns[base]));
            out += &self.chart(&rest, name);
        }
        out
    }

    /// A line for each strategy and step, with a bar where an effect can be told.
    fn chart(&self, steps: &[usize], name: usize) -> String {
        let told = |cell: &Cell| cell.effect.filter(|of| of.interval.is_some());
        let all = self.strategies.iter().flat_map(|(_, cells)| steps.iter().map(|at| &cells[*at]));
        let most = all.filter_map(told).map(|of| of.total.abs()).fold(0.0, f64::max);
        let mut out = String::new();
        for (strategy, cells) in &self.strategies {
            for (row, at) in steps.iter().enumerate() {
                let label = if row == 0 { strategy.as_str() } else { "" };
                let delay = shown(self.delays_ns[*at]);
                let Some(of) = cells[*at].effect else { continue };
                let said = said(&of, most);
                out += format!("\n{label:<name$}  {delay:>10}  {said}").trim_end();
            }
        }
        out
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let one = |(name, cells): &(String, Vec<Cell>)| {
            let rows = cells.iter().enumerate().map(|(at, cell)| {
                let interval = cell.effect.and_then(|of| of.interval);
                json!({
                    "delay_ns": self.delays_ns[at],
                    "pnl": crate::record::money(cell.profit),
                    "fills": cell.fills,
                    "against_ns": base(&self.delays_ns, at).map(|base| self.delays_ns[base]),
                    "changed_fills": cell.effect.map(|of| of.changed),
                    "effect": cell.effect.filter(|of| of.interval.is_some()).map(|of| of.total),
                    "interval": interval.map(|of| [of.low, of.high]),
                })
            });
            json!({"name": name, "delays": rows.collect::<Vec<_>>()})
        };
        json!({"strategies": self.strategies.iter().map(one).collect::<Vec<_>>()})
    }
}

/// An effect in words and a bar, or why there is none.
fn said(of: &Effect, most: f64) -> String {
    let Some(interval) = of.interval else {
        let fills = if of.changed == 1 { "fill" } else { "fills" };
        return match of.changed {
            0 => "no fill changed".to_owned(),
            changed => format!("{changed} {fills} changed: no effect can be told"),
        };
    };
    #[expect(clippy::cast_possible_truncation, reason = "0 to the longest bar")]
    #[expect(clippy::cast_sign_loss, reason = "a magnitude")]
    let len = (of.total.abs() / most.max(f64::MIN_POSITIVE) * BAR as f64).round() as usize;
    let bar = if of.total < 0.0 { "-" } else { "+" }.repeat(len);
    format!(
        "{:>+9.4}  {:+.4} to {:+.4}, {} fills changed  {bar}",
        of.total, interval.low, interval.high, of.changed
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use paperwire_lab::estimate::Interval;

    #[test]
    fn delays_have_a_unit_and_a_bound() {
        let ns = |text: &str| delay_of(text).ok();
        assert_eq!(
            ["0", "300ns", "50us", "1.5ms", "60s"].map(ns),
            [Some(0), Some(300), Some(50_000), Some(1_500_000), Some(60_000_000_000)]
        );
        for bad in ["", "5", "us", "1m", "-1us", "61s", "1e3us"] {
            let error = delay_of(bad).unwrap_err().to_string();
            assert!(error.contains("expected 0, 50us"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_first_step_is_in_none_of_the_others() {
        let of = |delays: &[u64]| (0..delays.len()).map(|at| base(delays, at)).collect::<Vec<_>>();
        assert_eq!(of(&[0, 50, 1_000, 9_000]), [None, Some(0), Some(1), Some(1)]);
        assert_eq!(of(&[50, 1_000, 9_000]), [None, Some(0), Some(0)]);
        assert_eq!(of(&[0]), [None]);
    }

    #[test]
    fn a_step_shows_its_interval_or_how_few_fills_it_changed() {
        let cell = |profit: f64, changed: usize, total: f64, is_told: bool| Cell {
            profit: Money::from_num(profit),
            fills: 4,
            effect: Some(Effect {
                changed,
                total,
                interval: is_told.then_some(Interval { low: total - 0.5, high: total + 0.5 }),
            }),
        };
        let none = |profit: f64| Cell { effect: None, ..cell(profit, 0, 0.0, false) };
        let worth = Worth {
            delays_ns: vec![0, 50_000, 10_000_000],
            strategies: vec![
                (
                    "slow".to_owned(),
                    vec![none(1.0), cell(0.75, 40, -0.25, true), cell(-1.0, 60, -1.75, true)],
                ),
                (
                    "odd".to_owned(),
                    vec![none(0.0), cell(0.45, 1, 0.45, false), cell(0.45, 0, 0.0, false)],
                ),
            ],
        };
        let wanted = "\
P&L               +0 ns    +50.0 us    +10.0 ms
slow          1.0000      0.7500     -1.0000
odd           0.0000      0.4500      0.4500

any latency at all: +50.0 us against none, where an order stands between prints of one instant
slow        +50.0 us    -0.2500  -0.7500 to +0.2500, 40 fills changed  ------------------------
odd         +50.0 us  1 fill changed: no effect can be told

more of it, against +50.0 us
slow        +10.0 ms    -1.7500  -2.2500 to -1.2500, 60 fills changed  ------------------------
odd         +10.0 ms  no fill changed";
        let text = worth.text();
        assert_eq!(text.replace(' ', ""), wanted.replace(' ', ""), "{text}");
        let json = worth.json();
        let odd = &json["strategies"][1]["delays"][1];
        assert_eq!((&odd["pnl"], &odd["effect"]), (&Value::from("0.4500000000"), &Value::Null));
        assert_eq!((&odd["changed_fills"], &odd["against_ns"]), (&Value::from(1), &Value::from(0)));
        let mut still = worth;
        still.strategies.truncate(2);
        for (_, cells) in &mut still.strategies {
            *cells = vec![none(0.0), cell(0.0, 0, 0.0, false), cell(0.0, 0, 0.0, false)];
        }
        assert!(still.text().ends_with("no fill depends on these delays"));
    }
}
