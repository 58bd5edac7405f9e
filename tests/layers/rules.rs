//! The dependency rule. Each layer names only what its row lists; everything that is not listed is refused.

use super::lexer::{Kind, Token, tokens, without_tests};
use super::paths::{Named, named};

/// One layer: where it lives, which of our layers it may name (itself included), which paths outside of ours not.
pub struct Layer {
    pub name: &'static str,
    pub folder: &'static str,
    may: &'static [&'static str],
    refuses: &'static [&'static str],
}

/// domain ← store, connectors, platform ← services ← http ← functions ← the root files.
///
/// `std::env` stands in every row: only `config`, `app` and `main` read the environment.
pub const LAYERS: [Layer; 7] = [
    Layer {
        name: "domain",
        folder: "src/domain",
        may: &["domain"],
        refuses: &[
            "axum",
            "http",
            "hyper",
            "oauth2",
            "reqwest",
            "sqlx",
            "tokio",
            "tower",
            "tower_http",
            "std::env",
            "std::fs",
            "std::net::TcpListener",
            "std::net::TcpStream",
            "std::net::UdpSocket",
            "std::process",
            "std::thread",
            "std::time::Instant",
            "std::time::SystemTime",
        ],
    },
    Layer {
        name: "store",
        folder: "src/store",
        may: &["domain", "store"],
        refuses: &["axum", "http", "hyper", "oauth2", "reqwest", "tower", "std::env", "std::fs"],
    },
    Layer {
        name: "connectors",
        folder: "src/connectors",
        may: &["domain", "connectors"],
        refuses: &["axum", "sqlx", "std::env", "std::fs"],
    },
    Layer {
        name: "platform",
        folder: "src/platform",
        may: &["domain", "platform"],
        refuses: &["axum", "sqlx", "std::env"],
    },
    Layer {
        name: "services",
        folder: "src/services",
        may: &["domain", "store", "connectors", "platform", "services"],
        refuses: &["axum", "http", "hyper", "reqwest", "sqlx", "std::env", "std::fs", "tokio::net"],
    },
    Layer {
        name: "http",
        folder: "src/http",
        may: &["domain", "services", "http"],
        refuses: &["hyper", "oauth2", "reqwest", "sqlx", "std::env", "std::fs", "tokio::net"],
    },
    Layer {
        name: "functions",
        folder: "functions",
        may: &["domain", "services", "http", "functions"],
        refuses: &["hyper", "oauth2", "reqwest", "sqlx", "std::env", "std::fs", "tokio::net"],
    },
];

/// Development tools; nothing in the handler knows of them.
const TOOLS: [&str; 2] = ["local_postgres", "portal_local"];

/// The root files put everything together, but keep to these.
const ROOT_REFUSES: [(&str, &[&str]); 3] =
    [("sqlx", &[]), ("reqwest", &["src/app.rs"]), ("std::env", &["src/app.rs", "src/config.rs", "src/main.rs"])];

/// What is wrong with a file of the repository, given its path in it; each entry names file and line.
pub fn breaches(file: &str, text: &str) -> Vec<String> {
    let tokens = without_tests(&tokens(text));
    let layer = LAYERS.iter().find(|layer| file.starts_with(&format!("{}/", layer.folder)));
    let mut found = Vec::new();
    for path in named(&tokens) {
        let complaint = match layer {
            Some(layer) => in_layer(layer, file, &path),
            None if file.starts_with("local/") => in_tools(file, &path),
            None => in_root(file, &path),
        };
        found.extend(complaint.map(|what| format!("{file}:{}: {what}", path.line)));
    }
    if !file.starts_with("local/") && layer.is_none_or(|layer| layer.name != "store") {
        found.extend(sql(&tokens).map(|line| format!("{file}:{line}: SQL belongs into `store`")));
    }
    found
}

fn in_layer(layer: &Layer, file: &str, path: &Named) -> Option<String> {
    let name = layer.name;
    if let Some(own) = within_ours(file, path) {
        let target = own.first().map_or("*", String::as_str);
        return (!layer.may.contains(&target)).then(|| format!("`{name}` may not name `{target}` of this crate"));
    }
    let refused = layer.refuses.iter().chain(&TOOLS).find(|refused| names(path, refused))?;
    Some(format!("`{name}` may not name `{refused}`"))
}

