//! Texts against those that R wrote of the same matrices, byte for byte.

mod common;
mod json;

use bigannoy_descriptor::{Descriptor, DescriptorError, ElementType};
use common::bytes;
use json::{first, names, string, whole};
use serde_json::Value;

/// The cases: the fields, and the text that R wrote.
fn cases() -> Vec<(Value, String)> {
    let lines = String::from_utf8(bytes("writer/dput_cases.jsonl")).expect("UTF-8");
    let cases = lines.lines().map(|line| {
        let mut case: Value = serde_json::from_str(line).expect("JSON");
        let text = case["text"].as_str().expect("a text").to_owned();
        (case["fields"].take(), text)
    });
    let cases: Vec<_> = cases.collect();
    assert_eq!(cases.len(), 300);
    cases
}

fn shown(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_text_read_and_written_again_is_the_same() {
    for (_, text) in cases() {
        let descriptor = Descriptor::parse(text.as_bytes()).expect("R wrote it");
        assert_eq!(shown(descriptor.to_text()), text);
    }
}

#[test]
fn a_new_descriptor_is_written_as_r_writes_it() {
    let mut written = 0;
    for (fields, text) in cases() {
        let word = |field: &str| fields[field].as_str().expect("a word");
        let element_type = ElementType::from_name(word("type")).expect("a type");
        let (total_rows, total_cols) = (whole(&fields["totalRows"]), whole(&fields["totalCols"]));
        let builder = if word("sharedType") == "FileBacked" {
            let (filename, dirname) = (string(&fields["filename"]), string(&fields["dirname"]));
            Descriptor::file_backed(filename, dirname, element_type, total_rows, total_cols)
        } else {
            let name = string(&fields["sharedName"]);
            Descriptor::shared_memory(name, element_type, total_rows, total_cols)
        };
        let window = |offset: &str, len: &str| {
            let offset = first(&fields[offset]);
            offset..offset + whole(&fields[len])
        };
        let mut builder = builder
            .separated(fields["separated"] == true)
            .rows(window("rowOffset", "nrow"))
            .cols(window("colOffset", "ncol"));
        if let Some(names) = names(&fields["rowNames"]) {
            builder = builder.row_names(names);
        }
        if let Some(names) = names(&fields["colNames"]) {
            builder = builder.col_names(names);
        }
        match builder.build() {
            Ok(descriptor) => {
                assert_eq!(shown(descriptor.to_text()), text);
                written += 1;
            }
            // No file can have such a name, but the text can.
            Err(DescriptorError::FileName { value, .. }) => assert!(value.is_empty(), "{value}"),
            Err(error) => panic!("{error}: {text}"),
        }
    }
    assert_eq!(written, 291);
}
