//! What there is to show: the systems with their contexts, as they declare themselves, and the words for them.

use super::{
    assets::Assets,
    brand::{Brand, PageSettings},
    shape::{FieldKind, Shape},
};
use crate::{
    actors::{Declaration, RouteInfo, Verb},
    domain::{Label, Mark, Name, Reads, Role},
    pages::{Language, values},
};
use std::sync::Arc;

/// What the pages of a server show.
#[derive(Debug)]
pub struct Site {
    pub brand: Brand,
    pub assets: Assets,
    pub zone: jiff::tz::TimeZone,
    pub systems: Vec<System>,
}

/// A business.
#[derive(Debug)]
pub struct System {
    /// Its name in paths.
    pub name: &'static str,
    /// Its contexts, in the order of the board.
    pub contexts: Vec<Shelf>,
}

/// A context, as pages show it.
pub struct Shelf {
    pub name: Name,
    pub is_view: bool,
    pub is_order: bool,
    pub reads: Reads,
    /// What lists filter by.
    pub filters: Vec<&'static str>,
    /// What no two things have the same.
    pub unique: Vec<&'static str>,
    /// Names of fields that are its own number.
    pub own_numbers: &'static [&'static str],
    /// How one looks.
    pub shape: Shape,
    labels: &'static [Label],
    declaration: Arc<dyn Declaration>,
}

/// How a context's things are found that belong to an order.
pub enum SharedBy {
    /// They have its number.
    Number,
    /// This field has it.
    Field(&'static str),
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({})", self.name.context)
    }
}

impl Site {
    /// The pages of what these contexts declare.
    pub fn new(
        settings: &PageSettings,
        declarations: impl IntoIterator<Item = Arc<dyn Declaration>>,
    ) -> Self {
        let PageSettings { brand, zone } = settings.clone();
        let mut systems: Vec<System> = Vec::new();
        for declaration in declarations {
            let name = declaration.name();
            let shelf = Shelf::of(declaration);
            match systems.iter_mut().find(|system| system.name == name.system) {
                Some(system) => system.contexts.push(shelf),
                None => systems.push(System { name: name.system, contexts: vec![shelf] }),
            }
        }
        Self { assets: Assets::of_brand(&brand), brand, zone, systems }
    }

    /// The system of this name.
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }
}

impl System {
    /// The context whose collection this is.
    pub fn shelf(&self, collection: &str) -> Option<&Shelf> {
        self.contexts.iter().find(|shelf| shelf.name.collection == collection)
    }

    /// The orders of the business.
    pub fn orders(&self) -> Option<&Shelf> {
        self.contexts.iter().find(|shelf| shelf.is_order && !shelf.is_view)
    }

    /// What staff registers and everyone may see, in the order of the board.
    pub fn catalogues(&self) -> impl Iterator<Item = &Shelf> {
        self.contexts.iter().filter(|shelf| shelf.is_catalogue())
    }

    /// What customers begin, their orders first.
    pub fn begun_by_customers(&self) -> impl Iterator<Item = &Shelf> {
        let orders = self.orders().into_iter();
        let is_order = |shelf: &&Shelf| shelf.is_order && !shelf.is_view;
        let others = self.contexts.iter().filter(move |shelf| !is_order(shelf));
        orders
            .chain(others)
            .filter(|shelf| shelf.creation().is_some_and(|route| route.role != Role::Admin))
    }

    /// The view of its orders, if it has one: what happens to an order shows there.
    pub fn order_view(&self) -> Option<&Shelf> {
        self.contexts.iter().find(|shelf| shelf.is_order && shelf.is_view)
    }

    /// The thing that a field of this name refers to by its number, or by a key that only one has.
    pub fn referred(&self, field: &str) -> Option<(&Shelf, bool)> {
        let by_number = self.contexts.iter().filter(|shelf| !shelf.is_view).find(|shelf| {
            let stem = field.strip_suffix("Id").or_else(|| field.strip_suffix("id"));
            let english = self.noun(shelf, Language::English);
            stem.is_some_and(|stem| {
                let called = [shelf.name.item, &english];
                called.into_iter().any(|name| name.eq_ignore_ascii_case(stem))
            })
        });
        let by_key = || self.contexts.iter().find(|shelf| shelf.unique.contains(&field));
        by_number.map(|shelf| (shelf, true)).or_else(|| by_key().map(|shelf| (shelf, false)))
    }

    /// What people call the system.
    pub fn title(&self, language: Language) -> String {
        let label = self.find_label(None, self.name);
        let english = || values::words_of(self.name);
        label.map_or_else(english, |label| in_language(&label, language))
    }

    fn find_label(&self, shelf: Option<&Shelf>, wire: &str) -> Option<Label> {
        let others = self.contexts.iter();
        let shelves = shelf.into_iter().chain(others);
        let mut labels = shelves.flat_map(|shelf| shelf.labels).chain(super::common_labels::COMMON);
        labels.find(|label| label.wire == wire).copied()
    }

    /// What people call a field, a value or a command of `shelf`.
    pub fn label(&self, shelf: &Shelf, wire: &str, language: Language) -> String {
        if let Some(label) = self.find_label(Some(shelf), wire) {
            return in_language(&label, language);
        }
        if let Some((referred, true)) = self.referred(wire) {
            return self.noun(referred, language);
        }
        values::words_of(wire)
    }

    /// What a field is to people besides.
    pub fn mark(&self, shelf: &Shelf, wire: &str) -> Option<Mark> {
        self.find_label(Some(shelf), wire)?.mark
    }

