/*
 * Rights on a template by the words that people use, and changes to its DACL by them. Pure. Groups
 * are not looked into: a word is about the trustee that an ACE names.
 */
#ifndef TEMPLATES_TMPL_RIGHTS_H
#define TEMPLATES_TMPL_RIGHTS_H

#include <stdio.h>

#include "sd.h"

/* Bits of a set of rights; each has a word. */
#define TMPL_READ       0x01u
#define TMPL_WRITE      0x02u
#define TMPL_ENROLL     0x04u
#define TMPL_AUTOENROLL 0x08u
#define TMPL_FULL       0x10u

/* "read", "write", "enroll", "autoenroll", "full"; E_INVALIDARG names them. */
bool tmpl_right_parse(const char *word, unsigned *right_out, struct err *err);

/* Explicit ACEs that grant the rights to the trustee, or deny them. Who may enroll may read too.
 * "full" is what Windows calls full control: it does not hold enroll and autoenroll (docs/FACTS.md
 * 7).
 */
bool tmpl_grant(struct sd *sd, const struct sid *who, unsigned rights, bool deny, bool *changed_out,
    struct err *err);
/* Takes the rights out of the explicit ACEs of the trustee, grants or denials; "full" takes all of
 * them. *changed_out false: no such ACE. Inherited ACEs stay. */
void tmpl_revoke(
    struct sd *sd, const struct sid *who, unsigned rights, bool deny, bool *changed_out);

/* Somebody can still write the template: an allowing ACE that no denial of the same trustee or of
 * everybody takes back. */
bool tmpl_has_writer(const struct sd *sd);
/* Trustees that an ACE lets enroll, and none that names them denies it. sids_free(). */
bool tmpl_enrollers(const struct sd *sd, struct sids *out, struct err *err);
/* "allow" or "deny" (NULL for other types), and the words of an ACE, comma-separated; bits that
 * have none as a number. */
const char *tmpl_ace_kind(const struct ace *ace);
void tmpl_ace_words(const struct ace *ace, FILE *to);

#endif
