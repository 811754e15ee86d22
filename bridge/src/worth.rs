//! `paperwire worth`: what a microsecond is worth. One tape, replayed with orders that travel longer and longer.
//!
//! Everything but the time of orders and cancellations to the venue stays as recorded, so what differs between two
//! rows is what that time cost, or brought: a later fill is not always a worse one.

use std::path::Path;

use paperwire_core::num::Money;
use serde_json::{Value, json};

use crate::config::Config;
use crate::replay::{self, ReplayOptions};
use crate::run::RunError;
use crate::terminal::Terminal;

/// Delays when none are given.
pub const DELAYS: [&str; 4] = ["0", "50us", "1ms", "10ms"];
/// The venue takes at most a minute.
const DELAY_MAX_NS: u64 = 60_000_000_000;
/// Columns of the longest bar.
const BAR: usize = 24;

/// Profit of each strategy at each delay.
#[derive(Debug)]
pub struct Worth {
    /// Delays in nanoseconds, ascending.
    pub delays_ns: Vec<u64>,
    /// By strategy: its name, and by delay: profit and fills.
    pub strategies: Vec<(String, Vec<(Money, u64)>)>,
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
    terminal: &mut Terminal,
) -> Result<Worth, RunError> {
    let mut delays_ns = delays_ns.to_vec();
    delays_ns.sort_unstable();
    delays_ns.dedup();
    let mut strategies: Vec<(String, Vec<(Money, u64)>)> = Vec::new();
    for (round, delay) in delays_ns.iter().enumerate() {
        terminal.progress(&format!("{} of {}: {}", round + 1, delays_ns.len(), shown(*delay)));
        let mut overrides = overrides.to_vec();
        overrides.extend(later(*delay));
        let config = replay::config_of(tape, given, &overrides)?;
        let options = ReplayOptions { speed: None, verify: false, order_seed: None };
        let replayed = replay::replay(tape, &config, &options, &mut Terminal::new(true))?;
        let tally = replayed.tally;
        if strategies.is_empty() {
            strategies =
                tally.strategies.iter().map(|of| (of.instance.clone(), Vec::new())).collect();
        }
        for ((_, cells), row) in strategies.iter_mut().zip(&tally.accounts) {
            cells.push((row.equity - row.baseline, row.fills));
        }
    }
    terminal.progress("");
    Ok(Worth { delays_ns, strategies })
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
    format!("+{}", paperwire_core::time::DurationNs::new(delay_ns))
}

impl Worth {
    /// As a table, and under it a chart of what each delay cost against the shortest.
    pub fn text(&self) -> String {
        let name = self.strategies.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(8);
        let mut out = format!("{:<name$}", "P&L");
        for delay in &self.delays_ns {
            out += &format!("  {:>10}", shown(*delay));
        }
        for (strategy, cells) in &self.strategies {
            out += &format!("\n{strategy:<name$}");
            for (profit, _) in cells {
                out += &format!("  {profit:>10.4}");
            }
        }
        let cost = |cells: &[(Money, u64)], at: usize| (cells[at].0 - cells[0].0).to_num::<f64>();
        let columns = 1..self.delays_ns.len();
        let of = |(_, cells): &(String, Vec<(Money, u64)>)| {
            columns.clone().map(|at| cost(cells, at).abs()).fold(0.0, f64::max)
        };
        let most = self.strategies.iter().map(of).fold(0.0, f64::max);
        if most <= 0.0 {
            return out + "\n\nno strategy's profit depends on these delays";
        }
        out += &format!("\n\nagainst {}", shown(self.delays_ns[0]));
        for (strategy, cells) in &self.strategies {
            for at in columns.clone() {
                let label = if at == 1 { strategy.as_str() } else { "" };
                let change = cost(cells, at);
                #[expect(clippy::cast_possible_truncation, reason = "0 to the longest bar")]
                #[expect(clippy::cast_sign_loss, reason = "a magnitude")]
                let len = (change.abs() / most * BAR as f64).round() as usize;
                let bar = if change < 0.0 { "-" } else { "+" }.repeat(len);
                let delay = shown(self.delays_ns[at]);
                let line = format!("\n{label:<name$}  {delay:>10}  {change:>+9.4}  {bar}");
                out += line.trim_end();
            }
        }
        out
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let one = |(name, cells): &(String, Vec<(Money, u64)>)| {
            let rows = self.delays_ns.iter().zip(cells).map(|(delay_ns, (profit, fills))| {
                let pnl = crate::journal::record::money(*profit);
                json!({"delay_ns": delay_ns, "pnl": pnl, "fills": fills})
            });
            json!({"name": name, "delays": rows.collect::<Vec<_>>()})
        };
        json!({"strategies": self.strategies.iter().map(one).collect::<Vec<_>>()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_chart_shows_what_a_delay_cost_and_what_it_brought() {
        let money = Money::from_num::<f64>;
        let worth = Worth {
            delays_ns: vec![0, 50_000, 10_000_000],
            strategies: vec![
                ("slow".to_owned(), vec![(money(1.0), 4), (money(0.75), 4), (money(-1.0), 3)]),
                ("odd".to_owned(), vec![(money(0.0), 1), (money(0.0), 1), (money(0.5), 1)]),
            ],
        };
        let text = worth.text();
        let wanted = "\
P&L               +0 ns    +50.0 us    +10.0 ms
slow          1.0000      0.7500     -1.0000
odd           0.0000      0.0000      0.5000

against +0 ns
slow        +50.0 us    -0.2500  ---
            +10.0 ms    -2.0000  ------------------------
odd         +50.0 us    +0.0000
            +10.0 ms    +0.5000  ++++++";
        assert_eq!(text.replace(' ', ""), wanted.replace(' ', ""), "{text}");
        assert_eq!(worth.json()["strategies"][0]["delays"][2]["pnl"], "-1.0000000000");
        let still = Worth {
            delays_ns: vec![0, 1],
            strategies: vec![("a".to_owned(), vec![(money(0.0), 0); 2])],
        };
        assert!(still.text().ends_with("no strategy's profit depends on these delays"));
    }
}
