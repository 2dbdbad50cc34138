import { gaveWayText, mostPayments } from "../store.ts";

/**
 * What the state store does inside Redis. All keys carry the service's hash tag and lie in one slot, also those that a script finds by
 * itself. Each is safe to be sent twice: a driver repeats what was not answered.
 */

/** Milliseconds since the epoch, by the engine's clock. */
const clock = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** Takes expired ones out of a kind's index. `index`: by when they were written; `index..':ends'`: by when they end. */
const prune = `
local function prune(index, now, most)
  local gone = redis.call('ZRANGEBYSCORE', index .. ':ends', '-inf', now, 'LIMIT', 0, most)
  if #gone == 0 then return 0 end
  redis.call('ZREM', index, unpack(gone))
  redis.call('ZREM', index .. ':ends', unpack(gone))
  return #gone
end`;

/**
 * Writes a record: `version writtenAt value`.
 * KEYS record, index. ARGV mode (put, absent, update), new version, expected version, value, ttl (0: for good), id ('': not listed).
 * Answers the record that stands there afterwards, or nothing where it was not to be written.
 */
export const writeRecord = `
${clock}
${prune}
local stands = redis.call('GET', KEYS[1])
local version = stands and string.match(stands, '^(%S+)')
if version == ARGV[2] then return stands end
if ARGV[1] == 'absent' and stands then return stands end
if ARGV[1] == 'update' and version ~= ARGV[3] then return false end
local text = ARGV[2] .. ' ' .. string.format('%.0f', now) .. ' ' .. ARGV[4]
local ttl = tonumber(ARGV[5])
if ttl > 0 then redis.call('SET', KEYS[1], text, 'PX', ttl) else redis.call('SET', KEYS[1], text) end
if ARGV[6] ~= '' then
  prune(KEYS[2], now, 20)
  redis.call('ZADD', KEYS[2], now, ARGV[6])
  if ttl > 0 then redis.call('ZADD', KEYS[2] .. ':ends', now + ttl, ARGV[6])
  else redis.call('ZREM', KEYS[2] .. ':ends', ARGV[6]) end
end
return text`;

/** Removes a record (ttl 0) or lets it live on. KEYS record, index. ARGV version ('': any), ttl, id ('': not listed). Answers 1 or 0. */
export const changeRecord = `
${clock}
local stands = redis.call('GET', KEYS[1])
if not stands then return 0 end
if ARGV[1] ~= '' and string.match(stands, '^(%S+)') ~= ARGV[1] then return 0 end
local ttl = tonumber(ARGV[2])
if ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) else redis.call('DEL', KEYS[1]) end
if ARGV[3] ~= '' then
  if ttl > 0 then redis.call('ZADD', KEYS[2] .. ':ends', now + ttl, ARGV[3])
  else redis.call('ZREM', KEYS[2], ARGV[3]); redis.call('ZREM', KEYS[2] .. ':ends', ARGV[3]) end
end
return 1`;

/**
 * Records newest first. KEYS index. ARGV the records' common beginning of a key, how many, the last page's last written-at and id ('': from the
 * newest), prefix of ids. Answers id, record, id, record, ...
 */
export const listRecords = `
${clock}
${prune}
while prune(KEYS[1], now, 1000) == 1000 do end
local found, gone, offset = {}, {}, 0
local most, from, last, prefix = tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
while #found < 2 * most do
  local part = redis.call('ZREVRANGEBYSCORE', KEYS[1], from == '' and '+inf' or from, '-inf', 'WITHSCORES', 'LIMIT', offset, 200)
  if #part == 0 then break end
  for i = 1, #part, 2 do
    local id = part[i]
    local passed = from ~= '' and tonumber(part[i + 1]) == tonumber(from) and id >= last
    if not passed and #found < 2 * most and string.sub(id, 1, #prefix) == prefix then
      local record = redis.call('GET', ARGV[1] .. id)
      if record then found[#found + 1] = id; found[#found + 1] = record else gone[#gone + 1] = id end
    end
  end
  offset = offset + 200
end
for i = 1, #gone do redis.call('ZREM', KEYS[1], gone[i]) end
return found`;

/** How many records there are of a kind. KEYS index. */
export const countRecords = `
${clock}
${prune}
while prune(KEYS[1], now, 1000) == 1000 do end
return redis.call('ZCARD', KEYS[1])`;

/**
 * A journal is a list of entries `count;first;last;like;text`. Which were written when, and how large they are, stands in an index of their own,
 * so that all together keep to a bound: the one that was not written for the longest time gives way. An order's payments are such a list, too,
 * named by the order: one entry per payment, written when its journal begins and refreshed once a day. How long a key lives is written once a
 * day, too: every write is one more for the append-only file.
 */
