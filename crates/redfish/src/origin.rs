//! Where a BMC is. Every request goes there and nowhere else, whatever a reply names.

use reqwest::Url;

use crate::error::Error;

/// Scheme, host and port of a BMC.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    url: Url,
    text: String,
}

impl Origin {
    /// Parses an endpoint such as `https://10.0.0.5` or `http://[::1]:8000`.
    pub(crate) fn parse(endpoint: &str) -> Result<Self, Error> {
        let wrong = |why: String| {
            let shown = endpoint.rsplit('@').next().unwrap_or_default();
            Error::InvalidConfig {
                what: format!("the BMC endpoint {shown:?} {why}"),
            }
        };
        let url =
            Url::parse(endpoint.trim()).map_err(|error| wrong(format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!(
                "has the scheme {}, expected https or http",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "holds a username or password; give them as credentials".to_owned(),
            ));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "has a path; give scheme, host and port only".to_owned(),
            ));
        }
        if url.port() == Some(0) {
            return Err(wrong("has port 0".to_owned()));
        }
        let text = endpoint.trim().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The endpoint as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The path and query of a reference in a reply. One with another authority means the same path
    /// here: BMCs put host names there that nobody else can resolve.
    pub(crate) fn path_of(reference: &str) -> String {
        let reference = reference.split('#').next().unwrap_or_default().trim();
        let path = match reference.split_once("://") {
            Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => reference,
        };
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        }
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, reference: &str) -> Result<Url, Error> {
        let path = Self::path_of(reference);
        let url = Url::parse(&format!(
            "{}{path}",
            self.url.origin().ascii_serialization()
        ));
        match url {
            Ok(url) if url.origin() == self.url.origin() => Ok(url),
            _ => Err(Error::InvalidConfig {
                what: format!("{} has no address on {}", path.escape_debug(), self.text),
            }),
        }
    }

    /// Where a redirect from `from` leads, if that is here.
    pub(crate) fn redirect(&self, from: &Url, location: &str) -> Option<Url> {
        from.join(location)
            .ok()
            .filter(|to| to.origin() == self.url.origin())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_endpoint_is_scheme_host_and_port_and_nothing_more() {
        for good in [
            "https://10.0.0.5",
            "https://bmc:8443/",
            "http://[::1]:80",
            " https://a ",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "10.0.0.5",
            "ftp://a",
            "https://a/redfish",
            "https://a?b",
            "https://a:0",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        let error = Origin::parse("https://root:hunter2@a")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[track_caller]
    fn check(reference: &str, expected: &str) {
        let origin = Origin::parse("https://10.0.0.5").unwrap();
        assert_eq!(
            origin.url(reference).unwrap().as_str(),
            expected,
            "{reference}"
        );
    }

    #[test]
    fn a_reference_never_leaves_the_origin() {
        check(
            "/redfish/v1/Systems/1",
            "https://10.0.0.5/redfish/v1/Systems/1",
        );
        check(
            "https://evil.example/redfish/v1/a?b=c",
            "https://10.0.0.5/redfish/v1/a?b=c",
        );
        check("//evil.example/x", "https://10.0.0.5//evil.example/x");
        check("@evil.example/x", "https://10.0.0.5/@evil.example/x");
        check("/a#/Fans/0", "https://10.0.0.5/a");
        check("redfish/v1", "https://10.0.0.5/redfish/v1");
    }

    #[test]
    fn a_redirect_elsewhere_is_none() {
        let origin = Origin::parse("https://10.0.0.5").unwrap();
        let from = origin.url("/redfish/v1").unwrap();
        assert!(origin.redirect(&from, "/redfish/v1/").is_some());
        assert!(origin.redirect(&from, "https://10.0.0.5:443/x").is_some());
        for other in [
            "http://10.0.0.5/x",
            "https://10.0.0.6/x",
            "//evil/x",
            "https://10.0.0.5:1/",
        ] {
            assert!(origin.redirect(&from, other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_reference_panics_or_leaves(reference: String) {
            let origin = Origin::parse("https://10.0.0.5").unwrap();
            if let Ok(url) = origin.url(&reference) {
                prop_assert_eq!(url.host_str(), Some("10.0.0.5"));
            }
        }
    }
}
