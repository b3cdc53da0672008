//! Plots of lines, before they are drawn.

use std::path::Path;

use crate::{ReportError, draw, output};

/// An axis: what it measures, in which unit, and how it is spaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) is_log: bool,
}

impl Axis {
    /// Equal steps for equal differences. The label names the unit.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Axis { label: label.into(), is_log: false }
    }

    /// Equal steps for equal ratios: for positive numbers.
    #[must_use]
    pub fn log(label: impl Into<String>) -> Self {
        Axis { label: label.into(), is_log: true }
    }

    pub(crate) fn has_place_for(&self, value: f64) -> bool {
        value.is_finite() && (!self.is_log || value > 0.0)
    }
}

/// A line through points, with its name in the legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over two axes, with a title and a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    pub(crate) note: String,
}

impl Plot {
    /// A plot without lines.
    #[must_use]
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Plot { title: title.into(), x, y, lines: Vec::new(), note: String::new() }
    }

    /// Adds a line through `points`, in their order, each marked.
    ///
    /// Points that the axes have no place for are left out; a line without points is not drawn.
    #[must_use]
    pub fn line(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let has_place = |&(x, y): &(f64, f64)| self.x.has_place_for(x) && self.y.has_place_for(y);
        let points: Vec<_> = points.into_iter().filter(has_place).collect();
        if !points.is_empty() {
            self.lines.push(Line { name: name.into(), points });
        }
        self
    }

    /// Says under the plot, in a report, how to read it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether there is no point to be seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The plot as SVG, 760 x 440 units and room for the legend below.
    #[must_use]
    pub fn to_svg(&self) -> String {
        draw::svg(self)
    }

    /// The plot as PNG, twice as many pixels each way as [`Plot::to_svg`] has units.
    ///
    /// # Errors
    /// [`ReportError::Draw`] if it cannot be turned into pixels.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        draw::png(self)
    }

    /// Writes the plot to `path`, as SVG or PNG by the ending of the name. A file that is there is
    /// replaced.
    ///
    /// # Errors
    /// [`ReportError`]: another ending, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => output::write(path, self.to_svg().as_bytes()),
            Some("png") => output::write(path, &self.to_png()?),
            _ => {
                let path = path.to_path_buf();
                Err(ReportError::Ending { path, expected: ".svg or .png" })
            }
        }
    }
}
