-- Sends the request that the environment describes and prints the figures as one line of JSON.
-- BENCH_METHOD, BENCH_BODY, BENCH_HEADERS ("name: value" lines). Not for: looking at answers; a response callback
-- would cost wrk more than the request. run.py checks one answer before it measures.

wrk.method = os.getenv("BENCH_METHOD") or "GET"
wrk.body = os.getenv("BENCH_BODY")
for line in (os.getenv("BENCH_HEADERS") or ""):gmatch("[^\n]+") do
  local name, value = line:match("^([^:]+):%s*(.*)$")
  wrk.headers[name] = value
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"seconds":%.6f,"p50us":%d,"p90us":%d,"p99us":%d,"errors":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
