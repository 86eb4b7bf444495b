//! What is encoded and sent, as those see it who receive it.

mod collector;
mod exporting;
mod grpc;
mod messages;
mod official;
mod peer;
mod proto;
mod samples;
mod sink;
mod tls;
mod trace_json;
