//! The feed thread: one socket, polled; everything it does is in [`FeedAgent::step`].

mod sink;
mod tell;

use arrayvec::ArrayVec;
use paperwire_core::agent::{Agent, WorkCount};
use paperwire_core::command::Command;
use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::latency::{BankSwap, Stage};
use paperwire_core::limits::{SYMBOLS_MAX, frame_bytes_warm};
use paperwire_core::raw::{RawKind, RawProducer};
use paperwire_core::regime::Sentiment;
use paperwire_core::ring::{Consumer, Producer};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_rt::clock::{HostClock, UtcRelation};

use crate::arrival::{Arrival, ArrivalCounts, Arrivals};
use crate::control::{CONTROL_BYTES_MAX, Control, Pressure};
use crate::market::{MarketFeed, Outcome, Probe};
use crate::net::connect::{Connector, FailureText};
use crate::net::socket::{Incoming, ReadStamps, Socket};
use crate::plan::Plan;
use crate::report::{FeedReport, FeedReportKind};
use crate::session::{Backoff, Delivery, FeedConfig, Session, SessionEvent};
use crate::wire::cold::ColdFrame;
use sink::{ROOM_FOR_ALL, RingSink};

/// The stages that this thread measures.
pub const FEED_STAGES: [Stage; 6] = [
    Stage::Read,
    Stage::Decrypted,
    Stage::Deframed,
    Stage::Decoded,
    Stage::BookApplied,
    Stage::Enqueued,
];

/// One for each book.
const TICK_DECISIONS_MAX: usize = SYMBOLS_MAX;
/// Silent subscriptions of a tick that are told: books, trades and tickers of every symbol.
const TICK_EVENTS_MAX: usize = 3 * SYMBOLS_MAX;

const TICK_EVERY: DurationNs = DurationNs::from_millis(10);
/// Between two readings of the wall clock that are recorded: it drifts by far less than it may be off.
const WALL_EVERY: DurationNs = DurationNs::from_secs(60);
const SECOND: DurationNs = DurationNs::from_secs(1);
/// Buffers reach their final size within this time after everything is live.
const WARM_AFTER: DurationNs = DurationNs::from_secs(2);
/// During maintenance the venue asks for no more than one attempt in five seconds.
const MAINTENANCE_WAIT: DurationNs = DurationNs::from_secs(5);

#[derive(Debug)]
enum Link {
    Up(Box<Socket>),
    Opening,
    Down { retry_at: HostNs },
}

/// Everything that handling a frame needs, apart from the socket it came from.
#[derive(Debug)]
struct Intake {
    clock: HostClock,
    utc: UtcRelation,
    /// When frames should have come, under a planned load.
    plan: Option<Plan>,
    arrivals: Arrivals,
    market: MarketFeed,
    session: Session,
    sink: RingSink,
    raw: Option<RawProducer>,
    reports: Producer<FeedReport>,
    banks: BankSwap,
    heard_at: HostNs,
    /// When the frame before was done: where the next one of the same read starts to be worked on.
    done_at: HostNs,
    in_maintenance: bool,
}

/// The feed thread's agent.
#[derive(Debug)]
pub struct FeedAgent {
    link: Link,
    connector: Connector,
    backoff: Backoff,
    silent_after: DurationNs,
    intake: Intake,
    next_tick: HostNs,
    next_second: HostNs,
    /// When the wall clock is recorded next; against a real venue only.
    next_wall: Option<HostNs>,
    live_since: Option<HostNs>,
    is_warm: bool,
    /// Rows per side of every book.
    depth: usize,
    commands: Consumer<Command>,
    sentiments: Consumer<Sentiment>,
    /// Bars of history, and how many of them the engine already has.
    history: Vec<Control>,
    history_sent: usize,
    /// False until the first poll: frames that are there by then belong to the start.
    is_listening: bool,
    /// Frames to begin with, once the engine has its history.
    early: Vec<Vec<u8>>,
}