    /// What people call `value` of `field`, and what it is to them.
    pub fn value_label(
        &self,
        shelf: &Shelf,
        (field, value): (&str, &str),
        language: Language,
    ) -> Option<(String, Option<Mark>)> {
        let exact = format!("{field}={value}");
        let own = format!("{}.{exact}", shelf.name.item);
        let label = self.find_label(Some(shelf), &own);
        let label = label.or_else(|| self.find_label(Some(shelf), &exact));
        let label = label.or_else(|| self.find_label(Some(shelf), value))?;
        Some((in_language(&label, language), label.mark))
    }

    /// Whether the contexts declare a label for `value` of `field`.
    pub fn declares(&self, (field, value): (&str, &str)) -> bool {
        let exact = format!("{field}={value}");
        let mut labels = self.contexts.iter().flat_map(|shelf| shelf.labels);
        labels.any(|label| label.wire == exact || label.wire == value)
    }

    /// The values of fields of `shelf` that wait for staff, where lists filter by them.
    pub fn waiting_values(&self, shelf: &Shelf) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for name in &shelf.filters {
            let Some(FieldKind::Choice(values)) = shelf.shape.find(name).map(|field| &field.kind)
            else {
                continue;
            };
            let waits = |value: &&String| {
                let label = self.value_label(shelf, (name, value), Language::English);
                self.declares((name, value))
                    && label.is_some_and(|(_, mark)| mark == Some(Mark::Waiting))
            };
            found.extend(values.iter().filter(waits).map(|value| (*name, value.clone())));
        }
        found
    }

    /// How the things of `other` are found that belong to an order of `shelf`, if any do.
    pub fn shares_number(&self, shelf: &Shelf, other: &Shelf) -> Option<SharedBy> {
        // What a thing of a catalogue has elsewhere for all to see is no list of its orders.
        let is_shown = match other.reads {
            Reads::Owner | Reads::Staff => !shelf.is_catalogue(),
            Reads::Public => shelf.is_catalogue() && !other.is_view && !other.is_catalogue(),
            Reads::PublicWithout(_) => false,
        };
        if !is_shown {
            return None;
        }
        let names_it = |field: &&str| {
            self.referred(field)
                .is_some_and(|(named, by_number)| by_number && named.name == shelf.name)
        };
        if shelf.is_order && other.is_order || other.own_numbers.iter().any(&names_it) {
            return Some(SharedBy::Number);
        }
        other.filters.iter().find(|field| names_it(field)).map(|field| SharedBy::Field(field))
    }

    /// What people call one thing of `shelf`.
    pub fn noun(&self, shelf: &Shelf, language: Language) -> String {
        shelf.called(shelf.name.item, language)
    }

    /// What people call all things of `shelf`.
    pub fn plural(&self, shelf: &Shelf, language: Language) -> String {
        shelf.called(shelf.name.collection, language)
    }

    /// What one does who makes a thing of `shelf`, where that is no order like others: the label of `{item}.new`.
    pub fn creation_label(&self, shelf: &Shelf, language: Language) -> Option<String> {
        let label = self.find_label(Some(shelf), &format!("{}.new", shelf.name.item))?;
        Some(in_language(&label, language))
    }
}

fn in_language(label: &Label, language: Language) -> String {
    language.choose(label.english, label.korean).to_owned()
}

impl Shelf {
    fn of(declaration: Arc<dyn Declaration>) -> Self {
        Self {
            name: declaration.name(),
            is_view: declaration.is_view(),
            is_order: declaration.is_order(),
            reads: declaration.reads(),
            filters: declaration.filter_fields().to_vec(),
            unique: declaration.unique_fields(),
            own_numbers: declaration.id_aliases(),
            shape: Shape::of_things(declaration.as_ref()),
            labels: declaration.labels(),
            declaration,
        }
    }

    /// What people call it by this name of its own.
    fn called(&self, wire: &str, language: Language) -> String {
        let label = self.labels.iter().find(|label| label.wire == wire);
        let usual = || language.choose(values::words_of(wire), self.name.korean.to_owned());
        label.map_or_else(usual, |label| in_language(label, language))
    }

    /// The commands that it takes.
    pub fn routes(&self) -> &[RouteInfo] {
        self.declaration.routes()
    }

    /// The route by which one is made.
    pub fn creation(&self) -> Option<&RouteInfo> {
        self.routes().iter().find(|route| route.verb == Verb::Post && route.word.is_none())
    }

    /// Whether staff registers its things, for all to see.
    pub fn is_catalogue(&self) -> bool {
        let is_public = matches!(self.reads, Reads::Public | Reads::PublicWithout(_));
        is_public && self.creation().is_some_and(|route| route.role == Role::Admin)
    }

    /// Whether staff has something to say of its things besides maintaining them.
    pub fn is_decided_by_staff(&self) -> bool {
        self.routes().iter().any(|route| route.role == Role::Admin && route.word.is_some())
    }

    /// The path of its list among the pages.
    pub fn page(&self) -> String {
        format!("/pages/{}/{}", self.name.system, self.name.collection)
    }

    /// The path of its list for clients.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.name.system, self.name.collection)
    }

    /// Whether this is what staff decides, and not how it maintains the thing.
    pub fn is_decision(&self, does: &str) -> bool {
        self.routes().iter().any(|route| route.role == Role::Admin && route.word == Some(does))
    }
}
