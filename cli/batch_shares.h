/*
 * Shares of the keys of a batch that several agents open together: what one writes for who combines
 * them, and what that one reads. No share is on a disk in plain.
 */
#ifndef CLI_BATCH_SHARES_H
#define CLI_BATCH_SHARES_H

#include "batch_file.h"
#include "key_shares.h"
#include "work.h"

/* What goes with --share and --combine, of a verb that writes OUT without them. DIRCA_E_USAGE. */
bool batch_shares_check(const struct cli *cli, struct err *err);

/* --share: the agent's share of each key, for the one whom root ordered to combine them and whom
 * --to names; says so. What a file of such shares has already is not opened again. */
bool batch_shares_write(struct work *w, struct batch_file *b, struct err *err);

/* Those of --combine. DIRCA_E_KEY_SHARE: a file is of another batch. */
struct batch_shares {
	struct batch_share *list; /* ascending by request */
	size_t count;
	size_t bad;        /* found wrong so far, and named */
	struct buf *files; /* storage of the shares */
	size_t file_count;
};
bool batch_shares_read(
    const struct cli *cli, const struct rewrap_order *o, struct batch_shares *out, struct err *err);
void batch_shares_free(struct batch_shares *s);
/* Of a key, those that are right, and those that the agent's own keys open; says which are wrong,
 * and whose they are. */
void batch_shares_of(struct batch_shares *s, const struct rewrap_entry *e,
    const struct recovery_blob *b, const struct recovery_agent *agent, struct key_shares *out);
/* Says which files have shares of keys that are not in the batch. */
void batch_shares_end(struct batch_shares *s);

#endif
