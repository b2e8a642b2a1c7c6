#include "request_ids.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

bool
request_ids_add(struct request_ids *ids, const char *word, struct err *err)
{
	const char *dash = strchr(word, '-');
	OWNED(own_memory)
	char *first = dash != NULL ? text_printf("%.*s", (int)(dash - word), word) : mem_text(word);
	struct id_range r;

	if (!text_to_int(first, 1, INT64_MAX, &r.from))
		return err_set(err, DIRCA_E_USAGE, "%s is not a request id", word);
	r.to = r.from;
	if (dash != NULL && !text_to_int(dash + 1, r.from, INT64_MAX, &r.to))
		return err_set(
		    err, DIRCA_E_USAGE, "%s is no range of request ids, which is FIRST-LAST", word);
	ids->list = mem_grow_long(ids->list, ids->count, sizeof *ids->list);
	ids->list[ids->count++] = r;
	return true;
}

bool
request_ids_read(struct request_ids *ids, FILE *from, struct err *err)
{
	OWNED(own_memory) char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) != -1) {
		char *word = line + strspn(line, " \t");

		word[strcspn(word, " \t\r\n,")] = '\0';
		if (*word != '\0' && !request_ids_add(ids, word, err))
			return false;
	}
	return !ferror(from) || err_errno(err, DIRCA_E_IO, "standard input");
}

void
request_ids_free(struct request_ids *ids)
{
	free(ids->list);
	*ids = (struct request_ids){0};
}
