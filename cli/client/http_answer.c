/* What a CA answered, and text in URLs. */
#include "http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own_json.h"
#include "text.h"

void
http_answer_free(struct http_answer *a)
{
	buf_free(&a->body);
	*a = (struct http_answer){0};
}

bool
http_refusal(const json_t *e, struct err *out)
{
	const char *name = json_string_value(json_object_get(e, "name")),
		   *message = json_string_value(json_object_get(e, "message"));
	enum err_code code;

	if (name == NULL || message == NULL || !err_by_name(name, &code) || code == ERR_OK)
		return false;
	err_set(out, code, "%s", message);
	return true;
}

bool
http_answer_refusal(const struct http_answer *a, struct err *out)
{
	OWNED(own_json)
	json_t *root = json_loadb((const char *)a->body.ptr, a->body.len, 0, NULL);

	return a->status >= 400 && http_refusal(json_object_get(root, "error"), out);
}

bool
http_answer_check(const struct http_answer *a, struct err *err)
{
	if (a->status >= 200 && a->status < 300)
		return true;
	return http_answer_refusal(a, err)
		   ? false
		   : err_set(err, a->status == 404 ? CRYPT_E_NOT_FOUND : DIRCA_E_NETWORK,
			 "the CA answered with HTTP status %d", a->status);
}

bool
http_answer_der(const struct http_answer *a, struct buf *out, struct err *err)
{
	return a->base64 ? base64_decode(buf_view(&a->body), out, err)
			 : buf_dup(buf_view(&a->body), out, err);
}

char *
http_escape(const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
	char *out = mem_zero(strlen(text) * 3 + 1, 1), *p = out;

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			*p++ = *text;
		else
			p += sprintf(p, "%%%02X", (unsigned)(unsigned char)*text);
	return out;
}
