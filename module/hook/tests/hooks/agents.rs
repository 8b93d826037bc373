//! Attributes of an agent.

use apportion_wire::messages::Attribute;

use crate::messages::{agent, hooks};

#[test]
fn attributes_are_added_to_those_of_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    std::fs::write(&file, "zone b\n").unwrap();
    let rule = format!(
        "[[hook.rules]]\nname = \"facts\"\n[hook.rules.agent.attributes]\nkernel = \"{{{{ host.kernel }}}}\"\n\
         level = \"3.5\"\nrack = \"r2\"\nzone = \"file:{}\"\nnothing = \"!\"\n",
        file.display()
    );
    let attributes = hooks(&rule).agent_attributes(&agent()).unwrap();
    let names: Vec<_> =
        attributes.iter().map(|one| String::from_utf8_lossy(&one.name).into_owned()).collect();
    assert_eq!(
        names,
        ["rack", "kernel", "level", "zone"],
        "one that is no text for an attribute is left out"
    );
    let text =
        |one: &Attribute| one.text.as_ref().map(|text| String::from_utf8_lossy(&text.value).into_owned());
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(text(&attributes[0]).as_deref(), Some("r2"));
    assert_eq!(text(&attributes[1]), apportion_detection::attribute_text(release.trim()));
    assert_eq!(attributes[2].r#type, Attribute::SCALAR);
    assert_eq!(attributes[2].scalar.unwrap().value, 3.5);
    assert_eq!(text(&attributes[3]).as_deref(), Some("zone_b"));
}

#[test]
fn agent_without_rules_for_it_stays_as_it_is() {
    let hooks = hooks("[hook.labels]\nteam = \"x\"");
    assert_eq!(hooks.agent_attributes(&agent()), None);
    assert_eq!(hooks.agent_resources(&agent()).unwrap(), None);
}
