//! What operations make of resources, on the agents' side.

use super::disk::DiskSource;
use super::messages::{CreateDisk, OperationInfo, Resource, Scalar, Source};

/// `Resource.ReservationInfo.Type` on the wire.
const DYNAMIC: i32 = 2;

/// What an operation takes, and what it makes of it. Both are allocated as the operation's resources are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conversion {
    pub(super) consumed: Vec<Resource>,
    pub(super) converted: Vec<Resource>,
    /// The master takes it for done when it accepts the operation, and not when it is told so.
    pub(super) is_speculative: bool,
}

impl Conversion {
    /// What an operation does; nothing for those that no simulated agent is asked for. A disk that is made of storage
    /// without an id gets `new_id`.
    pub(super) fn of(operation: &OperationInfo, new_id: &str) -> Conversion {
        let mut conversion = Conversion { consumed: Vec::new(), converted: Vec::new(), is_speculative: true };
        if let Some(reserve) = &operation.reserve {
            let unreserved = reserve.resources.iter().map(without_last_reservation).collect();
            conversion.consumed = if reserve.from.is_empty() { unreserved } else { reserve.from.clone() };
            conversion.converted.clone_from(&reserve.resources);
        } else if let Some(unreserve) = &operation.unreserve {
            conversion.consumed.clone_from(&unreserve.resources);
            conversion.converted = unreserve.resources.iter().map(without_last_reservation).collect();
        } else if let Some(create) = &operation.create {
            conversion.consumed = create.resources.iter().map(without_volume).collect();
            conversion.converted.clone_from(&create.resources);
        } else if let Some(destroy) = &operation.destroy {
            conversion.consumed.clone_from(&destroy.resources);
            conversion.converted = destroy.resources.iter().map(without_volume).collect();
        } else if let Some(create) = &operation.create_disk {
            conversion.is_speculative = false;
            conversion.consumed.push(create.source.clone());
            conversion.converted.push(disk_of(create, new_id));
        } else if let Some(destroy) = &operation.destroy_disk {
            conversion.is_speculative = false;
            conversion.consumed.push(destroy.source.clone());
            conversion.converted.push(storage_of(&destroy.source));
        }
        conversion
    }
}

fn without_last_reservation(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    resource.reservations.pop();
    resource
}

/// The disk that a volume is on.
fn without_volume(volume: &Resource) -> Resource {
    let mut disk = volume.clone();
    disk.shared = None;
    if let Some(info) = &mut disk.disk {
        info.persistence = None;
        info.volume = None;
    }
    disk.disk = disk.disk.filter(|info| info.source.is_some());
    disk
}

/// A disk made of raw storage. The master wants one that is to be destroyed again to have an id.
fn disk_of(create: &CreateDisk, new_id: &str) -> Resource {
    with_source(&create.source, |source| {
        source.kind = create.target;
        source.id.get_or_insert_with(|| new_id.to_owned());
        if create.profile.is_some() {
            source.profile.clone_from(&create.profile);
        }
    })
}

/// The raw storage a disk becomes again: storage with a profile is one whole, anything else keeps its id.
fn storage_of(disk: &Resource) -> Resource {
    with_source(disk, |source| {
        source.kind = DiskSource::Raw.kind();
        if source.profile.is_some() {
            source.id = None;
        }
    })
}

fn with_source(resource: &Resource, change: impl FnOnce(&mut Source)) -> Resource {
    let mut resource = resource.clone();
    if let Some(source) = resource.disk.as_mut().and_then(|disk| disk.source.as_mut()) {
        change(source);
    }
    resource
}

/// Everything about a resource but its amount and whom it is allocated to.
fn identity(resource: &Resource) -> Resource {
    Resource { scalar: None, allocation: None, ..resource.clone() }
}

fn amount(resource: &Resource) -> f64 {
    resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value)
}

/// Whether a part of it can be taken.
fn is_divisible(resource: &Resource) -> bool {
    let Some(disk) = &resource.disk else { return resource.scalar.is_some() };
    if disk.persistence.is_some() {
        return false;
    }
    disk.source.as_ref().is_none_or(|source| {
        source.kind == DiskSource::Path.kind() || source.kind == DiskSource::Raw.kind() && source.id.is_none()
    })
}

