//! When a frame passed its stages, noted while it passes and written to histograms afterwards.

use arrayvec::ArrayVec;
use paperwire_core::agent::Clock;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::time::HostNs;

/// Stages that a frame passes after it was found.
const FRAME_STAGES_MAX: usize = 3;

/// Notes when one frame passes its stages. Histograms are written afterwards, when the engine already has it.
#[derive(Debug)]
pub struct Probe<'a, C> {
    pub(super) clock: &'a C,
    pub(super) arrived: HostNs,
    begun: HostNs,
    pub(super) at: HostNs,
    passed: ArrayVec<(Stage, HostNs), FRAME_STAGES_MAX>,
}

impl<'a, C: Clock> Probe<'a, C> {
    /// A frame that arrived at `arrived` and has reached its last stage at `at`.
    pub const fn new(clock: &'a C, arrived: HostNs, at: HostNs) -> Self {
        Self { clock, arrived, begun: at, at, passed: ArrayVec::new_const() }
    }

    /// The end of a stage.
    #[inline]
    pub fn mark(&mut self, stage: Stage) {
        self.at = self.clock.now();
        self.passed.push((stage, self.at));
    }

    /// Writes what was noted.
    #[inline]
    pub fn record(&self, bank: &mut Bank) {
        let mut from = self.begun;
        for &(stage, at) in &self.passed {
            bank.stage(stage).record(self.arrived, from, at);
            from = at;
        }
    }
}
