/* Application policies down a chain of CAs, policies of certificates, and what a CRL says. */
#include "messages_support.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der_write.h"
#include "mem.h"
#include "own.h"
#include "pkix_policy.h"
#include "crl_list.h"

#define ARCHIVAL "1.3.6.1.4.1.311.21.5"
#define CLIENT   "1.3.6.1.5.5.7.3.2"
#define MAIL     "1.3.6.1.5.5.7.3.4"
#define ANY      "1.3.6.1.4.1.311.10.12.1"
#define MOST     4

static EVP_PKEY *key;

/* A certificate's extensions, in the notation of openssl.cnf. */
struct layer {
	const char *eku, *policies, *mappings, *constraints, *issuance;
	bool self_issued;
};

static void
push(STACK_OF(X509_EXTENSION) * list, const char *dotted, int nid, const char *value)
{
	CONF *conf = NCONF_new(NULL);
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	struct err err;

	X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	e = value != NULL ? X509V3_EXT_nconf_nid(conf, &ctx, nid, value) : NULL;
	NCONF_free(conf);
	if (value == NULL)
		return;
	assert_non_null(e);
	must(pkix_ext_push(list, dotted, false,
	    view_of(ASN1_STRING_get0_data(X509_EXTENSION_get_data(e)),
		(size_t)ASN1_STRING_length(X509_EXTENSION_get_data(e))),
	    &err));
	X509_EXTENSION_free(e);
}

static struct pkix_cert
certificate(const struct layer *l, const char *name)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf subject, issuer, spki, alg, tbs, signature, der;
	struct pkix_cert c;
	struct err err;
	uint8_t serial = 1;

	push(list, "2.5.29.37", NID_ext_key_usage, l->eku);
	push(list, "1.3.6.1.4.1.311.21.10", NID_certificate_policies, l->policies);
	push(list, "1.3.6.1.4.1.311.21.11", NID_policy_mappings, l->mappings);
	push(list, "1.3.6.1.4.1.311.21.12", NID_policy_constraints, l->constraints);
	push(list, "2.5.29.32", NID_certificate_policies, l->issuance);
	must(pkix_name_from_dn(name, NULL, &subject, &err));
	must(pkix_name_from_dn(l->self_issued ? name : "CN=above", NULL, &issuer, &err));
	must(pkix_key_spki(key, &spki, &err));
	must(pkix_sig_alg(key, &alg, &err));
	const struct pkix_tbs in = {.serial = view_of(&serial, 1),
	    .sig_alg = buf_view(&alg),
	    .issuer = buf_view(&issuer),
	    .not_before = 1000000000,
	    .not_after = 2000000000,
	    .subject = buf_view(&subject),
	    .spki = buf_view(&spki),
	    .extensions = list};
	must(pkix_tbs_encode(&in, &tbs, &err));
	signature = support_sign(key, EVP_sha256(), buf_view(&tbs));
	must(pkix_signed_wrap(buf_view(&tbs), buf_view(&alg), buf_view(&signature), &der, &err));
	must(pkix_cert_decode(buf_view(&der), &c, &err));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buf_free(&subject);
	buf_free(&issuer);
	buf_free(&spki);
	buf_free(&alg);
	buf_free(&tbs);
	buf_free(&signature);
	buf_free(&der);
	return c;
}

struct chain_row {
	const char *what;
	struct layer layers[MOST]; /* from the issuing CA up to the root */
	size_t count;
	bool allowed;
	const char *excluder; /* CN<i> */
};

