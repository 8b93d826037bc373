//! Tests on an agent's attributes and on amounts of resources, as one line of text each.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::amount::Amount;
use crate::parse_fault::{ParseFault, quoted};
use crate::pattern::Form;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=` or `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Signs and what they mean, longer ones first.
    const SIGNS: [(&'static str, Comparison); 7] = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("=", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    /// The sign as it is printed.
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        }
    }

    /// Whether it holds for values in that order.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }

    /// Name, comparison and the rest of a text such as `cpus > 4`; `None` without a sign of comparison.
    fn split(text: &str) -> Option<(&str, Comparison, &str)> {
        let at = text.find(['=', '!', '<', '>'])?;
        let rest = &text[at..];
        let (sign, comparison) = Comparison::SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
        Some((text[..at].trim(), comparison, rest[sign.len()..].trim()))
    }
}

/// The forms of a test on an attribute. An empty example stands for an attribute that is not there.
pub const ATTRIBUTE_FORMS: [Form; 9] = [
    Form { form: "ssd", meaning: "it is there", holds_for: "yes", not_for: "" },
    Form { form: "rack = 3", meaning: "it is this; `==` is the same", holds_for: "3.0", not_for: "4" },
    Form { form: "rack != 3", meaning: "it is not this, or not there", holds_for: "4", not_for: "3" },
    Form {
        form: "zone in [a, 'far east']",
        meaning: "it is one of these",
        holds_for: "far east",
        not_for: "b",
    },
    Form {
        form: "zone not in [a, b]",
        meaning: "it is none of these, or not there",
        holds_for: "c",
        not_for: "a",
    },
    Form { form: "level < 2", meaning: "it is a number below this", holds_for: "1.5", not_for: "2" },
    Form { form: "level <= 2", meaning: "it is a number, at most this", holds_for: "2", not_for: "2.1" },
    Form { form: "level > 2", meaning: "it is a number above this", holds_for: "2.1", not_for: "high" },
    Form { form: "level >= 2", meaning: "it is a number, at least this", holds_for: "2", not_for: "1.9" },
];

/// The forms of a test on a resource.
pub const RESOURCE_FORMS: [Form; 7] = [
    Form {
        form: "gpus",
        meaning: "there is some of it; of ports and sets too",
        holds_for: "1",
        not_for: "0",
    },
    Form {
        form: "cpus = 1",
        meaning: "there is exactly so much; `==` is the same",
        holds_for: "1",
        not_for: "2",
    },
    Form { form: "cpus != 1", meaning: "there is another amount", holds_for: "2", not_for: "1" },
    Form { form: "mem < 2048", meaning: "there is less", holds_for: "2047.9", not_for: "2048" },
    Form { form: "mem <= 2048", meaning: "there is at most so much", holds_for: "2048", not_for: "2048.1" },
    Form { form: "mem > 2048", meaning: "there is more", holds_for: "2048.1", not_for: "2048" },
    Form { form: "mem >= 2048", meaning: "there is at least so much", holds_for: "2048", not_for: "0" },
];

/// A test on one attribute of the agent.
///
/// | text | holds if the attribute |
/// |---|---|
/// | `ssd` | is there |
/// | `rack = 3`, `rack != 3` | is this, is not this (or is not there) |
/// | `zone in [a, b]`, `zone not in [a, b]` | is one of these, is none of these (or is not there) |
/// | `level > 2`, `>=`, `<`, `<=` | is a number and compares so |
///
/// Numbers are compared as numbers (`3` is `3.0`), other values as text. A value with a comma, a bracket or white space
/// at its ends stands in quotes, single or double ones, and so does one that begins with `~` or `!`: there is no `=~`.
/// As it is printed, a test is read again.
///
/// ```
/// use apportion_policy::AttributeTest;
///
/// let test = AttributeTest::parse("zone in [north, 'far east']")?;
/// assert!(test.holds(Some("far east")) && !test.holds(Some("south")) && !test.holds(None));
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeTest {
    name: String,
    wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Present,
    Compared(Comparison, String),
    OneOf { values: Vec<String>, negated: bool },
}

/// What an attribute test may look like, for messages.
const ATTRIBUTE_EXAMPLES: &str = "a test such as `rack = 3`, `zone in [a, b]`, `level > 2` or `ssd`";

