#include "people_lab.h"

#include "conn_priv.h"

static struct dir_config config;

static struct sid
rid_sid(uint32_t rid)
{
	struct principal user1 = get("CN=user1," USERS_DN);
	struct sid sid = user1.sid;

	sid.subs[sid.count - 1] = rid;
	principal_free(&user1);
	return sid;
}

static void
set_type(const char *dn, const char *type)
{
	struct view v = view_str(type);
	struct err err;

	if (!dir_replace(conn, dn, "groupType", &v, 1, &err))
		fail_msg("%s", err.msg);
}

static void
the_way_into_a_group_is_named_step_by_step(void **state)
{
	(void)state;
	goes("CN=user1," USERS_DN, rid_sid(1205), "user1 -> Sales");
	goes("CN=user1," USERS_DN, rid_sid(1207), "user1 -> Sales -> Staff");
	goes("CN=user3," USERS_DN, rid_sid(1207), "user3 -> Engineering -> Staff");
	goes("CN=user1," USERS_DN, rid_sid(1206), NULL);
	goes("CN=user1," USERS_DN, rid_sid(9999), NULL);
	goes("CN=nobody," USERS_DN, rid_sid(1205), NULL);
	goes("CN=user1," USERS_DN, rid_sid(1101), "user1");
	goes("CN=user1," USERS_DN, SID_EVERYONE, "user1 -> Everyone");
	goes("CN=user1," USERS_DN, SID_THIS_ORGANIZATION, "user1 -> This Organization");
}

static void
a_primary_group_is_named_as_such(void **state)
{
	(void)state;
	add_group("CN=Holder," USERS_DN, "6004", "CN=Domain Computers," USERS_DN);
	goes("CN=ws1,CN=Computers," BASE_DN, rid_sid(515),
	    "ws1 -> Domain Computers (primary group)");
	goes("CN=ws1,CN=Computers," BASE_DN, rid_sid(6004),
	    "ws1 -> Domain Computers (primary group) -> Holder");
	goes("CN=user1," USERS_DN, rid_sid(6004), NULL);
	remove_entry("CN=Holder," USERS_DN);
}

