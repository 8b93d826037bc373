//! Disks that agents and their resource providers have besides an agent's root disk.

use super::messages::{Disk, Resource, Root, Scalar, Source};
use super::swarm::SCALAR;

/// What a disk is (`Resource.DiskInfo.Source`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskSource {
    /// A directory that volumes share, so it can be divided.
    Path,
    /// A mounted file system, given away as a whole.
    Mount,
    /// A block device, given away as a whole.
    Block,
    /// Storage that a resource provider makes disks of; it can be divided unless it has an id.
    Raw,
}

impl DiskSource {
    /// As on the wire.
    pub(super) fn kind(self) -> i32 {
        match self {
            DiskSource::Path => 1,
            DiskSource::Mount => 2,
            DiskSource::Block => 3,
            DiskSource::Raw => 4,
        }
    }
}

/// A disk of a simulated agent, or of a resource provider on it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedDisk {
    /// What it is.
    pub source: DiskSource,
    /// Size in MB.
    pub mb: f64,
    /// Where a directory or a mounted file system is.
    pub root: Option<String>,
    /// What its storage system calls it.
    pub id: Option<String>,
    /// What its storage system says it is good for. A disk is made only of storage that has a profile or an id.
    pub profile: Option<String>,
}

impl SimulatedDisk {
    /// A disk of nothing but a size.
    pub fn new(source: DiskSource, mb: f64) -> SimulatedDisk {
        SimulatedDisk { source, mb, root: None, id: None, profile: None }
    }

    /// The same, there.
    #[must_use]
    pub fn root(self, root: &str) -> Self {
        SimulatedDisk { root: Some(root.to_owned()), ..self }
    }

    /// The same with an id.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        SimulatedDisk { id: Some(id.to_owned()), ..self }
    }

    /// The same with a profile.
    #[must_use]
    pub fn profile(self, profile: &str) -> Self {
        SimulatedDisk { profile: Some(profile.to_owned()), ..self }
    }

    /// As an agent reports it, unreserved.
    pub(super) fn resource(&self) -> Resource {
        let root = self.root.clone().map(|root| Root { root: Some(root) });
        let source = Source {
            kind: self.source.kind(),
            path: root.clone().filter(|_| self.source == DiskSource::Path),
            mount: root.filter(|_| self.source == DiskSource::Mount),
            id: self.id.clone(),
            metadata: None,
            profile: self.profile.clone(),
            vendor: None,
        };
        Resource {
            name: "disk".to_owned(),
            kind: SCALAR,
            scalar: Some(Scalar { value: self.mb }),
            disk: Some(Disk { persistence: None, volume: None, source: Some(source) }),
            ..Resource::default()
        }
    }
}
