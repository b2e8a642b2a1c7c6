#!/usr/bin/env bash
# `dirca enroll` meets every fault of network, gateway, CA and own machine, before, during and after its request, with one CA and with
# two, of which one is named by characters that the directory does not take. After each: is the key kept exactly where a certificate may
# exist, and does the same command again come to its end? At most one certificate was issued in every case.
# usage: client_faults.sh          MATRIX=whole: each fault four ways instead of two, in twice the time
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-client.XXXXXX)
path=$dir/path
mkdir "$path"
other_name='Köln CA #2 (2026)'
other_in_dn='K!00f6ln CA !00232 !00282026!0029'
finish() {
	local pid
	for pid in "$path"/proxy-*.pid "$dir/other.pid"; do
		lab_end "$pid" TERM
	done
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

# ---- two CAs, each behind a proxy that ends TLS with the CA's own certificate ----

proxy_start() { # 1|2
	python3 "$here/../support/faulty_proxy.py" "${proxy_port[$1]}" "${ca_port[$1]}" "$path" "${state[$1]}" "${pid_file[$1]}" \
		2>>"$dir/proxy.log" &
	echo $! >"$path/proxy-$1.pid"
	lab_answers $! curl -s -o "$dir/none" --max-time 2 --cacert "${state[$1]}/ca.crt" "https://localhost:${proxy_port[$1]}/"
}
proxy_stop() { lab_end "$path/proxy-$1.pid" TERM; }

declare -A proxy_port ca_port state pid_file name
first_ca() {
	proxy_port[1]=$(lab_free_port)
	CA_LAB_OPTIONS="url = https://localhost:${proxy_port[1]}
"
	fault none 0
	ca_lab_start_behind_proxy
}
# The lab asks its CA as soon as that is published, so that the proxy must be there.
ca_lab_start_behind_proxy() {
	pid_file[1]=$dir/dircad.pid state[1]=$dir/state name[1]=NWTraders-CA
	eval "$(declare -f ca_lab_publish | sed '1s/ca_lab_publish/publish_only/')"
	ca_lab_publish() {
		ca_port[1]=${CA_URL##*:}
		proxy_start 1 && publish_only
	}
	ca_lab_start "$dir" && ca_lab_kras 1 && ca_lab_no_quota
}

other_ready() { ca_lab_as caadmin ca status --ca "$other_name" --json | jq -e "$1"; }
# Its own KRA, since an agent's certificate is of the CA that seals to it.
other_kra() {
	local id out=$dir/kra-other.pfx ca=(--ca "$other_name")
	id=$(ca_lab_enroll kra2 KeyRecoveryAgent "$out" --key rsa2048 "${ca[@]}" | jq -e .request_id) &&
		ca_lab_as officer1 approve "$id" "${ca[@]}" &&
		ca_lab_as kra2 retrieve "$id" --key-file "$out.key" --out "$out" --out-password-file "$(ca_lab_pass)" "${ca[@]}" &&
		ca_lab_certificate_of "$out" >"$dir/kra-other.crt" &&
		"$DIRCA_BIN/dirca" kra add -c "$DIRCAD_CONF" "$dir/kra-other.crt" &&
		ca_lab_as caadmin setreg 'CA\MaxRequestsPerHour' 0 "${ca[@]}" &&
		ca_lab_as caadmin setreg 'CA\MaxKilobytesPerHour' 0 "${ca[@]}" &&
		ca_lab_eventually other_ready '[.kras[] | select(.valid)] | length == 1'
}
second_ca() {
	local conf=$dir/other.conf port
	port=$(lab_free_port) proxy_port[2]=$(lab_free_port) || return 1
	state[2]=$dir/other-state pid_file[2]=$dir/other.pid ca_port[2]=$port name[2]=$other_in_dn
	sed -e "s|^ca_name = .*|ca_name = $other_name|" -e "s|^state_dir = .*|state_dir = ${state[2]}|" \
		-e "s|^listen = .*|listen = 127.0.0.1:$port|" -e "s|^http_listen = .*|http_listen = 127.0.0.1:$(lab_free_port)|" \
		-e "s|^socket = .*|socket = $dir/other.socket|" -e "s|^url = .*|url = https://localhost:${proxy_port[2]}|" \
		"$DIRCAD_CONF" >"$conf" && "$DIRCA_BIN/dirca" ca init -c "$conf" --key rsa2048 || return 1
	"$DIRCA_BIN/dircad" -c "$conf" </dev/null >>"$dir/other.log" 2>&1 &
	echo $! >"${pid_file[2]}"
	lab_answers $! curl -sf --max-time 2 --cacert "${state[2]}/ca.crt" "https://localhost:$port/.well-known/est/cacerts" || return 1
	DIRCAD_CONF=$conf
	proxy_start 2 && publish_only && ca_lab_eventually other_ready '.templates | index("KeyRecoveryAgent") != null' && other_kra
}

# ---- one run of the client ----

fault() { echo "$1 $2" >"$path/fault"; }
sql() { local db; for db in "${state[@]}"; do sqlite3 "$db/dirca.db" "$1"; done | awk '{n += $1} END {print n + 0}'; }
issued() { sql "SELECT count(*) FROM Request WHERE Disposition = 20 AND CertificateTemplate IN ('User', 'EFSArchive')"; }
# Its status; what it says in $dir/said.
client() { # TEMPLATE OUT OPTION...
	local template=$1 out=$2
	shift 2
	HOME=$(ca_lab_home user1) ROOM=$room bash -c 'trap "" XFSZ; echo $$ >"$0"; ulimit -f "$ROOM"; exec env --default-signal=INT "$@"' "$path/client" "$DIRCA_BIN/dirca" enroll "$template" \
		--key p256 --json --out "$out" --out-password-file "$(ca_lab_pass)" "$@" >"$dir/said" 2>&1
}
kept() { # OUT: none, key, or all that is needed to ask again
	local what=none
	[ ! -e "$1.key" ] || what=key
	[ ! -e "$1.key.sent" ] || what=$what+sent
	echo "${what/none+sent/sent}"
}
whole() { # OUT: its certificate is that of its key
	openssl pkcs12 -in "$1" -passin "file:$(ca_lab_pass)" -clcerts -nodes >"$dir/whole" 2>/dev/null &&
		cmp <(openssl x509 -in "$dir/whole" -noout -pubkey) <(openssl pkey -in "$dir/whole" -pubout)
}
is() { [ "$2" = "$3" ] || { echo "$1: '$3' instead of '$2'"; cat "$dir/said"; return 1; }; }

# Faults that no proxy makes.
machine_fault() { # FAULT CAS
	case $1 in
	refused) proxy_stop 2 && { [ "$2" -eq 1 ] || proxy_stop 1; } ;;
	one-refused) proxy_stop 1 ;;
	no-room) room=0 ;;
	esac
}
machine_well() {
	room=unlimited
	[ -f "$path/proxy-1.pid" ] || proxy_start 1
	[ -f "$path/proxy-2.pid" ] || proxy_start 2
}
room=unlimited

