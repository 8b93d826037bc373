//! Labels, which are merged without losing what this build does not know of them.

use super::decode;
use crate::WireError;
use crate::field::{Fields, Pieces, last_bytes, put_bytes_field};

/// `Labels.labels`.
const LABELS: u32 = 1;
/// `Label.key`.
const KEY: u32 = 1;
/// `Label.value`.
const VALUE: u32 = 2;

/// `mesos.Labels` inside another message: the single labels serialised. Read them with [`RawLabels::read`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RawLabels {
    /// Serialised `mesos.Label`s.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub labels: Vec<Vec<u8>>,
}

impl RawLabels {
    /// The labels, readable. Fields of `Labels` besides the labels are not in it: to change labels that are sent on,
    /// start from their bytes with [`LabelList::decode`].
    ///
    /// # Errors
    ///
    /// A [`WireError`] if one of them is no label.
    pub fn read(&self) -> Result<LabelList, WireError> {
        let labels = self.labels.iter().map(|label| Entry::read(label)).collect::<Result<_, _>>()?;
        Ok(LabelList { labels, unknown: Vec::new() })
    }
}

/// One label: what can be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelView<'a> {
    /// Key.
    pub key: &'a [u8],
    /// Value; the host compares an absent one as an empty one.
    pub value: Option<&'a [u8]>,
}

/// `mesos.Labels`, changeable: labels that are not touched keep their bytes, fields unknown here included.
///
/// ```
/// use apportion_wire::messages::LabelList;
///
/// let mut labels = LabelList::decode(b"")?;
/// labels.set(b"team", Some(b"search"));
/// labels.set(b"team", Some(b"ads"));
/// assert_eq!(labels.get(b"team").and_then(|label| label.value), Some(&b"ads"[..]));
/// assert_eq!(labels.len(), 1);
/// # Ok::<(), apportion_wire::WireError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelList {
    labels: Vec<Entry>,
    /// Fields of `Labels` other than the labels, as they were.
    unknown: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    /// The serialised `mesos.Label`.
    bytes: Vec<u8>,
}

impl Entry {
    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let fields = Pieces::whole(bytes).fields("Label")?;
        let key =
            last_bytes(&fields, KEY)?.ok_or(WireError::MissingField { message: "Label", field: "key" })?;
        let value = last_bytes(&fields, VALUE)?.map(<[u8]>::to_vec);
        Ok(Entry { key: key.to_vec(), value, bytes: bytes.to_vec() })
    }

    fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        let mut bytes = Vec::with_capacity(key.len() + value.map_or(0, <[u8]>::len) + 4);
        put_bytes_field(&mut bytes, KEY, key);
        if let Some(value) = value {
            put_bytes_field(&mut bytes, VALUE, value);
        }
        Entry { key: key.to_vec(), value: value.map(<[u8]>::to_vec), bytes }
    }

    /// Gives the label another value and keeps its other fields.
    fn set_value(&mut self, value: Option<&[u8]>) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        // The bytes were read without error when the entry was made.
        for field in Fields::new("Label", &self.bytes).flatten().filter(|field| field.number != VALUE) {
            bytes.extend_from_slice(field.raw);
        }
        if let Some(value) = value {
            put_bytes_field(&mut bytes, VALUE, value);
        }
        self.bytes = bytes;
        self.value = value.map(<[u8]>::to_vec);
    }
}

impl LabelList {
    /// Reads serialised `mesos.Labels`.
    ///
    /// # Errors
    ///
    /// A [`WireError`] if the bytes are no labels or a label has no key.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let raw: RawLabels = decode(bytes)?;
        let mut unknown = Vec::new();
        for field in Pieces::whole(bytes).fields("Labels")?.iter().filter(|field| field.number != LABELS) {
            unknown.extend_from_slice(field.raw);
        }
        Ok(LabelList { unknown, ..raw.read()? })
    }

    /// The serialised `mesos.Labels`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for label in &self.labels {
            put_bytes_field(&mut out, LABELS, &label.bytes);
        }
        out.extend_from_slice(&self.unknown);
        out
    }

    /// The labels in order.
    pub fn iter(&self) -> impl Iterator<Item = LabelView<'_>> {
        self.labels.iter().map(|label| LabelView { key: &label.key, value: label.value.as_deref() })
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first label with this key. Keys need not be unique.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<LabelView<'_>> {
        self.iter().find(|label| label.key == key)
    }

    /// Gives the first label with this key the value and takes out any further ones; without such a label, adds
    /// one at the end. Returns whether anything changed.
    pub fn set(&mut self, key: &[u8], value: Option<&[u8]>) -> bool {
        let Some(first) = self.labels.iter().position(|label| label.key == key) else {
            self.labels.push(Entry::new(key, value));
            return true;
        };
        let before = self.labels.len();
        let mut at = 0;
        self.labels.retain(|label| {
            at += 1;
            at <= first + 1 || label.key != key
        });
        let mut changed = self.labels.len() != before;
        if let Some(label) = self.labels.get_mut(first).filter(|label| label.value.as_deref() != value) {
            label.set_value(value);
            changed = true;
        }
        changed
    }

    /// Adds a label at the end, whether or not there is one with this key.
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.labels.push(Entry::new(key, value));
    }

    /// Takes out the labels that are not to stay, in one go.
    pub fn retain(&mut self, mut stays: impl FnMut(LabelView<'_>) -> bool) {
        self.labels.retain(|label| stays(LabelView { key: &label.key, value: label.value.as_deref() }));
    }

    /// Takes out all labels with this key. Returns whether there were any.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let before = self.labels.len();
        self.labels.retain(|label| label.key != key);
        self.labels.len() != before
    }
}
