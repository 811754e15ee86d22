//! What mends a finding: parameters of the kernel's command line, a command, or advice that is no
//! command. Printed for a person to run, never run.

use std::fmt;

/// A remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Parameters for the kernel's command line; all of a report need one reboot.
    Boot(String),
    /// A shell command, as root. It lasts until the next boot unless it says otherwise.
    Shell(String),
    /// Something no command does: firmware, another machine, a setting of Paperwire.
    Advice(String),
    /// What mends it belongs to other checks, which say it themselves.
    Elsewhere(&'static str),
}

impl Fix {
    pub(super) fn boot(parameters: impl Into<String>) -> Self {
        Self::Boot(parameters.into())
    }

    pub(super) fn shell(command: impl Into<String>) -> Self {
        Self::Shell(command.into())
    }

    pub(super) fn advice(text: impl Into<String>) -> Self {
        Self::Advice(text.into())
    }

    /// A kernel parameter below `/proc/sys`, by its dotted name.
    pub(super) fn sysctl(name: &str, value: &str) -> Self {
        Self::Shell(format!("sysctl -w {name}={value}"))
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(parameters) => write!(f, "boot with {parameters}"),
            Self::Shell(text) | Self::Advice(text) => f.write_str(text),
            Self::Elsewhere(text) => f.write_str(text),
        }
    }
}

impl serde::Serialize for Fix {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
