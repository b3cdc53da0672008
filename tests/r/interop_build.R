# Builds indexes with RcppAnnoy and writes what it finds in them.
#
#   Rscript --vanilla interop_build.R DIR SEED
#
# For each case CASE.ann and CASE.query (doubles, row-major; for hamming each stands for 64 bits). DIR/cases.tsv has a line a case:
# name, metric, dimension, items, roots after loading, queries. DIR/answers.tsv has a line a search:
# case, query or item (counted from 1; negative for items), k, search_k, ids (counted from 1) and
# distances, both joined by commas.

suppressMessages(library(RcppAnnoy))
options(warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
set.seed(as.integer(args[2]))

cases <- file(file.path(dir, "cases.tsv"), "w")
answers <- file(file.path(dir, "answers.tsv"), "w")
line <- function(con, ...) cat(paste(..., sep = "\t"), "\n", sep = "", file = con)
number <- function(v) sprintf("%.17g", v)

dims <- c(1L, 2L, 3L, 7L, 8L, 10L, 16L, 50L)
# Every dimension sees a handful, a leaf or two, and a forest.
sizes <- lapply(seq_along(dims), function(i) {
  c(sample(1:5, 1), sample(6:60, 1), sample(200:1200, 1), if (i %in% c(3, 7)) 5000L)
})
sizes[[1]][1] <- 1L
n_case <- 0L

classes <- list(euclidean = AnnoyEuclidean, angular = AnnoyAngular, manhattan = AnnoyManhattan,
                hamming = AnnoyHamming)
for (i in seq_along(dims)) for (n in sizes[[i]]) for (metric in names(classes)) {
  dim <- dims[i]
  n_case <- n_case + 1L
  name <- paste0("case", n_case)
  class <- classes[[metric]]
  # Few digits make ties, many make none. Bits are whole numbers, exact below 2^53.
  few <- runif(1) < 0.3
  draw <- function(n) {
    if (metric == "hamming") return(matrix(floor(runif(n * dim) * 2^(if (few) 5 else 53)), n))
    rows <- matrix(rnorm(n * dim), n)
    if (few) round(rows) else rows
  }
  rows <- draw(n)
  trees <- sample(c(1L, 3L, 10L), 1)
  built <- new(class, dim)
  if (n_case %% 3 != 0) built$setSeed(sample.int(1e6, 1))
  for (row in seq_len(n)) built$addItem(row - 1L, rows[row, ])
  built$build(trees)
  built$save(file.path(dir, paste0(name, ".ann")))
  index <- new(class, dim)
  index$load(file.path(dir, paste0(name, ".ann")))

  n_query <- 6L
  query <- draw(n_query)
  query[1, ] <- rows[sample(n, 1), ]
  writeBin(as.double(t(query)), file.path(dir, paste0(name, ".query")), size = 8,
           endian = "little")
  line(cases, name, metric, dim, n, index$getNTrees(), n_query)
  answer <- function(subject, r, k, search_k) {
    line(answers, name, subject, k, search_k, paste(r$item + 1L, collapse = ","),
         paste(number(r$distance), collapse = ","))
  }
  for (k in unique(pmin(c(1L, 5L, 30L), n))) for (search_k in c(-1L, 1L, 50L, 3000L)) {
    for (row in seq_len(n_query)) {
      answer(row, index$getNNsByVectorList(query[row, ], k, search_k, TRUE), k, search_k)
    }
    if (k > 1) for (item in unique(c(1L, n, sample(n, 1)))) {
      answer(-item, index$getNNsByItemList(item - 1L, k, search_k, TRUE), k, search_k)
    }
  }
}
close(cases)
close(answers)
