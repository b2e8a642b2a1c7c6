/* Who gets which SID and userPrincipalName, decided without a directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adoption.h"
#include "mem.h"

#define ROOT   "dc=acme,dc=example"
#define DOMAIN "S-1-5-21-1-2-3"

static struct adoption_tree tree;
static struct sid new_domain;
static struct adoption made;

static void
sid_bytes(const char *text, struct buf *raw)
{
	struct sid sid;
	struct err err;

	assert_true(sid_from_text(text, &sid));
	assert_true(sid_encode(&sid, raw, &err));
}

static void
put(struct dir_entry *e, const char *name, const char *value)
{
	struct buf raw = {0};
	struct err err;

	if (strcmp(name, "objectSid") == 0 && strncmp(value, "S-1-", 4) == 0) {
		sid_bytes(value, &raw);
		assert_true(dir_entry_add(e, name, buf_view(&raw), &err));
		buf_free(&raw);
	} else {
		assert_true(dir_entry_add(e, name, view_str(value), &err));
	}
}

static void
add(const char *dn, const char *class, const char *const *pairs)
{
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err));
	put(&e, "objectClass", class);
	for (; pairs[0] != NULL; pairs += 2)
		put(&e, pairs[0], pairs[1]);
	dir_entries_take(&tree.all, &e);
	texts_add(&tree.selected, dn);
}

/* In the order of their DNs, which `selected` has. */
#define PERSON(name, ...) \
	add("uid=" name "," ROOT, "inetOrgPerson", (const char *const[]){"uid", name, __VA_ARGS__})
#define GROUP(name, ...) \
	add("cn=" name "," ROOT, "posixGroup", (const char *const[]){__VA_ARGS__, NULL, NULL})

static void
decide(bool from_ids, enum adoption_upn upn)
{
	struct err err;

	adoption_free(&made);
	if (!adoption_plan(
		&tree, &(struct adoption_options){.from_ids = from_ids, .upn = upn}, &made, &err))
		fail_msg("%s", err.msg);
}

/* What the plan adds to the entry; NULL: nothing. */
static const struct dir_attr *
added(const char *dn, const char *name)
{
	for (size_t i = 0; i < made.plan.count; i++) {
		const struct ldif_record *r = &made.plan.list[i];

		assert_int_equal(r->kind, LDIF_MODIFY);
		for (size_t k = 0; strcmp(r->entry.dn, dn) == 0 && k < r->mod_count; k++)
			if (strcmp(r->mods[k].attr.name, name) == 0 && r->mods[k].op == LDIF_OP_ADD)
				return &r->mods[k].attr;
	}
	return NULL;
}

static void
gets(const char *dn, const char *name, const char *value)
{
	const struct dir_attr *a = added(dn, name);

	if (value == NULL) {
		if (a != NULL)
			fail_msg("%s gets %s", dn, name);
		return;
	}
	if (a == NULL)
		fail_msg("%s gets no %s", dn, name);
	assert_int_equal(a->count, 1);
	if (strcmp(name, "objectSid") == 0) {
		char text[SID_TEXT_MAX];
		struct err err;
		struct sid sid;

		assert_true(sid_decode(buf_view(&a->values[0]), &sid, &err));
		sid_to_text(&sid, text);
		assert_string_equal(text, value);
	} else if (!view_eq(buf_view(&a->values[0]), view_str(value))) {
		fail_msg("%s gets %s %.*s", dn, name, (int)a->values[0].len,
		    (const char *)a->values[0].ptr);
	}
}

/* Somebody is refused, by both names. */
static void
refused(const char *dn, const char *a, const char *b)
{
	for (size_t i = 0; i < made.refused.count; i++) {
		const char *text = made.refused.list[i];

		if (strncmp(text, dn, strlen(dn)) == 0 && strstr(text, a) != NULL &&
		    strstr(text, b) != NULL)
			return;
	}
	for (size_t i = 0; i < made.refused.count; i++)
		fprintf(stderr, "%s\n", made.refused.list[i]);
	fail_msg("%s is not refused for %s and %s", dn, a, b);
}

