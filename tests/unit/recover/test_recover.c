/*
 * Recovery against a whole CA. Archived rows are made with the CA's own parts (plan, vault,
 * certificate, store), as an enrollment does.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "archived_lab.h"
#include "recovery.h"
#include "unwrap_as.h"
#include "verify_keys.h"

/* By whatever case fits. */
static bool
fetch(const struct principal *p, const char *serial, struct buf *blob, struct err *err)
{
	const struct recover_wish wish = {.serial = serial};
	int64_t by_case;

	return recover_blob(harness.ca, &harness.vault, p, &wish, clock_now(), blob, &by_case, err);
}

static size_t
found(const struct principal *p, const char *token, struct recover_hidden *hidden)
{
	struct store_requests rows;
	struct err err;
	size_t count;

	harness_must(recover_candidates(harness.ca, p, token, &rows, hidden, &err), &err);
	count = rows.count;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows.list[i].request_id, archived.id);
		assert_int_equal(rows.list[i].raw_archived_key.len, 0);
	}
	store_requests_free(&rows);
	return count;
}

static void
every_name_form_finds_the_certificate(void **state)
{
	/* The first three as a directory takes them for the same: wide letters, a soft hyphen. */
	static const char *const names[] = {"\uff35ser1@nwtraders.com", "NWTRADERS\\us\u00ader1",
	    "\uff55ser1", "user1@nwtraders.com", "USER1@NWTRADERS.COM", "NWTRADERS\\user1",
	    "nwtraders\\USER1", "Users\\user1", "user1", " User1 ", "UPN:user1@nwtraders.com",
	    "upn:USER1@nwtraders.com"};
	char padded[80];
	struct recover_hidden hidden;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(found(&officer1, names[i], &hidden), 1);
	assert_int_equal(found(&officer1, archived.serial, &hidden), 1);
	assert_int_equal(found(&officer1, archived.hash, &hidden), 1);
	snprintf(padded, sizeof padded, "0000%s", archived.serial);
	assert_int_equal(found(&officer1, padded, &hidden), 1);
	assert_int_equal(hidden.count, 0);
}

static void
other_names_find_nothing(void **state)
{
	static const char *const names[] = {"user2@nwtraders.com", "NWTRADERS\\user2",
	    "OTHER\\user1", "user", "user1*", "12345678",
	    "0123456789abcdef0123456789abcdef01234567", "%", "UPN:user2@nwtraders.com",
	    "UPN:", "UPN:user1", "PN:user1@nwtraders.com"};
	struct recover_hidden hidden;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(found(&officer1, names[i], &hidden), 0);
}

static void
only_officers_search(void **state)
{
	const struct principal *who[] = {&user1, &auditor, &caadmin};
	struct store_requests rows;
	struct err err;
	struct recover_hidden hidden;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int refused = harness_audited(AUDIT_KEYS_SEARCHED, false);

		assert_false(recover_candidates(harness.ca, who[i], "user1", &rows, &hidden, &err));
		assert_int_equal(err.code, E_ACCESSDENIED);
		assert_int_equal(harness_audited(AUDIT_KEYS_SEARCHED, false), refused + 1);
	}
}

static void
search_is_recorded(void **state)
{
	int done = harness_audited(AUDIT_KEYS_SEARCHED, true);
	struct recover_hidden hidden;
	struct store_requests rows;
	struct err err;

	(void)state;
	harness_must(
	    recover_candidates(harness.ca, &officer1, "nobody", &rows, &hidden, &err), &err);
	store_requests_free(&rows);
	assert_int_equal(harness_audited(AUDIT_KEYS_SEARCHED, true), done + 1);
}

static struct buf
blob_for(const struct principal *p)
{
	struct buf blob;
	struct err err;

	harness_must(fetch(p, archived.serial, &blob, &err), &err);
	return blob;
}

