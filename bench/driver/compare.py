"""The same job for every client, in rounds in which they take turns."""

from dataclasses import dataclass, field

from .clients import Failed, Plan, measure
from .order import in_turn
from .spread import spread

COMPILED = ("regolo", "floor", "c++")
ALL = (*COMPILED, "sdk")


@dataclass
class Work:
    name: str
    path: str  # the workload of the load server
    concurrency: int = 1
    unit: str = "request"  # or chunk
    transports: tuple = ("tls", "plain")
    quick: tuple = COMPILED  # whom --quick compares
    full: tuple = ALL
    requests: int = 0  # a fixed number, where the job is one
    cold: bool = False  # every request on a connection of its own
    paced: bool = False  # by the server: both sides idle
    served: bool = False  # a write of the server for each chunk costs more than to read it: clients wait for it
    judged: bool = False  # a goal compares with the floors

    def key(self, transport):
        return f"{transport}/{self.name}"


WORKS = [
    Work("bulk", "bulk", unit="chunk", quick=ALL, judged=True),
    Work("varied", "varied", unit="chunk", full=COMPILED),
    Work("trickle", "trickle", unit="chunk", quick=ALL, served=True, judged=True),
    Work("paced", "paced", 100, "chunk", requests=200, paced=True, judged=True),
    Work("small", "small", quick=ALL, judged=True),
    Work("large", "large"),
    Work("tools", "tools", unit="chunk", full=COMPILED),
    Work("embeddings", "embeddings"),
    Work("fan_out_64", "small", 64, full=COMPILED, requests=10000),
    Work("fan_out_256", "small", 256, requests=10000),
    Work("fan_out_1024", "small", 1024, full=COMPILED, requests=10000),
    Work("cold", "close", cold=True, full=COMPILED),
    Work("cold_resumed", "close", cold=True, transports=("tickets",), full=COMPILED),
    Work("nginx_bulk", "bulk", unit="chunk", transports=("nginx_tls", "nginx_plain"), full=ALL),
    Work("nginx_small", "small", transports=("nginx_tls", "nginx_plain"), full=ALL),
]


@dataclass
class Effort:
    """How much is measured."""

    quick: bool
    rounds: int  # of the compiled clients
    sdk_rounds: int
    cpu: float  # seconds that a run should take
    sdk_cpu: float
    wall: float  # that it may take at most
    paced_rounds: int  # of what takes its time, whoever runs it; SDKs take part in one
    warm_up: float  # seconds of CPU time before it
    # After which a request of Node's is no longer getting cheaper; the others are warm before.
    sdk_warm_up: float = 1.5


QUICK = Effort(True, 3, 2, 0.2, 0.4, 1.5, 1, 0.05)
FULL = Effort(False, 5, 2, 0.5, 0.8, 3.0, 2, 0.125)


@dataclass
class Series:
    """The runs of one client at one work over one transport, by round."""

    client: str
    kind: str
    work: Work
    transport: str
    runs: list = field(default_factory=list)

    def units(self, run):
        return run["chunks"] if self.work.unit == "chunk" else run["requests"]

    def per_unit(self, what):
        """Microseconds of each round."""
        return [1e6 * run[what] / self.units(run) for run in self.runs]

    def spread(self, what="cpu"):
        return spread(self.per_unit(what))

    def share(self, what):
        """Of a core, while the requests ran."""
        return spread(run[what] / run["wall"] for run in self.runs).median

    def resumed(self):
        """The part of the handshakes that were shortened."""
        return spread(run["resumed"] for run in self.runs).median

    def as_json(self):
        told = self.spread()
        return {
            "work": self.work.name,
            "transport": self.transport,
            "client": self.client,
            "kind": self.kind,
            "unit": self.work.unit,
            "cpu_us": told.median,
            "low": told.low,
            "high": told.high,
            "user_us": self.spread("user").median,
            "wall_us": self.spread("wall").median,
            "server_cpu_us": self.spread("server_cpu").median,
            "client_share": self.share("cpu"),
            "server_share": self.share("server_cpu"),
            "runs": self.runs,
        }


