//! Who did best, and whether that depends on how fills were simulated.

use paperwire_core::num::Money;
use paperwire_exec::fill::BRACKET;
use paperwire_exec::report::{AccountRow, BracketRow};

use crate::tally::{Bracket, Tally};

/// Ranks by return on the baseline, from 1, under the model that strategies live in and under each of
/// the bracket. Equal returns share a rank.
#[derive(Debug)]
pub struct Ranking {
    /// By strategy: its rank where it lives.
    lived: Vec<usize>,
    /// The same under each model of the bracket; empty without one.
    others: Vec<Vec<usize>>,
}

/// What of a rank depends on the fill model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to compare: no bracket, or only one strategy.
    Open,
    /// Every model gives it this rank, and to nobody else.
    Robust,
    /// Every model gives it the same rank, which it shares.
    Shared,
    /// The best and the worst rank that some model gives it.
    Between(usize, usize),
}

/// Gain as a part of the baseline; none where the baseline is too small to divide by.
pub fn roi(row: &AccountRow) -> Money {
    row.profit().checked_div(row.baseline).unwrap_or_default()
}

fn bracket_roi(row: &BracketRow) -> Money {
    row.profit.checked_div(row.equity - row.profit).unwrap_or_default()
}

/// 1 and how many are better, for each.
fn ranks(returns: &[Money]) -> Vec<usize> {
    let better = |of: &Money| returns.iter().filter(|other| *other > of).count();
    returns.iter().map(|of| 1 + better(of)).collect()
}

impl Ranking {
    /// Ranks the accounts by profit.
    pub fn of(tally: &Tally) -> Self {
        let lived: Vec<Money> = tally.accounts.iter().map(roi).collect();
        let of_model = |model: usize| -> Option<Vec<Money>> {
            let roi = |bracket: &Bracket| bracket[model].as_ref().map(bracket_roi);
            tally.brackets.iter().map(roi).collect()
        };
        let others: Option<Vec<Vec<Money>>> = (0..BRACKET.len()).map(of_model).collect();
        Self::by_returns(&lived, &others.unwrap_or_default())
    }

    fn by_returns(lived: &[Money], others: &[Vec<Money>]) -> Self {
        Self { lived: ranks(lived), others: others.iter().map(|of| ranks(of)).collect() }
    }

    /// Strategies, the best first.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lived.len()).collect();
        order.sort_by_key(|&index| self.lived[index]);
        order
    }

    /// Rank of a strategy where it lives.
    pub fn rank(&self, strategy: usize) -> usize {
        self.lived[strategy]
    }

    /// The same for people: a shared rank has an equals sign.
    pub fn shown(&self, strategy: usize) -> String {
        let rank = self.lived[strategy];
        let is_shared = self.lived.iter().filter(|other| **other == rank).count() > 1;
        if is_shared { format!("{rank}=") } else { rank.to_string() }
    }

    /// Rank of a strategy under a model of the bracket.
    pub fn rank_under(&self, model: usize, strategy: usize) -> Option<usize> {
        self.others.get(model).map(|ranks| ranks[strategy])
    }

    /// What may be said of a rank.
    pub fn verdict(&self, strategy: usize) -> Verdict {
        if self.others.is_empty() || self.lived.len() < 2 {
            return Verdict::Open;
        }
        let all = || std::iter::once(&self.lived).chain(&self.others);
        let (mut best, mut worst) = (self.lived[strategy], self.lived[strategy]);
        for ranks in all() {
            best = best.min(ranks[strategy]);
            worst = worst.max(ranks[strategy]);
        }
        if best != worst {
            return Verdict::Between(best, worst);
        }
        let is_shared = |ranks: &Vec<usize>| ranks.iter().filter(|rank| **rank == best).count() > 1;
        if all().any(is_shared) { Verdict::Shared } else { Verdict::Robust }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lived: &[f64], others: &[&[f64]], order: &[usize], verdicts: &[Verdict]) {
        let money = |of: &[f64]| of.iter().map(|x| Money::from_num(*x)).collect::<Vec<_>>();
        let others: Vec<_> = others.iter().map(|of| money(of)).collect();
        let ranking = Ranking::by_returns(&money(lived), &others);
        assert_eq!(ranking.order(), order);
        let found: Vec<_> = (0..lived.len()).map(|index| ranking.verdict(index)).collect();
        assert_eq!(found, verdicts);
    }

    #[test]
    fn a_rank_is_robust_only_where_all_four_models_agree_on_it() {
        use Verdict::{Between, Open, Robust, Shared};
        let (up, mid, down) = (2.0, 1.0, -1.0);
        //    lives in         pessimistic        queue             optimistic
        check(
            &[mid, up, down],
            &[&[mid, up, down], &[mid, up, down], &[mid, up, down]],
            &[1, 0, 2],
            &[Robust, Robust, Robust],
        );
        // The optimistic one alone sees it otherwise: the two that change places are in doubt.
        check(
            &[mid, up, down],
            &[&[mid, up, down], &[mid, up, down], &[up, mid, down]],
            &[1, 0, 2],
            &[Between(1, 2), Between(1, 2), Robust],
        );
        // All models of the bracket agree, and not with the one lived in.
        check(
            &[mid, up],
            &[&[up, mid], &[up, mid], &[up, mid]],
            &[1, 0],
            &[Between(1, 2), Between(1, 2)],
        );
        // Equal returns are no ranking.
        check(
            &[0.0, 0.0, down],
            &[&[0.0, 0.0, down], &[0.0, 0.0, down], &[0.0, 0.0, down]],
            &[0, 1, 2],
            &[Shared, Shared, Robust],
        );
        check(&[mid, up], &[], &[1, 0], &[Open, Open]);
        check(&[mid], &[&[mid], &[mid], &[mid]], &[0], &[Open]);
    }
}
