//! Metrics: which names are there when, and the numbers behind them.

use apportion_bridge::abi::{apportion_options, apportion_quantities, apportion_quantity, apportion_quota};
use apportion_wire::messages::encode;

use crate::arguments::{Arguments, no_exclusions, no_holdings, plain_options};
use crate::border::{call, view};
use crate::calls::{add_agent, add_framework, cycle, none, recover, tick_and_cycle};
use crate::messages::{framework, scalar};
use crate::shim::Shim;

/// An allocator of a master with these options, its metrics published.
fn started(options: &apportion_options) -> Shim {
    let mut shim = published();
    let options = &raw const *options;
    shim.done(|h, now, out| call!(allocator_initialize(h, now, options, out)));
    shim
}

fn published() -> Shim {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    shim.done(|h, now, out| call!(allocator_publish_metrics(h, now, out)));
    shim
}

/// The number of a metric that is there.
#[track_caller]
fn number(shim: &Shim, name: &str) -> f64 {
    *shim.snapshot(0).get(name).unwrap_or_else(|| panic!("no {name} in {:#?}", shim.snapshot(0)))
}

/// The names that begin and end in some way.
fn names(shim: &Shim, begin: &str, end: &str) -> Vec<String> {
    shim.snapshot(0).into_keys().filter(|name| name.starts_with(begin) && name.ends_with(end)).collect()
}

fn agent_total() -> Vec<Vec<u8>> {
    vec![scalar(b"cpus", 2.0), scalar(b"mem", 1024.0)]
}

fn sums(shim: &Shim) -> Vec<f64> {
    let kinds = ["total", "offered_or_allocated"];
    let names = kinds.iter().flat_map(|kind| {
        ["cpus", "mem", "disk"].map(|name| format!("allocator/mesos/resources/{name}/{kind}"))
    });
    names.map(|name| number(shim, &name)).collect()
}

#[test]
fn item_237_the_resource_gauges_are_there_before_initialize_and_read_0() {
    let shim = published();
    assert_eq!(sums(&shim), [0.0; 6]);
    assert_eq!(number(&shim, "allocator/mesos/allocation_runs"), 0.0);
    for name in ["allocator/mesos/event_queue_dispatches", "allocator/event_queue_dispatches"] {
        assert_eq!(shim.snapshot(17)[name], 17.0);
    }
    assert_eq!(names(&shim, "allocator/mesos/allocation_run_", ""), [""; 0], "no run, no time");
    assert_eq!(names(&shim, "allocator/apportion/", "").len(), 11);
}

#[test]
fn item_238_totals_and_holdings_follow_agents_and_offers() {
    let mut shim = started(&plain_options());
    add_agent(&mut shim, b"a", &agent_total());
    assert_eq!(sums(&shim), [2.0, 1024.0, 0.0, 0.0, 0.0, 0.0]);
    add_framework(&mut shim, b"f", &[b"web"]);
    cycle(&mut shim);
    assert_eq!(sums(&shim), [2.0, 1024.0, 0.0, 2.0, 1024.0, 0.0]);
    shim.done(|h, now, out| call!(allocator_remove_slave(h, now, view(b"a"), out)));
    assert_eq!(sums(&shim), [0.0; 6]);
}

fn quantity(name: &[u8], value: f64) -> apportion_quantity {
    apportion_quantity { name: view(name), value }
}

fn update_quota(shim: &mut Shim, guarantees: &[apportion_quantity], limits: &[apportion_quantity]) {
    let lend = |list: &[apportion_quantity]| apportion_quantities { data: list.as_ptr(), size: list.len() };
    let quota = apportion_quota { role: view(b"web"), guarantees: lend(guarantees), limits: lend(limits) };
    shim.done(|h, now, out| call!(allocator_update_quota(h, now, &raw const quota, out)));
}

