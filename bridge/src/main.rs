//! The `paperwire` command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use clap::{Args, Parser, Subcommand};
use paperwire_bridge::bench::{self, Asked, BenchOptions};
use paperwire_bridge::compare::{self, CompareOptions};
use paperwire_bridge::config::Config;
use paperwire_bridge::doctor::{self, Letter};
use paperwire_bridge::history;
use paperwire_bridge::run::{self, RunError, RunOptions};
use paperwire_bridge::terminal::Terminal;
use paperwire_bridge::{commands, replay, trust, venue, worth};
use paperwire_rt::alloc_guard::GuardedAlloc;
use toml::Value;

/// Counts what warm threads allocate: `hot_allocs_total` in every report.
#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;

/// Paper-trades strategies against Kraken's live order book and says which one is slow.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trade on paper (what happens without a command).
    Run(RunArgs),
    /// Run recorded sessions or captures again.
    Replay(ReplayArgs),
    /// What a microsecond is worth: a tape again, with orders that travel longer and longer.
    Worth(WorthArgs),
    /// Compare the latency tails of two strategies on the same ticks.
    Compare(CompareArgs),
    /// Measure latencies under planned load from the built-in exchange, at given rates.
    Bench(BenchArgs),
    /// Serve the built-in exchange by itself.
    Exchange(ExchangeArgs),
    /// Check or show the configuration.
    Config(ConfigArgs),
    /// List, describe or create strategies.
    Strategies(StrategiesArgs),
    /// Import, fill, export and read stored bars and trades.
    History(HistoryArgs),
    /// Check what this machine does to the tail of your latencies, and how to mend it.
    Doctor(DoctorArgs),
}

