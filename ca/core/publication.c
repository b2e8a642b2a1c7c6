#include "publication.h"

#include <stdlib.h>

#include "ca_priv.h"
#include "clock.h"
#include "crl_lists.h"
#include "event.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "publication_file.h"
#include "service_key.h"
#include "text.h"

/* Rows read at once. */
#define BATCH 64

#define LOOK_EVERY_MS 60000

/* A CRL above this may be more than a server takes in one message; OpenLDAP then ends the
 * connection without a word. */
#define LARGE_CRL 1000000

#define TOO_LARGE_ADVICE                                                                  \
	"It is not sent again, but the next one is: raise the server's limit (OpenLDAP: " \
	"olcSockbufMaxIncomingAuth; 389-ds: nsslapd-maxbersize; Samba: ldap max "         \
	"authenticated request size; Active Directory takes 10 MB) and run `dirca crl`. " \
	"Clients have it over HTTP"

/* Of a list: numbers of the newest CRL that this process put into the directory, of the one that
 * the directory did not take for its size, which is not sent again, and of the one that was last
 * told as not published. */
struct crl_sent {
	struct store_crl_id id;
	int64_t published, refused, told;
	int64_t until; /* nextUpdate of what is there; 0: not known. Under publish_lock */
	struct crl_sent *next;
};

bool
ca_publication_add(
    struct store_tx *tx, int64_t request_id, bool to_requester, bool to_kra, struct err *err)
{
	return (!to_requester ||
		   store_add_publication(tx, request_id, STORE_PLACE_REQUESTER, err)) &&
	       (!to_kra || store_add_publication(tx, request_id, STORE_PLACE_KRA, err));
}

/* ---- The publisher's turn ---- */

void
ca_publication_wake(struct ca *ca)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	ca->state->publish_wanted = true;
	pthread_cond_signal(&ca->state->publish_turn);
	pthread_mutex_unlock(&ca->state->publish_lock);
}

void
ca_publication_stop(struct ca *ca)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	ca->state->publish_stop = true;
	pthread_cond_signal(&ca->state->publish_turn);
	pthread_mutex_unlock(&ca->state->publish_lock);
}

void
ca_publication_retry(struct ca *ca)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	for (size_t i = 0; i < OWED_KINDS; i++)
		ca->state->owed[i].due_ms = 0;
	for (struct crl_sent *s = ca->state->sent_crls; s != NULL; s = s->next)
		s->refused = 0;
	pthread_mutex_unlock(&ca->state->publish_lock);
	ca_publication_wake(ca);
}

void
ca_publication_answered(struct ca *ca)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	ca->state->answered++;
	for (size_t i = 0; i < OWED_KINDS; i++)
		owed_answered(&ca->state->owed[i]);
	pthread_mutex_unlock(&ca->state->publish_lock);
	ca_publication_wake(ca);
}

bool
ca_publication_wait(struct ca *ca, int64_t ms)
{
	struct ca_state *s = ca->state;
	struct timespec until = clock_timespec(clock_mono_ms() + ms);
	bool go;

	pthread_mutex_lock(&s->publish_lock);
	while (!s->publish_stop && !s->publish_wanted &&
	       pthread_cond_timedwait(&s->publish_turn, &s->publish_lock, &until) == 0)
		;
	s->publish_wanted = false;
	go = !s->publish_stop;
	pthread_mutex_unlock(&s->publish_lock);
	return go;
}

/* ---- Certificates ---- */

struct to_publish {
	const struct ca *ca;
	const struct store_publication *row;
	int64_t now;
};

static bool
publish_row(struct dir_conn *c, void *arg, struct err *err)
{
	const struct to_publish *o = arg;
	const struct store_publication *row = o->row;
	struct sid sid;
	bool has_sid = row->requester_sid != NULL && sid_from_text(row->requester_sid, &sid);

	if (row->place == STORE_PLACE_KRA)
		return pki_publish_kra(
		    c, o->ca->config->ca_name, buf_view(&row->certificate), o->now, err);
	if (row->requester_dn == NULL)
		return err_set(err, ERROR_FILE_NOT_FOUND, "the requester's DN is unknown");
	return pki_publish_user_certificate(
	    c, row->requester_dn, has_sid ? &sid : NULL, buf_view(&row->certificate), err);
}