#[test]
fn item_239_a_quota_has_its_gauges_and_no_others() {
    let mut shim = started(&plain_options());
    update_quota(&mut shim, &[quantity(b"cpus", 1.0)], &[quantity(b"mem", 1024.0)]);
    let all = |shim: &Shim| -> Vec<(String, f64)> {
        shim.snapshot(0).into_iter().filter(|(name, _)| name.contains("/quota/")).collect()
    };
    let named = |name: &str, value| (format!("allocator/mesos/quota/roles/web/resources/{name}"), value);
    assert_eq!(
        all(&shim),
        [
            named("cpus/guarantee", 1.0),
            named("cpus/offered_or_allocated", 0.0),
            named("mem/limit", 1024.0),
            named("mem/offered_or_allocated", 0.0)
        ]
    );
    add_agent(&mut shim, b"a", &[scalar(b"cpus", 2.0), scalar(b"mem", 512.0)]);
    add_framework(&mut shim, b"f", &[b"web"]);
    cycle(&mut shim);
    update_quota(&mut shim, &[quantity(b"cpus", 1.5)], &[quantity(b"mem", 0.0)]);
    assert_eq!(
        all(&shim),
        [
            named("cpus/guarantee", 1.5),
            named("cpus/offered_or_allocated", 2.0),
            named("mem/limit", 0.0),
            named("mem/offered_or_allocated", 512.0)
        ]
    );
    update_quota(&mut shim, &[], &[]);
    assert_eq!(all(&shim), []);
}

#[test]
fn what_tasks_use_counts_as_consumed_until_it_is_gone() {
    let mut shim = started(&plain_options());
    add_agent(&mut shim, b"a", &agent_total());
    add_framework(&mut shim, b"f", &[b"web"]);
    let offer = cycle(&mut shim).offers.remove(0);
    let consumed = "allocator/mesos/quota/roles/web/resources/cpus/consumed";
    assert_eq!(names(&shim, "allocator/mesos/quota/", "consumed"), [""; 0], "offers do not count");
    let mut a = Arguments::good();
    let used = a.messages("", offer.resources.clone());
    shim.done(|h, now, out| {
        call!(allocator_transition_offered_to_allocated(h, now, view(b""), view(b"a"), used, out))
    });
    assert_eq!(number(&shim, consumed), 2.0);
    assert_eq!(number(&shim, "allocator/mesos/quota/roles//resources/cpus/consumed"), 2.0, "by all roles");
    let null = std::ptr::null();
    shim.done(|h, now, out| {
        call!(allocator_recover_resources(h, now, view(b"f"), view(b"a"), used, null, 1, out))
    });
    assert_eq!(names(&shim, "allocator/mesos/quota/", "consumed"), [""; 0]);
    assert_eq!(
        shim.published().find(|name| name.ends_with("/consumed")),
        None,
        "nothing stays without a number"
    );
}

#[test]
fn item_240_a_role_with_a_framework_has_a_dominant_share() {
    let mut shim = started(&plain_options());
    let share = "allocator/mesos/roles/web/shares/dominant";
    let shares = |shim: &Shim| names(shim, "allocator/mesos/roles/", "/shares/dominant");
    add_agent(&mut shim, b"a", &agent_total());
    assert_eq!(shares(&shim), [""; 0]);
    add_framework(&mut shim, b"f", &[b"web"]);
    assert_eq!(number(&shim, share), 0.0);
    let offer = cycle(&mut shim).offers.remove(0);
    assert_eq!(number(&shim, share), 1.0);
    add_agent(&mut shim, b"b", &agent_total());
    assert_eq!(number(&shim, share), 0.5, "the cluster has grown");
    recover(&mut shim, (b"f", b"a"), &offer.resources, Some(60.0));
    assert_eq!(number(&shim, share), 0.0);
    assert_eq!(number(&shim, "allocator/mesos/offer_filters/roles/web/active"), 1.0);
    shim.done(|h, now, out| call!(allocator_remove_framework(h, now, view(b"f"), out)));
    assert_eq!(shares(&shim), [""; 0]);
    assert_eq!(names(&shim, "allocator/mesos/offer_filters/", ""), [""; 0]);
}

