/* The front's and the supervisor's side: one request, one answer. */
#include "vault.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "mem.h"
#include "own.h"
#include "vault_wire.h"

struct call {
	struct buf frame;
	struct view large; /* the last field, not copied into the frame; ptr NULL: none */
	struct buf body;
	struct view fields[WIRE_FIELDS_MAX]; /* of the answer */
	size_t count;
};

static void
call_free(struct call *c)
{
	buf_free(&c->frame);
	buf_free(&c->body);
}

static bool
get_error(struct view code, struct view text, struct err *out)
{
	enum err_code known;
	uint32_t number;

	if (!wire_u32(code, &number) || !err_by_number(number, &known) || known == ERR_OK ||
	    text.len >= sizeof out->msg)
		return false;
	err_set(out, known, "%.*s", (int)text.len, (const char *)text.ptr);
	return true;
}

/* The vault's own error, as it was there. */
static bool
take_error(const struct call *c, struct err *err)
{
	if (c->count != 2 || !get_error(c->fields[0], c->fields[1], err))
		err_set(err, DIRCA_E_VAULT,
		    "the vault refused without a reason that this program understands");
	return false;
}

static bool
exchange(int fd, struct call *c, uint8_t *status_out, struct err *err)
{
	uint32_t len;

	if (c->large.ptr != NULL ? !wire_send_with(fd, &c->frame, c->large, err)
				 : !wire_send(fd, &c->frame, err))
		return false;
	switch (wire_receive_header(fd, status_out, &len, err)) {
	case WIRE_OK:
		break;
	case WIRE_CLOSED:
		return err_set(err, DIRCA_E_VAULT, "the vault closed its socket; see its log");
	case WIRE_FAILED:
		return false;
	}
	if (len > WIRE_REPLY_MAX)
		return err_set(err, DIRCA_E_VAULT, "the vault's answer of %u bytes is too large",
		    (unsigned)len);
	return wire_receive_body(fd, len, &c->body, err) &&
	       wire_split(buf_view(&c->body), c->fields, COUNT_OF(c->fields), &c->count, err);
}

#define ANY_COUNT SIZE_MAX

/*
 * Sends c->frame; true: c->fields holds `want` fields, or any number. After a transport failure the
 * two ends may no longer agree where a frame begins: the socket is shut down so that no later
 * request can be given another's answer.
 */
static bool
call_fd(int fd, struct call *c, size_t want, bool *broken_out, struct err *err)
{
	uint8_t status;

	*broken_out = true;

	if (!exchange(fd, c, &status, err)) {
		shutdown(fd, SHUT_RDWR);
		return err_prefix(err, "asking the vault");
	}
	*broken_out = status == VAULT_STATUS_OK && want != ANY_COUNT && c->count != want;
	if (status != VAULT_STATUS_OK)
		return take_error(c, err);
	if (*broken_out) {
		shutdown(fd, SHUT_RDWR);
		return err_set(err, DIRCA_E_VAULT,
		    "the vault's answer has %zu fields instead of %zu", c->count, want);
	}
	return true;
}

static bool
take_u64(struct view field, uint64_t *out, struct err *err)
{
	return wire_u64(field, out) ||
	       err_set(err, DIRCA_E_VAULT, "the vault's answer about itself has no numbers");
}

static bool
call(struct vault *v, struct call *c, size_t want, struct err *err)
{
	bool broken;
	bool ok = call_fd(v->fd, c, want, &broken, err);

	v->broken = v->broken || broken;
	return ok;
}

bool
vault_limit(int fd, int seconds, struct err *err)
{
	const struct timeval limit = {seconds, 0};

	return (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
		   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0) ||
	       err_errno(err, DIRCA_E_INTERNAL, "the vault's socket takes no time limit");
}

bool
vault_get_info(struct vault *v, struct vault_info *out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*out = (struct vault_info){0};
	return wire_begin(&c.frame, VAULT_OP_INFO, err) && call(v, &c, ANY_COUNT, err) &&
	       (c.count > INFO_CERTIFICATES ||
		   err_set(err, DIRCA_E_VAULT, "the vault names no certificate of the CA")) &&
	       take_u64(c.fields[INFO_RECORDS], &out->journal_records, err) &&
	       take_u64(c.fields[INFO_NEWEST_CRL], &out->newest_crl, err) &&
	       ca_issuers_make(
		   c.fields + INFO_CERTIFICATES, c.count - INFO_CERTIFICATES, &out->issuers, err);
}

