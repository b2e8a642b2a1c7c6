/*
 * The schema. Migration n brings version n - 1 to n; one that has been released is never edited. At
 * open the database's schema must be, object for object, what the migrations up to its user_version
 * make: a foreign database and one that somebody "only added an index" to are refused, since
 * nothing else here has been tested with them.
 */
#include <stdio.h>
#include <string.h>

#include "store_priv.h"

/* Version 1. Names and sizes of columns: AD CS ([MS-CSRA] 3.1.1.1.2); RequesterSID, RequesterDN,
 * TemplateOID, PrivateKeyFlags, KeyHash and HasArchivedKey are our own. Instants are seconds since
 * 1970. Numbers: 8 active, 9 pending, 12 foreign, 20 issued, 21 revoked, 30 error, 31 denied
 * (DB_DISP_*); PrivateKeyFlags 1 is CT_FLAG_REQUIRE_PRIVATE_KEY_ARCHIVAL. Names are indexed only
 * where they are present. The certificate is the last column, so that names are found before its
 * overflow pages. */
static const char request_table[] =
    "CREATE TABLE Request ("
    "RequestID INTEGER PRIMARY KEY,"
    "HasArchivedKey INTEGER NOT NULL,"
    "Disposition INTEGER NOT NULL,"
    "DispositionMessage TEXT,"
    "StatusCode INTEGER,"
    "RequestType INTEGER,"
    "RequestFlags INTEGER,"
    "SubmittedWhen INTEGER,"
    "ResolvedWhen INTEGER,"
    "RevokedWhen INTEGER,"
    "RevokedEffectiveWhen INTEGER,"
    "RevokedReason INTEGER,"
    "RequesterName TEXT COLLATE NOCASE,"
    "CallerName TEXT COLLATE NOCASE,"
    "RequesterSID TEXT,"
    "RequesterDN TEXT,"
    "CertificateTemplate TEXT COLLATE NOCASE,"
    "TemplateOID TEXT,"
    "EnrollmentFlags INTEGER,"
    "GeneralFlags INTEGER,"
    "PrivateKeyFlags INTEGER,"
    "RequestAttributes TEXT,"
    "KeyHash BLOB,"
    "KeyRecoveryHashes TEXT,"
    "SerialNumber TEXT,"
    "CertificateHash BLOB,"
    "NotBefore INTEGER,"
    "NotAfter INTEGER,"
    "SubjectKeyIdentifier TEXT,"
    "UPN TEXT COLLATE NOCASE,"
    "CommonName TEXT COLLATE NOCASE,"
    "DistinguishedName TEXT,"
    "EMail TEXT COLLATE NOCASE,"
    "PublicKeyLength INTEGER,"
    "PublicKeyAlgorithm TEXT,"
    "RawPublicKey BLOB,"
    "RawCertificate BLOB,"
    "CONSTRAINT \"Disposition is not a known one\" "
    "CHECK (Disposition IN (8, 9, 12, 20, 21, 30, 31)),"
    "CONSTRAINT \"an issued row needs certificate, serial number, hash and NotAfter\" "
    "CHECK (Disposition NOT IN (12, 20, 21) OR (RawCertificate IS NOT NULL AND SerialNumber IS NOT "
    "NULL "
    "AND CertificateHash IS NOT NULL AND NotAfter IS NOT NULL)),"
    "CONSTRAINT \"the template demands an archived key and there is none\" "
    "CHECK (Disposition NOT IN (20, 21) OR coalesce(PrivateKeyFlags, 0) & 1 = 0 OR HasArchivedKey "
    "= 1),"
    "CONSTRAINT \"HasArchivedKey goes with KeyRecoveryHashes\" "
    "CHECK (HasArchivedKey = (KeyRecoveryHashes IS NOT NULL)),"
    "CONSTRAINT \"revocation columns go with a revoked row\" "
    "CHECK ((Disposition = 21) = (RevokedWhen IS NOT NULL) AND (Disposition = 21) = "
    "(RevokedEffectiveWhen IS NOT NULL) "
    "AND (Disposition = 21) = (RevokedReason IS NOT NULL)),"
    "CONSTRAINT \"RevokedReason is none of RFC 5280\" CHECK (RevokedReason IN (0, 1, 2, 3, 4, 5, "
    "6, 9, 10)),"
    "CONSTRAINT \"SerialNumber is lower-case hex\" CHECK (SerialNumber NOT GLOB '*[^0-9a-f]*'),"
    "CONSTRAINT \"CertificateHash has 20 bytes\" CHECK (length(CertificateHash) = 20)"
    ") STRICT;"
    "CREATE TABLE RequestBlob ("
    "RequestID INTEGER PRIMARY KEY REFERENCES Request(RequestID),"
    "RawRequest BLOB CHECK (length(RawRequest) <= 65536),"
    "RawArchivedKey BLOB CHECK (length(RawArchivedKey) <= 65536)"
    ") STRICT;"
    /* Our own serial numbers are unique; another CA's may be equal to one of them. */
    "CREATE UNIQUE INDEX RequestSerialNumber ON Request(SerialNumber, "
    "CASE WHEN Disposition = 12 THEN RequestID ELSE 0 END) WHERE SerialNumber IS NOT NULL;"
    "CREATE INDEX RequestCertificateHash ON Request(CertificateHash) WHERE CertificateHash IS NOT "
    "NULL;"
    "CREATE INDEX RequestUPN ON Request(UPN) WHERE UPN IS NOT NULL;"
    "CREATE INDEX RequestCommonName ON Request(CommonName) WHERE CommonName IS NOT NULL;"
    "CREATE INDEX RequestRequesterName ON Request(RequesterName) WHERE RequesterName IS NOT NULL;"
    "CREATE INDEX RequestDisposition ON Request(Disposition, RequestID, HasArchivedKey);"
    "CREATE INDEX RequestRevokedNotAfter ON Request(NotAfter) WHERE Disposition = 21;"
    "CREATE INDEX RequestExchangeNotAfter ON Request(NotAfter) WHERE RequestFlags & 8 <> 0;";

/* Audit rows are only ever added, each as the successor of the head. The insert trigger also stops
 * INSERT OR REPLACE, which deletes without firing delete triggers. */
