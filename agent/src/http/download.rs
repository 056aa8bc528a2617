//! Bodies that may be downloaded once.
//!
//! A secret counts as downloaded when its last byte was handed to the connection. A transfer that
//! broke before that leaves it to be fetched again; a second transfer that begins meanwhile takes
//! the place of the first, whose last byte is then withheld. So one at most is ever whole.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The downloads that are under way, by the hash of their token.
#[derive(Default)]
pub(crate) struct Downloads {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    attempts: u64,
    by_hash: HashMap<String, Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    attempt: u64,
    finished: bool,
}

impl Downloads {
    /// Begins a download, in place of one that is under way. `None` if one was finished and the
    /// store does not have it yet.
    pub(crate) fn begin(self: &Arc<Self>, hash: &str) -> Option<Ticket> {
        let mut slots = self.slots();
        if slots.by_hash.get(hash).is_some_and(|slot| slot.finished) {
            return None;
        }
        slots.attempts += 1;
        let attempt = slots.attempts;
        slots.by_hash.insert(
            hash.to_owned(),
            Slot {
                attempt,
                finished: false,
            },
        );
        Some(Ticket {
            downloads: Arc::clone(self),
            hash: hash.to_owned(),
            attempt,
        })
    }

    /// Forgets a finished download, because the store has it now.
    pub(crate) fn forget(&self, hash: &str) {
        self.slots().by_hash.remove(hash);
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt to download.
pub(crate) struct Ticket {
    downloads: Arc<Downloads>,
    hash: String,
    attempt: u64,
}

impl Ticket {
    /// Whether this attempt may send its last byte. If so no other may.
    fn finish(&self) -> bool {
        let mut slots = self.downloads.slots();
        match slots.by_hash.get_mut(&self.hash) {
            Some(slot) if slot.attempt == self.attempt && !slot.finished => {
                slot.finished = true;
                true
            }
            _ => false,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut slots = self.downloads.slots();
        let mine = |slot: &Slot| slot.attempt == self.attempt && !slot.finished;
        if slots.by_hash.get(&self.hash).is_some_and(mine) {
            slots.by_hash.remove(&self.hash);
        }
    }
}

/// The body of a download.
pub(crate) struct Download {
    rest: Bytes,
    ticket: Ticket,
    sent: Option<Box<dyn FnOnce() + Send>>,
}

/// Another download of the same secret began.
#[derive(Debug, thiserror::Error)]
#[error("a later download took the place of this one")]
pub(crate) struct Superseded;

impl Download {
    /// Sends `content`, and calls `sent` with its last byte.
    pub(crate) fn new(
        content: Bytes,
        ticket: Ticket,
        sent: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            rest: content,
            ticket,
            sent: Some(Box::new(sent)),
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Superseded;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Superseded>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(length);
        if self.rest.is_empty() {
            if !self.ticket.finish() {
                return Poll::Ready(Some(Err(Superseded)));
            }
            if let Some(sent) = self.sent.take() {
                sent();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// How much is handed over at once. Small, so that "handed over" is close to "sent".
const CHUNK: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Fixture {
        downloads: Arc<Downloads>,
        sent: Arc<AtomicUsize>,
    }

    impl Fixture {
        fn begin(&self) -> Option<Download> {
            let sent = Arc::clone(&self.sent);
            let ticket = self.downloads.begin("hash")?;
            let content = Bytes::from(vec![7; CHUNK + 1]);
            Some(Download::new(content, ticket, move || {
                sent.fetch_add(1, Ordering::SeqCst);
            }))
        }

        fn sent(&self) -> usize {
            self.sent.load(Ordering::SeqCst)
        }
    }

    fn fixture() -> Fixture {
        Fixture {
            downloads: Arc::default(),
            sent: Arc::default(),
        }
    }

    /// The length of the next piece, 0 at the end.
    fn next(download: &mut Download) -> Result<usize, Superseded> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(download).poll_frame(&mut context) {
            Poll::Ready(Some(frame)) => Ok(frame?.into_data().unwrap().len()),
            Poll::Ready(None) => Ok(0),
            Poll::Pending => unreachable!("it is never pending"),
        }
    }

    #[test]
    fn a_whole_download_is_the_last_one_until_the_store_knows() {
        let fixture = fixture();
        let mut download = fixture.begin().unwrap();
        assert_eq!(download.size_hint().exact(), Some(CHUNK as u64 + 1));
        assert_eq!(next(&mut download).unwrap(), CHUNK);
        assert_eq!(fixture.sent(), 0);
        assert_eq!(next(&mut download).unwrap(), 1);
        assert_eq!(fixture.sent(), 1);
        assert_eq!(next(&mut download).unwrap(), 0);
        drop(download);
        assert!(fixture.begin().is_none());
        fixture.downloads.forget("hash");
        assert!(fixture.begin().is_some());
    }

    #[test]
    fn a_download_that_broke_may_be_begun_again() {
        let fixture = fixture();
        let mut download = fixture.begin().unwrap();
        next(&mut download).unwrap();
        drop(download);
        assert!(fixture.downloads.slots().by_hash.is_empty());
        assert!(fixture.begin().is_some());
        assert_eq!(fixture.sent(), 0);
    }

    #[test]
    fn of_two_downloads_at_once_the_later_gets_the_last_byte() {
        let fixture = fixture();
        let (mut first, mut second) = (fixture.begin().unwrap(), fixture.begin().unwrap());
        next(&mut first).unwrap();
        assert!(next(&mut first).is_err());
        drop(first);
        next(&mut second).unwrap();
        assert_eq!(next(&mut second).unwrap(), 1);
        assert_eq!(fixture.sent(), 1);
    }
}
