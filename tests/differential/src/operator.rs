//! Calls of the operator, whose answers are compared as well: status and text.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cluster::Cluster;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A form for the older endpoints.
pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let fields = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    fields.collect::<Vec<_>>().join("&")
}

/// A time so many seconds after the beginning of 2100, in nanoseconds: always ahead, and the same in each run.
pub fn in_seconds(seconds: i64) -> Value {
    const YEAR_2100: i64 = 4_102_444_800;
    json!({"nanoseconds": (YEAR_2100 + seconds) * 1_000_000_000})
}

/// A refusal with the resources there in one order; theirs is accidental (`refusal-order` in `docs/differences.md`).
fn in_order(text: &str) -> String {
    let Some((there, wanted)) = text.split_once(" does not contain ") else { return text.to_owned() };
    let mut there: Vec<&str> = there.split("; ").collect();
    there.sort_unstable();
    format!("{} does not contain {wanted}", there.join("; "))
}

impl Cluster {
    /// A call of the operator API (`/api/v1`); its answer is compared at the next step.
    ///
    /// # Panics
    /// When the request fails.
    pub fn call(&mut self, what: &str, call: &Value) -> u16 {
        self.request(what, "POST", "/api/v1", JSON, &call.to_string())
    }

    /// POST of a form to one of the older endpoints.
    ///
    /// # Panics
    /// When the request fails.
    pub fn post_form(&mut self, what: &str, path: &str, fields: &[(&str, &str)]) -> u16 {
        self.request(what, "POST", path, FORM, &form(fields))
    }

    /// Any request of the operator; its answer is compared at the next step.
    ///
    /// # Panics
    /// When the request fails.
    pub fn request(&mut self, what: &str, method: &str, path: &str, content_type: &str, body: &str) -> u16 {
        let answer = self.master().http().answer(method, path, content_type, body);
        let (status, text) = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
        let text = in_order(&self.names.replaced(&text));
        self.results.push(json!({"what": what, "status": status, "text": text}));
        status
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn resources_of_a_refusal_are_told_in_one_order() {
        assert_eq!(
            in_order("mem:2; cpus:1 does not contain b:1; a:1"),
            "cpus:1; mem:2 does not contain b:1; a:1"
        );
        assert_eq!(in_order("Invalid; b; a"), "Invalid; b; a");
    }
}
