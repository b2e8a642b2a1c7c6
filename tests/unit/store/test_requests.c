/*
 * Request rows: every column comes back, transitions happen once, the database refuses what must
 * not be.
 */
#include "store_priv.h"
#include "store_test.h"
#include "text.h"

static const struct store_request full = {
    .disposition = DISP_REVOKED,
    .disposition_message = (char *)(uintptr_t) "issued; \xc3\xa4",
    .status_code = CERTSRV_E_BAD_REQUESTSTATUS,
    .request_type = CR_IN_CMC,
    .request_flags = 0x80000000u | CR_FLG_VALIDENCRYPTEDKEYHASH,
    .submitted_when = 1,
    .resolved_when = 0x100000000,
    .revoked_when = 3,
    .revoked_effective_when = 4,
    .revoked_reason = 0,
    .requester_name = (char *)(uintptr_t) "NWTRADERS\\user1",
    .caller_name = (char *)(uintptr_t) "NWTRADERS\\agent",
    .requester_sid = (char *)(uintptr_t) "S-1-5-21-1-2-3-1104",
    .requester_dn = (char *)(uintptr_t) "CN=User One,DC=nwtraders,DC=com",
    .caller_sid = (char *)(uintptr_t) "S-1-5-21-1-2-3-1109",
    .template_name = (char *)(uintptr_t) "EFSArchive",
    .template_oid = (char *)(uintptr_t) "1.2.3",
    .enrollment_flags = 0xfffffff1u,
    .general_flags = 0xfffffff2u,
    .private_key_flags = 0xfffffff3u,
    .request_attributes = (char *)(uintptr_t) "CertificateTemplate:EFSArchive\nccm:host\n",
    .raw_request = {.ptr = (uint8_t *)(uintptr_t) "\0req", .len = 4},
    .raw_certificate = {.ptr = (uint8_t *)(uintptr_t) "\0cert", .len = 5},
    .serial_number = (char *)(uintptr_t) "611e23c200030000000e",
    .certificate_hash = {.ptr = (uint8_t *)(uintptr_t) "01234567890123456789", .len = 20},
    .not_before = 5,
    .not_after = 6,
    .subject_key_identifier = (char *)(uintptr_t) "ab cd",
    .upn = (char *)(uintptr_t) "user1@nwtraders.com",
    .common_name = (char *)(uintptr_t) "User One",
    .distinguished_name = (char *)(uintptr_t) "CN=User One",
    .email = (char *)(uintptr_t) "user1@nwtraders.com",
    .raw_public_key = {.ptr = (uint8_t *)(uintptr_t) "spki", .len = 4},
    .public_key_length = 2048,
    .public_key_algorithm = (char *)(uintptr_t) "1.2.840.113549.1.1.1",
    .raw_archived_key = {.ptr = (uint8_t *)(uintptr_t) "\0key\0", .len = 5},
    .key_recovery_hashes = (char *)(uintptr_t) "01 23\nfe dc",
    .key_hash = {.ptr = (uint8_t *)(uintptr_t) "hash of the key blob", .len = 20},
    .public_key_hash = {.ptr = (uint8_t *)(uintptr_t) "SHA-256 of the canonical key info",
	.len = 32},
    .request_hash = {.ptr = (uint8_t *)(uintptr_t) "SHA-256 of the bytes that we got", .len = 32},
};

static void
assert_same_buf(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	if (a->len > 0)
		assert_memory_equal(a->ptr, b->ptr, a->len);
}

