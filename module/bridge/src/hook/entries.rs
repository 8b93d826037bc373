//! The entry points of the hook: its eleven methods, and what its HTTP endpoint asks. May be called by several threads
//! at once.

use apportion_hook::question::DockerLaunch;

use crate::abi::{
    apportion_buffer, apportion_bytes, apportion_bytes_list, apportion_handle, apportion_status,
};
use crate::table::ask;

/// See `masterLaunchTaskLabelDecorator` in the header.
pub(crate) unsafe extern "C" fn master_launch_task_label_decorator(
    handle: *mut apportion_handle,
    task: apportion_bytes,
    framework: apportion_bytes,
    agent: apportion_bytes,
    labels: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, labels, "hook.master_launch_task_label_decorator", |module, lent| {
            module.hook()?.master_labels(
                lent.bytes(task, "task")?,
                lent.bytes(framework, "framework")?,
                lent.bytes(agent, "agent")?,
            )
        })
    }
}

/// See `masterLaunchTaskResourceDecorator` in the header.
pub(crate) unsafe extern "C" fn master_launch_task_resource_decorator(
    handle: *mut apportion_handle,
    task: apportion_bytes,
    agent_resources: apportion_bytes_list,
    task_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, task_info, "hook.master_launch_task_resource_decorator", |module, lent| {
            let resources = lent.list(agent_resources, "agent resources")?;
            module.hook()?.master_resources(lent.bytes(task, "task")?, &resources)
        })
    }
}

/// See `slaveRunTaskLabelDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_run_task_label_decorator(
    handle: *mut apportion_handle,
    task: apportion_bytes,
    executor: apportion_bytes,
    framework: apportion_bytes,
    agent: apportion_bytes,
    labels: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, labels, "hook.slave_run_task_label_decorator", |module, lent| {
            module.hook()?.agent_labels(
                lent.bytes(task, "task")?,
                lent.bytes(executor, "executor")?,
                lent.bytes(framework, "framework")?,
                lent.bytes(agent, "agent")?,
            )
        })
    }
}

/// See `masterSlaveLostHook` in the header.
pub(crate) unsafe extern "C" fn master_slave_lost_hook(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "hook.master_slave_lost_hook", |module, lent| {
            module.hook()?.agent_lost(lent.bytes(agent, "agent")?)
        })
    }
}

/// See `slaveExecutorEnvironmentDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_executor_environment_decorator(
    handle: *mut apportion_handle,
    executor: apportion_bytes,
    environment: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, environment, "hook.slave_executor_environment_decorator", |module, lent| {
            module.hook()?.environment(lent.bytes(executor, "executor")?)
        })
    }
}

/// See `slavePreLaunchDockerTaskExecutorDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_pre_launch_docker_task_executor_decorator(
    handle: *mut apportion_handle,
    task: *const apportion_bytes,
    executor: apportion_bytes,
    container_name: apportion_bytes,
    sandbox: apportion_bytes,
    mapped_sandbox: apportion_bytes,
    environment: *const apportion_bytes_list,
    prepare_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, prepare_info, "hook.slave_pre_launch_docker_task_executor_decorator", |module, lent| {
            lent.bytes(mapped_sandbox, "mapped sandbox")?;
            let environment = lent.optional_list(environment, "environment")?.unwrap_or_default();
            module.hook()?.docker(
                lent.optional_bytes(task, "task")?,
                lent.bytes(executor, "executor")?,
                DockerLaunch {
                    container: lent.bytes(container_name, "container name")?,
                    sandbox: lent.bytes(sandbox, "sandbox")?,
                    environment: &environment,
                },
            )
        })
    }
}

/// See `slavePostFetchHook` in the header.
pub(crate) unsafe extern "C" fn slave_post_fetch_hook(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    directory: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "hook.slave_post_fetch_hook", |module, lent| {
            module
                .hook()?
                .post_fetch(lent.bytes(container, "container")?, lent.bytes(directory, "directory")?)
        })
    }
}

/// See `slaveRemoveExecutorHook` in the header.
pub(crate) unsafe extern "C" fn slave_remove_executor_hook(
    handle: *mut apportion_handle,
    framework: apportion_bytes,
    executor: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "hook.slave_remove_executor_hook", |module, lent| {
            module
                .hook()?
                .executor_removed(lent.bytes(framework, "framework")?, lent.bytes(executor, "executor")?)
        })
    }
}

/// See `slaveTaskStatusDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_task_status_decorator(
    handle: *mut apportion_handle,
    framework_id: apportion_bytes,
    status: apportion_bytes,
    task_status: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, task_status, "hook.slave_task_status_decorator", |module, lent| {
            module.hook()?.status(lent.bytes(framework_id, "framework id")?, lent.bytes(status, "status")?)
        })
    }
}

/// See `slaveResourcesDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_resources_decorator(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    agent_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, agent_info, "hook.slave_resources_decorator", |module, lent| {
            module.hook()?.agent_resources(lent.bytes(agent, "agent")?)
        })
    }
}

/// See `slaveAttributesDecorator` in the header.
pub(crate) unsafe extern "C" fn slave_attributes_decorator(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    agent_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, agent_info, "hook.slave_attributes_decorator", |module, lent| {
            module.hook()?.agent_attributes(lent.bytes(agent, "agent")?)
        })
    }
}

/// See `hook_endpoint` in the header.
pub(crate) unsafe extern "C" fn endpoint(
    handle: *mut apportion_handle,
    side: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, side, "hook.endpoint", |module, _| module.hook()?.endpoint()) }
}

/// See `hook_report` in the header.
pub(crate) unsafe extern "C" fn report(
    handle: *mut apportion_handle,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, json, "hook.report", |module, _| module.hook()?.report()) }
}

/// See `hook_reload` in the header.
pub(crate) unsafe extern "C" fn reload(
    handle: *mut apportion_handle,
    json: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe { ask(handle, json, "hook.reload", |module, _| module.hook()?.reload()) }
}