static const struct chain_row chain_rows[] = {
    {"no certificate says anything", {{0}, {0}, {.self_issued = true}}, 3, true, NULL},
    {"the CA has the policy", {{.policies = CLIENT "," ARCHIVAL}, {0}}, 2, true, NULL},
    {"the CA lacks it", {{.policies = CLIENT}, {0}}, 2, false, "CN0"},
    {"a CA above lacks it", {{.policies = ARCHIVAL}, {.policies = CLIENT}, {0}}, 3, false, "CN1"},
    {"the root lacks it", {{0}, {.policies = MAIL, .self_issued = true}}, 2, false, "CN1"},
    {"any application policy", {{.policies = ANY}, {.policies = ARCHIVAL "," MAIL}}, 2, true, NULL},
    {"any extended key usage", {{.eku = "anyExtendedKeyUsage"}}, 1, true, NULL},
    {"extended key usage counts too", {{.eku = "clientAuth"}}, 1, false, "CN0"},
    {"both lists must have it", {{.eku = "clientAuth", .policies = ARCHIVAL}}, 1, false, "CN0"},
    {"both have it", {{.eku = ARCHIVAL, .policies = ARCHIVAL}}, 1, true, NULL},
    {"a constraint demands policies of those below",
	{{0}, {.policies = ARCHIVAL, .constraints = "requireExplicitPolicy:0"}}, 2, false, "CN0"},
    {"... who have them",
	{{.policies = ARCHIVAL}, {.policies = ARCHIVAL, .constraints = "requireExplicitPolicy:0"}},
	2, true, NULL},
    {"... after one more certificate",
	{{0}, {.policies = ARCHIVAL, .constraints = "requireExplicitPolicy:1"}}, 2, true, NULL},
    {"... and then not", {{0}, {0}, {.constraints = "requireExplicitPolicy:1"}}, 3, false, "CN0"},
    {"another's name for the policy",
	{{.policies = MAIL}, {.policies = ARCHIVAL, .mappings = ARCHIVAL ":" MAIL}}, 2, false,
	"CN1"},
    {"mapped from another's name",
	{{.policies = ARCHIVAL}, {.policies = MAIL, .mappings = MAIL ":" ARCHIVAL}}, 2, true, NULL},
    {"mapping that is forbidden",
	{{.policies = ARCHIVAL}, {.policies = MAIL, .mappings = MAIL ":" ARCHIVAL},
	    {.policies = MAIL, .constraints = "inhibitPolicyMapping:0"}},
	3, false, "CN2"},
    {"mapping that is not forbidden yet",
	{{.policies = ARCHIVAL}, {.policies = MAIL, .mappings = MAIL ":" ARCHIVAL},
	    {.policies = MAIL, .constraints = "inhibitPolicyMapping:1"}},
	3, true, NULL},
    {"mapping under no restriction takes nothing away",
	{{.policies = ARCHIVAL}, {.mappings = ARCHIVAL ":" MAIL}}, 2, true, NULL},
};

static void
a_policy_is_valid_down_a_chain_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof chain_rows / sizeof chain_rows[0]; i++) {
		const struct chain_row *row = &chain_rows[i];
		struct pkix_cert certs[MOST];
		const struct pkix_cert *chain[MOST];
		struct err err;
		char name[8];
		bool allowed;

		for (size_t k = 0; k < row->count; k++) {
			snprintf(name, sizeof name, "CN=CN%zu", k);
			certs[k] = certificate(&row->layers[k], name);
			chain[k] = &certs[k];
		}
		allowed = pkix_chain_allows(chain, row->count, ARCHIVAL, &err);
		if (allowed != row->allowed)
			fail_msg("%s: %s", row->what, allowed ? "allowed" : err.msg);
		if (!allowed) {
			assert_int_equal(err.code, CERT_E_WRONG_USAGE);
			if (strstr(err.msg, row->excluder) == NULL)
				fail_msg(
				    "%s: '%s' does not name %s", row->what, err.msg, row->excluder);
		}
		for (size_t k = 0; k < row->count; k++)
			pkix_cert_free(&certs[k]);
	}
}

