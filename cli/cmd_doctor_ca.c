/* dirca doctor ca: what keeps the CA from archiving keys, by the numbers of docs/EVENTS.md, and
 * what it met in the last days; each with its cure. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "doctor_kras.h"
#include "events.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "record_pages.h"
#include "text.h"
#include "verbs.h"

#define RECENT_S  (7 * INT64_C(86400))
#define SOON_DAYS 30 /* of event 127 */

/* What mends what the event tells of. */
static const struct {
	int number;
	const char *cure;
} cures[] = {
    {EVENT_REQUEST_FAILED, "mend what the error names, for key recovery agents by `dirca kra "
			   "status`; then its requester enrolls again"},
    {EVENT_REQUEST_FAILED_WITH_INFO,
	"mend what the error names, for key recovery agents by `dirca kra status`; then a "
	"certificate manager tries again, `dirca approve REQUESTID` or `dirca resubmit REQUESTID`"},
    {EVENT_REQUEST_DENIED, "`dirca templates` shows what this CA issues; `dirca template enable "
			   "NAME` has it issue another"},
    {EVENT_BASE_CRL_PUBLICATION,
	"`dirca crl` tries again and says why; `dirca doctor directory` looks at the directory"},
    {EVENT_DELTA_CRL_PUBLICATION,
	"`dirca crl` tries again and says why; `dirca doctor directory` looks at the directory"},
    {EVENT_KRA_NOT_ADVANCED_SERVER,
	"on the CA's machine, with dircad stopped, `dirca ca renew`; have the CA above answer the "
	"request with a certificate that allows Private Key Archival; `dirca ca install FILE`"},
    {EVENT_TOO_FEW_VALID_KRA_CERTS, "on the CA's machine `dirca kra add FILE`; or want fewer "
				    "agents: `dirca kra count 1`"},
    {EVENT_LOADING_KRA_CERTS, "`dirca kra status` shows each certificate"},
    {EVENT_INVALID_KRA_CERT,
	"its holder enrolls anew with `dirca enroll KeyRecoveryAgent`, then on the CA's machine "
	"`dirca kra add FILE`"},
    {EVENT_CANNOT_LOAD_KRA_CERT,
	"on the CA's machine `dirca kra remove SHA1`, then `dirca kra add FILE`"},
    {EVENT_BAD_REGISTRY_CA_XCHG_CSP,
	"exchange_key_uri in dircad.conf names the key and passphrase_file its PIN: `pkcs11-tool "
	"--login --list-objects` shows what the token has; then start dircad again"},
    {EVENT_BAD_DEFAULT_CA_XCHG_CSP, "`openssl list -providers` shows what OpenSSL has"},
    {EVENT_USE_DEFAULT_CA_XCHG_CSP,
	"event 86 says what keeps the token's key from it; `exchange_key_fallback = no` in "
	"dircad.conf allows no other"},
    {EVENT_CANNOT_CREATE_XCHG_CERT, "`dirca ca exchange renew` tries again and says why"},
    {EVENT_TOO_MANY_KRA_INVALID, "`dirca kra status` shows each certificate"},
    {EVENT_EXPIRATION_KRA_CERT, "its holder renews it with `dirca enroll KeyRecoveryAgent --renew "
				"FILE`, then on the CA's machine "
				"`dirca kra add FILE`"},
    {EVENT_LAST_KRA_ENDS,
	"on the CA's machine `dirca archive coverage` shows which; have their "
	"holders renew with their keys, `dirca enroll KeyRecoveryAgent --renew FILE "
	"--same-key`, then `dirca kra add FILE`"},
    {EVENT_KEYS_UNCOVERED,
	"on the CA's machine `dirca archive coverage --list` shows which; `dirca kra enable SHA1` "
	"for an agent who has his key still"},
    {EVENT_KRA_UNPROVED,
	"on the CA's machine `dirca archive coverage` shows who, and `dirca archive drill new FILE "
	"SHA1` gives him keys to open"},
    {EVENT_DRILL_INCOMPLETE,
	"on the CA's machine `dirca archive drill list` shows which; have him run it again, and "
	"`dirca archive drill report FILE`"},
    {EVENT_OWNER_NOT_TOLD,
	"tell the owner; `dirca audit log --event owner-told` shows who was told since and who "
	"not. Mail "
	"goes by mail_server of dircad.conf to the address that the account has in the directory"},
    {EVENT_ISSUING_STOPPED,
	"`dirca crl` makes the CA's own; that of a CA above has to be in the directory (for a "
	"stand-alone CA: in trust/ of the state folder) or where the certificate says by HTTP, and "
	"`dirca setreg 'CA\\CRLFlags' +CRLF_REVCHECK_IGNORE_OFFLINE` goes on without it"},
    {EVENT_NO_TOKEN_RANDOM,
	"the error says what the token does, and vault/ca.key in the state folder which it is: "
	"`pkcs11-tool --generate-random 32` asks it by hand; then start dircad again"},
    {EVENT_AUDIT_TRAIL_SHORT, "on the CA's machine `dirca audit compare`; with an export that was "
			      "kept `dirca audit verify FILE`"},
};

