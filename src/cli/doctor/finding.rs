//! What is found, and what to do about it.

use serde::Serialize;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about, in a word that stays the same.
    pub about: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// What has been looked at, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Findings {
    /// What has been looked at.
    pub checked: Vec<&'static str>,
    /// What is not wrong, and good to know.
    pub notes: Vec<String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// Something has been looked at.
    pub fn looked_at(&mut self, about: &'static str) {
        if !self.checked.contains(&about) {
            self.checked.push(about);
        }
    }

    /// Something is good to know.
    pub fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// Something is wrong.
    pub fn add(&mut self, about: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.looked_at(about);
        self.findings.push(Finding { about, what: what.into(), remedy: remedy.into() });
    }
}
