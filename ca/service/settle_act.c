/*
 * What was before a batch of keys was sealed to others goes, where it is of no more use: somebody
 * else than who sealed a key has proved that he opens what is there now. Who made it could have
 * made anything, and prove it: he had the key.
 */
#include "local_acts_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "archive.h"
#include "audit.h"
#include "clock.h"
#include "local_audit.h"
#include "mem.h"
#include "own.h"
#include "store_drills.h"
#include "text.h"

#define PAGE  500
#define GROUP 64 /* keys of one unit of work */

struct settled {
	struct store_request row;
	struct store_prover prover;
	bool done;
};

struct settling {
	const struct config *config;
	struct store *store;
	char *actor;
	struct view batch;
	struct settled group[GROUP];
	size_t count;
	int64_t done, refused;
};

static void
settling_free(struct settling *s)
{
	for (size_t i = 0; i < s->count; i++)
		store_request_free(&s->group[i].row);
	store_close(&s->store);
	free(s->actor);
}

static bool
begin(struct settling *s, struct err *err)
{
	s->actor = local_actor(getuid());
	return act_open_store(s->config, NULL, &s->store, err);
}

/* ---- who proved it ---- */

static bool
read_agent(const struct settling *s, struct view sha1, struct pkix_cert *out, bool *found_out,
    struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};
	struct err ignored;

	*out = (struct pkix_cert){0};
	if (store_get_kra(s->store, sha1, &raw, err) == STORE_FAILED)
		return false;
	*found_out = raw.len > 0 && pkix_cert_decode(buf_view(&raw), out, &ignored);
	return true;
}

/* Two agents of whom one's certificate is not known may be one. */
static bool
are_two(const struct settling *s, const struct pkix_cert *a, struct view sha1, bool *out,
    struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert b = {0};
	bool found;

	if (!read_agent(s, sha1, &b, &found, err))
		return false;
	*out = found && !kra_same_agent(a, &b, !s->config->allow_same_holder);
	return true;
}

/* Of a batch of which nobody knows who sealed it, whoever could have. */
static bool
is_none_of(const struct settling *s, const struct pkix_cert *a, const char *hashes, bool *out,
    struct err *err)
{
	*out = true;
	for (const char *line = hashes; *out && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		OWNED(own_memory) char *text = text_printf("%.*s", (int)len, line);
		OWNED(buf_free) struct buf sha1 = {0};

		if (kra_hashes_threshold(text) == 0 &&
		    (!hex_decode(text, &sha1, err) || !are_two(s, a, buf_view(&sha1), out, err)))
			return false;
		line += len + (line[len] != '\0');
	}
	return true;
}

/* Is an agent somebody else than each of them? */
static bool
is_other(const struct settling *s, struct view sha1, const struct store_sealers *sealers, bool *out,
    struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert agent = {0};

	if (!read_agent(s, sha1, &agent, out, err))
		return false;
	for (size_t i = 0; *out && i < sealers->count; i++) {
		const struct store_sealer *by = &sealers->list[i];

		if (!(by->known ? are_two(s, &agent, view_of(by->kra, sizeof by->kra), out, err)
				: is_none_of(s, &agent, by->could, out, err)))
			return false;
	}
	return true;
}

/* Of a key that several open together each of them must be: who sealed it knows the shares that he
 * made, and could give one that nobody finds in what he gave back. */
static bool
are_others(const struct settling *s, const struct store_prover *p,
    const struct store_sealers *sealers, bool *out, struct err *err)
{
	if (!is_other(s, view_of(p->kra, sizeof p->kra), sealers, out, err))
		return false;
	for (const char *with = p->with; *out && with != NULL && *with != '\0';) {
		size_t len = strcspn(with, ",");
		OWNED(own_memory) char *text = mem_text_n(with, len);
		OWNED(buf_free) struct buf sha1 = {0};

		if (!hex_decode(text, &sha1, err) ||
		    !is_other(s, buf_view(&sha1), sealers, out, err))
			return false;
		with += len + (with[len] != '\0');
	}
	return true;
}

