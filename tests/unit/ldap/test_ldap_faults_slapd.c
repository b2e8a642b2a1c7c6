/*
 * libldap fails, at the first of its calls, the second ...: connecting, searching and writing say
 * so, and a connection whose server may be gone is not used again.
 */
#include <ldap.h>

#include "slapd_lab.h"

#include "faults.h"

#define FAULTY(name, parameters, arguments)                                         \
	int __real_##name parameters;                                               \
	int __wrap_##name parameters;                                               \
	int __wrap_##name parameters                                                \
	{                                                                           \
		return fault_is_due() ? LDAP_SERVER_DOWN : __real_##name arguments; \
	}

FAULTY(ldap_initialize, (LDAP * *ld, const char *uri), (ld, uri))
FAULTY(ldap_set_option, (LDAP * ld, int option, const void *value), (ld, option, value))
FAULTY(ldap_connect, (LDAP * ld), (ld))
FAULTY(ldap_sasl_bind_s,
    (LDAP * ld, const char *dn, const char *mech, struct berval *cred, LDAPControl **server,
	LDAPControl **client, struct berval **answer),
    (ld, dn, mech, cred, server, client, answer))
FAULTY(ldap_search_ext,
    (LDAP * ld, const char *base, int scope, const char *filter, char **attrs, int attrsonly,
	LDAPControl **server, LDAPControl **client, struct timeval *timeout, int size, int *id),
    (ld, base, scope, filter, attrs, attrsonly, server, client, timeout, size, id))
FAULTY(ldap_search_ext_s,
    (LDAP * ld, const char *base, int scope, const char *filter, char **attrs, int attrsonly,
	LDAPControl **server, LDAPControl **client, struct timeval *timeout, int size,
	LDAPMessage **answer),
    (ld, base, scope, filter, attrs, attrsonly, server, client, timeout, size, answer))
FAULTY(ldap_add_ext_s,
    (LDAP * ld, const char *dn, LDAPMod **mods, LDAPControl **server, LDAPControl **client),
    (ld, dn, mods, server, client))
FAULTY(ldap_modify_ext_s,
    (LDAP * ld, const char *dn, LDAPMod **mods, LDAPControl **server, LDAPControl **client),
    (ld, dn, mods, server, client))
FAULTY(ldap_delete_ext_s, (LDAP * ld, const char *dn, LDAPControl **server, LDAPControl **client),
    (ld, dn, server, client))
FAULTY(ldap_create_page_control,
    (LDAP * ld, ber_int_t size, struct berval *cookie, int critical, LDAPControl **out),
    (ld, size, cookie, critical, out))
FAULTY(ldap_parse_pageresponse_control,
    (LDAP * ld, LDAPControl *control, ber_int_t *size, struct berval *cookie),
    (ld, control, size, cookie))

static struct dir_config config;
static struct dir_conn *conn;

#define DN "CN=faulty," USERS_DN

static bool
connect_and_search(void *arg, struct err *err)
{
	struct dir_entries found = {0};
	struct dir_conn *c = NULL;
	bool ok = dir_connect(&config, &c, err) &&
		  dir_search(c,
		      &(struct dir_query){
			  .base = PKS_DN, .scope = DIR_SUBTREE, .filter = "(objectClass=*)"},
		      &found, err);

	(void)arg;
	assert_int_equal(found.count > 0, ok);
	dir_entries_free(&found);
	dir_disconnect(&c);
	return ok;
}

static void
a_search_gives_all_entries_or_a_reason(void **state)
{
	(void)state;
	assert_true(fault_each(connect_and_search, NULL) > 5);
}

static bool
add_change_delete(void *arg, struct err *err)
{
	const struct view text = view_str("changed");
	struct dir_entry e = {0};
	struct dir_conn *c;
	struct err ignored;
	int due = fault_at;
	bool ok;

	(void)arg;
	fault_at = 0;
	assert_true(dir_connect(&config, &c, &ignored));
	assert_true(dir_entry_init(&e, DN, &ignored));
	assert_true(dir_entry_add(&e, "objectClass", view_str("groupOfNames"), &ignored) &&
		    dir_entry_add(&e, "cn", view_str("faulty"), &ignored) &&
		    dir_entry_add(&e, "member", view_str(DN), &ignored));
	fault_at = due;
	ok = dir_add(c, &e, err) && dir_replace(c, DN, "description", &text, 1, err) &&
	     dir_delete(c, DN, err);
	due = fault_at;
	fault_at = 0;
	if (!ok) {
		assert_true(dir_conn_is_broken(c));
		(void)dir_delete(conn, DN, &ignored);
	}
	fault_at = due;
	dir_entry_free(&e);
	dir_disconnect(&c);
	return ok;
}

static void
a_write_is_done_or_a_reason_is_told(void **state)
{
	(void)state;
	assert_true(fault_each(add_change_delete, NULL) >= 3);
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
	    cmocka_unit_test(a_search_gives_all_entries_or_a_reason),
	    cmocka_unit_test(a_write_is_done_or_a_reason_is_told),
	};

	return cmocka_run_group_tests(tests, start, end);
}
