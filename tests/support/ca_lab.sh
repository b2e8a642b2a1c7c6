# shellcheck shell=bash
# A CA on top of tests/support/lab.sh or samba_lab.sh: a private directory (and KDC), dircad with a fresh database, demo
# people who call it. DIRECTORY in the environment chooses: openldap (default), samba or 389ds, which know
# MECH gssapi and basic.
# Source it; every function returns non-zero and says why on stderr when it fails. Everything lies in the folder DIR, and
# only processes started here are ended.
#
#   ca_lab_start DIR [MECH [KIND [NAME]]]
#                            MECH: scram (default; Samba and 389: basic), gssapi, basic or external, used by people at the directory and at the
#                            CA, and by dircad at the directory. KIND: key of the CA, default rsa2048. NAME: of the CA.
#                            Exports DIRCAD_CONF, CA_NAME, CA_URL, CA_HTTP_URL, CA_SOCKET, CA_STATE
#   ca_lab_prepare DIR [MECH [NAME]]
#                            the same as far as directory and dircad.conf, without a CA
#   ca_lab_stop              ends dircad, directory and KDC in good order
#   ca_lab_directory_start   starts the directory (again) that ca_lab_directory_stop ended
#   ca_lab_directory_stop
#   ca_lab_dircad_start      starts dircad (again) and waits until it answers
#   ca_lab_dircad_stop
#   ca_lab_dircad_kill       ends it and its processes as a power cut would
#   ca_lab_refuses_to_start WORDS
#                            dircad says these words and serves nobody
#   ca_lab_as USER VERB...   dirca as that person (external: as the local user, whoever USER is)
#   ca_lab_home USER         prints the person's HOME, which holds .config/dirca.conf
#   ca_lab_pass              prints the name of a file with a password for PKCS#12 files
#   ca_lab_allow_ec NAME...  these templates take keys of 256 bits, as one for elliptic curves says of itself
#   ca_lab_has_read          what was changed in the directory is in force, whatever it was
#   ca_lab_kras N [KIND]     kra1..N get KeyRecoveryAgent certificates that officer1 approves: DIR/kraN.pfx and DIR/kraN.crt;
#                            kra add, kra publish, kra count 2 (or 1 if N is 1)
#   ca_lab_no_quota          one account may ask for any number of certificates
#   ca_lab_kra VERB ...      dirca kra VERB on the CA's machine
#   ca_lab_usable_kras N     until so many count
#   ca_lab_count_by_hand N   kra count N, written where root could write it: the verb would refuse it
#   ca_lab_opens BLOB PFX KEY [OPTION...]
#                            the KRA of PFX opens the recovery BLOB, and in it is the private key of KEY, a PKCS#12 file
#   ca_lab_reload            SIGHUP to dircad
#   ca_lab_parent DAYS       DIR/parent.crt and DIR/parent.key: another CA, whose name is Parent
#   ca_lab_parent_signs NAME DAYS EKU [EXTENSION [CA]]
#                            DIR/NAME.crt and DIR/NAME.key: a certificate for encryption, CN=NAME, by it or DIR/CA.crt
#   ca_lab_parent_cdp        a place for its CRL in the directory
#   ca_lab_parent_crl [SERIAL]
#                            its CRL, which lists that certificate, goes there
#   ca_lab_sub NAME          DIR/NAME.crt and DIR/NAME.key: a CA below it
#   ca_lab_published, ca_lab_cdp, ca_lab_crl NAME
#                            of DIR/NAME.crt and DIR/NAME.key, a CA's: the certificate in CN=AIA, and as above
#
#   ca_lab_watch_programs LIBRARY FILE
#                            every program that begins from now on leaves its argument list and environment in FILE (exec_shim)
#   ca_lab_says_nothing_of FILE...
#                            the first line of each, a password, is in none of them, nor in dircad's log
#
# DIRCA_BIN is the folder of the programs. CA_LAB_OPTIONS may hold further lines for dircad.conf, CA_LAB_PRELOAD a library for dircad,
# CA_LAB_SERVICE_USERS the two that front and vault run as, where root runs the test: "proxy uucp", which every Debian has.

# shellcheck source-path=SCRIPTDIR source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source-path=SCRIPTDIR source=samba_lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/samba_lab.sh"
# shellcheck source-path=SCRIPTDIR source=ds389_lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/ds389_lab.sh"

