//! Named broken inputs, each with the error it has to give: the variant, and what its text has to name.

use apportion_wire::WireError;
use apportion_wire::messages::LabelList;
use apportion_wire::operation::conversions;
use apportion_wire::resource::{
    comparison_key, facts, pop_reservation, push_reservation, read_reservation, split, strip_volume,
};

use crate::parsing::{bytes_field as text, varint_field as number};

/// A sub-message field.
fn message(field: u32, parts: &[&[u8]]) -> Vec<u8> {
    text(field, &parts.concat())
}

/// A `double` field.
fn double(field: u32, value: f64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::double::encode(field, &value, &mut bytes);
    bytes
}

fn scalar(value: f64) -> Vec<u8> {
    message(3, &[&double(1, value)])
}

fn range(begin: u64, end: u64) -> Vec<u8> {
    message(1, &[&number(1, begin), &number(2, end)])
}

/// `cpus:2` followed by these bytes.
fn cpus_and(more: &[u8]) -> Vec<u8> {
    [text(1, b"cpus"), number(2, 0), scalar(2.0), more.to_vec()].concat()
}

/// A resource of this type with this value field.
fn of_type(value_type: u64, value: &[u8]) -> Vec<u8> {
    [text(1, b"r"), number(2, value_type), value.to_vec()].concat()
}

fn ranges(parts: &[&[u8]]) -> Vec<u8> {
    of_type(1, &message(4, parts))
}

fn set(parts: &[&[u8]]) -> Vec<u8> {
    of_type(2, &message(5, parts))
}

fn reserved(parts: &[&[u8]]) -> Vec<u8> {
    cpus_and(&message(13, parts))
}

fn disk(parts: &[&[u8]]) -> Vec<u8> {
    [text(1, b"disk"), number(2, 0), scalar(2.0), message(7, parts)].concat()
}

fn source(parts: &[&[u8]]) -> Vec<u8> {
    disk(&[&message(3, parts)])
}

