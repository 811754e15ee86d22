//! Slots of one length in a fixed number of bytes, all of them taken at the start.
//!
//! The slot that is being filled is open; when the next one begins it is written behind the others, in a ring of bytes
//! that never grows: the oldest slots make room. A bucket takes two to three bytes there, for its distance from the
//! one before and its count.

use std::collections::VecDeque;

use paperwire_lab::packed::Packed;

use super::Both;

/// One slot of time while it is filled.
#[derive(Clone, Debug)]
struct Open {
    /// Its beginning, seconds since 1970.
    at_s: i64,
    rows: Vec<Both>,
}

/// One that is full, and where it stands: bytes since the first ever written.
#[derive(Clone, Copy, Debug)]
struct Closed {
    at_s: i64,
    from: usize,
    len: usize,
}

/// Slots of one length.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) length_s: i64,
    slots_max: usize,
    open: Option<Open>,
    closed: VecDeque<Closed>,
    ring: Box<[u8]>,
    /// Bytes ever written.
    written: usize,
    /// End of the newest slot that had to make room before its time.
    shed_until_s: i64,
    scratch: Vec<u8>,
}

impl Level {
    /// Of `slots_max` slots at most, in `bytes` bytes.
    pub(super) fn new(length_s: i64, slots_max: usize, bytes: usize) -> Self {
        Self {
            length_s,
            slots_max,
            open: None,
            closed: VecDeque::with_capacity(slots_max),
            // Not zero: the system would count pages of zeros only when they are written to.
            ring: vec![u8::MAX; bytes].into_boxed_slice(),
            written: 0,
            shed_until_s: i64::MIN,
            scratch: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, at_s: i64, rows: usize, fresh: &[(usize, Both)]) {
        let at_s = at_s - at_s.rem_euclid(self.length_s);
        if self.open.as_ref().is_none_or(|open| open.at_s < at_s) {
            let next = Open { at_s, rows: vec![Both::default(); rows] };
            if let Some(full) = self.open.replace(next) {
                self.close(&full);
            }
        }
        let open = self.open.as_mut().expect("one was just made sure of");
        for (row, both) in fresh {
            for (mine, theirs) in open.rows[*row].iter_mut().zip(both) {
                mine.merge(theirs);
            }
        }
    }

    fn close(&mut self, slot: &Open) {
        self.scratch.clear();
        for (row, both) in slot.rows.iter().enumerate() {
            for (measure, packed) in both.iter().enumerate().filter(|(_, of)| !of.is_empty()) {
                put_row(&mut self.scratch, 2 * row + measure, packed);
            }
        }
        let (from, len) = (self.written, self.scratch.len());
        let fits = len <= self.ring.len();
        // With the open one there are as many as the level has.
        while self.closed.len() + 1 >= self.slots_max {
            self.closed.pop_front();
        }
        while let Some(first) = self.closed.front().copied() {
            if fits && from + len - first.from <= self.ring.len() {
                break;
            }
            self.closed.pop_front();
            self.shed_until_s = first.at_s + self.length_s;
        }
        if !fits {
            self.shed_until_s = slot.at_s + self.length_s;
            return;
        }
        for byte in &self.scratch {
            self.ring[self.written % self.ring.len()] = *byte;
            self.written += 1;
        }
        self.closed.push_back(Closed { at_s: slot.at_s, from, len });
    }

    /// Whether it holds everything since a second.
    pub(super) fn reaches(&self, window_s: u64, first_s: i64) -> bool {
        let most = self.length_s.unsigned_abs() * self.slots_max as u64;
        most >= window_s && self.shed_until_s <= first_s
    }

    /// Beginnings and histograms of one row in the slots since a second.
    pub(super) fn row(&self, row: usize, measure: usize, first_s: i64) -> Vec<(i64, Packed)> {
        let key = 2 * row + measure;
        let closed = self.closed.iter().filter(|slot| slot.at_s >= first_s);
        let mut slots: Vec<_> = closed.map(|slot| (slot.at_s, self.find(slot, key))).collect();
        if let Some(open) = self.open.as_ref().filter(|open| open.at_s >= first_s) {
            slots.push((open.at_s, open.rows[row][measure].clone()));
        }
        slots
    }

    fn find(&self, slot: &Closed, key: usize) -> Packed {
        let mut bytes = Bytes { ring: &self.ring, at: slot.from, end: slot.from + slot.len };
        while bytes.at < bytes.end {
            let (found, len) = (bytes.number(), bytes.number());
            if found == key {
                return bytes.packed(len);
            }
            bytes.at += len;
        }
        Packed::default()
    }

    /// Bytes that it takes, whatever it holds.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.ring.len(), self.scratch.capacity())
    }
}

/// Key and length of a row, then for each bucket its distance from the one before and its count.
fn put_row(out: &mut Vec<u8>, key: usize, packed: &Packed) {
    let mut body = Vec::with_capacity(3 * packed.buckets().len());
    let mut before = 0;
    for (bucket, count) in packed.buckets() {
        put_number(&mut body, usize::from(bucket - before));
        put_number(&mut body, *count as usize);
        before = *bucket;
    }
    put_number(out, key);
    put_number(out, body.len());
    out.extend_from_slice(&body);
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

fn low_byte(number: usize) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits")
}

/// A part of the ring.
struct Bytes<'a> {
    ring: &'a [u8],
    at: usize,
    end: usize,
}

impl Bytes<'_> {
    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.ring[self.at % self.ring.len()];
            self.at += 1;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
            shift += 7;
        }
    }

    fn packed(&mut self, len: usize) -> Packed {
        let end = self.at + len;
        let (mut pairs, mut bucket) = (Vec::new(), 0);
        while self.at < end {
            bucket += self.number();
            let count = u32::try_from(self.number()).expect("it was a u32");
            pairs.push((u16::try_from(bucket).expect("it was a u16"), count));
        }
        Packed::from_buckets(pairs)
    }
}
