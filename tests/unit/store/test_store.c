/*
 * Opening and refusing databases; settings; CRLs and revoked lists.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_test.h"

static void
assert_refused(struct fixture *f, const char *path, const char *part)
{
	struct store *s = (struct store *)f;

	assert_false(store_open(path, &s, &f->err));
	assert_null(s);
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
	if (strstr(f->err.msg, part) == NULL)
		fail_msg("expected \"%s\", got: %s", part, f->err.msg);
}

static void
a_new_database_is_private_and_in_wal_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char mode[16], wal[128];

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof wal, "%s-wal", f->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	raw_text(f, "PRAGMA journal_mode", mode, sizeof mode);
	assert_string_equal(mode, "wal");
	store_close(&f->store);
	assert_int_equal(stat(wal, &st), -1);
}

static void
a_newer_version_is_refused(void **state)
{
	struct fixture *f = *state;
	int has, program;

	store_close(&f->store);
	assert_int_equal(raw_exec(f, "PRAGMA user_version = 99"), SQLITE_OK);
	assert_refused(f, f->path, "version is 99");
	assert_ok(f, store_version(f->path, &has, &program, &f->err));
	assert_int_equal(has, 99);
	assert_false(store_version("/no/such/folder/dirca.db", &has, &program, &f->err));
	assert_int_equal(raw_exec(f, "PRAGMA user_version = -1"), SQLITE_OK);
	assert_refused(f, f->path, "version is -1");
	assert_int_equal(raw_exec(f, "PRAGMA user_version = 0"), SQLITE_OK);
	assert_refused(f, f->path, "schema");
}

/* Which of these rows the table takes, '1' or '0' each. */
static void
try_rows(const struct fixture *f, char *out)
{
	char sql[512];

	for (int d = 0; d <= 40; d++)
		for (int full = 0; full < 2; full++) {
			snprintf(sql, sizeof sql,
			    full ? "BEGIN; INSERT INTO Request(HasArchivedKey, Disposition, "
				   "SerialNumber, CertificateHash, NotAfter, RawCertificate, "
				   "RevokedWhen, RevokedEffectiveWhen, RevokedReason) SELECT 0, "
				   "%d, 'ab', zeroblob(20), 1, x'30', r, r, r - 1 "
				   "FROM (SELECT iif(%d = 21, 1, NULL) AS r)"
				 : "BEGIN; INSERT INTO Request(HasArchivedKey, Disposition) "
				   "VALUES (0, %d)",
			    d, d);
			*out++ = raw_exec(f, sql) == SQLITE_OK ? '1' : '0';
		}
	for (int reason = -1; reason <= 12; reason++) {
		snprintf(sql, sizeof sql,
		    "BEGIN; INSERT INTO Request(HasArchivedKey, Disposition, SerialNumber, "
		    "CertificateHash, NotAfter, RawCertificate, RevokedWhen, RevokedEffectiveWhen, "
		    "RevokedReason) VALUES (0, 21, 'ab', zeroblob(20), 1, x'30', 1, 1, %d)",
		    reason);
		*out++ = raw_exec(f, sql) == SQLITE_OK ? '1' : '0';
	}
	*out = '\0';
}

static void
rules_in_another_form_take_the_same_rows(void **state)
{
	struct fixture *f = *state;
	char before[128], after[128], table[8192];
	struct sample s;

	sample_issued(&s, 1);
	add_row(f, &s.row);
	store_close(&f->store);
	assert_int_equal(raw_exec(f, TO_VERSION_26), SQLITE_OK);
	raw_text(f, "SELECT sql FROM sqlite_schema WHERE name = 'Request'", table, sizeof table);
	assert_non_null(strstr(table, "Disposition IN (8"));
	try_rows(f, before);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	raw_text(f, "SELECT sql FROM sqlite_schema WHERE name = 'Request'", table, sizeof table);
	assert_null(strstr(table, "IN (8"));
	assert_null(strstr(table, "IN (12"));
	assert_null(strstr(table, "IN (0"));
	try_rows(f, after);
	assert_string_equal(before, after);
	/* 8, 9, 12, 20, 21, 30 and 31, three of them with a certificate only; nine reasons. */
	assert_string_equal(after, "0000000000000000111100000100000000000000"
				   "010100000000000000001111000000000000000000"
				   "01111111001100");
	sample_issued(&s, 2);
	add_row(f, &s.row);
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Request"), 2);
	assert_int_equal(
	    raw_number(f, "SELECT Requests FROM RequestCount WHERE Disposition = 20"), 2);
	assert_sound(f);
}

