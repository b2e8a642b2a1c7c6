/* What a review says of a DACL, and how one descriptor differs from another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sd_review.h"
#include "sd_rows.h"
#include "sd_text.h"

/* "1 earlier; 2 no right": an index and a word of the sentence for each finding, in order. */
static void
assert_findings(const char *sddl, const char *expected)
{
	struct sd sd = from_sddl(sddl);
	char *copy = strdup(expected), *rest = copy, *one;
	struct sd_findings found;
	size_t i = 0;

	assert_non_null(copy);
	sd_review(&sd, &found);
	while (*expected != '\0' && (one = strsep(&rest, ";")) != NULL) {
		char *word;
		long at = strtol(one, &word, 10);

		if (i == found.count || found.list[i].ace != at ||
		    strstr(found.list[i].what, word + 1) == NULL)
			fail_msg("%s: finding %zu is not \"%s\"", sddl, i, one);
		i++;
	}
	if (found.count != i)
		fail_msg("%s: %d %s", sddl, found.list[i].ace, found.list[i].what);
	sd_findings_free(&found);
	sd_free(&sd);
	free(copy);
}

static void
a_review_follows_the_table(void **state)
{
	static const char *const rows[][2] = {
	    {"D:(A;;GA;;;DA)", ""},
	    {"D:(D;;CR;;;AN)(A;;GA;;;DA)(D;ID;CR;;;AN)(A;ID;LCRPLORC;;;AU)", ""},
	    {"O:BA", "-2 no DACL"},
	    {"D:NO_ACCESS_CONTROL", "-2 no DACL"},
	    {"D:", "-1 empty"},
	    {"D:(0x30;;;;;;#00000000)", "0 unknown"},
	    {"D:(AU;SA;CR;;;AU)", "0 SACL"},
	    {"D:(RA;;;;;WD;#00000000)", "0 SACL"},
	    {"D:(XA;;CR;;;AU)", "0 grants nothing"},
	    {"D:(ZA;;CR;" ENROLL ";;AU;#00000000)", "0 grants nothing"},
	    {"D:(XD;;CR;;;AU)", "0 always denies"},
	    {"D:(A;;;;;AU)(D;;;;;AN)", "0 no right;1 no right;1 behind a grant"},
	    {"D:(A;;CR;;;AU)(D;;CR;;;AN)", "1 behind a grant"},
	    {"D:(XA;;CR;;;AU)(D;;CR;;;AN)", "0 grants nothing"},
	    {"D:(A;ID;CR;;;AU)(A;;CR;;;AN)(D;;CR;;;WD)", "1 inherited;2 behind a grant"},
	    {"D:(A;;CR;;;AU)(A;;CR;;;AU)", "1 earlier"},
	    {"D:(A;;CR;;;AU)(A;CI;CR;;;AU)(OA;;CR;" ENROLL ";;AU)", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_findings(rows[i][0], rows[i][1]);
}

/* "-owner +owner": the side and the part of each difference. free(). */
static char *
differences(const char *sddl, const char *wanted)
{
	struct sd a = from_sddl(sddl), b = from_sddl(wanted);
	char *text = strdup("");
	struct sd_differences found;

	sd_compare(&a, &b, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct sd_difference *d = &found.list[i];
		char *longer = text_printf("%s%s%c%s%s", text, i > 0 ? " " : "",
		    d->wanted ? '+' : '-', d->what, d->words != NULL ? "!" : "");

		assert_int_equal((d->sid != NULL) + (d->ace != NULL) + (d->words != NULL), 1);
		free(text);
		assert_non_null(text = longer);
	}
	sd_differences_free(&found);
	sd_free(&a);
	sd_free(&b);
	return text;
}

static void
a_comparison_follows_the_table(void **state)
{
	static const struct {
		const char *sddl, *wanted, *differences;
	} rows[] = {
	    {"O:BAG:BAD:(A;;GA;;;DA)S:(AU;SA;GA;;;WD)", "O:BAG:BAD:(A;;GA;;;DA)S:(AU;SA;GA;;;WD)",
		""},
	    {"O:BAG:BAD:(A;;GA;;;DA)S:(AU;SA;GA;;;WD)", "", ""},
	    {"D:AIAR(A;;GA;;;DA)", "D:(A;;GA;;;DA)", ""},
	    {"O:BAD:", "O:SYD:", "-owner +owner"},
	    {"D:", "O:SYG:SYD:", "+owner +group"},
	    {"G:BAD:", "G:SYD:", "-group +group"},
	    {"D:(A;;GA;;;DA)", "D:P(A;;GA;;;DA)", "+DACL!"},
	    {"D:P(A;;GA;;;DA)", "D:(A;;GA;;;DA)", "-DACL!"},
	    {"D:NO_ACCESS_CONTROL", "D:(A;;GA;;;DA)", "-DACL! +DACL"},
	    {"D:(A;;GA;;;DA)", "D:NO_ACCESS_CONTROL", "+DACL! -DACL"},
	    {"D:(A;;GA;;;DA)", "D:(A;;GA;;;EA)", "-DACL +DACL"},
	    {"D:(A;;GA;;;DA)", "D:(A;ID;GA;;;DA)", "-DACL +DACL"},
	    {"D:(A;;GA;;;DA)(A;;GA;;;DA)", "D:(A;;GA;;;DA)", "-DACL"},
	    {"D:(A;;GA;;;DA)(A;;GR;;;AU)", "D:(A;;GR;;;AU)(A;;GA;;;DA)", "+DACL!"},
	    {"D:(XA;;GA;;;DA;#00000000)", "D:(XA;;GA;;;DA;#00000001)", "-DACL +DACL"},
	    {"D:(A;;GA;;;DA)", "S:(AU;SA;GA;;;WD)", "+SACL"},
	    {"S:(AU;SA;GA;;;WD)", "S:", "-SACL"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *found = differences(rows[i].sddl, rows[i].wanted);

		if (strcmp(found, rows[i].differences) != 0)
			fail_msg("%s, %s: %s", rows[i].sddl, rows[i].wanted, found);
		free(found);
	}
}

static void
a_sentence_takes_the_name_that_is_known(void **state)
{
	struct sd sd = from_sddl("D:(A;;CR;;;DA)");
	char *text;

	(void)state;
	assert_true(sd_ace_text_of(&sd.aces[0], SD_RIGHTS_DS, "TEST\\Domain Admins", &text));
	assert_string_equal(
	    text, "allow all extended rights to " DOMAIN "-512 (TEST\\Domain Admins)");
	free(text);
	sd_free(&sd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_review_follows_the_table),
	    cmocka_unit_test(a_comparison_follows_the_table),
	    cmocka_unit_test(a_sentence_takes_the_name_that_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
