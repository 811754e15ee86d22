//! The writer's index of blocks, in bounded memory however long the session is.
//!
//! One entry a block, until the limit; then neighbours are merged in pairs and each entry stands for
//! twice as many blocks. Seeking lands at an entry and walks block headers from there.

use crate::layout::IndexEntry;

/// Entries in file order, each for `blocks_per_entry` blocks (the last one perhaps fewer).
#[derive(Debug)]
pub(crate) struct Index {
    entries: Vec<IndexEntry>,
    entries_max: usize,
    blocks_per_entry: u64,
    /// Blocks in the last entry, `0 ..= blocks_per_entry`.
    blocks_in_last: u64,
}

impl Index {
    pub(crate) fn new(entries_max: usize) -> Self {
        assert!(entries_max >= 2, "merging pairs needs a pair");
        Self { entries: Vec::new(), entries_max, blocks_per_entry: 1, blocks_in_last: 0 }
    }

    pub(crate) fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Adds one block, given as an entry of its own.
    pub(crate) fn push(&mut self, block: IndexEntry) {
        match self.entries.last_mut() {
            Some(last) if self.blocks_in_last < self.blocks_per_entry => {
                merge(last, &block);
                self.blocks_in_last += 1;
            }
            _ => {
                if self.entries.len() == self.entries_max {
                    self.halve();
                    return self.push(block);
                }
                self.entries.push(block);
                self.blocks_in_last = 1;
            }
        }
        debug_assert!(self.entries.is_sorted_by(|a, b| a.offset < b.offset));
    }

    /// Called with all entries full, so the last merged one is full too unless it had no partner.
    fn halve(&mut self) {
        let had_partner = self.entries.len().is_multiple_of(2);
        let mut kept = 0;
        for at in (0..self.entries.len()).step_by(2) {
            let mut entry = self.entries[at];
            if let Some(second) = self.entries.get(at + 1) {
                merge(&mut entry, second);
            }
            self.entries[kept] = entry;
            kept += 1;
        }
        self.entries.truncate(kept);
        self.blocks_in_last = self.blocks_per_entry * if had_partner { 2 } else { 1 };
        self.blocks_per_entry *= 2;
    }
}

fn merge(into: &mut IndexEntry, next: &IndexEntry) {
    assert_eq!(into.records_before + into.records, next.records_before, "neighbours only");
    into.records += next.records;
    into.rx_min = into.rx_min.min(next.rx_min);
    into.rx_max = into.rx_max.max(next.rx_max);
}

#[cfg(test)]
mod tests;
