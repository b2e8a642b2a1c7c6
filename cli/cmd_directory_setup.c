/* dirca directory init, dirca directory check: what dirca needs of a directory. */
#include <stdio.h>
#include <stdlib.h>

#include "print.h"
#include "session.h"
#include "setup.h"

static const char *
ldif_dir(const struct cli *cli)
{
	return cli->opt.ldif != NULL ? cli->opt.ldif : DIRCA_LDIF_DIR;
}

/* Connects to a directory that may lack the tree, and compares. */
static bool
examine(const struct cli *cli, struct session *session, struct setup *out, struct err *err)
{
	if (!session_open(cli, session, err))
		return false;
	session->dir_config.bare = true;
	if (!session_directory(session, err))
		return false;
	if (setup_examine(session->directory, ldif_dir(cli), cli->opt.with_templates, out, err))
		return true;
	return err->code == ERROR_FILE_NOT_FOUND
		   ? err_prefix(err, "dirca's LDIF files, whose folder --ldif names")
		   : false;
}

static const char *
cure_of(const struct setup_item *item)
{
	return item->cure != NULL ? item->cure : "run `dirca directory init`";
}

static json_t *
json_item(const struct setup_item *item)
{
	return json_pack("{s:s, s:b, s:s?}", "item", item->name, "present", (int)item->present,
	    "cure", item->present ? NULL : cure_of(item));
}

static size_t
show(const struct cli *cli, const struct setup *s)
{
	json_t *list = json_array();
	size_t missing = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct setup_item *item = &s->list[i];

		missing += !item->present;
		if (cli->opt.json) {
			json_array_append_new(list, json_item(item));
			continue;
		}
		printf("%s  %s\n", item->present ? "present" : "MISSING", item->name);
		if (!item->present)
			printf("         %s\n", cure_of(item));
	}
	if (cli->opt.json)
		print_json(list);
	else
		json_decref(list);
	return missing;
}

enum cli_exit
cmd_directory_check(struct cli *cli)
{
	struct session session = {0};
	struct setup s = {0};
	enum cli_exit status;
	struct err err;

	if (!examine(cli, &session, &s, &err))
		status = cli_fail(cli, &err);
	else
		status = show(cli, &s) == 0 ? CLI_OK : CLI_FINDINGS;
	setup_free(&s);
	session_close(&session);
	return status;
}

/* What is missing, as LDIF with -v. */
static bool
show_plan(const struct cli *cli, const struct setup_item *item, struct err *err)
{
	struct buf text = {0};
	bool ok = true;

	printf("would add  %s\n", item->name);
	if (cli->opt.verbose && item->todo.list[0].kind == LDIF_ADD &&
	    (ok = ldif_append_entry(&text, &item->todo.list[0].entry, err)))
		fwrite(text.ptr, 1, text.len, stdout);
	buf_free(&text);
	return ok;
}

/* What follows may need what failed here, so the first failure is the last. */
static bool
make(const struct cli *cli, struct dir_conn *c, const struct setup_item *item, struct err *err)
{
	if (item->todo.count == 0)
		return err_set(err, DIRCA_E_DIRECTORY, "%s cannot be made by this account; %s",
		    item->name, cure_of(item));
	if (cli->opt.dry_run)
		return show_plan(cli, item, err);
	if (!setup_apply(c, item, err)) {
		err_prefix(err, "%s", item->name);
		if (item->cure != NULL)
			fprintf(stderr, "%s\n", item->cure);
		return false;
	}
	printf("added  %s\n", item->name);
	return true;
}

enum cli_exit
cmd_directory_init(struct cli *cli)
{
	struct session session = {0};
	struct setup s = {0};
	size_t made = 0;
	struct err err;
	bool ok = examine(cli, &session, &s, &err);

	for (size_t i = 0; ok && i < s.count; i++) {
		if (s.list[i].present)
			continue;
		ok = make(cli, session.directory, &s.list[i], &err);
		made++;
	}
	if (ok && made == 0)
		puts("Nothing is missing.");
	setup_free(&s);
	session_close(&session);
	return ok ? CLI_OK : cli_fail(cli, &err);
}
