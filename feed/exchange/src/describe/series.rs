//! Statistics of number series: quantiles, autocorrelation, kurtosis, slopes.

/// The value below which a share `q` of the numbers lies; `None` without numbers.
pub(super) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "series are far shorter than 2^53")]
    let at = (q * last as f64).round();
    #[expect(clippy::cast_possible_truncation, reason = "a place within the series")]
    #[expect(clippy::cast_sign_loss, reason = "a place within the series")]
    let at = at as usize;
    sorted.get(at.min(last)).copied()
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

/// Autocorrelation at a lag; `None` for a series without variance or shorter than ten lags.
pub(super) fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    if values.len() < 10 * lag {
        return None;
    }
    let mean = mean(values)?;
    let total: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    let pairs = values.iter().zip(values.iter().skip(lag));
    let shared: f64 = pairs.map(|(x, y)| (x - mean) * (y - mean)).sum();
    (total > 0.0).then(|| shared / total)
}

/// Fourth moment over the squared second, less the 3 of a normal distribution.
pub(super) fn excess_kurtosis(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let moment = |power: i32| {
        values.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / count(values.len())
    };
    let variance = moment(2);
    (values.len() >= 100 && variance > 0.0).then(|| moment(4) / (variance * variance) - 3.0)
}

pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: Vec<f64> = values.iter().map(|x| (x - mean) * (x - mean)).collect();
    self::mean(&squares).map(f64::sqrt)
}

/// Logarithmic changes over `step` samples.
pub(super) fn returns(prices: &[f64], step: usize) -> Vec<f64> {
    let samples: Vec<f64> = prices.iter().step_by(step).copied().collect();
    samples.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "series are far shorter than 2^53")]
pub(super) const fn count(len: usize) -> f64 {
    len as f64
}