static void
an_issuer_gives_what_it_may(void **state)
{
	static const struct {
		struct layer issuer;
		bool mail, low, high;
	} rows[] = {
	    {{0}, true, true, true},
	    {{.eku = CLIENT}, false, true, true},
	    {{.eku = CLIENT ", " MAIL, .policies = CLIENT}, false, true, true},
	    {{.eku = "2.5.29.37.0"}, true, true, true},
	    {{.issuance = "1.2.3.400"}, true, true, false},
	    {{.issuance = "1.2.3.400, 2.5.29.32.0"}, true, true, true},
	    {{.eku = MAIL, .issuance = "1.2.3.402"}, true, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkix_cert issuer = certificate(&rows[i].issuer, "CN=issuer");
		struct texts application = {0}, issuance = {0};
		struct err err;

		texts_add(&application, MAIL);
		texts_add(&issuance, "1.2.3.400");
		texts_add(&issuance, "1.2.3.402");
		must(pkix_issuer_limits(&issuer, &application, &issuance, &err));
		if (texts_has(&application, MAIL) != rows[i].mail ||
		    texts_has(&issuance, "1.2.3.400") != rows[i].low ||
		    texts_has(&issuance, "1.2.3.402") != rows[i].high)
			fail_msg("row %zu", i);
		texts_free(&application);
		texts_free(&issuance);
		pkix_cert_free(&issuer);
	}
}

static void
malformed_policies_exclude(void **state)
{
	static const char *const oids[] = {
	    "2.5.29.37", "1.3.6.1.4.1.311.21.10", "1.3.6.1.4.1.311.21.11", "1.3.6.1.4.1.311.21.12"};

	(void)state;
	for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
		struct pkix_extension e = {.value = view_of("\x30\x03\x02\x01", 4)};
		struct pkix_cert c = certificate(&(struct layer){0}, "CN=CN0");
		const struct pkix_cert *chain[] = {&c};
		struct err err;

		snprintf(e.oid, sizeof e.oid, "%s", oids[i]);
		e.nid = OBJ_txt2nid(oids[i]);
		assert_int_not_equal(e.nid, NID_undef);
		c.extensions = malloc(sizeof e);
		memcpy(c.extensions, &e, sizeof e);
		c.extension_count = 1;
		must_fail(pkix_chain_allows(chain, 1, ARCHIVAL, &err), CERT_E_WRONG_USAGE);
		pkix_cert_free(&c);
	}
}

static void
a_certificate_holds_what_both_of_its_lists_have(void **state)
{
	const struct layer both = {.eku = "clientAuth,emailProtection",
			       .policies = MAIL "," ARCHIVAL},
			   one = {.eku = "clientAuth"}, other = {.policies = ARCHIVAL}, none = {0};
	const struct {
		const struct layer *layer;
		const char *only; /* the policies are this one */
	} rows[] = {{&both, MAIL}, {&one, CLIENT}, {&other, ARCHIVAL}, {&none, NULL}};
	struct texts held;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkix_cert c = certificate(rows[i].layer, "CN=CN0");

		must(pkix_cert_application_policies(&c, &held, &err));
		assert_int_equal(held.count, rows[i].only != NULL);
		if (rows[i].only != NULL)
			assert_string_equal(held.list[0], rows[i].only);
		texts_free(&held);
		must(pkix_cert_issuance_policies(&c, &held, &err));
		assert_int_equal(held.count, 0);
		pkix_cert_free(&c);
	}
}

static void
policies_that_are_cut_or_empty_are_refused(void **state)
{
	static const uint8_t good[] = {0x30, 0x07, 0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x04};
	struct texts held;
	struct err err;

	(void)state;
	must(pkix_policies_decode(view_of(good, sizeof good), &held, &err));
	assert_int_equal(held.count, 1);
	assert_string_equal(held.list[0], "1.2.3.4");
	texts_free(&held);
	for (size_t len = 0; len < sizeof good; len++)
		must_fail(
		    pkix_policies_decode(view_of(good, len), &held, &err), ERROR_INVALID_DATA);
	must_fail(pkix_policies_decode(view_of("\x30\x00", 2), &held, &err), ERROR_INVALID_DATA);
}