void
vault_info_free(struct vault_info *i)
{
	ca_issuers_free(&i->issuers);
}

static bool
ask_signature(
    struct vault *v, enum vault_op op, struct view what, struct buf *signature_out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*signature_out = (struct buf){0};
	return wire_begin(&c.frame, (uint8_t)op, err) && wire_field(&c.frame, what, err) &&
	       call(v, &c, 1, err) && buf_dup(c.fields[0], signature_out, err);
}

bool
vault_sign_crl(struct vault *v, uint32_t key_index, struct view tbs, struct buf *signature_out,
    struct err *err)
{
	OWNED(call_free) struct call c = {.large = tbs};

	*signature_out = (struct buf){0};
	if (tbs.len > PKIX_CRL_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the vault signs no CRL of %zu bytes, at most %u", tbs.len, PKIX_CRL_MAX);
	return wire_begin(&c.frame, VAULT_OP_SIGN_CRL, err) &&
	       wire_field_u32(&c.frame, key_index, err) && call(v, &c, 1, err) &&
	       buf_dup(c.fields[0], signature_out, err);
}

bool
vault_sign_message(struct vault *v, struct view attrs, struct buf *signature_out, struct err *err)
{
	return ask_signature(v, VAULT_OP_SIGN_MESSAGE, attrs, signature_out, err);
}

bool
vault_sign_checkpoint(struct vault *v, int64_t row, const uint8_t hash[32], struct view previous,
    struct buf *message_out, struct buf *lost_out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*message_out = *lost_out = (struct buf){0};
	return wire_begin(&c.frame, VAULT_OP_SIGN_CHECKPOINT, err) &&
	       wire_field_u64(&c.frame, (uint64_t)row, err) &&
	       wire_field(&c.frame, view_of(hash, 32), err) &&
	       wire_field(&c.frame, previous, err) && call(v, &c, 2, err) &&
	       buf_dup(c.fields[0], message_out, err) && buf_dup(c.fields[1], lost_out, err);
}

static bool
ask_of_key(struct vault *v, enum vault_op op, uint32_t key_index, const struct view *more,
    struct buf *out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*out = (struct buf){0};
	return wire_begin(&c.frame, (uint8_t)op, err) && wire_field_u32(&c.frame, key_index, err) &&
	       (more == NULL || wire_field(&c.frame, *more, err)) && call(v, &c, 1, err) &&
	       buf_dup(c.fields[0], out, err);
}

bool
vault_ocsp_certificate(
    struct vault *v, uint32_t key_index, struct buf *certificate_out, struct err *err)
{
	return ask_of_key(v, VAULT_OP_OCSP_CERTIFICATE, key_index, NULL, certificate_out, err);
}

bool
vault_sign_ocsp(struct vault *v, uint32_t key_index, struct view data, struct buf *signature_out,
    struct err *err)
{
	return ask_of_key(v, VAULT_OP_SIGN_OCSP, key_index, &data, signature_out, err);
}

static struct view
url_field(const char *url)
{
	return url != NULL ? view_str(url) : view_of(NULL, 0);
}

static bool
create(struct vault *v, enum vault_op op, const struct vault_xchg_wish *wish,
    struct buf *certificate_out, struct err *err)
{
	OWNED(call_free) struct call c = {0};
	bool ok;

