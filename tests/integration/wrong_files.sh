#!/usr/bin/env bash
# Every verb and option that reads a file, given each kind of file that is not wanted there: the sentence names the file and says what it is,
# in nobody's words but ours. No directory and no running CA. usage: wrong_files.sh
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-wrong-files.XXXXXX)
checks_begin "$dir"
trap 'checks_clean "$dir"' EXIT
cd "$dir" || exit 1
export HOME=$dir
program=${DIRCA_BIN:-$here/../../build/dev/bin}/dirca
dirca() { "$program" "$@" </dev/null; }
echo pw >pw && chmod 600 pw

# ---- files ----
make() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out own.pem -days 9 -subj /CN=own -addext keyUsage=keyCertSign &&
		openssl req -x509 -newkey rsa:2048 -nodes -keyout kra.key -out kra.pem -days 9 -subj /CN=kra \
			-addext keyUsage=keyEncipherment -addext extendedKeyUsage=1.3.6.1.4.1.311.21.6 &&
		openssl req -x509 -key kra.key -out import.pem -days 9 -subj /CN=import -addext keyUsage=keyEncipherment -addext extendedKeyUsage=1.2.840.113556.1.8000.2554.37439.18520.28200.17134.42653.6345135.7414574.4.6 &&
		openssl pkcs12 -export -inkey kra.key -in kra.pem -passout file:pw -out pfx &&
		openssl pkcs12 -export -inkey kra.key -in kra.pem -certfile own.pem -passout file:pw -out kra.pfx &&
		base64 pfx | sed '1i -----BEGIN CERTIFICATE-----' | sed '$a -----END CERTIFICATE-----' >encoded &&
		openssl pkcs8 -topk8 -in kra.key -passout file:pw -out sealed && cp own.pem certificate &&
		openssl req -new -key kra.key -subj /CN=u -out request && : >index && echo 01 >number &&
		printf '[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=9\n' >cnf &&
		openssl ca -config cnf -gencrl -keyfile key -cert own.pem -out crl && openssl pkey -in key -pubout -out public &&
		openssl crl2pkcs7 -nocrl -certfile own.pem -outform DER -out bundle &&
		openssl cms -sign -in cnf -signer own.pem -inkey key -outform DER -out signed &&
		openssl cms -encrypt -in cnf -outform DER -out encrypted own.pem &&
		cp "$here/../fuzz/corpus/recovery_blob/rsa" blob && echo hello >text && : >empty && printf 'PK\3\4\0\0' >zip &&
		head -c 300 pfx >./cut && (openssl x509 -in own.pem -outform DER && echo more) >trailing && printf 'SQLite format 3\0' >db && printf '[Version]\n[NewRequest]\n' >inf && printf 'dn: CN=a\nx: y\n' >ldif
} 2>/dev/null
check "files of every kind" make
cat >dircad.conf <<-END
	ca_name = Wrong-Files
	host = localhost
	state_dir = $dir/state
	dir_uris = ldap://localhost:1
END
thumb=$(openssl x509 -in import.pem -noout -fingerprint -sha1 | sed "s,.*=,,;s,:,,g" | cut -c1-8)
check "a CA" dirca ca init -c dircad.conf --key p256
check "and the request of one" eval 'sed "s/state$/sub/" dircad.conf >sub.conf && dirca ca init -c sub.conf --key p256 --subordinate'

declare -A kind=([pfx]='a PKCS#12' [encoded]='a PKCS#12' [key]='a private key' [sealed]='an encrypted private key'
	[certificate]='a certificate' [request]='a certificate request (PKCS#10)' [crl]='a CRL' [public]='a public key'
	[bundle]='a PKCS#7 bundle of certificates' [signed]='a signed message' [encrypted]='an encrypted message' [blob]='a recovery BLOB'
	[text]='a text file' [empty]='an empty file' [zip]='a ZIP archive' [cut]='damaged, cut off'
	[trailing]='damaged, cut off' [db]='an SQLite database' [inf]='an INF file'
	[ldif]='LDIF')
certificates='certificate bundle'
keys="pfx encoded key sealed $certificates"

# What no content makes right: told at once, without waiting for a writer or for memory.
mkdir folder && mkfifo fifo && truncate -s 2G large
declare -A odd=([folder]='a folder, not a regular file' [fifo]='not a regular file' [large]='larger than|this is of no kind' [/dev/zero]='not a regular file'
	[/none]='cannot open: No such file or directory')

