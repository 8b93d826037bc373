//! What rules may know of another host than the one the command runs on.

use std::collections::BTreeMap;
use std::path::Path;

use apportion_policy::{FileContents, HOST_FACTS, HostFacts, Rulebook};
use serde_json::Value;

use super::document::{self, Found, Mistakes};

/// Members of the file.
const PARTS: [&str; 3] = ["facts", "environment", "files"];

/// The host that a file describes: `facts` by name (`kernel` for `host.kernel`), `environment` of the Mesos process, and
/// `files` by path with what is in them.
///
/// Of the environment rules see what `allowed` names, as in a host; a file that rules name and the description does not
/// have is not there.
///
/// # Errors
/// Every mistake in the file.
pub(super) fn read(path: &Path, allowed: &[String], rules: &Rulebook) -> Result<HostFacts, Mistakes> {
    let value = document::read(path)?;
    let mut found = Found::default();
    let mut parts: [BTreeMap<String, String>; 3] = Default::default();
    match value.as_object() {
        None => found.unexpected("", &value, "an object with `facts`, `environment` and `files`"),
        Some(members) => {
            for (name, member) in members {
                match PARTS.iter().position(|part| part == name) {
                    Some(part) => parts[part] = texts(name, member, &mut found),
                    None => found.hinted(
                        name,
                        "an unknown key",
                        "one of `facts`, `environment`, `files`",
                        document::meant(name, PARTS),
                    ),
                }
            }
        }
    }
    for name in parts[0].keys().filter(|name| !HOST_FACTS.contains(&name.as_str())) {
        let names = HOST_FACTS.map(|name| format!("`{name}`")).join(", ");
        let place = format!("facts.{name}");
        found.hinted(&place, "an unknown fact", format!("one of {names}"), document::meant(name, HOST_FACTS));
    }
    found.into_result(&path.to_string_lossy())?;
    let [facts, mut environment, files] = parts;
    environment.retain(|name, _| allowed.contains(name));
    let contents = |path: &str| match files.get(path) {
        Some(text) => FileContents::text(text),
        None => FileContents::Unreadable("the host that --host describes has no such file".to_owned()),
    };
    Ok(HostFacts {
        facts,
        environment,
        files: rules.files().into_iter().map(|path| (path.to_owned(), contents(path))).collect(),
        published: rules.published_files().into_iter().map(str::to_owned).collect(),
    })
}

/// An object of texts.
fn texts(path: &str, value: &Value, found: &mut Found) -> BTreeMap<String, String> {
    let Some(members) = value.as_object() else {
        found.unexpected(path, value, "an object of texts");
        return BTreeMap::new();
    };
    let text = |(name, member): (&String, &Value)| match member.as_str() {
        Some(text) => Some((name.clone(), text.to_owned())),
        None => {
            found.unexpected(&format!("{path}.{name}"), member, "a text");
            None
        }
    };
    members.iter().filter_map(text).collect()
}
