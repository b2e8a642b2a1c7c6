#!/usr/bin/env bash
# S8: passwords are guessed, by Basic and by SCRAM. S15: who has an account is found out without a password. S20: a KDC makes a
# principal whose name reads as somebody's DN. usage: s08_s15_s20_sign_in.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-sign-in.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

client() { CA_FILE=$CA_STATE/ca.crt python3 "$here/../support/sign_in_client.py" "$@"; }
password() { echo "$(<"$(lab_password_file "$1")")"; }

# ---- S8

signs_in() { # MECHANISM USER FROM
	local got
	got=$(client once "$1" "$2" "$(password "$2")" "$3") && echo "$got" && [[ $got == 200\ * ]]
}

# guessing_is_slow MECHANISM USER FROM: most guesses are not looked at, nor is the right password then, and the answer says when.
guessing_is_slow() {
	local got
	got=$(client guess "$1" "$2" 60 "$3" "$(password "$2")") && echo "$got" || return 1
	[[ $got =~ ^401:([0-9]+)\ 429:[0-9]+\  ]] && [ "${BASH_REMATCH[1]}" -le 10 ] || return 1
	[[ $got =~ then\ the\ right\ one:\ 429\ 0x[0-9A-F]+\ DIRCA_E_TOO_MANY_ATTEMPTS\ [0-9]+$ ]]
}

# A name that nobody has is slowed down as well, or the difference would tell.
unknown_is_as_slow() {
	local got
	got=$(client guess "$1" nosuchuser 60 "$2") && echo "$got"
	[[ $got =~ ^401:([0-9]+)\ 429:[0-9]+\  ]] && [ "${BASH_REMATCH[1]}" -le 10 ]
}

# spelled MECHANISM FROM NAME...: one account by several names is guessed no faster.
spelled() {
	local mechanism=$1 from=$2 name looked=0 got
	shift 2
	for name; do
		got=$(client guess "$mechanism" "$name" 8 "$from") && echo "$name: $got" || return 1
		[[ ! $got =~ 401:([0-9]+) ]] || looked=$((looked + BASH_REMATCH[1]))
	done
	[ "$looked" -le 10 ]
}

# Spellings that the directory calls equal to a name are nobody's: each could be guessed at anew.
spelled_otherwise() {
	local mechanism=$1 name got
	for name in ' user6' 'user6 ' $'us\u00ader6' 'ｕser6'; do
		# Cyrus SASL has taken away the blanks before it asks who that is: that is one name.
		[ "$mechanism" = basic ] || [[ $name != *' '* ]] || continue
		got=$(client once "$mechanism" "$name" "$(password user6)" "$2") && echo "$name: $got" && [[ $got == 401\ * ]] || return 1
	done
}

log_names_him() { grep 'authentication refused' "$CA_LAB_DIR/dircad.log" | grep -q "$1"; }
# The counts of failures, and what may still be recorded of them, are the process's.
starts_anew() {
	ca_lab_dircad_stop && ca_lab_dircad_start && begun=$SECONDS &&
		row=$(sqlite3 "$CA_STATE/dirca.db" 'SELECT max(AuditRowId) FROM Audit')
}
# tells_nobody_apart ARGUMENT...: what else the machine does is something else each time, what the CA does is not.
tells_nobody_apart() {
	for _ in 1 2 3; do
		starts_anew && client compare "$@" && return 0
		echo "once more"
	done
	return 1
}
audit_names_him() {
	sqlite3 "$CA_STATE/dirca.db" "SELECT Actor, Object, Detail FROM Audit WHERE EventID = 529 AND AuditRowId > $row" |
		tee "$dir/audit" | tail -3
	grep -q "^$1|" "$dir/audit" && [ "$(wc -l <"$dir/audit")" -le $((60 + (SECONDS - begun) / 5)) ]
}

# ---- S15

# salts_are_kept USER...: neither letters nor a new start change them, and they look like those of accounts.
salts_are_kept() {
	local name before=() now i=0
	for name; do
		before+=("$(client salt "$name" 127.0.9.1)") && [ "${before[-1]}" = "$(client salt "${name^^}" 127.0.9.2)" ] || return 1
	done
	ca_lab_dircad_stop && ca_lab_dircad_start || return 1
	for name; do
		now=$(client salt "$name" 127.0.9.3) && echo "$name: ${before[i]}, $now" || return 1
		[[ $now == ????????????????????????\ 4096 ]] && [ "$now" = "${before[i++]}" ] || return 1
	done
}

