/*
 * Drills: archived keys, drawn by chance, that a key recovery agent is to open, and what he gives
 * back to prove it. Who the agent is says root, and nobody believes a report but by the agent's key
 * and the keys of the certificates themselves.
 */
#include "local_acts_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "archive.h"
#include "audit.h"
#include "clock.h"
#include "drill.h"
#include "file.h"
#include "kra_coverage.h"
#include "local_audit.h"
#include "mem.h"
#include "own_openssl.h"
#include "rewrap_entry.h"
#include "store_drills.h"
#include "text.h"

#define FILE_MOST   (64 * 1024 * 1024)
#define PAGE        1000
#define SAMPLE_MOST 10000

struct drilling {
	const struct config *config;
	struct store *store;
	char *actor;
	struct pkix_cert kra;
};

static void
drilling_free(struct drilling *d)
{
	store_close(&d->store);
	free(d->actor);
	pkix_cert_free(&d->kra);
}

static bool
begin(struct drilling *d, struct err *err)
{
	d->actor = local_actor(getuid());
	return act_open_store(d->config, NULL, &d->store, err);
}

/* Of an agent, enabled or not, whose certificate the database has. */
static bool
read_agent(struct drilling *d, struct view sha1, struct pkix_cert *out, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	switch (store_get_kra(d->store, sha1, &raw, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "no archived key is sealed to a certificate with that thumbprint");
	case STORE_FOUND:
		break;
	}
	return pkix_cert_decode(buf_view(&raw), out, err);
}

static bool
find_agent(struct drilling *d, struct view sha1, struct err *err)
{
	return read_agent(d, sha1, &d->kra, err);
}

/* ---- out ---- */

struct drawn {
	char *serial, *certificate; /* for its record */
};

struct sample {
	struct drilling d;
	struct store_drill drill;
	size_t wanted;
	struct pkix_certs with; /* who give him their shares; none: he opens the keys alone */
	char *with_line;        /* their SHA-1, as records have them */
	struct texts opens;     /* combinations of agents, as rows have them */
	struct store_ids pool;  /* to draw from */
	struct store_drill_key *keys;
	struct drawn *drawn;
	size_t count;
	int64_t others; /* keys of his that are opened otherwise */
	struct buf content;
};

static void
sample_free(struct sample *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->drawn[i].serial);
		free(s->drawn[i].certificate);
	}
	free(s->drawn);
	free(s->keys);
	pkix_certs_free(&s->with);
	free(s->with_line);
	texts_free(&s->opens);
	store_ids_free(&s->pool);
	buf_free(&s->content);
	drilling_free(&s->d);
}