impl AttributeTest {
    /// Reads a test.
    ///
    /// # Errors
    ///
    /// No name, no value, brackets or quotes without their end, an order (`<`) with something that is not a number.
    pub fn parse(text: &str) -> Result<AttributeTest, ParseFault> {
        let fault = || ParseFault::text(text, ATTRIBUTE_EXAMPLES);
        let test = |name: &str, wanted| Ok(AttributeTest { name: name.to_owned(), wanted });
        if let Some((name, list, negated)) = split_list(text) {
            if !is_name(name) {
                return Err(fault());
            }
            let values = list_items(list).map_err(|unfit| unfit.fault(text))?;
            return test(name, Wanted::OneOf { values, negated });
        }
        let Some((name, comparison, value)) = Comparison::split(text) else {
            let name = text.trim();
            return if is_name(name) { test(name, Wanted::Present) } else { Err(fault()) };
        };
        let (value, rest) = item(value).map_err(|unfit| unfit.fault(text))?;
        if !is_name(name) || !rest.is_empty() {
            return Err(fault());
        }
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered && number(&value).is_none() {
            let expected = format!("a number behind `{}`, such as `level > 2`", comparison.sign());
            return Err(ParseFault::text(text, expected));
        }
        test(name, Wanted::Compared(comparison, value))
    }

    /// Name of the attribute.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the test holds for an attribute's value, `None` if the agent has no such attribute.
    pub fn holds(&self, value: Option<&str>) -> bool {
        match &self.wanted {
            Wanted::Present => value.is_some(),
            Wanted::Compared(Comparison::Equal, wanted) => value.is_some_and(|value| same(value, wanted)),
            Wanted::Compared(Comparison::NotEqual, wanted) => !value.is_some_and(|value| same(value, wanted)),
            Wanted::Compared(comparison, wanted) => {
                let order = value.and_then(number).zip(number(wanted)).map(|(a, b)| a.total_cmp(&b));
                order.is_some_and(|order| comparison.holds(order))
            }
            Wanted::OneOf { values, negated } => {
                value.is_some_and(|value| values.iter().any(|wanted| same(value, wanted))) != *negated
            }
        }
    }
}

impl fmt::Display for AttributeTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted {
            Wanted::Present => f.write_str(&self.name),
            Wanted::Compared(comparison, value) => {
                write!(f, "{} {} {}", self.name, comparison.sign(), printed(value))
            }
            Wanted::OneOf { values, negated } => {
                let word = if *negated { "not in" } else { "in" };
                let values: Vec<_> = values.iter().map(|value| printed(value)).collect();
                write!(f, "{} {word} [{}]", self.name, values.join(", "))
            }
        }
    }
}

/// A test on an amount of a resource: `gpus` (there is some) or `cpus > 4`, `mem <= 2048`, `disk = 0`, `cpus != 1`.
///
/// A resource that is not there counts as nothing.
///
/// ```
/// use apportion_policy::{Amount, ResourceTest};
///
/// let test = ResourceTest::parse("cpus > 4")?;
/// assert!(test.holds(Amount::parse("4.5")?) && !test.holds(Amount::parse("4")?));
/// # Ok::<(), apportion_policy::ParseFault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTest {
    name: String,
    comparison: Comparison,
    amount: Amount,
}

impl ResourceTest {
    /// Reads a test.
    ///
    /// # Errors
    ///
    /// No name, or something else than an amount behind the comparison.
    pub fn parse(text: &str) -> Result<ResourceTest, ParseFault> {
        let expected = "a test such as `cpus > 4`, `mem <= 2048` or `gpus`";
        let fault = || ParseFault::text(text, expected);
        let (name, comparison, amount) = match Comparison::split(text) {
            Some((name, comparison, amount)) => (name, comparison, Amount::read(amount).ok_or_else(fault)?),
            None => (text.trim(), Comparison::Greater, Amount::ZERO),
        };
        if !is_name(name) {
            return Err(fault());
        }
        Ok(ResourceTest { name: name.to_owned(), comparison, amount })
    }

    /// Name of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the test holds for an amount.
    pub fn holds(&self, amount: Amount) -> bool {
        self.comparison.holds(amount.cmp(&self.amount))
    }

    /// Whether the test only asks for some of the resource, so that ports and sets can hold it too.
    pub(crate) fn asks_for_some(&self) -> bool {
        self.comparison == Comparison::Greater && self.amount.is_zero()
    }
}

impl fmt::Display for ResourceTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.comparison.sign(), self.amount)
    }
}

/// Whether a text can be the name of an attribute or a resource in a test.
fn is_name(text: &str) -> bool {
    let unfit = |sign: char| sign.is_whitespace() || sign.is_control() || "=!<>[](),'\"".contains(sign);
    !text.is_empty() && !text.contains(unfit)
}

