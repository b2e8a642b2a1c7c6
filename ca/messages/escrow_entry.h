/*
 * An entry of an escrow batch (docs/PROTOCOL.md): a certificate, its private key encrypted for the
 * CA that imports it, and whose it is, signed by who exports it. A batch is entries one after the
 * other, in one file or several.
 */
#ifndef MESSAGES_ESCROW_ENTRY_H
#define MESSAGES_ESCROW_ENTRY_H

#include "cms.h"

#define ESCROW_BATCH_ID  16
#define ESCROW_ENTRY_MAX 65536
#define ESCROW_TOTAL_MAX 10000000

struct escrow_entry {
	struct view batch; /* ESCROW_BATCH_ID octets */
	int32_t index, total;
	struct view certificate;
	struct view key; /* archive_import_seal; empty: of a certificate for signatures only */
	char *user, *friendly_name; /* NULL: none */
	struct buf content;         /* storage of the views */
};
/* The content that is signed. E_INVALIDARG, DIRCA_E_TOO_LARGE. */
bool escrow_entry_encode(const struct escrow_entry *e, struct buf *out, struct err *err);
/* ERROR_INVALID_DATA, DIRCA_E_TOO_LARGE. */
bool escrow_entry_decode(struct view content, struct escrow_entry *out, struct err *err);
void escrow_entry_free(struct escrow_entry *e);

/* The entry that somebody signed, and who, a view into `message`. The signature is verified under
 * the certificate that the message brings; whether to believe that one is the caller's question. */
bool escrow_entry_verify(const struct cms_signed *message, struct escrow_entry *out,
    struct view *signer_out, struct err *err);
/* Does this begin with an entry? *len_out: its length. */
bool escrow_entry_begins(struct view file, size_t *len_out);

#endif
