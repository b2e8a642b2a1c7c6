/* The CA itself: status, exchange certificate, settings, CRL, and the files that certificates point
 * to. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>

#include "clock.h"
#include "crl_lists.h"
#include "json.h"
#include "kra_coverage.h"
#include "log.h"
#include "own.h"
#include "publication.h"
#include "space.h"
#include "text.h"

#define DAY 86400

/* Whether people who look for agents in the directory find this one. */
static bool
is_published(const struct pki_snapshot *pki, struct view certificate)
{
	for (size_t i = 0; i < pki->kras.count; i++)
		if (dir_attr_has(
			dir_entry_attr(&pki->kras.list[i], "userCertificate"), certificate))
			return true;
	return false;
}

static bool
is_agent(const struct ca_view *view, const struct ca_kra *k)
{
	for (size_t i = 0; i < view->agent_count; i++)
		if (view->agents[i] == k)
			return true;
	return false;
}

static int64_t
keys_sealed_to(const struct coverage *c, const struct pkix_cert *cert)
{
	const struct coverage_agent *a = coverage_find(c, view_of(cert->sha1, sizeof cert->sha1));

	return a != NULL ? a->keys : 0;
}

/* What ends within as many days as event 1005 looks ahead is told with the date of the first. */
static json_t *
json_coverage(const struct coverage *c, const struct settings *settings)
{
	struct coverage_end end = coverage_ends(c, clock_now() + CA_KRA_NOTICE_S);
	const struct coverage_agent *first;
	size_t unproved = coverage_unproved(c, ca_proved_since(settings, clock_now()), &first);
	const struct coverage_agent *open;
	size_t incomplete = coverage_incomplete(c, clock_now() - CA_DRILL_S, &open);
	char until[21];

	clock_format(end.first, until);
	return json_pack("{s:I, s:I, s:s?, s:I, s:s?, s:I, s:s?}", "uncovered",
	    (json_int_t)c->uncovered, "ending", (json_int_t)end.keys, "first_end",
	    end.sets > 0 ? until : NULL, "unproved", (json_int_t)unproved, "first_unproved",
	    first != NULL ? first->subject : NULL, "incomplete", (json_int_t)incomplete,
	    "first_incomplete", open != NULL ? open->subject : NULL);
}

static json_t *
json_kras(const struct coverage *keys, const struct ca_view *view)
{
	json_t *list = json_array();
	int64_t now = clock_now();

	for (size_t i = 0; i < view->kra_count; i++) {
		const struct ca_kra *k = &view->kras[i];
		OWNED(own_memory) char *subject = pkix_name_text(k->cert.subject);
		OWNED(own_memory) char *serial = pkix_serial_text(k->cert.serial);
		OWNED(own_memory)
		char *sha1 = hex_encode(view_of(k->cert.sha1, sizeof k->cert.sha1), '\0');
		char until[21];

		clock_format(k->cert.not_after, until);
		json_array_append_new(list,
		    json_pack("{s:s?, s:s?, s:s?, s:s, s:b, s:s?, s:b, s:s, s:b, s:I, s:I, s:s}",
			"subject", subject, "serial_number", serial, "certificate_hash", sha1,
			"not_after", until, "valid", (int)(k->status == KRA_VALID), "reason",
			k->reason, "published",
			(int)is_published(view->pki, buf_view(&k->cert.raw)), "status",
			kra_status_word(k->status), "counts", (int)is_agent(view, k), "days_left",
			(json_int_t)((k->cert.not_after - now) / DAY), "archived_keys",
			(json_int_t)keys_sealed_to(keys, &k->cert), "reader",
			cms_reader_word(k->reader)));
	}
	return list;
}

static json_t *
json_texts(char *const *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

/* The templates of this CA whose certificates are not issued without an archived key. */
static json_t *
json_archiving(const struct ca_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->template_count; i++)
		if (tmpl_requires_key_archival(&view->templates[i]) &&
		    ca_view_is_enabled(view, view->templates[i].cn))
			json_array_append_new(list, json_string(view->templates[i].cn));
	return list;
}

/* What the key of list[at] signs. */
static const char *
signs(const struct ca_issuers *i, size_t at, int64_t now)
{
	if (at == 0)
		return "certificates";
	return ca_issuers_signs_crl(i, at, now) ? "CRL" : "nothing";
}

