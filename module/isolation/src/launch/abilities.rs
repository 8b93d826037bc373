//! What a host and its agent can give to a container.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;

use procfs::process::Process;

use super::seccomp::Machine;

/// Where Mesos shows the sandbox inside an image, unless the agent's `--sandbox_directory` says otherwise.
const SANDBOX_IN_IMAGES: &str = "/mnt/mesos/sandbox";

/// Which of Mesos' launchers makes the processes of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentLauncher {
    /// With namespaces, and a group of the freezer controller for each container.
    Linux,
    /// Plain processes.
    Posix,
    /// A name that Mesos 1.11 has no launcher for on Linux.
    Other(String),
}

impl AgentLauncher {
    /// The launcher that an agent with these flags uses.
    ///
    /// Without `--launcher`, Mesos 1.11 takes the linux launcher if it runs as root and the kernel's list of
    /// controllers (`/proc/cgroups`) says that the freezer is switched on.
    pub fn of(flags: &AgentFlags, runs_as_root: bool, controllers: &str) -> AgentLauncher {
        match flags.get("launcher") {
            Some("linux") => AgentLauncher::Linux,
            Some("posix") => AgentLauncher::Posix,
            Some(other) => AgentLauncher::Other(other.to_owned()),
            None if runs_as_root && freezer_is_on(controllers) => AgentLauncher::Linux,
            None => AgentLauncher::Posix,
        }
    }
}

impl fmt::Display for AgentLauncher {
    /// The name of `--launcher`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AgentLauncher::Linux => "linux",
            AgentLauncher::Posix => "posix",
            AgentLauncher::Other(name) => name,
        })
    }
}

/// Whether a line `freezer <hierarchy> <groups> 1` is there.
fn freezer_is_on(controllers: &str) -> bool {
    controllers.lines().any(|line| {
        let mut fields = line.split_whitespace();
        fields.next() == Some("freezer") && fields.nth(2) == Some("1")
    })
}

/// The flags an agent was started with: `--name=value` of its command line, else `MESOS_NAME` of its environment.
///
/// ```
/// use apportion_isolation::AgentFlags;
///
/// let arguments = ["mesos-agent", "--launcher=posix"].map(Vec::from);
/// let variables = [("MESOS_LAUNCHER", "linux"), ("MESOS_ISOLATION", "posix/cpu")];
/// let flags = AgentFlags::of(&arguments, variables.map(|(name, value)| (name.into(), value.into())));
/// assert_eq!(flags.get("launcher"), Some("posix"));
/// assert_eq!(flags.get("isolation"), Some("posix/cpu"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentFlags(BTreeMap<String, String>);

impl AgentFlags {
    /// Flags from the words of a command line, the program first, and variables. The command line wins.
    pub fn of(arguments: &[Vec<u8>], variables: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> AgentFlags {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut flags = BTreeMap::new();
        for (name, value) in variables {
            if let Some(name) = name.strip_prefix(b"MESOS_") {
                flags.insert(text(name).to_lowercase(), text(&value));
            }
        }
        // What follows a lone `--` is no flag any more.
        for argument in arguments.iter().skip(1).take_while(|argument| argument.as_slice() != b"--") {
            let argument = text(argument);
            if let Some((name, value)) = argument.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
                flags.insert(name.to_owned(), value.to_owned());
            }
        }
        AgentFlags(flags)
    }

    /// Value of a flag, by its name without dashes.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A value `file://<path>` is the content of that file, as Mesos has it.
    fn read_files(mut self) -> AgentFlags {
        for value in self.0.values_mut() {
            if let Some(content) =
                value.strip_prefix("file://").and_then(|path| fs::read_to_string(path).ok())
            {
                content.trim().clone_into(value);
            }
        }
        self
    }

