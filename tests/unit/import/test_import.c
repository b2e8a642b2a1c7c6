/* Certificates and keys of elsewhere against a whole CA. */
#include <sys/stat.h>
#include <openssl/pem.h>

#include "ca_harness.h"
#include "escrow_entry.h"
#include "import.h"
#include "kra_flags.h"
#include "mem.h"
#include "recover.h"
#include "recovery.h"
#include "text.h"
#include "trust.h"

#define UPN "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:"

static struct principal user1, user3, officer1, officer2, auditor;
static struct test_cert foreign, to; /* another CA; the key import certificate */

/* What somebody brings. */
struct bringing {
	const char *san, *sid, *dn, *user, *usage;
	const struct test_cert *issuer; /* NULL: the foreign CA */
	EVP_PKEY *key;                  /* NULL: a new one */
	const char *source;             /* NULL: "test" */
	const char *template;           /* 20.2; NULL: none */
	bool not_foreign, replace, no_key, is_ca;
	int64_t not_after;
	uint8_t serial; /* 0: the next */
	struct view long_serial;
	const struct test_cert *again;
};

static uint8_t last_serial = 100;

static struct test_cert
certificate_of(const struct bringing *b)
{
	return test_issue(&(struct test_issue){.dn = b->dn != NULL ? b->dn : "CN=somebody",
	    .issuer = b->issuer != NULL ? b->issuer : &foreign,
	    .key = b->key != NULL ? EVP_PKEY_dup(b->key) : test_key("P-256"),
	    .is_ca = b->is_ca,
	    .usage = b->usage != NULL ? b->usage : "critical,keyAgreement",
	    .san = b->san,
	    .sid = b->sid,
	    .template = b->template,
	    .serial = b->serial != 0 ? b->serial : ++last_serial,
	    .long_serial = b->long_serial,
	    .not_before = clock_now() - 86400,
	    .not_after = b->not_after != 0 ? b->not_after : clock_now() + 86400});
}

static bool
bring_as(const struct principal *officer, const struct bringing *b, const struct test_cert *cert,
    struct import_result *out, struct err *err)
{
	const struct cms_kra recipient = test_recipient(&to);
	struct import_item item = {.certificate = buf_view(&cert->der),
	    .user = b->user,
	    .foreign = !b->not_foreign,
	    .replace = b->replace,
	    .source = b->source != NULL ? b->source : "test"};
	uint8_t binding[ARCHIVE_BINDING];
	struct buf key = {0};
	bool ok;

	harness_must(archive_import_binding(
			 item.certificate, view_str(b->user != NULL ? b->user : ""), binding, err),
	    err);
	if (!b->no_key)
		harness_must(archive_import_seal(cert->key, binding, &recipient, &key, err), err);
	item.key = buf_view(&key);
	ok = import_one(harness.ca, &harness.vault, officer, &item, clock_now(), out, err);
	buf_free(&key);
	return ok;
}

/* *out: import_result_free. */
static void
taken_as(const struct principal *officer, const struct bringing *b, struct test_cert *cert_out,
    struct import_result *out)
{
	struct test_cert cert = certificate_of(b);
	struct err err;

	harness_must(bring_as(officer, b, &cert, out, &err), &err);
	if (cert_out != NULL)
		*cert_out = cert;
	else
		test_cert_free(&cert);
}

static void
refused_as(const struct principal *officer, const struct bringing *b, enum err_code code)
{
	struct test_cert cert = certificate_of(b);
	int before = harness_audited(AUDIT_IMPORTED, false);
	struct store_request row;
	struct import_result r;
	struct err err;

	assert_false(bring_as(officer, b, &cert, &r, &err));
	if (err.code != code)
		fail_msg("%s: %s", err_name(err.code), err.msg);
	assert_int_equal(
	    store_get_by_hash(harness.ca->store, view_of(cert.cert.sha1, 20), &row, &err),
	    STORE_NOT_FOUND);
	assert_int_equal(harness_audited(AUDIT_IMPORTED, false), before + 1);
	import_result_free(&r);
	test_cert_free(&cert);
}

