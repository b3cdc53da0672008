# The way from a matrix on disk to neighbors with R: bigmemory and RcppAnnoy, row by row.
#
#     Rscript rcppannoy.R DIR TREES QUERIES SEARCH_K OUT
#
# DIR holds train.desc, test.desc and metric.txt. Prints one JSON object; the ids, counted from 0, go to OUT.
# With 0 queries it only builds.

suppressPackageStartupMessages({
  library(bigmemory)
  library(RcppAnnoy)
})
args <- commandArgs(trailingOnly = TRUE)
trees <- as.integer(args[2])
queries <- as.integer(args[3])
budget <- as.integer(args[4])
k <- 10L
index_path <- file.path(args[1], "rcppannoy.ann")

cpu <- function() {
  used <- proc.time()
  unname(used["user.self"] + used["sys.self"])
}
seconds <- function(since) unname(proc.time()["elapsed"] - since["elapsed"])
start <- proc.time()
train <- attach.big.matrix(file.path(args[1], "train.desc"))
metric <- readLines(file.path(args[1], "metric.txt"), warn = FALSE)
index <- new(switch(metric, euclidean = AnnoyEuclidean, angular = AnnoyAngular), ncol(train))
index$setSeed(42L)
begin <- cpu()
for (row in seq_len(nrow(train))) index$addItem(row - 1L, train[row, ])
added <- cpu()
grown <- proc.time()
index$build(trees)
trees_seconds <- seconds(grown)
trees_cpu <- cpu() - added
index$save(index_path)
built <- seconds(start)
bytes <- file.size(index_path)

start <- proc.time()
if (queries > 0L) {
  test <- attach.big.matrix(file.path(args[1], "test.desc"))
  ids <- matrix(-1L, k, queries)
  for (row in seq_len(queries)) {
    found <- index$getNNsByVectorList(test[row, ], k, budget, FALSE)$item
    ids[seq_along(found), row] <- as.integer(found)
  }
  writeBin(as.vector(ids), args[5], size = 4L)
}
searched <- seconds(start)
invisible(file.remove(index_path))
cat(sprintf(
  paste0(
    '{"version":"RcppAnnoy %s","build_seconds":%.3f,"search_seconds":%.3f,"cpu":%.3f,"bytes":%.0f,',
    '"rows_cpu":%.3f,"trees_seconds":%.3f,"trees_cpu":%.3f}\n'
  ),
  packageVersion("RcppAnnoy"), built, searched, cpu(), bytes, added - begin, trees_seconds, trees_cpu
))
