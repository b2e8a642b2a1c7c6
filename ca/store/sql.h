/*
 * Every statement that this program runs on the database (schema and pragmas apart: migrate.c,
 * conn.c, check.c), prepared once per connection, and the few calls through which they are run.
 * Values reach SQL only as bound parameters. A connection is used by one thread at a time.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "buf.h"
#include "columns.h"
#include "own.h"

#define SQL_LIST_COLUMNS                                                         \
	"SELECT r.RequestID, r.HasArchivedKey" REQUEST_COLUMNS(COLUMN_QUALIFIED) \
	    REVOCATION_COLUMNS(COLUMN_QUALIFIED) CERTIFICATE_COLUMNS(COLUMN_QUALIFIED)
#define SQL_LIST SQL_LIST_COLUMNS " FROM Request r WHERE "
#define SQL_WHOLE                          \
	SQL_LIST_COLUMNS BIG_COLUMNS(      \
	    COLUMN_BIG) " FROM Request r " \
			"LEFT JOIN RequestBlob b ON b.RequestID = r.RequestID WHERE "
#define SQL_OLDEST_FIRST "ORDER BY r.RequestID LIMIT ?"
#define SQL_NEWEST_FIRST "ORDER BY r.RequestID DESC LIMIT ?"
/* Issued, revoked, or imported from another CA (paper, "Foreign Certificate Import"). */
#define SQL_CANDIDATES(condition)                                                                \
	SQL_LIST condition                                                                       \
	    " AND r.HasArchivedKey = 1 AND +r.Disposition IN (12, 20, 21) AND +r.RequestID > ? " \
	    "ORDER BY r.RequestID LIMIT ?"

/* Ids of rows by a name, ?1 in its one spelling (names.c): by the column, or by MatchName. Each
 * part is as long as the page. */
#define SQL_NAMED(column, kind, condition, order, limit)                                         \
	"r.RequestID IN (SELECT RequestID FROM (SELECT q.RequestID FROM Request q INDEXED BY "   \
	"Request" column " WHERE q." column " = ?1 AND " condition " ORDER BY q.RequestID" order \
	" LIMIT " limit ") UNION ALL SELECT RequestID FROM (SELECT q.RequestID FROM MatchName "  \
	"n CROSS JOIN Request q ON q.RequestID = n.RequestID WHERE n.Kind = " kind               \
	" AND n.Name = ?1 AND " condition " ORDER BY n.RequestID" order " LIMIT " limit          \
	")) ORDER BY r.RequestID" order " LIMIT " limit
#define SQL_CANDIDATES_NAMED(column, kind)                                                     \
	SQL_LIST SQL_NAMED(column, kind,                                                       \
	    "q.HasArchivedKey = 1 AND q.Disposition IN (12, 20, 21) AND q.RequestID > ?2", "", \
	    "?3")
#define SQL_OF_REQUESTER(condition, order, limit) \
	SQL_LIST SQL_NAMED("RequesterName", "3", condition, order, limit)

/* The principal of a row as one text, which the index over public keys holds too: the SID, else the
 * name. */
#define SQL_HOLDER "coalesce(RequesterSID, 'name:' || lower(RequesterName), '')"
/* Two ranges of that index for each kind of row, so that a principal's own rows are skipped and not
 * read. No IN: SQLite makes a table of a list each time, which costs more than what is looked for.
 */
#define SQL_HOLDER_RANGE(archived, order)                                \
	"SELECT RequestID FROM Request INDEXED BY RequestPublicKeyHash " \
	"WHERE PublicKeyHash = ?1 AND Disposition NOT IN (30, 31) "      \
	"AND HasArchivedKey = " archived " AND " SQL_HOLDER " " order    \
	" coalesce(?3, 'name:' || lower(?4), '')"
#define SQL_HOLDERS                                                              \
	SQL_HOLDER_RANGE("1", "<")                                               \
	" UNION ALL " SQL_HOLDER_RANGE("1", ">") " UNION ALL " SQL_HOLDER_RANGE( \
	    "?2", "<") " UNION ALL " SQL_HOLDER_RANGE("?2", ">")

/* What a request that comes again is answered from: not one that was refused at once, which is
 * decided anew, but one that a certificate manager denied (DIRCA_E_DENIED). */
#define SQL_STANDS "(Disposition NOT IN (30, 31) OR StatusCode = -1596194799)"

/* Of one list; its newest; when the base CRL before one that is made at ?1 was made. */
#define SQL_CRL_LIST "CRLNameId >> 16 = ?1 AND CRLPartitionIndex = ?2 AND (CRLMinBase > 0) = ?3"
#define SQL_CRL_DATES                                                                 \
	"SELECT CRLNameId, CRLNumber, CRLThisUpdate, CRLNextUpdate, CRLNextPublish, " \
	"CRLMinBase, CRLChanges, length(CRLRawCRL)"
#define SQL_CRL_NEWEST " ORDER BY CRLNumber DESC LIMIT 1"
#define SQL_BASE_BEFORE                                                                 \
	"coalesce((SELECT CRLThisUpdate FROM CrlList WHERE CRLNameId >> 16 = ?2 >> 16 " \
	"AND CRLPartitionIndex = ?3 AND (CRLMinBase > 0) = 0 AND CRLThisUpdate "        \
	"<= ?1 ORDER BY CRLNumber DESC LIMIT 1), 0) "

/* A recovery case, and those that did not end. */
#define SQL_CASE                                                                          \
	"SELECT c.CaseID, c.State, c.Reason, c.Ticket, c.Note, c.OwnerName, c.OwnerSID, " \
	"c.OpenedBy, c.OpenedBySID, c.OpenedWhen, c.NeedsApprover, c.ApprovedBy, "        \
	"c.ApprovedBySID, c.ApprovedWhen, c.EndedBy, c.EndedWhen, c.EndedWhy, "           \
	"c.UsableUntil, c.SeenWhen FROM RecoveryCase c "
#define SQL_CASES(condition)                                                             \
	SQL_CASE "WHERE " condition " AND c.CaseID > ?1 AND (?2 = 0 OR c.State = ?2) "   \
		 "AND (?3 IS NULL OR c.OwnerName = ?3 OR match_name(c.OwnerName) = ?3) " \
		 "AND (?4 IS NULL OR c.OpenedBy = ?4 OR match_name(c.OpenedBy) = ?4) "   \
		 "AND (?5 = 0 OR EXISTS(SELECT 1 FROM RecoveryCaseKey k "                \
		 "WHERE k.CaseID = c.CaseID AND k.RequestID = ?5)) "                     \
		 "AND (?6 = 0 OR c.UsableUntil <= max(?6, c.SeenWhen)) ORDER BY c.CaseID LIMIT ?7"

