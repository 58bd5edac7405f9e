//! Holds the layers apart and the files short. See `docs/architecture.md` for the picture and `layers/rules.rs` for the
//! table. Not followed: re-exports and macros.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "layers/lexer.rs"]
mod lexer;
#[path = "layers/paths.rs"]
mod paths;
#[path = "layers/planted.rs"]
mod planted;
#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/sizes.rs"]
mod sizes;
#[path = "layers/statements.rs"]
mod statements;

use std::fs;
use std::path::{Path, PathBuf};

/// Files that may be longer, or hold a longer function, each with its reason. An entry that is no longer needed fails.
const MAY_BE_LONG: [(&str, &str); 0] = [];

/// All Rust files below a folder of the repository with their text, except those that hold nothing but tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = vec![root.join(folder)];
    let (mut found, mut for_tests) = (Vec::new(), Vec::new());
    while let Some(path) = open.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "tests" | "target" | "node_modules") {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for_tests.extend(files_for_tests(&path, &text));
            found.push((path, text));
        }
    }
    found.retain(|(path, _)| !for_tests.iter().any(|module| path.with_extension("").starts_with(module)));
    let relative = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let mut found: Vec<_> = found.into_iter().map(|(path, text)| (relative(&path), text)).collect();
    found.sort();
    found
}

/// Where the modules are, without `.rs`, that a file declares under `#[cfg(test)]`: beside a `mod.rs`, else below the
/// folder named like the file.
fn files_for_tests(path: &Path, text: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    let beside = ["mod", "lib", "main"].iter().any(|name| stem == *name);
    let folder = if beside { path.with_file_name("") } else { path.with_extension("") };
    lexer::test_modules(&lexer::tokens(text)).iter().map(|name| folder.join(name)).collect()
}

fn all_sources() -> Vec<(String, String)> {
    ["src", "functions", "local"].into_iter().flat_map(sources).collect()
}

#[test]
fn every_layer_names_only_what_its_row_lists() {
    let found: Vec<String> = all_sources().iter().flat_map(|(file, text)| rules::breaches(file, text)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_layer_has_code() {
    for layer in rules::LAYERS {
        let code = sources(layer.folder).iter().any(|(_, text)| !lexer::tokens(text).is_empty());
        assert!(code, "{} is empty: has the layer moved?", layer.folder);
    }
}

#[test]
fn files_and_functions_are_short_enough_to_read() {
    let mut found: Vec<String> = Vec::new();
    let mut unneeded: Vec<&str> = MAY_BE_LONG.iter().map(|(file, _)| *file).collect();
    for (file, text) in all_sources() {
        let long = sizes::breaches(&file, &text);
        if MAY_BE_LONG.iter().any(|(exception, _)| *exception == file) {
            unneeded.retain(|exception| long.is_empty() || *exception != file);
        } else {
            found.extend(long);
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    assert!(unneeded.is_empty(), "no longer too long, take it off the list: {unneeded:?}");
}
