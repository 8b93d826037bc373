//! `[eviction]`: how much time victims get, and how often the agent is looked at.

use std::time::Duration;

use super::DAY;
use crate::lending::EvictionConfig;
use crate::problem::Kind;
use crate::raw::{Node, Value};
use crate::reader::hook_rules::entry;
use crate::reader::rules::Named;
use crate::reader::values::lasting;
use crate::reader::{Complaint, Reader, below_path};
use crate::schema::EVICTION;

/// Least and most time between two looks.
const LOOKS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60 * 60);

impl Reader<'_> {
    pub(in crate::reader) fn eviction(&mut self, node: &Node) -> EvictionConfig {
        let usual = EvictionConfig::default();
        let mut config = usual.clone();
        let entries = self.table(node, EVICTION);
        let mut is_clear = true;
        for entry in self.known_keys(EVICTION, EVICTION, entries) {
            let path = below_path(EVICTION, &entry.key);
            let node = &entry.node;
            let before = self.mistakes;
            match &*entry.key {
                "grace" => {
                    let grace = self.checked(&path, node, |value| lasting(value, Duration::ZERO..=DAY));
                    config.grace = grace.unwrap_or(usual.grace);
                    is_clear &= self.mistakes == before;
                }
                "grace_most" => {
                    let most = self.checked(&path, node, |value| lasting(value, Duration::ZERO..=DAY));
                    config.grace_most = most.unwrap_or(usual.grace_most);
                    is_clear &= self.mistakes == before;
                }
                "grace_label" => config.grace_label = self.label(&path, node).unwrap_or(config.grace_label),
                "check_every" => {
                    let every = self.checked(&path, node, |value| lasting(value, LOOKS));
                    config.check_every = every.unwrap_or(usual.check_every);
                }
                _ => {}
            }
        }
        if config.grace > config.grace_most {
            if is_clear {
                let (grace, most) = (entry(entries, "grace"), entry(entries, "grace_most"));
                let lengths = [config.grace, config.grace_most];
                self.report_longer(EVICTION, [("grace", grace), ("grace_most", most)], lengths);
            }
            (config.grace, config.grace_most) = (usual.grace, usual.grace_most);
        }
        config
    }

    /// The key of a label.
    fn label(&mut self, path: &str, node: &Node) -> Option<String> {
        let (Value::Text(text) | Value::Parameter(text)) = &node.value else {
            self.report(path, node.at, Complaint::wrong_type(&node.value, "the key of a label, as text"));
            return None;
        };
        if !text.is_empty() && text.trim().is_empty() {
            let complaint = Complaint::new(Kind::WrongName, node.value.describe(), "the key of a label");
            self.report(path, node.at, complaint);
            return None;
        }
        self.is_name(path, node.at, text, Named::Label).then(|| text.clone())
    }
}
