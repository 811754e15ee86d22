//! What others could reach or read: addresses that the configuration serves on, and secrets that it holds.

use crate::Config;

/// What others could reach.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    /// Addresses that the configuration serves on, other than loopback.
    pub public_addresses: Vec<String>,
    /// Keys of the configuration that look like secrets and have a value.
    pub secret_keys: Vec<String>,
}

impl Exposure {
    /// Reads the effective configuration as a tree, so that keys of later sections are seen too.
    pub fn of(config: &Config) -> Self {
        let mut exposure = Self::default();
        exposure.walk("", &toml::Value::Table(config.effective.clone()));
        exposure
    }

    fn walk(&mut self, key: &str, value: &toml::Value) {
        match value {
            toml::Value::Table(table) => {
                for (name, value) in table {
                    let dot = if key.is_empty() { "" } else { "." };
                    self.walk(&format!("{key}{dot}{name}"), value);
                }
            }
            toml::Value::String(text) if !text.is_empty() => {
                let name = key.rsplit('.').next().unwrap_or(key);
                let words = || name.split('_');
                if words()
                    .any(|word| matches!(word, "secret" | "password" | "token" | "passphrase"))
                    || name == "api_key"
                {
                    self.secret_keys.push(key.to_owned());
                }
                let serves = words().any(|word| matches!(word, "bind" | "listen"));
                let is_page = key.starts_with("dashboard.") && is_address(text);
                if (serves || is_page) && !is_loopback(text) {
                    self.public_addresses.push(format!("{key} = {text}"));
                }
            }
            _ => {}
        }
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
}

fn is_loopback(address: &str) -> bool {
    if let Ok(ip) = address.parse::<std::net::IpAddr>() {
        return ip.is_loopback();
    }
    if let Ok(socket) = address.parse::<std::net::SocketAddr>() {
        return socket.ip().is_loopback();
    }
    address == "localhost" || address.starts_with("localhost:")
}

#[cfg(test)]
mod tests {
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
}
