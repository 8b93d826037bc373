//! Arguments that are not what the header says, one after the other, in every call of the table.
//!
//! Each broken call stands for itself: its status, what its text says, that everything it must set is set, and that
//! afterwards the module does exactly what one does that never saw it.

use std::collections::BTreeSet;

use apportion_bridge::abi::{
    APPORTION_ALLOCATOR, APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, APPORTION_HOOK,
    APPORTION_ISOLATOR, APPORTION_QOS_CONTROLLER, apportion_buffer, apportion_effects, apportion_handle,
    apportion_module,
};

use crate::arguments::{Arguments, Breakage, How};
use crate::border::{Answer, CONTROLLERS, Module, answered, call, is_set, read_bytes, untouched_effects};
use crate::calls::{
    ALLOCATOR, ALLOCATOR_LOOKS, AllocatorCall, HOOK, ISOLATOR, ModuleCall, QOS_CONTROLLER, known_container,
    populate, prepared, recover, tick_and_cycle,
};
use crate::shim::{Outcome, Shim};

/// What an allocator does after a call: the good call itself, then runs over all that is free.
pub(crate) fn aftermath(entry: &str, call: AllocatorCall, shim: &mut Shim) -> Vec<Outcome> {
    let mut outcomes = vec![shim.apply(|h, now, out| call(&mut Arguments::good(), h, now, out))];
    if matches!(entry, "allocator.initialize" | "allocator.recover") {
        shim.done(|h, now, out| call!(allocator_resume(h, now, out)));
        populate(shim);
    }
    shim.done(|h, now, out| call!(allocator_resume(h, now, out)));
    for refused in [None, Some(2.0), Some(0.0)] {
        let outcome = tick_and_cycle(shim);
        let offers = outcome.offers.clone();
        outcomes.push(outcome);
        for offer in offers {
            outcomes.push(recover(shim, (&offer.framework, &offer.agent), &offer.resources, refused));
        }
    }
    outcomes.push(shim.done(|h, now, out| call!(allocator_get_inverse_offer_statuses(h, now, out))));
    outcomes
}

/// The breakages that a call can have.
pub(crate) fn possible(call: impl FnOnce(&mut Arguments)) -> Vec<Breakage> {
    let mut arguments = Arguments::good();
    call(&mut arguments);
    arguments.possible
}

pub(crate) fn is_cut(breakage: &Breakage) -> bool {
    matches!(breakage.how, How::CutAt(_))
}

#[track_caller]
pub(crate) fn assert_refusal(name: &str, breakage: &Breakage, text: &str) {
    if matches!(breakage.how, How::Garbage | How::DeepGroups) {
        let says = ["wire type", "100 deep", "recursion limit", "does not decode"];
        assert!(says.iter().any(|says| text.contains(says)), "{name}: {text}");
    } else {
        assert!(text.contains(&breakage.says()), "{name}: {text}");
    }
    assert!(!text.contains('\n'), "{name}: {text}");
}

#[test]
fn a_broken_argument_of_an_allocator_call_is_refused_and_leaves_no_trace() {
    let mut names = BTreeSet::new();
    for &(entry, call) in ALLOCATOR {
        let untouched = aftermath(entry, call, &mut prepared(entry));
        assert_eq!(untouched[0].status, APPORTION_DONE, "{entry}: {}", untouched[0].text);
        let breakages = possible(|arguments| {
            prepared(entry).apply(|h, now, out| call(arguments, h, now, out));
        });
        for breakage in breakages.iter().filter(|breakage| !is_cut(breakage)) {
            let name = format!("{entry}, {breakage}");
            let mut shim = prepared(entry);
            let broken = shim.apply(|h, now, out| call(&mut Arguments::broken(*breakage), h, now, out));
            assert_eq!(broken.status, APPORTION_FAILED, "{name}: {}", broken.text);
            assert_refusal(&name, breakage, &broken.text);
            assert!(broken.offers.is_empty() && !broken.cycle_requested, "{name}");
            assert_eq!(aftermath(entry, call, &mut shim), untouched, "{name}");
            assert!(names.insert(name));
        }
    }
    assert!(names.len() >= 150, "{} broken arguments", names.len());
}

