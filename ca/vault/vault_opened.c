#include "vault_opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "archive.h"
#include "mem.h"
#include "own.h"

#define MAGIC      "dirca-xchg1" /* 12 octets with its NUL, in the first record */
#define BODY       (VAULT_OPENED_RECORD - VAULT_OPENED_CHAIN)
#define SLOTS_MIN  1024
#define READ_COUNT 1024 /* records read at once */

enum { KIND_HEAD = 'h', KIND_OPENED = 'o', KIND_FAILED = 'f' };

/* ---- the table ---- */

/* Where a key is or would be: open addressing, never more than three quarters full. */
static struct vault_opened_slot *
place(const struct vault_opened *o, const uint8_t key[VAULT_OPENED_KEY])
{
	uint64_t hash;
	size_t at;

	memcpy(&hash, key, sizeof hash);
	hash = (hash ^ o->salt) * UINT64_C(0x9E3779B97F4A7C15);
	at = (size_t)(hash >> 32) & (o->slot_count - 1);
	while (o->slots[at].state != 0 && memcmp(o->slots[at].key, key, VAULT_OPENED_KEY) != 0)
		at = (at + 1) & (o->slot_count - 1);
	return &o->slots[at];
}

/* A table of millions is no small thing: without memory for it nothing more is opened. */
static bool
grow(struct vault_opened *o, struct err *err)
{
	struct vault_opened larger = *o;

	if ((o->count + 1) * 4 <= o->slot_count * 3)
		return true;
	larger.slot_count = o->slot_count > 0 ? 2 * o->slot_count : SLOTS_MIN;
	if ((larger.slots = calloc(larger.slot_count, sizeof *larger.slots)) == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < o->slot_count; i++)
		if (o->slots[i].state != 0)
			*place(&larger, o->slots[i].key) = o->slots[i];
	free(o->slots);
	*o = larger;
	return true;
}

/* What a record says, into the table. */
static bool
apply(struct vault_opened *o, const struct vault_opened_slot *record, struct err *err)
{
	struct vault_opened_slot *slot;

	if (!grow(o, err))
		return false;
	slot = place(o, record->key);
	if (slot->state == 0)
		o->count++;
	if (record->state == KIND_FAILED && slot->state != KIND_FAILED)
		o->failures++;
	*slot = *record;
	return true;
}

/* ---- the file ---- */

static bool
link_record(const uint8_t chain[VAULT_OPENED_CHAIN], const uint8_t body[BODY],
    uint8_t out[VAULT_OPENED_CHAIN])
{
	uint8_t both[VAULT_OPENED_CHAIN + BODY], hash[32];

	memcpy(both, chain, VAULT_OPENED_CHAIN);
	memcpy(both + VAULT_OPENED_CHAIN, body, BODY);
	if (EVP_Digest(both, sizeof both, hash, NULL, cms_digest(NID_sha256), NULL) != 1)
		return false;
	memcpy(out, hash, VAULT_OPENED_CHAIN);
	return true;
}

/* At the end of the whole records: half a record of a full disk is written over by the next. */
static bool
append(struct vault_opened *o, const uint8_t body[BODY], struct err *err)
{
	uint8_t record[VAULT_OPENED_RECORD];
	ssize_t n;

	memcpy(record, body, BODY);
	if (!link_record(o->chain, body, record + BODY))
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing what was opened");
	do {
		n = pwrite(o->fd, record, sizeof record, o->size);
	} while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof record) {
		if (n >= 0)
			errno = ENOSPC;
		return err_errno(err, DIRCA_E_IO,
		    "the vault cannot write down what an exchange key opens; keys are not archived "
		    "until it can");
	}
	o->size += (off_t)sizeof record;
	memcpy(o->chain, record + BODY, VAULT_OPENED_CHAIN);
	o->dirty = true;
	return true;
}

/* The record that names the exchange key. */
static void
head(struct view id, uint8_t body[BODY])
{
	body[0] = KIND_HEAD;
	memcpy(body + 1, MAGIC, sizeof MAGIC);
	/* Of the name's octets those that fit. */
	memcpy(body + 1 + sizeof MAGIC, id.ptr, BODY - 1 - sizeof MAGIC);
}

static bool
begin(struct vault_opened *o, struct err *err)
{
	*o = (struct vault_opened){.fd = -1};
	return RAND_bytes((unsigned char *)&o->salt, (int)sizeof o->salt) == 1 ||
	       err_openssl(err, DIRCA_E_CRYPTO, "a random number for the vault");
}

