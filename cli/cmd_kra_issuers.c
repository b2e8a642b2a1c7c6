/* dirca kra issuers, kra issuers add, kra issuers remove: root's choice of the CAs beside this one
 * whose KRA certificates count. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "given.h"
#include "kra_authorities.h"
#include "kra_enabled.h"
#include "kra_issuers.h"
#include "kra_policy.h"
#include "listing.h"
#include "local_audit.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "tell_dircad.h"
#include "text.h"
#include "verbs.h"

static char *
sha256_of(const struct pkix_cert *c)
{
	return hex_encode(view_of(c->sha256, sizeof c->sha256), '\0');
}

/* ---- kra issuers ---- */

static const char *
state_of(const struct kra_authority *a)
{
	if (a->is_own)
		return "this CA";
	return a->is_taken ? "issuer" : "no issuer";
}

static const char *
time_of(const struct kra_authority *a)
{
	int64_t now = clock_now();

	return now > a->cert.not_after    ? ", has expired"
	       : now < a->cert.not_before ? ", not valid yet"
					  : "";
}

static void
print_authority(const struct kra_authority *a)
{
	OWNED(own_memory) char *places = mem_text("");
	OWNED(own_memory) char *sha256 = sha256_of(&a->cert);

	for (size_t i = 0; i < a->places.count; i++)
		text_list_add(&places, ", ", a->places.list[i]);
	printf("%s%s (%s)\n  SHA-256: %s\n", state_of(a), time_of(a),
	    a->places.count > 0 ? places : TRUST_FOLDER "/" TRUST_KRA_ISSUERS " alone", sha256);
	print_cert(stdout, "  ", &a->cert);
	putchar('\n');
}

static json_t *
json_authority(const struct kra_authority *a)
{
	json_t *value = json_cert(&a->cert), *places = json_array();

	for (size_t i = 0; i < a->places.count; i++)
		json_array_append_new(places, json_string(a->places.list[i]));
	json_object_set_new(value, "places", places);
	json_object_set_new(value, "is_issuer", json_boolean(a->is_taken || a->is_own));
	json_object_set_new(value, "is_own", json_boolean(a->is_own));
	return value;
}

static const struct table_column columns[] = {
    CERTIFICATE_COLUMNS,
    {"places", TABLE_TEXT, false, NULL},
    {"is_issuer", TABLE_TEXT, false, NULL},
    {"is_own", TABLE_TEXT, false, NULL},
};
static const struct table table = {
    columns, COUNT_OF(columns), "is_issuer,not_after,subject,sha256", NULL};

bool
cmd_kra_issuers(struct work *w, struct err *err)
{
	OWNED(kra_authorities_free) struct kra_authorities all = {0};
	OWNED(listing_free) struct listing l = {0};

	if (!listing_open(&l, &table, &w->cli->opt, err) || !kra_authorities_read(w, &all, err))
		return false;
	listing_in_own_way(&l, &w->cli->opt);
	for (size_t i = 0; i < all.count; i++) {
		OWNED(own_json) json_t *row = json_authority(&all.list[i]);

		if (listing_add(&l, row))
			print_authority(&all.list[i]);
	}
	listing_end(&l);
	return true;
}

/* ---- what the argument means ---- */

/* Whoever can write the directory calls a CA of his as he likes. */
static bool
refuse_name(const struct kra_authorities *all, const char *what, struct err *err)
{
	OWNED(own_memory) char *commands = mem_text("");

	for (size_t i = 0; i < all->count; i++)
		if (kra_is_called(&all->list[i].cert, what)) {
			OWNED(own_memory) char *sha256 = sha256_of(&all->list[i].cert);
			OWNED(own_memory)
			char *command = text_printf("`dirca kra issuers add %s`", sha256);

			text_list_add(&commands, " or ", command);
		}
	if (commands[0] == '\0')
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the directory has no CA '%s', and there is no such file; `dirca kra issuers` "
		    "shows whom it has",
		    what);
	return err_set(err, E_INVALIDARG,
	    "a name is whoever's who can write the directory: compare the hash with what that CA "
	    "says of itself, then %s",
	    commands);
}

static bool
take_cert(const struct pkix_cert *from, struct pkix_cert *out, struct err *err)
{
	return pkix_cert_decode(buf_view(&from->raw), out, err);
}

