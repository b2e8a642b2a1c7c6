#include "recovery_script.h"

#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"
#include "command_words.h"
#include "mem.h"
#include "own.h"
#include "printable.h"
#include "print.h"
#include "text.h"

#define SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

char *
recovery_file_name(const json_t *candidate, bool with_serial)
{
	const char *given = json_string_value(json_object_get(candidate, "common_name"));
	const char *cn = given != NULL && *given != '\0' ? given : "key";
	char *name = with_serial ? text_printf("%s-%s", cn, json_text(candidate, "serial_number"))
				 : mem_text(cn);

	for (char *p = name; *p != '\0'; p++)
		if (strchr(SAFE, *p) == NULL)
			*p = '_';
	return name;
}

/* ---- words of a shell ---- */

/* The rest of a line that a shell does not read: no new line ends it. */
static void
print_comment(FILE *to, const char *what, const char *text)
{
	OWNED(own_memory) char *shown = printable_escape(text);

	fprintf(to, "#   %s%s\n", what, shown != NULL ? shown : "?");
}

static void
print_option(FILE *to, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fprintf(to, " --%s=", name);
	print_quoted(to, value);
}

/* As whoever had the script made signed in. */
static void
print_session(FILE *to, const struct key_search *s)
{
	const struct cli_options *o = &s->session->cli->opt;

	print_option(to, "client-config", o->client_config);
	print_option(to, "uri", o->uri);
	print_option(to, "mech", o->mech);
	print_option(to, "user", o->user);
	print_option(to, "bind-dn", o->bind_dn);
	print_option(to, "password-file", o->password_file);
	print_option(to, "tls-ca", o->tls_ca);
	print_option(to, "socket", o->socket);
	print_option(to, "case", o->case_id);
	if (o->starttls)
		fputs(" --starttls", to);
	if (o->ask_password)
		fputs(" --ask-password", to);
}

/* ---- the script ---- */

struct script {
	FILE *to;
	const struct key_search *search;
	size_t number; /* of the key that is next */
	bool has_shared;
};

static const char head[] =
    "set -eu\n"
    "umask 077\n"
    "dirca=${DIRCA:-dirca}\n"
    "out=${OUT:-%s}\n"
    "if [ $# -eq 0 ] && ! [ -d \"${HOME-}/.config/dirca/kra\" ]; then\n"
    "\techo \"usage: sh $0 --kra FILE [further options of dirca recoverkey]\" >&2\n"
    "\techo 'without --kra the keys are those of ~/.config/dirca/kra' >&2\n"
    "\techo \"OUT=FILE in the environment names another file than $out\" >&2\n"
    "\texit 2\n"
    "fi\n"
    "for file in \"$out\"%s; do\n"
    "\tif [ -e \"$file\" ] || [ -L \"$file\" ]; then\n"
    "\t\techo \"$file exists; nothing was fetched\" >&2\n"
    "\t\texit 1\n"
    "\tfi\n"
    "done\n"
    "\n"
    "# Whatever happens, nothing is left but a file whose password was said, and sealed BLOBs "
    "that\n"
    "# others help to open.\n"
    "work= unsaid= sealed=\n"
    "clean() { rm -rf -- ${work:+\"$work\"} ${unsaid:+\"$unsaid\"} ${sealed:+\"$sealed\"}; }\n"
    "trap clean EXIT\n"
    "trap 'exit 129' HUP\n"
    "trap 'exit 130' INT\n"
    "trap 'exit 143' TERM\n"
    "work=$(mktemp -d \"${TMPDIR:-/tmp}/dirca-recovery.XXXXXXXXXX\")\n"
    "\n"
    "random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \\n'; }\n"
    "each=$(random) last=$(random)\n"
    "[ \"${#each} ${#last}\" = '32 32' ] || exit 1\n"
    "\n"
    "fetch() { # CA SHA1 NUMBER\n"
    "\t\"$dirca\" getkey%s --ca=\"$1\" \"$2\" \"$work/$3.rec\" >\"$work/said\" || {\n"
    "\t\tcat \"$work/said\" >&2\n"
    "\t\texit 1\n"
    "\t}\n"
    "}\n"
    "# Passwords go by a pipe: no list of arguments has them.\n"
    "recover() { # PASSWORD BLOB FILE OPTION...\n"
    "\tpassword=$1 blob=$2 file=$3\n"
    "\tshift 3\n"
    "\t\"$dirca\" recoverkey \"$blob\" \"$file\" \"$@\" --out-password-file=fd:9 "
    ">\"$work/said\" 9<<END\n"
    "$password\n"
    "END\n"
    "}\n";

