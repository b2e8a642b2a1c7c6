/*
 * What the CA tells its administrator by itself: events under the numbers, symbols and variables of
 * AD CS (paper, "Event Log Messages Related to Key Archival and Recovery"; docs/FACTS.md 14), in
 * one table. An event is kept as its number and the values of its variables; whoever shows it makes
 * the text. Pure: what raises one is ca_event (core), what keeps them store.h. docs/EVENTS.md says
 * what stands behind each on this platform.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Values of CA\LogLevel: an event is kept if its level is at most that. */
enum event_level { EVENT_LEVEL_ERROR = 2, EVENT_LEVEL_WARNING, EVENT_LEVEL_INFORMATION };

/* Whom it concerns. */
enum event_category {
	EVENT_CATEGORY_KRA,
	EVENT_CATEGORY_EXCHANGE,
	EVENT_CATEGORY_REQUEST,
	EVENT_CATEGORY_CRL,
	EVENT_CATEGORY_AUDIT,
	EVENT_CATEGORY_RECOVERY
};

/* X(id, number, level, category, symbol, title, variables, text). Title: the log line's. Each
 * {variable} of the text is one of the variables, and each of these is in the text once. Numbers
 * over 1000 are our own. */
/* clang-format off */
#define EVENTS(X) \
	X(REQUEST_ISSUED, 6, INFORMATION, REQUEST, "MSG_DN_CERT_ISSUED", "certificate issued", \
	    "RequestId SubjectName", \
	    "request {RequestId} of {SubjectName} was issued") \
	X(REQUEST_PENDING, 8, INFORMATION, REQUEST, "MSG_DN_CERT_PENDING", "request waits", \
	    "RequestId SubjectName", \
	    "request {RequestId} of {SubjectName} waits for a certificate manager") \
	X(REQUEST_FAILED, 21, ERROR, REQUEST, "MSG_E_PROCESS_REQUEST_FAILED", "request failed", \
	    "RequestId ErrorCode SubjectName", \
	    "request {RequestId} could not be worked on: {ErrorCode}; it is of {SubjectName}") \
	X(REQUEST_FAILED_WITH_INFO, 22, ERROR, REQUEST, "MSG_E_PROCESS_REQUEST_FAILED_WITH_INFO", "request failed", \
	    "RequestId ErrorCode SubjectName AdditionalInformation", \
	    "request {RequestId} could not be worked on: {ErrorCode}; it is of {SubjectName} ({AdditionalInformation})") \
	X(REQUEST_DENIED, 53, WARNING, REQUEST, "MSG_DN_CERT_DENIED_WITH_INFO", "request denied", \
	    "RequestId Reason SubjectName AdditionalInformation", \
	    "request {RequestId} was denied: {Reason}; it is of {SubjectName} ({AdditionalInformation})") \
	X(BASE_CRL_PUBLICATION, 65, ERROR, CRL, "MSG_E_BASE_CRL_PUBLICATION", "CRL not published", \
	    "CAKeyIdentifier URL ErrorMessageText", \
	    "the base CRL of key {CAKeyIdentifier} could not be brought to {URL}: {ErrorMessageText}") \
	X(DELTA_CRL_PUBLICATION, 66, ERROR, CRL, "MSG_E_DELTA_CRL_PUBLICATION", "delta CRL not published", \
	    "CAKeyIdentifier URL ErrorMessageText", \
	    "the delta CRL of key {CAKeyIdentifier} could not be brought to {URL}: {ErrorMessageText}") \
	X(KRA_NOT_ADVANCED_SERVER, 81, ERROR, KRA, "MSG_E_KRA_NOT_ADVANCED_SERVER", "no key archival on this platform", \
	    "ErrorCode", \
	    "keys cannot be archived on this platform: {ErrorCode}") \
	X(TOO_FEW_VALID_KRA_CERTS, 82, ERROR, KRA, "MSG_E_TOO_FEW_VALID_KRA_CERTS", "too few usable KRA certificates", \
	    "NumberofValidKRACerts RequiredNumberofValidKRACerts", \
	    "{NumberofValidKRACerts} key recovery agent certificate(s) can be used and " \
	    "{RequiredNumberofValidKRACerts} must be: no key is archived") \
	X(LOADING_KRA_CERTS, 83, ERROR, KRA, "MSG_E_LOADING_KRA_CERTS", "KRA certificates not loaded", \
	    "ErrorCode", \
	    "the key recovery agent certificates could not be loaded, and no key is archived: {ErrorCode}") \
	X(INVALID_KRA_CERT, 84, ERROR, KRA, "MSG_E_INVALID_KRA_CERT", "KRA certificate not usable", \
	    "KRACertIndex KRACertSubjectName ErrorCode", \
	    "key recovery agent certificate {KRACertIndex} ({KRACertSubjectName}) is not used: {ErrorCode}") \
	X(CANNOT_LOAD_KRA_CERT, 85, ERROR, KRA, "MSG_E_CANNOT_LOAD_KRA_CERT", "KRA certificate not loaded", \
	    "KRACertIndex KRACertSubjectName ErrorCode", \
	    "key recovery agent certificate {KRACertIndex} ({KRACertSubjectName}) is left out: {ErrorCode}") \
	X(BAD_REGISTRY_CA_XCHG_CSP, 86, WARNING, EXCHANGE, "MSG_E_BAD_REGISTRY_CA_XCHG_CSP", "provider of the exchange key not usable", \
	    "ErrorCode", \
	    "the provider that the settings name for CA exchange keys cannot be used: {ErrorCode}") \
	X(BAD_DEFAULT_CA_XCHG_CSP, 87, ERROR, EXCHANGE, "MSG_E_BAD_DEFAULT_CA_XCHG_CSP", "default provider not usable", \
	    "ErrorCode", \
	    "the default provider of CA exchange keys cannot be used either: {ErrorCode}") \
	X(USE_DEFAULT_CA_XCHG_CSP, 88, WARNING, EXCHANGE, "MSG_E_USE_DEFAULT_CA_XCHG_CSP", "default provider in use", \
	    "DefaultProviderName", \
	    "CA exchange keys are made by the default provider now, {DefaultProviderName}") \
	X(CANNOT_CREATE_XCHG_CERT, 96, ERROR, EXCHANGE, "MSG_E_CANNOT_CREATE_XCHG_CERT", "no CA exchange certificate", \
	    "Disposition ErrorCode", \
	    "a CA exchange certificate could not be made ({Disposition}): {ErrorCode}") \
	X(TOO_MANY_KRA_INVALID, 98, ERROR, KRA, "MSG_E_TOO_MANY_KRA_INVALID", "KRA certificates no longer valid", \
	    "", \
	    "too many of the configured key recovery agent certificates are no longer valid: " \
	    "keys are not archived any more") \
	X(EXPIRATION_KRA_CERT, 127, WARNING, KRA, "MSG_W_EXPIRATION_KRA_CERT", "KRA certificate ends soon", \
	    "KRACertIndex KRACertSubjectName ErrorCode", \
	    "key recovery agent certificate {KRACertIndex} ({KRACertSubjectName}) ends soon and is not " \
	    "used afterwards; have it renewed: {ErrorCode}") \
	X(AUDIT_TRAIL_SHORT, 1001, ERROR, AUDIT, "DIRCA_AUDIT_TRAIL_SHORT", "audit trail shorter than signed", \
	    "ErrorCode", \
	    "the audit trail ends before the row up to which the vault signed it: {ErrorCode}") \
	X(ISSUING_STOPPED, 1002, ERROR, CRL, "DIRCA_ISSUING_STOPPED", "no certificate is issued", \
	    "ErrorCode", \
	    "no certificate is issued, for want of a current CRL: {ErrorCode}") \
	X(SECOND_KEY, 1003, WARNING, REQUEST, "DIRCA_SECOND_KEY", "second valid key for one purpose", \
	    "RequestId Certificate", \
	    "request {RequestId} was issued, but {Certificate}") \
	X(NO_TOKEN_RANDOM, 1004, ERROR, EXCHANGE, "DIRCA_NO_TOKEN_RANDOM", "no random numbers of the CA key's token", \
	    "ErrorCode", \
	    "no key is archived, since the token of the CA key gives no random numbers: {ErrorCode}") \
	X(LAST_KRA_ENDS, 1005, WARNING, KRA, "DIRCA_LAST_KRA_ENDS", "last KRA of archived keys ends soon", \
	    "Keys KRACertSubjectName Until", \
	    "{Keys} archived key(s) will be opened by no key recovery agent that lives; the first of the " \
	    "last ones is {KRACertSubjectName}, until {Until}") \
	X(KEYS_UNCOVERED, 1006, ERROR, KRA, "DIRCA_KEYS_UNCOVERED", "archived keys without a living KRA", \
	    "Keys", \
	    "{Keys} archived key(s) can be opened by no key recovery agent that is enabled and valid") \
	X(KRA_UNPROVED, 1007, WARNING, KRA, "DIRCA_KRA_UNPROVED", "KRA has shown in no drill that he opens keys", \
	    "Agents KRACertSubjectName Since", \
	    "{Agents} key recovery agent(s) have not shown in a drill that they open archived keys for as long as " \
	    "CA\\Recovery\\DrillDays allows; the first is {KRACertSubjectName}: {Since}") \
	X(DRILL_INCOMPLETE, 1008, WARNING, KRA, "DIRCA_DRILL_INCOMPLETE", "drill of a KRA lacks keys", \
	    "Agents KRACertSubjectName Opened", \
	    "the newest drill of {Agents} key recovery agent(s) lacks keys that they should have opened, or has no " \
	    "report after 14 days; the first is that of {KRACertSubjectName}, from {Opened}") \
	X(CASE_WAITING, 1010, INFORMATION, RECOVERY, "DIRCA_CASE_WAITING", "recovery case waits", \
	    "CaseId Officer Owner Reason", \
	    "recovery case {CaseId} of {Officer} about keys of {Owner} ({Reason}) waits for a second certificate manager") \
	X(CASE_OPENED, 1011, INFORMATION, RECOVERY, "DIRCA_CASE_OPENED", "recovery case opened", \
	    "CaseId Officer Owner Reason", \
	    "recovery case {CaseId} of {Officer} about keys of {Owner} ({Reason}) is open") \
	X(CASE_DENIED, 1012, INFORMATION, RECOVERY, "DIRCA_CASE_DENIED", "recovery case denied", \
	    "CaseId Officer Owner Reason", \
	    "recovery case {CaseId} of {Officer} about keys of {Owner} was denied ({Reason})") \
	X(KEY_RETRIEVED, 1013, INFORMATION, RECOVERY, "DIRCA_KEY_RETRIEVED", "archived key retrieved", \
	    "CaseId Officer Owner SerialNumber", \
	    "the archived key of certificate {SerialNumber} of {Owner} was handed to {Officer} by recovery case {CaseId}") \
	X(OWNER_NOT_TOLD, 1014, WARNING, RECOVERY, "DIRCA_OWNER_NOT_TOLD", "owner not told of a recovery", \
	    "CaseId Officer Owner ErrorCode", \
	    "{Owner} was not told of recovery case {CaseId} of {Officer}: {ErrorCode}")
