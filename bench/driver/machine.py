"""The machine: which core is whose, what a process has used, how busy it is otherwise."""

import fcntl
import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass


def cores():
    """Those of the server and of the clients: different ones, or there is nothing to measure. Threads of the server's core are
    nobody's, where there are others: what they cost depends on what it does."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("error: client and server need a core each, and there is one")
    server, *others = usable
    return server, [core for core in others if core not in siblings(server)] or others


def siblings(core):
    """The threads of the core that this one is a thread of."""
    path = f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
    found = set()
    try:
        with open(path, encoding="ascii") as listed:
            for part in listed.read().strip().split(","):
                first, _, last = part.partition("-")
                found.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        found.add(core)
    return found


def busy(seconds=2):
    """The part of the machine's time that is used while nothing of ours runs."""
    def times():
        with open("/proc/stat", encoding="ascii") as lines:
            told = [int(each) for each in lines.readline().split()[1:9]]
        return sum(told), told[3] + told[4]  # of it idle, and waiting for a disk

    total, idle = times()
    time.sleep(seconds)
    total_after, idle_after = times()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def alone_in(folder):
    """Keeps other runs away from the servers' files and the cores, for a `with` block."""
    held = open(folder / "lock", "w", encoding="ascii")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit(f"error: another run is going on in {folder}") from None
    return held


def pinned(which):
    """For Popen's preexec_fn."""
    which = {which} if isinstance(which, int) else set(which)
    return lambda: os.sched_setaffinity(0, which)


def allow_files(count):
    """As many open files as `count` streams need, for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
            return
        except (ValueError, PermissionError):
            raise SystemExit(
                f"error: {count} streams need as many open files, and the limit is {hard} (ulimit -Hn)"
            ) from None
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_seconds(pid):
    """User and system time of a process so far, by the clock of the scheduler."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)


@dataclass
class Ended:
    """A program that has ended."""

    status: int
    out: str
    err: str
    cpu: float  # of all its threads, from beginning to end
    wall: float


def run(command, cores_of_it, limit, **others):
    """Runs a program on those cores to its end."""
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=pinned(cores_of_it),
        start_new_session=True,
        **others,
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, err = process.communicate()
        err += f"\nstopped after {limit:.0f} s"
    except BaseException:
        os.killpg(process.pid, 9)  # it has a session of its own: nobody else stops it
        raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ended(process.returncode, out, err, used, time.monotonic() - began)


def describe():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }
