/*
 * What giving out archived keys that an agent seals to others, taking them back and putting them
 * back as they were have in common (rewrap_export_act.c, rewrap_import_act.c).
 */
#ifndef SERVICE_REWRAPPING_H
#define SERVICE_REWRAPPING_H

#include "config.h"
#include "enabled_kras.h"
#include "rewrap_order.h"
#include "store.h"

#define REWRAP_SHA1 20

struct rewrapping {
	const struct config *config;
	struct enabled_kras kras;
	struct store *store;
	char *actor;
	struct rewrap_order order; /* of what comes back */
	int64_t done, there, refused;
	bool shows_progress;
};

void rewrapping_free(struct rewrapping *r);
/* What is root's is read before, and files are opened: the rights of root are given up. */
bool rewrapping_begin(struct rewrapping *r, struct err *err);
/* The line at a terminal, and none there any more. */
void rewrapping_show(const struct rewrapping *r);
void rewrapping_end(const struct rewrapping *r);
/* SHA-256 */
void rewrapping_hash(struct view octets, uint8_t out[REWRAP_HASH]);
/* So many agents as each key is sealed to, all of them different. CERTSRV_E_NO_VALID_KRA */
bool rewrapping_check_agents(
    const struct rewrapping *r, const struct pkix_cert *const *kras, size_t count, struct err *err);
/* The agents' hashes as rows have them; free(). */
char *rewrapping_hashes(const struct pkix_cert *const *kras, size_t count, size_t threshold);
/* In place, as records have them: "0123..fe,4567..ba,threshold=2". */
char *rewrapping_one_line(char *hashes);

#endif