# row FAULT TIMES TEMPLATE CAS STATUS KEPT ISSUED: what the first run leaves; the second comes to its end in any case.
row() {
	local out=$dir/row$((++rows)).pfx options=() before
	[ "$4" -eq 2 ] || options=(--ca "${spelling[rows % ${#spelling[@]}]}")
	before=$(issued)
	fault "$1" "$2"
	machine_fault "$1" "$4"
	client "$3" "$out" "${options[@]}"
	local status=$?
	fault none 0
	machine_well
	is "status" "$5" $status && is "kept" "$6" "$(kept "$out")" && is "issued" "$7" $(($(issued) - before)) || return 1
	if [ "$5" -ne 0 ]; then
		client "$3" "$out" "${options[@]}"
		is "status of the next run" 0 $? || return 1
	fi
	is "kept in the end" none "$(kept "$out")" && is "issued in the end" 1 $(($(issued) - before)) || return 1
	# Opening costs as much as making: one in four.
	[ $((rows % 4)) -ne 0 ] || whole "$out"
}
rows=0
# The same CA, as people and programs write it.
spelling=("$other_name" "$other_in_dn" "localhost\\$other_name" "LOCALHOST\\$other_in_dn")

check "a CA" first_ca
[ "$CHECKS_BAD" -eq 0 ] && check "another, whose name the directory does not take" second_ca
check "user1" ca_lab_person user1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# Each with a PKCS#10 and with a key that is archived, with one CA and with two; of these four ways two in turn, so that every fault
# meets both requests and both numbers of CAs.
ways=('User 1' 'EFSArchive 2' 'User 2' 'EFSArchive 1')
fault_number=0
while read -r what times status left count <&3; do
	for ((way = 0; way < 4; way++)); do
		[ "${MATRIX:-}" = whole ] || [ $((way / 2)) -eq $((fault_number % 2)) ] || continue
		read -r template cas <<<"${ways[way]}"
		check "$what x $times, $template, $cas: status $status, keeps $left, issued $count" row "$what" "$times" "$template" "$cas" "$status" "$left" "$count"
	done
	fault_number=$((fault_number + 1))
