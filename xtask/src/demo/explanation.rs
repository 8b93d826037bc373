//! The allocator's own words for an offer, read from the master's log.
//!
//! A line of the log is one of glog: severity with date, time, thread, `file:line]`, then the text. Those of the
//! modules begin with `apportion: `.

use serde::Serialize;

/// Why an agent's resources were offered to a framework: the numbers of the line that the allocator logs for each offer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Explanation {
    /// Id of the agent.
    #[serde(skip)]
    pub(super) agent_id: String,
    /// Id of the framework.
    #[serde(skip)]
    pub(super) framework_id: String,
    /// Name of the role.
    pub(super) role: String,
    /// Dominant share of the role in the cluster, before its weight divides it.
    pub(super) role_share_permille: i64,
    /// What divides the role's share when it is compared with others.
    pub(super) role_weight: f64,
    /// Place of the role in the line, from 1.
    pub(super) role_position: u32,
    /// How many roles stood in the line.
    pub(super) roles: u32,
    /// Dominant share of the framework.
    pub(super) framework_share_permille: i64,
    /// Place of the framework in the line of its role, from 1.
    pub(super) framework_position: u32,
    /// How many frameworks of the role stood in the line.
    pub(super) frameworks: u32,
}

impl Explanation {
    /// Reads a line of the master's log; `None` when it is about something else.
    pub(super) fn parse(line: &str) -> Option<Explanation> {
        let text = module_text(line)?.strip_prefix("offer of agent ")?;
        let (agent_id, text) = text.split_once(" to framework ")?;
        let (framework_id, text) = text.split_once(" in role ")?;
        let (role, text) = text.rsplit_once(": role has ")?;
        let (of_role, of_framework) = text.split_once("; framework has ")?;
        let (role_share, text) = of_role.split_once(" permille at weight ")?;
        let (role_weight, text) = text.split_once(", ")?;
        let (role_position, roles) = text.strip_suffix(" roles")?.split_once(" of ")?;
        let (framework_share, text) = of_framework.split_once(" permille, ")?;
        let (framework_position, frameworks) = text.strip_suffix(" in the role")?.split_once(" of ")?;
        Some(Explanation {
            agent_id: agent_id.to_owned(),
            framework_id: framework_id.to_owned(),
            role: role.to_owned(),
            role_share_permille: role_share.parse().ok()?,
            role_weight: role_weight.parse().ok()?,
            role_position: role_position.parse().ok()?,
            roles: roles.parse().ok()?,
            framework_share_permille: framework_share.parse().ok()?,
            framework_position: framework_position.parse().ok()?,
            frameworks: frameworks.parse().ok()?,
        })
    }

    /// The same in plain words; `framework` is its name.
    pub(super) fn in_words(&self, framework: &str) -> String {
        let role = format!(
            "{} (weight {}) holds {}{}: {}",
            self.role,
            self.role_weight,
            percent(self.role_share_permille),
            self.share_for_weight(),
            place(self.role_position, self.roles, " roles", "the only role")
        );
        if self.frameworks < 2 {
            return role;
        }
        let inside = place(self.framework_position, self.frameworks, "", "alone");
        format!("{role}; in it {framework}, {}: {inside}", percent(self.framework_share_permille))
    }

    /// What is compared with other roles: the share divided by the weight. Nothing where that is the share itself.
    fn share_for_weight(&self) -> String {
        if (self.role_weight - 1.0).abs() < f64::EPSILON {
            return String::new();
        }
        let share = i32::try_from(self.role_share_permille).map_or(f64::INFINITY, f64::from);
        format!(", {:.1} % for its weight", share / 10.0 / self.role_weight)
    }

    /// Whether role and framework stood first in their lines.
    pub(super) fn is_first_in_line(&self) -> bool {
        self.role_position == 1 && self.framework_position == 1
    }
}

fn place(position: u32, of: u32, what: &str, alone: &str) -> String {
    match (position, of) {
        (_, 1) => alone.to_owned(),
        (1, _) => format!("first of {of}{what}"),
        (_, _) => format!("number {position} of {of}{what}"),
    }
}

