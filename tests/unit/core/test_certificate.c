/*
 * Plan -> certificate through a real vault; openssl reads what comes out.
 */
#include "ca_priv.h"
#include "certify.h"
#include "crl_lists.h"
#include "pem.h"

static struct principal user1;
static EVP_PKEY *key;
static struct buf spki;

static void
issue(const struct issue_plan *plan, struct pkix_cert *out)
{
	struct buf der, text = {0};
	struct err err;

	harness_must(certify(plan, buf_view(&spki), &der, &err), &err);
	harness_must(pkix_cert_decode(buf_view(&der), out, &err), &err);
	harness_must(pem_append(&text, "CERTIFICATE", buf_view(&der), &err), &err);
	harness_write("cert.pem", "");
	char *pem = strndup((const char *)text.ptr, text.len);
	harness_write("cert.pem", pem);
	free(pem);
	buf_free(&text);
	buf_free(&der);
}

static void
plan_for(const char *template_cn, const struct issue_request *request, struct issue_plan *plan)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct issue_limits limits = {clock_now(), 600, harness.ca->issuer->cert.not_after};
	struct err err;

	/* The plan borrows from the view, which lives as long as no refresh comes. */
	harness_must(issue_plan_make(
			 ca_view_template(view, template_cn), &user1, request, &limits, plan, &err),
	    &err);
	ca_view_release(&view);
}

static int
openssl(const char *command)
{
	char line[512];

	snprintf(line, sizeof line, "cd '%s' && { openssl %s; } >out 2>&1", harness.dir, command);
	return system(line);
}

static void
assert_text_has(const char *what)
{
	char path[96];
	struct buf out;
	struct err err;

	snprintf(path, sizeof path, "%s/out", harness.dir);
	harness_must(file_read(path, 65536, &out, &err), &err);
	if (memmem(out.ptr, out.len, what, strlen(what)) == NULL)
		fail_msg("'%s' is not in: %.*s", what, (int)out.len, (const char *)out.ptr);
	buf_free(&out);
}

