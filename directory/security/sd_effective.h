/*
 * Who holds a right on an object: the questions that a review of templates and PKI containers asks.
 * Pure, over the DACL alone: groups are named, not expanded. A SID is listed if the access check
 * grants it the right for its own ACEs (and as owner), and no earlier ACE denies it to that SID or
 * to Everyone; a denial for another group that its members happen to be in is not seen, so that the
 * list says too much rather than too little. ACEs under a condition grant nothing (sd.h).
 */
#ifndef SECURITY_SD_EFFECTIVE_H
#define SECURITY_SD_EFFECTIVE_H

#include "sd.h"

struct sd_question {
	uint32_t mask; /* all bits needed */
	/* Extended right, schemaIDGUID of an attribute or class; NULL: the whole object, thus all
	 * extended rights or all attributes. */
	const uint8_t *object;
	const uint8_t *property_set; /* that the attribute `object` belongs to, or NULL */
	/* SD_MAPPING_DS counts stored GENERIC_* bits, as a reader who maps them would. NULL: they
	 * mean nothing. */
	const struct sd_mapping *mapping;
};

/* Questions whose holders can take a PKI object over, or enroll, with the DS mapping. GENERIC_ALL
 * answers all of them, "full control" all but the last. */
extern const struct sd_question SD_ASKS_WRITE_DACL;
extern const struct sd_question SD_ASKS_WRITE_OWNER;
extern const struct sd_question SD_ASKS_ENROLL;
extern const struct sd_question SD_ASKS_AUTOENROLL;

struct sd_trustee {
	struct sid sid;
	int ace; /* that completed it; SD_OWNER, SD_NULL_DACL */
};

struct sd_trustees {
	struct sd_trustee *list; /* in the order of the DACL, the owner last, each once */
	size_t count;
};

/* Whether one SID would be listed; *ace_out as in struct sd_trustee. */
bool sd_trustee_holds(
    const struct sd *sd, const struct sid *sid, const struct sd_question *question, int *ace_out);
/* Without DACL: Everyone, SD_NULL_DACL.. */
bool sd_effective_trustees(const struct sd *sd, const struct sd_question *question,
    struct sd_trustees *out, struct err *err);
/* The same for writing one attribute: by its schemaIDGUID, its property set (or NULL) or all. */
bool sd_effective_writers(const struct sd *sd, const uint8_t attribute[GUID_LEN],
    const uint8_t *property_set, struct sd_trustees *out, struct err *err);
void sd_trustees_free(struct sd_trustees *t);

#endif
