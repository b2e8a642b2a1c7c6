/* The paper's spelling: what each line is in dirca's words, and what is refused with which reason.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "mem.h"
#include "own.h"
#include "paper.h"
#include "plain.h"
#include "text.h"

#define MOST 40

/* Splits at '|' (words may hold blanks). */
static int
split(char *text, char *argv[MOST + 1])
{
	int argc = 0;
	char *word;

	while (argc < MOST && (word = strsep(&text, "|")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static char *
join(char *const *argv)
{
	char *all = mem_text("");

	for (size_t i = 0; argv[i] != NULL; i++)
		text_list_add(&all, "|", argv[i]);
	return all;
}

struct row {
	const char *line, *wanted;
};

/* What stands in the paper itself is run by tests/integration/paper.sh. */
static const struct row rows[] = {
    {"dirca|-getkey|user1", "dirca|getkey|user1"},
    {"certutil|-GETKEY|user1|out", "dirca|getkey|user1|out"},
    {"/usr/libexec/dirca/CertUtil.exe|-getkey|user1", "dirca|getkey|user1"},
    {"certutil|-config|ca1.nwtraders.com\\CA 1|-getkey|x",
	"dirca|getkey|--ca=ca1.nwtraders.com\\CA 1|x"},
    {"certutil|-getkey|x|out|-Config|H\\C", "dirca|getkey|x|out|--ca=H\\C"},
    {"certutil|-config|-|-getkey|x", "dirca|getkey|x"},
    {"certutil|\xe2\x80\x93getkey|1464be10000000000007|outputblob",
	"dirca|getkey|1464be10000000000007|outputblob"},
    {"certutil|\xe2\x80\x93"
     "csp|\xe2\x80\x9cMicrosoft|Software|Key|Storage|Provider\xe2\x80\x9d|"
     "\xe2\x80\x93recoverkey|outputblob|user.pfx",
	"dirca|recoverkey|outputblob|user.pfx"},
    {"certutil|\xe2\x80\x93getkey|\xe2\x80\x9c"
     "cn of user\xe2\x80\x9d|out",
	"dirca|getkey|cn of user|out"},
    {"certutil|\xe2\x80\x93"
     "DS|\xe2\x80\x93|v",
	"dirca|ds|--verbose"},
    {"dirca|-f|-recoverkey|a|b", "dirca|recoverkey|--force|a|b"},
    {"certutil|-recoverkey|-user|a|b|--kra=k.pfx", "dirca|recoverkey|a|b|--kra=k.pfx"},
    {"certutil|-t|1000|-recoverkey|a|b", "dirca|recoverkey|a|b"},
    {"certutil|-p|*|-recoverkey|a|b", "dirca|recoverkey|a|b"},
    {"certutil|-p|*,*|-mergepfx|a,b|c", "dirca|mergepfx|a|b|c"},
    {"certutil|-mergepfx|-t|1000|a,b|c", "dirca|mergepfx|a|b|c"},
    {"certutil|-t|1000|-importpfx|a", "dirca|importpfx|a"},
    {"certutil|-exportpfx|-t|1000|a|b", "dirca|exportpfx|a|b"},
    {"certutil|-t|1000|-verifykeys|a", "dirca|verifykeys|a"},
    {"certutil|-recoverkey|a|-", "dirca|recoverkey|a|-"},
    {"certutil|\xe2\x80\x93setreg|ca\\CRLFlags|+CRLF_USE_XCHG_CERT_TEMPLATE",
	"dirca|setreg|ca\\CRLFlags|+CRLF_USE_XCHG_CERT_TEMPLATE"},
    {"certutil|-setreg|ca\\KRAFlags|-KRAF_ENABLEFOREIGN",
	"dirca|setreg|ca\\KRAFlags|-KRAF_ENABLEFOREIGN"},
    {"certutil|-setreg|CA\\EncryptionCSP\\SymmetricKeySize|256",
	"dirca|setreg|CA\\EncryptionCSP\\SymmetricKeySize|256"},
    {"certutil|-CRL", "dirca|crl"},
    {"certutil|-crl|DELTA", "dirca|crl|--delta"},
    {"certutil|-revoke|1464be10000000000007|1", "dirca|revoke|1464be10000000000007|--reason=1"},
    {"certutil|-ping|-gmt|-seconds", "dirca|ca|status|--utc"},
    {"certutil|-CATemplates", "dirca|template|list"},
    {"certutil|-view|Queue", "dirca|requests|--disposition=pending"},
    {"certreq|-submit|-attrib|certificatetemplate:User|a.req|a.cer",
	"dirca|submit|--template=User|a.req|a.cer"},
    {"dirca|-submit|a.req", "dirca|submit|a.req"},
    {"CertUtil|-MergePFX|-user|a.p12,b.p12|user1.p12", "dirca|mergepfx|a.p12|b.p12|user1.p12"},
    {"certutil|\xe2\x80\x93user|\xe2\x80\x93importPFX|user.pfx", "dirca|importpfx|--user|user.pfx"},
    {"certutil|-CSP|Microsoft Software Key Storage Provider|-importPFX|my|user.pfx",
	"dirca|importpfx|user.pfx"},
    {"certutil|-verifykeys", "dirca|verifykeys"},
    {"certutil|-exportpfx|-user|MY|a27f77aa|user.pfx", "dirca|exportpfx|--user|a27f77aa|user.pfx"},
    {"dirca|-f|-importKMS|F", "dirca|importkms|--force|F"},
    {"certutil|-importkms|-config|H\\C|F", "dirca|importkms|--ca=H\\C|F"},
    {"certutil|-privatekey|-dump|a.req", "dirca|dump|a.req"},
    {"certutil|-verifykeys|user.pfx", "dirca|verifykeys|user.pfx"},
    {"certutil|-f|-mergepfx|a.p12|b.p12", "dirca|mergepfx|--force|a.p12|b.p12"},
    {"certutil|-dump|--|-f", "dirca|dump|--|-f"},
    {"certutil|-dump|--type|request|a", "dirca|dump|--type|request|a"},
    {"certutil", "dirca|--help"},
    {"certreq|--help", "dirca|--help"},
};

static void
each_line_has_its_own_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory) char *text = mem_text(rows[i].line);
		OWNED(paper_free) struct paper p = {0};
		char *argv[MOST + 1];
		int argc = split(text, argv);
		struct err err;

		assert_true(paper_is(argc, argv));
		if (!paper_translate(argc, argv, &p, &err))
			fail_msg("%s: %s", rows[i].line, err.msg);
		OWNED(own_memory) char *got = join(p.argv);

		assert_string_equal(got, rows[i].wanted);
		assert_int_equal(p.password_count, 0);
	}
}

