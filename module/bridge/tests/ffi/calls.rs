//! One good call of every entry point, after what [`prepared`] or [`known_container`] did.

use apportion_bridge::abi::{
    apportion_buffer, apportion_bytes, apportion_effects, apportion_handle, apportion_notice,
    apportion_status,
};
use apportion_wire::messages::encode;

use crate::arguments::{Arguments, from_nothing, no_exclusions, plain_options};
use crate::border::{Module, answered, call};
use crate::messages::{
    agent, agent_capabilities, allocated, container_config, container_id, container_state, executor, filters,
    framework, overcommitted_usage, ranges, reserve_operation, reserved, scalar, task, task_status,
    unavailability, weight,
};
use crate::shim::{Outcome, SECOND, Shim};

/// A call of the allocator.
pub(crate) type AllocatorCall =
    fn(&mut Arguments, *mut apportion_handle, i64, *mut apportion_effects) -> apportion_status;

/// A call of another module.
pub(crate) type ModuleCall =
    fn(&mut Arguments, *mut apportion_handle, *mut apportion_buffer) -> apportion_status;

fn cpu() -> Vec<u8> {
    allocated(&scalar(b"cpus", 1.0), b"web")
}

/// What every agent here has.
pub(crate) fn total() -> Vec<Vec<u8>> {
    vec![scalar(b"cpus", 4.0), scalar(b"mem", 1024.0), ranges(b"ports", &[(31000, 32000)])]
}

