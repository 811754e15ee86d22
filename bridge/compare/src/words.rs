//! A judged table in words, for the terminal and for the page.

use paperwire_core::random::exp;
use paperwire_lab::estimate::Interval;
use paperwire_lab::judge::Row;
use paperwire_lab::number::float;
use paperwire_lab::verdict::{Verdict, one_digit};

/// What more of would tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Fresh processes on one tape.
    Process,
    /// Fresh sessions.
    Session,
    /// Tapes.
    Tape,
    /// Parts of a window.
    Part,
}

impl Unit {
    /// The plural.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Process => "processes",
            Self::Session => "sessions",
            Self::Tape => "tapes",
            Self::Part => "parts",
        }
    }
}

/// The rates that were seen: what is missing is timed by them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// What is repeated.
    pub unit: Unit,
    /// Seconds that one of them takes.
    pub unit_s: Option<f64>,
    /// Calls of a strategy in a second of the market.
    pub calls_per_s: Option<f64>,
}

/// What a verdict holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This build, this host, this tape, at full speed.
    Tape,
    /// This build, this host, tapes like these, at full speed.
    Tapes,
    /// This build, this host, sessions like these.
    Sessions,
    /// One run.
    Run,
}

impl Scope {
    /// In words, at the beginning of a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Tape => "of this build, on this host, on this tape, called back to back",
            Self::Tapes => "of this build, on this host, on tapes like these, called back to back",
            Self::Sessions => {
                "of this build, on this host, in sessions like these, called as events came"
            }
            Self::Run => "in this run, called as events came",
        }
    }
}

/// The verdict of a cell.
pub fn verdict(of: Verdict, pace: &Pace, detect: f64) -> String {
    match of {
        Verdict::Slower => "slower".to_owned(),
        Verdict::Faster => "faster".to_owned(),
        Verdict::NoDifference => format!("no difference of {} % or more", percent(detect)),
        Verdict::TooClose => "too close to tell here".to_owned(),
        Verdict::Withheld => "withheld: this host makes a difference of nothing".to_owned(),
        Verdict::NotEnough(more) => {
            let time = pace.unit_s.map(|each| in_brackets(float(more) * each));
            let (more, time) = (grouped(more), time.unwrap_or_default());
            format!("not enough: about {more} more {}{time}", pace.unit.plural())
        }
        Verdict::FewCalls(missing) => {
            let missing = one_digit(float(missing));
            let rate = pace.calls_per_s.filter(|rate| *rate > 0.0);
            let time = rate.map(|rate| in_brackets(float(missing) / rate)).unwrap_or_default();
            let place = match pace.unit {
                Unit::Process | Unit::Tape => " in this tape",
                Unit::Session => " in a session",
                Unit::Part => " yet",
            };
            format!("not enough calls{place}: about {} more{time}", grouped(missing))
        }
        Verdict::Dependent => {
            "not enough: neighbouring parts move together, a longer window may tell".to_owned()
        }
    }
}

/// What is still to be done to tell, where anything is: the number and what it counts.
pub const fn missing(of: Verdict, pace: &Pace) -> Option<(u64, &'static str)> {
    match of {
        Verdict::NotEnough(more) => Some((more, pace.unit.plural())),
        Verdict::FewCalls(calls) => Some((calls, "calls")),
        _ => None,
    }
}

fn in_brackets(seconds: f64) -> String {
    format!(" ({})", about(seconds))
}

/// A length of time to one digit, in the unit that people would use.
pub fn about(seconds: f64) -> String {
    let units = [(60.0, 1.0, "s"), (3_600.0, 60.0, "min"), (86_400.0, 3_600.0, "h")];
    let fits = units.iter().find(|(below, ..)| seconds < *below);
    let (divisor, name) = fits.map_or((86_400.0, "days"), |(_, divisor, name)| (*divisor, *name));
    format!("{} {name}", grouped(one_digit(seconds / divisor)))
}

