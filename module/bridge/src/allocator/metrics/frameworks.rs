//! The metrics of frameworks, kept for a while after they are gone.

use std::collections::{BTreeMap, VecDeque};

use apportion_core::{Allocator, RoleId};

use super::slots::Slots;
use super::{Metric, name};

/// Which frameworks there are, and whether each has suppressed its roles.
#[derive(Debug, Default)]
pub(super) struct Frameworks {
    /// Whether their metrics are published at all.
    publish: bool,
    /// How many that are gone keep their metrics.
    completed_max: usize,
    known: BTreeMap<Vec<u8>, Gauges>,
    /// Oldest first.
    completed: VecDeque<(Vec<u8>, Gauges)>,
}

/// The metrics of one framework.
#[derive(Debug)]
struct Gauges {
    /// What all their names begin with.
    prefix: Vec<u8>,
    slots: BTreeMap<RoleId, u32>,
}

impl Frameworks {
    pub(super) fn configure(&mut self, publish: bool, completed_max: u64) {
        self.publish = publish;
        self.completed_max = usize::try_from(completed_max).unwrap_or(usize::MAX);
    }

    /// The ids of the frameworks that are not gone, in their order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &[u8]> {
        self.known.keys().map(Vec::as_slice)
    }

    /// A framework has arrived. Its metrics keep the name that it has now.
    pub(super) fn arrive(&mut self, framework: &[u8], called: &[u8], slots: &mut Slots<Metric>) {
        if let Some(position) = self.completed.iter().position(|(id, _)| id == framework)
            && let Some((_, gauges)) = self.completed.remove(position)
        {
            gauges.remove(slots);
        }
        let encoded = percent_encoded(called);
        let prefix = name(&[b"master/frameworks/", &encoded, b"/", framework, b"/roles/"]);
        self.known.insert(framework.to_vec(), Gauges { prefix, slots: BTreeMap::new() });
    }

    /// Follows the subscriptions of a framework.
    pub(super) fn follow(&mut self, framework: &[u8], core: &Allocator, slots: &mut Slots<Metric>) {
        let Some(gauges) = self.known.get_mut(framework).filter(|_| self.publish) else { return };
        let subscribed: BTreeMap<RoleId, bool> = core.subscriptions(framework).into_iter().collect();
        gauges.slots.retain(|role, slot| {
            let stays = subscribed.contains_key(role);
            if !stays {
                slots.remove(*slot);
            }
            stays
        });
        for (role, suppressed) in subscribed {
            let prefix = &gauges.prefix;
            let slot = *gauges.slots.entry(role).or_insert_with(|| {
                slots.add(name(&[prefix, core.role_name(role), b"/suppressed"]), Metric::Suppressed(false))
            });
            if let Some(metric) = slots.get_mut(slot) {
                *metric = Metric::Suppressed(suppressed);
            }
        }
    }

    /// A framework is gone; its metrics stay until so many others have gone after it.
    pub(super) fn leave(&mut self, framework: &[u8], slots: &mut Slots<Metric>) {
        let Some(gauges) = self.known.remove(framework) else { return };
        self.completed.push_back((framework.to_vec(), gauges));
        while self.completed.len() > self.completed_max {
            if let Some((_, oldest)) = self.completed.pop_front() {
                oldest.remove(slots);
            }
        }
    }
}

impl Gauges {
    fn remove(self, slots: &mut Slots<Metric>) {
        for slot in self.slots.into_values() {
            slots.remove(slot);
        }
    }
}

/// A name as the host writes it into a metric's name: what is reserved or unsafe in a URL, and what is no printable
/// ASCII, as a percent sign and two hexadecimal digits.
fn percent_encoded(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = Vec::with_capacity(text.len());
    for &byte in text {
        // The host leaves DEL as it is.
        if !(0x20..=0x7f).contains(&byte) || br##"$&+,/:;=?@ "<>#%{}|\^~[]`"##.contains(&byte) {
            let digit = |value: u8| DIGITS[usize::from(value & 15)];
            encoded.extend([b'%', digit(byte >> 4), digit(byte)]);
        } else {
            encoded.push(byte);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn names_are_encoded_as_in_the_hosts_own_metrics() {
        assert_eq!(percent_encoded(b"Plain-name_1.2*"), b"Plain-name_1.2*");
        assert_eq!(percent_encoded(b"a/b c"), b"a%2Fb%20c");
        assert_eq!(percent_encoded(b"%~\\\xff\n\x7f"), b"%25%7E%5C%FF%0A\x7f");
    }
}
