//! What a request asks for: the query as the official service reads it, and the module from its body.
//! Wrong values become what they become there (not a number is 0); only what would cost this machine dearly is refused.

use std::time::Duration;

use gen404_outside::http::{self, BodyError, RequestError};
use reqwest::Client;
use serde::Deserialize;
use url::Url;

use crate::shot::{Background, Lighting, Shot};
use crate::studio::LARGEST_MODULE;

/// Most pictures of one request.
const MOST_SHOTS: usize = 64;
/// Largest picture.
const LARGEST_SHOT: u32 = 2048;
const LARGEST_GAP: u32 = 256;
const FETCH_LIMIT: Duration = Duration::from_secs(10);

/// A request that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRequest {
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body is not a JSON object with a source or a url")]
    Body,
    #[error("the url is not http or https")]
    Url,
    #[error("the url cannot be fetched")]
    Fetch(#[source] RequestError),
    #[error("the url answered {status}")]
    FetchStatus { status: u16 },
    #[error("{name} must be from 1 to {largest}")]
    Number { name: &'static str, largest: u32 },
    #[error("at most {MOST_SHOTS} views a request")]
    TooManyShots,
}

/// The query of a render request.
#[derive(Debug, PartialEq)]
pub(super) struct Query {
    thetas: Vec<f64>,
    phis: Vec<f64>,
    size: f64,
    radius: f64,
    field_of_view: f64,
    background: Background,
    lighting: Lighting,
    gap: f64,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self {
            thetas: Shot::GRID_THETAS.to_vec(),
            phis: vec![Shot::GRID_PHI],
            size: Shot::TILE_SIZE.into(),
            radius: Shot::RADIUS,
            field_of_view: Shot::FIELD_OF_VIEW,
            background: Background::GRAY,
            lighting: Lighting::Studio,
            gap: crate::studio::GRID_GAP.into(),
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "thetas" => parsed.thetas = numbers(&value),
                "phis" => parsed.phis = numbers(&value),
                "img_size" => parsed.size = number(&value),
                "cam_radius" => parsed.radius = number(&value),
                "cam_fov_deg" => parsed.field_of_view = number(&value),
                "bg_color" => parsed.background = colour(&value),
                "lighting" => {
                    parsed.lighting = if value == "follow" { Lighting::Follow } else { Lighting::Studio };
                }
                "gap" => parsed.gap = number(&value),
                _ => {}
            }
        }
        parsed
    }

    /// The shots, pairwise of both lists; one phi serves all, a missing one gives a picture without the object.
    pub(super) fn shots(&self) -> Result<Vec<Shot>, InvalidRequest> {
        if self.thetas.len() > MOST_SHOTS {
            return Err(InvalidRequest::TooManyShots);
        }
        let size = self.size()?;
        let phi = |place: usize| match &self.phis[..] {
            [phi] => *phi,
            phis => phis.get(place).copied().unwrap_or(f64::NAN),
        };
        let shot = |(place, theta): (usize, &f64)| Shot {
            theta: *theta,
            phi: phi(place),
            radius: self.radius,
            field_of_view: self.field_of_view,
            size,
            background: self.background,
            lighting: self.lighting,
        };
        Ok(self.thetas.iter().enumerate().map(shot).collect())
    }

    pub(super) fn size(&self) -> Result<u32, InvalidRequest> {
        whole("img_size", self.size, LARGEST_SHOT)
    }

    pub(super) fn gap(&self) -> Result<u32, InvalidRequest> {
        if self.gap == 0.0 { Ok(0) } else { whole("gap", self.gap, LARGEST_GAP) }
    }
}

/// Not a number is 0, as in the service.
fn number(text: &str) -> f64 {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).unwrap_or(0.0)
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(',').map(number).collect()
}

