#!/usr/bin/env bash
# A CRL of many entries: made, served, kept by clients, published or refused. usage: [ENTRIES=1000000] big_crl.sh
# It prints what making it took; tests/bench/README.md has the figures of a million.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

entries=${ENTRIES:-100000}
dir=$(mktemp -d /tmp/dirca-bigcrl.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_OPTIONS='idle_timeout_s = 2
'

# Revoked rows past the program, a part at a time, so that it can write between them.
fill() {
	local now done=0 part
	now=$(date +%s)
	while [ "$done" -lt "$entries" ]; do
		part=$((entries - done < 100000 ? entries - done : 100000))
		sqlite3 -cmd '.timeout 60000' -cmd 'PRAGMA cache_size = -400000' "$CA_STATE/dirca.db" "
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $part)
			INSERT INTO Request(HasArchivedKey, Disposition, RequestType, RequestFlags, SubmittedWhen, ResolvedWhen, RevokedWhen,
				RevokedEffectiveWhen, RevokedReason, RequesterName, SerialNumber, CertificateHash, NotBefore, NotAfter,
				PublicKeyHash, RawCertificate, RequesterSID)
			SELECT 0, 21, 256, 0, $now - 1000, $now - 1000, $now - 100, $now - 100, i % 6,
				CASE WHEN i <= 2500 THEN 'NWTRADERS\\user3' ELSE 'NWTRADERS\\user2' END,
				'61' || lower(hex(randomblob(15))), randomblob(20), $now - 1000, $now + 31536000 + i, randomblob(32), x'30',
				'S-1-5-21-1-2-3-1111'
			FROM n" || return 1
		done=$((done + part))
	done
}

peak_mb() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$(ca_lab_child "$1")/status"; }
ms() { date +%s%3N; }

# Enrollments one after another until the file is gone; the slowest, in milliseconds.
enroll_meanwhile() {
	local slowest=0 begun took
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/meanwhile.key" -subj /CN=user3 -out "$dir/meanwhile.csr" 2>/dev/null || return 1
	while [ -e "$dir/making" ]; do
		begun=$(ms)
		curl -sS -f --max-time 20 -o "$dir/meanwhile.out" --cacert "$CA_STATE/ca.crt" -u "user3:$(<"$(lab_password_file user3)")" \
			-H 'Content-Type: application/pkcs10' --data-binary "@$dir/meanwhile.csr" \
			"$CA_URL/.well-known/est/User/simpleenroll" || return 1
		took=$(($(ms) - begun))
		[ "$took" -le "$slowest" ] || slowest=$took
	done
	echo "$slowest" >"$dir/slowest"
}

makes_it_while_others_enroll() {
	local begun others supervised
	touch "$dir/making"
	supervised=$(ca_lab_child front):$(ca_lab_child vault)
	enroll_meanwhile &
	others=$!
	ca_lab_eventually test -s "$dir/meanwhile.out" || return 1
	begun=$(ms)
	ca_lab_as caadmin crl || return 1
	echo "$(($(ms) - begun))" >"$dir/took"
	rm "$dir/making"
	wait "$others" && [ "$supervised" = "$(ca_lab_child front):$(ca_lab_child vault)" ]
}

