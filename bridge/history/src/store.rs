//! The store as the rest of the room sees it: one trait, two backends, and how one is opened.
//!
//! Calls wait for the disk or the network, so only threads that may wait make them. Writing is one call,
//! [`Store::commit`]: a whole [`Batch`] or nothing of it, and the same batch again changes nothing.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;

use paperwire_core::bar::Timeframe;
use paperwire_core::secret::{MASK, Secret};
use paperwire_core::time::ExchNs;

use crate::model::{Batch, Candle, Extent, FillRow, Gap, Listed, Print, Scale, Span, Written};

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not there, is locked or full: the same call may work later.
    #[error("{place}: {why}; it is tried again, nothing is lost meanwhile")]
    Away {
        /// The database.
        place: String,
        /// The system's reason.
        why: String,
    },
    /// The address is of no kind that is known.
    #[error("{0}: expected a path, sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Address(String),
    /// A newer program wrote it.
    #[error("{place} has migration {found}, this program knows {known}: use a newer program")]
    Newer {
        /// The database.
        place: String,
        /// The newest migration applied.
        found: i64,
        /// The newest migration known.
        known: i64,
    },
    /// A number does not fit at the scale that would be needed.
    #[error(
        "{symbol}: {price} decimals of price and {qty} of quantity do not fit 63 bits beside what \
         is stored; import it into a database of its own"
    )]
    Scale {
        /// Which symbol.
        symbol: String,
        /// Wanted decimals of prices.
        price: u8,
        /// Wanted decimals of quantities.
        qty: u8,
    },
    /// No such symbol.
    #[error("{0} is not stored; `paperwire history stats` lists what is")]
    Unknown(String),
    /// The file is damaged: nothing can be written into it any more.
    #[error(
        "{place} is damaged ({why}); `paperwire history repair` saves what can be read into a new file and keeps this one beside it"
    )]
    Damaged {
        /// The database.
        place: String,
        /// Its words.
        why: String,
    },
    /// The database does not do what is asked of it, whatever the rows are.
    #[error("{place}: {why}; `paperwire history migrate` checks the tables")]
    Unusable {
        /// The database.
        place: String,
        /// Its words.
        why: String,
    },
    /// The database refuses these rows.
    #[error("{place} refuses rows: {why}")]
    Refused {
        /// The database.
        place: String,
        /// Its words.
        why: String,
    },
}

impl StoreError {
    /// True when the same call may work later.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// True when the rows are at fault and not the database: others would be written.
    pub const fn is_of_rows(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Scale { .. })
    }

    /// Numbers of this scale do not fit beside what is stored.
    pub(crate) fn too_fine(symbol: &str, scale: Scale) -> Self {
        Self::Scale { symbol: symbol.to_owned(), price: scale.price, qty: scale.qty }
    }
}

/// Takes rows one by one until it has enough.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Which end to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// How many rows of each kind there are, over all symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Executions on paper.
    pub fills: u64,
    /// Marks of accounts.
    pub equity: u64,
    /// Intervals of histograms.
    pub latency: u64,
}

/// A database with history in it.
pub trait Store: Send + fmt::Debug {
    /// Where it is, without a password.
    fn place(&self) -> &str;

    /// What happened to the database since the last commit that the user should know.
    fn take_notice(&mut self) -> Option<String> {
        None
    }

    /// What this database cannot do that another one could; empty when it can do everything.
    fn lacks(&self) -> Vec<String>;

    /// Brings the tables up to date; names what was done. Again, it does nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn migrate(&mut self) -> Result<Vec<String>, StoreError>;

    /// Writes a batch in one transaction. Numbers may be at any scale: where the store's is coarser, what
    /// is stored is made finer first.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    fn commit(&mut self, batch: &Batch) -> Result<Written, StoreError>;

    /// What is stored, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn symbols(&mut self) -> Result<Vec<Listed>, StoreError>;

