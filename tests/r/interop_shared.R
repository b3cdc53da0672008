# Holds matrices in shared memory while another process looks at them, and attaches those of the
# other process. Obeys a line at a time and answers each with one line.
#
#   Rscript --vanilla interop_shared.R DIR SEED
#
# First makes a matrix of every type, contiguous and separated, one with names and two windows, writes
# NAME.desc (text), NAME.rds.desc and NAME.f64 (the cells, column-major) to DIR for each, and answers
# with all names. Then:
#
#   cell NAME I J        the cell, counted from 1
#   put NAME I J VALUE   stores a number
#   dump NAME            writes the cells to NAME.f64
#   count NAME           the number of users that the matrix has
#   attach NAME FILE     attaches the matrix of a descriptor, which is NAME from then on
#   names NAME           its row and column names, joined by commas, with a bar between
#   describe NAME FILE   writes its descriptor
#   drop NAME            lets it go

suppressMessages(library(bigmemory))
options(bigmemory.typecast.warning = FALSE, bigmemory.allow.dimnames = TRUE, warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
set.seed(as.integer(args[2]))
held <- new.env()

values <- function(type, n) {
  v <- switch(type,
    char = sample(-127:127, n, TRUE),
    short = sample(-32767:32767, n, TRUE),
    integer = sample.int(.Machine$integer.max, n, TRUE) * sample(c(-1L, 1L), n, TRUE),
    raw = as.raw(sample(0:255, n, TRUE)),
    float = round(rnorm(n) * 1024) / 64,
    double = rnorm(n) * 10^sample(-12:12, n, TRUE))
  if (type != "raw") v[sample(n, 2)] <- NA
  v
}
numbers <- function(x) {
  cells <- x[, , drop = FALSE]
  as.double(if (is.raw(cells)) as.integer(cells) else cells)
}
dump <- function(name) {
  writeBin(numbers(held[[name]]), file.path(dir, paste0(name, ".f64")), size = 8, endian = "little")
}
keep <- function(name, x) {
  held[[name]] <- x
  dput(describe(x), file.path(dir, paste0(name, ".desc")))
  saveRDS(describe(x), file.path(dir, paste0(name, ".rds.desc")))
  dump(name)
}
for (type in c("char", "short", "integer", "raw", "float", "double")) {
  for (separated in c(FALSE, TRUE)) {
    nr <- sample(5:30, 1)
    nc <- sample(3:9, 1)
    x <- big.matrix(nr, nc, type = type, separated = separated)
    x[, ] <- matrix(values(type, nr * nc), nr)
    keep(paste0(type, if (separated) "_separated"), x)
  }
}
x <- big.matrix(2, 3, type = "short", init = 5,
                dimnames = list(c("r1", "caf\u00e9"), c("a", "b \"c\"", "")))
keep("named", x)
keep("window", sub.big.matrix(held$double, firstRow = 2, lastRow = 4, firstCol = 2, lastCol = 3))
keep("window_separated", sub.big.matrix(held$integer_separated, firstCol = 2, lastCol = 3))
rm(x)

joined <- function(v) if (is.null(v)) "-" else paste(v, collapse = ",")
answer <- function(a) {
  x <- held[[a[2]]]
  switch(a[1],
    cell = {
      v <- x[as.integer(a[3]), as.integer(a[4])]
      sprintf("%.17g", as.double(if (is.raw(v)) as.integer(v) else v))
    },
    put = {
      v <- as.numeric(a[5])
      x[as.integer(a[3]), as.integer(a[4])] <- if (typeof(x) == "raw") as.raw(v) else v
      "done"
    },
    dump = { dump(a[2]); "done" },
    count = {
      counter <- file.path("/dev/shm", paste0(shared.name(x), "_counter"))
      as.character(readBin(counter, "integer", 1, size = 8))
    },
    attach = { held[[a[2]]] <- attach.big.matrix(a[3]); "done" },
    names = paste(joined(rownames(x)), joined(colnames(x)), sep = "|"),
    describe = { dput(describe(x), a[3]); "done" },
    drop = { rm(x); rm(list = a[2], envir = held); invisible(gc()); "done" })
}
tell <- function(text) {
  cat(text, "\n", sep = "")
  flush(stdout())
}
input <- file("stdin", "r")
tell(paste(sort(ls(held)), collapse = " "))
while (length(line <- readLines(input, 1)) == 1) tell(answer(strsplit(line, " ")[[1]]))
