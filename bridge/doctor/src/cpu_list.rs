//! Sets of cores in the two spellings of the kernel: lists (`0-3,8,10-11`) and hexadecimal masks
//! (`ff,00000003`).

use std::collections::BTreeSet;
use std::fmt;

/// More than any kernel is built for; a bound against nonsense such as `0-4000000000`.
const CORE_MAX: usize = 1 << 16;

/// A set of cores; shown as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuSet(BTreeSet<usize>);

impl CpuSet {
    /// Reads `0-3,8`, also with a stride as in `0-31:2/8`; an empty text or `(null)` is the empty set.
    pub(super) fn from_list(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text == "(null)" {
            return Some(Self::default());
        }
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let (range, used, group) = match part.split_once(':') {
                None => (part, 1, 1),
                Some((range, stride)) => {
                    let (used, group) = stride.split_once('/')?;
                    (range, used.parse().ok()?, group.parse::<usize>().ok()?)
                }
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.trim().parse::<usize>(), last.trim().parse::<usize>());
            let (first, last) = (first.ok()?, last.ok()?);
            if first > last || last > CORE_MAX || group == 0 || used > group {
                return None;
            }
            set.extend((first..=last).filter(|core| (core - first) % group < used));
        }
        Some(Self(set))
    }

    /// Reads `ff` or `1,00000003`: words of 32 bits, the highest first.
    pub(super) fn from_mask(text: &str) -> Option<Self> {
        let mut set = BTreeSet::new();
        let words: Vec<&str> = text.trim().split(',').collect();
        for (index, word) in words.iter().rev().enumerate() {
            let bits = u64::from_str_radix(word, 16).ok()?;
            // Only the highest word may be shorter, and only a mask of a single word longer than 32 bits.
            if index * 32 > CORE_MAX || (words.len() > 1 && bits > u64::from(u32::MAX)) {
                return None;
            }
            set.extend((0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| index * 32 + bit));
        }
        Some(Self(set))
    }

    pub(super) fn contains(&self, core: usize) -> bool {
        self.0.contains(&core)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// Those that are in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Those of this that are not in the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }

    /// Those of either.
    pub(super) fn or(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }

    /// The mask spelling, as `/sys` and `/proc` take it.
    pub(super) fn mask(&self) -> String {
        let words = self.0.last().map_or(1, |last| last / 32 + 1);
        let word = |index: usize| {
            let bits = (0..32).filter(|bit| self.contains(index * 32 + bit));
            bits.fold(0u32, |mask, bit| mask | 1 << bit)
        };
        let text: Vec<String> = (0..words)
            .rev()
            .map(|index| match index + 1 == words {
                true => format!("{:x}", word(index)),
                false => format!("{:08x}", word(index)),
            })
            .collect();
        text.join(",")
    }
}

impl FromIterator<usize> for CpuSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cores: I) -> Self {
        Self(cores.into_iter().collect())
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let mut cores = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = cores.next() {
            let mut last = first;
            while cores.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last - first {
                0 => write!(f, "{separator}{first}")?,
                _ => write!(f, "{separator}{first}-{last}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

impl serde::Serialize for CpuSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

#[cfg(test)]
mod tests;
