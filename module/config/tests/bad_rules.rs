//! Every mistake in a rule is told where it stands, with what was found, what was expected and what was probably meant.
//!
//! The files of the folders `bad_rules`, `bad_containers` and `bad_lending` hold the cases. A case begins with `== ` and what is wrong; its text follows, and
//! under each line with a mistake a mark, the path and the message, as the reader must give them. They are not part of
//! the text. A text that begins with no header stands in a rule named `r`. An ellipsis at the end of a line of a
//! message stands for the rest of it. Behind every text comes a good rule, which has to survive.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failure to prepare a test is a failure of the test")]

use std::collections::BTreeSet;

use apportion_config::{Config, Examination, Problem};

const FILES: [(&str, &str); 8] = [
    ("rule.txt", include_str!("bad_rules/rule.txt")),
    ("points.txt", include_str!("bad_rules/points.txt")),
    ("match.txt", include_str!("bad_rules/match.txt")),
    ("templates.txt", include_str!("bad_rules/templates.txt")),
    ("environment.txt", include_str!("bad_rules/environment.txt")),
    ("labels.txt", include_str!("bad_rules/labels.txt")),
    ("resources.txt", include_str!("bad_rules/resources.txt")),
    ("reactions.txt", include_str!("bad_rules/reactions.txt")),
];

/// Rules of one kind.
#[derive(Debug)]
struct Rules {
    files: &'static [(&'static str, &'static str)],
    /// What stands before a text without a header.
    before: &'static str,
    /// The rule behind every text that leaves room for one.
    good: &'static str,
    /// Whether a configuration has that rule.
    has_good: fn(&Config) -> bool,
}

const HOOK: Rules = Rules {
    files: &FILES,
    before: "[[hook.rules]]\nname = \"r\"\n",
    good: "[[hook.rules]]\nname = \"good\"\nlabels.set.good = \"1\"\n",
    has_good: |config| config.hook.rules.iter().any(|rule| rule.name == "good"),
};

const ISOLATOR: Rules = Rules {
    files: &[
        ("groups.txt", include_str!("bad_containers/groups.txt")),
        ("limits.txt", include_str!("bad_containers/limits.txt")),
        ("rule.txt", include_str!("bad_containers/rule.txt")),
        ("settings.txt", include_str!("bad_containers/settings.txt")),
    ],
    before: "[isolator.cgroups]\ncontrollers = [\"cpu\", \"memory\", \"pids\", \"io\", \"cpuset\", \"hugetlb\"]\n\
             [[isolator.rules]]\nname = \"r\"\n",
    good: "[[isolator.rules]]\nname = \"good\"\numask = \"077\"\n",
    has_good: |config| config.isolator.rules.iter().any(|rule| rule.name == "good"),
};

const LENDING: Rules = Rules {
    files: &[
        ("lending.txt", include_str!("bad_lending/lending.txt")),
        ("rules.txt", include_str!("bad_lending/rules.txt")),
        ("limits.txt", include_str!("bad_lending/limits.txt")),
        ("eviction.txt", include_str!("bad_lending/eviction.txt")),
    ],
    before: "[[lending.borrowers]]\nroles = \"batch/**\"\n[[lending.lenders]]\n",
    good: "[[lending.borrowers]]\nroles = \"good\"\n",
    has_good: |config| config.lending.borrower("good").is_some(),
};

/// A problem as a case tells it, and as the reader does.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    line: usize,
    column: usize,
    path: String,
    found: String,
    expected: String,
    hint: String,
}

impl Told {
    fn of(problem: &Problem) -> Told {
        let place = problem.place.clone().unwrap();
        Told {
            line: place.line,
            column: place.column,
            // A problem of the whole input has none.
            path: if problem.path.is_empty() { "-".to_owned() } else { problem.path.clone() },
            found: problem.found.clone(),
            expected: problem.expected.clone(),
            hint: problem.hint.clone().unwrap_or_default(),
        }
    }

    /// Whether the reader's words are those of the case.
    fn fits(&self, actual: &Told) -> bool {
        let says = |told: &str, actual: &str| match told.strip_suffix('…') {
            Some(start) => actual.starts_with(start),
            None => actual == told,
        };
        (self.line, self.column, &self.path) == (actual.line, actual.column, &actual.path)
            && says(&self.found, &actual.found)
            && says(&self.expected, &actual.expected)
            && says(&self.hint, &actual.hint)
    }
}

/// One bad rule.
#[derive(Debug, Clone)]
struct Case {
    of: &'static Rules,
    file: &'static str,
    name: String,
    /// The text without marks and messages.
    text: String,
    told: Vec<Told>,
}