bool
vault_opened_create(struct vault_opened *o, const char *path, struct view id, struct err *err)
{
	uint8_t body[BODY];

	if (!begin(o, err))
		return false;
	if ((o->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot create", path);
	head(id, body);
	if (append(o, body, err) && grow(o, err) &&
	    (fsync(o->fd) == 0 || err_errno(err, DIRCA_E_IO, "%s: cannot fsync", path)))
		return true;
	vault_opened_close(o);
	unlink(path);
	return false;
}

static bool
damaged(const char *path, off_t at, struct err *err)
{
	return err_set(err, DIRCA_E_CONFIG,
	    "%s: damaged at octet %lld, so that it is not known what this exchange key opened; the "
	    "key is not used any more, and clients fetch another exchange certificate",
	    path, (long long)at);
}

/* One record of the file, which must continue the chain. */
static bool
take(struct vault_opened *o, const uint8_t *record, const uint8_t expected_head[BODY],
    bool *good_out, struct err *err)
{
	struct vault_opened_slot slot = {.state = record[0]};
	uint8_t chain[VAULT_OPENED_CHAIN];

	*good_out = false;
	if (!link_record(o->chain, record, chain))
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing what was opened");
	if (memcmp(chain, record + BODY, sizeof chain) != 0)
		return true;
	if (o->size == 0) {
		if (memcmp(record, expected_head, BODY) != 0)
			return true;
	} else {
		if (slot.state != KIND_OPENED && slot.state != KIND_FAILED)
			return true;
		memcpy(slot.key, record + 1, sizeof slot.key);
		memcpy(slot.whole, record + 1 + sizeof slot.key, sizeof slot.whole);
		if (!apply(o, &slot, err))
			return false;
	}
	memcpy(o->chain, chain, sizeof chain);
	o->size += VAULT_OPENED_RECORD;
	*good_out = true;
	return true;
}

/* All records; what follows the last whole and right one must be less than two of them, the torn
 * end of what was written when the machine stopped. */
static bool
read_all(struct vault_opened *o, const char *path, struct view id, struct err *err)
{
	static const size_t room = (size_t)READ_COUNT * VAULT_OPENED_RECORD;
	OWNED(own_memory) uint8_t *bytes = mem_zero(READ_COUNT, VAULT_OPENED_RECORD);
	uint8_t expected_head[BODY];
	off_t end = lseek(o->fd, 0, SEEK_END);
	bool good = true;

	head(id, expected_head);
	if (end == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot seek", path);
	while (good && end - o->size >= VAULT_OPENED_RECORD) {
		ssize_t n = pread(o->fd, bytes, room, o->size);

		if (n < VAULT_OPENED_RECORD)
			return err_errno(err, DIRCA_E_IO, "%s: cannot read", path);
		for (ssize_t at = 0; good && at + VAULT_OPENED_RECORD <= n;
		     at += VAULT_OPENED_RECORD)
			if (!take(o, bytes + at, expected_head, &good, err))
				return false;
	}
	if (o->size == 0 || end - o->size >= 2 * VAULT_OPENED_RECORD)
		return damaged(path, o->size, err);
	return true;
}

bool
vault_opened_load(struct vault_opened *o, const char *path, struct view id, struct err *err)
{
	if (!begin(o, err))
		return false;
	if ((o->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: it is not known what this exchange key opened; the key is not used any "
		    "more, and clients fetch another exchange certificate",
		    path);
	/* Before the sandbox closes, which lets no file be cut. */
	if (grow(o, err) && read_all(o, path, id, err) &&
	    (ftruncate(o->fd, o->size) == 0 ||
		err_errno(err, DIRCA_E_IO, "%s: cannot be cut to whole records", path)))
		return true;
	vault_opened_close(o);
	return false;
}

void
vault_opened_close(struct vault_opened *o)
{
	if (o->fd != -1)
		close(o->fd);
	free(o->slots);
	*o = (struct vault_opened){.fd = -1};
}

/* ---- opening ---- */

static bool
write_down(struct vault_opened *o, const struct vault_opened_slot *record, struct err *err)
{
	uint8_t body[BODY];

	body[0] = record->state;
	memcpy(body + 1, record->key, sizeof record->key);
	memcpy(body + 1 + sizeof record->key, record->whole, sizeof record->whole);
	return append(o, body, err);
}

bool
vault_opened_claim(struct vault_opened *o, const uint8_t encrypted_key[32], const uint8_t whole[32],
    struct err *err)
{
	struct vault_opened_slot record = {.state = KIND_OPENED};
	const struct vault_opened_slot *known;

	memcpy(record.key, encrypted_key, sizeof record.key);
	memcpy(record.whole, whole, sizeof record.whole);
	known = place(o, record.key);
	if (known->state == 0)
		/* Room first: what is in the file is in the table. */
		return grow(o, err) && write_down(o, &record, err) && apply(o, &record, err);
	return (known->state == KIND_OPENED &&
		   memcmp(known->whole, record.whole, sizeof record.whole) == 0) ||
	       archive_refuse(err);
}

bool
vault_opened_fail(struct vault_opened *o, const uint8_t encrypted_key[32], struct err *err)
{
	struct vault_opened_slot record;

	record = *place(o, encrypted_key);
	if (record.state != KIND_OPENED)
		return true;
	record.state = KIND_FAILED;
	return apply(o, &record, err) && write_down(o, &record, err);
}
