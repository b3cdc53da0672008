//! The command as people type it.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use bigannoy::format::Layout;
use bigannoy::{BigMatrix, Descriptor, ElementType, Metric};
use place::Place;

/// A directory with the matrices of the seed workflow, which R wrote.
fn seed() -> Place {
    let place = Place::new();
    for name in ["ref.desc", "ref.bin", "query.desc", "query.bin", "ref_euclidean.ann"] {
        place.copy("../../tests/fixtures/annoy/seed", name);
    }
    place
}

/// Adds a matrix of some thousand rows, which R wrote.
fn copy_clusters(place: &Place) {
    for name in ["reference.desc", "reference.bin"] {
        place.copy("../../tests/fixtures/v1/clusters", name);
    }
}

/// As bigANNOY's first versions wrote them, with little more than metric and dimension.
#[test]
fn what_an_old_sidecar_lacks_is_told_by_the_index() {
    let place = seed();
    place.succeed(BUILD);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let full = lines(&place.succeed("info ref.ann"));
    let answers = place.succeed("search ref.ann --query query.desc -k 2");
    let meta = std::fs::read_to_string(place.path("ref.ann.meta")).unwrap();
    let old = |line: &&str| line.starts_with("metric:") || line.starts_with("n_dim:");
    let old: Vec<&str> = meta.lines().filter(old).collect();
    assert_eq!(old.len(), 2, "{meta}");
    std::fs::write(place.path("ref.ann.meta"), format!("{}\n", old.join("\n"))).unwrap();

    let told = lines(&place.succeed("info ref.ann"));
    assert_eq!(told.len(), full.len());
    for (told, full) in told.iter().zip(&full) {
        let (name, value) = told.split_once(": ").unwrap();
        match name {
            // Nobody can know these from the index.
            "index_id" | "build_seed" | "build_threads" | "build_backend" | "file_md5"
            | "generator" => assert_eq!(value, "NA", "{name}"),
            // Items, trees, the size in bytes, and the rest.
            _ => assert_eq!(told, full),
        }
    }
    assert_eq!(place.succeed("search ref.ann --query query.desc -k 2"), answers);
    let table = place.run("validate ref.ann --level structure");
    assert!(table.status.success(), "{}", String::from_utf8_lossy(&table.stdout));
}

const BUILD: &str = "build ref.desc --index ref.ann --trees 25 --seed 99";

#[test]
fn build_search_and_info() {
    let place = seed();
    let built = place.succeed(BUILD);
    assert!(built.starts_with("ref.ann: 5 items, 2 dimensions, 25 trees, euclidean, "), "{built}");

    let csv = place.succeed("search ref.ann --query query.desc -k 2 --search-k 100");
    let expected = "query,rank,id,distance\n1,1,1,0.22360681\n1,2,2,4.8010416\n2,1,4,0.3162279\n\
                    2,2,3,4.7010636\n";
    assert_eq!(csv, expected);
    let unmapped = "search ref.ann --query query.desc -k 2 --search-k 100 --unmapped";
    assert_eq!(place.succeed(unmapped), expected);
    place.succeed("build ref.desc --index other.ann --trees 25 --seed 99 --unmapped");
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("ref.ann"), bytes("other.ann"));
    let own = place.succeed("search ref.ann -k 1 --threads 2");
    assert_eq!(own.lines().nth(1), Some("1,1,2,5"), "{own}");

    let info = place.succeed("info ref.ann");
    let names: Vec<&str> = info.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(names.len(), 22, "{info}");
    for line in [
        "metric: euclidean",
        "trees: 25",
        "items: 5",
        "build_seed: 99",
        "loaded: true",
        "generator: chacha8-11",
        // Five items are one more than a leaf has room for; a single one is a leaf by itself.
        "splits: 25",
        "leaves: 50",
        "nodes: 75",
        "depth: 1 to 1, mean 1.00",
    ] {
        assert!(info.lines().any(|found| found == line), "no {line} in {info}");
    }
    // Nodes that are not in the file are told apart.
    let info = place.succeed("info ref.ann --deep");
    let number = |name: &str| -> u64 {
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {info}")).parse().unwrap()
    };
    let in_trees = number("nodes") - number("lone_items");
    assert!(number("lone_items") > 0, "{info}");
    assert_eq!(number("records"), number("items") + in_trees + number("trees_found"));
    assert!(place.succeed("info --help").contains("`nodes` less `lone_items` records"));
    let info = place.succeed("info ref.desc");
    for line in [
        "type: double",
        "rows: 5",
        "columns: 2",
        "layout: contiguous",
        "storage: file-backed",
        "row_names: none",
        "window: no",
        "data: ./ref.bin (80 bytes)",
    ] {
        assert!(info.lines().any(|found| found == line), "no {line} in {info}");
    }
}

