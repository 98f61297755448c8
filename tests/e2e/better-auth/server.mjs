// SPDX-License-Identifier: MIT
// The reference: a real Better Auth server on loopback. Its settings come as
// one JSON argument; "listening PORT" goes to stdout once it answers.
//
//   package      which copy of Better Auth (default better-auth)
//   database     {host, user, database} of PostgreSQL
//   baseURL, secret, secrets, trustedOrigins, rateLimit, ipAddress
//   deleteUser, changeEmail   switches, off by default
//   jwt          options of the jwt plugin
//   migrate      true: make the schema first
import http from "node:http";
import { settings, options, load } from "./options.mjs";

const given = settings();
const { betterAuth, toNodeHandler, getMigrations } = await load(given);
const chosen = await options(given);
const auth = betterAuth(chosen);
if (given.migrate) {
	await (await getMigrations(chosen)).runMigrations();
}
const server = http.createServer(toNodeHandler(auth));
server.keepAliveTimeout = 60000;
server.listen(given.port ?? 0, "127.0.0.1", () => {
	console.log("listening " + server.address().port);
});
process.on("SIGTERM", () => process.exit(0));
