//! What a context declares to clients, wherever it runs: its place, its commands, how its items look.

use crate::domain::{Label, Name, Reads, Role};
use schemars::{Schema, SchemaGenerator};
use std::fmt;

/// What a context declares to clients, without its types.
pub trait Declaration: Send + Sync {
    /// Its place.
    fn name(&self) -> Name;
    /// Whether it only listens.
    fn is_view(&self) -> bool;
    /// Whether its things are the orders of its system, or a view's rows of them.
    fn is_order(&self) -> bool;
    /// Who may read its things.
    fn reads(&self) -> Reads;
    /// Its fields that name a person or a place, or are said to a person, in their wire names.
    fn personal_fields(&self) -> &'static [&'static str];
    /// What people call its fields, their values and its commands.
    fn labels(&self) -> &'static [Label] {
        &[]
    }
    /// The fields whose value no other of its things has: natural keys.
    fn unique_fields(&self) -> Vec<&'static str> {
        Vec::new()
    }
    /// The names under which its fields have its own number.
    fn id_aliases(&self) -> &'static [&'static str] {
        &[]
    }
    /// Other spellings of its collection in the path.
    fn aliases(&self) -> &'static [&'static str];
    /// Its command routes, in the order of their declaration.
    fn routes(&self) -> &[RouteInfo];
    /// How one of its things looks.
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema;
    /// The fields that lists filter by; they sort by `id` and these.
    fn filter_fields(&self) -> &[&'static str];
}

impl fmt::Debug for dyn Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Declaration({})", self.name().context)
    }
}

/// Makes the schema of a body.
pub type BodySchema = fn(&mut SchemaGenerator) -> Schema;

/// A route without its types.
pub struct RouteInfo {
    /// `POST`, `PATCH` or `DELETE`.
    pub verb: Verb,
    /// The word between collection and number: `approve` in `PATCH /books/approve/{id}`.
    pub word: Option<&'static str>,
    /// Whose command it is on the board.
    pub role: Role,
    /// The schemas of the bodies that it takes: one of them, known by their fields. None for a route without a body.
    pub bodies: Vec<BodySchema>,
    /// The member of the body that names the customer whose the thing is to be.
    pub subject: Option<&'static str>,
    /// The member of the body with the grade of that customer.
    pub grade: Option<&'static str>,
    /// Whether it is a `DELETE` that withdraws what staff has registered, and cancels nothing.
    pub withdraws: bool,
}

impl RouteInfo {
    /// Whether what it begins is a customer's.
    pub fn begins_for_customer(&self) -> bool {
        self.verb == Verb::Post && self.role != Role::Admin
    }
}

/// The method of a command route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Post,
    Patch,
    Delete,
}
