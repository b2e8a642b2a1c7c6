#include "key_input.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define TRIES     3
#define PLAIN_MAX (128 * 1024) /* octets of a file that may be a private key as it is */

static struct secret *
one_more(struct key_passwords *p)
{
	p->list = mem_grow(p->list, p->count, sizeof *p->list);
	p->list[p->count] = (struct secret){0};
	return &p->list[p->count];
}

bool
key_passwords_read(const struct cli_list *files, struct key_passwords *out, struct err *err)
{
	*out = (struct key_passwords){.given = files->count > 0};
	for (size_t i = 0; i < files->count; i++) {
		if (!cli_password(files->list[i], NULL, false, one_more(out), err)) {
			key_passwords_free(out);
			return false;
		}
		out->count++;
	}
	return true;
}

void
key_passwords_free(struct key_passwords *p)
{
	for (size_t i = 0; i < p->count; i++)
		secret_free(&p->list[i]);
	free(p->list);
	*p = (struct key_passwords){0};
}

static bool
read_asking(struct view content, const char *path, struct key_passwords *p, struct pfx_content *out,
    struct err *err)
{
	bool asks = !p->given && material_is_protected(content) && isatty(STDIN_FILENO) == 1;
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", path);

	for (int i = 0;; i++) {
		if (material_read(content, p->list, p->count, out, err))
			return true;
		if (!asks || err->code != NTE_BAD_DATA || i == TRIES)
			return given_failed(path, content, GIVEN_KEYS, err);
		if (!cli_password(NULL, prompt, false, one_more(p), err))
			return false;
		p->count++;
	}
}

static bool
read_plain(const char *path, struct key_passwords *p, struct pfx_content *out, struct err *err)
{
	OWNED(secret_free) struct secret content = {0};

	return file_read_secret(path, PLAIN_MAX, &content, err) &&
	       read_asking(secret_view(&content), path, p, out, err);
}

/* Of many keys or certificates, which are encrypted or public. */
static bool
read_large(const char *path, struct key_passwords *p, struct pfx_content *out, struct err *err)
{
	OWNED(buf_free_wiped) struct buf content = {0};

	return file_read(path, MATERIAL_MAX, &content, err) &&
	       read_asking(buf_view(&content), path, p, out, err);
}

bool
key_input_read(const char *path, struct key_passwords *p, struct pfx_content *to, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};

	if (!read_plain(path, p, &c, err) &&
	    (err->code != DIRCA_E_TOO_LARGE || !read_large(path, p, &c, err)))
		return false;
	for (size_t i = 0; i < c.key_count; i++)
		c.keys[i].file = path;
	pfx_merge(to, &c);
	return true;
}
