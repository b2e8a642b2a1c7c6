#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/objects.h>
#include <openssl/sha.h>

#include "clock.h"
#include "cms.h"
#include "file.h"
#include "own.h"
#include "text.h"

#define CHAIN_LEN SHA256_DIGEST_LENGTH
#define BODY_LEN  (JOURNAL_RECORD_LEN - CHAIN_LEN)
/* Where what stands in the body. */
#define AT_POSITION   0
#define AT_WHEN       8
#define AT_KIND       16
#define AT_NUMBER_LEN 17
#define AT_NUMBER     18
#define AT_SHA256     40

const char *
journal_kind_name(enum journal_kind kind)
{
	static const char *const names[JOURNAL_KINDS] = {
	    [JOURNAL_BEGUN] = "beginning of the journal",
	    [JOURNAL_STARTED] = "start of the vault",
	    [JOURNAL_STOPPED] = "end of the vault",
	    [JOURNAL_INIT] = "dirca ca init",
	    [JOURNAL_CERTIFICATE] = "certificate",
	    [JOURNAL_EXCHANGE] = "exchange certificate",
	    [JOURNAL_CRL] = "CRL",
	    [JOURNAL_RESPONSE] = "response",
	    [JOURNAL_RECOVERY] = "recovery BLOB",
	    [JOURNAL_KEY] = "private key made by the CA",
	    [JOURNAL_CHECKPOINT] = "checkpoint of the audit trail",
	};

	return names[kind];
}

static void
put_u64le(uint8_t *to, uint64_t n)
{
	for (size_t i = 0; i < 8; i++)
		to[i] = (uint8_t)(n >> (8 * i));
}

static uint64_t
get_u64le(const uint8_t *from)
{
	uint64_t n = 0;

	for (size_t i = 8; i-- > 0;)
		n = n << 8 | from[i];
	return n;
}

static bool
chain(const uint8_t before[CHAIN_LEN], const uint8_t body[BODY_LEN], uint8_t out[CHAIN_LEN])
{
	uint8_t both[CHAIN_LEN + BODY_LEN];
	struct err ignored;

	memcpy(both, before, CHAIN_LEN);
	memcpy(both + CHAIN_LEN, body, BODY_LEN);
	return cms_digest_of(NID_sha256, view_of(both, sizeof both), out, &ignored);
}

static bool
encode(const struct journal_entry *e, uint64_t position, const uint8_t before[CHAIN_LEN],
    uint8_t out[JOURNAL_RECORD_LEN])
{
	memset(out, 0, JOURNAL_RECORD_LEN);
	put_u64le(out + AT_POSITION, position);
	put_u64le(out + AT_WHEN, (uint64_t)e->when);
	out[AT_KIND] = (uint8_t)e->kind;
	out[AT_NUMBER_LEN] = (uint8_t)e->number_len;
	memcpy(out + AT_NUMBER, e->number, e->number_len);
	memcpy(out + AT_SHA256, e->sha256, sizeof e->sha256);
	return chain(before, out, out + BODY_LEN);
}

/* False if the record is not number `position` behind `before`. */
static bool
decode(const uint8_t record[JOURNAL_RECORD_LEN], uint64_t position, const uint8_t before[CHAIN_LEN],
    struct journal_entry *out)
{
	uint8_t expected[CHAIN_LEN];

	if (!chain(before, record, expected) || get_u64le(record + AT_POSITION) != position ||
	    record[AT_KIND] == 0 || record[AT_KIND] >= JOURNAL_KINDS ||
	    record[AT_NUMBER_LEN] > JOURNAL_NUMBER_MAX ||
	    memcmp(expected, record + BODY_LEN, CHAIN_LEN) != 0)
		return false;
	*out = (struct journal_entry){.kind = (enum journal_kind)record[AT_KIND],
	    .when = (int64_t)get_u64le(record + AT_WHEN),
	    .number_len = record[AT_NUMBER_LEN]};
	memcpy(out->number, record + AT_NUMBER, out->number_len);
	memcpy(out->sha256, record + AT_SHA256, sizeof out->sha256);
	return true;
}

bool
journal_add(
    struct journal *j, struct journal_entry *e, struct view what, int64_t now, struct err *err)
{
	uint8_t record[JOURNAL_RECORD_LEN];
	bool ok = false;

	e->when = now;
	if (what.len > 0 && !cms_digest_of(NID_sha256, what, e->sha256, err))
		return false;
	pthread_mutex_lock(&j->lock);
	errno = EIO;
	if (!j->broken && encode(e, j->count + 1, j->chain, record)) {
		/* After half a record nothing can follow: what is written next would not fit. */
		j->broken = !file_write_all(j->fd, view_of(record, sizeof record));
		ok = !j->broken;
	}
	if (ok) {
		j->count++;
		memcpy(j->chain, record + BODY_LEN, CHAIN_LEN);
		j->unsynced = true;
	}
	pthread_mutex_unlock(&j->lock);
	return ok || err_errno(err, DIRCA_E_IO,
			 "the vault's journal cannot be written, and nothing is signed without it; "
			 "give it space and start dircad again");
}

bool
journal_sync(struct journal *j, struct err *err)
{
	bool wanted;

	pthread_mutex_lock(&j->lock);
	wanted = j->unsynced;
	j->unsynced = false;
	pthread_mutex_unlock(&j->lock);
	return !wanted || fdatasync(j->fd) == 0 ||
	       err_errno(err, DIRCA_E_IO, "the vault's journal could not be synced");
}

/* ---- opening ---- */

static bool
read_at(int fd, uint64_t position, uint8_t out[JOURNAL_RECORD_LEN])
{
	return pread(fd, out, JOURNAL_RECORD_LEN, (off_t)((position - 1) * JOURNAL_RECORD_LEN)) ==
	       JOURNAL_RECORD_LEN;
}

