use super::*;

#[track_caller]
fn check(toml: &str, public: &[&str], secret: &[&str]) {
    let mut found = Exposure::default();
    found.walk("", &toml::Value::Table(toml.parse().unwrap()));
    assert_eq!(found.public_addresses, public, "{toml}");
    assert_eq!(found.secret_keys, secret, "{toml}");
}

#[test]
fn addresses_that_others_reach_and_secrets_are_found_in_any_section() {
    check("[dashboard]\nbind = '127.0.0.1:8080'", &[], &[]);
    check("[dashboard]\naddress = '[::1]:8080'\ntitle = 'x'", &[], &[]);
    check("[dashboard]\naddress = '0.0.0.0:8080'", &["dashboard.address = 0.0.0.0:8080"], &[]);
    check("[metrics]\nlisten = '::'", &["metrics.listen = ::"], &[]);
    check("[metrics]\nlisten = 'localhost:9000'", &[], &[]);
    check("[gateway]\napi_secret = 'abc'", &[], &["gateway.api_secret"]);
    check("[gateway]\napi_key = ''\npassword = ''", &[], &[]);
    check("[gateway.live]\napi_key = 'abc'", &[], &["gateway.live.api_key"]);
}

#[test]
fn the_shipped_configuration_exposes_nothing() {
    let config = Config::load(None, std::iter::empty(), &[]).unwrap();
    let exposure = Exposure::of(&config);
    assert!(exposure.public_addresses.is_empty(), "{exposure:?}");
    assert!(exposure.secret_keys.is_empty(), "{exposure:?}");
}

#[test]
fn the_disk_is_written_to_and_nothing_is_left() {
    let folder = std::env::temp_dir().join(format!("paperwire-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut disk = Disk {
        folder: folder.display().to_string(),
        symbols: 1,
        free_bytes: Ok(0),
        sync_count: 0,
        sync_worst: None,
    };
    disk.try_writes(&HostClock::new());
    assert!(disk.sync_count > 0);
    assert!(matches!(disk.sync_worst, Some(Ok(_))), "{disk:?}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
    disk.try_writes(&HostClock::new());
    assert!(matches!(disk.sync_worst, Some(Err(_))), "a folder that is gone");
}
