//! The levels of a grid: where they lie, what each holds, and which tags its orders carry.
//!
//! A level that holds something outlives its grid: it keeps its own selling price until it is sold.
//! Whether an order of a level is open is read from the account, never remembered here, so that nothing can
//! drift from what the venue knows.

use paperwire_core::account::AccountView;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{Px, Qty};
use paperwire_core::order::OpenOrder;
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use super::params::{GridKind, SLOTS, Table};

/// One level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// Bought here.
    pub(super) px: Px,
    /// Sold here, one step higher.
    pub(super) sell_px: Px,
    /// Bought and not sold yet.
    pub(super) held: Qty,
    /// It belongs to the grid in force.
    pub(super) is_current: bool,
    /// No further sell order before this instant: a refused one is not repeated with every event.
    pub(super) sell_retry_at: ExchNs,
}

/// What a tag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The purchase of a level.
    Buy(usize),
    /// Its sale.
    Sell(usize),
}

impl Order {
    /// The tag of its orders: odd ones buy, even ones sell, 0 is neither.
    pub(super) fn tag(self) -> u32 {
        let (slot, odd) = match self {
            Self::Buy(slot) => (slot, 1),
            Self::Sell(slot) => (slot, 2),
        };
        u32::try_from(2 * slot).map_or(0, |base| base + odd)
    }

    /// What an open order is; `None` for one that sells the position as a whole, whose tag is that of
    /// the purchase that opened it.
    pub(super) fn of(order: &OpenOrder) -> Option<Self> {
        Self::of_tag(order.tag).filter(|is| match is {
            Self::Buy(_) => order.side == OrderSide::Buy,
            Self::Sell(_) => order.side == OrderSide::Sell,
        })
    }

    /// What a tag names, if anything.
    pub(super) fn of_tag(tag: u32) -> Option<Self> {
        let slot = usize::try_from(tag.checked_sub(1)? / 2).ok().filter(|slot| *slot < SLOTS)?;
        Some(if tag % 2 == 1 { Self::Buy(slot) } else { Self::Sell(slot) })
    }
}

/// All levels of one pair.
#[derive(Debug)]
pub(super) struct Ladder {
    slots: [Slot; SLOTS],
}

impl Ladder {
    pub(super) const fn new() -> Self {
        let slot = Slot {
            px: Px::ZERO,
            sell_px: Px::ZERO,
            held: Qty::ZERO,
            is_current: false,
            sell_retry_at: ExchNs::new(0),
        };
        Self { slots: [slot; SLOTS] }
    }

    pub(super) const fn slots(&self) -> &[Slot; SLOTS] {
        &self.slots
    }

    pub(super) const fn slot_mut(&mut self, slot: usize) -> &mut Slot {
        &mut self.slots[slot]
    }

    /// Levels that hold something.
    pub(super) fn held_count(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.held.is_zero()).count()
    }

    /// The lowest level that is in force or holds something.
    pub(super) fn lowest(&self) -> Option<Px> {
        let in_use = self.slots.iter().filter(|slot| slot.is_current || !slot.held.is_zero());
        in_use.map(|slot| slot.px).min()
    }

    /// No level is in force any more; those that hold something stay until they are sold.
    pub(super) fn retire(&mut self) {
        for slot in &mut self.slots {
            slot.is_current = false;
        }
    }

    /// The position was closed as a whole.
    pub(super) fn empty(&mut self) {
        for slot in &mut self.slots {
            slot.held = Qty::ZERO;
        }
    }

    /// Takes what was sold without a level's order from the highest levels first.
    pub(super) fn reduce(&mut self, mut qty: Qty) {
        while !qty.is_zero() {
            let holding = self.slots.iter_mut().filter(|slot| !slot.held.is_zero());
            let Some(slot) = holding.max_by_key(|slot| slot.px) else {
                return;
            };
            let part = slot.held.min(qty);
            slot.held -= part;
            qty -= part;
        }
    }

    /// Lays levels below `centre`, `spacing` apart as a fraction, into free slots; returns how many.
    pub(super) fn lay(
        &mut self,
        centre: f64,
        spacing: f64,
        table: &Table,
        of: &Instrument,
    ) -> usize {
        let (mut laid, mut above) = (0, Px::new(i64::MAX));
        let mut share = 1.0;
        for step in 1..=table.levels {
            share = match table.kind {
                GridKind::Geometric => share / (1.0 + spacing),
                GridKind::Arithmetic => 1.0 - spacing * step as f64,
            };
            if share < 1.0 - table.range_pct / 100.0 || share <= 0.0 {
                break;
            }
            let price = centre * share;
            let (px, sell_px) = (grid(price, 0, of), grid(price * (1.0 + spacing), 1, of));
            let (Some(px), Some(sell_px)) = (px, sell_px) else {
                break;
            };
            let is_free = |slot: &&mut Slot| slot.held.is_zero() && !slot.is_current;
            let Some(slot) = self.slots.iter_mut().find(is_free).filter(|_| px < above) else {
                continue;
            };
            *slot = Slot { px, sell_px, is_current: true, ..Slot::default() };
            above = px;
            laid += 1;
        }
        laid
    }
}

/// A price on the venue's grid, rounded down, and `up` increments higher.
fn grid(price: f64, up: i64, of: &Instrument) -> Option<Px> {
    let step = of.price_increment.raw().max(1);
    let nearest = of.px_from_f64(price)?;
    let raw = nearest.raw() - i64::from(of.px_f64(nearest) > price);
    let px = (raw.div_euclid(step) + up).checked_mul(step)?;
    (px > 0).then_some(Px::new(px))
}

/// The open orders of levels in a symbol.
pub(super) fn orders<'a>(
    account: &'a AccountView<'_>,
    symbol: SymbolId,
) -> impl Iterator<Item = (Order, &'a OpenOrder)> + Clone {
    let of_symbol = account.orders.iter().filter(move |order| order.symbol == symbol);
    of_symbol.filter_map(|order| Some((Order::of(order)?, order)))
}
