//! Many frameworks in this process. They note when offers have arrived whole, and read no more of them than two ids.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use prost::Message;

use crate::Failure;
use crate::calls::{self, Event, Id, Offer};
use crate::web::{Stream, Web};

/// Frameworks of one master.
#[derive(Debug)]
pub(crate) struct Frameworks {
    web: Web,
    limit: Duration,
    roles: usize,
    all: HashMap<usize, Framework>,
    heard: Receiver<Heard>,
    speaks: Sender<Heard>,
    /// Agents that were offered since [`Frameworks::mark`].
    offered: HashSet<Id>,
    last_offers: Option<Instant>,
}

#[derive(Debug)]
struct Framework {
    /// With connections of its own that stay: one that ends makes the master look through all its actors.
    web: Web,
    id: Id,
    stream_id: String,
    role: String,
    held: Vec<Offer>,
}

/// What one framework heard.
#[derive(Debug)]
struct Heard {
    framework: usize,
    at: Instant,
    what: What,
}

#[derive(Debug)]
enum What {
    Subscribed(Framework),
    Offers(Vec<Offer>),
    Ended(String),
}

impl Frameworks {
    /// None yet; those that come are spread over so many roles. Anything awaited may take `limit`.
    pub(crate) fn new(web: Web, roles: usize, limit: Duration) -> Frameworks {
        let (speaks, heard) = mpsc::channel();
        let all = HashMap::new();
        Frameworks { web, limit, roles, all, heard, speaks, offered: HashSet::new(), last_offers: None }
    }

    /// Subscribes so many more at once, and waits until the master has answered all of them.
    pub(crate) fn subscribe(&mut self, count: usize) -> Result<(), Failure> {
        let wanted = self.all.len() + count;
        for number in self.all.len()..wanted {
            let role = format!("role-{}", number % self.roles);
            let (web, speaks) = (self.web.clone(), self.speaks.clone());
            thread::spawn(move || listen(number, &web.alone(), &role, &speaks));
        }
        self.wait_until("subscriptions", |all| (all.all.len(), wanted))
    }

    /// From now on agents count that are offered.
    pub(crate) fn mark(&mut self) -> Result<(), Failure> {
        while let Ok(heard) = self.heard.try_recv() {
            self.take(heard)?;
        }
        self.offered.clear();
        self.last_offers = None;
        Ok(())
    }

    /// Waits until so many different agents were offered; when the last of the offers had arrived.
    pub(crate) fn gather(&mut self, agents: usize) -> Result<Instant, Failure> {
        self.wait_until("agents to be offered", |all| (all.offered.len(), agents))?;
        Ok(self.last_offers.unwrap_or_else(Instant::now))
    }

