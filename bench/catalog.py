"""How fast descriptions become a catalog, and what a large catalog costs: cold builds, restarts, one edit among many
services, calls during rebuilds, 100,000 tools. Not for: figures of calls themselves (run.py).

The documents are public descriptions beside the checkout (`../shared/data/openapi`); without them every part is
skipped and says so. They are in the page cache when they are measured: each is read once before.
"""

import gzip
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import threading
import time

import stage as staging

DATA = staging.ROOT.parent / "shared/data"
STARTS = 5  # of one cold or warm start
EDITS = 25  # of one file
MANY = 60  # services beside each other
TOOLS = 100_000
SETTLE = 1.5  # seconds until memory that is not needed any more went back
MEGABYTE = 1 << 20
# JSON descriptions whose copies, each under names of its own, are the large catalog; without the largest of all,
# so that it is many services.
COPIED = ["github.api.github.com.3.0.json.gz", "cloudflare.2024-08.json", "kubernetes.swagger.v2.json",
          "stripe.com.2025-10.json", "box.2024.json", "sentry.derefed.json", "slack.web_v2.json", "oxide.json",
          "twilio.api_v2010.json", "ory-kratos.json", "qdrant.json", "paypal.checkout_orders_v2.json"]
METHODS = ("get", "post", "put", "patch", "delete")
CALLED = "github-0:repos/get.0"


def read(path):
    """A document's text, unpacked."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def listed():
    """Every description that the list of sources names, below the folder."""
    folder, found = None, []
    for line in (DATA / "SOURCES.md").read_text().splitlines():
        if line.startswith("#"):
            below = line.removeprefix("### openapi")
            folder = below.strip(" /").split(" ")[0] if below != line else None
            folder = "" if folder is not None and folder.startswith("(") else folder
        cells = [cell.strip() for cell in line.split("|")]
        if folder is None or len(cells) < 6 or cells[2].startswith("---") or cells[2] == "version":
            continue
        path = DATA / "openapi" / folder / cells[1]
        if path.is_file():
            found.append(path)
    return found


def usable(path, work):
    """The document itself, or a copy: unpacked, and without references to URLs, because nobody asks the network."""
    if path.suffix != ".gz" and not re.search(rb"""\$ref["']?\s*:\s*["']?https?://""", path.read_bytes()):
        return path
    text = re.sub(rb"""(\$ref["']?\s*:\s*["']?)https?://""", rb"\1absent/", read(path))
    copy = work / "copies" / str(path.relative_to(DATA)).removesuffix(".gz")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(text)
    return copy


def config(folder, documents):
    """A configuration with a service for each document, by service id."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".cli.json"
    path.write_text(json.dumps({
        "cli": "1.0.0", "mode": {"default": "discover"},
        "sources": {name: {"type": "openapi", "uri": str(file)} for name, file in documents.items()},
        "services": {name: {"source": name} for name in documents},
    }))
    return path


def memory(pid):
    """Resident and highest resident, in MB."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        fields[name] = value.split()[0] if value.split() else ""
    return int(fields["VmRSS"]) / 1024, int(fields["VmHWM"]) / 1024


class Started:
    """A toolbox from the start of its process to the moment it is ready."""

    def __init__(self, stage, path, state, seconds=60.0):
        self.stage, self.log = stage, stage.work / "toolbox.log"
        before = self.log.stat().st_size if self.log.exists() else 0
        self.child, self.port, started = stage.toolbox(path, state, ["--log-format", "json"])
        end = started + seconds
        while True:
            try:
                status, _, body = staging.request(self.port, "GET", "/readyz")
                if status == 200:
                    break
            except OSError:
                pass
            if self.child.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"not ready within {seconds:.0f} s")
            time.sleep(0.001)
        self.ready_ms = (time.monotonic() - started) * 1000
        self.status = json.loads(body)
        self.began_log = before

    def build_ms(self):
        """What the log says of the last build; 0 when there was none."""
        text = self.log.read_bytes()[self.began_log:].decode(errors="replace")
        found = re.findall(r'"milliseconds":"?(\d+)', text)
        return int(found[-1]) if found else 0

    def settled(self):
        time.sleep(SETTLE)
        return memory(self.child.pid)

    def stop(self):
        self.stage.stop(self.child)


def starts(stage, name, path, runs=STARTS, seconds=60.0):
    """Cold starts and, with the state they leave, warm ones."""
    cold, warm = [], []
    for index in range(runs):
        state = stage.work / f"state-catalog-{name}"
        shutil.rmtree(state, ignore_errors=True)
        for figures in (cold, warm):
            toolbox = Started(stage, path, state, seconds)
            try:
                resident, peak = toolbox.settled()
                figures.append({"readyMs": round(toolbox.ready_ms, 1), "buildMs": toolbox.build_ms(),
                                "rssMb": round(resident, 1), "peakMb": round(peak, 1),
                                "tools": toolbox.status["tools"], "services": toolbox.status["services"]})
            finally:
                toolbox.stop()
        shutil.rmtree(state, ignore_errors=True)
    return cold, warm