/* Only where there are such keys. */
static const char head_of_shared[] =
    "# Several agents open such a key together. Without the keys of enough of them the BLOB stays\n"
    "# (status 5), and what each types is said at the end.\n"
    "left=\n"
    "recover_shared() { # PASSWORD BLOB KEPT FILE PART OPTION...\n"
    "\tpassword=$1 blob=$2 sealed=$3 unsaid=$4 part=$5 status=0\n"
    "\tshift 5\n"
    "\tcp \"$blob\" \"$sealed\"\n"
    "\trecover \"$password\" \"$sealed\" \"$unsaid\" \"$@\" || status=$?\n"
    "\tcase $status in\n"
    "\t0)\n"
    "\t\trm \"$sealed\"\n"
    "\t\t[ -z \"$part\" ] || mv \"$unsaid\" \"$part\"\n"
    "\t\t;;\n"
    "\t5)\n"
    "\t\tcat \"$work/said\" >>\"$work/left\"\n"
    "\t\tleft=\"$left $unsaid\"\n"
    "\t\t;;\n"
    "\t*) exit \"$status\" ;;\n"
    "\tesac\n"
    "\tsealed=\n"
    "}\n";

static const char tail_of_many[] =
    "\n"
    "unsaid=$out\n"
    "set -- \"$work\"/*.p12\n"
    "[ ! -e \"$1\" ] || \"$dirca\" mergepfx \"$@\" \"$out\" --password-file=fd:9 "
    "--out-password-file=fd:9 >/dev/null 9<<END\n"
    "$each\n"
    "$last\n"
    "END\n";

static const char tail[] = "cat <<END\n"
			   "$out written.\n"
			   "PASSWORD: \"$last\"\n"
			   "END\n"
			   "unsaid=\n";

static const char tail_of_shared[] = "if [ -e \"$out\" ]; then\n"
				     "\tcat <<END\n"
				     "$out written.\n"
				     "PASSWORD: \"$last\"\n"
				     "END\n"
				     "fi\n"
				     "unsaid=\n"
				     "[ -n \"$left\" ] || exit 0\n"
				     "echo\n"
				     "cat \"$work/left\"\n"
				     "if [ -e \"$out\" ]; then\n"
				     "\techo 'All of them in one file, ALL.p12:'\n"
				     "\techo \"    dirca mergepfx '$out'$left ALL.p12\"\n"
				     "fi\n"
				     "exit 5\n";

static void
print_candidate(const struct script *p, const json_t *c)
{
	OWNED(own_memory)
	char *version = text_printf(
	    "%lld", (long long)json_integer_value(json_object_get(c, "certificate_version")));
	FILE *to = p->to;

	fputs("#\n", to);
	print_comment(to, "Serial Number: ", json_text(c, "serial_number"));
	print_comment(to, "Subject: ", json_text(c, "subject"));
	if (json_is_string(json_object_get(c, "upn")))
		print_comment(to, "UPN:", json_text(c, "upn"));
	print_comment(to, "NotBefore: ", json_text(c, "not_before"));
	print_comment(to, "NotAfter: ", json_text(c, "not_after"));
	print_comment(to, "Template: ", json_text(c, "template"));
	print_comment(to, "Version: ", version);
	print_comment(to, "Cert Hash(sha1): ", json_text(c, "certificate_hash"));
}

static void
print_comments(const struct script *p)
{
	const struct key_search *s = p->search;
	char when[21];

	clock_format(clock_now(), when);
	fprintf(p->to, "#!/bin/sh\n# Recovery of %zu keys, by `dirca getkey --script`, %s.\n",
	    s->total, when);
	print_comment(p->to, "searched: ", s->token);
	for (size_t i = 0; i < s->count; i++) {
		const json_t *c;
		size_t k;

		if (json_array_size(s->list[i].candidates) == 0)
			continue;
		fputs("#\n", p->to);
		print_comment(p->to, "", found_host(&s->list[i]));
		print_comment(p->to, "", found_name(s, &s->list[i]));
		json_array_foreach(s->list[i].candidates, k, c) print_candidate(p, c);
	}
	for (size_t i = 0; i < s->unanswered.count; i++)
		print_comment(
		    p->to, "NO ANSWER, so that keys may be missing here: ", s->unanswered.list[i]);
}

/* How many agents open it together; 1: each alone. */
static size_t
threshold_of(const json_t *candidate)
{
	const char *text = json_string_value(json_object_get(candidate, "key_recovery_hashes"));
	OWNED(own_memory) char *lines = mem_text(text != NULL ? text : "");
	char *rest = lines, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (kra_hashes_threshold(line) > 1)
			return kra_hashes_threshold(line);
	return 1;
}