/// The descriptor is told, and then the failure.
#[test]
fn info_tells_what_a_descriptor_says_whose_data_is_gone() {
    let place = seed();
    std::fs::remove_file(place.path("ref.bin")).unwrap();
    std::fs::write(place.path("query.bin"), "short").unwrap();
    let shared = Descriptor::shared_memory("bigannoy-gone", ElementType::Double, 4, 3);
    std::fs::write(place.path("shared.desc"), shared.build().unwrap().to_text()).unwrap();
    for (file, lines, expected) in [
        ("ref.desc", ["rows: 5", "storage: file-backed", "data: missing"], "ref.bin"),
        ("query.desc", ["rows: 2", "storage: file-backed", "data: unusable"], "query.bin"),
        (
            "shared.desc",
            ["stored_columns: 3", "storage: shared memory bigannoy-gone", "data: "],
            "the data of shared.desc cannot be used: ",
        ),
    ] {
        let output = place.run(&format!("info {file}"));
        assert_eq!(output.status.code(), Some(1), "{file}");
        let told = String::from_utf8(output.stdout).unwrap();
        for line in lines {
            assert!(told.lines().any(|found| found.starts_with(line)), "no {line} in {told}");
        }
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("error: ") && message.contains(expected), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

/// Names that look like lines of the output, or that would move the cursor.
#[test]
fn names_cannot_forge_lines() {
    let place = Place::new();
    let name = "x\nrows: 9\u{1b}[2J";
    let shared = Descriptor::shared_memory(name, ElementType::Double, 4, 3).build().unwrap();
    std::fs::write(place.path("shared.desc"), shared.to_text()).unwrap();
    let output = place.run("info shared.desc");
    let told = String::from_utf8(output.stdout).unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("\nstorage: shared memory \"x\\nrows: 9\\u{1b}[2J\"\n"), "{told}");
    assert_eq!(message.lines().count(), 1, "{message}");

    #[cfg(unix)]
    {
        place.succeed("matrix create m.desc --type raw --rows 4 --cols 1");
        std::fs::rename(place.path("m.bin"), place.path(name)).unwrap();
        let files = Descriptor::file_backed(name, "", ElementType::Raw, 4, 1).build().unwrap();
        std::fs::write(place.path("m.desc"), files.to_text()).unwrap();
        let info = place.succeed("info m.desc");
        assert!(info.ends_with("data: \"./x\\nrows: 9\\u{1b}[2J\" (4 bytes)\n"), "{info}");
        std::fs::remove_file(place.path(name)).unwrap();
        let output = place.run("info m.desc");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.lines().count() == 1 && !message.contains('\u{1b}'), "{message}");
    }
}

#[test]
fn neighbors_go_into_new_and_existing_matrices() {
    let place = seed();
    place.succeed(BUILD);
    let line = "search ref.ann --query query.desc -k 2 --ids i.desc --distances d.desc";
    place.succeed(line);
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    let ids: Vec<i32> =
        bytes("i.bin").chunks(4).map(|id| i32::from_le_bytes(id.try_into().unwrap())).collect();
    assert_eq!(ids, [1, 4, 2, 3]); // column by column
    let first = (bytes("i.bin"), bytes("d.bin"));
    std::fs::write(place.path("i.bin"), [0; 16]).unwrap();
    place.succeed(line); // into the matrices that exist now
    assert_eq!((bytes("i.bin"), bytes("d.bin")), first);
}

