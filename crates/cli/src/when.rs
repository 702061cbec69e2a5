//! Moments for people: by the clock on their wall, in UTC, and how far away.

use gen404_outside::time::in_words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `Wed 7 Oct 10:00 CEST · 08:00 UTC · in 3 h 12 min`.
pub(crate) fn moment(time: Timestamp, left: SignedDuration, zone: &TimeZone) -> String {
    format!("{} · {}", by_the_clock(time, zone), distance(left))
}

/// `Wed 7 Oct 10:00 CEST · 08:00 UTC`.
pub(crate) fn by_the_clock(time: Timestamp, zone: &TimeZone) -> String {
    let local = time.to_zoned(zone.clone());
    let utc = time.to_zoned(TimeZone::UTC);
    if local.offset().is_zero() {
        return utc.strftime("%a %-d %b %H:%M UTC").to_string();
    }
    let same_day = local.date() == utc.date();
    let utc = utc.strftime(if same_day { "%H:%M UTC" } else { "%a %H:%M UTC" });
    format!("{} · {utc}", local.strftime("%a %-d %b %H:%M %Z"))
}

/// `in 3 h 12 min`, or `3 h 12 min ago`.
pub(crate) fn distance(left: SignedDuration) -> String {
    let length = in_words(left.unsigned_abs());
    if left.is_negative() { format!("{length} ago") } else { format!("in {length}") }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn moments_are_told_in_both_times() {
        let time: Timestamp = "2026-10-07T22:30:00Z".parse().expect("a time");
        let said = |hours, seconds| {
            let zone = TimeZone::fixed(Offset::constant(hours));
            moment(time, SignedDuration::from_secs(seconds), &zone)
        };
        assert_eq!(said(0, 11_520), "Wed 7 Oct 22:30 UTC · in 3 h 12 min");
        assert_eq!(said(-4, -60), "Wed 7 Oct 18:30 -04 · 22:30 UTC · 1 min 00 s ago");
        assert_eq!(said(2, 0), "Thu 8 Oct 00:30 +02 · Wed 22:30 UTC · in 0 s");
    }
}
