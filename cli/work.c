#include "work.h"

#include "command_words.h"
#include "daemon_config.h"
#include "own.h"
#include "paper.h"
#include "said.h"

static bool
open_session(struct work *w, struct err *err)
{
	return w->session.cli != NULL || session_open(w->cli, &w->session, err);
}

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
		return open_session(w, err);
	case NEEDS_DIRECTORY:
		return open_session(w, err) && session_directory(s, err);
	case NEEDS_PKI:
		return open_session(w, err) && session_pki(s, err);
	case NEEDS_CA:
		break;
	}
	return open_session(w, err) && session_ca(s, &w->ca, err);
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

static enum cli_exit
run(struct work *w, bool *failed_out)
{
	enum cli_exit status;
	struct err err;

	*failed_out = !work_open(w, w->cli->verb->needs, &err) || !w->cli->verb->run(w, &err);
	if (!*failed_out)
		return w->status;
	name_ca(w, &err);
	status = cli_fail(w->cli, &err);
	return w->status != CLI_OK ? w->status : status;
}

static enum cli_exit
run_as_json(struct work *w)
{
	enum cli_exit status = CLI_FAILED;
	struct said said;
	struct err err;
	bool failed;

	if (!said_begin(&said, &err))
		return cli_fail(w->cli, &err);
	status = run(w, &failed);
	return said_end(&said, w->cli->verb, status, failed, &err) ? status
								   : cli_fail(w->cli, &err);
}

enum cli_exit
work_run(struct cli *cli)
{
	OWNED(work_close) struct work w = {.cli = cli};
	enum cli_exit status;
	bool failed;

	if (cli->opt.said)
		return run_as_json(&w);
	status = run(&w, &failed);
	if (!failed && cli->paper != NULL)
		paper_print_end(cli->paper, w.status);
	return status;
}
