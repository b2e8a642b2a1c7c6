/* Texts that may be certified, in every string type and place. */
#include "messages_support.h"

#include <openssl/x509v3.h>

#include "text.h"

/* One DER element of less than 128 bytes. */
static struct buf
element(int tag, struct view content)
{
	uint8_t header[2] = {(uint8_t)tag, (uint8_t)content.len};
	struct buf out = {0};
	struct err err;

	assert_true(content.len < 128);
	must(buf_append(&out, view_of(header, 2), &err) && buf_append(&out, content, &err));
	return out;
}

static struct buf
wrap(int tag, struct buf inner)
{
	struct buf out = element(tag, buf_view(&inner));

	buf_free(&inner);
	return out;
}

/* A Name of one CN: an element of the string type with these bytes. */
static struct buf
name_of(int type, const char *bytes, size_t len)
{
	struct buf value = element(type, view_of(bytes, len)), ava = {0};
	struct err err;

	must(buf_append(&ava, view_of("\x06\x03\x55\x04\x03", 5), &err) &&
	     buf_append(&ava, buf_view(&value), &err));
	buf_free(&value);
	return wrap(0x30, wrap(0x31, wrap(0x30, ava)));
}

static void
names_of_people_are_certified(void **state)
{
	static const char *const good[] = {"user1", "m\u00fcller", "\u0645\u062d\u0645\u062f",
	    "\u05d3\u05d5\u05d3", "\u738b\u5c0f\u660e", "e\u0301", "\U0001f600"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct buf name = name_of(V_ASN1_UTF8STRING, good[i], strlen(good[i]));

		must(pkix_check_name(buf_view(&name), "the subject", &err));
		buf_free(&name);
	}
	must(pkix_check_name(view_of("\x30\x00", 2), "the subject", &err));
}

