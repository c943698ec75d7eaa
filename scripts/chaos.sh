#!/usr/bin/env bash
# The work of the soak with toxiproxy between the client and its servers, which does to the connections what it likes.
#
#   scripts/chaos.sh [--minutes N] [--seed N]     (10 minutes, any seed; it is printed)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

minutes=10
seed=$((RANDOM * 32768 + RANDOM))
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) minutes=$2 ;;
    --seed) seed=$2 ;;
    *)
        sed -n '2,4s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
    shift 2
done

install_packages "${build_packages[@]}" "${test_packages[@]}"
toxiproxy=$(command -v toxiproxy-server || true)
if [ -z "$toxiproxy" ]; then
    toxiproxy=$PWD/build/toxiproxy/server
    if [ ! -x "$toxiproxy" ]; then
        command -v go >/dev/null || install_packages golang-go
        say "Building toxiproxy"
        GOBIN=${toxiproxy%/*} go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
    fi
fi
say "Building"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(job_count)" --target regolo_soak

# Four servers, and as many proxies before them; below the ports that the system gives to connections.
first=$((21000 + seed % 100 * 10))
ports=$first,$((first + 1)),$((first + 2)),$((first + 3))
via=$((first + 4)),$((first + 5)),$((first + 6)),$((first + 7))
api=http://127.0.0.1:$((first + 8))

proxy_pid=
soak_pid=
clean_up() {
    local each
    for each in $soak_pid $proxy_pid; do
        { kill "$each" && wait "$each"; } 2>/dev/null || true
    done
}
trap clean_up EXIT
# One descriptor on either side for each connection.
ulimit -n "$(ulimit -Hn)"
LOG_LEVEL=error "$toxiproxy" -host 127.0.0.1 -port $((first + 8)) >build/toxiproxy.log 2>&1 &
proxy_pid=$!
ask() { curl --silent --show-error --fail --noproxy '*' "$@" >/dev/null; }
ask --retry 50 --retry-delay 1 --retry-connrefused "$api/version"
for i in 0 1 2 3; do
    ask "$api/proxies" --data "{\"name\": \"p$i\", \"listen\": \"127.0.0.1:$((first + 4 + i))\",
        \"upstream\": \"127.0.0.1:$((first + i))\"}"
done

say "Chaos for $minutes minutes, seed $seed"
build/release/regolo_soak --seconds $((minutes * 60)) --seed "$seed" --streams 500 --silence 8 \
    --restart-every 0 --ports "$ports" --via "$via" --csv build/release/chaos.csv &
soak_pid=$!

RANDOM=$((seed % 32768))
between() { echo $(($1 + RANDOM % ($2 - $1 + 1))); }
# Each proxy has one toxic at a time, for some seconds, on three of four connections.
add_toxic() {
    local stream=downstream toxic
    [ $((RANDOM % 3)) -ne 0 ] || stream=upstream
    case $((RANDOM % 7)) in
    0) toxic="\"latency\", \"attributes\": {\"latency\": $(between 10 600), \"jitter\": 100}" ;;
    1) toxic="\"slicer\", \"attributes\": {\"average_size\": $(between 1 200), \"size_variation\": 0, \"delay\": 100}" ;;
    2) toxic="\"limit_data\", \"attributes\": {\"bytes\": $(between 1 30000)}" ;;
    3) toxic="\"timeout\", \"attributes\": {\"timeout\": $(between 0 3000)}" ;;
    4) toxic="\"reset_peer\", \"attributes\": {\"timeout\": $(between 0 1000)}" ;;
    5) toxic="\"slow_close\", \"attributes\": {\"delay\": $(between 10 2000)}" ;;
    *) toxic="\"bandwidth\", \"attributes\": {\"rate\": $(between 20 2000)}" ;;
    esac
    [[ $toxic =~ ^\"([a-z_]+)\" ]]
    local kind=${BASH_REMATCH[1]}
    # Toxiproxy answers 503 when connections are stuck in the toxic before this one.
    if ask "$api/proxies/p$1/toxics" --data \
        "{\"name\": \"one\", \"stream\": \"$stream\", \"toxicity\": 0.75, \"type\": $toxic}" 2>/dev/null; then
        done_to[$kind]=$((${done_to[$kind]:-0} + 1))
    else
        ((++refused))
    fi
}
declare -A done_to=()
refused=0
while kill -0 "$soak_pid" 2>/dev/null; do
    i=$((RANDOM % 4))
    curl --silent --noproxy '*' -X DELETE "$api/proxies/p$i/toxics/one" >/dev/null || true
    [ $((RANDOM % 4)) -eq 0 ] || add_toxic $i
    sleep "$(between 0 2)"
done
[ ${#done_to[@]} -gt 0 ] || fail "toxiproxy has taken no toxic"
status=0
wait "$soak_pid" || status=$?
soak_pid=
for each in "${!done_to[@]}"; do echo "toxic $each: ${done_to[$each]} times"; done
echo "toxics that toxiproxy refused: $refused"
say "chaos with seed $seed: $([ $status -eq 0 ] && echo "all is well" || echo "NOT WELL")"
exit $status
