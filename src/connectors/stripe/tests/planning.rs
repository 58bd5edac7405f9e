//! Which part of a list comes next.

use time::macros::{date, datetime};
use time::{Date, OffsetDateTime};

use super::harness::madrid;
use crate::connectors::stripe::cursor::{Horizon, Kind, LOOK_BACK, Progress, Window, day_of};
use crate::connectors::stripe::state::Ledger;
use crate::domain::tenant::Zone;

const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn horizon(started: i64, zone: Zone) -> Horizon {
    Horizon { started, zone, goal: date!(2025 - 10 - 01), mutable: true }
}

/// Reads everything that is due, in the order of a run; gives the windows.
fn read_all(progress: &mut Progress, horizon: Horizon) -> Vec<Window> {
    let mut windows = Vec::new();
    for kind in [Kind::Head, Kind::Sweep, Kind::Back] {
        while let Some(window) = progress.next(horizon, kind).cloned() {
            windows.push(window);
            progress.close(kind, horizon);
            assert!(windows.len() < 1000);
        }
    }
    windows
}

fn zones() -> impl Iterator<Item = Zone> {
    ["Europe/Madrid", "America/Santiago", "Asia/Kathmandu", "UTC"]
        .into_iter()
        .map(|name| Zone::try_from(name.to_owned()).unwrap())
}

#[test]
fn history_is_read_newest_first_without_a_gap_down_to_the_first_wanted_day() {
    for zone in zones() {
        let mut progress = Progress::default();
        let horizon = horizon(NOON.unix_timestamp(), zone);
        let windows = read_all(&mut progress, horizon);
        assert_eq!(windows[0].kind, Kind::Head);
        assert_eq!(windows[0].to, NOON.unix_timestamp());
        for pair in windows.windows(2) {
            assert_eq!(pair[1].to, pair[0].from, "{}", zone.name());
            assert_eq!(
                zone.start_of(day_of(zone, pair[1].to)).unix_timestamp(),
                pair[1].to,
                "windows meet at midnight"
            );
        }
        assert_eq!(windows.last().unwrap().from, zone.start_of(horizon.goal).unix_timestamp());
        assert!(progress.is_whole(horizon));
        assert!(read_all(&mut progress, horizon).is_empty(), "a second run at the same instant has nothing to do");
    }
}

#[test]
fn each_run_reads_from_ten_minutes_before_the_last_one_to_now() {
    let mut progress = Progress::default();
    read_all(&mut progress, horizon(NOON.unix_timestamp(), madrid()));
    let later = NOON.unix_timestamp() + HOUR;
    let windows = read_all(&mut progress, horizon(later, madrid()));
    let ends: Vec<(i64, i64)> = windows.iter().map(|window| (window.from, window.to)).collect();
    assert_eq!(ends, [(NOON.unix_timestamp() - LOOK_BACK, later)]);
}

#[test]
fn what_counts_as_read_moves_only_when_a_window_is_over() {
    let mut progress = Progress::default();
    let first = horizon(NOON.unix_timestamp(), madrid());
    read_all(&mut progress, first);
    let later = horizon(NOON.unix_timestamp() + HOUR, madrid());
    progress.next(later, Kind::Head).unwrap().after = Some("ch_7".to_owned());
    assert_eq!(progress.head, Some(first.started));

    let much_later = horizon(NOON.unix_timestamp() + 5 * HOUR, madrid());
    let open = progress.next(much_later, Kind::Head).unwrap().clone();
    assert_eq!((open.to, open.after.as_deref()), (later.started, Some("ch_7")), "what was begun is read first");
    progress.close(Kind::Head, much_later);
    let next = progress.next(much_later, Kind::Head).unwrap();
    assert_eq!((next.from, next.to), (later.started - LOOK_BACK, much_later.started));
}

#[test]
fn the_last_five_weeks_are_read_again_every_week_and_only_where_objects_change() {
    for (mutable, sweeps) in [(true, 4), (false, 0)] {
        let mut progress = Progress::default();
        let mut found = Vec::new();
        for hours in 0..(29 * 24) {
            let now = Horizon { mutable, ..horizon(NOON.unix_timestamp() + hours * HOUR, madrid()) };
            found.extend(read_all(&mut progress, now).into_iter().filter(|window| window.kind == Kind::Sweep));
        }
        assert_eq!(found.len(), sweeps);
        for window in found {
            assert!((35 * DAY..36 * DAY + HOUR).contains(&(window.to - window.from)), "{window:?}");
        }
    }
}

