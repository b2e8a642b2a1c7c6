/*
 * Principals on a real domain controller: what test_principal_slapd.c and its neighbours say, as
 * far as Active Directory has its own way of it.
 */
#include "people_lab.h"

#include "ahead.h"
#include "clock.h"
#include "conn_priv.h"
#include "groups_priv.h"

#define COMPUTERS_DN "CN=Computers," BASE_DN

static struct dir_conn *admin; /* `conn` is the CA's own account */
static struct dir_config config, admin_config;
static struct secret password;

static void
set(const char *dn, const char *attr, const char *value)
{
	struct view v = view_str(value);
	struct err err;

	if (!dir_replace(admin, dn, attr, &v, 1, &err))
		fail_msg("%s", err.msg);
}

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
add_group_of(const char *dn, const char *sam, const char *type, const char *member)
{
	LAB_ADD(admin, dn, "objectClass", "group", "sAMAccountName", sam, "groupType", type,
	    "member", member);
}

static void
drop(const char *dn)
{
	struct err err;

	if (!dir_delete(admin, dn, &err))
		fail_msg("%s", err.msg);
}

static struct sid
sid_of(const char *dn)
{
	static const char *const attrs[] = {"objectSid", NULL};
	struct dir_entries found;
	struct view raw = {0};
	struct sid sid;
	struct err err;

	if (!dir_search(admin,
		&(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		&found, &err) ||
	    found.count != 1 ||
	    dir_entry_bytes(&found.list[0], "objectSid", &raw, &err) != DIR_GET_OK)
		fail_msg("%s: no objectSid", dn);
	assert_true(sid_decode(raw, &sid, &err));
	dir_entries_free(&found);
	return sid;
}

static void
every_name_form_finds_its_account(void **state)
{
	static const char user1[] = "CN=user1," USERS_DN, ws1[] = "CN=ws1," COMPUTERS_DN;
	struct principal p = get(user1);
	char guid[37], braced[40];

	(void)state;
	guid_to_text(p.guid, guid);
	snprintf(braced, sizeof braced, "{%s}", guid);
	finds(braced, user1);
	finds("S-1-5-21-3330634377-1326264276-632209373-1101", user1);
	finds("user1@nwtraders.com", user1);
	finds("NWTRADERS\\user1", user1);
	finds("nwtraders.com\\USER1", user1);
	finds("Users\\user1", user1);
	finds("NWTRADERS\\Users\\user1", user1);
	finds(user1, user1);
	finds("user1", user1);
	finds("ws1$", ws1);
	finds("ws1", ws1);
	finds("ws1.nwtraders.com", ws1);
	finds("host/ws1.nwtraders.com", ws1);
	finds("NWTRADERS\\nobody", NULL);
	finds("Sales", NULL);
	finds("NWTRADERS\\Sales", NULL);
	/* Without the attribute the UPN is implied, and so it is with another one. */
	LAB_ADD(admin, "CN=noupn," USERS_DN, "objectClass", "user", "sAMAccountName", "noupn");
	finds("noupn@nwtraders.com", "CN=noupn," USERS_DN);
	drop("CN=noupn," USERS_DN);
	set(user1, "userPrincipalName", "anna@nwtraders.msft");
	finds("user1@nwtraders.com", user1);
	finds("anna@nwtraders.msft", user1);
	finds("anna@nwtraders.com", NULL);
	set(user1, "userPrincipalName", "user1@nwtraders.com");
	principal_free(&p);
}

/* The list of the server and our own walk, which is all that other directories have. */
static void
check_walk(const char *dn)
{
	struct principal p = get(dn);
	int32_t rid = p.is_machine ? 515 : 513;
	const struct group_subject subject = {.dn = p.dn, .sid = &p.sid, .primary_rid = &rid};
	struct sids walked = {0};
	struct group_walk w;
	char text[SID_TEXT_MAX];
	struct err err;

	if (!group_walk_run(conn, &subject, &w, &err))
		fail_msg("%s: %s", dn, err.msg);
	for (size_t i = 0; i < WELL_KNOWN_COUNT; i++)
		assert_true(sids_add(&walked, groups_well_known[i], &err));
	for (size_t i = 0; i < w.count; i++)
		assert_true(!w.nodes[i].has_sid || sids_add(&walked, &w.nodes[i].sid, &err));
	for (size_t i = 0; i < p.sids.count; i++) {
		sid_to_text(&p.sids.list[i], text);
		if (!sids_contain(&walked, &p.sids.list[i]))
			fail_msg("%s: the walk lacks %s", dn, text);
	}
	assert_int_equal(walked.count, p.sids.count);
	sids_free(&walked);
	group_walk_free(&w);
	principal_free(&p);
}

static void
token_groups_and_the_walk_agree(void **state)
{
	static const char *const who[] = {"CN=user1," USERS_DN, "CN=user3," USERS_DN,
	    "CN=officer1," USERS_DN, "CN=caadmin," USERS_DN, "CN=Administrator," USERS_DN,
	    "CN=ws1," COMPUTERS_DN};
	static const struct {
		const char *cn, *type, *member;
	} groups[] = {
	    {"Global", "-2147483646", "CN=Sales," USERS_DN},
	    {"Universal", "-2147483640", "CN=Global," USERS_DN},
	    {"Local", "-2147483644", "CN=Universal," USERS_DN},
	    {"List", "8", "CN=Universal," USERS_DN},
	    {"Behind", "-2147483640", "CN=List," USERS_DN},
	};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		char dn[96];

		snprintf(dn, sizeof dn, "CN=%s,%s", groups[i].cn, USERS_DN);
		add_group_of(dn, groups[i].cn, groups[i].type, groups[i].member);
	}
	for (size_t i = 0; i < sizeof who / sizeof who[0]; i++)
		check_walk(who[i]);
	goes("CN=user1," USERS_DN, sid_of("CN=Local," USERS_DN),
	    "user1 -> Sales -> Global -> Universal -> Local");
	goes("CN=user1," USERS_DN, sid_of("CN=Behind," USERS_DN), NULL);
	for (size_t i = 5; i-- > 0;) {
		char dn[96];

		snprintf(dn, sizeof dn, "CN=%s,%s", groups[i].cn, USERS_DN);
		drop(dn);
	}
}

