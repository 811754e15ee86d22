//! Which cores the checks are about: those that the configuration pins the feed and the engine to.

use paperwire_rt::runner;
use serde::Serialize;

use super::Demands;
use super::cpu_list::CpuSet;
use super::fix::Fix;

/// Where the pinned threads go, and how they wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cores {
    /// Core of the feed thread; `None` lets it float.
    pub feed: Option<usize>,
    /// Core of the engine thread; `None` lets it float.
    pub engine: Option<usize>,
    /// What they do without work.
    pub wait: &'static str,
    /// Every core this process may use.
    pub(super) usable: CpuSet,
}

impl Cores {
    /// As `run` would place its threads.
    pub(super) fn of(demands: &Demands) -> Self {
        let [feed, engine] = demands.threads;
        Self {
            feed: feed.core,
            engine: engine.core,
            wait: feed.wait.as_str(),
            usable: runner::usable_cores().into_iter().collect(),
        }
    }

    /// The pinned ones.
    pub(super) fn pinned(&self) -> CpuSet {
        self.feed.into_iter().chain(self.engine).collect()
    }

    /// The pinned ones; where nothing is pinned, all that the threads may float over.
    pub(super) fn examined(&self) -> CpuSet {
        let pinned = self.pinned();
        if pinned.is_empty() { self.usable.clone() } else { pinned }
    }

    /// What is left for everything else.
    pub(super) fn housekeeping(&self) -> CpuSet {
        self.usable.without(&self.pinned())
    }

    /// The remedy for something on the pinned cores: there is none before cores are pinned.
    pub(super) fn mend(&self, fix: impl FnOnce(&CpuSet, &CpuSet) -> Fix) -> Fix {
        let (pinned, rest) = (self.pinned(), self.housekeeping());
        if pinned.is_empty() || pinned.contains(0) || rest.is_empty() {
            return Fix::Elsewhere("check 1 first: threads with cores of their own");
        }
        fix(&pinned, &rest)
    }
}
