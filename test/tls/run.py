#!/usr/bin/env python3
"""Checks the client against the certificates of a generator, served by nginx.

    run.py --probe PROGRAM --nginx PROGRAM --work FOLDER [--cases FILE] GENERATOR

GENERATOR is a program that fills the folder it is given: openssl.sh or certificates.py. Each row of
cases.txt is one run of the probe. All of it, nginx and probe, runs with an openssl.cnf that allows
what the client must refuse by itself. A generator may leave out certificates by listing them in the
file "left-out"; rows that need one of them are not run, and counted as such.
"""

import argparse
import collections
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
from reserve_ports import ReservedPorts, has_ipv6  # noqa: E402

# What is special about a server, in nginx's words; {dir} is the folder of the certificates.
SERVERS = {
    "": "",
    "tls10": "ssl_protocols TLSv1;",
    "tls11": "ssl_protocols TLSv1.1;",
    "tls12": "ssl_protocols TLSv1.2;",
    "tls13": "ssl_protocols TLSv1.3;",
    "null": "ssl_protocols TLSv1.2; ssl_ciphers eNULL:@SECLEVEL=0;",
    "anon": "ssl_protocols TLSv1.2; ssl_ciphers aNULL:@SECLEVEL=0;",
    "weak-dh": "ssl_protocols TLSv1.2; ssl_ciphers DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0; ssl_dhparam {dir}/weak.dh;",
    "asks": "ssl_verify_client on; ssl_client_certificate {dir}/root.crt;",
    "asks12": "ssl_protocols TLSv1.2; ssl_verify_client on; ssl_client_certificate {dir}/root.crt;",
    "plain": None,
}

# nginx lets a client without a certificate in, and answers 400. Others end the handshake; they are
# played by `openssl s_server`.
DEMANDS = {"demands": "-tls1_3", "demands12": "-tls1_2"}

Case = collections.namedtuple("Case", "name certificate server host options result words")


def read_cases(path):
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 7:
            sys.exit(f"{path}:{number}: {len(fields)} columns instead of 7")
        case = Case(*fields)
        if case.server not in SERVERS and case.server not in DEMANDS:
            sys.exit(f"{path}:{number}: unknown server {case.server}")
        cases.append(case._replace(words=[word for word in case.words.split("/") if word]))
    names = [case.name for case in cases]
    if len(set(names)) != len(names):
        sys.exit(f"{path}: two cases with one name")
    return cases


def nginx_config(work, certificates, ports):
    """One server block for each pair of a certificate and a kind of server."""
    blocks = []
    for (certificate, server), port in ports.items():
        if server in DEMANDS:
            continue
        tls = SERVERS[server]
        listen = [f"127.0.0.1:{port}"] + ([f"[::1]:{port}"] if has_ipv6() else [])
        lines = [f"listen {where}{'' if tls is None else ' ssl'};" for where in listen]
        if tls is not None:
            lines += [
                f"ssl_certificate {certificates}/{certificate}.pem;",
                f"ssl_certificate_key {certificates}/{certificate}.key;",
                tls.format(dir=certificates),
            ]
        blocks.append("server {\n    " + "\n    ".join(lines) + "\n}")
    user = "user root;" if os.geteuid() == 0 else ""
    scratch = "".join(
        f"{kind}_temp_path {work}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""{user}
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
access_log off;
{scratch}
default_type application/json;
ssl_protocols TLSv1.2 TLSv1.3;
location_placeholder
}}
""".replace(
        "location_placeholder",
        "\n".join(block[:-1] + ANSWER + "}" for block in blocks),
    )


LIST = '{"object":"list","data":[]}'
ANSWER = f"""    location / {{ return 200 '{LIST}'; }}
"""


class Proxy:
    """Tunnels to this machine whatever the name, so that certificates for any name can be tried."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            received = client.recv(65536)
            if not received:
                return
            head += received
        port = re.match(rb"CONNECT \S+:(\d+) HTTP/1.1\r\n", head)
        server = socket.create_connection(("127.0.0.1", int(port[1])))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self.copy, args=(server, client), daemon=True).start()
        self.copy(client, server)

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def start_servers(nginx, work, certificates, ports, environment):
    config = work / "nginx.conf"
    # Written by nginx when it has all its ports.
    pid_file = work / "nginx.pid"
    pid_file.unlink(missing_ok=True)
    config.write_text(nginx_config(work, certificates, ports))
    # What `s_server` answers to /v1/models.
    (work / "v1").mkdir(exist_ok=True)
    (work / "v1" / "models").write_bytes(
        b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (len(LIST), LIST.encode())
    )
    log = open(work / "servers.log", "w")
    commands = {
        "nginx": [nginx, "-p", str(work), "-c", str(config), "-e", "stderr"],
    }
    for (certificate, server), port in ports.items():
        if server in DEMANDS:
            commands[f"s_server {server}"] = (
                f"openssl s_server -accept 127.0.0.1:{port} -4 -cert {certificates}/{certificate}.crt "
                f"-cert_chain {certificates}/inter.crt -key {certificates}/{certificate}.key "
                f"-CAfile {certificates}/root.crt -Verify 3 -verify_return_error -HTTP {DEMANDS[server]}"
            ).split()
    started = {
        name: subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        for name, command in commands.items()
    }
    deadline = time.monotonic() + 20
    for ready in [pid_file.exists] + [lambda port=port: listens(port) for port in ports.values()]:
        while not ready():
            ended = dead(started)
            if ended or time.monotonic() > deadline:
                stop(started)
                sys.exit(f"{ended or 'a server'} did not start; see {work}/servers.log")
            time.sleep(0.05)
    return started


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def dead(started):
    return ", ".join(name for name, each in started.items() if each.poll() is not None)


