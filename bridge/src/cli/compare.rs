//! `paperwire compare`.

use std::path::PathBuf;

use clap::Args;
use paperwire_bridge::commands;
use paperwire_bridge::compare::{self, CompareOptions};
use paperwire_bridge::run::RunError;
use paperwire_bridge::terminal::Terminal;

use super::{Layers, load, sets};

/// Says at which percentiles B is faster or slower than A, with an interval, against the floor that a
/// second instance of A sets, and when there is not enough data to say it.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    layers: Layers,
    /// The strategy that is measured against: name or name#label.
    a: String,
    /// The strategy that is judged: name or name#label.
    b: String,
    /// Tape, or capture: lines of receive time in ns, a tab, the frame.
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    tape: Option<PathBuf>,
    /// Instead of a tape, a session on the configured source of 90s, 15m, 8h.
    #[arg(long, value_name = "TIME")]
    live: Option<String>,
    /// Length of the blocks that are taken for independent, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds_per_block: u64,
    /// The difference that is looked for, 1% to 1000%: "no difference" is said only where it would be found.
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = compare::share_of)]
    detect: f64,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: CompareArgs) -> Result<(), RunError> {
    let overrides = sets(&args.layers)?;
    let given = load(&args.layers, overrides.clone())?;
    let live_s = args.live.as_deref().map(commands::seconds_of).transpose()?;
    let live_s = live_s.map(i64::unsigned_abs);
    let CompareArgs { a, b, tape, seconds_per_block, detect, json, .. } = args;
    let options = CompareOptions { a, b, tape, live_s, seconds_per_block, detect, json };
    compare::compare(&options, &given, &overrides, &mut Terminal::new(json))
}
