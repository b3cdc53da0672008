//! The conventions of the corpus' JSON.

use bigannoy_descriptor::ByteString;
use serde_json::Value;

/// A string, `{"hex": …}` where it is not UTF-8; numbers as R converts them to names.
pub(crate) fn string(json: &Value) -> ByteString {
    match json {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => number.to_string().into(),
        Value::Object(object) => {
            let hex = object["hex"].as_str().expect("a hexadecimal string");
            let pairs = hex.as_bytes().chunks(2);
            let bytes: Vec<u8> = pairs
                .map(|pair| {
                    let pair = std::str::from_utf8(pair).expect("ASCII");
                    u8::from_str_radix(pair, 16).expect("hexadecimal digits")
                })
                .collect();
            bytes.into()
        }
        other => panic!("not a string: {other}"),
    }
}

/// `null`, one string or an array of them.
pub(crate) fn names(json: &Value) -> Option<Vec<ByteString>> {
    match json {
        Value::Null => None,
        Value::Array(values) => Some(values.iter().map(string).collect()),
        single => Some(vec![string(single)]),
    }
}

/// A number without its fraction.
pub(crate) fn whole(json: &Value) -> u64 {
    let number = json.as_f64().unwrap_or_else(|| panic!("not a number: {json}"));
    assert!((0.0..1e15).contains(&number), "{number}");
    format!("{:.0}", number.trunc()).parse().expect("digits")
}

/// The number, or the first of an array.
pub(crate) fn first(json: &Value) -> u64 {
    whole(json.get(0).unwrap_or(json))
}
