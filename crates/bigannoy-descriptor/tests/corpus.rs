//! Every descriptor of the corpus that R made, against what R read in it.

mod common;
mod json;

use bigannoy_descriptor::{ByteString, Container, Descriptor, ElementType, Position, Storage};
use common::{bytes, path};
use json::{first, names, string, whole};
use serde_json::Value;

/// Cases whose fault is in the data, or the lack of it, and not in the descriptor.
const FAULTS_OF_THE_DATA: [&str; 9] = [
    "invalid/backing_missing",
    "invalid/backing_empty",
    "invalid/backing_short",
    "invalid/type_other",
    "invalid/sep_missing_column",
    "invalid/sep_flag_wrong",
    "invalid/contig_flag_wrong",
    "shared_text/contig",
    "shared_text/sep_window",
];

/// Encodings that this build does not read, of each of which there is one case.
fn encodings_that_are_off() -> Vec<&'static str> {
    let features = [("rds-bzip2", cfg!(feature = "bzip2")), ("rds-xz", cfg!(feature = "xz"))];
    features.into_iter().filter(|(_, on)| !on).map(|(encoding, _)| encoding).collect()
}

struct Case {
    id: String,
    json: Value,
}

impl Case {
    fn descriptor(&self) -> &str {
        self.json["descriptor"].as_str().expect("a path")
    }

    fn bytes(&self) -> Vec<u8> {
        bytes(self.descriptor())
    }

    fn parse(&self) -> Descriptor {
        Descriptor::parse(&self.bytes()).unwrap_or_else(|error| panic!("{}: {error}", self.id))
    }

    /// Bytes of the first data file, where there is one.
    fn data_bytes(&self) -> Option<u64> {
        let found = Descriptor::read(path(self.descriptor())).ok()?;
        let Storage::FileBacked { filename, dirname: Some(dirname) } = found.storage() else {
            return None;
        };
        let mut data = dirname.to_string_lossy().into_owned() + &filename.to_string_lossy();
        if found.is_separated() {
            data.push_str("_column_0");
        }
        Some(std::fs::metadata(data).ok()?.len())
    }
}

/// The cases, text and RDS, that this build reads and for which `wanted` holds of the advice to a strict reader.
fn cases(wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let manifest: Value = serde_json::from_slice(&bytes("manifest.json")).expect("JSON");
    let all = manifest["cases"].as_array().expect("an array").iter().map(|entry| {
        let id = entry["id"].as_str().expect("an id").to_owned();
        let json = serde_json::from_slice(&bytes(entry["json"].as_str().expect("a path")));
        Case { json: json.unwrap_or_else(|error| panic!("{id}: {error}")), id }
    });
    let off = encodings_that_are_off();
    all.filter(|case| {
        let of = |key: &str| case.json[key].as_str().expect("a word");
        !off.contains(&of("encoding")) && wanted(of("safe_reader"))
    })
    .collect()
}

/// The names that belong to the window `offset..offset + len` of `total`.
fn visible(json: &Value, offset: u64, len: u64, total: Option<u64>) -> Option<Vec<ByteString>> {
    let names = names(json)?;
    let count = names.len() as u64;
    let skipped = if count == len {
        0
    } else if Some(count) == total {
        offset
    } else {
        return None;
    };
    let window = names.into_iter().skip(skipped.try_into().expect("small"));
    Some(window.take(len.try_into().expect("small")).collect())
}

