# Reads sidecars of indexes.
#
#   Rscript --vanilla interop_sidecar.R INDEX...
#
# On standard output for each index a line `md5<tab>SUM`, `size<tab>BYTES` and `mtime<tab>TIME` of
# the index file, and a line `field<tab>NAME<tab>VALUE` for each field of INDEX.meta.

options(warn = 2)
for (index in commandArgs(trailingOnly = TRUE)) {
  cat("md5", tools::md5sum(index), sep = "\t")
  cat("\nsize", file.size(index), sep = "\t")
  cat("\nmtime", format(file.mtime(index), "%Y-%m-%dT%H:%M:%SZ", tz = "UTC"), sep = "\t")
  meta <- read.dcf(paste0(index, ".meta"))
  stopifnot(nrow(meta) == 1)
  for (field in colnames(meta)) cat("\nfield", field, meta[1, field], sep = "\t")
  cat("\n")
}