/// What the agent is given; every ring is made by the bridge.
#[derive(Debug)]
pub struct FeedParts {
    /// An open connection from [`crate::start`].
    pub socket: Socket,
    /// Frames that were read of it already, in order, and not yet recorded.
    pub early: Vec<Vec<u8>>,
    /// Opens the next ones.
    pub connector: Connector,
    /// The resolved instruments, as the venue lists them.
    pub instruments: Vec<Instrument>,
    /// The state of the whole venue, as it told before its list.
    pub system: TradingStatus,
    /// To the engine.
    pub market: Producer<MarketEvent>,
    /// To the recorder, when there is one.
    pub raw: Option<RawProducer>,
    /// To the bridge.
    pub reports: Producer<FeedReport>,
    /// Histograms of [`FEED_STAGES`].
    pub banks: BankSwap,
    /// Commands from outside, which are numbered and recorded like everything else.
    pub commands: Consumer<Command>,
    /// Slow values from outside, likewise.
    pub sentiments: Consumer<Sentiment>,
    /// Decisions to begin with: bars of history.
    pub history: Vec<Control>,
    /// Spreads reconnects of many clients.
    pub seed: u64,
}

impl FeedAgent {
    /// An agent that continues a started connection.
    pub fn new(parts: FeedParts, config: &FeedConfig, clock: HostClock) -> Self {
        let now = clock.now();
        let session = Session::new(&parts.instruments, config, now);
        let mut backoff = Backoff::new(config.reconnect_min, config.reconnect_max, parts.seed);
        backoff.on_connected(now);
        let market = MarketFeed::new(&parts.instruments, config.depth)
            .with_print_distance(config.print_distance)
            .under(parts.system);
        let mut intake = Intake {
            utc: clock.relation(),
            plan: None,
            arrivals: Arrivals::new(true),
            clock,
            market,
            session,
            sink: RingSink::new(parts.market),
            raw: parts.raw,
            reports: parts.reports,
            banks: parts.banks,
            heard_at: now,
            done_at: now,
            in_maintenance: parts.system != TradingStatus::Online,
        };
        intake.report(now, FeedReportKind::Connected);
        let next_wall = config.is_real_venue.then_some(now);
        intake.report_restrictions(now, parts.system, &parts.instruments);
        // A bar from the future would keep all that are to come from closing.
        let wall = config.is_real_venue.then(|| intake.utc.to_utc(now));
        let mut history = parts.history;
        if let Some(wall) = wall {
            history.retain(|control| is_of_the_past(control, wall));
        }
        Self {
            link: Link::Up(Box::new(parts.socket)),
            connector: parts.connector,
            backoff,
            silent_after: config.silent_after,
            intake,
            next_tick: now,
            next_second: now,
            next_wall,
            live_since: None,
            is_warm: false,
            depth: usize::from(config.depth),
            commands: parts.commands,
            sentiments: parts.sentiments,
            history,
            history_sent: 0,
            is_listening: false,
            early: parts.early,
        }
    }

    /// Takes the intended times of a planned load for the arrival of its frames.
    #[must_use]
    pub fn following(mut self, plan: Plan) -> Self {
        self.intake.plan = Some(plan);
        self
    }

    /// Takes the exchange's time in a frame for a bound of its arrival, or not: it is none where the exchange's clock
    /// runs at another speed.
    #[must_use]
    pub fn trusting_exchange_time(mut self, is_trusted: bool) -> Self {
        self.intake.arrivals = Arrivals::new(is_trusted);
        self
    }

    /// Passes commands on as long as the market ring has room; they wait otherwise and are not lost. So
    /// they do until the exchange's time is known, which comes with its first message.
    fn take_commands(&mut self, now: HostNs) {
        let Some(at) = self.intake.market.estimate(now) else {
            return;
        };
        while self.intake.sink.pressure() != Pressure::Drop
            && let Some(command) = self.commands.pop()
        {
            self.intake.decide(now, &Control::Command { at, command });
        }
        while self.intake.sink.pressure() != Pressure::Drop
            && let Some(sentiment) = self.sentiments.pop()
        {
            self.intake.decide(now, &Control::Sentiment { at, sentiment });
        }
    }

    /// Sends history as the market ring has room; frames wait in the kernel until it is through.
    fn send_history(&mut self, now: HostNs) -> usize {
        let before = self.history_sent;
        while let Some(control) = self.history.get(self.history_sent)
            && self.intake.sink.pressure() == Pressure::None
        {
            self.intake.decide(now, control);
            self.history_sent += 1;
        }
        self.history_sent - before
    }

