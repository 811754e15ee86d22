//! `/proc/interrupts`: who interrupted which core how often.

use std::collections::BTreeMap;

/// The counts of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// By core.
    pub(super) counts: BTreeMap<usize, u64>,
    /// Chip and device, or what the kernel calls the kind.
    pub(super) device: String,
}

impl Line {
    /// Times it hit the core.
    pub(super) fn on(&self, core: usize) -> u64 {
        self.counts.get(&core).copied().unwrap_or(0)
    }
}

/// All lines by their label: a number for a device, `LOC` and the like for the kernel's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InterruptTable(BTreeMap<String, Line>);

impl InterruptTable {
    /// Reads the file. The header names the cores that are online: their numbers need not be dense.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let header = lines.next()?.split_whitespace();
        let cores: Vec<usize> =
            header.map(|name| name.strip_prefix("CPU")?.parse().ok()).collect::<Option<_>>()?;
        if cores.is_empty() {
            return None;
        }
        let mut table = BTreeMap::new();
        for line in lines {
            let Some((label, rest)) = line.split_once(':') else { continue };
            let mut words = rest.split_whitespace().peekable();
            let mut counts = BTreeMap::new();
            // `ERR` and `MIS` have a single count for the whole machine.
            for &core in &cores {
                let Some(count) = words.peek().and_then(|word| word.parse().ok()) else { break };
                words.next();
                counts.insert(core, count);
            }
            if counts.len() < cores.len() {
                continue;
            }
            let device = words.collect::<Vec<_>>().join(" ");
            table.insert(label.trim().to_owned(), Line { counts, device });
        }
        Some(Self(table))
    }

    /// Devices only: lines labelled with a number.
    pub(super) fn devices(&self) -> impl Iterator<Item = (u32, &Line)> {
        self.0.iter().filter_map(|(label, line)| Some((label.parse().ok()?, line)))
    }

    /// Interrupts of devices on one core.
    pub(super) fn device_count(&self, core: usize) -> u64 {
        self.devices().map(|(_, line)| line.on(core)).sum()
    }

    /// One of the kernel's own kinds on one core: `LOC`, `RES`, `CAL`, `TLB`, `NMI`.
    pub(super) fn count(&self, label: &str, core: usize) -> u64 {
        self.0.get(label).map_or(0, |line| line.on(core))
    }

    /// What came between `earlier` and this.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let line = |(label, line): (&String, &Line)| {
            let before = earlier.0.get(label);
            let count = |(core, count): (&usize, &u64)| {
                (*core, count.saturating_sub(before.map_or(0, |before| before.on(*core))))
            };
            let counts = line.counts.iter().map(count).collect();
            (label.clone(), Line { counts, device: line.device.clone() })
        };
        Self(self.0.iter().map(line).collect())
    }
}

/// Every interrupt of one core, read without taking memory: this is done while a session runs.
pub fn total(text: &str, core: usize) -> Option<u64> {
    let mut lines = text.lines();
    let is_core =
        |name: &str| name.strip_prefix("CPU").and_then(|of| of.parse().ok()) == Some(core);
    let column = lines.next()?.split_whitespace().position(is_core)?;
    let counts = lines.filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        // A line with fewer columns counts for the whole machine, or ends in words before ours.
        rest.split_whitespace().nth(column)?.parse::<u64>().ok()
    });
    Some(counts.sum())
}

#[cfg(test)]
mod tests;
