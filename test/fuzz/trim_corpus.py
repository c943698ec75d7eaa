#!/usr/bin/env python3
"""Copies a part of a merged corpus into the committed one: trim_corpus.py FROM TO SEEDS

At most 60 inputs and 200 KiB. The seeds that are made by hand come first: they stand at limits, where coverage alone sees
no difference. Of the rest, those of each size class are kept in turn, so that short ones, which a person can read,
and long ones, which come from recordings, both stay. Names are digests of the content.
"""
import hashlib
import pathlib
import sys

MOST_FILES = 60
MOST_BYTES = 200 * 1024

source, target, seeds = map(pathlib.Path, sys.argv[1:])
inputs = sorted((path.read_bytes() for path in source.iterdir()), key=lambda each: (len(each), each))
by_hand = [path.read_bytes() for kind in ("*made*", "text-*") for path in sorted(seeds.glob(kind))]
room = max(1, MOST_FILES - len(by_hand))
step = max(1, -(-len(inputs) // room))
kept, size = [], 0
for each in by_hand + inputs[step - 1::step]:
    if each not in kept and len(kept) < MOST_FILES and size + len(each) <= MOST_BYTES:
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