static bool
pool_sealed_to(struct sample *s, const char *hashes, struct err *err)
{
	OWNED(store_ids_free) struct store_ids page = {0};
	int64_t after = 0;

	do {
		store_ids_free(&page);
		if (!store_sealed_to(s->d.store, hashes, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++)
			store_ids_add(&s->pool, after = page.list[i]);
	} while (page.count == PAGE);
	return true;
}

/* A certificate that was renewed with its key is the same agent. */
static bool
is_agent(const struct sample *s, const struct coverage_agent *a, const struct pkix_cert *who,
    bool *out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(buf_free) struct buf raw = {0};
	struct err ignored;

	*out = false;
	if (store_get_kra(s->d.store, view_of(a->sha1, sizeof a->sha1), &raw, err) == STORE_FAILED)
		return false;
	*out = raw.len > 0 && pkix_cert_decode(buf_view(&raw), &cert, &ignored) &&
	       kra_same_agent(&cert, who, false);
	return true;
}

static bool
has_agent(const struct sample *s, const struct coverage *c, const struct coverage_set *set,
    const struct pkix_cert *who, bool *out, struct err *err)
{
	*out = false;
	for (size_t i = 0; i < set->count && !*out; i++)
		if (!is_agent(s, &c->agents[set->agents[i]], who, out, err))
			return false;
	return true;
}

/* Alone; or with all of those who give their shares, so that nobody is named who need not prove
 * that he has his. */
static bool
opens_set(const struct sample *s, const struct coverage *c, const struct coverage_set *set,
    bool *out, struct err *err)
{
	if (s->with.count == 0) {
		*out = set->threshold <= 1;
		return true;
	}
	*out = set->threshold == s->with.count + 1;
	for (size_t i = 0; *out && i < s->with.count; i++)
		if (!has_agent(s, c, set, &s->with.list[i], out, err))
			return false;
	return true;
}

static bool
take_set(
    struct sample *s, const struct coverage *c, const struct coverage_set *set, struct err *err)
{
	bool has, opens;

	if (!has_agent(s, c, set, &s->d.kra, &has, err) || !opens_set(s, c, set, &opens, err))
		return false;
	if (has && !opens)
		s->others += set->keys;
	for (size_t k = 0; has && opens && k < set->hashes.count; k++)
		texts_add(&s->opens, set->hashes.list[k]);
	return true;
}

/* The combinations of agents of which he is one. */
static bool
find_sets(struct sample *s, struct err *err)
{
	OWNED(coverage_free) struct coverage c = {0};

	if (!kra_coverage(s->d.store, NULL, 0, &c, err))
		return false;
	for (size_t i = 0; i < c.set_count; i++)
		if (!take_set(s, &c, &c.sets[i], err))
			return false;
	return true;
}

static bool
is_named(const struct sample *s, const struct pkix_cert *who)
{
	if (kra_same_agent(who, &s->d.kra, false))
		return true;
	for (size_t i = 0; i < s->with.count; i++)
		if (kra_same_agent(who, &s->with.list[i], false))
			return true;
	return false;
}

static bool
find_with(struct sample *s, char *const *hashes, int count, struct err *err)
{
	for (int i = 0; i < count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert who = {0};
		OWNED(buf_free) struct buf sha1 = {0};

		if (!hex_decode(hashes[i], &sha1, err) ||
		    !read_agent(&s->d, buf_view(&sha1), &who, err))
			return false;
		if (is_named(s, &who))
			return err_set(err, E_INVALIDARG,
			    "who gives his share is another agent than who gets it");
		if (!pkix_certs_add(&s->with, buf_view(&who.raw), err))
			return false;
		text_list_add(&s->with_line, ",", hashes[i]);
	}
	return true;
}

/* All that he opens so, */
static bool
pool_of_agent(struct sample *s, struct err *err)
{
	for (size_t i = 0; i < s->opens.count; i++)
		if (!pool_sealed_to(s, s->opens.list[i], err))
			return false;
	return true;
}

/* or those that were sealed to others in a batch. */
static bool
pool_of_batch(struct sample *s, struct view batch, struct err *err)
{
	OWNED(store_former_keys_free) struct store_former_keys page = {0};
	int64_t after = 0;

	do {
		store_former_keys_free(&page);
		if (!store_list_former_keys(s->d.store, batch, after, PAGE, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++)
			store_ids_add(&s->pool, after = page.list[i].request_id);
	} while (page.count == PAGE);
	return s->pool.count > 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND, "no key of such a batch waits to be proved");
}

/* What was drawn twice by one sealed key in two rows proves no more. */
static bool
is_drawn(const struct sample *s, const uint8_t sealed[STORE_DRILL_HASH])
{
	for (size_t i = 0; i < s->count; i++)
		if (memcmp(s->keys[i].sealed, sealed, STORE_DRILL_HASH) == 0)
			return true;
	return false;
}

static bool
take_row(struct sample *s, const struct store_request *row, struct err *err)
{
	OWNED(buf_free) struct buf entry = {0};
	struct store_drill_key key = {.request_id = row->request_id};

	SHA256(row->raw_archived_key.ptr, row->raw_archived_key.len, key.sealed);
	if (is_drawn(s, key.sealed))
		return true;
	const struct rewrap_entry e = {.batch = view_of(s->drill.id, sizeof s->drill.id),
	    .request_id = row->request_id,
	    .former = view_of(key.sealed, sizeof key.sealed),
	    .certificate = buf_view(&row->raw_certificate),
	    .key = buf_view(&row->raw_archived_key)};

	if (!rewrap_entry_encode(&e, &entry, err) ||
	    !buf_append(&s->content, buf_view(&entry), err))
		return false;
	s->keys[s->count] = key;
	s->drawn[s->count++] =
	    (struct drawn){mem_text(row->serial_number), ca_audit_certificate(row)};
	return true;
}

static bool
take_key(struct sample *s, int64_t request_id, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	if (store_get_request(s->d.store, request_id, &row, err) == STORE_FAILED)
		return false;
	if ((row.disposition != DISP_ISSUED && row.disposition != DISP_REVOKED &&
		row.disposition != DISP_FOREIGN) ||
	    row.raw_archived_key.len == 0 || row.raw_certificate.len == 0 ||
	    !texts_has(&s->opens, row.key_recovery_hashes))
		return true;
	return take_row(s, &row, err);
}

/* Which of them nobody can foresee: an agent who has lost some would have others drawn. */
static bool
draw(struct sample *s, struct err *err)
{
	while (s->pool.count > 0 && s->count < s->wanted) {
		uint64_t random;
		int64_t id, *at;

		if (RAND_bytes((unsigned char *)&random, (int)sizeof random) != 1)
			return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
		at = &s->pool.list[random % s->pool.count];
		id = *at;
		*at = s->pool.list[--s->pool.count];
		if (!take_key(s, id, err))
			return false;
	}
	return true;
}

static char *
id_text(const struct store_drill *d)
{
	return hex_encode(view_of(d->id, sizeof d->id), '\0');
}

static bool
audit_drawn(struct store_tx *tx, const struct sample *s, const char *id, const char *kra, size_t i,
    struct err *err)
{
	OWNED(own_memory)
	char *detail = text_printf("drill=%s kra=%s%s%s %s", id, kra,
	    s->drill.with != NULL ? " with=" : "", s->with_line, s->drawn[i].certificate);
	const struct ca_audit a = {.when = s->drill.opened_when,
	    .event = AUDIT_KEY_RETRIEVED,
	    .actor = s->d.actor,
	    .request_id = s->keys[i].request_id,
	    .object = s->drawn[i].serial,
	    .detail = detail};

	return ca_audit(tx, &a, err);
}

/* Before anything of it leaves: the drill, and each key as one that somebody gets. */
static bool
record_drill(struct store_tx *tx, void *arg, struct err *err)
{
	const struct sample *s = arg;
	OWNED(own_memory) char *id = id_text(&s->drill);
	OWNED(own_memory)
	char *kra = hex_encode(view_of(s->drill.kra, sizeof s->drill.kra), '\0');
	OWNED(own_memory)
	char *detail = text_printf("verb=archive drill new keys=%zu kra=%s%s%s", s->count, kra,
	    s->drill.with != NULL ? " with=" : "", s->with_line);
	const struct ca_audit a = {.when = s->drill.opened_when,
	    .event = AUDIT_FILES_CHANGED,
	    .actor = s->d.actor,
	    .object = id,
	    .detail = detail};

	if (!store_add_drill(tx, &s->drill, s->keys, err) || !ca_audit(tx, &a, err))
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (!audit_drawn(tx, s, id, kra, i, err))
			return false;
	return true;
}

/* What the front has no say in: as arguments. */
struct drill_args {
	const char *file, *kra, *batch;
	char *const *with;
	int with_count;
};

static bool
write_drill(struct sample *s, int file, struct err *err)
{
	memcpy(s->drill.kra, s->d.kra.sha1, sizeof s->drill.kra);
	s->drill.opened_when = clock_now();
	s->drill.keys = (int64_t)s->count;
	s->drill.with = s->with.count > 0 ? s->with_line : NULL;
	return store_do(s->d.store, record_drill, s, err) &&
	       ((file_write_all(file, buf_view(&s->content)) && fsync(file) == 0) ||
		   err_errno(err, DIRCA_E_IO, "the drill cannot be written"));
}

static bool
make_drill(struct sample *s, int file, const struct drill_args *in, struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0}, batch = {0};

	if (RAND_bytes(s->drill.id, sizeof s->drill.id) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
	if (!hex_decode(in->kra, &sha1, err) ||
	    (*in->batch != '\0' && !hex_decode(in->batch, &batch, err)) || !begin(&s->d, err) ||
	    !find_agent(&s->d, buf_view(&sha1), err) ||
	    !find_with(s, in->with, in->with_count, err) || !find_sets(s, err) ||
	    !(batch.len > 0 ? pool_of_batch(s, buf_view(&batch), err) : pool_of_agent(s, err)) ||
	    !draw(s, err))
		return false;
	if (s->count > 0)
		return write_drill(s, file, err);
	return s->others == 0 ||
	       err_set(err, DIRCA_E_KEY_SHARE, "%" PRId64 " keys are sealed to this agent, and %s",
		   s->others,
		   s->with.count > 0
		       ? "none is one that just these, and no fewer, open together"
		       : "he opens none of them alone: --with names who gives him a share");
}

static bool
take_args(struct sample *s, char *const *args, int count, struct drill_args *out)
{
	if (count < 4)
		return false;
	*out = (struct drill_args){args[0], args[1], args[3], args + 4, count - 4};
	s->wanted = strtoul(args[2], NULL, 10);
	return s->wanted >= 1 && s->wanted <= SAMPLE_MOST;
}

int
act_drill_new(const struct config *config, char *const *args, int count)
{
	OWNED(sample_free)
	struct sample s = {.d = {.config = config}, .with_line = mem_text("")};
	OWNED(own_memory) char *id = NULL;
	OWNED(own_fd) int file = -1;
	struct drill_args in;
	struct err err;

	if (!take_args(&s, args, count, &in))
		return 2;
	s.keys = mem_zero(s.wanted, sizeof *s.keys);
	s.drawn = mem_zero(s.wanted, sizeof *s.drawn);
	file = open(in.file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0) {
		err_errno(&err, DIRCA_E_IO, "%s", in.file);
		return act_failed(&err, 1);
	}
	if (!make_drill(&s, file, &in, &err))
		return act_failed(&err, 1);
	if (s.count == 0) {
		puts("No key is sealed to this agent.");
		return ACT_FINDINGS;
	}
	id = id_text(&s.drill);
	printf("Drill %s: %zu keys.\n", id, s.count);
	if (s.others > 0)
		printf("%" PRId64 " keys that %s are not in it.\n", s.others,
		    s.with.count > 0 ? "others, or fewer, open" : "several agents open together");
	return 0;
}

/* ---- what there is ---- */

struct listing {
	json_t *list;
	int64_t now;
	struct store_drill *last; /* of each certificate */
	size_t count;
};

static void
listing_free(struct listing *l)
{
	free(l->last);
	json_decref(l->list);
}

static const char *
drill_state(const struct store_drill *d, int64_t now)
{
	if (d->proved >= d->keys)
		return "proved";
	return d->reported_when != 0               ? "incomplete"
	       : d->opened_when < now - CA_DRILL_S ? "late"
						   : "waits";
}

static void
list_drill(const struct store_drill *d, void *arg)
{
	struct listing *l = arg;
	OWNED(own_memory) char *id = id_text(d);
	OWNED(own_memory) char *kra = hex_encode(view_of(d->kra, sizeof d->kra), '\0');
	const char *state = drill_state(d, l->now);
	char opened[21], reported[21];
	size_t i = 0;

	while (i < l->count && memcmp(l->last[i].kra, d->kra, sizeof d->kra) != 0)
		i++;
	if (i == l->count)
		l->last = mem_grow(l->last, l->count++, sizeof *l->last);
	l->last[i] = *d;
	clock_format(d->opened_when, opened);
	if (d->reported_when != 0)
		clock_format(d->reported_when, reported);
	json_array_append_new(l->list,
	    json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I, s:s}", "drill", id, "certificate_hash", kra,
		"opened", opened, "reported", d->reported_when != 0 ? reported : NULL, "keys",
		(json_int_t)d->keys, "proved", (json_int_t)d->proved, "state", state));
}