#[derive(Clone, Debug, Default, Args)]
struct Layers {
    /// Configuration file; see config/default.toml for every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any key of the configuration, for example --set feed.depth=100 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

#[derive(Clone, Debug, Default, Args)]
struct RunArgs {
    #[command(flatten)]
    layers: Layers,
    /// "exchange" (built in), "kraken", or an address wss://...
    #[arg(long)]
    source: Option<String>,
    /// Pairs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Strategies, separated by commas; name#label for further instances.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// How long: 90s, 15m, 8h; without it until stopped.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Capital of every strategy.
    #[arg(long)]
    capital: Option<String>,
    /// Seed of the built-in exchange.
    #[arg(long)]
    seed: Option<u32>,
    /// Refuse strategies that were not trusted as they are; see `strategies trust`.
    #[arg(long)]
    strict: bool,
    /// Record the session to this tape.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write an HdrHistogram log of every stage and strategy into this folder.
    #[arg(long, value_name = "DIR")]
    hdr: Option<PathBuf>,
    /// Serve no page.
    #[arg(long)]
    no_dashboard: bool,
    /// Print the final report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ReplayArgs {
    #[command(flatten)]
    layers: Layers,
    /// Tapes, or captures: lines of receive time in ns, a tab, the frame.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Strategies instead of the recorded ones.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// "max", or a multiple of the recorded speed such as 1x.
    #[arg(long, default_value = "max")]
    speed: String,
    /// Fail unless the digest is that of the recorded session.
    #[arg(long)]
    verify: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Says at which percentiles B is faster or slower than A, with an interval, against the floor that a
/// second instance of A sets, and when there is not enough data to say it.
#[derive(Clone, Debug, Args)]
struct CompareArgs {
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

#[derive(Clone, Debug, Args)]
struct WorthArgs {
    #[command(flatten)]
    layers: Layers,
    /// A tape.
    file: PathBuf,
    /// How much longer orders and cancellations take to the venue, separated by commas.
    #[arg(long, value_delimiter = ',', default_values = worth::DELAYS)]
    delays: Vec<String>,
    /// Strategies instead of the recorded ones.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Frames are sent at planned instants whatever the reader does, and each response is counted from its
/// frame's instant: a stall shows in every frame behind it.
#[derive(Clone, Debug, Args)]
struct BenchArgs {
    #[command(flatten)]
    layers: Layers,
    /// Frames a second, separated by commas: 500, 10k, 2.5k, 1m, or "recorded".
    #[arg(long, value_delimiter = ',', default_value = "1k,10k,50k,100k,recorded")]
    rates: Vec<String>,
    /// Measured seconds per rate, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Pairs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Strategies, separated by commas; name#label for further instances.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// Plain sockets instead of TLS.
    #[arg(long)]
    plain: bool,
    /// Count responses from the read that fetched a frame, not from its intended send time: what the
    /// program takes, waits before it forgiven.
    #[arg(long)]
    from_read: bool,
    /// Send from the feed's own thread, between its reads: two cores are then enough for two threads that spin.
    #[arg(long, requires = "from_read")]
    inline_load: bool,
    /// Write an HdrHistogram log per rate into this folder.
    #[arg(long, value_name = "DIR")]
    hdr: Option<PathBuf>,
    /// Where runs are kept, each with its host.
    #[arg(long, value_name = "DIR", default_value = "data/bench")]
    store: PathBuf,
    /// Show ratios to this stored run: a file, or "latest".
    #[arg(long, value_name = "RUN")]
    against: Option<String>,
    /// Compare with a run of another host, too.
    #[arg(long, requires = "against")]
    across_hosts: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ExchangeArgs {
    #[command(flatten)]
    layers: Layers,
    /// WebSocket port; 0 takes any free one.
    #[arg(long, default_value_t = 8443)]
    ws_port: u16,
    /// REST port; 0 takes any free one.
    #[arg(long, default_value_t = 8088)]
    rest_port: u16,
    /// Plain ws:// instead of TLS.
    #[arg(long)]
    plain: bool,
    /// Seed of the market.
    #[arg(long)]
    seed: Option<u32>,
    /// Intensity of the market; 1 is that of the captured one.
    #[arg(long)]
    rate: Option<f64>,
    /// Script of faults.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Write the TLS certificate here, in PEM, for clients to trust.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
struct ConfigArgs {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Clone, Debug, Subcommand)]
enum ConfigAction {
    /// Say whether the configuration and its strategies are usable.
    Check(Layers),
    /// Print the effective configuration with its hash.
    Print(Layers),
}

#[derive(Clone, Debug, Args)]
struct StrategiesArgs {
    #[command(subcommand)]
    action: StrategiesAction,
}

#[derive(Clone, Debug, Subcommand)]
enum StrategiesAction {
    /// Every strategy of this binary.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Parameters, symbols and warm-up of one strategy.
    Describe {
        /// Its name.
        name: String,
    },
    /// Compare strategies with what was trusted; fails when one is not.
    Verify {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Trust strategies as they are now, after reading them.
    Trust {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Write a working strategy to start from.
    New {
        /// Lower snake case.
        name: String,
    },
}

#[derive(Clone, Debug, Args)]
struct HistoryArgs {
    #[command(flatten)]
    layers: Layers,
    #[command(flatten)]
    common: history::cli::Common,
    #[command(subcommand)]
    action: history::cli::Action,
}

/// It changes nothing: commands are printed, never run. Readings that need root say so.
#[derive(Clone, Debug, Args)]
struct DoctorArgs {
    #[command(flatten)]
    layers: Layers,
    /// Seconds that the noise test spins on the pinned cores, 0 to 3600; 0 leaves it out.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    noise: u64,
    /// Fail (exit code 1) unless the grade is this or better: A to F.
    #[arg(long, value_name = "GRADE")]
    require: Option<Letter>,
    /// Print the fixes as a commented shell script.
    #[arg(long, conflicts_with = "json")]
    fix_script: bool,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let run_args = cli.run;
    let result = match cli.command.unwrap_or(Command::Run(run_args)) {
        Command::Run(args) => run_command(&args),
        Command::Replay(args) => replay_command(&args),
        Command::Worth(args) => worth_command(&args),
        Command::Compare(args) => compare_command(args),
        Command::Bench(args) => bench_command(&args),
        Command::Exchange(args) => exchange_command(&args),
        Command::Config(args) => config_command(&args),
        Command::Strategies(args) => strategies_command(&args),
        Command::History(args) => history_command(&args),
        Command::Doctor(args) => doctor_command(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Terminal::new(false).error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

type Overrides = Vec<(String, Value)>;

fn sets(layers: &Layers) -> Result<Overrides, RunError> {
    let set = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            RunError::Config(format!("--set {text}: expected KEY=VALUE, such as feed.depth=100"))
        })?;
        let parsed = format!("value = {value}").parse::<toml::Table>().ok();
        let value = parsed
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Ok((key.to_owned(), value))
    };
    layers.sets.iter().map(set).collect()
}

fn load(layers: &Layers, mut overrides: Overrides) -> Result<Config, RunError> {
    overrides.extend(sets(layers)?);
    Config::load(layers.config.as_deref(), std::env::vars(), &overrides)
        .map_err(|error| RunError::Config(error.to_string()))
}

fn list(names: &[String]) -> Value {
    Value::Array(names.iter().map(|name| Value::String(name.trim().to_owned())).collect())
}

fn run_command(args: &RunArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    let mut set = |key: &str, value: Value| overrides.push((key.to_owned(), value));
    if let Some(source) = &args.source {
        set("session.source", Value::String(source.clone()));
    }
    if !args.symbols.is_empty() {
        set("session.symbols", list(&args.symbols));
    }
    if !args.strategies.is_empty() {
        set("session.strategies", list(&args.strategies));
    }
    if let Some(duration) = &args.duration {
        set("session.duration_s", Value::Integer(commands::seconds_of(duration)?));
    }
    if let Some(capital) = &args.capital {
        set("account.capital", Value::String(capital.clone()));
    }
    if let Some(seed) = args.seed {
        set("session.seed", Value::Integer(seed.into()));
    }
    let config = load(&args.layers, overrides)?;
    let options = RunOptions {
        record: args.record.clone(),
        hdr: args.hdr.clone(),
        json: args.json,
        console: true,
        has_page: !args.no_dashboard,
        has_history: true,
        strict: args.strict.then(|| PathBuf::from(trust::LOCK)),
        blocks: None,
    };
    let stop = Arc::new(AtomicU32::new(0));
    run::run(&config, &options, &stop, &mut Terminal::new(false))
}

fn replay_command(args: &ReplayArgs) -> Result<(), RunError> {
    let mut overrides = sets(&args.layers)?;
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let given = load(&args.layers, overrides.clone())?;
    let options =
        replay::ReplayOptions { speed: commands::speed_of(&args.speed)?, verify: args.verify };
    let mut terminal = Terminal::new(args.json);
    let mut is_same = true;
    for file in &args.files {
        let config = replay::config_of(file, &given, &overrides)?;
        let replayed = replay::replay(file, &config, &options, &mut terminal)?;
        terminal.report(&replayed.tally, &replayed.summary, args.json);
        is_same &= replayed.is_verified != Some(false);
    }
    if is_same { Ok(()) } else { Err(RunError::Internal("a replay differs".to_owned())) }
}

fn worth_command(args: &WorthArgs) -> Result<(), RunError> {
    let delays = args.delays.iter().map(|text| worth::delay_of(text));
    let delays = delays.collect::<Result<Vec<u64>, _>>()?;
    let mut overrides = sets(&args.layers)?;
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let given = load(&args.layers, overrides.clone())?;
    let mut terminal = Terminal::new(args.json);
    let worth = worth::measure(&args.file, &given, &overrides, &delays, &mut terminal)?;
    terminal.result(&if args.json { format!("{:#}", worth.json()) } else { worth.text() });
    Ok(())
}

fn compare_command(args: CompareArgs) -> Result<(), RunError> {
    let overrides = sets(&args.layers)?;
    let given = load(&args.layers, overrides.clone())?;
    let live_s = args.live.as_deref().map(commands::seconds_of).transpose()?;
    let live_s = live_s.map(i64::unsigned_abs);
    let CompareArgs { a, b, tape, seconds_per_block, detect, json, .. } = args;
    let options = CompareOptions { a, b, tape, live_s, seconds_per_block, detect, json };
    compare::compare(&options, &given, &overrides, &mut Terminal::new(json))
}

fn bench_command(args: &BenchArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    if !args.symbols.is_empty() {
        overrides.push(("session.symbols".to_owned(), list(&args.symbols)));
    }
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let options = BenchOptions {
        rates: Asked::list(&args.rates)?,
        seconds: args.seconds,
        plain: args.plain,
        from_read: args.from_read,
        inline_load: args.inline_load,
        hdr: args.hdr.clone(),
        store: args.store.clone(),
        against: args.against.clone(),
        across_hosts: args.across_hosts,
        json: args.json,
    };
    let config = load(&args.layers, overrides)?;
    let stop = Arc::new(AtomicU32::new(0));
    bench::bench(&config, &options, &stop, &mut Terminal::new(args.json))
}

fn exchange_command(args: &ExchangeArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    if let Some(seed) = args.seed {
        overrides.push(("session.seed".to_owned(), Value::Integer(seed.into())));
    }
    if let Some(rate) = args.rate {
        overrides.push(("exchange.rate".to_owned(), Value::Float(rate)));
    }
    if let Some(faults) = &args.faults {
        let path = faults.display().to_string();
        overrides.push(("exchange.faults".to_owned(), Value::String(path)));
    }
    let config = load(&args.layers, overrides)?;
    let mut exchange = venue::exchange_config(&config)?;
    exchange.ws_port = args.ws_port;
    exchange.rest_port = args.rest_port;
    exchange.tls = !args.plain;
    commands::serve_exchange(exchange, args.certificate.as_deref(), &mut Terminal::new(false))
}

fn config_command(args: &ConfigArgs) -> Result<(), RunError> {
    let mut terminal = Terminal::new(false);
    match &args.action {
        ConfigAction::Check(layers) => {
            let config = load(layers, Overrides::new())?;
            paperwire_bridge::setup::choose(&config)?;
            terminal.result(&format!("usable, sha256 {}", config.hash()));
        }
        ConfigAction::Print(layers) => {
            let config = load(layers, Overrides::new())?;
            terminal.result(&format!("# sha256 {}\n{}", config.hash(), config.to_toml()));
        }
    }
    Ok(())
}

fn strategies_command(args: &StrategiesArgs) -> Result<(), RunError> {
    let mut terminal = Terminal::new(false);
    match &args.action {
        StrategiesAction::List { json } => terminal.result(&commands::strategies(*json)),
        StrategiesAction::Describe { name } => terminal.result(&commands::describe(name)?),
        StrategiesAction::Verify { names } => {
            let (text, all_trusted) = commands::verify(names, Path::new(trust::LOCK))?;
            terminal.result(&text);
            all_trusted?;
        }
        StrategiesAction::Trust { names } => {
            terminal.result(&commands::trust(names, Path::new(trust::LOCK))?);
        }
        StrategiesAction::New { name } => {
            let root = Path::new(".");
            terminal.result(&commands::new_strategy(name, root)?);
        }
    }
    Ok(())
}

fn history_command(args: &HistoryArgs) -> Result<(), RunError> {
    let config = load(&args.layers, Overrides::new())?;
    let mut terminal = Terminal::new(args.common.json);
    history::cli::run(&args.action, &args.common, &config, &mut terminal)
}

fn doctor_command(args: &DoctorArgs) -> Result<(), RunError> {
    let config = load(&args.layers, Overrides::new())?;
    let mut terminal = Terminal::new(args.json);
    let examination = doctor::examine(&config, args.noise, |text| terminal.progress(text));
    terminal.progress("");
    terminal.result(&match () {
        () if args.json => examination.json(),
        () if args.fix_script => doctor::script::script(&examination),
        () => doctor::text::report(&examination, terminal.width()),
    });
    match args.require {
        Some(required) if examination.grade > required => Err(RunError::Config(format!(
            "the host is graded {}, and --require asks for {required}",
            examination.grade
        ))),
        _ => Ok(()),
    }
}
