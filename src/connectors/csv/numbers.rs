//! One cell as a number.
//!
//! Values are exact decimals. A cell may have up to 28 significant digits and must stay below 10^18 in absolute value;
//! digits after the 28th decimal place are rounded half to even (such cells are the residue of binary arithmetic, like
//! `5.551115123125783e-17`).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The decimal mark of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum DecimalMark {
    /// `1,234.5`
    #[serde(rename = ".")]
    Dot,
    /// `1.234,5`
    #[serde(rename = ",")]
    Comma,
}

impl DecimalMark {
    /// The character.
    pub const fn as_char(self) -> char {
        match self {
            Self::Dot => '.',
            Self::Comma => ',',
        }
    }

    /// The mark that is not this one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Dot => Self::Comma,
            Self::Comma => Self::Dot,
        }
    }
}

/// Why a cell is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFault {
    /// Text, or digits in an order that no number has.
    NotANumber,
    /// A number under the other decimal mark.
    WrongMark,
    /// A number with a currency sign or a percent sign.
    Symbol(char),
    /// Infinity by name.
    Infinite,
    /// 10^18 or more in absolute value.
    TooLarge,
    /// More than 28 significant digits.
    TooManyDigits,
}

/// Digits before the decimal mark that a value may have.
const MAX_WHOLE_DIGITS: i64 = 18;
/// Significant digits that a value may have, and decimal places that are kept.
const MAX_DIGITS: usize = 28;

/// Whether a cell says that there is no value.
pub(super) fn is_gap(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || ["NA", "N/A", "NaN", "null", "None", "-"].iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// Reads a number: optional sign, digits with or without well-formed groups of three, decimal mark, exponent.
/// Groups are separated by the other mark, a space (also no-break, narrow or thin) or an apostrophe.
pub(super) fn parse(cell: &str, mark: DecimalMark) -> Result<Decimal, NumberFault> {
    let cell = cell.trim();
    let (negative, body) = unsigned(cell);
    let Some(parts) = Parts::of(body, mark) else {
        return Err(fault(cell, body, mark));
    };
    parts.value(negative)
}

/// The number in a cell, if it is one: cheaper than [`parse`], which also finds out what is wrong.
pub(super) fn value(cell: &str, mark: DecimalMark) -> Option<Decimal> {
    let (negative, body) = unsigned(cell.trim());
    let digits = body.bytes().any(|byte| byte.is_ascii_digit());
    digits.then(|| Parts::of(body, mark)?.value(negative).ok()).flatten()
}

fn unsigned(cell: &str) -> (bool, &str) {
    if let Some(body) = cell.strip_prefix('+') {
        return (false, body);
    }
    match cell.strip_prefix(['-', '\u{2212}']) {
        Some(body) => (true, body),
        None => (false, cell),
    }
}

fn fault(cell: &str, body: &str, mark: DecimalMark) -> NumberFault {
    let infinite = ["inf", "infinity", "∞", "infinito"];
    if infinite.contains(&body.to_lowercase().as_str()) {
        return NumberFault::Infinite;
    }
    if Parts::of(body, mark.other()).is_some() {
        return NumberFault::WrongMark;
    }
    let symbol = [cell.chars().next(), body.chars().next(), body.chars().next_back()]
        .into_iter()
        .flatten()
        .find(|c| is_symbol(*c));
    if let Some(symbol) = symbol {
        let bare = cell.trim_matches(|c: char| is_symbol(c) || c.is_whitespace() || "+-\u{2212}".contains(c));
        if Parts::of(bare, mark).or_else(|| Parts::of(bare, mark.other())).is_some() {
            return NumberFault::Symbol(symbol);
        }
    }
    NumberFault::NotANumber
}

/// Currency signs of Unicode that are in use, percent and per mille.
fn is_symbol(c: char) -> bool {
    matches!(c, '$' | '%' | '‰' | '¢'..='¥' | '֏' | '฿' | '៛' | '\u{20A0}'..='\u{20CF}' | '﷼' | '＄' | '￥')
}

fn is_group_mark(c: char, mark: DecimalMark) -> bool {
    c == mark.other().as_char() || matches!(c, ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}' | '\'' | '’')
}

/// The significant digits of a number and where its decimal mark stands.
struct Parts {
    /// Digits without leading and trailing zeros; empty for zero.
    digits: String,
    /// Power of ten of the last digit.
    exponent: i64,
}

