/* Whether every archived key could be recovered, as far as can be told without opening one: its
 * structure, to whom it is sealed, whether that is whom the row names, and whose it is. */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "cms.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "service.h"
#include "store.h"
#include "text.h"

#define SHOWN_MAX     100  /* findings; the others are counted */
#define PROGRESS_STEP 1000 /* keys */

/* A KRA certificate, found once. */
struct agent {
	uint8_t sha1[20];
	bool is_known;
	struct pkix_cert cert;
	int64_t keys;
};

struct verify {
	struct store *store;
	struct agent *agents;
	size_t agent_count;
	int64_t keys, bad;
	struct finding {
		int64_t request;
		char *what;
	} shown[SHOWN_MAX];
	bool shows_progress;
};

static void
verify_free(struct verify *v)
{
	for (size_t i = 0; i < v->agent_count; i++)
		pkix_cert_free(&v->agents[i].cert);
	free(v->agents);
	for (size_t i = 0; i < SHOWN_MAX; i++)
		free(v->shown[i].what);
}

/* ---- one key ---- */

static struct agent *
agent_of(struct verify *v, struct view sha1)
{
	OWNED(buf_free) struct buf der = {0};
	struct agent *a;
	struct err ignored;

	for (size_t i = 0; i < v->agent_count; i++)
		if (memcmp(v->agents[i].sha1, sha1.ptr, sizeof v->agents[i].sha1) == 0)
			return &v->agents[i];
	v->agents = mem_grow(v->agents, v->agent_count, sizeof *v->agents);
	a = &v->agents[v->agent_count++];
	*a = (struct agent){0};
	memcpy(a->sha1, sha1.ptr, sizeof a->sha1);
	a->is_known = store_get_kra(v->store, sha1, &der, &ignored) == STORE_FOUND &&
		      pkix_cert_decode(buf_view(&der), &a->cert, &ignored);
	return a;
}

static bool
is_sealed_to(const struct cms_enveloped *key, const struct agent *a)
{
	for (size_t i = 0; i < key->count; i++)
		if (cms_recipient_is(&key->recipients[i], a->cert.issuer, a->cert.serial))
			return true;
	return false;
}

/* free(); NULL: nothing is wrong with what the row says of the agents. */
static char *
wrong_agents(struct verify *v, const struct cms_enveloped *key, const char *hashes)
{
	OWNED(own_memory) char *list = mem_text(hashes != NULL ? hashes : "");
	char *rest = list, *line;
	size_t named = 0, threshold = 1;

	while ((line = strsep(&rest, "\n")) != NULL) {
		OWNED(buf_free) struct buf sha1 = {0};
		struct agent *a;
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
what_is_wrong(struct verify *v, int64_t request, struct view archived)
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
	struct verify *v = arg;
	char *wrong = what_is_wrong(v, request, archived);

	v->keys++;
	if (v->shows_progress && v->keys % PROGRESS_STEP == 0)
		fprintf(stderr, "\r%" PRId64 " keys ", v->keys);
	if (wrong == NULL)
		return;
	if (v->bad < SHOWN_MAX)
		v->shown[v->bad] = (struct finding){request, wrong};
	else
		free(wrong);
	v->bad++;
}

static bool
look(const struct config *config, struct verify *v, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	bool ok;

	v->shows_progress = isatty(STDERR_FILENO) == 1;
	ok = service_become(config->user, err) && store_open(path, &v->store, err) &&
	     store_walk_archived(v->store, verify_one, v, err);
	store_close(&v->store);
	if (v->shows_progress)
		fputs("\r\033[K", stderr);
	return ok;
}

/* ---- what is told ---- */

static int64_t
shown_count(const struct verify *v)
{
	return v->bad < SHOWN_MAX ? v->bad : SHOWN_MAX;
}

static void
print_text(const struct verify *v)
{
	printf("Archived keys: %" PRId64 ", of which something is wrong with %" PRId64 "\n",
	    v->keys, v->bad);
	for (size_t i = 0; i < v->agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(v->agents[i].sha1, 20), '\0');
		OWNED(own_memory)
		char *name =
		    v->agents[i].is_known ? pkix_name_text(v->agents[i].cert.subject) : NULL;

		printf("Sealed to %s (%s): %" PRId64 "\n",
		    name != NULL ? name : "an agent who is not known", hash, v->agents[i].keys);
	}
	for (int64_t i = 0; i < shown_count(v); i++)
		printf("request %" PRId64 ": %s\n", v->shown[i].request, v->shown[i].what);
	if (v->bad > SHOWN_MAX)
		printf("and %" PRId64 " more\n", v->bad - SHOWN_MAX);
}

static void
print_json(const struct verify *v)
{
	json_t *agents = json_array(), *findings = json_array();

	for (size_t i = 0; i < v->agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(v->agents[i].sha1, 20), '\0');

		json_array_append_new(
		    agents, json_pack("{s:s, s:b, s:I}", "certificate_hash", hash, "known",
				(int)v->agents[i].is_known, "keys", (json_int_t)v->agents[i].keys));
	}
	for (int64_t i = 0; i < shown_count(v); i++)
		json_array_append_new(
		    findings, json_pack("{s:I, s:s}", "request_id", (json_int_t)v->shown[i].request,
				  "what", v->shown[i].what));
	act_print_json(json_pack("{s:I, s:I, s:o, s:o}", "keys", (json_int_t)v->keys, "bad",
	    (json_int_t)v->bad, "agents", agents, "findings", findings));
}

int
act_verify_keys(const struct config *config, bool json)
{
	OWNED(verify_free) struct verify v = {0};
	struct err err;

	if (!look(config, &v, &err))
		return act_failed(&err, 1);
	if (json)
		print_json(&v);
	else
		print_text(&v);
	return v.bad > 0 ? ACT_FINDINGS : 0;
}