int
act_drill_list(const struct config *config)
{
	OWNED(drilling_free) struct drilling d = {.config = config};
	OWNED(listing_free)
	struct listing l = {.list = json_array(), .now = clock_now()};
	struct err err;
	bool lacks = false;

	if (!begin(&d, &err))
		return act_failed(&err, 1);
	if (!store_walk_drills(d.store, list_drill, &l, &err))
		return act_failed(&err, 1);
	act_print_json(json_incref(l.list));
	for (size_t i = 0; i < l.count; i++) {
		const char *state = drill_state(&l.last[i], l.now);

		lacks = lacks || *state == 'i' || *state == 'l';
	}
	return lacks ? ACT_FINDINGS : 0;
}

/* ---- back ---- */

struct reporting {
	struct drilling d;
	struct store_drill drill;
	struct store_drill_keys keys;
	struct drill_subject subject;
	EVP_PKEY *agent;
	int64_t proved, there, refused;
};

static void
reporting_free(struct reporting *r)
{
	store_drill_keys_free(&r->keys);
	EVP_PKEY_free(r->agent);
	drilling_free(&r->d);
}

static bool
find_drill(struct reporting *r, struct view id, struct err *err)
{
	switch (store_get_drill(r->d.store, id, &r->drill, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, CRYPT_E_NOT_FOUND, "there was no such drill here");
	case STORE_FOUND:
		break;
	}
	r->subject.drill = view_of(r->drill.id, sizeof r->drill.id);
	return find_agent(&r->d, view_of(r->drill.kra, sizeof r->drill.kra), err) &&
	       pkix_public_key(r->d.kra.spki, &r->agent, err) &&
	       archive_key_id(r->agent, r->subject.agent, err) &&
	       store_list_drill_keys(r->d.store, id, &r->keys, err);
}

