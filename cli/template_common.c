#include "template_common.h"

#include <stdio.h>
#include <stdlib.h>

#include "mem.h"
#include "own.h"
#include "text.h"

bool
template_in(
    const struct pki_snapshot *pki, const char *name, const struct dir_entry **out, struct err *err)
{
	if (!pki_template_named(pki, name, out, err))
		return false;
	return *out != NULL || err_set(err, CRYPT_E_NOT_FOUND,
				   "the directory has no template %s; `dirca template list` shows "
				   "them",
				   name);
}

bool
template_find(
    const struct session *s, const char *name, const struct dir_entry **out, struct err *err)
{
	return template_in(s->pki, name, out, err);
}

char *
template_row_name(struct session *s, const char *name, struct err *err)
{
	const struct dir_entry *e = NULL;
	struct err ignored;
	char *cn = NULL;

	if (session_has_directory(s, &ignored) && session_pki(s, &ignored) &&
	    !pki_template_named(s->pki, name, &e, err))
		return NULL;
	if (e != NULL && dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED)
		return NULL;
	return cn != NULL ? cn : mem_text(name);
}

bool
template_service(struct session *s, const struct dir_entry **out, struct err *err)
{
	const struct pki_service *service;

	*out = NULL;
	if (!session_service(s, &service, err))
		return false;
	if (service == NULL)
		return err_set(
		    err, DIRCA_E_USAGE, "which certification authority? Name it with --ca");
	*out = pki_snapshot_service(s->pki, service->name);
	return *out != NULL || err_set(err, TYPE_E_AMBIGUOUSNAME,
				   "several enrollment services claim the name %s", service->name);
}

bool
template_commit(struct session *s, const struct ldif *plan, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	if (!s->cli->opt.dry_run)
		return plan_run(s->directory, plan, err);
	if (!plan_print(plan, &text, err))
		return false;
	if (text.len > 0)
		fwrite(text.ptr, 1, text.len, stdout);
	return true;
}

char *
template_revision(const struct dir_entry *e)
{
	int32_t major = 0, minor = 0;
	struct err ignored;

	(void)dir_entry_int32(e, "revision", &major, &ignored);
	(void)dir_entry_int32(e, "msPKI-Template-Minor-Revision", &minor, &ignored);
	return text_printf("%d.%d", (int)major, (int)minor);
}

bool
template_is_enabled_at(const struct pki_service *service, const char *name)
{
	for (size_t i = 0; i < service->template_count; i++)
		if (text_eq_nocase(service->templates[i], name))
			return true;
	return false;
}