static void
assert_same_row(const struct store_request *a, const struct store_request *b, bool whole)
{
	assert_int_equal(a->disposition, b->disposition);
	assert_string_equal(a->disposition_message, b->disposition_message);
	assert_int_equal(a->status_code, b->status_code);
	assert_int_equal(a->request_type, b->request_type);
	assert_int_equal(a->request_flags, b->request_flags);
	assert_int_equal(a->submitted_when, b->submitted_when);
	assert_int_equal(a->resolved_when, b->resolved_when);
	assert_int_equal(a->revoked_when, b->revoked_when);
	assert_int_equal(a->revoked_effective_when, b->revoked_effective_when);
	assert_int_equal(a->revoked_reason, b->revoked_reason);
	assert_string_equal(a->requester_name, b->requester_name);
	assert_string_equal(a->caller_name, b->caller_name);
	assert_string_equal(a->requester_sid, b->requester_sid);
	assert_string_equal(a->requester_dn, b->requester_dn);
	assert_string_equal(a->caller_sid, b->caller_sid);
	assert_string_equal(a->template_name, b->template_name);
	assert_string_equal(a->template_oid, b->template_oid);
	assert_int_equal(a->enrollment_flags, b->enrollment_flags);
	assert_int_equal(a->general_flags, b->general_flags);
	assert_int_equal(a->private_key_flags, b->private_key_flags);
	assert_string_equal(a->request_attributes, b->request_attributes);
	assert_same_buf(&a->raw_certificate, &b->raw_certificate);
	assert_string_equal(a->serial_number, b->serial_number);
	assert_same_buf(&a->certificate_hash, &b->certificate_hash);
	assert_int_equal(a->not_before, b->not_before);
	assert_int_equal(a->not_after, b->not_after);
	assert_string_equal(a->subject_key_identifier, b->subject_key_identifier);
	assert_string_equal(a->upn, b->upn);
	assert_string_equal(a->common_name, b->common_name);
	assert_string_equal(a->distinguished_name, b->distinguished_name);
	assert_string_equal(a->email, b->email);
	assert_same_buf(&a->raw_public_key, &b->raw_public_key);
	assert_int_equal(a->public_key_length, b->public_key_length);
	assert_string_equal(a->public_key_algorithm, b->public_key_algorithm);
	assert_string_equal(a->key_recovery_hashes, b->key_recovery_hashes);
	assert_same_buf(&a->key_hash, &b->key_hash);
	assert_same_buf(&a->public_key_hash, &b->public_key_hash);
	assert_same_buf(&a->request_hash, &b->request_hash);
	if (whole) {
		assert_same_buf(&a->raw_request, &b->raw_request);
		assert_same_buf(&a->raw_archived_key, &b->raw_archived_key);
	}
}

