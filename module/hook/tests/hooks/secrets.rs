//! What stands in a file that rules name gets into a container's environment, and nowhere else.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apportion_config::Config;
use apportion_hook::{Hooks, Remembered};
use apportion_wire::messages::{AgentInfo, TaskInfo};

use crate::messages::{agent, arrive, executor, framework, raw_labels, task, variables};

const SECRET: &str = "correct horse battery staple";

/// Hooks with rules that try to get the secret out on every way there is.
fn planted(folder: &Path) -> Hooks {
    let secret = folder.join("secret");
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let echo = folder.join("echo");
    fs::write(&echo, format!("#!/bin/sh\ncat > {}\necho {SECRET}\n", folder.join("stdin").display()))
        .unwrap();
    fs::set_permissions(&echo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let text = format!(
        "[[hook.rules]]\nname = \"plant\"\nenvironment.set.TOKEN = \"file:{secret}\"\nlabels.set.token = \"file:{secret}\"\n\
         [[hook.rules]]\nname = \"again\"\nenvironment.set.TWICE = \"<{{{{ env.TOKEN }}}}>\"\n\
         [[hook.rules]]\nname = \"fault\"\nenvironment.set.BAD = \"{{{{ env.TOKEN ~ task.labels.missing }}}}\"\n\
         [[hook.rules]]\nname = \"audit\"\naudit.file = {audit:?}\n\
         audit.fields = {{ label = \"{{{{ task.labels.token | default('-') }}}}\", variable = \"{{{{ env.TOKEN | default('-') }}}}\" }}\n\
         [[hook.rules]]\nname = \"run\"\ncommand.argv = [{echo:?}, \"{{{{ task.labels.tier | default('-') }}}}\"]\n\
         [[hook.rules]]\nname = \"tell\"\ncommand.argv = [{echo:?}, \"{{{{ task.labels.token | default('-') | upper }}}}\"]\n",
        secret = secret.display(),
        audit = folder.join("audit"),
    );
    let file = folder.join("apportion.toml");
    fs::write(&file, &text).unwrap();
    let config = Config::from_file(&file).unwrap_or_else(|problems| panic!("{problems}"));
    Hooks::start(&config.hook, Some(file), Arc::new(Remembered::default())).unwrap()
}

#[test]
fn planted_secret_reaches_the_environment_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = planted(folder.path());
    arrive(&hooks);
    let environment = variables(&hooks.executor_environment(&executor()).unwrap().unwrap());
    let value =
        |name: &str| environment.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    assert_eq!(value("TOKEN").as_deref(), Some(SECRET));
    assert_eq!(value("TWICE"), Some(format!("<{SECRET}>")));
    // The host hands back the label that the master's hook has made.
    let labelled = TaskInfo { labels: Some(raw_labels(&[("token", SECRET)])), ..task() };
    hooks.agent_labels(&labelled, &executor(), &framework(), &agent()).unwrap();
    hooks.executor_removed(&framework(), &executor()).unwrap();
    assert!(hooks.settle(Duration::from_secs(60)));
    let audit = fs::read_to_string(folder.path().join("audit")).unwrap();
    assert!(audit.contains("\"event\":\"executor_removed\""), "{audit}");
    let stdin = fs::read_to_string(folder.path().join("stdin")).unwrap();
    assert!(stdin.contains("\"labels\""), "{stdin}");
    let report = hooks.report().to_string();
    assert!(report.contains("\"fault\""), "{report}");
    assert!(report.contains("it has a value from a file, which arguments must not show"), "{report}");
    for (what, text) in [("audit", audit), ("standard input", stdin), ("report", report)] {
        assert!(!text.contains(SECRET), "{what}: {text}");
        assert!(!text.contains("battery"), "{what}: {text}");
    }
    assert!(!format!("{hooks:?}").contains("battery"));
}

/// A reload that fails repeats lines of the file; one of them may be a secret that rules name.
#[test]
fn refused_file_does_not_tell_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = planted(folder.path());
    let file = folder.path().join("apportion.toml");
    fs::write(&file, format!("[hook]\nagent_environment = \"{SECRET}\"\n")).unwrap();
    let refusal = hooks.reload().unwrap_err();
    assert!(!refusal.contains("battery"), "{refusal}");
    assert!(!hooks.report().to_string().contains("battery"));
}

/// Attributes are for all to see; hiding them in audit lines would help nobody.
#[test]
fn file_that_becomes_an_attribute_is_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (rack, audit) = (folder.path().join("rack"), folder.path().join("audit"));
    fs::write(&rack, "rack-of-some-length").unwrap();
    let text = format!(
        "[[hook.rules]]\nname = \"rack\"\nagent.attributes.rack = \"file:{}\"\n\
         [[hook.rules]]\nname = \"audit\"\naudit.file = {audit:?}\naudit.fields.rack = \"{{{{ agent.attributes.rack }}}}\"\n",
        rack.display()
    );
    let config = Config::from_text(&text).unwrap();
    let hooks = Hooks::start(&config.hook, None, Arc::new(Remembered::default())).unwrap();
    let attributes = hooks.agent_attributes(&agent()).unwrap();
    hooks.agent_lost(&AgentInfo { attributes, ..agent() });
    assert!(hooks.settle(Duration::from_secs(60)));
    assert!(fs::read_to_string(&audit).unwrap().contains("\"rack\":\"rack-of-some-length\""));
}