static int
begin(void **state)
{
	struct err err;

	(void)state;
	tree = (struct adoption_tree){.dns = "acme.example", .new_domain = &new_domain};
	assert_true(sid_from_text(DOMAIN, &new_domain));
	assert_true(dir_entry_init(&tree.domain, ROOT, &err));
	put(&tree.domain, "objectClass", "organization");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	adoption_free(&made);
	dir_entry_free(&tree.domain);
	dir_entries_free(&tree.all);
	texts_free(&tree.selected);
	return 0;
}

static void
sids_are_counted_up_and_the_counter_is_kept(void **state)
{
	(void)state;
	GROUP("staff", "gidNumber", "100");
	PERSON("alice", "uidNumber", "1000", NULL);
	PERSON("bert", NULL);
	decide(false, ADOPTION_UPN_UID);
	gets(ROOT, "objectSid", DOMAIN);
	gets(ROOT, "objectClass", "samDomainBase");
	gets(ROOT, "nextRid", "1103");
	gets("cn=staff," ROOT, "objectSid", DOMAIN "-1100");
	gets("cn=staff," ROOT, "userPrincipalName", NULL);
	gets("uid=alice," ROOT, "objectSid", DOMAIN "-1101");
	gets("uid=alice," ROOT, "objectClass", "securityPrincipal");
	gets("uid=alice," ROOT, "userPrincipalName", "alice@acme.example");
	gets("uid=bert," ROOT, "objectSid", DOMAIN "-1102");
	assert_int_equal(made.refused.count, 0);
	assert_int_equal(made.people, 2);
	assert_int_equal(made.groups, 1);
	assert_int_equal(made.changes, 3);
	/* The domain, with the counter, is the first record. */
	assert_string_equal(made.plan.list[0].entry.dn, ROOT);
}

static void
what_is_there_is_not_changed(void **state)
{
	(void)state;
	put(&tree.domain, "objectSid", "S-1-5-21-7-8-9");
	put(&tree.domain, "nextRid", "1101");
	PERSON("alice", "objectSid", "S-1-5-21-7-8-9-1102", "userPrincipalName", "ali@x.example",
	    NULL);
	PERSON("bert", "objectSid", "garbage", NULL);
	PERSON("carol", NULL);
	PERSON("dora", "objectSid", "S-1-5-21-7-8-9-1105", NULL);
	decide(false, ADOPTION_UPN_UID);
	gets("uid=alice," ROOT, "objectSid", NULL);
	gets("uid=alice," ROOT, "userPrincipalName", NULL);
	gets("uid=bert," ROOT, "objectSid", NULL);
	gets("uid=bert," ROOT, "userPrincipalName", NULL);
	refused("uid=bert," ROOT, "left as it is", "objectSid");
	gets("uid=carol," ROOT, "objectSid", "S-1-5-21-7-8-9-1101");
	gets("uid=dora," ROOT, "objectSid", NULL);
	gets("uid=dora," ROOT, "userPrincipalName", "dora@acme.example");
	/* The counter by its old value: whoever was faster makes the server refuse it. */
	assert_string_equal(made.plan.list[0].mods[1].attr.name, "nextRid");
	assert_int_equal(made.plan.list[0].mods[1].op, LDIF_OP_DELETE);
	assert_int_equal(made.plan.list[0].mods[1].attr.count, 1);
	gets(ROOT, "nextRid", "1102");
	gets(ROOT, "objectSid", NULL);
}

/* A SID that was given once is never given again, whoever is gone. */
static void
the_counter_never_goes_back(void **state)
{
	struct err err;

	(void)state;
	put(&tree.domain, "objectSid", DOMAIN);
	put(&tree.domain, "nextRid", "1200");
	PERSON("alice", NULL);
	decide(false, ADOPTION_UPN_NONE);
	gets("uid=alice," ROOT, "objectSid", DOMAIN "-1200");
	gets(ROOT, "nextRid", "1201");
	gets("uid=alice," ROOT, "userPrincipalName", NULL);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"999", "4294967296", "12x"};
		struct view value = view_str(bad[i]);

		assert_true(dir_entry_set(&tree.domain, "nextRid", &value, 1, &err));
		adoption_free(&made);
		assert_false(adoption_plan(&tree, &(struct adoption_options){0}, &made, &err));
		assert_non_null(strstr(err.msg, "nextRid"));
	}
}

