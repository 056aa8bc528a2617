//! The plugin process: from the environment it is started in to its end.

mod handshake;
mod hclog;
mod leftovers;
pub(crate) mod listener;
pub(crate) mod services;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    io::{self, Write},
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use self::{
    handshake::Handshake,
    listener::{Connections, Endpoint},
    services::{End, Ending},
};
use crate::{
    Provider, guard,
    service::{AfterStop, Service},
};

/// Serves the provider to the Terraform or OpenTofu that started this process.
///
/// With `-debug` it waits for runs that find it through `TF_REATTACH_PROVIDERS` instead.
/// Started by hand it explains itself and fails.
pub fn run<P: Provider>(provider: P) -> ExitCode {
    let debug = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("-debug" | "--debug") => true,
        Some(other) => {
            return fail(&format!(
                "unknown argument {other:?}, expected -debug or none"
            ));
        }
    };
    let variable = |name: &str| std::env::var(name).ok();
    let handshake = if debug {
        Handshake::reattach(variable)
    } else {
        match Handshake::read(variable) {
            Ok(handshake) => handshake,
            Err(refusal) => return fail(&refusal.to_string()),
        }
    };
    hclog::install(P::NAME, variable);
    guard::install_hook();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("failed to start the runtime: {error}")),
    };
    let served = runtime.block_on(serve(provider, handshake));
    // A call that did not come to an end in time must not keep the process.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    // The host may have closed its end already.
    drop(writeln!(io::stderr(), "error: {text}"));
    ExitCode::FAILURE
}

/// Why a provider could not be served.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to listen in {path}: {source}")]
    Bind { path: PathBuf, source: io::Error },
    #[error("failed to prepare TLS: {0}")]
    Tls(#[from] tls::Error),
    #[error("failed to watch for signals: {0}")]
    Signals(io::Error),
    #[error("failed to print the handshake: {0}")]
    Print(io::Error),
    #[error("failed to serve: {0}")]
    Serve(#[from] tonic::transport::Error),
}

async fn serve<P: Provider>(provider: P, handshake: Handshake) -> Result<(), Error> {
    let identity = handshake
        .client_certificate
        .as_deref()
        .map(tls::acceptor)
        .transpose()?;
    let (acceptor, certificate) = identity.unzip();
    let (endpoint, listener) =
        Endpoint::bind(&handshake.socket_directory).map_err(|source| Error::Bind {
            path: handshake.socket_directory.clone(),
            source,
        })?;
    let ending = Ending::default();
    watch_signals(&ending, handshake.debug)?;
    let after_stop = if handshake.debug {
        AfterStop::Renewed
    } else {
        AfterStop::Stopped
    };
    let service = Arc::new(Service::new(provider, after_stop));
    let (connections, incoming) = Connections::accept(listener, acceptor);
    if !handshake.debug {
        let ending = ending.clone();
        tokio::spawn(async move {
            connections.abandoned(ABANDONED).await;
            ending.end(End::Abandoned);
        });
    }
    let line = handshake.line(P::ADDRESS, endpoint.path(), certificate.as_deref());
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(Error::Print)?;

    let server = services::serve(Arc::clone(&service), incoming, ending.clone());
    Ok(until_the_end(server, shutdown(&service), &ending).await?)
}

/// Serves until the end and closes what is open, in the order that the reason to end leaves time
/// for. The server ends by itself when it has answered the calls that were running.
async fn until_the_end(
    server: impl Future<Output = Result<(), tonic::transport::Error>>,
    shutdown: impl Future<Output = ()>,
    ending: &Ending,
) -> Result<(), tonic::transport::Error> {
    let mut server = pin!(server);
    let end = tokio::select! {
        served = &mut server => {
            shutdown.await;
            return served;
        }
        end = ending.ended() => end,
    };
    match end {
        // The host has got what it wanted, and will kill us soon; or it is gone.
        End::Host | End::Abandoned => {
            let (served, ()) = tokio::join!(timeout(SHUTDOWN, server), shutdown);
            served.unwrap_or(Ok(()))
        }
        // Running calls may have made something that the host has to know about.
        End::Signal => {
            let served = timeout(SIGNAL_GRACE, server).await;
            shutdown.await;
            served.unwrap_or(Ok(()))
        }
    }
}

async fn shutdown<P: Provider>(service: &Service<P>) {
    match timeout(SHUTDOWN, guard::guard(service.shutdown())).await {
        Ok(Ok(())) => {}
        Ok(Err(panicked)) => tracing::error!(error = panicked.summary, "shutdown failed"),
        Err(_) => tracing::warn!("the client was not shut down in time"),
    }
}

/// Ctrl-C reaches every process of the terminal, but it is Terraform that decides what stops and
/// tells us so with `StopProvider`: dying here would lose what it does not know yet.
fn watch_signals(ending: &Ending, debug: bool) -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let ending = ending.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => if debug { break },
                _ = terminate.recv() => break,
            }
        }
        ending.end(End::Signal);
    });
    Ok(())
}

/// How long the client may take to end what it holds open. The host kills two seconds after it
/// has asked to end.
const SHUTDOWN: Duration = Duration::from_millis(1500);
/// How long running calls may take after SIGTERM, to report what they have made.
const SIGNAL_GRACE: Duration = Duration::from_secs(20);
/// How long after its last connection the host counts as gone.
const ABANDONED: Duration = Duration::from_secs(30);
