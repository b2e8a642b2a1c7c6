/*
 * Whom archived keys are sealed to: <state>/trust/kra-enabled, which root writes by `dirca kra
 * enable`, `disable` and `count` and the supervisor gives to the vault. To be in the KRA store
 * (kra_store.h) alone seals nothing.
 */
#ifndef HOME_KRA_POLICY_H
#define HOME_KRA_POLICY_H

#include "cms.h"
#include "config.h"

struct kra_policy_kra {
	uint8_t sha256[32]; /* of its certificate */
	enum cms_reader reader;
};
struct kra_policy {
	size_t count;     /* recipients of each key; 0: nobody said yet */
	size_t threshold; /* of these to open it together; 0 or 1: each alone */
	struct kra_policy_kra *enabled;
	size_t enabled_count;
};

/* kra_policy_free. ERROR_FILE_NOT_FOUND: a CA of an older program, which sealed to all of its store
 * (kra_upgrade.h). DIRCA_E_CONFIG: not root's, or not what `dirca kra` wrote. */
bool kra_policy_read(const struct config *config, struct kra_policy *out, struct err *err);
/* DIRCA_E_TOO_LARGE over KRA_ENABLED_MAX. */
bool kra_policy_write(
    const struct config *config, const struct kra_policy *policy, struct err *err);
void kra_policy_free(struct kra_policy *policy);
/* 1 where nobody said more. */
size_t kra_policy_threshold(const struct kra_policy *policy);

/* NULL: it is not enabled. */
struct kra_policy_kra *kra_policy_find(const struct kra_policy *policy, const uint8_t sha256[32]);
bool kra_policy_has(const struct kra_policy *policy, const uint8_t sha256[32]);
/* In memory; a new one's reader knows OAEP. What it is now; borrowed until the list changes. */
struct kra_policy_kra *kra_policy_enable(struct kra_policy *policy, const uint8_t sha256[32]);
void kra_policy_disable(struct kra_policy *policy, const uint8_t sha256[32]);

/* Between reading and writing: nobody else does. close() ends it. */
bool kra_policy_lock(const struct config *config, int *fd_out, struct err *err);

#endif