static bool
end_row(struct store_tx *tx, void *arg, struct err *err)
{
	const struct store_publication *row = arg;

	return store_end_publication(tx, row->request_id, row->place, err);
}

/* False: it is still owed. */
static bool
settle(struct ca *ca, struct store_publication *row, int64_t now, struct err *err)
{
	struct to_publish to_publish = {ca, row, now};

	if (!ca_directory_do(ca, publish_row, &to_publish, err)) {
		if (err->code != ERROR_FILE_NOT_FOUND)
			return false;
		/* Whoever the certificate belongs to has left: nobody waits for it. */
		log_warn("certificate not published", LOG_INT("request", row->request_id),
		    LOG_REASON(err));
	}
	return store_do(ca->store, end_row, row, err);
}

/* Those behind *after, which then is the last that was tried. Behind a directory that is away there
 * is no use in trying the rest. */
static bool
settle_behind(struct ca *ca, struct store_publication *after, int64_t now, struct err *err)
{
	bool ok = true, more = true;
	struct err reason;

	while (more) {
		OWNED(store_publications_free) struct store_publications rows = {0};

		if (!store_list_publications(ca->store, after, BATCH, &rows, ok ? err : &reason))
			return false;
		for (size_t i = 0; more && i < rows.count; i++) {
			struct err *why = ok ? err : &reason;

			after->request_id = rows.list[i].request_id;
			after->place = rows.list[i].place;
			if (settle(ca, &rows.list[i], now, why))
				continue;
			more = why->code != DIRCA_E_DIRECTORY_UNAVAILABLE;
			ok = false;
		}
		more = more && rows.count == BATCH;
	}
	return ok;
}

static bool
settle_all(struct ca *ca, struct err *err)
{
	struct store_publication after = {0};
	bool ok = settle_behind(ca, &after, clock_now(), err);

	if (after.request_id > ca->state->published_up_to)
		ca->state->published_up_to = after.request_id;
	return ok;
}

/* One that was just issued does not wait for the next turn of those that failed. What fails here is
 * tried with those. */
static void
settle_new(struct ca *ca)
{
	struct store_publication after = {
	    .request_id = ca->state->published_up_to, .place = STORE_PLACE_KRA};
	struct err err;

	settle_behind(ca, &after, clock_now(), &err);
	ca->state->published_up_to = after.request_id;
}

/* ---- CRL and CA ---- */

/* What the directory work below needs; the CRL and the key only for their own. */
struct own {
	const struct config *config;
	const struct ca_issuer *issuer; /* of the CRL */
	struct pki_crl_place place;
	struct view crl;
	int64_t number; /* of `crl` */
	bool found;     /* the directory has answered on the connection that the CRL leaves by */
	int64_t
	    newer; /* number of a CRL of this CA that is there and not to be replaced; 0: none */
	uint8_t service_key[SERVICE_KEY_HASH_LEN];
};

/* A database that was restored from an older copy must not take the place of what came after it. */
static bool
find_newer(struct dir_conn *c, struct own *o, struct err *err)
{
	OWNED(buf_free) struct buf there = {0};
	struct err not_ours;
	int64_t number;

	if (!pki_find_crl(c, &o->place, &there, err))
		return false;
	if (there.len > 0 && !view_eq(buf_view(&there), o->crl) &&
	    pkix_crl_number(buf_view(&there), o->issuer->key, &number, &not_ours) &&
	    number >= o->number)
		o->newer = number;
	return true;
}

static bool
publish_at(struct dir_conn *c, struct own *o, const char *host, struct err *err)
{
	o->place.host = host;
	o->found = find_newer(c, o, err);
	return o->found && (o->newer > 0 || pki_publish_crl(c, &o->place, o->crl, err));
}

/* Also where the certificates of a CA that was elsewhere look for it. */
static bool
publish_newest(struct dir_conn *c, void *arg, struct err *err)
{
	struct own *o = arg;
	const struct config *config = o->config;

	o->newer = 0;
	if (!publish_at(c, o, config->host, err))
		return false;
	for (size_t i = 0; i < config->crl_host_count && o->newer == 0; i++)
		if (!publish_at(c, o, config->crl_hosts[i], err))
			return false;
	return true;
}

static bool
is_there(struct dir_conn *c, void *arg, struct err *err)
{
	return find_newer(c, arg, err);
}