static void
what_people_do_not_see_is_not_certified_in_any_string_type(void **state)
{
#define ROW(type, bytes)                      \
	{                                     \
		type, bytes, sizeof bytes - 1 \
	}
	static const struct {
		int type;
		const char *bytes;
		size_t len;
	} rows[] = {
	    ROW(V_ASN1_UTF8STRING, "pay\xc2\x9b"
				   "31mRED"),
	    ROW(V_ASN1_UTF8STRING, "pay\u202egpj.exe"),
	    ROW(V_ASN1_UTF8STRING, "a\u200db"),
	    ROW(V_ASN1_UTF8STRING, "so\u00adft"),
	    ROW(V_ASN1_UTF8STRING, "a\u2028b"),
	    ROW(V_ASN1_UTF8STRING, "a\ufdd0"),
	    ROW(V_ASN1_UTF8STRING, "a\xff"),
	    ROW(V_ASN1_UTF8STRING, "a\nb"),
	    ROW(V_ASN1_UTF8STRING, "a\0b"),
	    ROW(V_ASN1_BMPSTRING, "\x00\x61\x20\x2e"),
	    ROW(V_ASN1_BMPSTRING, "\xdb\x40\xdc\x41"),
	    ROW(V_ASN1_BMPSTRING, "\xdb\x40"),
	    ROW(V_ASN1_BMPSTRING, "\xd8\x3e\xdd\x8a"), /* a fox */
	    ROW(V_ASN1_UNIVERSALSTRING, "\x00\x00\x20\x2e"),
	    ROW(V_ASN1_T61STRING, "a\x9b"
				  "31m"),
	    ROW(V_ASN1_T61STRING, "a\xad"),
	    ROW(V_ASN1_IA5STRING, "a\x7f"),
	    ROW(V_ASN1_PRINTABLESTRING, "a\x1b"),
	    ROW(V_ASN1_VISIBLESTRING, "a\x85"),
	    ROW(V_ASN1_GENERALSTRING, "a\x1b"),
	};
#undef ROW
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf name = name_of(rows[i].type, rows[i].bytes, rows[i].len);

		must_fail(pkix_check_name(buf_view(&name), "the subject", &err),
		    CERTSRV_E_BAD_REQUESTSUBJECT);
		assert_int_equal(strncmp(err.msg, "the subject: CN \"", 17), 0);
		buf_free(&name);
	}
	must_fail(pkix_check_name(view_of("\x30\x05", 2), "the subject", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	must_fail(
	    pkix_check_name((struct view){0}, "the subject", &err), CERTSRV_E_BAD_REQUESTSUBJECT);
}

/* What is wrong with which text, and where it stands. */
static void
a_text_that_is_not_of_its_type_is_told_by_field_and_reason(void **state)
{
#define ROW(type, bytes, why)                      \
	{                                          \
		type, bytes, sizeof bytes - 1, why \
	}
	static const struct {
		int type;
		const char *bytes;
		size_t len;
		const char *why;
	} rows[] = {
	    ROW(V_ASN1_UTF8STRING, "Ana \xff", "CN \"Ana \\xff\" is not UTF-8"),
	    ROW(V_ASN1_UTF8STRING, "\xed\xa0\xbe\xed\xb6\x8a", "is not UTF-8"), /* CESU-8 */
	    ROW(V_ASN1_UTF8STRING, "\xc0\xaf", "is not UTF-8"),                 /* overlong */
	    ROW(V_ASN1_BMPSTRING, "\0a\0", "ends in half a character"),
	    ROW(V_ASN1_BMPSTRING, "\0a\xd8\x3e", "one surrogate without the other"),
	    ROW(V_ASN1_BMPSTRING, "\xdd\x8a\0a", "one surrogate without the other"),
	    ROW(V_ASN1_BMPSTRING, "\xdd\x8a\xd8\x3e", "one surrogate without the other"),
	    ROW(V_ASN1_BMPSTRING, "\xd8\x3e\xdd\x8a", "beyond U+FFFF"),
	    ROW(V_ASN1_UNIVERSALSTRING, "\0\0\0", "a part of a character"),
	    ROW(V_ASN1_UNIVERSALSTRING, "\0\0\xd8\x3e", "is no text"),
	    ROW(V_ASN1_UNIVERSALSTRING, "\0\x11\0\0", "is no text"), /* over U+10FFFF */
	    ROW(V_ASN1_T61STRING, "a\0b", "holds a control character"),
	    ROW(V_ASN1_IA5STRING, "M\xc3\xbcller",
		"has characters that its string type, IA5String"),
	    ROW(V_ASN1_PRINTABLESTRING, "M\xfcller", "string type, PrintableString"),
	};
#undef ROW
	static const char upn[] = "\x30\x16\xa0\x14\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02"
				  "\x03\xa0\x06\x0c\x04"
				  "a@\xff"
				  "b",
			  mail[] = "\x30\x07\x81\x05j\xc3\xbc@b",
			  dns[] = "\x30\x07\x82\x02"
				  "ab\x82\x01\x07";
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf name = name_of(rows[i].type, rows[i].bytes, rows[i].len);

		must_fail(pkix_check_name(buf_view(&name), "the subject", &err),
		    CERTSRV_E_BAD_REQUESTSUBJECT);
		if (strncmp(err.msg, "the subject: CN \"", 17) != 0 ||
		    strstr(err.msg, rows[i].why) == NULL)
			fail_msg("%zu: %s", i, err.msg);
		buf_free(&name);
	}
	must_fail(pkix_check_general_names(view_of(upn, sizeof upn - 1), "the SAN", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_string_equal(
	    err.msg, "the SAN: UPN \"a@\\xffb\" is not UTF-8, as a UTF8String must be");
	must_fail(pkix_check_general_names(view_of(mail, sizeof mail - 1), "the SAN", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_non_null(
	    strstr(err.msg, "the SAN: rfc822Name \"j\u00fc@b\" has letters beyond ASCII"));
	must_fail(pkix_check_general_names(view_of(dns, sizeof dns - 1), "the SAN", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_non_null(strstr(err.msg, "the SAN: dNSName \"\\u0007\" holds a control character"));
}

/* GeneralNames by OpenSSL's own words for them. */
static struct buf
san_of(const char *words)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, words);
	struct buf out = {0};
	struct err err;

	assert_non_null(x);
	must(buf_dup(view_of(ASN1_STRING_get0_data(X509_EXTENSION_get_data(x)),
			 (size_t)ASN1_STRING_length(X509_EXTENSION_get_data(x))),
	    &out, &err));
	X509_EXTENSION_free(x);
	return out;
}

static void
alternative_names_are_looked_into(void **state)
{
	static const struct {
		const char *words;
		bool good;
	} rows[] = {
	    {"DNS:a.example,email:a@b.example,IP:10.0.0.9,URI:http://a/,RID:1.2.3", true},
	    {"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:m\u00fcller@b.example", true},
	    {"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a\u202eb@c.example", false},
	    {"otherName:1.2.3;IA5:a\x7f", false},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf san = san_of(rows[i].words);

		if (rows[i].good)
			must(pkix_check_general_names(buf_view(&san), "the SAN", &err));
		else
			must_fail(pkix_check_general_names(buf_view(&san), "the SAN", &err),
			    CERTSRV_E_BAD_REQUESTSUBJECT);
		buf_free(&san);
	}
	/* What is no text is no such name at all with these octets (test_pkix_bounds.c). */
	for (int tag = 0x80; tag <= 0x88; tag++) {
		struct buf san = wrap(0x30, element(tag, view_of("a\x9b", 2)));
		bool text = tag == 0x81 || tag == 0x82 || tag == 0x86;

		must_fail(pkix_check_general_names(buf_view(&san), "the SAN", &err),
		    CERTSRV_E_BAD_REQUESTSUBJECT);
		assert_int_equal(strstr(err.msg, "U+009B") != NULL, text);
		buf_free(&san);
	}
}

/* directoryName, and an otherName with a text deep inside. */
static void
nested_texts_are_found(void **state)
{
	static const char directory[] = "\x30\x15\xa4\x13\x30\x11\x31\x0f\x30\x0d\x06\x03\x55\x04"
					"\x03\x0c\x06"
					"a\xe2\x80\xae"
					"bc",
			  other[] = "\x30\x10\xa0\x0e\x06\x02\x2a\x03\xa0\x08\x30\x06\xa0\x04\x1b"
				    "\x02"
				    "a\x1b";
	struct err err;

	(void)state;
	must_fail(
	    pkix_check_general_names(view_of(directory, sizeof directory - 1), "the SAN", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	assert_non_null(strstr(err.msg, "U+202E"));
	must_fail(pkix_check_general_names(view_of(other, sizeof other - 1), "the SAN", &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
}

static void
names_of_the_directory_are_checked_as_they_become_der(void **state)
{
	struct buf der = {0};
	struct err err;

	(void)state;
	must_fail(
	    pkix_name_from_dn("CN=a\u202eb,DC=c", NULL, &der, &err), CERTSRV_E_BAD_REQUESTSUBJECT);
	must_fail(pkix_name_from_dn("CN=a\\E2\\80\\AEb,DC=c", NULL, &der, &err),
	    CERTSRV_E_BAD_REQUESTSUBJECT);
	must_fail(
	    pkix_name_from_dn("CN=a", "a\xc2\x9b@b.c", &der, &err), CERTSRV_E_BAD_REQUESTSUBJECT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_people_are_certified),
	    cmocka_unit_test(what_people_do_not_see_is_not_certified_in_any_string_type),
	    cmocka_unit_test(a_text_that_is_not_of_its_type_is_told_by_field_and_reason),
	    cmocka_unit_test(alternative_names_are_looked_into),
	    cmocka_unit_test(nested_texts_are_found),
	    cmocka_unit_test(names_of_the_directory_are_checked_as_they_become_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
