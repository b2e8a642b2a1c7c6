#include "client_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define SYSTEM_CONFIG "/etc/dirca/dirca.conf"

static const char *const names[] = {
#define X(NAME, name) #name,
    CLIENT_SETTINGS(X)
#undef X
};

const char *
client_setting_name(enum client_setting s)
{
	return names[s];
}

/* `from` is taken over. */
static void
set(struct client_config *c, enum client_setting s, const char *value, char *from)
{
	struct client_value *v = &c->list[s];

	free(v->value);
	free(v->from);
	*v = (struct client_value){.value = *value != '\0' ? mem_text(value) : NULL, .from = from};
}

static bool
check_value(enum client_setting s, const char *value, struct err *err)
{
	return s != CLIENT_STARTTLS || *value == '\0' || strcmp(value, "yes") == 0 ||
	       strcmp(value, "no") == 0 || err_set(err, DIRCA_E_CONFIG, "starttls is yes or no");
}

struct file {
	struct client_config *config;
	const char *path;
};

static bool
from_line(void *arg, const char *name, const char *value, struct err *err)
{
	const struct file *f = arg;

	for (enum client_setting s = 0; s < CLIENT_SETTING_COUNT; s++)
		if (strcmp(names[s], name) == 0) {
			set(f->config, s, value, mem_text(f->path));
			return check_value(s, value, err);
		}
	return err_set(err, DIRCA_E_CONFIG, "unknown name '%s'; dirca.conf(5) lists them", name);
}

/* One that is not there says nothing, unless it was named. */
static bool
read_file(struct client_config *c, size_t which, bool needed, struct err *err)
{
	struct file f = {.config = c, .path = c->files[which]};

	if (f.path == NULL)
		return true;
	c->found[which] = kv_read(f.path, from_line, &f, err);
	return c->found[which] || (!needed && err->code == ERROR_FILE_NOT_FOUND);
}

static bool
read_environment(struct client_config *c, struct err *err)
{
	for (enum client_setting s = 0; s < CLIENT_SETTING_COUNT; s++) {
		OWNED(own_memory) char *variable = text_printf("DIRCA_%s", names[s]);
		const char *value;

		for (char *at = variable; *at != '\0'; at++)
			*at = (char)toupper((unsigned char)*at);
		if ((value = getenv(variable)) == NULL)
			continue;
		if (!check_value(s, value, err))
			return err_prefix(err, "%s", variable);
		set(c, s, value, own_give(&variable));
	}
	return true;
}

static void
read_options(const struct cli_options *opt, struct client_config *c)
{
	const char *const values[] = {
	    [CLIENT_URI] = opt->uri,
	    [CLIENT_MECH] = opt->mech,
	    [CLIENT_USER] = opt->user,
	    [CLIENT_BIND_DN] = opt->bind_dn,
	    [CLIENT_PASSWORD_FILE] = opt->password_file,
	    [CLIENT_TLS_CA] = opt->tls_ca,
	    [CLIENT_CA] = opt->ca,
	    [CLIENT_SOCKET] = opt->socket,
	    [CLIENT_CLIENT_CERTIFICATE] = opt->client_certificate,
	    [CLIENT_CLIENT_KEY] = opt->client_key,
	    [CLIENT_CLIENT_PASSWORD_FILE] = opt->client_password_file,
	    [CLIENT_STARTTLS] = opt->starttls ? "yes" : NULL,
	};

	for (enum client_setting s = 0; s < CLIENT_SETTING_COUNT; s++) {
		char *option;

		if (values[s] == NULL)
			continue;
		option = text_printf("--%s", names[s]);
		for (char *at = option; *at != '\0'; at++)
			if (*at == '_')
				*at = '-';
		set(c, s, values[s], option);
	}
}

bool
client_config_merge(const char *system, const char *own, const struct cli_options *opt,
    struct client_config *out, struct err *err)
{
	bool named = opt->client_config != NULL;

	*out = (struct client_config){0};
	out->files[0] = mem_text(named ? opt->client_config : system);
	out->files[1] = !named && own != NULL ? mem_text(own) : NULL;
	if (!read_file(out, 0, named, err) || !read_file(out, 1, false, err) ||
	    !read_environment(out, err))
		return false;
	read_options(opt, out);
	return true;
}

bool
client_config_read(const struct cli_options *opt, struct client_config *out, struct err *err)
{
	const char *home = getenv("HOME");
	OWNED(own_memory)
	char *own =
	    home != NULL && *home != '\0' ? text_printf("%s/.config/dirca.conf", home) : NULL;

	return client_config_merge(SYSTEM_CONFIG, own, opt, out, err);
}

bool
client_config_names_caller(const struct cli_options *opt)
{
	static const char *const variables[] = {"DIRCA_URI", "DIRCA_USER", "DIRCA_BIND_DN"};

	for (size_t i = 0; i < COUNT_OF(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value != NULL && *value != '\0')
			return true;
	}
	return opt->uri != NULL || opt->user != NULL || opt->bind_dn != NULL;
}

void
client_config_free(struct client_config *c)
{
	for (size_t i = 0; i < CLIENT_SETTING_COUNT; i++) {
		free(c->list[i].value);
		free(c->list[i].from);
	}
	for (size_t i = 0; i < COUNT_OF(c->files); i++)
		free(c->files[i]);
	*c = (struct client_config){0};
}
