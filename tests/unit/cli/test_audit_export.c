/* An export of the audit trail, and each way to tamper with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit_export.h"
#include "mem.h"
#include "own.h"
#include "own_json.h"
#include "text.h"

#define ROWS 6

static struct err err;

/* lines[ROWS] is the head; heads[i] that of i rows. */
static char *lines[ROWS + 1];
static struct trail_head heads[ROWS + 1];

static char *
line_of(const json_t *value, bool is_head)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_true(
	    is_head ? audit_export_head(f, value, &err) : audit_export_record(f, value, &err));
	fclose(f);
	return text;
}

static int
set_up(void **state)
{
	char actor[] = "NWTRADERS\\officer1", detail[] = "template=EFSArchive J\xc3\xb6rg";

	(void)state;
	for (int i = 1; i <= ROWS; i++) {
		struct audit_record a = {.row_id = i,
		    .when = 1764000000 + i,
		    .event = AUDIT_KEY_RETRIEVED,
		    .success = i != 2,
		    .status = i != 2 ? 0 : (int32_t)E_ACCESSDENIED,
		    .actor = actor,
		    .request_id = i == 3 ? 0 : 40 + i,
		    .detail = detail};

		heads[i].count = i;
		assert_true(trail_hash(EVP_sha256(), heads[i - 1].hash, &a, heads[i].hash, &err));
		OWNED(own_memory)
		char *hash = hex_encode(view_of(heads[i].hash, TRAIL_HASH_LEN), '\0');
		OWNED(own_json)
		json_t *value = json_pack("{s:i, s:o, s:i, s:b, s:s, s:s, s:o, s:n, s:s, s:s}",
		    "row_id", i, "when", json_sprintf("2025-11-24T16:00:%02dZ", i), "event", 787,
		    "success", i != 2, "status", i != 2 ? "0x00000000" : "0x80070005", "actor",
		    actor, "request_id", i == 3 ? json_null() : json_integer(40 + i), "object",
		    "detail", detail, "row_hash", hash);

		lines[i - 1] = line_of(value, false);
	}
	OWNED(own_memory) char *hash = hex_encode(view_of(heads[ROWS].hash, TRAIL_HASH_LEN), '\0');
	OWNED(own_json) json_t *head = json_pack("{s:i, s:s}", "row_id", ROWS, "row_hash", hash);

	lines[ROWS] = line_of(head, true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i <= ROWS; i++)
		free(lines[i]);
	return 0;
}

/* The lines of that order ("1234567": the untouched export), the 4th with `from` made `to`. */
static char *
written(const char *order, const char *from, const char *to)
{
	char *text = mem_text("");

	for (const char *o = order; *o != '\0'; o++) {
		const char *line = lines[*o - '1'], *at = from != NULL ? strstr(line, from) : NULL;
		char *more = at != NULL && *o == '4'
				 ? text_printf("%s%.*s%s%s", text, (int)(at - line), line, to,
				       at + strlen(from))
				 : text_printf("%s%s", text, line);

		assert_true(from == NULL || *o != '4' || at != NULL);
		free(text);
		text = more;
	}
	return text;
}

static bool
verify(const char *text, size_t len, const struct trail_head *known, struct audit_export *e)
{
	OWNED(own_memory) char *copy = mem_text_n(text, len);
	OWNED(own_file) FILE *f = fmemopen(copy, len, "r");

	assert_non_null(f);
	return audit_export_verify(f, &(struct audit_known){.head = known}, e, &err);
}

static void
assert_found(const char *text, const struct trail_head *known, enum err_code code, const char *says)
{
	struct audit_export e;

	if (verify(text, strlen(text), known, &e))
		fail_msg("not found: %s", says);
	if (err.code != code || strstr(err.msg, says) == NULL)
		fail_msg("expected \"%s\", got: %s", says, err.msg);
}

static void
an_untouched_export_verifies(void **state)
{
	OWNED(own_memory) char *text = written("1234567", NULL, NULL);
	struct audit_export e;

	(void)state;
	assert_true(verify(text, strlen(text), NULL, &e));
	assert_int_equal(e.head.count, ROWS);
	assert_memory_equal(e.head.hash, heads[ROWS].hash, TRAIL_HASH_LEN);
	assert_int_equal(e.first_when, 1764000001);
	assert_int_equal(e.last_when, 1764000000 + ROWS);
	assert_true(verify(text, strlen(text), &heads[3], &e));
	assert_true(verify(text, strlen(text), &heads[ROWS], &e));
}

static void
an_empty_trail_has_a_head(void **state)
{
	static const char text[] =
	    "{\"head\":{\"row_id\":0,\"row_hash\":"
	    "\"0000000000000000000000000000000000000000000000000000000000000000\"}}"
	    "\n";
	struct audit_export e;

	(void)state;
	assert_true(verify(text, strlen(text), NULL, &e));
	assert_found("\n", NULL, ERROR_INVALID_DATA, "line 1");
}

