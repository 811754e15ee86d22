//! Money, candles, parameters, sessions and orders.

use std::path::Path;

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::command::{Command, Origin};
use paperwire_core::ids::StratId;
use paperwire_core::time::ExchNs;
use paperwire_dashboard::source::{Order, Refusal};
use paperwire_dashboard::view::market::Candle;
use paperwire_dashboard::view::{EquityCurve, Fill, SessionRow, StrategyConfig};
use paperwire_history::model::Scale;
use paperwire_history::provider;
use paperwire_history::store::Retention;
use paperwire_run::history::stored_name;
use paperwire_run::told::Told;
use paperwire_run::totals::lock;
use serde_json::json;

use crate::desk::Desk;
use crate::views;

impl Desk {
    pub(super) fn candles_of(
        &self,
        symbol: &str,
        timeframe: &str,
        limit: usize,
    ) -> Result<Vec<Candle>, Refusal> {
        let instruments = &self.facts.instruments;
        let found = instruments.iter().position(|of| of.name.as_str() == symbol);
        let index =
            found.ok_or_else(|| Refusal::Missing(format!("no symbol {symbol:?} in this run")))?;
        let wanted = Timeframe::by_word(timeframe);
        let wanted = wanted.ok_or_else(|| {
            let known: Vec<&str> = Timeframe::ALL.iter().map(|of| of.as_str()).collect();
            Refusal::Bad(format!("tf: one of {}", known.join(", ")))
        })?;
        let forming = lock(&self.inbox).glance.symbols[index].forming;
        let kept = lock(&self.kept);
        let mut minutes: Vec<Bar> = kept.minutes[index].iter().copied().collect();
        let id = u16::try_from(index).expect("symbols are numbered in 16 bits");
        let older = kept.older.get(&(id, wanted as u8)).cloned().unwrap_or_default();
        drop(kept);
        let is_new = |bar: &Bar| minutes.last().is_none_or(|last| last.open_at < bar.open_at);
        minutes.extend(forming.filter(is_new));
        let fresh = views::joined(wanted, &minutes);
        let from = fresh.first().map_or(ExchNs::new(i64::MAX), |bar| bar.open_at);
        let mut bars: Vec<Bar> = older.into_iter().filter(|bar| bar.open_at < from).collect();
        let missing = limit.saturating_sub(bars.len() + fresh.len());
        let first = bars.first().map_or(from, |bar| bar.open_at);
        bars.splice(0..0, self.stored(index, wanted, first, missing));
        bars.extend(fresh);
        let skipped = bars.len().saturating_sub(limit);
        let last = bars.len().saturating_sub(1);
        let of = &instruments[index];
        let candle = |(at, bar): (usize, &Bar)| views::candle(of, bar, at == last);
        Ok(bars.iter().enumerate().skip(skipped).map(candle).collect())
    }

    /// Bars of earlier runs; none where nothing is kept or the store does not answer, which the host's view shows.
    fn stored(&self, symbol: usize, of: Timeframe, before: ExchNs, count: usize) -> Vec<Bar> {
        let Some((address, source)) = self.facts.store.as_ref().filter(|_| count > 0) else {
            return Vec::new();
        };
        let instrument = &self.facts.instruments[symbol];
        let name = stored_name(source, instrument.name.as_str());
        let read = || {
            let mut store = address.open(Retention::KEEP).ok()?;
            let series = provider::before(&mut *store, &name, of, before, count).ok()?;
            series.bars(Scale::of(instrument))
        };
        read().unwrap_or_default()
    }

    pub(super) fn equity_of(&self, strategy: &str) -> Result<EquityCurve, Refusal> {
        let index = self.strategy(strategy)?;
        let (at_ms, equity) = lock(&self.kept).curves[index].points().unzip();
        Ok(EquityCurve { strategy: strategy.to_owned(), at_ms, equity })
    }

