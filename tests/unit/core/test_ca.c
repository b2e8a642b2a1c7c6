/*
 * The CA's state: views, rights, the principal cache, housekeeping.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "audit.h"
#include "ca_harness.h"
#include "ca_priv.h"
#include "event.h"
#include "kra_coverage.h"
#include "mem.h"
#include "notices.h"
#include "own.h"
#include "principal_cache.h"
#include "publication.h"
#include "store_drills.h"
#include "text.h"

static void
view_is_fresh_for_a_minute(void **state)
{
	const struct ca_view v = {.read_ms = 1000000};

	(void)state;
	assert_true(ca_view_is_fresh(&v, 1000000));
	assert_true(ca_view_is_fresh(&v, 1060000));
	assert_false(ca_view_is_fresh(&v, 1060001));
}

static void
without_a_crl_of_its_own_a_ca_issues_nothing(void **state)
{
	struct ca_view v = {.crl_until = 1000};
	struct err err;

	(void)state;
	assert_true(ca_check_chain(&v, 1000, &err));
	assert_false(ca_check_chain(&v, 1001, &err));
	assert_int_equal(err.code, CRYPT_E_REVOCATION_OFFLINE);
	v.settings.num[SETTING_CRL_FLAGS] = CRLF_REVCHECK_IGNORE_OFFLINE;
	assert_true(ca_check_chain(&v, 1001, &err));
}

/* Its first is made after the first view, and counts before anybody asks. */
static void
a_new_ca_makes_its_crl_before_it_looks(void **state)
{
	OWNED(ca_view_release) struct ca_view *v = ca_view_get(harness.ca);
	struct err err;

	(void)state;
	assert_true(ca_check_chain(v, clock_now(), &err));
}

static void
template_that_is_there_twice_is_not_found(void **state)
{
	static char user[] = "User", upper[] = "USER", efs[] = "EFS", oid1[] = "1.2.3",
		    oid2[] = "1.2.4";
	struct tmpl list[] = {
	    {.cn = user, .oid = oid1}, {.cn = efs, .oid = oid1}, {.cn = upper, .oid = oid2}};
	struct ca_view v = {.templates = list, .template_count = 2};

	(void)state;
	assert_ptr_equal(ca_view_template(&v, "user"), &list[0]);
	assert_null(ca_view_template(&v, "Use"));
	assert_null(ca_view_template_by_oid(&v, "1.2.3"));
	v.template_count = 3;
	assert_null(ca_view_template(&v, "user"));
	assert_ptr_equal(ca_view_template_by_oid(&v, "1.2.4"), &list[2]);
}

static struct principal
someone(const struct sid *sids, size_t count)
{
	static char name[] = "DOMAIN\\someone";
	struct principal p = {.downlevel = name};
	struct err err;

	for (size_t i = 0; i < count; i++)
		harness_must(sids_add(&p.sids, &sids[i], &err), &err);
	return p;
}

static void
without_descriptor_users_enroll_and_nobody_manages(void **state)
{
	static const uint32_t managing[] = {
	    CA_RIGHT_ADMIN, CA_RIGHT_OFFICER, CA_RIGHT_AUDITOR, CA_RIGHT_OPERATOR};
	struct principal user = someone(&SID_AUTHENTICATED_USERS, 1),
			 anybody = someone(&SID_EVERYONE, 1);
	const struct ca_view v = {0};
	struct err err;

	(void)state;
	assert_true(ca_check_right(&v, &user, CA_RIGHT_ENROLL, &err));
	assert_true(ca_check_right(&v, &user, CA_RIGHT_READ, &err));
	assert_false(ca_check_right(&v, &anybody, CA_RIGHT_ENROLL, &err));
	assert_int_equal(err.code, CERTSRV_E_ENROLL_DENIED);
	for (size_t i = 0; i < 4; i++) {
		assert_false(ca_check_right(&v, &user, managing[i], &err));
		assert_int_equal(err.code, E_ACCESSDENIED);
	}
	sids_free(&user.sids);
	sids_free(&anybody.sids);
}

static void
right_is_what_the_descriptor_says(void **state)
{
	struct sid officer, denied;
	struct ace aces[2] = {{.type = ACE_DENY, .mask = CA_RIGHT_OFFICER},
	    {.type = ACE_ALLOW, .mask = CA_RIGHT_OFFICER}};
	struct ca_view v = {
	    .has_security = true, .security = {.has_dacl = true, .aces = aces, .count = 2}};
	struct err err;

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3-1000", &officer));
	assert_true(sid_from_text("S-1-5-21-1-2-3-1001", &denied));
	aces[0].sid = denied;
	aces[1].sid = officer;
	struct principal good = someone(&officer, 1),
			 bad = someone((const struct sid[]){officer, denied}, 2);

	assert_true(ca_check_right(&v, &good, CA_RIGHT_OFFICER, &err));
	assert_true(ca_check_right(&v, &good, CA_RIGHT_READ, &err)); /* implied */
	assert_false(ca_check_right(&v, &good, CA_RIGHT_ADMIN, &err));
	assert_false(ca_check_right(&v, &good, CA_RIGHT_ENROLL, &err));
	assert_int_equal(err.code, CERTSRV_E_ENROLL_DENIED);
	assert_false(ca_check_right(&v, &bad, CA_RIGHT_OFFICER, &err));
	assert_non_null(strstr(err.msg, "entry 0"));
	v.security.count = 0; /* an empty DACL: nobody */
	assert_false(ca_check_right(&v, &good, CA_RIGHT_OFFICER, &err));
	sids_free(&good.sids);
	sids_free(&bad.sids);
}

static void
roles_are_kept_apart_where_root_says_so(void **state)
{
	static const uint32_t roles[] = {
	    CA_RIGHT_ADMIN, CA_RIGHT_OFFICER, CA_RIGHT_AUDITOR, CA_RIGHT_OPERATOR};
	struct sid me;
	struct ace ace = {.type = ACE_ALLOW};
	struct ca_view v = {
	    .has_security = true, .security = {.has_dacl = true, .aces = &ace, .count = 1}};
	struct err err;

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3-1000", &me));
	ace.sid = me;
	struct principal p = someone(&me, 1);

	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			bool two = i != k;

			ace.mask = roles[i] | roles[k] | CA_RIGHT_ENROLL;
			v.separate_roles = true;
			assert_int_equal(ca_check_right(&v, &p, roles[i], &err), !two);
			if (two)
				assert_int_equal(err.code, CERTSRV_E_ROLECONFLICT);
			assert_true(ca_check_right(&v, &p, CA_RIGHT_ENROLL, &err));
			v.separate_roles = false;
			assert_true(ca_check_right(&v, &p, roles[i], &err));
		}
	sids_free(&p.sids);
}

/* What one refresh made of the two descriptors. */
static void
view_after(const char *attr, struct view value, bool *manages, bool *restricts, char problem[512])
{
	struct principal admin = {0};
	struct ca_view *v;
	struct err err;

	harness_set_attr(attr, value);
	harness_principal("caadmin", &admin);
	v = ca_view_get(harness.ca);
	*manages = ca_check_right(v, &admin, CA_RIGHT_ADMIN, &err);
	*restricts = !v->officer_rules.unrestricted;
	snprintf(problem, 512, "%s%s", v->security_problem != NULL ? v->security_problem : "",
	    v->officer_problem != NULL ? v->officer_problem : "");
	principal_free(&admin);
	ca_view_release(&v);
}