	*certificate_out = (struct buf){0};
	ok = wire_begin(&c.frame, (uint8_t)op, err) &&
	     wire_field_u32(&c.frame, (uint32_t)wish->bits, err) &&
	     wire_field_u32(&c.frame, (uint32_t)wish->life_s, err);
	for (size_t i = 0; i < VAULT_XCHG_URLS && ok; i++)
		ok = wire_field(&c.frame, url_field(wish->cdp[i]), err);
	for (size_t i = 0; i < VAULT_XCHG_URLS && ok; i++)
		ok = wire_field(&c.frame, url_field(wish->aia[i]), err);
	ok = ok && wire_field(&c.frame, url_field(wish->template_oid), err) &&
	     wire_field_u32(&c.frame, wish->template_major, err) &&
	     wire_field_u32(&c.frame, wish->template_minor, err);
	return ok && call(v, &c, 1, err) && buf_dup(c.fields[0], certificate_out, err);
}

bool
vault_xchg_create(struct vault *v, const struct vault_xchg_wish *wish, struct buf *certificate_out,
    struct err *err)
{
	return create(v, VAULT_OP_XCHG_CREATE, wish, certificate_out, err);
}

bool
vault_import_create(struct vault *v, const struct vault_xchg_wish *wish,
    struct buf *certificate_out, struct err *err)
{
	return create(v, VAULT_OP_IMPORT_CREATE, wish, certificate_out, err);
}

static bool
list_certificates(struct vault *v, enum vault_op op, struct buf list[VAULT_XCHG_MAX],
    size_t *count_out, struct err *err)
{
	OWNED(call_free) struct call c = {0};
	bool ok;

	*count_out = 0;
	ok = wire_begin(&c.frame, (uint8_t)op, err) && call(v, &c, ANY_COUNT, err);
	for (size_t i = 0; ok && i < c.count && i < VAULT_XCHG_MAX; i++)
		if ((ok = buf_dup(c.fields[i], &list[i], err)))
			*count_out = i + 1;
	while (!ok && *count_out > 0)
		buf_free(&list[--*count_out]);
	return ok;
}

bool
vault_xchg_list(
    struct vault *v, struct buf list[VAULT_XCHG_MAX], size_t *count_out, struct err *err)
{
	return list_certificates(v, VAULT_OP_XCHG_LIST, list, count_out, err);
}

bool
vault_import_list(
    struct vault *v, struct buf list[VAULT_XCHG_MAX], size_t *count_out, struct err *err)
{
	return list_certificates(v, VAULT_OP_IMPORT_LIST, list, count_out, err);
}

static bool
take_provider(const struct call *c, struct vault_xchg_provider *out, struct err *err)
{
	struct view flags = c->fields[PROVIDER_FLAGS], id = c->fields[PROVIDER_ID];
	uint32_t seed;
	bool sound = wire_u32(c->fields[PROVIDER_SEED_ERROR], &seed) && flags.len == 2 &&
		     (id.len == 0 || id.len == VAULT_ID_LEN);

	out->named = sound && flags.ptr[0] != 0;
	out->fallback = sound && flags.ptr[1] != 0;
	out->usable = sound && id.len == VAULT_ID_LEN;
	if (out->usable)
		memcpy(out->id, id.ptr, VAULT_ID_LEN);
	if (out->named && !out->usable)
		sound = get_error(c->fields[PROVIDER_ERROR], c->fields[PROVIDER_TEXT], &out->why);
	if (sound && seed != 0)
		sound = get_error(
		    c->fields[PROVIDER_SEED_ERROR], c->fields[PROVIDER_SEED_TEXT], &out->no_seed);
	return sound || err_set(err, DIRCA_E_VAULT,
			    "the vault's answer about what makes exchange keys is none");
}

bool
vault_xchg_provider(struct vault *v, struct vault_xchg_provider *out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*out = (struct vault_xchg_provider){0};
	return wire_begin(&c.frame, VAULT_OP_XCHG_PROVIDER, err) &&
	       call(v, &c, PROVIDER_FIELDS, err) && take_provider(&c, out, err);
}

static bool
rewrap_fields(struct buf *frame, const struct vault_rewrap *in, struct err *err)
{
	uint8_t cipher = (uint8_t)in->cipher;
	const struct view fields[REWRAP_FIELDS] = {
	    [REWRAP_PAYLOAD] = in->payload,
	    [REWRAP_ISSUER] = in->xchg_issuer,
	    [REWRAP_SERIAL] = in->xchg_serial,
	    [REWRAP_SPKI] = in->spki,
	    [REWRAP_XCHG_ID] = view_of(in->xchg_id, VAULT_ID_LEN),
	    [REWRAP_KRAS] = view_of(in->kra_sha256, in->kra_count * 32),
	    [REWRAP_CIPHER] = view_of(&cipher, sizeof cipher),
	    [REWRAP_REQUESTER] = in->requester,
	};
	bool ok = true;

	if (in->kra_count > WIRE_FIELDS_MAX)
		return err_set(err, E_INVALIDARG,
		    "%zu key recovery agents are too many for one key", in->kra_count);
	for (size_t i = 0; i < REWRAP_FIELDS && ok; i++)
		ok = wire_field(frame, fields[i], err);
	return ok;
}

bool
vault_rewrap(
    struct vault *v, const struct vault_rewrap *in, struct buf *archived_out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*archived_out = (struct buf){0};
	return wire_begin(&c.frame, VAULT_OP_REWRAP, err) && rewrap_fields(&c.frame, in, err) &&
	       call(v, &c, 1, err) && buf_dup(c.fields[0], archived_out, err);
}

bool
vault_issue(
    struct vault *v, const struct vault_issue *in, struct vault_issued *out, struct err *err)
{
	const bool archives = in->rewrap != NULL, responds = in->before.len + in->after.len > 0;
	const struct {
		bool wanted;
		struct buf *to;
	} parts[] = {{archives, &out->archived}, {true, &out->signature}, {responds, &out->attrs},
	    {responds, &out->response_signature}};
	OWNED(call_free) struct call c = {0};
	const struct view *next = c.fields;
	bool ok;

