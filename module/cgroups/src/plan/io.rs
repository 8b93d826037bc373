//! Block devices: weight and ceilings.

use std::collections::BTreeSet;

use super::{Draft, PlanError, Write, or_max};
use crate::abilities::IoWeightFile;
use crate::controller::{Controller, Version};
use crate::limits::{Bound, Device, DeviceLimits, IoLimits};

const IO: Controller = Controller::Io;
const WEIGHT_DEFAULT: u32 = 100;

impl Draft<'_> {
    pub(super) fn io(&mut self, old: &IoLimits, new: &IoLimits) -> Result<(), PlanError> {
        if old == new {
            return Ok(());
        }
        let version = self.version(IO, "io")?;
        if old.weight.unwrap_or(WEIGHT_DEFAULT) != new.weight.unwrap_or(WEIGHT_DEFAULT) {
            let write = self.weight(version, new.weight.unwrap_or(WEIGHT_DEFAULT))?;
            self.push(vec![write]);
        }
        let devices: BTreeSet<Device> = old.devices.keys().chain(new.devices.keys()).copied().collect();
        for device in devices {
            let before = old.devices.get(&device).copied().unwrap_or_default();
            let after = new.devices.get(&device).copied().unwrap_or_default();
            if before != after {
                let writes = match version {
                    Version::V1 => legacy_ceilings(device, &before, &after),
                    Version::V2 => vec![unified_ceilings(device, &after)],
                };
                self.push(writes);
            }
        }
        Ok(())
    }

    fn weight(&self, version: Version, weight: u32) -> Result<Write, PlanError> {
        Ok(match (version, self.abilities.io_weight) {
            (Version::V2, Some(IoWeightFile::Weight)) => {
                Write::new(IO, "io.weight", format!("default {weight}"))
            }
            (Version::V2, Some(IoWeightFile::Bfq)) => Write::new(IO, "io.bfq.weight", bfq(weight)),
            (Version::V1, Some(IoWeightFile::Bfq)) => Write::new(IO, "blkio.bfq.weight", bfq(weight)),
            (Version::V1, Some(IoWeightFile::Legacy)) => {
                Write::new(IO, "blkio.weight", weight.saturating_mul(5).clamp(10, 1000))
            }
            _ => {
                return Err(PlanError::NoSetting {
                    setting: "io.weight",
                    cure: "switch the device to the bfq scheduler, or on v2 enable the cost model (io.cost.qos)",
                });
            }
        })
    }
}

/// BFQ takes 1 to 1000 and has the same default; above it the scale is compressed, as systemd does.
fn bfq(weight: u32) -> u32 {
    if weight <= WEIGHT_DEFAULT {
        weight.max(1)
    } else {
        WEIGHT_DEFAULT + (weight.min(10_000) - WEIGHT_DEFAULT) * 900 / 9900
    }
}

fn unified_ceilings(device: Device, limits: &DeviceLimits) -> Write {
    let text = format!(
        "{device} rbps={} wbps={} riops={} wiops={}",
        or_max(limits.read_bytes),
        or_max(limits.write_bytes),
        or_max(limits.reads),
        or_max(limits.writes)
    );
    Write::new(IO, "io.max", text)
}

/// One file for each ceiling; zero takes a ceiling away.
fn legacy_ceilings(device: Device, before: &DeviceLimits, after: &DeviceLimits) -> Vec<Write> {
    let files = [
        ("blkio.throttle.read_bps_device", before.read_bytes, after.read_bytes),
        ("blkio.throttle.write_bps_device", before.write_bytes, after.write_bytes),
        ("blkio.throttle.read_iops_device", before.reads, after.reads),
        ("blkio.throttle.write_iops_device", before.writes, after.writes),
    ];
    files
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(file, _, after)| {
            let amount = match after {
                Bound::Unlimited => 0,
                Bound::At(amount) => amount,
            };
            Write::new(IO, file, format!("{device} {amount}"))
        })
        .collect()
}
