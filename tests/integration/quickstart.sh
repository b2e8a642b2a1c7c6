#!/usr/bin/env bash
# ./quickstart tells the whole story without a question, leaves a folder to play in, and stops when it is told to.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
quickstart=$here/../../quickstart
export DIRCA_BIN=${DIRCA_BIN:-$here/../../build/dev/bin}

dir=$(mktemp -d /tmp/dirca-qs.XXXXXX)
mkdir "$dir/checks"
checks_begin "$dir/checks"
finish() {
	[ ! -x "$dir/demo/stop" ] || "$dir/demo/stop" >/dev/null 2>&1
	checks_clean "$dir"
}
trap finish EXIT

tells_the_story() {
	"$quickstart" --yes --dir "$dir/demo" </dev/null >"$dir/output" 2>&1 || { tail -30 "$dir/output"; return 1; }
}

is_quick() {
	[ "$took" -lt 60 ]
}

says_what_it_does() {
	local sought
	for sought in 'dirca enroll KeyRecoveryAgent' 'dirca approve' 'dirca kra publish' "dirca kra count -c" \
		'dirca enroll EFSArchive' 'dirca getkey user1@nwtraders.com' "dirca getkey 'NWTRADERS\\user1'" "dirca getkey 'user1'" \
		'dirca recoverkey' 'The quarterly figures of Northwind Traders' "$dir/demo/stop" "$dir/demo/env"; do
		grep -qF -- "$sought" "$dir/output" || { echo "not said: $sought"; return 1; }
	done
}

has_no_colours_in_a_file() {
	! grep -q $'\e' "$dir/output"
}

folder_is_for_playing() {
	(
		# shellcheck disable=SC1091 # written by ./quickstart
		. "$dir/demo/env" && cd "$dir/demo/play" &&
			as user2 dirca enroll UserArchive --out user2.pfx --out-password-file password &&
			as officer2 dirca getkey user2@nwtraders.com user2.rec
	)
}

# The processes of the folder, by its name on their command lines.
processes() {
	local pid
	for pid in /proc/[0-9]*; do
		case $(tr '\0' ' ' <"$pid/cmdline" 2>/dev/null) in
		*slapd*"$dir/demo"* | *dircad*"$dir/demo"*) echo "${pid#/proc/}" ;;
		esac
	done
}

runs_before_the_stop() {
	[ "$(processes | wc -l)" -eq 4 ]
}

stops() {
	"$dir/demo/stop" && processes && [ -z "$(processes)" ] && [ -d "$dir/demo/play" ]
}

stop_twice_is_harmless() {
	"$dir/demo/stop"
}

refuses_a_used_folder() {
	! "$quickstart" --dir "$dir/demo" >"$dir/second" 2>&1 && grep -q 'not empty' "$dir/second"
}

helps() {
	"$quickstart" --help | grep -q '^usage: ./quickstart'
}

refuses_unknown_options() {
	"$quickstart" --frobnicate >/dev/null 2>&1
	[ $? -eq 2 ]
}

check "--help" helps
check "an unknown option is a usage error" refuses_unknown_options
check "it tells the story" tells_the_story
times >"$dir/times" # of this shell and of what has ended in it: processor seconds, for the machine may have other work
took=$(awk -F '[ms ]+' 'NR == 2 {print int(60 * $1 + $2 + 60 * $3 + $4)}' "$dir/times")
check "in less than 60 s ($took s)" is_quick
check "each command is said" says_what_it_does
check "no colours where no terminal is" has_no_colours_in_a_file
check "slapd, dircad and its two children run" runs_before_the_stop
check "one can play in the folder" folder_is_for_playing
check "a used folder is refused" refuses_a_used_folder
check "it stops, and the folder stays" stops
check "stopping twice is harmless" stop_twice_is_harmless
checks_end