static bool
is_zero(const uint8_t record[JOURNAL_RECORD_LEN])
{
	static const uint8_t zero[JOURNAL_RECORD_LEN];

	return memcmp(record, zero, sizeof zero) == 0;
}

/* What a machine that stopped in the middle leaves at the end: half a record, or a length without
 * its octets. */
static bool
cut_tail(struct journal *j, off_t size, const char *path, struct err *err)
{
	uint8_t record[JOURNAL_RECORD_LEN];
	uint64_t count = (uint64_t)size / JOURNAL_RECORD_LEN;

	while (count > 0 && read_at(j->fd, count, record) && is_zero(record))
		count--;
	if ((off_t)(count * JOURNAL_RECORD_LEN) != size &&
	    ftruncate(j->fd, (off_t)(count * JOURNAL_RECORD_LEN)) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot cut off half a record", path);
	j->count = count;
	return true;
}

/* The last record continues the one before it; the others are `journal_walk`'s. */
static bool
find_end(struct journal *j, const char *path, struct err *err)
{
	uint8_t last[JOURNAL_RECORD_LEN], before[JOURNAL_RECORD_LEN] = {0};
	struct journal_entry e;

	if (j->count == 0)
		return true;
	if (!read_at(j->fd, j->count, last) ||
	    (j->count > 1 && !read_at(j->fd, j->count - 1, before)))
		return err_errno(err, DIRCA_E_IO, "%s: cannot read", path);
	if (!decode(last, j->count, before + BODY_LEN, &e))
		return err_set(err, DIRCA_E_JOURNAL,
		    "%s: the last record does not fit the one before it; find out who changed the "
		    "file, put it aside and start dircad again",
		    path);
	memcpy(j->chain, last + BODY_LEN, CHAIN_LEN);
	return true;
}

static bool
lock(int fd, int64_t patience_ms)
{
	const struct timespec pause = {0, 20000000};
	int64_t until = clock_mono_ms() + patience_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || clock_mono_ms() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Whoever is waited for writes until it ends: the file is looked at under the lock alone. */
static bool
open_file(struct journal *j, const char *path, int64_t patience_ms, struct err *err)
{
	struct stat st;

	j->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd == -1)
		return err_errno(err, DIRCA_E_IO, "%s: cannot open the vault's journal", path);
	if (!lock(j->fd, patience_ms))
		return err_errno(err, DIRCA_E_JOURNAL,
		    "%s: another process signs for this CA; stop dircad first", path);
	if (fstat(j->fd, &st) != 0)
		return err_errno(err, DIRCA_E_IO, "%s: cannot stat", path);
	return cut_tail(j, st.st_size, path, err) && find_end(j, path, err);
}

bool
journal_open(
    struct journal *j, const char *folder, int64_t now, int64_t patience_ms, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/" JOURNAL_FILE, folder);
	struct journal_entry begun = {.kind = JOURNAL_BEGUN};

	*j = (struct journal){.fd = -1};
	pthread_mutex_init(&j->lock, NULL);
	if (open_file(j, path, patience_ms, err) &&
	    (j->count > 0 || journal_add(j, &begun, (struct view){0}, now, err)))
		return true;
	journal_close(j);
	return false;
}

/* From the end: one of a kind that is looked for is never far from it. */
bool
journal_newest_number(
    struct journal *j, enum journal_kind kind, uint64_t *number_out, struct err *err)
{
	uint8_t record[JOURNAL_RECORD_LEN];

	*number_out = 0;
	for (uint64_t at = j->count; at > 0; at--) {
		if (!read_at(j->fd, at, record))
			return err_errno(err, DIRCA_E_IO, "the vault's journal cannot be read");
		if (record[AT_KIND] != (uint8_t)kind)
			continue;
		for (size_t i = 0;
		     record[AT_NUMBER_LEN] <= sizeof *number_out && i < record[AT_NUMBER_LEN]; i++)
			*number_out = *number_out << 8 | record[AT_NUMBER + i];
		return true;
	}
	return true;
}

bool
journal_length(struct journal *j, uint64_t *records_out, struct err *err)
{
	pthread_mutex_lock(&j->lock);
	*records_out = j->count;
	pthread_mutex_unlock(&j->lock);
	return journal_sync(j, err);
}

void
journal_close(struct journal *j)
{
	if (j->fd != -1)
		close(j->fd);
	j->fd = -1;
}

/* ---- reading ---- */

bool
journal_walk_file(FILE *f, const char *path, journal_each *each, void *arg, struct err *err)
{
	uint8_t record[JOURNAL_RECORD_LEN], before[CHAIN_LEN] = {0};
	struct journal_entry e;

	/* Half a record at the end is one that is just being written. */
	for (uint64_t position = 1; fread(record, sizeof record, 1, f) == 1; position++) {
		if (!decode(record, position, before, &e))
			return err_set(err, DIRCA_E_JOURNAL,
			    "%s: record %llu was changed, or one before it is missing", path,
			    (unsigned long long)position);
		if (!each(&e, arg, err))
			return false;
		memcpy(before, record + BODY_LEN, CHAIN_LEN);
	}
	return ferror(f) == 0 || err_errno(err, DIRCA_E_IO, "%s: cannot read", path);
}

bool
journal_walk(const char *path, journal_each *each, void *arg, struct err *err)
{
	OWNED(own_file) FILE *f = fopen(path, "re");

	if (f == NULL)
		return err_errno(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : DIRCA_E_IO,
		    "%s: cannot open the vault's journal", path);
	return journal_walk_file(f, path, each, arg, err);
}