/* A server that answers, and not when it is given this CRL, does not take it. OpenLDAP ends the
 * connection without a word. */
static bool
is_too_large(struct ca *ca, const struct own *own, const struct err *why)
{
	struct own look = *own;
	struct err ignored;

	if (own->crl.len <= LARGE_CRL || !own->found)
		return false;
	return why->code == DIRCA_E_DIRECTORY ||
	       (why->code == DIRCA_E_DIRECTORY_UNAVAILABLE &&
		   ca_directory_do(ca, is_there, &look, &ignored));
}

static bool
refused_for_size(size_t size, struct err *err)
{
	return err_set(err, DIRCA_E_TOO_LARGE,
	    "the directory does not take a CRL of %zu bytes. " TOO_LARGE_ADVICE, size);
}

void
sent_crls_free(struct ca_state *s)
{
	while (s->sent_crls != NULL) {
		struct crl_sent *sent = s->sent_crls;

		s->sent_crls = sent->next;
		free(sent);
	}
}

/* The publisher's own, but for ca_publication_retry. */
static struct crl_sent *
sent_of(struct ca *ca, const struct store_crl_id *id)
{
	struct crl_sent *sent;

	pthread_mutex_lock(&ca->state->publish_lock);
	sent = ca->state->sent_crls;
	while (sent != NULL && !crl_id_eq(&sent->id, id))
		sent = sent->next;
	if (sent == NULL) {
		sent = mem_zero(1, sizeof *sent);
		*sent = (struct crl_sent){.id = *id, .next = ca->state->sent_crls};
		ca->state->sent_crls = sent;
	}
	pthread_mutex_unlock(&ca->state->publish_lock);
	return sent;
}

static int64_t
refused_number(struct ca *ca, const struct crl_sent *sent)
{
	int64_t number;

	pthread_mutex_lock(&ca->state->publish_lock);
	number = sent->refused;
	pthread_mutex_unlock(&ca->state->publish_lock);
	return number;
}

static void
note_refused(struct ca *ca, struct crl_sent *sent, int64_t number)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	sent->refused = number;
	pthread_mutex_unlock(&ca->state->publish_lock);
}

/* Of one that was made while this was sent the next turn takes care. */
static void
note_published(struct ca *ca, struct crl_sent *sent, const struct store_crl *crl, bool is_there)
{
	sent->published = crl->number;
	if (!is_there)
		return;
	pthread_mutex_lock(&ca->state->publish_lock);
	sent->until = crl->next_update;
	pthread_mutex_unlock(&ca->state->publish_lock);
}

int64_t
ca_crl_there_until(struct ca *ca, const struct store_crl_id *id)
{
	int64_t until = 0;

	pthread_mutex_lock(&ca->state->publish_lock);
	for (struct crl_sent *s = ca->state->sent_crls; s != NULL; s = s->next)
		if (crl_id_eq(&s->id, id))
			until = s->until;
	pthread_mutex_unlock(&ca->state->publish_lock);
	return until;
}

static void
explain_refusal(struct ca *ca, const struct own *own, struct crl_sent *sent, struct err *err)
{
	if (!is_too_large(ca, own, err)) {
		err_prefix(err, "the CRL");
		return;
	}
	log_warn("the directory did not take the CRL", LOG_INT("bytes", (int64_t)own->crl.len),
	    LOG_REASON(err));
	note_refused(ca, sent, own->number);
	(void)refused_for_size(own->crl.len, err);
}

/* Once of each CRL. */
static void
raise_unpublished(
    struct ca *ca, const struct own *own, struct crl_sent *sent, const struct err *why)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(own_memory) char *key = text_printf("%u", own->place.key_index);
	OWNED(own_memory) char *error = event_error(why);
	OWNED(own_memory) char *url = NULL;

	if (sent->told == own->number)
		return;
	sent->told = own->number;
	if (view->pki->services_dn != NULL)
		url = pki_cdp_url(view->pki->services_dn, &own->place);
	ca_event(ca, own->place.delta ? EVENT_DELTA_CRL_PUBLICATION : EVENT_BASE_CRL_PUBLICATION,
	    key, url, error);
}

