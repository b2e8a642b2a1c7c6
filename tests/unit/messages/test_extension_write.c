/* Extensions that are written octet by octet are those that OpenSSL's structures encode. */
#include "messages_support.h"

#include "extension.h"
#include "extension_write.h"

static const uint8_t guid[16] = {0xf6, 0x8f, 0x84, 0x80};

/* Frees both. */
static void
same(struct der_out *o, ext_list *list)
{
	struct buf made, expected;
	struct err err;

	must(der_done(o, &made, &err));
	must(pkix_extensions_encode(list, &expected, &err));
	assert_true(view_eq(buf_view(&made), buf_view(&expected)));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&made);
	buf_free(&expected);
}

static ext_list *
marked(ext_list *list, bool critical)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++)
		X509_EXTENSION_set_critical(sk_X509_EXTENSION_value(list, i), critical);
	return list;
}

static void
key_identifier_and_sid_are_written_as_they_are_pushed(void **state)
{
	static const char longest[] = "S-1-5-21-4294967295-4294967295-4294967295-4294967295-"
				      "4294967295-4294967295-4294967295-4294967295-4294967295-1";
	const char *const sids[] = {"", "S-1-5-21-1-2-3-1104", longest};
	uint8_t id[200] = {1, 2, 3};
	struct err err;

	(void)state;
	for (int critical = 0; critical < 2; critical++) {
		for (size_t len = 0; len <= sizeof id; len += 20) {
			struct der_out o = {0};
			ext_list *list = sk_X509_EXTENSION_new_null();

			ext_put_ski(&o, critical, view_of(id, len));
			must(ext_push_ski(list, view_of(id, len), &err));
			same(&o, marked(list, critical));
		}
		for (size_t i = 0; i < sizeof sids / sizeof sids[0]; i++) {
			struct der_out o = {0};
			ext_list *list = sk_X509_EXTENSION_new_null();

			ext_put_sid(&o, critical, sids[i]);
			must(ext_push_sid(list, sids[i], &err));
			same(&o, marked(list, critical));
		}
	}
}

static void
any_value_is_written_as_it_is_pushed(void **state)
{
	uint8_t value[300] = {0x30};
	struct err err;

	(void)state;
	for (int critical = 0; critical < 2; critical++)
		for (size_t len = 0; len <= sizeof value; len++) {
			struct der_out o = {0};
			ext_list *list = sk_X509_EXTENSION_new_null();

			ext_put(&o, oid_octets(OID_NTDS_CA_SECURITY_EXT), critical,
			    view_of(value, len));
			must(pkix_ext_push(list, oid_dotted(OID_NTDS_CA_SECURITY_EXT), critical,
			    view_of(value, len), &err));
			same(&o, list);
		}
}

/* All kinds of them, texts of `len`. */
static void
same_names(size_t len, bool critical)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	ext_list *list = sk_X509_EXTENSION_new_null();
	struct der_out o = {0}, san = {0};
	char *text = calloc(1, len + 1);
	struct buf value;
	struct err err;
	size_t at;

	memset(text, 'x', len);
	must(ext_add_upn(names, text, &err));
	must(ext_add_name(names, GEN_EMAIL, text, &err));
	must(ext_add_name(names, GEN_DNS, text, &err));
	must(ext_add_guid(names, guid, &err));
	must(ext_push_san(list, names, critical, &err));
	at = der_open(&san, DER_SEQUENCE);
	ext_put_upn(&san, text);
	must(ext_put_email(&san, text, &err));
	must(ext_put_dns(&san, text, &err));
	ext_put_guid(&san, guid);
	der_close(&san, at);
	must(der_done(&san, &value, &err));
	ext_put_san(&o, critical, buf_view(&value));
	same(&o, list);
	GENERAL_NAMES_free(names);
	buf_free(&value);
	free(text);
}

static void
alternative_names_are_written_as_they_are_pushed(void **state)
{
	static const size_t lengths[] = {0, 1, 20, 100, 127, 128, 255, 256, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		for (int critical = 0; critical < 2; critical++)
			same_names(lengths[i], critical);
}

static void
letters_that_an_ascii_name_cannot_have_are_refused(void **state)
{
	struct der_out o = {0};
	struct err err;

	(void)state;
	must(ext_put_email(&o, "user\x7f@example.com", &err));
	must_fail(ext_put_email(&o, "m\xc3\xbcller@example.com", &err), ERROR_INVALID_DATA);
	must_fail(ext_put_dns(&o, "m\xc3\xbcller.example.com", &err), ERROR_INVALID_DATA);
	der_out_free(&o);
}

static void
key_identifier_is_of_a_whole_key_alone(void **state)
{
	uint8_t id[KEY_ID_LEN], expected[KEY_ID_LEN];
	EVP_PKEY *key = support_ec("P-256");
	struct buf spki;
	struct err err;
	uint8_t *bits;

	(void)state;
	must(pkix_key_spki(key, &spki, &err));
	bits = memmem(spki.ptr, spki.len, "\x03\x42\x00\x04", 4);
	assert_non_null(bits);
	must(ext_key_id(buf_view(&spki), id, &err));
	assert_int_equal(EVP_Digest(bits + 3, 65, expected, NULL, EVP_sha1(), NULL), 1);
	assert_memory_equal(id, expected, sizeof id);
	for (size_t len = 0; len < spki.len; len++)
		must_fail(ext_key_id(view_of(spki.ptr, len), id, &err), ERROR_INVALID_DATA);
	bits[2] = 1; /* bits that are not used */
	must_fail(ext_key_id(buf_view(&spki), id, &err), ERROR_INVALID_DATA);
	bits[2] = 0;
	must(buf_append(&spki, view_of("", 1), &err));
	must_fail(ext_key_id(buf_view(&spki), id, &err), ERROR_INVALID_DATA);
	must_fail(ext_key_id(view_of("\x30\x0a\x30\x04\x06\x02\x2a\x03\x03\x02\x00\x01\x00", 13),
		      id, &err),
	    ERROR_INVALID_DATA);
	must(ext_key_id(view_of("\x30\x0a\x30\x04\x06\x02\x2a\x03\x03\x02\x00\x01", 12), id, &err));
	must_fail(ext_key_id(view_of("\x30\x09\x30\x04\x06\x02\x2a\x03\x03\x01\x00", 11), id, &err),
	    ERROR_INVALID_DATA);
	must_fail(
	    ext_key_id(view_of("\x30\x0a\x30\x04\x04\x02\x2a\x03\x03\x02\x00\x01", 12), id, &err),
	    ERROR_INVALID_DATA);
	buf_free(&spki);
	EVP_PKEY_free(key);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return oids_init(&err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_identifier_and_sid_are_written_as_they_are_pushed),
	    cmocka_unit_test(any_value_is_written_as_it_is_pushed),
	    cmocka_unit_test(alternative_names_are_written_as_they_are_pushed),
	    cmocka_unit_test(letters_that_an_ascii_name_cannot_have_are_refused),
	    cmocka_unit_test(key_identifier_is_of_a_whole_key_alone),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
