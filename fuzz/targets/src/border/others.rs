//! Calls of hook, isolator and QoS controller.

use super::lent::Lent;
use super::{Module, answered, call, draw};
use crate::entropy::Entropy;

/// One call of a hook.
pub(super) fn call_hook(hook: &Module, entropy: &mut Entropy<'_>) {
    let (lent, h) = (&mut Lent::default(), hook.handle);
    let choice = entropy.below(14);
    let (task, executor) = (lent.bytes(draw::task(entropy)), lent.bytes(draw::executor(entropy)));
    let framework = lent.bytes(draw::framework(entropy, b"x1"));
    let agent = lent.bytes(draw::agent(entropy, b"x1"));
    let text = lent.bytes(draw::id(entropy));
    let strings = lent.list(draw::several(entropy, 2, draw::id));
    answered("hook", |out| match choice {
        0 => call!(hook_master_launch_task_label_decorator(h, task, framework, agent, out)),
        1 => call!(hook_master_launch_task_resource_decorator(h, task, strings, out)),
        2 => call!(hook_slave_run_task_label_decorator(h, task, executor, framework, agent, out)),
        3 => call!(hook_master_slave_lost_hook(h, agent, out)),
        4 => call!(hook_slave_executor_environment_decorator(h, executor, out)),
        5 => {
            let task = lent.pointer(entropy.flag().then_some(task));
            let environment = lent.pointer(entropy.flag().then_some(strings));
            call!(hook_slave_pre_launch_docker_task_executor_decorator(
                h,
                task,
                executor,
                text,
                text,
                text,
                environment,
                out
            ))
        }
        6 => {
            let container = lent.bytes(draw::container_id(entropy));
            call!(hook_slave_post_fetch_hook(h, container, text, out))
        }
        7 => call!(hook_slave_remove_executor_hook(h, framework, executor, out)),
        8 => call!(hook_slave_task_status_decorator(h, text, lent.bytes(draw::task_status(entropy)), out)),
        9 => call!(hook_slave_resources_decorator(h, agent, out)),
        10 => call!(hook_slave_attributes_decorator(h, agent, out)),
        11 => call!(hook_endpoint(h, out)),
        12 => call!(hook_report(h, out)),
        _ => call!(hook_reload(h, out)),
    });
}

/// One call of an isolator.
pub(super) fn call_isolator(isolator: &Module, entropy: &mut Entropy<'_>) {
    let (lent, h) = (&mut Lent::default(), isolator.handle);
    let choice = entropy.below(13);
    let container = lent.bytes(draw::container_id(entropy));
    answered("isolator", |out| match choice {
        0 => {
            let mut answer = u8::MAX;
            let status = call!(isolator_supports_nesting(h, &raw mut answer, out));
            assert!(answer <= 1);
            status
        }
        1 => {
            let mut answer = u8::MAX;
            let status = call!(isolator_supports_standalone(h, &raw mut answer, out));
            assert!(answer <= 1);
            status
        }
        2 => {
            let states = lent.list(draw::several(entropy, 2, draw::container_state));
            let orphans = lent.list(draw::several(entropy, 2, draw::container_id));
            call!(isolator_recover(h, states, orphans, out))
        }
        3 => call!(isolator_prepare(h, container, lent.bytes(draw::container_config(entropy)), out)),
        4 => call!(isolator_isolate(h, container, entropy.pick(&[i64::MAX, i64::MIN, 0, -1]), out)),
        5 => call!(isolator_watch(h, container, out)),
        6 => {
            let requests = lent.list(draw::several(entropy, 2, draw::resource));
            let limits = draw::several(entropy, 2, |entropy| draw::quantity(entropy, lent));
            call!(isolator_update(h, container, requests, lent.quantities(limits), out))
        }
        7 => call!(isolator_usage(h, container, entropy.pick(&[0, i64::MAX, i64::MIN]), out)),
        8 => call!(isolator_status(h, container, out)),
        9 => call!(isolator_metrics(h, out)),
        10 => {
            let mut value = 0.0;
            call!(isolator_metric(h, entropy.pick(&[0, 1, 27, 28, u32::MAX]), &raw mut value, out))
        }
        11 => call!(isolator_report(h, out)),
        _ => call!(isolator_cleanup(h, container, out)),
    });
}

/// One call of a QoS controller.
pub(super) fn call_qos_controller(qos_controller: &Module, entropy: &mut Entropy<'_>) {
    let (lent, h) = (&mut Lent::default(), qos_controller.handle);
    let usage = lent.bytes(draw::usage(entropy));
    answered("qos_controller", |out| {
        let mut next = 0;
        let now = entropy.pick(&[0, 1, 10_000_000_000, i64::MAX, i64::MIN]);
        match entropy.below(6) {
            0 => call!(qos_controller_initialize(h, out)),
            1 => call!(qos_controller_usage_failed(h, now, usage, &raw mut next, out)),
            2 => call!(qos_controller_metrics(h, out)),
            3 => {
                let mut value = 0.0;
                call!(qos_controller_metric(h, entropy.pick(&[0, 1, 8, 9, u32::MAX]), &raw mut value, out))
            }
            4 => call!(qos_controller_report(h, out)),
            _ => call!(qos_controller_corrections(h, now, usage, &raw mut next, out)),
        }
    });
}
