#!/usr/bin/env python3
"""Copies a part of a merged corpus into the committed one: trim_corpus.py FROM TO

At most 60 inputs and 200 KiB. Those of each size class are kept in turn, so that short ones, which a person can read,
and long ones, which come from recordings, both stay. Names are digests of the content.
"""
import hashlib
import pathlib
import sys

MOST_FILES = 60
MOST_BYTES = 200 * 1024

source, target = map(pathlib.Path, sys.argv[1:])
inputs = sorted((path.read_bytes() for path in source.iterdir()), key=lambda each: (len(each), each))
step = max(1, -(-len(inputs) // MOST_FILES))
kept, size = [], 0
for each in inputs[step - 1::step]:
    if len(kept) < MOST_FILES and size + len(each) <= MOST_BYTES:
        kept.append(each)
        size += len(each)
# What made a target fail once stays.
names = {hashlib.sha1(each).hexdigest()[:16]: each for each in kept}
for path in target.iterdir():
    if path.name not in names and not path.name.startswith("crash-"):
        path.unlink()
for name, each in names.items():
    (target / name).write_bytes(each)
print(f"{target.name}: {len(names)} inputs, {size} bytes of {len(inputs)} merged")