/// The root files may name every layer, except that `main` only starts the program.
fn in_root(file: &str, path: &Named) -> Option<String> {
    if file == "src/main.rs"
        && let Some(own) = within_ours(file, path)
        && let Some(layer) = LAYERS.iter().find(|layer| own.first().is_some_and(|first| first == layer.name))
    {
        return Some(format!("`main` may not name `{}`", layer.name));
    }
    let tool = TOOLS.into_iter().find(|tool| names(path, tool));
    let refused = ROOT_REFUSES.iter().find(|(refused, except)| names(path, refused) && !except.contains(&file));
    tool.or(refused.map(|(refused, _)| *refused)).map(|refused| format!("a root file may not name `{refused}`"))
}

/// The local host starts the handler and knows nothing of its inside; the embedded `PostgreSQL` does not know it at all.
fn in_tools(file: &str, path: &Named) -> Option<String> {
    if path.segments[0] != "portal" || (path.segments.len() == 1 && !path.imported) {
        return None;
    }
    if file.starts_with("local/postgres/") {
        return Some("`local-postgres` may not name `portal`".to_owned());
    }
    let inner = path.segments.get(1).map_or("*", String::as_str);
    let inside = inner == "*" || LAYERS.iter().any(|layer| layer.name == inner);
    inside.then(|| format!("`local` may not name `portal::{inner}`"))
}

/// The path from the root of our crate, if it is one of ours; a bare `crate`, `self` or `super` (a visibility, say) is not.
fn within_ours(file: &str, path: &Named) -> Option<Vec<String>> {
    let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
    let rest = |from: usize| path.segments.get(from..).filter(|rest| !rest.is_empty());
    match path.segments[0].as_str() {
        // A renamed import of the crate itself would hide everything behind it.
        "crate" | "portal" if path.segments.len() == 1 && path.imported => Some(vec!["*".to_owned()]),
        "crate" | "portal" => Some(rest(1)?.to_vec()),
        "super" => {
            let mut own = module(file);
            // Inline modules are not part of the file's own path.
            let up = supers.saturating_sub(path.inside);
            own.truncate(own.len().saturating_sub(up));
            own.extend_from_slice(rest(supers)?);
            Some(own)
        }
        _ => None,
    }
}

/// The module that a file is: `src/domain/fact.rs` is `domain::fact`, `functions/auth/mod.rs` is `functions::auth`.
fn module(file: &str) -> Vec<String> {
    let inner = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let parts = inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    parts.map(str::to_owned).collect()
}

/// Whether a path leads to or through `refused`. A single word counts in imports only: elsewhere it may be a variable.
fn names(path: &Named, refused: &str) -> bool {
    let wanted: Vec<&str> = refused.split("::").collect();
    let same = path.segments.iter().zip(&wanted).filter(|(have, want)| have == want).count();
    // `use std;` or `use std::*;` hide what is behind them.
    let hides = path.imported && path.segments.len() <= wanted.len() && same + 1 >= path.segments.len() && {
        let last = path.segments.last().map(String::as_str);
        (last == Some("*") && same + 1 == path.segments.len() && same > 0) || same == path.segments.len()
    };
    hides || (same == wanted.len() && (path.segments.len() > 1 || path.imported))
}

/// The lines of string literals that are SQL, or name a file of it.
fn sql(tokens: &[Token]) -> impl Iterator<Item = usize> {
    tokens.iter().filter_map(|token| match &token.kind {
        Kind::Text(text) if looks_like_sql(text) => Some(token.line),
        _ => None,
    })
}

fn looks_like_sql(text: &str) -> bool {
    let text = text.trim_start_matches(|char: char| char.is_whitespace() || char == '(' || char == '\\');
    let upper = text.to_uppercase();
    let words: Vec<&str> = upper.split_whitespace().take(3).collect();
    let has = |word: &str| upper.split(|char: char| !char.is_alphanumeric()).any(|other| other == word);
    // What prose does not have, should a sentence begin like a statement.
    let formal = || text.contains(['$', '=', '*', '(', ';', '_']) || text.chars().take(2).all(char::is_uppercase);
    match words[..] {
        ["SELECT", ..] => (has("FROM") || text.contains('(')) && formal(),
        ["WITH", ..] => has("AS") && has("SELECT"),
        ["UPDATE", ..] => has("SET") && formal(),
        ["SET", "LOCAL", _] | ["TRUNCATE", "TABLE", _] => true,
        ["INSERT" | "MERGE", "INTO", _]
        | ["DELETE", "FROM", _]
        | ["CREATE" | "ALTER" | "DROP", "TABLE" | "INDEX" | "POLICY" | "ROLE" | "DATABASE" | "SCHEMA" | "VIEW", _] => {
            formal()
        }
        _ => std::path::Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sql")),
    }
}
