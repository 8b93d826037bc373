//! Resources of the host as the allocator counts them: from text over the wire into holdings, and operations applied
//! to an agent that nobody holds anything of.

use std::collections::BTreeMap;

use apportion_core::{
    AgentCapabilities, AgentInfo, Allocator, Amount, Conversion, Event, Holding, Instant, Item, ItemSet,
    Kind, Options, Ranges, Reservation, Value,
};
use apportion_wire::operation::{PostCheck, conversions};
use apportion_wire::resource::{ReservationKind, ResourceParts, comparison_key, facts};
use apportion_wire::text;

use crate::parsing::{bytes_field, varint_field};

/// Resources in the plain or the JSON form.
pub(crate) fn parts(resources: &str) -> Vec<ResourceParts> {
    text::read(resources, "*").unwrap()
}

/// One `disk` of so many megabytes reserved for the role `r`, with these JSON members on top.
pub(crate) fn disk(size: f64, members: &str) -> String {
    format!(
        r#"{{"name": "disk", "type": "SCALAR", "scalar": {{"value": {size}}},
            "reservations": [{{"type": "DYNAMIC", "role": "r"}}]{}{members}}}"#,
        if members.is_empty() { "" } else { ", " }
    )
}

/// A disk with this source.
pub(crate) fn sourced(size: f64, source: &str) -> String {
    disk(size, &format!(r#""disk": {{"source": {{{source}}}}}"#))
}

/// A persistent volume on the root disk.
pub(crate) fn volume(size: f64, id: &str) -> String {
    disk(size, &persistence(id))
}

/// A persistent volume on the root disk that several tasks can use.
pub(crate) fn shared(size: f64, id: &str) -> String {
    disk(size, &format!(r#"{}, "shared": {{}}"#, persistence(id)))
}

fn persistence(id: &str) -> String {
    format!(
        r#""disk": {{"persistence": {{"id": "{id}"}}, "volume": {{"mode": "RW", "container_path": "data"}}}}"#
    )
}

/// The JSON form of these elements.
pub(crate) fn list(elements: &[&str]) -> String {
    format!("[{}]", elements.join(","))
}

/// A serialised operation of this type; in the field `content` of its message stand the fields of each list.
pub(crate) fn operation(number: u64, content: u32, lists: &[(u32, &[ResourceParts])]) -> Vec<u8> {
    let body: Vec<u8> = lists
        .iter()
        .flat_map(|(field, parts)| parts.iter().map(|part| bytes_field(*field, &part.to_bytes())))
        .flatten()
        .collect();
    [varint_field(1, number), bytes_field(content, &body)].concat()
}

pub(crate) fn reserve(resources: &str) -> Vec<u8> {
    operation(2, 3, &[(1, &parts(resources))])
}

pub(crate) fn unreserve(resources: &str) -> Vec<u8> {
    operation(3, 4, &[(1, &parts(resources))])
}

pub(crate) fn create(volumes: &str) -> Vec<u8> {
    operation(4, 5, &[(1, &parts(volumes))])
}

pub(crate) fn destroy(volumes: &str) -> Vec<u8> {
    operation(5, 6, &[(1, &parts(volumes))])
}

pub(crate) fn grow(volume: &str, addition: &str) -> Vec<u8> {
    operation(11, 13, &[(1, &parts(volume)), (2, &parts(addition))])
}

pub(crate) fn shrink(volume: &str, subtract: f64) -> Vec<u8> {
    let mut amount = Vec::new();
    prost::encoding::double::encode(1, &subtract, &mut amount);
    let body = [bytes_field(1, &parts(volume)[0].to_bytes()), bytes_field(2, &amount)].concat();
    [varint_field(1, 12), bytes_field(14, &body)].concat()
}

/// An allocator that knows the kinds seen so far.
pub(crate) struct Stock {
    allocator: Allocator,
}

impl Stock {
    pub(crate) fn new() -> Self {
        let mut allocator = Allocator::new();
        let options = Options::default();
        allocator.apply(&Event::Initialize { options: &options }, Instant::default()).unwrap();
        Stock { allocator }
    }

    /// The holding of resources in the plain or the JSON form.
    pub(crate) fn of(&mut self, resources: &str) -> Holding {
        self.holding(&parts(resources))
    }

    pub(crate) fn holding(&mut self, parts: &[ResourceParts]) -> Holding {
        parts.iter().map(|part| self.item(part)).collect()
    }

    fn item(&mut self, part: &ResourceParts) -> Item {
        let facts = facts(&part.identity).unwrap();
        let value = match &part.value {
            apportion_wire::Value::Scalar(scalar) => {
                Value::Scalar(Amount::from_f64(scalar.as_f64()).unwrap())
            }
            apportion_wire::Value::Ranges(ranges) => {
                Value::Ranges(Ranges::new(ranges.iter().map(|range| (range.begin, range.end))))
            }
            apportion_wire::Value::Set(items) => {
                Value::Set(ItemSet::new(items.iter().map(|item| item.as_slice().into())))
            }
        };
        let reservations = facts.reservations.iter().map(|entry| Reservation {
            role: entry.role.into(),
            dynamic: entry.kind == ReservationKind::Dynamic,
        });
        let kind = Kind {
            name: facts.name.into(),
            value_type: value.value_type(),
            reservations: reservations.collect(),
            revocable: facts.revocable,
            shared: facts.shared,
            volume: facts.disk.as_ref().and_then(|disk| disk.persistence_id).map(Into::into),
            provider: facts.provider_id.map(Into::into),
            divisible: facts.is_divisible(),
            identity: comparison_key(&part.identity).unwrap().into(),
        };
        Item::new(self.allocator.intern_kind(kind).unwrap(), value)
    }

    /// What an agent with these resources has after the operations of an operator. After an error it still has what
    /// it had.
    pub(crate) fn apply(&mut self, total: &Holding, operations: &[Vec<u8>]) -> Result<Holding, String> {
        let changes = operations
            .iter()
            .map(|operation| conversions(operation).map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        let changes: Vec<Conversion> =
            changes.into_iter().flatten().map(|each| self.conversion(&each)).collect();
        let now = Instant::default();
        let agent = AgentInfo::default();
        let capabilities = AgentCapabilities::default();
        let event = Event::AddAgent {
            agent: b"a",
            info: agent,
            capabilities,
            unavailability: None,
            total,
            used: &[],
        };
        self.allocator.apply(&event, now).unwrap();
        let event = Event::UpdateAvailable { agent: b"a", conversions: &changes };
        let answer = self.allocator.apply(&event, now).unwrap().available_updated.unwrap();
        self.allocator.check_all().unwrap();
        let after = self.allocator.total(b"a").unwrap().clone();
        assert_eq!(Some(&after), self.allocator.available(b"a"));
        self.allocator.apply(&Event::RemoveAgent { agent: b"a" }, now).unwrap();
        match answer {
            Ok(()) => Ok(after),
            Err(error) => {
                assert_eq!(&after, total, "an operation that fails changes nothing: {error}");
                Err(error.to_string())
            }
        }
    }

    fn conversion(&mut self, conversion: &apportion_wire::operation::Conversion) -> Conversion {
        let consumed = self.holding(&conversion.consumed);
        Conversion {
            leaves_none_of: match conversion.check {
                PostCheck::Nothing => Holding::default(),
                PostCheck::ConsumedIsGone => consumed.clone(),
            },
            consumed,
            converted: self.holding(&conversion.converted),
        }
    }

    /// Scalars by name, whatever else they are; a shared volume counts once.
    pub(crate) fn amounts(&self, holding: &Holding) -> BTreeMap<Vec<u8>, Amount> {
        let mut amounts = BTreeMap::new();
        for item in holding.items() {
            if let Some(amount) = item.scalar_quantity() {
                *amounts.entry(self.allocator.kind(item.kind).name.to_vec()).or_insert(Amount::ZERO) +=
                    amount;
            }
        }
        amounts
    }
}

/// `left − right`.
pub(crate) fn minus(left: &Holding, right: &Holding) -> Holding {
    let mut rest = left.clone();
    rest.subtract(right);
    rest
}

/// `left + right`.
pub(crate) fn plus(left: &Holding, right: &Holding) -> Holding {
    let mut sum = left.clone();
    sum.add(right);
    sum
}
