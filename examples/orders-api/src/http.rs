//! HTTP/1.1 messages (RFC 9112): reading requests within bounds and writing responses. Not for: sockets, routing,
//! HTTP/2, compression, trailers (read and dropped).

use percent_encoding::percent_decode_str;
use std::io::{self, BufRead, Read, Write};

/// Longest request line or header line, in bytes.
const MAX_LINE: u64 = 8 * 1024;
/// Most header lines of a request, and most trailer lines.
const MAX_HEADERS: usize = 100;
/// Largest request body, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// Names and values, in order.
type Pairs = Vec<(String, String)>;

/// A request, read in full.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path as sent, without the query; for the log.
    pub(crate) path: String,
    /// Percent-decoded path segments; `/` has none.
    pub(crate) segments: Vec<String>,
    /// Percent-decoded query, in order.
    pub(crate) query: Pairs,
    headers: Pairs,
    pub(crate) body: Vec<u8>,
    /// Whether the client may send another request on this connection.
    pub(crate) keep_alive: bool,
}

impl Request {
    /// First value of a header; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// First value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The client is done with the connection.
    Closed,
    /// The connection broke or the client was too slow.
    Io,
    /// Answer with this status and why, then close.
    Refused(u16, &'static str),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        ReadError::Io
    }
}

/// Reads one request. `interim` receives `100 Continue` when the client waits for it.
pub(crate) fn read_request(reader: &mut impl BufRead, interim: &mut impl Write) -> Result<Request, ReadError> {
    let line = match read_line(reader)? {
        // RFC 9112 §2.2: one empty line before the request line is ignored.
        Some(line) if line.is_empty() => read_line(reader)?,
        line => line,
    };
    let line = line.ok_or(ReadError::Closed)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ReadError::Refused(400, "The request line is not method, target, version."));
    };
    let http_11 = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(ReadError::Refused(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")),
    };
    let headers = read_headers(reader)?;
    if http_11 && header(&headers, "host").is_none() {
        return Err(ReadError::Refused(400, "The header Host is missing."));
    }
    let (path, query) = split_target(target)?;
    let segments = path.split('/').skip(1).map(decode).collect::<Result<Vec<_>, _>>()?;
    let segments = if segments == [""] { Vec::new() } else { segments };
    let keep_alive = match header(&headers, "connection") {
        Some(value) if value.eq_ignore_ascii_case("close") => false,
        Some(value) if value.eq_ignore_ascii_case("keep-alive") => true,
        _ => http_11,
    };
    if header(&headers, "expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        interim.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let body = read_body(reader, &headers)?;
    Ok(Request { method: method.into(), path: path.into(), segments, query, headers, body, keep_alive })
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// One line without its line end; `None` at the end of the stream.
fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, ReadError> {
    let mut line = Vec::new();
    reader.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) if line.len() as u64 + 1 == MAX_LINE => {
            return Err(ReadError::Refused(431, "A line of the request head is too long."));
        }
        Some(_) => return Err(ReadError::Io),
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(|_| ReadError::Refused(400, "The request head is not text."))
}

fn read_headers(reader: &mut impl BufRead) -> Result<Pairs, ReadError> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or(ReadError::Io)?;
        if line.is_empty() {
            return Ok(headers);
        }
        if headers.len() == MAX_HEADERS {
            return Err(ReadError::Refused(431, "There are too many headers."));
        }
        match line.split_once(':') {
            Some((name, value)) if !name.is_empty() && !name.contains([' ', '\t']) => {
                headers.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
            }
            _ => return Err(ReadError::Refused(400, "A header line is malformed.")),
        }
    }
}

fn split_target(target: &str) -> Result<(&str, Pairs), ReadError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !path.starts_with('/') {
        return Err(ReadError::Refused(400, "The request target is not an absolute path."));
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
    });
    Ok((path, pairs.collect::<Result<_, ReadError>>()?))
}

fn decode(text: &str) -> Result<String, ReadError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| ReadError::Refused(400, "The request target is not UTF-8."))
}

fn read_body(reader: &mut impl BufRead, headers: &[(String, String)]) -> Result<Vec<u8>, ReadError> {
    const TOO_LARGE: ReadError = ReadError::Refused(413, "The body is larger than 1 MiB.");
    let length = header(headers, "content-length");
    match header(headers, "transfer-encoding") {
        // Both at once is how requests are smuggled (RFC 9112 §6.1).
        Some(_) if length.is_some() => {
            return Err(ReadError::Refused(400, "Content-Length and Transfer-Encoding exclude each other."));
        }
        Some(coding) if coding.eq_ignore_ascii_case("chunked") => return read_chunks(reader, TOO_LARGE),
        Some(_) => return Err(ReadError::Refused(501, "Only the transfer coding chunked is understood.")),
        None => {}
    }
    let Some(length) = length else { return Ok(Vec::new()) };
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ReadError::Refused(400, "Content-Length is not a number."));
    }
    // Digits only, so what does not parse is too large.
    let length = length.parse().ok().filter(|length| *length <= MAX_BODY).ok_or(TOO_LARGE)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(reader: &mut impl BufRead, too_large: ReadError) -> Result<Vec<u8>, ReadError> {
    const MALFORMED: ReadError = ReadError::Refused(400, "A chunk is malformed.");
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or(ReadError::Io)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        if size.is_empty() || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(MALFORMED);
        }
        let size = usize::from_str_radix(size, 16).unwrap_or(usize::MAX);
        if size > MAX_BODY - body.len() {
            return Err(too_large);
        }
        if size == 0 {
            read_headers(reader)?;
            return Ok(body);
        }
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        if read_line(reader)?.as_deref() != Some("") {
            return Err(MALFORMED);
        }
    }
}

