# shellcheck shell=bash
# Nodes as processes of this machine: where each keeps what, and how it is started, found, stopped and asked.
#
# - A cluster is a directory, CLUSTER, with one directory a node: `node-2/{client,peer,pid,log,data/}`. The first two are
#   its addresses, chosen once.
# - Nodes outlive the script. A process is taken for a node's only if its command line names the node's data directory, so
#   a reused pid is never signalled.
# - Data is removed by `wipe` alone.

readonly START_TIMEOUT_SECONDS=30 STOP_TIMEOUT_SECONDS=15 LEADER_TIMEOUT_SECONDS=60

node_directory() { printf '%s/node-%s' "$CLUSTER" "$1"; }
client_address() { cat "$CLUSTER/node-$1/client"; }
peer_address() { cat "$CLUSTER/node-$1/peer"; }

# The numbers of all nodes, in order, one a line.
node_numbers() {
  local directory
  for directory in "$CLUSTER"/node-*/; do
    [[ -e $directory/client ]] || continue
    directory=${directory%/}
    printf '%s\n' "${directory##*/node-}"
  done | sort -n
}

# All client addresses, as `--server` takes them.
all_clients() {
  local node list=''
  for node in $(node_numbers); do list+=${list:+,}$(client_address "$node"); done
  printf '%s' "$list"
}

all_peers() {
  local node list=''
  for node in $(node_numbers); do list+=${list:+,}$(peer_address "$node"); done
  printf '%s' "$list"
}

# Only one script at a time changes a cluster. The lock falls with the script; nodes don't inherit it.
lock_cluster() {
  mkdir -p "$CLUSTER"
  exec 9<"$CLUSTER"
  flock --wait 120 9 || die "another scripts/cluster has been working on $CLUSTER for two minutes"
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Gives nodes 1 to $1 their addresses: from port $2 on in steps of ten, past ports that are taken.
lay_out_nodes() {
  local count=$1 port=$2 node
  for ((node = 1; node <= count; node++)); do
    while port_is_taken "$port" || port_is_taken $((port + 1)); do
      port=$((port + 10))
      ((port < 32000)) || die "found no free ports above $2"
    done
    mkdir -p "$CLUSTER/node-$node"
    printf '127.0.0.1:%d' $((port + 1)) >"$CLUSTER/node-$node/peer"
    printf '127.0.0.1:%d' "$port" >"$CLUSTER/node-$node/client"
    port=$((port + 10))
  done
}

# Prints the pid of a node's process; fails if there is none.
node_pid() {
  local directory pid argument
  directory=$(node_directory "$1")
  pid=$(cat "$directory/pid" 2>/dev/null) || return 1
  [[ -n $pid && -r /proc/$pid/cmdline ]] || return 1
  while IFS= read -r -d '' argument; do
    if [[ $argument == "$directory/data" ]]; then
      printf '%s' "$pid"
      return 0
    fi
  done 2>/dev/null <"/proc/$pid/cmdline"
  return 1
}

# running, paused or stopped.
process_state() {
  local pid state
  pid=$(node_pid "$1") || {
    printf 'stopped'
    return
  }
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || true
  case $state in
    T | t) printf 'paused' ;;
    Z | X | '') printf 'stopped' ;;
    *) printf 'running' ;;
  esac
}

# Asks nodes how they are, without patience: ask_nodes ADDRESS,… Prints one line for each that answers: address, role, term,
# applied index, whether it serves; with tabs between them.
ask_nodes() {
  { timeout 10 "$BINARY" --server "$1" --timeout 2s --output jsonl status 2>/dev/null </dev/null || true; } | python3 -c '
import json, sys
for line in sys.stdin:
    node = json.loads(line)
    if node["reachable"]:
        serves = "serves" if node["serving"] else "waits"
        print(node["address"], node["role"], node["term"], node["applied_index"], serves, sep="\t")
' 2>/dev/null
}

# Prints the number of the node that leads and serves; fails if there is none.
find_leader() {
  local node address role serves answers
  answers=$(ask_nodes "$(all_clients)")
  for node in $(node_numbers); do
    while IFS=$'\t' read -r address role _ _ serves; do
      if [[ $address == "$(client_address "$node")" && $role == leader && $serves == serves ]]; then
        printf '%s' "$node"
        return 0
      fi
    done <<<"$answers"
  done
  return 1
}

# Waits until a command succeeds: wait_until SECONDS COMMAND…
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

show_log_end() {
  local log
  log=$(node_directory "$1")/log
  warn "the end of $(short "$log"):"
  tail -n "${2:-15}" "$log" | sed 's/^/    /' >&2 || true
}

