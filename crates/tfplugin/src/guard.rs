//! A panic in a resource becomes an error for the user, and the process goes on.
//!
//! The other resources of the run are at work in the same process: if it died, Terraform would
//! lose what they have made.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    pin::pin,
    task::Poll,
};

use crate::Diagnostic;

/// The result of the future, or an error if it panics.
pub(crate) async fn guard<T>(future: impl Future<Output = T>) -> Result<T, Diagnostic> {
    let mut future = pin!(future);
    // What the future has borrowed is either thrown away or, like a call's context, only read for
    // its plain data afterwards.
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(panicked())),
        },
    )
    .await
}

/// The same for something that does not wait.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Diagnostic> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_panic| panicked())
}

/// Logs every panic as one line and remembers where it was.
///
/// The text of a panic goes to the log only: it may quote a value.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or_default();
        tracing::error!(location, text, "the provider panicked");
        PLACE.set(Some(location));
    }));
}

fn panicked() -> Diagnostic {
    let place = PLACE
        .take()
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    Diagnostic::error(
        "The provider panicked",
        format!(
            "This is a mistake in the provider{place}, please report it. Run again with \
             TF_LOG_PROVIDER=error to see the reason."
        ),
    )
}

thread_local! {
    /// Where the last panic of this thread was. It is caught on the thread where it happens.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}
