//! Where the choices of a step come from.

/// What a byte chooses among.
const BYTE_SIDES: usize = 256;

/// The bytes of one step. Used up bytes are followed by zeros, and zero is the simplest choice everywhere, so that
/// shrinking the bytes simplifies the history.
#[derive(Debug)]
pub(super) struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Dice<'a> {
        Dice(bytes.iter())
    }

    /// A number below `sides`.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        let mut number = self.byte();
        // One byte cannot choose among more, so that many sides take several.
        let mut covered = BYTE_SIDES;
        while covered < sides {
            number = number * BYTE_SIDES + self.byte();
            covered *= BYTE_SIDES;
        }
        number % sides.max(1)
    }

    fn byte(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0))
    }

    /// Yes once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// Yes every other time.
    pub(super) fn flip(&mut self) -> bool {
        self.once_in(2)
    }

    /// One of some things, the first being the simplest.
    pub(super) fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        if among.is_empty() { None } else { among.get(self.below(among.len())).cloned() }
    }

    /// One of a fixed choice of things.
    pub(super) fn one<T: Copy, const N: usize>(&mut self, among: [T; N]) -> T {
        among[self.below(N)]
    }
}
