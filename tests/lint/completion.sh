#!/usr/bin/env bash
# bash, zsh and fish complete each verb and each of its options, and nothing else. usage: completion.sh DIRCA FOLDER-OF-COMPLETIONS
# shellcheck disable=SC2016,SC2317 # other shells' programs, called by their names
set -u
dirca=$1 made=$2
# shellcheck disable=SC1091 # made by the build
. "$made/dirca.bash" || exit 1
bad=0 verbs=0 options=0
all=$(mktemp) && trap 'rm -rf "$all" "$all".*' EXIT

# completed WORD...: what the last word, a beginning, may become
completed() {
	COMP_WORDS=(dirca "$@")
	COMP_CWORD=$#
	_dirca
	printf '%s\n' "${COMPREPLY[@]}"
}
differ() { # NAME WANTED GOT
	[ "$2" != "$3" ] || return 0
	printf '%s: completed to\n%s\ninstead of\n%s\n' "$1" "$3" "$2"
	bad=1
}

while IFS= read -r verb; do
	read -ra words <<<"$verb"
	last=${words[-1]}
	[[ $'\n'$(completed "${words[@]:0:${#words[@]}-1}" "${last:0:1}")$'\n' == *$'\n'"$last"$'\n'* ]] || { echo "$verb: not completed" && bad=1; }
	wanted=$("$dirca" "${words[@]}" --help | sed -nE 's/^  (-.,|   )? *--([a-z0-9-]+).*/--\2/p' | sort)
	differ "$verb" "$wanted" "$(completed "${words[@]}" -- | sort)"
	printf '%s\t%s\n' "$verb" "${wanted//$'\n'/ }" >>"$all"
	verbs=$((verbs + 1))
	options=$((options + $(wc -l <<<"$wanted")))
done < <("$dirca" --help | sed -nE 's/^  (([a-z][a-z-]*)( [a-z][a-z-]*)*)( [A-Z[].*|  .*)$/\1/p')
differ "no verb" "" "$(completed nothing '')"

# Each prints what that shell completes, a line a verb: the verb, if its last word came from its first letter, and its long options.
in_zsh() {
	zsh -f -c '
		fpath=("$1" $fpath)
		autoload -Uz compinit && compinit -u -d "$2.dump" && [[ $_comps[dirca] == _dirca ]] || exit 1
		_describe() { print -rl -- ${${(P)2}%%:*} }
		_files() { }
		while IFS=$'\''\t'\'' read -r verb wanted; do
			words=(dirca ${=verb})
			CURRENT=$#words PREFIX=${words[-1][1]}
			(( ${${(f)"$(_dirca)"}[(Ie)${words[-1]}]} )) || print -r -- "$verb is not completed"
			words+=(--)
			CURRENT=$#words PREFIX=--
			offered=(${(o)${(f)"$(_dirca)"}})
			print -r -- "$verb	${(j: :)offered}"
		done <"$2"' zsh "$all.d" "$all"
}
in_fish() {
	fish --no-config -c '
		source $argv[1]
		while read -d \t verb wanted
			set -l words (string split " " -- $verb)
			# What may follow is asked once for the words before it: fish takes 40 ms to say so.
			set -l before (string join " " -- $words[1..-2])
			set -l kept offered_(string escape --style=var -- "$before")
			set -q $kept; or set -g $kept (complete -C (string join " " -- dirca $words[1..-2] "") | string split -f 1 \t)
			contains -- $words[-1] $$kept
			or echo "$verb is not completed"
			printf "%s\t%s\n" $verb (complete -C "dirca $verb --" | string split -f 1 \t | string join " ")
		end <$argv[2]' "$made/dirca.fish" "$all"
}
mkdir "$all.d" && cp "$made/dirca.zsh" "$all.d/_dirca"
# One order of the options, and of the lines.
in_order() { perl -F'\t' -lane 'print $F[0] . (@F > 1 ? "\t" . join " ", sort split / /, $F[1] : "")' | sort; }
in_order <"$all" >"$all.sorted"
for shell in zsh fish; do
	if ! command -v $shell >/dev/null; then
		echo "SKIPPED: $shell is not here"
	elif ! "in_$shell" | in_order >"$all.$shell" || ! diff "$all.sorted" "$all.$shell" >"$all.diff"; then
		grep "^[<>]" "$all.diff" | sort -k2 | head
		echo "$shell completes something else"
		bad=1
	fi
done
if [ "$verbs" -lt 50 ] || [ "$options" -lt 500 ]; then
	echo "only $verbs verbs and $options options were looked at"
	bad=1
fi
echo "$verbs verbs, $options options"
exit $bad
