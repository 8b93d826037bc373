//! Templates: text with placeholders, compiled once.

use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::context;
use crate::facts::{FURTHER_FACTS, Facts, FurtherFact, HOST_FACTS, ROOTS, Root};
use crate::plain::Plain;
use crate::{expression, filters};

/// Longest source of a template, in bytes.
pub const SOURCE_BYTES_MAX: usize = 4096;

/// Longest rendered value, in bytes. Linux takes up to 128 KiB for one variable; half of it leaves room for its name
/// and for a host that copies it into messages.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Steps one rendering may take; a template at its longest needs far fewer.
const FUEL: u64 = 20_000;

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The source is longer than [`SOURCE_BYTES_MAX`].
    #[error("the template is {bytes} bytes long, more than {SOURCE_BYTES_MAX}")]
    TooLong {
        /// Length found, in bytes.
        bytes: usize,
    },
    /// The template language does not know this.
    #[error("template syntax: {detail}")]
    Syntax {
        /// What is wrong.
        detail: String,
    },
    /// The language knows it, rules may not use it.
    #[error("{what} is not allowed in a template; use {instead}")]
    NotAllowed {
        /// What was found.
        what: String,
        /// What to write instead.
        instead: String,
    },
    /// A filter, test, placeholder or field that does not exist.
    #[error("unknown {kind} `{name}`; known: {known}")]
    Unknown {
        /// `filter`, `test`, `placeholder` or `field`.
        kind: &'static str,
        /// The name as written.
        name: String,
        /// All names that would be right.
        known: String,
        /// The right name most like the one written, if one is like it.
        nearest: Option<String>,
    },
    /// A placeholder that exists, but is never known where this rule is used.
    #[error("`{name}` is not known here; known here: {known}")]
    NotKnownHere {
        /// The placeholder as written.
        name: String,
        /// Placeholders that are known where this rule is used.
        known: String,
    },
}

/// A template that cannot be used: the reasons, never none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct TemplateFault {
    /// The reasons; several ones are in the order of the names concerned.
    pub reasons: Vec<Reason>,
}

/// A compiled template.
///
/// Text stays as it is; `{{ framework.role }}` becomes the fact. The language inside the braces: fields
/// (`agent.attributes.rack`, `task.labels['a.b']`), text and numbers, `~` to join, comparisons, `and or not`,
/// `x if y else z`, tests (`is defined`), filters (`| default('none')`, `lower`, `upper`, `trim`,
/// `replace('a', 'b')`, `truncate(8)`). A fact that is not known is a fault, not an empty text.
///
/// ```
/// use apportion_policy::{AgentFacts, Facts, Template};
///
/// let template = Template::compile("{{ agent.attributes.rack | default('none') }}", &["agent"])?;
/// let agent = AgentFacts { attributes: Some(Default::default()), ..Default::default() };
/// let facts = Facts { agent: Some(agent), ..Default::default() };
/// assert_eq!(template.render(&facts).as_deref(), Ok("none"));
/// # Ok::<(), apportion_policy::TemplateFault>(())
/// ```
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
    /// Holds this one template, under [`NAME`].
    environment: Arc<Environment<'static>>,
    /// Facts the source names, for example `agent.attributes.rack`, in order of their names.
    names: Arc<[String]>,
    /// The first words of those names, each once.
    roots: Arc<[&'static str]>,
    /// The same without the engine, if it is plain enough.
    plain: Option<Arc<Plain>>,
}

/// Name of the one template in an environment.
const NAME: &str = "value";