static const char other_tables[] =
    "CREATE TABLE Setting (Name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, Value TEXT NOT NULL) "
    "STRICT, WITHOUT ROWID;"
    "CREATE TABLE Crl ("
    "CRLNumber INTEGER PRIMARY KEY CHECK (CRLNumber > 0),"
    "CRLThisUpdate INTEGER NOT NULL,"
    "CRLNextUpdate INTEGER NOT NULL CHECK (CRLNextUpdate > CRLThisUpdate),"
    "CRLRawCRL BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE Audit ("
    "AuditRowId INTEGER PRIMARY KEY,"
    "OccurredWhen INTEGER NOT NULL,"
    "EventID INTEGER NOT NULL,"
    "Success INTEGER NOT NULL CHECK (Success IN (0, 1)),"
    "StatusCode INTEGER NOT NULL,"
    "Actor TEXT NOT NULL,"
    "RequestID INTEGER,"
    "Object TEXT,"
    "Detail TEXT,"
    "RowHash BLOB NOT NULL CHECK (length(RowHash) = 32)"
    ") STRICT;"
    "CREATE TABLE AuditHead ("
    "One INTEGER PRIMARY KEY CHECK (One = 1),"
    "RowCount INTEGER NOT NULL,"
    "RowHash BLOB NOT NULL CHECK (length(RowHash) = 32)"
    ") STRICT;"
    "INSERT INTO AuditHead VALUES (1, 0, zeroblob(32));"
    "CREATE TRIGGER AuditInsert BEFORE INSERT ON Audit "
    "WHEN NEW.AuditRowId <> (SELECT RowCount FROM AuditHead) + 1 "
    "BEGIN SELECT RAISE(ABORT, 'an audit row must follow the last one'); END;"
    "CREATE TRIGGER AuditUpdate BEFORE UPDATE ON Audit "
    "BEGIN SELECT RAISE(ABORT, 'audit rows cannot be changed'); END;"
    "CREATE TRIGGER AuditDelete BEFORE DELETE ON Audit "
    "BEGIN SELECT RAISE(ABORT, 'audit rows cannot be deleted'); END;"
    "CREATE TRIGGER AuditHeadInsert BEFORE INSERT ON AuditHead "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail has one head'); END;"
    "CREATE TRIGGER AuditHeadUpdate BEFORE UPDATE ON AuditHead "
    "WHEN NEW.One <> 1 OR NEW.RowCount <> OLD.RowCount + 1 "
    "OR NEW.RowHash IS NOT (SELECT RowHash FROM Audit WHERE AuditRowId = NEW.RowCount) "
    "BEGIN SELECT RAISE(ABORT, 'the head of the audit trail moves with its rows'); END;"
    "CREATE TRIGGER AuditHeadDelete BEFORE DELETE ON AuditHead "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail has one head'); END;";

/* Version 2: what is owed to the directory. Place: 1 the requester's entry, 2 the KRA container. */
static const char publication_table[] = "CREATE TABLE Publication ("
					"RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
					"Place INTEGER NOT NULL CHECK (Place IN (1, 2)),"
					"PRIMARY KEY (RequestID, Place)"
					") STRICT, WITHOUT ROWID;";

/* Version 3: who was renamed is found by the SID. */
static const char requester_sid_index[] =
    "CREATE INDEX RequestRequesterSID ON Request(RequesterSID) WHERE HasArchivedKey = 1;";

/* Version 4: whose a public key is, and what became of a request that comes again. Refused requests
 * hold no key and are decided anew, so they are in neither index. PublicKeyHash is filled in for
 * older rows by the program (store_list_unhashed), which can read what they hold; the third index
 * holds only those that wait for it. */
static const char claim_columns[] =
    "ALTER TABLE Request ADD COLUMN CallerSID TEXT;"
    "ALTER TABLE Request ADD COLUMN PublicKeyHash BLOB CHECK (length(PublicKeyHash) = 32);"
    "ALTER TABLE Request ADD COLUMN RequestHash BLOB CHECK (length(RequestHash) = 32);"
    "CREATE INDEX RequestPublicKeyHash ON Request(PublicKeyHash, HasArchivedKey, " SQL_HOLDER ") "
    "WHERE PublicKeyHash IS NOT NULL AND Disposition NOT IN (30, 31);"
    "CREATE INDEX RequestRequestHash ON Request(RequestHash) "
    "WHERE RequestHash IS NOT NULL AND Disposition NOT IN (30, 31);"
    "CREATE INDEX RequestUnhashed ON Request(RequestID) "
    "WHERE PublicKeyHash IS NULL AND Disposition NOT IN (30, 31);";

/* Version 5: what a leaver was, where the account was and who can open the keys, when none of it is
 * to be found elsewhere any more. */
static const char record_columns[] =
    "ALTER TABLE RequestBlob ADD COLUMN RequesterSIDs BLOB CHECK (length(RequesterSIDs) <= 65536);"
    "CREATE INDEX RequestRequesterDN ON Request(RequesterDN COLLATE NOCASE) "
    "WHERE HasArchivedKey = 1;"
    "CREATE TABLE KraCertificate ("
    "CertificateHash BLOB NOT NULL PRIMARY KEY CHECK (length(CertificateHash) = 20),"
    "RawCertificate BLOB NOT NULL CHECK (length(RawCertificate) <= 16384)"
    ") STRICT, WITHOUT ROWID;";

/* Version 6: a denial by a certificate manager stands when the request comes again. */
static const char denied_index[] = "DROP INDEX RequestRequestHash;"
				   "CREATE INDEX RequestRequestHash ON Request(RequestHash) "
				   "WHERE RequestHash IS NOT NULL AND " SQL_STANDS ";";

/* Version 7: counts are kept and not scanned, by triggers, so that nothing that writes can forget
 * them; and what a CRL says of a row lies in the index that finds it. `of`: NEW or OLD; `sign`: ""
 * or "-". A line of KeyRecoveryHashes is the hash of one agent, which counts once in a row. */
