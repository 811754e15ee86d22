//! The overall grade, and which fixes are worth the most.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::fix::Fix;
use super::{Finding, Grade};

/// The overall grade; `A` is the best.
///
/// | grade | failed checks | doubts |
/// |---|---|---|
/// | A | none, and the noise test was run | at most 3 |
/// | B | none | at most 10 |
/// | C | at most 2 | any |
/// | D | at most 5 | any |
/// | E | at most 9 | any |
/// | F | more, or the build (36) failed | any |
///
/// A doubt is a warning, or a check that could not be read. What the quick form leaves out (19, 20 and
/// 38) and what has no right or wrong is none; instead only the noise test earns an A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[expect(missing_docs, reason = "the table above says what each letter means")]
pub enum Letter {
    A,
    B,
    C,
    D,
    E,
    F,
}

/// Checks whose result has no right or wrong.
const RECORDED_ONLY: [u8; 7] = [15, 27, 28, 32, 35, 37, 39];

/// Checks that need the spinning threads.
const NEED_NOISE: [u8; 3] = [19, 20, 38];

/// Numbers of the checks by what mending them is worth: the size of the stall that goes away times how
/// often it comes. A debug build first, then whole milliseconds, then what comes every tick, then the rest.
const BY_VALUE: [u8; 40] = [
    36, 1, 17, 25, 16, 26, 8, 2, 4, 11, 14, 13, 3, 20, 19, 38, 23, 18, 9, 5, 6, 7, 21, 22, 24, 12,
    29, 30, 10, 33, 31, 34, 40, 35, 32, 39, 15, 27, 28, 37,
];

const LETTERS: [(Letter, &str); 6] = [
    (Letter::A, "A"),
    (Letter::B, "B"),
    (Letter::C, "C"),
    (Letter::D, "D"),
    (Letter::E, "E"),
    (Letter::F, "F"),
];

impl Letter {
    /// The grade of all findings together, by the table above.
    pub fn of(findings: &[Finding], has_noise: bool) -> Self {
        let failed = |finding: &&Finding| finding.grade == Grade::Fail;
        let fails = findings.iter().filter(failed).count();
        if findings.iter().filter(failed).any(|finding| finding.number == 36) {
            return Self::F;
        }
        let is_doubt = |finding: &&Finding| match finding.grade {
            Grade::Warn => true,
            Grade::Unknown => {
                let is_left_out = !has_noise && NEED_NOISE.contains(&finding.number);
                !is_left_out && !RECORDED_ONLY.contains(&finding.number)
            }
            Grade::Good | Grade::Info | Grade::Fail => false,
        };
        let doubts = findings.iter().filter(is_doubt).count();
        match (fails, doubts) {
            (0, 0..=3) if has_noise => Self::A,
            (0, 0..=10) => Self::B,
            (0..=2, _) => Self::C,
            (3..=5, _) => Self::D,
            (6..=9, _) => Self::E,
            _ => Self::F,
        }
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LETTERS.iter().find(|(letter, _)| letter == self).map_or("?", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Letter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_it = |(_, name): &&(Self, &str)| text.eq_ignore_ascii_case(name);
        let found = LETTERS.iter().find(is_it).map(|(letter, _)| *letter);
        found.ok_or_else(|| "expected a letter from A (best) to F".to_owned())
    }
}

/// What fails or warns and can be mended, the most valuable first.
pub(super) fn to_mend(findings: &[Finding]) -> Vec<&Finding> {
    let is_open = |finding: &&Finding| {
        let is_own = !matches!(finding.fix, None | Some(Fix::Elsewhere(_)));
        is_own && matches!(finding.grade, Grade::Fail | Grade::Warn)
    };
    let mut open: Vec<&Finding> = findings.iter().filter(is_open).collect();
    let value = |number| BY_VALUE.iter().position(|of| *of == number).unwrap_or(BY_VALUE.len());
    open.sort_by_key(|finding| (finding.grade != Grade::Fail, value(finding.number)));
    open
}
