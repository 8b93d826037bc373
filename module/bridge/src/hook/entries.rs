//! The eleven entry points of the hook. May be called by several threads at once.

use apportion_wire::messages::{AgentInfo, ContainerId, TaskInfo, TaskStatus};

use super::{UNCHANGED, readable};
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

/// No rule changes a task's resources yet.
pub(crate) unsafe extern "C" fn master_launch_task_resource_decorator(
    handle: *mut apportion_handle,
    task: apportion_bytes,
    agent_resources: apportion_bytes_list,
    task_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, task_info, "hook.master_launch_task_resource_decorator", |module, lent| {
            module.hook()?;
            readable::<TaskInfo>(lent.bytes(task, "task")?)?;
            lent.list(agent_resources, "agent resources")?;
            UNCHANGED
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

/// No rule acts on a lost agent yet.
pub(crate) unsafe extern "C" fn master_slave_lost_hook(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "hook.master_slave_lost_hook", |module, lent| {
            module.hook()?;
            readable::<AgentInfo>(lent.bytes(agent, "agent")?)?;
            UNCHANGED
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
            let set = lent.optional_list(environment, "environment")?.unwrap_or_default();
            module.hook()?.docker(
                lent.optional_bytes(task, "task")?,
                lent.bytes(executor, "executor")?,
                lent.bytes(container_name, "container name")?,
                lent.bytes(sandbox, "sandbox")?,
                &set,
            )
        })
    }
}

/// No rule acts after a fetch yet.
pub(crate) unsafe extern "C" fn slave_post_fetch_hook(
    handle: *mut apportion_handle,
    container: apportion_bytes,
    directory: apportion_bytes,
    text: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, text, "hook.slave_post_fetch_hook", |module, lent| {
            module.hook()?;
            readable::<ContainerId>(lent.bytes(container, "container")?)?;
            lent.bytes(directory, "directory")?;
            UNCHANGED
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

/// No rule changes a status yet.
pub(crate) unsafe extern "C" fn slave_task_status_decorator(
    handle: *mut apportion_handle,
    framework_id: apportion_bytes,
    status: apportion_bytes,
    task_status: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, task_status, "hook.slave_task_status_decorator", |module, lent| {
            module.hook()?;
            lent.bytes(framework_id, "framework id")?;
            readable::<TaskStatus>(lent.bytes(status, "status")?)?;
            UNCHANGED
        })
    }
}

/// No rule changes an agent's resources yet.
pub(crate) unsafe extern "C" fn slave_resources_decorator(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    agent_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, agent_info, "hook.slave_resources_decorator", |module, lent| {
            module.hook()?;
            readable::<AgentInfo>(lent.bytes(agent, "agent")?)?;
            UNCHANGED
        })
    }
}

/// No rule changes an agent's attributes yet.
pub(crate) unsafe extern "C" fn slave_attributes_decorator(
    handle: *mut apportion_handle,
    agent: apportion_bytes,
    agent_info: *mut apportion_buffer,
) -> apportion_status {
    // SAFETY: called by the shim under the rules of the header.
    unsafe {
        ask(handle, agent_info, "hook.slave_attributes_decorator", |module, lent| {
            module.hook()?;
            readable::<AgentInfo>(lent.bytes(agent, "agent")?)?;
            UNCHANGED
        })
    }
}
