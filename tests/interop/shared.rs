//! Matrices in shared memory, held by R and seen by us, and the other way round.

use std::fs;
use std::path::Path;

use bigannoy::matrix::{
    ByteString, Element, FileRows, MatrixSpec, OnValue, ReadRows, SharedMatrix, Storage,
    ValuePolicy,
};
use bigannoy::{BigMatrix, Descriptor, ElementType};

use crate::conversation::Conversation;
use crate::written_by_r::{all_cells, doubles, same};

fn name_of(descriptor: &Descriptor) -> String {
    let Storage::SharedMemory { name } = descriptor.storage() else { panic!("in shared memory") };
    name.as_str().unwrap().to_owned()
}

/// All names in shared memory that contain `name`, R's counters and semaphores among them.
fn segments(name: &str) -> Vec<String> {
    let names = fs::read_dir("/dev/shm").unwrap();
    let names = names.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|found| found.contains(name)).collect();
    names.sort();
    names
}

fn joined(names: Option<&[ByteString]>) -> String {
    names.map_or("-".to_owned(), |names| {
        names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(",")
    })
}

fn bits(matrix: &BigMatrix) -> Vec<u64> {
    all_cells(matrix).into_iter().map(|(value, _)| value.to_bits()).collect()
}

/// Stores a small number.
fn put(matrix: &mut BigMatrix, row: usize, col: usize, value: u8) {
    fn put<T: Element + From<u8>>(matrix: &mut BigMatrix, row: usize, col: usize, value: u8) {
        matrix.view_mut::<T>().unwrap().column_mut(col)[row] = value.into();
    }
    match matrix.element_type() {
        ElementType::Char => {
            let value = value.try_into().unwrap();
            matrix.view_mut::<i8>().unwrap().column_mut(col)[row] = value;
        }
        ElementType::Short => put::<i16>(matrix, row, col, value),
        ElementType::Raw => put::<u8>(matrix, row, col, value),
        ElementType::Integer => put::<i32>(matrix, row, col, value),
        ElementType::Float => put::<f32>(matrix, row, col, value),
        ElementType::Double => put::<f64>(matrix, row, col, value),
    }
}

fn same_cells(matrix: &BigMatrix, dump: &Path, name: &str) {
    let (ours, theirs) = (all_cells(matrix), doubles(dump));
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (at, (&ours, &theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!(same(ours, theirs), "{name}, cell {at}: {ours:?}, in R {theirs:?}");
    }
}

pub(crate) fn what_r_holds_is_seen_and_what_we_hold_r_sees(seed: i32) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args = [dir.as_os_str().to_owned(), seed.to_string().into()];
    let (mut r, names) = Conversation::start("interop_shared.R", &args);
    let names: Vec<&str> = names.split(' ').collect();
    assert_eq!(names.len(), 6 * 2 + 3);
    for name in &names {
        observe(&mut r, dir, name);
    }
    hold(&mut r, dir, seed);
    let attach = |name: &&str| BigMatrix::attach(dir.join(format!("{name}.desc"))).unwrap();
    let observers: Vec<(&str, BigMatrix)> =
        names.iter().map(|name| (*name, attach(name))).collect();

    // R goes: its segments do, and what is mapped here stays.
    let last: Vec<_> = observers.iter().map(|(_, matrix)| bits(matrix)).collect();
    r.end();
    for ((name, matrix), last) in observers.iter().zip(last) {
        assert_eq!(segments(&name_of(matrix.descriptor())), [""; 0], "{name}");
        assert_eq!(bits(matrix), last, "{name}");
        assert!(BigMatrix::attach(dir.join(name).with_extension("desc")).is_err());
    }
}

