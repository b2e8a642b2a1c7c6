# shellcheck shell=bash
# A private directory and Kerberos realm for tests and the quick start: slapd with everything in ldif/, and an MIT KDC.
# Source it; every function returns non-zero and says why on stderr when it fails. Nothing outside the folder DIR that
# the caller names is touched, and only processes started here are ended. Works as root and as an ordinary user.
#
#   lab_slapd_start DIR [--tls]  fills DIR if it is new, else starts the slapd that is in it again on the same ports.
#                                Exports: LDAPI_URI (EXTERNAL: you are the administrator), LDAP_URI, LDAP_BASE,
#                                LDAP_CONFIG_BASE; with --tls also LDAPS_URI, LDAP_CA_FILE
#   lab_slapd_stop DIR           ends it in good order
#   lab_slapd_kill DIR           ends it as a power cut would
#   lab_kdc_start DIR            realm NWTRADERS.COM with all demo people. Exports: KRB5_CONFIG, KRB5_KDC_PROFILE,
#                                KRB5CCNAME, LAB_HTTP_KEYTAB (HTTP/localhost), LAB_LDAP_KEYTAB, LAB_DIRCAD_KEYTAB. Start it
#                                before the directory, in the same DIR: its GSSAPI needs it
#   lab_kdc_stop DIR
#   lab_admin TOOL ARGUMENT...   one of the ldap tools as the directory's administrator
#   lab_modify                   ldapmodify as the administrator; the LDIF names certificates with ;binary, which Active
#                                Directory does not want and does not get; it may give SIDs to new accounts
#   lab_finds N TOOL ARGUMENT... the search, with -LLL, gives so many entries
#   lab_without_syncprov DIR     slapd again, without the overlay by which changes are followed
#   lab_free_port                prints a loopback TCP port that nobody listens on, and that no other script that lives was given
#   lab_password_file USER       prints the name of a file of mode 0600 with USER's demo password, without a newline; it
#                                lies in the DIR that was started last
#
# LAB_MORE_LDIF names a file with further entries below the domain; it is loaded when DIR is filled.
# What is exported is also written to DIR/env, for other shells. LAB_SLAPD_DEBUG (slapd -d) says more in DIR/slapd.log.

LAB_SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_LDIF=$LAB_SOURCE_DIR/ldif
LAB_REALM=NWTRADERS.COM
LAB_BASE_DN=DC=nwtraders,DC=com
LAB_DIR=
LAB_PORTS=/tmp/dirca-lab-ports-$UID
LAB_PATIENCE_S=90 # how long something is waited for that comes at once on a machine with nothing else to do
PATH=$PATH:/usr/sbin:/sbin

lab_fail() {
	echo "lab: $*" >&2
	return 1
}

# Between its choice and its server's start a port looks free to others: LAB_PORTS names, for each that was chosen, the script that
# has it until it ends; LAB_OWNER where that is another process, which runs more than one shell.
lab_free_port() {
	local port tries owner lock
	lab_mkdir "$LAB_PORTS" && exec {lock}<"$LAB_PORTS" && flock "$lock" || return 1
	for ((tries = 0; tries < 200; tries++)); do
		port=$((20000 + SRANDOM % 12000)) # below the range that the kernel gives to clients
		read -r owner 2>/dev/null <"$LAB_PORTS/$port" && ! lab_is_gone "$owner" && continue
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
		echo "${LAB_OWNER:-$$}" >"$LAB_PORTS/$port" && exec {lock}<&- && echo "$port" && return 0
		break
	done
	exec {lock}<&-
	lab_fail "no free port between 20000 and 32000 on 127.0.0.1"
}

lab_mkdir() {
	(umask 077 && mkdir -p "$@")
}

