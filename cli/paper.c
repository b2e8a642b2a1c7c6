#include "paper.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "file.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define EN_DASH     "\xe2\x80\x93"
#define QUOTE_OPEN  "\xe2\x80\x9c"
#define QUOTE_CLOSE "\xe2\x80\x9d"
#define MARK_LEN    3 /* octets of each */

enum program { CERTUTIL, CERTREQ, EITHER };
static const char *const program_names[] = {"CertUtil", "CertReq", "CertUtil"};

/* What a command takes; the others are refused by name. */
#define TAKES_FORCE       (1u << 0)
#define TAKES_VERBOSE     (1u << 1)
#define TAKES_TIMEOUT     (1u << 2)
#define TAKES_PASSWORD    (1u << 3)
#define TAKES_CONFIG      (1u << 4)
#define TAKES_USER        (1u << 5)
#define TAKES_PROVIDER    (1u << 6)
#define TAKES_PRIVATE_KEY (1u << 7)
#define TAKES_ATTRIBUTES  (1u << 8)
#define TAKES_ALWAYS      (1u << 9)

#define ARGUMENTS_NAMED 4
#define WORDS_MAX       4

static const struct command {
	const char *name;
	enum program program;
	const char *own;    /* words of the verb; NULL: there is none */
	const char *reason; /* why, and the way round */
	unsigned takes;
	const char *verbose;                    /* what -v is; NULL: --verbose */
	const char *user;                       /* what -user is; NULL: nothing */
	const char *arguments[ARGUMENTS_NAMED]; /* the option that each becomes; NULL: none */
	const struct {
		const char *paper, *own;
	} words[WORDS_MAX]; /* arguments that are words; `own` NULL: nothing is to be said */
	/* What -p gives: the one password of the first option, or a list of them and, as the last,
	 * one of the second. */
	const char *password, *last_password;
	bool ends_itself;   /* its report has the last line, in any spelling */
	bool lists_files;   /* the first argument, between commas */
	bool names_setting; /* the first argument does */
	bool is_flags;      /* an argument that begins with a dash takes a flag away */
} commands[] = {
    {.name = "GetKey",
	.own = "getkey",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.verbose = "--script"},
    {.name = "RecoverKey",
	.own = "recoverkey",
	.takes = TAKES_FORCE | TAKES_VERBOSE | TAKES_TIMEOUT | TAKES_PASSWORD | TAKES_USER |
		 TAKES_PROVIDER,
	.password = "--out-password-file"},
    {.name = "ConvertEPF",
	.reason = "the format of *.epf is not published: nobody but Outlook and Entrust reads what "
		  "they write; put the keys into a PKCS#12 file (*.pfx), which Outlook imports"},
    {.name = "MergePFX",
	.own = "mergepfx",
	.takes = TAKES_FORCE | TAKES_VERBOSE | TAKES_TIMEOUT | TAKES_PASSWORD | TAKES_USER,
	.lists_files = true,
	.password = "--password-file",
	.last_password = "--out-password-file"},
    {.name = "ImportPFX",
	.own = "importpfx",
	.takes = TAKES_FORCE | TAKES_VERBOSE | TAKES_TIMEOUT | TAKES_PASSWORD | TAKES_USER |
		 TAKES_PROVIDER,
	.user = "--user",
	.words = {{"MY", NULL}},
	.password = "--password-file"},
    {.name = "ExportPFX",
	.own = "exportpfx",
	.takes = TAKES_FORCE | TAKES_VERBOSE | TAKES_TIMEOUT | TAKES_PASSWORD | TAKES_USER,
	.user = "--user",
	.words = {{"MY", NULL}},
	.password = "--out-password-file"},
    {.name = "ImportKMS",
	.own = "importkms",
	.takes = TAKES_FORCE | TAKES_VERBOSE | TAKES_PASSWORD | TAKES_CONFIG,
	.ends_itself = true,
	.password = "--source-password-file"},
    {.name = "VerifyKeys",
	.own = "verifykeys",
	.takes = TAKES_VERBOSE | TAKES_TIMEOUT | TAKES_PASSWORD | TAKES_USER | TAKES_PROVIDER,
	.password = "--password-file"},
    {.name = "SetReg",
	.own = "setreg",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.names_setting = true,
	.is_flags = true},
    {.name = "GetReg",
	.own = "getreg",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.names_setting = true},
    {.name = "ViewStore", .own = "viewstore", .takes = TAKES_VERBOSE},
    {.name = "DS", .own = "ds", .takes = TAKES_VERBOSE},
    {.name = "Dump", .own = "dump", .takes = TAKES_VERBOSE | TAKES_PRIVATE_KEY | TAKES_USER},
    {.name = "CRL",
	.own = "crl",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.words = {{"delta", "--delta"}}},
    {.name = "Revoke",
	.own = "revoke",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.arguments = {NULL, "--reason"}},
    {.name = "Deny", .own = "deny", .takes = TAKES_CONFIG | TAKES_VERBOSE},
    {.name = "Resubmit",
	.reason =
	    "`dirca approve` issues a request that waits, `dirca resubmit` one that was denied"},
    {.name = "Ping", .own = "ca status", .takes = TAKES_CONFIG | TAKES_VERBOSE},
    {.name = "CAInfo", .own = "ca status", .takes = TAKES_CONFIG | TAKES_VERBOSE},
    {.name = "CATemplates", .own = "template list", .takes = TAKES_VERBOSE},
    {.name = "Template", .own = "templates", .takes = TAKES_VERBOSE},
    {.name = "View",
	.own = "requests",
	.takes = TAKES_CONFIG | TAKES_VERBOSE,
	.words = {{"Queue", "--disposition=pending"}, {"LogRevoked", "--disposition=revoked"},
	    {"LogFail", "--disposition=denied"}}},
    {.name = "Store",
	.reason = "there are no key stores of Windows here; `dirca viewstore` shows those of the "
		  "directory, `dirca kra status` the KRA store of a CA"},
    {.name = "BackupKey", .reason = "`dirca backup FOLDER` copies the CA, keys and all"},
    {.name = "BackupDB", .reason = "`dirca backup FOLDER` copies the CA, keys and all"},
    {
	.name = "Submit",
	.program = CERTREQ,
	.own = "submit",
	.takes = TAKES_CONFIG | TAKES_VERBOSE | TAKES_ATTRIBUTES,
    },
    {.name = "New",
	.program = CERTREQ,
	.own = "new",
	.takes = TAKES_CONFIG | TAKES_VERBOSE | TAKES_USER},
    {.name = "Retrieve",
	.program = CERTREQ,
	.own = "retrieve",
	.takes = TAKES_CONFIG | TAKES_VERBOSE},
    {.name = "Accept",
	.program = CERTREQ,
	.own = "accept",
	.takes = TAKES_CONFIG | TAKES_VERBOSE | TAKES_USER},
};

