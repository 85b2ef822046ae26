//! What can be asked, from the declarations.

use holdfast::{
    actors::{Declaration, Verb, collect_declarations},
    domain::Reads,
    identity::{Access, Audience, Owner},
    reference::fixed_routes,
    systems,
};
use std::{collections::BTreeMap, sync::Arc};

/// Whose the things of the tests are.
const CUSTOMER: &str = "7";

/// One request.
pub struct Cell {
    pub context: Option<&'static str>,
    pub method: &'static str,
    pub path: String,
    pub audience: Audience,
    /// Whether one thing is concerned, which is a customer's.
    is_owned: bool,
    pub is_stream: bool,
}

impl Cell {
    pub fn owner(&self) -> Owner<'static> {
        if self.is_owned { Owner::Known(Some(CUSTOMER)) } else { Owner::Unknown }
    }

    pub fn has_body(&self) -> bool {
        !matches!(self.method, "GET" | "HEAD")
    }

    pub fn is_command(&self) -> bool {
        self.context.is_some() && self.has_body()
    }

    /// Whether a refusal looks like something that is not there.
    pub fn can_be_absent(&self) -> bool {
        self.is_owned
            || matches!(
                self.audience,
                Audience::Node | Audience::Administration(Access::Development)
            )
    }

    /// Whether credentials that are not valid are passed over, as if there were none.
    pub fn takes_wrong_credentials(&self) -> bool {
        matches!(self.audience, Audience::Public | Audience::Node)
    }

    /// What is let in is answered: with what is there, or with what was wrong on purpose.
    #[track_caller]
    pub fn check_allowed(&self, status: u16, code: &str, what: &str) {
        match self.context {
            Some(_) if self.has_body() => {
                assert_eq!((status, code), (400, "bad-if-match"), "{what}")
            }
            Some(_) => assert_eq!(status, 200, "{what}"),
            None => assert!(status < 500, "{what}: {status}"),
        }
    }
}

/// What the contexts of `system` declare.
pub fn declared(system: &str) -> Vec<Arc<dyn Declaration>> {
    collect_declarations(|board| {
        systems::lay_out(system, board);
    })
}

/// The requests to the contexts of `system`, whose `things` have these numbers.
pub fn system_cells(system: &str, things: &BTreeMap<&'static str, u64>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for context in declared(system) {
        let name = context.name();
        let number = things[name.context];
        let readers = Audience::Readers { context: name.context, reads: context.reads() };
        let is_owned = context.reads() == Reads::Owner;
        let mut add = |method, rest: String, audience, is_item: bool, is_stream: bool| {
            cells.push(Cell {
                context: Some(name.context),
                method,
                path: format!("/{system}/{}{rest}", name.collection),
                audience,
                is_owned: is_item && is_owned,
                is_stream,
            });
        };
        for (method, is_stream) in [("GET", false), ("HEAD", false), ("HEAD", true)] {
            add(method, String::new(), readers, false, is_stream);
            add(method, format!("/{number}"), readers, true, is_stream);
        }
        for route in context.routes() {
            let audience = Audience::Writers { context: name.context, role: route.role };
            let is_item = route.verb != Verb::Post || route.word.is_some();
            let word = route.word.map(|word| format!("/{word}")).unwrap_or_default();
            let rest = if is_item { format!("{word}/{number}") } else { String::new() };
            let method = match route.verb {
                Verb::Post => "POST",
                Verb::Patch => "PATCH",
                Verb::Delete => "DELETE",
            };
            add(method, rest, audience, is_item, false);
        }
    }
    cells
}

/// The requests to the fixed routes. What they name is there where they would do no harm, and otherwise not.
pub fn fixed_cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for route in fixed_routes() {
        let is_harmless =
            !matches!(route.audience, Audience::Administration(Access::Act | Access::Keys));
        let context = if is_harmless { "bookrent.rent" } else { "none" };
        let mut path = route.path.replace(":.*", "");
        for (parameter, value) in [
            ("{context}", context),
            ("{system}", "bookrent"),
            ("{number}", "1"),
            ("{view}", "none"),
            ("{id}", "none"),
            ("{type}", "none"),
            ("{code}", "not-found"),
            ("{file}", "none"),
        ] {
            path = path.replace(parameter, value);
        }
        let variants = [(path.clone(), route.audience)].into_iter().chain(
            route.detail.map(|(parameter, audience)| (format!("{path}?{parameter}"), audience)),
        );
        for (path, audience) in variants {
            for method in route.methods.iter().copied() {
                let is_stream = method == "HEAD" && audience == Audience::Events;
                let path = path.clone();
                cells.push(Cell {
                    context: None,
                    method,
                    path,
                    audience,
                    is_owned: false,
                    is_stream,
                });
            }
        }
    }
    cells
}
