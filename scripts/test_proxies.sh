#!/usr/bin/env bash
# Runs exchanges through the proxies of Debian, squid and tinyproxy, each on a loopback port with a
# configuration of its own in build/proxies, and compares what no_proxy means with what curl takes it for.
# Prints a line for each exchange, and fails if one is not as it must be.
#
#   scripts/test_proxies.sh [-v]     -v prints what each exchange said
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

verbose=
case ${1-} in
-h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit
    ;;
-v) verbose=1 ;;
'') ;;
*) fail "unknown argument $1; see --help" ;;
esac

# Of tinyproxy the program alone; squid has no such package, and is not installed but unpacked.
squid_libraries=(libecap3 libgnutls30 libgssapi-krb5-2 libltdl7 libnetfilter-conntrack3)
install_packages "${build_packages[@]}" "${test_packages[@]}" tinyproxy-bin openssl python3 \
    "${squid_libraries[@]}"

work=$PWD/build/proxies
mkdir -p "$work"
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tree=$work/squid
[ -x "$tree/usr/sbin/squid" ] || unpack_packages "$tree" squid squid-common squid-langpack
tinyproxy=$(PATH=$PATH:/usr/sbin command -v tinyproxy)

cmake --preset dev >/dev/null
cmake --build --preset dev -j "$(job_count)" --target regolo_server regolo_proxy_probe
probe=build/dev/test/proxies/regolo_proxy_probe
server=build/dev/regolo-server
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY

# ---- servers behind the proxies

