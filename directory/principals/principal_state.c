/*
 * Whether an account may act, and what it proves itself with.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "principal_priv.h"
#include "text.h"

/* ADS_UF_*, [MS-ADTS] 2.2.16. */
#define UF_ACCOUNT_DISABLE 0x2
#define UF_LOCKOUT         0x10

/* accountExpires, [MS-ADA1] 2.1: both mean never. */
#define EXPIRES_NEVER   INT64_MAX
#define FILETIME_SECOND 10000000
#define FILETIME_1970   INT64_C(11644473600)

/* draft-behera-ldap-password-policy 5.3.3: locked until somebody unlocks it. */
#define LOCKED_FOR_GOOD "000001010000Z"

/* A FILETIME as AD keeps it, a decimal number of 100 ns units; 0 if it is absent. */
static bool
read_filetime(const struct dir_entry *e, const char *name, int64_t *out, struct err *err)
{
	char *text;
	bool ok = true;

	*out = 0;
	switch (dir_entry_text(e, name, &text, err)) {
	case DIR_GET_FAILED:
		return false;
	case DIR_GET_ABSENT:
		return true;
	case DIR_GET_OK:
		break;
	}
	if (!text_to_int(text, 0, INT64_MAX, out))
		ok = err_set(err, ERROR_INVALID_DATA, "%s: %s is '%.32s', which is no time", e->dn,
		    name, text);
	free(text);
	return ok;
}

/* Domain controllers say by msDS-User-Account-Control-Computed whether a lock is still in force;
 * lockoutTime alone stays there when it has run out. Where nothing computes, lockoutTime is what an
 * administrator has set. */
static bool
read_lock(const struct dir_entry *e, struct principal *p, struct err *err)
{
	int32_t computed = 0;
	int64_t since;

	switch (dir_entry_int32(e, "msDS-User-Account-Control-Computed", &computed, err)) {
	case DIR_GET_FAILED:
		return false;
	case DIR_GET_OK:
		p->is_locked = (computed & UF_LOCKOUT) != 0;
		break;
	case DIR_GET_ABSENT:
		if (!read_filetime(e, "lockoutTime", &since, err))
			return false;
		p->is_locked = since != 0;
		break;
	}
	if (dir_entry_has_value_nocase(e, "pwdAccountLockedTime", LOCKED_FOR_GOOD))
		p->is_locked = true;
	return true;
}

bool
principal_read_state(const struct dir_entry *e, struct principal *p, struct err *err)
{
	int32_t control = 0;
	int64_t expires;

	if (dir_entry_int32(e, "userAccountControl", &control, err) == DIR_GET_FAILED ||
	    !read_filetime(e, "accountExpires", &expires, err))
		return false;
	p->is_disabled = (control & UF_ACCOUNT_DISABLE) != 0;
	p->has_expiry = expires != 0 && expires != EXPIRES_NEVER;
	p->expires = p->has_expiry ? expires / FILETIME_SECOND - FILETIME_1970 : 0;
	return read_lock(e, p, err);
}

bool
principal_check_active(const struct principal *p, int64_t now, struct err *err)
{
	char when[21];

	if (p->is_hidden)
		return err_set(err, E_ACCESSDENIED,
		    "whether the account %s is disabled, expired or locked out is hidden: the "
		    "domain controller does not show userAccountControl of %s. Add the account "
		    "that reads to Pre-Windows 2000 Compatible Access of the domain",
		    p->downlevel, p->dn);
	if (p->is_disabled)
		return err_set(err, ERROR_ACCOUNT_DISABLED,
		    "the account %s is disabled (userAccountControl of %s): enable it first",
		    p->downlevel, p->dn);
	if (p->has_expiry && now >= p->expires) {
		clock_format(p->expires, when);
		return err_set(err, ERROR_ACCOUNT_EXPIRED,
		    "the account %s expired at %s (accountExpires of %s): set a later date first",
		    p->downlevel, when, p->dn);
	}
	if (p->is_locked)
		return err_set(err, ERROR_ACCOUNT_LOCKED_OUT,
		    "the account %s is locked out (lockoutTime or pwdAccountLockedTime of %s): "
		    "unlock it first",
		    p->downlevel, p->dn);
	return true;
}

/* ---- SCRAM verifier ---- */

/* RFC 5803: "SCRAM-SHA-256$" iterations ":" salt "$" StoredKey ":" ServerKey; the scheme's name is
 * compared without case. */
static enum dir_find
pick_verifier(const struct dir_entry *e, char **out, struct err *err)
{
	static const char scheme[] = "SCRAM-SHA-256$";
	const struct dir_attr *a = dir_entry_attr(e, "authPassword");
	enum dir_find found = DIR_NOT_FOUND;

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		struct view v = buf_view(&a->values[i]);

		if (v.len < sizeof scheme ||
		    strncasecmp((const char *)v.ptr, scheme, sizeof scheme - 1) != 0)
			continue;
		if (found == DIR_FOUND) {
			err_set(err, ERROR_INVALID_DATA,
			    "%s has several SCRAM-SHA-256 values in authPassword", e->dn);
			return DIR_FIND_FAILED;
		}
		if (!text_from_view(v, out, err)) {
			err_prefix(err, "authPassword of %s", e->dn);
			return DIR_FIND_FAILED;
		}
		found = DIR_FOUND;
	}
	return found;
}

static enum dir_find
verifier_of(
    const struct dir_entry *e, int64_t now, char **out, struct err *state_out, struct err *err)
{
	struct principal p = {.dn = e->dn, .downlevel = e->dn};

	if (!principal_read_state(e, &p, err))
		return DIR_FIND_FAILED;
	if (principal_check_active(&p, now, state_out))
		state_out->code = ERR_OK;
	return pick_verifier(e, out, err);
}

enum dir_find
principal_scram_verifier(struct dir_conn *c, const struct identity *id, int64_t now, char **out,
    struct err *state_out, struct err *err)
{
	static const char *const attrs[] = {"authPassword", PRINCIPAL_STATE_ATTRS, NULL};
	struct dir_entries read = {0};
	struct dir_entry e;
	enum dir_find found = principal_locate(c, principal_search_of(id->kind), id->text, &e, err);

	*out = NULL;
	if (found == DIR_FIND_FAILED)
		return found;
	if (!dir_search(c,
		&(struct dir_query){
		    .base = found == DIR_FOUND ? e.dn : dir_conn_root(c)->default_nc,
		    .filter = PEOPLE,
		    .attrs = attrs},
		&read, err))
		found = DIR_FIND_FAILED;
	else if (found == DIR_FOUND)
		found = read.count == 1 ? verifier_of(&read.list[0], now, out, state_out, err)
					: DIR_NOT_FOUND;
	if (found != DIR_FOUND) {
		free(*out);
		*out = NULL;
	}
	dir_entries_free(&read);
	dir_entry_free(&e);
	return found;
}
