-- For wrk: sends the requests of a file, each once, in order, and puts into each when it was sent.
-- The argument is the file; the variable PER_SECOND how many to send a second (unset: as fast as answers come).
-- A record of the file: two lengths of 8 digits, then what stands before and after the time.
local ffi = require('ffi')
ffi.cdef [[ typedef struct { long seconds; long micros; } moment; int gettimeofday(moment *now, void *zone); ]]
local now = ffi.new('moment')
local perSecond = tonumber(os.getenv('PER_SECOND') or 0)
local file, slotMs, last

local function nowMs()
  ffi.C.gettimeofday(now, nil)
  return tonumber(now.seconds) * 1000 + tonumber(now.micros) / 1000
end

function init(args)
  file = assert(io.open(args[1], 'rb'))
end

function request()
  local before, after = file:read(8, 8)
  if not before then
    wrk.thread:stop()
    return last
  end
  last = file:read(tonumber(before)) .. string.format('%.3f', nowMs()) .. file:read(tonumber(after))
  return last
end

-- Only where it is needed: with a `delay`, wrk sets a timer for each request.
if perSecond > 0 then
  function delay()
    local at = nowMs()
    slotMs = math.max((slotMs or at) + 1000 / perSecond, at - 1000)
    return math.max(0, math.floor(slotMs - at + 0.5))
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"answered":%d,"refused":%d,"failed":%d,"durationMs":%.3f,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1000, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
