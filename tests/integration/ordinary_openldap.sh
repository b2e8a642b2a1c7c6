#!/usr/bin/env bash
# An ordinary OpenLDAP (tests/support/plain_slapd.sh) becomes one that dirca works with: `dirca directory init` by two accounts,
# `dirca directory adopt`, `dirca directory service-account`, and `dirca doctor directory`, which tries it.
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

service=cn=dircad,ou=Services,$PLAIN_SUFFIX
services="CN=Public Key Services,CN=Services,CN=Configuration,$PLAIN_SUFFIX"
configure() {
	cat >"$dir/dircad.conf" <<-END
		ca_name = Acme-CA
		host = localhost
		state_dir = $dir/state
		dir_uris = $LDAPI_URI
		dir_auth = simple
		dir_bind_dn = $1
		dir_password_file = $(lab_password_file "$2")
	END
}

# doctor VERDICT CHECK WORDS: what it finds there, as dircad.
doctor() {
	"$DIRCA_BIN/dirca" doctor directory --json -c "$dir/dircad.conf" >"$dir/doctor.json"
	jq -r --arg verdict "$1" --arg check "$2" \
		'.[].findings[] | select(.verdict == $verdict and .check == $check) | .text + " " + (.cure // "")' "$dir/doctor.json" >"$dir/doctor"
	cat "$dir/doctor.json" && grep -qF "$3" "$dir/doctor"
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

account_lacks_everything() {
	configure "$service" dircad && doctor missing rights "may not make objects below CN=CDP,$services" &&
		grep -qF "dirca directory service-account '$service' --apply" "$dir/doctor" && grep -qF "may not write userCertificate of uid=" "$dir/doctor" &&
		doctor missing watching syncprov && doctor note people "(uid=alice,ou=People,$PLAIN_SUFFIX)"
}

rules() { ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$LDAPI_URI" -b cn=config '(olcSuffix=*)' olcAccess; }

# The command of a cure, typed as root on the server: ldapi:/// is elsewhere in a test.
# shellcheck disable=SC2016 # no expansion is meant
types_cure() {
	local command
	command=$(jq -r '.[].findings[] | select(.verdict == "missing") | .cure' "$dir/doctor.json" | grep -o '`dirca directory service-account [^`]*`' | head -1 | tr -d '`') &&
		[ -n "$command" ] && echo "$command" && eval "${command/-H ldapi:\/\/\//-H \"$LDAPI_URI\"}"
}
dirca() { "$DIRCA_BIN/dirca" "$@"; }

# A closed server: nothing is shown to whom no rule names. What the doctor says then is not to load anything, and what is typed mends it.
hidden_tree_is_shown() {
	local before after
	before=$(rules)
	change_config add "{0}to dn.subtree=\"$services\" by dn.base=\"$service\" none by * break" && ! doctor good templates '' &&
		! grep -F 'ldif/' "$dir/doctor.json" && types_cure && doctor good templates 35 && doctor good rights "writes userCertificate" || return 1
	after=$(rules | sed -n "s/^olcAccess: \({[0-9]*}\)to dn.subtree=\"$services\" by dn.base=\"$service\" none .*/\1/p")
	change_config delete "$after" && for ((count = ${after//[{\}]/}; count > 0; count--)); do change_config delete '{0}' || return 1; done
	is "$before" rules
}

# By the LDIF that is printed, or by --apply, is the same.
account_gets_its_rights() {
	root directory service-account "$service" >"$dir/service.ldif" && cat "$dir/service.ldif" &&
		root directory service-account "$service" --apply && [ -z "$(root directory service-account "$service")" ] &&
		rules >"$dir/rules" && cat "$dir/rules" &&
		perl -0pe 's/\n //g' "$dir/service.ldif" | grep '^olcAccess: ' | while read -r rule; do grep -qxF "$rule" "$dir/rules" || return 1; done &&
		tail -4 "$dir/rules" | grep -qx 'olcAccess: {9}to \* by \* read'
}

rights_are_tried() {
	doctor good rights "makes and removes objects below CDP and KRA, and writes userCertificate" && doctor good excess "may not write SIDs" &&
		doctor good watching syncrepl && [ -z "$(found '(cn=dirca-doctor*)' dn)" ] && [ -z "$(found '(userCertificate=*)' dn)" ]
}

# What the tree's administrator may is more than the service needs.
excess_is_told() {
	configure "cn=admin,$PLAIN_SUFFIX" admin && doctor note excess "SIDs, members of groups, rights on templates" && configure "$service" dircad
}

change_config() {
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" <<-END
		dn: olcDatabase={1}mdb,cn=config
		changetype: modify
		$1: olcAccess
		olcAccess: $2
	END
}

# Groups that are hidden from the service; people who may write their own uid.
dangers_are_told() {
	local rule="{0}to attrs=member by dn.base=\"$service\" none by * break" own='{0}to attrs=mail,uid by self write by * read'
	change_config add "$rule" && doctor missing rights "may not read member of cn=pki-admins," && change_config delete '{0}' || return 1
	rule="{0}to dn.subtree=\"CN=Partitions,CN=Configuration,$PLAIN_SUFFIX\" by dn.base=\"$service\" none by * break"
	change_config add "$rule" && doctor missing rights "may not read CN=Partitions," && change_config delete '{0}' || return 1
	change_config add "$own" && says "lets people write uid" root directory service-account "$service" && change_config delete '{0}' &&
		! root directory service-account "$service" 2>&1 | grep warning
}

service_account_is_refused() {
	refuses ERROR_FILE_NOT_FOUND root directory service-account "cn=nobody,$PLAIN_SUFFIX" &&
		refuses E_INVALIDARG root directory service-account 'no DN' && refuses E_INVALIDARG root directory service-account 'cn=a\"b,dc=acme' &&
		refuses "cn=config" "$DIRCA_BIN/dirca" directory service-account "$service" -H "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" "${PLAIN_ADMIN[@]}"
}

check "an ordinary OpenLDAP" start
[ "$CHECKS_BAD" -eq 0 ] || exit 1
check "root alone is told of the tree's account" root_is_told_of_the_other_account
check "both accounts make schema, tree and templates" init_by_both
check "the service's account lacks every right, and is told" account_lacks_everything
check "what is hidden is shown by what is typed" hidden_tree_is_shown
check "the plan is LDIF, and gone on with" plan_is_ldif
check "the service's account gets its rights" account_gets_its_rights
check "they are tried" rights_are_tried
check "rights that it should not have are told" excess_is_told
check "hidden groups and people who write their uid are told" dangers_are_told
check "no account, no DN, no cn=config" service_account_is_refused
check "no SID is given twice" no_sid_is_given_twice
check "the SID of a deleted account is not given again" deleted_sids_stay_unused
check "clashes are refused by name" clashes_are_refused_by_name
check "more than a page of people" many
checks_end
