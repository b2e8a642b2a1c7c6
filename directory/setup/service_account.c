/* What dircad's account may do, as OpenLDAP is told it. */
#include "service_account_priv.h"

#include <stdlib.h>
#include <string.h>

#include "dir_change.h"
#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "setup_priv.h"
#include "text.h"

/* ---- OpenLDAP: cn=config ---- */

struct database {
	const struct dir_entry *e; /* of cn=config */
	struct dir_entry more;     /* what is added to it */
	size_t rules;              /* how many go before its own */
};

struct server {
	struct dir_conn *tree, *config;
	const char *dn; /* of the account */
	struct dir_entries databases;
	struct dir_entry subschema;
	struct ldif *out;
};

/* The database that holds the entry: the one of the longest suffix. */
static const struct dir_entry *
database_of(const struct server *s, const char *dn)
{
	const struct dir_entry *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < s->databases.count; i++) {
		const struct dir_attr *suffix = dir_entry_attr(&s->databases.list[i], "olcSuffix");

		for (size_t k = 0; suffix != NULL && k < suffix->count; k++) {
			OWNED(own_memory)
			char *text = mem_text_n(suffix->values[k].ptr, suffix->values[k].len);
			size_t depth = dir_dn_depth(text);

			if (depth > most && dir_dn_is_under(dn, text)) {
				best = &s->databases.list[i];
				most = depth;
			}
		}
	}
	return best;
}

/* A rule as slapd shows it, so that two can be compared: without its number, blanks and case. */
static char *
plain_rule(const char *rule)
{
	const char *brace = *rule == '{' ? strchr(rule, '}') : NULL;
	char *out = text_fold(brace != NULL ? brace + 1 : rule), *to = out;

	for (const char *p = out; *p != '\0'; p++)
		if (strchr(" \t\r\n", *p) == NULL)
			*to++ = *p;
	*to = '\0';
	return out;
}

static bool
has_rule(const struct dir_entry *db, const char *attr, const char *rule)
{
	const struct dir_attr *a = dir_entry_attr(db, attr);
	OWNED(own_memory) char *wanted = plain_rule(rule);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = mem_text_n(a->values[i].ptr, a->values[i].len);
		OWNED(own_memory) char *plain = plain_rule(text);

		if (strcmp(plain, wanted) == 0)
			return true;
	}
	return false;
}

/* Before the database's own rules, and after those that were added before. */
static bool
add_rule(struct database *db, const char *rule, struct err *err)
{
	OWNED(own_memory) char *numbered = NULL;

	if (has_rule(db->e, "olcAccess", rule))
		return true;
	numbered = text_printf("{%zu}%s", db->rules++, rule);
	return dir_entry_add(&db->more, "olcAccess", view_str(numbered), err);
}

/* Some value has the word in it. */
static bool
has_word(const struct dir_entry *e, const char *attr, const char *word)
{
	const struct dir_attr *a = dir_entry_attr(e, attr);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = mem_text_n(a->values[i].ptr, a->values[i].len);

		if (strcasestr(text, word) != NULL)
			return true;
	}
	return false;
}

/* The configuration: templates and CAs, and which domains there are. */
static bool
add_pki_rules(const struct server *s, struct database *db, const char *services, struct err *err)
{
	static const char *const written[] = {"CDP", "KRA"};
	OWNED(own_memory) char *partitions = service_account_partitions(s->tree);
	OWNED(own_memory)
	char *read =
	    text_printf("to dn.subtree=\"%s\" by dn.base=\"%s\" read by * break", services, s->dn);
	OWNED(own_memory)
	char *domains = text_printf(
	    "to dn.subtree=\"%s\" by dn.base=\"%s\" read by * break", partitions, s->dn);

	for (size_t i = 0; i < COUNT_OF(written); i++) {
		OWNED(own_memory) char *dn = pki_child_dn(written[i], services);
		OWNED(own_memory)
		char *write = text_printf(
		    "to dn.subtree=\"%s\" by dn.base=\"%s\" write by * break", dn, s->dn);

		if (!add_rule(db, write, err))
			return false;
	}
	return add_rule(db, read, err) && add_rule(db, domains, err);
}

/* authPassword is a verifier that a password can be guessed by, and a rule for everybody shows it.
 */
