//! All three signals into a real collector (Rotel), over HTTP and gRPC, and what it says arrived.

use crate::peer;
use crate::samples::{self, call, record};
use open_cli_observe::Observer;
use open_cli_otlp::{Exporters, Settings};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

struct Collector {
    child: Child,
    lines: Receiver<String>,
    printed: String,
    _home: tempfile::TempDir,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Collector {
    /// Everything printed up to this word.
    fn printed_until(&mut self, word: &str) -> &str {
        while !self.printed.contains(word) {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.printed.extend([&line, "\n"]),
                Err(_) => panic!("the collector never printed {word:?}:\n{}", self.printed),
            }
        }
        &self.printed
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn collector([http, grpc]: [u16; 2]) -> Option<Collector> {
    let program = peer::program("OPEN_CLI_TEST_COLLECTOR", "the real collector")?;
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    command.args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"]);
    command.args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"]);
    command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
    command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
    command.arg("--pid-file").arg(home.path().join("pid")).arg("--log-file").arg(home.path().join("log"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("started");
    let (sender, lines) = channel();
    let out = child.stdout.take().expect("piped");
    std::thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
    });
    let collector = Collector { child, lines, printed: String::new(), _home: home };
    let end = Instant::now() + LONG;
    while [http, grpc].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
        assert!(Instant::now() < end, "the collector does not start");
        std::thread::yield_now();
    }
    Some(collector)
}

#[test]
fn a_real_collector_understands_all_three_signals_over_http_and_grpc() {
    for protocol in ["http/protobuf", "grpc"] {
        let ports = [free_port(), free_port()];
        let Some(mut collector) = collector(ports) else { return };
        let port = if protocol == "grpc" { ports[1] } else { ports[0] };
        let variables = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(format!("http://127.0.0.1:{port}")),
            "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(protocol.into()),
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION" => Some("gzip".into()),
            "OTEL_RESOURCE_ATTRIBUTES" => Some("service.namespace=shop".into()),
            _ => None,
        };
        let settings = Settings::from_env(&variables).expect("settings");
        let resource = Arc::new(settings.resource(samples::resource().attributes().clone()));
        let exporters = Exporters::start(&settings, resource, samples::metrics).expect("started");
        exporters.traces.as_ref().expect("traces").trace_finished(&call(1));
        exporters.logs.as_ref().expect("logs").push(record("first of all"));
        assert!(exporters.shutdown(LONG));
        let sent = [
            exporters.traces.as_ref().expect("traces").figures(),
            exporters.metrics.as_ref().expect("metrics").figures(),
            exporters.logs.as_ref().expect("logs").figures(),
        ];
        assert_eq!(sent.map(|figures| figures.exported), [7, 4, 1], "{protocol}: {sent:?}");
        for expected in [
            "-> service.namespace: Str(shop)",
            "InstrumentationScope open-cli ",
            "Parent ID      : 00f067aa0ba902b7\n    ID             : 0000000000000001\n    \
             Name           : POST /v1/tools/execute\n    Kind           : SPAN_KIND_SERVER",
            "Parent ID      : 0000000000000002\n    ID             : 0000000000000003\n    \
             Name           : GET /orders/{id}\n    Kind           : SPAN_KIND_CLIENT",
            "-> open_cli.stage: Str(execution.attempt)",
            "Status code    : STATUS_CODE_ERROR",
            "-> DataType: ExponentialHistogram\n     -> AggregationTemporality: AGGREGATION_TEMPORALITY_CUMULATIVE",
            "Count: 304",
            "SeverityNumber: SEVERITY_NUMBER_WARN(13)\nEventName: audit.degraded\nBody: Str(first of all)",
        ] {
            collector.printed_until(expected);
        }
    }
}
