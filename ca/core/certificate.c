#include "certificate.h"

#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "crl_lists.h"
#include "der_write.h"
#include "extension.h"
#include "extension_write.h"
#include "kept_extensions.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "own_openssl.h"
#include "text.h"

#define OID_SAN      "2.5.29.17"
#define OID_SKI      "2.5.29.14"
#define OID_TEXT_MAX 256
#define TBS_MAX      15360 /* the database keeps certificates of up to 16384 bytes */

static bool
aia_urls(struct ca *ca, const struct ca_view *view, struct ca_urls *out, struct err *err)
{
	char suffix[PKI_INDEX_SUFFIX_MAX];
	OWNED(own_memory) char *file = NULL;

	pki_index_suffix(CA_VERSION_CERTIFICATE(ca->issuer->version), suffix);
	file = text_printf("%s.crt", suffix);
	*out = (struct ca_urls){{NULL, ca_http_url(ca, file)}};
	if (view->pki->services_dn == NULL)
		return true;
	out->list[0] = pki_aia_url(view->pki->services_dn, ca->config->ca_name);
	return out->list[0] != NULL ||
	       err_set(err, DIRCA_E_CONFIG, "'%s' cannot be in a URL", ca->config->ca_name);
}

/* Where the CRL of the partition is, and its delta CRL where certificates name that. */
static bool
push_cdp(
    struct ca *ca, const struct ca_view *view, uint32_t partition, ext_list *list, struct err *err)
{
	OWNED(ca_urls_free) struct ca_urls urls = {0};
	struct store_crl_id id = crl_of_newest_key(ca);
	struct ext_urls places;

	id.partition = partition;
	if (!crl_urls(ca, view, &id, &urls, err))
		return false;
	places = ca_urls_view(&urls);
	return ext_push_cdp(list, &places, err) &&
	       (view->settings.num[SETTING_FRESHEST_IN_CERT] == 0 ||
		   crl_push_freshest(ca, view, &id, list, err));
}

static bool
push_aia(struct ca *ca, const struct ca_view *view, ext_list *list, struct err *err)
{
	OWNED(ca_urls_free) struct ca_urls urls = {0};
	OWNED(own_memory) char *ocsp = NULL;

	if (view->settings.num[SETTING_OCSP_IN_CERT] != 0 && ca->config->http_url != NULL)
		ocsp = text_printf("%s/ocsp", ca->config->http_url);
	return aia_urls(ca, view, &urls, err) &&
	       ext_push_aia(list, urls.list, COUNT_OF(urls.list), ocsp, err);
}

/* subjectAltName is critical when the subject is empty (RFC 5280 4.2.1.6). */
static bool
name_is_empty(const struct buf *name)
{
	return name->len <= 2;
}

static bool
put_san(struct der_out *o, const struct issue_san_value *v, struct err *err)
{
	switch (v->kind) {
	case ISSUE_SAN_UPN:
		ext_put_upn(o, v->text);
		return true;
	case ISSUE_SAN_EMAIL:
		return ext_put_email(o, v->text, err);
	case ISSUE_SAN_DNS:
		return ext_put_dns(o, v->text, err);
	case ISSUE_SAN_GUID:
		ext_put_guid(o, v->guid);
		return true;
	}
	return err_set(err, DIRCA_E_INTERNAL, "alternative name of kind %d", (int)v->kind);
}

/* Value of the extension; empty for a plan without alternative names. */
static bool
san_value(const struct issue_plan *plan, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	size_t names;

	*out = (struct buf){0};
	if (plan->san_from_request)
		return buf_dup(plan->given_san, out, err);
	if (plan->san_count == 0)
		return true;
	names = der_open(&o, DER_SEQUENCE);
	for (size_t i = 0; i < plan->san_count; i++)
		if (!put_san(&o, &plan->sans[i], err))
			return false;
	der_close(&o, names);
	return der_done(&o, out, err);
}

static bool
push_usages(const struct issue_plan *plan, ext_list *list, struct err *err)
{
	uint16_t usage = (uint16_t)(plan->key_usage[0] << 8 | plan->key_usage[1]);

	if (usage != 0 && !ext_push_key_usage(list, usage, plan->key_usage_critical, err))
		return false;
	return plan->eku.count == 0 ||
	       ext_push_eku(list, plan->eku.list, plan->eku.count, plan->eku_critical, err);
}

