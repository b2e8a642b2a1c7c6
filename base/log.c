#include "log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "printable.h"

#define LINE_MAX_LEN 2048

static struct {
	const char *tag;
	bool to_syslog;
	enum log_level most;
} sink = {"dirca", false, LOG_LEVEL_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const int level_priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

void
log_open(const char *tag, bool to_syslog, enum log_level most)
{
	sink.tag = tag;
	sink.to_syslog = to_syslog;
	sink.most = most;
	if (to_syslog)
		openlog("dircad", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

struct line {
	char text[LINE_MAX_LEN];
	size_t len;
};

static void
put(struct line *line, const char *s)
{
	size_t room = sizeof line->text - 2 - line->len, n = strlen(s);

	if (n > room)
		n = room;
	memcpy(line->text + line->len, s, n);
	line->len += n;
}

static void
put_value(struct line *line, const char *s)
{
	struct view rest = view_str(s);
	char shown[PRINTABLE_MAX];

	put(line, "\"");
	/* The closing quote always finds room: a value that is too long is cut, not left open. */
	while (rest.len > 0 && line->len + sizeof shown < sizeof line->text - 2) {
		size_t n = printable_next(rest, shown);

		if (rest.ptr[0] == '"' || rest.ptr[0] == '\\')
			put(line, "\\");
		put(line, shown);
		rest = view_of(rest.ptr + n, rest.len - n);
	}
	put(line, "\"");
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
	struct line line = {.len = 0};
	char when[21], number[24];

	if (level > sink.most)
		return;
	if (!sink.to_syslog) {
		clock_format(clock_now(), when);
		put(&line, when);
		put(&line, " ");
	}
	put(&line, sink.tag);
	put(&line, " level=");
	put(&line, level_names[level]);
	put(&line, " event=");
	put_value(&line, event);
	for (int i = 0; i < count; i++) {
		put(&line, " ");
		put(&line, fields[i].key);
		put(&line, "=");
		if (fields[i].str != NULL) {
			put_value(&line, fields[i].str);
		} else {
			snprintf(number, sizeof number, "%lld", (long long)fields[i].num);
			put(&line, number);
		}
	}
	if (sink.to_syslog) {
		syslog(level_priorities[level], "%.*s", (int)line.len, line.text);
		return;
	}
	line.text[line.len++] = '\n';
	/* One write: lines of several threads and processes do not mix. */
	if (write(STDERR_FILENO, line.text, line.len) < 0)
		return;
}
