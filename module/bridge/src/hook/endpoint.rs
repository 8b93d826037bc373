//! Which kind of process the hook's HTTP endpoint is served in.
//!
//! The kind names the realm whose authentication guards the endpoint. A realm that the process has no authenticator for
//! lets everybody in, so an endpoint in the realm of the other kind would be open to all although the process
//! authenticates: in doubt there is none.

use apportion_config::HookEndpoint;

const MASTER: &str = "master";
const AGENT: &str = "agent";

/// The name of the running program, as far as it is known: `mesos-master`, `lt-mesos-agent`.
pub(super) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The kind of process to serve it in, by the configuration and the name of the running program; `None` for no
/// endpoint, with a line in the log unless that is what the configuration asks for.
pub(super) fn side(configured: HookEndpoint, program: &str) -> Option<&'static str> {
    let asked = match configured {
        HookEndpoint::Off => return None,
        HookEndpoint::Auto => None,
        HookEndpoint::Master => Some(MASTER),
        HookEndpoint::Agent => Some(AGENT),
    };
    match (asked, named(program)) {
        // A file that masters and agents share names one of them.
        (Some(asked), Some(named)) if asked != named => {
            tracing::warn!(
                "hook: no HTTP endpoint: hook.endpoint is \"{asked}\", but the running program is {program:?}; in the \
                 realm of the other kind of process nobody would be asked who they are"
            );
            None
        }
        (Some(asked), _) => Some(asked),
        (None, Some(named)) => Some(named),
        (None, None) => {
            tracing::info!(
                "hook: no HTTP endpoint: the name of the running program, {program:?}, does not say whether it is a \
                 master or an agent; set hook.endpoint"
            );
            None
        }
    }
}

/// The kind of process that a program's name says, if it says one.
fn named(program: &str) -> Option<&'static str> {
    let agent = program.contains(AGENT) || program.contains("slave");
    match (program.contains(MASTER), agent) {
        (true, false) => Some(MASTER),
        (false, true) => Some(AGENT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_name_decides_when_the_configuration_does_not() {
        for (program, expected) in [
            ("mesos-master", Some("master")),
            ("lt-mesos-master (deleted)", Some("master")),
            ("mesos-agent", Some("agent")),
            ("mesos-slave", Some("agent")),
            ("mesos-local", None),
            ("mesos-master-and-agent", None),
            ("Master", None),
            ("", None),
        ] {
            assert_eq!(side(HookEndpoint::Auto, program), expected, "{program}");
        }
    }

    #[test]
    fn configuration_decides_unless_the_program_is_the_other_kind() {
        for (configured, program, expected) in [
            (HookEndpoint::Master, "mesos-local", Some("master")),
            (HookEndpoint::Agent, "mesos-local", Some("agent")),
            (HookEndpoint::Master, "mesos-master", Some("master")),
            (HookEndpoint::Agent, "mesos-slave", Some("agent")),
            (HookEndpoint::Agent, "mesos-master-and-agent", Some("agent")),
            (HookEndpoint::Master, "mesos-agent", None),
            (HookEndpoint::Agent, "mesos-master", None),
        ] {
            assert_eq!(side(configured, program), expected, "{configured:?} in {program}");
        }
    }

    #[test]
    fn endpoint_that_is_off_is_off_in_every_program() {
        for program in ["mesos-master", "mesos-agent", "mesos-local"] {
            assert_eq!(side(HookEndpoint::Off, program), None, "{program}");
        }
    }
}
