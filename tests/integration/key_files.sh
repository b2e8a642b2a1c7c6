#!/usr/bin/env bash
# Files with keys: every key of them goes in, comes out and is read by openssl, GnuTLS, NSS and Java, theirs by us. No CA, no directory.
# usage: key_files.sh LIBRARY (p11_shim)
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

shim=${1:?the PKCS#11 module}
dir=$(mktemp -d /tmp/dirca-key-files.XXXXXX)
checks_begin "$dir"
trap 'checks_clean "$dir"' EXIT
cd "$dir" || exit 1
export HOME=$dir
dirca() { "${DIRCA_BIN:-$here/../../build/dev/bin}/dirca" "$@" </dev/null; }
echo one >p1 && echo two >p2 && echo new >pn && echo wrong >px && chmod 600 p1 p2 pn px

# ---- keys, a chain of three CAs of which two have ended, theirs ----
pair() { # NAME ALGORITHM
	openssl req -x509 -newkey "${2%%:*}" -pkeyopt "${2#*:}" -nodes -keyout "$1.key" -out "$1.crt" -days 9 -subj "/CN=$1" 2>/dev/null
}
sign() { # NAME ISSUER DAYS EXTENSIONS
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null &&
		openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile <(echo "$4") -out "$1.crt" 2>/dev/null
}
make() {
	pair u1 rsa:rsa_keygen_bits:2048 && pair u2 ec:ec_paramgen_curve:P-256 && pair u3 rsa:rsa_keygen_bits:2048 &&
		pair root ec:ec_paramgen_curve:P-256 && sign sub root -1 basicConstraints=critical,CA:true &&
		sign low sub -1 basicConstraints=critical,CA:true && sign leaf low 1 keyUsage=digitalSignature &&
		openssl pkcs12 -export -inkey u1.key -in u1.crt -name Mail -passout file:p1 -out u1.pfx &&
		openssl pkcs12 -export -inkey u2.key -in u2.crt -name mail -passout file:p2 -out u2.pfx &&
		openssl pkcs12 -export -legacy -inkey u3.key -in u3.crt -passout file:p1 -out u3.pfx &&
		cat low.crt sub.crt root.crt >chain.pem &&
		openssl pkcs12 -export -inkey leaf.key -in leaf.crt -certfile chain.pem -passout file:p2 -out leaf.pfx
}
check "keys and their files" make
all='u1.pfx u2.pfx u3.pfx leaf.pfx'

# ---- merged ----
merge() { # OUT OPTION... with every password tried on every file
	# shellcheck disable=SC2086 # several files
	dirca mergepfx $all "$1" --password-file p2 --password-file p1 --out-password-file pn "${@:2}"
}
has_keys() { # FILE COUNT: openssl finds so many keys, and those of the four pairs among them
	openssl pkcs12 -in "$1" -passin file:pn -nodes -nocerts -out "$1.keys" && test "$(grep -c 'BEGIN PRIVATE' "$1.keys")" = "$2"
}
has_certificates() { openssl pkcs12 -in "$1" -passin file:pn -nokeys -out "$1.certs" && test "$(grep -c 'BEGIN CERT' "$1.certs")" = "$2"; }
check "four files become one" says "all.pfx: 4 private keys, 3 further certificates" merge all.pfx
two_lines() {
	openssl pkcs12 -export -inkey u1.key -in u1.crt -name "$(printf 'a)\nlines.pem: 9 private keys')" -passout file:p1 -out lines.pfx &&
		says 'u000alines.pem: 9 private keys)' dirca convert lines.pfx lines.pem --password-file p1 --format pem --plain
}
check "a name in one of them passes for no line of ours" two_lines
check "for its owner alone" is 600 stat -c %a all.pfx
check "nothing is written over" refuses ERROR_FILE_EXISTS merge all.pfx
check "but with --force" merge all.pfx --force
check "a link is never followed" eval 'ln -s elsewhere link && ! merge link --force && [ ! -e elsewhere ]'
check "openssl finds four keys" has_keys all.pfx 4
check "and seven certificates" has_certificates all.pfx 7
gnutls_keys() { certtool --p12-info --inder --infile "$1" --password new 2>/dev/null | grep -ac 'BEGIN.*PRIVATE KEY'; }
java_keys() { keytool -list -keystore "$1" -storetype PKCS12 -storepass:file pn 2>&1 | grep -c PrivateKeyEntry; }
check "GnuTLS finds four" is 4 gnutls_keys all.pfx
check "Java finds four, whose names differ" is 4 java_keys all.pfx
nss_keys() { # FILE: so many keys NSS takes from it
	rm -rf nss && mkdir nss && certutil -N -d sql:nss --empty-password >/dev/null && pk12util -i "$1" -d sql:nss -w pn >/dev/null &&
		certutil -K -d sql:nss | grep -c '^<'
}
check "NSS finds four" is 4 nss_keys all.pfx
check "again merged with itself nothing is twice" says "4 private keys, 3 further" \
	dirca mergepfx all.pfx u1.pfx twice.pfx --password-file pn --password-file p1 --out-password-file pn
check "what old programs read" eval 'merge old.pfx --legacy && has_keys old.pfx 4 &&
	openssl pkcs12 -in old.pfx -passin file:pn -noout -info 2>&1 | grep -q pbeWithSHA1And3-KeyTripleDES-CBC'
check "a password that no file has" refuses NTE_BAD_DATA dirca mergepfx u1.pfx x.pfx --password-file px --out-password-file pn
check "names the file" eval '! dirca mergepfx u1.pfx u2.pfx x.pfx --password-file p1 --out-password-file pn 2>err && grep -q "u2.pfx: " err'
check "and writes none" test ! -e x.pfx
check "half a file" eval 'head -c 1000 u1.pfx >half.pfx; ! dirca mergepfx half.pfx x.pfx --password-file p1 --out-password-file pn && [ ! -e x.pfx ]'
check "a key without certificate" refuses DIRCA_E_KEY_MISMATCH dirca mergepfx u1.key x.pfx --out-password-file pn
check "but with --force" eval 'dirca mergepfx u1.key x.pfx --out-password-file pn --force && has_keys x.pfx 1'
check "a key finds its certificate in another file" says "1 private key, 0 further" \
	dirca mergepfx u1.key u1.crt pair.pfx --out-password-file pn
check "no terminal, no password" refuses DIRCA_E_USAGE dirca mergepfx u1.key u1.crt none.pfx

# ---- theirs ----
theirs() {
	certtool --to-p12 --load-privkey u1.key --load-certificate u1.crt --p12-name gnutls --password one --outder --outfile gnutls.pfx 2>/dev/null &&
		pk12util -o nss.pfx -n "mail (2)" -d sql:nss -w p2 && keytool -importkeystore -srckeystore all.pfx -srcstorepass:file pn \
		-srcstoretype PKCS12 -destkeystore java.pfx -deststoretype PKCS12 -deststorepass:file pj 2>/dev/null
}
echo of-java >pj
check "files of GnuTLS, NSS and Java" theirs
check "are read" says "4 private keys" dirca mergepfx gnutls.pfx nss.pfx java.pfx theirs.pfx --password-file p1 --password-file p2 \
	--password-file pj --out-password-file pn

# ---- what a file may ask for ----
check "two hundred keys" eval 'openssl ecparam -name prime256v1 -out curve && : >many.pem && for i in $(seq 200); do
	openssl req -x509 -newkey ec:curve -nodes -keyout m.key -out m.crt -days 9 -subj "/CN=many $i" 2>/dev/null && cat m.key m.crt >>many.pem; done'
check "in one file" says "200 private keys" dirca convert many.pem many.pfx --out-password-file pn
check "openssl finds them" has_keys many.pfx 200
check "GnuTLS does" is 200 gnutls_keys many.pfx
check "Java does" is 200 java_keys many.pfx
check "NSS does" is 200 nss_keys many.pfx
check "and all their certificates" eval 'has_certificates many.pfx 200 &&
	[ "$(certtool --p12-info --inder --infile many.pfx --password new 2>/dev/null | grep -ac "BEGIN CERT")" = 200 ]'
check "we do" says "200 private keys" dirca convert many.pfx many2.pem --format pem --plain --password-file pn
giant() { # FILE: the MAC's count is 2147483647
	openssl pkcs12 -export -inkey u2.key -in u2.crt -passout file:p1 -out "$1" && python3 - "$1" <<'END'
import sys

def parts(der):  # tag, content of each element
    while der:
        n, at = der[1], 2
        if n >= 0x80:
            at += n & 0x7f
            n = int.from_bytes(der[2:at], "big")
        yield der[0], der[at:at + n]
        der = der[at + n:]

def element(tag, content):
    n = len(content)
    return bytes([tag]) + (bytes([n]) if n < 0x80 else b"\x82" + n.to_bytes(2, "big")) + content

(tag, content), = parts(open(sys.argv[1], "rb").read())
version, safe, (_, mac) = parts(content)
digest, salt, _ = parts(mac)
mac = element(0x30, element(*digest) + element(*salt) + element(2, b"\x7f\xff\xff\xff"))
open(sys.argv[1], "wb").write(element(tag, element(*version) + element(*safe) + mac))
END
}
check "a giant iteration count" giant giant.pfx
check "is refused" refuses "iteration count" dirca mergepfx giant.pfx x2.pfx --password-file p1 --out-password-file pn

# ---- other formats ----
convert() { dirca convert "$@" --out-password-file pn --password-file pn; }
check "PEM, encrypted" eval 'convert all.pfx all.pem --format pem && [ "$(grep -c "BEGIN ENCRYPTED PRIVATE KEY" all.pem)" = 4 ] &&
	[ "$(grep -c "BEGIN CERTIFICATE" all.pem)" = 7 ] && convert all.pem back.pfx && has_keys back.pfx 4'
check "PKCS#8 of one key" eval 'convert u1.key u1.p8 --format pkcs8 && openssl pkey -in u1.p8 -passin file:pn | cmp - <(openssl pkey -in u1.key)'
check "not of four" refuses ERROR_INVALID_DATA convert all.pfx x.p8 --format pkcs8
check "certificates alone" eval 'convert all.pfx all.p7b --format p7b && [ "$(openssl pkcs7 -inform DER -in all.p7b -print_certs | grep -c BEGIN)" = 7 ]'
check "one in DER" eval 'convert u1.crt u1.der --format der && openssl x509 -in u1.der -inform DER -noout'
check "to standard output" eval 'convert u1.key u1.crt - --format pem --plain 2>words | openssl x509 -noout -subject | grep -q u1 && grep -q "1 private key" words'
for how in none weak strong; do
	pvk() { openssl rsa -in u1.key -outform PVK "-pvk-$how" -passout file:p1 -provider legacy -provider default -out "$how.pvk"; }
	check "PVK of openssl ($how)" pvk
	check "goes in" eval 'dirca convert $how.pvk $how.p8 --format pkcs8 --plain --password-file p2 --password-file p1 && openssl pkey -in $how.p8 | cmp - <(openssl pkey -in u1.key)'
	check "with its certificate into PKCS#12" eval 'cat u1.crt >$how.in && dirca mergepfx $how.pvk $how.in $how.pfx --password-file p1 --out-password-file pn && has_keys $how.pfx 1 && has_certificates $how.pfx 1'
	[ "$how" = none ] || check "a wrong password is told" refuses "no password given opens it" dirca convert "$how.pvk" x.p8 --format pkcs8 --plain --password-file px
	check "nor is half of it read" eval 'head -c 400 $how.pvk >half.pvk && ! dirca convert half.pvk x.p8 --format pkcs8 --plain --password-file p1 && [ ! -e x.p8 ]'
done
check "a format that is not known" fails_with 2 convert u1.crt x --format jks
check "an Entrust profile" eval 'printf "[Digital Identity]\n" >u.epf; refuses "format is not published" convert u.epf x.pfx'

# ---- shown ----
check "what is in it, without a number of a key" eval 'dirca dump all.pfx --key-password-file pn >shown &&
	grep -q "Friendly name: Mail" shown && [ "$(grep -c "Private key: " shown)" = 4 ] && ! grep -qi "$(openssl ec -in u2.key -text -noout 2>/dev/null |
	sed -n "/priv:/,/pub:/p" | sed "1d;\$d" | tr -d " :\n" | cut -c1-20)" shown'
