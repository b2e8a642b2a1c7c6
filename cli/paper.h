/*
 * The paper's spelling: command lines as certutil and certreq take them, put into dirca's own
 *words. Verbs know their own spelling only. Pure but for paper_pass.
 *
 *	certutil -config H\CA -getkey X	->	dirca getkey --ca H\CA X
 *	dirca -f -importKMS F		->	dirca importkms --force F
 *
 * Options stand anywhere, behind one dash (also the long one that word processors make of it), in
 * any case; dirca's own ones, behind two, are passed on as they are.
 */
#ifndef CLI_PAPER_H
#define CLI_PAPER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"
#include "err.h"

/* A word of the line, and those of the caller that it is made of. */
struct paper_word {
	char *text;
	int from, to;
	bool is_secret;
};

/* A password of the line: it goes to the verb as a file, named by this option. */
struct paper_password {
	const char *option;
	const char *text; /* in a word, not ended */
	size_t len;
};

struct paper {
	const char *program; /* "CertUtil", "CertReq": who speaks in what is printed */
	const char *command; /* "GetKey", as the last line names it; NULL: none was found */
	char **argv;         /* in dirca's words, with a NULL behind them; borrowed from `words` */
	int argc;
	const char *note; /* of what was asked for and is not done; NULL: none */
	bool ends_itself;
	bool prints_file; /* standard output carries what a program reads */
	struct paper_word *words;
	size_t word_count;
	struct paper_password *passwords;
	size_t password_count;
};

/* Is the line in the paper's spelling: by the program's name, or by its first word? */
bool paper_is(int argc, char *const *argv);
/* DIRCA_E_USAGE where dirca has no such command or option, with the reason and the way round;
 * program and command are set then, too. paper_free in any case. */
bool paper_translate(int argc, char *const *argv, struct paper *out, struct err *err);
/* Gives the verb its passwords as files in memory, and wipes them from the caller's words, which
 * the process list shows. */
bool paper_pass(struct paper *p, char **argv, struct err *err);
void paper_free(struct paper *p);

/* "CertUtil: -GetKey command FAILED: 0x8002802c (-2147319764)" and the sentence. */
void paper_print_failed(const struct paper *p, const struct err *err);
/* The last line of one that came to its end, also where what it looked at is not in order. */
void paper_print_end(const struct paper *p, enum cli_exit status);

#endif
