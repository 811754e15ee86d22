//! Which keys are secret, and what is shown of them and of addresses.

use paperwire_core::secret::{MASK, Secret, has_credentials, masked_url};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::ConfigError;
use super::value::wrong;

/// Keys that are never shown, logged or recorded.
const SECRETS: [(&str, &str); 4] = [
    ("dashboard", "token"),
    ("alerts", "webhook_url"),
    ("alerts", "discord_url"),
    ("alerts", "telegram_token"),
];

/// Puts a mask over every secret that is set, and over what opens an address anywhere in the tree.
pub(super) fn mask(tree: &mut Table) {
    for (section, key) in SECRETS {
        let value = tree.get_mut(section).and_then(|section| section.get_mut(key));
        if let Some(Value::String(text)) = value.filter(|value| value.as_str() != Some("")) {
            MASK.clone_into(text);
        }
    }
    tree.iter_mut().for_each(|(_, value)| mask_addresses(value));
}

fn mask_addresses(value: &mut Value) {
    match value {
        // A database is named by its user; `history` refuses an address with a password.
        Value::String(text) if !text.starts_with("postgres") => *text = masked_url(text),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| mask_addresses(value)),
        Value::Array(values) => values.iter_mut().for_each(mask_addresses),
        _ => {}
    }
}

/// Reads a secret key. Whatever is wrong with it, its value is not part of the message.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    match Value::deserialize(from) {
        Ok(Value::String(text)) => Ok(Secret::new(text)),
        _ => Err(D::Error::custom("expected a text in quotes")),
    }
}

/// Refuses an address with a user or a password in it: nobody sends them, and every log would show them.
pub(super) fn no_login(key: &str, url: &str) -> Result<(), ConfigError> {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    if has_credentials(place) {
        let expected = "user and password in an address are not sent; leave them out";
        return Err(wrong(key, &masked_url(url), expected));
    }
    Ok(())
}

/// The base of an interface, without anything secret in it; `None` when it is empty.
pub(super) fn plain_address(key: &str, url: String) -> Result<Option<String>, ConfigError> {
    no_login(key, &url)?;
    if url.contains(['?', '#']) {
        return Err(wrong(key, &masked_url(&url), "expected an address without a query"));
    }
    if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
        return Err(wrong(key, &url, "expected https://... or http://..., or nothing"));
    }
    Ok(Some(url).filter(|url| !url.is_empty()))
}
