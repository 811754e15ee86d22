//! Variables of the environment: `PAPERWIRE_TABLE__KEY`, and no other that begins so.
//!
//! A variable that is mistyped would be ignored in silence, which for `PAPERWIRE_DASHBOARD_TOKEN` means a page without
//! a token. Values are never part of a message.

use std::ffi::OsString;

use toml::{Table, Value};

use super::ConfigError;
use super::layers::{merge, nest, value_of};

/// Prefix of variables; two underscores separate table and key.
const PREFIX: &str = "PAPERWIRE_";
/// Variables that name no key: those of the tests, and those that `bridge/build.rs` sets, which cargo passes on to what
/// it runs.
const OTHERS: [&str; 5] = [
    "PAPERWIRE_CAPTURES",
    "PAPERWIRE_COMMIT",
    "PAPERWIRE_OPT_LEVEL",
    "PAPERWIRE_PROFILE",
    "PAPERWIRE_TIMESCALE_URL",
];

/// Lays what the environment says over `tree`.
pub(super) fn lay_over(
    tree: &mut Table,
    known: &Table,
    env: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    let mut ours: Vec<(String, OsString)> = env
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text)))
        .filter(|(name, _)| name.to_ascii_uppercase().starts_with(PREFIX))
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
        .collect();
    // The system gives them in no order, and the first mistake should be the same each time.
    ours.sort();
    for (name, text) in ours {
        let Some(key) = name.strip_prefix(PREFIX).filter(|key| key.contains("__")) else {
            let nearest = nearest(&name, known);
            return Err(ConfigError::UnknownVariable { name, nearest });
        };
        let Ok(text) = text.into_string() else {
            return Err(ConfigError::NotText { name });
        };
        let dotted = key.to_ascii_lowercase().replace("__", ".");
        merge(tree, nest(&dotted, value_of(known, &dotted, &text)), known, "", &name)?;
    }
    Ok(())
}

/// The variable of a known key that looks most like `name`.
fn nearest(name: &str, known: &Table) -> Option<String> {
    let name = name.to_ascii_uppercase();
    let mut all = Vec::new();
    variables(known, PREFIX, &mut all);
    let likeness = |of: &String| strsim::jaro_winkler(of, &name);
    all.into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|best| likeness(best) > 0.8)
}

fn variables(table: &Table, before: &str, all: &mut Vec<String>) {
    for (key, value) in table {
        let name = before.to_owned() + &key.to_ascii_uppercase();
        match value {
            Value::Table(below) if !below.is_empty() => variables(below, &(name + "__"), all),
            _ => all.push(name),
        }
    }
}