static struct store_request
row_of(int64_t id)
{
	struct store_request row;
	struct err err;

	harness_must(ca_get_row(harness.ca, id, &row, &err), &err);
	return row;
}

static size_t
found(const struct principal *p, const char *token)
{
	struct recover_hidden hidden;
	struct store_requests rows;
	struct err err;
	size_t count;

	harness_must(recover_candidates(harness.ca, p, token, &rows, &hidden, &err), &err);
	count = rows.count;
	store_requests_free(&rows);
	return count;
}

/* ---- certificates of others ---- */

static void
others_need_the_word_of_caller_and_root(void **state)
{
	(void)state;
	refused_as(&officer1, &(struct bringing){.not_foreign = true}, CERT_E_ISSUERCHAINING);
	harness.config->kra_flags = 0;
	refused_as(&officer1, &(struct bringing){0}, CERT_E_ISSUERCHAINING);
	harness.config->kra_flags = KRAF_ENABLEFOREIGN;
}

static void
key_of_another_ca_is_its_owners(void **state)
{
	const struct bringing b = {.san = UPN "user1@nwtraders.com", .dn = "CN=from elsewhere"};
	struct import_result r;
	struct store_request row;
	struct test_cert cert;
	struct buf blob;
	int64_t by_case;
	struct err err;
	char *serial;

	(void)state;
	taken_as(&officer1, &b, &cert, &r);
	assert_true(r.foreign);
	assert_false(r.was_there);
	assert_int_equal(r.key, IMPORT_KEY_ARCHIVED);
	assert_string_equal(r.owner, user1.downlevel);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, DISP_FOREIGN);
	assert_string_equal(row.requester_name, user1.downlevel);
	assert_string_equal(row.caller_name, officer1.downlevel);
	assert_non_null(row.requester_sid);
	assert_true(row.requester_sids.len > 0);
	assert_string_not_equal(row.requester_sid, row.caller_sid);
	assert_int_equal(found(&officer1, "user1@nwtraders.com"), 1);
	assert_int_equal(found(&officer1, "NWTRADERS\\user1"), 1);
	assert_int_equal(found(&officer1, "from elsewhere"), 1);
	serial = pkix_serial_text(cert.cert.serial);
	harness_must(
	    recover_blob(harness.ca, &harness.vault, &officer1,
		&(struct recover_wish){.serial = serial}, clock_now(), &blob, &by_case, &err),
	    &err);
	buf_free(&blob);
	free(serial);
	store_request_free(&row);
	import_result_free(&r);

	/* The same again, and once more to other agents. */
	harness_must(bring_as(&officer1, &b, &cert, &r, &err), &err);
	assert_true(r.was_there);
	assert_int_equal(r.key, IMPORT_KEY_THERE);
	import_result_free(&r);
	harness_must(
	    bring_as(&officer1, &(struct bringing){.san = b.san, .replace = true}, &cert, &r, &err),
	    &err);
	assert_int_equal(r.key, IMPORT_KEY_REPLACED);
	import_result_free(&r);
	test_cert_free(&cert);
}

/* ---- certificates of this CA ---- */

static void
own_certificate_needs_no_word(void **state)
{
	struct bringing b = {.san = UPN "user1@nwtraders.com",
	    .issuer = &harness.ca_cert,
	    .serial = 200,
	    .not_foreign = true};
	struct import_result r;
	struct store_request row;
	struct test_cert other;
	struct err err;

	(void)state;
	taken_as(&officer1, &b, NULL, &r);
	assert_false(r.foreign);
	row = row_of(r.request_id);
	assert_int_equal(row.disposition, DISP_ISSUED);
	store_request_free(&row);
	import_result_free(&r);
	/* another with its number */
	other = certificate_of(&b);
	assert_false(bring_as(&officer1, &b, &other, &r, &err));
	assert_int_equal(err.code, ERROR_FILE_EXISTS);
	test_cert_free(&other);
}

