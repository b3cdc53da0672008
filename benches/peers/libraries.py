"""Other libraries, each behind the same four methods.

build(threads), save(path), load(path) and search(queries, k, setting, threads), which returns row
numbers, counted from 0. A setting is a text; LADDER lists settings from the cheapest to the dearest.
Rows are float32, row after row. Distances are Euclidean; ANGULAR says that a library takes angular
distances itself, others get rows of length 1 then.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def numbers(*values):
    return [str(value) for value in values]


class Annoy:
    """Spotify's Annoy; a setting is search_k."""

    LADDER = numbers(100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 102400)
    WHOLE = True  # a setting is a whole number, and any will do
    ANGULAR = True

    def __init__(self, rows, trees, metric):
        import annoy

        self.rows, self.trees = rows, int(trees)
        self.index = annoy.AnnoyIndex(rows.shape[1], metric)

    def build(self, threads):
        begin = time.process_time()
        for item, row in enumerate(self.rows):
            self.index.add_item(item, row)
        self.index.set_seed(42)
        start, cpu = time.perf_counter(), time.process_time()
        self.index.build(self.trees, n_jobs=threads)
        self.parts = {
            "rows_cpu": cpu - begin,
            "trees_seconds": time.perf_counter() - start,
            "trees_cpu": time.process_time() - cpu,
        }

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self.index.load(path)

    def search(self, queries, k, setting, threads):
        budget, out = int(setting), np.full((len(queries), k), -1, np.int32)

        def part(start, end):
            for at in range(start, end):
                found = self.index.get_nns_by_vector(queries[at], k, budget)
                out[at, : len(found)] = found

        edges = np.linspace(0, len(queries), threads + 1).astype(int)
        if threads == 1:
            part(*edges)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(part, edges[:-1], edges[1:]))
        return out


class Hnswlib:
    """hnswlib, M = 16, efConstruction = 200; a setting is ef."""

    LADDER = numbers(10, 20, 40, 80, 160, 320, 640)
    WHOLE = True
    ANGULAR = False

    def __init__(self, rows):
        import hnswlib

        self.rows = rows
        self.index = hnswlib.Index("l2", rows.shape[1])

    def build(self, threads):
        self.index.init_index(len(self.rows), M=16, ef_construction=200, random_seed=42)
        self.index.add_items(self.rows, num_threads=threads)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path):
        self.index.load_index(path)

    def search(self, queries, k, setting, threads):
        self.index.set_ef(max(int(setting), k))
        return self.index.knn_query(queries, k, num_threads=threads)[0]


class Usearch:
    """usearch, connectivity 16; a setting is expansion_search."""

    LADDER = numbers(10, 20, 40, 80, 160, 320, 640)
    WHOLE = True
    ANGULAR = False

    def __init__(self, rows):
        from usearch.index import Index

        self.rows = rows
        self.index = Index(ndim=rows.shape[1], metric="l2sq", dtype="f32", connectivity=16,
                           expansion_add=128)

    def build(self, threads):
        self.index.add(np.arange(len(self.rows)), self.rows, threads=threads)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self.index.load(path)

    def search(self, queries, k, setting, threads):
        self.index.expansion_search = max(int(setting), k)
        keys = self.index.search(queries, k, threads=threads).keys
        return np.asarray(keys).reshape(len(queries), k)


