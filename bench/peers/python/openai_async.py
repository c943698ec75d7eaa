"""openai-python, AsyncOpenAI, as its README shows it; with --uvloop on uvloop's event loop, with --aiohttp on that backend."""

import asyncio
import sys

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpx2Client

from report import Counts, Job, Meter, parse_job

MESSAGES = [{"role": "user", "content": "hello"}]


def make_client(job: Job, aiohttp: bool) -> AsyncOpenAI:
    make = DefaultAioHttpClient if aiohttp else DefaultAsyncHttpx2Client
    limits = httpx2.Limits(
        max_connections=job.concurrency, max_keepalive_connections=job.concurrency
    )
    return AsyncOpenAI(
        base_url=f"{job.base_url}/{job.workload}/v1",
        api_key="test-key",
        http_client=make(verify=False, limits=limits),
    )


async def ask(client: AsyncOpenAI, job: Job, counts: Counts):
    if job.workload == "embeddings":
        answer = await client.embeddings.create(
            model="bench", input="hello", encoding_format="float"
        )
        for each in answer.data:
            counts.text_bytes += 4 * len(each.embedding)
    elif job.streams:
        stream = await client.chat.completions.create(
            model="bench", messages=MESSAGES, stream=True
        )
        async for chunk in stream:
            counts.chunks += 1
            for choice in chunk.choices:
                delta = choice.delta
                if delta.content:
                    counts.text_bytes += len(delta.content.encode())
                for call in delta.tool_calls or ():
                    counts.text_bytes += len(call.function.arguments.encode())
    else:
        answer = await client.chat.completions.create(model="bench", messages=MESSAGES)
        for choice in answer.choices:
            counts.text_bytes += len(choice.message.content.encode())
    counts.requests += 1


async def ask_all(client: AsyncOpenAI, job: Job, left: int) -> Counts:
    counts = Counts()

    async def ask_on():
        nonlocal left
        while left > 0:
            left -= 1
            await ask(client, job, counts)

    async with asyncio.TaskGroup() as group:
        for _ in range(job.concurrency):
            group.create_task(ask_on())
    return counts


async def run(job: Job, aiohttp: bool):
    async with make_client(job, aiohttp) as client:
        await ask_all(client, job, job.warm_up)
        meter = Meter()
        meter.report(await ask_all(client, job, job.requests))


def main(arguments: list[str]):
    options = {each for each in arguments if each.startswith("--")}
    job = parse_job([each for each in arguments if each not in options])
    aiohttp = "--aiohttp" in options
    if "--uvloop" in options:
        import uvloop

        uvloop.run(run(job, aiohttp))
    else:
        asyncio.run(run(job, aiohttp))


main(sys.argv[1:])