/* Command lines that word processors quoted are pasted whole: the long dash is a dash. */
static const char *
dashed(const char *word)
{
	if (strncmp(word, EN_DASH, MARK_LEN) == 0)
		return word + MARK_LEN;
	return word[0] == '-' && word[1] != '-' ? word + 1 : NULL;
}

enum option_is { OPTION_FLAG, OPTION_VALUE };

static const struct option {
	const char *name;
	enum option_is is;
	unsigned takes;  /* the bit that a command has; 0: none has it */
	const char *own; /* NULL: nothing is to be said, it is so anyway */
	const char *reason;
} options[] = {
    {"f", OPTION_FLAG, TAKES_FORCE, "--force", NULL},
    {"v", OPTION_FLAG, TAKES_VERBOSE, "--verbose", NULL},
    {"t", OPTION_VALUE, TAKES_TIMEOUT, NULL, NULL},
    {"p", OPTION_VALUE, TAKES_PASSWORD, NULL, NULL},
    {"config", OPTION_VALUE, TAKES_CONFIG, "--ca", NULL},
    {"user", OPTION_FLAG, TAKES_USER, NULL, NULL},
    {"csp", OPTION_VALUE, TAKES_PROVIDER, NULL, NULL},
    {"privatekey", OPTION_FLAG, TAKES_PRIVATE_KEY, NULL, NULL},
    {"attrib", OPTION_VALUE, TAKES_ATTRIBUTES, NULL, NULL},
    {"gmt", OPTION_FLAG, TAKES_ALWAYS, "--utc", NULL},
    {"seconds", OPTION_FLAG, TAKES_ALWAYS, NULL, NULL},
    {"cast", OPTION_VALUE, 0, NULL,
	"CAST is for *.epf files, whose format is not published; PKCS#12 files are encrypted with "
	"AES"},
    {"silent", OPTION_FLAG, 0, NULL,
	"there are no windows to suppress; passwords come from files where nobody is to be asked"},
    {"enterprise", OPTION_FLAG, 0, NULL, "there are no key stores of Windows here"},
    {"grouppolicy", OPTION_FLAG, 0, NULL, "there are no key stores of Windows here"},
    {"machine", OPTION_FLAG, 0, NULL,
	"there are no key stores of Windows here; keys are files, of whoever runs this"},
    {"restrict", OPTION_VALUE, 0, NULL, "`dirca requests --where COLUMN=VALUE` chooses rows"},
    {"out", OPTION_VALUE, 0, NULL, "`dirca requests --columns NAME,...` chooses columns"},
    {"rpc", OPTION_FLAG, 0, NULL, "CAs are reached over HTTPS"},
    {"kerberos", OPTION_FLAG, 0, NULL, "--mech says how to sign in"},
    {"username", OPTION_VALUE, 0, NULL, "--user says who signs in"},
};