/// What a response carries.
#[derive(Debug)]
pub(crate) enum Body {
    /// Status forbids a body, or there is none.
    Empty,
    Bytes(Vec<u8>),
    Static(&'static [u8]),
    /// A JSON object of exactly this many bytes, written piecewise.
    Filler(u64),
    /// The first bytes of a body of [`TRUNCATED_LENGTH`], then the end of the connection.
    Truncated(usize),
}

/// What a truncated body claims as its length.
pub(crate) const TRUNCATED_LENGTH: usize = 1000;
const FILLER_HEAD: &[u8] = b"{\"data\":\"";
const FILLER_TAIL: &[u8] = b"\"}\n";
/// Shortest [`Body::Filler`].
pub(crate) const FILLER_MIN: u64 = (FILLER_HEAD.len() + FILLER_TAIL.len()) as u64;

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

impl Response {
    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Response { status, headers: Vec::new(), body: Body::Empty }
    }

    /// A JSON response.
    pub(crate) fn json(status: u16, value: &impl serde::Serialize) -> Self {
        let mut bytes = serde_json::to_vec(value).expect("invariant: our types serialise");
        bytes.push(b'\n');
        Response::empty(status).body(Body::Bytes(bytes)).with("Content-Type", "application/json")
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Writes the message; `head` leaves the body out, `close` announces the end of the connection.
    pub(crate) fn write(&self, out: &mut impl Write, head: bool, close: bool) -> io::Result<()> {
        let mut start = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let length = match &self.body {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Static(bytes) => bytes.len() as u64,
            Body::Filler(length) => *length,
            Body::Truncated(_) => TRUNCATED_LENGTH as u64,
        };
        if !matches!(self.status, 204 | 304) {
            start.push_str(&format!("Content-Length: {length}\r\n"));
        }
        for (name, value) in &self.headers {
            start.push_str(&format!("{name}: {value}\r\n"));
        }
        start.push_str(if close { "Connection: close\r\n\r\n" } else { "\r\n" });
        let mut message = start.into_bytes();
        match &self.body {
            _ if head => {}
            Body::Empty => {}
            // One write for head and body, so that small answers travel in one segment.
            Body::Bytes(bytes) => message.extend_from_slice(bytes),
            Body::Static(bytes) => message.extend_from_slice(bytes),
            Body::Truncated(sent) => message.resize(message.len() + sent, b'.'),
            Body::Filler(length) => {
                message.extend_from_slice(FILLER_HEAD);
                out.write_all(&message)?;
                io::copy(&mut io::repeat(b'x').take(length.saturating_sub(FILLER_MIN)), out)?;
                message = FILLER_TAIL.to_vec();
            }
        }
        out.write_all(&message)?;
        out.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, ReadError> {
        read_request(&mut text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn a_request_is_taken_apart() {
        let request =
            read("\r\nPOST /orders/a%2Fb?x=1+2&y=%C3%A4&z HTTP/1.1\r\nHOST: h\r\nContent-Length: 3\r\n\r\nabc")
                .expect("a request");
        assert_eq!(request.method, "POST");
        assert_eq!(request.segments, ["orders", "a/b"]);
        assert_eq!(
            (request.query("x"), request.query("y"), request.query("z")),
            (Some("1 2"), Some("ä"), Some(""))
        );
        assert_eq!((request.header("host"), request.body.as_slice()), (Some("h"), b"abc".as_slice()));
        assert!(request.keep_alive);
    }

    #[test]
    fn chunks_are_joined_and_the_client_is_told_to_continue() {
        let mut interim = Vec::new();
        let text = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";
        let request = read_request(&mut text.as_bytes(), &mut interim).expect("a request");
        assert_eq!((request.body.as_slice(), request.segments.len()), (b"abc0123456789".as_slice(), 0));
        assert!(interim.starts_with(b"HTTP/1.1 100 "));
    }

    #[test]
    fn what_is_too_much_or_malformed_is_refused_with_a_status() {
        let long = "x".repeat(9000);
        let many = "A: b\r\n".repeat(101);
        let cases = [
            (431, format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n")),
            (431, format!("GET / HTTP/1.1\r\nHost: h\r\nA: {long}\r\n\r\n")),
            (431, format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n")),
            (400, "GET /\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\n\r\n".into()),
            (400, "GET x HTTP/1.1\r\nHost: h\r\n\r\n".into()),
            (400, "GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n".into()),
            (400, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na".into()),
            (400, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na".into()),
            (400, "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n".into()),
            (413, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n".into()),
            (413, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n".into()),
            (413, "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n".into()),
            (501, "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n".into()),
            (505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n".into()),
        ];
        for (want, text) in cases {
            let got = read(&text);
            assert!(matches!(got, Err(ReadError::Refused(status, _)) if status == want), "{want}: {got:?}");
        }
        assert!(matches!(read(""), Err(ReadError::Closed)));
        assert!(matches!(read("GET / HT"), Err(ReadError::Io)));
    }

    #[test]
    fn a_filler_has_exactly_the_length_asked_for() {
        for length in [FILLER_MIN, 100, 70_000] {
            let mut out = Vec::new();
            let response = Response::empty(200).body(Body::Filler(length));
            response.write(&mut out, false, false).expect("write to memory");
            let at = out.windows(4).position(|w| w == b"\r\n\r\n").expect("end of head") + 4;
            assert_eq!(out.len() as u64 - at as u64, length);
            serde_json::from_slice::<serde_json::Value>(&out[at..]).expect("JSON");
        }
    }
}