    fn wait_until(
        &mut self,
        what: &str,
        counted: impl Fn(&Frameworks) -> (usize, usize),
    ) -> Result<(), Failure> {
        let until = Instant::now() + self.limit;
        loop {
            let (found, wanted) = counted(self);
            if found >= wanted {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(heard) = self.heard.recv_timeout(left) else {
                let waited = self.limit.as_secs();
                return Err(format!("waited {waited} s for {wanted} {what}; there are {found}").into());
            };
            self.take(heard)?;
        }
    }

    fn take(&mut self, heard: Heard) -> Result<(), Failure> {
        let number = heard.framework;
        match heard.what {
            What::Subscribed(framework) => {
                self.all.insert(number, framework);
            }
            What::Offers(offers) => {
                let framework = self.all.get_mut(&number).ok_or("offers came before the subscription")?;
                for offer in offers {
                    self.offered.insert(offer.agent_id.clone());
                    framework.held.push(offer);
                }
                self.last_offers = self.last_offers.max(Some(heard.at));
            }
            What::Ended(reason) => {
                return Err(format!("the subscription of framework {number} ended: {reason}").into());
            }
        }
        Ok(())
    }

    /// Each declines all it holds in one call, all at the same time.
    pub(crate) fn decline_all(&mut self, refuse: Duration) -> Result<(), Failure> {
        let held: Vec<_> = self
            .all
            .values_mut()
            .filter(|framework| !framework.held.is_empty())
            .map(|framework| {
                let offers = std::mem::take(&mut framework.held).into_iter().map(|offer| offer.id).collect();
                let call = calls::decline(&framework.id, offers, refuse.as_secs_f64());
                (framework.caller(), vec![call])
            })
            .collect();
        call_at_once(&held)
    }

    /// Each launches a task on every offer it holds, with a call for each offer, one call after the other.
    pub(crate) fn launch_all(&mut self, refuse: Duration) -> Result<(), Failure> {
        let launches = self.all.values_mut().map(|framework| {
            let offers = std::mem::take(&mut framework.held);
            let launch = |offer| calls::launch(&framework.id, &framework.role, offer, refuse.as_secs_f64());
            (framework.caller(), offers.iter().map(launch).collect())
        });
        let launches: Vec<_> = launches.collect();
        call_at_once(&launches)
    }

    /// One of them wants everything again.
    pub(crate) fn revive(&self, number: usize) -> Result<(), Failure> {
        let framework = self.all.get(&number).ok_or("a framework that is not there is to revive")?;
        framework.web.call(&framework.stream_id, &calls::revive(&framework.id))
    }

    /// All of them want everything again, at the same time.
    pub(crate) fn revive_all(&self) -> Result<(), Failure> {
        let calls: Vec<_> = self
            .all
            .values()
            .map(|framework| (framework.caller(), vec![calls::revive(&framework.id)]))
            .collect();
        call_at_once(&calls)
    }
}

/// Who makes a call: its client, and what its calls carry.
type Caller = (Web, String);

impl Framework {
    fn caller(&self) -> Caller {
        (self.web.clone(), self.stream_id.clone())
    }
}

/// Calls of all frameworks at the same time, those of one framework in their order.
fn call_at_once(calls: &[(Caller, Vec<Vec<u8>>)]) -> Result<(), Failure> {
    thread::scope(|scope| {
        let make = |((web, stream_id), calls): &(Caller, Vec<Vec<u8>>)| {
            calls.iter().try_for_each(|call| web.call(stream_id, call))
        };
        let threads: Vec<_> = calls.iter().map(|of_one| scope.spawn(move || make(of_one))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a call panicked")?)
    })
}

/// Ends when the master does, or when nobody listens any more.
fn listen(framework: usize, web: &Web, role: &str, speaks: &Sender<Heard>) {
    let tell = |at, what| speaks.send(Heard { framework, at, what }).is_ok();
    let call = calls::subscribe(&format!("framework-{framework}"), role);
    let reason = match web.subscribe(&call) {
        Ok(stream) => match read(stream, web, role, tell) {
            Ok(()) => return,
            Err(failure) => failure.to_string(),
        },
        Err(failure) => failure.to_string(),
    };
    tell(Instant::now(), What::Ended(reason));
}

fn read(
    mut stream: Stream,
    web: &Web,
    role: &str,
    tell: impl Fn(Instant, What) -> bool,
) -> Result<(), Failure> {
    while let Some(record) = stream.events.next_record()? {
        let at = Instant::now();
        let event = Event::decode(record.as_slice())?;
        let what = match event {
            Event { subscribed: Some(subscribed), .. } => What::Subscribed(Framework {
                web: web.clone(),
                id: subscribed.framework_id,
                stream_id: stream.id.clone(),
                role: role.to_owned(),
                held: Vec::new(),
            }),
            Event { offers: Some(offers), .. } => What::Offers(offers.offers),
            Event { error: Some(error), .. } => What::Ended(error.message),
            _ => continue,
        };
        if !tell(at, what) {
            return Ok(());
        }
    }
    Err("the master closed it".into())
}
