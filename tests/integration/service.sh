#!/usr/bin/env bash
# What may happen to the machine of a CA: somebody sets its clock, its files are lost, or come back from an older copy.
# usage: service.sh CLOCK_SHIM
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-service.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_PRELOAD=${1:?the library}
export CLOCK_SHIM=$dir/clock
DAY=86400

# set_clock SECONDS: dircad's from the right one.
set_clock() { python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("q", int(sys.argv[2])))' "$CLOCK_SHIM" "$1"; }
head -c 8 /dev/zero >"$CLOCK_SHIM"

sql() { sqlite3 "$CA_STATE/dirca.db" "PRAGMA busy_timeout = 5000; $1" | tail -n +2; }
is() { local want=$1 got; shift; got=$("$@"); [ "$got" = "$want" ] || { echo "'$got' instead of '$want'"; return 1; }; }
logged() { grep -F "$1" "$dir/dircad.log"; }
crl() { curl -sf --max-time 5 "$CA_HTTP_URL/dirca/$CA_NAME.crl" >"$dir/crl" && openssl crl -inform DER -in "$dir/crl" "$@" -noout; }
crl_number() { crl -crlnumber | sed 's/.*=0x//'; }
crl_is_newer_than() { [ $((16#$(crl_number))) -gt $((16#$1)) ]; }
crl_begins_in_the_past() { [ "$(date -d "$(crl -lastupdate | cut -d= -f2)" +%s)" -le "$(date +%s)" ]; }
revoked() { crl -text | grep -c 'Serial Number:'; }
vault_keys() { find "$CA_STATE/vault" -name 'xchg-*.key' | wc -l; }
archives() { rm -f "$dir/$1".*; ca_lab_enroll user1 EFSArchive "$dir/$1.pfx" --key p256; }
# Sets the clock and waits until dircad has seen it for the nth time and put things in order.
step() { # SECONDS N
	local before
	before=$(crl_number)
	set_clock "$1" && ca_lab_eventually seen "$2" && ca_lab_eventually crl_is_newer_than "$before"
}
seen() { [ "$(grep -cF 'the clock was set' "$dir/dircad.log")" -ge "$1" ]; }

check "a CA" ca_lab_start "$dir" external
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "templates for elliptic curves" ca_lab_allow_ec EFSArchive User

# ---- revoked certificates stay on the CRL, exchange keys in the vault ----
check "a key is archived" archives first
revoke() {
	sql "UPDATE Request SET Disposition = 21, RevokedReason = 1, RevokedWhen = unixepoch(), RevokedEffectiveWhen = unixepoch()
		WHERE RequestID = (SELECT max(RequestID) FROM Request) RETURNING NotAfter"
}
check "and its certificate revoked" revoke
check "a CRL names it" ca_lab_as caadmin crl
check "once" is 1 revoked
check "ten days ahead there is a new CRL" step $((10 * DAY)) 1
check "back again there is one of today" step 0 2
check "which says so" crl_begins_in_the_past
check "the vault still has the key of before" is 2 vault_keys
check "keys are archived at once" archives second
check "ten years ahead the certificate has ended" step $((3653 * DAY)) 3
check "back again it is on the CRL" step 0 4
check "as before" is 1 revoked
check "a CRL more does not change that" ca_lab_as caadmin crl
check "and it is there" is 1 revoked
check "keys are archived" archives third
check "a day back" set_clock -$DAY
check "is seen" ca_lab_eventually seen 5
check "no request is refused for the age of the directory's picture" ca_lab_status .directory_fresh
check "the right time again" set_clock 0
check "is seen" ca_lab_eventually seen 6
check "keys are archived again" archives fourth
check "the log says by how much" logged 'event="the clock was set" seconds=864'

# ---- the certificate of the TLS service ----
served() { openssl s_client -connect "${CA_URL#https://}" -servername localhost </dev/null 2>/dev/null | openssl x509 -noout "$@"; }
serves_another_than() { local serial; serial=$(served -serial) && [ -n "$serial" ] && [ "$serial" != "$1" ]; }
serial=$(served -serial) key=$(served -pubkey)
check "a month before it ends" set_clock $((700 * DAY))
check "it is renewed, and served without a restart" ca_lab_eventually serves_another_than "$serial"
check "with its key" is "$key" served -pubkey
check "for two years" ca_lab_status ".service_certificate_not_after > \"$(date -u -d '+1400 days' +%F)\""
check "it is in the database" is 1 sql "SELECT count(*) FROM Request WHERE SerialNumber = '$(served -serial | sed 's/.*=//' | tr A-F a-f)'"
serial=$(served -serial)
check "back again" set_clock 0
check "there is one of today" ca_lab_eventually serves_another_than "$serial"
check "which clients take" curl -sf --max-time 5 --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts"
check "nothing is wrong with it" ca_lab_status '.warnings == []'

# ---- an exchange key that is lost ----
check "an administrator has a new one made" ca_lab_as caadmin ca exchange renew
check "by his name" is 'NWTRADERS\caadmin' sql "SELECT Actor FROM Audit WHERE EventID = 791 ORDER BY RowID DESC LIMIT 1"
check "keys are archived to it" archives fifth
lose_keys() {
	ca_lab_dircad_stop && rm -f "$CA_STATE"/vault/xchg-*.key && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready
}
check "without any of its keys the CA starts" lose_keys
check "and archives to a new one" archives sixth

# ---- files ----
warns() { ca_lab_status "[.warnings[] | select(contains(\"$1\"))] | length > 0"; }
keep() { rm -rf "$dir/old" && mkdir "$dir/old" && sqlite3 "$CA_STATE/dirca.db" ".backup $dir/old/dirca.db" && cp -a "$CA_STATE/vault" "$dir/old/"; }
old() { # NAME...
	local name
	ca_lab_dircad_stop || return 1
	for name; do
		rm -rf "${CA_STATE:?}/$name" "$CA_STATE/$name"-* && cp -a "$dir/old/$name" "$CA_STATE/" || return 1
	done
	ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready
}
starts_not() { # WORDS
	timeout 10 "$DIRCA_BIN/dircad" -c "$DIRCAD_CONF" >"$dir/refused.log" 2>&1
	grep -F "$1" "$dir/refused.log"
}
published_number() { ca_lab_as caadmin viewstore CDP | sed -n 's/.*CRL \([0-9]*\) .*/\1/p'; }
published_after() { [ "$(published_number)" -gt "$1" ]; }
crls() { ca_lab_as caadmin crl && ca_lab_as caadmin crl && ca_lab_as caadmin crl; }

check "a second dircad is refused" starts_not 'another dircad runs on it'
check "a copy is kept" keep
check "CRLs are made" crls
number=$((16#$(crl_number)))
check "and published" ca_lab_eventually published_after $((number - 1))
check "database and vault are restored" old dirca.db vault
check "which the CRL in the directory tells" ca_lab_eventually warns "the directory has CRL $number, and the database knows"
check "it is not replaced by an older one" published_after $((number - 1))
check "but, in its time, by a newer one" ca_lab_eventually crl_is_newer_than "$(printf %X "$number")"
check "in the directory too" ca_lab_eventually published_after "$number"
check "the log says it" logged 'event="restored from an older copy"'
check "the database alone is restored" old dirca.db
check "which the vault tells" warns 'the vault has signed CRL'
check "and the number goes on" ca_lab_eventually crl_is_newer_than "$(printf %X $((number + 1)))"
check "the vault alone is restored" old vault
check "which the database tells" warns 'journal has'
check "keys are archived" archives seventh
lose_database() { ca_lab_dircad_stop && mv "$CA_STATE/dirca.db" "$dir/lost.db" && rm -f "$CA_STATE"/dirca.db-*; }
check "without its database" lose_database
check "the CA does not start" starts_not 'there is none'
check "nor does ca init make another" refuses DIRCA_E_DATABASE "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF"
check "none is made" test ! -e "$CA_STATE/dirca.db"
check "with it" mv "$dir/lost.db" "$CA_STATE/dirca.db"
check "it starts" ca_lab_dircad_start

checks_end
