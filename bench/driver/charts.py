"""Pictures of a run, as PNG files."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402: the backend comes first
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: E402

from .alone import CROWD_PROGRAMS  # noqa: E402
from .compare import WORKS  # noqa: E402
from .goals import goals  # noqa: E402
from .report import CROWD_NAMES, HOLD_NAMES, TRANSPORTS, held  # noqa: E402
from .spread import number  # noqa: E402

COLOURS = {"regolo": "#c0392b", "floor": "#7f8c8d", "c++": "#2980b9", "sdk": "#d4a017"}
MINE, CURLS, FLOORS = COLOURS["regolo"], COLOURS["c++"], COLOURS["floor"]
CROWD_COLOURS = {"regolo": MINE, "curl": CURLS, "epoll": FLOORS}
KINDS = {"regolo": "this library", "floor": "floors", "c++": "C++", "sdk": "SDKs"}
VERDICT_COLOURS = {"reached": "#27ae60", "close": "#e6b422", "missed": "#c0392b"}


def plain_logarithmic(axis, steps=(1,)):
    """Ticks in words of people: 1000, not ten to the third."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def key_above(axes, colours, **others):
    """A legend of colours between the title and the picture, where it covers nothing."""
    patches = [Patch(color=colour, label=label) for label, colour in colours.items()]
    axes.legend(handles=patches, loc="lower right", bbox_to_anchor=(1, 1), ncol=len(patches), frameon=False,
                fontsize=8, borderaxespad=0.1, handlelength=1, columnspacing=1, **others)  # fmt: skip


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", dpi=110)
    pyplot.close(figure)


def comparison_charts(compared, folder):
    """For each work and transport a bar for each client, the cheapest first. The scale is logarithmic where it has to be."""
    for transport, title in TRANSPORTS.items():
        for work in WORKS:
            here = [s for (t, name, _), s in compared.series.items() if (t, name) == (transport, work.name)]
            if not here:
                continue
            here.sort(key=lambda s: -s.spread().median)
            spreads = [s.spread() for s in here]
            figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.36 * len(here) + 0.7))
            errors = [[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]]
            axes.barh([s.client for s in here], [s.median for s in spreads], xerr=errors, capsize=2,
                      color=[COLOURS[s.kind] for s in here])  # fmt: skip
            biggest = spreads[0].median
            logarithmic = biggest > 30 * spreads[-1].median
            if logarithmic:
                axes.set_xscale("log")
                axes.set_xlim(spreads[-1].median / 3, biggest * 4)
                plain_logarithmic(axes.xaxis)
            else:
                axes.set_xlim(0, biggest * 1.18)
            for at, told in enumerate(spreads):
                axes.annotate(number(told.median), (told.high, at), xytext=(6, 0), textcoords="offset points",
                              va="center", fontsize=8)  # fmt: skip
            axes.set_title(f"{work.name} {title}", loc="left", fontsize=11)
            key_above(axes, {KINDS[kind]: COLOURS[kind] for kind in KINDS if any(s.kind == kind for s in here)})
            axes.set_xlabel(f"CPU time of the client, us per {work.unit}" + (" (logarithmic)" if logarithmic else ""))
            save(figure, folder, f"{work.name}-{transport}")


def latency_chart(alone, folder):
    keys = [key for key in alone.told if key[0] == "crowd"]
    if not keys:
        return
    figure, axes = pyplot.subplots(figsize=(9.5, 5))
    every = sorted({int(key[2]) for key in keys})
    for name in CROWD_PROGRAMS:
        counts = [count for count in every if ("crowd", name, str(count)) in alone.told]
        if not counts:
            continue
        for what, style, label in (("p50", "-", "p50"), ("p99", "--", "p99"), ("p999", ":", "p99.9")):
            values = [alone.median(("crowd", name, str(count)), what) / 1000 for count in counts]
            axes.plot(counts, values, style, marker="o", markersize=3, color=CROWD_COLOURS[name],
                      label=f"{CROWD_NAMES[name]} {label}")  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_logarithmic(axes.yaxis, (1, 2, 5))
    axes.set_xticks(every, [str(count) for count in every])
    axes.xaxis.set_minor_locator(NullLocator())
    # 50 and 100 stand close together
    for label in axes.get_xticklabels():
        label.set_rotation(45)
    axes.set_xlabel("streams; 1: 400 chunks a second, 100: 5000, the others: 20 000")
    axes.set_ylabel("us from the server's write to the user's hands")
    axes.set_title("Added latency over TLS 1.3", loc="left", fontsize=11)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    save(figure, folder, "latency")


