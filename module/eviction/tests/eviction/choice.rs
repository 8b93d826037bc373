//! Who has to go, against the reference and beyond what it can do.

use apportion_eviction::{Agent, Amounts, EXACT_MOST, Evictions, Executor};
use proptest::prelude::*;

use crate::reference::right_victims;
use crate::stage::{agent, amounts, by_name, ended, executor, lent, look, regular};

/// One borrower or owner: priority, cpus, mem, whether it borrows.
type Drawn = (u32, i64, i64, bool);

fn drawn() -> impl Strategy<Value = Drawn> {
    (0_u32..3, 0_i64..5, 0_i64..5, prop::bool::weighted(0.8))
}

fn executors_of(drawn: &[Drawn]) -> Vec<Executor> {
    drawn
        .iter()
        .enumerate()
        .map(|(number, &(priority, cpus, mem, borrows))| {
            let holding = if borrows { lent(cpus, mem) } else { regular(cpus, mem) };
            executor(&format!("e{number:03}"), &format!("p{priority}"), &[holding])
        })
        .collect()
}

/// Lets them come one after the other, then takes the room away.
fn victims_of(executors: &[Executor], total: &Amounts) -> (Agent, Vec<String>) {
    let mut evictions = Evictions::default();
    for count in 1..=executors.len() {
        let now = i64::try_from(count).unwrap();
        let roomy = agent(&amounts(100_000, 100_000), &executors[..count]);
        assert!(look(&mut evictions, now, &roomy).end.is_empty());
    }
    let narrow = agent(total, executors);
    let mut names = ended(&look(&mut evictions, 1_000, &narrow));
    names.sort();
    (narrow, names)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn few_candidates_are_chosen_as_by_looking_at_all_sets(
        drawn in prop::collection::vec(drawn(), 1..=8), cpus in 0_i64..16, mem in 0_i64..16,
    ) {
        let (agent, names) = victims_of(&executors_of(&drawn), &amounts(cpus, mem));
        prop_assert_eq!(names, right_victims(&agent));
    }

    #[test]
    fn of_many_candidates_nobody_goes_whom_nobody_needs(
        drawn in prop::collection::vec(drawn(), EXACT_MOST + 1..40), cpus in 0_i64..60, mem in 0_i64..60,
    ) {
        let (agent, names) = victims_of(&executors_of(&drawn), &amounts(cpus, mem));
        let goes = |executor: &Executor| names.contains(&String::from_utf8(executor.executor.clone()).unwrap());
        let best = agent.too_much(Executor::may_be_ended);
        let left = agent.too_much(goes);
        // What cannot be covered by all of them is as uncovered as with all of them.
        for (name, left) in left.iter() {
            prop_assert!(left <= best.get(name), "{left} of {} is too much", name.escape_ascii());
        }
        for spared in &names {
            let without = agent.too_much(|executor| goes(executor) && *spared.as_bytes() != *executor.executor);
            prop_assert!(without.iter().any(|(name, more)| more > best.get(name)), "{spared} goes for nothing");
        }
    }

    #[test]
    fn of_many_candidates_for_one_resource_as_few_go_as_possible(
        drawn in prop::collection::vec((0_u32..3, 1_i64..9), EXACT_MOST + 1..40), part in 0_i64..100,
    ) {
        let drawn: Vec<Drawn> = drawn.into_iter().map(|(priority, cpus)| (priority, cpus, 0, true)).collect();
        let executors = executors_of(&drawn);
        let all: i64 = drawn.iter().map(|(_, cpus, ..)| cpus).sum();
        let room = all * part / 100;
        let (_, names) = victims_of(&executors, &amounts(room, 0));
        let mut need = all - room;
        // A higher priority gives only what all lower ones cannot, the biggest first; what it gives, the lower ones need not.
        let mut expected = vec![0; 3];
        for priority in (0..3_u32).rev() {
            let lower: i64 = drawn.iter().filter(|drawn| drawn.0 < priority).map(|drawn| drawn.1).sum();
            let mut sizes: Vec<i64> = drawn.iter().filter(|drawn| drawn.0 == priority).map(|drawn| drawn.1).collect();
            sizes.sort_unstable();
            let at = usize::try_from(priority).unwrap();
            let mut given = 0;
            while given < need - lower {
                given += sizes.pop().unwrap();
                expected[at] += 1;
            }
            need -= given;
        }
        let mut found = vec![0; 3];
        for name in &names {
            let executor = executors.iter().find(|executor| executor.executor == name.as_bytes()).unwrap();
            found[usize::try_from(by_name(executor.roles.first().unwrap())).unwrap()] += 1;
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn of_many_equal_ones_the_newest_go() {
    let drawn = vec![(0, 1, 1, true); 30];
    let (_, names) = victims_of(&executors_of(&drawn), &amounts(26, 26));
    assert_eq!(names, ["e026", "e027", "e028", "e029"]);
}

#[test]
fn of_many_an_older_one_stays_if_a_newer_one_gives_enough() {
    let sizes = [6, 1, 1, 1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 4];
    assert!(sizes.len() > EXACT_MOST);
    let drawn: Vec<Drawn> = sizes.into_iter().map(|cpus| (0, cpus, 0, true)).collect();
    let all: i64 = sizes.iter().sum();
    assert_eq!(victims_of(&executors_of(&drawn), &amounts(all - 9, 0)).1, ["e007", "e013"]);
    assert_eq!(victims_of(&executors_of(&drawn), &amounts(all - 11, 0)).1, ["e000", "e007"]);
}

#[test]
fn the_oldest_of_the_victims_is_as_new_as_it_can_be() {
    // Two of them have to go: the first with the last, or the two between.
    let drawn: Vec<Drawn> = [4, 3, 2, 1].into_iter().map(|cpus| (0, cpus, 0, true)).collect();
    assert_eq!(victims_of(&executors_of(&drawn), &amounts(5, 0)).1, ["e001", "e002"]);
}

#[test]
fn a_thousand_candidates_are_no_matter() {
    let drawn: Vec<Drawn> = (0..1000).map(|number| (number % 3, i64::from(number % 7), 1, true)).collect();
    let executors = executors_of(&drawn);
    let mut evictions = Evictions::default();
    let all: i64 = drawn.iter().map(|drawn| drawn.1).sum();
    let decision = look(&mut evictions, 1, &agent(&amounts(all - 40, 990), &executors));
    assert!(decision.uncovered.is_empty());
    assert!((7..=14).contains(&decision.end.len()), "{:?}", ended(&decision));
}
