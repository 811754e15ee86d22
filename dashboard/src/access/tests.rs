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
    Access::new(token, bind.parse().unwrap(), &names)
}

#[test]
fn the_token_opens_by_header_and_a_login_by_cookie_until_it_ends() {
    let access = access(Some("secret"), "127.0.0.1:8080", &[]);
    let now = crate::now();
    let pass = |of: &[(&'static str, &str)]| access.pass(&headers(of), now);
    assert_eq!(pass(&[]), None);
    assert_eq!(pass(&[("authorization", "Bearer secret")]), Some(Pass::Token));
    assert_eq!(pass(&[("x-api-key", "secret")]), Some(Pass::Token));
    assert_eq!(pass(&[("authorization", "Bearer secre")]), None);
    assert_eq!(pass(&[("authorization", "secret")]), None);
    let login = access.log_in(now);
    let cookie = format!("other=1; {COOKIE}={login}");
    assert_eq!(pass(&[("cookie", &cookie)]), Some(Pass::Login));
    let later = now + LOGIN_LASTS;
    assert_eq!(access.pass(&headers(&[("cookie", &cookie)]), later), None);
    access.log_out(&headers(&[("cookie", &cookie)]));
    assert_eq!(pass(&[("cookie", &cookie)]), None);
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
fn foreign_hosts_and_origins_are_refused() {
    let local = access(None, "127.0.0.1:8080", &[]);
    for (host, origin, is_own) in [
        ("127.0.0.1:8080", None, true),
        ("localhost:8080", Some("http://localhost:8080"), true),
        ("LOCALHOST:8080", None, true),
        ("[::1]:8080", None, true),
        ("rebound.example:8080", None, false),
        ("127.0.0.1.example", None, false),
        ("127.0.0.1:8080", Some("https://example.com"), false),
        ("127.0.0.1:8080", Some("http://127.0.0.1:9999"), false),
        ("127.0.0.1:8080", Some("null"), false),
    ] {
        let mut of = vec![("host", host)];
        of.extend(origin.map(|origin| ("origin", origin)));
        assert_eq!(local.is_own(&headers(&of)), is_own, "{host} {origin:?}");
    }
    assert!(!local.is_own(&HeaderMap::new()), "every request has a host");
    let named = access(Some("secret"), "10.0.0.5:8080", &["desk.example"]);
    let of = [("host", "desk.example"), ("origin", "https://desk.example")];
    assert!(named.is_own(&headers(&of)));
    assert!(!named.is_own(&headers(&[("host", "localhost:8080")])));
}

#[test]
fn whoever_asks_too_often_waits_and_others_do_not() {
    let access = access(None, "127.0.0.1:8080", &[]);
    let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let now = crate::now();
    let asked = (0..100).filter(|_| access.may_ask(one, now)).count();
    assert_eq!(asked, 40);
    assert!(access.may_ask(other, now));
    let later = now + Duration::from_millis(500);
    assert_eq!((0..100).filter(|_| access.may_ask(one, later)).count(), 10);
    assert_eq!((0..100).filter(|_| access.may_log_in(one, later)).count(), 5);
}