/* ---- whose it is ---- */

static void
assert_owner(const struct bringing *b, const char *owner)
{
	struct import_result r;

	taken_as(&officer1, b, NULL, &r);
	if (owner == NULL)
		assert_null(r.owner);
	else
		assert_string_equal(r.owner, owner);
	import_result_free(&r);
}

static void
owner_is_whom_the_certificate_names(void **state)
{
	char sid[SID_TEXT_MAX];

	(void)state;
	sid_to_text(&user3.sid, sid);
	assert_owner(&(struct bringing){.sid = sid}, user3.downlevel);
	/* A SID is never given again, however young the account is. */
	assert_owner(
	    &(struct bringing){.sid = sid, .not_after = clock_now() - 40000}, user3.downlevel);
	assert_owner(&(struct bringing){.user = "NWTRADERS\\user3"}, user3.downlevel);
	assert_owner(&(struct bringing){.san = "email:user3@nwtraders.com"}, user3.downlevel);
	assert_owner(
	    &(struct bringing){.dn = "emailAddress=user3@nwtraders.com,CN=x"}, user3.downlevel);
	assert_owner(&(struct bringing){.san = UPN "gone@nwtraders.com"}, NULL);
	/* Mail is what people write themselves: it counts for nothing where there is a UPN. */
	assert_owner(
	    &(struct bringing){.san = UPN "gone@nwtraders.com,email:user3@nwtraders.com"}, NULL);
	/* Looked for by its other spelling too, which is no mail by this server's rules. */
	assert_owner(&(struct bringing){.san = "email:user3@xn--mller-kva.example"}, NULL);
	/* Who has the name now was not there yet. */
	assert_owner(
	    &(struct bringing){.san = UPN "user3@nwtraders.com", .not_after = clock_now() - 40000},
	    NULL);
	refused_as(&officer1, &(struct bringing){.san = UPN "user1@nwtraders.com", .sid = sid},
	    TYPE_E_AMBIGUOUSNAME);
	refused_as(&officer1,
	    &(struct bringing){.san = UPN "user1@nwtraders.com", .user = "NWTRADERS\\user3"},
	    TYPE_E_AMBIGUOUSNAME);
}

static void
officers_act_for_the_owner(void **state)
{
	const struct bringing b = {.san = UPN "user3@nwtraders.com", .dn = "CN=engineer"};
	struct import_result r;

	(void)state;
	/* officer1 for Sales (user1 is in it), officer2 for Engineering (user3 is) */
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1205", NULL}, {false, "1112", "1206", NULL}},
	    2);
	refused_as(&officer1, &b, CERTSRV_E_RESTRICTEDOFFICER);
	refused_as(
	    &officer1, &(struct bringing){.user = "NWTRADERS\\user3"}, CERTSRV_E_RESTRICTEDOFFICER);
	/* of whom nobody knows, the rules about everybody count, and there are none */
	refused_as(&officer1, &(struct bringing){0}, CERTSRV_E_RESTRICTEDOFFICER);
	taken_as(&officer2, &b, NULL, &r);
	import_result_free(&r);
	assert_int_equal(found(&officer1, "engineer"), 0);
	assert_int_equal(found(&officer2, "engineer"), 1);
	harness_unrestrict();
}

static void
refused_recovery(const struct principal *officer, const struct test_cert *cert, enum err_code code)
{
	char *hash = hex_encode(view_of(cert->cert.sha1, 20), '\0');
	const struct recover_wish wish = {.serial = hash};
	struct buf blob;
	int64_t by_case;
	struct err err;
	bool ok = recover_blob(
	    harness.ca, &harness.vault, officer, &wish, clock_now(), &blob, &by_case, &err);

	if (code == ERR_OK && ok)
		buf_free(&blob);
	else if (ok || err.code != code)
		fail_msg("%s", ok ? "recovered" : err.msg);
	free(hash);
}

