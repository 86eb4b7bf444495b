//! What is encoded and sent, as those see it who receive it.

mod samples;
mod trace_json;
