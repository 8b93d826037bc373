//! A fault drill in every entry point: the panic becomes the answer that suits the module, and no more than that.

use std::collections::BTreeSet;

use apportion_bridge::ENTRIES;
use apportion_bridge::abi::{APPORTION_DONE, APPORTION_FATAL, APPORTION_UNCHANGED};
use apportion_config::ENTRY_POINTS;

use crate::arguments::{Arguments, plain_options};
use crate::border::{Answer, CONTROLLERS, Module, answered, call, expecting_panics, view};
use crate::calls::{
    ALLOCATOR, ALLOCATOR_COMMITS, ALLOCATOR_LOOKS, HOOK, HOOK_ENDPOINT, ISOLATOR, ISOLATOR_TELLS, ModuleCall,
    QOS_CONTROLLER, known_container, populate,
};
use crate::messages::container_id;
use crate::shim::Shim;

/// What everybody says of a drill.
fn assert_drill(entry: &str, text: &str) {
    assert!(text.starts_with(&format!("{entry}: panicked: ")), "{text}");
    assert!(text.ends_with(&format!(": a drill of {entry}")), "{text}");
    assert!(text.contains("module.rs:"), "where it panicked: {text}");
    assert!(!text.chars().any(char::is_control), "one line: {text:?}");
}

/// The names of the functions in the table, from the table itself.
fn functions() -> BTreeSet<String> {
    let shown = format!("{ENTRIES:#?}");
    let fields = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
    let names = fields.map(|(name, _)| name.to_owned()).filter(|name| !name.starts_with(' ') && name != ")");
    names.filter(|name| !["size", "create", "destroy", "release"].contains(&name.as_str())).collect()
}

#[test]
fn every_function_of_the_table_is_drilled() {
    let tested: Vec<&str> = ALLOCATOR
        .iter()
        .map(|(entry, _)| *entry)
        .chain(
            [
                ALLOCATOR_COMMITS,
                ALLOCATOR_LOOKS,
                HOOK,
                HOOK_ENDPOINT,
                ISOLATOR,
                ISOLATOR_TELLS,
                QOS_CONTROLLER,
            ]
            .into_iter()
            .flatten()
            .map(|(entry, _)| *entry),
        )
        .collect();
    let of_functions: BTreeSet<String> = tested.iter().map(|entry| entry.replace('.', "_")).collect();
    assert_eq!(
        of_functions,
        functions(),
        "an entry point without a drill, or a drill without an entry point"
    );
    assert_eq!(
        tested.iter().collect::<BTreeSet<_>>(),
        ENTRY_POINTS.iter().collect(),
        "what can be configured"
    );
    assert_eq!(tested.len(), ENTRY_POINTS.len());
    assert_eq!(size_of_val(&ENTRIES), (tested.len() + 4) * size_of::<usize>(), "the table has no other part");
}

#[test]
fn an_allocator_that_panicked_is_fatal_and_stays_stopped() {
    for &(entry, call) in ALLOCATOR {
        let mut shim = Shim::new(&[("drill.panic_in", entry), ("allocator.explain_offers", "false")]);
        // Calls that are not drilled work as ever.
        if !["allocator.initialize", "allocator.recover"].contains(&entry) {
            let options = plain_options();
            shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
            if !["add_framework", "add_slave", "cycle", "update_unavailability"]
                .contains(&entry.trim_start_matches("allocator."))
            {
                populate(&mut shim);
            }
        }
        let fatal = expecting_panics(|| shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out)));
        assert_eq!(fatal.status, APPORTION_FATAL, "{entry}");
        assert_drill(entry, &fatal.text);
        for &(later, call) in ALLOCATOR {
            let stopped = shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out));
            assert_eq!(stopped.status, APPORTION_FATAL, "{later} after {entry}");
            let says = format!("{later}: the allocator has stopped before: {}", fatal.text);
            assert_eq!(stopped.text, says);
        }
    }
}

#[test]
fn an_allocator_that_panicked_while_somebody_looked_goes_on() {
    for &(entry, look) in ALLOCATOR_LOOKS {
        let mut shim = Shim::new(&[("drill.panic_in", entry), ("allocator.explain_offers", "false")]);
        let options = plain_options();
        shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
        for _ in 0..3 {
            assert_drill(entry, &expecting_panics(|| ask(look, &shim.module)).refusal());
        }
        for &(_, other) in ALLOCATOR_LOOKS.iter().filter(|(other, _)| *other != entry) {
            assert!(ask(other, &shim.module).status <= APPORTION_UNCHANGED);
        }
        populate(&mut shim);
    }
}

#[test]
fn an_allocator_that_panicked_on_the_masters_thread_is_fatal() {
    for &(entry, tell) in ALLOCATOR_COMMITS {
        let shim = Shim::new(&[("drill.panic_in", entry)]);
        let fatal = expecting_panics(|| ask(tell, &shim.module));
        assert_eq!(fatal.status, APPORTION_FATAL, "{entry}");
        assert_drill(entry, &String::from_utf8_lossy(&fatal.bytes));
    }
}

#[test]
fn the_shim_tells_of_commits_only_where_something_is_lent_or_drilled() {
    let keeps = |pairs: &[(&str, &str)]| {
        let shim = Shim::new(pairs);
        answered(|out| call!(allocator_keeps_commits(shim.module.handle(), out))).status
    };
    assert_eq!(keeps(&[]), APPORTION_UNCHANGED);
    assert_eq!(keeps(&[("drill.panic_in", "allocator.tick")]), APPORTION_UNCHANGED);
    assert_eq!(keeps(&[("drill.panic_in", "allocator.commit_recover")]), APPORTION_DONE);
}