/* clang-format off */
#define COUNT_REQUEST(of, sign) \
	"UPDATE RequestCount SET Requests = Requests + " sign "1, " \
	"ArchivedKeys = ArchivedKeys + " sign of ".HasArchivedKey WHERE Disposition = " of ".Disposition;"
#define FIRST_LINE "substr(Rest, 1, instr(Rest, char(10)) - 1)"
#define OTHER_LINES "substr(Rest, instr(Rest, char(10)) + 1)"
#define COUNT_KRAS(of, sign) \
	"INSERT INTO KraKeyCount WITH RECURSIVE line(Hash, Rest) AS (" \
	"SELECT NULL, " of ".KeyRecoveryHashes || char(10) UNION ALL " \
	"SELECT " FIRST_LINE ", " OTHER_LINES " FROM line WHERE Rest <> '') " \
	"SELECT DISTINCT Hash, " sign "1, " sign "(Hash = " of ".KeyRecoveryHashes) FROM line WHERE Hash <> '' " \
	"ON CONFLICT(CertificateHash) DO UPDATE SET Keys = Keys + excluded.Keys, Alone = Alone + excluded.Alone;"

static const char count_tables[] =
	"CREATE TABLE RequestCount ("
	"Disposition INTEGER PRIMARY KEY,"
	"Requests INTEGER NOT NULL,"
	"ArchivedKeys INTEGER NOT NULL"
	") STRICT;"
	"INSERT INTO RequestCount VALUES (8, 0, 0), (9, 0, 0), (12, 0, 0), (20, 0, 0), (21, 0, 0), (30, 0, 0), (31, 0, 0);"
	"UPDATE RequestCount SET Requests = n, ArchivedKeys = keys FROM "
	"(SELECT Disposition AS d, count(*) AS n, sum(HasArchivedKey) AS keys FROM Request GROUP BY Disposition) "
	"WHERE Disposition = d;"
	"CREATE TABLE KraKeyCount ("
	"CertificateHash TEXT NOT NULL PRIMARY KEY,"
	"Keys INTEGER NOT NULL,"
	"Alone INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	/* There are few combinations of agents, and many keys. */
	"CREATE TABLE Sealed (Hashes TEXT NOT NULL PRIMARY KEY, Keys INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO Sealed SELECT KeyRecoveryHashes, 1 FROM Request WHERE KeyRecoveryHashes IS NOT NULL "
	"ON CONFLICT(Hashes) DO UPDATE SET Keys = Keys + 1;"
	"INSERT INTO KraKeyCount WITH RECURSIVE line(Hashes, Keys, Hash, Rest) AS ("
	"SELECT Hashes, Keys, NULL, Hashes || char(10) FROM Sealed UNION ALL "
	"SELECT Hashes, Keys, " FIRST_LINE ", " OTHER_LINES " FROM line WHERE Rest <> '') "
	"SELECT Hash, sum(Keys), sum(Keys * (Hash = Hashes)) FROM "
	"(SELECT DISTINCT Hashes, Keys, Hash FROM line WHERE Hash <> '') GROUP BY Hash;"
	"DROP TABLE Sealed;"
	"CREATE TABLE PublicationCount ("
	"One INTEGER PRIMARY KEY CHECK (One = 1),"
	"Waiting INTEGER NOT NULL"
	") STRICT;"
	"INSERT INTO PublicationCount SELECT 1, count(*) FROM Publication;";

static const char count_triggers[] =
	"CREATE TRIGGER RequestCountInsert AFTER INSERT ON Request "
	"BEGIN " COUNT_REQUEST("NEW", "") COUNT_KRAS("NEW", "") " END;"
	"CREATE TRIGGER RequestCountDelete AFTER DELETE ON Request "
	"BEGIN " COUNT_REQUEST("OLD", "-") COUNT_KRAS("OLD", "-") " END;"
	"CREATE TRIGGER RequestCountDisposition AFTER UPDATE OF Disposition, HasArchivedKey ON Request "
	"BEGIN " COUNT_REQUEST("OLD", "-") COUNT_REQUEST("NEW", "") " END;"
	"CREATE TRIGGER RequestCountKras AFTER UPDATE OF KeyRecoveryHashes ON Request "
	"BEGIN " COUNT_KRAS("OLD", "-") COUNT_KRAS("NEW", "") " END;"
	"CREATE TRIGGER PublicationCountInsert AFTER INSERT ON Publication "
	"BEGIN UPDATE PublicationCount SET Waiting = Waiting + 1; END;"
	"CREATE TRIGGER PublicationCountDelete AFTER DELETE ON Publication "
	"BEGIN UPDATE PublicationCount SET Waiting = Waiting - 1; END;";
/* clang-format on */

static const char revoked_index[] =
    "DROP INDEX RequestRevokedNotAfter;"
    "CREATE INDEX RequestRevokedNotAfter ON Request(NotAfter, SerialNumber, "
    "RevokedEffectiveWhen, RevokedWhen, RevokedReason, Disposition) WHERE Disposition = 21;";

/* Version 8: keys that the CA makes, and the certificate that a request names by the identifier of
 * its key. */
static const char made_keys[] =
    "ALTER TABLE RequestBlob ADD COLUMN KeyRecipient BLOB CHECK (length(KeyRecipient) <= 16384);"
    "ALTER TABLE RequestBlob ADD COLUMN RawDeliveredKey BLOB "
    "CHECK (length(RawDeliveredKey) <= 65536);"
    "CREATE INDEX RequestSubjectKeyIdentifier ON Request(SubjectKeyIdentifier) "
    "WHERE SubjectKeyIdentifier IS NOT NULL;";

/* Version 9: periods are pairs, as in the AD CS registry. */
#define PERIOD_PAIR(seconds, unit, units)                                              \
	"INSERT OR IGNORE INTO Setting SELECT 'CA\\" unit "', 'Seconds' FROM Setting " \
	"WHERE Name = 'CA\\" seconds "';"                                              \
	"UPDATE OR IGNORE Setting SET Name = 'CA\\" units "' WHERE Name = 'CA\\" seconds "';"
