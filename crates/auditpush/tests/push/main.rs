//! The push against real receivers: sockets of this machine that fail in every way they can.

mod docs;
mod http_receiver;
mod otlp;
mod rfc5424;
mod support;
mod syslog;
mod webhook;
