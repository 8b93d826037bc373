//! Agents before their maintenance: who is asked to leave, and for how long nobody asks again.

use apportion_bridge::abi::APPORTION_DONE;

use crate::arguments::Arguments;
use crate::border::{call, view};
use crate::calls::{add_agent, add_framework, cycle, prepared, tick_and_cycle, total};
use crate::messages::{filters, unavailability};
use crate::shim::{SECOND, Shim};

/// Agent "b" of the prepared cluster is under maintenance; framework "f" holds it now and was asked to leave.
fn asked() -> Shim {
    let mut shim = prepared("");
    let asked = cycle(&mut shim);
    assert_eq!(asked.offers.len(), 1);
    assert_eq!(asked.inverse_offers, [[b"f".to_vec(), b"b".to_vec(), unavailability(9)]]);
    shim
}

fn answer(shim: &mut Shim, refuse: Option<f64>) {
    let filters = refuse.map(filters);
    let filters = filters.as_deref().map(view);
    let filters = filters.as_ref().map_or(std::ptr::null(), |filters| &raw const *filters);
    let null = std::ptr::null();
    let outcome = shim.apply(|h, now, out| {
        call!(allocator_update_inverse_offer(h, now, view(b"b"), view(b"f"), null, filters, out))
    });
    assert_eq!(outcome.status, APPORTION_DONE, "{}", outcome.text);
}

#[test]
fn whoever_holds_something_is_asked_once() {
    let mut shim = asked();
    for _ in 0..3 {
        assert!(tick_and_cycle(&mut shim).inverse_offers.is_empty(), "one is outstanding");
    }
    answer(&mut shim, None);
    assert_eq!(tick_and_cycle(&mut shim).inverse_offers.len(), 1, "answered, and nothing refused");
}

#[test]
fn the_time_that_an_answer_names_crosses_the_border() {
    let mut shim = asked();
    answer(&mut shim, Some(3.0));
    for _ in 0..2 {
        assert!(tick_and_cycle(&mut shim).inverse_offers.is_empty(), "three seconds are not over");
    }
    assert_eq!(tick_and_cycle(&mut shim).inverse_offers.len(), 1);
}

#[test]
fn a_window_that_ends_crosses_whole() {
    let mut shim = prepared("");
    // 1 s from the epoch, for 2 s: start and duration are messages with one number each.
    let window = [b"\x0a\x06\x08\x80\x94\xeb\xdc\x03", &b"\x12\x06\x08\x80\xa8\xd6\xb9\x07"[..]].concat();
    let mut a = Arguments::good();
    let given = a.optional_message("", window.clone());
    shim.done(|h, now, out| call!(allocator_update_unavailability(h, now, view(b"a"), given, out)));
    let asked = cycle(&mut shim).inverse_offers;
    assert!(asked.contains(&[b"f".to_vec(), b"a".to_vec(), window]), "{asked:?}");
}

#[test]
fn inverse_offers_of_one_framework_stand_together() {
    let mut shim = prepared("");
    for number in 0..6_u8 {
        add_framework(&mut shim, &[b'z' - number], &[b"web"]);
        add_agent(&mut shim, &[b'k' + number], &total());
        cycle(&mut shim);
    }
    let mut a = Arguments::good();
    for number in 0..6_u8 {
        let window = a.optional_message("", unavailability(i64::from(number) * SECOND));
        let agent = [b'k' + number];
        shim.done(|h, now, out| call!(allocator_update_unavailability(h, now, view(&agent), window, out)));
    }
    let asked = tick_and_cycle(&mut shim).inverse_offers;
    assert_eq!(asked.len(), 6);
    let frameworks: Vec<&Vec<u8>> = asked.iter().map(|[framework, _, _]| framework).collect();
    assert!(frameworks.is_sorted(), "{frameworks:?}");
}
