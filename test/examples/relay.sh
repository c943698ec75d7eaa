#!/usr/bin/env bash
# Runs the relay in front of regolo-server: a whole answer, failures, callers that leave, deadlines, and
# SIGTERM with an answer under way.
#
#   relay.sh SERVER RELAY
set -euo pipefail
server=$1
relay=$2
. "$(dirname "$0")/../../scripts/lib.sh"

# start_relay DRAIN-SECONDS
start_relay() {
    local i
    rm -f "$server_work/relay"
    "$relay" 0 "$1" >"$server_work/relay" 2>&1 &
    relay_pid=$!
    for ((i = 0; i < 100; ++i)); do
        url=$(head -n 1 "$server_work/relay" 2>/dev/null || true)
        [ -z "$url" ] || return 0
        kill -0 "$relay_pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$server_work/relay"
    fail "the relay did not start"
}

# ask PROMPT MODEL [OPTION...]: to be run in a subshell, which becomes curl.
ask() {
    local body="{\"prompt\": \"$1\", \"model\": \"$2\"}"
    shift 2
    exec curl -sSN --max-time 20 --data "$body" "$@" "$url/chat"
}

# has TEXT PATTERN...: what a caller got has a line like each of the patterns.
has() {
    local text=$1 pattern
    shift
    for pattern; do
        grep -qE -- "$pattern" <<<"$text" || fail "nothing like \"$pattern\" in: $text"
    done
}

# until_stats TEXT: asks for the gauges until they are these.
until_stats() {
    local i now
    for ((i = 0; i < 100; ++i)); do
        now=$(curl -sS --max-time 20 "$url/stats")
        [[ $now != *"$1"* ]] || return 0
        sleep 0.05
    done
    fail "the relay's gauges never had $1: $now"
}

until_bytes() {
    local i
    for ((i = 0; i < 100; ++i)); do
        [ ! -s "$1" ] || return 0
        sleep 0.05
    done
    fail "nothing came to $1"
}

# stop_relay WORD: SIGTERM; it must end with status 0 and have said this.
stop_relay() {
    kill -TERM "$relay_pid"
    wait "$relay_pid" || fail "the relay ended with status $?"
    relay_pid=
    has "$(<"$server_work/relay")" "$1"
}

relay_pid=
start_server "$server" --pace 100
trap '[ -z "$relay_pid" ] || kill -KILL "$relay_pid" 2>/dev/null || true; stop_server' EXIT
start_relay 10

say "a whole answer"
has "$(ask 'count to 5' sim-chat -i)" '^HTTP/1.1 200 ' '^Content-Type: text/event-stream' \
    '^data: \{"text":" 5"\}$' '^data: \[DONE\]$'

say "failures before the first word and after it"
has "$(ask hello error-400 -i)" '^HTTP/1.1 400 ' '^\{"error":'
has "$(ask hello error-401 -i)" '^HTTP/1.1 502 '
has "$(curl -sSi --data nonsense "$url/chat")" '^HTTP/1.1 400 '
has "$(ask hello error-mid-stream)" '^data: \{"text":"You"\}$' '^event: error$'

say "deadlines"
has "$(ask hello stall -i -H 'x-timeout-ms: 100')" '^HTTP/1.1 504 '
has "$(ask hello sim-endless -H 'x-timeout-ms: 300')" '^data: \{"text":"1"\}$' '^event: error$'

# In a silence as well, where no write to the caller can fail.
for model in sim-endless stall-mid-stream stall; do
    say "a caller that leaves: $model"
    ask hello $model >"$server_work/left" &
    caller=$!
    until_stats '"calls":1'
    [ $model = stall ] || until_bytes "$server_work/left"
    kill "$caller"
    wait "$caller" 2>/dev/null || true
    until_stats '"calls":0,"in_use":0'
done

say "SIGTERM lets an answer finish"
ask 'count to 60' sim-chat >"$server_work/answer" &
caller=$!
until_stats '"calls":1'
stop_relay '^drained$'
wait "$caller"
has "$(<"$server_work/answer")" '^data: \{"text":" 60"\}$' '^data: \[DONE\]$'

say "SIGTERM ends an answer that takes too long"
start_relay 1
ask hello sim-endless >"$server_work/answer" &
caller=$!
until_stats '"calls":1'
stop_relay '^cancelled what took too long$'
wait "$caller"
has "$(<"$server_work/answer")" '^event: error$'
