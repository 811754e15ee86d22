//! What a session reads of the past before it begins. The store itself is the crate `paperwire-history`; nothing here
//! is called by a thread that trades.

pub mod fetch;
pub mod warm;

use paperwire_config::Config;
use paperwire_history::store::{Address, Store};
use paperwire_replay::error::RunError;

/// Nanoseconds of a day.
pub const DAY_NS: i64 = 86_400_000_000_000;

/// Opens the configured store, or the one at `url`.
///
/// # Errors
/// [`RunError`].
pub fn open(config: &Config, url: Option<&str>) -> Result<Box<dyn Store>, RunError> {
    let address = Address::parse(url.unwrap_or(&config.history.url))?;
    Ok(address.open(config.history.retention)?)
}

/// The name under which a pair of a source is stored: that of Kraken as it is, another's with the source before
/// it, so that a made-up market is never taken for the real one.
pub fn stored_name(source: &str, symbol: &str) -> String {
    match source {
        "kraken" => symbol.to_owned(),
        "exchange" => format!("exchange:{symbol}"),
        url => {
            let host = url.split("://").last().unwrap_or(url);
            let host = host.split(['/', ':']).next().unwrap_or(host);
            format!("{host}:{symbol}")
        }
    }
}
