//! Batch forms of the indicators: each from all bars so far, as the textbook has it. Slow, and meant to be
//! plain enough to be believed; tests hold the incremental forms against them.

use std::cmp::Ordering;

use crate::golden::GoldenBar;

pub(crate) fn closes(bars: &[GoldenBar]) -> Vec<f64> {
    bars.iter().map(|bar| bar.close).collect()
}

pub(crate) fn newest(xs: &[f64], period: usize) -> Option<&[f64]> {
    xs.len().checked_sub(period).map(|from| &xs[from..])
}

pub(crate) fn mean(xs: &[f64]) -> f64 {
    xs.iter().sum::<f64>() / xs.len() as f64
}

pub(crate) fn sigma(xs: &[f64]) -> f64 {
    let mean = mean(xs);
    (xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / xs.len() as f64).sqrt()
}

pub(crate) fn sma(xs: &[f64], period: usize) -> Option<f64> {
    newest(xs, period).map(mean)
}

pub(crate) fn z(xs: &[f64], period: usize) -> Option<f64> {
    let window = newest(xs, period)?;
    let (mean, sigma) = (mean(window), sigma(window));
    (sigma > 1e-12 * mean.abs()).then(|| (xs[xs.len() - 1] - mean) / sigma)
}

/// Every value of an exponential average seeded with the mean of the first ones.
fn averages(xs: &[f64], period: usize, alpha: f64) -> Vec<f64> {
    let Some(first) = xs.get(..period) else { return Vec::new() };
    let mut all = vec![mean(first)];
    for x in &xs[period..] {
        all.push(x * alpha + all[all.len() - 1] * (1.0 - alpha));
    }
    all
}

pub(crate) fn emas(xs: &[f64], period: usize) -> Vec<f64> {
    averages(xs, period, 2.0 / (period as f64 + 1.0))
}

pub(crate) fn wilders(xs: &[f64], period: usize) -> Vec<f64> {
    averages(xs, period, 1.0 / period as f64)
}

pub(crate) fn ema(xs: &[f64], period: usize) -> Option<f64> {
    emas(xs, period).last().copied()
}

pub(crate) fn changes(xs: &[f64]) -> Vec<f64> {
    xs.windows(2).map(|w| w[1] - w[0]).collect()
}

fn rises_and_falls(xs: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let changes = changes(xs);
    (changes.iter().map(|d| d.max(0.0)).collect(), changes.iter().map(|d| (-d).max(0.0)).collect())
}

fn strength(rises: f64, falls: f64) -> Option<f64> {
    if falls == 0.0 {
        return (rises > 0.0).then_some(100.0);
    }
    Some(100.0 - 100.0 / (1.0 + rises / falls))
}

pub(crate) fn rsi(xs: &[f64], period: usize) -> Option<f64> {
    let (rises, falls) = rises_and_falls(xs);
    strength(*wilders(&rises, period).last()?, *wilders(&falls, period).last()?)
}

pub(crate) fn rsi_cutler(xs: &[f64], period: usize) -> Option<f64> {
    let (rises, falls) = rises_and_falls(xs);
    strength(sma(&rises, period)?, sma(&falls, period)?)
}

/// Every value of the line; the fast average is seeded with the newest of the slow one's seed.
pub(crate) fn macd_line(xs: &[f64], fast: usize, slow: usize) -> Vec<f64> {
    let Some(late) = xs.get(slow - fast..) else { return Vec::new() };
    emas(late, fast).iter().zip(emas(xs, slow)).map(|(fast, slow)| fast - slow).collect()
}

pub(crate) fn true_ranges(bars: &[GoldenBar]) -> Vec<f64> {
    let range = |w: &[GoldenBar]| w[1].high.max(w[0].close) - w[1].low.min(w[0].close);
    bars.windows(2).map(range).collect()
}

pub(crate) fn atr(bars: &[GoldenBar], period: usize) -> Option<f64> {
    wilders(&true_ranges(bars), period).last().copied()
}

/// Highest high and lowest low of the newest bars.
pub(crate) fn edges(bars: &[GoldenBar], period: usize) -> Option<(f64, f64)> {
    let window = &bars[bars.len().checked_sub(period)?..];
    let high = window.iter().map(|bar| bar.high).fold(f64::MIN, f64::max);
    Some((high, window.iter().map(|bar| bar.low).fold(f64::MAX, f64::min)))
}

pub(crate) fn middle(bars: &[GoldenBar], period: usize) -> Option<f64> {
    edges(bars, period).map(|(high, low)| (high + low) / 2.0)
}

pub(crate) fn choppiness(bars: &[GoldenBar], period: usize) -> Option<f64> {
    let ranges = true_ranges(bars);
    let way: f64 = newest(&ranges, period)?.iter().sum();
    let (high, low) = edges(bars, period)?;
    let index = 100.0 * (way / (high - low)).log10() / (period as f64).log10();
    (high > low).then(|| index.clamp(0.0, 100.0))
}

