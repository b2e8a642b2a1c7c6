/*
 * The verbs: one row each.
 *
 *	X(name, arguments, least, most, group, who, needs, options, function, summary)
 *
 * "ca exchange renew": up to three words are one verb. `least` and `most` count arguments. What a
 * verb needs is open when its function is called (work.h). In the order of an administrator's day,
 * in each group.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli.h"

/* Whose act it is: of the roles of [MS-CSRA] 3.1.1.7, of root, or of whom the directory lets write.
 * What a verb asks of the CA is decided there (ca/service/routes.c); this is what people are told,
 * and docs/ROLES.md is checked against both. */
#define WHO_ANYBODY          "anybody"
#define WHO_ROOT             "root on the CA's machine"
#define WHO_DIRECTORY_READER "whoever may read it in the directory"
#define WHO_DIRECTORY        "whoever may write it in the directory"
#define WHO_SIGNED_IN        "whoever signs in; of others' requests nothing is shown"
#define WHO_ENROLLEE         "whoever may request certificates, and enroll by the template"
#define WHO_VIEWER           "whoever may read the CA: each role, and who has Read"
#define WHO_AUDITOR          "auditors"
#define WHO_WATCHER          "auditors and CA administrators"
#define WHO_REVIEWER         "auditors and certificate managers"
#define WHO_OFFICER          "certificate managers"
#define WHO_ADMIN            "CA administrators"
#define WHO_KRA              "a key recovery agent, with his key"

/* Headings of `dirca help`. */
#define GROUP_DIRECTORY    "The directory"
#define GROUP_CA           "The CA"
#define GROUP_TEMPLATES    "Templates"
#define GROUP_CERTIFICATES "Certificates"
#define GROUP_KEYS         "Key archival and recovery"
#define GROUP_FILE         "Keys in files, and keys of elsewhere"
#define GROUP_OFFICERS     "Certificate managers"
#define GROUP_ANSWERS      "What is, and why"

/* Arguments that are files with keys. */
#define KEY_FILES_MAX 1000
/* And ids of requests. */
#define CLI_IDS_MAX 1000

