//! Lists against a model: pages, walks under change, and how many rows they read.

mod owners;
mod shop;

use super::*;
use crate::{
    actors::{
        port::reads::ListLimits,
        tables::{counters::counters_key, indexes::CHUNK},
    },
    domain::Entity,
    store::{Batch, CommitVerdict, Store},
};
use proptest::prelude::*;
use shop::*;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_agree_with_a_model(things in any_things(120), query in any_query()) {
        let shop = Shop::of(things);
        let wanted = shop.expected_numbers(&query);
        let page = shop.list_things(&query).unwrap();
        let begin = (query.page * query.size) as usize;
        let shown: Vec<_> = wanted.iter().copied().skip(begin).take(query.size as usize).collect();
        prop_assert_eq!((page_numbers(&page), page.total, page.at_least, page.cut), (shown, wanted.len() as u64, false, false));
        prop_assert_eq!(page.next.is_some(), wanted.len() > begin + query.size as usize);
    }

    #[test]
    fn a_walk_shows_everything_once_in_order_however_few_rows_may_be_read(
        things in any_things(120), query in any_query(), rows in 1..40_usize,
    ) {
        let mut shop = Shop::of(things);
        let query = ListQuery { page: 0, limits: ListLimits { rows, ..ListLimits::default() }, ..query };
        let wanted = shop.expected_numbers(&query);
        prop_assert_eq!(shop.walk_pages(&query, |_| ()), wanted);
    }

    #[test]
    fn a_walk_shows_each_unchanged_row_once_while_others_change(
        things in any_things(80), query in any_query(), changes in prop::collection::vec((any::<prop::sample::Index>(), 1..90_000_u64, any_thing()), 0..60),
        rows in prop_oneof![Just(20_000_usize), 1..40_usize],
    ) {
        let mut shop = Shop::of(things);
        let query = ListQuery { page: 0, limits: ListLimits { rows, ..ListLimits::default() }, ..query };
        let field = query.sort.as_ref().map_or("id".to_owned(), |(field, _)| field.clone());
        let sorted_by = |thing: &Thing| Entity::indexes(thing).into_iter().find(|(known, _)| *known == field).map(|(_, value)| value);
        // Those that are in the list all the time, at the same place, and those that ever change their place.
        let mut stay: BTreeSet<u64> = shop.expected_numbers(&query).into_iter().collect();
        let mut moved = BTreeSet::new();
        let mut changes = changes.into_iter();
        let seen = shop.walk_pages(&query, |shop| {
            for (which, new, thing) in changes.by_ref().take(3) {
                let known: Vec<u64> = shop.model.keys().copied().collect();
                let number = if known.is_empty() || new % 3 == 0 { new } else { *which.get(&known) };
                let before = shop.model.get(&number).map(sorted_by);
                if before != Some(sorted_by(&thing)) {
                    moved.insert(number);
                }
                shop.set_things([(number, thing)]);
            }
            let now: BTreeSet<u64> = shop.expected_numbers(&query).into_iter().collect();
            stay.retain(|number| now.contains(number));
        });
        for number in &stay {
            let times = seen.iter().filter(|seen| *seen == number).count();
            prop_assert!(times == 1 || moved.contains(number), "{} was seen {} times", number, times);
        }
        let twice = |number: &&u64| seen.iter().filter(|seen| seen == number).count() > 1;
        // Only what changes the value that sorts it can come again.
        prop_assert!(seen.iter().filter(twice).all(|number| moved.contains(number)));
        if query.sort.as_ref().is_none_or(|(field, _)| field == "id" || field == "thingId") {
            prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
        }
    }

    #[test]
    fn what_one_page_reads_is_bounded_by_what_it_may_read_its_size_and_its_filters(
        things in any_things(150), query in any_query(), rows in 1..60_usize, walk in any::<bool>(),
    ) {
        let shop = Shop::of(things);
        let mut query = ListQuery { limits: ListLimits { rows, ..ListLimits::default() }, ..query };
        let all = shop.model.len();
        // To count and to find; once more for what is in the middle of being looked at, which is part of one chunk.
        let most = 2 * rows + (query.filters.len() + 1) * all.min(CHUNK as usize) + query.size as usize + 2;
        loop {
            let (page, read) = shop.count_reads(&query);
            prop_assert!(read <= most, "{} rows were read, {} may be", read, most);
            match page {
                Ok(ListPage { next: Some(next), .. }) if walk => {
                    query = ListQuery { page: 0, after: Some(next), sort: None, filters: Vec::new(), ..query };
                }
                Ok(_) | Err(Fault::PageTooDeep) => break,
                Err(other) => return Err(TestCaseError::fail(format!("{other}"))),
            }
        }
    }

    #[test]
    fn any_text_as_a_cursor_is_refused_or_gives_a_page(
        place in (prop_oneof![Just(Key::Missing), any::<u64>().prop_map(Key::Number), ".{0,9}".prop_map(Key::Text), any::<bool>().prop_map(Key::Flag)], any::<u64>()),
        sort in prop::option::of(("(id|color|owner|free|none)", any::<bool>())),
        filters in prop::collection::vec(("(color|owner|free|thingId|none)", "(red|1|true|x)"), 0..12),
        noise in ".{0,30}",
    ) {
        let shop = Shop::of((1..40).map(|number| (number, Thing { there: true, color: "red".into(), owner: 1, ..Thing::default() })));
        let made = Cursor { sort, filters, place: SortPosition { value: place.0, number: place.1 } }.into_text("shop.thing").unwrap();
        for text in [made, noise] {
            let (page, read) = shop.count_reads(&ListQuery { after: Some(text), ..ListQuery::default() });
            prop_assert!(matches!(page, Ok(_) | Err(Fault::BadCursor)), "{:?}", page);
            prop_assert!(read < 700);
        }
    }
}