check "a chain, all of it" eval '[ "$(dirca dump chain.pem | grep -c "^  Subject: ")" = 3 ]'
check "of an Entrust profile why not" eval 'printf "[Digital Identity]\n" >e.epf; refuses "format is not published" dirca dump e.epf'
check "as JSON" eval 'dirca dump all.pfx --key-password-file pn --json | jq -e ".private_keys | length == 4"'
check "not with a wrong password" refuses NTE_BAD_DATA dirca dump all.pfx --key-password-file px
check "whose key" says "belongs to a public key" dirca dump u1.crt --private-key u1.key
check "and whose not" says "belongs to no public key" dirca dump u1.crt --private-key u2.key

# ---- verified ----
check "each key works with its certificate" eval '[ "$(dirca verifykeys all.pfx --password-file pn | grep -c "works with the public one")" = 4 ]'
check "a pair of files" says "CN=u2: the private key works" dirca verifykeys u2.key u2.crt
check "two that do not belong together" fails_with 4 dirca verifykeys u2.key u3.crt
lying() { # a PKCS#8 of u1's modulus with u3's private numbers
	python3 - <<'END'
import subprocess
def parts(der):
    while der:
        n, at = der[1], 2
        if n >= 0x80:
            at += n & 0x7f
            n = int.from_bytes(der[2:at], "big")
        yield der[:at + n], der[at:at + n]
        der = der[at + n:]
def rsa(name):
    der = subprocess.check_output(["openssl", "rsa", "-in", name, "-traditional", "-outform", "DER"], stderr=subprocess.DEVNULL)
    (_, content), = parts(der)
    return [whole for whole, _ in parts(content)]
mine, theirs = rsa("u1.key"), rsa("u3.key")
body = b"".join([mine[0], mine[1], mine[2]] + theirs[3:])
open("lying.der", "wb").write(b"\x30\x82" + len(body).to_bytes(2, "big") + body)
END
}
check "a key that claims the public half of another" eval 'lying && fails_with 4 dirca verifykeys lying.der u1.crt'
check "certificates alone" refuses ERROR_INVALID_DATA dirca verifykeys u1.crt

