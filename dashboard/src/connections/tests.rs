use std::io::{Read, Write};
use std::net::TcpStream as Client;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;

use super::*;

fn places(most: usize) -> Arc<Places> {
    Arc::new(Places { most, held: Mutex::default() })
}

#[test]
fn the_one_that_waits_longest_without_a_request_gives_its_place() {
    let (places, now) = (places(3), now());
    let mut taken: Vec<_> = (0..3).map(|_| places.take(now).unwrap()).collect();
    let is_gone = |taken: &mut (Place, Arc<Conduct>, oneshot::Receiver<()>)| {
        taken.2.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    };
    taken[0].1.begin();
    taken[0].1.is_holder();
    taken[1].1.begin();
    taken.push(places.take(now).unwrap());
    let gone: Vec<bool> = taken.iter_mut().map(is_gone).collect();
    assert_eq!(gone, [false, false, true, false], "it had asked nothing");
    taken[3].1.upgrade();
    taken.push(places.take(now).unwrap());
    assert!(is_gone(&mut taken[1]), "a request of a stranger goes before that of a holder");
    taken[0].1.upgrade();
    taken[4].1.upgrade();
    assert!(places.take(now).is_none(), "listeners keep their places");
    drop(taken.remove(0));
    assert!(places.take(now).is_some());
    assert_eq!(places.held().by_number.len(), 2, "what was taken is given back");
}

#[test]
fn a_connection_has_its_time_for_each_head_and_each_answer() {
    let opened = now();
    let conduct = Conduct::new(opened);
    assert_eq!(conduct.ends(), Some(opened + FIRST_HEAD_MAX));
    conduct.sent(opened + Duration::from_secs(9));
    assert_eq!(conduct.ends(), Some(opened + FIRST_HEAD_MAX), "nothing puts off the first head");
    conduct.begin();
    assert!(conduct.ends() >= Some(opened + ANSWER_MAX));
    conduct.end();
    assert!(conduct.ends() < Some(now() + NEXT_HEAD_MAX + Duration::from_millis(1)));
    conduct.sent(opened + Duration::from_secs(60));
    assert_eq!(conduct.ends(), Some(opened + Duration::from_secs(60) + NEXT_HEAD_MAX));
    conduct.upgrade();
    assert_eq!(conduct.ends(), None);
}

#[test]
fn a_newcomer_has_a_second_in_which_older_ones_go_first() {
    let (places, start) = (places(2), now());
    let mut old = places.take(start).unwrap();
    old.1.begin();
    let late = start + 2 * YOUNG;
    let mut newcomer = places.take(late).unwrap();
    let _third = places.take(late).unwrap();
    let closed = Err(oneshot::error::TryRecvError::Closed);
    assert_eq!(old.2.try_recv(), closed, "it had asked, and was slow");
    assert_ne!(newcomer.2.try_recv(), closed);
}

/// A page of so many places that answers each request with the number of requests of its connection.
fn serve(most: usize) -> (tokio::runtime::Runtime, SocketAddr) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |ConnectInfo(peer): ConnectInfo<Peer>| {
        peer.conduct.begin();
        peer.conduct.end();
        peer.conduct.requests.load(Ordering::Relaxed).to_string()
    };
    let routes = Router::new().route("/", get(answer));
    let routes = routes.into_make_service_with_connect_info::<Peer>();
    runtime.spawn(async move { axum::serve(Gate::new(listener, most), routes).await });
    (runtime, address)
}

/// The last byte of the answer to a request, and `None` when the connection was ended.
fn ask(client: &mut Client) -> Option<u8> {
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
    let mut answer = [0; 1024];
    let len = client.read(&mut answer).ok().filter(|len| *len > 0)?;
    answer[..len].last().copied()
}

#[test]
fn a_flood_of_idle_connections_keeps_nobody_out() {
    let (runtime, address) = serve(8);
    let mut first = Client::connect(address).unwrap();
    assert_eq!(ask(&mut first), Some(b'1'));
    let idle: Vec<Client> = (0..100).map(|_| Client::connect(address).unwrap()).collect();
    assert_eq!(ask(&mut first), Some(b'2'), "a connection that asks goes after those that do not");
    let mut late = Client::connect(address).unwrap();
    assert_eq!(ask(&mut late), Some(b'1'));
    let mut ended = 0;
    for mut client in idle {
        client.set_nonblocking(true).unwrap();
        ended += usize::from(client.read(&mut [0]).is_ok());
    }
    assert!(ended >= 90, "{ended} of 100 were ended");
    runtime.shutdown_background();
}

#[test]
fn a_head_without_end_is_ended_and_many_short_ones_are_not() {
    let (runtime, address) = serve(8);
    let mut client = Client::connect(address).unwrap();
    for request in 1..=9u8 {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "y".repeat(9000));
        client.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 1024];
        let len = client.read(&mut answer).unwrap();
        assert_eq!(answer[..len].last(), Some(&(b'0' + request)));
    }
    let mut endless = Client::connect(address).unwrap();
    let _ = endless.write_all(b"GET / HTTP/1.1\r\nX-Long: ");
    let sent = (0..64).take_while(|_| endless.write_all(&[b'y'; 4096]).is_ok()).count();
    let mut rest = Vec::new();
    assert!(
        sent < 64 || endless.read_to_end(&mut rest).is_err() || !rest.starts_with(b"HTTP/1.1 2")
    );
    runtime.shutdown_background();
}