/* Of a hash that the CA names nobody is told to enable it. */
static const char cure_of_missing[] =
    "on the CA's machine `dirca kra add FILE` with its certificate; or do without: `dirca kra "
    "disable SHA256`";

static const char *
cure_of(int64_t number)
{
	for (size_t i = 0; i < COUNT_OF(cures); i++)
		if (cures[i].number == number)
			return cures[i].cure;
	return NULL;
}

struct findings {
	json_t *list;
	bool json;
};

static void
find_cured(struct findings *f, int64_t number, const char *text, const char *cure)
{
	json_array_append_new(f->list, json_pack("{s:I, s:s, s:s?}", "number", (json_int_t)number,
					   "text", text, "cure", cure));
	if (!f->json)
		printf("event %lld: %s\n    %s\n", (long long)number, text, cure);
}

/* Of which there is no event. */
static void
find_unnumbered(void *arg, const char *text, const char *cure)
{
	struct findings *f = arg;

	json_array_append_new(
	    f->list, json_pack("{s:n, s:s, s:s}", "number", "text", text, "cure", cure));
	if (!f->json)
		printf("%s\n    %s\n", text, cure);
}

static void
find(struct findings *f, int64_t number, const char *text)
{
	find_cured(f, number, text, cure_of(number));
}

static size_t
look_at_kra(struct findings *f, size_t at, const json_t *kra)
{
	const char *subject = json_text(kra, "subject");
	long long days = json_integer_value(json_object_get(kra, "days_left"));
	OWNED(own_memory) char *text = NULL;

	if (!json_is_true(json_object_get(kra, "valid"))) {
		text = text_printf("key recovery agent certificate %zu (%s) is not used: %s", at,
		    subject, json_text(kra, "reason"));
		find(f, EVENT_INVALID_KRA_CERT, text);
	} else if (days <= SOON_DAYS) {
		text = text_printf(
		    "key recovery agent certificate %zu (%s) ends in %lld days", at, subject, days);
		find(f, EVENT_EXPIRATION_KRA_CERT, text);
	}
	return json_is_true(json_object_get(kra, "counts")) ? 1 : 0;
}

