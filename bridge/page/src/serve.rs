//! The page as a session's spectator: takes its seat, serves, and leaves.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use paperwire_config::conditions::Conditions;
use paperwire_config::{Config, PAGE_CONNECTIONS_MAX};
use paperwire_core::latency::{Bank, Stage};
use paperwire_dashboard::alert::Watch;
use paperwire_dashboard::{ServeError, Server};
use paperwire_doctor::descriptors;
use paperwire_history::store::Address;
use paperwire_replay::error::RunError;
use paperwire_replay::setup::{self, Chosen};
use paperwire_rt::clock::utc_now;
use paperwire_rt::descriptors::raise_limit;
use paperwire_run::sink::Sink;
use paperwire_run::sinks::inbox::{Inbox, InboxSink};
use paperwire_run::spectator::{Seat, Spectator, Watched};
use paperwire_run::totals::lock;

use crate::alerts::Messengers;
use crate::desk::{Desk, Facts};
use crate::kept::Kept;

/// The limit of descriptors where the system does not say it.
const DESCRIPTORS_USUAL: usize = 1024;

/// The page of a session; nothing is served before it has a seat.
#[derive(Debug, Default)]
pub struct Page {
    served: Option<(Server, Arc<Desk>)>,
}

impl Spectator for Page {
    /// Starts to serve.
    fn sit(&mut self, seat: Seat<'_>) -> Result<Box<dyn Sink>, RunError> {
        let facts = facts(&seat);
        let (symbols, strategies) = (facts.instruments.len(), facts.names.len());
        let names = facts.names.iter().map(|name| name.instance.clone());
        let kept = Kept::new(names, symbols, seat.history);
        let section = &facts.dashboard;
        let every = Duration::from_secs_f64(1.0 / section.updates_per_s);
        let limit = raise_limit().map_or(DESCRIPTORS_USUAL, |limits| limits.limit);
        let connections = descriptors::for_page(limit, strategies, PAGE_CONNECTIONS_MAX);
        let settings = section.settings(connections);
        let inbox = Arc::new(Mutex::new(Inbox::new(symbols, strategies, facts.budget)));
        let desk = Arc::new(Desk {
            facts,
            started: seat.clock.now(),
            started_utc: utc_now(),
            clock: seat.clock.clone(),
            totals: seat.totals.clone(),
            inbox: inbox.clone(),
            tell: seat.tell.clone(),
            commands: seat.commands.clone(),
            params: seat.params.clone(),
            store: seat.store,
            threads: Mutex::default(),
            kept: Mutex::new(kept),
        });
        let server = Server::start(&settings, desk.clone());
        let server = server.map_err(|error| RunError::Config(error.to_string()))?;
        let messengers = Messengers::start(server.handle(), &desk);
        let mut watch = Watch::new(desk.facts.alerts.rules);
        let (publisher, looking) = (server.publisher(), desk.clone());
        server.handle().spawn(async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            // Between the bridge and the page: what the bridge does not measure itself.
            let mut own = Bank::new(&[Stage::Drained, Stage::Published], 0);
            loop {
                ticks.tick().await;
                let second = looking.seconds();
                let alerts = looking.publish(&publisher, &mut own, |of| watch.look(of, second));
                alerts.iter().for_each(|alert| messengers.send(alert));
            }
        });
        self.served = Some((server, desk));
        Ok(Box::new(InboxSink::new(inbox, seat.glances)))
    }

    /// Shows the threads; says where a browser finds it.
    fn begin(&mut self, threads: Vec<Watched>) -> String {
        let (server, desk) = self.served.as_ref().expect("a page has a seat before it begins");
        *lock(&desk.threads) = threads;
        format!("dashboard at http://{}", server.address())
    }

    /// Tells the listeners that it is over.
    fn leave(&mut self) {
        if let Some((server, _)) = self.served.take() {
            server.stop();
        }
    }
}

/// What the page shows and never changes.
fn facts(seat: &Seat<'_>) -> Facts {
    let config = seat.config;
    let trades = |of: &Chosen| {
        let symbols = config.session.symbols.iter().filter(|symbol| of.trades(symbol));
        symbols.cloned().collect()
    };
    // The built-in market makes up another past at each start.
    let is_lasting = seat.store.is_some() && config.session.source != "exchange";
    let address = is_lasting.then(|| Address::parse(&config.history.url).ok()).flatten();
    Facts {
        session: seat.session.to_owned(),
        source: seat.source.to_owned(),
        config_sha256: config.hash(),
        numeraire: config.session.numeraire.clone(),
        conditions: Conditions::of(config).to_string(),
        names: setup::names(seat.chosen),
        symbols: seat.chosen.iter().map(trades).collect(),
        instruments: seat.instruments.to_vec(),
        host: seat.host.clone(),
        tape: seat.tape.map(PathBuf::from),
        logs: Some(&config.logs.dir).filter(|dir| !dir.is_empty()).map(PathBuf::from),
        store: address.map(|address| (address, config.source_name())),
        budget: config.threads.strategy_budget,
        dashboard: config.dashboard.clone(),
        alerts: config.alerts.clone(),
    }
}

/// What a run refuses before it serves: who may see the page, and whether this machine has its address.
///
/// # Errors
/// [`RunError::Config`], of which the message names the key and what to write.
pub fn check(config: &Config) -> Result<(), RunError> {
    if !config.dashboard.enabled {
        return Ok(());
    }
    let settings = config.dashboard.settings(1);
    settings.check().map_err(|error| RunError::Config(error.to_string()))?;
    // Taken and given back: a port that is in use now may be free at the start.
    match TcpListener::bind(settings.bind) {
        Err(error) if error.kind() != ErrorKind::AddrInUse => {
            let bind = settings.bind;
            let error = ServeError::Bind { bind, error };
            Err(RunError::Config(error.to_string()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(sets: &[(&str, &str)]) -> Result<(), String> {
        let quiet = [("dashboard.bind", "127.0.0.1:0")];
        let set = |(key, text): &(&str, &str)| ((*key).to_owned(), Config::value_of(key, text));
        let sets = quiet.iter().chain(sets).map(set);
        let config = Config::load(None, std::iter::empty(), &sets.collect::<Vec<_>>());
        let config = config.map_err(|error| error.to_string())?;
        check(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn what_serving_would_refuse_is_refused_before_it() {
        assert_eq!(check_of(&[]), Ok(()));
        for (sets, message) in [
            (&[("dashboard.bind", "0.0.0.0:0")][..], "has no token"),
            (&[("dashboard.token", "short")], "has 5 characters; 16 or more"),
            (&[("dashboard.token", "                ")], "without spaces"),
            (&[("dashboard.token", "aaaaaaaaaaaaaaaa")], "eight different characters"),
            (&[("dashboard.token", "geheimnisvoll\u{e4}\u{f6}\u{fc}")], "ASCII"),
            (
                &[("dashboard.bind", "192.0.2.1:0"), ("dashboard.token", "0123456789abcdef")],
                "cannot listen",
            ),
        ] {
            let found = check_of(sets).expect_err(message);
            assert!(found.contains(message), "{sets:?}: {found}");
        }
        // What is switched off is not asked.
        let off = [("dashboard.enabled", "false"), ("dashboard.bind", "0.0.0.0:0")];
        assert_eq!(check_of(&off), Ok(()));
    }
}
