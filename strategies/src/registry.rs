//! What the binary knows of a strategy, and how one is made of its parameters.

use std::fmt::Debug;

use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::strategy::{Flip, Strategy, StrategyDef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Parameters that know their ranges, and which of them may change while their strategy runs.
pub trait Validate {
    /// Keys that a running strategy reads afresh each time, so that they may change between two events. The
    /// place of a key is its number in a [`ParamChange`]. `reloadable!` writes this and [`Self::reload`].
    const RELOADABLE: &'static [&'static str] = &[];

    /// Takes a new value of one of them; false for a number without a key.
    fn reload(&mut self, _change: ParamChange) -> bool {
        false
    }

    /// Tells the first value that makes no sense.
    ///
    /// # Errors
    /// [`OutOfRange`] with its key.
    fn validate(&self) -> Result<(), OutOfRange> {
        Ok(())
    }
}

/// Inside `impl Validate`: `reloadable!(threshold: f64, cooldown_s: u64);` names the fields that may change
/// while the strategy runs.
macro_rules! reloadable {
    ($($field:ident: $kind:ty),+ $(,)?) => {
        const RELOADABLE: &'static [&'static str] = &[$(stringify!($field)),+];

        fn reload(&mut self, change: paperwire_core::command::ParamChange) -> bool {
            let mut keys = 0..;
            $(if keys.next() == Some(change.key) {
                self.$field = <$kind as $crate::registry::Reload>::of(change.value);
                return true;
            })+
            false
        }
    };
}

/// A kind of value that can be changed: a number, or true and false.
pub(crate) trait Reload {
    /// From the value of a [`ParamChange`], which was checked before it was sent.
    fn of(value: f64) -> Self;
}

impl Reload for f64 {
    fn of(value: f64) -> Self {
        value
    }
}

impl Reload for bool {
    fn of(value: f64) -> Self {
        value > 0.5
    }
}

macro_rules! reload_whole {
    ($($kind:ty),+) => {$(
        impl Reload for $kind {
            #[expect(clippy::cast_possible_truncation, reason = "within the range that was checked")]
            #[expect(clippy::cast_sign_loss, reason = "within the range that was checked")]
            fn of(value: f64) -> Self {
                value as Self
            }
        }
    )+};
}

reload_whole!(u32, u64, usize);

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The parameter, with dots for tables.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl OutOfRange {
    /// Fails unless `low <= value <= high`; not a number fails too.
    ///
    /// # Errors
    /// Itself.
    pub fn check<T: PartialOrd + Copy + Debug>(
        key: &str,
        value: T,
        low: T,
        high: T,
    ) -> Result<(), Self> {
        if low <= value && value <= high {
            return Ok(());
        }
        Err(Self {
            key: key.to_owned(),
            problem: format!("{value:?} is not within {low:?} to {high:?}"),
        })
    }

    /// Fails with `problem` unless it holds.
    ///
    /// # Errors
    /// Itself.
    pub fn require(key: &str, holds: bool, problem: &str) -> Result<(), Self> {
        if holds {
            return Ok(());
        }
        Err(Self { key: key.to_owned(), problem: problem.to_owned() })
    }
}

/// Parameters that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strategy {strategy}: parameter {key}: {problem}")]
pub struct ParamError {
    /// Whose.
    pub strategy: &'static str,
    /// The parameter, with dots for tables.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

/// No strategy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no strategy is called {name:?}; nearest: {}", nearest.join(", "))]
pub struct UnknownStrategy {
    /// The name.
    pub name: String,
    /// Names that look like it, the most similar first.
    pub nearest: Vec<&'static str>,
}

/// Names shown for an unknown one.
const NEAREST_MAX: usize = 3;

impl UnknownStrategy {
    pub(crate) fn new(name: &str, all: &[Registration]) -> Self {
        let mut nearest: Vec<&'static str> =
            all.iter().map(|registration| registration.name).collect();
        nearest.sort_by_key(|known| strsim::damerau_levenshtein(known, name));
        nearest.truncate(NEAREST_MAX);
        Self { name: name.to_owned(), nearest }
    }
}

/// A strategy of this binary.
#[derive(Debug)]
pub struct Registration {
    /// Lower snake case, as its file.
    pub name: &'static str,
    /// Semantic version of its behaviour.
    pub version: &'static str,
    /// Pairs it trades unless the configuration names others.
    pub symbols: &'static [&'static str],
    /// What an entry against its open position does unless the configuration says otherwise.
    pub flip: Flip,
    /// Closed bars it needs before its first signal.
    pub warmup: &'static [(Timeframe, u16)],
    /// SHA-256 over all its source files, in hex.
    pub sha256: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Parameters that may change while it runs; the place of a key is its number in a [`ParamChange`].
    pub reloadable: &'static [&'static str],
    make: fn(&Table) -> Result<Box<dyn Strategy>, ParamError>,
    defaults: fn() -> Table,
}