    /// Names of `--isolation`, modules included.
    fn isolators(&self) -> BTreeSet<String> {
        let names = self.get("isolation").unwrap_or_default().split(',');
        names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// What a host and its agent can give to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchAbilities {
    /// Which launcher the agent uses.
    pub launcher: AgentLauncher,
    /// Names of `--isolation`.
    pub isolators: BTreeSet<String>,
    /// Number of the kernel's last capability.
    pub last_capability: u8,
    /// Whether the agent could give every capability the kernel has.
    pub full_bounding_set: bool,
    /// Where the sandbox is inside an image.
    pub sandbox_in_images: String,
    /// What seccomp profiles ask about.
    pub machine: Machine,
}

impl LaunchAbilities {
    /// Looks at this process, which is the agent, and its host.
    ///
    /// # Errors
    ///
    /// `/proc` cannot be read; the text has the path.
    pub fn read() -> io::Result<LaunchAbilities> {
        let own = Process::myself().map_err(io::Error::other)?;
        let arguments: Vec<Vec<u8>> =
            own.cmdline().map_err(io::Error::other)?.into_iter().map(String::into_bytes).collect();
        let variables = own.environ().map_err(io::Error::other)?.into_iter();
        let bytes = |text: std::ffi::OsString| text.into_encoded_bytes();
        let flags = AgentFlags::of(&arguments, variables.map(|(name, value)| (bytes(name), bytes(value))));
        let flags = flags.read_files();
        let status = own.status().map_err(io::Error::other)?;
        let last_capability = read_number("/proc/sys/kernel/cap_last_cap")?;
        let all = u64::MAX.checked_shr(63_u32.saturating_sub(last_capability.into())).unwrap_or(0);
        // A kernel without controllers has no such list.
        let controllers = fs::read_to_string("/proc/cgroups").unwrap_or_default();
        Ok(LaunchAbilities {
            launcher: AgentLauncher::of(&flags, status.euid == 0, &controllers),
            isolators: flags.isolators(),
            last_capability,
            full_bounding_set: status.capbnd.is_some_and(|held| held & all == all),
            sandbox_in_images: flags.get("sandbox_directory").unwrap_or(SANDBOX_IN_IMAGES).to_owned(),
            machine: Machine::this(),
        })
    }
}

fn read_number(path: &str) -> io::Result<u8> {
    let context = |reason: String| io::Error::other(format!("{path}: {reason}"));
    let text = fs::read_to_string(path).map_err(|error| context(error.to_string()))?;
    text.trim().parse().map_err(|_| context(format!("found '{}', expected a number", text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nfreezer\t6\t2\t1\n";
    const OFF: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nfreezer\t6\t2\t0\nmemory\t1\t1\t1\n";

    fn flags(arguments: &[&str], variables: &[(&str, &str)]) -> AgentFlags {
        let arguments: Vec<Vec<u8>> = arguments.iter().map(|word| Vec::from(*word)).collect();
        AgentFlags::of(&arguments, variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn launcher_is_what_the_command_line_says_else_the_environment() {
        let both = flags(&["agent", "--launcher=linux"], &[("MESOS_LAUNCHER", "posix")]);
        assert_eq!(AgentLauncher::of(&both, false, OFF), AgentLauncher::Linux);
        let environment = flags(&["agent", "--launcher_dir=/x"], &[("MESOS_LAUNCHER", "posix")]);
        assert_eq!(AgentLauncher::of(&environment, true, ON), AgentLauncher::Posix);
        let behind = flags(&["agent", "--", "--launcher=linux"], &[]);
        assert_eq!(AgentLauncher::of(&behind, false, ON), AgentLauncher::Posix);
        let odd = AgentLauncher::of(&flags(&["agent", "--launcher=windows"], &[]), true, ON);
        assert_eq!(odd.to_string(), "windows");
    }

    #[test]
    fn without_a_flag_root_with_a_freezer_gets_the_linux_launcher() {
        let none = flags(&["--launcher=linux"], &[]);
        assert_eq!(AgentLauncher::of(&none, true, ON), AgentLauncher::Linux);
        assert_eq!(AgentLauncher::of(&none, true, OFF), AgentLauncher::Posix);
        assert_eq!(AgentLauncher::of(&none, false, ON), AgentLauncher::Posix);
        assert_eq!(AgentLauncher::of(&none, true, ""), AgentLauncher::Posix);
    }

    #[test]
    fn isolators_are_the_names_of_the_flag() {
        let named = flags(&["agent", "--isolation=linux/seccomp, org_apportion_Isolator,"], &[]);
        assert_eq!(
            named.isolators().into_iter().collect::<Vec<_>>(),
            ["linux/seccomp", "org_apportion_Isolator"]
        );
    }

    #[test]
    fn flag_in_a_file_is_read_from_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "posix\n").unwrap();
        let named = flags(&["agent", &format!("--launcher=file://{}", file.path().display())], &[]);
        assert_eq!(named.read_files().get("launcher"), Some("posix"));
    }

    #[test]
    fn this_host_can_be_looked_at() {
        let abilities = LaunchAbilities::read().unwrap();
        assert!(abilities.last_capability >= 36, "{abilities:?}");
        assert_eq!(abilities.sandbox_in_images, "/mnt/mesos/sandbox");
    }
}