# lab_use DIR: makes the folder, and LAB_DIR its absolute name.
lab_use() {
	lab_mkdir "$1" || return 1
	LAB_DIR=$(cd "$1" && pwd) || return 1
	[ ${#LAB_DIR} -le 90 ] || lab_fail "$LAB_DIR: too long for the name of a Unix socket in it; choose a shorter folder"
}

# lab_export NAME VALUE: into the environment and DIR/env, which a later shell may source: the last line of a name counts.
lab_export() {
	export "$1=$2"
	echo "export $1=${2@Q}" >>"$LAB_DIR/env"
}

lab_is_gone() {
	local state
	read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" || return 0
	[ "$state" = Z ]
}

# lab_answers PID COMMAND...: waits until COMMAND succeeds while the process lives, for LAB_PATIENCE_S at most.
lab_answers() {
	local pid=$1 until=$((SECONDS + LAB_PATIENCE_S))
	shift
	while ! lab_is_gone "$pid" && [ "$SECONDS" -le "$until" ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	return 1
}

# lab_end PIDFILE SIGNAL: ends the process and waits for it.
lab_end() {
	local pid until
	[ -f "$1" ] || return 0
	pid=$(<"$1")
	rm -f "$1"
	kill "-$2" "$pid" 2>/dev/null || return 0
	until=$((SECONDS + LAB_PATIENCE_S))
	while [ "$SECONDS" -le "$until" ]; do
		if lab_is_gone "$pid"; then
			wait "$pid" 2>/dev/null || true # reaps it if it is a child of this shell
			return 0
		fi
		sleep 0.02
	done
	lab_fail "process $pid does not end"
}

lab_password_file() {
	local file=$LAB_DIR/passwords/$1
	[ -n "$LAB_DIR" ] || lab_fail "lab_password_file $1: start a server first" || return 1
	if [ ! -f "$file" ]; then
		lab_mkdir "$LAB_DIR/passwords" && (umask 077 && printf '%s-Passw0rd' "$1" >"$file") || return 1
	fi
	echo "$file"
}

# lab_make_tls ADDRESS...: a throw-away CA and a server certificate for the names under which the directory is reached.
lab_make_tls() {
	local tls=$LAB_DIR/tls host addresses
	host=$(hostname)
	addresses=$(printf ',IP:%s' "$@")
	lab_mkdir "$tls" || return 1
	(
		set -e
		cd "$tls"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
			-subj "/CN=dirca lab CA" -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
			-subj "/CN=localhost"
		printf '%s\n' "subjectAltName=DNS:localhost,DNS:$host,DNS:$(hostname -f 2>/dev/null || echo "$host")$addresses" \
			extendedKeyUsage=serverAuth >server.ext
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 30 -extfile server.ext -out server.pem
	) >"$tls/log" 2>&1 || { cat "$tls/log" >&2; lab_fail "the test certificates could not be made"; }
}

# lab_make_bad_certificates DIR: beside good.pem, what no client may accept of this slapd: expired.pem, elsewhere.pem (of another
# host) and stranger.pem (of another CA). lab_serve_certificate DIR NAME starts slapd with one of them.
lab_make_bad_certificates() (
	cd "$1/tls" || return 1
	cp server.pem ../good.pem
	openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days -1 -extfile server.ext -out ../expired.pem &&
		openssl req -new -key server.key -subj /CN=elsewhere.example -out elsewhere.csr &&
		openssl x509 -req -in elsewhere.csr -CA ca.pem -CAkey ca.key -days 30 -out ../elsewhere.pem \
			-extfile <(printf 'subjectAltName=DNS:elsewhere.example\nextendedKeyUsage=serverAuth\n') &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 30 \
			-subj "/CN=another CA" &&
		openssl x509 -req -in server.csr -CA other.pem -CAkey other.key -days 30 -extfile server.ext -out ../stranger.pem
)

lab_serve_certificate() {
	cp "$1/$2.pem" "$1/tls/server.pem" && lab_slapd_stop "$1" && lab_slapd_start "$1"
}

# Fills an empty DIR: cn=config and both databases.
lab_slapd_create() {
	local drop=/^olcTLS/d file
	if [ "$1" = --tls ]; then
		drop=
		lab_make_tls 127.0.0.1 || return 1
	fi
	lab_mkdir "$LAB_DIR/slapd.d" "$LAB_DIR/db/domain" "$LAB_DIR/db/configuration" || return 1
	sed -e "$drop" -e "s|@DIR@|$LAB_DIR|g" -e "s|@LDIF@|$LAB_LDIF|g" -e "s|@SCHEMA@|/etc/ldap/schema|g" \
		-e "s|@MODULES@|/usr/lib/ldap|g" -e "s|@UID@|$(id -u)|g" -e "s|@GID@|$(id -g)|g" \
		"$LAB_LDIF/slapd/config.ldif.in" >"$LAB_DIR/config.ldif" || return 1
	for file in "$LAB_LDIF"/tree/30-*.ldif "$LAB_LDIF"/tree/[12]*.ldif; do
		cat "$file" && echo
	done >"$LAB_DIR/tree.ldif"
	if ! lab_slapd_load >"$LAB_DIR/slapadd.log" 2>&1; then
		cat "$LAB_DIR/slapadd.log" >&2
		rm -rf "$LAB_DIR/slapd.d"
		lab_fail "$LAB_DIR: the directory could not be loaded"
	fi
}

lab_slapd_load() {
	slapadd -n 0 -F "$LAB_DIR/slapd.d" -l "$LAB_DIR/config.ldif" &&
		slapadd -q -F "$LAB_DIR/slapd.d" -b "$LAB_BASE_DN" -l "$LAB_DIR/tree.ldif" || return 1
	[ -z "${LAB_MORE_LDIF:-}" ] || slapadd -q -F "$LAB_DIR/slapd.d" -b "$LAB_BASE_DN" -l "$LAB_MORE_LDIF"
}

lab_slapd_run() {
	local urls="$LDAPI_URI ldap://127.0.0.1:$1"
	[ -z "$2" ] || urls="$urls ldaps://127.0.0.1:$2"
	KRB5_KTNAME=${LAB_LDAP_KEYTAB:-$LAB_DIR/ldap.keytab} \
		slapd -h "$urls" -F "$LAB_DIR/slapd.d" -d "${LAB_SLAPD_DEBUG:-none}" </dev/null >>"$LAB_DIR/slapd.log" 2>&1 &
	echo $! >"$LAB_DIR/slapd.pid"
	lab_answers $! ldapwhoami -Q -Y EXTERNAL -H "$LDAPI_URI"
}

lab_slapd_start() {
	local tries port tls_port=
	lab_use "$1" || return 1
	[ -d "$LAB_DIR/slapd.d" ] || lab_slapd_create "${2:-}" || return 1
	lab_export LAB_DIRECTORY openldap
	lab_export LDAPI_URI "ldapi://${LAB_DIR//\//%2F}%2Fldapi"
	for ((tries = 0; tries < 5; tries++)); do
		if [ -f "$LAB_DIR/ports" ]; then
			read -r port tls_port <"$LAB_DIR/ports"
		else
			port=$(lab_free_port) || return 1
			[ ! -d "$LAB_DIR/tls" ] || tls_port=$(lab_free_port) || return 1
		fi
		if lab_slapd_run "$port" "$tls_port"; then
			echo "$port $tls_port" >"$LAB_DIR/ports"
			lab_slapd_export "$port" "$tls_port"
			return 0
		fi
		lab_end "$LAB_DIR/slapd.pid" KILL
	done
	tail -5 "$LAB_DIR/slapd.log" >&2
	lab_fail "$LAB_DIR: slapd does not start"
}

lab_slapd_export() {
	lab_export LDAP_URI "ldap://localhost:$1"
	lab_export LDAP_BASE "$LAB_BASE_DN"
	lab_export LDAP_CONFIG_BASE "CN=Configuration,$LAB_BASE_DN"
	# libldap otherwise asks Kerberos for ldap/<name of this machine>.
	lab_export LDAPSASL_NOCANON on
	[ -n "$2" ] || return 0
	lab_export LDAPS_URI "ldaps://localhost:$2"
	lab_export LDAP_CA_FILE "$LAB_DIR/tls/ca.pem"
	lab_export LDAPTLS_CACERT "$LAB_DIR/tls/ca.pem"
}

lab_admin() {
	local tool=$1
	shift
	case $LAB_DIRECTORY in
	samba) "$tool" -x -H "$LDAPI_URI" -D "cn=Administrator,cn=Users,$LAB_BASE_DN" -y "$(lab_password_file Administrator)" "$@" ;;
	389ds) "$tool" -x -H "$LDAPI_URI" -D "cn=Directory Manager" -y "$(lab_password_file manager)" "$@" ;;
	*) "$tool" -Q -Y EXTERNAL -H "$LDAPI_URI" "$@" ;;
	esac
}

