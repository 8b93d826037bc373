//! What runs told, and what lines of the table become of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::driver::Side;
use crate::workload::{Row, Run, Source, Target};

/// One value of a series: a round's time, or a number that is read once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds, bytes, or what the series is about.
    pub value: f64,
    /// Offers that came in the round.
    pub offers: Option<u64>,
}

/// The values of one series with one allocator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// In the order in which they came.
    pub samples: Vec<Sample>,
}

impl Series {
    fn values(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(|sample| sample.value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The value in the middle; of an even number the mean of both.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let values = self.values();
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        match values.get(middle.wrapping_sub(1)) {
            Some(lower) if values.len().is_multiple_of(2) => Some(f64::midpoint(*lower, upper)),
            _ => Some(upper),
        }
    }

    /// The least and the largest value.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        let values = self.values();
        Some((*values.first()?, *values.last()?))
    }

    /// How many offers a round made; the least and the most.
    #[must_use]
    pub fn offers(&self) -> Option<(u64, u64)> {
        let offers = || self.samples.iter().filter_map(|sample| sample.offers);
        Some((offers().min()?, offers().max()?))
    }
}

/// What one run told with one allocator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Series by name.
    pub series: BTreeMap<String, Series>,
    /// Histograms by name: where a bucket begins, and how many fell into it.
    pub histograms: BTreeMap<String, Vec<(f64, u64)>>,
    /// The seconds after which the run was ended.
    pub cut_after: Option<u64>,
}

impl Told {
    fn json(&self) -> Value {
        let series: serde_json::Map<String, Value> = self
            .series
            .iter()
            .map(|(name, series)| {
                let samples = series.samples.iter().map(|sample| json!([sample.value, sample.offers]));
                (name.clone(), samples.collect())
            })
            .collect();
        json!({ "series": series, "histograms": self.histograms, "cut_after": self.cut_after })
    }

    fn from_json(json: &Value) -> Told {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let sample = |pair: &Value| Some(Sample { value: pair[0].as_f64()?, offers: pair[1].as_u64() });
        let bucket = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_u64()?));
        Told {
            series: entries(&json["series"])
                .into_iter()
                .map(|(name, samples)| {
                    (name, Series { samples: list(&samples).iter().filter_map(sample).collect() })
                })
                .collect(),
            histograms: entries(&json["histograms"])
                .into_iter()
                .map(|(name, buckets)| (name, list(&buckets).iter().filter_map(bucket).collect()))
                .collect(),
            cut_after: json["cut_after"].as_u64(),
        }
    }
}

/// What all runs told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    runs: BTreeMap<String, BTreeMap<&'static str, Told>>,
}

impl Findings {
    /// Takes what a run told in; what was there of it before is forgotten.
    pub fn add(&mut self, run: &str, side: Side, told: Told) {
        self.runs.entry(run.to_owned()).or_default().insert(side.name(), told);
    }

    /// What a run told with an allocator.
    #[must_use]
    pub fn told(&self, run: &str, side: Side) -> Option<&Told> {
        self.runs.get(run)?.get(side.name())
    }

    /// Everything, for [`Findings::merge`].
    #[must_use]
    pub fn json(&self) -> Value {
        let sides = |told: &BTreeMap<&str, Told>| -> Value {
            told.iter().map(|(side, told)| ((*side).to_owned(), told.json())).collect()
        };
        self.runs.iter().map(|(run, told)| (run.clone(), sides(told))).collect()
    }

    /// Takes in what [`Findings::json`] wrote.
    pub fn merge(&mut self, json: &Value) {
        for (run, sides) in json.as_object().into_iter().flatten() {
            for side in Side::BOTH {
                if sides[side.name()].is_object() {
                    self.add(run, side, Told::from_json(&sides[side.name()]));
                }
            }
        }
    }

    /// A cell of the table; `None` if nothing of it was run.
    #[must_use]
    pub fn cell(&self, row: &Row, side: Side) -> Option<Cell> {
        match row.source {
            Source::Series(run, series) => {
                let told = self.told(run, side)?;
                let series = told.series.get(series).cloned().unwrap_or_default();
                let cut_after = told.cut_after.filter(|_| series.samples.is_empty());
                Some(Cell { series, cut_after })
            }
            Source::Growth(runs) => {
                let points: Vec<(f64, f64)> = runs
                    .iter()
                    .filter_map(|run| {
                        let median = self.told(run, side)?.series.get("full")?.median()?;
                        Some((size(Run::named(run)?.agents), median))
                    })
                    .collect();
                // Not fitted to some of the sizes only.
                let exponent = (points.len() == runs.len()).then(|| exponent(&points)).flatten()?;
                let samples = vec![Sample { value: exponent, offers: None }];
                Some(Cell { series: Series { samples }, cut_after: None })
            }
        }
    }
}

/// A number of agents as a coordinate.
#[must_use]
pub fn size(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// The slope of the line through the logarithms of the points that has the least squares; `None` for one point or
/// values that have no logarithm.
#[must_use]
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let count = size(u64::try_from(points.len()).ok()?);
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean = |value: fn(&(f64, f64)) -> f64| logs.iter().map(value).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let below: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = above / below;
    slope.is_finite().then_some(slope)
}

