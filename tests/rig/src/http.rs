//! Requests to one master or agent.

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::{Agent, Body, RequestBuilder, http};

use crate::error::RigError;

/// Longest wait for an answer that is not a stream.
const LIMIT: Duration = Duration::from_secs(30);
/// Largest answer that is read: the state page of a master with thousands of agents.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// A stream is silent for at most this long: Mesos sends a heartbeat every 15 seconds.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// Client for one `host:port`.
#[derive(Debug, Clone)]
pub struct Http {
    agent: Agent,
    address: String,
    /// Value of the header `Authorization`.
    authorization: Option<String>,
}

impl Http {
    /// A client for `address`, which is `host:port`. Proxies of the environment are not used.
    pub fn new(address: impl Into<String>) -> Http {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(LIMIT))
            .timeout_recv_response(Some(LIMIT))
            .timeout_per_read(Some(STREAM_SILENCE))
            .build();
        Http { agent: Agent::new_with_config(config), address: address.into(), authorization: None }
    }

    /// A client that says with each request who it is, and proves it by a secret (HTTP basic authentication).
    #[must_use]
    pub fn authenticated(&self, principal: &str, secret: &str) -> Http {
        let credential = STANDARD.encode(format!("{principal}:{secret}"));
        Http { authorization: Some(format!("Basic {credential}")), ..self.clone() }
    }

    /// A client that does not say who it is.
    #[must_use]
    pub fn anonymous(&self) -> Http {
        Http { authorization: None, ..self.clone() }
    }

    /// The `host:port` it speaks to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// GET `path`; the answer as JSON. Bytes that are not UTF-8 become replacement characters: names and roles
    /// are shown by Mesos byte by byte.
    ///
    /// # Errors
    /// When the request fails, the status is not 200, or the answer is no JSON.
    pub fn get_json(&self, path: &str) -> Result<Value, RigError> {
        let request = format!("GET http://{}{path}", self.address);
        let answer = self.signed(self.agent.get(format!("http://{}{path}", self.address))).call();
        let (status, text) = read_answer(&request, answer)?;
        require(&request, status == 200, status, &text)?;
        parse(&request, &text)
    }

    /// POST a JSON value to `path`; the answer's JSON, or null when it has no body.
    ///
    /// # Errors
    /// When the request fails, the status is not in the two hundreds, or the answer is no JSON.
    pub fn post_json(&self, path: &str, body: &Value) -> Result<Value, RigError> {
        let request = format!("POST http://{}{path}", self.address);
        let (status, text) = self.post_call(path, body, &[])?;
        require(&request, (200..300).contains(&status), status, &text)?;
        if text.is_empty() { Ok(Value::Null) } else { parse(&request, &text) }
    }

    /// POST a form or other text to `path`; the answer's text.
    ///
    /// # Errors
    /// When the request fails or the status is not in the two hundreds.
    pub fn post_text(&self, path: &str, content_type: &str, body: &str) -> Result<String, RigError> {
        let request = format!("POST http://{}{path}", self.address);
        let answer = self
            .signed(self.agent.post(format!("http://{}{path}", self.address)))
            .header("Content-Type", content_type)
            .send(body);
        let (status, text) = read_answer(&request, answer)?;
        require(&request, (200..300).contains(&status), status, &text)?;
        Ok(text)
    }

    /// A request of any method, with a body of that content type; status and text of the answer, whatever they are.
    ///
    /// # Errors
    /// When the request fails.
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> Result<(u16, String), RigError> {
        let request = format!("{method} http://{}{path}", self.address);
        let mut call = http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("Content-Type", content_type)
            .header("Accept", "application/json");
        if let Some(authorization) = &self.authorization {
            call = call.header("Authorization", authorization);
        }
        let call = call
            .body(body.to_owned())
            .map_err(|error| RigError::Http { request: request.clone(), detail: error.to_string() })?;
        read_answer(&request, self.agent.run(call))
    }

    /// POST a JSON value with further headers; status and text of the answer, whatever they are.
    pub(crate) fn post_call(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<(u16, String), RigError> {
        let request = format!("POST http://{}{path}", self.address);
        read_answer(&request, self.send(path, body, headers))
    }

    /// POST a JSON value whose answer is a stream.
    ///
    /// # Errors
    /// When the request fails or the status is not 200.
    pub(crate) fn open_stream(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<http::Response<Body>, RigError> {
        let request = format!("POST http://{}{path}", self.address);
        match self.send(path, body, headers) {
            Ok(answer) if answer.status() == 200 => Ok(answer),
            other => {
                let (status, text) = read_answer(&request, other)?;
                Err(RigError::Http { request, detail: format!("status {status}: {text}") })
            }
        }
    }

    /// Breaks every connection of this client and its clones; later requests fail.
    pub(crate) fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    /// The request with what says who makes it.
    fn signed<Kind>(&self, request: RequestBuilder<Kind>) -> RequestBuilder<Kind> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    fn send(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<http::Response<Body>, ureq::Error> {
        let mut request = self
            .signed(self.agent.post(format!("http://{}{path}", self.address)))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body.to_string())
    }
}

fn read_answer(
    request: &str,
    answer: Result<http::Response<Body>, ureq::Error>,
) -> Result<(u16, String), RigError> {
    let failed = |detail: String| RigError::Http { request: request.to_owned(), detail };
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    answer
        .into_body()
        .into_reader()
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(format!("reading the answer: {error}")))?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn require(request: &str, accepted: bool, status: u16, text: &str) -> Result<(), RigError> {
    if accepted {
        return Ok(());
    }
    Err(RigError::Http { request: request.to_owned(), detail: format!("status {status}: {text}") })
}

fn parse(request: &str, text: &str) -> Result<Value, RigError> {
    serde_json::from_str(text)
        .map_err(|error| RigError::Protocol { what: request.to_owned(), detail: format!("no JSON: {error}") })
}
