/* dirca mergepfx, convert: keys and certificates of any files, in one file of the form wanted
 * (paper, "Importing Recovered Keys"; appendix C). */
#include "key_input.h"
#include "key_output.h"
#include "own.h"
#include "verbs.h"
#include "work.h"

static bool
run(const struct cli *cli, enum key_format format, struct err *err)
{
	const char *to = cli->args[cli->count - 1];
	OWNED(key_passwords_free) struct key_passwords passwords = {0};
	OWNED(pfx_content_free) struct pfx_content c = {0};

	if (!key_passwords_read(&cli->opt.password_files, &passwords, err))
		return false;
	for (int i = 0; i + 1 < cli->count; i++)
		if (!key_input_read(cli->args[i], &passwords, &c, err))
			return false;
	if (!key_output_check(&cli->opt, format, &c, to, err) ||
	    !key_output_write(&cli->opt, format, &c, to, err))
		return false;
	key_output_print(&c, to);
	return true;
}

bool
cmd_mergepfx(struct work *w, struct err *err)
{
	return run(w->cli, KEY_PFX, err);
}

bool
cmd_convert(struct work *w, struct err *err)
{
	enum key_format format;

	return key_format_read(w->cli->opt.format, &format, err) && run(w->cli, format, err);
}
