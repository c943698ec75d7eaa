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

build_packages=(g++ cmake ninja-build libssl-dev ca-certificates boost-headers boost-json boost-url)
test_packages=(libgtest-dev)

# As many compilers as there are processors, but no more than memory allows: a file that sees all
# of Beast takes more than a gigabyte.
job_count() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable/ { print int($2 / 1400000) }' /proc/meminfo)
    [ "${memory:-1}" -ge 1 ] || memory=1
    [ "$memory" -lt "$cores" ] && echo "$memory" || echo "$cores"
}
