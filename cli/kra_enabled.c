/* dirca kra enable, disable, count. */
#include "kra_enabled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>

#include "archive.h"
#include "clock.h"
#include "daemon_run.h"
#include "dn.h"
#include "kra_authorities.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "local_audit.h"
#include "mem.h"
#include "own.h"
#include "pem.h"
#include "print.h"
#include "tell_dircad.h"
#include "text.h"
#include "verbs.h"

#define COUNT_NAME     "CA\\KRACertCount"
#define THRESHOLD_NAME "KRA threshold"

bool
kra_issuers_read(const struct config *config, struct trust_issuers *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "ca.crt");
	OWNED(ca_issuers_free) struct ca_issuers own = {0};

	return ca_issuers_read(path, &own, err) &&
	       trust_kra_issuers(config->state_dir, &own, out, err);
}

/* ---- the KRA store, decoded ---- */

struct kra_list {
	struct pkix_cert *list;
	size_t count;
};

static void
kra_list_free(struct kra_list *k)
{
	for (size_t i = 0; i < k->count; i++)
		pkix_cert_free(&k->list[i]);
	free(k->list);
}

static bool
read_store(const struct config *config, struct kra_list *out, struct err *err)
{
	struct buf *stored = NULL;
	size_t count = 0;
	bool ok = true;

	if (!kra_store_list(config, &stored, &count, NULL, err))
		return false;
	out->list = mem_zero(count, sizeof *out->list);
	for (; ok && out->count < count; out->count += ok)
		ok = pkix_cert_decode(buf_view(&stored[out->count]), &out->list[out->count], err);
	kra_store_free(&stored, count);
	return ok;
}

static char *
sha1_of(const struct pkix_cert *kra)
{
	return hex_encode(view_of(kra->sha1, sizeof kra->sha1), '\0');
}

bool
kra_signed_read(const struct config *config, struct signed_kras *out, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");

	return signed_kras_open(out, folder, err);
}

static bool
add_audited(const struct work *w, const struct pkix_cert *kra, struct err *err)
{
	OWNED(own_memory) char *sha1 = sha1_of(kra);

	return local_audit_begin(w->cli, sha1, "", err) &&
	       (kra_store_add(w->config, buf_view(&kra->raw), err) ||
		   local_audit_failed(w->cli, sha1, "", err));
}

bool
kra_put(const struct work *w, const struct pkix_cert *kra, struct err *err)
{
	/* Of a run that did not come to its end, or for the sake of a list of files. */
	bool is_there = kra_store_has(w->config, kra);

	if (!is_there && !add_audited(w, kra, err))
		return false;
	printf("%s the KRA store:\n", is_there ? "Already in" : "Added to");
	print_cert(stdout, "  ", kra);
	return true;
}

bool
kra_is_hash(const char *what)
{
	OWNED(buf_free) struct buf digits = {0};
	struct err ignored;

	return hex_decode(what, &digits, &ignored) && (digits.len == 20 || digits.len == 32);
}

static bool
has_hash(const struct pkix_cert *kra, const char *what)
{
	OWNED(buf_free) struct buf digits = {0};
	struct err ignored;

	return hex_decode(what, &digits, &ignored) &&
	       (view_eq(buf_view(&digits), view_of(kra->sha1, sizeof kra->sha1)) ||
		   view_eq(buf_view(&digits), view_of(kra->sha256, sizeof kra->sha256)));
}

static struct view
without_zeros(struct view v)
{
	while (v.len > 1 && v.ptr[0] == 0)
		v = view_of(v.ptr + 1, v.len - 1);
	return v;
}

/* As lists show it, or as other programs do: with blanks or colons, and zeros before it. */
static bool
has_serial(const struct pkix_cert *kra, const char *what)
{
	OWNED(buf_free) struct buf serial = {0};
	struct err ignored;

	return hex_decode(what, &serial, &ignored) &&
	       view_eq(without_zeros(buf_view(&serial)), without_zeros(kra->serial));
}

