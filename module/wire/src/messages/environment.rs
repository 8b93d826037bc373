//! Environment variables.

use super::decode;
use crate::WireError;

/// `mesos.Environment` inside another message: the single variables serialised, so that those which are sent on keep
/// fields that are not declared here, such as a secret. Read them with [`RawEnvironment::read`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RawEnvironment {
    /// Serialised `mesos.Environment.Variable`s. Of two with the same name the later counts.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub variables: Vec<Vec<u8>>,
}

impl RawEnvironment {
    /// The variables, readable, in their order.
    ///
    /// # Errors
    ///
    /// A [`WireError`] if one of them is no variable.
    pub fn read(&self) -> Result<Vec<Variable>, WireError> {
        self.variables.iter().map(|variable| decode(variable)).collect()
    }
}

/// `mesos.Environment`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Environment {
    /// The variables. Of two with the same name the later counts.
    #[prost(message, repeated, tag = "1")]
    pub variables: Vec<Variable>,
}

impl Environment {
    /// An environment of plain variables, in the given order.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        Environment {
            variables: variables.into_iter().map(|(name, value)| Variable::plain(name, value)).collect(),
        }
    }
}

/// `mesos.Environment.Variable`, without secrets: a variable of type [`SECRET`](Self::SECRET) has no value here.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Variable {
    /// Name.
    #[prost(bytes = "vec", required, tag = "1")]
    pub name: Vec<u8>,
    /// Value; absent with secrets.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub value: Option<Vec<u8>>,
    /// One of the constants of this type.
    #[prost(int32, optional, tag = "3", default = "1")]
    pub r#type: Option<i32>,
}

impl Variable {
    /// Type of a variable with a plain value; also the default.
    pub const VALUE: i32 = 1;
    /// Type of a variable whose value is a secret that the agent resolves.
    pub const SECRET: i32 = 2;

    /// A variable with a plain value.
    #[must_use]
    pub fn plain(name: &[u8], value: &[u8]) -> Self {
        Variable { name: name.to_vec(), value: Some(value.to_vec()), r#type: Some(Self::VALUE) }
    }
}

/// `mesos.DockerTaskExecutorPrepareInfo`: what a hook adds to the launch of a Docker container.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DockerTaskExecutorPrepareInfo {
    /// Variables for the executor; laid over its own.
    #[prost(message, optional, tag = "1")]
    pub executor_environment: Option<Environment>,
    /// Variables for the task of a command executor; laid over its own.
    #[prost(message, optional, tag = "2")]
    pub task_environment: Option<Environment>,
}
