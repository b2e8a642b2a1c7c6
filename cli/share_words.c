/* Whose shares of a key are still wanted: the commands of those who hold them, and the one that
 * puts them together, to be typed as they stand. */
#include <stdlib.h>
#include <string.h>

#include "command_words.h"
#include "key_shares.h"
#include "mem.h"
#include "own.h"
#include "print.h"
#include "text.h"

#define SUFFIX    ".rec"
#define THEIR_KEY "KRA.pfx" /* of each, whatever he calls it */
#define MY_CERT   "MINE.crt"

struct wanted {
	const struct cli *cli;
	const struct recovery_blob *blob;
	const struct key_shares *have;
	size_t combiner;   /* of the recipients; blob->archived.count: who runs this, and is none */
	bool is_mine;      /* who runs this puts them together */
	size_t left;       /* so many shares of others are wanted */
	char *base, *stem; /* the BLOB's name, without its folder; and without ".rec" */
};

static void
wanted_free(struct wanted *w)
{
	free(w->base);
	free(w->stem);
}

static bool
is_here(const struct wanted *w, size_t recipient)
{
	for (size_t i = 0; i < w->have->count; i++)
		if (w->have->list[i].recipient == recipient)
			return true;
	return false;
}

static bool
is_asked(const struct wanted *w, size_t recipient)
{
	return recipient != w->combiner && !is_here(w, recipient);
}

/* An agent with his own share; else who came with shares of others; else the first agent. */
static void
choose_combiner(struct wanted *w, size_t own)
{
	size_t there = w->have->count;

	w->combiner = w->blob->archived.count;
	w->is_mine = there > 0;
	if (own > 0)
		w->combiner = w->have->list[0].recipient;
	for (size_t i = 0; there == 0 && i < w->blob->archived.count; i++)
		if (recovery_recipient(w->blob, i) != NULL) {
			w->combiner = i;
			there = 1;
		}
	w->left = w->blob->archived.threshold > there ? w->blob->archived.threshold - there : 0;
}

static void
choose_names(struct wanted *w)
{
	const char *path = w->cli->args[0], *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t len = strlen(base), cut = strlen(SUFFIX);

	if (len > cut && strcmp(base + len - cut, SUFFIX) == 0)
		len -= cut;
	w->base = mem_text(base);
	w->stem = mem_text_n(base, len);
}

static void
print_share_file(FILE *to, const struct wanted *w, size_t recipient)
{
	OWNED(own_memory)
	char *name = text_printf(
	    "%s.%u.share", w->stem, (unsigned)w->blob->archived.recipients[recipient].number);

	print_file(to, name);
}

static void
print_agent(FILE *to, const struct wanted *w, size_t recipient)
{
	const struct pkix_cert *c = recovery_recipient(w->blob, recipient);
	OWNED(own_memory) char *subject = c != NULL ? pkix_name_text(c->subject) : NULL;
	OWNED(own_memory)
	char *serial = pkix_serial_text(w->blob->archived.recipients[recipient].serial);

	print_name(to, subject != NULL ? subject : serial != NULL ? serial : "?");
}

/* Of one who holds a share. */
static void
print_holder(FILE *to, const struct wanted *w, size_t recipient)
{
	const struct pkix_cert *c =
	    w->combiner < w->blob->archived.count ? recovery_recipient(w->blob, w->combiner) : NULL;
	OWNED(own_memory)
	char *hash = c != NULL ? hex_encode(view_of(c->sha1, sizeof c->sha1), '\0') : NULL;

	fputs("  ", to);
	print_agent(to, w, recipient);
	fputs(":\n    dirca recoverkey ", to);
	print_file(to, w->base);
	fputs(" --share ", to);
	print_share_file(to, w, recipient);
	fprintf(to, " --to %s --kra " THEIR_KEY "\n", hash != NULL ? hash : MY_CERT);
}

/* A descriptor is another one tomorrow. */
static void
print_option(FILE *to, const char *option, const char *file)
{
	if (file == NULL || strncmp(file, "fd:", 3) == 0)
		return;
	fprintf(to, " %s ", option);
	print_file(to, file);
}

static void
print_list(FILE *to, const char *option, const struct cli_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		print_option(to, option, list->list[i]);
}

/* With the options that were given: the same keys, the same CAs, the same kind of file. */
static void
print_own_options(FILE *to, const struct cli_options *o)
{
	print_list(to, "--kra", &o->kra);
	print_option(to, "--kra-certificate", o->kra_certificate);
	print_list(to, "--kra-password-file", &o->kra_password_files);
	print_list(to, "--ca", &o->trusted_cas);
	if (o->accept_unsigned_chain)
		fputs(" --accept-unsigned-chain", to);
	if (o->accept_sha1)
		fputs(" --accept-sha1", to);
	if (o->format != NULL)
		fprintf(to, " --format %s", o->format);
	if (o->legacy)
		fputs(" --legacy", to);
	if (o->plain)
		fputs(" --plain", to);
}

static void
print_combine(FILE *to, const struct wanted *w)
{
	const struct cli *cli = w->cli;
	OWNED(own_memory) char *made = text_printf("%s.pfx", w->stem);
	size_t left = w->left;

	fputs("    dirca recoverkey ", to);
	print_file(to, w->is_mine ? cli->args[0] : w->base);
	fputc(' ', to);
	print_file(to, w->is_mine && cli->count > 1 ? cli->args[1] : made);
	if (w->is_mine)
		print_list(to, "--combine", &cli->opt.combine);
	for (size_t i = 0; i < w->blob->archived.count && left > 0; i++)
		if (is_asked(w, i)) {
			fputs(" --combine ", to);
			print_share_file(to, w, i);
			left--;
		}
	if (w->is_mine)
		print_own_options(to, &cli->opt);
	else
		fputs(" --kra " THEIR_KEY, to);
	fputc('\n', to);
}

bool
key_shares_tell(
    FILE *to, const struct cli *cli, const struct recovery_blob *b, const struct key_shares *have)
{
	OWNED(wanted_free) struct wanted w = {.cli = cli, .blob = b, .have = have};

	choose_combiner(&w, have->own);
	if (w.left == 0)
		return false;
	choose_names(&w);
	print_name(to, w.base);
	fprintf(to, ": %zu of its agents open the key together. ", b->archived.threshold);
	fprintf(to, "%zu of these write%s a share, each with his own key (" THEIR_KEY "):\n",
	    w.left, w.left == 1 ? "s" : "");
	for (size_t i = 0; i < b->archived.count; i++)
		if (is_asked(&w, i))
			print_holder(to, &w, i);
	fputs("With the shares that came (here the first of them), ", to);
	if (w.is_mine)
		fputs("on this machine", to);
	else
		print_agent(to, &w, w.combiner);
	fputs(":\n", to);
	print_combine(to, &w);
	return true;
}