static void
blob_opens_with_each_kra_of_the_key_and_no_other(void **state)
{
	int audited = harness_audited(AUDIT_KEY_RETRIEVED, true);
	struct buf blob = blob_for(&officer1);
	struct recovery_blob b;
	EVP_PKEY *key;
	struct err err;

	(void)state;
	assert_int_equal(harness_audited(AUDIT_KEY_RETRIEVED, true), audited + 1);
	harness_must(recovery_decode(buf_view(&blob), &b, &err), &err);
	assert_int_equal(b.archived.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_non_null(recovery_recipient(&b, i));
	for (size_t k = 0; k < HARNESS_KRAS; k++) {
		bool opens = unwrap_as(&b, &harness.kras[k].cert, harness.kras[k].key, &key, &err);

		assert_int_equal(opens, k != 1);
		if (!opens) {
			assert_int_equal(err.code, CRYPT_E_NO_DECRYPT_CERT);
			continue;
		}
		assert_int_equal(EVP_PKEY_eq(key, archived.key), 1);
		harness_must(archive_key_matches(key, archived.key, &err), &err);
		EVP_PKEY_free(key);
	}
	recovery_free(&b);
	buf_free(&blob);
}

static void
assert_refused(const struct principal *p, const char *serial, enum err_code code)
{
	int done = harness_audited(AUDIT_KEY_RETRIEVED, true),
	    refused = harness_audited(AUDIT_KEY_RETRIEVED, false);
	struct buf blob;
	struct err err;

	assert_false(fetch(p, serial, &blob, &err));
	if (err.code != code)
		fail_msg("%s: %s", err_name(err.code), err.msg);
	assert_int_equal(blob.len, 0);
	assert_int_equal(harness_audited(AUDIT_KEY_RETRIEVED, true), done);
	assert_int_equal(harness_audited(AUDIT_KEY_RETRIEVED, false), refused + 1);
}

static void
who_is_no_officer_gets_no_blob_and_is_recorded(void **state)
{
	(void)state;
	assert_refused(&user1, archived.serial, E_ACCESSDENIED);
	assert_refused(&auditor, archived.serial, E_ACCESSDENIED);
	assert_refused(&caadmin, archived.serial, E_ACCESSDENIED);
}

static void
nobody_gets_an_own_key(void **state)
{
	struct principal own = officer1;

	(void)state;
	own.sid = user1.sid;
	assert_refused(&own, archived.serial, DIRCA_E_OWN_REQUEST);
}

static void
serial_without_archived_key_gets_no_blob(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	char *xchg = pkix_serial_text(view->xchgs[0].cert.serial);

	(void)state;
	assert_refused(&officer1, "1234", CERTSRV_E_PROPERTY_EMPTY);
	assert_refused(&officer1, xchg, CERTSRV_E_PROPERTY_EMPTY);
	free(xchg);
	ca_view_release(&view);
}

static void
officer_restrictions_hide_and_refuse(void **state)
{
	struct buf blob;
	struct recover_hidden hidden;

	(void)state;
	/* officer1 for Sales (user1 is in it), officer2 for Engineering */
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1205", NULL}, {false, "1112", "1206", NULL}},
	    2);
	assert_int_equal(found(&officer1, "user1", &hidden), 1);
	assert_int_equal(found(&officer2, "user1", &hidden), 0);
	assert_int_equal(hidden.count, 1);
	assert_refused(&officer2, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	blob = blob_for(&officer1);
	buf_free(&blob);

	/* Another template only; then a denial that beats the permission. */
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", "UserArchive"}}, 1);
	assert_refused(&officer1, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1207", NULL}, {true, "1111", "1101", NULL}},
	    2);
	assert_refused(&officer1, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	/* The nested group Staff alone would allow it. */
	harness_restrict((struct harness_rule[]){{false, "1111", "1207", NULL}}, 1);
	blob = blob_for(&officer1);
	buf_free(&blob);
	/* Restrictions that cannot be read restrict everybody. */
	harness_set_attr("dircaOfficerRights", view_str("broken"));
	assert_refused(&officer1, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	harness_unrestrict();
}

/* What is explained to whoever asks is what this officer then gets. */
static void
assert_explained(const struct principal *officer, enum err_code code, const char *ace)
{
	struct recover_explanation x;
	struct buf blob;
	struct err err, refusal = {0};
	const struct explain_step *last;
	bool named = ace == NULL;

	if (!fetch(officer, archived.serial, &blob, &refusal))
		assert_int_equal(blob.len, 0);
	harness_must(recover_explain(harness.ca,
			 &(struct recover_question){officer, officer, "user1@nwtraders.com"},
			 clock_now(), &x, &err),
	    &err);
	assert_int_equal(x.count, 1);
	assert_int_equal(x.keys[0].refusal.code, code);
	assert_int_equal(refusal.code, code);
	assert_int_equal(x.keys[0].allowed, code == ERR_OK);
	assert_string_equal(x.keys[0].row.serial_number, archived.serial);
	last = &x.keys[0].steps.steps[x.keys[0].steps.count - 1];
	assert_int_equal(last->verdict, code == ERR_OK ? EXPLAIN_PASSED : EXPLAIN_REFUSED);
	if (code != ERR_OK) /* behind what recover_blob says that it tried */
		assert_non_null(strstr(refusal.msg, last->reason));
	for (size_t i = 0; !named && i < x.keys[0].steps.count; i++)
		named = x.keys[0].steps.steps[i].ace != NULL &&
			strstr(x.keys[0].steps.steps[i].ace, ace) != NULL;
	assert_true(named);
	recover_explanation_free(&x);
	buf_free(&blob);
}

static void
explanation_is_what_recovery_does(void **state)
{
	(void)state;
	assert_explained(&officer1, ERR_OK, NULL);
	assert_explained(&user1, E_ACCESSDENIED, NULL);
	harness_restrict((struct harness_rule[]){{false, "1111", "1207", NULL}}, 1);
	assert_explained(&officer1, ERR_OK, "rule 1 of dircaOfficerRights: allow NWTRADERS");
	assert_explained(&officer2, CERTSRV_E_RESTRICTEDOFFICER, NULL);
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1207", NULL}, {true, "1111", "1101", NULL}},
	    2);
	assert_explained(
	    &officer1, CERTSRV_E_RESTRICTEDOFFICER, "rule 2 of dircaOfficerRights: deny");
	harness_set_attr("dircaOfficerRights", (struct view){0});
	assert_explained(&officer1, CERTSRV_E_RESTRICTEDOFFICER, NULL);
	harness_unrestrict();
}

static bool
may_act_for(const char *requester_name, const char *requester_sid)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct store_request row = {.template_name = copy("EFSArchive"),
	    .requester_name = copy(requester_name),
	    .requester_sid = copy(requester_sid)};
	struct err err;
	bool may = ca_check_officer(harness.ca, view, &officer1, &row, &err);

	if (!may) {
		assert_int_equal(err.code, CERTSRV_E_RESTRICTEDOFFICER);
		assert_non_null(strstr(err.msg, "the directory does not know this requester"));
	}
	store_request_free(&row);
	ca_view_release(&view);
	return may;
}

static bool
may_act_for_template(const char *cn, const char *oid)
{
	struct ca_view *view = ca_view_get(harness.ca);
	char sid[SID_TEXT_MAX];
	struct store_request row = {.template_name = mem_text(cn),
	    .template_oid = mem_text(oid),
	    .requester_name = mem_text(user1.downlevel)};
	struct err err;
	bool may;

	sid_to_text(&user1.sid, sid);
	row.requester_sid = mem_text(sid);
	may = ca_check_officer(harness.ca, view, &officer1, &row, &err);
	store_request_free(&row);
	ca_view_release(&view);
	return may;
}

/* As a certificate of AD CS has it. The name counts where the row has one. */
static void
template_may_be_known_by_its_oid_alone(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const char *archive = ca_view_template(view, "EFSArchive")->oid,
		   *user = ca_view_template(view, "UserArchive")->oid;

	(void)state;
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", "EFSArchive"}}, 1);
	assert_true(may_act_for_template(NULL, archive));
	assert_false(may_act_for_template(NULL, user));
	assert_false(may_act_for_template("UserArchive", archive));
	assert_false(may_act_for_template(NULL, "1.2.3"));
	assert_false(may_act_for_template(NULL, NULL));
	harness_unrestrict();
	ca_view_release(&view);
}

/* Groups of whoever has the name today say nothing about who asked for the certificate; the SID
 * says who it was, whatever the name is today. */
static void
requester_who_is_gone_or_replaced_has_no_groups(void **state)
{
	char sid[SID_TEXT_MAX];

	(void)state;
	sid_to_text(&user1.sid, sid);
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", NULL}}, 1);
	assert_true(may_act_for(user1.downlevel, sid));
	assert_true(may_act_for("NWTRADERS\\oldname", sid));
	assert_false(may_act_for(user1.downlevel, "S-1-5-21-1-2-3-1101"));
	assert_false(may_act_for("NWTRADERS\\nobody", "S-1-5-21-1-2-3-1101"));
	/* A denial counts whether or not its group can be proved. */
	harness_restrict(
	    (struct harness_rule[]){{true, "1111", "1206", NULL}, {false, "1111", "1205", NULL}},
	    2);
	assert_true(may_act_for(user1.downlevel, sid));
	assert_false(may_act_for(user1.downlevel, "S-1-5-21-1-2-3-1101"));
	harness_unrestrict();
}

static size_t stored = HARNESS_KRAS;

static void
remove_kra(size_t i)
{
	char *hash = hex_encode(view_of(harness.kras[i].cert.sha1, 20), '\0');
	struct err err;

	harness_must(kra_store_remove(harness.config, hash, &err), &err);
	harness_give_kras(--stored);
	harness_refresh();
	free(hash);
}

static void
add_kra(size_t i)
{
	struct err err;

	harness_must(kra_store_add(harness.config, buf_view(&harness.kras[i].der), &err), &err);
	harness_give_kras(++stored);
	harness_refresh();
}

/* The BLOB is given, opens with the key of each KRA, and holds `certificates` of them. */
static void
assert_recovers(int certificates)
{
	struct buf blob = blob_for(&officer1);
	struct recovery_blob b;
	EVP_PKEY *key;
	struct err err;
	int held = 0;

	harness_must(recovery_decode(buf_view(&blob), &b, &err), &err);
	for (size_t i = 0; i < b.archived.count; i++)
		held += recovery_recipient(&b, i) != NULL;
	assert_int_equal(held, certificates);
	for (size_t k = 0; k < HARNESS_KRAS; k += 2) {
		harness_must(
		    unwrap_as(&b, &harness.kras[k].cert, harness.kras[k].key, &key, &err), &err);
		EVP_PKEY_free(key);
	}
	recovery_free(&b);
	buf_free(&blob);
}

static void
expired_kra_certificate_still_recovers(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);

	(void)state;
	for (size_t i = 0; i < view->kra_count; i++)
		view->kras[i].status = KRA_EXPIRED;
	assert_recovers(2);
	ca_view_release(&view);
	harness_refresh();
}

