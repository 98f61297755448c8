/* SPDX-License-Identifier: MIT */
#include "server/listener.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, FIRST_PASSED_FD = 3 };

static enum status fail(struct buf *why, enum status status, const char *address, const char *text)
{
	buf_format(why, "%s: %s", address, text);
	return status;
}

static enum status fail_errno(struct buf *why, const char *address, const char *what)
{
	buf_format(why, "%s: cannot %s: %s", address, what, log_errno_word(errno));
	return STATUS_UNAVAILABLE;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Takes the descriptor. */
static enum status add(struct listeners *all, int *fd, bool local, const char *path)
{
	struct listener *listener = &all->at[all->count++];
	*listener = (struct listener){ .fd = *fd, .local = local, .opener = getpid() };
	*fd = -1;
	if (path != NULL && (listener->unlink_path = strdup(path)) == NULL)
		abort();
	return STATUS_OK;
}

static enum status name_of(struct sockaddr_un *name, const char *path)
{
	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	size_t len = strlen(path);
	if (len >= sizeof(name->sun_path))
		return STATUS_TOO_LARGE;
	memcpy(name->sun_path, path, len + 1);
	return STATUS_OK;
}

/* Whether anybody accepts at `name`. An error that is not a clear no is a yes. */
static bool is_answered(const struct sockaddr_un *name)
{
	CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 || connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 ||
	       (errno != ECONNREFUSED && errno != ENOENT);
}

/* Makes room at `path`, where only a socket that nobody answers on may go. */
static enum status clear_path(const struct sockaddr_un *name, const char *address, struct buf *why)
{
	struct stat there;
	if (lstat(name->sun_path, &there) != 0)
		return errno == ENOENT ? STATUS_OK : fail_errno(why, address, "look at it");
	if (!S_ISSOCK(there.st_mode))
		return fail(why, STATUS_UNAVAILABLE, address,
			    "there is a file that is not a socket; remove it or choose "
			    "another path");
	if (is_answered(name))
		return fail(why, STATUS_UNAVAILABLE, address,
			    "another process answers there; stop it or choose another path");
	if (unlink(name->sun_path) != 0 && errno != ENOENT)
		return fail_errno(why, address, "remove the stale socket");
	return STATUS_OK;
}

/* Never over a file that has appeared meanwhile, where the file system can. */
static int rename_new(const char *from, const char *to)
{
	int failed = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
	return failed != 0 && errno == EINVAL ? rename(from, to) : failed;
}

/* Bound and given its mode under another name, and listening before it gets
 * its own: so it is never there with a wrong mode, nor without an answer. */
static enum status publish(int fd, const struct sockaddr_un *name, const char *address,
			   unsigned mode, struct buf *why)
{
	struct sockaddr_un hidden;
	char path[sizeof(name->sun_path) + 32];
	snprintf(path, sizeof(path), "%s.%ld", name->sun_path, (long)getpid());
	if (name_of(&hidden, path) != STATUS_OK)
		return fail(why, STATUS_INVALID, address, "the path is too long for a socket");
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&hidden, sizeof(hidden)) != 0)
		return fail_errno(why, address, "make the socket");
	if (chmod(path, mode) == 0 && listen(fd, BACKLOG) == 0 &&
	    rename_new(path, name->sun_path) == 0)
		return STATUS_OK;
	enum status status = fail_errno(why, address, "make the socket");
	unlink(path);
	return status;
}

static enum status open_unix(struct listeners *all, const char *address, unsigned mode,
			     struct buf *why)
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un name;
	if (path[0] != '/')
		return fail(why, STATUS_INVALID, address, "the path must be absolute");
	if (name_of(&name, path) != STATUS_OK)
		return fail(why, STATUS_INVALID, address, "the path is too long for a socket");
	TRY(clear_path(&name, address, why));
	CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno(why, address, "make the socket");
	TRY(publish(fd, &name, address, mode, why));
	return add(all, &fd, true, path);
}

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

/* `host` is numeric: a name could lead anywhere. */
static bool parse_host(struct span host, union address *out)
{
	char text[INET6_ADDRSTRLEN + 1];
	bool six = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
	if (six)
		host = span_make(host.at + 1, host.len - 2);
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	*out = (union address){ 0 };
	if (six) {
		out->six.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, text, &out->six.sin6_addr) == 1;
	}
	out->four.sin_family = AF_INET;
	return inet_pton(AF_INET, text, &out->four.sin_addr) == 1;
}

