/* Lists of requests, fetched page by page: none is held whole. */
#ifndef CLI_REQUEST_LIST_H
#define CLI_REQUEST_LIST_H

#include "listing.h"
#include "request_columns.h"
#include "work.h"

/* What is done with a row that the filter lets through; false with err ends the list. */
typedef bool request_each(const json_t *row, void *arg, struct err *err);

struct request_list {
	const char *path; /* of the API, with its first parameter: "/dirca/v1/requests?" "x=y" */
	struct table_filter *filter; /* templates in it get the name that the CA's rows have */
	long long after;  /* where to begin; after the list: where to go on, 0 at its end */
	long long last;   /* the list ends there, where it is in the order of the ids; 0: nowhere */
	const char *sort; /* the column that the CA sorts by; NULL: the id */
	bool descending;
	int64_t left; /* how many rows may still be taken */
	request_each *each;
	void *arg;
	struct listing *listing; /* laid out page by page; NULL: nothing is printed */
};
bool request_list_walk(struct work *w, struct request_list *l, struct err *err);

/* A request_each that prints; `arg` is a listing. */
bool request_print(const json_t *row, void *arg, struct err *err);

/* Of the request that the verb's first argument names, and what of it: "/approve". free(); NULL:
 * that is no request id (DIRCA_E_USAGE). */
char *request_path(const struct cli *cli, const char *what, struct err *err);
/* Posts `body` (borrowed; NULL: nothing) to that path of the CA, and says what the request is now,
 * and `how`. */
bool request_change(
    struct work *w, const char *what, json_t *body, const char *how, struct err *err);

#endif
