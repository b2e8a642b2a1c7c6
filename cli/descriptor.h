/* What the verbs `dirca sd ...` look at: a security descriptor, and the directory if one is at
 * hand. */
#ifndef CLI_DESCRIPTOR_H
#define CLI_DESCRIPTOR_H

#include <jansson.h>

#include "sd_text.h"
#include "work.h"

struct descriptor {
	struct session *session; /* borrowed; directory NULL: none is at hand, SIDs have no names */
	char *name;              /* DN, path or "SDDL" */
	struct sd sd;
	enum sd_rights rights; /* those of a CA if it is one's dircaCASecurity */
	bool has_domains;      /* so that SDDL's aliases of a domain mean something */
	struct sid domain, forest_root;
};

/* Of the argument: a file (a descriptor as bytes, or SDDL); the DN of an object or the name of a
 * template, whose nTSecurityDescriptor it is; the name of a CA, whose dircaCASecurity it is.
 * Without an argument of --sddl. Only what is in the directory needs it.
 * ERROR_INVALID_DATA says what is malformed. */
bool descriptor_open(struct work *w, struct descriptor *out, struct err *err);
void descriptor_close(struct descriptor *d);
/* SDDL with the aliases of the directory's domains. sd_free(). */
bool descriptor_from_sddl(
    const struct descriptor *d, const char *sddl, struct sd *out, struct err *err);

/* {"sid", "name"}; the name is null where nobody knows it. */
json_t *descriptor_json_sid(const struct descriptor *d, const struct sid *sid);
/* The name of a SID; NULL where nobody knows it. free(). */
char *descriptor_name_of(const struct descriptor *d, const struct sid *sid);
/* An ACE in words, with names. free(). */
char *descriptor_ace_text(const struct descriptor *d, const struct ace *ace);

#endif
