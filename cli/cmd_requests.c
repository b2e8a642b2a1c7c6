/* dirca requests, approve, deny. */
#include <stdlib.h>

#include "print.h"
#include "session.h"
#include "text.h"

#define PAGE 500

static void
print_row(const json_t *r)
{
	printf("%6lld  %-8s  %-20s  %-24s  %-7s  %s\n",
	    (long long)json_integer_value(json_object_get(r, "request_id")),
	    json_text(r, "disposition"), json_text(r, "template"), json_text(r, "requester_name"),
	    json_is_true(json_object_get(r, "archived_key")) ? "key" : "-",
	    json_is_string(json_object_get(r, "serial_number"))
		? json_text(r, "serial_number")
		: json_text(r, "disposition_message"));
}

/* Pages until the CA has no more. */
static bool
list(const struct cli *cli, struct http_client *http, json_t *all, struct err *err)
{
	long long after = 0, before = -1;
	size_t got = PAGE;

	/* A CA that gives the same page again is not asked for ever. */
	while (got == PAGE && after > before) {
		char *word =
		    cli->opt.disposition != NULL ? http_escape(cli->opt.disposition) : NULL;
		char *path = text_printf("/dirca/v1/requests?after=%lld&limit=%d%s%s", after, PAGE,
		    word != NULL ? "&disposition=" : "", word != NULL ? word : "");
		json_t *answer = NULL, *rows, *row;
		size_t i;
		bool ok = path != NULL ? http_client_json(http, "GET", path, NULL, &answer, err)
				       : err_nomem(err);

		free(word);
		free(path);
		if (!ok)
			return false;
		rows = json_object_get(answer, "requests");
		got = json_array_size(rows);
		before = after;
		json_array_foreach(rows, i, row)
		{
			after = json_integer_value(json_object_get(row, "request_id"));
			if (cli->opt.json)
				json_array_append(all, row);
			else
				print_row(row);
		}
		json_decref(answer);
	}
	return true;
}

enum cli_exit
cmd_requests(struct cli *cli)
{
	struct session session = {0};
	struct http_client *http = NULL;
	json_t *all = json_array();
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!session_open(cli, &session, &err) || !session_ca(&session, &http, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	if (!cli->opt.json)
		printf("%6s  %-8s  %-20s  %-24s  %-7s  %s\n", "ID", "STATE", "TEMPLATE",
		    "REQUESTER", "ARCHIVE", "SERIAL NUMBER OR MESSAGE");
	if (!list(cli, http, all, &err))
		status = cli_fail(cli, &err);
	else if (cli->opt.json)
		print_json(json_incref(all));
out:
	json_decref(all);
	http_client_close(&http);
	session_close(&session);
	return status;
}

static enum cli_exit
decide(struct cli *cli, const char *what, json_t *body)
{
	struct session session = {0};
	struct http_client *http = NULL;
	json_t *answer = NULL;
	enum cli_exit status = CLI_OK;
	char path[96];
	int64_t id;
	struct err err;

	if (!text_to_int(cli->args[0], 1, INT64_MAX, &id)) {
		err_set(&err, DIRCA_E_USAGE, "%s is not a request id", cli->args[0]);
		json_decref(body);
		return cli_fail(cli, &err);
	}
	snprintf(path, sizeof path, "/dirca/v1/requests/%lld/%s", (long long)id, what);
	if (!session_open(cli, &session, &err) || !session_ca(&session, &http, &err) ||
	    !http_client_json(http, "POST", path, body, &answer, &err))
		status = cli_fail(cli, &err);
	else
		printf("Request %lld: %s\n", (long long)id, json_text(answer, "disposition"));
	json_decref(answer);
	json_decref(body);
	http_client_close(&http);
	session_close(&session);
	return status;
}

enum cli_exit
cmd_approve(struct cli *cli)
{
	return decide(cli, "approve", NULL);
}

enum cli_exit
cmd_deny(struct cli *cli)
{
	return decide(cli, "deny",
	    cli->opt.reason != NULL ? json_pack("{s:s}", "reason", cli->opt.reason)
				    : json_object());
}