/// Every entry point of the allocator.
pub(crate) const ALLOCATOR: &[(&str, AllocatorCall)] = &[
    ("allocator.publish_metrics", |_, h, now, out| call!(allocator_publish_metrics(h, now, out))),
    ("allocator.initialize", |a, h, now, out| call!(allocator_initialize(h, now, a.options(), out))),
    ("allocator.recover", |a, h, now, out| call!(allocator_recover(h, now, 10, a.quotas(), out))),
    ("allocator.add_framework", |a, h, now, out| {
        let id = a.text("framework id", b"g");
        let info = a.message("framework info", encode(&framework(b"g", &[b"web", b"batch"])));
        let used = a.holdings("used resources", b"b", vec![cpu()]);
        let suppressed = a.texts("suppressed roles", &[b"batch"]);
        let excluded = a.exclusions(b"web", &[b"b"]);
        call!(allocator_add_framework(h, now, id, info, used, 1, suppressed, excluded, out))
    }),
    ("allocator.remove_framework", |a, h, now, out| {
        call!(allocator_remove_framework(h, now, a.text("framework id", b"f"), out))
    }),
    ("allocator.activate_framework", |a, h, now, out| {
        call!(allocator_activate_framework(h, now, a.text("framework id", b"f"), out))
    }),
    ("allocator.deactivate_framework", |a, h, now, out| {
        call!(allocator_deactivate_framework(h, now, a.text("framework id", b"f"), out))
    }),
    ("allocator.update_framework", |a, h, now, out| {
        let id = a.text("framework id", b"f");
        let info = a.message("framework info", encode(&framework(b"f", &[b"web", b"batch"])));
        let suppressed = a.texts("suppressed roles", &[b"batch"]);
        let excluded = a.exclusions(b"web", &[b"b"]);
        call!(allocator_update_framework(h, now, id, info, suppressed, excluded, out))
    }),
    ("allocator.add_slave", |a, h, now, out| {
        let id = a.text("agent id", b"c");
        let info = a.message("agent info", encode(&agent(b"c", b"r3")));
        let capabilities = a.messages("capabilities", agent_capabilities());
        let window = a.optional_message("unavailability", unavailability(7));
        let total = a.messages("total resources", total());
        let used = a.holdings("used resources", b"f", vec![cpu()]);
        let excluded = a.excluded_from(b"f", b"web");
        call!(allocator_add_slave(h, now, id, info, capabilities, window, total, used, excluded, out))
    }),
    ("allocator.remove_slave", |a, h, now, out| {
        call!(allocator_remove_slave(h, now, a.text("agent id", b"a"), out))
    }),
    ("allocator.update_slave", |a, h, now, out| {
        let id = a.text("agent id", b"b");
        let info = a.message("agent info", encode(&agent(b"b", b"other")));
        let total = a.optional_messages("total resources", vec![scalar(b"cpus", 6.0), scalar(b"mem", 64.0)]);
        let capabilities = a.optional_messages("capabilities", agent_capabilities());
        let excluded = a.excluded_from(b"f", b"web");
        call!(allocator_update_slave(h, now, id, info, total, capabilities, excluded, out))
    }),
    ("allocator.add_resource_provider", |a, h, now, out| {
        let id = a.text("agent id", b"b");
        let total = a.messages("total resources", vec![scalar(b"disk", 100.0), scalar(b"gpus", 2.0)]);
        let used = a.holdings("used resources", b"f", vec![allocated(&scalar(b"disk", 10.0), b"web")]);
        call!(allocator_add_resource_provider(h, now, id, total, used, out))
    }),
    ("allocator.activate_slave", |a, h, now, out| {
        call!(allocator_activate_slave(h, now, a.text("agent id", b"b"), out))
    }),
    ("allocator.deactivate_slave", |a, h, now, out| {
        call!(allocator_deactivate_slave(h, now, a.text("agent id", b"b"), out))
    }),
    ("allocator.update_whitelist", |a, h, now, out| {
        let hostnames = a.optional_texts("hostnames", &[b"host-a", b"host-b"]);
        call!(allocator_update_whitelist(h, now, hostnames, out))
    }),
    ("allocator.request_resources", |a, h, now, out| {
        let (id, requests) = (a.text("framework id", b"f"), a.texts("requests", &[b""]));
        call!(allocator_request_resources(h, now, id, requests, out))
    }),
    ("allocator.update_allocation", |a, h, now, out| {
        let (framework, agent) = (a.text("framework id", b"f"), a.text("agent id", b"a"));
        let offered = a.messages("offered resources", vec![cpu()]);
        let conversions = a.conversion(cpu(), reserved(&cpu(), b"web"));
        call!(allocator_update_allocation(h, now, framework, agent, offered, conversions, out))
    }),
    ("allocator.update_available", |a, h, now, out| {
        let id = a.text("agent id", b"b");
        let reserve = reserve_operation(&[reserved(&scalar(b"cpus", 1.0), b"web")]);
        call!(allocator_update_available(h, now, id, a.messages("operations", vec![reserve]), out))
    }),
    ("allocator.update_unavailability", |a, h, now, out| {
        let id = a.text("agent id", b"b");
        let window = a.optional_message("unavailability", unavailability(9));
        call!(allocator_update_unavailability(h, now, id, window, out))
    }),
    ("allocator.update_inverse_offer", |a, h, now, out| {
        let (agent, framework) = (a.text("agent id", b"b"), a.text("framework id", b"f"));
        let status = a.optional_text("status", b"the status");
        let filters = a.optional_message("filters", filters(1.0));
        call!(allocator_update_inverse_offer(h, now, agent, framework, status, filters, out))
    }),
    ("allocator.get_inverse_offer_statuses", |_, h, now, out| {
        call!(allocator_get_inverse_offer_statuses(h, now, out))
    }),
    ("allocator.transition_offered_to_allocated", |a, h, now, out| {
        let framework = a.text("framework id", b"f");
        let (id, resources) = (a.text("agent id", b"a"), a.messages("resources", vec![cpu()]));
        call!(allocator_transition_offered_to_allocated(h, now, framework, id, resources, out))
    }),
    ("allocator.recover_resources", |a, h, now, out| {
        let (framework, agent) = (a.text("framework id", b"f"), a.text("agent id", b"a"));
        let resources = a.messages("resources", vec![cpu()]);
        let filters = a.optional_message("filters", filters(3.0));
        call!(allocator_recover_resources(h, now, framework, agent, resources, filters, 0, out))
    }),
    ("allocator.suppress_offers", |a, h, now, out| {
        let (id, roles) = (a.text("framework id", b"f"), a.texts("roles", &[b"web"]));
        call!(allocator_suppress_offers(h, now, id, roles, out))
    }),
    ("allocator.revive_offers", |a, h, now, out| {
        let (id, roles) = (a.text("framework id", b"f"), a.texts("roles", &[b"web"]));
        call!(allocator_revive_offers(h, now, id, roles, out))
    }),
    ("allocator.update_quota", |a, h, now, out| call!(allocator_update_quota(h, now, a.quota(), out))),
    ("allocator.update_weights", |a, h, now, out| {
        let weights = a.messages("weights", vec![weight(b"batch", 3.0), weight(b"web", 2.5)]);
        call!(allocator_update_weights(h, now, weights, out))
    }),
    ("allocator.pause", |_, h, now, out| call!(allocator_pause(h, now, out))),
    ("allocator.resume", |_, h, now, out| call!(allocator_resume(h, now, out))),
    ("allocator.tick", |_, h, now, out| call!(allocator_tick(h, now, out))),
    ("allocator.cycle", |_, h, now, out| call!(allocator_cycle(h, now, out))),
];

