/*
 * What a search for archived keys costs, by each form of the token, in databases of several sizes:
 *
 *	bench_search FOLDER ROWS...
 *
 * fills FOLDER/search-ROWS.db (left there, and used again) with one row in ten of each requester,
 * and prints for each form the median of the store's call, the median of reading the same rows by
 * their RequestID (the floor: what is found must be read), and the ratio; and what opening costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_rows.h"
#include "mem.h"
#include "own.h"
#include "store.h"
#include "text.h"

#define ROWS_OF_ONE 10 /* of one requester */
#define SAMPLES     1000

struct form {
	const char *name;
	enum store_key by;
};

/* The token of the row with that id; free(). */
static char *
token_of(struct store *s, const struct form *form, int64_t id)
{
	struct store_request r = {0};
	struct err err;
	char *token;

	bench_must(store_get_request(s, id, &r, &err) == STORE_FOUND, "a row", err.msg);
	switch (form->by) {
	case STORE_BY_UPN:
		token = mem_text(r.upn);
		break;
	case STORE_BY_COMMON_NAME:
		token = mem_text(r.common_name);
		break;
	case STORE_BY_REQUESTER:
		token = mem_text(r.requester_name);
		break;
	case STORE_BY_REQUESTER_SID:
		token = mem_text(r.requester_sid);
		break;
	case STORE_BY_SERIAL:
		token = mem_text(r.serial_number);
		break;
	default:
		token = hex_encode(buf_view(&r.certificate_hash), '\0');
		break;
	}
	store_request_free(&r);
	return token;
}

/* Reads the rows that were found once more, each by its id. */
static double
read_again(struct store *s, const struct store_requests *found)
{
	double begun = bench_now_us();

	for (size_t i = 0; i < found->count; i++) {
		struct store_request r = {0};
		struct err err;

		bench_must(store_get_request(s, found->list[i].request_id, &r, &err) == STORE_FOUND,
		    "a row", err.msg);
		store_request_free(&r);
	}
	return bench_now_us() - begun;
}

static void
measure(struct store *s, const struct form *form, long rows)
{
	static double search[SAMPLES], floor_us[SAMPLES];
	size_t found = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		OWNED(own_memory) char *token = token_of(s, form, 1 + random() % rows);
		struct store_requests list = {0};
		struct err err;
		double begun = bench_now_us();

		bench_must(store_find_candidates(s, form->by, token, &list, &err), token, err.msg);
		search[i] = bench_now_us() - begun;
		floor_us[i] = read_again(s, &list);
		found += list.count;
		store_requests_free(&list);
	}
	const double mine = bench_median(search, SAMPLES), least = bench_median(floor_us, SAMPLES);

	printf("| %ld | %s | %.1f | %.0f | %.0f | %.2f |\n", rows, form->name,
	    (double)found / SAMPLES, mine, least, mine / least);
	fflush(stdout);
}

#define PAGE  1000 /* rows of it */
#define PAGES 20   /* that are measured */

static double
page(struct store *s, const struct store_filter *f)
{
	static double us[PAGES];

	for (size_t i = 0; i < PAGES; i++) {
		struct store_requests list = {0};
		struct err err;
		double begun = bench_now_us();

		bench_must(store_list_requests(s, f, &list, &err), "a page", err.msg);
		us[i] = bench_now_us() - begun;
		store_requests_free(&list);
	}
	return bench_median(us, PAGES);
}

/* The page behind the row in the middle, beside that in the order of ids. */
static void
measure_page(struct store *s, enum store_sort sort, bool down, enum disposition only, long rows)
{
	struct store_filter f = {
	    .after_id = rows / 2, .newest_first = down, .disposition = only, .limit = PAGE};
	struct store_request middle = {0};
	double least = page(s, &f), mine;
	struct err err;

	bench_must(
	    store_get_request(s, f.after_id, &middle, &err) == STORE_FOUND, "a row", err.msg);
	f.sort = sort;
	f.after_value = store_sort_value(&middle, sort);
	mine = page(s, &f);
	printf("| %ld | page by %s%s%s | %d | %.0f | %.0f | %.2f |\n", rows, store_sort_name(sort),
	    down ? ", descending" : "", only != 0 ? ", of one disposition" : "", PAGE, mine, least,
	    mine / least);
	fflush(stdout);
	store_request_free(&middle);
}

static void
measure_pages(struct store *s, long rows)
{
	for (int i = STORE_SORT_ID + 1; i < STORE_SORTS; i++)
		measure_page(s, (enum store_sort)i, i % 2 != 0, 0, rows);
	measure_page(s, STORE_SORT_NOT_AFTER, false, DISP_ISSUED, rows);
	/* There is none of these: the worst of an order and a condition. */
	measure_page(s, STORE_SORT_NOT_AFTER, false, DISP_PENDING, rows);
}

static void
bench(const char *folder, long rows)
{
	static const struct form forms[] = {
	    {"UPN", STORE_BY_UPN},
	    {"common name", STORE_BY_COMMON_NAME},
	    {"DOMAIN\\user", STORE_BY_REQUESTER},
	    {"SID", STORE_BY_REQUESTER_SID},
	    {"serial number", STORE_BY_SERIAL},
	    {"thumbprint", STORE_BY_CERTIFICATE_HASH},
	};
	OWNED(own_memory) char *path = text_printf("%s/search-%ld.db", folder, rows);
	OWNED(store_close) struct store *store = NULL;
	double begun;
	struct err err;

	bench_rows_fill(path, rows, bench_rows_archived);
	begun = bench_now_us();
	bench_must(store_open(path, &store, &err), path, err.msg);
	begun = bench_now_us() - begun;
	for (size_t i = 0; i < COUNT_OF(forms); i++)
		measure(store, &forms[i], rows);
	measure_pages(store, rows);
	printf("| %ld | opening | | %.0f | | |\n", rows, begun);
	fprintf(stderr, "%s: %ld KiB resident afterwards\n", path, bench_resident_kib());
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: bench_search FOLDER ROWS...\n", stderr);
		return 2;
	}
	puts("| rows | token | found | search us | floor us | ratio |\n"
	     "| --- | --- | --- | --- | --- | --- |");
	for (int i = 2; i < argc; i++) {
		long rows = strtol(argv[i], NULL, 10);

		bench_must(rows >= ROWS_OF_ONE, argv[i], "at least ten rows");
		bench(argv[1], rows);
	}
	return 0;
}