const journal = `
local function live(key, ttl)
  if redis.call('PTTL', key) < ttl - 86400000 then redis.call('PEXPIRE', key, ttl) end
end
local function parsed(entry)
  local count, first, last, like = string.match(entry, '^(%d+);(%d+);(%d+);([^;]*);')
  return tonumber(count), first, last, like
end
local function append(key, index, id, now, most, ttl, lines)
  local grown = 0
  if redis.call('EXISTS', key) == 0 then grown = -tonumber(redis.call('HGET', index .. ':sizes', id) or 0) end
  for i = 1, #lines, 3 do
    local at, like, text = lines[i], lines[i + 1], lines[i + 2]
    local stands = redis.call('LINDEX', key, -1)
    local count, first, _, alike
    if stands then count, first, _, alike = parsed(stands) end
    if alike == like then
      local entry = string.format('%d', count + 1) .. ';' .. first .. ';' .. at .. ';' .. like .. ';' .. text
      redis.call('LSET', key, -1, entry)
      grown = grown + #entry - #stands
    else
      local entry = '1;' .. at .. ';' .. at .. ';' .. like .. ';' .. text
      redis.call('RPUSH', key, entry)
      grown = grown + #entry
    end
  end
  local over = redis.call('LLEN', key) - most
  if over > 0 then
    local gone, from, to = 0, nil, nil
    for i = 0, over do
      local entry = redis.call('LPOP', key)
      local count, first, last = parsed(entry)
      gone, from, to, grown = gone + count, from or first, last, grown - #entry
    end
    local hole = string.format('%d', gone) .. ';' .. from .. ';' .. to .. ';;${gaveWayText}'
    redis.call('LPUSH', key, hole)
    grown = grown + #hole
  end
  live(key, ttl)
  redis.call('ZADD', index, now, id)
  redis.call('HINCRBY', index .. ':sizes', id, grown)
  return redis.call('INCRBY', index .. ':bytes', grown)
end
local function find(key, index, id, now, ttl, order, payment)
  local list = string.sub(key, 1, #key - #id) .. order
  if redis.call('EXISTS', key) == 0 or redis.call('EXISTS', list) == 0 then
    append(list, index, order, now, ${mostPayments}, ttl, { string.format('%.0f', now), id, payment })
  elseif tonumber(redis.call('ZSCORE', index, order) or 0) < now - 86400000 then
    live(list, ttl)
    redis.call('ZADD', index, now, order)
  end
end
local function journal(key, index, now, most, ttl, bound, lines, of)
  if #lines == 0 then return end
  local id = of.id
  find(key, index, id, now, ttl, of.order, of.payment)
  local all = append(key, index, id, now, most, ttl, lines)
  local oldest = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  while oldest[1] and oldest[1] ~= id and (all > bound or tonumber(oldest[2]) < now - ttl) do
    redis.call('DEL', string.sub(key, 1, #key - #id) .. oldest[1])
    local freed = tonumber(redis.call('HGET', index .. ':sizes', oldest[1]) or 0)
    redis.call('HDEL', index .. ':sizes', oldest[1])
    redis.call('ZREM', index, oldest[1])
    all = redis.call('INCRBY', index .. ':bytes', -freed)
    oldest = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
  end
  for _, key in ipairs({ index, index .. ':sizes', index .. ':bytes' }) do live(key, ttl + 86400000) end
end
local function after(from)
  local rest = {}
  for i = from, #ARGV do rest[#rest + 1] = ARGV[i] end
  return rest
end`;

/** KEYS journal, index. ARGV id, order, payment, most, ttl, bytes of all, then at, like, text of each line. */
export const appendJournal = `
${clock}
${journal}
local of = { id = ARGV[1], order = ARGV[2], payment = ARGV[3] }
journal(KEYS[1], KEYS[2], now, tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), after(7), of)`;

/**
 * Notes that looks were asked for. A note is a hash: \`v\` version, \`b\` by whom, \`a\` announced at, \`l\` last from, \`h:<reference>\` a hint with its
 * number, \`s\` the last number, \`k\` what is known. KEYS the notes, then a journal each, then the journals' index. ARGV one JSON text.
 */
