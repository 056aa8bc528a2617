//! What a system is made of, beyond what its own resource says. Each part costs requests, so it is
//! read only when somebody asks for it.

use crate::{
    bmc::Bmc,
    collection::Expand,
    error::Error,
    ethernet::{self, optional},
    lane::Lane,
    lenient::Doc,
    system::System,
};

/// The parts of a system that have resources of their own, and what a sparse system resource
/// leaves to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Its storage, by controller.
    pub storage: Vec<StorageController>,
    /// Its serial number: its own, or else its chassis's.
    pub serial_number: Option<String>,
    /// Its part number, likewise.
    pub part_number: Option<String>,
    /// Its stock keeping unit, likewise.
    pub sku: Option<String>,
    /// Main memory: as the system sums it up, or else all modules together.
    pub memory_mib: Option<u64>,
    /// Processors, likewise.
    pub processor_count: Option<u64>,
    /// Cores, likewise.
    pub processor_cores: Option<u64>,
    /// The processors' model, likewise.
    pub processor_model: Option<String>,
}

/// A storage controller, or the subsystem that the BMC shows in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageController {
    /// Its id on this BMC.
    pub id: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its drives.
    pub drives: Vec<Drive>,
}

/// A drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drive {
    /// Its id on this BMC.
    pub id: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// Its capacity.
    pub capacity_bytes: Option<u64>,
    /// `HDD`, `SSD` or `SMR`.
    pub media_type: Option<String>,
    /// How it is attached, such as `NVMe`, `SATA` or `SAS`.
    pub protocol: Option<String>,
}

impl Bmc {
    /// Reads what a system is made of. A part that the BMC does not have, or cannot show, is left
    /// out; it is an error only if the BMC is gone.
    pub async fn inventory(&self, system: &System) -> Result<Inventory, Error> {
        let lane = self.inner.shared();
        let expand = ethernet::expand(&lane, system).await?;
        let mut found = Inventory {
            storage: storage(&lane, system, expand).await?,
            serial_number: system.serial_number.clone(),
            part_number: system.part_number.clone(),
            sku: system.sku.clone(),
            memory_mib: system.memory_mib,
            processor_count: system.processor_count,
            processor_cores: system.processor_cores,
            processor_model: system.processor_model.clone(),
        };
        if found.serial_number.is_none() {
            from_chassis(&lane, system, &mut found).await?;
        }
        if found.memory_mib.is_none() {
            found.memory_mib = memory(&lane, system, expand).await?;
        }
        if found.processor_count.is_none() {
            processors(&lane, system, expand, &mut found).await?;
        }
        Ok(found)
    }
}

async fn storage(
    lane: &Lane<'_>,
    system: &System,
    expand: Expand,
) -> Result<Vec<StorageController>, Error> {
    let mut found = Vec::new();
    if let Some(uri) = system.doc().link("Storage") {
        for member in optional(lane, &uri, expand).await? {
            let doc = member.document.doc();
            let mut controller = StorageController {
                id: doc.word("Id").map(str::to_owned),
                model: controller_model(lane, doc, expand).await?,
                drives: Vec::new(),
            };
            for uri in doc.links("Drives") {
                match lane.get(&uri).await {
                    Ok(drive) => controller.drives.push(read_drive(drive.doc())),
                    Err(error) if is_of_the_part(&error) => {
                        tracing::warn!(uri, %error, "left a drive out");
                    }
                    Err(error) => return Err(error),
                }
            }
            found.push(controller);
        }
    }
    if found.is_empty()
        && let Some(uri) = system.doc().link("SimpleStorage")
    {
        for member in optional(lane, &uri, expand).await? {
            let doc = member.document.doc();
            let devices = doc.items("Devices").into_iter();
            found.push(StorageController {
                id: doc.word("Id").map(str::to_owned),
                model: None,
                drives: devices.map(read_drive).collect(),
            });
        }
    }
    Ok(found)
}

/// The model of a controller: within the resource, or, since schema 1.9, in one of its own.
async fn controller_model(
    lane: &Lane<'_>,
    doc: Doc<'_>,
    expand: Expand,
) -> Result<Option<String>, Error> {
    let within = doc.items("StorageControllers").into_iter();
    if let Some(model) = within.filter_map(model_of).next() {
        return Ok(Some(model));
    }
    let Some(uri) = doc.link("Controllers") else {
        return Ok(None);
    };
    let members = optional(lane, &uri, expand).await?;
    Ok(members
        .iter()
        .find_map(|member| model_of(member.document.doc())))
}

fn model_of(doc: Doc<'_>) -> Option<String> {
    doc.text("Model").or_else(|| doc.text("Name"))
}

fn read_drive(doc: Doc<'_>) -> Drive {
    let id = doc.word("Id").or_else(|| doc.word("Name"));
    Drive {
        id: id.map(str::to_owned),
        model: doc.text("Model"),
        serial_number: doc.text("SerialNumber"),
        capacity_bytes: doc.count("CapacityBytes").filter(|&bytes| bytes > 0),
        media_type: doc.text("MediaType"),
        protocol: doc.text("Protocol"),
    }
}

/// Some machines are named on their chassis alone.
async fn from_chassis(
    lane: &Lane<'_>,
    system: &System,
    found: &mut Inventory,
) -> Result<(), Error> {
    for uri in system.doc().get("Links").links("Chassis") {
        let chassis = match lane.get(&uri).await {
            Ok(chassis) => chassis,
            Err(error) if is_of_the_part(&error) => continue,
            Err(error) => return Err(error),
        };
        let doc = chassis.doc();
        if let Some(serial) = doc.text("SerialNumber") {
            found.serial_number = Some(serial);
            found.part_number = found.part_number.take().or_else(|| doc.text("PartNumber"));
            found.sku = found.sku.take().or_else(|| doc.text("SKU"));
            break;
        }
    }
    Ok(())
}

async fn memory(lane: &Lane<'_>, system: &System, expand: Expand) -> Result<Option<u64>, Error> {
    let Some(uri) = system.doc().link("Memory") else {
        return Ok(None);
    };
    let modules = optional(lane, &uri, expand).await?;
    let sizes = modules
        .iter()
        .filter_map(|module| module.document.doc().count("CapacityMiB"));
    Ok(Some(sizes.sum()).filter(|&sum: &u64| sum > 0))
}

async fn processors(
    lane: &Lane<'_>,
    system: &System,
    expand: Expand,
    found: &mut Inventory,
) -> Result<(), Error> {
    let Some(uri) = system.doc().link("Processors") else {
        return Ok(());
    };
    let members = optional(lane, &uri, expand).await?;
    let docs = members.iter().map(|member| member.document.doc());
    // Accelerators are listed here too, and empty sockets.
    let processors: Vec<_> = docs
        .filter(|doc| doc.word("ProcessorType").is_none_or(|kind| kind == "CPU"))
        .filter(|doc| doc.get("Status").word("State") != Some("Absent"))
        .collect();
    if processors.is_empty() {
        return Ok(());
    }
    let cores: u64 = processors
        .iter()
        .filter_map(|doc| doc.count("TotalCores"))
        .sum();
    found.processor_count = u64::try_from(processors.len()).ok();
    found.processor_cores = found
        .processor_cores
        .or_else(|| (cores > 0).then_some(cores));
    found.processor_model = found
        .processor_model
        .take()
        .or_else(|| processors.iter().find_map(|doc| doc.text("Model")));
    Ok(())
}

/// Whether an error concerns one resource, and not the BMC.
const fn is_of_the_part(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound { .. }
            | Error::NotSupported { .. }
            | Error::Rejected { .. }
            | Error::Decode { .. }
    )
}
