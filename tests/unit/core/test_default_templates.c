/*
 * The 65 default templates of [MS-CRTD] appendix A: each is decoded, decided on and issued through
 * the vault, and what libcrypto reads in the certificate is compared with
 * tests/fixtures/templates/expected-certificates.txt, which tests/support/expected_certificates.py
 * derives from the LDIF and the rules.
 */

#include "certify.h"
#include "ldif.h"
#include "flags.h"

#define ARC       "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1"
#define TEXT_SIZE 8192

static EVP_PKEY *key;
static struct buf spki, expected;
static struct principal user, host;

/* A text that grows to its end. */
struct text {
	char at[TEXT_SIZE];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void
say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->used += (size_t)vsnprintf(t->at + t->used, TEXT_SIZE - t->used, fmt, ap);
	va_end(ap);
	assert_true(t->used < TEXT_SIZE);
}

static X509_EXTENSION *
extension(const X509 *x, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(x, o, -1);

	ASN1_OBJECT_free(o);
	return at >= 0 ? X509_get_ext(x, at) : NULL;
}

/* "name: " and, if the extension is there, "critical " where it is; else "name: (none)\n". */
static bool
begin(struct text *t, const char *name, X509_EXTENSION *e)
{
	say(t, "%s: %s", name, e == NULL ? "(none)\n" : "");
	if (e != NULL && X509_EXTENSION_get_critical(e))
		say(t, "critical ");
	return e != NULL;
}

static void
say_oid(struct text *t, const ASN1_OBJECT *o, int place)
{
	char oid[256];

	OBJ_obj2txt(oid, sizeof oid, o, 1);
	say(t, "%s%s", place > 0 ? " " : "", oid);
}

static void
say_string(struct text *t, const ASN1_STRING *s)
{
	uint8_t *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, s);

	assert_true(len >= 0);
	say(t, "%.*s", len, (const char *)utf8);
	OPENSSL_free(utf8);
}

static void
say_subject(struct text *t, const X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &text);
	say(t, "subject: %.*s\n", len > 0 ? (int)len : 7, len > 0 ? text : "(empty)");
	BIO_free(bio);
}

static void
say_other_name(struct text *t, const OTHERNAME *o)
{
	char oid[64];

	OBJ_obj2txt(oid, sizeof oid, o->type_id, 1);
	if (strcmp(oid, "1.3.6.1.4.1.311.20.2.3") == 0) {
		say(t, "UPN:");
		say_string(t, o->value->value.utf8string);
		return;
	}
	assert_string_equal(oid, "1.3.6.1.4.1.311.25.1");
	assert_int_equal(o->value->type, V_ASN1_OCTET_STRING);
	say(t, "GUID:");
	for (int i = 0; i < ASN1_STRING_length(o->value->value.octet_string); i++)
		say(t, "%02x", ASN1_STRING_get0_data(o->value->value.octet_string)[i]);
}

static void
say_alternative_names(struct text *t, const X509 *x)
{
	GENERAL_NAMES *names;

	if (!begin(t, "alternative names", extension(x, "2.5.29.17")))
		return;
	names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		say(t, "%s", i > 0 ? " " : "");
		if (n->type == GEN_OTHERNAME) {
			say_other_name(t, n->d.otherName);
		} else {
			say(t, "%s:", n->type == GEN_EMAIL ? "email" : "DNS");
			assert_true(n->type == GEN_EMAIL || n->type == GEN_DNS);
			say_string(t, n->d.ia5);
		}
	}
	say(t, "\n");
	GENERAL_NAMES_free(names);
}

static void
say_key_usage(struct text *t, const X509 *x)
{
	static const char *const names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
	    "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly",
	    "decipherOnly"};
	ASN1_BIT_STRING *bits;
	int place = 0;

	if (!begin(t, "key usage", extension(x, "2.5.29.15")))
		return;
	bits = X509_get_ext_d2i(x, NID_key_usage, NULL, NULL);
	for (int i = 0; i < 9; i++)
		if (ASN1_BIT_STRING_get_bit(bits, i))
			say(t, "%s%s", place++ > 0 ? " " : "", names[i]);
	say(t, "\n");
	ASN1_BIT_STRING_free(bits);
}

