//! Whole cores for containers that ask for them: who has which.
//!
//! # Invariants
//!
//! * A core is given whole, with all its hardware threads, to one container at most.
//! * One core at least stays with all the others.
//! * Which cores are given depends on what is taken and on the order of calls alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apportion_cgroups::{CpuSet, Kernel, Numbers};

use crate::container_id::ContainerId;
use crate::settings::CorePlacement;

/// A core: the numbers of its hardware threads.
type Core = BTreeSet<u32>;

/// The cores of a host, by memory node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Topology {
    nodes: BTreeMap<u32, Vec<Core>>,
}

impl Topology {
    /// Reads the host below `root`, as far as containers may use it: the CPUs that their parent group has.
    ///
    /// # Errors
    ///
    /// A text naming the file that cannot be read or understood.
    pub(crate) fn read(kernel: &dyn Kernel, root: &Path, usable: &Numbers) -> Result<Topology, String> {
        let numbers = |path: &Path| numbers(kernel, path);
        let of_nodes = |node: u32| root.join(format!("sys/devices/system/node/node{node}/cpulist"));
        let mut nodes: BTreeMap<u32, Vec<Core>> = BTreeMap::new();
        let online = numbers(&root.join("sys/devices/system/node/online"));
        // A kernel without memory nodes has one.
        let found: Vec<(u32, Numbers)> = match online {
            Ok(online) => {
                let read = |node: &u32| Ok::<_, String>((*node, numbers(&of_nodes(*node))?));
                online.0.iter().map(read).collect::<Result<_, _>>()?
            }
            Err(_) => vec![(0, usable.clone())],
        };
        for (node, cpus) in found {
            let mut seen = BTreeSet::new();
            for cpu in cpus.0.intersection(&usable.0) {
                if seen.contains(cpu) {
                    continue;
                }
                let siblings =
                    root.join(format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"));
                // A kernel that does not tell has one thread a core.
                let siblings = numbers(&siblings).unwrap_or_else(|_| Numbers([*cpu].into()));
                let core: Core = siblings.0.intersection(&usable.0).copied().chain([*cpu]).collect();
                seen.extend(core.iter().copied());
                nodes.entry(node).or_default().push(core);
            }
        }
        if nodes.values().all(Vec::is_empty) {
            return Err("no CPU is there for containers".to_owned());
        }
        Ok(Topology { nodes })
    }
}

fn numbers(kernel: &dyn Kernel, path: &Path) -> Result<Numbers, String> {
    let content = kernel.read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(content.trim_ascii());
    text.parse().map_err(|()| format!("{} is no list of numbers: {text:?}", path.display()))
}

/// Cores that cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CoreError {
    #[error(
        "{wanted} CPUs in whole cores are asked for, and {free} are free beside the core that is kept for all others"
    )]
    TooFew { wanted: usize, free: usize },
    #[error("{wanted} CPUs in whole cores of one memory node are asked for, and no node has as many free")]
    NoNode { wanted: usize },
}

/// Who has which cores.
#[derive(Debug, Default)]
pub(crate) struct Cores {
    topology: Topology,
    taken: BTreeMap<ContainerId, Vec<(u32, Core)>>,
}

impl Cores {
    pub(crate) fn new(topology: Topology) -> Cores {
        Cores { topology, taken: BTreeMap::new() }
    }

