//! The page in a real Chromium: filters, order, search, keys, permalinks, a phone's width, and nothing that leaves the disk.

use serde_json::Value;

use crate::browser::{Browser, browser};
use crate::sample::{HOSTILE, Sample, stem};

const SHOWN: &str = "[...document.querySelectorAll('.duel')].filter(duel => !duel.hidden).length";
const OPEN_DUEL: &str = "document.querySelector('dialog[open] .verdict .stem')?.textContent ?? ''";
const OPEN_VIEW: &str = "document.querySelector('dialog[open] .pair:not([hidden])')?.dataset.view ?? ''";

/// The page of a match in a browser; nothing when there is no browser.
fn opened(duels: usize, fragment: &str) -> Option<(Browser, Sample)> {
    let mut browser = browser()?;
    let sample = Sample::new(duels);
    browser.open(&sample.page(), fragment);
    Some((browser, sample))
}

#[test]
fn filters_search_and_order_choose_the_duels() {
    let Some((mut browser, _sample)) = opened(16, "") else { return };
    assert_eq!(browser.count(SHOWN), 17);
    let chosen = |browser: &mut Browser, selectors: &[&str]| {
        browser.click("#reset");
        browser.value("new Promise(done => setTimeout(done))");
        for selector in selectors {
            browser.click(selector);
        }
        browser.count(SHOWN)
    };
    for (filters, want) in [
        (&["[value=left]"][..], 2),
        (&["[value=left]", "[value=draw]"], 6),
        (&["[value=failed]"], 1),
        (&["[name=stage][value='2']"], 4),
        (&["[name=stage][value='4']"], 2),
        (&["[value=none]"], 2),
        (&["[value=contradictory]"], 2),
        (&["[value=right]", "[value=contradictory]"], 2),
        (&["[value=left]", "[value=contradictory]"], 0),
    ] {
        assert_eq!(chosen(&mut browser, filters), want, "{filters:?}");
    }
    assert_eq!(browser.value("document.querySelector('#nothing').hidden"), false);
    assert_eq!(chosen(&mut browser, &[]), 17);
    browser.press("/");
    for letter in ["0", "0", "3"] {
        browser.press(letter);
    }
    assert_eq!(browser.count(SHOWN), 1);
    assert_eq!(browser.text("document.querySelector('#found').textContent"), "1 of 17 duels");
    browser.press("Escape");
    assert_eq!(browser.count(SHOWN), 17);
    browser.value("sort.value = 'closest'; sort.dispatchEvent(new Event('input', {bubbles: true}))");
    let gaps = browser.value("[...document.querySelectorAll('.duel')].map(duel => +duel.dataset.gap)");
    let gaps: Vec<f64> = gaps.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(gaps.is_sorted() && gaps.first() < gaps.last(), "{gaps:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_permalink_opens_its_duel_and_keys_step_through() {
    let Some((mut browser, _sample)) = opened(8, &format!("#{}", stem(3))) else { return };
    assert_eq!(browser.text(OPEN_DUEL), stem(3));
    assert_eq!(browser.text(OPEN_VIEW), "white-front");
    browser.press("ArrowDown");
    assert_eq!(browser.text(OPEN_VIEW), "white-front_left");
    browser.press("ArrowRight");
    assert_eq!(
        (browser.text(OPEN_DUEL), browser.text(OPEN_VIEW)),
        (stem(4), "white-front_left".to_owned()),
        "the view is kept"
    );
    assert_eq!(browser.text("location.hash"), format!("#{}", stem(4)));
    browser.press("ArrowUp");
    browser.press("ArrowUp");
    assert_eq!(browser.text(OPEN_VIEW), "grid");
    let visible = "[...document.querySelectorAll('dialog .pair:not([hidden]) figure')].filter(side => side.checkVisibility()).map(side => side.className).join()";
    assert_eq!(browser.text(visible), "left,right");
    browser.press("f");
    assert_eq!(browser.text(visible), "left");
    browser.press(" ");
    assert_eq!(browser.text(visible), "right");
    browser.press("f");
    assert_eq!(browser.text(visible), "left,right");
    browser.press("ArrowLeft");
    assert_eq!(browser.text(OPEN_DUEL), stem(3));
    browser.press("Escape");
    assert_eq!(browser.text(OPEN_DUEL), "");
    browser.until("location.hash === ''");
    assert_eq!(browser.text("document.activeElement.hash"), format!("#{}", stem(3)), "the focus goes back to the duel");
    browser.press("Enter");
    browser.until("document.querySelector('dialog').open");
    assert_eq!(browser.text(OPEN_DUEL), stem(3));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn stepping_follows_the_filter() {
    let Some((mut browser, _sample)) = opened(16, "") else { return };
    browser.click("[value=left]");
    browser.click("#duel-duel000 a");
    browser.until("document.querySelector('dialog').open");
    browser.press("ArrowRight");
    assert_eq!(browser.text(OPEN_DUEL), stem(8));
    assert_eq!(browser.text("place.textContent"), "2 of 2");
    browser.press("ArrowRight");
    assert_eq!(browser.text(OPEN_DUEL), stem(0), "after the last comes the first");
}

#[test]
fn every_duel_opens_with_its_pictures_and_nothing_leaves_the_disk() {
    let Some((mut browser, _sample)) = opened(8, "") else { return };
    for number in 0..8 {
        browser.value(&format!("location.hash = '#{}'", stem(number)));
        browser.until(&format!("({OPEN_DUEL}) === '{}'", stem(number)));
        let broken = browser.value(
            "Promise.all([...document.querySelectorAll('dialog img')].filter(image => image.checkVisibility()).map(image => image.decode().then(() => null, () => image.src)))\
             .then(all => all.filter(Boolean))",
        );
        assert_eq!(broken, serde_json::json!([]), "{}", stem(number));
    }
    assert!(browser.text("document.querySelector('dialog').textContent").contains("No preview from left"));
    let requests = browser.requests();
    assert!(requests.iter().any(|url| url.ends_with("white/front.png")), "{requests:?}");
    assert!(requests.iter().all(|url| url.starts_with("file://") || url.starts_with("data:image/")), "{requests:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn hostile_text_is_only_text() {
    let Some((mut browser, _sample)) = opened(8, &format!("#{}", stem(3))) else { return };
    assert!(browser.text("document.querySelector('dialog .said').textContent").contains(HOSTILE));
    let injected = browser.value("document.querySelectorAll('img[src=x], dialog script').length");
    assert_eq!(injected, 0);
    let blocked = "new Promise(done => { addEventListener('securitypolicyviolation', () => done('blocked')); const tag = document.createElement('script');\
                   tag.textContent = 'document.title = \"taken\"'; document.body.append(tag); })";
    assert_eq!(browser.text(blocked), "blocked", "the policy stops a foreign script");
}

#[test]
fn a_phone_needs_no_sideways_scrolling() {
    let Some((mut browser, sample)) = opened(8, "") else { return };
    browser.size(375, 740, true);
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    browser.open(&sample.page(), "");
    assert_eq!(browser.count(overflow), 0);
    for number in 0..8 {
        browser.open(&sample.page(), &format!("#{}", stem(number)));
        assert_eq!(browser.text(OPEN_DUEL), stem(number));
        assert_eq!(browser.count("viewer.scrollWidth - viewer.clientWidth"), 0, "{}", stem(number));
    }
}

#[test]
fn colours_follow_the_system_until_told_otherwise() {
    let Some((mut browser, sample)) = opened(1, "") else { return };
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(paper);
    let dark = serde_json::json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark);
    let dark = browser.text(paper);
    assert_ne!(light, dark);
    browser.click("#theme");
    assert_eq!(browser.text(paper), light, "the first press asks for light");
    browser.open(&sample.page(), "");
    assert_eq!(browser.text(paper), light, "and is remembered");
    browser.click("#theme");
    assert_eq!(browser.text(paper), dark);
}

#[test]
fn the_embedded_page_shows_everything_alone() {
    let Some(mut browser) = browser() else { return };
    let (_alone, page) = Sample::new(2).embedded();
    browser.open(&page, &format!("#{}", stem(0)));
    let shown = "document.querySelector('dialog .pair:not([hidden]) .right img').decode().then(() => 'shown')";
    assert_eq!(browser.text(shown), "shown");
    let requests = browser.requests();
    let files = requests.iter().filter(|url| url.starts_with("file://")).count();
    assert_eq!(files, 1, "only the page itself: {requests:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn controls_have_names() {
    let Some((mut browser, _sample)) = opened(3, &format!("#{}", stem(0))) else { return };
    browser.call("Accessibility.enable", &serde_json::json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", &serde_json::json!({}));
    let nameless: Vec<&Value> = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| {
            matches!(
                node["role"]["value"].as_str(),
                Some("button" | "link" | "image" | "checkbox" | "combobox" | "searchbox")
            )
        })
        .filter(|node| node["ignored"] == false && node["name"]["value"].as_str().is_none_or(str::is_empty))
        .collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

/// A measurement for docs/benchmarks.md, printed; run it with `--run-ignored only --no-capture`.
#[test]
#[ignore = "a measurement: cargo nextest run -p gen404-report --run-ignored only --no-capture"]
fn first_paint_of_128_duels() {
    let Some((mut browser, sample)) = opened(127, "") else { return };
    let paint = "new Promise(done => new PerformanceObserver(list => done(list.getEntries().find(entry => entry.name === 'first-contentful-paint').startTime))\
                 .observe({type: 'paint', buffered: true}))";
    let paints: Vec<f64> = (0..5)
        .map(|_| {
            browser.open(&sample.page(), "");
            browser.value(paint).as_f64().unwrap()
        })
        .collect();
    let bytes = sample.html().len();
    #[expect(clippy::print_stderr, reason = "a measurement is printed")]
    {
        eprintln!("128 duels, a page of {bytes} bytes: first contentful paint after {paints:.0?} ms");
    }
}
