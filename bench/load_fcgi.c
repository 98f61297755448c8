/* SPDX-License-Identifier: MIT */
/*
 * load_fcgi: how many requests a second a FastCGI server answers, and how
 * soon. One thread, N connections at once, each request in one write, the
 * clock running from connect (or write, when kept) to END_REQUEST.
 *
 *     load_fcgi [-c CONNECTIONS] [-n REQUESTS] [-r responder] [-k] [-s STATUS]
 *               [-p NAME=VALUE]... [-f FILE] ADDRESS
 *
 * FILE holds whole requests, each after its length in four bytes (the highest
 * first), sent in turn instead of the one made of -p.
 *
 * Prints TSV: requests per second, microseconds at the 50th, 90th, 99th and
 * 99.9th percentile and the longest, and how many answers were not STATUS
 * (default 200).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, REQUEST_MAX = 65536, ANSWER_MAX = 65536 };

struct peer {
	int fd;
	int64_t since_ns;
	size_t got;
	char answer[ANSWER_MAX];
};

struct load {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_un local;
	} address;
	socklen_t address_len;
	int epoll;
	bool keep, responder;
	const char *status;
	size_t connections, requests, begun, done, wrong;
	uint32_t *times_ns;
	char request[REQUEST_MAX];
	size_t request_len;
	struct text {
		const char *at;
		size_t len;
	} * texts; /* what is sent, in turn */
	size_t text_count;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void add_bytes(struct load *load, const void *at, size_t len)
{
	if (len > REQUEST_MAX - load->request_len)
		die("the request is too long");
	memcpy(load->request + load->request_len, at, len);
	load->request_len += len;
}

static void add_header(struct load *load, unsigned char type, size_t len)
{
	unsigned char header[HEADER] = {
		1, type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len,
	};
	add_bytes(load, header, sizeof(header));
}

static void add_length(struct load *load, size_t len)
{
	unsigned char four[] = { (unsigned char)(len >> 24 | 0x80), (unsigned char)(len >> 16),
				 (unsigned char)(len >> 8), (unsigned char)len };
	if (len < 128)
		add_bytes(load, four + 3, 1);
	else
		add_bytes(load, four, sizeof(four));
}

static void add_param(struct load *load, const char *pair)
{
	const char *equals = strchr(pair, '=');
	if (equals == NULL)
		die("-p NAME=VALUE");
	size_t name_len = (size_t)(equals - pair);
	add_length(load, name_len);
	add_length(load, strlen(equals + 1));
	add_bytes(load, pair, name_len);
	add_bytes(load, equals + 1, strlen(equals + 1));
}

/* A parameter of the command line replaces ours: two of one name are refused. */
static bool is_given(const char *pair, char **params, size_t count)
{
	size_t len = strcspn(pair, "=") + 1;
	for (size_t i = 0; i < count; i++)
		if (strncmp(pair, params[i], len) == 0)
			return true;
	return false;
}

static void make_request(struct load *load, char **params, size_t count)
{
	static const char *const always[] = {
		"REQUEST_METHOD=GET",        "REQUEST_URI=/api/alice/tasks?page=2",
		"QUERY_STRING=page=2",       "SERVER_PROTOCOL=HTTP/1.1",
		"SERVER_NAME=localhost",     "SERVER_PORT=443",
		"REMOTE_ADDR=192.0.2.7",     "REMOTE_PORT=40000",
		"HTTP_HOST=localhost",       "HTTP_ACCEPT=application/json",
		"HTTP_USER_AGENT=load_fcgi",
	};
	unsigned char begin[HEADER] = { 0, load->responder ? 1 : 2, load->keep };
	add_header(load, 1, sizeof(begin));
	add_bytes(load, begin, sizeof(begin));
	size_t at = load->request_len;
	add_header(load, 4, 0);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!is_given(always[i], params, count))
			add_param(load, always[i]);
	for (size_t i = 0; i < count; i++)
		add_param(load, params[i]);
	size_t len = load->request_len - at - HEADER;
	load->request[at + 4] = (char)(len >> 8);
	load->request[at + 5] = (char)len;
	add_header(load, 4, 0);
	add_header(load, 5, 0);
}

static void *read_whole(const char *path, size_t *len_out)
{
	FILE *file = fopen(path, "rb");
	long len = -1;
	if (file != NULL && fseek(file, 0, SEEK_END) == 0)
		len = ftell(file);
	char *bytes = len > 0 ? malloc((size_t)len) : NULL;
	if (bytes == NULL || fseek(file, 0, SEEK_SET) != 0 ||
	    fread(bytes, 1, (size_t)len, file) != (size_t)len)
		die(path);
	fclose(file);
	*len_out = (size_t)len;
	return bytes;
}

static void add_text(struct load *load, const char *at, size_t len)
{
	load->texts = realloc(load->texts, (load->text_count + 1) * sizeof(*load->texts));
	if (load->texts == NULL)
		die("realloc");
	load->texts[load->text_count++] = (struct text){ at, len };
}

/* The bytes stay for the life of the process. */
static void read_requests(struct load *load, const char *path)
{
	size_t len;
	const unsigned char *bytes = read_whole(path, &len);
	for (size_t at = 0; at + 4 <= len;) {
		size_t one = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
			     (size_t)bytes[at + 2] << 8 | bytes[at + 3];
		at += 4;
		if (one > len - at)
			die("the file is cut off");
		add_text(load, (const char *)bytes + at, one);
		at += one;
	}
}

