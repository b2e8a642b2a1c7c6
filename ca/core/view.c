#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kept_extensions.h"
#include "log.h"
#include "match.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "rights_audit.h"
#include "text.h"

/* A template that does not decode is left out and named; the others stay usable. */
static void
read_templates(struct ca_view *v)
{
	size_t count = v->pki->templates.count;
	struct err why, ignored;

	v->templates = mem_zero(count, sizeof *v->templates);
	for (size_t i = 0; i < count; i++) {
		const struct dir_entry *e = &v->pki->templates.list[i];
		OWNED(own_memory) char *cn = NULL;

		if (tmpl_decode(e, &v->templates[v->template_count], &why)) {
			v->template_count++;
			continue;
		}
		(void)dir_entry_text(e, "cn", &cn, &ignored);
		texts_take(
		    &v->broken_templates, text_printf("%s: %s", cn != NULL ? cn : e->dn, why.msg));
	}
}

static bool
read_enabled(struct ca_view *v, const struct dir_entry *service, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(service, "certificateTemplates");

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		char *cn;

		if (!text_from_view(buf_view(&a->values[i]), &cn, err))
			return err_prefix(err, "%s: certificateTemplates", service->dn);
		texts_take(&v->enabled, cn);
	}
	return true;
}

/* A descriptor that cannot be read must not mean "as if there were none": what replaces it allows
 * nobody anything. The class says that there should be one, so that an access list of the directory
 * that hides it from the CA gives nobody more. */
static void
read_security(struct ca_view *v, const struct dir_entry *service)
{
	struct view *raw = &v->raw_rights[0];
	struct err why;
	enum dir_get got = dir_entry_bytes(service, "dircaCASecurity", raw, &why);

	if (got == DIR_GET_ABSENT) {
		if (!dir_entry_has_value_nocase(service, "objectClass", "dircaAuthority"))
			return;
		err_set(&why, E_ACCESSDENIED,
		    "it is absent or hidden from the CA's account; let that account read it, or "
		    "set it with 'dirca ca rights grant'");
	}
	v->has_security = true;
	if (got == DIR_GET_OK && sd_decode(*raw, &v->security, &why))
		return;
	sd_free(&v->security);
	v->security = (struct sd){.has_dacl = true};
	err_prefix(&why, "%s: dircaCASecurity", service->dn);
	v->security_problem = mem_text(why.msg);
}

/* That nobody is restricted stands in the attribute; its absence tells nothing (officer.h). */
static void
read_officer_rules(struct ca_view *v, const struct dir_entry *service)
{
	struct view *raw = &v->raw_rights[1];
	OWNED(sd_free) struct sd sd = {0};
	struct err why;
	enum dir_get got = dir_entry_bytes(service, "dircaOfficerRights", raw, &why);

	if (got == DIR_GET_ABSENT)
		err_set(&why, E_ACCESSDENIED,
		    "it is absent or hidden from the CA's account; let that account read it, or "
		    "say with 'dirca officer restrict --off' that there are no restrictions");
	if (got != DIR_GET_OK || !sd_decode(*raw, &sd, &why) ||
	    !officer_rules_decode(&sd, &v->officer_rules, &why)) {
		v->officer_rules = (struct officer_rules){0};
		err_prefix(&why, "%s: dircaOfficerRights", service->dn);
		v->officer_problem = mem_text(why.msg);
	}
}

static bool
read_service(struct ca *ca, struct ca_view *v, struct err *err)
{
	const struct dir_entry *service = pki_snapshot_service(v->pki, ca->config->ca_name);

	if (service == NULL)
		return true; /* not published yet: no template is enabled, nobody manages */
	read_security(v, service);
	read_officer_rules(v, service);
	return read_enabled(v, service, err);
}

/* The CA's own names count before it is published, too. */
static bool
read_service_hosts(const struct config *config, struct ca_view *v, struct err *err)
{
	struct texts *hosts = &v->service_hosts;
	char *host;

	if (!pki_service_hosts(v->pki, &hosts->list, &hosts->count, err))
		return false;
	texts_add(hosts, config->host);
	if ((host = text_url_host(view_str(config->url != NULL ? config->url : ""))) != NULL)
		texts_take(hosts, host);
	return true;
}

