//! What is counted while threads spin on the examined cores, as they do in a run: interrupts, stolen
//! time, lost time.

use super::cores::Cores;
use super::interrupt_table::InterruptTable;
use super::kernel::steal;
use super::noise::{CoreNoise, spin_all};
use super::tree::{Tree, Unread};

/// Differences between the start and the end of the noise test.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) seconds: f64,
    /// `None` where the table cannot be read.
    pub(super) interrupts: Option<InterruptTable>,
    /// Stolen and all ticks.
    pub(super) steal: Result<(u64, u64), Unread>,
    pub(super) noise: Vec<CoreNoise>,
}

impl Sample {
    /// Spins for `seconds`.
    pub(super) fn take(
        tree: &Tree,
        cores: &Cores,
        seconds: u64,
        progress: &mut impl FnMut(&str),
    ) -> Self {
        let table = || InterruptTable::parse(&tree.read("/proc/interrupts").ok()?);
        let (interrupts, stolen) = (table(), steal(tree));
        let noise = spin_all(&cores.examined(), seconds, progress);
        let interrupts = interrupts.and_then(|before| Some(table()?.since(&before)));
        let steal = stolen.and_then(|before| {
            let after = steal(tree)?;
            Ok((after.0.saturating_sub(before.0), after.1.saturating_sub(before.1)))
        });
        let seconds = std::time::Duration::from_secs(seconds).as_secs_f64();
        Self { seconds, interrupts, steal, noise }
    }
}
