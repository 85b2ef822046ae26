//! Holds the language of the sources: names, comments and messages are plain English, in the field's terms.
use crate::tidy::sources;
use std::path::Path;

/// Words that say less than the field's own, and what to write instead.
const BANNED: [(&str, &str); 10] = [
    ("whoever", "the role: the caller, the client, the node"),
    ("whomever", "the role: the caller, the client, the node"),
    ("nobody", "no, none, or the role"),
    ("somebody", "the role: an operator, a receiver"),
    ("anybody", "any, or the role"),
    ("everybody", "all, or the role"),
    ("in vain", "without success"),
    ("is told", "gets, is reported, is notified"),
    ("are told", "get, are reported, are notified"),
    ("hearsay", "what other nodes have sent"),
];

/// Where sources are read.
const FOLDERS: [&str; 13] = [
    "src",
    "macros/src",
    "benches",
    "examples/load",
    "tests/actors",
    "tests/amqp",
    "tests/cli",
    "tests/cluster",
    "tests/http",
    "tests/simulation",
    "tests/store",
    "tests/support",
    "tests/systems",
];

/// The words of `line`, in small letters, one space apart; parts of a name count as words.
fn words_of(line: &str) -> String {
    let mut words = String::from(" ");
    for letter in line.chars() {
        if letter.is_alphabetic() {
            words.extend(letter.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    words.push(' ');
    words
}

/// The banned phrases of a source, with the lines that have them. A phrase may be broken between two lines of a comment.
fn banned_in(text: &str) -> Vec<(usize, &'static str)> {
    let lines: Vec<String> = text.lines().map(words_of).collect();
    let mut found = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let next = lines.get(place + 1).map_or("", |next| next.trim_start());
        let both = format!("{}{next}", line.trim_end().to_owned() + " ");
        for (phrase, _) in BANNED {
            let phrase_words = format!(" {phrase} ");
            let begins_here =
                both.find(&phrase_words).is_some_and(|at| at + 1 < line.trim_end().len());
            if begins_here {
                found.push((place + 1, phrase));
            }
        }
    }
    found
}

#[test]
fn sources_use_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        let all = sources(&root.join(folder)).into_iter();
        // This file names the words that it bans.
        for (path, text) in all.filter(|(path, _)| !path.ends_with("tests/cli/wording.rs")) {
            for (line, phrase) in banned_in(&text) {
                let instead = BANNED.iter().find(|(banned, _)| *banned == phrase).unwrap().1;
                wrong.push(format!("{}:{line}: `{phrase}`; write {instead}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_of_tests_are_plain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (path, text) in sources(&root) {
        for line in text.lines().filter(|line| line.trim_start().starts_with("fn ")) {
            let name = words_of(line.split('(').next().unwrap());
            let banned = BANNED.iter().find(|(phrase, _)| name.contains(&format!(" {phrase} ")));
            assert_eq!(banned, None, "{}: {line}", path.display());
        }
    }
}

#[test]
fn a_banned_word_is_found_in_names_and_over_two_lines_and_not_in_other_words() {
    assert_eq!(banned_in("let x = ask_nobody();"), [(1, "nobody")]);
    assert_eq!(banned_in("/// Whoever asks."), [(1, "whoever")]);
    assert_eq!(banned_in("/// The caller is\n/// told so."), [(1, "is told")]);
    assert_eq!(banned_in("/// It is\n/// there: told again.\nfn main() {}"), []);
    assert_eq!(banned_in("/// This told nobodys story, invain."), []);
}
