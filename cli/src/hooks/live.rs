//! Requests to the hook module of a live master or agent.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::arguments::LiveArguments;
use super::document::{quoted, shown};

/// Where the module answers.
pub(super) const REPORT: &str = "/apportion/hooks";
/// Where it reads its rules again.
pub(super) const RELOAD: &str = "/apportion/hooks/reload";

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a master or agent gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    /// Not an address.
    #[error(
        "{url} is no address of a master or agent: {problem}; expected for example http://master.example:5050"
    )]
    Url {
        /// As given, without a password.
        url: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The secret cannot be used.
    #[error("--secret-file {file}: {problem}")]
    Secret {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A principal that HTTP cannot carry.
    #[error("--principal {0}: a colon or a control character cannot be sent; expected a name without")]
    Principal(String),
    /// Nobody there.
    #[error("{url} cannot be reached: {problem}; is the master or agent running, and is this its port?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the system said.
        problem: String,
    },
    /// Too slow.
    #[error("{url} gave no answer within {seconds} s; --timeout sets how long to wait")]
    Timeout {
        /// What was asked.
        url: String,
        /// How long.
        seconds: u16,
    },
    /// Somebody else is wanted.
    #[error("{url} refuses {who} (status 401); {cure}")]
    Unauthenticated {
        /// What was asked.
        url: String,
        /// Who asked.
        who: String,
        /// What to do.
        cure: &'static str,
    },
    /// Not allowed.
    #[error(
        "{url} is forbidden to {who} (status 403); an authorizer does not allow it, or --firewall_rules of the master or \
         agent switch the endpoint off"
    )]
    Forbidden {
        /// What was asked.
        url: String,
        /// Who asked.
        who: String,
    },
    /// No such page.
    #[error(
        "{url} is not there (status 404): this master or agent has not loaded the hook module (start it with \
         --modules=file:///…/modules.json, see `apportion modules --help`, and --hooks=org_apportion_Hook), or its \
         setting hook.endpoint is \"off\" or cannot tell what process it is in: set it to \"master\" or \"agent\""
    )]
    NotLoaded {
        /// What was asked.
        url: String,
    },
    /// Any other answer.
    #[error("{url} answered with status {status}: {text}")]
    Status {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// Beginning of the answer.
        text: String,
    },
    /// Not what the module answers.
    #[error("{url} answered with something else than the hook module does: {problem}")]
    NotOurs {
        /// What was asked.
        url: String,
        /// What is wrong.
        problem: String,
    },
}

/// An answer: status and JSON, or the text if it is none.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content: Result<Value, String>,
    /// What was asked.
    pub(super) url: String,
}

/// One master or agent.
#[derive(Debug)]
pub(super) struct Live {
    agent: Agent,
    base: String,
    /// Principal, and what the header says. Not shown.
    credential: Option<(String, Authorization)>,
    seconds: u16,
}

/// The value of an `Authorization` header.
struct Authorization(String);

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(not shown)")
    }
}

impl Live {
    /// # Errors
    /// The address or the credential cannot be used.
    pub(super) fn new(arguments: &LiveArguments) -> Result<Live, LiveError> {
        let base = base(&arguments.url)?;
        let credential = match (&arguments.principal, &arguments.secret_file) {
            (Some(principal), Some(file)) => Some((shown(principal), authorization(principal, file)?)),
            _ => None,
        };
        let limit = Some(Duration::from_secs(arguments.timeout.into()));
        // A proxy would be told the credential; a redirection, too.
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(limit)
            .build();
        Ok(Live { agent: Agent::new_with_config(config), base, credential, seconds: arguments.timeout })
    }

