//! Pictures of the figures: bars of all rows, the full cycle by size, and how long calls keep the master's thread.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::driver::Side;
use crate::figures::{Findings, Line, size};
use crate::units::{shown, whole};
use crate::workload::{GROWTH, Run, Unit};

/// Why a plot cannot be drawn.
pub type Failure = Box<dyn std::error::Error>;
/// Where a plot is drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// For the built-in allocator and for ours, told apart by people who see no red or green, too.
const COLOURS: [RGBColor; 2] = [RGBColor(0xd9, 0x5f, 0x02), RGBColor(0x1f, 0x4e, 0x9e)];

/// File name and SVG of each picture for which there are figures.
///
/// # Errors
/// When the drawing library fails; the text says which picture.
pub fn pictures(findings: &Findings, lines: &[Line]) -> Result<Vec<(&'static str, String)>, String> {
    let mut made = Vec::new();
    let times: Vec<&Line> = lines
        .iter()
        .filter(|line| line.row.unit == Unit::Milliseconds && line.times_less().is_some())
        .collect();
    if !times.is_empty() {
        let height = 180 + 34 * u32::try_from(times.len()).unwrap_or(0);
        made.push(("in-process-times.svg", draw((1080, height), |area| bars(area, &times))?));
    }
    let curves = Side::BOTH.map(|side| cycle_by_size(findings, side));
    if curves.iter().all(|curve| curve.len() > 1) {
        made.push(("in-process-growth.svg", draw((900, 520), |area| growth(area, &curves))?));
    }
    let histograms = Side::BOTH.map(|side| {
        findings
            .told("latency", side)
            .and_then(|told| told.histograms.get("latency"))
            .cloned()
            .unwrap_or_default()
    });
    if histograms.iter().all(|histogram| !histogram.is_empty()) {
        made.push(("in-process-latency.svg", draw((900, 520), |area| latency(area, &histograms))?));
    }
    Ok(made)
}

/// The text of an SVG of a size in pixels, white where nothing is drawn.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Failure::from).and_then(|()| draw(&area));
        drawn
            .and_then(|()| Ok(area.present()?))
            .map_err(|error| format!("a plot cannot be drawn: {error}"))?;
    }
    Ok(text)
}

/// The power of ten at or below a value, and the one at or above.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values
        .filter(|value| *value > 0.0)
        .fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| (low.min(value), high.max(value)));
    let low = 10_f64.powf(least.log10().floor());
    (low, 10_f64.powf(most.log10().ceil()).max(low * 10.0))
}

/// Two bars for each line, on a logarithmic axis.
fn bars(area: &Area<'_>, lines: &[&Line]) -> Result<(), Failure> {
    let medians = lines.iter().flat_map(|line| Side::BOTH.map(|side| line.median(side))).flatten();
    let (low, high) = decades(medians);
    let count = size(u64::try_from(lines.len())?);
    let mut chart = ChartBuilder::on(area)
        .caption("Built-in allocator and ours, medians", ("sans-serif", 22))
        .margin(14)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(470)
        // Below the bars is room for the legend.
        .build_cartesian_2d((low..high).log_scale(), -2.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|value| tick(*value, Unit::Milliseconds))
        .draw()?;
    for (side, colour) in Side::BOTH.into_iter().zip(COLOURS) {
        let above = if side == Side::BuiltIn { 0.5 } else { 0.15 };
        let rectangles = lines.iter().rev().zip(0_u32..).filter_map(|(line, place)| {
            let median = line.median(side).filter(|median| *median > 0.0)?;
            let bottom = f64::from(place) + above;
            Some(Rectangle::new([(low, bottom), (median, bottom + 0.35)], colour.filled()))
        });
        chart
            .draw_series(rectangles)?
            .label(side.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.filled()));
    }
    let style = ("sans-serif", 15).into_font().color(&BLACK).pos(Pos::new(HPos::Right, VPos::Center));
    for (line, place) in lines.iter().rev().zip(0_u32..) {
        let (x, y) = chart.backend_coord(&(low, f64::from(place) + 0.5));
        area.draw(&Text::new(line.row.title, (x - 8, y), style.clone()))?;
    }
    let mut legend = chart.configure_series_labels();
    legend.label_font(("sans-serif", 15)).position(SeriesLabelPosition::LowerRight);
    legend.background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

/// Agents and milliseconds of the runs that were measured.
fn cycle_by_size(findings: &Findings, side: Side) -> Vec<(f64, f64)> {
    let point = |name: &&str| {
        let median = findings.told(name, side)?.series.get("full")?.median()?;
        Some((size(Run::named(name)?.agents), median))
    };
    GROWTH.iter().filter_map(point).collect()
}