    pub(super) fn fills_of(
        &self,
        strategy: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Fill>, Refusal> {
        let wanted = strategy.map(|name| self.strategy(name)).transpose()?;
        let kept = lock(&self.kept);
        let newest = kept.fills.iter().rev();
        let of = newest.filter(|(_, fill)| wanted.is_none_or(|of| fill.strategy.index() == of));
        Ok(of.take(limit).map(|fill| self.fill(fill)).collect())
    }

    pub(super) fn config_of(&self, strategy: &str) -> Result<StrategyConfig, Refusal> {
        let index = self.strategy(strategy)?;
        let name = &self.facts.names[index];
        let params = lock(&self.params);
        let live = &params[index];
        Ok(StrategyConfig {
            strategy: name.instance.clone(),
            version: name.version.clone(),
            sha256: name.sha256.clone(),
            symbols: self.facts.symbols[index].clone(),
            params: live.all().map(|(key, value)| (key.to_owned(), value)).collect(),
            reloadable: live.changeable().iter().map(|key| (*key).to_owned()).collect(),
        })
    }

    /// This session, then what lies in the folders of logs and of the tape.
    pub(super) fn sessions_here(&self) -> Vec<SessionRow> {
        let facts = &self.facts;
        let mut rows = vec![SessionRow {
            session: facts.session.clone(),
            kind: "running".to_owned(),
            path: facts.logs.as_deref().map_or_else(String::new, |path| path.display().to_string()),
            digest: Some(lock(&self.totals).tally.digest.hex()),
            ..SessionRow::default()
        }];
        if let Some(folder) = facts.logs.as_deref() {
            let folder = folder.join("trades");
            let logged = files(&folder, "jsonl");
            rows.extend(logged.filter_map(|(path, bytes, modified)| {
                let stem = path.file_stem()?.to_str()?.strip_prefix("fills_")?.to_owned();
                (stem != facts.session).then(|| SessionRow {
                    session: stem,
                    kind: "logged".to_owned(),
                    path: path.display().to_string(),
                    bytes,
                    modified,
                    ..SessionRow::default()
                })
            }));
        }
        let tapes = facts.tape.as_deref().and_then(Path::parent);
        for (path, bytes, modified) in tapes.into_iter().flat_map(|folder| files(folder, "tape")) {
            let shown = path.display().to_string();
            let is_own = facts.tape.as_deref() == Some(path.as_path());
            let digest =
                if is_own { Err("still being recorded".to_owned()) } else { digest(&path) };
            rows.push(SessionRow {
                session: path.file_stem().and_then(|of| of.to_str()).unwrap_or_default().to_owned(),
                kind: "recorded".to_owned(),
                replay: Some(format!("paperwire replay {shown} --verify")),
                path: shown,
                bytes,
                modified,
                digest: Some(digest.unwrap_or_else(|why| why)),
            });
        }
        rows[1..].sort_by(|a, b| b.modified.cmp(&a.modified));
        rows.truncate(SESSIONS_MAX);
        rows
    }

    /// Sends a command; who gave it goes to the log before it can take effect.
    pub(super) fn give(&self, order: &Order) -> Result<(), Refusal> {
        let index = order.target.as_deref().map(|name| self.strategy(name)).transpose()?;
        let id =
            index.map(|index| u16::try_from(index).expect("strategies are numbered in 16 bits"));
        let origin = if order.is_page { Origin::Dashboard } else { Origin::Api };
        let command = Command::Do { target: id.map(StratId), verb: order.verb, origin };
        let target = order.target.as_deref().unwrap_or("all");
        let verb = order.verb.as_str();
        let audit =
            json!({"verb": verb, "target": target, "origin": origin.as_str(), "by": order.by});
        let line = format!("{verb} {target} ordered over HTTP by {}", order.by);
        let told = Told { kind: "control", line: Some(line), record: Some(("control", audit)) };
        // The drain thread outlives the page.
        let _ = self.tell.send(told);
        lock(&self.commands).push(command).map_err(|_| {
            Refusal::Busy(format!("{verb} was not taken: too many commands wait; try again"))
        })
    }
}

const SESSIONS_MAX: usize = 200;

/// Files of a folder with this extension, their size and when they were written.
fn files(
    folder: &Path,
    extension: &str,
) -> impl Iterator<Item = (std::path::PathBuf, u64, String)> {
    // A folder that cannot be read has nothing to show.
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(move |entry| {
        let path = entry.path();
        let about = entry.metadata().ok()?;
        let modified = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let modified = ExchNs::new(i64::try_from(modified.as_nanos()).ok()?);
        (path.extension()? == extension)
            .then(|| (path.clone(), about.len(), views::instant(modified)))
    })
}

/// The digest that a finished tape says its replay must give.
fn digest(path: &Path) -> Result<String, String> {
    paperwire_replay::verify::recorded_digest(path)
}
