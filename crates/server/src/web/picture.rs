//! The one picture of a grant's life, as SVG: approved above observed, each entry a mark.
//!
//! Seconds and months have to fit. So marks stand a least distance apart, and what is left of the
//! width is shared out by the square root of the time between them: the order is true, and quiet
//! stretches are shortened.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use placet_domain::Timestamp;
use placet_engine::queries::{EntryView, LifeView};

use super::show::{begun, clock, date, escaped, roughly};

/// Entries within so many seconds of the first of them share a mark.
const TOGETHER: u64 = 60;
/// How near two marks may stand.
const LEAST: f64 = 54.0;
/// Where the lanes begin, and how wide the picture is at the least.
const LEFT: f64 = 104.0;
const WIDTH: f64 = 1_000.0;
/// What is kept free at both ends.
const EDGE: f64 = 36.0;

/// The drawing, ready to be put into a page.
#[derive(Clone, Debug)]
pub(super) struct Picture(String);

impl HtmlSafe for Picture {}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place on the axis: entries that lie close together, or a moment without any.
struct Mark<'a> {
    at: Timestamp,
    entries: Vec<&'a EntryView>,
    x: f64,
}

/// Where moments stand: at marks, and between them in proportion.
struct Axis<'a> {
    marks: Vec<Mark<'a>>,
    end: f64,
}

impl<'a> Axis<'a> {
    /// `moments` have a place of their own beside the entries.
    fn of(entries: &'a [EntryView], moments: &[Timestamp]) -> Self {
        let mut marks: Vec<Mark<'_>> = Vec::new();
        for entry in entries {
            match marks.last_mut() {
                Some(mark) if entry.at.seconds_since(mark.at) < TOGETHER => {
                    mark.entries.push(entry)
                }
                _ => marks.push(Mark { at: entry.at, entries: vec![entry], x: 0.0 }),
            }
        }
        for at in moments {
            let near = |mark: &Mark<'_>| {
                at.seconds_since(mark.at) < TOGETHER && mark.at.seconds_since(*at) < TOGETHER
            };
            if !marks.iter().any(near) {
                marks.push(Mark { at: *at, entries: Vec::new(), x: 0.0 });
            }
        }
        marks.sort_by_key(|mark| mark.at);
        let times: Vec<Timestamp> = marks.iter().map(|mark| mark.at).collect();
        let roots: Vec<f64> = times
            .iter()
            .zip(times.iter().skip(1))
            .map(|(before, after)| (after.seconds_since(*before) as f64 / 60.0).sqrt())
            .collect();
        let all: f64 = roots.iter().sum::<f64>().max(1.0);
        let room = WIDTH - LEFT - 2.0 * EDGE;
        let spare = (room - LEAST * roots.len() as f64).max(0.0);
        let mut x = LEFT + EDGE;
        let gaps = roots.iter().map(|root| LEAST + spare * root / all);
        for (mark, gap) in marks.iter_mut().zip(std::iter::once(0.0).chain(gaps)) {
            x += gap;
            mark.x = x;
        }
        Self { end: (x + EDGE).max(WIDTH), marks }
    }

    /// Where a moment stands.
    fn at(&self, at: Timestamp) -> f64 {
        let micros = at.as_micros() as f64;
        let mut before: Option<(f64, f64)> = None;
        for mark in &self.marks {
            let begins = mark.at.as_micros() as f64;
            // What is entered together stands at its mark.
            let ends = mark.entries.last().map_or(begins, |last| last.at.as_micros() as f64);
            if micros <= begins {
                return match before {
                    Some((then, x)) if begins > then => {
                        x + (mark.x - x) * ((micros - then) / (begins - then)).clamp(0.0, 1.0)
                    }
                    _ => mark.x,
                };
            }
            if micros <= ends {
                return mark.x;
            }
            before = Some((ends, mark.x));
        }
        before.map_or(LEFT + EDGE, |(_, x)| x)
    }
}

/// Draws a life as it stands at `now`.
pub(super) fn draw(life: &LifeView, now: Timestamp) -> Picture {
    let mut svg = String::new();
    // Writing into a text cannot fail.
    let _ = write(&mut svg, life, now);
    Picture(svg)
}