fn growth(area: &Area<'_>, curves: &[Vec<(f64, f64)>; 2]) -> Result<(), Failure> {
    let points = || curves.iter().flatten();
    let (low, high) = decades(points().map(|point| point.1));
    let (first, last) =
        points().fold((f64::MAX, 0.0_f64), |(low, high), point| (low.min(point.0), high.max(point.0)));
    let mut chart = ChartBuilder::on(area)
        .caption("Full cycle, 200 frameworks in 100 roles", ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d((first / 1.2..last * 1.2).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .x_desc("agents")
        .x_label_formatter(&|agents| agent_tick(*agents))
        .y_label_formatter(&|value| tick(*value, Unit::Milliseconds))
        .draw()?;
    for ((side, colour), curve) in Side::BOTH.into_iter().zip(COLOURS).zip(curves) {
        chart
            .draw_series(LineSeries::new(curve.clone(), colour.stroke_width(2)))?
            .label(side.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(curve.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
    }
    let mut legend = chart.configure_series_labels();
    legend.label_font(("sans-serif", 15)).position(SeriesLabelPosition::UpperLeft);
    legend.background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

/// Buckets in a power of ten; the driver's.
const BUCKETS: f64 = 10.0;

fn latency(area: &Area<'_>, histograms: &[Vec<(f64, u64)>; 2]) -> Result<(), Failure> {
    let (low, high) = decades(histograms.iter().flatten().map(|bucket| bucket.0));
    let most = histograms.iter().flatten().map(|bucket| bucket.1).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(area)
        .caption("Time that a call keeps the master's thread", ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d((low..high * 1.3).log_scale(), (0.5..size(most) * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .y_desc("calls")
        .x_label_formatter(&|value| tick(*value, Unit::Microseconds))
        .y_label_formatter(&|count| whole_of(*count))
        .draw()?;
    let width = 10_f64.powf(1.0 / BUCKETS);
    for ((side, colour), histogram) in Side::BOTH.into_iter().zip(COLOURS).zip(histograms) {
        let bars = histogram.iter().map(|(begin, count)| {
            Rectangle::new([(*begin, 0.5), (begin * width, size(*count))], colour.mix(0.55).filled())
        });
        chart
            .draw_series(bars)?
            .label(side.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.55).filled()));
    }
    let mut legend = chart.configure_series_labels();
    legend.label_font(("sans-serif", 15)).position(SeriesLabelPosition::UpperRight);
    legend.background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}

/// A value on an axis: whole numbers only, as axes have powers of ten.
fn tick(value: f64, unit: Unit) -> String {
    shown(value, unit).replace(".00 ", " ").replace(".0 ", " ")
}

/// Agents on an axis: not so many that they overlap.
fn agent_tick(agents: f64) -> String {
    let first = agents / 10_f64.powf(agents.log10().floor());
    let shown = [1.0, 2.0, 5.0].iter().any(|digit| (first - digit).abs() < 0.01);
    if shown { whole_of(agents) } else { String::new() }
}

/// A count on an axis.
fn whole_of(count: f64) -> String {
    format!("{count:.0}").parse().map_or_else(|_| String::new(), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Sample, Series, Told};
    use crate::workload::ROWS;

    #[test]
    fn every_picture_is_drawn_from_full_findings_and_none_from_empty_ones() {
        let mut findings = Findings::default();
        for (side, value) in [(Side::BuiltIn, 250.0), (Side::Ours, 9.0)] {
            for name in GROWTH.iter().copied().chain(["latency"]) {
                let samples = vec![Sample { value, offers: Some(10) }];
                findings.add(
                    name,
                    side,
                    Told {
                        series: [("full".to_owned(), Series { samples })].into(),
                        histograms: [("latency".to_owned(), vec![(1.0, 3), (10.0, 1)])].into(),
                        cut_after: None,
                    },
                );
            }
        }
        let lines: Vec<Line> = ROWS.iter().map(|row| Line::of(row, &findings)).collect();
        let made = pictures(&findings, &lines).unwrap();
        assert_eq!(made.len(), 3);
        assert!(made.iter().all(|(_, svg)| svg.contains("built-in") && svg.contains("ours")));
        assert!(made[0].1.contains("full cycle, 10,000 agents"));
        assert!(pictures(&Findings::default(), &[]).unwrap().is_empty());
    }
}
