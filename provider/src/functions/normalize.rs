//! `normalize_mac` and `normalize_uuid`: one spelling for what has many.

use model::{MacAddr, ServerId};
use tfplugin::{Diagnostic, Function, Model, Path};

use crate::diagnostics;

/// Returns a MAC address in lower case with colons, `52:54:00:12:34:56`: the form that every
/// attribute of this provider has in the state. BMCs, switches and inventories write it in half a
/// dozen ways; with this function they can be compared, and be keys of a map. A text that is no MAC
/// address is an error.
#[derive(Model)]
pub(crate) struct Mac {
    /// The address, with colons, dashes, dots (`5254.0012.3456`) or nothing between its digits, in
    /// upper or lower case.
    pub address: String,
}

/// The function `normalize_mac`.
pub(crate) struct NormalizeMac;

impl Function for NormalizeMac {
    type Arguments = Mac;
    type Output = String;
    const NAME: &'static str = "normalize_mac";
    const SUMMARY: &'static str = "The one spelling of a MAC address";

    fn call(&self, Mac { address }: Mac) -> Result<String, Diagnostic> {
        let parsed = address.parse::<MacAddr>();
        parsed
            .map(|mac| mac.to_string())
            .map_err(|error| invalid("address", &error.to_string()))
    }
}

/// Returns a system UUID in lower case with dashes: the `id` of a `baremetal_server`, and what its
/// `terraform import` takes. A text that is no UUID is an error, and so is one of the placeholders
/// that firmware has before it is given a UUID (all zeros, all ones).
#[derive(Model)]
pub(crate) struct Uuid {
    /// The UUID, with or without dashes or braces, in upper or lower case.
    pub uuid: String,
}

/// The function `normalize_uuid`.
pub(crate) struct NormalizeUuid;

impl Function for NormalizeUuid {
    type Arguments = Uuid;
    type Output = String;
    const NAME: &'static str = "normalize_uuid";
    const SUMMARY: &'static str = "The one spelling of a system UUID";

    fn call(&self, Uuid { uuid }: Uuid) -> Result<String, Diagnostic> {
        let parsed = uuid.parse::<ServerId>();
        parsed
            .map(|id| id.to_string())
            .map_err(|error| invalid("uuid", &error.to_string()))
    }
}

fn invalid(argument: &str, cause: &str) -> Diagnostic {
    let detail = format!("{}.", diagnostics::sentence(cause));
    Diagnostic::error("Invalid value", detail).at(Path::root(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_becomes_one() {
        for address in ["52-54-00-AB-00-01", "5254.00ab.0001", "525400AB0001"] {
            let address = address.to_owned();
            let normal = NormalizeMac.call(Mac { address });
            assert_eq!(normal.as_deref(), Ok("52:54:00:ab:00:01"));
        }
        for uuid in [
            "4C4C4544-0042-3510-8057-B7C04F4B4D32",
            "{4c4c4544-0042-3510-8057-b7c04f4b4d32}",
            "4c4c4544004235108057b7c04f4b4d32",
        ] {
            let uuid = uuid.to_owned();
            let normal = NormalizeUuid.call(Uuid { uuid });
            assert_eq!(
                normal.as_deref(),
                Ok("4c4c4544-0042-3510-8057-b7c04f4b4d32")
            );
        }
    }

    #[test]
    fn what_is_none_is_an_error_that_says_what_was_expected() {
        let address = "52:54:00".to_owned();
        let error = NormalizeMac.call(Mac { address }).unwrap_err();
        assert!(
            error.detail.contains("expected 12 hexadecimal digits"),
            "{}",
            error.detail
        );
        assert_eq!(error.path, Some(Path::root("address")));
        let uuid = "00000000-0000-0000-0000-000000000000".to_owned();
        let error = NormalizeUuid.call(Uuid { uuid }).unwrap_err();
        assert!(error.detail.contains("placeholder"), "{}", error.detail);
    }
}