#define SQL_BATCH                                                                         \
	"SELECT Batch, CertificateHash, GivenWhen, Keys, ToHashes, GivenBy, ApprovedBy, " \
	"ApprovedWhen, WithHashes FROM RewrapBatch "
#define SQL_DRILL \
	"SELECT DrillID, CertificateHash, OpenedWhen, ReportedWhen, Keys, Proved FROM Drill "

/* A whole row, without its id. */
#define SQL_ROW_NAMES                \
	REQUEST_COLUMNS(COLUMN_NAME) \
	REVOCATION_COLUMNS(COLUMN_NAME) CERTIFICATE_COLUMNS(COLUMN_NAME)
#define SQL_ROW_MARKS                \
	REQUEST_COLUMNS(COLUMN_MARK) \
	REVOCATION_COLUMNS(COLUMN_MARK) CERTIFICATE_COLUMNS(COLUMN_MARK)

/* Ids of rows in the order of a column: those that hold what ?1 is (NULL: nothing) and come behind
 * the id ?2, or those that hold what comes behind ?1. ?3: of one disposition, 0: of any. Of one
 * requester there are few, which are sorted. The order is that which sorted.c counts on. */
#define SQL_SORTED(from, condition, order)                  \
	"SELECT r.RequestID FROM " from " WHERE " condition \
	" AND (?3 = 0 OR r.Disposition = ?3) ORDER BY " order " LIMIT ?4"
#define SQL_SORTED_FOUR(X, NAME, column, from)                                               \
	X(NAME##_SAME_UP, SQL_SELDOM,                                                        \
	    SQL_SORTED(from, "r." column " IS ?1 AND r.RequestID > ?2", "r.RequestID"))      \
	X(NAME##_UP, SQL_SELDOM,                                                             \
	    SQL_SORTED(from, "r." column " > ?1", "r." column ", r.RequestID"))              \
	X(NAME##_SAME_DOWN, SQL_SELDOM,                                                      \
	    SQL_SORTED(from, "r." column " IS ?1 AND r.RequestID < ?2", "r.RequestID DESC")) \
	X(NAME##_DOWN, SQL_SELDOM,                                                           \
	    SQL_SORTED(from, "r." column " < ?1", "r." column " DESC, r.RequestID DESC"))