/// One allocator's part of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The values.
    pub series: Series,
    /// The seconds after which the run was ended, without a value.
    pub cut_after: Option<u64>,
}

/// How a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ours reaches the target and is not behind.
    Met,
    /// Ours misses the target, though it is ahead.
    Missed,
    /// Ours is behind the built-in allocator.
    Behind,
    /// There is no target, and ours is ahead.
    Ahead,
    /// One of them was not measured.
    Open,
}

impl Verdict {
    /// What tables say.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Behind => "BEHIND",
            Verdict::Ahead | Verdict::Open => "",
        }
    }
}

/// One line of the table, with what came of it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Which.
    pub row: &'static Row,
    /// Of the built-in allocator.
    pub built_in: Option<Cell>,
    /// Of ours.
    pub ours: Option<Cell>,
}

impl Line {
    /// The line of a row.
    #[must_use]
    pub fn of(row: &'static Row, findings: &Findings) -> Line {
        Line { row, built_in: findings.cell(row, Side::BuiltIn), ours: findings.cell(row, Side::Ours) }
    }

    /// The part of an allocator.
    #[must_use]
    pub fn cell(&self, side: Side) -> Option<&Cell> {
        match side {
            Side::BuiltIn => self.built_in.as_ref(),
            Side::Ours => self.ours.as_ref(),
        }
    }

    /// The median of an allocator.
    #[must_use]
    pub fn median(&self, side: Side) -> Option<f64> {
        self.cell(side)?.series.median()
    }

    /// How many times less ours is.
    #[must_use]
    pub fn times_less(&self) -> Option<f64> {
        let times = self.median(Side::BuiltIn)? / self.median(Side::Ours)?;
        times.is_finite().then_some(times)
    }

    /// The target as a value.
    #[must_use]
    pub fn target(&self) -> Option<f64> {
        match self.row.target {
            Target::AtMost(value) => Some(value),
            Target::TimesLess(times) => Some(self.median(Side::BuiltIn)? / times),
            Target::None => None,
        }
    }

    /// Whether both made the same number of offers, or the row has none.
    #[must_use]
    pub fn same_offers(&self) -> bool {
        let offers = |side| self.cell(side).and_then(|cell| cell.series.offers());
        match (offers(Side::BuiltIn), offers(Side::Ours)) {
            (Some(built_in), Some(ours)) => built_in == ours,
            _ => true,
        }
    }

    /// How it went.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let Some(ours) = self.median(Side::Ours) else { return Verdict::Open };
        let built_in = self.median(Side::BuiltIn);
        if built_in.is_some_and(|built_in| ours > built_in) && self.row.name.starts_with("floor") {
            // The host's part, measured in two processes.
            return Verdict::Open;
        }
        if built_in.is_some_and(|built_in| ours > built_in) {
            return Verdict::Behind;
        }
        match self.target() {
            Some(target) if ours <= target => Verdict::Met,
            Some(_) => Verdict::Missed,
            None if built_in.is_some() => Verdict::Ahead,
            None => Verdict::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::ROWS;

    fn series(values: &[f64]) -> Series {
        Series { samples: values.iter().map(|value| Sample { value: *value, offers: Some(7) }).collect() }
    }

    fn findings(built_in: &[f64], ours: &[f64]) -> Findings {
        let mut findings = Findings::default();
        for (side, values) in [(Side::BuiltIn, built_in), (Side::Ours, ours)] {
            let histograms = [("latency".to_owned(), vec![(1.0, 3)])].into();
            let series = [("full".to_owned(), series(values))].into();
            findings.add("cycles-10k", side, Told { series, histograms, cut_after: None });
        }
        findings
    }

    fn verdict(built_in: &[f64], ours: &[f64]) -> Verdict {
        let row = ROWS.iter().find(|row| row.name == "full-10k").unwrap();
        Line::of(row, &findings(built_in, ours)).verdict()
    }

    #[test]
    fn median_and_range_are_those_of_the_sorted_values() {
        assert_eq!(series(&[]).median(), None);
        assert_eq!(series(&[3.0, 1.0, 20.0]).median(), Some(3.0));
        assert_eq!(series(&[4.0, 1.0, 20.0, 2.0]).median(), Some(3.0));
        assert_eq!(series(&[4.0, 1.0, 20.0]).range(), Some((1.0, 20.0)));
    }

    #[test]
    fn exponent_of_a_power_is_that_power() {
        let points: Vec<(f64, f64)> = [1.0, 10.0, 50.0].map(|x: f64| (x, 3.0 * x.powf(1.22))).to_vec();
        assert!((exponent(&points).unwrap() - 1.22).abs() < 1e-9);
        assert_eq!(exponent(&points[..1]), None);
    }

    #[test]
    fn verdict_names_a_missed_target_and_a_lost_row() {
        assert_eq!(verdict(&[250.0], &[9.0]), Verdict::Met);
        assert_eq!(verdict(&[250.0], &[11.0]), Verdict::Missed);
        assert_eq!(verdict(&[8.0], &[9.0]), Verdict::Behind);
        assert_eq!(verdict(&[8.0], &[]), Verdict::Open);
    }

    #[test]
    fn findings_come_back_from_json() {
        let found = findings(&[3.0, 1.0], &[2.5]);
        let mut again = Findings::default();
        again.merge(&found.json());
        assert_eq!(again, found);
    }
}