/* An access list of the directory that hides an attribute looks like this. */
static void
descriptors_that_are_not_shown_give_nobody_more(void **state)
{
	struct ca_view *v = ca_view_get(harness.ca);
	struct buf security;
	bool manages, restricts;
	char problem[512];
	struct err err;

	(void)state;
	harness_must(buf_dup(v->raw_rights[0], &security, &err), &err);
	ca_view_release(&v);
	view_after("dircaOfficerRights", (struct view){0}, &manages, &restricts, problem);
	assert_true(manages && restricts);
	assert_non_null(strstr(problem, "dircaOfficerRights: it is absent or hidden"));
	harness_unrestrict();
	view_after("dircaCASecurity", (struct view){0}, &manages, &restricts, problem);
	assert_true(!manages && !restricts);
	assert_non_null(strstr(problem, "dircaCASecurity: it is absent or hidden"));
	view_after("dircaCASecurity", buf_view(&security), &manages, &restricts, problem);
	assert_true(manages && !restricts);
	assert_string_equal(problem, "");
	buf_free(&security);
}

/* Also after a restart: the CA knows what it recorded last. */
static void
changes_of_rights_are_recorded_once(void **state)
{
	int security = harness_audited(AUDIT_SECURITY, true),
	    officers = harness_audited(AUDIT_OFFICERS, true);
	struct err err;

	(void)state;
	assert_true(security > 0 && officers > 0);
	harness_refresh();
	assert_int_equal(harness_audited(AUDIT_OFFICERS, true), officers);
	harness_restrict(&(struct harness_rule){false, "1111", "1205", NULL}, 1);
	harness_refresh();
	assert_int_equal(harness_audited(AUDIT_OFFICERS, true), officers + 1);
	ca_close(&harness.ca);
	harness_must(ca_open(harness.config, &harness.vault, &harness.ca, &err), &err);
	assert_int_equal(harness_audited(AUDIT_OFFICERS, true), officers + 1);
	harness_unrestrict();
	assert_int_equal(harness_audited(AUDIT_OFFICERS, true), officers + 2);
	assert_int_equal(harness_audited(AUDIT_SECURITY, true), security);
}

static void
cached_principal_is_a_copy_that_grows_old(void **state)
{
	static char dn[] = "CN=someone";
	struct principal p = someone(
			     (const struct sid[]){SID_EVERYONE, SID_AUTHENTICATED_USERS}, 2),
			 out;
	struct principal_cache *cache = principal_cache_new();

	(void)state;
	p.dn = dn;
	assert_false(principal_cache_get(cache, NAMED("someone"), 0, &out));
	principal_cache_put(cache, NAMED("someone"), 0, &p);
	assert_true(principal_cache_get(cache, NAMED("someone"), PRINCIPAL_CACHE_TTL_MS - 1, &out));
	assert_string_equal(out.dn, "CN=someone");
	assert_ptr_not_equal(out.dn, p.dn);
	assert_int_equal(out.sids.count, 2);
	assert_null(out.upn);
	principal_free(&out);
	assert_false(principal_cache_get(cache, NAMED("Someone"), 0, &out));
	assert_false(
	    principal_cache_get(cache, &(struct identity){IDENTITY_KERBEROS, "someone"}, 0, &out));
	assert_false(principal_cache_get(cache, NAMED("someone"), PRINCIPAL_CACHE_TTL_MS, &out));
	for (int i = 0; i < 3 * PRINCIPAL_CACHE_SLOTS; i++) {
		char name[32];

		snprintf(name, sizeof name, "user%d", i);
		principal_cache_put(cache, NAMED(name), 0, &p);
		assert_true(principal_cache_get(cache, NAMED(name), 0, &out));
		principal_free(&out);
	}
	principal_cache_free(&cache);
	sids_free(&p.sids);
}

/* Every byte of the struct is copied but those of what it owns, which a member that nobody thought
 * of cannot escape: a plain one would differ, a pointer would be freed twice. */
static void
copied_principal_is_whole(void **state)
{
	static const char *const texts[] = {
	    "dn", "cn", "sam", "domain", "downlevel", "upn", "dns_name"};
	static const size_t owned[] = {offsetof(struct principal, dn),
	    offsetof(struct principal, cn), offsetof(struct principal, sam),
	    offsetof(struct principal, domain), offsetof(struct principal, downlevel),
	    offsetof(struct principal, upn), offsetof(struct principal, dns_name)};
	uint8_t expected[sizeof(struct principal)], got[sizeof(struct principal)];
	struct principal from, copy;
	struct err err;

	(void)state;
	memset(&from, 1, sizeof from);
	for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
		*(char **)((uint8_t *)&from + owned[i]) = strdup(texts[i]);
	from.mails = (struct texts){0};
	texts_add(&from.mails, "mail");
	texts_add(&from.mails, "second");
	from.accounts = (struct texts){0};
	texts_add(&from.accounts, "sam");
	from.sids = (struct sids){0};
	harness_must(sids_add(&from.sids, &SID_EVERYONE, &err), &err);
	harness_must(sids_add(&from.sids, &SID_AUTHENTICATED_USERS, &err), &err);
	principal_copy(&from, &copy);
	memcpy(expected, &from, sizeof expected);
	memcpy(got, &copy, sizeof got);
	for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
		char *text = *(char **)((uint8_t *)&copy + owned[i]);

		assert_string_equal(text, texts[i]);
		assert_ptr_not_equal(text, *(char **)((uint8_t *)&from + owned[i]));
		memset(expected + owned[i], 0, sizeof text);
		memset(got + owned[i], 0, sizeof text);
	}
	assert_int_equal(copy.mails.count, 2);
	assert_string_equal(copy.mails.list[1], "second");
	assert_ptr_not_equal(copy.mails.list[1], from.mails.list[1]);
	assert_ptr_not_equal(copy.mails.list, from.mails.list);
	memset(expected + offsetof(struct principal, mails), 0, sizeof from.mails);
	memset(got + offsetof(struct principal, mails), 0, sizeof from.mails);
	assert_int_equal(copy.accounts.count, 1);
	assert_string_equal(copy.accounts.list[0], "sam");
	assert_ptr_not_equal(copy.accounts.list, from.accounts.list);
	memset(expected + offsetof(struct principal, accounts), 0, sizeof from.accounts);
	memset(got + offsetof(struct principal, accounts), 0, sizeof from.accounts);
	assert_int_equal(copy.sids.count, 2);
	assert_ptr_not_equal(copy.sids.list, from.sids.list);
	assert_memory_equal(copy.sids.list, from.sids.list, 2 * sizeof *from.sids.list);
	memset(expected + offsetof(struct principal, sids), 0, sizeof from.sids);
	memset(got + offsetof(struct principal, sids), 0, sizeof from.sids);
	assert_memory_equal(got, expected, sizeof got);
	principal_free(&from);
	assert_string_equal(copy.dns_name, "dns_name");
	principal_free(&copy);
}