# ---- stores ----
hash_of() { openssl x509 -in "$1" -outform DER | sha1sum | cut -c1-40; }
check "into the user's folder" says "$(hash_of u1.crt).pem" dirca importpfx all.pfx --user --password-file pn
kept=.local/share/dirca/keys
check "a file each" is 4 eval 'ls $kept | wc -l'
check "for him alone" is "600 700" eval 'echo $(stat -c %a "$kept/$(hash_of u1.crt).pem" $kept)'
check "with the chain, though CAs have ended" is 4 grep -c 'BEGIN CERT' "$kept/$(hash_of leaf.crt).pem"
check "once" says "there already" dirca importpfx u1.pfx --user --password-file p1
check "encrypted, if that is wanted" eval \
	'dirca importpfx u1.pfx --folder safe --password-file p1 --out-password-file pn && grep -q "BEGIN ENCRYPTED" safe/*.pem'
out() { dirca exportpfx "$1" "$2" --out-password-file pn "${@:3}"; }
check "out of it by hash" eval 'out "$(hash_of u2.crt | cut -c1-8)" o1.pfx --user && has_keys o1.pfx 1'
check "by a part of its name" eval 'out LEAF o2.pfx --user && has_certificates o2.pfx 4'
check "of an encrypted one" eval 'out u1 o3.pfx --folder safe --password-file pn && has_keys o3.pfx 1'
# The machine's folder is in /etc: in one of its own, where the kernel lets us.
machine() { # COMMAND...
	# shellcheck disable=SC2016 # that shell's
	"${apart[@]}" sh -c 'mount --bind "$0" /etc && exec "$@"' "$dir/etc" "$@"
}
apart=(unshare -rm)
mkdir -p etc/dirca
if machine true 2>/dev/null; then
	program=${DIRCA_BIN:-$here/../../build/dev/bin}/dirca
	check "without a word into the machine's" says "/etc/dirca/keys/$(hash_of u1.crt).pem" machine "$program" importpfx u1.pfx --password-file p1
	check "for root alone" is "600 700" eval 'echo $(stat -c %a "etc/dirca/keys/$(hash_of u1.crt).pem" etc/dirca/keys)'
	check "and out of it" eval 'machine "$program" exportpfx u1 o7.pfx --out-password-file pn && has_keys o7.pfx 1'