static void
a_changed_schema_is_refused(void **state)
{
	/* What is done, what undoes it, what the refusal names. The last ones cannot be undone by
	 * SQL. */
	static const char *const changes[][3] = {
	    {"CREATE INDEX ByHand ON Request(EMail)", "DROP INDEX ByHand",
		"index ByHand is not ours"},
	    {"CREATE TABLE Zzz (a)", "DROP TABLE Zzz", "table Zzz is not ours"},
	    {"CREATE TABLE Aaa (a)", "DROP TABLE Aaa", "table Aaa is not ours"},
	    {"DROP TRIGGER AuditDelete", NULL, "trigger AuditDelete is missing"},
	    {"ALTER TABLE CrlList ADD COLUMN Extra TEXT", NULL, "table CrlList was changed"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		store_close(&f->store);
		assert_int_equal(raw_exec(f, changes[i][0]), SQLITE_OK);
		assert_refused(f, f->path, "its schema is not the one");
		assert_non_null(strstr(f->err.msg, changes[i][2]));
		if (changes[i][1] != NULL) {
			assert_int_equal(raw_exec(f, changes[i][1]), SQLITE_OK);
			assert_ok(f, store_open(f->path, &f->store, &f->err));
		}
	}
}

static void
an_analyzed_database_is_not_a_changed_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(raw_exec(f, "ANALYZE"), SQLITE_OK);
	reopen(f);
}

static void
files_that_are_no_database_of_ours_are_refused(void **state)
{
	struct fixture *f = *state;
	char other[128];
	int fd;

	assert_refused(f, "/nonexistent/ca.db", "there is none");
	assert_refused(f, f->folder, "unable to open");
	snprintf(other, sizeof other, "%s/link", f->folder);
	assert_int_equal(symlink(f->path, other), 0);
	assert_refused(f, other, "cannot be opened");
	unlink(other);

	snprintf(other, sizeof other, "%s/garbage", f->folder);
	fd = open(other, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "this is not a database at all, sorry", 36), 36);
	close(fd);
	assert_refused(f, other, "not a database");
	unlink(other);

	store_close(&f->store);
	unlink(f->path);
	assert_int_equal(raw_exec(f, "CREATE TABLE Customers (a)"), SQLITE_OK);
	assert_refused(f, f->path, "Customers");
	assert_int_equal(raw_number(f, "SELECT count(*) FROM sqlite_schema"), 1);
}

/* A file system that is not mounted, a restore that forgot it: nothing is begun anew. */
static void
a_database_that_is_lost_is_not_made_anew(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	assert_int_equal(truncate(f->path, 0), 0);
	assert_refused(f, f->path, "it is empty");
	assert_int_equal(unlink(f->path), 0);
	assert_refused(f, f->path, "there is none");
	assert_int_not_equal(access(f->path, F_OK), 0);
	assert_ok(f, store_create(f->path, &f->store, &f->err));
}

