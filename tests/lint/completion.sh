#!/usr/bin/env bash
# bash completes each verb and each of its options, and nothing else. usage: completion.sh DIRCA COMPLETION
set -u
dirca=$1
# shellcheck disable=SC1090 # made by the build
. "$2" || exit 1
bad=0 verbs=0 options=0

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
	verbs=$((verbs + 1))
	options=$((options + $(wc -l <<<"$wanted")))
done < <("$dirca" --help | sed -nE 's/^  (([a-z][a-z-]*)( [a-z][a-z-]*)*)( [A-Z[].*|  .*)$/\1/p')
differ "no verb" "" "$(completed nothing '')"
if [ "$verbs" -lt 50 ] || [ "$options" -lt 500 ]; then
	echo "only $verbs verbs and $options options were looked at"
	bad=1
fi
echo "$verbs verbs, $options options"
exit $bad
