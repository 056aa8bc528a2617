//! Bodies that are downloaded once.
//!
//! The last piece of a secret is withheld until its token is used up, on stable storage. So one
//! download at most is ever whole: not of many at once, and not of two with a crash between them.
//! One that broke before its last piece leaves the secret to be fetched again; one that broke
//! behind it does not, because nobody can tell whether the other end has it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Uses the token up. Its value says whether the last piece may be sent.
pub(crate) type UseUp = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The body of a download.
pub(crate) struct Download {
    rest: Bytes,
    // `None` once it was asked.
    use_up: Option<UseUp>,
}

/// The last piece was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the last piece of a secret is withheld: another download has it, or the store failed")]
pub(crate) struct Withheld;

impl Download {
    /// Sends `content`, which is not empty, and its last piece if `use_up` allows that.
    pub(crate) fn new(content: Bytes, use_up: UseUp) -> Self {
        Self {
            rest: content,
            use_up: Some(use_up),
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Withheld;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withheld>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(CHUNK);
        if length == self.rest.len() {
            let Some(use_up) = &mut self.use_up else {
                return Poll::Ready(Some(Err(Withheld)));
            };
            let allowed = ready!(use_up.as_mut().poll(context));
            self.use_up = None;
            if !allowed {
                return Poll::Ready(Some(Err(Withheld)));
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// How much is handed over at once. Small, so that a transfer that breaks early uses nothing up.
const CHUNK: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn download(length: usize) -> (Download, oneshot::Sender<bool>) {
        let (used_up, told) = oneshot::channel();
        let use_up = async move { told.await.unwrap_or(false) };
        (
            Download::new(Bytes::from(vec![7; length]), Box::pin(use_up)),
            used_up,
        )
    }

    /// The length of the next piece, 0 at the end.
    fn next(download: &mut Download) -> Poll<Result<usize, Withheld>> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        Pin::new(download)
            .poll_frame(&mut context)
            .map(|frame| frame.map_or(Ok(0), |frame| Ok(frame?.into_data().unwrap().len())))
    }

    #[test]
    fn the_last_piece_waits_until_the_token_is_used_up() {
        for (length, before) in [(CHUNK + 1, vec![CHUNK]), (CHUNK, vec![]), (1, vec![])] {
            let (mut download, used_up) = download(length);
            assert_eq!(download.size_hint().exact(), Some(length as u64));
            for piece in &before {
                assert!(matches!(next(&mut download), Poll::Ready(Ok(sent)) if sent == *piece));
            }
            assert!(next(&mut download).is_pending());
            assert!(next(&mut download).is_pending());
            used_up.send(true).unwrap();
            let last = length - before.iter().sum::<usize>();
            assert!(matches!(next(&mut download), Poll::Ready(Ok(sent)) if sent == last));
            assert!(download.is_end_stream());
            assert!(matches!(next(&mut download), Poll::Ready(Ok(0))));
        }
    }

    #[test]
    fn the_last_piece_of_a_token_that_somebody_else_used_up_is_withheld() {
        let (mut download, used_up) = download(CHUNK + 1);
        assert!(matches!(next(&mut download), Poll::Ready(Ok(CHUNK))));
        used_up.send(false).unwrap();
        for _ in 0..3 {
            assert!(matches!(next(&mut download), Poll::Ready(Err(Withheld))));
        }
    }
}