/* In a child, since root may write what nobody may. */
static void
a_read_only_file_is_refused(void **state)
{
	struct fixture *f = *state;
	pid_t child;
	int status;

	store_close(&f->store);
	assert_int_equal(chmod(f->path, 0444), 0);
	assert_int_equal(chmod(f->folder, 0555), 0);
	if ((child = fork()) == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		_exit(store_open(f->path, &f->store, &f->err) ? 1
		      : f->err.code == DIRCA_E_DATABASE       ? 0
							      : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(chmod(f->folder, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- settings ---- */

struct setting {
	const char *name, *value;
};

static bool
work_set(struct store_tx *tx, void *arg, struct err *err)
{
	const struct setting *s = arg;

	return store_set_setting(tx, s->name, s->value, err);
}

static void
set(struct fixture *f, const char *name, const char *value)
{
	struct setting s = {name, value};

	assert_ok(f, store_do(f->store, work_set, &s, &f->err));
}

static void
settings_are_kept_changed_and_deleted(void **state)
{
	struct fixture *f = *state;
	struct store_settings all;
	char *value;

	assert_ok(f, store_get_setting(f->store, "CA\\KRACertCount", &value, &f->err));
	assert_null(value);
	set(f, "CA\\KRACertCount", "2");
	set(f, "ca\\kracertcount", "3");
	set(f, "CA\\AuditFilter", "");
	assert_ok(f, store_get_setting(f->store, "CA\\kraCERTcount", &value, &f->err));
	assert_string_equal(value, "3");
	free(value);
	assert_ok(f, store_get_setting(f->store, "CA\\AuditFilter", &value, &f->err));
	assert_string_equal(value, "");
	free(value);
	assert_ok(f, store_list_settings(f->store, &all, &f->err));
	assert_int_equal(all.count, 2);
	assert_string_equal(all.names[0], "CA\\AuditFilter");
	assert_string_equal(all.names[1], "CA\\KRACertCount");
	assert_string_equal(all.values[1], "3");
	store_settings_free(&all);
	set(f, "CA\\KRACertCount", NULL);
	set(f, "CA\\NeverWas", NULL);
	assert_ok(f, store_get_setting(f->store, "CA\\KRACertCount", &value, &f->err));
	assert_null(value);
}

static void
periods_in_seconds_become_pairs(void **state)
{
	static const char *const names[] = {"CA\\CRLPeriod", "CA\\CRLPeriodUnits",
	    "CA\\CAXchgOverlapPeriod", "CA\\CAXchgOverlapPeriodUnits", "CA\\CRLOverlapPeriod"};
	static const char *const values[] = {"Seconds", "3600", "Days", "2", NULL};
	struct fixture *f = *state;

	set(f, "CA\\crlperiodseconds", "3600");
	/* Somebody was quicker: what he wrote stays. */
	set(f, "CA\\CAXchgOverlapPeriodSeconds", "60");
	set(f, "CA\\CAXchgOverlapPeriod", "Days");
	set(f, "CA\\CAXchgOverlapPeriodUnits", "2");
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_7), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *value;

		assert_ok(f, store_get_setting(f->store, names[i], &value, &f->err));
		if (values[i] == NULL)
			assert_null(value);
		else
			assert_string_equal(value, values[i]);
		free(value);
	}
}

static void
many_settings_are_listed(void **state)
{
	struct fixture *f = *state;
	struct store_settings all;
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "CA\\Setting%03d", i);
		set(f, name, name);
	}
	assert_ok(f, store_list_settings(f->store, &all, &f->err));
	assert_int_equal(all.count, 100);
	for (size_t i = 0; i < all.count; i++)
		assert_string_equal(all.names[i], all.values[i]);
	store_settings_free(&all);
}

static void
malformed_settings_are_refused(void **state)
{
	static char long_name[300];
	struct setting bad[] = {{"", "x"}, {long_name, "x"}, {"\xff", "x"}, {"CA\\X", "\xff"}};
	struct fixture *f = *state;

	memset(long_name, 'n', sizeof long_name - 1);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(store_do(f->store, work_set, &bad[i], &f->err));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM Setting"), 0);
}

/* ---- CRLs ---- */

/* A CA version. */
#define CA_VERSION(key, certificate) ((key) << 16 | (certificate))

static bool
work_crl(struct store_tx *tx, void *arg, struct err *err)
{
	const struct store_new_crl *c = arg;

	return store_add_crl(tx, c, err) && store_forget_changes(tx, c->this_update, err);
}

static struct store_new_crl
new_crl(uint32_t name_id, int64_t number, int64_t this_update, int64_t next_update, const char *der)
{
	return (struct store_new_crl){.name_id = name_id,
	    .number = number,
	    .this_update = this_update,
	    .next_update = next_update,
	    .next_publish = next_update - 10,
	    .der = view_str(der)};
}

static const struct store_crl_id complete, of_second_key = {.key_index = 1},
					   of_third_key = {.key_index = 2};

static void
the_newest_crl_is_kept_and_numbers_only_grow(void **state)
{
	struct fixture *f = *state;
	struct store_new_crl c = new_crl(0, 1, 100, 200, "first");
	struct store_crl newest;

	assert_ok(f, store_newest_crl(f->store, &complete, &newest, &f->err));
	assert_int_equal(newest.number, 0);
	assert_int_equal(newest.der.len, 0);
	store_crl_free(&newest);
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	c = new_crl(0, 3, 150, 250, "third");
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_ok(f, store_newest_crl(f->store, &complete, &newest, &f->err));
	assert_int_equal(newest.number, 3);
	assert_int_equal(newest.this_update, 150);
	assert_int_equal(newest.next_update, 250);
	assert_memory_equal(newest.der.ptr, "third", 5);
	store_crl_free(&newest);

	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, ERROR_FILE_EXISTS);
	c.number = 2;
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	c.number = 4;
	c.next_update = 150;
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_DATABASE);
	c.next_update = 250;
	c.der.len = 0;
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, E_INVALIDARG);
}

