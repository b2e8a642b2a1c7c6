/* What people and groups lack, and what dircad's account may do, tried. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "doctor_priv.h"
#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "service_account.h"
#include "setup_priv.h"
#include "sid.h"
#include "text.h"

void
doctor_add_name(char **list, const char *name)
{
	char *longer = *list == NULL ? mem_text(name) : text_printf("%s, %s", *list, name);

	free(*list);
	*list = longer;
}

/* Some entry that fits, or none: *out is empty then. */
static bool
sample(
    struct exam *x, const char *filter, const char *attr, struct dir_entries *out, struct err *err)
{
	return dir_search(x->c,
	    &(struct dir_query){.base = x->report->default_nc,
		.scope = DIR_SUBTREE,
		.filter = filter,
		.attrs = (const char *const[]){attr, NULL},
		.size_limit = 1,
		.some = true},
	    out, err);
}

/* ---- People and groups ---- */

#define NAMED_PEOPLE "(uid=*)(|(objectClass=person)(objectClass=posixAccount))"
#define GROUPS                                                         \
	"(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)" \
	"(objectClass=groupOfMembers)(objectClass=posixGroup))"

/* Somebody without: nobody needs to be counted. */
static bool
lacks(struct exam *x, const char *filter, const char *what, char **list, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *text = NULL;

	if (!sample(x, filter, DIR_NO_ATTRS, &found, err))
		return false;
	if (found.count == 0)
		return true;
	text = text_printf("%s (%s)", what, found.list[0].dn);
	doctor_add_name(list, text);
	return true;
}

bool
doctor_people(struct exam *x, struct err *err)
{
	OWNED(own_memory) char *lacking = NULL;

	if (x->report->is_ad)
		return true;
	if (!lacks(x, "(&" NAMED_PEOPLE "(!(objectSid=*)))", "people without objectSid", &lacking,
		err) ||
	    !lacks(x, "(&" NAMED_PEOPLE "(!(userPrincipalName=*)))",
		"people without userPrincipalName", &lacking, err) ||
	    !lacks(x, "(&" GROUPS "(!(objectSid=*)))", "groups without objectSid", &lacking, err))
		return false;
	if (lacking == NULL)
		return doctor_note(x, DOCTOR_GOOD, "people",
		    mem_text("all people and groups have what rights are given to"), NULL);
	return doctor_note(x, DOCTOR_NOTE, "people",
	    text_printf("there are, or this account sees, %s; no right can be given to who has no "
			"objectSid: `dirca directory adopt` gives what is missing",
		lacking),
	    NULL);
}

/* ---- Rights ---- */

/* A certificate that nobody has. */
static const char nobodys_certificate[] =
    "308201283081cf02143f7379be33a420614d9489d6f75f139ffdbd683b300a06082a8648ce3d0403"
    "0230173115301306035504030c0c64697263612d646f63746f72301e170d32363131333031383037"
    "30345a170d3236313230313138303730345a30173115301306035504030c0c64697263612d646f63"
    "746f723059301306072a8648ce3d020106082a8648ce3d030107034200045db4617b947d529519f2"
    "7b5863383a1148fc1d313941ba7d016969e579423613c5bd1fb5ec96ab5ddbb6da81c94be4db1b77"
    "254f824161a5d7eb8329ada00a97300a06082a8648ce3d040302034800304502200eb07d3d891e9c"
    "79827422b94315a5b7a7e04a37d6ac81f4988130f65bd9f77e022100e1dff26aab12b104b17434e1"
    "b996819f623030c5a474c45f8a767ad6a5218034";

char *
doctor_rights_cure(struct exam *x)
{
	OWNED(own_memory) char *dn = NULL, *word = NULL;

	if (!x->tries)
		return mem_text("give this account the right to read it");
	dn = service_account_dn(x->c);
	word = command_word(dn != NULL ? dn : "DN of this account");
	if (x->report->is_ad)
		return text_printf(
		    "as an Enterprise Admin: `dirca directory service-account %s --apply -H %s`",
		    word, x->report->uri);
	return text_printf("%s: `dirca directory service-account %s --apply -H %s`",
	    dir_conn_root(x->c)->is_389 ? "as the Directory Manager" : "as root on the server",
	    word,
	    dir_conn_root(x->c)->is_389 ? "ldaps://SERVER -D 'cn=Directory Manager' -W"
					: "ldapi:///");
}

static bool
note_missing(struct exam *x, char *text)
{
	OWNED(own_memory) char *cure = doctor_rights_cure(x);

	return doctor_note(x, DOCTOR_MISSING, "rights", text, cure);
}