static bool
read_xchg(const struct store_request *row, struct ca_xchg *x, struct err *err)
{
	OWNED(buf_free) struct buf id = {0};

	if (!pkix_cert_decode(buf_view(&row->raw_certificate), &x->cert, err) ||
	    !pkix_cert_ski(&x->cert, &id, err))
		return false;
	if (id.len != sizeof x->id)
		return err_set(err, DIRCA_E_DATABASE,
		    "exchange certificate of request %lld has a key identifier of %zu bytes",
		    (long long)row->request_id, id.len);
	memcpy(x->id, id.ptr, sizeof x->id);
	return true;
}

static bool
read_xchgs(struct ca *ca, struct ca_view *v, struct err *err)
{
	OWNED(store_requests_free) struct store_requests rows = {0};

	if (!store_exchange_certificates(ca->store, v->made_at, &rows, err))
		return false;
	v->xchgs = mem_zero(rows.count, sizeof *v->xchgs);
	for (size_t i = 0; i < rows.count; i++) {
		v->xchg_count++;
		if (!read_xchg(&rows.list[i], &v->xchgs[i], err))
			return false;
	}
	return true;
}

static void
view_free(struct ca_view *v)
{
	pki_snapshot_free(&v->pki);
	for (size_t i = 0; i < v->template_count; i++)
		tmpl_free(&v->templates[i]);
	free(v->templates);
	texts_free(&v->broken_templates);
	enterprise_oids_free(&v->oids);
	texts_free(&v->broken_oids);
	texts_free(&v->enabled);
	texts_free(&v->service_hosts);
	buf_free(&v->own_rights);
	officer_rules_free(&v->officer_rules);
	sd_free(&v->security);
	free(v->officer_problem);
	free(v->security_problem);
	free(v->chain_problem);
	for (size_t i = 0; i < v->kra_count; i++) {
		pkix_cert_free(&v->kras[i].cert);
		free(v->kras[i].reason);
	}
	free(v->kras);
	trust_issuers_free(&v->kra_issuers);
	free(v->agents);
	texts_free(&v->kras_stored);
	texts_free(&v->kras_missing);
	texts_free(&v->kras_foreign);
	coverage_free(&v->coverage);
	texts_free(&v->kra_problems);
	for (size_t i = 0; i < v->xchg_count; i++)
		pkix_cert_free(&v->xchgs[i].cert);
	free(v->xchgs);
	kept_extensions_free(&v->extensions);
	free(v);
}

static bool
read_settings(struct ca *ca, struct ca_view *v, struct err *err)
{
	if (!settings_load(ca->store, &v->settings, err))
		return false;
	settings_of_root(ca->config, &v->settings);
	return true;
}

/* What is read from elsewhere than the directory, or decoded from what was. */
static bool
fill_view(struct ca *ca, struct vault *vault, struct ca_view *v, struct err *err)
{
	v->separate_roles = ca->config->role_separation;
	v->standalone = ca->config->standalone;
	v->extensions = kept_extensions_new();
	read_templates(v);
	return enterprise_oids_load(&v->pki->oids, &v->oids, &v->broken_oids, err) &&
	       read_service(ca, v, err) && read_service_hosts(ca->config, v, err) &&
	       read_settings(ca, v, err) && view_read_kras(ca, vault, v, err) &&
	       view_read_chain(ca, v, err) && read_xchgs(ca, v, err);
}

/* What events are kept by, for whom no view is at hand. */
static void
note_settings(struct ca *ca, const struct ca_view *v)
{
	ca->state->log_level = v->settings.num[SETTING_LOG_LEVEL];
	ca->state->events_kept = v->settings.num[SETTING_EVENTS_KEPT];
}

