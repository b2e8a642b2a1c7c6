#!/usr/bin/env bash
# A tree of 2,000 users and 300 groups, of the shape that tests/bench measures: user1 is in 200 of the groups through 20 levels that
# end in a circle. Exactly the right SIDs are found. usage: group_tree.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
DIRCA_BIN=${DIRCA_BIN:-$here/../../build/dev/bin}
# shellcheck source-path=SCRIPTDIR source=../support/lab.sh
. "$here/../support/lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-tree.XXXXXX)
finish() {
	lab_slapd_stop "$dir/lab"
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

shape=(--users 2000 --groups 300 --heavy 200)
sid=S-1-5-21-3330634377-1326264276-632209373

# groups USER: the SIDs of groups of the tree, which have RIDs of seven digits.
groups() {
	"$DIRCA_BIN/bench_groups" --user "$1" --sids | grep -- "^$sid-[0-9]\{7\}$" | sort
}

same_as_expected() {
	diff <(groups user1) <("$here/../bench/big_tree" "${shape[@]}" --expect | sort)
}

# Neither the distribution group nor the one behind it.
without_distribution_groups() {
	[ "$(groups user1 | wc -l)" -eq 200 ] && ! groups user1 | grep -qE -- '-1000(200|201)$'
}

demo_groups_too() {
	local rid
	for rid in 513 1101 1205 1207; do
		"$DIRCA_BIN/bench_groups" --user user1 --sids | grep -qx -- "$sid-$rid" || return 1
	done
}

# Users of the chains: u000123 is in group 12 of the first chain and those above it, the last of which is the 20th.
chains_end() {
	[ "$(groups u000123 | wc -l)" -eq 8 ]
}

change() {
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI"
}

# With the circle opened the same groups are found: it added nothing, and nothing hung on it.
open_circle() {
	printf 'dn: CN=g00000,OU=Big,%s\nchangetype: modify\ndelete: member\nmember: CN=g00199,OU=Big,%s\n' \
		"$LAB_BASE_DN" "$LAB_BASE_DN" | change
}

# Without its first level, user1 is in none of the rest.
leave_first_level() {
	local i
	for ((i = 0; i < 10; i++)); do
		printf 'dn: CN=g0000%d,OU=Big,%s\nchangetype: modify\ndelete: member\nmember: CN=user1,CN=Users,%s\n' "$i" \
			"$LAB_BASE_DN" "$LAB_BASE_DN"
		printf -- '-\nadd: member\nmember: CN=user2,CN=Users,%s\n\n' "$LAB_BASE_DN"
	done | change
}

"$here/../bench/big_tree" "${shape[@]}" >"$dir/tree.ldif"
export LAB_MORE_LDIF=$dir/tree.ldif
check "a slapd with the tree" lab_slapd_start "$dir/lab"
check "all groups of all levels are found" same_as_expected
check "without distribution groups" without_distribution_groups
check "and those of the demo tree" demo_groups_too
check "a chain is followed to its end" chains_end
check "the circle is opened" open_circle
check "and the same groups are found" same_as_expected
check "user1 leaves the first level" leave_first_level
check "and all groups with it" test -z "$(groups user1)"
check "which user2 is in now" test "$(groups user2 | wc -l)" -eq 200
checks_end
