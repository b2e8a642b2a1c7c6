#include "enroll_priv.h"

#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "text.h"

/* A PKCS#10 has no number; an answer about it gives it the one that CMC requests have. */
#define PKCS10_BODY_PART 1

/* The request inside a message that others signed. */
static bool
decode_wrapped(struct view body, struct enroll_request *r, struct err *err)
{
	struct view inner;

	if (!cmc_wrapped_decode(body, &r->wrapper, err))
		return false;
	r->is_wrapped = true;
	inner = r->wrapper.message.content;
	if (cmc_names_archived_key(inner))
		return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
		    "a wrapped request carries an encrypted private key; only the outermost "
		    "signature of a CMC request may");
	if ((r->is_cmc = cmc_wrapped_holds_cmc(&r->wrapper)))
		return cmc_request_decode(inner, &r->cmc, err);
	return pkix_request_decode(inner, &r->pkcs10, err);
}

static bool
decode_signed(struct view body, struct enroll_request *r, struct err *err)
{
	/* CMC is what clients send; another content type is told apart before anything else. */
	if (cmc_request_decode(body, &r->cmc, err)) {
		r->is_cmc = true;
		return true;
	}
	return err->code == CRYPT_E_INVALID_MSG_TYPE && decode_wrapped(body, r, err);
}

static bool
decode_body(enum enroll_format format, struct view body, struct enroll_request *r, struct err *err)
{
	bool ok;

	if (format == ENROLL_CMC) {
		ok = decode_signed(body, r, err);
		r->payload = r->cmc.archived_key;
		r->key_hash = r->cmc.key_hash;
	} else if (cmc_names_archived_key(body)) {
		/* Only the outermost signature of a CMC message may carry a key (its code says so
		 * in [MS-ERREF] 2.1.1). */
		return err_set(err, CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL,
		    "a PKCS#10 request carries an encrypted private key; send a CMC request to "
		    "have a key archived");
	} else {
		ok = pkix_request_decode(body, &r->pkcs10, err);
	}
	r->pkix = r->is_cmc ? &r->cmc.request : &r->pkcs10;
	r->body_part_id = r->is_cmc ? r->cmc.body_part_id : PKCS10_BODY_PART;
	return ok;
}

bool
enroll_request_decode(enum enroll_format format, struct view body, size_t most,
    struct enroll_request *out, struct err *err)
{
	*out = (struct enroll_request){.format = format};
	if (body.len > most)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the request has %zu bytes, more than the %zu that max_request allows",
		    body.len, most);
	if (!decode_body(format, body, out, err))
		return err_prefix(err, "reading the request");
	out->decoded = true;
	if (out->is_cmc && out->cmc.has_unknown) {
		out->body_part_id = out->cmc.unknown_part;
		return err_set(err, ERROR_INVALID_DATA,
		    "the request holds the control %s, which this CA does not know, and so "
		    "cannot be honoured",
		    out->cmc.unknown_oid);
	}
	if (!pkix_template_id(
		out->pkix->extensions, out->pkix->extension_count, &out->ids[0], err) ||
	    !pkix_template_id(out->cmc.extensions, out->cmc.extension_count, &out->ids[1], err))
		return err_prefix(err, "reading the request's template extensions");
	if (!pkix_key_info(out->pkix->spki, &out->key_algorithm, &out->key_bits, err) ||
	    !pkix_public_key(out->pkix->spki, &out->key, err) ||
	    !pkix_key_hash(out->pkix->spki, out->key_info_hash, err))
		return err_prefix(err, "reading the request's public key");
	return true;
}

bool
enroll_request_verify(const struct enroll_request *r, bool allow_sha1, struct err *err)
{
	if (r->is_cmc)
		return cmc_request_verify(&r->cmc, r->key, allow_sha1, err);
	return pkix_request_verify(r->pkix, r->key, false, allow_sha1, err);
}

bool
enroll_request_raw(const struct enroll_request *r, struct buf *out, struct err *err)
{
	bool ok;

	*out = (struct buf){0};
	if (!r->decoded)
		return true;
	if (r->is_wrapped)
		ok = cmc_wrapped_strip(&r->wrapper, out, err);
	else if (r->is_cmc)
		ok = cmc_request_strip(&r->cmc, out, err);
	else
		ok = buf_dup(buf_view(&r->pkix->raw), out, err);
	if (!ok)
		return false;
	if (out->len > MOST_RawRequest || cmc_names_archived_key(buf_view(out)))
		buf_free(out);
	return true;
}

