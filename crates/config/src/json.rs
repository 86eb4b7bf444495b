//! A strict JSON reader (RFC 8259) that keeps the line and column of every key and value, which serde_json does
//! not. It refuses what an auditor could misread: a byte-order mark (CFG-1) and text after the document
//! (weakness 1); repeated keys are kept in the tree for the validation to report.

use crate::tree::{At, Member, Node, Object, Value};

/// Most bytes of one config file.
pub(crate) const MAX_FILE_BYTES: usize = 1 << 20;
/// Deepest nesting of one config file.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most bytes of one object key.
pub(crate) const MAX_KEY_BYTES: usize = 1024;

/// Where reading stopped, and why.
#[derive(Debug)]
pub(crate) struct SyntaxFault {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) message: String,
}

/// Reads one document. `file` becomes part of every place.
pub(crate) fn read(text: &str, file: u16) -> Result<Node, SyntaxFault> {
    let mut reader = Reader { text, pos: 0, mark: Mark { pos: 0, line: 1, column: 1 }, file, depth: 0 };
    if text.len() > MAX_FILE_BYTES {
        return Err(reader.fault(&format!("the file is larger than the limit of {MAX_FILE_BYTES} bytes")));
    }
    if text.starts_with('\u{feff}') {
        return Err(reader.fault("the file begins with a byte-order mark; save it as UTF-8 without one"));
    }
    reader.skip_space();
    if reader.peek().is_none() {
        return Err(reader.fault("the file is empty; a configuration is one JSON object"));
    }
    let node = reader.value()?;
    reader.skip_space();
    if reader.peek().is_some() {
        return Err(reader.fault("unexpected text after the end of the JSON document"));
    }
    Ok(node)
}

/// The place of a byte that is not UTF-8.
pub(crate) fn utf8_fault(bytes: &[u8], valid_up_to: usize) -> SyntaxFault {
    let mut mark = Mark { pos: 0, line: 1, column: 1 };
    mark.advance(bytes, valid_up_to);
    SyntaxFault { line: mark.line, column: mark.column, message: "the file is not UTF-8 text".to_owned() }
}

/// A position and its line and column, moved forward only, so that the whole file is counted once.
struct Mark {
    pos: usize,
    line: u32,
    column: u32,
}

impl Mark {
    fn advance(&mut self, bytes: &[u8], to: usize) {
        for &byte in &bytes[self.pos..to] {
            if byte == b'\n' {
                self.line += 1;
                self.column = 1;
            } else if byte & 0xC0 != 0x80 {
                self.column += 1;
            }
        }
        self.pos = to;
    }
}

struct Reader<'a> {
    text: &'a str,
    pos: usize,
    mark: Mark,
    file: u16,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
    }

    fn here(&mut self) -> At {
        self.mark.advance(self.text.as_bytes(), self.pos);
        At { file: self.file, line: self.mark.line, column: self.mark.column }
    }

    fn fault(&mut self, message: &str) -> SyntaxFault {
        let at = self.here();
        SyntaxFault { line: at.line, column: at.column, message: message.to_owned() }
    }

    fn unexpected(&mut self, wanted: &str) -> SyntaxFault {
        let message = match self.peek() {
            None => format!("the file ends here, but {wanted} should follow"),
            Some(b'/' | b'#') => format!("expected {wanted}; comments are not allowed in JSON"),
            Some(_) => format!("expected {wanted}"),
        };
        self.fault(&message)
    }

    fn value(&mut self) -> Result<Node, SyntaxFault> {
        let at = self.here();
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(b't') => self.word("true", Value::Flag(true))?,
            Some(b'f') => self.word("false", Value::Flag(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            _ => return Err(self.unexpected("a JSON value")),
        };
        Ok(Node { at, value })
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, SyntaxFault> {
        if self.text[self.pos..].starts_with(word) {
            self.pos += word.len();
            return Ok(value);
        }
        Err(self.unexpected("a JSON value"))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, SyntaxFault>) -> Result<Value, SyntaxFault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault(&format!("nested deeper than the limit of {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.pos += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, SyntaxFault> {
        let mut object = Object::default();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return Ok(Value::Object(object));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key_at = self.here();
            let key = self.string()?;
            if key.len() > MAX_KEY_BYTES {
                return Err(self.fault(&format!("this key is longer than the limit of {MAX_KEY_BYTES} bytes")));
            }
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.pos += 1;
            self.skip_space();
            let node = self.value()?;
            if object.members.contains_key(&key) {
                object.repeated.push((key, key_at));
            } else {
                object.members.insert(key, Member { key_at, node });
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
        self.pos += 1;
        Ok(Value::Object(object))
    }

    fn list(&mut self) -> Result<Value, SyntaxFault> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(Value::List(items));
        }
        loop {
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
        self.pos += 1;
        Ok(Value::List(items))
    }

    fn digits(&mut self) -> bool {
        let start = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        self.pos > start
    }

    fn number(&mut self) -> Result<String, SyntaxFault> {
        let start = self.pos;
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.fault("a number does not begin with 0"));
            }
        } else if !self.digits() {
            return Err(self.unexpected("a digit"));
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            if !self.digits() {
                return Err(self.unexpected("a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            if !self.digits() {
                return Err(self.unexpected("a digit"));
            }
        }
        Ok(self.text[start..self.pos].to_owned())
    }

    fn string(&mut self) -> Result<String, SyntaxFault> {
        self.pos += 1;
        let mut out = String::new();
        loop {
            let start = self.pos;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.pos += 1;
            }
            out.push_str(&self.text[start..self.pos]);
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                None => return Err(self.fault("the file ends inside a string")),
                Some(_) => return Err(self.fault("a string may not hold a line break or control character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxFault> {
        self.pos += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.fault("unknown escape in a string")),
        };
        self.pos += 1;
        Ok(plain)
    }

    /// `\uXXXX`, or two of them for a character outside the basic plane. A lone surrogate is no character.
    fn unicode_escape(&mut self) -> Result<char, SyntaxFault> {
        let first = self.hex4()?;
        let code = if (0xD800..0xDC00).contains(&first) && self.text[self.pos..].starts_with("\\u") {
            self.pos += 1;
            let second = self.hex4()?;
            if (0xDC00..0xE000).contains(&second) {
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.fault("half of a surrogate pair is not a character"))
    }

    /// Stands on the `u`; moves past the four digits.
    fn hex4(&mut self) -> Result<u32, SyntaxFault> {
        let digits = self.text.as_bytes().get(self.pos + 1..self.pos + 5).unwrap_or_default();
        let code = digits.iter().try_fold(0_u32, |code, &byte| Some(code * 16 + char::from(byte).to_digit(16)?));
        match code {
            Some(code) if digits.len() == 4 => {
                self.pos += 5;
                Ok(code)
            }
            _ => Err(self.fault("`\\u` needs four hexadecimal digits")),
        }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
