//! A proxy in front of an API that injects faults: it delays, resets, truncates, drips, stays silent, and answers 429. The
//! faults follow from a seed, so a run can be repeated.

#![allow(clippy::disallowed_methods, reason = "threads of its own sleep here")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the proxy knows of each call, by the header `X-Call-Id`.
type Seen = Arc<Mutex<HashMap<String, u32>>>;

/// A proxy that injects faults.
pub struct FaultyProxy {
    /// Base URL.
    pub url: String,
    seen: Seen,
    faults: Arc<AtomicU64>,
}

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Delay,
    ResetBefore,
    ResetAfter,
    Truncate,
    TooMany,
    Drip,
    Silence,
}

const FAULTS: [Fault; 7] = [
    Fault::Delay,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Truncate,
    Fault::TooMany,
    Fault::Drip,
    Fault::Silence,
];

impl FaultyProxy {
    /// In front of an API. Of 100 requests `percent` meet a fault.
    pub fn start(upstream: &str, seed: u64, percent: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let (seen, faults) = (Seen::default(), Arc::new(AtomicU64::new(0)));
        let number = Arc::new(AtomicU64::new(seed));
        let shared = (Arc::clone(&seen), Arc::clone(&faults));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (upstream, number, (seen, faults)) = (upstream.clone(), Arc::clone(&number), shared.clone());
                std::thread::spawn(move || {
                    let draw = || {
                        let random = mixed(number.fetch_add(1, Ordering::Relaxed));
                        let fault = FAULTS[(random >> 32) as usize % FAULTS.len()];
                        (random % 100 < percent).then(|| {
                            faults.fetch_add(1, Ordering::Relaxed);
                            fault
                        })
                    };
                    while serve(&stream, &upstream, &seen, draw) {}
                });
            }
        });
        Self { url, seen, faults }
    }

    /// How often each call reached the API.
    pub fn seen(&self) -> HashMap<String, u32> {
        self.seen.lock().expect("seen").clone()
    }

    /// Requests that met a fault.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// True when the connection goes on.
fn serve(mut stream: &TcpStream, upstream: &str, seen: &Seen, draw: impl Fn() -> Option<Fault>) -> bool {
    let Some((request, id)) = message(&mut BufReader::new(stream)) else { return false };
    let fault = draw();
    match fault {
        Some(Fault::Delay) => std::thread::sleep(Duration::from_millis(20)),
        Some(Fault::ResetBefore) => return false,
        Some(Fault::TooMany) => {
            let answer = "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
            return stream.write_all(answer.as_bytes()).is_ok();
        }
        _ => {}
    }
    *seen.lock().expect("seen").entry(id).or_default() += 1;
    let Ok(mut api) = TcpStream::connect(upstream) else { return false };
    let answered = api.write_all(&request).ok().and_then(|()| message(&mut BufReader::new(&api)));
    let Some((answer, _)) = answered else { return false };
    match fault {
        Some(Fault::ResetAfter) => false,
        Some(Fault::Truncate) => {
            let _ = stream.write_all(&answer[..answer.len() - 5]);
            false
        }
        Some(Fault::Silence) => {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.read(&mut [0; 16]);
            false
        }
        Some(Fault::Drip) => answer.chunks(16).all(|piece| {
            std::thread::sleep(Duration::from_millis(1));
            stream.write_all(piece).is_ok()
        }),
        _ => stream.write_all(&answer).is_ok(),
    }
}

/// A whole message with `Content-Length`, and its `X-Call-Id`.
fn message(reader: &mut impl BufRead) -> Option<(Vec<u8>, String)> {
    let (mut bytes, mut length, mut id) = (Vec::new(), 0, String::new());
    loop {
        let start = bytes.len();
        if reader.read_until(b'\n', &mut bytes).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&bytes[start..]).trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        match line.to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("x-call-id", value)) => id = value.to_owned(),
            _ => {}
        }
    }
    let head = bytes.len();
    bytes.resize(head + length, 0);
    reader.read_exact(&mut bytes[head..]).ok()?;
    Some((bytes, id))
}
