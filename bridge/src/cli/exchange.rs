//! `paperwire exchange`.

mod describe;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use clap::Args;
use paperwire_exchange::{Exchange, ExchangeConfig};
use paperwire_replay::error::RunError;
use paperwire_replay::output::{self, Stores};
use paperwire_run::venue;
use toml::Value;

use super::{CALM, Layers, Overrides, load_over};
use crate::terminal::Terminal;

#[derive(Clone, Debug, Args)]
pub(crate) struct ExchangeArgs {
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
    /// The market: "calm" (the default here), "busy" or "demo".
    #[arg(long)]
    profile: Option<String>,
    /// Factor on how often people act.
    #[arg(long)]
    rate: Option<f64>,
    /// Script of faults.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Write the TLS certificate here, in PEM, for clients to trust.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Serve nothing: measure the market and print it beside captured and published figures.
    #[arg(long)]
    describe: bool,
    /// A capture or tape to measure in the same way (repeatable).
    #[arg(long, value_name = "FILE", requires = "describe")]
    capture: Vec<PathBuf>,
    /// Minutes of the market to measure.
    #[arg(long, default_value_t = 30, requires = "describe",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// Print the description as JSON.
    #[arg(long, requires = "describe")]
    json: bool,
}

pub(crate) fn run(args: &ExchangeArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    if let Some(seed) = args.seed {
        overrides.push(("session.seed".to_owned(), Value::Integer(seed.into())));
    }
    if let Some(profile) = &args.profile {
        overrides.push(("exchange.profile".to_owned(), Value::String(profile.clone())));
    }
    if let Some(rate) = args.rate {
        overrides.push(("exchange.rate".to_owned(), Value::Float(rate)));
    }
    if let Some(faults) = &args.faults {
        let path = faults.display().to_string();
        overrides.push(("exchange.faults".to_owned(), Value::String(path)));
    }
    let config = load_over(CALM, &args.layers, overrides)?;
    let mut exchange = venue::exchange_config(&config)?;
    let mut terminal = Terminal::new(args.json);
    if args.describe {
        let (market, depth) = (&exchange.market, config.feed.depth);
        let text = describe::describe(market, depth, args.minutes, &args.capture, args.json)?;
        terminal.result(&text);
        return Ok(());
    }
    exchange.ws_port = args.ws_port;
    exchange.rest_port = args.rest_port;
    exchange.tls = !args.plain;
    let (stores, certificate) = (Stores::of(&config, None), args.certificate.as_deref());
    serve(exchange, certificate, &stores, &mut terminal)
}

/// Serves the exchange until it is stopped.
///
/// # Errors
/// [`RunError`] when it cannot start.
fn serve(
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
