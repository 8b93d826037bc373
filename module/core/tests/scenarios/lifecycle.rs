//! Frameworks and agents come, go, and come back.

use apportion_core::{
    AgentInfo, Allocated, Event, FrameworkInfo, Notice, Unavailability, UsedByFramework, Violation,
};

use crate::cluster::{ABLE_AGENT, ABLE_FRAMEWORK, Cluster};

#[test]
fn what_is_offered_is_not_offered_again_until_it_is_recovered() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4;ports:[1-10]").remove(0);
    assert_eq!(cluster.add_framework("g", &["s"]), []);
    assert_eq!(cluster.tick(), []);
    cluster.recover(&offer, &offer.resources, None, false);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g s a cpus:4; ports:[1-10]"]);
}

#[test]
fn what_tasks_use_comes_back_when_they_end() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4;ports:[1-10]").remove(0);
    cluster.accept(&offer, "cpus:1.5;ports:[3-4]");
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f r a cpus:2.5; ports:[1-2, 5-10]"]);
    let task = cluster.resources("cpus:1.5;ports:[3-4]");
    cluster.recover(&offer, &task, None, true);
    assert_eq!(cluster.available("a"), "cpus:1.5; ports:[3-4]");
}

#[test]
fn what_is_offered_in_a_role_is_what_it_holds_and_no_task_uses() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let first = cluster.add_agent("a", "cpus:4;mem:10").remove(0);
    cluster.accept(&first, "cpus:1.5;mem:10");
    cluster.add_framework("g", &["r"]);
    cluster.tick();
    let offered = |cluster: &Cluster, agent: &[u8], role: &[u8]| {
        let offered = cluster.allocator.offered(agent, role);
        cluster.allocator.describe(&offered).to_string()
    };
    assert_eq!(offered(&cluster, b"a", b"r"), "cpus:2.5");
    cluster.end_task(("f", "r", "a"), "cpus:0.5;mem:10");
    assert_eq!(offered(&cluster, b"a", b"r"), "cpus:2.5", "free is not offered");
    cluster.tick();
    assert_eq!(offered(&cluster, b"a", b"r"), "cpus:3; mem:10", "to whichever framework");
    for (agent, role) in [(&b"a"[..], &b"s"[..]), (b"b", b"r")] {
        assert!(cluster.allocator.offered(agent, role).is_empty());
    }
}

#[test]
fn a_removed_agent_takes_everything_along_and_comes_back_whole() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4").remove(0);
    cluster.accept(&offer, "cpus:1");
    let task = cluster.resources("cpus:1");
    cluster.remove_agent("a");
    // The master recovers afterwards what was held there.
    cluster.recover(&offer, &task, None, true);
    assert!(matches!(cluster.notices[..], [Notice::StaleAgent { .. }]));
    assert_eq!(cluster.tick(), []);
    let offers = cluster.add_agent("a", "cpus:4");
    assert_eq!(cluster.told(&offers), ["f r a cpus:4"]);
}

#[test]
fn what_a_removed_framework_held_is_free() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_framework("g", &["s"]);
    let offer = cluster.add_agent("a", "cpus:4").remove(0);
    assert_eq!(offer.framework, "f");
    cluster.remove_framework("f");
    cluster.recover(&offer, &offer.resources, Some(5.0), false);
    assert!(matches!(cluster.notices[..], [Notice::StaleFramework { .. }]));
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["g s a cpus:4"]);
}

#[test]
fn a_deactivated_framework_keeps_its_tasks_and_gets_no_offers() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4").remove(0);
    cluster.accept(&offer, "cpus:1");
    cluster.send(&Event::DeactivateFramework { framework: b"f" });
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.available("a"), "cpus:3");
    assert_eq!(cluster.revive("f", &[]), [], "reviving does not wake an inactive framework");
    assert_eq!(cluster.send(&Event::ActivateFramework { framework: b"f" }).len(), 1);
}

#[test]
fn a_deactivated_agent_is_not_offered_and_an_activated_one_waits_for_the_batch() {
    let mut cluster = Cluster::new();
    cluster.add_agent("a", "cpus:4");
    cluster.send(&Event::DeactivateAgent { agent: b"a" });
    assert_eq!(cluster.add_framework("f", &["r"]), []);
    assert_eq!(cluster.tick(), []);
    assert_eq!(cluster.send(&Event::ActivateAgent { agent: b"a" }), []);
    assert_eq!(cluster.tick().len(), 1);
}

#[test]
fn after_a_failover_the_agent_may_come_first() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("f", "r", "cpus:1"), ("f", "s", "cpus:0.5")]);
    assert_eq!(cluster.available("a"), "cpus:2.5");
    cluster.add_framework_using("f", &["r"], &[("a", "r", "cpus:1"), ("a", "s", "cpus:0.5")]);
    assert_eq!(cluster.available("a"), "cpus:2.5", "counted once");
    let offers = cluster.send(&Event::ActivateFramework { framework: b"f" });
    assert_eq!(cluster.told(&offers), ["f r a cpus:2.5"]);
    let task = cluster.resources("cpus:0.5");
    let group = [Allocated { role: Some(b"s"), resources: &task }];
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &group,
        refuse_seconds: None,
        allocated: true,
    };
    cluster.send(&event);
    assert_eq!(cluster.available("a"), "cpus:0.5");
}