/// Name of the case, input, variant, text that the error's message has to hold.
type Case = (&'static str, Vec<u8>, &'static str, &'static str);

fn check<T: std::fmt::Debug>(cases: &[Case], read: impl Fn(&[u8]) -> Result<T, WireError>) {
    for (name, bytes, variant, detail) in cases {
        let error = match read(bytes) {
            Err(error) => error,
            Ok(value) => panic!("{name}: accepted as {value:?}"),
        };
        let debug = format!("{error:?}");
        let found = debug.split([' ', '(']).next().unwrap();
        assert_eq!(found, *variant, "{name}: {error}");
        assert!(error.to_string().contains(detail), "{name}: `{error}` does not say `{detail}`");
    }
}

fn broken_encodings() -> Vec<Case> {
    vec![
        ("tag cut after its first byte", cpus_and(&[0x80]), "Truncated", "Resource: cut off at byte 20"),
        ("tag without payload", cpus_and(&[0x70]), "Truncated", "at byte 20"),
        ("varint cut", cpus_and(&[0x70, 0xff, 0xff]), "Truncated", "needs 1 more"),
        ("length missing", cpus_and(&[0x72]), "Truncated", "0 are left"),
        ("length beyond the end", cpus_and(&[0x72, 5, b'a']), "Truncated", "needs 5 more bytes, 1 are left"),
        (
            "length beyond any memory",
            cpus_and(&[0x72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            "Truncated",
            "18446744073709551615",
        ),
        (
            "64-bit number cut",
            cpus_and(&[0x71, 1, 2, 3, 4, 5, 6, 7]),
            "Truncated",
            "needs 8 more bytes, 7 are left",
        ),
        ("32-bit number cut", cpus_and(&[0x75, 1, 2, 3]), "Truncated", "needs 4 more bytes, 3 are left"),
        ("name longer than the message", vec![0x0a, 9, b'c'], "Truncated", "at byte 2"),
        (
            "varint of eleven bytes",
            cpus_and(&[&[0x70][..], &[0xff; 10], &[1]].concat()),
            "OversizedVarint",
            "byte 20",
        ),
        (
            "varint of 65 bits",
            cpus_and(&[&[0x70][..], &[0xff; 9], &[2]].concat()),
            "OversizedVarint",
            "64 bits",
        ),
        ("tag of eleven bytes", cpus_and(&[0xff; 11]), "OversizedVarint", "byte 19"),
        (
            "length of eleven bytes",
            cpus_and(&[&[0x72][..], &[0x80; 11]].concat()),
            "OversizedVarint",
            "byte 20",
        ),
        ("field number 0", cpus_and(&[0x02, 0]), "InvalidTag", "tag 2 at byte 19"),
        ("zero byte", cpus_and(&[0]), "InvalidTag", "tag 0"),
        ("field number 2^29", cpus_and(&[0x80, 0x80, 0x80, 0x80, 0x10, 0]), "InvalidTag", "4294967296"),
        (
            "field number of 60 bits",
            cpus_and(&[&[0xff; 8][..], &[0x7f, 0]].concat()),
            "InvalidTag",
            "536870911",
        ),
        ("wire type 6", cpus_and(&[0x76]), "UndefinedWireType", "field 14"),
        ("wire type 7", cpus_and(&[0x77]), "UndefinedWireType", "type 7"),
        ("wire type 6 of a known field", vec![0x0e], "UndefinedWireType", "field 1 "),
        ("group end without begin", cpus_and(&[0x74]), "UnmatchedGroupEnd", "field 14"),
        ("group ended under another number", cpus_and(&[0x73, 0x7c]), "UnmatchedGroupEnd", "field 15"),
        (
            "outer group ended before the inner",
            cpus_and(&[0x73, 0x7b, 0x74]),
            "UnmatchedGroupEnd",
            "field 14",
        ),
        ("group not ended", cpus_and(&[0x73]), "Truncated", "byte 20"),
        ("group with a cut field", cpus_and(&[0x73, 0x0a, 9, 0x74]), "Truncated", "needs 9"),
        ("group with field number 0", cpus_and(&[0x73, 0x00, 0x74]), "InvalidTag", "byte 20"),
        ("group with wire type 7", cpus_and(&[0x73, 0x0f, 0x74]), "UndefinedWireType", "field 1 "),
        ("101 groups in each other", cpus_and(&[0x73; 101]), "NestedTooDeep", "100 deep"),
        ("a million groups in each other", cpus_and(&[0x73; 1_000_000]), "NestedTooDeep", "byte 119"),
    ]
}

fn wrong_wire_types() -> Vec<Case> {
    let wrong = "UnexpectedWireType";
    vec![
        (
            "name as varint",
            number(1, 5),
            wrong,
            "field 1 at byte 0 is a varint, expected a length-delimited field",
        ),
        ("name as double", double(1, 5.0), wrong, "is a 64-bit number"),
        ("name as group", vec![0x0b, 0x0c], wrong, "is a group"),
        ("name as 32-bit number", vec![0x0d, 0, 0, 0, 0], wrong, "is a 32-bit number"),
        ("first of two names as varint", [number(1, 5), cpus_and(b"")].concat(), wrong, "field 1"),
        ("type as text", [text(1, b"a"), text(2, b"")].concat(), wrong, "field 2"),
        ("scalar as bare double", of_type(0, &double(3, 2.0)), wrong, "field 3"),
        ("scalar value as varint", of_type(0, &message(3, &[&number(1, 2)])), wrong, "Value.Scalar"),
        ("scalar value as float", of_type(0, &message(3, &[&[0x0d, 0, 0, 0, 0]])), wrong, "Value.Scalar"),
        ("ranges as varint", of_type(1, &number(4, 1)), wrong, "field 4"),
        ("range as varint", ranges(&[&number(1, 1)]), wrong, "Value.Ranges"),
        (
            "range begin as text",
            ranges(&[&message(1, &[&text(1, b""), &number(2, 1)])]),
            wrong,
            "Value.Range",
        ),
        ("set as varint", of_type(2, &number(5, 1)), wrong, "field 5"),
        ("set item as varint", set(&[&number(1, 1)]), wrong, "Value.Set"),
        ("allocation as varint", cpus_and(&number(11, 1)), wrong, "field 11"),
        ("allocation role as varint", cpus_and(&message(11, &[&number(1, 1)])), wrong, "AllocationInfo"),
        ("provider as varint", cpus_and(&number(12, 1)), wrong, "field 12"),
        ("provider value as varint", cpus_and(&message(12, &[&number(1, 1)])), wrong, "ResourceProviderID"),
        ("reservation as varint", cpus_and(&number(13, 1)), wrong, "field 13"),
        ("reservation role as varint", reserved(&[&number(3, 1), &number(4, 1)]), wrong, "ReservationInfo"),
        ("reservation type as text", reserved(&[&text(3, b"a"), &text(4, b"")]), wrong, "field 4"),
        (
            "reservation principal as varint",
            reserved(&[&text(3, b"a"), &number(4, 1), &number(1, 1)]),
            wrong,
            "field 1 ",
        ),
        (
            "reservation labels as varint",
            reserved(&[&text(3, b"a"), &number(4, 1), &number(2, 1)]),
            wrong,
            "field 2",
        ),
        (
            "reservation label as varint",
            reserved(&[&text(3, b"a"), &number(4, 1), &message(2, &[&number(1, 1)])]),
            wrong,
            "Labels: field 1",
        ),
        (
            "reservation label key as varint",
            reserved(&[&text(3, b"a"), &number(4, 1), &message(2, &[&message(1, &[&number(1, 1)])])]),
            wrong,
            "Label: field 1",
        ),
        ("disk as varint", cpus_and(&number(7, 1)), wrong, "field 7"),
        ("persistence as varint", disk(&[&number(1, 1)]), wrong, "DiskInfo"),
        ("persistence id as varint", disk(&[&message(1, &[&number(1, 1)])]), wrong, "Persistence"),
        ("volume as varint", disk(&[&number(2, 1)]), wrong, "DiskInfo: field 2"),
        ("source as varint", disk(&[&number(3, 1)]), wrong, "DiskInfo: field 3"),
        ("source type as text", source(&[&text(1, b"")]), wrong, "Source: field 1"),
        ("source path as varint", source(&[&number(1, 1), &number(2, 1)]), wrong, "Source: field 2"),
        (
            "source root as varint",
            source(&[&number(1, 1), &message(2, &[&number(1, 1)])]),
            wrong,
            "Source.Path",
        ),
        ("source mount as varint", source(&[&number(1, 2), &number(3, 1)]), wrong, "Source: field 3"),
        ("source id as varint", source(&[&number(1, 4), &number(4, 1)]), wrong, "Source: field 4"),
        ("source metadata as varint", source(&[&number(1, 4), &number(5, 1)]), wrong, "Source: field 5"),
        ("source profile as varint", source(&[&number(1, 4), &number(6, 1)]), wrong, "Source: field 6"),
        ("source vendor as varint", source(&[&number(1, 4), &number(7, 1)]), wrong, "Source: field 7"),
        ("revocable as varint", cpus_and(&number(9, 1)), wrong, "field 9"),
        ("shared as varint", cpus_and(&number(10, 1)), wrong, "field 10"),
    ]
}

fn missing_parts() -> Vec<Case> {
    let missing = "MissingField";
    let role: &[u8] = &text(3, b"a");
    let dynamic: &[u8] = &number(4, 2);
    vec![
        ("nothing at all", vec![], missing, "Resource: the field `name`"),
        ("no name", [number(2, 0), scalar(2.0)].concat(), missing, "`name`"),
        ("empty name", [text(1, b""), number(2, 0), scalar(2.0)].concat(), missing, "`name`"),
        ("no type", [text(1, b"cpus"), scalar(2.0)].concat(), missing, "`type`"),
        ("scalar type without a value", of_type(0, b""), missing, "`scalar`"),
        ("ranges type without a value", of_type(1, b""), missing, "`ranges`"),
        ("set type without a value", of_type(2, b""), missing, "`set`"),
        ("scalar without a number", of_type(0, &message(3, &[])), missing, "Value.Scalar: the field `value`"),
        ("range without begin", ranges(&[&message(1, &[&number(2, 1)])]), missing, "`begin`"),
        ("range without end", ranges(&[&message(1, &[&number(1, 1)])]), missing, "`end`"),
        ("empty range", ranges(&[&message(1, &[])]), missing, "Value.Range"),
        (
            "allocation without role",
            cpus_and(&message(11, &[])),
            missing,
            "Resource.AllocationInfo: the field `role`",
        ),
        ("provider without id", cpus_and(&message(12, &[])), missing, "ResourceProviderID"),
        ("empty reservation", reserved(&[]), missing, "ReservationInfo"),
        ("reservation without type", reserved(&[role]), missing, "`type`"),
        ("reservation without role", reserved(&[dynamic]), missing, "`role`"),
        ("label without key", reserved(&[role, dynamic, &message(2, &[&message(1, &[])])]), missing, "Label"),
        ("persistence without id", disk(&[&message(1, &[])]), missing, "Persistence: the field `id`"),
        ("source without type", source(&[]), missing, "Source: the field `type`"),
        (
            "source label without key",
            source(&[&number(1, 4), &message(5, &[&message(1, &[])])]),
            missing,
            "`key`",
        ),
    ]
}

fn wrong_values() -> Vec<Case> {
    let (r12, r24, r55) = (range(1, 2), range(2, 4), range(5, 5));
    vec![
        ("text resource", of_type(3, b""), "UnknownEnum", "`type` holds 3"),
        ("type 4", of_type(4, b""), "UnknownEnum", "holds 4"),
        ("type -1", of_type(u64::MAX, b""), "UnknownEnum", "18446744073709551615"),
        ("known type after an unknown one", [number(2, 7), cpus_and(b"")].concat(), "UnknownEnum", "holds 7"),
        (
            "reservation of type unknown",
            reserved(&[&text(3, b"a"), &number(4, 0)]),
            "UnknownEnum",
            "ReservationInfo",
        ),
        ("reservation of type 3", reserved(&[&text(3, b"a"), &number(4, 3)]), "UnknownEnum", "holds 3"),
        ("source of type unknown", source(&[&number(1, 0)]), "UnknownEnum", "Source"),
        ("source of type 5", source(&[&number(1, 5)]), "UnknownEnum", "holds 5"),
        ("legacy role", cpus_and(&text(6, b"a")), "LegacyFormat", "`role`"),
        ("legacy role of everybody", cpus_and(&text(6, b"*")), "LegacyFormat", "upgrade"),
        ("legacy reservation", cpus_and(&message(8, &[])), "LegacyFormat", "`reservation`"),
        (
            "legacy role beside reservations",
            cpus_and(&[text(6, b"a"), message(13, &[])].concat()),
            "LegacyFormat",
            "",
        ),
        ("scalar type with ranges", of_type(0, &message(4, &[])), "ValueMismatch", "found `ranges`"),
        ("scalar type with set", of_type(0, &message(5, &[])), "ValueMismatch", "found `set`"),
        ("ranges type with scalar", of_type(1, &scalar(1.0)), "ValueMismatch", "asks for the field `ranges`"),
        ("ranges type with set", of_type(1, &message(5, &[])), "ValueMismatch", "found `set`"),
        ("set type with scalar", of_type(2, &scalar(1.0)), "ValueMismatch", "asks for the field `set`"),
        ("set type with ranges", of_type(2, &message(4, &[])), "ValueMismatch", "found `ranges`"),
        ("scalar and set", cpus_and(&message(5, &[])), "ValueMismatch", "found `set`"),
        ("scalar and ranges", cpus_and(&message(4, &[])), "ValueMismatch", "found `ranges`"),
        ("scalar NaN", of_type(0, &scalar(f64::NAN)), "InvalidScalar", "NaN"),
        ("scalar infinity", of_type(0, &scalar(f64::INFINITY)), "InvalidScalar", "inf"),
        ("scalar minus infinity", of_type(0, &scalar(f64::NEG_INFINITY)), "InvalidScalar", "-inf"),
        ("negative scalar", of_type(0, &scalar(-1.0)), "InvalidScalar", "-1"),
        ("barely negative scalar", of_type(0, &scalar(-1e-9)), "InvalidScalar", "-0.000000001"),
        ("scalar that rounds to nothing", of_type(0, &scalar(0.0004)), "InvalidScalar", "0.0004"),
        ("subnormal scalar", of_type(0, &scalar(5e-324)), "InvalidScalar", "at least 0.0005"),
        ("scalar that would wrap", of_type(0, &scalar(1e16)), "InvalidScalar", "9.2e15"),
        ("range that ends before it begins", ranges(&[&range(2, 1)]), "InvalidRange", "[2-1]"),
        ("overlapping ranges", ranges(&[&r12, &r24]), "OverlappingRanges", "member 2"),
        ("overlapping ranges in descending order", ranges(&[&r24, &r12]), "OverlappingRanges", "member 2"),
        (
            "overlap of ranges that are no neighbours",
            ranges(&[&range(1, 9), &r55, &range(20, 30)]),
            "OverlappingRanges",
            "5",
        ),
        ("the same range twice", ranges(&[&r55, &r55]), "OverlappingRanges", "member 5"),
        (
            "set with an item twice",
            set(&[&text(1, b"a\xff"), &text(1, b"b"), &text(1, b"a\xff")]),
            "DuplicateItem",
            "a\\xff",
        ),
        ("set with the empty item twice", set(&[&text(1, b""), &text(1, b"")]), "DuplicateItem", "``"),
    ]
}

fn broken_inside() -> Vec<Case> {
    let cut: &[u8] = &[0x0a, 5];
    let good: [&[u8]; 2] = [&text(3, b"a"), &number(4, 1)];
    let with = |more: Vec<u8>| reserved(&[good[0], good[1], &more]);
    vec![
        (
            "scalar cut",
            of_type(0, &message(3, &[&[0x09, 1]])),
            "Truncated",
            "Value.Scalar: cut off at byte 1",
        ),
        ("range cut", ranges(&[&message(1, &[&[0x08]])]), "Truncated", "Value.Range: "),
        ("ranges cut", ranges(&[cut]), "Truncated", "Value.Ranges: "),
        ("set cut", set(&[cut]), "Truncated", "Value.Set: "),
        ("allocation cut", cpus_and(&message(11, &[cut])), "Truncated", "AllocationInfo: "),
        ("provider cut", cpus_and(&message(12, &[cut])), "Truncated", "ResourceProviderID: "),
        ("reservation cut", reserved(&[cut]), "Truncated", "ReservationInfo: "),
        ("reservation labels cut", with(message(2, &[cut])), "Truncated", "Labels: "),
        ("reservation label cut", with(message(2, &[&message(1, &[cut])])), "Truncated", "Label: "),
        ("disk cut", disk(&[cut]), "Truncated", "DiskInfo: "),
        ("persistence cut", disk(&[&message(1, &[cut])]), "Truncated", "Persistence: "),
        ("volume cut", disk(&[&message(2, &[cut])]), "Truncated", "Volume: "),
        ("source cut", source(&[cut]), "Truncated", "Source: "),
        ("source path cut", source(&[&number(1, 1), &message(2, &[cut])]), "Truncated", "Path: "),
        ("source mount cut", source(&[&number(1, 2), &message(3, &[cut])]), "Truncated", "Mount: "),
        ("source metadata cut", source(&[&number(1, 4), &message(5, &[cut])]), "Truncated", "Labels: "),
        ("revocable with rubbish inside", cpus_and(&message(9, &[cut])), "Truncated", "RevocableInfo: "),
        ("shared with rubbish inside", cpus_and(&message(10, &[&[0]])), "InvalidTag", "SharedInfo: "),
    ]
}

#[test]
fn broken_resources_are_refused_with_the_reason() {
    let tables = [broken_encodings(), wrong_wire_types(), missing_parts(), wrong_values(), broken_inside()];
    assert!(tables.iter().map(Vec::len).sum::<usize>() >= 100);
    for cases in tables {
        check(&cases, |bytes| split(bytes).map(drop));
    }
}

#[test]
fn broken_identities_are_refused_by_every_function_on_identities() {
    let broken: Vec<Case> = vec![
        ("cut", vec![0x0a, 9], "Truncated", "Resource"),
        ("no name", number(2, 0), "MissingField", "name"),
        ("no type", text(1, b"cpus"), "MissingField", "type"),
        ("legacy", [text(1, b"a"), number(2, 0), text(6, b"r")].concat(), "LegacyFormat", "role"),
        ("broken reservation", reserved(&[&[0x0a, 5]]), "Truncated", "ReservationInfo"),
    ];
    check(&broken, |bytes| facts(bytes).map(drop));
    check(&broken, comparison_key);
    check(&broken, pop_reservation);
    check(&broken, strip_volume);
    check(&broken, |identity| push_reservation(identity, &[text(3, b"a"), number(4, 2)].concat()));
}

#[test]
fn broken_reservations_are_refused() {
    let identity = [text(1, b"cpus"), number(2, 0)].concat();
    let broken: Vec<Case> = vec![
        ("nothing", vec![], "MissingField", "type"),
        ("cut", vec![0x0a, 9], "Truncated", "ReservationInfo"),
        ("no role", number(4, 2), "MissingField", "role"),
        ("type unknown", [text(3, b"a"), number(4, 0)].concat(), "UnknownEnum", "type"),
    ];
    check(&broken, |bytes| read_reservation(bytes).map(drop));
    check(&broken, |reservation| push_reservation(&identity, reservation));
}

#[test]
fn broken_operations_are_refused_with_the_reason() {
    let reserve = |parts: &[&[u8]]| [number(1, 2), message(3, parts)].concat();
    let plain = text(1, &cpus_and(b""));
    let broken: Vec<Case> = vec![
        ("nothing", vec![], "MissingField", "Offer.Operation: the field `type`"),
        ("type as text", text(1, b""), "UnexpectedWireType", "Offer.Operation"),
        ("cut", vec![0x08], "Truncated", "Offer.Operation"),
        ("reserve without content", number(1, 2), "MissingField", "`reserve`"),
        ("unreserve without content", number(1, 3), "MissingField", "`unreserve`"),
        ("create without content", number(1, 4), "MissingField", "`create`"),
        ("destroy without content", number(1, 5), "MissingField", "`destroy`"),
        (
            "reserve with another content",
            [number(1, 2), message(4, &[])].concat(),
            "MissingField",
            "`reserve`",
        ),
        ("content as varint", [number(1, 2), number(3, 1)].concat(), "UnexpectedWireType", "field 3"),
        ("content cut", reserve(&[&[0x0a, 3]]), "Truncated", "Offer.Operation.Reserve"),
        ("resource as varint", reserve(&[&number(1, 3)]), "UnexpectedWireType", "Reserve: field 1"),
        ("source as varint", reserve(&[&number(2, 3)]), "UnexpectedWireType", "Reserve: field 2"),
        ("broken resource", reserve(&[&text(1, b"")]), "MissingField", "Resource"),
        ("broken source", reserve(&[&text(2, &[0x0a, 5])]), "Truncated", "Resource"),
        ("legacy resource", reserve(&[&text(1, &cpus_and(&text(6, b"a")))]), "LegacyFormat", "role"),
        ("reserve of the unreserved", reserve(&[&plain]), "Unreserved", "RESERVE"),
        (
            "unreserve of the unreserved",
            [number(1, 3), message(4, &[&plain])].concat(),
            "Unreserved",
            "UNRESERVE",
        ),
        ("create of no volume", [number(1, 4), message(5, &[&plain])].concat(), "NotAVolume", "CREATE"),
        ("destroy of no volume", [number(1, 5), message(6, &[&plain])].concat(), "NotAVolume", "DESTROY"),
        (
            "create of a disk without persistence",
            [number(1, 4), message(5, &[&text(1, &source(&[&number(1, 1)]))])].concat(),
            "NotAVolume",
            "disk.persistence",
        ),
    ];
    check(&broken, conversions);
}

#[test]
fn broken_labels_are_refused() {
    let broken: Vec<Case> = vec![
        ("cut", vec![0x0a], "Malformed", "Labels: does not decode at byte 0 of 1"),
        ("label as varint", number(1, 1), "Malformed", "field 1"),
        ("label without key", message(1, &[&text(2, b"v")]), "MissingField", "Label: the field `key`"),
        ("label cut", message(1, &[&[0x0a, 9]]), "Truncated", "Label"),
        (
            "label value as varint",
            message(1, &[&text(1, b"k"), &number(2, 1)]),
            "UnexpectedWireType",
            "field 2",
        ),
    ];
    check(&broken, LabelList::decode);
}
