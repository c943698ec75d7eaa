"""The table on the terminal: at most 120 columns."""

import re

from .alone import CROWD_PROGRAMS, HOLDS
from .compare import WORKS
from .goals import goals
from .spread import number, spread

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
CROWD_NAMES = {"regolo": "regolo", "curl": "libcurl", "epoll": "floor (F2)"}
HOLD_NAMES = {"tls": "full", "tls_at_once": "all at once", "tickets": "resumed", "plain": "plain HTTP"}

KEY = """
regolo                         this library; regolo_fan_out: through its `fan_out`
floor_blocking, floor_epoll    F1, F2: sockets and OpenSSL, and a count of the events: about as cheap as it goes
beast_plain                    Boost.Beast and Boost.JSON by hand
curl_multi, curl_simdjson      libcurl and Boost.JSON, libcurl and simdjson
the others                     SDKs of Python, Node, Go and Rust
the server's                   its own CPU time, and how busy it was, while the cheapest of them ran
Figures are medians of the rounds; \u00b1: half the distance of the quartiles; none after a single round. Less is better."""


def figure(values, scale=1):
    """Their median, and its spread where there are several."""
    if not values:
        return "-"
    told = spread(values)
    spreads = f" \u00b1{told.percent:.0f}%" if told.count > 1 else ""
    return number(scale * told.median) + spreads


def cell(series):
    return "-" if series is None else figure(series.per_unit("cpu"))


def row(name, cells):
    return f"{name:<{NAME}}" + "".join(f"{each:>{CELL}}" for each in cells)


def comparison_table(compared):
    lines = KEY.splitlines() if compared.series else []
    for transport, title in TRANSPORTS.items():
        works = [w for w in WORKS if any(key[:2] == (transport, w.name) for key in compared.series)]
        for at in range(0, len(works), PER_BLOCK):
            block = works[at : at + PER_BLOCK]
            lines += ["", f"CPU time of the client {title}, us per request, or per chunk (*)"]
            lines.append(row("", [w.name + ("*" if w.unit == "chunk" else "") for w in block]))
            for client in compared.clients:
                found = [compared.get(transport, w.name, client.name) for w in block]
                if any(found):
                    lines.append(row(client.name, [cell(each) for each in found]))
            lines.append(row("the server's", [server_cell(compared, transport, w) for w in block]))
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
    counts = sorted({int(key[2]) for key in alone.told if key[0] == "crowd"})
    if not counts:
        return []
    lines = ["", "Many streams over TLS, each at its pace: from the server's write to the chunk in the user's hands, us"]
    lines.append(row("streams, client", ["p50", "p99", "p99.9", "CPU, us/chunk", "chunks/s"]))
    for count in counts:
        for name in CROWD_PROGRAMS:
            key = ("crowd", name, str(count))
            if key not in alone.told:
                continue
            cells = [figure(alone.values(key, what), 1e-3) for what in ("p50", "p99", "p999")]
            cells += [figure(alone.per_chunk(key), 1e6), f"{alone.median(key, 'chunks') / alone.crowd_seconds:.0f}"]
            lines.append(row(f"{count:>4}  {CROWD_NAMES[name]}", cells))
    return lines


def held(alone):
    """The columns of memory that were measured: so many streams, and how they were opened."""
    counts = sorted({int(key[3]) for key in alone.told if key[0] == "memory"})
    return [
        (count, how)
        for count in counts
        for how in HOLDS
        if any(("memory", name, how, str(count)) in alone.told for name in CROWD_PROGRAMS)
    ]


def memory_table(alone):
    columns = held(alone)
    if not columns:
        return []
    lines = ["", "Memory of the client, KiB per open stream: TLS with full handshakes, one after the other and all at once, and resumed"]
    lines.append(row("streams", [str(count) for count, _ in columns]))
    lines.append(row("", [HOLD_NAMES[how] for _, how in columns]))
    for name in CROWD_PROGRAMS:
        used = [alone.values(("memory", name, how, str(count)), "bytes_per_stream") for count, how in columns]
        lines.append(row(CROWD_NAMES[name], [figure(each, 1 / 1024) for each in used]))
    return lines


