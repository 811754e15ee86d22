//! `paperwire compare`.

use std::path::PathBuf;

use clap::Args;
use paperwire_compare as compare;
use paperwire_compare::{CompareOptions, process, store};
use paperwire_replay::error::RunError;

use super::{CALM, Layers, load_over, sets, spans};
use crate::terminal::Terminal;

/// Says by what factor the calls of B take longer than those of A, with an interval over fresh processes, of this
/// build, on this host, on this tape, and how much is missing where that cannot be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    layers: Layers,
    /// The strategy that is measured against: name or name#label.
    #[arg(required_unless_present = "from", requires = "b")]
    a: Option<String>,
    /// The strategy that is judged: name or name#label.
    b: Option<String>,
    /// Tape, or capture: lines of receive time in ns, a tab, the frame. Repeatable; five and more make one table.
    #[arg(long = "tape", value_name = "FILE", conflicts_with_all = ["live", "from"])]
    tapes: Vec<PathBuf>,
    /// Instead of a tape, fresh sessions on the configured source of 90s, 15m, 8h each.
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    live: Option<String>,
    /// Judge a saved measurement again.
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    from: Option<PathBuf>,
    /// Save everything that was measured.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Fresh processes of the pair, 10 to 1000; fixed before the first one starts.
    #[arg(long, value_name = "COUNT", default_value_t = compare::PROCESSES as u64,
        value_parser = clap::value_parser!(u64).range(compare::PROCESSES_MIN as u64..=compare::PROCESSES_MAX as u64))]
    processes: u64,
    /// Do not measure each strategy beside itself: a defect of the instrument would not show.
    #[arg(long)]
    no_control: bool,
    /// Who runs beside the two.
    #[arg(long, value_enum, default_value_t = Company::Alone)]
    company: Company,
    /// Length of the blocks that a process keeps, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds_per_block: u64,
    /// The difference that is looked for, 1% to 1000%: "no difference" is said only of less.
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = compare::share_of)]
    detect: f64,
    /// Seed of what is drawn for each process; drawn itself without it.
    #[arg(long, value_name = "NUMBER")]
    layout_seed: Option<u64>,
    /// Where the page finds what layout adds.
    #[arg(long, value_name = "DIR", default_value = store::FOLDER)]
    store: PathBuf,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Who runs beside the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Company {
    /// Nobody.
    Alone,
    /// The other strategies of the session, each once.
    Session,
}

pub(crate) fn run(args: CompareArgs) -> Result<(), RunError> {
    let overrides = sets(&args.layers)?;
    let given = load_over(CALM, &args.layers, overrides.clone())?;
    let live_s = args.live.as_deref().map(spans::seconds_of).transpose()?;
    let options = CompareOptions {
        names: args.a.zip(args.b).map(|(a, b)| [a, b]),
        tapes: args.tapes,
        live_s: live_s.map(i64::unsigned_abs),
        from: args.from,
        save: args.save,
        processes: usize::try_from(args.processes).expect("at most a thousand"),
        has_control: !args.no_control,
        has_company: args.company == Company::Session,
        seconds_per_block: args.seconds_per_block,
        detect: args.detect,
        seed: args.layout_seed,
        store: args.store,
        json: args.json,
    };
    let mut terminal = Terminal::new(args.json);
    let text = compare::compare(&options, &given, &overrides, &mut terminal)?;
    terminal.result(&text);
    Ok(())
}

/// One process of a comparison; what it is to do comes by standard input.
pub(crate) fn serve() -> Result<(), RunError> {
    Terminal::new(true).result(&process::serve()?);
    Ok(())
}