static void
unknown_identity_is_no_principal(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	assert_false(ca_principal(harness.ca, NAMED("nobody-at-all"), &p, &err));
	assert_int_equal(err.code, DIRCA_E_AUTHENTICATION);
	for (int i = 0; i < 2; i++) { /* read, and from the cache */
		assert_false(ca_principal(harness.ca, NAMED("disabled1"), &p, &err));
		assert_int_equal(err.code, ERROR_ACCOUNT_DISABLED);
		assert_null(p.dn);
	}
	assert_false(ca_principal(harness.ca, NAMED("expired1"), &p, &err));
	assert_int_equal(err.code, ERROR_ACCOUNT_EXPIRED);
	assert_false(ca_principal(harness.ca, NAMED("locked1"), &p, &err));
	assert_int_equal(err.code, ERROR_ACCOUNT_LOCKED_OUT);
	harness_principal("user1", &p);
	assert_string_equal(p.downlevel, "NWTRADERS\\user1");
	principal_free(&p);
}

static void
view_holds_what_the_directory_and_the_state_folder_hold(void **state)
{
	struct ca_view *v = ca_view_get(harness.ca);

	(void)state;
	assert_int_equal(v->template_count, 35);
	assert_int_equal(v->broken_templates.count, 0);
	assert_int_equal(v->enabled.count, 4);
	assert_true(ca_view_is_enabled(v, "efsarchive"));
	assert_false(ca_view_is_enabled(v, "EFS"));
	assert_true(v->has_security);
	assert_true(v->officer_rules.unrestricted);
	assert_int_equal(v->kra_count, HARNESS_KRAS);
	for (size_t i = 0; i < v->kra_count; i++)
		assert_int_equal(v->kras[i].status, KRA_VALID);
	ca_view_release(&v);
	assert_null(v);
}

static bool
spoil_template(struct dir_conn *c, void *arg, struct err *err)
{
	const struct view *value = arg;
	char dn[256];

	snprintf(dn, sizeof dn,
	    "CN=UserArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s",
	    dir_conn_root(c)->config_nc);
	return dir_replace(c, dn, "pKIExpirationPeriod", value, 1, err);
}

static void
broken_template_is_named_and_the_others_stay(void **state)
{
	static const uint8_t year[] = {0x00, 0x40, 0x39, 0x87, 0x2e, 0xe1, 0xfe, 0xff};
	struct view bad = view_of(year, 7), good = view_of(year, 8);
	struct ca_view *v, *old = ca_view_get(harness.ca);
	struct err err;

	(void)state;
	harness_must(ca_directory_do(harness.ca, spoil_template, &bad, &err), &err);
	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->template_count, 34);
	assert_int_equal(v->broken_templates.count, 1);
	assert_memory_equal(v->broken_templates.list[0], "UserArchive: ", strlen("UserArchive: "));
	assert_null(ca_view_template(v, "UserArchive"));
	assert_non_null(ca_view_template(v, "User"));
	/* A request keeps the view that it began with. */
	assert_non_null(ca_view_template(old, "UserArchive"));
	ca_view_release(&v);
	ca_view_release(&old);
	harness_must(ca_directory_do(harness.ca, spoil_template, &good, &err), &err);
	harness_refresh();
}

struct detail {
	const char *text;
	int count;
};

static bool
count_detail(const struct audit_record *a, void *arg)
{
	struct detail *d = arg;

	d->count += a->detail != NULL && strcmp(a->detail, d->text) == 0;
	return true;
}

static int
audited_with(const char *detail)
{
	struct detail d = {detail, 0};
	struct err err;
	int64_t rows;

	harness_must(store_audit_walk(harness.ca->store, 0, count_detail, &d, &rows, &err), &err);
	return d.count;
}

static void
setting_is_checked_audited_and_in_force(void **state)
{
	int audited = harness_audited(AUDIT_CONFIGURATION, true);
	struct ca_view *v;
	struct err err;

	(void)state;
	assert_false(ca_set_setting(harness.ca, &harness.vault, "test", "CA\\Nonsense", "1", &err));
	assert_int_equal(err.code, E_INVALIDARG);
	/* Not by a CA administrator: the vault could not be sure that it was one. */
	assert_false(ca_set_setting(
	    harness.ca, &harness.vault, "test", setting_name(SETTING_KRA_CERT_COUNT), "1", &err));
	assert_int_equal(err.code, E_ACCESSDENIED);
	assert_false(ca_set_setting(
	    harness.ca, &harness.vault, "test", setting_name(SETTING_XCHG_OVERLAP), "Weeks", &err));
	assert_int_equal(err.code, E_INVALIDARG);
	assert_int_equal(harness_audited(AUDIT_CONFIGURATION, true), audited);
	harness_set("ca\\encryptioncsp\\symmetrickeysize", "128");
	v = ca_view_get(harness.ca);
	assert_int_equal(v->settings.cipher, CMS_AES_128_CBC);
	ca_view_release(&v);
	/* What was and what is, and of a period both. */
	assert_int_equal(audited_with("value=128 old=256"), 1);
	harness_set("CA\\CRLPeriod", "12 hours");
	assert_int_equal(audited_with("value=Hours old=Weeks"), 1);
	assert_int_equal(audited_with("value=12 old=1"), 1);
	harness_set("CA\\CRLPeriod", "1 weeks");
	harness_must(ca_set_setting(harness.ca, &harness.vault, "test",
			 setting_name(SETTING_SYMMETRIC_KEY_SIZE), NULL, &err),
	    &err);
	v = ca_view_get(harness.ca);
	assert_int_equal(v->settings.cipher, CMS_AES_256_CBC);
	ca_view_release(&v);
	assert_int_equal(harness_audited(AUDIT_CONFIGURATION, true), audited + 6);
}

/* Root's floor, for either of the names by which the size is set. */
static void
shorter_key_than_root_demands_is_not_set(void **state)
{
	static const char *const names[] = {
	    "CA\\EncryptionCSP\\SymmetricKeySize", "CA\\EncryptionCSP\\EncryptionAlgorithm"};
	static const char *const values[] = {"128", "CALG_AES_128"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		harness.config->archive_key_bits = 192;
		assert_false(
		    ca_set_setting(harness.ca, &harness.vault, "test", names[i], values[i], &err));
		assert_int_equal(err.code, E_ACCESSDENIED);
		assert_non_null(strstr(err.msg, "archive_key_bits"));
		harness.config->archive_key_bits = 128;
		harness_set(names[i], values[i]);
		harness_must(
		    ca_set_setting(harness.ca, &harness.vault, "test", names[i], NULL, &err), &err);
	}
}

/* What keeps exchange keys is root's to say; who sets what is there already changes nothing. */
static void
facts_are_taken_as_what_they_are(void **state)
{
	static const struct {
		const char *name, *value;
		enum err_code code;
		const char *told;
	} rows[] = {
	    {"Provider", "openssl", ERR_OK, NULL},
	    {"Provider", "PKCS#11", NTE_KEYSET_NOT_DEF, "exchange_key_uri"},
	    {"Provider", "Microsoft Software Key Storage Provider", NTE_KEYSET_NOT_DEF,
		"exchange_key_uri"},
	    {"ProviderType", "1", ERR_OK, NULL},
	    {"ProviderType", "0x1", ERR_OK, NULL},
	    {"ProviderType", "0", NTE_KEYSET_NOT_DEF, "EncryptionAlgorithm"},
	    {"ProviderType", "2", E_INVALIDARG, "from 0 to 1"},
	    {"HashAlgorithm", "CALG_SHA_256", ERR_OK, NULL},
	    {"HashAlgorithm", "0x800c", ERR_OK, NULL},
	    {"HashAlgorithm", "CALG_SHA1", NTE_BAD_ALGID, "dirca ca renew"},
	    {"HashAlgorithm", "32782", NTE_BAD_ALGID, "CALG_SHA_512"},
	    {"HashAlgorithm", "CALG_MD5", E_INVALIDARG, "CALG_SHA_384"},
	};
	int audited = harness_audited(AUDIT_CONFIGURATION, true);
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory)
		char *name = text_printf("CA\\EncryptionCSP\\%s", rows[i].name);
		bool ok =
		    ca_set_setting(harness.ca, &harness.vault, "test", name, rows[i].value, &err);

		if (ok != (rows[i].code == ERR_OK))
			fail_msg("%s = %s", name, rows[i].value);
		if (!ok && (err.code != rows[i].code || strstr(err.msg, rows[i].told) == NULL))
			fail_msg(
			    "%s = %s: %s %s", name, rows[i].value, err_name(err.code), err.msg);
	}
	assert_int_equal(harness_audited(AUDIT_CONFIGURATION, true), audited);
}

