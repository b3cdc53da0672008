# Builds indexes with RcppAnnoy and tells the md5 of each.
#
#   Rscript --vanilla interop_bytes.R DIR SEED
#
# For each case DIR/CASE.rows (doubles, row-major). DIR/cases.tsv has a line a case: name, metric,
# dimension, items, trees, seed (NA where it was never set), kind of the rows, md5 of the index.

suppressMessages(library(RcppAnnoy))
options(warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
set.seed(as.integer(args[2]))

classes <- list(euclidean = AnnoyEuclidean, angular = AnnoyAngular, manhattan = AnnoyManhattan)
kinds <- list(
  normal = function(n, f) matrix(rnorm(n * f), n),
  # Ties, and items within planes.
  integers = function(n, f) matrix(sample(-2:2, n * f, TRUE), n),
  # No plane separates copies.
  duplicates = function(n, f) matrix(rnorm(5 * f), 5)[sample(5, n, TRUE), , drop = FALSE],
  equal = function(n, f) matrix(rep(rnorm(f), each = n), n),
  # Rows of nothing but zeros among others, and many zeros elsewhere.
  zeros = function(n, f) matrix(rnorm(n * f) * (runif(n * f) < 0.3) * (runif(n) < 0.8), n),
  # Lopsided: planes that cut off little are given up, with what they leave behind.
  lengths = function(n, f) matrix(rnorm(n * f), n) * exp(4 * rnorm(n)),
  # Squares that are zero, or infinite, in 32 bits.
  tiny = function(n, f) matrix(rnorm(n * f), n) * 10^runif(n, -44, -20),
  huge = function(n, f) matrix(rnorm(n * f), n) * 10^runif(n, 17, 36)
)

cases <- file(file.path(dir, "cases.tsv"), "w")
dims <- c(1L, 2L, 3L, 7L, 8L, 10L, 16L, 50L, 100L, 784L)
scratch <- file.path(dir, "scratch.ann")
n_case <- 0L
one <- sample(names(classes), 1)
for (dim in dims) {
  # About the capacity of a leaf, any number as far as its cells are not too many, and the most.
  sizes <- c(1L, sample(2:5, 1), dim + 2L, dim + 3L, sample(dim + (4:300), 1),
             sample(300:min(20000, 600000 %/% dim), 1), if (dim > 100L) 4000L, 20000L)
  for (n in sizes) for (metric in names(classes)) {
    # The largest of all would take most of the time: one metric a run.
    if (n * dim > 4e6 && metric != one) next
    n_case <- n_case + 1L
    name <- paste0("case", n_case)
    kind <- sample(names(kinds), 1, prob = c(4, rep(1, length(kinds) - 1)))
    rows <- kinds[[kind]](n, dim)
    writeBin(as.double(t(rows)), file.path(dir, paste0(name, ".rows")), size = 8,
             endian = "little")
    trees <- sample(c(1L, 2L, 7L), 1)
    seed <- switch(sample(3, 1), NA, sample.int(1e6, 1), -sample.int(1e6, 1))
    index <- new(classes[[metric]], dim)
    if (!is.na(seed)) index$setSeed(seed)
    for (row in seq_len(n)) index$addItem(row - 1L, rows[row, ])
    index$build(trees)
    index$save(scratch)
    cat(name, metric, dim, n, trees, seed, kind, tools::md5sum(scratch), sep = "\t", file = cases)
    cat("\n", file = cases)
  }
}
close(cases)
