/* What names that others made must keep to beside being names. */
#include "messages_support.h"

/* DER by the notation of support_der. */
static void
check(bool is_san, const char *der_words, const char *why)
{
	const char *at = der_words;
	struct buf der = support_der(&at);
	struct err err;
	bool ok = is_san ? pkix_check_general_names(buf_view(&der), "it", &err)
			 : pkix_check_name(buf_view(&der), "it", &err);

	if (why == NULL && !ok)
		fail_msg("%s: %s", der_words, err.msg);
	if (why != NULL) {
		if (ok || strstr(err.msg, why) == NULL)
			fail_msg("%s: %s", der_words, ok ? "taken" : err.msg);
		assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSUBJECT);
	}
	buf_free(&der);
}

/* A Name of one attribute: so many times a text, in a string type. */
static void
check_attribute(const char *oid, int tag, const char *text, size_t repeat, const char *why)
{
	struct buf value = {0};
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
	X509_NAME *name = X509_NAME_new();
	X509_NAME_ENTRY *entry;
	uint8_t *der = NULL;
	struct err err;
	int len;

	for (size_t i = 0; i < repeat; i++)
		must(buf_append(&value, view_str(text), &err));
	entry = X509_NAME_ENTRY_create_by_OBJ(
	    NULL, type, tag, repeat > 0 ? value.ptr : (const uint8_t *)"", (int)value.len);
	if (X509_NAME_add_entry(name, entry, -1, 0) != 1)
		fail_msg("%s, tag %d: no entry", oid, tag);
	len = i2d_X509_NAME(name, &der);
	if (pkix_check_name(view_of(der, (size_t)len), "the subject", &err) != (why == NULL))
		fail_msg("%s, tag %d, \"%s\": %s", oid, tag, text, why == NULL ? err.msg : "taken");
	if (why != NULL && strstr(err.msg, why) == NULL)
		fail_msg("%s, tag %d, \"%s\": %s", oid, tag, text, err.msg);
	OPENSSL_free(der);
	X509_NAME_ENTRY_free(entry);
	X509_NAME_free(name);
	ASN1_OBJECT_free(type);
	buf_free(&value);
}

#define CN    "2.5.4.3"
#define C     "2.5.4.6"
#define O     "2.5.4.10"
#define SN_NO "2.5.4.5"
#define DC    "0.9.2342.19200300.100.1.25"
#define E     "1.2.840.113549.1.9.1"