static void
assert_exchange_key(const char *algorithm, int bits)
{
	struct ca_view *v = ca_view_get(harness.ca);
	const struct ca_xchg *x = ca_view_xchg(v, clock_now());
	const char *found;
	int found_bits;
	struct err err;

	assert_non_null(x);
	harness_must(pkix_key_info(x->cert.spki, &found, &found_bits, &err), &err);
	assert_string_equal(found, algorithm);
	assert_int_equal(found_bits, bits);
	ca_view_release(&v);
}

/* At once; the old one opens what is encrypted to it until its certificate ends. */
static void
other_key_size_or_algorithm_makes_another_exchange_key(void **state)
{
	struct buf held[VAULT_XCHG_MAX];
	size_t before, after;
	struct err err;

	(void)state;
	harness_must(vault_xchg_list(&harness.vault, held, &before, &err), &err);
	for (size_t i = 0; i < before; i++)
		buf_free(&held[i]);
	assert_exchange_key("RSA", 2048);
	harness_set("CA\\EncryptionCSP\\KeySize", "2304");
	assert_exchange_key("RSA", 2304);
	harness_set("CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", "ECDH_P384");
	assert_exchange_key("EC", 384);
	/* Of a curve's key the size says nothing. */
	harness_set("CA\\EncryptionCSP\\KeySize", "2048");
	assert_exchange_key("EC", 384);
	harness_set("CA\\EncryptionCSP\\CNGPublicKeyAlgorithm", "RSA");
	assert_exchange_key("RSA", 2048);
	harness_must(vault_xchg_list(&harness.vault, held, &after, &err), &err);
	for (size_t i = 0; i < after; i++)
		buf_free(&held[i]);
	assert_int_equal(after, before + 3);
}

struct setter {
	const char *name, *value;
	pthread_barrier_t *start;
	bool ok;
};

static void *
set_once(void *arg)
{
	struct setter *s = arg;
	struct err err;

	pthread_barrier_wait(s->start);
	s->ok = ca_set_setting(harness.ca, &harness.vault, "test", s->name, s->value, &err);
	return NULL;
}

static void
set_at_once(struct setter *a, struct setter *b)
{
	pthread_barrier_t start;
	pthread_t threads[2];

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	a->start = b->start = &start;
	assert_int_equal(pthread_create(&threads[0], NULL, set_once, a), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, set_once, b), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&start);
}

/* Each alone fits, both do not: 3 days of delta CRLs in 2 days of base CRLs. */
static void
two_administrators_at_once_leave_what_one_may(void **state)
{
	struct setter delta = {.name = "CA\\CRLDeltaPeriod", .value = "3 Days"},
		      base = {.name = "CA\\CRLPeriod", .value = "2 Days"};
	struct settings now;
	struct err err;

	(void)state;
	for (int i = 0; i < 12; i++) {
		set_at_once(&delta, &base);
		assert_true(delta.ok != base.ok);
		harness_must(settings_load(harness.ca->store, &now, &err), &err);
		harness_set("CA\\CRLDeltaPeriodUnits", "0");
		harness_set("CA\\CRLPeriod", "1 Weeks");
	}
	harness_set("CA\\CRLDeltaPeriod", "Days");
}

struct numbered {
	enum audit_event event;
	int64_t row;
};

static bool
work_audit(struct store_tx *tx, void *arg, struct err *err)
{
	struct numbered *n = arg;
	const struct ca_audit a = {.when = clock_now(), .event = n->event, .actor = "test"};

	return ca_audit_row(tx, &a, &n->row, err);
}

static bool
is_audited(enum audit_event event)
{
	struct numbered n = {.event = event};
	struct err err;

	harness_must(store_do(harness.ca->store, work_audit, &n, &err), &err);
	return n.row != 0;
}

/* Also while no view can be made, which would read it again. */
static void
audit_filter_in_force_is_the_one_that_is_stored(void **state)
{
	struct setter issued = {.name = "CA\\AuditFilter", .value = "AUDIT_FILTER_CERTISSUED"},
		      keys = {.name = "CA\\AuditFilter", .value = "AUDIT_FILTER_KEYARCHIVAL"};
	struct settings now;
	struct err err;

	(void)state;
	harness_sh("lab_slapd_stop");
	for (int i = 0; i < 20; i++) {
		set_at_once(&issued, &keys);
		assert_true(issued.ok && keys.ok);
		harness_must(settings_load(harness.ca->store, &now, &err), &err);
		assert_int_equal(is_audited(AUDIT_ISSUED),
		    now.num[SETTING_AUDIT_FILTER] == AUDIT_FILTER_CERTISSUED);
		assert_int_equal(is_audited(AUDIT_KEY_ARCHIVED),
		    now.num[SETTING_AUDIT_FILTER] == AUDIT_FILTER_KEYARCHIVAL);
	}
	harness_sh("lab_slapd_start");
	dir_pool_try_now(harness.ca->directory);
	harness_set("CA\\AuditFilter", "0x7f");
}

static int64_t
crl_number(void)
{
	struct store_crl crl;
	struct err err;

	harness_must(
	    store_newest_crl(harness.ca->store, &(struct store_crl_id){0}, &crl, &err), &err);
	store_crl_free(&crl);
	return crl.number;
}

static void
crl_is_published_at_start_and_on_demand(void **state)
{
	struct store_crl crl;
	char path[128], command[512];
	struct err err;

	(void)state;
	assert_int_equal(crl_number(), 1);
	harness_must(ca_publish_crl(harness.ca, &harness.vault, false, "caadmin", &err), &err);
	harness_must(
	    store_newest_crl(harness.ca->store, &(struct store_crl_id){0}, &crl, &err), &err);
	assert_int_equal(crl.number, 2);
	assert_int_equal(harness_audited(AUDIT_CRL_PUBLISHED, true), 2);
	snprintf(path, sizeof path, "%s/crl.der", harness.dir);
	harness_must(file_replace(path, buf_view(&crl.der), 0600, &err), &err);
	store_crl_free(&crl);
	snprintf(command, sizeof command,
	    "cd '%s' && openssl crl -inform DER -in crl.der -noout -text -CAfile state/ca.crt >out "
	    "2>&1 && grep -q 'verify OK' out",
	    harness.dir);
	assert_int_equal(system(command), 0);
}

