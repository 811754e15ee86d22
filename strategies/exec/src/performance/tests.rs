use proptest::prelude::*;

use super::*;

const MS: i64 = 1_000_000;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn at_s(second: i64) -> ExchNs {
    ExchNs::new(second * 1000 * MS)
}

#[track_caller]
fn close(got: Option<f64>, want: f64) {
    let got = got.expect("there is an answer");
    assert!((got / want - 1.0).abs() < 1e-12, "{got} for {want}");
}

/// Minutes end at 110, 99, 99 (silent) and 118.8: returns 0.1, -0.1, 0 and 0.2. Their mean is 0.05,
/// the sample variance 0.05 / 3, the downside deviation 0.05. The fall within the second minute is
/// from 110 to 88, a fifth; equity is below 110 from second 70 to second 185.
#[test]
fn an_example_by_hand() {
    let mut performance = Performance::new(Money::from_num(100));
    for (second, equity) in
        [(10, "95"), (59, "110"), (70, "88"), (119, "99"), (185, "112"), (239, "118.8")]
    {
        performance.on_mark(at_s(second), money(equity));
    }
    assert_eq!(performance.return_count(), 3, "the minute of the last mark is not over");
    performance.on_mark(at_s(240), Money::from_num(1000));
    assert_eq!(performance.return_count(), 4);
    close(performance.sharpe(), 78_840f64.sqrt());
    close(performance.sortino(), 525_600f64.sqrt());
    assert!((performance.drawdown_max() - money("0.2")).abs() <= Money::DELTA);
    assert_eq!(performance.drawdown_now(), 0);
    assert_eq!(performance.drawdown_longest(), DurationNs::from_secs(115));
}

#[test]
fn trades_by_hand() {
    let mut performance = Performance::new(Money::from_num(100));
    assert_eq!((performance.win_rate(), performance.profit_factor()), (None, None));
    assert_eq!((performance.expectancy(), performance.average_hold()), (None, None));
    performance.on_trade(Money::ZERO, DurationNs::from_secs(5));
    assert_eq!((performance.scratches(), performance.win_rate()), (1, None));
    performance.on_trade(money("6.5"), DurationNs::from_secs(10));
    assert_eq!(performance.profit_factor(), None, "never infinite");
    performance.on_trade(money("-2"), DurationNs::from_secs(20));
    performance.on_trade(money("1.5"), DurationNs::from_secs(65));
    assert_eq!((performance.wins(), performance.losses(), performance.closed_trades()), (2, 1, 4));
    assert_eq!((performance.gross_profit(), performance.gross_loss()), (money("8"), money("2")));
    close(performance.win_rate(), 2.0 / 3.0);
    close(performance.profit_factor(), 4.0);
    assert_eq!(performance.expectancy(), Some(money("1.5")));
    assert_eq!(performance.average_hold(), Some(DurationNs::from_secs(25)));
    performance.on_turnover(money("12.5"));
    performance.on_turnover(money("7.5"));
    assert_eq!(performance.turnover(), 20);
}

#[test]
fn a_century_of_silence_is_one_step() {
    const MINUTES: i64 = 100 * 525_600;
    let mut performance = Performance::new(Money::from_num(100));
    performance.on_mark(at_s(1), Money::from_num(101));
    performance.on_mark(at_s(60 * MINUTES), Money::from_num(50));
    assert_eq!(i64::try_from(performance.return_count()), Ok(MINUTES));
    // One return of 0.01 among n: mean 0.01 / n, sample variance 0.0001 / n.
    let want = (f64::from(MINUTES_PER_YEAR) / f64::from(i32::try_from(MINUTES).unwrap())).sqrt();
    assert!((performance.sharpe().unwrap() / want - 1.0).abs() < 1e-9);
}

