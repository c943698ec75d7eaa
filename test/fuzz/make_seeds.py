#!/usr/bin/env python3
"""Writes first inputs for the fuzz targets: make_seeds.py FOLDER

They come from recorded bytes and shared cases (test/data); the bytes in front are the decisions that
each target takes off its input. What adds nothing is dropped when the corpus is merged.
"""
import base64
import json
import pathlib
import sys
import zlib

here = pathlib.Path(__file__).resolve().parent
data = here.parent / "data"
out = pathlib.Path(sys.argv[1])
LONGEST = 6000


def write(target, name, content):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    if len(content) <= LONGEST:
        (folder / name).write_bytes(content)


def dechunk(coded):
    body = b""
    while coded:
        line, _, coded = coded.partition(b"\r\n")
        try:
            size = int(line.split(b";")[0] or b"0", 16)
        except ValueError:
            return body
        if size == 0:
            return body
        body += coded[:size]
        coded = coded[size + 2:]
    return body


def recordings():
    for path in sorted((data / "wire").rglob("*.txt")):
        whole = path.read_bytes()
        head, mark, body = whole.partition(b"\r\n\r\n")
        if mark and whole.startswith(b"HTTP/1") and b"gzip" not in head:
            plain = dechunk(body) if b"chunked" in head.lower() else body
            yield "-".join(path.relative_to(data / "wire").with_suffix("").parts), whole, head, plain


# In the order of the table in codecs.cpp.
NOUNS = """chat_request chat_response chat_chunk chat_message completion_request completion_response completion_chunk
model model_list embedding_request embedding embedding_response image_request image image_response rerank_request
rerank_result rerank_response transcript token_count_request token_count usage tool tool_choice response_format
model_details model_deployment model_info_list model_group model_group_list supported_parameters key_info user_info
activity spend_log spend_logs error_info""".split()
STATUSES = [300, 301, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 413, 415, 422, 429, 500, 501, 502,
            503, 504, 529]
GOLDEN = {"model_info": "model_info_list", "model_groups": "model_group_list"}


def codec(noun, name, text):
    write("codecs", f"{noun}-{name}", bytes([NOUNS.index(noun), 7]) + text)


def shrunk(value):
    """Long arrays of numbers and long texts cut."""
    if isinstance(value, list):
        return [shrunk(each) for each in value[:4 if all(isinstance(v, (int, float)) for v in value) else 40]]
    if isinstance(value, dict):
        return {key: shrunk(each) for key, each in value.items()}
    return value[:300] if isinstance(value, str) else value


for name, whole, head, body in recordings():
    status = int(head[9:12])
    write("http_response", name, bytes([1 + 2 * 12, 0, 0]) + whole)
    is_stream = b"text/event-stream" in head.lower()
    if status == 200 and is_stream:
        write("sse", name, bytes([0xFF, 1, 7]) + body)
    if status == 200:
        kind = 1 if "completions" in name else 2 if "whisper" in name or "transcription" in name else 0
        for which in {kind, 3} if is_stream else {kind}:
            write("chunk", f"{name}-{which}", bytes([which + (0 if is_stream else 4), 3, 9, 0xFF]) + body)
        for event in body.split(b"\n"):
            if event.startswith(b"data: {") and len(event) < 1500:
                noun = "completion_chunk" if kind == 1 else "chat_chunk"
                codec(noun, f"{name}-{zlib.crc32(event) & 0xFFFF:x}", event[6:].strip())
    elif status in STATUSES:
        write("error_body", f"{name}-key", bytes([STATUSES.index(status)]) + b"\n" + body.replace(b"key", b"\x01"))
        fields = b"".join(line + b"\n" for line in head.split(b"\r\n")[1:])
        write("error_body", name, bytes([STATUSES.index(status)]) + fields + b"\n" + body)
    try:
        value = json.loads(body)
    except ValueError:
        continue
    text = json.dumps(shrunk(value)).encode()
    write("json", name, bytes([31]) + text)
    if status == 200 and isinstance(value, dict):
        if "choices" in value:
            codec("completion_response" if kind == 1 else "chat_response", name, text)
        elif "results" in value:
            codec("rerank_response", name, text)
        elif "model" in name:
            codec("model_list" if "data" in value else "model", name, text)
        elif "embed" in name:
            codec("embedding_response", name, text)
        elif "image" in name:
            codec("image_response", name, text)
        elif "text" in value:
            codec("transcript", name, text)