/// Resources of an agent or of a provider, all unallocated.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stock(Vec<Resource>);

impl Stock {
    pub(super) fn new(resources: Vec<Resource>) -> Stock {
        Stock(resources)
    }

    pub(super) fn resources(&self) -> &[Resource] {
        &self.0
    }

    /// Carries a conversion out; `None` if what it takes is not there.
    pub(super) fn converted(&self, conversion: &Conversion) -> Option<Stock> {
        let mut stock = self.clone();
        for consumed in &conversion.consumed {
            stock.take(consumed)?;
        }
        for converted in &conversion.converted {
            stock.put(converted);
        }
        Some(stock)
    }

    /// What an agent has to write down after a conversion of its own resources: all that is dynamically reserved.
    /// `self` is what it had written down before, so that it may know nothing of what is taken.
    pub(super) fn written_down(&self, conversion: &Conversion) -> Stock {
        let mut stock = self.clone();
        for consumed in &conversion.consumed {
            // Not written down yet: it was unreserved, or reserved from the start.
            let _ = stock.take(consumed);
        }
        let is_dynamic = |resource: &&Resource| {
            resource.reservations.iter().any(|reservation| reservation.kind == Some(DYNAMIC))
                || resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
        };
        for converted in conversion.converted.iter().filter(is_dynamic) {
            stock.put(converted);
        }
        stock
    }

    fn take(&mut self, wanted: &Resource) -> Option<()> {
        let position = self.0.iter().position(|there| {
            identity(there) == identity(wanted)
                && (amount(there) == amount(wanted) || is_divisible(there) && amount(there) > amount(wanted))
        })?;
        let rest = amount(&self.0[position]) - amount(wanted);
        if rest > 0.0 {
            self.0[position].scalar = Some(Scalar { value: rest });
        } else {
            self.0.remove(position);
        }
        Some(())
    }

