#include "work.h"

#include "command_words.h"
#include "daemon_config.h"
#include "own.h"
#include "paper.h"

bool
work_open(struct work *w, enum cli_needs needs, struct err *err)
{
	struct session *s = &w->session;

	switch (needs) {
	case NEEDS_NOTHING:
		return true;
	case NEEDS_CONFIG:
		return load_daemon_config(w->cli, &w->config, err);
	case NEEDS_SESSION:
		return session_open(w->cli, s, err);
	case NEEDS_DIRECTORY:
		return session_open(w->cli, s, err) && session_directory(s, err);
	case NEEDS_PKI:
		return session_open(w->cli, s, err) && session_pki(s, err);
	case NEEDS_CA:
		break;
	}
	return session_open(w->cli, s, err) && session_ca(s, &w->ca, err);
}

static void
work_close(struct work *w)
{
	http_client_close(&w->ca);
	session_close(&w->session);
	config_free(&w->config);
}

/* What mends it is typed as it is printed. */
static void
name_ca(const struct work *w, struct err *err)
{
	OWNED(own_memory) char *ca = NULL;

	if (w->session.cli == NULL)
		return;
	ca = command_ca(&w->session, NULL);
	command_complete_err(w->cli, err, ca);
}

enum cli_exit
work_run(struct cli *cli)
{
	const struct verb *verb = cli->verb;
	OWNED(work_close) struct work w = {.cli = cli};
	enum cli_exit status;
	struct err err;

	if (work_open(&w, verb->needs, &err) && verb->run(&w, &err)) {
		if (cli->paper != NULL)
			paper_print_end(cli->paper, w.status);
		return w.status;
	}
	name_ca(&w, &err);
	status = cli_fail(cli, &err);
	return w.status != CLI_OK ? w.status : status;
}
