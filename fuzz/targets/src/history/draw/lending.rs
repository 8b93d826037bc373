//! Rules of lending, and what happens to what is lent.

use std::collections::BTreeMap;
use std::time::Duration;

use apportion_core::{
    Allocated, Amount, BackOff, BorrowerRule, Bound, Event, Holding, LenderRule, LendingPolicy, RoleLimits,
    RolePatterns, Sources, Weight,
};

use super::{Piece, REFUSALS, amounts, part, refusal};
use crate::entropy::Entropy;
use crate::history::universe::{AGENTS, FRAMEWORKS, NAMES, ROLES, Universe};
use crate::history::{Ended, World};

/// Patterns of roles.
const PATTERNS: [&str; 12] =
    ["**", "a/**", "a", "b", "*", "**", "a/*", "{b,a/x/deep}", "**", "?odd", "{a,b}", "**"];
/// Parts of a whole, in thousandths.
const PERMILLES: [u32; 8] = [1000, 500, 1000, 800, 100, 1, 0, 1000];
/// Times of which some pass and some do not.
const SPANS: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(60), Duration::from_millis(10)];

/// What an operator may have said about lending.
pub(super) fn policy(entropy: &mut Entropy<'_>, universe: &Universe) -> LendingPolicy {
    let names = entropy.pick(&[0b011, 0b111, 0b001, 0b010, 0b100, 0b011, 0b000]);
    let lent = universe.lent().enumerate().filter(|(position, _)| names >> position & 1 == 1);
    let by_name = |amounts: Vec<_>| amounts.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    LendingPolicy {
        resources: lent.map(|(_, kind)| kind.id).collect(),
        fan_out: entropy.pick(&[2, 1, 3, 2, 1, 3, 2, 0]),
        slice: if entropy.below(4) == 3 { by_name(amounts(entropy, 3)) } else { Vec::new() },
        min_idle: entropy.pick(&[Duration::ZERO, Duration::ZERO, SPANS[1], SPANS[2]]),
        back_off: BackOff {
            conflicts: entropy.pick(&[3, 1, 2, 0]),
            first: entropy.pick(&SPANS),
            most: entropy.pick(&SPANS),
        },
        lenders: (0..entropy.pick(&[1, 2, 3, 1, 2, 0])).map(|_| lender(entropy)).collect(),
        borrowers: (0..entropy.pick(&[1, 2, 3, 1, 2, 0])).map(|_| borrower(entropy)).collect(),
        limits: limits(entropy),
    }
}

fn patterns(entropy: &mut Entropy<'_>) -> RolePatterns {
    let count = 1 + entropy.below(2);
    let patterns: Vec<&str> = (0..count).map(|_| entropy.pick(&PATTERNS)).collect();
    RolePatterns::new(patterns).expect("patterns of roles")
}

fn lender(entropy: &mut Entropy<'_>) -> LenderRule {
    // Two bits for each source that does not lend, both of which must be set.
    let missing = entropy.byte();
    let has = |bit: u8| missing >> (2 * bit) & 3 != 3;
    LenderRule {
        roles: patterns(entropy),
        sources: Sources { offered: has(0), reserved: has(1), guaranteed: has(2) },
        to: if has(3) { None } else { Some(patterns(entropy)) },
        permille: entropy.pick(&PERMILLES),
    }
}

fn borrower(entropy: &mut Entropy<'_>) -> BorrowerRule {
    BorrowerRule {
        roles: patterns(entropy),
        priority: entropy.pick(&[0, 5, 1000, 5]),
        weight: entropy.pick(&[Weight::DEFAULT, Weight::from_thousandths(1), Weight::MAX]),
    }
}

fn limits(entropy: &mut Entropy<'_>) -> Vec<RoleLimits> {
    let mut limits: BTreeMap<&[u8], RoleLimits> = BTreeMap::new();
    for _ in 0..entropy.below(8).saturating_sub(4) {
        let role = entropy.pick(&ROLES);
        let (lend, borrow) = (bounds(entropy), bounds(entropy));
        limits.insert(role, RoleLimits { role: role.into(), lend, borrow });
    }
    limits.into_values().collect()
}