	*out = (struct vault_issued){0};
	ok = wire_begin(&c.frame, VAULT_OP_ISSUE, err) && wire_field(&c.frame, in->tbs, err) &&
	     wire_field(&c.frame, in->before, err) && wire_field(&c.frame, in->after, err) &&
	     (!archives || rewrap_fields(&c.frame, in->rewrap, err)) &&
	     call(v, &c, 1 + (size_t)archives + 2 * (size_t)responds, err);
	for (size_t i = 0; ok && i < COUNT_OF(parts); i++)
		ok = !parts[i].wanted || buf_dup(*next++, parts[i].to, err);
	if (!ok)
		vault_issued_free(out);
	return ok;
}

bool
vault_sign_certificate(struct vault *v, struct view tbs, struct buf *signature_out, struct err *err)
{
	const struct vault_issue alone = {.tbs = tbs};
	OWNED(vault_issued_free) struct vault_issued made = {0};

	*signature_out = (struct buf){0};
	if (!vault_issue(v, &alone, &made, err))
		return false;
	*signature_out = buf_give(&made.signature);
	return true;
}

void
vault_issued_free(struct vault_issued *i)
{
	buf_free(&i->archived);
	buf_free(&i->signature);
	buf_free(&i->attrs);
	buf_free(&i->response_signature);
}

bool
vault_import(
    struct vault *v, const struct vault_import *in, struct buf *archived_out, struct err *err)
{
	uint8_t cipher = (uint8_t)in->cipher;
	const struct view fields[IMPORT_FIELDS] = {
	    [IMPORT_PAYLOAD] = in->payload,
	    [IMPORT_CERTIFICATE] = in->certificate,
	    [IMPORT_USER] = in->user,
	    [IMPORT_KRAS] = view_of(in->kra_sha256, in->kra_count * 32),
	    [IMPORT_CIPHER] = view_of(&cipher, sizeof cipher),
	    [IMPORT_REQUESTER] = in->requester,
	};
	OWNED(call_free) struct call c = {0};
	bool ok;

	*archived_out = (struct buf){0};
	ok = wire_begin(&c.frame, VAULT_OP_IMPORT, err);
	for (size_t i = 0; i < IMPORT_FIELDS && ok; i++)
		ok = wire_field(&c.frame, fields[i], err);
	return ok && call(v, &c, 1, err) && buf_dup(c.fields[0], archived_out, err);
}

void
vault_generated_free(struct vault_generated *g)
{
	buf_free(&g->certificate);
	buf_free(&g->archived);
	buf_free(&g->delivered);
}

static bool
take_generated(const struct call *c, struct vault_generated *out, struct err *err)
{
	if (buf_dup(c->fields[GENERATED_CERTIFICATE], &out->certificate, err) &&
	    buf_dup(c->fields[GENERATED_ARCHIVED], &out->archived, err) &&
	    buf_dup(c->fields[GENERATED_DELIVERED], &out->delivered, err))
		return true;
	vault_generated_free(out);
	return false;
}

bool
vault_generate(
    struct vault *v, const struct vault_generate *in, struct vault_generated *out, struct err *err)
{
	uint8_t transport[] = {(uint8_t)in->transport.cipher, in->transport.oaep};
	uint8_t cipher = (uint8_t)in->cipher;
	struct view fields[GENERATE_FIELDS];
	OWNED(call_free) struct call c = {0};
	bool ok;

