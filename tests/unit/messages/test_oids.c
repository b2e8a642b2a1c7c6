#include "messages_support.h"

static void
every_identifier_has_its_own_nid(void **state)
{
	struct err err;

	(void)state;
	must(oids_init(&err));
	for (int i = 0; i < OID_COUNT; i++) {
		assert_int_not_equal(oid_nid((enum oid_id)i), NID_undef);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(oid_nid((enum oid_id)i), oid_nid((enum oid_id)j));
	}
}

static void
nid_and_dotted_number_name_one_object(void **state)
{
	char text[80];
	struct err err;

	(void)state;
	must(oids_init(&err));
	for (int i = 0; i < OID_COUNT; i++) {
		assert_int_equal(OBJ_txt2nid(oid_dotted((enum oid_id)i)), oid_nid((enum oid_id)i));
		assert_true(
		    OBJ_obj2txt(text, sizeof text, OBJ_nid2obj(oid_nid((enum oid_id)i)), 1) > 0);
		assert_string_equal(text, oid_dotted((enum oid_id)i));
		assert_true(view_eq(oid_octets((enum oid_id)i),
		    view_of(OBJ_get0_data(OBJ_nid2obj(oid_nid((enum oid_id)i))),
			OBJ_length(OBJ_nid2obj(oid_nid((enum oid_id)i))))));
	}
}

static void
registering_again_changes_nothing(void **state)
{
	struct err err;
	int before = 0;

	(void)state;
	must(oids_init(&err));
	before = oid_nid(OID_ARCHIVED_KEY_ATTR);
	must(oids_init(&err));
	assert_int_equal(oid_nid(OID_ARCHIVED_KEY_ATTR), before);
}

static void
what_openssl_knows_keeps_its_nid(void **state)
{
	struct err err;

	(void)state;
	must(oids_init(&err));
	assert_int_equal(oid_nid(OID_CT_PKI_DATA), NID_id_cct_PKIData);
	assert_int_equal(oid_nid(OID_CMC_STATUS_INFO), NID_id_cmc_statusInfo);
}

static void
texts_are_those_of_openssl(void **state)
{
	static const char *const rows[] = {"0.0", "0.39", "1.0", "1.39.0", "2.0", "2.39.1", "2.40",
	    "2.999", "2.5.4.3", "1.2.840.113549.1.9.16.2.12", "1.3.127", "1.3.128.16383.16384",
	    "1.3.9223372036854775807.1", "1.3.9223372036854775808.1", "2.9223372036854775727",
	    "2.9223372036854775728", "1.3.18446744073709551616",
	    "2.25.329800735698586629295641978511506172918.7", DIRCA_ARC ".4.9"};
	char theirs[128], ours[128];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ASN1_OBJECT *o = OBJ_txt2obj(rows[i], 1);
		size_t len = strlen(rows[i]);

		assert_int_equal(OBJ_obj2txt(theirs, sizeof theirs, o, 1), len);
		assert_string_equal(theirs, rows[i]);
		for (size_t size = 1; size <= len; size++)
			assert_false(oid_text(o, ours, size));
		assert_true(oid_text(o, ours, len + 1));
		assert_string_equal(ours, rows[i]);
		ASN1_OBJECT_free(o);
	}
}

static void
identifier_outside_the_table_is_undefined(void **state)
{
	(void)state;
	assert_int_equal(oid_nid(OID_COUNT), NID_undef);
	assert_null(oid_dotted(OID_COUNT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_identifier_has_its_own_nid),
	    cmocka_unit_test(nid_and_dotted_number_name_one_object),
	    cmocka_unit_test(registering_again_changes_nothing),
	    cmocka_unit_test(what_openssl_knows_keeps_its_nid),
	    cmocka_unit_test(texts_are_those_of_openssl),
	    cmocka_unit_test(identifier_outside_the_table_is_undefined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
