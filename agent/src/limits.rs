//! How many connections or transfers there may be, in all and of each peer.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many there may be.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    total: usize,
    each: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    told: bool,
    peers: HashMap<IpAddr, Peer>,
}

#[derive(Debug, Default)]
struct Peer {
    places: usize,
    told: bool,
}

/// Whether one more is taken.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is, and has this place until it drops it.
    Granted(Place),
    /// It is not. `first` if it is the first since there was room.
    Refused { first: bool },
}

/// The place of one.
#[derive(Debug)]
pub(crate) struct Place {
    peer: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl Limits {
    /// Room for `total`, `each` of one peer.
    pub(crate) fn new(total: usize, each: usize) -> Self {
        Self {
            total,
            each,
            open: Arc::default(),
        }
    }

    pub(crate) fn admit(&self, peer: IpAddr) -> Admission {
        let peer = peer.to_canonical();
        let mut open = lock(&self.open);
        let Open { total, told, peers } = &mut *open;
        if *total >= self.total {
            return Admission::Refused {
                first: !std::mem::replace(told, true),
            };
        }
        let of_peer = peers.entry(peer).or_default();
        if of_peer.places >= self.each {
            return Admission::Refused {
                first: !std::mem::replace(&mut of_peer.told, true),
            };
        }
        of_peer.places += 1;
        *total += 1;
        Admission::Granted(Place {
            peer,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total -= 1;
        open.told = false;
        if let Some(peer) = open.peers.get_mut(&self.peer) {
            peer.places -= 1;
            if peer.places == 0 {
                open.peers.remove(&self.peer);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_has_its_share_and_all_have_the_total() {
        let limits = Limits::new(3, 2);
        let admit = |last| limits.admit(IpAddr::from([10, 0, 0, last]));
        let granted = |admission| match admission {
            Admission::Granted(place) => place,
            Admission::Refused { .. } => panic!("refused"),
        };
        let refused = |admission| match admission {
            Admission::Granted(_) => panic!("granted"),
            Admission::Refused { first } => first,
        };
        let (a, _b) = (granted(admit(1)), granted(admit(1)));
        assert!(refused(admit(1)));
        assert!(!refused(admit(1)));
        let c = granted(admit(2));
        assert!(refused(admit(3)));
        drop(c);
        let c = granted(admit(3));
        drop(a);
        drop(c);
        assert!(
            !lock(&limits.open)
                .peers
                .contains_key(&IpAddr::from([10, 0, 0, 3]))
        );
        let _again = granted(admit(1));
    }
}
