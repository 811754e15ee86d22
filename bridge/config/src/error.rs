//! Why a configuration is not usable. Every message names the key and what to write; none repeats a secret.

use paperwire_signals::detector::DetectorError;

/// Why the configuration is not usable. Every message names the key and what to write.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The text is not TOML. Its line is not repeated: it may hold a secret.
    #[error(
        "{source_name}, line {line}, column {column}{}: TOML parse error: {message}",
        of_key(key)
    )]
    Syntax {
        /// The file.
        source_name: String,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
        /// What stands before the line's equals sign, if there is one.
        key: Option<String>,
        /// What is wrong.
        message: String,
    },
    /// A value is of another kind than its key takes.
    #[error("configuration: {0}")]
    Kind(String),
    /// A key that does not exist.
    #[error("{source_name}: unknown key {key}{}", suggestion(nearest))]
    UnknownKey {
        /// File, variable or option.
        source_name: String,
        /// The key with its table.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A variable of the environment that names no key.
    #[error(
        "unknown variable {name}: a key is written PAPERWIRE_TABLE__KEY, with two underscores{}",
        suggestion(nearest)
    )]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The variable of a known key that looks most like it.
        nearest: Option<String>,
    },
    /// A variable of the environment that is not UTF-8.
    #[error("{name}: the value is not UTF-8 text")]
    NotText {
        /// Its name.
        name: String,
    },
    /// A value that its key does not take.
    #[error("{key} = {value}: {expected}")]
    Value {
        /// The key with its table.
        key: String,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// The detector cannot work so.
    #[error("[regime] {0}")]
    Regime(DetectorError),
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn of_key(key: &Option<String>) -> String {
    key.as_ref().map_or_else(String::new, |key| format!(" ({key})"))
}

impl ConfigError {
    /// Where and why a text is not TOML.
    pub(super) fn syntax(source_name: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or_default();
        let line_text = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
        let key = line_text.split_once('=').map(|(key, _)| key.trim().to_owned());
        let is_plain =
            |key: &String| key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-#\"".contains(&b));
        Self::Syntax {
            source_name: source_name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
            key: key.filter(is_plain),
            message: error.message().replace('\n', ", "),
        }
    }
}