fn write(svg: &mut String, life: &LifeView, now: Timestamp) -> fmt::Result {
    let grant = &life.grant;
    // What is not over goes on until now.
    let live = grant.over_at.is_none();
    // What the lanes are about has a place of its own, also where its entry is left out.
    let turns = [grant.first_seen_at, grant.end_ordered_at, grant.until].into_iter().flatten();
    let ends = grant.over_at.or(live.then_some(now));
    let moments: Vec<Timestamp> = std::iter::once(grant.approved_at)
        .chain(turns.filter(|at| grant.over_at.is_none_or(|over| *at <= over)))
        .chain(ends)
        .collect();
    let axis = Axis::of(&life.entries, &moments);
    let end = axis.end;
    write!(
        svg,
        "<svg class=\"plot lanes\" viewBox=\"0 0 {end:.0} 196\" role=\"group\" aria-labelledby=\"life-title\">\
         <title id=\"life-title\">The life of this grant: approved above observed</title>\
         <defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>"
    )?;
    let wide = end - LEFT;
    for (y, name) in [(52, "Approved"), (100, "Observed")] {
        write!(
            svg,
            "<text class=\"name\" x=\"0\" y=\"{}\">{name}</text>\
             <rect class=\"lane\" x=\"{LEFT:.0}\" y=\"{y}\" width=\"{wide:.0}\" height=\"32\" rx=\"4\"/>",
            y + 21
        )?;
    }
    svg.push_str("<text class=\"name\" x=\"0\" y=\"26\">Entries</text>");
    for mark in &axis.marks {
        write!(svg, "<path class=\"drop\" d=\"M{0:.0} 36V150\"/>", mark.x)?;
    }
    lanes(svg, &axis, life, now)?;
    if live {
        let x = axis.at(now);
        write!(svg, "<text x=\"{x:.0}\" y=\"26\" text-anchor=\"middle\">now</text>")?;
    }
    marks(svg, &axis)?;
    svg.push_str("</svg>");
    Ok(())
}

/// A stretch of a lane, with words in it where they fit.
struct Stretch<'a> {
    class: &'a str,
    y: u32,
    from: f64,
    to: f64,
    words: String,
    title: String,
}

fn stretch(svg: &mut String, one: &Stretch<'_>) -> fmt::Result {
    let width = (one.to - one.from).max(2.0);
    write!(
        svg,
        "<rect class=\"{}\" x=\"{:.0}\" y=\"{}\" width=\"{width:.0}\" height=\"24\" rx=\"3\"><title>{}</title></rect>",
        one.class,
        one.from,
        one.y,
        escaped(&one.title)
    )?;
    // Seven units a character.
    if one.words.chars().count() as f64 * 7.0 + 16.0 <= width {
        let on = if one.class == "asked" { "" } else { " class=\"on\"" };
        write!(
            svg,
            "<text{on} x=\"{:.0}\" y=\"{}\">{}</text>",
            one.from + 8.0,
            one.y + 16,
            escaped(&one.words)
        )?;
    }
    Ok(())
}