/* Nobody's groups count for it, and no account has it that comes later. */
static void
key_of_an_unknown_owner_is_for_whom_nothing_restricts(void **state)
{
	struct bringing b = {.san = UPN "vanished@nwtraders.com", .dn = "CN=long gone"};
	struct import_result r;
	struct test_cert cert;

	(void)state;
	taken_as(&officer1, &b, &cert, &r);
	assert_null(r.owner);
	import_result_free(&r);
	refused_recovery(&officer1, &cert, ERR_OK);
	harness_restrict(
	    (struct harness_rule[]){{false, "1111", "1205", NULL}, {false, "1112", "1206", NULL}},
	    2);
	refused_recovery(&officer1, &cert, CERTSRV_E_RESTRICTEDOFFICER);
	refused_recovery(&officer2, &cert, CERTSRV_E_RESTRICTEDOFFICER);
	assert_int_equal(found(&officer1, "vanished@nwtraders.com"), 0);
	harness_unrestrict();
	assert_int_equal(found(&officer1, "vanished@nwtraders.com"), 1);
	test_cert_free(&cert);
}

/* Brought by a colleague, of a certificate that had ended before the account was made. */
static void
nobody_recovers_what_is_called_as_he_is(void **state)
{
	static const struct bringing own[] = {
	    {.user = "NWTRADERS\\officer1"},
	    {.san = UPN "officer1@nwtraders.com"},
	    {.dn = "CN=officer1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		struct bringing b = own[i];
		struct import_result r;
		struct test_cert cert;

		b.not_after = clock_now() - 40000;
		taken_as(&officer2, &b, &cert, &r);
		assert_null(r.owner);
		import_result_free(&r);
		refused_recovery(&officer1, &cert, DIRCA_E_OWN_REQUEST);
		refused_recovery(&officer2, &cert, ERR_OK);
		test_cert_free(&cert);
	}
}

static void
nobody_brings_his_own_key(void **state)
{
	(void)state;
	refused_as(&officer1, &(struct bringing){.san = UPN "officer1@nwtraders.com"},
	    DIRCA_E_OWN_REQUEST);
	refused_as(
	    &officer1, &(struct bringing){.user = "NWTRADERS\\officer1"}, DIRCA_E_OWN_REQUEST);
	refused_as(&officer1, &(struct bringing){.dn = "CN=officer1"}, DIRCA_E_OWN_REQUEST);
	/* nor with his name in it, whosever else it is */
	refused_as(&officer1, &(struct bringing){.user = "NWTRADERS\\user1", .dn = "CN=officer1"},
	    DIRCA_E_OWN_REQUEST);
	refused_as(&auditor, &(struct bringing){0}, E_ACCESSDENIED);
}

/* ---- keys ---- */

static void
public_key_stays_one_principals(void **state)
{
	EVP_PKEY *key = test_key("P-256");
	struct import_result r;

	(void)state;
	taken_as(
	    &officer1, &(struct bringing){.san = UPN "user1@nwtraders.com", .key = key}, NULL, &r);
	import_result_free(&r);
	refused_as(&officer1, &(struct bringing){.san = UPN "user3@nwtraders.com", .key = key},
	    DIRCA_E_KEY_IN_USE);
	refused_as(
	    &officer1, &(struct bringing){.dn = "CN=accomplice", .key = key}, DIRCA_E_KEY_IN_USE);
	/* renewed elsewhere */
	taken_as(
	    &officer1, &(struct bringing){.san = UPN "user1@nwtraders.com", .key = key}, NULL, &r);
	import_result_free(&r);
	EVP_PKEY_free(key);
}

/* Two CAs count from one. */
static void
one_serial_number_of_two_cas_is_told_by_the_hash(void **state)
{
	struct test_cert second = test_ca("CN=Second CA", "P-256"), cert[2];
	const struct bringing of[] = {{.san = UPN "user1@nwtraders.com", .serial = 9},
	    {.san = UPN "user1@nwtraders.com", .serial = 9, .issuer = &second}};
	struct recover_wish wish = {.serial = "9"};
	struct import_result r;
	struct buf blob;
	int64_t by_case;
	struct err err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		taken_as(&officer1, &of[i], &cert[i], &r);
		import_result_free(&r);
	}
	assert_false(recover_blob(
	    harness.ca, &harness.vault, &officer1, &wish, clock_now(), &blob, &by_case, &err));
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	for (int i = 0; i < 2; i++) {
		char *hash = hex_encode(view_of(cert[i].cert.sha1, 20), '\0');
		struct recovery_blob b;

		wish.serial = hash;
		harness_must(recover_blob(harness.ca, &harness.vault, &officer1, &wish, clock_now(),
				 &blob, &by_case, &err),
		    &err);
		harness_must(recovery_decode(buf_view(&blob), &b, &err), &err);
		assert_true(view_eq(buf_view(&b.certificate.raw), buf_view(&cert[i].der)));
		recovery_free(&b);
		buf_free(&blob);
		free(hash);
		test_cert_free(&cert[i]);
	}
	test_cert_free(&second);
}

