-- SPDX-License-Identifier: MIT
--
-- Lets one other origin, and no third, use the API with its cookies: for a
-- frontend that lives on another host than the API (see lighttpd.conf).

local frontend = "https://app.example.com"

local r = lighty.r
local is_preflight = r.req_attr["request.method"] == "OPTIONS"
                     and r.req_header["Access-Control-Request-Method"]

r.resp_header["Vary"] = "Origin"
if r.req_header["Origin"] == frontend then
	r.resp_header["Access-Control-Allow-Origin"] = frontend
	r.resp_header["Access-Control-Allow-Credentials"] = "true"
	if is_preflight then
		r.resp_header["Access-Control-Allow-Methods"] =
			"GET, POST, PUT, PATCH, DELETE"
		r.resp_header["Access-Control-Allow-Headers"] =
			"Authorization, Content-Type"
	end
end

return is_preflight and 204 or 0