fn lanes(svg: &mut String, axis: &Axis<'_>, life: &LifeView, now: Timestamp) -> fmt::Result {
    let grant = &life.grant;
    let Some(first) = life.entries.first() else { return Ok(()) };
    let over = grant.over_at.unwrap_or(now);
    let (asked, approved) = (axis.at(first.at), axis.at(grant.approved_at));
    let open = roughly(grant.approved_at.seconds_since(first.at));
    stretch(
        svg,
        &Stretch {
            class: "asked",
            y: 56,
            from: asked,
            to: approved,
            words: format!("open, {open}"),
            title: format!("asked for, not yet agreed to: {open}"),
        },
    )?;
    // What ends early was approved until then.
    let ends = match (grant.until, grant.end_ordered_at) {
        (Some(until), Some(ordered)) => Some(until.min(ordered)),
        (until, ordered) => ordered.or(until),
    };
    let approved_to = axis.at(ends.unwrap_or(over));
    stretch(
        svg,
        &Stretch {
            class: "approved",
            y: 56,
            from: approved,
            to: approved_to,
            words: format!("approved for {}", grant.length),
            title: format!("approved for {}", grant.length),
        },
    )?;
    if let Some(seen) = grant.first_seen_at {
        let from = axis.at(seen);
        let to = axis.at(ends.map_or(over, |ends| ends.min(over)));
        stretch(
            svg,
            &Stretch {
                class: "observed",
                y: 104,
                from,
                to,
                words: "seen there".to_owned(),
                title: format!("seen there from {} UTC", clock(seen)),
            },
        )?;
        if let Some(ends) = ends.filter(|ends| *ends < over) {
            let still = roughly(over.seconds_since(ends));
            stretch(
                svg,
                &Stretch {
                    class: "residual",
                    y: 104,
                    from: axis.at(ends),
                    to: axis.at(over),
                    words: String::new(),
                    title: format!("still there after its end: {still}"),
                },
            )?;
        }
    }
    if let Some(ends) = ends {
        let x = axis.at(ends);
        write!(svg, "<path class=\"until\" d=\"M{x:.0} 44V142\"/>")?;
        let words = format!("its end, {}", clock(ends));
        if x + 6.0 + words.len() as f64 * 7.0 < axis.end {
            write!(svg, "<text x=\"{:.0}\" y=\"72\">{words}</text>", x + 6.0)?;
        }
    }
    Ok(())
}