/// The kinds of files hold the same.
#[test]
fn the_name_of_the_destination_says_what_it_is() {
    let place = seed();
    place.succeed(BUILD);
    let line = "search ref.ann --query query.desc -k 2";
    let csv = place.succeed(line);
    let told = place.succeed(&format!("{line} --ids out.csv"));
    assert!(told.starts_with("out.csv: 2 queries, 2 neighbors each, in "), "{told}");
    assert_eq!(std::fs::read_to_string(place.path("out.csv")).unwrap(), csv);
    place.succeed(&format!("{line} --ids i.npy --distances d.npy"));
    place.succeed("matrix import i.npy i.desc");
    place.succeed("matrix import d.npy d.desc");
    place.succeed(&format!("{line} --ids ids.desc --distances distances.desc"));
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("i.bin"), bytes("ids.bin"));
    let [npy, matrix] =
        ["d.desc", "distances.desc"].map(|name| BigMatrix::attach(place.path(name)).unwrap());
    let (npy, matrix) = (npy.view::<f32>().unwrap(), matrix.view::<f64>().unwrap());
    for (row, rank) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        assert_eq!(f64::from(npy.get(row, rank)), matrix.get(row, rank));
    }
    // An exact search too, with all digits.
    place.succeed("exact ref.desc -k 2 --ids exact.npy --distances exact_d.npy");
    for (more, expected) in [
        ("--ids out.csv", "out.csv exists already"),
        ("--ids i.npy", "i.npy exists already"),
        ("--ids new.csv --distances new.npy", "new.csv takes the distances too"),
        ("--ids new.npy --distances new.desc", "new.npy and new.desc are of different kinds"),
        ("--ids new.npy --distances new.npy", "would share "),
        ("--ids no/new.npy", "no/new.npy"),
    ] {
        let message = place.fail(&format!("{line} {more}"));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn settings_of_a_search_reach_it() {
    let place = seed();
    copy_clusters(&place);
    place.succeed("build reference.desc --index c.ann --trees 3");
    place.succeed("build reference.desc --index m.ann --trees 1 --metric manhattan");
    let csv = |line: &str| place.succeed(line);
    let exact = csv("search c.ann --exhaustive -k 3");
    for sketch in ["auto", "always", "never"] {
        let sketched = csv(&format!("search c.ann --exhaustive -k 3 --sketch {sketch}"));
        assert_eq!(sketched, exact, "{sketch}");
    }
    assert_ne!(exact, csv("search c.ann --search-k 3 -k 3 --block-size 100 --widen"));
    assert_eq!(exact, csv("search c.ann --strategy cells --exhaustive -k 3"));
    assert_ne!(exact, csv("search c.ann --strategy cells --search-k 3 -k 3"));
    let ids = |csv: &str| -> Vec<String> {
        csv.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&exact), ids(&csv("exact reference.desc -k 3")));
    let own = csv("search c.ann --exhaustive -k 1 --include-self");
    assert_eq!(ids(&own)[..3], ["1", "2", "3"]);

    std::fs::write(place.path("rows"), "5-7\n9\n").unwrap();
    let few = ids(&csv("search c.ann -k 2 --only-rows rows --not-rows 6"));
    assert!(few.iter().all(|id| ["5", "7", "9", "NA"].contains(&id.as_str())));
    for (line, expected) in [
        ("search c.ann -k 4 --only-rows rows --include-self --not-rows 6", "at most 3"),
        ("search c.ann -k 1 --only-rows 0", "\"0\" names no rows of the index"),
        ("search c.ann -k 1 --not-rows 4001", "expected numbers from 1 to 4000"),
        ("search c.ann -k 1 --only-rows none", "cannot read none: "),
        ("search c.ann -k 1 --block-size 0", "the number of rows in a block is 0"),
        (
            "search m.ann -k 1 --strategy cells",
            "the strategy cells knows euclidean, angular and dot",
        ),
        ("search c.ann -k 30 --search-k 2 --strict", "query row 1 (counted from 1) has "),
        ("search c.ann -k 1 --rerank ref.desc", "ref.desc is not the reference of c.ann: "),
    ] {
        let message = place.fail(line);
        assert!(message.contains(expected), "{line}: {message}");
    }
    let warning = |line: &str| {
        let output = place.run(line);
        assert!(output.status.success(), "{line}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = warning("search c.ann -k 30 --search-k 2 --ids short.desc");
    assert_eq!(
        told,
        "warning: 4000 of 4000 queries have fewer than 30 neighbors (NA): a larger --search-k finds \
         more, --widen as many as there are\n"
    );
    // Items 1 and 3 of four, in a tree of one leaf: no budget finds a third.
    let layout = Layout::new(Metric::Euclidean, 4).unwrap();
    let mut words = vec![0; layout.record_words()];
    layout.push_item(&mut words, &[0.0; 4]);
    words.resize(3 * layout.record_words(), 0);
    layout.push_item(&mut words, &[1.0; 4]);
    for _ in 0..2 {
        layout.push_leaf(&mut words, 4, &[1, 3]);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    std::fs::write(place.path("gaps.ann"), bytes).unwrap();
    let told = warning("search gaps.ann --metric euclidean --dim 4 -k 2");
    assert_eq!(
        told,
        "warning: 2 of 4 queries have fewer than 2 neighbors (NA): there are no more items that may \
         be neighbors\n"
    );
    std::fs::write(place.path("one.csv"), "1,2\n").unwrap();
    place.succeed("matrix import one.csv one.desc");
    place.succeed("build one.desc --index one.ann --trees 1");
    for (line, what) in [
        ("search one.ann -k 1", "the index has 1 item"),
        ("exact one.desc -k 1", "one.desc has 1 row"),
    ] {
        let message = place.fail(line);
        let expected = format!(
            "k is 1, expected at most 0: {what} and a row is not its own neighbor, unless that is \
             asked for (include_self, --include-self)"
        );
        assert!(message.ends_with(&expected), "{message}");
    }
    assert_eq!(csv("search c.ann -k 30 --search-k 2 --widen --strict").lines().count(), 120_001);
}

#[test]
fn candidates_are_ranked_anew_by_the_reference() {
    let place = seed();
    copy_clusters(&place);
    place.succeed("build reference.desc --index c.ann --trees 3");
    let reranked = place.succeed("search c.ann --exhaustive -k 3 --rerank reference.desc");
    assert_eq!(reranked, place.succeed("exact reference.desc -k 3"));
    let all = "search c.ann -k 2 --exhaustive --candidates 50 --query query.desc";
    let message = place.fail(&format!("{all} --rerank reference.desc"));
    assert!(message.contains("query.desc"), "{message}"); // two columns
}

#[test]
fn queries_with_missing_values_are_skipped_on_request() {
    let place = seed();
    place.succeed(BUILD);
    std::fs::write(place.path("holes.csv"), "1,2\nNA,1\n3,Inf\n4,4\n").unwrap();
    place.succeed("matrix import holes.csv holes.desc");
    let message = place.fail("search ref.ann --query holes.desc -k 1");
    assert!(message.contains("row 2, column 1 (counted from 1)"), "{message}");
    let output = place.run("search ref.ann --query holes.desc -k 1 --skip-missing --strict");
    let (csv, warning) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert!(warning.contains("2 of 4 queries have missing or infinite values"), "{warning}");
    let csv = String::from_utf8(csv).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[2], lines[3]), ("2,1,NA,NA", "3,1,NA,NA"));
    assert!(lines[1].starts_with("1,1,1,2.236") && lines[4].starts_with("4,1,4,1.414"), "{csv}");
}

#[test]
fn an_index_of_annoy_is_searched_when_told_what_it_is() {
    let place = seed();
    let csv = place
        .succeed("search ref_euclidean.ann --metric euclidean --dim 2 --query query.desc -k 1");
    assert_eq!(csv, "query,rank,id,distance\n1,1,1,0.22360681\n2,1,4,0.3162279\n");
    let info = place.succeed("info ref_euclidean.ann --metric euclidean --dim 2");
    assert!(info.contains("items: 5\n") && info.contains("index_id: NA\n"), "{info}");
    let message = place.fail("search ref_euclidean.ann");
    assert!(message.contains("ref_euclidean.ann has no sidecar"), "{message}");
}

#[test]
fn every_metric_is_built_and_looked_at() {
    let place = Place::new();
    copy_clusters(&place);
    for metric in ["euclidean", "angular", "manhattan", "dot"] {
        let built = place
            .succeed(&format!("build reference.desc --index {metric} --metric {metric} --trees 3"));
        assert!(built.contains(&format!(" 3 trees, {metric}, ")), "{built}");
        let info = place.succeed(&format!("info {metric} --deep"));
        let generator = if metric == "dot" { "chacha8-8" } else { "chacha8-11" };
        assert!(info.contains(&format!("generator: {generator}\nwhole: true\n")), "{info}");
        assert!(info.contains("trees_found: 3\n") && info.contains("\ndepth: "), "{info}");
        let csv = place.succeed(&format!("search {metric} -k 9"));
        let distances = csv
            .lines()
            .skip(1)
            .take(9)
            .map(|line| line.rsplit(',').next().unwrap().parse::<f64>().unwrap());
        let sorted = match metric {
            "dot" => distances.is_sorted_by(|a, b| a >= b),
            _ => distances.is_sorted(),
        };
        assert!(sorted, "{metric}: {csv:.300}");
    }
    // One changed count: a search may pass it by, this does not.
    let mut bytes = std::fs::read(place.path("dot")).unwrap();
    let record_bytes = 4 * (16 + 4);
    bytes[(4000 + 10) * record_bytes] ^= 1;
    std::fs::write(place.path("dot"), bytes).unwrap();
    assert!(place.succeed("info dot").contains("\nleaf_size: "), "a count is none of the shape");
    assert!(place.fail("info dot --deep").contains("dot is not whole: record "));
}

#[test]
fn hamming_indexes_are_searched_and_not_built() {
    let place = seed();
    place.copy("../../tests/fixtures/annoy/combos", "ham_400x4.ann");
    std::fs::rename(place.path("ham_400x4.ann"), place.path("ham.ann")).unwrap();
    let message = place.fail("build ref.desc --index x.ann --metric hamming");
    assert!(message.ends_with("hamming indexes can be read and searched, not built"), "{message}");
    let given = "--metric hamming --dim 256";
    let csv = place.succeed(&format!("search ham.ann {given} -k 2 --search-k 100000"));
    assert!(csv.starts_with("query,rank,id,distance\n1,1,42,49\n1,2,202,49\n"), "{csv:.80}");
    let info = place.succeed(&format!("info ham.ann {given} --deep --record-layout released"));
    assert!(info.contains("generator: NA\nwhole: true\nitems_present: 400\n"), "{info}");
    let message = place.fail(&format!("info ham.ann {given} --record-layout packed-hamming"));
    assert!(message.contains("no multiple of the 44 bytes"), "{message}");
    let message = place.fail(&format!("info ham.ann {given} --record-layout wide-dot"));
    assert!(message.contains("wide-dot is none of metric hamming"), "{message}");
}

#[test]
fn the_seed_decides_the_file_and_threads_do_not() {
    let place = seed();
    for (name, more) in [("a", "--threads 1"), ("b", "--threads 3"), ("c", "--seed 7")] {
        place.succeed(&format!("build ref.desc --index {name} --metric angular {more}"));
    }
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("a"), bytes("b"));
    assert_ne!(bytes("a"), bytes("c"));
}

