//! One connection of a framework to a master: the stream of events and the calls that belong to it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::event::Event;
use crate::error::RigError;
use crate::http::Http;
use crate::recordio::Records;

const PATH: &str = "/api/v1/scheduler";
const STREAM_ID: &str = "Mesos-Stream-Id";
/// Longest wait for the next answer of many.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends calls of one subscription.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    http: Http,
    stream_id: String,
    framework_id: Option<String>,
}

impl Caller {
    /// Sends a call; `name` is its type, `fields` what it consists of besides.
    pub(crate) fn call(&self, name: &str, fields: &Value) -> Result<(), RigError> {
        let call = self.message(name, fields);
        let (status, text) = self.http.post_call(PATH, &call, &[(STREAM_ID, &self.stream_id)])?;
        if matches!(status, 200 | 202) {
            return Ok(());
        }
        Err(self.refused(name, format!("status {status}: {text}")))
    }

    /// Sends the same call so many times in one piece, without waiting for answers in between.
    pub(crate) fn call_at_once(&self, name: &str, fields: &Value, times: usize) -> Result<(), RigError> {
        let failed = |error: io::Error| self.refused(name, error.to_string());
        let (address, stream_id) = (self.http.address(), &self.stream_id);
        let body = self.message(name, fields).to_string();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\n{STREAM_ID}: {stream_id}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
        stream.write_all(request.repeat(times).as_bytes()).map_err(failed)?;
        let (mut answers, mut chunk) = (Vec::new(), [0; 4096]);
        while occurrences(&answers, b"HTTP/1.1 ") < times {
            let length = stream.read(&mut chunk).map_err(failed)?;
            if length == 0 {
                return Err(self.refused(name, "the connection ended".to_owned()));
            }
            answers.extend_from_slice(&chunk[..length]);
        }
        let taken = occurrences(&answers, b"HTTP/1.1 202");
        if taken == times {
            Ok(())
        } else {
            Err(self.refused(name, format!("{taken} of {times} were taken")))
        }
    }

    fn message(&self, name: &str, fields: &Value) -> Value {
        let mut call = fields.clone();
        call["type"] = json!(name);
        if let Some(id) = &self.framework_id {
            call["framework_id"] = json!({"value": id});
        }
        call
    }

    fn refused(&self, name: &str, detail: String) -> RigError {
        let request = format!("call {name} to http://{}{PATH}", self.http.address());
        RigError::Http { request, detail }
    }
}

fn occurrences(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text).count()
}

/// A connection; dropping it breaks it, as a crash of the framework would.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) caller: Caller,
    pub(crate) events: Receiver<Event>,
    stream: Http,
}

impl Subscription {
    /// Subscribes and starts the thread that reads the events, and acknowledges status updates when it is to.
    pub(crate) fn open(
        master: &str,
        subscribe: &Value,
        acknowledges: bool,
    ) -> Result<Subscription, RigError> {
        let mut call = json!({"type": "SUBSCRIBE", "subscribe": subscribe});
        let framework_id = subscribe["framework_info"]["id"]["value"].as_str().map(str::to_owned);
        if let Some(id) = &framework_id {
            call["framework_id"] = json!({"value": id});
        }
        let stream = Http::new(master);
        let answer = stream.open_stream(PATH, &call, &[])?;
        let stream_id = answer.headers().get(STREAM_ID).and_then(|value| value.to_str().ok());
        let stream_id = stream_id.unwrap_or_default().to_owned();
        let caller = Caller { http: Http::new(master), stream_id, framework_id };
        let (sender, events) = mpsc::channel();
        let records = Records::new(answer.into_body().into_reader());
        let reader = caller.clone();
        thread::spawn(move || read_events(records, reader, acknowledges, &sender));
        Ok(Subscription { caller, events, stream })
    }

    /// From now on calls carry the id that the master gave.
    pub(crate) fn set_framework_id(&mut self, id: &str) {
        self.caller.framework_id = Some(id.to_owned());
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.stream.shut_down();
    }
}

fn read_events(
    mut records: Records<impl Read>,
    mut caller: Caller,
    acknowledges: bool,
    sender: &Sender<Event>,
) {
    let reason = loop {
        let record = match records.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break "the master ended the stream".to_owned(),
            Err(error) => break error.to_string(),
        };
        // Names and roles are not always valid text.
        let message = match serde_json::from_str::<Value>(&String::from_utf8_lossy(&record)) {
            Ok(message) => message,
            Err(error) => break format!("a record is no JSON: {error}"),
        };
        let Some(event) = Event::parse(message) else { continue };
        match &event {
            Event::Subscribed(id) => caller.framework_id = Some(id.clone()),
            Event::Update(status) if acknowledges => {
                if let Err(error) = acknowledge(&caller, &status.message) {
                    eprintln!("task {}: not acknowledged: {error}", status.task_id);
                }
            }
            _ => {}
        }
        if sender.send(event).is_err() {
            return;
        }
    };
    // Nobody may be listening any more.
    let _ = sender.send(Event::Closed(reason));
}

/// Statuses that the master makes up itself carry no uuid and want no acknowledgement.
pub(super) fn acknowledge(caller: &Caller, status: &Value) -> Result<(), RigError> {
    if status["uuid"].is_null() {
        return Ok(());
    }
    let acknowledge = json!({
        "agent_id": status["agent_id"],
        "task_id": status["task_id"],
        "uuid": status["uuid"],
    });
    caller.call("ACKNOWLEDGE", &json!({"acknowledge": acknowledge}))
}