/* What stands in the trail about it is the CA's word. */
static void
nothing_that_is_brought_passes_for_a_word_of_the_trail(void **state)
{
	struct import_result r;
	struct store_request row;

	(void)state;
	refused_as(
	    &officer1, &(struct bringing){.source = "x foreign=no owner-by=SID"}, E_INVALIDARG);
	refused_as(&officer1,
	    &(struct bringing){.source = "a source with more letters than one has"}, E_INVALIDARG);
	taken_as(&officer1, &(struct bringing){.dn = "CN=x subject\\=CN\\=boss"}, NULL, &r);
	row = row_of(r.request_id);
	assert_string_equal(row.requester_name, "imported: x subject:CN:boss");
	store_request_free(&row);
	import_result_free(&r);
}

static void
words_and_keys_have_a_size(void **state)
{
	char user[258] = {0};
	struct bringing b = {.user = memset(user, 'x', sizeof user - 1)};
	struct test_cert cert = certificate_of(&(struct bringing){0});
	uint8_t key[32769] = {0};
	struct import_item item = {
	    .certificate = buf_view(&cert.der), .foreign = true, .key = view_of(key, sizeof key)};
	struct import_result r;
	struct err err;

	(void)state;
	refused_as(&officer1, &b, E_INVALIDARG);
	assert_false(
	    import_one(harness.ca, &harness.vault, &officer1, &item, clock_now(), &r, &err));
	assert_int_equal(err.code, DIRCA_E_TOO_LARGE);
	test_cert_free(&cert);
}

/* Rules of officers name templates of this CA. */
static void
template_of_another_ca_restricts_nobody(void **state)
{
	struct bringing b = {.san = UPN "user1@nwtraders.com", .template = "User"};
	struct import_result r;
	struct store_request row;

	(void)state;
	taken_as(&officer1, &b, NULL, &r);
	row = row_of(r.request_id);
	assert_null(row.template_name);
	assert_null(row.template_oid);
	store_request_free(&row);
	import_result_free(&r);
	b.issuer = &harness.ca_cert;
	b.serial = 201;
	taken_as(&officer1, &b, NULL, &r);
	row = row_of(r.request_id);
	assert_string_equal(row.template_name, "User");
	store_request_free(&row);
	import_result_free(&r);
}

/* ---- escrow batches ---- */