static const char period_settings[] =
    PERIOD_PAIR("CAXchgValidityPeriodSeconds", "CAXchgValidityPeriod", "CAXchgValidityPeriodUnits")
	PERIOD_PAIR("CAXchgOverlapPeriodSeconds", "CAXchgOverlapPeriod", "CAXchgOverlapPeriodUnits")
	    PERIOD_PAIR("CRLPeriodSeconds", "CRLPeriod", "CRLPeriodUnits")
		PERIOD_PAIR("CRLOverlapSeconds", "CRLOverlapPeriod", "CRLOverlapUnits")
		    PERIOD_PAIR("ValidityPeriodSeconds", "ValidityPeriod", "ValidityPeriodUnits");

/* Version 10: which certificates end soon, and whether there is a newer one. */
static const char expiring_indexes[] =
    "CREATE INDEX RequestIssuedNotAfter ON Request(NotAfter) WHERE Disposition = 20;"
    "CREATE INDEX RequestIssuedTo ON Request(RequesterName, CertificateTemplate, NotAfter) "
    "WHERE Disposition = 20;";

/* Version 11: which of the CA's certificates issued a row, and whose key signed a CRL: a CA
 * version, key index << 16 | certificate index. Before there was a renewal, it was 0. */
static const char issuer_columns[] =
    "ALTER TABLE Request ADD COLUMN IssuerNameId INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX RequestRevokedNotAfter;"
    "CREATE INDEX RequestRevokedNotAfter ON Request(IssuerNameId, NotAfter, SerialNumber, "
    "RevokedEffectiveWhen, RevokedWhen, RevokedReason, Disposition) WHERE Disposition = 21;"
    "ALTER TABLE Crl ADD COLUMN CRLNameId INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX CrlKeyIndex ON Crl(CRLNameId >> 16, CRLNumber);";

/* Version 12: events (events.h). */
static const char event_table[] = "CREATE TABLE Event ("
				  "EventRowId INTEGER PRIMARY KEY,"
				  "OccurredWhen INTEGER NOT NULL,"
				  "EventID INTEGER NOT NULL,"
				  "RequestID INTEGER,"
				  "Value1 TEXT, Value2 TEXT, Value3 TEXT, Value4 TEXT"
				  ") STRICT;";

/* Version 13: a CRL is one of several lists, and what changed since one of them was made is known
 * by the order of the commits, not by clocks. CRLNameId, CRLPartitionIndex, CRLMinBase: [MS-CSRA]
 * 3.1.1.4.1; CRLMinBase 0 is a base CRL. CRLChanges: the last row of RevocationChange that the CRL
 * knows; NULL: not known, so that no delta CRL can build on it. Numbers of changes never come again
 * (AUTOINCREMENT), whatever is taken away. */
static const char crl_lists[] =
    "CREATE TABLE CrlList ("
    "CRLRowId INTEGER PRIMARY KEY,"
    "CRLNumber INTEGER NOT NULL CHECK (CRLNumber > 0),"
    "CRLNameId INTEGER NOT NULL CHECK (CRLNameId >= 0),"
    "CRLPartitionIndex INTEGER NOT NULL CHECK (CRLPartitionIndex >= 0),"
    "CRLMinBase INTEGER NOT NULL CHECK (CRLMinBase BETWEEN 0 AND CRLNumber),"
    "CRLThisUpdate INTEGER NOT NULL,"
    "CRLNextUpdate INTEGER NOT NULL CHECK (CRLNextUpdate > CRLThisUpdate),"
    "CRLNextPublish INTEGER NOT NULL,"
    "CRLChanges INTEGER,"
    "CRLRawCRL BLOB NOT NULL"
    ") STRICT;"
    "INSERT INTO CrlList SELECT CRLNumber, CRLNumber, CRLNameId, 0, 0, CRLThisUpdate, "
    "CRLNextUpdate, CRLNextUpdate, NULL, CRLRawCRL FROM Crl;"
    "DROP TABLE Crl;"
    "CREATE UNIQUE INDEX CrlListNumber ON CrlList(CRLNameId >> 16, CRLPartitionIndex, "
    "CRLMinBase > 0, CRLNumber);"
    "CREATE INDEX CrlListOrder ON CrlList(CRLNumber, CRLNameId >> 16);"
    "CREATE TABLE RevocationChange ("
    "Change INTEGER PRIMARY KEY AUTOINCREMENT,"
    "RequestID INTEGER NOT NULL,"
    "HeldWhen INTEGER"
    ") STRICT;"
    "CREATE TRIGGER RevocationChangeInsert AFTER INSERT ON Request WHEN NEW.Disposition = 21 "
    "BEGIN INSERT INTO RevocationChange(RequestID) VALUES (NEW.RequestID); END;"
    "CREATE TRIGGER RevocationChangeUpdate AFTER UPDATE OF Disposition, RevokedReason, "
    "RevokedEffectiveWhen ON Request WHEN 21 IN (OLD.Disposition, NEW.Disposition) "
    "BEGIN INSERT INTO RevocationChange(RequestID, HeldWhen) "
    "VALUES (NEW.RequestID, OLD.RevokedEffectiveWhen); END;"
    "ALTER TABLE Request ADD COLUMN CRLPartitionIndex INTEGER;"
    "CREATE INDEX RequestRevokedPartition ON Request(IssuerNameId, CRLPartitionIndex, NotAfter, "
    "SerialNumber, RevokedEffectiveWhen, RevokedWhen, RevokedReason, Disposition) "
    "WHERE Disposition = 21 AND CRLPartitionIndex > 0;";

/* Version 14: signed checkpoints of the audit trail. */
static const char checkpoint_table[] =
    "CREATE TABLE AuditCheckpoint ("
    "AuditRowId INTEGER PRIMARY KEY,"
    "RawCheckpoint BLOB NOT NULL CHECK (length(RawCheckpoint) <= 65536)"
    ") STRICT;";

/* Version 15: what certificate managers set for a request that waits. Kind: 1 an attribute, 2 an
 * extension; the request's own words stay what they were. */