done 3<<-END
	none             0   0   none     1
	no-room          0   1   none     0
	refused          0   1   none     0
	cut-before       1   0   none     1
	cut-before       99  1   key+sent 0
	cut-during       99  1   key+sent 0
	cut-after        1   0   none     1
	cut-after        99  1   key+sent 1
	502              99  1   key+sent 0
	502-after        99  1   key+sent 1
	503              99  1   none     0
	damaged          99  1   key+sent 1
	truncated        99  1   key+sent 1
	wrong            99  1   key+sent 1
	kill-before      1   0   none     1
	kill-during      1   0   none     1
	kill-after       1   0   none     1
	interrupt-before 1   130 key+sent 0
	interrupt-after  1   130 key+sent 1
	disk-full        1   1   key+sent 1
END

# What one CA cannot do another does.
while read -r what times template cas status left count <&3; do
	check "$what x $times, $template, $cas: status $status, keeps $left, issued $count" row "$what" "$times" "$template" "$cas" "$status" "$left" "$count"
done 3<<-END
	one-refused      0  User       2 0 none 1
	one-refused      0  EFSArchive 2 0 none 1
	503              1  EFSArchive 2 0 none 1
	bad-exchange     1  EFSArchive 2 0 none 1
	bad-exchange     99 EFSArchive 1 1 none 0
END
says() { local words=$1; shift; "$@"; cat "$dir/said"; grep -qF "$words" "$dir/said"; }
# Which CA comes first is by chance; one in a million that the unable one never does.
passed_over() {
	local try
	for ((try = 0; try < 20; try++)); do
		client EFSArchive "$dir/few$try.pfx" || { cat "$dir/said"; return 1; }
		grep -F "$other_in_dn: 1 of 1" "$dir/said" && return 0
	done
	return 1
}
kras() { # as nobody could say by `dirca kra count`
	sed -i "s/^count = .*/count = $1/" "${state[2]}/trust/kra-enabled" && kill -HUP "$(<"${pid_file[2]}")" && ca_lab_eventually other_ready ".kra_cert_count == $1"
}
check "the other CA has too few KRAs" kras 2
fault record 1
check "which it says" says CERTSRV_E_NO_VALID_KRA client EFSArchive "$dir/few.pfx" --ca "$other_name"
check "and nothing is kept" is kept none "$(kept "$dir/few.pfx")"
check "so another issues, after a word on the one that could not" passed_over
check "and enough again" kras 1
check "its signed refusal of then, sent in the place of an answer, is none" row replay 99 EFSArchive 1 1 key+sent 1

# A request that waits for a certificate manager: the same command asks.
wait_for() { ca_lab_enroll kra3 KeyRecoveryAgent "$dir/$1.pfx" --key rsa2048 --ca "$other_name"; }
waiting() { # OUT: its number is that of the first time
	local id
	id=$(wait_for "$1" | jq -re 'select(.disposition == "pending").request_id') && [ "$id" = "${number:=$id}" ]
}
decide() { ca_lab_as officer1 "$1" "$number" --ca "$other_name"; }
number=
check "a request that waits" waiting approved
check "waits under its number" waiting approved
check "until it is approved" decide approve
check "and the same command fetches it" wait_for approved
check "with its key" whole "$dir/approved.pfx"
check "of which nothing else is kept" is kept none "$(kept "$dir/approved.pfx")"
number=
check "another one" waiting denied
check "is denied" decide deny
check "which the same command tells" refuses DIRCA_E_DENIED wait_for denied
check "and keeps nothing" is kept none "$(kept "$dir/denied.pfx")"
checks_end
