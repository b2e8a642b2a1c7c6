#include "client_crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/sha.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "pki.h"
#include "text.h"

/* What is looked for in which CRL. */
struct question {
	const struct pkix_cert *ca;
	EVP_PKEY *ca_key;
	struct view serial;
	int64_t now;
};

static bool
ask(const struct question *q, struct view crl, bool *listed_out, struct err *err)
{
	return pkix_crl_lists(crl, q->ca->subject, q->ca_key, q->serial, q->now, listed_out, err);
}

/* The folder, made if need be; NULL: the user has none. */
static char *
cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	OWNED(own_memory) char *base = NULL;
	OWNED(own_memory) char *folder = NULL;

	if (cache != NULL && *cache == '/')
		base = mem_text(cache);
	else if (home != NULL && *home == '/')
		base = text_printf("%s/.cache", home);
	if (base == NULL)
		return NULL;
	folder = text_printf("%s/dirca", base);
	if ((mkdir(base, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(folder, 0700) != 0 && errno != EEXIST))
		return NULL;
	return own_give(&folder);
}

/* By the CA's certificate: names of CAs may be equal. */
static char *
cache_path(const struct pkix_cert *ca)
{
	OWNED(own_memory) char *folder = cache_folder();
	OWNED(own_memory) char *sha1 = hex_encode(view_of(ca->sha1, sizeof ca->sha1), '\0');

	return folder != NULL ? text_printf("%s/%s.crl", folder, sha1) : NULL;
}

/* The entity tag that the CA gives its CRL: docs/openapi.yaml. */
static char *
tag_of(struct view crl)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];

	SHA256(crl.ptr, crl.len, sha256);
	OWNED(own_memory) char *hex = hex_encode(view_of(sha256, sizeof sha256), '\0');

	return text_printf("\"%s\"", hex);
}

/* A cache that cannot be written is no reason to fail. */
static void
keep(const char *path, struct view crl)
{
	struct err ignored;

	if (path != NULL)
		file_replace(path, crl, 0600, &ignored);
}

/* The kept one and what it says; false: there is none of use. */
static bool
look_into_kept(const struct question *q, const char *path, struct buf *crl, bool *listed_out)
{
	struct err ignored;

	return path != NULL && file_read(path, PKIX_CRL_MAX, crl, &ignored) &&
	       ask(q, buf_view(crl), listed_out, &ignored);
}

static bool
fetch(struct http_client *http, const char *ca_name, uint32_t key_index, const char *tag,
    struct http_answer *out, struct err *err)
{
	char suffix[PKI_INDEX_SUFFIX_MAX];
	OWNED(own_memory) char *name = http_escape(ca_name);
	OWNED(own_memory) char *path = NULL;

	pki_index_suffix(key_index, suffix);
	path = text_printf("/dirca/%s%s.crl", name, suffix);

	return http_client_get_newer(http, path, tag, out, err) &&
	       ((tag != NULL && out->status == 304) || http_answer_check(out, err));
}

bool
client_crl_lists(struct http_client *http, const char *ca_name, const struct pkix_cert *ca,
    EVP_PKEY *ca_key, struct view serial, int64_t now, bool *listed_out, struct err *err)
{
	const struct question q = {ca, ca_key, serial, now};
	OWNED(own_memory) char *path = cache_path(ca);
	OWNED(buf_free) struct buf kept = {0};
	OWNED(own_memory) char *tag = NULL;
	OWNED(http_answer_free) struct http_answer answer = {0};
	uint32_t version;
	bool is_kept;

	*listed_out = true;
	if (!pkix_cert_ca_version(ca, &version, err))
		return false;
	is_kept = look_into_kept(&q, path, &kept, listed_out);
	if (is_kept)
		tag = tag_of(buf_view(&kept));
	if (!fetch(http, ca_name, CA_VERSION_KEY(version), tag, &answer, err) ||
	    answer.status == 304)
		return is_kept;
	if (!ask(&q, buf_view(&answer.body), listed_out, err))
		return false;
	keep(path, buf_view(&answer.body));
	return true;
}
