#include "pki_templates.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>

#include "mem.h"
#include "pki_priv.h"
#include "text.h"
#include "own.h"

#define OID_ATTR      "msPKI-Cert-Template-OID"
#define OID_TYPE_TMPL "1" /* flags of msPKI-Enterprise-Oid: a template's */
/* Behind the name of an object whose template is not there yet: only such a one may be taken by a
 * later try. That of a template which was deleted keeps its identifier for itself, since
 * certificates still name it. */
#define UNFINISHED      " (unfinished)"
#define ENTERPRISE_ROOT "1.3.6.1.4.1.311.21.8"

/* The two arcs below the enterprise's base, as Windows draws them. */
#define ARC_LEAST UINT32_C(10000000)
#define ARC_RANGE UINT32_C(90000000)

/* Of one with several names, as OpenLDAP allows, none is meant by any of them: whoever writes a
 * second one to a template has not got another template's. */
static bool
is_called(const struct dir_entry *e, const char *attr, const char *value)
{
	const struct dir_attr *names = dir_entry_attr(e, attr);

	return names != NULL && names->count == 1 && dir_entry_has_value_nocase(e, attr, value);
}

const struct dir_entry *
pki_snapshot_template(const struct pki_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->templates.count; i++)
		if (is_called(&s->templates.list[i], "cn", name))
			return &s->templates.list[i];
	return NULL;
}

/* Those of which the attribute is that, without case; the last of them. */
static size_t
with_value(
    const struct pki_snapshot *s, const char *attr, const char *value, const struct dir_entry **out)
{
	size_t count = 0;

	for (size_t i = 0; i < s->templates.count; i++)
		if (is_called(&s->templates.list[i], attr, value)) {
			*out = &s->templates.list[i];
			count++;
		}
	return count;
}

static const struct dir_entry *
with_dn(const struct pki_snapshot *s, const char *dn)
{
	if (strchr(dn, '=') == NULL || dir_dn_depth(dn) < 2)
		return NULL;
	for (size_t i = 0; i < s->templates.count; i++)
		if (dir_dn_eq(s->templates.list[i].dn, dn))
			return &s->templates.list[i];
	return NULL;
}

static bool
name_all(const struct pki_snapshot *s, const char *attr, const char *value, const char *what,
    struct err *err)
{
	OWNED(own_memory) char *names = mem_text("");

	for (size_t i = 0; i < s->templates.count; i++) {
		const struct dir_entry *e = &s->templates.list[i];
		OWNED(own_memory) char *cn = NULL;

		if (!is_called(e, attr, value))
			continue;
		if (dir_entry_text(e, "cn", &cn, err) == DIR_GET_FAILED)
			return false;
		text_list_add(&names, ", ", cn != NULL ? cn : e->dn);
	}
	return err_set(err, TYPE_E_AMBIGUOUSNAME,
	    "%s is the %s of several templates: name the one that is meant, %s", value, what,
	    names);
}

bool
pki_template_named(
    const struct pki_snapshot *s, const char *name, const struct dir_entry **out, struct err *err)
{
	static const struct {
		const char *attr, *what;
	} ways[] = {
	    {"cn", "name"}, {OID_ATTR, "object identifier"}, {"displayName", "display name"}};

	*out = with_dn(s, name);
	for (size_t i = 0; i < COUNT_OF(ways) && *out == NULL; i++)
		if (with_value(s, ways[i].attr, name, out) > 1) {
			*out = NULL;
			return name_all(s, ways[i].attr, name, ways[i].what, err);
		}
	return true;
}

static bool
random_bytes(void *out, size_t len, struct err *err)
{
	return RAND_bytes(out, (int)len) == 1 || err_openssl(err, DIRCA_E_CRYPTO, "random bytes");
}

/* A random number below `range`. Which arcs come a little more often does not matter: they only
 * have to differ. */
static bool
random_arc(uint32_t range, uint32_t *out, struct err *err)
{
	if (!random_bytes(out, sizeof *out, err))
		return false;
	*out %= range;
	return true;
}

/* ---- object identifiers ---- */

