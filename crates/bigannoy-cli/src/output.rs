//! Where neighbors go, by what was asked for.

use std::io::{self, IsTerminal};
use std::path::Path;

use bigannoy::sink::{CsvSink, NpySink};
use bigannoy::{Destination, MatrixSink, NeighborSink};

use crate::args::Output;
use crate::failure::Failure;
use crate::told;

/// What a file is to hold, by how its name ends.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Csv,
    Npy,
    Matrix,
}

fn kind(path: &Path) -> Kind {
    let is = |name: &str| path.extension().is_some_and(|end| end.eq_ignore_ascii_case(name));
    if is("csv") {
        Kind::Csv
    } else if is("npy") {
        Kind::Npy
    } else {
        Kind::Matrix
    }
}

impl Output {
    /// The sink: standard output where no file was named.
    pub(crate) fn sink(&self) -> Result<Box<dyn NeighborSink + '_>, Failure> {
        let Some(ids) = &self.ids else {
            return Ok(Box::new(CsvSink::new(told::stdout())));
        };
        if let Some(distances) = &self.distances {
            if kind(ids) == Kind::Csv {
                let table = ids.display();
                return Err(
                    format!("{table} takes the distances too: leave out --distances").into()
                );
            }
            if kind(ids) != kind(distances) {
                let (ids, distances) = (ids.display(), distances.display());
                return Err(format!(
                    "{ids} and {distances} are of different kinds, expected two matrices or two .npy \
                     files"
                )
                .into());
            }
        }
        Ok(match kind(ids) {
            Kind::Csv => Box::new(CsvSink::create(ids)),
            Kind::Npy => {
                let sink = NpySink::create(ids);
                Box::new(match &self.distances {
                    Some(distances) => sink.distances(distances),
                    None => sink,
                })
            }
            Kind::Matrix => {
                let sink = MatrixSink::new(Destination::path_or_create(ids));
                Box::new(match &self.distances {
                    Some(distances) => sink.distances(Destination::path_or_create(distances)),
                    None => sink,
                })
            }
        })
    }

    /// Whether it is worthwhile to show how far the work is: lines on the terminal do by themselves.
    pub(crate) fn wants_progress(&self) -> bool {
        self.ids.is_some() || !io::stdout().is_terminal()
    }

    /// The files, as they begin the line that tells of the work; `None` for standard output.
    pub(crate) fn files(&self) -> Option<String> {
        let ids = self.ids.as_ref()?.display();
        Some(match &self.distances {
            Some(distances) => format!("{ids}, {}", distances.display()),
            None => ids.to_string(),
        })
    }
}
