//! What the kernel says of one of our threads: values that `rt` reads and others judge.

use crate::time::{DurationNs, HostNs};

/// Page faults and switches of a thread since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that did.
    pub major_faults: u64,
    /// Times it gave the core away.
    pub switches_by_choice: u64,
    /// Times the core was taken from it.
    pub switches_by_force: u64,
}

impl ThreadUsage {
    /// What came between `earlier` and this.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
            switches_by_choice: self.switches_by_choice.saturating_sub(earlier.switches_by_choice),
            switches_by_force: self.switches_by_force.saturating_sub(earlier.switches_by_force),
        }
    }
}

/// One look at a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadLook {
    /// When.
    pub at: HostNs,
    /// Time it ran, since its start.
    pub ran: DurationNs,
    /// Time it was ready and did not run, since its start.
    pub waited: DurationNs,
}