static bool
publish_kra(struct dir_conn *c, void *arg, struct err *err)
{
	return pki_publish_kra(c, "Test CA", buf_view(arg), clock_now(), err);
}

static bool
unpublish_kra(struct dir_conn *c, void *arg, struct err *err)
{
	size_t removed;

	return pki_unpublish_kra(c, buf_view(arg), &removed, err);
}

/* Out of the KRA store, nobody loses a key: their certificates are among the copies that the
 * database keeps, in the directory, or not needed. */
static void
removed_kras_take_no_key_away(void **state)
{
	struct buf *der = &harness.kras[0].der;
	struct err err;

	(void)state;
	remove_kra(0);
	remove_kra(2);
	assert_recovers(2);
	sqlite("DELETE FROM KraCertificate");
	assert_recovers(0);
	harness_must(ca_directory_do(harness.ca, publish_kra, der, &err), &err);
	harness_refresh();
	assert_recovers(1);
	harness_must(ca_directory_do(harness.ca, unpublish_kra, der, &err), &err);
	add_kra(0);
	assert_recovers(1);
	add_kra(2);
	assert_recovers(2);
}

static void
nothing_leaves_when_the_act_cannot_be_recorded(void **state)
{
	struct buf blob;
	struct err err;

	(void)state;
	sqlite("CREATE TRIGGER full BEFORE INSERT ON Audit BEGIN SELECT RAISE(ABORT, 'full'); END");
	assert_false(fetch(&officer1, archived.serial, &blob, &err));
	assert_int_equal(err.code, DIRCA_E_DATABASE);
	assert_int_equal(blob.len, 0);
	sqlite("DROP TRIGGER full");
	blob = blob_for(&officer1);
	buf_free(&blob);
}