static const char officer_values[] = "CREATE TABLE OfficerValue ("
				     "RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
				     "Kind INTEGER NOT NULL CHECK (Kind IN (1, 2)),"
				     "Name TEXT NOT NULL COLLATE NOCASE,"
				     "Critical INTEGER NOT NULL CHECK (Critical IN (0, 1)),"
				     "Value BLOB NOT NULL CHECK (length(Value) <= 2048),"
				     "SetBy TEXT NOT NULL,"
				     "SetWhen INTEGER NOT NULL,"
				     "PRIMARY KEY (RequestID, Kind, Name)"
				     ") STRICT, WITHOUT ROWID;";

/* Version 16: recovery cases (store_cases.h). State: 1 waiting, 2 open, 3 denied, 4 closed,
 * 5 expired. */
static const char recovery_cases[] =
    "CREATE TABLE RecoveryCase ("
    "CaseID INTEGER PRIMARY KEY,"
    "State INTEGER NOT NULL CHECK (State BETWEEN 1 AND 5),"
    "Reason INTEGER NOT NULL,"
    "Ticket TEXT,"
    "Note TEXT,"
    "OwnerName TEXT COLLATE NOCASE,"
    "OwnerSID TEXT,"
    "OpenedBy TEXT NOT NULL COLLATE NOCASE,"
    "OpenedBySID TEXT,"
    "OpenedWhen INTEGER NOT NULL,"
    "NeedsApprover INTEGER NOT NULL CHECK (NeedsApprover IN (0, 1)),"
    "ApprovedBy TEXT COLLATE NOCASE,"
    "ApprovedBySID TEXT,"
    "ApprovedWhen INTEGER,"
    "EndedBy TEXT,"
    "EndedWhen INTEGER,"
    "EndedWhy TEXT,"
    "UsableUntil INTEGER NOT NULL,"
    "SeenWhen INTEGER NOT NULL,"
    "CONSTRAINT \"nobody approves a case that he opened\" "
    "CHECK (coalesce(ApprovedBy <> OpenedBy, 1) AND coalesce(ApprovedBySID <> OpenedBySID, 1)),"
    "CONSTRAINT \"a case that needs an approver is open when it has one\" "
    "CHECK (State <> 2 OR NeedsApprover = 0 OR ApprovedBy IS NOT NULL),"
    "CONSTRAINT \"a case has an end when it ended\" CHECK ((State > 2) = (EndedWhen IS NOT NULL))"
    ") STRICT;"
    "CREATE INDEX RecoveryCaseAlive ON RecoveryCase(CaseID) WHERE State IN (1, 2);"
    "CREATE TABLE RecoveryCaseKey ("
    "CaseID INTEGER NOT NULL REFERENCES RecoveryCase(CaseID),"
    "RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
    "Fetches INTEGER NOT NULL CHECK ((Fetches > 0) = (FetchedWhen IS NOT NULL)),"
    "FetchedWhen INTEGER,"
    "ReceivedWhen INTEGER CHECK (ReceivedWhen IS NULL OR Fetches > 0),"
    "PRIMARY KEY (CaseID, RequestID)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX RecoveryCaseKeyRequest ON RecoveryCaseKey(RequestID);"
    "CREATE TRIGGER RecoveryCaseEnded BEFORE UPDATE ON RecoveryCase WHEN OLD.State > 2 "
    "BEGIN SELECT RAISE(ABORT, 'a recovery case that ended stays as it is'); END;"
    "CREATE TRIGGER RecoveryCaseOpening BEFORE UPDATE OF CaseID, Reason, Ticket, Note, OwnerName, "
    "OwnerSID, OpenedBy, OpenedBySID, OpenedWhen, NeedsApprover ON RecoveryCase "
    "BEGIN SELECT RAISE(ABORT, 'what a recovery case was opened with stays'); END;"
    "CREATE TRIGGER RecoveryCaseDelete BEFORE DELETE ON RecoveryCase "
    "BEGIN SELECT RAISE(ABORT, 'recovery cases cannot be deleted'); END;"
    "CREATE TRIGGER RecoveryCaseKeyUpdate BEFORE UPDATE ON RecoveryCaseKey "
    "WHEN NEW.CaseID <> OLD.CaseID OR NEW.RequestID <> OLD.RequestID "
    "OR NEW.Fetches < OLD.Fetches OR OLD.ReceivedWhen IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'what was fetched stays fetched'); END;"
    "CREATE TRIGGER RecoveryCaseKeyDelete BEFORE DELETE ON RecoveryCaseKey "
    "BEGIN SELECT RAISE(ABORT, 'keys of recovery cases cannot be deleted'); END;";

/* Version 17: lists in the order of a column (columns.h), page by page, also of one disposition and
 * of what the column does not hold. */
#define SORTED_INDEX(column) \
	"CREATE INDEX Request" column " ON Request(" column ", RequestID, Disposition);"
static const char sorted_indexes[] =
    "DROP INDEX RequestUPN;"
    "DROP INDEX RequestCommonName;"
    "DROP INDEX RequestRequesterName;" SORTED_INDEX("UPN") SORTED_INDEX("CommonName")
	SORTED_INDEX("RequesterName") SORTED_INDEX("CertificateTemplate")
	    SORTED_INDEX("SubmittedWhen") SORTED_INDEX("ResolvedWhen") SORTED_INDEX("RevokedWhen")
		SORTED_INDEX("NotAfter");

/* Version 18: how many keys are sealed to each combination of agents, of which there are few,
 * instead of to each agent: whoever leaves, what is left of a key is told by the others of its
 * combination; and which keys those are. */
/* clang-format off */
#define COUNT_SET(of, sign) \
	"INSERT INTO KraSetCount SELECT " of ".KeyRecoveryHashes, " sign "1 WHERE " of ".KeyRecoveryHashes IS NOT NULL " \
	"ON CONFLICT(KeyRecoveryHashes) DO UPDATE SET Keys = Keys + excluded.Keys;"
