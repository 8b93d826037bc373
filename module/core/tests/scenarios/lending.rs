//! Idle capacity is offered a second time.

use std::time::Duration;

use apportion_core::{
    BackOff, BorrowerRule, Bound, Event, FrameworkCapabilities, LenderRule, LendingPolicy, Notice,
    RoleLimits, RolePatterns, Sources, Unavailability, Weight,
};

use crate::cluster::{ABLE_FRAMEWORK, Agent, Cluster, Framework, Offered, amount, quota};

fn patterns(roles: &[&str]) -> RolePatterns {
    RolePatterns::new(roles.iter().copied()).unwrap()
}

const EVERYTHING: Sources = Sources { offered: true, reserved: true, guaranteed: true };

fn lender(roles: &[&str]) -> LenderRule {
    LenderRule { roles: patterns(roles), sources: EVERYTHING, to: None, permille: 1000 }
}

fn borrower(roles: &[&str], priority: u32) -> BorrowerRule {
    BorrowerRule { roles: patterns(roles), priority, weight: Weight::DEFAULT }
}

/// `prod` lends everything to `batch` and `night`, two see the same.
pub(crate) fn policy() -> LendingPolicy {
    LendingPolicy {
        fan_out: 2,
        lenders: vec![lender(&["prod", "prod/**"])],
        borrowers: vec![borrower(&["batch", "batch/**"], 0), borrower(&["night"], 5)],
        ..LendingPolicy::default()
    }
}

/// An owner in `prod` that is offered agent `a` and thinks.
pub(crate) fn thinking(policy: LendingPolicy, total: &str) -> (Cluster, Offered) {
    let mut cluster = Cluster::that_lends(policy);
    // What comes back goes to the owner.
    let nothing = quota("", "cpus:0;mem:0");
    cluster.send(&Event::UpdateQuota { role: b"batch", quota: &nothing });
    cluster.add_framework("owner", &["prod"]);
    let offer = cluster.register(&Agent::that_reclaims("a", total)).remove(0);
    (cluster, offer)
}

pub(crate) fn told(cluster: &mut Cluster, seconds: f64) -> Vec<String> {
    let offers = cluster.tick_at(seconds);
    cluster.told(&offers)
}

pub(crate) fn bounds(text: &[(&str, f64)]) -> Vec<(Box<[u8]>, Bound)> {
    text.iter().map(|(name, most)| (name.as_bytes().into(), Bound::Amount(amount(*most)))).collect()
}

#[test]
fn what_a_lender_is_offered_and_does_not_use_is_offered_to_borrowers_as_revocable() {
    let (mut cluster, offer) = thinking(policy(), "cpus:4;mem:100;ports:[1-9]");
    let offers = cluster.add_framework("b", &["batch"]);
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:4; mem{REV}:100"]);
    assert!(offers[0].why.lent, "{}", offers[0].why);
    cluster.accept(&offer, "cpus:3;ports:[1-9]");
    cluster.recover(&offers[0], &offers[0].resources, None, false);
    let offers = cluster.tick();
    assert_eq!(
        cluster.told(&offers),
        ["b batch a cpus{REV}:1; mem{REV}:100", "owner prod a cpus:1; mem:100"],
        "in the same run"
    );
}

#[test]
fn nothing_is_lent_without_rules_without_capability_or_where_nobody_could_be_ended() {
    let mut cluster = Cluster::new();
    cluster.add_framework("owner", &["prod"]);
    cluster.register(&Agent::that_reclaims("a", "cpus:4"));
    assert_eq!(cluster.add_framework("b", &["batch"]), []);

    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let capabilities = FrameworkCapabilities { revocable_resources: false, ..ABLE_FRAMEWORK };
    assert_eq!(cluster.add(&Framework { capabilities, ..Framework::new("b", &["batch"]) }), []);
    assert_eq!(cluster.add_framework("stranger", &["other"]), []);

    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("owner", &["prod"]);
    cluster.add_agent("a", "cpus:4");
    assert_eq!(cluster.add_framework("b", &["batch"]), []);
    assert_eq!(cluster.tick(), []);
}

