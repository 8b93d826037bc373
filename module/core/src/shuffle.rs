//! Lots: the order of agents in a run and everything else that is decided by chance, drawn from the seed and names.

/// Where an agent stands in a run: agents are looked at in ascending order of this key, then of their ids.
///
/// The place of an agent depends on nothing but the seed, the number of the run, the stage (1 or 2) and its id: leaving
/// agents out that could not be offered anyway changes nothing for the others.
#[must_use]
pub fn agent_order_key(seed: u64, run: u64, stage: u8, agent: &[u8]) -> u64 {
    mix(name_key(agent) ^ run_key(seed, run, stage))
}

/// The part of [`agent_order_key`] that the agent decides (FNV-1a).
pub(crate) fn name_key(agent: &[u8]) -> u64 {
    agent
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |key, byte| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The part of [`agent_order_key`] that the run decides.
pub(crate) fn run_key(seed: u64, run: u64, stage: u8) -> u64 {
    mix(mix(seed).wrapping_add(run.wrapping_mul(0xd134_2543_de82_ef95)) ^ u64::from(stage))
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the result.
pub(crate) fn mix(key: u64) -> u64 {
    let mut mixed = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, run: u64) -> Vec<usize> {
        let mut agents: Vec<usize> = (0..20).collect();
        agents.sort_by_key(|agent| agent_order_key(seed, run, 2, format!("agent-{agent}").as_bytes()));
        agents
    }

    #[test]
    fn seed_run_and_stage_decide_the_order() {
        assert_eq!(order(7, 1), order(7, 1));
        assert_ne!(order(7, 1), order(7, 2));
        assert_ne!(order(7, 1), order(8, 1));
        assert_ne!(agent_order_key(7, 1, 1, b"a"), agent_order_key(7, 1, 2, b"a"));
    }

    #[test]
    fn every_agent_comes_first_about_equally_often() {
        let mut first = [0_u32; 20];
        for run in 0..20_000 {
            first[order(42, run)[0]] += 1;
        }
        assert!(first.iter().all(|count| (850..1150).contains(count)), "{first:?}");
    }
}