def memory_chart(alone, folder):
    groups = held(alone)
    if not groups:
        return
    names = [name for name in CROWD_PROGRAMS if any(key[:2] == ("memory", name) for key in alone.told)]
    figure, axes = pyplot.subplots(figsize=(9.5, 4.5))
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        used = [(alone.median(("memory", name, how, str(count)), "bytes_per_stream") or 0) / 1024
                for count, how in groups]  # fmt: skip
        places = [at + index * width for at in range(len(groups))]
        bars = axes.bar(places, used, width, color=CROWD_COLOURS[name])
        axes.bar_label(bars, [number(each) for each in used], fontsize=8)
    axes.set_xticks([at + width * (len(names) - 1) / 2 for at in range(len(groups))])
    axes.set_xticklabels([f"{count}\n{HOLD_NAMES[how]}" for count, how in groups])
    axes.set_xlabel("streams, and their handshakes")
    axes.set_ylabel("KiB per open stream")
    axes.set_title("Memory of the client", loc="left", fontsize=11)
    key_above(axes, {CROWD_NAMES[name]: CROWD_COLOURS[name] for name in names})
    save(figure, folder, "memory")


def parser_chart(alone, folder):
    points = {}
    for key in alone.told:
        if key[0] == "micro" and key[1].startswith("sse/"):
            event, piece = (int(part.split(":")[1]) for part in key[1].split("/")[1:3])
            points.setdefault(event, []).append((piece, alone.median(key, "bytes_per_second") / 1e9))
    if not points:
        return
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for event, line in sorted(points.items()):
        line.sort()
        axes.plot(*zip(*line), marker="o", label=f"events of {event} bytes")
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_logarithmic(axes.yaxis, (1, 2, 5))
    pieces = sorted({piece for line in points.values() for piece, _ in line})
    axes.set_xticks(pieces, [str(piece) for piece in pieces])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("bytes per piece in which the stream comes")
    axes.set_ylabel("GB/s")
    axes.set_title("SSE parser by itself", loc="left", fontsize=11)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    save(figure, folder, "sse_parser")


def goal_chart(compared, alone, folder):
    """How far each figure is from its bound, which is the line: to the left of it the goal is reached."""
    told = [goal for goal in goals(compared, alone) if goal.rounds]
    if not told:
        return

    def far(goal, value):
        """Of what the goal allows, within the picture."""
        if goal.at_least:
            return min(max(goal.bound / value, 0.02), 50)
        return min(max(value / goal.bound, 0.02), 50)

    figure, axes = pyplot.subplots(figsize=(11, 0.9 + 0.25 * len(told) + 0.6))
    for at, goal in enumerate(told):
        value = far(goal, goal.value)
        axes.barh(at, value - 1, left=1, color=VERDICT_COLOURS[goal.verdict])
        if len(goal.rounds) > 1:
            axes.plot([far(goal, each) for each in (min(goal.rounds), max(goal.rounds))], [at, at], color="black",
                      linewidth=1, marker="|", markersize=5)  # fmt: skip
        axes.annotate(f"{number(goal.value)} {goal.unit}", (1.01, at), xycoords=("axes fraction", "data"), va="center",
                      fontsize=8)  # fmt: skip
        axes.annotate(goal.bound_text, (1.12, at), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.018, 55)
    plain_logarithmic(axes.xaxis)
    axes.set_yticks(range(len(told)), [f"{goal.group}: {goal.what}" for goal in told])
    axes.set_ylim(len(told) - 0.5, -0.5)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(True, axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_xlabel("times what the goal allows (logarithmic, cut off at 0.02 and 50)\n"
                    "thin lines: from the least round to the most")  # fmt: skip
    axes.set_title("Reach", loc="left", fontsize=11)
    key_above(axes, VERDICT_COLOURS)
    save(figure, folder, "reach")


def draw(compared, alone, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    comparison_charts(compared, folder)
    latency_chart(alone, folder)
    memory_chart(alone, folder)
    parser_chart(alone, folder)
    goal_chart(compared, alone, folder)
