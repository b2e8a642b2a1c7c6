/*
 * Finding rows: recovery candidates, lists, counts, and the index behind each search.
 */
#include "store_priv.h"
#include "store_test.h"

static void
candidates_are_found_by_every_key_without_case(void **state)
{
	static const struct {
		enum store_key by;
		const char *value;
	} keys[] = {
	    {STORE_BY_UPN, "USER1@NWTraders.com"},
	    {STORE_BY_COMMON_NAME, "user one"},
	    {STORE_BY_REQUESTER, "nwtraders\\USER1"},
	    {STORE_BY_REQUESTER_SID, "S-1-5-21-1-2-3-1101"},
	    {STORE_BY_REQUESTER_DN, "cn=user1,ou=sales,"},
	    {STORE_BY_SERIAL, "61 1E 23 C2 00 00 00 01"},
	    {STORE_BY_SERIAL, "00611e23c200000001"},
	    {STORE_BY_CERTIFICATE_HASH, "01 00 00 00 0000000000000000000000000000 0000"},
	};
	struct fixture *f = *state;
	struct sample s, other;
	struct store_requests rs;
	int64_t id;

	sample_issued(&s, 1);
	s.row.requester_sid = TEXT("S-1-5-21-1-2-3-1101");
	s.row.requester_dn = TEXT("CN=User1,OU=Sales,DC=nwtraders,DC=com");
	id = add_row(f, &s.row);
	sample_issued(&other, 2);
	other.row.requester_sid = TEXT("S-1-5-21-1-2-3-110");
	other.row.requester_dn = TEXT("CN=User10,OU=Sales,DC=nwtraders,DC=com");
	other.row.upn = TEXT("user2@nwtraders.com");
	other.row.common_name = TEXT("User Two");
	other.row.requester_name = TEXT("NWTRADERS\\user2");
	add_row(f, &other.row);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		assert_ok(
		    f, store_find_candidates(f->store, keys[i].by, keys[i].value, &rs, &f->err));
		assert_int_equal(rs.count, 1);
		assert_int_equal(rs.list[0].request_id, id);
		assert_null(rs.list[0].raw_archived_key.ptr);
		store_requests_free(&rs);
	}
	assert_ok(
	    f, store_find_candidates(f->store, STORE_BY_UPN, "user%@nwtraders.com", &rs, &f->err));
	assert_int_equal(rs.count, 0);
	assert_ok(f, store_find_candidates(f->store, STORE_BY_UPN, "", &rs, &f->err));
	assert_int_equal(rs.count, 0);
	assert_false(store_find_candidates(f->store, STORE_BY_SERIAL, "not hex", &rs, &f->err));
	assert_false(
	    store_find_candidates(f->store, STORE_BY_CERTIFICATE_HASH, "0102", &rs, &f->err));
	assert_int_equal(f->err.code, ERROR_INVALID_DATA);
}