    /// The verified market, for reports after the end.
    pub const fn market(&self) -> &MarketFeed {
        &self.intake.market
    }

    /// Frames that arrived between two instants.
    pub const fn arrivals(&self) -> &ArrivalCounts {
        self.intake.arrivals.counts()
    }

    /// Frames that the recorder lost.
    pub fn raw_lost(&self) -> u64 {
        self.intake.raw.as_ref().map_or(0, RawProducer::lost_total)
    }

    fn poll(&mut self, now: HostNs) -> usize {
        let Link::Up(socket) = &mut self.link else {
            return 0;
        };
        let intake = &mut self.intake;
        let clock = intake.clock.clone();
        let mut frames = 0;
        let polled = socket.poll(now, &clock, &mut |message| {
            frames += 1;
            intake.on_message(&message);
        });
        let failure = match polled {
            Ok(_) if now.since(self.intake.heard_at) <= self.silent_after => return frames,
            Ok(_) => shown(&"no frame for too long"),
            Err(error) => shown(&error),
        };
        self.disconnect(now, failure);
        frames
    }

    fn disconnect(&mut self, now: HostNs, why: FailureText) {
        let mut retry_at = self.backoff.next_attempt(now);
        if self.intake.in_maintenance {
            retry_at = retry_at.max(now.plus(MAINTENANCE_WAIT));
        }
        if let Link::Up(socket) = std::mem::replace(&mut self.link, Link::Down { retry_at }) {
            self.connector.dispose(socket);
            self.intake.decide(now, &Control::Disconnected);
        }
        (self.live_since, self.is_warm) = (None, false);
        self.intake.report(now, FeedReportKind::Disconnected { why, retry_at });
    }

    fn reconnect(&mut self, now: HostNs) {
        match self.link {
            Link::Up(_) => {}
            Link::Down { retry_at } if now < retry_at => {}
            Link::Down { .. } => {
                self.connector.request();
                self.link = Link::Opening;
            }
            Link::Opening => match self.connector.poll() {
                None => {}
                Some(Err(why)) => {
                    let retry_at = self.backoff.next_attempt(now);
                    self.link = Link::Down { retry_at };
                    self.intake.report(now, FeedReportKind::Disconnected { why, retry_at });
                }
                Some(Ok(socket)) => self.on_connected(now, socket),
            },
        }
    }

    fn on_connected(&mut self, now: HostNs, socket: Box<Socket>) {
        self.backoff.on_connected(now);
        self.link = Link::Up(socket);
        self.intake.heard_at = now;
        self.intake.arrivals.on_connected();
        self.intake.session.on_connected(now);
        self.intake.report(now, FeedReportKind::Connected);
    }

    fn tick(&mut self, now: HostNs) {
        self.take_commands(now);
        self.next_tick = now.plus(TICK_EVERY);
        if let Some(stall) = self.intake.arrivals.take_stall() {
            self.intake.report(now, FeedReportKind::Stalled(stall));
        }
        self.reconnect(now);
        let Link::Up(socket) = &mut self.link else {
            return;
        };
        let mut decisions = ArrayVec::<Control, TICK_DECISIONS_MAX>::new();
        let mut events = ArrayVec::<SessionEvent, TICK_EVENTS_MAX>::new();
        let mut send = |text: &[u8]| socket.send_text(text);
        let mut decide = |control| decisions.push(control);
        let mut tell = |event| {
            // What finds no place here is told when it is asked for in vain the next time.
            let _ = events.try_push(event);
        };
        let intake = &mut self.intake;
        let ticked = intake.session.tick(now, &intake.market, &mut send, &mut decide, &mut tell);
        for control in &decisions {
            intake.decide(now, control);
        }
        for event in events {
            intake.report_session(now, event);
        }
        if let Err(error) = ticked {
            self.disconnect(now, shown(&error));
        }
        if self.intake.session.is_live(&self.intake.market) {
            let since = *self.live_since.get_or_insert(now);
            if !self.is_warm && now.since(since) >= WARM_AFTER {
                // The lists of the start have come: nothing as long will come on this connection.
                if let Link::Up(socket) = &mut self.link {
                    socket.bound(frame_bytes_warm(self.depth));
                }
                self.is_warm = true;
            }
        } else {
            self.is_warm = false;
            self.live_since = None;
        }
    }

