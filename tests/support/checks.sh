# shellcheck shell=bash
# For test scripts: named checks that go on after a failure, and an honest last line.
#
#   checks_begin FOLDER         where outputs of the checks may be written
#   check NAME COMMAND...       the command succeeds
#   refuses CODE COMMAND...     the command fails, with this error code's name on stderr
#   says WORDS COMMAND...       the command succeeds, and these words are somewhere in what it says
#   is TEXT COMMAND...          it prints exactly that
#   fails_with STATUS COMMAND...
#   now_ms                      prints the time, in milliseconds
#   quiet_ms                    prints the time of a clock, in milliseconds, that stands while anybody on this machine waits for a processor
#                               or a disk: whoever is held to a time by it may be slow only by waiting for something else
#   soon MS COMMAND...          it succeeds at last: MS of quiet_ms after this at most, five times that on any clock, and before the CA would
#                               have looked by itself (25 of the 30 s of ca/service/housekeeper.c)
#   damage FILE OFFSET          the octet there (from the end, if negative) becomes another, whatever it was
#   checks_end                  prints the count; its status is 0 only if every check was good
#   checks_clean FOLDER         at the script's end: removes it; with KEEP=1 in the environment, or after a failure, says where it lies
#                               instead, with the last lines of dircad's log

checks_begin() {
	CHECKS_DIR=$1
	CHECKS_GOOD=0
	CHECKS_BAD=0
}

check() {
	local name=$1
	shift
	if "$@" >"$CHECKS_DIR/check.out" 2>&1; then
		echo "ok   $name"
		CHECKS_GOOD=$((CHECKS_GOOD + 1))
	else
		echo "FAIL $name"
		sed 's/^/     /' "$CHECKS_DIR/check.out" | head -40
		CHECKS_BAD=$((CHECKS_BAD + 1))
	fi
}

refuses() {
	local code=$1 text
	shift
	if text=$("$@" 2>&1); then
		echo "expected $code, but it succeeded: $text"
		return 1
	fi
	echo "$text"
	[[ $text == *"$code"* ]]
}

says() {
	local words=$1 text status=0
	shift
	text=$("$@" 2>&1) || status=$?
	echo "$text"
	[ $status -eq 0 ] && [[ $text == *"$words"* ]]
}

is() {
	local wanted=$1 got status=0
	shift
	got=$("$@") || status=$?
	[ $status -eq 0 ] && [ "$got" = "$wanted" ] && return
	echo "'$got' instead of '$wanted'"
	return 1
}

fails_with() {
	local wanted=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$wanted" ]
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# Where the kernel does not count who waits, nobody knows how busy the machine is, and the clock is a slow one.
quiet_ms() {
	local cpu io stolen
	{
		read -r _ _ _ _ cpu </proc/pressure/cpu && read -r _ _ _ _ io </proc/pressure/io && read -r _ _ _ _ _ _ _ _ stolen _ </proc/stat
	} 2>/dev/null || { echo $(($(now_ms) / 10)); return; }
	echo $(($(now_ms) - (${cpu#total=} + ${io#total=}) / 1000 - stolen * 10))
}

soon() {
	local most=$1 begun last
	last=$((SECONDS + (most > 5000 ? 25 : most / 200)))
	shift
	begun=$(quiet_ms)
	until "$@"; do
		if [ $(($(quiet_ms) - begun)) -gt "$most" ] || [ "$SECONDS" -gt "$last" ]; then
			echo "not after $most ms"
			return 1
		fi
		sleep 0.02
	done
}

damage() {
	local where=$2 octet
	[ "$where" -ge 0 ] || where=$(($(stat -c %s "$1") + where))
	octet=$(od -An -tu1 -j "$where" -N 1 "$1") || return 1
	# shellcheck disable=SC2059 # an octet
	printf "\\x$(printf %02x $((octet ^ 1)))" | dd of="$1" bs=1 seek="$where" conv=notrunc status=none
}

checks_end() {
	echo "$CHECKS_GOOD good, $CHECKS_BAD bad"
	[ "$CHECKS_BAD" -eq 0 ] && [ "$CHECKS_GOOD" -gt 0 ]
}

checks_clean() {
	if [ "${CHECKS_BAD:-0}" -eq 0 ] && [ "${KEEP:-0}" = 0 ]; then
		rm -rf "$1"
		return
	fi
	[ ! -f "$1/dircad.log" ] || tail -40 "$1/dircad.log"
	echo "kept: $1"
}