/* By all spellings that a directory takes for one, and by no other. */
static void
names_are_found_as_directories_find_them(void **state)
{
	static const struct {
		enum store_key by;
		const char *value;
		unsigned found; /* bits of the rows */
	} searches[] = {
	    {STORE_BY_COMMON_NAME, "J\u00f6rg Case", 3},
	    {STORE_BY_COMMON_NAME, "J\u00d6RG CASE", 3},
	    {STORE_BY_COMMON_NAME, "jo\u0308rg  case ", 3}, /* as a Mac types it */
	    {STORE_BY_COMMON_NAME, "Jorg Case", 0},
	    {STORE_BY_COMMON_NAME, "J\u00f6rg", 0},
	    {STORE_BY_COMMON_NAME, "\uff2ait case", 0},
	    {STORE_BY_COMMON_NAME, "\uff30it Case", 4}, /* a wide letter */
	    {STORE_BY_COMMON_NAME, "PIT  CASE", 4},
	    {STORE_BY_UPN, "\u00dcNAL.GONE@nwtraders.com", 1},
	    {STORE_BY_UPN, "u\u0308nal.gone@NWTRADERS.com", 1},
	    {STORE_BY_UPN, "\u03a3\u03a3@x", 2}, /* both small sigmas */
	    {STORE_BY_REQUESTER, "nwtraders\\STRASSE", 2},
	    {STORE_BY_REQUESTER, "nwtraders\\stra\u00dfe", 2},
	    {STORE_BY_REQUESTER, "NWTRADERS\\\u017fmith", 4}, /* a long s */
	    {STORE_BY_REQUESTER_DN, "cn=\u00fcnal gone,", 1},
	    {STORE_BY_REQUESTER_DN, "CN=U\u0308", 1},
	    {STORE_BY_REQUESTER_DN, "CN=Pit", 4},
	};
	struct fixture *f = *state;
	struct sample s[3];

	for (unsigned i = 0; i < 3; i++)
		sample_issued(&s[i], i + 1);
	s[0].row.common_name = TEXT("J\u00f6rg Case");
	s[0].row.upn = TEXT("\u00fcnal.gone@nwtraders.com");
	s[0].row.requester_name = TEXT("NWTRADERS\\one");
	s[0].row.requester_dn = TEXT("CN=\u00dcnal Gone,DC=nwtraders,DC=com");
	s[1].row.common_name = TEXT("JO\u0308RG CASE");
	s[1].row.upn = TEXT("\u03c3\u03c2@x");
	s[1].row.requester_name = TEXT("NWTRADERS\\Stra\u00dfe");
	s[1].row.requester_dn = TEXT("CN=Two,DC=nwtraders,DC=com");
	s[2].row.common_name = TEXT("Pit Case");
	s[2].row.upn = TEXT("pit@x");
	s[2].row.requester_name = TEXT("NWTRADERS\\Smith");
	s[2].row.requester_dn = TEXT("CN=Pit Case,DC=nwtraders,DC=com");
	for (int i = 0; i < 3; i++)
		assert_int_equal(add_row(f, &s[i].row), i + 1);
	/* As they were stored, and as a migration finds those of an older program. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
			struct store_requests rs;
			unsigned found = 0;

			assert_ok(f, store_find_candidates(f->store, searches[i].by,
					 searches[i].value, &rs, &f->err));
			for (size_t k = 0; k < rs.count; k++)
				found |= 1u << (rs.list[k].request_id - 1);
			if (found != searches[i].found || rs.count > 2)
				fail_msg("%s: %u", searches[i].value, found);
			store_requests_free(&rs);
		}
		assert_int_equal(raw_number(f, "SELECT count(*) FROM MatchName"), 4);
		store_close(&f->store);
		assert_int_equal(raw_exec(f, TO_VERSION_26), 0);
		assert_int_equal(
		    raw_exec(f, TO_VERSION_25 TO_VERSION_24 TO_VERSION_23 TO_VERSION_22), 0);
		reopen(f);
	}
	const struct store_filter filters[] = {{.requester_name = "NWTRADERS\\STRASSE"},
	    {.requester_name = "NWTRADERS\\STRASSE", .newest_first = true},
	    {.requester_name = "NWTRADERS\\STRASSE", .disposition = DISP_ISSUED},
	    {.requester_name = "NWTRADERS\\STRASSE",
		.disposition = DISP_ISSUED,
		.newest_first = true},
	    {.requester_name = "NWTRADERS\\STRASSE", .sort = STORE_SORT_UPN},
	    {.requester_name = "NWTRADERS\\STRASSE", .sort = STORE_SORT_UPN, .newest_first = true}};

	for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
		struct store_requests rs;

		assert_ok(f, store_list_requests(f->store, &filters[i], &rs, &f->err));
		assert_int_equal(rs.count, 1);
		assert_int_equal(rs.list[0].request_id, 2);
		store_requests_free(&rs);
	}
}

static void
only_rows_with_keys_that_were_issued_are_candidates(void **state)
{
	struct fixture *f = *state;
	struct sample s;
	struct store_requests rs;
	struct revocation c = {.reason = 1, .effective = 600};
	int64_t imported;

	sample_issued(&s, 1);
	c.id = add_row(f, &s.row);
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	sample_issued(&s, 2);
	s.row.raw_archived_key = (struct buf){0};
	s.row.key_recovery_hashes = NULL;
	add_row(f, &s.row);
	sample_issued(&s, 3);
	s.row.disposition = DISP_PENDING;
	add_row(f, &s.row);
	sample_issued(&s, 4);
	s.row.disposition = DISP_FOREIGN;
	imported = add_row(f, &s.row);

	assert_ok(
	    f, store_find_candidates(f->store, STORE_BY_UPN, "user1@nwtraders.com", &rs, &f->err));
	assert_int_equal(rs.count, 2);
	assert_int_equal(rs.list[0].request_id, c.id);
	assert_int_equal(rs.list[0].disposition, DISP_REVOKED);
	assert_int_equal(rs.list[1].request_id, imported);
	store_requests_free(&rs);
}

static bool
work_many(struct store_tx *tx, void *arg, struct err *err)
{
	const int *count = arg;
	struct sample s;
	int64_t id;

	for (int i = 0; i < *count; i++) {
		sample_issued(&s, (unsigned)i + 1000);
		if (!store_add_request(tx, &s.row, &id, err))
			return false;
	}
	return true;
}

static void
more_than_a_thousand_candidates_are_refused(void **state)
{
	struct fixture *f = *state;
	struct store_requests rs;
	int count = 1000;
	struct sample s;

	assert_ok(f, store_do(f->store, work_many, &count, &f->err));
	assert_ok(
	    f, store_find_candidates(f->store, STORE_BY_COMMON_NAME, "User One", &rs, &f->err));
	assert_int_equal(rs.count, 1000);
	store_requests_free(&rs);
	sample_issued(&s, 1);
	add_row(f, &s.row);
	assert_false(
	    store_find_candidates(f->store, STORE_BY_COMMON_NAME, "User One", &rs, &f->err));
	assert_int_equal(f->err.code, DIRCA_E_TOO_LARGE);
	assert_int_equal(rs.count, 0);
}

static void
they_are_given_page_by_page(void **state)
{
	struct fixture *f = *state;
	struct store_requests first, second;
	int count = 1001;

	assert_ok(f, store_do(f->store, work_many, &count, &f->err));
	assert_ok(f,
	    store_page_candidates(f->store, STORE_BY_COMMON_NAME, "User One", 0, &first, &f->err));
	assert_int_equal(first.count, 1000);
	assert_int_equal(first.next, first.list[999].request_id);
	assert_ok(f, store_page_candidates(
			 f->store, STORE_BY_COMMON_NAME, "User One", first.next, &second, &f->err));
	assert_int_equal(second.count, 1);
	assert_int_equal(second.next, 0);
	assert_true(second.list[0].request_id > first.next);
	store_requests_free(&first);
	store_requests_free(&second);
}

static void
lists_are_filtered_and_paged(void **state)
{
	struct fixture *f = *state;
	struct store_requests rs;
	struct sample s;
	int count = 5;

	assert_ok(f, store_do(f->store, work_many, &count, &f->err));
	sample_pending(&s);
	add_row(f, &s.row);
	add_row(f, &s.row);

	assert_ok(f, store_list_requests(f->store,
			 &(struct store_filter){.limit = 3, .after_id = 1}, &rs, &f->err));
	assert_int_equal(rs.count, 3);
	assert_int_equal(rs.list[0].request_id, 2);
	assert_int_equal(rs.list[2].request_id, 4);
	store_requests_free(&rs);
	assert_ok(f, store_list_requests(f->store,
			 &(struct store_filter){.disposition = DISP_PENDING}, &rs, &f->err));
	assert_int_equal(rs.count, 2);
	assert_int_equal(rs.list[0].request_id, 6);
	store_requests_free(&rs);
	assert_ok(
	    f, store_list_requests(f->store,
		   &(struct store_filter){.requester_name = "nwtraders\\user1", .after_id = 4}, &rs,
		   &f->err));
	assert_int_equal(rs.count, 1);
	assert_int_equal(rs.list[0].request_id, 5);
	store_requests_free(&rs);
	assert_ok(f,
	    store_list_requests(f->store,
		&(struct store_filter){
		    .requester_name = "nwtraders\\USER2", .disposition = DISP_PENDING, .limit = 1},
		&rs, &f->err));
	assert_int_equal(rs.count, 1);
	assert_int_equal(rs.list[0].request_id, 6);
	store_requests_free(&rs);
	assert_ok(f, store_list_requests(f->store,
			 &(struct store_filter){
			     .requester_name = "nwtraders\\user2", .disposition = DISP_ISSUED},
			 &rs, &f->err));
	assert_int_equal(rs.count, 0);
}

static void
counts_are_by_disposition(void **state)
{
	struct fixture *f = *state;
	struct store_counts n;
	struct sample s;
	int count = 3;
	struct revocation c = {.id = 1, .effective = 600};

	assert_ok(f, store_count(f->store, &n, &f->err));
	assert_int_equal(
	    n.issued + n.pending + n.denied + n.error + n.revoked + n.archived_keys, 0);
	assert_ok(f, store_do(f->store, work_many, &count, &f->err));
	assert_ok(f, store_do(f->store, work_revoke, &c, &f->err));
	sample_pending(&s);
	add_row(f, &s.row);
	s.row.disposition = DISP_DENIED;
	add_row(f, &s.row);
	s.row.disposition = DISP_ERROR;
	add_row(f, &s.row);
	assert_ok(f, store_count(f->store, &n, &f->err));
	assert_int_equal(n.issued, 2);
	assert_int_equal(n.revoked, 1);
	assert_int_equal(n.pending, 1);
	assert_int_equal(n.denied, 1);
	assert_int_equal(n.error, 1);
	assert_int_equal(n.archived_keys, 3);
}

static void
exchange_certificates_are_valid_and_newest_first(void **state)
{
	static const struct {
		int64_t before, after;
		uint32_t flags;
	} rows[] = {{100, 200, CR_FLG_CAXCHGCERT}, {150, 250, CR_FLG_CAXCHGCERT | 4}, {160, 260, 0},
	    {50, 120, CR_FLG_CAXCHGCERT}};
	struct fixture *f = *state;
	struct store_requests rs;
	struct sample s;

	for (unsigned i = 0; i < 4; i++) {
		sample_issued(&s, i + 1);
		s.row.not_before = rows[i].before;
		s.row.not_after = rows[i].after;
		s.row.request_flags = rows[i].flags;
		add_row(f, &s.row);
	}
	assert_ok(f, store_exchange_certificates(f->store, 120, &rs, &f->err));
	assert_int_equal(rs.count, 2);
	assert_int_equal(rs.list[0].not_before, 150);
	assert_int_equal(rs.list[1].not_before, 100);
	assert_int_equal(rs.list[0].raw_certificate.len, 11);
	store_requests_free(&rs);
}

static const char *const statement_texts[] = {
#define STATEMENT_TEXT(name, user, text) text,
    SQL_STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

/* The steps, each with a semicolon behind it. */
static void
query_plan(struct fixture *f, enum sql_id id, char *plan, size_t size)
{
	OWNED(reading_end)
	struct reading reading = reading_begin(f->store, SQL_GET_SETTING, &f->err);
	OWNED(own_statement) sqlite3_stmt *st = NULL;
	char sql[8192];
	size_t len = 0;

	assert_non_null(reading.conn);
	assert_true((size_t)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
			statement_texts[id]) < sizeof sql);
	assert_int_equal(sqlite3_prepare_v2(reading.conn->db, sql, -1, &st, NULL), SQLITE_OK);
	for (plan[0] = '\0'; sqlite3_step(st) == SQLITE_ROW; len = strlen(plan))
		snprintf(plan + len, size - len, "%s;", (const char *)sqlite3_column_text(st, 3));
}