bool
view_begin(struct ca *ca, struct vault *vault, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *v = mem_zero(1, sizeof *v);

	v->refs = 1;
	v->pki = pki_snapshot_none();
	v->made_at = clock_now();
	v->read_ms = -CA_VIEW_MAX_AGE_S * 1000 - 1;
	if (!fill_view(ca, vault, v, err))
		return false;
	note_settings(ca, v);
	/* Later it follows ca_set_setting alone: a view may be older than a change. */
	store_set_audit_filter(ca->store, v->settings.num[SETTING_AUDIT_FILTER]);
	ca->state->view = own_give(&v);
	return true;
}

/* A whole new view from its source, settings and vault, with one reference. */
static bool
view_build(struct ca *ca, struct vault *vault, struct ca_view **out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *v = mem_zero(1, sizeof *v);

	*out = NULL;
	v->refs = 1;
	/* Before the source is read: never younger than what it holds. */
	v->made_at = clock_now();
	v->read_ms = clock_boot_ms();
	if (!ca->source->read(ca, v, err) || !fill_view(ca, vault, v, err))
		return false;
	*out = own_give(&v);
	return true;
}

struct ca_view *
ca_view_get(struct ca *ca)
{
	struct ca_view *v;

	pthread_mutex_lock(&ca->state->lock);
	v = ca->state->view;
	if (v != NULL)
		__atomic_add_fetch(&v->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&ca->state->lock);
	return v;
}

void
ca_view_release(struct ca_view **v)
{
	if (*v != NULL && __atomic_sub_fetch(&(*v)->refs, 1, __ATOMIC_ACQ_REL) == 0)
		view_free(*v);
	*v = NULL;
}

bool
ca_refresh(struct ca *ca, struct vault *v, struct err *err)
{
	struct ca_view *fresh = NULL, *old = NULL;
	bool ok;

	/* A change of rights that cannot be recorded does not come into force. */
	pthread_mutex_lock(&ca->state->refresh_lock);
	ok = view_build(ca, v, &fresh, err) && audit_rights(ca, fresh, err);
	if (ok) {
		pthread_mutex_lock(&ca->state->lock);
		old = ca->state->view;
		ca->state->view = fresh;
		pthread_mutex_unlock(&ca->state->lock);
	}
	if (ok) {
		note_settings(ca, fresh);
		kra_events(ca, old, fresh);
		chain_events(ca, old, fresh);
	}
	pthread_mutex_unlock(&ca->state->refresh_lock);
	ca_view_release(ok ? &old : &fresh);
	return ok;
}

bool
ca_view_is_fresh(const struct ca_view *v, int64_t boot_ms)
{
	return boot_ms - v->read_ms <= CA_VIEW_MAX_AGE_S * 1000;
}

const struct ca_xchg *
ca_view_xchg(const struct ca_view *v, int64_t now)
{
	for (size_t i = 0; i < v->xchg_count; i++) {
		const struct pkix_cert *c = &v->xchgs[i].cert;

		if (c->not_before <= now && c->not_after > now)
			return &v->xchgs[i];
	}
	return NULL;
}

/* Two templates of one name or one OID would let the second stand in for the first: then neither is
 * found. */
const struct tmpl *
ca_view_template(const struct ca_view *v, const char *cn)
{
	const struct tmpl *found = NULL;

	for (size_t i = 0; i < v->template_count; i++)
		if (match_eq(v->templates[i].cn, cn)) {
			if (found != NULL)
				return NULL;
			found = &v->templates[i];
		}
	return found;
}

const struct tmpl *
ca_view_template_called(const struct ca_view *v, const char *name)
{
	const struct tmpl *t = ca_view_template(v, name);

	return t != NULL ? t : ca_view_template_by_oid(v, name);
}

const struct tmpl *
ca_view_template_by_oid(const struct ca_view *v, const char *oid)
{
	const struct tmpl *found = NULL;

	for (size_t i = 0; i < v->template_count; i++)
		if (v->templates[i].oid != NULL && strcmp(v->templates[i].oid, oid) == 0) {
			if (found != NULL)
				return NULL;
			found = &v->templates[i];
		}
	return found;
}

bool
ca_view_is_enabled(const struct ca_view *v, const char *cn)
{
	for (size_t i = 0; i < v->enabled.count; i++)
		if (text_eq_nocase(v->enabled.list[i], cn))
			return true;
	return false;
}