fn red_thing(owner: u64) -> Thing {
    Thing { there: true, color: "red".into(), owner, ..Thing::default() }
}

fn sorted_query(field: &str, filters: &[(&str, &str)]) -> ListQuery {
    let filters =
        filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ListQuery { sort: Some((field.to_owned(), false)), filters, ..ListQuery::default() }
}

#[test]
fn in_a_long_list_every_page_costs_about_the_same() {
    let mut shop = Shop::new();
    const MANY: u64 = 60_000;
    for from in (1..=MANY).step_by(5000) {
        shop.set_things((from..from + 5000).map(|number| (number, red_thing(number % 7))));
    }
    shop.set_things([
        (30_001, Thing { place: Some(9), ..red_thing(1) }),
        (50_001, Thing { place: Some(9), ..red_thing(2) }),
    ]);
    let read = |query: &ListQuery| {
        let (page, read) = shop.count_reads(query);
        (
            page.map(|page| {
                (
                    page_numbers(&page).len(),
                    page.total,
                    page.at_least,
                    page.cut,
                    page.next.is_some(),
                )
            }),
            read,
        )
    };
    // By number: chunks are counted for any page; so are those of a text or a flag.
    for (page, filters) in [(0, &[][..]), (2999, &[]), (1500, &[("color", "red")])] {
        let (found, rows) =
            read(&ListQuery { page, filters: filters_of(filters), ..ListQuery::default() });
        assert_eq!(found, Ok((20, MANY, false, false, page < 2999)));
        assert!(rows < 60, "{rows}");
    }
    // By a field: from whichever end is nearer, and not at all in the middle.
    for page in [0, 900, 2100, 2999] {
        let (found, rows) = read(&ListQuery { page, ..sorted_query("owner", &[]) });
        assert_eq!(found, Ok((20, MANY, false, false, page < 2999)), "{page}");
        assert!(rows < 20_100, "{rows}");
    }
    let (found, rows) = read(&ListQuery { page: 1500, ..sorted_query("owner", &[]) });
    assert!(found == Err(Fault::PageTooDeep) && rows < 20_100, "{found:?} {rows}");
    // A few are found by the rare value, also when they share others with many.
    let (found, rows) = read(&sorted_query(
        "owner",
        &[("owner", "1"), ("place", "9"), ("color", "red"), ("free", "false")],
    ));
    assert_eq!(found, Ok((1, 1, false, false, false)));
    assert!(rows < 200, "{rows}");
    let (found, rows) = read(&sorted_query("color", &[("place", "9")]));
    assert_eq!((found, rows), (Ok((2, 2, false, false, false)), rows.min(20)));
    // More of one owner than may be counted.
    let few = ListLimits { rows: 1000, ..ListLimits::default() };
    let (found, rows) = read(&ListQuery {
        limits: few,
        filters: filters_of(&[("owner", "1")]),
        ..ListQuery::default()
    });
    assert!(
        found.as_ref().is_ok_and(|found| found.0 == 20
            && found.1 >= 900
            && found.2
            && !found.3
            && found.4),
        "{found:?}"
    );
    assert!(rows < 1100, "{rows}");
}

