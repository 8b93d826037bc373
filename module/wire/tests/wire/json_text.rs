//! The JSON form of resources, and that what is written in either form can be read again.

use apportion_wire::WireError;
use apportion_wire::resource::{ResourceParts, split};
use apportion_wire::text::{
    PrintError, TextError, describe, read, read_agent_resources, write_json, write_plain,
};
use proptest::prelude::*;
use prost::Message;

use crate::entropy::{Draw, Entropy, entropy, resource};
use crate::full;
use crate::stock::{disk, list, parts, sourced, volume};

fn cpus(members: &str) -> String {
    format!(r#"{{"name": "cpus", "type": "SCALAR", "scalar": {{"value": 1}}{members}}}"#)
}

/// What the rules for agents say of a single resource.
fn refused(resource: &str) -> String {
    assert!(read(&list(&[resource]), "*").is_ok(), "it is a resource in itself");
    let error = read_agent_resources(&list(&[&cpus(""), resource]), "*").unwrap_err();
    assert!(matches!(error, TextError::NotOfAnAgent { .. }), "{error}");
    error.to_string()
}

#[test]
fn item_060_an_agent_cannot_start_with_a_persistent_volume() {
    let said = refused(&volume(8.0, "v"));
    assert!(
        said.contains("[v:data]") && said.contains("persistent volume") && said.contains("CREATE"),
        "{said}"
    );
}

#[test]
fn item_060_an_agent_cannot_start_with_revocable_resources() {
    let said = refused(&cpus(r#", "revocable": {}"#));
    assert!(said.contains("cpus{REV}:1") && said.contains("revocable"), "{said}");
}

#[test]
fn item_060_an_agent_cannot_start_with_dynamic_reservations() {
    let said = refused(&cpus(r#", "reservations": [{"type": "DYNAMIC", "role": "r"}]"#));
    assert!(said.contains("(DYNAMIC,r)") && said.contains("RESERVE"), "{said}");
    refused(&cpus(r#", "role": "r", "reservation": {"principal": "p"}"#));
}

#[test]
fn item_061_a_single_object_is_refused() {
    let error = read_agent_resources(&cpus(""), "*").unwrap_err();
    assert_eq!(
        error.to_string(),
        "found a single JSON object; expected a JSON array of resources: put it between `[` and `]`"
    );
    assert!(read_agent_resources(&list(&[&cpus("")]), "*").is_ok());
}

#[test]
fn disks_with_a_path_or_a_mount_are_given_in_json() {
    let of_role = |text: &str| text.replace("DYNAMIC", "STATIC");
    let path = of_role(&sourced(10.0, r#""type": "PATH", "path": {"root": "/mnt2"}"#));
    let mount = of_role(&sourced(10.0, r#""type": "MOUNT", "mount": {"root": "/mnt1"}"#));
    let told = describe(&read_agent_resources(&list(&[&path, &mount]), "*").unwrap()).unwrap();
    let reserved = "(reservations: [(STATIC,r)])";
    assert_eq!(told, format!("disk{reserved}[PATH:/mnt2]:10; disk{reserved}[MOUNT:/mnt1]:10"));
}

#[test]
fn both_formats_of_reservations_and_the_default_role_are_read() {
    let text = list(&[
        &cpus(""),
        &cpus(r#", "reservations": []"#),
        &cpus(r#", "role": "*""#),
        &cpus(r#", "role": "r""#),
        &cpus(r#", "role": "r", "reservation": {"principal": "p"}"#),
        &cpus(r#", "reservations": [{"type": "STATIC", "role": "r"}, {"type": "DYNAMIC", "role": "r/s"}]"#),
    ]);
    assert_eq!(
        describe(&read(&text, "d").unwrap()).unwrap(),
        "cpus(reservations: [(STATIC,d)]):1; cpus(reservations: [(STATIC,d)]):1; cpus:1; \
         cpus(reservations: [(STATIC,r)]):1; cpus(reservations: [(DYNAMIC,r,p)]):1; \
         cpus(reservations: [(STATIC,r),(DYNAMIC,r/s)]):1"
    );
}

#[test]
fn each_slip_in_json_is_told_with_its_place() {
    let slips = [
        (r#"[{"name": "cpus"}]"#, &["resources[0].type", "nothing", "\"SCALAR\" or \"RANGES\""][..]),
        (r"[1]", &["resources[0]", "found 1", "an object"]),
        (r#"[{"name": 1}]"#, &["resources[0].name", "found 1", "a string"]),
        (r#"[{"name": "c", "type": "TEXT"}]"#, &["resources[0].type", "\"TEXT\"", "\"SET\""]),
        (r#"[{"name": "c", "type": "SCALAR"}]"#, &["resources[0]", "`scalar` is missing"]),
        (r#"[{"name": "c", "type": "SCALAR", "scalar": {}}]"#, &["resources[0].scalar.value", "required"]),
        (
            r#"[{"name": "c", "type": "SCALAR", "scalar": {"value": "1"}}]"#,
            &["resources[0].scalar.value", "found \"1\"", "a number"],
        ),
        (r#"[{"name": "c", "type": "SCALAR", "scalar": {"value": -1}}]"#, &["resources[0]", "-1", "no"]),
        (r#"[{"name": "c", "type": "RANGES", "ranges": {"range": {}}}]"#, &["ranges.range", "an array"]),
        (
            r#"[{"name": "c", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2.5}]}}]"#,
            &["resources[0].ranges.range[0].end", "2.5", "a whole number"],
        ),
        (
            r#"[{"name": "c", "type": "RANGES", "ranges": {"range": [{"begin": 2, "end": 1}]}}]"#,
            &["resources[0]", "[2-1]"],
        ),
        (
            r#"[{"name": "c", "type": "RANGES", "ranges": {"range": [{"begin": 5, "end": 9}, {"begin": 1, "end": 6}]}}]"#,
            &["resources[0]", "share the member 5"],
        ),
        (r#"[{"name": "c", "type": "SET", "scalar": {"value": 1}}]"#, &["resources[0]", "`set`", "`scalar`"]),
        (r#"[{"nam": "c"}]"#, &["resources[0]", "`nam`", "`name`"]),
        (
            r#"[{"name": "c", "type": "SCALAR", "revocable": {"x": 1}}]"#,
            &["resources[0].revocable", "`x`", "no member"],
        ),
        (r#"[{"name": "cpus""#, &["not valid JSON", "line 1", "cpus:8;mem:4096"]),
    ];
    for (text, named) in slips {
        let error = read(text, "*").unwrap_err().to_string();
        for named in named {
            assert!(error.contains(named), "{text}: `{named}` is missing in: {error}");
        }
    }
    let shared = cpus(r#", "shared": {}"#);
    let error = read(&list(&[&cpus(""), &shared]), "*").unwrap_err();
    let rule = WireError::InvalidResource {
        name: b"cpus".to_vec(),
        reason: "only a persistent volume can be shared",
    };
    assert_eq!(error, TextError::Invalid { place: "resources[1]".to_owned(), rule });
}

#[test]
fn what_json_cannot_say_is_told() {
    let mut unknown = parts("cpus:1");
    unknown[0].identity.extend(crate::parsing::varint_field(99, 1));
    let error = write_json(&unknown).unwrap_err();
    assert_eq!(error, PrintError::UnknownField { path: "resources[0]".to_owned(), field: 99 });
    let mut foreign = parts("cpus:1");
    foreign[0].allocation_role = Some(b"\xff".to_vec());
    let error = write_json(&foreign).unwrap_err();
    assert_eq!(error.to_string(), r"resources[0].allocation_info.role: `\xff` cannot be written there");
}

/// A text of letters, of characters that mean something in one of the forms, and of others.
fn draw_text(entropy: &mut Entropy) -> Vec<u8> {
    let characters =
        ["a", "b", "cpus", "é", "\"", "\\", "\n", "(", ":", ";", ",", " ", "{", "日", "\u{1}", "0"];
    let length = 1 + entropy.below(4);
    (0..length).map(|_| characters[entropy.below(characters.len())]).collect::<String>().into_bytes()
}

fn draw_labels(entropy: &mut Entropy) -> full::Labels {
    let label = |entropy: &mut Entropy| full::Label {
        key: draw_text(entropy),
        value: bool::draw(entropy).then(|| draw_text(entropy)),
    };
    full::Labels { labels: (0..entropy.below(3)).map(|_| label(entropy)).collect() }
}

/// A stack of up to three reservations whose roles descend.
fn draw_stack(entropy: &mut Entropy) -> Vec<full::ResourceReservationInfo> {
    let depth = entropy.below(4);
    let mut role = "é".to_owned();
    let mut stack = Vec::new();
    for level in 0..depth {
        let dynamic = level > 0 || bool::draw(entropy);
        stack.push(full::ResourceReservationInfo {
            principal: bool::draw(entropy).then(|| draw_text(entropy)),
            labels: bool::draw(entropy).then(|| draw_labels(entropy)),
            role: Some(role.clone().into_bytes()),
            r#type: Some(if dynamic { 2 } else { 1 }),
        });
        role += "/b";
    }
    stack
}

fn draw_source(entropy: &mut Entropy) -> full::DiskSource {
    let kind = 1 + i32::from(entropy.byte() % 4);
    let root = |entropy: &mut Entropy| bool::draw(entropy).then(|| draw_text(entropy));
    full::DiskSource {
        r#type: kind,
        path: (kind == 1).then(|| full::DiskSourcePath { root: root(entropy) }),
        mount: (kind == 2).then(|| full::DiskSourceMount { root: root(entropy) }),
        vendor: root(entropy),
        id: root(entropy),
        profile: root(entropy),
        metadata: bool::draw(entropy).then(|| draw_labels(entropy)),
    }
}

fn draw_disk(entropy: &mut Entropy) -> full::Disk {
    full::Disk {
        persistence: bool::draw(entropy).then(|| full::DiskPersistence {
            id: draw_text(entropy),
            principal: bool::draw(entropy).then(|| draw_text(entropy)),
        }),
        volume: bool::draw(entropy).then(|| full::Volume {
            container_path: draw_text(entropy),
            host_path: bool::draw(entropy).then(|| draw_text(entropy)),
            mode: 1 + i32::from(bool::draw(entropy)),
            image: None,
            source: None,
        }),
        source: bool::draw(entropy).then(|| draw_source(entropy)),
    }
}

/// A valid resource of any kind, of which there is something.
fn draw_valid(entropy: &mut Entropy) -> ResourceParts {
    let mut drawn = full::Resource { name: draw_text(entropy), ..full::Resource::default() };
    match entropy.below(3) {
        0 => drawn.scalar = Some(full::ValueScalar { value: f64::from(1 + u32::from(entropy.byte())) / 8.0 }),
        1 => {
            drawn.r#type = 1;
            let begin = u64::draw(entropy) / 2;
            let range = |offset| full::ValueRange { begin: begin + offset, end: begin + offset + 3 };
            drawn.ranges = Some(full::ValueRanges { range: vec![range(4), range(0), range(9)] });
        }
        _ => {
            drawn.r#type = 2;
            let mut item: Vec<Vec<u8>> = (0..=entropy.below(3)).map(|_| draw_text(entropy)).collect();
            item.sort();
            item.dedup();
            drawn.set = Some(full::ValueSet { item });
        }
    }
    if drawn.scalar.is_some() && bool::draw(entropy) {
        drawn.name = b"disk".to_vec();
        drawn.disk = bool::draw(entropy).then(|| draw_disk(entropy));
        let volume = drawn.disk.as_ref().is_some_and(|disk| disk.persistence.is_some());
        drawn.shared = (volume && bool::draw(entropy)).then(full::ResourceSharedInfo::default);
    }
    drawn.reservations = draw_stack(entropy);
    drawn.revocable = bool::draw(entropy).then(full::ResourceRevocableInfo::default);
    drawn.provider_id = bool::draw(entropy).then(|| full::ResourceProviderId { value: draw_text(entropy) });
    drawn.allocation_info =
        bool::draw(entropy).then(|| full::ResourceAllocationInfo { role: Some(draw_text(entropy)) });
    split(&drawn.encode_to_vec()).unwrap().into_parts()
}

fn collection() -> impl Strategy<Value = Vec<ResourceParts>> {
    proptest::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| {
        let entropy = &mut Entropy::new(bytes);
        (0..entropy.below(6)).map(|_| draw_valid(entropy)).collect()
    })
}

fn normal(mut resources: Vec<ResourceParts>) -> Vec<ResourceParts> {
    resources.iter_mut().for_each(|resource| resource.value.normalise());
    resources
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_as_json_reads_as_the_same(resources in collection()) {
        let written = write_json(&resources).unwrap();
        prop_assert_eq!(read(&written, "default").unwrap_or_default().len(), resources.len(), "{}", written);
        // A resource without reservations would get the default role, so that is nobody's here.
        prop_assert_eq!(read(&written, "*"), Ok(resources));
    }

    #[test]
    fn what_is_written_plainly_reads_as_the_same(resources in collection()) {
        let plain: Vec<ResourceParts> =
            resources.into_iter().filter(|one| write_plain(std::slice::from_ref(one)).is_ok()).collect();
        let written = write_plain(&plain).unwrap();
        prop_assert_eq!(read(&written, "*"), Ok(normal(plain)), "{}", written);
    }

    #[test]
    fn plain_resources_are_written_plainly(
        resources in proptest::collection::vec(
            ("[a-z_]{1,8}", proptest::option::of("[a-z]{1,4}(/[a-z.-]{0,3}[a-z])?"), 1_i64..9_000_000, 0_usize..3),
            0..8,
        ),
    ) {
        let tokens = resources.into_iter().map(|(name, role, number, kind)| {
            let role = role.filter(|role| !role.contains("/-")).map(|role| format!("({role})")).unwrap_or_default();
            let value = match kind {
                0 => format!("{}.{:03}", number / 1000, number % 1000),
                1 => format!("[{}-{}, {number}-{}]", number + 50, number + 60, number + 3),
                _ => format!("{{sd{number}, a{number}}}"),
            };
            format!("{name}{role}:{value}")
        });
        let text = tokens.collect::<Vec<_>>().join(";");
        let resources = normal(parts(&text));
        let written = write_plain(&resources).unwrap();
        prop_assert_eq!(read(&written, "*"), Ok(resources), "{} from {}", written, text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}():;,\\-. \"a-c0-9\n]{0,40}", any in ".{0,40}") {
        for text in [text, any] {
            let _ = (read(&text, "*"), read_agent_resources(&text, &text));
        }
    }

    #[test]
    fn whatever_the_host_sends_is_written_or_refused_without_panic(resource in resource(), noise in entropy()) {
        let part = split(&resource.encode_to_vec()).unwrap().into_parts();
        prop_assert!(describe(std::slice::from_ref(&part)).is_ok());
        let broken = ResourceParts { identity: noise, ..part.clone() };
        for part in [part, broken] {
            let one = std::slice::from_ref(&part);
            let _ = (write_json(one), write_plain(one), describe(one));
        }
    }
}

#[test]
fn a_range_that_is_not_joined_stays_so_in_json() {
    let text =
        r#"[{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":5,"end":9},{"begin":1,"end":4}]}}]"#;
    assert_eq!(write_json(&parts(text)).unwrap(), text);
    let disks = list(&[&disk(1.5, "")]);
    let written = write_json(&parts(&disks)).unwrap();
    assert_eq!(
        written,
        r#"[{"name":"disk","type":"SCALAR","scalar":{"value":1.5},"reservations":[{"type":"DYNAMIC","role":"r"}]}]"#
    );
}
