//! What a call of the allocator costs from the bytes that come in to the effects that go out, through the table of
//! functions, as the shim calls it.
//!
//! ```text
//! cargo bench -p apportion-bridge --bench table                    all calls, at 1,000 and at 10,000 agents
//! cargo bench -p apportion-bridge --bench table -- recover         only those whose name contains the word
//! ```
//!
//! One sample is a call for every agent (`add_slave`, `recover_resources`), or one run that offers every agent
//! (`cycle`). Only the time inside the table's functions is measured: neither what the tests' shim does with effects,
//! nor what brings the cluster back to where the sample began. What the host does with offers is not in it.
#![allow(dead_code, reason = "the shim's side is that of the tests, and no benchmark uses all of it")]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a benchmark ends it")]

#[path = "../tests/ffi/arguments.rs"]
mod arguments;
#[path = "../tests/ffi/border.rs"]
mod border;
#[path = "../tests/ffi/calls.rs"]
mod calls;
#[path = "../tests/ffi/messages.rs"]
mod messages;
#[path = "../tests/ffi/shim.rs"]
mod shim;

use std::time::{Duration, Instant};

use apportion_bridge::abi::{APPORTION_DONE, apportion_bytes, apportion_bytes_list};
use apportion_wire::messages::encode;
use criterion::{BenchmarkId, Criterion, SamplingMode};

use arguments::{Arguments, from_nothing, no_holdings, plain_options};
use border::{call, view};
use calls::{add_framework, none};
use messages::{agent, agent_capabilities, filters, ranges, scalar};
use shim::{Offered, SECOND, Shim};

/// Agents, frameworks, roles.
type Size = (usize, usize, usize);

const SIZES: [Size; 2] = [(1_000, 100, 50), (10_000, 200, 100)];

/// The resources of every agent.
fn total() -> Vec<Vec<u8>> {
    vec![
        scalar(b"cpus", 32.0),
        scalar(b"mem", 131_072.0),
        scalar(b"disk", 2_000_000.0),
        ranges(b"ports", &[(31_000, 32_000)]),
    ]
}

/// The id of an agent, spelled as a master spells it.
fn agent_id(number: usize) -> Vec<u8> {
    format!("5b8a4f0e-2d3c-4b6a-9f51-7c2d8e90a1b3-S{number}").into_bytes()
}

/// An allocator with frameworks and no agents.
fn with_frameworks((_, frameworks, roles): Size) -> Shim {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    let options = plain_options();
    shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
    for number in 0..frameworks {
        let id = format!("5b8a4f0e-2d3c-4b6a-9f51-7c2d8e90a1b3-{number:04}");
        add_framework(&mut shim, id.as_bytes(), &[format!("team-{}", number % roles).as_bytes()]);
    }
    shim
}

/// What `add_slave` is called with for each agent.
struct Registration {
    /// What the views point to.
    kept: Arguments,
    id: apportion_bytes,
    info: apportion_bytes,
    capabilities: apportion_bytes_list,
    total: apportion_bytes_list,
}

fn registrations(agents: usize) -> Vec<Registration> {
    let registration = |number| {
        let mut kept = Arguments::good();
        let name = agent_id(number);
        let id = kept.text("agent id", &name);
        let info = kept.message("agent info", encode(&agent(&name, b"r1")));
        let capabilities = kept.messages("capabilities", agent_capabilities());
        let total = kept.messages("total", total());
        Registration { kept, id, info, capabilities, total }
    };
    (0..agents).map(registration).collect()
}

/// Registers the agents; gives the time inside the calls.
fn register(shim: &mut Shim, registrations: &[Registration]) -> Duration {
    let mut took = Duration::ZERO;
    for Registration { id, info, capabilities, total, .. } in registrations {
        let (window, used, excluded) = (std::ptr::null(), no_holdings(), from_nothing());
        shim.done(|h, now, out| {
            let began = Instant::now();
            let status = call!(allocator_add_slave(
                h,
                now,
                *id,
                *info,
                *capabilities,
                window,
                *total,
                used,
                excluded,
                out
            ));
            took += began.elapsed();
            status
        });
    }
    took
}

