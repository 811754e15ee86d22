//! Which strategies a person has read and trusts: a file of their fingerprints.
//!
//! A fingerprint covers every source file of a strategy, what all share, and the indicators and the core below them,
//! and is compiled into the binary, so it is the one of the code that runs. The file lies beside the configuration, not beside
//! the strategies that it vouches for.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use paperwire_strategies::Registration;
use serde::{Deserialize, Serialize};

use crate::held_file::write_whole;

/// Where trust is written down unless the configuration says otherwise.
pub const LOCK: &str = "config/strategies.lock";

const HEAD: &str = "# Strategies that were read and are trusted, by the fingerprint of all their source.\n\
                    # Written by `paperwire strategies trust`; checked by `run --strict`.\n\n";

/// Why trust cannot be told or written down. Every message names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read or written.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is not what was written.
    #[error("{}: {error}; write it again with `paperwire strategies trust`", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where and what.
        error: Box<toml::de::Error>,
    },
    /// Strategies of a strict run that are not trusted.
    #[error("not trusted: {}; read them, then: paperwire strategies trust {}", verdicts.join(", "), names.join(" "))]
    Refused {
        /// Which, and why.
        verdicts: Vec<String>,
        /// Their names.
        names: Vec<String>,
    },
}

/// What is known of a strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was trusted.
    Trusted,
    /// It was trusted when it was another.
    Changed {
        /// The version that was trusted.
        version: String,
    },
    /// It never was.
    Unknown,
}

impl Verdict {
    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Self::Trusted => "trusted".to_owned(),
            Self::Changed { version } => format!("changed since version {version} was trusted"),
            Self::Unknown => "never trusted".to_owned(),
        }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: String,
    sha256: String,
}

/// The trusted fingerprints.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Trust {
    strategies: BTreeMap<String, Entry>,
}

impl Trust {
    /// Reads the file; one that is not there trusts nobody.
    ///
    /// # Errors
    /// [`TrustError`] when it cannot be read.
    pub fn read(file: &Path) -> Result<Self, TrustError> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(TrustError::Io { file: file.to_owned(), error }),
        };
        toml::from_str(&text)
            .map_err(|error| TrustError::Syntax { file: file.to_owned(), error: Box::new(error) })
    }

    /// What is known of `strategy`.
    pub fn verdict(&self, strategy: &Registration) -> Verdict {
        match self.strategies.get(strategy.name) {
            None => Verdict::Unknown,
            Some(entry) if entry.sha256 == strategy.sha256 => Verdict::Trusted,
            Some(entry) => Verdict::Changed { version: entry.version.clone() },
        }
    }

    /// Trusts these as they are now.
    pub fn add<'a>(&mut self, strategies: impl IntoIterator<Item = &'a Registration>) {
        for strategy in strategies {
            let entry =
                Entry { version: strategy.version.to_owned(), sha256: strategy.sha256.to_owned() };
            self.strategies.insert(strategy.name.to_owned(), entry);
        }
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// [`TrustError::Io`].
    pub fn write(&self, file: &Path) -> Result<(), TrustError> {
        let io = |error| TrustError::Io { file: file.to_owned(), error };
        let text = toml::to_string(self).expect("names and texts are TOML");
        write_whole(file, (HEAD.to_owned() + &text).as_bytes()).map_err(io)
    }

    /// Refuses strategies that are not trusted.
    ///
    /// # Errors
    /// [`TrustError::Refused`] with all of them.
    pub fn require<'a>(
        &self,
        strategies: impl IntoIterator<Item = &'a Registration>,
    ) -> Result<(), TrustError> {
        let (mut verdicts, mut names) = (Vec::new(), Vec::new());
        for strategy in strategies {
            let verdict = self.verdict(strategy);
            if verdict != Verdict::Trusted && !names.iter().any(|name| name == strategy.name) {
                verdicts.push(format!("{} ({})", strategy.name, verdict.shown()));
                names.push(strategy.name.to_owned());
            }
        }
        if names.is_empty() { Ok(()) } else { Err(TrustError::Refused { verdicts, names }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_trusted_is_refused_once_a_byte_of_it_changed() {
        let folder = std::env::temp_dir().join(format!("paperwire-trust-{}", std::process::id()));
        let file = folder.join("config/strategies.lock");
        let strategy = paperwire_strategies::find("flow_pulse").unwrap();
        let mut trust = Trust::read(&file).unwrap();
        assert_eq!(trust.verdict(strategy), Verdict::Unknown);
        let refused = trust.require([strategy, strategy]).unwrap_err().to_string();
        assert!(refused.contains("flow_pulse (never trusted)"), "{refused}");
        assert!(refused.ends_with("paperwire strategies trust flow_pulse"), "{refused}");

        trust.add([strategy]);
        trust.write(&file).unwrap();
        let trust = Trust::read(&file).unwrap();
        assert!(trust.require([strategy]).is_ok());

        let text = std::fs::read_to_string(&file).unwrap();
        let first = &strategy.sha256[..1];
        let other = if first == "0" { "1" } else { "0" };
        let at = text.find(strategy.sha256).unwrap();
        let tampered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        std::fs::write(&file, tampered).unwrap();
        let verdict = Trust::read(&file).unwrap().verdict(strategy);
        assert_eq!(verdict, Verdict::Changed { version: strategy.version.to_owned() });

        std::fs::write(&file, "nonsense").unwrap();
        let error = Trust::read(&file).unwrap_err().to_string();
        assert!(error.contains("write it again with"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
