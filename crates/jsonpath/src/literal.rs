//! Literals of queries: strings, whole numbers, numbers, member names (RFC 9535 §2.3.1.1, §2.3.3.1, §2.5.1.1).

use crate::parser::{Parser, PathError};
use serde_json::{Number, Value};

/// Whole numbers that every JSON implementation keeps exactly (RFC 7493 §2.2).
const MAX_EXACT: i64 = (1 << 53) - 1;

/// True for characters that may begin a `.name`.
pub(crate) fn is_name_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

impl<'t> Parser<'t> {
    /// `member-name-shorthand`.
    pub(super) fn shorthand(&mut self) -> Result<Box<str>, PathError> {
        let start = self.at;
        let loose = self.loose_names;
        let inner = |c: char| is_name_first(c) || c.is_ascii_digit() || (loose && c == '-');
        match self.peek() {
            Some(c) if is_name_first(c) || (loose && inner(c)) => {}
            _ => return Err(self.error("a member name, `*` or `[` is expected")),
        }
        while self.peek().is_some_and(inner) {
            self.bump();
        }
        Ok(self.text[start..self.at].into())
    }

    /// A quoted string, escapes resolved.
    pub(super) fn string(&mut self) -> Result<String, PathError> {
        let start = self.at;
        let quote = self.bump().unwrap_or_default();
        let mut value = String::new();
        loop {
            match self.bump() {
                None => return Err(self.error_at(start, "the string is not closed")),
                Some(c) if c == quote => return Ok(value),
                Some('\\') => value.push(self.escape(quote)?),
                Some(c) if c < ' ' => {
                    return Err(self.error_at(self.at - 1, "control characters must be escaped, as in `\\u000A`"));
                }
                Some(c) => value.push(c),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, PathError> {
        let start = self.at - 1;
        Ok(match self.bump() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => return self.unicode(start),
            _ => return Err(self.error_at(start, "this escape does not exist")),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, PathError> {
        let lone = "this is half of a surrogate pair";
        let first = self.hex4(start)?;
        let code = match first {
            0xDC00..=0xDFFF => return Err(self.error_at(start, lone)),
            0xD800..=0xDBFF => {
                if !(self.eat("\\u")) {
                    return Err(self.error_at(start, lone));
                }
                let second = self.hex4(start)?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.error_at(start, lone));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.error_at(start, "this is no character"))
    }

    fn hex4(&mut self, start: usize) -> Result<u32, PathError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            let Some(digit) = digit else {
                return Err(self.error_at(start, "`\\u` needs four hexadecimal digits"));
            };
            self.bump();
            code = code * 16 + digit;
        }
        Ok(code)
    }

    /// An `int`: no plus sign, no leading zeros, no `-0`, exactly representable.
    pub(super) fn int(&mut self) -> Result<i64, PathError> {
        let start = self.at;
        let negative = self.eat("-");
        let digits = self.digits();
        let fault = match digits {
            "" => Some("a whole number is expected"),
            "0" if negative => Some("`-0` is not allowed here"),
            _ if digits.len() > 1 && digits.starts_with('0') => Some("leading zeros are not allowed"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(self.error_at(start, fault));
        }
        let value = digits.parse::<i64>().ok().filter(|value| *value <= MAX_EXACT);
        let value = value.ok_or_else(|| self.error_at(start, "the number is beyond ±9007199254740991"))?;
        Ok(if negative { -value } else { value })
    }

    /// A `number` of a filter.
    pub(super) fn number(&mut self) -> Result<Value, PathError> {
        let start = self.at;
        self.eat("-");
        let digits = self.digits();
        if digits.is_empty() {
            return Err(self.error_at(start, "a digit is expected"));
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(self.error_at(start, "leading zeros are not allowed"));
        }
        let mut whole = true;
        if self.eat(".") {
            whole = false;
            if self.digits().is_empty() {
                return Err(self.error("a digit is expected after the decimal point"));
            }
        }
        if self.eat("e") || self.eat("E") {
            whole = false;
            let _ = self.eat("+") || self.eat("-");
            if self.digits().is_empty() {
                return Err(self.error("a digit is expected in the exponent"));
            }
        }
        let text = &self.text[start..self.at];
        if whole && let Ok(value) = text.parse::<i64>() {
            return Ok(Value::from(value));
        }
        let number = text.parse::<f64>().ok().and_then(Number::from_f64);
        number.map(Value::Number).ok_or_else(|| self.error_at(start, "the number is too large"))
    }

    fn digits(&mut self) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
        }
        &self.text[start..self.at]
    }
}
