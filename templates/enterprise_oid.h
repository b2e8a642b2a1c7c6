/*
 * msPKI-Enterprise-Oid entries (CN=OID of the PKI tree): the name, the statements and the group of
 * an object identifier ([MS-WCCE] 2.3, [MS-ADSC], [MS-ADA2] 2.61x). Pure: no I/O.
 */
#ifndef TEMPLATES_ENTERPRISE_OID_H
#define TEMPLATES_ENTERPRISE_OID_H

#include "tmpl.h"

/* `flags` of the entry */
enum enterprise_oid_kind {
	ENTERPRISE_OID_BASE = 0, /* CN=OID itself: the arc of the forest */
	ENTERPRISE_OID_TEMPLATE = 1,
	ENTERPRISE_OID_ISSUANCE_POLICY = 2,
	ENTERPRISE_OID_APPLICATION_POLICY = 3
};

struct enterprise_oid {
	char *dn, *oid;     /* msPKI-Cert-Template-OID */
	char *display_name; /* NULL if absent */
	enum enterprise_oid_kind kind;
	struct texts cps; /* URIs of certification practice statements, ASCII */
	char *notice;     /* text of the user notice, NULL if absent */
	char *group_dn;   /* msDS-OIDToGroupLink: holders of the policy count as members; or NULL */
};

/* Errors name the DN and the attribute, with ERROR_INVALID_DATA. */
bool enterprise_oid_decode(const struct dir_entry *e, struct enterprise_oid *out, struct err *err);
void enterprise_oid_free(struct enterprise_oid *o);

struct enterprise_oids {
	struct enterprise_oid *list;
	size_t count;
};

/* Every entry that decodes; of those that do not, and of a second entry for the same OID, which is
 * left out like the first (neither is trusted), `broken` gets the sentence. */
bool enterprise_oids_load(const struct dir_entries *entries, struct enterprise_oids *out,
    struct texts *broken, struct err *err);
void enterprise_oids_free(struct enterprise_oids *o);
/* NULL if no entry describes the OID. */
const struct enterprise_oid *enterprise_oids_find(const struct enterprise_oids *o, const char *oid);

#endif
