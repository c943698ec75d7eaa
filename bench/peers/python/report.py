"""What clients/report.hpp is to the clients in C++: what each is told, and what it tells."""

import json
import resource
import sys
import time
from dataclasses import dataclass

STREAMS = ("bulk", "trickle", "paced", "tools")


@dataclass
class Job:
    base_url: str
    workload: str
    requests: int
    concurrency: int
    warm_up: int

    @property
    def streams(self) -> bool:
        return self.workload in STREAMS


def parse_job(arguments: list[str]) -> Job:
    if len(arguments) != 5:
        sys.exit("usage: PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY WARM_UP")
    base_url, workload, *numbers = arguments
    return Job(base_url, workload, *map(int, numbers))


def unsupported(why: str):
    print("unsupported:", why)
    sys.exit(3)


@dataclass
class Counts:
    requests: int = 0
    chunks: int = 0
    text_bytes: int = 0


class Meter:
    def __init__(self):
        self._wall = time.monotonic()
        self._cpu = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
        self._usage = resource.getrusage(resource.RUSAGE_SELF)

    def report(self, counts: Counts):
        cpu = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) - self._cpu
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(
            json.dumps(
                {
                    "requests": counts.requests,
                    "chunks": counts.chunks,
                    "text_bytes": counts.text_bytes,
                    "cpu": cpu,
                    "user": usage.ru_utime - self._usage.ru_utime,
                    "system": usage.ru_stime - self._usage.ru_stime,
                    "wall": time.monotonic() - self._wall,
                    "rss_kib": usage.ru_maxrss,
                }
            )
        )