static void
primary_and_well_known_groups_are_there_with_their_way(void **state)
{
	struct sid prew2k = text_sid("S-1-5-32-554");
	struct principal p = get("CN=ws1," COMPUTERS_DN);

	(void)state;
	assert_true(has_group(&p, 515));
	assert_true(sids_contain(&p.sids, &prew2k)); /* holds Authenticated Users */
	assert_true(sids_contain(&p.sids, &SID_THIS_ORGANIZATION));
	principal_free(&p);
	goes("CN=ws1," COMPUTERS_DN, sid_of("CN=Domain Computers," USERS_DN),
	    "ws1 -> Domain Computers (primary group)");
	goes("CN=ws1," COMPUTERS_DN, prew2k,
	    "ws1 -> Authenticated Users -> Pre-Windows 2000 Compatible Access");
	goes("CN=user1," USERS_DN, sid_of("CN=Staff," USERS_DN), "user1 -> Sales -> Staff");
	goes("CN=user1," USERS_DN, sid_of("CN=Engineering," USERS_DN), NULL);
}

static void
who_may_not_act_is_known(void **state)
{
	static const struct {
		const char *dn;
		enum err_code code;
	} who[] = {{"CN=disabled1," USERS_DN, ERROR_ACCOUNT_DISABLED},
	    {"CN=expired1," USERS_DN, ERROR_ACCOUNT_EXPIRED},
	    {"CN=locked1," USERS_DN, ERROR_ACCOUNT_LOCKED_OUT}};
	struct principal p = get("CN=user1," USERS_DN);
	struct err err;

	(void)state;
	assert_true(principal_check_active(&p, clock_now(), &err));
	principal_free(&p);
	for (size_t i = 0; i < 3; i++) {
		p = get(who[i].dn);
		assert_false(principal_check_active(&p, clock_now(), &err));
		assert_int_equal(err.code, who[i].code);
		principal_free(&p);
	}
}

static void
the_sid_finds_who_was_renamed(void **state)
{
	static const char sid[] = "S-1-5-21-3330634377-1326264276-632209373-1105";
	const struct principal_record r = {sid, "CN=user5," USERS_DN, "NWTRADERS\\user5", 0};
	struct principal_record by_name = {NULL, NULL, r.name, clock_now() - 3600};
	struct principal p;
	struct err err;

	(void)state;
	assert_true(lab_sh("printf 'dn: CN=user5,CN=Users,DC=nwtraders,DC=com\\nchangetype: "
			   "moddn\\nnewrdn: CN=Eva\\ndeleteoldrdn: 1\\n' | ldapmodify -x -D "
			   "Administrator@NWTRADERS.COM -w Administrator-Passw0rd -H "
			   "\"$LDAPS_URI\" >/dev/null"));
	set("CN=Eva," USERS_DN, "sAMAccountName", "eva");
	set("CN=Eva," USERS_DN, "userPrincipalName", "eva@nwtraders.com");
	LAB_ADD(admin, "CN=user5," USERS_DN, "objectClass", "user", "sAMAccountName", "user5");
	assert_int_equal(principal_find_recorded(conn, &r, &p, &err), DIR_FOUND);
	assert_string_equal(p.sam, "eva");
	principal_free(&p);
	/* By the name alone it is who has that now, if he was there then. */
	assert_int_equal(principal_find_recorded(conn, &by_name, &p, &err), DIR_NOT_FOUND);
	by_name.when += 7200;
	assert_int_equal(principal_find_recorded(conn, &by_name, &p, &err), DIR_FOUND);
	principal_free(&p);
	drop("CN=Eva," USERS_DN);
	assert_int_equal(principal_find_recorded(conn, &r, &p, &err), DIR_NOT_FOUND);
}

