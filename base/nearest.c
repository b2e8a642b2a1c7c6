#include "nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define LENGTH_MOST 64 /* of a name that anybody means */
#define TYPED_LEAST 2  /* letters that begin a name */
#define NAME_LEAST  4  /* of a name that a longer one begins with */

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to change, add, take away or swap with their neighbour. */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[3][LENGTH_MOST + 1];
	size_t *two_before = row[0], *before = row[1], *now = row[2];

	for (size_t j = 0; j <= b_len; j++)
		before[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *oldest = two_before;

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = least(before[j - 1] + !same(a[i - 1], b[j - 1]),
			    least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], two_before[j - 2] + 1);
		}
		two_before = before;
		before = now;
		now = oldest;
	}
	return before[b_len];
}

static bool
begins(const char *name, const char *with, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!same(name[i], with[i]))
			return false;
	return true;
}

/* Somebody who types the beginning, or goes on where the name ends, is as near as somebody who
 * misses a letter. */
static size_t
how_far(const char *typed, const char *name)
{
	size_t a = strlen(typed), b = strlen(name);

	if (a > LENGTH_MOST || b > LENGTH_MOST)
		return SIZE_MAX;
	if ((a >= TYPED_LEAST && a < b && begins(name, typed, a)) ||
	    (b >= NAME_LEAST && b < a && begins(typed, name, b)))
		return 1;
	return distance(typed, a, name, b);
}

void
nearest_offer(struct nearest *n, const char *name)
{
	size_t far = how_far(n->typed, name), len = strlen(n->typed);

	if (far > (len < 4 ? 1 : 1 + len / 5) || far >= len)
		return;
	if (n->count > 0 && far < n->distance)
		n->count = 0;
	if (n->count == NEAREST_MOST || (n->count > 0 && far > n->distance))
		return;
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->names[i], name) == 0)
			return;
	n->names[n->count++] = name;
	n->distance = far;
}

char *
nearest_sentence(const struct nearest *n, const char *before)
{
	OWNED(own_memory) char *list = mem_text("");

	for (size_t i = 0; i < n->count; i++) {
		OWNED(own_memory) char *quoted = text_printf("'%s%s'", before, n->names[i]);

		text_list_add(&list, i + 1 < n->count ? ", " : " or ", quoted);
	}
	return n->count > 0 ? text_printf("; perhaps %s is meant", list) : mem_text("");
}
