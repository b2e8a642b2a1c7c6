/*
 * The recovery BLOB of one archived key, for a certificate manager who may have it. Nothing leaves
 * before the audit record is on disk.
 */
#include "recover_priv.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "mem.h"
#include "own.h"
#include "printable.h"
#include "own_request.h"
#include "recovery.h"
#include "text.h"

#define SHA1_DIGITS 40

static enum store_find
get_by_hash(const struct recovery *r, struct store_request *row, struct err *err)
{
	OWNED(own_memory) char *padded = NULL;
	OWNED(buf_free) struct buf sha1 = {0};
	size_t len = strlen(r->serial);

	if (len > SHA1_DIGITS)
		return STORE_NOT_FOUND;
	padded = text_printf("%0*d%s", (int)(SHA1_DIGITS - len), 0, r->serial);
	return hex_decode(padded + strlen(padded) - SHA1_DIGITS, &sha1, err)
		   ? store_get_by_hash(r->ca->store, buf_view(&sha1), row, err)
		   : STORE_FAILED;
}

/* Imported certificates of several CAs may have one serial number: their SHA-1 names them, and
 * first, for a serial number can be made to look like the SHA-1 of another's certificate. */
static enum store_find
find_row(const struct recovery *r, struct store_request *row, struct err *err)
{
	enum store_find found = get_by_hash(r, row, err);

	if (found != STORE_NOT_FOUND)
		return found;
	found = store_get_by_serial(r->ca->store, r->serial, row, err);
	if (found == STORE_FAILED && err->code == TYPE_E_AMBIGUOUSNAME)
		err_set(err, TYPE_E_AMBIGUOUSNAME,
		    "Ambiguous name. Several certificates that were imported have this serial "
		    "number; give the SHA-1 of the one that is meant");
	return found;
}

/* The row whose key is asked for. "Not there" and "no key" are one answer: an officer learns
 * nothing about other rows from it. */
static bool
get_row(struct recovery *r, struct store_request *row, struct err *err)
{
	enum store_find found = find_row(r, row, err);

	if (found == STORE_FOUND)
		r->serial = row->serial_number;
	return found == STORE_FOUND ||
	       (found == STORE_NOT_FOUND &&
		   err_set(err, CERTSRV_E_PROPERTY_EMPTY,
		       "no certificate with serial number %s has an archived key", r->serial));
}

/* ---- the checks, in the order in which they are made ---- */

static bool
check_account(struct recovery *r, struct err *err)
{
	return principal_check_active(r->officer, r->now, err);
}

static bool
check_right(struct recovery *r, struct err *err)
{
	return ca_check_right(r->view, r->officer, CA_RIGHT_OFFICER, err);
}

static bool
check_rules(struct recovery *r, struct err *err)
{
	return ca_decide_officer(r->ca, r->view, r->officer, r->row, &r->restriction, err);
}

static bool
check_own(struct recovery *r, struct err *err)
{
	return own_check_row(r->ca, r->officer, r->row, err);
}

static bool
check_key(struct recovery *r, struct err *err)
{
	const struct store_request *row = r->row;
	bool is_certificate = row->disposition == DISP_ISSUED || row->disposition == DISP_REVOKED ||
			      row->disposition == DISP_FOREIGN;

	if (!is_certificate || row->raw_archived_key.len == 0 || row->raw_certificate.len == 0)
		return err_set(err, CERTSRV_E_PROPERTY_EMPTY,
		    "no certificate with serial number %s has an archived key", r->serial);
	return true;
}

/* ---- the words of explanations ---- */

static char *
told_account(const struct recovery *r)
{
	return text_printf("%s is active", r->officer->downlevel);
}

static char *
told_right(const struct recovery *r)
{
	return text_printf(
	    "%s has the CA right '%s'", r->officer->downlevel, ca_right_name(CA_RIGHT_OFFICER));
}

static char *
told_rules(const struct recovery *r)
{
	return text_printf("%s for %s and template %s%s",
	    r->view->officer_rules.unrestricted ? "no certificate manager is restricted"
						: "a rule of dircaOfficerRights allows it",
	    r->row->requester_name != NULL ? r->row->requester_name : "?",
	    r->row->template_name != NULL ? r->row->template_name : "?",
	    r->restriction.by_record
		? "; the account is gone: the groups count that were written down with the "
		  "request, and the audit record of the retrieval says so (groups=recorded)"
		: "");
}

