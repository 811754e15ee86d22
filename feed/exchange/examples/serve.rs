//! Serves the exchange until interrupted, or for a number of seconds:
//! `serve [--plain] [--ws PORT] [--rest PORT] [--seed N] [--rate X] [--speed X] [--extra N]
//! [--faults FILE] [--pem FILE] [--no-limit] [--seconds N]`.
//!
//! Prints where it listens, then a line of counters every ten seconds. `--pem` writes the
//! certificate for clients that take a file of trusted roots.

#![expect(clippy::print_stdout, reason = "an example speaks to its terminal")]

use std::error::Error;
use std::time::Duration;

use paperwire_exchange::{Exchange, ExchangeConfig, Faults};

fn configure(
    mut args: impl Iterator<Item = String>,
) -> Result<(ExchangeConfig, Run), Box<dyn Error>> {
    let mut config = ExchangeConfig::new(1);
    let mut run = Run { pem: None, seconds: u64::MAX };
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--plain" => config.tls = false,
            "--no-limit" => config.rest_limit = None,
            "--ws" => config.ws_port = value()?.parse()?,
            "--rest" => config.rest_port = value()?.parse()?,
            "--seed" => config.market.seed = value()?.parse()?,
            "--rate" => config.market.rate = value()?.parse()?,
            "--extra" => config.market.extra_symbols = value()?.parse()?,
            "--speed" => config.speed = value()?.parse()?,
            "--faults" => config.faults = Faults::parse(&std::fs::read_to_string(value()?)?)?,
            "--pem" => run.pem = Some(value()?),
            "--seconds" => run.seconds = value()?.parse()?,
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    Ok((config, run))
}

struct Run {
    pem: Option<String>,
    seconds: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (config, run) = configure(std::env::args().skip(1))?;
    let exchange = Exchange::start(config).await?;
    println!("{} {}", exchange.ws_url(), exchange.rest_url());
    if let (Some(path), Some(der)) = (run.pem, exchange.certificate_der()) {
        std::fs::write(path, pem(der))?;
    }
    let mut passed = 0;
    while passed < run.seconds {
        let wait = 10.min(run.seconds - passed);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(wait)) => passed += wait,
            _ = tokio::signal::ctrl_c() => break,
        }
        println!("{:?}", exchange.stats());
    }
    exchange.stop().await;
    Ok(())
}

/// A certificate as PEM text.
fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, chunk) in der.chunks(3).enumerate() {
        if at > 0 && at % 16 == 0 {
            out.push('\n');
        }
        let bits = (0..3).fold(0u32, |b, i| b << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4usize {
            let digit = usize::try_from(bits >> (18 - 6 * i) & 63).unwrap_or(0);
            out.push(if i <= chunk.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    out.push_str("\n-----END CERTIFICATE-----\n");
    out
}
