// SPDX-License-Identifier: MIT
// What server.mjs and migrate.mjs share: JSON settings to Better Auth options.
import pg from "pg";

export function settings() {
	return JSON.parse(process.argv[2]);
}

export async function load(given) {
	const name = given.package ?? "better-auth";
	const [{ betterAuth }, { toNodeHandler }, { getMigrations }] =
		await Promise.all([
			import(name),
			import(name + "/node"),
			import(name + "/db/migration"),
		]);
	return { betterAuth, toNodeHandler, getMigrations };
}

export async function options(given) {
	const name = given.package ?? "better-auth";
	const { jwt, bearer } = await import(name + "/plugins");
	return {
		appName: "reference",
		baseURL: given.baseURL,
		secret: given.secret,
		...(given.secrets && { secrets: given.secrets }),
		database: new pg.Pool({ max: 4, ...given.database }),
		emailAndPassword: { enabled: true },
		user: {
			deleteUser: { enabled: given.deleteUser ?? false },
			changeEmail: { enabled: given.changeEmail ?? false },
			...(given.additionalFields && {
				additionalFields: given.additionalFields,
			}),
		},
		trustedOrigins: given.trustedOrigins ?? [],
		...(given.rateLimit && { rateLimit: given.rateLimit }),
		...(given.ipAddress && { advanced: { ipAddress: given.ipAddress } }),
		plugins: [jwt(given.jwt ?? {}), bearer()],
		telemetry: { enabled: false },
		logger: { level: given.logLevel ?? "error" },
	};
}
