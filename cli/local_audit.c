#include "local_audit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "text.h"

#define NO_LOGIN 4294967295 /* loginuid of what nobody logged in for */

/* Who logged in, whatever user it is now; "-" if nobody did. */
static void
login_name(char *out, size_t size)
{
	struct buf raw = {0};
	char text[16] = "";
	const struct passwd *entry = NULL;
	int64_t uid;
	struct err ignored;

	snprintf(out, size, "-");
	if (!file_read("/proc/self/loginuid", sizeof text - 1, &raw, &ignored))
		return;
	memcpy(text, raw.ptr, raw.len);
	buf_free(&raw);
	if (!text_to_int(text, 0, NO_LOGIN - 1, &uid))
		return;
	entry = getpwuid((uid_t)uid);
	if (entry != NULL)
		snprintf(out, size, "%s", entry->pw_name);
	else
		snprintf(out, size, "%lld", (long long)uid);
}

bool
local_audit(const struct config *config, enum audit_event event, const char *verb,
    const char *object, const struct err *failure, struct err *err)
{
	const char *sudo = getenv("SUDO_USER");
	char login[64], *path = config_path(config, "dirca.db"), *actor, *detail;
	struct store *store = NULL;
	bool ok = false;

	login_name(login, sizeof login);
	actor = text_printf("uid=%ld login=%s sudo=%.64s", (long)getuid(), login,
	    sudo != NULL && text_is_utf8(view_str(sudo)) ? sudo : "-");
	detail = failure != NULL ? text_printf("verb=%s reason=%s", verb, failure->msg)
				 : text_printf("verb=%s", verb);
	if (path == NULL || actor == NULL || detail == NULL) {
		err_nomem(err);
		goto out;
	}
	const struct ca_audit a = {.when = clock_now(),
	    .event = event,
	    .status = failure != NULL ? failure->code : ERR_OK,
	    .actor = actor,
	    .object = object,
	    .detail = detail};
	ok = access(path, R_OK | W_OK) != 0 ||
	     (store_open(path, &store, err) && ca_audit_alone(store, &a, err));
out:
	store_close(&store);
	free(path);
	free(actor);
	free(detail);
	return ok || err_prefix(err, "the audit trail could not be written");
}