static bool
vault_holds(const uint8_t id[VAULT_ID_LEN])
{
	struct buf list[VAULT_XCHG_MAX], ski;
	struct pkix_cert c;
	bool holds = false;
	struct err err;
	size_t count;

	harness_must(vault_xchg_list(&harness.vault, list, &count, &err), &err);
	for (size_t i = 0; i < count; i++) {
		harness_must(
		    pkix_cert_decode(buf_view(&list[i]), &c, &err) && pkix_cert_ski(&c, &ski, &err),
		    &err);
		holds = holds || view_eq(buf_view(&ski), view_of(id, VAULT_ID_LEN));
		pkix_cert_free(&c);
		buf_free(&ski);
		buf_free(&list[i]);
	}
	return holds;
}

static void
maintenance_renews_within_the_overlap(void **state)
{
	struct ca_view *v = ca_view_get(harness.ca);
	int64_t first_end = v->xchgs[0].cert.not_after, now = clock_now(), number = crl_number();
	/* The CRL on demand was made some seconds after the exchange certificate. */
	int64_t later = first_end + 3600;
	uint8_t first[VAULT_ID_LEN];
	struct err err;

	(void)state;
	memcpy(first, v->xchgs[0].id, sizeof first);
	ca_view_release(&v);
	harness_must(ca_maintain(harness.ca, &harness.vault, now, &err), &err);
	v = ca_view_get(harness.ca);
	assert_int_equal(v->xchg_count, 1); /* nothing was due */
	ca_view_release(&v);
	assert_int_equal(crl_number(), number);

	harness_must(ca_maintain(harness.ca, &harness.vault, first_end - 86400, &err), &err);
	v = ca_view_get(harness.ca);
	assert_int_equal(v->xchg_count, 2); /* the old one stays usable while it is valid */
	assert_memory_equal(v->xchgs[1].id, first, sizeof first);
	assert_memory_not_equal(v->xchgs[0].id, first, sizeof first);
	ca_view_release(&v);

	harness_must(ca_maintain(harness.ca, &harness.vault, later, &err), &err);
	assert_int_equal(crl_number(), number + 1);
	/* The front's clock is not the vault's: the key is still there. */
	assert_true(vault_holds(first));
	harness_must(ca_maintain(harness.ca, &harness.vault, later, &err), &err);
	assert_int_equal(crl_number(), number + 1);
}

/* Of the CRL that was made for a time to come, as by a clock that was ahead, there is one of today.
 */
static void
restart_finds_everything_again(void **state)
{
	struct ca_view *v = ca_view_get(harness.ca);
	size_t xchgs = v->xchg_count;
	int64_t number = crl_number();
	struct err err;

	(void)state;
	ca_view_release(&v);
	ca_close(&harness.ca);
	harness_must(ca_open(harness.config, &harness.vault, &harness.ca, &err), &err);
	v = ca_view_get(harness.ca);
	assert_int_equal(v->xchg_count, xchgs);
	assert_int_equal(v->settings.num[SETTING_KRA_CERT_COUNT], 2);
	ca_view_release(&v);
	assert_int_equal(crl_number(), number + 1);
}

static void
assert_kras(size_t count, size_t problems, const char *problem)
{
	struct ca_view *v;

	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->kra_count, count);
	assert_int_equal(v->kra_problems.count, problems);
	if (problems > 0)
		assert_non_null(strstr(v->kra_problems.list[0], problem));
	assert_int_equal(v->template_count, 35);
	ca_view_release(&v);
}

static void
damaged_entry_of_the_kra_store_takes_no_other_away(void **state)
{
	char path[192], name[96];

	(void)state;
	snprintf(name, sizeof name, "state/kra/%s.crt", "0123456789abcdef0123456789abcdef01234567");
	harness_write(name, "damaged");
	assert_kras(HARNESS_KRAS, 1, name);
	snprintf(path, sizeof path, "%s/%s", harness.dir, name);
	assert_int_equal(unlink(path), 0);
	assert_kras(HARNESS_KRAS, 0, NULL);
}

/* Whom keys are sealed to is known from the vault, also to a CA that has just been started. */
static void
kra_store_that_cannot_be_read_takes_nobody_away(void **state)
{
	char path[96], away[96];
	struct err err;

	(void)state;
	snprintf(path, sizeof path, "%s/state/kra", harness.dir);
	snprintf(away, sizeof away, "%s/state/away", harness.dir);
	assert_int_equal(rename(path, away), 0);
	harness_write("state/kra", "");
	assert_kras(HARNESS_KRAS, 1, "cannot list the KRA store: Not a directory");
	ca_close(&harness.ca);
	harness_must(ca_open(harness.config, &harness.vault, &harness.ca, &err), &err);
	assert_kras(HARNESS_KRAS, 1, "cannot list the KRA store: Not a directory");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(away, path), 0);
	assert_kras(HARNESS_KRAS, 0, NULL);
}

/* A certificate of this CA for encryption, which ends so many hours from now. */
static struct test_cert
kra_until(const char *dn, const char *eku, int hours)
{
	static uint8_t serial = 90; /* by which a directory tells one from another */

	return test_issue(&(struct test_issue){.dn = dn,
	    .key = test_key("rsa2048"),
	    .issuer = &harness.ca_cert,
	    .usage = "critical,keyEncipherment",
	    .eku = eku,
	    .serial = serial++,
	    .not_before = clock_now() - 9 * INT64_C(86400),
	    .not_after = clock_now() + hours * INT64_C(3600)});
}

/* As the tab Recovery Agents tells it. */
static void
kra_that_has_ended_is_told_as_expired(void **state)
{
	struct test_cert old = kra_until("CN=old", KRA_EKU, -1);
	OWNED(own_memory)
	char *sha1 = hex_encode(view_of(old.cert.sha1, sizeof old.cert.sha1), '\0');
	struct ca_view *v;
	struct err err;
	size_t at = 0;

	(void)state;
	harness_must(kra_store_add(harness.config, buf_view(&old.der), &err), &err);
	harness_give_kras(HARNESS_KRAS);
	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->kra_count, HARNESS_KRAS + 1);
	assert_int_equal(v->agent_count, HARNESS_KRAS);
	while (!view_eq(buf_view(&v->kras[at].cert.raw), buf_view(&old.der)))
		assert_true(++at < v->kra_count);
	assert_string_equal(kra_status_word(v->kras[at].status), "expired");
	assert_non_null(strstr(v->kras[at].reason, "CN=old"));
	ca_view_release(&v);
	harness_must(kra_store_remove(harness.config, sha1, &err), &err);
	harness_give_kras(HARNESS_KRAS);
	assert_kras(HARNESS_KRAS, 0, NULL);
	test_cert_free(&old);
}

static bool
add_sealed(struct store_tx *tx, void *arg, struct err *err)
{
	const struct test_cert *kra = arg;
	OWNED(own_memory)
	char *hashes = hex_encode(view_of(kra->cert.sha1, sizeof kra->cert.sha1), ' ');
	struct store_request row = {.disposition = DISP_PENDING,
	    .revoked_reason = -1,
	    .requester_name = (char[]){"NWTRADERS\\user1"},
	    .caller_name = (char[]){"NWTRADERS\\user1"},
	    .raw_request = kra->der,
	    .raw_archived_key = kra->der,
	    .key_recovery_hashes = hashes};
	int64_t id;

	return store_keep_kra(
		   tx, view_of(kra->cert.sha1, sizeof kra->cert.sha1), buf_view(&kra->der), err) &&
	       store_add_request(tx, &row, &id, err);
}

static void
assert_told(int ending, int uncovered)
{
	harness_refresh();
	assert_int_equal(harness_events(EVENT_LAST_KRA_ENDS), ending);
	assert_int_equal(harness_events(EVENT_KEYS_UNCOVERED), uncovered);
}