static bool
find_in_directory(struct work *w, const char *what, struct pkix_cert *out, struct err *err)
{
	OWNED(kra_authorities_free) struct kra_authorities all = {0};
	const struct pkix_cert *found = NULL;

	if (!kra_authorities_read(w, &all, err))
		return false;
	if (!kra_is_hash(what))
		return refuse_name(&all, what, err);
	for (size_t i = 0; i < all.count; i++)
		if (kra_is_called(&all.list[i].cert, what)) {
			if (found != NULL)
				return err_set(err, TYPE_E_AMBIGUOUSNAME,
				    "several CAs have the hash %s: give the SHA-256", what);
			found = &all.list[i].cert;
		}
	return found != NULL ? take_cert(found, out, err)
			     : err_set(err, CRYPT_E_NOT_FOUND,
				   "the directory has no CA with the hash %s; `dirca kra issuers` "
				   "shows whom it has",
				   what);
}

static bool
find_issuer(struct work *w, const char *what, struct pkix_cert *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	if (kra_is_hash(what) || access(what, F_OK) != 0)
		return find_in_directory(w, what, out, err);
	return given_certificate(what, &der, NULL, err) &&
	       pkix_cert_decode(buf_view(&der), out, err);
}

/* ---- kra issuers add, kra issuers remove ---- */

static bool
check_issuer(const struct pkix_cert *c, struct err *err)
{
	OWNED(own_memory) char *name = pkix_name_text(c->subject);

	if (!pkix_cert_is_ca(c))
		return err_set(err, CERT_E_WRONG_USAGE, "%s is no certificate of a CA",
		    name != NULL ? name : "it");
	return clock_now() <= c->not_after ||
	       err_set(err, CERT_E_EXPIRED, "the certificate of %s has expired",
		   name != NULL ? name : "the CA");
}

static bool
is_among(const struct pkix_certs *list, const struct pkix_cert *c)
{
	for (size_t i = 0; i < list->count; i++)
		if (view_eq(buf_view(&list->list[i].raw), buf_view(&c->raw)))
			return true;
	return false;
}

typedef bool change_function(
    const struct config *config, const struct pkix_cert *issuer, struct err *err);

static bool
remove_one(const struct config *config, const struct pkix_cert *issuer, struct err *err)
{
	return kra_issuers_remove(config, issuer->sha256, err);
}

/* The record first: without it nothing is done. */
static bool
change_audited(const struct work *w, const struct pkix_cert *issuer, change_function *change,
    const char *what, struct err *err)
{
	OWNED(own_memory) char *sha256 = sha256_of(issuer);

	return local_audit_begin(w->cli, sha256, what, err) &&
	       (change(w->config, issuer, err) || local_audit_failed(w->cli, sha256, what, err));
}

static bool
add_one(const struct work *w, const struct pkix_cert *issuer, struct err *err)
{
	OWNED(own_fd) int lock = -1;
	OWNED(trust_issuers_free) struct trust_issuers known = {0};
	bool is_there;

	if (!kra_policy_lock(w->config, &lock, err) || !kra_issuers_read(w->config, &known, err))
		return false;
	is_there = is_among(&known.certs, issuer);
	if (!is_there && !change_audited(w, issuer, kra_issuers_add, "value=issuer old=none", err))
		return false;
	puts(is_there ? "Already an issuer of key recovery agents:"
		      : "Taken as an issuer of key recovery agents:");
	print_cert(stdout, "  ", issuer);
	return true;
}

bool
cmd_kra_issuers_add(struct work *w, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert issuer = {0};

		if (!find_issuer(w, w->cli->args[i], &issuer, err) || !check_issuer(&issuer, err) ||
		    !add_one(w, &issuer, err))
			return false;
	}
	tell_dircad(w->config);
	return kra_say_state(w, err);
}

static bool
find_taken(
    const struct pkix_certs *taken, const char *what, const struct pkix_cert **out, struct err *err)
{
	if (!kra_called(taken->list, taken->count, what, "CAs", sha256_of, out, err))
		return false;
	return *out != NULL ||
	       err_set(err, CRYPT_E_NOT_FOUND,
		   "no CA '%s' was taken as an issuer; `dirca kra issuers` shows whom", what);
}

static bool
remove_called(const struct work *w, const char *what, struct err *err)
{
	OWNED(own_fd) int lock = -1;
	OWNED(pkix_certs_free) struct pkix_certs taken = {0};
	const struct pkix_cert *issuer;

	if (!kra_policy_lock(w->config, &lock, err) ||
	    !trust_kra_issuers_read(w->config->state_dir, &taken, err) ||
	    !find_taken(&taken, what, &issuer, err) ||
	    !change_audited(w, issuer, remove_one, "value=none old=issuer", err))
		return false;
	puts("No issuer of key recovery agents any more; no key is sealed to those that it made:");
	print_cert(stdout, "  ", issuer);
	return true;
}

bool
cmd_kra_issuers_remove(struct work *w, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++)
		if (!remove_called(w, w->cli->args[i], err))
			return false;
	tell_dircad(w->config);
	return kra_say_state(w, err);
}