static struct buf
entry_of(const struct test_cert *cert, const struct test_cert *by, const char *user)
{
	static uint8_t batch[ESCROW_BATCH_ID] = {7};
	const struct cms_kra recipient = test_recipient(&to);
	const struct cms_cosigner signer = {.key = by->key, .certificate = buf_view(&by->der)};
	struct escrow_entry e = {.batch = view_of(batch, sizeof batch),
	    .index = 1,
	    .total = 1,
	    .certificate = buf_view(&cert->der),
	    .user = mem_text(user)};
	uint8_t binding[ARCHIVE_BINDING];
	struct buf key, content, out;
	struct err err;

	harness_must(archive_import_binding(
			 e.certificate, view_str(user != NULL ? user : ""), binding, &err),
	    &err);
	harness_must(archive_import_seal(cert->key, binding, &recipient, &key, &err), &err);
	e.key = buf_view(&key);
	harness_must(escrow_entry_encode(&e, &content, &err), &err);
	harness_must(cms_sign_content(&signer, oid_dotted(OID_CT_ESCROW_ENTRY), buf_view(&content),
			 clock_now(), &out, &err),
	    &err);
	free(e.user);
	buf_free(&key);
	buf_free(&content);
	return out;
}

static bool
bring_entry(const struct buf *entry, struct import_result *out, struct err *err)
{
	const struct import_item item = {.entry = buf_view(entry), .foreign = true};

	return import_one(harness.ca, &harness.vault, &officer1, &item, clock_now(), out, err);
}

static void
refused_entry(const struct buf *entry, enum err_code code)
{
	int before = harness_audited(AUDIT_IMPORTED, false);
	struct import_result r;
	struct err err;

	assert_false(bring_entry(entry, &r, &err));
	if (err.code != code)
		fail_msg("%s: %s", err_name(err.code), err.msg);
	assert_int_equal(harness_audited(AUDIT_IMPORTED, false), before + 1);
}

static void
list_signer(const struct test_cert *signer)
{
	char folder[512], path[600];
	const uint8_t *der = signer->der.ptr;
	X509 *x = d2i_X509(NULL, &der, (long)signer->der.len);
	FILE *f;

	snprintf(folder, sizeof folder, "%s/" TRUST_FOLDER, harness.config->state_dir);
	mkdir(folder, 0755);
	snprintf(path, sizeof path, "%s/" TRUST_SIGNERS, folder);
	f = fopen(path, "w");
	assert_true(f != NULL && x != NULL && PEM_write_X509(f, x) == 1);
	fclose(f);
	assert_int_equal(chmod(path, 0644), 0);
	X509_free(x);
}

