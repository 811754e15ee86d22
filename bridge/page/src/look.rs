//! One look at the session, and its publication.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use paperwire_core::glance::SymbolGlance;
use paperwire_core::instrument::TradingStatus;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::{MARKET_RING_LEN, REPORT_RING_LEN};
use paperwire_core::market::BookStatus;
use paperwire_core::time::HostNs;
use paperwire_dashboard::Publisher;
use paperwire_dashboard::alert::Alert;
use paperwire_dashboard::source::Measure;
use paperwire_dashboard::view::host::{Finding, History, Host, Queue, Thread};
use paperwire_dashboard::view::{self, Session, Snapshot, StageRow};
use paperwire_doctor::Grade;
use paperwire_feed::market::Counters;
use paperwire_history::writer::WriterStats;
use paperwire_replay::record::money;
use paperwire_replay::report::{Ranking, Verdict};
use paperwire_rt::alloc_guard;
use paperwire_rt::runner::Wait;
use paperwire_rt::watch::ran_and_waited;
use paperwire_run::sinks::inbox::{Fresh, Way, pack};
use paperwire_run::totals::lock;

use crate::desk::Desk;
use crate::kept::Kept;
use crate::tails;
use crate::views;

/// Fills of a snapshot.
const FILLS_SHOWN: usize = 100;
/// Events of a snapshot.
const EVENTS_SHOWN: usize = 100;

/// What is copied while the drain thread waits.
struct Copied {
    fresh: Fresh,
    strategies: Vec<view::Strategy>,
    aggregate: view::Aggregate,
    equities: Vec<f64>,
    positions: Vec<view::Position>,
    markets: Vec<view::Market>,
    regime: view::Regime,
    exchange: String,
    mode: String,
    counters: Counters,
    raw_lost: u64,
    /// Rings, counters and the history writer.
    host: Host,
    digest: String,
}

impl Desk {
    /// Looks, keeps, and shows.
    pub(super) fn publish(
        &self,
        publisher: &Publisher,
        own: &mut Bank,
        watch: impl FnOnce(&Snapshot) -> Vec<Alert>,
    ) -> Vec<Alert> {
        let copied = self.copy();
        let now = self.clock.now();
        // Read afresh each time: the two clocks drift apart within a day.
        let relation = self.clock.relation();
        let wall_ms = views::millis(relation.to_utc(now));
        let mut kept = lock(&self.kept);
        kept.take(&copied.fresh, &relation);
        kept.equity(wall_ms, copied.equities.iter().copied());
        let fills: Vec<view::Fill> =
            copied.fresh.fills.iter().map(|fill| self.fill(fill)).collect();
        let ways = copied.fresh.ways.clone();
        let snapshot = self.snapshot(copied, &mut kept, publisher.listeners(), now);
        drop(kept);
        fills.iter().for_each(|fill| publisher.fill(fill));
        let alerts = watch(&snapshot);
        publisher.publish(snapshot);
        self.measure(&ways, own);
        alerts
    }

    /// Reports are on the page from now on.
    fn measure(&self, ways: &std::collections::VecDeque<Way>, own: &mut Bank) {
        let now = self.clock.now();
        for way in ways {
            own.stage(Stage::Drained).record(way.arrived, way.made, way.drained);
            if way.is_fill {
                own.stage(Stage::Published).record(way.arrived, way.drained, now);
            }
        }
        let packed = pack(own);
        let mut totals = lock(&self.totals);
        for way in ways.iter().filter(|way| way.is_fill) {
            totals.tally.bank.stage(Stage::Published).record(way.arrived, way.drained, now);
        }
        drop(totals);
        own.clear();
        lock(&self.kept).tails.take(views::now_s(), &packed);
    }

    pub(super) fn fill(
        &self,
        (seq, fill): &(paperwire_core::event::Seq, paperwire_core::account::Fill),
    ) -> view::Fill {
        let name = &self.facts.names[fill.strategy.index()].instance;
        views::fill(*seq, fill, name, &self.facts.instruments[fill.symbol.index()])
    }

