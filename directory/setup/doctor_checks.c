/* What must be in the directory, and what this account must be able to see of it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor_priv.h"
#include "pki_priv.h"
#include "sd.h"
#include "sid.h"
#include "text.h"

/* ---- schema ---- */

/* Names that nothing works without, by the attribute of the subschema that defines them. */
static const struct {
	const char *defined_by, *name;
} schema_names[] = {
    {"objectClasses", "pKICertificateTemplate"},
    {"objectClasses", "pKIEnrollmentService"},
    {"objectClasses", "msPKI-PrivateKeyRecoveryAgent"},
    {"objectClasses", "msPKI-Enterprise-Oid"},
    {"objectClasses", "dircaAuthority"},
    {"attributeTypes", "dircaOfficerRights"},
    {"attributeTypes", "dircaCASecurity"},
    {"attributeTypes", "dircaServiceKeyHash"},
    {"attributeTypes", "msPKI-Enrollment-Servers"},
    {"attributeTypes", "msPKI-Private-Key-Flag"},
    {"attributeTypes", "msPKI-Cert-Template-OID"},
    {"attributeTypes", "msPKI-RA-Application-Policies"},
    {"attributeTypes", "pKIExpirationPeriod"},
    {"attributeTypes", "nTSecurityDescriptor"},
    {"attributeTypes", "objectSid"},
    {"attributeTypes", "sAMAccountName"},
    {"attributeTypes", "userPrincipalName"},
};

/* RFC 4512 4.1: names are quoted, whether there is one or a list. */
static bool
defines(const struct dir_entry *subschema, const char *attr, const char *name)
{
	const struct dir_attr *a = dir_entry_attr(subschema, attr);
	size_t len = strlen(name);

	for (size_t i = 0; a != NULL && i < a->count; i++) {
		const char *at = (const char *)a->values[i].ptr, *end = at + a->values[i].len;

		for (; (size_t)(end - at) >= len + 2 && (at = memchr(at, '\'', (size_t)(end - at)));
		     at++)
			if ((size_t)(end - at) >= len + 2 && at[len + 1] == '\'' &&
			    strncasecmp(at + 1, name, len) == 0)
				return true;
	}
	return false;
}

/* "a, b, c" */
static bool
add_name(char **list, const char *name, struct err *err)
{
	char *longer = *list == NULL ? strdup(name) : text_printf("%s, %s", *list, name);

	if (longer == NULL)
		return err_nomem(err);
	free(*list);
	*list = longer;
	return true;
}

static bool
judge_schema(struct exam *x, const struct dir_entry *subschema, struct err *err)
{
	char *lacking = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof schema_names / sizeof schema_names[0]; i++)
		ok = defines(subschema, schema_names[i].defined_by, schema_names[i].name) ||
		     add_name(&lacking, schema_names[i].name, err);
	if (ok && lacking == NULL)
		ok = doctor_note(x, DOCTOR_GOOD, "schema",
		    strdup("the schema has all classes and attributes"), NULL, err);
	else if (ok)
		ok = doctor_note(x, DOCTOR_MISSING, "schema",
		    text_printf("the schema lacks %s", lacking),
		    "run `dirca directory init` as who may change the schema", err);
	free(lacking);
	return ok;
}

static bool
read_text(struct dir_conn *c, const char *dn, const char *attr, char **out, struct err *err)
{
	struct dir_entries found;
	bool ok;

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){attr, NULL}},
		&found, err))
		return false;
	ok = found.count != 1 || dir_entry_text(&found.list[0], attr, out, err) != DIR_GET_FAILED;
	dir_entries_free(&found);
	return ok;
}

