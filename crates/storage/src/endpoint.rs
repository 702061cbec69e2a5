//! Which host a bucket is asked at, in which of the two styles of address, and which region its requests are signed for.
//! Pure: it asks nobody.

use gen404_outside::http::shown;
use url::Url;

/// What AWS's own tools sign for when nobody names a region; a bucket elsewhere answers with its own.
const USUAL_REGION: &str = "us-east-1";

/// The service that has the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address of a service that is not reached by AWS's names.
    custom: Option<Url>,
    region: String,
}

impl Endpoint {
    /// The service at an address, or AWS; the region as it is given, as the address says, or as is usual there.
    pub fn new(address: Option<Url>, region: Option<&str>) -> Self {
        let host = address.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let region = region.map(str::to_owned).or_else(|| region_in(&host)).unwrap_or_else(|| USUAL_REGION.to_owned());
        Self { custom: address, region }
    }

    /// What requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether no other service was named, so that keys may come from a machine of AWS.
    pub fn is_aws(&self) -> bool {
        self.custom.is_none()
    }

    /// Whether its path ends with this bucket, as the pages of some services show an address: asked like this, it would take the
    /// bucket's name for the beginning of every key.
    pub(crate) fn ends_with(&self, bucket: &str) -> bool {
        let last = self.custom.as_ref().and_then(|address| address.path().trim_end_matches('/').rsplit('/').next());
        last == Some(bucket)
    }

    /// Where an object is asked for: below the service's address, or at the bucket's own host with AWS. A bucket with a dot in
    /// its name has no host that AWS's certificate is good for.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Url {
        let own_host = bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let mut url = match &self.custom {
            Some(address) => address.clone(),
            None if own_host => aws(&format!("{bucket}.s3.{}", self.region), &self.region),
            None => aws(&format!("s3.{}", self.region), &self.region),
        };
        url.set_query(None);
        url.set_fragment(None);
        let in_path = self.custom.is_some() || !own_host;
        // An address without a path cannot be a web address, and those are refused where they are read.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(in_path.then_some(bucket)).extend(key.split('/'));
        }
        url
    }

    /// For people.
    pub fn shown(&self) -> String {
        self.custom.as_ref().map_or_else(|| format!("AWS S3 in {}", self.region), shown)
    }
}

fn aws(host: &str, region: &str) -> Url {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    // A region that is no part of a host name is AWS's to refuse, in words that name it.
    let host = if host.bytes().all(plain) { host } else { "s3.us-east-1" };
    Url::parse(&format!("https://{host}.{domain}/")).expect("letters, digits, dashes and dots make a host")
}

/// The region that some services write into their names: `s3.us-west-004.backblazeb2.com`, `s3.eu-central-1.amazonaws.com`.
/// R2 has one for all, called `auto`.
fn region_in(host: &str) -> Option<String> {
    if host.ends_with(".r2.cloudflarestorage.com") {
        return Some("auto".to_owned());
    }
    let labels: Vec<_> = host.split('.').collect();
    let named = labels.len() >= 4 && labels[0] == "s3" && labels[1].contains('-') && !labels[1].starts_with('-');
    named.then(|| labels[1].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, region: Option<&str>) -> Endpoint {
        Endpoint::new(Some(address.parse().expect("a URL")), region)
    }

    #[test]
    fn buckets_of_aws_have_hosts_of_their_own_unless_there_is_a_dot() {
        let endpoint = Endpoint::new(None, Some("eu-central-1"));
        for (bucket, url) in [
            ("cdn", "https://cdn.s3.eu-central-1.amazonaws.com/17/a.js"),
            ("my.cdn", "https://s3.eu-central-1.amazonaws.com/my.cdn/17/a.js"),
            ("Old_One", "https://s3.eu-central-1.amazonaws.com/Old_One/17/a.js"),
        ] {
            assert_eq!(endpoint.object(bucket, "17/a.js").as_str(), url);
        }
        let china = Endpoint::new(None, Some("cn-north-1")).object("cdn", "a.js");
        assert_eq!(china.as_str(), "https://cdn.s3.cn-north-1.amazonaws.com.cn/a.js");
        assert_eq!(Endpoint::new(None, None).region(), "us-east-1");
        assert!(
            Endpoint::new(None, Some("x/@evil.example"))
                .object("cdn", "a")
                .host_str()
                .is_some_and(|host| host.ends_with("amazonaws.com"))
        );
    }

    #[test]
    fn any_other_service_has_the_bucket_in_the_path() {
        for (address, url) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/cdn/17/a%20b.js"),
            ("https://h/storage/v1/s3/", "https://h/storage/v1/s3/cdn/17/a%20b.js"),
            ("https://h/s3?x=1#y", "https://h/s3/cdn/17/a%20b.js"),
        ] {
            assert_eq!(at(address, None).object("cdn", "17/a b.js").as_str(), url);
        }
        assert_eq!(at("https://me:s3cret@h/s3?x=1", None).shown(), "https://h/s3");
        assert!(at("https://h/cdn", None).ends_with("cdn") && at("https://h/s3/cdn/", None).ends_with("cdn"));
        assert!(!at("https://cdn", None).ends_with("cdn") && !at("https://h/mycdn", None).ends_with("cdn"));
    }

    #[test]
    fn the_region_is_what_is_said_or_what_the_address_says() {
        for (address, region) in [
            ("https://0123.r2.cloudflarestorage.com", "auto"),
            ("https://0123.eu.r2.cloudflarestorage.com", "auto"),
            ("https://s3.us-west-004.backblazeb2.com", "us-west-004"),
            ("https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
            ("https://s3.example.com", "us-east-1"),
            ("http://127.0.0.1:9000", "us-east-1"),
        ] {
            assert_eq!(at(address, None).region(), region, "{address}");
            assert_eq!(at(address, Some("given")).region(), "given", "{address}");
        }
    }
}