static bool parse_address(const char *address, union address *out)
{
	struct span text = span_of(address);
	size_t colon = span_find_last(text, ':');
	unsigned long long port;
	if (colon == text.len || !parse_host(span_first(text, colon), out) ||
	    !span_to_uint(span_from(text, colon + 1), &port) || port == 0 || port > 65535)
		return false;
	if (out->any.sa_family == AF_INET6)
		out->six.sin6_port = htons((uint16_t)port);
	else
		out->four.sin_port = htons((uint16_t)port);
	return true;
}

bool listener_is_loopback(const struct sockaddr *address)
{
	union {
		const struct sockaddr *any;
		const struct sockaddr_in *four;
		const struct sockaddr_in6 *six;
	} at = { address };
	if (address->sa_family == AF_INET)
		return ntohl(at.four->sin_addr.s_addr) >> 24 == 127;
	if (address->sa_family != AF_INET6)
		return false;
	const struct in6_addr *six = &at.six->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}

static enum status open_tcp(struct listeners *all, const char *address, bool peers_given,
			    struct buf *why)
{
	union address at;
	int on = 1;
	if (!parse_address(address, &at))
		return fail(why, STATUS_INVALID, address,
			    "not an address: write unix:/path, 127.0.0.1:9010 or [::1]:9010");
	if (!listener_is_loopback(&at.any) && !peers_given)
		return fail(why, STATUS_INVALID, address,
			    "not a loopback address: name who may connect in listen_peers");
	bool six = at.any.sa_family == AF_INET6;
	CLEANUP(close_fd)
	int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
	    bind(fd, &at.any, six ? sizeof(at.six) : sizeof(at.four)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fail_errno(why, address, "listen");
	return add(all, &fd, false, NULL);
}

enum status listener_open(struct listeners *all, const char *address, unsigned mode,
			  bool peers_given, struct buf *why)
{
	if (all->count == LISTENERS_MAX)
		return fail(why, STATUS_INVALID, address, "too many addresses");
	if (strncmp(address, "unix:", strlen("unix:")) == 0)
		return open_unix(all, address, mode, why);
	return open_tcp(all, address, peers_given, why);
}

static int option_of(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

/* A listening stream socket of a family we serve. */
static bool is_listener(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);
	return option_of(fd, SO_ACCEPTCONN) == 1 && option_of(fd, SO_TYPE) == SOCK_STREAM &&
	       (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6);
}

static enum status inherit(struct listeners *all, int fd)
{
	all->inherited = true;
	return add(all, &fd, option_of(fd, SO_DOMAIN) == AF_UNIX, NULL);
}

static bool number_in_environment(const char *name, unsigned long long *value_out)
{
	return span_to_uint(span_of(getenv(name)), value_out);
}

static enum status inherit_systemd(struct listeners *all, struct buf *why)
{
	unsigned long long pid, count;
	bool given = number_in_environment("LISTEN_PID", &pid) &&
		     number_in_environment("LISTEN_FDS", &count) &&
		     pid == (unsigned long long)getpid() && count > 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!given)
		return STATUS_NOT_FOUND;
	if (count > LISTENERS_MAX)
		return fail(why, STATUS_UNAVAILABLE, "LISTEN_FDS", "too many sockets");
	for (int fd = FIRST_PASSED_FD; fd < FIRST_PASSED_FD + (int)count; fd++) {
		if (!is_listener(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			return fail(why, STATUS_UNAVAILABLE, "LISTEN_FDS",
				    "a descriptor is not a listening stream socket");
		TRY(inherit(all, fd));
	}
	return STATUS_OK;
}

/* Away from 0, where a library could take it for standard input. */
static enum status inherit_stdin(struct listeners *all, struct buf *why)
{
	if (!is_listener(STDIN_FILENO))
		return STATUS_NOT_FOUND;
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST_PASSED_FD);
	CLEANUP(close_fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0) {
		close_fd(&fd);
		return fail_errno(why, "descriptor 0", "take the socket");
	}
	return inherit(all, fd);
}

enum status listener_inherit(struct listeners *all, struct buf *why)
{
	enum status status = inherit_systemd(all, why);
	return status == STATUS_NOT_FOUND ? inherit_stdin(all, why) : status;
}

void listener_close(struct listeners *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct listener *listener = &all->at[i];
		close(listener->fd);
		if (listener->unlink_path != NULL && listener->opener == getpid())
			unlink(listener->unlink_path);
		free(listener->unlink_path);
	}
	*all = (struct listeners){ 0 };
}
