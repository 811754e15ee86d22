//! What measures a case, and the clock that its engine reads.

use paperwire_core::agent::Clock;
use paperwire_core::time::HostNs;

/// Runs the work that is to be measured.
pub type Meter = fn(&mut dyn FnMut());

/// A clock that moves by the same step at each look.
#[derive(Debug, Default)]
pub struct Ticking(std::cell::Cell<u64>);

impl Clock for Ticking {
    fn now(&self) -> HostNs {
        self.0.set(self.0.get() + 40);
        HostNs::new(self.0.get())
    }
}