static bool
send_crl(struct ca *ca, struct crl_sent *sent, const struct store_crl *newest, struct err *err)
{
	OWNED(ca_crl_release) struct ca_crl *crl = NULL;
	size_t issuer = crl_issuer(ca, sent->id.key_index);
	struct own own = {.config = ca->config,
	    .issuer = &ca->info.issuers.list[issuer],
	    .place = crl_place(ca, &sent->id)};

	if (!ca_crl_newest(ca, &sent->id, &crl, err))
		return false;
	own.crl = crl->der;
	own.number = crl->number;
	if (!ca_directory_do(ca, publish_newest, &own, err)) {
		explain_refusal(ca, &own, sent, err);
		raise_unpublished(ca, &own, sent, err);
		return false;
	}
	/* The housekeeper makes one with a greater number. */
	if (own.newer > 0)
		found_newer_crl(ca, issuer, own.newer, crl->number);
	note_published(ca, sent, newest, own.newer == 0);
	return true;
}

static bool
settle_list(struct ca *ca, const struct store_crl_id *id, struct err *err)
{
	struct crl_sent *sent = sent_of(ca, id);
	struct store_crl newest;

	if (!store_newest_crl_dates(ca->store, id, &newest, err))
		return false;
	if (newest.number <= sent->published)
		return true;
	if (newest.number == refused_number(ca, sent))
		return refused_for_size(newest.size, err);
	return send_crl(ca, sent, &newest, err);
}

/* Those of one key. One that is too large keeps no other from being sent. */
static bool
settle_key(struct ca *ca, const struct settings *settings, uint32_t key_index, struct err *err)
{
	OWNED(crl_ids_free) struct crl_ids ids = {0};
	struct err why;
	bool ok = true;

	if (!crl_ids_list(ca, settings, key_index, &ids, err))
		return false;
	for (size_t i = 0; i < ids.count; i++) {
		if (settle_list(ca, &ids.list[i], &why))
			continue;
		if (ok || why.code != DIRCA_E_TOO_LARGE)
			*err = why;
		ok = false;
		if (why.code != DIRCA_E_TOO_LARGE)
			break;
	}
	return ok;
}

static bool
settle_crls(struct ca *ca, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	const struct ca_issuers *issuers = &ca->info.issuers;
	struct err why;
	bool ok = true;

	for (size_t i = 0; i < issuers->count; i++) {
		uint32_t key_index = CA_VERSION_KEY(issuers->list[i].version);

		if (!ca_issuers_signs_crl(issuers, i, clock_now()))
			continue;
		if (settle_key(ca, &view->settings, key_index, &why))
			continue;
		if (ok)
			*err = why;
		ok = false;
	}
	return ok;
}

static bool
finish_ca(struct dir_conn *c, void *arg, struct err *err)
{
	const struct own *o = arg;
	bool finished;

	if (!publication_finish(o->config, c, &finished, err))
		return false;
	if (finished)
		log_info(
		    "a publication that was begun is finished", LOG_STR("ca", o->config->ca_name));
	return true;
}

static bool
publish_service_key(struct dir_conn *c, void *arg, struct err *err)
{
	const struct own *o = arg;

	return pki_publish_service_key(
	    c, o->config->ca_name, view_of(o->service_key, sizeof o->service_key), err);
}

/* A CA that is published must be found under its key; one that changed, or an older version's
 * object, lacks it. The keys of before stay until `dirca ca publish`: clients may still meet them.
 */
static bool
settle_service_key(struct ca *ca, struct err *err)
{
	struct own own = {.config = ca->config};
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	const struct dir_entry *service = pki_snapshot_service(view->pki, ca->config->ca_name);
	const struct dir_attr *a;

	if (service == NULL)
		return true;
	if (!service_key_hash(ca->config, own.service_key, err))
		return false;
	a = dir_entry_attr(service, "dircaServiceKeyHash");
	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (view_eq(
			buf_view(&a->values[i]), view_of(own.service_key, sizeof own.service_key)))
			return true;
	return ca_directory_do(ca, publish_service_key, &own, err);
}

static bool
holds(const struct dir_attr *a, struct view value)
{
	for (size_t i = 0; a != NULL && i < a->count; i++)
		if (view_eq(buf_view(&a->values[i]), value))
			return true;
	return false;
}

static bool
publish_authority(struct dir_conn *c, void *arg, struct err *err)
{
	const struct ca_authority *a = arg;

	return pki_publish_authority(c, &a->pki, err);
}

