"""The endpoints that take and give files, on Starlette and uvicorn, until it is killed.

    media_server.py PORT

Forms are parsed by the framework (python-multipart), and a transcript tells what of them arrived. The header "x-body-limit" sets the size of a body above which the
answer is 413, while the client still sends. GET /state tells how many requests run and how many were left.
"""

import array
import asyncio
import base64
import hashlib
import json
import struct
import sys
import zlib

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

KEY = "real-key"
MODEL = "media"
PIECE = 64 * 1024


def error(status, message):
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": str(status)}}
    return JSONResponse(body, status)


class Watch:
    """Around the application: counts the requests that run, and those whose client went before the end of the answer."""

    def __init__(self, app):
        self.app = app
        self.running = 0
        self.left = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] == "/state":
            return await self.app(scope, receive, send)
        is_complete = False

        async def watched_receive():
            message = await receive()
            self.left += message["type"] == "http.disconnect" and not is_complete
            return message

        async def watched_send(message):
            nonlocal is_complete
            if message["type"] == "http.response.body" and not message.get("more_body"):
                is_complete = True
            await send(message)

        self.running += 1
        try:
            await self.app(scope, watched_receive, watched_send)
        except ClientDisconnect:
            pass
        finally:
            self.running -= 1


class Guard:
    """Refuses a wrong key before the body is read, and a body that is too large while it is."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if headers.get(b"authorization") != f"Bearer {KEY}".encode():
            return await error(401, "no such key")(scope, receive, send)
        limit = int(headers.get(b"x-body-limit", 1 << 40))
        taken = 0

        async def counted_receive():
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"more than {limit} bytes")
            return message

        await self.app(scope, counted_receive, send)


def digest(file):
    """Size and hash, without holding the file in memory."""
    sha = hashlib.sha256()
    size = 0
    while piece := file.read(1 << 20):
        sha.update(piece)
        size += len(piece)
    return size, sha.hexdigest()


async def received(request):
    """What arrived: each field with its values in their order, the file, and how the body was framed."""
    fields = {}
    files = []
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                size, sha = await asyncio.to_thread(digest, value.file)
                files.append({
                    "field": name,
                    "name": value.filename,
                    "type": value.content_type,
                    "size": size,
                    "sha256": sha,
                })
            else:
                fields.setdefault(name, []).append(value)
    if len(files) != 1:
        raise HTTPException(400, f"{len(files)} files")
    return {
        "task": request.url.path.rsplit("/", 1)[1],
        "fields": fields,
        "file": files[0],
        "framing": request.headers.get("transfer-encoding", "length"),
    }


async def transcribe(request):
    told = await received(request)
    kind = told["fields"].get("response_format", ["json"])[0]
    text = json.dumps(told, ensure_ascii=False)
    if kind == "text":
        return PlainTextResponse(text + "\n")
    if kind == "srt":
        return PlainTextResponse(f"1\n00:00:00,000 --> 00:00:01,500\n{text}\n\n")
    if kind == "vtt":
        return PlainTextResponse(f"WEBVTT\n\n00:00.000 --> 00:01.500\n{text}\n\n", media_type="text/vtt")
    answer = {"text": text, "received": told, "usage": {"type": "duration", "seconds": 2}}
    if kind == "verbose_json":
        words = [{"word": "Ciao", "start": 0.0, "end": 0.5}, {"word": "Roma", "start": 0.5, "end": 1.5}]
        segment = {
            "id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": "Ciao Roma", "tokens": [50364, 7],
            "temperature": 0.0, "avg_logprob": -0.25, "compression_ratio": 0.5, "no_speech_prob": 1e-12,
        }
        answer |= {"task": told["task"], "language": "italian", "duration": 1.5, "segments": [segment]}
        if "word" in told["fields"].get("timestamp_granularities[]", []):
            answer["words"] = words
    elif kind != "json":
        return error(400, f"unknown response_format {kind}")
    return JSONResponse(answer)


async def speak(request):
    """"size" bytes that count from 0 to 250 and begin again, with "pause" seconds between pieces, and of a length that
    is told ahead with "tell_length"."""
    order = await request.json()
    size = order.get("size", 100_000)
    pause = order.get("pause", 0)
    pattern = bytes(range(251)) * (PIECE // 251)

    async def pieces():
        left = size
        while left > 0:
            yield pattern if left >= len(pattern) else pattern[:left]
            left -= len(pattern)
            # Also without a pause: else uvicorn takes the rest at once when the client has gone.
            await asyncio.sleep(pause)

    types = {"wav": "audio/wav", "opus": "audio/opus", "flac": "audio/flac", "aac": "audio/aac", "pcm": "audio/pcm"}
    headers = {"content-length": str(size)} if order.get("tell_length") else None
    return StreamingResponse(
        pieces(), headers=headers, media_type=types.get(order.get("response_format"), "audio/mpeg"))


def png(width, height, shade):
    """A grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([shade]) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


async def draw(request):
    order = await request.json()
    width, height = map(int, order.get("size", "64x64").split("x"))
    pictures = []
    for i in range(order.get("n", 1)):
        picture = {"revised_prompt": order["prompt"]}
        if order.get("response_format") == "url":
            picture["url"] = f"https://127.0.0.1/picture/{i}.png"
        else:
            picture["b64_json"] = base64.b64encode(png(width, height, i)).decode()
        pictures.append(picture)
    return JSONResponse({"created": 1795558625, "data": pictures})


async def embed(request):
    """Vectors that follow from the bytes of each text, as numbers or as little-endian floats in base64."""
    order = await request.json()
    texts = order["input"] if isinstance(order["input"], list) else [order["input"]]
    vectors = []
    for i, text in enumerate(texts):
        bits = hashlib.shake_256(str(text).encode()).digest(2 * order.get("dimensions", 256))
        # Of 15 bits each, so that a float holds them all, and so does what JSON makes of it.
        values = array.array("f", [(number - 32768) / 32768 for (number,) in struct.iter_unpack("<H", bits)])
        if sys.byteorder == "big":
            values.byteswap()
        is_base64 = order.get("encoding_format") == "base64"
        vector = base64.b64encode(values.tobytes()).decode() if is_base64 else values.tolist()
        vectors.append({"object": "embedding", "index": i, "embedding": vector})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return JSONResponse({"object": "list", "model": order["model"], "data": vectors, "usage": usage})


async def models(request):
    return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "nobody"}]})


async def state(request):
    return JSONResponse({"running": watch.running, "left": watch.left})


def refuse(request, failure):
    return error(failure.status_code, failure.detail)


app = Starlette(
    routes=[
        Route("/state", state),
        Route("/v1/models", models),
        Route("/v1/audio/transcriptions", transcribe, methods=["POST"]),
        Route("/v1/audio/translations", transcribe, methods=["POST"]),
        Route("/v1/audio/speech", speak, methods=["POST"]),
        Route("/v1/images/generations", draw, methods=["POST"]),
        Route("/v1/embeddings", embed, methods=["POST"]),
    ],
    exception_handlers={HTTPException: refuse},
)
watch = Watch(Guard(app))
uvicorn.run(watch, host="127.0.0.1", port=int(sys.argv[1]), timeout_keep_alive=60, access_log=False)
