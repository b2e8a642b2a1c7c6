/*
 * Strict DER is what OpenSSL's reader of heads takes and its counter of octets writes: held over
 * each way in which an octet of real messages can be another, and over what is cut off.
 */
#include "messages_support.h"

#include <dirent.h>
#include <time.h>
#include <openssl/asn1.h>
#include <openssl/err.h>

#include "der_read.h"
#include "file.h"
#include "mem.h"
#include "pkix_priv.h"

#define DEPTH 24

static bool
openssl_element(struct view *cursor, unsigned depth)
{
	const uint8_t *p = cursor->ptr;
	long len = 0;
	int tag = 0, class = 0, kind;
	size_t header;

	if (depth > DEPTH || cursor->len < 2 || cursor->len > PKIX_MAX_DER)
		return false;
	kind = ASN1_get_object(&p, &len, &tag, &class, (long)cursor->len);
	header = (size_t)(p - cursor->ptr);
	if ((kind & 0x81) != 0 || len < 0 || (size_t)len > cursor->len - header ||
	    ASN1_object_size((kind & V_ASN1_CONSTRUCTED) != 0, (int)len, tag) !=
		(int)header + (int)len)
		return false;
	*cursor = view_of(p + len, cursor->len - header - (size_t)len);
	if ((kind & V_ASN1_CONSTRUCTED) == 0)
		return true;
	if (class == V_ASN1_UNIVERSAL && tag != V_ASN1_SEQUENCE && tag != V_ASN1_SET)
		return false;
	for (struct view inner = view_of(p, (size_t)len); inner.len > 0;)
		if (!openssl_element(&inner, depth + 1))
			return false;
	return true;
}

static bool
openssl_is_strict(struct view der)
{
	bool strict = openssl_element(&der, 0) && der.len == 0;

	ERR_clear_error();
	return strict;
}

static size_t taken, refused;

static void
compare(struct view der)
{
	bool strict = pkix_der_is_strict(der);

	assert_int_equal(strict, openssl_is_strict(der));
	assert_int_equal(ERR_peek_error(), 0);
	*(strict ? &taken : &refused) += 1;
}

/* Each octet as each other one; cut off behind each. */
static void
compare_changed(struct buf *der)
{
	size_t most = der->len < 400 ? der->len : 400;

	for (size_t i = 0; i < most; i++) {
		uint8_t was = der->ptr[i];
		struct view cut = view_of(der->ptr, i);

		compare(cut);
		for (unsigned v = 0; v < 0x100; v++) {
			der->ptr[i] = (uint8_t)v;
			compare(buf_view(der));
		}
		der->ptr[i] = was;
	}
}

static void
compare_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *d;

	assert_non_null(dir);
	for (int i = 0; i < 4 && (d = readdir(dir)) != NULL;) {
		char path[512];
		struct buf der;
		struct err err;

		snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
		if (d->d_name[0] == '.' || !file_read(path, 65536, &der, &err))
			continue;
		if (der.len > 1 && der.len < 3000) {
			compare_changed(&der);
			i++;
		}
		buf_free(&der);
	}
	closedir(dir);
}

static void
octets_that_are_changed_are_taken_and_refused_alike(void **state)
{
	(void)state;
	compare_folder(SOURCE_DIR "/tests/fuzz/corpus/pkcs10");
	compare_folder(SOURCE_DIR "/tests/fuzz/corpus/crl");
	assert_true(taken > 10000 && refused > 10000);
}

/* Each way to write a length, before as many octets as it may mean. */
static void
lengths_are_taken_and_refused_alike(void **state)
{
	static const uint8_t octets[] = {0, 1, 0x1f, 0x7f, 0x80, 0x81, 0x82, 0xff};
	static const size_t contents[] = {0, 1, 0x7f, 0x80, 0x81, 0x82, 0xff, 0x100, 0x101, 0x180};
	uint8_t der[0x200] = {0};

	(void)state;
	for (unsigned i = 0; i < 8 * 8 * 8 * 8 * 8; i++)
		for (size_t k = 0; k < COUNT_OF(contents) * 5; k++) {
			der[0] = (uint8_t)(i % 2 == 0 ? V_ASN1_OCTET_STRING : octets[i / 2 % 8]);
			der[1] = i % 3 == 0 ? octets[i / 8 % 8] : (uint8_t)(0x80 + i / 8 % 8);
			der[2] = octets[i / 64 % 8];
			der[3] = octets[i / 512 % 8];
			der[4] = octets[i / 4096];
			compare(view_of(der, contents[k / 5] + 2 + k % 5));
		}
}

