//! What a person reads on stderr: the line of the source, underlined, and the fix; at the end how many modules broke
//! which rule.

use std::collections::{BTreeMap, BTreeSet};

use gen404_outside::text::line;
use gen404_round::module_rule::{Rule, Stage};
use gen404_validator::advice::fix_of;
use gen404_validator::{Concerns, Finding, Lines, Place, Validator};

use serde::Serialize;

use super::result::Judged;
use crate::ui::Ui;

/// Findings and warnings that are shown of one module; `--json` has them all.
const SHOWN: usize = 12;

/// Characters of a source line that are shown.
const WIDTH: usize = 100;

/// Shows what is to be said of a module; nothing if there is nothing.
pub(super) fn show(ui: &Ui, judged: &Judged) {
    let lines = Lines::new(&judged.source);
    let findings = judged.findings();
    let service_ran = judged.ran.service.is_some();
    for finding in findings.iter().take(SHOWN) {
        let detail = without_line(&finding.detail, finding.place);
        let text = format!("{}: {detail}{}", finding.rule, whose(finding, service_ran));
        ui.status(headed(&judged.file, finding.place, &text));
        underlined(ui, &lines, finding.place);
        ui.status(format!("   = fix: {}", fix_of(finding)));
    }
    if findings.len() > SHOWN {
        ui.status(format!("{}: and {} more findings (--json has them all)", judged.file, findings.len() - SHOWN));
    }
    let warnings = &judged.report.warnings;
    for warning in warnings.iter().take(SHOWN) {
        let text = format!("{}: {}", warning.caution, without_line(&warning.detail, warning.place));
        ui.warning(headed(&judged.file, warning.place, &text));
    }
    if warnings.len() > SHOWN {
        ui.warning(format!("{}: and {} more (--json has them all)", judged.file, warnings.len() - SHOWN));
    }
}

/// One line, whatever the file is called and the module throws: another one could pass for a verdict of ours.
fn headed(file: &str, place: Option<Place>, text: &str) -> String {
    let headed = match place {
        Some(Place { line, column, .. }) => format!("{file}:{line}:{column}: {text}"),
        None => format!("{file}: {text}"),
    };
    line(&headed)
}

/// The detail without the line that it ends with: for people that stands in front already.
fn without_line(detail: &str, place: Option<Place>) -> &str {
    let Some(Place { line, .. }) = place else { return detail };
    let without = detail.strip_suffix(&format!(" at line {line}"));
    without.or_else(|| detail.strip_suffix(&format!(" (line {line})"))).unwrap_or(detail)
}

/// `service_ran`: whether the render service would have run the module too.
fn whose(finding: &Finding, service_ran: bool) -> &'static str {
    match finding.concerns {
        Concerns::Both => "",
        Concerns::Only(Validator::Miners) if found_by_running(finding.stage) && !service_ran => {
            " (found by the miners' validator; the render service refuses the module before it runs)"
        }
        Concerns::Only(Validator::Miners) => " (only the miners' validator says so)",
        Concerns::Only(Validator::RenderService) => " (only the render service says so, and it decides)",
    }
}

fn found_by_running(stage: Stage) -> bool {
    !matches!(stage, Stage::Parse | Stage::StaticAnalysis)
}

/// The source line with the place marked below.
fn underlined(ui: &Ui, lines: &Lines<'_>, place: Option<Place>) {
    let Some(place) = place else { return };
    let Some(line) = lines.line(place.line) else { return };
    let (text, before, marked) = excerpt(line, place);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    ui.status(format!(" {number} | {text}"));
    ui.status(format!(" {margin} | {}{}", " ".repeat(before), "^".repeat(marked)));
}