static bool
revoke_work(struct store_tx *tx, void *arg, struct err *err)
{
	return store_revoke(tx, *(int64_t *)arg, 1, clock_now(), clock_now(), err);
}

/* The paper advises to revoke before recovering a key that was compromised. */
static void
revoked_certificates_key_is_still_recovered(void **state)
{
	struct buf blob;
	struct err err;
	struct recover_hidden hidden;

	(void)state;
	harness_must(store_do(harness.ca->store, revoke_work, &archived.id, &err), &err);
	assert_int_equal(found(&officer1, "user1", &hidden), 1);
	blob = blob_for(&officer1);
	buf_free(&blob);
}

struct change {
	const char *attr, *value;
};

static bool
change_user1(struct dir_conn *c, void *arg, struct err *err)
{
	const struct change *change = arg;
	struct view v = view_str(change->value);

	return dir_replace(c, "CN=user1,CN=Users,DC=nwtraders,DC=com", change->attr, &v, 1, err);
}

/* Who left is who most needs it. The restricted officer still finds the groups of the account. */
static void
key_of_a_disabled_account_is_still_recovered(void **state)
{
	struct change off = {"userAccountControl", "514"}, on = {"userAccountControl", "512"};
	struct principal p;
	struct buf blob;
	struct err err;
	struct recover_hidden hidden;

	(void)state;
	harness_must(ca_directory_do(harness.ca, change_user1, &off, &err), &err);
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", NULL}}, 1);
	assert_int_equal(found(&officer1, "NWTRADERS\\user1", &hidden), 1);
	blob = blob_for(&officer1);
	buf_free(&blob);
	harness_unrestrict();
	assert_false(ca_principal(harness.ca, NAMED("NWTRADERS\\user1"), &p, &err));
	assert_int_equal(err.code, ERROR_ACCOUNT_DISABLED);
	harness_must(ca_directory_do(harness.ca, change_user1, &on, &err), &err);
}

