//! The file-backed workflow, from matrices that R wrote to neighbors that R attaches.
//!
//! Run it from anywhere in the repository: `cargo run --release --example file_backed`
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::Path;

use bigannoy::matrix::{MatrixSpec, NewMatrix};
use bigannoy::{
    BigMatrix, BuildOptions, Descriptor, Destination, ElementType, MatrixSink, Metric,
    NeighborBlock, SearchOptions,
};

fn main() -> Result<(), Box<dyn Error>> {
    // Five reference rows and two queries, written by R 4.2.2 with bigmemory 4.6.1.
    let from_r = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/annoy/seed");
    let reference = from_r.join("ref.desc");
    let query = from_r.join("query.desc");
    let directory = tempfile::tempdir()?;
    let out = |name: &str| directory.path().join(name);
    println!("reference  {}", shape(&BigMatrix::attach(&reference)?));
    println!("query      {}", shape(&BigMatrix::attach(&query)?));

    // The index is built from the descriptor's path: no matrix needs to be attached for it.
    let build = BuildOptions::new(Metric::Euclidean).trees(25).seed(99);
    let index = bigannoy::build(&reference, out("ref.ann"), &build)?;
    println!("built      {} trees, loaded: {}", 25, index.is_loaded());

    // The queries as a live matrix, as a descriptor, and as a path.
    let search = SearchOptions::new(2).search_k(100);
    let live = BigMatrix::attach(&query)?;
    let found = index.search(&live, &search)?.neighbors;
    let by_descriptor = index.search(&Descriptor::read(&query)?, &search)?.neighbors;
    let by_path = index.search(&query, &search)?.neighbors;
    println!("searched   loaded: {}", index.is_loaded());
    print(&found);

    // Streamed into two matrices that exist already, in two different forms.
    let (ids, distances) = (out("nn_index.desc"), out("nn_distance.desc"));
    NewMatrix::create(&ids, &MatrixSpec::new(ElementType::Integer, 2, 2))?.finish()?;
    NewMatrix::create(&distances, &MatrixSpec::new(ElementType::Double, 2, 2))?.finish()?;
    let mut live_ids = BigMatrix::attach_mut(&ids)?;
    let mut sink =
        MatrixSink::new(Destination::live(&mut live_ids)).distances(Destination::path(&distances));
    index.search_into(&query, &search, &mut sink)?;
    drop(sink);
    drop(live_ids);

    // Reattached, they hold the same; and so does a search with separated columns.
    let streamed = reattach(&ids, &distances)?;
    let separated = index.search(&from_r.join("query_sep.desc"), &search)?.neighbors;
    for (what, same) in [
        ("descriptor", by_descriptor == found),
        ("path", by_path == found),
        ("streamed", streamed == found),
        ("separated", separated == found),
    ] {
        println!("{what:<11}{}", if same { "agrees" } else { "DIFFERS" });
        if !same {
            return Err(format!("the search by {what} found something else").into());
        }
    }
    directory.close()?;
    Ok(())
}

/// Reads neighbors back from the matrices that they were streamed into.
fn reattach(ids: &Path, distances: &Path) -> Result<NeighborBlock, Box<dyn Error>> {
    let (ids, distances) = (BigMatrix::attach(ids)?, BigMatrix::attach(distances)?);
    let (item, distance) = (ids.view::<i32>()?, distances.view::<f64>()?);
    let mut block = NeighborBlock::new(ids.nrows(), ids.ncols());
    for (row, mut neighbors) in block.rows_mut().enumerate() {
        neighbors.fill((0..ids.ncols()).map(|rank| bigannoy::Neighbor {
            item: item.get(row, rank).cast_unsigned() - 1,
            #[expect(clippy::cast_possible_truncation, reason = "it was an f32 before")]
            distance: distance.get(row, rank) as f32,
        }));
    }
    Ok(block)
}

fn shape(matrix: &BigMatrix) -> String {
    format!("{} x {} of type {}", matrix.nrows(), matrix.ncols(), matrix.element_type())
}

fn print(neighbors: &NeighborBlock) {
    for (query, row) in neighbors.rows().enumerate() {
        // Counted from 1, as in R.
        let found: Vec<String> =
            row.iter().map(|near| format!("{} ({:.3})", near.item + 1, near.distance)).collect();
        println!("query {}    {}", query + 1, found.join(", "));
    }
}
