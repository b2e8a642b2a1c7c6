#include "enabled_kras.h"

#include <stdlib.h>

#include "clock.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "mem.h"
#include "own.h"
#include "trust.h"

void
enabled_kras_free(struct enabled_kras *k)
{
	for (size_t i = 0; i < k->count; i++)
		pkix_cert_free(&k->list[i]);
	free(k->list);
	free(k->readers);
	*k = (struct enabled_kras){0};
}

static bool
read_issuers(const struct config *config, struct trust_issuers *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers own = {0};

	return ca_issuers_read(path, &own, err) &&
	       trust_kra_issuers(config->state_dir, &own, out, err);
}

static void
take_enabled(const struct config *config, const struct kra_policy *policy,
    const struct trust_issuers *issuers, struct view der, struct enabled_kras *out)
{
	OWNED(pkix_cert_free) struct pkix_cert kra = {0};
	const struct kra_policy_kra *enabled;
	struct err ignored;

	if (!pkix_cert_decode(der, &kra, &ignored) ||
	    (enabled = kra_policy_find(policy, kra.sha256)) == NULL ||
	    !archive_floor_reader(
		config->archive_floor, kra_policy_threshold(policy), enabled->reader, &ignored) ||
	    !kra_validate(&kra, issuers->list, issuers->count, clock_now(), &ignored))
		return;
	out->readers[out->count] = enabled->reader;
	out->list[out->count++] = kra;
	kra = (struct pkix_cert){0};
}

bool
enabled_kras_read(const struct config *config, struct enabled_kras *out, struct err *err)
{
	OWNED(trust_issuers_free) struct trust_issuers issuers = {0};
	OWNED(kra_policy_free) struct kra_policy policy = {0};
	struct buf *stored = NULL;
	size_t count = 0;

	if (!kra_policy_read(config, &policy, err) && err->code != ERROR_FILE_NOT_FOUND)
		return false;
	if (!read_issuers(config, &issuers, err) ||
	    !kra_store_list(config, &stored, &count, NULL, err))
		return false;
	out->needed = policy.count;
	out->threshold = kra_policy_threshold(&policy);
	out->list = mem_zero(count, sizeof *out->list);
	out->readers = mem_zero(count, sizeof *out->readers);
	for (size_t i = 0; i < count; i++)
		take_enabled(config, &policy, &issuers, buf_view(&stored[i]), out);
	kra_store_free(&stored, count);
	return true;
}

bool
enabled_kras_living(struct enabled_kras *k, struct store *store, struct err *err)
{
	for (size_t i = 0; i < k->count;) {
		OWNED(store_request_free) struct store_request row = {0};
		const struct pkix_cert *kra = &k->list[i];

		if (store_get_by_hash(store, view_of(kra->sha1, sizeof kra->sha1), &row, err) ==
		    STORE_FAILED)
			return false;
		if (row.disposition != DISP_REVOKED) {
			i++;
			continue;
		}
		pkix_cert_free(&k->list[i]);
		k->list[i] = k->list[--k->count];
		k->readers[i] = k->readers[k->count];
	}
	return true;
}
