/* What the checks of lint find. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lint_priv.h"
#include "printable.h"
#include "text.h"
#include "own.h"
#include "mem.h"

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
	OWNED(own_memory) char *detail = NULL;
	struct lint_finding *f;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&detail, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	l->out->list = mem_grow(l->out->list, l->out->count, sizeof *l->out->list);
	f = &l->out->list[l->out->count++];
	*f = (struct lint_finding){.rule = l->rule,
	    .level = level,
	    .object = printable_escape(object),
	    .detail = printable_escape(detail)};
	return copy_sids(trustees, &f->trustees, err);
}

bool
lint_is_in(const struct lint *l, const struct dir_entry *e, const char *rdn)
{
	OWNED(own_memory) char *base = text_printf("%s,%s", rdn, l->in->services_dn);

	return l->in->is_under(e->dn, base);
}
