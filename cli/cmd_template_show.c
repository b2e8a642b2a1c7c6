/* dirca template show: all fields of one template by name, and its rights. */
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "template_common.h"
#include "text.h"
#include "tmpl_edit.h"
#include "tmpl_rights.h"
#include "trustee.h"
#include "verbs.h"
#include "work.h"

static json_t *
fields_of(const struct dir_entry *e)
{
	json_t *fields = json_object();
	struct err err;

	for (size_t i = 0; i < tmpl_field_count; i++) {
		OWNED(own_memory) char *value = tmpl_field_get(&tmpl_fields[i], e, &err);

		if (value == NULL)
			fprintf(stderr, "dirca template show: %s\n", err.msg);
		else
			json_object_set_new(fields, tmpl_fields[i].name, json_string(value));
	}
	return fields;
}

/* The flag words, in numbers and by name: a bit without a field shows too. */
static json_t *
flags_of(const struct tmpl *t)
{
	json_t *flags = json_object();

	for (int w = 0; w < TMPL_WORDS; w++) {
		enum tmpl_word word = (enum tmpl_word)w;
		uint32_t value = tmpl_word_value(t, word);
		OWNED(own_memory) char *names = tmpl_flag_names(word, value);
		char hex[11];

		snprintf(hex, sizeof hex, "0x%08x", (unsigned)value);
		json_object_set_new(flags, tmpl_word_attribute(word),
		    json_pack("{s:s, s:s?}", "value", hex, "names", names));
	}
	return flags;
}

static char *
ace_words(const struct ace *ace)
{
	char *words = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&words, &len);

	if (f == NULL)
		mem_exhausted();
	tmpl_ace_words(ace, f);
	if (fclose(f) != 0)
		mem_exhausted();
	return words;
}

static json_t *
json_ace(struct dir_conn *c, const struct ace *ace)
{
	const char *kind = tmpl_ace_kind(ace);
	OWNED(own_memory) char *words = ace_words(ace);
	OWNED(own_memory) char *name = ace->sid.count > 0 ? trustee_name(c, &ace->sid) : NULL;
	char sid[SID_TEXT_MAX] = "?";

	if (ace->sid.count > 0)
		sid_to_text(&ace->sid, sid);
	return json_pack("{s:s, s:s, s:s?, s:s, s:b, s:b}", "type", kind != NULL ? kind : "other",
	    "sid", sid, "trustee", name, "rights", words, "inherited",
	    (int)((ace->flags & ACE_FLAG_INHERITED) != 0), "inherit_only",
	    (int)((ace->flags & ACE_FLAG_INHERIT_ONLY) != 0));
}

/* Rights and SDDL; null where this account does not see them. */
static void
add_rights(json_t *out, struct dir_conn *c, const struct tmpl *t)
{
	json_t *rights;

	if (!t->has_sd) {
		json_object_set_new(out, "rights", json_null());
		return;
	}
	OWNED(own_memory) char *sddl = sd_to_sddl(&t->sd);

	rights = json_array();
	for (size_t i = 0; i < t->sd.count; i++)
		json_array_append_new(rights, json_ace(c, &t->sd.aces[i]));
	json_object_set_new(out, "rights", rights);
	json_object_set_new(out, "sddl", json_string(sddl));
}

/* Names of CAs that issue it, and of templates that supersede it. */
static void
add_uses(json_t *out, const struct session *s, const struct tmpl *t)
{
	json_t *enabled = json_array(), *superseded = json_array();

	for (size_t i = 0; i < s->service_count; i++)
		if (template_is_enabled_at(&s->services[i], t->cn))
			json_array_append_new(enabled, json_string(s->services[i].name));
	for (size_t i = 0; i < s->pki->templates.count; i++) {
		const struct dir_entry *e = &s->pki->templates.list[i];
		OWNED(own_memory) char *cn = NULL;
		struct err ignored;

		if (dir_entry_has_value_nocase(e, "msPKI-Supersede-Templates", t->cn) &&
		    dir_entry_text(e, "cn", &cn, &ignored) == DIR_GET_OK)
			json_array_append_new(superseded, json_string(cn));
	}
	json_object_set_new(out, "enabled_at", enabled);
	json_object_set_new(out, "superseded_by", superseded);
}

static json_t *
json_template(const struct session *s, const struct dir_entry *e, const struct tmpl *t)
{
	OWNED(own_memory) char *revision = template_revision(e);
	json_t *out = json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:o}", "name", t->cn, "dn", t->dn,
	    "oid", t->oid, "revision", revision, "fields", fields_of(e), "flags", flags_of(t));

	add_uses(out, s, t);
	add_rights(out, s->directory, t);
	return out;
}

static void
print_list(const char *head, const json_t *list)
{
	size_t i;
	json_t *one;

	printf("%s", head);
	json_array_foreach(list, i, one) printf("%s%s", i > 0 ? ", " : " ", json_string_value(one));
	puts(json_array_size(list) == 0 ? " -" : "");
}

static void
print_rights(const json_t *t)
{
	const json_t *rights = json_object_get(t, "rights");
	size_t i;
	json_t *one;

	if (!json_is_array(rights)) {
		puts("Rights: not readable by this account, or none are set");
		return;
	}
	puts("Rights:");
	json_array_foreach(rights, i, one) printf("  %-5s %s: %s%s%s\n", json_text(one, "type"),
	    json_text(one, "trustee"), json_text(one, "rights"),
	    json_is_true(json_object_get(one, "inherited")) ? " (inherited)" : "",
	    json_is_true(json_object_get(one, "inherit_only")) ? " (not for the template)" : "");
	printf("SDDL: %s\n", json_text(t, "sddl"));
}

static void
print_template(const json_t *t)
{
	const json_t *fields = json_object_get(t, "fields");
	json_t *flags = json_object_get(t, "flags");

	printf("Template %s\nDN: %s\nObject identifier: %s\nRevision: %s\n", json_text(t, "name"),
	    json_text(t, "dn"), json_text(t, "oid"), json_text(t, "revision"));
	print_list("Enabled at:", json_object_get(t, "enabled_at"));
	print_list("Superseded by:", json_object_get(t, "superseded_by"));
	puts("Fields:");
	for (size_t i = 0; i < tmpl_field_count; i++)
		printf("  %s=%s\n", tmpl_fields[i].name, json_text(fields, tmpl_fields[i].name));
	puts("Flags:");
	for (void *at = json_object_iter(flags); at != NULL; at = json_object_iter_next(flags, at))
		printf("  %s: %s %s\n", json_object_iter_key(at),
		    json_text(json_object_iter_value(at), "value"),
		    json_text(json_object_iter_value(at), "names"));
	print_rights(t);
}

bool
cmd_template_show(struct work *w, struct err *err)
{
	OWNED(tmpl_free) struct tmpl t = {0};
	OWNED(own_json) json_t *about = NULL;
	const struct dir_entry *e;

	if (!template_find(&w->session, w->cli->args[0], &e, err) || !tmpl_decode(e, &t, err))
		return false;
	about = json_template(&w->session, e, &t);
	if (w->cli->opt.json)
		print_json(own_give(&about));
	else
		print_template(about);
	return true;
}
