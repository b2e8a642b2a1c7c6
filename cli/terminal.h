/*
 * The terminal, asked for what nobody else should see. Whatever ends the program meanwhile, or
 * stops it for a while, finds the terminal as it was.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "buf.h"

/* One line without echo; asked anew if the program was stopped and goes on. DIRCA_E_USAGE: there is
 * no terminal; DIRCA_E_IO: it gives no line, or a signal came that did not end the program. */
bool terminal_ask(const char *prompt, struct secret *out, struct err *err);
/* A line by itself, which is no answer. */
bool terminal_say(const char *line, struct err *err);

#endif
