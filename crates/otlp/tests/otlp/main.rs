//! What is encoded and sent, as those see it who receive it.

mod messages;
mod proto;
mod samples;
mod trace_json;
