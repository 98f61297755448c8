/* SPDX-License-Identifier: MIT */
#include "ctl/ask.h"

#include "base/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_ROOM 8192
#define INTERRUPT 3

static void close_fd(int *fd)
{
	if (*fd > STDERR_FILENO)
		close(*fd);
}

/* One line without its end; a byte at a time, so that nothing of what follows
 * is taken. */
static bool read_line(int fd, struct arena *mem, struct span *line_out)
{
	char *line = arena_alloc(mem, LINE_ROOM);
	size_t len = 0;
	while (len < LINE_ROOM && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	if (len == LINE_ROOM)
		return false;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	*line_out = span_make(line, len);
	return true;
}

/* Signals are off as well, so that none leaves the terminal without echo. */
static bool read_hidden(int tty, struct arena *mem, const char *prompt, struct span *line_out)
{
	struct termios before, hidden;
	if (tcgetattr(tty, &before) != 0)
		return false;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0)
		return false;
	dprintf(tty, "%s", prompt);
	bool read = read_line(tty, mem, line_out);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	return read && span_find(*line_out, INTERRUPT) == line_out->len;
}

static bool ask_twice(struct arena *mem, struct span *password_out, const char **why_out)
{
	CLEANUP(close_fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct span again;
	*why_out = "no password was typed";
	if (tty < 0 || !read_hidden(tty, mem, "New password: ", password_out) ||
	    !read_hidden(tty, mem, "Again: ", &again))
		return false;
	*why_out = "the two are not the same";
	return secret_equal(*password_out, again);
}

bool ask_password(struct arena *mem, const char *file, struct span *password_out,
		  const char **why_out)
{
	if (file == NULL && isatty(STDIN_FILENO))
		return ask_twice(mem, password_out, why_out);
	CLEANUP(close_fd) int fd = file == NULL ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	*why_out = file == NULL ? "no password on standard input" : "the file cannot be read";
	if (fd < 0 || !read_line(fd, mem, password_out))
		return false;
	*why_out = "the password is empty";
	return password_out->len > 0;
}
