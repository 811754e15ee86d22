//! Times and speeds as they are written on the command line.

use paperwire_config::DURATION_MAX_S;
use paperwire_replay::error::RunError;

/// `90s`, `15m`, `8h` or plain seconds.
///
/// # Errors
/// [`RunError::Config`] for anything else.
pub(crate) fn seconds_of(text: &str) -> Result<i64, RunError> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[split..] {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let seconds = text[..split].parse::<i64>().ok().and_then(|n| n.checked_mul(unit));
    let most = i64::try_from(DURATION_MAX_S).unwrap_or(i64::MAX);
    match seconds {
        Some(seconds) if unit > 0 && seconds <= most => Ok(seconds),
        Some(_) if unit > 0 => {
            Err(RunError::Config(format!("--duration {text}: expected ten years at most")))
        }
        _ => Err(RunError::Config(format!("--duration {text}: expected 90s, 15m or 8h"))),
    }
}

/// `max` (none), `1x`, `10x` or a plain factor.
///
/// # Errors
/// [`RunError::Config`] for anything else.
pub(crate) fn speed_of(text: &str) -> Result<Option<f64>, RunError> {
    if text == "max" {
        return Ok(None);
    }
    let factor = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
    match factor.filter(|factor| factor.is_finite() && *factor > 0.0) {
        Some(factor) => Ok(Some(factor)),
        None => Err(RunError::Config(format!("--speed {text}: expected max, 1x or 10x"))),
    }
}