#[test]
fn a_message_of_an_allocator_call_that_is_cut_off_anywhere_is_answered() {
    let (mut refused, mut taken) = (0, 0);
    for &(entry, call) in ALLOCATOR {
        let untouched = aftermath(entry, call, &mut prepared(entry));
        let breakages = possible(|arguments| {
            prepared(entry).apply(|h, now, out| call(arguments, h, now, out));
        });
        for breakage in breakages.iter().filter(|breakage| is_cut(breakage)) {
            let name = format!("{entry}, {breakage}");
            let mut shim = prepared(entry);
            let broken = shim.apply(|h, now, out| call(&mut Arguments::broken(*breakage), h, now, out));
            match broken.status {
                APPORTION_FAILED => {
                    refused += 1;
                    assert_eq!(aftermath(entry, call, &mut shim), untouched, "{name}");
                }
                // A message cut off between two fields is a message without the second.
                APPORTION_DONE => taken += 1,
                APPORTION_FATAL => {
                    assert!(broken.text.starts_with(entry), "{name}: {}", broken.text);
                    let next = shim.apply(|h, now, out| call!(allocator_tick(h, now, out)));
                    assert!(next.text.contains("has stopped before"), "{name}: {}", next.text);
                }
                other => panic!("{name}: status {other}"),
            }
        }
    }
    assert!(refused > 300 && taken > 20, "{refused} refused, {taken} taken");
}

/// The entry points of a module, and how to make one that is in use.
type InUse = (&'static [(&'static str, ModuleCall)], fn() -> Module);

/// Everything that answers with a buffer.
fn others() -> [InUse; 4] {
    [
        (ALLOCATOR_LOOKS, || prepared("").module),
        (HOOK, || Module::hook(&[("hook.environment.RACK", "r1"), ("hook.labels.rack", "r1")])),
        (ISOLATOR, || {
            let isolator = Module::isolator(&[("isolator.environment.RACK", "r1")]);
            known_container(&isolator);
            isolator
        }),
        (QOS_CONTROLLER, || Module::qos_controller(&[])),
    ]
}

/// Makes a call and checks that the yes or no, if it has one, was set.
fn ask(entry: &str, call: ModuleCall, module: &Module, arguments: &mut Arguments) -> Answer {
    let answer = answered(|out| call(arguments, module.handle(), out));
    if entry.starts_with("isolator.supports_") {
        assert_eq!(*arguments.yes, u8::from(answer.status == APPORTION_DONE), "{entry}");
    }
    answer
}

#[test]
fn a_broken_argument_of_another_module_is_refused_and_leaves_no_trace() {
    let _alone = CONTROLLERS.write();
    let mut names = BTreeSet::new();
    for (table, module) in others() {
        for &(entry, call) in table {
            let untouched = ask(entry, call, &module(), &mut Arguments::good());
            assert_ne!(untouched.status, APPORTION_FAILED, "{entry}: {untouched:?}");
            let breakages = possible(|arguments| {
                ask(entry, call, &module(), arguments);
            });
            for breakage in breakages {
                let name = format!("{entry}, {breakage}");
                let module = module();
                let broken = ask(entry, call, &module, &mut Arguments::broken(breakage));
                if is_cut(&breakage) {
                    if broken.status == APPORTION_FAILED {
                        assert!(broken.refusal().starts_with(entry), "{name}");
                        assert_eq!(ask(entry, call, &module, &mut Arguments::good()), untouched, "{name}");
                    }
                    continue;
                }
                let text = broken.refusal();
                assert!(text.starts_with(&format!("{entry}: ")), "{name}: {text}");
                assert_refusal(&name, &breakage, &text);
                assert_eq!(ask(entry, call, &module, &mut Arguments::good()), untouched, "{name}");
                assert!(names.insert(name));
            }
        }
    }
    assert!(names.len() >= 100, "{} broken arguments", names.len());
}

/// Memory that is no handle: aligned, and larger than any.
#[repr(align(64))]
pub(crate) struct Foreign([u8; 8192]);

impl Foreign {
    pub(crate) fn filled(byte: u8) -> Box<Foreign> {
        Box::new(Foreign([byte; 8192]))
    }

    fn handle(&mut self) -> *mut apportion_handle {
        (&raw mut self.0).cast()
    }
}