static int
by_hash(const void *hash, const void *key)
{
	return memcmp(hash, ((const struct store_drill_key *)key)->sealed, STORE_DRILL_HASH);
}

static void
refuse(struct reporting *r, int64_t request_id, const struct err *why)
{
	if (request_id > 0)
		printf("request %" PRId64 ": ", request_id);
	printf("%s (%s)\n", why->msg, err_name(why->code));
	r->refused++;
}

static bool
check_proof(const struct reporting *r, const struct store_drill_key *key,
    const struct drill_proof *p, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *pub = NULL;
	struct drill_subject subject = r->subject;

	subject.sealed = p->sealed;
	return store_get_request(r->d.store, key->request_id, &row, err) != STORE_FAILED &&
	       pkix_cert_decode(buf_view(&row.raw_certificate), &cert, err) &&
	       pkix_public_key(cert.spki, &pub, err) &&
	       drill_proof_check(&subject, pub, p->signature, err);
}

/* Those of a message that are good, and were not known. */
struct proofs {
	struct reporting *r;
	struct store_drill_key *list[DRILL_PROOFS_MAX];
	size_t count;
};

static bool
take_proof(struct proofs *good, const struct drill_proof *p, struct err *err)
{
	struct reporting *r = good->r;
	struct store_drill_key *key =
	    bsearch(p->sealed.ptr, r->keys.list, r->keys.count, sizeof *r->keys.list, by_hash);
	struct err why;

	if (key == NULL) {
		err_set(&why, CRYPT_E_NOT_FOUND, "a proof is of no key of this drill");
		refuse(r, 0, &why);
		return true;
	}
	if (key->proved) {
		r->there++;
		return true;
	}
	if (!check_proof(r, key, p, &why)) {
		refuse(r, key->request_id, &why);
		return why.code != DIRCA_E_DATABASE || err_set(err, why.code, "%s", why.msg);
	}
	key->proved = true; /* once in a message too */
	good->list[good->count++] = key;
	return true;
}

