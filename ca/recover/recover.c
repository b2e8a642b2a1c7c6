#include "recover_priv.h"

#include <string.h>
#include <strings.h>

#include "audit.h"
#include "clock.h"
#include "idn.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define SHA1_HEX_LEN 40

bool
recover_check_fresh(const struct ca_view *view, struct err *err)
{
	if (ca_view_is_fresh(view, clock_boot_ms()))
		return true;
	return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
	    "the directory could not be read for over a minute; no key is handed out");
}

/* ---- candidates ---- */

/* A page, and whether there is any row at all: that a later page is empty sends nobody elsewhere.
 */
static bool
find_any(struct ca *ca, enum store_key by, const char *value, int64_t after,
    struct store_requests *out, bool *any_out, struct err *err)
{
	OWNED(store_requests_free) struct store_requests first = {0};

	if (!recover_find_by(ca, by, value, after, out, err))
		return false;
	*any_out = out->count > 0;
	if (*any_out || after <= 0)
		return true;
	if (!store_page_candidates(ca->store, by, value, 0, &first, err))
		return false;
	*any_out = first.count > 0;
	return true;
}

/* What another account made under a name that this one has now is not this one's. */
static void
drop_others(struct store_requests *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->list[i].requester_sid == NULL)
			rows->list[kept++] = rows->list[i];
		else
			store_request_free(&rows->list[i]);
	}
	rows->count = kept;
}

/* Rows of one account, whatever it was called when it made them; of its name only those that do not
 * say whose they are. */
static bool
find_account(struct ca *ca, const struct principal *p, int64_t after, struct store_requests *out,
    struct err *err)
{
	char sid[SID_TEXT_MAX];
	bool any;

	if (p->has_sid) {
		sid_to_text(&p->sid, sid);
		if (!find_any(ca, STORE_BY_REQUESTER_SID, sid, after, out, &any, err))
			return false;
		if (any)
			return true;
		store_requests_free(out);
	}
	if (!recover_find_by(ca, STORE_BY_REQUESTER, p->downlevel, after, out, err))
		return false;
	drop_others(out);
	return true;
}

/* Of two pages no row counts that stands behind the end of one of them: the other could hold one
 * before it. */
static void
cut_rows(struct store_requests *rows, int64_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->list[i].request_id <= end)
			rows->list[kept++] = rows->list[i];
		else
			store_request_free(&rows->list[i]);
	}
	rows->count = kept;
}

void
recover_add_rows(struct store_requests *to, struct store_requests *from)
{
	size_t had = to->count;

	for (size_t i = 0; i < from->count; i++) {
		bool there = false;

		for (size_t k = 0; !there && k < had; k++)
			there = to->list[k].request_id == from->list[i].request_id;
		if (there)
			continue;
		to->list = mem_grow(to->list, to->count, sizeof *to->list);
		to->list[to->count++] = from->list[i];
		from->list[i] = (struct store_request){0};
	}
	if (from->next != 0 && (to->next == 0 || from->next < to->next))
		to->next = from->next;
	if (to->next != 0)
		cut_rows(to, to->next);
}

/* Who has the name today may have made requests under another. They stand beside those that were
 * made under this one, so that nobody takes the one's key for the other's. A common name may be
 * many people's; of whom the directory cannot tell, the rows alone tell. */
static bool
add_present_owner(struct ca *ca, enum store_key by, const char *name, int64_t after,
    struct store_requests *rows, struct err *err)
{
	OWNED(principal_free) struct principal p = {0};
	OWNED(store_requests_free) struct store_requests own = {0};
	enum dir_find found;
	char sid[SID_TEXT_MAX];

	if (by == STORE_BY_COMMON_NAME)
		return true;
	if ((found = ca_find_account(ca, name, &p, err)) == DIR_FIND_FAILED)
		return err->code == TYPE_E_AMBIGUOUSNAME || err->code == DIRCA_E_GROUPS_UNREADABLE;
	if (found != DIR_FOUND || !p.has_sid)
		return true;
	sid_to_text(&p.sid, sid);
	if (!recover_find_by(ca, STORE_BY_REQUESTER_SID, sid, after, &own, err))
		return false;
	recover_add_rows(rows, &own);
	return true;
}

/* The name as it stands in the rows: who is gone is found by the name of that time. Else who the
 * directory says has the name now. */
static bool
find_name(struct ca *ca, enum store_key by, const char *name, int64_t after,
    struct store_requests *out, bool *any_out, struct err *err)
{
	OWNED(principal_free) struct principal p = {0};
	enum dir_find found;

	if (!find_any(ca, by, name, after, out, any_out, err))
		return false;
	if (*any_out)
		return add_present_owner(ca, by, name, after, out, err);
	if ((found = ca_find_account(ca, name, &p, err)) == DIR_FIND_FAILED)
		return false;
	store_requests_free(out);
	if (found == DIR_FOUND && !find_account(ca, &p, after, out, err))
		return false;
	*any_out = out->count > 0;
	return true;
}

