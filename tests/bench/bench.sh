# shellcheck shell=bash
# For the scripts of this folder, on top of tests/support/ca_lab.sh.

# bench_do_not_publish TEMPLATE...: thousands of certificates in one entry of the directory measure slapd.
bench_do_not_publish() {
	local name
	for name; do
		printf 'dn: CN=%s,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\n' "$name" "$LDAP_CONFIG_BASE"
		printf 'changetype: modify\nreplace: msPKI-Enrollment-Flag\nmsPKI-Enrollment-Flag: 33\n\n'
	done | lab_modify >/dev/null && ca_lab_has_read
}

# bench_process ROLE: its process id. ROLE: supervisor, front or vault
bench_process() {
	local pid supervisor
	supervisor=$(<"$CA_LAB_DIR/dircad.pid")
	[ "$1" != supervisor ] || { echo "$supervisor"; return; }
	for pid in $(ps -o pid= --ppid "$supervisor"); do
		if tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qx -- "--role=$1"; then
			echo "$pid"
		fi
	done
}

# bench_pend TEMPLATE N [USER]: so many requests of USER (user1) wait, as the template has them
bench_pend() {
	"$DIRCA_BIN/bench_enroll" --port "${CA_URL##*:}" --ca "$CA_STATE/ca.crt" --user "${3:-user1}" --password-file "$(lab_password_file "${3:-user1}")" \
		--template "$1" --plain --pending --requests "$2" --clients 2 --warm-up 0 --seconds 600
}

# bench_ticks: processor time of dircad's front and vault.
bench_ticks() {
	local role
	for role in front vault; do
		awk '{ printf "%d ", $14 + $15 }' "/proc/$(bench_process $role)/stat"
	done
}

# bench_load OPTION...: bench_enroll as user1.
bench_load() {
	"$DIRCA_BIN/bench_enroll" --port "${CA_URL##*:}" --ca "$CA_STATE/ca.crt" --user user1 --password-file "$(lab_password_file user1)" "$@"
}

bench_rows_and_bytes() {
	sqlite3 "$CA_STATE/dirca.db" 'PRAGMA wal_checkpoint(PASSIVE); SELECT count(*) FROM Request; SELECT page_count * page_size FROM pragma_page_count, pragma_page_size' |
		tail -2 | tr '\n' ' '
}

# bench_beside_floor KIND KRAS SECONDS THREADS OPTION...: floor and bench_load, one after the other; prints
#   floor_rate floor_us rate p50_ms p99_ms front_us vault_us bytes_row
bench_beside_floor() {
	local floor load rows0 bytes0 rows1 bytes1 front0 vault0 front1 vault1
	floor=$("$DIRCA_BIN/bench_floor" "${@:1:4}") || return 1
	read -r rows0 bytes0 < <(bench_rows_and_bytes)
	read -r front0 vault0 < <(bench_ticks)
	load=$(bench_load --seconds "$3" "${@:5}") || return 1
	read -r front1 vault1 < <(bench_ticks)
	read -r rows1 bytes1 < <(bench_rows_and_bytes)
	# shellcheck disable=SC2086 # words
	set -- $floor $load
	awk -v floor="$4 $6" -v load="${12} ${14} ${16}" -v front=$((front1 - front0)) -v vault=$((vault1 - vault0)) -v tick="$(getconf CLK_TCK)" \
		-v bytes=$((bytes1 - bytes0)) -v rows=$((rows1 - rows0)) 'BEGIN {
			print floor, load, front * 1e6 / tick / rows, vault * 1e6 / tick / rows, bytes / rows }'
}
