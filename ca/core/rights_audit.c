#include "rights_audit.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "ca_priv.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "text.h"

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
	if (raw.len == 0) {
		*out = mem_text("absent");
		return true;
	}
	if (EVP_Digest(raw.ptr, raw.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "hash of a security descriptor");
	*out = hex_encode(view_of(hash, sizeof hash), '\0');
	return true;
}

/* free(). */
static char *
shown(struct view raw)
{
	OWNED(sd_free) struct sd sd = {0};
	struct err why;
	char *sddl;

	if (raw.len == 0)
		return mem_text("absent");
	if (!sd_decode(raw, &sd, &why))
		return text_printf("malformed: %s", why.msg);
	sddl = sd_to_sddl(&sd);
	if (strlen(sddl) > SDDL_SHOWN)
		memcpy(sddl + SDDL_SHOWN, "...", sizeof "...");
	return sddl;
}

static bool
record_change(struct ca *ca, size_t i, const struct ca_view *fresh, const char *before,
    const char *hash, struct err *err)
{
	OWNED(own_memory) char *now = shown(fresh->raw_rights[i]);
	OWNED(own_memory)
	char *detail = text_printf("%s: was %s, is %s: %s", watched[i].attr, before, hash, now);
	struct change c = {.setting = watched[i].setting,
	    .hash = hash,
	    .record = {.when = clock_now(),
		.event = watched[i].event,
		.actor = ca->source->name,
		.object = ca->config->ca_name,
		.detail = detail}};

	if (!store_do(ca->store, write_change, &c, err))
		return false;
	log_info("rights changed", LOG_STR("in", ca->source->name),
	    LOG_STR("attribute", watched[i].attr), LOG_STR("now", now));
	return true;
}

static bool
compare_rights(struct ca *ca, size_t i, const struct ca_view *fresh, struct err *err)
{
	char **known = &ca->state->recorded_rights[i];
	OWNED(own_memory) char *hash = NULL;

	if (*known == NULL && !store_get_setting(ca->store, watched[i].setting, known, err))
		return false;
	if (*known == NULL)
		*known = mem_text("absent");
	if (!hash_of(fresh->raw_rights[i], &hash, err))
		return false;
	if (strcmp(*known, hash) == 0)
		return true;
	if (!record_change(ca, i, fresh, *known, hash, err))
		return false;
	free(*known);
	*known = own_give(&hash);
	return true;
}

bool
audit_rights(struct ca *ca, const struct ca_view *fresh, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(watched); i++)
		if (!compare_rights(ca, i, fresh, err))
			return err_prefix(err, "recording a change of %s", watched[i].attr);
	return true;
}
