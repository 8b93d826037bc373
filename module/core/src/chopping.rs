//! Cutting resources down to an amount: as much of them as a guarantee still needs, or a limit still allows.
//!
//! Only divisible scalars are cut; a mounted disk or a persistent volume is given whole or not at all. When several
//! kinds share a name (a root disk and a mounted one), which of them is taken first is by lot, so that no kind is always
//! left over. The lot is drawn from the run and the agent, see [`cut_order_key`].

use crate::amount::Amount;
use crate::holding::{Holding, Item};
use crate::ids::{KindId, NameId};
use crate::kind::KindTable;
use crate::quantities::Quantities;
use crate::shuffle::mix;
use smallvec::SmallVec;

/// In which order the kinds on an agent are cut in a run: ascending by this key, then by kind.
///
/// `agent_key` is what [`crate::agent_order_key`] says about the agent in the run and stage.
#[must_use]
pub fn cut_order_key(agent_key: u64, kind: KindId) -> u64 {
    mix(agent_key ^ kind.index() as u64)
}

/// Items in the order in which they are cut.
fn by_lot(resources: &Holding, agent_key: u64) -> SmallVec<[&Item; 8]> {
    let mut items: SmallVec<[&Item; 8]> = resources.items().iter().collect();
    items.sort_by_key(|item| (cut_order_key(agent_key, item.kind), item.kind));
    items
}

/// Whether everything fits, in whatever order it is taken: nothing need be cut, and what is given is the list that is
/// there. `room` tells of a name how much; without an answer all of it fits.
fn all_fit(resources: &Holding, kinds: &KindTable, room: impl Fn(NameId) -> Option<Amount>) -> bool {
    let mut needed = Quantities::default();
    resources.items().iter().all(|item| {
        let (Some(name), Some(size)) = (kinds.traits(item.kind).scalar_name, item.value.scalar()) else {
            return true;
        };
        let Some(room) = room(name) else { return true };
        needed.add(name, size.times(item.copies));
        needed.get(name) <= room
    })
}

/// As much of an item as fits into `room`; a whole kind in whole copies.
fn fitting(item: &Item, room: Amount) -> Option<Item> {
    let size = item.value.scalar()?;
    if !room.is_positive() {
        return None;
    }
    if !item.kind.is_whole() {
        return Some(Item::scalar(item.kind, size.min(room)));
    }
    let fit = room.in_thousandths().checked_div(size.in_thousandths())?;
    let copies = item.copies.min(u32::try_from(fit).unwrap_or(u32::MAX));
    (copies > 0).then(|| Item { copies, ..item.clone() })
}

/// What of the resources fits into the amounts in `room`, which shrinks by it; a name that is not in `room` gets nothing.
pub(crate) fn cut_to_amounts(
    resources: &Holding,
    room: &Quantities,
    agent_key: u64,
    kinds: &KindTable,
) -> Holding {
    let is_scalar = |item: &Item| kinds.traits(item.kind).scalar_name.is_some();
    if resources.items().iter().all(is_scalar) && all_fit(resources, kinds, |name| Some(room.get(name))) {
        return resources.clone();
    }
    let mut room = room.clone();
    let mut cut = Holding::default();
    for item in by_lot(resources, agent_key) {
        let Some(name) = kinds.traits(item.kind).scalar_name else { continue };
        if let Some(part) = fitting(item, room.get(name)) {
            room.subtract(name, part.scalar_quantity().unwrap_or(Amount::ZERO));
            cut.add_item(&part);
        }
    }
    cut
}