bool
kra_is_called(const struct pkix_cert *kra, const char *what)
{
	OWNED(own_memory) char *subject = pkix_name_text(kra->subject);
	OWNED(own_memory) char *cn = pkix_name_value(kra->subject, NID_commonName);
	OWNED(own_memory) char *upn = pkix_cert_upn(kra);

	if (kra_is_hash(what))
		return has_hash(kra, what);
	return has_serial(kra, what) ||
	       (subject != NULL && (text_eq_fold(what, subject) || dir_dn_eq(what, subject))) ||
	       (cn != NULL && text_eq_fold(what, cn)) || (upn != NULL && text_eq_fold(what, upn));
}

static const struct pkix_cert *
find_authority(const struct kra_authorities *all, const struct pkix_cert *kra)
{
	for (size_t i = 0; i < all->count; i++)
		if (pkix_cert_is_issued_by(kra, &all->list[i].cert, false))
			return &all->list[i].cert;
	return NULL;
}

/* Of help only: where the directory cannot be read the reason stands as it is. */
static bool
name_issuer(struct work *w, const struct pkix_cert *kra, struct err *err)
{
	OWNED(kra_authorities_free) struct kra_authorities all = {0};
	OWNED(own_memory) char *reason = mem_text(err->msg), *name = NULL, *hash = NULL;
	const struct pkix_cert *issuer;
	struct err ignored;

	if (!kra_authorities_read(w, &all, &ignored) ||
	    (issuer = find_authority(&all, kra)) == NULL)
		return false;
	name = pkix_name_text(issuer->subject);
	hash = hex_encode(view_of(issuer->sha256, sizeof issuer->sha256), '\0');
	return err_set(err, err->code,
	    "%s; in the directory its issuer is %s: compare the hash, then `dirca kra issuers add "
	    "%s`",
	    reason, name != NULL ? name : "?", hash);
}

bool
kra_validate_here(struct work *w, const struct pkix_cert *kra, const struct trust_issuers *issuers,
    struct err *err)
{
	enum kra_status status = kra_check(kra, issuers->list, issuers->count, clock_now(), err);

	return status == KRA_VALID || (status == KRA_UNTRUSTED && name_issuer(w, kra, err));
}

bool
kra_called(const struct pkix_cert *list, size_t count, const char *what, const char *they_are,
    char *(*hash_of)(const struct pkix_cert *), const struct pkix_cert **out, struct err *err)
{
	OWNED(own_memory) char *found = mem_text("");

	*out = NULL;
	for (size_t i = 0; i < count; i++)
		if (has_hash(&list[i], what)) {
			*out = &list[i];
			return true;
		}
	for (size_t i = 0; i < count; i++)
		if (kra_is_called(&list[i], what)) {
			OWNED(own_memory) char *hash = hash_of(&list[i]);

			text_list_add(&found, ", ", hash);
			*out = &list[i];
		}
	return strchr(found, ',') == NULL ||
	       err_set(err, TYPE_E_AMBIGUOUSNAME, "'%s' is several %s: %s", what, they_are, found);
}

static bool
find_kra(
    const struct kra_list *store, const char *what, const struct pkix_cert **out, struct err *err)
{
	if (!kra_called(store->list, store->count, what, "certificates", sha1_of, out, err))
		return false;
	return *out != NULL ||
	       err_set(err, CRYPT_E_NOT_FOUND,
		   "the KRA store has no certificate '%s'; `dirca kra add` puts one there, and "
		   "`dirca kra enable` one of the last that the CA signed, by its hash",
		   what);
}

/* ---- changes of the list ---- */

struct policy_edit {
	int lock;
	struct kra_policy policy;
};

static void
policy_edit_free(struct policy_edit *e)
{
	own_fd(&e->lock);
	kra_policy_free(&e->policy);
}

