//! `paperwire doctor`.

use clap::Args;
use paperwire_doctor as doctor;
use paperwire_doctor::Letter;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_replay::setup;

use super::{Layers, Overrides, load};
use crate::terminal::Terminal;

/// It changes nothing: commands are printed, never run. Readings that need root say so.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    layers: Layers,
    /// Seconds that the noise test spins on the pinned cores, 0 to 3600; 0 leaves it out.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600))]
    noise: u64,
    /// Fail (exit code 1) unless the grade is this or better: A to F.
    #[arg(long, value_name = "GRADE")]
    require: Option<Letter>,
    /// Print the fixes as a commented shell script.
    #[arg(long, conflicts_with = "json")]
    fix_script: bool,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DoctorArgs) -> Result<(), RunError> {
    let config = load(&args.layers, Overrides::new())?;
    let mut terminal = Terminal::new(args.json);
    let examination =
        doctor::examine(&setup::demands(&config), args.noise, |text| terminal.progress(text));
    terminal.progress("");
    terminal.result(&match () {
        () if args.json => examination.json(),
        () if args.fix_script => doctor::script::script(&examination),
        () => doctor::text::report(&examination, terminal.width()),
    });
    match args.require {
        Some(required) if examination.grade > required => Err(RunError::Config(format!(
            "the host is graded {}, and --require asks for {required}",
            examination.grade
        ))),
        _ => Ok(()),
    }
}