impl Registration {
    pub(crate) const fn of<S>(file: &str, sha256: &'static str, summary: &'static str) -> Self
    where
        S: StrategyDef,
        S::Params: DeserializeOwned + Serialize + Validate,
    {
        assert!(is_same(S::NAME, file), "a strategy is called like its file");
        Self {
            name: S::NAME,
            version: S::VERSION,
            symbols: S::SYMBOLS,
            flip: S::FLIP,
            warmup: S::WARMUP,
            sha256,
            summary,
            reloadable: <S::Params as Validate>::RELOADABLE,
            make: make::<S>,
            defaults: defaults::<S>,
        }
    }

    /// The strategy with these parameters; those not named keep their defaults.
    ///
    /// # Errors
    /// [`ParamError`] for a key it does not know, a wrong type or a value out of range.
    pub fn make(&self, params: &Table) -> Result<Box<dyn Strategy>, ParamError> {
        (self.make)(params)
    }

    /// Every parameter with its default.
    pub fn default_params(&self) -> Table {
        (self.defaults)()
    }
}

fn make<S>(params: &Table) -> Result<Box<dyn Strategy>, ParamError>
where
    S: StrategyDef,
    S::Params: DeserializeOwned + Serialize + Validate,
{
    let typed: S::Params = params.clone().try_into().map_err(|error: toml::de::Error| {
        let (key, problem) = first_fault::<S::Params>(params)
            .unwrap_or_else(|| (String::from("?"), first_line(&error)));
        ParamError { strategy: S::NAME, key, problem }
    })?;
    typed.validate().map_err(|OutOfRange { key, problem }| ParamError {
        strategy: S::NAME,
        key,
        problem,
    })?;
    Ok(Box::new(S::new(typed)))
}

/// Tries every leaf of the table on its own, because a reader's message need not name its key.
fn first_fault<P: DeserializeOwned>(params: &Table) -> Option<(String, String)> {
    fn leaves(table: &Table, path: &mut Vec<String>, out: &mut Vec<(Vec<String>, Value)>) {
        for (key, value) in table {
            path.push(key.clone());
            match value {
                Value::Table(inner) if !inner.is_empty() => leaves(inner, path, out),
                _ => out.push((path.clone(), value.clone())),
            }
            path.pop();
        }
    }
    let mut all = Vec::new();
    leaves(params, &mut Vec::new(), &mut all);
    all.into_iter().find_map(|(path, leaf)| {
        let nest =
            |inner: Value, key: &String| Value::Table(Table::from_iter([(key.clone(), inner)]));
        let table = path.iter().rev().fold(leaf, nest);
        let error = P::deserialize(table).err()?;
        Some((path.join("."), first_line(&error)))
    })
}

fn first_line(error: &toml::de::Error) -> String {
    error.message().lines().next().unwrap_or_default().to_owned()
}

fn defaults<S>() -> Table
where
    S: StrategyDef,
    S::Params: Serialize,
{
    Table::try_from(S::Params::default()).expect("parameters are a table of plain values")
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// `order_flow` as `OrderFlow`.
pub(crate) fn camel_case(snake: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    snake.split('_').map(word).collect()
}

#[cfg(test)]
mod tests;
