"""Annoy of Python on the other side: annoy_side.py DIR

Reads DIR/cases.tsv, a line for each index: name, whose it is (ours or theirs), metric, dimensions,
items, step between ids, trees, threads. Items of theirs are in NAME.rows and queries in NAME.query, both
32-bit floats, row after row. Builds theirs into NAME.ann, and writes what Annoy finds in all to
DIR/answers.tsv: name, query, neighbors, search_k, ids, distances. Indexes of dot are left out before
1.17, whose records are of another form.
"""

import sys
from array import array
from importlib.metadata import version
from pathlib import Path

from annoy import AnnoyIndex


def vectors(path, dim):
    values = array("f")
    values.frombytes(path.read_bytes())
    return [values[at : at + dim] for at in range(0, len(values), dim)]


def build(path, metric, dim, rows, step, trees, threads):
    index = AnnoyIndex(dim, metric)
    index.set_seed(7)
    for at, row in enumerate(rows):
        index.add_item(at * step, row)
    try:
        index.build(trees, n_jobs=threads)
    except TypeError:  # before 1.17 there is one thread
        index.build(trees)
    index.save(str(path))


def main(directory):
    modern = [int(part) for part in version("annoy").split(".")[:2]] >= [1, 17]
    answers = (directory / "answers.tsv").open("w")
    for line in (directory / "cases.tsv").read_text().splitlines():
        name, whose, metric, *numbers = line.split("\t")
        dim, items, step, trees, threads = map(int, numbers)
        if metric == "dot" and not modern:
            continue
        path = directory / f"{name}.ann"
        if whose == "theirs":
            rows = vectors(directory / f"{name}.rows", dim)
            build(path, metric, dim, rows, step, trees, threads)
        index = AnnoyIndex(dim, metric)
        index.load(str(path))
        for at, query in enumerate(vectors(directory / f"{name}.query", dim)):
            for neighbors, search_k in [(min(10, items), -1), (min(10, items), 40), (1, 1000)]:
                found = index.get_nns_by_vector(query, neighbors, search_k, include_distances=True)
                ids, distances = (",".join(map(repr, part)) for part in found)
                print(name, at, neighbors, search_k, ids, distances, sep="\t", file=answers)
    answers.close()
    print(version("annoy"))


main(Path(sys.argv[1]))
