"""The official package, regolo, as its README shows it. It is synchronous: requests at a time are threads, which share one of
the clients it takes. Its check of the model, a request of its own before every other, is off.

It has no call with tools."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import httpx
import regolo
from regolo.client.regolo_client import RegoloClient

from report import Counts, Job, Meter, parse_job, unsupported

MESSAGES = [{"role": "user", "content": "hello"}]


def ask(job: Job, client: httpx.Client) -> Counts:
    counts = Counts(requests=1)
    common = {
        "model": "bench",
        "api_key": "test-key",
        "client": client,
        "base_url": f"{job.base_url}/{job.workload}",
    }
    if job.workload == "embeddings":
        for each in RegoloClient.static_embeddings("hello", **common):
            counts.text_bytes += 4 * len(each["embedding"])
    elif job.streams:
        for _, text in RegoloClient.static_chat_completions(MESSAGES, stream=True, **common):
            counts.chunks += 1
            counts.text_bytes += len(text.encode())
    else:
        _, text = RegoloClient.static_chat_completions(MESSAGES, **common)
        counts.text_bytes += len(text.encode())
    return counts


def ask_all(
    threads: ThreadPoolExecutor, job: Job, client: httpx.Client, requests: int
) -> Counts:
    counts = Counts()
    for each in threads.map(ask, repeat(job, requests), repeat(client)):
        counts.requests += each.requests
        counts.chunks += each.chunks
        counts.text_bytes += each.text_bytes
    return counts


def main(arguments: list[str]):
    job = parse_job(arguments)
    if job.workload == "tools":
        unsupported("regolo has no call with tools")
    regolo.enable_model_checks = False
    limits = httpx.Limits(
        max_connections=job.concurrency, max_keepalive_connections=job.concurrency
    )
    with (
        httpx.Client(verify=False, limits=limits) as client,
        ThreadPoolExecutor(job.concurrency) as threads,
    ):
        ask_all(threads, job, client, job.warm_up)
        meter = Meter()
        meter.report(ask_all(threads, job, client, job.requests))


main(sys.argv[1:])