struct revoked_seen {
	const char *first; /* its serial number */
	size_t count;
};

static bool
see_revoked(const struct store_revoked *r, void *arg, struct err *err)
{
	struct revoked_seen *seen = arg;

	(void)err;
	if (seen->count++ == 0 && seen->first != NULL) {
		assert_string_equal(r->serial, seen->first);
		assert_int_equal(r->when, 400);
		assert_int_equal(r->reason, 1);
	}
	return true;
}

static void
assert_revoked_of(struct fixture *f, uint32_t issuer, int64_t now, size_t count, const char *first)
{
	const struct store_crl_query q = {.issuer = issuer, .now = now};
	struct revoked_seen seen = {.first = first};
	struct store_snapshot *s;

	assert_ok(f, store_snapshot_begin(f->store, &s, &f->err));
	assert_ok(f, store_walk_revoked(s, &q, see_revoked, &seen, &f->err));
	store_snapshot_end(&s);
	assert_int_equal(seen.count, count);
}

static void
assert_revoked(struct fixture *f, int64_t now, size_t count, const char *first)
{
	assert_revoked_of(f, 0, now, count, first);
}

static void
revoked_rows_leave_the_crl_after_one_that_outlived_them(void **state)
{
	struct fixture *f = *state;
	struct store_new_crl c = new_crl(0, 1, 1500, 1600, "crl");
	struct sample one, two, three;
	struct revocation r = {.effective = 400, .reason = 1};

	sample_issued(&one, 1); /* all expire at 2000 */
	sample_issued(&two, 2);
	sample_issued(&three, 3);
	r.id = add_row(f, &one.row);
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	r = (struct revocation){add_row(f, &two.row), 700, 5};
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	add_row(f, &three.row);

	assert_revoked(f, 500, 1, one.serial);
	assert_revoked(f, 700, 2, one.serial);
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_revoked(f, 2100, 2, one.serial);
	c = new_crl(0, 2, 2100, 2200, "crl");
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_revoked(f, 2200, 0, NULL);
	/* That CRL was of a clock that was ahead. */
	assert_revoked(f, 1800, 2, one.serial);
	/* And this clock is behind: both were revoked at 500. */
	assert_revoked(f, 450, 2, one.serial);
}

/* Two keys of one CA: each CRL lists what its own key issued, and its own past decides what leaves
 * it. */
static void
each_ca_key_has_crls_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct store_new_crl c = new_crl(0, 1, 100, 200, "old");
	struct revocation r = {.effective = 400, .reason = 1};
	struct sample one, two;
	struct store_crl newest;
	int64_t last;

	sample_issued(&one, 1);
	sample_issued(&two, 2);
	two.row.issuer_name_id = CA_VERSION(1, 2);
	r.id = add_row(f, &one.row);
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	r.id = add_row(f, &two.row);
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	assert_revoked(f, 500, 1, one.serial);
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	c = new_crl(CA_VERSION(1, 2), 2, 2100, 2200, "new");
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_ok(f, store_newest_crl_dates(f->store, &complete, &newest, &f->err));
	assert_int_equal(newest.number, 1);
	assert_ok(f, store_newest_crl_dates(f->store, &of_second_key, &newest, &f->err));
	assert_int_equal(newest.number, 2);
	assert_int_equal(newest.name_id, CA_VERSION(1, 2));
	assert_ok(f, store_newest_crl_dates(f->store, &of_third_key, &newest, &f->err));
	assert_int_equal(newest.number, 0);
	assert_ok(f, store_last_crl_number(f->store, &last, &f->err));
	assert_int_equal(last, 2);
	/* All expire at 2000, and only the new key has made a CRL since. */
	assert_revoked(f, 2150, 1, one.serial);
	assert_revoked_of(f, CA_VERSION(1, 2), 2150, 0, NULL);
	/* One number is given once, whichever key wants it. */
	c.name_id = 0;
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, ERROR_FILE_EXISTS);
}

