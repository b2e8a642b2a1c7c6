/* The search token of a recovery: total, and stable when its cleaned text is parsed again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recover.h"
#include "target.h"

static void
check(bool holds)
{
	if (!holds)
		abort();
}

int
target(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct token t, again;
	struct err err;

	if (text == NULL)
		return 0;
	if (token_parse(text, &t, &err)) {
		check(*t.text != '\0' && *t.name != '\0' && strlen(t.text) <= strlen(text) + 1);
		check((t.kind == TOKEN_DOWNLEVEL) == (t.left != NULL && t.right != NULL));
		check((t.kind == TOKEN_SERIAL_OR_HASH) == (t.digits > 0));
		check(token_parse(t.text, &again, &err));
		check(again.kind == t.kind && strcmp(again.text, t.text) == 0);
		token_free(&again);
		token_free(&t);
	} else {
		check(err.code == E_INVALIDARG || err.code == E_OUTOFMEMORY);
	}
	free(text);
	return 0;
}