#[test]
fn the_same_capacity_is_seen_by_as_many_as_the_fan_out_and_by_each_once() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let first = cluster.add_framework("b1", &["batch"]);
    let second = cluster.add_framework("b2", &["batch/a"]);
    assert_eq!(cluster.told(&first), ["b1 batch a cpus{REV}:4"]);
    assert_eq!(cluster.told(&second), ["b2 batch/a a cpus{REV}:4"]);
    assert_eq!(cluster.add_framework("b3", &["batch"]), []);
    assert_eq!(cluster.allocator.lent_in_all(b"cpus"), amount(4.0), "once");
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(8.0), "by each");
    let loans: Vec<_> = cluster.allocator.loans().collect();
    let shown: Vec<_> =
        loans.iter().map(|loan| (loan.agent, loan.framework, loan.role, loan.priority)).collect();
    let (agent, one, other) = (&b"a"[..], Some(&b"b1"[..]), Some(&b"b2"[..]));
    assert_eq!(shown, [(agent, one, &b"batch"[..], Some(0)), (agent, other, b"batch/a", Some(0))]);
    assert!(
        loans.iter().all(|loan| loan.offered == [(b"cpus"[..].into(), amount(4.0))] && loan.used.is_empty())
    );
    assert_eq!((cluster.allocator.loans_len(), cluster.allocator.agents_that_lend()), (2, 1));
    // "prod"; "batch" and "batch/a".
    assert_eq!(cluster.allocator.lending_roles_len(), (1, 2));
    cluster.rescind(&first);
    cluster.apply(&Event::Tick);
    let run = cluster.apply(&Event::Cycle);
    assert_eq!(run.run.map(|run| (run.offers, run.lent, run.overlapped)), Some((1, 1, 1)));
    let offers = cluster.named(&run);
    assert_eq!(cluster.told(&offers), ["b3 batch a cpus{REV}:4"], "who borrows nothing comes first");
}

#[test]
fn the_first_launch_wins_and_stale_offers_count_until_they_are_back() {
    let (mut cluster, owner) = thinking(policy(), "cpus:4");
    let first = cluster.add_framework("b1", &["batch"]).remove(0);
    let second = cluster.add_framework("b2", &["batch"]).remove(0);
    cluster.accept(&first, "cpus{REV}:3");
    assert_eq!(cluster.tick(), [], "4 are still offered to b2, and 1 is free");
    cluster.rescind(std::slice::from_ref(&second));
    let offers = cluster.tick();
    assert_eq!(
        cluster.told(&offers),
        ["b1 batch a cpus{REV}:1", "b2 batch a cpus{REV}:1"],
        "corrected to what is left"
    );
    cluster.accept(&owner, "cpus:2");
    cluster.rescind(&offers);
    assert_eq!(told(&mut cluster, 1.0), ["owner prod a cpus:2"]);
    assert_eq!(told(&mut cluster, 2.0), [] as [&str; 0], "3 in use by loans, 2 lendable");
    cluster.end_task(("b1", "batch", "a"), "cpus{REV}:3");
    assert_eq!(told(&mut cluster, 3.0), ["b1 batch a cpus{REV}:2", "b2 batch a cpus{REV}:2"]);
}

#[test]
fn reserved_capacity_that_nobody_holds_is_lent() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.register(&Agent::that_reclaims("a", "cpus(prod):3;cpus(other):2;mem(prod/db):10"));
    let offers = cluster.add_framework("b", &["batch"]);
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:3; mem{REV}:10"]);
}

#[test]
fn volumes_and_mounted_disks_are_not_lent() {
    let policy = LendingPolicy { lenders: vec![lender(&["prod"])], ..policy() };
    let mut cluster = Cluster::that_lends(policy);
    cluster.register(&Agent::that_reclaims(
        "a",
        "mem(prod){VOLUME:v}:3;mem(prod){MOUNT:m}:5;mem(prod){SHARED:s}:7",
    ));
    assert_eq!(cluster.add_framework("b", &["batch"]), []);
}

#[test]
fn what_is_held_back_for_a_guarantee_is_lent_as_far_as_it_is_lacking() {
    let mut cluster = Cluster::that_lends(policy());
    let quota = quota("cpus:5", "");
    cluster.send(&Event::UpdateQuota { role: b"prod", quota: &quota });
    cluster.register(&Agent::that_reclaims("a", "cpus:4"));
    cluster.register(&Agent::that_reclaims("b", "cpus:4"));
    let mut offers = cluster.add_framework("b", &["batch"]);
    let lent = |offers: &[Offered]| offers.iter().filter(|offer| offer.why.lent).count();
    assert_eq!((offers.len(), lent(&offers)), (2, 1), "nobody gets two offers of an agent in one run");
    offers.extend(cluster.tick());
    assert_eq!((offers.len(), lent(&offers)), (3, 2));
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(5.0));
}