/// Every entry point of the allocator that only looks.
pub(crate) const ALLOCATOR_LOOKS: &[(&str, ModuleCall)] = &[
    ("allocator.read_metrics", |a, h, out| {
        let (slots, values) = (a.numbers(&[0, 1, 77]), a.places(3));
        call!(allocator_read_metrics(h, 5, slots, 3, values, out))
    }),
    ("allocator.offer_constraints_debug", |a, h, out| {
        call!(allocator_offer_constraints_debug(h, a.optional_texts("frameworks", &[b"f"]), out))
    }),
    ("allocator.lending_report", |_, h, out| call!(allocator_lending_report(h, SECOND, out))),
];

/// Every entry point of the allocator that is called on the master's thread. Their agents are those of nobody else here:
/// hooks ask the ledgers of all allocators.
pub(crate) const ALLOCATOR_COMMITS: &[(&str, ModuleCall)] = &[
    ("allocator.keeps_commits", |_, h, out| call!(allocator_keeps_commits(h, out))),
    ("allocator.commit_add_slave", |a, h, out| {
        let id = a.text("agent id", b"kept-c");
        let info = a.message("agent info", encode(&agent(b"kept-c", b"r3")));
        let total = a.messages("total resources", total());
        let used = a.holdings("used resources", b"f", vec![cpu()]);
        call!(allocator_commit_add_slave(h, id, info, total, used, out))
    }),
    ("allocator.commit_remove_slave", |a, h, out| {
        call!(allocator_commit_remove_slave(h, a.text("agent id", b"kept-a"), out))
    }),
    ("allocator.commit_update_slave", |a, h, out| {
        let id = a.text("agent id", b"kept-b");
        let info = a.message("agent info", encode(&agent(b"kept-b", b"other")));
        let total = a.optional_messages("total resources", vec![scalar(b"cpus", 6.0), scalar(b"mem", 64.0)]);
        call!(allocator_commit_update_slave(h, SECOND, id, info, total, out))
    }),
    ("allocator.commit_transition", |a, h, out| {
        let (id, resources) = (a.text("agent id", b"kept-a"), a.messages("resources", vec![cpu()]));
        call!(allocator_commit_transition(h, SECOND, id, resources, out))
    }),
    ("allocator.commit_recover", |a, h, out| {
        let (framework, agent) = (a.text("framework id", b"f"), a.text("agent id", b"kept-a"));
        let resources = a.messages("resources", vec![cpu()]);
        call!(allocator_commit_recover(h, SECOND, framework, agent, resources, 1, out))
    }),
    ("allocator.commit_remove_framework", |a, h, out| {
        call!(allocator_commit_remove_framework(h, a.text("framework id", b"f"), out))
    }),
];