/// The interval passes and a run offers everything; gives the offers, and the time inside the run.
fn run(shim: &mut Shim, agents: usize) -> (Vec<Offered>, Duration) {
    shim.now += SECOND;
    shim.done(|h, now, out| call!(allocator_tick(h, now, out)));
    let mut took = Duration::ZERO;
    let outcome = shim.done(|h, now, out| {
        let began = Instant::now();
        let status = call!(allocator_cycle(h, now, out));
        took = began.elapsed();
        status
    });
    assert_eq!(outcome.offers.len(), agents, "every agent is offered once");
    (outcome.offers, took)
}

/// Gives every offer back, refused for so many seconds if that is said; gives the time inside the calls.
fn give_back(shim: &mut Shim, offers: &[Offered], refuse_seconds: Option<f64>) -> Duration {
    let filters = refuse_seconds.map(filters);
    let filters = filters.as_deref().map(view);
    let filters = filters.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut took = Duration::ZERO;
    for offer in offers {
        let views: Vec<apportion_bytes> = offer.resources.iter().map(|resource| view(resource)).collect();
        let resources = apportion_bytes_list { data: views.as_ptr(), size: views.len() };
        let (framework, agent) = (view(&offer.framework), view(&offer.agent));
        let outcome = shim.apply(|h, now, out| {
            let began = Instant::now();
            let status =
                call!(allocator_recover_resources(h, now, framework, agent, resources, filters, 0, out));
            took += began.elapsed();
            status
        });
        assert_eq!(outcome.status, APPORTION_DONE, "{}", outcome.text);
    }
    took
}

/// Every framework takes its refusals back.
fn revive(shim: &mut Shim, (_, frameworks, _): Size) {
    for number in 0..frameworks {
        let id = format!("5b8a4f0e-2d3c-4b6a-9f51-7c2d8e90a1b3-{number:04}");
        shim.done(|h, now, out| call!(allocator_revive_offers(h, now, view(id.as_bytes()), none(), out)));
    }
}

fn add_slave(size: Size) -> impl FnMut(u64) -> Duration {
    let registrations = registrations(size.0);
    move |samples| (0..samples).map(|_| register(&mut with_frameworks(size), &registrations)).sum()
}

fn cycle(size: Size) -> impl FnMut(u64) -> Duration {
    let mut shim = with_frameworks(size);
    register(&mut shim, &registrations(size.0));
    move |samples| {
        let sample = |_| {
            let (offers, took) = run(&mut shim, size.0);
            give_back(&mut shim, &offers, None);
            took
        };
        (0..samples).map(sample).sum()
    }
}

fn recover_resources(size: Size, refuse_seconds: Option<f64>) -> impl FnMut(u64) -> Duration {
    let mut shim = with_frameworks(size);
    register(&mut shim, &registrations(size.0));
    move |samples| {
        let sample = |_| {
            let (offers, _) = run(&mut shim, size.0);
            let took = give_back(&mut shim, &offers, refuse_seconds);
            revive(&mut shim, size);
            took
        };
        (0..samples).map(sample).sum()
    }
}

/// Times one call at all sizes; what a size needs is made when it is wanted, and once.
fn time<Sample: FnMut(u64) -> Duration>(
    criterion: &mut Criterion,
    name: &str,
    prepare: impl Fn(Size) -> Sample,
) {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    for size in SIZES {
        let (agents, frameworks, roles) = size;
        let id = BenchmarkId::from_parameter(format!("{agents} x {frameworks} x {roles}"));
        let mut ready = None;
        group.bench_function(id, |bencher| {
            bencher.iter_custom(ready.get_or_insert_with(|| prepare(size)));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    time(&mut criterion, "add_slave", add_slave);
    time(&mut criterion, "cycle", cycle);
    time(&mut criterion, "recover_resources", |size| recover_resources(size, None));
    time(&mut criterion, "recover_resources with a filter", |size| recover_resources(size, Some(604_800.0)));
    criterion.final_summary();
}
