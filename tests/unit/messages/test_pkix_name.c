/* Names: RFC 4514 text to DER, DER to the text that administrators read. */
#include "messages_support.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "pkix_name.h"
#include "text.h"

static void
check_name(const char *dn, const char *email, const char *want)
{
	struct buf der = {0};
	struct err err;
	char *text = NULL;

	must(pkix_name_from_dn(dn, email, &der, &err));
	text = pkix_name_text(buf_view(&der));
	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
	buf_free(&der);
}

static void
directory_name_becomes_a_certificate_name(void **state)
{
	(void)state;
	check_name("CN=user1,CN=Users,DC=nwtraders,DC=com", NULL,
	    "CN=user1, CN=Users, DC=nwtraders, DC=com");
	check_name("CN=user1,CN=Users,DC=nwtraders,DC=com", "user1@nwtraders.com",
	    "E=user1@nwtraders.com, CN=user1, CN=Users, DC=nwtraders, DC=com");
	check_name("cn=u , ou = Sales+o= X ,c=DE", NULL,
	    "CN=u, OU=Sales+O=X, C=DE"); /* case, spaces, an RDN of two values */
	check_name("2.5.4.3=a,OID.2.5.4.10=b,oid.1.2.3.4=c", NULL, "CN=a, O=b, 1.2.3.4=c");
	check_name("commonName=a,G=b,S=c,T=d,surname=e,countryName=us", NULL,
	    "CN=a, GN=b, ST=c, title=d, SN=e, C=us");
	check_name("CN=Max Given+givenName=Max,O=x", NULL, "CN=Max Given+GN=Max, O=x");
	check_name("serialNumber=4711+CN=x", NULL, "serialNumber=4711+CN=x");
	check_name("dnQualifier=q,initials=i,generationQualifier=III,pseudonym=p,postalCode=1",
	    NULL, "dnQualifier=q, initials=i, generationQualifier=III, pseudonym=p, postalCode=1");
	check_name("cn=Max+employeeNumber=4711,mail=a@b.c,2.5.4.97=VATDE-1", NULL,
	    "employeeNumber=4711+CN=Max, mail=a@b.c, organizationIdentifier=VATDE-1");
	check_name("CN=#0C0161 , O=#1e0400e4265f+OU=x,1.2.3=#160140", NULL,
	    "CN=a, O=\xc3\xa4\xe2\x99\x9f+OU=x, 1.2.3=@");
	check_name("UID=u,SN=s,GN=g,STREET=t,title=Dr,L=l,ST=st,O=o", NULL,
	    "UID=u, SN=s, GN=g, STREET=t, title=Dr, L=l, ST=st, O=o");
	check_name("emailAddress=a@b.c,E=d@e.f,CN=x", NULL, "E=a@b.c, E=d@e.f, CN=x");
	check_name("", NULL, "");
	check_name("", "a@b.c", "E=a@b.c");
}

static void
escapes_of_rfc_4514_are_undone_and_redone(void **state)
{
	(void)state;
	check_name("CN=Doe\\, Jane,DC=a", NULL, "CN=Doe\\, Jane, DC=a");
	check_name("CN=Doe\\2C Jane,DC=a", NULL, "CN=Doe\\, Jane, DC=a");
	check_name("CN=\\20a\\ ,DC=a", NULL, "CN=\\ a\\ , DC=a");
	check_name("CN=\\#1,DC=a", NULL, "CN=\\#1, DC=a");
	check_name("CN=a\\=b\\+c\\\"d\\\\e\\<f\\>g\\;h", NULL, "CN=a=b\\+c\\\"d\\\\e\\<f\\>g\\;h");
	check_name("CN=Lu\\C4\\8Di\\C4\\87,DC=a", NULL, "CN=Lu\xc4\x8di\xc4\x87, DC=a");
	check_name("CN=Lu\xc4\x8di\xc4\x87,DC=a", NULL, "CN=Lu\xc4\x8di\xc4\x87, DC=a");
	check_name("CN=a=b", NULL, "CN=a=b");
}

