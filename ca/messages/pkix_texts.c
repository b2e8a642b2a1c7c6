#include "pkix.h"

#include <stdlib.h>
#include <string.h>

void
pkix_texts_free(struct pkix_texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->list[i]);
	free(t->list);
	*t = (struct pkix_texts){0};
}

bool
pkix_texts_have(const struct pkix_texts *t, const char *text)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->list[i], text) == 0)
			return true;
	return false;
}

bool
pkix_texts_add(struct pkix_texts *t, const char *text, struct err *err)
{
	char **grown = reallocarray(t->list, t->count + 1, sizeof *grown);

	if (grown == NULL)
		return err_nomem(err);
	t->list = grown;
	if ((t->list[t->count] = strdup(text)) == NULL)
		return err_nomem(err);
	t->count++;
	return true;
}