impl Parts {
    fn of(body: &str, mark: DecimalMark) -> Option<Self> {
        let (mantissa, exponent) = match body.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once(mark.as_char()).unwrap_or((mantissa, ""));
        let mut digits = ungrouped(whole, mark)?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(fraction);
        if digits.is_empty() {
            return None;
        }
        let trimmed = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - trimmed.len()).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        Some(Self { digits: trimmed.trim_start_matches('0').to_owned(), exponent: exponent - places + zeros })
    }

    fn value(&self, negative: bool) -> Result<Decimal, NumberFault> {
        if self.digits.is_empty() {
            return Ok(Decimal::ZERO);
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        if self.exponent.saturating_add(length) > MAX_WHOLE_DIGITS {
            return Err(NumberFault::TooLarge);
        }
        if self.digits.len() > MAX_DIGITS {
            return Err(NumberFault::TooManyDigits);
        }
        let mantissa: i128 = self.digits.parse().map_err(|_error| NumberFault::NotANumber)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        // At most 28 digits and at most 18 before the mark: neither step below leaves the range of a `Decimal`.
        let (mantissa, scale) = match u32::try_from(-self.exponent) {
            Ok(scale) => rounded(mantissa, scale),
            Err(_) => (mantissa * 10_i128.pow(u32::try_from(self.exponent).unwrap_or(0)), 0),
        };
        Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_error| NumberFault::TooManyDigits)
    }
}

/// Cuts a number to 28 decimal places, half to even.
fn rounded(mantissa: i128, scale: u32) -> (i128, u32) {
    const PLACES: u32 = 28;
    let surplus = scale.saturating_sub(PLACES);
    if surplus == 0 {
        return (mantissa, scale);
    }
    // 28 digits divided by 10^29 or more are below one half.
    if surplus > PLACES {
        return (0, PLACES);
    }
    let unit = 10_i128.pow(surplus);
    let (quotient, rest) = (mantissa / unit, (mantissa % unit).abs());
    let up = rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0);
    (quotient + if up { mantissa.signum() } else { 0 }, PLACES)
}

/// An exponent. What is out of any range is cut to one that is out of range too.
fn power(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000_000);
    Some(if negative { -size } else { size })
}

