//! `bigannoy matrix`, as people type it.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod place;

use std::process::{Command, Stdio};

use bigannoy::Descriptor;
use bigannoy::npy::{Dtype, NpyHeader};
use place::Place;

impl Place {
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Writes an npy file of one column.
    fn write_npy<const N: usize>(&self, name: &str, dtype: Dtype, numbers: &[[u8; N]]) {
        let mut file = NpyHeader::new(dtype, numbers.len(), 1, false).unwrap().to_bytes();
        file.extend(numbers.as_flattened());
        self.write(name, file);
    }

    /// Writes an npy file of one column of doubles.
    fn write_f8(&self, name: &str, numbers: &[f64]) {
        let bytes: Vec<[u8; 8]> = numbers.iter().map(|number| number.to_le_bytes()).collect();
        self.write_npy(name, Dtype::F64, &bytes);
    }

    /// The files of the matrix in `m`, so that the next can take its name.
    fn remove_matrix(&self) {
        for path in self.files().keys() {
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "m.desc" || name.starts_with("m.bin") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

/// NumPy's own files, byte for byte: every type, either order, either layout.
#[test]
fn npy_files_go_into_matrices_and_come_out_the_same() {
    let place = Place::new();
    for (name, element_type, back) in [
        ("b1", "raw", None),
        ("i1", "char", Some("i1")),
        ("u1", "raw", Some("u1")),
        ("i2", "short", Some("i2")),
        ("i4", "integer", Some("i4")),
        ("i8", "integer", Some("i4")),
        ("f4", "float", Some("f4")),
        ("f8", "double", Some("f8")),
    ] {
        for order in ["c", "f"] {
            let file = format!("{name}_{order}.npy");
            place.copy("../bigannoy-npy/tests/fixtures", &file);
            for layout in ["", "--separated"] {
                let told = place.succeed(&format!("matrix import {file} m.desc {layout}"));
                let expected = format!("m.desc: 3 x 2 of type {element_type}, in ");
                assert!(told.starts_with(&expected), "{told}");
                assert_eq!(place.path("m.bin_column_1").exists(), layout == "--separated");
                place.succeed("matrix export m.desc f.npy --overwrite");
                place.succeed("matrix export m.desc c.npy --c-order --overwrite");
                if let Some(back) = back {
                    for order in ["c", "f"] {
                        let name = format!("{back}_{order}.npy");
                        place.copy("../bigannoy-npy/tests/fixtures", &name);
                        assert!(place.read(&format!("{order}.npy")) == place.read(&name), "{file}");
                    }
                } else {
                    assert_eq!(place.read("c.npy")[128..], [1, 1, 0, 1, 1, 1]);
                }
                place.remove_matrix();
            }
        }
    }
    place.copy("../bigannoy-npy/tests/fixtures", "vector.npy");
    place.succeed("matrix import vector.npy m.desc --type double");
    assert_eq!(place.succeed("matrix export m.desc"), "0\n1\n2\n3\n");
}

/// More rows than are carried over at a time, in every direction.
#[test]
fn blocks_do_not_show() {
    use std::fmt::Write as _;
    let place = Place::new();
    let mut csv = String::new();
    for row in 0..70_001 {
        writeln!(csv, "{row},{}.25,-{row},{},0", row % 7, row * 3).unwrap();
    }
    place.write("in.csv", &csv);
    place.succeed("matrix import in.csv a.desc");
    place.succeed("matrix export a.desc f.npy");
    place.succeed("matrix export a.desc c.npy --c-order");
    assert_eq!(place.read("f.npy")[128..], place.read("a.bin"));
    for file in ["f.npy", "c.npy"] {
        place.succeed(&format!("matrix import {file} m.desc --separated"));
        let told = place.succeed("matrix export m.desc out.csv --overwrite");
        assert!(told.starts_with("out.csv: 70001 x 5, in "), "{told}");
        assert!(place.read("out.csv") == csv.as_bytes(), "{file}");
        place.remove_matrix();
    }
}

#[test]
fn csv_comes_back_with_names_quotes_and_missing_values() {
    let place = Place::new();
    let csv = b"\"\",x,\"y, \"\"z\"\"\"\na,1.5,NA\n\"two\nlines\",-1e-300,NaN\ncaf\xe9,Inf,-Inf\n";
    place.write("in.csv", csv);
    place.succeed("matrix import in.csv m.desc --header --row-names");
    place.succeed("matrix export m.desc out.csv --header --row-names");
    assert_eq!(
        place.read("out.csv").escape_ascii().to_string(),
        csv.strip_prefix(b"\"\"").unwrap().escape_ascii().to_string()
    );
    assert_eq!(place.succeed("matrix export m.desc"), "1.5,NA\n-1e-300,NaN\nInf,-Inf\n");
    assert_eq!(place.succeed("matrix export m.desc - --delimiter tab --header").lines().count(), 4);
    let head = place.succeed("matrix head m.desc");
    assert!(head.contains("\n\"two\\nlines\"  -1e-300     NaN\n"), "{head}");
    assert!(head.contains("\n\"caf\\xe9\"         Inf    -Inf\n"), "{head}");
}

#[test]
fn csv_is_taken_in_the_forms_that_programs_write() {
    let place = Place::new();
    for (csv, options, expected) in [
        // A byte order mark, line ends of Windows, blanks, an empty line, a last line without end.
        ("\u{feff}a,b\r\n 1, 2 \r\n\r\n+3,4.0", "--header", "1,2\n3,4\n"),
        // No name above the row names, as R's `write.table` has it.
        ("a;b\nr1;1;2\n", "--header --row-names --delimiter ;", "1,2\n"),
        ("1\t-99\n", "--delimiter tab --na -99", "1,NA\n"),
        ("1,\n-99,2\n", "--na -99 --na= --type short", "1,NA\nNA,2\n"),
        ("NA,1\n,2\n", "--type float", "NA,1\nNA,2\n"),
        ("NaN,1e2\n", "--type char", "NA,100\n"),
        ("\"1\",\"NA\"\n", "", "1,NA\n"),
        ("\"a\nb\"\r\n1\r\n\"2\"\r\n\r\n\n", "--header", "1\n2\n"),
        ("0.1,16777216\n", "--type float", "0.1,1.6777216e7\n"),
        ("3.4028235e38,6.710887e7\n", "--type float", "3.4028235e38,6.710887e7\n"),
        ("1e23,9.999999999999999161e+22\n", "", "1e23,1e23\n"),
        // Empty lines around the one name of a table of names and one column.
        ("\n\nx\n\na,1\n\nb,2\n", "--header --row-names", "1\n2\n"),
        ("9007199254740991,-0\n", "", "9007199254740991,-0\n"),
    ] {
        place.write("in.csv", csv);
        place.succeed(&format!("matrix import in.csv m.desc {options}"));
        assert_eq!(place.succeed("matrix export m.desc"), expected, "{csv:?}");
        place.remove_matrix();
    }
}

#[test]
fn csv_that_no_matrix_can_hold_is_refused_by_place() {
    let place = Place::new();
    for (csv, options, expected) in [
        ("", "", "in.csv has no rows, expected at least 1"),
        ("a,b\n", "--header", "in.csv has no rows, expected at least 1"),
        ("a\nb\n", "--row-names", "in.csv has row names and no columns"),
        ("1\n\n3\n", "", "in.csv: there is an empty line before line 3: in a table of one"),
        ("a\r\n1\r\n\r\n3", "--header", "there is an empty line before line 4"),
        ("\nx\n1\n", "--header", "there is an empty line before line 2"),
        ("1,2\n\n3\n", "", "in.csv: line 3 has 1 fields, expected 2 as in the lines before"),
        ("1,2\n3\n", "", "in.csv: line 2 has 1 fields, expected 2 as in the lines before"),
        ("a,b,c\n1,2\n", "--header", "the first line has 3 names, expected 2"),
        ("\u{feff}a,b\r\n1,2\r\n\r\n3,x\r\n", "--header", "row 2, column 2 (line 4) is \"x\""),
        ("1,2\n3,x\n", "", "in.csv: row 2, column 2 (line 2) is \"x\", expected a number"),
        ("h\n\"a\nb\"\n", "--header", "in.csv: row 1, column 1 (line 2) is \"a\\nb\", expected"),
        ("\u{e9}\n", "", "is \"é\", expected a number"),
        (
            "1.5\n",
            "--type integer",
            "is \"1.5\", a fraction, expected a whole number of type integer (--type double can hold \
             it)",
        ),
        ("200\n", "--type char", "is \"200\", outside of the range of type char (--type double"),
        ("-1\n", "--type raw", "is \"-1\", outside of the range of type raw"),
        ("1e39\n", "--type float", "is \"1e39\", outside of the range of type float"),
        ("1e400\n", "", "is \"1e400\", outside of the range of type double"),
        ("9007199254740993\n", "", "is \"9007199254740993\", which type double would round"),
        ("16777217\n", "--type float", "is \"16777217\", which type float would round"),
        ("16777217.0\n", "--type float", "which type float would round"),
        ("1.6777217e7\n", "--type float", "is \"1.6777217e7\", which type float would round"),
        ("9.007199254740993e15\n", "", "which type double would round"),
        ("1e-400\n", "", "is \"1e-400\", which type double would round to 0"),
        ("-1e-60\n", "--type float", "which type float would round to 0 (--type double can"),
        ("x,y\n1,2\n", "", "is \"x\", expected a number (--header if the first line has the names"),
        ("\"\",x\na,2\n", "--row-names", "is \"x\", expected a number (--header if"),
        ("Inf\n", "--type short", "is \"Inf\", infinite, expected a number of type short"),
        ("-128\n", "--type char", "is \"-128\", which type char keeps for what is missing"),
        ("-2147483648\n", "--type integer", "which type integer keeps for what is missing"),
        ("1.1754944e-38\n", "--type float", "which type float keeps for what is missing"),
        (
            "1\nNA\n",
            "--type raw",
            "row 2, column 1 (line 2) is \"NA\", and type raw has no missing",
        ),
        ("1\n\n", "--na x --format npy", "--header, --row-names and --na are for CSV"),
    ] {
        place.write("in.csv", csv);
        let message = place.fail(&format!("matrix import in.csv m.desc {options}"));
        assert!(message.contains(expected), "{csv:?}: {message}");
    }
}

/// What looks like a header is said only of the first row, and only where it has no number.
#[test]
fn a_header_is_asked_for_only_where_there_may_be_one() {
    let place = Place::new();
    for csv in ["1,x\n", "1,2\nx,y\n", "1e400,x\n"] {
        place.write("in.csv", csv);
        let message = place.fail("matrix import in.csv m.desc");
        assert!(!message.contains("--header"), "{csv:?}: {message}");
    }
    place.write("in.csv", "x,y\nz,1\n");
    let message = place.fail("matrix import in.csv m.desc --header");
    assert!(message.ends_with("is \"z\", expected a number"), "{message}");
}

/// A quote without its pair, which may be anywhere in a file of any size.
#[test]
fn a_record_that_does_not_end_is_refused_before_it_fills_memory() {
    let place = Place::new();
    for (csv, expected) in [
        (
            "x,y\n\n3,\"4\n5,6\n",
            "line 3: a quoted field that begins there does not end within 64 MiB",
        ),
        (
            "\u{feff}\"a \"\"b\"\"\",5\",\"\n\",\"x,",
            "line 2: a quoted field that begins there does not end within 64 MiB",
        ),
        ("1,2\n3,5\" x,\"\",", "line 2 does not end within 64 MiB"),
    ] {
        place.write("in.csv", csv);
        let file = std::fs::File::options().write(true).open(place.path("in.csv")).unwrap();
        file.set_len(66 << 20).unwrap();
        let message = place.fail("matrix import in.csv m.desc");
        assert!(message.ends_with(&format!("in.csv: {expected}")), "{csv:?}: {message}");
    }
}

#[test]
fn a_row_of_very_many_columns_is_imported() {
    let place = Place::new();
    let row = vec!["-1.2345678901234567e-300"; 100_000].join(",");
    place.write("in.csv", format!("{row}\n{row}\n"));
    let told = place.succeed("matrix import in.csv m.desc");
    assert!(told.starts_with("m.desc: 2 x 100000 of type double"), "{told}");
}

#[test]
fn npy_values_are_kept_or_refused() {
    let place = Place::new();
    // R's missing value stays one; NaN is missing where a type has no NaN.
    let na = f64::from_bits(0x7ff0_0000_0000_07a2);
    place.write_f8("in.npy", &[1.0, f64::NAN, na, -3.0]);
    for (element_type, expected) in [
        ("double", "1\nNaN\nNA\n-3\n"),
        ("float", "1\nNaN\nNA\n-3\n"),
        ("integer", "1\nNA\nNA\n-3\n"),
        ("char", "1\nNA\nNA\n-3\n"),
    ] {
        place.succeed(&format!("matrix import in.npy m.desc --type {element_type}"));
        assert_eq!(place.succeed("matrix export m.desc"), expected);
        place.remove_matrix();
    }
    let message = place.fail("matrix import in.npy m.desc --type raw");
    let expected = "in.npy: row 2, column 1 is NaN, and type raw has no missing value (--type double \
                    can hold it)";
    assert!(message.ends_with(expected), "{message}");

    for (value, element_type, expected) in [
        (0.5, "integer", "is 0.5, a fraction"),
        (f64::INFINITY, "integer", "is Inf, infinite"),
        (1e10, "integer", "is 10000000000, outside of the range of type integer"),
        (-1e-60, "float", "is -1e-60, which type float would round to 0"),
        (1e300, "float", "is 1e300, outside of the range of type float"),
        (16_777_217.0, "float", "is 16777217, which type float would round"),
        (-32_768.0, "short", "is -32768, which type short keeps for what is missing"),
    ] {
        place.write_f8("in.npy", &[0.0, value]);
        let message = place.fail(&format!("matrix import in.npy m.desc --type {element_type}"));
        let place = "in.npy: row 2, column 1 ";
        assert!(message.contains(&format!("{place}{expected}")), "{message}");
    }

    place.write_npy("i8.npy", Dtype::I64, &[1i64.to_le_bytes(), (1i64 << 31).to_le_bytes()]);
    let message = place.fail("matrix import i8.npy m.desc");
    let expected = "i8.npy: row 2, column 1 is 2147483648, outside of the range of type integer \
                    (--type double can hold it)";
    assert!(message.ends_with(expected), "{message}");
    place.succeed("matrix import i8.npy m.desc --type double");
    place.remove_matrix();
    place.write_npy("i8.npy", Dtype::I64, &[((1i64 << 53) + 1).to_le_bytes()]);
    let message = place.fail("matrix import i8.npy m.desc --type double");
    assert!(message.ends_with("is 9007199254740993, which type double would round"), "{message}");
    place.write_npy("i1.npy", Dtype::I8, &[(-128i8).to_le_bytes()]);
    let message = place.fail("matrix import i1.npy m.desc");
    assert!(message.contains("is -128, which type char keeps for what is missing"), "{message}");
}

#[test]
fn npy_files_that_are_no_matrix_are_refused() {
    let place = Place::new();
    for (name, expected) in [
        ("cube.npy", "cannot import cube.npy: an array of 3 dimensions, expected 1 or 2"),
        ("big_endian.npy", "descr is >f8, expected one of"),
        ("structure.npy", "descr is [('a', '<f4')"),
        ("empty.npy", "cannot import empty.npy: 0 x 3 numbers, expected some"),
    ] {
        place.copy("../bigannoy-npy/tests/fixtures", name);
        let message = place.fail(&format!("matrix import {name} m.desc"));
        assert!(message.contains(expected), "{message}");
    }
    place.copy("../bigannoy-npy/tests/fixtures", "f8_c.npy");
    let whole = place.read("f8_c.npy");
    for cut in [0, 9, 100, 128, whole.len() - 1] {
        place.write("cut.npy", &whole[..cut]);
        place.fail("matrix import cut.npy m.desc");
    }
    for (line, expected) in [
        ("matrix import no.npy m.desc", "no.npy"),
        ("matrix import no.csv m.desc", "no.csv"),
        ("matrix import cut.txt m.desc", "the format of cut.txt is not known"),
        ("matrix import f8_c.npy no/m.desc", "no/m"),
        ("matrix import f8_c.npy m.bin", "cannot create m.bin"),
        ("matrix import f8_c.npy cut.npy", "cut.npy exists already"),
        ("matrix import f8_c.npy m.desc --header", "are for CSV"),
    ] {
        let message = place.fail(line);
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn what_is_missing_is_exported_only_where_the_format_can_say_it() {
    let place = Place::new();
    place.write("in.csv", "1,2\n3,NA\n");
    place.succeed("matrix import in.csv i.desc --type integer");
    let message = place.fail("matrix export i.desc out.npy");
    let expected = "i.desc: row 2, column 2 is NA, and an npy file of type integer has no number for \
                    that (--type double can hold it)";
    assert!(message.ends_with(expected), "{message}");
    place.succeed("matrix export i.desc out.npy --type float");
    let numbers = place.read("out.npy").split_off(128);
    assert_eq!(numbers[..12], [1f32, 3.0, 2.0].map(f32::to_le_bytes).concat());
    assert!(f32::from_le_bytes(numbers[12..].try_into().unwrap()).is_nan());

    place.succeed("matrix import in.csv f.desc --type float");
    place.succeed("matrix export f.desc f.npy --c-order");
    let numbers = place.read("f.npy").split_off(128);
    assert!(f32::from_le_bytes(numbers[12..].try_into().unwrap()).is_nan());

    place.write("large.csv", "16777217\n");
    place.succeed("matrix import large.csv l.desc --type integer");
    let message = place.fail("matrix export l.desc l.npy --type float");
    assert!(message.contains("row 1, column 1 is 16777217, which type float would round"));
    place.succeed("matrix export l.desc l.npy --type double");
}

#[test]
fn existing_files_are_replaced_only_on_request() {
    let place = Place::new();
    place.succeed("matrix create m.desc --type double --rows 2 --cols 2");
    place.write("out.csv", "old");
    place.write("out.npy", "old");
    for (line, expected) in [
        ("matrix create m.desc --type double --rows 1 --cols 1", "m.desc exists already"),
        ("matrix export m.desc out.csv", "out.csv exists already"),
        ("matrix export m.desc out.npy", "out.npy exists already"),
        ("matrix export m.desc m.bin --format npy --overwrite", "a file of the matrix itself"),
        ("matrix export m.desc m.desc --format csv --overwrite", "a file of the matrix itself"),
        ("matrix export m.desc . --format csv --overwrite", "is a directory, expected a regular"),
        ("matrix export m.desc no/out.csv", "no/out.csv"),
        ("matrix export m.desc out", "the format of out is not known"),
        ("matrix export m.desc out.csv --overwrite --header", "m.desc has no column names"),
        ("matrix export m.desc out.csv --overwrite --row-names", "m.desc has no row names"),
        ("matrix export m.desc x.npy --header", "are for CSV"),
        ("matrix export m.desc x.csv --c-order", "are for npy"),
        ("matrix export m.desc --format npy", "an npy file is not printed"),
        ("matrix export no.desc x.csv", "no.desc"),
        ("matrix head no.desc", "no.desc"),
    ] {
        let message = place.fail(line);
        assert!(message.contains(expected), "{line}: {message}");
    }
    place.succeed("matrix export m.desc out.csv --overwrite");
    assert_eq!(place.read("out.csv"), b"0,0\n0,0\n");
}

#[test]
fn matrices_are_created_with_values_and_names() {
    let place = Place::new();
    place.write("rows.txt", "first\r\nsecond one\n\n");
    place.write("cols.txt", "x\ny");
    let told = place.succeed(
        "matrix create m.desc --type short --rows 3 --cols 2 --fill -7 --row-names-file rows.txt \
         --col-names a,b --separated",
    );
    assert_eq!(told, "m.desc: 3 x 2 of type short\n");
    assert_eq!(
        place.succeed("matrix export m.desc --header --row-names"),
        ",a,b\nfirst,-7,-7\nsecond one,-7,-7\n,-7,-7\n"
    );
    for (element_type, fill, expected) in [
        ("double", "NA", "NA"),
        ("double", "NaN", "NaN"),
        ("double", "-0", "-0"),
        ("float", "-0.0", "-0"),
        ("float", "NA", "NA"),
        ("float", "0.1", "0.1"),
        ("integer", "NA", "NA"),
        ("raw", "255", "255"),
        ("char", "1e2", "100"),
    ] {
        place.remove_matrix();
        place.succeed(&format!(
            "matrix create m.desc --type {element_type} --rows 1 --cols 2 --fill {fill} \
             --col-names-file cols.txt"
        ));
        let expected = format!("x,y\n{expected},{expected}\n");
        assert_eq!(place.succeed("matrix export m.desc --header"), expected);
    }
    for (options, expected) in [
        ("--type raw --rows 1 --cols 1 --fill NA", "--fill is \"NA\", and type raw has no missing"),
        ("--type char --rows 1 --cols 1 --fill -128", "--fill is \"-128\", which type char keeps"),
        ("--type char --rows 1 --cols 1 --fill x", "--fill is \"x\", expected a number"),
        ("--type char --rows 0 --cols 1", "a matrix of 0 rows cannot be described"),
        ("--type char --rows 1 --cols 3 --col-names a,b", "expected 3 names of columns, found 2"),
        ("--type char --rows 1 --cols 1 --row-names-file no.txt", "no.txt"),
    ] {
        let message = place.fail(&format!("matrix create n.desc {options}"));
        assert!(message.contains(expected), "{options}: {message}");
    }
}

#[test]
fn blanks_around_a_fill_change_nothing() {
    let place = Place::new();
    let arguments =
        ["matrix", "create", "m.desc", "--type", "double", "--rows", "1", "--cols", "1", "--fill"];
    let output = Command::new(env!("CARGO_BIN_EXE_bigannoy"))
        .args(arguments)
        .arg(" -0 ")
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(place.succeed("matrix export m.desc"), "-0\n");
}

/// Columns outside of the window are the matrix's own, too.
#[test]
fn no_stored_column_is_written_over() {
    let place = Place::new();
    place.write("in.csv", "1,2,3\n4,5,6\n");
    place.succeed("matrix import in.csv m.desc --separated");
    let whole = Descriptor::read(place.path("m.desc")).unwrap();
    let window = whole.window(0..1, 1..2).unwrap();
    place.write("w.desc", window.to_text());
    assert_eq!(place.succeed("matrix export w.desc"), "2\n");
    for column in 0..3 {
        let message = place
            .fail(&format!("matrix export w.desc m.bin_column_{column} --format csv --overwrite"));
        assert!(message.ends_with("it is a file of the matrix itself"), "{message}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("m.bin_column_2", place.path("link.csv")).unwrap();
        std::os::unix::fs::symlink("nothing", place.path("m.bin_column_0x")).unwrap();
        let hidden = place.path("elsewhere");
        std::fs::rename(place.path("m.bin_column_0"), &hidden).unwrap();
        std::os::unix::fs::symlink("gone", place.path("m.bin_column_0")).unwrap();
        let output = place.run("matrix export w.desc link.csv --overwrite");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.ends_with("it is a file of the matrix itself\n"), "{message}");
        std::fs::remove_file(place.path("m.bin_column_0")).unwrap();
        std::fs::remove_file(place.path("m.bin_column_0x")).unwrap();
    }
    // No column of this matrix, whatever it is called.
    for name in ["m.bin_column_3", "m.bin_column_x", "other.bin_column_2"] {
        place.write(name, "");
        place.succeed(&format!("matrix export w.desc {name} --format csv --overwrite"));
        assert_eq!(place.read(name), b"2\n");
    }
}

#[test]
fn the_long_help_says_what_becomes_of_values() {
    let place = Place::new();
    for (line, expected) in [
        ("matrix import --help", "16777217 and 1.6777217e7 are no floats"),
        ("matrix import --help", "Empty lines of CSV are skipped"),
        ("matrix export --help", "NA is written as NA to CSV, and as NaN to npy"),
    ] {
        let help = place.succeed(line);
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").contains(expected), "{line}: {help}");
    }
    assert!(!place.succeed("matrix import -h").contains("Empty lines"));
}

#[test]
fn head_shows_the_first_rows_and_tells_what_it_left_out() {
    let place = Place::new();
    place.write("in.csv", "x,longer,y\n1,-2.5,NA\n100000,3,4\n5,6,7\n");
    place.succeed("matrix import in.csv m.desc --header");
    let expected = "\
        \x20       x  longer   y\n\
        1       1    -2.5  NA\n\
        2  100000       3   4\n\
        3       5       6   7\n";
    assert_eq!(place.succeed("matrix head m.desc"), expected);
    let expected = "\
        \x20  x  longer\n\
        1  1    -2.5\n\
        (1 of 3 rows, 2 of 3 columns)\n";
    assert_eq!(place.succeed("matrix head m.desc -n 1 --cols 2"), expected);
}

/// From a table to neighbors, without R.
#[test]
fn a_csv_file_is_imported_built_and_searched() {
    let place = Place::new();
    place.write("points.csv", "name,x,y\na,0,0\nb,5,0\nc,0,5\nd,5,5\ne,9,9\n");
    place.write("queries.csv", "x,y\n0.2,0.1\n4.7,5.1\n");
    place.succeed("matrix import points.csv points.desc --header --row-names --type float");
    place.succeed("matrix import queries.csv queries.desc --header");
    place.succeed("build points.desc --index points.ann");
    place.succeed("search points.ann --query queries.desc -k 2 --ids ids.desc");
    assert_eq!(place.succeed("matrix export ids.desc"), "1,2\n4,3\n");
    place.succeed("matrix export ids.desc ids.npy --c-order");
    assert_eq!(place.read("ids.npy")[128..], [1i32, 2, 4, 3].map(i32::to_le_bytes).concat());
}

#[test]
fn wrong_usage_is_status_two() {
    let place = Place::new();
    for line in [
        "matrix",
        "matrix create m.desc --rows 1 --cols 1",
        "matrix create m.desc --type complex --rows 1 --cols 1",
        "matrix create m.desc --type raw --rows 1 --cols 1 --col-names a --col-names-file f",
        "matrix import in.csv",
        "matrix import in.csv m.desc --delimiter ab",
        "matrix import in.csv m.desc --delimiter \"",
        "matrix export m.desc out.npy --type integer",
    ] {
        assert_eq!(place.run(line).status.code(), Some(2), "{line}");
    }
    assert_eq!(place.run("matrix import --help").status.code(), Some(0));
}

/// Output that cannot be written is a failure, unless its reader has seen enough.
#[cfg(target_os = "linux")]
#[test]
fn standard_output_can_be_full_or_closed() {
    let place = Place::new();
    place.write("in.csv", "1\n");
    place.succeed("matrix create m.desc --type double --rows 100000 --cols 3");
    for line in [
        "matrix export m.desc",
        "matrix head m.desc -n 9999",
        "matrix head m.desc -n 1",
        "info m.desc",
        "matrix create $1.desc --type raw --rows 1 --cols 1",
        "matrix export m.desc $.npy",
        "matrix import in.csv $2.desc",
    ] {
        let command = |stdout: Stdio, name: &str| {
            Command::new(env!("CARGO_BIN_EXE_bigannoy"))
                .args(line.replace('$', name).split_whitespace())
                .current_dir(place.path("."))
                .stdout(stdout)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command(full.into(), "full").wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        let message = String::from_utf8(output.stderr).unwrap();
        let expected = "error: cannot write to standard output: ";
        assert!(message.starts_with(expected) && message.lines().count() == 1, "{message}");

        let mut child = command(Stdio::piped(), "closed");
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{line}");
    }
}

/// A limit on the size of files is like a full disk: a message, and nothing left behind.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_grow_is_a_failure_that_leaves_nothing() {
    let place = Place::new();
    place.succeed("matrix create m.desc --type double --rows 50000 --cols 3");
    let before = place.files();
    for output in ["out.npy", "out.csv"] {
        let command = env!("CARGO_BIN_EXE_bigannoy");
        let script = format!("ulimit -f 100; exec {command} matrix export m.desc {output}");
        let run = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path("."))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let message = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{message}");
        assert!(message.contains(&format!("cannot write {output}")), "{message}");
        assert!(place.files() == before, "a file is left");
    }
}
