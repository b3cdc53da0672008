# Writes a reference of 800 x 12 and a query of 30 x 12, both of type double.
#
#   Rscript --vanilla interop_reference.R DIR SEED
#
# Some rows of the reference are there twice, two are zero, and some queries are rows of it.

suppressMessages(library(bigmemory))
options(bigmemory.typecast.warning = FALSE, warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
set.seed(as.integer(args[2]))

write_matrix <- function(m, name) {
  x <- filebacked.big.matrix(nrow(m), ncol(m), type = "double", backingpath = dir,
                             backingfile = paste0(name, ".bin"),
                             descriptorfile = paste0(name, ".desc"))
  x[, ] <- m
  stopifnot(flush(x))
}

reference <- matrix(rnorm(800 * 12), 800) * sample(c(0.1, 1, 10), 800, TRUE)
reference[sample(800, 20), ] <- reference[sample(800, 20), ]
reference[sample(800, 2), ] <- 0
query <- matrix(rnorm(30 * 12), 30)
query[1:5, ] <- reference[sample(800, 5), ]
query[6, ] <- 0
write_matrix(reference, "reference")
write_matrix(query, "query")