static void
malformed_names_are_refused(void **state)
{
	static const char *const rows[] = {
	    "CN",
	    "CN=",
	    "CN= ",
	    "=a",
	    ",CN=a",
	    "CN=a,",
	    "CN=a,,CN=b",
	    "CN=a+",
	    "CN=a\\",
	    "CN=a\\4",
	    "CN=a\\g0",
	    "CN=a;CN=b",
	    "CN=\"a\"",
	    "CN=<a>",
	    "CN=#0402",     /* no DER */
	    "CN=#040141",   /* an OCTET STRING is no text */
	    "CN=#160161",   /* no DirectoryString */
	    "CN=#0c01",     /* cut off */
	    "CN=#0c0161zz", /* and more */
	    "CN=#0c01610c", /* two elements */
	    "CN=#0c00",     /* empty */
	    "CN=#0c020a61", /* a control character */
	    "CN=#13014061", /* length */
	    "CN=#130140",   /* no PrintableString */
	    "1.2.3=#1a0161",
	    "CN=#",
	    "XX=a",
	    "3.5.4.3=a",
	    "2.5.4.=a",
	    "2=a",
	    "OID.=a",
	    "OID.cn=a",
	    "serialNumber=\xc3\xa4",
	    "telephoneNumber=a@b",
	    "C=D1",
	    "C=D",
	    "DC=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "E=n/a",
	    "2.5.4.3=a+CN=b",
	    "CN=a\\00b",
	    "CN=a\\0Ab",
	    "CN=\\FF",
	    "CN=a\nb",
	    "CN=a+CN=b",
	    "CN=a+OU=b+CN=c",
	    "C=DEU",
	    "C=D\xc3\x84",
	    "DC=\xc3\xa4",
	    "E=\xc3\xa4@b",
	    "a",
	    "CNCN=a",
	    "CN =",
	};
	struct buf der = {0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (pkix_name_from_dn(rows[i], NULL, &der, &err))
			fail_msg("\"%s\" is accepted", rows[i]);
		assert_int_equal(err.code, CERTSRV_E_BAD_REQUESTSUBJECT);
		assert_null(der.ptr);
	}
	assert_false(pkix_name_from_dn("CN=a", "", &der, &err));
	assert_false(pkix_name_from_dn("CN=a", "b\n@c", &der, &err));
	assert_false(pkix_name_from_dn("CN=a", "\xc3\xa4@c", &der, &err));
}

static void
names_over_the_bounds_are_refused(void **state)
{
	char dn[9000];
	struct buf der = {0};
	struct err err;
	size_t len = 0;

	(void)state;
	memset(dn, 'a', sizeof dn);
	memcpy(dn, "CN=", 3);
	dn[3 + 64] = '\0';
	must(pkix_name_from_dn(dn, NULL, &der, &err));
	buf_free(&der);
	dn[3 + 64] = 'a';
	dn[3 + 65] = '\0'; /* ub-common-name is 64 */
	must_fail(pkix_name_from_dn(dn, NULL, &der, &err), CERTSRV_E_BAD_REQUESTSUBJECT);
	dn[3 + 65] = 'a';
	dn[sizeof dn - 1] = '\0';
	must_fail(pkix_name_from_dn(dn, NULL, &der, &err), CERTSRV_E_BAD_REQUESTSUBJECT);
	for (len = 0; len < 65 * 5; len += 5)
		memcpy(dn + len, "OU=a,", 5);
	dn[len - 1] = '\0';
	must_fail(pkix_name_from_dn(dn, NULL, &der, &err), CERTSRV_E_BAD_REQUESTSUBJECT);
	dn[len - 6] = '\0';
	must(pkix_name_from_dn(dn, NULL, &der, &err));
	buf_free(&der);
}

