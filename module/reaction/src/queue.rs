//! A queue that never makes the one who puts something in wait.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Bounded by entries and by their bytes; any number of threads on both sides.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Something is in it, or it was closed.
    changed: Condvar,
    /// Everything taken out was finished, and nothing is in it.
    settled: Condvar,
    entries_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct State<T> {
    /// Each with its bytes.
    entries: VecDeque<(T, usize)>,
    bytes: usize,
    /// Taken out, and not finished yet.
    in_hand: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(entries_max: usize, bytes_max: usize) -> Queue<T> {
        let state = State { entries: VecDeque::new(), bytes: 0, in_hand: 0, is_closed: false };
        Queue {
            state: Mutex::new(state),
            changed: Condvar::new(),
            settled: Condvar::new(),
            entries_max,
            bytes_max,
        }
    }

    /// Puts an entry at the end. `false` if it does not fit or the queue is closed; the entry is dropped then.
    #[must_use]
    pub(crate) fn push(&self, entry: T, bytes: usize) -> bool {
        let mut state = self.state.lock();
        let fits =
            state.entries.len() < self.entries_max && bytes <= self.bytes_max.saturating_sub(state.bytes);
        if state.is_closed || !fits {
            // Freeing may take long; others need not wait for it.
            drop(state);
            drop(entry);
            return false;
        }
        state.bytes += bytes;
        state.entries.push_back((entry, bytes));
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Takes the first entry, waiting for one; [`finish`](Queue::finish) is due afterwards. `None` when the queue is
    /// closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some((entry, bytes)) = state.entries.pop_front() {
                state.bytes -= bytes;
                state.in_hand += 1;
                return Some(entry);
            }
            if state.is_closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// What was taken out is done with.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock();
        state.in_hand = state.in_hand.saturating_sub(1);
        if state.in_hand == 0 && state.entries.is_empty() {
            drop(state);
            self.settled.notify_all();
        }
    }

    /// Waits until it is empty and everything is finished; `false` when that takes longer.
    pub(crate) fn wait_until_settled(&self, within: Duration) -> bool {
        let until = Instant::now().checked_add(within);
        let mut state = self.state.lock();
        while state.in_hand > 0 || !state.entries.is_empty() {
            match until {
                Some(until) => {
                    if self.settled.wait_until(&mut state, until).timed_out() {
                        return state.in_hand == 0 && state.entries.is_empty();
                    }
                }
                // Longer than the clock reaches.
                None => self.settled.wait(&mut state),
            }
        }
        true
    }

    /// Takes nothing more; what is in it can still be taken out.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Entries that wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    /// Entries taken out and not finished.
    pub(crate) fn in_hand(&self) -> usize {
        self.state.lock().in_hand
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Queue;

    #[test]
    fn entries_come_out_in_order_until_it_is_closed_and_empty() {
        let queue = Queue::new(3, 100);
        assert!(queue.push('a', 1) && queue.push('b', 1));
        queue.close();
        assert!(!queue.push('c', 1));
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some('a'), Some('b'), None));
    }

    #[test]
    fn neither_more_entries_nor_more_bytes_fit_than_allowed() {
        let queue = Queue::new(2, 100);
        assert!(!queue.push('x', 101));
        assert!(queue.push('a', 60));
        assert!(!queue.push('b', 41));
        assert!(queue.push('c', 40));
        assert!(!queue.push('d', 0), "two entries are in it");
        assert_eq!(queue.pop(), Some('a'));
        assert!(!queue.push('e', 61));
        assert!(queue.push('f', 60));
    }

    #[test]
    fn it_is_settled_when_what_was_taken_out_is_finished() {
        let queue = Queue::new(2, 100);
        assert!(queue.wait_until_settled(Duration::ZERO));
        assert!(queue.push('a', 1));
        assert!(!queue.wait_until_settled(Duration::ZERO));
        queue.pop();
        assert_eq!((queue.len(), queue.in_hand()), (0, 1));
        assert!(!queue.wait_until_settled(Duration::ZERO));
        queue.finish();
        assert!(queue.wait_until_settled(Duration::MAX));
    }
}
