//! Tables and plots of measurements, and one page that shows them.
//!
//! A [`Table`] goes to CSV (with a header, for R and spreadsheets) or to JSON lines. A [`Plot`] of
//! lines over one or two logarithmic axes goes to SVG or PNG; no display and no installed font is
//! needed. A [`Report`] holds both and becomes a single HTML file: no scripts, no other files, no
//! network.
//!
//! ```
//! use bigannoy_report::{Axis, Cell, Plot, Report, Table};
//!
//! let mut table = Table::new(["n_trees", "recall_at_k", "note"]);
//! table.push([Cell::from(10_u64), Cell::from(0.875), Cell::Missing]);
//! assert_eq!(table.to_csv(), "n_trees,recall_at_k,note\n10,0.875,NA\n");
//!
//! let plot = Plot::new("Recall", Axis::linear("recall at 10"), Axis::log("queries per second"))
//!     .line("10 trees", [(0.875, 12_000.0), (0.97, 4_000.0)]);
//! assert!(plot.to_svg().starts_with("<svg"));
//!
//! let page = Report::new("A comparison").plot(plot).table("All runs", table).to_html();
//! assert!(page.contains("<svg") && page.contains("<table"));
//! # Ok::<(), bigannoy_report::ReportError>(())
//! ```
//!
//! # Limits
//! It measures nothing and knows nothing of neighbors. Points that are not finite, and points that
//! are not positive on a logarithmic axis, have no place in a plot and are left out.
#![forbid(unsafe_code)]

mod draw;
mod error;
mod output;
mod page;
mod plot;
mod table;

pub use error::ReportError;
pub use output::{Format, write_table};
pub use page::Report;
pub use plot::{Axis, Plot};
pub use table::{Cell, Table};