def stop(started):
    for each in started.values():
        each.send_signal(signal.SIGTERM)
    for each in started.values():
        try:
            each.wait(5)
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def command_for(case, probe, certificates, ports, proxy):
    """The probe's command line and what is set in its environment."""
    variables, arguments = {}, []
    options = case.options or "--ca @/root.crt"
    url = f"https://{{}}:{ports[case.certificate, case.server]}"
    also = []
    words = iter(shlex.split(options.replace("@", str(certificates))))
    for word in words:
        if word == "--proxy":
            arguments += ["--proxy", proxy.url]
        elif word == "--also":
            also.append(url.format(next(words)))
        elif re.match(r"[A-Z_]+=", word):
            name, value = word.split("=", 1)
            variables[name] = value
        else:
            arguments.append(word)
    return [probe, *arguments, url.format(case.host), *also], variables


def failures(case, line, returned):
    """What is wrong with the probe's line; nothing if all is well."""
    found = []
    code, _, rest = line.partition(" attempts ")
    attempts, _, text = rest.partition(" ")
    if returned != 0:
        return [f"the probe returned {returned}"]
    if code != case.result:
        found.append(f"{code} instead of {case.result}")
    expected = {"accepted": None, "bad_config": "0"}.get(case.result, "1")
    if expected is not None and attempts != expected:
        found.append(f"{attempts} attempts instead of {expected}")
    found += [f'"{word}" is not in the text' for word in case.words if word not in text]
    if any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in line):
        found.append("a control character in the text")
    if len(line) > 5000:
        found.append(f"a text of {len(line)} characters")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--nginx", default="nginx")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cases", type=Path, default=HERE / "cases.txt")
    parser.add_argument("--verbose", action="store_true", help="print the texts of all errors")
    parser.add_argument("generator")
    options = parser.parse_args()

    work = options.work.resolve()
    certificates = work / "certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    with open(work / "generator.log", "w") as log:
        made = subprocess.run(
            shlex.split(options.generator) + [str(certificates)], stdout=log, stderr=log
        )
    if made.returncode != 0:
        sys.exit(f"the generator failed; see {work}/generator.log")
    listed = certificates / "left-out"
    left_out = set(listed.read_text().split()) if listed.exists() else set()

    cases = read_cases(options.cases)
    not_run = [case for case in cases if left_out & needs(case)]
    if not has_ipv6():
        not_run += [case for case in cases if "[" in case.host and case not in not_run]
    cases = [case for case in cases if case not in not_run]

    pairs = list(dict.fromkeys((case.certificate, case.server) for case in cases))
    reserved = ReservedPorts(len(pairs))
    ports = dict(zip(pairs, reserved))
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SSL_CERT_FILE", "SSL_CERT_DIR")
        and not name.startswith("REGOLO_")
        and not name.lower().endswith("_proxy")
    }
    clean["OPENSSL_CONF"] = str(HERE / "lax.cnf")
    proxy = Proxy()
    servers = start_servers(options.nginx, work, certificates, ports, clean)
    counts = collections.Counter()
    try:
        for case in cases:
            command, variables = command_for(case, options.probe, certificates, ports, proxy)
            ran = subprocess.run(
                command, env={**clean, **variables}, capture_output=True, text=True, timeout=60
            )
            line = ran.stdout.rstrip("\n")
            wrong = failures(case, line, ran.returncode)
            counts["wrong" if wrong else case.result] += 1
            print(f"{'WRONG' if wrong else 'ok':6}{case.name:20}{case.result:21}{case.host}")
            for each in wrong:
                print(f"      {each}")
            if wrong or options.verbose:
                print(f"      {line or ran.stderr.strip()!r}")
            if dead(servers):
                sys.exit(f"{dead(servers)} ended; see {work}/servers.log")
    finally:
        stop(servers)

    for case in not_run:
        print(f"NOT RUN: {case.name}")
    others = counts.total() - sum(
        counts[each] for each in ("certificate_refused", "accepted", "wrong")
    )
    print(
        f"{Path(options.generator.split()[-1]).name}: {counts['certificate_refused']} certificates "
        f"refused, {counts['accepted']} accepted, {counts['wrong']} wrong; {others} other refusals "
        f"(versions, ciphers, client certificates, settings); {len(not_run)} not run"
    )
    sys.exit(1 if counts["wrong"] or not cases else 0)


def needs(case):
    """The names of the files that a case uses, without their endings."""
    return {case.certificate} | {
        Path(word).stem for word in re.findall(r"@/([\w.-]+)", case.options)
    } | ({"weak"} if case.server == "weak-dh" else set())


if __name__ == "__main__":
    main()