/* Providers of keys whose keys are files here. Every other one is a device, or somebody's own. */
static const char *const software_providers[] = {
    "Microsoft Software Key Storage Provider",
    "Microsoft Base Cryptographic Provider v1.0",
    "Microsoft Strong Cryptographic Provider",
    "Microsoft Enhanced Cryptographic Provider v1.0",
    "Microsoft Enhanced RSA and AES Cryptographic Provider",
    "Microsoft RSA SChannel Cryptographic Provider",
};

/* Settings of certutil that are somewhere else here. */
static const struct {
	const char *name, *where;
} settings_elsewhere[] = {
    {"CA\\RoleSeparationEnabled", "role_separation of dircad.conf, which is root's"},
};

static const struct option *
find_option(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (strcasecmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/* ---- which spelling, which program ---- */

/* Of "/usr/libexec/dirca/certutil", and "CertUtil.exe"; EITHER: dirca. */
static enum program
program_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	size_t len = strlen(name);

	if (len > 4 && strcasecmp(name + len - 4, ".exe") == 0)
		len -= 4;
	for (enum program p = CERTUTIL; p < EITHER; p++)
		if (strlen(program_names[p]) == len &&
		    strncasecmp(name, program_names[p], len) == 0)
			return p;
	return EITHER;
}

bool
paper_is(int argc, char *const *argv)
{
	if (argc < 1)
		return false;
	if (program_of(argv[0]) != EITHER)
		return true;
	return argc > 1 && strcmp(argv[1], "-h") != 0 && dashed(argv[1]) != NULL &&
	       *dashed(argv[1]) != '\0';
}

/* ---- words ---- */

/* Appends a word of the line that is made of the caller's words `from` to `to`. */
static struct paper_word *
add_made(struct paper *p, char *text, int from, int to)
{
	struct paper_word *w;

	p->words = mem_grow(p->words, p->word_count, sizeof *p->words);
	w = &p->words[p->word_count++];
	*w = (struct paper_word){.text = text, .from = from, .to = to};
	return w;
}

/* One word of what stands between the quotes of a word processor, which a shell does not know. */
static bool
join_quoted(struct paper *p, int argc, char *const *argv, int *at, struct err *err)
{
	OWNED(own_memory) char *text = mem_text(argv[*at] + MARK_LEN);

	for (int from = *at;; (*at)++) {
		size_t len = strlen(text);

		if (len >= MARK_LEN && strcmp(text + len - MARK_LEN, QUOTE_CLOSE) == 0) {
			text[len - MARK_LEN] = '\0';
			add_made(p, own_give(&text), from, (*at)++);
			return true;
		}
		if (*at + 1 == argc)
			return err_set(err, DIRCA_E_USAGE, "the quotes before %s do not end", text);
		text_list_add(&text, " ", argv[*at + 1]);
	}
}

/* The caller's words, as they were meant: a long dash that stands alone belongs to the word behind
 * it. */
static bool
read_words(struct paper *p, int argc, char *const *argv, struct err *err)
{
	for (int at = 1; at < argc;) {
		if (strncmp(argv[at], QUOTE_OPEN, MARK_LEN) == 0) {
			if (!join_quoted(p, argc, argv, &at, err))
				return false;
		} else if (strcmp(argv[at], EN_DASH) == 0 && at + 1 < argc) {
			add_made(p, text_printf("-%s", argv[at + 1]), at, at + 1);
			at += 2;
		} else {
			add_made(p, mem_text(argv[at]), at, at);
			at++;
		}
	}
	return true;
}

/* A word of dirca's line. */
static void
say(struct paper *p, char *word)
{
	char **longer = mem_zero((size_t)p->argc + 2, sizeof *longer);

	if (p->argc > 0)
		memcpy(longer, p->argv, (size_t)p->argc * sizeof *longer);
	free(p->argv);
	p->argv = longer;
	p->argv[p->argc++] = word;
}

static void
say_new(struct paper *p, char *word)
{
	say(p, add_made(p, word, 0, 0)->text);
}

/* ---- what the line says ---- */

static const struct command *
find_command(enum program program, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if ((program == EITHER || program == commands[i].program) &&
		    strcasecmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Which command the line has; it may stand anywhere. */
static bool
choose_command(struct paper *p, enum program program, const struct command **out, struct err *err)
{
	*out = NULL;
	for (size_t i = 0; i < p->word_count && strcmp(p->words[i].text, "--") != 0; i++) {
		const char *name = dashed(p->words[i].text);
		const struct option *option = name != NULL ? find_option(name) : NULL;
		const struct command *command =
		    name != NULL && option == NULL ? find_command(program, name) : NULL;

		if (option != NULL && option->is == OPTION_VALUE)
			i++;
		if (command != NULL && *out != NULL)
			return err_set(err, DIRCA_E_USAGE, "-%s and -%s: one command at a time",
			    (*out)->name, command->name);
		if (command != NULL)
			*out = command;
	}
	return *out != NULL || err_set(err, DIRCA_E_USAGE,
				   "none of the words is a command of %s that dirca has; `dirca "
				   "help` lists its own",
				   p->program);
}

struct reading {
	struct paper *p;
	const struct command *command;
	size_t at, count; /* of the caller's words */
	int arguments;    /* so far */
};

/* '*' leaves it to be asked. */
static void
add_password(struct paper *p, const char *option, const char *text, size_t len)
{
	if (len == 1 && *text == '*')
		return;
	p->passwords = mem_grow(p->passwords, p->password_count, sizeof *p->passwords);
	p->passwords[p->password_count++] = (struct paper_password){option, text, len};
}

/* One password, or several between commas, of which the last is that of the file to write; a single
 * one leaves that to be asked. */
static void
read_passwords(struct reading *r, const char *text)
{
	const struct command *c = r->command;
	const char *option = c->password, *comma;

	for (; c->last_password != NULL && (comma = strchr(text, ',')) != NULL; text = comma + 1) {
		add_password(r->p, c->password, text, (size_t)(comma - text));
		option = c->last_password;
	}
	add_password(r->p, option, text, strlen(text));
}

static bool
check_provider(const char *name, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(software_providers); i++)
		if (strcasecmp(software_providers[i], name) == 0)
			return true;
	return err_set(err, DIRCA_E_USAGE,
	    "-csp %s: dirca has no providers of Windows; keys are in files, and one on a smart "
	    "card "
	    "or token is named by its pkcs11: URI in place of the file",
	    name);
}

/* Chains are made of what is at hand: there is nothing to wait for. */
static bool
check_timeout(const char *text, struct err *err)
{
	int64_t ms;

	return text_to_int(text, 0, INT32_MAX, &ms) ||
	       err_set(err, DIRCA_E_USAGE, "-t %s: a number of milliseconds is expected", text);
}

static bool
read_attribute(struct paper *p, const char *text, struct err *err)
{
	static const char template[] = "CertificateTemplate:";

	if (strncasecmp(text, template, sizeof template - 1) != 0 || strchr(text, '\n') != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "-attrib %s: CertificateTemplate:NAME is the one attribute that dirca sends",
		    text);
	say_new(p, text_printf("--template=%s", text + sizeof template - 1));
	return true;
}

/* What an option's value is to the verb. */
static bool
read_value(struct reading *r, const struct option *o, struct paper_word *value, struct err *err)
{
	switch (o->takes) {
	case TAKES_PASSWORD:
		value->is_secret = true;
		read_passwords(r, value->text);
		return true;
	case TAKES_TIMEOUT:
		return check_timeout(value->text, err);
	case TAKES_PROVIDER:
		return check_provider(value->text, err);
	case TAKES_ATTRIBUTES:
		return read_attribute(r->p, value->text, err);
	case TAKES_CONFIG:
		if (strcmp(value->text, "-") == 0) /* the one that there is */
			return true;
		break;
	default:
		break;
	}
	say_new(r->p, text_printf("%s=%s", o->own, value->text));
	return true;
}

static void
read_flag(struct reading *r, const struct option *o)
{
	const struct command *c = r->command;
	const char *own = o->takes == TAKES_USER                            ? c->user
			  : o->takes == TAKES_VERBOSE && c->verbose != NULL ? c->verbose
									    : o->own;

	if (o->takes == TAKES_PRIVATE_KEY)
		r->p->note = "-privatekey: dirca shows no number of a private key; "
			     "--private-key=FILE says whether one is that of the message";
	if (own == NULL)
		return;
	say_new(r->p, mem_text(own));
	r->p->prints_file = r->p->prints_file || strcmp(own, "--script") == 0;
}

static bool
read_option(struct reading *r, const struct option *o, struct err *err)
{
	const struct command *c = r->command;

	if (o->reason != NULL)
		return err_set(err, DIRCA_E_USAGE, "-%s is not for dirca: %s", o->name, o->reason);
	if ((o->takes & (c->takes | TAKES_ALWAYS)) == 0)
		return err_set(err, DIRCA_E_USAGE,
		    "-%s takes no -%s here; `dirca %s --help` lists what it takes", c->name,
		    o->name, c->own);
	if (o->is == OPTION_FLAG) {
		read_flag(r, o);
		return true;
	}
	if (r->at == r->count)
		return err_set(err, DIRCA_E_USAGE, "-%s needs a value", o->name);
	return read_value(r, o, &r->p->words[r->at++], err);
}

static bool
check_setting(const struct command *c, const char *name, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(settings_elsewhere); i++)
		if (c->names_setting && strcasecmp(settings_elsewhere[i].name, name) == 0)
			return err_set(err, DIRCA_E_USAGE, "%s is no setting of dirca: %s",
			    settings_elsewhere[i].name, settings_elsewhere[i].where);
	return true;
}

static void
say_files(struct paper *p, const char *list)
{
	OWNED(own_memory) char *copy = mem_text(list);
	char *rest = copy, *file;

	while ((file = strsep(&rest, ",")) != NULL)
		say_new(p, mem_text(file));
}

static bool
read_argument(struct reading *r, char *text, struct err *err)
{
	const struct command *c = r->command;
	int n = r->arguments++;

	if (n == 0 && !check_setting(c, text, err))
		return false;
	r->p->prints_file = r->p->prints_file || strcmp(text, "-") == 0;
	for (size_t i = 0; i < WORDS_MAX && c->words[i].paper != NULL; i++)
		if (strcasecmp(c->words[i].paper, text) == 0) {
			if (c->words[i].own != NULL)
				say_new(r->p, mem_text(c->words[i].own));
			return true;
		}
	if (n == 0 && c->lists_files)
		say_files(r->p, text);
	else if (n < ARGUMENTS_NAMED && c->arguments[n] != NULL)
		say_new(r->p, text_printf("%s=%s", c->arguments[n], text));
	else
		say(r->p, text);
	return true;
}

static bool
read_word(struct reading *r, struct err *err)
{
	char *text = r->p->words[r->at++].text;
	const char *name = dashed(text);
	const struct option *option;

	if (name == NULL || *name == '\0') {
		if (strncmp(text, "--", 2) != 0)
			return read_argument(r, text, err);
		r->p->prints_file = r->p->prints_file || strcmp(text, "--json") == 0;
		say(r->p, text);
		return true;
	}
	if (find_command(EITHER, name) == r->command)
		return true;
	if ((option = find_option(name)) != NULL)
		return read_option(r, option, err);
	if (!r->command->is_flags)
		return err_set(err, DIRCA_E_USAGE,
		    "-%s: dirca has no such option of %s; its own have two dashes", name,
		    r->p->program);
	say_new(r->p, text_printf("-%s", name));
	return true;
}

static void
say_verb(struct paper *p, const char *own)
{
	OWNED(own_memory) char *words = mem_text(own);
	char *rest = words, *word;

	say_new(p, mem_text("dirca"));
	while ((word = strsep(&rest, " ")) != NULL)
		say_new(p, mem_text(word));
}

bool
paper_translate(int argc, char *const *argv, struct paper *out, struct err *err)
{
	enum program program = program_of(argv[0]);
	struct reading r = {.p = out};
	const char *first;

	*out = (struct paper){.program = program_names[program]};
	if (!read_words(out, argc, argv, err))
		return false;
	r.count = out->word_count;
	first = r.count > 0 ? out->words[0].text : "-?";
	if (strcmp(first, "--help") == 0 || strcmp(first, "-?") == 0) {
		say_verb(out, "--help");
		return true;
	}
	if (!choose_command(out, program, &r.command, err))
		return false;
	out->program = program_names[r.command->program];
	out->command = r.command->name;
	out->ends_itself = r.command->ends_itself;
	if (r.command->own == NULL)
		return err_set(err, DIRCA_E_USAGE, "-%s is not for dirca: %s", r.command->name,
		    r.command->reason);
	say_verb(out, r.command->own);
	while (r.at < r.count) {
		if (strcmp(out->words[r.at].text, "--") == 0)
			break;
		if (!read_word(&r, err))
			return false;
	}
	for (; r.at < r.count; r.at++)
		say(out, out->words[r.at].text);
	return true;
}

/* ---- passwords ---- */

/* A file that nobody else can name, kept in memory as long as the program runs. */
static bool
file_in_memory(struct view content, int *fd_out, struct err *err)
{
	OWNED(own_fd) int fd = memfd_create("password", MFD_CLOEXEC);
	void *pages;

	if (fd == -1 || !file_write_all(fd, content))
		return err_errno(err, DIRCA_E_IO, "a password");
	/* Mapped so that it can be locked; where that is not allowed it may be swapped, as the
	 * command line may that it was on. */
	pages = mmap(NULL, content.len + 1, PROT_READ, MAP_SHARED, fd, 0);
	if (pages != MAP_FAILED)
		(void)mlock(pages, content.len + 1);
	*fd_out = fd;
	fd = -1;
	return true;
}

static void
wipe_words(struct paper *p, char **argv)
{
	for (size_t i = 0; i < p->word_count; i++) {
		struct paper_word *w = &p->words[i];

		if (!w->is_secret)
			continue;
		OPENSSL_cleanse(w->text, strlen(w->text));
		for (int k = w->from; k <= w->to; k++)
			OPENSSL_cleanse(argv[k], strlen(argv[k]));
	}
}

bool
paper_pass(struct paper *p, char **argv, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < p->password_count; i++) {
		const struct paper_password *pass = &p->passwords[i];
		int fd = -1;

		ok = file_in_memory(view_of(pass->text, pass->len), &fd, err);
		if (ok)
			say_new(p, text_printf("%s=/dev/fd/%d", pass->option, fd));
	}
	wipe_words(p, argv);
	return ok;
}

