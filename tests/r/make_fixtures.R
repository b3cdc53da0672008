# Makes the fixtures of tests/fixtures/v1 with the real R packages bigmemory and RcppAnnoy.
#
#   Rscript --vanilla make_fixtures.R OUTDIR
#
# OUTDIR is created if need be, and every fixture is a folder in it. `cargo xtask fixtures
# generate` runs this script in the root of the repository and installs what it wrote. Nothing
# here comes from the library under test.
#
# Descriptors record the folder they were written in, so the files are made in one fixed
# scratch folder and copied from there: every run writes the same bytes.

suppressMessages({ # RcppAnnoy says eight times that codetools is not installed
  library(bigmemory)
  library(RcppAnnoy)
})
options(bigmemory.typecast.warning = FALSE, warn = 2)
invisible(Sys.setlocale("LC_ALL", "C.UTF-8"))

scratch <- "/tmp/bigannoy-fixture-origin"

# ---- JSON ----------------------------------------------------------------------------------

# 17 significant digits bring every double (and so every float32) back exactly.
json_number <- function(v) {
  stopifnot(is.finite(v))
  sprintf("%.17g", v)
}
json_array <- function(parts) paste0("[", paste(parts, collapse = ","), "]")
json_string <- function(s) {
  stopifnot(!grepl("[\"\\\\[:cntrl:]]", s))
  paste0('"', s, '"')
}
# `fields` is a named vector of values that are JSON already; one field a line.
json_object <- function(fields) {
  paste0("{\n", paste0(json_string(names(fields)), ": ", fields, collapse = ",\n"), "\n}")
}
# One answer a line: a matrix becomes an array of its rows.
json_rows <- function(m, number) {
  rows <- apply(m, 1, function(row) json_array(number(row)))
  paste0("[\n", paste(rows, collapse = ",\n"), "\n]")
}
write_text <- function(text, path) {
  con <- file(path, "wb")
  on.exit(close(con))
  writeBin(charToRaw(paste0(text, "\n")), con)
}

# ---- matrices ------------------------------------------------------------------------------

# What a double is after a round trip through float32.
narrow <- function(m) {
  m[] <- readBin(writeBin(as.double(m), raw(), size = 4), "double", length(m), size = 4)
  m
}

write_matrix <- function(m, dir, name, type, separated) {
  x <- filebacked.big.matrix(nrow(m), ncol(m), type = type, separated = separated,
                             backingfile = paste0(name, ".bin"),
                             descriptorfile = paste0(name, ".desc"), backingpath = dir)
  x[, ] <- m
  stopifnot(flush(x))
  x
}

# ---- clusters ------------------------------------------------------------------------------

# The `k` nearest rows of `reference` for every row of `query`, by looking at all of them.
# `distance_to` gives the distances from one query row to every reference row. `order` is
# stable, so rows at the same distance come in row order.
exact <- function(query, k, distance_to) {
  ids <- matrix(0L, nrow(query), k)
  distances <- matrix(0, nrow(query), k)
  for (i in seq_len(nrow(query))) {
    d <- distance_to(query[i, ])
    ids[i, ] <- order(d)[seq_len(k)]
    distances[i, ] <- d[ids[i, ]]
  }
  list(ids = ids, distances = distances)
}

json_answers <- function(a, before = NULL) {
  json_object(c(before, ids = json_rows(a$ids, function(v) sprintf("%d", v)),
                distances = json_rows(a$distances, json_number)))
}