/// What a table says, as one sentence without its end.
pub fn sentence(rows: &[Row], [a, b]: [&str; 2], detect: f64) -> String {
    let mut parts: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| matches!(row.verdict, Verdict::Faster | Verdict::Slower)) {
        let Some(Interval { low, high }) = row.deciding.map(ratio_of) else { continue };
        let (name, low, high) = (row.percentile.name, ratio(low), ratio(high));
        parts.push(match parts.is_empty() {
            true => format!("{b}'s {name} is {low} to {high} times that of {a}"),
            false => format!("its {name} {low} to {high} times"),
        });
    }
    let mut said = |words: String, is_meant: fn(Verdict) -> bool| {
        let names = rows.iter().filter(|row| is_meant(row.verdict)).map(|row| row.percentile.name);
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            parts.push(words.replace("{}", &names.join(", ")));
        }
    };
    said(format!("no difference of {} % or more at {{}}", percent(detect)), |of| {
        of == Verdict::NoDifference
    });
    said("too close to tell at {}".to_owned(), |of| of == Verdict::TooClose);
    said("not enough for {}".to_owned(), |of| {
        matches!(of, Verdict::NotEnough(_) | Verdict::FewCalls(_) | Verdict::Dependent)
    });
    said(
        "withheld at {}, where a strategy differs from itself: `paperwire doctor` says what to mend"
            .to_owned(),
        |of| of == Verdict::Withheld,
    );
    parts.join("; ")
}

/// Ratios from logarithms.
pub fn ratio_of(of: Interval) -> Interval {
    Interval { low: exp(of.low), high: exp(of.high) }
}

/// Three decimals around 1, where they matter.
pub fn ratio(of: f64) -> String {
    match of {
        _ if of < 10.0 => format!("{of:.3}"),
        _ if of < 100.0 => format!("{of:.1}"),
        _ => format!("{of:.0}"),
    }
}

/// An interval of logarithms as ratios.
pub fn range(of: Interval) -> String {
    let Interval { low, high } = ratio_of(of);
    format!("{} to {}", ratio(low), ratio(high))
}

/// A share in percent, with a decimal where it matters.
pub fn percent(share: f64) -> String {
    let text = format!("{:.1}", 100.0 * share);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// 1234567 as 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use paperwire_lab::percentile::Percentile;

    const PACE: Pace = Pace { unit: Unit::Process, unit_s: Some(0.6), calls_per_s: Some(17_000.0) };

    #[test]
    fn what_is_missing_is_said_to_one_digit_with_the_time_it_takes_at_the_rate_seen() {
        let said = |of, pace: Pace| verdict(of, &pace, 0.1);
        assert_eq!(
            said(Verdict::NotEnough(40), PACE),
            "not enough: about 40 more processes (30 s)"
        );
        assert_eq!(
            said(Verdict::FewCalls(6_778_556), PACE),
            "not enough calls in this tape: about 7,000,000 more (7 min)"
        );
        let part = Pace { unit: Unit::Part, unit_s: Some(30.0), calls_per_s: None };
        assert_eq!(said(Verdict::NotEnough(9), part), "not enough: about 9 more parts (5 min)");
        assert_eq!(said(Verdict::FewCalls(12), part), "not enough calls yet: about 20 more");
        assert_eq!(said(Verdict::NoDifference, PACE), "no difference of 10 % or more");
        for (seconds, words) in
            [(0.2, "1 s"), (59.0, "60 s"), (61.0, "2 min"), (5_000.0, "2 h"), (1e6, "20 days")]
        {
            assert_eq!(about(seconds), words);
        }
    }

    #[test]
    fn a_sentence_says_every_row_once() {
        let row = |at: usize, verdict, low: f64| Row {
            deciding: Some(Interval { low, high: low + 0.1 }),
            ..Row::empty(Percentile::ALL[at], verdict)
        };
        let rows = [
            row(0, Verdict::Slower, 0.2),
            row(1, Verdict::NoDifference, 0.0),
            row(2, Verdict::NotEnough(4), 0.0),
            row(3, Verdict::FewCalls(4), 0.0),
        ];
        assert_eq!(
            sentence(&rows, ["a", "b"], 0.1),
            "b's p50 is 1.221 to 1.350 times that of a; no difference of 10 % or more at p90; not enough for \
             p99, p99.9"
        );
    }
}
