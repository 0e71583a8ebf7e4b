//! Business hours: counted on the clocks of the place, across changes of them and over holidays.

use placet_domain::Timestamp;
use placet_domain::schedule::{self, Command, Schedule};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(zone: &str, days: &str, opens: &str, closes: &str, closed: &[&str]) -> Schedule {
    let days: Vec<&str> = days.split(' ').filter(|day| !day.is_empty()).collect();
    serde_json::from_value(serde_json::json!({
        "name": "desk", "zone": zone, "days": days,
        "opens": opens, "closes": closes, "closed": closed,
    }))
    .unwrap()
}

const WEEK: &str = "mon tue wed thu fri";
const ALWAYS: &str = "mon tue wed thu fri sat sun";
const HOUR: u64 = 3_600;

#[test]
fn the_usual_hours_pass_on_working_days_only() {
    let usual = Schedule::usual();
    let check = |from: &str, seconds: u64, expected: &str| {
        assert_eq!(usual.after_business_seconds(at(from), seconds), at(expected), "{from}");
    };
    // 2026-11-23 is a Monday.
    check("2026-11-23T09:00:00Z", 0, "2026-11-23T09:00:00Z");
    check("2026-11-23T03:00:00Z", 0, "2026-11-23T03:00:00Z");
    check("2026-11-23T03:00:00Z", 1, "2026-11-23T09:00:01Z");
    check("2026-11-23T10:30:00.000005Z", HOUR, "2026-11-23T11:30:00.000005Z");
    check("2026-11-23T09:00:00Z", 8 * HOUR, "2026-11-23T17:00:00Z");
    check("2026-11-23T09:00:00Z", 8 * HOUR + 1, "2026-11-24T09:00:01Z");
    check("2026-11-23T16:00:00Z", 2 * HOUR, "2026-11-24T10:00:00Z");
    check("2026-11-27T16:00:00Z", 2 * HOUR, "2026-11-30T10:00:00Z");
    check("2026-11-27T17:00:00Z", HOUR, "2026-11-30T10:00:00Z");
    check("2026-11-28T12:00:00Z", HOUR, "2026-11-30T10:00:00Z");
    check("2026-11-23T09:00:00Z", 40 * HOUR, "2026-11-27T17:00:00Z");
}

#[test]
fn hours_are_those_of_the_place_when_its_clocks_change() {
    let check = |one: &Schedule, from: &str, seconds: u64, expected: &str| {
        assert_eq!(one.after_business_seconds(at(from), seconds), at(expected), "{from}");
    };
    let vienna = schedule("Europe/Vienna", WEEK, "09:00", "17:00", &[]);
    // Friday before and Monday after the clocks go forward (2026-03-29) and back (2026-10-25).
    check(&vienna, "2026-03-27T15:00:00Z", 2 * HOUR, "2026-03-30T08:00:00Z");
    check(&vienna, "2026-10-23T14:00:00Z", 2 * HOUR, "2026-10-26T09:00:00Z");
    // A day of 23 hours and one of 25, counted as they pass.
    let round = schedule("Europe/Vienna", ALWAYS, "00:00", "24:00", &[]);
    check(&round, "2026-03-28T23:00:00Z", 23 * HOUR, "2026-03-29T22:00:00Z");
    check(&round, "2026-03-28T23:00:00Z", 24 * HOUR, "2026-03-29T23:00:00Z");
    check(&round, "2026-10-24T22:00:00Z", 25 * HOUR, "2026-10-25T23:00:00Z");
    // It opens at a moment that the clocks leave out: then it opens after the gap, at 03:00.
    let night = schedule("Europe/Vienna", "sun", "02:30", "05:00", &[]);
    check(&night, "2026-03-28T12:00:00Z", 60, "2026-03-29T01:31:00Z");
    // And at one that comes twice: at the first.
    check(&night, "2026-10-24T12:00:00Z", 60, "2026-10-25T00:31:00Z");
    // Where clocks go forward at midnight the day begins at 01:00.
    let cairo = schedule("Africa/Cairo", "fri", "00:00", "02:00", &[]);
    check(&cairo, "2026-04-23T12:00:00Z", 60, "2026-04-23T22:01:00Z");
    // Half hours, and a date that is another one in UTC.
    let kolkata = schedule("Asia/Kolkata", WEEK, "09:30", "18:00", &[]);
    check(&kolkata, "2026-11-22T20:00:00Z", HOUR, "2026-11-23T05:00:00Z");
    let auckland = schedule("Pacific/Auckland", "mon", "08:00", "12:00", &[]);
    check(&auckland, "2026-11-22T00:00:00Z", HOUR, "2026-11-22T20:00:00Z");
}

