//! Finds the strategies: every file (or folder with `mod.rs`) in `src/` is one, by its name alone.
//!
//! Writes `registry.rs` (modules, table, fingerprints) into `OUT_DIR`. `lib.rs`, `registry.rs` and names that start with `_` are not strategies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

/// Modules of this crate that are not strategies.
const NOT_STRATEGIES: [&str; 2] = ["lib", "registry"];
/// Shared files that only tests use; all other shared files are part of every fingerprint.
const TEST_KITS: [&str; 2] = ["_testkit.rs", "_stage.rs"];
/// What every strategy computes with: its indicators, and the values and arithmetic below them. A strategy that did not
/// change decides otherwise when they do, so they are part of its fingerprint.
const GROUND: [&str; 2] = ["signals/src", "../core/src"];

type Failure = Box<dyn std::error::Error>;

struct Found {
    /// Lower snake case.
    name: String,
    /// The file that declares it.
    root: PathBuf,
    /// Every source file of it and what all share, sorted by their paths below `src`.
    files: Vec<PathBuf>,
}

fn main() -> Result<(), Failure> {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let room = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let (src, out) = (room.join("src"), PathBuf::from(env::var("OUT_DIR")?));
    let mut ground = Vec::new();
    for folder in GROUND {
        println!("cargo:rerun-if-changed={folder}");
        let folder = room.join(folder);
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        files.retain(|path| !is_test(path));
        files.sort();
        ground.push(fingerprint(&folder, &files)?);
    }
    let found = find(&src)?;
    write_changed(&out.join("registry.rs"), &registry(&src, &found, &ground.concat())?)
}

/// Tests of a module stand in `tests.rs` or below `tests/`.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Strategies in the order of their names.
fn find(src: &Path) -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    let mut entries = fs::read_dir(src)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    let is_shared = |path: &&PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with('_') && path.is_file() && !TEST_KITS.contains(&name)
    };
    let shared: Vec<PathBuf> = entries.iter().filter(is_shared).cloned().collect();
    for path in entries {
        let is_file = path.extension().is_some_and(|ext| ext == "rs");
        let root = if is_file { path.clone() } else { path.join("mod.rs") };
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a name is not text")?;
        let is_other = NOT_STRATEGIES.contains(&name) || name.starts_with('_');
        if is_other || !root.is_file() {
            continue;
        }
        let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_snake) {
            return Err(format!(
                "{}: a strategy's file is named in lower_snake_case",
                path.display()
            )
            .into());
        }
        if found.iter().any(|other| other.name == name) {
            return Err(format!("{name}: is both a file and a folder with mod.rs; keep one").into());
        }
        let mut files = shared.clone();
        if is_file {
            files.push(path.clone());
        }
        // `name.rs` and `name/` belong together, as in the language.
        collect(&src.join(name), &mut files)?;
        files.sort();
        found.push(Found { name: name.to_owned(), root, files });
    }
    Ok(found)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// SHA-256 over path, length and content of every file, in order.
fn fingerprint(src: &Path, files: &[PathBuf]) -> Result<String, Failure> {
    let mut hasher = Sha256::new();
    for file in files {
        let parts = file.strip_prefix(src)?.components();
        let parts = parts.map(|part| part.as_os_str().to_str().ok_or("a name is not text"));
        let content = fs::read(file)?;
        hasher.update(parts.collect::<Result<Vec<_>, _>>()?.join("/"));
        hasher.update([0]);
        hasher.update(u64::try_from(content.len())?.to_le_bytes());
        hasher.update(content);
    }
    Ok(hex(&hasher.finalize()))
}

/// The first `//!` line of a file.
fn summary(root: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(root)?;
    let line = text.lines().find_map(|line| line.strip_prefix("//!"));
    let line = line
        .ok_or_else(|| format!("{}: begins with a `//!` line on what it does", root.display()))?;
    Ok(line.trim().to_owned())
}

fn registry(src: &Path, found: &[Found], ground: &str) -> Result<String, Failure> {
    let mut text = String::from("// Written by build.rs.\n");
    // A module with a path sets the folder in which the modules inside it are looked for.
    writeln!(text, "/// The strategies, one module each.\n#[path = {src:?}]\npub mod catalog {{")?;
    for Found { name, .. } in found {
        writeln!(text, "    pub mod {name};")?;
    }
    writeln!(text, "}}")?;
    writeln!(text, "static ALL: &[Registration] = &[")?;
    for Found { name, root, files } in found {
        let of = format!("catalog::{name}::{}", camel_case(name));
        let own = fingerprint(src, files)?;
        let (sha256, summary) = (hex(&Sha256::digest(own + ground)), summary(root)?);
        writeln!(text, "    Registration::of::<{of}>({name:?}, {sha256:?}, {summary:?}),")?;
    }
    writeln!(text, "];")?;
    Ok(text)
}

fn camel_case(snake: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    snake.split('_').map(word).collect()
}

/// Leaves an equal file alone, so that nothing is recompiled for it.
fn write_changed(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    Ok(fs::write(path, text)?)
}
