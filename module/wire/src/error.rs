//! What can be wrong with bytes from the host.

/// Why bytes could not be read as the message they were said to be.
///
/// Every variant names the message (without the `mesos.` prefix); offsets count bytes from the start of that
/// message. All of them mean bad input: the caller leaves the message out, counts it and goes on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("{message}: cut off at byte {offset}: the field needs {needed} more bytes, {left} are left")]
    Truncated {
        /// Message that was being read.
        message: &'static str,
        /// Where the missing part should have begun.
        offset: usize,
        /// Bytes the field announces.
        needed: u64,
        /// Bytes that are there.
        left: usize,
    },
    /// A variable-length number does not fit 64 bits (10 bytes).
    #[error("{message}: the number at byte {offset} is longer than 64 bits")]
    OversizedVarint {
        /// Message that was being read.
        message: &'static str,
        /// Where the number begins.
        offset: usize,
    },
    /// A field number is 0 or above 2^29 - 1.
    #[error("{message}: the field tag {found} at byte {offset} has no valid field number (1 to 536870911)")]
    InvalidTag {
        /// Message that was being read.
        message: &'static str,
        /// Where the tag begins.
        offset: usize,
        /// The tag as read.
        found: u64,
    },
    /// A field has wire type 6 or 7, which protobuf does not define.
    #[error("{message}: field {field} at byte {offset} has the undefined wire type {found}")]
    UndefinedWireType {
        /// Message that was being read.
        message: &'static str,
        /// Where the field begins.
        offset: usize,
        /// Number of the field.
        field: u32,
        /// The wire type as read.
        found: u8,
    },
    /// A group ends that was not begun, or ends under another number.
    #[error("{message}: the group end for field {field} at byte {offset} matches no open group")]
    UnmatchedGroupEnd {
        /// Message that was being read.
        message: &'static str,
        /// Where the end tag begins.
        offset: usize,
        /// Number of the field that the end tag names.
        field: u32,
    },
    /// Groups are nested deeper than protobuf's own limit of 100.
    #[error("{message}: groups nested more than 100 deep at byte {offset}")]
    NestedTooDeep {
        /// Message that was being read.
        message: &'static str,
        /// Where the limit was passed.
        offset: usize,
    },
    /// A known field has another wire type than its declaration.
    #[error("{message}: field {field} at byte {offset} is a {found}, expected a {expected}")]
    UnexpectedWireType {
        /// Message that was being read.
        message: &'static str,
        /// Where the field begins.
        offset: usize,
        /// Number of the field.
        field: u32,
        /// Wire type the declaration asks for.
        expected: &'static str,
        /// Wire type that was found.
        found: &'static str,
    },
    /// A field without which the message means nothing is absent or empty.
    #[error("{message}: the field `{field}` is missing")]
    MissingField {
        /// Message that was being read.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// A number of an enumeration that is not in the declaration, or its `UNKNOWN`.
    #[error(
        "{message}: the field `{field}` holds {found}, which is no value of Mesos 1.11 that can be used here"
    )]
    UnknownEnum {
        /// Message that was being read.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
        /// The number as read.
        found: u64,
    },
    /// A resource still carries the reservation fields of before reservation refinement.
    ///
    /// The master upgrades all resources before an allocator sees them; a resource in the old format cannot be
    /// compared with one in the new format.
    #[error(
        "Resource: the field `{field}` is of the format before reservation refinement; \
         expected `reservations` only: upgrade the resource first"
    )]
    LegacyFormat {
        /// `role` or `reservation`.
        field: &'static str,
    },
    /// The value field does not match the type of the resource, or there is more than one.
    #[error("Resource: the type asks for the field `{expected}` alone, found `{found}` as well or instead")]
    ValueMismatch {
        /// Field that belongs to the type.
        expected: &'static str,
        /// Field that does not.
        found: &'static str,
    },
    /// A scalar that is no amount: not finite, below zero, above zero but below half a thousandth, or too large
    /// for 64-bit thousandths.
    #[error(
        "Value.Scalar: {found} is not an amount; expected 0, or at least 0.0005 and below 9.2e15 \
         (amounts are counted in thousandths)"
    )]
    InvalidScalar {
        /// The number as read. Compare with care: it may be NaN.
        found: f64,
    },
    /// A range whose end is before its begin.
    #[error("Value.Range: [{begin}-{end}] ends before it begins")]
    InvalidRange {
        /// First member.
        begin: u64,
        /// Last member.
        end: u64,
    },
    /// Two ranges of one resource share a member.
    #[error("Value.Ranges: two ranges share the member {shared}; expected ranges without overlap")]
    OverlappingRanges {
        /// The lowest shared member.
        shared: u64,
    },
    /// A set holds the same item twice.
    #[error("Value.Set: the item `{}` occurs twice", .item.escape_ascii())]
    DuplicateItem {
        /// The item.
        item: Vec<u8>,
    },
    /// The name of a role breaks a rule.
    #[error("`{}` is no name of a role: {reason}", .role.escape_ascii())]
    InvalidRole {
        /// The name.
        role: Vec<u8>,
        /// The rule that is broken.
        reason: &'static str,
    },
    /// A resource cannot be reserved like this.
    #[error("Resource: a reservation for the role `{}` is not valid: {reason}", .role.escape_ascii())]
    InvalidReservation {
        /// Role it is reserved for.
        role: Vec<u8>,
        /// The rule that is broken.
        reason: &'static str,
    },
    /// Fields of a resource that do not go together.
    #[error("Resource: `{}` is not valid: {reason}", .name.escape_ascii())]
    InvalidResource {
        /// Name of the resource.
        name: Vec<u8>,
        /// The rule that is broken.
        reason: &'static str,
    },
    /// A resource with more than one reservation cannot be said in the format of before reservation refinement.
    #[error(
        "Resource: {reservations} reservations, the last for `{}`, cannot be said in the format of before \
         reservation refinement; expected at most one",
        .role.escape_ascii()
    )]
    Refined {
        /// How many reservations it has.
        reservations: usize,
        /// Role of the last.
        role: Vec<u8>,
    },
    /// An operation needs a reserved resource, and this one has no reservation.
    #[error("{operation}: a resource has no reservation to take off")]
    Unreserved {
        /// Operation that was asked for.
        operation: &'static str,
    },
    /// An operation needs a persistent volume, and this resource is none.
    #[error("{operation}: a resource is not a persistent volume (`disk.persistence` is missing)")]
    NotAVolume {
        /// Operation that was asked for.
        operation: &'static str,
    },
    /// What an operation puts in is not what it takes out, apart from what it is there to change.
    #[error(
        "{operation}: `source` and `resources` differ in more than their reservations; expected the same amounts of the same resources"
    )]
    NotConserved {
        /// Operation that was asked for.
        operation: &'static str,
    },
    /// A volume cannot be given another size in the way that was asked for.
    #[error("{operation}: {reason}")]
    CannotResize {
        /// Operation that was asked for.
        operation: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The resources of an operation are allocated to another role than those it is to be applied to.
    #[error("Offer.Operation: a resource is allocated to {}, expected {}", .found.as_deref().map_or("nobody".into(), quoted), .expected.as_deref().map_or("nobody".into(), quoted))]
    AllocatedOtherwise {
        /// Role the resource is allocated to.
        found: Option<Vec<u8>>,
        /// Role it has to be allocated to.
        expected: Option<Vec<u8>>,
    },
    /// An offer operation that has no conversion of its own.
    #[error("Offer.Operation: {operation} (type {number}) has no conversion of its own: {reason}")]
    Unsupported {
        /// Name of the operation in Mesos, or `UNKNOWN`.
        operation: &'static str,
        /// Number of the operation's type.
        number: u64,
        /// Why there is none.
        reason: &'static str,
    },
    /// A message with declared fields does not decode.
    #[error("{message}: does not decode at byte {offset} of {length} (field {field}): {reason}")]
    Malformed {
        /// Message that was being read.
        message: &'static str,
        /// Where the field that does not decode begins.
        offset: usize,
        /// Length of the whole message.
        length: usize,
        /// Number of the field that does not decode, 0 if not even a tag could be read.
        field: u32,
        /// What the decoder said.
        reason: String,
    },
}

fn quoted(bytes: &[u8]) -> String {
    format!("`{}`", shown(bytes))
}

/// Text of the host for a person to read: as it is if it is printable UTF-8, else escaped.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}
