/* dirca template list, dirca templates: an overview, one template a line. */
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "mem.h"
#include "own_json.h"
#include "template_common.h"
#include "text.h"
#include "tmpl.h"
#include "tmpl_rights.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

/* Names of SIDs that were asked for already: the same few groups stand in most templates. */
struct names {
	struct known {
		struct sid sid;
		char *name;
	} * list;
	size_t count;
};

static void
names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i].name);
	free(n->list);
}

static const char *
name_of(struct names *n, struct dir_conn *c, const struct sid *sid)
{
	for (size_t i = 0; i < n->count; i++)
		if (sid_eq(&n->list[i].sid, sid))
			return n->list[i].name;
	n->list = mem_grow(n->list, n->count, sizeof *n->list);
	n->list[n->count] = (struct known){*sid, trustee_name(c, sid)};
	return n->list[n->count++].name;
}

static json_t *
enabled_at(const struct session *s, const char *cn)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->service_count; i++)
		if (template_is_enabled_at(&s->services[i], cn))
			json_array_append_new(list, json_string(s->services[i].name));
	return list;
}

static json_t *
enrollers(const struct session *s, const struct tmpl *t, struct names *names)
{
	json_t *list = json_array();
	OWNED(sids_free) struct sids sids = {0};
	struct err ignored;

	if (t->has_sd && tmpl_enrollers(&t->sd, &sids, &ignored))
		for (size_t i = 0; i < sids.count; i++)
			json_array_append_new(
			    list, json_string(name_of(names, s->directory, &sids.list[i])));
	return list;
}

static const struct table_column columns[] = {
    {"name", TABLE_KEPT, false, NULL},
    {"display_name", TABLE_TEXT, false, NULL},
    {"oid", TABLE_KEPT, false, NULL},
    {"schema_version", TABLE_NUMBER, false, NULL},
    {"major_version", TABLE_NUMBER, false, NULL},
    {"minor_version", TABLE_NUMBER, false, NULL},
    {"archival", TABLE_TEXT, false, NULL},
    {"pends", TABLE_TEXT, false, NULL},
    {"minimal_key_size", TABLE_NUMBER, false, NULL},
    {"validity_seconds", TABLE_NUMBER, false, NULL},
    {"enabled_at", TABLE_TEXT, false, NULL},
    {"enroll", TABLE_TEXT, false, NULL},
};
static const struct table table = {
    columns, COUNT_OF(columns), "name,schema_version,archival,pends,enabled_at,enroll", NULL};

static json_t *
json_row(const struct session *s, const struct tmpl *t, struct names *names)
{
	return json_pack("{s:s, s:s?, s:s?, s:i, s:i, s:i, s:b, s:b, s:i, s:I, s:o, s:o}", "name",
	    t->cn, "display_name", t->display_name, "oid", t->oid, "schema_version",
	    t->schema_version, "major_version", (int)t->major, "minor_version", (int)t->minor,
	    "archival", (int)tmpl_requires_key_archival(t), "pends", (int)tmpl_pends(t),
	    "minimal_key_size", (int)t->min_key_size, "validity_seconds", (json_int_t)t->validity,
	    "enabled_at", enabled_at(s, t->cn), "enroll", enrollers(s, t, names));
}

/* Whose rights decide what is listed: on a domain controller nobody's, it hides what the caller may
 * not read. Elsewhere the caller's, if the directory knows the caller as an account; what others
 * see is the server's own to decide. */
static bool
find_reader(const struct session *s, struct principal *out, bool *known_out, struct err *err)
{
	enum dir_find found = DIR_NOT_FOUND;
	OWNED(own_memory) char *dn = NULL;

	*out = (struct principal){0};
	if (!dir_conn_root(s->directory)->is_ad && !dir_whoami(s->directory, &dn, err))
		return false;
	if (dn != NULL)
		found = principal_get(s->directory, dn, out, err);
	*known_out = found == DIR_FOUND;
	return found != DIR_FIND_FAILED;
}

/* Templates, or that one alone, which `reader` may read (NULL: whoever it is); one that cannot be
 * decoded is told on stderr. */
static json_t *
collect(const struct session *s, const struct dir_entry *only, const struct principal *reader)
{
	OWNED(names_free) struct names names = {0};
	json_t *list = json_array();

	for (size_t i = 0; i < s->pki->templates.count; i++) {
		const struct dir_entry *e = &s->pki->templates.list[i];
		OWNED(tmpl_free) struct tmpl t = {0};
		struct err err;

		if (only != NULL && e != only)
			continue;
		if (!tmpl_decode(e, &t, &err))
			fprintf(stderr, "dirca %s: %s\n", s->cli->verb->name, err.msg);
		else if (reader == NULL ||
			 tmpl_check_read(&t, &reader->sids, reader->downlevel, &err))
			json_array_append_new(list, json_row(s, &t, &names));
	}
	return list;
}

bool
cmd_template_list(struct work *w, struct err *err)
{
	const char *name = w->cli->count > 0 ? w->cli->args[0] : NULL;
	const struct dir_entry *only = NULL;
	OWNED(principal_free) struct principal reader = {0};
	OWNED(own_json) json_t *list = NULL;
	bool known = false;

	if ((name != NULL && !template_find(&w->session, name, &only, err)) ||
	    !find_reader(&w->session, &reader, &known, err))
		return false;
	list = collect(&w->session, only, known ? &reader : NULL);
	if (name != NULL && json_array_size(list) == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "the directory has no template %s", name);
	return listing_print(&table, list, &w->cli->opt, err);
}
