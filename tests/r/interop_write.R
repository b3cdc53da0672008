# Writes matrices of every type, contiguous and separated, with windows and names, and what is
# in them.
#
#   Rscript --vanilla interop_write.R DIR SEED
#
# For each matrix NAME.desc: NAME.f64, its cells as R shows them, column-major, and NAME.f32, the
# same narrowed, row-major. On standard output a line a matrix, separated by tabs: name, type,
# separated, rows, columns, row names, column names (joined by commas, or "-"), and how many cells
# are missing.

suppressMessages(library(bigmemory))
options(bigmemory.typecast.warning = FALSE, bigmemory.allow.dimnames = TRUE, warn = 2)

args <- commandArgs(trailingOnly = TRUE)
dir <- args[1]
set.seed(as.integer(args[2]))

report <- function(x, name, type, separated) {
  cells <- x[, , drop = FALSE]
  numbers <- as.double(if (is.raw(cells)) as.integer(cells) else cells)
  writeBin(numbers, file.path(dir, paste0(name, ".f64")), size = 8, endian = "little")
  by_row <- as.double(t(matrix(numbers, nrow(x))))
  writeBin(by_row, file.path(dir, paste0(name, ".f32")), size = 4, endian = "little")
  names <- function(v) if (is.null(v)) "-" else paste(v, collapse = ",")
  cat(name, type, separated, nrow(x), ncol(x), names(rownames(x)), names(colnames(x)),
      sum(is.na(numbers)), sep = "\t")
  cat("\n")
}

values <- function(type, n) {
  switch(type,
    char = sample(-127:127, n, TRUE),
    short = sample(-32767:32767, n, TRUE),
    integer = sample.int(.Machine$integer.max, n, TRUE) * sample(c(-1L, 1L), n, TRUE),
    raw = as.raw(sample(0:255, n, TRUE)),
    float = rnorm(n) * 10^sample(-3:3, n, TRUE),
    double = rnorm(n) * 10^sample(-12:12, n, TRUE))
}

holes <- function(v, type) {
  at <- sample(length(v), 7)
  v[at] <- NA
  if (type %in% c("float", "double")) v[at[1:2]] <- NaN
  if (type == "double") v[at[3:4]] <- c(Inf, -Inf)
  v
}

for (type in c("char", "short", "integer", "raw", "float", "double")) {
  for (separated in c(FALSE, TRUE)) {
    for (kind in c("full", if (type != "raw") "holes")) {
      nr <- sample(20:60, 1)
      nc <- sample(5:20, 1)
      v <- values(type, nr * nc)
      if (kind == "holes") v <- holes(v, type)
      dimnames <- if (runif(1) < 0.5) {
        list(if (runif(1) < 0.5) paste0("r", seq_len(nr)), paste0("c \u00e9", seq_len(nc)))
      }
      name <- paste(type, if (separated) "sep" else "one", kind, sep = "_")
      x <- filebacked.big.matrix(nr, nc, type = type, separated = separated,
                                 dimnames = dimnames, backingpath = dir,
                                 backingfile = paste0(name, ".bin"),
                                 descriptorfile = paste0(name, ".desc"))
      x[, ] <- matrix(v, nr)
      stopifnot(flush(x))
      report(x, name, type, separated)

      rows <- sort(sample(nr, 2))
      cols <- sort(sample(nc, 2))
      # bigmemory has no windows over some of the rows of separated columns.
      w <- if (separated) {
        sub.big.matrix(x, firstCol = cols[1], lastCol = cols[2], backingpath = dir)
      } else {
        sub.big.matrix(x, firstRow = rows[1], lastRow = rows[2], firstCol = cols[1],
                       lastCol = cols[2], backingpath = dir)
      }
      window <- paste0(name, "_window")
      dput(describe(w), file.path(dir, paste0(window, ".desc")))
      report(w, window, type, separated)
    }
  }
}