static bool
push_template(const struct issue_plan *plan, ext_list *list, struct err *err)
{
	if (plan->template_name && !ext_push_template_name(list, plan->template_cn, err))
		return false;
	return !plan->template_info || ext_push_template_info(list, plan->template_oid,
					   plan->template_major, plan->template_minor, err);
}

/* As they came; the vault looks whether they are what they should be. */
static bool
push_ca_version(
    struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err)
{
	(void)ca;
	return (order->ca_version.len == 0 || pkix_ext_push(list, oid_dotted(OID_CA_VERSION), false,
						  order->ca_version, err)) &&
	       (order->previous_hash.len == 0 ||
		   pkix_ext_push(
		       list, oid_dotted(OID_PREVIOUS_CERT_HASH), false, order->previous_hash, err));
}

static bool
push_constraints(const struct issue_plan *plan, ext_list *list, struct err *err)
{
	if (plan->basic_constraints && !ext_push_basic_constraints(list, plan->is_ca,
					   plan->path_len, plan->basic_constraints_critical, err))
		return false;
	return !plan->ocsp_nocheck || ext_push_ocsp_nocheck(list, err);
}

/* With the statements of the organisation's entry for each policy, if there is one. */
static bool
push_issuance_policies(
    const struct ca_view *view, const struct issue_plan *plan, ext_list *list, struct err *err)
{
	OWNED(own_memory)
	struct ext_policy *policies = mem_zero(plan->policies.count, sizeof *policies);

	for (size_t i = 0; i < plan->policies.count; i++) {
		const struct enterprise_oid *o =
		    enterprise_oids_find(&view->oids, plan->policies.list[i]);

		policies[i] = (struct ext_policy){.oid = plan->policies.list[i]};
		if (o == NULL || o->kind != ENTERPRISE_OID_ISSUANCE_POLICY)
			continue;
		policies[i].cps = o->cps.list;
		policies[i].cps_count = o->cps.count;
		policies[i].notice = o->notice;
	}
	return ext_push_issuance_policies(list, policies, plan->policies.count, err);
}

static bool
push_policies(
    const struct ca_view *view, const struct issue_plan *plan, ext_list *list, struct err *err)
{
	if (plan->policies.count > 0 && !push_issuance_policies(view, plan, list, err))
		return false;
	return plan->application_policies.count == 0 ||
	       ext_push_policies(list, oid_dotted(OID_APPLICATION_CERT_POLICIES),
		   plan->application_policies.list, plan->application_policies.count, err);
}

/* What certificate managers set beside what the CA makes, of which none is made twice. */
static bool
push_extra(struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err)
{
	const struct issue_plan *plan = order->plan;

	(void)ca;
	for (size_t i = 0; i < plan->extra_count; i++)
		if (!pkix_ext_push(list, plan->extra[i].oid, plan->extra[i].critical,
			plan->extra[i].value, err))
			return false;
	return true;
}

/* What the template's pKICriticalExtensions lists, whoever made it. */
static void
mark_critical(const struct issue_plan *plan, ext_list *list)
{
	char oid[OID_TEXT_MAX];

	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
		X509_EXTENSION *x = sk_X509_EXTENSION_value(list, i);

		if (!oid_text(X509_EXTENSION_get_object(x), oid, sizeof oid))
			continue;
		for (size_t k = 0; k < plan->critical.count; k++)
			if (strcmp(plan->critical.list[k], oid) == 0)
				X509_EXTENSION_set_critical(x, 1);
	}
}

typedef bool push_run(
    struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err);

static bool
push_first(struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err)
{
	(void)ca;
	return push_usages(order->plan, list, err) &&
	       (!order->plan->smime_capabilities || ext_push_smime_capabilities(list, err));
}

static bool
push_second(struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err)
{
	const struct issue_plan *plan = order->plan;

	return push_template(plan, list, err) &&
	       ext_push_aki(list, buf_view(&ca->issuer->key_id), err) &&
	       (plan->no_revocation_info ||
		   push_cdp(ca, order->view, order->partition, list, err)) &&
	       (plan->ocsp_nocheck || push_aia(ca, order->view, list, err)) &&
	       push_constraints(plan, list, err);
}

static bool
push_third(struct ca *ca, const struct certificate_order *order, ext_list *list, struct err *err)
{
	(void)ca;
	return push_policies(order->view, order->plan, list, err);
}

