#include "supersede.h"

#include <stdlib.h>

#include "text.h"

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

/* False: no memory. */
static bool
judge(const struct tmpl *list, size_t count, const struct tmpl *t, const char *named,
    bool *faulty_out, enum tmpl_supersede_fault *fault_out)
{
	const struct tmpl *old = find(list, count, named);
	bool *seen;

	*faulty_out = true;
	*fault_out = old == NULL ? TMPL_SUPERSEDE_UNKNOWN : TMPL_SUPERSEDE_SELF;
	if (old == NULL || old == t)
		return true;
	if ((seen = calloc(count, sizeof *seen)) == NULL)
		return false;
	*faulty_out = leads_to(list, count, old, t, seen);
	*fault_out = TMPL_SUPERSEDE_CYCLE;
	free(seen);
	return true;
}

bool
tmpl_supersede_faults(const struct tmpl *list, size_t count, struct tmpl_supersede_finding **out,
    size_t *count_out, struct err *err)
{
	size_t most = 0;

	*count_out = 0;
	for (size_t i = 0; i < count; i++)
		most += list[i].supersedes.count;
	if ((*out = calloc(most + 1, sizeof **out)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < list[i].supersedes.count; k++) {
			struct tmpl_supersede_finding f = {
			    .tmpl = &list[i], .named = list[i].supersedes.list[k]};
			bool faulty;

			if (!judge(list, count, f.tmpl, f.named, &faulty, &f.fault)) {
				free(*out);
				*out = NULL;
				*count_out = 0;
				return err_nomem(err);
			}
			if (faulty)
				(*out)[(*count_out)++] = f;
		}
	return true;
}
