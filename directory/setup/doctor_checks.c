/* What must be in the directory, and what this account must be able to see of it. */
#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "setup_priv.h"
#include "mem.h"
#include "own.h"
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
    {"attributeTypes", "dircaServiceURL"},
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

static bool
judge_schema(struct exam *x, const struct dir_entry *subschema)
{
	OWNED(own_memory) char *lacking = NULL;

	for (size_t i = 0; i < COUNT_OF(schema_names); i++)
		if (!setup_defines(subschema, schema_names[i].defined_by, schema_names[i].name))
			doctor_add_name(&lacking, schema_names[i].name);
	if (lacking == NULL)
		return doctor_note(x, DOCTOR_GOOD, "schema",
		    mem_text("the schema has all classes and attributes"), NULL);
	return doctor_note(x, DOCTOR_MISSING, "schema", text_printf("the schema lacks %s", lacking),
	    "run `dirca directory init` as who may change the schema");
}

static bool
read_text(struct dir_conn *c, const char *dn, const char *attr, char **out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*out = NULL;
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){attr, NULL}},
		&found, err))
		return false;
	return found.count != 1 || dir_entry_text(&found.list[0], attr, out, err) != DIR_GET_FAILED;
}

bool
doctor_schema(struct exam *x, struct err *err)
{
	static const char *const attrs[] = {"objectClasses", "attributeTypes", NULL};
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *dn = NULL;
	struct err why;

	(void)err;
	err_set(&why, DIRCA_E_DIRECTORY, "no subschema is named or shown");
	if (read_text(x->c, "", "subschemaSubentry", &dn, &why) && dn != NULL &&
	    dir_search(x->c,
		&(struct dir_query){.base = dn, .filter = "(objectClass=*)", .attrs = attrs},
		&found, &why) &&
	    found.count == 1 && dir_entry_attr(&found.list[0], "attributeTypes") != NULL)
		return judge_schema(x, &found.list[0]);
	return doctor_note(x, DOCTOR_NOTE, "schema",
	    text_printf("the schema cannot be seen by this account: %s", why.msg), NULL);
}

/* ---- the tree ---- */

static bool
exists(struct exam *x, const char *name, bool *out, struct err *err)
{
	OWNED(own_memory) char *dn = pki_child_dn(name, x->pki->services_dn);
	OWNED(dir_entries_free) struct dir_entries found = {0};
	bool ok = dir_search(x->c,
	    &(struct dir_query){.base = dn,
		.filter = "(objectClass=*)",
		.attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
	    &found, err);

	*out = found.count == 1;
	return ok;
}

/* What is not shown is not there, or this account may not read it. */
static bool
note_hidden(struct exam *x, const char *check, char *text, const char *init)
{
	OWNED(own_memory) char *rights = doctor_rights_cure(x);
	OWNED(own_memory) char *cure = text_printf("run %s; if they are there, %s", init, rights);

	return doctor_note(x, DOCTOR_MISSING, check, text, cure);
}

bool
doctor_containers(struct exam *x, struct err *err)
{
	static const char *const names[] = {"AIA", "CDP", "Certificate Templates",
	    "Certification Authorities", "Enrollment Services", "KRA", "OID"};
	OWNED(own_memory) char *lacking = NULL;
	bool there;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!exists(x, names[i], &there, err))
			return false;
		if (!there)
			doctor_add_name(&lacking, names[i]);
	}
	if (lacking == NULL)
		return doctor_note(
		    x, DOCTOR_GOOD, "containers", mem_text("all containers are there"), NULL);
	return note_hidden(x, "containers",
	    text_printf("below %s these are missing or hidden: %s", x->pki->services_dn, lacking),
	    "`dirca directory init`");
}

/* Without its descriptor a template lets nobody enroll. */
static bool
is_judged(const struct dir_entry *template)
{
	OWNED(sd_free) struct sd sd = {0};
	struct view raw;
	struct err ignored;

	return dir_entry_bytes(template, "nTSecurityDescriptor", &raw, &ignored) == DIR_GET_OK &&
	       sd_decode(raw, &sd, &ignored);
}

