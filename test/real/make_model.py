"""Writes a tiny llama model with random weights, for tests that need a server and not an answer.

    make_model.py FILE

Two layers over a vocabulary of single bytes: a few hundred kilobytes, thousands of tokens a second.
The weights come from a fixed seed, so that the file is the same on each machine.
"""

import sys

import gguf
import numpy

LAYERS = 2
WIDTH = 64
HEADS = 4
FEED_FORWARD = 128
CONTEXT = 8192
SEED = 20261124

# Tools are offered and called as Hermes and Qwen do it: a form that servers know how to force and to read.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools

<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>{"name": <function-name>, "arguments": <args-json-object>}</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}
{%- if message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{%- if message.content %}
{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}<|im_end|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def vocabulary():
    """The three control tokens of a llama vocabulary, all bytes, and one token that opens a tool call.

    A server that forces a call lets the model talk first. This one would talk for ever, since it hits upon a dozen
    characters by accident alone; on a single token it can be set by a bias.
    """
    tokens = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    types += [gguf.TokenType.BYTE] * 256
    tokens.append(b"<tool_call>")
    types.append(gguf.TokenType.USER_DEFINED)
    return tokens, types


def main():
    path = sys.argv[1]
    tokens, types = vocabulary()
    random = numpy.random.default_rng(SEED)
    writer = gguf.GGUFWriter(path, "llama")

    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(len(tokens))

    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    def matrix(name, rows, columns):
        values = random.normal(0, columns**-0.5, (rows, columns))
        writer.add_tensor(name + ".weight", values.astype(numpy.float32))

    def ones(name):
        writer.add_tensor(name + ".weight", numpy.ones(WIDTH, numpy.float32))

    matrix("token_embd", len(tokens), WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        ones(block + "attn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(block + name, WIDTH, WIDTH)
        ones(block + "ffn_norm")
        matrix(block + "ffn_gate", FEED_FORWARD, WIDTH)
        matrix(block + "ffn_up", FEED_FORWARD, WIDTH)
        matrix(block + "ffn_down", WIDTH, FEED_FORWARD)
    ones("output_norm")
    matrix("output", len(tokens), WIDTH)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