fn marks(svg: &mut String, axis: &Axis<'_>) -> fmt::Result {
    let mut day = String::new();
    let mut before: Option<(u64, f64)> = None;
    for mark in &axis.marks {
        let (Some(first), Some(last)) = (mark.entries.first(), mark.entries.last()) else {
            continue;
        };
        if let Some((told, x)) = before.filter(|(told, _)| first.nth > told + 1) {
            let (from, to, between) = (told + 1, first.nth - 1, (x + mark.x) / 2.0);
            write!(
                svg,
                "<text x=\"{between:.0}\" y=\"26\" text-anchor=\"middle\">\u{2026}\
                 <title>entries {from} to {to} are left out</title></text>"
            )?;
        }
        before = Some((last.nth, mark.x));
        let label = match (first.nth, last.nth) {
            (one, other) if one == other => one.to_string(),
            (one, other) => format!("{one}-{other}"),
        };
        let width = 24.0 + 7.0 * (label.len() as f64 - 1.0);
        let told: Vec<String> =
            mark.entries.iter().map(|one| format!("{} {}", clock(one.at), one.text)).collect();
        let title = escaped(&begun(&told.join("; ")));
        let trouble = mark.entries.iter().any(|one| one.tone == "trouble");
        let class = if trouble { " class=\"trouble\"" } else { "" };
        let (nth, x, left) = (first.nth, mark.x, mark.x - width / 2.0);
        let what = if mark.entries.len() == 1 { "Entry" } else { "Entries" };
        write!(
            svg,
            "<a{class} href=\"#e{nth}\"><title>{what} {label}: {title}</title>\
             <rect x=\"{left:.0}\" y=\"10\" width=\"{width:.0}\" height=\"24\" rx=\"12\"/>\
             <text x=\"{x:.0}\" y=\"26\">{label}</text></a>"
        )?;
        let time = clock(first.at);
        let time = time.get(..5).unwrap_or_default();
        write!(svg, "<text x=\"{x:.0}\" y=\"168\" text-anchor=\"middle\">{time}</text>")?;
        let today = date(first.at);
        if today != day {
            write!(svg, "<text x=\"{x:.0}\" y=\"188\" text-anchor=\"middle\">{today}</text>")?;
            day = today;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use placet_engine::queries::{GrantView, Who};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000)
    }

    fn entry(nth: u64, seconds: i64, tone: &'static str, text: &str) -> EntryView {
        let text = text.to_owned();
        EntryView { index: nth + 40, nth, at: at(seconds), r#type: "a.thing", tone, text }
    }

    /// Approved for an hour after ten minutes, seen, ended a minute late.
    fn life(entries: Vec<EntryView>) -> LifeView {
        let who = |id: &str| id.parse().unwrap_or_else(|_| unreachable!("{id}"));
        let receiver = Who {
            id: who("idn_00000000000000000000000000000001"),
            handle: Some("ines".to_owned()),
            name: None,
        };
        let grant = GrantView {
            id: "grt_00000000000000000000000000000002".parse().unwrap_or_else(|_| unreachable!()),
            request: "req_00000000000000000000000000000003"
                .parse()
                .unwrap_or_else(|_| unreachable!()),
            state: "ended",
            receiver,
            entitlement: "deploy".to_owned(),
            target: "web".to_owned(),
            native: "deployers".to_owned(),
            account: None,
            length: "1h".to_owned(),
            length_seconds: 3_600,
            approved_at: at(600),
            until: Some(at(4_260)),
            first_seen_at: Some(at(665)),
            collect: None,
            collected: None,
            certificate: None,
            serial: None,
            trouble: None,
            end: Some("expired"),
            end_detail: None,
            end_ordered_at: None,
            over_at: Some(at(4_400)),
            gone: Some("seen absent".to_owned()),
        };
        LifeView { grant, request: None, entries }
    }

    fn drawn(life: &LifeView) -> String {
        draw(life, at(10_000)).to_string()
    }

    #[test]
    fn each_entry_has_a_mark_and_those_together_share_one() {
        let entries = vec![
            entry(1, 0, "plain", "asked <b>"),
            entry(2, 600, "plain", "agreed"),
            entry(3, 605, "plain", "approved"),
            entry(4, 665, "seen", "seen there"),
            entry(5, 4_400, "seen", "seen gone"),
        ];
        let svg = drawn(&life(entries));
        assert_eq!(svg.matches("<a ").count(), 4, "{svg}");
        assert!(svg.contains("Entries 2-3") && svg.contains("href=\"#e4\""), "{svg}");
        assert!(svg.contains("asked &lt;b&gt;") && !svg.contains("style"), "{svg}");
        for class in ["asked", "approved", "observed", "residual"] {
            assert!(svg.contains(&format!("<rect class=\"{class}\"")), "{class}: {svg}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_long_life_is_said_and_moves_nothing() {
        let entries = vec![
            entry(1, 0, "plain", "asked"),
            entry(2, 600, "plain", "approved"),
            entry(90, 90_000, "seen", "seen gone"),
        ];
        let mut life = life(entries);
        life.grant.over_at = Some(at(90_000));
        let svg = drawn(&life);
        assert!(svg.contains("entries 3 to 89 are left out"), "{svg}");
        let places: Vec<f64> = ["approved", "observed", "residual"]
            .iter()
            .filter_map(|class| {
                let (_, rest) = svg.split_once(&format!("<rect class=\"{class}\" x=\""))?;
                rest.split('"').next()?.parse().ok()
            })
            .collect();
        assert_eq!(places.len(), 3, "{svg}");
        let apart = |two: &[f64]| matches!(two, [before, after] if after - before >= LEAST - 1.0);
        assert!(places.windows(2).all(apart), "{places:?}");
    }

    #[test]
    fn trouble_is_marked_by_what_an_entry_is_and_not_by_its_words() {
        let calm = vec![entry(1, 0, "plain", "asked, since the build failed and is in doubt")];
        assert!(!drawn(&life(calm)).contains("trouble"));
        let trouble =
            vec![entry(1, 0, "plain", "asked"), entry(2, 900, "trouble", "it went wrong")];
        assert_eq!(drawn(&life(trouble)).matches("class=\"trouble\"").count(), 1);
    }

    #[test]
    fn marks_stand_apart_in_their_order_however_near_their_times_are() {
        let entries =
            (0u32..30).map(|n| entry(u64::from(n) + 1, i64::from(n) * 61, "plain", "a step"));
        let entries = entries.collect();
        let life = life(entries);
        let axis = Axis::of(&life.entries, &[]);
        let places: Vec<f64> = axis.marks.iter().map(|mark| mark.x).collect();
        assert_eq!(places.len(), 30);
        let apart = |two: &[f64]| matches!(two, [before, after] if after - before >= LEAST);
        assert!(places.windows(2).all(apart), "{places:?}");
        let between = axis.at(at(30));
        assert!(matches!(&*places, [first, second, ..] if between > *first && between < *second));
    }
}