static void
a_taken_rid_is_passed_over(void **state)
{
	(void)state;
	put(&tree.domain, "objectSid", DOMAIN);
	PERSON("alice", NULL);
	PERSON("bert", "objectSid", DOMAIN "-1100", NULL);
	PERSON("carol", "objectSid", "S-1-5-21-9-9-9-1101", NULL); /* of another domain */
	decide(false, ADOPTION_UPN_NONE);
	gets("uid=alice," ROOT, "objectSid", DOMAIN "-1101");
}

static void
sids_are_made_of_numbers_as_samba_makes_them(void **state)
{
	(void)state;
	GROUP("staff", "gidNumber", "1000");
	PERSON("alice", "uidNumber", "1000", NULL);
	PERSON("bert", NULL);
	decide(true, ADOPTION_UPN_NONE);
	gets("cn=staff," ROOT, "objectSid", DOMAIN "-3001");
	gets("uid=alice," ROOT, "objectSid", DOMAIN "-3000");
	gets("uid=bert," ROOT, "objectSid", DOMAIN "-4026531840"); /* no number: counted */
	gets(ROOT, "nextRid", "4026531841");
}

static void
numbers_that_clash_are_refused_by_name(void **state)
{
	(void)state;
	put(&tree.domain, "objectSid", DOMAIN);
	PERSON("alice", "uidNumber", "1000", NULL);
	PERSON("bert", "uidNumber", "1000", NULL);
	PERSON("carol", "uidNumber", "2000", NULL);
	PERSON("dora", "objectSid", DOMAIN "-5000", NULL);
	PERSON("emil", "uidNumber", "4000000000", NULL);
	PERSON("fred", "uidNumber", "-1", NULL);
	PERSON("gina", "uidNumber", "3000", NULL);
	decide(true, ADOPTION_UPN_NONE);
	gets("uid=alice," ROOT, "objectSid", NULL);
	gets("uid=bert," ROOT, "objectSid", NULL);
	refused("uid=alice," ROOT, "uidNumber is that of", "uid=bert,");
	refused("uid=bert," ROOT, "uidNumber is that of", "uid=alice,");
	gets("uid=carol," ROOT, "objectSid", NULL);
	refused("uid=carol," ROOT, "the SID that", "uid=dora,");
	refused("uid=emil," ROOT, "4000000000", "too large");
	refused("uid=fred," ROOT, "-1", "too large");
	gets("uid=gina," ROOT, "objectSid", DOMAIN "-7000");
	assert_int_equal(made.refused.count, 5);
}

static void
two_with_one_mail_are_refused_by_name(void **state)
{
	(void)state;
	PERSON("alice", "mail", "a@acme.example", NULL);
	PERSON("bert", "mail", "A@ACME.example", NULL);
	PERSON("carol", "mail", "carol@other.example", NULL);
	PERSON("dora", NULL);
	PERSON("emil", "mail", "fred@acme.example", NULL); /* what fred signs in by */
	PERSON("fred", "mail", "f@acme.example", NULL);
	PERSON("gina", "mail", "x@y", "mail", "z@y", NULL);
	PERSON("hugo", "mail", "no mail at all", NULL);
	decide(false, ADOPTION_UPN_MAIL);
	gets("uid=alice," ROOT, "userPrincipalName", NULL);
	gets("uid=bert," ROOT, "userPrincipalName", NULL);
	refused("uid=alice," ROOT, "a@acme.example", "uid=bert,");
	refused("uid=bert," ROOT, "A@ACME.example", "uid=alice,");
	gets("uid=alice," ROOT, "objectSid", DOMAIN "-1100"); /* all the same */
	gets("uid=carol," ROOT, "userPrincipalName", "carol@other.example");
	refused("uid=dora," ROOT, "userPrincipalName", "no mail");
	refused("uid=emil," ROOT, "fred@acme.example", "uid=fred,");
	gets("uid=fred," ROOT, "userPrincipalName", "f@acme.example");
	refused("uid=gina," ROOT, "mail", "several values");
	refused("uid=hugo," ROOT, "no mail at all", "cannot be one");
}

