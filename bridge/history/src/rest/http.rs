//! HTTP for the REST client: one request at a time, with a deadline for all of it and an eye on the end.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::fault::{Failed, Fault};

/// The list of all pairs has about a megabyte; whoever sends more than this is not the venue.
const BODY_BYTES_MAX: u64 = 32 << 20;
/// How often a waiting request looks whether it should end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Tells whether the caller wants to end.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// An answer, whoever gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// The body, decoded.
    pub body: String,
    /// Seconds that it asks to wait.
    pub retry_after_s: Option<u64>,
}

/// How an address is read; tests put failures in between.
pub trait Get: Send + Sync + fmt::Debug {
    /// The answer to a request, whatever its status; in words when there was none.
    ///
    /// # Errors
    /// In words.
    fn get(&self, url: &str) -> Result<Reply, String>;
}

/// HTTP by `ureq`.
#[derive(Debug)]
pub(super) struct Http(ureq::Agent);

impl Http {
    /// Requests end within `timeout`, from looking up the name to the last byte.
    pub(super) fn new(timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .build();
        Self(config.into())
    }
}

impl Get for Http {
    fn get(&self, url: &str) -> Result<Reply, String> {
        let mut answer = self.0.get(url).call().map_err(|error| error.to_string())?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after_s = header("retry-after").and_then(|value| value.trim().parse().ok());
        let encoding = header("content-encoding").unwrap_or("identity").to_owned();
        let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec();
        let body = decoded(body.map_err(|error| error.to_string())?, &encoding)?;
        Ok(Reply { status: answer.status().as_u16(), body, retry_after_s })
    }
}

/// A body as text. What is compressed is told by its first bytes: an edge may send it unasked, and a header may
/// say what a layer below has undone already.
fn decoded(bytes: Vec<u8>, encoding: &str) -> Result<String, String> {
    let unpacked = match bytes.get(..2) {
        Some([0x1f, 0x8b]) => unpack(MultiGzDecoder::new(&bytes[..]))?,
        Some([0x78, 0x01 | 0x5e | 0x9c | 0xda]) => unpack(ZlibDecoder::new(&bytes[..]))?,
        _ => bytes,
    };
    String::from_utf8(unpacked)
        .map_err(|_| format!("the answer's encoding \"{encoding}\" is not understood"))
}

fn unpack(from: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = from.take(BODY_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("the compressed answer is damaged: {error}"))?;
    if bytes.len() as u64 > BODY_BYTES_MAX {
        return Err(format!("an answer of more than {} MiB", BODY_BYTES_MAX >> 20));
    }
    Ok(bytes)
}

/// Asks on a thread of the request's own, so that the end of the program need not wait for a venue that says
/// nothing; a request that is left behind ends by its deadline.
pub(super) fn ask(way: &Arc<dyn Get>, url: &str, stop: &Stop) -> Result<Reply, Failed> {
    let (to, from) = sync_channel(1);
    let (way, asked) = (way.clone(), url.to_owned());
    let body = move || {
        // Nobody takes it when the program has gone on.
        let _ = to.send(way.get(&asked));
    };
    let thread = std::thread::Builder::new().name("rest".to_owned()).spawn(body);
    thread.map_err(|error| Failed::new(Fault::Away, format!("no thread for it: {error}")))?;
    loop {
        match from.recv_timeout(LOOK_EVERY) {
            Ok(reply) => return reply.map_err(|why| Failed::new(Fault::Away, why)),
            Err(RecvTimeoutError::Timeout) if stop() => {
                return Err(Failed::new(Fault::Stopped, "stopped"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failed::new(Fault::Away, "the request panicked"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn compressed_bodies_are_known_by_their_bytes_and_others_are_named() {
        let text = "{\"error\":[]}";
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        let gz = gz.finish().unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(text.as_bytes()).unwrap();
        for body in [gz.clone(), zlib.finish().unwrap(), text.as_bytes().to_vec()] {
            assert_eq!(decoded(body, "gzip").as_deref(), Ok(text));
        }
        assert!(decoded(gz[..gz.len() - 9].to_vec(), "gzip").unwrap_err().contains("damaged"));
        assert!(decoded(vec![0x8b, 0xff], "br").unwrap_err().contains("\"br\""));
    }
}