# ---- verbs ----
# told FITTING COMMAND...: each file but those that fit is refused by name and kind where the command says @; FITTING with "odd": devices and
# what is not there are tried too, which all open as FIFOs do
told() {
	local fitting=" $1 " file text command bad=0
	shift
	for file in "${!kind[@]}"; do
		command=("${@//@/$file}")
		[[ -e x || -e x.pfx || -e x.req ]] && rm -f x x.pfx x.req
		text=$(dirca "${command[@]}" 2>&1) && [[ $fitting != *" $file "* ]] && text="taken: $text"
		text=${text//--asn1/}
		if [[ ${text,,} =~ asn1|error:|routines|\ eof|bad\ decrypt|^taken ]] ||
			{ [[ $fitting != *" $file "* ]] && [[ $text != *"$file: this is ${kind[$file]}"*@(wanted|shown)* ]]; }; then
			echo "${command[*]}: $text"
			bad=1
		fi
	done
	for file in "${!odd[@]}"; do
		[[ $fitting != *" $file "* ]] || continue
		[[ $file != /* || $fitting == *" odd "* ]] || continue
		command=("${@//@/$file}")
		text=$(timeout 60 "$program" "${command[@]}" 2>&1 </dev/null) && text="taken: $text"
		[[ $text != taken* && $text =~ $file:\ (${odd[$file]}) ]] || { echo "${command[*]}: $text" && bad=1; }
	done
	return $bad
}
certificate() { told "$certificates" "$@"; }
p='--password-file pw' o='--out-password-file pw'
# shellcheck disable=SC2086 # options
{
	check "kra add" told "$certificates odd" kra add -c dircad.conf @
	check "kra issuers add" told "$certificates /none" kra issuers add -c dircad.conf @
	check "ca init --install" certificate ca init -c sub.conf --install @
	check "ca init --install --chain" certificate ca init -c sub.conf --install own.pem --chain @
	check "ca install" certificate ca install -c dircad.conf @
	check "ca init --import-pfx" told "$keys" ca init -c dircad.conf --import-pfx @ --pfx-password-file pw --crl-number 1
	check "ca init --import-pfx --crl" told crl ca init -c dircad.conf --import-pfx kra.pfx --pfx-password-file pw --crl @
	check "convert" told "$keys" convert @ x.pfx $p $o
	check "mergepfx" told "$keys" mergepfx kra.pfx @ x.pfx $p $o
	check "importpfx" told "$keys" importpfx @ --folder "$dir/keys" $p
	check "verifykeys" told "$keys blob" verifykeys @ $p
	check "verifykeys --ca" certificate verifykeys blob --ca @
	check "dump" told "$keys request crl signed encrypted blob public" dump @ --key-password-file pw
	check "dump --private-key" told "$keys" dump own.pem --private-key @ --key-password-file pw
	check "recoverkey" told blob recoverkey @
	check "recoverkey --ca" certificate recoverkey blob --ca @
	check "recoverkey --kra" told "$keys folder" recoverkey blob x.pfx --kra @ --kra-password-file pw $o
	check "recoverkey --kra-certificate" certificate recoverkey blob x.pfx --kra kra.pfx --kra-password-file pw --kra-certificate @ $o
	check "archive rewrap" told signed archive rewrap @ x --to kra.pem --kra kra.pfx --kra-password-file pw
	check "archive rewrap --to" certificate archive rewrap blob x --to @ --kra kra.pfx --kra-password-file pw
	check "archive rewrap --kra" told "$keys folder" archive rewrap blob x --to kra.pem --kra @ --kra-password-file pw
	check "archive drill run" told '' archive drill run @ x --kra kra.pfx --kra-password-file pw
	check "exportkms --recipient" certificate exportkms kra.pfx --recipient @ --signer kra.pfx --signer-password-file pw --out x
	check "new" told 'inf text' new @ x.req -H ldap://localhost:1 $o
	check "submit" told request submit @ -H ldap://localhost:1
	check "kra publish" certificate kra publish @ -H ldap://localhost:1
	check "of which none is published unless all can be" refuses "text: this is a text file" dirca kra publish kra.pem text -H ldap://localhost:1
	check "kra unpublish" told "$certificates /none" kra unpublish @ -H ldap://localhost:1
	check "template import" told 'ldif text' template import @ -H ldap://localhost:1
	check "sd show" told 'odd' sd show @
	check "enroll --renew" told "$keys" enroll User --renew @ --renew-password-file pw -H ldap://localhost:1 $o
	check "enroll --agent" told "$keys" enroll User --agent @ --agent-password-file pw -H ldap://localhost:1 $o
	check "exportkms" told "$keys blob ldif signed folder" exportkms @ --recipient import.pem --thumbprint "$thumb" --signer kra.pfx --signer-password-file pw --out x
	check "exportkms --signer" told "$keys" exportkms kra.pfx --recipient import.pem --thumbprint "$thumb" --signer @ --signer-password-file pw --out x
	check "exportkms --opener" told "$keys" exportkms kra.pfx --opener @ --opener-password-file pw --recipient import.pem --thumbprint "$thumb" --signer kra.pfx --signer-password-file pw --out x
	check "exportkms --certificates" certificate exportkms kra.pfx --certificates @ --recipient import.pem --thumbprint "$thumb" --signer kra.pfx --signer-password-file pw --out x
	check "audit verify" told 'text empty inf ldif fifo odd' audit verify @
	check "of a pipe without a writer nothing is waited for" refuses 'The chain holds up to row 0.' timeout 60 "$program" audit verify fifo
	check "audit verify --ca" certificate audit verify text --ca @
	check "import adcs" told 'text odd' import adcs -c dircad.conf @ --dry-run
	check "cas --tls-ca" certificate cas -H ldaps://localhost:1 --tls-ca @
	check "setup --tls-ca" certificate setup --dry-run --ca-name A --host localhost --service-uri ldaps://localhost --service-dn cn=a --tls-ca @
	check "accept" told "$certificates" accept @ -H ldap://localhost:1
}

# ---- the command that helps works as it stands, whatever the file is called ----
cures() { # NAME WORDS COMMAND...
	local name=$1 words=$2 text
	shift 2
	text=$(dirca "$@" 2>&1)
	text=${text#*\`dirca } text=${text%%\`*}
	echo "dirca $text"
	eval "dirca $text $words" && test -f "$name.p7b"
}
awkward="a'b "'$c.pfx'
cp kra.pfx "$awkward" && cp kra.pfx -- -dash.pfx
check "out of a PKCS#12 comes what is wanted" cures "$awkward" '--password-file pw' recoverkey blob --ca "$awkward"
check "and is taken" refuses "NOT VERIFIED" eval 'dirca recoverkey blob --ca "$awkward.p7b" && false'
check "of a name with a dash before it" cures ./-dash.pfx '--password-file pw' recoverkey blob --ca -dash.pfx
check "and the leaf of the bundle is the agent" says "CN=kra" dirca dump ./-dash.pfx.p7b
checks_end