#[test]
fn capacity_has_to_be_idle_for_the_least_time() {
    let policy = LendingPolicy { min_idle: Duration::from_secs(10), ..policy() };
    let (mut cluster, _) = thinking(policy, "cpus:4");
    cluster.add_framework("b", &["batch"]);
    assert_eq!(told(&mut cluster, 9.9), [] as [&str; 0]);
    assert_eq!(told(&mut cluster, 10.0), ["b batch a cpus{REV}:4"]);
}

#[test]
fn slices_and_parts_leave_something_for_the_next() {
    let half = LenderRule { permille: 500, ..lender(&["prod"]) };
    let policy = LendingPolicy {
        slice: vec![(b"cpus".as_slice().into(), amount(1.0))],
        lenders: vec![half],
        ..policy()
    };
    let (mut cluster, _) = thinking(policy, "cpus:4;mem:10");
    for name in ["b1", "b2"] {
        let offers = cluster.add_framework(name, &["batch"]);
        assert_eq!(cluster.told(&offers), [format!("{name} batch a cpus{{REV}}:1; mem{{REV}}:5")]);
    }
    let offers = cluster.add_framework("b3", &["batch"]);
    assert_eq!(cluster.told(&offers), ["b3 batch a cpus{REV}:1"], "2 of 4 cpus are lent, each seen by two");
}

#[test]
fn gpus_are_lent_in_whole_numbers() {
    let half = LenderRule { permille: 500, ..lender(&["prod"]) };
    let (mut cluster, _) = thinking(LendingPolicy { lenders: vec![half], ..policy() }, "cpus:4;gpus:3");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    assert_eq!(cluster.describe(&offer), "b batch a cpus{REV}:2; gpus{REV}:1");
}

#[test]
fn borrowers_are_asked_to_leave_before_a_maintenance() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.accept(&offer, "cpus{REV}:1");
    let window = Unavailability { start_nanos: 7, duration_nanos: None };
    cluster.send(&Event::UpdateUnavailability { agent: b"a", unavailability: Some(window) });
    assert_eq!(cluster.inverse_offers, ["b a 7", "owner a 7"]);
}

#[test]
fn a_lender_that_names_borrowers_lends_to_no_others() {
    let to_night = LenderRule { to: Some(patterns(&["night"])), ..lender(&["prod"]) };
    let policy = LendingPolicy { lenders: vec![to_night, lender(&["web"])], ..policy() };
    let mut cluster = Cluster::that_lends(policy);
    cluster.register(&Agent::that_reclaims("a", "cpus(prod):3;cpus(web):2"));
    let batch = cluster.add_framework("b", &["batch"]).remove(0);
    assert_eq!(cluster.describe(&batch), "b batch a cpus{REV}:2");
    let night = cluster.add_framework("n", &["night"]).remove(0);
    assert_eq!(cluster.describe(&night), "n night a cpus{REV}:5");
    cluster.accept(&night, "cpus{REV}:3");
    cluster.rescind(&[batch]);
    let offers = cluster.tick();
    assert_eq!(
        cluster.told(&offers),
        ["b batch a cpus{REV}:2", "n night a cpus{REV}:2"],
        "night takes of those first who lend to nobody else"
    );
}

#[test]
fn a_framework_is_not_lent_what_its_own_role_is_thinking_about() {
    let policy = LendingPolicy { borrowers: vec![borrower(&["**"], 0)], ..policy() };
    let (mut cluster, _) = thinking(policy, "cpus:4");
    assert_eq!(cluster.tick(), []);
    let offers = cluster.add_framework("b", &["prod"]);
    assert_eq!(cluster.told(&offers), ["b prod a cpus{REV}:4"]);
}

