#!/usr/bin/env bash
# `make demo`: a governed call from end to end, on loopback, in a folder that is thrown away. Needs the built programs
# on PATH and nothing else than bash, coreutils, grep and sed. Every step checks exit code and output; the first that
# is not as expected ends the demo with status 1.
set -euo pipefail

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' red='' plain=''
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/open-cli-demo.XXXXXX")
api_pid='' toolbox_pid='' finished=''

# Runs however the demo ends: no process and no file stays.
clean_up() {
  local status=$?
  trap - EXIT
  for pid in $toolbox_pid $api_pid; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
  if [ -z "$finished" ]; then
    printf '\n%sThe demo stopped before its end.%s\n' "$red" "$plain" >&2
    [ "$status" -ne 0 ] || status=1
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
fail() {
  printf '\n%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
  for log in "$work"/*.log; do
    [ -s "$log" ] && { printf -- '--- %s\n' "${log##*/}" && tail -n 20 "$log"; } >&2
  done
  exit 1
}

# run STATUS WORDS…: shows a command as it is typed, then its output, and checks its exit status.
output=''
run() {
  local expected=$1 status=0 word typed=''
  shift
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=@,+-]*) typed+=" '$word'" ;;
      *) typed+=" $word" ;;
    esac
  done
  printf '\n%s$%s%s\n' "$bold" "$typed" "$plain"
  output=$("$@" 2>&1 </dev/null) || status=$?
  [ -z "$output" ] || printf '%s\n' "$output"
  [ "$expected" -eq 0 ] || printf '%s[exit status %s]%s\n' "$dim" "$status" "$plain"
  [ "$status" -eq "$expected" ] || fail "exit status $status instead of $expected from:$typed"
}

# The last output must have each of these.
expect() {
  local text
  for text in "$@"; do
    grep -qF -- "$text" <<<"$output" || fail "the output above lacks: $text"
  done
}

# wait_for SECONDS TEST…: polls.
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@"; do
    ((tries-- > 0)) || return 1
    sleep 0.05
  done
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }
value_of() { sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }

for program in open-cli open-cli-toolbox orders-api; do
  command -v "$program" >/dev/null || fail "$program is not on PATH; run: make demo"
done
# Nothing of the person who runs this takes part.
unset "${!OPEN_CLI_@}"
export HOME=$work/home XDG_CONFIG_HOME=$work/home XDG_STATE_HOME=$work/home XDG_CACHE_HOME=$work/home
mkdir "$work/home" "$work/project"
cd "$work/project"
key=$(od -An -N 16 -tx1 /dev/urandom | tr -d ' \n')

heading 'An API with state, and its description'
ORDERS_API_KEY=$key orders-api --addr 127.0.0.1:0 >"$work/api.out" 2>"$work/api.log" &
api_pid=$!
wait_for 10 grep -qs listening "$work/api.out" || fail 'orders-api does not start'
api=$(sed -n 's/^listening on //p' "$work/api.out")
note "orders-api serves $api and describes itself at $api/openapi.json"
note 'Whoever changes an order needs a key; only the toolbox will know it.'

heading 'One configuration: where the API is, which secret it takes, what needs an approval'
cat >.cli.json <<JSON
{
  "cli": "1.0.0",
  "mode": { "default": "discover" },
  "sources": { "orders": { "type": "openapi", "uri": "$api/openapi.json" } },
  "services": { "orders": { "source": "orders", "alias": "orders" } },
  "secrets": { "orders.apiKey": { "type": "env", "value": "ORDERS_API_KEY" } },
  "policy": { "deny": ["orders:fault*"], "approvalRequired": ["orders:deleteOrder"] }
}
JSON
run 0 cat .cli.json

heading 'The toolbox: the only program that has the key'
ORDERS_API_KEY=$key open-cli-toolbox --config .cli.json --state-dir "$work/state" --addr 127.0.0.1:0 \
  >"$work/toolbox.out" 2>"$work/toolbox.log" &