/// Every entry point of the hook.
pub(crate) const HOOK: &[(&str, ModuleCall)] = &[
    ("hook.master_launch_task_label_decorator", |a, h, out| {
        let task = a.message("task", encode(&task(b"t")));
        let framework = a.message("framework", encode(&framework(b"f", &[b"web"])));
        let agent = a.message("agent", encode(&agent(b"a", b"r1")));
        call!(hook_master_launch_task_label_decorator(h, task, framework, agent, out))
    }),
    ("hook.master_launch_task_resource_decorator", |a, h, out| {
        let task = a.message("task", encode(&task(b"t")));
        let resources = a.texts("agent resources", &[b"", b""]);
        call!(hook_master_launch_task_resource_decorator(h, task, resources, out))
    }),
    ("hook.slave_run_task_label_decorator", |a, h, out| {
        let task = a.message("task", encode(&task(b"t")));
        let executor = a.message("executor", encode(&executor(b"f", b"e")));
        let framework = a.message("framework", encode(&framework(b"f", &[b"web"])));
        let agent = a.message("agent", encode(&agent(b"a", b"r1")));
        call!(hook_slave_run_task_label_decorator(h, task, executor, framework, agent, out))
    }),
    ("hook.master_slave_lost_hook", |a, h, out| {
        call!(hook_master_slave_lost_hook(h, a.message("agent", encode(&agent(b"a", b"r1"))), out))
    }),
    ("hook.slave_executor_environment_decorator", |a, h, out| {
        let executor = a.message("executor", encode(&executor(b"f", b"e")));
        call!(hook_slave_executor_environment_decorator(h, executor, out))
    }),
    ("hook.slave_pre_launch_docker_task_executor_decorator", |a, h, out| {
        let task = a.optional_message("task", encode(&task(b"t")));
        let executor = a.message("executor", encode(&executor(b"f", b"e")));
        let name = a.text("container name", b"mesos-1");
        let sandbox = a.text("sandbox", b"/sandbox");
        let mapped = a.text("mapped sandbox", b"/mnt/sandbox");
        let environment = a.optional_texts("environment", &[b"PATH=/bin", b"ROLE=theirs"]);
        call!(hook_slave_pre_launch_docker_task_executor_decorator(
            h,
            task,
            executor,
            name,
            sandbox,
            mapped,
            environment,
            out
        ))
    }),
    ("hook.slave_post_fetch_hook", |a, h, out| {
        let id = a.message("container", container_id(&[b"c"]));
        call!(hook_slave_post_fetch_hook(h, id, a.text("directory", b"/sandbox"), out))
    }),
    ("hook.slave_remove_executor_hook", |a, h, out| {
        let framework = a.message("framework", encode(&framework(b"f", &[b"web"])));
        let executor = a.message("executor", encode(&executor(b"f", b"e")));
        call!(hook_slave_remove_executor_hook(h, framework, executor, out))
    }),
    ("hook.slave_task_status_decorator", |a, h, out| {
        let (id, status) = (a.text("framework id", b"f"), a.message("status", task_status()));
        call!(hook_slave_task_status_decorator(h, id, status, out))
    }),
    ("hook.slave_resources_decorator", |a, h, out| {
        call!(hook_slave_resources_decorator(h, a.message("agent", encode(&agent(b"a", b"r1"))), out))
    }),
    ("hook.slave_attributes_decorator", |a, h, out| {
        call!(hook_slave_attributes_decorator(h, a.message("agent", encode(&agent(b"a", b"r1"))), out))
    }),
];

/// Every entry point that serves the hook's HTTP endpoint.
pub(crate) const HOOK_ENDPOINT: &[(&str, ModuleCall)] = &[
    ("hook.endpoint", |_, h, out| call!(hook_endpoint(h, out))),
    ("hook.report", |_, h, out| call!(hook_report(h, out))),
    ("hook.reload", |_, h, out| call!(hook_reload(h, out))),
];

/// A listener that must not be called.
unsafe extern "C" fn silent(
    _: *mut std::ffi::c_void,
    _: apportion_notice,
    _: apportion_bytes,
    _: apportion_bytes,
) {
    panic!("nothing is to be told");
}

/// Entry points of the isolator that are about no container.
pub(crate) const ISOLATOR_TELLS: &[(&str, ModuleCall)] = &[
    ("isolator.listen", |_, h, out| call!(isolator_listen(h, std::ptr::null_mut(), Some(silent), out))),
    ("isolator.metrics", |_, h, out| call!(isolator_metrics(h, out))),
    ("isolator.report", |_, h, out| call!(isolator_report(h, out))),
    ("isolator.metric", |_, h, out| {
        let mut value = 0.0;
        call!(isolator_metric(h, 0, &raw mut value, out))
    }),
];

