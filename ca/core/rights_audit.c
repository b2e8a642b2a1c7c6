#include "rights_audit.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "log.h"

#define HASH_LEN 32
/* Longer ones are cut: the hash stands for the whole. */
#define SDDL_SHOWN 2000

static const struct {
	const char *attr;
	const char *setting; /* where the hash of what was recorded last is kept */
	enum audit_event event;
} watched[2] = {
    {"dircaCASecurity", "Recorded\\dircaCASecurity", AUDIT_SECURITY},
    {"dircaOfficerRights", "Recorded\\dircaOfficerRights", AUDIT_OFFICERS},
};

struct change {
	const char *setting, *hash;
	struct ca_audit record;
};

static bool
write_change(struct store_tx *tx, void *arg, struct err *err)
{
	const struct change *c = arg;

	return store_set_setting(tx, c->setting, c->hash, err) && ca_audit(tx, &c->record, err);
}

/* "absent" or the SHA-256 in hex. free(). */
static bool
hash_of(struct view raw, char **out, struct err *err)
{
	uint8_t hash[HASH_LEN];

	*out = NULL;
	if (raw.len == 0)
		return (*out = strdup("absent")) != NULL || err_nomem(err);
	if (EVP_Digest(raw.ptr, raw.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "hash of a security descriptor");
	return (*out = hex_encode(view_of(hash, sizeof hash), '\0')) != NULL || err_nomem(err);
}

/* free(); NULL on no memory. */
static char *
shown(struct view raw)
{
	struct sd sd = {0};
	struct err why;
	char *sddl;

	if (raw.len == 0)
		return strdup("absent");
	if (!sd_decode(raw, &sd, &why))
		return text_printf("malformed: %s", why.msg);
	if ((sddl = sd_to_sddl(&sd)) != NULL && strlen(sddl) > SDDL_SHOWN)
		memcpy(sddl + SDDL_SHOWN, "...", sizeof "...");
	sd_free(&sd);
	return sddl;
}

static bool
record(struct ca *ca, size_t i, const struct ca_view *fresh, const char *before, const char *hash,
    struct err *err)
{
	char *now = shown(fresh->raw_rights[i]),
	     *detail = now != NULL ? text_printf("%s: was %s, is %s: %s", watched[i].attr, before,
					 hash, now)
				   : NULL;
	struct change c = {.setting = watched[i].setting,
	    .hash = hash,
	    .record = {.when = clock_now(),
		.event = watched[i].event,
		.actor = "directory",
		.object = ca->config->ca_name,
		.detail = detail}};
	bool ok = detail != NULL ? store_do(ca->store, write_change, &c, err) : err_nomem(err);

	if (ok)
		log_info("rights changed in the directory", LOG_STR("attribute", watched[i].attr),
		    LOG_STR("now", now));
	free(now);
	free(detail);
	return ok;
}

static bool
compare(struct ca *ca, size_t i, const struct ca_view *fresh, struct err *err)
{
	char **known = &ca->state->recorded_rights[i], *hash = NULL;
	bool ok = false;

	if (*known == NULL && !store_get_setting(ca->store, watched[i].setting, known, err))
		return false;
	if (*known == NULL && (*known = strdup("absent")) == NULL)
		return err_nomem(err);
	if (!hash_of(fresh->raw_rights[i], &hash, err))
		return false;
	if (strcmp(*known, hash) == 0) {
		ok = true;
		goto out;
	}
	if (!record(ca, i, fresh, *known, hash, err))
		goto out;
	free(*known);
	*known = hash;
	hash = NULL;
	ok = true;
out:
	free(hash);
	return ok;
}

bool
audit_rights(struct ca *ca, const struct ca_view *fresh, struct err *err)
{
	for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
		if (!compare(ca, i, fresh, err))
			return err_prefix(err, "recording a change of %s", watched[i].attr);
	return true;
}