toolbox_pid=$!
wait_for 10 grep -qs serving "$work/toolbox.out" || fail 'open-cli-toolbox does not start'
record=$(echo "$work"/state/instances/*/runtime.json)
OPEN_CLI_RUNTIME_URL=$(sed -n 's/.* serving //p' "$work/toolbox.out")
export OPEN_CLI_RUNTIME_URL
[ "$(value_of url <"$record")" = "$OPEN_CLI_RUNTIME_URL" ] || fail "$record does not name $OPEN_CLI_RUNTIME_URL"
sed "s|^|  |" "$work/toolbox.out"
note "export OPEN_CLI_RUNTIME_URL=$OPEN_CLI_RUNTIME_URL"

heading 'What can be called'
run 0 open-cli catalog list --group orders --format table
expect "Create an order" "Delete an order for good"
run 0 open-cli explain orders create --format table
expect orders:createOrder POST /orders

heading 'A read'
run 0 open-cli orders list --status pending --format pretty
expect '"ord_3"'

heading 'A write: the toolbox adds the key'
run 0 open-cli orders create \
  --body '{"customerId": "cus_1", "items": [{"sku": "LAMP-1", "quantity": 2, "unitPriceCents": 2450}]}'
expect '"id":"ord_4"' '"totalCents":4900'

heading 'A write that needs an approval, without one'
run 6 open-cli orders delete ord_4
expect approval_required
run 0 open-cli orders get ord_4
expect '"id":"ord_4"'

heading 'The same, approved'
run 0 open-cli orders delete ord_4 --approval --include
expect 204
run 4 open-cli orders get ord_4
expect 404

heading 'What the policy denies is refused, whoever asks'
run 6 open-cli call orders:faultSlow --approval
expect policy_deny

heading 'The audit trail: who called what, and what was decided'
run 0 open-cli audit list --format table
expect orders:createOrder orders:deleteOrder orders:faultSlow approval_required policy_deny
events=$(open-cli audit list --tool orders:deleteOrder --decision allowed --format json)
request=$(tr ',' '\n' <<<"$events" | value_of requestId)
[ -n "$request" ] || fail "the audit event of the approved call has no request id: $events"

heading 'Where the time of the approved call went'
run 0 open-cli trace "$request" --format table
expect policy.decide 'execution.attempt 1' 'DELETE http' audit.append

heading 'The same request, as the API saw it'
run 0 grep -F "request_id=$request" "$work/api.log"
expect 'method=DELETE' 'status=204' 'traceparent=00-'
trace=$(sed -n 's/.*traceparent=00-\([0-9a-f]*\)-.*/\1/p' <<<"$output")
open-cli trace "$request" --format json | grep -qF "\"$trace\"" || fail "the trace of the call is not $trace"
note "Request id and trace id are those of the audit trail and the trace above."

heading 'Nobody changed the audit trail since'
run 0 open-cli-toolbox audit verify --config .cli.json --state-dir "$work/state"
expect intact

heading 'Stop, and leave nothing'
run 0 open-cli runtime stop
wait_for 15 is_gone "$toolbox_pid" || fail 'the toolbox is still there 15 s after the stop'
status=0
wait "$toolbox_pid" || status=$?
toolbox_pid=''
[ "$status" -eq 0 ] || fail "the toolbox ended with status $status"
[ ! -e "$record" ] || fail 'runtime.json is still there'
kill "$api_pid"
wait "$api_pid" 2>/dev/null || true
api_pid=''
if grep -rqF "$key" "$work/state" "$work/home" "$work"/*.log "$work"/*.out; then
  fail 'the key is in the state folder or in a log'
fi
run 7 open-cli orders list
cd /
rm -rf "$work"
[ -z "$(jobs -pr)" ] || fail 'a process is still running'
finished=yes
note 'The toolbox ended with status 0, runtime.json is gone, the key is in no file and no log.'
printf '\n%sDone.%s\n' "$bold" "$plain"