/// The digits before the decimal mark without group separators. A first group of `0` is no group: `0.123` is not 123.
fn ungrouped(whole: &str, mark: DecimalMark) -> Option<String> {
    let Some(separator) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return Some(whole.to_owned());
    };
    if !is_group_mark(separator, mark) {
        return None;
    }
    let mut digits = String::with_capacity(whole.len());
    for (index, group) in whole.split(separator).enumerate() {
        let fits =
            if index == 0 { (1..=3).contains(&group.len()) && !group.starts_with('0') } else { group.len() == 3 };
        if !fits || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DecimalMark::{Comma, Dot};
    use NumberFault::{Infinite, NotANumber, Symbol, TooLarge, TooManyDigits, WrongMark};

    fn text(cell: &str, mark: DecimalMark) -> Result<String, NumberFault> {
        parse(cell, mark).map(|value| value.to_string())
    }

    #[test]
    fn numbers_are_read_exactly() {
        let cases = [
            ("12.8", Dot, "12.8"),
            (" -7.1 ", Dot, "-7.1"),
            ("+5", Dot, "5"),
            ("\u{2212}5,5", Comma, "-5.5"),
            ("0.0", Dot, "0"),
            ("-0", Dot, "0"),
            ("007", Dot, "7"),
            (".5", Dot, "0.5"),
            ("5.", Dot, "5"),
            (",5", Comma, "0.5"),
            ("1e3", Dot, "1000"),
            ("1.5E-3", Dot, "0.0015"),
            ("2,5e+2", Comma, "250"),
            ("1,234.5", Dot, "1234.5"),
            ("1.234,5", Comma, "1234.5"),
            ("1,234,567", Dot, "1234567"),
            ("1.234.567", Comma, "1234567"),
            ("1 234 567,25", Comma, "1234567.25"),
            ("1\u{A0}234,5", Comma, "1234.5"),
            ("1\u{202F}234,5", Comma, "1234.5"),
            ("1'234.50", Dot, "1234.5"),
            ("1.234", Dot, "1.234"),
            ("1.234", Comma, "1234"),
            ("0.30000000000000004", Dot, "0.30000000000000004"),
            ("999999999999999999", Dot, "999999999999999999"),
            ("1234567890.123456789012345678", Dot, "1234567890.123456789012345678"),
            ("0.10000000000000000000000000000000000", Dot, "0.1"),
            ("0e999999999999999999999", Dot, "0"),
            ("1e-99999999999999999999999", Dot, "0.0000000000000000000000000000"),
            ("5.551115123125783e-17", Dot, "0.0000000000000000555111512313"),
            ("-15e-29", Dot, "-0.0000000000000000000000000002"),
            ("25e-29", Dot, "0.0000000000000000000000000002"),
        ];
        for (cell, mark, expected) in cases {
            assert_eq!(text(cell, mark).as_deref(), Ok(expected), "{cell}");
        }
    }

    #[test]
    fn what_is_no_number_says_why() {
        let cases = [
            ("abc", Dot, NotANumber),
            ("12abc", Dot, NotANumber),
            ("1 2", Dot, NotANumber),
            ("1,23,456", Dot, NotANumber),
            ("1,2345", Dot, WrongMark),
            ("12,34.5", Dot, NotANumber),
            ("1.2.3", Dot, NotANumber),
            ("1,234,56", Comma, NotANumber),
            ("1.234 567,5", Comma, NotANumber),
            ("--5", Dot, NotANumber),
            ("(5)", Dot, NotANumber),
            ("5-", Dot, NotANumber),
            (".", Dot, NotANumber),
            ("+", Dot, NotANumber),
            ("e5", Dot, NotANumber),
            ("1e", Dot, NotANumber),
            ("1e5.5", Dot, NotANumber),
            ("0x10", Dot, NotANumber),
            ("٣", Dot, NotANumber),
            ("EUR 5", Dot, NotANumber),
            ("%", Dot, NotANumber),
            ("12,8", Dot, WrongMark),
            ("12.8", Comma, WrongMark),
            ("0.123", Comma, WrongMark),
            ("1.234,5", Dot, WrongMark),
            ("$5", Dot, Symbol('$')),
            ("-$1,234.50", Dot, Symbol('$')),
            ("5 €", Comma, Symbol('€')),
            ("5,5€", Dot, Symbol('€')),
            ("12.5%", Dot, Symbol('%')),
            ("inf", Dot, Infinite),
            ("-Infinity", Dot, Infinite),
            ("∞", Dot, Infinite),
            ("1000000000000000000", Dot, TooLarge),
            ("-1e18", Dot, TooLarge),
            ("1e999999999999999999999", Dot, TooLarge),
            ("0.12345678901234567890123456789", Dot, TooManyDigits),
            ("123456789012345678.12345678901", Dot, TooManyDigits),
        ];
        for (cell, mark, expected) in cases {
            assert_eq!(text(cell, mark), Err(expected), "{cell}");
        }
    }

    #[test]
    fn a_gap_is_a_blank_or_one_of_six_words() {
        for gap in ["", "  ", "\u{A0}", "NA", "n/a", "NaN", "nan", "NULL", "none", " - "] {
            assert!(is_gap(gap), "{gap:?}");
        }
        for value in ["0", "nothing", "--", "N A", "."] {
            assert!(!is_gap(value), "{value:?}");
        }
    }

    /// A small generator of pseudo-random numbers (the constants of Knuth's MMIX); the seed is fixed.
    fn numbers(count: usize) -> impl Iterator<Item = u64> {
        let mut state = 20_261_123_u64;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 11
        })
        .take(count)
    }

    #[test]
    fn every_value_survives_being_written_in_either_style_with_or_without_groups() {
        for random in numbers(5_000) {
            let scale = u32::try_from(random % 9).unwrap();
            let sign = if random % 2 == 0 { 1 } else { -1 };
            let value = Decimal::new(sign * i64::try_from(random >> (random % 40)).unwrap(), scale).normalize();
            let plain = value.to_string();
            assert_eq!(parse(&plain, Dot), Ok(value), "{plain}");
            assert_eq!(parse(&plain.replace('.', ","), Comma), Ok(value), "{plain}");
            for separator in [',', ' ', '\u{A0}', '\u{202F}', '\''] {
                let grouped = group(&plain, separator);
                assert_eq!(parse(&grouped, Dot), Ok(value), "{grouped}");
            }
            let scientific = format!("{}e-{scale}", value * Decimal::from(10_u64.pow(scale)));
            assert_eq!(parse(&scientific, Dot), Ok(value), "{scientific}");
        }
    }

    fn group(plain: &str, separator: char) -> String {
        let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(w, f)| (w, Some(f)));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
        let mut grouped = String::from(sign);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        if let Some(fraction) = fraction {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        grouped
    }
}