DIRECTORY=${DIRECTORY:-openldap}
CA_LAB_MECH_DEFAULT=scram
[ "$DIRECTORY" = openldap ] || CA_LAB_MECH_DEFAULT=basic
DIRCA_BIN=${DIRCA_BIN:-$LAB_SOURCE_DIR/build/dev/bin}
CA_LAB_USERS=cn=Users,$LAB_BASE_DN
declare -A CA_LAB_DN # of those whose DN is not cn=NAME,$CA_LAB_USERS

# Who the local user is for dircad: the officers' and everybody's part is played by one person when MECH is external.
CA_LAB_LOCAL=caadmin

# Whoever reads or writes the database beside dircad waits until it is free.
sqlite3() {
	command sqlite3 -cmd '.timeout 60000' "$@"
}

ca_lab_home() {
	echo "$CA_LAB_DIR/home/$1"
}

ca_lab_pass() {
	echo "$CA_LAB_DIR/pfx-password"
}

# The person's dirca.conf.
ca_lab_person() {
	local home
	home=$CA_LAB_DIR/home/$1
	[ ! -f "$home/.config/dirca.conf" ] || return 0
	lab_mkdir "$home/.config" || return 1
	{
		case $CA_LAB_MECH in
		scram)
			printf 'uri = %s\ntls_ca = %s\nmech = SCRAM-SHA-256\nuser = %s\n' "$LDAPS_URI" "$LDAP_CA_FILE" "$1"
			echo "password_file = $(lab_password_file "$1")"
			;;
		gssapi)
			printf 'uri = %s\nmech = GSSAPI\n' "$LDAP_URI"
			;;
		basic)
			printf 'uri = %s\ntls_ca = %s\nmech = SIMPLE\nuser = %s\n' "$LDAPS_URI" "$LDAP_CA_FILE" "$1"
			printf 'bind_dn = %s\npassword_file = %s\n' "${CA_LAB_DN[$1]:-cn=$1,$CA_LAB_USERS}" "$(lab_password_file "$1")"
			;;
		external)
			printf 'uri = %s\nmech = EXTERNAL\nsocket = %s\nca = %s\n' "$LDAPI_URI" "$CA_SOCKET" "$CA_NAME"
			;;
		esac
	} >"$home/.config/dirca.conf"
}

ca_lab_as() {
	local user=$1 home=$CA_LAB_DIR/home/$1
	shift
	ca_lab_person "$user" || return 1
	if [ "$CA_LAB_MECH" = gssapi ]; then
		[ -f "$home/ccache" ] ||
			kinit -c "FILE:$home/ccache" "$user" <"$(lab_password_file "$user")" >/dev/null || return 1
		HOME=$home KRB5CCNAME=FILE:$home/ccache "$DIRCA_BIN/dirca" "$@"
	else
		HOME=$home "$DIRCA_BIN/dirca" "$@"
	fi
}

# How dircad reaches the directory.
ca_lab_directory_lines() {
	case $CA_LAB_MECH-$DIRECTORY in
	gssapi-samba | gssapi-389ds)
		printf 'dir_uris = %s\ndir_auth = gssapi\ndir_keytab = %s\n' "$LDAP_URI" "$LAB_DIRCAD_KEYTAB"
		;;
	external-*)
		printf 'dir_uris = %s\ndir_auth = external\n' "$LDAPI_URI"
		;;
	basic-*)
		printf 'dir_uris = %s\ndir_tls_ca = %s\ndir_auth = simple\n' "$LDAPS_URI" "$LDAP_CA_FILE"
		printf 'dir_bind_dn = cn=dircad,%s\ndir_password_file = %s\n' "$CA_LAB_USERS" "$(lab_password_file dircad)"
		;;
	*)
		printf 'dir_uris = %s\ndir_tls_ca = %s\ndir_auth = scram\ndir_authcid = dircad\n' "$LDAPS_URI" "$LDAP_CA_FILE"
		echo "dir_password_file = $(lab_password_file dircad)"
		;;
	esac
}