static void
rows_of_before_renewals_are_of_the_first_certificate(void **state)
{
	struct fixture *f = *state;
	struct revocation r = {.effective = 400, .reason = 1};
	struct sample one;

	sample_issued(&one, 1);
	r.id = add_row(f, &one.row);
	assert_ok(f, store_do(f->store, work_revoke, &r, &f->err));
	store_close(&f->store);
	assert_int_equal(go_back(f, TO_VERSION_10), SQLITE_OK);
	assert_ok(f, store_open(f->path, &f->store, &f->err));
	assert_revoked(f, 500, 1, one.serial);
}

/* ---- delta CRLs and partitions ---- */

struct changed {
	size_t count, removed;
	char serials[8][64];
};

static bool
see_changed(const struct store_revoked *r, void *arg, struct err *err)
{
	struct changed *seen = arg;

	(void)err;
	snprintf(seen->serials[seen->count++], sizeof seen->serials[0], "%s", r->serial);
	seen->removed += r->reason == 8;
	return true;
}

/* What a list of that partition would hold; how far the changes are. */
static int64_t
look(struct fixture *f, struct store_crl_query q, struct changed *out)
{
	struct store_snapshot *s;
	int64_t changes;

	*out = (struct changed){0};
	assert_ok(f, store_snapshot_begin(f->store, &s, &f->err));
	assert_ok(f, store_walk_revoked(s, &q, see_changed, out, &f->err));
	changes = store_snapshot_changes(s);
	store_snapshot_end(&s);
	assert_null(s);
	return changes;
}

static void
revoke_row(struct fixture *f, int64_t id, int reason)
{
	assert_ok(
	    f, store_do(f->store, work_revoke, &(struct revocation){id, 400, reason}, &f->err));
}

static int64_t
delta_of(struct fixture *f, uint32_t partition, int64_t since, struct changed *out)
{
	return look(f,
	    (struct store_crl_query){
		.partition = partition, .delta = true, .now = 500, .since = since},
	    out);
}

static void
a_delta_holds_what_changed_since_its_base(void **state)
{
	struct fixture *f = *state;
	struct sample s[3];
	struct changed seen;
	int64_t id[3], base;

	for (unsigned i = 0; i < 3; i++) {
		sample_issued(&s[i], i + 1);
		s[i].row.crl_partition = i;
		id[i] = add_row(f, &s[i].row);
	}
	revoke_row(f, id[0], 1);
	revoke_row(f, id[1], 6);
	base = look(f, (struct store_crl_query){.now = 500}, &seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(delta_of(f, 0, base, &seen), base);
	assert_int_equal(seen.count, 0);
	/* A hold that was lifted, one that was set and lifted, one that stays. */
	revoke_row(f, id[1], 8);
	revoke_row(f, id[2], 6);
	assert_true(delta_of(f, 0, base, &seen) > base);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.removed, 1);
	revoke_row(f, id[2], 8);
	delta_of(f, 0, base, &seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.removed, 2);
	revoke_row(f, id[2], 4);
	delta_of(f, 0, base, &seen);
	assert_int_equal(seen.removed, 1);
	/* Each in its partition's list too, and in no other. */
	delta_of(f, 2, base, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.serials[0], s[2].serial);
	delta_of(f, 3, base, &seen);
	assert_int_equal(seen.count, 0);
	look(f, (struct store_crl_query){.partition = 2, .now = 500}, &seen);
	assert_int_equal(seen.count, 1);
	look(f, (struct store_crl_query){.partition = 1, .now = 500}, &seen);
	assert_int_equal(seen.count, 0);
	look(f, (struct store_crl_query){.now = 500}, &seen);
	assert_int_equal(seen.count, 2);
}

