# shellcheck shell=bash
# A private Samba AD domain controller for tests, the twin of tests/support/lab.sh: the same realm, people, passwords, SIDs,
# templates and PKI containers, in Active Directory's terms. Source lab.sh first; the rules written there hold here too.
# Root only: the server has fixed ports below 1024, and so listens on an address of its own, 127.83.21.1 to 64, which
# needs no network namespace.
#
#   samba_lab_missing       says why no domain controller can run here and succeeds, or fails: then one can
#   samba_lab_start DIR [--bare]
#                           fills DIR if it is new, else starts the server that is in it again on the same address.
#                           Exports what lab_slapd_start --tls and lab_kdc_start do, but for KRB5_KDC_PROFILE and
#                           LAB_LDAP_KEYTAB, and LAB_DIRCAD_KEYTAB. There is no EXTERNAL; lab_admin is Administrator.
#                           --bare: the domain as Samba makes it, without anything of ldif/, ready for schema changes
#   samba_lab_stop DIR      ends it in good order
#   samba_lab_kill DIR      ends it as a power cut would
#   samba_lab_history DIR DN [VALUE...]
#                           gives it this sIDHistory, as base64: over LDAP nobody may
#
# Provisioning takes about 8 s and happens once: the result is kept under build/ of the checkout (or in the folder
# SAMBA_LAB_CACHE) as long as nothing that it is made of changes, and each DIR gets a copy.

SAMBA_LAB_NET=127.83.21
SAMBA_LAB_ADDRESSES=64
SAMBA_LAB_SID=S-1-5-21-3330634377-1326264276-632209373 # the demo domain's, ldif/README.md

samba_lab_missing() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "a Samba domain controller needs root: its ports are below 1024"
	elif ! command -v samba samba-tool >/dev/null || ! /usr/bin/python3 -c 'import samba.samdb' 2>/dev/null; then
		echo "Samba AD is not installed (samba, samba-ad-provision, samba-dsdb-modules, python3-samba)"
	else
		return 1
	fi
}

