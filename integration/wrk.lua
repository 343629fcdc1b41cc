-- Each connection pauses between its requests: so the rate is bounded, and what wrk measures is the service and not how
-- busy a machine of few cores is with answering as fast as it can.
function delay()
    return math.random(50, 150) -- milliseconds; all alike they would send all at once
end

-- What wrk measured, in one line that a program can read: requests, those with a status of 400 or more, those that got
-- no answer, and the latencies in microseconds.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("figures %d %d %d %d %d %d %d\n", summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max))
end
