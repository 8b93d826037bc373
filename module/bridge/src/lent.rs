//! Raw views of the host's data become slices.

use std::marker::PhantomData;
use std::slice;

use apportion_core::ExcludedFrom;

use crate::abi::{
    apportion_bytes, apportion_bytes_list, apportion_conversion, apportion_conversions,
    apportion_excluded_agents, apportion_excluded_from, apportion_excluded_from_list, apportion_exclusions,
    apportion_holding, apportion_holdings, apportion_options, apportion_quantities, apportion_quantity,
    apportion_quota, apportion_quotas,
};

/// An argument that is not what the header says. The text names the argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadArgument {
    /// A null pointer with a size.
    #[error("{what}: {size} elements behind a null pointer")]
    Null {
        /// Which argument.
        what: &'static str,
        /// Its size.
        size: usize,
    },
    /// A size that no object can have.
    #[error("{what}: {size} elements cannot be")]
    TooLarge {
        /// Which argument.
        what: &'static str,
        /// Its size.
        size: usize,
    },
    /// A pointer that must not be null.
    #[error("{what} is missing")]
    Missing {
        /// Which argument.
        what: &'static str,
    },
    /// A pointer that cannot point to such an object.
    #[error("{what}: not aligned")]
    Unaligned {
        /// Which argument.
        what: &'static str,
    },
}

/// Names with several byte strings each.
pub(crate) type NamedLists<'call> = Vec<(&'call [u8], Vec<&'call [u8]>)>;

/// Names with numbers.
pub(crate) type Numbers<'call> = Vec<(&'call [u8], f64)>;

/// What goes and what comes instead.
pub(crate) type Exchange<'call> = (Vec<&'call [u8]>, Vec<&'call [u8]>);

/// Proof that the raw views given to a call are valid until it returns.
///
/// # Invariants
/// For each view of the call: its data is null, or points to `size` initialised elements that nobody changes during
/// `'call`. Views inside views likewise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lent<'call> {
    call: PhantomData<&'call [u8]>,
}

