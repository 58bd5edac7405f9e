//! How long files and functions may be. What is too long to read at once hides what it does.

use super::lexer::{Token, closing, tokens, without_tests};

/// Lines of a file, tests inside it included.
const FILE: usize = 450;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION: usize = 60;

/// What is too long in a file; each entry names file and line.
pub fn breaches(file: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let mut found = Vec::new();
    if lines > FILE {
        found.push(format!("{file}: {lines} lines, {FILE} is the most"));
    }
    let tokens = without_tests(&tokens(text));
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| token.is_word("fn")) {
        let Some((name, lines)) = function(&tokens, at) else {
            continue;
        };
        if lines > FUNCTION {
            found.push(format!("{file}:{}: `{name}` has {lines} lines, {FUNCTION} is the most", tokens[at].line));
        }
    }
    found
}

/// Name and lines of the function whose `fn` is at `at`; `None` for a type such as `fn(u8)` or a body-less signature.
fn function(tokens: &[Token], at: usize) -> Option<(&str, usize)> {
    let name = tokens.get(at + 1)?.word()?;
    let mut index = at + 2;
    while !tokens.get(index)?.is('{') {
        index = match () {
            () if tokens[index].is('(') => closing(tokens, index, '(', ')') + 1,
            // The length of an array in the signature ends with a semicolon too.
            () if tokens[index].is('[') => closing(tokens, index, '[', ']') + 1,
            () if tokens[index].is(';') => return None,
            () => index + 1,
        };
    }
    let end = closing(tokens, index, '{', '}');
    Some((name, tokens[end].line - tokens[at].line + 1))
}
