#include "tmpl_priv.h"

#include <stdlib.h>
#include <string.h>

bool
text_list_take(struct text_list *l, char *text, struct err *err)
{
	char **list;

	if (text_list_has(l, text)) {
		err_set(err, ERROR_INVALID_DATA, "\"%s\" stands there twice", text);
		free(text);
		return false;
	}
	if ((list = reallocarray(l->list, l->count + 1, sizeof *list)) == NULL) {
		free(text);
		return err_nomem(err);
	}
	l->list = list;
	l->list[l->count++] = text;
	return true;
}

bool
text_list_has(const struct text_list *l, const char *text)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->list[i], text) == 0)
			return true;
	return false;
}

void
text_list_free(struct text_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->list[i]);
	free(l->list);
	*l = (struct text_list){0};
}