static bool
find_prover(const struct settling *s, const struct store_request *row, struct store_prover *out,
    bool *found_out, struct err *err)
{
	OWNED(store_sealers_free) struct store_sealers sealers = {0};
	OWNED(store_provers_free) struct store_provers provers = {0};
	uint8_t is[STORE_DRILL_HASH] = {0};
	const struct view sealed = view_of(is, sizeof is);

	*found_out = false;
	SHA256(row->raw_archived_key.ptr, row->raw_archived_key.len, is);
	if (!store_list_sealers(s->store, row->request_id, sealed, &sealers, err) ||
	    !store_list_provers(s->store, row->request_id, sealed, &provers, err))
		return false;
	for (size_t i = 0; !*found_out && i < provers.count; i++) {
		*out = provers.list[i];
		out->with = NULL; /* the list's */
		if (!are_others(s, &provers.list[i], &sealers, found_out, err))
			return false;
	}
	return true;
}

/* ---- what goes ---- */

static bool
settle(struct store_tx *tx, const struct settling *s, struct settled *x, struct err *err)
{
	OWNED(own_memory) char *id = hex_encode(s->batch, '\0');
	OWNED(own_memory)
	char *drill = hex_encode(view_of(x->prover.drill, sizeof x->prover.drill), '\0');
	OWNED(own_memory)
	char *kra = hex_encode(view_of(x->prover.kra, sizeof x->prover.kra), '\0');
	OWNED(own_memory) char *certificate = ca_audit_certificate(&x->row);
	OWNED(own_memory)
	char *detail = text_printf("settle=%s drill=%s kra=%s %s", id, drill, kra, certificate);
	const struct ca_audit a = {.when = clock_now(),
	    .event = AUDIT_KEY_ARCHIVED,
	    .actor = s->actor,
	    .request_id = x->row.request_id,
	    .object = x->row.serial_number,
	    .detail = detail};

	if (!store_settle_key(
		tx, x->row.request_id, s->batch, buf_view(&x->row.raw_archived_key), &x->done, err))
		return false;
	return !x->done || ca_audit(tx, &a, err);
}

static bool
settle_group(struct store_tx *tx, void *arg, struct err *err)
{
	struct settling *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if (!settle(tx, s, &s->group[i], err))
			return false;
	return true;
}

static void
refuse(struct settling *s, int64_t request_id, const char *why, enum err_code code)
{
	printf("request %" PRId64 ": %s (%s)\n", request_id, why, err_name(code));
	s->refused++;
}

static bool
end_group(struct settling *s, struct err *err)
{
	bool ok = s->count == 0 || store_do(s->store, settle_group, s, err);

	for (size_t i = 0; i < s->count; i++) {
		if (ok && s->group[i].done)
			s->done++;
		else if (ok)
			refuse(s, s->group[i].row.request_id,
			    "its archived key was changed just now; it is left", DIRCA_E_CHANGED);
		store_request_free(&s->group[i].row);
	}
	s->count = 0;
	return ok;
}

static bool
take_key(struct settling *s, int64_t request_id, struct err *err)
{
	struct settled *x = &s->group[s->count];
	bool found;

	*x = (struct settled){0};
	if (store_get_request(s->store, request_id, &x->row, err) == STORE_FAILED)
		return false;
	s->count++; /* the row is the group's */
	if (!find_prover(s, &x->row, &x->prover, &found, err))
		return false;
	if (found)
		return s->count < GROUP || end_group(s, err);
	store_request_free(&x->row);
	s->count--;
	refuse(s, request_id,
	    "no other key recovery agents than who sealed it have proved that they open it",
	    CERTSRV_E_NO_VALID_KRA);
	return true;
}

static bool
settle_batch(struct settling *s, struct err *err)
{
	OWNED(store_former_keys_free) struct store_former_keys page = {0};
	int64_t after = 0;

	do {
		store_former_keys_free(&page);
		if (!store_list_former_keys(s->store, s->batch, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++)
			if (!take_key(s, after = page.list[i].request_id, err))
				return false;
	} while (page.count == PAGE);
	if (!end_group(s, err))
		return false;
	return s->done + s->refused > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND, "no former key of such a batch is kept");
}

int
act_archive_settle(const struct config *config, const char *batch_hex)
{
	OWNED(settling_free) struct settling s = {.config = config};
	OWNED(buf_free) struct buf batch = {0};
	struct err err;

	if (!hex_decode(batch_hex, &batch, &err))
		return act_failed(&err, 1);
	s.batch = buf_view(&batch);
	if (!begin(&s, &err) || !settle_batch(&s, &err))
		return act_failed(&err, 1);
	printf("%" PRId64 " former keys let go, %" PRId64 " refused.\n", s.done, s.refused);
	return s.refused > 0 ? ACT_FINDINGS : 0;
}