#[test]
fn limits_hold_at_each_level_of_the_role_tree() {
    let limits = vec![
        RoleLimits { role: b"batch".as_slice().into(), lend: vec![], borrow: bounds(&[("cpus", 3.0)]) },
        RoleLimits { role: b"batch/a".as_slice().into(), lend: vec![], borrow: bounds(&[("cpus", 1.0)]) },
        RoleLimits { role: b"prod".as_slice().into(), lend: bounds(&[("mem", 7.0)]), borrow: vec![] },
    ];
    let policy = LendingPolicy { fan_out: 9, limits, ..policy() };
    let (mut cluster, _) = thinking(policy, "cpus:4;mem:10");
    let a = cluster.add_framework("a", &["batch/a"]);
    assert_eq!(cluster.told(&a), ["a batch/a a cpus{REV}:1; mem{REV}:7"]);
    let b = cluster.add_framework("b", &["batch/b"]);
    assert_eq!(cluster.told(&b), ["b batch/b a cpus{REV}:2"], "another 7 of the 10 would make 10 in use");
    assert_eq!(cluster.add_framework("c", &["batch"]), []);
    cluster.rescind(&a);
    let offers = cluster.tick();
    assert_eq!(
        cluster.told(&offers),
        ["c batch a cpus{REV}:1; mem{REV}:7"],
        "who borrows nothing comes first"
    );
}

#[test]
fn a_limit_as_a_part_of_the_cluster_grows_with_it() {
    let limit = RoleLimits {
        role: b"prod".as_slice().into(),
        lend: vec![(b"cpus".as_slice().into(), Bound::Permille(250))],
        borrow: vec![],
    };
    let (mut cluster, _) = thinking(LendingPolicy { limits: vec![limit], ..policy() }, "cpus:4");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    assert_eq!(cluster.describe(&offer), "b batch a cpus{REV}:1");
    cluster.add_agent("c", "cpus:8");
    cluster.rescind(&[offer]);
    assert_eq!(told(&mut cluster, 1.0), ["b batch a cpus{REV}:3"]);
}

#[test]
fn what_was_borrowed_at_a_lower_priority_is_lent_at_a_higher_one() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let low = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.accept(&low, "cpus{REV}:4");
    assert_eq!(cluster.tick(), []);
    let high = cluster.add_framework("n", &["night"]).remove(0);
    assert_eq!(cluster.describe(&high), "n night a cpus{REV}:4");
    cluster.accept(&high, "cpus{REV}:4");
    assert_eq!(cluster.add_framework("n2", &["night"]), [], "not at the same");
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:4");
    assert_eq!(cluster.tick(), []);
}

#[test]
fn borrowers_take_turns_by_what_they_have_borrowed_and_their_weight() {
    let heavy = BorrowerRule { weight: Weight::from_f64(3.0).unwrap(), ..borrower(&["batch"], 0) };
    let policy = LendingPolicy { fan_out: 1, borrowers: vec![heavy, borrower(&["night"], 0)], ..policy() };
    let mut cluster = Cluster::that_lends(policy);
    cluster.add_framework("owner", &["prod"]);
    let agents = 40;
    for agent in 0..agents {
        cluster.register(&Agent::that_reclaims(&format!("a{agent}"), "cpus:1"));
    }
    for (name, role) in [("b", "batch"), ("n", "night")] {
        // Both are there before anything is lent.
        cluster.add(&Framework { active: false, ..Framework::new(name, &[role]) });
    }
    cluster.apply(&Event::ActivateFramework { framework: b"b" });
    cluster.apply(&Event::ActivateFramework { framework: b"n" });
    let offers = cluster.send(&Event::Cycle);
    let of = |name: &str| offers.iter().filter(|offer| offer.framework == name).count();
    assert_eq!((of("b"), of("n")), (30, 10));
}

#[test]
fn a_declined_loan_is_not_offered_again_before_its_time() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.decline(&offer, 10.0);
    assert_eq!(told(&mut cluster, 9.0), [] as [&str; 0]);
    assert_eq!(told(&mut cluster, 10.0), ["b batch a cpus{REV}:4"]);
}

