/* What the verbs `dirca template ...` share. */
#ifndef CLI_TEMPLATE_COMMON_H
#define CLI_TEMPLATE_COMMON_H

#include "pki_templates.h"
#include "session.h"

/* The template that is called so (pki_template_named); CRYPT_E_NOT_FOUND if there is none. */
bool template_in(const struct pki_snapshot *pki, const char *name, const struct dir_entry **out,
    struct err *err);
bool template_find(
    const struct session *s, const char *name, const struct dir_entry **out, struct err *err);
/* What rows and rules of a CA call it: its CN, by whatever name it is meant; the name itself where
 * there is no directory, or it has no template of that name. free(); NULL: *err says which several
 * it means. */
char *template_row_name(struct session *s, const char *name, struct err *err);
/* The enrollment service of --ca, or the only one. */
bool template_service(struct session *s, const struct dir_entry **out, struct err *err);
/* Prints the plan (--dry-run) or carries it out. */
bool template_commit(struct session *s, const struct ldif *plan, struct err *err);
/* "100.2" of an entry; free(). */
char *template_revision(const struct dir_entry *e);
/* True if `name` is an enrollment service's own template. */
bool template_is_enabled_at(const struct pki_service *service, const char *name);

#endif