/* What `push` pushes goes behind `out`. */
static bool
append_run(struct ca *ca, const struct certificate_order *order, push_run *push, struct buf *out,
    struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();
	OWNED(buf_free) struct buf run = {0};

	if (list == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "list of extensions");
	if (!push(ca, order, list, err))
		return false;
	mark_critical(order->plan, list);
	return pkix_extensions_encode(list, &run, err) && buf_append(out, buf_view(&run), err);
}

static bool
make_runs(struct ca *ca, const struct certificate_order *order, struct extension_runs *out,
    struct err *err)
{
	if (!append_run(ca, order, push_first, &out->der, err))
		return false;
	out->first = out->der.len;
	if (!append_run(ca, order, push_second, &out->der, err))
		return false;
	out->second = out->der.len - out->first;
	return append_run(ca, order, push_third, &out->der, err);
}

static void
put_text(struct der_out *o, const char *text)
{
	der_put_element(o, text != NULL ? DER_UTF8_STRING : 0,
	    text != NULL ? view_str(text) : (struct view){0});
}

static void
put_texts(struct der_out *o, const struct texts *texts)
{
	size_t at = der_open(o, DER_SEQUENCE);

	for (size_t i = 0; i < texts->count; i++)
		put_text(o, texts->list[i]);
	der_close(o, at);
}

/* All of the order that the runs depend on; what they have of the view, and of the CA that does not
 * change while it runs, is the view's. */
static bool
runs_are_made_of(const struct certificate_order *order, struct buf *out, struct err *err)
{
	OWNED(der_out_free) struct der_out o = {0};
	const struct issue_plan *p = order->plan;
	const int64_t numbers[] = {order->partition, p->key_usage[0], p->key_usage[1],
	    p->key_usage_critical, p->eku_critical, p->smime_capabilities, p->template_name,
	    p->template_info, p->template_major, p->template_minor, p->no_revocation_info,
	    p->ocsp_nocheck, p->basic_constraints, p->is_ca, p->basic_constraints_critical,
	    p->path_len};

	der_put(&o, view_of(numbers, sizeof numbers));
	put_text(&o, p->template_cn);
	put_text(&o, p->template_oid);
	put_texts(&o, &p->eku);
	put_texts(&o, &p->application_policies);
	put_texts(&o, &p->policies);
	put_texts(&o, &p->critical);
	return der_done(&o, out, err);
}

static bool
find_runs(struct ca *ca, const struct certificate_order *order, struct extension_runs *out,
    struct err *err)
{
	OWNED(buf_free) struct buf made_of = {0};

	if (!runs_are_made_of(order, &made_of, err))
		return false;
	if (kept_extensions_find(order->view->extensions, buf_view(&made_of), out))
		return true;
	if (!make_runs(ca, order, out, err))
		return false;
	kept_extensions_add(order->view->extensions, buf_view(&made_of), out);
	return true;
}

static bool
is_listed(const struct issue_plan *plan, const char *dotted)
{
	for (size_t i = 0; i < plan->critical.count; i++)
		if (strcmp(plan->critical.list[i], dotted) == 0)
			return true;
	return false;
}

static void
put_names(struct der_out *o, const struct certificate_order *order)
{
	const struct certificate_names *names = order->names;

	if (names->san.len > 0)
		ext_put_san(o, name_is_empty(&names->subject) || is_listed(order->plan, OID_SAN),
		    buf_view(&names->san));
}

static void
put_sid(struct der_out *o, const struct issue_plan *plan)
{
	bool critical = is_listed(plan, oid_dotted(OID_NTDS_CA_SECURITY_EXT));

	if (plan->sid != NULL)
		ext_put_sid(o, critical, plan->sid);
	else if (plan->sid_from_request)
		ext_put(o, oid_octets(OID_NTDS_CA_SECURITY_EXT), critical, plan->given_sid);
}

/* In the order of AD CS: a reader that compares sees what it is used to. */
static void
put_extensions(struct der_out *o, const struct certificate_order *order,
    const struct extension_runs *runs, struct view version, struct view extra)
{
	const struct view all = buf_view(&runs->der);
	const size_t shared = runs->first + runs->second;

	der_put(o, view_of(all.ptr, runs->first));
	ext_put_ski(o, is_listed(order->plan, OID_SKI),
	    view_of(order->marks->key_id, sizeof order->marks->key_id));
	der_put(o, view_of(all.ptr + runs->first, runs->second));
	der_put(o, version);
	put_names(o, order);
	der_put(o, view_of(all.ptr + shared, all.len - shared));
	put_sid(o, order->plan);
	der_put(o, extra);
}