static void
say_eku(struct text *t, const X509 *x)
{
	EXTENDED_KEY_USAGE *list;

	if (!begin(t, "extended key usage", extension(x, "2.5.29.37")))
		return;
	list = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++)
		say_oid(t, sk_ASN1_OBJECT_value(list, i), i);
	say(t, "\n");
	sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
}

static void
say_policies(struct text *t, const X509 *x, const char *name, const char *oid)
{
	X509_EXTENSION *e = extension(x, oid);
	CERTIFICATEPOLICIES *list;

	if (!begin(t, name, e))
		return;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
	const uint8_t *p = ASN1_STRING_get0_data(value);
	list = d2i_CERTIFICATEPOLICIES(NULL, &p, ASN1_STRING_length(value));
	assert_non_null(list);
	for (int i = 0; i < sk_POLICYINFO_num(list); i++)
		say_oid(t, sk_POLICYINFO_value(list, i)->policyid, i);
	say(t, "\n");
	CERTIFICATEPOLICIES_free(list);
}

static void
say_basic_constraints(struct text *t, const X509 *x)
{
	BASIC_CONSTRAINTS *b;

	if (!begin(t, "basic constraints", extension(x, "2.5.29.19")))
		return;
	b = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
	say(t, "%s", b->ca ? "CA" : "no CA");
	if (b->pathlen != NULL)
		say(t, " path %ld", ASN1_INTEGER_get(b->pathlen));
	say(t, "\n");
	BASIC_CONSTRAINTS_free(b);
}

static void
say_template_info(struct text *t, const ASN1_OCTET_STRING *value)
{
	const uint8_t *p = ASN1_STRING_get0_data(value);
	ASN1_SEQUENCE_ANY *seq = d2i_ASN1_SEQUENCE_ANY(NULL, &p, ASN1_STRING_length(value));

	assert_int_equal(sk_ASN1_TYPE_num(seq), 3);
	say(t, "21.7 ");
	say_oid(t, sk_ASN1_TYPE_value(seq, 0)->value.object, 0);
	for (int i = 1; i < 3; i++)
		say(t, " %ld", ASN1_INTEGER_get(sk_ASN1_TYPE_value(seq, i)->value.integer));
	say(t, "\n");
	sk_ASN1_TYPE_pop_free(seq, ASN1_TYPE_free);
}

static void
say_template(struct text *t, const X509 *x)
{
	X509_EXTENSION *name = extension(x, "1.3.6.1.4.1.311.20.2"),
		       *info = extension(x, "1.3.6.1.4.1.311.21.7");

	assert_false(name != NULL && info != NULL);
	if (!begin(t, "template", name != NULL ? name : info))
		return;
	if (info != NULL) {
		say_template_info(t, X509_EXTENSION_get_data(info));
		return;
	}
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(name);
	const uint8_t *p = ASN1_STRING_get0_data(value);
	ASN1_BMPSTRING *bmp = d2i_ASN1_BMPSTRING(NULL, &p, ASN1_STRING_length(value));

	assert_non_null(bmp);
	say(t, "20.2 ");
	say_string(t, bmp);
	say(t, "\n");
	ASN1_BMPSTRING_free(bmp);
}

static void
say_sid(struct text *t, const X509 *x)
{
	X509_EXTENSION *e = extension(x, "1.3.6.1.4.1.311.25.2");

	if (!begin(t, "SID", e))
		return;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
	const uint8_t *p = ASN1_STRING_get0_data(value);
	GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &p, ASN1_STRING_length(value));

	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	const OTHERNAME *o = sk_GENERAL_NAME_value(names, 0)->d.otherName;
	say(t, "%.*s\n", ASN1_STRING_length(o->value->value.octet_string),
	    (const char *)ASN1_STRING_get0_data(o->value->value.octet_string));
	GENERAL_NAMES_free(names);
}

static void
say_days(struct text *t, const X509 *x)
{
	int days, seconds;

	assert_true(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x)));
	say(t, "days: %g\n", days + seconds / 86400.0);
}

static void
say_revocation(struct text *t, const X509 *x)
{
	bool aia = extension(x, "1.3.6.1.5.5.7.1.1") != NULL,
	     cdp = extension(x, "2.5.29.31") != NULL,
	     nocheck = extension(x, "1.3.6.1.5.5.7.48.1.5") != NULL;

	say(t, "revocation: %s%s%s%s\n", aia ? "AIA" : "", aia && cdp ? " " : "", cdp ? "CDP" : "",
	    nocheck ? "nocheck" : "");
}

