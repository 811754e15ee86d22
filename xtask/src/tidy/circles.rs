//! No circle of files: at each level of a crate's module tree, files (each with the folder of its own modules) import
//! each other in one direction only. A module may use its parent's items and a parent its modules': they are one unit
//! to everybody else.
//!
//! Read from the text: paths that begin with `crate`, `super`, `self` or the name of a module of their own file.
//! Re-exports are followed to where an item is, and are no imports themselves. Tests stand outside.

use std::collections::{BTreeMap, BTreeSet};

use super::Complaint;

const BECAUSE: &str =
    "files in a circle can only be read, tested and moved together; put what they share below both";

/// Names on the way from a crate's root: `["market", "trades"]` is `src/market/trades.rs`.
type Module = Vec<String>;

/// Checks one crate, given its sources by their path from its `src` folder.
pub(crate) fn check(crate_dir: &str, sources: &[(String, String)]) -> Vec<Complaint> {
    let files: BTreeMap<Module, &str> =
        sources.iter().filter_map(|(path, text)| Some((module_of(path)?, text.as_str()))).collect();
    let imports = imports(&files);
    let parents: BTreeSet<&[String]> =
        files.keys().flat_map(|of| (0..of.len()).map(|length| &of[..length])).collect();
    let mut complaints = Vec::new();
    for parent in parents {
        let units = units(parent, &imports);
        for circle in circles(&units) {
            let room: Vec<&str> = parent.iter().map(String::as_str).collect();
            complaints.push(Complaint {
                place: format!("{crate_dir}/src/{}", room.join("/")),
                what: format!("files import each other in a circle: {}", circle.join(", ")),
                because: BECAUSE,
            });
        }
    }
    complaints
}

/// The module that a file holds; none for tests and for what stands outside the tree.
fn module_of(path: &str) -> Option<Module> {
    let mut parts: Module = path.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if parts.iter().any(|part| part == "tests") || parts == ["main"] {
        return None;
    }
    if parts.last().is_some_and(|last| last == "mod" || (parts.len() == 1 && last == "lib")) {
        parts.pop();
    }
    Some(parts)
}

/// Which modules each module names.
fn imports(files: &BTreeMap<Module, &str>) -> BTreeMap<Module, BTreeSet<Module>> {
    let code: BTreeMap<&Module, String> =
        files.iter().map(|(module, text)| (module, code_of(text))).collect();
    let mut exports: BTreeMap<Module, Module> = BTreeMap::new();
    for (module, code) in &code {
        for path in uses(code).filter(|of| of.is_public).flat_map(|of| of.paths) {
            let name = path.last().cloned().unwrap_or_default();
            if let Some(target) = absolute(module, &path, files) {
                exports.insert([module.as_slice(), &[name]].concat(), target);
            }
        }
    }
    let targets = |module: &Module, code: &String| {
        let named = uses(code).filter(|of| !of.is_public).flat_map(|of| of.paths);
        let inline = inline_paths(code);
        let resolved = named.chain(inline).filter_map(|path| absolute(module, &path, files));
        let found = resolved.filter_map(|path| home(path, files, &exports));
        found.filter(|target| target != module).collect::<BTreeSet<Module>>()
    };
    code.iter().map(|(module, code)| ((*module).clone(), targets(module, code))).collect()
}

/// A text without comments and without the tests at its end.
fn code_of(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    match code.find("#[cfg(test)]\nmod ") {
        Some(tests) => code[..tests].to_owned(),
        None => code,
    }
}

/// One `use` item.
struct Use {
    is_public: bool,
    paths: Vec<Module>,
}

/// The statements that begin with `use`, `pub use` or `pub(...) use`.
fn uses(code: &str) -> impl Iterator<Item = Use> + '_ {
    code.split(['\n', ';'])
        .scan(0usize, |at, part| {
            let begin = *at;
            *at += part.len() + 1;
            Some((begin, part))
        })
        .filter_map(|(begin, part)| {
            let text = part.trim_start();
            let is_public = text.starts_with("pub");
            let after = if is_public {
                text.split_once(" use ").filter(|(head, _)| is_visibility(head))?.1
            } else {
                text.strip_prefix("use ")?
            };
            let start = begin + (part.len() - part.trim_start().len()) + (text.len() - after.len());
            let body = code[start..].split(';').next()?;
            Some(Use { is_public, paths: expand(body) })
        })
}

fn is_visibility(head: &str) -> bool {
    head == "pub" || (head.starts_with("pub(") && head.ends_with(')'))
}

/// Every path of a tree such as `a::{b, c::{self, d}}`.
fn expand(tree: &str) -> Vec<Module> {
    let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let names =
            path.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self");
        let first = path.trim_start().starts_with("self::").then(|| "self".to_owned());
        return vec![first.into_iter().chain(names.map(str::to_owned)).collect()];
    };
    let body = rest.rfind('}').map_or(rest, |end| &rest[..end]);
    let (mut depth, mut part, mut all) = (0, String::new(), Vec::new());
    for letter in body.chars().chain([',']) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            if !part.trim().is_empty() {
                all.extend(expand(&format!("{head}{}", part.trim())));
            }
            part.clear();
        } else {
            part.push(letter);
        }
    }
    all
}

