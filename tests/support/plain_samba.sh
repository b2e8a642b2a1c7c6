# shellcheck shell=bash
# A Samba AD as `samba-tool domain provision` and Debian's unit make it, with a few people: nothing of dirca's is in it, and of PKI only what
# Samba brings. For a machine of its own (tests/support/under_systemd.sh), where it is installed: the server takes its usual ports and files.
# Source it after lab.sh.
#
#   plain_samba_start    realm ACME.EXAMPLE; the domain controller is dc1.acme.example, the machine ca.acme.example too. No DNS: /etc/hosts
#                        and /etc/krb5.conf name both
#
# People are alice, bert, otto and kim, whose password is NAME-Passw0rd; staff (alice, bert) and pki-admins (bert) are groups.

PLAIN_SAMBA_ADDRESS=127.0.0.10
PLAIN_SAMBA_PACKAGES=(samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)

plain_samba_provision() {
	rm -f /etc/samba/smb.conf
	samba-tool domain provision --realm=ACME.EXAMPLE --domain=ACME --server-role=dc --dns-backend=NONE --adminpass=Administrator-Passw0rd \
		--host-name=dc1 --host-ip="$PLAIN_SAMBA_ADDRESS" --option="interfaces=$PLAIN_SAMBA_ADDRESS/8" --option="bind interfaces only=yes" \
		--option="server services=ldap, cldap, kdc" --option="vfs objects=dfs_samba4 acl_xattr xattr_tdb" \
		--option="xattr_tdb:file=/var/lib/samba/xattr.tdb" >/var/log/samba/provision.log 2>&1 || { tail /var/log/samba/provision.log; return 1; }
}

plain_samba_people() {
	local name
	for name in alice bert otto kim; do
		samba-tool user create "$name" "$name-Passw0rd" --mail-address="$name@acme.example" || return 1
	done
	samba-tool group add staff && samba-tool group addmembers staff alice,bert &&
		samba-tool group add pki-admins && samba-tool group addmembers pki-admins bert
}

plain_samba_answers() {
	(: </dev/tcp/dc1.acme.example/389) && (: </dev/tcp/dc1.acme.example/88)
}

plain_samba_start() {
	printf '%s\n' "$PLAIN_SAMBA_ADDRESS dc1.acme.example dc1" "127.0.0.11 ca.acme.example ca" >>/etc/hosts
	printf '%s\n' '[libdefaults]' 'default_realm = ACME.EXAMPLE' '[realms]' 'ACME.EXAMPLE = {' "kdc = $PLAIN_SAMBA_ADDRESS" '}' '[domain_realm]' \
		'acme.example = ACME.EXAMPLE' >/etc/krb5.conf
	apt-get install -q --no-install-recommends "${PLAIN_SAMBA_PACKAGES[@]}" && systemctl disable --now smbd nmbd winbind && systemctl unmask samba-ad-dc || return 1
	plain_samba_provision && samba-tool spn add ldap/dc1.acme.example "DC1\$" && plain_samba_people && systemctl start samba-ad-dc || return 1
	lab_answers "$(systemctl show samba-ad-dc --value -p MainPID)" plain_samba_answers
}
