//! Records to a syslog server: messages by RFC 5424 over UDP (RFC 5426), TCP (RFC 6587, octet counting) or TLS
//! (RFC 5425).

mod message;
mod stream;
mod udp;

pub(crate) use message::{Gravity, Messages};
pub(crate) use stream::Stream;
pub(crate) use udp::Udp;