static char *
told_own(const struct recovery *r)
{
	return mem_text(r->ca->config->allow_own_requests
			    ? "certificate managers may decide about themselves "
			      "(allow_own_requests)"
			    : "the key is not the officer's own");
}

static char *
told_key(const struct recovery *r)
{
	return text_printf("the key of certificate %s is archived", r->serial);
}

static char *
told_kras(const struct recovery *r)
{
	return text_printf("of %zu KRA certificates that can open it, %zu are at hand",
	    r->sealed_to, r->kra_count);
}

static struct explain_reason
reason_right(const struct recovery *r)
{
	const struct sd *sd = &r->view->security;

	return (struct explain_reason){.sd = sd,
	    .rights = SD_RIGHTS_CA,
	    .at = r->view->has_security ? sd_check_mask(sd, &r->officer->sids, CA_RIGHT_OFFICER).ace
					: -1,
	    .who = r->officer};
}

static struct explain_reason
reason_rules(const struct recovery *r)
{
	return (struct explain_reason){.rules = &r->view->officer_rules,
	    .at = r->restriction.rule,
	    .requester_dn = r->row->requester_dn};
}

static const struct recover_check checks[] = {
    {"account", check_account, told_account, NULL},
    {"ca-right", check_right, told_right, reason_right},
    {"officer-rights", check_rules, told_rules, reason_rules},
    {"own-request", check_own, told_own, NULL},
    {"archived-key", check_key, told_key, NULL},
    {"case", recover_find_case, recover_told_case, NULL},
    {"kra", recover_find_kras, told_kras, NULL},
};

bool
recover_decide(struct recovery *r, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		bool ok = checks[i].run(r, err);

		if (r->step != NULL)
			r->step(r, &checks[i], ok ? NULL : err);
		if (!ok)
			return false;
	}
	return true;
}

/* The CA that signs, its parents, and what leads from its key to those that it had before: for a
 * KRA who knows an older certificate, and for the certificate whose key it is. free(). */
static struct view *
chain_of(const struct recovery *r, size_t *count_out)
{
	const struct ca *ca = r->ca;
	const struct ca_issuers *own = &ca->info.issuers;
	struct view *list = mem_zero(ca->chain_count + ca->crosses.count + 1, sizeof *list);
	size_t n = 0;

	for (size_t i = 0; i < ca->chain_count; i++)
		list[n++] = buf_view(&ca->chain[i]);
	for (size_t i = 1; i < own->count; i++)
		if (own->list[i].version == r->row->issuer_name_id)
			list[n++] = buf_view(&own->list[i].cert.raw);
	for (size_t i = 0; i < ca->crosses.count; i++)
		if (ca->crosses.list[i].by->version < ca->crosses.list[i].of->version)
			list[n++] = buf_view(&ca->crosses.list[i].cert.raw);
	*count_out = n;
	return list;
}

/* `audit_row` is that of the retrieval, and `case_id` its case, on disk already. */
static bool
make_blob(const struct recovery *r, struct vault *v, int64_t audit_row, int64_t case_id,
    struct buf *out, struct err *err)
{
	const struct ca *ca = r->ca;
	OWNED(own_memory) char *officer = printable_escape(r->officer->downlevel);
	size_t chain_count;
	OWNED(own_memory) struct view *chain = chain_of(r, &chain_count);
	OWNED(own_memory) struct view *kras = buf_views(r->kras, r->kra_count);
	OWNED(buf_free) struct buf attrs = {0};
	OWNED(buf_free) struct buf signature = {0};
	char sid[SID_TEXT_MAX];

	const struct recovery_make in = {
	    .archived = buf_view(&r->row->raw_archived_key),
	    .certificate = buf_view(&r->row->raw_certificate),
	    .chain = chain,
	    .chain_count = chain_count,
	    .kras = kras,
	    .kra_count = r->kra_count,
	    .digest = ca->digest,
	    .retrieval = {.request_id = r->row->request_id,
		.audit_row = audit_row,
		.when = r->now,
		.officer = officer,
		.officer_sid = principal_sid_text(r->officer, sid),
		.case_id = case_id,
		.ticket = r->used.ticket},
	};
	return recovery_attrs(&in, &attrs, err) &&
	       vault_sign_message(v, buf_view(&attrs), &signature, err) &&
	       recovery_finish(&in, buf_view(&attrs), buf_view(&ca->issuer->sig_alg),
		   buf_view(&signature), out, err);
}

/* The unit of work of a retrieval, and what came of it. */
struct handing_out {
	const struct recovery *r;
	struct case_event event;
	int64_t case_id, audit_row;
};

