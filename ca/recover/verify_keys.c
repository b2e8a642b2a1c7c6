#include "verify_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "cms.h"
#include "mem.h"
#include "own.h"
#include "text.h"

void
verify_keys_free(struct verify_keys *v)
{
	for (size_t i = 0; i < v->agent_count; i++)
		pkix_cert_free(&v->agents[i].cert);
	free(v->agents);
	v->agents = NULL;
	v->agent_count = 0;
}

static struct verify_agent *
agent_of(struct verify_keys *v, struct view sha1)
{
	OWNED(buf_free) struct buf der = {0};
	struct verify_agent *a;
	struct err ignored;

	for (size_t i = 0; i < v->agent_count; i++)
		if (memcmp(v->agents[i].sha1, sha1.ptr, sizeof v->agents[i].sha1) == 0)
			return &v->agents[i];
	v->agents = mem_grow(v->agents, v->agent_count, sizeof *v->agents);
	a = &v->agents[v->agent_count++];
	*a = (struct verify_agent){0};
	memcpy(a->sha1, sha1.ptr, sizeof a->sha1);
	a->is_known = store_get_kra(v->store, sha1, &der, &ignored) == STORE_FOUND &&
		      pkix_cert_decode(buf_view(&der), &a->cert, &ignored);
	return a;
}

static bool
is_sealed_to(const struct cms_enveloped *key, const struct verify_agent *a)
{
	for (size_t i = 0; i < key->count; i++)
		if (cms_recipient_is(&key->recipients[i], a->cert.issuer, a->cert.serial))
			return true;
	return false;
}

/* free(); NULL: nothing is wrong with what the row says of the agents. */
static char *
wrong_agents(struct verify_keys *v, const struct cms_enveloped *key, const char *hashes)
{
	OWNED(own_memory) char *list = mem_text(hashes != NULL ? hashes : "");
	char *rest = list, *line;
	size_t named = 0, threshold = 1;

	while ((line = strsep(&rest, "\n")) != NULL) {
		OWNED(buf_free) struct buf sha1 = {0};
		struct verify_agent *a;
		struct err ignored;

		if (*line == '\0')
			continue;
		if (kra_hashes_threshold(line) != 0) {
			threshold = kra_hashes_threshold(line);
			continue;
		}
		if (!hex_decode(line, &sha1, &ignored) || sha1.len != sizeof a->sha1)
			return text_printf("a hash of its KeyRecoveryHashes is none: %s", line);
		named++;
		a = agent_of(v, buf_view(&sha1));
		if (!a->is_known)
			return text_printf(
			    "the certificate of an agent that it names is nowhere: %s", line);
		if (!is_sealed_to(key, a))
			return text_printf("it names an agent to whom it is not sealed: %s", line);
		a->keys++;
	}
	if (threshold != key->threshold)
		return text_printf("%zu of its agents open it together, and its row says %zu",
		    key->threshold, threshold);
	return named == key->count
		   ? NULL
		   : text_printf("it is sealed to %zu agents and names %zu", key->count, named);
}

/* free(); NULL: nothing is wrong. */
static char *
what_is_wrong(struct verify_keys *v, int64_t request, struct view archived)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(cms_enveloped_free) struct cms_enveloped key = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	const char *algorithm;
	int bits;
	struct err err;

	if (!cms_sealed_decode(archived, &key, &err))
		return text_printf("its structure: %s", err.msg);
	if (key.count == 0)
		return mem_text("it is sealed to nobody");
	if (store_get_request(v->store, request, &row, &err) != STORE_FOUND)
		return mem_text("its row cannot be read");
	if (!pkix_cert_decode(buf_view(&row.raw_certificate), &cert, &err))
		return text_printf("whose it is: %s", err.msg);
	if (!pkix_key_info(cert.spki, &algorithm, &bits, &err))
		return text_printf("the public key of its certificate: %s", err.msg);
	return wrong_agents(v, &key, row.key_recovery_hashes);
}

static void
verify_one(int64_t request, struct view archived, void *arg)
{
	struct verify_keys *v = arg;
	OWNED(own_memory) char *wrong = what_is_wrong(v, request, archived);

	v->keys++;
	v->bad += wrong != NULL;
	v->last = request;
	v->seen(request, wrong, v->arg);
}

/* A reader of the database gives the keys, and each key is looked up by another one: as many at
 * once as there are readers would wait for each other for ever. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

bool
verify_keys(struct verify_keys *v, int64_t after, int64_t limit, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&one_at_a_time);
	ok = store_page_archived(v->store, after, limit, verify_one, v, err);
	pthread_mutex_unlock(&one_at_a_time);
	return ok;
}
