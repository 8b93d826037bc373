//! The plain form of resources: `cpus:8;mem(web):4096;ports:[31000-32000];disks:{sda1}`.

use apportion_wire::resource::facts;
use apportion_wire::text::{PrintError, TextError, describe, read, read_agent_resources, write_plain};
use apportion_wire::{Range, Scalar, Value, ValueType};
use proptest::prelude::*;

use crate::stock::{Stock, disk, list, parts, shared, sourced};

fn described(text: &str) -> String {
    describe(&parts(text)).unwrap()
}

/// The error of a text; it has to name all of these.
fn error(text: &str, named: &[&str]) -> TextError {
    let error = read(text, "*").unwrap_err();
    for named in named {
        assert!(error.to_string().contains(named), "{text:?}: `{named}` is missing in: {error}");
    }
    error
}

#[test]
fn item_005_nothing_of_a_resource_is_read_without_error() {
    for text in ["cpus:0", "gpus:0", "cpus:0.0", "cpus:-0", "ports:[]", "disks:{}"] {
        assert_eq!(read(text, "*"), Ok(vec![]), "{text}");
    }
    assert_eq!(described("cpus:0;mem:1"), "mem:1");
}

#[test]
fn item_006_tiny_and_negative_numbers_are_refused() {
    for tiny in ["0.00001", "0.0004", "1e-9"] {
        error(&format!("cpus:{tiny}"), &[tiny, "less than half a thousandth", "expected 0"]);
    }
    for negative in ["-1", "-0.5", "-0.0001", "-1e300"] {
        error(&format!("mem:1;cpus:{negative}"), &[negative, "below 0"]);
    }
    assert_eq!(described("cpus:0.0005"), "cpus:0.001");
    error("cpus:1e300", &["1e300", "too large"]);
}

#[test]
fn item_007_what_is_not_finite_or_subnormal_is_refused() {
    for odd in ["nan", "NaN", "inf", "-inf", "infinity", "1e999"] {
        error(&format!("cpus:{odd}"), &[odd, "not a finite number"]);
    }
    error("cpus:4e-320", &["4e-320", "subnormal"]);
    error("cpus:-4e-320", &["subnormal"]);
}

#[test]
fn item_017_collections_are_equal_whatever_the_order_of_entries_ranges_and_items() {
    let mut stock = Stock::new();
    let left = stock.of("cpus:2;mem(r):64;ports:[1-4,8-9];disks:{a,b};ports(r):[5-5]");
    let right = stock.of("ports(r):[5-5];disks:{b,a};ports:[8-9,3-4,1-2];mem(r):64;cpus:1;cpus:1");
    assert_eq!(left, right);
    assert_ne!(left, stock.of("cpus:2;mem(r):64;ports:[1-4,8-9];disks:{a,b}"));
}

proptest! {
    #[test]
    fn item_017_any_order_reads_as_the_same_collection(
        ports in proptest::collection::btree_set(1_u64..60, 0..20),
        disks in proptest::collection::btree_set("[a-z]{1,3}", 0..8),
        cpus in proptest::collection::vec(1_i64..5000, 0..6),
    ) {
        let token = |name: &str, open, items: Vec<String>, close| format!("{name}:{open}{}{close}", items.join(","));
        let forward = |reverse: bool| {
            let turn = |mut items: Vec<String>| {
                if reverse {
                    items.reverse();
                }
                items
            };
            let ports: Vec<String> = ports.iter().map(|port| format!("{port}-{port}")).collect();
            let mut tokens = vec![
                token("ports", '[', turn(ports), ']'),
                token("disks", '{', turn(disks.iter().cloned().collect()), '}'),
            ];
            tokens.extend(cpus.iter().map(|cpus| format!("cpus:{}", Scalar::from_thousandths(*cpus).unwrap())));
            turn(tokens).join(";")
        };
        let mut stock = Stock::new();
        prop_assert_eq!(stock.of(&forward(false)), stock.of(&forward(true)));
    }
}

#[test]
fn item_018_numbers_are_written_in_full_with_at_most_three_decimals() {
    let written = |text: &str| write_plain(&parts(text)).unwrap();
    assert_eq!(written("mem:1099511627775.5"), "mem:1099511627775.5");
    assert_eq!(written("cpus:1.5011"), "cpus:1.501");
    assert_eq!(written("cpus:1.5015"), "cpus:1.502");
    assert_eq!(written("cpus:10.100"), "cpus:10.1");
    assert_eq!(written("cpus:1e3"), "cpus:1000");
    assert_eq!(written("cpus:0.0005"), "cpus:0.001");
}