    fn put(&mut self, resource: &Resource) {
        let same = |there: &&mut Resource| is_divisible(there) && identity(there) == identity(resource);
        match self.0.iter_mut().find(same) {
            Some(there) => there.scalar = Some(Scalar { value: amount(there) + amount(resource) }),
            None => self.0.push(Resource { allocation: None, ..resource.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::SimulatedDisk;
    use super::super::messages::{DestroyDisk, Disk, OfResources, Reservation, Reserve};
    use super::*;

    fn raw(mb: f64) -> Resource {
        SimulatedDisk::new(DiskSource::Raw, mb).profile("fast").resource()
    }

    fn reserved(mut resource: Resource) -> Resource {
        resource.reservations.push(Reservation {
            role: Some(b"db".to_vec()),
            kind: Some(DYNAMIC),
            ..Reservation::default()
        });
        resource
    }

    fn volume(on: &Resource) -> Resource {
        let source = on.disk.clone().and_then(|disk| disk.source);
        let disk = Disk { persistence: Some(b"books".to_vec()), volume: Some(Vec::new()), source };
        Resource { disk: Some(disk), shared: Some(Vec::new()), ..on.clone() }
    }

    fn to(role: &[u8], resource: Resource) -> Resource {
        Resource { allocation: Some(role.to_vec()), ..resource }
    }

    fn after(stock: &Stock, operation: &OperationInfo) -> Option<Stock> {
        stock.converted(&Conversion::of(operation, "new"))
    }

    fn reserve(resource: Resource) -> OperationInfo {
        let reserve = Reserve { resources: vec![resource], from: Vec::new() };
        OperationInfo { reserve: Some(reserve), ..OperationInfo::default() }
    }

    fn of(resource: &Resource) -> Option<OfResources> {
        Some(OfResources { resources: vec![resource.clone()] })
    }

    #[test]
    fn part_of_raw_storage_becomes_a_disk_with_a_volume_and_raw_storage_again() {
        let start = Stock::new(vec![raw(1000.0)]);
        let part = to(b"db", reserved(raw(400.0)));
        let stock = after(&start, &reserve(part.clone())).unwrap();
        assert_eq!(stock.resources(), [raw(600.0), reserved(raw(400.0))]);

        let create = CreateDisk { source: part.clone(), target: 2, profile: None };
        let create = OperationInfo { create_disk: Some(create), ..OperationInfo::default() };
        let conversion = Conversion::of(&create, "new");
        assert!(!conversion.is_speculative);
        let disk = conversion.converted[0].clone();
        assert_eq!(disk.allocation, part.allocation, "the master is told whose it is");
        let source = disk.disk.clone().and_then(|disk| disk.source).unwrap();
        assert_eq!((source.kind, source.id.as_deref()), (2, Some("new")));
        let stock = stock.converted(&conversion).unwrap();

        let books = volume(&disk);
        let create = OperationInfo { create: of(&books), ..OperationInfo::default() };
        let stock = after(&stock, &create).unwrap();
        assert_eq!(stock.resources()[1], Resource { allocation: None, ..books.clone() });
        assert_eq!(after(&stock, &create), None, "the disk is taken");

        let destroy = OperationInfo { destroy: of(&books), ..OperationInfo::default() };
        let stock = after(&stock, &destroy).unwrap();
        let destroy =
            OperationInfo { destroy_disk: Some(DestroyDisk { source: disk }), ..Default::default() };
        let stock = after(&stock, &destroy).unwrap();
        let unreserve = OperationInfo { unreserve: of(&part), ..OperationInfo::default() };
        assert_eq!(after(&stock, &unreserve), Some(start));
    }

    #[test]
    fn storage_that_has_an_id_keeps_it() {
        let raw = SimulatedDisk::new(DiskSource::Raw, 500.0).id("left").resource();
        let create = CreateDisk { source: raw.clone(), target: 3, profile: None };
        let create = OperationInfo { create_disk: Some(create), ..OperationInfo::default() };
        let disk = Conversion::of(&create, "new").converted.remove(0);
        assert_eq!(disk, SimulatedDisk::new(DiskSource::Block, 500.0).id("left").resource());
        let destroy =
            OperationInfo { destroy_disk: Some(DestroyDisk { source: disk }), ..Default::default() };
        assert_eq!(Conversion::of(&destroy, "").converted, [raw]);
    }

    #[test]
    fn mounted_disk_is_taken_as_a_whole_and_its_twin_stays() {
        let mount = |mb: f64| SimulatedDisk::new(DiskSource::Mount, mb).resource();
        let stock = Stock::new(vec![mount(1000.0), mount(1000.0)]);
        assert_eq!(after(&stock, &reserve(reserved(mount(400.0)))), None);
        assert_eq!(after(&stock, &reserve(reserved(mount(2000.0)))), None);
        let stock = after(&stock, &reserve(reserved(mount(1000.0)))).unwrap();
        assert_eq!(stock.resources(), [mount(1000.0), reserved(mount(1000.0))]);
    }

    #[test]
    fn reservation_of_what_is_reserved_already_takes_what_it_names() {
        let stock = Stock::new(vec![reserved(raw(100.0))]);
        let refined = reserved(reserved(raw(100.0)));
        let reserve = Reserve { resources: vec![refined.clone()], from: vec![reserved(raw(100.0))] };
        let operation = OperationInfo { reserve: Some(reserve), ..OperationInfo::default() };
        assert_eq!(after(&stock, &operation).unwrap().resources(), [refined]);
    }

    #[test]
    fn agent_writes_down_what_is_reserved_and_strikes_out_what_is_not() {
        let cpus = Resource { name: "cpus".to_owned(), scalar: Some(Scalar { value: 2.0 }), ..raw(1.0) };
        let cpus = Resource { disk: None, ..cpus };
        let operation = reserve(reserved(cpus.clone()));
        let written = Stock::default().written_down(&Conversion::of(&operation, ""));
        assert_eq!(written.resources(), [reserved(cpus.clone())]);
        let unreserve = OperationInfo { unreserve: of(&reserved(cpus)), ..OperationInfo::default() };
        assert_eq!(written.written_down(&Conversion::of(&unreserve, "")), Stock::default());
    }
}
