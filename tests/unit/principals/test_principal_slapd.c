#include "people_lab.h"

#include "conn_priv.h"

static struct dir_config config;

static enum dir_find
by_name(struct dir_conn *c, const char *name, struct principal *out, struct err *err)
{
	return principal_find_identity(c, NAMED(name), out, err);
}

static enum dir_find
by_ticket(struct dir_conn *c, const char *name, struct principal *out, struct err *err)
{
	return principal_find_identity(c, &(struct identity){IDENTITY_KERBEROS, name}, out, err);
}

static enum dir_find
by_dn(struct dir_conn *c, const char *dn, struct principal *out, struct err *err)
{
	return principal_find_identity(c, &(struct identity){IDENTITY_DN, dn}, out, err);
}

static const char *
text_of(enum dir_find found)
{
	return found == DIR_FOUND ? "found" : found == DIR_NOT_FOUND ? "not found" : "failed";
}

/* `dn` NULL: nobody is found. */
static void
finds(enum dir_find (*find)(struct dir_conn *, const char *, struct principal *, struct err *),
    const char *token, const char *dn)
{
	struct principal p;
	struct err err = {0};
	enum dir_find found = find(conn, token, &p, &err);

	if (found != (dn != NULL ? DIR_FOUND : DIR_NOT_FOUND))
		fail_msg("%s: %s %s", token, text_of(found), err.msg);
	if (dn != NULL)
		assert_true(dir_dn_eq(p.dn, dn));
	else
		assert_null(p.dn);
	principal_free(&p);
}

static void
every_name_form_finds_the_user(void **state)
{
	static const char *const forms[] = {"user1@nwtraders.com", "USER1@NWTRADERS.COM",
	    "NWTRADERS\\user1", "nwtraders\\USER1", "nwtraders.com\\user1", "Users\\user1",
	    "USERS\\user1", "user1", "User1"};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		finds(principal_find, forms[i], "CN=user1," USERS_DN);
	finds(principal_find, "CA Administrator", NULL); /* a displayName is no name */
	finds(principal_find, "ws1$", "CN=ws1,CN=Computers," BASE_DN);
	finds(principal_find, "ws1", "CN=ws1,CN=Computers," BASE_DN);
	finds(principal_find, "NWTRADERS\\ws1$", "CN=ws1,CN=Computers," BASE_DN);
}

