/* What dircad's account may do, as 389 Directory Server is told it: values of aci in the tree. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dir_change.h"
#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "service_account_priv.h"
#include "text.h"

#define TASKS    "cn=index,cn=tasks,cn=config"
#define PAUSE_US 50000

struct server {
	struct dir_conn *c;
	const char *dn; /* of the account */
	struct dir_entry subschema;
	struct service_account *out;
};

static void
server_free(struct server *s)
{
	dir_entry_free(&s->subschema);
}

/* ---- Rules ---- */

static bool
read_entry(struct dir_conn *c, const char *dn, const char *const *attrs, struct dir_entries *out,
    struct err *err)
{
	return dir_search(c,
		   &(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		   out, err) &&
	       (out->count == 1 || err_set(err, DIRCA_E_DIRECTORY,
				       "%s does not show %s to this account", dir_conn_uri(c), dn));
}

/* Adds those of the values that `attr` of the entry does not have. Takes `values` over. */
static bool
plan_values(
    const struct server *s, const char *dn, const char *attr, struct texts *values, struct err *err)
{
	OWNED(texts_free) struct texts wanted = *values;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(dir_entry_free) struct dir_entry none = {0}, more = {0};

	*values = (struct texts){0};
	if (!read_entry(s->c, dn, (const char *const[]){attr, NULL}, &found, err) ||
	    !dir_entry_init(&none, dn, err) || !dir_entry_init(&more, dn, err))
		return false;
	for (size_t i = 0; i < wanted.count; i++)
		if (!dir_entry_has_value_nocase(&found.list[0], attr, wanted.list[i]) &&
		    !dir_entry_add(&more, attr, view_str(wanted.list[i]), err))
			return false;
	return plan_difference(&s->out->changes, &none, &more, (const char *const[]){NULL}, err);
}

/* A rule of the tree that the entry is the root of. */
static char *
rule(const struct server *s, const char *attrs, const char *name, const char *rights)
{
	return text_printf("(targetattr%s)(version 3.0; acl \"dirca: %s\"; %s userdn = "
			   "\"ldap:///%s\";)",
	    attrs, name, rights, s->dn);
}

/* Whoever may write a container may not pass that right on. */
static bool
plan_pki_rules(const struct server *s, struct err *err)
{
	static const char *const written[] = {"CDP", "KRA"};
	OWNED(own_memory) char *services = pki_services_dn(s->c);
	OWNED(own_memory) char *partitions = service_account_partitions(s->c);
	struct texts rules = {0};

	for (size_t i = 0; i < COUNT_OF(written); i++) {
		OWNED(own_memory) char *dn = pki_child_dn(written[i], services);

		texts_take(&rules, rule(s, " != \"aci\"", "publishes",
				       "allow (read, search, compare, write, add, delete)"));
		if (!plan_values(s, dn, "aci", &rules, err))
			return false;
	}
	texts_take(&rules,
	    rule(s, " != \"aci\"", "reads templates and CAs", "allow (read, search, compare)"));
	if (!plan_values(s, services, "aci", &rules, err))
		return false;
	texts_take(&rules,
	    rule(s, " != \"aci\"", "reads names of domains", "allow (read, search, compare)"));
	return plan_values(s, partitions, "aci", &rules, err);
}

static bool
plan_people_rules(const struct server *s, struct err *err)
{
	OWNED(own_memory) char *reads = service_account_reads(&s->subschema, " || ");
	OWNED(own_memory) char *read = text_printf(" = \"%s\"", reads);
	struct texts rules = {0};

	texts_take(
	    &rules, rule(s, read, "reads people and groups", "allow (read, search, compare)"));
	texts_take(
	    &rules, rule(s, " = \"userCertificate\"", "publishes certificates", "allow (write)"));
	texts_take(
	    &rules, rule(s, " = \"authPassword\"", "reads verifiers", "allow (read, search)"));
	return plan_values(s, dir_conn_root(s->c)->default_nc, "aci", &rules, err);
}

#define HIDES                                                                          \
	"(targetattr = \"authPassword\")(version 3.0; acl \"dirca: nobody else reads " \
	"verifiers\"; "                                                                \
	"deny (read, search, compare) "
#define ENDS ";)"

/* The denial as it is there, for this account or another one; NULL: it is not. */
static char *
denial_of(const struct dir_entry *suffix)
{
	const struct dir_attr *a = dir_entry_attr(suffix, "aci");

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = mem_text_n(a->values[i].ptr, a->values[i].len);
		size_t len = strlen(text);

		if (strncmp(text, HIDES, strlen(HIDES)) == 0 && len > strlen(ENDS) &&
		    strcmp(text + len - strlen(ENDS), ENDS) == 0)
			return own_give(&text);
	}
	return NULL;
}

