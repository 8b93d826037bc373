//! What offer constraints and suppression keep from frameworks, as the JSON text of the debug endpoint.

use apportion_core::Allocator;
use serde_json::{Map, Value};

/// `{"frameworks": {id: {"suppressed_roles": […], "excluded_by_attribute_constraints": {role: [agent, …]}}}}` over
/// the roles that each framework is subscribed to. Names that are not UTF-8 are shown as well as they can be.
pub(super) fn json<'a>(core: &Allocator, frameworks: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown = Map::new();
    for framework in frameworks {
        let (mut suppressed, mut excluded) = (Vec::new(), Map::new());
        for (role, is_suppressed) in core.subscriptions(framework) {
            let name = text(core.role_name(role));
            let agents = core.excluded_agents(framework, role).into_iter();
            excluded.insert(name.clone(), agents.map(|agent| Value::String(text(agent))).collect());
            if is_suppressed {
                suppressed.push(Value::String(name));
            }
        }
        let mut one = Map::new();
        one.insert("suppressed_roles".to_owned(), Value::Array(suppressed));
        one.insert("excluded_by_attribute_constraints".to_owned(), Value::Object(excluded));
        shown.insert(text(framework), Value::Object(one));
    }
    let mut whole = Map::new();
    whole.insert("frameworks".to_owned(), Value::Object(shown));
    Value::Object(whole).to_string().into_bytes()
}