static bool
add_people_rules(const struct server *s, struct database *db, struct err *err)
{
	OWNED(own_memory) char *attributes = service_account_reads(&s->subschema, ",");
	OWNED(own_memory)
	char *hide = text_printf(
	    "to attrs=authPassword by dn.base=\"%s\" read by anonymous auth by * none", s->dn);
	OWNED(own_memory)
	char *write =
	    text_printf("to attrs=userCertificate by dn.base=\"%s\" write by * break", s->dn);
	OWNED(own_memory)
	char *read =
	    text_printf("to attrs=entry,%s by dn.base=\"%s\" read by * break", attributes, s->dn);

	return (has_word(db->e, "olcAccess", "authPassword") || add_rule(db, hide, err)) &&
	       add_rule(db, write, err) && add_rule(db, read, err);
}

/* "cn,uid eq" */
static bool
is_indexed(const struct dir_entry *db, const char *attr)
{
	const struct dir_attr *a = dir_entry_attr(db, "olcDbIndex");
	size_t len = strlen(attr);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = mem_text_n(a->values[i].ptr, a->values[i].len);

		text[strcspn(text, " \t")] = '\0';
		for (const char *p = text; *p != '\0'; p += strcspn(p, ","), p += *p == ',')
			if (strcspn(p, ",") == len && strncasecmp(p, attr, len) == 0)
				return true;
	}
	return false;
}

/* entryUUID and entryCSN are what syncprov needs. */
static bool
add_indexes(const struct server *s, struct database *db, struct err *err)
{
	OWNED(texts_free) struct texts wanted = {0};

	texts_add(&wanted, "entryUUID");
	texts_add(&wanted, "entryCSN");
	service_account_searches(&s->subschema, &wanted);
	for (size_t i = 0; i < wanted.count; i++) {
		OWNED(own_memory) char *value = text_printf("%s eq", wanted.list[i]);

		if (!is_indexed(db->e, wanted.list[i]) &&
		    !dir_entry_add(&db->more, "olcDbIndex", view_str(value), err))
			return false;
	}
	return true;
}

/* A CRL container or the groups may be more than what others get at once. */
static bool
add_limits(const struct server *s, struct database *db, struct err *err)
{
	OWNED(own_memory) char *limits = text_printf("dn.exact=\"%s\" size=unlimited", s->dn);
	OWNED(own_memory) char *first = text_printf("{0}%s", limits);

	return has_rule(db->e, "olcLimits", limits) ||
	       dir_entry_add(&db->more, "olcLimits", view_str(first), err);
}

/* "self write" of "by self write by * read": what `who` may begins with write or manage, or names
 * w.
 */
static bool
lets_write(const char *rule, const char *who)
{
	for (const char *at = rule; (at = strstr(at, who)) != NULL; at++) {
		const char *may = at + strlen(who);
		size_t len;

		may += strspn(may, " \t");
		len = strcspn(may, " \t");
		if (strncmp(may, "write", 5) == 0 || strncmp(may, "manage", 6) == 0 ||
		    ((*may == '=' || *may == '+') && memchr(may, 'w', len) != NULL))
			return true;
	}
	return false;
}

/* "to attrs=a,b by", or, without a list, all. `rule` is folded. */
static bool
openldap_covers(const void *rule, const char *attr)
{
	const char *attrs = strstr(rule, " attrs="), *by = strstr(rule, " by ");
	size_t len = strlen(attr);

	if (attrs == NULL || (by != NULL && by < attrs))
		return true;
	attrs += strlen(" attrs=");
	for (const char *p = attrs; *p != '\0' && *p != ' '; p += strcspn(p, ", "), p += *p == ',')
		if (strcspn(p, ", ") == len && strncasecmp(p, attr, len) == 0)
			return true;
	return false;
}

static void
warn_of_rules(const struct dir_entry *db, struct texts *out)
{
	static const char *const anybody[] = {
	    " by self ", " by users ", " by * ", " by anonymous "};
	const struct dir_attr *a = dir_entry_attr(db, "olcAccess");

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		OWNED(own_memory) char *text = mem_text_n(a->values[i].ptr, a->values[i].len);
		OWNED(own_memory) char *rule = text_fold(text);
		bool lets = false;

		for (size_t k = 0; k < COUNT_OF(anybody); k++)
			lets = lets || lets_write(rule, anybody[k]);
		if (lets)
			service_account_warn(db->dn, text, openldap_covers, rule, out);
	}
}