/* By the certificate, whatever it is called, and whoever vouches for it. */
static void
entries_are_of_listed_signers(void **state)
{
	struct test_cert signer = test_ca("CN=exporter", "P-256"),
			 namesake = test_ca("CN=exporter", "P-256");
	struct test_cert issued = test_issue(&(struct test_issue){.dn = "CN=exporter",
	    .issuer = &signer,
	    .key = test_key("P-256"),
	    .serial = 5,
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
	struct test_cert cert = certificate_of(&(struct bringing){0});
	struct buf entry = entry_of(&cert, &signer, "NWTRADERS\\user3"),
		   by_namesake = entry_of(&cert, &namesake, "NWTRADERS\\user3"),
		   by_issued = entry_of(&cert, &issued, "NWTRADERS\\user3");
	struct import_result r;
	struct err err;
	uint8_t *at;

	(void)state;
	refused_entry(&entry, CERT_E_UNTRUSTEDROOT); /* there is no list */
	list_signer(&namesake);
	refused_entry(&entry, CERT_E_UNTRUSTEDROOT);
	list_signer(&signer);
	refused_entry(&by_namesake, CERT_E_UNTRUSTEDROOT);
	refused_entry(&by_issued, CERT_E_UNTRUSTEDROOT);
	/* the key is another's now */
	at = memmem(entry.ptr, entry.len, "user3", 5);
	assert_non_null(at);
	at[4] = '1';
	refused_entry(&entry, CRYPT_E_HASH_VALUE);
	at[4] = '3';
	harness_must(bring_entry(&entry, &r, &err), &err);
	assert_string_equal(r.owner, user3.downlevel);
	assert_int_equal(r.key, IMPORT_KEY_ARCHIVED);
	import_result_free(&r);
	buf_free(&entry);
	buf_free(&by_namesake);
	buf_free(&by_issued);
	test_cert_free(&cert);
	test_cert_free(&issued);
	test_cert_free(&namesake);
	test_cert_free(&signer);
}

/* Nobody finds the copier's key in place of the other's, nor is kept from finding that. */
static void
serial_number_that_copies_a_hash_hides_nobodys_key(void **state)
{
	struct bringing copy = {.san = UPN "user3@nwtraders.com", .dn = "CN=copy"};
	struct test_cert cert = {0};
	struct recovery_blob opened;
	struct recover_wish wish = {0};
	struct import_result r;
	struct buf blob;
	int64_t by_case;
	struct err err;
	char *hash;

	(void)state;
	do { /* a serial number is positive, and begins with no zero */
		test_cert_free(&cert);
		cert = certificate_of(&(struct bringing){.san = UPN "user1@nwtraders.com"});
	} while (cert.cert.sha1[0] == 0 || cert.cert.sha1[0] >= 0x80);
	harness_must(bring_as(&officer1, &(struct bringing){0}, &cert, &r, &err), &err);
	import_result_free(&r);
	copy.long_serial = view_of(cert.cert.sha1, 20);
	taken_as(&officer1, &copy, NULL, &r);
	import_result_free(&r);
	wish.serial = hash = hex_encode(copy.long_serial, '\0');
	assert_int_equal(found(&officer1, hash), 1);
	harness_must(recover_blob(harness.ca, &harness.vault, &officer1, &wish, clock_now(), &blob,
			 &by_case, &err),
	    &err);
	harness_must(recovery_decode(buf_view(&blob), &opened, &err), &err);
	assert_true(view_eq(buf_view(&opened.certificate.raw), buf_view(&cert.der)));
	recovery_free(&opened);
	buf_free(&blob);
	free(hash);
	test_cert_free(&cert);
}

static void
signature_keys_and_certificates_of_cas_are_not_taken(void **state)
{
	static const char *const usages[] = {"critical,keyCertSign,cRLSign,keyAgreement",
	    "critical,keyCertSign,keyAgreement", "critical,cRLSign,keyAgreement",
	    "critical,keyAgreement"};

	(void)state;
	refused_as(&officer1, &(struct bringing){.usage = "critical,digitalSignature"},
	    DIRCA_E_SIGNATURE_KEY);
	/* Whatever else it may. */
	for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
		refused_as(
		    &officer1, &(struct bringing){.is_ca = true, .usage = usages[i]}, E_INVALIDARG);
}

static void
certificate_is_taken_where_keys_cannot_be_archived(void **state)
{
	const struct bringing b = {.san = UPN "user1@nwtraders.com"};
	struct test_cert cert;
	struct import_result r;
	struct store_request row;
	struct err err;

	(void)state;
	harness_count_kras(0);
	taken_as(&officer1, &b, &cert, &r);
	assert_int_equal(r.key, IMPORT_KEY_NONE);
	assert_int_equal(r.key_refusal.code, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED);
	row = row_of(r.request_id);
	assert_int_equal(row.raw_archived_key.len, 0);
	store_request_free(&row);
	import_result_free(&r);
	harness_count_kras(2);
	harness_must(bring_as(&officer1, &b, &cert, &r, &err), &err);
	assert_true(r.was_there);
	assert_int_equal(r.key, IMPORT_KEY_ARCHIVED);
	row = row_of(r.request_id);
	assert_true(row.raw_archived_key.len > 0);
	store_request_free(&row);
	import_result_free(&r);
	test_cert_free(&cert);
}

/* The floor is for the trail, approvals and recoveries. */
static void
nothing_is_added_where_the_disk_is_nearly_full(void **state)
{
	const struct bringing b = {.san = UPN "user1@nwtraders.com"},
			      alone = {.san = b.san, .no_key = true};
	const int64_t floor = harness.config->low_space_mb;
	struct test_cert cert, bare;
	struct import_result r;
	struct err err;

	(void)state;
	taken_as(&officer1, &b, &cert, &r);
	import_result_free(&r);
	taken_as(&officer1, &alone, &bare, &r);
	assert_int_equal(r.key, IMPORT_KEY_NONE);
	import_result_free(&r);
	harness.config->low_space_mb = INT64_MAX;
	refused_as(&officer1, &b, DIRCA_E_LOW_SPACE);
	refused_as(&officer1, &alone, DIRCA_E_LOW_SPACE);
	assert_false(bring_as(&officer1, &b, &bare, &r, &err));
	assert_int_equal(err.code, DIRCA_E_LOW_SPACE);
	assert_false(bring_as(
	    &officer1, &(struct bringing){.san = b.san, .replace = true}, &cert, &r, &err));
	assert_int_equal(err.code, DIRCA_E_LOW_SPACE);
	/* what is there takes no room */
	harness_must(bring_as(&officer1, &b, &cert, &r, &err), &err);
	assert_int_equal(r.key, IMPORT_KEY_THERE);
	import_result_free(&r);
	harness_must(bring_as(&officer1, &alone, &bare, &r, &err), &err);
	import_result_free(&r);
	harness.config->low_space_mb = floor;
	harness_must(bring_as(&officer1, &b, &bare, &r, &err), &err);
	assert_int_equal(r.key, IMPORT_KEY_ARCHIVED);
	import_result_free(&r);
	test_cert_free(&cert);
	test_cert_free(&bare);
}

static int
group_setup(void **state)
{
	struct err err;

	(void)state;
	if (harness_open("kra_flags = KRAF_ENABLEFOREIGN\n") != 0)
		return -1;
	harness_person("user1", &user1);
	harness_person("user3", &user3);
	harness_person("officer1", &officer1);
	harness_person("officer2", &officer2);
	harness_person("auditor", &auditor);
	foreign = test_ca("CN=Foreign CA", "P-256");
	harness_must(
	    ca_new_import(harness.ca, &harness.vault, "test", 86400, clock_now(), &to.der, &err),
	    &err);
	harness_must(pkix_cert_decode(buf_view(&to.der), &to.cert, &err), &err);
	harness_must(pkix_public_key(to.cert.spki, &to.key, &err), &err);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	test_cert_free(&foreign);
	test_cert_free(&to);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(others_need_the_word_of_caller_and_root),
	    cmocka_unit_test(key_of_another_ca_is_its_owners),
	    cmocka_unit_test(own_certificate_needs_no_word),
	    cmocka_unit_test(owner_is_whom_the_certificate_names),
	    cmocka_unit_test(officers_act_for_the_owner),
	    cmocka_unit_test(key_of_an_unknown_owner_is_for_whom_nothing_restricts),
	    cmocka_unit_test(nobody_recovers_what_is_called_as_he_is),
	    cmocka_unit_test(nobody_brings_his_own_key),
	    cmocka_unit_test(words_and_keys_have_a_size),
	    cmocka_unit_test(template_of_another_ca_restricts_nobody),
	    cmocka_unit_test(entries_are_of_listed_signers),
	    cmocka_unit_test(public_key_stays_one_principals),
	    cmocka_unit_test(one_serial_number_of_two_cas_is_told_by_the_hash),
	    cmocka_unit_test(nothing_that_is_brought_passes_for_a_word_of_the_trail),
	    cmocka_unit_test(serial_number_that_copies_a_hash_hides_nobodys_key),
	    cmocka_unit_test(signature_keys_and_certificates_of_cas_are_not_taken),
	    cmocka_unit_test(certificate_is_taken_where_keys_cannot_be_archived),
	    cmocka_unit_test(nothing_is_added_where_the_disk_is_nearly_full),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
