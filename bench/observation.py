"""What watching costs: the same calls with all observation off and on, a dead collector, a synced audit log, and
questions to a large audit log. Not for: figures of calls themselves (run.py).
"""

import json
import os
import pathlib
import statistics
import subprocess
import time

import stage as staging

OFF = ["--trace-file", "off", "--metrics", "off", "--trace-memory", "0"]
# As it is by default: full sampling; what the trace file leaves out at such a rate is counted below.
ON = []
COLLECTOR = "rotel"
# Pairs of runs, "off" and "on" in turn first. A pair is compared with itself, so that the machine's mood, and a log that
# happens to be compressed during one run, cost a pair and not the figure.
PAIRS = 7


def collector(stage):
    """A collector that takes everything and keeps nothing: Rotel when the test peers are installed, else nginx."""
    found = sorted(stage.programs.parent.glob("test-peers/otlp/lib/python3*/site-packages/rotel/rotel-agent"))
    port = staging.free_port()
    if not found:
        return stage.nginx("collector", SINK), "nginx"
    command = [found[0], "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint",
               f"127.0.0.1:{staging.free_port()}", "--exporter", "blackhole", "--pid-file", stage.work / "rotel.pid",
               "--log-file", stage.work / "rotel.log"]
    with open(stage.work / "rotel.out", "ab") as out:
        stage.spawn([str(word) for word in command], stdout=out, stderr=out)
    staging.wait_for_port(port)
    return port, COLLECTOR


def cpu_seconds(pid):
    """CPU time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_pairs(pairs, off, on):
    """Runs both so many times, the first of a pair taking turns; figures by name."""
    figures = {"off": [], "on": []}
    for number in range(pairs):
        for name, run in (("off", off), ("on", on))[:: 1 if number % 2 == 0 else -1]:
            figures[name].append(run())
    return figures


def with_cpu(run, **pids):
    """The figures of a run, and the microseconds of CPU a call that these processes used."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    figures = run()
    # What is still being written and sent belongs to the run.
    time.sleep(SETTLE)
    for name, pid in pids.items():
        figures[f"{name}CpuUs"] = round((cpu_seconds(pid) - before[name]) * 1e6 / figures["requests"], 2)
    return figures


# Longer than telemetry waits for more before it is written or sent under load.
SETTLE = 0.3
SINK = """
  server { listen 127.0.0.1:{port} backlog=1024; location / { return 200; } client_max_body_size 64m; }
""".replace("{ ", "{{ ").replace(" }", " }}")


def losses(port):
    """Spans that were made, and those that did not get through, by sink."""
    _, _, body = staging.request(port, "GET", "/metrics")
    figures = {}
    for line in body.decode().splitlines():
        if line.startswith("open_cli_telemetry_") and "_total" in line:
            name, value = line.rsplit(" ", 1)
            if float(value):
                figures[name.removeprefix("open_cli_telemetry_")] = float(value)
    return figures