/* The newest first. */
static json_t *
json_certificates(const struct ca *ca)
{
	const struct ca_issuers *all = &ca->info.issuers;
	json_t *list = json_array();
	int64_t now = clock_now();

	for (size_t i = 0; i < all->count; i++) {
		const struct ca_issuer *x = &all->list[i];
		OWNED(own_memory) char *serial = pkix_serial_text(x->cert.serial);
		OWNED(own_memory)
		char *sha1 = hex_encode(view_of(x->cert.sha1, sizeof x->cert.sha1), '\0');
		char since[21], until[21];

		clock_format(x->cert.not_before, since);
		clock_format(x->cert.not_after, until);
		json_array_append_new(
		    list, json_pack("{s:i, s:i, s:s, s:s, s:s, s:s, s:s}", "certificate_index",
			      (int)CA_VERSION_CERTIFICATE(x->version), "key_index",
			      (int)CA_VERSION_KEY(x->version), "serial_number", serial,
			      "certificate_hash", sha1, "not_before", since, "not_after", until,
			      "signs", signs(all, i, now)));
	}
	return list;
}

void
route_ca_status(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(own_memory) char *subject = pkix_name_text(c->ca->issuer->cert.subject);
	OWNED(texts_free) struct texts warnings = {0};
	OWNED(coverage_free) struct coverage keys = {0};
	const struct ca_xchg *xchg = ca_view_xchg(view, clock_now());
	struct store_counts counts = {0};
	int64_t service_end;
	struct ca_space space;
	char until[21], xchg_until[21] = "", service_until[21], kinds[SIGN_KINDS_TEXT_MAX];
	struct err err, why;
	bool stopped;

	if ((!c->by_root && !route_may_view(view, &c->caller, &err)) ||
	    !store_count(c->ca->store, &counts, &err) ||
	    !ca_kra_coverage(c->ca->store, view, &keys, &err) ||
	    !ca_service_until(c->ca, &service_end, &err) || !ca_space(c->ca, &space, &err)) {
		json_fail(c->http, &err);
		return;
	}
	ca_warnings(c->ca, clock_now(), &warnings);
	clock_format(c->ca->issuer->cert.not_after, until);
	clock_format(service_end, service_until);
	sign_kinds_text(c->ca->config->kinds, kinds);
	stopped = !ca_check_chain(view, clock_now(), &why);
	if (xchg != NULL)
		clock_format(xchg->cert.not_after, xchg_until);
	json_answer(c->http, 200,
	    json_pack(
		"{s:s, s:s, s:s?, s:s, s:s, s:b, s:I, s:I, s:i, s:s, s:o, s:o, s:o, s:{s:I, s:I, "
		"s:I, s:I, "
		"s:I, s:I}, s:I, s:s?, s:o, s:I, s:b, s:o, s:o, s:s, s:o, s:s?, s:o, s:o, "
		"s:b, s:s, s:o, s:o, s:o}",
		"name", c->ca->config->ca_name, "version", DIRCA_VERSION, "subject", subject,
		"not_after", until, "exchange_certificate_not_after", xchg_until, "directory_fresh",
		(int)ca_view_is_fresh(view, clock_boot_ms()), "kra_cert_count",
		(json_int_t)view->settings.num[SETTING_KRA_CERT_COUNT], "kra_threshold",
		(json_int_t)view->kra_threshold, "kra_minimum", c->ca->config->kra_minimum,
		"sign_kinds", kinds, "kras", json_kras(&keys, view), "templates",
		json_texts(view->enabled.list, view->enabled.count), "broken_templates",
		json_texts(view->broken_templates.list, view->broken_templates.count), "requests",
		"issued", (json_int_t)counts.issued, "pending", (json_int_t)counts.pending,
		"denied", (json_int_t)counts.denied, "error", (json_int_t)counts.error, "revoked",
		(json_int_t)counts.revoked, "archived_keys", (json_int_t)counts.archived_keys,
		"unpublished", (json_int_t)counts.unpublished, "archival_excluded",
		c->ca->no_archival, "broken_oids",
		json_texts(view->broken_oids.list, view->broken_oids.count), "free_megabytes",
		(json_int_t)space.free_mb, "low_space", (int)space.low, "kra_problems",
		json_texts(view->kra_problems.list, view->kra_problems.count), "warnings",
		json_texts(warnings.list, warnings.count), "service_certificate_not_after",
		service_until, "certificates", json_certificates(c->ca), "issuing_stopped",
		stopped ? why.msg : NULL, "archiving_templates", json_archiving(view),
		"kras_not_enabled", json_texts(view->kras_stored.list, view->kras_stored.count),
		"issues_at_once",
		(int)(view->standalone && settings_issue_at_once(&view->settings)), "ca_type",
		view->standalone ? "standalone" : "enterprise", "kras_not_found",
		json_texts(view->kras_missing.list, view->kras_missing.count), "kras_not_stored",
		json_texts(view->kras_foreign.list, view->kras_foreign.count), "coverage",
		json_coverage(&keys, &view->settings)));
}

