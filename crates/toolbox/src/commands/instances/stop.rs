//! `instances stop`: ends a running instance in order and waits until it has ended.
//!
//! It is asked over HTTP on the address it listens on, so that its log and audit log tell. Where that does not work
//! its process gets SIGTERM, after its identity was checked. Neither is repeated: a second one would cut calls off.

use crate::commands::output::Format;
use crate::commands::target::Target;
use crate::commands::{Context, Failure, explained, human};
use clap::{Arg, ArgMatches, Command};
use open_cli_contract::runtime::RuntimeInfo;
use open_cli_instance::{Instance, InstanceState, SignalError, dialable_url, terminate, wait_until_ended};
use serde::Serialize;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use ureq::Agent;

/// Longest wait for an answer; the runtime answers these at once or never.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest answer that is read.
const MAX_ANSWER: u64 = 1 << 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    id: &'a str,
    /// `stopped`, or `notRunning` before.
    outcome: &'static str,
    /// `http` or `signal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "is_zero")]
    pid: u32,
    waited_milliseconds: u128,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

pub(super) fn command() -> Command {
    Command::new("stop")
        .about("End a running instance in order, and wait until it has ended")
        .arg(Arg::new("ID").help("As listed; without it --instance-id or --config say which"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .value_parser(human::parse_duration)
                .default_value("15s")
                .help("Longest wait for its end"),
        )
        .after_help(explained(
            "The runtime is asked to end (POST /v1/runtime/stop); where that does not work its process gets SIGTERM. \
             Calls under way finish within its --drain-timeout. An instance that does not run is fine.",
        ))
}

pub(super) fn run(matches: &ArgMatches, target: &Target, context: &Context) -> Result<(), Failure> {
    let instance = target.one(matches.get_one::<String>("ID").map(String::as_str))?;
    let timeout = matches.get_one::<Duration>("timeout").copied().unwrap_or_default();
    let format = Format::of(matches);
    let tell = |text: String, report: &Report<'_>| match format {
        Format::Json => context.screen.json(report),
        Format::Table => context.screen.text(&(text + "\n")),
    };
    let id = instance.id.as_str();
    match instance.state {
        InstanceState::Running => {}
        InstanceState::Foreign => {
            return Err(Failure::Failed(format!("instance {id} is left alone: {}", instance.reason)));
        }
        InstanceState::Stopped | InstanceState::Stale => {
            let report = Report { id, outcome: "notRunning", by: None, pid: 0, waited_milliseconds: 0 };
            return tell(format!("Instance {id} does not run."), &report);
        }
    }
    let started = Instant::now();
    let by = end(&instance, timeout, context)?;
    if !wait_until_ended(&instance, timeout.saturating_sub(started.elapsed())) {
        return Err(Failure::Failed(format!(
            "instance {id} still runs (pid {}) after {}: it was asked to end, and lets calls under way finish within \
             its --drain-timeout; wait longer with --timeout, or end it at once with `kill -KILL {}`",
            instance.pid,
            human::duration(timeout),
            instance.pid
        )));
    }
    let waited = started.elapsed();
    let report = Report {
        id,
        outcome: "stopped",
        by: Some(by),
        pid: instance.pid,
        waited_milliseconds: waited.as_millis(),
    };
    tell(format!("Stopped instance {id} (pid {}).", instance.pid), &report)
}

/// Asks it to end, and says how.
fn end(instance: &Instance, timeout: Duration, context: &Context) -> Result<&'static str, Failure> {
    let Err(why) = ask(instance, timeout.clamp(Duration::from_millis(1), ANSWER_TIMEOUT)) else {
        return Ok("http");
    };
    context.screen.remark(&format!("Not over HTTP ({why}): sending SIGTERM to {}.", instance.pid));
    match terminate(instance) {
        Ok(_) => Ok("signal"),
        // Between the two it has ended by itself, or by the first.
        Err(SignalError::NotRunning { .. }) if wait_until_ended(instance, Duration::ZERO) => Ok("http"),
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

/// Over HTTP, on the address it listens on: the URL it advertises may lead to another machine. Says why it could not.
fn ask(instance: &Instance, timeout: Duration) -> Result<(), String> {
    let url = match instance.bind_address.parse::<SocketAddr>() {
        Ok(bound) => dialable_url(bound),
        Err(_) if instance.url.starts_with("http://") => instance.url.clone(),
        Err(_) => return Err("it has no address yet".into()),
    };
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(timeout))
        .build()
        .new_agent();
    let failed = |error: ureq::Error| format!("{url}: {error}");
    let mut answer = agent.get(format!("{url}/v1/runtime/info")).call().map_err(failed)?;
    let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(failed)?;
    let info: RuntimeInfo =
        serde_json::from_slice(&text).map_err(|_| format!("{url} gives no information about a runtime"))?;
    if info.instance_id != instance.id || info.state_dir != instance.state_dir.to_string_lossy() {
        return Err(format!("another runtime answers at {url}"));
    }
    let answer = agent.post(format!("{url}/v1/runtime/stop")).content_type("application/json").send("{}");
    match answer.map_err(failed)?.status().as_u16() {
        200 => Ok(()),
        status => Err(format!("{url} refuses with status {status}")),
    }
}