    /// Bars stored under exactly this timeframe that begin in `span`, at the store's scale, at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn candles(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        order: Order,
        limit: usize,
        each: Each<'_, Candle>,
    ) -> Result<(), StoreError>;

    /// Longer bars that the database itself makes of the minutes, oldest first; `false` when it does not.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rolled_up(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        each: Each<'_, Candle>,
    ) -> Result<bool, StoreError>;

    /// Start of the first and of the last longer bar that the database itself keeps; they may be older than
    /// all minutes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn rolled_up_ends(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
    ) -> Result<Option<(ExchNs, ExchNs)>, StoreError> {
        let _ = (symbol, timeframe);
        Ok(None)
    }

    /// Prints in `span`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn prints(
        &mut self,
        symbol: &str,
        span: Span,
        limit: usize,
        each: Each<'_, Print>,
    ) -> Result<(), StoreError>;

    /// First, last and number of the bars stored under exactly this timeframe.
    ///
    /// # Errors
    /// [`StoreError`].
    fn extent(&mut self, symbol: &str, timeframe: Timeframe) -> Result<Option<Extent>, StoreError>;

    /// First, last and number of the prints.
    ///
    /// # Errors
    /// [`StoreError`].
    fn extent_of_prints(&mut self, symbol: &str) -> Result<Option<Extent>, StoreError>;

    /// Times between stored bars that lack one or more, and runs of incomplete ones, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn holes(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
    ) -> Result<Vec<Span>, StoreError>;

    /// Known gaps of a symbol, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn gaps(&mut self, symbol: &str) -> Result<Vec<Gap>, StoreError>;

    /// Where something stands.
    ///
    /// # Errors
    /// [`StoreError`].
    fn checkpoint(&mut self, key: &str) -> Result<Option<String>, StoreError>;

    /// Executions of one session, by number; of all sessions when it is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    fn fills(&mut self, session: &str, each: Each<'_, FillRow>) -> Result<(), StoreError>;

    /// How many rows of other kinds there are.
    ///
    /// # Errors
    /// [`StoreError`].
    fn totals(&mut self) -> Result<Totals, StoreError>;

    /// The scale of a symbol.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] when it is not stored.
    fn scale(&mut self, symbol: &str) -> Result<Scale, StoreError> {
        let symbols = self.symbols()?;
        let found = symbols.iter().find(|listed| listed.symbol == symbol);
        found.map(|listed| listed.scale).ok_or_else(|| StoreError::Unknown(symbol.to_owned()))
    }

    /// Makes the longer bars of a time again, where the database keeps them by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    fn refresh(&mut self, span: Span) -> Result<(), StoreError> {
        let _ = span;
        Ok(())
    }
}

/// How long a database keeps what it has; zero is for ever. Only TimescaleDB forgets by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days of prints.
    pub trades_days: u32,
    /// Days of one-minute bars.
    pub minutes_days: u32,
    /// Days of bars of five minutes to one hour.
    pub intraday_days: u32,
    /// Prints and bars older than this are compressed.
    pub compress_after_days: u32,
}

impl Retention {
    /// Everything is kept and compressed after a week.
    pub const KEEP: Self =
        Self { trades_days: 0, minutes_days: 0, intraday_days: 0, compress_after_days: 7 };
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Secret),
}

impl Address {
    /// Reads a path, `sqlite:PATH` or `postgres://...`.
    ///
    /// # Errors
    /// [`StoreError::Address`].
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains("://") {
            return Err(StoreError::Address(masked(text)));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => f.write_str(&masked(url.reveal())),
        }
    }
}

/// An address without its password, which may stand before the host or in the query.
pub fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{user}@{host}")
        }
        None => place.to_owned(),
    };
    let one = |part: &str| match part.split_once('=') {
        Some((key, _)) if key.to_ascii_lowercase().contains("pass") => format!("{key}={MASK}"),
        _ => part.to_owned(),
    };
    let query = query.split('&').map(one).collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{place}{mark}{query}")
}
