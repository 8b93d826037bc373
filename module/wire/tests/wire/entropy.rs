//! Values of any declared type drawn from a list of bytes, so that proptest can shrink them as it shrinks lists.

use proptest::prelude::*;

use crate::full;

/// A list of bytes that is used up; zeros when it is empty, which draw the simplest value.
pub(crate) struct Entropy {
    bytes: std::vec::IntoIter<u8>,
}

impl Entropy {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Entropy { bytes: bytes.into_iter() }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes.next().unwrap_or(0)
    }

    /// A number below `bound`, which is at most 256.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// An order of so many things, as a list of their places.
    pub(crate) fn order(&mut self, length: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..length).collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            order.push(left.remove(self.below(left.len().min(256))));
        }
        order
    }
}

/// A type of which any value can be drawn.
pub(crate) trait Draw {
    fn draw(entropy: &mut Entropy) -> Self;
}

impl Draw for bool {
    fn draw(entropy: &mut Entropy) -> Self {
        entropy.byte() & 1 == 1
    }
}

impl Draw for u64 {
    fn draw(entropy: &mut Entropy) -> Self {
        let length = entropy.below(9);
        (0..length).fold(0, |number, _| (number << 8) | u64::from(entropy.byte()))
    }
}

impl Draw for i32 {
    fn draw(entropy: &mut Entropy) -> Self {
        i32::from(entropy.byte()) - 128
    }
}

impl Draw for f64 {
    fn draw(entropy: &mut Entropy) -> Self {
        f64::from_bits(u64::draw(entropy))
    }
}

impl Draw for Vec<u8> {
    fn draw(entropy: &mut Entropy) -> Self {
        (0..entropy.below(6)).map(|_| entropy.byte()).collect()
    }
}

impl<T: Draw> Draw for Option<T> {
    fn draw(entropy: &mut Entropy) -> Self {
        bool::draw(entropy).then(|| T::draw(entropy))
    }
}

macro_rules! draw_lists {
    ($($element:ty),+) => {
        $(impl Draw for Vec<$element> {
            fn draw(entropy: &mut Entropy) -> Self {
                (0..entropy.below(4)).map(|_| <$element>::draw(entropy)).collect()
            }
        })+
    };
}

draw_lists!(
    Vec<u8>,
    full::ValueRange,
    full::ResourceReservationInfo,
    full::Label,
    full::Parameter,
    full::TextEntry,
    full::SecretEntry
);

/// Any list of bytes to draw from.
pub(crate) fn entropy() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..400)
}

/// A resource in the refined format with a valid value: any values in any fields but those that the format fixes.
pub(crate) fn draw_resource(entropy: &mut Entropy) -> full::Resource {
    let kind = entropy.below(3);
    let mut resource = full::Resource::draw(entropy);
    if resource.name.is_empty() {
        resource.name = b"cpus".to_vec();
    }
    resource.role = None;
    resource.reservation = None;
    (resource.scalar, resource.ranges, resource.set) = (None, None, None);
    match kind {
        0 => {
            resource.r#type = 0;
            // Between thousandths too: the raw number has to survive.
            let value = f64::from(u32::from(entropy.byte()) * 256 + u32::from(entropy.byte())) / 3000.0;
            let value = if value < 0.0005 { 0.0 } else { value };
            resource.scalar = Some(full::ValueScalar { value });
        }
        1 => {
            resource.r#type = 1;
            resource.ranges = Some(draw_ranges(entropy));
        }
        _ => {
            resource.r#type = 2;
            let mut item: Vec<Vec<u8>> = Draw::draw(entropy);
            item.sort();
            item.dedup();
            item.reverse();
            resource.set = Some(full::ValueSet { item });
        }
    }
    if let Some(allocation) = &mut resource.allocation_info {
        allocation.role.get_or_insert_default();
    }
    for reservation in &mut resource.reservations {
        reservation.role.get_or_insert_default();
        reservation.r#type = Some(1 + i32::from(bool::draw(entropy)));
    }
    if let Some(source) = resource.disk.as_mut().and_then(|disk| disk.source.as_mut()) {
        source.r#type = 1 + i32::from(entropy.byte() % 4);
    }
    resource
}

/// Ranges without overlap, not in ascending order.
fn draw_ranges(entropy: &mut Entropy) -> full::ValueRanges {
    let mut next = 0_u64;
    let mut range = Vec::new();
    for _ in 0..entropy.below(5) {
        let begin = next + u64::from(entropy.byte());
        let end = begin + u64::from(entropy.byte());
        range.push(full::ValueRange { begin, end });
        next = end + 1;
    }
    range.reverse();
    full::ValueRanges { range }
}

/// Any resource of [`draw_resource`].
pub(crate) fn resource() -> impl Strategy<Value = full::Resource> {
    entropy().prop_map(|bytes| draw_resource(&mut Entropy::new(bytes)))
}

/// Any resource of [`draw_resource`] that is a persistent volume.
pub(crate) fn volume() -> impl Strategy<Value = full::Resource> {
    entropy().prop_map(|bytes| {
        let entropy = &mut Entropy::new(bytes);
        let mut volume = draw_resource(entropy);
        let disk = volume.disk.get_or_insert_default();
        disk.persistence.get_or_insert_with(|| Draw::draw(entropy));
        volume
    })
}
