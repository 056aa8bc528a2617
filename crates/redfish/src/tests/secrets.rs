//! Passwords and tokens stay out of the log, at every level and on every path.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::http::Method;
use model::BmcTls;
use tracing_subscriber::fmt::MakeWriter;

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_level_of_the_log_shows_a_password_or_a_token() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.set_asset_tag(SYSTEM, "new").await.unwrap();
    fake.with(|machine| machine.sessions.clear());
    bmc.systems().await.unwrap();
    bmc.logout().await;
    // The BMC echoes what it got.
    let echo = Answer::message(401, &format!("The password {PASSWORD} is wrong"));
    fake.script(Method::POST, SESSIONS, vec![echo]);
    let echoed = fake.bmc().systems().await.unwrap_err();
    let full = || Answer::message(503, "Base.1.12.SessionLimitExceeded");
    fake.rule(move |_, request| request.is(&Method::POST, SESSIONS).then(full));
    fake.bmc().systems().await.unwrap();
    let wrong = fake.bmc_with("wrong-horse-8", BmcTls::default()).unwrap();
    let refused = wrong.systems().await.unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("answered") && text.contains(SYSTEM), "{text}");
    let errors = format!(
        "{echoed} {echoed:?} {} {refused} {refused:?}",
        echoed.advice()
    );
    for secret in [
        PASSWORD,
        "wrong-horse-8",
        "token1\"",
        "token2\"",
        "b3BlcmF0b3I6",
    ] {
        assert!(!text.contains(secret), "{secret} in the log:\n{text}");
        assert!(
            !errors.contains(secret),
            "{secret} in the errors:\n{errors}"
        );
    }
}
