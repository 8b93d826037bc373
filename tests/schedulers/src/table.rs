//! What an experiment found, as a table for people.

use crate::experiment::Point;

/// What the columns mean.
pub const LEGEND: &str = "\
t_job          seconds that a decision of a service scheduler takes, besides t_task for each task
used           part of all cpus in use on average, without what evictions made useless
lent, lost     part of all cpus in use as lent ones; part that went into tasks which were evicted
busy           part of the time that schedulers of service and of batch work spent deciding
wait           mean seconds from a job's arrival to the first decision about it; p90: nine of ten waited no longer
placed         mean seconds from a job's arrival to the launch of its last task
abandoned      jobs given up, of all that arrived
conflicts      lent launches that were turned down, for each that went through
evicted        tasks that were ended for one on a regular offer, of all that were launched
";

/// Heading and contents of one column.
type Column = (&'static str, fn(&Point) -> String);

const COLUMNS: [Column; 15] = [
    ("offers", |point| point.mode.name().to_owned()),
    ("t_job", |point| point.decision_time.to_string()),
    ("used", |point| percent(point.outcome.utilisation)),
    ("lent", |point| percent(point.outcome.lent)),
    ("lost", |point| percent(point.outcome.lost)),
    ("service busy", |point| percent(point.outcome.service.busyness)),
    ("batch busy", |point| percent(point.outcome.batch.busyness)),
    ("service wait", |point| time(point.outcome.service.wait_mean)),
    ("service placed", |point| time(point.outcome.service.placing_mean)),
    ("batch wait", |point| time(point.outcome.batch.wait_mean)),
    ("p90", |point| time(point.outcome.batch.wait_p90)),
    ("batch placed", |point| time(point.outcome.batch.placing_mean)),
    ("abandoned", |point| {
        let (service, batch) = (&point.outcome.service, &point.outcome.batch);
        format!("{}/{}", service.abandoned + batch.abandoned, service.jobs + batch.jobs)
    }),
    ("conflicts", |point| point.conflict_fraction.map_or("-".to_owned(), |part| format!("{part:.2}"))),
    ("evicted", |point| format!("{}/{}", point.outcome.evictions, point.outcome.launches)),
];

/// One line for each point, below a heading.
#[must_use]
pub fn text(points: &[Point]) -> String {
    let rows: Vec<Vec<String>> =
        points.iter().map(|point| COLUMNS.iter().map(|(_, content)| content(point)).collect()).collect();
    let width = |column: usize| {
        let contents = rows.iter().map(|row| row[column].len());
        contents.chain([COLUMNS[column].0.len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let headings: Vec<String> = COLUMNS.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&headings).chain(&rows) {
        let cells = row.iter().zip(&widths).enumerate();
        let cells =
            cells.map(
                |(column, (cell, width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            );
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}

fn time(seconds: Option<f64>) -> String {
    seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.1}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Experiment, LendingSpec, WorkloadSpec};

    fn experiment(seed: u64) -> Experiment {
        Experiment {
            workload: WorkloadSpec::new(5),
            decision_times: [1, 20].map(Duration::from_secs).to_vec(),
            seed,
            warm_up: Duration::from_secs(60),
            measured: Duration::from_secs(300),
            attempts: 1000,
            refuse_seconds: 5.0,
            lending: LendingSpec::default(),
        }
    }

    #[test]
    fn one_seed_gives_one_table_and_one_plot_and_another_seed_others() {
        let points = |seed| experiment(seed).run(|_| {}).unwrap();
        let (first, again, other) = (points(1), points(1), points(2));
        assert_eq!(first, again);
        assert_eq!(text(&first), text(&again));
        assert_eq!(crate::plot::svg(&first), crate::plot::svg(&again));
        assert_ne!(text(&first), text(&other));
        assert_ne!(crate::plot::svg(&first), crate::plot::svg(&other));
    }

    #[test]
    fn columns_stand_below_their_headings() {
        let points = experiment(1).run(|_| {}).unwrap();
        let table = text(&points);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 1 + points.len());
        for end in [lines[0].find("t_job").unwrap() + 5, lines[0].find("used").unwrap() + 4] {
            for line in &lines {
                assert!(line.is_char_boundary(end) && !line[end - 1..].starts_with(' '), "{table}");
                assert!(line[end..].starts_with(' '), "{table}");
            }
        }
    }
}
