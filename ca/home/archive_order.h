/*
 * Root's order about a batch of archived keys (rewrap_order.h), made: whom root has enabled stands
 * in it, and nobody else, whatever the batch asks for. The key of the CA is opened by root for this
 * one signature, as for a copy of the CA; the vault signs none, so that who is the front cannot
 * have one.
 */
#ifndef HOME_ARCHIVE_ORDER_H
#define HOME_ARCHIVE_ORDER_H

#include "config.h"
#include "rewrap_order.h"
#include "texts.h"

/* `to`: SHA-1 of the certificates of the agents to come, in hexadecimal digits, in the order in
 * which the entries have them; none of a drill. `combiner`: the same of who puts the shares
 * together, where several agents open the keys, whose certificate the KRA store has, enabled or
 * not; NULL: each opens them alone. CERTSRV_E_NO_VALID_KRA: one is not enabled, or not there.
 * ERROR_INVALID_DATA: the entries are for others. */
struct archive_order {
	const char *const *to;
	size_t count;
	const char *combiner;
};
bool archive_order_make(const struct config *config, const struct archive_order *in,
    struct view entries, struct buf *message_out, struct err *err);

#endif
