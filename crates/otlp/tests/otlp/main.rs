//! What is encoded and sent, as those see it who receive it.

mod exporting;
mod grpc;
mod messages;
mod proto;
mod samples;
mod sink;
mod trace_json;