static void
assert_order(const struct pkix_cert *c, const char *const *oids, size_t count)
{
	assert_int_equal(c->extension_count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(c->extensions[i].oid, oids[i]);
}

static void
version_2_template_gives_the_extensions_of_ad_cs_in_order(void **state)
{
	static const char *const order[] = {"2.5.29.15", "2.5.29.37", "1.2.840.113549.1.9.15",
	    "2.5.29.14", "1.3.6.1.4.1.311.21.7", "2.5.29.35", "2.5.29.31", "1.3.6.1.5.5.7.1.1",
	    "2.5.29.17", "1.3.6.1.4.1.311.21.10", "1.3.6.1.4.1.311.25.2"};
	const struct issue_request request = {
	    .key_algorithm = "RSA", .key_bits = 2048, .has_archived_key = true};
	const struct pkix_extension *sid;
	struct issue_plan plan;
	struct pkix_cert c;
	char *upn, *cn;

	(void)state;
	plan_for("EFSArchive", &request, &plan);
	issue(&plan, &c);
	assert_order(&c, order, sizeof order / sizeof order[0]);
	assert_true(c.extensions[0].critical);
	upn = pkix_cert_upn(&c);
	cn = pkix_name_value(c.subject, NID_commonName);
	assert_string_equal(upn, "user1@nwtraders.com");
	assert_string_equal(cn, "user1");
	free(upn);
	free(cn);
	/* 25.2: SEQUENCE { [0] { OID 25.2.1, [0] { OCTET STRING "S-1-5-21-..." } } } */
	sid = pkix_cert_extension(&c, oid_nid(OID_NTDS_CA_SECURITY_EXT));
	assert_non_null(memmem(sid->value.ptr, sid->value.len, HARNESS_DOMAIN "-1101",
	    strlen(HARNESS_DOMAIN "-1101")));
	assert_int_equal(sid->value.ptr[0], 0x30);
	assert_int_equal(sid->value.ptr[2], 0xa0);
	assert_int_equal(openssl("x509 -in cert.pem -noout -text -nameopt oneline"), 0);
	assert_text_has("URI:ldap:///CN=Test%20CA,CN=ca1");
	assert_text_has("URI:http://ca1.nwtraders.com:8080/dirca/Test%20CA.crl");
	assert_text_has("CA Issuers - URI:http://ca1.nwtraders.com:8080/dirca/Test%20CA.crt");
	assert_text_has("Key Encipherment");
	assert_text_has("Subject: DC = com, DC = nwtraders, CN = Users, CN = user1");
	assert_int_equal(openssl("verify -CAfile state/ca.crt cert.pem"), 0);
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static void
version_1_template_gives_its_name_and_mail(void **state)
{
	const struct issue_request request = {.key_algorithm = "RSA", .key_bits = 2048};
	struct issue_plan plan;
	struct pkix_cert c;
	char *mail, *san;

	(void)state;
	plan_for("User", &request, &plan);
	issue(&plan, &c);
	assert_non_null(pkix_cert_extension(&c, oid_nid(OID_ENROLL_CERTTYPE)));
	assert_null(pkix_cert_extension(&c, oid_nid(OID_CERTIFICATE_TEMPLATE)));
	mail = pkix_name_value(c.subject, NID_pkcs9_emailAddress);
	san = pkix_cert_san_text(&c);
	assert_string_equal(mail, "user1@nwtraders.com");
	assert_non_null(strstr(san, "user1@nwtraders.com"));
	free(mail);
	free(san);
	assert_int_equal(openssl("verify -CAfile state/ca.crt cert.pem"), 0);
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static struct issue_plan
bare_plan(void)
{
	return (struct issue_plan){
	    .path_len = -1, .not_before = clock_now() - 600, .not_after = clock_now() + 86400};
}

static struct issue_san_value
san_of(enum issue_san kind, const char *text)
{
	struct issue_san_value v = {.kind = kind, .guid = {1, 2, 3}};

	if (text != NULL)
		assert_non_null(v.text = strdup(text));
	return v;
}

static void
empty_subject_makes_the_alternative_name_critical(void **state)
{
	struct issue_plan plan = bare_plan();
	struct pkix_cert c;

	(void)state;
	assert_non_null(plan.sans = calloc(3, sizeof *plan.sans));
	plan.sans[plan.san_count++] = san_of(ISSUE_SAN_DNS, "ws1.nwtraders.com");
	plan.sans[plan.san_count++] = san_of(ISSUE_SAN_EMAIL, "ws1@nwtraders.com");
	plan.sans[plan.san_count++] = san_of(ISSUE_SAN_GUID, NULL);
	plan.no_revocation_info = true;
	issue(&plan, &c);
	assert_true(pkix_cert_extension(&c, NID_subject_alt_name)->critical);
	assert_null(pkix_cert_extension(&c, NID_crl_distribution_points));
	assert_null(pkix_cert_extension(&c, NID_key_usage));
	assert_int_equal(openssl("x509 -in cert.pem -noout -text -nameopt oneline"), 0);
	assert_text_has("DNS:ws1.nwtraders.com, email:ws1@nwtraders.com, othername:");
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static void
cn_that_holds_separators_stays_one_name(void **state)
{
	struct issue_plan plan = bare_plan();
	struct pkix_cert c;
	char *cn;

	(void)state;
	assert_non_null(plan.subject_cn = strdup("x,OU=Domain Admins+\"#;"));
	issue(&plan, &c);
	cn = pkix_name_value(c.subject, NID_commonName);
	assert_string_equal(cn, "x,OU=Domain Admins+\"#;");
	free(cn);
	assert_null(pkix_name_value(c.subject, NID_organizationalUnitName));
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static void
mail_with_foreign_letters_is_no_rfc822_name(void **state)
{
	struct issue_plan plan = bare_plan();
	struct buf der;
	struct err err;

	(void)state;
	assert_non_null(plan.subject_cn = strdup("user"));
	assert_non_null(plan.sans = calloc(1, sizeof *plan.sans));
	plan.sans[plan.san_count++] = san_of(ISSUE_SAN_EMAIL, "us\xc3\xa9r@nwtraders.com");
	assert_false(certify(&plan, buf_view(&spki), &der, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
	assert_int_equal(der.len, 0);
	issue_plan_free(&plan);
}

/* pKICriticalExtensions may list any extension; what it does not list stays as it is. */
static void
listed_extensions_are_critical(void **state)
{
	static char san[] = "2.5.29.17", smime[] = "1.2.840.113549.1.9.15", absent[] = "1.2.3";
	char *list[] = {san, smime, absent};
	struct issue_plan plan = bare_plan();
	struct pkix_cert c;

	(void)state;
	assert_non_null(plan.subject_cn = strdup("user"));
	assert_non_null(plan.sans = calloc(1, sizeof *plan.sans));
	plan.sans[plan.san_count++] = san_of(ISSUE_SAN_DNS, "ws1.nwtraders.com");
	plan.smime_capabilities = true;
	issue(&plan, &c);
	for (size_t i = 0; i < c.extension_count; i++)
		assert_false(c.extensions[i].critical);
	pkix_cert_free(&c);
	plan.critical = (struct texts){list, 3};
	issue(&plan, &c);
	for (size_t i = 0; i < c.extension_count; i++)
		assert_int_equal(
		    c.extensions[i].critical, strcmp(c.extensions[i].oid, san) == 0 ||
						  strcmp(c.extensions[i].oid, smime) == 0);
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static void
serial_numbers_are_random(void **state)
{
	struct issue_plan plan = bare_plan();
	struct pkix_cert a, b;

	(void)state;
	assert_non_null(plan.subject_cn = strdup("user"));
	issue(&plan, &a);
	issue(&plan, &b);
	assert_false(view_eq(a.serial, b.serial));
	assert_true(a.serial.len >= 15 && a.serial.len <= 17);
	pkix_cert_free(&a);
	pkix_cert_free(&b);
	issue_plan_free(&plan);
}

static void
columns_are_those_of_the_certificate(void **state)
{
	const struct issue_request request = {.key_algorithm = "RSA", .key_bits = 2048};
	struct store_request row = {0};
	struct issue_plan plan;
	struct pkix_cert c;
	struct err err;

	(void)state;
	plan_for("User", &request, &plan);
	issue(&plan, &c);
	harness_must(certificate_columns(harness.ca->issuer, buf_view(&c.raw), &row, &err), &err);
	assert_string_equal(row.upn, "user1@nwtraders.com");
	assert_string_equal(row.common_name, "user1");
	assert_string_equal(row.email, "user1@nwtraders.com");
	assert_string_equal(row.public_key_algorithm, "RSA");
	assert_int_equal(row.public_key_length, 2048);
	assert_true(view_eq(buf_view(&row.raw_public_key), buf_view(&spki)));
	assert_memory_equal(row.certificate_hash.ptr, c.sha1, 20);
	assert_int_equal(row.not_after, c.not_after);
	store_request_free(&row);
	pkix_cert_free(&c);
	issue_plan_free(&plan);
}

static void
issue_by(
    struct ca_view *view, const struct issue_plan *plan, uint32_t partition, struct pkix_cert *out)
{
	struct certificate_names names;
	const struct certificate_order order = {.view = view,
	    .plan = plan,
	    .names = &names,
	    .spki = buf_view(&spki),
	    .partition = partition};
	struct buf der;
	struct err err;

	harness_must(certificate_names_make(plan, &names, &err), &err);
	harness_must(certificate_issue(harness.ca, &harness.vault, &order, &der, &err), &err);
	harness_must(pkix_cert_decode(buf_view(&der), out, &err), &err);
	certificate_names_free(&names);
	buf_free(&der);
}

static void
assert_same_extensions(const struct pkix_cert *a, const struct pkix_cert *b)
{
	assert_int_equal(a->extension_count, b->extension_count);
	for (size_t i = 0; i < a->extension_count; i++) {
		assert_string_equal(a->extensions[i].oid, b->extensions[i].oid);
		assert_int_equal(a->extensions[i].critical, b->extensions[i].critical);
		assert_true(view_eq(a->extensions[i].value, b->extensions[i].value));
	}
}

/* The kept extensions that were made first are not in what is made now, and those that are found
 * are what would be made. */
static void
assert_kept(struct ca_view *view, const struct issue_plan *plan, uint32_t partition)
{
	struct kept_extensions *kept = view->extensions;
	struct pkix_cert made, first, found;

	assert_non_null(kept);
	issue_by(view, plan, partition, &first);
	issue_by(view, plan, partition, &found);
	view->extensions = NULL;
	issue_by(view, plan, partition, &made);
	view->extensions = kept;
	assert_same_extensions(&made, &first);
	assert_same_extensions(&made, &found);
	pkix_cert_free(&made);
	pkix_cert_free(&first);
	pkix_cert_free(&found);
}

static void
kept_extensions_are_those_of_the_plan(void **state)
{
	char usages_0[] = "1.3.6.1.5.5.7.3.2", usages_1[] = "1.3.6.1.5.5.7.3.4";
	char *usages[] = {usages_0, usages_1};
	char policies_0[] = "1.2.3.4.5";
	char *policies[] = {policies_0};
	char critical_0[] = "2.5.29.37", critical_1[] = "2.5.29.31";
	char *critical[] = {critical_0, critical_1};
	const struct issue_request request = {.key_algorithm = "RSA", .key_bits = 2048};
	struct ca_view *view = ca_view_get(harness.ca);
	struct issue_plan plan, p;

	(void)state;
	plan_for("User", &request, &plan);
	/* One after the other, since the one before is found if a difference is not seen. */
	assert_kept(view, &plan, 0);
	p = plan;
	p.critical.count = 0;
	p.template_oid = "1.2.3", p.template_name = true, p.template_info = true;
	assert_kept(view, &p, 0);
	/* One field at a time: what the extensions are found by lacks none. */
	for (int i = 0; i < 21; i++) {
		switch (i) {
		case 0:
			p.key_usage[0] ^= 0x80;
			break;
		case 1:
			p.key_usage[1] ^= 0x80;
			break;
		case 2:
			p.key_usage_critical = !p.key_usage_critical;
			break;
		case 3:
			p.eku = (struct texts){usages, 2};
			break;
		case 4:
			p.eku.count = 1;
			break;
		case 5:
			p.eku_critical = !p.eku_critical;
			break;
		case 6:
			p.application_policies = (struct texts){usages, 2};
			break;
		case 7:
			p.policies = (struct texts){policies, 1};
			break;
		case 8:
			p.critical = (struct texts){critical, 2};
			break;
		case 9:
			p.critical.count = 1;
			break;
		case 10:
			p.smime_capabilities = !p.smime_capabilities;
			break;
		case 11:
			p.template_cn = "Other";
			break;
		case 12:
			p.template_oid = "1.2.4";
			break;
		case 13:
			p.template_name = false;
			break;
		case 14:
			p.template_minor++;
			break;
		case 15:
			p.template_major++;
			break;
		case 16:
			p.basic_constraints = true;
			break;
		case 17:
			p.basic_constraints_critical = true;
			break;
		case 18:
			p.is_ca = true;
			break;
		case 19:
			p.path_len = 3;
			break;
		default:
			p.template_info = false;
		}
		assert_kept(view, &p, 0);
	}
	assert_kept(view, &p, 1);
	assert_kept(view, &p, 2);
	p.no_revocation_info = true;
	assert_kept(view, &p, 0);
	p.ocsp_nocheck = true;
	assert_kept(view, &p, 0);
	assert_kept(view, &plan, 0);
	issue_plan_free(&plan);
	ca_view_release(&view);
}

static void
assert_same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void
assert_same_columns(const struct store_request *a, const struct store_request *b)
{
	assert_true(view_eq(buf_view(&a->raw_certificate), buf_view(&b->raw_certificate)));
	assert_true(view_eq(buf_view(&a->raw_public_key), buf_view(&b->raw_public_key)));
	assert_true(view_eq(buf_view(&a->public_key_hash), buf_view(&b->public_key_hash)));
	assert_true(view_eq(buf_view(&a->certificate_hash), buf_view(&b->certificate_hash)));
	assert_same_text(a->serial_number, b->serial_number);
	assert_same_text(a->subject_key_identifier, b->subject_key_identifier);
	assert_same_text(a->distinguished_name, b->distinguished_name);
	assert_same_text(a->common_name, b->common_name);
	assert_same_text(a->email, b->email);
	assert_same_text(a->upn, b->upn);
	assert_same_text(a->public_key_algorithm, b->public_key_algorithm);
	assert_int_equal(a->public_key_length, b->public_key_length);
	assert_int_equal(a->not_before, b->not_before);
	assert_int_equal(a->not_after, b->not_after);
	assert_int_equal(a->issuer_name_id, b->issuer_name_id);
}

/* What is written down from what a certificate was made of is what is read from it. */
static void
assert_known_columns(const struct issue_plan *plan)
{
	struct store_request read = {0}, known = {0};
	struct ca_view *view = ca_view_get(harness.ca);
	struct certificate_names names;
	struct certificate_marks marks;
	struct certificate_known c = {.marks = &marks,
	    .names = &names,
	    .spki = buf_view(&spki),
	    .not_before = plan->not_before,
	    .not_after = plan->not_after};
	const struct certificate_order order = {
	    .view = view, .plan = plan, .names = &names, .spki = c.spki, .marks = &marks};
	uint8_t hash[PKIX_KEY_HASH_LEN];
	struct buf der;
	struct err err;

	harness_must(certificate_names_make(plan, &names, &err), &err);
	harness_must(certificate_issue(harness.ca, &harness.vault, &order, &der, &err), &err);
	harness_must(pkix_key_info(c.spki, &c.key_algorithm, &c.key_bits, &err), &err);
	harness_must(pkix_key_hash(c.spki, hash, &err), &err);
	c.der = buf_view(&der);
	c.key_hash = view_of(hash, sizeof hash);
	harness_must(certificate_columns(harness.ca->issuer, c.der, &read, &err), &err);
	harness_must(certificate_columns_known(harness.ca->issuer, &c, &known, &err), &err);
	assert_same_columns(&read, &known);
	store_request_free(&read);
	store_request_free(&known);
	certificate_names_free(&names);
	buf_free(&der);
	ca_view_release(&view);
}

static void
columns_that_are_known_are_those_of_the_certificate(void **state)
{
	const struct issue_request request = {.key_algorithm = "RSA", .key_bits = 2048};
	struct issue_plan plan;

	(void)state;
	plan_for("User", &request, &plan);
	for (int i = 0; i < 40; i++) /* of these, some serial numbers begin with a zero octet */
		assert_known_columns(&plan);
	issue_plan_free(&plan);
	plan = bare_plan();
	assert_non_null(plan.subject_cn = strdup("A, \"B\" and \xc3\xa4"));
	assert_known_columns(&plan);
	issue_plan_free(&plan);
	plan = bare_plan();
	assert_non_null(plan.subject_email = strdup("user1@nwtraders.com"));
	assert_known_columns(&plan);
	issue_plan_free(&plan);
}

/* One serial number in sixteen begins with a zero digit. */
static void
serial_column_has_whole_octets(void **state)
{
	struct store_request row = {0};
	struct err err;

	(void)state;
	harness_must(
	    certificate_columns(harness.ca->issuer, buf_view(&harness.kras[0].der), &row, &err),
	    &err);
	assert_string_equal(row.serial_number, "02");
	store_request_free(&row);
}

static void
exchange_certificate_is_that_of_the_paper(void **state)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct pkix_cert *c = &view->xchgs[0].cert;
	struct buf ski, key_id;
	struct err err;
	char *cn;

	(void)state;
	assert_int_equal(view->xchg_count, 1);
	cn = pkix_name_value(c->subject, NID_commonName);
	assert_string_equal(cn, "Test CA-Xchg");
	free(cn);
	assert_true(view_eq(c->issuer, harness.ca->issuer->cert.subject));
	assert_true(pkix_cert_has_eku(c, oid_dotted(OID_KP_CA_EXCHANGE)));
	assert_int_equal(pkix_cert_key_usage(c), 0x2000);
	/* The directory has the template CAExchange, and an OID for it. */
	assert_null(pkix_cert_extension(c, oid_nid(OID_ENROLL_CERTTYPE)));
	assert_non_null(pkix_cert_extension(c, oid_nid(OID_CERTIFICATE_TEMPLATE)));
	assert_non_null(pkix_cert_extension(c, oid_nid(OID_APPLICATION_CERT_POLICIES)));
	harness_must(
	    pkix_verify(harness.ca->issuer->key, c->sig_alg, c->tbs, c->signature, false, &err),
	    &err);
	harness_must(pkix_cert_ski(c, &ski, &err), &err);
	assert_true(view_eq(buf_view(&ski), view_of(view->xchgs[0].id, VAULT_ID_LEN)));
	harness_must(pkix_cert_ski(&harness.ca->issuer->cert, &key_id, &err), &err);
	assert_non_null(memmem(pkix_cert_extension(c, NID_authority_key_identifier)->value.ptr,
	    pkix_cert_extension(c, NID_authority_key_identifier)->value.len, key_id.ptr,
	    key_id.len));
	assert_int_equal(c->not_after - c->not_before, 7 * 86400 + 600);
	buf_free(&ski);
	buf_free(&key_id);
	ca_view_release(&view);
}

static int
group_setup(void **state)
{
	struct err err;

	(void)state;
	if (harness_open("sign_kinds = kra sub-ca any-purpose\n") != 0)
		return -1;
	harness_person("user1", &user1);
	key = test_key("rsa2048");
	harness_must(pkix_key_spki(key, &spki, &err), &err);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	buf_free(&spki);
	return harness_close();
}

/* An escaped slash is no part of a name for who splits paths. */
static void
http_urls_have_one_segment_for_the_name(void **state)
{
	static const struct {
		const char *name, *url;
	} rows[] = {
	    {"NWTraders-CA", "http://ca1/dirca/NWTraders-CA.crl"},
	    {"S\u00f6hne & #1?", "http://ca1/dirca/S%C3%B6hne%20%26%20%231%3F.crl"},
	    {"A/B CA", "http://ca1/dirca/A%21002fB%20CA.crl"},
	    {"/", "http://ca1/dirca/%21002f.crl"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char name[64], base[] = "http://ca1";
		struct config config = {.ca_name = name, .http_url = base};
		const struct ca ca = {.config = &config};
		char *url;

		strcpy(name, rows[i].name);
		url = ca_http_url(&ca, ".crl");
		assert_string_equal(url, rows[i].url);
		free(url);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(http_urls_have_one_segment_for_the_name),
	    cmocka_unit_test(version_2_template_gives_the_extensions_of_ad_cs_in_order),
	    cmocka_unit_test(version_1_template_gives_its_name_and_mail),
	    cmocka_unit_test(empty_subject_makes_the_alternative_name_critical),
	    cmocka_unit_test(cn_that_holds_separators_stays_one_name),
	    cmocka_unit_test(mail_with_foreign_letters_is_no_rfc822_name),
	    cmocka_unit_test(listed_extensions_are_critical),
	    cmocka_unit_test(serial_numbers_are_random),
	    cmocka_unit_test(columns_are_those_of_the_certificate),
	    cmocka_unit_test(kept_extensions_are_those_of_the_plan),
	    cmocka_unit_test(columns_that_are_known_are_those_of_the_certificate),
	    cmocka_unit_test(serial_column_has_whole_octets),
	    cmocka_unit_test(exchange_certificate_is_that_of_the_paper),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
