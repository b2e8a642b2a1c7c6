/* What dircad's account may do, as Active Directory and Samba AD are told it. */
#include "service_account_priv.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "dir_change.h"
#include "mem.h"
#include "own.h"
#include "pki_priv.h"
#include "sd_edit.h"
#include "text.h"

#define RID_CERT_PUBLISHERS 517

/* Inherited by what the account makes there; as a mask, and as SDDL has it. */
#define MAY_ADD_AND_WRITE                                                                   \
	(SD_RIGHT_READ_PROP | SD_RIGHT_WRITE_PROP | SD_RIGHT_CREATE_CHILD | SD_RIGHT_LIST | \
	    SD_RIGHT_LIST_OBJECT | SD_RIGHT_READ_CONTROL)
#define MAY_ADD_AND_WRITE_SDDL "RPWPCCLCLORC"

struct account {
	char *dn, *sam, *dns; /* dns: of its domain */
	struct sid sid;
};

/* The same change in three forms. */
struct forms {
	struct texts windows, samba;
	struct ldif *changes;
};

static void
account_free(struct account *a)
{
	free(a->dn);
	free(a->sam);
	free(a->dns);
}

static void
forms_free(struct forms *f)
{
	texts_free(&f->windows);
	texts_free(&f->samba);
}

static bool
find_account(struct dir_conn *c, const char *dn, struct account *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct view raw;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"sAMAccountName", "objectSid", NULL}},
		&found, err))
		return false;
	if (found.count != 1 ||
	    dir_entry_text(&found.list[0], "sAMAccountName", &out->sam, err) != DIR_GET_OK ||
	    dir_entry_bytes(&found.list[0], "objectSid", &raw, err) != DIR_GET_OK ||
	    !sid_decode(raw, &out->sid, err))
		return err_set(err, ERROR_FILE_NOT_FOUND,
		    "%s is no account that %s shows: make it first", dn, dir_conn_uri(c));
	out->dn = mem_text(found.list[0].dn);
	out->dns = dir_dn_to_dns(dir_conn_root(c)->default_nc);
	return true;
}

static bool
read_rights(struct dir_conn *c, const char *dn, struct sd *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct view raw;

	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"nTSecurityDescriptor", NULL},
		    .want_sd = true},
		&found, err))
		return false;
	if (found.count != 1)
		return err_set(err, DIRCA_E_DIRECTORY,
		    "there is no %s that %s shows: run `dirca directory init` first", dn,
		    dir_conn_uri(c));
	if (dir_entry_bytes(&found.list[0], "nTSecurityDescriptor", &raw, err) != DIR_GET_OK)
		return err_set(err, E_ACCESSDENIED, "%s: this account may not read its rights", dn);
	return sd_decode(raw, out, err) || err_prefix(err, "%s: its rights", dn);
}

static bool
plan_container(struct dir_conn *c, const char *name, const struct account *a, struct forms *out,
    struct err *err)
{
	OWNED(own_memory) char *services = pki_services_dn(c), *dn = pki_child_dn(name, services);
	OWNED(sd_free) struct sd sd = {0};
	OWNED(buf_free) struct buf raw = {0};
	const struct ace ace = {.type = ACE_ALLOW,
	    .flags = ACE_FLAG_CONTAINER_INHERIT,
	    .mask = MAY_ADD_AND_WRITE,
	    .sid = a->sid};
	char sid[SID_TEXT_MAX];
	bool changed;

	if (!read_rights(c, dn, &sd, err) || !sd_add_ace(&sd, &ace, &changed, err))
		return false;
	if (!changed)
		return true;
	sid_to_text(&a->sid, sid);
	texts_take(
	    &out->windows, text_printf("dsacls \"%s\" /I:T /G \"%s@%s:GR;\" \"%s@%s:RPWPCCLC;\"",
			       dn, a->sam, a->dns, a->sam, a->dns));
	texts_take(&out->samba, text_printf("samba-tool dsacl set --objectdn=\"%s\" --sddl=\""
					    "(A;CI;" MAY_ADD_AND_WRITE_SDDL ";;;%s)\"",
				    dn, sid));
	return sd_encode(&sd, &raw, err) && plan_modify(out->changes, dn, LDIF_OP_REPLACE,
						"nTSecurityDescriptor", buf_view(&raw), err);
}

