/* dirca dump: what a file says, as text or JSON. No key is needed, and nothing secret is shown. */
#include <stdlib.h>
#include <string.h>

#include "dump_listing.h"
#include "dump_types.h"
#include "dump_value.h"
#include "file.h"
#include "mem.h"
#include "own.h"
#include "pem.h"
#include "pki_templates.h"
#include "print.h"
#include "text.h"
#include "tmpl.h"
#include "verbs.h"
#include "work.h"

#define FILE_MAX (1024 * 1024)

/* ---- a template, from the directory ---- */

static void
print_list(const char *name, const struct texts *list)
{
	printf("  %s:", name);
	for (size_t i = 0; i < list->count; i++)
		printf(" %s", list->list[i]);
	puts(list->count > 0 ? "" : " -");
}

static void
print_template(const struct tmpl *t)
{
	OWNED(own_memory) char *sddl = t->has_sd ? sd_to_sddl(&t->sd) : NULL;

	printf("Template %s (%s)\n  DN: %s\n  Schema version: %d, version %d.%d, OID %s\n", t->cn,
	    t->display_name != NULL ? t->display_name : "-", t->dn, t->schema_version,
	    (int)t->major, (int)t->minor, t->oid != NULL ? t->oid : "-");
	printf("  flags: 0x%08x\n  msPKI-Enrollment-Flag: 0x%08x\n  msPKI-Certificate-Name-Flag: "
	       "0x%08x\n  msPKI-Private-Key-Flag: 0x%08x\n",
	    t->flags, t->enrollment_flag, t->name_flag, t->private_key_flag);
	printf("  Key archival: %s\n  Certificate manager approval: %s\n  Minimal key size: %d\n  "
	       "Validity: %lld days, renewal %lld days\n",
	    tmpl_requires_key_archival(t) ? "required" : "no", tmpl_pends(t) ? "required" : "no",
	    (int)t->min_key_size, (long long)(t->validity / 86400),
	    (long long)(t->overlap / 86400));
	printf("  Key usage: %02x%02x\n  RA signatures: %d\n", t->key_usage[0], t->key_usage[1],
	    (int)t->ra_signatures);
	print_list("Extended key usage", &t->eku);
	print_list("Application policies", &t->application_policies);
	print_list("Critical extensions", &t->critical);
	print_list("Supersedes", &t->supersedes);
	printf("  Security: %s\n", sddl != NULL ? sddl : "none readable (nobody may enroll)");
}

static bool
dump_template(struct work *w, struct err *err)
{
	const char *name = w->cli->args[0];
	OWNED(tmpl_free) struct tmpl t = {0};
	const struct dir_entry *e;

	if (!work_open(w, NEEDS_PKI, err))
		return false;
	if (!pki_template_named(w->session.pki, name, &e, err))
		return false;
	if (e == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND, "the directory has no template %s", name);
	if (!tmpl_decode(e, &t, err))
		return false;
	print_template(&t);
	return true;
}

/* ---- the holder's key ---- */

/* Is its public half in there, of a request or of a certificate? */
static bool
is_named(const EVP_PKEY *key, struct view der)
{
	OWNED(buf_free) struct buf spki = {0};
	struct err ignored;

	return pkix_key_spki(key, &spki, &ignored) && spki.len > 0 &&
	       memmem(der.ptr, der.len, spki.ptr, spki.len) != NULL;
}

/* Whether a key of the holder's file is that of the message; no number of it is shown. */
static bool
put_private_key(
    json_t *to, struct view der, const char *path, struct key_passwords *with, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};
	bool belongs = false;

	if (!key_input_read(path, with, &c, err))
		return false;
	for (size_t i = 0; i < c.key_count; i++)
		belongs = belongs || is_named(c.keys[i].key, der);
	json_object_set_new(to, "private_key_of_the_holder",
	    json_string(
		belongs ? "belongs to a public key in it" : "belongs to no public key in it"));
	return true;
}

static bool
show(const struct cli *cli, json_t *out, struct view der, struct key_passwords *with,
    struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if (o->private_key != NULL && !put_private_key(out, der, o->private_key, with, err)) {
		json_decref(out);
		return false;
	}
	if (o->json) {
		print_json(out);
		return true;
	}
	dump_print(out);
	json_decref(out);
	if (o->asn1)
		dump_listing(stdout, der);
	return true;
}

bool
cmd_dump(struct work *w, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	const char *name = w->cli->args[0], *type = o->type != NULL ? o->type : "auto";
	OWNED(key_passwords_free) struct key_passwords with = {0};
	OWNED(buf_free) struct buf file = {0}, der = {0};
	json_t *out;

	if (strcmp(type, "template") == 0)
		return dump_template(w, err);
	if (!key_passwords_read(&o->key_password_files, &with, err) ||
	    !file_read(name, FILE_MAX, &file, err))
		return false;
	if (!pem_any(buf_view(&file), &der, err))
		return err_prefix(err, "%s", name);
	if ((out = dump_as(type, buf_view(&file), buf_view(&der), &with, err)) != NULL)
		return show(w->cli, out, buf_view(&der), &with, err);
	if (o->asn1 && !o->json && err->code != DIRCA_E_USAGE) {
		dump_listing(stdout, buf_view(&der));
		return true;
	}
	return err_prefix(err, "%s", name);
}
