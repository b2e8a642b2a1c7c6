#include "progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static bool is_shown;

void
progress_say(const char *fmt, ...)
{
	va_list ap;

	if (isatty(STDERR_FILENO) != 1)
		return;
	dprintf(STDERR_FILENO, "\r\033[K");
	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	is_shown = true;
}

void
progress_clear(void)
{
	if (is_shown)
		dprintf(STDERR_FILENO, "\r\033[K");
	is_shown = false;
}
