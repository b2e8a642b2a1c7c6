#!/usr/bin/env bash
# A year of a CA, day by day, with a clock that is set: each day a key is archived, the oldest is recovered, and the CRL is good. The clock is
# a day wrong in both directions on some of them, and once ten years.
# usage: year.sh CLOCK_SHIM; DAYS=365 is the whole year, 6 the default
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-year.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_PRELOAD=${1:?the library}
export CLOCK_SHIM=$dir/clock
DAYS=${DAYS:-6}
DAY=86400
head -c 8 /dev/zero >"$CLOCK_SHIM"

# A person whose clock is the CA's.
as() { LD_PRELOAD=$CA_LAB_PRELOAD ca_lab_as "$@"; }
archives() { # FILE
	rm -f "$1" "$1".* && as user1 enroll EFSArchive --json --key p256 --out "$1" --out-password-file "$(ca_lab_pass)"
}
recovers() { # PFX SERIAL: the key of that file
	rm -f "$dir/day.rec" "$dir/day.pfx"
	as officer1 getkey "$2" "$dir/day.rec" && as kra1 recoverkey "$dir/day.rec" "$dir/day.pfx" --kra "$dir/kra1.pfx" \
		--kra-password-file "$(ca_lab_pass)" --out-password-file "$(ca_lab_pass)" &&
		cmp <(ca_lab_key_of "$dir/day.pfx") <(ca_lab_key_of "$1")
}
crl_is_good() { # NOW
	curl -sf --max-time 5 "$CA_HTTP_URL/dirca/$CA_NAME.crl" >"$dir/crl" || return 1
	local from until
	from=$(date -d "$(openssl crl -inform DER -in "$dir/crl" -noout -lastupdate | cut -d= -f2)" +%s)
	until=$(date -d "$(openssl crl -inform DER -in "$dir/crl" -noout -nextupdate | cut -d= -f2)" +%s)
	echo "from $from to $until, now $1"
	[ "$from" -le "$1" ] && [ "$until" -gt "$1" ]
}
tls_is_good() { # NOW
	openssl verify -attime "$1" -purpose sslserver -CAfile "$CA_STATE/ca.crt" "$CA_STATE/tls.crt"
}
seen() { [ "$(grep -cF 'the clock was set' "$dir/dircad.log")" -ge "$steps" ]; }
steps=0
# to SECONDS: everything works at that time.
to() {
	local now
	steps=$((steps + 1))
	ca_lab_set_clock "$1" && ca_lab_eventually seen || return 1
	now=$(($(date +%s) + $1))
	ca_lab_eventually crl_is_good "$now" && ca_lab_eventually tls_is_good "$now" && ca_lab_eventually archives "$dir/today.pfx" &&
		recovers "$dir/oldest.pfx" "$serial"
}
day() { # N
	to $(($1 * DAY)) || return 1
	case $(($1 % 6)) in
	2) to $((($1 + 1) * DAY)) && to $(($1 * DAY)) ;;
	4) to $((($1 - 1) * DAY)) && to $(($1 * DAY)) ;;
	esac
}
# The CA certificate ends before: nothing is issued then, and nothing is lost.
excursion() { # N
	steps=$((steps + 1))
	ca_lab_set_clock $((3660 * DAY)) && ca_lab_eventually seen && sleep 3 || return 1
	steps=$((steps + 1))
	ca_lab_set_clock $(($1 * DAY)) && ca_lab_eventually seen
}

check "a CA" ca_lab_start "$dir" external
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "templates for elliptic curves" ca_lab_allow_ec EFSArchive
check "no quota" ca_lab_no_quota
# A clock that is set ahead destroys no key of the vault, which holds no more than 64.
check "exchange keys that live two weeks" eval 'ca_lab_as caadmin template set CAExchange validity=2w && ca_lab_eventually ca_lab_as caadmin ca exchange renew'
check "the first key" archives "$dir/oldest.pfx"
serial=$(ca_lab_serial_of "$dir/oldest.pfx")
for ((n = 1; n <= DAYS; n++)); do
	check "day $n" day "$n"
	[ "$n" -ne $((DAYS / 2)) ] || check "ten years too far, and back" excursion "$n"
	[ "$CHECKS_BAD" -eq 0 ] || break
done
check "nothing is wrong" ca_lab_status '.warnings == []'

checks_end
