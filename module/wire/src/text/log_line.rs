//! Resources as Mesos writes them into its log.

use crate::WireError;
use crate::error::shown;
use crate::field::{Pieces, last_bytes, last_varint};
use crate::messages::{LabelList, LabelView};
use crate::resource::{
    Disk, DiskSource, DiskSourceKind, Reservation, ReservationKind, ResourceParts, comparison_key, facts,
    number,
};

/// Resources in one line, for people: `cpus:1.5; disk(reservations: [(STATIC,web)])[MOUNT:/mnt1]:100`, and `{}` for
/// none. Equal shared resources are one entry, with the number of copies at its end.
///
/// # Errors
///
/// A [`WireError`] if the parts are no resource.
pub fn describe(resources: &[ResourceParts]) -> Result<String, WireError> {
    let mut entries: Vec<(&ResourceParts, Vec<u8>, usize)> = Vec::with_capacity(resources.len());
    for resource in resources {
        let key = comparison_key(&resource.identity)?;
        let copy = entries.iter_mut().find(|(first, other, copies)| {
            *copies > 0
                && *other == key
                && first.value == resource.value
                && first.allocation_role == resource.allocation_role
        });
        match copy {
            Some((_, _, copies)) => *copies += 1,
            None => entries.push((resource, key, usize::from(facts(&resource.identity)?.shared))),
        }
    }
    if entries.is_empty() {
        return Ok("{}".to_owned());
    }
    let described: Vec<String> = entries
        .iter()
        .map(|(resource, _, copies)| {
            let copies = if *copies > 0 { format!("<{copies}>") } else { String::new() };
            Ok(entry(resource)? + &copies)
        })
        .collect::<Result<_, WireError>>()?;
    Ok(described.join("; "))
}

fn entry(resource: &ResourceParts) -> Result<String, WireError> {
    let facts = facts(&resource.identity)?;
    let mut line = shown(facts.name);
    if let Some(role) = &resource.allocation_role {
        line += &format!("(allocated: {})", shown(role));
    }
    if !facts.reservations.is_empty() {
        let stack: Vec<String> = facts.reservations.iter().map(reservation).collect::<Result<_, _>>()?;
        line += &format!("(reservations: [{}])", stack.join(","));
    }
    if let Some(disk) = &facts.disk {
        line += &format!("[{}]", disk_info(disk, &resource.identity)?);
    }
    if facts.revocable {
        line += "{REV}";
    }
    if facts.shared {
        line += "<SHARED>";
    }
    let mut value = resource.value.clone();
    value.normalise();
    Ok(format!("{line}:{value}"))
}

fn reservation(entry: &Reservation<'_>) -> Result<String, WireError> {
    let kind = match entry.kind {
        ReservationKind::Static => "STATIC",
        ReservationKind::Dynamic => "DYNAMIC",
    };
    let mut parts = vec![kind.to_owned(), shown(entry.role)];
    parts.extend(entry.principal.map(shown));
    let fields = Pieces::whole(entry.bytes).fields("Resource.ReservationInfo")?;
    if let Some(labels) = Pieces::of(&fields, 2)? {
        let list = LabelList::decode(&labels.concat())?;
        let labels: Vec<String> = list.iter().map(label).collect();
        parts.push(format!("{{{}}}", labels.join(", ")));
    }
    Ok(format!("({})", parts.join(",")))
}

fn label(label: LabelView<'_>) -> String {
    match label.value {
        Some(value) => format!("{}: {}", shown(label.key), shown(value)),
        None => shown(label.key),
    }
}

fn disk_info(disk: &Disk<'_>, identity: &[u8]) -> Result<String, WireError> {
    let parts = [disk.source.as_ref().map(source), disk.persistence_id.map(shown)];
    let mut line = parts.into_iter().flatten().collect::<Vec<_>>().join(",");
    if disk.has_volume {
        line += &volume(identity)?;
    }
    Ok(line)
}

fn source(source: &DiskSource<'_>) -> String {
    let mut line = match source.kind {
        DiskSourceKind::Path => "PATH",
        DiskSourceKind::Mount => "MOUNT",
        DiskSourceKind::Block => "BLOCK",
        DiskSourceKind::Raw => "RAW",
    }
    .to_owned();
    if source.id.is_some() || source.profile.is_some() {
        let text = |part: Option<&[u8]>| part.map(shown).unwrap_or_default();
        line += &format!("({},{},{})", text(source.vendor), text(source.id), text(source.profile));
    }
    if let Some(root) = source.root {
        line += &format!(":{}", shown(root));
    }
    line
}

/// `:container`, or `:host:container:mode` if the volume is on a path of the host.
fn volume(identity: &[u8]) -> Result<String, WireError> {
    let sub_message = |pieces: Pieces<'_>, field, message| -> Result<Vec<u8>, WireError> {
        Ok(Pieces::of(&pieces.fields(message)?, field)?.unwrap_or_default().concat())
    };
    let disk = sub_message(Pieces::whole(identity), number::DISK, "Resource")?;
    let volume = sub_message(Pieces::whole(&disk), 2, "Resource.DiskInfo")?;
    let fields = Pieces::whole(&volume).fields("Volume")?;
    let container = shown(last_bytes(&fields, 1)?.unwrap_or_default());
    Ok(match last_bytes(&fields, 2)? {
        None => format!(":{container}"),
        Some(host) => {
            let mode = if last_varint(&fields, 3)? == Some(2) { "ro" } else { "rw" };
            format!(":{}:{container}:{mode}", shown(host))
        }
    })
}