/* Who has that name, or is in that place, today; else who was. */
static bool
find_downlevel(struct ca *ca, const char *name, int64_t after, struct store_requests *out,
    bool *any_out, struct err *err)
{
	OWNED(store_requests_free) struct store_requests first = {0};

	if (!find_name(ca, STORE_BY_REQUESTER, name, after, out, any_out, err))
		return false;
	if (*any_out)
		return true;
	store_requests_free(out);
	if (!recover_find_place(ca, name, after, out, err))
		return false;
	*any_out = out->count > 0 || out->next != 0;
	if (*any_out || after <= 0)
		return true;
	if (!recover_find_place(ca, name, 0, &first, err))
		return false;
	*any_out = first.count > 0 || first.next != 0;
	return true;
}

/* As thumbprint, as serial number, as name; the first that finds something. Nobody makes a
 * certificate that has the thumbprint of another; a serial number that says as much, who will. */
static bool
find_hex(struct ca *ca, const struct token *t, int64_t after, struct store_requests *out,
    bool *any_out, struct err *err)
{
	char padded[SHA1_HEX_LEN + 1];

	*any_out = false;
	if (t->digits == SHA1_HEX_LEN) {
		memset(padded, '0', sizeof padded);
		memcpy(padded + SHA1_HEX_LEN - strlen(t->text), t->text, strlen(t->text) + 1);
		if (!find_any(ca, STORE_BY_CERTIFICATE_HASH, padded, after, out, any_out, err))
			return false;
	}
	if (!*any_out) {
		store_requests_free(out);
		if (!find_any(ca, STORE_BY_SERIAL, t->text, after, out, any_out, err))
			return false;
	}
	if (*any_out)
		return true;
	store_requests_free(out);
	return find_name(ca, STORE_BY_COMMON_NAME, t->name, after, out, any_out, err);
}

/* A host in it may be written down by its A-labels, or as people write it. */
static bool
find_with_host(struct ca *ca, enum store_key by, const char *name, int64_t after,
    struct store_requests *out, bool *any_out, struct err *err)
{
	OWNED(own_memory) char *other = idn_other(name);
	OWNED(store_requests_free) struct store_requests more = {0};
	bool any_more = false;

	if (!find_name(ca, by, name, after, out, any_out, err) ||
	    (other != NULL && !find_name(ca, by, other, after, &more, &any_more, err)))
		return false;
	recover_add_rows(out, &more);
	*any_out = *any_out || any_more;
	return true;
}

static bool
find_parsed(struct ca *ca, const struct token *t, int64_t after, struct store_requests *out,
    bool *any_out, struct err *err)
{
	switch (t->kind) {
	case TOKEN_UPN:
		return find_with_host(ca, STORE_BY_UPN, t->text, after, out, any_out, err);
	case TOKEN_DOWNLEVEL:
		return find_downlevel(ca, t->text, after, out, any_out, err);
	case TOKEN_SERIAL_OR_HASH:
		return find_hex(ca, t, after, out, any_out, err);
	case TOKEN_CN:
		return find_with_host(ca, STORE_BY_COMMON_NAME, t->text, after, out, any_out, err);
	}
	return err_set(err, DIRCA_E_INTERNAL, "search token of kind %d", (int)t->kind);
}

/* A request's number, as lists show it. */
static bool
find_request(struct ca *ca, const struct token *t, int64_t after, struct store_requests *out,
    struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	int64_t id;

	if (!text_to_int(t->name, 1, INT64_MAX, &id) || id <= after)
		return true;
	switch (store_get_request(ca->store, id, &row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return true;
	case STORE_FOUND:
		break;
	}
	/* As a candidate's row: without the key itself. */
	row.has_archived_key = row.raw_archived_key.len > 0;
	if (!row.has_archived_key || row.raw_certificate.len == 0)
		return true;
	buf_free(&row.raw_archived_key);
	out->list = mem_grow(out->list, 0, sizeof *out->list);
	out->list[out->count++] = row;
	row = (struct store_request){0};
	return true;
}

/* What the form that a token has finds nobody by may be written in another's: a common name with an
 * '@', a user principal name without, a SID or DN as `dirca explain` shows it. */
static bool
find_other_forms(struct ca *ca, const struct token *t, int64_t after, struct store_requests *out,
    struct err *err)
{
	static const enum store_key ways[] = {
	    STORE_BY_COMMON_NAME, STORE_BY_UPN, STORE_BY_REQUESTER, STORE_BY_REQUESTER_SID};
	bool any;

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		store_requests_free(out);
		if (!find_any(ca, ways[i], t->name, after, out, &any, err))
			return false;
		if (any)
			return true;
	}
	store_requests_free(out);
	/* As candidates are shown. */
	if (strncasecmp(t->name, "UPN:", 4) == 0)
		return find_any(ca, STORE_BY_UPN, t->name + 4, after, out, &any, err);
	return find_request(ca, t, after, out, err);
}