ca_lab_configure() {
	local port http_port
	port=$(lab_free_port) && http_port=$(lab_free_port) || return 1
	lab_export CA_STATE "$CA_LAB_DIR/state"
	lab_export CA_SOCKET "$CA_LAB_DIR/dircad.socket"
	lab_export CA_URL "https://localhost:$port"
	lab_export CA_HTTP_URL "http://localhost:$http_port"
	lab_export DIRCAD_CONF "$CA_LAB_DIR/dircad.conf"
	{
		cat <<-END
			ca_name = $CA_NAME
			host = localhost
			state_dir = $CA_STATE
			listen = 127.0.0.1:$port
			http_listen = 127.0.0.1:$http_port
			http_url = $CA_HTTP_URL
			socket = $CA_SOCKET
			peers = $(id -u) $CA_LAB_LOCAL@nwtraders.com
			realm = nwtraders.com
			refresh_s = 1
		END
		ca_lab_directory_lines
		# A password that goes over the channel cannot be bound to it.
		[ "$CA_LAB_MECH" != basic ] || echo "channel_binding = off"
		[ "$CA_LAB_MECH" != gssapi ] || echo "keytab = $LAB_HTTP_KEYTAB"
		[ "$CA_LAB_MECH" != external ] || printf 'allow_own_requests = yes\nallow_same_holder = yes\n'
		[ -z "${CA_LAB_SERVICE_USERS:-}" ] ||
			printf 'user = %s\nvault_user = %s\n' "${CA_LAB_SERVICE_USERS% *}" "${CA_LAB_SERVICE_USERS#* }"
		printf '%s' "${CA_LAB_OPTIONS:-}"
	} >"$DIRCAD_CONF"
}

ca_lab_answers() {
	curl -sf --max-time 10 --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts"
}

ca_lab_dircad_start() {
	LD_PRELOAD=${CA_LAB_PRELOAD:-} "$DIRCA_BIN/dircad" -c "$DIRCAD_CONF" </dev/null >>"$CA_LAB_DIR/dircad.log" 2>&1 &
	echo $! >"$CA_LAB_DIR/dircad.pid"
	lab_answers $! ca_lab_answers && return 0
	tail -5 "$CA_LAB_DIR/dircad.log" >&2
	lab_fail "$CA_LAB_DIR: dircad does not start"
}

# A dircad that does not end when it is told to is a failure, and does not outlive the test all the same.
ca_lab_dircad_stop() {
	local pid children
	[ -f "$CA_LAB_DIR/dircad.pid" ] || return 0
	pid=$(<"$CA_LAB_DIR/dircad.pid")
	children=$(ps -o pid= --ppid "$pid")
	lab_end "$CA_LAB_DIR/dircad.pid" TERM && return 0
	# shellcheck disable=SC2086 # a list of numbers
	kill -KILL "$pid" $children 2>/dev/null
	return 1
}

# The end of a power cut, but for the files: nothing is left of dircad.
ca_lab_dircad_kill() {
	local pid pair
	pid=$(<"$CA_LAB_DIR/dircad.pid")
	pair=$(ps -o pid= --ppid "$pid")
	lab_end "$CA_LAB_DIR/dircad.pid" KILL || return 1
	# shellcheck disable=SC2086 # a list of numbers
	ca_lab_eventually ca_lab_are_gone $pair
}

ca_lab_are_gone() {
	local pid
	for pid; do
		lab_is_gone "$pid" || { echo "process $pid outlived its supervisor"; return 1; }
	done
}

# ca_lab_refuses_to_start WORDS: dircad says so, and does not go on; it is not waited for until it has tried so many times.
ca_lab_refuses_to_start() {
	local log=$CA_LAB_DIR/refused.log pid status=0
	"$DIRCA_BIN/dircad" -c "$DIRCAD_CONF" </dev/null >"$log" 2>&1 &
	pid=$!
	ca_lab_eventually ca_lab_said_or_gone "$pid" "$1" "$log"
	kill "$pid" 2>/dev/null
	wait "$pid" || status=$?
	cat "$log"
	grep -qF -- "$1" "$log" && ! grep -q 'event="ready"' "$log"
}

ca_lab_said_or_gone() {
	grep -qF -- "$2" "$3" || lab_is_gone "$1"
}