/* What an older program had is written down first. */
static bool
edit_begin(const struct work *w, struct policy_edit *e, struct err *err)
{
	const char *const args[] = {"--kra-upgrade", NULL};
	int status;

	if (!kra_policy_read(w->config, &e->policy, err) &&
	    (err->code != ERROR_FILE_NOT_FOUND || !daemon_run(w->cli, args, &status, err)))
		return false;
	kra_policy_free(&e->policy);
	return kra_policy_lock(w->config, &e->lock, err) &&
	       kra_policy_read(w->config, &e->policy, err);
}

/* A number of the list, before and after. */
static char *
number_change(size_t now, size_t old)
{
	return now != old ? text_printf("value=%zu old=%zu", now, old) : NULL;
}

/* The records first: without them nothing is done. Then one file, so that all of it is done or
 * nothing. `kra`, its hash, NULL: the numbers alone. */
static bool
edit_write(const struct work *w, const struct policy_edit *e, const struct kra_policy *was,
    const char *kra, const char *kra_change, struct err *err)
{
	OWNED(own_memory) char *count = number_change(e->policy.count, was->count);
	OWNED(own_memory)
	char *threshold =
	    number_change(kra_policy_threshold(&e->policy), kra_policy_threshold(was));
	const struct {
		const char *name, *change;
	} acts[] = {{COUNT_NAME, count}, {THRESHOLD_NAME, threshold}, {kra, kra_change}};

	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (acts[i].change != NULL &&
		    !local_audit_begin(w->cli, acts[i].name, acts[i].change, err))
			return false;
	if (kra_policy_write(w->config, &e->policy, err))
		return true;
	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (acts[i].change != NULL)
			local_audit_failed(w->cli, acts[i].name, acts[i].change, err);
	return false;
}

static bool
is_enabled(const struct work *w, const struct kra_policy *policy, const struct pkix_cert *kra)
{
	const struct kra_policy_kra *enabled = kra_policy_find(policy, kra->sha256);
	struct err ignored;

	return enabled != NULL && archive_floor_reader(w->config->archive_floor,
				      kra_policy_threshold(policy), enabled->reader, &ignored);
}

/* Agents that a key can be sealed to now, as far as can be told without CRLs. */
static bool
count_usable(const struct work *w, const struct kra_policy *policy, size_t *out, struct err *err)
{
	OWNED(trust_issuers_free) struct trust_issuers issuers = {0};
	OWNED(kra_list_free) struct kra_list store = {0};
	OWNED(own_memory) const struct pkix_cert **usable = NULL;
	struct err why;
	size_t count = 0;

	if (!kra_issuers_read(w->config, &issuers, err) || !read_store(w->config, &store, err))
		return false;
	usable = mem_zero(store.count, sizeof(*usable));
	for (size_t i = 0; i < store.count; i++)
		if (is_enabled(w, policy, &store.list[i]) &&
		    kra_validate(&store.list[i], issuers.list, issuers.count, clock_now(), &why))
			usable[count++] = &store.list[i];
	*out = kra_agents(usable, count, !w->config->allow_same_holder);
	return true;
}

static bool
say_state(const struct work *w, const struct kra_policy *policy, struct err *err)
{
	size_t usable;

	if (!count_usable(w, policy, &usable, err))
		return false;
	printf("Each key is sealed to %zu of %zu usable key recovery agents.\n", policy->count,
	    usable);
	if (policy->threshold > 1)
		printf("%zu of these %zu open it together, and none alone.\n", policy->threshold,
		    policy->count);
	if (policy->threshold > 1 && policy->threshold == policy->count)
		puts("A key is lost with the key of any one of them: have each key sealed to more "
		     "agents than open it.");
	if (usable < policy->count)
		puts("These are too few: no key is archived until there are more, or `dirca kra "
		     "count` asks for fewer.");
	return true;
}

