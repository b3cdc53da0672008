# Attaches matrices, compares every cell, and writes to one.
#
#   Rscript --vanilla interop_read.R DIR NAME...
#
# For each NAME.desc the cells have to be those of NAME.f64 (doubles, column-major). Then the last
# cell becomes 42. What `describe` says is written to NAME.described; on standard output a line a
# matrix, separated by tabs: name, type that R shows, cells, cells that differ, row names and column
# names (joined by commas, or "-").

suppressMessages(library(bigmemory))
options(bigmemory.typecast.warning = FALSE, bigmemory.allow.dimnames = TRUE, warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
names <- function(v) if (is.null(v)) "-" else paste(v, collapse = ",")
for (name in args[-1]) {
  x <- attach.big.matrix(file.path(dir, paste0(name, ".desc")))
  cells <- x[, , drop = FALSE]
  numbers <- as.double(if (is.raw(cells)) as.integer(cells) else cells)
  expected <- readBin(file.path(dir, paste0(name, ".f64")), "double", length(cells) + 1, size = 8,
                      endian = "little")
  stopifnot(length(expected) == length(cells))
  # The first comparison tells NA from NaN, the second -0 from 0.
  same <- mapply(identical, numbers, expected) & (is.na(expected) | 1 / numbers == 1 / expected)
  cat(name, typeof(cells), length(cells), sum(!same), names(rownames(x)), names(colnames(x)),
      sep = "\t")
  cat("\n")
  x[nrow(x), ncol(x)] <- if (is.raw(cells)) as.raw(42) else 42
  stopifnot(flush(x))
  dput(describe(x), file.path(dir, paste0(name, ".described")))
}