else
	echo "SKIPPED: unshare -rm cannot be had here: that keys go into the machine's folder is not shown"
fi
check "not by one that several have" refuses TYPE_E_AMBIGUOUSNAME out u o4.pfx --user
check "nor one that none has" fails_with 3 out nobody o4.pfx --user
check "two stores at once" fails_with 2 dirca importpfx u1.pfx --user --nss sql:nss --password-file p1
check "a key without certificate" refuses DIRCA_E_KEY_MISMATCH dirca importpfx u1.key --user
spied() { # NAME: a program that notes what others see of it, and runs the real one
	mkdir -p spy && printf '#!/bin/bash\n{ echo "$@"; env; } >>%q\nexec %q "$@"\n' "$dir/seen" "$(command -v "$1")" >"spy/$1" && chmod +x "spy/$1"
}
check "programs that are watched" eval 'spied pk12util && spied p11tool && echo nss-own-password >pw && printf 4711-pin >pin &&
	mkdir own tokens && certutil -N -d sql:own -f pw'
spying() { PATH=$dir/spy:$PATH dirca "$@"; }
check "into NSS" eval 'spying importpfx all.pfx --nss sql:own --password-file pn --store-password-file pw &&
	[ "$(certutil -K -d sql:own -f pw | grep -c "^<")" = 4 ]'
