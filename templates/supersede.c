#include "supersede.h"

#include <stdlib.h>

#include "text.h"
#include "mem.h"
#include "own.h"

bool
tmpl_supersedes(const struct tmpl *t, const char *cn)
{
	if (cn == NULL)
		return false;
	for (size_t i = 0; i < t->supersedes.count; i++)
		if (text_eq_nocase(t->supersedes.list[i], cn))
			return true;
	return false;
}

/* A rival that supersedes both `t` and what `t` supersedes. */
static bool
is_outdone(const struct tmpl *list, size_t count, const struct tmpl *t, const char *cn)
{
	for (size_t i = 0; i < count; i++)
		if (&list[i] != t && tmpl_supersedes(&list[i], cn) &&
		    tmpl_supersedes(&list[i], t->cn))
			return true;
	return false;
}

static const struct tmpl *
find(const struct tmpl *list, size_t count, const char *cn)
{
	for (size_t i = 0; i < count; i++)
		if (text_eq_nocase(list[i].cn, cn))
			return &list[i];
	return NULL;
}

const struct tmpl *
tmpl_superseding(const struct tmpl *list, size_t count, const char *cn)
{
	const struct tmpl *self = find(list, count, cn);

	for (size_t i = 0; i < count; i++)
		if (!text_eq_nocase(list[i].cn, cn) && tmpl_supersedes(&list[i], cn) &&
		    !(self != NULL && tmpl_supersedes(self, list[i].cn)) &&
		    !is_outdone(list, count, &list[i], cn))
			return &list[i];
	return NULL;
}

/* Marks what `t` supersedes; true if something was new. */
static bool
spread(const struct tmpl *list, size_t count, const struct tmpl *t, bool *seen)
{
	bool grown = false;

	for (size_t i = 0; i < t->supersedes.count; i++) {
		const struct tmpl *next = find(list, count, t->supersedes.list[i]);

		if (next != NULL && !seen[next - list])
			grown = seen[next - list] = true;
	}
	return grown;
}

/* From one template to another by the lists; `seen` has a place for each template. */
static bool
leads_to(const struct tmpl *list, size_t count, const struct tmpl *from, const struct tmpl *to,
    bool *seen)
{
	bool grown = true;

	seen[from - list] = true;
	while (grown && !seen[to - list]) {
		grown = false;
		for (size_t i = 0; i < count; i++)
			if (seen[i] && spread(list, count, &list[i], seen))
				grown = true;
	}
	return seen[to - list];
}

/* Is there a fault, and which? */
static bool
judge(const struct tmpl *list, size_t count, const struct tmpl *t, const char *named,
    enum tmpl_supersede_fault *fault_out)
{
	const struct tmpl *old = find(list, count, named);
	OWNED(own_memory) bool *seen = mem_zero(count, sizeof *seen);

	*fault_out = old == NULL ? TMPL_SUPERSEDE_UNKNOWN : TMPL_SUPERSEDE_SELF;
	if (old == NULL || old == t)
		return true;
	*fault_out = TMPL_SUPERSEDE_CYCLE;
	return leads_to(list, count, old, t, seen);
}

bool
tmpl_supersede_faults(const struct tmpl *list, size_t count, struct tmpl_supersede_finding **out,
    size_t *count_out, struct err *err)
{
	size_t most = 0;

	(void)err;
	*count_out = 0;
	for (size_t i = 0; i < count; i++)
		most += list[i].supersedes.count;
	*out = mem_zero(most, sizeof **out);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < list[i].supersedes.count; k++) {
			struct tmpl_supersede_finding f = {
			    .tmpl = &list[i], .named = list[i].supersedes.list[k]};

			if (judge(list, count, f.tmpl, f.named, &f.fault))
				(*out)[(*count_out)++] = f;
		}
	return true;
}
