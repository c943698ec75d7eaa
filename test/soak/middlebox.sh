#!/usr/bin/env bash
# A way that forgets connections (their packets are dropped without a word) and a name that moves, in a network namespace.
#
#   middlebox.sh REGOLO_SERVER REGOLO_MIDDLEBOX
#
# Exit status 77: not run, since the system does not allow it. The reason is printed.
set -euo pipefail
server=$1
client=$2

skip() {
    printf 'NOT RUN: middlebox: %s\n' "$*" >&2
    exit 77
}

name=regolo-box-$$
work=$(mktemp -d)
server_pid=
clean_up() {
    [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
    ip netns del "$name" 2>/dev/null || true
    rm -rf "$work" "/etc/netns/$name"
}
trap clean_up EXIT

command -v ip >/dev/null || skip "no ip (package iproute2)"
command -v nft >/dev/null || skip "no nft (package nftables)"
# What `ip netns exec` shows as /etc/hosts. It is changed in place.
hosts=/etc/netns/$name/hosts
mkdir -p "${hosts%/*}" 2>"$work/why" && touch "$hosts" || skip "no hosts file: $(cat "$work/why")"
ip netns add "$name" 2>"$work/why" || skip "no network namespace: $(cat "$work/why")"
inside() { ip netns exec "$name" "$@"; }
inside ip link set lo up
inside nft -f - 2>"$work/why" <<'RULES' || skip "no packet filter: $(cat "$work/why")"
table inet box {
    set forgotten { type inet_service; }
    chain way {
        type filter hook input priority 0;
        tcp sport @forgotten counter drop
        tcp dport @forgotten counter drop
    }
}
RULES

# Not by the function, whose shell would be what is stopped at the end.
ip netns exec "$name" "$server" --plain --pace 20 --port-file "$work/port" >"$work/server.log" 2>&1 &
server_pid=$!
for ((i = 0; i < 100; ++i)); do
    [ ! -e "$work/port" ] || break
    sleep 0.1
done
port=$(cat "$work/port")

# The client's ends of all connections that there are; new ones pass.
forget() {
    local ends
    ends=$(inside ss -tnH state established "dport = :$port" | awk '{ sub(/.*:/, "", $3); print $3 }' |
        paste -sd,)
    inside nft add element inet box forgotten "{ $ends }"
    echo "forgotten: $ends"
}

mkfifo "$work/answers"
inside "$client" "http://127.0.0.1:$port" "http://api.moves.test:$port" <"$work/answers" >"$work/client.log" &
client_pid=$!
exec 3>"$work/answers"
seen=0
while kill -0 "$client_pid" 2>/dev/null; do
    order=$(grep -E '^(cut$|name )' "$work/client.log" | sed -n "$((seen + 1))p" || true)
    if [ -n "$order" ]; then
        seen=$((seen + 1))
        case $order in
        cut) forget ;;
        name\ *) echo "${order#name } api.moves.test" >"$hosts" ;;
        esac
        echo >&3
    fi
    sleep 0.05
done
status=0
wait "$client_pid" || status=$?
grep -Ev '^(cut$|name )' "$work/client.log" || true
dropped=$(inside nft list chain inet box way | awk '/counter/ { for (i = 1; i < NF; ++i) if ($i == "packets") n += $(i + 1) } END { print n + 0 }')
echo "packets dropped: $dropped"
[ "$dropped" -gt 0 ] || { echo "FAILED: nothing was dropped" >&2; status=1; }
exit $status