/* Cause 4 of 83: no agent is enabled, or no number of them said. */
static void
look_at_nobody(struct findings *f, const json_t *status)
{
	const char *template =
	    json_string_value(json_array_get(json_object_get(status, "archiving_templates"), 0));
	const char *stored =
	    json_string_value(json_array_get(json_object_get(status, "kras_not_enabled"), 0));
	OWNED(own_memory) char *text = NULL, *cure = NULL;

	if (template == NULL)
		return;
	text = text_printf("template %s asks for archived keys and no key recovery agent is "
			   "enabled: nobody gets a certificate by it",
	    template);
	cure = json_array_size(json_object_get(status, "kras")) > 0
		   ? mem_text("on the CA's machine `dirca kra count 1`")
	       : stored != NULL
		   ? text_printf("on the CA's machine `dirca kra enable %s`", stored)
		   : mem_text("`dirca kra list --candidates` on the CA's machine shows whom "
			      "`dirca kra enable SHA1` and `dirca kra add FILE` take");
	find_cured(f, EVENT_LOADING_KRA_CERTS, text, cure);
}

/* The causes of 83 in the order in which the paper lists them. */
static void
look_at_kras(struct findings *f, const json_t *status)
{
	const json_t *kras = json_object_get(status, "kras"), *one;
	const json_t *problems = json_object_get(status, "kra_problems");
	const json_t *missing = json_object_get(status, "kras_not_found");
	long long needed = json_integer_value(json_object_get(status, "kra_cert_count"));
	OWNED(own_memory) char *text = NULL;
	size_t i, usable = 0;

	json_array_foreach(problems, i, one) if (json_has(missing, one))
	    find_cured(f, EVENT_CANNOT_LOAD_KRA_CERT, json_string_value(one), cure_of_missing);
	else find(f, EVENT_CANNOT_LOAD_KRA_CERT, json_string_value(one));
	json_array_foreach(kras, i, one) usable += look_at_kra(f, i, one);
	if (needed == 0)
		look_at_nobody(f, status);
	if ((long long)usable >= needed)
		return;
	if (json_array_size(kras) + json_array_size(problems) == 0)
		find(f, EVENT_LOADING_KRA_CERTS, "the KRA store holds no certificate");
	text =
	    text_printf("%zu key recovery agents are usable and %lld must be: no key is archived",
		usable, needed);
	find(f, EVENT_TOO_FEW_VALID_KRA_CERTS, text);
}

static void
look_at_keys(struct findings *f, const json_t *status)
{
	const json_t *coverage = json_object_get(status, "coverage");
	long long uncovered = json_integer_value(json_object_get(coverage, "uncovered"));
	long long ending = json_integer_value(json_object_get(coverage, "ending"));
	long long unproved = json_integer_value(json_object_get(coverage, "unproved"));
	long long incomplete = json_integer_value(json_object_get(coverage, "incomplete"));
	OWNED(own_memory) char *now = NULL, *soon = NULL, *agents = NULL, *drills = NULL;

	if (uncovered > 0) {
		now = text_printf(
		    "%lld archived keys can be opened by no key recovery agent that lives",
		    uncovered);
		find(f, EVENT_KEYS_UNCOVERED, now);
	}
	if (ending > 0) {
		soon = text_printf("%lld archived keys are left by the last key recovery agent "
				   "that opens them, the first of them on %s",
		    ending, json_text(coverage, "first_end"));
		find(f, EVENT_LAST_KRA_ENDS, soon);
	}
	if (unproved > 0) {
		agents = text_printf("%lld key recovery agents have not shown of late that they "
				     "open archived keys, %s the first of them",
		    unproved, json_text(coverage, "first_unproved"));
		find(f, EVENT_KRA_UNPROVED, agents);
	}
	if (incomplete > 0) {
		drills = text_printf("the newest drill of %lld key recovery agents lacks keys, or "
				     "its report after 14 days, that of %s the first of them",
		    incomplete, json_text(coverage, "first_incomplete"));
		find(f, EVENT_DRILL_INCOMPLETE, drills);
	}
}

/* What keeps this CA from issuing, or from archiving whatever its KRAs are. */
static void
look_at_chain(struct findings *f, const json_t *status)
{
	const char *stopped = json_string_value(json_object_get(status, "issuing_stopped"));
	const char *excluded = json_string_value(json_object_get(status, "archival_excluded"));

	if (stopped != NULL)
		find(f, EVENT_ISSUING_STOPPED, stopped);
	if (excluded != NULL)
		find(f, EVENT_KRA_NOT_ADVANCED_SERVER, excluded);
}

