/*
 * The CA's lists of revoked certificates by name: each is a base or a delta CRL, of one of the CA's
 * keys, of all its certificates or of a partition of them. File and object are named as AD CS does
 * (docs/FACTS.md 15): "<CA name>-p<partition>(<key>)+", where the partition 0, the key 0 and a base
 * CRL add nothing.
 */
#ifndef CORE_CRL_LISTS_H
#define CORE_CRL_LISTS_H

#include "ca.h"
#include "extension.h"

/* What stands behind the CA's name in the file's name. free(). */
char *crl_file_suffix(const struct store_crl_id *id);
/* From crl_file_suffix; false: it is none. */
bool crl_id_of_suffix(const char *suffix, size_t len, struct store_crl_id *out);

struct pki_crl_place crl_place(const struct ca *ca, const struct store_crl_id *id);

/* In the directory and by HTTP; NULL: not there. */
struct ca_urls {
	char *list[2];
};
void ca_urls_free(struct ca_urls *u);
struct ext_urls ca_urls_view(const struct ca_urls *u);
/* Where a list is found; not in the directory while the view knows of none. DIRCA_E_CONFIG. */
bool crl_urls(struct ca *ca, const struct ca_view *view, const struct store_crl_id *id,
    struct ca_urls *out, struct err *err);
/* Where the delta CRL of that base CRL is, if the CA makes any: Freshest CRL. */
bool crl_push_freshest(struct ca *ca, const struct ca_view *view, const struct store_crl_id *base,
    ext_list *list, struct err *err);
/* "<http_url>/dirca/<name><suffix>"; NULL without an http_url. free(). */
char *ca_http_url(const struct ca *ca, const char *suffix);

/* Those of a key that the CA makes: with deltas, if there are any, behind their base. */
struct crl_ids {
	struct store_crl_id *list;
	size_t count;
};
void crl_ids_free(struct crl_ids *ids);
/* Partitions that had a CRL once go on: certificates name them. */
bool crl_ids_list(struct ca *ca, const struct settings *settings, uint32_t key_index,
    struct crl_ids *out, struct err *err);
/* The newest certificate of a key: an index of info.issuers.list, or its count: none. */
size_t crl_issuer(const struct ca *ca, uint32_t key_index);
/* The complete one of the newest key. */
struct store_crl_id crl_of_newest_key(const struct ca *ca);
bool crl_id_eq(const struct store_crl_id *a, const struct store_crl_id *b);

#endif
