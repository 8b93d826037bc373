//! The guide's text, taken apart.

/// The guide, as it is read.
const GUIDE: &str = include_str!("../../../../../docs/cgroups-v2-host.md");
/// Stands for any text in what is expected.
const ANY: char = '…';

/// A fenced block and what stands around it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Heading of the part.
    pub(super) part: String,
    /// Heading of the section within the part, if it has sections.
    pub(super) section: Option<String>,
    /// What stands just before.
    pub(super) before: String,
    /// First word after the fence.
    pub(super) language: String,
    /// The others: a file's name, or what is special.
    pub(super) note: String,
    /// What it holds, with an end of line at its end.
    pub(super) text: String,
}

impl Block {
    /// Texts in back quotes in the paragraph before.
    pub(super) fn quoted_before(&self) -> Vec<&str> {
        self.before.split('`').skip(1).step_by(2).collect()
    }

    /// Path of the file that it is.
    pub(super) fn file(&self) -> Option<&str> {
        self.note.starts_with('/').then_some(&*self.note)
    }
}

/// All blocks in their order.
pub(super) fn blocks() -> Vec<Block> {
    let (mut part, mut section, mut before) = (String::new(), None, String::new());
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            (part, section) = (heading.to_owned(), None);
        } else if let Some(heading) = line.strip_prefix("### ") {
            section = Some(heading.to_owned());
        } else if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (language, note) = info.split_once(' ').unwrap_or((info, ""));
            blocks.push(Block {
                part: part.clone(),
                section: section.clone(),
                before: std::mem::take(&mut before),
                language: language.to_owned(),
                note: note.to_owned(),
                text: text.join("\n") + "\n",
            });
        } else {
            if line.is_empty() {
                // What comes before an empty line is another paragraph, unless a block follows it at once.
                before.push('\u{b6}');
            } else {
                if before.ends_with('\u{b6}') {
                    before.clear();
                }
                before.push_str(line);
                before.push('\n');
            }
        }
    }
    blocks
}

/// Whether a text is the expected one.
pub(super) fn fits(expected: &str, found: &str) -> bool {
    let mut parts = expected.trim_end().split(ANY);
    let found = found.trim_end();
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[test]
fn every_file_of_the_guide_is_named_before_its_block() {
    for block in blocks() {
        if let Some(path) = block.file() {
            assert!(block.quoted_before().contains(&path), "{path} in: {}", block.before);
        }
    }
}

#[test]
fn every_block_of_the_guide_is_of_a_kind_that_the_test_knows() {
    let kinds = ["sh", "sh systemd", "sh task", "text", "text status memory", "text status pids"];
    let blocks = blocks();
    assert!(blocks.len() > 15, "{}", blocks.len());
    for block in blocks.iter().filter(|block| block.file().is_none()) {
        let kind = format!("{} {}", block.language, block.note);
        assert!(kinds.contains(&kind.trim_end()), "{kind} before\n{}", block.text);
    }
}

#[test]
fn any_text_stands_for_any_text_and_nothing_else() {
    assert!(fits("a…c…e\n", "a b c d e"));
    assert!(fits("…", ""));
    assert!(fits("a\n…", "a\nb\n"));
    assert!(fits("same\n", "same"));
    for (expected, found) in [("a…c", "a b"), ("a", "a b"), ("a…b…c", "a c b"), ("b…", "a b")] {
        assert!(!fits(expected, found), "{expected} {found}");
    }
}
