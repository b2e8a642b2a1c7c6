#include "daemon_directory.h"

#include "client_config.h"
#include "config.h"

bool
daemon_directory_open(struct work *w, struct daemon_directory *out, struct err *err)
{
	*out = (struct daemon_directory){0};
	if (!config_directory(w->config, &out->own_config, err))
		return false;
	if (client_config_names_caller(&w->cli->opt)) {
		if (!work_open(w, NEEDS_DIRECTORY, err))
			return false;
		out->conn = w->session.directory;
		return true;
	}
	if (!config_read_password(w->config, err) || !dir_connect(&out->own_config, &out->own, err))
		return false;
	out->conn = out->own;
	return true;
}

void
daemon_directory_close(struct daemon_directory *d)
{
	dir_disconnect(&d->own);
}
