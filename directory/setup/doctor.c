#include "doctor.h"

#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "text.h"
#include "watch.h"

/* ---- the connection ---- */

static bool
cannot_connect(struct exam *x, const struct err *why, struct err *err)
{
	char *fault = doctor_tls_fault(x->config, x->config->uris);

	if (fault != NULL)
		return doctor_note(x, DOCTOR_MISSING, "tls", fault,
		    "give the server a certificate that is in date, names the host of the URI, and "
		    "comes from a CA of the file of trusted CAs (dir_tls_ca, --tls-ca); or write "
		    "the "
		    "URI with the name that the certificate has",
		    err);
	return doctor_note(x, DOCTOR_MISSING, "connection", strdup(why->msg),
	    "start the server, mend URI, account and password, or load the directory tree, as the "
	    "sentence says",
	    err);
}

static bool
check_tls(struct exam *x, struct err *err)
{
	if (dir_conn_is_protected(x->c))
		return doctor_note(x, DOCTOR_GOOD, "tls",
		    strdup("the connection is protected by TLS or does not leave this machine"),
		    NULL, err);
	if (x->config->auth == DIR_AUTH_GSSAPI)
		return doctor_note(x, DOCTOR_GOOD, "tls",
		    strdup("the connection is encrypted by Kerberos"), NULL, err);
	return doctor_note(x, DOCTOR_MISSING, "tls",
	    strdup("there is no TLS: who sits between can change what the directory says"),
	    "use ldaps://, or StartTLS (dir_starttls, -Z)", err);
}

/* ---- watching ---- */

static bool
check_watching(struct exam *x, struct err *err)
{
	struct dir_watch *w;
	struct err why;
	bool ok;

	if (!dir_watch_open(x->config, PKI_SERVICES_RDNS, 1, &w, &why))
		return doctor_note(x, DOCTOR_MISSING, "watching", strdup(why.msg),
		    "give this account the right to read CN=Public Key Services and everything "
		    "below",
		    err);
	x->report->watching = dir_watching_name(dir_watch_how(w));
	if (dir_watch_how(w) != DIR_WATCHING_POLLING)
		ok = doctor_note(x, DOCTOR_GOOD, "watching",
		    text_printf("the server tells of changes: %s", x->report->watching), NULL, err);
	else
		ok = doctor_note(x, DOCTOR_MISSING, "watching",
		    text_printf(
			"the server does not tell of changes%s%s; they are looked for every "
			"refresh_s",
			dir_watch_why(w) != NULL ? ": " : "",
			dir_watch_why(w) != NULL ? dir_watch_why(w) : ""),
		    "OpenLDAP: load the module syncprov, and put the overlay syncprov on the "
		    "database that holds CN=Configuration (ldif/slapd/config.ldif.in)",
		    err);
	dir_watch_close(&w);
	return ok;
}

/* ---- all ---- */

static bool
describe(struct exam *x, struct err *err)
{
	const struct dir_root *root = dir_conn_root(x->c);
	struct doctor_report *r = x->report;

	r->connected = true;
	r->is_ad = root->is_ad;
	r->has_sd_flags = root->has_sd_flags;
	r->has_paging = root->has_paging;
	r->has_sync = root->has_sync;
	r->has_notification = root->has_notification;
	r->has_dirsync = root->has_dirsync;
	r->groups = dir_groups_name(root->groups);
	r->descriptors = dir_descriptors_name(root->descriptors);
	if ((r->vendor = strdup(root->vendor)) == NULL ||
	    (r->sasl_mechs = strdup(root->sasl_mechs)) == NULL ||
	    (r->config_nc = strdup(root->config_nc)) == NULL ||
	    (r->default_nc = strdup(root->default_nc)) == NULL)
		return err_nomem(err);
	return true;
}

static bool
check_tree(struct exam *x, struct err *err)
{
	struct err why;

	if (pki_snapshot_load(x->c, &x->pki, &why))
		return doctor_note(x, DOCTOR_GOOD, "tree",
		    text_printf("%s can be read", x->pki->services_dn), NULL, err);
	return doctor_note(x, DOCTOR_MISSING, "tree", strdup(why.msg),
	    "run `dirca directory init`, or give this account the right to read the tree", err);
}

/* In their order; `in_tree`: without the tree there is nothing to examine. */
static const struct {
	bool (*run)(struct exam *x, struct err *err);
	bool in_tree;
} checks[] = {
    {describe, false},
    {check_tls, false},
    {doctor_schema, false},
    {check_tree, false},
    {check_watching, true},
    {doctor_containers, true},
    {doctor_templates, true},
    {doctor_services, true},
    {doctor_groups, false},
    {doctor_rights, false},
};

/* What goes wrong on the way is a finding too. */
static bool
examine(struct exam *x, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		if ((checks[i].in_tree && x->pki == NULL) || checks[i].run(x, &why))
			continue;
		if (why.code == E_OUTOFMEMORY)
			return err_nomem(err);
		return doctor_note(x, DOCTOR_MISSING, "connection", strdup(why.msg),
		    "the examination ended here; mend this and run it again", err);
	}
	return true;
}

bool
doctor_examine(
    const struct dir_config *config, const char *uri, struct doctor_report *out, struct err *err)
{
	struct dir_config one = *config;
	struct exam x = {.config = &one, .report = out};
	struct err why;
	bool ok;

	*out = (struct doctor_report){.uri = strdup(uri)};
	if (out->uri == NULL)
		return err_nomem(err);
	one.uris = uri;
	one.preferred = NULL;
	ok = dir_connect(&one, &x.c, &why) ? examine(&x, err) : cannot_connect(&x, &why, err);
	pki_snapshot_unref(&x.pki);
	dir_disconnect(&x.c);
	if (!ok)
		doctor_report_free(out);
	return ok;
}

void
doctor_report_free(struct doctor_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->findings[i].text);
		free(r->findings[i].cure);
	}
	free(r->findings);
	free(r->uri);
	free(r->vendor);
	free(r->sasl_mechs);
	free(r->config_nc);
	free(r->default_nc);
	*r = (struct doctor_report){0};
}
