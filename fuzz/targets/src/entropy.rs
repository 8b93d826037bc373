//! Choices drawn from an input, so that a small change of the input is a small change of what is drawn.

/// An input that is used up byte by byte; zeros when it is at its end, which draw the simplest choice.
#[derive(Debug)]
pub(crate) struct Entropy<'a> {
    left: &'a [u8],
}

impl<'a> Entropy<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Entropy { left: input }
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let (first, left) = self.left.split_first().unwrap_or((&0, &[]));
        self.left = left;
        *first
    }

    /// Yes, but for one byte in sixteen.
    pub(crate) fn mostly(&mut self) -> bool {
        self.byte() < 0xf0
    }

    pub(crate) fn rarely(&mut self) -> bool {
        !self.mostly()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `bound`, which is at least 1 and at most 256.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of several; there must be one.
    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// Eight bytes.
    pub(crate) fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// At most `most` bytes as they stand.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, left) = self.left.split_at(most.min(self.left.len()));
        self.left = left;
        taken
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }
}