    fn copy(&self) -> Copied {
        // In the drain thread's order: it fills the inbox while it holds the totals.
        let totals = lock(&self.totals);
        let mut inbox = lock(&self.inbox);
        let fresh = std::mem::take(&mut inbox.fresh);
        let (tally, glance) = (&totals.tally, &inbox.glance);
        let ranking = Ranking::of(tally);
        let instruments = &self.facts.instruments;
        let mut strategies: Vec<view::Strategy> = Vec::with_capacity(tally.accounts.len());
        let mut positions = Vec::new();
        for (index, row) in tally.accounts.iter().enumerate() {
            let name = &self.facts.names[index];
            let long_calls = tally.judged.strategies.get(index);
            let band: Option<Vec<_>> =
                tally.brackets[index].iter().map(|row| row.map(|row| row.profit)).collect();
            let band = band.and_then(|band| Some([*band.iter().min()?, *band.iter().max()?]));
            strategies.push(view::Strategy {
                name: name.instance.clone(),
                version: name.version.clone(),
                sha256: name.sha256.clone(),
                rank: ranking.rank(index),
                rank_robust: match ranking.verdict(index) {
                    Verdict::Open => None,
                    verdict => Some(verdict == Verdict::Robust),
                },
                pnl_band: band.map(|band| band.map(money)),
                budget_misses: inbox.misses[index],
                long_calls_host: long_calls.map_or(0, |of| of.host),
                long_calls_own: long_calls.map_or(0, |of| of.strategy),
                long_calls_unknown: long_calls.map_or(0, |of| of.unknown),
                ..views::account(row)
            });
            let held = instruments.iter().zip(&tally.positions[index]);
            positions.extend(held.filter_map(|(of, row)| views::position(&name.instance, of, row)));
        }
        let seen = tally.markets.iter().zip(&glance.symbols);
        let markets = instruments.iter().zip(seen);
        Copied {
            fresh,
            strategies,
            aggregate: views::aggregate(&tally.accounts),
            equities: tally.accounts.iter().map(|row| row.equity.to_num()).collect(),
            positions,
            markets: markets
                .map(|(of, (row, seen))| views::market(of, row, seen, glance.at))
                .collect(),
            regime: views::regime(instruments, glance),
            exchange: views::instant(glance.at),
            mode: mode(&glance.symbols).to_owned(),
            counters: totals.counters,
            raw_lost: totals.raw_lost,
            host: Host {
                queues: vec![
                    queue("market events", MARKET_RING_LEN, glance.waiting),
                    queue("reports", REPORT_RING_LEN, inbox.reports),
                ],
                history: self.store.as_deref().map(history),
                feed: feed(&totals.counters),
                recording_lost: totals.raw_lost,
                ..Host::default()
            },
            digest: tally.digest.hex(),
        }
    }

    fn snapshot(&self, of: Copied, kept: &mut Kept, listeners: usize, now: HostNs) -> Snapshot {
        let both = |row: usize| {
            let summary = |measure| tails::summary(kept.tails.total(row, measure));
            [summary(Measure::Service), summary(Measure::Response)]
        };
        let mut strategies = of.strategies;
        for (index, strategy) in strategies.iter_mut().enumerate() {
            let [service, response] = both(Stage::ALL.len() + index);
            strategy.service_ns = service;
            strategy.response_ns = response;
            strategy.sparkline = kept.curves[index].sparkline();
        }
        strategies.sort_by_key(|strategy| strategy.rank);
        let stages = Stage::ALL.iter().filter_map(|stage| {
            let [service_ns, response_ns] = both(*stage as usize);
            let name = stage.as_str().to_owned();
            (service_ns.count > 0).then_some(StageRow { name, service_ns, response_ns })
        });
        let stages: Vec<StageRow> = stages.collect();
        let host = self.host(of.host, listeners, kept, now);
        let facts = &self.facts;
        let lost = of.counters.dropped_trades + of.counters.conflated + of.raw_lost;
        let session = Session {
            session: facts.session.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: of.mode,
            source: facts.source.clone(),
            started: views::instant(self.started_utc),
            uptime_s: std::time::Duration::from_nanos(now.since(self.started).raw()).as_secs_f64(),
            now: views::instant(self.clock.relation().to_utc(now)),
            exchange: of.exchange,
            config_sha256: facts.config_sha256.clone(),
            numeraire: facts.numeraire.clone(),
            conditions: facts.conditions.clone(),
            doctor_grade: facts.host.grade.to_string(),
            clock_synced: paperwire_rt::host::clock_sync().ok().map(|clock| clock.is_synced),
            drops: lost,
            digest: of.digest,
            tape: facts.tape.as_ref().map(|tape| tape.display().to_string()),
            needs_login: facts.dashboard.token.is_some(),
            updates_per_s: facts.dashboard.updates_per_s,
        };
        let fills = kept.fills.iter().rev().take(FILLS_SHOWN).rev();
        Snapshot {
            session,
            aggregate: of.aggregate,
            strategies,
            markets: of.markets,
            positions: of.positions,
            regime: of.regime,
            stages,
            host,
            fills: fills.map(|fill| self.fill(fill)).collect(),
            events: kept.events.iter().rev().take(EVENTS_SHOWN).rev().cloned().collect(),
        }
    }