#[test]
fn item_056_three_types_of_values_are_read() {
    let resources = parts("cpus:45.55;ports:[10000-20000, 30000-50000];disks:{sda1}");
    let values: Vec<&Value> = resources.iter().map(|part| &part.value).collect();
    let ranges = vec![Range { begin: 10_000, end: 20_000 }, Range { begin: 30_000, end: 50_000 }];
    assert_eq!(
        values,
        [
            &Value::Scalar(Scalar::from_f64(45.55).unwrap()),
            &Value::Ranges(ranges),
            &Value::Set(vec![b"sda1".to_vec()]),
        ]
    );
    let types = resources.iter().map(|part| facts(&part.identity).unwrap().value_type);
    let types: Vec<ValueType> = types.collect();
    assert_eq!(types, [ValueType::Scalar, ValueType::Ranges, ValueType::Set]);
}

#[test]
fn item_057_roles_become_static_reservations() {
    let text = "cpus(role1):2.5;ports(role2):[0-100]";
    let told = "cpus(reservations: [(STATIC,role1)]):2.5; ports(reservations: [(STATIC,role2)]):[0-100]";
    assert_eq!(described(text), told);
    let default = read("cpus:2.5;mem(*):1;disk(role2):1", "role1").unwrap();
    assert_eq!(
        describe(&default).unwrap(),
        "cpus(reservations: [(STATIC,role1)]):2.5; mem:1; disk(reservations: [(STATIC,role2)]):1"
    );
    assert!(read("cpus:1", "no//role").is_err());
}

#[test]
fn item_058_broken_brackets_around_a_role_are_refused() {
    error("cpus(role1)", &["cpus(role1)", "no value", "name(role):value"]);
    error("cpus(role1:1", &["cpus(role1:1", "`)` behind the role is missing"]);
    error("cpus)(role1:1", &["cpus)(role1:1", "before the `(`"]);
    error("cpus)(role1):1", &["before the `(`"]);
    error("cpus(role1)x:1", &["`x` stands between the role and the `:`"]);
    error("cpus():1", &["cpus():1", "no name of a role", "empty"]);
    error("cpus(a//b):1", &["a//b", "two slashes"]);
    error("(r):1", &["`name` is missing"]);
}

#[test]
fn item_059_a_name_with_two_types_is_refused() {
    let text = "foo(role1):1;foo(role2):[0-1]";
    let error = read_agent_resources(text, "*").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`foo` is given as a number and as ranges; expected one type for a name, whatever the role"
    );
    assert!(read_agent_resources("foo:1;bar:[0-1];foo(r):2", "*").is_ok());
}

#[test]
fn item_062_an_empty_text_is_an_empty_collection() {
    for text in ["", ";", ";;", "[]"] {
        assert_eq!(read_agent_resources(text, "*"), Ok(vec![]), "{text:?}");
    }
    assert_eq!(write_plain(&[]).unwrap(), "");
    assert_eq!(describe(&[]).unwrap(), "{}");
}

#[test]
fn separators_and_spaces_may_be_repeated() {
    assert_eq!(described(";cpus::8;; mem ( r ) : 4 0 9 6 ;"), "cpus:8; mem(reservations: [(STATIC,r)]):4096");
    assert_eq!(described("my disks:{ sda1 , sdb 2 }"), "my disks:{sda1, sdb2}");
    assert_eq!(described("ports:[5-9, 1-3, 4-4]"), "ports:[1-9]");
    assert_eq!(described("ports:[1-3,2-8]"), "ports:[1-8]", "text is joined before it is checked");
}

#[test]
fn each_slip_in_a_value_is_told_with_its_token() {
    error("cpus:1;mem", &["in `mem`", "no value", "expected `name:value`"]);
    error("cpus:", &["in `cpus:`"]);
    error("a:b:1", &["3 parts"]);
    error("cpus: ", &["empty"]);
    error("cpus:many", &["`many`", "bad type"]);
    error("ports:[1-2", &["`[` and `]` do not match"]);
    error("ports:1-2]", &["do not match"]);
    error("disks:{a", &["`{` and `}` do not match"]);
    error("disks:a{b}", &["`{` stands inside"]);
    error("ports:[1-2-3]", &["a bound is missing"]);
    error("ports:[1-x]", &["`x` is no whole number"]);
    error("ports:[+1-2]", &["`+1`"]);
    error("ports:[1-18446744073709551616]", &["18446744073709551616"]);
    error("ports:[9-3]", &["`9-3` ends before it begins"]);
    error("disks:{a,a}", &["disks:{a,a}", "twice"]);
}