/// The file that `RcppAnnoy` wrote for the same rows, and the one for a seed of -5.
#[test]
fn indexes_of_annoy_are_built_byte_for_byte() {
    let place = seed();
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    place.succeed("build ref.desc --index own.ann --trees 25 --seed 99 --generator annoy");
    assert_eq!(bytes("own.ann"), bytes("ref_euclidean.ann"));
    let info = place.succeed("info own.ann");
    assert!(info.contains("build_seed: 99\n") && info.contains("\ngenerator: annoy\n"), "{info}");

    // What Annoy writes where multiplication and addition are fused.
    place.succeed("build ref.desc --index fused.ann --trees 25 --seed 99 --generator annoy-fused");
    let info = place.succeed("info fused.ann");
    assert!(info.contains("\ngenerator: annoy-fused\n"), "{info}");
    assert!(info.contains("c2eab887babb44656824ba64e545d6c9"), "{info}");

    for name in ["euc_neg_seed.ann", "euc_neg_seed.desc", "euc_neg_seed.bin"] {
        place.copy("../../tests/fixtures/annoy/combos", name);
    }
    let line = "build euc_neg_seed.desc --index own.ann --trees 4 --generator annoy --overwrite";
    place.succeed(&format!("{line} --seed -5"));
    assert_eq!(bytes("own.ann"), bytes("euc_neg_seed.ann"));
    place.succeed(line);
    assert_ne!(bytes("own.ann"), bytes("euc_neg_seed.ann"));
    let info = place.succeed("info own.ann");
    assert!(info.contains("\nbuild_seed: NA\n"), "{info}");
}

