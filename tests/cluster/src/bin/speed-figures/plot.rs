//! The figures as pictures.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Failure;
use crate::figures::{Books, Found, Level, Size, Spread, Step};
use crate::host::Allocator;
use crate::page::number;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One for each allocator, told apart by people who see no red or green, too.
const COLOURS: [RGBColor; 2] = [RGBColor(0xd9, 0x5f, 0x02), RGBColor(0x1f, 0x4e, 0x9e)];
const WIDTH: u32 = 960;
const HEAD: i32 = 70;
const BAR: i32 = 15;
/// Height of both bars of a figure, and the space below them.
const GROUP: i32 = 2 * BAR + 14;
/// Where the bars begin, and how long the longest is.
const LEFT: i32 = 430;
const LONGEST: f64 = 420.0;

/// The steps whose growth is drawn.
const GROWING: [Step; 3] = [Step::Cycle, Step::JoinQuiet, Step::ReviveFiltered];

const MEMORY: [Level; 4] =
    [Level::MemoryCycle, Level::MemoryJoin, Level::MemoryFiltered, Level::PeakFiltered];
const ANSWERS: [Level; 6] = [
    Level::HealthMedian,
    Level::HealthWorst,
    Level::PageMedian,
    Level::PageWorst,
    Level::MetricsMedian,
    Level::MetricsWorst,
];

/// A figure of both allocators, in their order.
type Bars = Vec<(&'static str, [f64; 2])>;

/// File names of the pictures of a run, and what they show.
pub(crate) fn names(found: &Found) -> Vec<(&'static str, &'static str)> {
    let mut names = Vec::new();
    if let Some(size) = largest(found) {
        let all = charts(size).into_iter().filter(|chart| !chart.bars.is_empty());
        names.extend(all.map(|chart| (chart.file, chart.caption)));
    }
    if found.sizes.len() > 1 {
        names.push(("end-to-end-growth.svg", "Time against the number of agents"));
    }
    names
}

/// File names and contents of the pictures of a run.
pub(crate) fn pictures(found: &Found) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut pictures = Vec::new();
    if let Some(size) = largest(found) {
        for chart in charts(size).into_iter().filter(|chart| !chart.bars.is_empty()) {
            let height = HEAD + GROUP * i32::try_from(chart.bars.len())? + 10;
            let picture = svg(u32::try_from(height)?, |area| chart.draw(area, size))?;
            pictures.push((chart.file, picture));
        }
    }
    if found.sizes.len() > 1 {
        pictures.push(("end-to-end-growth.svg", svg(1260, |area| draw_growth(area, found))?));
    }
    Ok(pictures)
}

fn largest(found: &Found) -> Option<&Size> {
    found.sizes.iter().max_by_key(|size| size.agents)
}

fn svg(height: u32, draw: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> Result<String, Failure> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(cannot)?;
        draw(&area)?;
        area.present().map_err(cannot)?;
    }
    Ok(text)
}

fn cannot(error: impl std::fmt::Display) -> Failure {
    format!("a picture cannot be drawn: {error}").into()
}

/// Bars on a scale of powers of ten, or on an even one.
struct Chart {
    file: &'static str,
    caption: &'static str,
    unit: &'static str,
    is_logarithmic: bool,
    bars: Bars,
}

fn charts(size: &Size) -> [Chart; 4] {
    let steps = |of: fn(&Books, Step) -> Option<Spread>| bars(size, &Step::ALL, Step::caption, of);
    let levels = |levels: &[Level]| bars(size, levels, Level::caption, Books::level);
    let chart =
        |file, caption, unit, is_logarithmic, bars| Chart { file, caption, unit, is_logarithmic, bars };
    [
        chart("end-to-end-time.svg", "Time from trigger to end", "ms", true, steps(Books::wall)),
        chart("end-to-end-processor.svg", "Processor time of the master", "ms", true, steps(Books::cpu)),
        chart(
            "end-to-end-answers.svg",
            "Pages of a master that has nothing to give",
            "ms",
            true,
            levels(&ANSWERS),
        ),
        chart("end-to-end-memory.svg", "Memory of the master", "MB", false, levels(&MEMORY)),
    ]
}

fn bars<Figure: Copy>(
    size: &Size,
    all: &[Figure],
    caption: fn(Figure) -> &'static str,
    of: impl Fn(&Books, Figure) -> Option<Spread>,
) -> Bars {
    let bar = |figure: &Figure| {
        let both = (of(&size.built_in, *figure)?, of(&size.ours, *figure)?);
        Some((caption(*figure), [both.0.median, both.1.median]))
    };
    all.iter().filter_map(bar).collect()
}