/* A well-known SID in a group, as Active Directory keeps it: by an object that stands for it. */
static void
groups_that_hold_everybody_count_for_everybody(void **state)
{
	static const char places[] = "CN=ForeignSecurityPrincipals," BASE_DN,
			  foreign[] = "CN=S-1-5-11,CN=ForeignSecurityPrincipals," BASE_DN,
			  compatible[] = "CN=Pre-Windows 2000 Compatible Access," USERS_DN;
	struct sid prew2k = text_sid("S-1-5-32-554"), sid = SID_AUTHENTICATED_USERS;
	struct buf raw = {0};
	struct dir_entry e;
	struct principal p;
	struct err err;

	(void)state;
	p = get("CN=user5," USERS_DN);
	assert_false(sids_contain(&p.sids, &prew2k));
	principal_free(&p);

	LAB_ADD(conn, places, "objectClass", "container");
	assert_true(dir_entry_init(&e, foreign, &err));
	assert_true(dir_entry_add(&e, "objectClass", view_str("foreignSecurityPrincipal"), &err));
	assert_true(sid_encode(&sid, &raw, &err));
	assert_true(dir_entry_add(&e, "objectSid", buf_view(&raw), &err));
	if (!dir_add(conn, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
	buf_free(&raw);
	LAB_ADD(conn, compatible, "objectClass", "groupOfNames", "objectClass", "securityPrincipal",
	    "member", foreign);
	assert_true(sid_encode(&prew2k, &raw, &err));
	assert_true(dir_add_value(conn, compatible, "objectSid", buf_view(&raw), &err));
	buf_free(&raw);

	p = get("CN=user5," USERS_DN);
	assert_true(sids_contain(&p.sids, &prew2k));
	principal_free(&p);
	goes("CN=user5," USERS_DN, prew2k,
	    "user5 -> Authenticated Users -> Pre-Windows 2000 Compatible Access");
	goes("CN=user5," USERS_DN, SID_AUTHENTICATED_USERS, "user5 -> Authenticated Users");
	remove_entry(compatible);
	remove_entry(foreign);
	remove_entry(places);
}

static void
distribution_groups_give_nothing_and_lead_nowhere(void **state)
{
	struct principal p;

	(void)state;
	add_group("CN=List," USERS_DN, "6010", "CN=user6," USERS_DN);
	add_group("CN=Behind," USERS_DN, "6011", "CN=List," USERS_DN);
	p = get("CN=user6," USERS_DN);
	assert_true(has_group(&p, 6010));
	assert_true(has_group(&p, 6011));
	principal_free(&p);
	set_type("CN=List," USERS_DN, "2"); /* global, not security */
	p = get("CN=user6," USERS_DN);
	assert_false(has_group(&p, 6010));
	assert_false(has_group(&p, 6011));
	principal_free(&p);
	goes("CN=user6," USERS_DN, rid_sid(6011), NULL);
	set_type("CN=List," USERS_DN, "-2147483640"); /* universal, security */
	goes("CN=user6," USERS_DN, rid_sid(6011), "user6 -> List -> Behind");
	remove_entry("CN=Behind," USERS_DN);
	remove_entry("CN=List," USERS_DN);
}

/* BUILTIN\Administrators of another domain has the same SID as that of this one. */
static void
domain_local_groups_of_other_domains_do_not_count(void **state)
{
	static const char child[] = "DC=child," BASE_DN,
			  local[] = "CN=Administrators,DC=child," BASE_DN;
	struct dir_conn *saved = conn;
	struct sid administrators = text_sid("S-1-5-32-544");
	struct buf raw = {0};
	struct principal p;
	struct err err;

	(void)state;
	LAB_ADD(conn, child, "objectClass", "domainDNS", "dc", "child");
	LAB_ADD(conn, "CN=CHILD,CN=Partitions," CONFIG_DN, "objectClass", "crossRef", "nCName",
	    child, "dnsRoot", "child.nwtraders.com", "nETBIOSName", "CHILD");
	add_group(local, NULL, "CN=user6," USERS_DN);
	assert_true(sid_encode(&administrators, &raw, &err));
	assert_true(dir_add_value(conn, local, "objectSid", buf_view(&raw), &err));
	buf_free(&raw);
	conn = lab_connect(&config); /* domains are read once a connection */

	set_type(local, "-2147483643"); /* builtin, domain-local, security */
	p = get("CN=user6," USERS_DN);
	assert_false(sids_contain(&p.sids, &administrators));
	principal_free(&p);
	set_type(local, "-2147483640"); /* universal */
	p = get("CN=user6," USERS_DN);
	assert_true(sids_contain(&p.sids, &administrators));
	principal_free(&p);
	add_group("CN=Local," USERS_DN, "6012", "CN=user6," USERS_DN);
	set_type("CN=Local," USERS_DN, "-2147483644"); /* domain-local, of this domain */
	p = get("CN=user6," USERS_DN);
	assert_true(has_group(&p, 6012));
	principal_free(&p);

	dir_disconnect(&conn);
	conn = saved;
	remove_entry("CN=Local," USERS_DN);
	remove_entry(local);
	remove_entry("CN=CHILD,CN=Partitions," CONFIG_DN);
	remove_entry(child);
}

/* ---- what the CA's account may not read ---- */

/* Looks for user1 as CN=dircad, on a connection of its own. */
static enum dir_find
as_dircad(struct err *err)
{
	struct secret password = {0};
	struct dir_config c = {.uris = getenv("LDAPS_URI"),
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=dircad," USERS_DN,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .password = &password,
	    .timeout_ms = 5000};
	struct principal p;
	struct dir_conn *own;
	enum dir_find found;

	assert_true(secret_dup(view_str("dircad-Passw0rd"), &password, err));
	c.password = &password;
	own = lab_connect(&c);
	found = principal_find(own, "user1", &p, err);
	principal_free(&p);
	dir_disconnect(&own);
	secret_free(&password);
	return found;
}

/* With one access rule before all others, and it goes again. */
static void
under_a_rule(const char *rule, enum dir_find expected, const char *words)
{
	static const char db[] = "olcDatabase={2}mdb,cn=config";
	struct err err = {0};
	char text[256];

	snprintf(text, sizeof text, "{0}%s", rule);
	if (!dir_add_value(conn, db, "olcAccess", view_str(text), &err))
		fail_msg("%s", err.msg);
	if (as_dircad(&err) != expected)
		fail_msg("%s: %s", rule, err.msg);
	if (words != NULL) {
		assert_int_equal(err.code, DIRCA_E_GROUPS_UNREADABLE);
		if (strcasestr(err.msg, words) == NULL ||
		    strcasestr(err.msg, "CN=dircad") == NULL || strstr(err.msg, "Grant it") == NULL)
			fail_msg("%s", err.msg);
	}
	assert_true(dir_delete_value(conn, db, "olcAccess", view_str("{0}"), &err));
}

static void
groups_that_are_hidden_are_an_error_where_it_shows(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(as_dircad(&err), DIR_FOUND);
	under_a_rule(
	    "to dn.exact=\"cn=sales,cn=users,dc=nwtraders,dc=com\" by * read", DIR_FOUND, NULL);
	under_a_rule("to filter=(objectClass=groupOfNames) by * none", DIR_FIND_FAILED, "-513");
	under_a_rule("to attrs=member by * none", DIR_FIND_FAILED, "member");
	under_a_rule("to attrs=objectSid filter=(objectClass=groupOfNames) by * none",
	    DIR_FIND_FAILED, "objectSid");
	assert_int_equal(as_dircad(&err), DIR_FOUND);
}

/* Half of an answer is none. */
static void
a_server_that_cuts_the_list_of_groups_is_an_error(void **state)
{
	static const char db[] = "olcDatabase={2}mdb,cn=config";
	struct view one = view_str("dn.exact=\"cn=dircad,cn=users,dc=nwtraders,dc=com\" size=1");
	struct err err;

	(void)state;
	if (!dir_replace(conn, db, "olcLimits", &one, 1, &err))
		fail_msg("%s", err.msg);
	add_group("CN=Second," USERS_DN, "6020", "CN=user1," USERS_DN);
	assert_int_equal(as_dircad(&err), DIR_FIND_FAILED);
	assert_int_equal(err.code, DIRCA_E_GROUPS_UNREADABLE);
	assert_true(dir_replace(conn, db, "olcLimits", NULL, 0, &err));
	assert_int_equal(as_dircad(&err), DIR_FOUND);
	remove_entry("CN=Second," USERS_DN);
}

static int
start(void **state)
{
	(void)state;
	return lab_begin(&config, &conn);
}

static int
end(void **state)
{
	return lab_finish(&conn, state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_way_into_a_group_is_named_step_by_step),
	    cmocka_unit_test(a_primary_group_is_named_as_such),
	    cmocka_unit_test(groups_that_hold_everybody_count_for_everybody),
	    cmocka_unit_test(distribution_groups_give_nothing_and_lead_nowhere),
	    cmocka_unit_test(domain_local_groups_of_other_domains_do_not_count),
	    cmocka_unit_test(groups_that_are_hidden_are_an_error_where_it_shows),
	    cmocka_unit_test(a_server_that_cuts_the_list_of_groups_is_an_error),
	};

	return cmocka_run_group_tests(tests, start, end);
}
