//! The arguments of one call, lent as the shim lends them, with one of them broken if a test asks for it.
//!
//! A call is written once, with good arguments. Asked without a breakage it is good, and tells which breakages its
//! arguments can have; asked with one of those it is broken in that place alone.

use std::any::Any;
use std::fmt;

use apportion_bridge::abi::{
    apportion_bytes, apportion_bytes_list, apportion_conversion, apportion_conversions,
    apportion_excluded_agents, apportion_excluded_from, apportion_excluded_from_list, apportion_exclusions,
    apportion_holding, apportion_holdings, apportion_options, apportion_quantities, apportion_quantity,
    apportion_quota, apportion_quotas,
};

use crate::border::view;

/// How an argument is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// A null pointer with a size.
    Null,
    /// More elements than memory can have.
    TooLarge,
    /// A pointer to elements that is not aligned for them.
    Unaligned,
    /// A null pointer where an object must be.
    Missing,
    /// As `Null`, one level further in.
    InnerNull,
    /// As `TooLarge`, one level further in.
    InnerTooLarge,
    /// A message that is none.
    Garbage,
    /// A message of a hundred thousand groups one inside the other.
    DeepGroups,
    /// A message that ends too early.
    CutAt(usize),
}

/// Which argument of a call is broken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Breakage {
    argument: usize,
    pub(crate) what: &'static str,
    pub(crate) how: How,
}

impl Breakage {
    /// What a refusal says of it.
    pub(crate) fn says(&self) -> String {
        let what = self.what;
        match self.how {
            How::Null | How::InnerNull => format!("{what}: 3 elements behind a null pointer"),
            How::TooLarge | How::InnerTooLarge => {
                format!("{what}: {} elements cannot be", usize::MAX / 2 + 1)
            }
            How::Unaligned => format!("{what}: not aligned"),
            How::Missing => format!("{what} is missing"),
            How::Garbage | How::DeepGroups | How::CutAt(_) => String::new(),
        }
    }
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument {} ({}): {:?}", self.argument, self.what, self.how)
    }
}

const OF_BYTES: &[How] = &[How::Null, How::TooLarge];
const OF_OPTIONAL_BYTES: &[How] = &[How::Unaligned, How::InnerNull, How::InnerTooLarge];
const OF_LISTS: &[How] = &[How::Null, How::TooLarge, How::Unaligned, How::InnerNull, How::InnerTooLarge];
const OF_OPTIONAL_LISTS: &[How] = &[How::Unaligned, How::InnerNull, How::InnerTooLarge];
const OF_OBJECTS: &[How] = &[How::Missing, How::Unaligned];
const OF_OBJECTS_OF_A_LIST: &[How] = &[How::Null, How::Unaligned];
const OF_MESSAGES: &[How] = &[How::Garbage, How::DeepGroups];

/// Bytes that are no message: a field of the undefined wire type 7.
const GARBAGE: &[u8] = b"\xff\xff\xff\xff\x07";

/// The arguments of one call; what they point to lives as long as this.
#[derive(Default)]
pub(crate) struct Arguments {
    breakage: Option<Breakage>,
    /// Breakages that this call can have.
    pub(crate) possible: Vec<Breakage>,
    /// Arguments so far.
    count: usize,
    kept: Vec<Box<dyn Any>>,
    /// Place for a yes or no; neither, until it is set.
    pub(crate) yes: Box<u8>,
}

impl Arguments {
    /// Nothing broken.
    pub(crate) fn good() -> Arguments {
        Arguments { yes: Box::new(u8::MAX), ..Arguments::default() }
    }

    /// One argument broken.
    pub(crate) fn broken(breakage: Breakage) -> Arguments {
        Arguments { breakage: Some(breakage), ..Arguments::good() }
    }

    /// How the next argument is to be broken, which can be broken in these ways.
    fn next(&mut self, what: &'static str, ways: &[&[How]]) -> Option<How> {
        let argument = self.count;
        self.count += 1;
        let ways = ways.iter().copied().flatten();
        self.possible.extend(ways.map(|&how| Breakage { argument, what, how }));
        self.breakage.filter(|breakage| breakage.argument == argument).map(|breakage| breakage.how)
    }