lab_modify() {
	if [ "$LAB_DIRECTORY" = samba ]; then
		sed 's/^\([^: ]*\);binary:/\1:/; s/^\(\(add\|replace\|delete\): [^;]*\);binary$/\1/' | lab_admin ldapmodify -e relax
	else
		lab_admin ldapmodify
	fi
}

lab_finds() {
	local wanted=$1 got
	shift
	got=$("$@" -LLL | grep -c '^dn:')
	echo "$got entries, expected $wanted"
	[ "$got" -eq "$wanted" ]
}

lab_slapd_stop() {
	lab_end "$1/slapd.pid" TERM
}

lab_without_syncprov() {
	lab_slapd_stop "$1" && rm "$1/slapd.d/cn=config/olcDatabase={1}mdb/olcOverlay={0}syncprov.ldif" && lab_slapd_start "$1"
}

lab_slapd_kill() {
	lab_end "$1/slapd.pid" KILL
}

# lab_krb5_conf ADDRESS:PORT prints the krb5.conf of a client.
lab_krb5_conf() {
	cat <<-END
		[libdefaults]
			default_realm = $LAB_REALM
			dns_lookup_kdc = false
			dns_lookup_realm = false
			dns_canonicalize_hostname = false
			rdns = false
			ignore_acceptor_hostname = true
			udp_preference_limit = 1
		[realms]
			$LAB_REALM = {
				kdc = $1
			}
		[domain_realm]
			localhost = $LAB_REALM
			nwtraders.com = $LAB_REALM
			.nwtraders.com = $LAB_REALM
	END
}

