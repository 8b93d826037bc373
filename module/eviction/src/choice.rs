//! Who has to go: lowest priority first; among equals as few as possible; among those the newest.
//!
//! Said exactly, of all sets that cover what is needed the one is chosen that
//!
//! 1. has the fewest executors of the highest priority, then of the next lower one, and so on;
//! 2. among those, highest priority first, whose oldest executor is newest, then the second oldest, and so on.
//!
//! To find it all sets of up to [`EXACT_MOST`] candidates are looked at. Where there are more, everybody is chosen, and
//! those are let off again without whom the rest covers the need: highest priority first, small ones first. With one
//! resource needed that is the right number of each priority; with several it may be more than there have to be. Then
//! older ones are exchanged for newer ones where that covers the need as well. That costs at most the square of the
//! number of candidates.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::agent::Amounts;

/// Up to how many candidates the choice is the best there is.
pub const EXACT_MOST: usize = 12;

/// An executor that may be ended.
#[derive(Debug, Clone)]
pub(crate) struct Candidate<'a> {
    /// Where it stands among the agent's executors.
    pub(crate) at: usize,
    pub(crate) priority: u32,
    /// The newer, the greater; different for each.
    pub(crate) age_rank: usize,
    /// What its end gives back.
    pub(crate) gives: &'a Amounts,
}

/// A candidate, with what it gives back of each name that is needed.
#[derive(Debug, Clone)]
struct Choosable {
    at: usize,
    priority: u32,
    age_rank: usize,
    gains: Vec<i64>,
}

/// Who of the candidates has to go, in ascending order of where they stand. If all of them cannot cover the need, those
/// are chosen that cover what they can.
pub(crate) fn choose(need: &Amounts, candidates: &[Candidate<'_>]) -> Vec<usize> {
    let (needed, mut options) = options(need, candidates);
    options = down_to_priority(&needed, options);
    let chosen =
        if options.len() <= EXACT_MOST { exact(&needed, &options) } else { approximate(&needed, &options) };
    let mut at: Vec<usize> = chosen.into_iter().map(|position| options[position].at).collect();
    at.sort_unstable();
    at
}

/// What is needed of each name, cut to what all of them can give, and those who can give something.
fn options(need: &Amounts, candidates: &[Candidate<'_>]) -> (Vec<i64>, Vec<Choosable>) {
    let gains = |candidate: &Candidate<'_>| -> Vec<i64> {
        need.iter().map(|(name, wanted)| candidate.gives.get(name).min(wanted)).collect()
    };
    let options: Vec<Choosable> = candidates
        .iter()
        .map(|candidate| Choosable {
            at: candidate.at,
            priority: candidate.priority,
            age_rank: candidate.age_rank,
            gains: gains(candidate),
        })
        .filter(|option| option.gains.iter().any(|gain| *gain > 0))
        .collect();
    let all = sum(need.iter().count(), &options);
    let needed = need.iter().zip(all).map(|((_, wanted), most)| wanted.min(most)).collect();
    (needed, options)
}

fn sum<'a>(names: usize, options: impl IntoIterator<Item = &'a Choosable>) -> Vec<i64> {
    options.into_iter().fold(vec![0; names], |mut sum, option| {
        for (sum, gain) in sum.iter_mut().zip(&option.gains) {
            *sum = sum.saturating_add(*gain);
        }
        sum
    })
}

fn covers(given: &[i64], needed: &[i64]) -> bool {
    given.iter().zip(needed).all(|(given, needed)| given >= needed)
}

/// Leaves those out whose priority is higher than anybody's has to be.
fn down_to_priority(needed: &[i64], mut options: Vec<Choosable>) -> Vec<Choosable> {
    options.sort_by_key(|option| (option.priority, Reverse(option.age_rank)));
    let mut given = vec![0_i64; needed.len()];
    let mut highest = None;
    for option in &options {
        if covers(&given, needed) {
            break;
        }
        highest = Some(option.priority);
        for (given, gain) in given.iter_mut().zip(&option.gains) {
            *given = given.saturating_add(*gain);
        }
    }
    options.retain(|option| highest.is_some_and(|highest| option.priority <= highest));
    options
}

