# Recall of RcppAnnoy on given rows, for a number of seeds.
#
#   Rscript --vanilla interop_recall.R REFERENCE QUERY EXACT TREES SEEDS
#
# REFERENCE and QUERY are descriptors; EXACT.euclidean and EXACT.angular hold the exact ids (counted
# from 1, integers, query by query). On standard output a line a metric and search_k: metric,
# search_k, and the mean recall@10, its standard deviation over seeds.

suppressMessages({
  library(bigmemory)
  library(RcppAnnoy)
})
options(warn = 2)

args <- commandArgs(trailingOnly = TRUE)
reference <- attach.big.matrix(args[1])[, ]
query <- attach.big.matrix(args[2])[, ]
trees <- as.integer(args[4])
for (metric in c("euclidean", "angular")) {
  exact <- matrix(readBin(paste0(args[3], ".", metric), "integer", 10 * nrow(query) + 1), 10)
  stopifnot(ncol(exact) == nrow(query))
  budgets <- c(-1L, 150L, 500L)
  recall <- vapply(seq_len(as.integer(args[5])), function(seed) {
    index <- new(if (metric == "angular") AnnoyAngular else AnnoyEuclidean, ncol(reference))
    index$setSeed(seed)
    for (row in seq_len(nrow(reference))) index$addItem(row - 1L, reference[row, ])
    index$build(trees)
    vapply(budgets, function(search_k) {
      hits <- vapply(seq_len(nrow(query)), function(row) {
        found <- index$getNNsByVectorList(query[row, ], 10L, search_k, FALSE)$item + 1L
        sum(found %in% exact[, row])
      }, 0)
      sum(hits) / length(exact)
    }, 0)
  }, budgets * 0)
  for (i in seq_along(budgets)) {
    cat(metric, budgets[i], sprintf("%.6f", c(mean(recall[i, ]), sd(recall[i, ]))), sep = "\t")
    cat("\n")
  }
}