static void
which_a_verb_takes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED(own_memory) char *text = mem_text(rows[i].line);
		OWNED(paper_free) struct paper p = {0};
		struct cli cli = {.verbs = verbs, .verb_count = verb_count};
		char *argv[MOST + 1];
		int argc = split(text, argv);
		enum cli_exit status = CLI_OK;
		struct err err;

		assert_true(paper_translate(argc, argv, &p, &err));
		if (p.command == NULL)
			continue;
		if (!cli_parse(p.argc, p.argv, &cli, &status))
			fail_msg("%s: no verb takes what it is translated to", rows[i].line);
	}
}

/* Each is refused, with these words. */
static const struct row refused[] = {
    {"certutil|-getkey|x|-cast|64", "CAST is for *.epf files"},
    {"certutil|-cast|64|-recoverkey|a|b", "CAST is for *.epf files"},
    {"certutil|-ConvertEPF|a.pfx|b.epf", "-ConvertEPF is not for dirca: the format of *.epf"},
    {"certutil|-silent|-recoverkey|a|b", "no windows to suppress"},
    {"certutil|-store|KRA", "no key stores of Windows"},
    {"certutil|-enterprise|-viewstore|NTAuth", "no key stores of Windows"},
    {"certutil|-csp|Microsoft Base Smart Card Crypto Provider|-recoverkey|a|b", "pkcs11: URI"},
    {"certutil|-csp|Somebody's CSP|-recoverkey|a|b", "-csp Somebody's CSP: dirca has no providers"},
    {"certutil|-csp|Microsoft Software Key Storage Provider|-getkey|a", "-GetKey takes no -csp"},
    {"certutil|-setreg|ca\\RoleSeparationEnabled|1", "role_separation of dircad.conf"},
    {"certutil|-t|soon|-recoverkey|a|b", "-t soon: a number of milliseconds"},
    {"certutil|-t|100|-getkey|a", "-GetKey takes no -t"},
    {"certutil|-resubmit|7", "`dirca approve`"},
    {"certutil|-view|-restrict|Disposition=20", "`dirca requests --where"},
    {"certutil|-silent|-importkms|F", "no windows to suppress"},
    {"certutil|-privatekey|-getkey|x", "-GetKey takes no -privatekey"},
    {"certutil|-f|-getkey|x|y", "-GetKey takes no -f"},
    {"certutil|-getkey|x|-crl", "one command at a time"},
    {"certutil|-getkey|x|-nonsense", "-nonsense: dirca has no such option of CertUtil"},
    {"certutil|-getkey|x|-CRLF_X", "no such option"},
    {"certutil|-nonsense|x", "none of the words is a command of CertUtil"},
    {"certutil|-submit|x", "none of the words is a command of CertUtil"},
    {"certreq|-getkey|x", "none of the words is a command of CertReq"},
    {"certutil|getkey|x", "none of the words is a command"},
    {"certutil|--|-getkey|x", "none of the words is a command"},
    {"certutil|-getkey|x|-config", "-config needs a value"},
    {"certutil|-config|-getkey|x", "none of the words is a command"},
    {"certutil|-getkey|\xe2\x80\x9c"
     "cn of user",
	"the quotes before cn of user do not end"},
    {"certreq|-submit|-attrib|SAN:dns=x|a", "-attrib SAN:dns=x"},
    {"certreq|-submit|-attrib|CertificateTemplate:User\nSAN:dns=x|a", "is the one attribute"},
};

