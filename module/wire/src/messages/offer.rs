//! What goes along with offers and roles: filters, weights, answers to inverse offers; and module parameters.

use super::{FrameworkId, TimeInfo};

/// `mesos.Filters`: what a framework says about offers it does not want.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Filters {
    /// Seconds during which the resources need not be offered again; 5 if absent. May be any `double`.
    #[prost(double, optional, tag = "1", default = "5.0")]
    pub refuse_seconds: Option<f64>,
}

/// `mesos.WeightInfo`: weight of a role in fair sharing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WeightInfo {
    /// Weight.
    #[prost(double, required, tag = "1")]
    pub weight: f64,
    /// Role.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub role: Option<Vec<u8>>,
}

/// `mesos.allocator.InverseOfferStatus`: a framework's answer to an inverse offer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InverseOfferStatus {
    /// One of the constants of this type.
    #[prost(int32, required, tag = "1", default = "1")]
    pub status: i32,
    /// Framework that answered.
    #[prost(message, required, tag = "2")]
    pub framework_id: FrameworkId,
    /// When the answer came.
    #[prost(message, required, tag = "3")]
    pub timestamp: TimeInfo,
}

impl InverseOfferStatus {
    /// No answer yet.
    pub const UNKNOWN: i32 = 1;
    /// The framework will be off the agent in time.
    pub const ACCEPT: i32 = 2;
    /// The framework cannot or will not leave.
    pub const DECLINE: i32 = 3;
}

/// `mesos.OperationID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OperationId {
    /// The id.
    #[prost(bytes = "vec", required, tag = "1")]
    pub value: Vec<u8>,
}

/// `mesos.Parameters`: what the modules file says to a module.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Parameters {
    /// The parameters, in file order.
    #[prost(message, repeated, tag = "1")]
    pub parameter: Vec<Parameter>,
}

/// `mesos.Parameter`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Parameter {
    /// Key; not necessarily unique.
    #[prost(bytes = "vec", required, tag = "1")]
    pub key: Vec<u8>,
    /// Value.
    #[prost(bytes = "vec", required, tag = "2")]
    pub value: Vec<u8>,
}