static bool
record_proofs(struct store_tx *tx, void *arg, struct err *err)
{
	const struct proofs *good = arg;
	const struct reporting *r = good->r;
	OWNED(own_memory) char *id = id_text(&r->drill);
	OWNED(own_memory)
	char *kra = hex_encode(view_of(r->drill.kra, sizeof r->drill.kra), '\0');
	OWNED(own_memory)
	char *detail = text_printf("verb=archive drill report proved=%zu keys=%" PRId64 " kra=%s",
	    good->count, r->drill.keys, kra);
	int64_t now = clock_now();
	const struct ca_audit a = {.when = now,
	    .event = AUDIT_FILES_CHANGED,
	    .actor = r->d.actor,
	    .object = id,
	    .detail = detail};
	bool done;

	for (size_t i = 0; i < good->count; i++)
		if (!store_prove_drill_key(tx, r->subject.drill,
			view_of(good->list[i]->sealed, STORE_DRILL_HASH), now, &done, err))
			return false;
	return store_note_report(tx, r->subject.drill, now, err) && ca_audit(tx, &a, err);
}

static bool
take_message(struct reporting *r, const struct drill_message *m, struct err *err)
{
	struct proofs good = {.r = r};

	if (r->agent == NULL && !find_drill(r, m->report.drill, err))
		return false;
	if (!view_eq(m->report.drill, r->subject.drill))
		return err_set(err, ERROR_INVALID_DATA, "the file is about more than one drill");
	if (!drill_message_verify(m, r->agent, err))
		return err_prefix(err, "the report is not signed by the agent of the drill");
	for (size_t i = 0; i < m->report.count; i++)
		if (!take_proof(&good, &m->report.proofs[i], err))
			return false;
	if (!store_do(r->d.store, record_proofs, &good, err))
		return false;
	r->proved += (int64_t)good.count;
	return true;
}