/* By the old name, which stands in the row, and by the new one, which the directory knows. */
static void
key_of_a_renamed_account_is_found_by_both_names(void **state)
{
	struct change to[] = {
	    {"sAMAccountName", "anna"}, {"userPrincipalName", "anna@nwtraders.com"}};
	struct change back[] = {
	    {"sAMAccountName", "user1"}, {"userPrincipalName", "user1@nwtraders.com"}};
	struct err err;
	struct recover_hidden hidden;

	(void)state;
	assert_int_equal(found(&officer1, "NWTRADERS\\anna", &hidden), 0);
	for (size_t i = 0; i < 2; i++)
		harness_must(ca_directory_do(harness.ca, change_user1, &to[i], &err), &err);
	assert_int_equal(found(&officer1, "NWTRADERS\\user1", &hidden), 1);
	assert_int_equal(found(&officer1, "NWTRADERS\\anna", &hidden), 1);
	assert_int_equal(found(&officer1, "anna@nwtraders.com", &hidden), 1);
	assert_int_equal(found(&officer1, "anna", &hidden), 1);
	assert_int_equal(found(&officer1, "NWTRADERS\\user2", &hidden), 0);
	for (size_t i = 0; i < 2; i++)
		harness_must(ca_directory_do(harness.ca, change_user1, &back[i], &err), &err);
}

/* user2 has the name of somebody who is gone: the key of that one is not user2's. */
static void
key_of_an_earlier_owner_of_the_name_is_not_the_present_ones(void **state)
{
	struct recover_hidden hidden;

	(void)state;
	sqlite("UPDATE Request SET RequesterName = 'NWTRADERS\\\\user2', "
	       "RequesterSID = 'S-1-5-21-1-2-3-9999' WHERE HasArchivedKey = 1");
	assert_int_equal(found(&officer1, "user2@nwtraders.com", &hidden), 0);
	/* By the name of that time, and where nothing says whose it is. */
	assert_int_equal(found(&officer1, "NWTRADERS\\user2", &hidden), 1);
	sqlite("UPDATE Request SET RequesterSID = NULL WHERE HasArchivedKey = 1");
	assert_int_equal(found(&officer1, "user2@nwtraders.com", &hidden), 1);
}

/* By A-labels and as people write it, whichever was written down; nothing else becomes it. */
static void
a_host_of_other_letters_is_found_by_both_spellings(void **state)
{
	static const char *const written[] = {"anna@m\u00fcller.example",
	    "anna@xn--mller-kva.example"},
				 *const right[] = {"anna@m\u00fcller.example",
				     "ANNA@M\u00dcLLER.example", "anna@xn--mller-kva.example",
				     "Anna@XN--MLLER-KVA.EXAMPLE"},
				 *const wrong[] = {"anna@mueller.example", "anna@muller.example",
				     "anna@xn--mller-kva.exampl", "bert@xn--mller-kva.example"};
	struct recover_hidden hidden;
	char sql[160];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(sql, sizeof sql, "UPDATE Request SET UPN = '%s' WHERE HasArchivedKey = 1",
		    written[i]);
		sqlite(sql);
		for (size_t k = 0; k < sizeof right / sizeof right[0]; k++)
			assert_int_equal(found(&officer1, right[k], &hidden), 1);
		for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
			assert_int_equal(found(&officer1, wrong[k], &hidden), 0);
	}
}

struct detail {
	const char *text;
	int count;
};

static bool
count_detail(const struct audit_record *a, void *arg)
{
	struct detail *d = arg;

	d->count += a->event == AUDIT_KEY_RETRIEVED && a->success && a->detail != NULL &&
		    strstr(a->detail, d->text) != NULL;
	return true;
}

