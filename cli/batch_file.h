/*
 * A batch of archived keys on an agent's machine: what root ordered, as the CA's key signed it, and
 * the keys (docs/PROTOCOL.md). Nothing of it is believed before that.
 */
#ifndef CLI_BATCH_FILE_H
#define CLI_BATCH_FILE_H

#include "kra_keys.h"
#include "rewrap_order.h"

struct batch_file {
	struct kra_keys keys; /* the agent's */
	struct rewrap_order order;
	struct buf file;
	struct view message, entries; /* in it: the order, signed; the keys */
};
/* The agent's keys, and the file, whole, of a CA that he trusts, and of the last 30 days.
 * CRYPT_E_HASH_VALUE, CERT_E_EXPIRED, and as rewrap_order_verify. */
bool batch_file_open(const struct cli *cli, struct batch_file *out, struct err *err);
void batch_file_close(struct batch_file *b);

/* Each key of it, until `each` fails; how far it is goes to the terminal that stderr may be. Ends
 * in good order where one asks it to (interruption.h). */
typedef bool batch_each(void *arg, const struct rewrap_entry *e, struct err *err);
bool batch_file_walk(const struct batch_file *b, batch_each *each, void *arg, struct err *err);
/* The key of an entry, and its certificate, as who opens it wants them. recovery_free. */
bool batch_blob(const struct rewrap_entry *e, struct recovery_blob *out, struct err *err);
/* Says what is wrong with one. */
void batch_complain(const struct rewrap_entry *e, const struct err *why);

#endif
