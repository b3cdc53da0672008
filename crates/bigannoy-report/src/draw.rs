//! The only place that knows the library that draws.

use kuva::plot::legend::LegendPosition;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot as Drawn;

use crate::{Axis, Plot, ReportError};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// What a row of the legend below takes, in which there are four names.
const LEGEND_ROW: f64 = 18.0;
/// What keeps the label of the lower axis off the legend.
const X_LABEL_RISE: f64 = 6.0;
/// Pixels to a unit, each way.
const SCALE: f32 = 2.0;

/// Colors that stay apart for people who do not see all of them, dark enough on white; lines beyond
/// them begin anew, dashed.
const COLORS: [&str; 10] = [
    "#0b5cad", "#c2410c", "#0f766e", "#a21caf", "#65700a", "#b91c1c", "#4338ca", "#0e7490",
    "#7c4a12", "#404040",
];

pub(crate) fn svg(plot: &Plot) -> String {
    let (drawn, layout) = scene(plot);
    kuva::render_to_svg(drawn, layout)
}

pub(crate) fn png(plot: &Plot) -> Result<Vec<u8>, ReportError> {
    let (drawn, layout) = scene(plot);
    kuva::render_to_png(drawn, layout, SCALE).map_err(|problem| ReportError::Draw {
        title: plot.title.clone(),
        problem: problem.clone(),
    })
}

fn scene(plot: &Plot) -> (Vec<Drawn>, Layout) {
    let mut drawn: Vec<Drawn> = Vec::new();
    for (at, line) in plot.lines.iter().enumerate() {
        let color = COLORS[at % COLORS.len()];
        let points = || line.points.iter().copied();
        let mut path = LinePlot::new()
            .with_data(points())
            .with_color(color)
            .with_stroke_width(2.0)
            .with_legend(plain(&line.name));
        if at >= COLORS.len() {
            path = path.with_dashed();
        }
        drawn.push(path.into());
        drawn.push(ScatterPlot::new().with_data(points()).with_color(color).with_size(3.5).into());
    }
    let mut layout = Layout::auto_from_plots(&drawn)
        .with_width(WIDTH)
        .with_height(HEIGHT + LEGEND_ROW * legend_rows(plot))
        .with_title(plain(&plot.title))
        .with_x_label(plain(&labelled(&plot.x)))
        .with_y_label(plain(&labelled(&plot.y)))
        .with_x_label_offset(0.0, -X_LABEL_RISE)
        .with_legend_position(LegendPosition::OutsideBottomColumns)
        .with_legend_box(false);
    if plot.x.is_log {
        layout = layout.with_log_x();
    }
    if plot.y.is_log {
        layout = layout.with_log_y();
    }
    (drawn, layout)
}

#[expect(clippy::cast_precision_loss, reason = "a number of lines")]
fn legend_rows(plot: &Plot) -> f64 {
    plot.lines.len().div_ceil(4) as f64
}

fn labelled(axis: &Axis) -> String {
    if axis.is_log { format!("{} (log scale)", axis.label) } else { axis.label.clone() }
}

/// Text in which nothing is a formula, and nothing but text.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}").replace('$', "\\$")
}
