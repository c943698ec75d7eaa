"""The servers that the clients are measured with: the load server, and nginx with what that one answered."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

from . import machine

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from reserve_ports import ReservedPorts  # noqa: E402


class Server:
    """Started on the server's core; stopped at the end of a `with` block."""

    def __init__(self, command, core, log, **others):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=machine.pinned(core),
                **others,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def cpu(self):
        return machine.cpu_seconds(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def wait_until(self, ready):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if ready():
                return
            time.sleep(0.1)
        raise SystemExit(f"error: a server did not start; see {self.log}")


class LoadServer(Server):
    """Ours, for plain HTTP, or TLS with or without session tickets."""

    def __init__(self, build, work, core, kind):
        port_file = work / f"port-{kind}"
        port_file.unlink(missing_ok=True)
        options = {"plain": ["--plain"], "tls": [], "tickets": ["--tickets"]}[kind]
        command = [build / "bench/regolo_load_server", *options, "--port-file", port_file]
        super().__init__(command, core, work / f"server-{kind}.log")
        self.wait_until(port_file.exists)
        scheme = "http" if kind == "plain" else "https"
        self.url = f"{scheme}://127.0.0.1:{port_file.read_text().strip()}"

    def counters(self):
        """Its requests and connections so far, and how many of those were resumed."""
        known = len(self.log.read_text().splitlines())
        self.process.send_signal(signal.SIGUSR1)
        for _ in range(1000):
            told = self.log.read_text().splitlines()
            if len(told) > known and told[-1].endswith("}"):
                return json.loads(told[-1])
            time.sleep(0.01)
        raise SystemExit(f"error: a server tells nothing; see {self.log}")


def fetch(url, path):
    """The body of an answer, and its type."""
    where = url.split("://")[1]
    if url.startswith("https"):
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(where, context=trusting, timeout=10)
    else:
        connection = http.client.HTTPConnection(where, timeout=10)
    connection.request("POST", path, body="{}", headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"error: {url}{path} answered {answer.status}")
    body = answer.read()
    connection.close()
    return body, answer.headers["content-type"]


NGINX = """{user}
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    ssl_certificate {work}/certificate.pem;
    ssl_certificate_key {work}/key.pem;
    ssl_protocols TLSv1.3;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls_port} ssl backlog=4096;
        root {work}/answers;
        # A file is an answer to POST, too.
        error_page 405 =200 $uri;
{locations}
    }}
}}
"""

# Passed through the filter for server-side includes, which finds none, so that it comes in chunks as a stream does.
STREAMED = """        location /{name}/ {{
            types {{ }}
            default_type "{type}";
            ssi on;
            ssi_types *;
        }}"""
WHOLE = """        location /{name}/ {{
            types {{ }}
            default_type "{type}";
        }}"""


class Nginx(Server):
    """Debian's, with answers of the load server as files."""

    def __init__(self, program, work, core, recorded_from, workloads):
        work.mkdir(parents=True, exist_ok=True)
        locations = []
        for name, streams in workloads.items():
            path = f"/{name}/v1/chat/completions"
            body, kind = fetch(recorded_from, path)
            file = work / "answers" / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            locations.append((STREAMED if streams else WHOLE).format(name=name, type=kind))
        self.make_certificate(work)
        self.reserved = ReservedPorts(2)
        port, tls_port = self.reserved
        config = work / "nginx.conf"
        config.write_text(
            NGINX.format(
                user="user root;" if os.geteuid() == 0 else "",
                work=work,
                port=port,
                tls_port=tls_port,
                locations="\n".join(locations),
            )
        )
        # Its notice of a log that it cannot open yet is no error.
        super().__init__(
            [program, "-e", work / "error.log", "-p", work, "-c", config], core, work / "nginx.log"
        )
        self.url = f"http://127.0.0.1:{port}"
        self.tls_url = f"https://127.0.0.1:{tls_port}"
        self.wait_until(lambda: self.worker() is not None and answers(self.url, next(iter(workloads))))

    @staticmethod
    def make_certificate(work):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", work / "key.pem", "-out", work / "certificate.pem"],
            check=True,
            capture_output=True,
        )  # fmt: skip

    def worker(self):
        """The process that serves."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children, encoding="ascii") as found:
            pids = found.read().split()
        return int(pids[0]) if pids else None

    def cpu(self):
        worker = self.worker()
        if worker is None:
            raise SystemExit(f"nginx has ended; see {self.log}")
        return machine.cpu_seconds(worker)


def answers(url, workload):
    try:
        fetch(url, f"/{workload}/v1/chat/completions")
        return True
    except OSError:
        return False
