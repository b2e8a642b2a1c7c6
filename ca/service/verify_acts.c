/* Every archived key, on the CA's machine: ca/recover/verify_keys.h. */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"
#include "text.h"
#include "verify_keys.h"

#define SHOWN_MAX     100  /* findings; the others are counted */
#define PROGRESS_STEP 1000 /* keys */

struct verify {
	struct verify_keys all;
	size_t shown_count;
	struct finding {
		int64_t request;
		char *what;
	} shown[SHOWN_MAX];
	bool shows_progress;
};

static void
verify_free(struct verify *v)
{
	verify_keys_free(&v->all);
	for (size_t i = 0; i < v->shown_count; i++)
		free(v->shown[i].what);
}

static void
see(int64_t request, const char *what, void *arg)
{
	struct verify *v = arg;

	if (v->shows_progress && v->all.keys % PROGRESS_STEP == 0)
		fprintf(stderr, "\r%" PRId64 " keys ", v->all.keys);
	if (what != NULL && v->shown_count < SHOWN_MAX)
		v->shown[v->shown_count++] = (struct finding){request, mem_text(what)};
}

static bool
look(const struct config *config, struct verify *v, struct err *err)
{
	bool ok;

	v->shows_progress = isatty(STDERR_FILENO) == 1;
	v->all.seen = see;
	v->all.arg = v;
	ok = act_open_store(config, NULL, &v->all.store, err) && verify_keys(&v->all, 0, -1, err);
	store_close(&v->all.store);
	if (v->shows_progress)
		fputs("\r\033[K", stderr);
	return ok;
}

/* ---- what is told ---- */

static void
print_text(const struct verify *v)
{
	printf("Archived keys: %" PRId64 ", of which something is wrong with %" PRId64 "\n",
	    v->all.keys, v->all.bad);
	for (size_t i = 0; i < v->all.agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(v->all.agents[i].sha1, 20), '\0');
		OWNED(own_memory)
		char *name = v->all.agents[i].is_known
				 ? pkix_name_text(v->all.agents[i].cert.subject)
				 : NULL;

		printf("Sealed to %s (%s): %" PRId64 "\n",
		    name != NULL ? name : "an agent who is not known", hash, v->all.agents[i].keys);
	}
	for (size_t i = 0; i < v->shown_count; i++)
		printf("request %" PRId64 ": %s\n", v->shown[i].request, v->shown[i].what);
	if (v->all.bad > SHOWN_MAX)
		printf("and %" PRId64 " more\n", v->all.bad - SHOWN_MAX);
}

static void
print_json(const struct verify *v)
{
	json_t *agents = json_array(), *findings = json_array();

	for (size_t i = 0; i < v->all.agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(v->all.agents[i].sha1, 20), '\0');

		json_array_append_new(agents,
		    json_pack("{s:s, s:b, s:I}", "certificate_hash", hash, "known",
			(int)v->all.agents[i].is_known, "keys", (json_int_t)v->all.agents[i].keys));
	}
	for (size_t i = 0; i < v->shown_count; i++)
		json_array_append_new(
		    findings, json_pack("{s:I, s:s}", "request_id", (json_int_t)v->shown[i].request,
				  "what", v->shown[i].what));
	act_print_json(json_pack("{s:I, s:I, s:o, s:o}", "keys", (json_int_t)v->all.keys, "bad",
	    (json_int_t)v->all.bad, "agents", agents, "findings", findings));
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
	return v.all.bad > 0 ? ACT_FINDINGS : 0;
}