fn bounds(entropy: &mut Entropy<'_>) -> Vec<(Box<[u8]>, Bound)> {
    let mut bounds = BTreeMap::new();
    for _ in 0..entropy.below(3) {
        let bound = if entropy.flag() {
            Bound::Permille(entropy.pick(&PERMILLES))
        } else {
            Bound::Amount(Amount::thousandths(entropy.pick(&[2000, 1000, 0, 500, 10_000, 1])))
        };
        bounds.insert(entropy.pick(&NAMES).into(), bound);
    }
    bounds.into_iter().collect()
}

impl World {
    /// An event about something lent.
    pub(super) fn about_loans(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        match entropy.below(8) {
            0..=2 => self.use_lent(entropy),
            3 => self.return_lent(entropy, false),
            4 => self.return_lent(entropy, true),
            5 => self.lose_launches(entropy),
            6 => self.combined(entropy),
            _ => self.pass_time(entropy),
        }
    }

    /// A loan, offered or in use, or part of it; anything if there is none.
    fn lent_piece(&self, entropy: &mut Entropy<'_>, used: bool) -> Piece {
        let loans: Vec<_> = self.books.loans(used).collect();
        if loans.is_empty() || entropy.rarely() {
            return self.piece(entropy);
        }
        let ((agent, framework, role), all) = loans[entropy.below(loans.len().min(256))];
        let resources = if entropy.flag() { all.clone() } else { part(entropy, all) };
        let role = entropy.mostly().then(|| role.clone());
        Piece { agent: agent.clone(), framework: framework.clone(), role, resources }
    }

    /// Once in a while nobody saw who launched, or somebody else is said to have.
    fn use_lent(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let in_use = entropy.below(8) == 7;
        let first = self.lent_piece(entropy, in_use);
        let second = (entropy.below(8) == 7).then(|| self.lent_piece(entropy, false));
        let groups: Vec<Allocated<'_>> =
            [Some(&first), second.as_ref()].into_iter().flatten().map(Piece::group).collect();
        let framework = match entropy.below(8) {
            6 => None,
            7 => Some(entropy.pick(&FRAMEWORKS)),
            _ => Some(&*first.framework),
        };
        let agent = if entropy.rarely() { entropy.pick(&AGENTS) } else { &first.agent };
        self.send(&Event::UseLent { framework, agent, resources: &groups })
    }

    /// What was offered is declined; what was in use is not any more. Once in a while the master says the other thing.
    fn return_lent(&mut self, entropy: &mut Entropy<'_>, used: bool) -> Result<(), Ended> {
        let piece = self.lent_piece(entropy, used);
        self.send(&Event::RecoverResources {
            framework: &piece.framework,
            agent: &piece.agent,
            resources: &[piece.group()],
            refuse_seconds: if used { None } else { refusal(entropy) },
            allocated: if entropy.rarely() { !used } else { used },
        })
    }

    /// What was accepted comes back with the filter of the call, and its launches were turned down.
    fn lose_launches(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let piece = self.lent_piece(entropy, false);
        if entropy.mostly() {
            self.send(&Event::RecoverResources {
                framework: &piece.framework,
                agent: &piece.agent,
                resources: &[piece.group()],
                refuse_seconds: Some(entropy.pick(&REFUSALS)),
                allocated: false,
            })?;
        }
        let launches = entropy.pick(&[1, 1, 2, 0, u32::MAX]);
        self.send(&Event::LoseLaunches { framework: &piece.framework, launches })
    }

    /// One call about a framework's offers, lent and other.
    fn combined(&mut self, entropy: &mut Entropy<'_>) -> Result<(), Ended> {
        let lent = self.lent_piece(entropy, false);
        let mut regular = self.piece(entropy);
        if entropy.below(4) != 3 {
            regular = Piece { resources: Holding::default(), role: lent.role.clone(), ..regular };
        }
        let groups = [lent.group(), regular.group()];
        let agent = &lent.agent;
        match entropy.below(3) {
            0 => self.send(&Event::TransitionOfferedToAllocated { agent, resources: &groups }),
            1 => self.send(&Event::RecoverResources {
                framework: &lent.framework,
                agent,
                resources: &groups,
                refuse_seconds: refusal(entropy),
                allocated: entropy.flag(),
            }),
            _ => {
                let mut offered = regular.resources.clone();
                offered.add(&lent.resources);
                self.send(&Event::UpdateAllocation {
                    framework: &lent.framework,
                    agent,
                    role: lent.role.as_deref().unwrap_or(b"a"),
                    offered: &offered,
                    conversions: &[],
                })
            }
        }
    }
}
