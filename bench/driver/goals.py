"""The goals of the library, each as a figure of this run and its bound."""

from dataclasses import dataclass
from statistics import median

from .spread import number

SDKS_ON_BULK = {
    "openai_python": 50,
    "openai_python_uvloop": 50,
    "openai_python_aiohttp": 50,
    "regolo_official": 50,
    "openai_node": 20,
    "openai_go": 4,
    "async_openai": 3,
}


# Where the goal is none at all: what is counted over 800 chunks or more includes the growth of the text that is put
# together (by doubling), and calls at the start and the end that are not always as many.
NONE_PER_CHUNK = 0.01


@dataclass
class Goal:
    group: str
    what: str
    rounds: list  # the figure of each; none: not measured
    bound: float
    at_least: bool = False  # else at most
    below: bool = False  # the bound itself does not do
    unit: str = ""
    note: str = ""

    @property
    def value(self):
        return median(self.rounds) if self.rounds else None

    @property
    def verdict(self):
        """Of all rounds: "close" where some reach the goal and some do not, since the next run may have either."""
        reached = {self.is_reached_by(value) for value in self.rounds}
        if not reached:
            return "not measured"
        if len(reached) == 2:
            return "close"
        return "reached" if True in reached else "missed"

    def is_reached_by(self, value):
        if self.at_least:
            return value >= self.bound
        return value < self.bound if self.below else value <= self.bound

    @property
    def bound_text(self):
        sign = "at least" if self.at_least else "below" if self.below else "at most"
        return f"{sign} {number(self.bound)}"

    def as_json(self):
        return {
            "group": self.group,
            "what": self.what,
            "unit": self.unit,
            "bound": self.bound,
            "bound_is": self.bound_text.rsplit(" ", 1)[0],
            "value": self.value,
            "rounds": self.rounds,
            "verdict": self.verdict,
            "note": self.note,
        }


VERDICTS = ("reached", "close", "missed", "not measured")


def divided(pairs):
    """The ratio of each round."""
    return [one / other for one, other in pairs if other]


def goals(compared, alone):
    """All of them, whether they were measured or not."""
    return [
        *against_floors(compared, alone),
        *against_sdks(compared),
        *latency(alone),
        *memory(alone),
        *allocations(alone),
        *parts(alone),
        *growth(alone),
        *the_rest(alone),
    ]


def against_floors(compared, alone):
    def ratio(work, other):
        return divided(compared.rounds("tls", work, "regolo", other))

    instructions = [alone.median(("instructions", "tls", name), "per_chunk") for name in ("regolo", "floor_blocking")]
    notes = []
    if None not in instructions:
        notes.append("instructions of a chunk that is taken with next: {:.0f}, F1's {:.0f}".format(*instructions))
    if above := above_floor(compared, "cpu"):  # user time is split off by the kernel's ticks
        notes.append(f"CPU time above F1's: {median(above):.0f} ns")
    return [
        Goal("bulk", "CPU, of F1's", ratio("bulk", "floor_blocking"), 1.5, unit="x"),
        Goal("bulk", "user time above F1", above_floor(compared, "user"), 110, unit="ns", note="; ".join(notes)),
        Goal("bulk", "CPU, of libcurl + Boost.JSON's", ratio("bulk", "curl_multi"), 1 / 3, unit="x"),
        Goal("bulk", "CPU, of libcurl + simdjson's", ratio("bulk", "curl_simdjson"), 1, below=True, unit="x"),
        Goal("trickle", "CPU, of F2's", ratio("trickle", "floor_epoll"), 1.2, unit="x"),
        Goal("trickle", "CPU, of libcurl + Boost.JSON's", ratio("trickle", "curl_multi"), 1, below=True, unit="x"),
        Goal("trickle", "CPU, of libcurl + simdjson's", ratio("trickle", "curl_simdjson"), 1, below=True, unit="x"),
        Goal("paced", "CPU, of F2's", ratio("paced", "floor_epoll"), 1.2, unit="x"),
        Goal("paced", "CPU, of libcurl + Boost.JSON's", ratio("paced", "curl_multi"), 1, below=True, unit="x"),
        Goal("paced", "CPU, of libcurl + simdjson's", ratio("paced", "curl_simdjson"), 1, below=True, unit="x"),
        Goal("small", "CPU, of F1's", ratio("small", "floor_blocking"), 1.3, unit="x"),
        Goal("small", "CPU, of libcurl + Boost.JSON's", ratio("small", "curl_multi"), 1, below=True, unit="x"),
        Goal("small", "CPU, of libcurl + simdjson's", ratio("small", "curl_simdjson"), 1, below=True, unit="x"),
    ]