/// The part of a line around a place, how many characters stand before the place, and how many it has.
fn excerpt(line: &str, place: Place) -> (String, usize, usize) {
    let mut units = 0;
    let before = line.chars().take_while(|letter| {
        units += letter.len_utf16();
        units < place.column
    });
    let before = before.count();
    let length = line.chars().count();
    let marked = place.end.saturating_sub(place.start).clamp(1, length.saturating_sub(before).max(1));
    let first = if length <= WIDTH { 0 } else { before.saturating_sub(WIDTH / 3) };
    let shown: String =
        line.chars().skip(first).take(WIDTH).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let marked = marked.min(WIDTH.saturating_sub(before - first).max(1));
    (shown, before - first, marked)
}

/// How many modules were judged, and what was found in how many.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    modules: usize,
    refused: usize,
    refused_by_mr: usize,
    refused_by_rs: usize,
    warned: usize,
    /// Modules that broke each rule.
    rules: BTreeMap<Rule, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused_files: Vec<String>,
    /// Whether modules were not run.
    static_only: bool,
}

impl Tally {
    pub(super) fn new(static_only: bool) -> Self {
        Self { static_only, ..Self::default() }
    }

    pub(super) fn add(&mut self, judged: &Judged) {
        let refuses = |validator| judged.verdict(validator).next().is_some();
        self.modules += 1;
        self.refused_by_mr += usize::from(refuses(Validator::Miners));
        self.refused_by_rs += usize::from(refuses(Validator::RenderService));
        self.warned += usize::from(!judged.report.warnings.is_empty());
        if !judged.passed() {
            self.refused += 1;
            self.refused_files.push(judged.file.clone());
        }
        let rules: BTreeSet<Rule> = judged.findings().iter().map(|finding| finding.rule).collect();
        for rule in rules {
            *self.rules.entry(rule).or_default() += 1;
        }
    }

    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    pub(super) fn verdict(&self) -> String {
        format!("{} of {} would be refused", self.refused, plural(self.modules, "module"))
    }

    /// `told_at_the_end`: whether a failure's message will say how many are refused.
    pub(super) fn show(&self, ui: &Ui, told_at_the_end: bool) {
        if self.refused == 0 {
            let how = if self.static_only { " for what can be seen without running them" } else { "" };
            ui.done(format!("{}, none would be refused{how}", plural(self.modules, "module")));
        } else if !told_at_the_end {
            ui.status(self.verdict());
        }
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(rule, count)| (std::cmp::Reverse(**count), **rule));
        for (rule, count) in rules {
            ui.status(format!("{count:>6}  {rule}"));
        }
        if self.refused > 0 {
            let (miners, service) = (self.refused_by_mr, self.refused_by_rs);
            ui.status(format!(
                "{miners} refused by the miners' validator, {service} by the render service, which decides"
            ));
        }
        if self.warned > 0 {
            ui.status(format!("{} with warnings", plural(self.warned, "module")));
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, what: &str) -> (String, String) {
        let start = line.find(what).expect("is in the line");
        let place = Lines::new(line).place(start, start + what.len());
        let (text, before, marked) = excerpt(line, place);
        let under = text.chars().skip(before).take(marked).collect();
        (text, under)
    }

    #[test]
    fn the_line_is_said_once() {
        let place = Some(Lines::new("a\nb").place(2, 3));
        assert_eq!(without_line("fetch at line 2", place), "fetch");
        assert_eq!(without_line("`S` is never set (line 2)", place), "`S` is never set");
        assert_eq!(without_line("fetch at line 12", place), "fetch at line 12");
        assert_eq!(without_line("fetch at line 2", None), "fetch at line 2");
    }

    #[test]
    fn the_place_is_underlined() {
        assert_eq!(shown("a = fetch(b)", "fetch").1, "fetch");
        assert_eq!(shown("\ta = 😀é; fetch(b)", "fetch").1, "fetch");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let line = format!("{}fetch{}", "x".repeat(5000), "y".repeat(5000));
        let (text, under) = shown(&line, "fetch");
        assert_eq!((text.chars().count(), under.as_str()), (WIDTH, "fetch"));
        let whole = "z".repeat(300);
        assert_eq!(shown(&whole, &whole).1.len(), WIDTH);
    }
}