static void
names_of_nobody_find_nobody(void **state)
{
	static const char *const forms[] = {"nobody", "nobody@nwtraders.com", "user1@nwtraders.org",
	    "@", "user1@", "OTHER\\user1", "NWTRADERS\\nobody", "Computers\\user1", "NWTRADERS\\",
	    "\\user1", "\\", "user*", "*", "user1)(cn=*", "NWTRADERS\\*", "*\\user1", "Users\\*",
	    "user1\\", "One", "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		finds(principal_find, forms[i], NULL);
}

static void
a_group_is_no_principal(void **state)
{
	(void)state;
	finds(principal_find, "Sales", NULL);
	finds(principal_find, "NWTRADERS\\Sales", NULL);
	finds(principal_find, "Users\\Sales", NULL);
	finds(principal_get, "CN=Sales," USERS_DN, NULL);
	finds(principal_get, USERS_DN, NULL);
	finds(principal_get, "CN=nobody," USERS_DN, NULL);
	finds(by_name, "Sales", NULL);
}

static void
an_empty_or_endless_name_is_an_error(void **state)
{
	char endless[1000];
	struct principal p;
	struct err err;

	(void)state;
	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	assert_int_equal(principal_find(conn, "", &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, E_INVALIDARG);
	assert_int_equal(principal_find(conn, endless, &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, E_INVALIDARG);
	assert_int_equal(by_name(conn, "", &p, &err), DIR_FIND_FAILED);
}

static void
a_principal_has_all_its_names_and_ids(void **state)
{
	struct principal p = get("cn=USER1,cn=users,dc=nwtraders,dc=com");
	char sid[SID_TEXT_MAX];

	(void)state;
	assert_true(dir_dn_eq(p.dn, "CN=user1," USERS_DN));
	assert_string_equal(p.cn, "user1");
	assert_string_equal(p.sam, "user1");
	assert_string_equal(p.domain, "NWTRADERS");
	assert_string_equal(p.downlevel, "NWTRADERS\\user1");
	assert_string_equal(p.upn, "user1@nwtraders.com");
	assert_int_equal(p.mails.count, 1);
	assert_string_equal(p.mails.list[0], "user1@nwtraders.com");
	assert_null(p.dns_name);
	assert_false(p.is_machine);
	assert_true(p.has_guid);
	assert_int_equal(p.guid[0], 0x01);
	assert_true(p.has_sid);
	sid_to_text(&p.sid, sid);
	assert_non_null(strstr(sid, "-1101"));
	principal_free(&p);
	p = get("CN=ws1,CN=Computers," BASE_DN);
	assert_true(p.is_machine);
	assert_string_equal(p.dns_name, "ws1.nwtraders.com");
	assert_string_equal(p.downlevel, "NWTRADERS\\ws1$");
	assert_int_equal(p.mails.count, 0);
	assert_null(p.upn);
	principal_free(&p);
}

static void
a_principal_of_few_attributes_still_has_a_name(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	LAB_ADD(conn, "uid=bare," USERS_DN, "objectClass", "inetOrgPerson", "sn", "x", "cn",
	    "Bare One", "cn", "Bare Two", "mail", "b@x", "mail", "C@x", "mail", "a@x");
	p = get("uid=bare," USERS_DN);
	assert_string_equal(p.cn, "bare"); /* two CNs, none in the DN */
	assert_string_equal(p.downlevel, "NWTRADERS\\bare");
	assert_string_equal(p.sam, "bare"); /* its uid */
	assert_int_equal(p.mails.count, 3); /* whatever order they came in */
	assert_string_equal(p.mails.list[0], "a@x");
	assert_string_equal(p.mails.list[1], "b@x");
	assert_string_equal(p.mails.list[2], "C@x");
	assert_false(p.has_sid);
	assert_false(p.has_guid);
	assert_int_equal(p.sids.count, 3);
	assert_true(sids_contain(&p.sids, &SID_EVERYONE));
	assert_true(sids_contain(&p.sids, &SID_AUTHENTICATED_USERS));
	assert_true(sids_contain(&p.sids, &SID_THIS_ORGANIZATION));
	principal_free(&p);
	assert_true(dir_delete(conn, "uid=bare," USERS_DN, &err));
	/* The cn of the RDN, wherever it stands in it; the address that is the UPN. */
	LAB_ADD(conn, "uid=both+cn=Both Two," USERS_DN, "objectClass", "inetOrgPerson",
	    "objectClass", "securityPrincipal", "sn", "x", "uid", "both", "cn", "Both One", "cn",
	    "Both Two", "mail", "a@x", "mail", "M@x", "mail", "z@x", "userPrincipalName", "m@x");
	p = get("uid=both+cn=Both Two," USERS_DN);
	assert_string_equal(p.cn, "Both Two");
	assert_int_equal(p.mails.count, 3);
	assert_string_equal(p.mails.list[0], "M@x");
	assert_string_equal(p.mails.list[1], "a@x");
	principal_free(&p);
	assert_true(dir_delete(conn, "uid=both+cn=Both Two," USERS_DN, &err));
}

/* Every order of three values: the directory promises none. */
static void
the_order_of_values_is_no_rule(void **state)
{
	static const int orders[][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const char *const mails[] = {"z@x", "B@x", "a@x"},
				 *const cns[] = {"Zoe", "Ann", "Eve"},
				 *const uids[] = {"zoe", "ann", "eve"};
	struct err err;

	(void)state;
	LAB_ADD(conn, "cn=Eve," USERS_DN, "objectClass", "inetOrgPerson", "sn", "x", "uid", "zoe");
	for (size_t i = 0; i < 6; i++) {
		struct view m[3], c[3], u[3];
		struct principal p;

		for (size_t k = 0; k < 3; k++) {
			m[k] = view_str(mails[orders[i][k]]);
			c[k] = view_str(cns[orders[i][k]]);
			u[k] = view_str(uids[orders[i][k]]);
		}
		assert_true(dir_replace(conn, "cn=Eve," USERS_DN, "mail", m, 3, &err) &&
			    dir_replace(conn, "cn=Eve," USERS_DN, "cn", c, 3, &err) &&
			    dir_replace(conn, "cn=Eve," USERS_DN, "uid", u, 3, &err));
		p = get("cn=Eve," USERS_DN);
		assert_string_equal(p.cn, "Eve");                   /* of the RDN */
		assert_string_equal(p.downlevel, "NWTRADERS\\ann"); /* the first by its letters */
		assert_int_equal(p.accounts.count, 3);
		assert_string_equal(p.mails.list[0], "a@x");
		assert_string_equal(p.mails.list[1], "B@x");
		assert_string_equal(p.mails.list[2], "z@x");
		principal_free(&p);
	}
	assert_true(dir_delete(conn, "cn=Eve," USERS_DN, &err));
}

static void
a_malformed_sid_or_guid_is_an_error(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	add_user("CN=broken," USERS_DN, "broken", NULL, NULL);
	assert_true(dir_add_value(conn, "CN=broken," USERS_DN, "objectSid", view_str("x"), &err));
	assert_int_equal(principal_find(conn, "broken", &p, &err), DIR_FIND_FAILED);
	assert_non_null(strcasestr(err.msg, "objectSid of CN=broken"));
	assert_true(dir_replace(conn, "CN=broken," USERS_DN, "objectSid", NULL, 0, &err));
	assert_true(dir_add_value(conn, "CN=broken," USERS_DN, "objectGUID", view_str("x"), &err));
	assert_int_equal(principal_find(conn, "broken", &p, &err), DIR_FIND_FAILED);
	assert_non_null(strstr(err.msg, "objectGUID"));
	remove_entry("CN=broken," USERS_DN);
}

static struct buf
sid_bytes(const char *text)
{
	struct buf raw = {0};
	struct sid sid;
	struct err err;

	assert_true(sid_from_text(text, &sid) && sid_encode(&sid, &raw, &err));
	return raw;
}

static void
set_history(const char *dn, const char *text)
{
	struct buf raw = sid_bytes(text);
	struct view value = buf_view(&raw);
	struct err err;

	if (!dir_replace(conn, dn, "sIDHistory", &value, 1, &err))
		fail_msg("%s", err.msg);
	buf_free(&raw);
}

static void
add_foreign(const char *dn, const char *text)
{
	struct buf raw = sid_bytes(text);
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err) &&
		    dir_entry_add(&e, "objectClass", view_str("foreignSecurityPrincipal"), &err) &&
		    dir_entry_add(&e, "objectSid", buf_view(&raw), &err));
	if (!dir_add(conn, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
	buf_free(&raw);
}

/* Where access rules let somebody write his own history. A foreignSecurityPrincipal is how a group
 * of this domain knows an account of another one: it is nobody. */
static void
nobody_takes_by_his_history_what_is_somebodys(void **state)
{
	static const char *const old = "S-1-5-21-1-2-3-1105";
	static const struct {
		const char *sid, *why;
	} forged[] = {{"S-1-5-32-544", "no account can have been"},
	    {"S-1-5-21-3330634377-1326264276-632209373-1110", "is cn=caadmin,"},
	    {"S-1-5-21-3330634377-1326264276-632209373-1202", "is cn=Certificate Managers,"},
	    {"S-1-5-21-3330634377-1326264276-632209373-1118", "is cn=ws1,"}};
	struct principal p;
	struct err err;
	struct sid sid;

	(void)state;
	add_user("CN=moved," USERS_DN, "moved", NULL, "5010");
	assert_true(sid_from_text(old, &sid));
	add_foreign("CN=Foreign," USERS_DN, old);
	set_history("CN=moved," USERS_DN, old);
	p = get("CN=moved," USERS_DN);
	assert_true(sids_contain(&p.sids, &sid));
	principal_free(&p);
	finds(principal_find, old, "CN=moved," USERS_DN);
	/* Somebody whose SID it is goes before who had it. */
	add_user("CN=newer," USERS_DN, "newer", NULL, "5011");
	set_history("CN=moved," USERS_DN, "S-1-5-21-3330634377-1326264276-632209373-5011");
	finds(
	    principal_find, "S-1-5-21-3330634377-1326264276-632209373-5011", "CN=newer," USERS_DN);
	remove_entry("CN=newer," USERS_DN);
	/* His own SID is no other's. */
	set_history("CN=moved," USERS_DN, "S-1-5-21-3330634377-1326264276-632209373-5010");
	p = get("CN=moved," USERS_DN);
	principal_free(&p);
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		set_history("CN=moved," USERS_DN, forged[i].sid);
		assert_int_equal(principal_find(conn, "moved", &p, &err), DIR_FIND_FAILED);
		assert_int_equal(err.code, ERROR_INVALID_DATA);
		if (strcasestr(err.msg, forged[i].why) == NULL)
			fail_msg("%s", err.msg);
	}
	remove_entry("CN=moved," USERS_DN);
	remove_entry("CN=Foreign," USERS_DN);
}

static void
fails_ambiguous(
    enum dir_find (*find)(struct dir_conn *, const char *, struct principal *, struct err *),
    const char *token, const char *a, const char *b)
{
	struct principal p;
	struct err err = {0};

	assert_int_equal(find(conn, token, &p, &err), DIR_FIND_FAILED);
	assert_int_equal(err.code, TYPE_E_AMBIGUOUSNAME);
	assert_null(p.dn);
	assert_non_null(strcasestr(err.msg, a));
	assert_non_null(strcasestr(err.msg, b));
}

static void
two_hits_are_ambiguous_and_both_are_named(void **state)
{
	(void)state;
	LAB_ADD(conn, "OU=Users," BASE_DN, "objectClass", "organizationalUnit");
	add_user("CN=user2,OU=Users," BASE_DN, "second2", NULL, "5001");
	add_user("CN=second2," USERS_DN, NULL, "user3@nwtraders.com", "5002");

	finds(principal_find, "user2",
	    "CN=user2," USERS_DN); /* the account name comes before the CN */
	finds(principal_find, "second2", "CN=user2,OU=Users," BASE_DN);
	finds(principal_find, "NWTRADERS\\user2", "CN=user2," USERS_DN);
	fails_ambiguous(principal_find, "Users\\user2", "CN=user2,OU=Users", "CN=user2,CN=Users");
	fails_ambiguous(
	    principal_find, "user3@nwtraders.com", "CN=user3,CN=Users", "CN=second2,CN=Users");
	/* The same CN twice, no account of that name. */
	add_user("CN=twice,OU=Users," BASE_DN, NULL, NULL, NULL);
	add_user("CN=twice," USERS_DN, NULL, NULL, NULL);
	fails_ambiguous(principal_find, "twice", "CN=twice,OU=Users", "CN=twice,CN=Users");

	remove_entry("CN=twice,OU=Users," BASE_DN);
	remove_entry("CN=twice," USERS_DN);
	remove_entry("CN=second2," USERS_DN);
	remove_entry("CN=user2,OU=Users," BASE_DN);
	remove_entry("OU=Users," BASE_DN);
}

static void
identities_are_account_names(void **state)
{
	(void)state;
	finds(by_name, "user1", "CN=user1," USERS_DN);
	finds(by_name, "user1@NWTRADERS.COM", "CN=user1," USERS_DN);
	finds(by_name, "user1@nwtraders", "CN=user1," USERS_DN);
	finds(by_name, "ws1$@NWTRADERS.COM", "CN=ws1,CN=Computers," BASE_DN);
	finds(by_name, "NWTRADERS\\user1", "CN=user1," USERS_DN);
	finds(by_name, "user1@OTHER.REALM", NULL);
	finds(by_name, "@NWTRADERS.COM", NULL);
	finds(by_name, "ws1", NULL); /* that is its CN */
	finds(by_name, "Users\\user1", NULL);
	finds(by_name, "*", NULL);
}

static void
no_name_passes_for_a_dn(void **state)
{
	static const char *const names[] = {"dn:cn=user1,cn=users,dc=nwtraders,dc=com",
	    "dn:CN=user1," USERS_DN, "CN=user1," USERS_DN, "dn:", "dn:" USERS_DN};

	(void)state;
	finds(by_dn, "cn=user1,cn=users,dc=nwtraders,dc=com", "CN=user1," USERS_DN);
	finds(by_dn, USERS_DN, NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		finds(by_name, names[i], NULL);
		finds(by_ticket, names[i], NULL);
	}
}

/* slapd compares by the preparation of RFC 4518, which makes all of these the same: it finds them
 * by the token, for whom a name is no more than a search. */
static void
an_identity_is_spelled_as_the_directory_has_it_but_for_the_case(void **state)
{
	static const char *const names[] = {"user1 ", " user1", "us\302\255er1", "\357\275\225ser1",
	    "user1 @nwtraders.com", "NWTRADERS\\\357\275\225ser1"};

	(void)state;
	finds(by_name, "USER1", "CN=user1," USERS_DN);
	finds(by_name, "User1@NWTraders.com", "CN=user1," USERS_DN);
	finds(principal_find, "\357\275\225ser1", "CN=user1," USERS_DN);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		finds(by_name, names[i], NULL);
}

static void
a_ticket_is_of_the_realm_that_it_names(void **state)
{
	struct view upn = view_str("user5@other.realm"), before = view_str("user5@nwtraders.com");
	struct err err;

	(void)state;
	finds(by_ticket, "user1", "CN=user1," USERS_DN);
	finds(by_ticket, "user1@NWTRADERS.COM", "CN=user1," USERS_DN);
	finds(by_ticket, "NWTRADERS\\user1", NULL);
	finds(by_ticket, "user1\\@NWTRADERS.COM", NULL);
	finds(by_ticket, "user1\\@x@NWTRADERS.COM", NULL);
	/* A UPN may have any suffix; whose realm has that name has nothing to do with it. */
	assert_true(dir_replace(conn, "CN=user5," USERS_DN, "userPrincipalName", &upn, 1, &err));
	finds(by_name, "user5@OTHER.REALM", "CN=user5," USERS_DN);
	finds(by_ticket, "user5@OTHER.REALM", NULL);
	assert_true(dir_replace(conn, "CN=user5," USERS_DN, "userPrincipalName", &before, 1, &err));
}

static void
a_upn_cannot_take_over_an_account_name(void **state)
{
	(void)state;
	add_user("CN=thief," USERS_DN, "thief", "ws1$@nwtraders.com", "5003");
	fails_ambiguous(by_name, "ws1$@NWTRADERS.COM", "CN=thief", "CN=ws1");
	remove_entry("CN=thief," USERS_DN);
}

static void
the_same_account_name_in_two_domains_is_told_apart(void **state)
{
	static const char child[] = "DC=child," BASE_DN;
	struct dir_conn *saved = conn;
	struct principal p;
	struct err err;

	(void)state;
	LAB_ADD(conn, child, "objectClass", "domainDNS", "dc", "child");
	LAB_ADD(conn, "CN=CHILD,CN=Partitions," CONFIG_DN, "objectClass", "crossRef", "nCName",
	    child, "dnsRoot", "child.nwtraders.com", "nETBIOSName", "CHILD");
	add_user("CN=user1,DC=child," BASE_DN, "user1", NULL, "5004");
	conn = lab_connect(&config); /* domains are read once a connection */

	finds(principal_find, "NWTRADERS\\user1", "CN=user1," USERS_DN);
	finds(principal_find, "CHILD\\user1", "CN=user1,DC=child," BASE_DN);
	finds(by_name, "user1@CHILD.NWTRADERS.COM", "CN=user1,DC=child," BASE_DN);
	finds(by_name, "user1@NWTRADERS.COM", "CN=user1," USERS_DN);
	fails_ambiguous(principal_find, "user1", "CN=user1,CN=Users", "CN=user1,DC=child");
	assert_int_equal(principal_find(conn, "CHILD\\user1", &p, &err), DIR_FOUND);
	assert_string_equal(p.downlevel, "CHILD\\user1");
	principal_free(&p);

	dir_disconnect(&conn);
	conn = saved;
	remove_entry("CN=user1,DC=child," BASE_DN);
	remove_entry("CN=CHILD,CN=Partitions," CONFIG_DN);
	remove_entry("DC=child," BASE_DN);
}

static void
nested_groups_count_and_others_do_not(void **state)
{
	struct principal p = get("CN=user1," USERS_DN);

	(void)state;
	assert_true(sids_contain(&p.sids, &p.sid));
	assert_true(has_group(&p, 513));   /* Domain Users */
	assert_true(has_group(&p, 1205));  /* Sales */
	assert_true(has_group(&p, 1207));  /* Staff, through Sales */
	assert_false(has_group(&p, 1206)); /* Engineering */
	assert_false(has_group(&p, 512));
	assert_true(sids_contain(&p.sids, &SID_EVERYONE));
	assert_true(sids_contain(&p.sids, &SID_AUTHENTICATED_USERS));
	assert_int_equal(p.sids.count, 7);
	principal_free(&p);
}

static void
groups_in_a_circle_end_and_one_without_a_sid_is_passed_through(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	add_group("CN=A," USERS_DN, "6001", "CN=user5," USERS_DN);
	add_group("CN=no sid," USERS_DN, NULL, "CN=A," USERS_DN);
	add_group("CN=B," USERS_DN, "6002", "CN=no sid," USERS_DN);
	assert_true(dir_add_value(
	    conn, "CN=A," USERS_DN, "member", view_str("cn=b,cn=users," BASE_DN), &err));
	p = get("CN=user5," USERS_DN);
	assert_true(has_group(&p, 6001));
	assert_true(has_group(&p, 6002));
	principal_free(&p);
	remove_entry("CN=B," USERS_DN);
	remove_entry("CN=no sid," USERS_DN);
	remove_entry("CN=A," USERS_DN);
}

static void
uniquemember_and_escaped_names_are_walked(void **state)
{
	static const char doe[] = "CN=Doe\\, J(o)hn*," USERS_DN;
	struct dir_conn *saved = conn;
	struct principal p;

	(void)state;
	add_user(doe, "jdoe", NULL, "5005");
	LAB_ADD(
	    conn, "CN=Unique," USERS_DN, "objectClass", "groupOfUniqueNames", "uniqueMember", doe);
	add_group("CN=Over," USERS_DN, "6003", "CN=Unique," USERS_DN);
	conn = lab_connect(&config); /* whether there are such groups is asked once a minute */
	p = get(doe);
	assert_string_equal(p.cn, "Doe, J(o)hn*");
	assert_true(has_group(&p, 6003));
	principal_free(&p);
	finds(principal_find, "Doe, J(o)hn*", doe);
	dir_disconnect(&conn);
	conn = saved;
	remove_entry("CN=Over," USERS_DN);
	remove_entry("CN=Unique," USERS_DN);
	remove_entry(doe);
}

static void
the_primary_group_counts_with_the_groups_that_hold_it(void **state)
{
	struct view rid = view_str("515");
	struct principal p;
	struct err err;

	(void)state;
	add_user("CN=primary," USERS_DN, "primary", NULL, "5006");
	add_group("CN=Holder," USERS_DN, "6004", "CN=Domain Computers," USERS_DN);
	assert_true(dir_replace(conn, "CN=primary," USERS_DN, "primaryGroupID", &rid, 1, &err));
	p = get("CN=primary," USERS_DN);
	assert_true(has_group(&p, 515));
	assert_true(has_group(&p, 6004));
	assert_false(has_group(&p, 513));
	principal_free(&p);
	remove_entry("CN=Holder," USERS_DN);
	remove_entry("CN=primary," USERS_DN);
}

static void
a_malformed_group_sid_is_an_error_and_not_a_missing_group(void **state)
{
	struct principal p;
	struct err err;

	(void)state;
	add_group("CN=Bad," USERS_DN, NULL, "CN=user6," USERS_DN);
	assert_true(dir_add_value(conn, "CN=Bad," USERS_DN, "objectSid", view_str("x"), &err));
	assert_int_equal(principal_find(conn, "user6", &p, &err), DIR_FIND_FAILED);
	assert_non_null(strcasestr(err.msg, "CN=Bad"));
	remove_entry("CN=Bad," USERS_DN);
}

static void
groups_nested_too_deep_are_an_error(void **state)
{
	char dn[96], member[96] = "CN=user6," USERS_DN;
	struct principal p;
	struct err err;
	int depth = 0;

	(void)state;
	/* 63 levels of groups and the one above the last that finds nothing are 64 searches. */
	for (; depth < 63; depth++) {
		snprintf(dn, sizeof dn, "CN=deep%d," USERS_DN, depth);
		add_group(dn, "6100", member);
		snprintf(member, sizeof member, "%s", dn);
	}
	p = get("CN=user6," USERS_DN);
	principal_free(&p);
	for (; depth < 66; depth++) {
		snprintf(dn, sizeof dn, "CN=deep%d," USERS_DN, depth);
		add_group(dn, "6101", member);
		snprintf(member, sizeof member, "%s", dn);
	}
	assert_int_equal(principal_find(conn, "user6", &p, &err), DIR_FIND_FAILED);
	assert_non_null(strstr(err.msg, "deeper than 64"));
	while (depth-- > 0) {
		snprintf(dn, sizeof dn, "CN=deep%d," USERS_DN, depth);
		remove_entry(dn);
	}
}

/* As if slapd were Active Directory: it has no tokenGroups, which stands for a server that does not
 * show them. */
static void
on_active_directory_unreadable_token_groups_are_an_error(void **state)
{
	struct dir_conn *c = lab_connect(&config);
	struct principal p;
	struct err err;

	(void)state;
	c->root.is_ad = true;
	assert_int_equal(principal_find(c, "NWTRADERS\\user1", &p, &err), DIR_FIND_FAILED);
	assert_non_null(strstr(err.msg, "Pre-Windows 2000 Compatible Access"));
	assert_null(p.dn);
	/* Nor is a uid an identity there. */
	assert_true(dir_replace(
	    c, "CN=user6," USERS_DN, "uid", &(struct view){(const uint8_t *)"root", 4}, 1, &err));
	assert_int_equal(by_name(c, "root", &p, &err), DIR_NOT_FOUND);
	dir_disconnect(&c);
	finds(by_name, "root", "CN=user6," USERS_DN);
}

static void
the_scram_verifier_is_read_with_the_state_of_the_account(void **state)
{
	struct view off = view_str("514"), on = view_str("512"),
		    raw = view_str("SCRAM-SHA-256$1:YQ==$Yg==:Yw==");
	char *verifier;
	struct err why, err;

	(void)state;
	assert_int_equal(
	    principal_scram_verifier(conn, NAMED("user1"), 0, &verifier, &why, &err), DIR_FOUND);
	assert_memory_equal(verifier, "SCRAM-SHA-256$4096:", 19);
	assert_int_equal(why.code, ERR_OK);
	free(verifier);
	assert_int_equal(principal_scram_verifier(conn, NAMED("nobody"), 0, &verifier, &why, &err),
	    DIR_NOT_FOUND);
	assert_null(verifier);

	assert_true(dir_replace(conn, "CN=user4," USERS_DN, "userAccountControl", &off, 1, &err));
	assert_int_equal(
	    principal_scram_verifier(conn, NAMED("user4"), 0, &verifier, &why, &err), DIR_FOUND);
	assert_int_equal(why.code, ERROR_ACCOUNT_DISABLED);
	free(verifier);
	assert_true(dir_replace(conn, "CN=user4," USERS_DN, "userAccountControl", &on, 1, &err));

	assert_true(dir_add_value(conn, "CN=user4," USERS_DN, "authPassword", raw, &err));
	assert_int_equal(principal_scram_verifier(conn, NAMED("user4"), 0, &verifier, &why, &err),
	    DIR_FIND_FAILED); /* two */
	assert_null(verifier);
	assert_true(dir_replace(conn, "CN=user4," USERS_DN, "authPassword", NULL, 0, &err));
	assert_int_equal(principal_scram_verifier(conn, NAMED("user4"), 0, &verifier, &why, &err),
	    DIR_NOT_FOUND);
	assert_true(
	    dir_add_value(conn, "CN=user4," USERS_DN, "authPassword", view_str("MD5$x$y"), &err));
	assert_int_equal(principal_scram_verifier(conn, NAMED("user4"), 0, &verifier, &why, &err),
	    DIR_NOT_FOUND);
	assert_null(verifier);
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
	    cmocka_unit_test(every_name_form_finds_the_user),
	    cmocka_unit_test(names_of_nobody_find_nobody),
	    cmocka_unit_test(a_group_is_no_principal),
	    cmocka_unit_test(an_empty_or_endless_name_is_an_error),
	    cmocka_unit_test(a_principal_has_all_its_names_and_ids),
	    cmocka_unit_test(a_principal_of_few_attributes_still_has_a_name),
	    cmocka_unit_test(the_order_of_values_is_no_rule),
	    cmocka_unit_test(a_malformed_sid_or_guid_is_an_error),
	    cmocka_unit_test(nobody_takes_by_his_history_what_is_somebodys),
	    cmocka_unit_test(two_hits_are_ambiguous_and_both_are_named),
	    cmocka_unit_test(identities_are_account_names),
	    cmocka_unit_test(no_name_passes_for_a_dn),
	    cmocka_unit_test(an_identity_is_spelled_as_the_directory_has_it_but_for_the_case),
	    cmocka_unit_test(a_ticket_is_of_the_realm_that_it_names),
	    cmocka_unit_test(a_upn_cannot_take_over_an_account_name),
	    cmocka_unit_test(the_same_account_name_in_two_domains_is_told_apart),
	    cmocka_unit_test(nested_groups_count_and_others_do_not),
	    cmocka_unit_test(groups_in_a_circle_end_and_one_without_a_sid_is_passed_through),
	    cmocka_unit_test(uniquemember_and_escaped_names_are_walked),
	    cmocka_unit_test(the_primary_group_counts_with_the_groups_that_hold_it),
	    cmocka_unit_test(a_malformed_group_sid_is_an_error_and_not_a_missing_group),
	    cmocka_unit_test(groups_nested_too_deep_are_an_error),
	    cmocka_unit_test(on_active_directory_unreadable_token_groups_are_an_error),
	    cmocka_unit_test(the_scram_verifier_is_read_with_the_state_of_the_account),
	};

	return cmocka_run_group_tests(tests, start, end);
}