struct enroll_signature *
enroll_request_signatures(const struct enroll_request *r, size_t *count_out)
{
	size_t most = r->wrapper.message.signer_count + r->cmc.message.signer_count;
	struct enroll_signature *list = mem_zero(most, sizeof *list);
	size_t count = 0;

	for (size_t i = 0; i < r->wrapper.message.signer_count; i++)
		list[count++] =
		    (struct enroll_signature){&r->wrapper.message, &r->wrapper.message.signers[i]};
	for (size_t i = 0; i < r->cmc.message.signer_count; i++)
		if (i != r->cmc.signer)
			list[count++] =
			    (struct enroll_signature){&r->cmc.message, &r->cmc.message.signers[i]};
	*count_out = count;
	return list;
}

static bool
find_subject(const struct pairs *pairs, const char **found, struct err *err)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *p = &pairs->list[i];

		if (!text_eq_nocase(p->name, CMC_REQUESTER_NAME))
			continue;
		if (*found != NULL && !text_eq_nocase(*found, p->value))
			return err_set(err, ERROR_INVALID_DATA,
			    "the request is made on behalf of '%s' and of '%s'", *found, p->value);
		*found = p->value;
	}
	return true;
}

bool
enroll_request_subject(const struct enroll_request *r, const char **name_out, struct err *err)
{
	*name_out = NULL;
	return find_subject(&r->pkix->pairs, name_out, err) &&
	       find_subject(&r->cmc.pairs, name_out, err) &&
	       find_subject(&r->wrapper.pairs, name_out, err);
}

static struct view
extension_value(const struct pkix_extension *list, size_t count, int nid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].nid == nid)
			return list[i].value;
	return (struct view){0};
}

bool
enroll_request_extension(
    const struct enroll_request *r, int nid, struct view *value_out, struct err *err)
{
	struct view inner = extension_value(r->pkix->extensions, r->pkix->extension_count, nid);
	struct view outer = extension_value(r->cmc.extensions, r->cmc.extension_count, nid);

	*value_out = inner.len > 0 ? inner : outer;
	if (inner.len > 0 && outer.len > 0 && !view_eq(inner, outer))
		return err_set(err, ERROR_INVALID_DATA,
		    "extension %s differs between the PKCS#10 and AddExtensions", OBJ_nid2ln(nid));
	return true;
}

/* One line; a line break inside a value would forge the next. */
static bool
append_pair(struct buf *to, const char *name, const char *value, struct err *err)
{
	OWNED(own_memory) char *line = text_printf("%s:%s", name, value);

	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			*p = '?';
	return buf_append(to, view_str(line), err) && buf_append(to, view_str("\n"), err);
}

static bool
append_pairs(struct buf *to, const struct pairs *pairs, struct err *err)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (!append_pair(to, pairs->list[i].name, pairs->list[i].value, err))
			return false;
	return true;
}

bool
enroll_request_attributes(const struct enroll_request *r, char **out, struct err *err)
{
	OWNED(buf_free) struct buf lines = {0};

	*out = NULL;
	if (!r->decoded)
		return true;
	if (!append_pairs(&lines, &r->pkix->pairs, err) ||
	    !append_pairs(&lines, &r->cmc.pairs, err) ||
	    !append_pairs(&lines, &r->wrapper.pairs, err))
		return false;
	if (lines.len > MOST_RequestAttributes)
		lines.len = 0;
	if (lines.len > 0)
		*out = mem_text_n(lines.ptr, lines.len);
	return true;
}

void
enroll_request_free(struct enroll_request *r)
{
	cmc_wrapped_free(&r->wrapper);
	cmc_request_free(&r->cmc);
	pkix_request_free(&r->pkcs10);
	EVP_PKEY_free(r->key);
	pkix_template_id_free(&r->ids[0]);
	pkix_template_id_free(&r->ids[1]);
	*r = (struct enroll_request){0};
}