bool
recover_find_rows(
    struct ca *ca, const char *token, int64_t after, struct store_requests *out, struct err *err)
{
	OWNED(token_free) struct token t = {0};
	bool any;

	*out = (struct store_requests){0};
	return token_parse(token, &t, err) && find_parsed(ca, &t, after, out, &any, err) &&
	       (any || find_other_forms(ca, &t, after, out, err));
}

/* Rows of one requester and template have one answer: a thousand rows of one user cost one
 * directory read. */
static bool
same_question(const struct store_request *a, const struct store_request *b)
{
	const char *names[] = {a->requester_name, b->requester_name, a->template_name,
	    b->template_name, a->template_oid, b->template_oid, a->requester_sid, b->requester_sid,
	    a->requester_dn, b->requester_dn};

	for (size_t i = 0; i < COUNT_OF(names); i += 2)
		if ((names[i] == NULL) != (names[i + 1] == NULL) ||
		    (names[i] != NULL && strcmp(names[i], names[i + 1]) != 0))
			return false;
	return true;
}

struct seen {
	bool allowed;
	bool for_this_row; /* by what was written down with it, which may be another's answer */
};

static bool
may_see(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    const struct store_requests *rows, size_t i, struct seen *seen, struct recover_hidden *hidden,
    struct err *err)
{
	struct officer_decision decision;

	for (size_t k = 0; k < i; k++)
		if (!seen[k].for_this_row && same_question(&rows->list[k], &rows->list[i])) {
			seen[i] = seen[k];
			return true;
		}
	seen[i].allowed = ca_decide_officer(ca, view, officer, &rows->list[i], &decision, err);
	seen[i].for_this_row = decision.by_record;
	if (!seen[i].allowed && hidden->first.code == ERR_OK)
		hidden->first = *err;
	return seen[i].allowed || err->code == CERTSRV_E_RESTRICTEDOFFICER;
}

bool
recover_filter_rows(struct ca *ca, const struct ca_view *view, const struct principal *officer,
    struct store_requests *rows, struct recover_hidden *hidden, struct err *err)
{
	OWNED(own_memory) struct seen *seen = mem_zero(rows->count, sizeof *seen);
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (!may_see(ca, view, officer, rows, i, seen, hidden, err))
			return false;
	for (size_t i = 0; i < rows->count; i++) {
		if (seen[i].allowed)
			rows->list[kept++] = rows->list[i];
		else
			store_request_free(&rows->list[i]);
	}
	hidden->count = rows->count - kept;
	rows->count = kept;
	return true;
}

/* Who looks for whom is half of an insider's trace: a search whose record cannot be written tells
 * nothing. */
static bool
audit_search(struct ca *ca, const struct principal *officer, const char *token, size_t found,
    size_t hidden, struct err *err)
{
	OWNED(own_memory) char *detail = text_printf("found=%zu hidden=%zu", found, hidden);
	const struct ca_audit a = {.when = clock_now(),
	    .event = AUDIT_KEYS_SEARCHED,
	    .actor = officer->downlevel,
	    .object = token,
	    .detail = detail};

	return ca_audit_alone(ca->store, &a, err);
}

static void
audit_refused_search(
    struct ca *ca, const struct principal *officer, const char *token, struct err *reason)
{
	/* What is no token may not fit into a record. */
	const struct ca_audit a = {.when = clock_now(),
	    .event = AUDIT_KEYS_SEARCHED,
	    .actor = officer->downlevel,
	    .object = reason->code != E_INVALIDARG ? token : NULL};

	ca_audit_refusal(ca, &a, reason);
}

bool
recover_page(struct ca *ca, const struct principal *officer, const char *token, int64_t after,
    struct store_requests *out, struct recover_hidden *hidden, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	int64_t retry_after_s;
	bool ok;

	*out = (struct store_requests){0};
	*hidden = (struct recover_hidden){0};
	ok = recover_check_fresh(view, err) &&
	     ca_check_right(view, officer, CA_RIGHT_OFFICER, err) &&
	     ca_take_quota(ca, view, officer, 0, &retry_after_s, err) &&
	     recover_find_rows(ca, token, after, out, err) &&
	     recover_filter_rows(ca, view, officer, out, hidden, err);
	if (!ok)
		audit_refused_search(ca, officer, token, err);
	else
		ok = audit_search(ca, officer, token, out->count, hidden->count, err);
	if (!ok)
		store_requests_free(out);
	return ok;
}

bool
recover_candidates(struct ca *ca, const struct principal *officer, const char *token,
    struct store_requests *out, struct recover_hidden *hidden, struct err *err)
{
	return recover_page(ca, officer, token, RECOVER_ALL, out, hidden, err);
}