static void
enable_kra(const struct test_cert *kra, size_t usable)
{
	struct err err;

	harness_must(kra_store_add(harness.config, buf_view(&kra->der), &err), &err);
	harness_give_kras(usable);
}

static void
disable_kra(const struct test_cert *kra, size_t usable)
{
	OWNED(own_memory)
	char *sha1 = hex_encode(view_of(kra->cert.sha1, sizeof kra->cert.sha1), '\0');
	struct err err;

	harness_must(kra_store_remove(harness.config, sha1, &err), &err);
	harness_give_kras(usable);
}

/* Once, whatever else is sealed to him; then again when he is gone. */
static void
keys_whose_last_agent_ends_are_told_of(void **state)
{
	struct test_cert soon = kra_until("CN=soon", KRA_EKU, 29 * 24),
			 later = kra_until("CN=later", KRA_EKU, 31 * 24);
	struct err err;

	(void)state;
	enable_kra(&soon, HARNESS_KRAS + 1);
	enable_kra(&later, HARNESS_KRAS + 2);
	harness_must(store_do(harness.ca->store, add_sealed, &later, &err), &err);
	assert_told(0, 0);
	harness_must(store_do(harness.ca->store, add_sealed, &soon, &err), &err);
	assert_told(1, 0);
	harness_must(store_do(harness.ca->store, add_sealed, &soon, &err), &err);
	assert_told(1, 0);
	disable_kra(&soon, HARNESS_KRAS + 1);
	assert_told(1, 1);
	assert_told(1, 1);
	disable_kra(&later, HARNESS_KRAS);
	assert_told(1, 2);
	test_cert_free(&soon);
	test_cert_free(&later);
}

static void
assert_uncovered(int64_t keys)
{
	struct ca_view *v;

	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->coverage.uncovered, keys);
	ca_view_release(&v);
}

static void
keys_of_who_has_ended_are_covered_by_his_key_renewed(void **state)
{
	struct test_cert ended = kra_until("CN=ended", KRA_EKU, -1);
	struct test_cert again = test_issue(&(struct test_issue){.dn = "CN=ended",
	    .key = ended.key,
	    .issuer = &harness.ca_cert,
	    .usage = "critical,keyEncipherment",
	    .eku = KRA_EKU,
	    .serial = 89,
	    .not_before = clock_now() - 3600,
	    .not_after = clock_now() + 40 * INT64_C(86400)});
	struct ca_view *v = ca_view_get(harness.ca);
	int64_t before = v->coverage.uncovered;
	struct err err;

	(void)state;
	ca_view_release(&v);
	enable_kra(&ended, HARNESS_KRAS);
	harness_must(store_do(harness.ca->store, add_sealed, &ended, &err), &err);
	assert_uncovered(before + 1);
	enable_kra(&again, HARNESS_KRAS + 1);
	assert_uncovered(before);
	disable_kra(&again, HARNESS_KRAS);
	assert_uncovered(before + 1);
	disable_kra(&ended, HARNESS_KRAS);
	again.key = NULL;
	test_cert_free(&again);
	test_cert_free(&ended);
}

struct drilled {
	const struct test_cert *kra;
	uint8_t id;
	int64_t when;
	bool complete, reported;
};

static bool
add_drill(struct store_tx *tx, void *arg, struct err *err)
{
	const struct drilled *d = arg;
	struct store_drill drill = {.id = {d->id}, .opened_when = d->when, .keys = 2};
	const struct store_drill_key keys[] = {
	    {.request_id = 1, .sealed = {1}}, {.request_id = 1, .sealed = {2}}};
	bool done = true;

	memcpy(drill.kra, d->kra->cert.sha1, sizeof drill.kra);
	if (!store_add_drill(tx, &drill, keys, err))
		return false;
	for (size_t i = 0; done && i < (d->complete ? 2 : 1); i++)
		if (!store_prove_drill_key(tx, view_of(drill.id, sizeof drill.id),
			view_of(keys[i].sealed, sizeof keys[i].sealed), d->when, &done, err))
			return false;
	return !d->reported ||
	       store_note_report(tx, view_of(drill.id, sizeof drill.id), d->when, err);
}

static void
drill(const struct test_cert *kra, uint8_t id, int64_t ago, bool complete, bool reported)
{
	struct drilled d = {kra, id, clock_now() - ago, complete, reported};
	struct err err;

	harness_must(store_do(harness.ca->store, add_drill, &d, &err), &err);
	harness_refresh();
}

/* The newest of each: late after two weeks, or reported without one of its keys. */
static void
drills_that_lack_keys_are_told_of(void **state)
{
	const int64_t day = INT64_C(86400);
	struct test_cert kra = kra_until("CN=lacks keys", KRA_EKU, 40 * 24);
	int told = harness_events(EVENT_DRILL_INCOMPLETE);
	struct err err;

	(void)state;
	enable_kra(&kra, HARNESS_KRAS + 1);
	harness_must(store_do(harness.ca->store, add_sealed, &kra, &err), &err);
	drill(&kra, 11, 40 * day, true, true);
	drill(&kra, 12, 13 * day, false, false);
	assert_int_equal(harness_events(EVENT_DRILL_INCOMPLETE), told);
	drill(&kra, 13, 12 * day, false, true);
	assert_int_equal(harness_events(EVENT_DRILL_INCOMPLETE), told + 1);
	harness_refresh();
	assert_int_equal(harness_events(EVENT_DRILL_INCOMPLETE), told + 1); /* no news */
	drill(&kra, 14, 11 * day, true, true);
	drill(&kra, 15, 10 * day, false, true);
	assert_int_equal(harness_events(EVENT_DRILL_INCOMPLETE), told + 2);
	disable_kra(&kra, HARNESS_KRAS);
	test_cert_free(&kra);
}

static size_t
count_unproved(void)
{
	const struct coverage_agent *first;
	struct ca_view *v;
	size_t count;

	harness_refresh();
	v = ca_view_get(harness.ca);
	count = coverage_unproved(&v->coverage, ca_proved_since(&v->settings, v->made_at), &first);
	ca_view_release(&v);
	return count;
}

/* By a whole drill that is not too old, whichever certificate of the key it was for. */
static void
who_shows_that_he_opens_keys_is_told_of_no_more(void **state)
{
	struct test_cert kra = kra_until("CN=drilled", KRA_EKU, 40 * 24);
	struct drilled d = {.kra = &kra};
	int told = harness_events(EVENT_KRA_UNPROVED);
	size_t others;
	struct err err;

	(void)state;
	harness_set("CA\\Recovery\\DrillDays", "30");
	others = count_unproved();
	told += others > 0;
	assert_int_equal(harness_events(EVENT_KRA_UNPROVED), told);
	enable_kra(&kra, HARNESS_KRAS + 1);
	harness_must(store_do(harness.ca->store, add_sealed, &kra, &err), &err);
	assert_int_equal(count_unproved(), others + 1);
	assert_int_equal(harness_events(EVENT_KRA_UNPROVED), told + 1);
	d.id = 1;
	d.when = clock_now() - 31 * INT64_C(86400);
	d.complete = true;
	harness_must(store_do(harness.ca->store, add_drill, &d, &err), &err);
	assert_int_equal(count_unproved(), others + 1);
	d.id = 2;
	d.when = clock_now() - 1;
	d.complete = false;
	harness_must(store_do(harness.ca->store, add_drill, &d, &err), &err);
	assert_int_equal(count_unproved(), others + 1);
	d.id = 3;
	d.complete = true;
	harness_must(store_do(harness.ca->store, add_drill, &d, &err), &err);
	assert_int_equal(count_unproved(), others);
	assert_int_equal(harness_events(EVENT_KRA_UNPROVED), told + 1);
	disable_kra(&kra, HARNESS_KRAS);
	harness_set("CA\\Recovery\\DrillDays", "0");
	assert_int_equal(count_unproved(), 0);
	test_cert_free(&kra);
}

