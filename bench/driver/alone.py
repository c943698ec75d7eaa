"""What is not a comparison of the same job: many streams at once, start-up, threads, allocations, instructions,
parts of the library by themselves."""

import json
import re
import subprocess

from . import machine
from .clients import Failed, last_object
from .order import in_turn
from .servers import LoadServer
from .spread import spread

# Streams, the pace of each, and its chunks a second. The crowds of 50, 1000 and 5000 get 20 000 of them together.
CROWDS = [(1, "stamped_2500us", 400), (50, "stamped_2500us", 400), (100, "stamped_20ms", 50),
          (1000, "stamped_50ms", 20), (5000, "stamped_250ms", 4)]  # fmt: skip
ARRIVED = 0.9  # of what the server should have sent, at least
AT_ONCE = 64  # are opened
HELD = (1000, 10000)
# Streams that are held, by what is told of them: over which server, and whether all are opened at once.
HOLDS = {"tls": ("tls", False), "tls_at_once": ("tls", True), "tickets": ("tickets", False), "plain": ("plain", False)}
CROWD_PROGRAMS = ("regolo", "curl", "epoll")


class Alone:
    """Runs of single programs, each kept as a list of what they told, by a name."""

    def __init__(self, build, work, effort, server_core, client_cores, say):
        self.build = build
        self.work = work
        self.effort = effort
        self.server_core = server_core
        self.client_cores = client_cores
        self.say = say
        self.told = {}
        self.problems = []
        self.crowd_seconds = 2 if effort.quick else 4

    def program(self, name):
        return self.build / f"bench/regolo_bench_{name}"

    def server(self, kind):
        return LoadServer(self.build, self.work, self.server_core, kind)

    def keep(self, key, told):
        self.told.setdefault(key, []).append(told)

    def run(self, key, command, cores=None, limit=120, **others):
        """Runs a program and keeps what it tells; None where it failed, which is a problem of the whole run."""
        ended = machine.run([str(part) for part in command], cores or self.client_cores[0], limit, **others)
        try:
            told = last_object(ended, " ".join(key) if isinstance(key, tuple) else key)
        except Failed as failure:
            self.problems.append(str(failure))
            return None
        self.keep(key, told)
        return told

    def values(self, key, what):
        """Of each round."""
        return [told[what] for told in self.told.get(key, []) if what in told]

    def per_chunk(self, key):
        """CPU time of each round, in seconds."""
        return [told["cpu"] / told["chunks"] for told in self.told.get(key, [])]

    def median(self, key, what):
        """None where it was not measured."""
        values = self.values(key, what)
        return spread(values).median if values else None

    # ---- many streams

    def latency(self):
        with self.server("tls") as server:
            for number in range(2 if self.effort.quick else 3):
                for streams, pace, rate in CROWDS:
                    for name in in_turn(CROWD_PROGRAMS, number):
                        self.say(f"latency, {streams} streams, {name}, round {number + 1}")
                        key = ("crowd", name, str(streams))
                        told = self.run(
                            key,
                            [self.program(f"crowd_{name}"), server.url, pace, streams, self.crowd_seconds, AT_ONCE],
                        )
                        due = streams * rate * self.crowd_seconds
                        if told and (told["streams"] != streams or told["chunks"] < ARRIVED * due):
                            del self.told[key]
                            self.problems.append(
                                f"{name}: {told['streams']} streams of {streams}, {told['chunks']} chunks of {due}"
                            )

    def memory(self):
        for how in HOLDS:
            for streams in HELD[:1] if how == "plain" else HELD:
                for name in CROWD_PROGRAMS:
                    self.say(f"memory, {streams} streams, {how}, {name}")
                    self.hold(how, streams, name)

    def hold(self, how, streams, name):
        kind, together = HOLDS[how]
        with self.server(kind) as server:
            told = self.run(("memory", name, how, str(streams)), [self.program(f"crowd_{name}"), server.url, "hold",
                            streams, 0, streams if together else 1])  # fmt: skip
            resumed = server.counters()["resumed"]
        if told is None:
            return
        told["resumed"] = resumed
        if kind == "tickets" and resumed < 0.95 * streams and name == "regolo":
            self.problems.append(f"memory: {resumed} of {streams} handshakes of {name} were resumed")
        if kind == "tls" and resumed:
            self.problems.append("memory: handshakes were resumed that were to be full")

    # ---- how it begins

    def startup(self, clients):
        rounds = 3 if self.effort.quick else 9
        with self.server("tls") as server:
            for _ in range(rounds):
                self.run("startup", [self.program("regolo_startup"), server.url, "small"])
            for number in range(1 if self.effort.quick else 5):
                self.say(f"start-up of every program, round {number + 1}")
                for client in in_turn([client for client in clients if not client.only], number):
                    command = [*client.command, server.url, "small", "1", "1", "1"]
                    ended = machine.run(command, self.client_cores[0], 120)
                    if ended.status != 0:
                        self.problems.append(f"start-up of {client.name}: {ended.err.strip()[-200:]}")
                        continue
                    self.keep(("process", client.name), {"cpu": ended.cpu, "wall": ended.wall})

    # ---- threads

    def threads(self):
        """CPU time with two threads beside that with one: on cores of their own where there are enough, else beside two
        processes of one thread under the same conditions, all of them on all cores."""
        program = self.program("regolo_threads")
        requests = 200 if self.effort.quick else 800
        apart = len(self.client_cores) >= 2
        cores = self.client_cores[:2] if apart else [self.server_core, *self.client_cores]
        self.told["threads_apart"] = [{"apart": apart}]
        with self.server("tls") as server:
            job = [program, server.url, "bulk", requests]
            for number in range(3 if self.effort.quick else 7):
                self.say("one thread and two")
                for threads in in_turn((1, 2), number):
                    if threads == 2:
                        self.run("two_threads", [*job, 2], cores)
                    elif apart:
                        self.run("one_thread", [*job, 1], self.client_cores[0])
                    else:
                        self.two_processes([*job, 1], cores)
            self.futexes([program, server.url, "bulk"])

    def two_processes(self, job, cores):
        running = [
            subprocess.Popen([str(part) for part in job], stdout=subprocess.PIPE, text=True,
                             preexec_fn=machine.pinned(cores))
            for _ in range(2)
        ]  # fmt: skip
        told = []
        for process in running:
            try:
                told.append(json.loads(process.communicate(timeout=120)[0]))
            except (ValueError, subprocess.TimeoutExpired) as failure:
                process.kill()
                self.problems.append(f"one thread: {failure}")
        if len(told) != len(running):
            return
        self.keep("one_thread", {key: sum(each[key] for each in told) for key in told[0]})

    def futexes(self, job):
        """Calls of futex by two threads, of a job and of one four times as long: the difference is what chunks cost."""
        counted = []
        for requests in (20, 80):
            log = self.work / "futex"
            ended = machine.run(["strace", "-f", "-c", "-e", "trace=futex", "-o", log,
                                 *map(str, job), str(requests), "2"],
                                [self.server_core, *self.client_cores], 120)  # fmt: skip
            if ended.status != 0:
                self.problems.append(f"strace: {ended.err.strip()[-200:]}")
                return
            found = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+futex$", log.read_text(), re.MULTILINE)
            if not found:
                self.problems.append("strace saw no call of futex, not even at the start of two threads")
                return
            counted.append(int(found.group(1)))
        chunks = 2 * 60 * 1000
        self.keep("futex", {"short": counted[0], "long": counted[1],
                            "per_chunk": max(0, counted[1] - counted[0]) / chunks})  # fmt: skip

    # ---- allocations and instructions

    def allocations(self):
        program = self.program("regolo_allocations")
        for kind in ("tls", "plain"):
            with self.server(kind) as server:
                for work in ("bulk", "trickle"):
                    for how in ("recycled", "fresh", "observed"):
                        self.say(f"allocations, {work} over {kind}, {how}")
                        self.run(("allocations", kind, work, how), [program, server.url, work, 20, how])

    def instructions(self):
        """Per chunk of a bulk stream, from two runs of different length, so that the start counts for nothing."""
        jobs = {
            "regolo": [self.program("regolo_allocations"), "recycled"],
            "observed": [self.program("regolo_allocations"), "observed"],
            "floor_blocking": [self.program("floor_blocking"), "1", "1"],
        }
        for kind in ("tls", "plain"):
            with self.server(kind) as server:
                for name, (program, *last) in jobs.items():
                    self.say(f"instructions, bulk over {kind}, {name}")
                    few, many = (
                        self.callgrind([program, server.url, "bulk", requests, *last]) for requests in (5, 25)
                    )
                    if few and many:
                        self.keep(("instructions", kind, name), {"per_chunk": (many - few) / (20 * 1000)})

    def callgrind(self, job):
        ended = machine.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, job)],
                            self.client_cores[0], 300)  # fmt: skip
        found = re.search(r"Collected : (\d+)", ended.err)
        if ended.status != 0 or not found:
            self.problems.append(f"callgrind: {ended.err.strip()[-200:]}")
            return None
        return int(found.group(1))

    # ---- parts by themselves

    def micro(self):
        self.say("micro benchmarks")
        seconds = 0.05 if self.effort.quick else 0.2
        command = [self.program("micro"), "--benchmark_format=json", f"--benchmark_min_time={seconds}",
                   "--benchmark_repetitions=3", "--benchmark_enable_random_interleaving=true"]  # fmt: skip
        ended = machine.run([str(part) for part in command], self.client_cores[0], 900)
        if ended.status != 0:
            self.problems.append(f"micro benchmarks: {ended.err.strip()[-200:]}")
            return
        for told in json.loads(ended.out)["benchmarks"]:
            if told.get("error_occurred"):
                self.problems.append(f"{told['name']}: {told['error_message']}")
            elif told["run_type"] == "iteration":
                self.keep(("micro", told["run_name"]), told)
