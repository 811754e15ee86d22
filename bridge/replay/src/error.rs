//! Why a command did not do what it was asked to; the kind decides the exit code.

use paperwire_feed::start::StartError;
use paperwire_history::store::StoreError;
use paperwire_tape::TapeError;

use crate::output::OutputError;
use crate::setup::SetupError;

/// Why a run did not start or did not end well; the kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration or a symbol is wrong (exit code 1).
    #[error("{0}")]
    Config(String),
    /// No connection (exit code 2).
    #[error("{0}")]
    Connection(String),
    /// A strategy is wrong (exit code 3).
    #[error(transparent)]
    Strategy(#[from] SetupError),
    /// A file cannot be written (exit code 4).
    #[error("{0}")]
    Storage(String),
    /// A thread died, or the system has none (exit code 5).
    #[error("{0}")]
    Internal(String),
    /// The first request to stop came before the session began (exit code 130).
    #[error("stopped on request before the session began; nothing was traded")]
    Stopped,
}

impl RunError {
    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 1,
            Self::Connection(_) => 2,
            Self::Strategy(
                SetupError::Config(_) | SetupError::Numeraire(_) | SetupError::Unpriced { .. },
            ) => 1,
            Self::Strategy(_) => 3,
            Self::Storage(_) => 4,
            Self::Internal(_) => 5,
            Self::Stopped => 130,
        }
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownSymbols { .. } | StartError::Closed { .. } => {
                Self::Config(error.to_string())
            }
            StartError::Connect { .. }
            | StartError::Socket { .. }
            | StartError::NoInstruments { .. } => Self::Connection(error.to_string()),
            StartError::Stopped => Self::Stopped,
        }
    }
}

impl From<OutputError> for RunError {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Io { .. } => Self::Storage(error.to_string()),
            OutputError::Store(_) | OutputError::Folder(_) => Self::Config(error.to_string()),
        }
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Address(_) | StoreError::Unknown(_) => Self::Config(error.to_string()),
            _ => Self::Storage(error.to_string()),
        }
    }
}

impl From<TapeError> for RunError {
    fn from(error: TapeError) -> Self {
        Self::Storage(error.to_string())
    }
}