# ca_lab_eventually COMMAND...: until it succeeds, for LAB_PATIENCE_S at most; the last try is heard.
ca_lab_eventually() {
	local until=$((SECONDS + LAB_PATIENCE_S))
	while [ "$SECONDS" -le "$until" ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	"$@"
}

# ca_lab_has_read: dircad has read the directory since this was called, whatever it reads first: a second change is seen after the first.
ca_lab_has_read() {
	local mark=lab-$SRANDOM change
	for change in add delete; do
		printf 'dn: CN=%s,CN=Enrollment Services,CN=Public Key Services,CN=Services,%s\nchangetype: modify\n%s: certificateTemplates\ncertificateTemplates: %s\n' \
			"$CA_NAME" "$LDAP_CONFIG_BASE" $change "$mark" | lab_modify >/dev/null &&
			ca_lab_eventually ca_lab_status "(.templates | index(\"$mark\") == null) == (\"$change\" == \"delete\")" >/dev/null || return 1
	done
}

# On Samba and 389 by the administrator: there dircad may not write who the CAs are that everybody trusts (ldif/README.md).
ca_lab_publish() {
	local local_officer=() as_me=()
	[ "$CA_LAB_MECH" != external ] || local_officer=(--officer "$CA_LAB_LOCAL")
	case $CA_LAB_MECH-$DIRECTORY in
	gssapi-samba | gssapi-389ds) as_me=(--uri "$LDAP_URI") ;;
	basic-samba | basic-389ds) as_me=(--uri "$LDAPS_URI") ;;
	esac
	ca_lab_as caadmin ca publish -c "$DIRCAD_CONF" --admin "CA Administrators" --officer "Certificate Managers" \
		"${local_officer[@]}" "${as_me[@]}" --auditor Auditors --template User --template EFS --template EFSArchive \
		--template UserArchive --template KeyRecoveryAgent >"$CA_LAB_DIR/publish.out"
}

# ca_lab_status FILTER: jq's verdict about `dirca ca status`. Not through a pipe: jq finds nothing wrong with no input.
ca_lab_status() {
	local answer
	answer=$(ca_lab_as caadmin ca status --json) && jq -e "$1" <<<"$answer"
}

# dircad has seen what was published: the administrator may ask it, and it issues.
ca_lab_is_ready() {
	ca_lab_status '.directory_fresh and (.templates | index("KeyRecoveryAgent") != null)'
}

ca_lab_directory_start() {
	case $CA_LAB_MECH-$DIRECTORY in
	gssapi-samba | basic-samba)
		samba_lab_start "$CA_LAB_DIR"
		return
		;;
	basic-389ds | gssapi-389ds)
		[ "$CA_LAB_MECH" = basic ] || lab_kdc_start "$CA_LAB_DIR" || return 1
		ds389_lab_start "$CA_LAB_DIR"
		return
		;;
	*-samba | *-389ds)
		lab_fail "$DIRECTORY knows no MECH $CA_LAB_MECH"
		return 1
		;;
	gssapi-*)
		lab_kdc_start "$CA_LAB_DIR" || return 1
		;;
	esac
	lab_slapd_start "$CA_LAB_DIR" --tls
}

ca_lab_directory_stop() {
	local status=0
	lab_slapd_stop "$CA_LAB_DIR" || status=1
	samba_lab_stop "$CA_LAB_DIR" || status=1
	ds389_lab_stop "$CA_LAB_DIR" || status=1
	lab_kdc_stop "$CA_LAB_DIR" || status=1
	return $status
}

ca_lab_prepare() {
	CA_LAB_MECH=${2:-$CA_LAB_MECH_DEFAULT}
	lab_use "$1" || return 1
	CA_LAB_DIR=$LAB_DIR
	lab_export CA_NAME "${3:-NWTraders-CA}"
	ca_lab_directory_start || return 1
	(umask 077 && printf 'pfx-Passw0rd\n' >"$(ca_lab_pass)")
	[ -z "${CA_LAB_SERVICE_USERS:-}" ] || chmod 711 "$CA_LAB_DIR" "$CA_LAB_DIR/tls" || return 1
	ca_lab_configure && lab_export PATH "$DIRCA_BIN:$PATH"
}

ca_lab_start() {
	ca_lab_prepare "$1" "${2:-}" "${4:-}" || return 1
	"$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF" --key "${3:-rsa2048}" >"$CA_LAB_DIR/init.out" || return 1
	ca_lab_dircad_start && ca_lab_publish && ca_lab_eventually ca_lab_is_ready >/dev/null
}

ca_lab_stop() {
	local status=0
	ca_lab_dircad_stop || status=1
	ca_lab_directory_stop || status=1
	return $status
}

ca_lab_allow_ec() {
	local name
	for name; do
		printf 'dn: CN=%s,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\n' "$name" "$LDAP_CONFIG_BASE"
		printf 'changetype: modify\nreplace: msPKI-Minimal-Key-Size\nmsPKI-Minimal-Key-Size: 256\n\n'
	done | lab_modify >/dev/null && ca_lab_has_read
}

# ca_lab_enroll USER TEMPLATE OUT [OPTION...]: issued or pending; prints the JSON answer.
ca_lab_enroll() {
	local user=$1 template=$2 out=$3
	shift 3
	ca_lab_as "$user" enroll "$template" --json --out "$out" --out-password-file "$(ca_lab_pass)" "$@"
}

