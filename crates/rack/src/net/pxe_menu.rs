//! The PXE boot menu (option 43, PXE 2.1 section 2.2.3), as far as it sends a machine to its disk.

/// The text of the menu's first entry, if that entry is "boot locally" and is taken without waiting
/// for a key: a server says so to a machine that has nothing to fetch.
pub(crate) fn local_boot(vendor: &[u8]) -> Option<String> {
    let entry = part(vendor, BOOT_MENU)?;
    let prompt = part(vendor, MENU_PROMPT)?;
    let ([kind @ .., length], text) = entry.split_first_chunk::<3>()?;
    let text = text.get(..usize::from(*length))?;
    let at_once = prompt.first() == Some(&0);
    (*kind == LOCAL && at_once).then(|| String::from_utf8_lossy(text).into_owned())
}

/// The first part with this tag. What follows a part that is cut off is not read.
fn part(mut vendor: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        match *vendor {
            [PAD, ref rest @ ..] => vendor = rest,
            [END, ..] | [] => return None,
            [found, length, ref rest @ ..] => {
                let (data, rest) = rest.split_at_checked(usize::from(length))?;
                if found == tag {
                    return Some(data);
                }
                vendor = rest;
            }
            [_] => return None,
        }
    }
}

const PAD: u8 = 0;
const END: u8 = 255;
const BOOT_MENU: u8 = 9;
const MENU_PROMPT: u8 = 10;
/// Boot server type 0.
const LOCAL: [u8; 2] = [0, 0];

#[cfg(test)]
mod tests {
    use netboot::pxe::{BOOT_LOCALLY, TAKE_BOOT_FILE};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_menu_that_begins_with_the_disk_and_does_not_wait_sends_a_machine_there() {
        let check = |vendor: &[u8], expected: Option<&str>| {
            assert_eq!(local_boot(vendor).as_deref(), expected, "{vendor:?}");
        };
        check(BOOT_LOCALLY, Some("Local disk"));
        check(&TAKE_BOOT_FILE, None);
        check(
            b"\x06\x01\x08\x00\x09\x04\x00\x00\x01d\x0a\x02\x00p\xff",
            Some("d"),
        );
        check(b"\x09\x04\x00\x01\x01d\x0a\x02\x00p\xff", None);
        check(b"\x09\x04\x00\x00\x01d\x0a\x02\x05p\xff", None);
        check(b"\x09\x04\x00\x00\x01d\xff\x0a\x02\x00p", None);
        check(b"\x09\x04\x00\x00\x09d\x0a\x02\x00p\xff", None);
        check(b"\x09", None);
        check(b"", None);
    }

    proptest! {
        #[test]
        fn no_option_panics(vendor: Vec<u8>) {
            let _text = local_boot(&vendor);
        }
    }
}