for path in sorted((data / "wire").rglob("*.req")):
    try:
        value = shrunk(json.loads(path.read_bytes().split(b"# body: ", 1)[1]))
    except (ValueError, IndexError):
        continue
    noun = "completion_request" if "completions" in path.name else \
        "embedding_request" if "embed" in path.name else \
        "rerank_request" if "rerank" in path.name else \
        "image_request" if "images" in path.name else "chat_request"
    if isinstance(value, dict):
        value["x_more"] = [1, None, {"x": "y"}]
        codec(noun, "-".join(path.relative_to(data / "wire").parts), json.dumps(value).encode())

for path in sorted((data / "answers").glob("*.json")):
    text = json.dumps(shrunk(json.loads(path.read_bytes()))).encode()
    noun = GOLDEN.get(path.stem, path.stem)
    while noun not in NOUNS:
        noun = noun.rpartition("_")[0]
    codec(noun, path.stem, text)
for noun, value in {
        "tool": {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, "x_a": 1},
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}, "strict": True}},
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
                  "prompt_tokens_details": {"cached_tokens": 1}},
        "chat_message": {"role": "assistant", "content": [{"type": "text", "text": "a"}], "reasoning": "r",
                         "tool_calls": [{"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        "error_info": {"code": 305, "category": "regolo", "message": "m", "where": "body", "sent": True,
                       "attempts": 1, "retry_after_us": 5}}.items():
    codec(noun, "made", json.dumps(value).encode())

for number, line in enumerate((data / "cases" / "sse_cases.jsonl").read_text().splitlines()):
    case = json.loads(line)
    text = base64.b64decode(case["input_b64"]) if case.get("encoding") == "base64" else case["input"].encode()
    write("sse", f"case-{number}", bytes([0x21, 1, 7]) + text)
for number, line in enumerate((data / "cases" / "retry_cases.jsonl").read_text().splitlines()):
    write("retry_after", f"case-{number}", bytes(8) + json.dumps(json.loads(line)).encode()[:60])
for number, text in enumerate(["Fri, 29 Sep 2023 16:26:57 GMT", "Friday, 29-Sep-23 16:26:57 GMT",
                               "Fri Sep 29 16:26:57 2023", "Fri Sep  9 16:26:60 2023", "1.5", "120", "0", "1e3", "-1",
                               "Thu, 29 Feb 2024 00:00:00 GMT"]):
    write("retry_after", f"text-{number}", bytes([0, 0, 0x65, 0x17, 0, number, 0, 9]) + text.encode())

for number, line in enumerate([
        "https://api.regolo.ai\n/v1/models\n\n", "http://localhost:8000/v1/\nchat/completions\nq\na b&c",
        "http://[::1]:8080/custom-model/v1\n//x?y=z\na\n1", "https://user:\x01@host/\n/a#b", "http://10.0.0.1.nip.io:80\nx",
        "http://0x7f.1/v1\nhttps://other/", "HTTPS://EXAMPLE.com:65536\nx", "http://a.svc.cluster.local\nx",
        "http://172.16.0.1/v1/v1//\nx", "http://169.254.1.1\nx", "http://example.com\nx", "https://x?a#b\nx"]):
    write("url", f"text-{number}", line.encode())
for number, (host, entries) in enumerate([
        ("api.example.com", "localhost,.example.com,10.0.0.0/8"), ("10.1.2.3", "10.0.0.0/8 ::1/128"),
        ("::1", "[::1]:443,*"), ("api.example.com", "*.example.com"), ("example.com", "example.com:443"),
        ("fe80::1", "fe80::/10"), ("host.", "HOST"), ("10.1.2.3", "10.1.2.3:8080")]):
    for url in ["http://user:p%40ss@proxy.example:3128", "http://u:\x01@proxy:bad", "proxy:3128", "socks5://proxy", "http://[::1]:80/"]:
        write("proxy", f"text-{number}-{len(url)}", bytes([1, 0, 0]) + f"{url}\n{host}\n{entries}".encode())
for number, (options, parts) in enumerate([
        (2, [b"POST", b"/v1/chat/completions", b"sk-key", b"Content-Type", b"application/json"]),
        (0, [b"GET", b"/v1/models", b"", b"X-A", b"b\tc", b"Authorization", b"Bearer z"]),
        (0x35, [b"POST", b"/v1/x", b"Bearer k", b"Accept", b"*/*", b"Proxy-Authorization", b"q"]),
        (0, [b"GET", b"/a b", b"k"]), (0, [b"GET", b"/a", b"\x01\nX: y"]), (0, [b"GET", b"/a", b"", b"Host", b"x"]),
        (0, [b"GET", b"/a", b"", b"X", b"\x01\r\nZ: q"]), (8, [b"PATCH", b"/a", b"http://u:\x01@h", b"X:", b"y"])]):
    write("headers", f"text-{number}", bytes([options]) + (b"\x05" if options & 2 else b"") + b"\xff".join(parts))
for number, parts in enumerate([[b"talk.mp3", b"RIFF\r\n--x", b"model", b"whisper", b"language", b"it"],
                                [b"a\"b\r\nc.wav", b"", b"prompt", b"two\r\nlines", b"na\"me", b"v"]]):
    write("multipart", f"text-{number}", b"\xff".join(parts))

# client: settings, number of steps, steps of three bytes, answers up to 0xFF. 0 start, 1 serve all, 2 serve some, 3 end,
# 4 time, 5 cancel, 6 close, 7 drop the client, 8 writes, 9 dialling, 12 serve everybody.
KINDS = ["chat", "stream_chat", "complete", "stream_completion", "models", "request", "stream_request", "download",
         "transcribe", "stream_transcription", "embed", "chat_as_stream"]


def client(name, settings, steps, *answers):
    steps = [step if len(step) == 3 else (*step, *[0] * (3 - len(step))) for step in steps]
    write("client", name, bytes([settings, len(steps)]) + bytes(sum(map(list, steps), [])) + b"\xff".join(answers))


wire = {name: whole for name, whole, _, _ in recordings() if b"\xff" not in whole}
for name, what in [("llama-chat", "chat"), ("llama-chat_stream", "stream_chat"), ("llama-chat_stream", "chat_as_stream"),
                   ("llama-completions", "complete"), ("llama-completions_stream", "stream_completion"),
                   ("llama-models", "models"), ("llama-models", "request"), ("llama-models", "download"),
                   ("llama-chat_stream", "stream_request"), ("whisper-json", "transcribe"),
                   ("whisper-json", "stream_transcription"), ("aimock-embeddings", "embed"),
                   ("nginx-429", "chat"), ("nginx-502", "stream_chat"), ("llama-err_404", "models"),
                   ("aimock-x_stream_hangup", "stream_chat"), ("real-chat_stream_interrupted", "stream_chat"),
                   ("nginx-stream_upstream_hangup", "stream_chat"), ("litellm-err_budget", "chat")]:
    answer = wire.get(name)
    if answer is None:
        continue
    kind = KINDS.index(what)
    for settings in (0, 4, 8):
        client(f"{name}-{what}-{settings}", settings, [(0, kind), (1, 0), (3, 0)], answer)
    client(f"{name}-{what}-cut", 0, [(0, kind), (2, 0, 200), (2, 0, 100), (3, 0, 0)], answer)
    client(f"{name}-{what}-twice", 0, [(0, kind), (1, 0), (0, kind, 4), (12, 0), (4, 4), (12, 0)], answer, answer)
    client(f"{name}-{what}-drop", 1, [(0, kind, 1), (2, 0, 250), (0, kind), (5, 1), (12, 0), (6, 0)], answer, answer)
    client(f"{name}-{what}-late", 2, [(0, kind, 4), (8, 0, 2), (4, 8), (9, 0, 1), (4, 4), (7, 0), (4, 10)], answer)
short = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 85\r\n\r\n' \
        b'{"choices":[{"index":0,"message":{"content":"Ciao"},"finish_reason":"stop"}],"id":"x"}'[:85]
event = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
for text in [b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n', b"data: [DONE]\n\n"]:
    event += b"%x\r\n%s\r\n" % (len(text), text)
retry = b"HTTP/1.1 429 X\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\n{}"
busy = b"HTTP/1.1 503 X\r\nContent-Length: 13\r\nx-echo: \x01\r\n\r\nkey \x01 is odd"
for number, kind in enumerate(range(12)):
    client(f"made-{number}-retry", number & 3, [(0, kind, 8), (1, 0), (4, 6), (12, 0), (4, 6), (12, 0)], retry, busy,
           short if number % 2 == 0 else event + b"0\r\n\r\n")
    client(f"made-{number}-many", 0, [(10, 0), (0, kind), (0, 1), (0, 0), (0, 4), (10, 0), (12, 0), (12, 0), (5, 3), (12, 0)],
           event + b"0\r\n\r\n", short, event, busy)
    client(f"made-{number}-stall", 4, [(9, 0, 2), (0, kind, 20), (4, 6), (9, 0, 0), (8, 0, 1), (12, 0), (11, 0, 5), (3, 0, 2)],
           event, short)

# Limits, at them and above.
for depth in (16, 17, 40):
    write("json", f"made-depth-{depth}", bytes([15]) + b"[" * depth + b"]" * depth)
    write("chunk", f"made-depth-{depth}", bytes([0, 1, 7, 15]) + b'data: {"choices":[],"x":' + b"[" * depth + b"]" * depth
          + b"}\n\ndata: [DONE]\n\n")
for index in (6, 7, 127, 128, 4096):
    choice = b'"choices":[{"index":%d,"delta":{"tool_calls":[{"index":%d,"function":{"arguments":"a"}}]}}]' % (0, index)
    write("chunk", f"made-call-{index}", bytes([0, 1, 7, 127]) + b"data: {" + choice + b"}\n\ndata: [DONE]\n\n")
    for noun, inner in [("chat_chunk", b'"delta"'), ("chat_response", b'"message"')]:
        codec(noun, f"made-index-{index}", b'{"choices":[{"index":%d,%s:{"content":"a"}}]}' % (index, inner))
    write("chunk", f"made-index-{index}", bytes([0, 1, 7, 127])
          + b'data: {"choices":[{"index":%d,"delta":{}}]}\n\ndata: [DONE]\n\n' % index)
for size in (119, 120, 121, 200):
    write("chunk", f"made-size-{size}", bytes([3, 1, 7, 15]) + b"data: " + b"x" * size + b"\n\ndata: [DONE]\n\n")
for number, text in enumerate(["https://user:pw@host/v1\nx", "http://user@[::1]:80\nx", "https://host/?q\nx", "https://a:0\nx",
                               "http://example.com/v1/v1\nx", "https://host\n/a b", "https://host\n/a#b"]):
    write("url", f"made-{number}", text.encode())
for number, (host, entries) in enumerate([("10.1.2.3", "::/0"), ("::1", "0.0.0.0/0"), ("0a00::1", "10.0.0.0/8"),
                                          ("xexample.com", "example.com"), ("10.0.0.1", "10.0.0.0/33"),
                                          ("a.b", "a.b:80"), ("a00::1", "10.0.0.0/8"), ("10.1.2.3", "a00::/16")]):
    write("proxy", f"made-{number}", bytes([1, 0, 0]) + f"http://p:1\n{host}\n{entries}".encode())
for number, value in enumerate([b"a\0b", b"a\rb", b"a\nb", b"a\x7fb", b"a\x1fb"]):
    write("headers", f"made-value-{number}", b"\x00" + b"\xff".join([b"GET", b"/", b"k", b"X-A", value]))
    write("headers", f"made-key-{number}", b"\x00" + b"\xff".join([b"GET", b"/", value]))
    write("headers", f"made-target-{number}", b"\x00" + b"\xff".join([b"GET", b"/" + value, b"k"]))
    write("headers", f"made-name-{number}", b"\x00" + b"\xff".join([b"GET", b"/", b"k", value, b"v"]))