static int
retrievals_with(const char *text)
{
	struct detail d = {text, 0};
	int64_t count;
	struct err err;

	harness_must(store_audit_walk(harness.ca->store, 0, count_detail, &d, &count, &err), &err);
	return d.count;
}

static void
assert_explained_by_record(void)
{
	struct recover_explanation x;
	struct err err;
	bool told = false;

	harness_must(recover_explain(harness.ca,
			 &(struct recover_question){&officer1, &officer1, archived.serial},
			 clock_now(), &x, &err),
	    &err);
	assert_true(x.keys[0].allowed);
	for (size_t i = 0; i < x.keys[0].steps.count; i++)
		told = told || strstr(x.keys[0].steps.steps[i].reason, "groups=recorded") != NULL;
	assert_true(told);
	recover_explanation_free(&x);
}

/* A leaver's account is deleted: the groups of that time decide, for a grant and for a denial, and
 * what was found so is in the trail. */
static void
key_of_a_deleted_account_is_recovered_by_the_groups_of_that_time(void **state)
{
	int recorded = retrievals_with("groups=recorded");
	struct recover_hidden hidden;
	struct buf blob;

	(void)state;
	sqlite("UPDATE Request SET RequesterSID = 'S-1-5-21-1-2-3-9999', "
	       "RequesterName = 'NWTRADERS\\leaver', "
	       "RequesterDN = 'CN=Lea Ver,OU=Gone,DC=nwtraders,DC=com' WHERE HasArchivedKey = 1");
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", NULL}}, 1);
	assert_int_equal(found(&officer1, archived.serial, &hidden), 1);
	blob = blob_for(&officer1);
	buf_free(&blob);
	assert_int_equal(retrievals_with("groups=recorded"), recorded + 1);
	assert_explained_by_record();
	assert_refused(&officer2, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1207", NULL}, {true, "1111", "1205", NULL}},
	    2);
	assert_refused(&officer1, archived.serial, CERTSRV_E_RESTRICTEDOFFICER);
	harness_unrestrict();
}

static void
container_and_name_of_a_deleted_account_find_its_key(void **state)
{
	static const char *const right[] = {"Gone\\Lea Ver", "gone\\lea ver",
	    "NWTRADERS\\Gone\\Lea Ver"},
				 *const wrong[] = {"NWTRADERS\\Lea Ver", "Gone\\Lea",
				     "Users\\Lea Ver", "x\\Gone\\Lea Ver"};
	struct recover_hidden hidden;

	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
		assert_int_equal(found(&officer1, right[i], &hidden), 1);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(found(&officer1, wrong[i], &hidden), 0);
}

static int64_t earlier; /* the archived row before the present one */

/* What is known of one row's requester says nothing about the next one's of the same name. */
static void
rows_of_one_name_and_two_entries_are_two_questions(void **state)
{
	struct store_requests rows;
	struct recover_hidden hidden;
	char sql[256];
	struct err err;

	(void)state;
	earlier = archived.id;
	EVP_PKEY_free(archived.key);
	make_archived();
	sqlite(
	    "UPDATE Request SET RequesterName = 'NWTRADERS\\\\user1', SubmittedWhen = unixepoch(), "
	    "RequesterSID = NULL, RequesterDN = NULL WHERE HasArchivedKey = 1; "
	    "UPDATE RequestBlob SET RequesterSIDs = NULL");
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", NULL}}, 1);
	for (int i = 0; i < 2; i++) {
		int64_t gone = i == 0 ? earlier : archived.id;

		snprintf(sql, sizeof sql,
		    "UPDATE Request SET RequesterDN = CASE RequestID WHEN %lld THEN "
		    "'CN=gone,DC=nwtraders,DC=com' END WHERE HasArchivedKey = 1",
		    (long long)gone);
		sqlite(sql);
		harness_must(recover_candidates(
				 harness.ca, &officer1, "NWTRADERS\\user1", &rows, &hidden, &err),
		    &err);
		assert_int_equal(rows.count, 1);
		assert_int_equal(hidden.count, 1);
		assert_int_equal(rows.list[0].request_id, i == 0 ? archived.id : earlier);
		store_requests_free(&rows);
	}
	harness_unrestrict();
}

static void
set_template_oid(int64_t id, const char *oid)
{
	char sql[256];

	snprintf(sql, sizeof sql,
	    "UPDATE Request SET CertificateTemplate = NULL, TemplateOID = '%s' "
	    "WHERE RequestID = %lld",
	    oid, (long long)id);
	sqlite(sql);
}