bool
doctor_templates(struct exam *x, struct err *err)
{
	const struct dir_entries *all = &x->pki->templates;
	const struct dir_entry *first = NULL;
	size_t unjudged = 0;

	(void)err;
	for (size_t i = 0; i < all->count; i++)
		if (!is_judged(&all->list[i])) {
			first = first != NULL ? first : &all->list[i];
			unjudged++;
		}
	if (all->count == 0)
		return note_hidden(x, "templates",
		    mem_text("there is no certificate template that this account can see"),
		    "`dirca directory init --templates`");
	if (first != NULL) {
		OWNED(own_memory) char *rights = doctor_rights_cure(x);
		OWNED(own_memory)
		char *cure = text_printf("`dirca template grant` gives a template rights that has "
					 "none; if they are hidden, %s",
		    rights);

		return doctor_note(x, DOCTOR_MISSING, "templates",
		    text_printf("of %zu templates %zu show no readable nTSecurityDescriptor, among "
				"them %s: nobody can enroll for those",
			all->count, unjudged, first->dn),
		    x->report->is_ad ? "give this account Read Permissions on the templates"
				     : cure);
	}
	return doctor_note(x, DOCTOR_GOOD, "templates",
	    text_printf("%zu templates, all with their security descriptors", all->count), NULL);
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
		    mem_text("there is no enrollment service that a client could use"),
		    "run `dirca ca publish` on the CA's machine");
	return doctor_note(x, DOCTOR_GOOD, "services",
	    text_printf("%zu enrollment service%s", count, count == 1 ? "" : "s"), NULL);
}

/* ---- what this account may do ---- */

/* Guest is there in every domain, and nothing protects it more than an ordinary user. */
#define RID_GUEST 501

static bool
guest_of(struct exam *x, struct dir_entries *out, struct err *err)
{
	OWNED(own_memory) char *filter = NULL;
	OWNED(buf_free) struct buf raw = {0};
	struct sid domain, guest;
	struct view value;
	bool has_domain;

	if (!pki_domain_sid(x->c, &has_domain, &domain, err))
		return false;
	/* Without a SID nobody is found. */
	if (!has_domain || !sid_with_rid(&domain, RID_GUEST, &guest))
		return true;
	if (!sid_encode(&guest, &raw, err))
		return false;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	return dir_search(x->c,
	    &(struct dir_query){.base = x->report->default_nc,
		.scope = DIR_SUBTREE,
		.filter = filter,
		.attrs = (const char *const[]){DIR_NO_ATTRS, NULL}},
	    out, err);
}

static bool
shows_token_groups(struct exam *x, const char *dn, bool *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(x->c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"tokenGroups", NULL}},
		&found, err))
		return false;
	*out = found.count == 1 && dir_entry_attr(&found.list[0], "tokenGroups") != NULL;
	return true;
}

static bool
judge_guest(struct exam *x, const char *dn, struct err *err)
{
	OWNED(own_memory) char *rights = NULL, *cure = NULL;
	bool shown;

	if (!shows_token_groups(x, dn, &shown, err))
		return false;
	if (shown)
		return doctor_note(x, DOCTOR_GOOD, "groups",
		    mem_text("this account may read tokenGroups of others"), NULL);
	rights = doctor_rights_cure(x);
	cure = text_printf(
	    "put it into the group Pre-Windows 2000 Compatible Access of the domain%s%s",
	    x->tries ? "; " : "", x->tries ? rights : "");
	return doctor_note(x, DOCTOR_MISSING, "groups",
	    text_printf("this account may not read tokenGroups of others (tried: %s)", dn), cure);
}

bool
doctor_groups(struct exam *x, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries guest = {0};

	if (!x->report->is_ad)
		return doctor_note(x, DOCTOR_NOTE, "groups",
		    mem_text(
			"whether member, memberOf and objectSid are indexed cannot be seen from "
			"here; without that, large directories are slow"),
		    NULL);
	if (!guest_of(x, &guest, err))
		return false;
	if (guest.count == 1)
		return judge_guest(x, guest.list[0].dn, err);
	return doctor_note(x, DOCTOR_NOTE, "groups",
	    mem_text("the account Guest cannot be seen, and so not whether this account may read "
		     "tokenGroups"),
	    NULL);
}
