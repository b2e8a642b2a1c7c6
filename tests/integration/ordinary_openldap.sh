#!/usr/bin/env bash
# An ordinary OpenLDAP (tests/support/plain_slapd.sh) becomes one that dirca works with: `dirca directory init` by two accounts,
# `dirca directory adopt`.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/plain_slapd.sh
. "$here/../support/plain_slapd.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-plain.XXXXXX)
checks_begin "$dir"
trap 'lab_slapd_stop "$dir"; checks_clean "$dir"' EXIT
export HOME=$dir # nobody's dirca.conf

# As whoever runs slapd, by EXTERNAL; as the tree's administrator, who has root's help over the socket.
root() {
	"$DIRCA_BIN/dirca" "$@" -H "$LDAPI_URI" -Y EXTERNAL
}
admin() {
	"$DIRCA_BIN/dirca" "$@" -H "$LDAPI_URI" "${PLAIN_ADMIN[@]}"
}
ldap_admin() {
	local tool=$1
	shift
	"$tool" -x -H "$LDAPI_URI" "${PLAIN_ADMIN[@]}" "$@"
}
found() {
	ldap_admin ldapsearch -LLL -o ldif-wrap=no -b "$PLAIN_SUFFIX" "$@"
}

# slapd need not outlive a power cut.
start() {
	plain_slapd_start "$dir" && ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" <<-END
		dn: olcDatabase={1}mdb,cn=config
		changetype: modify
		replace: olcDbNoSync
		olcDbNoSync: TRUE
	END
}

root_is_told_of_the_other_account() {
	local out
	out=$(root directory init --ldif "$LAB_LDIF" 2>&1) && { echo "it succeeded: $out"; return 1; }
	echo "$out"
	grep -q '^added  schema dirca-principals' <<<"$out" && grep -q -- "-D 'cn=admin,$PLAIN_SUFFIX'" <<<"$out" && grep -q DIRCA_E_DIRECTORY <<<"$out"
}

init_by_both() {
	admin directory init --templates --ldif "$LAB_LDIF" && is "Nothing is missing." admin directory init --templates --ldif "$LAB_LDIF" &&
		found -s base nextRid objectClass objectSid | grep '^objectSid:: '
}

# What is printed is what ldapmodify takes; the first half of it alone, as if it had been interrupted, is gone on with.
plan_is_ldif() {
	local sids
	admin directory adopt -n >"$dir/plan.ldif" && cat "$dir/plan.ldif" && grep -q '^# objectSid: S-1-5-21-.*-1100$' "$dir/plan.ldif" &&
		awk -v RS= -v ORS='\n\n' 'NR <= 5' "$dir/plan.ldif" >"$dir/half.ldif" && ldap_admin ldapmodify -f "$dir/half.ldif" || return 1
	admin directory adopt --json >"$dir/adopt.json" && cat "$dir/adopt.json" &&
		jq -e '.people == 5 and .groups == 3 and .changed == 4 and (.refused | length == 0)' "$dir/adopt.json" || return 1
	sids=$(found objectSid | grep -c '^objectSid::') && [ "$sids" -eq 9 ] && found userPrincipalName | grep -qx 'userPrincipalName: alice@acme.example' &&
		[ -z "$(admin directory adopt -n)" ]
}

no_sid_is_given_twice() {
	local counts
	counts=$(found objectSid | sed -n 's/^objectSid:: //p' | sort | uniq -c | awk '{print $1}' | sort -u) && [ "$counts" = 1 ]
}

# A person who is gone leaves no SID to somebody else.
deleted_sids_stay_unused() {
	local old new
	old=$(found '(uid=carol)' objectSid | grep '^objectSid') && ldap_admin ldapdelete "uid=carol,ou=People,$PLAIN_SUFFIX" &&
		plain_person carol 10005 | ldap_admin ldapadd && admin directory adopt && new=$(found '(uid=carol)' objectSid | grep '^objectSid') &&
		[ "$old" != "$new" ]
}

# Whoever is in the way is named, and nobody of the two gets anything; the others do.
clashes_are_refused_by_name() {
	local out status=0
	{
		plain_person twin1 30000
		plain_person twin2 30000
		plain_person single 30001
	} | ldap_admin ldapadd || return 1
	out=$(admin directory adopt --from-ids 2>&1) || status=$?
	echo "$out"
	[ "$status" -eq 4 ] && grep -q "^uid=twin1,.*uidNumber is that of uid=twin2," <<<"$out" &&
		grep -q "^uid=twin2,.*uidNumber is that of uid=twin1," <<<"$out" &&
		[ "$(found '(&(uid=twin*)(objectSid=*))' dn)" = "" ] && found '(&(uid=single)(objectSid=*))' dn | grep -q single
}

# More than a page. Whoever may not read them all is refused: root is held to the server's 500.
many() {
	plain_slapd_people "$dir" 1100 && refuses DIRCA_E_DIRECTORY root directory adopt -n || return 1
	admin directory adopt --base "ou=People,$PLAIN_SUFFIX" --filter '(uid=u*)' --upn mail --json >"$dir/adopt.json" && cat "$dir/adopt.json" &&
		jq -e '.people == 1100 and .changed == 1100' "$dir/adopt.json" && no_sid_is_given_twice &&
		found '(uid=u1100)' userPrincipalName | grep -qx 'userPrincipalName: u1100@acme.example'
}

check "an ordinary OpenLDAP" start
[ "$CHECKS_BAD" -eq 0 ] || exit 1
check "root alone is told of the tree's account" root_is_told_of_the_other_account
check "both accounts make schema, tree and templates" init_by_both
check "the plan is LDIF, and gone on with" plan_is_ldif
check "no SID is given twice" no_sid_is_given_twice
check "the SID of a deleted account is not given again" deleted_sids_stay_unused
check "clashes are refused by name" clashes_are_refused_by_name
check "more than a page of people" many
checks_end
