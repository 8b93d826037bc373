//! Pictures of the figures: cost by size, and what corrected weights do.

use apportion_bench::plot::{Area, Failure, draw};
use apportion_bench::units::whole;
use plotters::prelude::*;

use crate::figures::{CellFigures, SizeFigures, number};

/// File name of the picture of cost by size.
pub const COST: &str = "scale-cost.svg";
/// File name of the picture of corrections.
pub const CORRECTION: &str = "scale-correction.svg";

/// One for each curve, told apart by people who see no red or green, too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x4e, 0x9e),
    RGBColor(0xd9, 0x5f, 0x02),
    RGBColor(0x7a, 0x7a, 0x7a),
    RGBColor(0x00, 0x8f, 0x7a),
    RGBColor(0x8b, 0x3f, 0x96),
    RGBColor(0x00, 0x00, 0x00),
];

/// A value of a size that is drawn, and what it is called.
type Curve = (&'static str, fn(&SizeFigures) -> f64);

const CURVES: [Curve; 6] = [
    ("all agents register", |size| size.register_ms),
    ("full cycle", |size| size.full_ms),
    ("one framework revives", |size| size.revive_ms),
    ("a busy second, calls and batch", |size| size.second.calls_ms + size.second.batch_ms),
    ("a batch on a filtered cluster", |size| size.filtered_ms),
    ("a batch with nothing free", |size| size.nothing_free_ms),
];

/// Cost by size, on logarithmic axes.
///
/// # Errors
/// Without two sizes, or when the drawing library fails.
pub fn cost(sizes: &[SizeFigures]) -> Result<String, String> {
    if sizes.len() < 2 {
        return Err(format!("found {} sizes, expected two or more to draw a curve", sizes.len()));
    }
    draw((960, 620), |area| cost_on(area, sizes))
}

fn cost_on(area: &Area<'_>, sizes: &[SizeFigures]) -> Result<(), Failure> {
    let values = CURVES.iter().flat_map(|(_, value)| sizes.iter().map(value)).filter(|value| *value > 0.0);
    let (low, high) =
        values.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let agents = sizes.iter().map(|size| number(size.agents));
    let (first, last) =
        agents.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let mut chart = ChartBuilder::on(area)
        .caption("Processor time of the allocator's thread, by size of the cluster", ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(50)
        .y_label_area_size(90)
        .build_cartesian_2d(
            (first / 1.3..last * 1.3).log_scale(),
            // Room for the legend above the curves.
            (10_f64.powf(low.log10().floor())..10_f64.powf(high.log10().ceil() + 1.5)).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .x_desc("agents")
        .y_desc("milliseconds")
        .x_label_formatter(&|agents| count(*agents))
        .y_label_formatter(&|value| format!("{value}"))
        .draw()?;
    for ((name, value), colour) in CURVES.into_iter().zip(COLOURS) {
        let points: Vec<(f64, f64)> = sizes
            .iter()
            .map(|size| (number(size.agents), value(size)))
            .filter(|point| point.1 > 0.0)
            .collect();
        let dots = points.clone();
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(dots.into_iter().map(|dot| Circle::new(dot, 4, colour.filled())))?;
    }
    let mut legend = chart.configure_series_labels();
    legend.label_font(("sans-serif", 15)).position(SeriesLabelPosition::UpperLeft);
    legend.background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

/// What corrected weights do to the largest difference of shares, epoch by epoch.
///
/// # Errors
/// When the drawing library fails.
pub fn correction(cells: &CellFigures) -> Result<String, String> {
    draw((960, 520), |area| correction_on(area, cells))
}

fn correction_on(area: &Area<'_>, cells: &CellFigures) -> Result<(), Failure> {
    let both = cells.corrections.iter().flat_map(|line| line.corrected.iter().chain(&line.left_alone));
    let top = both.copied().fold(0.1, f64::max) * 1.15;
    let epochs = cells.corrections.iter().map(|line| line.corrected.len()).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(area)
        .caption("Corrected weights bring shares together (dashed: left alone)", ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..number(epochs), 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .x_desc("epochs, in each of which some of all tasks end")
        .y_desc("largest difference, % of the cluster")
        .draw()?;
    for (line, colour) in cells.corrections.iter().zip(COLOURS) {
        let points = |values: &[f64]| -> Vec<(f64, f64)> {
            values.iter().enumerate().map(|(epoch, value)| (number(epoch), *value)).collect()
        };
        chart
            .draw_series(LineSeries::new(points(&line.corrected), colour.stroke_width(2)))?
            .label(format!("{} cells", line.cells))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(DashedLineSeries::new(points(&line.left_alone), 6, 5, colour.stroke_width(1)))?;
    }
    let mut legend = chart.configure_series_labels();
    legend.label_font(("sans-serif", 15)).position(SeriesLabelPosition::UpperRight);
    legend.background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

/// Agents on an axis: not so many that they overlap.
fn count(agents: f64) -> String {
    let first = agents / 10_f64.powf(agents.log10().floor());
    let shown = [1.0, 2.0, 5.0].iter().any(|digit| (first - digit).abs() < 0.01);
    let text = format!("{agents:.0}");
    if shown { text.parse().map_or(text, whole) } else { String::new() }
}
