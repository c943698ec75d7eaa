"""The programs that are compared, and one run of one of them."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from . import machine

REGOLO = {"name": "regolo", "kind": "regolo", "command": ["{build}/bench/regolo_bench_regolo_client"]}
FAN_OUT = {
    "name": "regolo_fan_out",
    "kind": "regolo",
    "command": ["{build}/bench/regolo_bench_regolo_fan_out"],
    "only": ["fan_out_64", "fan_out_256", "fan_out_1024"],
}

MEASURED = ("requests", "chunks", "text_bytes", "cpu", "user", "system", "wall")


@dataclass
class Client:
    name: str
    kind: str  # regolo, floor, c++ or sdk
    command: list
    max_concurrency: int = 1 << 30
    unsupported: list = field(default_factory=list)
    only: list = field(default_factory=list)

    def takes(self, work):
        """Whether it can do that work; `work` is one of compare.py."""
        if self.only and work.name not in self.only:
            return False
        return work.concurrency <= self.max_concurrency and not (
            work.name in self.unsupported or work.path in self.unsupported
        )


def read_clients(peers_file, build, peers):
    """This library and its peers. A program that is not there ends the run."""
    listed = json.loads(Path(peers_file).read_text())
    clients = []
    missing = []
    for entry in [REGOLO, *listed, FAN_OUT]:
        command = [part.format(build=build, peers=peers) for part in entry["command"]]
        if shutil.which(command[0]) is None:
            missing.append(f"{entry['name']} ({command[0]})")
        fields = {key: entry[key] for key in ("max_concurrency", "unsupported", "only") if key in entry}
        clients.append(Client(entry["name"], entry["kind"], command, **fields))
    return clients, missing


class Failed(Exception):
    """A program did not do its job."""


def last_object(ended, name):
    """The line of JSON that a program ends with."""
    if ended.status != 0:
        words = (ended.err.strip() or ended.out.strip() or "nothing said").splitlines()
        raise Failed(f"{name} failed ({ended.status}): {words[-1][:200]}")
    try:
        told = json.loads(ended.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Failed(f"{name} printed no JSON: {ended.out[-200:]!r}") from None
    return told


@dataclass
class Plan:
    """How many requests a run has, and how many come before it that do not count."""

    requests: int
    warm_up: int


def measure(client, url, work, plan, core, server, limit):
    """One run: what the client tells of itself, and what the server has used meanwhile."""
    requests = plan.requests
    numbers = (requests, work.concurrency, plan.warm_up)
    command = [*client.command, url, work.path, *map(str, numbers)]
    counters = server.counters() if work.cold else None
    before = server.cpu()
    ended = machine.run(command, core, limit)
    server_cpu = server.cpu() - before
    told = last_object(ended, f"{client.name} ({work.name})")
    missing = [key for key in MEASURED if key not in told]
    if missing:
        raise Failed(f"{client.name} ({work.name}) does not tell {', '.join(missing)}")
    if work.unit == "chunk" and not told["chunks"]:
        raise Failed(f"{client.name} ({work.name}) saw no chunk")
    if told["requests"] != requests:
        raise Failed(f"{client.name} ({work.name}) made {told['requests']} requests of {requests}")
    if work.cold:
        now = server.counters()
        made, resumed = (now[what] - counters[what] for what in ("connections", "resumed"))
        if made < requests + plan.warm_up:
            raise Failed(f"{client.name} ({work.name}) made {made} connections for {requests} requests")
        told["resumed"] = resumed / made
    told["warm_up"] = plan.warm_up
    # The warm-up is not measured, but the server has answered it.
    told["server_cpu"] = server_cpu * requests / (requests + plan.warm_up)
    return told