/* The template that has the identifier. */
static const struct dir_entry *
user_of_oid(const struct pki_snapshot *s, const char *oid)
{
	for (size_t i = 0; i < s->templates.count; i++)
		if (dir_entry_has_value_nocase(&s->templates.list[i], OID_ATTR, oid))
			return &s->templates.list[i];
	return NULL;
}

static bool
is_container(const struct dir_entry *e)
{
	return dir_entry_has_value_nocase(e, "cn", "OID");
}

static const struct dir_entry *
object_of_oid(const struct pki_snapshot *s, const char *oid)
{
	for (size_t i = 0; i < s->oids.count; i++)
		if (!is_container(&s->oids.list[i]) &&
		    dir_entry_has_value_nocase(&s->oids.list[i], OID_ATTR, oid))
			return &s->oids.list[i];
	return NULL;
}

static bool
add(struct dir_entry *e, const char *attr, const char *value, struct err *err)
{
	return dir_entry_add(e, attr, view_str(value), err);
}

static char *
oid_container_dn(const struct pki_snapshot *s)
{
	return pki_child_dn("OID", s->services_dn);
}

/* "<last arc>.<32 hex digits>" */
static char *
object_name(const char *oid, struct err *err)
{
	uint8_t bytes[16];
	OWNED(own_memory) char *hex = NULL;
	const char *dot = strrchr(oid, '.');

	if (!random_bytes(bytes, sizeof bytes, err))
		return NULL;
	hex = hex_encode(view_of(bytes, sizeof bytes), '\0');
	for (char *p = hex; *p != '\0'; p++)
		*p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
	return text_printf("%s.%s", dot != NULL ? dot + 1 : oid, hex);
}

static bool
plan_object(const struct pki_snapshot *s, const char *name, const char *oid, struct ldif *plan,
    struct err *err)
{
	OWNED(own_memory)
	char *cn = object_name(oid, err), *container = oid_container_dn(s),
	     *title = text_printf("%s" UNFINISHED, name);
	OWNED(dir_entry_free) struct dir_entry e = {0};

	if (cn == NULL)
		return false;
	e.dn = pki_child_dn(cn, container);
	return add(&e, "objectClass", "top", err) &&
	       add(&e, "objectClass", "msPKI-Enterprise-Oid", err) && add(&e, "cn", cn, err) &&
	       add(&e, "displayName", title, err) && add(&e, "flags", OID_TYPE_TMPL, err) &&
	       add(&e, OID_ATTR, oid, err) && plan_add(plan, &e, err);
}

/* The object of the identifier that is planned, or was left by an earlier try. */
static const struct dir_entry *
unfinished_object(
    const struct pki_snapshot *s, const struct ldif *plan, const char *oid, const char *title)
{
	const struct dir_entry *e = object_of_oid(s, oid);

	if (e != NULL && dir_entry_has_value_nocase(e, "displayName", title))
		return e;
	for (size_t i = 0; i < plan->count; i++) {
		e = &plan->list[i].entry;
		if (dir_entry_has_value_nocase(e, OID_ATTR, oid) &&
		    dir_entry_has_value_nocase(e, "displayName", title))
			return e;
	}
	return NULL;
}

/* The template is there: its object bears its name alone. */
static bool
plan_finish_object(const struct pki_snapshot *s, const struct dir_entry *template, const char *name,
    struct ldif *plan, struct err *err)
{
	OWNED(own_memory) char *oid = NULL, *title = text_printf("%s" UNFINISHED, name);
	const struct dir_entry *object;

	if (dir_entry_text(template, OID_ATTR, &oid, err) == DIR_GET_FAILED)
		return false;
	object = oid != NULL ? unfinished_object(s, plan, oid, title) : NULL;
	return object == NULL ||
	       plan_modify(plan, object->dn, LDIF_OP_REPLACE, "displayName", view_str(name), err);
}

bool
pki_plan_oid(const struct pki_snapshot *s, const char *name, const char *oid, struct ldif *plan,
    struct err *err)
{
	const struct dir_entry *user = user_of_oid(s, oid), *object = object_of_oid(s, oid);

