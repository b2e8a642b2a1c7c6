/* Which certificate of a key recovery agent is meant by a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kra_enabled.h"
#include "own.h"
#include "text.h"

#define SHA1_OF_FIRST   "01aa01aa01aa01aa01aa01aa01aa01aa01aa01aa"
#define SHA256_OF_FIRST "02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb02bb"

static void
fill(uint8_t *hash, size_t len, const char *hex)
{
	OWNED(buf_free) struct buf bytes = {0};
	struct err err;

	assert_true(hex_decode(hex, &bytes, &err));
	assert_int_equal(bytes.len, len);
	memcpy(hash, bytes.ptr, len);
}

static char *
hash_of(const struct pkix_cert *c)
{
	return hex_encode(view_of(c->sha1, sizeof c->sha1), '\0');
}

/* The last two are called as the hashes of the first, and one has its SHA-1 for a serial number. */
static void
a_hash_is_nobody_elses_name(void **state)
{
	static const char *const subjects[] = {"CN=kra1,CN=Users,DC=nwtraders,DC=com",
	    "CN=Anna,DC=x", "CN=anna,DC=y", "CN=" SHA1_OF_FIRST, "CN=" SHA256_OF_FIRST};
	static const struct {
		const char *what;
		int which; /* -1: none; -2: several */
	} rows[] = {
	    {SHA1_OF_FIRST, 0},
	    {"01 AA 01 aa:01 aa 01 aa 01 aa 01 aa 01 aa 01 aa 01 aa 01 aa", 0},
	    {SHA256_OF_FIRST, 0},
	    {"01aa01aa", -1}, /* as much of it as a table has room for */
	    {"kra1", 0},
	    {"KRA1", 0},
	    {"CN=kra1, CN=Users, DC=nwtraders, DC=com", 0},
	    {"cn=kra1,cn=users,dc=nwtraders,dc=com", 0},
	    {"CN=kra1", -1},
	    {"\u212ara1", -1}, /* the sign of Kelvin */
	    {"anna", -2},
	    {"CN=Anna,DC=x", 1},
	    {"00:0c:0d", 1},
	    {"0c0d", 1},
	    {"03aa03aa03aa03aa03aa03aa03aa03aa03aa03aa", -1},
	};
	static uint8_t serial[] = {0x0c, 0x0d}, false_serial[20];
	struct pkix_cert list[5];
	struct buf names[5];
	const struct pkix_cert *found;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_true(pkix_name_from_dn(subjects[i], NULL, &names[i], &err));
		list[i] = (struct pkix_cert){.not_after = 0};
		list[i].subject = buf_view(&names[i]);
		list[i].sha1[0] = list[i].sha256[0] = (uint8_t)(i + 1);
	}
	fill(list[0].sha1, sizeof list[0].sha1, SHA1_OF_FIRST);
	fill(list[0].sha256, sizeof list[0].sha256, SHA256_OF_FIRST);
	list[1].serial = view_of(serial, sizeof serial);
	fill(false_serial, sizeof false_serial, "03aa03aa03aa03aa03aa03aa03aa03aa03aa03aa");
	list[4].serial = view_of(false_serial, sizeof false_serial);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool ok = kra_called(list, 5, rows[i].what, "certificates", hash_of, &found, &err);

		if (ok != (rows[i].which != -2) ||
		    (ok && found != (rows[i].which >= 0 ? &list[rows[i].which] : NULL)))
			fail_msg("%s", rows[i].what);
		if (!ok)
			assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	}
	/* Without the first, those who are called so are not found by its hashes. */
	assert_true(kra_called(list + 1, 4, SHA1_OF_FIRST, "CAs", hash_of, &found, &err));
	assert_null(found);
	assert_true(kra_called(list + 1, 4, SHA256_OF_FIRST, "CAs", hash_of, &found, &err));
	assert_null(found);
	for (size_t i = 0; i < 5; i++)
		buf_free(&names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hash_is_nobody_elses_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