/* Of a stand-alone CA, which an administrator told so. */
static void
look_at_disposition(struct findings *f, const json_t *status)
{
	if (json_is_true(json_object_get(status, "issues_at_once")))
		find_unnumbered(f,
		    "every account of the machine that may enroll gets a certificate of whatever "
		    "name it asks for, and no certificate manager looks at it",
		    "`dirca setreg 'Policy\\RequestDisposition' +REQDISP_PENDINGFIRST` has "
		    "requests "
		    "wait again");
}

struct recent {
	bool has_templates; /* the CA */
	json_t *newest;     /* text by symbol */
};

/* Policy and certificate managers deny as they should. That a template is asked for which the CA
 * does not issue is the CA's to mend; that of its CRLs is event 1002. */
static bool
is_own_denial(const struct recent *r, const json_t *record)
{
	const char *reason = json_text(json_object_get(record, "variables"), "Reason");
	OWNED(own_memory)
	char *end = text_printf("0x%08x (%s)", (unsigned)CERTSRV_E_UNSUPPORTED_CERT_TYPE,
	    err_name(CERTSRV_E_UNSUPPORTED_CERT_TYPE)); /* as event_error() has it */
	size_t len = strlen(reason), end_len = strlen(end);

	return r->has_templates && len >= end_len && strcmp(reason + len - end_len, end) == 0;
}

/* Chain and KRA certificates are told of as they are now; of the rest the last event of each
 * number. */
static bool
take_event(const json_t *record, void *arg, struct err *err)
{
	const struct event_kind *kind =
	    event_kind(json_integer_value(json_object_get(record, "number")));
	struct recent *r = arg;

	(void)err;
	if (kind != NULL && kind->category != EVENT_CATEGORY_KRA &&
	    kind->id != EVENT_ISSUING_STOPPED && cure_of(kind->id) != NULL &&
	    (kind->id != EVENT_REQUEST_DENIED || is_own_denial(r, record)))
		json_object_set(r->newest, kind->symbol, json_object_get(record, "text"));
	return true;
}

static bool
look_at_events(struct work *w, const json_t *status, struct findings *f, struct err *err)
{
	OWNED(own_json) json_t *newest = json_object();
	OWNED(own_memory) char *since = text_printf("%lld", (long long)(clock_now() - RECENT_S));
	struct recent recent = {strcmp(json_text(status, "ca_type"), "standalone") != 0, newest};
	OWNED(record_pages_free)
	struct record_pages p = {.path = "/dirca/v1/events",
	    .member = "events",
	    .left = INT64_MAX,
	    .each = take_event,
	    .arg = &recent};
	const char *symbol;
	json_t *text;
	struct err ignored;

	record_filter(&p, "since", since);
	if (!record_pages_walk(w, &p, err))
		return false;
	json_object_foreach(newest, symbol, text)
	    find(f, event_find(symbol, &ignored)->id, json_string_value(text));
	return true;
}

bool
cmd_doctor_ca(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *status = NULL, *list = json_array();
	struct findings f = {list, w->cli->opt.json};

	if (!http_client_json(w->ca, "GET", "/dirca/v1/ca", NULL, &status, err))
		return false;
	look_at_chain(&f, status);
	look_at_kras(&f, status);
	look_at_keys(&f, status);
	look_at_disposition(&f, status);
	doctor_kras(status, find_unnumbered, &f);
	if (!look_at_events(w, status, &f, err))
		return false;
	if (f.json)
		print_json(json_incref(list));
	else if (json_array_size(list) == 0)
		puts("Nothing is wrong that this knows of.");
	w->status = json_array_size(list) > 0 ? CLI_FINDINGS : CLI_OK;
	return true;
}
