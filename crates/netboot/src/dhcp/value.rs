//! What an option holds, as a type.

use std::net::Ipv4Addr;

/// A type that an option's bytes stand for.
pub trait Value: Sized {
    /// Reads the value, or says which length was expected.
    ///
    /// # Errors
    ///
    /// The expected length in words, to follow "expected".
    fn decode(bytes: &[u8]) -> Result<Self, &'static str>;

    /// The bytes that stand for the value.
    fn encode(&self) -> Vec<u8>;
}

impl Value for u8 {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        match bytes {
            [value] => Ok(*value),
            _ => Err("1"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        vec![*self]
    }
}

impl Value for u16 {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.try_into().map_err(|_says_less| "2")?;
        Ok(Self::from_be_bytes(bytes))
    }

    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl Value for u32 {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.try_into().map_err(|_says_less| "4")?;
        Ok(Self::from_be_bytes(bytes))
    }

    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl Value for Ipv4Addr {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        <[u8; 4]>::try_from(bytes)
            .map(Self::from)
            .map_err(|_says_less| "4")
    }

    fn encode(&self) -> Vec<u8> {
        self.octets().to_vec()
    }
}

impl Value for Vec<Ipv4Addr> {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        match bytes.as_chunks::<4>() {
            (addresses, []) if !addresses.is_empty() => {
                Ok(addresses.iter().copied().map(Ipv4Addr::from).collect())
            }
            _ => Err("a multiple of 4"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        self.iter().flat_map(Ipv4Addr::octets).collect()
    }
}

impl Value for Vec<u16> {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        match bytes.as_chunks::<2>() {
            (numbers, []) if !numbers.is_empty() => {
                Ok(numbers.iter().copied().map(u16::from_be_bytes).collect())
            }
            _ => Err("an even number"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        self.iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    }
}

impl Value for Vec<u8> {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        Ok(bytes.to_vec())
    }

    fn encode(&self) -> Vec<u8> {
        self.clone()
    }
}

/// Text. RFC 2132 section 2 asks receivers to drop NUL bytes at the end; other encodings than UTF-8
/// come out with replacement characters.
impl Value for String {
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        Ok(Self::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    fn encode(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}
