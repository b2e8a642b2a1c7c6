#include "kra_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "bytes.h"
#include "cms.h"
#include "file.h"
#include "kv.h"
#include "mem.h"
#include "own.h"
#include "text.h"
#include "trust.h"

static char *
policy_path(const struct config *config)
{
	return config_path(config, TRUST_FOLDER "/" TRUST_KRA_ENABLED);
}

void
kra_policy_free(struct kra_policy *policy)
{
	free(policy->enabled);
	*policy = (struct kra_policy){0};
}

size_t
kra_policy_threshold(const struct kra_policy *policy)
{
	return policy->threshold > 1 ? policy->threshold : 1;
}

struct kra_policy_kra *
kra_policy_find(const struct kra_policy *policy, const uint8_t sha256[32])
{
	for (size_t i = 0; i < policy->enabled_count; i++)
		if (memcmp(policy->enabled[i].sha256, sha256, 32) == 0)
			return &policy->enabled[i];
	return NULL;
}

bool
kra_policy_has(const struct kra_policy *policy, const uint8_t sha256[32])
{
	return kra_policy_find(policy, sha256) != NULL;
}

struct kra_policy_kra *
kra_policy_enable(struct kra_policy *policy, const uint8_t sha256[32])
{
	struct kra_policy_kra *kra = kra_policy_find(policy, sha256);

	if (kra != NULL)
		return kra;
	policy->enabled =
	    mem_grow(policy->enabled, policy->enabled_count, sizeof policy->enabled[0]);
	kra = &policy->enabled[policy->enabled_count++];
	kra->reader = CMS_READER_OAEP;
	memcpy(kra->sha256, sha256, 32);
	return kra;
}

void
kra_policy_disable(struct kra_policy *policy, const uint8_t sha256[32])
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->enabled_count; i++)
		if (memcmp(policy->enabled[i].sha256, sha256, 32) != 0)
			policy->enabled[kept++] = policy->enabled[i];
	policy->enabled_count = kept;
}

/* A hash, and a word if its reader is not the usual one. */
static bool
read_kra(struct kra_policy *policy, const char *value, struct err *err)
{
	size_t digits = strcspn(value, " ");
	OWNED(own_memory) char *hex = mem_text_n(value, digits);
	OWNED(buf_free) struct buf hash = {0};
	enum cms_reader reader = CMS_READER_OAEP;

	if (!hex_decode(hex, &hash, err))
		return false;
	if (value[digits] != '\0' && !cms_reader_by_word(value + digits + 1, &reader))
		return err_set(
		    err, DIRCA_E_CONFIG, "'%s' is nothing that an agent reads", value + digits + 1);
	if (hash.len != 32)
		return err_set(err, DIRCA_E_CONFIG, "'%s' is no SHA-256 hash", value);
	if (policy->enabled_count == KRA_ENABLED_MAX)
		return err_set(err, DIRCA_E_CONFIG, "more than %d key recovery agents are enabled",
		    KRA_ENABLED_MAX);
	kra_policy_enable(policy, hash.ptr)->reader = reader;
	return true;
}

static bool
read_number(const char *name, const char *value, int64_t min, size_t *out, struct err *err)
{
	int64_t number;

	if (!text_to_int(value, min, KRA_COUNT_MAX, &number))
		return err_set(
		    err, DIRCA_E_CONFIG, "'%s' is no number up to %d", name, KRA_COUNT_MAX);
	*out = (size_t)number;
	return true;
}

static bool
read_line(void *arg, const char *name, const char *value, struct err *err)
{
	struct kra_policy *policy = arg;

	if (strcmp(name, "kra") == 0)
		return read_kra(policy, value, err);
	if (strcmp(name, "count") == 0)
		return read_number(name, value, 0, &policy->count, err);
	if (strcmp(name, "threshold") == 0)
		return read_number(name, value, 1, &policy->threshold, err);
	return err_set(err, DIRCA_E_CONFIG, "there is no '%s'", name);
}

/* What cannot be is not guessed: a smaller number would give one agent what only several may
 * have. */
static bool
check_threshold(const struct kra_policy *policy, struct err *err)
{
	return policy->threshold <= 1 || policy->threshold <= policy->count ||
	       err_set(err, DIRCA_E_CONFIG, "%zu of %zu key recovery agents cannot open a key",
		   policy->threshold, policy->count);
}

bool
kra_policy_read(const struct config *config, struct kra_policy *out, struct err *err)
{
	OWNED(own_memory) char *path = policy_path(config);
	OWNED(buf_free) struct buf text = {0};

	*out = (struct kra_policy){0};
	if (trust_read(config->state_dir, TRUST_KRA_ENABLED, &text, err) &&
	    kv_read_text(path, buf_view(&text), read_line, out, err) && check_threshold(out, err))
		return true;
	kra_policy_free(out);
	return false;
}

static char *
policy_text(const struct kra_policy *policy)
{
	char *text =
	    text_printf("# Written by `dirca kra enable`, `disable` and `count`.\ncount = %zu\n",
		policy->count);

	if (policy->threshold > 1) {
		OWNED(own_memory) char *old = text;

		text = text_printf("%sthreshold = %zu\n", old, policy->threshold);
	}
	for (size_t i = 0; i < policy->enabled_count; i++) {
		OWNED(own_memory) char *old = text;
		const struct kra_policy_kra *kra = &policy->enabled[i];
		OWNED(own_memory) char *hash = hex_encode(view_of(kra->sha256, 32), '\0');
		bool usual = kra->reader == CMS_READER_OAEP;

		text = text_printf("%skra = %s%s%s\n", old, hash, usual ? "" : " ",
		    usual ? "" : cms_reader_word(kra->reader));
	}
	return text;
}

/* Of a CA that was made before there was the folder. */
static bool
make_folder(const struct config *config, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, TRUST_FOLDER);

	return mkdir(folder, 0755) == 0 || errno == EEXIST ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot make the folder", folder);
}

bool
kra_policy_write(const struct config *config, const struct kra_policy *policy, struct err *err)
{
	OWNED(own_memory) char *path = policy_path(config);
	OWNED(own_memory) char *text = policy_text(policy);

	if (policy->enabled_count > KRA_ENABLED_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "at most %d key recovery agents can be enabled", KRA_ENABLED_MAX);
	return check_threshold(policy, err) && make_folder(config, err) &&
	       file_replace(path, view_str(text), 0644, err);
}

/* In a folder of root's: nobody else can put one there, nor open this one to hold its lock. */
bool
kra_policy_lock(const struct config *config, int *fd_out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, TRUST_FOLDER "/kra-enabled.lock");

	*fd_out = -1;
	if (!make_folder(config, err))
		return false;
	*fd_out = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return (*fd_out != -1 && flock(*fd_out, LOCK_EX) == 0) ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot lock", path);
}