static const char kra_sets[] =
	"DROP TRIGGER RequestCountInsert;"
	"DROP TRIGGER RequestCountDelete;"
	"DROP TRIGGER RequestCountKras;"
	"DROP TABLE KraKeyCount;"
	"CREATE INDEX RequestKeyRecoveryHashes ON Request(KeyRecoveryHashes) WHERE KeyRecoveryHashes IS NOT NULL;"
	"CREATE TABLE KraSetCount ("
	"KeyRecoveryHashes TEXT NOT NULL PRIMARY KEY,"
	"Keys INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO KraSetCount SELECT KeyRecoveryHashes, count(*) FROM Request "
	"WHERE KeyRecoveryHashes IS NOT NULL GROUP BY KeyRecoveryHashes;"
	"CREATE TRIGGER RequestCountInsert AFTER INSERT ON Request "
	"BEGIN " COUNT_REQUEST("NEW", "") COUNT_SET("NEW", "") " END;"
	"CREATE TRIGGER RequestCountDelete AFTER DELETE ON Request "
	"BEGIN " COUNT_REQUEST("OLD", "-") COUNT_SET("OLD", "-") " END;"
	"CREATE TRIGGER RequestCountKras AFTER UPDATE OF KeyRecoveryHashes ON Request "
	"BEGIN " COUNT_SET("OLD", "-") COUNT_SET("NEW", "") " END;";
/* clang-format on */

/* Version 19: archived keys as they were before agents sealed them to others: nobody here can tell
 * whether what came back is the same key. NewHash: SHA-256 of what came back. */
static const char former_keys[] =
    "CREATE TABLE FormerKey ("
    "RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
    "Batch BLOB NOT NULL CHECK (length(Batch) = 16),"
    "RawArchivedKey BLOB NOT NULL CHECK (length(RawArchivedKey) <= 65536),"
    "KeyRecoveryHashes TEXT NOT NULL,"
    "NewHash BLOB NOT NULL CHECK (length(NewHash) = 32),"
    "ReplacedWhen INTEGER NOT NULL,"
    "PRIMARY KEY (RequestID, Batch)"
    ") STRICT;"
    "CREATE INDEX FormerKeyBatch ON FormerKey(Batch, RequestID);";

/* Version 20: drills (store_drills.h). Sealed: SHA-256 of the archived key. A proof is never taken
 * back, and a number of proofs is what there are. */
static const char drills[] =
    "CREATE TABLE Drill ("
    "DrillID BLOB NOT NULL PRIMARY KEY CHECK (length(DrillID) = 16),"
    "CertificateHash BLOB NOT NULL CHECK (length(CertificateHash) = 20),"
    "OpenedWhen INTEGER NOT NULL,"
    "ReportedWhen INTEGER,"
    "Keys INTEGER NOT NULL CHECK (Keys > 0),"
    "Proved INTEGER NOT NULL DEFAULT 0 CHECK (Proved BETWEEN 0 AND Keys)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE DrillKey ("
    "DrillID BLOB NOT NULL REFERENCES Drill(DrillID),"
    "Sealed BLOB NOT NULL CHECK (length(Sealed) = 32),"
    "RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
    "ProvedWhen INTEGER,"
    "PRIMARY KEY (DrillID, Sealed)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX DrillKeyProved ON DrillKey(RequestID, Sealed) WHERE ProvedWhen IS NOT NULL;"
    "CREATE TRIGGER DrillKeyProve AFTER UPDATE OF ProvedWhen ON DrillKey "
    "WHEN OLD.ProvedWhen IS NULL AND NEW.ProvedWhen IS NOT NULL "
    "BEGIN UPDATE Drill SET Proved = Proved + 1 WHERE DrillID = NEW.DrillID; END;"
    "CREATE TRIGGER DrillKeyUpdate BEFORE UPDATE ON DrillKey "
    "WHEN OLD.ProvedWhen IS NOT NULL OR NEW.DrillID <> OLD.DrillID OR NEW.Sealed <> OLD.Sealed "
    "OR NEW.RequestID <> OLD.RequestID "
    "BEGIN SELECT RAISE(ABORT, 'what was proved stays proved'); END;"
    "CREATE TRIGGER DrillKeyDelete BEFORE DELETE ON DrillKey "
    "BEGIN SELECT RAISE(ABORT, 'keys of drills cannot be deleted'); END;"
    "CREATE TRIGGER DrillDelete BEFORE DELETE ON Drill "
    "BEGIN SELECT RAISE(ABORT, 'drills cannot be deleted'); END;";

/* Version 21: which agent was to open the keys of a batch and seal them to others: what he made is
 * not proved by himself. Of batches that were given out before nobody knows. */
static const char rewrap_batches[] =
    "CREATE TABLE RewrapBatch ("
    "Batch BLOB NOT NULL PRIMARY KEY CHECK (length(Batch) = 16),"
    "CertificateHash BLOB NOT NULL CHECK (length(CertificateHash) = 20),"
    "GivenWhen INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;";

/* Version 22: by whom a batch was given out, and who approved that it is taken back
 * (store_batches.h). */
static const char approved_batches[] =
    "ALTER TABLE RewrapBatch ADD COLUMN Keys INTEGER CHECK (Keys > 0);"
    "ALTER TABLE RewrapBatch ADD COLUMN ToHashes TEXT;"
    "ALTER TABLE RewrapBatch ADD COLUMN GivenBy TEXT;"
    "ALTER TABLE RewrapBatch ADD COLUMN ApprovedBy TEXT;"
    "ALTER TABLE RewrapBatch ADD COLUMN ApprovedWhen INTEGER "
    "CHECK ((ApprovedWhen IS NULL) = (ApprovedBy IS NULL));"
    "CREATE TRIGGER RewrapBatchUpdate BEFORE UPDATE ON RewrapBatch "
    "WHEN OLD.ApprovedWhen IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'what was approved stays'); END;"
    "CREATE TRIGGER RewrapBatchDelete BEFORE DELETE ON RewrapBatch "
    "WHEN OLD.ApprovedWhen IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'what was approved stays'); END;";

/* Version 23: the one spelling of names that the columns' NOCASE does not find (names.c). Kind: 1
 * UPN, 2 common name, 3 requester, 4 the requester's DN. */