static struct buf
crl(const struct pkix_cert *issuer, int64_t from, int64_t until, const uint8_t *serial)
{
	const struct pkix_revoked list = {view_of(serial, 1), from, 1};
	struct buf alg, tbs, signature, der;
	struct err err;

	must(pkix_sig_alg(key, &alg, &err));
	must(crl_of_list(&(struct pkix_crl_head){issuer->subject, buf_view(&alg), {0}, from, until,
			     7, false, NULL},
	    &list, serial != NULL, &tbs, &err));
	signature = support_sign(key, EVP_sha256(), buf_view(&tbs));
	must(pkix_signed_wrap(buf_view(&tbs), buf_view(&alg), buf_view(&signature), &der, &err));
	buf_free(&alg);
	buf_free(&tbs);
	buf_free(&signature);
	return der;
}

/* Signed by the key, it is of no use for a certificate that it does not list. */
static bool
says_nothing(const struct pkix_cert *issuer, struct view tbs)
{
	static const uint8_t other = 8;
	struct buf signature = support_sign(key, EVP_sha256(), tbs), alg, der;
	bool listed = false, usable;
	struct err err;

	must(pkix_sig_alg(key, &alg, &err));
	must(pkix_signed_wrap(tbs, buf_view(&alg), buf_view(&signature), &der, &err));
	usable = pkix_crl_lists(
	    buf_view(&der), issuer->subject, key, view_of(&other, 1), 1500, &listed, &err);
	assert_int_equal(listed, !usable);
	if (!usable)
		assert_int_equal(err.code, CRYPT_E_REVOCATION_OFFLINE);
	assert_int_equal(ERR_peek_error(), 0);
	buf_free(&alg);
	buf_free(&signature);
	buf_free(&der);
	return !usable;
}

/* A TBSCertList with a non-critical or a critical extension that nobody knows, or with none. */
static struct buf
crl_tbs(const struct pkix_cert *issuer, bool extension, bool critical)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	struct buf alg, tbs;
	struct err err;

	if (extension)
		must(pkix_ext_push(
		    list, "1.3.6.1.4.1.99999.1", critical, view_of("\x05\x00", 2), &err));
	must(pkix_sig_alg(key, &alg, &err));
	must(crl_of_list(&(struct pkix_crl_head){issuer->subject, buf_view(&alg), {0}, 1000, 2000,
			     7, false, list},
	    NULL, 0, &tbs, &err));
	buf_free(&alg);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return tbs;
}

static struct buf
with_times(struct view tbs, const char *times)
{
	OWNED(der_out_free) struct der_out o = {0};
	struct pkix_crl_parts parts;
	struct buf out;
	size_t whole;
	struct err err;

	must(pkix_crl_cut(tbs, &parts, &err));
	whole = der_open(&o, DER_SEQUENCE);
	der_put(&o, view_of(parts.before.ptr, (size_t)(parts.this_update.ptr - parts.before.ptr)));
	der_put(&o, view_str(times));
	der_put(&o, parts.after);
	der_close(&o, whole);
	must(der_done(&o, &out, &err));
	return out;
}

/* RFC 5280 5.1.2.4 and 5.1.2.5: to the second, with the Z, in the form for the year, and an end. */
static void
a_crl_whose_times_are_written_otherwise_says_nothing(void **state)
{
	static const struct {
		const char *times;
		bool ok;
	} cases[] = {
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x17\x0d"
	     "700101010000Z",
		true},
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x18\x0f"
	     "20500101000000Z",
		true},
	    {"\x17\x0d"
	     "700101000000Z",
		false},
	    {"\x17\x0b"
	     "7001010000Z"
	     "\x17\x0d"
	     "700101010000Z",
		false},
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x17\x0b"
	     "7001010100Z",
		false},
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x17\x11"
	     "700101000000-0100",
		false},
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x18\x0f"
	     "19700101010000Z",
		false},
	    {"\x17\x0d"
	     "700101000000Z"
	     "\x18\x11"
	     "20500101000000.5Z",
		false},
	    {"\x18\x0f"
	     "19700101000000Z"
	     "\x17\x0d"
	     "700101010000Z",
		false},
	};
	struct pkix_cert issuer = certificate(&(struct layer){0}, "CN=CN0");
	struct buf tbs = crl_tbs(&issuer, false, false);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf other = with_times(buf_view(&tbs), cases[i].times);

		if (says_nothing(&issuer, buf_view(&other)) == cases[i].ok)
			fail_msg("times %zu", i);
		buf_free(&other);
	}
	buf_free(&tbs);
	pkix_cert_free(&issuer);
}