#[test]
fn after_a_failover_the_framework_may_come_first() {
    let mut cluster = Cluster::new();
    cluster.add_framework_using("f", &["r"], &[("a", "r", "cpus:1")]);
    cluster.add_agent_using("a", "cpus:4", &[("f", "r", "cpus:1")]);
    assert_eq!(cluster.available("a"), "cpus:3");
    let offers = cluster.send(&Event::ActivateFramework { framework: b"f" });
    assert_eq!(cluster.told(&offers), ["f r a cpus:3"]);
}

#[test]
fn pending_operations_of_a_framework_not_added_yet_are_held_once() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("f", "r", "cpus:1")]);
    let (none, disk) = (cluster.resources(""), cluster.resources("disk:10"));
    let pool = cluster.resources("disk:30");
    let group = [Allocated { role: Some(b"r"), resources: &disk }];
    let used = [UsedByFramework { framework: b"f", used: &group }];
    cluster.send(&Event::AddResourceProvider { agent: b"a", total: &pool, used: &[] });
    cluster.send(&Event::AddResourceProvider { agent: b"a", total: &none, used: &used });
    cluster.add_framework_using("f", &["r"], &[("a", "r", "cpus:1;disk:10")]);
    assert_eq!(cluster.available("a"), "cpus:3; disk:20");
    // The operation ends: not in use by tasks, although it was presented so.
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &group,
        refuse_seconds: None,
        allocated: false,
    };
    cluster.send(&event);
    assert_eq!(cluster.available("a"), "cpus:3; disk:30");
}

#[test]
fn parts_of_one_role_must_be_held_and_used_together() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("f", "r", "cpus:1")]);
    cluster.add_framework_using("f", &["r"], &[("a", "r", "cpus:1")]);
    let part = cluster.resources("cpus:0.75");
    let twice = [Allocated { role: Some(b"r"), resources: &part }; 2];
    for allocated in [false, true] {
        let event = Event::RecoverResources {
            framework: b"f",
            agent: b"a",
            resources: &twice,
            refuse_seconds: None,
            allocated,
        };
        assert!(matches!(cluster.try_send(&event), Err(Violation::NotHeld { .. })), "{allocated}");
        assert_eq!(cluster.available("a"), "cpus:3");
    }
    let event = Event::TransitionOfferedToAllocated { agent: b"a", resources: &twice };
    assert!(matches!(cluster.try_send(&event), Err(Violation::NotOffered { .. })));
    let half = cluster.resources("cpus:0.5");
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &[Allocated { role: Some(b"r"), resources: &half }; 2],
        refuse_seconds: None,
        allocated: true,
    };
    cluster.send(&event);
    assert_eq!(cluster.available("a"), "cpus:4");
}

#[test]
fn executors_of_a_framework_that_never_comes_back_give_their_resources_back() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("gone", "r", "cpus:1")]);
    let executor = cluster.resources("cpus:1");
    let group = [Allocated { role: Some(b"r"), resources: &executor }];
    let event = Event::RecoverResources {
        framework: b"gone",
        agent: b"a",
        resources: &group,
        refuse_seconds: None,
        allocated: true,
    };
    cluster.send(&event);
    assert_eq!(cluster.available("a"), "cpus:4");
    cluster.send(&event);
    assert!(matches!(cluster.notices[..], [Notice::StaleFramework { .. }]));
    cluster.remove_agent("a");
}

#[test]
fn an_agent_with_frameworks_that_never_came_can_be_removed() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("gone", "r", "cpus:1")]);
    cluster.remove_agent("a");
    cluster.add_framework_using("gone", &["r"], &[]);
    cluster.add_agent("a", "cpus:4");
    assert_eq!(cluster.available("a"), "cpus:4");
}

#[test]
fn resources_used_without_a_role_by_an_unknown_framework_are_unavailable() {
    let mut cluster = Cluster::new();
    cluster.add_agent_using("a", "cpus:4", &[("unknown", "", "cpus:1")]);
    assert!(matches!(cluster.notices[..], [Notice::UsedWithoutRole { .. }]));
    assert_eq!(cluster.available("a"), "cpus:3");
}

#[test]
fn an_over_committed_agent_has_nothing_left_rather_than_less() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent_using("a", "cpus:4;mem:10", &[("f", "r", "cpus:6")]);
    assert_eq!(cluster.available("a"), "{}", "the mem was offered");
    let info = AgentInfo { hostname: b"a", ..AgentInfo::default() };
    let total = cluster.resources("cpus:5;mem:10");
    cluster.send(&Event::UpdateAgent { agent: b"a", info, total: Some(&total), capabilities: None });
    assert_eq!(cluster.available("a"), "{}");
    let total = cluster.resources("cpus:7;mem:10");
    let update = Event::UpdateAgent { agent: b"a", info, total: Some(&total), capabilities: None };
    let offers = cluster.send(&update);
    assert_eq!(cluster.told(&offers), ["f r a cpus:1"]);
}

