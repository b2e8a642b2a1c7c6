#include "kra_issuers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <openssl/pem.h>

#include "home_priv.h"
#include "own.h"
#include "own_openssl.h"
#include "trust.h"

#define ISSUERS_FILE TRUST_FOLDER "/" TRUST_KRA_ISSUERS

/* An empty file would be no PEM. */
static bool
write_issuers(const struct config *config, const struct view *ders, size_t count, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, ISSUERS_FILE);

	if (count > 0)
		return home_write_pem(config, ISSUERS_FILE, PEM_STRING_X509, ders, count, err);
	return unlink(path) == 0 || errno == ENOENT ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot remove", path);
}

static bool
write_without(const struct config *config, const struct pkix_certs *now, const uint8_t sha256[32],
    struct err *err)
{
	struct view ders[KRA_ISSUERS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < now->count; i++)
		if (memcmp(now->list[i].sha256, sha256, 32) != 0)
			ders[count++] = buf_view(&now->list[i].raw);
	return count == now->count || write_issuers(config, ders, count, err);
}

bool
kra_issuers_add(const struct config *config, const struct pkix_cert *issuer, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs now = {0};
	OWNED(own_memory) struct view *ders = NULL;

	if (!trust_kra_issuers_read(config->state_dir, &now, err))
		return false;
	if (now.count >= KRA_ISSUERS_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "at most %d CAs can be issuers of key recovery agents", KRA_ISSUERS_MAX);
	if (!pkix_certs_add(&now, buf_view(&issuer->raw), err))
		return false;
	ders = trust_views(&now);
	return write_issuers(config, ders, now.count, err);
}

bool
kra_issuers_remove(const struct config *config, const uint8_t sha256[32], struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs now = {0};

	return trust_kra_issuers_read(config->state_dir, &now, err) &&
	       write_without(config, &now, sha256, err);
}