static void
string_types_follow_the_attribute(void **state)
{
	static const struct {
		const char *dn, *want;
	} rows[] = {
	    {"CN=user1", "30 10 31 0e 30 0c 06 03 55 04 03 13 05 75 73 65 72 31"},
	    {"CN=a_b", "30 0e 31 0c 30 0a 06 03 55 04 03 0c 03 61 5f 62"},
	    {"C=DE", "30 0d 31 0b 30 09 06 03 55 04 06 13 02 44 45"},
	    {"CN=a,DC=b", "30 1f 31 11 30 0f 06 0a 09 92 26 89 93 f2 2c 64 01 19 16 01 62 31 0a 30 "
			  "08 06 03 55 04 03 13 01 61"},
	    {"serialNumber=1", "30 0c 31 0a 30 08 06 03 55 04 05 13 01 31"},
	    {"CN=#0c0161", "30 0c 31 0a 30 08 06 03 55 04 03 0c 01 61"},
	    {"2.5.4.97=a_b", "30 0e 31 0c 30 0a 06 03 55 04 61 0c 03 61 5f 62"},
	    {"E=a@b", "30 14 31 12 30 10 06 09 2a 86 48 86 f7 0d 01 09 01 16 03 61 40 62"},
	    {"OU=b+O=a+L=ab",
		"30 21 31 1f 30 08 06 03 55 04 0a 13 01 61 30 08 06 03 55 04 0b 13 01 62 "
		"30 09 06 03 55 04 07 13 02 61 62"},
	    {"", "30 00"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf der = {0};
		char *hex = NULL;

		must(pkix_name_from_dn(rows[i].dn, NULL, &der, &err));
		hex = hex_encode(buf_view(&der), ' ');
		assert_string_equal(hex, rows[i].want);
		free(hex);
		buf_free(&der);
	}
}

static void
text_of_a_name_cannot_be_forged(void **state)
{
	/* a CN that holds ", DC=evil", an unknown type, a value with a control character */
	static const char *const name =
	    "30( 31( 30( 0603550403 0c( 612c2044433d6576696c ) ) ) "
	    "31( 30( 06032a0304 13( 78 ) ) ) 31( 30( 0603550403 0c( 610a ) ) ) )";
	const char *at = name;
	struct buf der = support_der(&at);
	char *text = pkix_name_text(buf_view(&der));

	(void)state;
	assert_string_equal(text, "CN=#0c02610a, 1.2.3.4=x, CN=a\\, DC=evil");
	free(text);
	/* the most specific CN is the one with the control character: not shown as text */
	assert_null(pkix_name_value(buf_view(&der), NID_commonName));
	for (size_t len = 0; len < der.len; len++)
		assert_null(pkix_name_text(view_of(der.ptr, len)));
	buf_free(&der);
}

static void
each_type_has_its_own_encoding(void **state)
{
	(void)state;
	for (const struct pkix_attr_type *t = pkix_attr_types; t->name != NULL; t++) {
		ASN1_OBJECT *o = OBJ_txt2obj(t->oid, 1);
		uint8_t *der = NULL;
		int len = i2d_ASN1_OBJECT(o, &der);

		assert_true(len > 0 && view_eq(view_str(t->der), view_of(der, (size_t)len)));
		assert_int_equal(
		    pkix_type_is(view_str(t->der), OBJ_obj2nid(o)), OBJ_obj2nid(o) != NID_undef);
		assert_false(pkix_type_is(view_str(t->der), NID_pseudonym) &&
			     strcmp(t->name, "pseudonym") != 0);
		assert_string_equal(pkix_attr_type_of(view_of(der, (size_t)len))->oid, t->oid);
		assert_null(pkix_attr_type_of(view_of(der, (size_t)len - 1)));
		OPENSSL_free(der);
		ASN1_OBJECT_free(o);
	}
}

/* The octets that OpenSSL makes of what it reads there; 0: nothing. */
static size_t
openssl_again(struct view der, uint8_t **out)
{
	const uint8_t *p = der.ptr;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
	int len = -1;

	*out = NULL;
	if (name != NULL && p == der.ptr + der.len)
		len = i2d_X509_NAME(name, out);
	X509_NAME_free(name);
	ERR_clear_error();
	return len > 0 ? (size_t)len : 0;
}

/* What one of the two reads, and is DER, the other one reads; but OpenSSL takes a SEQUENCE without
 * the bit that says that it holds elements (`whole`: that was not touched). */
static void
assert_reads_as_openssl(struct view der, bool whole)
{
	struct pkix_avas avas;
	bool read = pkix_name_read(der, &avas);
	uint8_t *again;
	size_t len = openssl_again(der, &again);

	assert_false(read && len == 0);
	assert_true(read || !whole || len == 0 || !view_eq(view_of(again, len), der));
	OPENSSL_free(again);
	pkix_avas_free(&avas);
}

static void
names_are_read_and_written_as_by_openssl(void **state)
{
	static const char *const dns[] = {"CN=user1,OU=b+O=a+L=ab,DC=nwtraders,DC=com",
	    "serialNumber=1+CN=b,C=DE", "2.5.4.97=ab,1.2.3.4=#1e020041,E=a@b.c", ""};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof dns / sizeof dns[0]; i++) {
		struct buf der = {0};
		uint8_t *again;
		size_t len;

		must(pkix_name_from_dn(dns[i], NULL, &der, &err));
		len = openssl_again(buf_view(&der), &again);
		assert_true(view_eq(view_of(again, len), buf_view(&der)));
		OPENSSL_free(again);
		for (size_t bit = 0; bit < 8 * der.len; bit++) {
			der.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_reads_as_openssl(buf_view(&der), bit % 8 != 5);
			der.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 0; cut < der.len; cut++)
			assert_reads_as_openssl(view_of(der.ptr, cut), true);
		buf_free(&der);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(directory_name_becomes_a_certificate_name),
	    cmocka_unit_test(escapes_of_rfc_4514_are_undone_and_redone),
	    cmocka_unit_test(malformed_names_are_refused),
	    cmocka_unit_test(names_over_the_bounds_are_refused),
	    cmocka_unit_test(string_types_follow_the_attribute),
	    cmocka_unit_test(text_of_a_name_cannot_be_forged),
	    cmocka_unit_test(each_type_has_its_own_encoding),
	    cmocka_unit_test(names_are_read_and_written_as_by_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
