#!/usr/bin/env bash
# Runs the client against servers that others wrote, each behind an nginx that speaks TLS:
# llama.cpp's own server (xllamacpp from PyPI) with tiny random models, the mocks aimock and mock-llm
# from npm, and a server of files on Starlette and uvicorn from PyPI. Everything is kept in build/real.
#
#   scripts/test_real.sh [--require] [--llama-cpp-python] [SERVER...]
#
#   SERVER               these alone: llama.cpp, llama.cpp-embeddings, llama.cpp-rerank, aimock,
#                        mock-llm, starlette, llama-cpp-python
#   --llama-cpp-python   that server too, a second implementation around llama.cpp; it is compiled,
#                        which takes ten minutes or more the first time
#   --require            fail when a server did not run, such as because PyPI or npm did not answer
#
# REGOLO_REAL_MIB, 256 unless set, is the size in MiB of the file that is uploaded to Starlette.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

xllamacpp=2026.10.11549
gguf=0.19.0
llama_cpp_python=0.3.36
aimock=1.43.0
mock_llm=0.1.29
starlette=1.10.0
uvicorn=0.54.0
python_multipart=0.0.34

require=
wanted=()
source_build=
for argument in "$@"; do
    case $argument in
    -h | --help)
        sed -n '2,14s/^# \{0,1\}//p' "$0"
        exit
        ;;
    --require) require=1 ;;
    --llama-cpp-python) source_build=1 ;;
    llama.cpp | llama.cpp-embeddings | llama.cpp-rerank | aimock | mock-llm | starlette | \
        llama-cpp-python) wanted+=("$argument") ;;
    *) fail "unknown argument $argument; see --help" ;;
    esac
