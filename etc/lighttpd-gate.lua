-- SPDX-License-Identifier: MIT
--
-- lighttpd runs this twice for every request below /api/ (see lighttpd.conf):
-- before the gate is asked, and again once it has let the request pass. What
-- the gate said then stands in the request's environment, where no client can
-- put anything.

local r = lighty.r

-- Every spelling of the identity header that a backend which folds "_" and
-- "-" could take for it. Removed in both runs.
local names = {
	"X-User-Id", "X_User_Id", "X-User_Id", "X_User-Id",
	"User-Id", "User_Id",
	"Variable-User-Id", "Variable_User_Id",
	"Variable-User_Id", "Variable_User-Id",
	"Authorization_",
}
for _, name in ipairs(names) do
	r.req_header[name] = nil
end

if not r.req_env["GATE_ASKED"] then
	-- A browser's preflight never carries a token. Any other OPTIONS request
	-- is judged like every method. A frontend on another origin: add its
	-- Access-Control-Allow-* to r.resp_header here.
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