static void
a_delta_builds_on_the_oldest_base_that_is_valid(void **state)
{
	struct fixture *f = *state;
	const struct store_crl_id delta = {.delta = true}, other = {.partition = 1, .delta = true};
	struct store_new_crl c = new_crl(0, 1, 100, 200, "one");
	struct store_crl base;
	int64_t number;

	c.changes = 5;
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	c = new_crl(0, 2, 150, 250, "two");
	c.changes = 9;
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	/* Made together: one number. */
	c.base_number = 1;
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, ERROR_FILE_EXISTS);
	/* A list of another partition would run back. */
	c = new_crl(0, 1, 150, 250, "part");
	c.partition = 1;
	assert_false(store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(f->err.code, ERROR_FILE_EXISTS);

	assert_ok(f, store_delta_base(f->store, &delta, 199, &base, &f->err));
	assert_int_equal(base.number, 1);
	assert_int_equal(base.changes, 5);
	assert_ok(f, store_delta_base(f->store, &delta, 200, &base, &f->err));
	assert_int_equal(base.number, 2);
	assert_ok(f, store_delta_base(f->store, &delta, 250, &base, &f->err));
	assert_int_equal(base.number, 0);
	assert_ok(f, store_delta_base(f->store, &other, 199, &base, &f->err));
	assert_int_equal(base.number, 0);
	assert_ok(f, store_last_crl_number(f->store, &number, &f->err));
	assert_int_equal(number, 2);
	assert_ok(f, store_most_partitions(f->store, 0, &number, &f->err));
	assert_int_equal(number, 0);
	c.number = 3;
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_ok(f, store_most_partitions(f->store, 0, &number, &f->err));
	assert_int_equal(number, 1);
	assert_ok(f, store_most_partitions(f->store, 1, &number, &f->err));
	assert_int_equal(number, 0);
}

/* What every valid base knows is forgotten, and its numbers do not come again: a change after it
 * is one that the base does not know. */
static void
changes_that_are_forgotten_do_not_hide_new_ones(void **state)
{
	struct fixture *f = *state;
	struct sample one, two;
	struct changed seen;
	struct store_new_crl c;
	struct store_crl known;
	int64_t id, base;

	sample_issued(&one, 1);
	sample_issued(&two, 2);
	revoke_row(f, add_row(f, &one.row), 1);
	id = add_row(f, &two.row);
	base = look(f, (struct store_crl_query){.now = 500}, &seen);
	c = new_crl(0, 1, 500, 900, "crl");
	c.changes = base;
	assert_ok(f, store_do(f->store, work_crl, &c, &f->err));
	assert_int_equal(raw_number(f, "SELECT count(*) FROM RevocationChange"), 0);
	revoke_row(f, id, 1);
	delta_of(f, 0, base, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.serials[0], two.serial);
	/* One that no delta can build on holds nothing back, and is no base. */
	assert_int_equal(raw_exec(f, "UPDATE CrlList SET CRLChanges = NULL"), SQLITE_OK);
	assert_ok(f, store_delta_base(
			 f->store, &(struct store_crl_id){.delta = true}, 600, &known, &f->err));
	assert_int_equal(known.number, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_ca_key_has_crls_of_its_own),
	    TEST(rows_of_before_renewals_are_of_the_first_certificate),
	    TEST(a_new_database_is_private_and_in_wal_mode),
	    TEST(a_newer_version_is_refused),
	    TEST(rules_in_another_form_take_the_same_rows),
	    TEST(a_changed_schema_is_refused),
	    TEST(an_analyzed_database_is_not_a_changed_one),
	    TEST(files_that_are_no_database_of_ours_are_refused),
	    TEST(a_database_that_is_lost_is_not_made_anew),
	    TEST(a_read_only_file_is_refused),
	    TEST(settings_are_kept_changed_and_deleted),
	    TEST(periods_in_seconds_become_pairs),
	    TEST(many_settings_are_listed),
	    TEST(malformed_settings_are_refused),
	    TEST(the_newest_crl_is_kept_and_numbers_only_grow),
	    TEST(revoked_rows_leave_the_crl_after_one_that_outlived_them),
	    TEST(a_delta_holds_what_changed_since_its_base),
	    TEST(a_delta_builds_on_the_oldest_base_that_is_valid),
	    TEST(changes_that_are_forgotten_do_not_hide_new_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