# tells USER PATH: status and body of the answer, for what another's request and no request at all have in common.
tells() {
	curl -sS -w '%{http_code}' --cacert "$CA_STATE/ca.crt" -u "$1:$(password "$1")" "$CA_URL/dirca/v1/requests/$2" |
		sed 's/request [0-9]*/request N/; s/[0-9]* does not/N does not/'
}
requests_of_others_are_none() {
	local id=$1 there gone suffix
	for suffix in "" /certificate; do
		there=$(tells user2 "$id$suffix") && gone=$(tells user2 "99999$suffix") || return 1
		echo "$there $gone"
		[ "$there" = "$gone" ] && [[ $there == *404 ]] || return 1
	done
}

# ---- S20

kerberos_is() { # PRINCIPAL: which account the CA takes it for
	local home=$dir/kerberos
	mkdir -p "$home"
	kinit -c "FILE:$home/ccache" "$1" <<<"evil-Passw0rd" >/dev/null || return 1
	KRB5CCNAME=FILE:$home/ccache curl -sS -o "$dir/answer" -w '%{http_code}\n' --cacert "$CA_STATE/ca.crt" --negotiate -u : \
		"$CA_URL/dirca/v1/settings"
}
nobody_by_name_of_dn() {
	local got
	printf 'addprinc -pw evil-Passw0rd "%s"\n' "$1" | kadmin.local -r "$LAB_REALM" >/dev/null 2>&1
	got=$(kerberos_is "$1") && echo "$got $(<"$dir/answer")" && [ "$got" = 401 ]
}
administrator_by_ticket() {
	ca_lab_as caadmin ca status >/dev/null
}

CA_LAB_OPTIONS=$'auth_basic = yes\nauth_scram = yes\n'
check "a CA with all ways to sign in" ca_lab_start "$dir" gssapi
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

admin=cn=caadmin,$CA_LAB_USERS
check "control: the administrator by his ticket" administrator_by_ticket
check "S20: a Kerberos principal named dn:... is nobody" nobody_by_name_of_dn "dn:$admin"
check "S20: nor one that is named like the DN" nobody_by_name_of_dn "$admin"

check "control: enrolled" ca_lab_enroll user1 User "$dir/user1.pfx"
id=$(ca_lab_as user1 requests --json | jq '[.. | .request_id? // empty] | max')
check "S15: another's request answers as one that is not there" requests_of_others_are_none "$id"
for mechanism in basic scram; do
	check "S15: $mechanism: unknown, disabled, expired, locked and wrong" \
		tells_nobody_apart "$mechanism" 20 "wrong" user3 nosuchuser disabled1 expired1 locked1 "NWTRADERS\\nosuch"
	sed 's/^/     /' "$dir/check.out"
	check "S15: $mechanism: the right password of an account that may not act" \
		client compare "$mechanism" 4 "disabled1-Passw0rd" nosuchuser disabled1
done
check "S15: the salts of nobody and of a disabled account are kept" salts_are_kept nosuchuser disabled1

for mechanism in basic scram; do
	case $mechanism in
	basic) victim=caadmin from=127.0.1 ;;
	*) victim=officer1 from=127.0.2 ;;
	esac
	check "S8: $mechanism: a CA that was started anew" starts_anew
	check "S8: $mechanism: control: the right password" signs_in "$mechanism" "$victim" "$from.1"
	check "S8: $mechanism: guesses, and the right one after them" guessing_is_slow "$mechanism" "$victim" "$from.1"
	check "S8: $mechanism: its owner comes in from elsewhere" signs_in "$mechanism" "$victim" "$from.2"
	check "S8: $mechanism: guesses at an unknown name" unknown_is_as_slow "$mechanism" "$from.3"
	check "S8: $mechanism: one account by many names" spelled "$mechanism" "$from.4" user5 USER5 'NWTRADERS\user5' \
		user5@nwtraders.com user5@NWTRADERS
	check "S8: $mechanism: nor by names that the directory calls equal" spelled_otherwise "$mechanism" "$from.5"
	check "S8: $mechanism: the log names whose password was guessed" log_names_him "$victim"
	check "S8: $mechanism: the audit trail does, in few rows" audit_names_him "$victim"
done
checks_end
