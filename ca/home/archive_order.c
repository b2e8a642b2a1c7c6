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

/* The certificate of the store that has this SHA-1. */
static bool
find(const struct ordering *o, const char *sha1_hex, struct pkix_cert *out, bool *found_out,
    struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0};
	struct err ignored;

	*out = (struct pkix_cert){0};
	*found_out = false;
	if (!hex_decode(sha1_hex, &sha1, err))
		return false;
	for (size_t i = 0; i < o->stored; i++) {
		if (!pkix_cert_decode(buf_view(&o->store[i]), out, &ignored))
			continue;
		*found_out = view_eq(view_of(out->sha1, sizeof out->sha1), buf_view(&sha1));
		if (*found_out)
			return true;
		pkix_cert_free(out);
	}
	return true;
}

static bool
add_agent(struct ordering *o, const char *sha1_hex, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};
	const struct kra_policy_kra *enabled = NULL;
	bool found;

	if (!find(o, sha1_hex, &kra, &found, err))
		return false;
	if (!found || (enabled = kra_policy_find(&o->policy, kra.sha256)) == NULL ||
	    o->order.to_count == KRA_COUNT_MAX)
		return err_set(err, CERTSRV_E_NO_VALID_KRA,
		    "%s is none of the enabled key recovery agents", sha1_hex);
	memcpy(o->order.to[o->order.to_count++], kra.sha256, REWRAP_HASH);
	o->order.gcm = o->order.gcm && enabled->reader == CMS_READER_GCM;
	return true;
}

/* He may have left: only that root knows his certificate is asked for. */
static bool
set_combiner(struct ordering *o, const char *sha1_hex, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};
	bool found;

	if (!find(o, sha1_hex, &kra, &found, err))
		return false;
	if (!found)
		return err_set(err, CERTSRV_E_NO_VALID_KRA,
		    "the KRA store has no certificate %s, and who puts the shares of others "
		    "together is named by his certificate",
		    sha1_hex);
	o->order.together = true;
	memcpy(o->order.combiner, kra.sha256, sizeof o->order.combiner);
	return true;
}

static bool
add_agents(struct ordering *o, const struct archive_order *in, struct err *err)
{
	if (!kra_policy_read(o->config, &o->policy, err) ||
	    !kra_store_list(o->config, &o->store, &o->stored, NULL, err) ||
	    (in->combiner != NULL && !set_combiner(o, in->combiner, err)))
		return false;
	o->order.gcm = in->count > 0;
	o->order.threshold = in->count > 0 ? kra_policy_threshold(&o->policy) : 1;
	for (size_t i = 0; i < in->count; i++)
		if (!add_agent(o, in->to[i], err))
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
archive_order_make(const struct config *config, const struct archive_order *in, struct view entries,
    struct buf *message_out, struct err *err)
{
	OWNED(ordering_free)
	struct ordering o = {.config = config, .order = {.when = clock_now()}};

	*message_out = (struct buf){0};
	return oids_init(err) && add_agents(&o, in, err) &&
	       rewrap_order_count(&o.order, entries, err) && sign(&o, message_out, err);
}
