//! Time as this tool tells it.

use std::time::Duration;

/// How long something takes or is ago, in two units at most: `40 s`, `12 min 05 s`, `1 h 05 min`, `2 d 02 h`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(0, "0 s"), (65, "1 min 05 s"), (3_900, "1 h 05 min"), (180_000, "2 d 02 h")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), text);
        }
    }
}
