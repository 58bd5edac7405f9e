//! Just enough of Rust's lexical rules to find paths, texts and braces: comments and lifetimes are gone, string
//! literals are one token, and code for tests can be left out.

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name, keyword or number.
    Word(String),
    /// The content of a string literal, escapes as written.
    Text(String),
    /// Any other character.
    Sign(char),
}

/// A token and the line it ends on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }
}

/// Splits source text into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, found: Vec::new() };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.found
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Moves on by one character and counts lines.
    fn next(&mut self) -> char {
        let char = self.peek(0);
        self.at += 1;
        if char == '\n' {
            self.line += 1;
        }
        char
    }

    fn push(&mut self, kind: Kind) {
        self.found.push(Token { kind, line: self.line });
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_while(|char| char != '\n'),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.text(),
            ('\'', _) => self.quote(),
            (char, _) if is_name(char) => self.name(),
            (char, _) if char.is_whitespace() => drop(self.next()),
            (char, _) => {
                self.next();
                self.push(Kind::Sign(char));
            }
        }
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && wanted(self.peek(0)) {
            self.next();
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.next(), self.peek(0)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => continue,
            }
            self.next();
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) {
        self.next();
        let mut content = String::new();
        while self.at < self.chars.len() {
            match self.next() {
                '"' => break,
                '\\' => content.extend(['\\', self.next()]),
                char => content.push(char),
            }
        }
        self.push(Kind::Text(content));
    }

    /// A character literal, or a lifetime, which is dropped.
    fn quote(&mut self) {
        self.next();
        if self.peek(0) == '\\' {
            self.next();
            self.next();
            self.skip_while(|char| char != '\'');
            self.next();
        } else if self.peek(1) == '\'' {
            self.next();
            self.next();
        } else {
            self.skip_while(is_name);
        }
    }

    /// A name or number; also what begins like a name: raw and byte strings, and raw names.
    fn name(&mut self) {
        let begun = self.at;
        self.skip_while(is_name);
        let word: String = self.chars[begun..self.at].iter().collect();
        match (word.as_str(), self.peek(0), self.peek(1)) {
            ("b" | "c", '"', _) => self.text(),
            ("b", '\'', _) => self.quote(),
            ("r", '#', raw) if is_name(raw) => {
                self.next();
                self.name();
            }
            ("r" | "br" | "cr", '"' | '#', _) => self.raw_text(),
            _ => self.push(Kind::Word(word)),
        }
    }

    fn raw_text(&mut self) {
        let begun = self.at;
        self.skip_while(|char| char == '#');
        let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', self.at - begun)).collect();
        self.next();
        let mut content = String::new();
        while self.at < self.chars.len() && !content.ends_with(&end) {
            content.push(self.next());
        }
        content.truncate(content.len().saturating_sub(end.len()));
        self.push(Kind::Text(content));
    }
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The tokens without the items under `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match attribute_end(tokens, at) {
            Some(end) if is_for_tests(&tokens[at..end]) => at = item_end(tokens, end),
            Some(end) => {
                kept.extend_from_slice(&tokens[at..end]);
                at = end;
            }
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// The modules that the file declares for tests only and keeps in files of their own.
pub fn test_modules(tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some(end) = attribute_end(tokens, at).filter(|&end| is_for_tests(&tokens[at..end])) else {
            continue;
        };
        if let [.., keyword, name, stop] = &tokens[end..item_end(tokens, end)]
            && keyword.is_word("mod")
            && stop.is(';')
        {
            found.extend(name.word().map(str::to_owned));
        }
    }
    found
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.is_word(word));
    has("cfg") && has("test") && !has("not")
}

/// Where the attribute that begins at `at` ends, if one does.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let opens = tokens[at].is('#') && tokens.get(at + 1)?.is('[');
    opens.then(|| closing(tokens, at + 1, '[', ']') + 1)
}

/// The end of the item at `at`, further attributes included: its closing brace or its semicolon.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        if let Some(end) = attribute_end(tokens, at) {
            at = end;
        } else if tokens[at].is('{') {
            return closing(tokens, at, '{', '}') + 1;
        } else if tokens[at].is(';') {
            return at + 1;
        } else {
            at += 1;
        }
    }
    at
}

/// The index of the sign that closes the one at `open`; the last token if none does.
pub fn closing(tokens: &[Token], open: usize, begin: char, end: char) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is(begin) {
            depth += 1;
        } else if token.is(end) {
            depth -= 1;
            if depth == 0 {
                return index;
            }
        }
    }
    tokens.len() - 1
}
