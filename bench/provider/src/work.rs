//! Work that the simulated BMCs do without being asked by a provider: as much as a request costs them,
//! in the same process and on the same threads.

use std::{
    hint::black_box,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::net::UdpSocket;

use crate::Result;

/// A port at which each datagram is some work.
#[derive(Clone)]
pub(crate) struct Work {
    socket: Arc<UdpSocket>,
    rounds: Arc<AtomicU64>,
    rounds_per_second: f64,
}

impl Work {
    pub(crate) async fn bind() -> Result<Self> {
        // The fastest of many is the one that nobody interrupted.
        let fastest = (0..50).map(|_| {
            let began = Instant::now();
            spin(ROUNDS);
            began.elapsed()
        });
        let fastest = fastest.min().unwrap_or_default().as_secs_f64();
        Ok(Self {
            socket: Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?),
            rounds: Arc::default(),
            rounds_per_second: f64::from(ROUNDS) / fastest.max(1e-9),
        })
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// How much each datagram is from now on.
    pub(crate) fn take(&self, each: Duration) {
        let rounds = Duration::from_secs_f64(each.as_secs_f64() * self.rounds_per_second / 1e9);
        let rounds = u64::try_from(rounds.as_nanos()).unwrap_or_default();
        self.rounds.store(rounds, Ordering::Relaxed);
    }

    pub(crate) async fn run(self) {
        let mut datagram = [0; 8];
        while self.socket.recv(&mut datagram).await.is_ok() {
            let rounds = self.rounds.load(Ordering::Relaxed);
            tokio::spawn(async move { spin(u32::try_from(rounds).unwrap_or(u32::MAX)) });
        }
    }
}

fn spin(rounds: u32) {
    let mut number = 1_u64;
    for _ in 0..rounds {
        number = black_box(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        );
    }
}

/// About a tenth of a millisecond.
const ROUNDS: u32 = 100_000;
