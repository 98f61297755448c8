// SPDX-License-Identifier: MIT
// Better Auth's own migration of an empty or older database, with the same
// JSON argument as server.mjs. Prints the statements it ran.
import { settings, options, load } from "./options.mjs";

const given = settings();
const { getMigrations } = await load(given);
const chosen = await options(given);
const migration = await getMigrations(chosen);
const text = await migration.compileMigrations();
await migration.runMigrations();
console.log(text);
await chosen.database.end();
