/* dirca config show: the client's settings, and where each is from. */
#include <stdio.h>

#include "client_config.h"
#include "mem.h"
#include "own.h"
#include "print.h"
#include "verbs.h"
#include "work.h"

static const char by_default[] = "default";

/* What is not set anywhere: the mechanism follows from the rest. */
static void
add_default(struct client_config *c)
{
	const struct client_value *l = c->list;

	if (l[CLIENT_MECH].value == NULL)
		c->list[CLIENT_MECH] = (struct client_value){
		    .value = mem_text(session_default_mech(
			l[CLIENT_URI].value, l[CLIENT_USER].value, l[CLIENT_BIND_DN].value)),
		    .from = mem_text(by_default)};
}

static void
print_as_json(const struct client_config *c)
{
	json_t *settings = json_object(), *files = json_array();

	for (enum client_setting s = 0; s < CLIENT_SETTING_COUNT; s++)
		json_object_set_new(settings, client_setting_name(s),
		    json_pack("{s:s?, s:s?}", "value", c->list[s].value, "from", c->list[s].from));
	for (size_t i = 0; i < COUNT_OF(c->files); i++)
		if (c->files[i] != NULL)
			json_array_append_new(files,
			    json_pack("{s:s, s:b}", "file", c->files[i], "read", (int)c->found[i]));
	print_json(json_pack("{s:o, s:o}", "settings", settings, "files", files));
}

bool
cmd_config_show(struct work *w, struct err *err)
{
	OWNED(client_config_free) struct client_config c = {0};

	if (!client_config_read(&w->cli->opt, &c, err))
		return false;
	add_default(&c);
	if (w->cli->opt.json) {
		print_as_json(&c);
		return true;
	}
	for (enum client_setting s = 0; s < CLIENT_SETTING_COUNT; s++)
		if (c.list[s].value != NULL)
			printf("%-20s  %s  (%s)\n", client_setting_name(s), c.list[s].value,
			    c.list[s].from);
		else
			printf("%-20s  -%s%s%s\n", client_setting_name(s),
			    c.list[s].from != NULL ? "  (taken away by " : "",
			    c.list[s].from != NULL ? c.list[s].from : "",
			    c.list[s].from != NULL ? ")" : "");
	for (size_t i = 0; i < COUNT_OF(c.files); i++)
		if (c.files[i] != NULL)
			printf("%s %s\n", c.files[i], c.found[i] ? "was read." : "is not there.");
	return true;
}