static void parse_address(struct load *load, const char *text)
{
	const char *colon = strrchr(text, ':');
	if (strncmp(text, "unix:", 5) == 0) {
		load->address.local.sun_family = AF_UNIX;
		snprintf(load->address.local.sun_path, sizeof(load->address.local.sun_path), "%s",
			 text + 5);
		load->address_len = sizeof(load->address.local);
		return;
	}
	char host[64] = "";
	if (colon != NULL && (size_t)(colon - text) < sizeof(host))
		memcpy(host, text, (size_t)(colon - text));
	load->address.four.sin_family = AF_INET;
	if (colon == NULL || inet_pton(AF_INET, host, &load->address.four.sin_addr) != 1)
		die("ADDRESS");
	load->address.four.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	load->address_len = sizeof(load->address.four);
}

static void peer_connect(struct load *load, struct peer *peer)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };
	peer->fd = socket(load->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0 || connect(peer->fd, &load->address.any, load->address_len) != 0)
		die("connect");
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
		die("epoll_ctl");
}

static void peer_begin(struct load *load, struct peer *peer)
{
	if (load->begun == load->requests) {
		if (peer->fd >= 0)
			close(peer->fd);
		peer->fd = -1;
		return;
	}
	const struct text *text = &load->texts[load->begun++ % load->text_count];
	peer->got = 0;
	peer->since_ns = now_ns();
	if (peer->fd < 0)
		peer_connect(load, peer);
	if (write(peer->fd, text->at, text->len) != (ssize_t)text->len)
		die("write");
}

/* The length of the answer up to END_REQUEST, 0 when it is not whole. */
static size_t answer_end(const struct peer *peer)
{
	for (size_t at = 0; at + HEADER <= peer->got;) {
		const unsigned char *h = (const unsigned char *)peer->answer + at;
		at += HEADER + ((size_t)h[4] << 8 | h[5]) + h[6];
		if (h[1] == 3)
			return at <= peer->got ? at : 0;
	}
	return 0;
}

static void peer_done(struct load *load, struct peer *peer, bool right)
{
	load->times_ns[load->done++] = (uint32_t)(now_ns() - peer->since_ns);
	load->wrong += !right;
	if (!load->keep || !right) {
		close(peer->fd);
		peer->fd = -1;
	}
	peer_begin(load, peer);
}

static void peer_read(struct load *load, struct peer *peer)
{
	char expect[32];
	ssize_t got =
		recv(peer->fd, peer->answer + peer->got, ANSWER_MAX - peer->got, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0)
		peer->got += (size_t)got;
	if (got > 0 && answer_end(peer) == 0)
		return;
	snprintf(expect, sizeof(expect), "Status: %s", load->status);
	peer_done(load, peer,
		  got > 0 && peer->got > HEADER + strlen(expect) &&
			  memcmp(peer->answer + HEADER, expect, strlen(expect)) == 0);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static double percentile_us(const struct load *load, double share)
{
	size_t at = (size_t)(share * (double)load->done);
	return load->times_ns[at < load->done ? at : load->done - 1] / 1000.0;
}

static void run(struct load *load)
{
	struct peer *peers = calloc(load->connections, sizeof(*peers));
	struct epoll_event events[64];
	int64_t since = now_ns();
	if (peers == NULL)
		die("calloc");
	for (size_t i = 0; i < load->connections; i++) {
		peers[i].fd = -1;
		peer_begin(load, &peers[i]);
	}
	while (load->done < load->requests) {
		int ready = epoll_wait(load->epoll, events, 64, 30000);
		if (ready <= 0)
			die("no answer");
		for (int i = 0; i < ready; i++)
			peer_read(load, events[i].data.ptr);
	}
	double seconds = (double)(now_ns() - since) / 1e9;
	qsort(load->times_ns, load->done, sizeof(*load->times_ns), compare);
	printf("%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%zu\n", (double)load->done / seconds,
	       percentile_us(load, 0.5), percentile_us(load, 0.9), percentile_us(load, 0.99),
	       percentile_us(load, 0.999), percentile_us(load, 1), load->wrong);
	free(peers);
}

int main(int argc, char **argv)
{
	static struct load load = { .connections = 8, .requests = 50000, .status = "200" };
	char *params[64];
	size_t count = 0;
	const char *file = NULL;
	for (int option; (option = getopt(argc, argv, "c:f:n:r:s:p:k")) >= 0;) {
		switch (option) {
		case 'c':
			load.connections = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			file = optarg;
			break;
		case 'n':
			load.requests = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			load.responder = strcmp(optarg, "responder") == 0;
			break;
		case 's':
			load.status = optarg;
			break;
		case 'p':
			if (count < sizeof(params) / sizeof(params[0]))
				params[count++] = optarg;
			break;
		case 'k':
			load.keep = true;
			break;
		default:
			return 64;
		}
	}
	if (optind + 1 != argc || load.connections == 0 || load.requests == 0)
		return 64;
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.times_ns = calloc(load.requests, sizeof(*load.times_ns));
	if (load.epoll < 0 || load.times_ns == NULL)
		die("start");
	parse_address(&load, argv[optind]);
	make_request(&load, params, count);
	if (file != NULL)
		read_requests(&load, file);
	else
		add_text(&load, load.request, load.request_len);
	run(&load);
	free(load.texts);
	free(load.times_ns);
	close(load.epoll);
	return load.wrong > 0;
}