#[test]
fn what_the_plain_form_cannot_say_is_told() {
    let cannot = |resources: &str, named: &str| {
        let error = write_plain(&parts(resources)).unwrap_err();
        assert!(matches!(error, PrintError::NotPlain { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    };
    let cpus = |members: &str| {
        format!(r#"[{{"name": "cpus", "type": "SCALAR", "scalar": {{"value": 1}}, {members}}}]"#)
    };
    cannot(&list(&[&disk(1.0, "")]), "dynamically reserved");
    cannot(&list(&[&shared(1.0, "v")]), "dynamically reserved");
    cannot(&list(&[&sourced(1.0, r#""type": "BLOCK""#)]), "dynamically reserved");
    cannot(&cpus(r#""revocable": {}"#), "is revocable");
    cannot(&cpus(r#""provider_id": {"value": "p"}"#), "resource provider");
    cannot(&cpus(r#""allocation_info": {"role": "r"}"#), "is allocated");
    let stack = r#""reservations": [{"type": "STATIC", "role": "r"}, {"type": "DYNAMIC", "role": "r/s"}]"#;
    cannot(&cpus(stack), "more than one reservation");
    cannot(&cpus(r#""reservations": [{"type": "STATIC", "role": "r", "principal": "p"}]"#), "principal");
}

#[test]
fn characters_that_mean_something_in_the_plain_form_are_not_written() {
    let number = |name| format!(r#"[{{"name": "{name}", "type": "SCALAR", "scalar": {{"value": 1}}}}]"#);
    let set = |item| format!(r#"[{{"name": "x", "type": "SET", "set": {{"item": ["{item}"]}}}}]"#);
    for name in ["a;b", "a:b", "a(b", "a(b)", " a", "a ", ";", "("] {
        let error = write_plain(&parts(&number(name))).unwrap_err();
        assert!(matches!(error, PrintError::Characters { .. }), "{name}: {error}");
    }
    for item in ["a,b", "a}", "{a", "a b", "a;b", "a:b", ""] {
        let error = write_plain(&parts(&set(item))).unwrap_err();
        assert!(matches!(error, PrintError::Characters { .. }), "{item}: {error}");
    }
    assert_eq!(write_plain(&parts(&number("a)b [c]"))).unwrap(), "a)b [c]:1");
}

#[test]
fn log_lines_show_what_mesos_shows() {
    let path = sourced(10.0, r#""type": "PATH", "path": {"root": "/mnt2"}"#);
    let raw = sourced(10.0, r#""type": "RAW", "vendor": "v", "id": "i", "profile": "p""#);
    let told = described(&list(&[&path, &raw, &shared(8.0, "id"), &shared(8.0, "id")]));
    let reserved = "(reservations: [(DYNAMIC,r)])";
    assert_eq!(
        told,
        format!(
            "disk{reserved}[PATH:/mnt2]:10; disk{reserved}[RAW(v,i,p)]:10; disk{reserved}[id:data]<SHARED>:8<2>"
        )
    );
    let revocable = r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.5}, "revocable": {},
        "allocation_info": {"role": "a"}, "reservations": [{"type": "DYNAMIC", "role": "r", "principal": "p",
        "labels": {"labels": [{"key": "k", "value": "v"}, {"key": "l"}]}}]}]"#;
    let told = "cpus(allocated: a)(reservations: [(DYNAMIC,r,p,{k: v, l})]){REV}:1.5";
    assert_eq!(described(revocable), told);
    let host = disk(
        1.0,
        r#""disk": {"persistence": {"id": "v"}, "source": {"type": "MOUNT", "mount": {"root": "/m"}},
            "volume": {"mode": "RO", "container_path": "c", "host_path": "/h"}}"#,
    );
    assert_eq!(described(&list(&[&host])), format!("disk{reserved}[MOUNT:/m,v:/h:c:ro]:1"));
}
