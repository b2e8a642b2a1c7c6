#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "options.h"

/* The next of those that the verb takes; NULL: there is no other. */
static const struct option_row *
next_option(const struct verb *verb, size_t *at)
{
	while (*at < option_row_count)
		if (option_applies(&option_rows[(*at)++], verb))
			return &option_rows[*at - 1];
	return NULL;
}

/* In single quotes of all three shells; zsh's _describe splits at the colon. */
static void
print_quoted(const char *text, const char *quote, bool colons)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs(quote, stdout);
		else if (*text == ':' && colons)
			fputs("\\:", stdout);
		else
			putchar(*text);
	}
}

/* The table as an array, and one function that looks into it. */
static void
print_bash(const struct cli *cli)
{
	static const char script[] =
	    "_dirca()\n"
	    "{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} said='' verb='' known word i\n"
	    "\tCOMPREPLY=()\n"
	    "\tfor ((i = 1; i < COMP_CWORD && i < 4; i++)); do\n"
	    "\t\tsaid+=${said:+ }${COMP_WORDS[i]}\n"
	    "\t\t[[ -z ${_dirca_options[$said]+x} ]] || verb=$said\n"
	    "\tdone\n"
	    "\tif [[ -n $verb && $cur == -* ]]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"${_dirca_options[$verb]}\" -- \"$cur\")\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tfor known in \"${!_dirca_options[@]}\"; do\n"
	    "\t\t[[ $known == \"${said:+$said }$cur\"* ]] || continue\n"
	    "\t\tword=${known#\"${said:+$said }\"}\n"
	    "\t\tCOMPREPLY+=(\"${word%% *}\")\n"
	    "\tdone\n"
	    "\t((${#COMPREPLY[@]} == 0)) || mapfile -t COMPREPLY < <(printf '%s\\n' "
	    "\"${COMPREPLY[@]}\" | sort -u)\n"
	    "}\n"
	    "complete -o default -F _dirca dirca\n";

	printf("# Completion of dirca(1) for bash, made by `dirca --completion bash`.\n"
	       "declare -gA _dirca_options=(\n");
	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct option_row *option;

		printf("\t['%s']='", cli->verbs[i].name);
		for (size_t at = 0; (option = next_option(&cli->verbs[i], &at)) != NULL;)
			printf("--%s ", option->name);
		printf("'\n");
	}
	printf(")\n%s", script);
}

/* The same, with what each is for. */
static void
print_zsh(const struct cli *cli)
{
	static const char begin[] =
	    "#compdef dirca\n"
	    "# Completion of dirca(1) for zsh, made by `dirca --completion zsh`.\n"
	    "_dirca() {\n"
	    "\tlocal said='' verb='' known word\n"
	    "\tlocal -i i\n"
	    "\tlocal -a options found\n"
	    "\tlocal -A summary\n"
	    "\tsummary=(\n";
	static const char middle[] = "\t)\n"
				     "\tfor ((i = 2; i < CURRENT && i < 5; i++)); do\n"
				     "\t\tsaid+=${said:+ }${words[i]}\n"
				     "\t\t(( ! ${+summary[$said]} )) || verb=$said\n"
				     "\tdone\n"
				     "\tif [[ -n $verb && $PREFIX == -* ]]; then\n"
				     "\t\tcase $verb in\n";
	static const char end[] =
	    "\t\tesac\n"
	    "\t\t_describe option takes\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tfor known in ${(ok)summary}; do\n"
	    "\t\t[[ $known == \"${said:+$said }\"* ]] || continue\n"
	    "\t\tword=${known#\"${said:+$said }\"}\n"
	    "\t\t(( ! ${found[(I)${word%% *}:*]} )) || continue\n"
	    "\t\t[[ $word == *' '* ]] && found+=(\"${word%% *}:${word%% *} ...\") "
	    "|| found+=(\"$word:${summary[$known]}\")\n"
	    "\tdone\n"
	    "\tif (( $#found )); then _describe verb found; else _files; fi\n"
	    "}\n"
	    "_dirca \"$@\"\n";

	fputs(begin, stdout);
	for (size_t i = 0; i < cli->verb_count; i++) {
		printf("\t\t'%s' '", cli->verbs[i].name);
		print_quoted(cli->verbs[i].summary, "'\\''", true);
		puts("'");
	}
	fputs(middle, stdout);
	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct option_row *option;

		printf("\t\t'%s') takes=(", cli->verbs[i].name);
		for (size_t at = 0; (option = next_option(&cli->verbs[i], &at)) != NULL;) {
			printf(" '--%s:", option->name);
			print_quoted(option->help, "'\\''", true);
			putchar('\'');
		}
		puts(") ;;");
	}
	fputs(end, stdout);
}

static size_t
word_end(const char *name, size_t from)
{
	const char *space = strchr(name + from, ' ');

	return space != NULL ? (size_t)(space - name) : strlen(name);
}

/* Fish asks a condition for each word: what was said so far, or which verb it is. */
static void
print_fish(const struct cli *cli)
{
	static const char begin[] =
	    "# Completion of dirca(1) for fish, made by `dirca --completion fish`.\n"
	    "function __dirca_said\n"
	    "\tset -l words (commandline -opc)\n"
	    "\ttest \"$words[2..-1]\" = \"$argv\"\n"
	    "end\n"
	    "function __dirca_verb\n"
	    "\tset -l words (commandline -opc)\n"
	    "\tfor n in 4 3 2\n"
	    "\t\ttest (count $words) -ge $n; or continue\n"
	    "\t\tif contains -- \"$words[2..$n]\" $__dirca_verbs\n"
	    "\t\t\ttest \"$words[2..$n]\" = \"$argv\"\n"
	    "\t\t\treturn\n"
	    "\t\tend\n"
	    "\tend\n"
	    "\treturn 1\n"
	    "end\n"
	    "set -g __dirca_verbs";

	fputs(begin, stdout);
	for (size_t i = 0; i < cli->verb_count; i++)
		printf(" '%s'", cli->verbs[i].name);
	putchar('\n');
	for (size_t i = 0; i < cli->verb_count; i++) {
		const struct verb *v = &cli->verbs[i];
		const struct option_row *option;
		size_t first = 0, end;

		/* Each word of it after those before it. */
		for (; v->name[end = word_end(v->name, first)] != '\0'; first = end + 1)
			printf("complete -c dirca -f -n \"__dirca_said %.*s\" -a '%.*s'\n",
			    (int)first, v->name, (int)(end - first), v->name + first);
		printf("complete -c dirca -f -n \"__dirca_said %.*s\" -a '%s' -d '", (int)first,
		    v->name, v->name + first);
		print_quoted(v->summary, "\\'", false);
		puts("'");
		for (size_t at = 0; (option = next_option(v, &at)) != NULL;) {
			printf("complete -c dirca -n \"__dirca_verb %s\" -l %s", v->name,
			    option->name);
			if (option->letter != 0)
				printf(" -s %c", option->letter);
			printf("%s -d '", option->kind != FLAG ? " -r" : "");
			print_quoted(option->help, "\\'", false);
			puts("'");
		}
	}
}

bool
completion_print(const struct cli *cli, const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli *cli);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	for (size_t i = 0; i < COUNT_OF(shells); i++)
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(cli);
			return true;
		}
	fprintf(
	    stderr, "dirca: no completion for %s; there is one for bash, zsh and fish\n", shell);
	return false;
}
