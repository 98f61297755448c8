/* SPDX-License-Identifier: MIT */
#include "service/rotation.h"

#include "base/log.h"
#include "service/keys.h"
#include "service/service.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MIN_MS 100
#define LOOK_MAX_MS 30000

struct rotation {
	struct service *service;
	pthread_t thread;
	int stop_fd;
};

/* Often enough that a failure or two still leave time. */
static int look_ms(int64_t lead_ms)
{
	int64_t ms = lead_ms / 8;
	if (ms < LOOK_MIN_MS)
		return LOOK_MIN_MS;
	return ms < LOOK_MAX_MS ? (int)ms : LOOK_MAX_MS;
}

static bool is_stopped(const struct rotation *rotation, int wait_ms)
{
	struct pollfd stop = { .fd = rotation->stop_fd, .events = POLLIN };
	return poll(&stop, 1, wait_ms) > 0;
}

static void *run(void *state)
{
	struct rotation *rotation = state;
	struct service *service = rotation->service;
	CLEANUP(keyring_release) struct keyring *held = NULL;
	int64_t lead_ms = keys_lead_ms(service->config);
	bool failed = false;
	do {
		enum status made = keys_ensure_signer(service, &held, lead_ms);
		if (made != STATUS_OK && !failed)
			log_warn("next signing key not made", LOG_STATUS(made));
		failed = made != STATUS_OK;
	} while (!is_stopped(rotation, look_ms(lead_ms)));
	return NULL;
}

enum status rotation_start(struct service *service, struct rotation **out)
{
	if (service->config->jwt_key_max_age_s == 0 || service->config->jwt_alg == CONFIG_HS256)
		return STATUS_OK;
	struct rotation *rotation = calloc(1, sizeof(*rotation));
	if (rotation == NULL)
		abort();
	rotation->service = service;
	rotation->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (rotation->stop_fd < 0 || pthread_create(&rotation->thread, NULL, run, rotation) != 0) {
		if (rotation->stop_fd >= 0)
			close(rotation->stop_fd);
		free(rotation);
		return STATUS_UNAVAILABLE;
	}
	*out = rotation;
	return STATUS_OK;
}

void rotation_stop(struct rotation **rotation)
{
	if (*rotation == NULL)
		return;
	eventfd_write((*rotation)->stop_fd, 1);
	pthread_join((*rotation)->thread, NULL);
	close((*rotation)->stop_fd);
	free(*rotation);
	*rotation = NULL;
}
