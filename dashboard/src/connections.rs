//! How many connections the page holds, and for how long one may keep its place without asking or reading.
//!
//! Descriptors belong to the whole process, the feed's reconnect included, so the page has a number of its own. When
//! all places are taken, a new connection takes that of the one that has waited longest without a request; listeners
//! of the WebSocket are counted apart (see `live`) and lose their place to nobody. A connection ends that sends no whole
//! head in time or too long a one, or that takes no answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep_until};

use crate::now;

/// From the connection to the end of its first head, from an answer to the end of the next head, and from a head to
/// the end of its answer.
const FIRST_HEAD_MAX: Duration = Duration::from_secs(10);
const NEXT_HEAD_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(300);
/// A connection younger than this is not ended for another while there are older ones: a flood would otherwise end
/// each newcomer before its request is read.
const YOUNG: Duration = Duration::from_secs(1);
/// A write that takes nothing for so long is given up.
const STALL_MAX: Duration = Duration::from_secs(10);
/// Bytes of a head.
const HEAD_LEN_MAX: usize = 32 << 10;
/// Wait after a failed accept, which is one without a descriptor.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// What a connection is at. The smaller goes first when all places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum At {
    /// Nothing was asked yet.
    First,
    /// Between two requests.
    Between,
    /// A request is being read or answered.
    Request,
    /// Between two requests of a holder of the token or of a login.
    BetweenOfHolder,
    /// A request of such a holder.
    RequestOfHolder,
    /// It has become a WebSocket.
    Socket,
}

impl At {
    fn of(number: u8) -> Self {
        const ALL: [At; 6] = [
            At::First,
            At::Between,
            At::Request,
            At::BetweenOfHolder,
            At::RequestOfHolder,
            At::Socket,
        ];
        ALL[usize::from(number)]
    }

    const fn is_awaiting_head(self) -> bool {
        matches!(self, Self::First | Self::Between | Self::BetweenOfHolder)
    }
}

/// What the connection and the one who answers it both know.
#[derive(Debug)]
pub(crate) struct Conduct {
    opened: Instant,
    at: AtomicU8,
    /// Requests begun.
    requests: AtomicU32,
    /// Milliseconds after `opened` at which it ends; `u64::MAX` is never.
    ends_ms: AtomicU64,
}

impl Conduct {
    fn new(opened: Instant) -> Self {
        let conduct = Self {
            opened,
            at: AtomicU8::new(0),
            requests: AtomicU32::new(0),
            ends_ms: AtomicU64::new(0),
        };
        conduct.become_(At::First, Some(FIRST_HEAD_MAX), opened);
        conduct
    }

    fn at(&self) -> At {
        At::of(self.at.load(Ordering::Relaxed))
    }

    fn become_(&self, at: At, for_: Option<Duration>, now: Instant) {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let ends = for_.map_or(u64::MAX, |span| ms(now.duration_since(self.opened) + span));
        self.ends_ms.store(ends, Ordering::Relaxed);
        self.at.store(at as u8, Ordering::Relaxed);
    }

    /// A head was read.
    pub(crate) fn begin(&self) {
        let is_holder = matches!(self.at(), At::BetweenOfHolder | At::RequestOfHolder);
        let at = if is_holder { At::RequestOfHolder } else { At::Request };
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.become_(at, Some(ANSWER_MAX), now());
    }

    /// It brought the token or a login.
    pub(crate) fn is_holder(&self) {
        self.become_(At::RequestOfHolder, Some(ANSWER_MAX), now());
    }

    /// The answer is made; what is left is to send it.
    pub(crate) fn end(&self) {
        match self.at() {
            At::Request => self.become_(At::Between, Some(NEXT_HEAD_MAX), now()),
            At::RequestOfHolder => {
                self.become_(At::BetweenOfHolder, Some(NEXT_HEAD_MAX), now());
            }
            _ => {}
        }
    }

    /// Part of the answer went out after its head: the next head has its time from then.
    fn sent(&self, now: Instant) {
        let at = self.at();
        if matches!(at, At::Between | At::BetweenOfHolder) {
            self.become_(at, Some(NEXT_HEAD_MAX), now);
        }
    }

    /// It has become a WebSocket, with rules of its own.
    pub(crate) fn upgrade(&self) {
        self.become_(At::Socket, None, now());
    }

    fn ends(&self) -> Option<Instant> {
        let ms = self.ends_ms.load(Ordering::Relaxed);
        (ms != u64::MAX).then(|| self.opened + Duration::from_millis(ms))
    }
}

