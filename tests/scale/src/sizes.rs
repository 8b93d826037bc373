//! One allocator at one size.

use std::collections::VecDeque;

use apportion_core::Event;
use apportion_workloads::{Cluster, Held, Shape, Size, agent_id, framework_id};

use crate::clock::{median, resident_bytes, timed};
use crate::figures::{SecondFigures, SizeFigures, number};

/// Frameworks that want offers where everything was refused. All of them, on a large cluster, would need a filter for each
/// of a billion pairs; frameworks without work suppress their offers.
const WANTING: usize = 25;
/// Agents that come by themselves.
const SINGLE_ARRIVALS: usize = 100;
/// One task in so many agents ends in a second.
const ENDS_ONE_IN: usize = 100;
/// One offer in so many is used, the others are declined.
const USED_ONE_IN: usize = 4;
/// A decline that says nothing else lasts so many seconds.
const USUAL_FILTER: f64 = 5.0;
/// One framework in so many revives in a second.
const REVIVES_ONE_IN: usize = 100;
/// Seconds until a busy cluster is steady, and seconds that are measured then.
const WARM_UP: usize = 12;
const SECONDS: usize = 15;

/// Measures a size.
///
/// # Errors
/// When the system does not tell the memory in use, or something other than what was meant was measured.
pub fn measure(size: Size, rounds: usize) -> Result<SizeFigures, String> {
    let before = resident_bytes()?;
    let mut cluster = Cluster::empty(Shape::plain(size));
    let ((), subscribe_ms) = timed(|| cluster.add_frameworks(size.frameworks));
    let ((), register_ms) = timed(|| cluster.add_agents(size.agents));
    let (mut held, first_ms) = full_run(&mut cluster, size.agents)?;
    let full_bytes = resident_bytes()?;
    let nothing_free: Vec<f64> = (0..rounds).map(|_| timed(|| cluster.tick()).1).collect();
    let (mut full, mut declines) = (vec![first_ms], Vec::new());
    for _ in 0..rounds {
        declines.push(timed(|| cluster.decline(&held, None)).1);
        let (offered, ms) = full_run(&mut cluster, size.agents)?;
        held = offered;
        full.push(ms);
    }
    let second = busy_second(&mut cluster, held);
    let register_one_ms = single_arrivals(&mut cluster, size.agents);
    drop(cluster);
    let filtered = Filtered::measure(size, rounds)?;
    Ok(SizeFigures {
        agents: size.agents,
        frameworks: size.frameworks,
        roles: size.roles,
        subscribe_ms,
        register_ms,
        register_one_ms,
        full_ms: median(&full),
        full_offers: size.agents,
        decline_ms: median(&declines),
        nothing_free_ms: median(&nothing_free),
        wanting: filtered.wanting,
        filters: filtered.filters,
        filtered_ms: filtered.batch_ms,
        revive_ms: filtered.revive_ms,
        second,
        bytes_per_agent: bytes(full_bytes.saturating_sub(before)) / number(size.agents),
        bytes_per_filter: filtered.bytes_per_filter,
        resident_bytes: filtered.resident_bytes.max(full_bytes),
    })
}

/// A run that offers every agent once.
fn full_run(cluster: &mut Cluster, agents: usize) -> Result<(Vec<Held>, f64), String> {
    let (effects, ms) = timed(|| cluster.tick());
    if effects.offers.len() != agents {
        return Err(format!("a full run made {} offers, expected {agents}", effects.offers.len()));
    }
    Ok((cluster.held(&effects.offers), ms))
}

/// Milliseconds for an agent that comes by itself, with its run.
fn single_arrivals(cluster: &mut Cluster, agents: usize) -> f64 {
    let total = cluster.kinds.total(&cluster.shape, 0);
    let one = |number: usize, cluster: &mut Cluster| {
        let agent = agent_id(agents + number);
        let (offers, ms) = timed(|| {
            cluster.add_agent(&agent, &total);
            cluster.cycle()
        });
        drop(offers);
        ms
    };
    median(&(0..SINGLE_ARRIVALS).map(|number| one(number, cluster)).collect::<Vec<f64>>())
}

