//! Offer constraints: which agents frameworks say they do not want offers of, role by role.

use apportion_cluster_tests::{agent, list, master, only_offer};
use apportion_rig::{Framework, FrameworkSpec, Master};
use serde_json::{Map, Value, json};

/// One constraint for each role: a selector and a predicate.
fn constraints(roles: &[(&str, Value, Value)]) -> Value {
    let groups = |selector: &Value, predicate: &Value| json!({"groups": [{"attribute_constraints": [{"selector": selector, "predicate": predicate}]}]});
    let roles: Map<String, Value> = roles
        .iter()
        .map(|(role, selector, predicate)| ((*role).to_owned(), groups(selector, predicate)))
        .collect();
    json!({"role_constraints": roles})
}

/// Roles of a framework for which agents are excluded, by the allocator's own page.
fn roles_with_exclusions(master: &Master, framework_id: &str) -> Vec<String> {
    let page = master.get_json("/allocator/offer_constraints_debug").unwrap();
    let excluded = page["frameworks"][framework_id]["excluded_by_attribute_constraints"].clone();
    let roles = excluded.as_object().expect("roles").iter();
    let mut roles: Vec<String> =
        roles.filter(|(_, agents)| !list(agents).is_empty()).map(|(role, _)| role.clone()).collect();
    roles.sort();
    roles
}

#[test]
fn item_170_missing_and_non_text_attributes_decide_by_the_form_of_the_constraint() {
    let master = master(&[]).start().unwrap();
    // A number and a range are no text.
    let _agent = agent(master.address(), &[]).attributes("number:5;range:[1-3];text:word").start().unwrap();
    let forms = [
        ("exists", json!({"exists": {}})),
        ("not_exists", json!({"not_exists": {}})),
        ("equals", json!({"text_equals": {"value": "word"}})),
        ("not_equals", json!({"text_not_equals": {"value": "word"}})),
        ("matches", json!({"text_matches": {"regex": "w.*"}})),
        ("not_matches", json!({"text_not_matches": {"regex": "w.*"}})),
    ];
    let excluded_for = |attribute: &str| {
        let wanted: Vec<(&str, Value, Value)> = forms
            .iter()
            .map(|(role, predicate)| (*role, json!({"attribute_name": attribute}), predicate.clone()))
            .collect();
        let roles = forms.each_ref().map(|(role, _)| *role);
        let spec = FrameworkSpec::new(attribute)
            .roles(&roles)
            .subscribe_field("offer_constraints", constraints(&wanted));
        let mut framework = Framework::subscribe(master.address(), spec).unwrap();
        let offer = only_offer(&mut framework);
        let excluded = roles_with_exclusions(&master, framework.id());
        let role = offer.role.clone().expect("a role");
        assert!(!excluded.contains(&role), "{attribute} is offered to {role}, which excludes the agent");
        framework.teardown().unwrap();
        excluded
    };
    assert_eq!(excluded_for("missing"), ["equals", "exists", "matches"], "positive forms exclude");
    for attribute in ["number", "range"] {
        assert_eq!(excluded_for(attribute), ["not_exists"], "{attribute}: all forms about text are met");
    }
    assert_eq!(excluded_for("text"), ["not_equals", "not_exists", "not_matches"]);
}
