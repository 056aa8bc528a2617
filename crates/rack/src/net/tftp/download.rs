//! One download: which packet follows from which, without a socket.

use super::{
    Error,
    packet::{Options, Packet, acknowledge},
};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send this and wait.
    Send(Vec<u8>),
    /// Wait for more.
    Wait,
    /// Send this; the file is complete.
    Done(Vec<u8>),
}

/// A file that comes in.
#[derive(Debug)]
pub(crate) struct Download {
    asked: Options,
    bytes: Vec<u8>,
    block_size: usize,
    window: u16,
    /// The last block that came in order; block numbers start again at 0 after 65535.
    last: u16,
    /// How many blocks came since the last acknowledgement.
    unacknowledged: u16,
    /// Whether the server went on from where it should after a gap was reported.
    gap_reported: bool,
    started: bool,
}

impl Download {
    pub(crate) fn new(asked: Options) -> Self {
        Self {
            asked,
            bytes: Vec::new(),
            block_size: 512,
            window: 1,
            last: 0,
            unacknowledged: 0,
            gap_reported: false,
            started: false,
        }
    }

    pub(crate) fn receive(&mut self, packet: Packet) -> Result<Next, Error> {
        match packet {
            Packet::Error { code, text } => Err(Error::Server { code, text }),
            Packet::OptionAck(granted) => {
                if self.started {
                    // Our acknowledgement was lost.
                    return Ok(self.acknowledge());
                }
                self.started = true;
                if let Some(size) = granted.block_size {
                    if self.asked.block_size.is_none_or(|most| size > most) || size < 8 {
                        return Err(Error::Protocol("a block size that nobody asked for"));
                    }
                    self.block_size = usize::from(size);
                }
                if let Some(window) = granted.window {
                    if self.asked.window.is_none_or(|most| window > most) || window == 0 {
                        return Err(Error::Protocol("a window that nobody asked for"));
                    }
                    self.window = window;
                }
                Ok(self.acknowledge())
            }
            Packet::Data { block, data } => self.data(block, &data),
        }
    }

    /// Nothing came for a while: what was got so far is acknowledged again.
    pub(crate) fn timeout(&mut self) -> Next {
        self.acknowledge()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn data(&mut self, block: u16, data: &[u8]) -> Result<Next, Error> {
        self.started = true;
        if data.len() > self.block_size {
            return Err(Error::Protocol("a block that is too long"));
        }
        if block != self.last.wrapping_add(1) {
            // Old blocks are never answered (the "Sorcerer's Apprentice" of RFC 1123 section
            // 4.2.3.1); a gap is reported once, by acknowledging what came before it.
            let ahead = block.wrapping_sub(self.last) < self.window.saturating_add(1);
            if ahead && !self.gap_reported {
                self.gap_reported = true;
                return Ok(self.acknowledge());
            }
            return Ok(Next::Wait);
        }
        self.gap_reported = false;
        self.last = block;
        self.unacknowledged += 1;
        if self.bytes.len() + data.len() > MAX_FILE {
            return Err(Error::Protocol("a file that is too big for any memory"));
        }
        self.bytes.extend(data);
        if data.len() < self.block_size {
            return Ok(Next::Done(acknowledge(block)));
        }
        if self.unacknowledged >= self.window {
            return Ok(self.acknowledge());
        }
        Ok(Next::Wait)
    }

    fn acknowledge(&mut self) -> Next {
        self.unacknowledged = 0;
        Next::Send(acknowledge(self.last))
    }
}

const MAX_FILE: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::packet::Granted, *};

    fn asked() -> Options {
        Options {
            size: false,
            block_size: Some(8),
            window: Some(2),
        }
    }

    fn block(block: u16, data: &[u8]) -> Packet {
        Packet::Data {
            block,
            data: data.to_vec(),
        }
    }

    fn granted() -> Packet {
        Packet::OptionAck(Granted {
            size: None,
            block_size: Some(8),
            window: Some(2),
        })
    }

    #[test]
    fn a_windowed_download_acknowledges_every_window_and_the_end() {
        let mut download = Download::new(asked());
        let mut check = |packet, expected| {
            assert_eq!(download.receive(packet).unwrap(), expected);
        };
        check(granted(), Next::Send(acknowledge(0)));
        check(block(1, b"01234567"), Next::Wait);
        check(block(2, b"89abcdef"), Next::Send(acknowledge(2)));
        // Block 3 is lost: the gap is reported once.
        check(block(4, b"ijklmnop"), Next::Send(acknowledge(2)));
        check(block(4, b"ijklmnop"), Next::Wait);
        check(block(2, b"89abcdef"), Next::Wait);
        check(block(3, b"ghijklmn"), Next::Wait);
        check(block(4, b""), Next::Done(acknowledge(4)));
        assert_eq!(download.into_bytes(), b"0123456789abcdefghijklmn");
    }

    #[test]
    fn a_server_without_options_sends_data_at_once() {
        let mut download = Download::new(asked());
        let full = [7; 512];
        assert_eq!(
            download.receive(block(1, &full)).unwrap(),
            Next::Send(acknowledge(1))
        );
        assert_eq!(download.timeout(), Next::Send(acknowledge(1)));
        assert_eq!(
            download.receive(block(2, b"end")).unwrap(),
            Next::Done(acknowledge(2))
        );
        assert_eq!(download.into_bytes().len(), 515);
    }

    #[test]
    fn block_numbers_go_on_after_65535() {
        let mut download = Download::new(asked());
        download.receive(granted()).unwrap();
        for number in 1..=70_000_u32 {
            let wrapped = (number & 0xffff) as u16;
            download.receive(block(wrapped, b"01234567")).unwrap();
        }
        let last = (70_001_u32 & 0xffff) as u16;
        let done = download.receive(block(last, b"")).unwrap();
        assert_eq!(done, Next::Done(acknowledge(last)));
        assert_eq!(download.into_bytes().len(), 560_000);
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        for (block_size, window) in [
            (Some(9), None),
            (Some(7), None),
            (None, Some(3)),
            (None, Some(0)),
        ] {
            let mut download = Download::new(asked());
            let granted = Granted {
                size: None,
                block_size,
                window,
            };
            assert!(download.receive(Packet::OptionAck(granted)).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_order_of_packets_panics(packets in prop::collection::vec((0_u16..6, 0_usize..10), 0..50)) {
            let mut download = Download::new(asked());
            for (number, length) in packets {
                let _result = download.receive(block(number, &vec![0; length]));
            }
        }
    }
}