#[test]
fn leaving_a_role_keeps_what_is_held_in_it_and_ends_with_it() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4").remove(0);
    cluster.accept(&offer, "cpus:1");
    let info = FrameworkInfo { roles: &[b"s"], capabilities: ABLE_FRAMEWORK, ..FrameworkInfo::default() };
    assert_eq!(cluster.send(&Event::UpdateFramework { framework: b"f", info }), []);
    let offers = cluster.tick();
    assert_eq!(cluster.told(&offers), ["f s a cpus:3"]);
    let task = cluster.resources("cpus:1");
    cluster.recover(&offer, &task, None, true);
    assert_eq!(cluster.available("a"), "cpus:1");
}

#[test]
fn maintenance_and_the_answers_to_it_are_kept_until_it_changes() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    cluster.add_agent("a", "cpus:1");
    let window = Unavailability { start_nanos: 7, duration_nanos: None };
    cluster.send(&Event::UpdateUnavailability { agent: b"a", unavailability: Some(window) });
    assert_eq!(cluster.allocator.unavailability(b"a"), Some(window));
    let answer = Event::UpdateInverseOffer {
        agent: b"a",
        framework: b"f",
        status: Some(b"accept"),
        refuse_seconds: None,
    };
    cluster.send(&answer);
    let statuses = |cluster: &mut Cluster| {
        let (effects, _) = cluster.try_send(&Event::GetInverseOfferStatuses).unwrap();
        effects.inverse_offer_statuses.unwrap()
    };
    let told = statuses(&mut cluster);
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].agent, &*told[0].statuses[0].status), (b"a".as_slice(), b"accept".as_slice()));
    cluster.send(&Event::UpdateUnavailability { agent: b"a", unavailability: None });
    assert_eq!(statuses(&mut cluster), []);
    cluster.send(&answer);
    assert!(matches!(cluster.notices[..], [Notice::NoMaintenance { .. }]));
}

#[test]
fn calls_that_contradict_the_books_are_violations() {
    let mut cluster = Cluster::new();
    cluster.add_framework("f", &["r"]);
    let offer = cluster.add_agent("a", "cpus:4").remove(0);
    let more = cluster.resources("cpus:5");
    let group = [Allocated { role: Some(b"r"), resources: &more }];
    let recover = |allocated| Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &group,
        refuse_seconds: None,
        allocated,
    };
    let violation = cluster.try_send(&recover(false)).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "recover resources: framework f does not hold cpus:5 of role r on agent a, only cpus:4"
    );
    let whole = [Allocated { role: Some(b"r"), resources: &offer.resources }];
    let event = Event::RecoverResources {
        framework: b"f",
        agent: b"a",
        resources: &whole,
        refuse_seconds: None,
        allocated: true,
    };
    assert!(matches!(cluster.try_send(&event), Err(Violation::NotUsed { .. })));
    let transition = Event::TransitionOfferedToAllocated { agent: b"a", resources: &group };
    assert!(matches!(cluster.try_send(&transition), Err(Violation::NotOffered { .. })));
    let unknown = Event::ActivateFramework { framework: b"nobody" };
    assert!(matches!(cluster.try_send(&unknown), Err(Violation::UnknownFramework { .. })));
    let nothing = cluster.resources("");
    let twice = Event::AddAgent {
        agent: b"a",
        info: AgentInfo::default(),
        capabilities: ABLE_AGENT,
        unavailability: None,
        total: &nothing,
        used: &[],
    };
    assert!(matches!(cluster.try_send(&twice), Err(Violation::AgentAddedTwice { .. })));
}

#[test]
fn nothing_works_before_initialize() {
    use apportion_core::{Allocator, Instant, Options};
    let mut allocator = Allocator::new();
    assert!(allocator.apply(&Event::Pause, Instant::default()).is_ok());
    let early = allocator.apply(&Event::Tick, Instant::default());
    assert_eq!(early, Err(Violation::NotInitialized { call: "tick" }));
    let options = Options::default();
    let initialize = Event::Initialize { options: &options };
    assert!(allocator.apply(&initialize, Instant::default()).is_ok());
    assert_eq!(allocator.apply(&initialize, Instant::default()), Err(Violation::InitializedTwice));
}

#[test]
fn names_need_not_be_utf8() {
    let mut cluster = Cluster::new();
    let roles: [&[u8]; 1] = [b"r\xff/\xfe"];
    let info = FrameworkInfo { roles: &roles, capabilities: ABLE_FRAMEWORK, ..FrameworkInfo::default() };
    cluster.send(&Event::AddFramework { framework: b"f\xff", info, used: &[], active: true });
    let offers = cluster.add_agent("a", "cpus:1");
    assert_eq!(offers.len(), 1);
    let role = cluster.allocator.find_role(roles[0]).unwrap();
    assert_eq!(cluster.allocator.role_name(role), roles[0]);
}