static void
is_in_after(size_t waits, const struct sid *group, bool expected)
{
	size_t before = dir_conn_waits(conn);
	struct principal p;
	struct err err;

	if (principal_find(conn, "user6", &p, &err) != DIR_FOUND)
		fail_msg("%s", err.msg);
	assert_int_equal(sids_contain(&p.sids, group), expected);
	if (waits > 0)
		assert_int_equal(dir_conn_waits(conn) - before, waits);
	principal_free(&p);
}

/* tokenGroups too are asked for at once, and are those of now (test_foreseen_slapd.c). */
static void
who_is_known_is_waited_for_once_and_what_changed_counts(void **state)
{
	static const char inner[] = "CN=Inner," USERS_DN, outer[] = "CN=Outer," USERS_DN;
	struct sid sid;
	struct err err;

	(void)state;
	add_group_of(inner, "Inner", "-2147483646", "CN=user6," USERS_DN);
	add_group_of(outer, "Outer", "-2147483646", inner);
	sid = sid_of(outer);
	is_in_after(0, &sid, true);
	is_in_after(1, &sid, true);
	assert_true(dir_delete_value(admin, inner, "member", view_str("CN=user6," USERS_DN), &err));
	is_in_after(1, &sid, false);
	assert_true(dir_add_value(admin, inner, "member", view_str("CN=user6," USERS_DN), &err));
	is_in_after(1, &sid, true);
	drop(outer);
	is_in_after(1, &sid, false);
	drop(inner);
}

/* Gives user6 this sIDHistory, as base64; "": none. */
static void
set_history(const char *base64)
{
	char command[512];

	snprintf(
	    command, sizeof command, "samba_lab_history \"$1\" CN=user6," USERS_DN " %s", base64);
	assert_true(lab_sh(command));
}

/* S-1-5-21-1-2-3-1105 of a domain that is gone; the last two are Domain Admins and caadmin of this
 * one. */
static void
who_was_moved_keeps_the_sids_that_he_had(void **state)
{
	static const char old[] = "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUQQAAA==";
	static const struct {
		const char *base64, *text;
	} forged[] = {{"AQIAAAAAAAUgAAAAIAIAAA==", "S-1-5-32-544"}, {"AQEAAAAAAAEAAAAA", "S-1-1-0"},
	    {"AQUAAAAAAAUVAAAAiXKFxtQvDU/dv64lAAIAAA==",
		"S-1-5-21-3330634377-1326264276-632209373-512"},
	    {"AQUAAAAAAAUVAAAAiXKFxtQvDU/dv64lVgQAAA==", "which is CN=caadmin,"}};
	struct principal p;
	struct sid sid;
	struct err err;

	(void)state;
	assert_true(sid_from_text("S-1-5-21-1-2-3-1105", &sid));
	p = get("CN=user6," USERS_DN);
	assert_false(sids_contain(&p.sids, &sid));
	principal_free(&p);
	set_history(old);
	p = get("CN=user6," USERS_DN);
	assert_true(sids_contain(&p.sids, &sid));
	assert_true(sids_contain(&p.sids, &p.sid));
	principal_free(&p);
	finds("S-1-5-21-1-2-3-1105", "CN=user6," USERS_DN);
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		set_history(forged[i].base64);
		assert_int_equal(
		    principal_get(conn, "CN=user6," USERS_DN, &p, &err), DIR_FIND_FAILED);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		if (strstr(err.msg, "sIDHistory of CN=user6") == NULL ||
		    strstr(err.msg, forged[i].text) == NULL)
			fail_msg("%s", err.msg);
	}
	set_history("");
	p = get("CN=user6," USERS_DN);
	principal_free(&p);
}

/* Samba gives a part where a part is asked for. */
static void
values_in_parts_are_read_whole(void **state)
{
	struct dir_entries found;
	struct err err;

	(void)state;
	assert_true(dir_search(admin,
	    &(struct dir_query){.base = "CN=Key Recovery Agents," USERS_DN,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){"member;range=0-0", NULL}},
	    &found, &err));
	assert_int_equal(found.count, 1);
	assert_non_null(dir_entry_attr(&found.list[0], "member"));
	assert_int_equal(dir_entry_attr(&found.list[0], "member")->count, 3);
	dir_entries_free(&found);
}