/* The enrollment service is the last that gets them: where it has them, all have. */
static bool
settle_authority(struct ca *ca, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	const struct dir_entry *service = pki_snapshot_service(view->pki, ca->config->ca_name);
	OWNED(ca_authority_free) struct ca_authority a = {0};
	bool lacks = false;

	if (service == NULL)
		return true;
	if (!ca_authority_make(ca->config, &ca->info.issuers, &ca->crosses, clock_now(), &a, err))
		return false;
	for (size_t i = 0; i < a.pki.certificate_count; i++)
		lacks =
		    lacks || !holds(dir_entry_attr(service, "cACertificate"), a.certificates[i]);
	return !lacks || ca_directory_do(ca, publish_authority, &a, err);
}

static bool
settle_ca(struct ca *ca, struct err *err)
{
	struct own own = {.config = ca->config};

	return ca_directory_do(ca, finish_ca, &own, err);
}

/* ---- all of it ---- */

static const struct {
	const char *what;
	bool (*settle)(struct ca *ca, struct err *err);
} kinds[] = {
    [OWED_CA] = {"the publication of the CA that was begun", settle_ca},
    [OWED_AUTHORITY] = {"the CA certificates", settle_authority},
    [OWED_CRL] = {"the CRL", settle_crls},
    [OWED_SERVICE_KEY] = {"the key of the TLS service", settle_service_key},
    [OWED_CERTIFICATES] = {"certificates", settle_all},
};

/* `answered_out`: how often the directory had come back when the try was begun. */
static bool
is_due(struct ca *ca, size_t kind, int64_t ms, uint64_t *answered_out)
{
	bool due;

	pthread_mutex_lock(&ca->state->publish_lock);
	due = owed_is_due(&ca->state->owed[kind], ms);
	*answered_out = ca->state->answered;
	pthread_mutex_unlock(&ca->state->publish_lock);
	return due;
}

/* `why` NULL: nothing of the kind is owed any more. */
static void
note(struct ca *ca, size_t kind, const struct err *why, int64_t ms, uint64_t answered)
{
	struct owed *o = &ca->state->owed[kind];
	enum err_code before;

	pthread_mutex_lock(&ca->state->publish_lock);
	before = o->why.code;
	if (why == NULL)
		*o = (struct owed){0};
	else
		owed_failed(o, why, ms, ca->state->answered != answered);
	pthread_mutex_unlock(&ca->state->publish_lock);
	if (why != NULL && why->code != before)
		log_error(why->code == DIRCA_E_TOO_LARGE
			      ? "not published in the directory"
			      : "not published in the directory; the CA tries again",
		    LOG_STR("what", kinds[kind].what), LOG_REASON(why));
	else if (why == NULL && before != ERR_OK)
		log_info("works again", LOG_STR("what", "publishing in the directory"),
		    LOG_STR("of", kinds[kind].what));
}

static int64_t
nothing_to_do_for(struct ca *ca, int64_t ms)
{
	int64_t least = LOOK_EVERY_MS;

	pthread_mutex_lock(&ca->state->publish_lock);
	for (size_t i = 0; i < OWED_KINDS; i++)
		least = owed_wait(&ca->state->owed[i], ms, least);
	pthread_mutex_unlock(&ca->state->publish_lock);
	return least;
}

int64_t
ca_publish_owed(struct ca *ca, int64_t ms)
{
	for (size_t i = 0; i < OWED_KINDS; i++) {
		struct err err = {0};
		uint64_t answered;

		if (is_due(ca, i, ms, &answered))
			note(ca, i, kinds[i].settle(ca, &err) ? NULL : &err, ms, answered);
		else if (i == OWED_CERTIFICATES)
			settle_new(ca);
	}
	return nothing_to_do_for(ca, ms);
}

void
ca_publication_warnings(struct ca *ca, struct texts *out)
{
	pthread_mutex_lock(&ca->state->publish_lock);
	for (size_t i = 0; i < OWED_KINDS; i++)
		if (ca->state->owed[i].why.code != ERR_OK)
			texts_take(out, text_printf("not published in the directory: %s: %s",
					    kinds[i].what, ca->state->owed[i].why.msg));
	pthread_mutex_unlock(&ca->state->publish_lock);
}
