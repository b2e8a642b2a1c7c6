#include "doctor.h"

#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "mem.h"
#include "own.h"
#include "text.h"
#include "watch.h"

/* ---- the connection ---- */

static bool
cannot_connect(struct exam *x, const struct err *why)
{
	char *fault = doctor_tls_fault(x->config, x->config->uris);

	if (fault != NULL)
		return doctor_note(x, DOCTOR_MISSING, "tls", fault,
		    "give the server a certificate that is in date, names the host of the URI, and "
		    "comes from a CA of the file of trusted CAs (dir_tls_ca, --tls-ca); or write "
		    "the "
		    "URI with the name that the certificate has");
	return doctor_note(x, DOCTOR_MISSING, "connection", mem_text(why->msg),
	    "start the server, mend URI, account and password, or load the directory tree, as the "
	    "sentence says");
}

static bool
check_tls(struct exam *x, struct err *err)
{
	(void)err;
	if (dir_conn_is_protected(x->c))
		return doctor_note(x, DOCTOR_GOOD, "tls",
		    mem_text("the connection is protected by TLS or does not leave this machine"),
		    NULL);
	if (x->config->auth == DIR_AUTH_GSSAPI)
		return doctor_note(x, DOCTOR_GOOD, "tls",
		    mem_text("the connection is encrypted by Kerberos"), NULL);
	return doctor_note(x, DOCTOR_MISSING, "tls",
	    mem_text("there is no TLS: who sits between can change what the directory says"),
	    "use ldaps://, or StartTLS (dir_starttls, -Z)");
}

/* ---- watching ---- */

static bool
check_watching(struct exam *x, struct err *err)
{
	OWNED(dir_watch_close) struct dir_watch *w = NULL;
	OWNED(own_memory) char *cure = doctor_rights_cure(x);
	struct err why;

	(void)err;
	if (!dir_watch_open(x->config, PKI_SERVICES_RDNS, 1, &w, &why))
		return doctor_note(x, DOCTOR_MISSING, "watching", mem_text(why.msg), cure);
	x->report->watching = dir_watching_name(dir_watch_how(w));
	if (dir_watch_how(w) != DIR_WATCHING_POLLING)
		return doctor_note(x, DOCTOR_GOOD, "watching",
		    text_printf("the server tells of changes: %s", x->report->watching), NULL);
	return doctor_note(x, DOCTOR_MISSING, "watching",
	    text_printf("the server does not tell of changes%s%s; they are looked for every "
			"refresh_s",
		dir_watch_why(w) != NULL ? ": " : "",
		dir_watch_why(w) != NULL ? dir_watch_why(w) : ""),
	    dir_conn_root(x->c)->is_389
		? "switch on the plug-ins Retro Changelog and Content Synchronization, best USN "
		  "too (dsconf INSTANCE plugin retro-changelog enable), and start the server anew"
		: "OpenLDAP: load the module syncprov, and put the overlay syncprov on the "
		  "database that holds CN=Configuration: `dirca directory service-account` does "
		  "it");
}

/* ---- all ---- */

static bool
describe(struct exam *x, struct err *err)
{
	const struct dir_root *root = dir_conn_root(x->c);
	struct doctor_report *r = x->report;

	(void)err;
	r->connected = true;
	r->is_ad = root->is_ad;
	r->has_sd_flags = root->has_sd_flags;
	r->has_paging = root->has_paging;
	r->has_sync = root->has_sync;
	r->has_notification = root->has_notification;
	r->has_dirsync = root->has_dirsync;
	r->groups = dir_groups_name(root->groups);
	r->descriptors = dir_descriptors_name(root->descriptors);
	r->vendor = mem_text(root->vendor);
	r->sasl_mechs = mem_text(root->sasl_mechs);
	r->config_nc = mem_text(root->config_nc);
	r->default_nc = mem_text(root->default_nc);
	return true;
}

static bool
check_tree(struct exam *x, struct err *err)
{
	OWNED(own_memory) char *rights = NULL, *cure = NULL;
	struct err why;

	(void)err;
	if (pki_snapshot_load(x->c, &x->pki, &why))
		return doctor_note(x, DOCTOR_GOOD, "tree",
		    text_printf("%s can be read", x->pki->services_dn), NULL);
	rights = doctor_rights_cure(x);
	cure = text_printf("run `dirca directory init`; if the tree is there, %s", rights);
	return doctor_note(x, DOCTOR_MISSING, "tree", mem_text(why.msg), cure);
}

/* Where the searches of the other checks were referred to. */
static bool
check_references(struct exam *x, struct err *err)
{
	const char *to = dir_conn_references(x->c);

	(void)err;
	return to == NULL ||
	       doctor_note(x, DOCTOR_NOTE, "references",
		   text_printf("for what it does not hold itself the server refers to %s, which is "
			       "not followed: accounts there are none of this CA's",
		       to),
		   NULL);
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
    {doctor_people, false},
    {doctor_rights, false},
    {check_references, false},
};

/* What goes wrong on the way is a finding too. */
static void
examine(struct exam *x)
{
	struct err why;

	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if ((checks[i].in_tree && x->pki == NULL) || checks[i].run(x, &why))
			continue;
		(void)doctor_note(x, DOCTOR_MISSING, "connection", mem_text(why.msg),
		    "the examination ended here; mend this and run it again");
		return;
	}
}

void
doctor_examine(
    const struct dir_config *config, const char *uri, bool tries, struct doctor_report *out)
{
	struct dir_config one = *config;
	struct exam x = {.config = &one, .report = out, .tries = tries};
	struct err why;

	*out = (struct doctor_report){.uri = mem_text(uri)};
	one.uris = uri;
	one.preferred = NULL;
	if (dir_connect(&one, &x.c, &why))
		examine(&x);
	else
		(void)cannot_connect(&x, &why);
	pki_snapshot_free(&x.pki);
	dir_disconnect(&x.c);
}

const char *
doctor_verdict_name(enum doctor_verdict v)
{
	switch (v) {
	case DOCTOR_GOOD:
		return "good";
	case DOCTOR_NOTE:
		return "note";
	case DOCTOR_MISSING:
		break;
	}
	return "missing";
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
