#include "trust.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "mem.h"
#include "own_openssl.h"
#include "pem.h"
#include "text.h"

#define TRUST_FILE_MAX (1 << 20)

/* In the state folder anybody of the front's group can make a file. */
static bool
check_old_place(const char *state_dir, const char *name, struct err *err)
{
	OWNED(own_memory) char *old = text_printf("%s/%s", state_dir, name);
	struct stat st;

	if (lstat(old, &st) != 0)
		return true;
	if (st.st_uid == 0 || st.st_uid == geteuid())
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: files that decide whom the CA trusts lie in %s/" TRUST_FOLDER
		    " now; look at it, then: mkdir -p -m 755 %s/" TRUST_FOLDER
		    " && mv %s %s/" TRUST_FOLDER "/",
		    old, state_dir, state_dir, old, state_dir);
	log_warn("a file that is not root's lies where it would once have been trusted; it is not "
		 "read",
	    LOG_STR("file", old), LOG_INT("owner", st.st_uid));
	return true;
}

bool
trust_read(const char *state_dir, const char *name, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *folder = text_printf("%s/" TRUST_FOLDER, state_dir);
	OWNED(own_memory) char *path = text_printf("%s/" TRUST_FOLDER "/%s", state_dir, name);

	*out = (struct buf){0};
	return check_old_place(state_dir, name, err) && file_check_folder(folder, err) &&
	       file_read_owned(path, TRUST_FILE_MAX, out, err);
}

static const struct pkix_cert *
find_issuer(const struct pkix_certs *among, const struct pkix_cert *of)
{
	for (size_t i = 0; i < among->count; i++)
		if (pkix_cert_is_issued_by(of, &among->list[i], true))
			return &among->list[i];
	return NULL;
}

bool
trust_parents(struct pkix_certs *chain, const struct view *ders, size_t count, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs pool = {0};

	for (size_t i = 0; i < count; i++)
		if (!pkix_certs_add(&pool, ders[i], err))
			return false;
	for (size_t i = 0; i < count; i++) {
		const struct pkix_cert *last = &chain->list[i], *issuer;

		if (view_eq(last->subject, last->issuer) ||
		    (issuer = find_issuer(&pool, last)) == NULL)
			return true;
		if (!pkix_certs_add(chain, buf_view(&issuer->raw), err))
			return false;
	}
	return true;
}

struct view *
trust_views(const struct pkix_certs *certs)
{
	struct view *list = mem_zero(certs->count, sizeof *list);

	for (size_t i = 0; i < certs->count; i++)
		list[i] = buf_view(&certs->list[i].raw);
	return list;
}

bool
trust_kra_issuers_read(const char *state_dir, struct pkix_certs *out, struct err *err)
{
	OWNED(buf_free) struct buf pem = {0};
	OWNED(pem_certs_free) struct pem_certs found = {0};
	bool ok;

	*out = (struct pkix_certs){0};
	if (!trust_read(state_dir, TRUST_KRA_ISSUERS, &pem, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	ok = pem_certificates(buf_view(&pem), &found.list, &found.count, err);
	for (size_t i = 0; ok && i < found.count; i++)
		ok = pkix_certs_add(out, buf_view(&found.list[i]), err);
	if (!ok)
		pkix_certs_free(out);
	return ok || err_prefix(err, TRUST_FOLDER "/" TRUST_KRA_ISSUERS);
}

bool
trust_kra_issuers_make(const struct ca_issuers *own, const struct view *others, size_t count,
    struct trust_issuers *out, struct err *err)
{
	bool ok = true;

	*out = (struct trust_issuers){0};
	for (size_t i = 0; ok && i < own->count; i++)
		ok = pkix_certs_add(&out->certs, buf_view(&own->list[i].cert.raw), err);
	for (size_t i = 0; ok && i < count; i++)
		ok = pkix_certs_add(&out->certs, others[i], err);
	if (!ok) {
		trust_issuers_free(out);
		return false;
	}
	out->list = pkix_certs_pointers(&out->certs);
	out->count = out->certs.count;
	return true;
}

bool
trust_kra_issuers(
    const char *state_dir, const struct ca_issuers *own, struct trust_issuers *out, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs others = {0};
	OWNED(own_memory) struct view *ders = NULL;

	*out = (struct trust_issuers){0};
	if (!trust_kra_issuers_read(state_dir, &others, err))
		return false;
	ders = trust_views(&others);
	return trust_kra_issuers_make(own, ders, others.count, out, err);
}

void
trust_issuers_free(struct trust_issuers *t)
{
	pkix_certs_free(&t->certs);
	free(t->list);
	*t = (struct trust_issuers){0};
}