#[test]
fn who_loses_is_offered_at_once_what_is_left() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let winner = cluster.add_framework("w", &["batch"]).remove(0);
    let loser = cluster.add_framework("l", &["batch"]).remove(0);
    cluster.accept(&winner, "cpus{REV}:3");
    // The rest of a call has the filter of the call, whatever became of its launches.
    cluster.decline(&loser, 5.0);
    let offers = cluster.tick();
    assert!(offers.iter().all(|offer| offer.framework == "w"), "as after any decline: {offers:?}");
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let winner = cluster.add_framework("w", &["batch"]).remove(0);
    let loser = cluster.add_framework("l", &["batch"]).remove(0);
    cluster.accept(&winner, "cpus{REV}:3");
    cluster.decline(&loser, 5.0);
    cluster.send(&Event::LoseLaunches { framework: b"l", launches: 1 });
    let offers = cluster.tick();
    let to_loser: Vec<String> =
        cluster.told(&offers).into_iter().filter(|offer| offer.starts_with("l ")).collect();
    assert_eq!(to_loser, ["l batch a cpus{REV}:1"]);
}

#[test]
fn who_loses_has_still_declined_what_an_agent_reports_that_does_not_lend() {
    let mut cluster = Cluster::that_lends(policy());
    let offer = cluster.add_framework("l", &["batch"]);
    assert_eq!(offer, []);
    let offer = cluster.add_agent("c", "cpus{REV}:8").remove(0);
    cluster.decline(&offer, 5.0);
    cluster.send(&Event::LoseLaunches { framework: b"l", launches: 1 });
    assert_eq!(cluster.tick(), [], "not before its time");
}

#[test]
fn who_loses_again_and_again_waits() {
    let back_off = BackOff { conflicts: 2, first: Duration::from_secs(4), most: Duration::from_secs(60) };
    let (mut cluster, _) = thinking(LendingPolicy { back_off, ..policy() }, "cpus:4");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.rescind(&[offer]);
    cluster.send(&Event::LoseLaunches { framework: b"b", launches: 1 });
    let offer = cluster.tick().remove(0);
    cluster.rescind(&[offer]);
    cluster.send(&Event::LoseLaunches { framework: b"b", launches: 1 });
    let waits = Notice::BacksOff { framework: b"b".as_slice().into(), waits: Duration::from_secs(4) };
    assert!(cluster.notices.contains(&waits), "{:?}", cluster.notices);
    assert_eq!(told(&mut cluster, 3.0), [] as [&str; 0]);
    assert_eq!(told(&mut cluster, 4.0), ["b batch a cpus{REV}:4"]);
}

#[test]
fn an_estimate_of_an_agent_that_lends_is_not_offered() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("b", &["batch"]);
    let offers = cluster.register(&Agent::that_reclaims("a", "cpus:4;cpus{REV}:8"));
    assert_eq!(cluster.told(&offers), ["b batch a cpus:4"]);
    assert!(matches!(&cluster.notices[..], [Notice::EstimateIgnored { .. }]), "{:?}", cluster.notices);
    assert_eq!(cluster.total("a"), "cpus:4");
    let offers = cluster.add_agent("c", "cpus:4;cpus{REV}:8");
    assert_eq!(cluster.told(&offers), ["b batch c cpus{REV}:8; cpus:4"], "elsewhere it is");
}

#[test]
fn use_by_somebody_nobody_saw_counts_for_the_first_that_was_offered_so_much() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    let offer = cluster.add_framework("b", &["batch"]).remove(0);
    let used = cluster.resources("cpus{REV}:4");
    let group = [apportion_core::Allocated { role: Some(b"batch"), resources: &used }];
    cluster.send(&Event::UseLent { framework: None, agent: b"a", resources: &group });
    cluster.end_task((&offer.framework, &offer.role, &offer.agent), "cpus{REV}:4");
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
    assert!(cluster.notices.is_empty());
}

#[test]
fn what_the_master_says_of_unknown_loans_is_believed() {
    let (mut cluster, _) = thinking(policy(), "cpus:4");
    cluster.add_framework("b", &["batch"]);
    cluster.end_task(("b", "batch", "a"), "cpus{REV}:9");
    assert!(matches!(&cluster.notices[..], [Notice::UnknownLoan { .. }]), "{:?}", cluster.notices);
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
}

#[test]
fn an_idle_run_looks_at_no_agent() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("owner", &["prod"]);
    for agent in 0..50 {
        cluster.register(&Agent::that_reclaims(&format!("a{agent}"), "cpus:1"));
    }
    for name in ["b1", "b2", "b3"] {
        cluster.add_framework(name, &["batch"]);
    }
    cluster.tick();
    cluster.tick();
    assert_eq!(cluster.allocator.agents_open_to_borrowers(), 0);
}

