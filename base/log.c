#include "log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "printable.h"

#define LINE_MAX_LEN 2048

/* Lines of one event that are written at once, and how often another one is afterwards. */
#define BURST      60
#define REFILL_MS  500
#define EVENTS_MAX 256

static struct {
	const char *tag;
	bool to_syslog;
	enum log_level most;
} sink = {"dirca", false, LOG_LEVEL_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const int level_priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

/* What is known of one event: a bucket of lines that may be written, and how many were left out. */
struct event {
	const char *name; /* NULL: free */
	enum log_level level;
	int room;
	int64_t filled_ms; /* when room was last added to */
	uint64_t left_out;
};

static struct event events[EVENTS_MAX];
static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;

static void
log_library(const char *said, const char *told)
{
	log_debug("openssl", LOG_STR("said", said), LOG_STR("told", told));
}

void
log_open(const char *tag, bool to_syslog, enum log_level most)
{
	err_listen(most >= LOG_LEVEL_DEBUG ? log_library : NULL);
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

/* Of most values everything is ASCII that is shown as it is. */
static size_t
plain_run(struct view text, size_t most)
{
	size_t n = 0;

	while (n < text.len && n < most && text.ptr[n] >= 0x20 && text.ptr[n] < 0x7f &&
	       text.ptr[n] != '"' && text.ptr[n] != '\\')
		n++;
	return n;
}

static void
put_value(struct line *line, const char *s)
{
	/* The closing quote always finds room: a value that is too long is cut, not left open. */
	const size_t most = sizeof line->text - 2 - PRINTABLE_MAX;
	struct view rest = view_str(s);
	char shown[PRINTABLE_MAX];

	put(line, "\"");
	while (rest.len > 0 && line->len < most) {
		size_t n = plain_run(rest, most - line->len);

		if (n > 0) {
			memcpy(line->text + line->len, rest.ptr, n);
			line->len += n;
			rest = view_of(rest.ptr + n, rest.len - n);
			continue;
		}
		n = printable_next(rest, shown);
		if (rest.ptr[0] == '"' || rest.ptr[0] == '\\')
			put(line, "\\");
		put(line, shown);
		rest = view_of(rest.ptr + n, rest.len - n);
	}
	put(line, "\"");
}

static void
put_number(struct line *line, const char *key, long long number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", number);
	put(line, " ");
	put(line, key);
	put(line, "=");
	put(line, text);
}

static void
write_line(enum log_level level, const char *event, const struct log_field *fields, int count,
    uint64_t left_out)
{
	struct line line = {.len = 0};
	char when[21];

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
	if (left_out > 0)
		put_number(&line, "suppressed", (long long)left_out);
	for (int i = 0; i < count; i++) {
		if (fields[i].str == NULL) {
			put_number(&line, fields[i].key, (long long)fields[i].num);
			continue;
		}
		put(&line, " ");
		put(&line, fields[i].key);
		put(&line, "=");
		put_value(&line, fields[i].str);
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

/* Events beyond the table share its last place. */
static struct event *
find_event(const char *name)
{
	size_t i = 0;

	while (i < EVENTS_MAX - 1 && events[i].name != NULL && strcmp(events[i].name, name) != 0)
		i++;
	if (events[i].name == NULL)
		events[i] =
		    (struct event){.name = name, .room = BURST, .filled_ms = clock_mono_ms()};
	return &events[i];
}

static void
fill(struct event *e)
{
	int64_t now = clock_mono_ms(), more = (now - e->filled_ms) / REFILL_MS;

	if (more >= BURST - e->room) {
		e->room = BURST;
		e->filled_ms = now;
	} else {
		e->room += (int)more;
		e->filled_ms += more * REFILL_MS;
	}
}

/* True if the line may be written; *left_out_out were not since the last one that was. */
static bool
take_room(const char *name, enum log_level level, uint64_t *left_out_out)
{
	struct event *e;
	bool room;

	pthread_mutex_lock(&events_lock);
	e = find_event(name);
	e->level = level;
	fill(e);
	if ((room = e->room > 0)) {
		e->room--;
		*left_out_out = e->left_out;
		e->left_out = 0;
	} else {
		e->left_out++;
	}
	pthread_mutex_unlock(&events_lock);
	return room;
}

bool
log_wants(enum log_level level)
{
	return level <= sink.most;
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
	uint64_t left_out = 0;

	if (!log_wants(level))
		return;
	/* Who wants to see everything has asked for it, and for its volume. */
	if (sink.most < LOG_LEVEL_DEBUG && !take_room(event, level, &left_out))
		return;
	write_line(level, event, fields, count, left_out);
}

void
log_catch_up(void)
{
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		struct event e;

		pthread_mutex_lock(&events_lock);
		e = events[i];
		if (e.left_out > 0) {
			fill(&events[i]);
			if (events[i].room == 0)
				e.left_out = 0;
			else
				events[i].left_out = 0;
		}
		pthread_mutex_unlock(&events_lock);
		if (e.name == NULL)
			return;
		if (e.left_out > 0)
			write_line(e.level, e.name, NULL, 0, e.left_out);
	}
}