    /// Gives a container cores for so many thousandths of CPUs; those that it has already come first. If it fails, the
    /// container keeps what it has.
    pub(crate) fn take(
        &mut self,
        id: &ContainerId,
        cpus_milli: u64,
        placement: CorePlacement,
    ) -> Result<(), CoreError> {
        let wanted = usize::try_from(cpus_milli.div_ceil(1000).max(1)).unwrap_or(usize::MAX);
        let own: BTreeSet<Core> =
            self.taken.get(id).into_iter().flatten().map(|(_, core)| core.clone()).collect();
        let others: BTreeSet<Core> = self
            .taken
            .iter()
            .filter(|(holder, _)| *holder != id)
            .flat_map(|(_, cores)| cores.iter().map(|(_, core)| core.clone()))
            .collect();
        let mut free: Vec<(u32, Core)> = self
            .topology
            .nodes
            .iter()
            .flat_map(|(node, cores)| cores.iter().map(|core| (*node, core.clone())))
            .filter(|(_, core)| !others.contains(core))
            .collect();
        // One is kept for all others: the first that the container does not have.
        let kept = free.iter().position(|(_, core)| !own.contains(core));
        if let Some(kept) = kept {
            free.remove(kept);
        } else {
            free.clear();
        }
        let threads = |cores: &[(u32, Core)]| cores.iter().map(|(_, core)| core.len()).sum::<usize>();
        if threads(&free) < wanted {
            return Err(CoreError::TooFew { wanted, free: threads(&free) });
        }
        // Its own before the others; of the others in their order.
        free.sort_by_key(|(_, core)| !own.contains(core));
        let nodes: BTreeSet<u32> = free.iter().map(|(node, _)| *node).collect();
        let on_node =
            |node: u32| -> Vec<(u32, Core)> { free.iter().filter(|(of, _)| *of == node).cloned().collect() };
        // The node that is left with the least: larger containers find room on the others.
        let best = nodes
            .into_iter()
            .map(on_node)
            .filter(|cores| threads(cores) >= wanted)
            .min_by_key(|cores| (!cores.iter().any(|(_, core)| own.contains(core)), threads(cores)));
        let pool = match (best, placement) {
            (Some(cores), _) => cores,
            (None, CorePlacement::OneNode) => return Err(CoreError::NoNode { wanted }),
            (None, _) => free,
        };
        let mut given = Vec::new();
        for core in pool {
            if threads(&given) >= wanted {
                break;
            }
            given.push(core);
        }
        self.taken.insert(id.clone(), given);
        Ok(())
    }

    /// Notes the cores that a container has kept over a restart.
    pub(crate) fn adopt(&mut self, id: &ContainerId, cpus: &Numbers) {
        let cores =
            self.topology.nodes.iter().flat_map(|(node, cores)| cores.iter().map(|core| (*node, core)));
        let own = cores.filter(|(_, core)| core.is_subset(&cpus.0)).map(|(node, core)| (node, core.clone()));
        let own: Vec<_> = own.collect();
        let held: usize = self.taken.values().map(Vec::len).sum();
        let all: usize = self.topology.nodes.values().map(Vec::len).sum();
        let is_foreign = self.taken.values().flatten().any(|core| own.contains(core));
        // A container that had no cores of its own before the configuration was changed gets some with its next update.
        if !own.is_empty() && !is_foreign && held + own.len() < all {
            self.taken.insert(id.clone(), own);
        }
    }

    /// Takes a container's cores back. Returns whether it had any.
    pub(crate) fn give_back(&mut self, id: &ContainerId) -> bool {
        self.taken.remove(id).is_some()
    }

    /// Where a container runs: on its own cores, or on those that nobody has for himself.
    pub(crate) fn of(&self, id: &ContainerId, placement: CorePlacement) -> CpuSet {
        if let Some(cores) = self.taken.get(id) {
            let cpus = cores.iter().flat_map(|(_, core)| core.iter().copied()).collect();
            let mems = match placement {
                CorePlacement::OneNode => cores.iter().map(|(node, _)| *node).collect(),
                CorePlacement::WholeCores | CorePlacement::Shared => BTreeSet::new(),
            };
            return CpuSet { cpus: Numbers(cpus), mems: Numbers(mems) };
        }
        let taken: BTreeSet<u32> =
            self.taken.values().flatten().flat_map(|(_, core)| core.iter().copied()).collect();
        let all = self.topology.nodes.values().flatten().flatten().copied();
        CpuSet { cpus: Numbers(all.filter(|cpu| !taken.contains(cpu)).collect()), mems: Numbers::default() }
    }
}

#[cfg(test)]
mod tests {
    use apportion_cgroups::fake::FakeKernel;

    use super::*;

    /// Two nodes of three cores with two threads each: 0+6, 1+7, 2+8 and 3+9, 4+10, 5+11.
    fn topology() -> Topology {
        let core = |first: u32| Core::from([first, first + 6]);
        let node = |first: u32| (first..first + 3).map(core).collect();
        Topology { nodes: [(0, node(0)), (1, node(3))].into() }
    }

    fn id(name: &str) -> ContainerId {
        ContainerId::root(name)
    }

    fn cpus(cores: &Cores, name: &str) -> String {
        cores.of(&id(name), CorePlacement::WholeCores).cpus.to_string()
    }

