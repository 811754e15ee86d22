use serde_json::json;

use super::*;

/// A workspace whose members are the packages named `paperwire-*` and `xtask`; an edge is
/// `(from, to, kind)`.
fn graph(edges: &[(&str, &str, Option<&str>)]) -> Graph {
    let names: BTreeSet<&str> = edges.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    let packages: Vec<_> = names
        .iter()
        .map(|name| json!({"id": name, "name": name, "manifest_path": format!("/r/{name}/C")}))
        .collect();
    let is_member = |name: &&&str| name.starts_with(PREFIX) || **name == "xtask";
    let members: Vec<_> = names.iter().filter(is_member).collect();
    let node = |name: &&str| {
        let deps: Vec<_> = edges
            .iter()
            .filter(|(from, _, _)| from == name)
            .map(|(_, to, kind)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
            .collect();
        json!({"id": name, "deps": deps})
    };
    let nodes: Vec<_> = names.iter().map(node).collect();
    let metadata =
        json!({"packages": packages, "workspace_members": members, "resolve": {"nodes": nodes}});
    Graph::parse(&metadata).unwrap()
}

#[track_caller]
fn check(edges: &[(&str, &str, Option<&str>)], expected: &[&str]) {
    let said: Vec<_> =
        graph(edges).check().iter().map(|c| format!("{}: {}", c.place, c.what)).collect();
    assert_eq!(said, expected);
}

#[test]
fn the_flow_from_left_to_right_is_allowed() {
    check(
        &[
            ("paperwire-feed", "paperwire-core", None),
            ("paperwire-feed", "simd-json", None),
            ("paperwire-feed", "mio", None),
            ("paperwire-exec", "paperwire-strategies", None),
            ("paperwire-strategies", "paperwire-signals", None),
            ("paperwire-bridge", "paperwire-exec", None),
            ("paperwire-bridge", "tokio", None),
            ("paperwire-exchange", "axum", None),
            ("xtask", "serde_json", None),
        ],
        &[],
    );
}

#[test]
fn a_room_that_reaches_back_is_named() {
    check(
        &[("paperwire-core", "paperwire-rt", None), ("paperwire-rt", "libc", None)],
        &["core: imports paperwire-rt"],
    );
    check(
        &[("paperwire-strategies", "paperwire-exec", Some("build"))],
        &["strategies: imports paperwire-exec"],
    );
    check(&[("paperwire-exec", "paperwire-feed", None)], &["exec: imports paperwire-feed"]);
    check(&[("xtask", "paperwire-core", None)], &["xtask: imports paperwire-core"]);
}

#[test]
fn development_dependencies_are_exempt() {
    check(&[("paperwire-feed", "paperwire-exchange", Some("dev"))], &[]);
    check(&[("paperwire-core", "tokio", Some("dev"))], &[]);
}

#[test]
fn a_walled_crate_is_found_through_others_with_the_way_to_it() {
    check(
        &[("paperwire-feed", "helper", None), ("helper", "tokio", None)],
        &["paperwire-feed: reaches helper > tokio"],
    );
    check(
        &[("paperwire-signals", "helper", None), ("helper", "quanta", None)],
        &["paperwire-signals: reaches helper > quanta"],
    );
    check(&[("helper", "tokio", Some("dev")), ("paperwire-feed", "helper", None)], &[]);
}

#[test]
fn simd_json_is_walled_where_it_is_named_only() {
    check(
        &[
            ("paperwire-bridge", "paperwire-feed", None),
            ("paperwire-feed", "simd-json", None),
            ("paperwire-benches", "simd-json", None),
        ],
        &[],
    );
    check(&[("paperwire-bridge", "simd-json", None)], &["paperwire-bridge: reaches simd-json"]);
}

#[test]
fn a_new_room_needs_a_row() {
    let said = graph(&[("paperwire-attic", "serde", None)]).check();
    assert!(said[0].what.starts_with("no row in"), "{said:?}");
}

#[test]
fn every_room_imports_only_rooms_that_have_a_row() {
    for (room, imports) in ROOMS {
        let Imports::Only(allowed) = imports else {
            continue;
        };
        for other in *allowed {
            assert!(ROOMS.iter().any(|(name, _)| name == other), "{room} imports {other}");
        }
    }
}

#[test]
fn metadata_of_another_shape_is_refused() {
    assert!(Graph::parse(&json!({})).is_none());
    assert!(Graph::parse(&json!({"packages": [], "workspace_members": []})).is_none());
}
