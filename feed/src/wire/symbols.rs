//! From the text of a symbol to its index, without hashing machinery or allocation.

use paperwire_core::instrument::{Instrument, OrderRules, SymbolId};
use paperwire_core::limits::SYMBOLS_MAX;

/// Four slots per symbol keep probes short.
const SLOTS: usize = SYMBOLS_MAX * 4;

/// A name of at most 16 bytes as a number, padded with zeros; no longer one is looked up quickly.
type Key = u128;

/// The run's instruments, found by their wire name.
#[derive(Clone, Debug)]
pub struct SymbolTable {
    instruments: Vec<Instrument>,
    /// Of each instrument; 0, which no text has, for names that are longer than a key.
    keys: [Key; SYMBOLS_MAX],
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
        let mut keys = [0; SYMBOLS_MAX];
        for ((index, instrument), key) in (0u16..).zip(instruments).zip(&mut keys) {
            *key = Self::key_of(instrument.name.as_bytes()).unwrap_or(0);
            let mut slot = Self::slot_of(*key);
            while slots[slot].is_some() {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = Some(index);
        }
        Self { instruments: instruments.to_vec(), keys, slots }
    }

    /// The instrument of this name.
    pub fn find(&self, name: &[u8]) -> Option<(SymbolId, &Instrument)> {
        if let Some(key) = Self::key_of(name) {
            // The key does not tell zeros at the end of a name from its padding.
            return self.find_key(key).filter(|(_, of)| of.name.len() == name.len());
        }
        let is_it = |instrument: &Instrument| instrument.name.as_bytes() == name;
        let index = self.instruments.iter().position(is_it)?;
        Some((SymbolId(u16::try_from(index).ok()?), &self.instruments[index]))
    }

    /// The instrument whose name stands at the start of `text`, before a quotation mark, and the
    /// length of its name. `None` for longer names, too: [`Self::find`] knows them.
    #[inline]
    pub fn find_quoted(&self, text: &[u8; 16]) -> Option<(SymbolId, &Instrument, usize)> {
        const ONES: u128 = u128::from_le_bytes([1; 16]);
        let word = u128::from_le_bytes(*text);
        let differs = word ^ (ONES * b'"' as u128);
        let is_end = differs.wrapping_sub(ONES) & !differs & (ONES * 0x80);
        // The lowest marked byte is the first quotation mark; borrows can only mark bytes above it.
        let bits = is_end.trailing_zeros() & !7;
        let below = 1u128.checked_shl(bits)?.wrapping_sub(1);
        let (symbol, instrument) = self.find_key(word & below)?;
        Some((symbol, instrument, instrument.name.len()))
    }

    #[inline]
    fn find_key(&self, key: Key) -> Option<(SymbolId, &Instrument)> {
        let mut slot = Self::slot_of(key);
        while let Some(index) = self.slots[slot] {
            // A text of zero bytes is no symbol, and long names have the key 0.
            if self.keys[usize::from(index)] == key && key != 0 {
                return Some((SymbolId(index), self.instruments.get(usize::from(index))?));
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }

    /// Every instrument; the index is the [`SymbolId`].
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Other increments and minimums of a pair from now on; its precisions, which the wire is read by, stay.
    pub const fn set_order_rules(&mut self, symbol: SymbolId, rules: &OrderRules) {
        self.instruments.as_mut_slice()[symbol.index()].set_order_rules(rules);
    }

    fn key_of(name: &[u8]) -> Option<Key> {
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Key::from_le_bytes(bytes))
    }

    /// Fibonacci hashing of both halves: the top bits of a product depend on all of its factors' bits.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a word, and eight bits")]
    const fn slot_of(key: Key) -> usize {
        let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
    }
}
const _: () = assert!(SLOTS.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer;

    #[test]
    fn every_name_is_found_and_no_other_is() {
        let named = |name: &str| {
            let row = format!(r#"{{"symbol":"{name}","price":1.0,"qty":0.01}}"#);
            infer::instrument_of(row.as_bytes()).unwrap()
        };
        let mut names: Vec<_> = (0..61).map(|i| format!("SYM{i:02}/USD")).collect();
        names.extend(["BTC/USD", "ABCDEFGHIJKL/USD", "ABCDEFGHIJKL/USDT"].map(str::to_owned));
        let table = SymbolTable::new(&names.iter().map(|name| named(name)).collect::<Vec<_>>());
        for (index, name) in names.iter().enumerate() {
            assert_eq!(table.find(name.as_bytes()).unwrap().0.index(), index);
            let mut quoted = [b'x'; 16];
            if let Some(room) = quoted.get_mut(..=name.len()) {
                room.copy_from_slice(format!("{name}\"").as_bytes());
                let (symbol, _, len) = table.find_quoted(&quoted).unwrap();
                assert_eq!((symbol.index(), len), (index, name.len()));
            }
        }
        for none in ["", "\0", "BTC/USD\0", "BTC/US", "SYM99/USD", "ABCDEFGHIJKL/USDX"] {
            assert!(table.find(none.as_bytes()).is_none(), "{none}");
        }
    }
}
