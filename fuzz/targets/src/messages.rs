//! Every message of the host that the library reads.

use apportion_wire::WireError;
use apportion_wire::messages::{self as host, HostMessage, LabelList, decode, encode};

use crate::wire::message;

/// Decodes as each of these messages.
macro_rules! decode_as {
    ($bytes:expr; $($message:ident)+) => { $(check::<host::$message>($bytes);)+ };
}

/// Runs the target.
///
/// # Panics
/// If a message changes by being written and read, or an error points outside of the message.
pub fn run(input: &[u8]) {
    let bytes = &message(input);
    decode_as!(bytes;
        AgentId AgentInfo Attribute Capability CgroupInfo CommandInfo ContainerConfig ContainerId ContainerInfo
        ContainerLaunchInfo ContainerLimitation ContainerMountInfo ContainerState ContainerStatus
        ContainerTermination DockerInfo DockerTaskExecutorPrepareInfo Domain DurationInfo Environment ExecutorId
        ExecutorInfo ExecutorUsage FaultDomain Filters FrameworkId FrameworkInfo InverseOfferStatus LinuxInfo
        MinAllocatableResources NamedZone NetCls OfferFilters OfferFiltersEntry OperationId Parameter Parameters
        QosCorrection QosKill QuotaConfig QuotaInfo QuotaRequest RLimit RLimitInfo RawLabels ResourceQuantities
        ResourceStatistics ResourceUsage ScalarEntry TaskId TaskInfo TaskStatus TaskUsage TextItems TextValue
        TimeInfo Unavailability ValueRange ValueRanges ValueScalar Variable WeightInfo
    );
    if let Ok(info) = decode::<host::FrameworkInfo>(bytes) {
        let roles = info.all_roles();
        assert!(info.has_capability(host::Capability::MULTI_ROLE) || roles.len() == 1, "{roles:?}");
    }
    if let Ok(filters) = decode::<host::Filters>(bytes) {
        let _ = filters.refuse_seconds();
    }
    if let Ok(entry) = decode::<host::ScalarEntry>(bytes) {
        let _ = entry.read();
    }
    check_labels(bytes);
}

fn check<M: HostMessage>(bytes: &[u8]) {
    match decode::<M>(bytes) {
        // Bytes are compared, not values: NaN is not equal to itself.
        Ok(message) => {
            let written = encode(&message);
            let again: M = decode(&written).expect("what is written can be read");
            assert_eq!(encode(&again), written, "{} written, read and written again", M::NAME);
        }
        Err(error) => {
            assert!(error.to_string().contains(M::NAME), "{error}");
            if let WireError::Malformed { offset, length, .. } = error {
                assert!(offset <= length && length == bytes.len(), "{offset} of {length}");
            }
        }
    }
}

/// Labels are changed without losing what is not understood of them.
fn check_labels(bytes: &[u8]) {
    let raw = decode::<host::RawLabels>(bytes).and_then(|raw| raw.read());
    let Ok(labels) = LabelList::decode(bytes) else { return };
    assert_eq!(raw.map(|raw| raw.len()), Ok(labels.len()));
    assert_eq!(LabelList::decode(&labels.encode()).as_ref(), Ok(&labels));
    let mut changed = labels.clone();
    changed.set(b"key", Some(b"value"));
    assert_eq!(changed.get(b"key").and_then(|label| label.value), Some(&b"value"[..]));
    assert_eq!(LabelList::decode(&changed.encode()).as_ref(), Ok(&changed));
    let others = |labels: &LabelList| labels.iter().filter(|label| label.key != b"key").count();
    assert_eq!(others(&changed), others(&labels));
    changed.remove(b"key");
    assert_eq!(changed.len(), others(&labels));
}
