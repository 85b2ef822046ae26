//! Pages for people, made from what the contexts declare. They know the server as an HTTP client does: see [`Backend`]. A page
//! is a function from a [`PageContext`] to a [`PageAnswer`], a template, and a line in `router.rs`.

mod answer;
mod assets;
mod backend;
mod brand;
mod command;
mod common_labels;
mod console;
mod context;
mod form;
mod item;
mod language;
mod layout;
mod mine;
mod names;
mod nav_link;
mod order;
mod problem;
mod router;
mod shape;
mod shop;
mod show;
mod site;
mod texts;
mod values;
mod visitor;
mod who;

pub use answer::{PageAnswer, PageBody};
pub use backend::{Backend, BackendReply, BackendRequest};
pub use brand::{Brand, Logo, PageSettings, is_colour};
pub use language::{LANGUAGE_COOKIE, Language};
pub use router::answer_page;
pub use site::Site;
pub use visitor::{ACTING_COOKIE, PageRequest, Visitor};
