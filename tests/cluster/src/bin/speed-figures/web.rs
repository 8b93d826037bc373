//! Requests to the master.

use std::thread;
use std::time::{Duration, Instant};

use apportion_rig::recordio::Records;
use ureq::http::Response;
use ureq::{Agent, Body, BodyReader};

use crate::Failure;

const SCHEDULER: &str = "/api/v1/scheduler";
const STREAM_ID: &str = "Mesos-Stream-Id";
const PROTOBUF: &str = "application/x-protobuf";
const RECOVERS_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer that is read, in bytes: a page of metrics with a few for each framework and role.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A client for one master; clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    agent: Agent,
    address: String,
}

/// A subscription as it was opened.
pub(crate) struct Stream {
    /// What later calls of the framework have to carry.
    pub(crate) id: String,
    pub(crate) events: Records<BodyReader<'static>>,
}

impl Web {
    /// Answers may take so long: an allocator that is busy answers late, and that is measured.
    pub(crate) fn new(address: &str, limit: Duration) -> Web {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_recv_response(Some(limit))
            .build();
        Web { agent: Agent::new_with_config(config), address: address.to_owned() }
    }

    /// One with connections of its own.
    pub(crate) fn alone(&self) -> Web {
        let agent = Agent::new_with_config(self.agent.config().clone());
        Web { agent, address: self.address.clone() }
    }

    /// The body of a page.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let answer = self.agent.get(self.url(path)).call()?;
        let status = answer.status().as_u16();
        let body = answer.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        if status == 200 { Ok(body) } else { Err(format!("GET {path}: status {status}").into()) }
    }

    /// Subscribes a framework. A master that leads may still have its registry to read, which it says with a 503.
    pub(crate) fn subscribe(&self, call: &[u8]) -> Result<Stream, Failure> {
        let begun = Instant::now();
        let mut answer = self.send(call, None)?;
        while answer.status() == 503 && begun.elapsed() < RECOVERS_WITHIN {
            thread::sleep(Duration::from_millis(10));
            answer = self.send(call, None)?;
        }
        let id = answer.headers().get(STREAM_ID).and_then(|value| value.to_str().ok());
        let id = id.unwrap_or_default().to_owned();
        let answer = require(200, answer)?;
        Ok(Stream { id, events: Records::new(answer.into_body().into_reader()) })
    }

    /// Makes a call of a framework that is subscribed; the master has acted on it when this returns.
    pub(crate) fn call(&self, stream_id: &str, call: &[u8]) -> Result<(), Failure> {
        require(202, self.send(call, Some(stream_id))?)?.into_body().read_to_vec()?;
        Ok(())
    }

    fn send(&self, call: &[u8], stream_id: Option<&str>) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.post(self.url(SCHEDULER));
        request = request.header("Content-Type", PROTOBUF).header("Accept", PROTOBUF);
        if let Some(id) = stream_id {
            request = request.header(STREAM_ID, id);
        }
        Ok(request.send(call)?)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn require(status: u16, answer: Response<Body>) -> Result<Response<Body>, Failure> {
    let found = answer.status().as_u16();
    if found == status {
        return Ok(answer);
    }
    let text = answer.into_body().read_to_string().unwrap_or_default();
    Err(format!("a scheduler call was answered with status {found}, expected {status}: {text}").into())
}
