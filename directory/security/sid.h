/*
 * Security identifiers ([MS-DTYP] 2.4.2): binary <-> "S-1-5-21-...". Plain values, compared whole.
 */
#ifndef SECURITY_SID_H
#define SECURITY_SID_H

#include "buf.h"

#define SID_SUBS_MAX 15
#define SID_BIN_MAX  (8 + 4 * SID_SUBS_MAX)
#define SID_TEXT_MAX 190

struct sid {
	uint8_t count;      /* sub-authorities */
	uint64_t authority; /* 48 bits */
	uint32_t subs[SID_SUBS_MAX];
};

struct sids {
	struct sid *list;
	size_t count;
};

/* Takes one SID from the front of `cursor` ([MS-DTYP] 2.4.2.2). */
bool sid_get(struct view *cursor, struct sid *out);
/* The whole view is one SID. */
bool sid_decode(struct view raw, struct sid *out, struct err *err);
bool sid_encode(const struct sid *sid, struct buf *out, struct err *err); /* appends */
bool sid_from_text(const char *text, struct sid *out);
void sid_to_text(const struct sid *sid, char out[SID_TEXT_MAX]);
bool sid_eq(const struct sid *a, const struct sid *b);
/* <domain SID>-rid */
bool sid_with_rid(const struct sid *domain, uint32_t rid, struct sid *out);

/* One for a new domain, S-1-5-21-... by chance ([MS-DTYP] 2.4.2.4). */
bool sid_new_domain(struct sid *out, struct err *err);

extern const struct sid SID_EVERYONE;            /* S-1-1-0 */
extern const struct sid SID_AUTHENTICATED_USERS; /* S-1-5-11 */
extern const struct sid SID_THIS_ORGANIZATION;   /* S-1-5-15 */

/* A SID that is there already is ignored. */
void sids_put(struct sids *set, const struct sid *sid);
/* The same; true. */
bool sids_add(struct sids *set, const struct sid *sid, struct err *err);
/* The SIDs one after the other, as they are written down: appends. Decoding takes nothing else. */
bool sids_encode(const struct sids *set, struct buf *out, struct err *err);
bool sids_decode(struct view raw, struct sids *out, struct err *err);
bool sids_contain(const struct sids *set, const struct sid *sid);
void sids_free(struct sids *set);

#endif