impl<'call> Lent<'call> {
    /// # Safety
    /// The caller is an entry point, `'call` ends before it returns, and its own caller keeps the promises of the
    /// header `apportion_abi.h` about borrowed views.
    pub(crate) unsafe fn for_this_call() -> Lent<'call> {
        Lent { call: PhantomData }
    }

    /// `size` elements at `data`, after the checks that can be made.
    fn slice<T>(self, data: *const T, size: usize, what: &'static str) -> Result<&'call [T], BadArgument> {
        if size == 0 {
            return Ok(&[]);
        }
        if data.is_null() {
            return Err(BadArgument::Null { what, size });
        }
        if !data.is_aligned() {
            return Err(BadArgument::Unaligned { what });
        }
        if size.checked_mul(size_of::<T>().max(1)).and_then(|bytes| isize::try_from(bytes).ok()).is_none() {
            return Err(BadArgument::TooLarge { what, size });
        }
        // SAFETY: not null, aligned, of a possible size; the rest is this type's invariant.
        Ok(unsafe { slice::from_raw_parts(data, size) })
    }

    /// One optional object.
    pub(crate) fn optional<T>(
        self,
        pointer: *const T,
        what: &'static str,
    ) -> Result<Option<&'call T>, BadArgument> {
        if pointer.is_null() {
            return Ok(None);
        }
        Ok(self.slice(pointer, 1, what)?.first())
    }

    /// One object that must be there.
    pub(crate) fn required<T>(self, pointer: *const T, what: &'static str) -> Result<&'call T, BadArgument> {
        self.optional(pointer, what)?.ok_or(BadArgument::Missing { what })
    }

    /// Bytes.
    pub(crate) fn bytes(self, raw: apportion_bytes, what: &'static str) -> Result<&'call [u8], BadArgument> {
        self.slice(raw.data, raw.size, what)
    }

    /// Optional bytes.
    pub(crate) fn optional_bytes(
        self,
        raw: *const apportion_bytes,
        what: &'static str,
    ) -> Result<Option<&'call [u8]>, BadArgument> {
        self.optional(raw, what)?.map(|raw| self.bytes(*raw, what)).transpose()
    }

    /// Several byte strings.
    pub(crate) fn list(
        self,
        raw: apportion_bytes_list,
        what: &'static str,
    ) -> Result<Vec<&'call [u8]>, BadArgument> {
        self.slice(raw.data, raw.size, what)?.iter().map(|&bytes| self.bytes(bytes, what)).collect()
    }

    /// Several byte strings, or none at all.
    pub(crate) fn optional_list(
        self,
        raw: *const apportion_bytes_list,
        what: &'static str,
    ) -> Result<Option<Vec<&'call [u8]>>, BadArgument> {
        self.optional(raw, what)?.map(|raw| self.list(*raw, what)).transpose()
    }

    /// Names with the resources that each holds.
    pub(crate) fn holdings(
        self,
        raw: apportion_holdings,
        what: &'static str,
    ) -> Result<NamedLists<'call>, BadArgument> {
        let holdings: &[apportion_holding] = self.slice(raw.data, raw.size, what)?;
        holdings
            .iter()
            .map(|holding| Ok((self.bytes(holding.name, what)?, self.list(holding.resources, what)?)))
            .collect()
    }

    /// Roles with the agents that offer constraints exclude in them.
    pub(crate) fn exclusions(self, raw: apportion_exclusions) -> Result<NamedLists<'call>, BadArgument> {
        const WHAT: &str = "excluded agents";
        let entries: &[apportion_excluded_agents] = self.slice(raw.data, raw.size, WHAT)?;
        entries.iter().map(|one| Ok((self.bytes(one.role, WHAT)?, self.list(one.agents, WHAT)?))).collect()
    }

    /// Frameworks and roles whose offer constraints exclude an agent.
    pub(crate) fn excluded_from(
        self,
        raw: apportion_excluded_from_list,
    ) -> Result<Vec<ExcludedFrom<'call>>, BadArgument> {
        const WHAT: &str = "excluded from";
        let entries: &[apportion_excluded_from] = self.slice(raw.data, raw.size, WHAT)?;
        let read = |one: &apportion_excluded_from| {
            Ok(ExcludedFrom {
                framework: self.bytes(one.framework, WHAT)?,
                role: self.bytes(one.role, WHAT)?,
            })
        };
        entries.iter().map(read).collect()
    }

    /// Numbers of metrics.
    pub(crate) fn slots(self, data: *const u32, size: usize) -> Result<&'call [u32], BadArgument> {
        self.slice(data, size, "slots")
    }

    /// Names with numbers.
    pub(crate) fn quantities(
        self,
        raw: apportion_quantities,
        what: &'static str,
    ) -> Result<Numbers<'call>, BadArgument> {
        let quantities: &[apportion_quantity] = self.slice(raw.data, raw.size, what)?;
        quantities.iter().map(|quantity| Ok((self.bytes(quantity.name, what)?, quantity.value))).collect()
    }

    /// Several sets of names with numbers; `None` for a null pointer.
    pub(crate) fn quantities_list(
        self,
        data: *const apportion_quantities,
        size: usize,
        what: &'static str,
    ) -> Result<Option<Vec<Numbers<'call>>>, BadArgument> {
        if data.is_null() && size == 0 {
            return Ok(None);
        }
        let sets = self.slice(data, size, what)?;
        Ok(Some(sets.iter().map(|&set| self.quantities(set, what)).collect::<Result<_, _>>()?))
    }

    /// Quotas of several roles.
    pub(crate) fn quotas(self, raw: apportion_quotas) -> Result<Vec<&'call apportion_quota>, BadArgument> {
        Ok(self.slice(raw.data, raw.size, "quotas")?.iter().collect())
    }

    /// Conversions: consumed and converted resources.
    pub(crate) fn conversions(self, raw: apportion_conversions) -> Result<Vec<Exchange<'call>>, BadArgument> {
        let conversions: &[apportion_conversion] = self.slice(raw.data, raw.size, "conversions")?;
        conversions
            .iter()
            .map(|one| {
                Ok((self.list(one.consumed, "conversions")?, self.list(one.converted, "conversions")?))
            })
            .collect()
    }

    /// The master's options.
    pub(crate) fn options(
        self,
        raw: *const apportion_options,
    ) -> Result<&'call apportion_options, BadArgument> {
        self.required(raw, "options")
    }
}
