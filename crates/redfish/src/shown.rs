//! What a BMC says, made fit to be shown: short, without secrets, and without what a terminal would
//! obey.

/// The text with each of `hide` hidden, control characters as blanks, and no longer than `longest`
/// bytes.
pub(crate) fn text(text: &str, hide: &[&str], longest: usize) -> String {
    let mut shown = text.to_owned();
    for secret in hide.iter().filter(|secret| !secret.is_empty()) {
        if shown.contains(secret) {
            shown = shown.replace(secret, "(hidden)");
        }
    }
    if shown.contains(char::is_control) {
        shown = shown.replace(char::is_control, " ");
    }
    if shown.len() > longest {
        shown.truncate(shown.floor_char_boundary(longest));
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_control_characters_and_length_do_not_get_through() {
        let shown = text("\u{1b}[2Jtoken7 is wrong\r\n", &["", "token7"], 100);
        assert_eq!(shown, " [2J(hidden) is wrong  ");
        assert_eq!(text("aéb", &[], 2), "a…");
        // What is cut off is cut off after it was hidden.
        assert_eq!(text("xxsecret", &["secret"], 4), "xx(h…");
    }
}
