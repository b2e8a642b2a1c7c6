/* What the files of this room share. Not for other rooms. */
#ifndef ARCHIVE_ARCHIVE_PRIV_H
#define ARCHIVE_ARCHIVE_PRIV_H

#include "archive.h"

/* archive_payload_read, of what `decode` takes. */
typedef bool archive_decode(struct view der, struct cms_enveloped *out, struct err *err);
bool archive_read(archive_decode *decode, struct view payload, struct view issuer,
    struct view serial, const EVP_PKEY *key, struct archive_payload *out, struct err *err);

#endif
