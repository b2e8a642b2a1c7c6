/*
 * The log: one line an event, "key=value" fields, to stderr or syslog. For operators; the audit
 * trail is another thing and lives in the database. Values from outside are quoted and control
 * bytes escaped, so that nobody can forge a line. Secrets have a type that no field takes.
 * What a client can repeat cannot fill the disk: of one event some sixty lines are written at once,
 * then two a second; the next one says with `suppressed` how many were left out. Level debug leaves
 * out none.
 * Thread-safe. A function that fails returns its error and leaves the line to its caller; what logs
 * is a thread's outermost step, and what nobody is told of otherwise: a choice, a repair, a retry.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
	const char *key;
	const char *str; /* NULL: the number counts */
	int64_t num;
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .str = (v) != NULL ? (v) : "-"})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .num = (v)})
/* Two fields of an error: its symbol and its sentence. */
#define LOG_REASON(e) LOG_STR("code", err_name((e)->code)), LOG_STR("reason", (e)->msg)

/* `tag` names the process ("front", "vault"); `to_syslog` false = stderr. Lines above `most` are
 * dropped. Names of events are string literals. */
void log_open(const char *tag, bool to_syslog, enum log_level most);
void log_write(enum log_level level, const char *event, const struct log_field *fields, int count);
/* Is a line of that level written? For who would have to make it first. */
bool log_wants(enum log_level level);
/* Says what was left out of events that have not come again since. Called now and then. */
void log_catch_up(void);

#define LOG_AT(level, event, ...)                                            \
	log_write((level), (event), (const struct log_field[]){__VA_ARGS__}, \
	    (int)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))
#define log_error(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