#[test]
fn failures_name_the_file_and_change_nothing() {
    let place = seed();
    place.succeed(BUILD);
    std::fs::write(place.path("bad.desc"), "new(\"big.matrix.descriptor\"\n, 7)").unwrap();
    for (line, expected) in [
        ("build no.desc --index x.ann", "no.desc"),
        ("build bad.desc --index x.ann", "bad.desc:2:3: "),
        (BUILD, "ref.ann exists already"),
        ("build ref.desc --index x.ann --trees 0", "the number of trees is 0"),
        ("build ref.desc --index no/x.ann", "no/x.ann"),
        ("search no.ann", "no.ann"),
        ("search ref.ann -k 0", "cannot search ref.ann: k is 0"),
        ("search ref.ann -k 5", "k is 5, expected at most 4"),
        ("search ref.ann --query query.desc -k 6 --ids i.desc", "k is 6, expected at most 5"),
        ("search ref.ann --search-k 0 -k 1", "search_k is 0"),
        (
            "search ref.ann --query query.desc -k 1 --ids ref.desc",
            "ref.desc has 5 rows and 2 columns",
        ),
        ("search ref.ann --query query.desc -k 1 --ids query.desc", "in use for reading"),
        ("info ref.bin", "ref.bin is neither an index"),
        ("info none.ann", "none.ann: no such file, neither an index nor a descriptor"),
        ("info ref_euclidean.ann", "there being no ref_euclidean.ann.meta, nor a descriptor (it"),
        ("info ref_euclidean.ann", "without a sidecar, --metric and --dim must"),
        ("build ref.ann --index x.ann", "ref.ann seems to be no descriptor: it holds binary data"),
        ("search ref.ann --query ref.ann -k 1", "ref.ann seems to be no descriptor"),
        ("info bad.desc", "nor a descriptor (2:3: "),
    ] {
        let message = place.fail(line);
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn wrong_usage_is_status_two() {
    let place = seed();
    for line in [
        "",
        "build ref.desc",
        "build ref.desc --index x --metric cosine",
        "build ref.desc --index x --threads 0",
        "build ref.desc --index x --generator cosine",
        "build ref.desc --index x --seed 1.5",
        "search ref.ann --distances d.desc",
        "search ref.ann --search-k 9 --exhaustive",
        "search ref.ann --skip-missing",
        "search ref.ann --sketch perhaps",
        "search ref.ann --query query.desc --include-self",
        "search ref.ann --candidates 9",
        "search ref.ann --metric euclidean",
        "explode",
    ] {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(!output.stderr.is_empty(), "{line}");
    }
    let at_least = |least: u8| format!("expected a whole number, {least} or more");
    for (line, expected) in [
        ("build ref.desc --index x --threads 0", at_least(1)),
        ("build ref.desc --index x --block-size 0", at_least(1)),
        ("build ref.desc --index x --trees -1", at_least(0)),
        ("build ref.desc --index x --trees 1e3", at_least(0)),
        ("build ref.desc --index x --memory abc", "such as 256MB, 1GiB".to_owned()),
        ("build ref.desc --index x --memory -5", "such as 256MB, 1GiB".to_owned()),
        ("build ref.desc --index x --metric cosine", "manhattan, dot, under which".to_owned()),
        ("search ref.ann -k -1", at_least(0)),
        ("search ref.ann --search-k -1", at_least(0)),
        ("exact ref.desc --threads -1", at_least(1)),
        ("exact ref.desc --memory 5XB", "such as 256MB, 1GiB".to_owned()),
        ("tune ref.desc --recall 0.9 --n-trees 10,-1", at_least(0)),
        ("bench single --metric cosine", "manhattan, dot, under which".to_owned()),
        ("bench recall --n-trees -1", at_least(0)),
        ("matrix create x.desc --type char --rows -1 --cols 1", at_least(0)),
        ("recall a.desc b.desc --distances c.desc d.desc --tolerance -1", "0 or more".to_owned()),
        ("recall a.desc b.desc -k 18446744073709551616", "no more than 1844674407370".to_owned()),
    ] {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        let message = String::from_utf8(output.stderr).unwrap();
        let first = message.lines().next().unwrap();
        assert!(
            first.starts_with("error: invalid value ") && first.contains(&expected),
            "{message}"
        );
        assert!(!message.contains("hamming") && !message.contains("-- -"), "{message}");
    }
    for line in ["--help", "build --help", "--version"] {
        assert_eq!(place.run(line).status.code(), Some(0), "{line}");
    }
}

#[test]
fn overwriting_has_to_be_asked_for() {
    let place = seed();
    place.succeed(BUILD);
    let before = std::fs::read(place.path("ref.ann")).unwrap();
    place.succeed("build ref.desc --index ref.ann --trees 3 --overwrite");
    assert_ne!(std::fs::read(place.path("ref.ann")).unwrap(), before);
    assert!(place.succeed("info ref.ann").contains("trees: 3\n"));
    let left = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('.');
    assert!(!place.files().keys().any(left), "a temporary file is left");
}

/// A pipe would become a file, and whoever waits at its other end would wait for ever.
#[cfg(unix)]
#[test]
fn only_files_and_links_are_overwritten() {
    use std::os::unix::fs::FileTypeExt;
    let place = seed();
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    std::fs::create_dir(place.path("directory")).unwrap();
    place.succeed(BUILD);
    std::fs::rename(place.path("pipe"), place.path("i.npy.journal")).unwrap();
    let journal = "search ref.ann -k 1 --ids i.npy";
    let lines = [journal.to_owned(), format!("{journal} --resume"), format!("{journal} --restart")];
    for line in lines {
        let error = refused(&place, &line);
        assert!(error.contains("i.npy.journal is a pipe, expected a regular file"), "{error}");
    }
    std::fs::rename(place.path("i.npy.journal"), place.path("pipe")).unwrap();
    for name in ["pipe", "socket", "directory"] {
        for line in [
            format!("build ref.desc --index {name} --trees 1"),
            format!("build ref.desc --index {name} --trees 1 --overwrite"),
            format!("build ref.desc --index x.ann --metadata {name} --trees 1 --overwrite"),
            format!("matrix export ref.desc {name} --format csv --overwrite"),
        ] {
            let error = refused(&place, &line);
            let expected = format!("{name} is a {name}, expected a regular file");
            assert!(error.contains(&expected), "{line}: {error}");
        }
        let error = refused(&place, &format!("search ref.ann -k 1 --ids {name}"));
        assert!(error.contains(&format!("{name}: expected a regular file, found")), "{error}");
    }
    let kind = |name: &str| place.path(name).symlink_metadata().unwrap().file_type();
    assert!(kind("pipe").is_fifo() && kind("socket").is_socket() && kind("directory").is_dir());
    assert!(!place.path("x.ann").exists());

    // A link makes way for the index; what it led to stays.
    std::os::unix::fs::symlink("pipe", place.path("link.ann")).unwrap();
    place.succeed("build ref.desc --index link.ann --trees 1 --overwrite");
    assert!(kind("link.ann").is_file() && kind("pipe").is_fifo());
    std::os::unix::fs::symlink("directory", place.path("other.ann")).unwrap();
    let error = refused(&place, "build ref.desc --index other.ann --trees 1 --overwrite");
    assert!(error.contains("other.ann: it is a link to a directory"), "{error}");
}

/// The message of a line that has to fail, where not everything that is there is a file.
#[cfg(unix)]
fn refused(place: &Place, line: &str) -> String {
    let output = place.run(line);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}: {error}");
    error
}

/// Output that cannot be written is a failure with a message.
#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_a_failure() {
    let place = seed();
    place.succeed(BUILD);
    for line in ["info ref.ann", "search ref.ann -k 1", "build ref.desc --index y.ann"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_bigannoy"))
            .args(line.split_whitespace())
            .current_dir(place.path("."))
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        let message = String::from_utf8(output.stderr).unwrap();
        let expected = "cannot write to standard output: ";
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
}

/// `head` closes the pipe after its lines; that is no failure, wherever the output is by then.
#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = seed();
    copy_clusters(&place);
    place.succeed(BUILD);
    place.succeed("build reference.desc --index large.ann --trees 2");
    for line in ["search ref.ann -k 4", "search large.ann -k 9", "info ref.ann"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bigannoy"))
            .args(line.split_whitespace())
            .current_dir(place.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take()); // before anything can be written, or while it is
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{line}: {errors}");
    }
}

