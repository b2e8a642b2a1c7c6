/* What a call may say beside its path: parameters of the query and members of a JSON body. */
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "routes_priv.h"
#include "text.h"

#define BODY_MAX (128 << 10)

/* By handler: the parameters of its query and the members of its JSON body, "[]" behind those that
 * are arrays of strings, "?" behind what is true or false; all others are strings. */
static const struct input {
	void (*run)(struct route_call *);
	const char *query, *body; /* NULL: none */
} inputs[] = {
    {route_setting_put, NULL, "value"},
    {route_crl_post, "delta", NULL},
    {route_requests_list, "sort order disposition requester serial_number after after_value limit",
	NULL},
    {route_expiring, "within after limit", NULL},
    {route_request_get, "groups", NULL},
    {route_request_deny, NULL, "reason"},
    {route_request_attribute, NULL, "name value"},
    {route_request_extension, NULL, "name critical? value"},
    {route_revocation, NULL, "request_id serial_number reason"},
    {route_audit, "after limit event actor object request", NULL},
    {route_events, "after limit number level since request", NULL},
    {route_archived_keys, "after limit", NULL},
    {route_candidates, "token after", NULL},
    {route_recovery_blob, NULL, "serial case"},
    {route_batches_list, "after limit", NULL},
    {route_cases_list, "state owner officer serial_number after limit", NULL},
    {route_case_open, NULL, "keys[] reason ticket note"},
    {route_case_deny, NULL, "reason"},
    {route_case_close, NULL, "reason"},
    {route_case_received, NULL, "serial request"},
    {route_import_certificate_post, NULL, "seconds"},
    {route_import_post, NULL, "entry certificate key user source foreign? replace?"},
    {route_explain_enroll, "user template", NULL},
    {route_explain_recover, "officer user", NULL},
    {route_explain_request, "request", NULL},
};

static struct input
input_of(const struct route *route)
{
	for (size_t i = 0; i < COUNT_OF(inputs); i++)
		if (inputs[i].run == route->run)
			return inputs[i];
	return (struct input){0};
}

/* The word of `list`, words between spaces, that is `name` before its mark; NULL if there is none.
 */
static const char *
find_word(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at != NULL && *at != '\0';) {
		if (strcspn(at, " []?") == len && memcmp(at, name, len) == 0)
			return at;
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return NULL;
}

static bool
is_unknown(const char *kind, const char *name, const char *known, struct err *err)
{
	return known == NULL ? err_set(err, E_INVALIDARG, "there is no %s '%s', nor any other here",
				   kind, name)
			     : err_set(err, E_INVALIDARG, "there is no %s '%s'; there are: %s",
				   kind, name, known);
}

static bool
check_pairs(const struct evkeyvalq *pairs, const char *known, struct err *err)
{
	const struct evkeyval *each, *other;

	for (each = pairs->tqh_first; each != NULL; each = each->next.tqe_next) {
		if (find_word(known, each->key) == NULL)
			return is_unknown("parameter", each->key, known, err);
		for (other = each->next.tqe_next; other != NULL; other = other->next.tqe_next)
			if (text_eq_nocase(each->key, other->key))
				return err_set(err, E_INVALIDARG,
				    "the parameter '%s' is there twice", each->key);
	}
	return true;
}

bool
route_check_query(const struct route *route, const struct http_call *http, struct err *err)
{
	struct evkeyvalq pairs;
	bool ok;

	if (http->query == NULL || http->query[0] == '\0')
		return true;
	if (evhttp_parse_query_str(http->query, &pairs) != 0)
		return err_set(err, E_INVALIDARG,
		    "the query is not one of names and values: name=value&name=value");
	ok = check_pairs(&pairs, input_of(route).query, err);
	evhttp_clear_headers(&pairs);
	return ok;
}

static bool
check_member(const char *known, const char *name, const json_t *value, struct err *err)
{
	const char *word = find_word(known, name);
	size_t i, len = strlen(name);
	const json_t *each;
	bool ok = true;

	if (word == NULL)
		return is_unknown("member", name, known, err);
	if (word[len] == '?')
		return json_is_boolean(value) ||
		       err_set(err, E_INVALIDARG, "the member '%s' is true or false", name);
	if (word[len] != '[')
		return json_is_string(value) ||
		       err_set(err, E_INVALIDARG, "the member '%s' is a string, in quotes", name);
	json_array_foreach(value, i, each) ok = ok && json_is_string(each);
	return (json_is_array(value) && ok) ||
	       err_set(err, E_INVALIDARG, "the member '%s' is an array of strings", name);
}

bool
route_check_body(const struct route *route, const struct http_call *http, struct err *err)
{
	OWNED(json_free) json_t *root = NULL;
	const char *known = input_of(route).body, *name;
	json_t *value;

	if (http->body.len == 0)
		return true;
	if (http->body.len > BODY_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "the body is over %d octets", BODY_MAX);
	root = json_body(http, BODY_MAX);
	if (!json_is_object(root))
		return err_set(
		    err, E_INVALIDARG, "the body is no JSON object whose members differ in name");
	json_object_foreach(
	    root, name, value) if (!check_member(known, name, value, err)) return false;
	return true;
}
