/* Which template replaces which; lists that name nothing or lead back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "supersede.h"

#define MOST 6

/* "A:B,C D:E" : A supersedes B and C, D supersedes E. */
struct forest {
	char text[64];
	char *lists[MOST][3];
	struct tmpl list[MOST];
	size_t count;
};

static void
plant(struct forest *f, const char *text)
{
	char *rest = strcpy(f->text, text), *one;

	memset(f->list, 0, sizeof f->list);
	f->count = 0;
	while ((one = strsep(&rest, " ")) != NULL) {
		struct tmpl *t = &f->list[f->count];
		char *cn = strsep(&one, ":"), *named;

		t->cn = cn;
		t->supersedes.list = f->lists[f->count++];
		while (one != NULL && (named = strsep(&one, ",")) != NULL)
			t->supersedes.list[t->supersedes.count++] = named;
	}
}

static void
the_newest_template_takes_the_place(void **state)
{
	static const struct {
		const char *forest, *old, *expected;
	} rows[] = {
	    {"A B", "A", NULL},
	    {"A B:A", "A", "B"},
	    {"A B:a", "A", "B"},
	    {"B:A", "A", "B"}, /* the old one is gone from the directory */
	    {"A B:A C:A,B", "A", "C"},
	    {"A C:A,B B:A", "A", "C"},
	    {"A B:A C:B", "A", "B"}, /* what it does not list it does not replace */
	    {"A B:A C:A", "A", "B"},
	    {"A:A B", "A", NULL},
	    {"A A:A", "A", NULL}, /* two of one name */
	    {"A:B B:A", "A", NULL},
	    {"A:B B:A C:A", "A", "C"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct forest f;
		const struct tmpl *t;

		plant(&f, rows[i].forest);
		t = tmpl_superseding(f.list, f.count, rows[i].old);
		if ((t == NULL) != (rows[i].expected == NULL) ||
		    (t != NULL && strcmp(t->cn, rows[i].expected) != 0))
			fail_msg("%s: %s", rows[i].forest, t != NULL ? t->cn : "none");
	}
}

static void
only_listed_names_are_superseded(void **state)
{
	struct forest f;

	(void)state;
	plant(&f, "A:B");
	assert_true(tmpl_supersedes(&f.list[0], "b"));
	assert_false(tmpl_supersedes(&f.list[0], "C"));
	assert_false(tmpl_supersedes(&f.list[0], NULL));
}

static void
lists_that_name_nothing_or_lead_back_are_found(void **state)
{
	static const struct {
		const char *forest, *expected; /* "AB?": A names B, unknown; '=' self; '@' cycle */
	} rows[] = {
	    {"A B:A C:A,B", ""},
	    {"A:X", "AX?"},
	    {"A:A", "AA="},
	    {"A:B B:A", "AB@BA@"},
	    {"A:B B:C C:A D:A", "AB@BC@CA@"},
	    {"A:B,X B:C C", "AX?"},
	    {"A:B B:B", "BB="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static const char marks[] = {[TMPL_SUPERSEDE_UNKNOWN] = '?',
		    [TMPL_SUPERSEDE_SELF] = '=',
		    [TMPL_SUPERSEDE_CYCLE] = '@'};
		struct tmpl_supersede_finding *list;
		struct forest f;
		struct err err;
		char got[64] = "";
		size_t count;

		plant(&f, rows[i].forest);
		assert_true(tmpl_supersede_faults(f.list, f.count, &list, &count, &err));
		for (size_t k = 0; k < count; k++) {
			const char mark[] = {marks[list[k].fault], '\0'};

			strcat(strcat(strcat(got, list[k].tmpl->cn), list[k].named), mark);
		}
		assert_string_equal(got, rows[i].expected);
		free(list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_newest_template_takes_the_place),
	    cmocka_unit_test(only_listed_names_are_superseded),
	    cmocka_unit_test(lists_that_name_nothing_or_lead_back_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