/* Its name is another in other languages. */
static bool
find_group(struct dir_conn *c, const struct sid *sid, struct dir_entries *out, struct err *err)
{
	OWNED(own_memory) char *filter = NULL;
	OWNED(buf_free) struct buf raw = {0};
	struct view value;

	if (!sid_encode(sid, &raw, err))
		return false;
	value = buf_view(&raw);
	filter = dir_filter("(objectSid=%S)", &value);
	return dir_search(c,
	    &(struct dir_query){.base = dir_conn_root(c)->default_nc,
		.scope = DIR_SUBTREE,
		.filter = filter,
		.attrs = (const char *const[]){"sAMAccountName", "member", NULL}},
	    out, err);
}

/* By itself, or as everybody who has signed in. */
static bool
is_member(struct dir_conn *c, const struct dir_entry *group, const struct account *a)
{
	OWNED(own_memory)
	char *everybody = text_printf(
	    "CN=S-1-5-11,CN=ForeignSecurityPrincipals,%s", dir_conn_root(c)->default_nc);

	return dir_entry_has_value_nocase(group, "member", a->dn) ||
	       dir_entry_has_value_nocase(group, "member", everybody);
}

static bool
plan_membership(struct dir_conn *c, const struct sid *sid, const char *command,
    const struct account *a, struct forms *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *name = NULL, *group = NULL, *member = command_word(a->sam);
	char text[SID_TEXT_MAX];

	if (!find_group(c, sid, &found, err))
		return false;
	sid_to_text(sid, text);
	if (found.count != 1 ||
	    dir_entry_text(&found.list[0], "sAMAccountName", &name, err) != DIR_GET_OK)
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s shows no group %s", dir_conn_uri(c), text);
	if (is_member(c, &found.list[0], a))
		return true;
	texts_take(&out->windows, text_printf("net %s \"%s\" %s /add", command, name, a->sam));
	/* A shell is told them, and names of accounts may hold what it would do. */
	group = command_word(name);
	texts_take(&out->samba, text_printf("samba-tool group addmembers %s %s", group, member));
	return plan_modify(
	    out->changes, found.list[0].dn, LDIF_OP_ADD, "member", view_str(a->dn), err);
}

static bool
plan_memberships(struct dir_conn *c, const struct account *a, struct forms *out, struct err *err)
{
	/* Pre-Windows 2000 Compatible Access: reads tokenGroups of everybody. */
	static const struct sid compatible = {.count = 2, .authority = 5, .subs = {32, 554}};
	struct sid domain, publishers;
	bool has_domain;

	if (!pki_domain_sid(c, &has_domain, &domain, err))
		return false;
	if (!has_domain || !sid_with_rid(&domain, RID_CERT_PUBLISHERS, &publishers))
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s shows no SID of the domain", dir_conn_uri(c));
	return plan_membership(c, &publishers, "group", a, out, err) &&
	       plan_membership(c, &compatible, "localgroup", a, out, err);
}

static void
add_commands(const char *where, const struct texts *commands, struct texts *out)
{
	if (commands->count > 0)
		texts_add(out, where);
	for (size_t i = 0; i < commands->count; i++)
		texts_add(out, commands->list[i]);
}

bool
service_account_ad(struct dir_conn *c, const char *dn, struct service_account *out, struct err *err)
{
	OWNED(account_free) struct account account = {0};
	OWNED(forms_free) struct forms forms = {.changes = &out->changes};

	if (!find_account(c, dn, &account, err) ||
	    !plan_container(c, "CDP", &account, &forms, err) ||
	    !plan_container(c, "KRA", &account, &forms, err) ||
	    !plan_memberships(c, &account, &forms, err))
		return false;
	add_commands("# On Windows, as an Enterprise Admin:", &forms.windows, &out->commands);
	add_commands("# On a domain controller of Samba AD:", &forms.samba, &out->commands);
	return true;
}
