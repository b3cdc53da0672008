# Attaches matrices of neighbors and holds every cell against what RcppAnnoy finds in the same
# index.
#
#   Rscript --vanilla interop_check.R DIR
#
# DIR/runs.tsv names a run a line: metric, index, queries (a descriptor, or "self"), k, search_k,
# matrix of ids, matrix of distances. On standard output a line a run, separated by tabs: cells,
# cells that are NA, ids that differ, distances that differ in any bit, and the largest difference
# of two distances, absolute and relative.

suppressMessages({
  library(bigmemory)
  library(RcppAnnoy)
})
options(warn = 2)

dir <- commandArgs(trailingOnly = TRUE)[1]
attached <- function(name) attach.big.matrix(file.path(dir, name))[, , drop = FALSE]
reference <- attached("reference.desc")
runs <- read.delim(file.path(dir, "runs.tsv"), header = FALSE, colClasses = "character",
                   col.names = c("metric", "index", "query", "k", "search_k", "ids",
                                 "distances"))

for (i in seq_len(nrow(runs))) {
  run <- runs[i, ]
  class <- switch(run$metric, euclidean = AnnoyEuclidean, angular = AnnoyAngular,
                  manhattan = AnnoyManhattan)
  index <- new(class, ncol(reference))
  index$load(file.path(dir, run$index))
  k <- as.integer(run$k)
  search_k <- as.integer(run$search_k)
  own <- run$query == "self"
  query <- if (own) reference else attached(run$query)
  stopifnot(index$getNItems() == nrow(reference))

  ids <- matrix(NA_integer_, nrow(query), k)
  distances <- matrix(NA_real_, nrow(query), k)
  for (row in seq_len(nrow(query))) {
    r <- if (own) {
      # One more than k: the row itself is among its neighbors.
      index$getNNsByItemList(row - 1L, k + 1L, search_k, TRUE)
    } else {
      index$getNNsByVectorList(query[row, ], k, search_k, TRUE)
    }
    keep <- if (own) which(r$item != row - 1L) else seq_along(r$item)
    keep <- keep[seq_len(min(k, length(keep)))]
    ids[row, seq_along(keep)] <- r$item[keep] + 1L
    distances[row, seq_along(keep)] <- r$distance[keep]
  }

  found_ids <- attached(run$ids)
  found <- attached(run$distances)
  stopifnot(typeof(found_ids) == "integer", typeof(found) == "double",
            identical(dim(found_ids), dim(ids)), identical(dim(found), dim(ids)))
  same <- function(a, b) (is.na(a) & is.na(b)) | (!is.na(a) & !is.na(b) & a == b)
  gap <- abs(found - distances)
  cat(length(ids), sum(is.na(ids)), sum(!same(found_ids, ids)), sum(!same(found, distances)),
      max(gap, 0, na.rm = TRUE), max(gap / distances, 0, na.rm = TRUE), sep = "\t")
  cat("\n")
}