def middle(figures, key):
    return statistics.median(figure[key] for figure in figures)


def replace(path, content):
    """As editors do it: another file in its place."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.replace(path)


def edits(stage, toolbox, path, contents, catalog):
    """Edits a file again and again: milliseconds until the new revision serves, and those of each build."""
    served = []
    _, headers, _ = staging.request(toolbox.port, "GET", catalog)
    for index in range(EDITS):
        replace(path, contents[index % 2])
        began = time.monotonic()
        tag = headers.get("etag")
        while headers.get("etag") == tag:
            if time.monotonic() - began > 10:
                raise RuntimeError("an edit was not seen within 10 s")
            _, headers, _ = staging.request(toolbox.port, "GET", catalog)
        served.append((time.monotonic() - began) * 1000)
        time.sleep(0.02)
    _, _, body = staging.request(toolbox.port, "GET", f"/v1/traces?background=true&name=catalog.build&limit={EDITS}")
    return served, [summary["durationMs"] for summary in json.loads(body)]


def renamed(document, suffix):
    """A copy under names of its own, and how many operations it has."""
    count, document = 0, json.loads(json.dumps(document))
    document["info"]["title"] = f"{document['info'].get('title', '')} {suffix}"
    for item in document["paths"].values():
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            count += 1
            for member in ("operationId", "summary", "description"):
                if operation.get(member):
                    operation[member] = f"{operation[member]}.{suffix}"
    return document, count


def many_tools(stage):
    """The large catalog: copies of real descriptions until there are enough tools."""
    folder, documents, count = stage.work / "large", {}, 0
    folder.mkdir(exist_ok=True)
    originals = {}
    for name in COPIED:
        document = json.loads(read(DATA / "openapi" / name))
        if "swagger" in document:
            document.update(host=f"127.0.0.1:{stage.upstream}", schemes=["http"])
        else:
            document["servers"] = [{"url": f"http://127.0.0.1:{stage.upstream}"}]
        originals[name.split(".")[0]] = document
    for suffix in range(10_000):
        for name, original in originals.items():
            if count >= TOOLS:
                return config(folder, documents)
            document, operations = renamed(original, suffix)
            path = folder / f"{name}-{suffix}.json"
            path.write_text(json.dumps(document))
            documents[f"{name}-{suffix}"] = path
            count += operations
    return config(folder, documents)


def measure(stage, report, ready, alternate, wrk, hyperfine):
    """`ready` starts a toolbox, `wrk` loads it; see run.py."""
    if not (DATA / "openapi").is_dir():
        print("skipped: no shared data, so no figures of building catalogs", flush=True)
        report.raw["catalog"] = "skipped: no shared data"
        return
    raw = report.raw["catalog"] = {}
    openapi = DATA / "openapi"

    def cold(name, what, document, goal_ms, goal_mb=None):
        folder = stage.work / f"cold-{name}"
        folder.mkdir(exist_ok=True)
        figures, warm = starts(stage, name, config(folder, {name: document}))
        raw[name] = {"cold": figures, "restart": warm}
        build, again = middle(figures, "buildMs"), middle(warm, "readyMs")
        tools = figures[0]["tools"]
        report.row(f"{what} ({tools} tools), cold build", f"{build:.0f} ms",
                   f"from process start {middle(figures, 'readyMs'):.0f} ms", "", f"≤ {goal_ms} ms", build <= goal_ms)
        if goal_mb:
            rss = middle(figures, "rssMb")
            report.row("… memory after it", f"{rss:.0f} MB", f"peak {middle(figures, 'peakMb'):.0f} MB", "",
                       f"≤ {goal_mb} MB", rss <= goal_mb)
        report.row("… restarted, ready after", f"{again:.0f} ms", f"{middle(warm, 'rssMb'):.0f} MB", "", "≤ 150 ms",
                   again <= 150)

    def github():
        folder = stage.work / "cold-github"
        folder.mkdir(exist_ok=True)
        (folder / "github.json").write_bytes(read(openapi / "github.api.github.com.3.0.json.gz"))
        cold("github", "GitHub, JSON", folder / "github.json", 120, 60)

    def github_yaml():
        try:
            import yaml  # the only tool here that writes YAML as people do
        except ImportError:
            print("  skipped: no PyYAML to write GitHub's description as YAML", flush=True)
            return
        folder = stage.work / "cold-github-yaml"
        folder.mkdir(exist_ok=True)
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        document = json.loads(read(openapi / "github.api.github.com.3.0.json.gz"))
        with open(folder / "github.yaml", "w") as out:
            dumper.ignore_aliases = lambda *_: True
            yaml.dump(document, out, dumper, sort_keys=False, allow_unicode=True, width=1 << 16)
        raw["githubYamlBytes"] = (folder / "github.yaml").stat().st_size
        cold("github-yaml", "GitHub, YAML", folder / "github.yaml", 400)

    def everything():
        documents = {f"s{index}": usable(path, stage.work) for index, path in enumerate(listed())}
        figures, warm = starts(stage, "everything", config(stage.work / "everything", documents), 3)
        raw["everything"] = {"cold": figures, "restart": warm}
        build, peak, rss = (middle(figures, key) for key in ("buildMs", "peakMb", "rssMb"))
        tools, again = figures[0]["tools"], middle(warm, "readyMs")
        report.row(f"all {len(documents)} public descriptions ({tools} tools), cold build", f"{build:.0f} ms",
                   f"from process start {middle(figures, 'readyMs'):.0f} ms", "", "≤ 3000 ms", build <= 3000)
        report.row("… highest memory", f"{peak:.0f} MB", "", "", "≤ 700 MB", peak <= 700)
        report.row("… memory after it", f"{rss:.0f} MB", "", "", "≤ 300 MB", rss <= 300)
        report.row("… restarted, ready after", f"{again:.0f} ms", f"{middle(warm, 'rssMb'):.0f} MB", "", "≤ 150 ms",
                   again <= 150)

    def one_edit():
        text = (openapi / "train-travel.yaml").read_bytes()
        # The same length: nothing but the file's identity tells.
        contents = [text.replace(b"summary: Get", b"summary: See"), text]
        figures = {}
        for name, count in (("alone", 1), ("many", MANY)):
            folder = stage.work / f"edit-{name}"
            folder.mkdir(exist_ok=True)
            documents = {}
            for index in range(count):
                documents[f"s{index}"] = folder / f"s{index}.yaml"
                documents[f"s{index}"].write_bytes(text)
            state = stage.work / f"state-edit-{name}"
            toolbox = Started(stage, config(folder, documents), state)
            try:
                served, built = edits(stage, toolbox, documents["s0"], contents, "/v1/catalog/effective?shape=slice")
            finally:
                toolbox.stop()
            figures[name] = {"servedMs": served, "buildMs": built}
        raw["oneEdit"] = figures
        alone, many = (statistics.median(figures[name]["buildMs"]) for name in ("alone", "many"))
        report.row(f"one edit among {MANY} services, until its revision serves", f"{many:.1f} ms",
                   f"that service alone {alone:.1f} ms", f"{many / alone:.2f}x", "≤ 1.5x", many <= 1.5 * alone)

    def rebuilds():
        """A description of 13 MB is replaced as fast as it is rebuilt."""
        folder = stage.github.parent
        document = folder / "openapi.json"
        other = folder / "other.json"
        other.write_bytes(document.read_bytes().replace(b'"title": "GitHub', b'"title": "Github', 1))
        port, *_ = ready(stage, stage.github, stage.work / "state-rebuilds")
        execute = {"method": "POST", "body": json.dumps({"toolId": "github:repos/get",
                                                         "pathArgs": ["octocat", "hello-world"]}),
                   "headers": "Content-Type: application/json"}
        original, stop, turns = folder / "original.json", threading.Event(), itertools.count()
        original.unlink(missing_ok=True)
        os.link(document, original)

        def edit():
            temporary = folder / "next.json"
            while not stop.is_set():
                # Another file in its place, without writing 13 MB each time.
                os.link((other, original)[next(turns) % 2], temporary)
                os.replace(temporary, document)
                stop.wait(0.3)

        def disturbed():
            stop.clear()
            thread = threading.Thread(target=edit)
            thread.start()
            try:
                return wrk(port, "/v1/tools/execute", 16, **execute)
            finally:
                stop.set()
                thread.join()

        def builds():
            _, _, body = staging.request(port, "GET", "/v1/traces?background=true&name=catalog.build&limit=10000")
            return len(json.loads(body))

        before = builds()
        figures = alternate(3, undisturbed=lambda: wrk(port, "/v1/tools/execute", 16, **execute), disturbed=disturbed)
        figures["builds"] = builds() - before
        raw["duringRebuilds"] = figures
        less, more = middle(figures["disturbed"], "perSecond"), middle(figures["undisturbed"], "perSecond")
        report.row(f"tool calls a second while GitHub's description is rebuilt ({figures['builds']} times)",
                   f"{less:.0f}/s", f"undisturbed {more:.0f}/s", f"{less / more:.0%}", "≥ 80 %", less >= 0.8 * more)

    def large():
        path = many_tools(stage)
        state = stage.work / "state-large"
        began = Started(stage, path, state, 600.0)
        resident, peak = began.settled()
        tools = began.status["tools"]
        time.sleep(5)  # what is stored for the next start is written beside the calls
        began.stop()
        again = [Started(stage, path, state, 600.0)]
        warm = again[0]
        try:
            large_catalog(path, began, warm, tools, resident, peak)
        finally:
            warm.stop()
            shutil.rmtree(state, ignore_errors=True)
            shutil.rmtree(stage.work / "large", ignore_errors=True)

    def large_catalog(path, began, warm, tools, resident, peak):
        after, _ = warm.settled()
        per_tool = max(resident, after) * MEGABYTE / tools / 1024
        report.row(f"{tools:,} tools, memory for each", f"{per_tool:.1f} KB",
                   f"{resident:.0f} MB built, {after:.0f} MB restarted, peak {peak:.0f} MB", "", "≤ 8 KB", per_tool <= 8)
        report.row("… restarted, ready after", f"{warm.ready_ms:.0f} ms", f"built in {began.build_ms()} ms", "",
                   "≤ 150 ms", warm.ready_ms <= 150)
        small, *_ = ready(stage, stage.small, stage.work / "state-few")
        call = {"method": "POST", "headers": "Content-Type: application/json"}
        body = lambda tool: json.dumps({"toolId": tool, "pathArgs": ["octocat", "hello-world"]})  # noqa: E731
        figures = alternate(3, few=lambda: wrk(small, "/v1/tools/execute", 1, body=body("github:repos/get"), **call),
                            many=lambda: wrk(warm.port, "/v1/tools/execute", 1, body=body(CALLED), **call))
        slices = {
            "tool": f"tool={CALLED}", "tool, detailed": f"tool={CALLED}&detail=full",
            "command": "words=github-0+repos+repos-get-0&detail=full", "group": "words=github-0+repos",
            "service": "words=github-0", "service and group": "service=github-0&group=meta",
            "query": "query=repository+hello&limit=20", "query, common word": "query=list&limit=20",
            "nothing": "",
        }
        sliced = {name: wrk(warm.port, f"/v1/catalog/effective?shape=slice&{query}", 1)
                  for name, query in slices.items()}
        raw["large"] = {"tools": tools, "rssMb": resident, "restartedRssMb": after, "peakMb": peak,
                        "readyMs": began.ready_ms, "buildMs": began.build_ms(), "restartMs": warm.ready_ms,
                        "execute": figures, "slices": sliced}
        few, many = (middle(figures[name], "p50us") for name in ("few", "many"))
        report.row("… look-up and execute, 1 connection, p50", f"{many:.0f} µs", f"10 tools {few:.0f} µs",
                   f"{many / few:.2f}x", "≤ 1.1x", many <= 1.1 * few)
        slowest = max(sliced, key=lambda name: sliced[name]["p50us"])
        worst = sliced[slowest]["p50us"]
        report.row("… one slice, p50, the slowest of " + str(len(sliced)), f"{worst:.0f} µs", slowest, "", "≤ 1000 µs",
                   worst <= 1000)

        def command(path, port, state, words):
            line = f"{stage.programs}/open-cli --config {path} --format json {words} octocat hello-world"
            return line, {"OPEN_CLI_RUNTIME_URL": f"http://127.0.0.1:{port}", "OPEN_CLI_STATE_DIR": str(state)}

        commands = {"few": command(stage.small, small, stage.work / "cli-few", "github repos repos-get"),
                    "many": command(path, warm.port, stage.work / "cli-many", "github-0 repos repos-get-0")}
        for name, (line, variables) in commands.items():
            ran = subprocess.run(line.split(), env={**os.environ, **variables}, capture_output=True, timeout=30,
                                 cwd=stage.work)
            if ran.returncode != 0 or b"octocat/hello-world" not in ran.stdout:
                raise RuntimeError(f"{name} exits {ran.returncode}: {(ran.stderr or ran.stdout)[:300]!r}")
        times = hyperfine(stage, commands)
        raw["large"]["commands"] = times
        few, many = (middle(times[name], "ms") for name in ("few", "many"))
        report.row("… `open-cli` command", f"{many:.1f} ms", f"10 tools {few:.1f} ms", f"{many / few:.2f}x", "≤ 1.2x",
                   many <= 1.2 * few)

    report.step("a cold build of GitHub's API", github)
    report.step("… as YAML", github_yaml)
    report.step("a cold build of Stripe's API", lambda: cold("stripe", "Stripe, YAML", openapi / "stripe.spec3.yaml", 200))
    report.step("a cold build of Kubernetes' API",
                lambda: cold("kubernetes", "Kubernetes, Swagger 2.0", openapi / "kubernetes.swagger.v2.json", 120))
    report.step("a cold build of everything", everything)
    report.step("one edit among many services", one_edit)
    report.step("calls during rebuilds", rebuilds)
    report.step("100,000 tools", large)
