//! Who may import whom, checked on the dependency graph that cargo resolved.
//!
//! Two tables: the rooms of the house with the rooms each may import, and outside crates that may
//! be reached from some rooms only. Development dependencies are no part of the product and exempt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::Complaint;

const PREFIX: &str = "paperwire-";

/// Rooms in the order data flows, and what each may import. Tests and benches stand outside.
const ROOMS: &[(&str, Imports)] = &[
    ("core", Imports::Only(&[])),
    ("rt", Imports::Only(&["core"])),
    ("tape", Imports::Only(&["core"])),
    ("feed", Imports::Only(&["core", "rt", "tape"])),
    ("exchange", Imports::Only(&["core"])),
    ("signals", Imports::Only(&["core"])),
    ("strategies", Imports::Only(&["core", "signals"])),
    ("exec", Imports::Only(&["core", "strategies", "signals"])),
    ("history", Imports::Only(&["core", "rt"])),
    ("dashboard", Imports::Only(&["core", "history"])),
    (
        "config",
        Imports::Only(&[
            "core",
            "rt",
            "feed",
            "exchange",
            "exec",
            "signals",
            "history",
            "dashboard",
        ]),
    ),
    ("lab", Imports::Only(&["core"])),
    ("doctor", Imports::Only(&["core", "rt"])),
    (
        "replay",
        Imports::Only(&[
            "core",
            "rt",
            "tape",
            "feed",
            "signals",
            "strategies",
            "exec",
            "history",
            "config",
            "lab",
            "doctor",
        ]),
    ),
    (
        "run",
        Imports::Only(&[
            "core",
            "rt",
            "tape",
            "feed",
            "exchange",
            "strategies",
            "exec",
            "history",
            "config",
            "lab",
            "doctor",
            "replay",
        ]),
    ),
    (
        "compare",
        Imports::Only(&["core", "rt", "tape", "exec", "config", "lab", "doctor", "replay", "run"]),
    ),
    (
        "page",
        Imports::Only(&[
            "core",
            "rt",
            "feed",
            "exec",
            "history",
            "dashboard",
            "config",
            "lab",
            "doctor",
            "replay",
            "run",
            "compare",
        ]),
    ),
    ("bridge", Imports::AnyRoom),
    ("tests", Imports::AnyRoom),
    ("benches", Imports::AnyRoom),
];

#[derive(Clone, Copy, Debug)]
enum Imports {
    Only(&'static [&'static str]),
    AnyRoom,
}

const ROOMS_BECAUSE: &str = "data flows one way, wire to book to signal to order to sink, and \
    nothing reaches back; a strategy that sees no socket, file or executor cannot cheat";

/// Outside crates with a wall around them.
struct Wall {
    crates: &'static [&'static str],
    rooms: Rooms,
    reach: Reach,
    because: &'static str,
}

enum Rooms {
    OnlyIn(&'static [&'static str]),
    NeverIn(&'static [&'static str]),
}

#[derive(PartialEq)]
enum Reach {
    Direct,
    /// Through other crates too.
    Any,
}

const WALLS: &[Wall] = &[
    Wall {
        crates: &[
            "tokio",
            "tokio-rustls",
            "tokio-tungstenite",
            "tokio-postgres",
            "axum",
            "hyper",
            "postgres",
            "rusqlite",
            "sqlx",
            "duckdb",
        ],
        rooms: Rooms::NeverIn(&[
            "core",
            "rt",
            "tape",
            "feed",
            "signals",
            "strategies",
            "exec",
            "lab",
            "doctor",
        ]),
        reach: Reach::Any,
        because: "nothing asynchronous and no database may slow the feed or the engine",
    },
    Wall {
        crates: &["simd-json"],
        rooms: Rooms::OnlyIn(&["feed", "benches"]),
        reach: Reach::Direct,
        because: "the wire is decoded in one place; other rooms get values, not text",
    },
    Wall {
        crates: &[
            "mio",
            "socket2",
            "rustls",
            "tungstenite",
            "reqwest",
            "ureq",
            "rdkafka",
            "quanta",
            "core_affinity",
        ],
        rooms: Rooms::NeverIn(&["core", "signals", "strategies", "exec"]),
        reach: Reach::Any,
        because: "the engine is a pure function of configuration, events and commands, so it sees \
                  neither sockets nor clocks nor threads",
    },
];