static void
two_with_one_uid_are_refused_by_name(void **state)
{
	(void)state;
	PERSON("alice", NULL);
	add("uid=alice,ou=x," ROOT, "inetOrgPerson", (const char *const[]){"uid", "ALICE", NULL});
	PERSON("carol", "uid", "carla", NULL);
	add("uid=dora,ou=x," ROOT, "inetOrgPerson", (const char *const[]){"uid", "dora", NULL});
	/* Not one of those who are adopted, but there. */
	add("uid=z,ou=y," ROOT, "inetOrgPerson",
	    (const char *const[]){"uid", "z", "userPrincipalName", "dora@acme.example", NULL});
	free(tree.selected.list[--tree.selected.count]);
	decide(false, ADOPTION_UPN_UID);
	refused("uid=alice," ROOT, "alice@acme.example", "uid=alice,ou=x");
	refused("uid=alice,ou=x", "ALICE@acme.example", "uid=alice," ROOT);
	refused("uid=dora,ou=x", "dora@acme.example", "uid=z,ou=y");
	gets("uid=carol," ROOT, "userPrincipalName", "carol@acme.example");
	gets("uid=z,ou=y," ROOT, "objectSid", NULL);
}

static void
whoever_has_no_account_name_is_passed_over(void **state)
{
	(void)state;
	add("cn=Contact," ROOT, "inetOrgPerson",
	    (const char *const[]){"mail", "c@x.example", NULL});
	add("cn=ws1," ROOT, "computer", (const char *const[]){NULL});
	PERSON("mail@acme.example", NULL);
	PERSON("with blank", NULL);
	decide(false, ADOPTION_UPN_UID);
	gets("cn=Contact," ROOT, "objectSid", NULL);
	gets("cn=ws1," ROOT, "objectSid", DOMAIN "-1100");
	gets("uid=mail@acme.example," ROOT, "userPrincipalName", "mail@acme.example");
	refused("uid=with blank," ROOT, "with blank@acme.example", "cannot be one");
	/* A suffix that is no DNS name. */
	tree.dns = NULL;
	decide(false, ADOPTION_UPN_UID);
	refused("uid=with blank," ROOT, "no DNS name", "--upn mail");
	gets("uid=mail@acme.example," ROOT, "userPrincipalName", "mail@acme.example");
}

/* Puts the plan's additions into the tree. */
static void
apply(void)
{
	struct err err;

	for (size_t i = 0; i < made.plan.count; i++) {
		const struct ldif_record *r = &made.plan.list[i];
		struct dir_entry *e = &tree.domain;

		for (size_t k = 0; k < tree.all.count; k++)
			if (strcmp(tree.all.list[k].dn, r->entry.dn) == 0)
				e = &tree.all.list[k];
		for (size_t k = 0; k < r->mod_count; k++) {
			const struct dir_attr *a = &r->mods[k].attr;

			if (r->mods[k].op == LDIF_OP_DELETE)
				assert_true(dir_entry_set(e, a->name, NULL, 0, &err));
			for (size_t n = 0; r->mods[k].op == LDIF_OP_ADD && n < a->count; n++)
				assert_true(
				    dir_entry_add(e, a->name, buf_view(&a->values[n]), &err));
		}
	}
}