	*out = (struct vault_generated){0};
	fields[GENERATE_TBS] = in->tbs;
	fields[GENERATE_RECIPIENT] = in->recipient;
	fields[GENERATE_TRANSPORT] = view_of(transport, sizeof transport);
	fields[GENERATE_KRAS] = view_of(in->kra_sha256, in->kra_count * 32);
	fields[GENERATE_CIPHER] = view_of(&cipher, sizeof cipher);
	ok = wire_begin(&c.frame, VAULT_OP_GENERATE, err);
	for (size_t i = 0; i < GENERATE_FIELDS && ok; i++)
		ok = wire_field(&c.frame, fields[i], err);
	return ok && call(v, &c, GENERATED_FIELDS, err) && take_generated(&c, out, err);
}

bool
vault_set_kra_issuers(
    int control_fd, const struct view *certificates, size_t count, struct err *err)
{
	OWNED(call_free) struct call c = {0};
	bool ok = wire_begin(&c.frame, VAULT_OP_SET_KRA_ISSUERS, err), broken;

	for (size_t i = 0; i < count && ok; i++)
		ok = wire_field(&c.frame, certificates[i], err);
	return ok && call_fd(control_fd, &c, 0, &broken, err);
}

bool
vault_set_kras(int control_fd, size_t needed, size_t threshold, const struct view *certificates,
    const enum cms_reader *readers, size_t count, size_t *usable_out, struct err *err)
{
	uint8_t octets[KRA_ENABLED_MAX];
	OWNED(call_free) struct call c = {0};
	uint32_t usable = 0;
	bool ok, broken;

	*usable_out = 0;
	if (count > KRA_ENABLED_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "%zu KRA certificates are too many; at most %d can be enabled", count,
		    KRA_ENABLED_MAX);
	for (size_t i = 0; i < count; i++)
		octets[i] = (uint8_t)(readers != NULL ? readers[i] : CMS_READER_OAEP);
	ok = wire_begin(&c.frame, VAULT_OP_SET_KRAS, err) &&
	     wire_field_u32(&c.frame, (uint32_t)needed, err) &&
	     wire_field_u32(&c.frame, (uint32_t)threshold, err) &&
	     wire_field(&c.frame, view_of(octets, count), err);
	for (size_t i = 0; i < count && ok; i++)
		ok = wire_field(&c.frame, certificates[i], err);
	ok = ok && call_fd(control_fd, &c, 1, &broken, err);
	if (ok && !wire_u32(c.fields[0], &usable))
		ok = err_set(
		    err, DIRCA_E_VAULT, "the vault's answer about the KRA list is not a number");
	*usable_out = usable;
	return ok;
}

void
vault_kra_set_free(struct vault_kra_set *set)
{
	while (set->count > 0)
		buf_free(&set->list[--set->count]);
}

static bool
take_kra_set(const struct call *c, struct vault_kra_set *out, struct err *err)
{
	uint32_t needed, threshold;

	if (c->count < KRAS_CERTIFICATES || !wire_u32(c->fields[KRAS_COUNT], &needed) ||
	    !wire_u32(c->fields[KRAS_THRESHOLD], &threshold) ||
	    c->fields[KRAS_READERS].len != c->count - KRAS_CERTIFICATES)
		return err_set(
		    err, DIRCA_E_VAULT, "the vault's answer about its KRAs has no number");
	out->needed = needed;
	out->threshold = threshold;
	for (size_t i = KRAS_CERTIFICATES; i < c->count; i++) {
		if (!buf_dup(c->fields[i], &out->list[out->count], err))
			return false;
		out->readers[out->count] = (enum cms_reader)c->fields[KRAS_READERS].ptr[out->count];
		out->count++;
	}
	return true;
}

bool
vault_get_kras(struct vault *v, struct vault_kra_set *out, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	*out = (struct vault_kra_set){0};
	if (wire_begin(&c.frame, VAULT_OP_KRAS, err) && call(v, &c, ANY_COUNT, err) &&
	    take_kra_set(&c, out, err))
		return true;
	vault_kra_set_free(out);
	return false;
}

bool
vault_ping(int control_fd, struct err *err)
{
	OWNED(call_free) struct call c = {0};

	return wire_begin(&c.frame, VAULT_OP_PING, err) && wire_send(control_fd, &c.frame, err);
}

enum vault_pong
vault_ponged(int control_fd)
{
	struct pollfd p = {.fd = control_fd, .events = POLLIN};
	uint8_t status;
	uint32_t len;
	struct err err;

	if (poll(&p, 1, 0) == 0)
		return VAULT_SILENT;
	return wire_receive_header(control_fd, &status, &len, &err) == WIRE_OK && len == 0 &&
		       status == VAULT_STATUS_OK
		   ? VAULT_ANSWERED
		   : VAULT_GONE;
}