/// Every other entry point of the isolator.
pub(crate) const ISOLATOR: &[(&str, ModuleCall)] = &[
    ("isolator.supports_nesting", |a, h, out| call!(isolator_supports_nesting(h, &raw mut *a.yes, out))),
    ("isolator.supports_standalone", |a, h, out| {
        call!(isolator_supports_standalone(h, &raw mut *a.yes, out))
    }),
    ("isolator.recover", |a, h, out| {
        let states = a.messages("states", vec![container_state(b"old", 1)]);
        let orphans = a.messages("orphans", vec![container_id(&[b"orphan"])]);
        call!(isolator_recover(h, states, orphans, out))
    }),
    ("isolator.prepare", |a, h, out| {
        let id = a.message("container id", container_id(&[b"new"]));
        let config = a.message("container configuration", encode(&container_config()));
        call!(isolator_prepare(h, id, config, out))
    }),
    ("isolator.isolate", |a, h, out| {
        call!(isolator_isolate(h, a.message("container id", container_id(&[b"c"])), 1, out))
    }),
    ("isolator.watch", |a, h, out| {
        call!(isolator_watch(h, a.message("container id", container_id(&[b"c"])), out))
    }),
    ("isolator.update", |a, h, out| {
        let id = a.message("container id", container_id(&[b"c"]));
        let requests = a.messages("requests", vec![scalar(b"cpus", 1.0), scalar(b"mem", 64.0)]);
        let limits = a.quantities("limits", &[(b"cpus", 2.0), (b"mem", f64::INFINITY)]);
        call!(isolator_update(h, id, requests, limits, out))
    }),
    ("isolator.usage", |a, h, out| {
        call!(isolator_usage(h, a.message("container id", container_id(&[b"c"])), 5 * SECOND, out))
    }),
    ("isolator.status", |a, h, out| {
        call!(isolator_status(h, a.message("container id", container_id(&[b"c"])), out))
    }),
    ("isolator.cleanup", |a, h, out| {
        call!(isolator_cleanup(h, a.message("container id", container_id(&[b"c"])), out))
    }),
];

/// Is woken for nothing.
unsafe extern "C" fn undisturbed(_: *mut std::ffi::c_void) {}

/// Every entry point of the QoS controller.
pub(crate) const QOS_CONTROLLER: &[(&str, ModuleCall)] = &[
    ("qos_controller.listen", |_, h, out| {
        call!(qos_controller_listen(h, std::ptr::null_mut(), Some(undisturbed), out))
    }),
    ("qos_controller.initialize", |_, h, out| call!(qos_controller_initialize(h, out))),
    ("qos_controller.corrections", |a, h, out| {
        let mut next = 0;
        let usage = a.message("usage", overcommitted_usage());
        let status = call!(qos_controller_corrections(h, 5 * SECOND, usage, &raw mut next, out));
        assert!(next > 0, "the time of the next look is not set");
        status
    }),
    ("qos_controller.usage_failed", |a, h, out| {
        let mut next = 0;
        let reason = a.text("reason", b"no statistics\xff");
        let status = call!(qos_controller_usage_failed(h, 5 * SECOND, reason, &raw mut next, out));
        assert!(next > 0, "the time of the next look is not set");
        status
    }),
    ("qos_controller.metrics", |_, h, out| call!(qos_controller_metrics(h, out))),
    ("qos_controller.metric", |_, h, out| {
        let mut value = 0.0;
        call!(qos_controller_metric(h, 0, &raw mut value, out))
    }),
    ("qos_controller.report", |_, h, out| call!(qos_controller_report(h, out))),
];

/// The call of this name.
pub(crate) fn named<Call: Copy>(table: &[(&str, Call)], name: &str) -> Call {
    table.iter().find(|(entry, _)| *entry == name).unwrap_or_else(|| panic!("no entry point {name}")).1
}