/* What is read is what OpenSSL reads; `must`: and it is read. */
static bool
compare_time(uint8_t type, const char *text, bool must)
{
	ASN1_TIME *t = ASN1_STRING_type_new(type);
	uint8_t der[32] = {type, (uint8_t)strlen(text)};
	struct tm tm;
	int64_t when;
	bool reads;

	memcpy(der + 2, text, strlen(text));
	reads = der_time(view_of(der, 2 + strlen(text)), &when);
	assert_true(reads || !must);
	ASN1_STRING_set(t, text, -1);
	assert_true(!reads || (ASN1_TIME_to_tm(t, &tm) == 1 && timegm(&tm) == when));
	ERR_clear_error();
	ASN1_STRING_free(t);
	return reads;
}

#define LAST_SHORT_DAY 29219 /* of 2049: RFC 5280 4.1.2.5 */

static void
times_are_those_of_openssl(void **state)
{
	static const int64_t days[] = {-719162, -701265, -25567, -7305, -1, 0, 11016, 11017, 18321,
	    18322, 19782, LAST_SHORT_DAY - 1, LAST_SHORT_DAY, LAST_SHORT_DAY + 1, 47540, 47541,
	    47542, 2932896};
	char text[2 * 16], changed[32];

	(void)state;
	for (int64_t day = -7305; day <= LAST_SHORT_DAY; day++) {
		time_t t = (time_t)(day * 86400 + (day + 7305) * 40503 % 86400);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
		assert_false(compare_time(DER_GENERALIZED_TIME, text, false));
		compare_time(DER_UTC_TIME, text + 2, true);
	}
	for (size_t i = 0; i < COUNT_OF(days); i++) {
		time_t t = (time_t)days[i] * 86400 + 86399;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		snprintf(text, sizeof text, "%04d%02d%02d235959Z", tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday);
		assert_int_equal(compare_time(DER_GENERALIZED_TIME, text, days[i] > LAST_SHORT_DAY),
		    days[i] > LAST_SHORT_DAY);
		for (size_t at = 0; at < strlen(text); at++)
			for (int c = ' '; c < 0x7f; c++) {
				strcpy(changed, text);
				changed[at] = (char)c;
				compare_time(DER_GENERALIZED_TIME, changed, false);
				compare_time(DER_UTC_TIME, changed + 2, false);
			}
	}
}

/* RFC 5280 4.1.2.5, X.690 11.7 and 11.8; what OpenSSL reads as well. */
static void
times_that_are_written_otherwise_are_none(void **state)
{
	static const struct {
		uint8_t type;
		const char *text;
	} none[] = {{DER_UTC_TIME, ""}, {DER_UTC_TIME, "2601010000Z"},
	    {DER_UTC_TIME, "260101000000+0000"}, {DER_UTC_TIME, "260101000060Z"},
	    {DER_UTC_TIME, "260229000000Z"}, {DER_UTC_TIME, "260101240000Z"},
	    {DER_UTC_TIME, "260001000000Z"}, {DER_UTC_TIME, "260100000000Z"},
	    {DER_UTC_TIME, "260431000000Z"}, {DER_UTC_TIME, "260101000000z"},
	    {DER_UTC_TIME, "20260101000000Z"}, {DER_UTC_TIME, " 60101000000Z"},
	    {DER_UTC_TIME, "260101000000ZZ"}, {DER_UTC_TIME, "260101000000"},
	    {DER_GENERALIZED_TIME, "20560101000000.5Z"}, {DER_GENERALIZED_TIME, "20560101000000"},
	    {DER_GENERALIZED_TIME, "205601010000Z"}, {DER_GENERALIZED_TIME, "20560101000000-0100"},
	    {DER_GENERALIZED_TIME, "21000229000000Z"}, {DER_GENERALIZED_TIME, "560101000000Z"},
	    {DER_GENERALIZED_TIME, "20491231235959Z"}, {DER_GENERALIZED_TIME, "00000101000000Z"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(none); i++)
		if (compare_time(none[i].type, none[i].text, false))
			fail_msg("'%s' is a time", none[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(octets_that_are_changed_are_taken_and_refused_alike),
	    cmocka_unit_test(lengths_are_taken_and_refused_alike),
	    cmocka_unit_test(times_are_those_of_openssl),
	    cmocka_unit_test(times_that_are_written_otherwise_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
