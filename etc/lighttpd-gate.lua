-- SPDX-License-Identifier: MIT
--
-- lighttpd runs this twice for every request below /api/ (see lighttpd.conf):
-- before the gate is asked, and again once it has let the request pass. What
-- the gate said then stands in the request's environment, where no client can
-- put anything.

local r = lighty.r

-- Whatever a backend could take for the identity or the token's header when it
-- makes "_" of every other sign, as lighttpd itself does for FastCGI and CGI.
-- Removed in both runs.
local posing = {
	X_USER_ID = true, USER_ID = true, VARIABLE_USER_ID = true,
	AUTHORIZATION_ = true,
}
local found = {}
for name in pairs(r.req_header) do
	if posing[(name:upper():gsub("[^A-Z0-9]", "_"))] then
		found[#found + 1] = name
	end
end
for _, name in ipairs(found) do
	r.req_header[name] = nil
end

if not r.req_env["GATE_ASKED"] then
	-- A browser's preflight never carries a token. Any other OPTIONS request
	-- is judged like every method.
	if r.req_attr["request.method"] == "OPTIONS"
	   and r.req_header["Access-Control-Request-Method"] then
		return 204
	end
	r.req_env["GATE_ASKED"] = "1"
	return 0
end

-- lighttpd takes an answer that decides nothing (empty, or cut off) for a yes.
local user = r.req_env["User-Id"]
if not user or user == "" then
	r.resp_header["Content-Type"] = "application/json"
	r.resp_header["Retry-After"] = "1"
	r.resp_body:set({
		'{"message":"Service unavailable","code":"SERVICE_UNAVAILABLE"}'
	})
	return 503
end

r.req_header["X-User-Id"] = user

-- The backend needs no token. Remove this line if it verifies the JWT itself.
r.req_header["Authorization"] = nil

return 0
