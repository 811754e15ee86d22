//! Parameters of the strategies of a run as they are now, and what a change of one needs.
//!
//! A change is checked here, as the strategy's own reader and ranges would check the configuration; only
//! a number travels to the engine. A strategy marks which of its parameters it reads afresh each time; the
//! others shape its memory at the start and need a new run.

use paperwire_core::command::ParamChange;
use paperwire_strategies::{ParamError, Registration};
use toml::{Table, Value};

/// Why a parameter stays as it is. The message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Not a parameter that may change in a running session.
    #[error("{key:?} does not change while {instance} runs; these do: {reloadable}")]
    Key {
        /// What was written.
        key: String,
        /// Whose.
        instance: String,
        /// What may change, with its values.
        reloadable: String,
    },
    /// Not a value of this parameter.
    #[error(transparent)]
    Value(#[from] ParamError),
}

/// The parameters of one strategy of the run.
#[derive(Clone, Debug)]
pub struct LiveParams {
    instance: String,
    registration: &'static Registration,
    /// Every one, those of the configuration over the strategy's own.
    now: Table,
}

impl LiveParams {
    /// Those of an instance at the start: what the configuration gives over the strategy's defaults.
    pub fn new(instance: &str, registration: &'static Registration, given: &Table) -> Self {
        let mut now = registration.default_params();
        now.extend(given.clone());
        Self { instance: instance.to_owned(), registration, now }
    }

    /// Its name in the run.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Every parameter, as in the configuration.
    pub fn all(&self) -> impl Iterator<Item = (&str, String)> {
        self.now.iter().map(|(key, value)| (key.as_str(), value.to_string()))
    }

    /// Names of those that may change.
    pub const fn changeable(&self) -> &'static [&'static str] {
        self.registration.reloadable
    }

    /// What may change, as `key = value`.
    pub fn reloadable(&self) -> String {
        if self.registration.reloadable.is_empty() {
            return "none".to_owned();
        }
        let one = |key: &&str| format!("{key} = {}", self.now[*key]);
        self.registration.reloadable.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Checks a new value, written as in the configuration. Nothing changes before [`Self::take`].
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn check(&self, key: &str, text: &str) -> Result<Checked, ChangeError> {
        let place = (0u16..).zip(self.registration.reloadable).find(|(_, known)| **known == key);
        let Some((place, key)) = place else {
            let (key, instance) = (key.to_owned(), self.instance.clone());
            return Err(ChangeError::Key { key, instance, reloadable: self.reloadable() });
        };
        let value = paperwire_config::scalar(text);
        let mut changed = self.now.clone();
        changed.insert((*key).to_owned(), value.clone());
        self.registration.make(&changed)?;
        let number = match value {
            Value::Float(number) => number,
            Value::Boolean(flag) => f64::from(u8::from(flag)),
            // Whole parameters are counts and seconds: far below 2^53.
            #[expect(clippy::cast_precision_loss, reason = "its range was checked")]
            Value::Integer(whole) => whole as f64,
            _ => unreachable!("parameters that may change are numbers or flags"),
        };
        let change = ParamChange { key: place, value: number };
        Ok(Checked { change, key, before: self.now[*key].to_string(), now: changed })
    }

    /// Takes a checked change on, once it is on its way to the engine.
    pub fn take(&mut self, checked: Checked) {
        self.now = checked.now;
    }
}

/// A change that the strategy will accept.
#[derive(Clone, Debug)]
pub struct Checked {
    /// For the engine.
    pub change: ParamChange,
    /// The parameter.
    pub key: &'static str,
    /// Its value so far, as in the configuration.
    pub before: String,
    now: Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> LiveParams {
        let registration = paperwire_strategies::find("flow_pulse").unwrap();
        let given = "threshold = 0.5".parse().unwrap();
        LiveParams::new("flow_pulse#b", registration, &given)
    }

    #[test]
    fn a_change_is_checked_like_the_configuration_and_then_stands() {
        let mut live = live();
        let checked = live.check("threshold", "0.25").unwrap();
        assert_eq!((checked.key, checked.before.as_str()), ("threshold", "0.5"));
        assert_eq!(checked.change, ParamChange { key: 1, value: 0.25 });
        assert!(live.reloadable().contains("threshold = 0.5"), "nothing before it is taken");
        live.take(checked);
        assert_eq!(live.check("threshold", "1").unwrap().before, "0.25");
        let change = ParamChange { key: 6, value: 3.0 };
        assert_eq!(live.check("cooldown_s", "3").unwrap().change, change);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_remedy() {
        let live = live();
        let refused = |key: &str, text: &str| live.check(key, text).unwrap_err().to_string();
        let message = refused("thresh", "0.2");
        assert!(message.starts_with("\"thresh\" does not change while flow_pulse#b runs; these"));
        assert!(message.contains("threshold = 0.5, position_usd = 20.0"), "{message}");
        assert!(refused("threshold", "2").contains("threshold: 2.0 is not within 0.0 to 1.0"));
        assert!(refused("threshold", "much").contains("invalid type"));
        assert!(refused("threshold", "nan").contains("not within"));
        assert!(refused("window", "20.5").contains("invalid type"));
        assert!(refused("cooldown_s", "-1").contains("cooldown_s"));
    }

    #[test]
    fn every_key_that_may_change_is_a_number_or_a_flag_that_the_strategy_takes() {
        for registration in paperwire_strategies::all() {
            let live = LiveParams::new(registration.name, registration, &Table::new());
            let mut strategy = registration.make(&Table::new()).unwrap();
            for key in registration.reloadable {
                let text = registration.default_params()[*key].to_string();
                let checked = live.check(key, &text).unwrap();
                assert!(strategy.on_param(checked.change), "{}.{key}", registration.name);
            }
            let key = u16::try_from(registration.reloadable.len()).unwrap();
            assert!(!strategy.on_param(ParamChange { key, value: 0.0 }), "{}", registration.name);
        }
    }
}
