//! Tables of the members that a Mesos message has as JSON spells it, for who reads or writes such JSON. What a member
//! may hold is up to its reader: the type `K`.

/// A message.
#[derive(Debug)]
pub struct Message<K: 'static> {
    /// Its name in Mesos, without the package.
    pub name: &'static str,
    /// Its members, in the order in which they are written.
    pub members: &'static [Member<K>],
}

/// A member of a message.
#[derive(Debug)]
pub struct Member<K> {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its number on the wire.
    pub number: u32,
    /// How often it occurs.
    pub presence: Presence,
    /// What it holds.
    pub kind: K,
}

impl<K> Member<K> {
    /// A line of a table.
    pub const fn new(name: &'static str, number: u32, presence: Presence, kind: K) -> Member<K> {
        Member { name, number, presence, kind }
    }
}

/// How often a member occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Once.
    Required,
    /// Once or not at all.
    Optional,
    /// Any number of times; an array in JSON.
    Repeated,
}