/// Paths in the code besides `use`: `crate::a::b`, `super::c`, `d::e`.
fn inline_paths(code: &str) -> impl Iterator<Item = Module> + '_ {
    code.split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)))
        .filter(|word| word.contains("::") && !word.starts_with("::"))
        .map(|word| word.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// A path from the crate's root, unless it leads out of the crate.
fn absolute(module: &Module, path: &Module, files: &BTreeMap<Module, &str>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module.as_slice(), rest].concat()),
        "super" => {
            let supers = path.iter().take_while(|name| *name == "super").count();
            let above = module.len().checked_sub(supers)?;
            Some([&module[..above], &path[supers..]].concat())
        }
        _ => {
            let own = [module.as_slice(), std::slice::from_ref(first)].concat();
            files.contains_key(&own).then(|| [module.as_slice(), path].concat())
        }
    }
}

/// The file in which what a path names is: the longest part of it that is a module, re-exports followed.
fn home(
    mut path: Module,
    files: &BTreeMap<Module, &str>,
    exports: &BTreeMap<Module, Module>,
) -> Option<Module> {
    // A re-export of a re-export is followed a few times; a circle of them ends.
    for _ in 0..8 {
        let longest = (0..=path.len()).rev().find(|length| {
            exports.contains_key(&path[..*length]) || files.contains_key(&path[..*length])
        })?;
        match exports.get(&path[..longest]) {
            Some(target) if *target != path[..longest] => {
                path = [target.as_slice(), &path[longest..]].concat();
            }
            _ => return Some(path[..longest].to_vec()),
        }
    }
    None
}

/// The children of a module, and which of them each one imports with all that is below it.
fn units<'a>(
    parent: &[String],
    imports: &'a BTreeMap<Module, BTreeSet<Module>>,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let depth = parent.len();
    let child = |module: &'a Module| {
        (module.len() > depth && module.starts_with(parent)).then(|| module[depth].as_str())
    };
    let mut units: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, targets) in imports {
        let Some(from) = child(module) else { continue };
        let reached = targets.iter().filter_map(child).filter(|to| *to != from);
        units.entry(from).or_default().extend(reached);
    }
    units
}

/// Groups of units each of which reaches all others of its group.
fn circles<'a>(units: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            for next in units.get(at).into_iter().flatten() {
                if seen.insert(*next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        units.keys().map(|unit| (*unit, reach(unit))).collect();
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for (unit, all) in &reached {
        let known = circles.iter().any(|circle| circle.contains(unit));
        if !known && all.contains(unit) {
            let is_mutual = |other: &&&str| reached[**other].contains(unit);
            circles.push(all.iter().filter(is_mutual).copied().collect());
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        check("a", &sources).into_iter().map(|of| format!("{}: {}", of.place, of.what)).collect()
    }

    #[test]
    fn siblings_that_import_each_other_are_named_at_their_level() {
        let circle = found(&[
            ("lib.rs", "pub mod x;\npub mod y;\npub mod z;"),
            ("x.rs", "use crate::y::{self, Of};"),
            ("y/mod.rs", "fn f() { super::z::g(); }"),
            ("z.rs", "use super::x::h;"),
            ("z/part.rs", "use crate::z::Kept;"),
        ]);
        assert_eq!(circle, ["a/src/: files import each other in a circle: x, y, z"]);
        let deep = found(&[
            ("lib.rs", "pub mod x;"),
            ("x.rs", "mod p;\nmod q;"),
            ("x/p.rs", "use super::q::B;"),
            ("x/q.rs", "use super::p::{C,\n    D};"),
        ]);
        assert_eq!(deep, ["a/src/x: files import each other in a circle: p, q"]);
    }

    #[test]
    fn a_parent_and_its_modules_are_one_and_reexports_lead_to_the_item() {
        let none: [String; 0] = [];
        let parent =
            [("lib.rs", "mod x;"), ("x.rs", "mod p;\nuse p::A;"), ("x/p.rs", "use super::B;")];
        assert_eq!(found(&parent), none);
        let tests = [
            ("lib.rs", ""),
            ("x.rs", "use crate::y::A;"),
            ("y.rs", "#[cfg(test)]\nmod tests {\n    use crate::x::B;\n}"),
        ];
        assert_eq!(found(&tests), none);
        // By way of the root: y's item is re-exported there.
        let exported = [
            ("lib.rs", "mod x;\nmod y;\npub use y::A;"),
            ("x.rs", "use crate::A;"),
            ("y.rs", "// crate::x::B is no import\nuse std::fmt;"),
        ];
        assert_eq!(found(&exported), none);
        let back = [exported[0], exported[1], ("y.rs", "use crate::x::C;")];
        assert_eq!(found(&back), ["a/src/: files import each other in a circle: x, y"]);
    }
}