static bool
plan_database(const struct server *s, struct database *db, struct err *err)
{
	OWNED(dir_entry_free) struct dir_entry none = {0};
	bool ok = dir_entry_init(&none, db->e->dn, err) &&
		  plan_difference(s->out, &none, &db->more, (const char *const[]){NULL}, err);

	dir_entry_free(&db->more);
	return ok;
}

/* The module, by a list of modules that is there or a new one. */
static bool
plan_module(const struct server *s, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries lists = {0};
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_search(s->config,
		&(struct dir_query){.base = "cn=config",
		    .scope = DIR_ONE,
		    .filter = "(objectClass=olcModuleList)",
		    .attrs = (const char *const[]){"olcModuleLoad", NULL}},
		&lists, err))
		return false;
	for (size_t i = 0; i < lists.count; i++)
		if (has_word(&lists.list[i], "olcModuleLoad", "syncprov"))
			return true;
	if (lists.count > 0)
		return plan_modify(s->out, lists.list[0].dn, LDIF_OP_ADD, "olcModuleLoad",
		    view_str("syncprov"), err);
	return dir_entry_init(&e, "cn=module,cn=config", err) &&
	       dir_entry_add(&e, "objectClass", view_str("olcModuleList"), err) &&
	       dir_entry_add(&e, "cn", view_str("module"), err) &&
	       dir_entry_add(&e, "olcModuleLoad", view_str("syncprov"), err) &&
	       plan_add(s->out, &e, err);
}

/* By it the CA is told of changes (RFC 4533). */
static bool
plan_overlay(const struct server *s, const struct dir_entry *db, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *dn = text_printf("olcOverlay=syncprov,%s", db->dn);
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (!dir_search(s->config,
		&(struct dir_query){.base = db->dn,
		    .scope = DIR_ONE,
		    .filter = "(objectClass=olcSyncProvConfig)",
		    .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		&found, err))
		return false;
	return found.count > 0 ||
	       (plan_module(s, err) && dir_entry_init(&e, dn, err) &&
		   dir_entry_add(&e, "objectClass", view_str("olcOverlayConfig"), err) &&
		   dir_entry_add(&e, "objectClass", view_str("olcSyncProvConfig"), err) &&
		   dir_entry_add(&e, "olcOverlay", view_str("syncprov"), err) &&
		   plan_add(s->out, &e, err));
}

static bool
read_server(const struct setup_accounts *by, struct server *s, struct err *err)
{
	static const char *const attrs[] = {
	    "olcSuffix", "olcAccess", "olcDbIndex", "olcLimits", NULL};

	if (!setup_subschema(by->tree, &s->subschema, err) ||
	    !dir_search(s->config,
		&(struct dir_query){.base = "cn=config",
		    .scope = DIR_ONE,
		    .filter = "(objectClass=olcDatabaseConfig)",
		    .attrs = attrs},
		&s->databases, err))
		return false;
	if (!setup_defines(&s->subschema, "attributeTypes", "objectSid"))
		return err_set(err, DIRCA_E_DIRECTORY,
		    "%s has no schema for dirca yet: run `dirca directory init` first",
		    dir_conn_uri(by->tree));
	return s->databases.count > 0 ||
	       err_set(err, DIRCA_E_DIRECTORY,
		   "this account does not see cn=config of %s: run it as root on the server, with "
		   "-H ldapi:///",
		   dir_conn_uri(s->config));
}

static void
server_free(struct server *s)
{
	dir_entries_free(&s->databases);
	dir_entry_free(&s->subschema);
}

static bool
plan_openldap(
    const struct setup_accounts *by, const char *dn, struct service_account *out, struct err *err)
{
	OWNED(own_memory) char *services = pki_services_dn(by->tree);
	OWNED(server_free)
	struct server s = {.tree = by->tree, .config = by->config, .dn = dn, .out = &out->changes};
	struct database pki = {0}, people = {0};

	if (!read_server(by, &s, err))
		return false;
	pki.e = database_of(&s, services);
	people.e = database_of(&s, dir_conn_root(by->tree)->default_nc);
	if (pki.e == NULL || people.e == NULL)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "cn=config of %s shows no database that holds %s", dir_conn_uri(by->tree),
		    services);
	if (!plan_overlay(&s, pki.e, err) || !dir_entry_init(&pki.more, pki.e->dn, err) ||
	    !add_pki_rules(&s, &pki, services, err) || !add_limits(&s, &pki, err))
		return false;
	if (pki.e != people.e) {
		if (!plan_database(&s, &pki, err) ||
		    !dir_entry_init(&people.more, people.e->dn, err) ||
		    !add_limits(&s, &people, err))
			return false;
	} else {
		people = pki;
	}
	warn_of_rules(people.e, &out->warnings);
	return add_people_rules(&s, &people, err) && add_indexes(&s, &people, err) &&
	       plan_database(&s, &people, err);
}

