-- SPDX-License-Identifier: MIT
--
-- The key under which Trawlwatch publishes a session or an account:
--
--      lua.trawlwatch_cookie(session,sid)             of the cookie sid
--      lua.trawlwatch_header(account,authorization)   of a header, without its scheme word
--
-- The daemon's key is in the environment, in base64: TRAWLWATCH_KEY.

local secret = os.getenv("TRAWLWATCH_KEY")
if not secret then
        core.Alert("trawlwatch.lua: TRAWLWATCH_KEY is not set")
end

local function key(txn, kind, value)
        if not secret or not value or value == "" then
                return ""
        end
        local mac = txn.c:hmac(kind .. "\0" .. value, "sha256", secret)
        return string.lower(txn.c:hex(string.sub(mac, 1, 16)))
end

core.register_fetches("trawlwatch_cookie", function(txn, kind, name)
        return key(txn, kind, txn.f:req_cook(name))
end)

core.register_fetches("trawlwatch_header", function(txn, kind, name)
        local value = txn.f:req_hdr(name)
        return key(txn, kind, value and string.gsub(value, "^%a+ +", "", 1))
end)
