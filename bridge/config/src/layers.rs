//! Layers of TOML laid over one another, with every key checked against the known ones.

use toml::{Table, Value};

use super::ConfigError;
use super::value::wrong;

pub(super) fn parse(text: &str, source_name: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error| ConfigError::syntax(source_name, text, &error))
}

/// A text of the environment as the TOML value it looks like, else as a string.
pub fn scalar(text: &str) -> Value {
    let line = format!("value = {text}");
    let parsed = line.parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A text of the environment or the command line for a key. Where the default of the key is a text, what is not a
/// text in quotes is taken as it stands: a token may look like a number.
pub(super) fn value_of(known: &Table, dotted: &str, text: &str) -> Value {
    let mut keys = dotted.split('.');
    let first = keys.next().and_then(|key| known.get(key));
    let default = keys.fold(first, |at, key| at?.get(key));
    match scalar(text) {
        value if value.is_str() || !default.is_some_and(Value::is_str) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// `a.b = value` as nested tables.
pub(super) fn nest(dotted: &str, value: Value) -> Table {
    let (head, rest) = match dotted.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (dotted, None),
    };
    let value = match rest {
        Some(rest) => Value::Table(nest(rest, value)),
        None => value,
    };
    Table::from_iter([(head.to_owned(), value)])
}

/// Lays `over` on `base`; keys must exist in `known`, except where names are
/// the user's: strategies and assets.
pub(super) fn merge(
    base: &mut Table,
    over: Table,
    known: &Table,
    at: &str,
    source_name: &str,
) -> Result<(), ConfigError> {
    for (key, value) in over {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let is_strategy = at == "strategy" || at.starts_with("strategy.");
        let is_free = is_strategy || at == "account.starting_assets";
        if !is_free && !known.contains_key(&key) {
            let nearest = known
                .keys()
                .max_by(|a, b| {
                    strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key))
                })
                .filter(|name| strsim::jaro_winkler(name, &key) > 0.7)
                .map(|name| if at.is_empty() { name.clone() } else { format!("{at}.{name}") });
            let source_name = source_name.to_owned();
            return Err(ConfigError::UnknownKey { source_name, key: path, nearest });
        }
        let below = known.get(&key).and_then(Value::as_table).cloned().unwrap_or_default();
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                merge(base, over, &below, &path, source_name)?;
            }
            (Some(Value::Table(_)), other) => {
                // The text of a value may be a secret.
                return Err(wrong(&path, &other.type_str(), "expected a table"));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    Ok(())
}
