"""The table on the terminal: at most 120 columns."""

from .compare import WORKS
from .goals import goals
from .spread import number

NAME = 21
CELL = 14
PER_BLOCK = 7

TRANSPORTS = {
    "tls": "over TLS 1.3",
    "plain": "over plain HTTP",
    "tickets": "over TLS 1.3 with session tickets",
    "nginx_tls": "from nginx over TLS 1.3",
    "nginx_plain": "from nginx over plain HTTP",
}


def cell(series):
    if series is None:
        return "-"
    told = series.spread()
    return f"{number(told.median)} \u00b1{told.percent:.0f}%"


def row(name, cells):
    return f"{name:<{NAME}}" + "".join(f"{each:>{CELL}}" for each in cells)


def comparison_table(compared):
    lines = []
    for transport, title in TRANSPORTS.items():
        works = [w for w in WORKS if any(key[:2] == (transport, w.name) for key in compared.series)]
        for at in range(0, len(works), PER_BLOCK):
            block = works[at : at + PER_BLOCK]
            lines += ["", f"CPU time {title}: us per chunk (*) or request; median, and half the distance of the quartiles"]
            lines.append(row("", [w.name + ("*" if w.unit == "chunk" else "") for w in block]))
            for client in compared.clients:
                found = [compared.get(transport, w.name, client.name) for w in block]
                if any(found):
                    lines.append(row(client.name, [cell(each) for each in found]))
            lines.append(row("the server's own", [server_cell(compared, transport, w) for w in block]))
            if transport == "tickets":
                here = [s for key, s in compared.series.items() if key[0] == transport]
                lines.append("resumed: " + ", ".join(f"{s.client} {s.resumed():.0%}" for s in here))
    return lines


def server_cell(compared, transport, work):
    """What the server used while the cheapest client ran."""
    here = [s for (t, name, _), s in compared.series.items() if (t, name) == (transport, work.name)]
    cheapest = min(here, key=lambda s: s.spread().median)
    return f"{number(cheapest.spread('server_cpu').median)} {cheapest.share('server_cpu'):.0%}"


def crowd_table(alone):
    keys = sorted((key for key in alone.told if key[0] == "crowd"), key=lambda key: (int(key[2]), key[1]))
    if not keys:
        return []
    lines = ["", "Many streams over TLS, each at its pace: from the server's write to the chunk in the user's hands, us"]
    lines.append(row("streams, client", ["p50", "p99", "p99.9", "CPU us/chunk", "chunks/s"]))
    for key in keys:
        cpu, chunks = alone.median(key, "cpu"), alone.median(key, "chunks")
        seconds = 2 if alone.effort.quick else 6
        cells = [number(alone.median(key, what) / 1000) for what in ("p50", "p99", "p999")]
        lines.append(row(f"{key[2]} {key[1]}", [*cells, number(1e6 * cpu / chunks), f"{chunks / seconds:.0f}"]))
    return lines


def memory_table(alone):
    keys = [key for key in alone.told if key[0] == "memory"]
    if not keys:
        return []
    counts = sorted({int(key[3]) for key in keys})
    kinds = {"tls": "full", "tickets": "resumed", "plain": "plain"}
    columns = [(count, kind) for count in counts for kind in kinds]
    lines = ["", "Memory of the client per open stream, KiB"]
    lines.append(row("streams, handshake", [f"{count} {kinds[kind]}" for count, kind in columns]))
    for name in sorted({key[1] for key in keys}):
        used = [alone.median(("memory", name, kind, str(count)), "bytes_per_stream") for count, kind in columns]
        lines.append(row(name, [number(None if each is None else each / 1024) for each in used]))
    return lines


def startup_table(alone):
    lines = []
    keys = [key for key in alone.told if key[0] == "process"]
    if keys:
        lines += ["", "From the start of the process to its end with two small answers, over TLS"]
        lines.append(row("", ["CPU ms", "wall ms"]))
        for key in keys:
            lines.append(row(key[1], [number(1000 * alone.median(key, what)) for what in ("cpu", "wall")]))
    if "startup" in alone.told:
        told = [number(alone.median("startup", what)) for what in ("first_client_us", "second_client_us", "first_answer_us")]
        lines += ["", "regolo: first client of the process {} us, second {} us, another one with its first answer {} us".format(*told)]
    return lines


def single_figures(alone):
    lines = []
    for (_, kind, work, how), _ in select(alone, "allocations"):
        key = ("allocations", kind, work, how)
        lines.append(f"  allocations per chunk, {work} over {kind}, {how}: {number(alone.median(key, 'allocations_per_chunk'))}"
                     f" and {number(alone.median(key, 'openssl_allocations_per_chunk'))} by OpenSSL")  # fmt: skip
    for (_, kind, name), _ in select(alone, "instructions"):
        per_chunk = alone.median(("instructions", kind, name), "per_chunk")
        lines.append(f"  instructions per chunk, bulk over {kind}, {name}: {number(per_chunk)}")
    if "futex" in alone.told:
        told = alone.told["futex"][-1]
        lines.append(f"  futex calls of two threads: {told['short']} for 40 streams, {told['long']} for 160")
    return ["", "Counted", *lines] if lines else []


def select(alone, kind):
    return [item for item in alone.told.items() if item[0][0] == kind]


def micro_table(alone):
    rows = select(alone, "micro")
    if not rows:
        return []
    lines = ["", "Parts by themselves"]
    lines.append(f"{'':<30}" + "".join(f"{each:>{CELL}}" for each in ("ns per item", "GB/s", "allocations")))
    for (_, name), told in rows:
        one = told[-1]
        per_item = 1e9 / one["items_per_second"]
        speed = one.get("bytes_per_second")
        cells = [number(per_item), number(None if speed is None else speed / 1e9), number(one["allocs"])]
        lines.append(f"{name:<30}" + "".join(f"{each:>{CELL}}" for each in cells))
    return lines


def goal_table(compared, alone):
    lines = ["", "Reach"]
    for goal in goals(compared, alone):
        sign = "at least" if goal.at_least else "below" if goal.below else "at most"
        verdict = {None: "not measured", True: "reached", False: "MISSED"}[goal.reached]
        value = f"{number(goal.value)} {goal.unit}".strip() if goal.value is not None else "-"
        bound = f"{sign} {number(goal.bound)}"
        lines.append(f"{goal.group:<12}{goal.what:<42}{value:>12}  {bound:<14}  {verdict}")
        if goal.note:
            lines.append(f"{'':<12}({goal.note})")
    return lines


def table(compared, alone):
    return [
        *comparison_table(compared),
        *crowd_table(alone),
        *memory_table(alone),
        *startup_table(alone),
        *single_figures(alone),
        *micro_table(alone),
        *goal_table(compared, alone),
    ]