/* RFC 5280 5.2: whoever does not know it must not use the list. */
static void
a_crl_with_a_critical_extension_that_is_not_known_says_nothing(void **state)
{
	struct pkix_cert issuer = certificate(&(struct layer){0}, "CN=CN0");

	(void)state;
	for (int critical = 0; critical < 2; critical++) {
		struct buf tbs = crl_tbs(&issuer, true, critical == 1);

		assert_int_equal(says_nothing(&issuer, buf_view(&tbs)), critical);
		buf_free(&tbs);
	}
	pkix_cert_free(&issuer);
}

static void
a_crl_says_who_is_revoked_while_it_is_current(void **state)
{
	static const uint8_t serial = 9, other = 8;
	struct pkix_cert issuer = certificate(&(struct layer){0}, "CN=CN0"),
			 stranger = certificate(&(struct layer){0}, "CN=CN1");
	EVP_PKEY *wrong = support_ec("P-256");
	struct buf der = crl(&issuer, 1000, 2000, &serial);
	bool listed;
	struct err err;

	(void)state;
	must(pkix_crl_lists(
	    buf_view(&der), issuer.subject, key, view_of(&serial, 1), 1500, &listed, &err));
	assert_true(listed);
	must(pkix_crl_lists(
	    buf_view(&der), issuer.subject, key, view_of(&other, 1), 1500, &listed, &err));
	assert_false(listed);
	must_fail(pkix_crl_lists(
		      buf_view(&der), issuer.subject, key, view_of(&other, 1), 2001, &listed, &err),
	    CRYPT_E_REVOCATION_OFFLINE);
	must_fail(pkix_crl_lists(
		      buf_view(&der), issuer.subject, key, view_of(&other, 1), 999, &listed, &err),
	    CRYPT_E_REVOCATION_OFFLINE);
	must_fail(pkix_crl_lists(buf_view(&der), issuer.subject, wrong, view_of(&other, 1), 1500,
		      &listed, &err),
	    NTE_BAD_SIGNATURE);
	must_fail(pkix_crl_lists(buf_view(&der), stranger.subject, key, view_of(&other, 1), 1500,
		      &listed, &err),
	    CRYPT_E_NOT_FOUND);
	for (size_t len = 0; len < der.len; len++)
		assert_false(pkix_crl_lists(view_of(der.ptr, len), issuer.subject, key,
		    view_of(&other, 1), 1500, &listed, &err));
	buf_free(&der);
	pkix_cert_free(&issuer);
	pkix_cert_free(&stranger);
	EVP_PKEY_free(wrong);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	must(oids_init(&err));
	key = support_ec("P-256");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_policy_is_valid_down_a_chain_or_not),
	    cmocka_unit_test(an_issuer_gives_what_it_may),
	    cmocka_unit_test(malformed_policies_exclude),
	    cmocka_unit_test(a_certificate_holds_what_both_of_its_lists_have),
	    cmocka_unit_test(policies_that_are_cut_or_empty_are_refused),
	    cmocka_unit_test(a_crl_says_who_is_revoked_while_it_is_current),
	    cmocka_unit_test(a_crl_whose_times_are_written_otherwise_says_nothing),
	    cmocka_unit_test(a_crl_with_a_critical_extension_that_is_not_known_says_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