/* A domain controller gives a thousand entries at once; its schema has more. */
static void
what_is_more_than_a_page_is_read_whole(void **state)
{
	static const char *const filters[] = {
	    "(objectClass=classSchema)", "(objectClass=attributeSchema)", "(objectClass=*)"};
	size_t counts[3];
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct dir_entries found;

		assert_true(dir_search(admin,
		    &(struct dir_query){.base = "CN=Schema,CN=Configuration," BASE_DN,
			.scope = DIR_ONE,
			.filter = filters[i],
			.attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		    &found, &err));
		counts[i] = found.count;
		dir_entries_free(&found);
	}
	assert_true(counts[0] > 0 && counts[1] > 1000);
	assert_int_equal(counts[2], counts[0] + counts[1] + 1); /* CN=Aggregate */
}

static void
the_global_catalog_is_refused_by_name(void **state)
{
	struct dir_config catalog = config;
	struct dir_conn *c;
	struct err err;
	char uri[64];

	(void)state;
	snprintf(uri, sizeof uri, "%s:3269", getenv("LDAPS_URI"));
	catalog.uris = uri;
	assert_false(dir_connect(&catalog, &c, &err));
	if (strstr(err.msg, "is the global catalog") == NULL || strstr(err.msg, uri) == NULL)
		fail_msg("%s", err.msg);
}

/* The paper's "Pre-Windows 2000 Compatible Access": an account that may not read the groups of
 * others. It may still find them, and their SIDs. */
static void
groups_that_may_not_be_read_are_an_error_that_names_the_cure(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	assert_true(
	    dir_delete_value(admin, "CN=Pre-Windows 2000 Compatible Access,CN=Builtin," BASE_DN,
		"member", view_str("CN=S-1-5-11,CN=ForeignSecurityPrincipals," BASE_DN), &err));
	dir_disconnect(&conn);
	conn = lab_connect(&config); /* a server's token is as old as the bind */
	assert_int_equal(principal_find(conn, "user1", &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, DIRCA_E_GROUPS_UNREADABLE);
	assert_non_null(strcasestr(err.msg, "CN=user1"));
	assert_non_null(strcasestr(err.msg, "dircad"));
	assert_non_null(strstr(err.msg, "tokenGroups"));
	assert_non_null(strstr(err.msg, "Pre-Windows 2000 Compatible Access"));
	/* The cure: the account itself into that group. */
	assert_true(
	    dir_add_value(admin, "CN=Pre-Windows 2000 Compatible Access,CN=Builtin," BASE_DN,
		"member", view_str("CN=dircad," USERS_DN), &err));
	dir_disconnect(&conn);
	conn = lab_connect(&config);
	finds("user1", "CN=user1," USERS_DN);
}

static int
start(void **state)
{
	struct err err;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (!secret_heap_init(65536, true, &err) || !lab_sh("samba_lab_start \"$1\"") ||
	    !lab_read_env() || !secret_dup(view_str("dircad-Passw0rd"), &password, &err))
		return -1;
	admin_config = (struct dir_config){
	    .uris = getenv("LDAPI_URI"), .auth = DIR_AUTH_ANONYMOUS, .timeout_ms = 20000};
	config = (struct dir_config){.uris = getenv("LDAPS_URI"),
	    .auth = DIR_AUTH_SIMPLE,
	    .bind_dn = "CN=dircad," USERS_DN,
	    .tls_ca_file = getenv("LDAP_CA_FILE"),
	    .password = &password,
	    .timeout_ms = 20000};
	admin = lab_connect(&admin_config);
	conn = lab_connect(&config);
	return 0;
}

static int
end(void **state)
{
	dir_disconnect(&conn);
	dir_disconnect(&admin);
	secret_free(&password);
	(void)state;
	lab_sh("samba_lab_stop \"$1\"");
	return lab_sh("rm -rf \"$1\"") ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_name_form_finds_its_account),
	    cmocka_unit_test(token_groups_and_the_walk_agree),
	    cmocka_unit_test(primary_and_well_known_groups_are_there_with_their_way),
	    cmocka_unit_test(who_may_not_act_is_known),
	    cmocka_unit_test(the_sid_finds_who_was_renamed),
	    cmocka_unit_test(who_is_known_is_waited_for_once_and_what_changed_counts),
	    cmocka_unit_test(who_was_moved_keeps_the_sids_that_he_had),
	    cmocka_unit_test(values_in_parts_are_read_whole),
	    cmocka_unit_test(what_is_more_than_a_page_is_read_whole),
	    cmocka_unit_test(the_global_catalog_is_refused_by_name),
	    cmocka_unit_test(groups_that_may_not_be_read_are_an_error_that_names_the_cure),
	};

	strcpy(lab_dir, "/tmp/dirca-sam-XXXXXX");
	if (mkdtemp(lab_dir) == NULL || lab_sh("samba_lab_missing && rm -rf \"$1\""))
		return 77;
	return cmocka_run_group_tests(tests, start, end);
}
