/*
 * The recovery BLOB of one archived key, for a certificate manager who may have it. Nothing leaves
 * before the audit record is on disk.
 */
#include "recover.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "recovery.h"

/* The row whose key is asked for. "Not there" and "no key" are one answer: an officer learns
 * nothing about other rows from it. */
static bool
get_row(struct ca *ca, const char *serial, struct store_request *row, struct err *err)
{
	switch (store_get_by_serial(ca->store, serial, row, err)) {
	case STORE_FOUND:
		return true;
	case STORE_NOT_FOUND:
		return err_set(err, CERTSRV_E_PROPERTY_EMPTY,
		    "no certificate with serial number %s has an archived key", serial);
	case STORE_FAILED:
		break;
	}
	return false;
}

static bool
check_row(const struct store_request *row, const char *serial, struct err *err)
{
	bool is_certificate = row->disposition == DISP_ISSUED || row->disposition == DISP_REVOKED ||
			      row->disposition == DISP_FOREIGN;

	if (!is_certificate || row->raw_archived_key.len == 0 || row->raw_certificate.len == 0)
		return err_set(err, CERTSRV_E_PROPERTY_EMPTY,
		    "no certificate with serial number %s has an archived key", serial);
	return true;
}

static const struct ca_kra *
kra_by_sha1(const struct ca_view *view, const struct buf *sha1)
{
	for (size_t i = 0; i < view->kra_count; i++)
		if (sha1->len == sizeof view->kras[i].cert.sha1 &&
		    memcmp(sha1->ptr, view->kras[i].cert.sha1, sha1->len) == 0)
			return &view->kras[i];
	return NULL;
}

/* KRA certificates of the row that are still in the KRA store, valid or not: an expired KRA can
 * open what was sealed to it. With some of them gone the others can still recover; with all gone
 * nobody would know who could (paper: "Missing KRA Certificate"). */
static bool
collect_kras(const struct ca_view *view, const struct store_request *row, struct view **out,
    size_t *count_out, struct err *err)
{
	char *hashes = strdup(row->key_recovery_hashes != NULL ? row->key_recovery_hashes : ""),
	     *rest = hashes, *line;
	struct view *list = calloc(view->kra_count + 1, sizeof *list);
	struct buf sha1 = {0};
	bool ok = false;

	*out = NULL;
	*count_out = 0;
	if (hashes == NULL || list == NULL) {
		err_nomem(err);
		goto out;
	}
	while ((line = strsep(&rest, "\n")) != NULL && *count_out < view->kra_count) {
		const struct ca_kra *k;

		if (*line == '\0')
			continue;
		if (!hex_decode(line, &sha1, err))
			goto out;
		if ((k = kra_by_sha1(view, &sha1)) != NULL)
			list[(*count_out)++] = buf_view(&k->cert.raw);
		buf_free(&sha1);
	}
	if (*count_out == 0) {
		err_set(err, CRYPT_E_NOT_FOUND,
		    "none of the KRA certificates that this key is sealed to is in the KRA "
		    "store%s%s; add them again with 'dirca kra add': %s",
		    view->kra_problem != NULL ? ": " : "",
		    view->kra_problem != NULL ? view->kra_problem : "",
		    row->key_recovery_hashes != NULL ? row->key_recovery_hashes : "");
		goto out;
	}
	*out = list;
	list = NULL;
	ok = true;
out:
	free(hashes);
	free(list);
	buf_free(&sha1);
	return ok;
}