#[test]
fn fields_are_those_that_r_read() {
    let cases = cases(|_| true);
    let mut compared = 0;
    for case in cases {
        let Case { id, json } = &case;
        let fields = &json["fields"];
        if fields.is_null() || json["safe_reader"] == "reject" && !is_fault_of_the_data(id) {
            continue;
        }
        let found = case.parse();
        let word = |field: &str| fields[field].as_str().expect("a word");
        let optional = |field: &str| fields.get(field).map(string);
        let storage = match word("sharedType") {
            "FileBacked" => Storage::FileBacked {
                filename: string(&fields["filename"]),
                dirname: optional("dirname"),
            },
            other => {
                assert_eq!(other, "SharedMemory", "{id}");
                Storage::SharedMemory { name: string(&fields["sharedName"]) }
            }
        };
        assert_eq!(found.storage(), &storage, "{id}");
        assert_eq!(Some(found.element_type()), ElementType::from_name(word("type")), "{id}");
        let separated = match &fields["separated"] {
            Value::Bool(separated) => *separated,
            number => whole(number) != 0,
        };
        assert_eq!(found.is_separated(), separated, "{id}");
        assert_eq!(found.shape(), (whole(&fields["nrow"]), whole(&fields["ncol"])), "{id}");
        assert_eq!(found.row_offset(), first(&fields["rowOffset"]), "{id}");
        assert_eq!(found.col_offset(), first(&fields["colOffset"]), "{id}");

        let (total_rows, total_cols) = (fields["totalRows"].as_u64(), fields["totalCols"].as_u64());
        let within = |total: Option<u64>, end| total.is_some_and(|total| end <= total);
        let inside = within(total_rows, found.row_offset() + found.nrows())
            && within(total_cols, found.col_offset() + found.ncols());
        let stored = total_rows.zip(total_cols).filter(|_| inside);
        assert_eq!(found.stored_shape().ok(), stored, "{id}");

        let rows = (found.row_offset(), found.nrows(), total_rows);
        let row_names = visible(&fields["rowNames"], rows.0, rows.1, rows.2);
        assert_eq!(found.row_names(), row_names.as_deref(), "{id}");
        let cols = (found.col_offset(), found.ncols(), total_cols);
        let col_names = visible(&fields["colNames"], cols.0, cols.1, cols.2);
        assert_eq!(found.col_names(), col_names.as_deref(), "{id}");
        compared += 1;
    }
    assert_eq!(compared, 298 + FAULTS_OF_THE_DATA.len() - encodings_that_are_off().len());
}

fn is_fault_of_the_data(id: &str) -> bool {
    FAULTS_OF_THE_DATA.contains(&id)
}

#[test]
fn matrices_are_those_that_r_attached() {
    let cases = cases(|advice| advice == "accept");
    let mut attached = 0;
    for case in &cases {
        let Case { id, json } = case;
        let seen = &json["r"];
        if seen["attaches"] != true {
            continue;
        }
        let found = case.parse();
        let shape = (whole(&seen["nrow"]), whole(&seen["ncol"]));
        assert_eq!(found.shape(), shape, "{id}");
        assert_eq!(found.element_type().name(), seen["type"], "{id}");
        assert_eq!(found.is_separated(), seen["separated"], "{id}");
        assert_eq!(found.is_window(), seen["is_sub"], "{id}");
        // R drops the names of a window that has no names for the rest.
        for (axis, names_found) in [("row", found.row_names()), ("col", found.col_names())] {
            if let Some(expected) = names(&seen[&format!("{axis}_names")]) {
                assert_eq!(names_found, Some(&*expected), "{id}");
            } else if let Some(names_found) = names_found {
                assert!(found.is_window(), "{id}: {names_found:?}");
            }
        }
        attached += 1;
    }
    let off = encodings_that_are_off().len();
    assert_eq!((attached, cases.len()), (292 - off, 301 - off));
}

