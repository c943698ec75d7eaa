"""Serves a model with llama.cpp's own HTTP server, as PyPI's xllamacpp ships it, until it is killed.

    llama_server.py MODEL PORT [mean | rank]

A third argument starts it for embeddings, or for reranking, by how the vectors of the tokens become one. The server has 8 slots; a key, "real-key"; and the end points /slots and /metrics that tell what it is doing.
"""

import signal
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"tiny"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.api_keys = ["real-key"]
params.n_parallel = 8
params.n_ctx = 8 * 4096
params.ctx_shift = True  # an answer can be as long as a test wants it to be
params.endpoint_slots = True
params.endpoint_metrics = True
params.warmup = False
params.cpuparams.n_threads = 1

if len(sys.argv) > 3:
    params.embedding = True
    params.pooling_type = {
        "mean": xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN,
        "rank": xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK,
    }[sys.argv[3]]

server = xllamacpp.Server(params)
print("listening at", server.listening_address, flush=True)
signal.pause()