/* What every entry of a class has, by its schema, so that it is hidden where it is not shown. */
static bool
try_reads(struct exam *x, struct err *err)
{
	static const struct {
		const char *filter, *attr;
	} reads[] = {{"(objectClass=person)", "cn"}, {"(objectClass=posixAccount)", "uid"},
	    {"(objectClass=groupOfNames)", "member"}, {"(objectClass=posixGroup)", "gidNumber"}};
	OWNED(own_memory) char *hidden = NULL;

	for (size_t i = 0; i < COUNT_OF(reads); i++) {
		OWNED(dir_entries_free) struct dir_entries found = {0};
		OWNED(own_memory) char *text = NULL;

		if (!sample(x, reads[i].filter, reads[i].attr, &found, err))
			return false;
		if (found.count == 0 || dir_entry_attr(&found.list[0], reads[i].attr) != NULL)
			continue;
		text = text_printf("%s of %s", reads[i].attr, found.list[0].dn);
		doctor_add_name(&hidden, text);
	}
	return hidden == NULL ||
	       note_missing(x, text_printf("this account may not read %s", hidden));
}

/* `dirca directory init` makes it, so that it is hidden where it is not shown. */
static bool
try_domains(struct exam *x, struct err *err)
{
	OWNED(own_memory)
	char *dn = text_printf("CN=Partitions,%s", dir_conn_root(x->c)->config_nc);
	bool there;

	if (!setup_exists(x->c, dn, &there, err))
		return false;
	return there ||
	       note_missing(
		   x, text_printf(
			  "this account may not read %s, or it is missing: which domains there "
			  "are, and their names, stay unknown",
			  dn));
}

static bool
try_container(struct exam *x, const char *name, bool *good, struct err *err)
{
	OWNED(own_memory) char *container = pki_child_dn(name, x->pki->services_dn);
	OWNED(own_memory) char *cn = text_printf("dirca-doctor-%ld", (long)getpid());
	OWNED(own_memory) char *dn = pki_child_dn(cn, container);
	OWNED(dir_entry_free) struct dir_entry e = {0};
	struct err why;

	if (!dir_entry_init(&e, dn, err) ||
	    !dir_entry_add(&e, "objectClass", view_str("container"), err) ||
	    !dir_entry_add(&e, "cn", view_str(cn), err))
		return false;
	if (!dir_add(x->c, &e, &why)) {
		*good = false;
		return note_missing(x, text_printf("this account may not make objects below %s: %s",
					   container, why.msg));
	}
	if (dir_delete(x->c, dn, &why))
		return true;
	*good = false;
	return note_missing(
	    x, text_printf(
		   "this account may not remove what it made below %s, so that %s stays there: "
		   "%s",
		   container, cn, why.msg));
}

/* *dn_out NULL where nothing fits, or the server does not say whether it would be allowed. */
static bool
may_write_some(struct exam *x, const char *filter, const char *attr, struct view absent,
    bool *may_out, char **dn_out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*may_out = true;
	*dn_out = NULL;
	if (!sample(x, filter, DIR_NO_ATTRS, &found, err))
		return false;
	if (found.count == 0)
		return true;
	if (dir_may_write(x->c, found.list[0].dn, attr, absent, may_out, err)) {
		*dn_out = mem_text(found.list[0].dn);
		return true;
	}
	*may_out = true;
	return err->code == DIRCA_E_DIRECTORY;
}

static bool
try_writes(struct exam *x, struct view certificate, struct err *err)
{
	OWNED(own_memory) char *person = NULL;
	bool good = true, may;

	if (!try_container(x, "CDP", &good, err) || !try_container(x, "KRA", &good, err) ||
	    !may_write_some(x, "(objectClass=inetOrgPerson)", "userCertificate", certificate, &may,
		&person, err))
		return false;
	if (!may)
		return note_missing(x,
		    text_printf("this account may not write userCertificate of %s: certificates of "
				"templates that publish them stay unpublished",
			person));
	return !good ||
	       doctor_note(x, DOCTOR_GOOD, "rights",
		   text_printf("tried: this account makes and removes objects below CDP and KRA%s",
		       person != NULL ? ", and writes userCertificate of people" : ""),
		   NULL);
}

