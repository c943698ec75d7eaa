"""The goals of the library, each as a figure of this run and its bound."""

from dataclasses import dataclass

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
    value: float  # None: not measured
    bound: float
    at_least: bool = False  # else at most
    below: bool = False  # the bound itself does not do
    unit: str = ""
    note: str = ""

    @property
    def reached(self):
        if self.value is None:
            return None
        if self.at_least:
            return self.value >= self.bound
        return self.value < self.bound if self.below else self.value <= self.bound


def median_of(ratio):
    return None if ratio is None else ratio.median


def divided(one, other):
    return None if one is None or not other else one / other


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
        return median_of(compared.ratio("tls", work, "regolo", other))

    instructions = [alone.median(("instructions", "tls", name), "per_chunk") for name in ("regolo", "floor_blocking")]
    note = "" if None in instructions else "instructions per chunk: {:.0f}, F1 {:.0f}".format(*instructions)
    return [
        Goal("bulk", "CPU, of F1's", ratio("bulk", "floor_blocking"), 1.5, unit="x"),
        Goal("bulk", "user time above F1", user_above_floor(compared), 110, unit="ns", note=note),
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


def user_above_floor(compared):
    mine, floor = (compared.get("tls", "bulk", name) for name in ("regolo", "floor_blocking"))
    if mine is None or floor is None:
        return None
    return 1000 * (mine.spread("user").median - floor.spread("user").median)


def against_sdks(compared):
    for name, times in SDKS_ON_BULK.items():
        ratio = median_of(compared.ratio("tls", "bulk", name, "regolo"))
        yield Goal("bulk", f"cheaper than {name}", ratio, times, at_least=True, unit="x")
    for work in ("trickle", "small"):
        ratios = [median_of(compared.ratio("tls", work, "regolo", name)) for name in SDKS_ON_BULK]
        known = [ratio for ratio in ratios if ratio is not None]
        # All of them are needed: the cheapest one could be the one that is missing.
        worst = max(known) if len(known) == len(ratios) else None
        yield Goal(work, "CPU, of the cheapest SDK's", worst, 1, below=True, unit="x")


def latency(alone):
    for what, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
        mine, curls = (alone.median(("crowd", client, "1000"), what) for client in ("regolo", "curl"))
        yield Goal("latency", f"{name} at 1000 streams, of libcurl's", divided(mine, curls), 1, below=True, unit="x")


def memory(alone):
    def kib(client, kind):
        used = alone.median(("memory", client, kind, "10000"), "bytes_per_stream")
        return None if used is None else used / 1024

    return [
        Goal("memory", "a TLS stream of 10 000, full handshakes", kib("regolo", "tls"), 32, unit="KiB"),
        Goal("memory", "a TLS stream of 10 000, resumed", kib("regolo", "tickets"), 24, unit="KiB"),
        Goal("memory", "the first, of libcurl's", divided(kib("regolo", "tls"), kib("curl", "tls")), 0.5, unit="x"),
    ]


def allocations(alone):
    def worst(how, what):
        keys = [("allocations", kind, work, how) for kind in ("tls", "plain") for work in ("bulk", "trickle")]
        values = [alone.median(key, what) for key in keys]
        return None if None in values else max(values)

    openssl = worst("recycled", "openssl_allocations_per_chunk")
    note = "" if openssl is None else f"OpenSSL's own: {openssl:.2f}"
    own = "allocations_per_chunk"
    return [
        Goal("allocations", "per recycled chunk", worst("recycled", own), NONE_PER_CHUNK, note=note),
        Goal("allocations", "per fresh chunk", worst("fresh", own), 2),
    ]


def parts(alone):
    for piece, bound in ((1400, 5.0), (8, 0.5)):
        key = ("micro", f"sse/event:235/piece:{piece}")
        speed = alone.median(key, "bytes_per_second")
        value = None if speed is None else speed / 1e9
        yield Goal("SSE parser", f"235-byte events in {piece}-byte pieces", value, bound, at_least=True, unit="GB/s")


def growth(alone):
    def cost(streams):
        return divided(alone.median(("crowd", "regolo", streams), "cpu"), alone.median(("crowd", "regolo", streams), "chunks"))

    few, many = (alone.median(("micro", f"pool/idle:{size}"), "cpu_time") for size in (1, 10000))
    return [
        Goal("growth", "a chunk at 5000 streams, of that at 50", divided(cost("5000"), cost("50")), 1.3, unit="x"),
        # constant, as far as a measurement can tell
        Goal("growth", "borrowing of 10 000, of that of 1", divided(many, few), 1.25, unit="x"),
    ]


def the_rest(alone):
    def per_chunk(key):
        return divided(alone.median(key, "cpu"), alone.median(key, "chunks"))

    apart = alone.median("threads_apart", "apart")
    note = "" if apart is None or apart else "too few cores for both: beside two processes of one thread"
    observed, plain = (alone.median(("instructions", "plain", name), "per_chunk") for name in ("observed", "regolo"))
    more = divided(observed, plain)
    with_one, without = (
        alone.median(("allocations", "plain", "bulk", how), "allocations_per_chunk") for how in ("observed", "recycled")
    )
    extra = None if None in (with_one, without) else with_one - without
    return [
        Goal("threads", "a chunk with 2 threads, of that with 1", divided(per_chunk("two_threads"), per_chunk("one_thread")),
             1.1, unit="x", note=note),
        Goal("threads", "futex calls per chunk", alone.median("futex", "per_chunk"), NONE_PER_CHUNK),
        Goal("start-up", "second client of a process", alone.median("startup", "second_client_us"), 1000, below=True, unit="us"),
        Goal("observer", "instructions that an empty one adds", None if more is None else 100 * (more - 1), 1, unit="%"),
        Goal("observer", "allocations that it adds per chunk", extra, NONE_PER_CHUNK),
    ]  # fmt: skip