# The end entity's certificate of a PKCS#12 file as PEM.
ca_lab_certificate_of() {
	openssl pkcs12 -in "$1" -passin "file:$(ca_lab_pass)" -clcerts -nokeys 2>/dev/null | openssl x509
}

# Its private key; for tests only.
ca_lab_key_of() {
	openssl pkcs12 -in "$1" -passin "file:$(ca_lab_pass)" -nocerts -nodes 2>/dev/null | openssl pkey
}

# A template that pends: asked for by USER, approved by officer1, fetched by USER.
ca_lab_enroll_approved() {
	local user=$1 out=$3 id
	id=$(ca_lab_enroll "$@") && id=$(jq -e 'select(.disposition == "pending").request_id' <<<"$id") || return 1
	ca_lab_as officer1 approve "$id" >/dev/null &&
		ca_lab_as "$user" retrieve "$id" --key-file "$out.key" --out "$out" --out-password-file "$(ca_lab_pass)" >/dev/null
}

ca_lab_has_kras() {
	ca_lab_status "([.kras[] | select(.valid)] | length) == $1 and .kra_cert_count == $2"
}

ca_lab_kras() {
	local n=$1 i use=2 files=()
	[ "$n" -ge 2 ] || use=$n
	for ((i = 1; i <= n; i++)); do
		ca_lab_enroll_approved "kra$i" KeyRecoveryAgent "$CA_LAB_DIR/kra$i.pfx" --key "${2:-rsa2048}" &&
			ca_lab_certificate_of "$CA_LAB_DIR/kra$i.pfx" >"$CA_LAB_DIR/kra$i.crt" || return 1
		files+=("$CA_LAB_DIR/kra$i.crt")
	done
	{
		ca_lab_kra add "${files[@]}" &&
			ca_lab_as caadmin kra publish "${files[@]}" &&
			ca_lab_count_kras "$use"
	} >"$CA_LAB_DIR/kras.out" && ca_lab_eventually ca_lab_has_kras "$n" "$use" >/dev/null
}

# ca_lab_count_kras N: each key is sealed to N KRAs, as the CA says.
ca_lab_count_kras() {
	ca_lab_kra count "$1" && ca_lab_eventually ca_lab_status ".kra_cert_count == $1" >/dev/null
}

ca_lab_no_quota() {
	ca_lab_as caadmin setreg 'CA\MaxRequestsPerHour' 0 >/dev/null &&
		ca_lab_as caadmin setreg 'CA\MaxKilobytesPerHour' 0 >/dev/null
}

ca_lab_kra() {
	"$DIRCA_BIN/dirca" kra "$1" -c "$DIRCAD_CONF" "${@:2}"
}

ca_lab_usable_kras() {
	ca_lab_eventually ca_lab_status "([.kras[] | select(.counts)] | length) == $1" >/dev/null
}

ca_lab_reload() {
	kill -HUP "$(<"$CA_LAB_DIR/dircad.pid")"
}

ca_lab_count_by_hand() {
	sed -i "s/^count = .*/count = $1/" "$CA_STATE/trust/kra-enabled" && ca_lab_reload &&
		ca_lab_eventually ca_lab_status ".kra_cert_count == $1" >/dev/null
}

ca_lab_opens() {
	local key
	"$DIRCA_BIN/dirca" recoverkey "$1" "$CA_LAB_DIR/opened.pfx" --force --kra "$2" --kra-password-file "$(ca_lab_pass)" \
		--out-password-file "$(ca_lab_pass)" "${@:4}" || return 1
	key=$(ca_lab_key_of "$CA_LAB_DIR/opened.pfx") && [ -n "$key" ] && [ "$key" = "$(ca_lab_key_of "$3")" ]
}

ca_lab_parent() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$CA_LAB_DIR/parent.key" -out "$CA_LAB_DIR/parent.crt" -days "$1" -subj /CN=Parent \
		-addext keyUsage=critical,keyCertSign,cRLSign
}

ca_lab_parent_signs() {
	local file=$CA_LAB_DIR/$1
	local by=$CA_LAB_DIR/${5:-parent}
	openssl req -newkey rsa:2048 -nodes -keyout "$file.key" -out "$file.csr" -subj "/CN=$1" &&
		openssl x509 -req -in "$file.csr" -CA "$by.crt" -CAkey "$by.key" -days "$2" -out "$file.crt" -extfile \
			<(printf 'keyUsage = critical,keyEncipherment\nextendedKeyUsage = %s\n%s\n' "$3" "${4:-}")
}