static bool
make_extensions(
    struct ca *ca, const struct certificate_order *order, struct buf *out, struct err *err)
{
	OWNED(extension_runs_free) struct extension_runs runs = {0};
	OWNED(buf_free) struct buf version = {0}, extra = {0};
	OWNED(der_out_free) struct der_out o = {0};

	if (!ext_key_id(order->spki, order->marks->key_id, err) ||
	    !find_runs(ca, order, &runs, err) ||
	    (order->ca_version.len + order->previous_hash.len > 0 &&
		!append_run(ca, order, push_ca_version, &version, err)) ||
	    (order->plan->extra_count > 0 && !append_run(ca, order, push_extra, &extra, err)))
		return false;
	put_extensions(&o, order, &runs, buf_view(&version), buf_view(&extra));
	return der_done(&o, out, err);
}

/* Name DER with the e-mail address alone; pkix_name_from_dn wants a DN. */
static bool
email_name(const char *email, struct buf *out, struct err *err)
{
	OWNED(own_x509_name) X509_NAME *name = X509_NAME_new();
	uint8_t *der = NULL;
	int len;

	if (name == NULL ||
	    (email != NULL && !X509_NAME_add_entry_by_NID(name, NID_pkcs9_emailAddress,
				  MBSTRING_UTF8, (const uint8_t *)email, -1, -1, 0)))
		return err_openssl(err, CERTSRV_E_BAD_REQUESTSUBJECT,
		    "e-mail address '%s' does not fit into a name", email != NULL ? email : "");
	len = i2d_X509_NAME(name, &der);
	return len > 0 ? buf_take_openssl(der, len, out, err)
		       : err_openssl(err, DIRCA_E_CRYPTO, "cannot encode a name");
}

static bool
cn_name(const char *cn, const char *email, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *escaped = dir_rdn_escape(cn);
	OWNED(own_memory) char *dn = text_printf("CN=%s", escaped);

	return pkix_name_from_dn(dn, email, out, err);
}

static bool
subject_name(const struct issue_plan *plan, struct buf *out, struct err *err)
{
	if (plan->subject_from_request)
		return buf_dup(plan->given_subject, out, err);
	if (plan->subject_dn != NULL)
		return pkix_name_from_dn(plan->subject_dn, plan->subject_email, out, err);
	if (plan->subject_cn != NULL)
		return cn_name(plan->subject_cn, plan->subject_email, out, err);
	return email_name(plan->subject_email, out, err);
}

/* Of the request and of the directory alike: who reads the certificate sees what is in it. */
bool
certificate_names_make(
    const struct issue_plan *plan, struct certificate_names *out, struct err *err)
{
	*out = (struct certificate_names){0};
	return subject_name(plan, &out->subject, err) && san_value(plan, &out->san, err) &&
	       pkix_check_name(buf_view(&out->subject), "the subject", err) &&
	       (out->san.len == 0 || pkix_check_general_names(
					 buf_view(&out->san), "the subject alternative name", err));
}

void
certificate_names_free(struct certificate_names *n)
{
	buf_free(&n->subject);
	buf_free(&n->san);
}

struct body {
	const struct certificate_order *order;
	struct view subject, spki;
	int64_t not_before, not_after;
	struct view extensions;
};

static bool
sign_tbs(struct ca *ca, struct vault *v, struct view tbs, const struct certificate_order *order,
    struct buf *out, struct err *err)
{
	OWNED(vault_issued_free) struct vault_issued alone = {0};
	struct vault_issue only = {0}, *in = order->issue != NULL ? order->issue : &only;
	struct vault_issued *made = order->issue != NULL ? order->issued : &alone;

	in->tbs = tbs;
	return vault_issue(v, in, made, err) &&
	       pkix_signed_wrap(
		   tbs, buf_view(&ca->issuer->sig_alg), buf_view(&made->signature), out, err);
}