#[test]
fn exact_neighbors_in_csv_and_in_matrices() {
    let place = seed();
    let csv = place.succeed("exact ref.desc --query query.desc -k 2");
    let expected = "query,rank,id,distance\n1,1,1,0.223606797749979\n1,2,2,4.801041553663121\n\
                    2,1,4,0.31622776601683766\n2,2,3,4.701063709417264\n";
    assert_eq!(csv, expected);
    let settings = "--unmapped --threads 2 --memory 1MiB";
    assert_eq!(place.succeed(&format!("exact ref.desc --query query.desc -k 2 {settings}")), csv);

    let own = place.succeed("exact ref.desc -k 1 --metric sqeuclidean");
    assert_eq!(own.lines().nth(1), Some("1,1,2,25"), "{own}");
    let own = place.succeed("exact ref.desc -k 1 --include-self --metric manhattan");
    assert_eq!(own.lines().nth(5), Some("5,1,5,0"), "{own}");
    let dot = place.succeed("exact ref.desc --query query.desc -k 5 --metric dot");
    assert_eq!(dot.lines().nth(5), Some("1,5,1,0"), "{dot}");

    let told = place.succeed("exact ref.desc -k 4 --ids ids.desc --distances distances.desc");
    assert!(told.contains("5 queries, the 4 nearest of 5 rows each"), "{told}");
    let csv = place.succeed("exact ref.desc -k 4");
    let (ids, distances) = ["ids.desc", "distances.desc"]
        .map(|name| BigMatrix::attach(place.path(name)).unwrap())
        .into();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [query, rank]: [usize; 2] =
            [0, 1].map(|cell| cells[cell].parse::<usize>().unwrap() - 1);
        assert_eq!(ids.view::<i32>().unwrap().get(query, rank), cells[2].parse().unwrap());
        // Shown with all digits, so that nothing is lost on the way back.
        assert_eq!(distances.view::<f64>().unwrap().get(query, rank), cells[3].parse().unwrap());
    }
    for (arguments, expected) in [
        (
            "exact ref.desc -k 5",
            "k is 5, expected at most 4: ref.desc has 5 rows and a row is not its own",
        ),
        (
            "exact ref.desc -k 2 --memory 0",
            "the memory for the search is 0 bytes, expected at least",
        ),
        ("exact ref.desc -k 2 --ids ids.desc", "ids.desc has 5 rows and 4 columns, expected 5"),
    ] {
        let failed = place.fail(arguments);
        assert!(failed.contains(expected), "{failed}");
    }
}