fn filters_of(filters: &[(&str, &str)]) -> Vec<(String, String)> {
    sorted_query("id", filters).filters
}

#[test]
fn a_page_of_a_short_list_reads_little_more_than_it_shows() {
    let shop = Shop::of((1..=50).map(|number| (number, red_thing(number % 5))));
    let read = |query: &ListQuery| shop.count_reads(query).1;
    assert!(read(&ListQuery::default()) <= 22);
    assert!(
        read(&ListQuery { filters: filters_of(&[("owner", "1")]), ..ListQuery::default() }) <= 21
    );
    assert!(read(&sorted_query("owner", &[])) <= 80);
}

#[test]
fn an_entry_whose_row_is_gone_or_unreadable_is_named_and_the_others_are_shown() {
    let shop = Shop::of((1..=9).map(|number| (number, red_thing(1))));
    let writes = vec![(state_key(0, 3), None), (state_key(0, 5), Some(vec![1, 2, 3]))];
    let batch = Batch { tree: shop.tree.id, epoch: shop.epoch, expects: Vec::new(), writes };
    assert!(matches!(shop.store.submit(batch), Ok(CommitVerdict::Accepted(_))));
    for query in [
        ListQuery::default(),
        sorted_query("owner", &[]),
        sorted_query("owner", &[("color", "red")]),
    ] {
        let page = shop.list_things(&query).unwrap();
        let mut shown = page_numbers(&page);
        let mut damaged = page.damaged;
        shown.sort_unstable();
        damaged.sort_unstable();
        assert_eq!(
            (shown, damaged, page.total),
            (vec![1, 2, 4, 6, 7, 8, 9], vec![3, 5], 9),
            "{query:?}"
        );
    }
    assert!(shop.tree.read_row(&counters_key()).unwrap().is_none());
}

#[test]
fn filters_are_judged_before_anything_is_read() {
    let shop = Shop::of([(1, red_thing(1))]);
    let refused = |filters: &[(&str, &str)]| {
        let (page, read) =
            shop.count_reads(&ListQuery { filters: filters_of(filters), ..ListQuery::default() });
        assert_eq!(read, 0);
        page.unwrap_err()
    };
    let allowed = "color, owner, place, free, thingId".to_owned();
    assert_eq!(refused(&[("size2", "1")]), Fault::UnknownFilter { field: "size2".into(), allowed });
    assert_eq!(refused(&[("owner", "1"), ("owner", "1")]), Fault::FilterTwice("owner".into()));
    assert!(matches!(refused(&[("owner", "x")]), Fault::BadFilter { .. }));
    let limits = ListLimits { filters: 1, ..ListLimits::default() };
    let query = ListQuery {
        filters: filters_of(&[("owner", "1"), ("color", "red")]),
        limits,
        ..ListQuery::default()
    };
    assert_eq!(shop.list_things(&query), Err(Fault::TooManyFilters(1)));
}

#[test]
fn a_cursor_goes_with_its_own_sort_and_filters_only() {
    let shop = Shop::of((1..=50).map(|number| (number, red_thing(number % 2))));
    let first = ListQuery { size: 5, ..sorted_query("owner", &[("color", "red")]) };
    let after = shop.list_things(&first).unwrap().next;
    let on =
        |query: ListQuery| shop.list_things(&ListQuery { after: after.clone(), size: 5, ..query });
    let second = page_numbers(&on(ListQuery::default()).unwrap());
    assert_eq!(second, shop.expected_numbers(&first)[5..10]);
    assert_eq!(page_numbers(&on(first.clone()).unwrap()), second);
    for other in [
        sorted_query("color", &[("color", "red")]),
        sorted_query("owner", &[("color", "blue")]),
        sorted_query("owner", &[("color", "red"), ("free", "false")]),
        ListQuery { page: 1, ..first },
    ] {
        assert_eq!(on(other.clone()), Err(Fault::BadCursor), "{other:?}");
    }
}
