#!/usr/bin/env bash
# Appends once through `buf curl`, which learns the API from the nodes themselves, although one node is down.
#
#   story.sh DEAD_NODE NODE NODE...        each an IPv4 address and port
#
# In JSON payloads are base64, 64-bit numbers are strings, and fields that hold 0 are left out without --emit-defaults.
# The details of an error are shown as the bytes that they are; `buf convert` reads them.
set -euo pipefail

(($# >= 3)) || {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
}
readonly DEAD=$1 NODE=$2 OTHER=$3
readonly LOG=stock-buf
RICH_ERROR=$(dirname "$0")/../google/rpc/rich_error.proto
readonly RICH_ERROR
# `buf curl` exits with the gRPC code times 8.
readonly ALREADY_EXISTS=$((6 * 8))

# Asks one node, once. Whatever it says is in ANSWER, its exit code in STATUS.
ask() {
  local node=$1 method=$2 request=${3:-'{}'}
  STATUS=0
  ANSWER=$(buf curl --protocol grpc --http2-prior-knowledge --timeout 10s --emit-defaults \
    --data "$request" "http://$node/$method" 2>&1) || STATUS=$?
}

# Insists that the answer holds all of these.
expect() {
  local status=$1 compact part
  shift
  compact=$(tr -d ' \n' <<<"$ANSWER")
  ((STATUS == status)) || fail "exit code $status was expected, not $STATUS"
  for part in "$@"; do
    [[ $compact == *"$part"* ]] || fail "the answer lacks $part"
  done
}

# Reads the ErrorInfo of an error in ANSWER.
error_info() {
  local value
  value=$(tr -d ' \n' <<<"$ANSWER")
  value=${value#*'"type":"google.rpc.ErrorInfo","value":"'} value=${value%%'"'*}
  # `buf curl` leaves out what fills the last four.
  while ((${#value} % 4)); do value+='='; done
  base64 --decode <<<"$value" | buf convert "$RICH_ERROR" --type google.rpc.ErrorInfo --from '-#format=binpb'
}

fail() {
  printf '✗ %s:\n%s\n' "$1" "$ANSWER" >&2
  exit 1
}

shown() { printf '✓ %s\n' "$1"; }

append() {
  ask "$1" oncelog.v1.LogService/Append \
    "{\"log\": \"$LOG\", \"id\": {\"text\": \"$ID\"}, \"records\": [{\"payload\": \"$2\"}]}"
}

# Made before the first attempt, and kept through every retry.
ID=buf-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
PAYLOAD=$(printf 'two tickets' | base64)
OTHER_PAYLOAD=$(printf 'two hundred tickets' | base64)
readonly ID PAYLOAD OTHER_PAYLOAD

STATUS=0
ANSWER=$(buf curl --protocol grpc --http2-prior-knowledge --timeout 10s --list-methods "http://$NODE" 2>&1) || STATUS=$?
expect 0 oncelog.v1.LogService/{Append,Read,Lookup,DescribeLog,ListLogs} \
  oncelog.v1.AdminService/{Init,Status,Snapshot} grpc.health.v1.Health/Check
shown "reflection lists the API and health"

ask "$NODE" grpc.health.v1.Health/Check
expect 0 '"status":"SERVING"'
shown "health: SERVING"

append "$DEAD" "$PAYLOAD"
((STATUS != 0)) || fail "this node should be down"
shown "append at a node that is down: no answer, so the same id goes to another node"

append "$NODE" "$PAYLOAD"
expect 0 '"arrival":"FIRST"' '"count":1'
FIRST=$(tr -d ' \n' <<<"$ANSWER")
OFFSET=${FIRST#*'"firstOffset":'} OFFSET=${OFFSET%%,*}
shown "append: FIRST, at offset $OFFSET"

append "$OTHER" "$PAYLOAD"
expect 0 "${FIRST/FIRST/REPLAYED}"
shown "the same again at another node: REPLAYED, with the first answer"

append "$OTHER" "$OTHER_PAYLOAD"
expect "$ALREADY_EXISTS" '"code":"already_exists"' '"type":"google.rpc.ErrorInfo"'
printf '%s\n' "$ANSWER"
STATUS=0
ANSWER=$(error_info) || STATUS=$?
expect 0 '"reason":"ID_REUSED"' '"domain":"oncelog"' '"effect":"none"'
printf '%s\n' "$ANSWER"
shown "other content under the same id: ALREADY_EXISTS, ID_REUSED, effect none"

ask "$OTHER" oncelog.v1.LogService/Read "{\"log\": \"$LOG\", \"from\": $OFFSET}"
expect 0 "\"offset\":$OFFSET,\"payload\":\"$PAYLOAD\"" "\"id\":{\"text\":\"$ID\"}"
shown "read: the record is there"

ask "$OTHER" oncelog.v1.LogService/Lookup "{\"id\": {\"text\": \"$ID\"}}"
expect 0 "\"appended\":{\"firstOffset\":$OFFSET,\"count\":1}"
shown "lookup: the id was applied, at the same offset"
