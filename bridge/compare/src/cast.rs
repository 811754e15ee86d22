//! Which strategies a process runs, and with what configuration.

use paperwire_config::Config;
use paperwire_replay::error::RunError;
use paperwire_replay::setup::{self, Chosen, SetupError};
use toml::{Table, Value};

use crate::plan::Kind;

/// The two strategies in the order of their names, and who else runs beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// In the order of their names: everything is drawn, run and summed in this order.
    pub names: [String; 2],
    /// The other strategies of the session, each once.
    pub company: Vec<String>,
}

impl Cast {
    /// Two instances, alone.
    pub fn alone(a: &str, b: &str) -> Self {
        let mut names = [a.to_owned(), b.to_owned()];
        names.sort_unstable();
        Self { names, company: Vec::new() }
    }

    /// The same beside the strategies of a session.
    #[must_use]
    pub fn among(self, session: &[String]) -> Self {
        let others = session.iter().filter(|name| !self.names.contains(name));
        Self { company: others.cloned().collect(), ..self }
    }

    /// The two that a process of this kind measures.
    pub fn arms(&self, kind: Kind) -> [String; 2] {
        let [first, second] = &self.names;
        match kind {
            Kind::Pair => self.names.clone(),
            Kind::TwinA => [first.clone(), self.twin(first)],
            Kind::TwinB => [second.clone(), self.twin(second)],
        }
    }

    /// A second instance, under a name that nobody has.
    fn twin(&self, name: &str) -> String {
        let mut twin = format!("{name}{}again", if name.contains('#') { '.' } else { '#' });
        while self.names.contains(&twin) || self.company.contains(&twin) {
            twin.push('_');
        }
        twin
    }

    /// Refuses sections of strategies that are like one of the two and are neither.
    ///
    /// # Errors
    /// [`SetupError::Unused`]: a label that nobody has would leave two instances alike that were meant to differ.
    pub fn check(&self, given: &Config) -> Result<(), RunError> {
        let is_stray = |key: &&String| {
            !self.is_of(key, Kind::Pair) && self.names.iter().any(|name| plain(name) == plain(key))
        };
        match given.strategies.keys().find(is_stray) {
            Some(stray) => Err(SetupError::Unused(stray.clone()).into()),
            None => Ok(()),
        }
    }

    /// Whether a section belongs to somebody of this cast.
    fn is_of(&self, key: &str, kind: Kind) -> bool {
        let arms = self.arms(kind);
        let all = arms.iter().chain(&self.company);
        all.into_iter().any(|name| key == name || key == plain(name))
    }

    /// The configuration of a process as TOML: that of the session with this cast in the place of its
    /// strategies. Sections of the given configuration win over those of the session.
    ///
    /// # Errors
    /// [`RunError::Config`] when either is no TOML, which a checked configuration always is.
    pub fn config(
        &self,
        session: &Config,
        given: &Config,
        kind: Kind,
        is_swapped: bool,
    ) -> Result<String, RunError> {
        let tree = |config: &Config| {
            config.to_toml().parse::<Table>().map_err(|error| RunError::Config(error.to_string()))
        };
        let (mut tree, given) = (tree(session)?, tree(given)?);
        let sections = |tree: &Table| {
            let all = tree.get("strategy").and_then(Value::as_table).cloned().unwrap_or_default();
            all.into_iter().filter(|(key, _)| self.is_of(key, kind)).collect::<Table>()
        };
        let mut all = sections(&tree);
        all.extend(sections(&given));
        let mut arms = self.arms(kind);
        if kind != Kind::Pair
            && let Some(section) = all.get(&arms[0]).cloned()
        {
            all.insert(arms[1].clone(), section);
        }
        if is_swapped {
            arms.reverse();
        }
        let names = arms.iter().chain(&self.company).cloned().map(Value::String);
        table(&mut tree, "session").insert("strategies".to_owned(), Value::Array(names.collect()));
        tree.insert("strategy".to_owned(), Value::Table(all));
        // A process of a comparison serves no page, rings nobody and writes no log.
        tree.remove("dashboard");
        tree.remove("alerts");
        table(&mut tree, "logs").insert("dir".to_owned(), Value::String(String::new()));
        Ok(tree.to_string())
    }
}

fn table<'a>(tree: &'a mut Table, key: &str) -> &'a mut Table {
    let entry = tree.entry(key).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    entry.as_table_mut().expect("it was just made one")
}

fn plain(name: &str) -> &str {
    name.split('#').next().unwrap_or(name)
}

/// A word about two that do not differ.
pub fn same(chosen: [&Chosen; 2]) -> Option<String> {
    chosen[0].is_same_as(chosen[1]).then(|| {
        "A and B are one strategy with the same parameters: whatever is found is the machine's"
            .to_owned()
    })
}