static void
say_decision(struct text *t, const struct tmpl *tmpl, const struct issue_plan *p)
{
	size_t start;

	say(t, "decision: ");
	start = t->used;
	if (tmpl_signatures_needed(tmpl) > 0)
		say(t, "signatures %d ", (int)tmpl_signatures_needed(tmpl));
	say(t, "%s%s%s%s", p->pend ? "pend " : "", p->publish_to_kra ? "publish-kra " : "",
	    p->publish_to_ds ? "publish-ds " : "", p->archive ? "archive " : "");
	if (t->used == start)
		say(t, "(nothing)");
	else
		t->used--;
	say(t, "\n");
}

static void
say_certificate(struct text *t, const X509 *x)
{
	say_subject(t, x);
	say_alternative_names(t, x);
	say_key_usage(t, x);
	say_eku(t, x);
	say_policies(t, x, "application policies", "1.3.6.1.4.1.311.21.10");
	say_policies(t, x, "issuance policies", "2.5.29.32");
	say_basic_constraints(t, x);
	say_template(t, x);
	if (begin(t, "S/MIME capabilities", extension(x, "1.2.840.113549.1.9.15")))
		say(t, "yes\n");
	say_sid(t, x);
	say_days(t, x);
	say_revocation(t, x);
}

/* DER of CN=requested and of the alternative name DNS:requested.nwtraders.com */
static struct issue_request
request_for(const struct tmpl *t, const struct issue_signer *ra)
{
	static const uint8_t subject[] = "\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09"
					 "requested",
			     san[] = "\x30\x19\x82\x17requested.nwtraders.com";

	return (struct issue_request){.key_algorithm = "RSA",
	    .key_bits = 2048,
	    .has_subject = true,
	    .subject = view_of(subject, sizeof subject - 1),
	    .subject_alt_name = view_of(san, sizeof san - 1),
	    .has_archived_key = tmpl_requires_key_archival(t),
	    .signers = ra,
	    .signer_count = tmpl_signatures_needed(t) > 0 ? 1 : 0};
}

/* False: the vault refuses what it alone makes. */
static bool
issue(struct text *out, const struct tmpl *t)
{
	const struct issue_signer ra = {.name = "RA",
	    .application_policies = t->ra_application_policies,
	    .issuance_policies = t->ra_policies};
	const struct issue_limits limits = {clock_now(), 600, harness.ca->issuer->cert.not_after};
	const struct issue_request request = request_for(t, &ra);
	struct issue_plan plan;
	struct buf der;
	struct err err;

	harness_must(issue_plan_make(t, (t->flags & CT_FLAG_MACHINE_TYPE) != 0 ? &host : &user,
			 &request, &limits, &plan, &err),
	    &err);
	if (!certify(&plan, buf_view(&spki), &der, &err)) {
		if (err.code != DIRCA_E_KIND_NOT_ALLOWED || strcmp(t->cn, "CAExchange") != 0)
			fail_msg("%s: %s", t->cn, err.msg);
		issue_plan_free(&plan);
		return false;
	}
	assert_string_not_equal(t->cn, "CAExchange");
	const uint8_t *p = der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	say_certificate(out, x);
	say_decision(out, t, &plan);
	X509_free(x);
	buf_free(&der);
	issue_plan_free(&plan);
	return true;
}

/* The next block of the expectation, without comments; moves `*from` behind it. */
static void
next_block(const char **from, struct text *out)
{
	const char *line = strstr(*from, "\n[");

	assert_non_null(line);
	line++;
	while (*line != '\0' && *line != '\n') {
		size_t len = strcspn(line, "\n");
		const char *comment = memmem(line, len, "  # ", 4);

		say(out, "%.*s\n", comment != NULL ? (int)(comment - line) : (int)len, line);
		line += len + (line[len] == '\n' ? 1 : 0);
	}
	*from = line - 1;
}

static void
give_oid(struct tmpl *t, size_t place)
{
	if (t->oid == NULL)
		assert_non_null(t->oid = text_printf("%s.%zu", ARC, place));
}