#[test]
fn a_young_account_is_read_from_its_first_day() {
    let mut progress = Progress::default();
    let young = Horizon { goal: date!(2026 - 11 - 20), ..horizon(NOON.unix_timestamp(), madrid()) };
    let windows = read_all(&mut progress, young);
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0].from, datetime!(2026-11-19 23:00 UTC).unix_timestamp());
}

#[test]
fn everything_is_read_anew_once_when_events_were_missed() {
    let mut progress = Progress::default();
    let first = horizon(NOON.unix_timestamp(), madrid());
    read_all(&mut progress, first);
    let later = horizon(NOON.unix_timestamp() + 40 * DAY, madrid());
    progress.renew(later.started, later.started);
    assert_eq!((progress.head, progress.renewing), (None, Some(later.started)));
    progress.renew(later.started, later.started + HOUR);
    assert_eq!(progress.renewing, Some(later.started), "the same silence counts once");
    let windows = read_all(&mut progress, later);
    assert_eq!(windows.last().unwrap().from, madrid().start_of(later.goal).unix_timestamp());
    assert_eq!(progress.renewing, None);
}

#[test]
fn a_list_that_was_never_read_has_nothing_to_read_anew() {
    let mut progress = Progress::default();
    progress.renew(5, 6);
    assert_eq!((progress.renewing, progress.epoch), (None, 5));
}

/// A window over whole days, with the list read down to `at`.
fn window(from: Date, to: Date, at: Option<OffsetDateTime>) -> Window {
    let zone = madrid();
    let mut progress = Progress::default();
    let wide = Horizon { goal: from, ..horizon(zone.start_of(to).unix_timestamp(), zone) };
    let mut window = progress.next(wide, Kind::Head).unwrap().clone();
    window.at = at.map(OffsetDateTime::unix_timestamp);
    window
}

#[test]
fn a_day_is_made_when_the_list_has_left_it_and_only_once() {
    let (first, end) = (date!(2026 - 11 - 01), date!(2026 - 11 - 11));
    let mut window = window(first, end, Some(datetime!(2026-11-07 12:00 UTC)));
    let days = |from, to| Some((from, to));
    assert_eq!(window.close_days(madrid(), false), days(date!(2026 - 11 - 08), date!(2026 - 11 - 10)));
    assert_eq!(window.close_days(madrid(), false), None);
    window.at = Some(datetime!(2026-11-04 22:55 UTC).unix_timestamp());
    assert_eq!(
        window.close_days(madrid(), false),
        days(date!(2026 - 11 - 06), date!(2026 - 11 - 07)),
        "objects of one moment may stand in any order"
    );
    assert_eq!(window.close_days(madrid(), true), days(first, date!(2026 - 11 - 05)));
}

#[test]
fn any_cut_of_a_window_makes_every_day_exactly_once() {
    // The window holds the night in which Madrid's clocks go back, and the one in which they go forward.
    for (first, end) in [(date!(2026 - 10 - 15), date!(2026 - 11 - 10)), (date!(2026 - 03 - 15), date!(2026 - 04 - 10))]
    {
        for seed in 0..200_i64 {
            let mut window = window(first, end, None);
            let (mut made, mut at) = (Vec::new(), window.to);
            let mut step = seed * 7919 % (3 * DAY) + 1;
            while at - step > window.from {
                at -= step;
                window.at = Some(at);
                made.extend(window.close_days(madrid(), false));
                step = (step * 31 + 17) % (2 * DAY) + 1;
            }
            made.extend(window.close_days(madrid(), true));
            assert_eq!(made.first().unwrap().1.next_day().unwrap(), end);
            assert_eq!(made.last().unwrap().0, first);
            assert!(made.windows(2).all(|pair| pair[1].1.next_day().unwrap() == pair[0].0), "{seed}: {made:?}");
        }
    }
}

#[test]
fn the_allocation_follows_the_transactions_of_the_last_thirty_days() {
    let mut ledger = Ledger::default();
    let today = date!(2026 - 11 - 24);
    assert!((ledger.allocation().burst - 10_000.0).abs() < 1e-9);
    for _ in 0..100 {
        ledger.count(date!(2026 - 11 - 01), today);
        ledger.count(date!(2026 - 10 - 25), today);
    }
    assert!((ledger.allocation().burst - 50_000.0).abs() < 1e-9, "what is thirty days old no longer counts");
    assert!((ledger.allocation().per_second - 50_000.0 / (30.0 * 86_400.0)).abs() < 1e-9);
    ledger.count(date!(2026 - 12 - 01), date!(2026 - 12 - 01));
    assert!((ledger.allocation().burst - 10_000.0).abs() < 1e-9);
}
