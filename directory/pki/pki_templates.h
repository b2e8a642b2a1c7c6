/*
 * Templates, their object identifiers and the lists of enrollment services, as PKI administrators
 * change them. Each function adds to a plan (dir_change.h) what has to be written, from what the
 * snapshot shows; nothing is sent here.
 */
#ifndef PKI_PKI_TEMPLATES_H
#define PKI_PKI_TEMPLATES_H

#include "dir_change.h"
#include "pki.h"
#include "sd.h"

/* The template that somebody calls so: by its DN, else its name, else its object identifier, else
 * its display name, which nothing keeps from being another's too: TYPE_E_AMBIGUOUSNAME then names
 * all of them. *out NULL: there is none. */
bool pki_template_named(
    const struct pki_snapshot *s, const char *name, const struct dir_entry **out, struct err *err);
/* The template whose name (cn) that is, without case; NULL if there is none. */
const struct dir_entry *pki_snapshot_template(const struct pki_snapshot *s, const char *name);

/* An object identifier for a new template `name`, with its object below CN=OID, which is marked as
 * unfinished until the template is there: the one that an earlier try under this name left so, else
 * a new one below the enterprise's base,
 * which is made too where the directory has none. free(). */
bool pki_plan_new_oid(const struct pki_snapshot *s, const char *name, struct ldif *plan,
    char **oid_out, struct err *err);
/* The object of an identifier that came with the template; nothing if it is there.
 * ERROR_FILE_EXISTS if another template than `name` has the identifier, or a policy. */
bool pki_plan_oid(const struct pki_snapshot *s, const char *name, const char *oid,
    struct ldif *plan, struct err *err);
/* The template, and that the object of its identifier is finished: the DN is set here from its cn.
 * Where the directory gives new objects no rights by itself and the entry has none, it gets
 * pki_default_rights. ERROR_FILE_EXISTS if there is one of that name. */
bool pki_plan_template(struct dir_conn *c, const struct pki_snapshot *s, struct dir_entry *e,
    struct ldif *plan, struct err *err);
/* What makes `before` into `after`, guarded by the template's minor revision and, where the server
 * can compare it, by the security descriptor itself. */
bool pki_plan_change(struct dir_conn *c, const struct dir_entry *before,
    const struct dir_entry *after, struct ldif *plan, struct err *err);
/* Adds to the list of a pKIEnrollmentService, or takes from it; *changed_out false: it was so. */
bool pki_plan_enable(const struct dir_entry *service, const char *name, bool enable,
    struct ldif *plan, bool *changed_out, struct err *err);

/* What the schema of Active Directory gives a new template (defaultSecurityDescriptor):
 * administrators of the domain may do all, everybody who is authenticated may read. sd_free(). */
bool pki_default_rights(struct dir_conn *c, struct sd *out, struct err *err);
/* Whose accounts the aliases of SDDL mean (struct sddl_domains): those of the connection's domain,
 * EA and its like those of the forest's first. *found_out false where the directory does not tell
 * both. */
bool pki_alias_sids(struct dir_conn *c, bool *found_out, struct sid *domain_out,
    struct sid *forest_root_out, struct err *err);

#endif
