/*
 * container\user of an account that the directory does not have any more: by the DN that was
 * written down with the request.
 */
#include "recover_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dn.h"
#include "match.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* What every DN of the account begins with, however it escapes what it must (RFC 4514 2.4). */
static char *
dn_begin(const char *token)
{
	const char *name = strrchr(token, '\\') + 1;
	size_t plain = strcspn(name, ",+\"<>;=# ");

	return text_printf("CN=%.*s%s", (int)plain, name, name[plain] == '\0' ? "," : "");
}

/* DOMAIN\user is an account's name and no place, DOMAIN\container\user one in that domain. */
static bool
was_at(const struct store_request *row, const char *token)
{
	OWNED(own_memory) char *path = dir_dn_path(row->requester_dn);
	OWNED(own_memory) char *domain = NULL;
	const char *name = row->requester_name != NULL ? strchr(row->requester_name, '\\') : NULL;
	const char *rest = strchr(token, '\\');

	if (name != NULL)
		domain = mem_text_n(row->requester_name, (size_t)(name - row->requester_name));
	if (domain != NULL && strlen(domain) == (size_t)(rest - token) &&
	    strncasecmp(domain, token, strlen(domain)) == 0) {
		token = rest + 1;
		if (strchr(token, '\\') == NULL)
			return false;
	}
	return path != NULL && match_eq(path, token);
}

bool
recover_find_place(
    struct ca *ca, const char *token, int64_t after, struct store_requests *out, struct err *err)
{
	OWNED(own_memory) char *begin = dn_begin(token);
	size_t kept = 0;

	if (!recover_find_by(ca, STORE_BY_REQUESTER_DN, begin, after, out, err))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		if (was_at(&out->list[i], token))
			out->list[kept++] = out->list[i];
		else
			store_request_free(&out->list[i]);
	}
	out->count = kept;
	return true;
}
