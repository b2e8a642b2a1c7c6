#include "crl_lists.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

/* ---- names ---- */

char *
crl_file_suffix(const struct store_crl_id *id)
{
	OWNED(own_memory) char *object = pki_crl_suffix(id->partition, id->key_index);

	return text_printf("%s%s", object, id->delta ? "+" : "");
}

/* A number without leading zeroes between `before` and `behind`, if the first is there. */
static bool
take_number(const char **at, const char *before, const char *behind, uint32_t *out)
{
	int64_t n;
	size_t digits;
	OWNED(own_memory) char *number = NULL;

	*out = 0;
	if (strncmp(*at, before, strlen(before)) != 0)
		return true;
	*at += strlen(before);
	digits = strspn(*at, "0123456789");
	number = mem_text_n(*at, digits);
	*at += digits;
	if (number[0] == '0' || !text_to_int(number, 1, INT32_MAX, &n) ||
	    strncmp(*at, behind, strlen(behind)) != 0)
		return false;
	*out = (uint32_t)n;
	*at += strlen(behind);
	return true;
}

bool
crl_id_of_suffix(const char *suffix, size_t len, struct store_crl_id *out)
{
	OWNED(own_memory) char *text = mem_text_n(suffix, len);
	const char *at = text;

	*out = (struct store_crl_id){0};
	if (!take_number(&at, "-p", "", &out->partition) ||
	    !take_number(&at, "(", ")", &out->key_index))
		return false;
	out->delta = *at == '+';
	return at[out->delta] == '\0';
}

bool
crl_id_eq(const struct store_crl_id *a, const struct store_crl_id *b)
{
	return a->key_index == b->key_index && a->partition == b->partition && a->delta == b->delta;
}

/* ---- places ---- */

struct pki_crl_place
crl_place(const struct ca *ca, const struct store_crl_id *id)
{
	return (struct pki_crl_place){.ca_name = ca->config->ca_name,
	    .host = ca->config->host,
	    .key_index = id->key_index,
	    .partition = id->partition,
	    .delta = id->delta};
}

/* A slash, though escaped, would be read as two segments of a path, here and by the servers
 * between: the CA then goes by its name in the directory, by which its files are found too. */
static char *
file_name(const char *ca_name, const char *suffix)
{
	OWNED(own_memory)
	char *in_dn = strchr(ca_name, '/') != NULL ? pki_sanitize(ca_name) : NULL;

	return text_printf("%s%s", in_dn != NULL ? in_dn : ca_name, suffix);
}

char *
ca_http_url(const struct ca *ca, const char *suffix)
{
	OWNED(own_memory) char *name = file_name(ca->config->ca_name, suffix);
	size_t n = 0;
	OWNED(own_memory) char *escaped = mem_zero(3 * strlen(name) + 1, 1);

	if (ca->config->http_url == NULL)
		return NULL;
	for (const char *p = name; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (isalnum(c) || strchr("-._~()", c) != NULL)
			escaped[n++] = (char)c;
		else
			n += (size_t)snprintf(escaped + n, 4, "%%%02X", c);
	}
	return text_printf("%s/dirca/%s", ca->config->http_url, escaped);
}

void
ca_urls_free(struct ca_urls *u)
{
	free(u->list[0]);
	free(u->list[1]);
}

struct ext_urls
ca_urls_view(const struct ca_urls *u)
{
	return (struct ext_urls){u->list, COUNT_OF(u->list)};
}

bool
crl_urls(struct ca *ca, const struct ca_view *view, const struct store_crl_id *id,
    struct ca_urls *out, struct err *err)
{
	OWNED(own_memory) char *suffix = crl_file_suffix(id);
	OWNED(own_memory) char *file = text_printf("%s.crl", suffix);
	const struct pki_crl_place place = crl_place(ca, id);

	*out = (struct ca_urls){{NULL, ca_http_url(ca, file)}};
	if (view->pki->services_dn == NULL)
		return true;
	out->list[0] = pki_cdp_url(view->pki->services_dn, &place);
	return out->list[0] != NULL ||
	       err_set(err, DIRCA_E_CONFIG, "'%s' cannot be in a URL", ca->config->ca_name);
}

bool
crl_push_freshest(struct ca *ca, const struct ca_view *view, const struct store_crl_id *base,
    ext_list *list, struct err *err)
{
	OWNED(ca_urls_free) struct ca_urls urls = {0};
	struct store_crl_id delta = *base;
	struct ext_urls places;

	if (view->settings.seconds[PERIOD_CRL_DELTA] == 0)
		return true;
	delta.delta = true;
	if (!crl_urls(ca, view, &delta, &urls, err))
		return false;
	places = ca_urls_view(&urls);
	return (urls.list[0] == NULL && urls.list[1] == NULL) ||
	       ext_push_freshest(list, &places, err);
}

/* ---- which there are ---- */

void
crl_ids_free(struct crl_ids *ids)
{
	free(ids->list);
	*ids = (struct crl_ids){0};
}

static void
add_id(struct crl_ids *ids, uint32_t key_index, int64_t partition, bool delta)
{
	ids->list = mem_grow(ids->list, ids->count, sizeof *ids->list);
	ids->list[ids->count++] = (struct store_crl_id){
	    .key_index = key_index, .partition = (uint32_t)partition, .delta = delta};
}

bool
crl_ids_list(struct ca *ca, const struct settings *settings, uint32_t key_index,
    struct crl_ids *out, struct err *err)
{
	int64_t partitions;

	*out = (struct crl_ids){0};
	if (!store_most_partitions(ca->store, key_index, &partitions, err))
		return false;
	if (partitions < settings->num[SETTING_CRL_PARTITIONS])
		partitions = settings->num[SETTING_CRL_PARTITIONS];
	for (int64_t p = 0; p <= partitions; p++) {
		add_id(out, key_index, p, false);
		if (settings->seconds[PERIOD_CRL_DELTA] > 0)
			add_id(out, key_index, p, true);
	}
	return true;
}

size_t
crl_issuer(const struct ca *ca, uint32_t key_index)
{
	const struct ca_issuers *issuers = &ca->info.issuers;
	size_t i = 0;

	while (i < issuers->count && CA_VERSION_KEY(issuers->list[i].version) != key_index)
		i++;
	return i;
}

struct store_crl_id
crl_of_newest_key(const struct ca *ca)
{
	return (struct store_crl_id){.key_index = CA_VERSION_KEY(ca->issuer->version)};
}
