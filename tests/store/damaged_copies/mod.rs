//! Copies of a data directory, each damaged in one place: a flipped bit, a sector of zeros, a file cut short, an older
//! one, none. A copy may refuse to open; or it opens, and each row is there or is reported as damaged when it is read.
//! What must not be is a row that is missing, or another one, without a word.
//!
//! `HOLDFAST_DAMAGED_COPIES=500` makes so many copies, `HOLDFAST_SEED` others. What came of them is printed.

use original::{Original, Outcome, contents, copy, judge, make, names};
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

mod original;
mod refused;
use support::chance::Chance;

/// A copy that is silent for so long is one that hangs: sled looks for ever for some of the pages that it has lost. A
/// server logs it and ends then, because the thread of a system hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Damages one file; returns how.
fn damage(original: &Original, dir: &Path, chance: &mut Chance) -> String {
    let all = names(dir);
    let of = |begins: &str| {
        all.iter().filter(|name| name.starts_with(begins)).cloned().collect::<Vec<_>>()
    };
    let files = match chance.between(0, 10) {
        0..6 => of("db"),
        6 | 7 => of("journal."),
        _ => all.iter().filter(|name| *name != "lock").cloned().collect(),
    };
    let name = files[chance.between(0, files.len() as u64) as usize].clone();
    let path = dir.join(&name);
    let mut bytes = fs::read(&path).expect("reads");
    let at = chance.between(0, bytes.len() as u64) as usize;
    let what = match chance.between(0, 12) {
        0..5 => {
            let bit = chance.between(0, 8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        5..7 => {
            bytes[at] ^= chance.between(1, 256) as u8;
            format!("byte {at} changed")
        }
        7..9 => {
            let len = [512, 4096][chance.between(0, 2) as usize];
            let from = at - at % len;
            bytes.iter_mut().skip(from).take(len).for_each(|byte| *byte = 0);
            format!("{len} bytes of zeros at {from}")
        }
        9 => {
            bytes.truncate(at);
            format!("cut to {at} bytes")
        }
        10 => {
            let older = names(&original.older);
            let same: Vec<_> = older.iter().filter(|other| **other == name).chain(&older).collect();
            let taken = same[0];
            fs::copy(original.older.join(taken), dir.join(taken)).expect("copies");
            return format!("{taken} of an older copy");
        }
        _ => {
            fs::remove_file(&path).expect("removes");
            return format!("{name} missing");
        }
    };
    fs::write(&path, bytes).expect("writes");
    format!("{name}: {what}")
}

#[test]
fn any_damage_is_reported_and_nothing_is_missing_silently() {
    let number = |name: &str, otherwise| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let copies = number("HOLDFAST_DAMAGED_COPIES", 60);
    let seed = number("HOLDFAST_SEED", 7);
    let keep = tempfile::tempdir().expect("a temporary directory");
    let mut chance = Chance::new(seed);
    let original = Arc::new(make(keep.path(), &mut chance));
    let sound = keep.path().join("sound");
    copy(&original.now, &sound);
    assert_eq!(judge(&sound, &original.truth), Outcome::Whole);
    let mut refused = 0;
    let mut reported = 0;
    let mut whole = 0;
    let mut hanging = 0;
    let mut bad = Vec::new();
    for round in 0..copies {
        let dir = keep.path().join(format!("copy{round}"));
        copy(&original.now, &dir);
        let what = damage(&original, &dir, &mut chance);
        let before = contents(&dir);
        let (word, heard) = mpsc::channel();
        let judged = dir.clone();
        let truth = original.clone();
        thread::spawn(move || word.send(judge(&judged, &truth.truth)));
        match heard.recv_timeout(PATIENCE) {
            Ok(Outcome::Refused(words)) => {
                refused += 1;
                let after = contents(&dir);
                let changed: Vec<_> = before
                    .iter()
                    .filter(|(name, bytes)| after.get(*name) != Some(bytes))
                    .map(|(name, _)| name.as_str())
                    .collect();
                let more: Vec<_> =
                    after.keys().filter(|name| !before.contains_key(*name)).collect();
                if !changed.is_empty() || !more.is_empty() {
                    bad.push(format!(
                        "{what}: refused ({words}), and changed {changed:?}, made {more:?}"
                    ));
                }
            }
            Ok(Outcome::Reported(_)) => reported += 1,
            Ok(Outcome::Whole) => whole += 1,
            Ok(Outcome::Silent(how)) => bad.push(format!("{what}: SILENT: {how}")),
            Err(RecvTimeoutError::Timeout) => {
                println!("{what}: hangs");
                hanging += 1;
            }
            Err(RecvTimeoutError::Disconnected) => bad.push(format!("{what}: panics")),
        }
        fs::remove_dir_all(&dir).expect("removes");
    }
    println!(
        "{copies} copies: {refused} refused, {reported} reported when read, {hanging} hung when read, {whole} had lost nothing, \
         {} bad",
        bad.len()
    );
    bad.iter().for_each(|bad| println!("{bad}"));
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(hanging <= 1 + copies / 100, "{hanging} hang");
    assert!(refused + reported > copies / 10, "the damage did not matter");
}
