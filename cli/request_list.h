/* Lists of requests, fetched page by page: none is held whole. */
#ifndef CLI_REQUEST_LIST_H
#define CLI_REQUEST_LIST_H

#include "request_columns.h"
#include "work.h"

/* What is done with a row that the filter lets through; false with err ends the list. */
typedef bool request_each(const json_t *row, void *arg, struct err *err);

struct request_list {
	const char *path; /* of the API, with its first parameter: "/dirca/v1/requests?" "x=y" */
	struct request_filter *filter; /* templates in it get the name that the CA's rows have */
	long long after;  /* where to begin; after the list: where to go on, 0 at its end */
	long long last;   /* the list ends there, where it is in the order of the ids; 0: nowhere */
	const char *sort; /* the column that the CA sorts by; NULL: the id */
	bool descending;
	int64_t left; /* how many rows may still be taken */
	request_each *each;
	void *arg;
};
bool request_list_walk(struct work *w, struct request_list *l, struct err *err);

/* Prints rows as they come: JSON, CSV, or a table. */
enum request_format { REQUEST_TABLE, REQUEST_CSV, REQUEST_JSON };
struct request_printer {
	enum request_format format;
	struct request_columns columns; /* none: all of them as JSON, else those of the table */
	size_t printed;
};
/* A request_each; `arg` is the printer. */
bool request_print(const json_t *row, void *arg, struct err *err);
/* What closes the list, and the heading of an empty one. */
void request_print_end(struct request_printer *p);

/* Of the request that the verb's first argument names, and what of it: "/approve". free(); NULL:
 * that is no request id (DIRCA_E_USAGE). */
char *request_path(const struct cli *cli, const char *what, struct err *err);
/* Posts `body` (borrowed; NULL: nothing) to that path of the CA, and says what the request is now,
 * and `how`. */
bool request_change(
    struct work *w, const char *what, json_t *body, const char *how, struct err *err);

#endif