    #[test]
    fn cores_are_given_whole_and_of_one_node_if_they_fit() {
        let mut cores = Cores::new(topology());
        cores.take(&id("a"), 2_500, CorePlacement::WholeCores).unwrap();
        // Node 0 has two cores beside the one that is kept.
        assert_eq!(cpus(&cores, "a"), "1-2,7-8");
        cores.take(&id("b"), 6_000, CorePlacement::OneNode).unwrap();
        let own = cores.of(&id("b"), CorePlacement::OneNode);
        assert_eq!((own.cpus.to_string(), own.mems.to_string()), ("3-5,9-11".to_owned(), "1".to_owned()));
        assert_eq!(cpus(&cores, "shared"), "0,6");
        let error = cores.take(&id("c"), 1, CorePlacement::WholeCores).unwrap_err();
        assert_eq!(error, CoreError::TooFew { wanted: 1, free: 0 });
        assert!(cores.give_back(&id("a")) && !cores.give_back(&id("a")));
        assert_eq!(cpus(&cores, "shared"), "0-2,6-8");
    }

    #[test]
    fn who_fits_in_no_single_node_spans_them_or_is_refused() {
        let mut cores = Cores::new(topology());
        let error = cores.take(&id("a"), 8_000, CorePlacement::OneNode).unwrap_err();
        assert_eq!(error, CoreError::NoNode { wanted: 8 });
        cores.take(&id("a"), 8_000, CorePlacement::WholeCores).unwrap();
        assert_eq!(cpus(&cores, "a"), "1-4,7-10");
        let error = cores.take(&id("b"), 4_000, CorePlacement::OneNode).unwrap_err();
        assert!(error.to_string().contains("4 CPUs in whole cores are asked for, and 2 are free"), "{error}");
    }

    #[test]
    fn a_container_that_grows_or_shrinks_keeps_the_cores_it_has() {
        let mut cores = Cores::new(topology());
        cores.take(&id("a"), 2_000, CorePlacement::WholeCores).unwrap();
        assert_eq!(cpus(&cores, "a"), "1,7");
        cores.take(&id("b"), 2_000, CorePlacement::WholeCores).unwrap();
        assert_eq!(cpus(&cores, "b"), "2,8");
        cores.give_back(&id("a"));
        cores.take(&id("b"), 4_000, CorePlacement::WholeCores).unwrap();
        assert_eq!(cpus(&cores, "b"), "1-2,7-8");
        cores.take(&id("b"), 1_000, CorePlacement::WholeCores).unwrap();
        assert_eq!(cpus(&cores, "b"), "1,7");
        // What cannot be had leaves it as it is.
        cores.take(&id("b"), 90_000, CorePlacement::WholeCores).unwrap_err();
        assert_eq!(cpus(&cores, "b"), "1,7");
    }

    #[test]
    fn cores_are_known_again_after_a_restart() {
        let mut cores = Cores::new(topology());
        cores.adopt(&id("a"), &"3-4,9-10".parse().unwrap());
        assert_eq!(cpus(&cores, "a"), "3-4,9-10");
        // What somebody has is not given again, and one core is left for all.
        cores.adopt(&id("c"), &"2-3,8-9".parse().unwrap());
        cores.adopt(&id("c"), &"0-2,5-8,11".parse().unwrap());
        // Half a core is none.
        cores.adopt(&id("b"), &"0".parse().unwrap());
        assert_eq!(cpus(&cores, "shared"), "0-2,5-8,11");
    }

    #[test]
    fn the_host_is_read_as_far_as_containers_may_use_it() {
        let kernel = FakeKernel::v2();
        let put = |path: &str, text: &str| kernel.put(&format!("/sys/devices/system/{path}"), text);
        let read = |usable: &str| Topology::read(&kernel, Path::new("/"), &usable.parse().unwrap());
        put("node/online", "0-1\n");
        put("node/node0/cpulist", "0-2,6-8\n");
        put("node/node1/cpulist", "3-5,9-11\n");
        for cpu in 0..12 {
            let first = cpu % 6;
            put(&format!("cpu/cpu{cpu}/topology/thread_siblings_list"), &format!("{first},{}\n", first + 6));
        }
        assert_eq!(read("0-11").unwrap(), topology());
        let some = read("0-1,6").unwrap();
        assert_eq!(some.nodes, [(0, vec![Core::from([0, 6]), Core::from([1])])].into());
        put("node/node1/cpulist", "odd\n");
        let error = read("0-11").unwrap_err();
        assert!(error.contains("node1/cpulist is no list of numbers"), "{error}");
        let bare = FakeKernel::v2();
        let plain = Topology::read(&bare, Path::new("/"), &"0-1".parse().unwrap()).unwrap();
        assert_eq!(plain.nodes, [(0, vec![Core::from([0]), Core::from([1])])].into());
        assert!(Topology::read(&bare, Path::new("/"), &Numbers::default()).is_err());
    }
}