/* Nor does one template that a row knows by its OID alone for another one. */
static void
rows_of_one_requester_and_two_templates_are_two_questions(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const char *archive = ca_view_template(view, "EFSArchive")->oid,
		   *user = ca_view_template(view, "UserArchive")->oid;
	struct store_requests rows;
	struct recover_hidden hidden;
	char sid[SID_TEXT_MAX], sql[320];
	struct err err;

	(void)state;
	sid_to_text(&user1.sid, sid);
	snprintf(sql, sizeof sql,
	    "UPDATE Request SET RequesterSID = '%s', RequesterDN = NULL WHERE HasArchivedKey = 1",
	    sid);
	sqlite(sql);
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", "EFSArchive"}}, 1);
	for (int i = 0; i < 2; i++) {
		set_template_oid(earlier, i == 0 ? archive : user);
		set_template_oid(archived.id, i == 0 ? user : archive);
		harness_must(recover_candidates(
				 harness.ca, &officer1, "NWTRADERS\\user1", &rows, &hidden, &err),
		    &err);
		assert_int_equal(rows.count, 1);
		assert_int_equal(hidden.count, 1);
		assert_int_equal(rows.list[0].request_id, i == 0 ? earlier : archived.id);
		store_requests_free(&rows);
	}
	sqlite("UPDATE Request SET CertificateTemplate = 'EFSArchive' WHERE HasArchivedKey = 1");
	harness_unrestrict();
	ca_view_release(&view);
}

/* "anna" was somebody's name before it became user1's: who asks for anna is shown both. */
static void
keys_of_both_owners_of_a_name_are_shown(void **state)
{
	struct change to = {"sAMAccountName", "anna"}, back = {"sAMAccountName", "user1"};
	struct store_requests rows;
	struct recover_hidden hidden;
	char sql[512], sid[SID_TEXT_MAX];
	struct err err;

	(void)state;
	sid_to_text(&user1.sid, sid);
	snprintf(sql, sizeof sql,
	    "UPDATE Request SET RequesterName = CASE RequestID WHEN %lld THEN "
	    "'NWTRADERS\\\\anna' ELSE 'NWTRADERS\\\\user1' END, RequesterSID = CASE RequestID WHEN "
	    "%lld THEN 'S-1-5-21-1-2-3-9999' ELSE '%s' END WHERE HasArchivedKey = 1",
	    (long long)earlier, (long long)earlier, sid);
	sqlite(sql);
	harness_must(ca_directory_do(harness.ca, change_user1, &to, &err), &err);
	harness_must(
	    recover_candidates(harness.ca, &officer1, "NWTRADERS\\anna", &rows, &hidden, &err),
	    &err);
	assert_int_equal(rows.count, 2);
	assert_int_equal(rows.list[0].request_id, earlier);
	assert_int_equal(rows.list[1].request_id, archived.id);
	store_requests_free(&rows);
	harness_must(ca_directory_do(harness.ca, change_user1, &back, &err), &err);
}

