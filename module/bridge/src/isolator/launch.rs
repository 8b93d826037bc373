//! Security settings of a container as messages for its launch.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use apportion_isolation::{
    Capability, CapabilityHolder, CapabilityPlan, CommandLine, LaunchAbilities, LaunchCase, LaunchKind,
    LaunchSettings, Mount, Rlimit, SeccompProfile, SeccompRule,
};
use apportion_policy::text;
use apportion_wire::messages::{
    CapabilityInfo, CommandInfo, ContainerConfig, ContainerLaunchInfo, ContainerMountInfo,
    ContainerSeccompProfile, RLimit, RLimitInfo, RawEnvironment, SeccompArg, SeccompSyscall, Variable,
};

use crate::table::Refusal;

/// Linux's flag for a mount namespace of its own.
const CLONE_NEWNS: i32 = 0x0002_0000;

/// The agent hands the launch program everything in one variable, which Linux bounds at 128 KiB. This much leaves room
/// for the rest, and for the backslashes that one JSON text inside another needs.
const LONGEST_ARGUMENT: usize = 48 * 1024;

/// What a container with these settings is launched with. Its environment is not the settings' matter.
///
/// `abilities` may be the reason why they are not known; that is no trouble for a container without settings.
///
/// # Errors
///
/// A setting cannot be had here; the container must not be launched without it.
pub(crate) fn launch_info(
    settings: &LaunchSettings,
    config: &ContainerConfig,
    abilities: Result<&LaunchAbilities, &String>,
) -> Result<ContainerLaunchInfo, Refusal> {
    if *settings == LaunchSettings::default() {
        return Ok(ContainerLaunchInfo::default());
    }
    let abilities = abilities.map_err(|reason| {
        Refusal(format!(
            "it is not known what this host can give to containers, whose rules ask for it: {reason}"
        ))
    })?;
    let case = case(config)?;
    let plan = settings.plan(&case, abilities).map_err(|refusal| Refusal(refusal.to_string()))?;
    let mut info = ContainerLaunchInfo {
        rlimits: (!plan.rlimits.is_empty())
            .then(|| RLimitInfo { rlimits: plan.rlimits.iter().map(rlimit).collect() }),
        no_new_privileges: plan.no_new_privileges.then_some(true),
        seccomp_profile: plan.seccomp.as_ref().map(seccomp),
        clone_namespaces: if plan.mounts.is_empty() { Vec::new() } else { vec![CLONE_NEWNS] },
        enter_namespaces: if plan.enters_mounts { vec![CLONE_NEWNS] } else { Vec::new() },
        mounts: plan.mounts.iter().map(mount).collect(),
        ..ContainerLaunchInfo::default()
    };
    let mut executor_arguments = Vec::new();
    if let Some(plan) = &plan.capabilities {
        set_capabilities(plan, &mut info, &mut executor_arguments);
    }
    match (plan.command, &config.task_info) {
        (Some(line), Some(task)) => {
            let environment = task.command.as_ref().and_then(|command| command.environment.as_ref());
            executor_arguments.push(task_command(&line, environment)?);
        }
        (Some(line), None) => {
            info.command = Some(CommandInfo {
                shell: Some(line.shell),
                value: line.value,
                arguments: line.arguments,
                ..CommandInfo::default()
            });
        }
        (None, _) => {}
    }
    if !executor_arguments.is_empty() {
        // Anything else than arguments here would end the agent.
        info.command = Some(CommandInfo { arguments: executor_arguments, ..CommandInfo::default() });
    }
    Ok(info)
}

fn case(config: &ContainerConfig) -> Result<LaunchCase, Refusal> {
    let debug = config.container_class == Some(ContainerConfig::CLASS_DEBUG);
    let (kind, command) = match &config.task_info {
        Some(task) => (LaunchKind::CommandTask, task.command.as_ref().unwrap_or(&config.command_info)),
        None if debug => (LaunchKind::Debug, &config.command_info),
        None => (LaunchKind::Own, &config.command_info),
    };
    let path = |bytes: &Vec<u8>| PathBuf::from(OsStr::from_bytes(bytes));
    Ok(LaunchCase {
        kind,
        command: CommandLine {
            shell: command.shell(),
            value: command.value.clone(),
            arguments: command.arguments.clone(),
        },
        variables: plain(command.environment.as_ref())?.into_iter().map(|variable| variable.name).collect(),
        user: config.user.as_deref().map(text),
        rootfs: config.rootfs.as_ref().map(path),
        sandbox: path(&config.directory),
        asks_for_rlimits: config.container_info.as_ref().is_some_and(|info| info.rlimit_info.is_some()),
    })
}