bool
kra_say_state(const struct work *w, struct err *err)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};

	if (!kra_policy_read(w->config, &policy, err))
		return err->code == ERROR_FILE_NOT_FOUND;
	return say_state(w, &policy, err);
}

/* What is said, else what was. */
static bool
choose_reader(
    const struct work *w, const struct kra_policy_kra *was, enum cms_reader *out, struct err *err)
{
	const char *word = w->cli->opt.reader;

	*out = was != NULL ? was->reader : CMS_READER_OAEP;
	if (word != NULL && !cms_reader_by_word(word, out))
		return err_set(
		    err, DIRCA_E_USAGE, "--reader is '%s', but must be pkcs1, oaep or gcm", word);
	return archive_floor_reader(w->config->archive_floor, 1, *out, err);
}

static char *
state_word(const struct kra_policy_kra *kra)
{
	if (kra == NULL)
		return mem_text("disabled");
	return kra->reader == CMS_READER_OAEP
		   ? mem_text("enabled")
		   : text_printf("enabled,%s", cms_reader_word(kra->reader));
}

bool
kra_enable(const struct work *w, const struct pkix_cert *kra, struct err *err)
{
	OWNED(policy_edit_free) struct policy_edit e = {.lock = -1};
	OWNED(own_memory) char *sha1 = sha1_of(kra);
	OWNED(own_memory) char *old = NULL, *value = NULL, *change = NULL;
	const struct kra_policy_kra *was;
	struct kra_policy_kra *now;
	enum cms_reader reader;
	struct kra_policy numbers;

	if (!edit_begin(w, &e, err))
		return false;
	numbers = e.policy;
	was = kra_policy_find(&e.policy, kra->sha256);
	if (!choose_reader(w, was, &reader, err))
		return false;
	if (was != NULL && was->reader == reader && numbers.count > 0)
		return true;
	old = state_word(was);
	now = kra_policy_enable(&e.policy, kra->sha256);
	now->reader = reader;
	value = state_word(now);
	change = text_printf("value=%s old=%s", value, old);
	if (numbers.count == 0)
		e.policy.count = (size_t)w->config->kra_minimum;
	if (!edit_write(w, &e, &numbers, sha1, change, err))
		return false;
	printf("Enabled: %s\n", sha1);
	return true;
}

static bool
disable_hash(const struct work *w, const uint8_t sha256[32], const char *name, struct err *err)
{
	OWNED(policy_edit_free) struct policy_edit e = {.lock = -1};
	OWNED(own_memory) char *old = NULL, *change = NULL;

	if (!edit_begin(w, &e, err))
		return false;
	if (!kra_policy_has(&e.policy, sha256))
		return true;
	old = state_word(kra_policy_find(&e.policy, sha256));
	change = text_printf("value=disabled old=%s", old);
	kra_policy_disable(&e.policy, sha256);
	if (!edit_write(w, &e, &e.policy, name, change, err))
		return false;
	printf("Disabled: %s\n", name);
	return true;
}

static bool
disable(const struct work *w, const struct pkix_cert *kra, struct err *err)
{
	OWNED(own_memory) char *sha1 = sha1_of(kra);

	return disable_hash(w, kra->sha256, sha1, err);
}

bool
kra_forget(const struct work *w, const char *sha1_hex, struct err *err)
{
	OWNED(kra_list_free) struct kra_list store = {0};
	const struct pkix_cert *kra;
	struct err ignored;

	return read_store(w->config, &store, err) &&
	       (!find_kra(&store, sha1_hex, &kra, &ignored) || disable(w, kra, err));
}

/* ---- verbs ---- */

typedef bool change_function(
    struct work *w, const struct kra_list *store, const char *what, struct err *err);

static bool
change_each(struct work *w, change_function *change, struct err *err)
{
	OWNED(kra_list_free) struct kra_list store = {0};
	OWNED(kra_policy_free) struct kra_policy policy = {0};

	if (!read_store(w->config, &store, err))
		return false;
	for (int i = 0; i < w->cli->count; i++)
		if (!change(w, &store, w->cli->args[i], err))
			return false;
	tell_dircad(w->config);
	return kra_policy_read(w->config, &policy, err) && say_state(w, &policy, err);
}

