//! A shop whose lists are compared with a model.

use super::super::*;
use crate::{
    actors::{
        erased::{self, Versioned},
        tables::{counting::Counting, transaction::Transaction},
    },
    domain::{Entity, Folds, Id, Lifecycle, Name, View},
    store::{CommitVerdict, Epoch, Store},
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A thing with a field of each kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    pub there: bool,
    pub color: String,
    pub owner: u64,
    pub place: Option<u64>,
    pub free: bool,
    /// The customer whose it is.
    pub customer: Option<String>,
}

impl Entity for Thing {
    const READS: crate::domain::Reads = crate::domain::Reads::Public;
    const NAME: Name = Name {
        system: "shop",
        context: "shop.thing",
        collection: "things",
        item: "thing",
        korean: "물건",
    };
    type Representation = serde_json::Value;
    fn represent(&self, _: Id<Self>) -> serde_json::Value {
        serde_json::json!({})
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.there { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let color = self.color.as_str();
        vec![
            ("color", color.into()),
            ("owner", self.owner.into()),
            ("place", self.place.into()),
            ("free", self.free.into()),
        ]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["thingId"]
    }
}

impl View for Thing {
    fn folds(_: &mut impl Folds<Self>) {}
}

pub struct Shop {
    pub store: Arc<Counting>,
    pub tree: Tree,
    pub epoch: Epoch,
    pub model: BTreeMap<u64, Thing>,
}

impl Shop {
    pub fn new() -> Self {
        let store = Arc::new(Counting::default());
        let shared: Arc<dyn Store> = store.clone();
        let tree = Tree::open(&shared, erased::view_type::<Thing>()).unwrap();
        let epoch = store.activate(tree.id).unwrap();
        Self { store, tree, epoch, model: BTreeMap::new() }
    }

    pub fn of(things: impl IntoIterator<Item = (u64, Thing)>) -> Self {
        let mut shop = Self::new();
        shop.set_things(things);
        shop
    }

    pub fn set_things(&mut self, things: impl IntoIterator<Item = (u64, Thing)>) {
        let mut desk = Transaction::new(&self.tree, 0, u64::MAX);
        for (number, thing) in things {
            let owner = thing.customer.clone().map(Into::into);
            let row = Versioned { version: 1, saga: None, owner, state: Box::new(thing.clone()) };
            let record = row.encode().unwrap();
            desk.set_state(number, row, record).unwrap();
            self.model.insert(number, thing);
        }
        let batch = desk.into_batch(self.epoch).unwrap();
        assert!(matches!(self.store.submit(batch), Ok(CommitVerdict::Accepted(_))));
    }

    pub fn list_things(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        list_items(&self.tree, 0, query)
    }

    /// The page, and how many rows were read for it.
    pub fn count_reads(&self, query: &ListQuery) -> (Result<ListPage, Fault>, usize) {
        let before = self.store.rows_read();
        let page = self.list_things(query);
        (page, self.store.rows_read() - before)
    }

    pub fn expected_numbers(&self, query: &ListQuery) -> Vec<u64> {
        let text = |key: &Key| match key {
            Key::Text(text) => text.clone(),
            Key::Number(number) => number.to_string(),
            Key::Flag(flag) => flag.to_string(),
            Key::Missing => String::new(),
        };
        let has = |(number, thing): &(&u64, &Thing)| {
            thing.there
                && query
                    .owner
                    .as_deref()
                    .is_none_or(|owner| thing.customer.as_deref() == Some(owner))
                && query.filters.iter().all(|(name, value)| match name.as_str() {
                    "thingId" => number.to_string() == *value,
                    name => Entity::indexes(*thing)
                        .iter()
                        .any(|(field, key)| *field == name && text(key) == *value),
                })
        };
        let mut found: Vec<(Key, u64)> = self
            .model
            .iter()
            .filter(has)
            .map(|(number, thing)| {
                let field = query.sort.as_ref().map_or("id", |(field, _)| field);
                let value = Entity::indexes(thing).into_iter().find(|(known, _)| *known == field);
                (value.map_or(Key::Missing, |(_, value)| value), *number)
            })
            .collect();
        found.sort_by(|one, other| {
            indexes::compare_keys(&one.0, &other.0).then(one.1.cmp(&other.1))
        });
        if query.sort.as_ref().is_some_and(|(_, down)| *down) {
            found.reverse();
        }
        found.into_iter().map(|(_, number)| number).collect()
    }

    /// Follows `next` to the end, with a change before each page.
    pub fn walk_pages(&mut self, query: &ListQuery, mut change: impl FnMut(&mut Self)) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut query = query.clone();
        for _ in 0..3000 {
            let page = self.list_things(&query).unwrap();
            seen.extend(page_numbers(&page));
            let Some(next) = page.next else { return seen };
            query = ListQuery { after: Some(next), sort: None, filters: Vec::new(), ..query };
            change(self);
        }
        panic!("it never ends");
    }
}

pub fn page_numbers(page: &ListPage) -> Vec<u64> {
    page.items.iter().map(|item| item.number).collect()
}

/// Customers, one of whom has no number and one a name with another's in it.
pub const CUSTOMERS: &[&str] = &["7", "70", "A", "7\0", "김"];

pub fn any_thing() -> impl Strategy<Value = Thing> {
    let color = prop::sample::select(vec!["", "red", "blue", "blue\0", "빨강"]);
    let customer = prop::option::weighted(0.8, prop::sample::select(CUSTOMERS));
    let there = prop::bool::weighted(0.9);
    (there, color, 0..4_u64, prop::option::of(0..3_u64), any::<bool>(), customer).prop_map(
        |(there, color, owner, place, free, customer)| Thing {
            there,
            color: color.into(),
            owner,
            place,
            free,
            customer: customer.map(str::to_owned),
        },
    )
}

/// Things under numbers that share chunks, and some that do not.
pub fn any_things(most: usize) -> impl Strategy<Value = BTreeMap<u64, Thing>> {
    prop::collection::btree_map(
        prop_oneof![1..60_u64, 4080..4110_u64, 1..90_000_u64],
        any_thing(),
        0..most,
    )
}

pub fn any_query() -> impl Strategy<Value = ListQuery> {
    let fields = vec!["id", "thingId", "color", "owner", "place", "free"];
    let sort = prop::option::of((prop::sample::select(fields), any::<bool>()));
    let filters = (
        prop::option::weighted(0.3, prop::sample::select(vec!["red", "blue", "blue\0", "none"])),
        prop::option::weighted(0.4, 0..4_u64),
        prop::option::weighted(0.3, 0..3_u64),
        prop::option::weighted(0.3, any::<bool>()),
        prop::option::weighted(0.1, 1..60_u64),
    );
    (sort, filters, 0..6_u64, 1..12_u64).prop_map(
        |(sort, (color, owner, place, free, number), page, size)| {
            let filters = [
                ("owner", owner.map(|owner| owner.to_string())),
                ("color", color.map(str::to_owned)),
                ("free", free.map(|free| free.to_string())),
                ("place", place.map(|place| place.to_string())),
                ("thingId", number.map(|number| number.to_string())),
            ];
            let filters = filters
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect();
            let sort = sort.map(|(field, down)| (field.to_owned(), down));
            ListQuery { page, size, sort, filters, ..ListQuery::default() }
        },
    )
}
