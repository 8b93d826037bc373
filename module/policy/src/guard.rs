//! Environment variables that decide which code a process runs.

/// Names, and beginnings of names that end in `*`, that only a rule with `unsafe_env = true` may touch.
///
/// They are read by the dynamic loader, the C library, shells and interpreters before a program's own first line:
/// whoever sets them decides what runs.
pub const UNSAFE_VARIABLES: &[&str] = &[
    // The dynamic loader: libraries, audit modules, debugging output into files.
    "LD_*",
    // The C library: converters and message catalogues are loaded, checks of the heap write files.
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GLIBC_TUNABLES",
    "MALLOC_TRACE",
    "GETCONF_DIR",
    // Where programs are found, and what a shell runs when it starts.
    "PATH",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
    "BASH_FUNC_*",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "CDPATH",
    // What interpreters load before the program.
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "PERLLIB",
    "RUBYLIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    // What the agent tells its executors.
    "MESOS_*",
    "LIBPROCESS_*",
];

/// Whether a variable is one of [`UNSAFE_VARIABLES`].
///
/// ```
/// assert!(apportion_policy::is_unsafe_variable("LD_PRELOAD"));
/// assert!(!apportion_policy::is_unsafe_variable("LDAP_SERVER"));
/// ```
pub fn is_unsafe_variable(name: &str) -> bool {
    UNSAFE_VARIABLES.iter().any(|listed| match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *listed,
    })
}