impl Template {
    /// Compiles a template for a place where `roots` can be known: names of [`ROOTS`], and of
    /// [`FURTHER_FACTS`] for a rule with a match ([`HookPoint::facts`](crate::HookPoint::facts)).
    ///
    /// # Errors
    ///
    /// [`TemplateFault`]: too long, the first thing that is not the language or not allowed, or, if it could be
    /// compiled, every unknown placeholder, unknown field and placeholder outside `roots`.
    pub fn compile(source: &str, roots: &[&str]) -> Result<Template, TemplateFault> {
        let fail = |reason| Err(TemplateFault { reasons: vec![reason] });
        if source.len() > SOURCE_BYTES_MAX {
            return fail(Reason::TooLong { bytes: source.len() });
        }
        if let Err(reason) = expression::check(source) {
            return fail(reason);
        }
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true);
        match syntax.build() {
            Ok(syntax) => environment.set_syntax(syntax),
            Err(error) => return fail(Reason::Syntax { detail: plain(&error) }),
        }
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_formatter(|output, _, value| write_plain(output, value));
        filters::register(&mut environment);
        if let Err(error) = environment.add_template_owned(NAME, source.to_owned()) {
            return fail(Reason::Syntax { detail: plain(&error) });
        }
        let names = match environment.get_template(NAME) {
            Ok(template) => template.undeclared_variables(true),
            Err(error) => return fail(Reason::Syntax { detail: plain(&error) }),
        };
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_unstable();
        let reasons: Vec<Reason> = names.iter().filter_map(|name| refuse(name, roots)).collect();
        if !reasons.is_empty() {
            return Err(TemplateFault { reasons });
        }
        let all = ROOTS.iter().map(|root| root.name).chain(FURTHER_FACTS.iter().map(|fact| fact.name));
        let is_named = |root: &&str| names.iter().any(|name| name.split('.').next() == Some(root));
        let roots = all.filter(is_named).collect();
        let plain = Plain::of(source).map(Arc::new);
        Ok(Template {
            source: source.into(),
            environment: Arc::new(environment),
            names: names.into(),
            roots,
            plain,
        })
    }

    /// The same without the engine, if it is plain enough.
    pub(crate) fn plain(&self) -> Option<&Plain> {
        self.plain.as_deref()
    }

    /// The value, if it is the same for all facts and needs no engine to tell.
    pub(crate) fn literal(&self) -> Option<Arc<str>> {
        (!self.source.contains('{')).then(|| Arc::clone(&self.source))
    }

    /// Facts the source names, for example `agent.attributes.rack`, in order of their names.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The first words of those names, each once.
    pub(crate) fn roots(&self) -> &[&'static str] {
        &self.roots
    }

    /// The source, as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value for these facts.
    ///
    /// # Errors
    ///
    /// One sentence: a fact that is not known here, a value longer than [`VALUE_BYTES_MAX`], an operation that does
    /// not fit its values.
    pub fn render(&self, facts: &Facts) -> Result<String, String> {
        self.render_with(&context::of(facts))
    }

    /// The value in a context that has the parts of [`Template::roots`].
    ///
    /// # Errors
    ///
    /// As [`Template::render`].
    pub(crate) fn render_with(&self, context: &Value) -> Result<String, String> {
        let template = self.environment.get_template(NAME).map_err(|error| plain(&error))?;
        let mut bounded = Bounded { bytes: Vec::new(), full: false };
        let done = template.render_captured_to(context.clone(), &mut bounded).map(|_| ());
        match done {
            Ok(()) => String::from_utf8(bounded.bytes).map_err(|_| "the value is not UTF-8".to_owned()),
            Err(_) if bounded.full => Err(format!("the value is longer than {VALUE_BYTES_MAX} bytes")),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Err(self.unknown_facts(context)),
            Err(error) => Err(plain(&error)),
        }
    }

    /// Says which of the named facts are missing.
    fn unknown_facts(&self, context: &Value) -> String {
        let missing: Vec<String> = self
            .names
            .iter()
            .filter(|name| {
                let found = name.split('.').try_fold(context.clone(), |value, field| value.get_attr(field));
                found.map_or(true, |value| context::is_unknown(&value))
            })
            .map(|name| format!("`{name}`"))
            .collect();
        match missing.len() {
            0 => "a fact it names is not known here".to_owned(),
            1 => format!("{} is not known here", missing[0]),
            _ => format!("{} are not known here", missing.join(", ")),
        }
    }
}

/// How deep expressions may nest when they run.
const RECURSION_MAX: usize = 50;

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Template {}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

/// Why a name in a template is refused, if it is.
fn refuse(name: &str, roots: &[&str]) -> Option<Reason> {
    if let Some(fact) = FurtherFact::meant_by(name) {
        let known = || Reason::NotKnownHere { name: fact.name.to_owned(), known: roots.join(", ") };
        return if roots.contains(&fact.name) { refuse_host_fact(name) } else { Some(known()) };
    }
    let mut words = name.split('.');
    let root_name = words.next().unwrap_or_default();
    let Some(root) = Root::named(root_name) else {
        let further = roots.iter().copied().filter(|fact| !fact.contains('.') && Root::named(fact).is_none());
        let known: Vec<&str> = ROOTS.iter().map(|root| root.name).chain(further).collect();
        return Some(Reason::Unknown {
            kind: "placeholder",
            name: root_name.to_owned(),
            known: known.join(", "),
            nearest: nearest(root_name, known),
        });
    };
    if !roots.contains(&root.name) {
        return Some(Reason::NotKnownHere { name: root.name.to_owned(), known: roots.join(", ") });
    }
    let field = words.next().filter(|field| root.all_fields().all(|known| known != *field))?;
    let mut known: Vec<&str> = root.all_fields().collect();
    let further = |fact: &'_ str| -> Option<&'static str> {
        let fact = FurtherFact::meant_by(fact)?;
        fact.name.strip_prefix(root.name)?.strip_prefix('.')
    };
    known.extend(roots.iter().filter_map(|fact| further(fact)));
    Some(unknown_field(root_name, field, &known))
}

/// Why a name below `host` is refused, if it is: other maps have names of the user's own, this one has none.
fn refuse_host_fact(name: &str) -> Option<Reason> {
    let field = name.strip_prefix("host.")?.split('.').next()?;
    (!HOST_FACTS.contains(&field)).then(|| unknown_field("host", field, &HOST_FACTS))
}

fn unknown_field(root: &str, field: &str, known: &[&str]) -> Reason {
    Reason::Unknown {
        kind: "field",
        name: format!("{root}.{field}"),
        known: known.iter().map(|field| format!("{root}.{field}")).collect::<Vec<_>>().join(", "),
        nearest: nearest(field, known.iter().copied()).map(|field| format!("{root}.{field}")),
    }
}

/// The candidate most like `name`, if one is like it.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// Jaro-Winkler likeness from which a name is worth suggesting.
const LIKENESS_MIN: f64 = 0.75;

/// Writes text, numbers and truth values; a map has no text of its own.
fn write_plain(output: &mut minijinja::Output<'_>, value: &Value) -> Result<(), Error> {
    if context::is_unknown(value) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    match value.kind() {
        ValueKind::Bool => {
            output.write_str(if value.is_true() { "true" } else { "false" }).map_err(write_failed)
        }
        ValueKind::String | ValueKind::Number => write!(output, "{value}").map_err(write_failed),
        kind => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("a {kind} is not text; name one of its fields"),
        )),
    }
}

fn write_failed(_: std::fmt::Error) -> Error {
    Error::from(ErrorKind::WriteFailure)
}

/// The engine's message without the template's internal name.
fn plain(error: &Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// Collects output up to [`VALUE_BYTES_MAX`].
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(piece.len()) > VALUE_BYTES_MAX {
            self.full = true;
            return Err(io::Error::other("value too long"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
