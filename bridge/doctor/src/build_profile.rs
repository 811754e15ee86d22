//! The Cargo profile that this program was built with, for every report that shows a latency.

/// Name of the profile, such as `release`, `quick`, or `debug` for Cargo's `dev`.
pub const BUILD_PROFILE: &str = env!("PAPERWIRE_PROFILE");

/// What a latency report says of its build; `None` for a release build.
pub fn warning() -> Option<String> {
    warning_of(BUILD_PROFILE)
}

fn warning_of(profile: &str) -> Option<String> {
    (profile != "release").then(|| {
        format!(
            "built with profile {profile}: these latencies are not those of a release build (cargo build --release)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_build_but_release_is_named() {
        assert_eq!(warning_of("release"), None);
        assert!(warning_of("quick").expect("a warning").contains("profile quick"));
        assert!(["release", "quick", "debug"].contains(&BUILD_PROFILE), "{BUILD_PROFILE}");
    }
}
