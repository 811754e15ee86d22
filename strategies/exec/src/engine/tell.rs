//! What a strategy is told, and when: the answers of the venue take their time.
//!
//! While an answer is under way, a strategy sees its account as it was before: position, cash and
//! orders change for it when it is told.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::order::OpenOrder;
use paperwire_core::time::ExchNs;

use crate::latency::Leg;
use crate::report::BenchCause;

use super::Engine;
use super::slot::{Tell, Told};
use super::turn::{Io, Turn};

impl Engine {
    /// Tells a strategy now, or when the message has come back from the venue.
    pub(super) fn tell_later(
        &mut self,
        index: usize,
        tell: Tell,
        order: Option<OpenOrder>,
        turn: &mut Turn<'_, impl Io>,
    ) {
        let back = self.draw(index, Leg::Ack);
        let slot = &mut self.slots[index];
        if back.raw() == 0 && slot.tells.is_empty() {
            slot.refresh_known(Some(tell.symbol()));
            return self.tell_now(index, &tell, turn);
        }
        let mut due = self.market.view().now().plus(back);
        if let Some(last) = slot.tells.back() {
            // Messages of one connection do not overtake each other.
            due = due.max(last.due);
        }
        let account = slot.home().account();
        let position = *account.position(tell.symbol());
        let (cash, equity) = (account.row().cash, account.row().equity);
        let told = Told { due, tell, position, cash, equity, order };
        if slot.is_full() {
            let first = slot.tells.pop_front().expect("it is full");
            self.tell_told(index, &first, turn);
        }
        self.slots[index].tells.push_back(told);
    }

    pub(super) fn tell_due(&mut self, index: usize, to: ExchNs, turn: &mut Turn<'_, impl Io>) {
        while let Some(told) = self.slots[index].tells.front().copied()
            && told.due <= to
        {
            self.slots[index].tells.pop_front();
            self.tell_told(index, &told, turn);
        }
    }

    fn tell_told(&mut self, index: usize, told: &Told, turn: &mut Turn<'_, impl Io>) {
        let known = &mut self.slots[index].known;
        known.positions[told.tell.symbol().index()] = told.position;
        (known.cash, known.equity) = (told.cash, told.equity);
        self.tell_now(index, &told.tell, turn);
    }

    fn tell_now(&mut self, index: usize, tell: &Tell, turn: &mut Turn<'_, impl Io>) {
        let slot = &mut self.slots[index];
        if slot.is_benched {
            return;
        }
        let strategy = &mut slot.strategy;
        let told = catch_unwind(AssertUnwindSafe(|| match tell {
            Tell::Fill(fill) => strategy.on_fill(fill),
            Tell::Done(done) => strategy.on_order_done(done),
        }));
        if told.is_err() {
            self.bench(index, BenchCause::Panicked, turn);
        }
    }
}