lab_kdc_configure() {
	lab_krb5_conf "127.0.0.1:$1" >"$LAB_DIR/krb5.conf"
	cat >"$LAB_DIR/kdc.conf" <<-END
		[kdcdefaults]
			kdc_listen = ""
			kdc_tcp_listen = 127.0.0.1:$1
		[realms]
			$LAB_REALM = {
				database_name = $LAB_DIR/kdc/principal
				key_stash_file = $LAB_DIR/kdc/stash
				acl_file = $LAB_DIR/kdc/acl
				max_life = 10h
				supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
			}
		[logging]
			kdc = FILE:$LAB_DIR/kdc.log
	END
}

# The kadmin commands that make the realm's principals: demo people and machines, and the services with their keytabs.
lab_kdc_principals() {
	local name
	sed -n 's/^sAMAccountName: \([a-z0-9]*\)\($\{0,1\}\)$/addprinc -pw \1-Passw0rd \1\2/p' \
		"$LAB_LDIF/tree/30-organisation.ldif"
	for name in HTTP/localhost ldap/localhost ldap/127.0.0.1 "ldap/$(hostname)"; do
		echo "addprinc -randkey $name"
	done
	echo "ktadd -k $LAB_DIR/http.keytab HTTP/localhost"
	echo "ktadd -k $LAB_DIR/ldap.keytab ldap/localhost ldap/127.0.0.1 ldap/$(hostname)"
	echo "ktadd -norandkey -k $LAB_DIR/dircad.keytab dircad"
}

lab_kdc_create() {
	lab_mkdir "$LAB_DIR/kdc" || return 1
	printf 'lab-master\nlab-master\n' | kdb5_util create -s -r "$LAB_REALM" >"$LAB_DIR/kadmin.log" 2>&1 || return 1
	lab_kdc_principals | kadmin.local -r "$LAB_REALM" >>"$LAB_DIR/kadmin.log" 2>&1 || return 1
	[ -s "$LAB_DIR/http.keytab" ] && [ -s "$LAB_DIR/ldap.keytab" ]
}

lab_kdc_run() {
	lab_kdc_configure "$1"
	krb5kdc -n </dev/null >>"$LAB_DIR/kdc.out" 2>&1 &
	echo $! >"$LAB_DIR/kdc.pid"
	# A ticket proves that it is this KDC that listens there.
	lab_answers $! kinit -k -t "$LAB_DIR/http.keytab" -c "FILE:$LAB_DIR/kdc/probe" HTTP/localhost
}

lab_kdc_start() {
	local tries port
	lab_use "$1" || return 1
	lab_export KRB5_CONFIG "$LAB_DIR/krb5.conf"
	lab_export KRB5_KDC_PROFILE "$LAB_DIR/kdc.conf"
	lab_export KRB5CCNAME "FILE:$LAB_DIR/ccache"
	lab_export LAB_HTTP_KEYTAB "$LAB_DIR/http.keytab"
	lab_export LAB_LDAP_KEYTAB "$LAB_DIR/ldap.keytab"
	lab_export LAB_DIRCAD_KEYTAB "$LAB_DIR/dircad.keytab"
	lab_kdc_configure 0 || return 1
	if [ ! -f "$LAB_DIR/kdc/principal" ] && ! lab_kdc_create; then
		cat "$LAB_DIR/kadmin.log" >&2
		lab_fail "$LAB_DIR: the realm could not be made"
		return 1
	fi
	for ((tries = 0; tries < 5; tries++)); do
		port=$(lab_free_port) || return 1
		if lab_kdc_run "$port"; then
			return 0
		fi
		lab_end "$LAB_DIR/kdc.pid" KILL
	done
	tail -5 "$LAB_DIR/kdc.out" >&2
	lab_fail "$LAB_DIR: the KDC does not start"
}

lab_kdc_stop() {
	lab_end "$1/kdc.pid" TERM
}