/* A password can be guessed by authPassword, and a rule for everybody shows it. A denial goes
 * before all that is allowed, so there is one, with all accounts that it is not for. */
static bool
plan_denial(const struct server *s, struct err *err)
{
	const char *nc = dir_conn_root(s->c)->default_nc;
	OWNED(own_memory)
	char *mine = text_printf("userdn != \"ldap:///%s\"", s->dn), *fresh = NULL;
	OWNED(own_memory) char *old = NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(dir_entry_free) struct dir_entry before = {0}, after = {0};

	if (!read_entry(s->c, nc, (const char *const[]){"aci", NULL}, &found, err))
		return false;
	old = denial_of(&found.list[0]);
	if (old != NULL && strcasestr(old, mine) != NULL)
		return true;
	fresh = old == NULL
		    ? text_printf(HIDES "%s" ENDS, mine)
		    : text_printf("%.*s and %s" ENDS, (int)(strlen(old) - strlen(ENDS)), old, mine);
	return dir_entry_init(&before, nc, err) && dir_entry_init(&after, nc, err) &&
	       (old == NULL || dir_entry_add(&before, "aci", view_str(old), err)) &&
	       dir_entry_add(&after, "aci", view_str(fresh), err) &&
	       plan_difference(
		   &s->out->changes, &before, &after, (const char *const[]){"aci", NULL}, err);
}

/* A CRL container or the groups may be more than what others get at once. */
static bool
plan_limits(const struct server *s, struct err *err)
{
	static const char *const limits[] = {"nsSizeLimit", "nsLookThroughLimit",
	    "nsPagedSizeLimit", "nsPagedLookThroughLimit", NULL};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(dir_entry_free) struct dir_entry after = {0};

	if (!read_entry(s->c, s->dn, limits, &found, err) || !dir_entry_init(&after, s->dn, err))
		return false;
	for (size_t i = 0; limits[i] != NULL; i++)
		if (!dir_entry_add(&after, limits[i], view_str("-1"), err))
			return false;
	return plan_difference(
	    &s->out->changes, &found.list[0], &after, (const char *const[]){NULL}, err);
}

/* ---- Indexes ---- */

/* The database that holds people: the one of the longest suffix. */
static bool
find_backend(const struct server *s, char **dn_out, char **name_out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	size_t most = 0;

	*dn_out = *name_out = NULL;
	if (!dir_search(s->c,
		&(struct dir_query){.base = "cn=ldbm database,cn=plugins,cn=config",
		    .scope = DIR_ONE,
		    .filter = "(objectClass=nsBackendInstance)",
		    .attrs = (const char *const[]){"nsslapd-suffix", NULL}},
		&found, err))
		return false;
	for (size_t i = 0; i < found.count; i++) {
		OWNED(own_memory) char *suffix = NULL;
		struct err ignored;
		size_t depth;

		if (dir_entry_text(&found.list[i], "nsslapd-suffix", &suffix, &ignored) !=
		    DIR_GET_OK)
			continue;
		depth = dir_dn_depth(suffix);
		if (depth <= most || !dir_dn_is_under(dir_conn_root(s->c)->default_nc, suffix))
			continue;
		most = depth;
		free(*dn_out);
		free(*name_out);
		*dn_out = mem_text(found.list[i].dn);
		*name_out = dir_dn_first_value(found.list[i].dn);
	}
	return *name_out != NULL ||
	       err_set(err, DIRCA_E_DIRECTORY,
		   "this account does not see the databases in cn=config of %s: call as the "
		   "Directory Manager",
		   dir_conn_uri(s->c));
}