static void
searches_use_their_indexes(void **state)
{
	static const struct {
		enum sql_id id;
		const char *plan;
	} searches[] = {
	    {SQL_GET_REQUEST, "PRIMARY KEY"},
	    {SQL_GET_BY_SERIAL, "RequestSerialNumber (SerialNumber=?)"},
	    {SQL_LIST_ALL, "PRIMARY KEY"},
	    {SQL_LIST_ALL_DOWN, "PRIMARY KEY"},
	    {SQL_LIST_DISPOSITION, "RequestDisposition (Disposition=? AND RequestID>?)"},
	    {SQL_LIST_DISPOSITION_DOWN, "RequestDisposition (Disposition=? AND RequestID<?)"},
	    {SQL_LIST_REQUESTER_DOWN, "RequestRequesterName (RequesterName=? AND RequestID<?)"},
	    {SQL_LIST_REQUESTER, "RequestRequesterName (RequesterName=? AND RequestID>?)"},
	    {SQL_LIST_REQUESTER_DISPOSITION,
		"RequestRequesterName (RequesterName=? AND RequestID>?)"},
	    {SQL_LIST_REQUESTER, "SEARCH n USING PRIMARY KEY (Kind=? AND Name=?"},
	    {SQL_CANDIDATES_UPN, "RequestUPN (UPN=? AND RequestID>?)"},
	    {SQL_CANDIDATES_COMMON_NAME, "RequestCommonName (CommonName=? AND RequestID>?)"},
	    {SQL_CANDIDATES_COMMON_NAME, "SEARCH n USING PRIMARY KEY (Kind=? AND Name=?"},
	    {SQL_CANDIDATES_REQUESTER, "RequestRequesterName (RequesterName=? AND RequestID>?)"},
	    {SQL_CANDIDATES_REQUESTER_DN, "USING PRIMARY KEY (Kind=? AND Name>? AND Name<?)"},
	    {SQL_CANDIDATES_REQUESTER_SID, "RequestRequesterSID (RequesterSID=?)"},
	    {SQL_CANDIDATES_REQUESTER_DN, "RequestRequesterDN (RequesterDN>? AND RequesterDN<?)"},
	    {SQL_GET_KRA, "RequestCertificateHash (CertificateHash=?)"},
	    {SQL_CANDIDATES_SERIAL, "RequestSerialNumber (SerialNumber=?)"},
	    {SQL_CANDIDATES_HASH, "RequestCertificateHash (CertificateHash=?)"},
	    {SQL_EXCHANGE_CERTIFICATES, "RequestExchangeNotAfter (NotAfter>?)"},
	    {SQL_REVOKED, "COVERING INDEX RequestRevokedNotAfter (IssuerNameId=? AND NotAfter>?)"},
	    {SQL_SEALED_TO,
		"COVERING INDEX RequestKeyRecoveryHashes (KeyRecoveryHashes=? AND rowid>?)"},
	    {SQL_EXPIRING, "RequestNotAfter (NotAfter>? AND NotAfter<?)"},
	    {SQL_IS_RENEWED, "INDEX RequestIssuedTo (RequesterName=? AND "
			     "CertificateTemplate=? AND NotAfter>?)"},
	    {SQL_AUDIT_ROWS, "PRIMARY KEY"},
	    {SQL_OTHER_HOLDER, "(PublicKeyHash=? AND HasArchivedKey=? AND <expr><?)"},
	    {SQL_OTHER_HOLDER, "(PublicKeyHash=? AND HasArchivedKey=? AND <expr>>?)"},
	    {SQL_PRECEDENT, "RequestRequestHash (RequestHash=?)"},
	    {SQL_PRECEDENT, "(PublicKeyHash=? AND HasArchivedKey=? AND <expr><?)"},
	    {SQL_PRECEDENT, "(PublicKeyHash=? AND HasArchivedKey=? AND <expr>>?)"},
	    {SQL_SORT_NOT_AFTER_UP, "COVERING INDEX RequestNotAfter (NotAfter>?);"},
	    {SQL_SORT_NOT_AFTER_SAME_UP,
		"COVERING INDEX RequestNotAfter (NotAfter=? AND RequestID>?);"},
	    {SQL_SORT_UPN_DOWN, "COVERING INDEX RequestUPN (UPN<?);"},
	    {SQL_SORT_UPN_SAME_DOWN, "COVERING INDEX RequestUPN (UPN=? AND RequestID<?);"},
	    {SQL_SORT_DISPOSITION_SAME_UP,
		"INDEX RequestDisposition (Disposition=? AND RequestID>?);"},
	    {SQL_REQUESTER_SORT_TEMPLATE_UP, "RequestRequesterName (RequesterName=?)"},
	    {SQL_UNHASHED, "RequestUnhashed (RequestID>?)"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
		char plan[1024];

		query_plan(f, searches[i].id, plan, sizeof plan);
		if (strstr(plan, searches[i].plan) == NULL)
			fail_msg("%s: %s", searches[i].plan, plan);
	}
}

/* Those that are there to read everything. */
static bool
reads_everything(enum sql_id id)
{
	return id == SQL_CHECK_KEYS || id == SQL_CHECK_COUNTS || id == SQL_CHECK_KRA_SETS ||
	       id == SQL_SIZE || id == SQL_ARCHIVED_KEYS;
}

/* Of one requester's rows all are sorted, of the others none. */
static bool
is_of_requester(enum sql_id id)
{
	return strstr(statement_texts[id], "RequesterName = ?5") != NULL;
}

/* Tables of a few rows, and CRLs in the order of their numbers. What is sorted is few: rows of one
 * serial number, candidates, valid exchange certificates, what changed since a CRL, ids of one
 * requester's rows, cases of one key, batches that were given out, drills. */
static bool
is_cheap(enum sql_id id, const char *line)
{
	static const char *const few[] = {"SCAN Setting", "SCAN RequestCount", "SCAN AuditHead",
	    "SCAN PublicationCount", "SCAN KraSetCount", "SCAN RewrapBatch", "SCAN Drill",
	    "SCAN CrlList", "SCAN sqlite_sequence", "SCAN CONSTANT ROW"};

	if (strstr(line, "TEMP B-TREE") != NULL)
		return id == SQL_GET_BY_SERIAL || id == SQL_EXCHANGE_CERTIFICATES ||
		       id == SQL_CHANGED || id == SQL_FIND_CASE || id == SQL_BATCHES ||
		       id == SQL_DRILLS || is_of_requester(id) ||
		       (id >= SQL_CANDIDATES_UPN && id <= SQL_CANDIDATES_HASH);
	for (size_t i = 0; i < sizeof few / sizeof few[0]; i++)
		if (strcmp(line, few[i]) == 0)
			return true;
	/* Pages of a name, which have their end; ids of one requester's rows. */
	if (strncmp(line, "SCAN (subquery", strlen("SCAN (subquery")) == 0 ||
	    (strcmp(line, "SCAN i") == 0 && is_of_requester(id)))
		return true;
	/* Of cases, the index holds those that are waiting or open. */
	if (strncmp(line, "SCAN CrlList USING ", strlen("SCAN CrlList USING ")) == 0 ||
	    strcmp(line, "SCAN RecoveryCase USING INDEX RecoveryCaseAlive") == 0)
		return true;
	return strncmp(line, "SCAN", 4) != 0;
}

static void
no_statement_scans_what_grows(void **state)
{
	struct fixture *f = *state;
	char plan[1024];

	for (enum sql_id id = 0; id < SQL_COUNT; id++) {
		if (reads_everything(id))
			continue;
		query_plan(f, id, plan, sizeof plan);
		for (char *line = strtok(plan, ";"); line != NULL; line = strtok(NULL, ";"))
			if (!is_cheap(id, line))
				fail_msg("%s: %s", statement_texts[id], line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(candidates_are_found_by_every_key_without_case),
	    TEST(names_are_found_as_directories_find_them),
	    TEST(only_rows_with_keys_that_were_issued_are_candidates),
	    TEST(more_than_a_thousand_candidates_are_refused),
	    TEST(they_are_given_page_by_page),
	    TEST(lists_are_filtered_and_paged),
	    TEST(counts_are_by_disposition),
	    TEST(exchange_certificates_are_valid_and_newest_first),
	    TEST(searches_use_their_indexes),
	    TEST(no_statement_scans_what_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
