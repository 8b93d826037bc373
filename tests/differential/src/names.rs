//! Ids that a master makes up, replaced by the names a script gives.

/// Ids and the names they are shown by, longest id first: an id may begin another.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pairs: Vec<(String, String)>,
}

impl Names {
    /// From now on `id` is shown as `name`.
    pub(crate) fn give(&mut self, id: &str, name: &str) {
        if id.is_empty() || self.pairs.iter().any(|(known, _)| known == id) {
            return;
        }
        self.pairs.push((id.to_owned(), name.to_owned()));
        self.pairs.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    }

    /// The name given to an id, or the id itself.
    pub(crate) fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.pairs.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name)
    }

    /// A text with names in place of all ids in it.
    pub(crate) fn replaced(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_id_is_replaced_before_one_that_it_begins_with() {
        let mut names = Names::default();
        names.give("x-S1", "first");
        names.give("x-S12", "twelfth");
        assert_eq!(names.replaced("x-S12 and x-S1"), "twelfth and first");
        assert_eq!((names.of("x-S1"), names.of("unknown")), ("first", "unknown"));
    }
}
