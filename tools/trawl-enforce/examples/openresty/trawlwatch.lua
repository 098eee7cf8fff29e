-- SPDX-License-Identifier: MIT
--
-- Whether Trawlwatch blocks an address: asks Redis, remembers for a moment, fails open.
-- Works in nginx with the Lua module; the text of addresses works anywhere.

local M = {}

local options = {
        host = "127.0.0.1", port = 6379, prefix = "{trawlwatch}",
        lengths4 = {}, lengths6 = { 64 },
        remember = 1,      -- seconds, for blocked and not blocked
        timeout = 50,      -- milliseconds that a visitor waits for Redis
        rest = 1,          -- seconds that Redis is left alone after a failure
        pool = 32, idle = 60000,
}

function M.setup(given)
        for name, value in pairs(given) do
                options[name] = value
        end
end

-- The first `length` bits of some bytes, the rest zero.
local function masked(bytes, length)
        local out = {}
        for i = 1, #bytes do
                local bits = math.max(0, math.min(8, length - (i - 1) * 8))
                local low = 2 ^ (8 - bits)
                local byte = string.byte(bytes, i)
                out[i] = string.char(byte - byte % low)
        end
        return table.concat(out)
end

-- Where the longest run of two or more zero groups begins and how long it is.
local function longest_zeros(groups)
        local first, longest, run = nil, 1, 0
        for i = 1, 8 do
                run = groups[i] == 0 and run + 1 or 0
                if run > longest then
                        first, longest = i - run + 1, run
                end
        end
        return first, longest
end

-- As RFC 5952 writes it, from 4 or 16 bytes.
function M.text(bytes)
        if #bytes == 4 then
                return table.concat({ string.byte(bytes, 1, 4) }, ".")
        end
        if string.sub(bytes, 1, 12) == string.rep("\0", 10) .. "\255\255" then
                return M.text(string.sub(bytes, 13))
        end
        local groups, left, right = {}, {}, {}
        for i = 1, 8 do
                local high, low = string.byte(bytes, 2 * i - 1, 2 * i)
                groups[i] = high * 256 + low
        end
        local first, count = longest_zeros(groups)
        for i = 1, 8 do
                if not first or i < first then
                        left[#left + 1] = string.format("%x", groups[i])
                elseif i >= first + count then
                        right[#right + 1] = string.format("%x", groups[i])
                end
        end
        if not first then
                return table.concat(left, ":")
        end
        return table.concat(left, ":") .. "::" .. table.concat(right, ":")
end

-- What may be blocked: the address, and the networks around it.
function M.keys(bytes)
        if #bytes == 16 and string.sub(bytes, 1, 12) == string.rep("\0", 10) .. "\255\255" then
                bytes = string.sub(bytes, 13)
        end
        local begin = options.prefix .. ":block:"
        local keys = { begin .. "ip:" .. M.text(bytes) }
        for _, length in ipairs(#bytes == 4 and options.lengths4 or options.lengths6) do
                keys[#keys + 1] = begin .. "prefix:" .. M.text(masked(bytes, length)) .. "/" .. length
        end
        return keys
end

local function connect()
        local redis = require("resty.redis"):new()
        local ok, why
        redis:set_timeouts(options.timeout, options.timeout, options.timeout)
        if options.socket then
                ok, why = redis:connect(options.socket, { pool_size = options.pool })
        else
                ok, why = redis:connect(options.host, options.port, { pool_size = options.pool })
        end
        if not ok then
                return nil, why
        end
        if options.password and redis:get_reused_times() == 0 then
                if options.user then
                        ok, why = redis:auth(options.user, options.password)
                else
                        ok, why = redis:auth(options.password)
                end
                if not ok then
                        redis:close()
                        return nil, why
                end
        end
        return redis
end

-- true, false, or nil and why nobody knows.
local function ask(keys)
        local redis, why = connect()
        if not redis then
                return nil, why
        end
        local values
        values, why = redis:mget(unpack(keys))
        if not values then
                redis:close()
                return nil, why
        end
        redis:set_keepalive(options.idle, options.pool)
        for _, value in ipairs(values) do
                if value ~= ngx.null then
                        return true
                end
        end
        return false
end

-- `bytes`: ngx.var.binary_remote_addr
function M.is_blocked(bytes)
        local cache = ngx.shared.trawlwatch
        local known = cache:get(bytes)
        if known ~= nil then
                return known
        end
        if cache:get("redis is away") then
                return false
        end
        local blocked, why = ask(M.keys(bytes))
        if blocked == nil then
                -- One line for each time that Redis is left alone.
                if cache:add("redis is away", true, options.rest) then
                        ngx.log(ngx.ERR, "trawlwatch: Redis: ", why, "; everybody is served")
                end
                return false
        end
        cache:set(bytes, blocked, options.remember)
        return blocked
end

return M