check "again nothing is twice" eval 'dirca importpfx all.pfx --nss sql:own --password-file pn --store-password-file pw &&
	[ "$(certutil -K -d sql:own -f pw | grep -c "^<")" = 4 ] && [ "$(certutil -L -d sql:own | grep -c "u,u,u")" = 4 ]'
check "and out" eval 'spying exportpfx leaf o5.pfx --nss sql:own --store-password-file pw --out-password-file pn && has_certificates o5.pfx 4'
check "not with a wrong password" refuses DIRCA_E_IO dirca importpfx all.pfx --nss sql:own --password-file pn --store-password-file px
module=$(find /usr/lib -name libsofthsm2.so -print -quit)
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$dir/tokens" >softhsm.conf
export SOFTHSM2_CONF=$dir/softhsm.conf
check "a token" softhsm2-util --init-token --free --label mine --pin 4711-pin --so-pin 12345678
check "into it" spying importpfx u1.pfx u2.pfx --token "pkcs11:token=mine?module-path=$module" --password-file p1 --password-file p2 \
	--store-password-file pin
on_token() { [ "$(pkcs11-tool --module "$module" --token-label mine --login --pin 4711-pin -O 2>/dev/null | grep -c "Private Key\|Certificate Object")" = "$1" ]; }
check "two keys and certificates" on_token 4
again() { dirca importpfx "$@" --token "pkcs11:token=mine?module-path=$module" --password-file p1 --store-password-file pin; }
check "again it says so" says "Mail: there already" again u1.pfx
check "and nothing is twice" on_token 4
no_certificate() { GNUTLS_PIN=4711-pin p11tool --provider="$module" --login --batch --delete 'pkcs11:token=mine;object=Mail;type=cert'; }
check "what is missing of a pair is written" eval 'no_certificate && on_token 3 && again u1.pfx && on_token 4'
renewed() { openssl req -x509 -key u1.key -days 19 -subj /CN=u1 -out u1b.crt && openssl pkcs12 -export -inkey u1.key -in u1b.crt -name Mail -passout file:p1 -out u1b.pfx; }
check "a certificate that was renewed with its key comes beside the other" eval 'renewed && again u1b.pfx && on_token 5'
check "once, each of them" eval 'says "there already" again u1b.pfx && says "there already" again u1.pfx && on_token 5'
check "an object is no token" fails_with 2 dirca importpfx u1.pfx --token "pkcs11:token=mine;object=Mail?module-path=$module" --password-file p1 --store-password-file pin
check "which it does not give out" refuses NTE_BAD_FLAGS out mail o6.pfx --token "pkcs11:token=mine"
# What stands before the token and says that it is full, to everything or from the second object on.
export P11_SHIM_MODULE=$module P11_SHIM_FOLDER=$dir
card() { dirca importpfx "$1" --token "pkcs11:token=mine?module-path=$shim" --password-file pn --store-password-file "${2-pin}"; }
check "a card that is too small: 0x80100028" eval \
	'dirca convert leaf.pfx card.pfx --password-file p2 --out-password-file pn && printf full >mode && ! card card.pfx 2>words &&
	grep -q "0x80100028" words && grep -q "the private key of .* does not fit on the token" words'
check "in our words and those of p11tool alone" eval 'grep -q "PKCS #11 error in device" words && ! grep -q "^|<\|log level" words'
check "one where the certificate finds no room" eval 'printf half >mode && ! card card.pfx 2>words && grep -q "the certificate, whose .*SCARD_E_WRITE_TOO_MANY" words'
check "another fault of it is none of these" eval 'printf full >mode && refuses DIRCA_E_IO card card.pfx px'
check "room is made" eval 'rm mode && card card.pfx'
check "nobody saw a password or a key" eval '[ -s seen ] && ! grep -qE "nss-own-password|4711-pin|PRIVATE|=new$" seen'

checks_end
