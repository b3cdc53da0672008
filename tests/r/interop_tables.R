# Reads a table of neighbors and the matrices of the same neighbors.
#
#   Rscript --vanilla interop_tables.R TABLE.csv IDS.desc DISTANCES.desc
#
# On standard output, separated by tabs: queries, k, cells that are NA, ids that differ, distances that
# differ as numbers of 32 bits, which is what they were.

suppressMessages(library(bigmemory))
options(warn = 2)

args <- commandArgs(trailingOnly = TRUE)
table <- read.csv(args[1])
ids <- attach.big.matrix(args[2])[, , drop = FALSE]
distances <- attach.big.matrix(args[3])[, , drop = FALSE]
k <- ncol(ids)
stopifnot(identical(names(table), c("query", "rank", "id", "distance")),
          is.integer(table$id), is.numeric(table$distance), identical(dim(ids), dim(distances)),
          table$query == rep(seq_len(nrow(ids)), each = k), table$rank == rep(seq_len(k), nrow(ids)))

bits <- function(x) matrix(writeBin(as.vector(x), raw(), size = 4), 4)
differ <- function(a, b) sum(colSums(bits(a) != bits(b)) > 0)
missing <- is.na(table$id)
stopifnot(identical(missing, is.na(table$distance)), identical(missing, as.vector(t(is.na(ids)))),
          identical(missing, as.vector(t(is.na(distances)))))
found <- table[!missing, ]
cat(nrow(ids), k, sum(missing), sum(found$id != t(ids)[!missing]),
    differ(found$distance, t(distances)[!missing]), sep = "\t")
cat("\n")
