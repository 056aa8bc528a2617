//! One packet of each client at a time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use model::MacAddr;

/// Which clients are being answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashSet<MacAddr>>>);

/// The right to answer one client. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    mac: MacAddr,
}

impl Turns {
    /// The right to answer a client, unless somebody has it.
    pub(super) fn take(&self, mac: MacAddr) -> Option<Turn> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(mac).then(|| Turn {
            turns: self.clone(),
            mac,
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.mac);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_one_turn_and_another_client_its_own() {
        let turns = Turns::default();
        let mac = |last| MacAddr::new([0x52, 0x54, 0, 0, 0, last]);
        let turn = turns.take(mac(1));
        assert!(turn.is_some());
        assert!(turns.take(mac(1)).is_none());
        assert!(turns.take(mac(2)).is_some());
        drop(turn);
        assert!(turns.take(mac(1)).is_some());
    }
}
