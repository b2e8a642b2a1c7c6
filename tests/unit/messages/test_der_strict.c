/*
 * Strict DER is what OpenSSL's reader of heads takes and its counter of octets writes: held over
 * each way in which an octet of real messages can be another, and over what is cut off.
 */
#include "messages_support.h"

#include <dirent.h>
#include <openssl/asn1.h>
#include <openssl/err.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(octets_that_are_changed_are_taken_and_refused_alike),
	    cmocka_unit_test(lengths_are_taken_and_refused_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
