//! What a system boots next: as the BMC reports it, and as one asks for it.

mod apply;
mod change;

use crate::lenient::{Doc, open_enum};

open_enum! {
    /// Where to boot from.
    pub enum BootTarget {
        /// The normal order.
        None = "None",
        /// The network, by PXE.
        Pxe = "Pxe",
        /// The network, by UEFI HTTP boot.
        UefiHttp = "UefiHttp",
        /// A hard disk.
        Hdd = "Hdd",
        /// An optical drive, be it a virtual one.
        Cd = "Cd",
        /// A USB device.
        Usb = "Usb",
        /// The firmware's setup.
        BiosSetup = "BiosSetup",
        /// The UEFI shell.
        UefiShell = "UefiShell",
        /// The device path in `UefiTargetBootSourceOverride`.
        UefiTarget = "UefiTarget",
        /// The entry in `BootNext`.
        UefiBootNext = "UefiBootNext",
    }
}

open_enum! {
    /// For how long an override counts.
    pub enum BootEnabled {
        /// For the next boot.
        Once = "Once",
        /// For every boot.
        Continuous = "Continuous",
        /// Not at all.
        Disabled = "Disabled",
    }
}

open_enum! {
    /// How the firmware boots.
    pub enum BootMode {
        /// By UEFI.
        Uefi = "UEFI",
        /// By BIOS.
        Legacy = "Legacy",
    }
}

/// A boot override to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootOverride {
    /// Where to boot from.
    pub target: BootTarget,
    /// For how long.
    pub enabled: BootEnabled,
    /// The boot mode; `None` leaves it as it is.
    pub mode: Option<BootMode>,
    /// The URL for [`BootTarget::UefiHttp`]; `None` leaves it to DHCP.
    pub http_boot_uri: Option<String>,
}

/// What a BMC reports of a system's boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// For how long the override counts.
    pub enabled: Option<BootEnabled>,
    /// Where to boot from.
    pub target: Option<BootTarget>,
    /// The boot mode, if it can be overridden.
    pub mode: Option<BootMode>,
    /// The URL for HTTP boot.
    pub http_boot_uri: Option<String>,
    /// Whether there is such a URL at all, be it empty.
    pub has_http_boot_uri: bool,
    /// The targets that the BMC lists; empty if it lists none.
    pub allowed_targets: Vec<String>,
    /// The durations that the BMC lists; empty if it lists none.
    pub allowed_enabled: Vec<String>,
    /// The boot order, by names of boot options.
    pub boot_order: Vec<String>,
}

impl Boot {
    pub(crate) fn read(doc: Doc<'_>) -> Self {
        let mut allowed_targets = doc.words("BootSourceOverrideTarget@Redfish.AllowableValues");
        if allowed_targets.is_empty() {
            // Its name before Redfish 1.0.
            allowed_targets = doc.words("BootSourceOverrideSupported");
        }
        // Some firmware puts the title of an entry behind its name.
        let order = doc
            .words("BootOrder")
            .into_iter()
            .map(|entry| match entry.split_once(": ") {
                Some((name, _title)) => name.to_owned(),
                None => entry,
            });
        Self {
            enabled: doc.word("BootSourceOverrideEnabled").map(BootEnabled::from),
            target: doc.word("BootSourceOverrideTarget").map(BootTarget::from),
            mode: doc.word("BootSourceOverrideMode").map(BootMode::from),
            http_boot_uri: doc.text("HttpBootUri"),
            has_http_boot_uri: doc.has("HttpBootUri"),
            allowed_targets,
            allowed_enabled: doc.words("BootSourceOverrideEnabled@Redfish.AllowableValues"),
            boot_order: order.collect(),
        }
    }

    /// Adds what another resource of the same system lists. Each may be incomplete.
    fn allow(&mut self, other: Self) {
        self.has_http_boot_uri |= other.has_http_boot_uri;
        for (own, others) in [
            (&mut self.allowed_targets, other.allowed_targets),
            (&mut self.allowed_enabled, other.allowed_enabled),
        ] {
            let new = |word: &String| own.iter().all(|known| !known.eq_ignore_ascii_case(word));
            let new: Vec<_> = others.into_iter().filter(new).collect();
            own.extend(new);
        }
        self.enabled = self.enabled.take().or(other.enabled);
        self.target = self.target.take().or(other.target);
        self.mode = self.mode.take().or(other.mode);
        self.http_boot_uri = self.http_boot_uri.take().or(other.http_boot_uri);
    }

    /// Whether an override is pending.
    pub fn is_overridden(&self) -> bool {
        self.enabled
            .as_ref()
            .is_some_and(|enabled| *enabled != BootEnabled::Disabled)
            && self
                .target
                .as_ref()
                .is_some_and(|target| *target != BootTarget::None)
    }
}