#[test]
fn a_combined_offer_is_converted_without_its_lent_part() {
    let mut cluster = Cluster::that_lends(policy());
    cluster.add_framework("owner", &["prod"]);
    cluster.register(&Agent::that_reclaims("a", "cpus:4;disk:5"));
    let lent = cluster.add_framework("b", &["batch"]).remove(0);
    cluster.send(&Event::RemoveFramework { framework: b"owner" });
    let regular = cluster.tick().remove(0);
    assert_eq!(cluster.describe(&regular), "b batch a cpus:4; disk:5");
    let mut both = regular;
    both.resources.add(&lent.resources);
    let reserve = cluster.conversion("disk:5", "disk(batch):5");
    let converted = cluster.convert(&both, &[reserve]);
    assert_eq!(cluster.total("a"), "cpus:4; disk(batch):5");
    cluster.recover_from(("b", "batch", "a"), &lent.resources, None, false);
    let mut rest = converted.resources;
    rest.subtract(&lent.resources);
    cluster.recover_from(("b", "batch", "a"), &rest, None, false);
    assert!(cluster.notices.is_empty(), "{:?}", cluster.notices);
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(0.0));
}

#[test]
fn a_guarantee_that_is_lacking_is_lent_once_however_many_agents_could_serve_it() {
    let mut cluster = Cluster::that_lends(policy());
    let (guarantee, nothing) = (quota("cpus:4", ""), quota("", "cpus:0;mem:0"));
    cluster.send(&Event::UpdateQuota { role: b"prod", quota: &guarantee });
    cluster.send(&Event::UpdateQuota { role: b"batch", quota: &nothing });
    for agent in ["a", "b", "c"] {
        cluster.register(&Agent::that_reclaims(agent, "cpus:4"));
    }
    let offers = cluster.add_framework("b", &["batch"]);
    assert_eq!(offers.len(), 1, "{:?}", cluster.told(&offers));
    assert_eq!(cluster.allocator.borrowed_in_all(b"cpus"), amount(4.0));
    let agent = offers[0].agent.clone();
    assert_eq!(cluster.allocator.lent_in_all(b"cpus"), amount(4.0), "and it is covered");
    cluster.decline(&offers[0], 1000.0);
    let offers = cluster.tick();
    assert_eq!(
        offers.len(),
        1,
        "what is not wanted there may be lent elsewhere: {:?}",
        cluster.told(&offers)
    );
    assert_ne!(offers[0].agent, agent);
}

#[test]
fn what_a_lender_holds_and_lends_is_not_taken_off_its_guarantee_twice() {
    let mut cluster = Cluster::that_lends(policy());
    let (guarantee, nothing) = (quota("cpus:8", ""), quota("", "cpus:0;mem:0"));
    cluster.send(&Event::UpdateQuota { role: b"prod", quota: &guarantee });
    cluster.send(&Event::UpdateQuota { role: b"batch", quota: &nothing });
    cluster.register(&Agent::that_reclaims("a", "cpus(prod):4"));
    cluster.register(&Agent::that_reclaims("b", "cpus:4"));
    let offers = cluster.add_framework("b", &["batch"]);
    assert_eq!(cluster.told(&offers), ["b batch a cpus{REV}:4", "b batch b cpus{REV}:4"]);
    cluster.tick();
    assert_eq!(cluster.allocator.lent_in_all(b"cpus"), amount(8.0));
}

#[test]
fn capacity_that_its_owner_is_offered_and_declines_now_and_then_is_idle_all_the_time() {
    let policy = LendingPolicy { min_idle: Duration::from_secs(5), ..policy() };
    let mut cluster = Cluster::that_lends(policy);
    let owner = |offers: &[Offered]| offers.iter().find(|offer| offer.framework == "owner").cloned();
    let mut offers = cluster.add_framework("owner", &["prod"]);
    offers.extend(cluster.add_framework("b", &["batch"]));
    offers.extend(cluster.register(&Agent::that_reclaims("a", "cpus(prod):4")));
    let mut lent = Vec::new();
    for second in 0..12 {
        if let Some(offer) = owner(&offers) {
            cluster.decline(&offer, 2.0);
        }
        offers = cluster.tick_at(f64::from(second));
        lent.extend(offers.iter().filter(|offer| offer.why.lent).map(|_| second));
    }
    assert_eq!(lent, [5]);
}
