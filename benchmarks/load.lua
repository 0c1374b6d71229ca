-- wrk script driven by wrk.py. The configuration (a Lua table written by it) is the
-- file named by the environment variable BENCH_CFG.
--
-- Every response's status is compared with cfg.expect; for a batch, the number of inner
-- 200/201 statuses is compared with the size of the batch.  done() prints one JSON line.

local cfg = dofile(os.getenv("BENCH_CFG"))
local counter = 0
local requests_made = 0
local next_path = nil
local thread_of_state = nil
local threads = {}

bad, stale, seen, walks = 0, 0, 0, 0
sample = ""

function setup(thread)
  table.insert(threads, thread)
end

-- A template is compiled once into a list of literals and placeholders: filling a 25 record
-- batch by string substitution would cost more than a fast server needs to answer it.
local function compile(text)
  local parts, from = {}, 1
  text = text:gsub("{stem}", (cfg.stem:gsub("%%", "%%%%")))
  while true do
    local a, b, name = text:find("{([kunj])}", from)
    if not a then break end
    parts[#parts + 1] = text:sub(from, a - 1)
    parts[#parts + 1] = name
    from = b + 1
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

-- Append the template, filled for request number `i` (and number `j` in a batch), to `out`.
local function fill(out, parts, i, j)
  for x = 1, #parts do
    local part = parts[x]
    if x % 2 == 0 then
      if part == "k" then part = cfg.one and 0 or i % cfg.spread
      elseif part == "u" then part = cfg.unique .. "-" .. (j or i)
      elseif part == "j" then part = j
      else
        local n = i
        if cfg.cycle == 100 or cfg.pool > 0 then n = math.floor(i / cfg.spread) end
        if cfg.cycle == 100 then n = n % 100
        elseif cfg.cycle > 0 then n = (i * 7919) % cfg.cycle end  -- not in order
        part = string.format("%07d", n)
      end
    end
    out[#out + 1] = part
  end
end

local path_parts = compile(cfg.path)
local body_parts = cfg.body and compile(cfg.body)
local batch_parts = compile(cfg.batch_path)

local function filled(parts, i)
  local out = {}
  fill(out, parts, i)
  return table.concat(out)
end

local function one_request(i)
  return wrk.format(cfg.method, filled(path_parts, i), cfg.headers,
                    body_parts and filled(body_parts, i) or nil)
end

local function batch_request(i)
  local out = {'{"requests":['}
  for j = i * cfg.batch, (i + 1) * cfg.batch - 1 do
    out[#out + 1] = '{"method":"PUT","path":"'
    fill(out, batch_parts, i, j)
    out[#out + 1] = '","body":'
    fill(out, body_parts, i, j)
    out[#out + 1] = '},'
  end
  out[#out] = '}]}'
  return wrk.format("POST", cfg.path, cfg.headers, table.concat(out))
end

local static = nil

function init(args)
  if cfg.static then static = wrk.format(cfg.method, cfg.path, cfg.headers, cfg.body) end
end

function request()
  if static then return static end
  if cfg.walk then return wrk.format("GET", next_path or cfg.path, cfg.headers) end
  local i = counter
  counter = counter + 1
  if cfg.pool > 0 and i >= cfg.pool then
    wrk.thread:stop()
    i = cfg.pool - 1
  end
  if cfg.batch > 0 then return batch_request(i) end
  return one_request(i)
end

function response(status, headers, body)
  seen = seen + 1
  local ok = status == cfg.expect
  if ok and cfg.batch > 0 then
    local _, n = body:gsub('"status":%s*20[01]', "")
    ok = n == cfg.batch
  end
  if not ok then
    if cfg.pool > 0 and counter >= cfg.pool then
      stale = stale + 1  -- the pool ran dry: not an error of the server
    else
      bad = bad + 1
      if sample == "" then sample = status .. " " .. (body or ""):sub(1, 200) end
    end
  end
  if cfg.walk then
    next_path = nil
    for k, v in pairs(headers) do
      if k:lower() == "next-page" then next_path = v:gsub("^https?://[^/]+", "") end
    end
    if next_path == nil then walks = walks + 1 end
  end
end

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function done(summary, latency, requests)
  local b, st, s, w, smp = 0, 0, 0, 0, ""
  for _, t in ipairs(threads) do
    b = b + t:get("bad"); st = st + t:get("stale"); s = s + t:get("seen"); w = w + t:get("walks")
    if smp == "" then smp = t:get("sample") end
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"bad_status":%d,"stale":%d,"walks":%d,' ..
    '"socket_errors":%d,"timeouts":%d,"min_us":%.0f,"p10_us":%.0f,"p50_us":%.0f,"p90_us":%.0f,"p99_us":%.0f,"max_us":%.0f,' ..
    '"sample":%s}\n',
    summary.requests, summary.duration, summary.bytes, b, st, w,
    e.connect + e.read + e.write, e.timeout,
    latency.min, latency:percentile(10), latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max, quote(smp)))
end
