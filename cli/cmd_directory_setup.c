/* dirca directory init, dirca directory check: what dirca needs of a directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory_accounts.h"
#include "own.h"
#include "print.h"
#include "dir_change.h"
#include "service_account.h"
#include "setup.h"
#include "verbs.h"
#include "work.h"

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
show_items(const struct cli *cli, const struct setup *s)
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

bool
cmd_directory_check(struct work *w, struct err *err)
{
	OWNED(directory_accounts_close) struct directory_accounts a = {0};
	OWNED(setup_free) struct setup s = {0};

	if (!directory_examine(w, w->cli->opt.with_templates, &a, &s, err))
		return false;
	if (show_items(w->cli, &s) > 0)
		w->status = CLI_FINDINGS;
	return true;
}

/* What is missing, as LDIF with -v. */
static bool
show_plan(const struct cli *cli, const struct setup_item *item, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	printf("would add  %s\n", item->name);
	if (!cli->opt.verbose)
		return true;
	if (!(item->todo.list[0].kind == LDIF_ADD
		    ? ldif_append_entry(&text, &item->todo.list[0].entry, err)
		    : ldif_append_change(&text, &item->todo.list[0], err)))
		return false;
	fwrite(text.ptr, 1, text.len, stdout);
	return true;
}

static void
tell_cure(const struct work *w, const struct setup_accounts *by, const struct setup_item *item)
{
	OWNED(own_memory) char *root = NULL;

	if (item->cure != NULL)
		fprintf(stderr, "%s\n", item->cure);
	else if (w->session.dir_config.auth == DIR_AUTH_EXTERNAL &&
		 (root = setup_tree_root_dn(by)) != NULL)
		fprintf(stderr,
		    "The tree belongs to another account: run it again with -D '%s' -W; then both "
		    "are "
		    "used\n",
		    root);
}

/* What follows may need what failed here, so the first failure is the last. */
static bool
make_item(
    struct work *w, const struct setup_accounts *by, const struct setup_item *item, struct err *err)
{
	const struct cli *cli = w->cli;

	if (item->todo.count == 0)
		return err_set(err, DIRCA_E_DIRECTORY, "%s cannot be made by this account; %s",
		    item->name, cure_of(item));
	if (cli->opt.dry_run)
		return show_plan(cli, item, err);
	if (!setup_apply(by, item, err)) {
		tell_cure(w, by, item);
		return err_prefix(err, "%s", item->name);
	}
	printf("added  %s\n", item->name);
	return true;
}

bool
cmd_directory_init(struct work *w, struct err *err)
{
	OWNED(directory_accounts_close) struct directory_accounts a = {0};
	OWNED(setup_free) struct setup s = {0};
	size_t made = 0;

	if (!directory_examine(w, w->cli->opt.with_templates, &a, &s, err))
		return false;
	for (size_t i = 0; i < s.count; i++) {
		if (s.list[i].present)
			continue;
		if (!make_item(w, &a.by, &s.list[i], err))
			return false;
		made++;
	}
	if (made == 0)
		puts("Nothing is missing.");
	return true;
}

/* Of Active Directory the commands: a security descriptor is nothing to read. */
static bool
show_changes(const struct service_account *s, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};

	if (s->changes.count == 0)
		fputs("Nothing is missing.\n", stderr);
	for (size_t i = 0; i < s->commands.count; i++)
		puts(s->commands.list[i]);
	if (s->commands.count > 0)
		return true;
	if (!plan_print(&s->changes, &text, err))
		return false;
	fwrite(text.ptr, 1, text.len, stdout);
	return true;
}

bool
cmd_directory_service_account(struct work *w, struct err *err)
{
	OWNED(directory_accounts_close) struct directory_accounts a = {0};
	OWNED(service_account_free) struct service_account s = {0};

	if (!directory_accounts_open(&w->session, &a, err) ||
	    !service_account_plan(&a.by, w->cli->args[0], &s, err))
		return false;
	for (size_t i = 0; i < s.warnings.count; i++)
		fprintf(stderr, "warning: %s\n", s.warnings.list[i]);
	if (!w->cli->opt.apply)
		return show_changes(&s, err);
	if (!service_account_apply(&a.by, &s, err))
		return false;
	puts(s.changes.count > 0 ? "The account has what it needs." : "Nothing is missing.");
	return true;
}