/// A cluster in which all agents are in use; tasks end, offers are declined for a while or used, frameworks revive.
fn busy_second(cluster: &mut Cluster, held: Vec<Held>) -> SecondFigures {
    let frameworks = cluster.frameworks();
    let ends = held.len().div_ceil(ENDS_ONE_IN);
    let revives = frameworks.div_ceil(REVIVES_ONE_IN);
    cluster.launch(&held);
    let mut tasks: VecDeque<Held> = held.into();
    let mut offered: Vec<Held> = Vec::new();
    let mut seconds = Vec::new();
    for second in 0..WARM_UP + SECONDS {
        let ended: Vec<Held> = tasks.drain(..ends.min(tasks.len())).collect();
        let answers = std::mem::take(&mut offered).into_iter().enumerate();
        let (used, declined): (Vec<_>, Vec<_>) = answers.partition(|(at, _)| at % USED_ONE_IN == 0);
        let [used, declined]: [Vec<Held>; 2] =
            [used, declined].map(|answers| answers.into_iter().map(|(_, offer)| offer).collect());
        let ((), calls_ms) = timed(|| {
            cluster.finish(&ended);
            cluster.launch(&used);
            cluster.decline(&declined, Some(USUAL_FILTER));
            (0..revives).for_each(|number| cluster.revive((second * revives + number) % frameworks));
        });
        let (effects, batch_ms) = timed(|| cluster.tick());
        offered = cluster.held(&effects.offers);
        seconds.push(SecondFigures {
            ended: number(ended.len()),
            declined: number(declined.len()),
            launched: number(used.len()),
            revived: number(revives),
            offers: number(offered.len()),
            calls_ms,
            batch_ms,
        });
        tasks.extend(used);
    }
    middle(&seconds[WARM_UP..])
}

fn middle(seconds: &[SecondFigures]) -> SecondFigures {
    let of = |part: fn(&SecondFigures) -> f64| median(&seconds.iter().map(part).collect::<Vec<f64>>());
    SecondFigures {
        ended: of(|second| second.ended),
        declined: of(|second| second.declined),
        launched: of(|second| second.launched),
        revived: of(|second| second.revived),
        offers: of(|second| second.offers),
        calls_ms: of(|second| second.calls_ms),
        batch_ms: of(|second| second.batch_ms),
    }
}

/// A cluster whose agents are free, and refused by everyone who wants offers at all.
struct Filtered {
    wanting: usize,
    filters: usize,
    batch_ms: f64,
    revive_ms: f64,
    bytes_per_filter: f64,
    resident_bytes: u64,
}

impl Filtered {
    fn measure(size: Size, rounds: usize) -> Result<Filtered, String> {
        let wanting = WANTING.min(size.frameworks);
        let filters = wanting * size.agents;
        let mut cluster = Cluster::empty(Shape::plain(size));
        cluster.add_frameworks(wanting);
        for number in wanting..size.frameworks {
            let role = cluster.shape.role(cluster.shape.role_of(number));
            cluster.add_framework(&framework_id(number), &role, true);
        }
        cluster.add_agents(size.agents);
        // One round before memory is looked at: what tables need at all is not what filters need.
        let (held, _) = full_run(&mut cluster, size.agents)?;
        cluster.decline(&held, Some(apportion_workloads::LONG));
        drop(held);
        let before = resident_bytes()?;
        cluster.refuse_everything();
        let after = resident_bytes()?;
        let batches: Vec<f64> = (0..rounds.max(5)).map(|_| timed(|| cluster.tick()).1).collect();
        let mut revivals = Vec::new();
        for number in 0..rounds {
            let framework = framework_id(number % wanting);
            let (effects, ms) = timed(|| {
                cluster.send(&Event::ReviveOffers { framework: &framework, roles: &[] });
                cluster.cycle()
            });
            if effects.offers.len() != size.agents {
                let offers = effects.offers.len();
                return Err(format!("who revives got {offers} offers, expected {}", size.agents));
            }
            revivals.push(ms);
            let held = cluster.held(&effects.offers);
            cluster.decline(&held, Some(apportion_workloads::LONG));
            cluster.tick();
        }
        Ok(Filtered {
            wanting,
            filters,
            batch_ms: median(&batches),
            revive_ms: median(&revivals),
            bytes_per_filter: bytes(after.saturating_sub(before)) / number(filters - size.agents).max(1.0),
            resident_bytes: after,
        })
    }
}

/// Bytes as a number to divide.
fn bytes(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "memory ends far below 2^52 bytes")]
    let bytes = count as f64;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_size_is_measured_whole() {
        let found = measure(Size::new(200, 40, 8), 2).unwrap();
        assert_eq!((found.full_offers, found.wanting, found.filters), (200, 25, 5000));
        assert!(found.full_ms > 0.0 && found.revive_ms > 0.0 && found.register_one_ms > 0.0, "{found:?}");
        // What ends is used again in the end: the busy cluster is steady.
        let second = found.second;
        assert_eq!(second.ended, 2.0);
        assert!(second.launched >= 1.0 && second.offers >= second.ended, "{second:?}");
    }
}
