/*
 * Transitions of a request: each happens once and only from the state that allows it.
 */
#include "store_test.h"

struct change {
	int64_t id;
	struct store_request row;
};

static bool
work_issue(struct store_tx *tx, void *arg, struct err *err)
{
	struct change *c = arg;

	c->row.request_id = c->id;
	return store_issue_pending(tx, &c->row, err);
}

static bool
work_deny(struct store_tx *tx, void *arg, struct err *err)
{
	struct change *c = arg;

	return store_deny_pending(tx, c->id, "no", CERTSRV_E_TEMPLATE_DENIED, 77, err);
}

static bool
work_archive(struct store_tx *tx, void *arg, struct err *err)
{
	struct change *c = arg;

	c->row.request_id = c->id;
	return store_archive_pending(tx, &c->row, err);
}

static void
assert_refused(struct fixture *f, store_work *work, void *arg, enum err_code code)
{
	assert_false(store_do(f->store, work, arg, &f->err));
	assert_int_equal(f->err.code, code);
}

static void
a_pending_request_is_issued_once(void **state)
{
	struct fixture *f = *state;
	struct change c = {0};
	struct sample pending, issued;
	struct store_request r;

	sample_pending(&pending);
	pending.row.raw_archived_key = BYTES("sealed");
	pending.row.key_recovery_hashes = TEXT("aa bb");
	pending.row.private_key_flags = 1;
	c.id = add_row(f, &pending.row);
	sample_issued(&issued, 1);
	c.row = issued.row;
	c.row.disposition_message = TEXT("Issued");
	assert_ok(f, store_do(f->store, work_issue, &c, &f->err));

	assert_int_equal(store_get_request(f->store, c.id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_string_equal(r.disposition_message, "Issued");
	assert_int_equal(r.resolved_when, 1001);
	assert_string_equal(r.serial_number, issued.serial);
	assert_string_equal(r.upn, "user1@nwtraders.com");
	/* What the request brought stays. */
	assert_string_equal(r.requester_name, "NWTRADERS\\user2");
	assert_int_equal(r.raw_archived_key.len, 6);
	assert_string_equal(r.key_recovery_hashes, "aa bb");
	store_request_free(&r);

	assert_refused(f, work_issue, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	assert_non_null(strstr(f->err.msg, "it is issued"));
	assert_refused(f, work_deny, &c, CERTSRV_E_BAD_REQUESTSTATUS);
}

static void
a_pending_request_is_denied_once(void **state)
{
	struct fixture *f = *state;
	struct change c = {0};
	struct sample pending, issued;
	struct store_request r;

	sample_pending(&pending);
	pending.row.raw_archived_key = BYTES("sealed");
	pending.row.key_recovery_hashes = TEXT("aa bb");
	c.id = add_row(f, &pending.row);
	assert_ok(f, store_do(f->store, work_deny, &c, &f->err));
	assert_int_equal(store_get_request(f->store, c.id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.disposition, DISP_DENIED);
	/* Denied requests archive nothing. */
	assert_int_equal(r.raw_archived_key.len, 0);
	assert_null(r.key_recovery_hashes);
	assert_false(r.has_archived_key);
	assert_int_equal(r.status_code, CERTSRV_E_TEMPLATE_DENIED);
	assert_string_equal(r.disposition_message, "no");
	assert_int_equal(r.resolved_when, 77);
	store_request_free(&r);
	assert_refused(f, work_deny, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	sample_issued(&issued, 1);
	c.row = issued.row;
	assert_refused(f, work_issue, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	assert_refused(
	    f, work_revoke, &(struct revocation){.id = c.id}, CERTSRV_E_BAD_REQUESTSTATUS);
	c.id = 99;
	assert_refused(f, work_deny, &c, CERTSRV_E_NO_REQUEST);
}

static void
a_pending_request_without_the_demanded_key_is_not_issued(void **state)
{
	struct fixture *f = *state;
	struct change c = {0};
	struct sample pending, issued;

	sample_pending(&pending);
	pending.row.private_key_flags = 1;
	c.id = add_row(f, &pending.row);
	sample_issued(&issued, 1);
	c.row = issued.row;
	assert_refused(f, work_issue, &c, DIRCA_E_DATABASE);
	assert_non_null(strstr(f->err.msg, "the template demands an archived key"));
	assert_int_equal(raw_number(f, "SELECT Disposition FROM Request"), DISP_PENDING);
}

static void
a_certificate_is_revoked_once_unless_it_was_held(void **state)
{
	struct fixture *f = *state;
	struct revocation c = {.effective = 600, .reason = 6};
	struct sample s;
	struct store_request r;

	sample_issued(&s, 1);
	c.id = add_row(f, &s.row);
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	c.reason = 8;
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	assert_int_equal(store_get_request(f->store, c.id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_int_equal(r.revoked_reason, -1);
	assert_int_equal(r.revoked_when, 0);
	store_request_free(&r);
	assert_refused(f, work_revoke, &c, CERTSRV_E_BAD_REQUESTSTATUS);

	c.reason = 6;
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	c.reason = 1;
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	assert_int_equal(store_get_request(f->store, c.id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.disposition, DISP_REVOKED);
	assert_int_equal(r.revoked_reason, 1);
	assert_int_equal(r.revoked_when, 500);
	assert_int_equal(r.revoked_effective_when, 600);
	store_request_free(&r);
	assert_refused(f, work_revoke, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	c.reason = 8;
	assert_refused(f, work_revoke, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	c.reason = 7;
	assert_refused(f, work_revoke, &c, E_INVALIDARG);
	c.reason = -1;
	assert_refused(f, work_revoke, &c, E_INVALIDARG);
}

/* A key that is made for a request that waited comes with its approval, and not without one. */
static void
a_pending_request_is_given_a_key(void **state)
{
	struct fixture *f = *state;
	struct change c = {0};
	struct sample pending, issued;
	struct store_request r;

	sample_pending(&pending);
	pending.row.key_recipient = BYTES("certificate");
	pending.row.private_key_flags = 1;
	c.id = add_row(f, &pending.row);
	assert_refused(f, work_archive, &c, E_INVALIDARG);
	c.row.raw_archived_key = BYTES("sealed");
	c.row.raw_delivered_key = BYTES("delivered");
	c.row.key_recovery_hashes = TEXT("aa bb");
	assert_ok(f, store_do(f->store, work_archive, &c, &f->err));
	sample_issued(&issued, 1);
	c.row = issued.row;
	assert_ok(f, store_do(f->store, work_issue, &c, &f->err));
	assert_int_equal(store_get_request(f->store, c.id, &r, &f->err), STORE_FOUND);
	assert_int_equal(r.disposition, DISP_ISSUED);
	assert_true(view_eq(buf_view(&r.raw_archived_key), view_str("sealed")));
	assert_true(view_eq(buf_view(&r.raw_delivered_key), view_str("delivered")));
	assert_true(view_eq(buf_view(&r.key_recipient), view_str("certificate")));
	store_request_free(&r);
	c.row.raw_archived_key = BYTES("another");
	c.row.key_recovery_hashes = TEXT("aa bb");
	assert_refused(f, work_archive, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	c.id += 1000;
	assert_refused(f, work_archive, &c, CERTSRV_E_NO_REQUEST);
}

struct value_change {
	int64_t id;
	struct store_value value;
	const struct store_values *stand;
	bool was_there;
};

static bool
work_set(struct store_tx *tx, void *arg, struct err *err)
{
	struct value_change *c = arg;

	return store_set_value(tx, c->id, &c->value, err);
}

static bool
work_drop(struct store_tx *tx, void *arg, struct err *err)
{
	struct value_change *c = arg;

	return store_drop_value(tx, c->id, &c->value, &c->was_there, err);
}

static bool
work_stand(struct store_tx *tx, void *arg, struct err *err)
{
	struct value_change *c = arg;

	return store_values_stand(tx, c->id, c->stand, err);
}

/* What was read for an approval must still be what there is when it is written. */
static void
values_are_a_pending_request_s_alone(void **state)
{
	struct fixture *f = *state;
	struct value_change c = {.value = {.kind = STORE_EXTENSION,
				     .name = TEXT("1.2.3"),
				     .value = BYTES("\x05"),
				     .set_by = TEXT("DOM\\officer1"),
				     .set_when = 7}};
	struct change other = {0};
	struct sample pending;
	struct store_values read, later;

	sample_pending(&pending);
	c.id = other.id = add_row(f, &pending.row);
	assert_ok(f, store_do(f->store, work_set, &c, &f->err));
	assert_ok(f, store_list_values(f->store, c.id, &read, &f->err));
	assert_int_equal(read.count, 1);
	assert_string_equal(read.list[0].name, "1.2.3");
	assert_int_equal(read.list[0].set_when, 7);
	c.stand = &read;
	assert_ok(f, store_do(f->store, work_stand, &c, &f->err));
	/* In its place, as critical; and an attribute of the same name beside it. */
	c.value.critical = true;
	assert_ok(f, store_do(f->store, work_set, &c, &f->err));
	assert_refused(f, work_stand, &c, DIRCA_E_CHANGED);
	c.value.kind = STORE_ATTRIBUTE;
	assert_ok(f, store_do(f->store, work_set, &c, &f->err));
	assert_ok(f, store_list_values(f->store, c.id, &later, &f->err));
	assert_int_equal(later.count, 2);
	store_values_free(&later);
	assert_ok(f, store_do(f->store, work_drop, &c, &f->err));
	assert_true(c.was_there);
	assert_ok(f, store_do(f->store, work_drop, &c, &f->err));
	assert_false(c.was_there);
	assert_ok(f, store_do(f->store, work_deny, &other, &f->err));
	assert_refused(f, work_set, &c, CERTSRV_E_BAD_REQUESTSTATUS);
	c.value.kind = STORE_EXTENSION;
	assert_ok(f, store_do(f->store, work_drop, &c, &f->err));
	assert_false(c.was_there);
	c.id += 1000;
	assert_refused(f, work_set, &c, CERTSRV_E_NO_REQUEST);
	store_values_free(&read);
}

/* So many of them that there is no room for another. */
static void
full_request_has_its_values_changed(void **state)
{
	struct fixture *f = *state;
	char name[16];
	struct value_change c = {.value = {.kind = STORE_EXTENSION,
				     .name = name,
				     .value = BYTES("\x05"),
				     .set_by = TEXT("DOM\\officer1")}};
	struct store_values read;
	struct sample pending;

	sample_pending(&pending);
	c.id = add_row(f, &pending.row);
	for (int i = 0; i < 32; i++) {
		snprintf(name, sizeof name, "1.2.%d", i);
		assert_ok(f, store_do(f->store, work_set, &c, &f->err));
	}
	c.value.critical = true;
	assert_ok(f, store_do(f->store, work_set, &c, &f->err));
	assert_ok(f, store_list_values(f->store, c.id, &read, &f->err));
	assert_int_equal(read.count, 32);
	store_values_free(&read);
	c.value.kind = STORE_ATTRIBUTE;
	assert_refused(f, work_set, &c, DIRCA_E_TOO_LARGE);
	c.value.kind = STORE_EXTENSION;
	strcpy(name, "1.2.32");
	assert_refused(f, work_set, &c, DIRCA_E_TOO_LARGE);
	assert_ok(f, store_list_values(f->store, c.id, &read, &f->err));
	assert_int_equal(read.count, 32);
	store_values_free(&read);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_pending_request_is_issued_once),
	    TEST(a_pending_request_is_given_a_key),
	    TEST(a_pending_request_is_denied_once),
	    TEST(a_pending_request_without_the_demanded_key_is_not_issued),
	    TEST(a_certificate_is_revoked_once_unless_it_was_held),
	    TEST(values_are_a_pending_request_s_alone),
	    TEST(full_request_has_its_values_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