static void
attributes_keep_to_their_bounds_and_types(void **state)
{
	static const struct {
		const char *oid;
		int tag;
		const char *text;
		size_t repeat;
		const char *why;
	} rows[] = {
	    {CN, V_ASN1_UTF8STRING, "a", 64, NULL},
	    {CN, V_ASN1_UTF8STRING, "a", 65, "CN \"aaa"},
	    {CN, V_ASN1_UTF8STRING, "a", 5000, "has 5000 characters"},
	    /* characters, not octets */
	    {CN, V_ASN1_UTF8STRING, "\303\274", 64, NULL},
	    {CN, V_ASN1_UTF8STRING, "\360\240\256\267", 64, NULL},
	    {CN, V_ASN1_UTF8STRING, "\303\274", 65, "65"},
	    {CN, V_ASN1_UTF8STRING, "a", 0, "CN is empty"},
	    {CN, V_ASN1_PRINTABLESTRING, "max@nwtraders.com", 1,
		"CN \"max@nwtraders.com\" has characters that its string type, PrintableString"},
	    {CN, V_ASN1_PRINTABLESTRING, "O'Neil (b) + c, d-e./f:g=h?", 1, NULL},
	    {CN, V_ASN1_PRINTABLESTRING, "a_b", 1, "string type"},
	    {CN, V_ASN1_PRINTABLESTRING, "a*b", 1, "string type"},
	    {CN, V_ASN1_IA5STRING, "a", 1, "DirectoryString"},
	    {CN, V_ASN1_NUMERICSTRING, "1", 1, "DirectoryString"},
	    {CN, V_ASN1_T61STRING, "a\344", 1, NULL},
	    {O, V_ASN1_UTF8STRING, "o", 65, "O \"ooo"},
	    {C, V_ASN1_PRINTABLESTRING, "DE", 1, NULL},
	    {C, V_ASN1_PRINTABLESTRING, "DEU", 1, "C \"DEU\" is no country code"},
	    {C, V_ASN1_PRINTABLESTRING, "D", 1, "country"},
	    {C, V_ASN1_PRINTABLESTRING, "4:", 1, "country"},
	    {C, V_ASN1_UTF8STRING, "DE", 1, "C \"DE\" is no PrintableString"},
	    {SN_NO, V_ASN1_PRINTABLESTRING, "4711", 1, NULL},
	    {SN_NO, V_ASN1_UTF8STRING, "4711", 1, "PrintableString"},
	    {SN_NO, V_ASN1_PRINTABLESTRING, "1", 65, "65"},
	    {DC, V_ASN1_IA5STRING, "nwtraders", 1, NULL},
	    {DC, V_ASN1_UTF8STRING, "nwtraders", 1, "IA5String"},
	    {E, V_ASN1_IA5STRING, "max@nwtraders.com", 1, NULL},
	    {E, V_ASN1_IA5STRING, "n/a", 1, "E \"n/a\" has no \"@\""},
	    {E, V_ASN1_IA5STRING, "j\303\274@b", 1, "E \"j\303\274@b\" has characters that its"},
	    {E, V_ASN1_UTF8STRING, "max@nwtraders.com", 1, "IA5String"},
	    /* a type that nobody knows: whatever is in its own alphabet */
	    {"1.2.3.4", V_ASN1_UTF8STRING, "x", 5000, NULL},
	    {"1.2.3.4", V_ASN1_IA5STRING, "a@b", 1, NULL},
	    {"1.2.3.4", V_ASN1_IA5STRING, "\344", 1, "1.2.3.4 \"\\xe4\" has characters"},
	    {"1.2.3.4", V_ASN1_NUMERICSTRING, "1 2", 1, NULL},
	    {"1.2.3.4", V_ASN1_NUMERICSTRING, "1a", 1, "string type"},
	    {"1.2.3.4", V_ASN1_UTF8STRING, "x", 0, "empty"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_attribute(
		    rows[i].oid, rows[i].tag, rows[i].text, rows[i].repeat, rows[i].why);
}

static void
components_hold_each_type_once_and_one_at_least(void **state)
{
	(void)state;
	check(false, "30( 31( 30( 0603550403 0c( 61 ) ) 30( 060355040a 0c( 62 ) ) ) )", NULL);
	check(false, "30( 31( 30( 0603550403 0c( 61 ) ) ) 31( 30( 0603550403 0c( 61 ) ) ) )", NULL);
	check(false, "30( 31( 30( 0603550403 0c( 61 ) ) 30( 0603550403 0c( 62 ) ) ) )", "twice");
	check(false,
	    "30( 31( 30( 0603550403 0c( 61 ) ) 30( 060355040a 0c( 62 ) ) 30( 0603550403 0c( 63 ) ) "
	    ") )",
	    "twice");
	check(false, "30( 31( ) )", "without an attribute");
	check(false, "30( 31( 30( 0603550403 0c( 61 ) ) ) 31( ) )", "without an attribute");
	check(false, "30( 31( ) 31( 30( 0603550403 0c( 61 ) ) ) )", "without an attribute");
	check(false, "30( 31( 30( 0603550403 ) ) )", "no name");
	check(false, "30( 31( 30( 0603550403 1a( 61 ) ) ) )", "no name"); /* VisibleString */
	check(false, "30( 30( 0603550403 0c( 61 ) ) )", "no name");
}

static void
alternative_names_are_of_their_forms(void **state)
{
	(void)state;
	/* a.b, *.a.b, 10.0.0.1, an IPv6 address, a@b, urn:a, CN=a, UPN */
	check(true,
	    "30( 82( 612e62 ) 82( 2a2e612e62 ) 87( 0a000001 ) "
	    "87( 20010db8000000000000000000000001 ) 81( 614062 ) 86( 75726e3a61 ) "
	    "a4( 30( 31( 30( 0603550403 0c( 61 ) ) ) ) ) "
	    "a0( 060a2b060104018237140203 a0( 0c( 614062 ) ) ) 88( 2a03 ) )",
	    NULL);
	check(true, "30( )", "holds no name");
	check(true, "30( 82( 612e2e62 ) )", "dNSName \"a..b\" has an empty label");
	check(true, "30( 82( 612e62 ) 82( ) )", "dNSName \"\" is empty");
	check(true, "30( 82( 6d c3bc ) )", "dNSName");
	check(true, "30( 82( 612c2062 ) )", "dNSName \"a, b\" has a blank");
	check(true, "30( 87( 0102030405 ) )", "5 octets");
	check(true, "30( 87( ) )", "0 octets");
	check(true, "30( 87( 0a00000affffff00 ) )", "8 octets"); /* a range of nameConstraints */
	check(true, "30( 81( 6e2f61 ) )", "rfc822Name \"n/a\" has no \"@\"");
	check(true, "30( 81( 6140783b624078 ) )", "rfc822Name \"a@x;b@x\"");
	check(true, "30( 86( 612e62 ) )", "URI \"a.b\" has no scheme");
	check(true, "30( a4( 30( ) ) )", "directoryName is empty");
	check(true, "30( a4( 30( 31( 30( 0603550406 13( 444555 ) ) ) ) ) )", "DEU");
	check(true, "30( a0( 060a2b060104018237140203 a0( 0c( ) ) ) )", "UPN is empty");
	check(true, "30( a0( 060a2b060104018237140203 a0( 16( 614062 ) ) ) )", "UTF8String");
	check(true, "30( a0( 060a2b060104018237140203 a0( 0402 0102 ) ) )", "UTF8String");
	check(true, "30( 89( 61 ) )", "no list of names");
	check(true, "30( 80( 61 ) )", "no list of names");
	check(true, "31( 82( 612e62 ) )", "no list of names");
	check(true, "30( 30( 82( 612e62 ) ) )", "no list of names");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(attributes_keep_to_their_bounds_and_types),
	    cmocka_unit_test(components_hold_each_type_once_and_one_at_least),
	    cmocka_unit_test(alternative_names_are_of_their_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
