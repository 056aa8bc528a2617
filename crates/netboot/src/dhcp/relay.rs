//! Relay agent information (option 82): what the relay says of where a request came from.

use std::net::Ipv4Addr;

use super::Value;

/// Relay agent information. A server gives it back byte for byte (RFC 3046 section 2.2), so the
/// bytes are what is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayInformation(Vec<u8>);

/// One part of relay agent information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubOption {
    /// The circuit the request came in on, such as a switch port (RFC 3046 section 3.1).
    CircuitId(Vec<u8>),
    /// The remote end of that circuit (RFC 3046 section 3.2).
    RemoteId(Vec<u8>),
    /// An address in the subnet the client is in, where that is not the relay's own (RFC 3527).
    LinkSelection(Ipv4Addr),
    /// Replies go to the UDP port the relay sent from, not to port 67 (RFC 8357).
    SourcePort,
    /// Anything else.
    Other(u8, Vec<u8>),
}

impl RelayInformation {
    /// Relay agent information with these parts in this order. What is over 255 bytes in a part is
    /// cut off: there is no way to write it.
    pub fn new(parts: impl IntoIterator<Item = SubOption>) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            let (number, data) = match part {
                SubOption::CircuitId(id) => (1, id),
                SubOption::RemoteId(id) => (2, id),
                SubOption::LinkSelection(address) => (5, address.octets().to_vec()),
                SubOption::SourcePort => (19, Vec::new()),
                SubOption::Other(number, data) => (number, data),
            };
            let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
            bytes.extend([number, length]);
            bytes.extend(&data[..usize::from(length)]);
        }
        Self(bytes)
    }

    /// The bytes of the part with this number. What follows a part with a wrong length is not read.
    pub fn part(&self, number: u8) -> Option<&[u8]> {
        let mut rest = self.0.as_slice();
        while let [found, length, tail @ ..] = rest {
            let (data, tail) = tail.split_at_checked(usize::from(*length))?;
            if *found == number {
                return Some(data);
            }
            rest = tail;
        }
        None
    }

    /// The circuit the request came in on.
    pub fn circuit_id(&self) -> Option<&[u8]> {
        self.part(1)
    }

    /// The remote end of the circuit.
    pub fn remote_id(&self) -> Option<&[u8]> {
        self.part(2)
    }

    /// An address in the client's subnet.
    pub fn link_selection(&self) -> Option<Ipv4Addr> {
        Ipv4Addr::decode(self.part(5)?).ok()
    }

    /// Whether replies go to the port that the relay sent from.
    pub fn source_port(&self) -> bool {
        self.part(19).is_some()
    }
}

impl Value for RelayInformation {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        Ok(Self(bytes.to_vec()))
    }

    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_number_and_written_in_order() {
        let information = RelayInformation::new([
            SubOption::CircuitId(b"eth1/7".to_vec()),
            SubOption::RemoteId(vec![0xaa]),
            SubOption::LinkSelection(Ipv4Addr::new(10, 1, 0, 1)),
            SubOption::SourcePort,
            SubOption::Other(151, vec![1, 2]),
        ]);
        assert_eq!(
            information.encode(),
            b"\x01\x06eth1/7\x02\x01\xaa\x05\x04\x0a\x01\x00\x01\x13\x00\x97\x02\x01\x02"
        );
        assert_eq!(information.circuit_id(), Some(b"eth1/7".as_slice()));
        assert_eq!(information.remote_id(), Some([0xaa].as_slice()));
        assert_eq!(
            information.link_selection(),
            Some(Ipv4Addr::new(10, 1, 0, 1))
        );
        assert!(information.source_port());
        assert_eq!(information.part(151), Some([1, 2].as_slice()));
    }

    #[test]
    fn a_part_with_a_wrong_length_ends_the_reading() {
        for bytes in [b"\x01".as_slice(), b"\x01\x09a", b"\x05\x03abc"] {
            let information = RelayInformation::decode(bytes).unwrap();
            assert_eq!(information.circuit_id(), None);
            assert_eq!(information.link_selection(), None);
            assert!(!information.source_port());
            assert_eq!(information.encode(), bytes);
        }
    }
}