fn ask(call: ModuleCall, module: &Module) -> Answer {
    answered(|out| call(&mut Arguments::good(), module.handle(), out))
}

#[test]
fn a_hook_that_panicked_fails_that_call_and_answers_all_others() {
    for &(entry, call) in HOOK {
        let rules = [("hook.environment.RACK", "r1"), ("hook.labels.rack", "r1"), ("drill.panic_in", entry)];
        let (drilled, sound) = (Module::hook(&rules), Module::hook(&rules[..2]));
        for _ in 0..3 {
            assert_drill(entry, &expecting_panics(|| ask(call, &drilled)).refusal());
            for &(other, call) in HOOK.iter().filter(|(other, _)| *other != entry) {
                assert_eq!(ask(call, &drilled), ask(call, &sound), "{other} after {entry}");
            }
        }
    }
}

#[test]
fn a_hook_that_panicked_in_its_endpoint_decorates_on_and_is_asked_again() {
    for &(entry, call) in HOOK_ENDPOINT {
        let rules = [("hook.endpoint", "agent"), ("hook.labels.rack", "r1"), ("drill.panic_in", entry)];
        let (drilled, sound) = (Module::hook(&rules), Module::hook(&rules[..2]));
        for _ in 0..3 {
            assert_drill(entry, &expecting_panics(|| ask(call, &drilled)).refusal());
            for &(other, call) in HOOK.iter().chain(HOOK_ENDPOINT).filter(|(other, _)| *other != entry) {
                assert_eq!(ask(call, &drilled).status, ask(call, &sound).status, "{other} after {entry}");
            }
        }
    }
}

#[test]
fn an_isolator_that_panicked_in_what_is_about_no_container_goes_on() {
    for &(entry, call) in ISOLATOR_TELLS {
        let drilled = Module::isolator(&[("drill.panic_in", entry)]);
        for _ in 0..3 {
            assert_drill(entry, &expecting_panics(|| ask(call, &drilled)).refusal());
        }
        for &(_, other) in ISOLATOR_TELLS.iter().filter(|(other, _)| *other != entry) {
            ask(other, &drilled).expect(0);
        }
        recovered(&drilled, b"c").expect(0);
        cleanup(&drilled, b"c").expect(0);
    }
}

#[test]
fn a_qos_controller_that_panicked_fails_that_call_and_answers_the_other() {
    let _alone = CONTROLLERS.write();
    for &(entry, call) in QOS_CONTROLLER {
        let drilled = Module::qos_controller(&[("drill.panic_in", entry)]);
        for _ in 0..3 {
            assert_drill(entry, &expecting_panics(|| ask(call, &drilled)).refusal());
            for &(_, call) in QOS_CONTROLLER.iter().filter(|(other, _)| *other != entry) {
                assert!(ask(call, &drilled).status <= APPORTION_UNCHANGED);
            }
        }
    }
}

fn status(isolator: &Module, id: &[u8]) -> Answer {
    let id = container_id(&[id]);
    answered(|out| call!(isolator_status(isolator.handle(), view(&id), out)))
}

fn cleanup(isolator: &Module, id: &[u8]) -> Answer {
    let id = container_id(&[id]);
    answered(|out| call!(isolator_cleanup(isolator.handle(), view(&id), out)))
}

/// Records a container under any drill but that of `recover`.
fn recovered(isolator: &Module, id: &[u8]) -> Answer {
    let (state, none) = (crate::messages::container_state(id, 1), crate::calls::none());
    let states = [view(&state)];
    let states = apportion_bridge::abi::apportion_bytes_list { data: states.as_ptr(), size: 1 };
    answered(|out| call!(isolator_recover(isolator.handle(), states, none, out)))
}

#[test]
fn an_isolator_that_panicked_gives_up_that_container_alone() {
    for &(entry, call) in ISOLATOR {
        let drilled = Module::isolator(&[("drill.panic_in", entry)]);
        if entry == "isolator.recover" {
            known_container(&drilled);
            let (_, prepare) = ISOLATOR[3];
            ask(prepare, &drilled).expect(APPORTION_UNCHANGED);
        } else {
            recovered(&drilled, b"c").expect(0);
            recovered(&drilled, b"other").expect(0);
        }
        let other: &[u8] = if entry == "isolator.recover" { b"new" } else { b"other" };
        let said = expecting_panics(|| ask(call, &drilled)).refusal();
        assert_drill(entry, &said);
        // The call of `prepare` is about a container of its own.
        let struck: &[u8] = if entry == "isolator.prepare" { b"new" } else { b"c" };
        let (about_one, status_works) =
            (!entry.contains("supports") && entry != "isolator.recover", entry != "isolator.status");
        if status_works {
            status(&drilled, other).expect(0);
            let after = status(&drilled, struck);
            if about_one {
                let text = after.refusal();
                assert!(text.contains("it can only be cleaned up") && text.contains(&said), "{text}");
            } else {
                after.expect(0);
            }
        }
        if entry != "isolator.cleanup" {
            cleanup(&drilled, struck).expect(0);
            cleanup(&drilled, struck).expect(0);
            // Not given up any more, and not known either.
            if status_works {
                assert!(status(&drilled, struck).refusal().contains("is not known"));
            }
            if entry != "isolator.recover" {
                recovered(&drilled, struck).expect(0);
            }
        }
    }
}

#[test]
fn a_panic_with_several_entry_points_drilled_names_the_one_that_was_called() {
    let hook = Module::hook(&[("drill.panic_in", "hook.slave_post_fetch_hook, hook.master_slave_lost_hook")]);
    for (entry, call) in [HOOK[6], HOOK[3]] {
        assert_drill(entry, &expecting_panics(|| ask(call, &hook)).refusal());
    }
}
