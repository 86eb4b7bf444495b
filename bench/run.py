#!/usr/bin/env python3
"""`make bench`: the speed of a governed call, beside nginx and curl on the same machine in the same minutes.

Baseline and measurement alternate, and the median over the rounds counts, because the machine's mood changes more
from minute to minute than the programs do. Prints a table, writes results.json; reports, never judges: always exit 0.
docs/performance.md says what each figure is.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing is left beside the sources
import catalog  # noqa: E402
import observation  # noqa: E402
import stage as staging  # noqa: E402

SECONDS = 3  # of each wrk run
ROUNDS = 3  # of each pair of runs
STARTS = 7  # cold starts
RUNS = 15  # command runs a round: with ROUNDS 45
TOOL = "github:repos/get"
CALL = json.dumps({"configPath": "", "toolId": TOOL, "pathArgs": ["octocat", "hello-world"]})
EXECUTE = {"method": "POST", "body": CALL, "headers": "Content-Type: application/json"}
CATALOG = "/v1/catalog/effective"


def wrk(port, path, connections, method="GET", body="", headers=""):
    """One run against a path; the figures wrk.lua prints."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(staging.ROOT / "bench/wrk.lua"),
               f"http://127.0.0.1:{port}{path}"]
    variables = {**os.environ, "BENCH_METHOD": method, "BENCH_HEADERS": headers}
    if body:
        variables["BENCH_BODY"] = body
    output = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("FIGURES "))
    figures = json.loads(line.removeprefix("FIGURES "))
    figures["perSecond"] = round(figures["requests"] / figures["seconds"])
    if figures["errors"]:
        raise RuntimeError(f"{figures['errors']} of {figures['requests']} requests to {path} failed")
    return figures


def alternate(rounds, **runs):
    """Runs each in turn, `rounds` times; name -> list of figures."""
    figures = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            figures[name].append(run())
    return figures


def median(figures, key):
    return statistics.median(figure[key] for figure in figures)


def status_kb(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"no {field}")


def first_catalog(stage, state):
    """Milliseconds from the start of the process to the last byte of the first catalog, and memory after it."""
    child, port, started = stage.toolbox(stage.github, state)
    try:
        while True:
            if time.monotonic() - started > 30:
                raise RuntimeError("no catalog within 30 s")
            try:
                status, headers, body = staging.request(port, "GET", CATALOG)
            except OSError:
                time.sleep(0.001)
                continue
            if status == 200:
                break
            if status != 503:
                raise RuntimeError(f"the catalog answered {status}: {body[:200]!r}")
            time.sleep(0.001)
        milliseconds = (time.monotonic() - started) * 1000
        return {"ms": round(milliseconds, 1), "rssMb": round(status_kb(child.pid, "VmRSS") / 1024, 1),
                "peakMb": round(status_kb(child.pid, "VmHWM") / 1024, 1), "bytes": len(body)}
    finally:
        stage.stop(child)


def ready(stage, config, state, flags=(), variables=None):
    """A toolbox that has its catalog: (port, number of tools, ETag)."""
    _, port, _ = stage.toolbox(config, state, flags, variables)
    staging.wait_for_port(port)
    end = time.monotonic() + 30
    while True:
        status, headers, body = staging.request(port, "GET", CATALOG)
        if status == 200:
            return port, len(json.loads(body)["catalog"]["tools"]), headers.get("etag")
        if time.monotonic() > end:
            raise RuntimeError(f"the catalog answered {status}: {body[:200]!r}")
        time.sleep(0.01)


def hyperfine(stage, commands):
    """Wall times in milliseconds per command, in alternating rounds."""
    times = {name: [] for name in commands}
    export = stage.work / "hyperfine.json"
    for _ in range(ROUNDS):
        for name, (command, variables) in commands.items():
            subprocess.run(["hyperfine", "-N", "--style", "none", "--warmup", "3", "--runs", str(RUNS),
                            "--export-json", str(export), command],
                           env={**os.environ, **variables}, check=True, capture_output=True, timeout=120,
                           cwd=stage.work)
            result = json.loads(export.read_text())["results"][0]
            times[name] += [{"ms": t * 1000} for t in result["times"]]
    return times