void
route_exchange_certificate(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	const struct ca_xchg *xchg = ca_view_xchg(view, clock_now());
	struct err err;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_ENROLL, &err) ||
	    !ca_check_archival(c->ca, &err)) {
		json_fail(c->http, &err);
	} else if (xchg == NULL) {
		err_set(&err, DIRCA_E_XCHG_CERT,
		    "the CA has no valid exchange certificate at the moment; the CA's log says "
		    "why");
		json_fail(c->http, &err);
	} else {
		answer_body(c->http, 200, "application/pkix-cert", buf_view(&xchg->cert.raw));
	}
}

void
route_exchange_post(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	struct err err;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_ADMIN, &err) ||
	    !ca_check_archival(c->ca, &err) ||
	    !ca_new_exchange(c->ca, c->vault, c->caller.downlevel, &err))
		json_fail(c->http, &err);
	else
		json_answer(c->http, 200, json_pack("{s:b}", "made", 1));
}

/* As they are written down; a change is in force with the next view. The number of KRAs is the
 * vault's. */
static bool
list_settings(const struct route_call *c, json_t *to, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	struct settings now;

	if (!route_may_view(view, &c->caller, err) || !settings_load(c->ca->store, &now, err) ||
	    !ca_provider_settings(c->ca, c->vault, &now, err))
		return false;
	now.num[SETTING_KRA_CERT_COUNT] = view->settings.num[SETTING_KRA_CERT_COUNT];
	settings_of_root(c->ca->config, &now);
	for (int s = 0; s < SETTING_COUNT; s++) {
		OWNED(own_memory) char *text = setting_text(&now, (enum setting)s);

		json_object_set_new(to, setting_name((enum setting)s), json_string(text));
	}
	return true;
}

void
route_settings_list(struct route_call *c)
{
	OWNED(json_free) json_t *list = json_object();
	struct err err;

	if (list_settings(c, list, &err))
		json_answer(c->http, 200, own_give(&list));
	else
		json_fail(c->http, &err);
}

/* Where roles are kept apart, what is audited is the auditor's alone (paper, "Understanding Role
 * Separation"). */
static uint32_t
right_to_set(const struct ca_view *view, const char *name)
{
	enum setting s;
	struct err ignored;

	return view->separate_roles && setting_find(name, &s, &ignored) &&
		       setting_owner(s) == SETTING_OF_AUDITOR
		   ? CA_RIGHT_AUDITOR
		   : CA_RIGHT_ADMIN;
}

static bool
put_setting(const struct route_call *c, const char *value, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);

	if (!ca_check_right(view, &c->caller, right_to_set(view, c->part), err))
		return false;
	if (value == NULL)
		return err_set(err, E_INVALIDARG, "the body is not {\"value\": \"...\"}");
	return ca_set_setting(c->ca, c->vault, c->caller.downlevel, c->part, value, err);
}

void
route_setting_put(struct route_call *c)
{
	OWNED(own_memory) char *value = json_body_string(c->http, "value");
	struct err err;

	if (!put_setting(c, value, &err)) {
		json_fail(c->http, &err);
		return;
	}
	log_info("setting changed", LOG_STR("name", c->part), LOG_STR("value", value),
	    LOG_STR("by", c->caller.downlevel));
	json_answer(c->http, 200, json_pack("{s:s}", c->part, value));
}

void
route_crl_post(struct route_call *c)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(c->ca);
	OWNED(own_memory) char *delta = http_call_query(c->http, "delta");
	struct err err;

	if (!ca_check_right(view, &c->caller, CA_RIGHT_ADMIN, &err) ||
	    !ca_publish_crl(c->ca, c->vault, delta != NULL && strcmp(delta, "true") == 0,
		c->caller.downlevel, &err)) {
		json_fail(c->http, &err);
		return;
	}
	ca_publication_retry(c->ca);
	json_answer(c->http, 200, json_pack("{s:b}", "published", 1));
}