#[test]
fn the_grid_begins_with_the_first_mark() {
    let mut performance = Performance::new(Money::from_num(100));
    let minute = 29_400_000;
    for (after, equity) in [(0, "101"), (1, "102"), (2, "101")] {
        performance.on_mark(at_s(60 * (minute + after)), money(equity));
    }
    assert_eq!(performance.return_count(), 2, "and none of the minutes since 1970");
    close(performance.sharpe(), {
        let (first, second) = (1.0f64 / 100.0, 1.0f64 / 101.0);
        let mean = f64::midpoint(first, second);
        mean / ((first - mean).powi(2) * 2.0).sqrt() * 525_600f64.sqrt()
    });
}

#[test]
fn no_return_is_measured_from_equity_that_is_not_positive() {
    let mut performance = Performance::new(Money::from_num(100));
    performance.on_mark(at_s(1), Money::from_num(-50));
    performance.on_mark(at_s(600), Money::from_num(-60));
    assert_eq!(performance.return_count(), 1, "the fall itself, and none of nine silent minutes");
    performance.on_mark(at_s(660), Money::from_num(10));
    performance.on_mark(at_s(720), Money::from_num(20));
    assert_eq!(performance.return_count(), 1, "the way back up has no ratio");
    performance.on_mark(at_s(780), Money::from_num(30));
    assert_eq!(performance.return_count(), 2);
}

#[test]
fn reset_is_a_new_account() {
    let mut performance = Performance::new(Money::from_num(100));
    performance.on_mark(at_s(100), Money::from_num(50));
    performance.on_trade(Money::ONE, DurationNs::from_secs(1));
    performance.on_turnover(Money::ONE);
    performance.reset(Money::from_num(70));
    assert_eq!(performance, Performance::new(Money::from_num(70)));
}

/// The same figures from the whole list of marks.
struct Naive {
    returns: Vec<f64>,
    drawdown_max: Money,
    longest: DurationNs,
}

impl Naive {
    fn of(baseline: Money, marks: &[(ExchNs, Money)]) -> Self {
        let minute = |at: ExchNs| at.raw().div_euclid(MINUTE_NS);
        let minutes = match marks {
            [(start, _), .., (end, _)] => minute(*start)..minute(*end),
            _ => 0..0,
        };
        let equity_after = |of: i64| {
            marks.iter().rfind(|(at, _)| minute(*at) <= of).map_or(baseline, |(_, equity)| *equity)
        };
        let mut returns = Vec::new();
        for now in minutes {
            let (from, to) = (equity_after(now - 1), equity_after(now));
            if from > 0 {
                returns.push((to - from).to_num::<f64>() / from.to_num::<f64>());
            }
        }
        let (mut drawdown_max, mut longest) = (Money::ZERO, DurationNs::ZERO);
        for (index, (at, equity)) in marks.iter().enumerate() {
            let peak = marks[..index].iter().map(|(_, equity)| *equity).fold(baseline, Money::max);
            drawdown_max = drawdown_max.max((peak - *equity) / peak);
            if *equity < peak {
                let end = marks[index..].iter().find(|(_, equity)| *equity >= peak);
                longest = longest.max(end.or(marks.last()).unwrap().0.since(*at));
            }
        }
        Self { returns, drawdown_max, longest }
    }

    fn mean(&self) -> f64 {
        self.sum(|value| value) / self.count()
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean();
        (self.sum(|value| (value - mean).powi(2)) / (self.count() - 1.0)).sqrt()
    }

    fn downside(&self) -> f64 {
        (self.sum(|value| value.min(0.0).powi(2)) / self.count()).sqrt()
    }

    fn sum(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.returns.iter().map(|value| of(*value)).sum()
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.returns.len()).unwrap())
    }

    /// Ratio and deviation annualised, or `None` by the stated rule.
    fn ratio(&self, deviation: impl Fn(&Self) -> f64) -> Option<f64> {
        if self.returns.len() < 2 {
            return None;
        }
        let deviation = deviation(self);
        (deviation > 0.0).then(|| self.mean() / deviation * 525_600f64.sqrt())
    }
}

fn agree(got: Option<f64>, want: Option<f64>) -> Result<(), TestCaseError> {
    match (got, want) {
        (Some(got), Some(want)) => {
            prop_assert!(got.is_finite());
            prop_assert!((got - want).abs() <= 1e-7 * (1.0 + want.abs()), "{} for {}", got, want);
        }
        _ => prop_assert_eq!(got, want),
    }
    Ok(())
}

