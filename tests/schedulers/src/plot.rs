//! What an experiment found, as a picture: utilisation, waits and conflict fraction against the decision time.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::experiment::{Mode, Point};

/// A picture that cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plot cannot be drawn: {0}")]
pub struct CannotPlot(String);

const SIZE: (u32, u32) = (900, 1260);
/// One for each mode, told apart by people who see no red or green, too.
const COLOURS: [RGBColor; 2] = [RGBColor(0x1f, 0x4e, 0x9e), RGBColor(0xd9, 0x5f, 0x02)];
/// What the axis of a quantity covers at least.
const LEAST_TOP: f64 = 0.1;

/// A quantity that is plotted.
struct Panel {
    caption: &'static str,
    unit: &'static str,
    value: fn(&Point) -> Option<f64>,
    /// Upper end of the axis, if it does not depend on what is plotted.
    top: Option<f64>,
    /// Where the lines are told apart, and are not.
    legend: SeriesLabelPosition,
}

const PANELS: [Panel; 3] = [
    Panel {
        caption: "Utilisation of cpus",
        unit: "part of all cpus",
        value: |point| Some(point.outcome.utilisation),
        top: Some(1.0),
        legend: SeriesLabelPosition::LowerLeft,
    },
    Panel {
        caption: "Wait of batch jobs for their first decision",
        unit: "seconds on average",
        value: |point| point.outcome.batch.wait_mean,
        top: None,
        legend: SeriesLabelPosition::UpperLeft,
    },
    Panel {
        caption: "Conflict fraction",
        unit: "conflicts per lent launch",
        value: |point| point.conflict_fraction,
        top: None,
        legend: SeriesLabelPosition::UpperRight,
    },
];

/// Draws the points as SVG.
///
/// # Errors
/// [`CannotPlot`] without points, or when the drawing library fails.
pub fn svg(points: &[Point]) -> Result<String, CannotPlot> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, points).map_err(|error| CannotPlot(error.to_string()))?;
    }
    Ok(text)
}

type Failure = Box<dyn std::error::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(area: &Area<'_>, points: &[Point]) -> Result<(), Failure> {
    area.fill(&WHITE)?;
    for (part, panel) in area.split_evenly((PANELS.len(), 1)).iter().zip(PANELS) {
        draw_panel(part, &panel, points)?;
    }
    area.present()?;
    Ok(())
}

fn draw_panel(area: &Area<'_>, panel: &Panel, points: &[Point]) -> Result<(), Failure> {
    let times = points.iter().map(|point| point.decision_time);
    let (first, last) =
        times.fold((f64::INFINITY, 0.0_f64), |(low, high), time| (low.min(time), high.max(time)));
    if !(first > 0.0 && first.is_finite()) {
        return Err("found no decision time, expected one or more above zero".into());
    }
    let highest = points.iter().filter_map(panel.value).fold(LEAST_TOP, f64::max);
    let top = panel.top.unwrap_or(highest * 1.1);
    // A logarithmic axis needs two different ends.
    let times = (first / 1.1..last * 1.1).log_scale();
    let mut chart = ChartBuilder::on(area)
        .caption(panel.caption, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(times, 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .x_desc("seconds that a service scheduler takes to decide (t_job)")
        .y_desc(panel.unit)
        .x_label_formatter(&|time| format!("{time}"))
        .y_label_formatter(&|value| if top > 10.0 { format!("{value:.0}") } else { format!("{value:.2}") })
        .draw()?;
    for (mode, colour) in Mode::ALL.into_iter().zip(COLOURS) {
        let line: Vec<(f64, f64)> = points
            .iter()
            .filter(|point| point.mode == mode)
            .filter_map(|point| Some((point.decision_time, (panel.value)(point)?)))
            .collect();
        if line.is_empty() {
            continue;
        }
        let dots = line.clone();
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(mode.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(dots.into_iter().map(|dot| Circle::new(dot, 4, colour.filled())))?;
    }
    let mut legend = chart.configure_series_labels();
    legend
        .label_font(("sans-serif", 15))
        .position(panel.legend.clone())
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Experiment, LendingSpec, WorkloadSpec};

    fn points(decision_times: &[u64]) -> Vec<Point> {
        let experiment = Experiment {
            workload: WorkloadSpec::new(10),
            decision_times: decision_times.iter().copied().map(Duration::from_secs).collect(),
            seed: 1,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(300),
            attempts: 1000,
            refuse_seconds: 5.0,
            lending: LendingSpec::default(),
        };
        experiment.run(|_| {}).unwrap()
    }

    #[test]
    fn all_quantities_are_drawn_with_a_dot_for_each_point() {
        let points = points(&[1, 10]);
        let picture = svg(&points).unwrap();
        let dots: usize = PANELS.iter().map(|panel| points.iter().filter_map(panel.value).count()).sum();
        assert!(dots > points.len(), "some were lent something");
        assert_eq!(picture.matches("<circle").count(), dots);
        for text in PANELS.iter().map(|panel| panel.caption).chain(Mode::ALL.map(Mode::name)) {
            assert!(picture.contains(text), "{text}");
        }
    }

    #[test]
    fn one_decision_time_is_enough_and_none_is_an_error() {
        assert!(svg(&points(&[3])).is_ok());
        let error = svg(&[]).unwrap_err().to_string();
        assert!(error.contains("found no decision time"), "{error}");
    }
}
