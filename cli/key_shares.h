/*
 * Shares of a key that several key recovery agents open together: what one writes for who combines
 * them, and what that one reads. No share is on a disk in plain.
 */
#ifndef CLI_KEY_SHARES_H
#define CLI_KEY_SHARES_H

#include <stdio.h>

#include "cli.h"
#include "recovery.h"

struct key_shares {
	struct recovery_share *list;
	size_t count;
	size_t own; /* of them, and the first: those that the agent's own keys open */
};

/* What goes with --share, --to and --combine. DIRCA_E_USAGE. */
bool key_shares_check(const struct cli *cli, struct err *err);
/* --share: writes the agent's share, encrypted to the certificate of --to, and says so. */
bool key_share_write(const struct cli *cli, const struct recovery_blob *b,
    const struct recovery_agent *agent, struct err *err);
/* Those of --combine, and those that the agent's own keys open. */
bool key_shares_collect(const struct cli *cli, const struct recovery_blob *b,
    const struct recovery_agent *agent, struct key_shares *out, struct err *err);
/* Those that the agent's own keys open, with room for so many more. */
void key_shares_own(const struct recovery_blob *b, const struct recovery_agent *agent, size_t more,
    struct key_shares *out);
/* Takes one that is right. DIRCA_E_KEY_SHARE: it is there already. */
bool key_shares_add(struct key_shares *s, const struct recovery_blob *b,
    struct recovery_share *share, struct err *err);
void key_shares_free(struct key_shares *s);
/* Whose shares are wanted beside those that are here, by the commands that are typed next. False,
 * and nothing: they suffice. */
bool key_shares_tell(
    FILE *to, const struct cli *cli, const struct recovery_blob *b, const struct key_shares *have);

#endif