impl Case {
    fn parse(of: &'static Rules, file: &'static str, block: &str) -> Case {
        let (name, rest) = block.split_once('\n').unwrap();
        let mut case = Case { of, file, name: name.to_owned(), text: String::new(), told: Vec::new() };
        let above = if case.stands_in_a_rule(rest) { of.before.lines().count() } else { 0 };
        let mut in_message = false;
        for line in rest.lines().filter(|line| !line.is_empty()) {
            let words = line.trim_start();
            if let Some(path) = words.strip_prefix("^ ") {
                let column = line.chars().take_while(|c| *c != '^').count() + 1;
                let line = above + case.text.lines().count();
                case.told.push(Told { line, column, path: path.to_owned(), ..Told::default() });
                in_message = true;
                continue;
            }
            let last = case.told.last_mut().filter(|_| in_message);
            match (last, words.split_once(": ")) {
                (Some(told), Some(("found", text))) => told.found = text.to_owned(),
                (Some(told), Some(("expected", text))) => told.expected = text.to_owned(),
                (Some(told), Some(("hint", text))) => told.hint = text.to_owned(),
                _ => {
                    case.text.push_str(&format!("{line}\n"));
                    in_message = false;
                }
            }
        }
        case
    }

    fn stands_in_a_rule(&self, text: &str) -> bool {
        !text.starts_with('[')
    }

    fn has_room(&self) -> bool {
        self.stands_in_a_rule(&self.text) || self.text.starts_with("[[")
    }

    fn document(&self) -> String {
        let before = if self.stands_in_a_rule(&self.text) { self.of.before } else { "" };
        let behind = if self.has_room() { self.of.good } else { "" };
        format!("{before}{}{behind}", self.text)
    }

    /// The case as it should stand in its file if the reader is right.
    fn as_told(&self, actual: &[Told]) -> String {
        let above = self.document().lines().count() - self.text.lines().count();
        let above = above - if self.has_room() { self.of.good.lines().count() } else { 0 };
        let mut block = format!("== {}\n", self.name);
        for (number, line) in self.text.lines().enumerate() {
            block.push_str(&format!("{line}\n"));
            for told in actual.iter().filter(|told| told.line == above + number + 1) {
                let Told { path, found, expected, hint, .. } = told;
                let mark = " ".repeat(told.column - 1);
                block.push_str(&format!("{mark}^ {path}\n    found: {found}\n    expected: {expected}\n"));
                if !hint.is_empty() {
                    block.push_str(&format!("    hint: {hint}\n"));
                }
            }
        }
        let last = above + self.text.lines().count();
        for elsewhere in actual.iter().filter(|told| told.line <= above || told.line > last) {
            block.push_str(&format!("and outside of the text: {elsewhere:?}\n"));
        }
        block
    }

    /// What is wrong with the case, if anything is.
    fn failure(&self) -> Option<String> {
        let Examination { config, problems } = Config::examine_text(&self.document(), "apportion.toml");
        let mut actual: Vec<Told> = problems.iter().flatten().map(Told::of).collect();
        actual.sort();
        let mut told = self.told.clone();
        told.sort();
        let fits = told.len() == actual.len() && told.iter().zip(&actual).all(|(told, is)| told.fits(is));
        if told.is_empty() || !fits {
            return Some(format!("{}: the reader tells\n{}", self.file, self.as_told(&actual)));
        }
        (self.has_room() && !(self.of.has_good)(&config))
            .then(|| format!("{}: {}: the good rule is lost", self.file, self.name))
    }
}

fn cases(of: &'static Rules) -> Vec<Case> {
    let blocks = of.files.iter().flat_map(|(file, text)| {
        let blocks = format!("\n{text}");
        let blocks = blocks.split("\n== ").skip(1).map(|block| Case::parse(of, file, block));
        blocks.collect::<Vec<_>>()
    });
    blocks.collect()
}

fn failures(of: &'static Rules) {
    let failures: Vec<String> = cases(of).iter().filter_map(Case::failure).collect();
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

fn are_distinct(of: &'static Rules, least: usize) {
    let cases = cases(of);
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    let texts: BTreeSet<_> = cases.iter().map(|case| &case.text).collect();
    assert!(names.len() > least, "{}", names.len());
    assert_eq!((names.len(), texts.len()), (cases.len(), cases.len()));
}

#[test]
fn every_bad_rule_is_told_with_its_place_and_spares_the_good_one() {
    failures(&HOOK);
}

#[test]
fn every_mistake_about_containers_is_told_with_its_place_and_spares_the_good_rule() {
    failures(&ISOLATOR);
}

#[test]
fn every_mistake_about_lending_is_told_with_its_place_and_spares_the_good_rule() {
    failures(&LENDING);
}

#[test]
fn there_are_more_than_two_hundred_distinct_bad_rules_and_more_than_a_hundred_of_other_kinds() {
    are_distinct(&HOOK, 200);
    are_distinct(&ISOLATOR, 100);
    are_distinct(&LENDING, 100);
}

#[test]
fn the_good_rule_alone_has_no_problem() {
    for of in [&HOOK, &ISOLATOR, &LENDING] {
        let config = Config::from_text(of.good).unwrap();
        let lending = config.lending.lenders.len() + config.lending.borrowers.len();
        assert_eq!(config.hook.rules.len() + config.isolator.rules.len() + lending, 1);
        assert!((of.has_good)(&config));
    }
}