# wait_for FILE|PORT WHAT: until the file is there, or something listens.
wait_for() {
    local i
    for ((i = 0; i < 150; ++i)); do
        case $1 in
        /*) [ ! -s "$1" ] || return 0 ;;
        *) ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0 ;;
        esac
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    fail "$2 did not start; see $work"
}

rm -f "$work"/*.port
start "$work/tls.log" "$server" --tls --pace 0 --ca-out "$work/ca.pem" --port-file "$work/tls.port"
wait_for "$work/tls.port" regolo-server
start "$work/plain.log" "$server" --plain --pace 0 --port-file "$work/plain.port"
wait_for "$work/plain.port" regolo-server
start "$work/silent.log" "$probe" silent "$work/silent.port"
wait_for "$work/silent.port" "the silent server"
tls=https://127.0.0.1:$(cat "$work/tls.port")
plain=http://127.0.0.1:$(cat "$work/plain.port")
silent=$(cat "$work/silent.port")
reserve_port "$work"
closed=$port
export REGOLO_API_KEY=test-key SSL_CERT_FILE=$work/ca.pem

# ---- the proxies; each sets `port`

# squid NAME [LINE...]: with these lines before "allow all".
squid() {
    local name=$1 folder=$work/$1 line
    shift
    reserve_port "$work"
    mkdir -p "$folder"
    {
        cat <<CONFIG
http_port 127.0.0.1:$port
pid_filename $folder/pid
access_log none
cache_log $folder/cache.log
cache deny all
coredump_dir $folder
mime_table $tree/usr/share/squid/mime.conf
icon_directory $tree/usr/share/squid/icons
error_directory $tree/usr/share/squid-langpack/templates
unlinkd_program /bin/true
visible_hostname proxy.test
shutdown_lifetime 0 seconds
connect_timeout 2 seconds
netdb_filename none
workers 1
acl denied dstdomain denied.test
http_access deny denied
CONFIG
        [ "$(id -u)" -ne 0 ] || echo "cache_effective_user $(id -un nobody)"
        for line in "$@"; do
            echo "$line"
        done
        echo "http_access allow all"
    } >"$folder/conf"
    [ "$(id -u)" -ne 0 ] || chown nobody "$folder"
    start "$folder/log" "$tree/usr/sbin/squid" -N -f "$folder/conf"
    wait_for "$port" "squid ($name)"
}

# tiny NAME [LINE...]
tiny() {
    local name=$1 folder=$work/$1 line
    shift
    reserve_port "$work"
    mkdir -p "$folder"
    echo '^denied\.test$' >"$folder/filter"
    {
        cat <<CONFIG
Port $port
Listen 127.0.0.1
Timeout 30
MaxClients 50
Allow 127.0.0.1
PidFile "$folder/pid"
LogFile "$folder/tinyproxy.log"
Filter "$folder/filter"
FilterExtended On
CONFIG
        for line in "$@"; do
            echo "$line"
        done
    } >"$folder/conf"
    start "$folder/log" "$tinyproxy" -d -c "$folder/conf"
    wait_for "$port" "tinyproxy ($name)"
}

squid open
open_squid=$port
printf 'me:%s\n' "$(openssl passwd -apr1 'p@ss:word')" >"$work/users"
chmod 644 "$work/users"
squid auth "auth_param basic program $tree/usr/lib/squid/basic_ncsa_auth $work/users" \
    "auth_param basic realm test" "acl known proxy_auth REQUIRED" "http_access deny !known"
auth_squid=$port
squid parent "cache_peer 127.0.0.1 parent $silent 0 no-query no-digest default" \
    "never_direct allow all"
parent_squid=$port
tiny tiny
open_tiny=$port
tiny tiny-auth "BasicAuth me secret"
auth_tiny=$port
tiny tiny-parent "Upstream http 127.0.0.1:$silent"
parent_tiny=$port

# ---- exchanges

exchanges=0
wrong=0
# expect NAME WORD... -- PROBE_ARGUMENT...: what the probe says must have all these words.
expect() {
    local name=$1 said word words=() missing=()
    shift
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    shift
    said=$("$probe" "$@" 2>&1) || true
    for word in "${words[@]}"; do
        [[ $said == *"$word"* ]] || missing+=("\"$word\"")
    done
    # Nothing that is said may have a password.
    [[ $said != *p@ss* && $said != *p%40ss* && $said != *secret* ]] || missing+=("no password")
    exchanges=$((exchanges + 1))
    if [ ${#missing[@]} -eq 0 ]; then
        printf 'ok     %s\n' "$name"
        [ -z "$verbose" ] || printf '       %s\n' "$said"
    else
        wrong=$((wrong + 1))
        printf 'WRONG  %s: not in what it says: %s\n       %s\n' "$name" "${missing[*]}" "$said"
    fi
}

right='answer 1 2 3 4 5'
answers() {
    local what
    for what in chat stream; do
        expect "$1, CONNECT, $what" "$right" -- "$what" "$2" "$tls"
        expect "$1, CONNECT by name, $what" "$right" -- "$what" "$2" "${tls/127.0.0.1/localhost}"
        expect "$1, absolute form, $what" "$right" -- "$what" "$2" "$plain"
    done
}

answers squid "http://127.0.0.1:$open_squid"
answers tinyproxy "127.0.0.1:$open_tiny"
answers "squid with a password" "http://me:p%40ss%3Aword@127.0.0.1:$auth_squid"
answers "tinyproxy with a password" "http://me:secret@127.0.0.1:$auth_tiny"

refused_words=('where proxy' 'sent 0' 'attempts 1')
for what in chat stream; do
    expect "squid wants a password, $what" "${refused_words[@]}" 407 'a user name and a password' \
        -- "$what" "127.0.0.1:$auth_squid" "$tls"
    expect "squid takes no other password, $what" "${refused_words[@]}" 407 'does not accept' \
        -- "$what" "http://me:nope@127.0.0.1:$auth_squid" "$tls"
    expect "squid wants a password, absolute form, $what" 'attempts 1' 407 'password' \
        -- "$what" "127.0.0.1:$auth_squid" "$plain"
    expect "tinyproxy wants a password, $what" "${refused_words[@]}" 407 \
        'a user name and a password' -- "$what" "127.0.0.1:$auth_tiny" "$tls"
    expect "tinyproxy takes no other password, $what" "${refused_words[@]}" 'does not accept' \
        -- "$what" "http://me:nope@127.0.0.1:$auth_tiny" "$tls"
    expect "tinyproxy wants a password, absolute form, $what" 'attempts 1' 407 'password' \
        -- "$what" "127.0.0.1:$auth_tiny" "$plain"

    # Hosts that are not allowed: squid's page is HTML, and only its words are told.
    expect "squid denies the host, $what" "${refused_words[@]}" '403 Forbidden' 'no_proxy' \
        'The requested URL could not be retrieved' -- "$what" "127.0.0.1:$open_squid" \
        https://denied.test
    expect "squid denies the host, absolute form, $what" 'status 403' 'attempts 1' \
        'The requested URL could not be retrieved' -- "$what" "127.0.0.1:$open_squid" \
        http://denied.test
    expect "tinyproxy denies the host, $what" "${refused_words[@]}" '403' 'Filtered' \
        -- "$what" "127.0.0.1:$open_tiny" https://denied.test
    expect "tinyproxy denies the host, absolute form, $what" 'status 403' 'attempts 1' 'Filtered' \
        -- "$what" "127.0.0.1:$open_tiny" http://denied.test

    # Servers that are not there: no request reached one, so it is tried again.
    expect "squid finds nobody, $what" 'where proxy' 'sent 0' 'attempts 2' 503 \
        'cannot reach that host' -- "$what" "127.0.0.1:$open_squid" "https://127.0.0.1:$closed"
    expect "squid finds nobody, absolute form, $what" 'status 503' 'attempts 2' \
        'The requested URL could not be retrieved' \
        -- "$what" "127.0.0.1:$open_squid" "http://127.0.0.1:$closed"
    expect "tinyproxy finds nobody, $what" 'where proxy' 'sent 0' 'attempts 2' 500 \
        'cannot reach that host' -- "$what" "127.0.0.1:$open_tiny" "https://127.0.0.1:$closed"
    expect "tinyproxy finds nobody, absolute form, $what" 'status 500' 'attempts 2' \
        'Unable to connect' -- "$what" "127.0.0.1:$open_tiny" "http://127.0.0.1:$closed"
    expect "squid finds no address, $what" 'where proxy' 'sent 0' 'cannot reach that host' \
        'The requested URL could not be retrieved' \
        -- "$what" "127.0.0.1:$open_squid" https://no-such-host.invalid

    # A parent that never answers: the connection's own limit ends it.
    expect "squid's parent hangs, $what" 'where proxy' 'sent 0' 'no connection within 2 s' \
        -- "$what" "127.0.0.1:$parent_squid" "$tls"
    expect "tinyproxy's parent hangs, $what" 'where proxy' 'sent 0' 'no connection within 2 s' \
        -- "$what" "127.0.0.1:$parent_tiny" "$tls"
    expect "the proxy hangs, $what" 'where proxy' 'sent 0' 'no connection within 2 s' \
        -- "$what" "127.0.0.1:$silent" "$tls"
    expect "the proxy is not there, $what" 'where proxy' 'sent 0' 'attempts 2' \
        "no connection to the proxy http://127.0.0.1:$closed" -- "$what" "127.0.0.1:$closed" "$tls"
    expect "the proxy is left out, $what" "$right" \
        -- "$what" "127.0.0.1:$closed" "$tls" 'example.com, 127.0.0.0/8'
done

# ---- no_proxy against curl

say "no_proxy against $(curl --version | head -n 1 | cut -d ' ' -f 1,2)"
rules=test/proxies/no_proxy
[ "$(grep -vc '^#' $rules.rules)" -ge 60 ] || fail "rules are missing"
"$probe" compare $rules.rules >"$work/compared"
same=$(sed -n 's/^same //p' "$work/compared")
printf '%s pairs understood alike, %s otherwise\n' "$same" "$(grep -vc '^same ' "$work/compared")"
exchanges=$((exchanges + $(grep -vc '^#' $rules.rules)))
# Where they differ, and why, is written down beside the rules.
if ! diff -u --label expected --label found <(grep -v '^#' $rules.differences) \
    <(grep -v '^same ' "$work/compared"); then
    wrong=$((wrong + 1))
fi

stop_all
say "$exchanges exchanges, $wrong wrong"
[ $wrong -eq 0 ]
