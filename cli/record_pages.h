/* Records of the CA (audit trail, events, batches), fetched page by page: none is held whole. */
#ifndef CLI_RECORD_PAGES_H
#define CLI_RECORD_PAGES_H

#include <jansson.h>

#include "listing.h"
#include "work.h"

/* What is done with a record; false with err ends the reading. */
typedef bool record_each(const json_t *record, void *arg, struct err *err);

struct record_pages {
	const char *path;   /* of the API */
	const char *member; /* of its answer: the array */
	char *filter;       /* "&event=787" ...; record_filter */
	char *after;        /* of the next page, a number or a name; NULL: of the first, and after
			     * the last. Owned */
	int64_t left;       /* how many are still wanted */
	record_each *each;
	void *arg;
	json_t *head;            /* of the newest page, where it has one */
	const json_t *page;      /* that is being read */
	const char *id;          /* of a record: what `after` counts by; with `listing` */
	struct listing *listing; /* ends the reading where enough is printed; NULL: `left` does */
};
/* Adds a condition; NULL adds none. */
void record_filter(struct record_pages *p, const char *name, const char *value);
/* Where the options say to begin. free(); NULL: at the first. */
char *record_after(const struct cli_options *opt);
bool record_pages_walk(struct work *w, struct record_pages *p, struct err *err);
void record_pages_free(struct record_pages *p);

/* Walks, and prints as the options say; where `line` is no NULL, and no columns are asked for, it
 * is what `line` makes of each. */
bool record_list(struct work *w, struct record_pages *p, const struct table *t,
    void (*line)(const json_t *record), struct err *err);

#endif
