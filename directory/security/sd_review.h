/*
 * What somebody who reads a security descriptor wants to be told: what is wrong with its DACL, and
 * how it differs from the one that it should be. Pure. Of officer rules (officer.h) nothing of this
 * is true.
 */
#ifndef SECURITY_SD_REVIEW_H
#define SECURITY_SD_REVIEW_H

#include "sd.h"

struct sd_finding {
	int ace; /* index into aces, SD_NO_ACE or SD_NULL_DACL */
	const char *what;
};

struct sd_findings {
	struct sd_finding *list; /* in the order of the DACL */
	size_t count;
};

/* No DACL, or an empty one; and ACEs that do something else than they seem to say: of unknown
 * types, under a condition, of a SACL, without rights, out of order, twice. Who has the rights, and
 * whether he should, is not asked. */
void sd_review(const struct sd *sd, struct sd_findings *out);
void sd_findings_free(struct sd_findings *f);

struct sd_difference {
	bool wanted;           /* what `wanted` holds and the other lacks; false: the reverse */
	const char *what;      /* "owner", "DACL" ... */
	const struct sid *sid; /* one of sid, ace, words */
	const struct ace *ace;
	const char *words;
};

struct sd_differences {
	struct sd_difference *list;
	size_t count;
};

/* Only the parts that `wanted` has are compared: owner, group, DACL with its protection and the
 * order of its ACEs, SACL. That a directory made an ACL by inheriting (AI, AR) is no difference.
 * The list points into both. */
void sd_compare(const struct sd *sd, const struct sd *wanted, struct sd_differences *out);
void sd_differences_free(struct sd_differences *d);

#endif
