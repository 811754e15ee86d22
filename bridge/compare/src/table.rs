//! From a measurement to its tables, in the order in which somebody asks for the two.

use paperwire_lab::blocks::{Block, Blocks};
use paperwire_lab::judge::{self, Reading, Repetitions, Row};
use paperwire_lab::packed::{Grain, Packed};
use paperwire_lab::verdict::Rules;
use paperwire_replay::error::RunError;

use crate::measurement::{Measurement, Process};
use crate::plan::Kind;
use crate::words::{Pace, Scope, Unit};

/// From so many tapes on, a tape is the unit and all of them make one table.
const TAPES_POOLED: usize = 5;

/// A judged measurement.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// A and B, as they were asked for.
    pub names: [String; 2],
    /// How it was judged.
    pub rules: Rules,
    /// One of each tape, or one of all.
    pub tables: Vec<Tables>,
}

/// Service and response on one tape, or on many.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The tape, or how many of them.
    pub source: String,
    /// What the tables hold for.
    pub scope: Scope,
    /// Processes of the pair.
    pub processes: usize,
    /// Fewest calls of A and of B in a process.
    pub calls: [u64; 2],
    /// Fewest calls that were cut off the start of a process.
    pub warm_up: u64,
    /// By which what is missing is timed.
    pub pace: Pace,
    /// Work alone.
    pub service: Vec<Row>,
    /// Waiting included.
    pub response: Vec<Row>,
}

/// Judges a measurement.
///
/// # Errors
/// [`RunError::Config`] when it is of others than are asked for.
pub fn judge(of: &Measurement, asked: &[String; 2], detect: f64) -> Result<Comparison, RunError> {
    let is_swapped = match asked {
        [a, b] if [a, b] == [&of.names[0], &of.names[1]] => false,
        [a, b] if [b, a] == [&of.names[0], &of.names[1]] => true,
        _ => {
            return Err(RunError::Config(format!(
                "the measurement is of {} and {}, not of {} and {}",
                of.names[0], of.names[1], asked[0], asked[1]
            )));
        }
    };
    let step_ns = paperwire_lab::number::float(of.host.clock_step_ns);
    let rules = Rules::new(step_ns, detect);
    let tapes = of.sources.len();
    let is_pooled = tapes >= TAPES_POOLED;
    let groups: Vec<Vec<usize>> = match is_pooled {
        true => vec![(0..tapes).collect()],
        false => (0..tapes).map(|tape| vec![tape]).collect(),
    };
    let tables = groups.iter().map(|group| tables(of, group, is_swapped, &rules)).collect();
    Ok(Comparison { names: asked.clone(), rules, tables })
}

fn tables(of: &Measurement, tapes: &[usize], is_swapped: bool, rules: &Rules) -> Tables {
    let table = |measure: fn(&Block) -> &[Packed; 2]| {
        let readings = |kind: Kind| {
            let of = tapes.iter().map(|tape| {
                let all = of.of(kind, *tape);
                let read = |process: &Process| {
                    let sums = process.outcome.blocks.sums(measure);
                    Reading::of(&sums, Grain::Fine, rules.step_ns)
                };
                all.map(read).collect::<Vec<_>>()
            });
            of.filter(|tape| !tape.is_empty()).collect::<Vec<_>>()
        };
        let twins = [readings(Kind::TwinA), readings(Kind::TwinB)];
        let repetitions = Repetitions { tapes: readings(Kind::Pair), twins };
        let rows = judge::table(&repetitions, rules);
        let turned = rows.into_iter().map(|row| if is_swapped { row.swapped() } else { row });
        turned.collect::<Vec<_>>()
    };
    let pairs = || tapes.iter().flat_map(|tape| of.of(Kind::Pair, *tape));
    let least = |of: &dyn Fn(&Blocks) -> u64| {
        pairs().map(|process| of(&process.outcome.blocks)).min().unwrap_or(0)
    };
    let arm = |arm: usize| least(&move |blocks| blocks.list.iter().map(|of| of.calls()[arm]).sum());
    let mut calls = [arm(0), arm(1)];
    if is_swapped {
        calls.reverse();
    }
    let unit = match () {
        () if tapes.len() > 1 => Unit::Tape,
        () if of.is_live => Unit::Session,
        () => Unit::Process,
    };
    let source = match tapes {
        [tape] => of.sources[*tape].clone(),
        tapes => format!("{} tapes", tapes.len()),
    };
    Tables {
        source,
        scope: match unit {
            Unit::Tape => Scope::Tapes,
            Unit::Session => Scope::Sessions,
            Unit::Process | Unit::Part => Scope::Tape,
        },
        processes: pairs().count(),
        calls,
        warm_up: least(&|blocks| blocks.warm_up.into_iter().min().unwrap_or(0)),
        pace: pace(pairs(), unit, tapes.len()),
        service: table(|block| &block.service),
        response: table(|block| &block.response),
    }
}

/// The rates that were seen.
fn pace<'a>(pairs: impl Iterator<Item = &'a Process>, unit: Unit, tapes: usize) -> Pace {
    let (mut took_s, mut count, mut calls, mut seconds) = (0.0, 0u64, 0u64, 0u64);
    for Process { outcome, .. } in pairs {
        took_s += outcome.took_s;
        count += 1;
        calls += outcome.blocks.calls;
        seconds += outcome.blocks.seconds;
    }
    let float = paperwire_lab::number::float;
    let units = match unit {
        Unit::Tape => float(tapes as u64),
        Unit::Process | Unit::Session | Unit::Part => float(count),
    };
    Pace {
        unit,
        unit_s: (units > 0.0).then(|| took_s / units),
        calls_per_s: (seconds > 0).then(|| float(calls) / float(seconds)),
    }
}
