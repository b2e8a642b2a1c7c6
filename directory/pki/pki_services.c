#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/x509.h>

#include "pki_priv.h"
#include "printable.h"
#include "mem.h"
#include "text.h"

static void
service_free(struct pki_service *s)
{
	free(s->name);
	free(s->display_name);
	free(s->host);
	free(s->url);
	free(s->site);
	buf_free(&s->certificate);
	for (size_t i = 0; i < s->service_key_count; i++)
		buf_free(&s->service_keys[i]);
	free(s->service_keys);
	for (size_t i = 0; i < s->template_count; i++)
		free(s->templates[i]);
	free(s->templates);
	*s = (struct pki_service){0};
}

const char *
pki_service_title(const struct pki_service *s)
{
	const char *title = s->display_name;
	uint32_t ignored;

	return title != NULL && *title != '\0' && printable_text(view_str(title), &ignored)
		   ? title
		   : s->name;
}

void
pki_services_free(struct pki_service **list, size_t count)
{
	for (size_t i = 0; *list != NULL && i < count; i++)
		service_free(&(*list)[i]);
	free(*list);
	*list = NULL;
}

/* Of several certificates of a CA the one whose validity began last; values that are no certificate
 * do not count. */
static bool
newest(const struct dir_entry *e, struct buf *out, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "cACertificate");
	const struct buf *best = NULL;
	X509 *best_cert = NULL;
	bool ok;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		const struct buf *v = &a->values[i];
		const uint8_t *p = v->ptr;
		X509 *cert = d2i_X509(NULL, &p, (long)v->len);

		if (cert != NULL && p == v->ptr + v->len &&
		    (best_cert == NULL || ASN1_TIME_compare(X509_get0_notBefore(cert),
					      X509_get0_notBefore(best_cert)) > 0)) {
			X509_free(best_cert);
			best_cert = cert;
			best = v;
		} else {
			X509_free(cert);
		}
	}
	ok = best == NULL || buf_dup(buf_view(best), out, err);
	X509_free(best_cert);
	return ok;
}

/* What goes into a URL must be nothing but a host name, or the URL may lead elsewhere. */
static bool
is_host(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && strchr(".-", s[i]) == NULL)
			return false;
	return len > 0 && len <= 253;
}

bool
pki_is_service_url(struct view v)
{
	static const char scheme[] = "https://";
	const size_t skip = sizeof scheme - 1;
	const char *host = (const char *)v.ptr + skip;
	size_t len, host_len, digits;

	if (v.len <= skip || strncasecmp((const char *)v.ptr, scheme, skip) != 0)
		return false;
	len = v.len - skip;
	if (host[len - 1] == '/')
		len--;
	for (host_len = 0; host_len < len && host[host_len] != ':'; host_len++)
		;
	if (!is_host(host, host_len))
		return false;
	if (host_len == len)
		return true;
	digits = len - host_len - 1;
	for (size_t i = host_len + 1; i < len; i++)
		if (!isdigit((unsigned char)host[i]))
			return false;
	return digits >= 1 && digits <= 5;
}

/* What an older version wrote counts where nothing else stands, in the object of a dirca alone:
 * no CA of Windows is asked. */
static bool
find_url(const struct dir_entry *e, struct pki_service *s, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, PKI_SERVICE_URL);

	if (a == NULL && dir_entry_has_value_nocase(e, "objectClass", PKI_AUTHORITY_CLASS))
		a = dir_entry_attr(e, PKI_OLD_SERVICE_URL);
	for (size_t i = 0; a != NULL && i < a->count; i++) {
		struct view v = buf_view(&a->values[i]);

		if (!pki_is_service_url(v))
			continue;
		if (v.ptr[v.len - 1] == '/')
			v.len--;
		return text_from_view(v, &s->url, err);
	}
	return true;
}

static bool
copy_templates(const struct dir_entry *e, struct pki_service *s, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "certificateTemplates");

	if (a == NULL)
		return true;
	if ((s->templates = calloc(a->count, sizeof *s->templates)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < a->count; i++) {
		if (!text_from_view(buf_view(&a->values[i]), &s->templates[s->template_count], err))
			return false;
		s->template_count++;
	}
	return true;
}

static bool
copy_service_keys(const struct dir_entry *e, struct pki_service *s, struct err *err)
{
	const struct dir_attr *a = dir_entry_attr(e, "dircaServiceKeyHash");

	if (a == NULL)
		return true;
	if ((s->service_keys = calloc(a->count, sizeof *s->service_keys)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < a->count; i++) {
		if (!buf_dup(buf_view(&a->values[i]), &s->service_keys[i], err))
			return false;
		s->service_key_count++;
	}
	return true;
}

static bool
read_service(const struct dir_entry *e, struct pki_service *s, struct err *err)
{
	*s = (struct pki_service){0};
	return dir_entry_text(e, "cn", &s->name, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "displayName", &s->display_name, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "dNSHostName", &s->host, err) != DIR_GET_FAILED &&
	       dir_entry_text(e, "msPKI-Site-Name", &s->site, err) != DIR_GET_FAILED &&
	       newest(e, &s->certificate, err) && copy_templates(e, s, err) &&
	       copy_service_keys(e, s, err) && find_url(e, s, err);
}

bool
pki_services(const struct pki_snapshot *snapshot, struct pki_service **list_out, size_t *count_out,
    struct err *err)
{
	struct pki_service *list = calloc(snapshot->services.count + 1, sizeof *list);
	size_t count = 0;

	*list_out = NULL;
	*count_out = 0;
	if (list == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < snapshot->services.count; i++) {
		struct pki_service *s = &list[count];
		bool ok = read_service(&snapshot->services.list[i], s, err);

		if (ok && s->name != NULL && s->url != NULL && s->certificate.len > 0) {
			count++;
			continue;
		}
		service_free(s);
		if (!ok && err->code == E_OUTOFMEMORY) {
			pki_services_free(&list, count);
			return false;
		}
	}
	*list_out = list;
	*count_out = count;
	return true;
}

/* Values that are no text name no host. */
static bool
add_hosts(const struct dir_attr *a, bool is_url, char **list, size_t *count, struct err *err)
{
	struct err ignored;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		struct view v = buf_view(&a->values[i]);

		if (is_url)
			list[*count] = text_url_host(v);
		else if (!text_from_view(v, &list[*count], &ignored))
			list[*count] = NULL;
		if (list[*count] != NULL)
			++*count;
		else if (!is_url && ignored.code == E_OUTOFMEMORY)
			return err_nomem(err);
	}
	return true;
}

bool
pki_service_hosts(
    const struct pki_snapshot *s, char ***list_out, size_t *count_out, struct err *err)
{
	static const char *const attrs[] = {"dNSHostName", PKI_OLD_SERVICE_URL, PKI_SERVICE_URL};
	size_t most = 0;

	*count_out = 0;
	for (size_t i = 0; i < s->services.count; i++)
		for (size_t k = 0; k < COUNT_OF(attrs); k++) {
			const struct dir_attr *a = dir_entry_attr(&s->services.list[i], attrs[k]);

			most += a != NULL ? a->count : 0;
		}
	if ((*list_out = calloc(most + 1, sizeof **list_out)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < s->services.count; i++)
		for (size_t k = 0; k < COUNT_OF(attrs); k++)
			if (!add_hosts(dir_entry_attr(&s->services.list[i], attrs[k]), k > 0,
				*list_out, count_out, err))
				return false;
	return true;
}
