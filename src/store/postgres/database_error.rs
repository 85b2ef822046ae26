//! What an error of the database means for the store.

use crate::store::StoreError;
use tokio_postgres::{Error, error::SqlState};

/// What may be done about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It passes: the database is away, changes over, or is asked too much.
    Passing(String),
    /// There is no room for more, or nothing may be written at present.
    Full(String),
    /// It does not pass by itself: what to do is in the words.
    Lasting(String),
    /// A statement does not fit what is in the database.
    Wrong(String),
}

impl Trouble {
    /// What `error` of the database at `hosts` means.
    pub fn of(error: &Error, hosts: &str) -> Self {
        let Some(said) = error.as_db_error() else {
            let why = chain_of(error);
            // What a connection says that wants a host that takes writes.
            if why.contains("does not allow writes") {
                return Self::Full(format!("the database at {hosts} can only be read"));
            }
            return Self::Passing(format!("the database at {hosts} cannot be reached: {why}"));
        };
        let words = said.message();
        let code = said.code();
        if [&SqlState::INVALID_PASSWORD, &SqlState::INVALID_AUTHORIZATION_SPECIFICATION]
            .contains(&code)
        {
            return Self::Lasting(format!(
                "the database at {hosts} refuses the user of `store.url`: {words}; correct its user and password, or the \
                 database's pg_hba.conf"
            ));
        }
        if *code == SqlState::INVALID_CATALOG_NAME {
            return Self::Lasting(format!(
                "{words} at {hosts}; create it, for example with `createdb`, or correct `store.url`"
            ));
        }
        if *code == SqlState::INSUFFICIENT_PRIVILEGE {
            return Self::Lasting(format!(
                "the user of `store.url` lacks a right: {words}; it has to own the schema `holdfast`, or to be allowed to create \
                 it (`grant create on database … to …`)"
            ));
        }
        if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            return Self::Full(format!("the database at {hosts} can only be read: {words}"));
        }
        match code.code().get(..2) {
            Some("53") if *code != SqlState::TOO_MANY_CONNECTIONS => {
                Self::Full(format!("the database at {hosts} has no room: {words}"))
            }
            // What is wrong with a statement stays wrong.
            Some("22" | "23" | "42") => Self::Wrong(format!(
                "the database at {hosts} does not do what it is asked: {words}"
            )),
            _ => Self::Passing(format!("the database at {hosts} is not able to: {words}")),
        }
    }

    /// The words.
    pub fn words(&self) -> &str {
        let (Self::Passing(words) | Self::Full(words) | Self::Lasting(words) | Self::Wrong(words)) =
            self;
        words
    }

    /// Whether there is no room, or nothing may be written.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// The error of a start that meets it.
    pub fn at_start(self) -> StoreError {
        StoreError::CannotOpen(self.words().to_owned())
    }
}

/// An error with those that it rests on.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(_) | Trouble::Full(_) | Trouble::Lasting(_) => Self::Overloaded,
            Trouble::Wrong(words) => Self::Failed(words),
        }
    }
}
