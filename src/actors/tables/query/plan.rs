//! What a list is filtered and sorted by, once its query is checked.

use super::filters::Filter;
use crate::{
    actors::{
        erased::{EntityType, Versioned},
        port::{fault::Fault, reads::ListQuery},
        tables::{indexes, tree::index_entries},
    },
    domain::{
        Key,
        number::{self, LARGEST, NumberError},
        text::to_nfc,
    },
};

/// A list that was asked for: sorted and filtered by what there is.
pub struct Plan {
    pub field: &'static str,
    pub down: bool,
    /// Values that fields must have.
    pub values: Vec<(&'static str, Key)>,
    /// The number that it must be.
    pub numbers: Vec<u64>,
    /// A filter whose number is beyond the bound of all numbers.
    pub out_of_range: Option<&'static str>,
}

impl Plan {
    /// The list that has this sort and these filters, which are those of `query` or of its cursor.
    pub fn from_query(
        entity: &dyn EntityType,
        sort: Option<&(String, bool)>,
        filters: &[(String, String)],
        query: &ListQuery,
    ) -> Result<Self, Fault> {
        let most = query.limits.filters;
        let mut known = filter_fields(entity);
        known.retain(|field| !query.withheld.contains(field));
        let numbered = entity.id_aliases();
        let (field, down) = match sort {
            None => (indexes::ALL, false),
            Some((field, down)) if field == "id" || numbered.contains(&field.as_str()) => {
                (indexes::ALL, *down)
            }
            Some((field, down)) => match known.iter().find(|known| *known == field) {
                Some(known) => (*known, *down),
                None => {
                    let allowed = ["id"].into_iter().chain(known).collect::<Vec<_>>().join(", ");
                    let collection = entity.name().collection;
                    return Err(Fault::SortUnsupported { collection, allowed });
                }
            },
        };
        let mut plan =
            Self { field, down, values: Vec::new(), numbers: Vec::new(), out_of_range: None };
        for (place, (name, value)) in filters.iter().enumerate() {
            if filters.iter().take(place).any(|(other, _)| other == name) {
                return Err(Fault::FilterTwice(name.clone()));
            }
            let Some(name) = known.iter().find(|known| *known == name) else {
                return Err(Fault::UnknownFilter {
                    field: name.clone(),
                    allowed: known.join(", "),
                });
            };
            if place >= most {
                return Err(Fault::TooManyFilters(most));
            }
            let number = if numbered.contains(name) {
                let number = number_of(name, value)?;
                plan.numbers.push(number);
                Some(number)
            } else {
                let key = parse_value(entity, name, value)?;
                let number = if let Key::Number(number) = key { Some(number) } else { None };
                plan.values.push((*name, key));
                number
            };
            if number.is_some_and(|number| number > LARGEST) {
                plan.out_of_range = Some(*name);
            }
        }
        let owner = query.owner.as_deref();
        plan.values.extend(owner.map(|owner| (indexes::OWNER, Key::from(owner))));
        Ok(plan)
    }

    /// The same list, where numbers of fields that have no value by default are texts.
    pub fn with_texts(&self, entity: &dyn EntityType) -> Option<Self> {
        let kinds = entity.absent_state().indexes();
        let mut values = self.values.clone();
        let mut has_text = false;
        for (field, key) in &mut values {
            if let Key::Number(number) = key
                && kinds.contains(&(*field, Key::Missing))
            {
                *key = Key::Text(number.to_string());
                has_text = true;
            }
        }
        let numbers = self.numbers.clone();
        has_text.then_some(Self { field: self.field, values, numbers, ..*self })
    }

    /// Whether it is of what belongs to one customer.
    pub fn is_of_owner(&self) -> bool {
        self.values.iter().any(|(field, _)| *field == indexes::OWNER)
    }

    pub fn is_filtered(&self) -> bool {
        !self.values.is_empty() || !self.numbers.is_empty()
    }

    pub fn build_filters(&self, generation: u32) -> Vec<Filter> {
        let mut filters: Vec<_> =
            self.numbers.iter().map(|number| Filter::Number(*number)).collect();
        filters.extend(
            self.values.iter().map(|(field, value)| Filter::by_value(generation, field, value)),
        );
        if self.values.is_empty() {
            filters.push(Filter::by_nothing(generation));
        }
        filters
    }

    /// Whether a state is what the filters want. One that has changed since its index was read may not be.
    pub fn accepts_state(&self, kept: &Versioned, number: u64) -> bool {
        let listed = index_entries(kept, number);
        !listed.is_empty() && self.values.iter().all(|value| listed.contains(value))
    }
}

/// A filter's value as the field has it. The default state shows which kind of value that is; a field that has none
/// by default takes a number where the words are one.
fn parse_value(entity: &dyn EntityType, field: &str, value: &str) -> Result<Key, Fault> {
    let indexes = entity.absent_state().indexes();
    let Some((_, kind)) = indexes.iter().find(|(known, _)| *known == field) else {
        return Err(bad_filter(field, value));
    };
    match kind {
        Key::Number(_) => number_of(field, value).map(Key::Number),
        Key::Flag(_) => value.parse().map(Key::Flag).map_err(|_| bad_filter(field, value)),
        Key::Text(_) => Ok(Key::Text(to_nfc(value))),
        Key::Missing => match number::parse_number(value) {
            Err(NumberError::Malformed) => Ok(Key::Text(to_nfc(value))),
            _ => number_of(field, value).map(Key::Number),
        },
    }
}

/// The number that a filter wants. One beyond the bound may have been stored before there was a bound.
fn number_of(field: &str, value: &str) -> Result<u64, Fault> {
    match number::parse_number(value) {
        Ok(number) | Err(NumberError::TooLarge(Some(number))) => Ok(number),
        Err(NumberError::TooLarge(None)) => Err(Fault::OutOfRange(field.to_owned())),
        Err(NumberError::Malformed) => Err(bad_filter(field, value)),
    }
}

fn bad_filter(field: &str, value: &str) -> Fault {
    Fault::BadFilter { field: field.to_owned(), value: value.to_owned() }
}

/// What lists of an entity filter by and sort by besides `id`.
pub fn filter_fields(entity: &dyn EntityType) -> Vec<&'static str> {
    let indexed = entity.absent_state().indexes().into_iter().map(|(field, _)| field);
    indexed.chain(entity.id_aliases().iter().copied()).collect()
}

/// What no two things of an entity have the same.
pub fn unique_fields(entity: &dyn EntityType) -> Vec<&'static str> {
    entity.absent_state().unique().into_iter().map(|(field, _)| field).collect()
}