export const askNotes = `
${clock}
${journal}
local asked = cjson.decode(ARGV[1])
for i, ask in ipairs(asked.asks) do
  local key = KEYS[i]
  if ask.version or ask.lastFrom then
    if ask.version then redis.call('HSET', key, 'v', ask.version, 'b', ask.by) end
    if ask.announcedAt then redis.call('HSET', key, 'a', ask.announcedAt) end
    if ask.lastFrom then redis.call('HSET', key, 'l', ask.lastFrom) end
    if ask.hint then
      redis.call('HSET', key, 'h:' .. ask.hint, redis.call('HINCRBY', key, 's', 1) .. ' ' .. ask.version)
      local hints, all = {}, redis.call('HGETALL', key)
      for j = 1, #all, 2 do
        if string.sub(all[j], 1, 2) == 'h:' then hints[#hints + 1] = { all[j], tonumber(string.match(all[j + 1], '^%d+')) } end
      end
      table.sort(hints, function(one, other) return one[2] > other[2] end)
      for j = asked.mostHints + 1, #hints do redis.call('HDEL', key, hints[j][1]) end
    end
    if redis.call('PTTL', key) < asked.ttl then redis.call('PEXPIRE', key, asked.ttl) end
  end
  journal(KEYS[#asked.asks + i], KEYS[#KEYS], now, asked.most, asked.journalTtl, asked.allBytes, ask.journal, ask)
end
return #asked.asks`;

/**
 * Which payments wait: a hash from payment to group, and for each group since when they wait and when their notes end, in sorted sets. Where a
 * note went by itself its payment waits no longer.
 */
const waits = `
local function forget(waits, id, group)
  redis.call('HDEL', waits, id)
  redis.call('ZREM', waits .. ':since:' .. group, id)
  redis.call('ZREM', waits .. ':ends:' .. group, id)
  if redis.call('EXISTS', waits .. ':ends:' .. group) == 0 then redis.call('SREM', waits .. ':groups', group) end
end
local function wait(waits, id, group, since, ends)
  local before = redis.call('HGET', waits, id)
  if before and before ~= group then forget(waits, id, before) end
  if group == '' then return end
  redis.call('HSET', waits, id, group)
  redis.call('SADD', waits .. ':groups', group)
  redis.call('ZADD', waits .. ':since:' .. group, 'LT', since, id)
  redis.call('ZADD', waits .. ':ends:' .. group, ends, id)
end`;

/** Payments that wait, by group. KEYS waits. Answers group, count, since, ends, group, ... */
export const listWaits = `
${clock}
${waits}
local found = {}
for _, group in ipairs(redis.call('SMEMBERS', KEYS[1] .. ':groups')) do
  local ends = KEYS[1] .. ':ends:' .. group
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do forget(KEYS[1], id, group) end
  local first = redis.call('ZRANGE', ends, 0, 0, 'WITHSCORES')
  local oldest = redis.call('ZRANGE', KEYS[1] .. ':since:' .. group, 0, 0, 'WITHSCORES')
  if first[2] and oldest[2] then
    for _, part in ipairs({ group, tostring(redis.call('ZCARD', ends)), oldest[2], first[2] }) do found[#found + 1] = part end
  end
end
return found`;

/**
 * Ends a look, where its job's lock is still its own. KEYS note, lock, journal, the journals' index, waits. ARGV token, one JSON text. Answers 1,
 * or 0 where nothing was changed.
 */
export const settleNote = `
${clock}
${journal}
${waits}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local look = cjson.decode(ARGV[2])
if look.known then redis.call('HSET', KEYS[1], 'k', look.known) else redis.call('HDEL', KEYS[1], 'k') end
for i = 1, #look.hints, 2 do
  local stands = redis.call('HGET', KEYS[1], 'h:' .. look.hints[i])
  if stands and string.match(stands, ' (.*)$') == look.hints[i + 1] then redis.call('HDEL', KEYS[1], 'h:' .. look.hints[i]) end
end
if look.announced and redis.call('HGET', KEYS[1], 'v') == look.announced then redis.call('HDEL', KEYS[1], 'v', 'b', 'a') end
if look.last and redis.call('HGET', KEYS[1], 'l') == look.last then redis.call('HDEL', KEYS[1], 'l') end
local left = redis.call('HLEN', KEYS[1])
if left == 0 or (left == 1 and redis.call('HEXISTS', KEYS[1], 's') == 1) then redis.call('DEL', KEYS[1])
else redis.call('PEXPIRE', KEYS[1], look.ttl) end
if look.group then wait(KEYS[5], look.id, look.group, look.since, string.format('%.0f', now + look.ttl)) end
journal(KEYS[3], KEYS[4], now, look.most, look.journalTtl, look.allBytes, look.journal, look)
return 1`;