/* What was whole before a fault is taken. */
static bool
take_report(struct reporting *r, struct view file, struct err *err)
{
	while (file.len > 0) {
		OWNED(drill_message_free) struct drill_message m = {0};

		if (!drill_message_next(&file, &m, err) || !take_message(r, &m, err))
			return false;
	}
	return r->agent != NULL || err_set(err, ERROR_INVALID_DATA, "the file is empty");
}

static int
tell(const struct reporting *r)
{
	OWNED(own_memory) char *id = id_text(&r->drill);
	size_t missing = 0;

	for (size_t i = 0; i < r->keys.count; i++)
		if (!r->keys.list[i].proved) {
			printf("request %" PRId64 ": not proved\n", r->keys.list[i].request_id);
			missing++;
		}
	printf("%" PRId64 " proofs taken, %" PRId64 " there already, %" PRId64 " refused.\n",
	    r->proved, r->there, r->refused);
	printf("Drill %s: %zu of %zu keys proved.\n", id, r->keys.count - missing, r->keys.count);
	return missing > 0 || r->refused > 0 ? ACT_FINDINGS : 0;
}

int
act_drill_report(const struct config *config, const char *name)
{
	OWNED(reporting_free) struct reporting r = {.d = {.config = config}};
	OWNED(buf_free) struct buf file = {0};
	struct err err;

	if (!file_read(name, FILE_MOST, &file, &err) || !begin(&r.d, &err) ||
	    !take_report(&r, buf_view(&file), &err))
		return act_failed(&err, 1);
	return tell(&r);
}
