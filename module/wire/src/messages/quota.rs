//! Quota: what a role is guaranteed and limited to.

use super::ValueScalar;
use crate::{Limits, Quantities, QuantityError};

/// `mesos.quota.QuotaConfig`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QuotaConfig {
    /// Role.
    #[prost(bytes = "vec", required, tag = "1")]
    pub role: Vec<u8>,
    /// Amount guaranteed, by resource name. A name that is missing: none.
    #[prost(message, repeated, tag = "2")]
    pub guarantees: Vec<ScalarEntry>,
    /// Most the role may have, by resource name. A name that is missing: no limit.
    #[prost(message, repeated, tag = "3")]
    pub limits: Vec<ScalarEntry>,
}

impl QuotaConfig {
    /// Guarantees and limits.
    ///
    /// # Errors
    ///
    /// [`QuantityError::Number`] for a number that is no amount, [`QuantityError::AboveLimit`] if more is guaranteed
    /// than allowed.
    pub fn read(&self) -> Result<(Quantities, Limits), QuantityError> {
        let guarantees = Quantities::from_entries(&self.guarantees)?;
        let limits = Limits::from_entries(&self.limits)?;
        limits.check_guarantees(&guarantees)?;
        Ok((guarantees, limits))
    }
}

/// An entry of a map from resource names to amounts. Of two entries with the same name the later counts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ScalarEntry {
    /// Name of the resource.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub name: Option<Vec<u8>>,
    /// Amount; 0 if absent.
    #[prost(message, optional, tag = "2")]
    pub amount: Option<ValueScalar>,
}

impl ScalarEntry {
    /// An entry of a map.
    #[must_use]
    pub fn new(name: &[u8], amount: f64) -> Self {
        ScalarEntry { name: Some(name.to_vec()), amount: Some(ValueScalar { value: amount }) }
    }

    /// Name and amount with the defaults of absent parts.
    #[must_use]
    pub fn read(&self) -> (&[u8], f64) {
        (self.name.as_deref().unwrap_or_default(), self.amount.map_or(0.0, |amount| amount.value))
    }
}

/// `mesos.quota.QuotaInfo`: the older form, in which guarantee and limit are the same.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QuotaInfo {
    /// Role.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub role: Option<Vec<u8>>,
    /// Who set it.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub principal: Option<Vec<u8>>,
    /// Serialised `mesos.Resource`s, scalars without reservation.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub guarantee: Vec<Vec<u8>>,
}

/// `mesos.quota.QuotaRequest`: an operator's request in the older form.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QuotaRequest {
    /// Whether to set it even if the cluster cannot hold it.
    #[prost(bool, optional, tag = "1", default = "false")]
    pub force: Option<bool>,
    /// Role.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub role: Option<Vec<u8>>,
    /// Serialised `mesos.Resource`s, scalars without reservation.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub guarantee: Vec<Vec<u8>>,
}