bool
service_account_plan(
    const struct setup_accounts *by, const char *dn, struct service_account *out, struct err *err)
{
	static const char local[] = ",cn=auth";
	const char *special;
	size_t len = strlen(dn);
	bool there = false;

	*out = (struct service_account){0};
	if (dir_dn_depth(dn) == 0)
		return err_set(err, E_INVALIDARG, "'%s' is no DN", dn);
	/* What means something else than itself inside of a rule, to slapd and to 389. */
	special = dir_conn_root(by->tree)->is_389 ? "\"\\*?%$|()[]#;" : "\"\\";
	if (strpbrk(dn, special) != NULL)
		return err_set(err, E_INVALIDARG,
		    "%s: an access rule cannot name a DN with any of %s", dn, special);
	if (dir_conn_root(by->tree)->is_ad) {
		if (service_account_ad(by->tree, dn, out, err))
			return true;
		service_account_free(out);
		return false;
	}
	if (len > strlen(local) && text_eq_nocase(dn + len - strlen(local), local))
		there = true;
	else if (!setup_exists(by->tree, dn, &there, err))
		return false;
	if (!there)
		return err_set(err, ERROR_FILE_NOT_FOUND,
		    "there is no %s that %s shows: make the account first", dn,
		    dir_conn_uri(by->tree));
	if (dir_conn_root(by->tree)->is_389 ? service_account_389(by->tree, dn, out, err)
					    : plan_openldap(by, dn, out, err))
		return true;
	service_account_free(out);
	return false;
}

bool
service_account_apply(
    const struct setup_accounts *by, const struct service_account *s, struct err *err)
{
	if (dir_conn_root(by->tree)->is_389)
		return plan_run(by->tree, &s->changes, err) &&
		       service_account_389_wait(by->tree, &s->changes, err);
	return plan_run(dir_conn_root(by->tree)->is_ad ? by->tree : by->config, &s->changes, err);
}

/* "DOMAIN\\name", "name@REALM" or a name alone, as who signed in was called. NULL: nobody, or
 * several.
 */
static char *
dn_of_name(struct dir_conn *c, const char *text)
{
	const char *slash = strrchr(text, '\\'), *name = slash != NULL ? slash + 1 : text;
	OWNED(own_memory) char *account = mem_text_n(name, strcspn(name, "@"));
	OWNED(own_memory)
	char *filter = dir_filter("(|(userPrincipalName=%s)(sAMAccountName=%s))", name, account);
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct err ignored;

	return dir_search(c,
		   &(struct dir_query){.base = dir_conn_root(c)->default_nc,
		       .scope = DIR_SUBTREE,
		       .filter = filter,
		       .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
		   &found, &ignored) &&
		       found.count == 1
		   ? mem_text(found.list[0].dn)
		   : NULL;
}

char *
service_account_dn(struct dir_conn *c)
{
	OWNED(own_memory) char *authzid = NULL, *reader = dir_conn_reader(c);
	struct err ignored;

	/* Samba does not say who one is. */
	if (!dir_authzid(c, &authzid, &ignored) || *authzid == '\0')
		return dir_dn_depth(reader) > 0 ? own_give(&reader) : dn_of_name(c, reader);
	return strncasecmp(authzid, "dn:", 3) == 0 ? mem_text(authzid + 3)
						   : dn_of_name(c, authzid + strlen("u:"));
}

void
service_account_free(struct service_account *s)
{
	ldif_free(&s->changes);
	texts_free(&s->warnings);
	texts_free(&s->commands);
	*s = (struct service_account){0};
}