/* clang-format on */

enum event_id {
#define EVENT_ENUM(id, number, ...) EVENT_##id = (number),
	EVENTS(EVENT_ENUM)
#undef EVENT_ENUM
};

#define EVENT_VALUES_MAX 4

struct event_kind {
	enum event_id id;
	enum event_level level;
	enum event_category category;
	const char *symbol, *title;
	const char *variables; /* names, in order, with a blank between them */
	const char *text;
};
/* NULL: there is none with that number. */
const struct event_kind *event_kind(int64_t number);
/* By number or symbol; E_INVALIDARG. */
const struct event_kind *event_find(const char *text, struct err *err);
/* "error", "warning", "information" */
const char *event_level_name(enum event_level level);
bool event_level_find(const char *text, enum event_level *out, struct err *err);
const char *event_category_name(enum event_category c);
/* The name of variable `at`, from 0; NULL: there are not so many. free(). */
char *event_variable(const struct event_kind *kind, size_t at);
/* The text with the values in it, "-" for those that are NULL. free(). */
char *event_text(const struct event_kind *kind, const char *const values[EVENT_VALUES_MAX]);
/* A value that tells of a failure: its sentence, number and symbol. free(). */
char *event_error(const struct err *err);

/* Some of them. */
struct event_set {
	uint64_t rows; /* a bit for each row of the table */
};
/* Of numbers, symbols and categories ("kra crl 53"), with blanks or commas between them;
 * E_INVALIDARG.
 */
bool event_set_parse(const char *text, struct event_set *out, struct err *err);
bool event_set_has(const struct event_set *set, int64_t number);

/* One that was raised. */
struct event_record {
	int64_t row_id; /* read only */
	int64_t when;
	int64_t number;     /* an event_id; a newer program may have written others */
	int64_t request_id; /* 0 none */
	char *values[EVENT_VALUES_MAX];
};
/* Frees the values; zeroes. */
void event_record_free(struct event_record *e);

#endif
