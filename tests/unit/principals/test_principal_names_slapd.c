#include "ahead.h"
#include "clock.h"
#include "people_lab.h"

#include "conn_priv.h"

static struct dir_config config;

/* `dn` NULL: nobody is found. */
static void
finds(const char *token, const char *dn)
{
	struct principal p;
	struct err err = {0};
	enum dir_find found = principal_find(conn, token, &p, &err);

	if (found != (dn != NULL ? DIR_FOUND : DIR_NOT_FOUND))
		fail_msg("%s: %d %s", token, (int)found, err.msg);
	if (dn != NULL && !dir_dn_eq(p.dn, dn))
		fail_msg("%s: found %s", token, p.dn);
	principal_free(&p);
}

static void
fails(const char *token, enum err_code code, const char *a, const char *b)
{
	struct principal p;
	struct err err = {0};

	assert_int_equal(principal_find(conn, token, &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, code);
	if (strcasestr(err.msg, a) == NULL || strcasestr(err.msg, b) == NULL)
		fail_msg("%s: %s", token, err.msg);
	assert_null(p.dn);
}

static void
set(const char *dn, const char *attr, const char *value)
{
	struct view v = view_str(value != NULL ? value : "");
	struct err err;

	if (!dir_replace(conn, dn, attr, &v, value != NULL ? 1 : 0, &err))
		fail_msg("%s", err.msg);
}

static void
sid_guid_and_dn_are_names_too(void **state)
{
	struct principal p = get("CN=user1," USERS_DN);
	char sid[SID_TEXT_MAX], guid[37], braced[40];

	(void)state;
	sid_to_text(&p.sid, sid);
	guid_to_text(p.guid, guid);
	snprintf(braced, sizeof braced, "{%s}", guid);
	finds(sid, "CN=user1," USERS_DN);
	finds(guid, "CN=user1," USERS_DN);
	finds(braced, "CN=user1," USERS_DN);
	finds("cn=user1, cn=users, dc=nwtraders, dc=com", "CN=user1," USERS_DN);
	finds("CN=ws1,CN=Computers," BASE_DN, "CN=ws1,CN=Computers," BASE_DN);
	principal_free(&p);
	/* Of a group, of nobody, almost. */
	sid[strlen(sid) - 1] = '5'; /* 1105, user5 */
	finds(sid, "CN=user5," USERS_DN);
	finds("S-1-5-21-3330634377-1326264276-632209373-1205", NULL);
	finds("S-1-5-21-1-2-3-1101", NULL);
	finds("S-1-5-", NULL);
	finds("{00000000-0000-0000-0000-000000000000}", NULL);
	braced[37] = ' ';
	finds(braced, NULL);
	finds("CN=Sales," USERS_DN, NULL);
	finds("CN=user1,CN=Users,DC=other,DC=com", NULL);
	finds("CN=user1", NULL);
}

static void
computers_have_a_host_name_and_service_names(void **state)
{
	static const char ws1[] = "CN=ws1,CN=Computers," BASE_DN;

	(void)state;
	finds("ws1.nwtraders.com", ws1);
	finds("WS1.NWTRADERS.COM", ws1);
	finds("host/ws1.nwtraders.com", ws1);
	finds("ws1$@nwtraders.com", ws1);
	finds("ws2.nwtraders.com", NULL);
	finds("HTTP/ws1.nwtraders.com", NULL);
	/* Two machines that claim one service. */
	LAB_ADD(conn, "CN=ws2,CN=Computers," BASE_DN, "objectClass", "computer", "objectClass",
	    "securityPrincipal", "sAMAccountName", "ws2$", "servicePrincipalName",
	    "host/ws1.nwtraders.com", "dNSHostName", "ws2.nwtraders.com");
	fails("host/ws1.nwtraders.com", TYPE_E_AMBIGUOUSNAME, "CN=ws1", "CN=ws2");
	finds("ws2.nwtraders.com", "CN=ws2,CN=Computers," BASE_DN);
	remove_entry("CN=ws2,CN=Computers," BASE_DN);
}

static void
containers_may_be_nested_and_have_their_domain_before_them(void **state)
{
	static const char deep[] = "CN=deep,OU=North,OU=Sites," BASE_DN;

	(void)state;
	LAB_ADD(conn, "OU=Sites," BASE_DN, "objectClass", "organizationalUnit");
	LAB_ADD(conn, "OU=North,OU=Sites," BASE_DN, "objectClass", "organizationalUnit");
	add_user(deep, "deepsam", NULL, "7001");
	finds("Sites\\North\\deep", deep);
	finds("sites\\north\\DEEP", deep);
	finds("NWTRADERS\\Sites\\North\\deep", deep);
	finds("nwtraders.com\\Sites\\North\\deep", deep);
	finds("NWTRADERS\\Users\\user1", "CN=user1," USERS_DN);
	finds("North\\deep", NULL); /* not right below the domain */
	finds("Sites\\deep", NULL);
	finds("Sites\\North\\deepsam", NULL);
	finds("Sites\\North\\", NULL);
	finds("Sites\\\\deep", NULL);
	finds("OTHER\\Sites\\North\\deep", NULL);
	remove_entry(deep);
	remove_entry("OU=North,OU=Sites," BASE_DN);
	remove_entry("OU=Sites," BASE_DN);
}

static void
a_upn_may_be_implied_and_is_never_mail(void **state)
{
	(void)state;
	add_user("CN=nobody," USERS_DN, "noupn", NULL, "7002");
	set("CN=nobody," USERS_DN, "mail", "shared@nwtraders.com");
	finds("noupn@nwtraders.com", "CN=nobody," USERS_DN);
	finds("NoUpn@NWTRADERS", "CN=nobody," USERS_DN);
	finds("noupn@nwtraders.msft", NULL); /* a suffix is no domain */
	finds("shared@nwtraders.com", NULL);

	/* What is one user's mail is another's UPN: the UPN counts. */
	set("CN=user6," USERS_DN, "userPrincipalName", "shared@nwtraders.com");
	finds("shared@nwtraders.com", "CN=user6," USERS_DN);
	/* Another suffix of the forest. */
	set("CN=user6," USERS_DN, "userPrincipalName", "finn@nwtraders.msft");
	finds("finn@nwtraders.msft", "CN=user6," USERS_DN);
	finds("user6@nwtraders.com", "CN=user6," USERS_DN); /* by its account */
	/* Somebody's UPN is another's implied one. */
	set("CN=user6," USERS_DN, "userPrincipalName", "noupn@nwtraders.com");
	fails("noupn@nwtraders.com", TYPE_E_AMBIGUOUSNAME, "CN=user6", "CN=nobody");
	set("CN=user6," USERS_DN, "userPrincipalName", "user6@nwtraders.com");
	finds("noupn@nwtraders.com", "CN=nobody," USERS_DN);
	remove_entry("CN=nobody," USERS_DN);
}

/* As Active Directory would: only the domain of the server is there. */
static void
accounts_of_a_domain_that_the_server_does_not_hold_are_refused_by_name(void **state)
{
	struct dir_conn *saved = conn;

	(void)state;
	LAB_ADD(conn, "CN=FAR,CN=Partitions," CONFIG_DN, "objectClass", "crossRef", "nCName",
	    "DC=far,DC=example", "dnsRoot", "far.example", "nETBIOSName", "FAR");
	conn = lab_connect(&config);
	conn->root.is_ad = true;
	fails("FAR\\user1", DIRCA_E_DIRECTORY, "DC=far,DC=example", "does not hold");
	fails("far.example\\Users\\user1", DIRCA_E_DIRECTORY, "far.example", "does not hold");
	fails("user1@far.example", DIRCA_E_DIRECTORY, "far.example", "does not hold");
	finds("NWTRADERS\\nobody", NULL);
	finds("user1@elsewhere.example", NULL);
	dir_disconnect(&conn);
	/* On other servers its groups would be missing from everybody's list. */
	conn = lab_connect(&config);
	fails("user1", DIRCA_E_GROUPS_UNREADABLE, "DC=far,DC=example", "crossRef");
	dir_disconnect(&conn);
	conn = saved;
	remove_entry("CN=FAR,CN=Partitions," CONFIG_DN);
}

/* ---- who somebody was ---- */

static int64_t when; /* of the record */

static enum dir_find
recorded(const char *sid, const char *dn, const char *name, char *dn_out, size_t room)
{
	struct principal p;
	struct err err = {0};
	enum dir_find found = principal_find_recorded(
	    conn, &(struct principal_record){sid, dn, name, when}, &p, &err);

	snprintf(dn_out, room, "%s", p.dn != NULL ? p.dn : err.msg);
	principal_free(&p);
	return found;
}

static void
moved(const char *from, const char *to)
{
	char command[400];

	snprintf(command, sizeof command,
	    "printf 'dn: %s\\nchangetype: moddn\\nnewrdn: %.*s\\ndeleteoldrdn: 1\\nnewsuperior: "
	    "%s\\n' | ldapmodify -Q -Y EXTERNAL -H \"$LDAPI_URI\" >/dev/null",
	    from, (int)strcspn(to, ","), to, strchr(to, ',') + 1);
	assert_true(lab_sh(command));
}

static void
the_sid_finds_who_was_renamed_or_moved_and_not_who_took_the_name(void **state)
{
	static const char old[] = "CN=mover," USERS_DN, gone[] = "CN=moved,CN=Computers," BASE_DN,
			  sid[] = "S-1-5-21-3330634377-1326264276-632209373-7010";
	char dn[512];

	(void)state;
	add_user(old, "mover", NULL, "7010");
	assert_int_equal(recorded(sid, old, "NWTRADERS\\mover", dn, sizeof dn), DIR_FOUND);
	moved(old, gone);
	set(gone, "sAMAccountName", "moved");
	assert_int_equal(recorded(sid, old, "NWTRADERS\\mover", dn, sizeof dn), DIR_FOUND);
	assert_true(dir_dn_eq(dn, gone));
	/* Somebody else takes over place and name. */
	add_user(old, "mover", NULL, "7011");
	assert_int_equal(recorded(sid, old, "NWTRADERS\\mover", dn, sizeof dn), DIR_FOUND);
	assert_true(dir_dn_eq(dn, gone));
	remove_entry(gone);
	assert_int_equal(recorded(sid, old, "NWTRADERS\\mover", dn, sizeof dn), DIR_NOT_FOUND);
	remove_entry(old);
	assert_int_equal(recorded("S-1-", old, "NWTRADERS\\mover", dn, sizeof dn), DIR_FIND_FAILED);
	assert_non_null(strstr(dn, "S-1-"));
}

static void
who_had_no_sid_is_found_by_dn_and_name_while_it_has_none(void **state)
{
	static const char old[] = "CN=nosid," USERS_DN;
	char dn[512];

	(void)state;
	add_user(old, "nosid", NULL, NULL);
	assert_int_equal(recorded(NULL, old, "NWTRADERS\\nosid", dn, sizeof dn), DIR_FOUND);
	moved(old, "CN=nosid,CN=Computers," BASE_DN);
	assert_int_equal(recorded(NULL, old, "NWTRADERS\\nosid", dn, sizeof dn), DIR_FOUND);
	remove_entry("CN=nosid,CN=Computers," BASE_DN);
	assert_int_equal(recorded(NULL, old, "NWTRADERS\\nosid", dn, sizeof dn), DIR_NOT_FOUND);
	add_user(old, "nosid", NULL, "7012"); /* a new one, made with a SID */
	assert_int_equal(recorded(NULL, old, "NWTRADERS\\nosid", dn, sizeof dn), DIR_NOT_FOUND);
	remove_entry(old);
}

/* All that a row of AD CS says: the name, and when. */
static void
a_name_alone_is_not_a_younger_account(void **state)
{
	static const char name[] = "NWTRADERS\\john", young[] = "CN=john," USERS_DN;
	int64_t before = clock_now() - 3600;
	char dn[512];

	(void)state;
	add_user(young, "john", NULL, "7013");
	when = before;
	assert_int_equal(recorded(NULL, NULL, name, dn, sizeof dn), DIR_NOT_FOUND);
	when = clock_now() + 1;
	assert_int_equal(recorded(NULL, NULL, name, dn, sizeof dn), DIR_FOUND);
	when = 0;
	assert_int_equal(recorded(NULL, NULL, name, dn, sizeof dn), DIR_NOT_FOUND);
	assert_int_equal(recorded(NULL, NULL, NULL, dn, sizeof dn), DIR_NOT_FOUND);
	/* A domain that is gone is no container, and what else a token may be is no account. */
	when = clock_now() + 1;
	assert_int_equal(recorded(NULL, NULL, "Users\\john", dn, sizeof dn), DIR_NOT_FOUND);
	assert_int_equal(recorded(NULL, NULL, young, dn, sizeof dn), DIR_NOT_FOUND);
	when = 0;
	remove_entry(young);
}

/* Whose account a token names, without groups: the directory is asked once. */
static void
account(const char *token, const char *dn)
{
	size_t before = dir_conn_waits(conn);
	struct principal p;
	struct err err = {0};
	enum dir_find found = principal_find_token_account(conn, token, &p, &err);

	if (found != (dn != NULL ? DIR_FOUND : DIR_NOT_FOUND))
		fail_msg("%s: %d %s", token, (int)found, err.msg);
	assert_int_equal(dir_conn_waits(conn) - before, 1);
	assert_true(dn == NULL || dir_dn_eq(p.dn, dn));
	assert_int_equal(p.sids.count, 0);
	assert_true(dn == NULL || p.has_sid);
	principal_free(&p);
}

static void
all_names_of_an_account_are_one_search_and_none_passes_for_another(void **state)
{
	static const char user1[] = "CN=user1," USERS_DN, user6[] = "CN=user6," USERS_DN;

	(void)state;
	finds("user1", user1); /* reads the domains */
	account("user1@nwtraders.com", user1);
	account("user1@NWTRADERS", user1);
	account("NWTRADERS\\user1", user1);
	account("user1", user1);
	account("nobody-of-that-name@nwtraders.com", NULL);
	account("user1@elsewhere.example", NULL);
	/* An account name is the part before the '@', a UPN all of it. */
	set(user6, "uid", "crossed@nwtraders.com");
	account("crossed@nwtraders.com", NULL);
	set(user6, "uid", "crossed");
	account("crossed@nwtraders.com", user6);
	set(user6, "uid", NULL);
	set(user6, "userPrincipalName", "crossed");
	account("crossed@nwtraders.com", NULL);
	set(user6, "userPrincipalName", "crossed@nwtraders.com");
	account("crossed@nwtraders.com", user6);
	set(user6, "userPrincipalName", "user6@nwtraders.com");
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
	    cmocka_unit_test(sid_guid_and_dn_are_names_too),
	    cmocka_unit_test(computers_have_a_host_name_and_service_names),
	    cmocka_unit_test(containers_may_be_nested_and_have_their_domain_before_them),
	    cmocka_unit_test(a_upn_may_be_implied_and_is_never_mail),
	    cmocka_unit_test(
		accounts_of_a_domain_that_the_server_does_not_hold_are_refused_by_name),
	    cmocka_unit_test(the_sid_finds_who_was_renamed_or_moved_and_not_who_took_the_name),
	    cmocka_unit_test(who_had_no_sid_is_found_by_dn_and_name_while_it_has_none),
	    cmocka_unit_test(a_name_alone_is_not_a_younger_account),
	    cmocka_unit_test(all_names_of_an_account_are_one_search_and_none_passes_for_another),
	};

	return cmocka_run_group_tests(tests, start, end);
}