ca_lab_sub() {
	local file=$CA_LAB_DIR/$1
	openssl req -newkey rsa:2048 -nodes -keyout "$file.key" -out "$file.csr" -subj "/CN=$1" &&
		openssl x509 -req -in "$file.csr" -CA "$CA_LAB_DIR/parent.crt" -CAkey "$CA_LAB_DIR/parent.key" -days 9 -out "$file.crt" -extfile \
			<(printf 'basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n')
}

ca_lab_published() {
	{
		printf 'dn: CN=%s,CN=AIA,CN=Public Key Services,CN=Services,%s\nchangetype: add\nobjectClass: container\nobjectClass: pkiCA\n' \
			"$1" "$LDAP_CONFIG_BASE"
		printf 'cn: %s\ncACertificate;binary:: %s\n' "$1" "$(openssl x509 -in "$CA_LAB_DIR/$1.crt" -outform DER | base64 -w 0)"
	} | lab_modify
}

ca_lab_cdp() {
	printf 'dn: CN=%s,CN=CDP,CN=Public Key Services,CN=Services,%s\nchangetype: add\nobjectClass: cRLDistributionPoint\ncn: %s\n' \
		"$1" "$LDAP_CONFIG_BASE" "$1" | lab_modify
}

ca_lab_crl() {
	local ca=$CA_LAB_DIR/$1
	: >"$ca.index" && echo 01 >"$ca.crlnumber" || return 1
	[ -z "${2:-}" ] || printf 'R\t401231000000Z\t%s,keyCompromise\t%s\tunknown\t/CN=x\n' "$(date -u +%y%m%d%H%M%SZ)" "$2" >"$ca.index"
	printf '[a]\ndatabase=%s\ncrlnumber=%s\ndefault_md=sha256\ndefault_crl_days=2\n' "$ca.index" "$ca.crlnumber" >"$ca.cnf"
	openssl ca -config "$ca.cnf" -name a -gencrl -keyfile "$ca.key" -cert "$ca.crt" -out "$ca.crl" || return 1
	{
		printf 'dn: CN=%s,CN=CDP,CN=Public Key Services,CN=Services,%s\nchangetype: modify\n' "$1" "$LDAP_CONFIG_BASE"
		printf 'replace: certificateRevocationList;binary\ncertificateRevocationList;binary:: %s\n\n' \
			"$(openssl crl -in "$ca.crl" -outform DER | base64 -w 0)"
	} | lab_modify
}

ca_lab_parent_cdp() {
	ca_lab_cdp parent
}

ca_lab_parent_crl() {
	ca_lab_crl parent "$@"
}

# A name as a part of a URL.
ca_lab_in_url() {
	jq -rn --arg n "$1" '$n | @uri'
}

# A certificate: in a file of PEM, or of PKCS#12 if its name says so.
ca_lab_pem() {
	case $1 in
	*.pfx) ca_lab_certificate_of "$1" ;;
	*) cat "$1" ;;
	esac
}

# Its SHA-1, which dirca names it by, and its serial number.
ca_lab_sha1() {
	ca_lab_pem "$1" | openssl x509 -outform DER | sha1sum | cut -c1-40
}

ca_lab_serial_of() {
	ca_lab_pem "$1" | openssl x509 -noout -serial | sed 's/^serial=//'
}

ca_lab_watch_programs() {
	CA_LAB_PRELOAD=$1
	export LD_PRELOAD=$1 EXEC_SHIM=$2
}

ca_lab_says_nothing_of() {
	local file status=0
	for file; do
		! head -1 "$file" | grep -aFf - "$EXEC_SHIM" "$CA_LAB_DIR/dircad.log" || status=1
	done
	return $status
}

# ca_lab_set_clock SECONDS: how far dircad's clock is ahead, which was started with CA_LAB_PRELOAD=libclock_shim.so and CLOCK_SHIM.
ca_lab_set_clock() {
	python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("q", int(sys.argv[2])))' "$CLOCK_SHIM" "$1"
}

# ca_lab_child ROLE: dircad's process in that role.
ca_lab_child() {
	pgrep -P "$(<"$CA_LAB_DIR/dircad.pid")" -f -- "--role=$1"
}

# The common name of a PEM certificate.
ca_lab_cn() {
	openssl x509 -in "$1" -noout -subject -nameopt multiline | sed -n 's/^ *commonName *= //p' | tail -1
}
