//! Breaches planted on purpose: the checks must be able to fail, and must not complain of what is right.

use super::{lexer, rules, sizes};

/// The single complaint about a text, without the path.
fn complaint(file: &str, text: &str) -> String {
    let found = rules::breaches(file, text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    found[0].clone()
}

fn accepts(file: &str, text: &str) {
    assert_eq!(rules::breaches(file, text), Vec::<String>::new(), "{text}");
}

#[test]
fn the_domain_names_no_crate_that_does_input_or_output() {
    let file = "src/domain/metric.rs";
    for text in [
        "use sqlx::PgConnection;",
        "use sqlx;",
        "extern crate sqlx;",
        "use ::sqlx::PgConnection;",
        "use {serde::Serialize, sqlx::PgPool};",
        "#[derive(sqlx::FromRow)] struct A;",
        "fn f() { let x: sqlx::Error = y; }",
        "fn f() { r#sqlx::query(1); }",
    ] {
        assert!(complaint(file, text).ends_with("`domain` may not name `sqlx`"), "{text}");
    }
    for (text, name) in [
        ("use std::env;", "std::env"),
        ("use std::{collections::BTreeMap, env};", "std::env"),
        ("use std::{fmt, fs::{self}};", "std::fs"),
        ("fn f() { std::fs::read(1); }", "std::fs"),
        ("fn f() { tokio::spawn(g()); }", "tokio"),
        ("use std::time::{Duration, Instant};", "std::time::Instant"),
        ("use axum::Json;", "axum"),
        ("use reqwest as web;", "reqwest"),
    ] {
        assert!(complaint(file, text).ends_with(&format!("may not name `{name}`")), "{text}");
    }
    assert!(!rules::breaches(file, "use std as s;").is_empty(), "a renamed `std` hides `env`");
    assert!(!rules::breaches(file, "use std::*;").is_empty(), "a glob of `std` hides `env`");
}

#[test]
fn a_layer_names_no_layer_above_or_beside_it() {
    for (file, text, target) in [
        ("src/domain/fact.rs", "use crate::store::Row;", "store"),
        ("src/domain/fact.rs", "use super::super::store::Row;", "store"),
        ("src/domain/mod.rs", "use super::http;", "http"),
        ("src/domain/a/b.rs", "use super::super::super::services;", "services"),
        ("src/store/mod.rs", "use crate::{domain::Id, connectors::Ga4};", "connectors"),
        ("src/store/mod.rs", "fn f() -> crate::services::Answer { g() }", "services"),
        ("src/connectors/ga4/mod.rs", "use crate::platform::Queue;", "platform"),
        ("src/services/auth.rs", "use crate::http::error::ApiError;", "http"),
        ("src/services/auth.rs", "use crate::config::Config;", "config"),
        ("src/http/state.rs", "use crate::functions;", "functions"),
        ("src/http/state.rs", "use crate::app::{self, State};", "app"),
        ("functions/auth/mod.rs", "use crate::store::sessions;", "store"),
        ("functions/auth/mod.rs", "use super::super::store::sessions;", "store"),
        ("functions/auth/mod.rs", "use crate::\n  {\n  domain, // fine\n store::{a, b}};", "store"),
        ("src/services/auth.rs", "mod inner { fn f() { super::super::super::http::g(); } }", "http"),
        ("src/domain/fact.rs", "use crate::*;", "*"),
    ] {
        let found = rules::breaches(file, text);
        assert!(!found.is_empty(), "{file}: {text}");
        assert!(found.iter().all(|line| line.contains(&format!("`{target}` of this crate"))), "{text}: {found:?}");
    }
}

#[test]
fn what_a_row_lists_is_accepted() {
    accepts("src/domain/fact.rs", "use super::metric::Additivity; use std::collections::BTreeMap; use time::Date;");
    accepts("src/domain/fact.rs", "pub(crate) fn f(tokio: u8) -> u8 { tokio } mod inner { use super::super::metric; }");
    accepts(
        "src/domain/mod.rs",
        "pub mod fact; use self::fact::Fact; const HTTP: &str = \"sqlx::query\"; // use sqlx::x;",
    );
    accepts(
        "src/store/mod.rs",
        "use sqlx::PgPool; const Q: &str = \"SELECT 1 FROM t WHERE a = $1\"; use crate::domain;",
    );
    accepts("src/connectors/ga4/mod.rs", "use reqwest::Client; use crate::domain::fact::Fact;");
    accepts("src/services/mod.rs", "use crate::{connectors::ga4, domain, platform::queue::Queue, store::Tx};");
    accepts("functions/auth/mod.rs", "use axum::Router; use crate::{http::Caller, services::auth}; use super::shared;");
    accepts("src/app.rs", "use reqwest::Client; use crate::{store, http}; fn f() { std::env::var(\"A\"); }");
    accepts("src/main.rs", "fn main() -> std::process::ExitCode { portal::handler_main() }");
    accepts("local/src/main.rs", "fn f() { portal::setup::migrate(url); portal::handler_main(); }");
}

#[test]
fn tests_inside_a_file_may_name_anything() {
    let tests = "#[cfg(test)]\n#[expect(unused)]\nmod tests { use sqlx::PgPool; use crate::http; }";
    accepts("src/domain/fact.rs", tests);
    accepts("src/domain/fact.rs", "#[cfg(test)]\nmod tests;");
    let after = format!("{tests}\nuse tokio::fs;");
    assert_eq!(complaint("src/domain/fact.rs", &after), "src/domain/fact.rs:4: `domain` may not name `tokio`");
    assert!(!rules::breaches("src/domain/a.rs", "#[cfg(not(test))] mod x { use sqlx::A; }").is_empty());
}

#[test]
fn a_module_declared_for_tests_is_known_by_its_name() {
    let text =
        "#[cfg(test)]\npub(crate) mod testing;\nmod real;\n#[cfg(test)] mod tests { mod inner; }\n#[cfg(test)] use x;";
    assert_eq!(lexer::test_modules(&lexer::tokens(text)), ["testing"]);
}

#[test]
fn sql_stands_in_the_store_only() {
    for text in [
        r#"const Q: &str = "SELECT id FROM users WHERE id = $1";"#,
        "const Q: &str = \"\n   select count(*) from users\";",
        r##"const Q: &str = r#"INSERT INTO users (id) VALUES ("a")"#;"##,
        r#"const Q: &str = "UPDATE users SET name = $1";"#,
        r#"const Q: &str = "delete from users where tenant_id = 1";"#,
        r#"const Q: &str = "WITH x AS (SELECT 1) TABLE x";"#,
        r#"const Q: &str = "SET LOCAL app.tenant_id = ''";"#,
        r#"const Q: &str = "CREATE TABLE x (id int)";"#,
        r#"const Q: &str = include_str!("queries/all.sql");"#,
    ] {
        assert!(complaint("src/services/figures.rs", text).ends_with("SQL belongs into `store`"), "{text}");
        accepts("src/store/figures.rs", text);
    }
    for prose in ["Select a source from the list.", "Update the page to see it", "Delete this source?", "with", "Set"] {
        accepts("src/services/figures.rs", &format!("const T: &str = \"{prose}\";"));
    }
}

#[test]
fn only_the_files_that_may_read_the_environment_or_build_a_client() {
    let read = "fn f() { std::env::var(\"A\"); }";
    for file in ["src/platform/queue.rs", "src/services/auth.rs", "functions/auth/mod.rs", "src/setup.rs", "src/lib.rs"]
    {
        assert!(complaint(file, read).contains("`std::env`"), "{file}");
    }
    for file in ["src/config.rs", "src/app.rs", "src/main.rs"] {
        accepts(file, read);
    }
    for file in
        ["src/services/auth.rs", "src/http/state.rs", "functions/auth/mod.rs", "src/config.rs", "src/store/a.rs"]
    {
        assert!(complaint(file, "use reqwest::Client;").contains("`reqwest`"), "{file}");
    }
    assert!(complaint("src/app.rs", "use sqlx::PgPool;").contains("`sqlx`"));
}

#[test]
fn the_tools_and_the_handler_know_nothing_of_each_others_inside() {
    for text in ["use portal::store::jobs;", "fn f() { portal::domain::fact::x(); }", "use portal::{setup, services};"]
    {
        assert!(complaint("local/src/demo.rs", text).contains("`local` may not name `portal::"), "{text}");
    }
    assert!(complaint("local/sandbox/mod.rs", "use portal as p;").contains("portal::*"));
    assert!(complaint("local/postgres/src/lib.rs", "use portal::setup;").contains("`local-postgres`"));
    assert!(complaint("src/app.rs", "use local_postgres::Cluster;").contains("`local_postgres`"));
    assert!(complaint("src/store/mod.rs", "use local_postgres::Cluster;").contains("`local_postgres`"));
    assert!(complaint("src/main.rs", "use portal::store::Database;").contains("`main` may not name `store`"));
}

#[test]
fn comments_texts_and_lifetimes_hide_nothing_and_break_nothing() {
    let text = "/* a /* nested */ use sqlx::A; */ fn f<'a>(c: char) -> &'a str { \
        if c == '\\'' || c == '\"' || c == '{' { \"use sqlx::B; \\\" }\" } else { r##\"\"# {\"## } }\nuse sqlx::C;";
    assert_eq!(complaint("src/domain/x.rs", text), "src/domain/x.rs:2: `domain` may not name `sqlx`");
    let words: Vec<_> = lexer::tokens("b'x' b\"y\" 'z' 'static 1_000").into_iter().map(|token| token.kind).collect();
    let expected = vec![lexer::Kind::Text("y".to_owned()), lexer::Kind::Word("1_000".to_owned())];
    assert_eq!(words, expected);
}

#[test]
fn long_functions_and_files_are_found_and_tests_do_not_count() {
    let body = |lines: usize| "    let a = [1; 2];\n".repeat(lines);
    let function =
        |lines: usize| format!("fn long(a: [u8; 2], b: fn(u8) -> u8) -> u8\nwhere\n{{\n{}}}\n", body(lines - 4));
    assert_eq!(sizes::breaches("a.rs", &function(60)), Vec::<String>::new());
    let found = sizes::breaches("a.rs", &format!("trait T {{ fn short(&self); }}\n{}", function(61)));
    assert_eq!(found, ["a.rs:2: `long` has 61 lines, 60 is the most"]);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(100));
    assert_eq!(sizes::breaches("a.rs", &tests), Vec::<String>::new());
    assert_eq!(sizes::breaches("a.rs", &"\n".repeat(450)), Vec::<String>::new());
    assert_eq!(sizes::breaches("a.rs", &"\n".repeat(451)), ["a.rs: 451 lines, 450 is the most"]);
}
