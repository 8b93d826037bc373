//! Resources, amounts and quotas in words.

use apportion_core::{
    Amount, Amounts, Holding, Item, ItemSet, Kind, KindId, Minimum, Quota, Ranges, Reservation, Text, Value,
    ValueType,
};

use super::Cluster;

impl Cluster {
    /// Interns a kind written as `name`, `name(role,role)`, with `{REV}`, `{SHARED:id}`, `{VOLUME:id}`, `{MOUNT:path}`
    /// or `{LABEL:text}` behind.
    pub(crate) fn kind(&mut self, text: &str, value_type: ValueType) -> KindId {
        let (plain, flag) = text.split_once('{').unwrap_or((text, ""));
        let (name, stack) = plain.split_once('(').unwrap_or((plain, ""));
        let roles = stack.trim_end_matches(')').split(',').filter(|role| !role.is_empty());
        let mounted = flag.starts_with("MOUNT");
        let volume = flag.trim_end_matches('}').split_once(':').map(|(_, id)| id.as_bytes().into());
        let volume = volume.filter(|_| flag.starts_with("SHARED") || flag.starts_with("VOLUME"));
        let kind = Kind {
            value_type,
            reservations: roles.map(|r| Reservation { role: r.as_bytes().into(), dynamic: true }).collect(),
            revocable: flag.starts_with("REV"),
            shared: flag.starts_with("SHARED"),
            divisible: volume.is_none() && !mounted,
            volume,
            identity: text.as_bytes().into(),
            ..Kind::scalar(name.as_bytes())
        };
        self.allocator.intern_kind(kind).unwrap()
    }

    /// Resources written as `cpus:4;mem(web):512;ports:[1-5];disk(web){SHARED:v}:10`.
    pub(crate) fn resources(&mut self, text: &str) -> Holding {
        let mut holding = Holding::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (kind, value) = part.rsplit_once(':').unwrap();
            let inner = value.trim_matches(['[', ']', '{', '}']);
            let value = match value.as_bytes()[0] {
                b'[' => Value::Ranges(Ranges::new(inner.split(',').map(|range| {
                    let (begin, end) = range.split_once('-').unwrap();
                    (begin.parse().unwrap(), end.parse().unwrap())
                }))),
                b'{' => Value::Set(ItemSet::new(inner.split(',').map(|item| item.as_bytes().into()))),
                _ => Value::Scalar(Amount::from_f64(value.parse().unwrap()).unwrap()),
            };
            let kind = self.kind(kind, value.value_type());
            holding.add_item(&Item::new(kind, value));
        }
        holding
    }
}

pub(crate) fn amount(value: f64) -> Amount {
    Amount::from_f64(value).unwrap()
}

/// Amounts written as `cpus:1;mem:512`.
pub(crate) fn amounts(text: &str) -> Amounts {
    let parts = text.split(';').filter(|part| !part.is_empty());
    let parts = parts.map(|part| {
        let (name, value) = part.split_once(':').unwrap();
        (name.as_bytes().into(), amount(value.parse().unwrap()))
    });
    parts.collect()
}

/// Amounts as `cpus:1; mem:512`.
pub(crate) fn told_amounts(amounts: &Amounts) -> String {
    let parts: Vec<String> =
        amounts.iter().map(|(name, amount)| format!("{}:{amount}", Text(name))).collect();
    parts.join("; ")
}

/// A quota of guarantees and limits, both written as `cpus:1;mem:512`.
pub(crate) fn quota(guarantees: &str, limits: &str) -> Quota {
    Quota { guarantees: amounts(guarantees), limits: amounts(limits) }
}

/// One alternative of a least offer.
pub(crate) fn minimum(least: &[(&str, f64)]) -> Minimum {
    Minimum { amounts: least.iter().map(|(name, value)| (name.as_bytes().into(), amount(*value))).collect() }
}

pub(crate) fn bytes<'a>(names: &[&'a str]) -> Vec<&'a [u8]> {
    names.iter().map(|name| name.as_bytes()).collect()
}
