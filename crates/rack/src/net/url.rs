//! URLs as iPXE takes them: absolute, or relative to the script they are in.

/// What `reference` means in a document at `base` (RFC 3986 section 5.2, without dot segments in
/// `base`).
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    if scheme(reference).is_some() {
        return reference.to_owned();
    }
    let Some((scheme, rest)) = base.split_once("://") else {
        return reference.to_owned();
    };
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}");
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if reference.starts_with('/') {
        return format!("{scheme}://{authority}{reference}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let directory = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    let directory = if directory.is_empty() { "/" } else { directory };
    let mut parts: Vec<&str> = directory.trim_end_matches('/').split('/').collect();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => {}
            part => parts.push(part),
        }
    }
    format!("{scheme}://{authority}{}", parts.join("/"))
}

/// The scheme of an absolute URL.
pub(crate) fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let known = !scheme.is_empty()
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    known.then_some(scheme)
}

/// The last part of a URL's path, without its query: what iPXE calls the image.
pub(crate) fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, reference: &str, expected: &str) {
        assert_eq!(resolve(base, reference), expected);
    }

    #[test]
    fn a_reference_is_resolved_against_the_script_it_is_in() {
        check("http://a/b/c.ipxe", "http://d/e", "http://d/e");
        check("http://a/b/c.ipxe?x=1/2", "vmlinuz", "http://a/b/vmlinuz");
        check("http://a/b/c.ipxe", "/k?q=1", "http://a/k?q=1");
        check("http://a/b/c.ipxe", "//d/k", "http://d/k");
        check("http://a/b/c.ipxe", "../k", "http://a/k");
        check("http://a/b/c.ipxe", "../../../k", "http://a/k");
        check("http://a/b/c.ipxe", "./x/k", "http://a/b/x/k");
        check("http://a", "k", "http://a/k");
        check("", "k", "k");
    }

    #[test]
    fn an_image_is_called_after_the_last_part_of_its_path() {
        assert_eq!(file_name("http://a/images/abc?boot=1/2"), "abc");
        assert_eq!(file_name("vmlinuz"), "vmlinuz");
        assert_eq!(file_name("http://a/"), "");
    }
}