static void
done_again_it_changes_nothing(void **state)
{
	(void)state;
	GROUP("staff", "gidNumber", "1000");
	PERSON("alice", "uidNumber", "1000", NULL);
	PERSON("bert", NULL);
	for (int from_ids = 0; from_ids < 2; from_ids++) {
		decide(from_ids == 1, ADOPTION_UPN_UID);
		apply();
		decide(from_ids == 1, ADOPTION_UPN_UID);
		assert_int_equal(made.plan.count, 0);
		assert_int_equal(made.changes, 0);
		assert_int_equal(made.people, 2);
	}
	/* Somebody new goes on where the counter stands. */
	PERSON("carol", NULL);
	decide(false, ADOPTION_UPN_UID);
	gets("uid=carol," ROOT, "objectSid", DOMAIN "-1103");
	assert_int_equal(made.changes, 1);
}

#define GIVEN "S-1-5-21-4-5-6" /* not the new one that would be drawn */

/* Those of FreeIPA, and the domain's with them. Who has none is counted where FreeIPA gives none.
 */
static void
sids_of_freeipa_stay(void **state)
{
	(void)state;
	GROUP("staff", "ipaNTSecurityIdentifier", GIVEN "-1201");
	GROUP("unnumbered", "gidNumber", "100");
	PERSON("anna", "ipaNTSecurityIdentifier", GIVEN "-1004", "uidNumber", "10004", NULL);
	PERSON("bad", "ipaNTSecurityIdentifier", "S-1-x", NULL);
	PERSON("both", "ipaNTSecurityIdentifier", GIVEN "-1005", "objectSid", GIVEN "-1006", NULL);
	PERSON("twin", "ipaNTSecurityIdentifier", GIVEN "-1006", NULL);
	decide(false, ADOPTION_UPN_UID);
	gets(ROOT, "objectSid", GIVEN);
	gets("cn=staff," ROOT, "objectSid", GIVEN "-1201");
	gets("cn=unnumbered," ROOT, "objectSid", GIVEN "-4026531840");
	gets("uid=anna," ROOT, "objectSid", GIVEN "-1004");
	gets("uid=anna," ROOT, "userPrincipalName", "anna@acme.example");
	gets("uid=bad," ROOT, "objectSid", NULL);
	refused("uid=bad," ROOT, "no SID", "ipaNTSecurityIdentifier");
	gets("uid=both," ROOT, "objectSid", NULL);
	gets("uid=twin," ROOT, "objectSid", NULL);
	refused("uid=twin," ROOT, "no SID", "uid=both," ROOT);
	/* --from-ids is for those alone who have none. */
	decide(true, ADOPTION_UPN_UID);
	gets("uid=anna," ROOT, "objectSid", GIVEN "-1004");
}

static void
sids_of_freeipa_are_of_one_domain(void **state)
{
	struct err err;

	(void)state;
	PERSON("anna", "ipaNTSecurityIdentifier", DOMAIN "-1004", NULL);
	PERSON("bert", "ipaNTSecurityIdentifier", "S-1-5-21-1-2-4-1005", NULL);
	adoption_free(&made);
	assert_false(adoption_plan(&tree, &(struct adoption_options){0}, &made, &err));
	assert_non_null(strstr(err.msg, "uid=anna," ROOT));
	assert_non_null(strstr(err.msg, "uid=bert," ROOT));
	put(&tree.domain, "objectSid", DOMAIN);
	decide(false, ADOPTION_UPN_UID);
	gets("uid=anna," ROOT, "objectSid", DOMAIN "-1004");
	gets("uid=bert," ROOT, "objectSid", NULL);
	refused("uid=bert," ROOT, "no SID", "of another domain");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(sids_are_counted_up_and_the_counter_is_kept),
	    TEST(what_is_there_is_not_changed),
	    TEST(the_counter_never_goes_back),
	    TEST(a_taken_rid_is_passed_over),
	    TEST(sids_are_made_of_numbers_as_samba_makes_them),
	    TEST(numbers_that_clash_are_refused_by_name),
	    TEST(two_with_one_mail_are_refused_by_name),
	    TEST(two_with_one_uid_are_refused_by_name),
	    TEST(whoever_has_no_account_name_is_passed_over),
	    TEST(done_again_it_changes_nothing),
	    TEST(sids_of_freeipa_stay),
	    TEST(sids_of_freeipa_are_of_one_domain),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