bool
doctor_schema(struct exam *x, struct err *err)
{
	static const char *const attrs[] = {"objectClasses", "attributeTypes", NULL};
	struct dir_entries found = {0};
	char *dn = NULL;
	struct err why;
	bool ok;

	err_set(&why, DIRCA_E_DIRECTORY, "no subschema is named or shown");
	if (read_text(x->c, "", "subschemaSubentry", &dn, &why) && dn != NULL &&
	    dir_search(x->c,
		&(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		&found, &why) &&
	    found.count == 1 && dir_entry_attr(&found.list[0], "attributeTypes") != NULL)
		ok = judge_schema(x, &found.list[0], err);
	else
		ok = doctor_note(x, DOCTOR_NOTE, "schema",
		    text_printf("the schema cannot be seen by this account: %s", why.msg), NULL,
		    err);
	dir_entries_free(&found);
	free(dn);
	return ok;
}

/* ---- the tree ---- */

static bool
exists(struct exam *x, const char *name, bool *out, struct err *err)
{
	char *dn = pki_child_dn(name, x->pki->services_dn);
	struct dir_entries found = {0};
	bool ok = dn == NULL ? err_nomem(err)
			     : dir_search(x->c,
				   &(struct dir_query){.base = dn,
				       .filter = "(objectClass=*)",
				       .attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
				   &found, err);

	*out = found.count == 1;
	dir_entries_free(&found);
	free(dn);
	return ok;
}

bool
doctor_containers(struct exam *x, struct err *err)
{
	static const char *const names[] = {"AIA", "CDP", "Certificate Templates",
	    "Certification Authorities", "Enrollment Services", "KRA", "OID"};
	char *lacking = NULL;
	bool ok = true, there;

	for (size_t i = 0; ok && i < sizeof names / sizeof names[0]; i++)
		ok = exists(x, names[i], &there, err) &&
		     (there || add_name(&lacking, names[i], err));
	if (ok && lacking == NULL)
		ok = doctor_note(
		    x, DOCTOR_GOOD, "containers", strdup("all containers are there"), NULL, err);
	else if (ok)
		ok = doctor_note(x, DOCTOR_MISSING, "containers",
		    text_printf(
			"below %s these are missing or hidden: %s", x->pki->services_dn, lacking),
		    "add them (class container) as in ldif/tree/10-configuration.ldif, or give "
		    "this "
		    "account the right to read them",
		    err);
	free(lacking);
	return ok;
}

/* Without its descriptor a template lets nobody enroll. */
static bool
is_judged(const struct dir_entry *template)
{
	struct sd sd = {0};
	struct view raw;
	struct err ignored;
	bool ok = dir_entry_bytes(template, "nTSecurityDescriptor", &raw, &ignored) == DIR_GET_OK &&
		  sd_decode(raw, &sd, &ignored);

	sd_free(&sd);
	return ok;
}

bool
doctor_templates(struct exam *x, struct err *err)
{
	const struct dir_entries *all = &x->pki->templates;
	const struct dir_entry *first = NULL;
	size_t unjudged = 0;

	for (size_t i = 0; i < all->count; i++)
		if (!is_judged(&all->list[i])) {
			first = first != NULL ? first : &all->list[i];
			unjudged++;
		}
	if (all->count == 0)
		return doctor_note(x, DOCTOR_MISSING, "templates",
		    strdup("there is no certificate template that this account can see"),
		    "run `dirca directory init --templates`, or give this account the right to "
		    "read "
		    "CN=Certificate Templates",
		    err);
	if (first != NULL)
		return doctor_note(x, DOCTOR_MISSING, "templates",
		    text_printf("of %zu templates %zu show no readable nTSecurityDescriptor, among "
				"them %s: nobody can enroll for those",
			all->count, unjudged, first->dn),
		    x->report->is_ad
			? "give this account Read Permissions on the templates"
			: "give this account read access to nTSecurityDescriptor, and each "
			  "template a descriptor",
		    err);
	return doctor_note(x, DOCTOR_GOOD, "templates",
	    text_printf("%zu templates, all with their security descriptors", all->count), NULL,
	    err);
}

bool
doctor_services(struct exam *x, struct err *err)
{
	struct pki_service *list = NULL;
	size_t count = 0;
	bool ok = pki_services(x->pki, &list, &count, err);

	pki_services_free(&list, count);
	if (!ok)
		return false;
	if (count == 0)
		return doctor_note(x, DOCTOR_MISSING, "services",
		    strdup("there is no enrollment service that a client could use"),
		    "run `dirca ca publish` on the CA's machine", err);
	return doctor_note(x, DOCTOR_GOOD, "services",
	    text_printf("%zu enrollment service%s", count, count == 1 ? "" : "s"), NULL, err);
}

/* ---- what this account may do ---- */

/* Guest is there in every domain, and nothing protects it more than an ordinary user. */
#define RID_GUEST 501

static bool
guest_of(struct exam *x, struct dir_entries *out, struct err *err)
{
	struct sid domain, guest;
	struct buf raw = {0};
	char *filter = NULL;
	struct view value;
	bool has_domain, ok = false;

	*out = (struct dir_entries){0};
	if (!pki_domain_sid(x->c, &has_domain, &domain, err))
		return false;
	/* Without a SID nobody is found. */
	if (!has_domain || !sid_with_rid(&domain, RID_GUEST, &guest))
		return true;
	if (!sid_encode(&guest, &raw, err))
		goto out;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	ok = dir_search(x->c,
	    &(struct dir_query){.base = x->report->default_nc,
		.scope = DIR_SUBTREE,
		.filter = filter,
		.attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
	    out, err);
out:
	free(filter);
	buf_free(&raw);
	return ok;
}

static bool
shows_token_groups(struct exam *x, const char *dn, bool *out, struct err *err)
{
	struct dir_entries found;

	if (!dir_search(x->c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"tokenGroups", NULL}},
		&found, err))
		return false;
	*out = found.count == 1 && dir_entry_attr(&found.list[0], "tokenGroups") != NULL;
	dir_entries_free(&found);
	return true;
}

static bool
judge_guest(struct exam *x, const char *dn, struct err *err)
{
	bool shown;

	if (!shows_token_groups(x, dn, &shown, err))
		return false;
	if (shown)
		return doctor_note(x, DOCTOR_GOOD, "groups",
		    strdup("this account may read tokenGroups of others"), NULL, err);
	return doctor_note(x, DOCTOR_MISSING, "groups",
	    text_printf("this account may not read tokenGroups of others (tried: %s)", dn),
	    "put it into the group Pre-Windows 2000 Compatible Access of the domain", err);
}

bool
doctor_groups(struct exam *x, struct err *err)
{
	struct dir_entries guest;
	bool ok;

	if (!x->report->is_ad)
		return doctor_note(x, DOCTOR_NOTE, "groups",
		    strdup("whether member, memberOf and objectSid are indexed cannot be seen from "
			   "here; without that, large directories are slow"),
		    NULL, err);
	if (!guest_of(x, &guest, err))
		return false;
	ok = guest.count == 1
		 ? judge_guest(x, guest.list[0].dn, err)
		 : doctor_note(x, DOCTOR_NOTE, "groups",
		       strdup("the account Guest cannot be seen, and so not whether this account "
			      "may read tokenGroups"),
		       NULL, err);
	dir_entries_free(&guest);
	return ok;
}

/* [MS-ADTS] 3.1.1.4.5.5: the classes of objects that the caller may make below this one. */
static bool
may_add_below(struct exam *x, const char *container, bool *out, struct err *err)
{
	char *dn = pki_child_dn(container, x->pki->services_dn);
	struct dir_entries found = {0};
	bool ok =
	    dn == NULL
		? err_nomem(err)
		: dir_search(x->c,
		      &(struct dir_query){.base = dn,
			  .filter = "(objectClass=*)",
			  .attrs = (const char *const[]){"allowedChildClassesEffective", NULL}},
		      &found, err);

	*out = found.count == 1 &&
	       dir_entry_attr(&found.list[0], "allowedChildClassesEffective") != NULL;
	dir_entries_free(&found);
	free(dn);
	return ok;
}

bool
doctor_rights(struct exam *x, struct err *err)
{
	static const char *const names[] = {"AIA", "CDP", "Enrollment Services", "KRA"};
	char *may = NULL, *may_not = NULL;
	bool ok = true, can;

	if (!x->report->is_ad || x->pki == NULL)
		return doctor_note(x, DOCTOR_NOTE, "rights",
		    strdup("what this account may write cannot be seen from here; the CA needs to "
			   "write below CDP, and `dirca ca publish` below all containers"),
		    NULL, err);
	for (size_t i = 0; ok && i < sizeof names / sizeof names[0]; i++)
		ok = may_add_below(x, names[i], &can, err) &&
		     add_name(can ? &may : &may_not, names[i], err);
	if (ok)
		ok = doctor_note(x, DOCTOR_NOTE, "rights",
		    text_printf("this account may add objects below %s%s%s; the CA needs CDP, and "
				"`dirca ca publish` all",
			may != NULL ? may : "none of the containers",
			may_not != NULL ? ", not below " : "", may_not != NULL ? may_not : ""),
		    NULL, err);
	free(may);
	free(may_not);
	return ok;
}