    fn second(&mut self, now: HostNs) {
        self.next_second = now.plus(SECOND);
        let intake = &mut self.intake;
        intake.utc = intake.clock.relation();
        if self.next_wall.is_some_and(|due| now >= due) {
            self.next_wall = Some(now.plus(WALL_EVERY));
            intake.decide(now, &Control::Wall { at: intake.utc.to_utc(now) });
        }
        if let Some(at) = intake.market.estimate(now) {
            intake.decide(now, &Control::Timer { at });
        }
        let counters = *intake.market.counters();
        let raw_lost = intake.raw.as_ref().map_or(0, RawProducer::lost_total);
        intake.report(now, FeedReportKind::Counters { counters, raw_lost });
        intake.banks.swap();
    }
}

impl Agent for FeedAgent {
    fn name(&self) -> &'static str {
        "feed"
    }

    fn step(&mut self, now: HostNs) -> Option<WorkCount> {
        if self.history_sent < self.history.len() {
            // The connection is not silent: nobody listens to it yet.
            self.intake.heard_at = now;
            return Some(WorkCount(self.send_history(now)));
        }
        if !self.is_listening
            && let Link::Up(socket) = &mut self.link
        {
            socket.listen_from(now);
            self.is_listening = true;
            // They waited for the history, which is nobody's latency: they count as read now.
            let stamps = ReadStamps { kernel: None, read_at: now, empty_at: now, taken: 0 };
            for text in std::mem::take(&mut self.early) {
                self.intake.on_message(&Incoming { text: &text, stamps, decrypted_at: None });
            }
        }
        let frames = self.poll(now);
        if now >= self.next_tick {
            self.tick(now);
        }
        if now >= self.next_second {
            self.second(now);
        }
        Some(WorkCount(frames))
    }

    fn is_warm(&self) -> bool {
        self.is_warm
    }

    fn on_close(&mut self) {
        if let Link::Up(socket) = &mut self.link {
            socket.send_close();
        }
        // What this second measured so far is a part of the whole, too.
        self.intake.banks.swap();
    }
}

impl Intake {
    fn on_message(&mut self, message: &Incoming<'_>) {
        let deframed_at = self.clock.now();
        let stamps = &message.stamps;
        let read_at = stamps.read_at;
        self.heard_at = read_at;
        let planned = self.plan.as_ref().and_then(|plan| plan.arrival(message.text, read_at));
        let kernel = stamps.kernel.map(|at| self.utc.to_host(at));
        let arrival = match planned {
            Some(_) => Arrival::by_kernel(stamps, kernel),
            None => self.arrivals.place(stamps, kernel, message.text),
        };
        let arrived = planned.unwrap_or(arrival.counted());
        let received = if kernel.is_some() { arrival.latest } else { arrival.earliest };
        // Frames that share a read wait for those before them: service starts when those are done.
        let plain_at = message.decrypted_at.unwrap_or(read_at);
        let opened = read_at.max(self.done_at.min(plain_at));
        let started = plain_at.max(self.done_at.min(deframed_at));

        // On the tape in the order in which they take effect: the ring's state is that before the frame.
        self.relieve(read_at);
        if let Some(raw) = &mut self.raw {
            if arrival.is_bounded {
                raw.push(RawKind::Arrival, read_at, &arrival.encode());
            }
            raw.push(RawKind::Frame, read_at, message.text);
        }
        // Reading the intended time is the benchmark's work, not a stage's.
        let was_parsed = planned.is_some_and(|intended| intended != read_at);
        let begun = if was_parsed { self.clock.now() } else { deframed_at };
        let mut probe = Probe::new(&self.clock, arrived, begun);
        let outcome = self.market.on_frame(read_at, message.text, &mut probe, &mut self.sink);

        let bank = self.banks.bank();
        bank.stage(Stage::Read).record(arrived, received, read_at);
        if let Some(decrypted_at) = message.decrypted_at {
            bank.stage(Stage::Decrypted).record(arrived, opened, decrypted_at);
        }
        bank.stage(Stage::Deframed).record(arrived, started, deframed_at);
        probe.record(bank);
        self.done_at = self.clock.now();
        if let Some(plan) = &self.plan {
            plan.done(message.text, planned, self.done_at);
        }
        if let Some((sent, heard_at)) = self.market.venue_time()
            && heard_at == read_at
        {
            self.arrivals.learn(stamps, sent, arrival.latest);
        }
        self.report_doubts(read_at);
        self.act_on(read_at, &outcome);
    }