/// An allocator as the entry point of this name expects it: not initialized, initialized, or with a framework "f" in
/// role "web" that holds an offer of all of agent "a", and an agent "b" under maintenance that nobody holds.
pub(crate) fn prepared(entry: &str) -> Shim {
    let mut shim = Shim::new(&[("allocator.explain_offers", "false")]);
    if entry != "allocator.initialize" {
        let options = plain_options();
        shim.done(|h, now, out| call!(allocator_initialize(h, now, &raw const options, out)));
        if entry != "allocator.recover" {
            populate(&mut shim);
        }
    }
    shim
}

/// Brings a framework and two agents.
pub(crate) fn populate(shim: &mut Shim) {
    add_framework(shim, b"f", &[b"web"]);
    add_agent(shim, b"a", &total());
    assert_eq!(cycle(shim).offers.len(), 1, "the framework holds all of agent a");
    add_agent(shim, b"b", &total());
    shim.done(|h, now, out| {
        named(ALLOCATOR, "allocator.update_unavailability")(&mut Arguments::good(), h, now, out)
    });
}

/// A framework with every capability comes.
#[track_caller]
pub(crate) fn add_framework(shim: &mut Shim, id: &[u8], roles: &[&[u8]]) -> Outcome {
    let mut arguments = Arguments::good();
    let name = arguments.text("framework id", id);
    let info = arguments.message("framework info", encode(&framework(id, roles)));
    let (suppressed, used) = (none(), crate::arguments::no_holdings());
    let excluded = no_exclusions();
    shim.done(|h, now, out| {
        call!(allocator_add_framework(h, now, name, info, used, 1, suppressed, excluded, out))
    })
}

/// An agent with every capability comes.
#[track_caller]
pub(crate) fn add_agent(shim: &mut Shim, id: &[u8], total: &[Vec<u8>]) -> Outcome {
    let mut arguments = Arguments::good();
    let name = arguments.text("agent id", id);
    let info = arguments.message("agent info", encode(&agent(id, b"r1")));
    let capabilities = arguments.messages("capabilities", agent_capabilities());
    let total = arguments.messages("total", total.to_vec());
    let (window, used) = (std::ptr::null(), crate::arguments::no_holdings());
    let excluded = from_nothing();
    shim.done(|h, now, out| {
        call!(allocator_add_slave(h, now, name, info, capabilities, window, total, used, excluded, out))
    })
}

/// Resources come back, refused for some seconds if a number is given.
pub(crate) fn recover(
    shim: &mut Shim,
    (framework, agent): (&[u8], &[u8]),
    resources: &[Vec<u8>],
    refused: Option<f64>,
) -> Outcome {
    let mut arguments = Arguments::good();
    let (framework, agent) = (arguments.text("framework", framework), arguments.text("agent", agent));
    let resources = arguments.messages("resources", resources.to_vec());
    let filters = match refused {
        Some(seconds) => arguments.optional_message("filters", filters(seconds)),
        None => std::ptr::null(),
    };
    shim.apply(|h, now, out| {
        call!(allocator_recover_resources(h, now, framework, agent, resources, filters, 0, out))
    })
}

/// The interval passes, and the run it asks for happens.
#[track_caller]
pub(crate) fn tick_and_cycle(shim: &mut Shim) -> Outcome {
    shim.now += SECOND;
    shim.done(|h, now, out| call!(allocator_tick(h, now, out)));
    cycle(shim)
}

/// The run that was asked for.
#[track_caller]
pub(crate) fn cycle(shim: &mut Shim) -> Outcome {
    shim.done(|h, now, out| call!(allocator_cycle(h, now, out)))
}

/// No names.
pub(crate) fn none() -> apportion_bridge::abi::apportion_bytes_list {
    plain_options().fairness_excluded_resources
}

/// Records container "c" in an isolator.
pub(crate) fn known_container(isolator: &Module) {
    let (id, config) = (container_id(&[b"c"]), encode(&container_config()));
    let (id, config) = (crate::border::view(&id), crate::border::view(&config));
    let answer = answered(|out| call!(isolator_prepare(isolator.handle(), id, config, out)));
    assert!(answer.status <= 1, "{answer:?}");
}
