//! From the text of a symbol to its index, without hashing machinery or allocation.

use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::limits::SYMBOLS_MAX;

/// Four slots per symbol keep probes short.
const SLOTS: usize = SYMBOLS_MAX * 4;

/// The run's instruments, found by their wire name.
#[derive(Clone, Debug)]
pub struct SymbolTable {
    instruments: Vec<Instrument>,
    slots: [Option<u16>; SLOTS],
}

impl SymbolTable {
    /// A table of at most [`SYMBOLS_MAX`] instruments.
    ///
    /// # Panics
    /// When there are more, which configuration refuses before.
    pub fn new(instruments: &[Instrument]) -> Self {
        assert!(instruments.len() <= SYMBOLS_MAX, "configuration bounds the number of symbols");
        let mut slots = [None; SLOTS];
        for (index, instrument) in (0u16..).zip(instruments) {
            let mut slot = Self::slot_of(instrument.name.as_bytes());
            while slots[slot].is_some() {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = Some(index);
        }
        Self { instruments: instruments.to_vec(), slots }
    }

    /// The instrument of this name.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<(SymbolId, &Instrument)> {
        let mut slot = Self::slot_of(name);
        while let Some(index) = self.slots[slot] {
            let instrument = &self.instruments[usize::from(index)];
            if instrument.name.as_bytes() == name {
                return Some((SymbolId(index), instrument));
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }

    /// Every instrument; the index is the [`SymbolId`].
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// FNV-1a over the name (<http://www.isthe.com/chongo/tech/comp/fnv/>), folded to a slot.
    fn slot_of(name: &[u8]) -> usize {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for &byte in name {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let folded = (hash ^ (hash >> 32)) & (SLOTS as u64 - 1);
        usize::try_from(folded).expect("less than SLOTS")
    }
}
const _: () = assert!(SLOTS.is_power_of_two());
