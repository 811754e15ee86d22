//! Every package obeys the workspace's lint table; the one room that cannot inherit it repeats it.
//!
//! `forbid` cannot be lowered, so `core/rt` has its own copy. The copy may differ in the lints about
//! that one power and in nothing else. Manifests are read line by line: the tables are flat.

use std::collections::BTreeMap;

use super::Complaint;

const COPY: &str = "core/rt/Cargo.toml";

/// Checks one manifest against the workspace's.
pub(crate) fn check(path: &str, manifest: &str, workspace: &str) -> Vec<Complaint> {
    let own = table(manifest, "lints");
    if own.get("workspace").is_some_and(|value| value == "true") {
        return Vec::new();
    }
    if path != COPY {
        return vec![Complaint {
            place: path.to_owned(),
            what: "lacks `[lints] workspace = true`".to_owned(),
            because: "a package without it is checked by nothing",
        }];
    }
    let shared = table(workspace, "workspace.lints");
    let keys = shared.keys().chain(own.keys()).collect::<std::collections::BTreeSet<_>>();
    let differs = keys
        .into_iter()
        .filter(|key| !key.contains(concat!("un", "safe")) && shared.get(*key) != own.get(*key));
    let show = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    differs
        .map(|key| Complaint {
            place: path.to_owned(),
            what: format!(
                "lint {key} is {}, in the workspace {}",
                show(own.get(key)),
                show(shared.get(key))
            ),
            because: "the copy of the lint table may differ only in what makes it a copy",
        })
        .collect()
}

/// `section.key` to value of a table and its subtables, comments left out.
fn table(manifest: &str, name: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut section = None;
    for line in manifest.lines() {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = match header.strip_prefix(name) {
                Some("") => Some(String::new()),
                Some(rest) => rest.strip_prefix('.').map(|rest| format!("{rest}.")),
                None => None,
            };
        } else if let (Some(section), Some((key, value))) = (&section, line.split_once('=')) {
            found.insert(format!("{section}{}", key.trim()), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests;