/* One that cannot be used is not enabled by mistake. */
static bool
enable_valid(struct work *w, const struct kra_list *store, const char *what, struct err *err)
{
	OWNED(trust_issuers_free) struct trust_issuers issuers = {0};
	const struct pkix_cert *kra;

	return find_kra(store, what, &kra, err) && kra_issuers_read(w->config, &issuers, err) &&
	       kra_validate_here(w, kra, &issuers, err) && kra_enable(w, kra, err);
}

/* Those that the CA signed come into the store by their hash alone: a broken front can have one
 * signed in anybody's name. */
static bool
put_signed(struct work *w, const char *what, struct err *err)
{
	OWNED(signed_kras_close) struct signed_kras known = {0};
	OWNED(trust_issuers_free) struct trust_issuers issuers = {0};

	if (!kra_signed_read(w->config, &known, err) || !kra_issuers_read(w->config, &issuers, err))
		return false;
	for (size_t i = 0; i < known.count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert kra = {0};

		if (!pkix_cert_decode(buf_view(&known.list[i]), &kra, err))
			return false;
		if (has_hash(&kra, what) && !kra_store_has(w->config, &kra))
			return kra_validate_here(w, &kra, &issuers, err) && kra_put(w, &kra, err);
	}
	return true;
}

bool
cmd_kra_enable(struct work *w, struct err *err)
{
	for (int i = 0; i < w->cli->count; i++)
		if (!put_signed(w, w->cli->args[i], err))
			return false;
	return change_each(w, enable_valid, err);
}

/* What is enabled and not in the store has no other name than the SHA-256 of the list. */
static bool
is_missing(const struct work *w, const char *what, struct buf *sha256)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};
	struct err ignored;

	return hex_decode(what, sha256, &ignored) && sha256->len == 32 &&
	       kra_policy_read(w->config, &policy, &ignored) &&
	       kra_policy_has(&policy, sha256->ptr);
}

static bool
disable_called(struct work *w, const struct kra_list *store, const char *what, struct err *err)
{
	OWNED(buf_free) struct buf sha256 = {0};
	const struct pkix_cert *kra;

	if (find_kra(store, what, &kra, err))
		return disable(w, kra, err);
	return err->code == CRYPT_E_NOT_FOUND && is_missing(w, what, &sha256) &&
	       disable_hash(w, sha256.ptr, what, err);
}

bool
kra_may_leave(
    const struct work *w, const char *const *hashes, const char *question, struct err *err)
{
	const char *args[DAEMON_ARGS_MAX + 1] = {"--kra-leaves", "--"};
	int status;

	for (size_t i = 0; hashes[i] != NULL && i + 2 < DAEMON_ARGS_MAX; i++)
		args[i + 2] = hashes[i];
	if (!daemon_run(w->cli, args, &status, err))
		return false;
	if (status == CLI_FINDINGS)
		return w->cli->opt.yes || cli_confirm(question, err);
	return status == 0 || err_set(err, DIRCA_E_DATABASE,
				  "the keys that are sealed to it could not be counted; nothing "
				  "was changed");
}

/* NULL: it is enabled, and not in the store. */
static bool
find_hash(const struct work *w, const struct kra_list *store, const char *what, char **sha1_out,
    struct err *err)
{
	OWNED(buf_free) struct buf sha256 = {0};
	const struct pkix_cert *kra;

	*sha1_out = NULL;
	if (find_kra(store, what, &kra, err)) {
		*sha1_out = sha1_of(kra);
		return true;
	}
	return err->code == CRYPT_E_NOT_FOUND && is_missing(w, what, &sha256);
}