static void
stale_directory_hands_out_nothing(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct store_requests rows;
	struct err err;
	struct recover_hidden hidden;

	(void)state;
	view->read_ms -= 61000;
	assert_refused(&officer1, archived.serial, DIRCA_E_DIRECTORY_UNAVAILABLE);
	assert_false(recover_candidates(harness.ca, &officer1, "user1", &rows, &hidden, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	ca_view_release(&view);
	harness_refresh();
}

/* Last: the directory goes away. */
static void
unreadable_groups_refuse_a_restricted_officer(void **state)
{
	(void)state;
	harness_restrict((struct harness_rule[]){{false, "1111", "1205", NULL}}, 1);
	harness_sh("lab_slapd_stop");
	assert_refused(&officer1, archived.serial, DIRCA_E_DIRECTORY_UNAVAILABLE);
}

/* What its own form does not find is looked for in the others: here a row whose certificate has an
 * '@' in its common name, a UPN without one, and a name with a backslash that is no account's. The
 * last test: the row keeps these. */
static void
what_one_form_does_not_find_another_does(void **state)
{
	static const char *const finds[] = {
	    "box@elsewhere.org", "BOX@elsewhere.org", "lone", "Sales\\box"};
	struct recover_hidden hidden;
	char text[200], sid[SID_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++)
		assert_int_equal(found(&officer1, finds[i], &hidden), 0);
	sid_to_text(&user1.sid, sid);
	assert_int_equal(found(&officer1, sid, &hidden), 1);
	snprintf(text, sizeof text, "%lld", (long long)archived.id);
	assert_int_equal(found(&officer1, text, &hidden), 1);
	snprintf(text, sizeof text, "%lld", (long long)archived.id + 1);
	assert_int_equal(found(&officer1, text, &hidden), 0);
	for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
		const char *column = i == 2 ? "UPN" : "CommonName";

		snprintf(text, sizeof text, "UPDATE Request SET %s = '%s' WHERE RequestID = %lld;",
		    column, finds[i], (long long)archived.id);
		sqlite(text);
		assert_int_equal(found(&officer1, finds[i], &hidden), 1);
	}
}

static int
group_setup(void **state)
{
	(void)state;
	if (harness_open("") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	harness_person("auditor", &auditor);
	harness_person("caadmin", &caadmin);
	make_archived();
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(archived.key);
	return harness_close();
}

/* As many as the store has readers. */
#define VERIFIERS 16

static atomic_int verifiers, most_verifiers;

static void
note_verifier(int64_t request, const char *what, void *arg)
{
	int now = atomic_fetch_add(&verifiers, 1) + 1;

	(void)request, (void)what, (void)arg;
	if (now > atomic_load(&most_verifiers))
		atomic_store(&most_verifiers, now);
	usleep(20000);
	atomic_fetch_sub(&verifiers, 1);
}

static void *
verify_all(void *arg)
{
	struct verify_keys v = {.store = harness.ca->store, .seen = note_verifier};
	struct err err;
	bool ok = verify_keys(&v, 0, -1, &err) && v.keys > 0;

	verify_keys_free(&v);
	(void)arg;
	return ok ? &verifiers : NULL;
}

static void
keys_are_verified_for_one_caller_at_a_time(void **state)
{
	pthread_t threads[VERIFIERS];
	void *ok;

	(void)state;
	for (size_t i = 0; i < VERIFIERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_all, NULL), 0);
	for (size_t i = 0; i < VERIFIERS; i++) {
		assert_int_equal(pthread_join(threads[i], &ok), 0);
		assert_non_null(ok);
	}
	assert_int_equal(atomic_load(&most_verifiers), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_name_form_finds_the_certificate),
	    cmocka_unit_test(other_names_find_nothing),
	    cmocka_unit_test(only_officers_search),
	    cmocka_unit_test(search_is_recorded),
	    cmocka_unit_test(nobody_gets_an_own_key),
	    cmocka_unit_test(blob_opens_with_each_kra_of_the_key_and_no_other),
	    cmocka_unit_test(who_is_no_officer_gets_no_blob_and_is_recorded),
	    cmocka_unit_test(serial_without_archived_key_gets_no_blob),
	    cmocka_unit_test(officer_restrictions_hide_and_refuse),
	    cmocka_unit_test(explanation_is_what_recovery_does),
	    cmocka_unit_test(requester_who_is_gone_or_replaced_has_no_groups),
	    cmocka_unit_test(template_may_be_known_by_its_oid_alone),
	    cmocka_unit_test(expired_kra_certificate_still_recovers),
	    cmocka_unit_test(removed_kras_take_no_key_away),
	    cmocka_unit_test(nothing_leaves_when_the_act_cannot_be_recorded),
	    cmocka_unit_test(revoked_certificates_key_is_still_recovered),
	    cmocka_unit_test(key_of_a_disabled_account_is_still_recovered),
	    cmocka_unit_test(key_of_a_renamed_account_is_found_by_both_names),
	    cmocka_unit_test(key_of_an_earlier_owner_of_the_name_is_not_the_present_ones),
	    cmocka_unit_test(a_host_of_other_letters_is_found_by_both_spellings),
	    cmocka_unit_test(key_of_a_deleted_account_is_recovered_by_the_groups_of_that_time),
	    cmocka_unit_test(container_and_name_of_a_deleted_account_find_its_key),
	    cmocka_unit_test(rows_of_one_name_and_two_entries_are_two_questions),
	    cmocka_unit_test(rows_of_one_requester_and_two_templates_are_two_questions),
	    cmocka_unit_test(keys_of_both_owners_of_a_name_are_shown),
	    cmocka_unit_test(what_one_form_does_not_find_another_does),
	    cmocka_unit_test(stale_directory_hands_out_nothing),
	    cmocka_unit_test(unreadable_groups_refuse_a_restricted_officer),
	    cmocka_unit_test(keys_are_verified_for_one_caller_at_a_time),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