crl_url() { echo "$CA_HTTP_URL/dirca/$CA_NAME.crl"; }
fetch() { curl -sS -f -o "$dir/crl" -D "$dir/headers" "$(crl_url)"; }
has_the_entries() {
	fetch && openssl crl -inform DER -in "$dir/crl" -noout -text -CAfile "$CA_STATE/ca.crt" >"$dir/text" 2>&1 && grep -q 'verify OK' "$dir/text" &&
		[ "$(grep -c 'Serial Number:' "$dir/text")" = "$entries" ]
}
header() { sed -n "s/^$1: \(.*\)\r/\1/p" "$dir/headers"; }
status_with() { curl -sS -o "$dir/again" -w '%{http_code}' "$@" "$(crl_url)"; }
is_asked_for_again_by_tag() {
	[ "$(header ETag)" = "\"$(sha256sum "$dir/crl" | cut -d' ' -f1)\"" ] || return 1
	[ "$(status_with -H "If-None-Match: $(header ETag)")" = 304 ] && [ ! -s "$dir/again" ] &&
		[ "$(status_with -H 'If-None-Match: "0"')" = 200 ] && cmp "$dir/crl" "$dir/again"
}
is_asked_for_again_by_time() {
	[ "$(status_with -H "If-Modified-Since: $(header Last-Modified)")" = 304 ] &&
		[ "$(status_with -H 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT')" = 200 ] &&
		[ "$(status_with -H "If-Modified-Since: $(header Last-Modified)" -H 'If-None-Match: "0"')" = 200 ]
}
readers() {
	"$here/../support/crl_readers.py" "$1" "$CA_HTTP_URL" "/dirca/$CA_NAME.crl" "${@:2}"
}

# ---- clients