/// What is given in place of a handle, and what the answer says.
pub(crate) fn not_handles(
    good: &Module,
    zeros: &mut Foreign,
    ones: &mut Foreign,
) -> [(*mut apportion_handle, &'static str); 4] {
    [
        (std::ptr::null_mut(), "the handle is null"),
        (good.handle().wrapping_byte_add(1), "the handle is not one of ours"),
        (zeros.handle(), "the handle is not one of ours"),
        (ones.handle(), "the handle is not one of ours"),
    ]
}

#[test]
fn what_is_no_handle_is_refused_by_every_call() {
    let _alone = CONTROLLERS.write();
    let (mut zeros, mut ones) = (Foreign::filled(0), Foreign::filled(0xff));
    let allocator = Module::allocator(&[]);
    for (handle, says) in not_handles(&allocator, &mut zeros, &mut ones) {
        for &(entry, call) in ALLOCATOR {
            let mut effects = untouched_effects();
            let status = call(&mut Arguments::good(), handle, 0, &raw mut effects);
            assert!(status == APPORTION_FATAL && is_set(&effects), "{entry}: {status}");
            assert_eq!(read_bytes(effects.text), says.as_bytes(), "{entry}");
        }
        for (table, module) in others() {
            let module = module();
            for &(entry, call) in table {
                let mut arguments = Arguments::good();
                let answer = answered(|out| call(&mut arguments, handle, out));
                assert_eq!(answer.refusal(), format!("{entry}: {says}"));
                assert!(*arguments.yes == 0 || !entry.contains("supports"), "{entry}");
                ask(entry, call, &module, &mut Arguments::good());
            }
        }
    }
    assert!(zeros.0.iter().all(|byte| *byte == 0) && ones.0.iter().all(|byte| *byte == 0xff), "written to");
}

#[test]
fn the_handle_of_another_module_is_refused_by_every_call() {
    let _alone = CONTROLLERS.write();
    let modules =
        [Module::allocator(&[]), Module::hook(&[]), Module::isolator(&[]), Module::qos_controller(&[])];
    for (position, module) in modules.iter().enumerate() {
        for &(entry, call) in ALLOCATOR.iter().filter(|_| position != 0) {
            let mut effects = untouched_effects();
            assert_eq!(call(&mut Arguments::good(), module.handle(), 0, &raw mut effects), APPORTION_FATAL);
            let text = String::from_utf8(read_bytes(effects.text)).unwrap();
            assert!(is_set(&effects) && text.contains("not to a allocator"), "{entry}: {text}");
        }
        for (at, (table, _)) in others().into_iter().enumerate().filter(|(at, _)| *at != position) {
            let wanted =
                ["not to a allocator", "not to a hook", "not to a isolator", "not to a QoS controller"][at];
            for &(entry, call) in table {
                let mut arguments = Arguments::good();
                let text = answered(|out| call(&mut arguments, module.handle(), out)).refusal();
                assert!(text.starts_with(entry) && text.contains(wanted), "{entry}: {text}");
                assert!(*arguments.yes == 0 || !entry.contains("supports"), "{entry}");
            }
        }
    }
}

#[test]
fn an_allocator_call_without_a_place_for_its_effects_is_refused_and_leaves_no_trace() {
    for &(entry, call) in ALLOCATOR {
        let untouched = aftermath(entry, call, &mut prepared(entry));
        let mut shim = prepared(entry);
        let mut room = [untouched_effects(), untouched_effects()];
        let unaligned = (&raw mut room).cast::<apportion_effects>().wrapping_byte_add(1);
        for place in [std::ptr::null_mut(), unaligned] {
            let status = call(&mut Arguments::good(), shim.module.handle(), shim.now, place);
            assert_eq!(status, APPORTION_FATAL, "{entry}");
        }
        assert!(room.iter().all(|effects| !is_set(effects)), "{entry} wrote to a place that is none");
        assert_eq!(aftermath(entry, call, &mut shim), untouched, "{entry}");
    }
}

#[test]
fn another_modules_call_without_a_place_for_its_buffer_is_answered() {
    for (table, module) in others() {
        for &(entry, call) in table {
            let module = module();
            let mut room = [0_u64; 8];
            let unaligned = (&raw mut room).cast::<apportion_buffer>().wrapping_byte_add(1);
            for place in [std::ptr::null_mut(), unaligned] {
                let status = call(&mut Arguments::good(), module.handle(), place);
                assert!(status <= APPORTION_FAILED, "{entry}: {status}");
            }
            assert_eq!(room, [0; 8], "{entry} wrote to a place that is none");
        }
    }
}

#[test]
fn a_yes_or_no_without_a_place_is_refused() {
    let isolator = Module::isolator(&[]);
    let nowhere = std::ptr::null_mut();
    let nesting = answered(|out| call!(isolator_supports_nesting(isolator.handle(), nowhere, out)));
    let standalone = answered(|out| call!(isolator_supports_standalone(isolator.handle(), nowhere, out)));
    for answer in [nesting, standalone] {
        assert!(answer.refusal().contains("there is no place for the answer"));
    }
}

#[test]
fn a_module_that_cannot_be_made_says_why() {
    const KINDS: [apportion_module; 4] =
        [APPORTION_ALLOCATOR, APPORTION_HOOK, APPORTION_ISOLATOR, APPORTION_QOS_CONTROLLER];
    let no_utf8 = |key: &[u8], value: &[u8]| {
        let content = [crate::messages::field(1, key), crate::messages::field(2, value)].concat();
        crate::messages::field(1, &content)
    };
    let pairs = crate::messages::parameters;
    let cases: [(&str, Vec<u8>, &str); 14] = [
        ("garbage", b"\xff\xff\xff\xff\x07".to_vec(), "wire type"),
        ("text instead of a message", b"config=/etc/apportion.toml".to_vec(), "its parameters: Parameters"),
        ("a key that is not UTF-8", no_utf8(b"\xff", b"v"), "a key that is not UTF-8"),
        ("a value that is not UTF-8", no_utf8(b"hook.environment.A", b"\xff"), "a value that is not UTF-8"),
        ("an unknown key", pairs(&[("hook.enviroment.A", "1")]), "did you mean `hook.environment`?"),
        ("a key twice", pairs(&[("allocator.seed", "1"), ("allocator.seed", "1")]), "a second value"),
        ("a seed that is no number", pairs(&[("allocator.seed", "-1")]), "allocator.seed"),
        (
            "neither true nor false",
            pairs(&[("allocator.explain_offers", "maybe")]),
            "allocator.explain_offers",
        ),
        ("a template that does not parse", pairs(&[("hook.labels.a", "{{ task.name")]), "hook.labels.a"),
        ("an unknown placeholder", pairs(&[("hook.labels.a", "{{ tsk.name }}")]), "placeholder"),
        ("a limit above the other", pairs(&[("isolator.rlimits.nofile", "2:1")]), "isolator.rlimits.nofile"),
        ("a drill of nothing", pairs(&[("drill.panic_in", "allocator.explode")]), "drill.panic_in"),
        (
            "a file that is not there",
            pairs(&[("config", "/nowhere/apportion.toml")]),
            "/nowhere/apportion.toml",
        ),
        ("a relative file", pairs(&[("config", "apportion.toml")]), "an absolute path"),
    ];
    for kind in KINDS {
        for (name, parameters, says) in &cases {
            let text = Module::create(kind, parameters).unwrap_err();
            assert!(text.contains(says), "{name}: {text}");
        }
        assert!(Module::create(kind, b"").is_ok(), "no parameters at all are fine");
    }
    for unknown in [4, 77, apportion_module::MAX] {
        let text = Module::create(unknown, b"").unwrap_err();
        assert_eq!(text, format!("there is no module of kind {unknown}"));
    }
}

#[test]
fn creating_without_a_place_or_with_broken_views_is_refused() {
    let parameters = crate::border::view(b"");
    let mut room = [0_usize; 3];
    let unaligned = (&raw mut room).cast::<*mut apportion_handle>().wrapping_byte_add(1);
    for place in [std::ptr::null_mut(), unaligned] {
        let answer = answered(|text| call!(create(APPORTION_HOOK, parameters, place, text)));
        assert_eq!(answer.refusal(), "there is no place for the handle");
    }
    assert_eq!(room, [0; 3]);
    for (data, size, says) in [
        (std::ptr::null(), 1, "parameters: 1 elements behind a null pointer"),
        (parameters.data, usize::MAX, "parameters: 18446744073709551615 elements cannot be"),
    ] {
        let mut handle = std::ptr::dangling_mut();
        let broken = apportion_bridge::abi::apportion_bytes { data, size };
        let answer = answered(|text| call!(create(APPORTION_HOOK, broken, &raw mut handle, text)));
        assert_eq!(answer.refusal(), says);
        assert!(handle.is_null());
    }
    // Nobody to tell: the status alone has to do.
    let mut handle = std::ptr::dangling_mut();
    assert_eq!(call!(create(9, parameters, &raw mut handle, std::ptr::null_mut())), APPORTION_FAILED);
    assert!(handle.is_null());
}

#[test]
fn giving_back_what_is_nothing_or_no_handle_does_nothing() {
    let mut foreign = Foreign::filled(0);
    let hook = Module::hook(&[("hook.environment.RACK", "r1")]);
    for kind in 0..5 {
        call!(destroy(kind, std::ptr::null_mut()));
        call!(destroy(kind, foreign.handle()));
        call!(destroy(kind, hook.handle().wrapping_byte_add(1)));
    }
    call!(release(std::ptr::null_mut()));
    let (_, call) = HOOK[4];
    ask("hook.slave_executor_environment_decorator", call, &hook, &mut Arguments::good())
        .expect(APPORTION_DONE);
}
