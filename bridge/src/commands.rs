//! The small commands: durations and speeds, the exchange as a server, listing and making strategies.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use paperwire_exchange::{Exchange, ExchangeConfig};
use paperwire_strategies::Registration;
use serde_json::json;

use crate::config::DURATION_MAX_S;
use crate::output::{self, Stores};
use crate::run::RunError;
use crate::setup::SetupError;
use crate::terminal::Terminal;
use crate::trust::Trust;

/// `90s`, `15m`, `8h` or plain seconds.
///
/// # Errors
/// [`RunError::Config`] for anything else.
pub fn seconds_of(text: &str) -> Result<i64, RunError> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[split..] {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let seconds = text[..split].parse::<i64>().ok().and_then(|n| n.checked_mul(unit));
    let most = i64::try_from(DURATION_MAX_S).unwrap_or(i64::MAX);
    match seconds {
        Some(seconds) if unit > 0 && seconds <= most => Ok(seconds),
        Some(_) if unit > 0 => {
            Err(RunError::Config(format!("--duration {text}: expected ten years at most")))
        }
        _ => Err(RunError::Config(format!("--duration {text}: expected 90s, 15m or 8h"))),
    }
}

/// `max` (none), `1x`, `10x` or a plain factor.
///
/// # Errors
/// [`RunError::Config`] for anything else.
pub fn speed_of(text: &str) -> Result<Option<f64>, RunError> {
    if text == "max" {
        return Ok(None);
    }
    let factor = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
    match factor.filter(|factor| factor.is_finite() && *factor > 0.0) {
        Some(factor) => Ok(Some(factor)),
        None => Err(RunError::Config(format!("--speed {text}: expected max, 1x or 10x"))),
    }
}

/// Serves the exchange until it is stopped.
///
/// # Errors
/// [`RunError`] when it cannot start.
pub fn serve_exchange(
    config: ExchangeConfig,
    certificate: Option<&Path>,
    stores: &Stores,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| RunError::Internal(error.to_string()))?;
    runtime.block_on(async {
        let exchange = Exchange::start(config).await;
        let exchange = exchange.map_err(|error| RunError::Config(error.to_string()))?;
        if let (Some(path), Some(der)) = (certificate, exchange.certificate_der()) {
            output::write(path, pem(der), stores)?;
        }
        let (ws, rest) = (exchange.ws_url(), exchange.rest_url());
        terminal.result(&format!("WebSocket {ws}\nREST      {rest}\nstop with Ctrl-C"));
        // Without signals the process can still be killed.
        let _ = tokio::signal::ctrl_c().await;
        let stats = exchange.stats();
        terminal.result(&format!("{stats:#?}"));
        exchange.stop().await;
        Ok(())
    })
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Every strategy, a line each.
pub fn strategies(as_json: bool) -> String {
    let all = paperwire_strategies::all();
    if as_json {
        let one = |r: &paperwire_strategies::Registration| {
            json!({
                "name": r.name,
                "version": r.version,
                "sha256": r.sha256,
                "symbols": r.symbols,
                "summary": r.summary,
            })
        };
        return format!("{:#}", all.iter().map(one).collect::<serde_json::Value>());
    }
    let width = all.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for r in all {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{:<width$}  {:<8} {}  {}",
            r.name,
            r.version,
            &r.sha256[..12],
            r.summary
        );
    }
    out.trim_end().to_owned()
}

/// One strategy in full.
///
/// # Errors
/// [`RunError::Strategy`] when there is none of that name.
pub fn describe(name: &str) -> Result<String, RunError> {
    let r = paperwire_strategies::find(name).map_err(SetupError::from)?;
    let warmup: Vec<String> =
        r.warmup.iter().map(|(tf, bars)| format!("{bars} bars of {}", tf.as_str())).collect();
    let warmup = if warmup.is_empty() { "none".to_owned() } else { warmup.join(", ") };
    Ok(format!(
        "{} {}\n{}\n\nsha256   {}\nsymbols  {}\nwarm-up  {warmup}\nflip     {}: what an entry against its position does\nreload   {}: may change while it runs\n\nparameters, under [strategy.{}.params]:\n{}",
        r.name,
        r.version,
        r.summary,
        r.sha256,
        r.symbols.join(", "),
        r.flip.as_str(),
        if r.reloadable.is_empty() { "none".to_owned() } else { r.reloadable.join(", ") },
        r.name,
        r.default_params(),
    ))
}

/// Strategies by their names, or all.
fn named(names: &[String]) -> Result<Vec<&'static Registration>, RunError> {
    if names.is_empty() {
        return Ok(paperwire_strategies::all().iter().collect());
    }
    let find = |name: &String| paperwire_strategies::find(name).map_err(SetupError::from);
    Ok(names.iter().map(find).collect::<Result<_, _>>()?)
}

/// A line for each strategy with its verdict, and whether all are trusted.
///
/// # Errors
/// [`RunError::Strategy`] for an unknown name or a file that cannot be read.
pub fn verify(names: &[String], lock: &Path) -> Result<(String, Result<(), RunError>), RunError> {
    let strategies = named(names)?;
    let trust = Trust::read(lock).map_err(SetupError::from)?;
    let width = strategies.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let lines: Vec<String> = strategies
        .iter()
        .map(|r| format!("{:<width$}  {}  {}", r.name, &r.sha256[..12], trust.verdict(r).shown()))
        .collect();
    let verdict = trust.require(strategies).map_err(SetupError::from).map_err(RunError::from);
    Ok((lines.join("\n"), verdict))
}

/// Trusts strategies as they are now.
///
/// # Errors
/// [`RunError::Strategy`] for an unknown name or a file that cannot be written.
pub fn trust(names: &[String], lock: &Path) -> Result<String, RunError> {
    let strategies = named(names)?;
    let mut trust = Trust::read(lock).map_err(SetupError::from)?;
    trust.add(strategies.iter().copied());
    trust.write(lock).map_err(SetupError::from)?;
    let names: Vec<&str> = strategies.iter().map(|r| r.name).collect();
    Ok(format!("trusted in {}: {}", lock.display(), names.join(", ")))
}

/// Writes a new strategy file into the checkout at `root`.
///
/// # Errors
/// [`RunError`] when the name does not do, the folder is not there or the file exists.
pub fn new_strategy(name: &str, root: &Path) -> Result<String, RunError> {
    let text = paperwire_strategies::template(name).ok_or_else(|| {
        RunError::Config(format!("{name}: expected lower snake case, such as my_idea"))
    })?;
    let folder = root.join("strategies/src");
    if !folder.is_dir() {
        return Err(RunError::Config(
            "run this in a checkout of Paperwire: there is no strategies/src here".to_owned(),
        ));
    }
    let path = folder.join(format!("{name}.rs"));
    if path.exists() || folder.join(name).exists() {
        return Err(RunError::Config(format!("{} exists and is left alone", path.display())));
    }
    std::fs::write(&path, text)
        .map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))?;
    Ok(format!("wrote {}\ntry it:  cargo run --release -- run --strategies {name}", path.display()))
}