    /// # Errors
    /// No answer, or none of the module.
    pub(super) fn get(&self, path: &str) -> Result<Answer, LiveError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url).header("Accept", "application/json");
        if let Some((_, authorization)) = &self.credential {
            request = request.header("Authorization", &authorization.0);
        }
        self.answer(url, request.call())
    }

    /// # Errors
    /// As [`Live::get`].
    pub(super) fn post(&self, path: &str) -> Result<Answer, LiveError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.post(&url).header("Accept", "application/json");
        if let Some((_, authorization)) = &self.credential {
            request = request.header("Authorization", &authorization.0);
        }
        self.answer(url, request.send_empty())
    }

    fn answer(&self, url: String, answer: Result<Response<Body>, ureq::Error>) -> Result<Answer, LiveError> {
        let answer = answer.map_err(|error| self.failed(&url, &error))?;
        let status = answer.status().as_u16();
        let who = || match &self.credential {
            Some((principal, _)) => format!("the principal {}", quoted(principal)),
            None => "a caller without a name".to_owned(),
        };
        match status {
            401 => {
                let cure = match &self.credential {
                    Some(_) => "check the principal and the contents of --secret-file",
                    None => "name --principal and --secret-file",
                };
                return Err(LiveError::Unauthenticated { url, who: who(), cure });
            }
            403 => return Err(LiveError::Forbidden { url, who: who() }),
            404 => return Err(LiveError::NotLoaded { url }),
            _ => {}
        }
        let mut bytes = Vec::new();
        let body = answer.into_body().into_reader().take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        body.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.failed(&url, inner),
            None => self.interrupted(&url, &error),
        })?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > ANSWER_BYTES_MAX {
            return Err(LiveError::NotOurs { url, problem: format!("more than {ANSWER_BYTES_MAX} bytes") });
        }
        let content =
            serde_json::from_slice(&bytes).map_err(|_| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Answer { status, content, url })
    }

    fn failed(&self, url: &str, error: &ureq::Error) -> LiveError {
        match error {
            ureq::Error::Timeout(_) => LiveError::Timeout { url: url.to_owned(), seconds: self.seconds },
            ureq::Error::Io(error) => self.interrupted(url, error),
            ureq::Error::HostNotFound => {
                LiveError::Unreachable { url: url.to_owned(), problem: "no such host".to_owned() }
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                LiveError::Url { url: url.to_owned(), problem: "it cannot be read" }
            }
            ureq::Error::Protocol(error) => {
                LiveError::NotOurs { url: url.to_owned(), problem: error.to_string() }
            }
            other => LiveError::Unreachable { url: url.to_owned(), problem: other.to_string() },
        }
    }

    fn interrupted(&self, url: &str, error: &io::Error) -> LiveError {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                LiveError::Timeout { url: url.to_owned(), seconds: self.seconds }
            }
            _ => LiveError::Unreachable { url: url.to_owned(), problem: error.to_string().to_lowercase() },
        }
    }
}

impl Answer {
    /// The JSON object of a good answer.
    ///
    /// # Errors
    /// Another status, or something that the module does not answer.
    pub(super) fn object(self) -> Result<Value, LiveError> {
        let Answer { status, content, url } = self;
        match content {
            Ok(value) if status == 200 && value.is_object() => Ok(value),
            Ok(value) if status == 200 => Err(LiveError::NotOurs {
                url,
                problem: format!("found {}, expected a JSON object", super::document::described(&value)),
            }),
            Err(text) if status == 200 => {
                Err(LiveError::NotOurs { url, problem: format!("no JSON: {}", quoted(&text)) })
            }
            Ok(value) => Err(LiveError::Status { url, status, text: quoted(&value.to_string()) }),
            Err(text) => Err(LiveError::Status { url, status, text: quoted(&text) }),
        }
    }
}

/// The address without a slash at its end.
fn base(url: &str) -> Result<String, LiveError> {
    let refuse = |problem| LiveError::Url { url: quoted(url), problem };
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
            return Err(refuse("TLS is not spoken; ask on the host itself, or through a tunnel"));
        }
        Some(_) => return Err(refuse("its scheme is unknown")),
        None => url,
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        // Not quoted: there may be a password in it.
        return Err(LiveError::Url {
            url: "the address given".to_owned(),
            problem: "it has a user in it; use --principal and --secret-file, as a command line can be read by everyone",
        });
    }
    if host.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#'))
    {
        return Err(refuse("it has no host, or characters that an address cannot have"));
    }
    Ok(format!("http://{}", rest.trim_end_matches('/')))
}

/// The header that names a principal and proves it.
fn authorization(principal: &str, file: &Path) -> Result<Authorization, LiveError> {
    if principal.contains(|c: char| c == ':' || c.is_control()) {
        return Err(LiveError::Principal(quoted(principal)));
    }
    let secret = |problem: String| LiveError::Secret { file: shown(&file.to_string_lossy()), problem };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| secret(error.to_string()))?;
    opened.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| secret(error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SECRET_BYTES_MAX {
        return Err(secret(format!("more than {SECRET_BYTES_MAX} bytes, which is no secret of a principal")));
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err(secret("it is empty; expected the secret".to_owned()));
    }
    let both = [principal.as_bytes(), b":", &bytes].concat();
    Ok(Authorization(format!("Basic {}", BASE64.encode(both))))
}
