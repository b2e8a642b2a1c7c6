#include "listing.h"

#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "mem.h"
#include "own.h"
#include "print.h"

/* 0: standard output is no terminal, or one that does not know its own width. */
static size_t
terminal_width(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
		   ? size.ws_col
		   : 0;
}

static const char *
columns_asked(const struct listing *l, const struct cli_options *opt)
{
	if (opt->columns != NULL || l->format == LISTING_JSON)
		return opt->columns;
	return l->format == LISTING_CSV && l->table->csv != NULL ? l->table->csv : l->table->usual;
}

bool
listing_open(
    struct listing *l, const struct table *t, const struct cli_options *opt, struct err *err)
{
	const char *names;

	*l = (struct listing){.table = t,
	    .format = opt->json  ? LISTING_JSON
		      : opt->csv ? LISTING_CSV
				 : LISTING_TABLE,
	    .left = opt->limit > 0 ? opt->limit : INT64_MAX};
	if (opt->json && opt->csv)
		return err_set(err, DIRCA_E_USAGE, "--json and --csv do not go together");
	names = columns_asked(l, opt);
	if (names != NULL && !table_choose(t, names, &l->columns, err))
		return false;
	l->sheet = (struct table_sheet){.columns = &l->columns, .room = terminal_width()};
	for (size_t i = 0; i < opt->where.count; i++)
		if (!table_filter_add(t, opt->where.list[i], &l->filter, err)) {
			listing_free(l);
			return false;
		}
	return true;
}

void
listing_in_own_way(struct listing *l, const struct cli_options *opt)
{
	if (l->format == LISTING_TABLE && opt->columns == NULL)
		l->format = LISTING_OWN;
}

static void
print_csv(const struct listing *l, const json_t *row)
{
	for (size_t i = 0; i < l->columns.count; i++) {
		const struct table_column *c = l->columns.list[i];
		OWNED(own_memory)
		char *value = row != NULL ? table_value(c, row) : mem_text(c->name);
		OWNED(own_memory) char *field = table_csv_field(value);

		printf("%s%s", field, i + 1 < l->columns.count ? "," : "\n");
	}
}

static void
print_row(struct listing *l, const json_t *row)
{
	switch (l->format) {
	case LISTING_TABLE:
		table_sheet_add(&l->sheet, row);
		break;
	case LISTING_CSV:
		if (l->printed == 0)
			print_csv(l, NULL);
		print_csv(l, row);
		break;
	case LISTING_JSON:
		if (l->columns.count == 0) {
			print_json_next(row, l->printed);
		} else {
			json_t *picked = table_pick(row, &l->columns);

			print_json_next(picked, l->printed);
			json_decref(picked);
		}
		break;
	case LISTING_OWN:
		break;
	}
}

bool
listing_add(struct listing *l, const json_t *row)
{
	if (!table_filter_holds(&l->filter, row))
		return false;
	if (l->left == 0) {
		l->left_out++;
		return false;
	}
	print_row(l, row);
	l->printed++;
	l->left--;
	return l->format == LISTING_OWN;
}

void
listing_flush(struct listing *l)
{
	if (l->format == LISTING_TABLE && l->sheet.count > 0)
		table_sheet_print(&l->sheet, stdout);
	fflush(stdout);
}

void
listing_end(struct listing *l)
{
	if (l->format == LISTING_TABLE)
		table_sheet_print(&l->sheet, stdout);
	else if (l->format == LISTING_CSV && l->printed == 0)
		print_csv(l, NULL);
	else if (l->format == LISTING_JSON)
		print_json_end(l->printed);
	if (l->left_out > 0)
		fprintf(stderr, "There are %zu more.\n", l->left_out);
}

void
listing_free(struct listing *l)
{
	table_filter_free(&l->filter);
	table_sheet_free(&l->sheet);
}

bool
listing_print(
    const struct table *t, const json_t *rows, const struct cli_options *opt, struct err *err)
{
	OWNED(listing_free) struct listing l = {0};
	const json_t *row;
	size_t i;

	if (!listing_open(&l, t, opt, err))
		return false;
	json_array_foreach(rows, i, row) listing_add(&l, row);
	listing_end(&l);
	return true;
}
