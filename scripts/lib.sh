# shellcheck shell=bash
# What all scripts share: where things are, how they speak, how they build.
#
# - Sourced, never run. Whoever sources it has `set -euo pipefail`.
# - One target directory and one profile for every script, because RocksDB alone takes ten minutes or more to compile.
# - Colour and progress bars only on a terminal.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly ROOT

if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME
fi
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/oncelog
readonly CACHE
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
# Cargo takes a relative directory from where it runs; the scripts run it in the checkout.
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$ROOT/$CARGO_TARGET_DIR
readonly TOOLS=$CACHE/tools

# rustup puts cargo where only login shells look, and a plain user's PATH lacks mkfs.
PATH=$TOOLS/bin:$PATH:$HOME/.cargo/bin:/usr/local/sbin:/usr/sbin:/sbin
export PATH

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m'
else
  BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN=''
fi
readonly BOLD DIM RED GREEN YELLOW PLAIN

say() { printf '%s\n' "$*"; }
heading() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
note() { printf '%s%s%s\n' "$DIM" "$*" "$PLAIN"; }
good() { printf '%s✓%s %s\n' "$GREEN" "$PLAIN" "$*"; }
warn() { printf '%s!%s %s\n' "$YELLOW" "$PLAIN" "$*" >&2; }
die() {
  printf '%s✗ %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}
usage_error() {
  printf '%s✗ %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [[ $(id -u) == 0 ]]; }

# How long something took, for people: `8 s`, `12 min 3 s`.
duration() {
  local seconds=$1
  if ((seconds < 60)); then
    printf '%d s' "$seconds"
  else
    printf '%d min %d s' $((seconds / 60)) $((seconds % 60))
  fi
}

# Whether the C++ of RocksDB lies compiled in the target directory.
rocksdb_is_built() { compgen -G "$CARGO_TARGET_DIR/debug/build/librocksdb-sys-*/out/librocksdb.a" >/dev/null; }

announce_first_build() {
  rocksdb_is_built && return
  say "The first build takes 10 to 30 minutes on two cores, nearly all of it RocksDB's C++. It is compiled once, into"
  say "$CARGO_TARGET_DIR; every later build takes a minute or two."
  local free_kib
  mkdir -p "$CARGO_TARGET_DIR"
  free_kib=$(df -Pk "$CARGO_TARGET_DIR" | awk 'NR == 2 { print $4 }')
  if ((free_kib < 6 * 1024 * 1024)); then
    warn "only $((free_kib / 1024)) MiB are free there; a build with its tests takes up to 6 GiB"
  fi
}

# Says every minute how far RocksDB is, where cargo shows no progress bar of its own.
report_build_progress() {
  local started=$SECONDS total=350 done_files
  # What is left of a sleep must not keep the pipe open that somebody reads to its end.
  while sleep 60 >/dev/null 2>&1; do
    rocksdb_is_built && return
    done_files=$(find "$CARGO_TARGET_DIR/debug/build" -path '*/librocksdb-sys-*/out/*.o' 2>/dev/null | wc -l)
    note "  … building for $(duration $((SECONDS - started))); RocksDB: $done_files of about $total files"
  done
}

# Runs a command that may be the first build.
with_build_progress() {
  announce_first_build
  if [[ -t 2 ]] || rocksdb_is_built; then
    "$@"
    return
  fi
  report_build_progress &
  local reporter=$! status=0
  "$@" || status=$?
  kill "$reporter" 2>/dev/null || true
  wait "$reporter" 2>/dev/null || true
  return "$status"
}

# Builds the `oncelog` command and leaves its path in BINARY. ONCELOG_BINARY names one that is built already.
build_binary() {
  if [[ -n ${ONCELOG_BINARY:-} ]]; then
    [[ -f $ONCELOG_BINARY && -x $ONCELOG_BINARY ]] || die "ONCELOG_BINARY names $ONCELOG_BINARY, which is not an executable file"
    find_binary
    return
  fi
  "$ROOT/scripts/setup" --for cluster
  say "Building oncelog …"
  # With a test beside it, as the tests build it too: only then has every dependency the same features in both, and
  # nothing is compiled twice.
  (cd "$ROOT" && with_build_progress cargo build --locked --workspace --bin oncelog --test tidy) ||
    die "the build failed; what cargo says above is the reason"
  find_binary
}

# Leaves the path of the command as it was last built in BINARY.
find_binary() {
  # shellcheck disable=SC2034 # For whoever calls.
  BINARY=$(realpath -m "${ONCELOG_BINARY:-$CARGO_TARGET_DIR/debug/oncelog}")
}

# A path as it is short from here.
short() { realpath -m --relative-base="$PWD" "$1"; }

# Prints the head of the script that runs: what it does and how it is called.
print_help() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
