//! Recognises in words that an image could not be pulled: Kubernetes' own, those of the registries, and those of the
//! runtimes in between. They come in event words, reasons and sentences, so letters count and signs do not.

use crate::image::ImageReference;

/// Each says it all, wherever it stands and however it is written (`ErrImagePull`, `ERR_IMAGE_PULL`).
const WORDS: [&str; 19] = [
    "errimagepull",
    "imagepullbackoff",
    "imagepullerror",
    "imagepullfail",
    "failedtopull",
    "pullingimagefailed",
    "errorpullingimage",
    "backoffpullingimage",
    "invalidimagename",
    "imagenotfound",
    "imageinspecterror",
    "errimageneverpull",
    "registryunavailable",
    "pullaccessdenied",
    "manifestunknown",
    "nomatchingmanifest",
    "failedtoresolvereference",
    "unauthorized",
    "requestedaccesstotheresourceisdenied",
];

/// Each says it only in a sentence about an image.
const REFUSALS: [&str; 7] = [
    "not found",
    "does not exist",
    "authentication required",
    "denied",
    "forbidden",
    "toomanyrequests",
    "no basic auth credentials",
];

/// What such a sentence is about, if not about the image by its name.
const SUBJECTS: [&str; 4] = ["image", "manifest", "registry", "repository"];

/// The text says that the image cannot be pulled.
pub(crate) fn tells_of_failed_pull(text: &str, image: &ImageReference) -> bool {
    let letters = squeezed(text);
    if WORDS.iter().any(|word| letters.contains(word)) {
        return true;
    }
    // A name in quotes may hold any word.
    let sentence = without_quoted(text).to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
    holds(&REFUSALS) && (holds(&SUBJECTS) || text.contains(image.name()))
}

/// The letters of a text, in lower case.
pub(crate) fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn without_quoted(text: &str) -> String {
    text.split('"').step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tells(text: &str) -> bool {
        tells_of_failed_pull(text, &"ghcr.io/me/gen:1".parse().expect("an image"))
    }

    #[test]
    fn every_way_to_say_it_is_understood() {
        for text in [
            "ErrImagePull",
            "ImagePullBackOff",
            "POD_IMAGE_PULL_BACKOFF",
            "image pull failed",
            "InvalidImageName",
            r#"Back-off pulling image "ghcr.io/me/gen:1""#,
            r#"Failed to pull image "ghcr.io/me/gen:1": rpc error: code = NotFound"#,
            "manifest unknown",
            "manifest for me/gen:1 not found: manifest unknown: manifest unknown",
            "pull access denied for me/gen, repository does not exist or may require 'docker login'",
            "failed to resolve reference \"ghcr.io/me/gen:1\": unexpected status: 401 Unauthorized",
            "unauthorized: authentication required to access the repository",
            "no matching manifest for linux/amd64 in the manifest list entries",
            "toomanyrequests: pull rate limit of the registry reached",
            "the image was not found",
            "unauthorized: authentication required",
            "denied: requested access to the resource is denied",
            "ghcr.io/me/gen:1: not found",
            r#""ghcr.io/me/gen:1": not found"#,
        ] {
            assert!(tells(text), "{text}");
        }
    }

    #[test]
    fn other_news_is_no_failed_pull() {
        for text in [
            "",
            "POD_SCHEDULED",
            r#"Pulling image "ghcr.io/me/not found:1""#,
            r#"Successfully pulled image "ghcr.io/me/gen:1" in 41s"#,
            r#"Container image "ghcr.io/me/gen:1" already present on machine"#,
            r#"configmap "image-settings" not found"#,
            "node not found",
            "secret not found",
            "Back-off restarting failed container",
            "Unable to retrieve some image pull secrets (x); attempting to pull the image may not succeed.",
        ] {
            assert!(!tells(text), "{text}");
        }
    }
}