static const char match_names[] =
    "CREATE TABLE MatchName ("
    "Kind INTEGER NOT NULL CHECK (Kind BETWEEN 1 AND 4),"
    "Name TEXT NOT NULL,"
    "RequestID INTEGER NOT NULL,"
    "PRIMARY KEY (Kind, Name, RequestID)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER MatchNameDelete AFTER DELETE ON Request "
    "BEGIN DELETE FROM MatchName WHERE RequestID = OLD.RequestID; END;"
    "INSERT INTO MatchName SELECT * FROM ("
    "SELECT 1, match_name(UPN) AS Name, RequestID FROM Request UNION ALL "
    "SELECT 2, match_name(CommonName), RequestID FROM Request UNION ALL "
    "SELECT 3, match_name(RequesterName), RequestID FROM Request UNION ALL "
    "SELECT 4, match_name(RequesterDN), RequestID FROM Request) WHERE Name IS NOT NULL;";

/* Version 24: which keys were given out in a batch: no other is taken back for one of it. */
static const char batch_keys[] = "CREATE TABLE RewrapBatchKey ("
				 "Batch BLOB NOT NULL CHECK (length(Batch) = 16),"
				 "RequestID INTEGER NOT NULL REFERENCES Request(RequestID),"
				 "PRIMARY KEY (Batch, RequestID)"
				 ") STRICT, WITHOUT ROWID;";

/* Version 25: of what the owner of a key has to be told still. No reference: a row that is deleted
 * leaves somebody who was not told. */
static const char owner_notices[] = "CREATE TABLE OwnerNotice ("
				    "NoticeID INTEGER PRIMARY KEY AUTOINCREMENT,"
				    "OccurredWhen INTEGER NOT NULL,"
				    "EventID INTEGER NOT NULL,"
				    "RequestID INTEGER NOT NULL,"
				    "Value1 TEXT, Value2 TEXT, Value3 TEXT, Value4 TEXT,"
				    "Failed INTEGER NOT NULL DEFAULT 0 CHECK (Failed IN (0, 1))"
				    ") STRICT;";

/* Version 26: of keys that several agents open together, who gave his share to the one who is named
 * for a batch or a drill. */
static const char with_agents[] = "ALTER TABLE RewrapBatch ADD COLUMN WithHashes TEXT;"
				  "ALTER TABLE Drill ADD COLUMN WithHashes TEXT;";

/* Version 27: the same rules in a form that costs less. Of a list in a CHECK SQLite makes a table
 * at each insert: the text of the table is changed where it stands ("Making Other Kinds Of Table
 * Schema Changes" of SQLite's ALTER TABLE), since nothing that is stored changes. The head of the
 * audit trail moves once in a transaction, to its last row. What ends soon is found by the list in
 * the order of NotAfter. */
#define CHANGE_CHECK(from, to)                                                             \
	"UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (" from "', 'CHECK (" to "') " \
	"WHERE type = 'table' AND name = 'Request';"
/* clang-format off */
static const char cheaper_checks[] =
	"PRAGMA writable_schema = ON;"
	CHANGE_CHECK("Disposition IN (8, 9, 12, 20, 21, 30, 31)",
	    "Disposition BETWEEN 8 AND 9 OR Disposition = 12 OR Disposition BETWEEN 20 AND 21 "
	    "OR Disposition BETWEEN 30 AND 31")
	CHANGE_CHECK("Disposition NOT IN (12, 20, 21) OR",
	    "NOT (Disposition = 12 OR Disposition BETWEEN 20 AND 21) OR")
	CHANGE_CHECK("RevokedReason IN (0, 1, 2, 3, 4, 5, 6, 9, 10)",
	    "RevokedReason BETWEEN 0 AND 6 OR RevokedReason BETWEEN 9 AND 10")
	"PRAGMA writable_schema = RESET;";
static const char trail_triggers[] =
	"DROP TRIGGER AuditInsert;"
	"CREATE TRIGGER AuditInsert BEFORE INSERT ON Audit WHEN NEW.AuditRowId IS NOT "
	"max((SELECT RowCount FROM AuditHead), (SELECT coalesce(max(AuditRowId), 0) FROM Audit)) + 1 "
	"BEGIN SELECT RAISE(ABORT, 'an audit row must follow the last one'); END;"
	"DROP TRIGGER AuditHeadUpdate;"
	"CREATE TRIGGER AuditHeadUpdate BEFORE UPDATE ON AuditHead "
	"WHEN NEW.One <> 1 OR NEW.RowCount <= OLD.RowCount "
	"OR NEW.RowCount IS NOT (SELECT max(AuditRowId) FROM Audit) "
	"OR NEW.RowHash IS NOT (SELECT RowHash FROM Audit WHERE AuditRowId = NEW.RowCount) "
	"BEGIN SELECT RAISE(ABORT, 'the head of the audit trail moves with its rows'); END;";
/* clang-format on */
static const char ending_index[] = "DROP INDEX RequestIssuedNotAfter;";

/* Each array is one migration, run in order in one transaction with its user_version. */
static const char *const version_1[] = {request_table, other_tables, NULL};
static const char *const version_2[] = {publication_table, NULL};
static const char *const version_3[] = {requester_sid_index, NULL};
static const char *const version_4[] = {claim_columns, NULL};
static const char *const version_5[] = {record_columns, NULL};
static const char *const version_6[] = {denied_index, NULL};
static const char *const version_7[] = {count_tables, count_triggers, revoked_index, NULL};
static const char *const version_8[] = {made_keys, NULL};
static const char *const version_9[] = {period_settings, NULL};
static const char *const version_10[] = {expiring_indexes, NULL};
static const char *const version_11[] = {issuer_columns, NULL};
static const char *const version_12[] = {event_table, NULL};
static const char *const version_13[] = {crl_lists, NULL};
static const char *const version_14[] = {checkpoint_table, NULL};
static const char *const version_15[] = {officer_values, NULL};
static const char *const version_16[] = {recovery_cases, NULL};
static const char *const version_17[] = {sorted_indexes, NULL};
static const char *const version_18[] = {kra_sets, NULL};
static const char *const version_19[] = {former_keys, NULL};
static const char *const version_20[] = {drills, NULL};
static const char *const version_21[] = {rewrap_batches, NULL};
static const char *const version_22[] = {approved_batches, NULL};
static const char *const version_23[] = {match_names, NULL};
static const char *const version_24[] = {batch_keys, NULL};
static const char *const version_25[] = {owner_notices, NULL};
static const char *const version_26[] = {with_agents, NULL};
static const char *const version_27[] = {cheaper_checks, trail_triggers, ending_index, NULL};
static const char *const *const migrations[] = {version_1, version_2, version_3, version_4,
    version_5, version_6, version_7, version_8, version_9, version_10, version_11, version_12,
    version_13, version_14, version_15, version_16, version_17, version_18, version_19, version_20,
    version_21, version_22, version_23, version_24, version_25, version_26, version_27};
