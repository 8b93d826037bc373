//! The operator of the drills: a thread that sets quotas, makes and gives up reservations and volumes, one call after
//! the other, while frameworks churn and things are killed. It tells each step when it is taken.

mod call;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use apportion_rig::Http;

use crate::books;
use crate::framework_process::Arrival;
use crate::journal::{Micros, now};
use apportion_cluster_tests::Random;
pub(crate) use call::{Answer, Call};

/// Longest pause between two calls.
const PAUSE_MS: u64 = 30;
/// So often it looks whether an agent shows what was done, and so long it waits in between. An agent that takes longer
/// is only not known to have it.
const LOOKS: usize = 10;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// A step of the operator.
#[derive(Debug, Clone)]
pub(crate) struct OperatorEntry {
    pub(crate) at: Micros,
    pub(crate) step: OperatorStep,
}

/// What the operator does. Calls are numbered.
#[derive(Debug, Clone)]
pub(crate) enum OperatorStep {
    /// A call is about to be sent.
    Asking { number: u64, call: Call },
    /// Its answer is there, or will never be.
    Answered { number: u64, answer: Answer },
    /// The agent itself shows what the call has changed: a kill of the agent does not undo it.
    Kept { number: u64 },
    /// A shift is over.
    Idle { shift: u64 },
}

#[derive(Debug)]
enum Shift {
    /// Calls until the next shift is there.
    Open,
    /// So many calls.
    Calls(u64),
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct Operator {
    shifts: Option<Sender<Shift>>,
    told: u64,
    thread: Option<JoinHandle<()>>,
}

impl Operator {
    /// Starts it; it does nothing before its first shift. `agents` are the agents by their ids.
    pub(crate) fn start(
        master: &str,
        agents: Vec<(String, Http)>,
        random: Random,
        arrivals: Sender<Arrival>,
    ) -> Operator {
        let (sender, shifts) = mpsc::channel();
        let mut desk = Desk { master: master.to_owned(), agents, random, arrivals, calls: 0, shifts: 0 };
        let thread = thread::spawn(move || desk.serve(&shifts));
        Operator { shifts: Some(sender), told: 0, thread: Some(thread) }
    }

    /// Lets it call on and on until another shift.
    pub(crate) fn begin(&mut self) {
        self.tell(Shift::Open);
    }

    /// Lets it finish what it is at and make so many more calls; the number of this shift, which is over with
    /// [`OperatorStep::Idle`].
    pub(crate) fn finish(&mut self, calls: u64) -> u64 {
        self.tell(Shift::Calls(calls));
        self.told
    }

    fn tell(&mut self, shift: Shift) {
        self.told += 1;
        if let Some(shifts) = &self.shifts {
            // It listens as long as it lives; its end is seen as a shift that is never over.
            let _ = shifts.send(shift);
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.shifts = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there were nothing more to be done.
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Desk {
    master: String,
    agents: Vec<(String, Http)>,
    random: Random,
    arrivals: Sender<Arrival>,
    calls: u64,
    shifts: u64,
}

impl Desk {
    /// Serves shift after shift until there are no more to come.
    fn serve(&mut self, shifts: &Receiver<Shift>) {
        let mut next = shifts.recv().ok();
        while let Some(shift) = next.take() {
            self.shifts += 1;
            // Connections to a master that was killed meanwhile are of no use.
            let master = Http::new(&self.master);
            match shift {
                Shift::Calls(count) => (0..count).for_each(|_| self.call(&master)),
                Shift::Open => loop {
                    match shifts.recv_timeout(self.random.millis(0, PAUSE_MS)) {
                        Err(RecvTimeoutError::Timeout) => self.call(&master),
                        Err(RecvTimeoutError::Disconnected) => return,
                        Ok(shift) => {
                            next = Some(shift);
                            break;
                        }
                    }
                },
            }
            self.write(OperatorStep::Idle { shift: self.shifts });
            if next.is_none() {
                next = shifts.recv().ok();
            }
        }
    }

    fn call(&mut self, master: &Http) {
        // A master that is away, or that has not read its log, is asked for nothing.
        let Ok(books) = books::read(master) else { return };
        self.calls += 1;
        let number = self.calls;
        let call = Call::choose(&books, number, &mut self.random);
        self.write(OperatorStep::Asking { number, call: call.clone() });
        let answer = call.send(master, &mut self.random);
        let is_done = answer == Answer::Done;
        self.write(OperatorStep::Answered { number, answer });
        if is_done && self.is_kept(&call) {
            self.write(OperatorStep::Kept { number });
        }
    }

    /// Looks at an agent until it shows a change.
    fn is_kept(&self, call: &Call) -> bool {
        let Call::Change { agent, .. } = call else { return false };
        let Some((_, agent)) = self.agents.iter().find(|(id, _)| id == agent) else { return false };
        for _ in 0..LOOKS {
            match books::own_total(agent) {
                Ok(total) if call.is_visible_in(&total) => return true,
                Ok(_) => thread::sleep(LOOK_PAUSE),
                Err(_) => return false,
            }
        }
        false
    }

    fn write(&self, step: OperatorStep) {
        // Nobody may be listening any more.
        let _ = self.arrivals.send(Arrival::Operator(OperatorEntry { at: now(), step }));
    }
}
