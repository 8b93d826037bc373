//! Docker's notation.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    ARCHITECTURES, COMPARISONS, Capability, EPERM, KNOWN_CALLS, Machine, SeccompAction, SeccompArgument,
    SeccompError, SeccompProfile, SeccompRule, version,
};

/// A profile as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenProfile {
    default_action: String,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<WrittenArchitecture>>,
    syscalls: Option<Vec<WrittenRule>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenArchitecture {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRule {
    /// The older notation has one name for each rule.
    name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    action: String,
    errno_ret: Option<u32>,
    args: Option<Vec<WrittenArgument>>,
    #[serde(rename = "comment")]
    _comment: Option<String>,
    includes: Option<WrittenFilter>,
    excludes: Option<WrittenFilter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenArgument {
    index: u32,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenFilter {
    #[serde(default)]
    caps: Vec<String>,
    #[serde(default)]
    arches: Vec<String>,
    min_kernel: Option<String>,
}

/// Reads a profile; what does not concern this machine is left out.
pub(crate) fn parse(text: &str, machine: &Machine) -> Result<SeccompProfile, SeccompError> {
    let written: WrittenProfile =
        serde_json::from_str(text).map_err(|error| SeccompError::Malformed(error.to_string()))?;
    let default_action = action("defaultAction", &written.default_action)?;
    require_eperm("defaultErrnoRet", default_action, written.default_errno_ret)?;
    let mut profile = SeccompProfile {
        default_action,
        architectures: architectures(&written, machine)?,
        rules: Vec::new(),
        left_out: BTreeSet::new(),
    };
    for (at, rule) in written.syscalls.iter().flatten().enumerate() {
        let place = format!("syscalls[{at}]");
        if let Some(rule) = read_rule(&place, rule, machine, &mut profile)? {
            profile.rules.push(rule);
        }
    }
    Ok(profile)
}

/// `None` if the rule is not about this machine, or about no call that is known.
fn read_rule(
    place: &str,
    written: &WrittenRule,
    machine: &Machine,
    profile: &mut SeccompProfile,
) -> Result<Option<SeccompRule>, SeccompError> {
    let action = action(&format!("{place}.action"), &written.action)?;
    let nothing = WrittenFilter::default();
    let includes = written.includes.as_ref().unwrap_or(&nothing);
    let excludes = written.excludes.as_ref().unwrap_or(&nothing);
    let arguments = written.args.iter().flatten().enumerate();
    let arguments = arguments.map(|(at, argument)| read_argument(&format!("{place}.args[{at}]"), argument));
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    let with = capabilities(&format!("{place}.includes.caps"), &includes.caps)?;
    let without = capabilities(&format!("{place}.excludes.caps"), &excludes.caps)?;
    if !holds(&format!("{place}.includes"), includes, machine, true)?
        || holds(&format!("{place}.excludes"), excludes, machine, false)?
    {
        return Ok(None);
    }
    require_eperm(&format!("{place}.errnoRet"), action, written.errno_ret)?;
    let mut names = Vec::new();
    for name in written.name.iter().chain(&written.names) {
        if KNOWN_CALLS.contains(name.as_str()) {
            names.push(name.clone());
        } else if action == SeccompAction::Allow {
            profile.left_out.insert(name.clone());
        } else if action != profile.default_action {
            return Err(SeccompError::UnknownCall { place: format!("{place}.names"), name: name.clone() });
        }
    }
    // A capability that Mesos has no number for is none that a container under Mesos can be given by it.
    let newer = |capability: &Capability| capability.mesos_number().is_none();
    if names.is_empty() || with.iter().any(newer) {
        return Ok(None);
    }
    let without = without.into_iter().filter(|capability| !newer(capability)).collect();
    Ok(Some(SeccompRule { names, action, arguments, with_capabilities: with, without_capabilities: without }))
}

/// Whether what a filter says about the machine holds: all of it for a rule to be included, any of it to be excluded.
fn holds(
    place: &str,
    filter: &WrittenFilter,
    machine: &Machine,
    included: bool,
) -> Result<bool, SeccompError> {
    let mut found = Vec::new();
    if !filter.arches.is_empty() {
        let mut native = false;
        for name in &filter.arches {
            let known = ARCHITECTURES.iter().find(|(_, go, _)| go == name);
            let place = format!("{place}.arches");
            let (_, _, number) =
                known.ok_or_else(|| unknown(place, name, "an architecture such as amd64"))?;
            native |= machine.architecture == Some(*number);
        }
        found.push(native);
    }
    if let Some(least) = &filter.min_kernel {
        let place = format!("{place}.minKernel");
        let least = version(least).ok_or_else(|| unknown(place, least, "a version such as 4.8"))?;
        found.push(machine.kernel >= least);
    }
    Ok(if included { found.iter().all(|holds| *holds) } else { found.contains(&true) })
}

fn action(place: &str, written: &str) -> Result<SeccompAction, SeccompError> {
    Ok(match written {
        // Killing the thread is what the older name means.
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => SeccompAction::Kill,
        "SCMP_ACT_TRAP" => SeccompAction::Trap,
        "SCMP_ACT_ERRNO" => SeccompAction::Errno,
        "SCMP_ACT_TRACE" => SeccompAction::Trace,
        "SCMP_ACT_ALLOW" => SeccompAction::Allow,
        other => {
            let expected =
                "SCMP_ACT_KILL, _TRAP, _ERRNO, _TRACE or _ALLOW, which are all that Mesos 1.11 knows";
            return Err(unknown(place.to_owned(), other, expected));
        }
    })
}

fn require_eperm(place: &str, action: SeccompAction, number: Option<u32>) -> Result<(), SeccompError> {
    match number {
        Some(found) if action == SeccompAction::Errno && found != EPERM => {
            Err(SeccompError::ErrorNumber { place: place.to_owned(), found })
        }
        _ => Ok(()),
    }
}

fn architectures(written: &WrittenProfile, machine: &Machine) -> Result<Vec<i32>, SeccompError> {
    let mut numbers = Vec::new();
    for name in written.architectures.iter().flatten() {
        numbers.push(architecture("architectures", name)?);
    }
    for entry in written.arch_map.iter().flatten() {
        let own = architecture("archMap", &entry.architecture)?;
        let below = entry.sub_architectures.iter().flatten();
        let below = below.map(|name| architecture("archMap", name)).collect::<Result<Vec<_>, _>>()?;
        if machine.architecture == Some(own) {
            numbers.push(own);
            numbers.extend(below);
        }
    }
    Ok(numbers)
}

fn architecture(place: &str, name: &str) -> Result<i32, SeccompError> {
    let known = name.strip_prefix("SCMP_");
    let row = known.and_then(|known| ARCHITECTURES.iter().find(|(scmp, _, _)| *scmp == known));
    row.map(|(_, _, number)| *number).ok_or_else(|| {
        unknown(place.to_owned(), name, "an architecture that Mesos 1.11 knows, such as SCMP_ARCH_X86_64")
    })
}

fn read_argument(place: &str, written: &WrittenArgument) -> Result<SeccompArgument, SeccompError> {
    if written.index > 5 {
        return Err(unknown(format!("{place}.index"), &written.index.to_string(), "0 to 5"));
    }
    let known = written.op.strip_prefix("SCMP_");
    let row = known.and_then(|known| COMPARISONS.iter().find(|(name, _)| *name == known));
    let (_, comparison) =
        row.ok_or_else(|| unknown(format!("{place}.op"), &written.op, "a comparison such as SCMP_CMP_EQ"))?;
    Ok(SeccompArgument {
        index: written.index,
        comparison: *comparison,
        value: written.value,
        value_two: written.value_two,
    })
}

fn capabilities(place: &str, names: &[String]) -> Result<Vec<Capability>, SeccompError> {
    let read = |name: &String| {
        Capability::named(name)
            .ok_or_else(|| unknown(place.to_owned(), name, "a capability such as CAP_SYS_ADMIN"))
    };
    names.iter().map(read).collect()
}

fn unknown(place: String, found: &str, expected: &'static str) -> SeccompError {
    SeccompError::Unknown { place, found: found.to_owned(), expected }
}