static bool
has_index(const struct dir_entries *there, const char *attr)
{
	for (size_t i = 0; i < there->count; i++) {
		OWNED(own_memory) char *name = dir_dn_first_value(there->list[i].dn);

		if (name != NULL && text_eq_nocase(name, attr))
			return true;
	}
	return false;
}

static bool
plan_index(const struct server *s, const char *above, const char *attr, struct err *err)
{
	OWNED(own_memory) char *dn = text_printf("cn=%s,%s", attr, above);
	OWNED(dir_entry_free) struct dir_entry e = {0};

	return dir_entry_init(&e, dn, err) &&
	       dir_entry_add(&e, "objectClass", view_str("nsIndex"), err) &&
	       dir_entry_add(&e, "cn", view_str(attr), err) &&
	       dir_entry_add(&e, "nsSystemIndex", view_str("false"), err) &&
	       dir_entry_add(&e, "nsIndexType", view_str("eq"), err) &&
	       plan_add(&s->out->changes, &e, err);
}

/* A new index is not used until the server has filled it. */
static bool
plan_filling(
    const struct server *s, const char *backend, const struct texts *attrs, struct err *err)
{
	OWNED(own_memory) char *cn = text_printf("dirca-%lld", (long long)clock_now());
	OWNED(own_memory) char *dn = text_printf("cn=%s," TASKS, cn);
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_entry_init(&e, dn, err) ||
	    !dir_entry_add(&e, "objectClass", view_str("extensibleObject"), err) ||
	    !dir_entry_add(&e, "cn", view_str(cn), err) ||
	    !dir_entry_add(&e, "nsInstance", view_str(backend), err))
		return false;
	for (size_t i = 0; i < attrs->count; i++)
		if (!dir_entry_add(&e, "nsIndexAttribute", view_str(attrs->list[i]), err))
			return false;
	return plan_add(&s->out->changes, &e, err);
}

static bool
plan_indexes(const struct server *s, struct err *err)
{
	OWNED(own_memory) char *backend = NULL, *name = NULL, *above = NULL;
	OWNED(dir_entries_free) struct dir_entries there = {0};
	OWNED(texts_free) struct texts wanted = {0}, lacking = {0};

	if (!find_backend(s, &backend, &name, err))
		return false;
	above = text_printf("cn=index,%s", backend);
	service_account_searches(&s->subschema, &wanted);
	if (!dir_search(s->c,
		&(struct dir_query){.base = above,
		    .scope = DIR_ONE,
		    .filter = "(&(objectClass=nsIndex)(nsIndexType=eq))",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&there, err))
		return false;
	for (size_t i = 0; i < wanted.count; i++)
		if (!has_index(&there, wanted.list[i])) {
			if (!plan_index(s, above, wanted.list[i], err))
				return false;
			texts_add(&lacking, wanted.list[i]);
		}
	return lacking.count == 0 || plan_filling(s, name, &lacking, err);
}

/* The server forgets a task some time after it ended. */
static bool
is_filled(struct dir_conn *c, const char *dn, bool *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	int32_t code = 0;
	enum dir_get got = DIR_GET_ABSENT;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"nsTaskExitCode", NULL}},
		&found, err))
		return false;
	if (found.count == 1 &&
	    (got = dir_entry_int32(&found.list[0], "nsTaskExitCode", &code, err)) == DIR_GET_FAILED)
		return false;
	*out = found.count == 0 || got == DIR_GET_OK;
	return code == 0 ||
	       err_set(err, DIRCA_E_DIRECTORY,
		   "%s could not fill the new indexes (task result %ld): its error log says why",
		   dir_conn_uri(c), (long)code);
}