cache=$dir/home/user1/.cache/dirca
kept() { echo "$cache"/*.crl; }
number=0
archives() {
	number=$((number + 1))
	ca_lab_enroll user1 EFSArchive "$dir/archived$number.pfx"
}
archives_and_keeps() {
	rm -rf "$cache"
	archives && cmp "$(kept)" "$dir/crl"
}
# What is fetched is another file.
archives_without_fetching() {
	local before
	before=$(stat -c %i "$(kept)")
	archives && [ "$before" = "$(stat -c %i "$(kept)")" ]
}
archives_over_damage() {
	damage "$(kept)" $(($(stat -c %s "$(kept)") / 2))
	! cmp -s "$(kept)" "$dir/crl" && archives && cmp "$(kept)" "$dir/crl"
}
archives_over_an_older_one() {
	cp "$dir/first.crl" "$(kept)"
	archives && cmp "$(kept)" "$dir/crl"
}
archives_without_cache() {
	rm -rf "$cache" && : >"$cache" && archives
	local status=$?
	rm "$cache"
	return "$status"
}

# ---- lists

requests() { ca_lab_as caadmin requests "$@"; }
sees_the_own() {
	ca_lab_as user3 requests --json | tee "$dir/own" | jq -e 'length > 0 and all(.disposition == "issued" and .requester_name == "NWTRADERS\\user3")' &&
		[ "$(jq '.[].request_id' "$dir/own" | wc -l)" = "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Request
			WHERE RequesterName = 'NWTRADERS\user3' AND RequesterSID <> 'S-1-5-21-1-2-3-1111'")" ]
}
ids() { jq -r '[length, .[0].request_id, .[-1].request_id] | join(" ")'; }
lists_so_many() {
	[ "$(requests --limit 2300 --json | ids)" = "2300 1 2300" ] && [ "$(requests --after 2300 --limit 7 --json | ids)" = "7 2301 2307" ] &&
		[ "$(requests --after 999999999 --json)" = "[]" ] && [ "$(requests --limit 7 2>/dev/null | wc -l)" = 8 ] &&
		[ "$(requests --disposition pending | wc -l)" = 1 ]
}
# What dirca has at most, in KiB, for a list of so many. peak_of LIMIT [--json]
peak_of() {
	HOME=$dir/home/caadmin python3 -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' "$DIRCA_BIN/dirca" requests --limit "$@"
}
# 20,000 rows are 15 MB of JSON.
keeps_none_of_them() {
	local few many json
	few=$(peak_of 1000) && many=$(peak_of 20000) && json=$(peak_of 20000 --json) && echo "$few KiB, $many KiB, $json KiB" &&
		[ "$many" -lt $((few + 4096)) ] && [ "$json" -lt $((few + 4096)) ]
}
says_how_to_go_on() {
	local last
	last=$(requests 2>"$dir/more" | tail -1 | awk '{ print $1 }') && [ "$last" = 1000 ] && grep -e "--after 1000 " "$dir/more" &&
		! ca_lab_as user3 requests 2>&1 >/dev/null | grep .
}

# ---- the directory

warned() { ca_lab_as caadmin ca status --json | jq -r '.warnings[]'; }
is_refused_with_a_way() {
	ca_lab_eventually refused_in_status && warned | grep 'olcSockbufMaxIncomingAuth'
}
refused_in_status() { warned | grep -q "not published in the directory: the CRL: the directory does not take a CRL of $(stat -c %s "$dir/crl") bytes"; }
was_refused_once() { [ "$(grep -c 'the directory did not take the CRL' "$dir/dircad.log")" = 1 ]; }
published_size() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$LDAP_CONFIG_BASE" '(objectClass=cRLDistributionPoint)' certificateRevocationList |
		sed -n 's/^certificateRevocationList;binary:: //p' | base64 -d | wc -c
}
is_published() { [ "$(published_size)" = "$(curl -sS "$(crl_url)" | wc -c)" ] && ! warned | grep -q 'not published'; }
# For connections that come.
directory_takes() {
	printf 'dn: cn=config\nchangetype: modify\nreplace: olcSockbufMaxIncomingAuth\nolcSockbufMaxIncomingAuth: %s\n' "$1" |
		lab_admin ldapmodify && ca_lab_directory_stop && ca_lab_directory_start
}
takes_it_after_the_cure() {
	directory_takes 200000000 && ca_lab_eventually ca_lab_as caadmin crl && ca_lab_eventually is_published
}

# The CA reads first what is there.
the_next_is_published() { ca_lab_as caadmin crl && ca_lab_eventually is_published; }

# ---- the start

resident_mb() { awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$(ca_lab_child "$1")/status"; }
starts_again() {
	local begun
	ca_lab_dircad_stop || return 1
	begun=$(ms)
	ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready || return 1
	echo "started with $entries rows in $(($(ms) - begun)) ms; the front has $(resident_mb front) MB, the vault $(resident_mb vault) MB" >"$dir/started"
}

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] || exit 1
check "a KRA" ca_lab_kras 1
check "the first CRL" curl -sS -f -o "$dir/first.crl" "$(crl_url)"
check "a directory that takes 2 MB" directory_takes 2000000
check "$entries revoked certificates" fill
front=$(peak_mb front) vault=$(peak_mb vault)
check "their CRL is made, and others enroll meanwhile" makes_it_while_others_enroll
check "it has the entries" has_the_entries
echo "made in $(<"$dir/took") ms, $(stat -c %s "$dir/crl") bytes; slowest enrollment $(<"$dir/slowest") ms; peak of the front" \
	"$front -> $(peak_mb front) MB, of the vault $vault -> $(peak_mb vault) MB"
check "who has it is told so, by its tag" is_asked_for_again_by_tag
check "and by its time" is_asked_for_again_by_time
check "a slow reader gets the whole, one that reads nothing is cut" readers slow_and_stalled 5
check "readers share one copy" readers many 20 "$(ca_lab_child front)"

check "a client keeps it" archives_and_keeps
check "and fetches it once" archives_without_fetching
check "a damaged one is fetched anew" archives_over_damage
check "an older one is fetched anew" archives_over_an_older_one
check "without a cache it is fetched" archives_without_cache

check "who has somebody's former name sees the own requests behind the other's" sees_the_own
check "a list is long as one wants it" lists_so_many
check "and takes no more memory" keeps_none_of_them
check "and says how to go on" says_how_to_go_on

check "what the directory does not take is told, with a way" is_refused_with_a_way
check "and was sent once" was_refused_once
check "the way leads there" takes_it_after_the_cure
check "for the next one too" the_next_is_published

check "it starts with all that" starts_again
cat "$dir/started"
checks_end