# The folder of what is provisioned, named by a hash of all that goes into it.
samba_lab_cached() {
	local hash
	hash=$(cat "${BASH_SOURCE[0]}" "$LAB_SOURCE_DIR/tests/support/samba_load.py" "$LAB_LDIF/schema/ad-dirca-authority.ldif" \
		"$LAB_LDIF"/tree/*.ldif <(samba --version) | sha256sum) || return 1
	echo "${SAMBA_LAB_CACHE:-$LAB_SOURCE_DIR/build/samba-lab}/${hash:0:16}"
}

# samba_lab_conf DIR ADDRESS: smb.conf of a server in DIR.
samba_lab_conf() {
	cat <<-END
		[global]
			netbios name = DC1
			realm = $LAB_REALM
			workgroup = ${LAB_REALM%.COM}
			server role = active directory domain controller
			server services = ldap, cldap, kdc
			bind interfaces only = yes
			interfaces = $2/8
			private dir = $1/private
			state directory = $1/state
			cache directory = $1/cache
			lock directory = $1
			pid directory = $1
			ncalrpc dir = $1/ncalrpc
			dsdb:schema update allowed = $([ -f "$1/http.keytab" ] && echo no || echo yes)
			tls cafile = $LAB_DIR/tls/ca.pem
			tls certfile = $LAB_DIR/tls/server.pem
			tls keyfile = $LAB_DIR/tls/server.key
	END
}

samba_lab_keytab() {
	samba-tool domain exportkeytab -s "$1/smb.conf" --principal="$2" "$1/$3.keytab"
}

# samba_lab_provision DIR: DIR/full is a domain with everything in it, not running; DIR/bare is the same without.
samba_lab_provision() {
	local dir=$1/full addresses
	lab_mkdir "$1" || return 1
	addresses=$(seq -f "$SAMBA_LAB_NET.%.0f" "$SAMBA_LAB_ADDRESSES")
	samba-tool domain provision --realm="$LAB_REALM" --domain="${LAB_REALM%.COM}" --server-role=dc --dns-backend=NONE \
		--domain-sid="$SAMBA_LAB_SID" --next-rid=2000 --adminpass=Administrator-Passw0rd --targetdir="$dir" \
		--host-name=dc1 --host-ip="$SAMBA_LAB_NET.1" --option="interfaces=lo" --option="bind interfaces only=yes" \
		--option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" --option="xattr_tdb:file=$dir/xattr.tdb" || return 1
	rm -rf "$dir/state/sysvol"
	cp -a "$dir" "$1/bare" && samba_lab_conf "$dir" "$SAMBA_LAB_NET.1" >"$dir/smb.conf" || return 1
	# shellcheck disable=SC2086 # a list of addresses
	/usr/bin/python3 "$LAB_SOURCE_DIR/tests/support/samba_load.py" "$dir/smb.conf" "$dir/private" "$LAB_LDIF" $addresses &&
		samba_lab_keytab "$dir" HTTP/localhost http && samba_lab_keytab "$dir" dircad dircad
}

# samba_lab_copy DIR full|bare: copies the provisioned domain to DIR; whoever comes first makes it.
samba_lab_copy() {
	local cached lock
	cached=$(samba_lab_cached) && lab_mkdir "${cached%/*}" || return 1
	exec {lock}>"${cached%/*}/lock" && flock "$lock" || return 1
	if [ ! -d "$cached" ]; then
		find "${cached%/*}" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
		if ! samba_lab_provision "$cached.new" >"${cached%/*}/log" 2>&1 || ! mv "$cached.new" "$cached"; then
			tail -20 "${cached%/*}/log" >&2
			exec {lock}>&-
			lab_fail "the domain could not be provisioned; the whole story is in ${cached%/*}/log"
			return 1
		fi
	fi
	cp -a "$cached/$2" "$1"
	exec {lock}>&-
}

samba_lab_krb5_conf() {
	lab_krb5_conf "$1:88" >"$LAB_DIR/krb5.conf"
}

samba_lab_answers() {
	ldapsearch -x -H "$LDAPI_URI" -s base -b '' dn && ldapsearch -x -H "ldaps://$1" -s base -b '' dn &&
		kinit -c "FILE:$LAB_DIR/ad/probe" Administrator <"$(lab_password_file Administrator)"
}

# samba_lab_run ADDRESS: fails with 2 if another server has the address. Its lock is held by the server itself, as an open
# file that it has inherited.
samba_lab_run() {
	local lock
	lab_mkdir /tmp/dirca-samba-lab && exec {lock}>"/tmp/dirca-samba-lab/$1" || return 1
	if ! flock -n "$lock"; then
		exec {lock}>&-
		return 2
	fi
	samba_lab_conf "$LAB_DIR/ad" "$1" >"$LAB_DIR/ad/smb.conf"
	samba_lab_krb5_conf "$1"
	samba -s "$LAB_DIR/ad/smb.conf" --interactive --model=single --debug-stdout </dev/null >>"$LAB_DIR/samba.log" 2>&1 &
	echo $! >"$LAB_DIR/samba.pid"
	exec {lock}>&-
	lab_answers "$(<"$LAB_DIR/samba.pid")" samba_lab_answers "$1"
}

samba_lab_start() {
	local tries status address
	lab_use "$1" || return 1
	[ ${#LAB_DIR} -le 75 ] || lab_fail "$LAB_DIR: too long for the name of a Unix socket in it" || return 1
	! samba_lab_missing >&2 || return 1
	if [ ! -d "$LAB_DIR/ad" ]; then
		# shellcheck disable=SC2046 # a list of addresses
		samba_lab_copy "$LAB_DIR/ad" "$([ "${2:-}" = --bare ] && echo bare || echo full)" && lab_make_tls $(seq -f "$SAMBA_LAB_NET.%.0f" "$SAMBA_LAB_ADDRESSES") || return 1
	fi
	samba_lab_export
	for ((tries = 0, status = 2; tries < 200 && status == 2; tries++)); do
		address=$SAMBA_LAB_NET.$((1 + SRANDOM % SAMBA_LAB_ADDRESSES))
		[ ! -f "$LAB_DIR/address" ] || address=$(<"$LAB_DIR/address")
		status=0
		samba_lab_run "$address" || status=$?
	done
	if [ "$status" -ne 0 ]; then
		lab_end "$LAB_DIR/samba.pid" KILL
		tail -5 "$LAB_DIR/samba.log" >&2
		lab_fail "$LAB_DIR: samba does not start on $address"
		return 1
	fi
	echo "$address" >"$LAB_DIR/address"
	lab_export LDAP_URI "ldap://$address"
	lab_export LDAPS_URI "ldaps://$address"
}

samba_lab_export() {
	lab_export LAB_DIRECTORY samba
	lab_export LDAPI_URI "ldapi://${LAB_DIR//\//%2F}%2Fad%2Fprivate%2Fldap_priv%2Fldapi"
	lab_export LDAP_BASE "$LAB_BASE_DN"
	lab_export LDAP_CONFIG_BASE "CN=Configuration,$LAB_BASE_DN"
	lab_export LDAP_CA_FILE "$LAB_DIR/tls/ca.pem"
	lab_export LDAPTLS_CACERT "$LAB_DIR/tls/ca.pem"
	lab_export LDAPSASL_NOCANON on
	lab_export KRB5_CONFIG "$LAB_DIR/krb5.conf"
	lab_export KRB5CCNAME "FILE:$LAB_DIR/ccache"
	lab_export LAB_HTTP_KEYTAB "$LAB_DIR/ad/http.keytab"
	lab_export LAB_DIRCAD_KEYTAB "$LAB_DIR/ad/dircad.keytab"
}

samba_lab_stop() {
	lab_end "$1/samba.pid" TERM
}

samba_lab_kill() {
	lab_end "$1/samba.pid" KILL
}

samba_lab_history() {
	/usr/bin/python3 - "$1/ad" "${@:2}" <<-'END'
		import base64, ldb, sys
		from samba.auth import system_session
		from samba.param import LoadParm
		from samba.samdb import SamDB
		lp = LoadParm()
		lp.load(sys.argv[1] + "/smb.conf")
		db = SamDB(url=sys.argv[1] + "/private/sam.ldb", lp=lp, session_info=system_session())
		change = ldb.Message(ldb.Dn(db, sys.argv[2]))
		values = [base64.b64decode(v) for v in sys.argv[3:]]
		change["sIDHistory"] = ldb.MessageElement(values, ldb.FLAG_MOD_REPLACE, "sIDHistory")
		db.modify(change)
	END
}