/// Who asks: the address, and the connection's conduct.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) conduct: Arc<Conduct>,
}

impl Connected<IncomingStream<'_, Gate>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Gate>) -> Self {
        Self { address: *stream.remote_addr(), conduct: stream.io().conduct.clone() }
    }
}

/// The places.
#[derive(Debug)]
struct Places {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    /// By order of their coming.
    by_number: BTreeMap<u64, (Arc<Conduct>, oneshot::Sender<()>)>,
}

impl Places {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, taken from another connection if need be; none when nobody gives way.
    fn take(
        self: &Arc<Self>,
        now: Instant,
    ) -> Option<(Place, Arc<Conduct>, oneshot::Receiver<()>)> {
        let mut held = self.held();
        if held.by_number.len() >= self.most {
            let others = held.by_number.iter().filter(|of| of.1.0.at() != At::Socket);
            let rank = |of: &(&u64, &(Arc<Conduct>, _))| {
                let at = of.1.0.at();
                let is_young = now.duration_since(of.1.0.opened) < YOUNG;
                (at >= At::BetweenOfHolder, is_young, at, *of.0)
            };
            let first = *others.min_by_key(rank)?.0;
            // Dropping its sender ends it.
            held.by_number.remove(&first);
        }
        let (ends, ended) = oneshot::channel();
        let (number, conduct) = (held.next, Arc::new(Conduct::new(now)));
        held.next += 1;
        held.by_number.insert(number, (conduct.clone(), ends));
        Some((Place { places: self.clone(), number }, conduct, ended))
    }
}

/// Given back when it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held().by_number.remove(&self.number);
    }
}

/// Accepts connections, as many as there are places.
#[derive(Debug)]
pub(crate) struct Gate {
    listener: TcpListener,
    places: Arc<Places>,
}

impl Gate {
    pub(crate) fn new(listener: TcpListener, connections_max: usize) -> Self {
        let most = connections_max.max(1);
        Self { listener, places: Arc::new(Places { most, held: Mutex::default() }) }
    }
}

impl Listener for Gate {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Without a place it is closed, which a client sees at once.
                    let Some((place, conduct, ended)) = self.places.take(now()) else { continue };
                    return (Connection::new(stream, place, conduct, ended), address);
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that keeps to its time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    conduct: Arc<Conduct>,
    /// Ends when its place went to another.
    ended: oneshot::Receiver<()>,
    alarm: Pin<Box<Sleep>>,
    /// Since when a write takes nothing.
    stalled: Option<Instant>,
    /// Bytes of the head that is awaited, and of which request it is.
    head_len: usize,
    requests: u32,
    _place: Place,
}

impl Connection {
    fn new(
        stream: TcpStream,
        place: Place,
        conduct: Arc<Conduct>,
        ended: oneshot::Receiver<()>,
    ) -> Self {
        let alarm = Box::pin(sleep_until(conduct.ends().unwrap_or_else(now).into()));
        let (stalled, head_len, requests) = (None, 0, 0);
        Self { stream, conduct, ended, alarm, stalled, head_len, requests, _place: place }
    }

    /// An error once its time is over or its place is gone; else the task is woken when that happens.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if Pin::new(&mut self.ended).poll(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let is_socket = self.conduct.at() == At::Socket;
        let stalled = self.stalled.filter(|_| !is_socket).map(|since| since + STALL_MAX);
        let Some(ends) = [self.conduct.ends(), stalled].into_iter().flatten().min() else {
            return Ok(());
        };
        if self.alarm.deadline() != ends.into() {
            self.alarm.as_mut().reset(ends.into());
        }
        match self.alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Pending => {
                self.stalled.get_or_insert_with(now);
                match self.watch(cx) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                }
            }
            ready @ Poll::Ready(_) => {
                self.stalled = None;
                self.conduct.sent(now());
                ready
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => match self.watch(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
            Poll::Ready(Ok(())) => {
                let is_head = self.conduct.at().is_awaiting_head();
                let requests = self.conduct.requests.load(Ordering::Relaxed);
                if !is_head || requests != self.requests {
                    (self.head_len, self.requests) = (0, requests);
                }
                self.head_len += buffer.filled().len() - before;
                if is_head && self.head_len > HEAD_LEN_MAX {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                // Bytes that drip in do not put off the end.
                Poll::Ready(if is_head { self.watch(cx) } else { Ok(()) })
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