def above_floor(compared, what):
    """Nanoseconds per chunk of each round."""
    rounds = compared.rounds("tls", "bulk", "regolo", "floor_blocking", what)
    return [1000 * (mine - floors) for mine, floors in rounds]


def against_sdks(compared):
    for name, times in SDKS_ON_BULK.items():
        ratio = divided(compared.rounds("tls", "bulk", name, "regolo"))
        yield Goal("bulk", f"cheaper than {name}", ratio, times, at_least=True, unit="x")
    for work in ("trickle", "small"):
        ratios = [divided(compared.rounds("tls", work, "regolo", name)) for name in SDKS_ON_BULK]
        # All of them are needed: the cheapest one could be the one that is missing.
        worst = max(ratios, key=median) if all(ratios) else []
        yield Goal(work, "CPU, of the cheapest SDK's", worst, 1, below=True, unit="x")


def latency(alone):
    for what, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
        rounds = zip(*(alone.values(("crowd", client, "1000"), what) for client in ("regolo", "curl")))
        yield Goal("latency", f"{name} at 1000 streams, of libcurl's", divided(rounds), 1, below=True, unit="x")


def memory(alone):
    def kib(client, kind):
        return [used / 1024 for used in alone.values(("memory", client, kind, "10000"), "bytes_per_stream")]

    full, curls = kib("regolo", "tls"), kib("curl", "tls")
    return [
        Goal("memory", "a TLS stream of 10 000, full handshakes", full, 32, unit="KiB"),
        Goal("memory", "a TLS stream of 10 000, resumed", kib("regolo", "tickets"), 24, unit="KiB"),
        Goal("memory", "the first, of libcurl's (default buffer)", divided(zip(full, curls)), 0.5, unit="x"),
    ]


def allocations(alone):
    def worst(how, what):
        keys = [("allocations", kind, work, how) for kind in ("tls", "plain") for work in ("bulk", "trickle")]
        values = [alone.values(key, what) for key in keys]
        return max(values, key=median) if all(values) else []

    openssl = worst("recycled", "openssl_allocations_per_chunk")
    note = f"OpenSSL's own: {median(openssl):.2f}" if openssl else ""
    own = "allocations_per_chunk"
    return [
        Goal("allocations", "per recycled chunk", worst("recycled", own), NONE_PER_CHUNK, note=note),
        Goal("allocations", "per fresh chunk", worst("fresh", own), 2),
    ]


def parts(alone):
    for piece, bound in ((1400, 5.0), (8, 0.5)):
        key = ("micro", f"sse/event:235/piece:{piece}")
        speeds = [speed / 1e9 for speed in alone.values(key, "bytes_per_second")]
        yield Goal("SSE parser", f"235-byte events in {piece}-byte pieces", speeds, bound, at_least=True, unit="GB/s")


def growth(alone):
    costs = [alone.per_chunk(("crowd", "regolo", streams)) for streams in ("5000", "50")]
    borrowings = [alone.values(("micro", f"pool/idle:{size}"), "cpu_time") for size in (10000, 1)]
    return [
        Goal("growth", "a chunk at 5000 streams, of that at 50", divided(zip(*costs)), 1.3, unit="x"),
        # constant, as far as a measurement can tell
        Goal("growth", "borrowing of 10 000, of that of 1", divided(zip(*borrowings)), 1.25, unit="x"),
    ]


def the_rest(alone):
    apart = alone.median("threads_apart", "apart")
    note = "" if apart is None or apart else "too few cores for both: beside two processes of one thread"
    costs = [alone.per_chunk(key) for key in ("two_threads", "one_thread")]
    executed = [alone.values(("instructions", "plain", name), "per_chunk") for name in ("observed", "regolo")]
    more = [100 * (ratio - 1) for ratio in divided(zip(*executed))]
    allocated = [
        alone.values(("allocations", "plain", "bulk", how), "allocations_per_chunk") for how in ("observed", "recycled")
    ]
    extra = [observed - recycled for observed, recycled in zip(*allocated)]
    return [
        Goal("threads", "a chunk with 2 threads, of that with 1", divided(zip(*costs)), 1.1, unit="x", note=note),
        Goal("threads", "futex calls per chunk", alone.values("futex", "per_chunk"), NONE_PER_CHUNK),
        Goal("start-up", "second client of a process", alone.values("startup", "second_client_us"), 1000, below=True, unit="us"),
        Goal("observer", "instructions that an empty one adds", more, 1, unit="%"),
        Goal("observer", "allocations that it adds per chunk", extra, NONE_PER_CHUNK),
    ]  # fmt: skip