/// What of the resources fits under the limits; names without a limit are taken whole.
pub(crate) fn cut_to_limits(
    resources: &Holding,
    limits: &[(NameId, Amount)],
    agent_key: u64,
    kinds: &KindTable,
) -> Holding {
    let limit = |name| limits.iter().find(|(limited, _)| *limited == name).map(|(_, amount)| *amount);
    if all_fit(resources, kinds, limit) {
        return resources.clone();
    }
    let mut room: Vec<(NameId, Amount)> = limits.to_vec();
    let mut cut = Holding::default();
    for item in by_lot(resources, agent_key) {
        let name = kinds.traits(item.kind).scalar_name;
        let Some((_, left)) = room.iter_mut().find(|(limited, _)| Some(*limited) == name) else {
            cut.add_item(item);
            continue;
        };
        if let Some(part) = fitting(item, *left) {
            *left = left.minus_floored(part.scalar_quantity().unwrap_or(Amount::ZERO));
            cut.add_item(&part);
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use crate::roles::RoleTree;

    struct Bench {
        kinds: KindTable,
        roles: RoleTree,
    }

    impl Bench {
        fn new() -> Self {
            Self { kinds: KindTable::default(), roles: RoleTree::default() }
        }

        fn kind(&mut self, name: &[u8], identity: &[u8], divisible: bool) -> KindId {
            let kind = Kind { divisible, identity: identity.into(), ..Kind::scalar(name) };
            self.kinds.intern(kind, &mut self.roles).unwrap()
        }

        fn amounts(&self, wanted: &[(&[u8], i64)]) -> Quantities {
            let mut amounts = Quantities::default();
            for (name, units) in wanted {
                amounts.add(self.kinds.find_name(name).unwrap(), Amount::whole(*units));
            }
            amounts
        }

        fn limits(&self, limits: &[(&[u8], i64)]) -> Vec<(NameId, Amount)> {
            let numbered = limits.iter();
            numbered
                .map(|(name, units)| (self.kinds.find_name(name).unwrap(), Amount::whole(*units)))
                .collect()
        }
    }

    fn units(kind: KindId, units: i64) -> Item {
        Item::scalar(kind, Amount::whole(units))
    }

    #[test]
    fn item_042_nothing_wanted_is_nothing_and_no_limits_is_everything() {
        let mut bench = Bench::new();
        let cpus = bench.kind(b"cpus", b"cpus", true);
        let all = Holding::new([units(cpus, 2)]);
        assert!(cut_to_amounts(&all, &Quantities::default(), 1, &bench.kinds).is_empty());
        assert_eq!(cut_to_limits(&all, &[], 1, &bench.kinds), all);
    }

    #[test]
    fn item_043_amounts_leave_other_names_out_and_limits_leave_them_whole() {
        let mut bench = Bench::new();
        let (cpus, mem) = (bench.kind(b"cpus", b"cpus", true), bench.kind(b"mem", b"mem", true));
        let all = Holding::new([units(cpus, 2), units(mem, 20)]);
        let cut = cut_to_amounts(&all, &bench.amounts(&[(b"cpus", 1)]), 1, &bench.kinds);
        assert_eq!(cut, Holding::new([units(cpus, 1)]));
        let cut = cut_to_limits(&all, &bench.limits(&[(b"cpus", 1)]), 1, &bench.kinds);
        assert_eq!(cut, Holding::new([units(cpus, 1), units(mem, 20)]));
    }

    #[test]
    fn item_044_a_mounted_disk_that_is_too_large_is_dropped() {
        let mut bench = Bench::new();
        let mount = bench.kind(b"disk", b"mount", false);
        let one = Holding::new([units(mount, 20)]);
        assert!(cut_to_amounts(&one, &bench.amounts(&[(b"disk", 10)]), 1, &bench.kinds).is_empty());
        assert!(cut_to_limits(&one, &bench.limits(&[(b"disk", 10)]), 1, &bench.kinds).is_empty());
        let three = Holding::new([units(mount, 20), units(mount, 20), units(mount, 20)]);
        let two = Holding::new([units(mount, 20), units(mount, 20)]);
        assert_eq!(cut_to_amounts(&three, &bench.amounts(&[(b"disk", 50)]), 1, &bench.kinds), two);
    }

    #[test]
    fn item_045_of_a_root_disk_and_a_mounted_one_either_may_be_taken() {
        let mut bench = Bench::new();
        let (root, mount) = (bench.kind(b"disk", b"root", true), bench.kind(b"disk", b"mount", false));
        let both = Holding::new([units(root, 10), units(mount, 10)]);
        let room = bench.amounts(&[(b"disk", 10)]);
        let mut taken = [0_u32; 2];
        for key in 0..1000 {
            let cut = cut_to_amounts(&both, &room, key, &bench.kinds);
            let [item] = cut.items() else { panic!("{cut:?}") };
            taken[usize::from(item.kind == mount)] += 1;
        }
        assert!(taken.iter().all(|times| (400..=600).contains(times)), "{taken:?}");
    }

    #[test]
    fn item_046_a_limit_of_nothing_leaves_nothing() {
        let mut bench = Bench::new();
        let (cpus, mem) = (bench.kind(b"cpus", b"cpus", true), bench.kind(b"mem", b"mem", true));
        let all = Holding::new([units(cpus, 2), units(mem, 20)]);
        let cut = cut_to_limits(&all, &bench.limits(&[(b"cpus", 0)]), 1, &bench.kinds);
        assert_eq!(cut, Holding::new([units(mem, 20)]));
    }
}
