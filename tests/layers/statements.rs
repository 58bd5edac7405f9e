//! Every statement names the tenant for every table of tenants that it touches. Row level security would hide one that
//! forgot; this does not, so that each of the two guards holds alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::lexer::{Kind, tokens, without_tests};

/// Tables whose key is a secret that names its tenant, not the reverse.
const BY_SECRET: [&str; 2] = ["sessions", "one_time_tokens"];

/// Statements that look across tenants, with their reason; they run as `portal_router` or `portal_operator`, whose
/// grants `tests/catalogue_of_roles.rs` lists. An entry that is no longer needed fails.
const ACROSS: [(&str, &str, &str); 17] = [
    ("audit.rs", "heads", "the ends of all chains go to the log"),
    ("idempotency.rs", "delete_old", "housekeeping removes what is older than a day"),
    ("jobs.rs", "take_lost", "the timer sweeps jobs whose message was lost"),
    ("jobs.rs", "others_wait", "a run makes way for whichever run waits"),
    ("jobs.rs", "delete_old", "housekeeping removes what ended long ago"),
    ("recipients.rs", "find", "whom a mail is for, and whether they belong anywhere"),
    ("tenants.rs", "removal", "people whom no other tenant has go with the last one"),
    ("tenants.rs", "remove", "people whom no other tenant has go with the last one"),
    ("sources.rs", "due", "the timer finds sources whose turn it is"),
    ("people.rs", "account_for_update", "whether any of the person's tenants demands a second factor"),
    ("people.rs", "find_credentials", "who signs in, and in which tenant they start"),
    ("people.rs", "memberships", "the tenants of a person who signs in"),
    ("jobs.rs", "list", "operators look at all jobs"),
    ("jobs.rs", "find_for_update", "operators name a job by its id alone"),
    ("overview.rs", "counts", "the operators' overview counts all tenants"),
    ("overview.rs", "causes", "the operators' overview groups the trouble of all tenants"),
    ("users.rs", "people", "operators see which tenants a person belongs to"),
];

/// A statement and where it stands.
struct Statement {
    file: String,
    function: String,
    line: usize,
    text: String,
}

fn statements() -> Vec<Statement> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = Vec::new();
    let mut open = vec![folder];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let tokens = without_tests(&tokens(&fs::read_to_string(&path).unwrap()));
        let mut function = String::new();
        for (at, token) in tokens.iter().enumerate() {
            if token.is_word("fn") {
                tokens.get(at + 1).and_then(|next| next.word()).unwrap_or_default().clone_into(&mut function);
            }
            if let Kind::Text(text) = &token.kind {
                let text = text.replace("\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push(Statement { file, function: function.clone(), line: token.line, text });
            }
        }
    }
    found.retain(|one| {
        ["select ", "insert ", "update ", "delete ", "with "].iter().any(|verb| one.text.starts_with(verb))
    });
    found
}

/// The tables that belong to tenants, as the migrations make them.
fn tables_of_tenants() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all: String = files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let tables = all.split("create table ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(" (")?;
        let body = rest.split("\n);").next()?;
        body.lines().any(|line| line.trim_start().starts_with("tenant_id uuid")).then(|| name.trim().to_owned())
    });
    tables.filter(|name| !BY_SECRET.contains(&name.as_str())).collect()
}

/// How often a statement names tables of tenants.
fn named(text: &str, tables: &BTreeSet<String>) -> usize {
    let words: Vec<&str> = text.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let leads = |word: &str| ["from", "join", "update", "into", "using"].contains(&word);
    words.windows(2).filter(|pair| leads(pair[0]) && tables.contains(pair[1])).count()
}

/// How often a statement says which tenant: in a condition, or in the columns of a row that it adds.
fn tied(text: &str) -> usize {
    let conditions = text.matches("tenant_id =").count();
    let added = text.split("insert into ").skip(1).filter(|rest| {
        let columns =
            rest.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(columns, _)| columns);
        columns.split(',').any(|column| column.trim() == "tenant_id")
    });
    conditions + added.count()
}

#[test]
fn every_statement_names_the_tenant_for_every_table_of_tenants() {
    let tables = tables_of_tenants();
    assert!(tables.len() >= 10, "{tables:?}");
    let mut unneeded: Vec<_> = ACROSS.iter().map(|(file, function, _)| (*file, *function)).collect();
    let mut held = 0;
    let mut found = Vec::new();
    for one in statements() {
        let (named, tied) = (named(&one.text, &tables), tied(&one.text));
        if named == 0 || named == tied {
            held += usize::from(named > 0);
            continue;
        }
        let place = (one.file.as_str(), one.function.as_str());
        if ACROSS.iter().any(|(file, function, _)| (*file, *function) == place) {
            unneeded.retain(|entry| *entry != place);
        } else {
            let Statement { file, function, line, text } = &one;
            found.push(format!("src/store/{file}:{line}: `{function}` touches {named} and ties {tied}: {text}"));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    assert!(unneeded.is_empty(), "these do not look across tenants any more: {unneeded:?}");
    assert!(held > 50, "{held}");
}

#[test]
fn a_forgotten_tenant_is_noticed() {
    let tables: BTreeSet<String> = ["syncs".to_owned(), "jobs".to_owned()].into();
    let holds = |text: &str| named(text, &tables) == tied(text);
    assert!(holds("update syncs set status = $3 where tenant_id = $1 and id = $2"));
    assert!(!holds("update syncs set status = $3 where id = $2"));
    assert!(holds("select from syncs s join jobs j on j.tenant_id = s.tenant_id where s.tenant_id = $1"));
    assert!(!holds("select from syncs s join jobs j on j.id = s.id where s.tenant_id = $1"));
    assert!(holds("insert into jobs (id, tenant_id) values ($1, $2)"));
    assert!(!holds("insert into jobs (id) values ($1)"));
    assert!(!holds("delete from jobs where tenant_id = $1 and id in (select id from syncs)"));
}
