//! `baremetal_image`: an image that the agent has ready before anything boots it.

use std::time::{Duration, Instant};

use model::{Asset, CacheState};
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Model, Path, Plan, Resource, Timeouts, async_trait,
};
use uuid::Uuid;

use super::objects;
use crate::{
    checks,
    client::{AgentApi, ApiError, Client},
    diagnostics,
};

/// An image in the agent's cache: fetched and verified before anything boots it, so that no server
/// waits for it. Boot configs that name the same `sha256` use it, whatever their URL.
#[derive(Clone, Debug, Model)]
pub(crate) struct ImageModel {
    /// Its identity, a UUID.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// Where the agent fetches it, `http` or `https`.
    #[tf(check = checks::http_url, same = checks::same_url)]
    pub url: String,
    /// SHA-256 of the whole file, as `sha256sum` prints it.
    #[tf(check = checks::sha256, same = checks::same_sha256, replace)]
    pub sha256: String,
    /// `ready`, `pending` or `error`.
    #[tf(computed)]
    pub state: Option<String>,
    /// Its size in bytes.
    #[tf(computed)]
    pub size_bytes: Option<u64>,
    /// When it came into the cache.
    #[tf(computed)]
    pub fetched_at: Option<String>,
    /// How long its operations may take. Fetching it is part of `create` and `update`.
    pub timeouts: Option<Timeouts>,
}

/// The resource `baremetal_image`.
pub(crate) struct Image;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

impl ImageModel {
    fn asset(&self) -> Asset {
        Asset {
            url: self.url.clone(),
            sha256: checks::hex_digits(&self.sha256),
        }
    }

    /// Takes over what the agent has.
    fn adopt(&mut self, found: &model::Image) {
        self.id = Some(found.id.to_string());
        self.url.clone_from(&found.spec.url);
        self.sha256.clone_from(&found.spec.sha256);
        self.progress(found);
    }

    /// Takes over how far it is, and nothing that the user wrote.
    fn progress(&mut self, found: &model::Image) {
        self.state = Some(found.state.as_str().to_owned());
        self.size_bytes = found.size_bytes;
        self.fetched_at = found.fetched_at.map(|at| at.to_string());
    }
}

#[async_trait]
impl Resource<Client> for Image {
    type Model = ImageModel;
    const NAME: &'static str = "image";

    fn plan(&self, plan: &mut Plan<'_>) {
        if plan.is_create() {
            return;
        }
        // One that is not there is put again, which makes the agent try again.
        let ready = plan.prior.get("state").as_str() == Some(CacheState::Ready.as_str());
        for attribute in ["state", "size_bytes", "fetched_at"] {
            match ready && !plan.changed("sha256") {
                true => plan.keep(attribute),
                false => plan.unknown(attribute),
            }
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: ImageModel,
    ) -> Result<ImageModel, Failed<ImageModel>> {
        plan.id = Some(Uuid::new_v4().to_string());
        let timeout = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        put(cx, plan, timeout).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: ImageModel,
    ) -> Result<Option<ImageModel>, Diagnostic> {
        let id = objects::id("image", state.id.as_deref())?;
        let found = match cx.client.agent.api().await {
            Ok(api) => api.image(id).await,
            Err(error) => Err(error),
        };
        Ok(objects::seen(cx, found, "this image")?.map(|found| {
            if let Some(found) = found {
                state.adopt(&found);
            }
            state
        }))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _prior: ImageModel,
        plan: ImageModel,
    ) -> Result<ImageModel, Failed<ImageModel>> {
        let timeout = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        put(cx, plan, timeout).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: ImageModel) -> Result<(), Diagnostic> {
        let id = objects::id("image", state.id.as_deref())?;
        Ok(cx.client.agent.api().await?.delete_image(id).await?)
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ImageModel, Diagnostic> {
        let expected = "its id, a UUID, or its sha256 if that is pinned once";
        let name = objects::import_name("image", by, expected)?;
        let digits = checks::hex_digits(&name.text);
        let mut found = cx.client.agent.api().await?.images().await?;
        found.retain(|found| name.is(found.id) || found.spec.sha256 == digits);
        match found.as_slice() {
            [] => Err(name.unknown("image", expected)),
            [found] => {
                let mut state = ImageModel {
                    id: None,
                    url: String::new(),
                    sha256: String::new(),
                    state: None,
                    size_bytes: None,
                    fetched_at: None,
                    timeouts: None,
                };
                state.adopt(found);
                Ok(state)
            }
            several => {
                let ids: Vec<_> = several.iter().map(|found| found.id).collect();
                Err(name.ambiguous("image", &ids))
            }
        }
    }
}

/// Pins the image and waits until it is there.
async fn put(
    cx: &Context<Client>,
    mut plan: ImageModel,
    timeout: Duration,
) -> Result<ImageModel, Failed<ImageModel>> {
    let id = objects::id("image", plan.id.as_deref())?;
    let api = cx.client.agent.api().await?;
    let mut image = api.put_image(id, &plan.asset()).await?;
    let outcome = settled(cx, &api, &mut image, timeout).await;
    plan.progress(&image);
    match outcome {
        Ok(()) => Ok(plan),
        Err(diagnostic) => Err(Failed::with(diagnostic, plan)),
    }
}

/// Waits until the image is there, or cannot be.
async fn settled(
    cx: &Context<Client>,
    api: &AgentApi,
    image: &mut model::Image,
    timeout: Duration,
) -> Result<(), Diagnostic> {
    let deadline = Instant::now() + timeout;
    loop {
        match image.state {
            CacheState::Ready => return Ok(()),
            CacheState::Error => return Err(broken(image)),
            CacheState::Pending if Instant::now() >= deadline => {
                return Err(late(image, timeout));
            }
            CacheState::Pending => {}
        }
        tokio::select! {
            () = cx.stop.cancelled() => {
                return Err(diagnostics::stopped("the agent fetched an image"));
            }
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        *image = api.image(image.id).await.map_err(|error| match error {
            ApiError::Stopped => diagnostics::stopped("the agent fetched an image"),
            error => error.into(),
        })?;
    }
}

fn broken(image: &model::Image) -> Diagnostic {
    let reason = image.reason.as_deref().unwrap_or("no reason is known");
    Diagnostic::error(
        "The image cannot be fetched",
        format!(
            "{}: {reason}. Correct the URL or the digest (`curl -L URL | sha256sum` prints it), \
             and see that the agent can reach the URL.",
            image.spec.url
        ),
    )
    .at(Path::root("url"))
}

fn late(image: &model::Image, timeout: Duration) -> Diagnostic {
    Diagnostic::error(
        "The image is not there yet",
        format!(
            "After {} s the agent still fetches {}. It goes on; apply again, or raise \
             timeouts.create.",
            timeout.as_secs(),
            image.spec.url
        ),
    )
    .at(Path::root("timeouts"))
}
