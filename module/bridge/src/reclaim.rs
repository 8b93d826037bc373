//! What hook, isolator and QoS controller of one agent process have to know of each other: whether borrowers can be
//! ended here, and that it is time to look whether some have to.

use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use apportion_wire::resource::split;
use parking_lot::{Mutex, RwLock};

/// The shim's function.
pub(crate) type Woken = unsafe extern "C" fn(context: *mut c_void);

/// The shim's listener, with what it wants to be called with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sleeper {
    context: *mut c_void,
    woken: Woken,
}

// SAFETY: `new` demands that the function may be called with the context on any thread.
unsafe impl Send for Sleeper {}
// SAFETY: as above, also by several threads at once.
unsafe impl Sync for Sleeper {}

impl Sleeper {
    /// # Safety
    /// The function may be called with the context, on any thread and by several at once, until the module is destroyed.
    pub(crate) unsafe fn new(context: *mut c_void, woken: Woken) -> Sleeper {
        Sleeper { context, woken }
    }
}

/// The QoS controllers of this process.
#[derive(Default)]
pub(crate) struct Reclaim {
    /// Read while they are woken, so that none of them is after it has left. Waking only queues a message in an actor: it
    /// does not wait, and calls nobody back.
    controllers: RwLock<Vec<(u64, Option<Sleeper>)>>,
    next: AtomicU64,
    /// How often containers with lent resources came or changed.
    borrowed: AtomicU64,
    /// Nobody borrows here: the last two looks found nobody, and nobody came since the first of them.
    is_quiet: AtomicBool,
    last_look: Mutex<Option<u64>>,
}

impl Reclaim {
    /// One more controller.
    pub(crate) fn enrol(self: &Arc<Self>) -> Enrolment {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.controllers.write().push((number, None));
        Enrolment { reclaim: Arc::clone(self), number }
    }

    /// Whether borrowers can be ended in this process.
    pub(crate) fn is_possible(&self) -> bool {
        !self.controllers.read().is_empty()
    }

    /// A container comes or changes, with these resources. Where nobody borrows, nobody is woken: a look at what runs on the
    /// agent costs it a measurement of every container.
    pub(crate) fn container_changes(&self, resources: &[&[u8]]) {
        if resources.iter().any(|resource| split(resource).is_ok_and(|it| it.facts.revocable)) {
            self.borrowed.fetch_add(1, Ordering::SeqCst);
            self.is_quiet.store(false, Ordering::SeqCst);
        } else if self.is_quiet.load(Ordering::SeqCst) {
            return;
        }
        for (_, sleeper) in self.controllers.read().iter() {
            if let Some(sleeper) = sleeper {
                // SAFETY: the promise of `Sleeper::new`; a controller leaves before it is destroyed.
                unsafe { (sleeper.woken)(sleeper.context) };
            }
        }
    }

    /// What runs on the agent was looked at, and somebody borrows or not. Looks do not overlap: each begins after the one
    /// before it. So who borrows and is not seen came after the beginning of this look, or is counted after the end of
    /// the one before.
    fn looked(&self, somebody_borrows: bool) {
        let mut last_look = self.last_look.lock();
        let borrowed = self.borrowed.load(Ordering::SeqCst);
        let nobody_came = last_look.replace(borrowed) == Some(borrowed);
        if somebody_borrows {
            *last_look = None;
        }
        let is_quiet = !somebody_borrows && nobody_came;
        self.is_quiet.store(is_quiet, Ordering::SeqCst);
        // Somebody may have come between the question and the answer.
        if is_quiet && self.borrowed.load(Ordering::SeqCst) != borrowed {
            self.is_quiet.store(false, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Reclaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reclaim").field("is_possible", &self.is_possible()).finish_non_exhaustive()
    }
}

/// That a controller is there; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Enrolment {
    reclaim: Arc<Reclaim>,
    number: u64,
}

impl Enrolment {
    /// Names who is woken for this controller.
    pub(crate) fn listen(&self, sleeper: Sleeper) {
        for (number, listening) in self.reclaim.controllers.write().iter_mut() {
            if *number == self.number {
                *listening = Some(sleeper);
            }
        }
    }

    /// See [`Reclaim::looked`].
    pub(crate) fn looked(&self, somebody_borrows: bool) {
        self.reclaim.looked(somebody_borrows);
    }
}

impl Drop for Enrolment {
    fn drop(&mut self) {
        self.reclaim.controllers.write().retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use apportion_wire::Scalar;
    use apportion_wire::resource::plain_scalar;

    use super::{Reclaim, Sleeper};

    unsafe extern "C" fn count(context: *mut c_void) {
        // SAFETY: the tests pass a counter that outlives the enrolment.
        unsafe { &*context.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }

    fn cpus(revocable: bool) -> Vec<u8> {
        let mut cpus = plain_scalar(b"cpus", Scalar::from_f64(1.0).unwrap());
        if revocable {
            // Resource.revocable, field 9: an empty message.
            cpus.extend([9 << 3 | 2, 0]);
        }
        cpus
    }

    #[test]
    fn reclaim_is_possible_while_a_controller_is_there() {
        let reclaim = Arc::new(Reclaim::default());
        assert!(!reclaim.is_possible());
        let (one, other) = (reclaim.enrol(), reclaim.enrol());
        drop(one);
        assert!(reclaim.is_possible());
        drop(other);
        assert!(!reclaim.is_possible());
    }

    #[test]
    fn controller_is_woken_by_every_container_until_nobody_borrows() {
        let reclaim = Arc::new(Reclaim::default());
        let woken = AtomicU32::new(0);
        let enrolment = reclaim.enrol();
        // SAFETY: `count` takes a counter, and this one outlives the enrolment.
        enrolment.listen(unsafe { Sleeper::new((&raw const woken).cast_mut().cast(), count) });
        let wakes = |revocable: bool| {
            let before = woken.load(Ordering::SeqCst);
            reclaim.container_changes(&[&cpus(revocable)]);
            woken.load(Ordering::SeqCst) - before
        };
        // Nothing is known yet.
        assert_eq!(wakes(false), 1);
        enrolment.looked(false);
        // Somebody may have come while the look was under way.
        assert_eq!(wakes(false), 1);
        enrolment.looked(false);
        assert_eq!(wakes(false), 0);
        assert_eq!(wakes(true), 1);
        assert_eq!(wakes(false), 1);
        enrolment.looked(false);
        assert_eq!(wakes(false), 1, "the borrower may be too new for that look");
        enrolment.looked(true);
        assert_eq!(wakes(false), 1);
        enrolment.looked(false);
        enrolment.looked(false);
        assert_eq!(wakes(false), 0);
        drop(enrolment);
        assert_eq!(wakes(true), 0);
    }
}