static void
every_column_comes_back(void **state)
{
	struct fixture *f = *state;
	int64_t id = add_row(f, &full);
	struct store_request r;

	reopen(f);
	assert_int_equal(store_get_request(f->store, id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.request_id, id);
	assert_true(r.has_archived_key);
	assert_same_row(&full, &r, true);
	store_request_free(&r);

	assert_int_equal(
	    store_get_by_serial(f->store, "00:61 1E23c2 00030000000E", &r, &f->err), STORE_FOUND);
	assert_same_row(&full, &r, true);
	store_request_free(&r);
}

static void
lists_come_without_the_two_blobs(void **state)
{
	struct fixture *f = *state;
	struct store_requests rs;

	add_row(f, &full);
	assert_ok(f, store_list_requests(f->store, &(struct store_filter){0}, &rs, &f->err));
	assert_int_equal(rs.count, 1);
	assert_same_row(&full, &rs.list[0], false);
	assert_true(rs.list[0].has_archived_key);
	assert_null(rs.list[0].raw_request.ptr);
	assert_null(rs.list[0].raw_archived_key.ptr);
	store_requests_free(&rs);
}

static void
absent_values_come_back_absent(void **state)
{
	struct fixture *f = *state;
	struct store_request in = {.disposition = DISP_ERROR, .upn = TEXT("")}, r;
	int64_t id = add_row(f, &in);

	assert_int_equal(store_get_request(f->store, id, &r, &f->err), STORE_FOUND);
	assert_null(r.upn);
	assert_null(r.requester_name);
	assert_null(r.raw_request.ptr);
	assert_null(r.raw_certificate.ptr);
	assert_int_equal(r.status_code, 0);
	assert_int_equal(r.not_after, 0);
	assert_int_equal(r.revoked_reason, -1);
	assert_false(r.has_archived_key);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RequestBlob"), 0);
	assert_int_equal(
	    raw_number(f, "SELECT count(*) FROM Request WHERE UPN IS NULL AND StatusCode IS NULL"),
	    1);
	store_request_free(&r);
}

static void
unknown_rows_are_not_found(void **state)
{
	struct fixture *f = *state;
	struct store_request r;

	assert_int_equal(store_get_request(f->store, 1, &r, &f->err), STORE_NOT_FOUND);
	assert_int_equal(store_get_by_serial(f->store, "0102", &r, &f->err), STORE_NOT_FOUND);
	assert_int_equal(store_get_by_serial(f->store, "xyz", &r, &f->err), STORE_FAILED);
	assert_int_equal(f->err.code, ERROR_INVALID_DATA);
	assert_int_equal(store_get_by_serial(f->store, "", &r, &f->err), STORE_FAILED);
}

/* One whose serial number is another's SHA-1: the hash counts. */
static void
what_is_as_long_as_a_hash_is_looked_for_as_one_first(void **state)
{
	struct fixture *f = *state;
	struct sample one, false_one;
	struct store_request r;
	int64_t id;

	sample_issued(&one, 1);
	sample_issued(&false_one, 2);
	false_one.row.disposition = DISP_FOREIGN;
	OWNED(own_memory) char *serial = hex_encode(view_of(one.hash, sizeof one.hash), '\0');
	OWNED(own_memory) char *hash = hex_encode(view_of(one.hash, sizeof one.hash), ' ');

	false_one.row.serial_number = serial;
	id = add_row(f, &one.row);
	add_row(f, &false_one.row);
	assert_int_equal(
	    store_get_by_serial_or_hash(f->store, one.serial, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.request_id, id);
	store_request_free(&r);
	assert_int_equal(store_get_by_serial_or_hash(f->store, hash, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.request_id, id);
	store_request_free(&r);
	hash[0] = '9';
	assert_int_equal(store_get_by_serial_or_hash(f->store, hash, &r, &f->err), STORE_NOT_FOUND);
	assert_int_equal(store_get_by_serial_or_hash(f->store, "x", &r, &f->err), STORE_FAILED);
}

static void
oversized_and_malformed_columns_are_refused(void **state)
{
	static uint8_t big[65537];
	static char long_name[2050];
	struct fixture *f = *state;
	struct store_request r = full;

	memset(long_name, 'x', sizeof long_name - 1);
	r.raw_request = (struct buf){.ptr = big, .len = sizeof big};
	add_refused(f, &r, DIRCA_E_TOO_LARGE, "RawRequest has 65537");
	r.raw_request.len--;
	add_row(f, &r);
	r = full;
	r.raw_archived_key = (struct buf){.ptr = big, .len = sizeof big};
	add_refused(f, &r, DIRCA_E_TOO_LARGE, "RawArchivedKey");
	r = full;
	r.upn = long_name;
	add_refused(f, &r, DIRCA_E_TOO_LARGE, "UPN");
	r = full;
	r.common_name = TEXT("\xff\xfe");
	add_refused(f, &r, ERROR_INVALID_DATA, "CommonName is not UTF-8");
	r = full;
	r.serial_number = TEXT("12x4");
	add_refused(f, &r, ERROR_INVALID_DATA, "serial number");
	r = full;
	r.request_id = 7;
	add_refused(f, &r, E_INVALIDARG, "id already");
}

static void
the_database_refuses_rows_that_must_not_be(void **state)
{
	struct fixture *f = *state;
	struct store_request r = full;

	r.raw_archived_key = (struct buf){0};
	add_refused(f, &r, E_INVALIDARG, "go together");
	r.key_recovery_hashes = NULL;
	add_refused(f, &r, DIRCA_E_DATABASE, "the template demands an archived key");
	r = full;
	r.key_recovery_hashes = NULL;
	add_refused(f, &r, E_INVALIDARG, "go together");
	r = full;
	r.raw_certificate = (struct buf){0};
	add_refused(f, &r, DIRCA_E_DATABASE, "needs certificate");
	r = full;
	r.certificate_hash.len = 19;
	add_refused(f, &r, DIRCA_E_DATABASE, "20 bytes");
	r = full;
	r.revoked_reason = 7;
	add_refused(f, &r, DIRCA_E_DATABASE, "RevokedReason");
	r = full;
	r.disposition = (enum disposition)15;
	add_refused(f, &r, DIRCA_E_DATABASE, "Disposition");
	r.disposition = (enum disposition)0;
	add_refused(f, &r, DIRCA_E_DATABASE, "Disposition");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), 0);
}

static void
serial_numbers_are_unique_but_foreign_ones_may_repeat(void **state)
{
	struct fixture *f = *state;
	struct store_request r = full, found;
	int64_t own;

	r.disposition = DISP_FOREIGN;
	add_row(f, &r);
	add_row(f, &r);
	own = add_row(f, &full);
	add_refused(f, &full, DIRCA_E_DATABASE, "UNIQUE");
	r = full;
	r.serial_number = TEXT("00611E23C200030000000E");
	add_refused(f, &r, DIRCA_E_DATABASE, "UNIQUE");
	assert_int_equal(
	    store_get_by_serial(f->store, full.serial_number, &found, &f->err), STORE_FOUND);
	assert_int_equal(found.request_id, own);
	store_request_free(&found);
}

static void
dispositions_have_names(void **state)
{
	(void)state;
	assert_string_equal(disposition_name(DISP_ACTIVE), "active");
	assert_string_equal(disposition_name(DISP_FOREIGN), "foreign");
	assert_string_equal(disposition_name(DISP_REVOKED), "revoked");
	assert_string_equal(disposition_name((enum disposition)1), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_column_comes_back),
	    TEST(lists_come_without_the_two_blobs),
	    TEST(absent_values_come_back_absent),
	    TEST(unknown_rows_are_not_found),
	    TEST(what_is_as_long_as_a_hash_is_looked_for_as_one_first),
	    TEST(oversized_and_malformed_columns_are_refused),
	    TEST(the_database_refuses_rows_that_must_not_be),
	    TEST(serial_numbers_are_unique_but_foreign_ones_may_repeat),
	    cmocka_unit_test(dispositions_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