struct to_publish {
	const char *ca_name;
	struct view der;
};

static bool
publish_kra(struct dir_conn *c, void *arg, struct err *err)
{
	const struct to_publish *p = arg;

	return pki_publish_kra(c, p->ca_name, p->der, clock_now(), err);
}

static bool
unpublish_kra(struct dir_conn *c, void *arg, struct err *err)
{
	const struct to_publish *p = arg;
	size_t removed;

	return pki_unpublish_kra(c, p->der, &removed, err);
}

/* Of this CA, now usable as a KRA's, and not in the store. */
static void
kra_that_is_published_only_is_named(void **state)
{
	struct test_cert strange = kra_until("CN=strange", KRA_EKU, 1),
			 old = kra_until("CN=old", KRA_EKU, -1),
			 other = kra_until("CN=other", "1.3.6.1.5.5.7.3.2", 1),
			 elsewhere = kra_until("CN=elsewhere", KRA_EKU, 1);
	const struct to_publish all[] = {{harness.config->ca_name, buf_view(&strange.der)},
	    {harness.config->ca_name, buf_view(&harness.kras[0].der)},
	    {harness.config->ca_name, buf_view(&old.der)},
	    {harness.config->ca_name, buf_view(&other.der)},
	    {"Elsewhere", buf_view(&elsewhere.der)}};
	OWNED(own_memory)
	char *sha1 = hex_encode(view_of(strange.cert.sha1, sizeof strange.cert.sha1), '\0');
	struct ca_view *v;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		harness_must(
		    ca_directory_do(harness.ca, publish_kra, (void *)(uintptr_t)&all[i], &err),
		    &err);
	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->kras_foreign.count, 1);
	assert_string_equal(v->kras_foreign.list[0], sha1);
	ca_view_release(&v);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		harness_must(
		    ca_directory_do(harness.ca, unpublish_kra, (void *)(uintptr_t)&all[i], &err),
		    &err);
	harness_refresh();
	v = ca_view_get(harness.ca);
	assert_int_equal(v->kras_foreign.count, 0);
	ca_view_release(&v);
	test_cert_free(&strange);
	test_cert_free(&old);
	test_cert_free(&other);
	test_cert_free(&elsewhere);
}

static void *
use_views(void *arg)
{
	const atomic_bool *stop = arg;
	struct principal p;
	struct err err;

	while (!atomic_load(stop)) {
		struct ca_view *v = ca_view_get(harness.ca);

		if (ca_view_template(v, "User") == NULL ||
		    !ca_principal(harness.ca, NAMED("user2"), &p, &err))
			abort();
		principal_free(&p);
		ca_view_release(&v);
	}
	return NULL;
}

static void
views_are_replaced_under_those_who_use_them(void **state)
{
	pthread_t threads[4];
	atomic_bool stop = false;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_views, &stop), 0);
	for (int i = 0; i < 20; i++)
		harness_refresh();
	atomic_store(&stop, true);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void
connection_that_the_server_closed_is_made_again(void **state)
{
	(void)state;
	harness_sh("lab_slapd_stop");
	harness_sh("lab_slapd_start");
	harness_refresh();
}

/* Last: the directory goes away. */
static void
old_view_stays_when_the_directory_is_away(void **state)
{
	struct ca_view *v, *after;
	struct err err;

	(void)state;
	/* With these an exchange certificate of the default week is due, and the next one not. */
	harness_set(setting_name(SETTING_XCHG_VALIDITY), "31 Days");
	harness_set(setting_name(SETTING_XCHG_OVERLAP), "8 Days");
	v = ca_view_get(harness.ca);
	harness_sh("lab_slapd_stop");
	assert_false(ca_refresh(harness.ca, &harness.vault, &err));
	assert_int_equal(err.code, DIRCA_E_DIRECTORY_UNAVAILABLE);
	after = ca_view_get(harness.ca);
	assert_ptr_equal(after, v);
	ca_view_release(&v);
	ca_view_release(&after);
	/* A CRL is due whether the directory is there or not. */
	harness_must(ca_publish_crl(harness.ca, &harness.vault, false, "caadmin", &err), &err);
}

static size_t
exchange_rows(int64_t now)
{
	struct store_requests rows = {0};
	struct err err;
	size_t count;

	harness_must(store_exchange_certificates(harness.ca->store, now, &rows, &err), &err);
	count = rows.count;
	store_requests_free(&rows);
	return count;
}

/* While the directory is away the view does not grow: what is due is read from the database, so
 * that one key is made and not one at each turn, until the vault is full of them. */
static void
outage_makes_one_exchange_certificate_not_many(void **state)
{
	int64_t due = clock_now();
	size_t before = exchange_rows(due);
	struct err err;

	(void)state;
	harness_must(ca_maintain(harness.ca, &harness.vault, due, &err), &err);
	assert_int_equal(exchange_rows(due), before + 1);
	harness_must(ca_maintain(harness.ca, &harness.vault, due, &err), &err);
	harness_must(ca_maintain(harness.ca, &harness.vault, due, &err), &err);
	assert_int_equal(exchange_rows(due), before + 1);
}

static size_t
owed_warnings(void)
{
	struct texts list = {0};
	size_t count;

	ca_publication_warnings(harness.ca, &list);
	count = list.count;
	texts_free(&list);
	return count;
}

/* What could not be brought waits for minutes, unless the directory comes back before. */
static void
what_the_directory_missed_is_brought_when_it_is_back(void **state)
{
	int64_t ms = 1000000;

	(void)state;
	for (int i = 0; i < 10; i++, ms += 600000)
		ca_publish_owed(harness.ca, ms);
	assert_true(owed_warnings() > 0);
	harness_sh("lab_slapd_start");
	dir_pool_try_now(harness.ca->directory);
	ms += 1 - 600000;
	ca_publish_owed(harness.ca, ms);
	assert_true(owed_warnings() > 0);
	ca_publication_answered(harness.ca);
	ca_publish_owed(harness.ca, ms);
	assert_int_equal(owed_warnings(), 0);
}

/* After a success it is soon tried again, and at once when somebody says so. */
static void
a_new_failure_waits_as_the_first_did(void **state)
{
	int64_t ms = 100000000;
	struct err err;

	(void)state;
	harness_sh("lab_slapd_stop");
	harness_must(ca_publish_crl(harness.ca, &harness.vault, false, "caadmin", &err), &err);
	assert_int_equal(ca_publish_owed(harness.ca, ms), 10000);
	assert_true(owed_warnings() > 0);
	assert_int_equal(ca_publish_owed(harness.ca, ms + 10000), 20000);
	harness_sh("lab_slapd_start");
	dir_pool_try_now(harness.ca->directory);
	ca_publish_owed(harness.ca, ms + 10001);
	assert_true(owed_warnings() > 0);
	ca_publication_retry(harness.ca);
	ca_publish_owed(harness.ca, ms + 10001);
	assert_int_equal(owed_warnings(), 0);
}