    /// Notes and records a change of the market ring's state, and sends whole books to symbols that
    /// were conflated once they fit.
    fn relieve(&mut self, now: HostNs) {
        let pressure = self.sink.pressure();
        if pressure != self.market.pressure() {
            self.decide(now, &Control::Pressure(pressure));
        }
        while pressure == Pressure::None
            && let Some(symbol) = self.market.waiting()
            && self.sink.room() >= ROOM_FOR_ALL + self.market.flush_len(symbol)
        {
            self.decide(now, &Control::Flush(symbol));
        }
    }

    fn act_on(&mut self, now: HostNs, outcome: &Outcome) {
        if matches!(outcome, Outcome::Cold(_)) {
            for notice in self.market.take_trading_notices() {
                self.report(now, FeedReportKind::Trading(notice));
            }
        }
        match outcome {
            Outcome::Applied | Outcome::Heartbeat => {}
            Outcome::Unread(error) => self.report(now, FeedReportKind::Unread { error: *error }),
            Outcome::Snapshot(symbol) => self.session.on_data(Delivery::Book(*symbol), now),
            Outcome::Trades(symbols) if symbols.is_empty() => {
                self.session.on_data(Delivery::NoTrades, now);
            }
            Outcome::Trades(symbols) => self.session.on_data(Delivery::Trades(*symbols), now),
            Outcome::Ticker(symbol) => self.session.on_data(Delivery::Ticker(*symbol), now),
            Outcome::Desync(symbols, reason) => {
                self.session.on_desync(*symbols, now);
                self.report_desync(now, *symbols, *reason);
            }
            Outcome::Cold(ColdFrame::Ack(ack)) => {
                if let Some(event) = self.session.on_ack(ack, &self.market, now) {
                    self.report_session(now, event);
                }
            }
            Outcome::Cold(ColdFrame::Status { system: Some(system), .. }) => {
                self.in_maintenance = system.as_str() != "online";
                self.report(now, FeedReportKind::Venue { system: *system });
            }
            Outcome::Cold(ColdFrame::Instruments { is_snapshot: true, .. }) => {
                self.session.on_data(Delivery::Instruments, now);
            }
            Outcome::Cold(ColdFrame::Ohlc { of, .. }) => {
                let found =
                    of.and_then(|(name, interval)| Some((self.market.symbol_of(&name)?, interval)));
                if found.is_some() || of.is_none() {
                    self.session.on_data(Delivery::Ohlc(found), now);
                }
            }
            Outcome::Cold(_) => {}
        }
    }

    /// Records a decision, then applies it.
    fn decide(&mut self, now: HostNs, control: &Control) {
        if let Some(raw) = &mut self.raw {
            let mut bytes = [0; CONTROL_BYTES_MAX];
            let len = control.encode(&mut bytes);
            raw.push(RawKind::Control, now, &bytes[..len]);
        }
        self.market.on_control(now, now, control, &mut self.sink);
    }

    fn report(&mut self, at: HostNs, kind: FeedReportKind) {
        // Full policy: dropped and counted by the ring; counters carry the same facts.
        let _ = self.reports.push(FeedReport { at, kind });
    }
}

/// True for what is no bar, and for a bar that began before `until`.
fn is_of_the_past(control: &Control, until: ExchNs) -> bool {
    !matches!(control, Control::History(_, (_, bar)) if bar.open_at >= until)
}

/// Fixed text of an error, cut if need be.
fn shown(error: &dyn std::fmt::Display) -> FailureText {
    use std::fmt::Write;
    let mut text = FailureText::new();
    // Writing stops where the text is full; what is there is kept.
    let _ = write!(text, "{error}");
    text
}

#[cfg(test)]
mod tests;
