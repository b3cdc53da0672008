# Creates matrices for 20 queries and 4 neighbors, attaches them, and tells what they hold whenever
# a line comes in.
#
#   Rscript --vanilla interop_session.R DIR
#
# Answers `show` with the cells of ids.desc and distances.desc, column-major on one line, and
# `write` by putting -1 into the first cell of ids.desc and answering `written`.

suppressMessages(library(bigmemory))
options(bigmemory.typecast.warning = FALSE, warn = 2)

dir <- commandArgs(trailingOnly = TRUE)[1]
make <- function(name, type, separated) {
  filebacked.big.matrix(20, 4, type = type, init = 7, separated = separated, backingpath = dir,
                        backingfile = paste0(name, ".bin"),
                        descriptorfile = paste0(name, ".desc"))
}
ids <- make("ids", "integer", FALSE)
distances <- make("distances", "double", TRUE)
stopifnot(flush(ids), flush(distances))

tell <- function(...) {
  cat(..., "\n")
  flush(stdout())
}
input <- file("stdin", "r")
tell("ready")
while (length(line <- readLines(input, 1)) == 1) {
  if (line == "write") {
    ids[1, 1] <- -1L
    tell("written")
  } else {
    tell(sprintf("%.17g", c(ids[, ], distances[, ])))
  }
}