#[test]
fn nobody_is_expected_on_a_closed_date() {
    let closed = ["2026-12-24", "2026-12-25", "2027-01-01"];
    let vienna = schedule("Europe/Vienna", WEEK, "09:00", "17:00", &closed);
    let check = |from: &str, seconds: u64, expected: &str| {
        assert_eq!(vienna.after_business_seconds(at(from), seconds), at(expected), "{from}");
    };
    check("2026-12-23T15:00:00Z", HOUR, "2026-12-23T16:00:00Z");
    check("2026-12-23T15:00:00Z", HOUR + 1, "2026-12-28T08:00:01Z");
    check("2026-12-24T10:00:00Z", HOUR, "2026-12-28T09:00:00Z");
    check("2026-12-31T15:30:00Z", HOUR, "2027-01-04T08:30:00Z");
}

#[test]
fn counting_is_bounded_and_never_goes_back() {
    let never = schedule("UTC", "", "09:00", "17:00", &[]);
    let from = at("2026-11-23T09:00:00Z");
    assert_eq!(never.after_business_seconds(from, 1), from);
    let usual = Schedule::usual();
    assert!(usual.after_business_seconds(from, u64::MAX) > from.plus_seconds(10 * 365 * 24 * HOUR));
    let end = Timestamp::from_micros(i64::MAX);
    assert!(usual.after_business_seconds(end, HOUR) >= end);
    let mut last = from;
    for seconds in (0..200 * HOUR).step_by(1_777) {
        let then = usual.after_business_seconds(from, seconds);
        assert!(then >= last);
        assert_eq!(
            usual.after_business_seconds(then, HOUR),
            usual.after_business_seconds(from, seconds + HOUR)
        );
        last = then;
    }
}

#[test]
fn a_schedule_names_a_zone_days_and_hours() {
    let code = |one: Schedule| {
        schedule::decide(None, Command::Register(one)).map_err(|refusal| refusal.to_string())
    };
    assert!(code(Schedule::usual()).is_ok());
    assert!(code(schedule("Europe/Vienna", "sat", "00:00", "24:00", &["2026-12-24"])).is_ok());
    let why = |one: Schedule| code(one).unwrap_err();
    assert!(
        why(schedule("Vienna", WEEK, "09:00", "17:00", &[]))
            .contains("`Vienna` is not a time zone")
    );
    assert!(why(schedule("UTC", "", "09:00", "17:00", &[])).contains("no day"));
    assert!(why(schedule("UTC", WEEK, "17:00", "09:00", &[])).contains("closes at 09:00"));
    let clock = |text: &str| text.parse::<placet_domain::schedule::Clock>().is_ok();
    assert!(clock("00:00") && clock("09:05") && clock("24:00"));
    assert!(
        !clock("24:01") && !clock("9:00") && !clock("09:60") && !clock("0900") && !clock("+9:00")
    );
}

#[test]
fn what_was_recorded_stays_readable_when_a_zone_is_unknown() {
    let lost = schedule("Atlantis/Poseidonis", WEEK, "09:00", "17:00", &[]);
    let usual = Schedule { name: lost.name.clone(), ..Schedule::usual() };
    let from = at("2026-11-27T16:00:00Z");
    assert_eq!(lost.after_business_seconds(from, 7_200), usual.after_business_seconds(from, 7_200));
}