static bool
audit(struct store_tx *tx, struct handing_out *u, struct err *err)
{
	const struct recovery *r = u->r;
	OWNED(own_memory) char *certificate = ca_audit_certificate(r->row);
	OWNED(own_memory)
	char *detail = text_printf("%scase=%lld %s",
	    r->restriction.by_record ? "groups=recorded " : "", (long long)u->case_id, certificate);
	const struct ca_audit a = {
	    .when = r->now,
	    .event = AUDIT_KEY_RETRIEVED,
	    .actor = r->officer->downlevel,
	    .request_id = r->row->request_id,
	    .object = r->serial,
	    .detail = detail,
	};

	return ca_audit_row(tx, &a, &u->audit_row, err);
}

static bool
write_retrieval(struct store_tx *tx, void *arg, struct err *err)
{
	struct handing_out *u = arg;

	if (!recover_use_case(tx, u->r, &u->case_id, err) || !audit(tx, u, err))
		return false;
	u->event.case_id = u->case_id;
	return ca_event_keep(tx, u->r->ca, case_event(&u->event), err);
}

static bool
parse_serial(const char *text, char **out, struct err *err)
{
	OWNED(token_free) struct token t = {0};

	*out = NULL;
	if (!token_parse(text, &t, err))
		return false;
	if (t.kind != TOKEN_SERIAL_OR_HASH)
		return err_set(err, E_INVALIDARG, "'%s' is not a serial number", t.name);
	*out = own_give(&t.text);
	return true;
}

/* The record first, and the case used up: without them the act did not happen, and the record's
 * number is in what the CA signs. */
static bool
retrieve(struct recovery *r, struct vault *v, struct buf *blob_out, struct err *err)
{
	const struct store_case whose = {.owner_name = r->row->requester_name};
	struct handing_out u = {.r = r,
	    .event = {.id = EVENT_KEY_RETRIEVED,
		.c = &whose,
		.request_id = r->row->request_id,
		.now = r->now,
		.last = r->serial,
		.officer = r->officer,
		.tell_owner =
		    r->view->settings.num[SETTING_RECOVERY_TELL_OWNER] != TELL_OWNER_NEVER}};

	if (!store_do(r->ca->store, write_retrieval, &u, err))
		return false;
	r->case_id = u.case_id;
	if (!make_blob(r, v, u.audit_row, u.case_id, blob_out, err))
		return false;
	ca_event_tell(r->ca, case_event(&u.event));
	return true;
}

static bool
decide(struct recovery *r, struct store_request *row, struct err *err)
{
	/* The right first: without it nothing is said about what there is. */
	return recover_check_fresh(r->view, err) &&
	       ca_check_right(r->view, r->officer, CA_RIGHT_OFFICER, err) && get_row(r, row, err) &&
	       recover_decide(r, err);
}

/* As one, so that recover_blob can word every failure. */
static bool
decide_and_retrieve(struct recovery *r, struct vault *v, struct store_request *row,
    struct buf *blob_out, struct err *err)
{
	if (decide(r, row, err) && retrieve(r, v, blob_out, err))
		return true;
	/* A retrieval that fails after its record was written has a second one that says so. */
	OWNED(own_memory) char *tied = NULL;
	struct ca_audit refused = {.when = r->now,
	    .event = AUDIT_KEY_RETRIEVED,
	    .actor = r->officer->downlevel,
	    .request_id = row->request_id,
	    .object = r->serial};

	if (r->case_id != 0)
		tied = text_printf("case=%lld ", (long long)r->case_id);
	refused.detail = tied;

	ca_audit_refusal(r->ca, &refused, err);
	return false;
}

bool
recover_blob(struct ca *ca, struct vault *v, const struct principal *officer,
    const struct recover_wish *wish, int64_t now, struct buf *blob_out, int64_t *case_out,
    struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory) char *cleaned = NULL;
	OWNED(recover_decision_free)
	struct recovery r = {.ca = ca,
	    .view = view,
	    .officer = officer,
	    .row = &row,
	    .case_id = wish->case_id,
	    .now = now};

	*blob_out = (struct buf){0};
	*case_out = 0;
	if (parse_serial(wish->serial, &cleaned, err)) {
		r.serial = cleaned;
		if (decide_and_retrieve(&r, v, &row, blob_out, err)) {
			*case_out = r.used.case_id;
			return true;
		}
	}
	return err_prefix(err, "recovering the key of %s", wish->serial);
}
