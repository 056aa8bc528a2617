//! What of a boot config is sealed, and what is stored in clear.

use model::{BootConfigSpec, Payload, Secret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::seal::{Error, Sealed, Sealer};

/// The parts of a boot config that may hold secrets, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payloads {
    ignition: Option<SealedPayload>,
    user_data: Option<SealedPayload>,
    ipxe_script: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SealedPayload {
    content: Sealed,
    write_only: bool,
}

/// `spec` as it is stored in clear.
pub(super) fn without_payloads(spec: &BootConfigSpec) -> BootConfigSpec {
    BootConfigSpec {
        ignition: None,
        user_data: None,
        ipxe_script: None,
        ..spec.clone()
    }
}

/// What [`without_payloads`] leaves out, sealed as the parts of the boot config `id`.
pub(super) fn seal(sealer: &Sealer, id: Uuid, spec: &BootConfigSpec) -> Result<Payloads, Error> {
    let payload = |field: &str, payload: &Option<Payload>| {
        let Some(Payload {
            content,
            write_only,
        }) = payload
        else {
            return Ok(None);
        };
        let content = sealer.seal(&what(id, field), content)?;
        Ok::<_, Error>(Some(SealedPayload {
            content,
            write_only: *write_only,
        }))
    };
    let script = spec.ipxe_script.as_ref();
    let script = script.map(|script| sealer.seal(&what(id, IPXE_SCRIPT), &Secret::new(script)));
    Ok(Payloads {
        ignition: payload(IGNITION, &spec.ignition)?,
        user_data: payload(USER_DATA, &spec.user_data)?,
        ipxe_script: script.transpose()?,
    })
}

impl Payloads {
    /// Whether there is an Ignition config.
    pub(crate) const fn has_ignition(&self) -> bool {
        self.ignition.is_some()
    }

    /// Whether there is user data.
    pub(crate) const fn has_user_data(&self) -> bool {
        self.user_data.is_some()
    }

    /// The Ignition config.
    pub(crate) fn ignition(&self, sealer: &Sealer, id: Uuid) -> Result<Option<Secret>, Error> {
        open(
            sealer,
            id,
            IGNITION,
            self.ignition.as_ref().map(|payload| &payload.content),
        )
    }

    /// The user data.
    pub(crate) fn user_data(&self, sealer: &Sealer, id: Uuid) -> Result<Option<Secret>, Error> {
        open(
            sealer,
            id,
            USER_DATA,
            self.user_data.as_ref().map(|payload| &payload.content),
        )
    }

    /// The user's own script.
    pub(crate) fn ipxe_script(&self, sealer: &Sealer, id: Uuid) -> Result<Option<Secret>, Error> {
        open(sealer, id, IPXE_SCRIPT, self.ipxe_script.as_ref())
    }

    /// Puts everything back into `spec`.
    pub(super) fn fill(
        &self,
        sealer: &Sealer,
        id: Uuid,
        spec: &mut BootConfigSpec,
    ) -> Result<(), Error> {
        let payload = |sealed: &Option<SealedPayload>, content: Option<Secret>| {
            let write_only = sealed.as_ref().is_some_and(|sealed| sealed.write_only);
            content.map(|content| Payload {
                content,
                write_only,
            })
        };
        spec.ignition = payload(&self.ignition, self.ignition(sealer, id)?);
        spec.user_data = payload(&self.user_data, self.user_data(sealer, id)?);
        let script = self.ipxe_script(sealer, id)?;
        spec.ipxe_script = script.map(|script| script.expose().to_owned());
        Ok(())
    }
}

fn open(
    sealer: &Sealer,
    id: Uuid,
    field: &str,
    sealed: Option<&Sealed>,
) -> Result<Option<Secret>, Error> {
    sealed
        .map(|sealed| sealer.open(&what(id, field), sealed))
        .transpose()
}

fn what(id: Uuid, field: &str) -> String {
    format!("boot config {id} {field}")
}

const IGNITION: &str = "ignition";
const USER_DATA: &str = "user_data";
const IPXE_SCRIPT: &str = "ipxe_script";
