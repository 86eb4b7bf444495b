//! Messages over a connection, TCP or TLS, each with its length in front (RFC 6587 §3.4.1, RFC 5425 §4.3).
//!
//! Syslog has no answers, so what was written may sit in a buffer of a receiver that dies. Therefore nothing counts as
//! delivered until the connection was closed in order: our side is closed, and the receiver's system only ends its side
//! without a reset when the receiver has read everything. A receiver that does not react is believed after a while.

use super::Messages;
use crate::deliver::{Batch, Deliver, Failure, Sent};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest that making a connection may take, for each address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the receiver to close its side.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// A read that waits for nothing has to be told some time.
const NEXT_TO_NOTHING: Duration = Duration::from_millis(1);

pub(crate) struct Stream {
    host: String,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    messages: Messages,
    open: Option<Connection>,
    was_told: bool,
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    pub(crate) fn new(
        host: String,
        port: u16,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        messages: Messages,
    ) -> Self {
        Self { host, port, tls, messages, open: None, was_told: false }
    }

    fn connect(&self, within: Duration) -> io::Result<Connection> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the host name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, within.min(CONNECT_TIMEOUT)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(match &self.tls {
                        None => Connection::Plain(stream),
                        Some((config, name)) => {
                            let client = ClientConnection::new(Arc::clone(config), name.clone());
                            let client = client.map_err(io::Error::other)?;
                            Connection::Tls(Box::new(StreamOwned::new(client, stream)))
                        }
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn write(&mut self, frames: &[u8], within: Duration) -> io::Result<()> {
        let within = within.max(NEXT_TO_NOTHING);
        let mut connection = match self.open.take() {
            Some(mut connection) => {
                connection.check()?;
                connection
            }
            None => self.connect(within)?,
        };
        connection.socket().set_write_timeout(Some(within))?;
        // A handshake reads, too.
        connection.socket().set_read_timeout(Some(within))?;
        connection.write_all(frames)?;
        self.open = Some(connection);
        Ok(())
    }
}

impl Deliver for Stream {
    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, Failure> {
        let (mut frames, mut message, mut taken, mut rejected) = (Vec::new(), Vec::new(), 0, 0);
        for entry in batch.entries {
            message.clear();
            let is_said = self.messages.append(entry, &mut message);
            if taken > 0 && frames.len() + message.len() > crate::BATCH_BYTES {
                break;
            }
            taken += 1;
            if is_said {
                frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
                frames.extend_from_slice(&message);
            } else {
                rejected += 1;
            }
        }
        match self.write(&frames, batch.within) {
            Ok(()) => Ok(Sent { taken, rejected, in_doubt: true, pause: Duration::ZERO }),
            Err(error) => Err(failure(&error)),
        }
    }

    fn confirm(&mut self, within: Duration) -> Result<(), Failure> {
        let Some(mut connection) = self.open.take() else { return Ok(()) };
        match connection.close(within.min(CLOSE_TIMEOUT)) {
            Ok(true) => Ok(()),
            Ok(false) if within < CLOSE_TIMEOUT => Err(Failure::new("there was no time to learn what arrived")),
            Ok(false) => {
                if !std::mem::replace(&mut self.was_told, true) {
                    tracing::info!(
                        host = self.host,
                        "this syslog receiver does not close its side of a connection, so that it can't be known \
                         whether it read everything"
                    );
                }
                Ok(())
            }
            Err(error) => Err(failure(&error)),
        }
    }
}

fn failure(error: &io::Error) -> Failure {
    Failure::new(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "the receiver takes nothing in time".to_owned(),
        _ => error.to_string(),
    })
}

impl Connection {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => match stream.read(buffer) {
                // Without a farewell; the end of the connection is all that matters here.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                outcome => outcome,
            },
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }

    /// An error when the other side has closed the connection.
    fn check(&mut self) -> io::Result<()> {
        self.socket().set_nonblocking(true)?;
        let mut buffer = [0; 512];
        let outcome = loop {
            match self.read(&mut buffer) {
                Ok(0) => {
                    break Err(io::Error::new(ErrorKind::ConnectionReset, "the receiver closed the connection"));
                }
                // It has nothing to say that matters.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.socket().set_nonblocking(false)?;
        outcome
    }

    /// Closes our side and waits for the other one; false when it does not react.
    fn close(&mut self, within: Duration) -> io::Result<bool> {
        let end = Instant::now() + within;
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            stream.flush()?;
        }
        self.socket().shutdown(Shutdown::Write)?;
        let mut buffer = [0; 512];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.socket().set_read_timeout(Some(left.max(NEXT_TO_NOTHING)))?;
            match self.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
