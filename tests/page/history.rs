//! A run whose history is kept in a PostgreSQL that dies.

use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::session::{Session, free_port};

const KILLS: u32 = 10;
const KILL_EVERY: Duration = Duration::from_millis(2_500);

/// Twenty kills of its own server, beside as many of one that the run does not use: on a machine whose cores servers need when
/// they start, too, the difference is what the run itself does about it. Prints what the engine took.
#[test]
fn what_a_dying_database_costs_the_engine() {
    if std::env::var("SLOW_TESTS").is_err() {
        eprintln!("SKIPPED: takes three minutes; SLOW_TESTS=1 runs it");
        return;
    }
    let Some(own) = Cluster::start("page-own") else { return };
    let Some(other) = Cluster::start("page-other") else { return };
    let url = format!("{:?}", own.database("history"));
    let session = Session::start(free_port(), &[("history.url", url.as_str())]);
    session.until_it_trades();
    let measure = |name: &str| {
        let history = &session.json("/api/host")["history"];
        eprintln!("{name}: {}; {history}", session.decided_p99(24));
    };
    let kill = |cluster: &Cluster| {
        let began = Instant::now();
        for kill in 1..=KILLS {
            cluster.kill();
            std::thread::sleep(Duration::from_secs(1));
            cluster.up();
            std::thread::sleep((KILL_EVERY * kill).saturating_sub(began.elapsed()));
        }
    };
    for _ in 0..2 {
        std::thread::sleep(KILL_EVERY * KILLS);
        measure("both live");
        kill(&other);
        measure("the other dies ten times");
        kill(&own);
        measure("its own dies ten times");
    }
    session.until("all of it is in the database", || {
        let history = &session.json("/api/host")["history"];
        history["spilled_bytes"] == 0 && history["dropped"] == 0
    });
    assert_eq!(session.json("/api/host")["hot_allocs_total"], 0);
    session.end();
}