#[test]
fn recall_of_answers_in_matrices() {
    let place = seed();
    place.succeed("exact ref.desc -k 2 --ids exact.desc --distances exact_d.desc");
    place.succeed("search ref_euclidean.ann -k 2 --dim 2 --metric euclidean --ids found.desc --distances found_d.desc");
    let told = place.succeed("recall found.desc exact.desc --distances found_d.desc exact_d.desc");
    for line in ["k: 2", "queries: 5", "recall: 1", "recall_p0: 1", "perfect: 5", "missing: 0"] {
        assert!(told.lines().any(|found| found == line), "no {line} in {told}");
    }
    // Ids that no matrix of whole numbers knew to be missing; an empty answer has no distances.
    std::fs::write(place.path("na.csv"), "1,-2147483648\n1,2\n1,2\n1,2\n-2147483648,NA\n").unwrap();
    place.succeed("matrix import na.csv na.desc --type double");
    let told = place.succeed("recall na.desc exact.desc --per-query");
    assert!(told.contains("\n1,0,0,0,1,NA\n") && told.ends_with("5,0,0,0,2,NA\n"), "{told}");
    // The rows are the corners of a square and a point beyond one of them: rows 2 and 3 are equally
    // far from row 5, and row 5 is no near one to row 4.
    std::fs::write(place.path("other.csv"), "3,2\n4,1\n1,NA\n3,5\n4,3\n").unwrap();
    place.succeed("matrix import other.csv other.desc --type integer");
    let lines = |arguments: &str| -> Vec<String> {
        let told = place.succeed(&format!("recall other.desc exact.desc --per-query {arguments}"));
        told.lines().map(str::to_owned).collect()
    };
    let header = "query,recall,found,tied,missing,ratio";
    let by_id = [
        header,
        "1,1,2,0,0,NA",
        "2,1,2,0,0,NA",
        "3,0.5,1,0,1,NA",
        "4,0.5,1,0,0,NA",
        "5,0.5,1,0,0,NA",
    ];
    assert_eq!(lines(""), by_id);
    let vectors = lines("--reference ref.desc");
    assert_eq!(vectors[1..4], ["1,1,2,0,0,1", "2,1,2,0,0,1", "3,0.5,1,0,1,1"]);
    assert_eq!(vectors[5], "5,1,2,1,0,1");
    assert_eq!(lines("--reference ref.desc --query ref.desc"), vectors);
    let failed = place.fail("recall other.desc query.desc");
    assert!(failed.contains("other.desc has 5 rows, expected 2, as query.desc has"), "{failed}");
    let failed = place.fail("recall ref.desc exact.desc");
    assert!(
        failed.contains("row 1, column 1 (counted from 1) is 0, expected the number"),
        "{failed}"
    );
}