/// A number in text, as attributes have them.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether two values are the same, numbers by what they are worth.
fn same(value: &str, wanted: &str) -> bool {
    let numbers = || number(value).zip(number(wanted));
    value == wanted || numbers().is_some_and(|(a, b)| a.partial_cmp(&b) == Some(Ordering::Equal))
}

/// Name, list and whether it is negated, of `zone in [a, b]` and `zone not in [a, b]`; without the brackets.
fn split_list(text: &str) -> Option<(&str, &str, bool)> {
    let (before, list) = text.trim().split_once('[')?;
    let list = list.strip_suffix(']')?;
    let name = before.trim_end().strip_suffix("in").filter(|rest| rest.ends_with(char::is_whitespace))?;
    let name = name.trim();
    match name.strip_suffix("not").filter(|rest| rest.ends_with(char::is_whitespace)) {
        Some(name) => Some((name.trim(), list, true)),
        None => Some((name, list, false)),
    }
}

/// Why a text begins with no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit<'a> {
    /// It is empty, has signs that stand in quotes only, or never ends.
    Form,
    /// It looks as if it belonged to the sign of comparison.
    Sign(&'a str),
}

impl Unfit<'_> {
    /// What is wrong with the whole test.
    fn fault(self, test: &str) -> ParseFault {
        match self {
            Unfit::Form => ParseFault::text(test, ATTRIBUTE_EXAMPLES),
            Unfit::Sign(value) => {
                let sign = &value[..1];
                let expected =
                    format!("quotes around a value that begins with `{sign}`: {}", quoted(&in_quotes(value)));
                ParseFault::text(test, expected)
            }
        }
    }
}

/// The values between commas; at least one.
fn list_items(list: &str) -> Result<Vec<String>, Unfit<'_>> {
    let mut items = Vec::new();
    let mut rest = list;
    loop {
        let (value, behind) = item(rest)?;
        items.push(value);
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None if behind.is_empty() => return Ok(items),
            None => return Err(Unfit::Form),
        }
    }
}

/// The first value of a text, quoted or up to a comma, and what is behind it.
fn item(text: &str) -> Result<(String, &str), Unfit<'_>> {
    let text = text.trim_start();
    if let Some(quote) = text.chars().next().filter(|sign| ['\'', '"'].contains(sign)) {
        let (value, rest) = text[1..].split_once(quote).ok_or(Unfit::Form)?;
        return Ok((value.to_owned(), rest.trim_start()));
    }
    let end = text.find(',').unwrap_or(text.len());
    let value = text[..end].trim_end();
    if value.is_empty() || value.contains(IN_QUOTES_ONLY) {
        return Err(Unfit::Form);
    }
    if value.starts_with(NOT_FIRST) {
        return Err(Unfit::Sign(value));
    }
    Ok((value.to_owned(), &text[end..]))
}

/// What a value without quotes cannot have; a comma ends it.
const IN_QUOTES_ONLY: [char; 7] = ['[', ']', '=', '<', '>', '\'', '"'];

/// What a value without quotes does not begin with.
const NOT_FIRST: [char; 2] = ['~', '!'];

/// A value as it can be read: in quotes if it must be.
fn printed(value: &str) -> Cow<'_, str> {
    // Exactly what is read as itself may stand alone.
    match item(value) {
        Ok((read, "")) if read == value => Cow::Borrowed(value),
        _ => Cow::Owned(in_quotes(value)),
    }
}

/// A value in the quotes that it does not have itself; no value has both.
fn in_quotes(value: &str) -> String {
    let quote = if value.contains('\'') { '"' } else { '\'' };
    format!("{quote}{value}{quote}")
}

#[cfg(test)]
mod tests {
    use super::{ATTRIBUTE_FORMS, AttributeTest, RESOURCE_FORMS, ResourceTest};
    use crate::amount::Amount;

    #[test]
    fn every_form_holds_as_it_is_documented() {
        for form in ATTRIBUTE_FORMS {
            let test = AttributeTest::parse(form.form).unwrap();
            assert!(test.holds(Some(form.holds_for)), "{form:?}");
            // An empty example stands for no attribute.
            let other = Some(form.not_for).filter(|value| !value.is_empty());
            assert!(!test.holds(other), "{form:?}");
            assert_eq!(test.holds(None), form.meaning.contains("or not there"), "{form:?}");
        }
        for form in RESOURCE_FORMS {
            let test = ResourceTest::parse(form.form).unwrap();
            assert!(test.holds(Amount::parse(form.holds_for).unwrap()), "{form:?}");
            assert!(!test.holds(Amount::parse(form.not_for).unwrap()), "{form:?}");
        }
    }
}