def startup_table(compared, alone):
    lines = []
    known = [client.name for client in compared.clients if ("process", client.name) in alone.told]
    if known:
        lines += ["", "A whole process with two small answers over TLS"]
        lines.append(row("", ["CPU, ms", "wall, ms"]))
        for name in known:
            lines.append(row(name, [figure(alone.values(("process", name), what), 1000) for what in ("cpu", "wall")]))
    if "startup" in alone.told:
        told = [number(alone.median("startup", what)) for what in ("first_client_us", "second_client_us", "first_answer_us")]
        lines += ["", "regolo: first client of the process {} us, second {} us, another one with its first answer {} us".format(*told)]
    return lines


def single_figures(alone):
    kinds, works = ("tls", "plain"), ("bulk", "trickle")
    columns = [f"{'TLS' if kind == 'tls' else kind} {work}" for kind in kinds for work in works]
    lines = []
    if select(alone, "allocations"):
        lines += ["", "Requests for memory per chunk: the library's + OpenSSL's", row("", columns)]
        for how in ("recycled", "fresh", "observed"):
            keys = [("allocations", kind, work, how) for kind in kinds for work in works]
            told = [[alone.median(key, f"{whose}allocations_per_chunk") for whose in ("", "openssl_")] for key in keys]
            lines.append(row(how, [" + ".join(map(number, each)) for each in told]))
    if select(alone, "instructions"):
        lines += ["", "Instructions per chunk, by callgrind", row("", [columns[0], columns[2]])]
        for name in ("regolo", "observed", "floor_blocking"):
            told = [alone.median(("instructions", kind, name), "per_chunk") for kind in kinds]
            lines.append(row(name, map(number, told)))
    if "futex" in alone.told:
        told = alone.told["futex"][-1]
        lines += ["", f"Calls of futex by two threads: {told['short']} for 40 streams, {told['long']} for 160"]
    return lines


def select(alone, kind):
    return [key for key in alone.told if key[0] == kind]


def by_numbers(name):
    """So that 8 comes before 64."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def micro_table(alone):
    names = sorted((name for _, name in select(alone, "micro")), key=by_numbers)
    if not names:
        return []
    lines = ["", "Parts by themselves"]
    lines.append(f"{'':<30}" + "".join(f"{each:>{CELL}}" for each in ("ns per item", "GB/s", "allocations")))
    for name in names:
        key = ("micro", name)
        cells = [
            figure([1e9 / speed for speed in alone.values(key, "items_per_second")]),
            figure(alone.values(key, "bytes_per_second"), 1e-9),
            number(alone.median(key, "allocs")),
        ]
        lines.append(f"{name:<30}" + "".join(f"{each:>{CELL}}" for each in cells))
    return lines


def goal_table(compared, alone):
    """What was not measured is counted at the end of the run, not listed."""
    measured = [goal for goal in goals(compared, alone) if goal.rounds]
    if not measured:
        return []
    lines = ["", "Reach; close: some of the rounds reach the goal and some do not"]
    lines.append(f"{'':<54}{'measured':>12}{'in its rounds':>18}  goal")
    for goal in measured:
        value = f"{number(goal.value)} {goal.unit}".strip()
        least, most = number(min(goal.rounds)), number(max(goal.rounds))
        rounds = f"{least} to {most}" if len(goal.rounds) > 1 else "one"
        verdict = goal.verdict.upper() if goal.verdict == "missed" else goal.verdict
        lines.append(f"{goal.group:<12}{goal.what:<42}{value:>12}{rounds:>18}  {goal.bound_text:<15}  {verdict}")
        if goal.note:
            lines.append(f"{'':<12}({goal.note})")
    return lines


def table(compared, alone):
    return [
        *comparison_table(compared),
        *crowd_table(alone),
        *memory_table(alone),
        *startup_table(compared, alone),
        *single_figures(alone),
        *micro_table(alone),
        *goal_table(compared, alone),
    ]