class Comparison:
    """Takes the series, and notes what makes them unsound, and what has to be known beside that."""

    def __init__(self, clients, effort, core, say):
        self.clients = clients
        self.effort = effort
        self.core = core
        self.say = say
        self.series = {}  # by transport, work and client
        self.orders = {}  # of each round, by transport and work
        self.problems = []
        self.notes = []

    def add(self, works, transport, server, url):
        """All rounds of those works over a transport."""
        for work in works:
            kinds = work.quick if self.effort.quick else work.full
            taking = [c for c in self.clients if c.kind in kinds and c.takes(work)]
            if not taking:
                continue
            self.say(f"{work.name} over {transport}: {', '.join(c.name for c in taking)}")
            self.run_rounds(work, transport, taking, server, url)
            self.check(work, transport)

    def run_rounds(self, work, transport, taking, server, url):
        plans = {}
        for client in taking:
            try:
                plans[client.name] = self.calibrate(client, work, server, url)
            except Failed as failure:
                self.problems.append(f"{transport}: {failure}")
        rounds = self.effort.paced_rounds if work.paced else self.effort.rounds
        sdk_rounds = 1 if work.paced else self.effort.sdk_rounds
        orders = self.orders.setdefault((transport, work.name), [])
        for number in range(rounds):
            here = [
                client
                for client in taking
                if client.name in plans and (client.kind != "sdk" or number < sdk_rounds)
            ]
            order = in_turn(here, number)
            orders.append([client.name for client in order])
            for client in order:
                self.run_one(client, work, transport, plans, server, url)

    def run_one(self, client, work, transport, plans, server, url):
        try:
            told = measure(client, url, work, plans[client.name], self.core, server, 120)
        except Failed as failure:
            self.problems.append(f"{transport}: {failure}")
            del plans[client.name]
            return
        key = (transport, work.name, client.name)
        series = self.series.setdefault(key, Series(client.name, client.kind, work, transport))
        series.runs.append(told)

    def calibrate(self, client, work, server, url):
        """How many requests take the time that a run should take, and its warm-up."""
        if work.requests:
            return Plan(work.requests, max(work.concurrency, work.requests // 4))
        sdk = client.kind == "sdk"
        target = self.effort.sdk_cpu if sdk else self.effort.cpu
        warm_up = self.effort.sdk_warm_up if sdk else self.effort.warm_up
        requests = max(work.concurrency, 1 if sdk else 4)
        for attempt in range(4):
            requests *= 8 if attempt > 0 else 1
            told = measure(client, url, work, Plan(requests, requests), self.core, server, 120)
            if told["cpu"] > target / 4 or told["wall"] > self.effort.wall / 4:
                break

        def fitting(cpu):
            by_cpu = cpu / max(told["cpu"], 1e-6) * requests
            by_wall = self.effort.wall / max(told["wall"], 1e-6) * requests
            return max(work.concurrency, 1, int(min(by_cpu, by_wall)))

        if sdk:  # what it costs when it is warm
            told = measure(client, url, work, Plan(requests, fitting(warm_up)), self.core, server, 120)
        return Plan(fitting(target), fitting(warm_up))

    def check(self, work, transport):
        """Equal counters, and a server that had time left."""
        here = [s for (t, name, _), s in self.series.items() if t == transport and name == work.name]
        for what in ("chunks", "text_bytes"):
            seen = {}
            for series in here:
                if series.kind == "floor" and what == "text_bytes":
                    continue  # it only counts events
                for run in series.runs:
                    seen.setdefault(run[what] / run["requests"], set()).add(series.client)
            if len(seen) > 1:
                told = "; ".join(f"{value:g}: {', '.join(sorted(who))}" for value, who in seen.items())
                self.problems.append(f"{transport}/{work.name}: {what} of a request differ: {told}")
        for series in here:
            if transport == "tickets" and series.kind == "regolo" and series.resumed() < 0.9:
                self.problems.append(f"{work.name}: {series.resumed():.0%} of the handshakes of {series.client} were resumed")
            if not (work.paced or work.served) and series.share("server_cpu") > 0.95 and series.share("cpu") < 0.6:
                # Nginx is as fast as it is, and a floor that only decrypts waits for who encrypts.
                harmless = transport.startswith("nginx") or (series.kind == "floor" and not work.judged)
                (self.notes if harmless else self.problems).append(
                    f"{transport}/{work.name}: the server was the bottleneck for {series.client}: it was"
                    f" busy for {series.share('server_cpu'):.0%} of the time, the client for"
                    f" {series.share('cpu'):.0%}"
                )

    def get(self, transport, work, client):
        return self.series.get((transport, work, client))

    def rounds(self, transport, work, one, other, what="cpu"):
        """What two of them took in each round, in pairs; none where one was not measured."""
        a, b = self.get(transport, work, one), self.get(transport, work, other)
        return [] if a is None or b is None else list(zip(a.per_unit(what), b.per_unit(what)))
