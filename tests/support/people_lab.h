/*
 * Users and groups in the private slapd, for the tests that need them. They belong to the demo
 * domain; a SID is given by its RID.
 */
#ifndef UNIT_DIRECTORY_PEOPLE_LAB_H
#define UNIT_DIRECTORY_PEOPLE_LAB_H

#include "group_path.h"
#include "principal.h"
#include "slapd_lab.h"

static struct dir_conn *conn;

#define NAMED(name) (&(struct identity){IDENTITY_NAME, (name)})

static inline bool
has_group(const struct principal *p, uint32_t rid)
{
	struct sid domain = p->sid, sid;

	domain.count--;
	return sid_with_rid(&domain, rid, &sid) && sids_contain(&p->sids, &sid);
}

static inline struct principal
get(const char *dn)
{
	struct principal p;
	struct err err = {0};

	if (principal_get(conn, dn, &p, &err) != DIR_FOUND)
		fail_msg("%s: %s", dn, err.msg);
	return p;
}

/* A user of the demo domain; NULL for what it lacks. */
static inline void
add_user(const char *dn, const char *sam, const char *upn, const char *rid)
{
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("inetOrgPerson"), &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("securityPrincipal"), &err));
	assert_true(dir_entry_add(&e, "sn", view_str("x"), &err));
	if (sam != NULL)
		assert_true(dir_entry_add(&e, "sAMAccountName", view_str(sam), &err));
	if (upn != NULL)
		assert_true(dir_entry_add(&e, "userPrincipalName", view_str(upn), &err));
	if (rid != NULL) {
		struct principal user1 = get("CN=user1," USERS_DN);
		struct buf raw = {0};

		user1.sid.subs[user1.sid.count - 1] = (uint32_t)strtoul(rid, NULL, 10);
		assert_true(sid_encode(&user1.sid, &raw, &err));
		assert_true(dir_entry_add(&e, "objectSid", buf_view(&raw), &err));
		buf_free(&raw);
		principal_free(&user1);
	}
	if (!dir_add(conn, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
}

static inline void
add_group(const char *dn, const char *rid, const char *member)
{
	struct principal user1 = get("CN=user1," USERS_DN);
	struct buf raw = {0};
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("groupOfNames"), &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("securityPrincipal"), &err));
	assert_true(dir_entry_add(&e, "member", view_str(member), &err));
	if (rid != NULL) {
		user1.sid.subs[user1.sid.count - 1] = (uint32_t)strtoul(rid, NULL, 10);
		assert_true(sid_encode(&user1.sid, &raw, &err));
		assert_true(dir_entry_add(&e, "objectSid", buf_view(&raw), &err));
	}
	if (!dir_add(conn, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
	buf_free(&raw);
	principal_free(&user1);
}

static inline void
remove_entry(const char *dn)
{
	struct err err;

	if (!dir_delete(conn, dn, &err))
		fail_msg("%s", err.msg);
}

static inline struct sid
text_sid(const char *text)
{
	struct sid sid;

	assert_true(sid_from_text(text, &sid));
	return sid;
}

/* How the entry is in the group; `path` NULL: it is not a member. */
static inline void
goes(const char *dn, struct sid group, const char *path)
{
	char *found;
	struct err err;

	if (!groups_path(conn, dn, &group, &found, &err))
		fail_msg("%s: %s", dn, err.msg);
	if (path == NULL)
		assert_null(found);
	else if (found == NULL)
		fail_msg("%s: no path", dn);
	else
		assert_string_equal(found, path);
	free(found);
}

#endif
