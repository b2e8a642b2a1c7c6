/*
 * The accounts and groups of an ordinary OpenLDAP (RFC 2307): known by uid, with no attribute of
 * Active Directory but the SID that a right needs.
 */
#include "people_lab.h"

#include "trustee.h"

#define PEOPLE_DN "OU=People," BASE_DN
#define GROUPS_DN "OU=Groups," BASE_DN
#define ALICE     "uid=alice," PEOPLE_DN
#define BERT      "cn=Bert Example," PEOPLE_DN
#define STAFF     3001u
#define OPS       3002u

static struct dir_config config;

static struct dir_entry
entry(const char *dn, const char *const *pairs)
{
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err));
	for (; pairs[0] != NULL; pairs += 2)
		assert_true(dir_entry_add(&e, pairs[0], view_str(pairs[1]), &err));
	return e;
}

/* With a SID of the demo domain. */
static void
add(const char *dn, uint32_t rid, const char *const *pairs)
{
	struct dir_entry e = entry(dn, pairs);
	struct principal user1 = get("CN=user1," USERS_DN);
	struct buf raw = {0};
	struct err err;

	user1.sid.subs[user1.sid.count - 1] = rid;
	assert_true(sid_encode(&user1.sid, &raw, &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("securityPrincipal"), &err));
	assert_true(dir_entry_add(&e, "objectSid", buf_view(&raw), &err));
	if (!dir_add(conn, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
	buf_free(&raw);
	principal_free(&user1);
}

#define ADD(dn, rid, ...) add((dn), (rid), (const char *const[]){__VA_ARGS__, NULL, NULL})

static struct principal
found(const char *token)
{
	struct principal p;
	struct err err = {0};

	if (principal_find(conn, token, &p, &err) != DIR_FOUND)
		fail_msg("%s: %s", token, err.msg);
	return p;
}

static void
is_account(const char *token, const char *downlevel)
{
	struct principal p = found(token);

	assert_string_equal(p.downlevel, downlevel);
	principal_free(&p);
}

static void
signs_in(const char *name, enum dir_find wanted, const char *downlevel)
{
	struct principal p;
	struct err err = {0};
	enum dir_find got = principal_find_identity(conn, NAMED(name), &p, &err);

	if (got != wanted)
		fail_msg("%s: %d %s", name, (int)got, err.msg);
	if (downlevel != NULL)
		assert_string_equal(p.downlevel, downlevel);
	principal_free(&p);
}

static void
trustee_is(const char *token, uint32_t rid, const char *name)
{
	struct err err = {0};
	struct sid sid;
	char *told;

	if (trustee_find(conn, token, &sid, &err) != DIR_FOUND)
		fail_msg("%s: %s", token, err.msg);
	assert_int_equal(sid.subs[sid.count - 1], rid);
	told = trustee_name(conn, &sid);
	assert_string_equal(told, name);
	free(told);
}

static void
an_account_is_known_by_its_uid(void **state)
{
	(void)state;
	is_account("alice", "NWTRADERS\\alice");
	is_account("NWTRADERS\\alice", "NWTRADERS\\alice");
	is_account("nwtraders.com\\ALICE", "NWTRADERS\\alice");
	is_account("alice@nwtraders.com", "NWTRADERS\\alice");
	is_account("Alice Example", "NWTRADERS\\alice");
	signs_in("alice", DIR_FOUND, "NWTRADERS\\alice");
	signs_in("nwtraders\\Alice", DIR_FOUND, "NWTRADERS\\alice");
	signs_in("alice@NWTRADERS", DIR_FOUND, "NWTRADERS\\alice");
	signs_in("Alice Example", DIR_NOT_FOUND, NULL);
	signs_in("OTHER\\alice", DIR_NOT_FOUND, NULL);
	/* Structural class account, no person. */
	is_account("backup", "NWTRADERS\\backup");
}

/* The order of values is no rule: by their letters, but the one of the DN first. */
static void
of_several_uids_the_one_of_the_dn_is_shown(void **state)
{
	struct principal p = found("robert");

	(void)state;
	assert_string_equal(p.downlevel, "NWTRADERS\\bert");
	assert_true(principal_is_named(&p, "bert"));
	assert_true(principal_is_named(&p, "Robert"));
	assert_true(principal_is_named(&p, "NWTRADERS\\robert"));
	assert_true(principal_is_named(&p, "robert@nwtraders.com"));
	assert_false(principal_is_named(&p, "OTHER\\robert"));
	assert_false(principal_is_named(&p, "Bert Example"));
	assert_false(principal_is_named(&p, "NWTRADERS\\Bert Example"));
	principal_free(&p);
	is_account("carla", "NWTRADERS\\zita"); /* uid=zita in the DN */
}

static void
a_uid_of_two_people_is_ambiguous_and_gives_no_group(void **state)
{
	struct principal p;
	struct err err = {0};

	(void)state;
	ADD("uid=mallory,OU=Groups," BASE_DN, 3109, "objectClass", "inetOrgPerson", "sn", "x", "cn",
	    "Mallory", "uid", "mallory", "uid", "alice");
	assert_int_equal(principal_find(conn, "alice", &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	signs_in("alice", DIR_FIND_FAILED, NULL);
	/* By a name that is his alone he is found, and in no group of alice's. */
	assert_int_equal(principal_find(conn, "mallory", &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, DIRCA_E_GROUPS_UNREADABLE);
	assert_non_null(strstr(err.msg, "'alice'"));
	remove_entry("uid=mallory,OU=Groups," BASE_DN);
	is_account("alice", "NWTRADERS\\alice");
}

static void
memberuid_and_gidnumber_make_members(void **state)
{
	struct principal alice = get(ALICE), bert = get(BERT);
	struct sid group = alice.sid;

	(void)state;
	assert_true(has_group(&alice, STAFF)); /* gidNumber */
	assert_true(has_group(&alice, OPS));   /* memberUid */
	assert_true(has_group(&alice, 3003));  /* a groupOfNames that holds ops */
	assert_false(has_group(&bert, STAFF));
	assert_true(has_group(&bert, OPS)); /* by his second uid */
	group.subs[group.count - 1] = STAFF;
	goes(ALICE, group, "alice -> wheel (primary group)");
	goes(BERT, group, NULL);
	group.subs[group.count - 1] = OPS;
	goes(ALICE, group, "alice -> ops");
	group.subs[group.count - 1] = 3003;
	goes(ALICE, group, "alice -> ops -> everybody-of-ops");
	principal_free(&alice);
	principal_free(&bert);
}

static void
what_only_looks_like_a_member_is_none(void **state)
{
	struct principal bert = get(BERT), samonly;

	(void)state;
	add_user("CN=Sam Only," USERS_DN, "samonly", NULL, "3110");
	samonly = get("CN=Sam Only," USERS_DN);
	assert_false(has_group(&bert, 3004)); /* memberUid is his CN */
	assert_false(has_group(&bert, STAFF));
	assert_false(has_group(&samonly, 3004)); /* memberUid is his sAMAccountName */
	principal_free(&bert);
	principal_free(&samonly);
	remove_entry("CN=Sam Only," USERS_DN);
}

static void
people_and_groups_of_unix_are_trustees(void **state)
{
	struct err err = {0};
	struct sid sid;

	(void)state;
	trustee_is("alice", 3101, "NWTRADERS\\alice");
	trustee_is("NWTRADERS\\bert", 3102, "NWTRADERS\\bert");
	trustee_is("wheel", STAFF, "wheel");
	trustee_is("NWTRADERS\\ops", OPS, "ops");
	assert_int_equal(trustee_find(conn, "bare", &sid, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, E_INVALIDARG);
	assert_non_null(strstr(err.msg, "dirca directory adopt"));
}

static int
begin(void **state)
{
	(void)state;
	if (lab_begin(&config, &conn) != 0)
		return -1;
	LAB_ADD(conn, PEOPLE_DN, "objectClass", "organizationalUnit");
	LAB_ADD(conn, GROUPS_DN, "objectClass", "organizationalUnit");
	ADD(ALICE, 3101, "objectClass", "inetOrgPerson", "objectClass", "posixAccount", "sn",
	    "Example", "cn", "Alice Example", "uid", "alice", "uidNumber", "3101", "gidNumber",
	    "4294967294", "homeDirectory", "/home/alice");
	ADD(BERT, 3102, "objectClass", "inetOrgPerson", "sn", "Example", "cn", "Bert Example",
	    "uid", "robert", "uid", "bert");
	ADD("uid=zita," PEOPLE_DN, 3103, "objectClass", "inetOrgPerson", "sn", "x", "cn", "Zita",
	    "uid", "carla", "uid", "zita");
	ADD("uid=backup," PEOPLE_DN, 3104, "objectClass", "account", "objectClass", "posixAccount",
	    "cn", "Backup", "uid", "backup", "uidNumber", "3104", "gidNumber", "9", "homeDirectory",
	    "/nowhere");
	ADD("cn=wheel," GROUPS_DN, STAFF, "objectClass", "posixGroup", "cn", "wheel", "gidNumber",
	    "4294967294");
	ADD("cn=ops," GROUPS_DN, OPS, "objectClass", "posixGroup", "cn", "ops", "gidNumber", "2002",
	    "memberUid", "alice", "memberUid", "robert");
	ADD("cn=everybody-of-ops," GROUPS_DN, 3003, "objectClass", "groupOfNames", "member",
	    "cn=ops," GROUPS_DN);
	ADD("cn=looks," GROUPS_DN, 3004, "objectClass", "posixGroup", "cn", "looks", "gidNumber",
	    "2004", "memberUid", "Bert Example", "memberUid", "samonly");
	LAB_ADD(conn, "cn=bare," GROUPS_DN, "objectClass", "posixGroup", "cn", "bare", "gidNumber",
	    "2005");
	/* Whether there are posixGroups is asked once a minute. */
	dir_disconnect(&conn);
	conn = lab_connect(&config);
	return 0;
}

static int
finish(void **state)
{
	return lab_finish(&conn, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_account_is_known_by_its_uid),
	    cmocka_unit_test(of_several_uids_the_one_of_the_dn_is_shown),
	    cmocka_unit_test(a_uid_of_two_people_is_ambiguous_and_gives_no_group),
	    cmocka_unit_test(memberuid_and_gidnumber_make_members),
	    cmocka_unit_test(what_only_looks_like_a_member_is_none),
	    cmocka_unit_test(people_and_groups_of_unix_are_trustees),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