class Report:
    """Rows of the table, and everything measured."""

    def __init__(self):
        self.rows, self.raw, self.failures = [], {}, []

    def row(self, what, measured, baseline, ratio, goal, met):
        self.rows.append({"what": what, "measured": measured, "baseline": baseline, "ratio": ratio, "goal": goal,
                          "met": met})

    def step(self, name, measure):
        """Runs one measurement; a failure is reported and does not stop the others."""
        try:
            print(f"measuring {name} …", flush=True)
            measure()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the figure that is missing
            detail = (getattr(error, "stderr", None) or b"")
            detail = detail.decode(errors="replace") if isinstance(detail, bytes) else detail
            self.failures.append(f"{name}: {error} {detail.strip()}")

    def print(self):
        titles = {"what": "what", "measured": "measured", "baseline": "beside", "ratio": "ratio", "goal": "goal",
                  "met": ""}
        lines = [titles] + [{**row, "met": {True: "met", False: "NOT MET", None: ""}[row["met"]]} for row in self.rows]
        widths = {key: max(len(line[key]) for line in lines) for key in titles}
        print()
        for line in lines:
            print("  ".join(line[key].ljust(widths[key]) for key in titles).rstrip())
        for failure in self.failures:
            print(f"no figure: {failure}")


def measure(stage, report):
    big_state, small_state = stage.work / "state-github", stage.work / "state-small"

    def starts():
        cold, warm = [], []
        for index in range(STARTS):
            state = stage.work / f"state-start-{index}"
            cold.append(first_catalog(stage, state))
            warm.append(first_catalog(stage, state))
            shutil.rmtree(state, ignore_errors=True)
        report.raw["firstCatalog"] = {"cold": cold, "sameStateAgain": warm}
        ms, rss = median(cold, "ms"), median(cold, "rssMb")
        report.row("first catalog of GitHub's API, from process start", f"{ms:.0f} ms",
                   f"again {median(warm, 'ms'):.0f} ms", "", "≤ 300 ms", ms <= 300)
        report.row("memory after it", f"{rss:.0f} MB", f"peak {median(cold, 'peakMb'):.0f} MB", "", "≤ 80 MB", rss <= 80)

    report.step("the first catalog", starts)
    try:
        big, big_tools, etag = ready(stage, stage.github, big_state)
        small, small_tools, _ = ready(stage, stage.small, small_state)
        status, _, body = staging.request(big, "POST", "/v1/tools/execute", CALL, {"Content-Type": "application/json"})
        if status != 200 or json.loads(body).get("statusCode") != 200:
            raise RuntimeError(f"the tool call answered {status}: {body[:300]!r}")
    except (OSError, RuntimeError, ValueError) as error:
        report.failures.append(f"everything that needs a toolbox: {error}")
        return
    report.raw["tools"] = {"github": big_tools, "small": small_tools}
    path = staging.RESOURCE_PATH

    def throughput(connections):
        figures = alternate(ROUNDS, proxy=lambda: wrk(stage.proxy, path, connections),
                            toolbox=lambda: wrk(big, "/v1/tools/execute", connections, **EXECUTE))
        report.raw[f"throughput{connections}"] = figures
        ours, theirs = (median(figures[name], "perSecond") for name in ("toolbox", "proxy"))
        report.row(f"tool calls a second, {connections} connections", f"{ours:.0f}/s", f"nginx proxy {theirs:.0f}/s",
                   f"{ours / theirs:.0%}", "≥ 40 %", ours / theirs >= 0.4)

    report.step("throughput at 16 connections", lambda: throughput(16))
    report.step("throughput at 64 connections", lambda: throughput(64))

    def latency():
        figures = alternate(ROUNDS, direct=lambda: wrk(stage.upstream, path, 1), proxy=lambda: wrk(stage.proxy, path, 1),
                            toolbox=lambda: wrk(big, "/v1/tools/execute", 1, **EXECUTE))
        report.raw["latency"] = figures
        direct, proxy, ours = (median(figures[name], "p50us") for name in ("direct", "proxy", "toolbox"))
        report.row("a tool call, 1 connection, p50", f"{ours:.0f} µs", f"direct {direct:.0f} µs, proxy {proxy:.0f} µs",
                   f"+{ours - direct:.0f} µs", "≤ +150 µs", ours - direct <= 150)

    report.step("latency at 1 connection", latency)

    def revalidation():
        if not etag:
            raise RuntimeError("the catalog has no ETag")
        status, _, _ = staging.request(big, "GET", CATALOG, headers={"If-None-Match": etag})
        if status != 304:
            raise RuntimeError(f"If-None-Match answered {status}")
        figures = [wrk(big, CATALOG, 1, headers=f"If-None-Match: {etag}") for _ in range(ROUNDS)]
        report.raw["revalidation"] = figures
        ours = median(figures, "p50us")
        report.row("catalog revalidation (304), 1 connection, p50", f"{ours:.0f} µs", "", "", "≤ 100 µs", ours <= 100)

    report.step("revalidation", revalidation)

    def commands():
        def ours(config, port, state):
            command = f"{stage.programs}/open-cli --config {config} --format json github repos repos-get octocat hello-world"
            return command, {"OPEN_CLI_RUNTIME_URL": f"http://127.0.0.1:{port}", "OPEN_CLI_STATE_DIR": str(state)}

        variants = {
            "curl": (f"curl -sS http://127.0.0.1:{stage.upstream}{path}", {}),
            "small": ours(stage.small, small, stage.work / "cli-small"),
            "github": ours(stage.github, big, stage.work / "cli-github"),
        }
        for name, (command, variables) in variants.items():
            ran = subprocess.run(command.split(), env={**os.environ, **variables}, capture_output=True, timeout=30,
                                 cwd=stage.work)
            if ran.returncode != 0 or b"octocat/hello-world" not in ran.stdout:
                raise RuntimeError(f"{name} exits {ran.returncode}: {(ran.stderr or ran.stdout)[:300]!r}")
        times = hyperfine(stage, variants)
        report.raw["commands"] = times
        curl, few, many = (median(times[name], "ms") for name in ("curl", "small", "github"))
        report.row(f"`open-cli` command, {small_tools} tools", f"{few:.1f} ms", f"curl {curl:.1f} ms",
                   f"{few / curl:.2f}x", "≤ 1.5x", few / curl <= 1.5)
        report.row(f"`open-cli` command, {big_tools} tools", f"{many:.1f} ms", f"curl {curl:.1f} ms",
                   f"{many / curl:.2f}x", "≤ 1.5x", many / curl <= 1.5)
        report.row("… beside the small catalog", f"{many:.1f} ms", f"{few:.1f} ms", f"{many / few:.2f}x", "≤ 1.2x",
                   many / few <= 1.2)

    report.step("commands", commands)
    catalog.measure(stage, report, ready, alternate, wrk, hyperfine)
    observation.measure(stage, report, ready, alternate, wrk, EXECUTE)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cpus": os.cpu_count(), "loadBefore": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder with the built programs")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for documents, state and results")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    for state in work.glob("state-*"):
        shutil.rmtree(state, ignore_errors=True)
    report, began = Report(), time.monotonic()
    facts = machine()
    try:
        staging.need_tools()
        stage = staging.Stage(options.programs.resolve(), work)
        try:
            measure(stage, report)
        finally:
            stage.close()
    except Exception as error:  # noqa: BLE001 - figures only
        report.failures.append(f"the rest: {error}")
    facts["seconds"] = round(time.monotonic() - began)
    report.print()
    results = {"machine": facts, "rows": report.rows, "failures": report.failures, "raw": report.raw}
    (work / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(f"\n{facts['cpus']} x {facts['cpu']}, load before {facts['loadBefore']:.1f}, {facts['seconds']} s; "
          f"all figures: {work / 'results.json'}")


if __name__ == "__main__":
    main()
