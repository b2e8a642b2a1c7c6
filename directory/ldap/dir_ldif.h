/*
 * LDIF (RFC 2849): content records and the change records "add" and "modify", read into plain
 * structs and written from entries. No connection is needed. The parser is libldap's.
 */
#ifndef LDAP_DIR_LDIF_H
#define LDAP_DIR_LDIF_H

#include "entry.h"

/* Largest file that is read. */
#define LDIF_FILE_MAX ((size_t)4 << 20)

enum ldif_kind { LDIF_ADD, LDIF_MODIFY };
enum ldif_op { LDIF_OP_ADD, LDIF_OP_REPLACE, LDIF_OP_DELETE };

/* One attribute of a modify record, its name without options; no values with LDIF_OP_DELETE: all of
 * them. */
struct ldif_mod {
	enum ldif_op op;
	struct dir_attr attr;
};

struct ldif_record {
	enum ldif_kind kind;
	struct dir_entry entry; /* LDIF_ADD: all of it; LDIF_MODIFY: only its DN, maybe empty */
	struct ldif_mod *mods;
	size_t mod_count;
};

struct ldif {
	struct ldif_record *list;
	size_t count;
};

/* Every record, in order. Records of another kind, URLs as values and what is no LDIF are
 * ERROR_INVALID_DATA with the number of the record. `text` may hold CRLF and comments. */
bool ldif_parse(struct view text, struct ldif *out, struct err *err);
void ldif_free(struct ldif *l);
/* Appends a content record and an empty line; values that need it in base64, lines folded. */
bool ldif_append_entry(struct buf *out, const struct dir_entry *e, struct err *err);
/* Appends a change record and an empty line. */
bool ldif_append_change(struct buf *out, const struct ldif_record *r, struct err *err);
/* Appends "# text", folded as LDIF comments are. */
bool ldif_append_comment(struct buf *out, const char *text, struct err *err);

#endif