/// The workspace's packages and all they depend on, in the product.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Name by package id.
    names: BTreeMap<String, String>,
    /// Ids of normal and build dependencies by id.
    edges: BTreeMap<String, BTreeSet<String>>,
    /// Folder of the manifest by id, of the workspace's own packages.
    members: BTreeMap<String, String>,
}

impl Graph {
    /// Reads `cargo metadata`; `None` when it is not shaped as documented.
    pub(crate) fn parse(metadata: &Value) -> Option<Self> {
        let mut graph = Self::default();
        let members: BTreeSet<&str> =
            metadata["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        for package in metadata["packages"].as_array()? {
            let id = package["id"].as_str()?.to_owned();
            if members.contains(id.as_str()) {
                let manifest = Path::new(package["manifest_path"].as_str()?);
                graph.members.insert(id.clone(), manifest.parent()?.to_str()?.to_owned());
            }
            graph.names.insert(id, package["name"].as_str()?.to_owned());
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let mut targets = BTreeSet::new();
            for dep in node["deps"].as_array()? {
                let kinds = dep["dep_kinds"].as_array()?;
                if kinds.iter().any(|kind| kind["kind"].as_str() != Some("dev")) {
                    targets.insert(dep["pkg"].as_str()?.to_owned());
                }
            }
            graph.edges.insert(node["id"].as_str()?.to_owned(), targets);
        }
        Some(graph)
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Folders of the workspace's packages, from its root.
    pub(crate) fn member_dirs(&self, root: &Path) -> Vec<String> {
        let from_root =
            |dir: &String| Path::new(dir).strip_prefix(root).ok()?.to_str().map(str::to_owned);
        self.members.values().filter_map(from_root).collect()
    }

    /// Checks every package of the workspace against both tables.
    pub(crate) fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for id in self.members.keys() {
            let name = &self.names[id];
            match name.strip_prefix(PREFIX) {
                Some(room) => complaints.extend(self.check_room(id, room)),
                // Tools of the repository, as xtask: they build without the house.
                None => complaints.extend(self.check_imports(id, name, &[])),
            }
        }
        complaints
    }

    fn check_room(&self, id: &str, room: &str) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        match ROOMS.iter().find(|(name, _)| *name == room) {
            Some((_, Imports::Only(allowed))) => {
                complaints.extend(self.check_imports(id, room, allowed));
            }
            Some((_, Imports::AnyRoom)) => {}
            None => complaints.push(Complaint {
                place: format!("{PREFIX}{room}"),
                what: "no row in xtask/src/tidy/walls.rs says what it may import".to_owned(),
                because: ROOMS_BECAUSE,
            }),
        }
        for wall in WALLS {
            let is_walled = match wall.rooms {
                Rooms::OnlyIn(rooms) => !rooms.contains(&room),
                Rooms::NeverIn(rooms) => rooms.contains(&room),
            };
            if !is_walled {
                continue;
            }
            for path in self.paths(id, &wall.reach) {
                if path.last().is_some_and(|last| wall.crates.contains(last)) {
                    complaints.push(Complaint {
                        place: format!("{PREFIX}{room}"),
                        what: format!("reaches {}", path.join(" > ")),
                        because: wall.because,
                    });
                }
            }
        }
        complaints
    }

    fn check_imports(&self, id: &str, room: &str, allowed: &[&str]) -> Vec<Complaint> {
        let targets = self.edges.get(id).into_iter().flatten();
        let imported = targets.filter_map(|target| self.names[target].strip_prefix(PREFIX));
        let forbidden = imported.filter(|other| !allowed.contains(other));
        let complain = |other| Complaint {
            place: room.to_owned(),
            what: format!("imports {PREFIX}{other}"),
            because: ROOMS_BECAUSE,
        };
        forbidden.map(complain).collect()
    }

    /// A shortest way from a package to each that it depends on, by name.
    fn paths(&self, id: &str, reach: &Reach) -> Vec<Vec<&str>> {
        let mut seen = BTreeSet::from([id]);
        let mut found: Vec<(&str, Vec<&str>)> = vec![(id, Vec::new())];
        let mut at = 0;
        while let Some((from, path)) = found.get(at).cloned() {
            at += 1;
            if *reach == Reach::Direct && !path.is_empty() {
                continue;
            }
            for target in self.edges.get(from).into_iter().flatten() {
                if seen.insert(target) {
                    let mut longer = path.clone();
                    longer.push(self.names[target].as_str());
                    found.push((target, longer));
                }
            }
        }
        found.into_iter().skip(1).map(|(_, path)| path).collect()
    }
}

#[cfg(test)]
mod tests;
