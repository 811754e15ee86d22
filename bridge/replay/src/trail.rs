//! The trail of a recorded session: a running checksum after each report, so that a replay which differs can
//! say where it began to.
//!
//! The bridge writes the steps of each second into the tape. A replay that is to be verified reads them all
//! first and compares as it goes; the first report that leaves the trail is kept.

use std::path::Path;

use paperwire_core::raw::RawKind;
use paperwire_exec::report::Report;
use paperwire_tape::{Source, TapeError};

/// Where the checksum stood after one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Number of the event.
    pub seq: u64,
    /// CRC-32 of all reports so far, as [`paperwire_exec::digest::RunDigest`] lays them out.
    pub sum: u32,
}

const STEP_BYTES: usize = 12;

/// Steps as the payload of a record: number and checksum of each, little-endian.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let one = |step: &Step| step.seq.to_le_bytes().into_iter().chain(step.sum.to_le_bytes());
    steps.iter().flat_map(one).collect()
}

fn decode(payload: &[u8]) -> impl Iterator<Item = Step> {
    payload.chunks_exact(STEP_BYTES).map(|bytes| {
        let seq = bytes.first_chunk().expect("a chunk of twelve has eight bytes");
        let sum = bytes.last_chunk().expect("a chunk of twelve has four bytes");
        Step { seq: u64::from_le_bytes(*seq), sum: u32::from_le_bytes(*sum) }
    })
}

/// What is done with the steps of a run.
#[derive(Debug, Default)]
pub enum Trail {
    /// Nothing.
    #[default]
    Off,
    /// They wait to be written.
    Record(Vec<Step>),
    /// They are compared.
    Check(Check),
}

impl Trail {
    /// Takes the step of a report.
    pub fn step(&mut self, report: &Report, sum: u32) {
        let step = Step { seq: report.seq.0, sum };
        match self {
            Self::Off => {}
            Self::Record(steps) => steps.push(step),
            Self::Check(check) => check.step(step, report),
        }
    }

    /// The steps that wait, as a payload; `None` when there are none.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Record(steps) if !steps.is_empty() => {
                let payload = encode(steps);
                steps.clear();
                Some(payload)
            }
            _ => None,
        }
    }
}

/// Compares a replay with the recorded steps.
#[derive(Debug)]
pub struct Check {
    recorded: Vec<Step>,
    at: usize,
    first: Option<(Step, Box<Report>)>,
}

impl Check {
    /// Reads the steps of a tape.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn read(tape: &Path) -> Result<Self, TapeError> {
        let mut source = Source::open(tape)?;
        let mut recorded = Vec::new();
        while let Some(record) = source.next()? {
            if record.kind == RawKind::Trail {
                recorded.extend(decode(record.payload));
            }
        }
        Ok(Self { recorded, at: 0, first: None })
    }

    fn step(&mut self, step: Step, report: &Report) {
        let Some(recorded) = self.recorded.get(self.at).filter(|_| self.first.is_none()) else {
            return;
        };
        if *recorded == step {
            self.at += 1;
        } else {
            self.first = Some((*recorded, Box::new(*report)));
        }
    }

    /// The report that left the trail, and the step that was recorded in its place.
    pub fn first(&self) -> Option<(Step, &Report)> {
        self.first.as_ref().map(|(recorded, report)| (*recorded, &**report))
    }

    /// Steps that agreed, and steps that were recorded.
    pub const fn reach(&self) -> (usize, usize) {
        (self.at, self.recorded.len())
    }

    /// The first recorded step that the replay did not come to.
    pub fn missing(&self) -> Option<Step> {
        self.recorded.get(self.at).copied().filter(|_| self.first.is_none())
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::event::Seq;
    use paperwire_core::ids::StratId;
    use paperwire_core::time::{ExchNs, HostNs};
    use paperwire_exec::report::{BenchCause, ReportKind};

    use super::*;

    fn report(seq: u64) -> Report {
        let (at, host) = (ExchNs::new(1), HostNs::new(1));
        let kind = ReportKind::Benched { strategy: StratId(0), why: BenchCause::Panicked };
        Report { seq: Seq(seq), at, arrived: host, made: host, is_history: false, kind }
    }

    #[test]
    fn steps_are_read_back() {
        let steps = [Step { seq: 1, sum: u32::MAX }, Step { seq: u64::MAX, sum: 7 }];
        assert_eq!(decode(&encode(&steps)).collect::<Vec<_>>(), steps);
        let mut trail = Trail::Record(Vec::new());
        assert_eq!(trail.take(), None);
        trail.step(&report(3), 9);
        assert_eq!(trail.take().unwrap(), encode(&[Step { seq: 3, sum: 9 }]));
        assert_eq!(trail.take(), None);
    }

    #[test]
    fn the_first_step_that_differs_is_kept_with_its_report() {
        let recorded =
            vec![Step { seq: 1, sum: 1 }, Step { seq: 5, sum: 2 }, Step { seq: 6, sum: 3 }];
        let replay = |steps: &[(u64, u32)]| {
            let mut check = Check { recorded: recorded.clone(), at: 0, first: None };
            steps
                .iter()
                .for_each(|(seq, sum)| check.step(Step { seq: *seq, sum: *sum }, &report(*seq)));
            (
                check.first().map(|of| (of.0.seq, of.1.seq.0)),
                check.missing().map(|of| of.seq),
                check.reach(),
            )
        };
        assert_eq!(replay(&[(1, 1), (5, 2), (6, 3)]), (None, None, (3, 3)));
        assert_eq!(replay(&[(1, 1), (5, 9), (6, 3)]), (Some((5, 5)), None, (1, 3)));
        assert_eq!(replay(&[(1, 1), (4, 2)]), (Some((5, 4)), None, (1, 3)));
        assert_eq!(replay(&[(1, 1)]), (None, Some(5), (1, 3)));
        // What comes after a recording that was cut is no difference.
        assert_eq!(replay(&[(1, 1), (5, 2), (6, 3), (7, 7)]), (None, None, (3, 3)));
    }
}