/* Whoever breaks into the CA has these rights: with them he is somebody else, or another CA. */
static bool
try_excess(struct exam *x, struct view certificate, struct err *err)
{
	static const uint8_t nobody[] = {1, 0, 0, 0, 0, 0, 0, 0};
	const struct {
		const char *filter, *attr, *what;
		struct view absent;
	} writes[] = {
	    {"(&(objectSid=*)(uid=*))", "objectSid", "SIDs", view_of(nobody, sizeof nobody)},
	    {"(objectClass=groupOfNames)", "member", "members of groups",
		view_str("cn=dirca-doctor")},
	    {"(objectClass=pKICertificateTemplate)", "nTSecurityDescriptor", "rights on templates",
		view_of(nobody, sizeof nobody)},
	    {"(cn=NTAuthCertificates)", "cACertificate", "the CAs that are trusted", certificate},
	};
	OWNED(own_memory) char *excess = NULL;

	for (size_t i = 0; i < COUNT_OF(writes); i++) {
		OWNED(own_memory) char *dn = NULL;
		bool may;

		if (!may_write_some(
			x, writes[i].filter, writes[i].attr, writes[i].absent, &may, &dn, err))
			return false;
		if (may && dn != NULL)
			doctor_add_name(&excess, writes[i].what);
	}
	if (excess == NULL)
		return doctor_note(x, DOCTOR_GOOD, "excess",
		    mem_text("tried: this account may not write SIDs, members of groups, rights on "
			     "templates or which CAs are trusted"),
		    NULL);
	return doctor_note(x, DOCTOR_NOTE, "excess",
	    text_printf(
		"this account may write what it does not need, and what whoever breaks into "
		"the CA could use: %s",
		excess),
	    NULL);
}

static bool
try_openldap(struct exam *x, struct err *err)
{
	OWNED(buf_free) struct buf certificate = {0};

	return hex_decode(nobodys_certificate, &certificate, err) && try_reads(x, err) &&
	       try_domains(x, err) && try_writes(x, buf_view(&certificate), err) &&
	       try_excess(x, buf_view(&certificate), err);
}

/* ---- Active Directory, which says what it would allow ([MS-ADTS] 3.1.1.4.5) ---- */

/* Whether the list that the server makes for this account holds the value; NULL: anything. */
static bool
is_effective(
    struct exam *x, const char *dn, const char *attr, const char *value, bool *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	if (!dir_search(x->c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){attr, NULL}},
		&found, err))
		return false;
	*out = found.count == 1 &&
	       (value != NULL ? dir_entry_has_value_nocase(&found.list[0], attr, value)
			      : dir_entry_attr(&found.list[0], attr) != NULL);
	return true;
}

static bool
sort_containers(struct exam *x, char **may, char **may_not, bool *needed_out, struct err *err)
{
	static const struct {
		const char *name;
		bool needed;
	} containers[] = {
	    {"AIA", false}, {"CDP", true}, {"Enrollment Services", false}, {"KRA", true}};
	bool can;

	*needed_out = true;
	for (size_t i = 0; i < COUNT_OF(containers); i++) {
		OWNED(own_memory)
		char *dn = pki_child_dn(containers[i].name, x->pki->services_dn);

		if (!is_effective(x, dn, "allowedChildClassesEffective", NULL, &can, err))
			return false;
		doctor_add_name(can ? may : may_not, containers[i].name);
		*needed_out = *needed_out && (can || !containers[i].needed);
	}
	return true;
}

/* Some person whom no list of administrators protects. */
static bool
try_publishing(struct exam *x, bool *may_out, char **dn_out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*may_out = true;
	*dn_out = NULL;
	if (!sample(x, "(&(objectCategory=person)(objectClass=user)(!(adminCount=1)))",
		DIR_NO_ATTRS, &found, err))
		return false;
	if (found.count == 0)
		return true;
	*dn_out = mem_text(found.list[0].dn);
	return is_effective(
	    x, *dn_out, "allowedAttributesEffective", "userCertificate", may_out, err);
}

static bool
judge_ad(struct exam *x, struct err *err)
{
	OWNED(own_memory) char *may = NULL, *may_not = NULL, *person = NULL;
	bool has_needed, may_publish = true;

	if (!sort_containers(x, &may, &may_not, &has_needed, err) ||
	    (x->tries && !try_publishing(x, &may_publish, &person, err)))
		return false;
	if (x->tries && !has_needed)
		return note_missing(
		    x, text_printf("this account may not add objects below %s; the CA needs CDP "
				   "and KRA",
			   may_not));
	if (!may_publish)
		return note_missing(x,
		    text_printf("this account may not write userCertificate of %s: certificates of "
				"templates that publish them stay unpublished",
			person));
	return doctor_note(x, x->tries ? DOCTOR_GOOD : DOCTOR_NOTE, "rights",
	    text_printf("this account may add objects below %s%s%s%s",
		may != NULL ? may : "none of the containers", may_not != NULL ? ", not below " : "",
		may_not != NULL ? may_not : "",
		x->tries ? ", and write userCertificate of people"
			 : "; the CA needs CDP and KRA, and `dirca ca publish` all"),
	    NULL);
}

bool
doctor_rights(struct exam *x, struct err *err)
{
	if (x->pki != NULL && x->report->is_ad)
		return judge_ad(x, err);
	if (x->pki != NULL && x->tries)
		return try_openldap(x, err);
	return doctor_note(x, DOCTOR_NOTE, "rights",
	    mem_text("what dircad's account may write is tried with its configuration only (-c "
		     "dircad.conf); it needs to write below CDP and KRA, and `dirca ca publish` "
		     "below all containers"),
	    NULL);
}
