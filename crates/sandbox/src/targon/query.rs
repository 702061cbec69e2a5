//! Queries, read strictly: an unknown name or a strange value is refused.
//! What a query selects is the world's job.

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reply::Problem;

/// `GET /inventory`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InventoryQuery {
    #[serde(rename = "type")]
    pub(super) inventory_type: Option<String>,
    pub(super) gpu: Option<bool>,
}

/// `GET /workloads`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
    pub(super) name: Option<String>,
    #[serde(rename = "type")]
    pub(super) workload_type: Option<super::registration::WorkloadType>,
    pub(super) status: Option<String>,
}

/// `GET /workloads/{uid}/events`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
}

/// `GET /workloads/{uid}/logs`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    #[serde(default)]
    pub(super) follow: bool,
    pub(super) tail: Option<usize>,
    /// Accepted as the service does; every line of the fake is recent.
    #[expect(dead_code, reason = "a known name, so that strictness does not refuse it")]
    pub(super) since: Option<String>,
}

/// Reads the query of a request.
pub(super) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|error| Problem::bad_request(format!("invalid query: {error}")))
}

/// Cuts one page out of a list: its entries and the cursor of the next one.
pub(super) fn page<T>(all: Vec<T>, limit: usize, cursor: Option<&str>) -> Result<(Vec<T>, String), Problem> {
    if limit == 0 {
        return Err(Problem::bad_request("limit must be at least 1"));
    }
    let from = match cursor {
        None | Some("") => 0,
        Some(cursor) => cursor
            .strip_prefix("after-")
            .and_then(|number| number.parse::<usize>().ok())
            .ok_or_else(|| Problem::bad_request("invalid cursor"))?,
    };
    let total = all.len();
    let entries: Vec<T> = all.into_iter().skip(from).take(limit).collect();
    let end = from.saturating_add(entries.len());
    Ok((entries, if end < total { format!("after-{end}") } else { String::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_with_an_empty_cursor() {
        let (first, cursor) = page(vec![1, 2, 3], 2, None).unwrap();
        assert_eq!((first, cursor.as_str()), (vec![1, 2], "after-2"));
        assert_eq!(page(vec![1, 2, 3], 2, Some(&cursor)).unwrap(), (vec![3], String::new()));
        assert!(page(vec![1], 0, None).is_err());
        assert!(page(vec![1], 1, Some("x")).is_err());
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(read::<ListQuery>(&Uri::from_static("/w?limit=5&type=RENTAL")).is_ok());
        assert!(read::<ListQuery>(&Uri::from_static("/w?limits=5")).is_err());
        assert!(read::<ListQuery>(&Uri::from_static("/w?type=VM")).is_err());
        assert!(read::<LogsQuery>(&Uri::from_static("/w?follow=yes")).is_err());
    }
}
