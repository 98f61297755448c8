/* SPDX-License-Identifier: MIT */
/*
 * service: use cases. Coordinates model (rules), crypto (proofs) and store
 * (facts); knows neither HTTP nor FastCGI nor SQL.
 *
 * struct service: the long-lived things of one worker process. Immutable after
 * service_open but for what guards itself (store, feed, lanes, key holder), so
 * every thread may use it.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/config.h"
#include "base/rng.h"
#include "base/span.h"
#include "base/status.h"
#include "crypto/password.h"
#include "model/policy.h"
#include "model/session.h"
#include "model/throttle.h"
#include "store/feed.h"
#include "store/store.h"

#include <stdatomic.h>

struct audit;
struct hash_lane;
struct limiter;
struct key_holder;
struct issuer_fetch;
struct rotation;

/* An `issuer` entry, read by service_read_issuer. */
struct foreign_issuer {
	struct span name, url, jwks, audience, subject_claim;
	unsigned algs; /* bits 1 << enum jws_alg */
	bool local;    /* its subjects are local users */
};

/* What crosses the fork: made once by the parent, in shared memory. */
struct service_shared {
	struct hash_lane *hashes;
	struct limiter *limiter;
	size_t worker; /* our index in them */
};

/* A variable of the gate's 200: name and the claim it carries. */
enum service_claim { CLAIM_SUBJECT, CLAIM_EMAIL, CLAIM_SESSION, CLAIM_ISSUER };
struct service_variable {
	struct span name;
	enum service_claim claim;
};

/* Everything the configuration says that only this layer can read, judged
 * before anything is opened: also what --check runs. */
struct service_plan {
	struct arena *mem; /* holds all below */
	struct policy *policy;
	struct service_variable *variables;
	size_t variable_count;
	struct foreign_issuer *issuers;
	size_t issuer_count;
	struct network *proxies, *unlimited, *peers;
	size_t proxy_count, unlimited_count, peer_count;
	struct span *blocklist; /* sorted bytewise */
	size_t blocklist_count;
	struct span *secrets; /* borrowed from the configuration */
	unsigned *secret_versions;
	size_t secret_count;
};

struct service {
	const struct config *config;
	const struct rng *rng;
	struct service_plan *plan;
	struct service_shared shared;
	struct store *store;
	struct feed *feed;
	struct key_holder *keys;
	struct issuer_fetch *issuer_fetch; /* NULL without `issuer` entries */
	struct rotation *rotation;         /* NULL without jwt_key_max_age */
	struct audit *audit;               /* NULL with `audit = off` */
	struct session_rules session_rules;
	struct password_params password_params;
	struct span decoy;           /* verified against for a user who is not there */
	struct arena *mem;           /* of the process */
	_Atomic int64_t tidy_due_ms; /* monotonic */
};

/* Every mistake goes to `mistakes` (config_mistake); STATUS_INVALID then. */
MUST_CHECK enum status service_plan_make(const struct config *config, struct buf *mistakes,
					 struct service_plan **plan_out);
void service_plan_free(struct service_plan **plan);

/* Of new hashes. */
struct password_params service_password_params(const struct config *config);

/* On the list of refused passwords, byte for byte. */
bool service_is_blocked(const struct service_plan *plan, struct span password);

/* Opens the store (lazily), starts the feed, loads keys when it can. The
 * database may be away: STATUS_OK, and requests get 503 until it is back.
 * STATUS_INVALID: the schema is not ours; the reason is logged. */
MUST_CHECK enum status service_open(const struct config *config, struct service_plan *plan,
				    const struct service_shared *shared, const struct rng *rng,
				    struct service **out);
void service_close(struct service **service);

/* Once a minute, by whichever thread comes first: store_tidy. For threads that
 * may wait for the database. */
void service_tidy_when_due(struct service *service);

/* A new random id of 32 characters. */
struct span service_new_id(const struct service *service, struct arena *mem);

#endif