/// Smaller is better.
type Cost = (Vec<(Reverse<u32>, usize)>, Vec<(Reverse<u32>, Vec<Reverse<usize>>)>);

/// How bad it is to end these. Sets that lack a priority altogether compare as if they had none of it, because a lower
/// priority is greater here.
fn cost(options: &[Choosable], set: u32) -> Cost {
    let mut ranks: BTreeMap<Reverse<u32>, Vec<usize>> = BTreeMap::new();
    for (position, option) in options.iter().enumerate() {
        let of_priority = ranks.entry(Reverse(option.priority)).or_default();
        if set & (1 << position) != 0 {
            of_priority.push(option.age_rank);
        }
    }
    let counts = ranks.iter().map(|(priority, ranks)| (*priority, ranks.len())).collect();
    let ages = ranks
        .into_iter()
        .map(|(priority, mut ranks)| {
            ranks.sort_unstable();
            (priority, ranks.into_iter().map(Reverse).collect())
        })
        .collect();
    (counts, ages)
}

/// The best of all sets.
fn exact(needed: &[i64], options: &[Choosable]) -> Vec<usize> {
    let members = |set: u32| (0..options.len()).filter(move |position| set & (1 << position) != 0);
    let best = (0..1_u32 << options.len())
        .filter(|set| covers(&sum(needed.len(), members(*set).map(|position| &options[position])), needed))
        .min_by_key(|set| cost(options, *set));
    best.map(|set| members(set).collect()).unwrap_or_default()
}

/// A good set, by letting off and exchanging.
fn approximate(needed: &[i64], options: &[Choosable]) -> Vec<usize> {
    let mut set =
        Chosen { given: sum(needed.len(), options), is_in: vec![true; options.len()], needed, options };
    set.let_off();
    set.exchange();
    set.let_off();
    (0..options.len()).filter(|position| set.is_in[*position]).collect()
}

/// A set that covers what is needed, and stays one that does.
#[derive(Debug)]
struct Chosen<'a> {
    given: Vec<i64>,
    is_in: Vec<bool>,
    needed: &'a [i64],
    options: &'a [Choosable],
}

impl Chosen<'_> {
    /// Whether the need is covered if one goes out and another comes in.
    fn holds(&self, out: usize, come: Option<usize>) -> bool {
        (0..self.needed.len()).all(|name| {
            let gain = come.map_or(0, |come| self.options[come].gains[name]);
            self.given[name] - self.options[out].gains[name] + gain >= self.needed[name]
        })
    }

    fn swap(&mut self, out: usize, come: Option<usize>) {
        for name in 0..self.needed.len() {
            let gain = come.map_or(0, |come| self.options[come].gains[name]);
            self.given[name] = self.given[name] - self.options[out].gains[name] + gain;
        }
        self.is_in[out] = false;
        if let Some(come) = come {
            self.is_in[come] = true;
        }
    }

    /// Lets go whom nobody needs.
    fn let_off(&mut self) {
        let mut order: Vec<usize> =
            (0..self.options.len()).filter(|position| self.is_in[*position]).collect();
        order.sort_by_key(|position| {
            let option = &self.options[*position];
            (Reverse(option.priority), self.weight(option), option.age_rank)
        });
        for position in order {
            if self.holds(position, None) {
                self.swap(position, None);
            }
        }
    }

    /// How much of the need an option covers, in millionths, over all names.
    fn weight(&self, option: &Choosable) -> i128 {
        let of_name =
            |(gain, needed): (&i64, &i64)| i128::from(*gain) * 1_000_000 / i128::from((*needed).max(1));
        option.gains.iter().zip(self.needed).map(of_name).sum()
    }

    /// Puts the newest that will do into the place of an older one, oldest first.
    fn exchange(&mut self) {
        let mut order: Vec<usize> = (0..self.options.len()).collect();
        order.sort_by_key(|position| self.options[*position].age_rank);
        for &old in &order {
            if !self.is_in[old] {
                continue;
            }
            let newer = order.iter().rev().copied().take_while(|new| *new != old).find(|new| {
                let same = self.options[*new].priority == self.options[old].priority;
                same && !self.is_in[*new] && self.holds(old, Some(*new))
            });
            if newer.is_some() {
                self.swap(old, newer);
            }
        }
    }
}