/// Looks at and writes to a matrix that R holds.
fn observe(r: &mut Conversation, dir: &Path, name: &str) {
    let text = dir.join(format!("{name}.desc"));
    let rds = dir.join(format!("{name}.rds.desc"));
    let dump = dir.join(format!("{name}.f64"));
    assert_eq!(Descriptor::read(&text).unwrap(), Descriptor::read(&rds).unwrap());
    let segment = name_of(&Descriptor::read(&text).unwrap());
    let (before, users) = (segments(&segment), r.ask(&format!("count {name}")));

    let matrix = BigMatrix::attach(&rds).unwrap();
    assert_eq!(r.ask(&format!("dump {name}")), "done");
    same_cells(&matrix, &dump, name);
    let shown = format!("{}|{}", joined(matrix.row_names()), joined(matrix.col_names()));
    assert_eq!(r.ask(&format!("names {name}")), shown);
    let (mut mapped, rows) = (vec![0.0f64; matrix.ncols()], FileRows::open(&text).unwrap());
    let policy = ValuePolicy::default().missing(OnValue::Replace(0.5));
    matrix.read_rows(1..2, policy, &mut mapped).unwrap();
    let mut read = mapped.clone();
    rows.read_rows(1..2, policy, &mut read).unwrap();
    assert_eq!(mapped, read);
    // Who reads keeps writers of the same process out.
    assert!(BigMatrix::attach_mut(&text).is_err());
    drop((matrix, rows));

    // We write, and R sees it.
    let mut writer = BigMatrix::attach_mut(&text).unwrap();
    put(&mut writer, 1, 0, 77);
    assert_eq!(r.ask(&format!("cell {name} 2 1")), "77", "{name}");
    drop(writer);
    // R writes, and we see it.
    let matrix = BigMatrix::attach(&text).unwrap();
    assert_eq!(r.ask(&format!("put {name} 2 2 99")), "done");
    assert_eq!(all_cells(&matrix)[matrix.nrows() + 1], (99.0, None), "{name}");
    assert_eq!(r.ask(&format!("dump {name}")), "done");
    same_cells(&matrix, &dump, name);
    // Nobody was counted, and nothing was left.
    assert_eq!(r.ask(&format!("count {name}")), users, "{name}");
    assert_eq!(segments(&segment), before, "{name}");
}

/// Makes matrices that R attaches, changes and lets go.
fn hold(r: &mut Conversation, dir: &Path, seed: i32) {
    for element_type in ElementType::ALL {
        for separated in [false, true] {
            let name = format!("ours_{element_type}_{separated}");
            let [text, rds, described] =
                ["desc", "rds.desc", "described"].map(|end| dir.join(format!("{name}.{end}")));
            let mut spec = MatrixSpec::new(element_type, 4, 3).separated(separated);
            if seed % 2 == 0 {
                spec = spec.row_names(["r1", "r2", "", "é"]);
            }
            spec = spec.col_names(["x", "y", "z"]);
            let shared = SharedMatrix::create(&spec).unwrap();
            shared.write_descriptor(&text).unwrap();
            fs::write(&rds, shared.descriptor().to_rds()).unwrap();
            let segment = name_of(shared.descriptor());
            let made = segments(&segment);
            assert_eq!(made.len(), 1 + if separated { 3 } else { 1 });
            let mut writer = shared.attach_mut().unwrap();
            for at in 0..12u8 {
                put(&mut writer, usize::from(at % 4), usize::from(at / 4), 10 + at);
            }
            drop(writer);

            for file in [&text, &rds] {
                assert_eq!(r.ask(&format!("attach {name} {}", file.display())), "done");
                assert_eq!(r.ask(&format!("count {name}")), "2");
                assert_eq!(r.ask(&format!("cell {name} 4 3")), "21");
                assert_eq!(r.ask(&format!("describe {name} {}", described.display())), "done");
                let described = Descriptor::read(&described).unwrap();
                assert_eq!(&described, shared.descriptor(), "{name}");
                assert_eq!(r.ask(&format!("put {name} 1 1 42")), "done");
                let seen = shared.attach().unwrap();
                assert_eq!(all_cells(&seen)[0], (42.0, None), "{name}");
                assert_eq!(r.ask(&format!("drop {name}")), "done");
                // R lets go, and the matrix stays.
                assert!(made.iter().all(|name| segments(&segment).contains(name)), "{name}");
                let counter = fs::read(Path::new("/dev/shm").join(format!("{segment}_counter")));
                assert_eq!(counter.unwrap(), 1i64.to_le_bytes(), "{name}");
            }
            // A window of a window: rows 3 and 4, columns 2 and 3 of the whole.
            let window = shared.descriptor().window(1..4, 1..3).unwrap().window(1..3, 0..2);
            fs::write(&described, window.unwrap().to_text()).unwrap();
            assert_eq!(r.ask(&format!("attach {name} {}", described.display())), "done");
            let corners = [(1, 1, "16"), (2, 1, "17"), (1, 2, "20"), (2, 2, "21")];
            for (row, col, value) in corners {
                assert_eq!(r.ask(&format!("cell {name} {row} {col}")), value, "{name}");
            }
            let names = r.ask(&format!("names {name}"));
            assert!(names.ends_with("|y,z") || names.ends_with("|-"), "{name}: {names}");
            assert_eq!(r.ask(&format!("drop {name}")), "done");
            // The owner goes first: R keeps the numbers, and cleans up after itself.
            assert_eq!(r.ask(&format!("attach {name} {}", text.display())), "done");
            drop(shared);
            assert_eq!(r.ask(&format!("cell {name} 4 3")), "21");
            assert_eq!(r.ask(&format!("drop {name}")), "done");
            assert_eq!(segments(&segment), [""; 0], "{name}");
        }
    }
}