static void
what_dirca_has_not_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		OWNED(own_memory) char *text = mem_text(refused[i].line);
		OWNED(paper_free) struct paper p = {0};
		char *argv[MOST + 1];
		int argc = split(text, argv);
		struct err err;

		if (paper_translate(argc, argv, &p, &err))
			fail_msg("%s: taken", refused[i].line);
		assert_int_equal(err.code, DIRCA_E_USAGE);
		if (strstr(err.msg, refused[i].wanted) == NULL)
			fail_msg("%s: %s", refused[i].line, err.msg);
	}
}

static void
other_lines_are_dircas(void **state)
{
	static const char *const lines[] = {"dirca", "dirca|getkey|-U|user1|x", "dirca|--help",
	    "dirca|-h", "dirca|--version", "dirca|-", "dirca|dump|-v|x", "/bin/dirca|getkey|x"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		OWNED(own_memory) char *text = mem_text(lines[i]);
		char *argv[MOST + 1];
		int argc = split(text, argv);

		assert_false(paper_is(argc, argv));
	}
	assert_false(paper_is(0, NULL));
}

static void
what_a_program_reads_is_left_alone(void **state)
{
	static const struct {
		const char *line;
		bool file;
	} outputs[] = {{"certutil|-getkey|x|out", false}, {"certutil|-recoverkey|x|-", true},
	    {"certutil|-getkey|x|--json", true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(outputs); i++) {
		OWNED(own_memory) char *text = mem_text(outputs[i].line);
		OWNED(paper_free) struct paper p = {0};
		char *argv[MOST + 1];
		int argc = split(text, argv);
		struct err err;

		assert_true(paper_translate(argc, argv, &p, &err));
		assert_int_equal(p.prints_file, outputs[i].file);
	}
}

/* The password is the file's, whole, as often as it is read; and the caller's word holds it no
 * more. */
static void
a_password_leaves_the_line(void **state)
{
	char text[] = "certutil|-p|UQcYLsJ(57s]FuBl,x|-recoverkey|-user|a.rec|a.p12";
	char *argv[MOST + 1];
	int argc = split(text, argv);
	OWNED(paper_free) struct paper p = {0};
	struct err err;

	(void)state;
	assert_true(paper_translate(argc, argv, &p, &err));
	assert_true(paper_pass(&p, argv, &err));
	assert_int_equal(strncmp(p.argv[4], "--out-password-file=/dev/fd/", 28), 0);
	for (int i = 0; i < 2; i++) {
		OWNED(secret_free) struct secret got = {0};

		assert_true(secret_read_file(strchr(p.argv[4], '=') + 1, &got, &err));
		assert_int_equal(got.len, strlen("UQcYLsJ(57s]FuBl,x"));
		assert_memory_equal(got.ptr, "UQcYLsJ(57s]FuBl,x", got.len);
	}
	for (size_t i = 0; i + 1 < sizeof text; i++)
		assert_false(strncmp(text + i, "UQc", 3) == 0 || strncmp(text + i, "FuBl", 4) == 0);
	assert_string_equal(argv[2], "");
	for (int i = 0; i < p.argc; i++)
		assert_null(strstr(p.argv[i], "UQc"));
}

/* "in,out", more of the first, the last left to be asked, and one alone, which is of the input. */
static void
a_list_of_passwords_ends_with_that_of_the_output(void **state)
{
	static const struct {
		const char *list, *texts[3];
		size_t in; /* how many are the inputs' */
	} lists[] = {
	    {"a,b", {"a", "b", NULL}, 1},
	    {"a,b,c", {"a", "b", "c"}, 2},
	    {"a,b,*", {"a", "b", NULL}, 2},
	    {"a", {"a", NULL, NULL}, 1},
	    {"a,", {"a", "", NULL}, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		OWNED(own_memory)
		char *line = text_printf("certutil|-p|%s|-MergePFX|x,y|z", lists[i].list);
		OWNED(paper_free) struct paper p = {0};
		char *argv[MOST + 1];
		int argc = split(line, argv);
		struct err err;
		size_t k = 0;

		assert_true(paper_translate(argc, argv, &p, &err));
		for (; k < p.password_count; k++) {
			const struct paper_password *w = &p.passwords[k];

			assert_non_null(lists[i].texts[k]);
			assert_int_equal(w->len, strlen(lists[i].texts[k]));
			assert_memory_equal(w->text, lists[i].texts[k], w->len);
			assert_string_equal(
			    w->option, k < lists[i].in ? "--password-file" : "--out-password-file");
		}
		assert_true(k == 3 || lists[i].texts[k] == NULL);
	}
}

static void
failures_look_as_in_the_paper(void **state)
{
	static const struct {
		enum err_code code;
		const char *wanted;
	} codes[] = {
	    {TYPE_E_AMBIGUOUSNAME, "CertUtil: -GetKey command FAILED: 0x8002802c (-2147319764)\n"
				   "CertUtil: Ambiguous name.\n"},
	    {CRYPT_E_NOT_FOUND, "CertUtil: -GetKey command FAILED: 0x80092004 (-2146885628)\n"
				"CertUtil: Ambiguous name.\n"},
	    {E_INVALIDARG, "CertUtil: -GetKey command FAILED: 0x80070057 (WIN32: 87)\n"
			   "CertUtil: Ambiguous name.\n"},
	};
	const struct paper p = {.program = "CertUtil", .command = "GetKey"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		char got[256] = "";
		struct err err = {.code = codes[i].code, .msg = "Ambiguous name."};
		int kept = dup(STDERR_FILENO), pipes[2];

		assert_int_equal(pipe(pipes), 0);
		dup2(pipes[1], STDERR_FILENO);
		paper_print_failed(&p, &err);
		dup2(kept, STDERR_FILENO);
		assert_true(read(pipes[0], got, sizeof got - 1) > 0);
		assert_string_equal(got, codes[i].wanted);
		close(kept);
		close(pipes[0]);
		close(pipes[1]);
	}
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(65536, true, &err) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_has_its_own_words),
	    cmocka_unit_test(which_a_verb_takes),
	    cmocka_unit_test(what_dirca_has_not_is_refused_by_name),
	    cmocka_unit_test(other_lines_are_dircas),
	    cmocka_unit_test(what_a_program_reads_is_left_alone),
	    cmocka_unit_test(a_password_leaves_the_line),
	    cmocka_unit_test(a_list_of_passwords_ends_with_that_of_the_output),
	    cmocka_unit_test(failures_look_as_in_the_paper),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
