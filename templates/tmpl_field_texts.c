/* Words and lists of them, as values of fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tmpl_fields_priv.h"

bool
list_split(const char *text, char separator, struct texts *out, struct err *err)
{
	bool last = *text == '\0' || text_eq_nocase(text, "none");

	while (!last) {
		const char *end = strchrnul(text, separator);
		char *one;

		last = *end == '\0';
		text += strspn(text, " ");
		if ((one = strndup(text, (size_t)(end > text ? end - text : 0))) == NULL)
			return err_nomem(err);
		for (size_t n = strlen(one); n > 0 && one[n - 1] == ' '; n--)
			one[n - 1] = '\0';
		if (*one == '\0') {
			free(one);
			return err_set(err, E_INVALIDARG, "an empty value in the list");
		}
		if (!texts_take_new(out, one, err)) {
			err->code = E_INVALIDARG;
			return false;
		}
		text = end + 1;
	}
	return true;
}

char *
list_join(const struct texts *l, const char *separator)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	for (size_t i = 0; i < l->count; i++)
		fprintf(f, "%s%s", i > 0 ? separator : "", l->list[i]);
	return fclose(f) == 0 ? text : NULL;
}

char *
text_copied(const char *text, struct err *err)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (copy == NULL)
		err_nomem(err);
	return copy;
}
