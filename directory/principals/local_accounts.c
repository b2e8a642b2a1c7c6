#include "local_accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define UNIX_AUTHORITY 22
#define USERS          1
#define GROUPS         2

#define RECORD_FIRST 1024
#define RECORD_MOST  (1u << 20)
#define GROUPS_FIRST 32
#define GROUPS_MOST  65536

static struct sid
unix_sid(uint32_t kind, uint32_t id)
{
	return (struct sid){.count = 2, .authority = UNIX_AUTHORITY, .subs = {kind, id}};
}

struct sid
local_user_sid(uid_t uid)
{
	return unix_sid(USERS, uid);
}

struct sid
local_group_sid(gid_t gid)
{
	return unix_sid(GROUPS, gid);
}

/* ---- the system's look-up ---- */

/* By its name, or by its uid where that is NULL. */
struct wanted {
	const char *name;
	uid_t uid;
	struct passwd user;
	struct group group;
	char *room;
};

static void
wanted_free(struct wanted *w)
{
	free(w->room);
}

/* 0 and *found: there it is. */
typedef int look_up(struct wanted *w, size_t size, bool *found);

static int
look_up_user(struct wanted *w, size_t size, bool *found)
{
	struct passwd *p = NULL;
	int rc = w->name != NULL ? getpwnam_r(w->name, &w->user, w->room, size, &p)
				 : getpwuid_r(w->uid, &w->user, w->room, size, &p);

	*found = p != NULL;
	return rc;
}

static int
look_up_group(struct wanted *w, size_t size, bool *found)
{
	struct group *g = NULL;
	int rc = getgrnam_r(w->name, &w->group, w->room, size, &g);

	*found = g != NULL;
	return rc;
}

/* Codes by which libraries say that there is nobody (getpwnam(3)). */
static bool
means_nobody(int rc)
{
	return rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM;
}

static enum dir_find
ask_system(struct wanted *w, look_up *look, struct err *err)
{
	bool found = false;
	int rc = ERANGE;

	for (size_t size = RECORD_FIRST; rc == ERANGE && size <= RECORD_MOST; size *= 2) {
		free(w->room);
		w->room = mem_zero(1, size);
		rc = look(w, size, &found);
	}
	if (found)
		return DIR_FOUND;
	if (means_nobody(rc))
		return DIR_NOT_FOUND;
	errno = rc;
	err_errno(err, DIRCA_E_IO, "the system cannot say who '%s' is",
	    w->name != NULL ? w->name : "a local user");
	return DIR_FIND_FAILED;
}

/* ---- principals ---- */

/* All groups of the user, and what everybody is who has signed in. */
static bool
add_sids(const struct passwd *user, struct principal *p, struct err *err)
{
	OWNED(own_memory) gid_t *groups = NULL;
	int count = GROUPS_FIRST, room;

	do {
		room = count;
		free(groups);
		groups = mem_zero((size_t)room, sizeof *groups);
	} while (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0 && count > room &&
		 count <= GROUPS_MOST);
	if (count > room)
		return err_set(err, DIRCA_E_GROUPS_UNREADABLE,
		    "user '%s' is in more than %d groups", user->pw_name, GROUPS_MOST);
	sids_put(&p->sids, &p->sid);
	for (int i = 0; i < count; i++) {
		struct sid sid = local_group_sid(groups[i]);

		sids_put(&p->sids, &sid);
	}
	sids_put(&p->sids, &SID_EVERYONE);
	sids_put(&p->sids, &SID_AUTHENTICATED_USERS);
	return true;
}

/* In place of a DN it has one that no directory holds. */
static bool
make_principal(const char *host, const struct passwd *user, struct principal *out, struct err *err)
{
	*out = (struct principal){.dn = text_printf("UID=%s", user->pw_name),
	    .cn = mem_text(user->pw_name),
	    .sam = mem_text(user->pw_name),
	    .domain = mem_text(host),
	    .downlevel = text_printf("%s\\%s", host, user->pw_name),
	    .has_sid = true,
	    .sid = local_user_sid(user->pw_uid)};
	texts_add(&out->accounts, out->sam);
	if (add_sids(user, out, err))
		return true;
	principal_free(out);
	return false;
}

/* The user of a SID; false: it is no local user's. */
static bool
uid_of_sid(const struct sid *sid, uid_t *out)
{
	if (sid->authority != UNIX_AUTHORITY || sid->count != 2 || sid->subs[0] != USERS)
		return false;
	*out = sid->subs[1];
	return true;
}

/* NULL: of another machine. */
static const char *
name_here(const char *host, const char *token)
{
	const char *slash = strchr(token, '\\');
	size_t len;

	if (slash == NULL)
		return token;
	len = (size_t)(slash - token);
	return strlen(host) == len && strncasecmp(host, token, len) == 0 ? slash + 1 : NULL;
}

enum dir_find
local_account_find(const char *host, const char *token, struct principal *out, struct err *err)
{
	OWNED(wanted_free) struct wanted w = {0};
	enum dir_find found;
	struct sid sid;

	*out = (struct principal){0};
	if (sid_from_text(token, &sid)) {
		if (!uid_of_sid(&sid, &w.uid))
			return DIR_NOT_FOUND;
	} else if ((w.name = name_here(host, token)) == NULL || *w.name == '\0') {
		return DIR_NOT_FOUND;
	}
	if ((found = ask_system(&w, look_up_user, err)) != DIR_FOUND)
		return found;
	return make_principal(host, &w.user, out, err) ? DIR_FOUND : DIR_FIND_FAILED;
}

enum dir_find
local_trustee_find(const char *name, struct sid *out, struct err *err)
{
	bool is_group = *name == '@';
	OWNED(wanted_free) struct wanted w = {.name = is_group ? name + 1 : name};
	enum dir_find found = ask_system(&w, is_group ? look_up_group : look_up_user, err);

	if (found == DIR_FOUND)
		*out = is_group ? local_group_sid(w.group.gr_gid) : local_user_sid(w.user.pw_uid);
	return found;
}
