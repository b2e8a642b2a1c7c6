/*
 * Frames between the front (or the supervisor) and the vault: u32 LE length of what follows, u8
 * operation or status, then fields, each u32 LE length and bytes. Inside the room only; both ends
 * are this program, yet the vault trusts no length.
 */
#ifndef VAULT_WIRE_H
#define VAULT_WIRE_H

#include "buf.h"

enum vault_op {
	VAULT_OP_INFO = 1,
	VAULT_OP_ISSUE,
	VAULT_OP_SIGN_CRL,
	VAULT_OP_SIGN_MESSAGE,
	VAULT_OP_XCHG_CREATE,
	VAULT_OP_XCHG_LIST,
	VAULT_OP_REWRAP,
	VAULT_OP_SET_KRAS, /* on the control socket only, as is the next */
	VAULT_OP_PING,
	VAULT_OP_GENERATE,
	VAULT_OP_KRAS,
	VAULT_OP_SIGN_CHECKPOINT,
	VAULT_OP_OCSP_CERTIFICATE,
	VAULT_OP_SIGN_OCSP,
	VAULT_OP_XCHG_PROVIDER,
	VAULT_OP_SET_KRA_ISSUERS, /* as SET_KRAS; certificates, a field each */
	VAULT_OP_IMPORT_CREATE,   /* fields as of XCHG_CREATE */
	VAULT_OP_IMPORT_LIST,
	VAULT_OP_IMPORT
};

enum vault_status { VAULT_STATUS_OK, VAULT_STATUS_ERROR };

#define WIRE_FIELDS_MAX 264
#define WIRE_REPLY_MAX  (2u << 20)
/* Fields of what the vault says of itself; the certificates of the CA, the newest first, are the
 * rest. */
enum { INFO_RECORDS, INFO_NEWEST_CRL, INFO_CERTIFICATES };
/* Fields of an exchange key's wish: u32 bits, u32 seconds, two CRL and two issuer URLs, empty where
 * there is none. */
enum {
	XCHG_BITS,
	XCHG_LIFE,
	XCHG_CDP,
	XCHG_AIA = XCHG_CDP + 2,
	XCHG_TEMPLATE = XCHG_AIA + 2, /* OID, or empty; two u32 */
	XCHG_MAJOR,
	XCHG_MINOR,
	XCHG_FIELDS
};
/* What makes exchange keys: two octets, whether a token's key is named and whether there is another
 * way; its name where it can be used; else u32 error and sentence. Then the same two of why the
 * token of the CA key gives no random numbers, 0 where it does or need not. */
enum {
	PROVIDER_FLAGS,
	PROVIDER_ID,
	PROVIDER_ERROR,
	PROVIDER_TEXT,
	PROVIDER_SEED_ERROR,
	PROVIDER_SEED_TEXT,
	PROVIDER_FIELDS
};
/* A list of KRAs, in SET_KRAS and in the answer to KRAS: u32 how many of them seal a key, what each
 * reads, an octet (enum cms_reader), then the certificates. */
enum { KRAS_COUNT, KRAS_THRESHOLD, KRAS_READERS, KRAS_CERTIFICATES };
/* Fields of a rewrap request. */
enum {
	REWRAP_PAYLOAD,
	REWRAP_ISSUER,
	REWRAP_SERIAL,
	REWRAP_SPKI,
	REWRAP_XCHG_ID,
	REWRAP_KRAS,
	REWRAP_CIPHER,
	REWRAP_REQUESTER,
	REWRAP_FIELDS
};

/* Fields of an act of issuing, and those of a rewrap behind them where a key is archived. `before`
 * and `after` are what stands around the certificate's hash in the content of the answer; both
 * empty: none is wanted. The vault's answer: the archived key if there is one, the certificate's
 * signature, and the answer's signed attributes and signature if one is wanted. */
enum { ISSUE_TBS, ISSUE_BEFORE, ISSUE_AFTER, ISSUE_FIELDS };

/* Fields of an import. */
enum {
	IMPORT_PAYLOAD,
	IMPORT_CERTIFICATE,
	IMPORT_USER,
	IMPORT_KRAS,
	IMPORT_CIPHER,
	IMPORT_REQUESTER,
	IMPORT_FIELDS
};

/* Fields of a request for a key of the vault's own making; the transport is a cipher, an octet, and
 * whether OAEP is used, another. Its answer: certificate, archived key, delivered key. */
enum {
	GENERATE_TBS,
	GENERATE_RECIPIENT,
	GENERATE_TRANSPORT,
	GENERATE_KRAS,
	GENERATE_CIPHER,
	GENERATE_FIELDS
};
enum { GENERATED_CERTIFICATE, GENERATED_ARCHIVED, GENERATED_DELIVERED, GENERATED_FIELDS };

/* Building: begin, field ..., then send. `frame` keeps its memory between uses. */
bool wire_begin(struct buf *frame, uint8_t op, struct err *err);
bool wire_field(struct buf *frame, struct view field, struct err *err);
/* Numbers are little-endian fields of 4 and 8 octets. */
bool wire_field_u32(struct buf *frame, uint32_t n, struct err *err);
bool wire_field_u64(struct buf *frame, uint64_t n, struct err *err);
/* Fills the length in and writes the whole frame. DIRCA_E_VAULT if the other end is gone. */
bool wire_send(int fd, struct buf *frame, struct err *err);
/* The same with one more field behind the frame, which is not copied. */
bool wire_send_with(int fd, struct buf *frame, struct view last, struct err *err);

enum wire_result { WIRE_OK, WIRE_CLOSED, WIRE_FAILED };
/* Header of the next frame: operation or status, and the length of the fields. WIRE_CLOSED: the
 * other end closed between frames. */
enum wire_result wire_receive_header(int fd, uint8_t *op_out, uint32_t *len_out, struct err *err);
/* The fields' bytes; the caller has checked `len`. `body` keeps its memory between uses. */
bool wire_receive_body(int fd, uint32_t len, struct buf *body, struct err *err);
/* Splits a body; ERROR_INVALID_DATA if it does not end with a field or holds more than `max`. */
bool wire_split(
    struct view body, struct view *fields, size_t max, size_t *count_out, struct err *err);
/* False for a field of another length. */
bool wire_u32(struct view field, uint32_t *out);
bool wire_u64(struct view field, uint64_t *out);

#endif
