//! The numbered migrations, as they stand in `migrations/`.

/// One step: its number and its statements.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

macro_rules! migration {
    ($number:literal, $folder:literal, $name:literal) => {
        Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $folder, "/", $name, ".sql")),
        }
    };
}

pub(crate) const SQLITE: &[Migration] = &[migration!(1, "sqlite", "0001_history")];
pub(crate) const POSTGRES: &[Migration] = &[migration!(1, "postgres", "0001_history")];
/// Where the extension is there, after [`POSTGRES`]; statement by statement, each one idempotent.
pub(crate) const TIMESCALE: &[Migration] = &[migration!(1, "timescale", "0001_hypertables")];

/// The newest of a list.
pub(crate) fn newest(of: &[Migration]) -> i64 {
    of.iter().map(|migration| migration.number).max().unwrap_or(0)
}
