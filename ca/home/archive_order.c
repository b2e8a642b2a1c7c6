#include "archive_order.h"

#include <string.h>

#include "clock.h"
#include "home_files.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

struct ordering {
	const struct config *config;
	struct kra_policy policy;
	struct buf *store;
	size_t stored;
	struct rewrap_order order;
};

static void
ordering_free(struct ordering *o)
{
	kra_policy_free(&o->policy);
	kra_store_free(&o->store, o->stored);
}

/* Is it that one, and enabled? */
static bool
take(struct ordering *o, struct view der, struct view sha1)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};
	const struct kra_policy_kra *enabled;
	struct err ignored;

	if (!pkix_cert_decode(der, &kra, &ignored) ||
	    !view_eq(view_of(kra.sha1, sizeof kra.sha1), sha1) ||
	    (enabled = kra_policy_find(&o->policy, kra.sha256)) == NULL)
		return false;
	memcpy(o->order.to[o->order.to_count++], kra.sha256, REWRAP_HASH);
	o->order.gcm = o->order.gcm && enabled->reader == CMS_READER_GCM;
	return true;
}

static bool
add_agent(struct ordering *o, const char *sha1_hex, struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0};
	bool found = false;

	if (!hex_decode(sha1_hex, &sha1, err))
		return false;
	for (size_t i = 0; !found && i < o->stored && o->order.to_count < KRA_COUNT_MAX; i++)
		found = take(o, buf_view(&o->store[i]), buf_view(&sha1));
	return found || err_set(err, CERTSRV_E_NO_VALID_KRA,
			    "%s is none of the enabled key recovery agents", sha1_hex);
}

static bool
add_agents(struct ordering *o, const char *const *to, size_t count, struct err *err)
{
	if (!kra_policy_read(o->config, &o->policy, err) ||
	    !kra_store_list(o->config, &o->store, &o->stored, NULL, err))
		return false;
	o->order.gcm = true;
	o->order.threshold = kra_policy_threshold(&o->policy);
	for (size_t i = 0; i < count; i++)
		if (!add_agent(o, to[i], err))
			return false;
	return true;
}

static bool
sign(const struct ordering *o, struct buf *message_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	OWNED(buf_free) struct buf content = {0};

	if (!rewrap_order_encode(&o->order, &content, err) ||
	    !home_first_certificate(o->config, "ca.crt", &ca, err) ||
	    !home_open_ca_key(o->config, &ca, &key, err))
		return false;
	const struct cms_cosigner by = {.key = key, .certificate = buf_view(&ca.raw)};

	return cms_sign_content(&by, oid_dotted(OID_CT_REWRAP_ORDER), buf_view(&content),
	    o->order.when, message_out, err);
}

bool
archive_order_make(const struct config *config, const char *const *to, size_t count,
    struct view entries, struct buf *message_out, struct err *err)
{
	OWNED(ordering_free)
	struct ordering o = {.config = config, .order = {.when = clock_now()}};

	*message_out = (struct buf){0};
	return oids_init(err) && add_agents(&o, to, count, err) &&
	       rewrap_order_count(&o.order, entries, err) && sign(&o, message_out, err);
}
