# shellcheck shell=bash
# For the scripts of this folder, on top of tests/support/ca_lab.sh.

# bench_do_not_publish TEMPLATE...: thousands of certificates in one entry of the directory measure slapd.
bench_do_not_publish() {
	local name
	for name; do
		printf 'dn: CN=%s,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\n' "$name" "$LDAP_CONFIG_BASE"
		printf 'changetype: modify\nreplace: msPKI-Enrollment-Flag\nmsPKI-Enrollment-Flag: 33\n\n'
	done | ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null && ca_lab_has_read
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