/* All of them together: each may be who opens what another did. */
bool
cmd_kra_disable(struct work *w, struct err *err)
{
	OWNED(kra_list_free) struct kra_list store = {0};
	OWNED(texts_free) struct texts leaving = {0};
	const char *hashes[CLI_LIST_MAX + 1] = {0};

	if (!read_store(w->config, &store, err))
		return false;
	for (int i = 0; i < w->cli->count; i++) {
		char *sha1;

		if (!find_hash(w, &store, w->cli->args[i], &sha1, err))
			return false;
		if (sha1 != NULL)
			texts_take(&leaving, sha1);
	}
	for (size_t i = 0; i < leaving.count && i < CLI_LIST_MAX; i++)
		hashes[i] = leaving.list[i];
	return kra_may_leave(w, hashes, "Disable?", err) && change_each(w, disable_called, err);
}

/* Keys can be sealed to what is in the store no more. */
static bool
name_hash(const struct kra_list *store, const char *what, char **sha1_out, struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0};
	const struct pkix_cert *kra;
	struct err ignored;

	if (find_kra(store, what, &kra, err))
		*sha1_out = sha1_of(kra);
	else if (err->code == CRYPT_E_NOT_FOUND && hex_decode(what, &sha1, &ignored) &&
		 sha1.len == 20)
		*sha1_out = hex_encode(buf_view(&sha1), '\0');
	else
		return false;
	return true;
}

bool
kra_hashes(const struct work *w, const struct cli_list *names, struct texts *out, struct err *err)
{
	OWNED(kra_list_free) struct kra_list store = {0};

	if (!read_store(w->config, &store, err))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		char *sha1;

		if (!name_hash(&store, names->list[i], &sha1, err))
			return false;
		texts_take(out, sha1);
	}
	return true;
}

/* paper, "Troubleshooting KRA Configuration", 1. */
static bool
check_count(const struct work *w, const struct kra_policy *policy, int64_t count, struct err *err)
{
	size_t usable;

	if (count < w->config->kra_minimum)
		return err_set(err, E_ACCESSDENIED,
		    "dircad.conf demands at least %d key recovery agents (kra_minimum)",
		    w->config->kra_minimum);
	if (!count_usable(w, policy, &usable, err))
		return false;
	return (size_t)count <= usable ||
	       err_set(err, E_INVALIDARG,
		   "the number of recovery agents cannot be %lld: %zu are usable", (long long)count,
		   usable);
}

/* What was, if nothing is said. */
static bool
check_threshold(
    const struct cli_options *o, int64_t count, struct kra_policy *policy, struct err *err)
{
	int64_t threshold = o->threshold > 0 ? o->threshold : (int64_t)kra_policy_threshold(policy);

	if (threshold > count)
		return err_set(err, E_INVALIDARG,
		    "%lld of %lld key recovery agents cannot open a key; --threshold says how "
		    "many of them do together",
		    (long long)threshold, (long long)count);
	policy->threshold = (size_t)threshold;
	return true;
}

bool
cmd_kra_count(struct work *w, struct err *err)
{
	OWNED(policy_edit_free) struct policy_edit e = {.lock = -1};
	struct kra_policy was;
	int64_t count;

	if (!text_to_int(w->cli->args[0], 1, KRA_COUNT_MAX, &count))
		return err_set(err, E_INVALIDARG,
		    "the number of recovery agents is a number from 1 to %d", KRA_COUNT_MAX);
	if (!edit_begin(w, &e, err))
		return false;
	was = e.policy;
	if (!check_threshold(&w->cli->opt, count, &e.policy, err) ||
	    !check_count(w, &e.policy, count, err))
		return false;
	e.policy.count = (size_t)count;
	if ((e.policy.count != was.count ||
		kra_policy_threshold(&e.policy) != kra_policy_threshold(&was)) &&
	    !edit_write(w, &e, &was, NULL, NULL, err))
		return false;
	tell_dircad(w->config);
	return say_state(w, &e.policy, err);
}