def measure(stage, report, ready, alternate, wrk, execute):
    """`ready` starts a toolbox, `wrk` loads it; see run.py."""
    median = lambda figures, key: statistics.median(figure[key] for figure in figures)  # noqa: E731

    def cost():
        otlp, kind = collector(stage)
        watcher = stage.children[-1].pid
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{otlp}", "OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
        off, *_ = ready(stage, stage.github, stage.work / "state-off", OFF)
        off_pid = stage.children[-1].pid
        on, *_ = ready(stage, stage.github, stage.work / "state-on", ON, endpoint)
        on_pid = stage.children[-1].pid

        def load(port, connections, **pids):
            return lambda: with_cpu(lambda: wrk(port, "/v1/tools/execute", connections, **execute), **pids)

        runs = (load(off, 64, toolbox=off_pid), load(on, 64, toolbox=on_pid, collector=watcher))
        for run in runs:
            run()  # connections, files and pools as they are later
        figures = in_pairs(PAIRS, *runs)
        lost = losses(on)
        report.raw["observation64"] = {**figures, "collector": kind, "telemetry": lost}
        less, more = median(figures["on"], "perSecond"), median(figures["off"], "perSecond")
        pairs = zip(figures["on"], figures["off"])
        cost = statistics.median(1 - on["perSecond"] / off["perSecond"] for on, off in pairs)
        report.raw["observation64"]["cost"] = cost
        report.row(f"tool calls a second, all observation on ({kind}), 64 connections", f"{less:.0f}/s",
                   f"off {more:.0f}/s", f"{cost:.0%} less", "≤ 15 % less", cost <= 0.15)
        own, others = median(figures["on"], "toolboxCpuUs"), median(figures["on"], "collectorCpuUs")
        before = median(figures["off"], "toolboxCpuUs")
        report.row("… CPU of a call: the toolbox, and the collector", f"{own:.0f} + {others:.0f} µs",
                   f"off {before:.0f} µs", f"+{own - before:.0f} + {others:.0f} µs", "", None)
        figures = in_pairs(3, load(off, 1), load(on, 1))
        report.raw["observation1"] = figures
        on_us, off_us = median(figures["on"], "p50us"), median(figures["off"], "p50us")
        report.row("… 1 connection, p50", f"{on_us:.0f} µs", f"off {off_us:.0f} µs", f"+{on_us - off_us:.0f} µs",
                   "≤ +40 µs", on_us - off_us <= 40)
        print("  telemetry of the loaded toolbox:", json.dumps(lost), flush=True)

    def dead():
        nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{staging.free_port()}"}
        alone, *_ = ready(stage, stage.github, stage.work / "state-alone", [])
        calling, *_ = ready(stage, stage.github, stage.work / "state-calling", [], nobody)
        figures = alternate(3, alone=lambda: wrk(alone, "/v1/tools/execute", 16, **execute),
                            calling=lambda: wrk(calling, "/v1/tools/execute", 16, **execute))
        report.raw["deadCollector"] = figures
        with_it, without = median(figures["calling"], "p50us"), median(figures["alone"], "p50us")
        report.row("a tool call, 16 connections, p50, collector dead", f"{with_it:.0f} µs", f"none {without:.0f} µs",
                   f"{with_it / without:.2f}x", "no change", with_it <= 1.05 * without)

    def durability():
        written, *_ = ready(stage, stage.github, stage.work / "state-written", [])
        synced, *_ = ready(stage, stage.github, stage.work / "state-synced", ["--audit-durability", "synced"])
        figures = alternate(3, written=lambda: wrk(written, "/v1/tools/execute", 64, **execute),
                            synced=lambda: wrk(synced, "/v1/tools/execute", 64, **execute))
        report.raw["durability"] = figures
        slow, fast = median(figures["synced"], "perSecond"), median(figures["written"], "perSecond")
        report.row("tool calls a second, audit synced, 64 connections", f"{slow:.0f}/s", f"written {fast:.0f}/s",
                   f"{slow / fast:.0%}", "≥ 60 %", slow >= 0.6 * fast)

    def questions():
        log = stage.work / "audit-large"
        log.mkdir(exist_ok=True)
        program = stage.programs / "examples/audit_bench"
        output = subprocess.run([program, log, "1000000"], check=True, capture_output=True, text=True, timeout=600)
        figures = json.loads(output.stdout)
        report.raw["auditLog"] = figures
        asked = {name: figure for name, figure in figures.items() if isinstance(figure, dict) and "medianMs" in figure}
        one = [figure for name, figure in asked.items() if name.startswith("one request")]
        pages = [figure for name, figure in asked.items() if "page" in name]
        size = f"{figures['records']:,} records, {figures['textBytes'] / 1e6:.0f} MB"
        worst, memory = max(f["medianMs"] for f in one), max(f["peakMiB"] for f in one)
        report.row(f"one request id among {size}", f"{worst:.0f} ms, {memory:.0f} MiB", "", "", "≤ 50 ms, 64 MB",
                   worst <= 50 and memory <= 61)
        worst = max(f["medianMs"] for f in pages)
        report.row("… a filtered page, the slowest", f"{worst:.0f} ms", "", "", "≤ 300 ms", worst <= 300)
        verify = [stage.programs / "open-cli-toolbox", "audit", "verify", log / "audit.log", "--format", "json"]
        output = subprocess.run(verify, check=True, capture_output=True, text=True, timeout=120).stdout
        report.raw["auditVerify"] = json.loads(output)
        speed = report.raw["auditVerify"]["bytesPerSecond"] / 1e6
        report.row("… verified", f"{speed:.0f} MB/s", "", "", "≥ 200 MB/s", speed >= 200)

    report.step("the cost of observation", cost)
    report.step("a dead collector", dead)
    report.step("a synced audit log", durability)
    if pathlib.Path(stage.programs / "examples/audit_bench").exists():
        report.step("questions to a large audit log", questions)