/// Steps of up to half a minute mostly, with gaps of up to a day, and new equities, in cents.
fn paths() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let step_ms = prop_oneof![8 => 0i64..30_000, 2 => 0i64..300_000, 1 => 0i64..86_400_000];
    let cents = prop_oneof![20 => 5_000i64..20_000, 1 => -20_000i64..20_000];
    prop::collection::vec((step_ms, cents), 0..120)
}

proptest! {
    #[test]
    fn figures_are_those_of_the_whole_list(start in -10_000_000i64..10_000_000, path in paths()) {
        let baseline = Money::from_num(100);
        let mut performance = Performance::new(baseline);
        let (mut now, mut marks) = (start * MS, Vec::new());
        for (step, cents) in path {
            now += step * MS;
            let equity = Money::from_num(cents) / 100;
            marks.push((ExchNs::new(now), equity));
            performance.on_mark(ExchNs::new(now), equity);
        }
        let naive = Naive::of(baseline, &marks);
        prop_assert_eq!(usize::try_from(performance.return_count()).unwrap(), naive.returns.len());
        agree(performance.sharpe(), naive.ratio(Naive::deviation))?;
        agree(performance.sortino(), naive.ratio(Naive::downside))?;
        prop_assert_eq!(performance.drawdown_max(), naive.drawdown_max);
        prop_assert_eq!(performance.drawdown_longest(), naive.longest);
    }

    #[test]
    fn trade_figures_are_those_of_the_whole_list(
        trades in prop::collection::vec((-3i64..4, 0u64..1_000_000_000), 0..100),
    ) {
        let mut performance = Performance::new(Money::ONE);
        for (net, held) in &trades {
            performance.on_trade(Money::from_num(*net), DurationNs::new(*held));
        }
        let count = |of: fn(&i64) -> bool| {
            u64::try_from(trades.iter().filter(|(net, _)| of(net)).count()).unwrap()
        };
        let sum = |of: fn(i64) -> i64| trades.iter().map(|(net, _)| of(*net)).sum::<i64>();
        let (profit, loss) = (sum(|net| net.max(0)), sum(|net| -net.min(0)));
        prop_assert_eq!(performance.wins(), count(|net| *net > 0));
        prop_assert_eq!(performance.losses(), count(|net| *net < 0));
        prop_assert_eq!(performance.scratches(), count(|net| *net == 0));
        prop_assert_eq!(performance.gross_profit(), Money::from_num(profit));
        prop_assert_eq!(performance.gross_loss(), Money::from_num(loss));
        prop_assert_eq!(performance.profit_factor().is_some(), loss > 0);
        prop_assert!(performance.profit_factor().is_none_or(f64::is_finite));
        let total = u64::try_from(trades.len()).unwrap();
        let held: u64 = trades.iter().map(|(_, held)| held).sum();
        let hold = held.checked_div(total).map(DurationNs::new);
        prop_assert_eq!(performance.average_hold(), hold);
        let net = (total > 0).then(|| Money::from_num(profit - loss) / i128::from(total));
        prop_assert_eq!(performance.expectancy(), net);
    }

    /// From the last bit to half of what money holds, of either sign.
    #[test]
    fn nothing_is_ever_infinite_or_no_number(
        marks in prop::collection::vec(
            (0i64..200_000_000_000, -(1i128 << 125)..1i128 << 125),
            2..40,
        ),
        baseline in 1i128..1 << 125,
    ) {
        let mut performance = Performance::new(Money::from_bits(baseline));
        let mut now = 0;
        for (step, bits) in marks {
            now += step;
            // Small ones too: the ratio of the largest to the smallest is what could overflow.
            let equity = Money::from_bits(if bits % 3 == 0 { bits >> 124 } else { bits });
            performance.on_mark(ExchNs::new(now), equity);
            for ratio in [performance.sharpe(), performance.sortino()] {
                prop_assert!(ratio.is_none_or(f64::is_finite));
            }
        }
    }
}