#[test]
fn item_241_excluded_resources_do_not_count_for_the_share() {
    let excluded = [view(b"mem")];
    let excluded = apportion_bridge::abi::apportion_bytes_list { data: excluded.as_ptr(), size: 1 };
    let mut shim = started(&apportion_options { fairness_excluded_resources: excluded, ..plain_options() });
    add_agent(&mut shim, b"a", &agent_total());
    add_framework(&mut shim, b"f", &[b"web"]);
    cycle(&mut shim);
    add_agent(&mut shim, b"b", &[scalar(b"cpus", 6.0)]);
    assert_eq!(number(&shim, "allocator/mesos/roles/web/shares/dominant"), 0.25);
}

#[test]
fn item_242_one_run_has_times_and_two_have_statistics() {
    let mut shim = started(&plain_options());
    add_framework(&mut shim, b"f", &[b"web"]);
    cycle(&mut shim);
    let of_runs = |shim: &Shim| names(shim, "allocator/mesos/allocation_run_", "");
    let bases = ["allocator/mesos/allocation_run_latency_ms", "allocator/mesos/allocation_run_ms"];
    assert_eq!(of_runs(&shim), bases);
    tick_and_cycle(&mut shim);
    let suffixes = ["", "/count", "/max", "/min", "/p50", "/p90", "/p95", "/p99", "/p999", "/p9999"];
    let expected: Vec<String> =
        bases.iter().flat_map(|base| suffixes.map(|suffix| format!("{base}{suffix}"))).collect();
    assert_eq!(of_runs(&shim), expected);
    for base in bases {
        assert_eq!(number(&shim, &format!("{base}/count")), 2.0);
        let of = |suffix: &str| number(&shim, &format!("{base}{suffix}"));
        assert!(of("/min") >= 0.0 && of("/min") <= of("/p50") && of("/p9999") <= of("/max"));
    }
    assert_eq!(number(&shim, "allocator/mesos/allocation_runs"), 2.0);
    shim.done(|h, now, out| call!(allocator_pause(h, now, out)));
    tick_and_cycle(&mut shim);
    assert_eq!(number(&shim, "allocator/mesos/allocation_runs"), 2.0, "a run that is skipped is none");
    assert_eq!(number(&shim, "allocator/mesos/allocation_run_ms/count"), 2.0);
}

fn per_framework(completed_frameworks_max: u64) -> apportion_options {
    apportion_options { publish_per_framework_metrics: 1, completed_frameworks_max, ..plain_options() }
}

fn gauge(id: &str, role: &str) -> String {
    format!("master/frameworks/the%20framework%20{id}/{id}/roles/{role}/suppressed")
}

#[test]
fn item_243_a_gauge_says_whether_a_framework_suppressed_a_role() {
    let mut shim = started(&per_framework(5));
    add_framework(&mut shim, b"f", &[b"web", b"batch/night"]);
    let gauges = |shim: &Shim| ["web", "batch/night"].map(|role| number(shim, &gauge("f", role)));
    assert_eq!(gauges(&shim), [0.0, 0.0]);
    let mut a = Arguments::good();
    let (web, all) = (a.texts("", &[b"web"]), none());
    shim.done(|h, now, out| call!(allocator_suppress_offers(h, now, view(b"f"), web, out)));
    assert_eq!(gauges(&shim), [1.0, 0.0]);
    shim.done(|h, now, out| call!(allocator_suppress_offers(h, now, view(b"f"), all, out)));
    assert_eq!(gauges(&shim), [1.0, 1.0]);
    shim.done(|h, now, out| call!(allocator_revive_offers(h, now, view(b"f"), web, out)));
    assert_eq!(gauges(&shim), [0.0, 1.0]);
    // Another subscription: one role goes, one comes suppressed.
    let info = a.message("", encode(&framework(b"f", &[b"web", b"dev"])));
    let suppressed = a.texts("", &[b"dev"]);
    let nothing = no_exclusions();
    shim.done(|h, now, out| {
        call!(allocator_update_framework(h, now, view(b"f"), info, suppressed, nothing, out))
    });
    assert_eq!(names(&shim, "master/", ""), [gauge("f", "dev"), gauge("f", "web")]);
    assert_eq!(number(&shim, &gauge("f", "dev")), 1.0);

    let mut silent = started(&plain_options());
    add_framework(&mut silent, b"f", &[b"web"]);
    assert_eq!(names(&silent, "master/", ""), [""; 0], "not published");
}

