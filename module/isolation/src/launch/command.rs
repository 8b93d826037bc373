//! A command that starts with a umask.

use super::refusal::LaunchRefusal;

/// The shell that Mesos uses for shell commands.
const SHELL: &str = "/bin/sh";

/// What a container runs (`CommandInfo` of Mesos without its other fields). The texts are the host's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Whether `value` is a script for the shell.
    pub shell: bool,
    /// The script, or the program: a path, or a name to look for. None with an image that says itself what to run.
    pub value: Option<Vec<u8>>,
    /// Without a shell: arguments, the program's name first.
    pub arguments: Vec<Vec<u8>>,
}

impl CommandLine {
    /// The same command, which first sets the umask.
    ///
    /// A script gets a line in front. A program is started by the shell, which becomes it: process id, arguments and
    /// exit status stay, but its own name (the first argument) becomes the path it is started by.
    pub(crate) fn with_umask(&self, umask: u32) -> Result<CommandLine, LaunchRefusal> {
        let Some(value) = self.value.as_deref().filter(|value| !value.is_empty()) else {
            return refuse(
                "the image says what is run, and Mesos puts that in only after the rules were applied; name the \
                 program in the task's command",
            );
        };
        if self.shell {
            let mut script = format!("umask {umask:04o}\n").into_bytes();
            script.extend_from_slice(value);
            return Ok(CommandLine { shell: true, value: Some(script), arguments: self.arguments.clone() });
        }
        if value.starts_with(b"-") {
            return refuse("its program's name begins with a dash; name it by its path");
        }
        if let Some(own) = self.arguments.first()
            && base_name(own) != base_name(value)
        {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (own, value) = (text(own), text(value));
            return refuse(format!(
                "the program {value} is to see the name {own}, which a shell cannot give it; start it under that \
                 name, or by a shell command"
            ));
        }
        // As Mesos does, a program that is not named by its whole path is looked for in the working folder first.
        let search = match value {
            [b'/', ..] => "",
            _ => r#"[ ! -d "./$1" ] && [ -x "./$1" ] && set -- "./$@"; "#,
        };
        let script = format!(r#"umask {umask:04o}; {search}exec "$@""#);
        let mut arguments: Vec<Vec<u8>> =
            ["sh", "-c", &script, "sh"].map(|word| word.as_bytes().to_vec()).into();
        arguments.push(value.to_vec());
        arguments.extend(self.arguments.iter().skip(1).cloned());
        Ok(CommandLine { shell: false, value: Some(SHELL.as_bytes().to_vec()), arguments })
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, LaunchRefusal> {
    Err(LaunchRefusal::Umask { reason: reason.into() })
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Names that a shell does not pass on to programs: it knows variables only by names like its own.
pub(crate) fn is_passed_on_by_shells(name: &[u8]) -> bool {
    !name.first().is_none_or(u8::is_ascii_digit)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    fn program(words: &[&[u8]]) -> CommandLine {
        let arguments = words.iter().map(|word| word.to_vec()).collect();
        CommandLine { shell: false, value: Some(words[0].to_vec()), arguments }
    }

    fn script(text: &str) -> CommandLine {
        CommandLine { shell: true, value: Some(text.into()), arguments: Vec::new() }
    }

    /// Runs a command in a folder as Mesos would.
    fn output(line: &CommandLine, folder: &std::path::Path) -> Vec<u8> {
        let value = OsStr::from_bytes(line.value.as_deref().unwrap());
        let mut command = if line.shell {
            let mut shell = Command::new(SHELL);
            shell.arg("-c").arg(value);
            shell
        } else {
            let mut program = Command::new(value);
            program.arg0(OsStr::from_bytes(&line.arguments[0]));
            program.args(line.arguments[1..].iter().map(|argument| OsStr::from_bytes(argument)));
            program
        };
        command.current_dir(folder).output().unwrap().stdout
    }

    #[test]
    fn script_and_program_run_with_the_umask() {
        let here = std::env::temp_dir();
        let line = script("umask; echo \"$0\"").with_umask(0o27).unwrap();
        assert_eq!(output(&line, &here), b"0027\n/bin/sh\n");
        let line = program(&[b"/bin/sh", b"-c", b"umask"]).with_umask(0o7).unwrap();
        assert_eq!(output(&line, &here), b"0007\n");
        let line = program(&[b"sh", b"-c", b"umask"]).with_umask(0).unwrap();
        assert_eq!(output(&line, &here), b"0000\n");
    }

    #[test]
    fn arguments_survive_whatever_is_in_them() {
        let here = std::env::temp_dir();
        let odd: &[&[u8]] = &[
            b"/usr/bin/printf",
            b"[%s]",
            b"",
            b"a b",
            b"'\"`$HOME",
            b"new\nline",
            b"\xff\xfe",
            b"-n",
            b"*",
            b"\\",
        ];
        let line = program(odd).with_umask(0o22).unwrap();
        assert_eq!(output(&line, &here), b"[][a b]['\"`$HOME][new\nline][\xff\xfe][-n][*][\\]");
    }

    #[test]
    fn program_in_the_working_folder_is_found_before_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ls")).unwrap();
        let own = folder.path().join("cat");
        std::fs::copy("/bin/echo", &own).unwrap();
        let line = program(&[b"cat", b"found"]).with_umask(0o22).unwrap();
        assert_eq!(output(&line, folder.path()), b"found\n");
        // A folder of that name is none.
        let line = program(&[b"ls", b"-d", b"."]).with_umask(0o22).unwrap();
        assert_eq!(output(&line, folder.path()), b".\n");
    }

    #[test]
    fn commands_that_a_shell_would_change_are_refused() {
        let refused = |line: CommandLine| line.with_umask(0o22).unwrap_err().to_string();
        let alias = CommandLine { arguments: vec![b"ls".to_vec()], ..program(&[b"/bin/busybox"]) };
        let text = refused(alias);
        assert!(text.contains("/bin/busybox is to see the name ls"), "{text}");
        assert!(refused(program(&[b"-x"])).contains("begins with a dash"));
        let of_image = CommandLine { shell: false, value: None, arguments: Vec::new() };
        assert!(refused(of_image).contains("the image says what is run"));
        let short = CommandLine { arguments: vec![b"ls".to_vec()], ..program(&[b"/bin/ls"]) };
        assert!(short.with_umask(0o22).is_ok());
        let bare = CommandLine { arguments: Vec::new(), ..program(&[b"/bin/true"]) };
        assert_eq!(bare.with_umask(0o22).unwrap().arguments.last().unwrap(), b"/bin/true");
    }

    #[test]
    fn names_of_variables_that_shells_drop_are_known() {
        for name in ["PATH", "_x1", "a"] {
            assert!(is_passed_on_by_shells(name.as_bytes()), "{name}");
        }
        for name in ["", "1a", "a.b", "a-b", "ä"] {
            assert!(!is_passed_on_by_shells(name.as_bytes()), "{name}");
        }
    }
}