void
paper_free(struct paper *p)
{
	for (size_t i = 0; i < p->word_count; i++) {
		OPENSSL_cleanse(p->words[i].text, strlen(p->words[i].text));
		free(p->words[i].text);
	}
	free(p->words);
	free(p->argv);
	free(p->passwords);
	*p = (struct paper){0};
}

/* ---- what is printed ---- */

/* Errors of Windows itself are told by their number there. */
#define FACILITY_WIN32 0x80070000u

void
paper_print_failed(const struct paper *p, const struct err *err)
{
	uint32_t code = (uint32_t)err->code;
	const char *who = p->program, *command = p->command != NULL ? p->command : "?";

	if ((code & 0xffff0000u) == FACILITY_WIN32)
		fprintf(stderr, "%s: -%s command FAILED: 0x%08x (WIN32: %u)\n", who, command, code,
		    code & 0xffffu);
	else
		fprintf(
		    stderr, "%s: -%s command FAILED: 0x%08x (%d)\n", who, command, code, (int)code);
	fprintf(stderr, "%s: %s\n", who, err->msg);
}

void
paper_print_end(const struct paper *p, enum cli_exit status)
{
	struct err err;

	if (p->command == NULL || p->ends_itself)
		return;
	if (status != CLI_OK) {
		err_set(&err, status == CLI_INCOMPLETE ? DIRCA_E_NETWORK : ERROR_INVALID_DATA, "%s",
		    status == CLI_INCOMPLETE ? "there may be more than was found"
					     : "what was looked at is not in order");
		paper_print_failed(p, &err);
	} else {
		fprintf(p->prints_file ? stderr : stdout,
		    "%s: -%s command completed successfully.\n", p->program, p->command);
	}
}