/* What a public file is: behind exactly this name what says which, and ".crt" or ".crl". A
 * certificate is called by its index, as a CRL by that of its key. */
struct public_file {
	bool is_crl;
	struct store_crl_id id;
};

static bool
file_behind(const char *name, const char *file, struct public_file *out)
{
	size_t len = strlen(name), whole = strlen(file);
	const char *end = file + (whole < 4 ? 0 : whole - 4);

	if (strncmp(file, name, len) != 0 || end < file + len ||
	    !crl_id_of_suffix(file + len, (size_t)(end - file) - len, &out->id))
		return false;
	out->is_crl = strcmp(end, ".crl") == 0;
	return out->is_crl ||
	       (strcmp(end, ".crt") == 0 && out->id.partition == 0 && !out->id.delta);
}

/* Behind the CA's name, or the form of it by which the directory names the CA. */
static bool
read_file_name(const char *file, const char *ca_name, struct public_file *out)
{
	OWNED(own_memory) char *in_dn = pki_sanitize(ca_name);

	return file_behind(ca_name, file, out) || (in_dn != NULL && file_behind(in_dn, file, out));
}

static const struct ca_issuer *
find_certificate(const struct ca_issuers *i, uint32_t index)
{
	for (size_t at = 0; at < i->count; at++)
		if (CA_VERSION_CERTIFICATE(i->list[at].version) == index)
			return &i->list[at];
	return NULL;
}

static void
release_crl(void *arg)
{
	struct ca_crl *crl = arg;

	ca_crl_release(&crl);
}

/* By the entity tag whoever has one can ask whether it is still the newest. Takes `crl`. */
static void
answer_crl(struct http_call *call, struct ca_crl *crl)
{
	const struct answer_version v = {.sha256 = crl->sha256, .modified = crl->this_update};

	call->shared_release = release_crl;
	call->shared_arg = crl;
	if (answer_version(call, &v, clock_now()))
		return;
	snprintf(call->content_type, sizeof call->content_type, "application/pkix-crl");
	call->shared = crl->der;
}

static void
answer_certificate(struct http_call *call, const struct pkix_cert *c)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];
	const struct answer_version v = {.sha256 = sha256, .modified = c->not_before};

	SHA256(c->raw.ptr, c->raw.len, sha256);
	if (!answer_version(call, &v, clock_now()))
		answer_body(call, 200, "application/pkix-cert", buf_view(&c->raw));
}

/* "(<certificate index>-<certificate index>).crt", of the key that signed it and of its own, as AD
 * CS names them; NULL: it is none. */
static const struct ca_cross *
cross_behind(const struct ca *ca, const char *name, const char *file)
{
	size_t len = strlen(name);

	for (size_t i = 0; strncmp(file, name, len) == 0 && i < ca->crosses.count; i++) {
		const struct ca_cross *x = &ca->crosses.list[i];
		OWNED(own_memory)
		char *suffix = text_printf("(%u-%u).crt", CA_VERSION_CERTIFICATE(x->by->version),
		    CA_VERSION_CERTIFICATE(x->of->version));

		if (strcmp(file + len, suffix) == 0)
			return x;
	}
	return NULL;
}

static const struct ca_cross *
find_cross(const struct ca *ca, const char *file)
{
	OWNED(own_memory) char *in_dn = pki_sanitize(ca->config->ca_name);
	const struct ca_cross *x = cross_behind(ca, ca->config->ca_name, file);

	return x != NULL || in_dn == NULL ? x : cross_behind(ca, in_dn, file);
}

/* /dirca/<CA name>.crl and .crt: where CDP and AIA point. */
void
route_public_file(struct route_call *c)
{
	const struct ca_cross *cross = find_cross(c->ca, c->part);
	const struct ca_issuer *issuer;
	struct public_file file;
	struct ca_crl *crl;
	struct err err;

	c->http->status = 404;
	if (cross != NULL)
		answer_certificate(c->http, &cross->cert);
	if (cross != NULL || !read_file_name(c->part, c->ca->config->ca_name, &file))
		return;
	if (!file.is_crl) {
		issuer = find_certificate(&c->ca->info.issuers, file.id.key_index);
		if (issuer != NULL)
			answer_certificate(c->http, &issuer->cert);
	} else if (!ca_crl_newest(c->ca, &file.id, &crl, &err)) {
		json_fail(c->http, &err);
	} else if (crl != NULL) {
		answer_crl(c->http, crl);
	}
}
