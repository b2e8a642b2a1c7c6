/* What the checks of lint find. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lint_priv.h"
#include "printable.h"
#include "text.h"

static bool
copy_sids(const struct sids *from, struct sids *to, struct err *err)
{
	for (size_t i = 0; from != NULL && i < from->count; i++)
		if (!sids_add(to, &from->list[i], err))
			return false;
	return true;
}

bool
lint_find(struct lint *l, enum lint_level level, const char *object, const struct sids *trustees,
    struct err *err, const char *fmt, ...)
{
	struct lint_finding *grown = reallocarray(l->out->list, l->out->count + 1, sizeof *grown),
			    *f;
	va_list ap;
	char *detail;
	int n;

	if (grown == NULL)
		return err_nomem(err);
	l->out->list = grown;
	f = &grown[l->out->count++];
	*f = (struct lint_finding){
	    .rule = l->rule, .level = level, .object = printable_escape(object)};
	va_start(ap, fmt);
	n = vasprintf(&detail, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_nomem(err);
	f->detail = printable_escape(detail);
	free(detail);
	if (f->object == NULL || f->detail == NULL)
		return err_nomem(err);
	return copy_sids(trustees, &f->trustees, err);
}

bool
lint_is_in(const struct lint *l, const struct dir_entry *e, const char *rdn)
{
	char *base = text_printf("%s,%s", rdn, l->in->services_dn);
	bool yes = base != NULL && l->in->is_under(e->dn, base);

	free(base);
	return yes;
}