/// `rrggbb` or `rgb`; anything else is black, as an unknown colour is there.
fn colour(text: &str) -> Background {
    let text = text.trim_start_matches('#');
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    match digits.as_deref() {
        Some(&[r, g, b]) => Background([r * 17, g * 17, b * 17]),
        Some(&[r1, r0, g1, g0, b1, b0]) => Background([r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0]),
        _ => Background([0; 3]),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range before")]
fn whole(name: &'static str, number: f64, largest: u32) -> Result<u32, InvalidRequest> {
    if (1.0..=f64::from(largest)).contains(&number) {
        Ok(number as u32)
    } else {
        Err(InvalidRequest::Number { name, largest })
    }
}

/// Where modules come from.
#[derive(Debug)]
pub(super) struct Sources {
    http: Option<Client>,
}

#[derive(Deserialize)]
struct Body {
    source: Option<String>,
    url: Option<String>,
}

impl Sources {
    pub(super) fn new() -> Self {
        // A module's address may be one that leads on, as storage often gives out.
        let client = http::client().timeout(FETCH_LIMIT).redirect(reqwest::redirect::Policy::limited(3)).build();
        Self { http: client.ok() }
    }

    /// The module of a request's body.
    pub(super) async fn of(&self, body: &[u8]) -> Result<String, InvalidRequest> {
        let body: Body = serde_json::from_slice(body).map_err(|_| InvalidRequest::Body)?;
        match (body.source, body.url) {
            (Some(source), _) if !source.is_empty() => Ok(source),
            (_, Some(url)) => self.fetch(&url).await,
            _ => Err(InvalidRequest::Body),
        }
    }

    async fn fetch(&self, url: &str) -> Result<String, InvalidRequest> {
        let url = Url::parse(url).map_err(|_| InvalidRequest::Url)?;
        let http =
            self.http.as_ref().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or(InvalidRequest::Url)?;
        let failed = |error: reqwest::Error| InvalidRequest::Fetch(error.into());
        let response = http.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(InvalidRequest::FetchStatus { status: response.status().as_u16() });
        }
        let bytes = http::read_at_most(response, LARGEST_MODULE).await.map_err(|error| match error {
            BodyError::TooLarge { limit } => InvalidRequest::TooLarge { limit },
            BodyError::BrokeOff(source) => InvalidRequest::Fetch(source),
        })?;
        String::from_utf8(bytes).map_err(|_| InvalidRequest::Body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_query_is_the_grid() {
        assert_eq!(Query::parse("").shots().expect("shots"), Shot::of_grid());
        assert_eq!(Query::parse("").gap().expect("a gap"), 5);
    }

    #[test]
    fn a_judges_query_is_its_views() {
        use gen404_round::view::{Series, View};
        let query = Query::parse(
            "thetas=0,330&phis=-30,0&lighting=follow&img_size=1024&cam_radius=2.0&cam_fov_deg=49.1&bg_color=ffffff",
        );
        let expected = [View::FrontAbove, View::FrontRight].map(|view| Shot::of_view(Series::White, view));
        assert_eq!(query.shots().expect("shots"), expected);
    }

    #[test]
    fn wrong_values_become_what_they_become_in_the_service() {
        let shots = Query::parse("thetas=x,90,180&phis=1,2&lighting=Follow&bg_color=zz").shots().expect("shots");
        assert_eq!(shots.iter().map(|shot| shot.theta).collect::<Vec<_>>(), [0.0, 90.0, 180.0]);
        assert!(shots[2].phi.is_nan());
        assert_eq!((shots[0].lighting, shots[0].background), (Lighting::Studio, Background([0; 3])));
        assert_eq!(colour("#0f8"), Background([0x00, 0xff, 0x88]));
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        assert!(Query::parse("img_size=100000").shots().is_err());
        assert!(Query::parse("img_size=0").shots().is_err());
        assert!(Query::parse(&format!("thetas={}", "1,".repeat(100))).shots().is_err());
        assert!(Query::parse("gap=1e9").gap().is_err());
    }
}
