//! The calls by their names; what they do is in the other rooms.

use tonic::{Request, Response, codegen::BoxStream};

use super::{
    Service,
    reply::{Answer, reply},
};
use crate::{
    Provider,
    pb::{self, provider_server},
};

#[tonic::async_trait]
impl<P: Provider> provider_server::Provider for Service<P> {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        reply("GetMetadata", async { Ok(self.metadata()) }).await
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        reply("GetProviderSchema", async { Ok(self.schemas()) }).await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        reply("GetResourceIdentitySchemas", async {
            Ok(self.identity_schemas())
        })
        .await
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        reply("GetFunctions", async { Ok(self.functions()) }).await
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        reply("ValidateProviderConfig", async {
            self.validate_provider(request.get_ref())
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        reply("ValidateResourceConfig", async {
            self.validate_resource(request.get_ref())
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let validate = async { self.validate_data_source(request.get_ref()) };
        reply("ValidateDataResourceConfig", validate).await
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        reply("ConfigureProvider", self.configure(request.into_inner())).await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        reply("UpgradeResourceState", async {
            self.upgrade_state(request.get_ref())
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        reply("UpgradeResourceIdentity", async {
            self.upgrade_identity(request.get_ref())
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        reply("MoveResourceState", async {
            self.move_state(request.into_inner())
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        reply("ReadResource", self.read(request.into_inner())).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        reply("PlanResourceChange", async {
            self.plan(request.into_inner())
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        reply("ApplyResourceChange", self.apply(request.into_inner())).await
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        reply("ImportResourceState", self.import(request.into_inner())).await
    }

    async fn generate_resource_config(
        &self,
        request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        reply("GenerateResourceConfig", async {
            self.generate(request.get_ref())
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        reply("ReadDataSource", self.read_data(request.into_inner())).await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        reply("ValidateEphemeralResourceConfig", async {
            self.validate_ephemeral(request.get_ref())
        })
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        reply("ValidateListResourceConfig", async {
            self.validate_list(request.get_ref())
        })
        .await
    }

    async fn validate_action_config(
        &self,
        request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        reply("ValidateActionConfig", async {
            self.validate_action(request.get_ref())
        })
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        reply("OpenEphemeralResource", self.open(request.into_inner())).await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        reply("RenewEphemeralResource", self.renew(request.into_inner())).await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        reply("CloseEphemeralResource", self.close(request.into_inner())).await
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        reply("CallFunction", async { self.call(request.get_ref()) }).await
    }

    async fn plan_action(
        &self,
        request: Request<pb::plan_action::Request>,
    ) -> Answer<pb::plan_action::Response> {
        reply("PlanAction", self.plan_action(request.into_inner())).await
    }

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<BoxStream<pb::list_resource::Event>> {
        let events = self.list(request.into_inner()).await;
        Ok(Response::new(events))
    }

    async fn invoke_action(
        &self,
        request: Request<pb::invoke_action::Request>,
    ) -> Answer<BoxStream<pb::invoke_action::Event>> {
        let events = self.invoke(request.into_inner()).await;
        Ok(Response::new(events))
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        tracing::info!("asked to stop");
        self.stop();
        Ok(Response::new(pb::stop_provider::Response::default()))
    }
}
