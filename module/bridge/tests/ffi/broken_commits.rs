//! Arguments that are not what the header says, in what the master's thread tells the commit ledger.
//!
//! What else cannot be read is refused and leaves no trace; a use that cannot be read ends the process, as what is in use
//! is not known any more.

use std::collections::BTreeSet;

use apportion_bridge::abi::{APPORTION_DONE, APPORTION_FAILED, APPORTION_FATAL, APPORTION_UNCHANGED};
use apportion_wire::messages::encode;

use crate::arguments::{Arguments, How, no_holdings};
use crate::border::{Answer, CONTROLLERS, Module, answered, call, view};
use crate::broken_arguments::{Foreign, assert_refusal, is_cut, not_handles, possible};
use crate::calls::{ALLOCATOR_COMMITS, ModuleCall, total};
use crate::messages::agent;

/// Where a message that is none means that a use is not known.
const USES: &str = "allocator.commit_transition";

/// An allocator that lends, with agents of which the calls are, and the hook that it needs.
fn lending() -> (Module, Module) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("apportion.toml");
    std::fs::write(
        &file,
        "[[lending.lenders]]\nroles = \"prod\"\n[[lending.borrowers]]\nroles = \"batch\"\n",
    )
    .unwrap();
    let parameters = [("config", file.to_str().unwrap())];
    let hook = Module::hook(&parameters);
    let allocator = Module::allocator(&parameters);
    for id in [&b"kept-a"[..], b"kept-b"] {
        let mut arguments = Arguments::good();
        let info = encode(&agent(id, b"r1"));
        let total = arguments.messages("total", total());
        let told = answered(|out| {
            let h = allocator.handle();
            call!(allocator_commit_add_slave(h, view(id), view(&info), total, no_holdings(), out))
        });
        told.expect(APPORTION_DONE);
    }
    (allocator, hook)
}

fn ask(call: ModuleCall, allocator: &Module, arguments: &mut Arguments) -> Answer {
    answered(|out| call(arguments, allocator.handle(), out))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).unwrap()
}

#[test]
fn a_broken_argument_is_refused_and_leaves_no_trace_unless_it_hides_a_use() {
    let (mut names, mut fatal) = (BTreeSet::new(), 0);
    for &(entry, call) in ALLOCATOR_COMMITS {
        let untouched = ask(call, &lending().0, &mut Arguments::good());
        assert!(untouched.status <= APPORTION_UNCHANGED, "{entry}: {untouched:?}");
        let breakages = possible(|arguments| {
            ask(call, &lending().0, arguments);
        });
        for breakage in breakages {
            let name = format!("{entry}, {breakage}");
            let (allocator, _hook) = lending();
            let broken = ask(call, &allocator, &mut Arguments::broken(breakage));
            let is_message = matches!(breakage.how, How::Garbage | How::DeepGroups) || is_cut(&breakage);
            match broken.status {
                APPORTION_FAILED => {
                    let said = text(&broken);
                    assert!(said.starts_with(&format!("{entry}: ")), "{name}: {said}");
                    if !is_cut(&breakage) {
                        assert_refusal(&name, &breakage, &said);
                    }
                    assert!(!(entry == USES && is_message), "{name}: {said}");
                    assert_eq!(ask(call, &allocator, &mut Arguments::good()), untouched, "{name}");
                }
                APPORTION_FATAL => {
                    assert!(entry == USES && is_message, "{name}: {}", text(&broken));
                    assert!(text(&broken).contains("what comes into use cannot be read"), "{name}");
                    let next = ask(call, &allocator, &mut Arguments::good());
                    assert_eq!(next.status, APPORTION_FATAL, "{name}: {next:?}");
                    fatal += 1;
                }
                // A message cut off between two fields is a message without the second.
                APPORTION_DONE | APPORTION_UNCHANGED => assert!(is_cut(&breakage), "{name}"),
                other => panic!("{name}: status {other}"),
            }
            assert!(names.insert(name));
        }
    }
    assert!(names.len() >= 100 && fatal >= 5, "{} broken arguments, {fatal} fatal", names.len());
}

#[test]
fn what_is_no_handle_or_anothers_is_fatal() {
    let _alone = CONTROLLERS.write();
    let (mut zeros, mut ones) = (Foreign::filled(0), Foreign::filled(0xff));
    let (allocator, _hook) = lending();
    let others = [Module::hook(&[]), Module::isolator(&[]), Module::qos_controller(&[])];
    for &(entry, call) in ALLOCATOR_COMMITS {
        for (handle, says) in not_handles(&allocator, &mut zeros, &mut ones) {
            let answer = answered(|out| call(&mut Arguments::good(), handle, out));
            assert_eq!((answer.status, text(&answer)), (APPORTION_FATAL, format!("{entry}: {says}")));
        }
        for other in &others {
            let answer = ask(call, other, &mut Arguments::good());
            assert_eq!(answer.status, APPORTION_FATAL, "{entry}");
            assert!(text(&answer).contains("not to a allocator"), "{entry}: {}", text(&answer));
        }
    }
}

#[test]
fn without_a_place_for_its_buffer_a_call_is_answered() {
    for &(entry, call) in ALLOCATOR_COMMITS {
        let (allocator, _hook) = lending();
        let mut room = [0_u64; 8];
        let unaligned =
            (&raw mut room).cast::<apportion_bridge::abi::apportion_buffer>().wrapping_byte_add(1);
        for place in [std::ptr::null_mut(), unaligned] {
            let status = call(&mut Arguments::good(), allocator.handle(), place);
            assert!(status <= APPORTION_FAILED, "{entry}: {status}");
        }
        assert_eq!(room, [0; 8], "{entry} wrote to a place that is none");
    }
}
