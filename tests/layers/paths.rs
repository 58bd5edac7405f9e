//! Every path that a file names, in imports and in expressions, with groups taken apart.

use super::lexer::{Kind, Token};

/// One path as written, `*` for a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    /// Part of a `use` or `extern crate` item.
    pub imported: bool,
    /// How many inline modules of the file stand around it; each takes one `super`.
    pub inside: usize,
}

/// Finds all paths.
pub fn named(tokens: &[Token]) -> Vec<Named> {
    let mut finder = Finder { tokens, at: 0, found: Vec::new(), imported: false, depth: 0, modules: Vec::new() };
    while finder.at < tokens.len() {
        finder.step();
    }
    finder.found
}

struct Finder<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<Named>,
    imported: bool,
    depth: usize,
    /// The brace depth of each inline module around us.
    modules: Vec<usize>,
}

impl Finder<'_> {
    fn sign(&self, ahead: usize, sign: char) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.is(sign))
    }

    fn step(&mut self) {
        match &self.tokens[self.at].kind {
            Kind::Word(word) if word == "use" || (word == "extern" && self.next_is_word("crate")) => {
                self.imported = true;
                // `crate` after `extern` is no path.
                self.at += if word == "use" { 1 } else { 2 };
            }
            Kind::Word(word) if word == "mod" && self.sign(2, '{') => {
                self.depth += 1;
                self.modules.push(self.depth);
                self.at += 3;
            }
            // A field or method.
            Kind::Sign('.') if !self.sign(1, '.') => self.at += 2,
            Kind::Word(_) => self.tree(&[]),
            Kind::Sign(sign) => {
                match sign {
                    '{' => self.depth += 1,
                    '}' => {
                        self.modules.retain(|&depth| depth < self.depth);
                        self.depth = self.depth.saturating_sub(1);
                    }
                    ';' => self.imported = false,
                    _ => {}
                }
                self.at += 1;
            }
            Kind::Text(_) => self.at += 1,
        }
    }

    fn next_is_word(&self, word: &str) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|token| token.is_word(word))
    }

    /// One path, or a group of them after `::`.
    fn tree(&mut self, before: &[String]) {
        let token = &self.tokens[self.at];
        self.at += 1;
        let last = match &token.kind {
            Kind::Word(word) => word.clone(),
            Kind::Sign('*') => "*".to_owned(),
            Kind::Sign('{') => {
                while self.at < self.tokens.len() && !self.sign(0, '}') {
                    if self.sign(0, ',') {
                        self.at += 1;
                    } else {
                        self.tree(before);
                    }
                }
                self.at += 1;
                return;
            }
            _ => return,
        };
        let mut segments = before.to_vec();
        segments.push(last);
        let goes_on = self.sign(0, ':') && self.sign(1, ':');
        let next = self.tokens.get(self.at + 2);
        if goes_on && next.is_some_and(|token| token.word().is_some() || token.is('{') || token.is('*')) {
            self.at += 2;
            self.tree(&segments);
        } else {
            let (imported, inside) = (self.imported, self.modules.len());
            self.found.push(Named { segments, line: token.line, imported, inside });
        }
    }
}
