//! Messages as datagrams (RFC 5426). Nobody says whether one arrived: sent counts as delivered. A receiver of this
//! machine that is not there is noticed.

use super::Messages;
use crate::deliver::{Batch, Deliver, Failure, Sent};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// Longest datagram; what is longer is cut, behind the structured data if that is possible (RFC 5426 §3.2).
const DATAGRAM_MAX: usize = 8 << 10;
/// Datagrams sent without a pause: what most systems keep for a receiver that is busy.
const AT_ONCE: usize = 50;
/// The pause: 5,000 datagrams a second.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Udp {
    host: String,
    port: u16,
    messages: Messages,
    socket: Option<UdpSocket>,
}

impl Udp {
    pub(crate) fn new(host: String, port: u16, messages: Messages) -> Self {
        Self { host, port, messages, socket: None }
    }

    fn open(&self) -> io::Result<UdpSocket> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            let own: SocketAddr = match address {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            match UdpSocket::bind(own).and_then(|socket| socket.connect(address).map(|()| socket)) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn send_all(&mut self, batch: &Batch<'_>) -> io::Result<Sent> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.open()?,
        };
        socket.set_write_timeout(Some(batch.within.max(Duration::from_millis(1))))?;
        let mut sent = Sent { pause: PAUSE, ..Sent::default() };
        let mut message = Vec::new();
        for entry in batch.entries.iter().take(AT_ONCE) {
            message.clear();
            sent.taken += 1;
            if !self.messages.append(entry, &mut message) {
                sent.rejected += 1;
                continue;
            }
            socket.send(cut(&message))?;
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        self.socket = Some(socket);
        Ok(sent)
    }
}

impl Deliver for Udp {
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, Failure> {
        self.send_all(batch).map_err(|error| Failure::new(error.to_string()))
    }
}

/// At most so many bytes, cut between characters.
fn cut(message: &[u8]) -> &[u8] {
    let mut end = message.len().min(DATAGRAM_MAX);
    while end < message.len() && end > 0 && message[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut(b"short"), b"short");
        let long = "ü".repeat(DATAGRAM_MAX);
        assert_eq!(cut(long.as_bytes()).len(), DATAGRAM_MAX);
        let long = format!("x{long}");
        assert_eq!(cut(long.as_bytes()).len(), DATAGRAM_MAX - 1);
    }
}