bool
service_account_389_wait(struct dir_conn *c, const struct ldif *changes, struct err *err)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct ldif_record *r = &changes->list[i];
		bool filled = r->kind != LDIF_ADD || !dir_dn_is_under(r->entry.dn, TASKS);

		while (!filled) {
			usleep(PAUSE_US);
			if (!is_filled(c, r->entry.dn, &filled, err))
				return false;
		}
	}
	return true;
}

/* ---- Dangers ---- */

/* targetattr = "a || b", != "a", or none: of all. The rule is folded. */
static bool
aci_covers(const void *aci, const char *attr)
{
	const char *at = strstr(aci, "(targetattr"), *end;
	OWNED(own_memory) char *list = NULL;
	bool listed = false, negated;

	if (at == NULL || (at = strpbrk(at, "=!")) == NULL)
		return true;
	negated = *at == '!';
	if ((at = strchr(at, '"')) == NULL || (end = strchr(++at, '"')) == NULL)
		return true;
	list = mem_text_n(at, (size_t)(end - at));
	for (char *rest = list, *item; (item = strtok_r(rest, " |", &rest)) != NULL;)
		listed = listed || fnmatch(item, attr, FNM_CASEFOLD) == 0;
	return listed != negated;
}

/* "allow (read, write) userdn = "ldap:///self"": one clause, from behind its first word. */
static bool
clause_lets_write(const char *clause)
{
	static const char *const rights[] = {"write", "all", "selfwrite", "add"};
	static const char *const anybody[] = {
	    "ldap:///self", "ldap:///all", "ldap:///anyone", "#selfdn"};
	size_t len = strcspn(clause, ")"), whole = strcspn(clause, ";");
	OWNED(own_memory) char *given = mem_text_n(clause, len);
	OWNED(own_memory)
	char *who = mem_text_n(clause + len, whole > len ? whole - len : 0);
	bool writes = false, all = false;

	for (char *rest = given, *item; (item = strtok_r(rest, " ,(", &rest)) != NULL;)
		for (size_t i = 0; i < COUNT_OF(rights); i++)
			writes = writes || strcmp(item, rights[i]) == 0;
	for (size_t i = 0; i < COUNT_OF(anybody); i++)
		all = all || strstr(who, anybody[i]) != NULL;
	return writes && all;
}

static bool
aci_lets_write(const char *aci)
{
	for (const char *at = aci; (at = strstr(at, "allow")) != NULL;) {
		at += strlen("allow");
		if (clause_lets_write(at))
			return true;
	}
	return false;
}

static bool
warn_of_rules(const struct server *s, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(s->c,
		&(struct dir_query){.base = dir_conn_root(s->c)->default_nc,
		    .scope = DIR_SUBTREE,
		    .filter = "(aci=*)",
		    .attrs = (const char *const[]){"aci", NULL}},
		&found, err))
		return false;
	for (size_t i = 0; i < found.count; i++) {
		const struct dir_attr *a = dir_entry_attr(&found.list[i], "aci");

		for (size_t k = 0; a != NULL && k < a->count; k++) {
			OWNED(own_memory)
			char *text = mem_text_n(a->values[k].ptr, a->values[k].len);
			OWNED(own_memory) char *folded = text_fold(text);

			if (aci_lets_write(folded))
				service_account_warn(
				    found.list[i].dn, text, aci_covers, folded, &s->out->warnings);
		}
	}
	return true;
}

bool
service_account_389(
    struct dir_conn *c, const char *dn, struct service_account *out, struct err *err)
{
	OWNED(server_free) struct server s = {.c = c, .dn = dn, .out = out};

	if (!setup_subschema(c, &s.subschema, err))
		return false;
	if (!setup_defines(&s.subschema, "attributeTypes", "objectSid"))
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s has no schema for dirca yet: run `dirca directory init` first",
		    dir_conn_uri(c));
	return plan_pki_rules(&s, err) && plan_people_rules(&s, err) && plan_denial(&s, err) &&
	       plan_limits(&s, err) && plan_indexes(&s, err) && warn_of_rules(&s, err);
}