/* Key and certificate come together. */
static bool
make_key(struct vault *v, struct view tbs, const struct certificate_order *order, struct buf *out,
    struct err *err)
{
	order->generate->tbs = tbs;
	if (!vault_generate(v, order->generate, order->made, err))
		return false;
	*out = buf_give(&order->made->certificate);
	return true;
}

static bool
sign(struct ca *ca, struct vault *v, const struct body *body, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf tbs_der = {0};

	if (!pkix_new_serial(body->order->marks->serial, err))
		return false;
	const struct pkix_tbs tbs = {
	    .serial = view_of(body->order->marks->serial, sizeof body->order->marks->serial),
	    .sig_alg = buf_view(&ca->issuer->sig_alg),
	    .issuer = ca->issuer->cert.subject,
	    .not_before = body->not_before,
	    .not_after = body->not_after,
	    .subject = body->subject,
	    .spki = body->spki,
	    .encoded = body->extensions,
	};

	if (!pkix_tbs_encode(&tbs, &tbs_der, err))
		return false;
	if (tbs_der.len > TBS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the certificate would have over %zu bytes; shorten the names of the request",
		    tbs_der.len);
	if (body->order->generate != NULL)
		return make_key(v, buf_view(&tbs_der), body->order, out, err);
	return sign_tbs(ca, v, buf_view(&tbs_der), body->order, out, err);
}

bool
certificate_partition(const struct ca_view *view, uint32_t *out, struct err *err)
{
	int64_t count = view->settings.num[SETTING_CRL_PARTITIONS];
	uint32_t random;

	*out = 0;
	if (count == 0)
		return true;
	if (RAND_bytes((uint8_t *)&random, sizeof random) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random number for a partition");
	*out = 1 + random % (uint32_t)count;
	return true;
}

bool
certificate_issue(struct ca *ca, struct vault *v, const struct certificate_order *order,
    struct buf *certificate_out, struct err *err)
{
	OWNED(buf_free) struct buf extensions = {0};
	struct certificate_marks unwanted;
	struct certificate_order own = *order;
	struct body body = {
	    .order = &own,
	    .subject = buf_view(&order->names->subject),
	    .spki = order->spki,
	    .not_before = order->plan->not_before,
	    .not_after = order->plan->not_after,
	};

	*certificate_out = (struct buf){0};
	if (own.marks == NULL)
		own.marks = &unwanted;
	if (!make_extensions(ca, &own, &extensions, err))
		return false;
	body.extensions = buf_view(&extensions);
	return sign(ca, v, &body, certificate_out, err) &&
	       (order->marks == NULL ||
		   cms_digest_of(NID_sha1, buf_view(certificate_out), order->marks->sha1, err));
}

typedef bool vault_create(struct vault *v, const struct vault_xchg_wish *wish,
    struct buf *certificate_out, struct err *err);

static bool
certify_vault_key(struct ca *ca, struct vault *v, vault_create *create, int bits, int64_t life_s,
    struct buf *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(ca_urls_free) struct ca_urls cdp = {0};
	OWNED(ca_urls_free) struct ca_urls aia = {0};
	const struct store_crl_id id = crl_of_newest_key(ca);
	const struct tmpl *t = xchg_template(view);

	*out = (struct buf){0};
	if (!view->places_known)
		return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "where CRL and CA certificate are found is read from the directory, which "
		    "could "
		    "not be read yet");
	if (!crl_urls(ca, view, &id, &cdp, err) || !aia_urls(ca, view, &aia, err))
		return false;
	struct vault_xchg_wish wish = {.bits = bits,
	    .life_s = life_s,
	    .cdp = {cdp.list[0], cdp.list[1]},
	    .aia = {aia.list[0], aia.list[1]}};

	if (t != NULL && t->oid != NULL && t->schema_version > 1 && t->major >= 0 &&
	    t->minor >= 0) {
		wish.template_oid = t->oid;
		wish.template_major = (uint32_t)t->major;
		wish.template_minor = (uint32_t)t->minor;
	}
	return create(v, &wish, out, err);
}

bool
certificate_xchg(
    struct ca *ca, struct vault *v, int bits, int64_t life_s, struct buf *out, struct err *err)
{
	return certify_vault_key(ca, v, vault_xchg_create, bits, life_s, out, err);
}

bool
certificate_import(
    struct ca *ca, struct vault *v, int bits, int64_t life_s, struct buf *out, struct err *err)
{
	return certify_vault_key(ca, v, vault_import_create, bits, life_s, out, err);
}
