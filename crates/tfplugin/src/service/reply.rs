//! From results to gRPC responses: an error is a response with a diagnostic.

use std::time::Instant;

use tonic::{Response, Status};

use crate::{Diagnostic, convert, guard::guard, pb};

pub(super) type Answer<T> = Result<Response<T>, Status>;

/// A response that can say that the call failed.
pub(super) trait Reply {
    fn failed(diagnostic: Diagnostic) -> Self;
}

/// Runs a call. A call that fails or panics is answered too, with an error diagnostic: a gRPC
/// error would end the whole run.
pub(super) async fn reply<T: Reply>(
    rpc: &'static str,
    call: impl Future<Output = Result<T, Diagnostic>>,
) -> Answer<T> {
    let start = Instant::now();
    let response = guard(call).await.flatten().unwrap_or_else(T::failed);
    tracing::trace!(rpc, elapsed = ?start.elapsed(), "answered");
    Ok(Response::new(response))
}

macro_rules! reply {
    ($($rpc:ident)*) => { $(
        impl Reply for pb::$rpc::Response {
            fn failed(diagnostic: Diagnostic) -> Self {
                let mut response = Self::default();
                response.diagnostics.push(convert::diagnostic(diagnostic));
                response
            }
        }
    )* };
}

reply! {
    get_metadata get_provider_schema get_resource_identity_schemas get_functions
    validate_provider_config validate_resource_config validate_data_resource_config
    configure_provider
    upgrade_resource_state upgrade_resource_identity move_resource_state
    read_resource plan_resource_change apply_resource_change import_resource_state
    read_data_source
    validate_ephemeral_resource_config validate_list_resource_config validate_action_config
    open_ephemeral_resource renew_ephemeral_resource close_ephemeral_resource
    plan_action generate_resource_config
}