done
if [ ${#wanted[@]} -eq 0 ]; then
    wanted=(llama.cpp llama.cpp-embeddings llama.cpp-rerank aimock mock-llm starlette)
    [ -z "$source_build" ] || wanted+=(llama-cpp-python)
fi

work=$PWD/build/real
mkdir -p "$work"
results=()
failed=()
not_run=()
on_request=()

# ---- processes

trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# answers URL: waits until something does, for as long as the last process started is there.
answers() {
    local i
    for ((i = 0; i < 300; ++i)); do
        curl -s -o /dev/null --max-time 2 --noproxy '*' --cacert "$work/tls/ca.pem" "$1" && return
        kill -0 "${pids[-1]}" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# ---- what is needed

skip() {
    not_run+=("$1: $2")
    say "NOT RUN: $1: $2"
}

install_tools() {
    install_packages "${build_packages[@]}" "${test_packages[@]}" openssl
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
    command -v node >/dev/null && command -v npm >/dev/null || install_packages nodejs npm
}

# from_pypi NAME PACKAGE...: a virtual environment of that name with these packages.
from_pypi() {
    local venv=$work/$1-venv
    shift
    [ "$(cat "$venv/complete" 2>/dev/null)" != "$*" ] || return 0
    say "Installing $* from PyPI"
    rm -rf "$venv"
    python3 -m venv "$venv" >"$venv.log" 2>&1 &&
        "$venv/bin/pip" install --quiet --retries 2 --timeout 30 "$@" >>"$venv.log" 2>&1 &&
        echo "$*" >"$venv/complete"
}

# from_npm NAME PACKAGE
from_npm() {
    local folder=$work/$1-npm
    [ "$(cat "$folder/complete" 2>/dev/null)" != "$2" ] || return 0
    say "Installing $2 from npm"
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --fetch-retries=1 \
        --fetch-timeout=60000 "$2" >"$folder.log" 2>&1 && echo "$2" >"$folder/complete"
}

make_certificates() {
    local tls=$work/tls
    mkdir -p "$tls"
    (
        cd "$tls"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj "/CN=throw-away CA" -keyout ca.key -out ca.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj /CN=127.0.0.1 -keyout leaf.key -out leaf.csr
        printf 'subjectAltName=IP:127.0.0.1\n' >leaf.ext
        openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile leaf.ext -out leaf.pem
    ) >"$tls/log" 2>&1 || fail "openssl made no certificate; see $tls/log"
}

# front PORT: nginx with TLS in front of that port; sets url.
front() {
    local prefix=$work/front port user=
    reserve_port "$work"
    mkdir -p "$prefix"
    [ "$(id -u)" -ne 0 ] || user='user root;'
    cat >"$prefix/nginx.conf" <<CONFIG
$user
daemon off;
worker_processes 1;
pid $prefix/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    access_log $prefix/access.log;
    client_body_temp_path $prefix/body;
    proxy_temp_path $prefix/proxy;
    fastcgi_temp_path $prefix/fastcgi;
    uwsgi_temp_path $prefix/uwsgi;
    scgi_temp_path $prefix/scgi;

    # Left before the servers leave them (after 5 seconds, or 100 requests): else a request meets one
    # that is just being closed, and nginx answers 502.
    upstream backend {
        server 127.0.0.1:$1;
        keepalive 32;
        keepalive_timeout 2s;
        keepalive_requests 50;
    }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    proxy_read_timeout 600s;
    keepalive_requests 20;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $work/tls/leaf.pem;
        ssl_certificate_key $work/tls/leaf.key;
        location / { proxy_pass http://backend; }
        # Passed on while it comes, so that the server can refuse it before its end.
        location /v1/audio/ {
            proxy_pass http://backend;
            client_max_body_size 0;
            proxy_request_buffering off;
        }
        location /buffered/ { proxy_pass http://backend/; proxy_buffering on; }
        location /impatient/ { proxy_pass http://backend/; proxy_read_timeout 1s; }
        location /dead/ { proxy_pass http://127.0.0.1:1/; }
        location /moved/ { return 301 https://127.0.0.1:$port/; }
    }
}
CONFIG
    start "$prefix/log" "$nginx" -p "$prefix" -c "$prefix/nginx.conf" -e stderr
    url=https://127.0.0.1:$port
    answers "$url/" || fail "nginx did not start: $(tail -n 3 "$prefix/log")"
}

# run_tests NAME PORT MODEL: against the server started last.
run_tests() {
    local name=$1 output=$work/$1.out status=0
    if ! answers "http://127.0.0.1:$2/"; then
        tail -n 20 "$work/$name.log" >&2
        failed+=("$name: the server did not start; see build/real/$name.log")
        stop_all
        return
    fi
    front "$2"
    say "Testing against $name"
    env -u REGOLO_ALLOW_PLAINTEXT REGOLO_BASE_URL="$url" REGOLO_API_KEY=real-key REGOLO_MODEL="$3" \
        SSL_CERT_FILE="$work/tls/ca.pem" REGOLO_REAL_SERVER="$name" \
        REGOLO_REAL_LACKS="test/real/$name.lacks" \
        build/dev/test/real/regolo_real_tests 2>&1 | tee "$output" || status=$?
    if grep -q "^$name: [0-9]* passed" "$output"; then
        results+=("$(grep "^$name: [0-9]* passed" "$output")")
    else
        status=1
        results+=("$name: the tests ended early")
    fi
    [ $status -eq 0 ] || failed+=("$name: see build/real/$name.out and build/real/$name.log")
    stop_all
}

# ---- the servers

# run_xllamacpp NAME [MODE]
run_xllamacpp() {
    from_pypi llama.cpp "xllamacpp==$xllamacpp" "gguf==$gguf" || {
        skip "$1" "pip could not install xllamacpp and gguf (build/real/llama.cpp-venv.log)"
        return
    }
    local python=$work/llama.cpp-venv/bin/python port
    "$python" test/real/make_model.py "$work/tiny.gguf"
    reserve_port "$work"
    start "$work/$1.log" "$python" test/real/llama_server.py "$work/tiny.gguf" "$port" "${@:2}"
    run_tests "$1" "$port" tiny
}
run_llama.cpp() { run_xllamacpp llama.cpp; }
run_llama.cpp-embeddings() { run_xllamacpp llama.cpp-embeddings mean; }
run_llama.cpp-rerank() { run_xllamacpp llama.cpp-rerank rank; }

run_llama-cpp-python() {
    from_pypi llama.cpp "xllamacpp==$xllamacpp" "gguf==$gguf" &&
        from_pypi llama-cpp-python "llama-cpp-python[server]==$llama_cpp_python" || {
        skip llama-cpp-python "pip could not build it (build/real/llama-cpp-python-venv.log)"
        return
    }
    local port
    "$work/llama.cpp-venv/bin/python" test/real/make_model.py "$work/tiny.gguf"
    reserve_port "$work"
    start "$work/llama-cpp-python.log" "$work/llama-cpp-python-venv/bin/python" \
        -m llama_cpp.server --host 127.0.0.1 --port "$port" --model "$work/tiny.gguf" \
        --model_alias tiny --api_key real-key --n_ctx 4096 --logits_all true \
        --interrupt_requests false
    run_tests llama-cpp-python "$port" tiny
}

run_aimock() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 15) ? 0 : 1)' || {
        skip aimock "it needs Node.js 20.15, and this is $(node --version)"
        return
    }
    from_npm aimock "@copilotkit/aimock@$aimock" || {
        skip aimock "npm could not install it (build/real/aimock-npm.log)"
        return
    }
    local port
    reserve_port "$work"
    start "$work/aimock.log" env AIMOCK_API_KEYS=real-key \
        node "$work/aimock-npm/node_modules/@copilotkit/aimock/dist/cli.js" \
        --host 127.0.0.1 --port "$port" --fixtures test/real/aimock.json --chunk-size 8
    run_tests aimock "$port" gpt-4o
}

run_mock-llm() {
    from_npm mock-llm "@dwmkerr/mock-llm@$mock_llm" || {
        skip mock-llm "npm could not install it (build/real/mock-llm-npm.log)"
        return
    }
    local port
    reserve_port "$work"
    start "$work/mock-llm.log" env HOST=127.0.0.1 PORT="$port" \
        node "$work/mock-llm-npm/node_modules/@dwmkerr/mock-llm/dist/main.js" \
        --config test/real/mock-llm.yaml
    run_tests mock-llm "$port" gpt-4o-mini
}

run_starlette() {
    from_pypi starlette "starlette==$starlette" "uvicorn==$uvicorn" \
        "python-multipart==$python_multipart" || {
        skip starlette "pip could not install it (build/real/starlette-venv.log)"
        return
    }
    local port
    reserve_port "$work"
    start "$work/starlette.log" "$work/starlette-venv/bin/python" test/real/media_server.py "$port"
    run_tests starlette "$port" media
}

install_tools
find_nginx "$work"
make_certificates
say "Building the tests"
cmake --preset dev >"$work/build.log" &&
    cmake --build --preset dev -j "$(job_count)" --target regolo_real_tests >>"$work/build.log" || {
    tail -n 40 "$work/build.log" >&2
    fail "the build failed; all of its output is in build/real/build.log"
}
for server in "${wanted[@]}"; do
    "run_$server"
done

[[ " ${wanted[*]} " == *" llama-cpp-python "* ]] ||
    on_request=("llama-cpp-python: it is compiled, and so runs with --llama-cpp-python alone")

say "Real servers"
{
    for line in ${results[@]+"${results[@]}"}; do
        echo "$line"
    done
    for line in ${failed[@]+"${failed[@]}"}; do
        echo "FAILED: $line"
    done
    for line in ${not_run[@]+"${not_run[@]}"} ${on_request[@]+"${on_request[@]}"}; do
        echo "NOT RUN: $line"
    done
} | tee "$work/summary"
[ ${#failed[@]} -eq 0 ] || exit 1
[ ${#not_run[@]} -eq 0 ] || [ -z "$require" ] || exit 1