#define VERSION ((int)COUNT_OF(migrations))

static const char schema_query[] =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema "
    "WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name";

static bool
exec(struct conn *c, const char *sql, const char *what, struct err *err)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_error(c, what, err);
}

static bool
apply(struct conn *c, int version, struct err *err)
{
	char pragma[64];

	for (const char *const *part = migrations[version]; *part != NULL; part++)
		if (!exec(c, *part, "the schema cannot be made", err))
			return false;
	snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", version + 1);
	return exec(c, pragma, "user_version cannot be set", err);
}

static bool
read_version(struct conn *c, int *out, struct err *err)
{
	OWNED(own_statement) sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		return sql_error(c, "user_version cannot be read", err);
	*out = sqlite3_column_int(st, 0);
	return true;
}

static int
compare_column(sqlite3_stmt *a, sqlite3_stmt *b, int at)
{
	const char *x = (const char *)sqlite3_column_text(a, at);
	const char *y = (const char *)sqlite3_column_text(b, at);

	return strcmp(x != NULL ? x : "", y != NULL ? y : "");
}

/* Both rows are in the order of type and name: the lesser is the one that the other schema lacks.
 */
static bool
schema_error(
    struct conn *c, sqlite3_stmt *is, int have, sqlite3_stmt *should, int want, struct err *err)
{
	const char *what = "was changed";
	sqlite3_stmt *named = should;
	int order = 0;

	if (have == SQLITE_ROW && want == SQLITE_ROW)
		for (int i = 0; i < 2 && order == 0; i++)
			order = compare_column(is, should, i);
	if (want == SQLITE_DONE || order < 0) {
		what = "is not ours; drop it";
		named = is;
	} else if (have == SQLITE_DONE || order > 0) {
		what = "is missing";
	}
	return err_set(err, DIRCA_E_DATABASE,
	    "CA database %s: its schema is not the one that this program made: %s %s %s", c->path,
	    (const char *)sqlite3_column_text(named, 0),
	    (const char *)sqlite3_column_text(named, 1), what);
}

/* Walks both schemas side by side; names the first object that differs. */
static bool
compare(struct conn *c, sqlite3_stmt *is, sqlite3_stmt *should, struct err *err)
{
	for (;;) {
		int have = sqlite3_step(is), want = sqlite3_step(should);
		bool same = have == want;

		if ((have != SQLITE_ROW && have != SQLITE_DONE) ||
		    (want != SQLITE_ROW && want != SQLITE_DONE))
			return sql_error(c, "the schema cannot be read", err);
		if (same && have == SQLITE_DONE)
			return true;
		for (int i = 0; same && i < 4; i++)
			same = compare_column(is, should, i) == 0;
		if (!same)
			return schema_error(c, is, have, should, want, err);
	}
}

static bool
read_schema(struct conn *c, sqlite3_stmt **out, struct err *err)
{
	return sqlite3_prepare_v2(c->db, schema_query, -1, out, NULL) == SQLITE_OK ||
	       sql_error(c, "the schema cannot be read", err);
}

static bool
check_schema(struct conn *c, int version, struct err *err)
{
	OWNED(own_database) sqlite3 *db = NULL;
	OWNED(own_statement) sqlite3_stmt *is = NULL;
	OWNED(own_statement) sqlite3_stmt *should = NULL;
	struct conn reference = {.path = "(reference)"};

	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return err_nomem(err);
	reference.db = db;
	if (!names_function(&reference, err))
		return false;
	for (int v = 0; v < version; v++)
		if (!apply(&reference, v, err))
			return false;
	return read_schema(&reference, &should, err) && read_schema(c, &is, err) &&
	       compare(c, is, should, err);
}

static bool
migrate_locked(struct conn *c, bool create, struct err *err)
{
	int version;

	if (!names_function(c, err) || !read_version(c, &version, err))
		return false;
	if (version < 0 || version > VERSION)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: its version is %d and this program knows up to %d; use the "
		    "newer program",
		    c->path, version, VERSION);
	if (!check_schema(c, version, err))
		return false;
	if (version == 0 && !create)
		return err_set(err, DIRCA_E_DATABASE,
		    "CA database %s: it is empty; one that was lost comes back from a backup "
		    "(dirca-restore(1))",
		    c->path);
	if (version == VERSION)
		return true;
	for (; version < VERSION; version++)
		if (!apply(c, version, err))
			return false;
	return check_schema(c, VERSION, err);
}

/* Version 27 changes the text of a table; nobody else may. */
static bool
defend(struct conn *c, bool on, struct err *err)
{
	return sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, (int)on, NULL) == SQLITE_OK ||
	       sql_error(c, "cannot be set up", err);
}

static bool
migrate_undefended(struct conn *c, bool create, struct err *err)
{
	/* The lock comes before the look: two programs may open a new database at once. */
	if (!exec(c, "BEGIN IMMEDIATE", "cannot be locked for writing", err))
		return false;
	if (migrate_locked(c, create, err) &&
	    exec(c, "COMMIT", "the schema cannot be committed", err))
		return true;
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool
migrate(struct conn *c, bool create, struct err *err)
{
	return defend(c, false, err) && migrate_undefended(c, create, err) && defend(c, true, err);
}

bool
store_version(const char *path, int *has_out, int *program_out, struct err *err)
{
	OWNED(own_database) sqlite3 *db = NULL;
	struct conn c = {.path = path};

	*program_out = VERSION;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return err_set(err, DIRCA_E_DATABASE, "CA database %s: cannot be opened", path);
	c.db = db;
	return read_version(&c, has_out, err);
}
