//! Values: templates with the facts of their points, and files.

use apportion_policy::{Effect, FURTHER_FACTS, HOST_FACTS, HookPoint, ROOTS, Reason, Template, ValueSource};

fn at(points: &[HookPoint], source: &str) -> Result<ValueSource, String> {
    ValueSource::parse(source, &HookPoint::facts_at(points)).map_err(|fault| fault.to_string())
}

#[test]
fn further_facts_are_for_points_that_know_them() {
    let labels = [HookPoint::MasterLaunchTaskLabels];
    assert!(at(&labels, "{{ env.A }}{{ container.type }}{{ task.environment.A }}{{ host.gpus }}").is_ok());
    let said = at(&labels, "{{ executor.environment.A }}").unwrap_err();
    assert!(
        said.starts_with("`executor.environment` is not known here; known here: framework, task"),
        "{said}"
    );
    assert!(at(&labels, "{{ container.id }}").is_err());
    assert!(at(&[HookPoint::MasterSlaveLost], "{{ env.A }}").is_err());
    assert!(at(&[HookPoint::MasterSlaveLost, labels[0]], "{{ env.A }}").is_ok(), "known at one of them");
}

#[test]
fn every_further_fact_is_known_at_some_point_and_nowhere_else() {
    let all = HookPoint::facts_at(&HookPoint::HOOKS);
    let roots = ROOTS.map(|root| root.name);
    for fact in FURTHER_FACTS {
        assert!(all.contains(&fact.name), "{}", fact.name);
        let field = match fact.name {
            "host" => ".kernel",
            _ if fact.map => ".x",
            _ => "",
        };
        let source = format!("{{{{ {}{field} }}}}", fact.name);
        assert!(Template::compile(&source, &all).is_ok());
        let fault = Template::compile(&source, &roots).unwrap_err();
        assert!(matches!(&fault.reasons[..], [Reason::NotKnownHere { name, .. }] if name == fact.name));
    }
    for point in HookPoint::HOOKS {
        for fact in point.facts() {
            let further = FURTHER_FACTS.iter().any(|further| further.name == *fact);
            assert!(further || roots.contains(fact), "{fact}");
        }
        assert_eq!(point.effect() == Effect::Reaction, point.name().ends_with("Hook"));
    }
}

#[test]
fn a_wrong_field_is_told_with_the_further_ones() {
    let said = at(&HookPoint::HOOKS, "{{ task.enviroment.A }}").unwrap_err();
    assert!(
        said.contains("known: task.id, task.name, task.labels, task.resources, task.environment"),
        "{said}"
    );
    let facts = HookPoint::facts_at(&HookPoint::HOOKS);
    let fault = Template::compile("{{ hosts.kernel }}", &facts).unwrap_err();
    assert!(matches!(&fault.reasons[..], [Reason::Unknown { nearest: Some(near), .. }] if near == "host"));
}

#[test]
fn facts_of_the_host_are_those_that_are_detected() {
    let facts = HookPoint::facts_at(&HookPoint::HOOKS);
    for fact in HOST_FACTS {
        assert!(Template::compile(&format!("{{{{ host.{fact} }}}}"), &facts).is_ok(), "{fact}");
    }
    let fault = Template::compile("{{ host.kernal_version | default('-') }}", &facts).unwrap_err();
    let [Reason::Unknown { kind: "field", name, known, nearest }] = &fault.reasons[..] else {
        panic!("{fault:?}")
    };
    assert_eq!((name.as_str(), nearest.as_deref()), ("host.kernal_version", Some("host.kernel_version")));
    assert!(known.starts_with("host.kernel, host.kernel_version, "), "{known}");
    let elsewhere = Template::compile("{{ host.kernal }}", &["agent"]).unwrap_err();
    assert!(matches!(&elsewhere.reasons[..], [Reason::NotKnownHere { .. }]), "{elsewhere:?}");
}

#[test]
fn a_file_is_an_absolute_path() {
    let source = at(&[], "file:/etc/rack").unwrap();
    assert_eq!((source.file(), source.to_string()), (Some("/etc/rack"), "file:/etc/rack".to_owned()));
    assert_eq!(
        at(&[], "file:rack").unwrap_err(),
        "a file path that does not begin with / is not allowed in a template; use an absolute path: file:/etc/rack"
    );
    for wrong in ["file:", "file:/a\0", "file:/{{ task.name }}", &format!("file:/{}", "x".repeat(4095))] {
        assert!(at(&HookPoint::HOOKS, wrong).is_err(), "{wrong}");
    }
    assert_eq!(at(&[], "see file:/etc/rack").unwrap().file(), None);
}
