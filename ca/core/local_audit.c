#include "local_audit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "clock.h"
#include "file.h"
#include "mem.h"
#include "own.h"
#include "store.h"
#include "text.h"

#define NO_LOGIN 4294967295 /* loginuid of what nobody logged in for */

/* Who logged in, whatever user it is now; "-" if nobody did. */
static void
login_name(char *out, size_t size)
{
	OWNED(buf_free) struct buf raw = {0};
	char text[16] = "";
	const struct passwd *entry = NULL;
	int64_t uid;
	struct err ignored;

	snprintf(out, size, "-");
	if (!file_read("/proc/self/loginuid", sizeof text - 1, &raw, &ignored))
		return;
	memcpy(text, raw.ptr, raw.len);
	if (!text_to_int(text, 0, NO_LOGIN - 1, &uid))
		return;
	entry = getpwuid((uid_t)uid);
	if (entry != NULL)
		snprintf(out, size, "%s", entry->pw_name);
	else
		snprintf(out, size, "%lld", (long long)uid);
}

/* What the verbs are in the trail. */
static enum audit_event
event_of(const char *verb)
{
	static const struct {
		const char *act;
		enum audit_event event;
	} events[] = {
	    {"ca publish", AUDIT_CA_PUBLISHED},
	    {"backup", AUDIT_BACKUP_STARTED},
	    {"backup completed", AUDIT_BACKUP_COMPLETED},
	    {"restore completed", AUDIT_RESTORE_COMPLETED},
	};

	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (strcmp(events[i].act, verb) == 0)
			return events[i].event;
	return AUDIT_FILES_CHANGED;
}

static char *
detail_of(const struct local_act *act)
{
	const char *blank = *act->change != '\0' ? " " : "";

	return act->failure != NULL ? text_printf("verb=%s%s%s reason=%s", act->verb, blank,
					  act->change, act->failure->msg)
				    : text_printf("verb=%s%s%s", act->verb, blank, act->change);
}

char *
local_actor(uid_t who)
{
	const char *sudo = getenv("SUDO_USER");
	char login[64];

	login_name(login, sizeof login);
	return text_printf("uid=%ld login=%s sudo=%.64s", (long)who, login,
	    sudo != NULL && text_is_utf8(view_str(sudo)) ? sudo : "-");
}

bool
local_audit(const struct config *config, const struct local_act *act, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	OWNED(own_memory) char *actor = local_actor(act->who);
	OWNED(own_memory) char *detail = detail_of(act);
	OWNED(store_close) struct store *store = NULL;
	const struct ca_audit a = {.when = clock_now(),
	    .event = event_of(act->verb),
	    .status = act->failure != NULL ? act->failure->code : ERR_OK,
	    .actor = actor,
	    .object = act->object,
	    .detail = detail};

	return store_open(path, &store, err) && ca_audit_alone(store, &a, err);
}