/// `(+DI, -DI)` and the ADX.
pub(crate) fn directions(bars: &[GoldenBar], period: usize) -> Vec<(f64, f64)> {
    let one_sided = |x: f64, other: f64| if x > other { x.max(0.0) } else { 0.0 };
    let moves = bars.windows(2).map(|w| (w[1].high - w[0].high, w[0].low - w[1].low));
    let plus: Vec<f64> = moves.clone().map(|(up, down)| one_sided(up, down)).collect();
    let minus: Vec<f64> = moves.map(|(up, down)| one_sided(down, up)).collect();
    let share = |dm: Vec<f64>| -> Vec<f64> {
        let ranges = wilders(&true_ranges(bars), period);
        let share = |(dm, range): (f64, f64)| if range > 0.0 { 100.0 * dm / range } else { 0.0 };
        wilders(&dm, period).into_iter().zip(ranges).map(share).collect()
    };
    share(plus).into_iter().zip(share(minus)).collect()
}

pub(crate) fn adx(bars: &[GoldenBar], period: usize) -> Option<f64> {
    let dx = |(p, m): &(f64, f64)| if p + m > 0.0 { 100.0 * (p - m).abs() / (p + m) } else { 0.0 };
    let dx: Vec<f64> = directions(bars, period).iter().map(dx).collect();
    wilders(&dx, period).last().copied()
}

pub(crate) fn returns(xs: &[f64]) -> Vec<f64> {
    xs.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
}

pub(crate) fn volatility(xs: &[f64], period: usize) -> Option<f64> {
    newest(&returns(xs), period).map(|window| 100.0 * sigma(window))
}

/// By the normal equations, as in the books.
pub(crate) fn slope(xs: &[f64], period: usize) -> Option<f64> {
    let window = newest(xs, period)?;
    let x: Vec<f64> = (0..period).map(|i| i as f64 - (period as f64 - 1.0) / 2.0).collect();
    let mean = mean(window);
    let xy: f64 = x.iter().zip(window).map(|(x, y)| x * (y - mean)).sum();
    Some(xy / x.iter().map(|x| x * x).sum::<f64>())
}

pub(crate) fn slope_pct(xs: &[f64], period: usize) -> Option<f64> {
    Some(100.0 * slope(xs, period)? / sma(xs, period)?)
}

pub(crate) fn strength_of_moves(xs: &[f64], period: usize) -> Option<f64> {
    let moves: Vec<f64> = changes(xs).into_iter().filter(|d| *d != 0.0).collect();
    newest(&moves, period)
        .map(|window| mean(&window.iter().map(|d| d.signum()).collect::<Vec<_>>()))
}

pub(crate) fn volumes(bars: &[GoldenBar]) -> Vec<f64> {
    bars.iter().map(|bar| bar.volume as f64).collect()
}

/// Mean volume of the newest bars over that of the bars before them.
pub(crate) fn volume_over(bars: &[GoldenBar], newest: usize, before: usize) -> Option<f64> {
    let volumes = volumes(bars);
    let split = volumes.len().checked_sub(newest)?;
    let usual = mean(&volumes[split.checked_sub(before)?..split]);
    (usual > 0.0).then(|| mean(&volumes[split..]) / usual)
}

pub(crate) fn correlation(xs: &[f64], ys: &[f64], period: usize) -> Option<f64> {
    let (xs, ys) = (newest(xs, period)?, newest(ys, period)?);
    let (mean_x, mean_y) = (mean(xs), mean(ys));
    let xy: f64 = xs.iter().zip(ys).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let (sx, sy) = (sigma(xs), sigma(ys));
    let rms = |xs: &[f64]| mean(&xs.iter().map(|x| x * x).collect::<Vec<_>>()).sqrt();
    let varies = sx > 1e-12 * rms(xs) && sy > 1e-12 * rms(ys);
    varies.then(|| xy / period as f64 / sx / sy)
}

pub(crate) fn alignment(xs: &[f64]) -> Option<f64> {
    let price = xs[xs.len() - 1];
    let (a, b, c) = (sma(xs, 20)?, sma(xs, 50)?, sma(xs, 200)?);
    let side = match b.partial_cmp(&c)? {
        Ordering::Greater => 1.0,
        Ordering::Less => -1.0,
        Ordering::Equal => return Some(0.0),
    };
    let above = |x: f64, y: f64| side * x > side * y;
    Some(match () {
        () if above(price, a) && above(a, b) => side,
        () if above(price, b) => 0.7 * side,
        () if above(price, c) => 0.4 * side,
        () => 0.1 * side,
    })
}