static size_t
compare_set(const char *name, const char **from)
{
	struct dir_entries es;
	struct err err;
	size_t count;
	char path[256];

	snprintf(path, sizeof path, "%s/templates/default-templates-%s.ldif", FIXTURES, name);
	harness_must(ldif_load(path, &es, &err), &err);
	for (size_t i = 0; i < es.count; i++) {
		struct text *got = calloc(1, sizeof *got), *want = calloc(1, sizeof *want);
		struct tmpl t;

		assert_true(got != NULL && want != NULL);
		harness_must(tmpl_decode(&es.list[i], &t, &err), &err);
		give_oid(&t, i + 1);
		next_block(from, want);
		say(got, "[%s %s]\n", name, t.cn);
		if (issue(got, &t) && strcmp(got->at, want->at) != 0)
			fail_msg("issued:\n%s\nexpected:\n%s", got->at, want->at);
		tmpl_free(&t);
		free(got);
		free(want);
	}
	count = es.count;
	dir_entries_free(&es);
	return count;
}

static void
certificates_of_all_default_templates_are_as_expected(void **state)
{
	char *text = strndup((const char *)expected.ptr, expected.len);
	const char *from = text;

	(void)state;
	assert_int_equal(compare_set("ws2003", &from), 32);
	assert_int_equal(compare_set("ws2008plus", &from), 33);
	assert_null(strstr(from, "\n["));
	free(text);
}

/* No default template has a bit that the table of flags does not name. */
static void
flags_of_all_default_templates_have_names(void **state)
{
	static const char *const sets[] = {"ws2003", "ws2008plus"};
	struct dir_entries es;
	struct err err;
	char path[256];

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		snprintf(
		    path, sizeof path, "%s/templates/default-templates-%s.ldif", FIXTURES, sets[s]);
		harness_must(ldif_load(path, &es, &err), &err);
		for (size_t i = 0; i < es.count; i++) {
			struct tmpl t;

			harness_must(tmpl_decode(&es.list[i], &t, &err), &err);
			for (enum tmpl_word w = 0; w < TMPL_WORDS; w++)
				if (tmpl_flags_unknown(w, tmpl_word_value(&t, w)) != 0)
					fail_msg(
					    "%s %s: %s", sets[s], t.cn, tmpl_word_attribute(w));
			tmpl_free(&t);
		}
		dir_entries_free(&es);
	}
}

static int
setup(void **state)
{
	static char user_dn[] = "CN=user1,CN=Users,DC=nwtraders,DC=com", user_cn[] = "user1",
		    mail[] = "user1@nwtraders.com", *mails[] = {mail},
		    host_dn[] = "CN=host1,OU=Servers,DC=nwtraders,DC=com", host_cn[] = "host1",
		    dns[] = "host1.nwtraders.com", domain[] = "NWTRADERS";
	struct err err;

	(void)state;
	if (harness_open("sign_kinds = kra sub-ca enrollment-agent ocsp-signing\n") != 0)
		return -1;
	user = (struct principal){.dn = user_dn,
	    .cn = user_cn,
	    .downlevel = user_cn,
	    .domain = domain,
	    .upn = mail,
	    .mails = {mails, 1},
	    .has_guid = true,
	    .has_sid = true};
	host = (struct principal){.dn = host_dn,
	    .cn = host_cn,
	    .downlevel = host_cn,
	    .domain = domain,
	    .dns_name = dns,
	    .is_machine = true,
	    .has_guid = true,
	    .has_sid = true};
	memset(user.guid, 1, sizeof user.guid);
	memset(host.guid, 2, sizeof host.guid);
	assert_true(sid_from_text("S-1-5-21-1-2-3-1101", &user.sid));
	assert_true(sid_from_text("S-1-5-21-1-2-3-1102", &host.sid));
	key = test_key("rsa2048");
	harness_must(pkix_key_spki(key, &spki, &err), &err);
	harness_must(file_read(FIXTURES "/templates/expected-certificates.txt", LDIF_FILE_MAX,
			 &expected, &err),
	    &err);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	buf_free(&spki);
	buf_free(&expected);
	return harness_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(certificates_of_all_default_templates_are_as_expected),
	    cmocka_unit_test(flags_of_all_default_templates_have_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