/// Only what sees the same ticks is compared.
///
/// # Errors
/// [`RunError::Config`] with the setting that makes them see the same.
pub fn same_symbols(chosen: [&Chosen; 2], symbols: &[&str]) -> Result<(), RunError> {
    let of = |arm: usize| symbols.iter().copied().filter(move |symbol| chosen[arm].trades(symbol));
    let (a, b): (Vec<&str>, Vec<&str>) = (of(0).collect(), of(1).collect());
    if a == b {
        return Ok(());
    }
    let common: Vec<&str> = a.iter().copied().filter(|symbol| b.contains(symbol)).collect();
    let (name_a, name_b) = (&chosen[0].instance, &chosen[1].instance);
    let wider = if a.len() > common.len() { name_a } else { name_b };
    Err(RunError::Config(format!(
        "{name_a} trades {} and {name_b} {}: they would not see the same ticks; add --set \
         'strategy.{wider}.symbols=[\"{}\"]'",
        a.join(", "),
        b.join(", "),
        common.join("\",\""),
    )))
}

/// The strategies of a process's configuration, the two that are compared first.
///
/// # Errors
/// Whatever a run would refuse.
pub fn choose(config: &str) -> Result<(Config, Vec<Chosen>), RunError> {
    let config = Config::from_effective(config, &[]);
    let config = config.map_err(|error| RunError::Config(error.to_string()))?;
    let chosen = setup::choose(&config)?;
    Ok((config, chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(sections: &str) -> Config {
        let defaults = Config::load(None, std::iter::empty(), &[]).unwrap().to_toml();
        Config::from_effective(&format!("{defaults}\n{sections}"), &[]).unwrap()
    }

    #[test]
    fn a_twin_is_what_its_strategy_is_and_the_given_configuration_wins_over_the_recorded_one() {
        let recorded = config(
            "[strategy.\"order_flow#x\".params]\nlosses_max = 5\n[strategy.wavetrend]\nregime = true",
        );
        let given = config("[strategy.order_flow.params]\nlosses_max = 7");
        let cast = Cast::alone("order_flow#x", "order_flow");
        assert_eq!(cast.names, ["order_flow", "order_flow#x"], "in the order of their names");
        let of = |kind| choose(&cast.config(&recorded, &given, kind, false).unwrap()).unwrap();
        let (pair, chosen) = of(Kind::Pair);
        assert!(!chosen[0].is_same_as(&chosen[1]));
        let losses_max = |of: &str| pair.strategies[of].params["losses_max"].as_integer();
        assert_eq!((losses_max("order_flow"), losses_max("order_flow#x")), (Some(7), Some(5)));
        assert!(!pair.strategies.contains_key("wavetrend"));
        for (kind, twin) in [(Kind::TwinA, "order_flow#again"), (Kind::TwinB, "order_flow#x.again")]
        {
            let (config, chosen) = of(kind);
            assert_eq!(config.session.strategies[1], twin);
            assert!(chosen[0].is_same_as(&chosen[1]), "{kind:?}");
        }
        let swapped = cast.config(&recorded, &given, Kind::Pair, true).unwrap();
        let (swapped, _) = choose(&swapped).unwrap();
        assert_eq!(swapped.session.strategies, ["order_flow#x", "order_flow"]);
    }

    #[test]
    fn company_stands_beside_the_two_once_each_and_a_twin_takes_nobodys_name() {
        let given = config("[strategy.wavetrend]\nregime = true");
        let session = ["wavetrend", "order_flow", "order_flow#again"].map(str::to_owned);
        let cast = Cast::alone("order_flow", "market_making").among(&session);
        assert_eq!(cast.company, ["wavetrend", "order_flow#again"]);
        assert_eq!(cast.arms(Kind::TwinB), ["order_flow", "order_flow#again_"]);
        let text = cast.config(&given, &given, Kind::TwinA, false).unwrap();
        let (config, _) = choose(&text).unwrap();
        let names = ["market_making", "market_making#again", "wavetrend", "order_flow#again"];
        assert_eq!(config.session.strategies, names);
        assert!(config.strategies.contains_key("wavetrend"));
    }

    #[test]
    fn a_section_of_a_label_that_nobody_has_is_refused() {
        let cast = Cast::alone("order_flow", "order_flow#b");
        let stray = config("[strategy.\"order_flow#c\".params]\npersistence = 3");
        assert!(cast.check(&stray).unwrap_err().to_string().contains("order_flow#c"));
        assert!(cast.check(&config("[strategy.wavetrend]\nregime = true")).is_ok());
    }
}
