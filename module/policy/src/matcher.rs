//! Conditions and templates asked about a call by whoever has rules of another kind than hooks.

use crate::call::HookCall;
use crate::condition::{Condition, Truth};
use crate::entries::Entries;
use crate::evaluation::truth;
use crate::point::HookPoint;
use crate::scene::Scene;
use crate::template::Template;

/// A container that is about to start ([`HookPoint::ContainerPrepare`]), for rules with the conditions of hook rules.
///
/// ```
/// use apportion_policy::{Condition, HookCall, Matcher, Template, TextField, Truth};
///
/// let call = HookCall { image: Some("shop:3".to_owned()), ..HookCall::default() };
/// let container = Matcher::new(&call);
/// assert_eq!(container.truth(&Condition::text(TextField::Image, &["shop:*"])?), Truth::True);
/// let reason = Template::compile("no {{ container.image }}", Matcher::facts()).map_err(|fault| fault.to_string());
/// assert_eq!(reason.and_then(|reason| container.text(&reason)).as_deref(), Ok("no shop:3"));
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug)]
pub struct Matcher<'a> {
    scene: Scene<'a>,
}

impl<'a> Matcher<'a> {
    /// Asks about the container of a call.
    pub fn new(call: &'a HookCall) -> Matcher<'a> {
        Matcher { scene: Scene::new(HookPoint::ContainerPrepare, call, Entries::default()) }
    }

    /// The facts that can be known of a container, for [`Template::compile`].
    pub fn facts() -> &'static [&'static str] {
        HookPoint::ContainerPrepare.facts()
    }

    /// Whether a condition holds.
    pub fn truth(&self, condition: &Condition) -> Truth {
        truth(condition, &self.scene)
    }

    /// The text of a template, for everybody to read.
    ///
    /// # Errors
    ///
    /// One sentence: a fact that is not known, or what stands in a file and is not to be shown.
    pub fn text(&self, template: &Template) -> Result<String, String> {
        let value = self.scene.rendered(template)?;
        if value.secret {
            return Err("it names a value from a file, which is not shown".to_owned());
        }
        Ok(value.text.as_ref().to_owned())
    }
}