/// Variables that are no secrets: those the agent resolves, and hands over by itself.
fn plain(environment: Option<&RawEnvironment>) -> Result<Vec<Variable>, Refusal> {
    let Some(environment) = environment else {
        return Ok(Vec::new());
    };
    let variables = environment.read()?;
    Ok(variables.into_iter().filter(|variable| variable.r#type() != Variable::SECRET).collect())
}

/// A resource limit as the host wants it: no numbers mean "unlimited".
fn rlimit(limit: &Rlimit) -> RLimit {
    let numbers = limit.numbers();
    RLimit {
        r#type: Some(limit.kind().mesos_number()),
        hard: numbers.map(|(_, hard)| hard),
        soft: numbers.map(|(soft, _)| soft),
    }
}

fn mount(mount: &Mount) -> ContainerMountInfo {
    let bytes = |path: &PathBuf| path.as_os_str().as_bytes().to_vec();
    ContainerMountInfo {
        target: bytes(&mount.target),
        source: mount.source.as_ref().map(bytes),
        r#type: mount.fstype.map(|fstype| fstype.as_bytes().to_vec()),
        flags: Some(mount.flags),
        options: mount.options.as_ref().map(|options| options.as_bytes().to_vec()),
    }
}

fn set_capabilities(plan: &CapabilityPlan, info: &mut ContainerLaunchInfo, arguments: &mut Vec<Vec<u8>>) {
    match plan.holder {
        CapabilityHolder::FirstProcess => {
            info.effective_capabilities = plan.effective.as_ref().map(capabilities);
            info.bounding_capabilities = Some(capabilities(&plan.bounding));
        }
        CapabilityHolder::Task => {
            arguments.push(argument("bounding_capabilities", &names(&plan.bounding)));
            let effective = plan.effective.as_ref();
            arguments.extend(effective.map(|set| argument("effective_capabilities", &names(set))));
        }
    }
}

fn capabilities<'a>(of: impl IntoIterator<Item = &'a Capability>) -> CapabilityInfo {
    CapabilityInfo { capabilities: of.into_iter().filter_map(|one| one.mesos_number()).collect() }
}

/// `CapabilityInfo` in the JSON form of Mesos, which has names.
fn names<'a>(of: impl IntoIterator<Item = &'a Capability>) -> Vec<u8> {
    let names: Vec<String> = of.into_iter().map(|one| format!("\"{one}\"")).collect();
    format!(r#"{{"capabilities":[{}]}}"#, names.join(",")).into_bytes()
}

fn argument(flag: &str, value: &[u8]) -> Vec<u8> {
    let mut argument = format!("--{flag}=").into_bytes();
    argument.extend_from_slice(value);
    argument
}

fn seccomp(profile: &SeccompProfile) -> ContainerSeccompProfile {
    if !profile.left_out.is_empty() {
        let names = Vec::from_iter(profile.left_out.iter().map(String::as_str)).join(", ");
        tracing::debug!(
            "isolator: system calls that Mesos' libseccomp does not know stay forbidden: {names}"
        );
    }
    ContainerSeccompProfile {
        default_action: profile.default_action.mesos_number(),
        architectures: profile.architectures.clone(),
        syscalls: profile.rules.iter().map(syscall).collect(),
    }
}

fn syscall(rule: &SeccompRule) -> SeccompSyscall {
    let filter = |of: &Vec<Capability>| (!of.is_empty()).then(|| capabilities(of));
    let args = rule.arguments.iter().map(|argument| SeccompArg {
        index: argument.index,
        op: argument.comparison,
        value: argument.value,
        value_two: argument.value_two,
    });
    SeccompSyscall {
        names: rule.names.iter().map(|name| name.clone().into_bytes()).collect(),
        action: rule.action.mesos_number(),
        args: args.collect(),
        includes: filter(&rule.with_capabilities),
        excludes: filter(&rule.without_capabilities),
    }
}

/// The flag that gives a command executor another command for its task. The task's variables stay with the command,
/// as the executor takes them from there.
fn task_command(line: &CommandLine, environment: Option<&RawEnvironment>) -> Result<Vec<u8>, Refusal> {
    let mut json = format!(r#"{{"shell":{}"#, line.shell).into_bytes();
    if let Some(value) = &line.value {
        json.extend_from_slice(br#","value":"#);
        quote(value, &mut json);
    }
    json.extend_from_slice(br#","arguments":["#);
    separated(&line.arguments, &mut json, |argument, json| quote(argument, json));
    json.extend_from_slice(br#"],"environment":{"variables":["#);
    separated(&plain(environment)?, &mut json, |variable, json| {
        json.extend_from_slice(br#"{"name":"#);
        quote(&variable.name, json);
        json.extend_from_slice(br#","type":"VALUE","value":"#);
        quote(variable.value.as_deref().unwrap_or_default(), json);
        json.push(b'}');
    });
    json.extend_from_slice(b"]}}");
    if json.len() > LONGEST_ARGUMENT {
        return Err(Refusal(format!(
            "umask cannot be set for this command: with its variables it is {} bytes long, and a command executor \
             takes another command of {LONGEST_ARGUMENT} bytes at most; put it into a file, or use an executor of \
             your own",
            json.len()
        )));
    }
    Ok(argument("task_command", &json))
}

fn separated<T>(items: &[T], json: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        write(item, json);
    }
}

/// A JSON text of bytes: what is no UTF-8 goes as it is, which Mesos takes and hands on.
fn quote(bytes: &[u8], json: &mut Vec<u8>) {
    json.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => json.extend_from_slice(&[b'\\', byte]),
            0..=0x1f | 0x7f => json.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => json.push(byte),
        }
    }
    json.push(b'"');
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
