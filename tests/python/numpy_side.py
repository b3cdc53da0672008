"""NumPy on the other side: numpy_side.py IDS.npy DISTANCES.npy TABLE.csv

Loads arrays of neighbors and the table of the same neighbors, holds one against the other, and prints
how many cells there are and how many of them are missing. Prints "no numpy" where there is none.
"""

import csv
import sys

try:
    import numpy as np
except ImportError:
    print("no numpy")
    sys.exit()

ids, distances = (np.load(path, mmap_mode="r", allow_pickle=False) for path in sys.argv[1:3])
assert ids.dtype == np.dtype("<i4") and distances.dtype == np.dtype("<f4"), (ids.dtype, distances.dtype)
assert ids.ndim == 2 and ids.shape == distances.shape and ids.flags.c_contiguous
with open(sys.argv[3], newline="") as file:
    rows = list(csv.DictReader(file))
assert len(rows) == ids.size, (len(rows), ids.shape)
missing = 0
for row, id, distance in zip(rows, ids.flat, distances.flat):
    if row["id"] == "NA":
        assert id == np.iinfo(np.int32).min and np.isnan(distance) and row["distance"] == "NA", row
        missing += 1
    else:
        assert int(row["id"]) == id and np.float32(row["distance"]) == distance, (row, id, distance)
print(ids.size, missing)