#[test]
fn what_r_cannot_attach_is_read_as_it_was_meant() {
    let cases = cases(|advice| advice == "accept");
    let mut compared = 0;
    for case in &cases {
        let Case { id, json } = case;
        let intended = &json["intended"];
        if intended.is_null() {
            continue;
        }
        let found = case.parse();
        assert_eq!(found.shape(), (whole(&intended["nrow"]), whole(&intended["ncol"])), "{id}");
        if let Some(total_rows) = intended.get("total_rows") {
            let total_rows = whole(total_rows);
            let data_bytes = found.data_bytes(total_rows, 1).expect("it fits");
            for data_bytes in [data_bytes, data_bytes + 1] {
                assert_eq!(found.stored_shape_for(data_bytes), Ok((total_rows, 1)), "{id}");
            }
            for data_bytes in [0, data_bytes - 1, data_bytes + 2] {
                let written = found.stored_shape();
                assert_eq!(found.stored_shape_for(data_bytes), written, "{id}");
            }
        } else {
            assert_eq!(found.row_names(), names(&intended["row_names"]).as_deref(), "{id}");
            assert_eq!(found.col_names(), names(&intended["col_names"]).as_deref(), "{id}");
        }
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn data_files_have_the_length_that_follows_from_the_text() {
    let cases = cases(|advice| advice == "accept");
    let mut compared = 0;
    for case in &cases {
        let Some(data_bytes) = case.data_bytes() else { continue };
        let found = case.parse();
        let (rows, cols) = found
            .stored_shape_for(data_bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", case.id));
        let expected = found.data_bytes(rows, cols).expect("it fits");
        let surplus = match case.id.as_str() {
            "invalid/backing_plus1" => 1,
            "invalid/backing_long" => data_bytes - 48,
            _ => 0,
        };
        assert_eq!(expected + surplus, data_bytes, "{}", case.id);
        compared += 1;
    }
    assert_eq!(compared, 297 - encodings_that_are_off().len());
}

#[test]
fn what_a_strict_reader_refuses_is_refused() {
    let cases = cases(|advice| advice == "reject");
    let mut left = Vec::new();
    for case in &cases {
        let Ok(found) = Descriptor::parse(&case.bytes()) else { continue };
        let data_bytes = case.data_bytes().unwrap_or(0);
        match found.stored_shape_for(data_bytes) {
            Err(_) => assert!(case.id.starts_with("invalid/window_outside_"), "{}", case.id),
            Ok(_) => left.push(case.id.as_str()),
        }
    }
    left.sort_unstable();
    let mut expected = FAULTS_OF_THE_DATA.to_vec();
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert_eq!(cases.len(), 37);
}

#[test]
fn every_case_is_of_the_container_that_it_says() {
    let cases = cases(|_| true);
    let mut binary = 0;
    for case in &cases {
        let found = Container::detect(&case.bytes());
        let expected: &[_] = match case.json["encoding"].as_str().expect("a word") {
            "text" => &[None],
            "rds-gzip" => &[Some(Container::Gzip)],
            "rds-bzip2" => &[Some(Container::Bzip2)],
            "rds-xz" => &[Some(Container::Xz)],
            other => {
                assert_eq!(other, "rds-plain", "{}", case.id);
                &[Some(Container::Xdr), Some(Container::Ascii)]
            }
        };
        assert!(expected.contains(&found), "{}: {found:?}", case.id);
        binary += usize::from(found.is_some());
    }
    let off = encodings_that_are_off().len();
    assert_eq!((cases.len(), binary), (338 - off, 40 - off));
}

#[test]
fn an_rds_that_is_no_descriptor_is_refused_at_its_place() {
    for (id, message) in [
        ("not_a_descriptor", "byte 23: expected an S4 object, found "),
        ("plain_list", "byte 23: expected an S4 object, found a list of 13"),
        ("truncated", "bytes before the end"),
    ] {
        let error = Descriptor::parse(&bytes(&format!("rds/{id}.desc"))).expect_err(id);
        assert!(error.to_string().contains(message), "{id}: {error}");
        assert!(matches!(error.position(), Some(Position::Byte(_))), "{id}: {error}");
    }
}

#[test]
fn a_container_of_a_feature_that_is_off_is_refused_by_name() {
    for encoding in encodings_that_are_off() {
        let (id, feature) = if encoding == "rds-xz" { ("xz", "xz") } else { ("bz2", "bzip2") };
        let error = Descriptor::parse(&bytes(&format!("rds/{id}.desc"))).expect_err(id);
        assert!(error.to_string().contains(&format!("`{feature}`")), "{id}: {error}");
        assert_eq!(error.position(), None);
    }
}

#[test]
fn data_is_found_next_to_its_descriptor() {
    let cases = cases(|advice| advice == "accept");
    let mut compared = 0;
    for case in &cases {
        let Some(backing) = case.json["backing"].get(0) else { continue };
        assert_eq!(case.data_bytes(), backing["bytes"].as_u64(), "{}", case.id);
        compared += 1;
    }
    assert_eq!(compared, 291 - encodings_that_are_off().len());
}