#define SQL_SORTED_BY(X, NAME, column)                                                          \
	SQL_SORTED_FOUR(X, SORT_##NAME, #column, "Request r INDEXED BY Request" #column)        \
	SQL_SORTED_FOUR(X, REQUESTER_SORT_##NAME, #column,                                      \
	    "(SELECT RequestID AS Id FROM Request WHERE RequesterName = ?5 UNION ALL SELECT "   \
	    "RequestID FROM MatchName WHERE Kind = 3 AND Name = ?5) i CROSS JOIN Request r ON " \
	    "r.RequestID = i.Id")

/* Of SQL_SELDOM, readers prepare each when they first need it (sql_prepare_seldom). SQL_COPIER runs
 * none. */
enum sql_user { SQL_WRITER = 1, SQL_READER = 2, SQL_BOTH = 3, SQL_SELDOM = 4, SQL_COPIER = 8 };

/* X(name, connections that prepare it, text) */
#define SQL_STATEMENTS(X)                                                                          \
	X(BEGIN, SQL_WRITER, "BEGIN IMMEDIATE")                                                    \
	X(COMMIT, SQL_BOTH, "COMMIT")                                                              \
	X(ROLLBACK, SQL_BOTH, "ROLLBACK")                                                          \
	X(SAVEPOINT, SQL_WRITER, "SAVEPOINT unit")                                                 \
	X(RELEASE, SQL_WRITER, "RELEASE unit")                                                     \
	X(ROLLBACK_TO, SQL_WRITER, "ROLLBACK TO unit")                                             \
	X(BEGIN_READ, SQL_READER, "BEGIN")                                                         \
	X(ADD_REQUEST, SQL_WRITER,                                                                 \
	    "INSERT INTO Request(RequestID, HasArchivedKey" SQL_ROW_NAMES                          \
	    ") VALUES (?, ?" SQL_ROW_MARKS ")")                                                    \
	X(ADD_MATCH_NAME, SQL_WRITER,                                                              \
	    "INSERT INTO MatchName(Kind, Name, RequestID) VALUES (?, ?, ?) ON CONFLICT DO "        \
	    "NOTHING")                                                                             \
	X(ADD_BLOBS, SQL_WRITER,                                                                   \
	    "INSERT INTO RequestBlob(RequestID" BIG_COLUMNS(                                       \
		COLUMN_NAME) ") VALUES (?" BIG_COLUMNS(COLUMN_MARK) ")")                           \
	X(ISSUE_PENDING, SQL_WRITER,                                                               \
	    "UPDATE Request SET Disposition = 20, DispositionMessage = ?, StatusCode = ?, "        \
	    "ResolvedWhen = ?" CERTIFICATE_COLUMNS(                                                \
		COLUMN_SET) " WHERE Disposition = 9 AND RequestID = ?")                            \
	X(DENY_PENDING, SQL_WRITER,                                                                \
	    "UPDATE Request SET Disposition = 31, DispositionMessage = ?, StatusCode = ?, "        \
	    "ResolvedWhen = ?, HasArchivedKey = 0, KeyRecoveryHashes = NULL "                      \
	    "WHERE Disposition = 9 AND RequestID = ?")                                             \
	X(RESUBMIT, SQL_WRITER,                                                                    \
	    "UPDATE Request SET Disposition = 9, StatusCode = NULL, ResolvedWhen = NULL, "         \
	    "PublicKeyHash = ? WHERE Disposition IN (30, 31) AND RequestID = ?")                   \
	X(SET_VALUE, SQL_WRITER,                                                                   \
	    "INSERT INTO OfficerValue(RequestID, Kind, Name, Critical, Value, SetBy, SetWhen) "    \
	    "SELECT RequestID, ?2, ?3, ?4, ?5, ?6, ?7 FROM Request "                               \
	    "WHERE RequestID = ?1 AND Disposition = 9 "                                            \
	    "ON CONFLICT(RequestID, Kind, Name) DO UPDATE SET Critical = excluded.Critical, "      \
	    "Value = excluded.Value, SetBy = excluded.SetBy, SetWhen = excluded.SetWhen")          \
	X(DROP_VALUE, SQL_WRITER,                                                                  \
	    "DELETE FROM OfficerValue WHERE RequestID = ?1 AND Kind = ?2 AND Name = ?3 AND "       \
	    "EXISTS(SELECT 1 FROM Request WHERE RequestID = ?1 AND Disposition = 9)")              \
	X(COUNT_OTHER_VALUES, SQL_WRITER,                                                          \
	    "SELECT count(*) FROM OfficerValue WHERE RequestID = ?1 AND "                          \
	    "NOT (Kind = ?2 AND Name = ?3)")                                                       \
	X(VALUES, SQL_BOTH,                                                                        \
	    "SELECT Kind, Name, Critical, Value, SetBy, SetWhen FROM OfficerValue "                \
	    "WHERE RequestID = ? ORDER BY Kind, Name")                                             \
	X(DROP_ARCHIVED_KEY, SQL_WRITER,                                                           \
	    "UPDATE RequestBlob SET RawArchivedKey = NULL WHERE RequestID = ?")                    \
	X(SET_REQUESTER_SIDS, SQL_WRITER,                                                          \
	    "UPDATE RequestBlob SET RequesterSIDs = ? WHERE RequestID = ?")                        \
	X(ARCHIVE_PENDING, SQL_WRITER,                                                             \
	    "UPDATE Request SET HasArchivedKey = 1, KeyRecoveryHashes = ? "                        \
	    "WHERE Disposition = 9 AND RequestID = ?")                                             \
	X(SET_MADE_KEY, SQL_WRITER,                                                                \
	    "UPDATE RequestBlob SET RawArchivedKey = ?, RawDeliveredKey = ? WHERE RequestID = ?")  \
	X(ADD_KEY, SQL_WRITER,                                                                     \
	    "UPDATE Request SET HasArchivedKey = 1, KeyRecoveryHashes = ? "                        \
	    "WHERE Disposition IN (12, 20, 21) AND HasArchivedKey = 0 AND RequestID = ?")          \
	X(ADD_KEY_BLOB, SQL_WRITER,                                                                \
	    "INSERT INTO RequestBlob(RequestID, RawArchivedKey) VALUES (?, ?) "                    \
	    "ON CONFLICT(RequestID) DO UPDATE SET RawArchivedKey = excluded.RawArchivedKey")       \
	X(REPLACE_KEY, SQL_WRITER,                                                                 \
	    "UPDATE Request SET KeyRecoveryHashes = ? "                                            \
	    "WHERE Disposition IN (12, 20, 21) AND HasArchivedKey = 1 AND RequestID = ?")          \
	X(REVOKE, SQL_WRITER,                                                                      \
	    "UPDATE Request SET Disposition = 21, RevokedReason = ?, RevokedWhen = ?, "            \
	    "RevokedEffectiveWhen = ? WHERE RequestID = ? AND (Disposition = 20 "                  \
	    "OR (Disposition = 21 AND RevokedReason = 6))")                                        \
	X(RELEASE_HOLD, SQL_WRITER,                                                                \
	    "UPDATE Request SET Disposition = 20, RevokedReason = NULL, RevokedWhen = NULL, "      \
	    "RevokedEffectiveWhen = NULL WHERE RequestID = ? AND Disposition = 21 "                \
	    "AND RevokedReason = 6")                                                               \
	X(DISPOSITION, SQL_WRITER, "SELECT Disposition FROM Request WHERE RequestID = ?")          \
	X(OTHER_HOLDER, SQL_BOTH, SQL_HOLDERS " LIMIT 1")                                          \
	X(PRECEDENT, SQL_BOTH,                                                                     \
	    "SELECT coalesce((SELECT RequestID FROM Request INDEXED BY RequestRequestHash "        \
	    "WHERE RequestHash = ?5 AND " SQL_STANDS                                               \
	    " AND coalesce(NotAfter - ?7 * (NotAfter - NotBefore) / 2 > ?6, 1) "                   \
	    "AND coalesce(CallerSID, 'name:' || "                                                  \
	    "lower(CallerName)) "                                                                  \
	    "= coalesce(?3, 'name:' || lower(?4)) ORDER BY RequestID DESC LIMIT 1), 0), "          \
	    "CASE WHEN EXISTS(SELECT 1 FROM Request INDEXED BY RequestPublicKeyHash WHERE "        \
	    "PublicKeyHash = ?1 AND Disposition NOT IN (30, 31)) "                                 \
	    "THEN EXISTS(" SQL_HOLDERS ") ELSE 0 END")                                             \
	/* What reads everything: `dirca db check`, `dirca db stats`. */                           \
	X(CHECK_REFERENCES, SQL_READER, "PRAGMA foreign_key_check")                                \
	X(CHECK_KEYS, SQL_READER,                                                                  \
	    "SELECT 'request ' || r.RequestID || CASE r.HasArchivedKey WHEN 1 THEN ' has lost "    \
	    "its own' ELSE ' has one too many' END "                                               \
	    "FROM Request r LEFT JOIN RequestBlob b ON b.RequestID = r.RequestID "                 \
	    "WHERE r.HasArchivedKey <> (b.RawArchivedKey IS NOT NULL) LIMIT 20")                   \
	X(CHECK_COUNTS, SQL_READER,                                                                \
	    "SELECT 'disposition ' || c.Disposition || ': ' || c.Requests || ' are kept, ' || "    \
	    "count(r.RequestID) || ' are there' "                                                  \
	    "FROM RequestCount c LEFT JOIN Request r ON r.Disposition = c.Disposition "            \
	    "GROUP BY c.Disposition HAVING c.Requests <> count(r.RequestID) "                      \
	    "OR c.ArchivedKeys <> coalesce(sum(r.HasArchivedKey), 0)")                             \
	X(CHECK_KRA_SETS, SQL_READER,                                                              \
	    "SELECT 'agents ' || replace(coalesce(c.KeyRecoveryHashes, r.KeyRecoveryHashes), "     \
	    "char(10), ', ') || ': ' || coalesce(c.Keys, 0) || ' are kept, ' || "                  \
	    "coalesce(r.Keys, 0) || ' are there' FROM KraSetCount c FULL JOIN "                    \
	    "(SELECT KeyRecoveryHashes, count(*) AS Keys FROM Request WHERE KeyRecoveryHashes "    \
	    "IS NOT NULL GROUP BY KeyRecoveryHashes) r ON r.KeyRecoveryHashes = "                  \
	    "c.KeyRecoveryHashes WHERE coalesce(c.Keys, 0) <> coalesce(r.Keys, 0) LIMIT 20")       \
	X(SIZE, SQL_READER,                                                                        \
	    "SELECT (SELECT user_version FROM pragma_user_version), (SELECT page_size FROM "       \
	    "pragma_page_size), "                                                                  \
	    "(SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM "             \
	    "pragma_freelist_count), "                                                             \
	    "(SELECT sum(Requests) FROM RequestCount), (SELECT sum(ArchivedKeys) FROM "            \
	    "RequestCount), "                                                                      \
	    "(SELECT RowCount FROM AuditHead), count(*), coalesce(sum(length(CRLRawCRL)), 0) "     \
	    "FROM CrlList")                                                                        \
	X(UNHASHED, SQL_READER,                                                                    \
	    SQL_LIST_COLUMNS " FROM Request r INDEXED BY RequestUnhashed WHERE "                   \
			     "r.PublicKeyHash IS NULL AND r.Disposition NOT IN (30, 31) "          \
			     "AND r.RequestID > ? ORDER BY r.RequestID LIMIT ?")                   \
	X(SET_PUBLIC_KEY_HASH, SQL_WRITER,                                                         \
	    "UPDATE Request SET PublicKeyHash = ? WHERE RequestID = ?")                            \
	X(GET_REQUEST, SQL_READER, SQL_WHOLE "r.RequestID = ?")                                    \
	X(GET_BY_SERIAL, SQL_READER,                                                               \
	    SQL_WHOLE "r.SerialNumber = ? ORDER BY r.Disposition = 12, r.RequestID LIMIT 2")       \
	X(GET_BY_HASH, SQL_READER,                                                                 \
	    SQL_WHOLE "r.CertificateHash = ? AND +r.Disposition IN (12, 20, 21) "                  \
		      "ORDER BY r.RequestID LIMIT 1")                                              \
	X(ID_BY_HASH, SQL_WRITER,                                                                  \
	    "SELECT RequestID FROM Request WHERE CertificateHash = ? "                             \
	    "AND +Disposition IN (12, 20, 21) ORDER BY RequestID LIMIT 1")                         \
	X(STATUS_BY_SERIAL, SQL_READER,                                                            \
	    "SELECT Disposition, RevokedEffectiveWhen, coalesce(RevokedReason, -1), "              \
	    "IssuerNameId FROM Request WHERE SerialNumber = ?1 "                                   \
	    "AND Disposition IN (20, 21) LIMIT 1")                                                 \
	X(LIST_ALL, SQL_READER, SQL_LIST "r.RequestID > ? " SQL_OLDEST_FIRST)                      \
	X(LIST_ALL_DOWN, SQL_READER, SQL_LIST "r.RequestID < ? " SQL_NEWEST_FIRST)                 \
	X(LIST_DISPOSITION, SQL_READER,                                                            \
	    SQL_LIST "r.Disposition = ? AND r.RequestID > ? " SQL_OLDEST_FIRST)                    \
	X(LIST_DISPOSITION_DOWN, SQL_READER,                                                       \
	    SQL_LIST "r.Disposition = ? AND r.RequestID < ? " SQL_NEWEST_FIRST)                    \
	X(LIST_REQUESTER, SQL_READER, SQL_OF_REQUESTER("q.RequestID > ?2", "", "?3"))              \
	X(LIST_REQUESTER_DOWN, SQL_READER, SQL_OF_REQUESTER("q.RequestID < ?2", " DESC", "?3"))    \
	X(LIST_REQUESTER_DISPOSITION, SQL_READER,                                                  \
	    SQL_OF_REQUESTER("+q.Disposition = ?2 AND q.RequestID > ?3", "", "?4"))                \
	X(LIST_REQUESTER_DISPOSITION_DOWN, SQL_READER,                                             \
	    SQL_OF_REQUESTER("+q.Disposition = ?2 AND q.RequestID < ?3", " DESC", "?4"))           \
	X(LIST_ONE, SQL_READER, SQL_LIST "r.RequestID = ?")                                        \
	SQL_SORTED_BY(X, DISPOSITION, Disposition)                                                 \
	SQL_SORTED_BY(X, SUBMITTED_WHEN, SubmittedWhen)                                            \
	SQL_SORTED_BY(X, RESOLVED_WHEN, ResolvedWhen)                                              \
	SQL_SORTED_BY(X, REVOKED_WHEN, RevokedWhen)                                                \
	SQL_SORTED_BY(X, REQUESTER_NAME, RequesterName)                                            \
	SQL_SORTED_BY(X, TEMPLATE, CertificateTemplate)                                            \
	SQL_SORTED_BY(X, NOT_AFTER, NotAfter)                                                      \
	SQL_SORTED_BY(X, UPN, UPN)                                                                 \
	SQL_SORTED_BY(X, COMMON_NAME, CommonName)                                                  \
	X(EXPIRING, SQL_READER,                                                                    \
	    SQL_LIST_COLUMNS                                                                       \
	    " FROM Request r INDEXED BY RequestNotAfter "                                          \
	    "WHERE r.Disposition = 20 AND (r.NotAfter, r.RequestID) > "                            \
	    "(coalesce((SELECT NotAfter FROM Request WHERE RequestID = ?3), ?1), ?3) "             \
	    "AND r.NotAfter <= ?2 ORDER BY r.NotAfter, r.RequestID LIMIT ?4")                      \
	X(IS_RENEWED, SQL_READER,                                                                  \
	    "SELECT EXISTS(SELECT 1 FROM Request INDEXED BY RequestIssuedTo "                      \
	    "WHERE RequesterName = ?1 AND CertificateTemplate IS ?2 AND NotAfter > ?3 "            \
	    "AND Disposition = 20)")                                                               \
	X(VALID_KEY, SQL_READER,                                                                   \
	    "SELECT RequestID, NotAfter FROM Request INDEXED BY RequestIssuedTo "                  \
	    "WHERE RequesterName = ?1 AND CertificateTemplate = ?2 AND NotAfter > ?3 "             \
	    "AND Disposition = 20 AND HasArchivedKey = 1 AND PublicKeyHash IS NOT ?4 "             \
	    "AND coalesce(RequesterSID, ?5) IS ?5 ORDER BY NotAfter DESC LIMIT 1")                 \
	X(LIST_KEY_IDENTIFIER, SQL_READER,                                                         \
	    SQL_LIST "r.SubjectKeyIdentifier = ? AND +r.Disposition IN (20, 21) "                  \
		     "ORDER BY r.RequestID DESC LIMIT ?")                                          \
	X(CANDIDATES_UPN, SQL_READER, SQL_CANDIDATES_NAMED("UPN", "1"))                            \
	X(CANDIDATES_COMMON_NAME, SQL_READER, SQL_CANDIDATES_NAMED("CommonName", "2"))             \
	X(CANDIDATES_REQUESTER, SQL_READER, SQL_CANDIDATES_NAMED("RequesterName", "3"))            \
	X(CANDIDATES_REQUESTER_SID, SQL_READER, SQL_CANDIDATES("r.RequesterSID = ?"))              \
	X(CANDIDATES_REQUESTER_DN, SQL_READER,                                                     \
	    SQL_CANDIDATES("r.RequestID IN (SELECT RequestID FROM Request WHERE HasArchivedKey = " \
			   "1 AND RequesterDN COLLATE NOCASE >= ?1 AND RequesterDN COLLATE "       \
			   "NOCASE < ?1 || char(1114111) UNION ALL SELECT RequestID FROM "         \
			   "MatchName WHERE Kind = 4 AND Name >= ?1 AND Name < ?1 || "             \
			   "char(1114111))"))                                                      \
	X(CANDIDATES_SERIAL, SQL_READER, SQL_CANDIDATES("r.SerialNumber = ?"))                     \
	X(CANDIDATES_HASH, SQL_READER, SQL_CANDIDATES("r.CertificateHash = ?"))                    \
	X(KEEP_KRA, SQL_WRITER,                                                                    \
	    "INSERT INTO KraCertificate(CertificateHash, RawCertificate) VALUES (?, ?) "           \
	    "ON CONFLICT(CertificateHash) DO NOTHING")                                             \
	X(GET_KRA, SQL_READER,                                                                     \
	    "SELECT RawCertificate FROM KraCertificate WHERE CertificateHash = ?1 UNION ALL "      \
	    "SELECT RawCertificate FROM Request WHERE CertificateHash = ?1 LIMIT 1")               \
	X(ARCHIVED_KEYS, SQL_READER,                                                               \
	    "SELECT RequestID, RawArchivedKey FROM RequestBlob WHERE RawArchivedKey IS NOT NULL "  \
	    "AND RequestID > ? ORDER BY RequestID LIMIT ?")                                        \
	X(KRA_SETS, SQL_READER,                                                                    \
	    "SELECT KeyRecoveryHashes, Keys FROM KraSetCount WHERE Keys > 0 ORDER BY 1")           \
	X(SEALED_TO, SQL_READER,                                                                   \
	    "SELECT RequestID FROM Request INDEXED BY RequestKeyRecoveryHashes "                   \
	    "WHERE KeyRecoveryHashes = ?1 AND RequestID > ?2 ORDER BY RequestID LIMIT ?3")         \
	X(KEEP_FORMER_KEY, SQL_WRITER,                                                             \
	    "INSERT INTO FormerKey SELECT r.RequestID, ?2, b.RawArchivedKey, "                     \
	    "r.KeyRecoveryHashes, ?3, ?4 FROM Request r, RequestBlob b WHERE r.RequestID = ?1 "    \
	    "AND b.RequestID = ?1 AND r.Disposition IN (12, 20, 21) AND b.RawArchivedKey = ?5 "    \
	    "AND EXISTS (SELECT 1 FROM RewrapBatchKey k WHERE k.Batch = ?2 "                       \
	    "AND k.RequestID = ?1) ON CONFLICT(RequestID, Batch) DO NOTHING")                      \
	X(FORMER_KEY, SQL_WRITER,                                                                  \
	    "SELECT f.RawArchivedKey, f.KeyRecoveryHashes FROM FormerKey f, RequestBlob b "        \
	    "WHERE f.RequestID = ?1 AND f.Batch = ?2 AND b.RequestID = ?1 "                        \
	    "AND b.RawArchivedKey = ?3")                                                           \
	X(DROP_FORMER_KEY, SQL_WRITER,                                                             \
	    "DELETE FROM FormerKey WHERE RequestID = ?1 AND Batch = ?2")                           \
	X(FORMER_KEYS, SQL_READER,                                                                 \
	    "SELECT RequestID, NewHash FROM FormerKey WHERE Batch = ?1 AND RequestID > ?2 "        \
	    "ORDER BY RequestID LIMIT ?3")                                                         \
	X(ADD_BATCH, SQL_WRITER,                                                                   \
	    "INSERT INTO RewrapBatch(Batch, CertificateHash, GivenWhen, Keys, ToHashes, "          \
	    "GivenBy, WithHashes) VALUES (?, ?, ?, ?, ?, ?, ?)")                                   \
	X(ADD_BATCH_KEY, SQL_WRITER, "INSERT INTO RewrapBatchKey(Batch, RequestID) VALUES (?, ?)") \
	X(APPROVE_BATCH, SQL_WRITER,                                                               \
	    "UPDATE RewrapBatch SET ApprovedBy = ?2, ApprovedWhen = ?3 "                           \
	    "WHERE Batch = ?1 AND ApprovedWhen IS NULL")                                           \
	X(GET_BATCH, SQL_READER, SQL_BATCH "WHERE Batch = ?")                                      \
	X(BATCHES, SQL_READER,                                                                     \
	    SQL_BATCH "WHERE GivenWhen < ?1 OR (GivenWhen = ?1 AND Batch > ?2) "                   \
		      "ORDER BY GivenWhen DESC, Batch LIMIT ?3")                                   \
	X(REWRAPPED_BY, SQL_READER,                                                                \
	    "SELECT b.CertificateHash, f.KeyRecoveryHashes FROM FormerKey f "                      \
	    "LEFT JOIN RewrapBatch b ON b.Batch = f.Batch "                                        \
	    "WHERE f.RequestID = ?1 AND f.NewHash = ?2")                                           \
	X(PROVED_BY, SQL_READER,                                                                   \
	    "SELECT d.DrillID, d.CertificateHash, d.WithHashes "                                   \
	    "FROM DrillKey k INDEXED BY DrillKeyProved JOIN Drill d ON d.DrillID = k.DrillID "     \
	    "WHERE k.RequestID = ?1 AND k.Sealed = ?2 "                                            \
	    "AND k.ProvedWhen IS NOT NULL")                                                        \
	X(SETTLE_KEY, SQL_WRITER,                                                                  \
	    "DELETE FROM FormerKey WHERE RequestID = ?1 AND Batch = ?2 AND EXISTS(SELECT 1 "       \
	    "FROM RequestBlob b WHERE b.RequestID = ?1 AND b.RawArchivedKey = ?3)")                \
	X(ADD_DRILL, SQL_WRITER,                                                                   \
	    "INSERT INTO Drill(DrillID, CertificateHash, OpenedWhen, Keys, WithHashes) "           \
	    "VALUES (?, ?, ?, ?, ?)")                                                              \
	X(ADD_DRILL_KEY, SQL_WRITER,                                                               \
	    "INSERT INTO DrillKey(DrillID, Sealed, RequestID) VALUES (?, ?, ?)")                   \
	X(PROVE_DRILL_KEY, SQL_WRITER,                                                             \
	    "UPDATE DrillKey SET ProvedWhen = ?3 "                                                 \
	    "WHERE DrillID = ?1 AND Sealed = ?2 AND ProvedWhen IS NULL")                           \
	X(NOTE_REPORT, SQL_WRITER, "UPDATE Drill SET ReportedWhen = ?2 WHERE DrillID = ?1")        \
	X(GET_DRILL, SQL_READER, SQL_DRILL "WHERE DrillID = ?")                                    \
	X(DRILLS, SQL_READER, SQL_DRILL "ORDER BY OpenedWhen, DrillID")                            \
	X(DRILL_KEYS, SQL_READER,                                                                  \
	    "SELECT Sealed, RequestID, ProvedWhen FROM DrillKey WHERE DrillID = ? "                \
	    "ORDER BY Sealed")                                                                     \
	X(EXCHANGE_CERTIFICATES, SQL_READER,                                                       \
	    SQL_LIST_COLUMNS                                                                       \
	    " FROM Request r INDEXED BY RequestExchangeNotAfter "                                  \
	    "WHERE r.RequestFlags & 8 <> 0 AND r.Disposition = 20 AND r.NotAfter > ? "             \
	    "ORDER BY r.RequestID DESC LIMIT ?")                                                   \
	X(REVOKED, SQL_READER,                                                                     \
	    "SELECT SerialNumber, min(RevokedEffectiveWhen, ?1), RevokedReason FROM Request "      \
	    "INDEXED BY RequestRevokedNotAfter WHERE Disposition = 21 AND IssuerNameId = ?2 "      \
	    "AND NotAfter > " SQL_BASE_BEFORE                                                      \
	    "AND (RevokedEffectiveWhen <= ?1 OR RevokedWhen > ?1) ORDER BY NotAfter")              \
	X(REVOKED_PARTITION, SQL_READER,                                                           \
	    "SELECT SerialNumber, min(RevokedEffectiveWhen, ?1), RevokedReason FROM Request "      \
	    "INDEXED BY RequestRevokedPartition WHERE Disposition = 21 AND IssuerNameId = ?2 "     \
	    "AND CRLPartitionIndex > 0 AND CRLPartitionIndex = ?3 "                                \
	    "AND NotAfter > " SQL_BASE_BEFORE                                                      \
	    "AND (RevokedEffectiveWhen <= ?1 OR RevokedWhen > ?1)")                                \
	X(CHANGED, SQL_READER,                                                                     \
	    "SELECT r.SerialNumber, min(coalesce(r.RevokedEffectiveWhen, c.HeldWhen), ?1), "       \
	    "coalesce(r.RevokedReason, 8), max(c.Change) FROM RevocationChange c "                 \
	    "JOIN Request r ON r.RequestID = c.RequestID WHERE c.Change > ?4 "                     \
	    "AND r.IssuerNameId = ?2 AND ?3 IN (0, r.CRLPartitionIndex) "                          \
	    "GROUP BY c.RequestID")                                                                \
	X(LAST_CHANGE, SQL_READER,                                                                 \
	    "SELECT coalesce((SELECT seq FROM sqlite_sequence "                                    \
	    "WHERE name = 'RevocationChange'), 0)")                                                \
	X(COUNT_REQUESTS, SQL_READER,                                                              \
	    "SELECT Disposition, Requests, ArchivedKeys FROM RequestCount")                        \
	X(SET_SETTING, SQL_WRITER,                                                                 \
	    "INSERT INTO Setting(Name, Value) VALUES (?, ?) "                                      \
	    "ON CONFLICT(Name) DO UPDATE SET Value = excluded.Value")                              \
	X(DELETE_SETTING, SQL_WRITER, "DELETE FROM Setting WHERE Name = ?")                        \
	X(GET_SETTING, SQL_READER, "SELECT Value FROM Setting WHERE Name = ?")                     \
	X(LIST_SETTINGS, SQL_READER, "SELECT Name, Value FROM Setting ORDER BY Name")              \
	X(LAST_CRL_NUMBER, SQL_BOTH, "SELECT coalesce(max(CRLNumber), 0) FROM CrlList")            \
	X(LAST_NUMBER_OF_LIST, SQL_WRITER,                                                         \
	    "SELECT coalesce(max(CRLNumber), 0) FROM CrlList WHERE " SQL_CRL_LIST)                 \
	X(LAST_NUMBER_OF_OTHERS, SQL_WRITER,                                                       \
	    "SELECT coalesce(max(CRLNumber), 0) FROM CrlList WHERE CRLNameId >> 16 <> ?1")         \
	X(ADD_CRL, SQL_WRITER,                                                                     \
	    "INSERT INTO CrlList(CRLNameId, CRLPartitionIndex, CRLNumber, CRLMinBase, "            \
	    "CRLThisUpdate, CRLNextUpdate, CRLNextPublish, CRLChanges, CRLRawCRL) "                \
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")                                                  \
	X(FORGET_CHANGES, SQL_WRITER,                                                              \
	    "DELETE FROM RevocationChange WHERE Change <= (SELECT min(CRLChanges) "                \
	    "FROM CrlList WHERE CRLMinBase = 0 AND CRLNextUpdate > ?1)")                           \
	X(NEWEST_CRL, SQL_READER,                                                                  \
	    SQL_CRL_DATES ", CRLRawCRL FROM CrlList WHERE " SQL_CRL_LIST SQL_CRL_NEWEST)           \
	X(NEWEST_CRL_DATES, SQL_READER,                                                            \
	    SQL_CRL_DATES " FROM CrlList WHERE " SQL_CRL_LIST SQL_CRL_NEWEST)                      \
	X(DELTA_BASE, SQL_READER,                                                                  \
	    SQL_CRL_DATES " FROM CrlList WHERE " SQL_CRL_LIST " AND CRLChanges IS NOT NULL "       \
			  "AND CRLNextUpdate > ?4 ORDER BY CRLNumber LIMIT 1")                     \
	X(MOST_PARTITIONS, SQL_READER,                                                             \
	    "SELECT coalesce(max(CRLPartitionIndex), 0) FROM CrlList "                             \
	    "INDEXED BY CrlListNumber WHERE CRLNameId >> 16 = ?")                                  \
	X(ALL_CRLS, SQL_READER,                                                                    \
	    "SELECT CRLNumber, CRLThisUpdate, CRLRawCRL FROM CrlList ORDER BY CRLNumber")          \
	X(ADD_PUBLICATION, SQL_WRITER, "INSERT INTO Publication(RequestID, Place) VALUES (?, ?)")  \
	X(END_PUBLICATION, SQL_WRITER,                                                             \
	    "DELETE FROM Publication WHERE RequestID = ? AND Place = ?")                           \
	X(PUBLICATIONS, SQL_READER,                                                                \
	    "SELECT p.RequestID, p.Place, r.RequesterDN, r.RequesterSID, r.RawCertificate "        \
	    "FROM Publication p JOIN Request r ON r.RequestID = p.RequestID "                      \
	    "WHERE (p.RequestID, p.Place) > (?, ?) ORDER BY p.RequestID, p.Place LIMIT ?")         \
	X(COUNT_PUBLICATIONS, SQL_READER, "SELECT Waiting FROM PublicationCount")                  \
	X(ADD_CASE, SQL_WRITER,                                                                    \
	    "INSERT INTO RecoveryCase(State, Reason, Ticket, Note, OwnerName, OwnerSID, "          \
	    "OpenedBy, OpenedBySID, OpenedWhen, NeedsApprover, ApprovedBy, ApprovedBySID, "        \
	    "ApprovedWhen, EndedBy, EndedWhen, EndedWhy, UsableUntil, SeenWhen) "                  \
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                       \
	X(ADD_CASE_KEY, SQL_WRITER,                                                                \
	    "INSERT INTO RecoveryCaseKey(CaseID, RequestID, Fetches, FetchedWhen) "                \
	    "VALUES (?, ?, ?, ?)")                                                                 \
	X(MOVE_CASE, SQL_WRITER,                                                                   \
	    "UPDATE RecoveryCase SET State = ?3, ApprovedBy = ?4, ApprovedBySID = ?5, "            \
	    "ApprovedWhen = ?6, EndedBy = ?7, EndedWhen = ?8, EndedWhy = ?9, UsableUntil = ?10, "  \
	    "SeenWhen = ?11 WHERE CaseID = ?1 AND State = ?2")                                     \
	X(SEE_CASES, SQL_WRITER,                                                                   \
	    "UPDATE RecoveryCase SET SeenWhen = ?1 WHERE State IN (1, 2) AND SeenWhen < ?1")       \
	X(FETCH_CASE_KEY, SQL_WRITER,                                                              \
	    "UPDATE RecoveryCaseKey SET Fetches = Fetches + 1, FetchedWhen = ? "                   \
	    "WHERE CaseID = ? AND RequestID = ?")                                                  \
	X(RECEIVE_CASE_KEY, SQL_WRITER,                                                            \
	    "UPDATE RecoveryCaseKey SET ReceivedWhen = ? "                                         \
	    "WHERE CaseID = ? AND RequestID = ? AND ReceivedWhen IS NULL")                         \
	X(GET_CASE, SQL_BOTH, SQL_CASE "WHERE c.CaseID = ?")                                       \
	X(CASE_KEYS, SQL_BOTH,                                                                     \
	    "SELECT k.RequestID, r.SerialNumber, k.Fetches, k.FetchedWhen, k.ReceivedWhen, "       \
	    "CASE r.Disposition WHEN 12 THEN lower(hex(r.CertificateHash)) END "                   \
	    "FROM RecoveryCaseKey k JOIN Request r ON r.RequestID = k.RequestID "                  \
	    "WHERE k.CaseID = ? ORDER BY k.RequestID")                                             \
	X(FIND_CASE, SQL_READER,                                                                   \
	    SQL_CASE "JOIN RecoveryCaseKey k ON k.CaseID = c.CaseID "                              \
		     "WHERE k.RequestID = ?1 AND k.ReceivedWhen IS NULL AND k.Fetches < ?5 "       \
		     "AND c.State IN (1, 2) AND c.UsableUntil > ?4 "                               \
		     "AND CASE WHEN c.OpenedBySID IS NULL OR ?2 IS NULL THEN c.OpenedBy = ?3 "     \
		     "ELSE c.OpenedBySID = ?2 END ORDER BY c.State DESC, c.CaseID DESC LIMIT 1")   \
	X(FETCHED_KEY, SQL_READER,                                                                 \
	    "SELECT 1 FROM RecoveryCaseKey WHERE RequestID = ? AND Fetches > 0 LIMIT 1")           \
	X(COUNT_CASES, SQL_READER,                                                                 \
	    "SELECT count(*) FILTER (WHERE State = 1), count(*) FILTER (WHERE State = 2) "         \
	    "FROM RecoveryCase WHERE State IN (1, 2)")                                             \
	X(LIVE_CASES, SQL_READER, SQL_CASES("c.State IN (1, 2)"))                                  \
	X(ALL_CASES, SQL_READER, SQL_CASES("c.State > 0"))                                         \
	X(AUDIT_HEAD, SQL_BOTH, "SELECT RowCount, RowHash FROM AuditHead")                         \
	X(MOVE_AUDIT_HEAD, SQL_WRITER,                                                             \
	    "UPDATE AuditHead SET RowCount = ?, RowHash = ? WHERE One = 1")                        \
	X(ADD_AUDIT, SQL_WRITER,                                                                   \
	    "INSERT INTO Audit(AuditRowId, OccurredWhen, EventID, Success, StatusCode, "           \
	    "Actor, "                                                                              \
	    "RequestID, Object, Detail, RowHash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")           \
	X(ADD_CHECKPOINT, SQL_WRITER,                                                              \
	    "INSERT OR REPLACE INTO AuditCheckpoint(AuditRowId, RawCheckpoint) VALUES (?, ?)")     \
	X(AUDIT_END, SQL_READER,                                                                   \
	    "SELECT RowCount, RowHash, coalesce(AuditRowId, 0), RawCheckpoint FROM AuditHead "     \
	    "LEFT JOIN AuditCheckpoint "                                                           \
	    "ON AuditRowId = (SELECT max(AuditRowId) FROM AuditCheckpoint)")                       \
	X(CHECKPOINTS, SQL_READER,                                                                 \
	    "SELECT AuditRowId, RawCheckpoint FROM AuditCheckpoint "                               \
	    "WHERE AuditRowId > ? AND AuditRowId <= ? ORDER BY AuditRowId")                        \
	X(ADD_EVENT, SQL_WRITER,                                                                   \
	    "INSERT INTO Event(OccurredWhen, EventID, RequestID, "                                 \
	    "Value1, Value2, Value3, Value4) VALUES (?, ?, ?, ?, ?, ?, ?)")                        \
	X(FORGET_EVENTS, SQL_WRITER,                                                               \
	    "DELETE FROM Event WHERE EventRowId <= (SELECT max(EventRowId) FROM Event) - ?")       \
	X(EVENT_ROWS, SQL_READER,                                                                  \
	    "SELECT EventRowId, OccurredWhen, EventID, RequestID, Value1, Value2, Value3, "        \
	    "Value4 FROM Event WHERE EventRowId > ? ORDER BY EventRowId LIMIT ?")                  \
	X(ADD_OWNER_NOTICE, SQL_WRITER,                                                            \
	    "INSERT INTO OwnerNotice(OccurredWhen, EventID, RequestID, "                           \
	    "Value1, Value2, Value3, Value4) VALUES (?, ?, ?, ?, ?, ?, ?)")                        \
	X(FAIL_OWNER_NOTICE, SQL_WRITER, "UPDATE OwnerNotice SET Failed = 1 WHERE NoticeID = ?")   \
	X(END_OWNER_NOTICE, SQL_WRITER, "DELETE FROM OwnerNotice WHERE NoticeID = ?")              \
	X(NEXT_OWNER_NOTICE, SQL_READER,                                                           \
	    "SELECT NoticeID, OccurredWhen, EventID, RequestID, Value1, Value2, Value3, Value4, "  \
	    "Failed FROM OwnerNotice WHERE NoticeID > ? ORDER BY NoticeID LIMIT 1")                \
	X(AUDIT_HASH, SQL_READER, "SELECT RowHash FROM Audit WHERE AuditRowId = ?")                \
	X(AUDIT_ROWS, SQL_READER,                                                                  \
	    "SELECT AuditRowId, OccurredWhen, EventID, Success, StatusCode, Actor, RequestID, "    \
	    "Object, Detail, RowHash FROM Audit WHERE AuditRowId > ? ORDER BY AuditRowId LIMIT ?")

enum sql_id {
#define SQL_ENUM(name, user, text) SQL_##name,
	SQL_STATEMENTS(SQL_ENUM)
#undef SQL_ENUM
	    SQL_COUNT
};

struct conn {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	const char *path; /* the store's */
	int bind_rc;      /* first failure to bind since the last sql_end */
};

OWN_POINTER(own_database, sqlite3, sqlite3_close)
OWN_POINTER(own_statement, sqlite3_stmt, sqlite3_finalize)

/* DIRCA_E_DATABASE: the file, what was tried and SQLite's own reason. Returns false. */
bool sql_error(struct conn *c, const char *what, struct err *err);

bool sql_prepare_all(struct conn *c, enum sql_user user, struct err *err);
/* One of SQL_SELDOM, unless it is prepared already. */
bool sql_prepare_seldom(struct conn *c, enum sql_id id, struct err *err);
void sql_finalize_all(struct conn *c);

/* Binding; a failure is reported by the next step. Text and bytes are borrowed until sql_end. NULL
 * text and an empty view become SQL NULL. Parameters count from 1. */
void sql_bind_int(struct conn *c, enum sql_id id, int at, int64_t v);
void sql_bind_text(struct conn *c, enum sql_id id, int at, const char *text);
void sql_bind_blob(struct conn *c, enum sql_id id, int at, struct view bytes);

enum sql_step { SQL_ROW, SQL_DONE, SQL_FAILED };
enum sql_step sql_step(struct conn *c, enum sql_id id, struct err *err);
/* Resets and forgets the bound values: last act of every use of a statement. */
void sql_end(struct conn *c, enum sql_id id);
/* Steps a statement that gives no rows to its end, then sql_end. */
bool sql_run(struct conn *c, enum sql_id id, struct err *err);

/* The row's columns, from 0. Text with an embedded NUL is refused; SQL NULL gives NULL or an empty
 * buffer. */
int64_t sql_int(struct conn *c, enum sql_id id, int at);
bool sql_null(struct conn *c, enum sql_id id, int at);
bool sql_text(struct conn *c, enum sql_id id, int at, char **out, struct err *err);
/* The same where SQLite has it, until the next step. */
bool sql_text_here(struct conn *c, enum sql_id id, int at, const char **out, struct err *err);
bool sql_blob(struct conn *c, enum sql_id id, int at, struct buf *out, struct err *err);
/* A column of fixed size; DIRCA_E_DATABASE. */
bool sql_octets(struct conn *c, enum sql_id id, int at, uint8_t *out, size_t len, struct err *err);

#endif