static bool
make_blob(struct ca *ca, struct vault *v, const struct ca_view *view,
    const struct store_request *row, struct buf *out, struct err *err)
{
	struct view *chain = calloc(ca->chain_count + 1, sizeof *chain), *kras = NULL;
	struct buf attrs = {0}, signature = {0};
	size_t kra_count = 0;
	bool ok = false;

	if (chain == NULL) {
		err_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < ca->chain_count; i++)
		chain[i] = buf_view(&ca->chain[i]);
	if (!collect_kras(view, row, &kras, &kra_count, err))
		goto out;
	const struct recovery_make in = {
	    .archived = buf_view(&row->raw_archived_key),
	    .certificate = buf_view(&row->raw_certificate),
	    .chain = chain,
	    .chain_count = ca->chain_count,
	    .kras = kras,
	    .kra_count = kra_count,
	    .digest = ca->digest,
	};
	ok = recovery_attrs(&in, &attrs, err) &&
	     vault_sign_message(v, buf_view(&attrs), &signature, err) &&
	     recovery_finish(&in, buf_view(&attrs), buf_view(&ca->info.sig_alg),
		 buf_view(&signature), out, err);
out:
	free(chain);
	free(kras);
	buf_free(&attrs);
	buf_free(&signature);
	return ok;
}

static bool
audit(struct ca *ca, const struct principal *officer, const struct store_request *row,
    const char *serial, const struct err *refusal, int64_t now, struct err *err)
{
	char *detail = refusal != NULL
			   ? strdup(refusal->msg)
			   : text_printf("requester=%s template=%s subject=%s",
				 row->requester_name != NULL ? row->requester_name : "-",
				 row->template_name != NULL ? row->template_name : "-",
				 row->distinguished_name != NULL ? row->distinguished_name : "-");
	const struct ca_audit a = {
	    .when = now,
	    .event = AUDIT_KEY_RETRIEVED,
	    .status = refusal != NULL ? refusal->code : ERR_OK,
	    .actor = officer->downlevel,
	    .request_id = row->request_id,
	    .object = serial,
	    .detail = detail,
	};
	bool ok = detail != NULL ? ca_audit_alone(ca->store, &a, err) : err_nomem(err);

	free(detail);
	return ok;
}

static bool
parse_serial(const char *text, char **out, struct err *err)
{
	struct token t = {0};
	bool ok = token_parse(text, &t, err);

	*out = NULL;
	if (ok && t.kind != TOKEN_SERIAL_OR_HASH)
		ok = err_set(err, E_INVALIDARG, "'%s' is not a serial number", t.name);
	if (ok) {
		*out = t.text;
		t.text = NULL;
	}
	token_free(&t);
	return ok;
}

static bool
prepare(struct ca *ca, struct vault *v, const struct principal *officer, const char *serial,
    int64_t now, struct store_request *row, struct buf *blob, struct err *err)
{
	struct ca_view *view = ca_view_get(ca);
	bool ok;

	if (!ca_view_is_fresh(view, now))
		ok = err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "the directory could not be read for over a minute; no key is handed out");
	else
		ok = ca_check_right(view, officer, CA_RIGHT_OFFICER, err) &&
		     get_row(ca, serial, row, err) &&
		     ca_check_officer(ca, view, officer, row, err) && check_row(row, serial, err) &&
		     make_blob(ca, v, view, row, blob, err);
	ca_view_release(&view);
	return ok;
}

bool
recover_blob(struct ca *ca, struct vault *v, const struct principal *officer, const char *serial,
    int64_t now, struct buf *blob_out, struct err *err)
{
	struct store_request row = {0};
	struct buf blob = {0};
	char *cleaned = NULL;
	struct err unaudited;
	bool ok = false;

	*blob_out = (struct buf){0};
	if (!parse_serial(serial, &cleaned, err))
		goto out;
	if (!prepare(ca, v, officer, cleaned, now, &row, &blob, err)) {
		if (!audit(ca, officer, &row, cleaned, err, now, &unaudited))
			err_prefix(err, "(not audited: %s)", err_name(unaudited.code));
		goto out;
	}
	/* The record first; without it the act did not happen and the blob is thrown away. */
	if (!audit(ca, officer, &row, cleaned, NULL, now, err))
		goto out;
	*blob_out = blob;
	blob = (struct buf){0};
	ok = true;
out:
	store_request_free(&row);
	buf_free(&blob);
	free(cleaned);
	return ok || err_prefix(err, "recovering the key of %s", serial);
}
