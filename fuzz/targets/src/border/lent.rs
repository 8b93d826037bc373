//! Arguments of one call, kept until it is over.

use std::any::Any;

use apportion_bridge::abi::{
    apportion_bytes, apportion_bytes_list, apportion_conversion, apportion_conversions,
    apportion_excluded_agents, apportion_excluded_from, apportion_excluded_from_list, apportion_exclusions,
    apportion_holding, apportion_holdings, apportion_quantities, apportion_quantity, apportion_quota,
    apportion_quotas,
};

/// What the views of a call point to.
#[derive(Debug, Default)]
pub(super) struct Lent {
    kept: Vec<Box<dyn Any>>,
}

/// Builds a view of a list from elements.
macro_rules! list {
    ($name:ident: $element:ty => $list:ident) => {
        pub(super) fn $name(&mut self, elements: Vec<$element>) -> $list {
            let (data, size) = self.keep(elements);
            $list { data, size }
        }
    };
}

impl Lent {
    /// The elements stay where they are when the vector moves.
    fn keep<T: 'static>(&mut self, elements: Vec<T>) -> (*const T, usize) {
        let kept = (elements.as_ptr(), elements.len());
        self.kept.push(Box::new(elements));
        kept
    }

    list!(bytes: u8 => apportion_bytes);
    list!(views: apportion_bytes => apportion_bytes_list);
    list!(holdings: apportion_holding => apportion_holdings);
    list!(quantities: apportion_quantity => apportion_quantities);
    list!(quotas: apportion_quota => apportion_quotas);
    list!(conversions: apportion_conversion => apportion_conversions);
    list!(exclusions: apportion_excluded_agents => apportion_exclusions);
    list!(excluded_from: apportion_excluded_from => apportion_excluded_from_list);

    /// Several byte strings.
    pub(super) fn list(&mut self, strings: Vec<Vec<u8>>) -> apportion_bytes_list {
        let views = strings.into_iter().map(|string| self.bytes(string)).collect();
        self.views(views)
    }

    /// A pointer to one object, null for none.
    pub(super) fn pointer<T: 'static>(&mut self, object: Option<T>) -> *const T {
        object.map_or(std::ptr::null(), |object| self.keep(vec![object]).0)
    }
}
