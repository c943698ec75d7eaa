# What the scripts share; sourced with the working directory at the top of the tree.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

installed() {
    dpkg-query -W -f '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -q '^ii'
}

# Debian 12 has Boost 1.81 beside its default 1.74, under names of its own. Only newer
# releases know the unversioned Boost.URL.
boost_package() {
    if apt-cache show libboost-url-dev >/dev/null 2>&1; then
        [ "$1" = headers ] && echo libboost-dev || echo "libboost-$1-dev"
    else
        [ "$1" = headers ] && echo libboost1.81-dev || echo "libboost-${1}1.81-dev"
    fi
}

# install_packages NAME...: those that are missing. The names boost-headers, boost-json and
# boost-url stand for whatever this release calls them.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        say "No apt-get here: expecting a C++20 compiler, CMake 3.24, Ninja, Boost 1.81, OpenSSL 3"
        return
    fi
    local name missing=() sudo=()
    for name in "$@"; do
        case $name in
        boost-headers) installed 'libboost1.[89]*-dev' || missing+=("$name") ;;
        boost-*) installed "libboost-${name#boost-}1.[89]*-dev" || missing+=("$name") ;;
        *) installed "$name" || missing+=("$name") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "missing packages (${missing[*]}) and neither root nor sudo to install them"
        sudo=(sudo)
    fi
    say "Missing packages: ${missing[*]}"
    say "Running ${sudo[*]} apt-get update"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    local wanted=()
    for name in "${missing[@]}"; do
        case $name in
        boost-*) wanted+=("$(boost_package "${name#boost-}")") ;;
        *) wanted+=("$name") ;;
        esac
    done
    say "Running ${sudo[*]} apt-get install ${wanted[*]}"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

# unpack_packages FOLDER NAME...: programs of packages that would start a service if they were installed.
unpack_packages() {
    local folder=$1 sudo=()
    shift
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    say "Fetching $*"
    mkdir -p "$folder"
    (
        cd "$folder"
        apt-get download "$@" || { "${sudo[@]}" apt-get update -qq && apt-get download "$@"; }
        for package in *.deb; do
            dpkg-deb -x "$package" .
        done
    ) >"$folder/log" 2>&1 || fail "not to be had: $*; see $folder/log"
}

# find_nginx WORK: sets nginx. The package is unpacked in that folder and not installed: installing it would start a
# web server on port 80.
find_nginx() {
    nginx=$(PATH=$PATH:/usr/sbin:$1/nginx/usr/sbin command -v nginx) && return
    unpack_packages "$1/nginx" nginx
    nginx=$1/nginx/usr/sbin/nginx
}

build_packages=(g++ cmake ninja-build libssl-dev ca-certificates boost-headers boost-json boost-url)
test_packages=(libgtest-dev curl)

# As many compilers as there are processors, but no more than memory allows: a file that sees all
# of Beast takes more than a gigabyte.
job_count() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable/ { print int($2 / 1400000) }' /proc/meminfo)
    [ "${memory:-1}" -ge 1 ] || memory=1
    [ "$memory" -lt "$cores" ] && echo "$memory" || echo "$cores"
}

# ---- processes that a script leaves running; its trap on EXIT is to be stop_all

pids=()
# With SIGTERM, and after five seconds without asking.
stop_all() {
    local i
    [ ${#pids[@]} -gt 0 ] || return 0
    kill "${pids[@]}" 2>/dev/null || true
    for ((i = 0; i < 50; ++i)); do
        kill -0 "${pids[@]}" 2>/dev/null || break
        sleep 0.1
    done
    kill -9 "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
    pids=()
}

# start LOG COMMAND...: in the background, until stop_all.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
}

# reserve_port FOLDER: sets `port` to one that nobody gets who asks for any port, until stop_all. Needs Python.
reserve_port() {
    rm -f "$1/reserved"  # of the port before
    start "$1/reserved" python3 scripts/reserve_ports.py 1
    until [ -s "$1/reserved" ]; do
        kill -0 "${pids[-1]}" 2>/dev/null || fail "no port: $(cat "$1/reserved")"
        sleep 0.05
    done
    port=$(cat "$1/reserved")
}

# start_server PROGRAM [OPTION...]: runs regolo-server with TLS on a free port until this script
# ends, and points the client's environment variables at it.
start_server() {
    local program=$1 i
    shift
    server_work=$(mktemp -d)
    server_pid=
    trap stop_server EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    "$program" --tls --key demo-key --ca-out "$server_work/ca.pem" \
        --port-file "$server_work/port" "$@" >"$server_work/log" 2>&1 &
    server_pid=$!
    for ((i = 0; i < 100; ++i)); do
        [ ! -e "$server_work/port" ] || break
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.1
    done
    if [ ! -e "$server_work/port" ]; then
        cat "$server_work/log" >&2
        fail "regolo-server did not start"
    fi

    REGOLO_BASE_URL=https://127.0.0.1:$(cat "$server_work/port")
    export REGOLO_BASE_URL REGOLO_API_KEY=demo-key SSL_CERT_FILE=$server_work/ca.pem
    export no_proxy=127.0.0.1
    unset REGOLO_MODEL
}

stop_server() {
    [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
    rm -rf "$server_work"
}
