#include "table_sheet.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"
#include "width.h"

#define GAP   2
#define LEAST 8 /* what is left of a text that is cut */

void
table_sheet_add(struct table_sheet *s, const json_t *row)
{
	for (size_t i = 0; i < s->columns->count; i++) {
		s->cells = mem_grow_long(s->cells, s->count, sizeof *s->cells);
		s->cells[s->count++] = table_shown(s->columns->list[i], row);
	}
}

static void
drop_cells(struct table_sheet *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->cells[i]);
	free(s->cells);
	s->cells = NULL;
	s->count = 0;
}

void
table_sheet_free(struct table_sheet *s)
{
	drop_cells(s);
	*s = (struct table_sheet){0};
}

static void
widen(size_t *width, const char *text)
{
	size_t w = width_of(text);

	*width = w > *width ? w : *width;
}

static void
measure(struct table_sheet *s)
{
	for (size_t i = 0; i < s->columns->count; i++) {
		OWNED(own_memory) char *heading = table_heading(s->columns->list[i]);

		widen(&s->widths[i], heading);
	}
	for (size_t i = 0; i < s->count; i++)
		widen(&s->widths[i % s->columns->count], s->cells[i]);
}

static size_t
line_width(const size_t *widths, size_t count)
{
	size_t sum = (count - 1) * GAP;

	for (size_t i = 0; i < count; i++)
		sum += widths[i];
	return sum;
}

/* The widest column of those that may be cut; NULL: none can be narrower. */
static size_t *
widest(const struct table_sheet *s, size_t *widths, bool all)
{
	size_t *found = NULL;

	for (size_t i = 0; i < s->columns->count; i++) {
		enum table_kind kind = s->columns->list[i]->kind;

		if ((kind == TABLE_TEXT || (all && (kind == TABLE_KEPT || kind == TABLE_HEX))) &&
		    widths[i] > LEAST && (found == NULL || widths[i] > *found))
			found = &widths[i];
	}
	return found;
}

static void
fit(const struct table_sheet *s, size_t *widths)
{
	size_t *one;

	memcpy(widths, s->widths, sizeof s->widths);
	while (
	    s->room > 0 && line_width(widths, s->columns->count) > s->room &&
	    ((one = widest(s, widths, false)) != NULL || (one = widest(s, widths, true)) != NULL))
		(*one)--;
}

static void
print_cell(
    const struct table_sheet *s, const size_t *widths, size_t column, const char *text, FILE *to)
{
	bool last = column + 1 == s->columns->count;
	OWNED(own_memory) char *cut = width_cut(text, widths[column]);
	int pad = (int)(widths[column] - width_of(cut));

	if (s->columns->list[column]->kind == TABLE_NUMBER)
		fprintf(to, "%*s%s%s", pad, "", cut, last ? "\n" : "  ");
	else
		fprintf(to, "%s%*s%s", cut, last ? 0 : pad, "", last ? "\n" : "  ");
}

void
table_sheet_print(struct table_sheet *s, FILE *to)
{
	size_t widths[TABLE_COLUMNS_MAX];

	measure(s);
	fit(s, widths);
	for (size_t i = 0; !s->has_head && i < s->columns->count; i++) {
		OWNED(own_memory) char *heading = table_heading(s->columns->list[i]);

		print_cell(s, widths, i, heading, to);
	}
	s->has_head = true;
	for (size_t i = 0; i < s->count; i++)
		print_cell(s, widths, i % s->columns->count, s->cells[i], to);
	drop_cells(s);
}