class Faiss:
    """What the indexes of faiss have in common."""

    WHOLE = True
    ANGULAR = False

    def __init__(self, rows):
        import faiss

        self.faiss, self.rows, self.index = faiss, rows, None
        # As shipped, small batches are scanned one query at a time.
        faiss.cvar.distance_compute_blas_threshold = 1

    def build(self, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index = self.make(self.rows.shape[1])
        self.index.train(self.rows)
        self.index.add(self.rows)

    def save(self, path):
        self.faiss.write_index(self.index, path)

    def load(self, path):
        self.index = self.faiss.read_index(path)

    def lists(self):
        # The power of two nearest to four times the root of the rows.
        return max(2 ** round(np.log2(4 * len(self.rows) ** 0.5)), 4)

    def search(self, queries, k, setting, threads):
        self.faiss.omp_set_num_threads(threads)
        self.set(setting)
        return self.index.search(queries, k)[1]


class FaissFlat(Faiss):
    """Exact, as a matrix product; there is nothing to set."""

    LADDER = ["exact"]
    WHOLE = False

    def make(self, dim):
        return self.faiss.IndexFlatL2(dim)

    def set(self, setting):
        pass


class FaissIvf(Faiss):
    """Inverted lists of whole vectors; a setting is nprobe."""

    LADDER = numbers(1, 2, 4, 8, 16, 32, 64, 128, 256)

    def make(self, dim):
        return self.faiss.index_factory(dim, f"IVF{self.lists()},Flat")

    def set(self, setting):
        self.index.nprobe = int(setting)


class FaissHnsw(Faiss):
    """HNSW with 32 links; a setting is efSearch."""

    LADDER = numbers(10, 20, 40, 80, 160, 320, 640)

    def make(self, dim):
        index = self.faiss.IndexHNSWFlat(dim, 32)
        index.hnsw.efConstruction = 100
        return index

    def set(self, setting):
        self.index.hnsw.efSearch = int(setting)


class FaissIvfPq(Faiss):
    """4-bit product quantiser with fast scan, then whole vectors; a setting is nprobe:k_factor."""

    LADDER = [f"{nprobe}:{factor}" for nprobe in (8, 16, 32, 64, 128, 256) for factor in (4, 12, 40)]
    WHOLE = False

    def make(self, dim):
        pieces = next(size for size in range(max(dim // 2, 1), 0, -1) if dim % size == 0)
        return self.faiss.index_factory(dim, f"IVF{self.lists()},PQ{pieces}x4fs,RFlat")

    def set(self, setting):
        nprobe, factor = setting.split(":")
        self.faiss.extract_index_ivf(self.index.base_index).nprobe = int(nprobe)
        self.index.k_factor = float(factor)


class Scann:
    """ScaNN with anisotropic hashing and reordering; a setting is leaves:reordered."""

    LADDER = [f"{leaves}:{reordered}" for leaves in (4, 8, 16, 32, 64, 128)
              for reordered in (40, 120, 400)]
    WHOLE = False
    ANGULAR = False

    def __init__(self, rows):
        import scann

        self.scann, self.rows, self.index = scann, rows, None

    def build(self, threads):
        count = len(self.rows)
        leaves = max(int(count**0.5), 4)
        self.index = (
            self.scann.scann_ops_pybind.builder(self.rows, 10, "squared_l2")
            .tree(num_leaves=leaves, num_leaves_to_search=16,
                  training_sample_size=min(count, 250_000))
            .score_ah(2, anisotropic_quantization_threshold=0.2)
            .reorder(100)
            .set_n_training_threads(threads)
            .build()
        )

    def save(self, path):
        os.makedirs(path, exist_ok=True)
        self.index.serialize(path)

    def load(self, path):
        self.index = self.scann.scann_ops_pybind.load_searcher(path)

    def search(self, queries, k, setting, threads):
        leaves, reordered = map(int, setting.split(":"))
        if threads == 1:
            search = self.index.search_batched
        else:
            self.index.set_num_threads(threads)
            search = self.index.search_batched_parallel
        return search(queries, final_num_neighbors=k, pre_reorder_num_neighbors=reordered,
                      leaves_to_search=leaves)[0]


LIBRARIES = {
    "annoy": (Annoy, "annoy"),
    "hnswlib": (Hnswlib, "hnswlib"),
    "usearch": (Usearch, "usearch"),
    "faiss-flat": (FaissFlat, "faiss-cpu"),
    "faiss-ivf": (FaissIvf, "faiss-cpu"),
    "faiss-hnsw": (FaissHnsw, "faiss-cpu"),
    "faiss-ivfpq": (FaissIvfPq, "faiss-cpu"),
    "scann": (Scann, "scann"),
}