/* Files beside the one that is made: of keys that several agents open together. free(). */
static char *
kept_names(const struct key_search *s)
{
	OWNED(own_memory) char *names = mem_text("");

	for (size_t i = 0; i < s->count; i++) {
		const json_t *c;
		size_t k;

		json_array_foreach(s->list[i].candidates, k, c)
		{
			OWNED(own_memory) char *name = recovery_file_name(c, true);
			OWNED(own_memory) char *both = text_printf("./%s.rec ./%s.p12", name, name);

			if (threshold_of(c) > 1)
				text_list_add(&names, " ", both);
		}
	}
	return text_printf("%s%s", *names != '\0' ? " " : "", names);
}

static void
print_head(const struct script *p)
{
	const struct key_search *s = p->search;
	OWNED(own_memory) char *options = NULL;
	OWNED(own_memory) char *name = NULL;
	size_t len;
	FILE *words = open_memstream(&options, &len);

	if (words == NULL)
		mem_exhausted();
	print_session(words, s);
	fclose(words);
	for (size_t i = 0; i < s->count && name == NULL; i++)
		if (json_array_size(s->list[i].candidates) > 0)
			name = recovery_file_name(json_array_get(s->list[i].candidates, 0), false);
	/* A name may begin with a dash. */
	OWNED(own_memory) char *out = text_printf("./%s.p12", name != NULL ? name : "key");

	OWNED(own_memory) char *kept = kept_names(s);

	fprintf(p->to, head, out, kept, options);
	if (*kept != '\0')
		fputs(head_of_shared, p->to);
}

/* As the CA is named to the directory: HOST\NAME, of one name there may be several. */
static char *
config_of(const struct key_search *s, const struct found_keys *f)
{
	return f->service == NULL || f->service->host == NULL
		   ? mem_text(found_name(s, f))
		   : text_printf("%s\\%s", f->service->host, f->service->name);
}

static void
print_shared(struct script *p, const json_t *c)
{
	OWNED(own_memory) char *name = recovery_file_name(c, true);

	p->has_shared = true;
	if (p->search->total > 1)
		fprintf(p->to,
		    "recover_shared \"$each\" \"$work/%zu.rec\" ./%s.rec ./%s.p12 "
		    "\"$work/%zu.p12\" \"$@\"\n",
		    p->number, name, name, p->number);
	else
		fprintf(p->to,
		    "recover_shared \"$last\" \"$work/%zu.rec\" ./%s.rec \"$out\" '' \"$@\"\n",
		    p->number, name);
}

static bool
print_key(struct script *p, const struct found_keys *f, const json_t *c, struct err *err)
{
	OWNED(own_memory) char *config = config_of(p->search, f);
	OWNED(buf_free) struct buf sha1 = {0};
	OWNED(own_memory) char *hash = NULL;

	/* Two certificates may have one serial number. */
	if (!hex_decode(json_text(c, "certificate_hash"), &sha1, err) || sha1.len != 20)
		return err_set(err, E_INVALIDARG, "%s gave '%s' for the hash of a certificate",
		    config, json_text(c, "certificate_hash"));
	hash = hex_encode(buf_view(&sha1), '\0');
	p->number++;
	fputs("fetch ", p->to);
	print_quoted(p->to, config);
	fprintf(p->to, " %s %zu\n", hash, p->number);
	if (threshold_of(c) > 1)
		print_shared(p, c);
	else if (p->search->total > 1)
		fprintf(p->to, "recover \"$each\" \"$work/%zu.rec\" \"$work/%zu.p12\" \"$@\"\n",
		    p->number, p->number);
	else
		fprintf(p->to, "unsaid=$out\nrecover \"$last\" \"$work/%zu.rec\" \"$out\" \"$@\"\n",
		    p->number);
	return true;
}

/* Those of one version, as the paper's file has them. */
static bool
print_version(struct script *p, json_int_t version, struct err *err)
{
	const struct key_search *s = p->search;
	bool told = false;

	for (size_t i = 0; i < s->count; i++) {
		const json_t *c;
		size_t k;

		json_array_foreach(s->list[i].candidates, k, c)
		{
			if (json_integer_value(json_object_get(c, "certificate_version")) !=
			    version)
				continue;
			if (!told && version > 0)
				fprintf(p->to, "\necho 'Version %lld certificates and keys:'\n",
				    (long long)version);
			told = true;
			if (!print_key(p, &s->list[i], c, err))
				return false;
		}
	}
	return true;
}

bool
recovery_script_print(FILE *to, const struct key_search *s, struct err *err)
{
	struct script p = {.to = to, .search = s};

	print_comments(&p);
	print_head(&p);
	for (json_int_t version = 0; version <= 3; version++)
		if (!print_version(&p, version, err))
			return false;
	if (s->total > 1)
		fputs(tail_of_many, to);
	fputs(p.has_shared ? tail_of_shared : tail, to);
	return true;
}
