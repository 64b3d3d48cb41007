# shellcheck shell=bash
# The demo: three nodes of its own, the promise shown step by step, and nothing left behind.
#
# - Every command is printed as it is run, and its own answer is what is checked.
# - The first thing that is not as promised ends it with a failure and the nodes' last words.

readonly DEMO_PORT_FIRST=7720

# What the last command printed, its exit code, and how many appends were sent.
ANSWER='' CODE=0 ATTEMPTS=0

demo_clean_up() {
  local status=$? node
  trap - EXIT
  # A demo that was interrupted must not be interrupted in cleaning up.
  trap '' INT TERM
  for node in $(node_numbers); do kill_node "$node"; done
  rm -rf "$CLUSTER"
  rmdir --ignore-fail-on-non-empty "$ROOT/.oncelog"
  exit "$status"
}

# Demos that could not clean up, because they were killed themselves.
sweep_dead_demos() {
  local directory owner node
  for directory in "$ROOT"/.oncelog/demo-*/; do
    directory=${directory%/}
    owner=${directory##*-}
    [[ -d $directory && $owner =~ ^[0-9]+$ && ! -e /proc/$owner ]] || continue
    CLUSTER=$directory
    for node in $(node_numbers); do kill_node "$node"; done
    rm -rf "$directory"
  done
}

failed() {
  local node
  printf '%s✗ %s%s\n' "$RED" "$*" "$PLAIN" >&2
  for node in $(node_numbers); do show_log_end "$node" 8; done
  printf '\n%s✗ The demo failed: %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}

# Prints a command as a person would type it.
quoted() {
  local word line=''
  for word in "$@"; do
    if [[ $word =~ ^[A-Za-z0-9_./:,=@%+-]+$ ]]; then
      line+=" $word"
    else
      line+=" '${word//\'/\'\\\'\'}'"
    fi
  done
  printf '%s' "${line# }"
}

# Runs oncelog, printing the command and the answer.
run() {
  printf '%s$ %s%s\n' "$BOLD" "$(quoted oncelog "$@")" "$PLAIN"
  CODE=0
  [[ $1 != append ]] || ((ATTEMPTS += 1))
  # What it says beside its answer goes straight to whoever watches.
  { ANSWER=$("$BINARY" "$@" 2>&3 </dev/null) || CODE=$?; } 3>&1
  [[ -z $ANSWER ]] || printf '%s\n' "$ANSWER"
}

# The same, and it has to succeed.
run_well() {
  run "$@"
  ((CODE == 0)) || failed "this should have succeeded, and its exit code is $CODE"
}

# Checks where the last append went, and whether it was the first arrival or a replay: expect_offset OFFSET ARRIVAL
expect_offset() {
  local offset arrival
  read -r offset arrival _ < <(tail -n 1 <<<"$ANSWER") || true
  [[ $offset == "$1" ]] || failed "the offset should be $1, and is $offset"
  [[ $arrival == "$2" ]] || failed "the arrival should be $2, and is $arrival"
}

# Checks that the last answer holds exactly the records that were meant: id=value …, in order, from offset 0.
expect_records() {
  python3 -c '
import json, sys
found = [json.loads(line) for line in sys.stdin if line.strip()]
found = [(record["offset"], record["id"], record["payload"]) for record in found]
meant = [(offset, *pair.split("=", 1)) for offset, pair in enumerate(sys.argv[1:])]
sys.exit(found != meant)
' "$@" <<<"$ANSWER" || failed "these should be exactly: $*"
}

demo() {
  (($# == 0)) || usage_error "scripts/cluster demo takes no arguments"
  local node leader other nodes
  sweep_dead_demos
  build_binary
  CLUSTER=$ROOT/.oncelog/demo-$$
  trap demo_clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir -p "$CLUSTER"

  heading "Three nodes, each a process with its own disk directory"
  lay_out_nodes 3 "$DEMO_PORT_FIRST"
  bring_up
  print_table
  mapfile -t nodes < <(node_numbers)
  leader=$(find_leader) || failed "no node leads"
  for node in "${nodes[@]}"; do [[ $node == "$leader" ]] || other=$node; done
  note "oncelog is $BINARY"

  heading "A sender makes up an id before its first attempt, and appends"
  run_well append orders 'two tickets' --id pay-7 --server "$(client_address "$leader")"
  expect_offset 0 first

  heading "The answer got lost, so it sends the same again, here to another node: the same answer, replayed"
  run_well append orders 'two tickets' --id pay-7 --server "$(client_address "$other")"
  expect_offset 0 replayed

  heading "The same id with other content is a mistake of the sender: refused, and nothing is changed"
  run append orders 'two hundred tickets' --id pay-7 --server "$(client_address "$other")"
  note "exit code $CODE"
  ((CODE == 5)) || failed "the exit code should be 5 (conflict), and is $CODE"

  heading "The leader crashes"
  printf '%s$ kill -9 %s%s   # node %s\n' "$BOLD" "$(node_pid "$leader")" "$PLAIN" "$leader"
  kill_node "$leader"

  heading "The same id at a node that is left: still the same answer. And a new append goes on at the next offset"
  run_well append orders 'two tickets' --id pay-7 --server "$(client_address "$other")"
  expect_offset 0 replayed
  run_well append orders 'one coffee' --id pay-8 --server "$(client_address "$other")"
  expect_offset 1 first

  heading "The crashed node comes back with its data"
  launch_node "$leader"
  wait_for_answer "$leader"
  wait_until "$LEADER_TIMEOUT_SECONDS" node_serves "$leader" || failed "node $leader does not serve again"
  print_table
  run_well append orders 'one coffee' --id pay-8 --server "$(client_address "$leader")"
  expect_offset 1 replayed

  heading "Every node has every record, once"
  for node in "${nodes[@]}"; do
    run_well read orders --server "$(client_address "$node")" -o jsonl
    expect_records 'pay-7=two tickets' 'pay-8=one coffee'
  done

  printf '\n'
  good "${BOLD}$ATTEMPTS attempts, 1 crash of the leader, 2 records: every append took effect exactly once.$PLAIN"
  note "A cluster to keep: scripts/cluster start"
}
