#include "signed_kras.h"

#include <stdlib.h>
#include <string.h>

#include "cms.h"
#include "file.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "pem.h"
#include "pkix.h"
#include "text.h"

#define FILE_MAX ((size_t)2 * SIGNED_KRAS_MAX * KRA_CERT_MAX)

bool
signed_kras_open(struct signed_kras *s, const char *folder, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	*s = (struct signed_kras){.path = text_printf("%s/" SIGNED_KRAS_FILE, folder)};
	pthread_mutex_init(&s->lock, NULL);
	if (!file_read(s->path, FILE_MAX, &text, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	return pem_certificates(buf_view(&text), &s->list, &s->count, err) ||
	       err_prefix(err, "%s", s->path);
}

void
signed_kras_close(struct signed_kras *s)
{
	if (s->path == NULL)
		return;
	pem_list_free(&s->list, s->count);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	*s = (struct signed_kras){0};
}

/* Few certificates are, and decoding one takes longer than looking for what it must contain. */
static bool
is_kra(struct view certificate)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	struct err ignored;

	return certificate.len <= KRA_CERT_MAX &&
	       oid_occurs(OID_KP_KEY_RECOVERY_AGENT, certificate) &&
	       pkix_cert_decode(certificate, &c, &ignored) &&
	       pkix_cert_has_eku(&c, oid_dotted(OID_KP_KEY_RECOVERY_AGENT));
}

static bool
has(const struct signed_kras *s, struct view certificate)
{
	for (size_t i = 0; i < s->count; i++)
		if (view_eq(buf_view(&s->list[i]), certificate))
			return true;
	return false;
}

/* Those from `first` on, and the new one. */
static bool
write_all(const struct signed_kras *s, size_t first, struct view certificate, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	for (size_t i = first; i < s->count; i++)
		if (!pem_append(&text, "CERTIFICATE", buf_view(&s->list[i]), err))
			return false;
	return pem_append(&text, "CERTIFICATE", certificate, err) &&
	       file_replace(s->path, buf_view(&text), 0600, err);
}

static bool
keep(struct signed_kras *s, struct view certificate, struct err *err)
{
	size_t first = s->count >= SIGNED_KRAS_MAX ? s->count - SIGNED_KRAS_MAX + 1 : 0;
	OWNED(buf_free) struct buf copy = {0};

	if (has(s, certificate))
		return true;
	if (!buf_append(&copy, certificate, err) || !write_all(s, first, certificate, err))
		return false;
	for (size_t i = 0; i < first; i++)
		buf_free(&s->list[i]);
	s->count -= first;
	if (s->count > 0)
		memmove(s->list, s->list + first, s->count * sizeof *s->list);
	s->list = mem_grow(s->list, s->count, sizeof *s->list);
	s->list[s->count++] = buf_give(&copy);
	return true;
}

bool
signed_kras_keep(struct signed_kras *s, struct view certificate, struct err *err)
{
	bool ok;

	if (!is_kra(certificate))
		return true;
	pthread_mutex_lock(&s->lock);
	ok = keep(s, certificate, err);
	pthread_mutex_unlock(&s->lock);
	return ok || err_prefix(err, "keeping a copy of a KRA certificate");
}
