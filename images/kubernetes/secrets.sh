#!/bin/sh
# Prints the Secrets of a Cluster for `kubectl apply -f -`: certificates of an authority of its own, and passwords.
#
#   secrets.sh DIRECTORY [CLUSTER [NAMESPACE]]
#
# DIRECTORY keeps the authority and the passwords. Keep it to yourself: who has ca.key can be any client. Run again, the
# script makes new certificates of the same authority.
set -eu
umask 077
directory=$1
cluster=${2:-demo}
days=${DAYS:-90}
names="DNS:$cluster-rw,DNS:*.$cluster-any"
[ $# -lt 3 ] || names="$names,DNS:$cluster-rw.$3,DNS:$cluster-rw.$3.svc,DNS:$cluster-rw.$3.svc.cluster.local"
mkdir -p "$directory"
cd "$directory"
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

[ -e ca.key ] || openssl req -x509 $key -keyout ca.key -out ca.crt -days 3650 -subj "/CN=$cluster" 2>/dev/null

# certificate NAME COMMON-NAME USAGE ALTERNATIVE-NAMES
certificate() {
  printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$3" "$4" > "$1.ext"
  openssl req $key -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$days" -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
certificate server "$cluster-rw" serverAuth,clientAuth "$names"
certificate replication streaming_replica clientAuth DNS:streaming_replica

for user in superuser app; do
  [ -e "$user.password" ] || openssl rand -hex 16 > "$user.password"
done

base64_of() { base64 < "$1" | tr -d '\n'; }
secret() { printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s-%s\ntype: %s\n' "$cluster" "$1" "$2"; }

secret ca Opaque
printf 'data:\n  ca.crt: %s\n' "$(base64_of ca.crt)"
for name in server replication; do
  secret "$name" kubernetes.io/tls
  printf 'data:\n  tls.crt: %s\n  tls.key: %s\n' "$(base64_of "$name.crt")" "$(base64_of "$name.key")"
done
for pair in superuser:postgres app:app; do
  secret "${pair%:*}" kubernetes.io/basic-auth
  printf 'stringData:\n  username: %s\n  password: %s\n' "${pair#*:}" "$(cat "${pair%:*}.password")"
done