#[test]
fn item_244_a_framework_that_is_gone_keeps_its_gauges_for_a_while() {
    let mut shim = started(&per_framework(2));
    let remove = |shim: &mut Shim, id: &[u8]| {
        shim.done(|h, now, out| call!(allocator_remove_framework(h, now, view(id), out)));
    };
    let mut a = Arguments::good();
    for id in [b"f", b"g", b"h"] {
        let info = a.message("", encode(&framework(id, &[b"web"])));
        let suppressed = a.texts("", &[b"web"]);
        let nothing = no_exclusions();
        shim.done(|h, now, out| {
            call!(allocator_add_framework(h, now, view(id), info, no_holdings(), 1, suppressed, nothing, out))
        });
    }
    remove(&mut shim, b"f");
    remove(&mut shim, b"g");
    let all = ["f", "g", "h"].map(|id| gauge(id, "web"));
    assert_eq!(names(&shim, "master/", ""), all);
    assert_eq!(number(&shim, &all[0]), 1.0, "as it was last");
    remove(&mut shim, b"h");
    assert_eq!(names(&shim, "master/", ""), all[1..]);
    // One of them comes back: its gauge is that of the new one.
    add_framework(&mut shim, b"g", &[b"web"]);
    assert_eq!(number(&shim, &all[1]), 0.0);
    let mut forgetful = started(&per_framework(0));
    add_framework(&mut forgetful, b"f", &[b"web"]);
    remove(&mut forgetful, b"f");
    assert_eq!(names(&forgetful, "master/", ""), [""; 0]);
}

#[test]
fn our_own_counts_follow_what_happens() {
    let mut shim = started(&plain_options());
    add_framework(&mut shim, b"f", &[b"web"]);
    add_agent(&mut shim, b"a", &agent_total());
    let offer = cycle(&mut shim).offers.remove(0);
    recover(&mut shim, (b"f", b"a"), &offer.resources, Some(60.0));
    tick_and_cycle(&mut shim);
    let garbage = shim.apply(|h, now, out| {
        let bytes = b"\xff";
        let nobody = no_exclusions();
        call!(allocator_update_framework(h, now, view(b"f"), view(bytes), none(), nobody, out))
    });
    assert!(!garbage.text.is_empty());
    let own = |name: &str| number(&shim, &format!("allocator/apportion/{name}"));
    assert_eq!((own("agents"), own("frameworks"), own("resource_kinds")), (1.0, 1.0, 2.0));
    assert_eq!((own("offers_made"), own("offers_filtered"), own("agents_visited")), (1.0, 1.0, 2.0));
    assert_eq!((own("events"), own("events_refused"), own("calls_rejected")), (7.0, 1.0, 0.0));
    assert_eq!((own("inverse_offers_made"), own("log_lines_suppressed")), (0.0, 0.0));
}

#[test]
fn a_metric_that_is_gone_has_no_number() {
    let shim = started(&plain_options());
    let mut values = [1.0; 2];
    let slots = [u32::MAX, 100_000];
    let answer = crate::border::answered(|text| {
        let (slots, values) = (slots.as_ptr(), values.as_mut_ptr());
        call!(allocator_read_metrics(shim.module.handle(), 0, slots, 2, values, text))
    });
    answer.expect(0);
    assert!(values.iter().all(|value| value.is_nan()));
}
