#include "kra_upgrade.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cms.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "service.h"
#include "settings.h"
#include "store.h"

/* The database is the front's. */
static bool
read_count(const struct config *config, int64_t *count_out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(store_close) struct store *store = NULL;
	struct settings settings;

	*count_out = 0;
	if (access(path, F_OK) != 0)
		return true;
	if (!service_become(config->user, err) || !store_open(path, &store, err) ||
	    !settings_load(store, &settings, err))
		return false;
	*count_out = settings.num[SETTING_KRA_CERT_COUNT];
	return true;
}

/* Root stays root: a child becomes the front's user, and tells an octet. */
static bool
ask_count(const struct config *config, size_t *count_out, struct err *err)
{
	int said[2], status = 0;
	uint8_t octet = 0;
	bool heard;
	pid_t pid;

	if (pipe(said) != 0 || (pid = fork()) == -1)
		return err_errno(err, DIRCA_E_INTERNAL, "reading the number of KRAs");
	if (pid == 0) {
		int64_t count;
		bool ok = read_count(config, &count, err);

		octet = (uint8_t)count;
		if (!ok)
			log_error("reading the number of KRAs", LOG_REASON(err));
		_exit(ok && write(said[1], &octet, 1) == 1 ? 0 : 1);
	}
	close(said[1]);
	heard = read(said[0], &octet, 1) == 1;
	close(said[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || !heard || octet > KRA_COUNT_MAX)
		return err_set(
		    err, DIRCA_E_DATABASE, "the number of KRAs could not be read from dirca.db");
	*count_out = octet;
	return true;
}

static bool
enable_all(const struct config *config, struct kra_policy *policy, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;

	if (!kra_store_list(config, &list, &count, NULL, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert kra = {0};
		struct err ignored;

		if (policy->enabled_count < KRA_ENABLED_MAX &&
		    pkix_cert_decode(buf_view(&list[i]), &kra, &ignored))
			kra_policy_enable(policy, kra.sha256);
	}
	kra_store_free(&list, count);
	return true;
}

bool
kra_upgrade(const struct config *config, struct err *err)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};
	OWNED(own_fd) int lock = -1;

	/* The file is replaced whole: only who makes it needs to be alone, and looks again. */
	if (kra_policy_read(config, &policy, err))
		return true;
	if (err->code != ERROR_FILE_NOT_FOUND || !kra_policy_lock(config, &lock, err))
		return false;
	if (kra_policy_read(config, &policy, err))
		return true;
	if (err->code != ERROR_FILE_NOT_FOUND || !ask_count(config, &policy.count, err) ||
	    !enable_all(config, &policy, err) || !kra_policy_write(config, &policy, err))
		return false;
	log_info("the KRA store is enabled as it is; `dirca kra enable` and `disable` change that",
	    LOG_INT("enabled", (int64_t)policy.enabled_count),
	    LOG_INT("count", (int64_t)policy.count));
	return true;
}
