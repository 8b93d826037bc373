//! Shares of a cluster: what each role is to get by its weight, and what it has.

use serde::Serialize;

use super::explanation::percent;
use super::table::{self, Side};

/// A role at the end of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RoleShare {
    /// The role's name.
    pub(super) role: String,
    /// Its weight.
    pub(super) weight: f64,
    /// The part of the cluster that its weight gives it when every role wants more.
    pub(super) wanted_permille: i64,
    /// The part of the cluster's cpus that its tasks use.
    pub(super) reached_permille: i64,
    /// Tasks of each of its frameworks.
    pub(super) tasks: Vec<FrameworkTasks>,
}

/// How many tasks a framework runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FrameworkTasks {
    /// The framework's name.
    pub(super) framework: String,
    /// Its running tasks.
    pub(super) running: usize,
}

/// What a role used, as the master counts it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RoleUse {
    /// The role's name.
    pub(super) role: String,
    /// Its weight.
    pub(super) weight: f64,
    /// Cpus allocated to its tasks.
    pub(super) cpus: f64,
    /// Tasks of each of its frameworks.
    pub(super) tasks: Vec<FrameworkTasks>,
}

/// Characters of a bar.
const BAR: i64 = 24;

/// Puts use and weights side by side. `cpus` is what the whole cluster has; must be above zero.
pub(super) fn shares(uses: &[RoleUse], cpus: f64) -> Vec<RoleShare> {
    let weights: f64 = uses.iter().map(|role| role.weight).sum();
    let share = |role: &RoleUse| RoleShare {
        role: role.role.clone(),
        weight: role.weight,
        wanted_permille: permille(role.weight, weights),
        reached_permille: permille(role.cpus, cpus),
        tasks: role.tasks.clone(),
    };
    uses.iter().map(share).collect()
}

/// Nearest thousandth of `part` in `whole`; 0 when there is no whole.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
fn permille(part: f64, whole: f64) -> i64 {
    if whole > 0.0 { (part / whole * 1000.0).round().clamp(-1.0e6, 1.0e6) as i64 } else { 0 }
}

/// Whether every role is within one task of what its weight gives it: tasks cannot be cut in pieces.
pub(super) fn is_fair(shares: &[RoleShare], task_permille: i64) -> bool {
    shares.iter().all(|role| (role.reached_permille - role.wanted_permille).abs() <= task_permille)
}

/// Whether the frameworks of each role, which have equal weights, are within one task of each other.
pub(super) fn is_even_inside(shares: &[RoleShare]) -> bool {
    shares.iter().all(|role| {
        let running = || role.tasks.iter().map(|tasks| tasks.running);
        running().max().unwrap_or(0) - running().min().unwrap_or(0) <= 1
    })
}

/// The part of the cluster's cpus that one task takes.
pub(super) fn task_permille(task_cpus: f64, cpus: f64) -> i64 {
    permille(task_cpus, cpus)
}

/// The table for people.
pub(super) fn table(shares: &[RoleShare]) -> Vec<String> {
    let columns = [
        ("role", Side::Left),
        ("weight", Side::Right),
        ("share wanted", Side::Right),
        ("share reached", Side::Right),
        ("", Side::Left),
        ("running tasks", Side::Left),
    ];
    let rows: Vec<Vec<String>> = shares
        .iter()
        .map(|role| {
            vec![
                role.role.clone(),
                role.weight.to_string(),
                percent(role.wanted_permille),
                percent(role.reached_permille),
                bar(role.reached_permille),
                tasks_in_words(&role.tasks),
            ]
        })
        .collect();
    table::lines(&columns, &rows)
}

fn tasks_in_words(tasks: &[FrameworkTasks]) -> String {
    let parts: Vec<String> =
        tasks.iter().map(|tasks| format!("{} {}", tasks.framework, tasks.running)).collect();
    parts.join(", ")
}

/// A bar of 24 characters, filled from the left.
fn bar(permille: i64) -> String {
    let filled = usize::try_from((permille.clamp(0, 1000) * BAR + 500) / 1000).unwrap_or(0);
    format!("{:░<1$}", "█".repeat(filled), usize::try_from(BAR).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, weight: f64, cpus: f64, tasks: &[(&str, usize)]) -> RoleUse {
        let tasks = tasks
            .iter()
            .map(|&(framework, running)| FrameworkTasks { framework: framework.into(), running })
            .collect();
        RoleUse { role: name.into(), weight, cpus, tasks }
    }

    #[test]
    fn weights_of_one_and_two_want_a_third_and_two_thirds() {
        let shares = shares(&[role("a", 1.0, 4.0, &[]), role("b", 2.0, 8.0, &[])], 12.0);
        let wanted: Vec<i64> = shares.iter().map(|share| share.wanted_permille).collect();
        let reached: Vec<i64> = shares.iter().map(|share| share.reached_permille).collect();
        assert_eq!((wanted, reached), (vec![333, 667], vec![333, 667]));
        assert!(is_fair(&shares, 1));
    }

    #[test]
    fn role_more_than_one_task_off_is_not_fair() {
        let shares = shares(&[role("a", 1.0, 5.0, &[]), role("b", 2.0, 7.0, &[])], 12.0);
        assert!(!is_fair(&shares, task_permille(0.5, 12.0)));
        assert!(is_fair(&shares, task_permille(1.0, 12.0) + 1));
    }

    #[test]
    fn frameworks_of_a_role_may_differ_by_one_task() {
        let even = shares(&[role("a", 1.0, 4.0, &[("x", 4), ("y", 3)])], 12.0);
        let uneven = shares(&[role("a", 1.0, 4.0, &[("x", 5), ("y", 3)])], 12.0);
        assert!(is_even_inside(&even));
        assert!(!is_even_inside(&uneven));
    }

    #[test]
    fn empty_cluster_has_no_shares_and_no_panic() {
        assert_eq!(shares(&[role("a", 1.0, 0.0, &[])], 0.0)[0].reached_permille, 0);
        assert!(is_even_inside(&[]));
    }

    #[test]
    fn bar_is_filled_in_proportion_and_never_beyond() {
        assert_eq!(bar(0), "░".repeat(24));
        assert_eq!(bar(333), format!("{}{}", "█".repeat(8), "░".repeat(16)));
        assert_eq!(bar(5000), "█".repeat(24));
    }

    #[test]
    fn table_shows_both_shares_and_the_tasks() {
        let shares =
            shares(&[role("a", 1.0, 4.0, &[("x", 4), ("y", 4)]), role("b", 2.0, 8.0, &[("z", 16)])], 12.0);
        let lines = table(&shares);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("a          1        33.3 %         33.3 %"), "{}", lines[1]);
        assert!(lines[1].ends_with("x 4, y 4"), "{}", lines[1]);
    }
}
