//! The only place that knows the library that draws.

use std::sync::Arc;

use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot as Drawn;

use crate::table::grouped;
use crate::{Axis, Plot, ReportError};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// What a row of the legend below takes.
const LEGEND_ROW: f64 = 18.0;
/// Names in a row of the legend, at most.
const LEGEND_COLUMNS: usize = 4;
/// Left of the plot, for the labels of its axis; and right of it, for half of the last label below.
const MARGINS: (f64, f64) = (92.0, 32.0);
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
    let mut legend = Vec::new();
    for (at, line) in plot.lines.iter().enumerate() {
        let color = COLORS[at % COLORS.len()];
        let points = || line.points.iter().copied();
        let mut path = LinePlot::new().with_data(points()).with_color(color).with_stroke_width(2.0);
        if at >= COLORS.len() {
            path = path.with_dashed();
        }
        legend.push(LegendEntry {
            label: plain(&line.name),
            color: color.into(),
            shape: LegendShape::Line,
            dasharray: path.line_style.dasharray(),
        });
        drawn.push(path.into());
        drawn.push(ScatterPlot::new().with_data(points()).with_color(color).with_size(3.5).into());
    }
    let mut layout = Layout::auto_from_plots(&drawn)
        .with_width(WIDTH)
        .with_height(HEIGHT + LEGEND_ROW * legend_rows(plot))
        .with_title(plain(&plot.title))
        .with_x_label(plain(&labelled(&plot.x)))
        .with_y_label(plain(&labelled(&plot.y)))
        .with_force_margins(MARGINS.0, MARGINS.1)
        .with_tick_format(TickFormat::Custom(Arc::new(tick)))
        .with_x_label_offset(0.0, -X_LABEL_RISE)
        .with_legend_entries(legend)
        .with_legend_col_limit(LEGEND_COLUMNS)
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
    plot.lines.len().div_ceil(LEGEND_COLUMNS) as f64
}

fn labelled(axis: &Axis) -> String {
    if axis.is_log { format!("{} (log scale)", axis.label) } else { axis.label.clone() }
}

/// A number beside an axis: up to four digits that matter, thousands apart, and no powers of ten
/// between a billionth and a billion.
fn tick(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-9..1e9).contains(&size) {
        return format!("{value:e}");
    }
    // The library adds steps up, so that 0.3 may come as 0.30000000000000004.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let decimals = (3.0 - size.max(1e-9).log10().floor()).clamp(0.0, 12.0) as usize;
    let digits = format!("{value:.decimals$}");
    grouped(match decimals {
        0 => &digits,
        _ => digits.trim_end_matches('0').trim_end_matches('.'),
    })
}

/// Text in which nothing is a formula, and nothing but text.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}").replace('$', "\\$")
}

#[cfg(test)]
mod tests {
    use super::tick;

    #[test]
    fn ticks_are_numbers_as_people_write_them() {
        let written = [
            (0.0, "0"),
            (0.01, "0.01"),
            (0.1 + 0.2, "0.3"),
            (0.05, "0.05"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (20.0, "20"),
            (999.0, "999"),
            (10_000.0, "10,000"),
            (-1_000_000.0, "-1,000,000"),
            (1e12, "1e12"),
            (2e-12, "2e-12"),
        ];
        for (value, expected) in written {
            assert_eq!(tick(value), expected);
        }
    }
}