/* How often event 1001 was raised when the end of the trail was to be signed. */
static int
alarms_when_signing(void)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(harness.ca);
	int before = harness_events(EVENT_AUDIT_TRAIL_SHORT);
	struct err err;

	harness.ca->state->checkpoint_ms = 0;
	harness_must(checkpoint_maintain(harness.ca, &harness.vault, &view->settings, &err), &err);
	return harness_events(EVENT_AUDIT_TRAIL_SHORT) - before;
}

static struct trail_head
sign_behind_the_database(int64_t rows)
{
	OWNED(store_audit_end_free) struct store_audit_end end = {0};
	OWNED(buf_free) struct buf lost = {0}, before = {0};
	struct err err;

	harness_must(store_audit_end(harness.ca->store, &end, &err), &err);
	harness_must(vault_sign_checkpoint(&harness.vault, end.head.count + rows, end.head.hash,
			 buf_view(&end.message), &lost, &before, &err),
	    &err);
	return end.head;
}

static void
add_audit_row(void)
{
	struct err err;

	harness_must(ca_publish_crl(harness.ca, &harness.vault, false, "caadmin", &err), &err);
}

static void
count_checkpoint(int64_t row, struct view message, void *arg)
{
	(void)row, (void)message;
	++*(int *)arg;
}

static bool
has_checkpoint(int64_t row)
{
	struct err err;
	int count = 0;

	harness_must(
	    store_walk_checkpoints(harness.ca->store, row - 1, row, count_checkpoint, &count, &err),
	    &err);
	return count == 1;
}

/* A front that dies between the vault's signature and the commit cut no trail, and what was signed
 * comes into the database later: with it as the last row, or behind it. */
static void
a_checkpoint_that_was_lost_is_no_trail_cut_short(void **state)
{
	struct trail_head head;
	int64_t row;
	struct err err;

	(void)state;
	add_audit_row();
	head = sign_behind_the_database(0);
	assert_int_equal(alarms_when_signing(), 0);
	assert_true(has_checkpoint(head.count));
	add_audit_row();
	head = sign_behind_the_database(0);
	assert_false(has_checkpoint(head.count));
	add_audit_row();
	assert_int_equal(alarms_when_signing(), 0);
	assert_true(has_checkpoint(head.count));
	harness_must(ca_checkpoint(harness.ca, &harness.vault, &row, &err), &err);
	assert_true(row > head.count && has_checkpoint(row));

	sign_behind_the_database(100);
	add_audit_row();
	assert_int_equal(alarms_when_signing(), 1);
}

/* Who raises an event waits for nobody: the first NOTICES_MAX are told, in order, the rest counted.
 */
static void
what_nobody_takes_is_lost_and_counted(void **state)
{
	int64_t lost = ca_notices_lost(harness.ca);
	struct notice n;

	(void)state;
	ca_event(harness.ca, EVENT_AUDIT_TRAIL_SHORT, "before");
	assert_false(ca_notice_take(harness.ca, 0, &n)); /* nobody is to be told */
	harness.config->event_hook = mem_text("/bin/true");
	for (int i = 0; i < NOTICES_MAX + 10; i++) {
		OWNED(own_memory) char *text = text_printf("%d", i);

		ca_event(harness.ca, EVENT_AUDIT_TRAIL_SHORT, text);
	}
	assert_int_equal(ca_notices_lost(harness.ca) - lost, 10);
	for (int i = 0; i < NOTICES_MAX; i++) {
		OWNED(own_memory) char *text = text_printf("%d", i);

		assert_true(ca_notice_take(harness.ca, 0, &n));
		assert_int_equal(n.event.number, EVENT_AUDIT_TRAIL_SHORT);
		assert_string_equal(n.event.values[0], text);
		notice_free(&n);
	}
	assert_false(ca_notice_take(harness.ca, 0, &n));
	ca_event(harness.ca, EVENT_AUDIT_TRAIL_SHORT, "after");
	ca_notices_stop(harness.ca);
	assert_false(ca_notice_take(harness.ca, 60000, &n)); /* at once */
	free(harness.config->event_hook);
	harness.config->event_hook = NULL;
}

static int
group_setup(void **state)
{
	(void)state;
	return harness_open("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(view_is_fresh_for_a_minute),
	    cmocka_unit_test(without_a_crl_of_its_own_a_ca_issues_nothing),
	    cmocka_unit_test(a_new_ca_makes_its_crl_before_it_looks),
	    cmocka_unit_test(template_that_is_there_twice_is_not_found),
	    cmocka_unit_test(without_descriptor_users_enroll_and_nobody_manages),
	    cmocka_unit_test(right_is_what_the_descriptor_says),
	    cmocka_unit_test(roles_are_kept_apart_where_root_says_so),
	    cmocka_unit_test(descriptors_that_are_not_shown_give_nobody_more),
	    cmocka_unit_test(changes_of_rights_are_recorded_once),
	    cmocka_unit_test(cached_principal_is_a_copy_that_grows_old),
	    cmocka_unit_test(copied_principal_is_whole),
	    cmocka_unit_test(unknown_identity_is_no_principal),
	    cmocka_unit_test(view_holds_what_the_directory_and_the_state_folder_hold),
	    cmocka_unit_test(broken_template_is_named_and_the_others_stay),
	    cmocka_unit_test(setting_is_checked_audited_and_in_force),
	    cmocka_unit_test(shorter_key_than_root_demands_is_not_set),
	    cmocka_unit_test(facts_are_taken_as_what_they_are),
	    cmocka_unit_test(two_administrators_at_once_leave_what_one_may),
	    cmocka_unit_test(audit_filter_in_force_is_the_one_that_is_stored),
	    cmocka_unit_test(crl_is_published_at_start_and_on_demand),
	    cmocka_unit_test(maintenance_renews_within_the_overlap),
	    cmocka_unit_test(restart_finds_everything_again),
	    cmocka_unit_test(other_key_size_or_algorithm_makes_another_exchange_key),
	    cmocka_unit_test(damaged_entry_of_the_kra_store_takes_no_other_away),
	    cmocka_unit_test(kra_store_that_cannot_be_read_takes_nobody_away),
	    cmocka_unit_test(kra_that_has_ended_is_told_as_expired),
	    cmocka_unit_test(keys_whose_last_agent_ends_are_told_of),
	    cmocka_unit_test(drills_that_lack_keys_are_told_of),
	    cmocka_unit_test(who_shows_that_he_opens_keys_is_told_of_no_more),
	    cmocka_unit_test(keys_of_who_has_ended_are_covered_by_his_key_renewed),
	    cmocka_unit_test(kra_that_is_published_only_is_named),
	    cmocka_unit_test(views_are_replaced_under_those_who_use_them),
	    cmocka_unit_test(connection_that_the_server_closed_is_made_again),
	    cmocka_unit_test(old_view_stays_when_the_directory_is_away),
	    cmocka_unit_test(outage_makes_one_exchange_certificate_not_many),
	    cmocka_unit_test(what_the_directory_missed_is_brought_when_it_is_back),
	    cmocka_unit_test(a_new_failure_waits_as_the_first_did),
	    cmocka_unit_test(a_checkpoint_that_was_lost_is_no_trail_cut_short),
	    cmocka_unit_test(what_nobody_takes_is_lost_and_counted),
	};

	return cmocka_run_group_tests(tests, group_setup, harness_teardown);
}