/// Thousandths as a percentage with one digit.
pub(super) fn percent(permille: i64) -> String {
    format!("{}{}.{} %", if permille < 0 { "-" } else { "" }, permille.abs() / 10, permille.abs() % 10)
}

/// What a module said in a line of the host's log; `None` when the line is not a module's.
pub(super) fn module_text(line: &str) -> Option<&str> {
    line.split_once("] apportion: ").map(|(_, text)| text)
}

/// Reads a growing log: every call returns the lines that were finished since the last one.
#[derive(Debug, Default)]
pub(super) struct LogReader {
    read: usize,
}

impl LogReader {
    /// The finished lines of `log` that were not returned yet. `log` is the whole log each time.
    pub(super) fn new_lines<'a>(&mut self, log: &'a str) -> Vec<&'a str> {
        let Some(fresh) = log.get(self.read..) else { return Vec::new() };
        let finished = fresh.rfind('\n').map_or("", |end| &fresh[..=end]);
        self.read += finished.len();
        finished.lines().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "I1121 03:29:31.123456  1234 allocator.rs:130] apportion: offer of agent 5f-S0 to framework \
        5f-0001 in role web: role has 83 permille at weight 2, 1 of 2 roles; framework has 83 permille, 1 of 1 in \
        the role";

    #[test]
    fn line_of_an_offer_gives_its_numbers() {
        let explanation = Explanation::parse(LINE).unwrap();
        assert_eq!(explanation.agent_id, "5f-S0");
        assert_eq!(explanation.framework_id, "5f-0001");
        assert_eq!(explanation.role, "web");
        assert_eq!((explanation.role_share_permille, explanation.framework_share_permille), (83, 83));
        assert_eq!(explanation.role_weight, 2.0);
        assert!(explanation.is_first_in_line());
    }

    #[test]
    fn other_lines_are_no_offers() {
        for line in [
            "",
            "I1121 03:29:31.123456  1234 master.cpp:99] Sending 1 offers to framework x",
            "I1121 03:29:31.123456  1234 allocator.rs:130] apportion: cycle 3: 2 offers, 3 agents visited",
            &LINE.replace("83 permille at", "many permille at"),
            &LINE.replace(" roles;", ";"),
        ] {
            assert_eq!(Explanation::parse(line), None, "{line}");
        }
    }

    #[test]
    fn words_name_the_framework_only_where_it_has_rivals() {
        let alone = Explanation::parse(LINE).unwrap();
        assert_eq!(
            alone.in_words("shop"),
            "web (weight 2) holds 8.3 %, 4.2 % for its weight: first of 2 roles"
        );
        let rivals = Explanation { frameworks: 2, framework_share_permille: 41, ..alone };
        assert_eq!(
            rivals.in_words("shop"),
            "web (weight 2) holds 8.3 %, 4.2 % for its weight: first of 2 roles; in it shop, 4.1 %: first of 2"
        );
    }

    #[test]
    fn words_tell_when_others_stood_before() {
        let second = Explanation { role_position: 2, ..Explanation::parse(LINE).unwrap() };
        assert!(!second.is_first_in_line());
        assert_eq!(
            second.in_words("shop"),
            "web (weight 2) holds 8.3 %, 4.2 % for its weight: number 2 of 2 roles"
        );
    }

    #[test]
    fn words_say_so_when_there_is_no_other_role() {
        let alone = Explanation { roles: 1, role_weight: 1.0, ..Explanation::parse(LINE).unwrap() };
        assert_eq!(alone.in_words("shop"), "web (weight 1) holds 8.3 %: the only role");
    }

    #[test]
    fn reader_keeps_an_unfinished_line_for_the_next_call() {
        let mut reader = LogReader::default();
        assert_eq!(reader.new_lines("one\ntw"), ["one"]);
        assert!(reader.new_lines("one\ntw").is_empty());
        assert_eq!(reader.new_lines("one\ntwo\nthree\n"), ["two", "three"]);
    }
}