make_clusters <- function(dir) {
  data_seed <- 20240611L
  index_seed <- 7L
  n_trees <- 4L
  n_items <- 4000L
  n_queries <- 200L
  n_asked <- 50L
  dim <- 16L
  k <- 10L
  n_centres <- 40L

  set.seed(data_seed, kind = "Mersenne-Twister", normal.kind = "Inversion",
           sample.kind = "Rejection")
  centres <- matrix(rnorm(n_centres * dim, sd = 4), n_centres)
  around <- function(n) {
    centres[sample.int(n_centres, n, replace = TRUE), ] + matrix(rnorm(n * dim), n)
  }
  reference <- write_matrix(around(n_items), dir, "reference", "float", FALSE)
  query <- write_matrix(around(n_queries), dir, "query", "double", TRUE)

  # RcppAnnoy takes doubles and stores float32; the exact answers start from the same values.
  stored <- reference[, ]
  stopifnot(identical(stored, narrow(stored)))
  asked <- narrow(query[, ])
  stopifnot(!identical(asked, query[, ]))

  build <- function(class, path) {
    index <- new(class, dim)
    index$setSeed(index_seed)
    for (i in seq_len(n_items)) index$addItem(i - 1L, reference[i, ])
    index$build(n_trees)
    index$save(path)
    index$load(path)
    stopifnot(index$getNTrees() == n_trees)
    index
  }
  search <- function(index, search_k) {
    ids <- matrix(0L, n_asked, k)
    distances <- matrix(0, n_asked, k)
    for (i in seq_len(n_asked)) {
      r <- index$getNNsByVectorList(query[i, ], k, search_k, TRUE)
      stopifnot(length(r$item) == k)
      ids[i, ] <- r$item + 1L
      distances[i, ] <- r$distance
    }
    stopifnot(identical(distances, narrow(distances)))
    list(ids = ids, distances = distances)
  }
  answers <- function(class, file) {
    index <- build(class, file.path(dir, file))
    runs <- vapply(c(-1L, 2000L), function(search_k) {
      json_answers(search(index, search_k), c(search_k = sprintf("%d", search_k)))
    }, "")
    json_object(c(index = json_string(file), n_trees = sprintf("%d", index$getNTrees()),
                  runs = json_array(runs)))
  }
  write_text(json_object(c(
    k = sprintf("%d", k),
    queries = sprintf("%d", n_asked),
    euclidean = answers(AnnoyEuclidean, "euclidean.ann"),
    angular = answers(AnnoyAngular, "angular.ann")
  )), file.path(dir, "answers.json"))

  # No BLAS here: its sums depend on the library that is installed.
  by_column <- t(stored)
  norms <- sqrt(colSums(by_column^2))
  euclidean <- function(q) sqrt(colSums((by_column - q)^2))
  angular <- function(q) {
    cosine <- colSums(by_column * q) / (norms * sqrt(sum(q^2)))
    sqrt(pmax(0, 2 * (1 - cosine)))
  }
  write_text(json_object(c(
    k = sprintf("%d", k),
    queries = sprintf("%d", n_queries),
    euclidean = json_answers(exact(asked, k, euclidean)),
    angular = json_answers(exact(asked, k, angular))
  )), file.path(dir, "exact.json"))

  write_text(json_object(c(
    generator = json_string("tests/r/make_fixtures.R"),
    R = json_string(as.character(getRversion())),
    bigmemory = json_string(as.character(packageVersion("bigmemory"))),
    RcppAnnoy = json_string(as.character(packageVersion("RcppAnnoy"))),
    data_seed = sprintf("%d", data_seed),
    index_seed = sprintf("%d", index_seed),
    n_trees = sprintf("%d", n_trees),
    n_items = sprintf("%d", n_items),
    n_queries = sprintf("%d", n_queries),
    dim = sprintf("%d", dim)
  )), file.path(dir, "fixture.json"))
}

# ---- widths --------------------------------------------------------------------------------

# Answers of other widths for the indexes of tests/fixtures/annoy/combos, whose own answers have
# 1, 5, 10 and 63 neighbors. RcppAnnoy has no class for dot.
make_widths <- function(dir, combos) {
  classes <- list(euc = AnnoyEuclidean, ang = AnnoyAngular, man = AnnoyManhattan,
                  ham = AnnoyHamming)
  answer <- function(subject, number, k, search_k, r) {
    stopifnot(identical(r$distance, narrow(r$distance)))
    fields <- c(sprintf("%d", number), sprintf("%d", k), sprintf("%d", search_k),
                json_object(c(index = json_array(sprintf("%d", r$item + 1L)),
                              distance = json_array(json_number(r$distance)))))
    json_object(setNames(fields, c(subject, "k", "search_k", "result")))
  }
  of_case <- function(name) {
    query <- attach.big.matrix(file.path(combos, paste0(name, "_query.desc")))[, , drop = FALSE]
    index <- new(classes[[substr(name, 1, 3)]], ncol(query))
    index$load(file.path(combos, paste0(name, ".ann")))
    # A budget of one, a small one, a large one, and one that takes in every item of every tree.
    runs <- expand.grid(subject = seq_len(min(3L, nrow(query), index$getNItems())),
                        search_k = c(-1L, 1L, 150L, 3000L, 1000000L), k = c(2L, 100L))
    each <- function(subject, runs, find) {
      json_array(vapply(seq_len(nrow(runs)), function(i) {
        run <- runs[i, ]
        answer(subject, run$subject, run$k, run$search_k, find(run))
      }, ""))
    }
    json_object(c(
      queries = each("query", runs, function(run) {
        index$getNNsByVectorList(query[run$subject, ], run$k, run$search_k, TRUE)
      }),
      self = each("item", runs[runs$subject == 1L, ], function(run) {
        index$getNNsByItemList(run$subject - 1L, run$k, run$search_k, TRUE)
      })
    ))
  }
  names <- sort(sub("[.]ann$", "", list.files(combos, "[.]ann$")), method = "radix")
  names <- names[substr(names, 1, 3) %in% names(classes)]
  write_text(json_object(setNames(vapply(names, of_case, ""), names)),
             file.path(dir, "answers.json"))
}

# --------------------------------------------------------------------------------------------

main <- function(out) {
  if (!dir.create(scratch, showWarnings = FALSE)) {
    stop(scratch, " exists: remove it, or wait for the other run that uses it")
  }
  on.exit(unlink(scratch, recursive = TRUE))
  for (fixture in c("clusters", "widths")) {
    dir <- file.path(scratch, fixture)
    stopifnot(dir.create(dir))
    switch(fixture,
           clusters = make_clusters(dir),
           widths = make_widths(dir, file.path("tests", "fixtures", "annoy", "combos")))
  }
  invisible(gc()) # closes the matrices before their files are copied
  dir.create(out, recursive = TRUE, showWarnings = FALSE)
  stopifnot(file.copy(list.files(scratch, full.names = TRUE), out, recursive = TRUE))
}

argv <- commandArgs(TRUE)
if (length(argv) != 1L) stop("usage: Rscript make_fixtures.R OUTDIR")
main(argv[1])