# Starts a node's process, unless it runs.
launch_node() {
  local directory node=$1
  directory=$(node_directory "$node")
  node_pid "$node" >/dev/null && return
  mkdir -p "$directory/data"
  printf -- '--- started %s\n' "$(date -u +%FT%TZ)" >>"$directory/log"
  setsid nohup "$BINARY" serve --node-id "$node" --data-dir "$directory/data" \
    --client-listen "$(client_address "$node")" --peer-listen "$(peer_address "$node")" \
    >>"$directory/log" 2>&1 </dev/null 9<&- &
  local pid=$!
  printf '%d' "$pid" >"$directory/pid"
  # It is no job of this shell any more, which else reports its end.
  disown "$pid"
  # Until it has become the node, its command line is still this script's.
  wait_until 10 is_launched_or_gone "$node" "$pid" || true
}

is_launched_or_gone() { node_pid "$1" >/dev/null || [[ ! -e /proc/$2 ]]; }

node_answers() {
  local address
  address=$(client_address "$1")
  [[ $'\n'$(ask_nodes "$address") == *$'\n'"$address"$'\t'* ]]
}

node_answers_or_is_gone() {
  node_pid "$1" >/dev/null || return 0
  node_answers "$1"
}

# Waits until a node that was launched answers.
wait_for_answer() {
  local node=$1
  if ! wait_until "$START_TIMEOUT_SECONDS" node_answers_or_is_gone "$node" || ! node_pid "$node" >/dev/null; then
    show_log_end "$node"
    die "node $node did not start"
  fi
}

node_serves() {
  local address own serves answers
  own=$(client_address "$1")
  answers=$(ask_nodes "$own")
  while IFS=$'\t' read -r address _ _ _ serves; do
    [[ $address == "$own" && $serves == serves ]] && return 0
  done <<<"$answers"
  return 1
}

is_gone() { ! node_pid "$1" >/dev/null; }

# Asks a node to stop, and makes it if it does not.
stop_node() {
  local node=$1 pid
  pid=$(node_pid "$node") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  # A paused process hears nothing before it goes on.
  kill -CONT "$pid" 2>/dev/null || true
  if ! wait_until "$STOP_TIMEOUT_SECONDS" is_gone "$node"; then
    warn "node $node did not stop within $STOP_TIMEOUT_SECONDS s; killing it"
    kill -KILL "$pid" 2>/dev/null || true
    wait_until 10 is_gone "$node" || die "node $node (pid $pid) can't be killed"
  fi
  rm -f "$(node_directory "$node")/pid"
}

# Ends a node as a crash does.
kill_node() {
  local node=$1 pid
  pid=$(node_pid "$node") || return 0
  kill -KILL "$pid" 2>/dev/null || true
  wait_until 10 is_gone "$node" || die "node $node (pid $pid) can't be killed"
  rm -f "$(node_directory "$node")/pid"
}

# Starts every node that does not run, makes them a cluster unless they are one, and waits until a leader serves.
bring_up() {
  local node nodes first output
  mapfile -t nodes < <(node_numbers)
  for node in "${nodes[@]}"; do launch_node "$node"; done
  for node in "${nodes[@]}"; do wait_for_answer "$node"; done
  first=${nodes[0]}
  if ! output=$("$BINARY" init --server "$(client_address "$first")" --peers "$(all_peers)" 2>&1 </dev/null); then
    printf '%s\n' "$output" >&2
    show_log_end "$first"
    die "init failed at node $first"
  fi
  if ! wait_until "$LEADER_TIMEOUT_SECONDS" find_leader >/dev/null; then
    for node in "${nodes[@]}"; do show_log_end "$node"; done
    die "no leader serves after $LEADER_TIMEOUT_SECONDS s"
  fi
  for node in "${nodes[@]}"; do
    wait_until "$LEADER_TIMEOUT_SECONDS" node_serves "$node" || warn "node $node does not serve yet; see its log"
  done
}

# Prints one line a node: number, client address, peer address, role or state, pid, term, applied index.
node_rows() {
  local node own state role term applied pid address found answers
  answers=$([[ ! -x $BINARY ]] || ask_nodes "$(all_clients)")
  for node in $(node_numbers); do
    own=$(client_address "$node")
    state=$(process_state "$node")
    role=$state term=- applied=-
    if [[ $state == running ]]; then
      found=''
      while IFS=$'\t' read -r address role term applied _; do
        [[ $address == "$own" ]] && found=yes && break
      done <<<"$answers"
      [[ -n $found ]] || role=silent term=- applied=-
    fi
    pid=$(node_pid "$node") || pid=-
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$node" "$own" "$(peer_address "$node")" "$role" "$pid" "$term" "$applied"
  done
}

print_table() {
  local node client role pid term applied
  printf '%s%-5s %-16s %-11s %-8s %-6s %-9s %s%s\n' "$BOLD" node address role pid term applied data "$PLAIN"
  while IFS=$'\t' read -r node client _ role pid term applied; do
    printf '%-5s %-16s %-11s %-8s %-6s %-9s %s\n' \
      "$node" "$client" "$role" "$pid" "$term" "$applied" "$(short "$(node_directory "$node")/data")"
  done < <(node_rows)
}
