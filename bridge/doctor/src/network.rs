//! Checks 29 to 32: from the wire to the socket. About the interface of the default route, which is the
//! way to a real venue; the built-in exchange is on loopback and meets none of this.

use paperwire_core::time::DurationNs;

use super::fix::Fix;
use super::tree::{Tree, Unread};
use super::{Check, Outcome, Seen};

pub(super) const CHECKS: [Check; 4] = [
    Check {
        number: 29,
        name: "NIC coalescing",
        why: "the card waits for more packets before it says that one is there, often 50 us",
        judge: coalescing,
    },
    Check {
        number: 30,
        name: "busy polling",
        why: "a read that polls the card itself saves the interrupt and the wake-up, some 10 us",
        judge: busy_polling,
    },
    Check {
        number: 31,
        name: "receive timestamps",
        why: "without the kernel's own stamp, waiting before the read is invisible",
        judge: stamps,
    },
    Check {
        number: 32,
        name: "TCP",
        why: "retransmissions and small buffers show as latency that no code of ours can mend",
        judge: tcp,
    },
];

/// Microseconds that a card may wait; the table of the field's practice says 0 to 8.
const COALESCE_US_MAX: u32 = 8;

/// The interface of the default route.
pub(super) fn interface(tree: &Tree) -> Result<String, Unread> {
    let text = tree.read("/proc/net/route")?;
    let is_default = |line: &&str| line.split_whitespace().nth(1) == Some("00000000");
    let line = text.lines().skip(1).find(is_default);
    let name = line.and_then(|line| line.split_whitespace().next());
    let name = name.ok_or_else(|| Unread::Other("there is no default route".to_owned()))?;
    // It is written into commands; the kernel allows almost any character in it.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if !name.chars().all(is_plain) || name.starts_with('-') {
        return Err(Unread::Other(format!("the interface has an odd name: {name:?}")));
    }
    Ok(name.to_owned())
}

/// The value after `label` in the output of `ethtool`; `n/a` and a missing line are none.
fn setting<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(label))?;
    line.trim_start_matches(':').split_whitespace().next().filter(|value| *value != "n/a")
}

fn coalescing(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let interface = interface(seen.tree)?;
    let text = match &seen.facts.coalescing {
        Ok(text) => text,
        Err(reason) => {
            let fix = Fix::advice(format!("see `ethtool -c {interface}` as root, once installed"));
            return Ok(Outcome::unknown(format!("{interface}: {reason}")).with_fix(fix));
        }
    };
    let adaptive = setting(text, "Adaptive RX");
    let usecs = setting(text, "rx-usecs").and_then(|value| value.parse::<u32>().ok());
    let Some(usecs) = usecs else {
        return Ok(Outcome::unknown(format!("{interface} does not tell its rx-usecs")));
    };
    let read =
        format!("{interface}: adaptive-rx {}, rx-usecs {usecs}", adaptive.unwrap_or("absent"));
    if adaptive != Some("on") && usecs <= COALESCE_US_MAX {
        return Ok(Outcome::good(read));
    }
    let command = match adaptive {
        None => format!("ethtool -C {interface} rx-usecs 0"),
        Some(_) => format!("ethtool -C {interface} adaptive-rx off rx-usecs 0"),
    };
    Ok(Outcome::warn(read, Fix::shell(command)))
}

fn busy_polling(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let reads: u32 = seen.tree.number("/proc/sys/net/core/busy_read")?;
    let polls: u32 = seen.tree.number("/proc/sys/net/core/busy_poll")?;
    let own = match &seen.facts.busy_poll {
        Ok(()) => "a socket of ours may ask for it",
        Err(_) => "a socket of ours may not ask for it",
    };
    let read = format!("busy_read {reads} us, busy_poll {polls} us; {own}");
    if reads > 0 {
        return Ok(Outcome::good(read));
    }
    let asked = seen.facts.demands.busy_poll;
    if asked > DurationNs::ZERO && seen.facts.busy_poll.is_ok() {
        return Ok(Outcome::good(format!("{read}, and does: {} us", asked.raw() / 1_000)));
    }
    Ok(Outcome::warn(read, Fix::sysctl("net.core.busy_read", "50")))
}

fn stamps(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let hardware = seen.facts.stamping.as_ref().is_ok_and(|text| text.contains("hardware-receive"));
    match &seen.facts.receive_stamps {
        Ok(()) if hardware => Ok(Outcome::good("software, and the card could stamp in hardware")),
        Ok(()) => Ok(Outcome::good("software: the kernel stamps what a socket receives")),
        Err(reason) => {
            let fix =
                Fix::advice("run outside this sandbox: every Linux kernel can stamp in software");
            Ok(Outcome::warn(format!("the kernel refuses: {reason}"), fix))
        }
    }
}

fn tcp(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let restart: u8 = seen.tree.number("/proc/sys/net/ipv4/tcp_slow_start_after_idle")?;
    let buffer = seen.tree.read("/proc/sys/net/ipv4/tcp_rmem")?;
    let counts = counters(&seen.tree.read("/proc/net/snmp")?, "Tcp:");
    let of = |name: &str| counts.iter().find(|(known, _)| known == name).map_or(0, |(_, n)| *n);
    let buffer = buffer.split_whitespace().collect::<Vec<_>>().join(" ");
    let read = format!(
        "no delay (set by us); slow start after idle {}; receive buffer {buffer}; \
         retransmitted {} of {} segments since boot",
        if restart == 0 { "off" } else { "on" },
        of("RetransSegs"),
        of("OutSegs"),
    );
    let outcome = Outcome::info(read);
    if restart == 0 {
        return Ok(outcome);
    }
    Ok(outcome.with_fix(Fix::sysctl("net.ipv4.tcp_slow_start_after_idle", "0")))
}

/// Names and values of one protocol in `/proc/net/snmp`: a line of names, then a line of numbers.
fn counters(text: &str, protocol: &str) -> Vec<(String, u64)> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(protocol));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return Vec::new() };
    // `MaxConn` is -1 for no limit; it is no counter.
    let values = values.split_whitespace().map(|value| value.parse().unwrap_or(0));
    names.split_whitespace().map(str::to_owned).zip(values).collect()
}