static void
each_changed_member_is_found(void **state)
{
	static const char *const changes[][2] = {{"\"row_id\":4", "\"row_id\":9"},
	    {"16:00:04", "16:00:05"}, {"787", "791"}, {"true", "false"},
	    {"0x00000000", "0x80070005"}, {"officer1", "officer2"}, {":44", ":45"},
	    {":44", ":null"}, {"\"object\":null", "\"object\":\"x\""}, {"EFSArchive", "User"},
	    {"\"actor\":\"", "\"actor\":\"x"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		OWNED(own_memory) char *text = written("1234567", changes[i][0], changes[i][1]);

		assert_found(text, NULL, CRYPT_E_HASH_VALUE, "audit row 4 ");
	}
}

static void
what_is_no_record_is_refused(void **state)
{
	static const char *const changes[][2] = {{"\"row_id\":4", "\"row_id\":4.0"},
	    {"\"row_id\":4", "\"row_id\":4,\"row_id\":4"}, {"{", "{\"note\":\"all is well\","},
	    {"16:00:04Z", "16:00:04"}, {"787", "4294968083"}, {"true", "1"},
	    {"0x00000000", "0x100000000"}, {"0x00000000", "0"},
	    {"\"NWTRADERS\\\\officer1\"", "null"}, {":44", ":-44"}, {"\"object\"", "\"Object\""},
	    {"}", "} {}"}, {"}\n", "}"}, {"{", "["}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		OWNED(own_memory) char *text = written("1234567", changes[i][0], changes[i][1]);

		assert_found(text, NULL, ERROR_INVALID_DATA, "line 4, behind audit row 3: ");
	}
}

static void
rows_removed_moved_added_or_cut_off_are_found(void **state)
{
	static const struct {
		const char *order;
		enum err_code code;
		const char *says;
	} rows[] = {
	    {"123567", CRYPT_E_HASH_VALUE, "audit row 4 is missing: row 5 stands in its place"},
	    {"234567", CRYPT_E_HASH_VALUE, "audit row 1 is missing"},
	    {"1235467", CRYPT_E_HASH_VALUE, "audit row 4 is missing: row 5 stands in its place"},
	    {"12334567", CRYPT_E_HASH_VALUE, "audit row 4 is missing: row 3 stands in its place"},
	    {"123457", CRYPT_E_HASH_VALUE, "audit row 6 is missing"},
	    {"7", CRYPT_E_HASH_VALUE, "audit row 1 is missing"},
	    {"12345", CRYPT_E_HASH_VALUE, "what follows audit row 5 was cut off"},
	    {"", CRYPT_E_HASH_VALUE, "what follows audit row 0 was cut off"},
	    {"12345677", ERROR_INVALID_DATA, "line 8"},
	    {"12345671", ERROR_INVALID_DATA, "line 8"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory) char *text = written(rows[i].order, NULL, NULL);

		assert_found(*text != '\0' ? text : "", NULL, rows[i].code, rows[i].says);
	}
}

/* Whoever makes the whole chain anew is found by a head that was noted down before. */
static void
a_known_head_finds_what_the_export_itself_cannot_tell(void **state)
{
	OWNED(own_memory) char *text = written("1234567", NULL, NULL);
	struct trail_head later = {.count = ROWS + 2}, other = heads[3];

	(void)state;
	other.hash[31] ^= 1;
	assert_found(text, &other, CRYPT_E_HASH_VALUE, "audit row 3 has another hash");
	assert_found(text, &later, CRYPT_E_HASH_VALUE, "audit row 7 is missing");
}

static void
an_export_that_was_cut_anywhere_is_found(void **state)
{
	OWNED(own_memory) char *text = written("1234567", NULL, NULL);
	struct audit_export e;

	(void)state;
	for (size_t len = 1; len < strlen(text); len++)
		if (verify(text, len, NULL, &e))
			fail_msg("cut at %zu", len);
}

static void
a_head_is_read_as_it_is_printed(void **state)
{
	static const char *const wrong[] = {"", ":", "7", "7:", "7:00", "x:00", "-1:00"};
	OWNED(own_memory) char *text = trail_head_text(&heads[4]);
	struct trail_head h;

	(void)state;
	assert_true(trail_head_parse(text, &h, &err));
	assert_int_equal(h.count, 4);
	assert_memory_equal(h.hash, heads[4].hash, TRAIL_HASH_LEN);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_false(trail_head_parse(wrong[i], &h, &err));
	text[strlen(text) - 1] = ' ';
	assert_false(trail_head_parse(text, &h, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_untouched_export_verifies),
	    cmocka_unit_test(an_empty_trail_has_a_head),
	    cmocka_unit_test(each_changed_member_is_found),
	    cmocka_unit_test(what_is_no_record_is_refused),
	    cmocka_unit_test(rows_removed_moved_added_or_cut_off_are_found),
	    cmocka_unit_test(a_known_head_finds_what_the_export_itself_cannot_tell),
	    cmocka_unit_test(an_export_that_was_cut_anywhere_is_found),
	    cmocka_unit_test(a_head_is_read_as_it_is_printed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
