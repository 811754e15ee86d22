use super::*;

fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in of {
        headers.insert(*name, value.parse().unwrap());
    }
    headers
}

fn access(token: Option<&str>, bind: &str, names: &[&str]) -> Access {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let token = token.map(|token| Secret::new(token.to_owned()));
    Access::new(token.as_ref(), bind.parse().unwrap(), &names)
}

#[test]
fn the_token_opens_by_header_and_a_login_by_cookie_until_it_ends() {
    let access = access(Some("secret"), "127.0.0.1:8080", &[]);
    let now = crate::now();
    let pass = |of: &[(&'static str, &str)]| access.shown(&headers(of), now);
    let token = Shown::Good(Pass::Token);
    assert_eq!(pass(&[]), Shown::Nothing);
    assert_eq!(pass(&[("authorization", "Bearer secret")]), token);
    assert_eq!(pass(&[("x-api-key", "secret")]), token);
    assert_eq!(pass(&[("authorization", "Bearer secre")]), Shown::Wrong);
    assert_eq!(pass(&[("authorization", "secret")]), Shown::Nothing);
    let login = access.log_in(now);
    let cookie = format!("other=1; {COOKIE}={login}");
    assert_eq!(pass(&[("cookie", &cookie)]), Shown::Good(Pass::Login));
    let later = now + LOGIN_LASTS;
    assert_eq!(access.shown(&headers(&[("cookie", &cookie)]), later), Shown::Nothing);
    access.log_out(&headers(&[("cookie", &cookie)]));
    assert_eq!(pass(&[("cookie", &cookie)]), Shown::Nothing);
}

#[test]
fn a_ticket_opens_once_and_not_for_long() {
    let access = access(Some("secret"), "127.0.0.1:8080", &[]);
    let now = crate::now();
    let ticket = access.ticket(now);
    assert!(access.use_ticket(&ticket, now));
    assert!(!access.use_ticket(&ticket, now));
    let old = access.ticket(now);
    assert!(!access.use_ticket(&old, now + TICKET_LASTS));
    assert!(!access.use_ticket("", now));
}

#[test]
fn wrong_tokens_are_counted_by_network_and_the_right_one_never_is() {
    let access = access(Some("secret"), "127.0.0.1:8080", &[]);
    let now = crate::now();
    let shown = |token: &str| access.shown(&headers(&[("x-api-key", token)]), now);
    assert_eq!((shown("guess"), shown("")), (Shown::Wrong, Shown::Wrong));
    let stranger = |last: u16| format!("2001:db8:1:2::{last:x}").parse().unwrap();
    let guessed = (0..1000).filter(|last| access.may(Door::Guess, stranger(*last), now)).count();
    assert_eq!(guessed, 5, "a network is one guesser");
    assert!(access.may(Door::Guess, "2001:db8:1:3::1".parse().unwrap(), now));
    let mapped = ["::ffff:10.0.0.1", "10.0.0.1"].map(|address| address.parse().unwrap());
    let guessed = (0..1000).filter(|at| access.may(Door::Guess, mapped[at % 2], now)).count();
    assert_eq!(guessed, 5, "one address in two forms is one guesser");
    assert_eq!(shown("secret"), Shown::Good(Pass::Token));
    let holder = headers(&[("x-api-key", "secret")]);
    assert!((0..100).all(|_| access.may_holder(&holder, now)));
}

#[test]
fn more_addresses_than_are_remembered_share_a_bucket_and_take_no_memory() {
    let access = access(None, "127.0.0.1:8080", &[]);
    let now = crate::now();
    let address = |at: u32| IpAddr::from(std::net::Ipv4Addr::from(at));
    let asked = (0..100_000).filter(|at| access.may(Door::Ask, address(*at), now)).count();
    assert_eq!(asked, ASKERS_MAX + 40);
    assert!(access.doors().asked.len() <= ASKERS_MAX + 1);
    assert!(access.may(Door::Ask, address(1), now), "whoever is remembered goes on");
}

#[test]
fn whoever_asks_too_often_waits_and_others_do_not() {
    let access = access(None, "127.0.0.1:8080", &[]);
    let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let now = crate::now();
    let asked = (0..100).filter(|_| access.may(Door::Ask, one, now)).count();
    assert_eq!(asked, 40);
    assert!(access.may(Door::Ask, other, now));
    let later = now + Duration::from_millis(500);
    assert_eq!((0..100).filter(|_| access.may(Door::Ask, one, later)).count(), 10);
    assert_eq!((0..100).filter(|_| access.may(Door::Guess, one, later)).count(), 5);
    assert_eq!((0..100).filter(|_| access.may(Door::Order, one, later)).count(), 20);
}