    /// What was copied of the machine, with what nobody has to wait for.
    fn host(&self, copied: Host, listeners: usize, kept: &mut Kept, now: HostNs) -> Host {
        let examined = &self.facts.host;
        let mut grades: BTreeMap<String, usize> = BTreeMap::new();
        for finding in &examined.findings {
            *grades.entry(word(finding.grade).to_owned()).or_default() += 1;
        }
        let wrong =
            examined.findings.iter().filter(|of| matches!(of.grade, Grade::Warn | Grade::Fail));
        let finding = |of: &paperwire_doctor::Finding| Finding {
            number: of.number,
            name: of.name.to_owned(),
            grade: word(of.grade).to_owned(),
            read: of.read.clone(),
            why: of.why.to_owned(),
            fix: of.fix.as_ref().map(ToString::to_string),
        };
        let thread = |of: &paperwire_run::spectator::Watched| Thread {
            name: of.name.to_owned(),
            core: of.runner.core.filter(|_| of.stats.is_pinned()),
            wait: of.runner.wait.as_str().to_owned(),
            steps: of.stats.steps(),
            hiccups: (of.runner.wait == Wait::Spin).then(|| of.stats.hiccups()),
            hiccup_total_ns: of.stats.lost().raw(),
            hiccup_max_ns: of.stats.hiccup_max().raw(),
        };
        Host {
            grade: examined.grade.to_string(),
            fingerprint: format!("{} ({})", examined.fingerprint.hash, examined.fingerprint.cpu),
            grades,
            findings: wrong.map(finding).collect(),
            threads: lock(&self.threads).iter().map(thread).collect(),
            hot_allocs_total: alloc_guard::hot_allocs_total(),
            rss_bytes: rss_bytes(),
            probe_ns: examined.probe_tax.map(|tax| tax.event_ns),
            page_cpu_pct: page_cpu(kept, now),
            page_clients: listeners,
            ..copied
        }
    }
}

/// The word for all symbols together. A pair that is closed has no book to miss.
fn mode(symbols: &[SymbolGlance]) -> &'static str {
    let is_dark = |seen: &SymbolGlance| {
        seen.status != BookStatus::Live && seen.trading != TradingStatus::Closed
    };
    match () {
        () if symbols.iter().any(is_dark) => "STALE",
        () if symbols.iter().any(|seen| seen.trading != TradingStatus::Online) => "RESTRICTED",
        () => "LIVE",
    }
}

fn history(of: &WriterStats) -> History {
    let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
    History {
        is_reachable: !of.is_away.load(Ordering::Relaxed),
        taken: read(&of.taken),
        waiting: read(&of.waiting),
        lag_ms: read(&of.lag_ms),
        spilled_bytes: read(&of.spilled_bytes),
        dropped: read(&of.dropped),
    }
}

fn queue(name: &str, capacity: usize, [len, high_water]: [usize; 2]) -> Queue {
    Queue { name: name.to_owned(), capacity, len, high_water }
}

const fn word(of: Grade) -> &'static str {
    match of {
        Grade::Good => "good",
        Grade::Info => "info",
        Grade::Warn => "warn",
        Grade::Fail => "fail",
        Grade::Unknown => "unknown",
    }
}

fn feed(of: &Counters) -> BTreeMap<String, u64> {
    [
        ("frames", of.frames),
        ("book_updates", of.book_updates),
        ("trades", of.trades),
        ("checksums_ok", of.checksums_ok),
        ("checksums_bad", of.checksums_bad),
        ("resyncs", of.resyncs),
        ("malformed", of.malformed),
        ("refused", of.refused),
        ("unknown_symbols", of.unknown_symbols),
        ("before_snapshot", of.before_snapshot),
        ("duplicate_trades", of.duplicate_trades),
        ("missed_trades", of.missed_trades),
        ("conflated", of.conflated),
        ("dropped_trades", of.dropped_trades),
        ("gaps", of.gaps),
        ("disconnects", of.disconnects),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Resident pages of 4 KiB, from the second field of `/proc/self/statm`.
fn rss_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Share of a core that this thread, the page's, took since it was looked at last.
fn page_cpu(kept: &mut Kept, now: HostNs) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let (ran, _) = ran_and_waited(&text)?;
    let before = kept.cpu.replace((ran, now));
    let (ran_before, at_before) = before?;
    let (ran, elapsed) = (ran.raw().saturating_sub(ran_before.raw()), now.since(at_before).raw());
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let share = ran as f64 / elapsed.max(1) as f64;
    Some(share * 100.0)
}
