"""Builds an index with one of the libraries and answers requests about it, one JSON object a line.

    serve.py NAME --data DIR --cache DIR --threads N [--trees N] [--index FILE] [--build-only]

DIR holds train.npy, test.npy and metric.txt. The first line out tells what was built, and whether now or before;
an index that was built before is taken from the cache, with what building it cost then. Requests:

    {"op": "search", "setting": "…", "threads": 1, "queries": 1000, "out": "ids.bin"}
    {"op": "single", "setting": "…", "queries": 1000, "out": "ids.bin"}

Row numbers go to the file `out`, as int32. Time is that of the searches alone.
"""

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from libraries import LIBRARIES

K = 10


def say(**fields):
    print(json.dumps(fields), flush=True)


def timed(work):
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - start, time.process_time() - cpu


def size(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def read(args, name):
    """Rows as the library takes them: under angular, those without a notion of it get unit vectors."""
    rows = np.load(args.data / name, mmap_mode="r")
    make, _ = LIBRARIES[args.name]
    if metric(args) == "angular" and not make.ANGULAR:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths > 0, lengths, 1)
    return rows


def metric(args):
    return (args.data / "metric.txt").read_text()


def prepare(args):
    make, package = LIBRARIES[args.name]
    train = read(args, "train.npy")
    # Under a name of its own for whatever decides what is built.
    key = f"{args.name}-{version(package)}-{args.trees or 0}-{args.threads}"
    stored, notes = args.cache / f"{key}.index", args.cache / f"{key}.json"
    options = [args.trees, metric(args)] if args.trees else []
    if args.index:
        library = make(train, *options)
        library.load(str(args.index))
        return library, {"build_seconds": None, "build_cpu": None, "bytes": size(args.index)}
    rows = np.ascontiguousarray(train)
    library = make(rows, *options)
    if notes.exists() and not args.build_only:
        library.load(str(stored))
        return library, json.loads(notes.read_text())

    def build():
        library.build(args.threads)
        library.save(str(stored))

    _, seconds, cpu = timed(build)
    built = {"build_seconds": seconds, "build_cpu": cpu, "bytes": size(stored)}
    # Where adding rows one by one from Python is not to count.
    parts = getattr(library, "parts", {})
    if not args.build_only:
        notes.write_text(json.dumps(built | parts))
    elif parts:
        # Once more, in memory that was used before: the least of both counts.
        again = make(rows, *options)
        again.build(args.threads)
        parts = {name: min(cost, again.parts[name]) for name, cost in parts.items()}
    built.update(parts)
    return library, built


def answer(library, queries, request):
    asked = queries[: request["queries"]]
    setting, k = request["setting"], request.get("k", K)
    if request["op"] == "single":
        def work():
            rows = [library.search(asked[at : at + 1], k, setting, 1)[0] for at in range(len(asked))]
            return np.array(rows)
    else:
        def work():
            return library.search(asked, k, setting, request["threads"])
    ids, seconds, cpu = timed(work)
    # Whatever stands for no neighbor, also where it is the largest number without a sign.
    ids = np.asarray(ids).astype(np.int64).astype(np.int32)
    ids.tofile(request["out"])
    say(seconds=seconds, cpu=cpu)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=LIBRARIES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--trees", type=int)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--build-only", action="store_true")
    args = parser.parse_args()
    # Before any library starts threads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        library, built = prepare(args)
    except ModuleNotFoundError as error:
        say(missing=str(error))
        return
    make, package = LIBRARIES[args.name]
    ladder = make.LADDER
    say(version=f"{package} {version(package)}", ladder=ladder, whole=make.WHOLE, **built)
    if args.build_only:
        return
    queries = np.ascontiguousarray(read(args, "test.npy"))
    for line in sys.stdin:
        answer(library, queries, json.loads(line))


main()