	if (user != NULL && !dir_entry_has_value_nocase(user, "cn", name))
		return err_set(err, ERROR_FILE_EXISTS,
		    "the object identifier %s belongs to %s already; give the template a new one "
		    "(--new-oid)",
		    oid, user->dn);
	if (object != NULL && !dir_entry_has_value_nocase(object, "flags", OID_TYPE_TMPL))
		return err_set(err, ERROR_FILE_EXISTS,
		    "the object identifier %s is that of a policy, %s; give the template a new one "
		    "(--new-oid)",
		    oid, object->dn);
	return object != NULL || plan_object(s, name, oid, plan, err);
}

/* What a try that ended halfway left: an unfinished object whose template never came. */
static bool
find_leftover(const struct pki_snapshot *s, const char *title, char **oid_out, struct err *err)
{
	for (size_t i = 0; i < s->oids.count && *oid_out == NULL; i++) {
		const struct dir_entry *e = &s->oids.list[i];
		char *oid = NULL;

		if (is_container(e) || !dir_entry_has_value_nocase(e, "displayName", title) ||
		    !dir_entry_has_value_nocase(e, "flags", OID_TYPE_TMPL))
			continue;
		if (dir_entry_text(e, OID_ATTR, &oid, err) == DIR_GET_FAILED)
			return false;
		if (oid != NULL && user_of_oid(s, oid) == NULL)
			*oid_out = oid;
		else
			free(oid);
	}
	return true;
}

char *
pki_new_oid_base(struct err *err)
{
	uint32_t r[6];

	if (!random_bytes(r, sizeof r, err))
		return NULL;
	return text_printf(ENTERPRISE_ROOT ".%u.%u.%u.%u.%u.%u", r[0] >> 8, r[1] >> 8, r[2] >> 8,
	    r[3] >> 8, r[4] >> 8, r[5] >> 24);
}

static bool
plan_base(const struct pki_snapshot *s, struct ldif *plan, char **base_out, struct err *err)
{
	OWNED(own_memory) char *base = pki_new_oid_base(err), *dn = oid_container_dn(s);

	if (base == NULL || !plan_modify(plan, dn, LDIF_OP_ADD, OID_ATTR, view_str(base), err))
		return false;
	*base_out = own_give(&base);
	return true;
}

static bool
find_base(const struct pki_snapshot *s, struct ldif *plan, char **base_out, struct err *err)
{
	*base_out = NULL;
	for (size_t i = 0; i < s->oids.count; i++)
		if (is_container(&s->oids.list[i]) &&
		    dir_entry_text(&s->oids.list[i], OID_ATTR, base_out, err) == DIR_GET_FAILED)
			return false;
	return *base_out != NULL || plan_base(s, plan, base_out, err);
}

static bool
draw_oid(const struct pki_snapshot *s, const char *base, char **oid_out, struct err *err)
{
	for (;;) {
		uint32_t first, second;

		if (!random_arc(ARC_RANGE, &first, err) || !random_arc(ARC_RANGE, &second, err))
			return false;
		*oid_out = text_printf(
		    "%s.%" PRIu32 ".%" PRIu32, base, ARC_LEAST + first, ARC_LEAST + second);
		if (object_of_oid(s, *oid_out) == NULL && user_of_oid(s, *oid_out) == NULL)
			return true;
		free(*oid_out);
	}
}

bool
pki_plan_new_oid(const struct pki_snapshot *s, const char *name, struct ldif *plan, char **oid_out,
    struct err *err)
{
	OWNED(own_memory)
	char *base = NULL, *oid = NULL, *title = text_printf("%s" UNFINISHED, name);

	*oid_out = NULL;
	if (!find_leftover(s, title, oid_out, err))
		return false;
	if (*oid_out != NULL)
		return true;
	if (!find_base(s, plan, &base, err) || !draw_oid(s, base, &oid, err) ||
	    !plan_object(s, name, oid, plan, err))
		return false;
	*oid_out = own_give(&oid);
	return true;
}

/* ---- templates ---- */