impl Chart {
    fn draw(&self, area: &Area<'_>, size: &Size) -> Result<(), Failure> {
        let scale = if self.is_logarithmic { ", logarithmic" } else { "" };
        let title = format!("{} ({}{scale})", self.caption, self.unit);
        area.draw(&Text::new(title, (12, 10), ("sans-serif", 20).into_font())).map_err(cannot)?;
        area.draw(&Text::new(size.name(), (12, 38), ("sans-serif", 15).into_font())).map_err(cannot)?;
        for (place, (allocator, colour)) in (0..).zip(Allocator::BOTH.into_iter().zip(COLOURS)) {
            let left = 560 + place * 130;
            area.draw(&Rectangle::new([(left, 40), (left + 14, 52)], colour.filled())).map_err(cannot)?;
            let text = Text::new(allocator.name(), (left + 20, 38), ("sans-serif", 15).into_font());
            area.draw(&text).map_err(cannot)?;
        }
        let right = TextStyle::from(("sans-serif", 14).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
        let left = TextStyle::from(("sans-serif", 13).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
        for (place, (caption, both)) in (0..).zip(&self.bars) {
            let top = HEAD + place * GROUP;
            let text = Text::new(caption.to_owned(), (LEFT - 10, top + BAR), right.clone());
            area.draw(&text).map_err(cannot)?;
            for (row, (value, colour)) in (0..).zip(both.iter().zip(COLOURS)) {
                let (top, end) = (top + row * BAR, LEFT + self.length(*value));
                let corners = [(LEFT, top + 1), (end, top + BAR - 1)];
                area.draw(&Rectangle::new(corners, colour.filled())).map_err(cannot)?;
                area.draw(&Text::new(number(*value), (end + 6, top + BAR / 2), left.clone()))
                    .map_err(cannot)?;
            }
        }
        Ok(())
    }

    /// In pixels; what is too small to be measured has one.
    fn length(&self, value: f64) -> i32 {
        let all = || self.bars.iter().flat_map(|(_, both)| both.iter().copied());
        let most = all().fold(0.0, f64::max);
        let part = if self.is_logarithmic {
            let least = all().filter(|value| *value > 0.0).fold(most, f64::min) / 2.0;
            if value > 0.0 && most > 0.0 { (value / least).ln() / (most / least).ln() } else { 0.0 }
        } else {
            value / most
        };
        pixels(part.clamp(0.0, 1.0) * LONGEST).max(1)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a place in a picture, far below the limits")]
fn pixels(length: f64) -> i32 {
    length.round() as i32
}

fn draw_growth(area: &Area<'_>, found: &Found) -> Result<(), Failure> {
    for (part, step) in area.split_evenly((GROWING.len(), 1)).iter().zip(GROWING) {
        draw_step(part, step, found)?;
    }
    Ok(())
}

fn draw_step(area: &Area<'_>, step: Step, found: &Found) -> Result<(), Failure> {
    let line = |allocator| -> Vec<(f64, f64)> {
        let point = |size: &Size| {
            let agents = f64::from(u32::try_from(size.agents).ok()?);
            Some((agents, size.books(allocator).wall(step)?.median)).filter(|(_, ms)| *ms > 0.0)
        };
        found.sizes.iter().filter_map(point).collect()
    };
    let lines = Allocator::BOTH.map(line);
    let all = || lines.iter().flatten();
    let ends = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)))
    };
    let (agents, ms) = (ends(|point| point.0), ends(|point| point.1));
    if all().next().is_none() {
        return Ok(());
    }
    let mut chart = ChartBuilder::on(area)
        .caption(step.caption(), ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(45)
        .y_label_area_size(80)
        .build_cartesian_2d(
            (agents.0 / 1.2..agents.1 * 1.2).log_scale(),
            (ms.0 / 2.0..ms.1 * 2.0).log_scale(),
        )
        .map_err(cannot)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 14))
        .x_desc("agents")
        .y_desc("ms")
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .draw()
        .map_err(cannot)?;
    for ((allocator, colour), line) in Allocator::BOTH.into_iter().zip(COLOURS).zip(lines) {
        let dots = line.clone();
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))
            .map_err(cannot)?
            .label(allocator.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let dots = dots.into_iter().map(|dot| Circle::new(dot, 4, colour.filled()));
        chart.draw_series(dots).map_err(cannot)?;
    }
    let mut legend = chart.configure_series_labels();
    let legend = legend.label_font(("sans-serif", 14)).position(SeriesLabelPosition::UpperLeft);
    legend.background_style(WHITE).border_style(BLACK).draw().map_err(cannot)
}

/// A number on a logarithmic axis, where 1, 2 and 5 of each decade are far enough apart to be read.
fn tick(value: f64) -> String {
    let first = value / 10_f64.powf(value.log10().floor());
    let shown = [1.0, 2.0, 5.0].iter().any(|digit| (first - digit).abs() < 0.01);
    if shown { number(value).trim_end_matches(".0").to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Sample;

    #[test]
    fn only_numbers_that_are_far_apart_are_written_on_an_axis() {
        let ticks = [10.0, 20.0, 90.0, 500.0, 600.0, 10_000.0].map(tick);
        assert_eq!(ticks, ["10", "20", "", "500", "", "10,000"]);
    }

    fn size(agents: usize) -> Size {
        let mut books = Books::default();
        books.took(Step::Cycle, Sample { wall_ms: 20.0, cpu_ms: 0.0 });
        books.read(Level::MemoryCycle, 100.0);
        Size { agents, frameworks: 2, roles: 1, built_in: books.clone(), ours: books }
    }

    fn found(sizes: Vec<Size>) -> Found {
        Found { machine: String::new(), commit: String::new(), arguments: String::new(), rounds: 1, sizes }
    }

    #[test]
    fn every_figure_has_two_bars_and_every_picture_a_name() {
        let found = found(vec![size(10), size(100)]);
        let pictures = pictures(&found).unwrap();
        let files: Vec<_> = pictures.iter().map(|(file, _)| *file).collect();
        assert_eq!(files, names(&found).iter().map(|(file, _)| *file).collect::<Vec<_>>());
        assert_eq!(files.len(), 4, "{files:?}");
        let time = &pictures[0].1;
        assert!(time.contains("full cycle") && time.matches("20.0").count() >= 2, "{time}");
    }

    #[test]
    fn one_size_does_not_grow_and_none_has_no_picture() {
        assert!(names(&found(vec![size(10)])).iter().all(|(file, _)| !file.contains("growth")));
        assert!(pictures(&found(Vec::new())).unwrap().is_empty());
    }
}