    /// Names where the argument that came last can be cut off.
    fn can_be_cut(&mut self, what: &'static str, length: usize) {
        let argument = self.count - 1;
        self.possible.extend((1..length).map(|at| Breakage { argument, what, how: How::CutAt(at) }));
    }

    fn keep<T: 'static>(&mut self, elements: Vec<T>) -> (*const T, usize) {
        let kept = (elements.as_ptr(), elements.len());
        self.kept.push(Box::new(elements));
        kept
    }

    /// A list with its pointer and size, broken if it is the list itself that is.
    fn outer<T: 'static>(&mut self, elements: Vec<T>, how: Option<How>) -> (*const T, usize) {
        let (data, size) = self.keep(elements);
        match how {
            Some(How::Null) => (std::ptr::null(), 3),
            Some(How::TooLarge) => (data, usize::MAX / 2 + 1),
            // Where there is nothing, the pointer is not looked at.
            Some(How::Unaligned) => (data.wrapping_byte_add(1), size.max(1)),
            _ => (data, size),
        }
    }

    /// A pointer to one object, broken if it is the pointer that is.
    fn pointer<T: 'static>(&mut self, object: T, how: Option<How>) -> *const T {
        let (pointer, _) = self.keep(vec![object]);
        match how {
            Some(How::Missing) => std::ptr::null(),
            Some(How::Unaligned) => pointer.wrapping_byte_add(1),
            _ => pointer,
        }
    }

    fn bytes(&mut self, bytes: Vec<u8>, how: Option<How>) -> apportion_bytes {
        let bytes = match how {
            Some(How::Garbage) => GARBAGE.to_vec(),
            Some(How::DeepGroups) => [0xb3_u8, 0x06].repeat(100_000),
            Some(How::CutAt(length)) => bytes[..length].to_vec(),
            _ => bytes,
        };
        let good = view(&bytes);
        self.kept.push(Box::new(bytes));
        match how {
            Some(How::InnerNull) => apportion_bytes { data: std::ptr::null(), size: 3 },
            Some(How::InnerTooLarge) => apportion_bytes { size: usize::MAX / 2 + 1, ..good },
            _ => good,
        }
    }

    /// Views of byte strings; a breakage one level further in meets the last one.
    fn views(&mut self, strings: Vec<Vec<u8>>, how: Option<How>) -> Vec<apportion_bytes> {
        let last = strings.len().saturating_sub(1);
        let views = strings.into_iter().enumerate();
        views.map(|(at, string)| self.bytes(string, how.filter(|_| at == last))).collect()
    }

    fn list_of(&mut self, strings: Vec<Vec<u8>>, how: Option<How>) -> apportion_bytes_list {
        let views = self.views(strings, how);
        let (data, size) = self.outer(views, how);
        apportion_bytes_list { data, size }
    }

    /// An id or another text.
    pub(crate) fn text(&mut self, what: &'static str, text: &[u8]) -> apportion_bytes {
        let how = self.next(what, &[OF_BYTES]);
        self.outermost(text.to_vec(), how)
    }

    fn outermost(&mut self, bytes: Vec<u8>, how: Option<How>) -> apportion_bytes {
        let how = how.map(|how| match how {
            How::Null => How::InnerNull,
            How::TooLarge => How::InnerTooLarge,
            other => other,
        });
        self.bytes(bytes, how)
    }

    /// A serialised message.
    pub(crate) fn message(&mut self, what: &'static str, message: Vec<u8>) -> apportion_bytes {
        let how = self.next(what, &[OF_BYTES, OF_MESSAGES]);
        self.can_be_cut(what, message.len());
        self.outermost(message, how)
    }

    /// A serialised message that may be none.
    pub(crate) fn optional_message(
        &mut self,
        what: &'static str,
        message: Vec<u8>,
    ) -> *const apportion_bytes {
        let how = self.next(what, &[OF_OPTIONAL_BYTES, OF_MESSAGES]);
        self.can_be_cut(what, message.len());
        let view = self.bytes(message, how);
        self.pointer(view, how)
    }

    /// Bytes that may be none and that nobody reads here.
    pub(crate) fn optional_text(&mut self, what: &'static str, text: &[u8]) -> *const apportion_bytes {
        let how = self.next(what, &[OF_OPTIONAL_BYTES]);
        let view = self.bytes(text.to_vec(), how);
        self.pointer(view, how)
    }

    /// Several texts.
    pub(crate) fn texts(&mut self, what: &'static str, texts: &[&[u8]]) -> apportion_bytes_list {
        let how = self.next(what, &[OF_LISTS]);
        self.list_of(texts.iter().map(|text| text.to_vec()).collect(), how)
    }

    /// Several serialised messages; the last one is the one that can be broken.
    pub(crate) fn messages(&mut self, what: &'static str, messages: Vec<Vec<u8>>) -> apportion_bytes_list {
        let how = self.next(what, &[OF_LISTS, OF_MESSAGES]);
        self.can_be_cut(what, messages.last().map_or(0, Vec::len));
        self.list_of(messages, how)
    }

    /// Several texts, or none at all.
    pub(crate) fn optional_texts(
        &mut self,
        what: &'static str,
        texts: &[&[u8]],
    ) -> *const apportion_bytes_list {
        let how = self.next(what, &[OF_OPTIONAL_LISTS]);
        let list = self.list_of(texts.iter().map(|text| text.to_vec()).collect(), inner_only(how));
        self.pointer(list, how)
    }

    /// Several serialised messages, or none at all.
    pub(crate) fn optional_messages(
        &mut self,
        what: &'static str,
        messages: Vec<Vec<u8>>,
    ) -> *const apportion_bytes_list {
        let how = self.next(what, &[OF_OPTIONAL_LISTS, OF_MESSAGES]);
        self.can_be_cut(what, messages.last().map_or(0, Vec::len));
        let list = self.list_of(messages, inner_only(how));
        self.pointer(list, how)
    }

    /// One name with its resources.
    pub(crate) fn holdings(
        &mut self,
        what: &'static str,
        name: &[u8],
        resources: Vec<Vec<u8>>,
    ) -> apportion_holdings {
        let outer = self.next(what, &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let name = self.text(what, name);
        let resources = self.messages(what, resources);
        let (data, size) = self.outer(vec![apportion_holding { name, resources }], outer);
        apportion_holdings { data, size }
    }

    /// One role with the agents excluded from it.
    pub(crate) fn exclusions(&mut self, role: &[u8], agents: &[&[u8]]) -> apportion_exclusions {
        const WHAT: &str = "excluded agents";
        let outer = self.next(WHAT, &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let (role, agents) = (self.text(WHAT, role), self.texts(WHAT, agents));
        let (data, size) = self.outer(vec![apportion_excluded_agents { role, agents }], outer);
        apportion_exclusions { data, size }
    }

    /// One framework and role that an agent is excluded from.
    pub(crate) fn excluded_from(&mut self, framework: &[u8], role: &[u8]) -> apportion_excluded_from_list {
        const WHAT: &str = "excluded from";
        let outer = self.next(WHAT, &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let (framework, role) = (self.text(WHAT, framework), self.text(WHAT, role));
        let (data, size) = self.outer(vec![apportion_excluded_from { framework, role }], outer);
        apportion_excluded_from_list { data, size }
    }

    /// Names with numbers.
    pub(crate) fn quantities(&mut self, what: &'static str, pairs: &[(&[u8], f64)]) -> apportion_quantities {
        let how = self.next(what, &[OF_LISTS]);
        let names = self.views(pairs.iter().map(|(name, _)| name.to_vec()).collect(), how);
        let pairs = names.into_iter().zip(pairs);
        let pairs = pairs.map(|(name, &(_, value))| apportion_quantity { name, value }).collect();
        let (data, size) = self.outer(pairs, how);
        apportion_quantities { data, size }
    }

    /// Slots of metrics.
    pub(crate) fn numbers(&mut self, slots: &[u32]) -> *const u32 {
        let how = self.next("slots", &[OF_OBJECTS_OF_A_LIST]);
        let (data, _) = self.keep(slots.to_vec());
        match how {
            Some(How::Null) => std::ptr::null(),
            Some(How::Unaligned) => data.wrapping_byte_add(1),
            _ => data,
        }
    }

    /// Places for numbers.
    pub(crate) fn places(&mut self, count: usize) -> *mut f64 {
        let how = self.next("values", &[OF_OBJECTS]);
        let mut places = vec![-1.0_f64; count];
        let data = places.as_mut_ptr();
        self.kept.push(Box::new(places));
        match how {
            Some(How::Missing) => std::ptr::null_mut(),
            Some(How::Unaligned) => data.wrapping_byte_add(1),
            _ => data,
        }
    }

    fn one_quota(&mut self) -> apportion_quota {
        apportion_quota {
            role: self.text("quota role", b"web"),
            guarantees: self.quantities("quota guarantees", &[(b"cpus", 1.0)]),
            limits: self.quantities("quota limits", &[(b"cpus", 2.0), (b"mem", 512.0)]),
        }
    }

    /// The quota of role "web".
    pub(crate) fn quota(&mut self) -> *const apportion_quota {
        let how = self.next("quota", &[OF_OBJECTS]);
        let quota = self.one_quota();
        self.pointer(quota, how)
    }

    /// The quota of role "web", as the only one.
    pub(crate) fn quotas(&mut self) -> apportion_quotas {
        let how = self.next("quotas", &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let quota = self.one_quota();
        let (data, size) = self.outer(vec![quota], how);
        apportion_quotas { data, size }
    }

    /// One conversion.
    pub(crate) fn conversion(&mut self, consumed: Vec<u8>, converted: Vec<u8>) -> apportion_conversions {
        let how = self.next("conversions", &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let conversion = apportion_conversion {
            consumed: self.messages("conversions", vec![consumed]),
            converted: self.messages("conversions", vec![converted]),
        };
        let (data, size) = self.outer(vec![conversion], how);
        apportion_conversions { data, size }
    }

    /// The options of a master, with every one of them in use.
    pub(crate) fn options(&mut self) -> *const apportion_options {
        let how = self.next("options", &[OF_OBJECTS]);
        let excluded = self.texts("fairness excluded resources", &[b"gpus"]);
        let minimum = self.next("minimum allocatable", &[&[How::Null, How::TooLarge, How::Unaligned]]);
        let alternative = self.quantities("minimum allocatable", &[(b"cpus", 0.01)]);
        let (minimum_allocatable, minimum_allocatable_size) = self.outer(vec![alternative], minimum);
        let domain = crate::messages::field(1, b"\x0a\x03\x0a\x01r\x12\x03\x0a\x01z");
        let domain = self.optional_message("domain", domain);
        let options = apportion_options {
            fairness_excluded_resources: excluded,
            minimum_allocatable,
            minimum_allocatable_size,
            domain,
            ..plain_options()
        };
        self.pointer(options, how)
    }
}

/// What is left of a breakage one level further in.
fn inner_only(how: Option<How>) -> Option<How> {
    how.filter(|how| *how != How::Unaligned)
}

/// The options of a master with no flags given.
pub(crate) fn plain_options() -> apportion_options {
    apportion_options {
        allocation_interval_ns: 1_000_000_000,
        recovery_timeout_ns: 600_000_000_000,
        agent_recovery_factor: 0.8,
        completed_frameworks_max: 50,
        fairness_excluded_resources: apportion_bytes_list { data: std::ptr::null(), size: 0 },
        minimum_allocatable: std::ptr::null(),
        minimum_allocatable_size: 0,
        domain: std::ptr::null(),
        filter_gpu_resources: 1,
        publish_per_framework_metrics: 0,
    }
}

/// No agent is excluded.
pub(crate) fn no_exclusions() -> apportion_exclusions {
    apportion_exclusions { data: std::ptr::null(), size: 0 }
}

/// An agent is excluded from nothing.
pub(crate) fn from_nothing() -> apportion_excluded_from_list {
    apportion_excluded_from_list { data: std::ptr::null(), size: 0 }
}

/// Nobody holds anything.
pub(crate) fn no_holdings() -> apportion_holdings {
    apportion_holdings { data: std::ptr::null(), size: 0 }
}