static bool
sid_of_context(
    struct dir_conn *c, const char *dn, bool *found_out, struct sid *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	struct view raw;

	*found_out = false;
	if (!dir_search(c,
		&(struct dir_query){.base = dn,
		    .filter = "(objectClass=*)",
		    .attrs = (const char *const[]){"objectSid", NULL}},
		&found, err))
		return false;
	if (found.count != 1)
		return true;
	switch (dir_entry_bytes(&found.list[0], "objectSid", &raw, err)) {
	case DIR_GET_OK:
		return *found_out = sid_decode(raw, out, err);
	case DIR_GET_FAILED:
		return false;
	case DIR_GET_ABSENT:
		break;
	}
	return true;
}

bool
pki_domain_sid(struct dir_conn *c, bool *found_out, struct sid *out, struct err *err)
{
	return sid_of_context(c, dir_conn_root(c)->default_nc, found_out, out, err);
}

/* CN=Configuration lies in the forest's first domain, which a server of another may not hold. */
bool
pki_alias_sids(struct dir_conn *c, bool *found_out, struct sid *domain_out,
    struct sid *forest_root_out, struct err *err)
{
	const char *comma = strchr(dir_conn_root(c)->config_nc, ',');
	struct err ignored;

	if (!pki_domain_sid(c, found_out, domain_out, err))
		return false;
	*forest_root_out = *domain_out;
	if (*found_out && comma != NULL && !dir_dn_eq(comma + 1, dir_conn_root(c)->default_nc) &&
	    !sid_of_context(c, comma + 1, found_out, forest_root_out, &ignored))
		*found_out = false;
	return true;
}

bool
pki_default_rights(struct dir_conn *c, struct sd *out, struct err *err)
{
	struct sid domain;
	bool has_domain;

	if (!pki_domain_sid(c, &has_domain, &domain, err))
		return false;
	return sd_from_sddl(has_domain ? "O:DAG:DAD:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)"
					 "(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)"
				       : "O:SYG:SYD:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)"
					 "(A;;RPLCLORC;;;AU)",
	    has_domain ? &domain : NULL, out, err);
}

static bool
add_default_rights(struct dir_conn *c, struct dir_entry *e, struct err *err)
{
	OWNED(sd_free) struct sd sd = {0};
	OWNED(buf_free) struct buf raw = {0};

	return pki_default_rights(c, &sd, err) && sd_encode(&sd, &raw, err) &&
	       dir_entry_add(e, "nTSecurityDescriptor", buf_view(&raw), err);
}

bool
pki_plan_template(struct dir_conn *c, const struct pki_snapshot *s, struct dir_entry *e,
    struct ldif *plan, struct err *err)
{
	OWNED(own_memory)
	char *container = pki_child_dn("Certificate Templates", s->services_dn), *cn = NULL;

	if (dir_entry_text(e, "cn", &cn, err) != DIR_GET_OK)
		return false;
	if (pki_snapshot_template(s, cn) != NULL)
		return err_set(err, ERROR_FILE_EXISTS, "there is a template %s already", cn);
	free(e->dn);
	e->dn = pki_child_dn(cn, container);
	return (dir_conn_root(c)->is_ad || dir_entry_attr(e, "nTSecurityDescriptor") != NULL ||
		   add_default_rights(c, e, err)) &&
	       plan_add(plan, e, err) && plan_finish_object(s, e, cn, plan, err);
}

bool
pki_plan_change(struct dir_conn *c, const struct dir_entry *before, const struct dir_entry *after,
    struct ldif *plan, struct err *err)
{
	/* Active Directory deletes no security descriptor by its value. */
	const char *const guards[] = {"msPKI-Template-Minor-Revision",
	    dir_conn_root(c)->is_ad ? NULL : "nTSecurityDescriptor", NULL};

	return plan_difference(plan, before, after, guards, err);
}

bool
pki_plan_enable(const struct dir_entry *service, const char *name, bool enable, struct ldif *plan,
    bool *changed_out, struct err *err)
{
	*changed_out = dir_entry_has_value_nocase(service, "certificateTemplates", name) != enable;
	return !*changed_out ||
	       plan_modify(plan, service->dn, enable ? LDIF_OP_ADD : LDIF_OP_DELETE,
		   "certificateTemplates", view_str(name), err);
}
