/* SPDX-License-Identifier: MIT */
#include "role/authorizer.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/path.h"

#define CHALLENGE "Bearer realm=\"authbridge\""

static const struct {
	int status;
	const char *challenge, *message, *code;
} refusals[GATE_OUTCOMES] = {
	[GATE_FORBIDDEN] = { 403, CHALLENGE ", error=\"insufficient_scope\"", "Forbidden",
			     "FORBIDDEN" },
	[GATE_NOT_CANONICAL] = { 403, NULL, "The request path is not canonical",
				 "PATH_NOT_CANONICAL" },
	[GATE_NO_TOKEN] = { 401, CHALLENGE, "Unauthorized", "UNAUTHORIZED" },
	[GATE_INVALID_TOKEN] = { 401, CHALLENGE ", error=\"invalid_token\"", "Invalid token",
				 "INVALID_TOKEN" },
	[GATE_CANNOT_DECIDE] = { 503, NULL, "Service Unavailable", "SERVICE_UNAVAILABLE" },
	[GATE_ALLOWED] = { 500, NULL, "Internal Server Error", "INTERNAL_SERVER_ERROR" },
};

static void refuse(struct reply *reply, enum gate_outcome outcome)
{
	reply_restart(reply);
	reply_message(reply, refusals[outcome].status, refusals[outcome].message,
		      refusals[outcome].code);
	if (refusals[outcome].challenge != NULL)
		reply_header(reply, "WWW-Authenticate", span_of(refusals[outcome].challenge));
	if (refusals[outcome].status == 503)
		reply_header(reply, "Retry-After", SPAN("1"));
}

/* Apache passes any header of a 200 on to the client, so there is none but the
 * variables. A variable that cannot be sent must not be missing silently. */
static void allow(const struct service *service, const struct gate_answer *answer,
		  struct reply *reply)
{
	struct span name;
	struct span value;
	reply_status(reply, 200);
	for (size_t i = 0; i < service->plan->variable_count; i++) {
		if (!gate_variable(service, i, answer, &name, &value)) {
			refuse(reply, GATE_ALLOWED);
			return;
		}
		char header[80] = "Variable-";
		memcpy(header + 9, name.at, name.len);
		reply_header(reply, header, value);
	}
}

/* What the cache of verified tokens did is this thread's, so the difference to
 * the last time is this request's. */
static void count(struct app_counters *counters, struct gate_local *local, enum gate_reason reason)
{
	struct jws_stats now;
	metrics_count(&counters->verdicts[reason], 1);
	jws_scratch_read_stats(local->scratch, &now);
	if (now.saved != local->counted.saved)
		metrics_count(&counters->signatures_saved, now.saved - local->counted.saved);
	if (now.computed != local->counted.computed)
		metrics_count(&counters->signatures_computed,
			      now.computed - local->counted.computed);
	local->counted = now;
}

void authorizer_handle(struct app *app, struct gate_local *local, struct request *request,
		       struct reply *reply)
{
	struct gate_answer answer;
	const struct request_field *second = &request->redirect_uri;
	const struct gate_question question = {
		.authorization = request->authorization.value,
		.repeated = request->authorization.repeated,
		.method = request->method,
		.path = request->path,
		.second_path =
			span_is_absent(second->value) ? SPAN_ABSENT : path_of_target(second->value),
	};
	gate_judge(app->service, local, &question, clock_wall_ms(), request->whole_us / 1000,
		   &answer);
	count(&app->counters[local->number % APP_STRIPES], local, answer.reason);
	if (answer.outcome == GATE_ALLOWED) {
		allow(app->service, &answer, reply);
		return;
	}
	log_info("gate refused", LOG_SPAN("user", answer.subject),
		 LOG_SPAN("addr", app_client_address(app, request)),
		 LOG_TEXT("reason", gate_reason_word(answer.reason)));
	refuse(reply, answer.outcome);
}