#define CLI_VERBS(X)                                                                               \
	X("directory init", "", 0, 0, GROUP_DIRECTORY, WHO_DIRECTORY, NEEDS_SESSION,               \
	    OPTS(OPTS_SESSION, OPTS_SETUP, OPTS_DRY, OPTS_SAID), cmd_directory_init,               \
	    "add to the directory what dirca needs: schema, containers, templates")                \
	X("directory check", "", 0, 0, GROUP_DIRECTORY, WHO_DIRECTORY_READER, NEEDS_SESSION,       \
	    OPTS(OPTS_SESSION, OPTS_SETUP, OPTS_JSON), cmd_directory_check,                        \
	    "whether the directory has what dirca needs, and what mends it")                       \
	X("directory adopt", "", 0, 0, GROUP_DIRECTORY, WHO_DIRECTORY, NEEDS_SESSION,              \
	    OPTS(OPTS_SESSION, OPTS_ADOPT, OPTS_DRY, OPTS_JSON), cmd_directory_adopt,              \
	    "give people and groups of OpenLDAP the SIDs and names that they lack")                \
	X("directory service-account", "DN", 1, 1, GROUP_DIRECTORY, WHO_DIRECTORY, NEEDS_SESSION,  \
	    OPTS(OPTS_SESSION, OPTS_APPLY, OPTS_SAID), cmd_directory_service_account,              \
	    "the rights that dircad's account needs: print them, or grant them")                   \
	X("doctor directory", "", 0, 0, GROUP_DIRECTORY, WHO_DIRECTORY_READER, NEEDS_NOTHING,      \
	    OPTS(OPTS_DAEMON, OPTS_SESSION, OPTS_JSON), cmd_doctor_directory,                      \
	    "examine the directory's servers: what they are, what is missing")                     \
	X("viewstore", "[STORE|URL]", 0, 1, GROUP_DIRECTORY, WHO_DIRECTORY_READER, NEEDS_PKI,      \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_TABLE), cmd_viewstore,                              \
	    "certificates and CRLs that the directory holds")                                      \
	X("ds", "", 0, 0, GROUP_DIRECTORY, WHO_DIRECTORY_READER, NEEDS_DIRECTORY,                  \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_ds,                                                 \
	    "everything under CN=Public Key Services (-v: all attributes)")                        \
	X("setup", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING,                                    \
	    OPTS(OPTS_MACHINE, OPTS_DAEMON, OPTS_PUBLISH, OPTS_DRY, OPTS_SESSION, OPTS_SAID),      \
	    cmd_setup, "from an installed program to a CA that works; goes on where it was")       \
	X("doctor", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_JSON),     \
	    cmd_doctor, "examine the CA's machine, and say what to do next")                       \
	X("ca init", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                                   \
	    OPTS(OPTS_DAEMON, OPTS_INIT, OPTS_SAID), cmd_ca_init,                                  \
	    "make the CA: key, certificate (or request to a parent), database, TLS certificate")   \
	X("ca renew", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                                  \
	    OPTS(OPTS_DAEMON, OPTS_RENEW, OPTS_SAID), cmd_ca_renew,                                \
	    "renew the CA certificate, with its key or a new one (or request to a parent)")        \
	X("ca install", "FILE", 1, 1, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                            \
	    OPTS(OPTS_DAEMON, OPTS_INSTALL, OPTS_SAID), cmd_ca_install,                            \
	    "install the certificate that the parent issued for a renewal")                        \
	X("ca publish", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                                \
	    OPTS(OPTS_DAEMON, OPTS_PUBLISH, OPTS_SESSION, OPTS_SAID), cmd_ca_publish,              \
	    "publish CA certificate and enrollment service to the directory")                      \
	X("ca unpublish", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                              \
	    OPTS(OPTS_DAEMON, OPTS_UNPUBLISH, OPTS_SESSION, OPTS_SAID), cmd_ca_unpublish,          \
	    "take the CA out of the directory")                                                    \
	X("ca status", "", 0, 0, GROUP_CA, WHO_VIEWER, NEEDS_CA, OPTS(OPTS_SESSION, OPTS_JSON),    \
	    cmd_ca_status, "what the CA says of itself")                                           \
	X("ca exchange renew", "", 0, 0, GROUP_CA, WHO_ADMIN, NEEDS_CA,                            \
	    OPTS(OPTS_SESSION, OPTS_SAID), cmd_ca_exchange_renew,                                  \
	    "make a new CA exchange certificate, to which clients encrypt keys")                   \
	X("ca rights", "[grant|revoke TRUSTEE RIGHT...]", 0, CLI_LIST_MAX, GROUP_CA,               \
	    WHO_DIRECTORY, NEEDS_SESSION, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DRY, OPTS_RIGHTS),    \
	    cmd_ca_rights, "who may manage, audit and use the CA; change it")                      \
	X("cas", "", 0, 0, GROUP_CA, WHO_DIRECTORY_READER, NEEDS_PKI,                              \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_TABLE), cmd_cas,                                    \
	    "certification authorities that the directory names")                                  \
	X("getreg", "[NAME]", 0, 1, GROUP_CA, WHO_VIEWER, NEEDS_CA, OPTS(OPTS_SESSION, OPTS_JSON), \
	    cmd_getreg, "settings of the CA")                                                      \
	X("setreg", "NAME VALUE...", 2, CLI_LIST_MAX, GROUP_CA, WHO_ADMIN, NEEDS_CA,               \
	    OPTS(OPTS_SESSION, OPTS_FLAGS, OPTS_SAID), cmd_setreg, "change a setting of the CA")   \
	X("crl", "", 0, 0, GROUP_CA, WHO_ADMIN, NEEDS_CA, OPTS(OPTS_SESSION, OPTS_CRL, OPTS_SAID), \
	    cmd_crl, "publish new CRLs")                                                           \
	X("audit log", "", 0, 0, GROUP_CA, WHO_AUDITOR, NEEDS_CA,                                  \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_AUDIT, OPTS_TABLE, OPTS_PAGES), cmd_audit_log,      \
	    "what the CA did and for whom: its audit trail")                                       \
	X("audit export", "", 0, 0, GROUP_CA, WHO_AUDITOR, NEEDS_CA,                               \
	    OPTS(OPTS_SESSION, OPTS_EXPORT, OPTS_SAID), cmd_audit_export,                          \
	    "write the audit trail so that it can be verified")                                    \
	X("audit verify", "FILE...", 1, CLI_LIST_MAX, GROUP_CA, WHO_ANYBODY, NEEDS_NOTHING,        \
	    OPTS(OPTS_HEAD, OPTS_SAID), cmd_audit_verify,                                          \
	    "whether a row of an exported audit trail was changed or is missing (needs no CA)")    \
	X("audit compare", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING,                            \
	    OPTS(OPTS_DAEMON, OPTS_JSON), cmd_audit_compare,                                       \
	    "hold the vault's journal of signatures against the database")                         \
	X("events", "", 0, 0, GROUP_CA, WHO_WATCHER, NEEDS_CA,                                     \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_EVENTS, OPTS_TABLE, OPTS_PAGES), cmd_events,        \
	    "what the CA has met: KRA certificates, CRLs, requests; docs/EVENTS.md")               \
	X("backup", "FOLDER", 1, 1, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                              \
	    OPTS(OPTS_DAEMON, OPTS_JSON), cmd_backup,                                              \
	    "copy the CA into a new folder, its keys encrypted (on the CA's machine)")             \
	X("backup verify", "FOLDER", 1, 1, GROUP_CA, WHO_ANYBODY, NEEDS_NOTHING,                   \
	    OPTS(OPTS_JSON, OPTS_COPY), cmd_backup_verify,                                         \
	    "whether a copy is whole and whose it is (needs no CA)")                               \
	X("restore", "FOLDER", 1, 1, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                             \
	    OPTS(OPTS_DAEMON, OPTS_COPY, OPTS_RESTORE, OPTS_YES, OPTS_SAID), cmd_restore,          \
	    "make the CA of a copy, on a machine where it is not")                                 \
	X("import adcs", "FILE", 1, 1, GROUP_CA, WHO_ROOT, NEEDS_CONFIG,                           \
	    OPTS(OPTS_DAEMON, OPTS_DRY, OPTS_ADCS, OPTS_SAID), cmd_import_adcs,                    \
	    "take over what a CA of AD CS issued, revoked and archived (on the CA's machine)")     \
	X("db check", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_JSON),   \
	    cmd_db_check, "whether the database is sound (on the CA's machine)")                   \
	X("db stats", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_JSON),   \
	    cmd_db_stats, "how big the database is, and what is in it")                            \
	X("db version", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_JSON), \
	    cmd_db_version, "which version the database has, and which this program")              \
	X("db migrate", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING,                               \
	    OPTS(OPTS_DAEMON, OPTS_DRY, OPTS_SAID), cmd_db_migrate,                                \
	    "bring the database to this program's version; -n: try it on a copy")                  \
	X("db sealed", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_JSON),  \
	    cmd_db_sealed, "what archived keys are sealed with, and which with too little")        \
	X("db vacuum", "", 0, 0, GROUP_CA, WHO_ROOT, NEEDS_NOTHING, OPTS(OPTS_DAEMON, OPTS_SAID),  \
	    cmd_db_vacuum, "make the database small, while the CA does not run")                   \
	X("doctor ca", "", 0, 0, GROUP_CA, WHO_WATCHER, NEEDS_CA, OPTS(OPTS_SESSION, OPTS_JSON),   \
	    cmd_doctor_ca, "what keeps the CA from its work, and what mends it")                   \
	X("templates", "[NAME]", 0, 1, GROUP_TEMPLATES, WHO_DIRECTORY_READER, NEEDS_PKI,           \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_TABLE), cmd_template_list,                          \
	    "certificate templates, who issues them, whether they archive")                        \
	X("template list", "", 0, 0, GROUP_TEMPLATES, WHO_DIRECTORY_READER, NEEDS_PKI,             \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_TABLE), cmd_template_list,                          \
	    "certificate templates, who issues them, who may enroll")                              \
	X("template show", "NAME", 1, 1, GROUP_TEMPLATES, WHO_DIRECTORY_READER, NEEDS_PKI,         \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_template_show,                                      \
	    "all fields of a template by name, and its rights")                                    \
	X("template duplicate", "TEMPLATE NEWNAME [FIELD=VALUE...]", 2, CLI_LIST_MAX,              \
	    GROUP_TEMPLATES, WHO_DIRECTORY, NEEDS_PKI,                                             \
	    OPTS(OPTS_SESSION, OPTS_DRY, OPTS_FIELDS, OPTS_SAID), cmd_template_duplicate,          \
	    "copy a template under a new name, with changes")                                      \
	X("template set", "NAME FIELD=VALUE...", 0, CLI_LIST_MAX, GROUP_TEMPLATES, WHO_DIRECTORY,  \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_DRY, OPTS_FIELDS, OPTS_SAID), cmd_template_set, \
	    "change fields of a template; alone: which there are")                                 \
	X("template enable", "NAME", 1, 1, GROUP_TEMPLATES, WHO_DIRECTORY, NEEDS_PKI,              \
	    OPTS(OPTS_SESSION, OPTS_DRY, OPTS_SAID), cmd_template_enable,                          \
	    "have a CA issue a template")                                                          \
	X("template disable", "NAME", 1, 1, GROUP_TEMPLATES, WHO_DIRECTORY, NEEDS_PKI,             \
	    OPTS(OPTS_SESSION, OPTS_DRY, OPTS_SAID), cmd_template_disable,                         \
	    "have a CA no longer issue a template")                                                \
	X("template grant", "NAME TRUSTEE RIGHT...", 3, CLI_LIST_MAX, GROUP_TEMPLATES,             \
	    WHO_DIRECTORY, NEEDS_PKI, OPTS(OPTS_SESSION, OPTS_DRY, OPTS_GRANT, OPTS_SAID),         \
	    cmd_template_grant, "give read, write, enroll, autoenroll or full on a template")      \
	X("template revoke", "NAME TRUSTEE RIGHT...", 3, CLI_LIST_MAX, GROUP_TEMPLATES,            \
	    WHO_DIRECTORY, NEEDS_PKI, OPTS(OPTS_SESSION, OPTS_DRY, OPTS_GRANT, OPTS_SAID),         \
	    cmd_template_revoke, "take rights on a template away")                                 \
	X("template export", "NAME...", 1, CLI_LIST_MAX, GROUP_TEMPLATES, WHO_DIRECTORY_READER,    \
	    NEEDS_PKI, OPTS(OPTS_SESSION, OPTS_TRANSFER, OPTS_SAID), cmd_template_export,          \
	    "write templates as LDIF that another directory can take")                             \
	X("template import", "FILE", 1, 1, GROUP_TEMPLATES, WHO_DIRECTORY, NEEDS_NOTHING,          \
	    OPTS(OPTS_SESSION, OPTS_DRY, OPTS_IMPORT, OPTS_SAID), cmd_template_import,             \
	    "make templates from LDIF, or JSON of PowerShell's ADCSTemplate")                      \
	X("template lint", "", 0, 0, GROUP_TEMPLATES, WHO_DIRECTORY_READER, NEEDS_PKI,             \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_LINT), cmd_template_lint,                           \
	    "what is dangerous in templates, rights and key recovery agents")                      \
	X("enroll", "[TEMPLATE]", 0, 1, GROUP_CERTIFICATES, WHO_ENROLLEE, NEEDS_NOTHING,           \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_ENROLL, OPTS_OUT), cmd_enroll,                      \
	    "make a key, archive it where the template says so, get a certificate")                \
	X("new", "INF OUT", 2, 2, GROUP_CERTIFICATES, WHO_DIRECTORY_READER, NEEDS_NOTHING,         \
	    OPTS(OPTS_SESSION, OPTS_REQUEST, OPTS_NEW, OPTS_SAID), cmd_new,                        \
	    "make a key and a request file, as an INF file says")                                  \
	X("submit", "FILE [CERTIFICATE [CHAIN [RESPONSE]]]", 1, 4, GROUP_CERTIFICATES,             \
	    WHO_ENROLLEE, NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_SUBMIT), cmd_submit,   \
	    "send the request (PKCS#10 or CMC) in a file, and fetch what becomes of it")           \
	X("retrieve", "REQUESTID [CERTIFICATE [CHAIN [RESPONSE]]]", 1, 4, GROUP_CERTIFICATES,      \
	    WHO_SIGNED_IN, NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_OUT, OPTS_KEY),       \
	    cmd_retrieve, "fetch the certificate of a request that was pending")                   \
	X("accept", "RESPONSE [OUT.pfx]", 1, 2, GROUP_CERTIFICATES, WHO_DIRECTORY_READER,          \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_REQUEST, OPTS_ACCEPT, OPTS_SAID), cmd_accept,   \
	    "verify what the CA answered to `dirca new`, and join it with the key")                \
	X("requests", "", 0, 0, GROUP_CERTIFICATES, WHO_SIGNED_IN, NEEDS_NOTHING,                  \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_LIST, OPTS_TABLE, OPTS_PAGES), cmd_requests,        \
	    "requests of the CA")                                                                  \
	X("expiring", "", 0, 0, GROUP_CERTIFICATES, WHO_VIEWER, NEEDS_NOTHING,                     \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_EXPIRING, OPTS_TABLE), cmd_expiring,                \
	    "certificates that end soon and have no newer one")                                    \
	X("stats", "", 0, 0, GROUP_CERTIFICATES, WHO_VIEWER, NEEDS_CA,                             \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_stats,                                              \
	    "how many requests there are in which state")                                          \
	X("approve", "[ID|FIRST-LAST...]", 0, CLI_IDS_MAX, GROUP_CERTIFICATES, WHO_OFFICER,        \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_MANY), cmd_approve,                  \
	    "issue pending requests")                                                              \
	X("deny", "[ID|FIRST-LAST...]", 0, CLI_IDS_MAX, GROUP_CERTIFICATES, WHO_OFFICER,           \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_MANY, OPTS_DECIDE), cmd_deny,        \
	    "deny pending requests")                                                               \
	X("resubmit", "[ID|FIRST-LAST...]", 0, CLI_IDS_MAX, GROUP_CERTIFICATES, WHO_OFFICER,       \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_MANY), cmd_resubmit,                 \
	    "decide anew what was denied or ended in error, issue it")                             \
	X("request show", "REQUESTID", 1, 1, GROUP_CERTIFICATES, WHO_SIGNED_IN, NEEDS_NOTHING,     \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_request_show,                                       \
	    "all that the CA says of a request, and what certificate managers set for it")         \
	X("request set-attribute", "REQUESTID NAME [VALUE]", 2, 3, GROUP_CERTIFICATES,             \
	    WHO_OFFICER, NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_SAID), cmd_request_set_attribute,  \
	    "set an attribute of a pending request, or take it away")                              \
	X("request set-extension", "REQUESTID OID", 2, 2, GROUP_CERTIFICATES, WHO_OFFICER,         \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_EXTENSION, OPTS_SAID),                          \
	    cmd_request_set_extension,                                                             \
	    "set an extension that the certificate of a pending request will have")                \
	X("request export", "REQUESTID FILE", 2, 2, GROUP_CERTIFICATES, WHO_SIGNED_IN,             \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_SAID), cmd_request_export,                      \
	    "write a request as it came, without an encrypted key, for `dirca dump`")              \
	X("revoke", "[REQUESTID|SERIAL...]", 0, CLI_LIST_MAX, GROUP_CERTIFICATES, WHO_OFFICER,     \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_MANY, OPTS_REVOKE), cmd_revoke,      \
	    "revoke certificates, or put them on hold")                                            \
	X("unrevoke", "REQUESTID|SERIAL...", 1, CLI_LIST_MAX, GROUP_CERTIFICATES, WHO_OFFICER,     \
	    NEEDS_CA, OPTS(OPTS_SESSION, OPTS_JSON), cmd_unrevoke, "take certificates from hold")  \
	X("kra add", "FILE...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,               \
	    OPTS(OPTS_DAEMON, OPTS_KRA_ADD, OPTS_READER, OPTS_SAID), cmd_kra_add,                  \
	    "put KRA certificates into the CA's KRA store and enable them (on the CA's machine)")  \
	X("kra enable", "HASH|NAME...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,       \
	    OPTS(OPTS_DAEMON, OPTS_READER, OPTS_SAID), cmd_kra_enable,                             \
	    "have keys sealed to KRAs of the KRA store (on the CA's machine)")                     \
	X("kra disable", "HASH|NAME...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,      \
	    OPTS(OPTS_DAEMON, OPTS_YES, OPTS_SAID), cmd_kra_disable,                               \
	    "have no more keys sealed to these KRAs (on the CA's machine)")                        \
	X("kra count", "N", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                              \
	    OPTS(OPTS_DAEMON, OPTS_COUNT, OPTS_SAID), cmd_kra_count,                               \
	    "to how many KRAs each key is sealed, and how many open it together")                  \
	X("kra remove", "KRA", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                           \
	    OPTS(OPTS_DAEMON, OPTS_YES, OPTS_SAID), cmd_kra_remove,                                \
	    "take a KRA certificate out of the CA's KRA store")                                    \
	X("archive coverage", "", 0, 0, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                        \
	    OPTS(OPTS_DAEMON, OPTS_JSON, OPTS_COVERAGE), cmd_archive_coverage,                     \
	    "which KRAs can open the archived keys, and what is lost if some leave")               \
	X("archive verify", "", 0, 0, GROUP_KEYS, WHO_WATCHER, NEEDS_CA,                           \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_PART), cmd_archive_verify,                          \
	    "whether every archived key could be recovered, as far as can be told unopened")       \
	X("archive export", "OUT FROM TO...", 3, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG, \
	    OPTS(OPTS_DAEMON, OPTS_BATCH, OPTS_SAID), cmd_archive_export,                          \
	    "archived keys for a KRA who seals them to others (on the CA's machine)")              \
	X("archive list", "", 0, 0, GROUP_KEYS, WHO_WATCHER, NEEDS_CA,                             \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_TABLE, OPTS_BATCHES), cmd_archive_list,             \
	    "batches of archived keys that root gave out to be sealed to others")                  \
	X("archive approve", "BATCH", 1, 1, GROUP_KEYS, WHO_ADMIN, NEEDS_CA,                       \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_archive_approve,                                    \
	    "approve that a batch is taken back (CA\\Recovery\\ApproveBatches)")                   \
	X("archive rewrap", "IN [OUT]", 1, 2, GROUP_KEYS, WHO_KRA, NEEDS_NOTHING,                  \
	    OPTS(OPTS_REWRAP, OPTS_SAID), cmd_archive_rewrap,                                      \
	    "seal the keys of a batch to other KRAs with a KRA's key (needs no CA)")               \
	X("archive import", "IN", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                        \
	    OPTS(OPTS_DAEMON, OPTS_SAID), cmd_archive_import,                                      \
	    "take back what a KRA sealed to others (on the CA's machine)")                         \
	X("archive revert", "BATCH", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                     \
	    OPTS(OPTS_DAEMON, OPTS_SAID), cmd_archive_revert,                                      \
	    "put the keys of a batch back as they were (on the CA's machine)")                     \
	X("archive settle", "BATCH", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                     \
	    OPTS(OPTS_DAEMON, OPTS_SAID), cmd_archive_settle,                                      \
	    "let former keys go that a drill showed no use of (on the CA's machine)")              \
	X("archive drill new", "OUT KRA", 2, 2, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                \
	    OPTS(OPTS_DAEMON, OPTS_SAMPLE, OPTS_SAID), cmd_archive_drill_new,                      \
	    "archived keys for a KRA who proves that he opens them (on the CA's machine)")         \
	X("archive drill list", "", 0, 0, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                      \
	    OPTS(OPTS_DAEMON, OPTS_JSON, OPTS_TABLE), cmd_archive_drill_list,                      \
	    "drills, and which keys of them were proved (on the CA's machine)")                    \
	X("archive drill run", "IN [OUT]", 1, 2, GROUP_KEYS, WHO_KRA, NEEDS_NOTHING,               \
	    OPTS(OPTS_DRILL, OPTS_SAID), cmd_archive_drill_run,                                    \
	    "prove with a KRA's key that the keys of a drill open (needs no CA)")                  \
	X("archive drill report", "IN", 1, 1, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                  \
	    OPTS(OPTS_DAEMON, OPTS_SAID), cmd_archive_drill_report,                                \
	    "take back what a KRA proved (on the CA's machine)")                                   \
	X("kra issuers", "", 0, 0, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,                             \
	    OPTS(OPTS_DAEMON, OPTS_SESSION, OPTS_JSON, OPTS_TABLE), cmd_kra_issuers,               \
	    "CAs of the directory, and whose KRA certificates the CA takes (on the CA's machine)") \
	X("kra issuers add", "HASH|FILE...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT, NEEDS_CONFIG,  \
	    OPTS(OPTS_DAEMON, OPTS_SESSION, OPTS_SAID), cmd_kra_issuers_add,                       \
	    "take KRA certificates of other CAs too (on the CA's machine)")                        \
	X("kra issuers remove", "HASH|NAME...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_ROOT,             \
	    NEEDS_CONFIG, OPTS(OPTS_DAEMON, OPTS_SAID), cmd_kra_issuers_remove,                    \
	    "take KRA certificates of these CAs no more (on the CA's machine)")                    \
	X("kra status", "", 0, 0, GROUP_KEYS, WHO_VIEWER, NEEDS_CA, OPTS(OPTS_SESSION, OPTS_JSON), \
	    cmd_kra_status,                                                                        \
	    "the CA's KRA certificates: usable or why not, days left, keys sealed to them")        \
	X("kra list", "", 0, 0, GROUP_KEYS, WHO_DIRECTORY_READER, NEEDS_PKI,                       \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DAEMON, OPTS_FOUND, OPTS_TABLE), cmd_kra_list,      \
	    "KRA certificates of the directory; which of them the CA could take")                  \
	X("kra publish", "FILE...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_DIRECTORY, NEEDS_NOTHING,     \
	    OPTS(OPTS_SESSION, OPTS_SAID), cmd_kra_publish,                                        \
	    "publish KRA certificates to the directory")                                           \
	X("kra unpublish", "FILE|KRA...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_DIRECTORY,              \
	    NEEDS_NOTHING, OPTS(OPTS_SESSION, OPTS_SAID), cmd_kra_unpublish,                       \
	    "take KRA certificates out of the directory")                                          \
	X("getkey", "TOKEN [OUTFILE]", 1, 2, GROUP_KEYS, WHO_OFFICER, NEEDS_SESSION,               \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_BY_CASE, OPTS_SEARCH), cmd_getkey,                  \
	    "find recovery candidates and who can open them; fetch the recovery BLOB of one")      \
	X("case open", "TOKEN...", 1, CLI_LIST_MAX, GROUP_KEYS, WHO_OFFICER, NEEDS_CA,             \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_CASE), cmd_case_open,                               \
	    "open a recovery case: why keys of somebody are to be recovered")                      \
	X("case list", "", 0, 0, GROUP_KEYS, WHO_REVIEWER, NEEDS_CA,                               \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_CASES, OPTS_TABLE, OPTS_PAGES), cmd_case_list,      \
	    "recovery cases that wait or are open")                                                \
	X("case show", "ID", 1, 1, GROUP_KEYS, WHO_REVIEWER, NEEDS_CA,                             \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_case_show,                                          \
	    "all of a recovery case, and what can be done next")                                   \
	X("case approve", "ID", 1, 1, GROUP_KEYS, WHO_OFFICER, NEEDS_CA,                           \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_case_approve,                                       \
	    "approve a recovery case of another certificate manager")                              \
	X("case deny", "ID", 1, 1, GROUP_KEYS, WHO_OFFICER, NEEDS_CA,                              \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DECIDE), cmd_case_deny,                             \
	    "deny a recovery case of another certificate manager")                                 \
	X("case close", "ID", 1, 1, GROUP_KEYS, WHO_OFFICER, NEEDS_CA,                             \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DECIDE), cmd_case_close,                            \
	    "end a recovery case: nothing is fetched by it any more")                              \
	X("recoverkey", "BLOB [OUTFILE]", 1, 2, GROUP_KEYS, WHO_KRA, NEEDS_NOTHING,                \
	    OPTS(OPTS_RECOVER, OPTS_JSON), cmd_recoverkey,                                         \
	    "open a recovery BLOB with a KRA's key (needs no CA); alone, show whose it is")        \
	X("mergepfx", "IN... OUT", 2, KEY_FILES_MAX, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,       \
	    OPTS(OPTS_KEYS_IN, OPTS_KEYS_OUT, OPTS_SAID), cmd_mergepfx,                            \
	    "put the keys of several files into one PKCS#12")                                      \
	X("convert", "IN... OUT", 2, KEY_FILES_MAX, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,        \
	    OPTS(OPTS_KEYS_IN, OPTS_KEYS_OUT, OPTS_FORMAT, OPTS_SAID), cmd_convert,                \
	    "write keys and certificates of any files in another format")                          \
	X("importpfx", "FILE...", 1, KEY_FILES_MAX, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,        \
	    OPTS(OPTS_KEYS_IN, OPTS_KEY_STORE, OPTS_IMPORTPFX, OPTS_SAID), cmd_importpfx,          \
	    "put keys where programs use them: a folder, NSS, a token")                            \
	X("exportpfx", "KEY OUT", 2, 2, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,                    \
	    OPTS(OPTS_KEYS_IN, OPTS_KEYS_OUT, OPTS_KEY_STORE, OPTS_SAID), cmd_exportpfx,           \
	    "take a key out of a folder or NSS into a PKCS#12")                                    \
	X("import certificate new", "", 0, 0, GROUP_FILE, WHO_ADMIN, NEEDS_CA,                     \
	    OPTS(OPTS_SESSION, OPTS_CERT, OPTS_DAYS, OPTS_SAID), cmd_import_certificate_new,       \
	    "make a certificate to which keys are encrypted that are imported")                    \
	X("import certificate show", "", 0, 0, GROUP_FILE, WHO_OFFICER, NEEDS_CA,                  \
	    OPTS(OPTS_SESSION, OPTS_CERT, OPTS_SAID), cmd_import_certificate_show,                 \
	    "the certificate to which keys are encrypted that are imported")                       \
	X("exportkms", "FILE|FOLDER...", 1, CLI_LIST_MAX, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,  \
	    OPTS(OPTS_SESSION, OPTS_ESCROW, OPTS_EXPORTKMS, OPTS_SAID), cmd_exportkms,             \
	    "put keys into an escrow batch, which another CA imports (needs no CA)")               \
	X("importkms", "FILE|FOLDER...", 1, CLI_LIST_MAX, GROUP_FILE, WHO_OFFICER, NEEDS_CA,       \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_ESCROW, OPTS_BRING), cmd_importkms,                 \
	    "archive keys that were made elsewhere, with their certificates")                      \
	X("verifykeys", "[FILE...]", 0, KEY_FILES_MAX, GROUP_FILE, WHO_ANYBODY, NEEDS_NOTHING,     \
	    OPTS(OPTS_KEYS_IN, OPTS_JSON, OPTS_DAEMON, OPTS_VERIFY), cmd_verifykeys,               \
	    "whether keys work with their certificates; alone, every archived key (as root)")      \
	X("officer list", "", 0, 0, GROUP_OFFICERS, WHO_DIRECTORY_READER, NEEDS_SESSION,           \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_officer_list,                                       \
	    "certificate managers and what restricts them")                                        \
	X("officer restrict", "", 0, 0, GROUP_OFFICERS, WHO_DIRECTORY, NEEDS_SESSION,              \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DRY, OPTS_RESTRICT), cmd_officer_restrict,          \
	    "turn restrictions of certificate managers on (or --off)")                             \
	X("officer allow", "OFFICER", 1, 1, GROUP_OFFICERS, WHO_DIRECTORY, NEEDS_SESSION,          \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DRY, OPTS_RULE), cmd_officer_allow,                 \
	    "let a certificate manager act for these requesters")                                  \
	X("officer deny", "OFFICER", 1, 1, GROUP_OFFICERS, WHO_DIRECTORY, NEEDS_SESSION,           \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DRY, OPTS_RULE), cmd_officer_deny,                  \
	    "keep a certificate manager from acting for these requesters")                         \
	X("officer remove", "NUMBER|OFFICER...", 1, CLI_LIST_MAX, GROUP_OFFICERS, WHO_DIRECTORY,   \
	    NEEDS_SESSION, OPTS(OPTS_SESSION, OPTS_JSON, OPTS_DRY), cmd_officer_remove,            \
	    "take rules away: by number, or all of an officer")                                    \
	X("explain enroll", "USER TEMPLATE", 2, 2, GROUP_ANSWERS, WHO_SIGNED_IN, NEEDS_CA,         \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_explain_enroll,                                     \
	    "what the CA would make of an enrollment, and why")                                    \
	X("explain recover", "OFFICER USER", 2, 2, GROUP_ANSWERS, WHO_VIEWER, NEEDS_CA,            \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_explain_recover,                                    \
	    "which archived keys an officer would get, and why")                                   \
	X("explain request", "REQUESTID", 1, 1, GROUP_ANSWERS, WHO_OFFICER, NEEDS_CA,              \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_explain_request,                                    \
	    "what would come of a request that waits, or was refused, and why")                    \
	X("dump", "FILE|TEMPLATE", 1, 1, GROUP_ANSWERS, WHO_ANYBODY, NEEDS_NOTHING,                \
	    OPTS(OPTS_DUMP, OPTS_SESSION, OPTS_JSON), cmd_dump,                                    \
	    "show a request, response, recovery BLOB, certificate, CRL, keys or descriptor")       \
	X("sd show", "[OBJECT|FILE]", 0, 1, GROUP_ANSWERS, WHO_DIRECTORY_READER, NEEDS_NOTHING,    \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_SDDL), cmd_sd_show,                                 \
	    "security descriptor of an object, or in a file, in words")                            \
	X("sd check", "[OBJECT|FILE]", 0, 1, GROUP_ANSWERS, WHO_DIRECTORY_READER, NEEDS_NOTHING,   \
	    OPTS(OPTS_SESSION, OPTS_JSON, OPTS_SDDL), cmd_sd_check,                                \
	    "whom a security descriptor lets do what, what is wrong with it, what differs")        \
	X("config show", "", 0, 0, GROUP_ANSWERS, WHO_ANYBODY, NEEDS_NOTHING,                      \
	    OPTS(OPTS_SESSION, OPTS_JSON), cmd_config_show,                                        \
	    "settings of dirca, and which file, variable or option each is from")                  \
	X("help", "[VERB]", 0, 3, GROUP_ANSWERS, WHO_ANYBODY, NEEDS_NOTHING, OPTS(OPTS_SAID),      \
	    cmd_help, "this list, or one verb's options")

#define X(name, arguments, least, most, group, who, needs, options, function, summary) \
	verb_function function;
CLI_VERBS(X)
#undef X

#endif
