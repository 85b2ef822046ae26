//! Lists of a customer: what is in them, what they cost, and the index that they walk.

use super::{shop::*, *};
use crate::{
    actors::{
        port::{machine::Machine, reads::ListLimits, retention::Retention, status::ContextStatus},
        tables::{
            counters::{Counters, Versions, counters_key, encode_counters},
            rebuild,
        },
    },
    store::{
        Batch, CommitVerdict, Scan, Store,
        keys::{Space, last_number},
    },
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// A list of one customer.
fn any_owned_query() -> impl Strategy<Value = ListQuery> {
    (any_query(), prop::sample::select(CUSTOMERS))
        .prop_map(|(query, owner)| ListQuery { owner: Some(owner.into()), ..query })
}

/// What the index of owners says: whose each number is.
fn indexed_owners(shop: &Shop) -> BTreeSet<(String, u64)> {
    let mut found = BTreeSet::new();
    for owner in CUSTOMERS {
        let prefix = indexes::value_prefix(0, indexes::OWNER, &Key::from(*owner)).build();
        for (key, row) in shop.tree.scan_rows(&Scan::prefix(&prefix, 1000)).unwrap() {
            if indexes::decode_entry(&row.record).unwrap() {
                found.insert(((*owner).to_owned(), last_number(&key).unwrap()));
            }
        }
    }
    found
}

/// What it should say: a fold of the rows.
fn folded_owners(shop: &Shop) -> BTreeSet<(String, u64)> {
    let listed = shop.model.iter().filter(|(_, thing)| thing.there);
    listed.filter_map(|(number, thing)| Some((thing.customer.clone()?, *number))).collect()
}

/// Takes the rows of all indexes away, and the note that they were written.
fn forget_indexes(shop: &Shop) {
    let entries = shop.tree.scan_rows(&Scan::space(Space::Index, 100_000)).unwrap();
    let mut writes: Vec<_> = entries.into_iter().map(|(key, _)| (key, None)).collect();
    let counters = Counters {
        written_by: Versions { rows: 3, claims: 1, indexes: 1, due: 1 },
        ..Counters::default()
    };
    writes.push((counters_key(), Some(encode_counters(&counters).unwrap())));
    submit(shop, Batch { tree: shop.tree.id, epoch: shop.epoch, expects: Vec::new(), writes });
}

fn submit(shop: &Shop, batch: Batch) {
    assert!(matches!(shop.store.submit(batch), Ok(CommitVerdict::Accepted(_))));
}

/// Rebuilds rows until nothing is due; the counters are read again before each page, as after a crash.
fn rebuild_rows(shop: &Shop) -> usize {
    let store: Arc<dyn Store> = shop.store.clone();
    let retention = Retention::new(Duration::ZERO);
    let machine = Machine::default();
    let status =
        ContextStatus::new(shop.tree.entity.name(), store, machine, None, 1, retention, None);
    for pages in 0.. {
        let (counters, commit) = rebuild::load_counters(&shop.tree).unwrap();
        let next =
            rebuild::next_batch(&shop.tree, shop.epoch, (&counters, commit), (&status, &|_| None));
        let Some(batch) = next.unwrap() else { return pages };
        submit(shop, batch);
    }
    unreachable!("it never ends")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_of_a_customer_agrees_with_a_model(things in any_things(120), query in any_owned_query()) {
        let shop = Shop::of(things);
        let wanted = shop.expected_numbers(&query);
        let page = shop.list_things(&query).unwrap();
        let begin = (query.page * query.size) as usize;
        let shown: Vec<_> = wanted.iter().copied().skip(begin).take(query.size as usize).collect();
        prop_assert_eq!((page_numbers(&page), page.total, page.at_least, page.cut), (shown, wanted.len() as u64, false, false));
        prop_assert!(page.items.iter().all(|item| item.owner == query.owner));
    }

    #[test]
    fn what_others_have_changes_neither_the_list_of_a_customer_nor_what_it_reads(
        things in any_things(200), query in any_owned_query(), rows in prop_oneof![Just(20_000_usize), 1..60_usize],
    ) {
        let mut query = ListQuery { limits: ListLimits { rows, ..ListLimits::default() }, ..query };
        // A customer who has more than may be counted is sorted along the rows of all.
        query.sort = query.sort.filter(|(field, _)| field == "id" || rows == 20_000);
        let own = things.clone().into_iter().filter(|(_, thing)| thing.customer.as_deref() == query.owner.as_deref());
        let alone = Shop::of(own);
        let shop = Shop::of(things);
        for _ in 0..500 {
            let (page, read) = shop.count_reads(&query);
            let (expected, expected_read) = alone.count_reads(&query);
            match (page, expected) {
                (Ok(page), Ok(expected)) => {
                    prop_assert_eq!(page_numbers(&page), page_numbers(&expected));
                    prop_assert_eq!((page.total, page.at_least, page.cut, &page.next), (expected.total, expected.at_least, expected.cut, &expected.next));
                    prop_assert_eq!(read, expected_read);
                    let Some(next) = page.next else { break };
                    query = ListQuery { page: 0, after: Some(next), sort: None, filters: Vec::new(), ..query };
                }
                (Err(Fault::PageTooDeep), Err(Fault::PageTooDeep)) => break,
                (page, expected) => return Err(TestCaseError::fail(format!("{page:?} {expected:?}"))),
            }
        }
    }

    #[test]
    fn a_walk_shows_a_customer_everything_once_and_no_cursor_names_what_others_have(
        things in any_things(120), query in any_owned_query(), rows in 1..40_usize,
    ) {
        let shop = Shop::of(things);
        let own: BTreeSet<u64> = shop.expected_numbers(&ListQuery { owner: query.owner.clone(), ..ListQuery::default() }).into_iter().collect();
        let mut query = ListQuery { page: 0, limits: ListLimits { rows, ..ListLimits::default() }, ..query };
        let wanted = shop.expected_numbers(&query);
        let to_count = own.len() * (query.filters.len() + 1);
        let mut seen = Vec::new();
        loop {
            let page = match shop.list_things(&query) {
                // It is sorted, and has more than may be counted.
                Err(Fault::PageTooDeep) if to_count >= rows => return Ok(()),
                page => page.unwrap(),
            };
            seen.extend(page_numbers(&page));
            let Some(next) = page.next else { break };
            let place = Cursor::from_text(&next, "shop.thing").unwrap().place;
            prop_assert!(own.contains(&place.number), "{:?}", place);
            query = ListQuery { after: Some(next), sort: None, filters: Vec::new(), ..query };
        }
        prop_assert_eq!(seen, wanted);
    }

    #[test]
    fn the_cursor_of_another_shows_a_customer_nothing_but_their_own(
        things in any_things(120), query in any_owned_query(), other in prop::sample::select(CUSTOMERS),
    ) {
        let shop = Shop::of(things);
        let query = ListQuery { page: 0, size: 1, ..query };
        let Some(after) = shop.list_things(&query).unwrap().next else { return Ok(()) };
        let other = ListQuery { after: Some(after), sort: None, filters: Vec::new(), owner: Some(other.into()), ..query };
        let page = shop.list_things(&other).unwrap();
        prop_assert!(page.items.iter().all(|item| item.owner == other.owner));
        prop_assert!(page.total <= folded_owners(&shop).iter().filter(|(owner, _)| Some(owner.as_str()) == other.owner.as_deref()).count() as u64);
    }

    #[test]
    fn the_index_of_owners_is_a_fold_of_the_rows_after_any_writes_and_after_a_rebuild(
        writes in prop::collection::vec(prop::collection::vec((prop_oneof![1..30_u64, 4090..4100_u64], any_thing()), 1..6), 0..25),
        rebuild_after in 0..25_usize,
    ) {
        let mut shop = Shop::new();
        for (place, turn) in writes.into_iter().enumerate() {
            shop.set_things(turn);
            prop_assert_eq!(indexed_owners(&shop), folded_owners(&shop));
            if place == rebuild_after {
                forget_indexes(&shop);
                prop_assert!(rebuild_rows(&shop) > 0);
                prop_assert_eq!(indexed_owners(&shop), folded_owners(&shop));
            }
        }
        prop_assert!(shop.list_things(&ListQuery::default()).unwrap().total == shop.model.values().filter(|thing| thing.there).count() as u64);
    }
}

#[test]
fn a_data_directory_without_the_index_gets_it_page_by_page() {
    let thing = |number: u64| Thing {
        there: true,
        customer: Some(if number.is_multiple_of(2) { "7" } else { "A" }.to_owned()),
        ..Thing::default()
    };
    let shop = Shop::of((1..=1000).map(|number| (number, thing(number))));
    forget_indexes(&shop);
    let query = ListQuery { owner: Some("7".into()), ..ListQuery::default() };
    assert_eq!(shop.list_things(&query).unwrap().total, 0);
    assert!(rebuild_rows(&shop) > 3, "each page is a batch");
    assert_eq!(shop.list_things(&query).unwrap().total, 500);
    assert_eq!(indexed_owners(&shop), folded_owners(&shop));
    assert_eq!(rebuild_rows(&shop), 0, "and it is done");
}

#[test]
fn no_client_can_name_the_index_of_owners() {
    let shop =
        Shop::of([(1, Thing { there: true, customer: Some("7".into()), ..Thing::default() })]);
    let named = |sort: Option<(String, bool)>, filters: Vec<(String, String)>| {
        shop.list_things(&ListQuery { sort, filters, ..ListQuery::default() })
    };
    let filter = vec![("@owner".to_owned(), "7".to_owned())];
    assert!(matches!(named(None, filter), Err(Fault::UnknownFilter { .. })));
    let sort = Some(("@owner".to_owned(), false));
    assert!(matches!(named(sort, Vec::new()), Err(Fault::SortUnsupported { .. })));
}

#[test]
fn what_is_withheld_is_no_field_to_filter_or_sort_by_also_not_by_a_cursor() {
    let shop = Shop::of(
        (1..=9)
            .map(|number| (number, Thing { there: true, owner: number % 2, ..Thing::default() })),
    );
    let filter = vec![("owner".to_owned(), "1".to_owned())];
    let sort = Some(("owner".to_owned(), false));
    let all = ListQuery { size: 2, ..ListQuery::default() };
    let reduced = ListQuery { withheld: &["owner"], ..all.clone() };
    let allowed = "color, place, free, thingId".to_owned();
    let refused = shop.list_things(&ListQuery { filters: filter.clone(), ..reduced.clone() });
    assert_eq!(
        refused,
        Err(Fault::UnknownFilter { field: "owner".into(), allowed: allowed.clone() })
    );
    let refused = shop.list_things(&ListQuery { sort: sort.clone(), ..reduced.clone() });
    let allowed = format!("id, {allowed}");
    assert_eq!(refused, Err(Fault::SortUnsupported { collection: "things", allowed }));
    for full in [ListQuery { filters: filter, ..all.clone() }, ListQuery { sort, ..all }] {
        let after = shop.list_things(&full).unwrap().next;
        assert!(after.is_some());
        let refused = shop.list_things(&ListQuery { after, ..reduced.clone() });
        assert_eq!(refused, Err(Fault::BadCursor));
    }
}

#[test]
fn a_customer_with_more_than_may_be_counted_is_paged_by_number() {
    let mut shop = Shop::new();
    for from in (1..=6000).step_by(1000) {
        let thing = |number: u64| Thing {
            there: true,
            owner: number % 3,
            customer: Some(if number.is_multiple_of(3) { "7" } else { "A" }.to_owned()),
            ..Thing::default()
        };
        shop.set_things((from..from + 1000).map(|number| (number, thing(number))));
    }
    let limits = ListLimits { rows: 500, ..ListLimits::default() };
    let query = ListQuery { owner: Some("7".into()), size: 100, limits, ..ListQuery::default() };
    let first = shop.list_things(&query).unwrap();
    assert!(first.at_least && first.total >= 500 && first.items.len() == 100, "{}", first.total);
    assert_eq!(shop.walk_pages(&query, |_| ()), shop.expected_numbers(&query));
    let sorted = ListQuery { sort: Some(("owner".to_owned(), true)), ..query };
    assert_eq!(shop.list_things(&sorted), Err(Fault::PageTooDeep));
}
