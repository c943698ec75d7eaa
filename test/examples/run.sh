#!/usr/bin/env bash
# Runs a program against regolo-server and looks for a text in what it prints.
#
#   run.sh PATTERN SERVER PROGRAM [ARGUMENT...]
#
# What the variable EXAMPLE_INPUT holds is typed into the program.
set -euo pipefail
pattern=$1
server=$2
shift 2
. "$(dirname "$0")/../../scripts/lib.sh"

# As fast as possible.
start_server "$server" --pace 0

output=$("$@" 2>&1 < <(printf '%b' "${EXAMPLE_INPUT-}")) || {
    printf '%s\n' "$output"
    fail "$1 failed"
}
printf '%s\n' "$output"
grep -qE -- "$pattern" <<<"$output" || fail "the output has nothing like \"$pattern\""
